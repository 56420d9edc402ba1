using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Storage.Facts;
using Metrics.Storage.Queries;
using RollUp = Metrics.Domain.Facts.RollUp;

namespace Metrics.Api.Explain;

/// <summary>Makes a stored row again and tells how: an hour or a fact from its samples, a day or a month from its hours.</summary>
internal sealed class RowExplainer(StoredRows stored, FactStore facts, Normaliser normaliser, FactorBook book)
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    /// <summary>How a row came to be.</summary>
    /// <param name="request">Which row.</param>
    /// <param name="row">The row as it is stored.</param>
    /// <param name="cancellationToken">Ends the reading of samples.</param>
    public Task<Explanation> ExplainAsync(
        ExplainRequest request,
        IReadOnlyDictionary<string, object?> row,
        CancellationToken cancellationToken
    ) =>
        request.Set is ExplainRequest.Days or ExplainRequest.Months
            ? RollUpAsync(request, row, cancellationToken)
            : HourAsync(request, row, cancellationToken);

    private async Task<Explanation> HourAsync(
        ExplainRequest request,
        IReadOnlyDictionary<string, object?> row,
        CancellationToken cancellationToken
    )
    {
        var hour = new DateTime(request.PeriodStart.Ticks - request.PeriodStart.Ticks % TimeSpan.TicksPerHour, DateTimeKind.Utc);
        var period = new Interval(hour, hour + Hour);
        var dirty = await stored.IsDirtyAsync(period.Start, period.End);
        var samples = await facts.SamplesAsync(new Interval(period.Start - Limits.Reach, period.End + Limits.Reach), cancellationToken);
        var trace = normaliser.Trace(period, samples);
        var derivation = new Derivation(trace, request, book);
        var made = request.ResourceId is null
            ? RollUp
                .Hour(hour, trace.Period.Energy, trace.Period.Work)
                .Find(sums => sums.DeploymentId == request.DeploymentId && sums.FunctionalUnit == request.FunctionalUnit)
            : null;
        var again = request.ResourceId is null ? RowCheck.Numbers(made) : RowCheck.Numbers(derivation.Own);
        var explanation = new Explanation
        {
            Set = request.Set,
            Key = request.Key,
            Row = row,
            Check = RowCheck.Of(row, again, dirty, samples.Count > 0),
            Formulas = derivation.Formulas(made),
        };
        return derivation.Complete(explanation, samples);
    }

    private async Task<Explanation> RollUpAsync(
        ExplainRequest request,
        IReadOnlyDictionary<string, object?> row,
        CancellationToken cancellationToken
    )
    {
        var end = (DateTime)row["PeriodEnd"]!;
        var dirty = await stored.IsDirtyAsync(request.PeriodStart, end);
        // What is stored is added up again: hours to days, and for a month days to the month.
        var hours = await facts.HoursAsync(request.DeploymentId, new Interval(request.PeriodStart, end), cancellationToken);
        var days = hours.GroupBy(hour => hour.PeriodStart.Date).SelectMany(day => RollUp.Day(day.Key, [.. day])).ToList();
        var made = (request.Set == ExplainRequest.Months ? RollUp.Period(request.PeriodStart, end, days) : days).FirstOrDefault(sums =>
            sums.FunctionalUnit == request.FunctionalUnit
        );
        // An hour's energy stands on each row of its units: it is taken once.
        var parts = hours
            .GroupBy(hour => hour.PeriodStart)
            .OrderBy(group => group.Key)
            .Select(group => (Own: group.FirstOrDefault(hour => hour.FunctionalUnit == request.FunctionalUnit), Any: group.First()))
            .ToList();
        return new Explanation
        {
            Set = request.Set,
            Key = request.Key,
            Row = row,
            Check = RowCheck.Of(row, RowCheck.Numbers(made), dirty, true),
            Formulas = made is null ? [] : [.. SumFormulas.OfHours(made, parts), .. RatioFormulas.Of(made)],
            Hours =
            [
                .. parts.Select(part => new ExplainedHour
                {
                    PeriodStart = part.Any.PeriodStart,
                    Key = (
                        request with
                        {
                            Set = ExplainRequest.Hours,
                            FunctionalUnit = (part.Own ?? part.Any).FunctionalUnit,
                            PeriodStart = part.Any.PeriodStart,
                        }
                    ).Key,
                    Units = part.Own?[Measures.Units],
                    Values = MeasureValues.Of(Measures.All, at => Value(Measures.All[at], part.Own, part.Any)),
                }),
            ],
        };

        static double? Value(Measure measure, PeriodSums? own, PeriodSums any) =>
            measure.Aggregation == Aggregation.SumOfUnit ? own?[measure] : any[measure];
    }
}
