using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Normalisation;

/// <summary>
/// Who had something in a grid period of which not all is read. What falls silent between two readings by the same holder was there and
/// is unknown; what is never read again is not there. A holder whose engine goes on counting is there too.
/// </summary>
/// <remarks>Readings within <see cref="Limits.Reach"/> of the period decide, which every pass over it sees.</remarks>
internal sealed class Silences(Grid grid, Pieces pieces, IReadOnlyList<KnownSeries> series)
{
    private readonly List<Piece> told = [];
    private readonly List<(long From, long To)> gaps = [];
    private readonly List<(int Holder, long At, long Usual)> speakers = [];
    private readonly List<int> before = [];
    private readonly List<int> after = [];

    /// <summary>Adds to claims for how long each holder had a resource in a period.</summary>
    /// <param name="resource">A board or a server.</param>
    /// <param name="component">Of a board its accelerators; null: everything that is read of it.</param>
    /// <param name="bin">The period.</param>
    /// <param name="host">Whose engines may go on counting; null when nobody tells.</param>
    /// <param name="into">Receives the times.</param>
    public void Add(MeteredResource resource, Component? component, int bin, Host? host, WorkloadClaims into)
    {
        var period = grid[bin];
        told.Clear();
        foreach (var meter in MetersOf(resource, component))
        foreach (var part in meter.Parts)
            told.AddRange(part.Of(bin, pieces));
        told.Sort(static (a, b) => a.From.CompareTo(b.From));
        long named = long.MinValue,
            until = period.Start.Ticks;
        gaps.Clear();
        foreach (var piece in told)
        {
            var holder = Turns.HolderOf(series[piece.Series]);
            if (holder != Turns.Nobody)
            {
                into.Present(holder, piece.From, piece.To);
                named = Math.Max(named, piece.To);
            }
            if (piece.From > until)
                gaps.Add((until, piece.From));
            until = Math.Max(until, piece.To);
        }
        if (until < period.End.Ticks)
            gaps.Add((until, period.End.Ticks));
        // What names nobody holds only what nobody else does.
        if (named == long.MinValue)
            foreach (var piece in told)
                into.Present(WorkloadClaims.Unclaimed, piece.From, piece.To);
        foreach (var (from, to) in gaps)
            AddGap(resource, component, bin, host, from, to, into);
    }

    /// <summary>Whether anything that energy could be made of is told of a server within reach of a period.</summary>
    /// <param name="server">The server.</param>
    /// <param name="isModelled">Whether the tables make power of its load.</param>
    /// <param name="bin">The period.</param>
    public bool IsNear(MeteredResource server, bool isModelled, int bin)
    {
        foreach (var component in Servers)
        foreach (var meter in server[component])
            if (IsNear(meter, bin))
                return true;
        if (isModelled)
            foreach (var meter in server.Loads(Component.Cpu))
                if (IsNear(meter, bin))
                    return true;
        return false;
    }

    private static readonly Component[] Servers = [Component.Node, Component.Psu, Component.Module, Component.Platform, Component.Cpu];

    /// <summary>Why a resource may be silent: values that no meter of its kind can show were refused in the period.</summary>
    public MissingReasons Refused(MeteredResource resource, int bin)
    {
        foreach (var (_, meter) in resource.Meters)
        foreach (var part in meter.Parts)
            if (!meter.First.IsLoad && part.IsImplausibleIn(grid[bin]))
                return MissingReasons.ImplausibleValue;
        return MissingReasons.None;
    }

    private bool IsNear(Meter meter, int bin)
    {
        foreach (var part in meter.Parts)
            if (part.Series[0].LacksPowerModel() is null && part.HasSamplesNear(grid[bin]))
                return true;
        return false;
    }

    private void AddGap(MeteredResource resource, Component? component, int bin, Host? host, long from, long to, WorkloadClaims into)
    {
        Find(resource, component, bin, from, true, before);
        if (before.Count == 0)
            return;
        Find(resource, component, bin, to, false, after);
        foreach (var holder in before)
            if (after.Contains(holder))
                into.PresentUnread(holder, to - from);
            else if (after.Count == 0 && WorksUntil(host, holder, bin) is { } until && Math.Min(to, until) is var last && last > from)
                into.PresentUnread(holder, last - from);
    }

    /// <summary>Until when engines of a workload on a machine tell of a period: as far as that it is known to be there.</summary>
    private long? WorksUntil(Host? host, int holder, int bin)
    {
        if (host is null || holder < 0)
            return null;
        long? until = null;
        foreach (var worker in host.Workers)
            if (worker.Series.Workload == holder && worker.UntilIn(bin, pieces) is { } told)
                until = Math.Max(until ?? 0, told);
        return until;
    }

    /// <summary>Who spoke last before an instant, or first after it.</summary>
    private void Find(MeteredResource resource, Component? component, int bin, long instant, bool isBefore, List<int> holders)
    {
        var (least, most) = (grid[bin].Start - Limits.Reach, grid[bin].End + Limits.Reach);
        speakers.Clear();
        foreach (var meter in MetersOf(resource, component))
        foreach (var part in meter.Parts)
        foreach (var one in part.Series)
        {
            var samples = one.Samples.Span;
            var at = MeterPart.FirstFrom(samples, new DateTime(isBefore ? instant + 1 : instant, DateTimeKind.Utc));
            if (isBefore)
                at--;
            if (at < 0 || at >= samples.Length || samples[at].End < least || samples[at].End > most)
                continue;
            var beside = isBefore ? at - 1 : at + 1;
            var isSeen = beside >= 0 && beside < samples.Length && samples[beside].End >= least && samples[beside].End <= most;
            var usual = isSeen ? Math.Abs(samples[at].End.Ticks - samples[beside].End.Ticks) : 0;
            speakers.Add((Turns.HolderOf(one), samples[at].End.Ticks, usual));
        }
        holders.Clear();
        if (speakers.Count == 0)
            return;
        var nearest = isBefore ? speakers.Max(static one => one.At) : speakers.Min(static one => one.At);
        var nobody = false;
        foreach (var (holder, at, usual) in speakers)
        {
            if (Math.Abs(nearest - at) > usual)
                continue;
            if (holder == Turns.Nobody)
                nobody = true;
            else if (!holders.Contains(holder))
                holders.Add(holder);
        }
        if (holders.Count == 0 && nobody)
            holders.Add(WorkloadClaims.Unclaimed);
    }

    private static IEnumerable<Meter> MetersOf(MeteredResource resource, Component? component)
    {
        if (component is { } one)
        {
            foreach (var meter in resource[one])
                yield return meter;
            foreach (var meter in resource.Loads(one))
                yield return meter;
            yield break;
        }
        foreach (var (_, meter) in resource.Meters)
            yield return meter;
    }
}
