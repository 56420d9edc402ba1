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
/// value, case counts).</summary>
/// <param name="Source">Id of a source.</param>
/// <param name="Labels">Label to glob; no labels: every series of the source.</param>
public sealed record WorkloadRule(string Source, IReadOnlyDictionary<string, string> Labels)
{
    /// <summary>Whether the series meets the rule. A label that the series lacks matches nothing, not even <c>*</c>: <c>"pod": "*"</c> is
    /// any pod.</summary>
    public bool Claims(Series series)
    {
        if (!string.Equals(series.Source, Source, StringComparison.Ordinal))
            return false;
        foreach (var (label, glob) in Labels)
            if (series.Labels[label] is not { } value || !Glob.Matches(glob, value))
                return false;
        return true;
    }
}
