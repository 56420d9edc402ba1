using Metrics.Domain.Quantities;

namespace Metrics.Domain.Facts;

/// <summary>The energy that one resource drew for one deployment in one period of the grid. Numerators: they may be summed over resources,
/// deployments and periods.</summary>
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

    /// <summary>The measures: see <see cref="Measures"/>.</summary>
    public MeasureValues Values { get; private init; } = MeasureValues.OfFact();

    /// <summary>The value of a measure; null when it is unknown.</summary>
    public double? this[Measure measure]
    {
        get => Values[measure];
        init => Values[measure] = value;
    }

    /// <summary>Worst evidence of the inputs.</summary>
    public required Evidence Evidence { get; init; }

    /// <summary>What made up the widest boundary.</summary>
    public required EnergyCover Cover { get; init; }

    /// <summary>By what its idle energy is told.</summary>
    public IdleMeans IdleBy { get; init; }

    /// <summary>Mappings used, as <c>id@version</c>, ordered, separated by a space.</summary>
    public required string Mappings { get; init; }

    /// <summary>Factors used, by <see cref="Factors.Factor.Name"/>, ordered, separated by a space.</summary>
    public string Factors { get; init; } = "";

    /// <summary>Why columns are null.</summary>
    public MissingReasons Missing { get; init; }

    /// <summary>The fact with another value of a measure.</summary>
    public EnergyFact With(Measure measure, double? value) => With(Values.With(measure, value));

    /// <summary>The fact with other values.</summary>
    public EnergyFact With(MeasureValues values) => this with { Values = values };
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

    /// <summary>Seconds of the period for which counts of any of its engines exist; at most the period.</summary>
    public required double Covered { get; init; }

    /// <summary>Seconds for which counts exist, of all engines together: those of an engine by itself add up to the period.</summary>
    public required double Counted { get; init; }

    /// <summary>Seconds for which its engines were there, of all together.</summary>
    public required double Present { get; init; }

    /// <summary>Worst evidence of the inputs.</summary>
    public required Evidence Evidence { get; init; }

    /// <summary>Mappings used, as <c>id@version</c>, ordered, separated by a space.</summary>
    public required string Mappings { get; init; }
}
