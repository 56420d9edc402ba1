using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Metrics.Emulators;
using Metrics.Emulators.Prometheus;
using Metrics.Storage.Engine;
using Metrics.SystemTests.Drill;
using Xunit;

namespace Metrics.SystemTests.Journey;

/// <summary>A span of the past as an operator asks for it: by the command and by the API, of the service as a process, from a server on a
/// socket.</summary>
public sealed class BackfillTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>, IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("metrics-backfill-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static readonly DateTime Noon = DateTime.UtcNow.Date.AddDays(-1).AddHours(12);

    public static TheoryData<StorageEngine> Engines => [StorageEngine.Sqlite, StorageEngine.Postgres];

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task The_command_reads_the_span_shows_its_progress_and_reads_nothing_twice(StorageEngine engine)
    {
        await using var far = await FarSideAsync();
        var settings = await SettingsAsync(engine, far);
        var (code, output) = await ServiceProcess.RunAsync(Command(Noon, Noon.AddHours(4)), settings);

        Assert.True(code == 0, output);
        Assert.Contains(
            $"Reading rack-1 from {Noon:yyyy-MM-ddTHH:mm:ss}Z to {Noon.AddHours(4):yyyy-MM-ddTHH:mm:ss}Z, 4 windows, 0 done.",
            output,
            StringComparison.Ordinal
        );
        Assert.Contains("Reading: 4/4 windows  9,600 rows", output, StringComparison.Ordinal);
        // Ten streams, four samples a minute, four hours.
        Assert.Contains("Done: 9,600 observations received, 9,600 samples new or changed.", output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', output);

        (code, output) = await ServiceProcess.RunAsync(Command(Noon, Noon.AddHours(4)), settings);
        Assert.True(code == 0, output);
        Assert.Contains("Done: 9,600 observations received, 0 samples new or changed.", output, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_running_service_reads_what_the_API_is_asked_for_beside_its_live_reads(StorageEngine engine)
    {
        await using var far = await FarSideAsync();
        await using var service = await ServiceProcess.StartAsync(await SettingsAsync(engine, far));
        var asked = await service.Http.PostAsJsonAsync(
            new Uri("/api/sources/rack-1/backfill", UriKind.Relative),
            new { from = Noon, to = Noon.AddHours(3).AddMinutes(-5) }
        );
        Assert.Equal(HttpStatusCode.Accepted, asked.StatusCode);
        var answer = await asked.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal(
            (3, 0, "waiting"),
            (
                answer.GetProperty("windows").GetInt32(),
                answer.GetProperty("windowsDone").GetInt32(),
                answer.GetProperty("state").GetString()
            )
        );

        var done = await service.RowsAsync("Backfills", rows => rows is [var row] && row.GetProperty("State").GetString() == "done");
        Assert.Equal((7_200, 7_200), (done[0].GetProperty("Received").GetInt64(), done[0].GetProperty("Written").GetInt64()));
        var row = JsonDocument.Parse(await service.Http.GetStringAsync(asked.Headers.Location)).RootElement;
        Assert.Equal(3, row.GetProperty("WindowsDone").GetInt32());
        var source = Assert.Single(await service.RowsAsync("Sources"));
        Assert.Equal(JsonValueKind.Null, source.GetProperty("BackfillKind").ValueKind);
        // The live read went on: its watermark is of this minute, whatever was read of yesterday.
        Assert.True(source.GetProperty("Watermark").GetDateTimeOffset() > DateTimeOffset.UtcNow.AddMinutes(-3), source.ToString());

        // While a service has the file, the command looks on at it.
        if (engine == StorageEngine.Sqlite)
        {
            var (code, output) = await ServiceProcess.RunAsync(Command(Noon.AddHours(-2), Noon), await SettingsAsync(engine, far));
            Assert.True(code == 0, output);
            Assert.Contains("A service reads into this database and does the work; this only shows it.", output, StringComparison.Ordinal);
            Assert.Contains("2/2 windows", output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task What_cannot_be_asked_for_is_said()
    {
        await using var far = await FarSideAsync();
        await using var service = await ServiceProcess.StartAsync(Source(far));
        foreach (
            var (body, said) in new[]
            {
                ("""{ "from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z" }""", "is not before 'to'"),
                ("""{ "from": "2026-01-02T00:00:00Z", "to": "2199-01-01T00:00:00Z" }""", "lies in the future"),
                ("""{ "from": "1999-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z" }""", "before the year 2000"),
                ("""{ "from": "2026-01-02T00:00:00Z" }""", "'from' or 'to' is missing"),
                ("""{ "from": "yesterday", "to": "today" }""", "The body cannot be read"),
                ("""{ "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z", "step": 1 }""", "The body cannot be read"),
                ("[]", "The body cannot be read"),
            }
        )
        {
            using var answer = await AskAsync("rack-1", body);
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
            Assert.Contains(
                said,
                (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("detail").GetString(),
                StringComparison.Ordinal
            );
        }
        Assert.Empty(await service.RowsAsync("Backfills"));
        using var unknown = await AskAsync("rack-9", "{}");
        Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);

        Task<HttpResponseMessage> AskAsync(string source, string body) =>
            service.Http.PostAsync(
                new Uri($"/api/sources/{source}/backfill", UriKind.Relative),
                new StringContent(body, System.Text.Encoding.UTF8, "application/json")
            );
    }

    [Fact]
    public async Task Every_fault_of_the_command_is_said_at_once()
    {
        var (code, output) = await ServiceProcess.RunAsync(["backfill", "--from", "yesterdy"]);
        Assert.Equal(2, code);
        Assert.Contains("--from 'yesterdy' is not a time. Nearest is 'yesterday'.", output, StringComparison.Ordinal);
        Assert.Contains("The source is missing.", output, StringComparison.Ordinal);
        Assert.Contains("--to is missing.", output, StringComparison.Ordinal);
        Assert.Contains("Usage: metrics backfill SOURCE", output, StringComparison.Ordinal);

        (code, output) = await ServiceProcess.RunAsync(
            Command(Noon, Noon.AddHours(1)),
            ("Metrics__Sources__box__Provider", "exporter"),
            ("Metrics__Sources__box__Endpoint", "http://127.0.0.1:1/metrics")
        );
        Assert.Equal(2, code);
        Assert.Contains("There is no source 'rack-1'. Sources are: box.", output, StringComparison.Ordinal);

        (code, output) = await ServiceProcess.RunAsync(
            ["backfill", "box", .. Command(Noon, Noon.AddHours(1))[2..]],
            ("Metrics__Sources__box__Provider", "exporter"),
            ("Metrics__Sources__box__Endpoint", "http://127.0.0.1:1/metrics")
        );
        Assert.Equal(2, code);
        Assert.Contains("has no past that can be read", output, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_service_that_is_told_to_stop_while_a_source_answers_slowly_ends_soon_and_leaves_nothing_half_written(
        StorageEngine engine
    )
    {
        await using var far = await FarSideAsync();
        var asked = new TaskCompletionSource();
        far.AtPage = async (_, context) =>
        {
            asked.TrySetResult();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
            return true;
        };
        await using var service = await ServiceProcess.StartAsync([
            .. await SettingsAsync(engine, far),
            ("Metrics__Sources__rack-1__Timeout", "00:30:00"),
        ]);
        await asked.Task.WaitAsync(ServiceProcess.Patience);

        // The source never answers and may take half an hour: who waited for it would not end while the test waits.
        Assert.Equal(0, await service.StopAsync());
    }

    [Fact]
    public async Task A_recurring_read_that_was_lost_is_missed_by_the_watchdog_and_comes_back()
    {
        await using var far = await FarSideAsync();
        var settings = await SettingsAsync(StorageEngine.Postgres, far);
        var database = settings.Single(setting => setting.Item1 == "Metrics__Storage__ConnectionString").Item2;
        await using var service = await ServiceProcess.StartAsync(settings);
        await service.RowsAsync("Sources", rows => rows is [var row] && row.GetProperty("Watermark").ValueKind != JsonValueKind.Null);

        await ExecuteAsync(
            database,
            "DELETE FROM hangfire.set WHERE key = 'recurring-jobs' AND value = 'read:rack-1'; DELETE FROM hangfire.hash WHERE key "
                + "= 'recurring-job:read:rack-1'"
        );
        // Behind, told, and read without the scheduler; then current again, with the job back.
        var events = await service.RowsAsync("Events?$orderby=Id", rows => rows.Count >= 2);
        Assert.Equal(["source.stale", "source.recovered"], events.Take(2).Select(row => row.GetProperty("Type").GetString()));
        Assert.Equal(
            1L,
            await ExecuteAsync(database, "SELECT count(*) FROM hangfire.set WHERE key = 'recurring-jobs' AND value = 'read:rack-1'")
        );
        var told = await service.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative));
        Assert.Contains("metrics_source_lag_seconds{source=\"rack-1\"}", told, StringComparison.Ordinal);
        Assert.Contains("metrics_source_stale{source=\"rack-1\"}", told, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Three_workers_share_a_source_and_read_it_as_often_as_one_would()
    {
        await using var far = await FarSideAsync();
        var settings = await SettingsAsync(StorageEngine.Postgres, far);
        var first = await ServiceProcess.StartAsync(settings);
        await using var second = await ServiceProcess.StartAsync(settings);
        await using var third = await ServiceProcess.StartAsync(settings);
        await Task.Delay(TimeSpan.FromSeconds(10));
        await first.StopAsync();
        await first.DisposeAsync();

        var runs = await second.RowsAsync("Runs?$filter=Kind eq 'read'&$orderby=StartedAt");
        Assert.NotEmpty(runs);
        Assert.All(runs.Where(run => run.GetProperty("State").GetString() != "reading"), run =>
            Assert.Equal("whole", run.GetProperty("State").GetString())
        );
        // No two reads at the same time, whoever made them.
        for (var i = 1; i < runs.Count; i++)
            Assert.True(
                runs[i].GetProperty("StartedAt").GetDateTimeOffset() >= runs[i - 1].GetProperty("EndedAt").GetDateTimeOffset(),
                $"{runs[i - 1]} {runs[i]}"
            );
    }

    private static string[] Command(DateTime from, DateTime to) =>
        [
            "backfill",
            "rack-1",
            "--from",
            from.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
            "--to",
            to.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
        ];

    private static Task<PrometheusEmulator> FarSideAsync() =>
        PrometheusEmulator.StartAsync(DrillRacks.Signals(["rack-1"], Noon.AddDays(-2)), Noon.AddDays(-2), Faults.None, () =>
            DateTime.UtcNow
        );

    private static (string, string)[] Source(PrometheusEmulator far) =>
        [
            ("Metrics__Sources__rack-1__Provider", "prometheus"),
            ("Metrics__Sources__rack-1__Endpoint", $"{far.Address}rack-1"),
            ("Metrics__Sources__rack-1__Every", "00:00:02"),
            ("Metrics__Sources__rack-1__Settle", "00:00:01"),
            ("Metrics__Sources__rack-1__Lookback", "00:05:00"),
        ];

    private async Task<(string, string)[]> SettingsAsync(StorageEngine engine, PrometheusEmulator far)
    {
        if (engine == StorageEngine.Sqlite)
            return [.. Source(far), ("Metrics__Storage__ConnectionString", $"Data Source={folder}/metrics.db")];
        (string, string)[] storage =
        [
            ("Metrics__Storage__Engine", "Postgres"),
            ("Metrics__Storage__ConnectionString", await cluster.CreateDatabaseAsync()),
        ];
        var (code, output) = await ServiceProcess.RunAsync(["migrate"], storage);
        Assert.True(code == 0, output);
        return [.. Source(far), .. storage];
    }

    private static async Task<object?> ExecuteAsync(string database, string sql)
    {
        await using var connection = new Npgsql.NpgsqlConnection(database);
        await connection.OpenAsync();
        await using var command = new Npgsql.NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
