using Metrics.Domain.Catalogue;
using Metrics.Ingestors.Providers.Azure;
using Metrics.Ingestors.Providers.Exporter;
using Metrics.Ingestors.Providers.Files;
using Metrics.Ingestors.Providers.Gcp;
using Metrics.Ingestors.Providers.Prometheus;

namespace Metrics.Ingestors.Providers;

/// <summary>Opens sources of one kind.</summary>
public interface IProvider
{
    /// <summary>Name in the configuration: <c>prometheus</c>, <c>exporter</c>, <c>file</c>.</summary>
    string Name { get; }

    /// <summary>Every fault of the settings, one sentence each; empty when they can be used.</summary>
    IEnumerable<string> Check(SourceSettings settings);

    /// <summary>What the credentials must be allowed to do, in the provider's own words, as its README lists them; messages of refused reads name them.</summary>
    IReadOnlyList<string> Permissions => [];

    /// <summary>Where the source stands, for <c>Place</c>, when its settings tell it; null when only the operator knows.</summary>
    string? PlaceOf(SourceSettings settings) => null;

    /// <summary>A source for checked settings. Opens no connection yet.</summary>
    ITelemetrySource Open(SourceSettings settings, MetricCatalogue catalogue, TimeProvider clock);
}

/// <summary>The list of providers: one line each.</summary>
public static class KnownProviders
{
    /// <summary>All providers by name.</summary>
    public static IReadOnlyDictionary<string, IProvider> All { get; } =
        new List<IProvider>
        {
            new Prometheus.PrometheusProvider(),
            new Exporter.ExporterProvider(),
            new Files.FileProvider(),
            new Aws.AwsProvider(),
            new Azure.AzureProvider(),
            new Gcp.GcpProvider(),
        }.ToDictionary(provider => provider.Name, StringComparer.OrdinalIgnoreCase);
}
