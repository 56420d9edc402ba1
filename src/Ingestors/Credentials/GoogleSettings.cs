namespace Metrics.Ingestors.Credentials;

/// <summary>Section <c>Google</c> of a source: which project and region, and as whom. What is left out comes from the application default credentials.</summary>
public sealed class GoogleSettings
{
    /// <summary>Region, for instance <c>europe-west4</c>.</summary>
    public string? Region { get; set; }
}
