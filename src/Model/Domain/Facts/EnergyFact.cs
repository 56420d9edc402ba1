using Metrics.Domain.Quantities;

namespace Metrics.Domain.Facts;

/// <summary>The energy that one resource drew for one deployment in one period of the grid. Numerators: they may be summed over resources, deployments and periods.</summary>
/// <remarks>
/// A deployment's server energy is the sum over its rows: an accelerator's row holds the board's own joules, the node's row
/// the share of the rest of the server. Null means unknown, and zero means that nothing was drawn.
/// </remarks>
public sealed record EnergyFact
{
    /// <summary>Whose energy.</summary>
    public required Deployment Deployment { get; init; }

    /// <summary>What drew it.</summary>
    public required Resource Resource { get; init; }

    /// <summary>The period of the grid.</summary>
    public required Interval Period { get; init; }

    /// <summary>Joules of accelerator boards; null when the resource is none or they are unknown.</summary>
    public double? AcceleratorJoules { get; init; }

    /// <summary>Joules of IT equipment; null when unknown.</summary>
    public double? ServerJoules { get; init; }

    /// <summary>Server joules x PUE; null when either is unknown.</summary>
    public double? FacilityJoules { get; init; }

    /// <summary>Joules of a rack or distribution unit, kept apart because they hold the servers'; null elsewhere.</summary>
    public double? RackJoules { get; init; }

    /// <summary>The part of the IT joules (of the boards' where the server's are unknown) drawn while reserved and doing nothing; null when unknown.</summary>
    public double? IdleJoules { get; init; }

    /// <summary>The least that the joules of the widest boundary known can be; null without any.</summary>
    public double? LowJoules { get; init; }

    /// <summary>The most that the joules of the widest boundary known can be; null without any.</summary>
    public double? HighJoules { get; init; }

    /// <summary>Facility energy x location-based average intensity, in grams of CO2 equivalents; null when either is unknown.</summary>
    public double? OperationalGrams { get; init; }

    /// <summary>Facility energy x location-based marginal intensity: beside the operational grams, never added to them. Null when either is unknown.</summary>
    public double? MarginalGrams { get; init; }

    /// <summary>Facility energy x market-based intensity: never part of a score. Null when either is unknown.</summary>
    public double? MarketBasedGrams { get; init; }

    /// <summary>The part of making and disposing of the hardware that falls to the period, in grams of CO2 equivalents; null when unknown.</summary>
    public double? EmbodiedGrams { get; init; }

    /// <summary>Water of the site: IT energy x WUE, in litres; null when either is unknown.</summary>
    public double? WaterLitres { get; init; }

    /// <summary>Joules (of the widest boundary known without PUE) that were measured or derived, not modelled or estimated.</summary>
    public required double MeasuredJoules { get; init; }

    /// <summary>Seconds of the period for which readings exist; at most the period.</summary>
    public required double CoveredSeconds { get; init; }

    /// <summary>Worst evidence of the inputs.</summary>
    public required Evidence Evidence { get; init; }

    /// <summary>What made up the widest boundary.</summary>
    public required EnergyCover Cover { get; init; }

    /// <summary>Mappings used, as <c>id@version</c>, ordered, separated by a space.</summary>
    public required string Mappings { get; init; }

    /// <summary>Factors used, by <see cref="Factors.Factor.Name"/>, ordered, separated by a space.</summary>
    public string Factors { get; init; } = "";

    /// <summary>Why columns are null.</summary>
    public MissingReasons Missing { get; init; }
}

/// <summary>The work that a deployment did in one functional unit in one period of the grid. Denominators.</summary>
public sealed record WorkFact
{
    /// <summary>Who worked.</summary>
    public required Deployment Deployment { get; init; }

    /// <summary>What is counted.</summary>
    public required string FunctionalUnit { get; init; }

    /// <summary>The period of the grid.</summary>
    public required Interval Period { get; init; }

    /// <summary>Units of work. A fraction when a count was split over periods.</summary>
    public required double Units { get; init; }

    /// <summary>Seconds of the period for which counts exist; at most the period.</summary>
    public required double CoveredSeconds { get; init; }

    /// <summary>Worst evidence of the inputs.</summary>
    public required Evidence Evidence { get; init; }

    /// <summary>Mappings used, as <c>id@version</c>, ordered, separated by a space.</summary>
    public required string Mappings { get; init; }
}
