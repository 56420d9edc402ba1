using System.Globalization;
using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Quantities;

namespace Metrics.Api.Explain;

/// <summary>How the sums of a row came of its parts: of an hour's facts as of the hours of a day.</summary>
internal static class SumFormulas
{
    /// <summary>From a deployment's facts to the sums of the hour: energy first, then what is made of it.</summary>
    /// <param name="trace">What the facts were made of.</param>
    /// <param name="energy">The energy facts.</param>
    /// <param name="work">The work facts in the row's functional unit.</param>
    /// <param name="sums">The row's sums; null when it is a fact.</param>
    public static IEnumerable<Formula> OfFacts(
        Trace trace,
        IReadOnlyList<EnergyFact> energy,
        IReadOnlyList<WorkFact> work,
        PeriodSums? sums
    )
    {
        if (energy.Count == 0 && work.Count == 0)
            yield break;
        // The periods of the grid are added up by the rules that make hours of them: what is matched is matched in each.
        var parts = energy
            .Select(fact => fact.Period.Start)
            .Concat(work.Select(fact => fact.Period.Start))
            .Distinct()
            .Order()
            .Select(start => Sum(energy.Where(fact => fact.Period.Start == start), work.Where(fact => fact.Period.Start == start)))
            .ToList();
        var made = sums ?? Sum(energy, work);
        foreach (var measure in Measures.ExposedBy(MeasureHolders.Periods).OrderBy(measure => measure.Unit != Measures.Facility.Unit))
            if ((ByFactor(measure, trace, energy, made) ?? Of(measure, made, parts)) is { } formula)
                yield return formula;

        static PeriodSums Sum(IEnumerable<EnergyFact> energy, IEnumerable<WorkFact> work)
        {
            var (facts, done) = (energy.ToList(), work.ToList());
            var start = facts.Count > 0 ? facts[0].Period.Start : done[0].Period.Start;
            return RollUp.Hour(start, facts, done) is [var all]
                ? all
                : throw new ArgumentException("The facts are of several deployments or units.", nameof(energy));
        }
    }

    /// <summary>From the hours to the sums of a day or a month.</summary>
    /// <param name="sums">The row's sums.</param>
    /// <param name="hours">Of each hour the row in the functional unit, where work was counted in it, and any: each has the energy.</param>
    public static IEnumerable<Formula> OfHours(PeriodSums sums, IReadOnlyList<(PeriodSums? Own, PeriodSums Any)> hours) =>
        Measures
            .ExposedBy(MeasureHolders.Periods)
            .Select(measure =>
                Of(
                    measure,
                    sums,
                    measure.Aggregation == Aggregation.SumOfUnit
                        ? hours.Select(hour => hour.Own).OfType<PeriodSums>()
                        : hours.Select(hour => hour.Any)
                )
            )
            .OfType<Formula>();

    /// <summary>A measure as the sum of that of the parts; bounds are of the parts that have the widest boundary. Null without a
    /// value.</summary>
    private static Formula? Of(Measure measure, PeriodSums made, IEnumerable<PeriodSums> parts)
    {
        if (made[measure] is not { } value)
            return null;
        var widest =
            made[Measures.Facility] is not null ? Measures.Facility
            : made[Measures.Server] is not null ? Measures.Server
            : Measures.Accelerator;
        var terms = parts
            .Where(part => measure.Aggregation != Aggregation.Bounds || part[widest] is not null)
            .Select(part => part[measure])
            .OfType<double>()
            .ToList();
        return new Formula(measure.Name, Text(measure, terms), value);
    }

    /// <summary>A measure as another one times a factor. Null where the facts were not all made by one factor, or one of them lacks it:
    /// each
    /// was made by its own.</summary>
    private static Formula? ByFactor(Measure measure, Trace trace, IReadOnlyList<EnergyFact> energy, PeriodSums made)
    {
        if (
            made[measure] is not { } value
            || energy.Select(fact => trace.AccountOf(fact, measure)).OfType<AccountDecision>().Distinct().ToList() is not [var account]
            || made[account.From] is not { } from
            || energy.Any(fact => fact[measure] is null && fact[account.From] is not null)
        )
            return null;
        var factor = account.By;
        var times =
            factor.Kind == Domain.Factors.FactorKind.Pue
                ? $" x {DecisionText.Number(factor.Value)} (PUE)"
                : $" / {DecisionText.Number(Energy.JoulesPerKilowattHour)} J/kWh x {DecisionText.Number(factor.Value)} {factor.Unit}";
        return new Formula(
            measure.Name,
            $"{measure} = {account.From}{times} = {DecisionText.Number(from)}{times} = {DecisionText.Number(value)}, by {factor.Name}",
            value
        );
    }

    /// <summary>A sum with its parts, of many parts the first.</summary>
    private static string Text(Measure measure, IReadOnlyList<double> parts)
    {
        var shown = string.Join(" + ", parts.Take(DecisionText.MostTerms).Select(DecisionText.Number));
        var more =
            parts.Count > DecisionText.MostTerms
                ? string.Create(CultureInfo.InvariantCulture, $" + ... ({parts.Count - DecisionText.MostTerms} more)")
                : "";
        return $"{measure} = {shown}{more} = {DecisionText.Number(parts.Aggregate(0.0, (sum, part) => sum + part))}";
    }
}
