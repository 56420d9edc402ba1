using Metrics.Domain.Catalogue;
using Metrics.Domain.Facts;

namespace Metrics.Domain.Normalisation;

/// <summary>What the readings chosen for something say about one grid period.</summary>
/// <param name="Joules">Its energy.</param>
/// <param name="Measured">The part of it that is measured or derived.</param>
/// <param name="Ticks">The stretch for which all of it is known.</param>
/// <param name="Evidence">The worst of the inputs.</param>
/// <param name="Mappings">The mappings of the inputs.</param>
internal readonly record struct Reading(double Joules, double Measured, long Ticks, Evidence Evidence, int Mappings)
{
    /// <summary>The part of some joules of this reading that is measured or derived.</summary>
    public double MeasuredOf(double joules) => Joules > 0 ? joules * (Measured / Joules) : Evidence <= Evidence.Derived ? joules : 0;
}

/// <summary>The server boundary of a machine in one grid period.</summary>
/// <param name="Reading">What was read of it.</param>
/// <param name="Cover">What made it up.</param>
/// <param name="HoldsAccelerators">Whether the reading holds the energy of the accelerators, or they come on top.</param>
internal readonly record struct ServerReading(Reading Reading, string Cover, bool HoldsAccelerators);

/// <summary>Who claims the series of a reading, with what they said. Kept and used again from period to period.</summary>
internal sealed class Claims
{
    /// <summary>Stands for the series that no workload claims.</summary>
    public const int Nobody = -1;

    private readonly List<(int Workload, double Joules, long Ticks)> claims = [];

    public int Count => claims.Count;

    public (int Workload, double Joules, long Ticks) this[int index] => claims[index];

    public bool Any => claims.Exists(static claim => claim.Workload != Nobody);

    public double Joules { get; private set; }

    public long Ticks { get; private set; }

    public void Clear()
    {
        claims.Clear();
        (Joules, Ticks) = (0, 0);
    }

    public void Add(int workload, double joules, long ticks)
    {
        Joules += joules;
        Ticks += ticks;
        for (var i = 0; i < claims.Count; i++)
        {
            if (claims[i].Workload != workload) continue;
            claims[i] = (workload, claims[i].Joules + joules, claims[i].Ticks + ticks);
            return;
        }
        claims.Add((workload, joules, ticks));
    }

    /// <summary>The share of a claim: by energy, or by time where there was none.</summary>
    public double ShareOf(int index) => claims.Count == 1 ? 1 : Joules > 0 ? claims[index].Joules / Joules : TimeShareOf(index);

    /// <summary>The share of a claim by time alone.</summary>
    public double TimeShareOf(int index) => claims.Count == 1 ? 1 : (double)claims[index].Ticks / Ticks;
}

/// <summary>
/// Cover: from all that is read of a resource, one reading for each component and one set of components for each
/// boundary, so that nothing is counted twice.
/// </summary>
internal sealed class Cover(Pieces pieces, Provenance provenance, IReadOnlyList<KnownSeries> series)
{
    private readonly List<Piece> chosen = [];
    private readonly List<(long Ticks, int Series)> tracks = [];
    private readonly PriorityQueue<int, (long End, int Track)> ends = new();
    private int[] trackOf = new int[16];

    /// <summary>What the best meter of the component says; null when none says anything.</summary>
    /// <param name="resource">The resource.</param>
    /// <param name="component">The component; its disjoint parts are added up.</param>
    /// <param name="bin">The grid period.</param>
    /// <param name="claims">Receives who claims the series that were read.</param>
    public Reading? Component(MeteredResource resource, Component component, int bin, Claims claims)
    {
        var meters = resource[component];
        if (meters.Count == 0 || Best(meters, bin) is not { } meter) return null;

        double joules = 0;
        var ticks = long.MaxValue;
        foreach (var part in meter.Parts)
        {
            double partJoules = 0;
            long partTicks = 0;
            foreach (ref readonly var piece in Track(part, bin))
            {
                partJoules += piece.Amount;
                partTicks += piece.Ticks;
                claims.Add(series[piece.Series].Workload, piece.Amount, piece.Ticks);
            }
            if (partTicks == 0) continue;
            joules += partJoules;
            ticks = Math.Min(ticks, partTicks);
        }
        // The better meter may carry no labels of a workload where a lesser one does: whose it is, is then told by that one.
        if (meters.Count > 1 && !claims.Any) ClaimByOthers(meters, meter, bin, claims);
        var evidence = meter.First.Evidence;
        return new Reading(joules, evidence <= Evidence.Derived ? joules : 0, ticks, evidence, meter.First.Mappings);
    }

    private void ClaimByOthers(List<Meter> meters, Meter chosen, int bin, Claims claims)
    {
        Meter? telling = null;
        foreach (var other in meters)
            if (other != chosen && (telling is null || Precedes(other.First, telling.First)) && Claimed(other, bin)) telling = other;
        if (telling is null) return;
        claims.Clear();
        foreach (var part in telling.Parts)
            foreach (ref readonly var piece in Track(part, bin)) claims.Add(series[piece.Series].Workload, piece.Amount, piece.Ticks);
    }

    private bool Claimed(Meter meter, int bin)
    {
        foreach (var part in meter.Parts)
            foreach (ref readonly var piece in Track(part, bin))
                if (series[piece.Series].Workload != Claims.Nobody) return true;
        return false;
    }

    /// <summary>
    /// The server boundary: what measures the whole machine before what measures its inputs, its modules or its platform,
    /// and these before the sum of packages and memory. Cores and uncore lie inside a package and are never added; alone
    /// they are no server.
    /// </summary>
    /// <param name="server">The machine, or what shares one.</param>
    /// <param name="bin">The grid period.</param>
    /// <param name="accelerators">Whether accelerators of it are read, which the platform and the packages do not hold.</param>
    /// <param name="claims">Receives who claims the series that were read.</param>
    public ServerReading? Server(MeteredResource server, int bin, bool accelerators, Claims claims)
    {
        if (Component(server, Catalogue.Component.Node, bin, claims) is { } node) return new ServerReading(node, "node", true);
        if (Component(server, Catalogue.Component.Psu, bin, claims) is { } supplies) return new ServerReading(supplies, "psu", true);
        if (Component(server, Catalogue.Component.Module, bin, claims) is { } modules) return new ServerReading(modules, "module", true);
        if (Component(server, Catalogue.Component.Platform, bin, claims) is { } platform) return new ServerReading(platform, accelerators ? "platform+accelerator" : "platform", false);
        if (Component(server, Catalogue.Component.Cpu, bin, claims) is not { } packages) return null;
        if (Component(server, Catalogue.Component.Memory, bin, claims) is not { } memory) return new ServerReading(packages, accelerators ? "cpu+accelerator" : "cpu", false);
        return new ServerReading(Sum(packages, memory), accelerators ? "cpu+memory+accelerator" : "cpu+memory", false);
    }

    /// <summary>Both together; known for as long as each is.</summary>
    public Reading Sum(Reading a, Reading b) => new(
        a.Joules + b.Joules, a.Measured + b.Measured, Math.Min(a.Ticks, b.Ticks),
        KnownSeries.Worst(a.Evidence, b.Evidence), provenance.Union(a.Mappings, b.Mappings));

    /// <summary>Of the meters that cover nearly as much as the one that covers most: the best evidence, then the first by mapping and series.</summary>
    private Meter? Best(List<Meter> meters, int bin)
    {
        if (meters.Count == 1) return TicksOf(meters[0], bin) > 0 ? meters[0] : null;
        long most = 0;
        foreach (var meter in meters) most = Math.Max(most, TicksOf(meter, bin));
        if (most == 0) return null;
        Meter? best = null;
        foreach (var meter in meters)
            if (NearlyAll(TicksOf(meter, bin), most) && (best is null || Precedes(meter.First, best.First))) best = meter;
        return best;
    }

    private static bool NearlyAll(long ticks, long most) => ticks * 10 >= most * 9;

    private static bool Precedes(KnownSeries a, KnownSeries b)
    {
        if (a.Evidence != b.Evidence) return a.Evidence < b.Evidence;
        var byId = string.CompareOrdinal(a.Mapping.Id, b.Mapping.Id);
        return byId != 0 ? byId < 0 : a.Number < b.Number;
    }

    /// <summary>The time for which all parts that say anything are known.</summary>
    private long TicksOf(Meter meter, int bin)
    {
        var ticks = long.MaxValue;
        foreach (var part in meter.Parts)
        {
            long partTicks = 0;
            foreach (ref readonly var piece in Track(part, bin)) partTicks += piece.Ticks;
            if (partTicks > 0) ticks = Math.Min(ticks, partTicks);
        }
        return ticks == long.MaxValue ? 0 : ticks;
    }

    /// <summary>The pieces of a part in a period, without duplicates: pieces that follow each other are one track, and of tracks that overlap one is chosen.</summary>
    private ReadOnlySpan<Piece> Track(MeterPart part, int bin)
    {
        var all = part.Of(bin, pieces);
        if (part.Series.Count == 1 || all.Length <= 1) return all;

        tracks.Clear();
        ends.Clear();
        if (trackOf.Length < all.Length) trackOf = new int[all.Length * 2];
        for (var i = 0; i < all.Length; i++)
        {
            var piece = all[i];
            // The track that ended first goes on, so that a flood of label sets costs no more than sorting it.
            if (ends.TryPeek(out var track, out var earliest) && earliest.End <= piece.From)
            {
                ends.Dequeue();
                tracks[track] = (tracks[track].Ticks + piece.Ticks, Math.Min(tracks[track].Series, piece.Series));
            }
            else
            {
                track = tracks.Count;
                tracks.Add((piece.Ticks, piece.Series));
            }
            ends.Enqueue(track, (piece.To, track));
            trackOf[i] = track;
        }
        if (tracks.Count == 1) return all;

        var most = tracks.Max(static track => track.Ticks);
        var best = -1;
        for (var i = 0; i < tracks.Count; i++)
            if (NearlyAll(tracks[i].Ticks, most) && (best < 0 || tracks[i].Series < tracks[best].Series)) best = i;
        chosen.Clear();
        for (var i = 0; i < all.Length; i++)
            if (trackOf[i] == best) chosen.Add(all[i]);
        return System.Runtime.InteropServices.CollectionsMarshal.AsSpan(chosen);
    }
}
