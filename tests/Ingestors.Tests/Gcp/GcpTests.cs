using System.Text.Json;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Emulators;
using Metrics.Emulators.Gcp;
using Metrics.Ingestors.Http.Credentials;
using Metrics.Ingestors.Providers;
using Metrics.Ingestors.Providers.Gcp;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Metrics.Ingestors.Tests.Gcp;

/// <summary>An emulated project with a key file for it, and a source that reads it.</summary>
internal sealed class Project : IAsyncDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("metrics-gcp-").FullName;

    private Project(GcpEmulator cloud, FakeTimeProvider clock) => (Cloud, Clock) = (cloud, clock);

    public GcpEmulator Cloud { get; }

    public FakeTimeProvider Clock { get; }

    public string KeyFile => Path.Combine(folder, "key.json");

    public static async Task<Project> StartAsync(DateTime now, IReadOnlyList<Signal>? signals = null, Faults? faults = null)
    {
        var clock = new FakeTimeProvider(new DateTimeOffset(now));
        var project = new Project(await GcpEmulator.StartAsync(signals ?? GcpFleet.Signals, faults ?? Faults.None, clock), clock);
        await File.WriteAllTextAsync(project.KeyFile, project.Cloud.KeyFile);
        return project;
    }

    public GcpMonitoringSettings Settings(string region = "europe-west4") =>
        new()
        {
            Id = "gke",
            Provider = "gcp-monitoring",
            Endpoint = Cloud.Server.Address,
            Timeout = TimeSpan.FromSeconds(20),
            MaxBytes = 4 * 1024 * 1024,
            Google = new GoogleSettings
            {
                Project = GcpEmulator.Project,
                Region = region,
                CredentialsFile = KeyFile,
            },
        };

    public async ValueTask DisposeAsync()
    {
        await Cloud.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }
}

/// <summary>The contract for Google Cloud Monitoring.</summary>
public sealed class GcpContractTests : NetworkProviderContract
{
    protected override IProvider Provider => KnownProviders.All["gcp-monitoring"];

    protected override string Folder => "src/Ingestors/Providers/Gcp";

    protected override async Task<ContractBench> OpenAsync(FarSide farSide)
    {
        var from = Truth.Start.AddHours(1);
        var project = await Project.StartAsync(from.AddHours(2));
        var cloud = project.Cloud;
        // The token endpoint goes on: it is the metrics that fall short.
        Func<Microsoft.AspNetCore.Http.HttpContext, Task<bool>> answer = farSide switch
        {
            FarSide.Throttles => EmulatedServer.Answering(
                429,
                "application/json",
                """{"error":{"code":429,"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED"}}""",
                ("Retry-After", "7")
            ),
            FarSide.Breaks => EmulatedServer.Answering(
                503,
                "application/json",
                """{"error":{"code":503,"message":"down","status":"UNAVAILABLE"}}"""
            ),
            FarSide.SendsHtml => EmulatedServer.Answering(200, "text/html", "<!DOCTYPE html><html><body>Log in</body></html>"),
            FarSide.Refuses => EmulatedServer.Answering(
                403,
                "application/json",
                """{"error":{"code":403,"message":"Permission denied for ya29."""
                    + """a0AfB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0","status":"PERMISSION_DENIED"}}"""
            ),
            FarSide.Hangs => EmulatedServer.Hang,
            FarSide.Floods => EmulatedServer.Flood,
            FarSide.Cuts => EmulatedServer.Cut(context =>
            {
                context.Response.ContentType = "application/json";
                return Microsoft.AspNetCore.Http.HttpResponseWritingExtensions.WriteAsync(
                    context.Response,
                    """{"metricDescriptors":[{"type":"x"}]}"""
                );
            }),
            _ => _ => Task.FromResult(false),
        };
        cloud.Server.Instead = context => context.Request.Path == "/token" ? Task.FromResult(false) : answer(context);

        var catalogue = Catalogues.Load([]);
        var window =
            farSide == FarSide.IsEmpty
                ? new Interval(Truth.Start.AddDays(10), Truth.Start.AddDays(10).AddHours(1))
                : new Interval(from, from.AddHours(1));
        var secret = JsonDocument.Parse(cloud.KeyFile).RootElement.GetProperty("private_key").GetString()!.Split('\n')[1];
        // Eight counters, one gauge and two counts of tokens, sixty minutes each.
        return new(
            Some.Source(project.Settings(), catalogue),
            catalogue,
            new ReadRequest(window, null, window.Start, from.AddHours(2)),
            660,
            () => cloud.TimeSeriesRequests,
            [secret, "a0AfB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0"],
            async () => await project.DisposeAsync()
        );
    }
}

/// <summary>The Google Cloud reader against an emulated project.</summary>
public sealed class GcpTests
{
    private const string Energy = "workload.googleapis.com/gpu.dcgm.energy_consumption",
        Tokens = "aiplatform.googleapis.com/publisher/online_serving/token_count",
        Cpu = "compute.googleapis.com/instance/cpu/utilization";

    private static readonly DateTime Ten = Truth.Start;

    private static ReadRequest Requested(DateTime from, DateTime to, DateTime? now = null) =>
        new(new Interval(from, to), null, from, now ?? to);

    private static async Task<SourceException> FaultAsync(ITelemetrySource source) =>
        await Assert.ThrowsAsync<SourceException>(() => Some.Pages(source, Requested(Ten, Ten.AddMinutes(5))));

    [Fact]
    public async Task What_is_read_is_what_is_true_with_the_labels_of_metric_resource_and_machine()
    {
        await using var project = await Project.StartAsync(Ten.AddHours(1));
        var (observations, rejections) = await Some.Read(
            Some.Source(project.Settings(), Catalogues.Load([])),
            Requested(Ten.AddMinutes(1), Ten.AddMinutes(3))
        );

        Assert.Empty(rejections);
        var board = observations.Where(one => one.Series.Metric == Energy && one.Series.Labels["gpu_number"] == "3").ToList();
        Assert.Equal([Ten.AddMinutes(1), Ten.AddMinutes(2)], board.Select(one => one.Sample.Start));
        Assert.All(board, one => Assert.Equal(one.Sample.Start, one.Sample.End));
        // The counter at 10:01 holds the first minute of board 3: 60 s at 75 + 9 + 540 x 0.4563...^0.9 W, by hand.
        Assert.Equal(60 * (84 + 540 * Math.Pow(0.3 + 0.6 * Math.Abs(Math.Sin(51 / 29.0)), 0.9)), board[0].Sample.Value, 1e-9);
        Assert.Equal("a3-highgpu-8g", board[0].Series.Labels["machine_type"]);
        Assert.Equal("7001", board[0].Series.Labels["instance_id"]);

        var output = observations.Where(one => one.Series.Metric == Tokens && one.Series.Labels["type"] == "output").ToList();
        Assert.Equal(
            [(Ten.AddMinutes(1), Ten.AddMinutes(2), 41_000.0), (Ten.AddMinutes(2), Ten.AddMinutes(3), 42_000.0)],
            output.Select(one => (one.Sample.Start, one.Sample.End, one.Sample.Value))
        );
        // Another region of the same project stands elsewhere.
        Assert.DoesNotContain(observations, one => one.Series.Labels["instance_id"] == "9001");
        var far = await Some.Read(
            Some.Source(project.Settings("us-central1"), Catalogues.Load([])),
            Requested(Ten.AddMinutes(1), Ten.AddMinutes(3))
        );
        Assert.All(far.Observations, one => Assert.Equal("9001", one.Series.Labels["instance_id"]));
        Assert.Equal(2, far.Observations.Count);
    }

    [Fact]
    public async Task Requests_are_those_of_the_API_to_the_byte()
    {
        await using var project = await Project.StartAsync(Ten.AddHours(1));
        await Some.Read(
            Some.Source(project.Settings(), Catalogues.Load([])),
            Requested(new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc), new(2026, 1, 1, 1, 0, 0, DateTimeKind.Utc), Ten)
        );

        var requests = project.Cloud.Server.Requests.ToArray();
        Assert.Contains(
            "GET "
                + "/v3/projects/demo-proj/metricDescriptors"
                + "?filter=metric.type%20%3D%20starts_with%28%22aiplatform.googleapis.com%2F%22%29&pageSize=1000",
            requests.Select(request =>
                request.Replace("aiplatform.googleapis.com%2Fp%22", "aiplatform.googleapis.com%2F%22", StringComparison.Ordinal)
            )
        );
        Assert.Contains(
            "GET "
                + "/v3/projects/demo-proj/timeSeries"
                + "?filter=metric.type%3D%22aiplatform.googleapis.com%2Fpublisher%2Fonline_serving%2Ftoken_count%22"
                + "%20AND%20resource.labels.location%3Dstarts_with%28%22europe-west4%22%29"
                + "&interval.startTime=2025-12-31T23:59:59.999999Z&interval.endTime=2026-01-01T01:00:00Z&view=FULL&pageSize=10000",
            requests
        );
        Assert.DoesNotContain(requests, request => request.Contains("ALIGN", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Windows_that_tile_read_every_point_once_wherever_they_meet()
    {
        await using var project = await Project.StartAsync(Ten.AddHours(3));
        var catalogue = Catalogues.Load([]);
        var whole = Keys(
            (
                await Some.Read(Some.Source(project.Settings(), catalogue), Requested(Ten.AddHours(1), Ten.AddHours(2), Ten.AddHours(3)))
            ).Observations
        );
        Assert.Equal(660, whole.Count);

        for (var seed = 0; seed < 5; seed++)
        {
            var dice = new Random(seed);
            var source = Some.Source(project.Settings(), catalogue);
            var pieces = new List<Observation>();
            for (var from = Ten.AddHours(1); from < Ten.AddHours(2); )
            {
                // On the edges of minutes, where the points lie.
                var to = from.AddMinutes(dice.Next(1, 20));
                if (to > Ten.AddHours(2))
                    to = Ten.AddHours(2);
                pieces.AddRange((await Some.Read(source, Requested(from, to, Ten.AddHours(3)))).Observations);
                from = to;
            }
            Assert.Equal(whole, Keys(pieces));
        }

        static List<string> Keys(List<Observation> observations) => [.. observations.Select(Some.Line).Order(StringComparer.Ordinal)];
    }

    [Fact]
    public async Task The_time_to_settle_is_what_the_descriptors_say()
    {
        await using var project = await Project.StartAsync(Ten.AddHours(1), faults: new Faults { Delay = TimeSpan.FromSeconds(240) });
        var source = Some.Source(project.Settings(), Catalogues.Load([]));
        Assert.Equal(TimeSpan.FromMinutes(5), source.Cadence.Settle);
        await Some.Pages(source, Requested(Ten, Ten.AddMinutes(5)));
        // Sampled each 60 s and visible 240 s later, of all metrics in use.
        Assert.Equal(TimeSpan.FromSeconds(300), source.Cadence.Settle);

        await using var slow = await Project.StartAsync(Ten.AddHours(1), faults: new Faults { Delay = TimeSpan.FromSeconds(600) });
        source = Some.Source(slow.Settings(), Catalogues.Load([]));
        await Some.Pages(source, Requested(Ten, Ten.AddMinutes(5)));
        Assert.Equal(TimeSpan.FromSeconds(660), source.Cadence.Settle);
    }

    [Fact]
    public async Task An_answer_with_execution_errors_is_partial()
    {
        await using var project = await Project.StartAsync(Ten.AddHours(1), faults: new Faults { PartialShare = 1 });
        var pages = await Some.Pages(Some.Source(project.Settings(), Catalogues.Load([])), Requested(Ten, Ten.AddMinutes(5)));
        Assert.Contains(pages, page =>
            page.PartialBecause?.Contains("A part of the data could not be read.", StringComparison.Ordinal) == true
        );
        Assert.NotEmpty(pages.SelectMany(page => page.Observations));
    }

    [Fact]
    public async Task A_counter_that_starts_again_above_where_it_was_gives_no_energy_that_nobody_measured()
    {
        // The driver was loaded again at 10:30:30; at 10:31 the new counter already stands above the old one's few joules.
        var labels = GcpFleet.Signals[0].Labels;
        var signal = new Signal(Energy, labels, SignalKind.Cumulative, minute =>
            minute < Ten.AddMinutes(30) ? 100 : 9_000 + 18_000 * ((minute - Ten.AddMinutes(30)).TotalMinutes)
        )
        {
            Unit = "J",
        };
        await using var project = await Project.StartAsync(Ten.AddHours(2), [signal]);
        project.Cloud.CounterStart = (_, at) => at <= Ten.AddMinutes(30) ? Ten.AddDays(-1) : Ten.AddMinutes(30).AddSeconds(30);
        var (observations, _) = await Some.Read(
            Some.Source(project.Settings(), Catalogues.Load([])),
            Requested(Ten.AddMinutes(29), Ten.AddMinutes(33), Ten.AddHours(2))
        );

        Assert.Equal(
            [
                (Ten.AddMinutes(29), 100.0),
                (Ten.AddMinutes(30), 100.0),
                (Ten.AddMinutes(30).AddSeconds(30), 0.0),
                (Ten.AddMinutes(31), 9_000.0),
                (Ten.AddMinutes(32), 27_000.0),
            ],
            observations.OrderBy(one => one.Sample.Start).Select(one => (one.Sample.Start, one.Sample.Value))
        );
    }

    [Fact]
    public async Task A_metric_in_another_unit_is_refused_and_not_scaled()
    {
        var signals = GcpFleet.Signals.Select(signal => signal.Metric == Energy ? signal with { Unit = "mJ" } : signal).ToList();
        await using var project = await Project.StartAsync(Ten.AddHours(1), signals);
        var (observations, rejections) = await Some.Read(
            Some.Source(project.Settings(), Catalogues.Load([])),
            Requested(Ten, Ten.AddMinutes(5))
        );
        var refused = Assert.Single(rejections);
        Assert.Equal((RejectionReason.UnitDrift, Energy), (refused.Reason, refused.Subject));
        Assert.Contains("'mJ'", refused.Detail, StringComparison.Ordinal);
        Assert.DoesNotContain(observations, one => one.Series.Metric == Energy);
        Assert.Contains(observations, one => one.Series.Metric == Cpu);
    }

    [Fact]
    public async Task Numbers_that_are_none_are_refused_and_integers_come_as_text()
    {
        await using var project = await Project.StartAsync(Ten.AddHours(1));
        project.Cloud.Server.Instead = async context =>
        {
            if (!context.Request.Path.Value!.EndsWith("/timeSeries", StringComparison.Ordinal))
                return false;
            var type = context.Request.Query["filter"].ToString().Contains(Tokens, StringComparison.Ordinal) ? Tokens : "";
            await EmulatedServer.Answering(
                200,
                "application/json",
                type == ""
                    ? "{}"
                    : $$$"""
                    {"timeSeries":[{"metric":{"type":"{{{Tokens}}}","labels":{"type":"output"}},
                      "resource":{"type":"aiplatform.googleapis.com/PublisherModel",
                        "labels":{"model_user_id":"m","location":"europe-west4"}},
                     "metricKind":"DELTA","valueType":"INT64","points":[
                      {"interval":{"startTime":"2026-02-03T10:03:00.001Z","endTime":"2026-02-03T10:04:00Z"},
                        "value":{"doubleValue":"Infinity"}},
                      {"interval":{"startTime":"2026-02-03T10:02:00.001Z","endTime":"2026-02-03T10:03:00Z"},"value":{"doubleValue":"NaN"}},
                      {"interval":{"startTime":"2026-02-03T10:01:00.001Z","endTime":"2026-02-03T10:02:00Z"},"value":{"stringValue":"x"}},
                      {"interval":{"startTime":"2026-02-03T10:00:00.001Z","endTime":"2026-02-03T10:01:00Z"},
                        "value":{"int64Value":"48211"}}]}]}
                    """
            )(context);
            return true;
        };
        var (observations, rejections) = await Some.Read(
            Some.Source(project.Settings(), Catalogues.Load([])),
            Requested(Ten, Ten.AddMinutes(5))
        );
        Assert.Equal(
            [(Ten, Ten.AddMinutes(1), 48_211.0)],
            observations.Select(one => (one.Sample.Start, one.Sample.End, one.Sample.Value))
        );
        Assert.Equal(
            [RejectionReason.Malformed, RejectionReason.NotFinite, RejectionReason.NotFinite],
            rejections.Select(one => one.Reason).Order().Reverse().OrderBy(reason => reason.ToString(), StringComparer.Ordinal)
        );
    }

    [Fact]
    public async Task A_page_token_that_comes_twice_ends_the_read()
    {
        await using var project = await Project.StartAsync(Ten.AddHours(1));
        project.Cloud.Server.Instead = context =>
            context.Request.Path.Value!.EndsWith("/timeSeries", StringComparison.Ordinal)
                ? EmulatedServer.Answering(200, "application/json", """{"timeSeries":[],"nextPageToken":"again"}""")(context)
                : Task.FromResult(false);
        var fault = await FaultAsync(Some.Source(project.Settings(), Catalogues.Load([])));
        Assert.Equal(SourceErrorCode.NotMetrics, fault.Code);
        Assert.Contains("the same page token twice", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_metric_that_is_not_told_stops_no_other()
    {
        await using var project = await Project.StartAsync(Ten.AddHours(1));
        project.Cloud.Server.Instead = context =>
            context.Request.Path.Value!.EndsWith("/timeSeries", StringComparison.Ordinal)
            && context.Request.Query["filter"].ToString().Contains(Cpu, StringComparison.Ordinal)
                ? EmulatedServer.Answering(
                    400,
                    "application/json",
                    """{"error":{"code":400,"message":"out of order","status":"INVALID_ARGUMENT"}}"""
                )(context)
                : Task.FromResult(false);
        var pages = await Some.Pages(Some.Source(project.Settings(), Catalogues.Load([])), Requested(Ten, Ten.AddMinutes(5)));
        var unread = Assert.Single(pages.SelectMany(page => page.Unread));
        Assert.Equal((Cpu, SourceErrorCode.Refused), (unread.Subject, unread.Code));
        Assert.Equal(
            8,
            pages
                .SelectMany(page => page.Observations)
                .Where(one => one.Series.Metric == Energy)
                .Select(one => one.Series.Id)
                .Distinct()
                .Count()
        );
    }

    [Fact]
    public async Task Hours_of_the_providers_own_statistic_are_those_of_the_samples()
    {
        await using var project = await Project.StartAsync(Ten.AddHours(5));
        var source = Some.Source(project.Settings(), Catalogues.Load([]));
        var (observations, _) = await Some.Read(source, Requested(Ten.AddHours(1), Ten.AddHours(3), Ten.AddHours(5)));
        var hours = new List<CoarseStatistic>();
        await foreach (
            var hour in ((ICoarseStatistics)source).CoarseAsync(new Interval(Ten.AddHours(1), Ten.AddHours(3)), Ten.AddHours(5), default)
        )
            hours.Add(hour);

        // The gauge and the two counts, two hours each; counters have no statistic that does not interpolate.
        Assert.Equal(6, hours.Count);
        foreach (var hour in hours)
        {
            var samples = observations
                .Where(one => one.Series.Id == hour.Series.Id && one.Sample.Start >= hour.Hour && one.Sample.Start < hour.Hour.AddHours(1))
                .Select(one => one.Sample.Value)
                .ToList();
            Assert.Equal(60, samples.Count);
            if (hour.Sum is { } sum)
                Assert.Equal(sum, samples.Sum(), 1e-6 * sum);
            else
                Assert.Equal((60, hour.Mean!.Value), (hour.Count!.Value, samples.Average()), (a, b) =>
                    a.Item1 == b.Item1 && Math.Abs(a.Item2 - b.Item2) < 1e-9
                );
        }
    }

    [Fact]
    public async Task Credentials_that_are_refused_are_told_with_what_would_mend_it_and_without_themselves()
    {
        await using var project = await Project.StartAsync(Ten.AddHours(1));
        await using var other = await Project.StartAsync(Ten.AddHours(1));
        // The key of another account, sent to this token endpoint.
        await File.WriteAllTextAsync(project.KeyFile, project.Cloud.KeyFile.Replace(Key(project), Key(other), StringComparison.Ordinal));
        var fault = await FaultAsync(Some.Source(project.Settings(), Catalogues.Load([])));
        Assert.Equal(SourceErrorCode.Unauthorised, fault.Code);
        Assert.Contains("invalid_grant", fault.Message, StringComparison.Ordinal);
        Assert.Contains("Google:CredentialsFile", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Key(other)[30..60], fault.Message, StringComparison.Ordinal);

        await File.WriteAllTextAsync(project.KeyFile, project.Cloud.KeyFile);
        project.Cloud.Forbidden = true;
        fault = await FaultAsync(Some.Source(project.Settings(), Catalogues.Load([])));
        Assert.Equal(SourceErrorCode.Unauthorised, fault.Code);
        Assert.Contains("`monitoring.timeSeries.list`", fault.Message, StringComparison.Ordinal);
        Assert.Contains("roles/monitoring.viewer", fault.Message, StringComparison.Ordinal);

        project.Cloud.Forbidden = false;
        var settings = project.Settings();
        settings.Google!.Project = "demo-prjo";
        fault = await FaultAsync(Some.Source(settings, Catalogues.Load([])));
        Assert.Contains("Google:Project 'demo-prjo'", fault.Message, StringComparison.Ordinal);

        static string Key(Project project) =>
            JsonSerializer.Serialize(JsonDocument.Parse(project.Cloud.KeyFile).RootElement.GetProperty("private_key").GetString());
    }

    [Fact]
    public void Settings_that_cannot_be_are_said()
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, """{ "type": "service_account", "private_key": "hush" }""");
            var faults = Some.Errors(
                "gcp-monitoring",
                ("Username", "me"),
                ("Google:Project", "my project"),
                ("Google:Region", "Europe West"),
                ("Google:CredentialsFile", file),
                ("Google:Impersonate", "nobody")
            );
            foreach (
                var said in new[]
                {
                    "Username is for the providers 'exporter' and 'prometheus': set Google:CredentialsFile.",
                    "Google:Project is missing or no id",
                    "Google:Region is missing or no region",
                    "Google:Impersonate is the e-mail address",
                    $"Google:CredentialsFile '{file}' cannot be used",
                }
            )
                Assert.Contains(faults, fault => fault.Contains(said, StringComparison.Ordinal));
            Assert.DoesNotContain(faults, fault => fault.Contains("hush", StringComparison.Ordinal));
            Assert.Equal("gcp/europe-west4", new GcpMonitoringSettings { Google = new() { Region = "europe-west4" } }.OwnPlace);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task Googles_own_client_reads_the_same_from_the_emulated_project()
    {
        await using var project = await Project.StartAsync(Ten.AddHours(1));
        var question = new
        {
            address = project.Cloud.Server.Address,
            project = GcpEmulator.Project,
            credentials = JsonSerializer.Deserialize<Dictionary<string, string>>(project.Cloud.KeyFile),
            filter = $"metric.type=\"{Energy}\"",
            start = "2026-02-03T10:00:00Z",
            end = "2026-02-03T10:10:00Z",
            pageSize = 30,
        };
        var theirs = await VendorSdk.RunAsync("gcp.mjs", question);
        Assert.True(theirs.TryGetProperty("points", out var points), theirs.ToString());
        Assert.Equal(
            [Tokens, Cpu, Energy],
            theirs.GetProperty("descriptors").EnumerateArray().Select(one => one.GetProperty("type").GetString())
        );
        // Eight boards, ten minutes, thirty points a page.
        Assert.Equal((3, 80), (theirs.GetProperty("pages").GetInt32(), points.GetArrayLength()));
        var (ours, _) = await Some.Read(
            Some.Source(project.Settings(), Catalogues.Load([])),
            Requested(Ten.AddMinutes(1), Ten.AddMinutes(11), Ten.AddHours(1))
        );
        Assert.Equal(
            ours.Where(one => one.Series.Metric == Energy && one.Sample.End <= Ten.AddMinutes(10))
                .Select(one => $"{one.Series.Labels["uuid"]} {one.Sample.End:HH:mm} {one.Sample.Value:R}")
                .Order(StringComparer.Ordinal),
            points
                .EnumerateArray()
                .Select(one =>
                    $"{one.GetProperty("labels").GetProperty("uuid").GetString()} "
                    + $"{DateTimeOffset.FromUnixTimeMilliseconds(one.GetProperty("end").GetInt64()):HH:mm} "
                    + $"{one.GetProperty("value").GetDouble():R}"
                )
                .Order(StringComparer.Ordinal)
        );

        // Signed by the key of another account.
        await using var other = await Project.StartAsync(Ten.AddHours(1));
        var refused = await VendorSdk.RunAsync(
            "gcp.mjs",
            new
            {
                question.address,
                question.project,
                credentials = JsonSerializer.Deserialize<Dictionary<string, string>>(other.Cloud.KeyFile),
                question.filter,
                question.start,
                question.end,
                question.pageSize,
            }
        );
        Assert.True(refused.TryGetProperty("error", out var error), refused.ToString());
        Assert.Equal(16, error.GetInt32());
    }
}
