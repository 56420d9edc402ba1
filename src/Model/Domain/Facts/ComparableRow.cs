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

    /// <summary>Sum of energy, in joules.</summary>
    public ComparableAmount Energy { get; init; }

    /// <summary>Sum of emissions in grams of CO2 equivalent, by one method for all rows of a ranking. Market-based grams are never put
    /// here.</summary>
    public ComparableAmount Carbon { get; init; }

    /// <summary>Sum of work in functional units; null when none was counted.</summary>
    public double? Units { get; init; }

    /// <summary>The conversion by which the units were made from those that were counted: <c>1 workflow = 12 requests</c>; null when they
    /// are what was counted.</summary>
    public string? Converted { get; init; }

    /// <summary>Why the energy or the emissions are unknown; null when the row does not say.</summary>
    public NullReason? UnknownBecause { get; init; }

    /// <summary>Which tokens the unit counts: <c>output</c>, <c>input</c>, <c>cached-input</c> or <c>total</c>; null when it counts
    /// none.</summary>
    public string? TokenBasis => Quantities.FunctionalUnit.Known.GetValueOrDefault(FunctionalUnit)?.TokenBasis;

    /// <summary>What the servers' energy is made of: <c>wall</c>, <c>components</c>, <c>model</c>; null when it is not asked for.</summary>
    public string? CoverKind { get; init; }

    /// <summary>For what a meter of it was not believed in some of the time.</summary>
    public MissingReasons Disbelieved { get; init; }

    /// <summary>Work of the time in which the amount is known too.</summary>
    private double? UnitsOf(RankedBy by) => Of(by).Units ?? Units;

    /// <summary>What a ranking divides by the work.</summary>
    public ComparableAmount Of(RankedBy by) => by == RankedBy.Energy ? Energy : Carbon;

    /// <summary>The ratio that a ranking sorts by; null when it does not exist.</summary>
    public double? PerUnit(RankedBy by) => UnitsOf(by) is > 0 and var units ? Of(by).Value / units : null;

    /// <summary>Between what the ratio that a ranking sorts by lies; null when that is not known.</summary>
    public Bounds? BoundsPerUnit(RankedBy by)
    {
        var (_, low, high, _) = Of(by);
        var units = UnitsOf(by);
        return PerUnit(by) is not null && low / units is { } least && high / units is { } most && least <= most && double.IsFinite(most)
            ? new Bounds(least, most)
            : null;
    }

    /// <summary>Why the ratio is null; null when there is a ratio.</summary>
    public NullReason? NullReason(RankedBy by) =>
        Units switch
        {
            null => Facts.NullReason.NoWork,
            <= 0 => Facts.NullReason.ZeroFunctionalUnits,
            _ when PerUnit(by) is not null => null,
            _ when Of(by).Value is not null => Facts.NullReason.NoCommonTime,
            _ => UnknownBecause ?? (by == RankedBy.Energy ? Facts.NullReason.NoEnergy : Facts.NullReason.NoCarbon),
        };
}

/// <summary>A sum, and between what the truth lies; <c>default</c> is one that is unknown.</summary>
/// <param name="Value">The sum; null when it is unknown.</param>
/// <param name="Low">The least that it can be; null without bounds.</param>
/// <param name="High">The most that it can be; null without bounds.</param>
/// <param name="Units">Work of the same time; null: all work of the row.</param>
public readonly record struct ComparableAmount(double? Value, double? Low = null, double? High = null, double? Units = null);
