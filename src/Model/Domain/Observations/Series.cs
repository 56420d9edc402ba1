namespace Metrics.Domain.Observations;

/// <summary>One stream of samples: a source's metric with one set of labels and one statistic over one period.</summary>
/// <remarks>Readers keep one instance a stream, so that an observation is a reference and three numbers.</remarks>
public sealed class Series
{
    /// <summary>A series of a source.</summary>
    /// <param name="source">Id of the source in the configuration.</param>
    /// <param name="provider">The provider whose catalogue explains the metric: <c>prometheus</c>, <c>aws-cloudwatch</c> ...</param>
    /// <param name="metric">The metric's name as the provider writes it.</param>
    /// <param name="labels">Labels or dimensions.</param>
    /// <param name="statistic">How the provider made one value of a period.</param>
    /// <param name="period">Length of that period; zero for an instant.</param>
    public Series(
        string source,
        string provider,
        string metric,
        Labels labels,
        Statistic statistic = Statistic.Raw,
        TimeSpan period = default
    )
    {
        Source = source;
        Provider = provider;
        Metric = metric;
        Labels = labels;
        Statistic = statistic;
        Period = period;
        var text = labels.ToString();
        HoldsNul = metric.Contains('\0', StringComparison.Ordinal) || text.Contains('\0', StringComparison.Ordinal);
        Id = Identity.Of(
            source,
            provider,
            metric,
            text,
            statistic.ToString(),
            ((long)period.TotalMilliseconds).ToString(System.Globalization.CultureInfo.InvariantCulture)
        );
    }

    /// <summary>Key derived from everything below; the same on every engine.</summary>
    public long Id { get; }

    /// <summary>Id of the source.</summary>
    public string Source { get; }

    /// <summary>Provider whose catalogue explains the metric.</summary>
    public string Provider { get; }

    /// <summary>Metric name, verbatim.</summary>
    public string Metric { get; }

    /// <summary>Labels, ordered by name.</summary>
    public Labels Labels { get; }

    /// <summary>How one value was made.</summary>
    public Statistic Statistic { get; }

    /// <summary>Length of the period of one value; zero for an instant.</summary>
    public TimeSpan Period { get; }

    /// <summary>Whether the metric or a label holds a NUL, which no database keeps and which ends the parts of an identity.</summary>
    internal bool HoldsNul { get; }

    /// <inheritdoc/>
    public override string ToString() => Metric + Labels;
}

/// <summary>How the provider made one value of a period. Stored by number.</summary>
public enum Statistic
{
    /// <summary>The value itself, at an instant.</summary>
    Raw = 0,

    /// <summary>Mean of the samples of the period.</summary>
    Average = 1,

    /// <summary>Sum of the samples of the period.</summary>
    Sum = 2,

    /// <summary>Smallest sample of the period.</summary>
    Minimum = 3,

    /// <summary>Largest sample of the period.</summary>
    Maximum = 4,

    /// <summary>Number of samples of the period.</summary>
    SampleCount = 5,
}
