using Metrics.Domain.Quantities;

namespace Metrics.Domain.Facts;

/// <summary>Sums of a deployment over an hour or more, for one functional unit. The ratios are made of them when they are told.</summary>
public sealed record PeriodSums
{
    /// <summary>The functional unit of a period without any work.</summary>
    public const string NoWork = "none";

    /// <summary>Whose sums.</summary>
    public required long DeploymentId { get; init; }

    /// <summary>What the work is counted in, or <see cref="NoWork"/>.</summary>
    public required string FunctionalUnit { get; init; }

    /// <summary>First instant, UTC.</summary>
    public required DateTime PeriodStart { get; init; }

    /// <summary>End, UTC.</summary>
    public required DateTime PeriodEnd { get; init; }

    /// <summary>The measures.</summary>
    public required MeasureValues Values { get; init; }

    /// <summary>Worst evidence of the inputs.</summary>
    public required Evidence Evidence { get; init; }

    /// <summary>Names of the factors used anywhere in the period, ordered, separated by a space.</summary>
    public string Factors { get; init; } = "";

    /// <summary>Why measures are null anywhere in the period.</summary>
    public MissingReasons Missing { get; init; }

    /// <summary>What the servers' energy was made of, in any of the period.</summary>
    public CoverKinds CoverKinds { get; init; }

    /// <summary>By what idle energy was told, in any of the period.</summary>
    public IdleMeans IdleBy { get; init; }

    /// <summary>Of an hour: whether all sources had been read an hour past its end while it stood. A change from then on is a
    /// restatement.</summary>
    public bool Final { get; init; }

    /// <summary>The value of a measure; null when it is unknown.</summary>
    public double? this[Measure measure] => Values[measure];

    /// <summary>The value of a ratio; null when it does not exist.</summary>
    public double? this[Ratio ratio] => ratio.Of(Values);
}
