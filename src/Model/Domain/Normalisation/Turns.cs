using Metrics.Domain.Observations;

namespace Metrics.Domain.Normalisation;

/// <summary>
/// Who holds one thing when, by who speaks of it: all series of one meter are one chain in time. Who is away while another speaks does
/// not hold it, and the change lies between their samples. Who speaks at the same instants shares it.
/// </summary>
/// <remarks>Made once for a thing of which several speak, of n samples in n log n. Everything is decided by the samples next to a span, so
/// that passes agree.</remarks>
internal sealed class Turns
{
    /// <summary>Stands for a series without a label that names anybody.</summary>
    public const int Nobody = int.MinValue;

    // How many of its own usual distances a holder may be silent and is still there, beside one who speaks: a scrape that came a little
    // late, or rows of one scrape that tell times of their own.
    private const double Patience = 1.5;

    private readonly Dictionary<int, long[]> byHolder;
    private readonly (long At, int Holder)[] named;

    // Of each of the named the next one of another holder.
    private readonly int[] nextOther;

    private Turns(Dictionary<int, long[]> byHolder)
    {
        this.byHolder = byHolder;
        named = [.. byHolder.Where(known => known.Key != Nobody).SelectMany(known => known.Value.Select(at => (at, known.Key)))];
        Array.Sort(named);
        nextOther = new int[named.Length];
        for (var i = named.Length - 1; i >= 0; i--)
            nextOther[i] =
                i + 1 == named.Length ? named.Length
                : named[i + 1].Holder != named[i].Holder ? i + 1
                : nextOther[i + 1];
    }

    /// <summary>The holders of several series that read one thing; null where one speaks alone.</summary>
    public static Turns? Of(IReadOnlyList<KnownSeries> chain)
    {
        if (chain.Count < 2 || chain[0].OwnIntervals)
            return null;
        var several = false;
        for (var i = 1; i < chain.Count && !several; i++)
            several = HolderOf(chain[i]) != HolderOf(chain[0]);
        if (!several)
            return null;
        var times = new Dictionary<int, List<long>>();
        foreach (var series in chain)
        {
            if (!times.TryGetValue(HolderOf(series), out var known))
                times.Add(HolderOf(series), known = new List<long>(series.Samples.Length));
            foreach (ref readonly var sample in series.Samples.Span)
                known.Add(sample.End.Ticks);
        }
        return new Turns(times.ToDictionary(known => known.Key, known => known.Value.Distinct().Order().ToArray()));
    }

    /// <summary>Whose a series is: a workload, <see cref="WorkloadClaims.Unclaimed"/> of a pod that no rule claims, or
    /// <see cref="Nobody"/>.</summary>
    public static int HolderOf(KnownSeries series) =>
        series.Workload == WorkloadClaims.Unclaimed && !series.NamesAPod ? Nobody : series.Workload;

    /// <summary>Whether the holder of a series was away between two neighbouring samples of it, because another held the thing.</summary>
    public bool IsAway(KnownSeries series, ReadOnlySpan<Sample> samples, int later)
    {
        var (from, to) = (samples[later - 1].End.Ticks, samples[later].End.Ticks);
        var holder = HolderOf(series);
        var times = byHolder[holder];
        for (var i = After(times, from - 1); i + 1 < times.Length && times[i] < to; i++)
            if (IsAway(holder, times, i))
                return true;
        return false;
    }

    /// <summary>The change by which a holder came to what it says from an instant on.</summary>
    /// <param name="holder">Who holds it from then on.</param>
    /// <param name="from">The instant.</param>
    /// <param name="before">Who held it before.</param>
    /// <returns>Until when the one before may have held it still; null when the holder held it before too.</returns>
    public long? ChangeAt(int holder, long from, out int before)
    {
        before = Nobody;
        var times = byHolder[holder];
        var at = After(times, from);
        if (at == times.Length)
            return null;
        var reach = times[at] - Limits.Reach.Ticks;
        if (at > 0 && times[at - 1] >= reach && !IsAway(holder, times, at - 1))
            return null;
        var earliest = at > 0 ? Math.Max(times[at - 1], reach) : reach;
        var latest = long.MinValue;
        foreach (var (other, spoke) in byHolder)
        {
            if (other == holder)
                continue;
            var last = After(spoke, times[at] - 1) - 1;
            if (last >= 0 && spoke[last] > earliest && spoke[last] > latest)
                (before, latest) = (other, spoke[last]);
        }
        return latest > long.MinValue && latest <= from ? times[at] : null;
    }

    /// <summary>Whether a holder is away between a sample and its next, while another speaks.</summary>
    private bool IsAway(int holder, long[] times, int at)
    {
        var (from, to) = (times[at], times[at + 1]);
        // What is further away not every pass over a part of the span sees.
        var before = at > 0 && times[at - 1] >= to - Limits.Reach.Ticks ? times[at - 1] : from;
        var after = at + 2 < times.Length && times[at + 2] <= from + Limits.Reach.Ticks ? times[at + 2] : to;
        var own = Math.Max(from - before, after - to);
        if (own > 0 && to - from <= own * Patience)
            return false;
        var next = FirstNamedAfter(from);
        if (next < named.Length && named[next].Holder == holder)
            next = nextOther[next];
        if (next < named.Length && named[next].At < to)
            return true;
        if (holder == Nobody || !byHolder.TryGetValue(Nobody, out var unnamed))
            return false;
        // Who names nobody and speaks beside the holder is a duplicate of it, and says nothing when it speaks alone.
        return Any(unnamed, from + 1, to - 1) && !Any(unnamed, before, from) && !Any(unnamed, to, after);
    }

    private static bool Any(long[] times, long first, long last) =>
        After(times, first - 1) is var at && at < times.Length && times[at] <= last;

    /// <summary>The first time after an instant.</summary>
    private static int After(long[] times, long instant)
    {
        int low = 0,
            high = times.Length;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (times[middle] <= instant)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }

    private int FirstNamedAfter(long instant)
    {
        int low = 0,
            high = named.Length;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (named[middle].At <= instant)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }
}
