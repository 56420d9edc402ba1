using System.Globalization;
using Metrics.Emulators;
using Metrics.Emulators.Prometheus;
using Metrics.Ingestors.Pipeline;
using Metrics.Ingestors.Providers;
using Metrics.Ingestors.Providers.Prometheus;
using Metrics.Storage.Engine;
using Metrics.SystemTests.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Xunit;
using Xunit.Abstractions;

namespace Metrics.SystemTests.Drill;

/// <summary>One read in which the n-th thing fails, for each n until none is left to fail: nothing is half-written, and the next read makes
/// it whole.</summary>
public sealed class NthFaultTests(PostgresCluster cluster, ITestOutputHelper output) : IClassFixture<PostgresCluster>
{
    private static readonly DateTime Noon = new(2026, 1, 15, 12, 0, 0, DateTimeKind.Utc);

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task The_nth_query_of_the_server_fails(StorageEngine engine)
    {
        await using var server = await ServerAsync();
        for (var n = 1; ; n++)
        {
            await using var storage = await StorageAsync(engine);
            server.CountPagesAgain();
            var failed = false;
            server.AtPage = (page, context) =>
            {
                if (page != n)
                    return Task.FromResult(false);
                failed = true;
                context.Abort();
                return Task.FromResult(true);
            };
            await ReadAsync(storage.ConnectionString, engine, server);
            server.AtPage = null;
            if (!failed)
            {
                output.WriteLine($"{engine}: {n - 1} queries failed in turn.");
                Assert.True(n > 3, $"Only {n - 1} queries.");
                await AssertWholeAsync(storage, server);
                return;
            }
            Assert.Equal(["∅"], await storage.RowsAsync("SELECT watermark FROM source"));
            await RetriedAsync(storage, server);
        }
    }

    [Theory]
    [InlineData(false, null)]
    [InlineData(true, null)]
    [InlineData(true, "COMMIT")]
    public async Task The_connection_to_PostgreSQL_is_cut_at_the_nth_command(bool delivered, string? counted)
    {
        await using var server = await ServerAsync();
        var cuts = 0;
        for (var n = 1; ; n++)
        {
            await using var storage = await StorageAsync(StorageEngine.Postgres);
            var direct = new NpgsqlConnectionStringBuilder(storage.ConnectionString);
            await using var proxy = new CuttingProxy(direct.Port, n, delivered, counted);
            var through = new NpgsqlConnectionStringBuilder(storage.ConnectionString)
            {
                Host = "127.0.0.1",
                Port = proxy.Port,
                SslMode = SslMode.Disable,
                GssEncryptionMode = GssEncryptionMode.Disable,
                Timeout = 5,
            };
            try
            {
                await ReadAsync(through.ConnectionString, StorageEngine.Postgres, server);
            }
            catch (StorageException)
            {
                // As a tick of the service ends when its database is gone.
            }
            if (!proxy.HasCut)
            {
                output.WriteLine($"Delivered {delivered}, {counted ?? "any command"}: {cuts} cuts in turn.");
                Assert.True(cuts >= (counted is null ? 8 : 2), $"Only {cuts} cuts.");
                await AssertWholeAsync(storage, server);
                return;
            }
            cuts++;
            // All of the commit or nothing of it: the watermark and the samples stand or fall together.
            var rows = int.Parse((await storage.RowsAsync("SELECT count(*) FROM samples"))[0], CultureInfo.InvariantCulture);
            var moved = await storage.RowsAsync("SELECT CASE WHEN watermark IS NULL THEN 0 ELSE 1 END FROM source") is ["1"];
            Assert.Equal(moved ? DrillRacks.Truth(server).Count : 0, rows);
            await RetriedAsync(storage, server);
        }
    }

    private static Task<PrometheusEmulator> ServerAsync() =>
        ServedAsync(
            PrometheusEmulator.StartAsync(
                DrillRacks.Signals(["rack-1"], Noon.AddMinutes(-30)),
                Noon.AddMinutes(-30),
                new Faults { Seed = 7 },
                () => DateTime.MaxValue,
                claimed: 1000
            )
        );

    private static async Task<PrometheusEmulator> ServedAsync(Task<PrometheusEmulator> starting)
    {
        var server = await starting;
        server.End = Noon.AddMinutes(20);
        return server;
    }

    private async Task<TestStorage> StorageAsync(StorageEngine engine)
    {
        var storage = await TestStorage.MigratedAsync(cluster, engine);
        await storage.SetClockAsync(Noon);
        await using var clocked = storage.WithSimulatedClock();
        await clocked.Log.RegisterAsync("rack-1", "prometheus", null, default);
        await storage.SetClockAsync(Noon.AddMinutes(25));
        return storage;
    }

    private static async Task ReadAsync(string connectionString, StorageEngine engine, PrometheusEmulator server)
    {
        // A pool of its own, whose connections are those of one process.
        await using var storage = TestStorage.Of(engine, connectionString);
        await using var clocked = storage.WithSimulatedClock();
        var settings = new PrometheusSettings
        {
            Id = "rack-1",
            Provider = "prometheus",
            Endpoint = new Uri(server.Address, "rack-1/"),
            Lookback = TimeSpan.FromMinutes(35),
        };
        var catalogue = Catalogues.Load([]);
        await new SourceReader(clocked.Log, catalogue, NullLogger<SourceReader>.Instance).ReadAsync(
            settings,
            KnownProviders.All["prometheus"].Open(settings, catalogue, TimeProvider.System),
            default
        );
    }

    private static async Task RetriedAsync(TestStorage storage, PrometheusEmulator server)
    {
        // Past the lease and the pause after a failure.
        await storage.SetClockAsync(Noon.AddMinutes(45));
        await ReadAsync(storage.ConnectionString, storage.Engine, server);
        await AssertWholeAsync(storage, server);
    }

    private static async Task AssertWholeAsync(TestStorage storage, PrometheusEmulator server)
    {
        var found = Differences.Between(await ExactnessDrill.SamplesAsync(storage.RowsAsync), DrillRacks.Truth(server));
        Assert.True(found is { None: true, Rows: > 1000 }, found.ToString());
        Assert.Equal(["1"], await storage.RowsAsync("SELECT count(*) FROM source WHERE watermark IS NOT NULL AND lease_owner IS NULL"));
        Assert.Equal(["0"], await storage.RowsAsync("SELECT count(*) FROM run WHERE ended_at IS NULL"));
    }
}
