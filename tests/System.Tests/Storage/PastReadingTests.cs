using System.Runtime.CompilerServices;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Ingestors.Pipeline;
using Metrics.Ingestors.Providers;
using Metrics.Storage.Engine;
using Metrics.Storage.Reading;
using Metrics.Storage.Schema;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Metrics.SystemTests.Storage;

/// <summary>What is read beside the live reads, and what is not believed or waited for: on both engines, on a clock that the test
/// puts.</summary>
public sealed class PastReadingTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>
{
    private const string Power = "ipmi_dcmi_power_consumption_watts";
    private static readonly MetricCatalogue Catalogue = Catalogues.Load([]);
    private static readonly SourceSettings Settings = new() { Id = "rack", Provider = "prometheus" };
    private static readonly DateTime Start = new(2026, 1, 15, 0, 0, 0, DateTimeKind.Utc);

    public static TheoryData<StorageEngine> Engines => [StorageEngine.Sqlite, StorageEngine.Postgres];

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_series_that_cannot_be_read_is_waited_for_three_times_and_then_left_out_and_read_again_once_it_can(
        StorageEngine engine
    )
    {
        await using var bench = await Bench.OpenAsync(cluster, engine);
        await bench.ReadAsync(Start.AddHours(1));
        Assert.Equal(Start.AddHours(1), await bench.WatermarkAsync());

        bench.Source.Refused = "c";
        for (var minute = 1; minute <= 2; minute++)
        {
            await bench.ReadAsync(Start.AddHours(1).AddMinutes(minute));
            // Incomplete: the others are stored, and nothing is passed over.
            Assert.Equal(Start.AddHours(1), await bench.WatermarkAsync());
            Assert.Equal(["partial"], await bench.Storage.RowsAsync("""SELECT "LastErrorCode" FROM "Sources" """));
        }
        await bench.ReadAsync(Start.AddHours(1).AddMinutes(3));
        Assert.Equal(Start.AddHours(1).AddMinutes(3), await bench.WatermarkAsync());
        Assert.Equal(["∅|1"], await bench.Storage.RowsAsync("""SELECT "LastErrorCode", "QuarantinedSeries" FROM "Sources" """));
        // The source goes on, and what came is still not all.
        Assert.Equal(
            ["partial|partial"],
            await bench.Storage.RowsAsync("""SELECT "State", "ErrorCode" FROM "Runs" ORDER BY "Id" DESC LIMIT 1""")
        );
        Assert.Equal(
            [$$"""{{Power}}{node="c"}|quarantined"""],
            await bench.Storage.RowsAsync("""SELECT "Subject", "Reason" FROM "Rejections" """)
        );
        Assert.Equal(["series.quarantined"], await bench.Storage.RowsAsync("""SELECT "Type" FROM "Events" ORDER BY "Id" """));
        await bench.ReadAsync(Start.AddHours(3));
        Assert.Equal(Start.AddHours(3), await bench.WatermarkAsync());
        Assert.Equal(["a|180", "b|180", "c|60", "d|180"], await bench.CountsAsync());

        bench.Source.Refused = null;
        await bench.ReadAsync(Start.AddHours(3).AddMinutes(1));
        Assert.Equal(["0"], await bench.Storage.RowsAsync("""SELECT "QuarantinedSeries" FROM "Sources" """));
        Assert.Equal(["healed|waiting"], await bench.Storage.RowsAsync("""SELECT "Kind", "State" FROM "Backfills" """));
        await bench.ReadAsync(Start.AddHours(5));
        await bench.BackfillAsync();
        Assert.Equal(["a|300", "b|300", "c|300", "d|300"], await bench.CountsAsync());
        Assert.Equal(
            ["series.quarantined", "series.healed"],
            await bench.Storage.RowsAsync("""SELECT "Type" FROM "Events" ORDER BY "Id" """)
        );
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task An_answer_that_lacks_half_of_the_series_is_not_believed_at_once_and_not_doubted_for_ever(StorageEngine engine)
    {
        await using var bench = await Bench.OpenAsync(cluster, engine);
        await bench.ReadAsync(Start.AddHours(1));

        // Half once, then all again: nothing is lost, although the answer said nothing.
        bench.Source.Nodes = ["a", "b"];
        await bench.ReadAsync(Start.AddHours(1).AddMinutes(30));
        Assert.Equal(Start.AddHours(1), await bench.WatermarkAsync());
        Assert.Equal(
            ["partial|0.5|Only 2 of 4 series came, although the answer looked whole; it is read again"],
            await bench.Storage.RowsAsync("""SELECT "State", "Coverage", "Error" FROM "Runs" ORDER BY "Id" DESC LIMIT 1""")
        );
        bench.Source.Nodes = ["a", "b", "c", "d"];
        await bench.ReadAsync(Start.AddHours(2));
        Assert.Equal(["a|120", "b|120", "c|120", "d|120"], await bench.CountsAsync());

        // Gone for good: the third time it is believed.
        bench.Source.Nodes = ["a", "b"];
        await bench.ReadAsync(Start.AddHours(2).AddMinutes(1));
        await bench.ReadAsync(Start.AddHours(2).AddMinutes(2));
        Assert.Equal(Start.AddHours(2), await bench.WatermarkAsync());
        await bench.ReadAsync(Start.AddHours(2).AddMinutes(3));
        Assert.Equal(Start.AddHours(2).AddMinutes(3), await bench.WatermarkAsync());
        Assert.Equal(["2"], await bench.Storage.RowsAsync("""SELECT "Series" FROM "Sources" """));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_span_of_the_past_is_read_oldest_first_goes_on_after_a_fault_and_leaves_the_watermark_where_it_is(
        StorageEngine engine
    )
    {
        await using var bench = await Bench.OpenAsync(cluster, engine);
        await bench.ReadAsync(Start.AddHours(30));
        var watermark = await bench.WatermarkAsync();
        var span = new Interval(Start.AddDays(-2), Start.AddDays(-1));
        var (asked, isNew) = await bench.Backfills.RequestAsync("rack", ReadKind.Backfill, span, TimeSpan.FromHours(4), default);
        var (again, isNewAgain) = await bench.Backfills.RequestAsync("rack", ReadKind.Backfill, span, TimeSpan.FromHours(4), default);
        Assert.Equal((6, true, asked.Id, false), (asked.Windows, isNew, again.Id, isNewAgain));

        bench.Source.BreaksFrom = Start.AddDays(-2).AddHours(8);
        await bench.BackfillAsync();
        Assert.Equal(
            ["reading|2|1|server_error"],
            await bench.Storage.RowsAsync("""SELECT "State", "WindowsDone", "Failures", "ErrorCode" FROM "Backfills" """)
        );
        Assert.Equal(["6"], await bench.Storage.RowsAsync("""SELECT "BackfillWindows" FROM "Sources" """));
        // The live read is not kept waiting by it, and says nothing of it.
        Assert.Equal(["0|∅"], await bench.Storage.RowsAsync("""SELECT "Failures", "LastErrorCode" FROM "Sources" """));

        bench.Source.BreaksFrom = null;
        await bench.Storage.SetClockAsync(Start.AddHours(31));
        await bench.BackfillAsync();
        Assert.Equal(
            ["done|6|0|5760|5760"],
            await bench.Storage.RowsAsync("""SELECT "State", "WindowsDone", "Failures", "Received", "Written" FROM "Backfills" """)
        );
        Assert.Equal(watermark, await bench.WatermarkAsync());
        Assert.Equal(
            bench
                .Source.Windows.Where(window => window.End <= span.End && window.Start >= span.Start)
                .Select(window => window.Start)
                .Order(),
            bench.Source.Windows.Where(window => window.End <= span.End && window.Start >= span.Start).Select(window => window.Start)
        );

        // Once more changes nothing.
        await bench.Backfills.RequestAsync("rack", ReadKind.Backfill, span, TimeSpan.FromHours(4), default);
        await bench.BackfillAsync();
        Assert.Equal(
            ["5760|0"],
            await bench.Storage.RowsAsync("""SELECT "Received", "Written" FROM "Backfills" ORDER BY "Id" DESC LIMIT 1""")
        );
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_commit_of_a_window_whose_claim_was_lost_moves_no_position(StorageEngine engine)
    {
        await using var bench = await Bench.OpenAsync(cluster, engine);
        await bench.ReadAsync(Start.AddHours(2));
        var (asked, _) = await bench.Backfills.RequestAsync(
            "rack",
            ReadKind.Backfill,
            new(Start.AddDays(-1), Start),
            TimeSpan.FromHours(12),
            default
        );
        var log = bench.Storage.Log;
        var zombie = (await log.ClaimAsync("rack", "zombie", TimeSpan.Zero, default))!;
        var alive = (await log.ClaimAsync("rack", "alive", TimeSpan.FromMinutes(1), default))!;
        var window = new ReadResult
        {
            Observations = [],
            Rejections = [],
            From = asked.Next.Start,
            To = asked.Next.End,
            Watermark = asked.Next.End,
            Backfill = asked,
        };
        Assert.Null(await log.CommitAsync(zombie, window, default));
        Assert.Equal(["waiting|0"], await bench.Storage.RowsAsync("""SELECT "State", "WindowsDone" FROM "Backfills" """));
        Assert.NotNull(await log.CommitAsync(alive, window, default));
        // The same window once more: its position has passed.
        Assert.NotNull(await log.CommitAsync((await log.ClaimAsync("rack", "alive", TimeSpan.FromMinutes(1), default))!, window, default));
        Assert.Equal(["reading|1"], await bench.Storage.RowsAsync("""SELECT "State", "WindowsDone" FROM "Backfills" """));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Once_a_day_the_last_days_are_read_again_and_what_came_late_is_found(StorageEngine engine)
    {
        await using var bench = await Bench.OpenAsync(cluster, engine, reread: TimeSpan.FromHours(48));
        // An hour of c comes twenty hours late: no overlap reaches it.
        bench.Source.LateNode = ("c", Start.AddHours(2), Start.AddHours(3), Start.AddHours(22));
        for (var hour = 1; hour <= 26; hour++)
        {
            await bench.ReadAsync(Start.AddHours(hour));
            await bench.BackfillAsync();
        }
        Assert.Equal(["a|1560", "b|1560", "c|1560", "d|1560"], await bench.CountsAsync());
        Assert.Equal(["reread|done"], await bench.Storage.RowsAsync("""SELECT "Kind", "State" FROM "Backfills" """));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Without_the_second_look_the_late_hour_stays_lost(StorageEngine engine)
    {
        await using var bench = await Bench.OpenAsync(cluster, engine);
        bench.Source.LateNode = ("c", Start.AddHours(2), Start.AddHours(3), Start.AddHours(22));
        for (var hour = 1; hour <= 26; hour++)
            await bench.ReadAsync(Start.AddHours(hour));
        Assert.Equal(["a|1560", "b|1560", "c|1500", "d|1560"], await bench.CountsAsync());
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_day_that_does_not_add_up_is_read_again_and_told_when_it_still_does_not(StorageEngine engine)
    {
        await using var bench = await Bench.OpenAsync(cluster, engine);
        await bench.ReadAsync(Start.AddHours(30));
        // Without tampering nothing is told.
        Assert.True(await bench.CompareAsync());
        Assert.Equal(
            ["reconcile|whole|∅"],
            await bench.Storage.RowsAsync("""SELECT "Kind", "State", "Error" FROM "Runs" WHERE "Kind" = 'reconcile'""")
        );
        Assert.False(await bench.CompareAsync());

        // Ten samples are lost from the next day: they are found and mended.
        await bench.ReadAsync(Start.AddHours(54));
        var lost =
            engine == StorageEngine.Postgres
                ? $"start >= timestamptz '{Start.AddHours(30):yyyy-MM-dd HH:mm}+00' AND start < timestamptz "
                    + $"'{Start.AddHours(30).AddMinutes(10):yyyy-MM-dd HH:mm}+00'"
                : $"start >= {UnixMicroseconds.From(Start.AddHours(30))} AND start < "
                    + $"{UnixMicroseconds.From(Start.AddHours(30).AddMinutes(10))}";
        await bench.Storage.ExecuteAsync($"DELETE FROM samples WHERE {lost} AND series_id = (SELECT min(id) FROM series)");
        Assert.True(await bench.CompareAsync());
        Assert.Equal(["reconcile|waiting"], await bench.Storage.RowsAsync("""SELECT "Kind", "State" FROM "Backfills" """));
        Assert.False(await bench.CompareAsync());
        await bench.BackfillAsync();
        Assert.True(await bench.CompareAsync());
        Assert.Equal(
            ["whole", "whole"],
            await bench.Storage.RowsAsync("""SELECT "State" FROM "Runs" WHERE "Kind" = 'reconcile' AND "Received" = 0 ORDER BY "Id" """)
        );
        Assert.Equal(
            ["3240"],
            await bench.Storage.RowsAsync("SELECT count(*) FROM samples WHERE series_id = (SELECT min(id) FROM series)")
        );
        Assert.Empty(await bench.Storage.RowsAsync("""SELECT "Type" FROM "Events" """));

        // A provider that contradicts itself is told of, by hour and series.
        bench.Source.Contradicts = true;
        await bench.ReadAsync(Start.AddHours(78));
        Assert.True(await bench.CompareAsync());
        await bench.BackfillAsync();
        Assert.True(await bench.CompareAsync());
        var told = Assert.Single(
            await bench.Storage.RowsAsync("""SELECT "State", "ErrorCode", "Error" FROM "Runs" WHERE "State" = 'mismatch'""")
        );
        Assert.StartsWith("mismatch|mismatch|1 hours of series differ", told, StringComparison.Ordinal);
        Assert.Contains($$"""{{Power}}{node="b"} from 05:00""", told, StringComparison.Ordinal);
        Assert.Equal(["reconciliation.mismatch"], await bench.Storage.RowsAsync("""SELECT "Type" FROM "Events" """));
        Assert.False(await bench.CompareAsync());
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task That_a_source_is_behind_and_that_it_is_current_again_is_told_once(StorageEngine engine)
    {
        await using var bench = await Bench.OpenAsync(cluster, engine);
        await bench.ReadAsync(Start.AddHours(1));
        var source = Assert.Single((await bench.Storage.Log.FreshnessAsync(default)).Sources);
        Assert.Equal((Start.AddHours(1), (DateTime?)null), (source.ReadUntil, source.StaleSince));

        Assert.True(await bench.Storage.Log.MarkStaleAsync(source, true, default));
        Assert.False(await bench.Storage.Log.MarkStaleAsync(source, true, default));
        Assert.True(await bench.Storage.Log.MarkStaleAsync(source, false, default));
        Assert.False(await bench.Storage.Log.MarkStaleAsync(source, false, default));
        Assert.Equal(["source.stale", "source.recovered"], await bench.Storage.RowsAsync("""SELECT "Type" FROM "Events" ORDER BY "Id" """));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_source_that_failed_three_times_in_a_row_is_an_event_once(StorageEngine engine)
    {
        await using var bench = await Bench.OpenAsync(cluster, engine);
        bench.Source.BreaksFrom = DateTime.MinValue;
        for (var hour = 1; hour <= 5; hour++)
            await bench.ReadAsync(Start.AddHours(hour));
        Assert.Equal(["source.failed"], await bench.Storage.RowsAsync("""SELECT "Type" FROM "Events" """));
        Assert.Equal(["5|server_error"], await bench.Storage.RowsAsync("""SELECT "Failures", "LastErrorCode" FROM "Sources" """));
    }

    /// <summary>A database on a clock of its own, and a source of four servers that draw so many watts, told every minute.</summary>
    private sealed class Bench : IAsyncDisposable
    {
        private readonly TestStorage origin;
        private readonly SourceReader reader;
        private readonly Reconciliation reconciliation;

        private Bench(TestStorage origin, TestStorage storage, FourServers source)
        {
            this.origin = origin;
            (Storage, Source) = (storage, source);
            Backfills = storage.Backfills;
            reader = new SourceReader(storage.Log, Catalogue, NullLogger<SourceReader>.Instance, backfills: Backfills);
            reconciliation = new Reconciliation(storage.Log, Backfills, storage.Ledger, NullLogger<Reconciliation>.Instance);
        }

        public TestStorage Storage { get; }

        public FourServers Source { get; }

        public Backfills Backfills { get; }

        public static async Task<Bench> OpenAsync(PostgresCluster cluster, StorageEngine engine, TimeSpan reread = default)
        {
            var origin = await TestStorage.MigratedAsync(cluster, engine);
            var storage = origin.WithSimulatedClock();
            await storage.SetClockAsync(Start);
            await storage.Log.RegisterAsync("rack", "prometheus", null, default);
            return new(origin, storage, new(reread));
        }

        /// <summary>Puts the clock and reads up to it, as one tick does.</summary>
        public async Task ReadAsync(DateTime now)
        {
            await Storage.SetClockAsync(now);
            await reader.ReadAsync(Settings, Source, default);
            await reader.RereadDailyAsync(Settings, Source, default);
        }

        public Task<int?> BackfillAsync() => reader.BackfillAsync(Settings, Source, TimeSpan.FromMinutes(1), default);

        public Task<bool> CompareAsync() => reconciliation.CompareAsync(Settings, Source, default);

        public async Task<DateTime?> WatermarkAsync() => (await Storage.Log.FreshnessAsync(default)).Sources.Single().ReadUntil;

        /// <summary>How many samples each server has.</summary>
        public Task<List<string>> CountsAsync() =>
            Storage.RowsAsync(
                Storage.Engine == StorageEngine.Postgres
                    ? "SELECT e.labels::json->>'node', count(*) FROM samples s JOIN series e ON e.id = s.series_id GROUP BY 1 ORDER BY 1"
                    : "SELECT e.labels->>'node', count(*) FROM samples s JOIN series e ON e.id = s.series_id GROUP BY 1 ORDER BY 1"
            );

        public async ValueTask DisposeAsync()
        {
            await Storage.DisposeAsync();
            await origin.DisposeAsync();
        }
    }

    private sealed class FourServers(TimeSpan reread) : ITelemetrySource, ICoarseStatistics
    {
        private readonly Dictionary<string, Series> series = new[] { "a", "b", "c", "d" }.ToDictionary(
            node => node,
            node => new Series("rack", "prometheus", Power, Labels.Of(("node", node)))
        );

        public Cadence Cadence { get; } =
            new(TimeSpan.Zero, TimeSpan.FromMinutes(10), TimeSpan.Zero, TimeSpan.FromHours(4)) { Reread = reread };

        public string[] Nodes { get; set; } = ["a", "b", "c", "d"];

        public string? Refused { get; set; }

        public DateTime? BreaksFrom { get; set; }

        public (string Node, DateTime From, DateTime To, DateTime SeenAt)? LateNode { get; set; }

        public bool Contradicts { get; set; }

        public List<Interval> Windows { get; } = [];

        public async IAsyncEnumerable<Page> ReadAsync(ReadRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await Task.Yield();
            Windows.Add(request.Window);
            if (request.Window.Start >= BreaksFrom)
                throw new SourceException(SourceErrorCode.ServerError, "Down.");
            foreach (var node in Nodes.Where(node => node != Refused))
            {
                var observations = new List<Observation>();
                for (
                    var at = request.Window.Start.AddTicks(
                        (TimeSpan.TicksPerMinute - request.Window.Start.Ticks % TimeSpan.TicksPerMinute) % TimeSpan.TicksPerMinute
                    );
                    at < request.Window.End;
                    at = at.AddMinutes(1)
                )
                    if (!(LateNode is { } late && late.Node == node && at >= late.From && at < late.To && request.Now < late.SeenAt))
                        observations.Add(new(series[node], Sample.At(at, 250)));
                yield return new Page(observations);
            }
            if (Refused is { } refused)
                yield return new Page([]) { Unread = [new(series[refused].ToString(), SourceErrorCode.Refused, "It is out of order.")] };
        }

        public async IAsyncEnumerable<CoarseStatistic> CoarseAsync(
            Interval hours,
            DateTime now,
            [EnumeratorCancellation] CancellationToken cancellationToken
        )
        {
            await Task.Yield();
            foreach (var node in Nodes)
                for (var hour = hours.Start; hour < hours.End; hour = hour.AddHours(1))
                    yield return new(series[node], hour, 15_000, null, Contradicts && node == "b" && hour.Hour == 5 ? 59 : 60, 1e-9);
        }
    }
}
