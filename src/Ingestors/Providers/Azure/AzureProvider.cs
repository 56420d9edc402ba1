using Metrics.Domain.Catalogue;
using Metrics.Ingestors.Http;

namespace Metrics.Ingestors.Providers.Azure;

/// <summary>Provider <c>azure-monitor</c>: reads the catalogue's metrics of the resources of one subscription and region from Azure Monitor.</summary>
public sealed class AzureProvider : IProvider
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
    public string? PlaceOf(SourceSettings settings) => settings.Azure?.Region is { Length: > 0 } region ? $"azure/{region}" : null;

    /// <inheritdoc/>
    public IEnumerable<string> Check(SourceSettings settings)
    {
        foreach (var fault in Transport.Check(settings, endpointKnown: true))
            yield return fault;
        if (settings.Username is not null || settings.BearerToken is not null)
            yield return "Username and BearerToken are not for azure-monitor: set Azure:ClientId and how it proves itself, or give the machine a managed identity.";
        if (settings.Selector is not null)
            yield return "Selector is for the provider 'prometheus': remove it.";
        if (settings.Azure is not { } azure)
        {
            yield return "The section Azure is missing: give Subscription and Region.";
            yield break;
        }
        if (!Guid.TryParse(azure.Subscription, out _))
            yield return "Azure:Subscription is missing or no id of a subscription, 36 characters with hyphens.";
        if (azure.Region is not { Length: > 0 } region || !region.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c)))
            yield return "Azure:Region is missing or no region as Azure writes it, for instance westeurope, or global.";
        foreach (var fault in azure.Check())
            yield return fault;
    }

    /// <inheritdoc/>
    public ITelemetrySource Open(SourceSettings settings, MetricCatalogue catalogue, TimeProvider clock) =>
        new AzureSource(settings, catalogue, new RestAzureMonitor(settings, clock));
}
