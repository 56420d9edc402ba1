using Metrics.Domain.Observations;

namespace Metrics.Domain.Catalogue;

/// <summary>All mappings, ready to be asked. Immutable.</summary>
public sealed class MetricCatalogue(IReadOnlyList<MetricMapping> mappings)
{
    /// <summary>Every mapping, ordered by id and version.</summary>
    public IReadOnlyList<MetricMapping> Mappings { get; } = mappings;

    /// <summary>Every spelling of every metric of a provider, ordered; what a reader asks its source for.</summary>
    public IReadOnlyList<string> MetricsOf(string provider) => throw new NotImplementedException(provider);

    /// <summary>The mapping of a series that holds at the instant: the one with the latest effective day among those whose provider, metric and conditions match; null when none does.</summary>
    public MetricMapping? Find(Series series, DateTime at) => throw new NotImplementedException($"{series} {at}");
}
