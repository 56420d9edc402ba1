namespace Metrics.Domain.Normalisation;

/// <summary>When the sources of a pass were read, told by the samples of all their series: what was not there while its source was read
/// began later.</summary>
/// <remarks>Built when a series first asks, by one look at every sample; kept in slots of ten seconds, so that asking is cheap however many
/// series begin.</remarks>
internal sealed class Attendance
{
    private const long Slot = 10 * TimeSpan.TicksPerSecond;

    private readonly Dictionary<string, (long First, Seen[] Slots)> sources = new(StringComparer.Ordinal);

    public Attendance(IReadOnlyList<KnownSeries> known)
    {
        var spans = new Dictionary<string, (long First, long Last)>(StringComparer.Ordinal);
        foreach (var series in known)
        {
            var samples = series.Samples.Span;
            if (samples.IsEmpty)
                continue;
            var (first, last) = (samples[0].Start.Ticks, samples[0].End.Ticks);
            foreach (ref readonly var sample in samples)
                (first, last) = (Math.Min(first, sample.End.Ticks), Math.Max(last, sample.End.Ticks));
            spans[series.Series.Source] = spans.TryGetValue(series.Series.Source, out var span)
                ? (Math.Min(span.First, first), Math.Max(span.Last, last))
                : (first, last);
        }
        foreach (var (source, (first, last)) in spans)
            sources[source] = (first / Slot, new Seen[(int)(last / Slot - first / Slot) + 1]);
        foreach (var series in known)
        {
            if (!sources.TryGetValue(series.Series.Source, out var source))
                continue;
            foreach (ref readonly var sample in series.Samples.Span)
                source.Slots[(int)(sample.End.Ticks / Slot - source.First)].Add(series.Number, sample.End.Ticks);
        }
    }

    /// <summary>The latest instant from one to another at which another series of the source was read; null when none was.</summary>
    public long? Latest(KnownSeries series, long until, long since)
    {
        if (!sources.TryGetValue(series.Series.Source, out var source))
            return null;
        for (
            var slot = Math.Min(until / Slot - source.First, source.Slots.Length - 1);
            slot >= 0 && slot >= since / Slot - source.First;
            slot--
        )
            if (source.Slots[(int)slot].Other(series.Number) is var at && at <= until && at >= since)
                return at;
        return null;
    }

    /// <summary>The latest sample of a slot, and the latest of another series than that one's.</summary>
    private struct Seen
    {
        private int series;
        private long latest;
        private long second;

        public void Add(int number, long at)
        {
            if (latest == 0 || number == series)
            {
                (series, latest) = (number, Math.Max(latest, at));
            }
            else if (at >= latest)
            {
                (second, series, latest) = (latest, number, at);
            }
            else
            {
                second = Math.Max(second, at);
            }
        }

        public readonly long Other(int number) => number == series ? second : latest;
    }
}
