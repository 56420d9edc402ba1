using Metrics.Domain.Catalogue;
using Metrics.Domain.Messages;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Normalisation;

/// <summary>The gate before storage: whether a sample can be true at all. What passes is stored verbatim, what does not becomes a
/// <see cref="Rejection"/>.</summary>
public static class Admission
{
    /// <summary>How far a timestamp may be ahead of the clock.</summary>
    public static readonly TimeSpan Skew = TimeSpan.FromMinutes(2);

    private static readonly DateTime Earliest = new(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc);
    private static readonly DateTime Latest = new(2100, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    /// <summary>Whether the value is NaN: the mark of a series that ended, or a meter that has no value. It is neither stored nor a
    /// fault.</summary>
    public static bool SaysNothing(in Sample sample) => double.IsNaN(sample.Value);

    /// <summary>Null when the observation may be stored, else why not.</summary>
    /// <param name="observation">The observation, its times in UTC to the microsecond.</param>
    /// <param name="mapping">Its mapping; null when the catalogue has none.</param>
    /// <param name="now">The clock, UTC.</param>
    public static Rejection? Validate(in Observation observation, MetricMapping? mapping, DateTime now)
    {
        var series = observation.Series;
        var sample = observation.Sample;
        if (series.HoldsNul)
            return Because(
                series,
                sample,
                RejectionReason.Malformed,
                $"The metric or a label of {Shown(series)} holds a NUL character, which cannot be stored."
            );
        if (mapping is null)
            return Because(
                series,
                sample,
                RejectionReason.UnmappedMetric,
                $"No mapping of provider '{series.Provider}' explains {series}{How(series)}; add one to its *.metrics.json."
            );
        return ValidateValue(series, sample, mapping) ?? ValidateTime(series, sample, mapping, now);
    }

    /// <summary>The part that needs no clock: whether a meter with this mapping can show this value.</summary>
    internal static Rejection? ValidateValue(Series series, in Sample sample, MetricMapping mapping)
    {
        var value = sample.Value;
        if (!double.IsFinite(value))
            return Because(
                series,
                sample,
                RejectionReason.ImplausibleValue,
                $"The value {MessageText.Show(value)} is not a finite number, so it says nothing."
            );
        if (value < 0)
            return Because(
                series,
                sample,
                RejectionReason.ImplausibleValue,
                $"The value {MessageText.Show(value)} {mapping.Unit.Symbol} is negative, which no meter can show."
            );
        if (value >= mapping.SentinelFrom)
            return Because(
                series,
                sample,
                RejectionReason.ImplausibleValue,
                $"The value {MessageText.Show(value)} is how this exporter says that it has none (mapping {mapping.Id}: from "
                    + $"{MessageText.Show(mapping.SentinelFrom.Value)})."
            );
        if (value > Limits.LargestValue)
            return Because(
                series,
                sample,
                RejectionReason.OutOfRange,
                $"The value {MessageText.Show(value)} {mapping.Unit.Symbol} is beyond the largest that is stored, "
                    + $"{MessageText.Show(Limits.LargestValue)}."
            );
        if (mapping.Unit.Quantity == Quantity.Utilisation && mapping.LargestOf(series.Labels) is var whole && value > whole)
            return Because(
                series,
                sample,
                RejectionReason.OutOfRange,
                $"The utilisation {MessageText.Show(value)} {mapping.Unit.Symbol} is above the whole capacity, "
                    + $"{MessageText.Show(whole)}; the mapping {mapping.Id} may name the wrong unit."
            );
        return null;
    }

    private static Rejection? ValidateTime(Series series, in Sample sample, MetricMapping mapping, DateTime now)
    {
        if (sample.Start < Earliest || sample.End < Earliest || sample.Start >= Latest || sample.End >= Latest)
            return Because(
                series,
                sample,
                RejectionReason.ImplausibleTimestamp,
                $"The time {MessageText.Show(sample.Start < Earliest ? sample.Start : sample.End)} lies outside the years 2000 to "
                    + "2099; the source may count in another unit."
            );
        if (sample.End > now + Skew || sample.Start > now + Skew)
            return Because(
                series,
                sample,
                RejectionReason.FutureTimestamp,
                $"The time {MessageText.Show(sample.End > sample.Start ? sample.End : sample.Start)} is more than "
                    + $"{Skew.TotalMinutes:0} minutes ahead of the clock, {MessageText.Show(now)}; check the clock of the source."
            );
        if (sample.End < sample.Start)
            return Because(
                series,
                sample,
                RejectionReason.WrongInterval,
                $"The interval ends at {MessageText.Show(sample.End)}, before it starts at {MessageText.Show(sample.Start)}."
            );
        if (mapping.Kind == SampleKind.Delta && sample.End == sample.Start)
            return Because(
                series,
                sample,
                RejectionReason.WrongInterval,
                $"The amount {MessageText.Show(sample.Value)} {mapping.Unit.Symbol} has no interval that it was counted over, "
                    + $"only the instant {MessageText.Show(sample.Start)}."
            );
        if (mapping.Kind != SampleKind.Delta && sample.End > sample.Start && series.Period <= TimeSpan.Zero)
            return Because(
                series,
                sample,
                RejectionReason.WrongInterval,
                $"A level or a counter is read at an instant, but this one, {MessageText.Show(sample.Value)} "
                    + $"{mapping.Unit.Symbol}, has the interval {MessageText.Show(sample.Start)} to {MessageText.Show(sample.End)}."
            );
        if (sample.End - sample.Start > Limits.Reach)
            return Because(
                series,
                sample,
                RejectionReason.SpanTooLong,
                $"The interval {MessageText.Show(sample.Start)} to {MessageText.Show(sample.End)} is longer than "
                    + $"{Limits.Reach.TotalMinutes:0} minutes, too coarse to be put on the grid; ask the source for a finer period."
            );
        return null;
    }

    // The same metric may be explained as an average and not as a sum, or for a minute and not for five.
    private static string How(Series series) => series.Statistic == Statistic.Raw ? "" : $" as {series.Statistic} over {series.Period}";

    private static string Shown(Series series) => series.ToString().Replace("\0", "\\0", StringComparison.Ordinal);

    private static Rejection Because(Series series, in Sample sample, RejectionReason reason, string detail) =>
        new(series.Source, Shown(series), sample.End, reason, detail);
}
