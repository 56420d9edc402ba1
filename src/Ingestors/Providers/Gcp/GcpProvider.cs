using Metrics.Domain.Catalogue;
using Metrics.Ingestors.Http;
using Metrics.Ingestors.Http.Credentials;

namespace Metrics.Ingestors.Providers.Gcp;

/// <summary>Provider <c>gcp-monitoring</c>: reads raw points of the catalogue's metrics from Google Cloud Monitoring.</summary>
public sealed class GcpProvider : IProvider<GcpMonitoringSettings>
{
    /// <summary>What the credentials must be allowed to do; <c>roles/monitoring.viewer</c> holds both.</summary>
    internal static readonly string[] Needed = ["monitoring.timeSeries.list", "monitoring.metricDescriptors.list"];

    /// <inheritdoc/>
    public string Name => "gcp-monitoring";

    /// <inheritdoc/>
    public IReadOnlyList<string> Permissions => Needed;

    /// <inheritdoc/>
    public string? InsteadOf(string key) =>
        key is nameof(ServerSettings.Username) or nameof(ServerSettings.Password) or nameof(ServerSettings.BearerToken)
            ? "set Google:CredentialsFile"
            : null;

    /// <inheritdoc/>
    public ITelemetrySource Open(GcpMonitoringSettings settings, MetricCatalogue catalogue, TimeProvider clock)
    {
        var transport = new Transport(settings, clock, new GoogleSigner(settings.Google!));
        return new GcpSource(settings, catalogue, new RestMonitoring(settings, transport));
    }
}
