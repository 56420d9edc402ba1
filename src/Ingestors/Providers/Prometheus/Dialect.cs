using Metrics.Ingestors.Http;
using Metrics.Ingestors.Http.Credentials;

namespace Metrics.Ingestors.Providers.Prometheus;

/// <summary>What a managed service that answers like Prometheus does otherwise, and as whom it is asked.</summary>
/// <param name="Service">Its name, for messages.</param>
/// <param name="Rights">What the credentials must be allowed to do, in the service's own words.</param>
internal sealed record Dialect(string Service, IReadOnlyList<string> Rights)
{
    /// <summary>One's own server, and Amazon's, which is Cortex.</summary>
    private static readonly Dialect Own = new("a Prometheus server", []),
        Amazon = new("Amazon Managed Service for Prometheus", ["aps:QueryMetrics", "aps:GetLabels"]);

    private static readonly Dialect CloudWatch = new("CloudWatch", ["cloudwatch:GetMetricData", "cloudwatch:ListMetrics"])
    {
        ListsNames = false,
        OneName = true,
        QuotesNames = true,
        MostSeries = 500,
    };

    private static readonly Dialect Azure = new("an Azure Monitor workspace", ["Monitoring Data Reader"]) { OneName = true };

    private static readonly Dialect Google = new("Google Cloud Managed Service for Prometheus", ["monitoring.timeSeries.list"])
    {
        OneName = true,
    };

    /// <summary>False where there is no list of the metrics: each of the catalogue's is asked for, and for a while only those that were
    /// there.</summary>
    public bool ListsNames { get; init; } = true;

    /// <summary>True where a query selects one metric by its whole name.</summary>
    public bool OneName { get; init; }

    /// <summary>True where the name stands in quotation marks within the braces: <c>{"name"}</c>.</summary>
    public bool QuotesNames { get; init; }

    /// <summary>Series that an answer holds at most, without a word on those left out; null: all.</summary>
    public int? MostSeries { get; init; }

    /// <summary>True where somebody else runs the server: samples take longer to be there.</summary>
    public bool Managed => Rights.Count > 0;

    /// <summary>What the settings are for.</summary>
    public static Dialect Of(PrometheusSettings settings) =>
        settings switch
        {
            { Aws: { } aws } => aws.ServiceOf(settings.Endpoint!) == "monitoring" ? CloudWatch : Amazon,
            { Azure: not null } => Azure,
            { Google: not null } => Google,
            _ => Own,
        };

    /// <summary>Every right that any of the services asks for.</summary>
    public static IReadOnlyList<string> AllRights => [.. Amazon.Rights, .. CloudWatch.Rights, .. Azure.Rights, .. Google.Rights];

    /// <summary>Signs requests as the settings say; null: no credentials are given.</summary>
    public static IRequestSigner? Signer(PrometheusSettings settings, TimeProvider clock) =>
        settings switch
        {
            { Aws: { } aws } => new AwsSigner(aws, aws.ServiceOf(settings.Endpoint!), clock),
            { Azure: { } azure } => new AzureSigner(settings, azure, azure.PrometheusScope, clock),
            { Google: { } google } => new GoogleSigner(google),
            _ => settings.Signer(),
        };
}
