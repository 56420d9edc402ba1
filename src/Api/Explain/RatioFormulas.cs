using Metrics.Domain.Facts;

namespace Metrics.Api.Explain;

/// <summary>How the ratios of a row came of its sums, of an hour as of anything longer.</summary>
internal static class RatioFormulas
{
    /// <summary>The ratios by unit, in order, each with its numbers or with what it lacks.</summary>
    public static IEnumerable<Formula> Of(PeriodSums sums) => Ratios.ByUnit.Select(ratio => Of(ratio, sums));

    private static Formula Of(Ratio ratio, PeriodSums sums)
    {
        if (ratio.Expression.Operands().FirstOrDefault(measure => sums[measure] is null) is { } unknown)
            return Null(
                sums[Measures.Units] is null
                    ? $"{Measures.Units} is null"
                    : $"{unknown} is null: of no period of the grid is it known with the work"
            );
        if (sums[ratio] is not { } value)
            return Null($"{ratio.Under.Operands().First(measure => sums[measure] is 0)} is zero");
        var names = ratio.Expression.ToText(measure => measure.Name);
        var numbers = ratio.Expression.ToText(measure => DecisionText.Number(sums[measure]!.Value));
        return new Formula(ratio.Name, $"{ratio.Name} = {names} = {numbers} = {DecisionText.Number(value)}", value);

        Formula Null(string why) => new(ratio.Name, $"{ratio.Name} is null: {why}", null);
    }
}
