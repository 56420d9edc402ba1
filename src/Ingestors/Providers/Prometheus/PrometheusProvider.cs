using Metrics.Domain.Catalogue;

namespace Metrics.Ingestors.Providers.Prometheus;

/// <summary>Provider <c>prometheus</c>: reads raw samples of the catalogue's metrics through a Prometheus server's HTTP API.</summary>
public sealed class PrometheusProvider : IProvider<PrometheusSettings>
{
    /// <inheritdoc/>
    public string Name => "prometheus";

    /// <inheritdoc/>
    public IReadOnlyList<string> Permissions => Dialect.AllRights;

    /// <inheritdoc/>
    public ITelemetrySource Open(PrometheusSettings settings, MetricCatalogue catalogue, TimeProvider clock) =>
        new PrometheusSource(settings, catalogue, clock);
}
