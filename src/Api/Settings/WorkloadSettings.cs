using Metrics.Domain.Facts;
using Metrics.Domain.Messages;
using Metrics.Domain.Observations;
using Metrics.Ingestors.Providers;

namespace Metrics.Api.Settings;

/// <summary>Section <c>Metrics:Workloads:{name}</c>.</summary>
public sealed class WorkloadSettings
{
    /// <summary>Served model.</summary>
    public string? Model { get; set; }

    /// <summary>Number format of its weights.</summary>
    public string? Precision { get; set; }

    /// <summary>A series belongs to the workload when one of these matches.</summary>
    public List<MatchSettings> Match { get; set; } = [];

    /// <summary>Everything wrong with the section, one sentence each.</summary>
    /// <param name="workloads">All workloads, by name.</param>
    /// <param name="sources">All sources, by id.</param>
    internal static IEnumerable<string> Errors(
        IReadOnlyDictionary<string, WorkloadSettings> workloads,
        IReadOnlyDictionary<string, SourceSettings> sources
    ) => workloads.SelectMany(workload => workload.Value.Errors(workload.Key, sources)).Concat(Claims(workloads));

    private IEnumerable<string> Errors(string name, IReadOnlyDictionary<string, SourceSettings> sources)
    {
        var at = $"Metrics:Workloads:{name}";
        if (name == Workload.Unattributed.Name)
            yield return $"{at}: the name is taken by what no workload claims; choose another.";
        if (Match.Count == 0)
            yield return $"{at}:Match: has no rule, so nothing can belong to the workload.";
        for (var i = 0; i < Match.Count; i++)
            if (!sources.ContainsKey(Match[i].Source))
                yield return $"{at}:Match:{i}:Source: '{Match[i].Source}' is not in "
                    + $"Metrics:Sources.{Spelling.DidYouMean(Match[i].Source, sources.Keys)}";
    }

    /// <summary>Rules of two workloads that certainly claim the same series: each series has one workload.</summary>
    private static IEnumerable<string> Claims(IReadOnlyDictionary<string, WorkloadSettings> workloads)
    {
        var rules = workloads
            .OrderBy(workload => workload.Key, StringComparer.Ordinal)
            .SelectMany(workload =>
                workload.Value.Match.Select(
                    (rule, i) => (Workload: workload.Key, At: $"Metrics:Workloads:{workload.Key}:Match:{i}", Rule: rule)
                )
            )
            .ToList();
        foreach (var (_, at, rule) in rules)
        foreach (var label in rule.Labels.Where(label => label.Value.Length == 0))
            yield return $"{at}:Labels:{label.Key}: is empty, and a label that a series has is not, so the rule matches nothing; "
                + "write * for any value.";
        for (var i = 0; i < rules.Count; i++)
        {
            for (var j = i + 1; j < rules.Count; j++)
            {
                if (rules[i].Workload == rules[j].Workload || rules[i].Rule.Source != rules[j].Rule.Source)
                    continue;
                if (Holds(rules[i].Rule, rules[j].Rule) || Holds(rules[j].Rule, rules[i].Rule))
                    yield return $"{rules[j].At}: claims series of '{rules[j].Rule.Source}' that {rules[i].At} claims too; tell them apart "
                        + "by a label, or remove one.";
            }
        }
    }

    // Whether whatever the narrow rule claims the wide one claims too.
    private static bool Holds(MatchSettings wide, MatchSettings narrow) =>
        wide.Labels.All(label => narrow.Labels.TryGetValue(label.Key, out var glob) && Holds(label.Value, glob));

    // A star or a question mark of the narrow glob is only ever covered by a star of the wide one, which covers it whatever it stands for.
    private static bool Holds(string wide, string narrow) =>
        wide == narrow
        || (
            !(wide.Contains('?', StringComparison.Ordinal) && narrow.Contains('*', StringComparison.Ordinal)) && Glob.Matches(wide, narrow)
        );
}

/// <summary>One rule of a workload.</summary>
public sealed class MatchSettings
{
    /// <summary>Id of a source.</summary>
    public string Source { get; set; } = "";

    /// <summary>Label to glob; every one must match.</summary>
    public Dictionary<string, string> Labels { get; set; } = [];
}
