namespace Metrics.Emulators;

/// <summary>How the values of a signal are to be understood.</summary>
public enum SignalKind
{
    /// <summary>A level: the mean of the minute.</summary>
    Gauge,

    /// <summary>An amount that belongs to the minute.</summary>
    Delta,

    /// <summary>A counter: its value at the end of the minute.</summary>
    Cumulative,
}

/// <summary>One stream of a cloud's telemetry and what is true of it in every minute.</summary>
/// <param name="Metric">Name in the cloud's own spelling; CloudWatch: <c>Namespace/MetricName</c>, Azure:
/// <c>ResourceType/MetricName</c>.</param>
/// <param name="Labels">Dimensions and labels in the cloud's own spelling.</param>
/// <param name="Kind">How its values are to be understood.</param>
/// <param name="Minute">The value of the minute that begins at this UTC instant; null where the cloud has none, ever.</param>
public sealed record Signal(string Metric, IReadOnlyDictionary<string, string> Labels, SignalKind Kind, Func<DateTime, double?> Minute)
{
    /// <summary>The unit that the cloud claims: <c>None</c>, <c>Count</c>, <c>J</c>.</summary>
    public string Unit { get; init; } = "None";

    /// <summary>Samples behind the value of a minute: what CloudWatch calls SampleCount.</summary>
    public double Samples { get; init; } = 1;

    /// <summary>Name and labels as one text, the same for the same stream.</summary>
    public string Key { get; } =
        Metric
        + "{"
        + string.Join(',', Labels.OrderBy(label => label.Key, StringComparer.Ordinal).Select(label => $"{label.Key}={label.Value}"))
        + "}";
}
