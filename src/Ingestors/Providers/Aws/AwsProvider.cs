using Metrics.Domain.Catalogue;
using Metrics.Ingestors.Http;
using Metrics.Ingestors.Http.Credentials;

namespace Metrics.Ingestors.Providers.Aws;

/// <summary>Provider <c>aws-cloudwatch</c>: reads the catalogue's metrics of one account and region from Amazon CloudWatch.</summary>
public sealed class AwsProvider : IProvider<CloudWatchSettings>
{
    /// <summary>What the credentials must be allowed to do.</summary>
    internal static readonly string[] Needed = ["cloudwatch:ListMetrics", "cloudwatch:GetMetricData"];

    /// <inheritdoc/>
    public string Name => "aws-cloudwatch";

    /// <inheritdoc/>
    public IReadOnlyList<string> Permissions => [.. Needed, "sts:AssumeRole"];

    /// <inheritdoc/>
    public string? InsteadOf(string key) =>
        key is nameof(ServerSettings.Username) or nameof(ServerSettings.Password) or nameof(ServerSettings.BearerToken)
            ? "set Aws:Profile, or give the machine a role"
            : null;

    /// <inheritdoc/>
    public ITelemetrySource Open(CloudWatchSettings settings, MetricCatalogue catalogue, TimeProvider clock)
    {
        var signer = new AwsSigner(settings.Aws!, "monitoring", clock);
        return new AwsSource(settings, catalogue, new JsonCloudWatch(settings, new Transport(settings, clock, signer), signer, clock));
    }
}
