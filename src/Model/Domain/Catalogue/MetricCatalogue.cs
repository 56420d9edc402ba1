using System.Collections.Frozen;
using Metrics.Domain.Observations;

namespace Metrics.Domain.Catalogue;

/// <summary>All mappings, ready to be asked. Immutable; asking allocates nothing.</summary>
public sealed class MetricCatalogue
{
    private readonly FrozenDictionary<string, FrozenDictionary<string, Candidate[]>> candidates;
    private readonly FrozenDictionary<string, IReadOnlyList<string>> metrics;

    /// <summary>A catalogue of the mappings, in any order. The reader has checked them; here nothing is.</summary>
    public MetricCatalogue(IReadOnlyList<MetricMapping> mappings)
    {
        Mappings = [.. mappings.OrderBy(mapping => mapping.Id, StringComparer.Ordinal).ThenBy(mapping => mapping.Version)];
        candidates = Mappings
            .GroupBy(mapping => mapping.Provider, StringComparer.Ordinal)
            .ToFrozenDictionary(
                provider => provider.Key,
                provider =>
                    provider
                        .SelectMany(mapping => mapping.Metrics.Distinct(StringComparer.Ordinal), (mapping, metric) => (metric, mapping))
                        .GroupBy(pair => pair.metric, StringComparer.Ordinal)
                        .ToFrozenDictionary(
                            metric => metric.Key,
                            metric => Rank(metric.Select(pair => pair.mapping)),
                            StringComparer.Ordinal
                        ),
                StringComparer.Ordinal
            );
        metrics = candidates.ToFrozenDictionary(
            provider => provider.Key,
            provider => (IReadOnlyList<string>)[.. provider.Value.Keys.Order(StringComparer.Ordinal)],
            StringComparer.Ordinal
        );
    }

    /// <summary>Every mapping, ordered by id and version.</summary>
    public IReadOnlyList<MetricMapping> Mappings { get; }

    /// <summary>Every spelling of every metric of a provider, ordered; what a reader asks its source for. Empty for a provider without
    /// mappings.</summary>
    public IReadOnlyList<string> MetricsOf(string provider) => metrics.GetValueOrDefault(provider, []);

    /// <summary>The mapping of a series that holds at the instant: the one with the latest effective day among those whose provider,
    /// metric, statistic, period and conditions match; null when none does.</summary>
    /// <param name="series">The series.</param>
    /// <param name="at">UTC. A mapping holds from 00:00 UTC of its effective day.</param>
    /// <remarks>Of several from the same day the one with the most conditions is taken, then the first by id.</remarks>
    public MetricMapping? Find(Series series, DateTime at)
    {
        if (!candidates.TryGetValue(series.Provider, out var ofProvider) || !ofProvider.TryGetValue(series.Metric, out var ranked))
            return null;
        var day = DateOnly.FromDateTime(at);
        foreach (var candidate in ranked)
            if (candidate.Mapping.EffectiveFrom <= day && candidate.Accepts(series))
                return candidate.Mapping;
        return null;
    }

    // In the order of preference, so that the first that matches is the answer.
    private static Candidate[] Rank(IEnumerable<MetricMapping> mappings) =>
        [
            .. mappings
                .OrderByDescending(mapping => mapping.EffectiveFrom)
                .ThenByDescending(mapping => mapping.When.Count)
                .ThenBy(mapping => mapping.Id, StringComparer.Ordinal)
                .ThenByDescending(mapping => mapping.Version)
                .Select(mapping => new Candidate(mapping)),
        ];

    /// <summary>A mapping with its conditions taken apart.</summary>
    private sealed class Candidate(MetricMapping mapping)
    {
        private readonly (string Label, string[] OneOf, string[] NoneOf)[] conditions =
        [
            .. mapping.When.Select(condition =>
                (
                    condition.Label,
                    condition.Globs.Where(glob => !glob.StartsWith('!')).ToArray(),
                    condition.Globs.Where(glob => glob.StartsWith('!')).Select(glob => glob[1..]).ToArray()
                )
            ),
        ];

        public MetricMapping Mapping => mapping;

        public bool Accepts(Series series)
        {
            if (mapping.Statistic is { } statistic && series.Statistic != statistic && series.Statistic != Statistic.Raw)
                return false;
            if (mapping.Period is { } period && series.Period != period)
                return false;
            var labels = series.Labels;
            foreach (var (label, oneOf, noneOf) in conditions)
            {
                var value = labels[label] ?? "";
                if (oneOf.Length > 0 && !AnyMatches(oneOf, value))
                    return false;
                if (AnyMatches(noneOf, value))
                    return false;
            }
            return true;
        }

        private static bool AnyMatches(string[] globs, string value)
        {
            foreach (var glob in globs)
                if (Glob.Matches(glob, value))
                    return true;
            return false;
        }
    }
}
