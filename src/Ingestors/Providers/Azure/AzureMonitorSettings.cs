using Metrics.Ingestors.Http;
using Metrics.Ingestors.Http.Credentials;

namespace Metrics.Ingestors.Providers.Azure;

/// <summary>Settings of a source of <c>azure-monitor</c>.</summary>
public sealed class AzureMonitorSettings : HttpSourceSettings
{
    /// <summary>Which subscription and region, and as whom.</summary>
    public AzureSettings? Azure { get; set; }

    /// <inheritdoc/>
    public override string? OwnPlace => Azure?.OwnPlace;

    /// <inheritdoc/>
    public override IEnumerable<string> Validate()
    {
        foreach (var error in base.Validate())
            yield return error;
        if (Azure is not { } azure)
        {
            yield return "The section Azure is missing: give Subscription and Region.";
            yield break;
        }
        if (!Guid.TryParse(azure.Subscription, out _))
            yield return "Azure:Subscription is missing or no id of a subscription, 36 characters with hyphens.";
        if (azure.Region is not { Length: > 0 } region || !region.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c)))
            yield return "Azure:Region is missing or no region as Azure writes it, for instance westeurope, or global.";
        foreach (var error in azure.Validate())
            yield return error;
    }
}
