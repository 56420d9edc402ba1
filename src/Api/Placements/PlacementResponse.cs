namespace Metrics.Api.Placements;

/// <summary>Where a unit of work costs the least energy.</summary>
public sealed record PlacementResponse
{
    /// <summary>What work is counted in.</summary>
    public required string Unit { get; init; }

    /// <summary>The model asked for; null: every model, each ranked by itself.</summary>
    public string? Model { get; init; }

    /// <summary>What the energy includes: accelerator, server, or facility (server x PUE).</summary>
    public required string Boundary { get; init; }

    /// <summary>Whether a PUE is in the energy.</summary>
    public required bool PueIncluded { get; init; }

    /// <summary>provisioned: energy drawn while reserved and doing nothing is included; active-only: it is left out.</summary>
    public required string IdlePolicy { get; init; }

    /// <summary>What deployments are ranked by: energy (joules per unit) or carbon (grams of CO2 equivalents per unit).</summary>
    public required string By { get; init; }

    /// <summary>How grams are made: operational, by the location-based average intensity of the grid, and embodied. Never
    /// market-based.</summary>
    public required string CarbonMethod { get; init; }

    /// <summary>The first hour summed, UTC.</summary>
    public required DateTime From { get; init; }

    /// <summary>The end of the last hour summed, UTC.</summary>
    public required DateTime To { get; init; }

    /// <summary>Least share of the period that a deployment must cover to be ranked.</summary>
    public required double MinCoverage { get; init; }

    /// <summary>Worst evidence accepted.</summary>
    public required string Evidence { get; init; }

    /// <summary>Deployments that may be ranked with each other, the largest group first.</summary>
    public required IReadOnlyList<PlacementGroup> Groups { get; init; }

    /// <summary>Deployments that are not ranked, and why.</summary>
    public required IReadOnlyList<Placement> LeftOut { get; init; }

    /// <summary>Why there is nothing, and what there is instead; null when there is something.</summary>
    public string? Note { get; init; }
}

/// <summary>Deployments that may be ranked with each other.</summary>
public sealed record PlacementGroup
{
    /// <summary>The model that all serve; null when they are no model's.</summary>
    public string? Model { get; init; }

    /// <summary>Number format of the weights; null when unknown.</summary>
    public string? Precision { get; init; }

    /// <summary>Why they are not ranked with the first group, for instance 'model differs: a against b'. Empty for the first
    /// group.</summary>
    public required IReadOnlyList<string> Differs { get; init; }

    /// <summary>From the least joules (or grams) per unit to the most.</summary>
    public required IReadOnlyList<Placement> Ranked { get; init; }
}

/// <summary>A deployment and its sums over the period.</summary>
public sealed record Placement
{
    /// <summary>Key in /odata/Deployments; text, because it has more digits than a JSON number keeps everywhere.</summary>
    public required string DeploymentId { get; init; }

    /// <summary>What does the work.</summary>
    public required string Workload { get; init; }

    /// <summary>Served model.</summary>
    public string? Model { get; init; }

    /// <summary>Number format of the weights.</summary>
    public string? Precision { get; init; }

    /// <summary>Who runs the place: onprem, aws ...</summary>
    public required string Provider { get; init; }

    /// <summary>The provider's region.</summary>
    public required string Region { get; init; }

    /// <summary>Hardware models.</summary>
    public string? Hardware { get; init; }

    /// <summary>Number of accelerators.</summary>
    public int? Accelerators { get; init; }

    /// <summary>joules / units; null when there is none.</summary>
    public double? JoulesPerUnit { get; init; }

    /// <summary>The least that joulesPerUnit can be; null without bounds.</summary>
    public double? LowJoulesPerUnit { get; init; }

    /// <summary>The most that joulesPerUnit can be; null without bounds.</summary>
    public double? HighJoulesPerUnit { get; init; }

    /// <summary>grams / units; null when there is none.</summary>
    public double? GramsPerUnit { get; init; }

    /// <summary>The least that gramsPerUnit can be by the bounds of the energy; null without bounds.</summary>
    public double? LowGramsPerUnit { get; init; }

    /// <summary>The most that gramsPerUnit can be by the bounds of the energy; null without bounds.</summary>
    public double? HighGramsPerUnit { get; init; }

    /// <summary>Energy of the period at the boundary, by the idle policy; null when unknown.</summary>
    public double? Joules { get; init; }

    /// <summary>Operational and embodied emissions of the period in grams of CO2 equivalents; null when unknown.</summary>
    public double? Grams { get; init; }

    /// <summary>Work of the hours whose energy (or emissions) are known; null when none was counted.</summary>
    public double? Units { get; init; }

    /// <summary>The declared conversion that made the units from what was counted, for instance '1 workflow = 12 requests'; null when they
    /// were counted.</summary>
    public string? Converted { get; init; }

    /// <summary>What the energy includes.</summary>
    public required string Boundary { get; init; }

    /// <summary>Share of the period for which the energy is known at the boundary.</summary>
    public required double Coverage { get; init; }

    /// <summary>Worst evidence of the inputs: measured, derived, modelled or estimated.</summary>
    public required string Evidence { get; init; }

    /// <summary>Share of the energy that was measured or derived.</summary>
    public double? MeasuredShare { get; init; }

    /// <summary>1 - joulesPerUnit (or gramsPerUnit) / that of the worst in the group, from 0 to 1; null for one alone and for one that is
    /// not ranked.</summary>
    public double? SavingAgainstWorst { get; init; }

    /// <summary>Whether its place in the group is certain: false where its bounds overlap with another's; null for one alone and where
    /// bounds are unknown.</summary>
    public bool? Certain { get; init; }

    /// <summary>Factors that the period was made with, by the names of /odata/Factors.</summary>
    public required IReadOnlyList<string> Factors { get; init; }

    /// <summary>Why numbers of the period are null, for instance embodied_unknown.</summary>
    public required IReadOnlyList<string> Missing { get; init; }

    /// <summary>Why it is not ranked, every reason; empty when it is.</summary>
    public required IReadOnlyList<string> Reasons { get; init; }
}
