using Metrics.Domain.Facts;

namespace Metrics.Api.Explain;

/// <summary>How the ratios of a row came of its sums, of an hour as of anything longer.</summary>
internal static class RatioFormulas
{
    /// <summary>The ratios by unit, in order, each with its numbers or with what it lacks.</summary>
    public static IEnumerable<Formula> Of(PeriodSums sums) => Ratios.ByUnit.Select(ratio => Of(ratio, sums));

    private static Formula Of(Ratio ratio, PeriodSums sums)
    {
        if (sums[Measures.Units] is not > 0)
            return Null($"{Measures.Units} is {(sums[Measures.Units] is null ? "null" : "zero")}");
        if (ratio.Over.Operands().FirstOrDefault(measure => sums[measure] is null) is { } unknown)
            return Null($"{unknown} is null");
        if ((sums.Missing & ratio.NullWhile).Words().FirstOrDefault() is { } lacking)
            return Null($"{lacking} in a part of the period, and what is known of the rest is too little for all of the Units");
        if (sums[ratio] is not { } value)
            return Null($"{ratio.Over.Operands().First(measure => sums[measure] is 0)} is zero");
        var names = ratio.Expression.ToText(measure => measure.Name, "seconds");
        var numbers = ratio.Expression.ToText(measure => DecisionText.Number(sums[measure]!.Value), "seconds");
        return new Formula(ratio.Name, $"{ratio.Name} = {names} = {numbers} = {DecisionText.Number(value)}", value);

        Formula Null(string why) => new(ratio.Name, $"{ratio.Name} is null: {why}", null);
    }
}
