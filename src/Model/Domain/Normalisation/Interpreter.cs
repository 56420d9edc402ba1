using System.Globalization;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Messages;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Normalisation;

/// <summary>
/// Interpret: samples become joules or units of work over spans of time, by the six legal cells of quantity and sample kind.
/// What cannot be interpreted is a rejection and a gap, never a zero and never a spike.
/// </summary>
/// <remarks>
/// A rejection belongs to the pass whose period holds the end of its span, so that neighbouring passes do not report twice.
/// Whether two samples are joined depends on nothing further away than the longest span, so that passes agree on it.
/// </remarks>
internal sealed class Interpreter(Interval period, Pieces pieces, List<Rejection> rejections)
{
    /// <summary>Most joules or units of work that one span can hold: a million such spans still fit what is stored. A year of mankind is
    /// less than a thousand of them.</summary>
    private const double Largest = Limits.LargestValue / 1e6;

    /// <summary>An unbroken run of samples of one series, as indices of them.</summary>
    private readonly record struct Run(KnownSeries Series, ReadOnlyMemory<Sample> Samples)
    {
        public long Start => Samples.Span[0].End.Ticks;

        public long End => Samples.Span[^1].End.Ticks;
    }

    /// <summary>Reads the series of one meter, ordered by series id.</summary>
    /// <param name="chain">
    /// Series that speak of the same thing with other labels. Where one ends and the next begins, as when a pod gives a GPU
    /// to another, they are one chain: the span between them is the later one's. Where they overlap they are duplicates.
    /// </param>
    public void Read(IReadOnlyList<KnownSeries> chain)
    {
        if (chain.Count > 1 && !chain[0].OwnIntervals)
        {
            ReadRuns(chain);
            return;
        }
        foreach (var series in chain)
        {
            var samples = ValidSamples(series);
            if (samples.IsEmpty)
                continue;
            pieces.Begin(series.Number);
            if (series.OwnIntervals)
                ReadOwn(series, samples.Span);
            else
                Join(series, null, samples.Span);
            pieces.Close();
        }
    }

    /// <summary>Samples that a meter can show; the others are refused once more, because a mapping may have changed since they were
    /// admitted.</summary>
    private ReadOnlyMemory<Sample> ValidSamples(KnownSeries series)
    {
        if (series.LacksPowerModel() is { } why)
        {
            if (LastIn(period, series.Samples.Span) is { } at)
                rejections.Add(Because(series, at, RejectionReason.NoPowerModel, why));
            return default;
        }
        var mapping = series.Mapping;
        var below = mapping.SentinelFrom ?? double.PositiveInfinity;
        var most = mapping.LargestOf(series.Series.Labels);
        var samples = series.Samples.Span;
        for (var i = 0; i < samples.Length; i++)
        {
            var value = samples[i].Value;
            if (!(value >= 0 && value <= most && value < below))
                return FilterInvalid(series, i);
        }
        return series.Samples;
    }

    private ReadOnlyMemory<Sample> FilterInvalid(KnownSeries series, int firstDoubtful)
    {
        var samples = series.Samples.Span;
        var valid = new List<Sample>(samples.Length);
        valid.AddRange(samples[..firstDoubtful]);
        foreach (ref readonly var sample in samples[firstDoubtful..])
        {
            if (Admission.ValidateValue(series.Series, sample, series.Mapping) is not { } rejection)
                valid.Add(sample);
            else if (period.Contains(sample.End))
                rejections.Add(rejection);
        }
        return valid.ToArray();
    }

    /// <summary>Deltas, and levels that a provider averaged over a period: each covers its own interval, and where two overlap the later
    /// one has the time.</summary>
    private void ReadOwn(KnownSeries series, ReadOnlySpan<Sample> samples)
    {
        var delta = series.Mapping.Kind == SampleKind.Delta;
        var unit = series.Mapping.Unit;
        for (var i = 0; i < samples.Length; i++)
        {
            var sample = samples[i];
            long start = sample.Start.Ticks,
                end = sample.End.Ticks;
            if (end <= start)
                continue;
            var until = i + 1 < samples.Length ? Math.Min(end, samples[i + 1].Start.Ticks) : end;
            var amount = delta
                ? unit.ToCanonical(sample.Value) * ((double)(until - start) / (end - start))
                : series.RateOf(sample.Value) * Piece.Seconds(until - start);
            Add(series, start, until, amount, sample);
        }
    }

    /// <summary>An amount over a span. One that no storage could hold is a gap, or it would keep the facts of the whole hour out.</summary>
    private void Add(KnownSeries series, long from, long to, double amount, in Sample sample)
    {
        if (amount <= Largest)
            pieces.Add(from, to, amount);
        else if (period.Contains(sample.End))
            rejections.Add(
                Because(
                    series,
                    sample.End,
                    RejectionReason.OutOfRange,
                    $"The span would hold {MessageText.Show(amount)} "
                        + $"{(series.Mapping.Unit.Quantity == Quantity.Work ? "units of work" : "J")}, which nothing can: the value "
                        + $"{MessageText.Show(sample.Value)} {series.Mapping.Unit.Symbol} or its unit is wrong, and the span is a gap."
                )
            );
    }

    /// <summary>Instants: each says, together with the one before it, what happened between the two.</summary>
    private void Join(KnownSeries series, Sample? before, ReadOnlySpan<Sample> samples)
    {
        var mapping = series.Mapping;
        var cumulative = mapping.Kind == SampleKind.Cumulative;
        var known = before.HasValue;
        // The first sample of a counter is a baseline: what it shows may have been counted in weeks.
        var (at, value) = before is { } earlier ? (earlier.End.Ticks, earlier.Value) : default;
        foreach (ref readonly var sample in samples)
        {
            var now = sample.End.Ticks;
            var span = now - at;
            if (known && span > 0)
            {
                if (span > series.MaxSpan)
                    RejectSpan(series, at, sample);
                else if (!cumulative)
                    Add(
                        series,
                        at,
                        now,
                        (mapping.Hold ? series.RateOf(value) : (series.RateOf(value) + series.RateOf(sample.Value)) / 2)
                            * Piece.Seconds(span),
                        sample
                    );
                else if (Rise(mapping, value, sample.Value) is { } rise)
                    Add(series, at, now, mapping.Unit.ToCanonical(rise), sample);
                else
                    RejectFall(series, value, sample);
            }
            (at, value, known) = (now, sample.Value, true);
        }
    }

    /// <summary>How far the counter rose; null when it fell and nothing explains it.</summary>
    /// <remarks>
    /// A fall below a declared maximum is read as one wrap. Labels carry no boot identity, so a reboot between two samples
    /// looks the same; it then adds at most one range of the counter, over at most the longest span.
    /// </remarks>
    private static double? Rise(MetricMapping mapping, double earlier, double later) =>
        later >= earlier ? later - earlier
        : mapping.WrapsAt is { } maximum && earlier <= maximum ? maximum - earlier + later
        : null;

    /// <summary>Several series of one meter: split into runs, and each run joined to the run that it follows.</summary>
    private void ReadRuns(IReadOnlyList<KnownSeries> chain)
    {
        var runs = new List<Run>();
        foreach (var series in chain)
            AddRuns(runs, series, ValidSamples(series));
        runs.Sort(
            static (a, b) =>
                a.Start != b.Start ? a.Start.CompareTo(b.Start)
                : a.End != b.End ? a.End.CompareTo(b.End)
                : a.Series.Number.CompareTo(b.Series.Number)
        );

        Run? latest = null;
        for (int i = 0, sameStart = 0; i < runs.Count; i++)
        {
            if (runs[i].Start != runs[sameStart].Start)
            {
                for (; sameStart < i; sameStart++)
                    if (latest is null || runs[sameStart].End > latest.Value.End)
                        latest = runs[sameStart];
            }
            var run = runs[i];
            Sample? before = null;
            // A run that goes on while this one starts is a duplicate of it, and nothing is handed over.
            if (latest is { } earlier && earlier.End < run.Start)
            {
                if (run.Start - earlier.End <= run.Series.MaxSpan)
                    before = earlier.Samples.Span[^1];
                else
                    RejectSpan(run.Series, earlier.End, run.Samples.Span[0]);
            }
            pieces.Begin(run.Series.Number);
            Join(run.Series, before, run.Samples.Span);
            pieces.Close();
        }
    }

    private static void AddRuns(List<Run> runs, KnownSeries series, ReadOnlyMemory<Sample> samples)
    {
        var span = samples.Span;
        for (int first = 0, i = 1; i <= span.Length; i++)
        {
            if (i < span.Length && span[i].End.Ticks - span[i - 1].End.Ticks <= series.MaxSpan)
                continue;
            runs.Add(new Run(series, samples[first..i]));
            first = i;
        }
    }

    private void RejectSpan(KnownSeries series, long from, in Sample sample)
    {
        if (period.Contains(sample.End))
            rejections.Add(
                Because(
                    series,
                    sample.End,
                    RejectionReason.SpanTooLong,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{Piece.Seconds(sample.End.Ticks - from):0.###} seconds lie between this sample "
                            + $"({MessageText.Show(sample.Value)} {series.Mapping.Unit.Symbol}) and the one before, more than the "
                            + $"{Piece.Seconds(series.MaxSpan):0.###} that may be bridged: the span is a gap."
                    )
                )
            );
    }

    private void RejectFall(KnownSeries series, double earlier, in Sample sample)
    {
        if (period.Contains(sample.End))
            rejections.Add(
                Because(
                    series,
                    sample.End,
                    RejectionReason.CounterReset,
                    $"The counter fell from {MessageText.Show(earlier)} to {MessageText.Show(sample.Value)} "
                        + $"{series.Mapping.Unit.Symbol} and no declared maximum explains it: the span is a gap and counting starts "
                        + "anew."
                )
            );
    }

    /// <summary>The last instant of the samples that lies in the period.</summary>
    internal static DateTime? LastIn(Interval period, ReadOnlySpan<Sample> samples)
    {
        for (var i = samples.Length - 1; i >= 0; i--)
            if (period.Contains(samples[i].End))
                return samples[i].End;
        return null;
    }

    private static Rejection Because(KnownSeries series, DateTime at, RejectionReason reason, string detail) =>
        new(series.Series.Source, series.Series.ToString(), at, reason, detail);
}
