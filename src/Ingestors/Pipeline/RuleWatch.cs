using System.Globalization;
using Metrics.Domain.Facts;
using Metrics.Domain.Messages;
using Metrics.Domain.Observations;
using Metrics.Storage.Engine;
using Metrics.Storage.Facts;
using Microsoft.Extensions.Logging;

namespace Metrics.Ingestors.Pipeline;

/// <summary>Tells of workload rules that no series meets although their source has been read: a label misspelt there loses a workload's
/// energy without a fault anywhere else.</summary>
/// <remarks>A rule that has met a series once is not looked at again, and the others seldom: what a source has is known only by reading its
/// series.</remarks>
public sealed class RuleWatch(FactStore store, IReadOnlyList<Workload> workloads, TimeProvider clock, ILogger<RuleWatch>? logger = null)
{
    private static readonly TimeSpan Every = TimeSpan.FromHours(1);

    /// <summary>Values of a label that are compared with a rule, and those that are named.</summary>
    private const int Compared = 10_000,
        Named = 3;

    private readonly List<(Workload Workload, int Index, WorkloadRule Rule)> open =
    [
        .. workloads.SelectMany(workload => workload.Rules.Select((rule, index) => (workload, index, rule))),
    ];

    private readonly HashSet<string> seen = new(StringComparer.Ordinal),
        logged = new(StringComparer.Ordinal);
    private DateTimeOffset next = DateTimeOffset.MinValue;
    private int running;

    /// <summary>Looks at the rules when a source has been read for the first time, and every hour. Does nothing else, and nothing while it
    /// runs already.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref running, 1) == 1)
            return;
        try
        {
            var due = clock.GetUtcNow() >= next;
            if (!due && open.TrueForAll(rule => seen.Contains(rule.Rule.Source)))
                return;
            var read = await store.ReadSourcesAsync(cancellationToken);
            if (!due && !open.Exists(rule => read.Contains(rule.Rule.Source) && !seen.Contains(rule.Rule.Source)))
                return;

            var rejections = new List<Rejection>();
            foreach (var source in open.Select(rule => rule.Rule.Source).Distinct().Intersect(read).ToList())
            {
                var series = await store.SeriesAsync(source, cancellationToken);
                open.RemoveAll(rule => rule.Rule.Source == source && series.Any(rule.Rule.Claims));
                rejections.AddRange(
                    open.Where(rule => rule.Rule.Source == source).Select(rule => Unmatched(rule.Workload, rule.Index, rule.Rule, series))
                );
                seen.Add(source);
            }
            await store.ReplaceRejectionsAsync(RejectionReason.RuleMatchesNothing, rejections, cancellationToken);
            foreach (var rejection in rejections.Where(rejection => logged.Add(rejection.Subject)))
                logger?.LogWarning(LogEvents.RuleMatchesNothing, "{Rule}: {Message}", rejection.Subject, rejection.Detail);
            next = clock.GetUtcNow() + Every;
        }
        finally
        {
            Volatile.Write(ref running, 0);
        }
    }

    private static Rejection Unmatched(Workload workload, int index, WorkloadRule rule, IReadOnlyList<Series> series)
    {
        var at = $"Metrics:Workloads:{workload.Name}:Match:{index.ToString(CultureInfo.InvariantCulture)}";
        var wanted =
            rule.Labels.Count == 0
                ? "any series"
                : string.Join(
                    " and ",
                    rule.Labels.OrderBy(label => label.Key, StringComparer.Ordinal).Select(label => $"{label.Key} '{label.Value}'")
                );
        var count = series.Count.ToString(CultureInfo.InvariantCulture);
        var why =
            series.Count == 0
                ? "it has been read and has brought no series yet"
                : $"none of its {count} series has that"
                    + string.Concat(
                        rule.Labels.OrderBy(label => label.Key, StringComparer.Ordinal)
                            .Select(label => Nearest(label.Key, label.Value, series))
                    );
        return new(
            rule.Source,
            at,
            null,
            RejectionReason.RuleMatchesNothing,
            $"The workload '{workload.Name}' asks source '{rule.Source}' for {wanted}; {why}. Until one meets it, the workload "
                + $"gets nothing by this rule: mend it if it is misspelt."
        );
    }

    /// <summary>What the source has in place of what a rule asks for.</summary>
    private static string Nearest(string label, string glob, IReadOnlyList<Series> series)
    {
        var values = series.Select(one => one.Labels[label]).OfType<string>().Distinct(StringComparer.Ordinal).Take(Compared).ToList();
        if (values.Count == 0)
        {
            var labels = series
                .SelectMany(one => one.Labels.Pairs.Select(pair => pair.Key))
                .Distinct(StringComparer.Ordinal)
                .Take(Compared);
            return $"; none has a label {label}, there are {Closest(label, labels)}";
        }
        return values.Exists(value => Glob.Matches(glob, value)) ? $"; {label} alone is met" : $"; {label} is {Closest(glob, values)}";
    }

    private static string Closest(string wanted, IEnumerable<string> values)
    {
        var all = values
            .OrderBy(value => Spelling.Distance(wanted, value))
            .ThenBy(value => value, StringComparer.Ordinal)
            .Take(Named + 1)
            .ToList();
        return string.Join(", ", all.Take(Named).Select(value => $"'{Spelling.Shorten(value)}'")) + (all.Count > Named ? " and more" : "");
    }
}
