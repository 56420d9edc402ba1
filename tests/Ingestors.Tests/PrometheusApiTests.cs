using System.Globalization;
using System.Net;
using System.Text;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Ingestors.Providers;
using Metrics.Ingestors.Providers.Prometheus;
using Xunit;

namespace Metrics.Ingestors.Tests;

/// <summary>The Prometheus reader against servers that answer what no test server would.</summary>
public sealed class PrometheusApiTests
{
    private const string Json = "application/json";

    /// <summary>Answers the names asked for, no counts, and the matrix given.</summary>
    private static HostileServer Server(Func<string, string> samples, string names = "\"m\"") =>
        HostileServer.Serving(Json, request => request.StartsWith("GET ", StringComparison.Ordinal)
                ? $$"""{"status":"success","data":[{{names}}]}"""
            : Form(request)["query"].StartsWith("count", StringComparison.Ordinal)
                ? """{"status":"success","data":{"resultType":"vector","result":[]}}"""
            : samples(request));

    private static string Matrix(string entries, string after = "") =>
        $$"""{"status":"success","data":{"resultType":"matrix","result":[{{entries}}]}{{after}}}""";

    private static Dictionary<string, string> Form(string request) =>
        request[(request.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..]
            .Split('&')
            .Select(pair => pair.Split('=', 2))
            .ToDictionary(pair => pair[0], pair => WebUtility.UrlDecode(pair[1]));

    private static ITelemetrySource Source(
        HostileServer server,
        MetricCatalogue? catalogue = null,
        Action<PrometheusSettings>? change = null
    )
    {
        var settings = new PrometheusSettings
        {
            Id = "rack-7",
            Provider = "prometheus",
            Endpoint = server.At("/prom"),
        };
        change?.Invoke(settings);
        return Some.Source(settings, catalogue ?? Some.Catalogue("m"));
    }

    private static async Task<SourceException> ErrorOf(HostileServer server, Action<PrometheusSettings>? change = null) =>
        await Assert.ThrowsAsync<SourceException>(() => Some.Pages(Source(server, null, change), Some.Request()));

    [Fact]
    public async Task Raw_samples_of_the_window_are_asked_for_and_cut_to_it()
    {
        await using var server = Server(_ =>
            Matrix(
                """{"metric":{"__name__":"m","gpu":"0"},"values":[[1767265199.999,"1"],[1767265200,"2"],[1767268799.999,"3"],["""
                    + """1767268800,"4"]]}"""
            )
        );
        var (observations, rejections) = await Some.Read(
            Source(server, change: settings => settings.Selector = "job=\"dcgm\""),
            Some.Request()
        );

        Assert.Equal(["m{gpu=\"0\"} 11:00:00 2", "m{gpu=\"0\"} 11:59:59.999 3"], Some.Lines(observations));
        Assert.Empty(rejections);
        Assert.All(observations, one =>
            Assert.Equal(("rack-7", "prometheus", DateTimeKind.Utc), (one.Series.Source, one.Series.Provider, one.Sample.Start.Kind))
        );
        Assert.Same(observations[0].Series, observations[1].Series);

        var requests = server.Requests.ToArray();
        Assert.StartsWith(
            "GET "
                + "/prom/api/v1/label/__name__/values?start=1767265200.000&end=1767268800.000"
                + "&match[]=%7B__name__%21%3D%22%22%2Cjob%3D%22dcgm%22%7D "
                + "HTTP/1.1",
            requests[0],
            StringComparison.Ordinal
        );
        Assert.StartsWith("POST /prom/api/v1/query HTTP/1.1", requests[2], StringComparison.Ordinal);
        Assert.Equal("{__name__=~\"m\",job=\"dcgm\"}[3600000ms]", Form(requests[2])["query"]);
        Assert.Equal("1767268799.999", Form(requests[2])["time"]);
    }

    [Fact]
    public async Task Names_are_asked_for_as_they_are_written()
    {
        await using var server = Server(_ => Matrix(""), "\"hw.energy\",\"a:b\",\"unknown\"");
        await Some.Pages(Source(server, Some.Catalogue("hw.energy", "a:b")), Some.Request());

        Assert.Equal("{__name__=~\"a:b|hw\\\\.energy\"}[3600000ms]", Form(server.Requests.Last())["query"]);
    }

    [Fact]
    public async Task A_server_without_any_wanted_metric_has_no_page()
    {
        await using var server = Server(_ => throw new InvalidOperationException("not to be asked"), "\"other\"");
        Assert.Empty(await Some.Pages(Source(server), Some.Request()));
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task What_is_warned_of_is_unread_under_one_name_and_remarks_are_nothing()
    {
        const string Entry = """{"metric":{"__name__":"m"},"values":[[1767268000,"1"]]}""";
        await using var warned = Server(_ => Matrix(Entry, ""","warnings":["store node-b is away, token=hush"],"infos":["PromQL info"]"""));
        await using var partial = Server(_ => Matrix(Entry, ""","isPartial":true"""));
        await using var remarked = Server(_ => Matrix(Entry, ""","warnings":[],"infos":["PromQL info: metric might not be a counter"]"""));

        var pages = await Some.Pages(Source(warned), Some.Request());
        Assert.Single(pages.SelectMany(page => page.Observations));
        Assert.All(pages, page => Assert.Null(page.PartialBecause));
        Assert.Equal(
            new UnreadSeries(
                "series that the server warns of",
                SourceErrorCode.ServerError,
                "The server warned that its answer may be incomplete: store node-b is away, token=***"
            ),
            Assert.Single(pages.SelectMany(page => page.Unread))
        );
        Assert.Equal(
            ("series that the server warns of", "The server says that its answer is partial."),
            (await Some.Pages(Source(partial), Some.Request()))
                .SelectMany(page => page.Unread)
                .Select(one => (one.Subject, one.Message))
                .Single()
        );
        Assert.Empty((await Some.Pages(Source(remarked), Some.Request())).SelectMany(page => page.Unread));
    }

    [Fact]
    public async Task A_warning_without_samples_is_told_too()
    {
        await using var samples = Server(_ => Matrix("", ""","warnings":["half is missing"]"""));
        await using var names = HostileServer.Serving(Json, _ => """{"status":"success","data":[],"warnings":["no names of store-2"]}""");

        Assert.Single((await Some.Pages(Source(samples), Some.Request())).SelectMany(page => page.Unread));
        Assert.Single((await Some.Pages(Source(names), Some.Request())).SelectMany(page => page.Unread));
    }

    [Theory]
    [InlineData("1,2,NaN", "1,2", 0)]
    [InlineData("NaN,1,2", "1,2", 0)]
    [InlineData("1,NaN,3,4", "1,3,4", 0)]
    [InlineData("1,2,NaN,NaN", "1,2", 0)]
    [InlineData("1,NaN,3,NaN,NaN,6,NaN", "1,3,6", 0)]
    [InlineData("NaN", "", 0)]
    [InlineData("1,NaN,NaN,NaN", "1", 3)]
    [InlineData("NaN,NaN,NaN,NaN,5,NaN", "5", 4)]
    [InlineData("1,+Inf,NaN", "1", 1)]
    public async Task The_mark_of_a_series_that_ended_is_no_value_and_no_fault_and_a_meter_without_a_value_is(
        string told,
        string read,
        int refused
    )
    {
        await using var server = Server(_ =>
            Matrix(
                $$"""{"metric":{"__name__":"m"},"values":[{{string.Join(
                    ',',
                    told.Split(',').Select((value, i) => $"[{1767268000 + 15 * i},\"{value}\"]")
                )}}]}"""
            )
        );
        var (observations, rejections) = await Some.Read(Source(server), Some.Request());

        Assert.Equal(read, string.Join(',', observations.Select(one => one.Sample.Value.ToString(CultureInfo.InvariantCulture))));
        Assert.Equal(Enumerable.Repeat(RejectionReason.NotFinite, refused), rejections.Select(one => one.Reason));
    }

    [Fact]
    public async Task Values_that_are_no_numbers_are_refused_and_the_others_read()
    {
        await using var server = Server(_ =>
            Matrix(
                """{"metric":{"__name__":"m"},"values":[[1767268000,"-Inf"],[1767268015,"+Inf"],[1767268030,"1e400"],[1767268045,"5"]"""
                    + """,[1767268060,6],[1767268075,"x"],["t","1"],[1767268090,"1",2],[99999999999999,"1"]]}"""
            )
        );
        var (observations, rejections) = await Some.Read(Source(server), Some.Request());

        Assert.Equal(["m 11:47:25 5"], Some.Lines(observations));
        Assert.Equal(
            [RejectionReason.Malformed, RejectionReason.NotFinite, RejectionReason.NotFinite, RejectionReason.NotFinite],
            rejections.Select(one => one.Reason)
        );
        Assert.StartsWith("5 points", rejections[0].Detail, StringComparison.Ordinal);
        Assert.Equal((Some.Time("2026-01-01T11:46:40Z"), "m"), (rejections[1].At!.Value, rejections[1].Subject));
    }

    [Fact]
    public async Task One_instant_twice_counts_once_and_with_two_values_not_at_all()
    {
        await using var server = Server(_ =>
            Matrix(
                """{"metric":{"__name__":"m"},"values":[[1767268030,"3"],[1767268000,"1"],[1767268015,"2"],[1767268015,"2"],["""
                    + """1767268030,"4"]]},{"metric":{"__name__":"m"},"values":[[1767268000,"1"]]}"""
            )
        );
        var (observations, rejections) = await Some.Read(Source(server), Some.Request());

        Assert.Equal(["m 11:46:40 1", "m 11:46:55 2"], Some.Lines(observations));
        var conflict = Assert.Single(rejections);
        Assert.Equal((RejectionReason.ConflictingDuplicate, Some.Time("2026-01-01T11:47:10Z")), (conflict.Reason, conflict.At!.Value));
    }

    [Fact]
    public async Task A_native_histogram_gives_its_sum_and_its_count()
    {
        await using var server = Server(
            _ =>
                Matrix(
                    """{"metric":{"__name__":"tokens","engine":"0"},"histograms":[[1767268000,{"count":"60","sum":"33.4","buckets":["""
                        + """[1,"-0.0017","-0.0015","1"],[3,"-1e-128","1e-128","2"]]}]]}"""
                ),
            "\"tokens\""
        );
        var (observations, rejections) = await Some.Read(Source(server, Some.Catalogue("tokens_sum", "tokens_count")), Some.Request());

        Assert.Equal(["tokens_sum{engine=\"0\"} 11:46:40 33.4", "tokens_count{engine=\"0\"} 11:46:40 60"], Some.Lines(observations));
        Assert.Empty(rejections);
    }

    [Fact]
    public async Task A_native_histogram_in_the_place_of_a_number_is_refused_once_a_series()
    {
        await using var server = Server(_ =>
            Matrix(
                """{"metric":{"__name__":"m"},"values":[[1767268000,"1"]],"histograms":[[1767268015,{"count":"60","sum":"33.4"}],["""
                    + """1767268030,{"count":"61","sum":"33.5"}]]}"""
            )
        );
        var (observations, rejections) = await Some.Read(Source(server), Some.Request());

        Assert.Single(observations);
        var rejection = Assert.Single(rejections);
        Assert.Equal((RejectionReason.UnitDrift, "m"), (rejection.Reason, rejection.Subject));
        Assert.Contains("2 samples are left out", rejection.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        "400 Bad Request",
        """{"status":"error","errorType":"bad_data","error":"exceeded maximum resolution of 11,000 points per timeseries. Try """
            + """decreasing the query resolution (?step=XX)"}"""
    )]
    [InlineData(
        "422 Unprocessable",
        """{"status":"error","errorType":"execution","error":"query processing would load too many samples into memory in query """
            + """execution"}"""
    )]
    [InlineData(
        "200 OK",
        """{"status":"error","errorType":"execution","error":"query processing would load too many samples into memory in query """
            + """execution"}"""
    )]
    public async Task A_query_that_is_too_large_for_the_server_is_halved_until_it_fits(string status, string error)
    {
        var windows = new List<string>();
        await using var server = new HostileServer(
            (request, socket, cancel) =>
            {
                var (line, body) = ("200 OK", """{"status":"success","data":["m"]}""");
                if (request.StartsWith("POST", StringComparison.Ordinal))
                {
                    var form = Form(request);
                    var bracket = form["query"].IndexOf('[', StringComparison.Ordinal);
                    var end = double.Parse(form["time"], CultureInfo.InvariantCulture) + 0.001;
                    if (bracket < 0)
                        (line, body) = (status, error);
                    else if (form["query"][bracket..] is "[3600000ms]" or "[1800000ms]")
                        (line, body) = (status, error);
                    else
                    {
                        windows.Add(FormattableString.Invariant($"{form["query"][bracket..]}@{end:0}"));
                        body = Matrix(FormattableString.Invariant($$"""{"metric":{"__name__":"m"},"values":[[{{end - 1:0}},"1"]]}"""));
                    }
                }
                return HostileServer.Write(
                    socket,
                    $"HTTP/1.1 {line}\r\nContent-Type: {Json}\r\nContent-Length: "
                        + $"{Encoding.UTF8.GetByteCount(body)}\r\nConnection: close\r\n\r\n{body}",
                    cancel
                );
            }
        );
        var (observations, _) = await Some.Read(Source(server), Some.Request());

        Assert.Equal(["[900000ms]@1767266100", "[900000ms]@1767267000", "[900000ms]@1767267900", "[900000ms]@1767268800"], windows);
        Assert.Equal(["m 11:14:59 1", "m 11:29:59 1", "m 11:44:59 1", "m 11:59:59 1"], Some.Lines(observations));
    }

    /// <summary>Refuses what asks for more than so many seconds or metrics, and tells what was asked for.</summary>
    private static HostileServer Limited(
        int seconds,
        int metrics,
        string status,
        string refusal,
        List<string> asked,
        string names = "\"m\""
    ) =>
        new(
            (request, socket, cancel) =>
            {
                var (line, body) = ("200 OK", $$"""{"status":"success","data":[{{names}}]}""");
                if (request.StartsWith("POST", StringComparison.Ordinal))
                {
                    var query = Form(request)["query"];
                    var of = query.Split('"')[1].Split('|');
                    if (query.StartsWith("count", StringComparison.Ordinal))
                        body = """{"status":"success","data":{"resultType":"vector","result":[]}}""";
                    else
                    {
                        var length = int.Parse(query.Split('[')[1].Split("ms")[0], CultureInfo.InvariantCulture);
                        var fits = length <= seconds * 1000 && of.Length <= metrics;
                        asked.Add($"{(fits ? "" : "refused ")}{string.Join('+', of)} {length / 1000}");
                        if (fits)
                            body = Matrix(
                                string.Join(
                                    ',',
                                    of.Select(name => $$"""{"metric":{"__name__":"{{name}}"},"values":[[{{Form(request)["time"]}},"1"]]}""")
                                )
                            );
                        else
                            (line, body) = (status, refusal);
                    }
                }
                return HostileServer.Write(
                    socket,
                    $"HTTP/1.1 {line}\r\nContent-Type: {Json}\r\nContent-Length: "
                        + $"{Encoding.UTF8.GetByteCount(body)}\r\nConnection: close\r\n\r\n{body}",
                    cancel
                );
            }
        );

    private static string Refusal(string type, string error) => $$"""{"status":"error","errorType":"{{type}}","error":"{{error}}"}""";

    [Theory]
    [InlineData(
        "422 Unprocessable",
        "execution",
        "expanding series: the query exceeded the maximum number of chunks (limit: 90000 chunks)"
    )]
    [InlineData(
        "422 Unprocessable",
        "execution",
        "the query exceeded the aggregated chunks size limit (limit: 9000 bytes) (err-x-max-bytes)"
    )]
    [InlineData("400 Bad Request", "bad_data", "the query time range exceeds the limit (query length: 1h0m0s, limit: 30m0s)")]
    [InlineData(
        "422 Unprocessable",
        "422",
        "cannot select more than -search.maxSamplesPerQuery=5000 samples; possible solutions: to ask less"
    )]
    [InlineData("503 Unavailable", "503", "timeout exceeded during query execution: 30.000 seconds")]
    [InlineData("503 Unavailable", "timeout", "query timed out in expression evaluation")]
    [InlineData("500 Error", "internal", "rpc error: code = ResourceExhausted desc = trying to send message larger than max (5 vs. 4)")]
    [InlineData("422 Unprocessable", "execution", "rpc error: code = Aborted desc = exceeded samples limit: limit 10 violated (got 11)")]
    [InlineData("413 Too Large", "too_large_entry", "that is a lot")]
    [InlineData("422 Unprocessable", "execution", "not today")]
    [InlineData("200 OK", "execution", "not enough memory for processing 40 data points across 3 time series")]
    public async Task What_a_server_refuses_for_its_size_is_asked_for_in_halves_and_only_once(string status, string type, string error)
    {
        var asked = new List<string>();
        await using var server = Limited(1000, 9, status, Refusal(type, error), asked);
        var pages = await Some.Pages(Source(server), Some.Request());

        Assert.Equal(["refused m 3600", "refused m 1800", "m 900", "m 900", "m 900", "m 900"], asked);
        Assert.Equal(
            ["m 11:14:59.999 1", "m 11:29:59.999 1", "m 11:44:59.999 1", "m 11:59:59.999 1"],
            Some.Lines(pages.SelectMany(page => page.Observations))
        );
        var note = Assert.Single(pages, page => page.Note is not null).Note!;
        Assert.StartsWith(
            $"POST http://127.0.0.1:{server.Port}/prom/api/v1/query answered {status[..3]} {type}: {error[..5]}",
            note,
            StringComparison.Ordinal
        );
        Assert.EndsWith(". It was asked for in parts instead, the smallest of 900 s and 1 metrics.", note, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("413 Request Entity Too Large", "<html><h1>413 Request Entity Too Large</h1></html>")]
    [InlineData("400 Bad Request", "the query time range exceeds the limit (query length: 1h, limit: 30m)")]
    [InlineData("422 Unprocessable", """{"message":"the query is too long for this workspace"}""")]
    public async Task What_stands_before_a_server_refuses_in_its_own_form_and_is_met_too(string status, string body)
    {
        var asked = new List<string>();
        await using var server = Limited(1000, 9, status, body, asked);
        await Some.Pages(Source(server), Some.Request());

        Assert.Equal(["refused m 3600", "refused m 1800", "m 900", "m 900", "m 900", "m 900"], asked);
    }

    [Theory]
    [InlineData("422 Unprocessable", "execution", "the query exceeded the maximum number of series (limit: 100 series) (err-x-max-series)")]
    [InlineData(
        "422 Unprocessable",
        "422",
        "the number of matching timeseries exceeds 300; either narrow down the search or change the flag"
    )]
    [InlineData("400 Bad Request", "bad_data", "too long query; got 17000; see -search.maxQueryLen")]
    public async Task Too_many_series_are_asked_for_in_fewer_metrics_since_a_shorter_time_has_as_many(
        string status,
        string type,
        string error
    )
    {
        var asked = new List<string>();
        await using var server = Limited(3600, 1, status, Refusal(type, error), asked, "\"a\",\"b\",\"c\"");
        var (observations, _) = await Some.Read(Source(server, Some.Catalogue("a", "b", "c")), Some.Request());

        Assert.Equal(["refused a+b+c 3600", "a 3600", "refused b+c 3600", "b 3600", "c 3600"], asked);
        Assert.Equal(["a 11:59:59.999 1", "b 11:59:59.999 1", "c 11:59:59.999 1"], Some.Lines(observations));
    }

    [Fact]
    public async Task A_limit_of_nothing_in_particular_is_met_in_both_ways_by_turns()
    {
        var asked = new List<string>();
        await using var server = Limited(1800, 1, "422 Unprocessable", Refusal("execution", "limit reached"), asked, "\"a\",\"b\"");
        await Some.Pages(Source(server, Some.Catalogue("a", "b")), Some.Request());

        Assert.Equal(["refused a+b 3600", "refused a+b 1800", "a 1800", "b 1800", "a 1800", "b 1800"], asked);
    }

    [Theory]
    [InlineData("400 Bad Request", "bad_data", "1:5: parse error: unexpected identifier", "refused")]
    [InlineData("400 Bad Request", "throttling", "Rate exceeded", "throttled")]
    [InlineData("422 Unprocessable", "execution", "too many outstanding requests", "throttled")]
    [InlineData("503 Unavailable", "503", "cannot start within 10 s, since -search.maxConcurrentRequests=16 are executed", "server_error")]
    [InlineData("503 Unavailable", "timeout", "query timed out in query queue", "timeout")]
    [InlineData("503 Unavailable", "unavailable", "the limit of this is unknown", "server_error")]
    [InlineData("500 Error", "internal", "disk", "server_error")]
    public async Task A_server_that_is_busy_or_does_not_understand_is_not_asked_again(string status, string type, string error, string code)
    {
        var asked = new List<string>();
        await using var server = Limited(0, 0, status, Refusal(type, error), asked);

        Assert.Equal(code, SnakeCase.Of((await ErrorOf(server)).Code));
        Assert.Single(asked);
    }

    [Fact]
    public async Task A_query_that_is_too_large_even_for_seconds_is_a_fault_that_says_what_to_do()
    {
        var asked = new List<string>();
        await using var server = Limited(0, 0, "200 OK", Refusal("execution", "query would load too many samples into memory"), asked);
        var fault = await ErrorOf(server);

        Assert.Equal(SourceErrorCode.TooLarge, fault.Code);
        Assert.Contains("select less with Selector", fault.Message, StringComparison.Ordinal);
        // 3600 s halved eight times are 14 s, less than is asked for.
        Assert.Equal(
            [3600, 1800, 900, 450, 225, 112, 56, 28],
            asked.Select(one => int.Parse(one.Split(' ')[^1], CultureInfo.InvariantCulture))
        );
    }

    [Fact]
    public async Task A_refusal_that_no_size_mends_is_told_as_it_was_after_a_bounded_number_of_queries()
    {
        var asked = new List<string>();
        await using var server = Limited(0, 0, "422 Unprocessable", Refusal("execution", "no such function"), asked, "\"a\",\"b\",\"c\"");
        var fault = await Assert.ThrowsAsync<SourceException>(() =>
            Some.Pages(Source(server, Some.Catalogue("a", "b", "c")), Some.Request())
        );

        Assert.Equal(SourceErrorCode.Refused, fault.Code);
        Assert.EndsWith("answered 422 execution: no such function. Check Endpoint and Selector.", fault.Message, StringComparison.Ordinal);
        Assert.InRange(asked.Count, 8, 12);
    }

    [Fact]
    public async Task Where_the_list_of_names_is_too_long_the_catalogue_is_asked_for()
    {
        var queries = new List<string>();
        await using var server = new HostileServer(
            (request, socket, cancel) =>
            {
                var (line, body) = ("200 OK", Matrix(""));
                if (request.StartsWith("GET ", StringComparison.Ordinal))
                    (line, body) = ("422 Unprocessable", Refusal("execution", "the number of label values exceeds the limit of 10"));
                else
                    queries.Add(Form(request)["query"]);
                return HostileServer.Write(
                    socket,
                    $"HTTP/1.1 {line}\r\nContent-Type: {Json}\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}",
                    cancel
                );
            }
        );
        var pages = await Some.Pages(Source(server, Some.Catalogue("n", "m")), Some.Request());

        Assert.Equal("{__name__=~\"m|n\"}[3600000ms]", queries[^1]);
        Assert.EndsWith(
            "exceeds the limit of 10. All metrics of the catalogue are asked for instead.",
            Assert.Single(pages).Note,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task An_answer_beyond_our_own_limit_is_halved_too()
    {
        await using var server = Server(request =>
        {
            var hours = Form(request)["query"].Contains("[3600000ms]", StringComparison.Ordinal);
            var filler = hours ? string.Concat(Enumerable.Repeat("[1,\"1\"],", 1000)) : "";
            return Matrix($$"""{"metric":{"__name__":"m"},"values":[{{filler}}[1767268000,"1"]]}""");
        });
        var (observations, _) = await Some.Read(Source(server, change: settings => settings.MaxBytes = 4096), Some.Request());

        Assert.Equal(["m 11:46:40 1"], Some.Lines(observations));
    }

    [Theory]
    [InlineData("400 Bad Request", "bad_data", "1:1: parse error: no", "refused")]
    [InlineData("422 Unprocessable", "execution", "no such function", "refused")]
    [InlineData("503 Unavailable", "timeout", "query timed out in expression evaluation", "timeout")]
    [InlineData("503 Unavailable", "unavailable", "shutting down", "server_error")]
    [InlineData("500 Error", "internal", "disk", "server_error")]
    public async Task An_error_that_the_server_explains_is_told_with_its_explanation(string status, string type, string error, string code)
    {
        await using var server = HostileServer.Serving(
            Json,
            _ => $$"""{"status":"error","errorType":"{{type}}","error":"{{error}}"}""",
            status
        );
        var fault = await ErrorOf(server);

        Assert.Equal(code, SnakeCase.Of(fault.Code));
        Assert.Contains(
            $"http://127.0.0.1:{server.Port}/prom/api/v1/label/__name__/values answered {status[..3]} {type}: {error}.",
            fault.Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Credentials_that_expire_between_two_queries_are_a_fault_and_what_came_before_is_kept()
    {
        await using var server = new HostileServer(
            (request, socket, cancel) =>
            {
                var query = request.StartsWith("GET ", StringComparison.Ordinal) ? "" : Form(request)["query"];
                var (line, body) = query switch
                {
                    "" => ("200 OK", """{"status":"success","data":["m","n"]}"""),
                    _ when query.StartsWith("count", StringComparison.Ordinal) => (
                        "200 OK",
                        """{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"m"},"value":[1,"3000"]}]}}"""
                    ),
                    _ when query.Contains("\"m\"", StringComparison.Ordinal) => (
                        "200 OK",
                        Matrix("""{"metric":{"__name__":"m"},"values":[[1767265200,"1"]]}""")
                    ),
                    _ => ("401 Unauthorized", "expired"),
                };
                return HostileServer.Write(
                    socket,
                    $"HTTP/1.1 {line}\r\nContent-Type: {Json}\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}",
                    cancel
                );
            }
        );
        var kept = new List<string>();
        var fault = await Assert.ThrowsAsync<SourceException>(async () =>
        {
            await foreach (var page in Source(server, Some.Catalogue("m", "n")).ReadAsync(Some.Request(), CancellationToken.None))
                kept.AddRange(Some.Lines(page.Observations));
        });

        Assert.Equal(SourceErrorCode.Unauthorised, fault.Code);
        Assert.Equal(["m 11:00:00 1"], kept);
    }

    [Fact]
    public async Task Throttling_tells_how_long_to_wait()
    {
        await using var server = HostileServer.Serving(Json, _ => "{}", "429 Too Many", "Retry-After: 30\r\n");
        var fault = await ErrorOf(server);

        Assert.Equal((SourceErrorCode.Throttled, 30d), (fault.Code, fault.RetryAfter!.Value.TotalSeconds));
    }

    [Theory]
    [InlineData("text/html", "<html>Sign in</html>")]
    [InlineData(Json, "<html>Sign in</html>")]
    [InlineData(Json, "[]")]
    [InlineData(Json, "{}")]
    [InlineData(Json, "{\"status\":\"success\"")]
    [InlineData(Json, "null")]
    [InlineData(Json, "")]
    public async Task What_is_no_Prometheus_answer_is_called_that(string type, string body)
    {
        await using var server = HostileServer.Serving(type, _ => body);
        Assert.Equal(SourceErrorCode.NotMetrics, (await ErrorOf(server)).Code);
    }

    [Theory]
    [InlineData("""{"status":"success","data":{"resultType":"vector","result":[]}}""", "not_metrics")]
    [InlineData("""{"status":"success"}""", "not_metrics")]
    [InlineData("""{"status":"success","data":{"resultType":"matrix","result":[],"result":[]}}""", "not_metrics")]
    [InlineData("""{"status":"success","data":{"resultType":"matrix","result":[]}} {"status":"success"}""", "not_metrics")]
    [InlineData(
        """{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"m"},"values":[[1767268000,"1"],[17672""",
        "truncated"
    )]
    [InlineData("""<html>Sign in</html>""", "not_metrics")]
    [InlineData("", "truncated")]
    public async Task A_bad_answer_leaves_nothing(string body, string code)
    {
        await using var server = Server(_ => body);
        Assert.Equal(code, SnakeCase.Of((await ErrorOf(server)).Code));
    }

    [Fact]
    public async Task JSON_ten_thousand_deep_is_refused()
    {
        await using var server = Server(_ => Matrix($$"""{"metric":{"__name__":"m"},"values":{{new string('[', 10_000)}}"""));
        Assert.Equal(SourceErrorCode.NotMetrics, (await ErrorOf(server)).Code);
    }

    [Fact]
    public async Task A_label_of_a_megabyte_or_given_twice_or_with_a_NUL_costs_only_its_series()
    {
        await using var server = Server(_ =>
            Matrix(
                string.Join(
                    ',',
                    $$"""{"metric":{"__name__":"m","a":"{{new string('x', 500_000)}}"},"values":[[1767268000,"1"]]}""",
                    """{"metric":{"__name__":"m","b":"1","b":"2"},"values":[[1767268000,"1"]]}""",
                    """{"metric":{"__name__":"m","c":"\u0000"},"values":[[1767268000,"1"]]}""",
                    """{"metric":{"__name__":"m","d":"\ud800"},"values":[[1767268000,"1"]]}""",
                    """{"metric":{"__name__":"m","e":5},"values":[[1767268000,"1"]]}""",
                    """{"values":[[1767268000,"9"]],"metric":{"f":"ok","__name__":"m"}}"""
                )
            )
        );
        var (observations, rejections) = await Some.Read(Source(server), Some.Request());

        Assert.Equal(["m{f=\"ok\"} 11:46:40 9"], Some.Lines(observations));
        Assert.Equal(
            [
                RejectionReason.LimitExceeded,
                RejectionReason.Malformed,
                RejectionReason.Malformed,
                RejectionReason.Malformed,
                RejectionReason.Malformed,
            ],
            rejections.Select(one => one.Reason)
        );
    }

    [Fact]
    public async Task A_long_window_over_many_series_is_asked_for_in_pieces_that_join()
    {
        var asked = new List<(string Names, long From, long To)>();
        await using var server = HostileServer.Serving(Json, request =>
        {
            if (request.StartsWith("GET ", StringComparison.Ordinal))
                return """{"status":"success","data":["m","n"]}""";
            var form = Form(request);
            if (form["query"].StartsWith("count", StringComparison.Ordinal))
                return """{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"m"},"value":["""
                    + """1767268800,"1500"]},{"metric":{"__name__":"n"},"value":[1767268800,"1000"]}]}}""";
            var end = (long)Math.Round(double.Parse(form["time"], CultureInfo.InvariantCulture) * 1000) + 1;
            var range = long.Parse(form["query"].Split('[')[1].Split("ms")[0], CultureInfo.InvariantCulture);
            asked.Add((form["query"].Split('"')[1], end - range, end));
            return Matrix("");
        });
        await Some.Pages(Source(server, Some.Catalogue("m", "n")), Some.Request());

        foreach (var metric in new[] { "m", "n" })
        {
            var pieces = asked.Where(one => one.Names == metric).OrderBy(one => one.From).ToList();
            Assert.True(pieces.Count > 2);
            Assert.Equal((1767265200000, 1767268800000), (pieces[0].From, pieces[^1].To));
            Assert.All(pieces.Zip(pieces.Skip(1)), pair => Assert.Equal(pair.First.To, pair.Second.From));
        }
    }

    [Fact]
    public async Task Damaged_answers_never_bring_the_reader_down()
    {
        var random = new Random(7);
        var whole = Encoding.UTF8.GetBytes(
            Matrix(
                """{"metric":{"__name__":"m","gpu":"0"},"values":[[1767268000.123,"1"],[1767268015,"NaN"]],"histograms":[["""
                    + """1767268000,{"count":"60","sum":"33.4","buckets":[[1,"-1","1","1"]]}]]}""",
                ""","warnings":["x"]"""
            )
        );
        var body = whole;
        await using var server = new HostileServer(
            async (request, socket, cancel) =>
            {
                var text = request.StartsWith("GET ", StringComparison.Ordinal)
                    ? Encoding.UTF8.GetBytes("""{"status":"success","data":["m"]}""")
                    : body;
                await HostileServer.Write(
                    socket,
                    [
                        .. Encoding.ASCII.GetBytes(
                            $"HTTP/1.1 200 OK\r\nContent-Type: {Json}\r\nContent-Length: {text.Length}\r\nConnection: close\r\n\r\n"
                        ),
                        .. text,
                    ],
                    cancel
                );
            }
        );
        var source = Source(server);
        int read = 0,
            failed = 0;
        for (var i = 0; i < 300; i++)
        {
            body = (byte[])whole.Clone();
            for (var n = random.Next(1, 4); n > 0; n--)
                body[random.Next(body.Length)] = random.Next(2) == 0 ? "{}[]\",:\\"u8[random.Next(8)] : (byte)random.Next(256);
            if (random.Next(3) == 0)
                body = body[..random.Next(body.Length)];
            try
            {
                await Some.Pages(source, Some.Request());
                read++;
            }
            catch (SourceException exception)
            {
                Assert.Contains(exception.Code, new[] { SourceErrorCode.NotMetrics, SourceErrorCode.Truncated, SourceErrorCode.Refused });
                failed++;
            }
        }
        Assert.True(read > 10 && failed > 10, $"{read} read, {failed} failed");
    }

    [Theory]
    [InlineData("job=\"x\",cluster=~\"a|b\"", true)]
    [InlineData("job=\"}\"", true)]
    [InlineData("job", false)]
    [InlineData("job=\"x\"} or {a=\"b\"", false)]
    [InlineData("job=\"x", false)]
    public void A_selector_is_matchers_and_nothing_else(string selector, bool good) =>
        Assert.Equal(
            good,
            !new PrometheusSettings { Endpoint = new Uri("http://prometheus:9090"), Selector = selector }
                .Validate()
                .Any()
        );

    [Fact]
    public void An_endpoint_is_the_server_and_not_its_API() =>
        Assert.Contains(
            "without /api/v1",
            Assert.Single(new PrometheusSettings { Endpoint = new Uri("http://prometheus:9090/api/v1/query") }.Validate()),
            StringComparison.Ordinal
        );

    [Fact]
    public void The_cadence_suits_a_scraping_server()
    {
        var cadence = Some.Source(
            new PrometheusSettings
            {
                Id = "x",
                Provider = "prometheus",
                Endpoint = new Uri("http://prometheus:9090"),
            },
            Some.Catalogue("m")
        ).Cadence;

        Assert.Equal(
            new Cadence(TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(10), TimeSpan.FromHours(1), TimeSpan.FromHours(1))
            {
                Every = TimeSpan.FromMinutes(1),
            },
            cadence
        );
    }
}
