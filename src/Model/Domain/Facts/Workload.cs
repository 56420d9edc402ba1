using Metrics.Domain.Observations;

namespace Metrics.Domain.Facts;

/// <summary>What does work: a served model or a service, and the rules that say which series are about it.</summary>
/// <param name="Name">Name in the configuration.</param>
/// <param name="Model">Served model, or null.</param>
/// <param name="Precision">Number format of the weights (<c>fp8</c>, <c>bf16</c>), or null.</param>
/// <param name="Rules">A series belongs to the workload when one of the rules matches.</param>
public sealed record Workload(string Name, string? Model, string? Precision, IReadOnlyList<WorkloadRule> Rules)
{
    /// <summary>What no rule claims.</summary>
    public static Workload Unattributed { get; } = new("unattributed", null, null, []);
}

/// <summary>A rule: the series comes from the source and each label named matches its glob (<c>*</c> any run, <c>?</c> one character, whole
/// value, case counts). <c>pod</c>, <c>namespace</c>, <c>container</c> and <c>node</c> mean what the exporter itself said of them, which
/// Prometheus keeps as <c>exported_pod</c> ... where its own labels have the name.</summary>
/// <param name="Source">Id of a source.</param>
/// <param name="Labels">Label to glob; no labels: every series of the source.</param>
public sealed record WorkloadRule(string Source, IReadOnlyDictionary<string, string> Labels)
{
    /// <summary>Whether the series meets the rule. A label that the series lacks matches nothing, not even <c>*</c>: <c>"pod": "*"</c> is
    /// any pod.</summary>
    public bool Claims(Series series) => Claims(series, series.Labels.Told);

    /// <summary>Whether the series meets the rule with the labels as they are read, which may be more than it carries.</summary>
    /// <param name="series">The series.</param>
    /// <param name="read">The value of a label; null when nothing tells it.</param>
    public bool Claims(Series series, Func<string, string?> read)
    {
        if (!string.Equals(series.Source, Source, StringComparison.Ordinal))
            return false;
        foreach (var (label, glob) in Labels)
            if (read(label) is not { } value || !Glob.Matches(glob, value))
                return false;
        return true;
    }
}
