using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Metrics.SystemTests.Webhooks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Metrics.SystemTests.Witness;

/// <summary>The body of each type of event, in each format, as a receiver gets it from a service to which all of that happens.</summary>
public sealed class WebhookWitnessTests
{
    /// <summary>Every type that is told; those that the contract names and this does not bring about make the test fail.</summary>
    private static readonly string[] Types =
    [
        "intensity.drifted",
        "intensity.threshold_exceeded",
        "measurement.restated",
        "reconciliation.mismatch",
        "report.ready",
        "series.healed",
        "series.quarantined",
        "source.failed",
        "source.recovered",
        "source.stale",
        "webhook.disabled",
        "webhook.test",
    ];

    private static readonly string[] Formats = ["standard", "cloudevents"];

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(100);

    [Fact]
    public async Task Every_body_that_is_sent_is_as_approved()
    {
        var folder = Directory.CreateTempSubdirectory("metrics-witness-").FullName;
        await using var receiver = await Receiver.StartAsync();
        await using var far = await FarSide.StartAsync();
        receiver.Answer = context =>
        {
            context.Response.StatusCode = context.Request.Path.Value!.EndsWith("/gone", StringComparison.Ordinal) ? 410 : 204;
            return Task.CompletedTask;
        };
        try
        {
            var settings = Settings(folder, far);
            Directory.CreateDirectory(Path.Combine(folder, "in"));
            var hour = DateTime.UtcNow.Date.AddHours(DateTime.UtcNow.Hour);
            // Three hours of their own: the rules look at the last two, the first one is told anew.
            await WriteAsync(folder, "first.csv", hour, (-9, 300, 400), (-7, 300, 400), (-6, 400, 300));

            await using (var first = await ServiceProcess.StartAsync(settings))
            {
                foreach (var format in Formats)
                    await PostAsync(first, "/api/webhooks", new { url = $"{receiver.Url}/{format}", format });
                await PostAsync(first, "/api/rules", Rule("threshold", 0.5, null));
                await PostAsync(first, "/api/rules", Rule("drift", 0.2, 1));
                await HasAsync(receiver, first, "series.quarantined", "source.failed");
                far.Locked = false;
                await HasAsync(receiver, first, "series.healed");
                // With a file of its own the recompute behind its read comes after every source was read, and makes the hours final.
                await WriteAsync(folder, "then.csv", hour, (-11, 300, 400));
                await PostAsync(first, "/api/sources/inbox/read", null);
                await first.RowsAsync("HourlyIntensities?$filter=Workload eq 'chat'", rows => rows.Count >= 4);
                await Task.Delay(TimeSpan.FromSeconds(1));
                await first.StopAsync();
            }

            await LetPassAsync(folder, TimeSpan.FromDays(3));
            await using var second = await ServiceProcess.StartAsync(settings);
            await WriteAsync(folder, "late.csv", hour, (-9, 500, 400));
            await PostAsync(second, "/api/sources/inbox/read", null);
            await HasAsync(receiver, second, "source.stale");
            far.Away = false;
            string[] types = ["report.ready"];
            await PostAsync(
                second,
                "/api/webhooks",
                new
                {
                    url = $"{receiver.Url}/gone",
                    types,
                    description = "not there any more",
                }
            );
            foreach (var webhook in (await GetAsync(second, "/api/webhooks")).EnumerateArray().ToList())
                await PostAsync(second, $"/api/webhooks/{webhook.GetProperty("id").GetString()}/test", null);
            await ReportAsync(second, hour.AddHours(-9));
            await HasAsync(receiver, second, Types);

            var stable = new Stable([(folder, "<folder>"), (far.Address, "<far>"), (receiver.Url, "<receiver>")], dates: true);
            var bodies = receiver
                .All.Where(one => Formats.Contains(Format(one)))
                .GroupBy(one => $"{one.Type}.{Format(one)}.json", one => Shown(one, stable), StringComparer.Ordinal)
                .ToDictionary(group => group.Key, group => string.Concat(group.Distinct().Order(StringComparer.Ordinal)));
            Approved.Check("webhooks", Approved.Single(bodies));
        }
        finally
        {
            SqliteConnection.ClearAllPools();
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Each webhook has the name of its format in its address.</summary>
    private static string Format(Received one) => one.Path[(one.Path.LastIndexOf('/') + 1)..];

    /// <summary>The headers that the contract names, and the body.</summary>
    private static string Shown(Received one, Stable stable)
    {
        var text = new StringBuilder();
        foreach (var (name, value) in one.Headers.OrderBy(header => header.Key, StringComparer.Ordinal))
        {
            if (name is not ("content-type" or "user-agent") && !name.StartsWith("webhook-", StringComparison.Ordinal))
                continue;
            var shown = name switch
            {
                "webhook-timestamp" => Stable.Now,
                "webhook-signature" => value.Split(',')[0] + ",<signature>",
                _ => stable.Text(value),
            };
            text.Append(CultureInfo.InvariantCulture, $"{name}: {shown}\n");
        }
        // The file that a report says is ready has the times of the run in it.
        return text.Append(stable.Json(JsonDocument.Parse(one.Body).RootElement, "lagSeconds", "bytes", "sha256")).ToString();
    }

    private static object Rule(string kind, double threshold, int? baselineHours) =>
        new
        {
            kind,
            workload = "chat",
            functionalUnit = "output-token",
            boundary = "accelerator",
            comparison = "above",
            threshold,
            windowHours = 1,
            baselineHours,
            coolDownMinutes = 1440,
            description = $"by {kind}",
        };

    /// <summary>Asks for a report of an hour that is told of when it is ready.</summary>
    private static async Task ReportAsync(ServiceProcess service, DateTime hour)
    {
        var asking = $"/api/reports/energy?from={Instant(hour)}&to={Instant(hour.AddHours(1))}&grain=hour&format=csv";
        using var asked = new HttpRequestMessage(HttpMethod.Get, asking);
        asked.Headers.Add("Prefer", "respond-async");
        using var answer = await service.Http.SendAsync(asked);
        Assert.Equal(202, (int)answer.StatusCode);
    }

    private static string Instant(DateTime utc) => utc.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);

    private static (string, string)[] Settings(string folder, FarSide far) =>
        [
            ("ASPNETCORE_CONTENTROOT", folder),
            ("Metrics__Storage__ConnectionString", $"Data Source={folder}/metrics.db"),
            ("Metrics__Webhooks__AllowedNetworks__0", "127.0.0.1"),
            ("Metrics__Places__onprem/dc__Pue", "1.5"),
            ("Metrics__Places__onprem/dc__Country", "DE"),
            ("Metrics__Workloads__chat__Match__0__Source", "inbox"),
            ("Metrics__Sources__inbox__Provider", "file"),
            ("Metrics__Sources__inbox__Path", Path.Combine(folder, "in")),
            ("Metrics__Sources__inbox__Place", "onprem/dc"),
            ("Metrics__Sources__inbox__Every", "01:00:00"),
            ("Metrics__Sources__away__Provider", "exporter"),
            ("Metrics__Sources__away__Endpoint", $"{far.Address}/metrics"),
            ("Metrics__Sources__away__Place", "onprem/dc"),
            ("Metrics__Sources__away__Every", "00:00:01"),
            ("Metrics__Sources__cloud__Provider", "aws-cloudwatch"),
            ("Metrics__Sources__cloud__Endpoint", far.Address),
            ("Metrics__Sources__cloud__Aws__Region", "us-east-1"),
            ("Metrics__Sources__cloud__Aws__AccessKeyId", "AKIDWITNESS"),
            ("Metrics__Sources__cloud__Aws__SecretAccessKey", "not-for-use"),
            ("Metrics__Sources__cloud__Every", "00:00:01"),
            ("Metrics__Sources__cloud__Settle", "00:00:00"),
            ("Metrics__Sources__cloud__Overlap", "01:00:00"),
            ("Metrics__Sources__cloud__Lookback", "00:30:00"),
        ];

    /// <summary>Hours of a board and its tokens, each by its distance from the hour that is going on: watts, and tokens a second.</summary>
    private static async Task WriteAsync(string folder, string name, DateTime hour, params (int Hour, int Watts, int Tokens)[] hours)
    {
        const string labels = "label:UUID,label:gpu,label:Hostname,label:modelName,label:pod,label:instance";
        var rows = new StringBuilder($"provider,metric,{labels},start,end,value\n");
        foreach (var (from, watts, tokens) in hours)
        {
            // Each hour has a pod and an engine of its own.
            var pod = $"chat-{-from}";
            var board = $"prometheus,DCGM_FI_DEV_POWER_USAGE,GPU-0,0,h1,NVIDIA H100 80GB HBM3,{pod},,";
            var work = $"prometheus,vllm:generation_tokens_total,,,,,{pod},{pod}:8000,";
            for (var minute = 0; minute <= 60; minute += 5)
            {
                var at = Instant(hour.AddHours(from).AddMinutes(minute));
                // The end of an hour is also the start of the next: there the later hour says what is drawn.
                if (minute < 60)
                    rows.Append(CultureInfo.InvariantCulture, $"{board}{at},{at},{watts}\n");
                rows.Append(CultureInfo.InvariantCulture, $"{work}{at},{at},{tokens * minute * 60}\n");
            }
        }
        var hidden = Path.Combine(folder, "in", "." + name);
        await File.WriteAllTextAsync(hidden, rows.ToString());
        File.Move(hidden, Path.Combine(folder, "in", name));
    }

    /// <summary>
    /// What the service does once a day it does for days that it has known a source for. Nobody waits for days: what the store knows of
    /// when sources were registered is moved into the past. The table is found by its column; no other place of the witnesses knows of
    /// the inside.
    /// </summary>
    private static async Task LetPassAsync(string folder, TimeSpan time)
    {
        await using var connection = new SqliteConnection($"Data Source={folder}/metrics.db");
        await connection.OpenAsync();
        await using var find = connection.CreateCommand();
        find.CommandText = """
            SELECT m.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND c.name = 'registered_at'
            """;
        var table = (string?)await find.ExecuteScalarAsync();
        Assert.True(table is not null, "No table has a column registered_at: name the one that says since when a source is known.");
        await using var move = connection.CreateCommand();
        move.CommandText = $"UPDATE \"{table}\" SET registered_at = registered_at - {time.Ticks / 10}";
        await move.ExecuteNonQueryAsync();
    }

    /// <summary>Waits until both formats of these types came.</summary>
    private static async Task HasAsync(Receiver receiver, ServiceProcess service, params string[] types)
    {
        for (var until = DateTime.UtcNow + Patience; ; await Task.Delay(100))
        {
            var came = receiver.All.Select(one => $"{one.Type} {Format(one)}").ToHashSet(StringComparer.Ordinal);
            var missing = types.SelectMany(type => Formats.Select(format => $"{type} {format}")).Where(one => !came.Contains(one)).ToList();
            if (missing.Count == 0)
                return;
            if (DateTime.UtcNow <= until)
                continue;
            throw new InvalidOperationException($"{string.Join(", ", missing)} did not come. The service printed:\n{service.Output}");
        }
    }

    private static async Task<JsonElement> PostAsync(ServiceProcess service, string path, object? body)
    {
        using var answer = await service.Http.PostAsync(new Uri(path, UriKind.Relative), body is null ? null : JsonContent.Create(body));
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, $"{(int)answer.StatusCode} for {path}: {text}");
        return text.Length == 0 ? default : JsonDocument.Parse(text).RootElement;
    }

    private static async Task<JsonElement> GetAsync(ServiceProcess service, string path) =>
        JsonDocument.Parse(await service.Http.GetStringAsync(new Uri(path, UriKind.Relative))).RootElement;

    /// <summary>Two sources: an exporter that is away, a CloudWatch that withholds a metric and whose hours do not add up.</summary>
    private sealed class FarSide : IAsyncDisposable
    {
        private readonly WebApplication app;

        private FarSide(WebApplication app) => this.app = app;

        public string Address => app.Urls.Single();

        /// <summary>The exporter answers that it cannot.</summary>
        public bool Away { get; set; } = true;

        /// <summary>One metric may not be read.</summary>
        public bool Locked { get; set; } = true;

        public static async Task<FarSide> StartAsync()
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            var app = builder.Build();
            var far = new FarSide(app);
            app.MapGet("/metrics", far.Page);
            app.MapPost("/", far.CloudWatchAsync);
            await app.StartAsync();
            return far;
        }

        public ValueTask DisposeAsync() => app.DisposeAsync();

        private IResult Page(HttpContext context)
        {
            // Asked to wait for a second it is asked again in a second, however often it failed.
            context.Response.Headers.RetryAfter = "1";
            const string page = """
                # TYPE DCGM_FI_DEV_POWER_USAGE gauge
                DCGM_FI_DEV_POWER_USAGE{UUID="GPU-9",gpu="0",Hostname="h9",modelName="NVIDIA L4"} 50

                """;
            return Away ? Results.Text("out for lunch", statusCode: 503) : Results.Text(page);
        }

        private async Task CloudWatchAsync(HttpContext context)
        {
            using var asked = await JsonDocument.ParseAsync(context.Request.Body);
            var answer = context.Request.Headers["X-Amz-Target"].ToString().EndsWith("ListMetrics", StringComparison.Ordinal)
                ? List(asked.RootElement.TryGetProperty("Namespace", out var space) ? space.GetString() : null)
                : Data(asked.RootElement);
            context.Response.ContentType = "application/x-amz-json-1.0";
            await context.Response.WriteAsync(JsonSerializer.Serialize(answer));
        }

        private static object List(string? space)
        {
            var dimensions = new[] { new { Name = "ModelId", Value = "meta.llama3-70b-instruct-v1:0" } };
            string[] names = space == "AWS/Bedrock" ? ["OutputTokenCount", "InputTokenCount"] : [];
            return new
            {
                Metrics = names.Select(name => new
                {
                    Namespace = space,
                    MetricName = name,
                    Dimensions = dimensions,
                }),
            };
        }

        private object Data(JsonElement asked)
        {
            var (start, end, now) = (Time("StartTime"), Time("EndTime"), DateTime.UtcNow);
            return new
            {
                MetricDataResults = asked
                    .GetProperty("MetricDataQueries")
                    .EnumerateArray()
                    .Select(query =>
                    {
                        var stat = query.GetProperty("MetricStat");
                        var withheld = Locked && stat.GetProperty("Metric").GetProperty("MetricName").GetString() == "InputTokenCount";
                        var period = stat.GetProperty("Period").GetInt32();
                        var times = new List<DateTime>();
                        // Nothing of the hours that the file is about, so that no final one changes by what is read again.
                        for (var at = start; at < end && !withheld; at = at.AddSeconds(period))
                            if (at < now.Date.AddDays(-1) || at > now.AddMinutes(-30))
                                times.Add(at);
                        return new
                        {
                            Id = query.GetProperty("Id").GetString(),
                            Label = "l",
                            Timestamps = times.Select(at => (at - DateTime.UnixEpoch).TotalSeconds),
                            Values = times.Select(_ => period < 3600 ? 10.0 : 700.0),
                            StatusCode = withheld ? "Forbidden" : "Complete",
                            Messages = Array.Empty<object>(),
                        };
                    })
                    .ToList(),
                Messages = Array.Empty<object>(),
            };

            DateTime Time(string name) => DateTime.UnixEpoch.AddSeconds(asked.GetProperty(name).GetDouble());
        }
    }
}
