using Metrics.Domain.Catalogue;
using Metrics.Ingestors.Http.Credentials;

namespace Metrics.Ingestors.Providers.Azure;

/// <summary>Provider <c>azure-monitor</c>: reads the catalogue's metrics of the resources of one subscription and region from Azure
/// Monitor.</summary>
public sealed class AzureProvider : IProvider<AzureMonitorSettings>
{
    /// <summary>What the credentials must be allowed to do on the subscription; the role <c>Monitoring Reader</c> holds it.</summary>
    internal static readonly string[] Needed =
    [
        "Microsoft.Insights/Metrics/Read",
        "Microsoft.Insights/MetricDefinitions/Read",
        "Microsoft.Resources/subscriptions/resources/read",
    ];

    /// <inheritdoc/>
    public string Name => "azure-monitor";

    /// <inheritdoc/>
    public IReadOnlyList<string> Permissions => Needed;

    /// <inheritdoc/>
    public string? InsteadOf(string key) =>
        key is nameof(ServerSettings.Username) or nameof(ServerSettings.Password) or nameof(ServerSettings.BearerToken)
            ? "set Azure:ClientId and how it proves itself, or give the machine a managed identity"
            : null;

    /// <inheritdoc/>
    public ITelemetrySource Open(AzureMonitorSettings settings, MetricCatalogue catalogue, TimeProvider clock) =>
        new AzureSource(settings, catalogue, new RestAzureMonitor(settings, clock));
}
