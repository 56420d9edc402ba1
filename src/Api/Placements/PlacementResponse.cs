using System.ComponentModel;

namespace Metrics.Api.Placements;

/// <summary>Where a unit of work costs the least energy.</summary>
public sealed record PlacementResponse
{
    /// <summary>What work is counted in.</summary>
    public required string Unit { get; init; }

    /// <summary>The model asked for; null: every model, each ranked by itself.</summary>
    public string? Model { get; init; }

    [Description("What the energy includes: accelerator, server, or facility (server x PUE).")]
    public required string Boundary { get; init; }

    /// <summary>Whether a PUE is in the energy.</summary>
    public required bool PueIncluded { get; init; }

    [Description("provisioned: energy drawn while reserved and doing nothing is included; active-only: it is left out.")]
    public required string IdlePolicy { get; init; }

    [Description("What deployments are ranked by: energy (joules per unit) or carbon (grams of CO2 equivalents per unit).")]
    public required string By { get; init; }

    [Description("How grams are made: operational, by the location-based average intensity of the grid, and embodied. Never market-based.")]
    public required string CarbonMethod { get; init; }

    [Description("The first hour summed, UTC.")]
    public required DateTime From { get; init; }

    [Description("The end of the last hour summed, UTC.")]
    public required DateTime To { get; init; }

    [Description("Least share of the period that a deployment must cover to be ranked.")]
    public required double MinCoverage { get; init; }

    [Description("Worst evidence accepted.")]
    public required string Evidence { get; init; }

    [Description("Deployments that may be ranked with each other, the largest group first.")]
    public required IReadOnlyList<PlacementGroup> Groups { get; init; }

    [Description("Deployments that are not ranked, and why.")]
    public required IReadOnlyList<Placement> LeftOut { get; init; }

    [Description("Why there is nothing, and what there is instead; null when there is something.")]
    public string? Note { get; init; }
}

/// <summary>Deployments that may be ranked with each other.</summary>
public sealed record PlacementGroup
{
    /// <summary>The model that all serve; null when they are no model's.</summary>
    public string? Model { get; init; }

    /// <summary>Number format of the weights; null when unknown.</summary>
    public string? Precision { get; init; }

    [Description("Why they are not ranked with the first group, for instance 'model differs: a against b'. Empty for the first group.")]
    public required IReadOnlyList<string> Differs { get; init; }

    [Description("From the least joules (or grams) per unit to the most.")]
    public required IReadOnlyList<Placement> Ranked { get; init; }
}

/// <summary>A deployment and its sums over the period.</summary>
public sealed record Placement
{
    [Description("Key in /odata/Deployments; text, because it has more digits than a JSON number keeps everywhere.")]
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

    [Description("joules / units; null when there is none.")]
    public double? JoulesPerUnit { get; init; }

    [Description("The least that joulesPerUnit can be; null without bounds.")]
    public double? LowJoulesPerUnit { get; init; }

    [Description("The most that joulesPerUnit can be; null without bounds.")]
    public double? HighJoulesPerUnit { get; init; }

    [Description("grams / units; null when there is none.")]
    public double? GramsPerUnit { get; init; }

    [Description("The least that gramsPerUnit can be by the bounds of the energy; null without bounds.")]
    public double? LowGramsPerUnit { get; init; }

    [Description("The most that gramsPerUnit can be by the bounds of the energy; null without bounds.")]
    public double? HighGramsPerUnit { get; init; }

    [Description("Energy of the period at the boundary, by the idle policy; null when unknown.")]
    public double? Joules { get; init; }

    [Description("Operational and embodied emissions of the period in grams of CO2 equivalents; null when unknown.")]
    public double? Grams { get; init; }

    [Description("Work of the hours whose energy (or emissions) are known; null when none was counted.")]
    public double? Units { get; init; }

    [Description(
        "The declared conversion that made the units from what was counted, for instance '1 workflow = 12 requests'; null when "
            + "they were counted."
    )]
    public string? Converted { get; init; }

    /// <summary>What the energy includes.</summary>
    public required string Boundary { get; init; }

    [Description("Share of the period for which the energy is known at the boundary.")]
    public required double Coverage { get; init; }

    [Description("Worst evidence of the inputs: measured, derived, modelled or estimated.")]
    public required string Evidence { get; init; }

    [Description("Share of the energy that was measured or derived.")]
    public double? MeasuredShare { get; init; }

    [Description(
        "1 - joulesPerUnit (or gramsPerUnit) / that of the worst in the group, from 0 to 1; null for one alone and for one that "
            + "is not ranked."
    )]
    public double? SavingAgainstWorst { get; init; }

    [Description(
        "Whether its place in the group is certain: false where its bounds overlap with another's; null for one alone and where "
            + "bounds are unknown."
    )]
    public bool? Certain { get; init; }

    [Description("Factors that the period was made with, by the names of /odata/Factors.")]
    public required IReadOnlyList<string> Factors { get; init; }

    [Description("Why numbers of the period are null, for instance embodied_unknown.")]
    public required IReadOnlyList<string> Missing { get; init; }

    [Description("Why it is not ranked, every reason; empty when it is.")]
    public required IReadOnlyList<string> Reasons { get; init; }
}
