using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Messages;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Ingestors.Http;

namespace Metrics.Ingestors.Providers.Prometheus;

/// <summary>A Prometheus server, or what answers like one.</summary>
/// <remarks>
/// Samples come as they were scraped, by range selectors in instant queries: <c>increase()</c> and <c>query_range</c> would extrapolate or
/// resample.
/// Ranges are closed at both ends before Prometheus 3 and left-open since, so each query asks for a millisecond more and the window is cut
/// here.
/// </remarks>
internal sealed class PrometheusSource : ITelemetrySource, IDisposable
{
    /// <summary>Samples one query should bring, at most about.</summary>
    private const int SamplesPerQuery = ObservationBatch.PageSize;

    /// <summary>Series one query should ask for, at most about.</summary>
    private const int SeriesPerQuery = 2_000;

    /// <summary>Series that a metric is taken to have where nobody counted: those that ended before the instant of counting are not
    /// counted, and some servers do not count at all.</summary>
    private const int UnknownSeries = 50;

    /// <summary>Scrapes are assumed this far apart when the span of a query is chosen; where they are denser, answers are larger.</summary>
    private static readonly TimeSpan UsualScrape = TimeSpan.FromSeconds(15);

    /// <summary>Prometheus tells instants in milliseconds.</summary>
    private static readonly TimeSpan Millisecond = TimeSpan.FromMilliseconds(1);

    /// <summary>A window is halved down to this when the server or the limits find its answer too large.</summary>
    private static readonly TimeSpan ShortestSpan = TimeSpan.FromMinutes(1);

    /// <summary>How long metrics that were not there are not asked for again, where there is no list of them.</summary>
    private static readonly TimeSpan AbsenceKept = TimeSpan.FromMinutes(10);

    private readonly PrometheusSettings settings;
    private readonly Dialect dialect;
    private readonly IRequestSigner? signer;
    private readonly Transport transport;
    private readonly Uri root;
    private readonly MetricCatalogue catalogue;
    private readonly SeriesPool pool;
    private List<string>? present;
    private DateTime probedAt;

    public PrometheusSource(PrometheusSettings settings, MetricCatalogue catalogue, TimeProvider clock)
    {
        this.settings = settings;
        this.catalogue = catalogue;
        dialect = Dialect.Of(settings);
        signer = Dialect.Signer(settings, clock);
        transport = new Transport(settings, clock, signer);
        pool = new SeriesPool(settings.Id, settings.MaxSeries);
        var address = settings.Endpoint!.AbsoluteUri;
        root = new Uri(address.EndsWith('/') ? address : address + "/");
        Cadence = new Cadence(
            settings.Settle ?? (dialect.Managed ? TimeSpan.FromMinutes(3) : TimeSpan.FromSeconds(30)),
            settings.Overlap ?? TimeSpan.FromMinutes(dialect.Managed ? 30 : 10),
            settings.Lookback ?? TimeSpan.FromHours(1),
            TimeSpan.FromHours(1)
        )
        {
            Every = settings.Every ?? TimeSpan.FromMinutes(1),
        };
    }

    public FarClock? FarClock => transport.FarClock;

    public Cadence Cadence { get; }

    public void Dispose()
    {
        pool.Dispose();
        transport.Dispose();
        (signer as IDisposable)?.Dispose();
    }

    public async IAsyncEnumerable<Page> ReadAsync(ReadRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var reading = await pool.BeginReadAsync(cancellationToken);
        var wanted = new WantedMetrics(catalogue.MetricsOf("prometheus"));
        var probing = !dialect.ListsNames && (present is null || request.Now - probedAt >= AbsenceKept || request.Now < probedAt);
        var (names, namesPartial) = dialect.ListsNames
            ? await NamesAsync(request.Window, wanted, cancellationToken)
            : (probing ? wanted.All : present!, null);
        if (namesPartial is not null)
            yield return new Page([]) { PartialBecause = namesPartial };
        if (names.Count == 0)
            yield break;

        var found = new List<string>();
        foreach (
            var group in dialect.OneName
                ? names.Select(name => (Names: new List<string> { name }, Series: UnknownSeries))
                : Groups(names, await CountsAsync(request.Window, names, cancellationToken))
        )
        {
            var seen = new HashSet<long>();
            long rejected = 0;
            var spans = new Stack<Interval>();
            foreach (var span in Cut(request.Window, group.Series).Reverse())
                spans.Push(span);
            while (spans.TryPop(out var span))
            {
                ObservationBatch batch;
                try
                {
                    batch = await SamplesAsync(group.Names, span, wanted, cancellationToken);
                }
                catch (TooManySamplesException tooMany)
                {
                    if (span.Length < 2 * ShortestSpan)
                        throw new SourceException(
                            SourceErrorCode.TooLarge,
                            $"{tooMany.Message} The window {span} is the shortest asked for: select less with Selector, or raise "
                                + $"MaxBytes and the server's query.max-samples.",
                            tooMany
                        );
                    var middle =
                        span.Start + new TimeSpan(span.Length.Ticks / 2 / TimeSpan.TicksPerMillisecond * TimeSpan.TicksPerMillisecond);
                    spans.Push(new Interval(middle, span.End));
                    spans.Push(new Interval(span.Start, middle));
                    continue;
                }
                foreach (var observation in dialect.OneName ? batch.Observations : [])
                    seen.Add(observation.Series.Id);
                rejected += batch.Rejected;
                foreach (var page in batch.Pages())
                    yield return page;
            }
            if (seen.Count + rejected > 0)
                found.AddRange(group.Names);
            if (dialect.MostSeries is { } most && seen.Count + rejected >= most)
                yield return new Page([])
                {
                    Unread =
                    [
                        new(
                            group.Names[0],
                            SourceErrorCode.TooLarge,
                            string.Create(
                                CultureInfo.InvariantCulture,
                                $"{dialect.Service} tells {most} series of {group.Names[0]} at most, and not that there are "
                                    + $"more. Read it in parts, each a source with a Selector of its own."
                            )
                        ),
                    ],
                };
        }
        if (probing)
            (present, probedAt) = (found, request.Now);
        foreach (var page in pool.LeftOutPages())
            yield return page;
    }

    /// <summary>Which of the metrics wanted the server has in the window.</summary>
    private async Task<(List<string> Names, string? PartialBecause)> NamesAsync(
        Interval window,
        WantedMetrics wanted,
        CancellationToken cancellationToken
    )
    {
        var query = $"start={Seconds(window.Start)}&end={Seconds(window.End)}";
        if (settings.Selector is not null)
            query += "&match[]=" + Uri.EscapeDataString($"{{__name__!=\"\",{settings.Selector}}}");
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(root, "api/v1/label/__name__/values?" + query));
        return await transport.SendAsync(
            request,
            async (body, limit) =>
            {
                using var document = await DocumentAsync(request, body, limit);
                var names = new List<string>();
                if (document.RootElement.TryGetProperty("data", out var data) && data.ValueKind == JsonValueKind.Array)
                    foreach (var name in data.EnumerateArray())
                        if (name.ValueKind == JsonValueKind.String && wanted.Asks(name.GetString()!))
                            names.Add(name.GetString()!);
                names.Sort(StringComparer.Ordinal);
                return (names, Warnings(document.RootElement));
            },
            Explain(request),
            cancellationToken
        );
    }

    /// <summary>About how many series each metric has. Only the size of queries depends on it: where the server does not say, none are
    /// assumed.</summary>
    private async Task<Dictionary<string, int>> CountsAsync(Interval window, List<string> names, CancellationToken cancellationToken)
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        using var request = Query($"count by (__name__) ({Selector(names)})", window.End);
        try
        {
            await transport.SendAsync(
                request,
                async (body, limit) =>
                {
                    using var document = await DocumentAsync(request, body, limit);
                    if (
                        !document.RootElement.TryGetProperty("data", out var data)
                        || data.ValueKind != JsonValueKind.Object
                        || !data.TryGetProperty("result", out var result)
                        || result.ValueKind != JsonValueKind.Array
                    )
                        return false;
                    foreach (var entry in result.EnumerateArray())
                        if (
                            entry.ValueKind == JsonValueKind.Object
                            && entry.TryGetProperty("metric", out var metric)
                            && metric.ValueKind == JsonValueKind.Object
                            && metric.TryGetProperty("__name__", out var name)
                            && name.ValueKind == JsonValueKind.String
                            && entry.TryGetProperty("value", out var value)
                            && value.ValueKind == JsonValueKind.Array
                            && value.GetArrayLength() == 2
                            && value[1].ValueKind == JsonValueKind.String
                            && int.TryParse(value[1].GetString(), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
                        )
                            counts[name.GetString()!] = count;
                    return true;
                },
                Explain(request),
                cancellationToken
            );
        }
        catch (Exception exception)
            when (exception is TooManySamplesException or SourceException { Code: SourceErrorCode.Refused or SourceErrorCode.TooLarge })
        {
            counts.Clear();
        }
        return counts;
    }

    private async Task<ObservationBatch> SamplesAsync(
        List<string> names,
        Interval span,
        WantedMetrics wanted,
        CancellationToken cancellationToken
    )
    {
        // Evaluated at the last millisecond inside; the range reaches one millisecond before the first.
        var first = span.Start.Floor(Millisecond);
        var last = span.End.AddTicks(-1).Floor(Millisecond);
        var range = (long)(last - first).TotalMilliseconds + 1;
        using var request = Query(string.Create(CultureInfo.InvariantCulture, $"{Selector(names)}[{range}ms]"), last);
        try
        {
            return await transport.SendAsync(
                request,
                (body, limit) =>
                {
                    CheckType(request, body);
                    return new MatrixReader(body.Content, Transport.Show(request.RequestUri!), settings.Id, span, wanted, pool).ReadAsync(
                        limit
                    );
                },
                Explain(request),
                cancellationToken
            );
        }
        catch (SourceException exception) when (exception.Code == SourceErrorCode.TooLarge)
        {
            throw new TooManySamplesException(exception.Message, exception);
        }
    }

    private HttpRequestMessage Query(string query, DateTime time) =>
        new(HttpMethod.Post, new Uri(root, "api/v1/query"))
        {
            Content = new FormUrlEncodedContent([
                new("query", query),
                new("time", Seconds(time)),
                .. dialect.MostSeries is { } most
                    ? [new("limit", most.ToString(CultureInfo.InvariantCulture))]
                    : Array.Empty<KeyValuePair<string, string>>(),
            ]),
        };

    private string Selector(List<string> names)
    {
        var also = settings.Selector is null ? "" : "," + settings.Selector;
        if (dialect.OneName)
        {
            var literal = names[0]
                .Replace("\\", @"\\", StringComparison.Ordinal)
                .Replace("\"", "\\\"", StringComparison.Ordinal)
                .Replace("\n", "\\n", StringComparison.Ordinal);
            return dialect.QuotesNames ? $"{{\"{literal}\"{also}}}" : $"{{__name__=\"{literal}\"{also}}}";
        }
        var pattern = new StringBuilder();
        foreach (var name in names)
        {
            if (pattern.Length > 0)
                pattern.Append('|');
            foreach (var c in name)
            {
                // Once for the regular expression, once for the string literal that holds it.
                if (c is '.' or '+' or '*' or '?' or '(' or ')' or '|' or '[' or ']' or '{' or '}' or '^' or '$')
                    pattern.Append("\\\\").Append(c);
                else if (c == '\\')
                    pattern.Append(@"\\\\");
                else if (c == '"')
                    pattern.Append("\\\"");
                else if (c == '\n')
                    pattern.Append("\\n");
                else
                    pattern.Append(c);
            }
        }
        return $"{{__name__=~\"{pattern}\"{also}}}";
    }

    private static IEnumerable<(List<string> Names, int Series)> Groups(List<string> names, Dictionary<string, int> counts)
    {
        const int MostNames = 100;
        var group = new List<string>();
        var series = 0;
        foreach (var name in names)
        {
            var count = counts.GetValueOrDefault(name, UnknownSeries);
            if (group.Count > 0 && (series + count > SeriesPerQuery || group.Count == MostNames))
            {
                yield return (group, series);
                group = [];
                series = 0;
            }
            group.Add(name);
            series += count;
        }
        yield return (group, series);
    }

    private static IEnumerable<Interval> Cut(Interval window, int series)
    {
        var length = TimeSpan.FromSeconds(Math.Floor(SamplesPerQuery / Math.Max(series, 1d) * UsualScrape.TotalSeconds));
        if (length < ShortestSpan)
            length = ShortestSpan;
        for (var from = window.Start; from < window.End; )
        {
            var to = window.End - from <= length ? window.End : from + length;
            yield return new Interval(from, to);
            from = to;
        }
    }

    private static void CheckType(HttpRequestMessage request, Body body)
    {
        if (body.MediaType is "text/html" or "application/xhtml+xml")
            throw UnexpectedResponse(request, body.MediaType);
    }

    private static SourceException UnexpectedResponse(HttpRequestMessage request, string instead) =>
        new(
            SourceErrorCode.NotMetrics,
            $"{request.Method} {Transport.Show(request.RequestUri!)} did not answer as a Prometheus server but with {instead}. "
                + $"Check Endpoint and whether a login or proxy page stands before it."
        );

    private static async Task<JsonDocument> DocumentAsync(HttpRequestMessage request, Body body, CancellationToken cancellationToken)
    {
        CheckType(request, body);
        using var text = new MemoryStream();
        await body.Content.CopyToAsync(text, cancellationToken);
        SourceException Unlike(Exception? inner = null) =>
            new(
                SourceErrorCode.NotMetrics,
                UnexpectedResponse(request, $"\"{Redaction.Excerpt(text.GetBuffer().AsSpan(0, (int)text.Length))}\"").Message,
                inner
            );
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(text.ToArray(), new JsonDocumentOptions { MaxDepth = MatrixReader.MaxDepth });
        }
        catch (JsonException exception)
        {
            throw Unlike(exception);
        }
        var whole = document.RootElement;
        var status = whole.ValueKind == JsonValueKind.Object ? Text(whole, "status") : "";
        if (status == "success")
            return document;
        var failure = status == "error" ? Failure(request, HttpStatusCode.OK, Text(whole, "errorType"), Text(whole, "error")) : Unlike();
        document.Dispose();
        throw failure;
    }

    private static string? Warnings(JsonElement whole)
    {
        if (
            !whole.TryGetProperty("warnings", out var warnings)
            || warnings.ValueKind != JsonValueKind.Array
            || warnings.GetArrayLength() == 0
        )
            return null;
        return MatrixReader.Warned(warnings[0].ToString());
    }

    private static string Text(JsonElement whole, string name) =>
        whole.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    private Func<HttpResponseMessage, byte[], Exception?> Explain(HttpRequestMessage request) =>
        (response, text) =>
        {
            // What a proxy in front says of credentials and of haste has one meaning everywhere.
            var status = response.StatusCode;
            if (dialect.Managed && (int)status is 401 or 403)
                return new SourceException(
                    SourceErrorCode.Unauthorised,
                    $"{request.Method} {Transport.Show(request.RequestUri!)} answered {(int)status} "
                        + $"\"{Redaction.Excerpt(text)}\": {dialect.Service} does not accept the credentials. They need "
                        + $"`{string.Join("` and `", dialect.Rights)}`; check the section "
                        + $"{(settings.Aws is not null ? "Aws and its Region" : settings.Azure is not null ? "Azure" : "Google")}, and "
                        + $"the clock of this host."
                );
            if ((int)status is 401 or 403 or 429)
                return null;
            try
            {
                using var document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = MatrixReader.MaxDepth });
                var whole = document.RootElement;
                return whole.ValueKind == JsonValueKind.Object && Text(whole, "status") == "error"
                    ? Failure(request, status, Text(whole, "errorType"), Text(whole, "error"))
                    : null;
            }
            catch (JsonException)
            {
                return null;
            }
        };

    /// <summary>What an error that the server explains means.</summary>
    internal static Exception Failure(HttpRequestMessage request, HttpStatusCode status, string type, string error)
    {
        var said =
            $"{request.Method} {Transport.Show(request.RequestUri!)} answered {(int)status} "
            + $"{Redaction.Excerpt(Encoding.UTF8.GetBytes(type))}: {MatrixReader.Quote(error)}.";
        if (
            error.Contains("exceeded maximum resolution", StringComparison.Ordinal)
            || error.Contains("too many samples", StringComparison.Ordinal)
        )
            return new TooManySamplesException(said, null);
        if (type is "timeout" or "canceled")
            return new SourceException(
                SourceErrorCode.Timeout,
                $"{said} The server gave up on the query. It is read again later; select less with Selector, or raise the "
                    + $"server's query.timeout."
            );
        return (int)status >= 500 || type is "internal" or "unavailable"
            ? new SourceException(SourceErrorCode.ServerError, $"{said} The fault is on the server's side; it is read again later.")
            : new SourceException(SourceErrorCode.Refused, $"{said} Check Endpoint and Selector.");
    }

    private static string Seconds(DateTime time)
    {
        var milliseconds = (time - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMillisecond;
        return string.Create(CultureInfo.InvariantCulture, $"{milliseconds / 1000}.{milliseconds % 1000:000}");
    }
}

/// <summary>The answer is larger than the server or our limits allow: a shorter window may do.</summary>
internal sealed class TooManySamplesException(string message, Exception? inner) : Exception(message, inner);
