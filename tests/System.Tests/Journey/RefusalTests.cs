using System.Net;
using System.Text.RegularExpressions;
using Metrics.Api.Settings;
using Microsoft.Extensions.Configuration;
using Xunit;

namespace Metrics.SystemTests.Journey;

/// <summary>What cannot be used is refused at the start, with everything that is wrong; what fails later fails alone.</summary>
public sealed class RefusalTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>
{
    [Fact]
    public async Task A_wrong_configuration_stops_the_start_with_every_fault()
    {
        (string, string)[] wrong =
        [
            ("Metrics__Grain", "00:07:00"),
            ("Metrics__Roles__0", "reader"),
            ("Metrics__Sources__a__Provider", "promethius"),
            ("Metrics__Sources__b__Provider", "prometheus"),
            ("Metrics__Sources__b__Place", "nowhere"),
            ("Metrics__Places__lab__Pue", "0.9"),
            ("Metrics__Workloads__w__Match__0__Source", "c"),
        ];

        // A key that nobody reads is told first: the rest may be a consequence of it.
        var (code, output) = await ServiceProcess.RunAsync([], [("Metrics__Storage__Engin", "Sqlite"), .. wrong]);
        Assert.Equal(2, code);
        Assert.Contains(
            "Metrics:Storage:Engin: unknown key; known here are ConnectionString, Engine. Did you mean 'Engine'?",
            output,
            StringComparison.Ordinal
        );

        (code, output) = await ServiceProcess.RunAsync([], wrong);
        Assert.Equal(2, code);
        Assert.Contains("Metrics:Grain: 00:07:00 does not divide an hour", output, StringComparison.Ordinal);
        Assert.Contains("Metrics:Roles: 'reader' is not a role", output, StringComparison.Ordinal);
        Assert.Contains(
            "Metrics:Sources:a:Provider: 'promethius' is not a provider; there are 'aws-cloudwatch', 'azure-monitor', 'exporter', "
                + "'file', 'gcp-monitoring', 'prometheus'.",
            output,
            StringComparison.Ordinal
        );
        Assert.Contains("Metrics:Sources:b: Endpoint is missing", output, StringComparison.Ordinal);
        Assert.Contains("Metrics:Sources:b:Place: 'nowhere' is not in Metrics:Places", output, StringComparison.Ordinal);
        Assert.Contains("Metrics:Places:lab:Pue: 0.9 cannot be", output, StringComparison.Ordinal);
        Assert.Contains("Metrics:Workloads:w:Match:0:Source: 'c' is not in Metrics:Sources.", output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unreadable_mapping_file_stops_the_start()
    {
        var (code, output) = await ServiceProcess.RunAsync([], ("Metrics__Catalogues__0", "/nowhere/own.metrics.json"));
        Assert.Equal(2, code);
        Assert.Contains("/nowhere/own.metrics.json", output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unmigrated_shared_database_stops_the_start_and_says_what_to_run()
    {
        var (code, output) = await ServiceProcess.RunAsync(
            [],
            ("Metrics__Storage__Engine", "Postgres"),
            ("Metrics__Storage__ConnectionString", await cluster.CreateDatabaseAsync())
        );
        Assert.Equal(2, code);
        Assert.Contains("migrate", output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unreachable_database_stops_the_start_without_telling_its_password()
    {
        var (code, output) = await ServiceProcess.RunAsync(
            [],
            ("Metrics__Storage__Engine", "Postgres"),
            (
                "Metrics__Storage__ConnectionString",
                $"Host=127.0.0.1;Port={PostgresCluster.FreePort()};Username=u;Password=planted-secret;Database=d"
            )
        );
        // Not the configuration but the world: started again, it may do.
        Assert.Equal(1, code);
        Assert.DoesNotContain("planted-secret", output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Sqlite", "Data Sorce=planted-secret.db", "Metrics:Storage:ConnectionString: cannot be read")]
    [InlineData("Sqlite", "", "Metrics:Storage:ConnectionString: names no Data Source")]
    [InlineData(
        "Postgres",
        "Data Source=metrics.db",
        "Metrics:Storage:ConnectionString: cannot be read at 'data source'; Postgres wants for instance Host="
    )]
    [InlineData("Postgres", "Host=db;Port=planted-secret", "Metrics:Storage:ConnectionString: cannot be read")]
    [InlineData("7", "Data Source=metrics.db", "Metrics:Storage:Engine: '7' is not a value of Sqlite, Postgres.")]
    public void A_connection_string_that_cannot_be_used_is_a_fault_of_the_settings(string engine, string connection, string expected)
    {
        var section = new ConfigurationBuilder()
            .AddInMemoryCollection([new("Metrics:Storage:Engine", engine), new("Metrics:Storage:ConnectionString", connection)])
            .Build()
            .GetSection("Metrics");
        var exception = Assert.Single(Assert.Throws<SettingsException>(() => MetricsSettings.Read(section)).Errors);
        Assert.StartsWith(expected, exception, StringComparison.Ordinal);
        Assert.DoesNotContain("planted-secret", exception, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_broken_settings_file_stops_the_start()
    {
        var (code, output) = await ServiceProcess.RunWithAsync("""{ "Metrics": { """, []);
        Assert.Equal(2, code);
        Assert.Contains("appsettings.json", output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_in_use_stops_the_start_in_one_line()
    {
        using var taken = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        // The address as an argument of its own, as people write it, and no command.
        var (code, output) = await ServiceProcess.RunAsync(["--urls", $"http://127.0.0.1:{((IPEndPoint)taken.LocalEndpoint).Port}"]);
        Assert.Equal(2, code);
        Assert.Contains("address already in use", output, StringComparison.Ordinal);
        Assert.Single(output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("http://localhost:99999")]
    public async Task An_address_that_cannot_be_listened_on_stops_the_start(string address)
    {
        var (code, output) = await ServiceProcess.RunAsync([$"--urls={address}"]);
        Assert.Equal(2, code);
        Assert.StartsWith("The address to listen on cannot be used", output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_no_database_stops_the_start_in_one_line()
    {
        var (code, output) = await ServiceProcess.RunAsync([], ("Metrics__Storage__ConnectionString", "Data Source=/nowhere/metrics.db"));
        Assert.Equal(1, code);
        Assert.Equal(
            "The SQLite database '/nowhere/metrics.db' cannot be opened. Check that the folder exists and that this user may write there.",
            output.Trim()
        );
    }

    [Fact]
    public async Task A_source_that_fails_is_told_and_stops_no_other()
    {
        await using var service = await ServiceProcess.StartAsync(
            ("Metrics__Places__lab__Pue", "1.1"),
            ("Metrics__Sources__dead__Provider", "prometheus"),
            ("Metrics__Sources__dead__Endpoint", $"http://127.0.0.1:{PostgresCluster.FreePort()}"),
            ("Metrics__Sources__dead__Every", "00:00:02"),
            ("Metrics__Sources__own__Provider", "exporter"),
            ("Metrics__Sources__own__Every", "00:00:02"),
            ("Metrics__Sources__own__Place", "lab"),
            ("Metrics__Workloads__own__Match__0__Source", "own")
        );
        await service.RowsAsync("HourlyIntensities?$filter=Workload eq 'own' and JoulesPerUnit ne null", rows => rows.Count > 0);
        var dead = Assert.Single(await service.RowsAsync("Sources?$filter=Failures gt 0", rows => rows.Count > 0));
        Assert.Equal("dead", dead.GetProperty("Id").GetString());
        Assert.Equal("unreachable", dead.GetProperty("LastErrorCode").GetString());
        Assert.Equal(System.Text.Json.JsonValueKind.Null, dead.GetProperty("Watermark").ValueKind);
        // Every try is kept, and only the first is said aloud.
        await service.RowsAsync("Runs?$filter=Source eq 'dead' and State eq 'failed'", rows => rows.Count >= 3);
        Assert.Equal(1, Regex.Count(service.Output, "Source dead could not be read"));
    }

    [Fact]
    public async Task A_source_that_answers_again_is_told_once()
    {
        var folder = Directory.CreateTempSubdirectory("metrics-inbox-").FullName;
        try
        {
            await using var service = await ServiceProcess.StartAsync(
                ("Metrics__Sources__inbox__Provider", "file"),
                ("Metrics__Sources__inbox__Path", $"{folder}/rows.ndjson"),
                ("Metrics__Sources__inbox__Every", "00:00:01")
            );
            await service.RowsAsync("Runs?$filter=State eq 'failed'", rows => rows.Count > 1);
            await File.WriteAllTextAsync($"{folder}/rows.ndjson", "");
            await service.RowsAsync("Runs?$filter=State eq 'whole'", rows => rows.Count > 1);
            Assert.Equal(1, Regex.Count(service.Output, "Source inbox could not be read"));
            Assert.Equal(1, Regex.Count(service.Output, "Source inbox is read again"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_second_worker_on_one_SQLite_file_is_refused_and_the_first_goes_on()
    {
        var folder = Directory.CreateTempSubdirectory("metrics-shared-").FullName;
        try
        {
            (string, string)[] storage = [("Metrics__Storage__ConnectionString", $"Data Source={folder}/metrics.db")];
            await using (var first = await ServiceProcess.StartAsync(storage))
            {
                var (code, output) = await ServiceProcess.RunAsync(
                    [],
                    [.. storage, ("ASPNETCORE_URLS", $"http://127.0.0.1:{PostgresCluster.FreePort()}")]
                );
                Assert.Equal(2, code);
                Assert.Equal(
                    $"Another process reads sources into the SQLite database '{folder}/metrics.db', and only one may. Stop it, "
                        + "name another file (Metrics:Storage:ConnectionString), or use PostgreSQL.",
                    output.Trim()
                );
                // Killed, as by a power cut: what it held is free again.
            }
            await using var second = await ServiceProcess.StartAsync(storage);
            Assert.NotEmpty(await second.RowsAsync("Sources?$filter=Id eq 'sample'"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task When_the_database_goes_the_service_says_so_and_comes_back_with_it()
    {
        await using var own = new OwnCluster();
        var database = await own.Cluster.CreateDatabaseAsync();
        (string, string)[] storage = [("Metrics__Storage__Engine", "Postgres"), ("Metrics__Storage__ConnectionString", database)];
        var (code, output) = await ServiceProcess.RunAsync(["migrate"], storage);
        Assert.True(code == 0, output);
        await using var service = await ServiceProcess.StartAsync([
            .. storage,
            ("Metrics__Places__lab__Pue", "1.1"),
            ("Metrics__Sources__own__Provider", "exporter"),
            ("Metrics__Sources__own__Every", "00:00:02"),
            ("Metrics__Sources__own__Place", "lab"),
            ("Metrics__Workloads__own__Match__0__Source", "own"),
        ]);
        await service.RowsAsync("Runs?$filter=State eq 'whole'", rows => rows.Count > 0);

        await own.Cluster.StopAsync();
        await service.WaitUntilAsync("/health/ready", answer => answer.StatusCode == HttpStatusCode.ServiceUnavailable);
        await service.WaitUntilAsync("/odata/Sources", answer =>
            answer.StatusCode == HttpStatusCode.ServiceUnavailable && answer.Headers.RetryAfter is not null
        );
        await service.WaitUntilAsync("/health/live", answer => answer.StatusCode == HttpStatusCode.OK);

        await own.Cluster.StartAsync();
        var back = DateTime.UtcNow;
        await service.WaitUntilAsync("/health/ready", answer => answer.StatusCode == HttpStatusCode.OK);
        await service.RowsAsync("Sources", rows => rows[0].GetProperty("LastReadAt").GetDateTime().ToUniversalTime() > back);
    }

    private sealed class OwnCluster : IAsyncDisposable
    {
        public PostgresCluster Cluster { get; } = Started();

        public async ValueTask DisposeAsync() => await Cluster.DisposeAsync();

        private static PostgresCluster Started()
        {
            var cluster = new PostgresCluster { AlwaysPrivate = true };
            cluster.InitializeAsync().GetAwaiter().GetResult();
            return cluster;
        }
    }
}
