using System.Globalization;
using System.Runtime.InteropServices;
using Metrics.Domain.Observations;
using Metrics.Storage.Engine;

namespace Metrics.Storage.Reading;

/// <summary>Observations ready to be stored: by series key, then by start, each key once.</summary>
/// <remarks>The same observations give the same batch in whatever order they came. The order is also that of the table's key, so that rows
/// go where their neighbours are.</remarks>
internal sealed class SampleBatch
{
    private readonly Sample[] samples;
    private readonly int[] ends;

    private SampleBatch(Series[] series, Sample[] samples, int[] ends, List<Rejection> conflicts, List<DateTime> months)
    {
        Series = series;
        this.samples = samples;
        this.ends = ends;
        Conflicts = conflicts;
        Months = months;
    }

    /// <summary>The distinct series, ordered by key.</summary>
    public IReadOnlyList<Series> Series { get; }

    /// <summary>One for each value that differs from the one kept for the same instant.</summary>
    public IReadOnlyList<Rejection> Conflicts { get; }

    /// <summary>A time of every month touched.</summary>
    public IReadOnlyList<DateTime> Months { get; }

    /// <summary>The samples of the n-th series, ordered by start.</summary>
    public ReadOnlySpan<Sample> this[int series] => samples.AsSpan((series == 0 ? 0 : ends[series - 1])..ends[series]);

    /// <exception cref="StorageException">Two different series have the same key.</exception>
    public static SampleBatch Of(IReadOnlyList<Observation> observations)
    {
        // Counting sort by series: a batch has many samples of few series, and most come in order of time already.
        var slots = new Dictionary<long, int>();
        var found = new List<Series>();
        var counts = new List<int>();
        Series? last = null;
        var slot = -1;
        for (var i = 0; i < observations.Count; i++)
        {
            var series = observations[i].Series;
            if (!ReferenceEquals(series, last))
            {
                ref var entry = ref CollectionsMarshal.GetValueRefOrAddDefault(slots, series.Id, out var exists);
                if (!exists)
                {
                    entry = found.Count;
                    found.Add(series);
                    counts.Add(0);
                }
                else if (!ReferenceEquals(found[entry], series) && !Same(found[entry], series))
                    throw Collision(found[entry].ToString(), series);
                (last, slot) = (series, entry);
            }
            CollectionsMarshal.AsSpan(counts)[slot]++;
        }

        var ordered = found.ToArray();
        Array.Sort(ordered, static (a, b) => a.Id.CompareTo(b.Id));
        var next = new int[ordered.Length];
        var place = new int[ordered.Length];
        for (int i = 0, position = 0; i < ordered.Length; i++)
        {
            var of = slots[ordered[i].Id];
            place[of] = i;
            next[i] = position;
            position += counts[of];
        }
        var samples = new Sample[observations.Count];
        last = null;
        for (var i = 0; i < observations.Count; i++)
        {
            var (series, sample) = observations[i];
            if (!ReferenceEquals(series, last))
                (last, slot) = (series, place[slots[series.Id]]);
            samples[next[slot]++] = new(Whole(sample.Start), Whole(sample.End), sample.Value);
        }
        return Settle(ordered, samples, next);
    }

    /// <summary>Sorts each series and leaves one sample for each start.</summary>
    private static SampleBatch Settle(Series[] series, Sample[] samples, int[] ends)
    {
        var conflicts = new List<Rejection>();
        var months = new List<DateTime>();
        var month = -1;
        int kept = 0,
            from = 0;
        for (var s = 0; s < series.Length; s++)
        {
            var span = samples.AsSpan(from..ends[s]);
            from = ends[s];
            for (var i = 1; i < span.Length; i++)
            {
                if (Compare(span[i - 1], span[i]) <= 0)
                    continue;
                span.Sort(Compare);
                break;
            }
            var first = kept;
            foreach (var sample in span)
            {
                if (kept > first && samples[kept - 1].Start == sample.Start)
                {
                    if (samples[kept - 1] != sample)
                        conflicts.Add(Conflict(series[s], samples[kept - 1], sample));
                    continue;
                }
                samples[kept++] = sample;
                var at = sample.Start.Year * 12 + sample.Start.Month;
                if (at == month)
                    continue;
                month = at;
                months.Add(sample.Start);
            }
            ends[s] = kept;
        }
        return new(series, samples, ends, conflicts, months);
    }

    public static bool Same(Series a, Series b) =>
        a.Source == b.Source
        && a.Provider == b.Provider
        && a.Metric == b.Metric
        && a.Statistic == b.Statistic
        && a.Period == b.Period
        && a.Labels.Equals(b.Labels);

    public static StorageException Collision(string stored, Series series) =>
        new(
            StorageErrorCode.Collision,
            $"The series {series} of the source '{series.Source}' has the same key "
                + $"{series.Id.ToString(CultureInfo.InvariantCulture)} as the series {stored}. Nothing was written; change a label of "
                + $"one of them."
        );

    /// <summary>To the microsecond, which is what both engines keep: two times within one are one key.</summary>
    private static DateTime Whole(DateTime time) => new(time.Ticks - time.Ticks % TimeSpan.TicksPerMicrosecond, time.Kind);

    private static int Compare(Sample a, Sample b)
    {
        var order = a.Start.CompareTo(b.Start);
        if (order == 0)
            order = a.End.CompareTo(b.End);
        return order == 0 ? a.Value.CompareTo(b.Value) : order;
    }

    private static Rejection Conflict(Series series, Sample kept, Sample other) =>
        new(
            series.Source,
            series.ToString(),
            other.Start,
            RejectionReason.ConflictingDuplicate,
            string.Create(
                CultureInfo.InvariantCulture,
                $"The source gave {kept.Value:R} and {other.Value:R} for one instant; {kept.Value:R} was kept. Check that two "
                    + $"exporters do not send one series."
            )
        );
}
