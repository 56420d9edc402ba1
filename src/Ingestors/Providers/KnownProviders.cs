using Metrics.Domain.Catalogue;

namespace Metrics.Ingestors.Providers;

/// <summary>Opens sources of one kind. Implemented by <see cref="IProvider{TSettings}"/>.</summary>
public interface IProvider
{
    /// <summary>Name in the configuration: <c>prometheus</c>, <c>exporter</c>, <c>file</c>.</summary>
    string Name { get; }

    /// <summary>What a source's section is bound to.</summary>
    Type Settings { get; }

    /// <summary>What the credentials must be allowed to do, in the provider's own words, as its README lists them; messages of refused
    /// reads name them.</summary>
    IReadOnlyList<string> Permissions => [];

    /// <summary>What to do instead of setting a key that only other providers have, as the end of a message; null: remove it.</summary>
    string? InsteadOf(string key) => null;

    /// <summary>A source for valid settings of the type <see cref="Settings"/>. Opens no connection yet.</summary>
    ITelemetrySource Open(SourceSettings settings, MetricCatalogue catalogue, TimeProvider clock);
}

/// <summary>Opens sources of one kind, which have settings of their own.</summary>
/// <typeparam name="TSettings">What a source's section is bound to; it says by itself what is wrong with it.</typeparam>
public interface IProvider<in TSettings> : IProvider
    where TSettings : SourceSettings, new()
{
    Type IProvider.Settings => typeof(TSettings);

    ITelemetrySource IProvider.Open(SourceSettings settings, MetricCatalogue catalogue, TimeProvider clock) =>
        Open((TSettings)settings, catalogue, clock);

    /// <summary>A source for valid settings. Opens no connection yet.</summary>
    ITelemetrySource Open(TSettings settings, MetricCatalogue catalogue, TimeProvider clock);
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
