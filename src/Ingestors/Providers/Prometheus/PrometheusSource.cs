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
    private static readonly TimeSpan ShortestSpan = TimeSpan.FromSeconds(15);

    /// <summary>Queries that one read lets be refused for their size, so that a server whose word is taken for a limit by mistake is not
    /// asked without end.</summary>
    private const int MostRefusals = 100;

    /// <summary>What a warning holds up the reading for, a while and no longer: which series it means is not told.</summary>
    private const string WarnedOf = "series that the server warns of";

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
        var (names, warning, note) = dialect.ListsNames
            ? await NamesAsync(request.Window, wanted, cancellationToken)
            : (probing ? wanted.All : present!, null, null);
        if (note is not null)
            yield return new Page([]) { Note = note };
        if (names.Count == 0)
        {
            if (warning is not null)
                yield return Warned(warning);
            yield break;
        }

        var found = new List<string>();
        var refusals = 0;
        foreach (
            var group in dialect.OneName
                ? names.Select(name => (Names: new List<string> { name }, Series: UnknownSeries))
                : Groups(names, await CountsAsync(request.Window, names, cancellationToken))
        )
        {
            var seen = new HashSet<long>();
            long rejected = 0;
            var refused = new List<(Part Part, QueryTooLargeException Because)>();
            var parts = new Stack<Part>();
            foreach (var span in Cut(request.Window, group.Series).Reverse())
                parts.Push(new(group.Names, span, 0));
            Part? smallest = null;
            while (parts.TryPop(out var part))
            {
                // What was refused once is not asked for again in the next span.
                var refusal = refused.Find(one => one.Part.IsWithin(part)).Because;
                ObservationBatch? batch = null;
                if (refusal is null)
                    try
                    {
                        (batch, var warned) = await SamplesAsync(part.Names, part.Span, wanted, cancellationToken);
                        warning ??= warned;
                    }
                    catch (QueryTooLargeException tooLarge)
                    {
                        refusal = tooLarge;
                        refused.Add((part, tooLarge));
                        refusals++;
                    }
                if (batch is null)
                {
                    if (refusals > MostRefusals || part.Halves(refusal!.Limit) is not { } halves)
                        throw LastOf(part, refusal!);
                    parts.Push(halves.Second);
                    parts.Push(halves.First);
                    continue;
                }
                if (smallest is null || part.Cuts > smallest.Cuts)
                    smallest = part;
                foreach (var observation in dialect.OneName ? batch.Observations : [])
                    seen.Add(observation.Series.Id);
                rejected += batch.Rejected;
                foreach (var page in batch.Pages())
                    yield return page;
            }
            if (refused.Count > 0)
                yield return new Page([])
                {
                    Note = $"{refused[0].Because.Said} It was asked for in parts instead, the smallest {smallest}.",
                };
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
        if (warning is not null)
            yield return Warned(warning);
        if (probing)
            (present, probedAt) = (found, request.Now);
        foreach (var page in pool.LeftOutPages())
            yield return page;
    }

    /// <summary>A server says no more than that its answer may lack something, often because a store behind it is away for good. So what
    /// it lacks is a series that cannot be read: waited for, then left out, and read again from there once nothing is warned of.</summary>
    private static Page Warned(string warning) => new([]) { Unread = [new(WarnedOf, SourceErrorCode.ServerError, warning)] };

    /// <summary>A query for the samples of some metrics in a span.</summary>
    /// <param name="Names">The metrics.</param>
    /// <param name="Span">The span.</param>
    /// <param name="Cuts">How often it was halved to be so small.</param>
    private sealed record Part(List<string> Names, Interval Span, int Cuts)
    {
        /// <summary>Whether the other one asks for as much or more.</summary>
        public bool IsWithin(Part other) => Names.Count <= other.Names.Count && Span.Length <= other.Span.Length;

        /// <summary>The same in two parts; null where it is as small as can be.</summary>
        /// <param name="limit">In what it is too large. Where that is not told, span and metrics are halved in turn.</param>
        public (Part First, Part Second)? Halves(TooLargeIn limit)
        {
            var byNames = Names.Count > 1;
            var bySpan = Span.Length >= 2 * ShortestSpan;
            if (byNames && bySpan)
                byNames = limit == TooLargeIn.Names || limit != TooLargeIn.Span && Cuts % 2 == 1;
            if (byNames)
            {
                var half = Names.Count / 2;
                return (new(Names[..half], Span, Cuts + 1), new(Names[half..], Span, Cuts + 1));
            }
            if (!bySpan)
                return null;
            var middle = (Span.Start + Span.Length / 2).Floor(Millisecond);
            return (new(Names, new(Span.Start, middle), Cuts + 1), new(Names, new(middle, Span.End), Cuts + 1));
        }

        public override string ToString() =>
            string.Create(CultureInfo.InvariantCulture, $"of {Span.Length.TotalSeconds:0} s and {Names.Count} metrics");
    }

    /// <summary>What is told where a query stays too large in its smallest part.</summary>
    private static SourceException LastOf(Part part, QueryTooLargeException refusal) =>
        refusal.Limit == TooLargeIn.Perhaps
            ? refusal.Otherwise
            : new SourceException(
                SourceErrorCode.TooLarge,
                $"{refusal.Said} A part {part} is the smallest asked for: select less with Selector, or raise MaxBytes and the "
                    + $"server's limits of a query (query.max-samples and the like).",
                refusal
            );

    /// <summary>A query that a limit refused, whatever comes of it.</summary>
    internal static QueryTooLargeException TooLarge(string said, TooLargeIn limit) =>
        new(said, limit, new SourceException(SourceErrorCode.TooLarge, $"{said} Select less with Selector, or raise MaxBytes."));

    /// <summary>Which of the metrics wanted the server has in the window. Where the list is too long for it, all that are wanted.</summary>
    private async Task<(List<string> Names, string? Warning, string? Note)> NamesAsync(
        Interval window,
        WantedMetrics wanted,
        CancellationToken cancellationToken
    )
    {
        var query = $"start={Seconds(window.Start)}&end={Seconds(window.End)}";
        if (settings.Selector is not null)
            query += "&match[]=" + Uri.EscapeDataString($"{{__name__!=\"\",{settings.Selector}}}");
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(root, "api/v1/label/__name__/values?" + query));
        try
        {
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
                    return (names, Warnings(document.RootElement), (string?)null);
                },
                Explain(request),
                cancellationToken
            );
        }
        catch (QueryTooLargeException tooLarge) when (tooLarge.Limit == TooLargeIn.Perhaps)
        {
            throw tooLarge.Otherwise;
        }
        catch (QueryTooLargeException tooLarge)
        {
            return (wanted.All, null, $"{tooLarge.Said} All metrics of the catalogue are asked for instead.");
        }
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
            when (exception
                    is QueryTooLargeException
                        or SourceException { Code: SourceErrorCode.Refused or SourceErrorCode.TooLarge or SourceErrorCode.Timeout }
            )
        {
            counts.Clear();
        }
        return counts;
    }

    private async Task<(ObservationBatch Batch, string? Warning)> SamplesAsync(
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
                async (body, limit) =>
                {
                    CheckType(request, body);
                    var place = Transport.Show(request.RequestUri!);
                    var matrix = new MatrixReader(body.Content, place, settings.Id, span, wanted, pool);
                    return (await matrix.ReadAsync(limit), matrix.Warning);
                },
                Explain(request),
                cancellationToken
            );
        }
        catch (SourceException exception) when (exception.Code == SourceErrorCode.TooLarge)
        {
            throw new QueryTooLargeException(exception.Message, TooLargeIn.Span, exception);
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
                if (whole.ValueKind == JsonValueKind.Object && Text(whole, "status") == "error")
                    return Failure(request, status, Text(whole, "errorType"), Text(whole, "error"));
            }
            catch (JsonException)
            {
                // Gateways before a server refuse in their own form, and name its limits too.
            }
            var excerpt = Encoding.UTF8.GetString(text.AsSpan(0, Math.Min(text.Length, 2048)));
            return QueryLimit.Of(status, "", excerpt) is null ? null : Failure(request, status, "", excerpt);
        };

    /// <summary>What an error that the server explains means.</summary>
    internal static Exception Failure(HttpRequestMessage request, HttpStatusCode status, string type, string error)
    {
        var kind = type.Length == 0 ? "" : $" {Redaction.Excerpt(Encoding.UTF8.GetBytes(type))}";
        var said = $"{request.Method} {Transport.Show(request.RequestUri!)} answered {(int)status}{kind}: {MatrixReader.Quote(error)}.";
        var failure = OtherFailure(said, status, type, error);
        return QueryLimit.Of(status, type, error) is { } limit ? new QueryTooLargeException(said, limit, failure) : failure;
    }

    private static SourceException OtherFailure(string said, HttpStatusCode status, string type, string error)
    {
        if (type is "timeout" or "canceled")
            return new SourceException(
                SourceErrorCode.Timeout,
                $"{said} The server gave up on the query. It is read again later; select less with Selector, or raise the "
                    + $"server's query.timeout."
            );
        if ((int)status >= 500 || type is "internal" or "unavailable")
            return new SourceException(SourceErrorCode.ServerError, $"{said} The fault is on the server's side; it is read again later.");
        return QueryLimit.IsBusy(error)
            ? new SourceException(SourceErrorCode.Throttled, $"{said} It is read again later; a longer Every helps.")
            : new SourceException(SourceErrorCode.Refused, $"{said} Check Endpoint and Selector.");
    }

    private static string Seconds(DateTime time)
    {
        var milliseconds = (time - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMillisecond;
        return string.Create(CultureInfo.InvariantCulture, $"{milliseconds / 1000}.{milliseconds % 1000:000}");
    }
}
