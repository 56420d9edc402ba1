using System.Globalization;
using System.Runtime.CompilerServices;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Emulators;
using Metrics.Emulators.Prometheus;
using Metrics.Ingestors;
using Metrics.Ingestors.Reading;
using Metrics.Storage;
using Metrics.SystemTests.Storage;
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
        await using var server = await PrometheusEmulator.StartAsync(DrillRacks.Signals(["rack-1"], Noon), Noon, new Faults { Seed = 3 }, () => DateTime.MaxValue);
        server.End = Noon.AddMinutes(10);
        var settings = new SourceSettings { Id = "rack-1", Provider = "prometheus", Endpoint = new Uri(server.Address, "rack-1/") };
        var source = Providers.All["prometheus"].Open(settings, Catalogues.Load([]), TimeProvider.System);
        var read = new List<(string, DateTime)>();
        // Every edge is an instant of some stream: each has seconds of its own, and the edges go through all of them.
        var edges = Enumerable.Range(0, 41).Select(step => Noon.AddSeconds(step * 16)).ToList();
        Assert.True(edges.Count(edge => DrillRacks.Truth(server).Keys.Any(key => key.At == edge)) > 10);
        foreach (var (from, to) in edges.Zip(edges.Skip(1)))
            await foreach (var page in source.ReadAsync(new ReadRequest(new Interval(from, to), null, Noon, Noon.AddHours(1)), default))
                read.AddRange(page.Observations.Select(seen => ($"{seen.Series.Metric}/{seen.Series.Labels["pod"]}/{seen.Series.Labels["UUID"]}", seen.Sample.Start)));

        Assert.Equal(DrillRacks.Truth(server).Keys.Select(key => (key.Stream["rack-1/".Length..], key.At)).Order(), read.Order());
    }

    [Fact]
    public async Task A_point_of_the_future_moves_no_watermark()
    {
        await using var storage = await TestStorage.MigratedAsync(null!, StorageEngine.Sqlite);
        await storage.SetClockAsync(Noon);
        await using var clocked = storage.WithSimulatedClock();
        await clocked.Log.RegisterAsync("rack", "prometheus", null, default);
        await new SourceReader(clocked.Log, Catalogues.Load([]), NullLogger<SourceReader>.Instance).ReadAsync(new SourceSettings { Id = "rack", Provider = "prometheus" }, new Seer(), default);

        Assert.Equal([UnixMicroseconds.From(Noon.AddMinutes(-1)).ToString(CultureInfo.InvariantCulture)], await storage.RowsAsync("SELECT watermark FROM source"));
        Assert.Equal(["250"], await storage.RowsAsync("SELECT value FROM samples"));
        Assert.Equal(["2"], await storage.RowsAsync("SELECT count(*) FROM rejection"));
    }

    /// <summary>Tells of now, of ten minutes and of a year ahead.</summary>
    private sealed class Seer : ITelemetrySource
    {
        public Cadence Cadence { get; } = new(TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(10), TimeSpan.FromHours(1), TimeSpan.FromHours(6));

        public async IAsyncEnumerable<Page> ReadAsync(ReadRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await Task.Yield();
            var series = new Series("rack", "prometheus", "ipmi_dcmi_power_consumption_watts", Labels.Of(("node", "a")));
            yield return new Page([new(series, Sample.At(request.Now.AddMinutes(-5), 250)), new(series, Sample.At(request.Now.AddMinutes(10), 251)), new(series, Sample.At(request.Now.AddYears(1), 252))]);
        }
    }
}
