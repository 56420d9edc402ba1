using System.Globalization;
using System.Runtime.CompilerServices;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Emulators;
using Metrics.Emulators.Prometheus;
using Metrics.Ingestors.Pipeline;
using Metrics.Ingestors.Providers;
using Metrics.Ingestors.Providers.Prometheus;
using Metrics.Storage.Engine;
using Metrics.Storage.Schema;
using Metrics.SystemTests.Storage;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Metrics.SystemTests.Drill;

/// <summary>What lies exactly on an edge, and what lies in the future.</summary>
public sealed class WindowEdgeTests
{
    private static readonly DateTime Noon = new(2026, 1, 15, 12, 0, 0, DateTimeKind.Utc);

    [Fact]
    public async Task An_instant_on_an_edge_is_read_once_by_windows_that_tile()
    {
        await using var server = await PrometheusEmulator.StartAsync(
            DrillRacks.Signals(["rack-1"], Noon),
            Noon,
            new Faults { Seed = 3 },
            () => DateTime.MaxValue
        );
        server.End = Noon.AddMinutes(10);
        var settings = new PrometheusSettings
        {
            Id = "rack-1",
            Provider = "prometheus",
            Endpoint = new Uri(server.Address, "rack-1/"),
        };
        var source = KnownProviders.All["prometheus"].Open(settings, Catalogues.Load([]), TimeProvider.System);
        var read = new List<(string, DateTime)>();
        // Every edge is an instant of some stream: each has seconds of its own, and the edges go through all of them.
        var edges = Enumerable.Range(0, 41).Select(step => Noon.AddSeconds(step * 16)).ToList();
        Assert.True(edges.Count(edge => DrillRacks.Truth(server).Keys.Any(key => key.At == edge)) > 10);
        foreach (var (from, to) in edges.Zip(edges.Skip(1)))
        await foreach (var page in source.ReadAsync(new ReadRequest(new Interval(from, to), null, Noon, Noon.AddHours(1)), default))
            read.AddRange(
                page.Observations.Select(seen =>
                    ($"{seen.Series.Metric}/{seen.Series.Labels["pod"]}/{seen.Series.Labels["UUID"]}", seen.Sample.Start)
                )
            );

        Assert.Equal(DrillRacks.Truth(server).Keys.Select(key => (key.Stream["rack-1/".Length..], key.At)).Order(), read.Order());
    }

    [Fact]
    public async Task A_point_of_the_future_moves_no_watermark()
    {
        await using var storage = await TestStorage.MigratedAsync(null!, StorageEngine.Sqlite);
        await storage.SetClockAsync(Noon);
        await using var clocked = storage.WithSimulatedClock();
        await clocked.Log.RegisterAsync("rack", "prometheus", null, default);
        await new SourceReader(clocked.Log, Catalogues.Load([]), NullLogger<SourceReader>.Instance).ReadAsync(
            new PrometheusSettings { Id = "rack", Provider = "prometheus" },
            new Seer(),
            default
        );

        Assert.Equal(
            [UnixMicroseconds.From(Noon.AddMinutes(-1)).ToString(CultureInfo.InvariantCulture)],
            await storage.RowsAsync("SELECT watermark FROM source")
        );
        Assert.Equal(["250"], await storage.RowsAsync("SELECT value FROM samples"));
        Assert.Equal(["2"], await storage.RowsAsync("SELECT count(*) FROM rejection"));
    }

    [Theory]
    [InlineData(-11, false)]
    [InlineData(11, false)]
    [InlineData(-5, true)]
    [InlineData(0, true)]
    public async Task A_window_that_the_clocks_do_not_agree_about_is_stored_and_not_taken_for_read(int minutesAhead, bool goesOn)
    {
        await using var storage = await TestStorage.MigratedAsync(null!, StorageEngine.Sqlite);
        await storage.SetClockAsync(Noon);
        await using var clocked = storage.WithSimulatedClock();
        await clocked.Log.RegisterAsync("rack-1", "prometheus", null, default);
        await using var server = await PrometheusEmulator.StartAsync(
            DrillRacks.Signals(["rack-1"], Noon.AddMinutes(-30)),
            Noon.AddMinutes(-30),
            new Faults { Seed = 3 },
            () => Noon.AddMinutes(minutesAhead)
        );
        server.End = Noon.AddMinutes(20);
        var settings = new PrometheusSettings
        {
            Id = "rack-1",
            Provider = "prometheus",
            Endpoint = new Uri(server.Address, "rack-1/"),
            Lookback = TimeSpan.FromMinutes(30),
        };
        var catalogue = Catalogues.Load([]);
        var log = new Told();

        await new SourceReader(clocked.Log, catalogue, log).ReadAsync(
            settings,
            KnownProviders.All["prometheus"].Open(settings, catalogue, TimeProvider.System),
            default
        );

        Assert.NotEqual(["0"], await storage.RowsAsync("SELECT count(*) FROM samples"));
        Assert.Equal([goesOn ? "1" : "0"], await storage.RowsAsync("SELECT count(*) FROM source WHERE watermark IS NOT NULL"));
        var direction = minutesAhead > 0 ? "ahead of" : "behind";
        if (!goesOn)
            Assert.Contains(
                $"its clock is 11 minutes {direction} the database's",
                Assert.Single(await storage.RowsAsync("SELECT last_error FROM source")),
                StringComparison.Ordinal
            );
        Assert.Equal(
            minutesAhead == -5 ? 1 : 0,
            log.Lines.Count(line => line.Contains("its clock is 5 minutes behind", StringComparison.Ordinal))
        );
    }

    private sealed class Told : ILogger<SourceReader>
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        ) => Lines.Add(formatter(state, exception));
    }

    /// <summary>Tells of now, of ten minutes and of a year ahead.</summary>
    private sealed class Seer : ITelemetrySource
    {
        public Cadence Cadence { get; } =
            new(TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(10), TimeSpan.FromHours(1), TimeSpan.FromHours(6));

        public async IAsyncEnumerable<Page> ReadAsync(ReadRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await Task.Yield();
            var series = new Series("rack", "prometheus", "ipmi_dcmi_power_consumption_watts", Labels.Of(("node", "a")));
            yield return new Page([
                new(series, Sample.At(request.Now.AddMinutes(-5), 250)),
                new(series, Sample.At(request.Now.AddMinutes(10), 251)),
                new(series, Sample.At(request.Now.AddYears(1), 252)),
            ]);
        }
    }
}
