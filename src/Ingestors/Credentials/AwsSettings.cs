namespace Metrics.Ingestors.Credentials;

/// <summary>Section <c>Aws</c> of a source: which account and region, and as whom. What is left out comes from the default chain of the AWS SDK.</summary>
public sealed class AwsSettings
{
    /// <summary>Region, for instance <c>eu-west-1</c>.</summary>
    public string? Region { get; set; }
}
