using Metrics.Domain.Catalogue;
using Metrics.Ingestors.Http;
using Metrics.Ingestors.Http.Credentials;

namespace Metrics.Ingestors.Providers.Aws;

/// <summary>Provider <c>aws-cloudwatch</c>: reads the catalogue's metrics of one account and region from Amazon CloudWatch.</summary>
public sealed class AwsProvider : IProvider
{
    /// <summary>What the credentials must be allowed to do.</summary>
    internal static readonly string[] Needed = ["cloudwatch:ListMetrics", "cloudwatch:GetMetricData"];

    /// <inheritdoc/>
    public string Name => "aws-cloudwatch";

    /// <inheritdoc/>
    public IReadOnlyList<string> Permissions => [.. Needed, "sts:AssumeRole"];

    /// <inheritdoc/>
    public string? PlaceOf(SourceSettings settings) => settings.Aws?.Region is { Length: > 0 } region ? $"aws/{region}" : null;

    /// <inheritdoc/>
    public IEnumerable<string> Check(SourceSettings settings)
    {
        foreach (var fault in Transport.Check(settings, endpointKnown: true))
            yield return fault;
        if (settings.Username is not null || settings.BearerToken is not null)
            yield return "Username and BearerToken are not for aws-cloudwatch: set Aws:Profile, or give the machine a role.";
        if (settings.Selector is not null)
            yield return "Selector is for the provider 'prometheus': remove it.";
        if (settings.Overlap < TimeSpan.FromHours(1))
            yield return "Overlap is at least an hour for aws-cloudwatch, whose values change for minutes and come hours late.";
        if (settings.Aws is not { } aws)
        {
            yield return "The section Aws is missing: give Region.";
            yield break;
        }
        foreach (var fault in aws.Check())
            yield return fault;
    }

    /// <inheritdoc/>
    public ITelemetrySource Open(SourceSettings settings, MetricCatalogue catalogue, TimeProvider clock)
    {
        var signer = new AwsSigner(settings.Aws!, "monitoring", clock);
        return new AwsSource(settings, catalogue, new JsonCloudWatch(settings, new Transport(settings, clock, signer), signer, clock));
    }
}
