using System.Globalization;
using System.IO.Compression;
using System.Text;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Ingestors.Providers;
using Metrics.Ingestors.Providers.Exporter;
using Xunit;

namespace Metrics.Ingestors.Tests;

/// <summary>The exporter reader against servers that misbehave on real sockets.</summary>
public sealed class ExporterTests
{
    private static ITelemetrySource Source(HostileServer server, Action<ExporterSettings>? change = null)
    {
        var settings = new ExporterSettings
        {
            Id = "gpu-1",
            Provider = "exporter",
            Endpoint = server.At("/metrics?target=x&token=hush"),
            Timeout = TimeSpan.FromSeconds(20),
        };
        change?.Invoke(settings);
        return Some.Source(settings, Some.Catalogue("m", "n"));
    }

    private static async Task<SourceException> ErrorOf(HostileServer server, Action<ExporterSettings>? change = null) =>
        await Assert.ThrowsAsync<SourceException>(() => Some.Pages(Source(server, change), Some.Request()));

    private static byte[] Gzip(Action<Stream> write)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal, leaveOpen: true))
            write(gzip);
        return packed.ToArray();
    }

    [Fact]
    public async Task A_page_is_read_with_the_instant_of_the_scrape_and_the_instance()
    {
        await using var server = HostileServer.Serving("text/plain; version=0.0.4", _ =>
            "# TYPE m gauge\nm{gpu=\"0\"} 1.5\nm{instance=\"elsewhere\"} 2\nother 3\n"
        );
        var page = Assert.Single(await Some.Pages(Source(server), Some.Request(now: Some.Noon)));

        Assert.Equal(
            [$"m{{gpu=\"0\",instance=\"127.0.0.1:{server.Port}\"}}", "m{instance=\"elsewhere\"}"],
            page.Observations.Select(one => one.Series.ToString())
        );
        Assert.All(page.Observations, one =>
            Assert.Equal(("gpu-1", "prometheus", DateTimeKind.Utc), (one.Series.Source, one.Series.Provider, one.Sample.Start.Kind))
        );
        Assert.All(page.Observations, one => Assert.InRange(one.Sample.Start, Some.Noon, Some.Noon.AddSeconds(10)));
        Assert.All(page.Observations, one => Assert.Equal(0, one.Sample.Start.Ticks % 10));
        Assert.Null(page.PartialBecause);
    }

    [Fact]
    public async Task It_asks_for_OpenMetrics_and_compression()
    {
        await using var server = HostileServer.Serving("application/openmetrics-text; version=1.0.0; charset=utf-8", _ =>
            "m 1 1767268800.25 # {t=\"x\"} 1\n# EOF\n"
        );
        var (observations, _) = await Some.Read(Source(server), Some.Request());

        Assert.Equal([$"m{{instance=\"127.0.0.1:{server.Port}\"}} 12:00:00.25 1"], Some.Lines(observations));
        var request = Assert.Single(server.Requests);
        Assert.StartsWith("GET /metrics?target=x&token=hush HTTP/1.1\r\n", request, StringComparison.Ordinal);
        Assert.Contains("Accept: application/openmetrics-text;version=1.0.0;escaping=allow-utf-8", request, StringComparison.Ordinal);
        Assert.Contains("Accept-Encoding: gzip\r\n", request, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_compressed_page_in_chunks_is_read()
    {
        var packed = Gzip(to => to.Write("m 1\n"u8));
        await using var server = new HostileServer(
            (_, socket, cancel) =>
                HostileServer.Write(
                    socket,
                    [
                        .. "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"u8,
                        .. Encoding.ASCII.GetBytes($"{packed.Length:x}\r\n"),
                        .. packed,
                        .. "\r\n0\r\n\r\n"u8,
                    ],
                    cancel
                )
        );

        Assert.Single((await Some.Read(Source(server), Some.Request())).Observations);
    }

    [Fact]
    public async Task An_empty_page_is_no_page()
    {
        await using var server = HostileServer.Serving("text/plain", _ => "");
        Assert.Empty(await Some.Pages(Source(server), Some.Request()));
    }

    [Fact]
    public async Task Credentials_are_sent_and_never_shown()
    {
        await using var server = HostileServer.Serving("text/plain", _ => "no", "401 Unauthorized");
        var basic = await ErrorOf(server, settings => (settings.Username, settings.Password) = ("reader", "hunter2"));
        var bearer = await ErrorOf(server, settings => settings.BearerToken = "s3cr3t-token");

        Assert.Equal((SourceErrorCode.Unauthorised, SourceErrorCode.Unauthorised), (basic.Code, bearer.Code));
        Assert.Contains("Authorization: Basic cmVhZGVyOmh1bnRlcjI=\r\n", server.Requests.First(), StringComparison.Ordinal);
        Assert.Contains("Authorization: Bearer s3cr3t-token\r\n", server.Requests.Last(), StringComparison.Ordinal);
        Assert.Equal(
            $"GET http://127.0.0.1:{server.Port}/metrics answered 401: the server does not accept the credentials. Check Username "
                + $"and Password, BearerToken or the client certificate, and the rights behind them.",
            basic.Message
        );
        Assert.DoesNotContain("s3cr3t", bearer.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("30", 30)]
    [InlineData("0", null)]
    [InlineData("-5", null)]
    [InlineData("soon", null)]
    [InlineData("", null)]
    [InlineData("31536000", 900)]
    [InlineData("99999999999999999999999999", 900)]
    [InlineData("Wed, 21 Oct 2015 07:28:00 GMT", null)]
    [InlineData("Fri, 31 Dec 9999 23:59:59 GMT", 900)]
    public async Task A_source_that_asks_for_a_pause_gets_one_of_at_most_fifteen_minutes(string retryAfter, int? seconds)
    {
        await using var server = HostileServer.Serving(
            "text/plain",
            _ => "slow down",
            "429 Too Many Requests",
            $"Retry-After: {retryAfter}\r\n"
        );
        var error = await ErrorOf(server);

        Assert.Equal(SourceErrorCode.Throttled, error.Code);
        Assert.Equal(seconds, error.RetryAfter?.TotalSeconds);
    }

    [Fact]
    public async Task A_pause_until_a_date_is_measured_from_now()
    {
        var until = DateTimeOffset.UtcNow.AddSeconds(300).ToString("r", CultureInfo.InvariantCulture);
        await using var server = HostileServer.Serving("text/plain", _ => "", "503 Service Unavailable", $"Retry-After: {until}\r\n");
        var error = await ErrorOf(server);

        Assert.Equal(SourceErrorCode.ServerError, error.Code);
        Assert.InRange(error.RetryAfter!.Value.TotalSeconds, 240, 300);
    }

    [Theory]
    [InlineData("500 Oops", "server_error")]
    [InlineData("502 Bad Gateway", "server_error")]
    [InlineData("504 Timeout", "server_error")]
    [InlineData("403 Forbidden", "unauthorised")]
    [InlineData("404 Not Found", "refused")]
    [InlineData("418 Teapot", "refused")]
    public async Task A_status_that_is_no_success_has_a_stable_code(string status, string code)
    {
        await using var server = HostileServer.Serving("text/plain", _ => "down, password=hunter2 for https://me:pw@db/x", status);
        var error = await ErrorOf(server);

        Assert.Equal(code, SnakeCase.Of(error.Code));
        Assert.Null(error.RetryAfter);
        Assert.Contains($"http://127.0.0.1:{server.Port}/metrics answered {status[..3]}", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hush", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("me:pw", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        await using var server = HostileServer.Serving(
            "text/html",
            _ => "",
            "302 Found",
            "Location: http://169.254.169.254/latest?secret=1\r\n"
        );
        var error = await ErrorOf(server, settings => settings.BearerToken = "t0ken");

        Assert.Equal(SourceErrorCode.Redirected, error.Code);
        Assert.Contains("to http://169.254.169.254/latest, which is not followed", error.Message, StringComparison.Ordinal);
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task A_login_page_with_status_200_is_no_metrics()
    {
        await using var server = HostileServer.Serving("text/html; charset=utf-8", _ =>
            $"<html><title>Sign in</title>\n<a href='/login?token=hush{new string('x', 500)}'>"
        );
        var error = await ErrorOf(server);

        Assert.Equal(SourceErrorCode.NotMetrics, error.Code);
        Assert.Contains("text/html, not with metrics: \"<html><title>Sign in</title>", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hush", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_login_page_that_calls_itself_plain_text_is_no_metrics()
    {
        await using var server = HostileServer.Serving("text/plain", _ => "<html><title>Sign in</title></html>");
        Assert.Equal(SourceErrorCode.NotMetrics, (await ErrorOf(server)).Code);
    }

    [Fact]
    public async Task A_body_shorter_than_its_length_is_truncated()
    {
        await using var server = HostileServer.Answering(
            "HTTP/1.1 200 OK",
            "Content-Type: text/plain",
            "Content-Length: 1000",
            "",
            "m 1\nn 2\n"
        );
        Assert.Equal(SourceErrorCode.Truncated, (await ErrorOf(server)).Code);
    }

    [Fact]
    public async Task A_chunked_body_without_its_last_chunk_is_truncated()
    {
        await using var server = HostileServer.Answering(
            "HTTP/1.1 200 OK",
            "Content-Type: text/plain",
            "Transfer-Encoding: chunked",
            "",
            "8\r\nm 1\nn 2\n\r\n"
        );
        Assert.Equal(SourceErrorCode.Truncated, (await ErrorOf(server)).Code);
    }

    [Theory]
    [InlineData("HTTP/1.0 200 OK", "Content-Type: text/plain; version=0.0.4")]
    [InlineData("HTTP/1.0 200 OK", "Server: BaseHTTP/0.6 Python/3.12.3")]
    [InlineData("HTTP/1.0 200 OK", "Content-Type: text/plain; charset")]
    [InlineData("HTTP/1.0 200 OK", "Connection: close")]
    [InlineData("HTTP/1.1 200 OK", "Connection: close")]
    [InlineData("HTTP/1.0 200 ", "Content-Type: text/html")]
    public async Task A_page_that_the_closed_connection_ends_is_a_page(string status, string header)
    {
        await using var server = HostileServer.Answering(status, header, "", "# TYPE m gauge\nm 1\nn 2\n");
        var (observations, rejections) = await Some.Read(Source(server), Some.Request());

        Assert.Equal(["m 1", "n 2"], observations.Select(one => $"{one.Series.Metric} {one.Sample.Value}"));
        Assert.Empty(rejections);
    }

    [Theory]
    [InlineData("m 1\nn 2")]
    [InlineData("m 1\nn")]
    [InlineData("m 1\nn{a=\"b")]
    public async Task A_page_that_the_closed_connection_ends_within_a_line_is_cut(string page)
    {
        await using var server = HostileServer.Answering("HTTP/1.0 200 OK", "Content-Type: text/plain", "", page);
        Assert.Equal(SourceErrorCode.Truncated, (await ErrorOf(server)).Code);
    }

    [Fact]
    public async Task A_page_without_a_length_that_has_lost_half_of_its_samples_is_partial_once()
    {
        var pages = new Queue<string>([
            "m{a=\"1\"} 1\nm{a=\"2\"} 1\nm{a=\"3\"} 1\nn 2\n",
            "m{a=\"1\"} 1\nm{a=\"2\"} 1\n",
            "m{a=\"1\"} 1\nm{a=\"2\"} 1\n",
        ]);
        await using var server = new HostileServer(
            (_, socket, cancel) =>
                HostileServer.Write(socket, $"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n{pages.Dequeue()}", cancel)
        );
        var source = Source(server);
        var partial = new List<string?>();
        for (var i = 0; i < 3; i++)
            partial.Add(Assert.Single(await Some.Pages(source, Some.Request())).PartialBecause);

        Assert.Equal([null, "The page does not tell its length, and 2 samples came where 4 came before.", null], partial);
    }

    [Fact]
    public async Task A_connection_that_breaks_is_no_end_of_a_page()
    {
        await using var server = new HostileServer(
            async (_, socket, cancel) =>
            {
                await HostileServer.Write(socket, "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nm 1\n", cancel);
                await Task.Delay(200, cancel);
                socket.Socket.Close(0);
            }
        );
        Assert.Equal(SourceErrorCode.Truncated, (await ErrorOf(server)).Code);
    }

    [Theory]
    [InlineData("m 1\nn 2")]
    [InlineData("n 2\r\nm 1")]
    [InlineData("m 1\nn 2\n# done")]
    public async Task A_page_that_came_whole_is_read_to_its_end_whether_or_not_a_line_feed_stands_there(string page)
    {
        await using var server = HostileServer.Serving("text/plain", _ => page);
        Assert.Equal(2, (await Some.Read(Source(server), Some.Request())).Observations.Count);
    }

    [Theory]
    [InlineData("text/html; charset=utf-8")]
    [InlineData("application/json")]
    public async Task A_page_is_a_page_whatever_its_server_calls_it(string type)
    {
        await using var server = HostileServer.Serving(type, _ => $"# HELP m {new string('x', 5000)}\nm 1\nn 2\n");
        Assert.Equal(2, (await Some.Read(Source(server), Some.Request())).Observations.Count);
    }

    [Theory]
    [InlineData("application/json", "{\"m\":1}")]
    [InlineData("text/html", "\n <p>m 1</p>")]
    [InlineData("application/vnd.google.protobuf", "m 1\n")]
    public async Task What_calls_itself_something_else_and_is_that_is_no_metrics(string type, string page)
    {
        await using var server = HostileServer.Serving(type, _ => page);
        Assert.Equal(SourceErrorCode.NotMetrics, (await ErrorOf(server)).Code);
    }

    [Theory]
    [InlineData("m 1\n# EOF\n", null)]
    [InlineData("m 1\n", "truncated")]
    public async Task An_OpenMetrics_page_tells_its_own_end(string page, string? code)
    {
        await using var server = HostileServer.Answering("HTTP/1.0 200 OK", "Content-Type: application/openmetrics-text", "", page);
        if (code is null)
            Assert.Single((await Some.Read(Source(server), Some.Request())).Observations);
        else
            Assert.Equal(code, SnakeCase.Of((await ErrorOf(server)).Code));
    }

    [Fact]
    public async Task A_cut_in_compressed_data_is_truncated()
    {
        var random = new byte[4000];
        new Random(7).NextBytes(random);
        var packed = Gzip(to => to.Write(Encoding.ASCII.GetBytes($"m 1\n# {Convert.ToBase64String(random)}\nn 1\n")))[..2000];
        await using var server = new HostileServer(
            (_, socket, cancel) =>
                HostileServer.Write(
                    socket,
                    [
                        .. Encoding.ASCII.GetBytes(
                            $"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\nContent-Length: "
                                + $"{packed.Length}\r\n\r\n"
                        ),
                        .. packed,
                    ],
                    cancel
                )
        );

        Assert.Equal(SourceErrorCode.Truncated, (await ErrorOf(server)).Code);
    }

    [Fact]
    public async Task An_encoding_that_was_not_asked_for_is_no_metrics()
    {
        await using var server = HostileServer.Serving("text/plain", _ => "m 1\n", headers: "Content-Encoding: br\r\n");
        Assert.Equal(SourceErrorCode.NotMetrics, (await ErrorOf(server)).Code);
    }

    [Fact]
    public async Task A_server_that_hangs_after_its_headers_is_given_up()
    {
        await using var server = new HostileServer(
            async (_, socket, cancel) =>
            {
                await HostileServer.Write(socket, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\n", cancel);
                await Task.Delay(Timeout.Infinite, cancel);
            }
        );
        var error = await ErrorOf(server, settings => settings.Timeout = TimeSpan.FromSeconds(0.5));

        Assert.Equal(SourceErrorCode.Timeout, error.Code);
        Assert.Contains("within 0.5 s", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_never_answers_is_given_up()
    {
        await using var server = new HostileServer((_, _, cancel) => Task.Delay(Timeout.Infinite, cancel));
        Assert.Equal(SourceErrorCode.Timeout, (await ErrorOf(server, settings => settings.Timeout = TimeSpan.FromSeconds(0.3))).Code);
    }

    [Fact]
    public async Task Bytes_that_drip_do_not_prolong_the_time()
    {
        await using var server = new HostileServer(
            async (_, socket, cancel) =>
            {
                await HostileServer.Write(socket, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100000\r\n\r\n", cancel);
                while (true)
                {
                    await HostileServer.Write(socket, "#", cancel);
                    await Task.Delay(50, cancel);
                }
            }
        );
        Assert.Equal(SourceErrorCode.Timeout, (await ErrorOf(server, settings => settings.Timeout = TimeSpan.FromSeconds(1))).Code);
    }

    [Fact]
    public async Task Whoever_cancels_gets_a_cancellation_and_no_fault_of_the_source()
    {
        using var cancelled = new CancellationTokenSource();
        await using var server = new HostileServer(
            async (_, _, cancel) =>
            {
                await cancelled.CancelAsync();
                await Task.Delay(Timeout.Infinite, cancel);
            }
        );
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var _ in Source(server).ReadAsync(Some.Request(), cancelled.Token)) { }
        });
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_unreachable()
    {
        Uri gone;
        await using (var server = HostileServer.Serving("text/plain", _ => ""))
            gone = server.At("/metrics");
        var source = Some.Source(
            new ExporterSettings
            {
                Id = "gpu-1",
                Provider = "exporter",
                Endpoint = gone,
            },
            Some.Catalogue("m")
        );

        Assert.Equal(
            SourceErrorCode.Unreachable,
            (await Assert.ThrowsAsync<SourceException>(() => Some.Pages(source, Some.Request()))).Code
        );
    }

    [Theory]
    [InlineData("")]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n")]
    public async Task What_is_no_HTTP_server_is_named(string banner)
    {
        await using var server = HostileServer.Answering(banner);
        Assert.Contains(
            (await ErrorOf(server)).Code,
            new[] { SourceErrorCode.Truncated, SourceErrorCode.NotMetrics, SourceErrorCode.Unreachable }
        );
    }

    [Fact]
    public async Task A_flood_of_series_is_cut_and_says_which_label_is_to_blame()
    {
        await using var server = HostileServer.Serving("text/plain", _ =>
            string.Concat(Enumerable.Range(0, 3000).Select(i => $"m{{trace=\"{i}\",gpu=\"{i % 8}\"}} 1\n"))
        );
        var (observations, rejections) = await Some.Read(Source(server, settings => settings.MaxSeries = 500), Some.Request());

        Assert.Equal(500, observations.Count);
        var rejection = Assert.Single(rejections);
        Assert.Equal((RejectionReason.LimitExceeded, "m"), (rejection.Reason, rejection.Subject));
        Assert.Contains("The label 'trace' has the most values (500).", rejection.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Faults_beyond_a_thousand_are_counted_not_listed()
    {
        await using var server = HostileServer.Serving("text/plain", _ => "m 1\n" + string.Concat(Enumerable.Repeat("m oops\n", 5000)));
        var (_, rejections) = await Some.Read(Source(server), Some.Request());

        Assert.Equal(1001, rejections.Count);
        Assert.Equal("4000 more of this kind came in one answer and are not listed.", rejections[^1].Detail);
    }

    [Fact]
    public void Settings_that_cannot_work_are_all_named_at_once()
    {
        var errors = Some.Errors(
            "exporter",
            ("Endpoint", "http://me:pw@host/metrics"),
            ("Path", "rows.csv"),
            ("BearerToken", "two words"),
            ("Username", "a"),
            ("ClientCertificateFile", "absent.pem"),
            ("Selector", "job=\"x\""),
            ("Timeout", "00:00:00"),
            ("MaxBytes", "1"),
            ("MaxSeries", "0")
        );

        Assert.Equal(10, errors.Count);
        Assert.DoesNotContain(errors, error =>
            error.Contains("pw", StringComparison.Ordinal) && !error.StartsWith("x: Endpoint holds", StringComparison.Ordinal)
        );
        Assert.Equal("Endpoint is missing: give the server's http or https address.", Assert.Single(new ExporterSettings().Validate()));
        Assert.Equal(
            "Endpoint 'ftp://host/' is not an http or https address.",
            Assert.Single(new ExporterSettings { Endpoint = new Uri("ftp://host/") }.Validate())
        );
    }

    [Fact]
    public void The_cadence_is_the_settings_or_fifteen_seconds()
    {
        var settings = new ExporterSettings
        {
            Id = "x",
            Provider = "exporter",
            Endpoint = new Uri("http://host/metrics"),
        };
        var usual = Some.Source(settings, Some.Catalogue("m")).Cadence;
        settings.Every = TimeSpan.FromSeconds(5);

        Assert.Equal((TimeSpan.FromSeconds(15), TimeSpan.Zero, TimeSpan.Zero), (usual.Every, usual.Settle, usual.Overlap));
        Assert.Equal(TimeSpan.FromSeconds(5), Some.Source(settings, Some.Catalogue("m")).Cadence.Every);
    }
}
