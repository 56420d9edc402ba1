using System.Diagnostics;
using System.Runtime.CompilerServices;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Ingestors.Pipeline;
using Metrics.Ingestors.Providers;
using Metrics.Storage.Engine;
using Metrics.Storage.Facts;
using Metrics.Storage.Reading;
using Metrics.Storage.Schema;
using Metrics.SystemTests;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Metrics.Benchmarks;

/// <summary>
/// A day of a hall of a thousand boards, a sample a minute: cover, attribute and account with hosts modelled,
/// factors and bounds, first in memory on one core, then from PostgreSQL and back.
/// </summary>
public static class Recompute
{
    private const int Nodes = 125;
    private const int Boards = 8 * Nodes;
    private const int Minutes = 24 * 60;
    private const string Type = "p5.48xlarge";

    private static readonly Place Place = new("aws/us-east-1", "US", null);

    private static readonly Workload[] Workloads =
    [
        .. Enumerable
            .Range(0, 20)
            .Select(number => new Workload(
                $"model-{number:00}",
                $"example/model-{number:00}",
                "fp8",
                [new(Rack.Source, new Dictionary<string, string> { ["pod"] = $"model-{number:00}-*" })]
            )),
    ];

    public static async Task RunAsync()
    {
        var catalogue = Catalogues.Load([]);
        var places = new Dictionary<string, Place> { [Rack.Source] = Place };
        var hardware = new Dictionary<string, string> { [Rack.Source] = Type };
        var normaliser = new Normaliser(catalogue, Workloads, places, TimeSpan.FromMinutes(5), FactorBook.Published, hardware);

        var hall = Hall();
        var samples = hall.Select(series => new SeriesSamples(
                series,
                Enumerable.Range(0, Minutes).Select(minute => At(series, minute)).ToArray()
            ))
            .ToArray();
        var observations = (long)samples.Length * Minutes;
        var hours = Enumerable
            .Range(0, 24)
            .Select(hour => new Interval(Rack.Start.AddHours(hour), Rack.Start.AddHours(hour + 1)))
            .ToArray();
        var around = hours
            .Select(hour => samples.Select(series => series.Between(hour.Start - Limits.Reach, hour.End + Limits.Reach)).ToArray())
            .ToArray();

        var rate = Figures.Middle(5, () =>
        {
            var clock = Stopwatch.StartNew();
            long facts = 0;
            for (var hour = 0; hour < hours.Length; hour++)
                facts += normaliser.Normalise(hours[hour], around[hour]).Energy.Count;
            // Every board has a row in each period, and every host one for each of the workloads on it, but for the first minute of the
            // day.
            if (facts < Boards * 288)
                throw new InvalidOperationException($"{facts} facts came of a day: the figure would mean nothing.");
            return observations / clock.Elapsed.TotalSeconds;
        });
        Figures.AtLeast("covered, attributed and accounted, one core", rate, 600_000, "observations/s");
        var theirs = await Peer.MarginalRateAsync();
        Figures.Show("if-run, from 10,000 to 40,000", theirs, "observations/s");
        Figures.Show("ours against it", rate / theirs, "x");

        var cluster = new PostgresCluster();
        await cluster.InitializeAsync();
        try
        {
            var database = await cluster.CreateDatabaseAsync();
            await using var storage = new ServiceCollection().AddMetricsStorage(StorageEngine.Postgres, database).BuildServiceProvider();
            await storage.GetRequiredService<SchemaMigrator>().MigrateAsync();
            var log = storage.GetRequiredService<ReadLog>();
            await log.RegisterAsync(Rack.Source, "prometheus", Place.Name, CancellationToken.None);
            var settings = new SourceSettings
            {
                Id = Rack.Source,
                Provider = "prometheus",
                Place = Place.Name,
            };
            var written = await new SourceReader(log, catalogue, NullLogger<SourceReader>.Instance).ReadAsync(
                settings,
                new Recorded(samples),
                CancellationToken.None
            );
            if (written != observations)
                throw new InvalidOperationException($"{written} of {observations} rows were kept: the figure would mean nothing.");

            var store = storage.GetRequiredService<FactStore>();
            var keeper = new FactRecomputer(store, normaliser);
            foreach (var name in new[] { "a day of facts made from PostgreSQL and kept there", "the same day made again, nothing changed" })
            {
                await store.MarkAllDirtyAsync(CancellationToken.None);
                var clock = Stopwatch.StartNew();
                var made = await keeper.RecomputeAsync(CancellationToken.None);
                if (made < 24)
                    throw new InvalidOperationException($"{made} of 24 hours were made: the figure would mean nothing.");
                Figures.Below(name, clock.Elapsed.TotalSeconds, 10, "s");
            }
        }
        finally
        {
            await cluster.DisposeAsync();
        }
    }

    private static Series[] Hall() =>
        [
            .. Enumerable
                .Range(0, Boards)
                .Select(board => new Series(
                    Rack.Source,
                    "prometheus",
                    "DCGM_FI_DEV_POWER_USAGE",
                    Labels.Of([
                        ("gpu", $"{board % 8}"),
                        ("UUID", $"GPU-00000000-0000-4000-8000-{board:x12}"),
                        ("modelName", "NVIDIA H100 80GB HBM3"),
                        ("hostname", $"node-{board / 8:000}"),
                        ("namespace", "inference"),
                        ("pod", $"model-{board / 3 % 20:00}-{board / 3}"),
                        ("container", "vllm"),
                    ])
                )),
        ];

    private static Sample At(Series series, int minute) =>
        Sample.At(Rack.Start.AddMinutes(minute), 430 + ((minute + (series.Id & 15)) % 17) + 0.25);

    /// <summary>The day, minute by minute, as a reader would bring it.</summary>
    private sealed class Recorded(SeriesSamples[] samples) : ITelemetrySource
    {
        public Cadence Cadence { get; } = new(TimeSpan.Zero, TimeSpan.Zero, TimeSpan.FromHours(1), TimeSpan.FromDays(1));

        public async IAsyncEnumerable<Page> ReadAsync(ReadRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            const int step = 10;
            for (var minute = 0; minute < Minutes; minute += step)
            {
                var page = new List<Observation>(samples.Length * step);
                foreach (var series in samples)
                    for (var i = minute; i < minute + step; i++)
                        page.Add(new Observation(series.Series, series.Samples.Span[i]));
                await Task.Yield();
                yield return new Page(page);
            }
        }
    }
}
