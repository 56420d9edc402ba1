using System.Runtime.InteropServices;
using Metrics.Domain.Factors;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Normalisation;

/// <summary>Which of several meters is taken, and which of several series that tell the same.</summary>
internal sealed class MeterChoice(Grid grid, Pieces pieces, DecisionTrace? trace, FactorBook? factors, Rules rules = Rules.All)
{
    // A load below this may be a rounding of none.
    private const double LeastLoad = 0.02;

    private static readonly Bounds Unstated = new(0.75, 1.25);

    private readonly List<Piece> chosen = [];
    private readonly List<Piece> filled = [];
    private readonly List<(long Ticks, int Series, double Amount)> tracks = [];
    private readonly PriorityQueue<int, (long End, int Track)> ends = new();
    private int[] trackOf = new int[16];

    /// <summary>Of the meters that cover nearly as much as the one that covers most: the best evidence, then the first by mapping and
    /// series. One that shows nothing while another shows something is dead, and one that shows less than what is in it is not
    /// believed.</summary>
    public Meter? Best(List<Meter> meters, int bin, Parts parts = default)
    {
        if (meters.Count == 1)
            return TicksOf(meters[0], bin) is > 0 and var ticks && IsBelieved(meters[0], bin, ticks, parts) ? meters[0] : null;
        long most = 0;
        foreach (var meter in meters)
            most = Math.Max(most, TicksOf(meter, bin));
        if (most == 0)
            return null;
        Meter? best = null;
        foreach (var meter in meters)
            if (
                TicksOf(meter, bin) is var ticks
                && NearlyAll(ticks, most)
                && (best is null || Precedes(meter.First, best.First))
                && IsBelieved(meter, bin, ticks, parts)
                && !(AmountOf(meter, bin) == 0 && meters.Exists(other => other != meter && ShowsSomething(other, bin, most)))
            )
                best = meter;
        return best;
    }

    /// <summary>Whether a meter that covers nearly all shows more than nothing: of a load more than what rounding makes of one.</summary>
    private bool ShowsSomething(Meter meter, int bin, long most) =>
        NearlyAll(TicksOf(meter, bin), most) && AmountOf(meter, bin) > (meter.First.IsLoad ? LeastLoad * Piece.Seconds(most) : 0);

    private double AmountOf(Meter meter, int bin) => AmountOf(meter, bin, out _);

    private double AmountOf(Meter meter, int bin, out double doubt)
    {
        double amount = 0;
        doubt = 0;
        foreach (var part in meter.Parts)
        foreach (ref readonly var piece in Track(part, bin))
            (amount, doubt) = (amount + piece.Amount, doubt + piece.Doubt);
        return amount;
    }

    /// <summary>Whether a meter of a whole can show what it does, with that in it.</summary>
    private bool IsBelieved(Meter meter, int bin, long ticks, Parts parts)
    {
        var inside = rules.HasFlag(Rules.Parts) ? parts.In(ticks) : 0;
        var joules = inside > 0 || meter.First.IsOfBoard ? AmountOf(meter, bin, out var doubt) : doubt = 0;
        if (meter.First.IsOfBoard && joules == 0 && ticks * 2 >= grid[bin].Length.Ticks)
        {
            DeadBoard = meter.First;
            return false;
        }
        if (inside <= 0)
            return true;
        var component = meter.First.Mapping.Component is Component.None ? Component.Node : meter.First.Mapping.Component;
        if ((joules + doubt) * AccuracyOf(meter.First.Evidence, component).High >= inside * (1 - 1e-9))
            return true;
        Disbelieved ??= (meter.First, joules, inside);
        return false;
    }

    /// <summary>The meter of a whole that showed less than its parts since this was last cleared, what it showed, and the least that the
    /// parts drew, in joules.</summary>
    public (KnownSeries Meter, double Joules, double Parts)? Disbelieved { get; set; }

    /// <summary>The meter of a board that showed nothing for most of a period since this was last cleared: what answers draws
    /// power.</summary>
    public KnownSeries? DeadBoard { get; set; }

    /// <summary>Between what multiples of a reading the truth lies. A meter whose accuracy nobody states is taken to err by a quarter: for
    /// doubts alone, never for bounds that are told.</summary>
    private Bounds AccuracyOf(Evidence evidence, Component component) => factors?.Uncertainty.Of(evidence, component) ?? Unstated;

    /// <summary>The least that processors and memory drew by their meters, and for how long they are read. Nothing of it counts as
    /// used.</summary>
    public (double Joules, long Ticks) LeastOfProcessors(MeteredResource server, int bin)
    {
        var (joules, most) = (0.0, 0L);
        foreach (var component in (ReadOnlySpan<Component>)[Component.Cpu, Component.Memory])
        {
            var meters = server[component];
            if (meters.Count == 0 || Best(meters, bin) is not { } meter)
                continue;
            joules += AmountOf(meter, bin) * AccuracyOf(meter.First.Evidence, component).Low;
            most = Math.Max(most, TicksOf(meter, bin));
        }
        return (joules, most);
    }

    /// <summary>The least that a reading of a component can be, as a multiple of it.</summary>
    public double LeastOf(in Reading reading, Component component) =>
        reading.Joules > 0 && !double.IsNaN(reading.Low) ? reading.Low / reading.Joules : AccuracyOf(reading.Evidence, component).Low;

    public static bool NearlyAll(long ticks, long most) => ticks * 10 >= most * 9;

    public static bool Precedes(KnownSeries a, KnownSeries b)
    {
        if (a.Evidence != b.Evidence)
            return a.Evidence < b.Evidence;
        var byId = string.CompareOrdinal(a.Mapping.Id, b.Mapping.Id);
        return byId != 0 ? byId < 0 : a.Number < b.Number;
    }

    /// <summary>Whether anything is told of an accelerator within reach of a period.</summary>
    public bool HasSamplesNear(MeteredResource board, int bin) =>
        board[Component.Accelerator]
            .Concat(board.Loads(Component.Accelerator))
            .Any(meter => meter.Parts.Exists(part => part.HasSamplesNear(grid[bin])));

    /// <summary>The time for which all parts that say anything are known; none where a part is silent without which the others are no
    /// whole.</summary>
    private long TicksOf(Meter meter, int bin)
    {
        var ticks = long.MaxValue;
        foreach (var part in meter.Parts)
        {
            long partTicks = 0;
            foreach (ref readonly var piece in Track(part, bin))
                partTicks += piece.Ticks;
            if (partTicks > 0)
                ticks = Math.Min(ticks, partTicks);
            else if (meter.PartsMakeAWhole && part.HasSamplesNear(grid[bin]))
                return 0;
        }
        return ticks == long.MaxValue ? 0 : ticks;
    }

    /// <summary>The pieces of a part in a period, without duplicates: pieces that follow each other are one track, and of tracks that
    /// overlap one is chosen.</summary>
    /// <remarks>All series of a part are one chain: what the chosen track does not tell, another one may.</remarks>
    public ReadOnlySpan<Piece> Track(MeterPart part, int bin)
    {
        var all = part.Of(bin, pieces);
        if (part.Series.Count == 1 || all.Length <= 1)
            return all;

        tracks.Clear();
        ends.Clear();
        if (trackOf.Length < all.Length)
            trackOf = new int[all.Length * 2];
        for (var i = 0; i < all.Length; i++)
        {
            var piece = all[i];
            // The track that ended first goes on, so that a flood of label sets costs no more than sorting it.
            if (ends.TryPeek(out var track, out var earliest) && earliest.End <= piece.From)
            {
                ends.Dequeue();
                tracks[track] = (
                    tracks[track].Ticks + piece.Ticks,
                    Math.Min(tracks[track].Series, piece.Series),
                    tracks[track].Amount + piece.Amount
                );
            }
            else
            {
                track = tracks.Count;
                tracks.Add((piece.Ticks, piece.Series, piece.Amount));
            }
            ends.Enqueue(track, (piece.To, track));
            trackOf[i] = track;
        }
        if (tracks.Count == 1)
            return all;

        var most = tracks.Max(static track => track.Ticks);
        var best = -1;
        // Of two spellings of one thing one may be broken: what shows nothing while the other shows something.
        var some = tracks.Exists(track => NearlyAll(track.Ticks, most) && track.Amount > 0);
        for (var i = 0; i < tracks.Count; i++)
            if (NearlyAll(tracks[i].Ticks, most) && (tracks[i].Amount > 0 || !some) && (best < 0 || tracks[i].Series < tracks[best].Series))
                best = i;
        chosen.Clear();
        for (var i = 0; i < all.Length; i++)
            if (trackOf[i] == best)
                chosen.Add(all[i]);
        if (trace is not null)
            for (var i = 0; i < all.Length; i++)
                if (trackOf[i] != best)
                    trace.Duplicate(all[i], chosen[0].Series);
        if (Union(all) > tracks[best].Ticks)
            FillFrom(all, best, some);
        return CollectionsMarshal.AsSpan(chosen);
    }

    /// <summary>The time for which any piece speaks. Pieces come by their start.</summary>
    private static long Union(ReadOnlySpan<Piece> all)
    {
        long union = 0,
            until = long.MinValue;
        foreach (ref readonly var piece in all)
        {
            if (piece.To <= until)
                continue;
            union += piece.To - Math.Max(piece.From, until);
            until = piece.To;
        }
        return union;
    }

    /// <summary>Adds to the chosen pieces what others tell of the time that these leave out. Pieces come by their start.</summary>
    private void FillFrom(ReadOnlySpan<Piece> all, int best, bool some)
    {
        filled.Clear();
        var until = long.MinValue;
        var next = 0;
        for (var i = 0; i < all.Length; i++)
        {
            var piece = all[i];
            if (trackOf[i] == best || (some && tracks[trackOf[i]].Amount == 0))
                continue;
            var from = Math.Max(piece.From, until);
            while (from < piece.To)
            {
                while (next < chosen.Count && chosen[next].To <= from)
                    next++;
                var to = next < chosen.Count ? Math.Min(piece.To, Math.Max(chosen[next].From, from)) : piece.To;
                if (to > from)
                {
                    filled.Add(piece.Within(from, to));
                    until = to;
                }
                if (next == chosen.Count || chosen[next].From >= piece.To)
                    break;
                from = Math.Max(from, chosen[next].To);
            }
            until = Math.Max(until, Math.Min(from, piece.To));
        }
        chosen.AddRange(filled);
        chosen.Sort();
    }
}
