using Metrics.Domain.Factors;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Facts;

/// <summary>What a ranking sorts by.</summary>
public enum RankedBy
{
    /// <summary>Joules for each functional unit.</summary>
    Energy = 0,

    /// <summary>Grams of CO2 equivalent for each functional unit.</summary>
    Carbon = 1,
}

/// <summary>What a row must meet to be ranked, and what may be ranked together.</summary>
/// <exception cref="ArgumentOutOfRangeException">The minimum coverage is not from 0 to 1.</exception>
public sealed record ComparisonTerms
{
    /// <summary>Least share of the period that must be covered: 0.9 unless told otherwise.</summary>
    public const double UsualCoverage = 0.9;

    /// <summary>Sort by energy or by carbon. Energy by default.</summary>
    public RankedBy By { get; init; } = RankedBy.Energy;

    /// <summary>Least share of the period that must be covered, from 0 to 1. 0.9 by default.</summary>
    public double MinimumCoverage
    {
        get;
        init =>
            field = value is >= 0 and <= 1
                ? value
                : throw new ArgumentOutOfRangeException(nameof(value), value, "A minimum coverage is a share of the period, from 0 to 1.");
    } = UsualCoverage;

    /// <summary>Worst evidence accepted. Modelled by default, so that estimates are left out.</summary>
    public Evidence WorstEvidence { get; init; } = Evidence.Modelled;

    /// <summary>Whether estimates are ranked beside readings of hardware. They are not by default, also where they are accepted.</summary>
    public bool EstimatedBesideMeasured { get; init; }

    /// <summary>What is asked for: rows that count something else are ranked in it where <see cref="Conversions"/> lead there. Null: every
    /// row in what it counts.</summary>
    public string? FunctionalUnit { get; init; }

    /// <summary>What was declared about functional units. Nothing by default, and nothing is ever assumed.</summary>
    public UnitConversions Conversions { get; init; } = UnitConversions.None;

    /// <summary>Whether different models and precisions are ranked with each other. They are not by default: their output is not the same
    /// thing.</summary>
    public bool AcrossModels { get; init; }
}

/// <summary>What may be ranked with each other, and what was left out.</summary>
/// <param name="Groups">The largest first; among equals, the one whose key comes first.</param>
/// <param name="LeftOut">Rows that did not meet the terms, by deployment.</param>
public sealed record Comparison(IReadOnlyList<ComparableGroup> Groups, IReadOnlyList<RowLeftOut> LeftOut);

/// <summary>Rows that may be ranked with each other.</summary>
/// <param name="Key">What they agree in.</param>
/// <param name="Rows">From the least joules (or grams) for each unit to the most.</param>
/// <param name="Differences">Why they are not ranked with the first group; none for the first group itself.</param>
public sealed record ComparableGroup(ComparabilityKey Key, IReadOnlyList<RankedRow> Rows, IReadOnlyList<KeyDifference> Differences);

/// <summary>A row in its ranking.</summary>
/// <param name="Row">The row.</param>
/// <param name="PerUnit">Joules or grams for each functional unit.</param>
/// <param name="SavingAgainstWorst">1 - this ratio over the worst of the group, from 0 to 1; null for a row alone, which has nothing to be
/// saved against.</param>
/// <param name="Certain">
/// Whether its place is certain: true when its bounds meet those of no other row; false when they do, and then the true order may be
/// another one;
/// null for a row alone, and where it or a neighbour has no bounds.
/// </param>
public sealed record RankedRow(ComparableRow Row, double PerUnit, double? SavingAgainstWorst, bool? Certain);

/// <summary>A row that is not ranked.</summary>
/// <param name="Row">The row.</param>
/// <param name="Reasons">Every reason, in words; at least one.</param>
public sealed record RowLeftOut(ComparableRow Row, IReadOnlyList<string> Reasons);
