using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Xml;
using Metrics.Domain.Messages;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Ingestors.Http;
using Metrics.Ingestors.Http.Credentials;

namespace Metrics.Ingestors.Providers.Azure;

/// <summary>The operations of the Azure Resource Manager and of Azure Monitor that a reader needs. What they give is disposed of by the
/// caller.</summary>
internal interface IAzureMonitor : IDisposable
{
    /// <inheritdoc cref="ITelemetrySource.FarClock"/>
    FarClock? FarClock { get; }

    /// <summary>A page of a list of the Resource Manager.</summary>
    /// <param name="address">Path and query below the manager's address, or the <c>nextLink</c> of the page before.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="ForbiddenException">The credentials may not.</exception>
    Task<JsonDocument> ListAsync(string address, CancellationToken cancellationToken);

    /// <summary>Metrics of one resource, from the Resource Manager: <c>interval</c> and <c>value</c>.</summary>
    /// <exception cref="ForbiddenException">The credentials may not.</exception>
    Task<JsonDocument> MetricsAsync(string resource, MetricsQuery query, Interval window, CancellationToken cancellationToken);

    /// <summary>Metrics of up to fifty resources of one type, from the region's own endpoint: <c>values</c>, each with <c>resourceid</c>,
    /// <c>interval</c> and <c>value</c>.</summary>
    /// <exception cref="ForbiddenException">The credentials may not, for want of a role on the whole subscription.</exception>
    Task<JsonDocument> BatchAsync(
        IReadOnlyList<string> resources,
        MetricsQuery query,
        Interval window,
        CancellationToken cancellationToken
    );
}

/// <summary>What to ask of a resource.</summary>
/// <param name="Namespace">Metric namespace: the type of the resource, or a custom one.</param>
/// <param name="Names">Metrics, at most twenty.</param>
/// <param name="Aggregation"><c>average</c>, <c>total</c>, <c>minimum</c>, <c>maximum</c> or <c>count</c>.</param>
/// <param name="Grain">Length of a bucket.</param>
/// <param name="Dimensions">Dimensions to split by, as Azure spells them.</param>
internal sealed record MetricsQuery(
    string Namespace,
    IReadOnlyList<string> Names,
    string Aggregation,
    TimeSpan Grain,
    IReadOnlyList<string> Dimensions
)
{
    /// <summary>Most series of a metric and resource; without it Azure tells ten of them and does not say that there are more.</summary>
    public int Top { get; init; } = 100_000;
}

/// <summary>The credentials are in order and do not reach so far.</summary>
internal sealed class ForbiddenException(SourceException exception) : Exception(exception.Message, exception)
{
    /// <summary>What is told when there is no other way.</summary>
    public SourceException Exception => (SourceException)InnerException!;
}

/// <summary>A token that is not accepted: once more with a new one.</summary>
internal sealed class TokenRefusedException(ForbiddenException exception) : Exception(exception.Message, exception);

/// <summary>The Resource Manager and the metrics of a region over REST.</summary>
internal sealed class RestAzureMonitor : IAzureMonitor
{
    private const string ApiVersion = "2024-02-01";

    private readonly AzureMonitorSettings settings;
    private readonly Uri manager,
        metrics;
    private readonly AzureSigner managerSigner,
        metricsSigner;
    private readonly Transport managerTransport,
        metricsTransport;

    public RestAzureMonitor(AzureMonitorSettings settings, TimeProvider clock)
    {
        this.settings = settings;
        var azure = settings.Azure!;
        (manager, metrics) = (settings.Endpoint ?? azure.ManagerAddress, azure.MetricsAddress);
        managerSigner = new(settings, azure, azure.ManagerScope, clock);
        metricsSigner = new(settings, azure, azure.MetricsScope, clock);
        managerTransport = new(settings, clock, managerSigner);
        metricsTransport = new(settings, clock, metricsSigner);
    }

    public FarClock? FarClock => new[] { metricsTransport.FarClock, managerTransport.FarClock }.MaxBy(clock => clock?.At);

    public void Dispose()
    {
        managerTransport.Dispose();
        metricsTransport.Dispose();
        managerSigner.Dispose();
        metricsSigner.Dispose();
    }

    public Task<JsonDocument> ListAsync(string address, CancellationToken cancellationToken)
    {
        var whole = new Uri(manager, address);
        // The token goes along: a list that continues elsewhere is not followed.
        if (Uri.Compare(whole, manager, UriComponents.SchemeAndServer, UriFormat.Unescaped, StringComparison.OrdinalIgnoreCase) != 0)
            throw new SourceException(
                SourceErrorCode.NotMetrics,
                $"A list of {Transport.Show(manager)} goes on at {Transport.Show(whole)}, which is not followed. Check Endpoint."
            );
        return CallAsync(() => new HttpRequestMessage(HttpMethod.Get, whole), managerTransport, managerSigner, cancellationToken);
    }

    public Task<JsonDocument> MetricsAsync(string resource, MetricsQuery query, Interval window, CancellationToken cancellationToken)
    {
        var address = new Uri(manager, OneAddress(resource, query, window));
        return CallAsync(() => new HttpRequestMessage(HttpMethod.Get, address), managerTransport, managerSigner, cancellationToken);
    }

    public Task<JsonDocument> BatchAsync(
        IReadOnlyList<string> resources,
        MetricsQuery query,
        Interval window,
        CancellationToken cancellationToken
    )
    {
        var address = new Uri(metrics, BatchAddress(settings.Azure!.Subscription!, query, window));
        // The name is in lower case: otherwise it is not found.
        var body = JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, IReadOnlyList<string>> { ["resourceids"] = resources });
        return CallAsync(
            () =>
                new HttpRequestMessage(HttpMethod.Post, address)
                {
                    Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } },
                },
            metricsTransport,
            metricsSigner,
            cancellationToken
        );
    }

    /// <summary>Path and query for one resource.</summary>
    internal static string OneAddress(string resource, MetricsQuery query, Interval window) =>
        $"{resource}/providers/Microsoft.Insights/metrics?{Selection(query)}&timespan={Time(window.Start)}/{Time(window.End)}"
        + $"{Split(query, "&$filter=")}&AutoAdjustTimegrain=false&ValidateDimensions=true";

    /// <summary>Path and query for many resources.</summary>
    internal static string BatchAddress(string subscription, MetricsQuery query, Interval window) =>
        $"/subscriptions/{subscription}/metrics:getBatch?{Selection(query)}&starttime={Time(window.Start)}&endtime={Time(window.End)}"
        + Split(query, "&filter=");

    // What both addresses ask for.
    private static string Selection(MetricsQuery query) =>
        $"api-version={ApiVersion}&metricnamespace={Uri.EscapeDataString(query.Namespace)}&metricnames={Names(query)}"
        + $"&aggregation={query.Aggregation}&interval={XmlConvert.ToString(query.Grain)}";

    // A comma within a name is told apart from those between names in Azure's own way.
    private static string Names(MetricsQuery query) =>
        string.Join(',', query.Names.Select(name => Uri.EscapeDataString(name.Replace(",", "%2", StringComparison.Ordinal))));

    private static string Split(MetricsQuery query, string option) =>
        query.Dimensions.Count == 0
            ? ""
            : option
                + string.Join("%20and%20", query.Dimensions.Select(dimension => $"{Uri.EscapeDataString(dimension)}%20eq%20%27*%27"))
                + string.Create(CultureInfo.InvariantCulture, $"&top={query.Top}");

    private static string Time(DateTime time) => time.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private async Task<JsonDocument> CallAsync(
        Func<HttpRequestMessage> make,
        Transport transport,
        AzureSigner signer,
        CancellationToken cancellationToken
    )
    {
        for (var again = false; ; again = true)
        {
            try
            {
                return await transport.RetryAsync(make, ReadAsync, Explain, cancellationToken);
            }
            catch (TokenRefusedException refused)
            {
                // Once with a new one: then it is not that.
                if (again)
                    throw refused.InnerException!;
                signer.Forget();
            }
        }

        async Task<JsonDocument> ReadAsync(Body body, CancellationToken limit)
        {
            if (body.MediaType is "text/html" or "application/xhtml+xml")
                throw UnexpectedResponse(body.MediaType);
            try
            {
                var document = await JsonDocument.ParseAsync(body.Content, new JsonDocumentOptions { MaxDepth = 32 }, limit);
                if (document.RootElement.ValueKind == JsonValueKind.Object)
                    return document;
                document.Dispose();
                throw UnexpectedResponse("something that is no JSON object");
            }
            catch (JsonException exception)
            {
                throw UnexpectedResponse("something that is no whole JSON", exception);
            }
        }

        SourceException UnexpectedResponse(string instead, Exception? inner = null)
        {
            using var request = make();
            return new(
                SourceErrorCode.NotMetrics,
                $"{request.Method} {Transport.Show(request.RequestUri!)} did not answer as Azure does but with {instead}. Check "
                    + $"Endpoint, Azure:MetricsEndpoint and whether a login or proxy page stands before them.",
                inner
            );
        }
    }

    private Exception? Explain(HttpResponseMessage response, byte[] text)
    {
        var (code, message) = ErrorOf(text);
        var request = response.RequestMessage!;
        var quote = message.Length == 0 ? "" : $" \"{Redaction.Excerpt(Encoding.UTF8.GetBytes(message))}\"";
        var said =
            $"{request.Method} {Transport.Show(request.RequestUri!)} answered "
            + $"{(int)response.StatusCode}{(code.Length == 0 ? "" : " " + code)}{quote}";
        var rights =
            $"the role Monitoring Reader on the subscription '{settings.Azure!.Subscription}' "
            + $"(`{string.Join("`, `", AzureProvider.Needed)}`)";
        switch ((int)response.StatusCode)
        {
            case 401:
                var refused = new ForbiddenException(
                    new(
                        SourceErrorCode.Unauthorised,
                        $"{said}: the token is not accepted. Check Azure:Tenant and Azure:Cloud and the clock of this host; the "
                            + $"account needs {rights}."
                    )
                );
                return
                    code is "ExpiredAuthenticationToken" or "InvalidAuthenticationToken" or "InvalidAuthenticationTokenTenant"
                    || response.Headers.WwwAuthenticate.Count > 0
                    ? new TokenRefusedException(refused)
                    : refused;
            case 403:
                return new ForbiddenException(
                    new(
                        SourceErrorCode.Unauthorised,
                        $"{said}: give the account {rights}, and register the provider Microsoft.Insights there."
                    )
                );
            case 404 when code is "SubscriptionNotFound" or "InvalidSubscriptionId":
                return new ForbiddenException(
                    new(
                        SourceErrorCode.Unauthorised,
                        $"{said}: the account does not see the subscription. Check Azure:Subscription and Azure:Tenant; it needs {rights}."
                    )
                );
            case 429 or 529:
                return new SourceException(
                    SourceErrorCode.Throttled,
                    $"{said}: the subscription was asked more often than it may be. It is read again later; a longer Every helps."
                );
            case >= 500:
                return new SourceException(SourceErrorCode.ServerError, $"{said}. The fault is on Azure's side; it is read again later.");
            case 400 or 404:
                return new SourceException(SourceErrorCode.Refused, $"{said}. Check Azure:Subscription, Azure:Region and Endpoint.");
            default:
                return null;
        }
    }

    /// <summary>Code and message of a fault: at the top for metrics of one resource, else within <c>error</c>.</summary>
    private static (string Code, string Message) ErrorOf(byte[] text)
    {
        try
        {
            using var document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 16 });
            var whole = document.RootElement;
            if (
                whole.ValueKind == JsonValueKind.Object
                && whole.TryGetProperty("error", out var error)
                && error.ValueKind == JsonValueKind.Object
            )
                whole = error;
            var code = Text(whole, "code");
            return (code.Length <= 100 && code.All(char.IsAsciiLetterOrDigit) ? code : "", Text(whole, "message"));
        }
        catch (JsonException)
        {
            // A proxy in front answered; the status has to do.
            return ("", "");
        }
    }

    internal static string Text(JsonElement whole, string name) =>
        whole.ValueKind == JsonValueKind.Object && whole.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : "";
}
