using Metrics.Domain.Quantities;

namespace Metrics.Domain.Facts;

/// <summary>The sums of one deployment over one period, with all that must be known before its ratio is put beside another's.</summary>
public sealed record ComparableRow
{
    /// <summary>Whose sums. Unique among the rows compared, and what ties are broken by.</summary>
    public required string Deployment { get; init; }

    /// <summary>The workload's name.</summary>
    public required string Workload { get; init; }

    /// <summary>Served model; null when unknown or when the workload is no model.</summary>
    public string? Model { get; init; }

    /// <summary>Number format of the weights; null when unknown.</summary>
    public string? Precision { get; init; }

    /// <summary>Hardware; told, never a key: it is what a comparison is made for.</summary>
    public string? Hardware { get; init; }

    /// <summary>What the units count: <c>output-token</c>, <c>request</c> ...</summary>
    public required string FunctionalUnit { get; init; }

    /// <summary>What the energy includes.</summary>
    public required Boundary Boundary { get; init; }

    /// <summary>Whether the energy was multiplied by a PUE.</summary>
    public required bool PueIncluded { get; init; }

    /// <summary>Whether idle energy is part of it.</summary>
    public IdlePolicy IdlePolicy { get; init; } = IdlePolicy.Provisioned;

    /// <summary>How the grams were made, for instance <c>location-based average</c>; null without grams. A key of a ranking by carbon
    /// only.</summary>
    public string? CarbonMethod { get; init; }

    /// <summary>Worst evidence of the inputs.</summary>
    public required Evidence Evidence { get; init; }

    /// <summary>Share of the period for which readings exist, from 0 to 1.</summary>
    public required double Coverage { get; init; }

    /// <summary>Share of the energy that was measured or derived, from 0 to 1; null when unknown.</summary>
    public double? MeasuredShare { get; init; }

    /// <summary>Sum of energy in joules; null when unknown.</summary>
    public double? Joules { get; init; }

    /// <summary>The least that the energy can be, in joules; null without bounds.</summary>
    public double? LowJoules { get; init; }

    /// <summary>The most that the energy can be, in joules; null without bounds.</summary>
    public double? HighJoules { get; init; }

    /// <summary>Sum of emissions in grams of CO2 equivalent, by one method for all rows of a ranking; null when unknown. Market-based grams
    /// are never put here.</summary>
    public double? Grams { get; init; }

    /// <summary>The least that the emissions can be, in grams; null without bounds.</summary>
    public double? LowGrams { get; init; }

    /// <summary>The most that the emissions can be, in grams; null without bounds.</summary>
    public double? HighGrams { get; init; }

    /// <summary>Sum of work in functional units; null when none was counted.</summary>
    public double? Units { get; init; }

    /// <summary>The conversion by which the units were made from those that were counted: <c>1 workflow = 12 requests</c>; null when they
    /// are what was counted.</summary>
    public string? Converted { get; init; }

    /// <summary>Why the energy or the grams are null, for instance <c>pue_unknown</c>; null when the row does not say.</summary>
    public string? UnknownBecause { get; init; }

    /// <summary>Which tokens the unit counts: <c>output</c>, <c>input</c>, <c>cached-input</c> or <c>total</c>; null when it counts
    /// none.</summary>
    public string? TokenBasis => Quantities.FunctionalUnit.Known.GetValueOrDefault(FunctionalUnit)?.TokenBasis;

    /// <summary>The ratio that a ranking sorts by; null when it does not exist.</summary>
    public double? PerUnit(RankedBy by) => Units is > 0 ? (by == RankedBy.Energy ? Joules : Grams) / Units : null;

    /// <summary>Between what the ratio that a ranking sorts by lies; null when that is not known.</summary>
    public Bounds? BoundsPerUnit(RankedBy by)
    {
        var (low, high) = by == RankedBy.Energy ? (LowJoules, HighJoules) : (LowGrams, HighGrams);
        return PerUnit(by) is not null && low / Units is { } least && high / Units is { } most && least <= most && double.IsFinite(most)
            ? new Bounds(least, most)
            : null;
    }

    /// <summary>Why the ratio is null, as a stable snake_case name; null when there is a ratio.</summary>
    public string? NullReason(RankedBy by) =>
        (by, Units) switch
        {
            (_, null) => "no_work",
            (_, <= 0) => "zero_functional_units",
            (RankedBy.Energy, _) => Joules is null ? UnknownBecause ?? "no_energy" : null,
            _ => Grams is null ? UnknownBecause ?? "no_carbon" : null,
        };
}
