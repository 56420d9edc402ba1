using System.Globalization;
using Metrics.Api.Settings;
using Metrics.Domain.Normalisation;
using Metrics.Emulators;
using Metrics.Ingestors.Pipeline;
using Metrics.Ingestors.Providers;
using Metrics.Storage.Engine;
using Metrics.Storage.Schema;
using Metrics.SystemTests.Storage;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Metrics.SystemTests.Fleet;

/// <summary>A day of the four places, read by the product's own jobs from all emulated clouds and Prometheus servers, which throttle,
/// break, lie, come late and change their mind: in the end the totals are the truth.</summary>
public sealed class CloudDayTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>
{
    private const int Day = 24 * 60;

    private static readonly Faults Clouds = new()
    {
        Seed = 11,
        Delay = TimeSpan.FromMinutes(3),
        LateShare = 0.03,
        LateBy = TimeSpan.FromMinutes(95),
        RevisedShare = 0.05,
        RevisedAfter = TimeSpan.FromMinutes(20),
        ThrottledShare = 0.01,
        BrokenShare = 0.003,
        CutShare = 0.003,
        LyingShare = 0.01,
        PartialShare = 0.01,
    };

    // What is scraped is there or is not; it comes no later and does not change.
    private static readonly Faults Scrapes = new()
    {
        Seed = 12,
        ThrottledShare = 0.01,
        BrokenShare = 0.003,
        CutShare = 0.003,
        PartialShare = 0.01,
    };

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task A_day_with_faults_comes_to_what_is_true(StorageEngine engine)
    {
        await using var run = await Run.StartAsync(cluster, engine, Clouds, Scrapes);
        for (var minute = 0; minute <= Day; minute += 20)
            await run.TickAsync(Truth.Start.AddMinutes(minute));
        // What came late is read by the second look at the last two days, once a day.
        for (var hour = 25; hour <= 50; hour++)
            await run.TickAsync(Truth.Start.AddHours(hour));
        // What an unlucky request left open is done by one of the next.
        for (
            var more = 1;
            more <= 6 && await run.Storage.RowsAsync("SELECT COUNT(*) FROM backfill WHERE state <> 'done'") is not ["0"];
            more++
        )
            await run.TickAsync(Truth.Start.AddHours(50).AddMinutes(20 * more));

        foreach (var place in Truth.Places)
        {
            // Counters stand still before the first minute; from the second hour on nothing of that is left.
            var truth = Truth.Totals(place.Source, 60, Day);
            var (boards, server, tokens, rows) = await run.TotalsAsync(place.Name, 1, 24);
            Assert.Equal(23, rows);
            // Clouds tell whole minutes; scrapes lie fifteen seconds apart, and the two at each end are cut through.
            Near(truth.Accelerator, boards, place.Source == "rack" ? 1e-5 : 1e-9, $"{place.Name}: joules of the boards");
            Near(truth.Tokens, tokens, 1e-5, $"{place.Name}: tokens");
            if (place.Source == "rack")
                Near(truth.Facility / place.Pue, server, 1e-3, $"{place.Name}: joules of the server");
        }

        // It was no calm day, and nothing is left open.
        var states = (await run.Storage.RowsAsync("""SELECT "State", COUNT(*) FROM "Runs" GROUP BY "State" """)).ToDictionary(
            row => row.Split('|')[0],
            row => int.Parse(row.Split('|')[1], CultureInfo.InvariantCulture)
        );
        Assert.True(states.GetValueOrDefault("failed") > 5, string.Join(' ', states));
        Assert.True(states.GetValueOrDefault("partial") > 0, string.Join(' ', states));
        Assert.False(states.ContainsKey("reading"));
        Assert.Equal(["0"], await run.Storage.RowsAsync("SELECT COUNT(*) FROM quarantine WHERE failures >= 3"));
        Assert.Empty(await run.Storage.RowsAsync("SELECT source, kind, state, failures, error FROM backfill WHERE state <> 'done'"));
        Assert.Equal(["0"], await run.Storage.RowsAsync("SELECT COUNT(*) FROM dirty_hours"));
    }

    /// <summary>The negative control: the same clouds, and readers that never look twice.</summary>
    [Fact]
    public async Task The_same_day_read_once_and_never_again_does_not_come_to_what_is_true()
    {
        await using var run = await Run.StartAsync(cluster, StorageEngine.Sqlite, Clouds, Scrapes, twice: false);
        for (var minute = 0; minute <= 6 * 60; minute += 15)
            await run.TickAsync(Truth.Start.AddMinutes(minute));
        await run.TickAsync(Truth.Start.AddHours(7));
        foreach (var (place, far) in new[] { ("aws/us-east-1", "eks"), ("azure/westeurope", "azure-ml") })
        {
            var (boards, _, _, _) = await run.TotalsAsync(place, 0, 6);
            Assert.True(Math.Abs(boards / Truth.Totals(far, 0, 6 * 60).Accelerator - 1) > 1e-3, $"{place} was not told wrongly");
        }
    }

    private static void Near(double expected, double actual, double tolerance, string what) =>
        Assert.True(Math.Abs(actual / expected - 1) <= tolerance, $"{what}: {expected:R} is true and {actual:R} is told");

    /// <summary>One worker on a simulated clock, with the far sides on the same.</summary>
    private sealed class Run : IAsyncDisposable
    {
        private readonly string folder = Directory.CreateTempSubdirectory("metrics-day-").FullName;
        private readonly FakeTimeProvider clock = new(new DateTimeOffset(Truth.Start));
        private readonly SourceList sources = new();
        private EmulatedFleet fleet = null!;
        private TestStorage clocked = null!;
        private Jobs jobs = null!;

        public TestStorage Storage { get; private set; } = null!;

        public static async Task<Run> StartAsync(
            PostgresCluster cluster,
            StorageEngine engine,
            Faults clouds,
            Faults scrapes,
            bool twice = true
        )
        {
            var run = new Run();
            run.fleet = await EmulatedFleet.StartAsync(clouds, scrapes, run.clock);
            var keys = (await run.fleet.SettingsAsync(run.folder))
                .Select(pair => KeyValuePair.Create(pair.Key, (string?)pair.Value))
                .ToList();
            if (!twice)
                foreach (var source in new[] { "azure-ml", "gke" })
                    keys.Add(new($"Metrics:Sources:{source}:Overlap", "00:00:00"));
            var settings = MetricsSettings.Read(new ConfigurationBuilder().AddInMemoryCollection(keys).Build().GetSection("Metrics"));
            run.Storage = await TestStorage.MigratedAsync(cluster, engine);
            await run.Storage.SetClockAsync(Truth.Start);
            run.clocked = run.Storage.WithSimulatedClock();

            var catalogue = Catalogues.Load([]);
            foreach (var source in settings.Sources.Values)
            {
                await run.clocked.Log.RegisterAsync(source.Id, source.Provider, source.Place, default);
                var open = KnownProviders.All[source.Provider].Open(source, catalogue, TimeProvider.System);
                run.sources.Add(source, twice ? open : new Once(open));
            }
            var (log, backfills) = (run.clocked.Log, run.clocked.Backfills);
            run.jobs = new Jobs(
                run.sources,
                new SourceReader(log, catalogue, NullLogger<SourceReader>.Instance, TimeProvider.System, backfills),
                new Reconciliation(log, backfills, run.clocked.Ledger, NullLogger<Reconciliation>.Instance),
                new FactRecomputer(
                    run.clocked.Facts,
                    new Normaliser(
                        catalogue,
                        settings.ToWorkloads(),
                        settings.ToPlaces(),
                        TimeSpan.FromHours(1),
                        settings.ToFactors(),
                        settings.ToHardware()
                    )
                ),
                new RuleWatch(run.clocked.Facts, settings.ToWorkloads(), TimeProvider.System),
                new RowWatch(run.clocked.Contradictions, NullLogger<RowWatch>.Instance)
            );
            return run;
        }

        public async Task TickAsync(DateTime now)
        {
            clock.SetUtcNow(new DateTimeOffset(now));
            await Storage.SetClockAsync(now);
            foreach (var source in sources.All.ToList())
                await jobs.ReadAsync(source.Id, default);
        }

        /// <summary>Joules of boards and servers and tokens of the workload at a place over hours, and how many of them have a
        /// row.</summary>
        public async Task<(double Boards, double Server, double Tokens, int Rows)> TotalsAsync(string place, int from, int to)
        {
            string Bound(DateTime at) =>
                Storage.Engine == StorageEngine.Postgres
                    ? $"'{at:yyyy-MM-dd HH:mm:ss}+00'"
                    : UnixMicroseconds.From(at).ToString(CultureInfo.InvariantCulture);
            var rows = await Storage.RowsAsync(
                $"""
                SELECT SUM("AcceleratorJoules"), COALESCE(SUM("ServerJoules"), 0), SUM("Units"), COUNT(*) FROM "HourlyIntensities"
                WHERE "Workload" = 'chat' AND "FunctionalUnit" = 'output-token' AND "Provider" = '{place.Split('/')[
                    0
                ]}' AND "PeriodStart" >= {Bound(Truth.Start.AddHours(from))} AND "PeriodStart" < {Bound(Truth.Start.AddHours(to))}
                """
            );
            var numbers = rows[0].Split('|').Select(text => text == "∅" ? 0 : double.Parse(text, CultureInfo.InvariantCulture)).ToList();
            return (numbers[0], numbers[1], numbers[2], (int)numbers[3]);
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var settings in sources.All)
                if (sources.TryGet(settings.Id, out _, out var source))
                    (source as IDisposable)?.Dispose();
            await clocked.DisposeAsync();
            await Storage.DisposeAsync();
            await fleet.DisposeAsync();
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>A source that is read up to now and never again.</summary>
    private sealed class Once(ITelemetrySource source) : ITelemetrySource
    {
        public Cadence Cadence => source.Cadence with { Overlap = TimeSpan.Zero, Reread = TimeSpan.Zero, Settle = TimeSpan.FromMinutes(5) };

        public IAsyncEnumerable<Page> ReadAsync(ReadRequest request, CancellationToken cancellationToken) =>
            source.ReadAsync(request, cancellationToken);
    }
}
