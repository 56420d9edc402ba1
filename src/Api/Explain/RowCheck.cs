using System.ComponentModel;
using System.Globalization;
using Metrics.Domain.Facts;

namespace Metrics.Api.Explain;

/// <summary>The stored row against the same row made again.</summary>
public sealed record RowCheck
{
    [Description("Whether every number of both is the same to a billionth of it.")]
    public required bool Equal { get; init; }

    [Description("Whether samples came after the row was made: it is about to be made again, and may differ until then.")]
    public required bool Dirty { get; init; }

    [Description("The numbers, made again from the samples that are stored now.")]
    public required IReadOnlyDictionary<string, double?> Recomputed { get; init; }

    [Description("Every number that differs, with both values.")]
    public required IReadOnlyList<string> Differences { get; init; }

    [Description("Why they differ, as far as that is known; null when they do not.")]
    public string? Note { get; init; }

    /// <summary>Equal to a billionth of the larger one.</summary>
    private static bool IsSame(double a, double b) => a == b || Math.Abs(a - b) <= 1e-9 * Math.Max(Math.Abs(a), Math.Abs(b));

    /// <summary>Every number that a row of a period tells.</summary>
    internal static Dictionary<string, double?> Numbers(PeriodSums? sums)
    {
        var numbers = new Dictionary<string, double?>(StringComparer.Ordinal);
        if (sums is null)
            return numbers;
        foreach (var measure in Measures.ExposedBy(MeasureHolders.Periods))
            numbers[measure.Name] = sums[measure];
        foreach (var ratio in Ratios.OfPeriods)
            numbers[ratio.Name] = sums[ratio];
        return numbers;
    }

    /// <summary>Every number that a row of a fact tells.</summary>
    internal static Dictionary<string, double?> Numbers(IReadOnlyList<EnergyFact> facts)
    {
        var numbers = new Dictionary<string, double?>(StringComparer.Ordinal);
        if (facts is not [var fact])
            return numbers;
        foreach (var measure in Measures.ExposedBy(MeasureHolders.Facts))
            numbers[measure.Name] = fact[measure];
        foreach (var ratio in Ratios.OfFacts)
            numbers[ratio.Name] = ratio.Of(fact.Values);
        return numbers;
    }

    /// <summary>Compares each number that the row tells.</summary>
    /// <param name="row">The row as it is stored.</param>
    /// <param name="again">Its numbers, made again.</param>
    /// <param name="dirty">Whether samples came after it was made.</param>
    /// <param name="sampled">Whether there are samples to make it from.</param>
    internal static RowCheck Of(IReadOnlyDictionary<string, object?> row, Dictionary<string, double?> again, bool dirty, bool sampled)
    {
        var differences = new List<string>();
        foreach (var (name, made) in again)
        {
            if (!row.TryGetValue(name, out var cell))
                continue;
            var stored = cell is null ? (double?)null : Convert.ToDouble(cell, CultureInfo.InvariantCulture);
            if (stored is { } a && made is { } b ? IsSame(a, b) : stored is null && made is null)
                continue;
            differences.Add($"{name}: stored {Text(stored)}, made again {Text(made)}");
        }
        if (again.Count == 0)
            differences.Add("the samples that are stored now make no such row");
        return new RowCheck
        {
            Equal = differences.Count == 0,
            Dirty = dirty,
            Recomputed = again,
            Differences = differences,
            Note =
                differences.Count == 0 ? null
                : dirty ? "Samples of the period came after the row was made. It is made again by the worker, and then both are the same."
                : !sampled ? "The samples of the period are no longer kept; the row was made when they were."
                : "Samples or factors are others than when the row was made, and no recompute was asked for since.",
        };

        static string Text(double? value) => value is { } known ? DecisionText.Number(known) : "null";
    }
}
