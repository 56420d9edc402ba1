using Metrics.Ingestors.Http;
using Metrics.Ingestors.Http.Credentials;

namespace Metrics.Ingestors.Providers.Aws;

/// <summary>Settings of a source of <c>aws-cloudwatch</c>.</summary>
public sealed class CloudWatchSettings : HttpSourceSettings
{
    /// <summary>Which account and region, and as whom.</summary>
    public AwsSettings? Aws { get; set; }

    /// <inheritdoc/>
    public override string? OwnPlace => Aws?.OwnPlace;

    /// <inheritdoc/>
    public override IEnumerable<string> Validate()
    {
        foreach (var error in base.Validate())
            yield return error;
        if (Overlap < TimeSpan.FromHours(1))
            yield return "Overlap is at least an hour for aws-cloudwatch, whose values change for minutes and come hours late.";
        foreach (var error in Aws?.Validate() ?? ["The section Aws is missing: give Region."])
            yield return error;
    }
}
