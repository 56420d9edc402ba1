namespace Metrics.Ingestors.Credentials;

/// <summary>Section <c>Azure</c> of a source: which subscription and region, and as whom. What is left out comes from <c>DefaultAzureCredential</c>.</summary>
public sealed class AzureSettings
{
    /// <summary>Region, for instance <c>westeurope</c>.</summary>
    public string? Region { get; set; }
}
