using Metrics.Domain.Observations;
using Metrics.Storage.Engine;
using Metrics.Storage.Reading;
using Metrics.Storage.Schema;
using Xunit;
using static Metrics.SystemTests.Storage.Fleet;

namespace Metrics.SystemTests.Storage;

public sealed class ReadLogTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>
{
    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task A_source_registered_again_keeps_what_was_read(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        var first = await storage.ClaimAsync();
        await storage.Log.CommitAsync(first, Read() with { Watermark = Time("10:30"), Cursor = "page 7" }, default);

        await storage.Log.RegisterAsync("rack", "exporter", "onprem/dc-2", default);
        var second = (await storage.Log.ClaimAsync("rack", "a", TimeSpan.FromMinutes(1), default))!;

        Assert.Equal(["rack|exporter|onprem/dc-2"], await storage.RowsAsync("SELECT \"Id\", \"Provider\", \"Place\" FROM \"Sources\""));
        Assert.Equal(Time("10:30"), second.Watermark);
        Assert.Equal("page 7", second.Cursor);
        Assert.Equal(first.RegisteredAt, second.RegisteredAt);
        Assert.Equal(2, second.Epoch);
        Assert.True(second.Now >= second.RegisteredAt);
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task One_owner_reads_a_source_at_a_time(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        var first = await storage.ClaimAsync("a");

        Assert.Null(await storage.Log.ClaimAsync("rack", "b", TimeSpan.FromMinutes(5), default));
        Assert.Equal(2, (await storage.Log.ClaimAsync("rack", "a", TimeSpan.FromMinutes(5), default))!.Epoch);

        await storage.Log.ReleaseAsync(first, default);
        Assert.Null(await storage.Log.ClaimAsync("rack", "b", TimeSpan.FromMinutes(5), default));
        await storage.Log.ReleaseAsync(first with { Epoch = 2 }, default);
        Assert.Equal(3, (await storage.Log.ClaimAsync("rack", "b", TimeSpan.FromMinutes(5), default))!.Epoch);
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task A_claim_of_an_unknown_source_is_our_own_fault(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        var exception = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            storage.Log.ClaimAsync("nobody", "a", TimeSpan.FromMinutes(5), default)
        );
        Assert.False(StorageFault.IsOutside(exception));
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task A_reader_that_stalled_past_its_lease_is_fenced_and_writes_nothing(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        var stalled = await storage.ClaimAsync("a", TimeSpan.Zero);
        var other = await storage.ClaimAsync("b");
        await storage.Log.CommitAsync(other, Read(At(Series("one"), "10:01", 1)) with { Watermark = Time("10:05") }, default);
        var before = await storage.DumpAsync();

        var outcome = await storage.Log.CommitAsync(
            stalled,
            Read(At(Series("two"), "10:02", 2)) with
            {
                Watermark = Time("10:55"),
            },
            default
        );

        Assert.Null(outcome);
        Assert.Equal(before, await storage.DumpAsync());
        Assert.Equal(
            ["whole|1|∅", "fenced|0|Another reader took the source over; 1 observations of this one were refused."],
            await storage.RowsAsync("SELECT \"State\", \"Received\", \"Error\" FROM \"Runs\" ORDER BY \"State\" DESC")
        );
        Assert.Equal(
            ["0|" + UnixMicroseconds.From(Time("10:05"))],
            await storage.RowsAsync("SELECT \"Failures\", \"Watermark\" FROM \"Sources\"")
        );
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task A_source_that_failed_is_left_alone_until_its_time(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        await storage.Log.FailAsync(await storage.ClaimAsync(), "throttled", "The source answered 429.", TimeSpan.FromHours(1), default);
        Assert.Null(await storage.Log.ClaimAsync("rack", "a", TimeSpan.FromMinutes(5), default));
        Assert.Equal(
            ["1|throttled|The source answered 429."],
            await storage.RowsAsync("SELECT \"Failures\", \"LastErrorCode\", \"LastError\" FROM \"Sources\"")
        );
        Assert.Equal(["failed|throttled"], await storage.RowsAsync("SELECT \"State\", \"ErrorCode\" FROM \"Runs\""));

        await storage.ExecuteAsync("UPDATE source SET next_read_at = registered_at");
        await storage.CommitAsync(At(Series("one"), "10:01", 1));
        Assert.Equal(
            ["0|∅|∅|∅"],
            await storage.RowsAsync("SELECT \"Failures\", \"LastErrorCode\", \"LastError\", \"NextReadAt\" FROM \"Sources\"")
        );
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task A_commit_that_fails_leaves_nothing_and_the_claim_can_be_used_again(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        var claim = await storage.ClaimAsync();
        // The check of the table refuses the last of many rows, when everything else is written already.
        var observations = Enumerable
            .Range(0, 100)
            .Select(minute => new Observation(Series("one"), Sample.At(Ten.AddMinutes(minute), minute == 99 ? -1 : minute)))
            .ToArray();
        var rejection = new Rejection("rack", "one", Ten, RejectionReason.Sentinel, "No value.");

        await Assert.ThrowsAnyAsync<Exception>(() =>
            storage.Log.CommitAsync(claim, Read(observations) with { Watermark = Time("11:40"), Rejections = [rejection] }, default)
        );

        Assert.Equal(
            ["0|0|0|0|0"],
            await storage.RowsAsync(
                "SELECT (SELECT count(*) FROM samples), (SELECT count(*) FROM dirty_hours), (SELECT count(*) FROM rejection), "
                    + "(SELECT count(*) FROM run), (SELECT count(*) FROM series)"
            )
        );
        Assert.True(await WatermarkIsCoveredAsync(storage));
        var again = await storage.Log.CommitAsync(claim, Read(observations[..99]) with { Watermark = Time("11:39") }, default);
        Assert.Equal(new(99, 99, 0), again);
        Assert.True(await WatermarkIsCoveredAsync(storage));
    }

    [Fact]
    public async Task A_connection_cut_in_the_middle_of_a_commit_leaves_nothing()
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, StorageEngine.Postgres);
        var claim = await storage.ClaimAsync();
        await using var operation = new Npgsql.NpgsqlConnection(storage.ConnectionString);
        await operation.OpenAsync();
        await using (var transaction = await operation.BeginTransactionAsync())
        {
            // The commit has written its samples when it comes to the run, and waits there.
            await using var hold = new Npgsql.NpgsqlCommand("LOCK TABLE run IN ACCESS EXCLUSIVE MODE", operation, transaction);
            await hold.ExecuteNonQueryAsync();
            var commit = storage.Log.CommitAsync(claim, Read(At(Series("one"), "10:01", 1)) with { Watermark = Time("10:05") }, default);
            await using var cut = new Npgsql.NpgsqlCommand(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE NOT granted AND relation = 'run'::regclass",
                operation,
                transaction
            );
            while (await cut.ExecuteScalarAsync() is 0L)
                Assert.False(commit.IsCompleted);

            var exception = await Assert.ThrowsAsync<StorageException>(() => commit);
            Assert.Equal(StorageErrorCode.Unreachable, exception.Code);
        }
        Assert.Equal(
            ["0|0|0|∅"],
            await storage.RowsAsync(
                "SELECT (SELECT count(*) FROM samples), (SELECT count(*) FROM dirty_hours), (SELECT count(*) FROM series), "
                    + "watermark FROM source"
            )
        );
        Assert.Equal(new(1, 1, 0), await storage.Log.CommitAsync(claim, Read(At(Series("one"), "10:01", 1)), default));
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task Two_times_within_a_microsecond_are_one_instant(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        var one = Series("one");
        Assert.Equal(
            1,
            (
                await storage.CommitAsync(
                    new Observation(one, Sample.At(Ten.AddTicks(3), 1)),
                    new Observation(one, Sample.At(Ten.AddTicks(8), 1))
                )
            ).Written
        );
        Assert.Equal([UnixMicroseconds.From(Ten) + "|1"], await storage.RowsAsync("SELECT start, value FROM samples"));
    }

    [Fact]
    public async Task A_month_that_another_process_dropped_is_made_again_at_the_next_try()
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, StorageEngine.Postgres);
        await storage.CommitAsync(At(Series("one"), "10:01", 1));
        await storage.ExecuteAsync("DROP TABLE samples_y2026m01");
        await Assert.ThrowsAnyAsync<Exception>(() => storage.CommitAsync(At(Series("one"), "10:02", 1)));
        Assert.Equal(1, (await storage.CommitAsync(At(Series("one"), "10:02", 1))).Written);
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task A_watermark_in_its_own_transaction_would_be_noticed(StorageEngine engine)
    {
        // The control of the test above: the same question about a writer that moves the watermark first and then fails.
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        var claim = await storage.ClaimAsync();
        await storage.ExecuteAsync(
            "UPDATE source SET watermark = "
                + $"{(engine == StorageEngine.Postgres ? "timestamptz '2026-01-15 11:40:00+00'" : UnixMicroseconds.From(Time("11:40")))}"
        );
        await Assert.ThrowsAnyAsync<Exception>(() => storage.Log.CommitAsync(claim, Read(At(Series("one"), "10:01", -1)), default));
        Assert.False(await WatermarkIsCoveredAsync(storage));
    }

    /// <summary>Whether a watermark is only where a whole run ended with its samples.</summary>
    private static async Task<bool> WatermarkIsCoveredAsync(TestStorage storage) =>
        (
            await storage.RowsAsync(
                "SELECT id FROM source s WHERE watermark IS NOT NULL AND NOT EXISTS (SELECT 1 FROM run r JOIN series x ON "
                    + "x.source = r.source JOIN samples v ON v.series_id = x.id WHERE r.source = s.id AND r.state = 'whole')"
            )
        ).Count == 0;

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task The_watermark_goes_forward_unless_asked_and_waits_for_a_whole_answer(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        async Task<DateTime?> After(ReadResult result)
        {
            await storage.Log.CommitAsync(await storage.ClaimAsync(), result, default);
            var claim = await storage.ClaimAsync();
            await storage.Log.ReleaseAsync(claim, default);
            return claim.Watermark;
        }

        Assert.Equal(Time("10:30"), await After(Read() with { Watermark = Time("10:30") }));
        Assert.Equal(Time("10:30"), await After(Read() with { Watermark = Time("10:10") }));
        Assert.Equal(Time("10:30"), await After(Read()));
        Assert.Equal(Time("10:30"), await After(Read() with { Watermark = Time("10:50"), PartialBecause = "page 3 timed out" }));
        Assert.Equal(["partial|page 3 timed out"], await storage.RowsAsync("SELECT \"LastErrorCode\", \"LastError\" FROM \"Sources\""));
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task Pages_of_one_read_are_one_run_and_keep_the_lease(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        var claim = await storage.ClaimAsync();
        await storage.Log.CommitAsync(
            claim,
            Read(At(Series("one"), "10:01", 1), At(Series("one"), "10:02", 2)) with
            {
                Continues = true,
            },
            default
        );
        Assert.Equal(["reading|2|∅"], await storage.RowsAsync("SELECT \"State\", \"Received\", \"EndedAt\" FROM \"Runs\""));
        Assert.Null(await storage.Log.ClaimAsync("rack", "b", TimeSpan.FromMinutes(5), default));

        await storage.Log.CommitAsync(claim, Read(At(Series("one"), "10:03", 3)), default);
        Assert.Equal(
            ["read|whole|3|3"],
            await storage.RowsAsync("SELECT \"Kind\", \"State\", \"Received\", \"Written\" FROM \"Runs\" WHERE \"EndedAt\" IS NOT NULL")
        );
        Assert.NotNull(await storage.Log.ClaimAsync("rack", "b", TimeSpan.FromMinutes(5), default));
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task Samples_that_are_known_write_nothing_and_a_changed_one_is_written(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        var one = Series("one");
        Assert.Equal(new(2, 2, 0), await storage.CommitAsync(At(one, "10:01", 1), At(one, "10:02", 2)));
        Assert.Equal("10", await storage.TakeDirtyAsync());

        Assert.Equal(new(2, 0, 0), await storage.CommitAsync(At(one, "10:02", 2), At(one, "10:01", 1)));
        Assert.Equal("", await storage.TakeDirtyAsync());

        Assert.Equal(new(2, 1, 0), await storage.CommitAsync(At(one, "10:01", 1), At(one, "10:02", 2.5)));
        Assert.Equal("10", await storage.TakeDirtyAsync());

        // The end belongs to the value too.
        Assert.Equal(new(1, 1, 0), await storage.CommitAsync(new Observation(one, new(Time("10:01"), Time("10:01:30"), 1))));
        Assert.Equal(
            [
                $"{UnixMicroseconds.From(Time("10:01"))}|{UnixMicroseconds.From(Time("10:01:30"))}|1",
                $"{UnixMicroseconds.From(Time("10:02"))}|{UnixMicroseconds.From(Time("10:02"))}|2.5",
            ],
            await storage.RowsAsync("SELECT start, end_at, value FROM samples ORDER BY start")
        );
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task A_sample_makes_dirty_its_hour_and_the_neighbours_whose_facts_see_it(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        var one = Series("one");
        await storage.CommitAsync(At(one, "09:50", 1), At(one, "10:10", 2), At(one, "10:30", 3), At(one, "10:50", 4), At(one, "11:10", 5));
        Assert.Equal("09 10 11", await storage.TakeDirtyAsync());

        // Facts are made of the samples of an hour around theirs too.
        await storage.CommitAsync(At(one, "10:30", 3.5));
        Assert.Equal("09 10 11", await storage.TakeDirtyAsync());
        await storage.CommitAsync(At(one, "09:50", 1.5));
        Assert.Equal("09 10", await storage.TakeDirtyAsync());
        await storage.CommitAsync(At(one, "11:10", 5.5));
        Assert.Equal("10 11", await storage.TakeDirtyAsync());
        // An hour without a sample has no facts to be made again.
        await storage.CommitAsync(At(one, "13:10", 6));
        Assert.Equal("13", await storage.TakeDirtyAsync());
        await storage.CommitAsync(At(one, "12:00", 5.8));
        Assert.Equal("11 12 13", await storage.TakeDirtyAsync());
        // What is there already changes nothing.
        await storage.CommitAsync(At(one, "12:00", 5.8));
        Assert.Equal("", await storage.TakeDirtyAsync());
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task A_series_that_begins_may_go_on_from_another_in_the_hour_before(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        await storage.CommitAsync(At(Series("pod-a"), "10:58", 1));
        await storage.TakeDirtyAsync();
        await storage.CommitAsync(At(Series("pod-b"), "11:02", 2));
        Assert.Equal("10 11", await storage.TakeDirtyAsync());
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task An_interval_across_the_hour_makes_both_hours_dirty(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        await storage.CommitAsync(
            new Observation(Series("one"), new(Time("10:58"), Time("11:03"), 1)),
            new Observation(Series("two"), new(Time("07:55"), Time("08:00"), 1))
        );
        Assert.Equal("07 10 11", await storage.TakeDirtyAsync());
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task Two_values_of_one_instant_keep_the_same_one_in_any_order_and_the_other_is_rejected(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        var one = Series("one");
        Assert.Equal(
            new(4, 2, 1),
            await storage.CommitAsync(At(one, "10:01", 7), At(one, "10:01", 5), At(one, "10:01", 5), At(one, "10:00", 1))
        );
        Assert.Equal(["1", "5"], await storage.RowsAsync("SELECT value FROM samples ORDER BY start"));
        Assert.Equal(
            [
                "energy{name=\"one\",zone=\"b\"}|conflicting_duplicate|The source gave 5 and 7 for one instant; 5 was kept. Check "
                    + "that two exporters do not send one series.",
            ],
            await storage.RowsAsync("SELECT \"Subject\", \"Reason\", \"Detail\" FROM \"Rejections\"")
        );
        Assert.Equal(0, (await storage.CommitAsync(At(one, "10:01", 5), At(one, "10:01", 7))).Written);
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task A_rejection_is_one_row_that_counts_the_reads_that_saw_it(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        var refused = new Rejection("rack", "power{gpu=\"0\"}", Time("10:01"), RejectionReason.NegativeValue, "-5 W is negative.\0");
        var first = await storage.ClaimAsync();
        await storage.Log.CommitAsync(first, Read() with { Rejections = [refused, refused], Continues = true }, default);
        await storage.Log.CommitAsync(first, Read() with { Rejections = [refused] }, default);
        Assert.Equal(
            ["negative_value|1|-5 W is negative.\uFFFD"],
            await storage.RowsAsync("SELECT \"Reason\", \"Count\", \"Detail\" FROM \"Rejections\"")
        );

        await storage.Log.CommitAsync(
            await storage.ClaimAsync(),
            Read() with
            {
                Rejections = [refused, refused with { At = null }],
            },
            default
        );
        Assert.Equal(
            ["∅|1", $"{UnixMicroseconds.From(Time("10:01"))}|2"],
            await storage.RowsAsync("SELECT \"At\", \"Count\" FROM \"Rejections\" ORDER BY \"Count\"")
        );
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task Two_series_of_one_key_are_refused(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        var one = Series("one");
        await storage.ExecuteAsync(
            $"INSERT INTO series (id, source, provider, metric, labels, statistic, period_ms, first_seen) VALUES ({one.Id}, "
                + $"'rack', 'prometheus', 'power', '{{}}', 0, 0, {(engine == StorageEngine.Postgres ? "now()" : "0")})"
        );
        var exception = await Assert.ThrowsAsync<StorageException>(() => storage.CommitAsync(At(one, "10:01", 1)));
        Assert.True(StorageFault.IsOutside(exception));
        Assert.Equal(["0"], await storage.RowsAsync("SELECT count(*) FROM samples"));
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task A_series_comes_back_as_it_was_stored(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        var series = new Series(
            "rack",
            "aws-cloudwatch",
            "CPU",
            Labels.Of(("z", "Ü \"x\"\n"), ("a", "1")),
            Statistic.Average,
            TimeSpan.FromMinutes(1)
        );
        await storage.CommitAsync(new Observation(series, new(Time("10:01"), Time("10:02"), 0.1)));

        await using var later = storage.Again();
        var found = Assert.Single(await later.Facts.SamplesAsync(new(Time("10:01"), Time("10:30")), default));

        Assert.Equal(
            (series.Id, "rack", "aws-cloudwatch", "CPU", Statistic.Average, TimeSpan.FromMinutes(1)),
            (found.Series.Id, found.Series.Source, found.Series.Provider, found.Series.Metric, found.Series.Statistic, found.Series.Period)
        );
        Assert.Equal("Ü \"x\"\n", found.Series.Labels["z"]);
        Assert.Equal([new Sample(Time("10:01"), Time("10:02"), 0.1)], found.Samples.ToArray());
        Assert.Equal(DateTimeKind.Utc, found.Samples.Span[0].Start.Kind);
        Assert.Equal(["{\"a\":\"1\",\"z\":\"Ü \\\"x\\\"\\n\"}"], await storage.RowsAsync("SELECT labels FROM series"));
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite, "9e999")]
    [InlineData(StorageEngine.Sqlite, "-9e999")]
    [InlineData(StorageEngine.Sqlite, "9e999 - 9e999")]
    [InlineData(StorageEngine.Sqlite, "-0.5")]
    [InlineData(StorageEngine.Sqlite, "1.1e24")]
    [InlineData(StorageEngine.Postgres, "'NaN'")]
    [InlineData(StorageEngine.Postgres, "'Infinity'")]
    [InlineData(StorageEngine.Postgres, "'-Infinity'")]
    [InlineData(StorageEngine.Postgres, "-0.5")]
    [InlineData(StorageEngine.Postgres, "1.1e24")]
    public async Task The_table_refuses_what_no_meter_shows(StorageEngine engine, string value)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        await storage.CommitAsync(At(Series("one"), "10:01", 1));
        var exception = await Assert.ThrowsAnyAsync<System.Data.Common.DbException>(() =>
            storage.ExecuteAsync($"UPDATE samples SET value = {value}")
        );
        // SQLite makes NaN a null, which the column refuses.
        Assert.Matches(value == "9e999 - 9e999" ? "NOT NULL" : "ck_samples_value", exception.Message);
    }

    [Fact]
    public async Task Month_partitions_are_made_when_their_first_sample_comes_and_dropped_by_retention()
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, StorageEngine.Postgres);
        var one = Series("one");
        await storage.CommitAsync(
            new Observation(one, Sample.At(new(2025, 12, 31, 23, 59, 59, DateTimeKind.Utc), 1)),
            new Observation(one, Sample.At(new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc), 2)),
            new Observation(one, Sample.At(new(2026, 3, 1, 0, 0, 0, DateTimeKind.Utc), 3))
        );
        const string partitions =
            "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE "
            + "inhparent = 'samples'::regclass ORDER BY 1";
        Assert.Equal(
            [
                "samples_y2025m12|FOR VALUES FROM ('2025-12-01 00:00:00+00') TO ('2026-01-01 00:00:00+00')",
                "samples_y2026m01|FOR VALUES FROM ('2026-01-01 00:00:00+00') TO ('2026-02-01 00:00:00+00')",
                "samples_y2026m03|FOR VALUES FROM ('2026-03-01 00:00:00+00') TO ('2026-04-01 00:00:00+00')",
            ],
            await storage.RowsAsync(partitions)
        );
        Assert.Equal(["1"], await storage.RowsAsync("SELECT value FROM samples_y2025m12"));

        await storage.Retention.DropBeforeAsync(new(2026, 2, 20, 0, 0, 0, DateTimeKind.Utc), null, default);

        Assert.Equal(["samples_y2026m03"], (await storage.RowsAsync(partitions)).Select(row => row.Split('|')[0]));
        // It can come again, for instance when a backfill is asked for.
        Assert.Equal(
            1,
            (await storage.CommitAsync(new Observation(one, Sample.At(new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc), 2)))).Written
        );
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task What_retention_forgot_is_not_computed_again(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        var old = new DateTime(2025, 12, 31, 10, 0, 0, DateTimeKind.Utc);
        await storage.ReplaceAsync(old, Energy(Gpu, old, 1, 1, 1), Work(old, 1));
        await storage.ReplaceAsync(Ten, Energy(Gpu, Ten, 2, 2, 2), Work(Ten, 1));

        await storage.Retention.DropBeforeAsync(new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc), null, default);
        await storage.Facts.MarkAllDirtyAsync(default);

        Assert.Equal([Ten], (await storage.Facts.DirtyHoursAsync(10, default)).Select(hour => hour.Hour));
        Assert.Equal(["1"], await storage.RowsAsync("SELECT count(*) FROM samples"));
        Assert.Equal(
            ["2|2|2"],
            await storage.RowsAsync(
                "SELECT count(*), (SELECT count(*) FROM energy_facts), (SELECT count(*) FROM intensity_days) FROM intensity_hours"
            )
        );
        await storage.Retention.DropBeforeAsync(
            new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc),
            new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc),
            default
        );
        Assert.Equal(["2|1"], await storage.RowsAsync("SELECT count(*), (SELECT count(*) FROM energy_facts) FROM intensity_hours"));
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task Any_order_any_split_and_any_repetition_give_the_same_rows(StorageEngine engine)
    {
        var random = new Random(20260115);
        var series = new[] { Series("one"), Series("two"), Series("tokens", "tokens") };
        var all = Enumerable
            .Range(0, 240)
            .SelectMany(i =>
                series.Select(of => new Observation(of, Sample.At(Time("08:30").AddSeconds(45 * i), (i * 7 + of.Metric.Length) % 97)))
            )
            .ToArray();
        string? expected = null;
        for (var run = 0; run < 3; run++)
        {
            await using var storage = await TestStorage.MigratedAsync(cluster, engine);
            Observation[] order = [.. all];
            if (run > 0)
            {
                order = [.. all, .. all.Where(_ => random.Next(3) == 0)];
                random.Shuffle(order);
            }
            for (var from = 0; from < order.Length; )
            {
                var size = run == 0 ? order.Length : random.Next(1, 200);
                await storage.CommitAsync([.. order.Skip(from).Take(size)]);
                from += size;
                if (run == 2 && random.Next(2) == 0)
                    await storage.RecomputeAsync();
            }
            await storage.RecomputeAsync();
            var dump = await storage.DumpAsync();
            Assert.Equal(720, (await storage.RowsAsync("SELECT value FROM samples")).Count);
            Assert.Equal(expected ??= dump, dump);
        }
        Assert.Contains("counter_reset", expected, StringComparison.Ordinal);
    }
}
