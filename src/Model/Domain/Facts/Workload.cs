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

/// <summary>A rule: the series comes from the source and each label named matches its glob (<c>*</c> any run, <c>?</c> one character, whole value, case counts).</summary>
/// <param name="Source">Id of a source.</param>
/// <param name="Labels">Label to glob; no labels: every series of the source.</param>
public sealed record WorkloadRule(string Source, IReadOnlyDictionary<string, string> Labels);
