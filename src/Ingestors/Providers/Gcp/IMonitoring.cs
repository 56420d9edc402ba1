using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Metrics.Domain.Messages;
using Metrics.Domain.Observations;
using Metrics.Ingestors.Http;

namespace Metrics.Ingestors.Providers.Gcp;

/// <summary>The operations of Cloud Monitoring that a reader needs, named as Google names them. One call is one page.</summary>
internal interface IMonitoring : IDisposable
{
    /// <inheritdoc cref="ITelemetrySource.FarClock"/>
    FarClock? FarClock { get; }

    /// <summary>A page of the descriptors that the filter selects; the caller disposes of it.</summary>
    Task<JsonDocument> ListMetricDescriptorsAsync(string filter, string? pageToken, CancellationToken cancellationToken);

    /// <summary>A page of the points that end in the interval, which is open at its start and closed at its end; the caller disposes of
    /// it.</summary>
    /// <param name="filter">Names exactly one metric type.</param>
    /// <param name="start">UTC.</param>
    /// <param name="end">UTC.</param>
    /// <param name="hourlyAligner">Makes one value of each hour; null: points as they were written.</param>
    /// <param name="pageToken">From the page before.</param>
    /// <param name="cancellationToken">Stops it.</param>
    Task<JsonDocument> ListTimeSeriesAsync(
        string filter,
        DateTime start,
        DateTime end,
        string? hourlyAligner,
        string? pageToken,
        CancellationToken cancellationToken
    );
}

/// <summary>Cloud Monitoring v3 over REST.</summary>
internal sealed class RestMonitoring(GcpMonitoringSettings settings, Transport transport) : IMonitoring
{
    private const int PointsPerPage = 10_000;

    private readonly Uri root = new(
        Slashed((settings.Endpoint ?? settings.Google!.MonitoringAddress).AbsoluteUri) + $"v3/projects/{settings.Google!.Project}/"
    );

    public FarClock? FarClock => transport.FarClock;

    public void Dispose() => transport.Dispose();

    public Task<JsonDocument> ListMetricDescriptorsAsync(string filter, string? pageToken, CancellationToken cancellationToken) =>
        GetAsync($"metricDescriptors?filter={Uri.EscapeDataString(filter)}&pageSize=1000{Token(pageToken)}", cancellationToken);

    public Task<JsonDocument> ListTimeSeriesAsync(
        string filter,
        DateTime start,
        DateTime end,
        string? hourlyAligner,
        string? pageToken,
        CancellationToken cancellationToken
    )
    {
        var aligned = hourlyAligner is null ? "" : $"&aggregation.alignmentPeriod=3600s&aggregation.perSeriesAligner={hourlyAligner}";
        return GetAsync(
            $"timeSeries?filter={Uri.EscapeDataString(filter)}&interval.startTime={Time(start)}&interval.endTime={Time(end)}"
                + $"{aligned}&view=FULL&pageSize={PointsPerPage}{Token(pageToken)}",
            cancellationToken
        );
    }

    private static string Token(string? token) => token is null ? "" : "&pageToken=" + Uri.EscapeDataString(token);

    private static string Slashed(string address) => address.EndsWith('/') ? address : address + "/";

    private static string Time(DateTime time) => time.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture);

    private Task<JsonDocument> GetAsync(string what, CancellationToken cancellationToken)
    {
        var address = new Uri(root, what);
        return transport.RetryAsync(
            () => new HttpRequestMessage(HttpMethod.Get, address),
            async (body, limit) =>
            {
                if (body.MediaType is "text/html" or "application/xhtml+xml")
                    throw UnexpectedResponse(address, body.MediaType);
                try
                {
                    var document = await JsonDocument.ParseAsync(body.Content, new JsonDocumentOptions { MaxDepth = 32 }, limit);
                    if (document.RootElement.ValueKind == JsonValueKind.Object)
                        return document;
                    document.Dispose();
                    throw UnexpectedResponse(address, "something that is no JSON object");
                }
                catch (JsonException exception)
                {
                    throw UnexpectedResponse(address, "something that is no whole JSON", exception);
                }
            },
            (response, text) => Explain(address, response.StatusCode, text),
            cancellationToken
        );
    }

    private static SourceException UnexpectedResponse(Uri address, string instead, Exception? inner = null) =>
        new(
            SourceErrorCode.NotMetrics,
            $"GET {Transport.Show(address)} did not answer as Cloud Monitoring but with {instead}. Check Endpoint and whether a "
                + $"login or proxy page stands before it.",
            inner
        );

    private SourceException? Explain(Uri address, HttpStatusCode status, byte[] text)
    {
        var (word, message) = ("", "");
        try
        {
            using var document = JsonDocument.Parse(text);
            if (
                document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("error", out var error)
                && error.ValueKind == JsonValueKind.Object
            )
                (word, message) = (Text(error, "status"), Text(error, "message"));
        }
        catch (JsonException)
        {
            // A proxy in front answered; the status has to do.
        }
        var quote = message.Length == 0 ? "" : $" \"{Redaction.Excerpt(Encoding.UTF8.GetBytes(message))}\"";
        var said =
            $"GET {Transport.Show(address)} answered "
            + $"{(int)status}{(word.Length == 0 ? "" : " " + Redaction.Excerpt(Encoding.UTF8.GetBytes(word)))}{quote}";
        var rights = $"`{GcpProvider.Needed[0]}` and `{GcpProvider.Needed[1]}` (roles/monitoring.viewer)";
        return (int)status switch
        {
            401 => new SourceException(
                SourceErrorCode.Unauthorised,
                $"{said}: the token is not accepted. Check Google:CredentialsFile and the clock of this host; the account needs "
                    + $"{rights} on project '{settings.Google!.Project}'."
            ),
            403 => new SourceException(
                SourceErrorCode.Unauthorised,
                $"{said}: grant {rights} on project '{settings.Google!.Project}' to the account, and check Google:Project and "
                    + $"Google:QuotaProject."
            ),
            404 => new SourceException(SourceErrorCode.Refused, $"{said}: check Google:Project '{settings.Google!.Project}' and Endpoint."),
            429 => new SourceException(
                SourceErrorCode.Throttled,
                $"{said}: the quota of the project is used up. It is read again later; a longer Every helps."
            ),
            >= 500 => new SourceException(
                SourceErrorCode.ServerError,
                $"{said}. The fault is on the server's side; it is read again later."
            ),
            _ => null,
        };
    }

    internal static string Text(JsonElement whole, string name) =>
        whole.ValueKind == JsonValueKind.Object && whole.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : "";
}
