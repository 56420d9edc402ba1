using System.Globalization;
using System.Runtime.CompilerServices;
using CsCheck;
using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Ingestors.Pipeline;
using Metrics.Ingestors.Providers;
using Metrics.Storage.Engine;
using Metrics.Storage.Schema;
using Metrics.SystemTests.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Metrics.SystemTests.Drill;

/// <summary>Against a real database: whatever befell the reads and the clock, the samples and facts are those of one read that nothing
/// befell.</summary>
public sealed class ReadingHistoryTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>
{
    private static readonly DateTime Noon = new(2026, 1, 15, 12, 0, 0, DateTimeKind.Utc);
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    /// <summary>What befalls a read.</summary>
    internal enum Fate
    {
        /// <summary>Nothing.</summary>
        Whole,

        /// <summary>The source fails after its first page.</summary>
        Failed,

        /// <summary>Half an answer that says so.</summary>
        Partial,

        /// <summary>The reader dies after it read, before it commits.</summary>
        Died,

        /// <summary>The reader dies after it committed a part.</summary>
        DiedHalfway,
    }

    private static readonly Gen<Cadence> Cadences = Gen.Select(
        Gen.Int[0, 600],
        Gen.Int[600, 7200],
        Gen.Int[600, 7200],
        Gen.Int[900, 21_600],
        (settle, overlap, lookback, longest) =>
            new Cadence(
                TimeSpan.FromSeconds(settle),
                TimeSpan.FromSeconds(overlap),
                TimeSpan.FromSeconds(lookback),
                TimeSpan.FromSeconds(longest)
            )
    );

    private static readonly Gen<(int Seconds, Fate Fate)[]> Histories = Gen.Select(
        Gen.Frequency(
            (8, Gen.Int[30, 900]),
            (3, Gen.Int[900, 9_000]),
            (1, Gen.Const(86_400)),
            (1, Gen.Const(-86_400)),
            (1, Gen.Int[-3_600, -1])
        ),
        Gen.Frequency(
            (6, Gen.Const(Fate.Whole)),
            (1, Gen.Const(Fate.Failed)),
            (1, Gen.Const(Fate.Partial)),
            (1, Gen.Const(Fate.Died)),
            (1, Gen.Const(Fate.DiedHalfway))
        )
    ).Array[5, 25];

    [Fact]
    public Task Any_history_gives_what_one_calm_read_gives_on_SQLite() =>
        Gen.Select(Cadences, Histories)
            .SampleAsync(async (cadence, history) => await PlayAsync(StorageEngine.Sqlite, cadence, history), iter: 16, threads: 1);

    [Fact]
    public Task Any_history_gives_what_one_calm_read_gives_on_PostgreSQL() =>
        Gen.Select(Cadences, Histories)
            .SampleAsync(async (cadence, history) => await PlayAsync(StorageEngine.Postgres, cadence, history), iter: 4, threads: 1);

    private async Task PlayAsync(StorageEngine engine, Cadence cadence, (int Seconds, Fate Fate)[] history)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        await storage.SetClockAsync(Noon);
        await using var clocked = storage.WithSimulatedClock();
        await clocked.Log.RegisterAsync("rack", "prometheus", null, default);
        var book = new Book(cadence);
        var (now, last) = (Noon, Noon);
        DateTime? before = null;
        foreach (var (seconds, fate) in history)
        {
            now += TimeSpan.FromSeconds(seconds);
            if (now > last)
                last = now;
            await storage.SetClockAsync(now);
            if (fate is Fate.Died or Fate.DiedHalfway)
                await DieAsync(clocked, book, fate == Fate.DiedHalfway);
            else
            {
                book.Fate = fate;
                await Reader(clocked).ReadAsync(Settings, book, default);
            }
            var watermark = await WatermarkAsync(storage);
            Assert.False(
                before is not null && (watermark is null || watermark < before),
                $"The watermark went back from {before:O} to {watermark:O}."
            );
            Assert.False(watermark > last - cadence.Settle, $"The watermark {watermark:O} is past what had settled at {last:O}.");
            before = watermark;
        }
        // There is no more data; a day later all pauses and leases are over, and all late data has come.
        book.End = last;
        last = last.AddDays(1);
        await storage.SetClockAsync(last);
        book.Fate = Fate.Whole;
        Assert.NotNull(await Reader(clocked).ReadAsync(Settings, book, default));
        Assert.Equal(last - cadence.Settle, await WatermarkAsync(storage));

        await using var fresh = await TestStorage.MigratedAsync(cluster, engine);
        await fresh.SetClockAsync(Noon);
        await using var calm = fresh.WithSimulatedClock();
        await calm.Log.RegisterAsync("rack", "prometheus", null, default);
        await fresh.SetClockAsync(last);
        await Reader(calm).ReadAsync(Settings, new Book(cadence with { MaxWindow = TimeSpan.FromDays(100) }) { End = book.End }, default);

        // Each minute of two streams from the first looked back at: counted by hand, so that both being empty or short is noticed.
        var first = (Noon - cadence.Lookback).Ticks;
        var (from, to) = ((first + TimeSpan.TicksPerMinute - 1) / TimeSpan.TicksPerMinute, book.End.Ticks - 1);
        Assert.Equal(
            [(2 * (to / TimeSpan.TicksPerMinute - from + 1)).ToString(CultureInfo.InvariantCulture)],
            await storage.RowsAsync("SELECT count(*) FROM samples")
        );
        await KeepAsync(clocked);
        await KeepAsync(calm);
        Assert.Equal(await calm.DumpAsync(), await clocked.DumpAsync());
        Assert.NotEqual(["0"], await storage.RowsAsync("SELECT count(*) FROM energy_facts"));
    }

    private static readonly SourceSettings Settings = new() { Id = "rack", Provider = "prometheus" };

    private static SourceReader Reader(TestStorage storage) =>
        new(storage.Log, Catalogues.Load([]), NullLogger<SourceReader>.Instance) { Lease = Lease };

    private static Task<int> KeepAsync(TestStorage storage) =>
        new FactRecomputer(
            storage.Facts,
            new Normaliser(Catalogues.Load([]), [], new Dictionary<string, Place>(), TimeSpan.FromMinutes(5))
        ).RecomputeAsync(default);

    private static async Task<DateTime?> WatermarkAsync(TestStorage storage)
    {
        var text = (await storage.RowsAsync("SELECT watermark FROM source"))[0];
        return text == "∅" ? null : UnixMicroseconds.To(long.Parse(text, CultureInfo.InvariantCulture));
    }

    /// <summary>A reader of another process that claims, reads, and is no more.</summary>
    private static async Task DieAsync(TestStorage storage, Book book, bool halfway)
    {
        if (await storage.Log.ClaimAsync("rack", "dead", Lease, default) is not { } claim)
            return;
        if (Window.Next(book.Cadence, claim.Watermark, claim.RegisteredAt, claim.Now) is not { } window)
            return;
        book.Fate = Fate.Whole;
        await foreach (var page in book.ReadAsync(new ReadRequest(window, claim.Cursor, claim.RegisteredAt, claim.Now), default))
        {
            if (halfway)
                await storage.Log.CommitAsync(
                    claim,
                    new()
                    {
                        Observations = page.Observations,
                        Rejections = [],
                        From = window.Start,
                        To = window.End,
                        Continues = true,
                    },
                    default
                );
            halfway = false;
        }
    }

    /// <summary>Watts of two nodes for each minute. Every seventh comes late, by as long as the overlap; every fifth is too small until
    /// then.</summary>
    private sealed class Book(Cadence cadence) : ITelemetrySource
    {
        private readonly Series[] series =
        [
            .. new[] { "a", "b" }.Select(node => new Series(
                "rack",
                "prometheus",
                "ipmi_dcmi_power_consumption_watts",
                Labels.Of(("node", node))
            )),
        ];
        private DateTime shown = DateTime.MinValue;

        public Cadence Cadence => cadence;

        public Fate Fate { get; set; }

        /// <summary>Before it there is nothing: the overlap of the second read may reach further back than the first read did.</summary>
        private DateTime Start => Noon - cadence.Lookback;

        /// <summary>From here on there is nothing.</summary>
        public DateTime End { get; set; } = DateTime.MaxValue;

        public async IAsyncEnumerable<Page> ReadAsync(ReadRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await Task.Yield();
            // What has once been told does not vanish when a clock goes back.
            if (request.Now > shown)
                shown = request.Now;
            yield return Page(series[0], request.Window);
            if (Fate == Fate.Failed)
                throw new SourceException(SourceErrorCode.Truncated, "The answer breaks off.");
            yield return Fate == Fate.Partial
                ? new Page([]) { PartialBecause = "a store did not answer" }
                : Page(series[1], request.Window);
        }

        private Page Page(Series of, Interval window)
        {
            var found = new List<Observation>();
            for (
                var at = new DateTime(
                    (window.Start.Ticks + TimeSpan.TicksPerMinute - 1) / TimeSpan.TicksPerMinute * TimeSpan.TicksPerMinute,
                    DateTimeKind.Utc
                );
                at < window.End && at < End;
                at = at.AddMinutes(1)
            )
            {
                if (at < Start)
                    continue;
                var final = at + cadence.Overlap;
                if (at.Minute % 7 == 0 && shown < final)
                    continue;
                found.Add(new(of, Sample.At(at, at.Minute % 5 == 0 && shown < final ? 100 : 250 + at.Minute)));
            }
            return new(found);
        }
    }
}
