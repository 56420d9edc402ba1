using Metrics.Domain.Catalogue;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Reference;
using Metrics.Storage.Engine;
using Metrics.Storage.Schema;
using Xunit;
using static Metrics.SystemTests.Storage.Fleet;

namespace Metrics.SystemTests.Storage;

public sealed class FactStoreTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>
{
    private const string Sums =
        "SELECT \"FunctionalUnit\", \"Units\", \"AcceleratorJoules\", \"ServerJoules\", \"FacilityJoules\", \"JoulesPerUnit\", "
        + "\"AcceleratorJoulesPerUnit\", \"ServerJoulesPerUnit\", \"MeasuredShare\", \"Coverage\", \"Evidence\", \"NullReason\" "
        + "FROM ";

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task An_hour_is_the_sum_of_its_facts_and_its_intensity_a_sum_over_a_sum(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        // GPU 1000 + 3000 J, 100 + 900 tokens: 4 J a token, where the mean of the two ratios would say 6.7. Half of the second five
        // minutes nothing is known of the node, so that the server's ratios are of the first: 1500 J and 2250 J for 100 tokens.
        await storage.ReplaceAsync(
            Ten,
            Energy(Gpu, Ten, 1000, 1000, 1500),
            Energy(Node, Ten, null, 500, 750, measured: 0, evidence: Evidence.Modelled),
            Energy(Gpu, Ten.AddMinutes(5), 3000, 3000, 4500),
            Energy(Node, Ten.AddMinutes(5), null, 500, 750, measured: 500, covered: 150),
            Work(Ten, 100),
            Work(Ten.AddMinutes(5), 900),
            Work(Ten, 4, "request")
        );

        Assert.Equal(
            ["request|4|4000|5000|7500|562.5|250|375|0.9|0.5|modelled|∅", "token|1000|4000|5000|7500|22.5|4|15|0.9|0.5|modelled|∅"],
            await storage.RowsAsync(Sums + "\"HourlyIntensities\" ORDER BY \"FunctionalUnit\"")
        );
        Assert.Equal(
            ["chat|org/model|fp8|onprem|∅|dc-1|H100|20260115|2026-01-15"],
            await storage.RowsAsync(
                "SELECT DISTINCT \"Workload\", \"Model\", \"Precision\", \"Provider\", \"Account\", \"Region\", \"Hardware\", "
                    + "\"DateKey\", \"Date\" FROM \"HourlyIntensities\""
            )
        );
        Assert.Equal(
            [$"{UnixMicroseconds.From(Ten)}|{UnixMicroseconds.From(Ten.AddHours(1))}"],
            await storage.RowsAsync("SELECT DISTINCT \"PeriodStart\", \"PeriodEnd\" FROM \"HourlyIntensities\"")
        );
        Assert.Equal(
            ["chat|onprem|dc-1|onprem/dc-1|DE|H100|1"],
            await storage.RowsAsync(
                "SELECT \"Workload\", \"Provider\", \"Region\", \"Place\", \"Country\", \"Hardware\", \"Accelerators\" FROM \"Deployments\""
            )
        );
        Assert.Equal(
            ["gpu|gpu-1|node-1|H100", "node|node-1|∅|∅"],
            await storage.RowsAsync("SELECT \"Kind\", \"Name\", \"Node\", \"Hardware\" FROM \"Resources\" ORDER BY \"Kind\"")
        );
        Assert.Equal(
            ["gpu|1|1|measured", "gpu|1|1|measured", "node|0|1|modelled", "node|1|0.5|measured"],
            await storage.RowsAsync(
                "SELECT \"ResourceKind\", \"MeasuredShare\", \"Coverage\", \"Evidence\" FROM \"EnergyFacts\" ORDER BY "
                    + "\"ResourceKind\", \"PeriodStart\""
            )
        );
        Assert.Equal(
            ["request|4|1", "token|100|1", "token|900|1"],
            await storage.RowsAsync("SELECT \"FunctionalUnit\", \"Units\", \"Coverage\" FROM \"WorkFacts\" ORDER BY 1, 2")
        );
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task Unknown_is_null_and_never_zero(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        // The node says nothing: what is known is summed, and no ratio takes the GPU alone for the server.
        await storage.ReplaceAsync(
            Ten,
            Energy(Gpu, Ten, 1000, 1000, 1500),
            Energy(Node, Ten, null, null, null, measured: 0),
            Work(Ten, 100)
        );
        // No PUE.
        await storage.ReplaceAsync(Ten.AddHours(1), Energy(Gpu, Ten.AddHours(1), 1000, 1000, null), Work(Ten.AddHours(1), 100));
        // No work counted; work counted and none done; work without energy.
        await storage.ReplaceAsync(Ten.AddHours(2), Energy(Gpu, Ten.AddHours(2), 1000, 1000, 1500));
        await storage.ReplaceAsync(Ten.AddHours(3), Energy(Gpu, Ten.AddHours(3), 1000, 1000, 1500), Work(Ten.AddHours(3), 0));
        await storage.ReplaceAsync(Ten.AddHours(4), Work(Ten.AddHours(4), 100));
        // Measured zero is a number.
        await storage.ReplaceAsync(Ten.AddHours(5), Energy(Gpu, Ten.AddHours(5), 0, 0, 0), Work(Ten.AddHours(5), 100));

        Assert.Equal(
            [
                "token|100|1000|1000|1500|∅|10|∅|1|1|measured|no_common_time",
                "token|100|1000|1000|∅|∅|10|10|1|1|measured|pue_unknown",
                "none|∅|1000|1000|1500|∅|∅|∅|1|1|measured|no_work",
                "token|0|1000|1000|1500|∅|∅|∅|1|1|measured|zero_functional_units",
                "token|100|∅|∅|∅|∅|∅|∅|∅|0|measured|no_energy",
                "token|100|0|0|0|0|0|0|∅|1|measured|∅",
            ],
            await storage.RowsAsync(Sums + "\"HourlyIntensities\" ORDER BY \"PeriodStart\"")
        );
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task A_rack_is_not_asked_for_its_servers_energy(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        await storage.ReplaceAsync(
            Ten,
            Energy(Node, Ten, null, 600, 900),
            Energy(new("pdu", "pdu-1", null, null, Hall), Ten, null, null, null, rack: 5000),
            Work(Ten, 100)
        );
        Assert.Equal(["token|100|∅|600|900|9|∅|6|1|1|measured|∅"], await storage.RowsAsync(Sums + "\"HourlyIntensities\""));
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task A_rack_dilutes_neither_the_coverage_nor_the_evidence_of_the_servers_in_it(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        await storage.ReplaceAsync(
            Ten,
            Energy(Node, Ten, null, 600, 900, covered: 180),
            Energy(new("pdu", "pdu-1", null, null, Hall), Ten, null, null, null, rack: 5000, covered: 300, evidence: Evidence.Derived)
        );
        Assert.Equal(
            ["1|0.6|measured"],
            await storage.RowsAsync("SELECT \"MeasuredShare\", \"Coverage\", \"Evidence\" FROM \"HourlyIntensities\"")
        );
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task Days_and_months_add_hours_and_count_each_hours_energy_once(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        var next = Ten.AddDays(1);
        var february = new DateTime(2026, 2, 1, 0, 0, 0, DateTimeKind.Utc);
        await storage.ReplaceAsync(Ten, Energy(Gpu, Ten, 1000, 1000, 1500), Work(Ten, 100), Work(Ten, 10, "request"));
        // An hour of waiting: its energy belongs to the day's work.
        await storage.ReplaceAsync(Ten.AddHours(1), Energy(Gpu, Ten.AddHours(1), 500, 500, 750));
        await storage.ReplaceAsync(next, Energy(Gpu, next, 2000, 2000, 3000, evidence: Evidence.Derived), Work(next, 300));
        // A day of waiting belongs to the month's.
        await storage.ReplaceAsync(next.AddDays(1), Energy(Gpu, next.AddDays(1), 100, 100, 150));
        await storage.ReplaceAsync(february, Energy(Gpu, february, 7, 7, 10.5));

        Assert.Equal(
            [
                "request|10|1500|1500|2250|150|100|100|1|0.5|measured|∅",
                "token|100|1500|1500|2250|15|10|10|1|0.5|measured|∅",
                "token|300|2000|2000|3000|10|6.666666666666667|6.666666666666667|1|1|derived|∅",
                "none|∅|100|100|150|∅|∅|∅|1|1|measured|no_work",
                "none|∅|7|7|10.5|∅|∅|∅|1|1|measured|no_work",
            ],
            await storage.RowsAsync(Sums + "\"DailyIntensities\" ORDER BY \"PeriodStart\", \"FunctionalUnit\"")
        );
        Assert.Equal(
            [
                $"request|10|3600|5400|150|derived|20260101|2026-01-01|"
                    + $"{UnixMicroseconds.From(new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc))}|{UnixMicroseconds.From(february)}",
                $"token|400|3600|5400|11.25|derived|20260101|2026-01-01|"
                    + $"{UnixMicroseconds.From(new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc))}|{UnixMicroseconds.From(february)}",
                $"none|∅|7|10.5|∅|measured|20260201|2026-02-01|{UnixMicroseconds.From(february)}|"
                    + $"{UnixMicroseconds.From(new(2026, 3, 1, 0, 0, 0, DateTimeKind.Utc))}",
            ],
            await storage.RowsAsync(
                "SELECT \"FunctionalUnit\", \"Units\", \"ServerJoules\", \"FacilityJoules\", \"JoulesPerUnit\", \"Evidence\", "
                    + "\"DateKey\", \"Date\", \"PeriodStart\", \"PeriodEnd\" FROM \"MonthlyIntensities\" ORDER BY \"PeriodStart\", "
                    + "\"FunctionalUnit\""
            )
        );
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task A_recompute_without_news_touches_no_row_and_a_change_touches_only_its_own(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        object[] facts =
        [
            Energy(Gpu, Ten, 1000, 1000, 1500),
            Energy(Node, Ten, null, 500, 750),
            Work(Ten, 100),
            new Rejection("rack", "energy", Ten, RejectionReason.CounterReset, "It fell."),
        ];
        const string stamps =
            "SELECT 1, resource_id, recomputed_at FROM energy_facts UNION ALL SELECT 2, 0, recomputed_at FROM work_facts UNION "
            + "ALL SELECT 3, 0, recomputed_at FROM intensity_hours UNION ALL SELECT 4, 0, recomputed_at FROM intensity_days UNION "
            + "ALL SELECT 5, count, last_seen FROM rejection ORDER BY 1, 2";
        await storage.ReplaceAsync(Ten, facts);
        var before = await storage.RowsAsync(stamps);
        Assert.Equal(6, before.Count);

        await storage.ReplaceAsync(Ten, facts);
        Assert.Equal(before, await storage.RowsAsync(stamps));

        await storage.ReplaceAsync(Ten, [Energy(Gpu, Ten, 1001, 1001, 1501.5), .. facts[1..]]);
        var after = await storage.RowsAsync(stamps);
        Assert.Equal(["1", "3", "4"], before.Except(after).Select(row => row[..1]));
        Assert.Contains(before, row => row.StartsWith($"1|{Node.Id}|", StringComparison.Ordinal) && after.Contains(row));
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task What_an_hour_no_longer_says_is_gone(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        await storage.ReplaceAsync(Ten.AddHours(1), Energy(Gpu, Ten.AddHours(1), 9, 9, 9), Work(Ten.AddHours(1), 9));
        await storage.ReplaceAsync(
            Ten,
            Energy(Gpu, Ten, 1, 1, 1),
            Energy(Node, Ten, null, 1, 1),
            Work(Ten, 1),
            new Rejection("rack", "energy", Ten, RejectionReason.SpanTooLong, "Two hours.")
        );
        await storage.ReplaceAsync(Ten, Energy(Node, Ten, null, 1, 1));

        Assert.Equal(
            ["node|1", "gpu|9"],
            await storage.RowsAsync("SELECT \"ResourceKind\", \"ServerJoules\" FROM \"EnergyFacts\" ORDER BY \"PeriodStart\"")
        );
        Assert.Equal(
            ["none|1", "token|9"],
            await storage.RowsAsync("SELECT \"FunctionalUnit\", \"ServerJoules\" FROM \"HourlyIntensities\" ORDER BY \"PeriodStart\"")
        );
        Assert.Equal(["token|10"], await storage.RowsAsync("SELECT \"FunctionalUnit\", \"ServerJoules\" FROM \"DailyIntensities\""));
        Assert.Empty(await storage.RowsAsync("SELECT * FROM \"Rejections\""));

        await storage.ReplaceAsync(Ten);
        await storage.ReplaceAsync(Ten.AddHours(1));
        Assert.Empty(await storage.RowsAsync("SELECT * FROM \"HourlyIntensities\""));
        Assert.Empty(await storage.RowsAsync("SELECT * FROM \"DailyIntensities\""));
        Assert.Empty(await storage.RowsAsync("SELECT * FROM \"MonthlyIntensities\""));
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task A_mark_made_during_a_recompute_survives_it_and_a_worker_that_comes_late_writes_nothing(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        await storage.CommitAsync(At(Series("one"), "10:01", 1));
        var slow = (await storage.Facts.DirtyHoursAsync(10, default)).Single();
        await storage.CommitAsync(At(Series("one"), "10:02", 2));
        var quick = (await storage.Facts.DirtyHoursAsync(10, default)).Single();
        Assert.NotEqual(slow.Mark, quick.Mark);

        Assert.True(await storage.Facts.ReplaceHourAsync(slow, Period(Energy(Gpu, Ten, 1, 1, 1)), default));
        Assert.Equal([quick], await storage.Facts.DirtyHoursAsync(10, default));
        Assert.True(await storage.Facts.ReplaceHourAsync(quick, Period(Energy(Gpu, Ten, 3, 3, 3)), default));
        Assert.Empty(await storage.Facts.DirtyHoursAsync(10, default));

        Assert.False(await storage.Facts.ReplaceHourAsync(slow, Period(Energy(Gpu, Ten, 1, 1, 1)), default));
        Assert.Equal(["3"], await storage.RowsAsync("SELECT server_joules FROM energy_facts"));
        // A mark is never used twice: the late worker cannot mistake a new marking for its own.
        await storage.CommitAsync(At(Series("one"), "10:03", 3));
        Assert.True((await storage.Facts.DirtyHoursAsync(10, default)).Single().Mark > quick.Mark);
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task Many_workers_on_one_day_lose_no_hour(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        await using var other = storage.Again();
        await storage.CommitAsync([
            .. Enumerable.Range(0, 24).Select(hour => new Observation(Series("one"), Sample.At(Ten.Date.AddHours(hour), hour))),
        ]);
        var dirty = await storage.Facts.DirtyHoursAsync(100, default);
        Assert.Equal(24, dirty.Count);

        await Parallel.ForEachAsync(dirty.Concat(dirty).Index(), new ParallelOptions { MaxDegreeOfParallelism = 6 }, async (item, token) =>
            await (item.Index % 2 == 0 ? storage : other).Facts.ReplaceHourAsync(
                item.Item,
                Period(
                    Energy(Gpu, item.Item.Hour, 1, 1, 2),
                    Energy(
                        new("gpu", $"gpu-{item.Item.Hour.Hour % 3}", "node-1", $"H{item.Item.Hour.Hour % 3}00", Hall),
                        item.Item.Hour.AddMinutes(5),
                        1,
                        1,
                        2
                    ),
                    Work(item.Item.Hour, 10)
                ),
                token
            )
        );

        Assert.Equal(
            ["token|240|48|96|0.2"],
            await storage.RowsAsync(
                "SELECT \"FunctionalUnit\", \"Units\", \"ServerJoules\", \"FacilityJoules\", \"JoulesPerUnit\" FROM \"DailyIntensities\""
            )
        );
        Assert.Equal(["H000, H100, H200|3"], await storage.RowsAsync("SELECT \"Hardware\", \"Accelerators\" FROM \"Deployments\""));
        Assert.Empty(await storage.Facts.DirtyHoursAsync(10, default));
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task A_fact_outside_its_hour_is_our_own_fault(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        await storage.CommitAsync(At(Series("one"), "10:01", 1));
        var dirty = (await storage.Facts.DirtyHoursAsync(10, default)).Single();
        await Assert.ThrowsAsync<ArgumentException>(() =>
            storage.Facts.ReplaceHourAsync(dirty, Period(Energy(Gpu, Ten.AddMinutes(58), 1, 1, 1)), default)
        );
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task New_rules_make_every_hour_with_samples_dirty_and_the_same_rules_none(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        Assert.True(await storage.Facts.MarkDirtyIfChangedAsync("one", default));
        await storage.CommitAsync(At(Series("one"), "10:01", 1), At(Series("one"), "12:01", 1));
        Assert.Equal("10 12", await storage.TakeDirtyAsync());

        Assert.False(await storage.Facts.MarkDirtyIfChangedAsync("one", default));
        Assert.Equal("", await storage.TakeDirtyAsync());
        Assert.True(await storage.Facts.MarkDirtyIfChangedAsync("two", default));
        Assert.Equal("10 12", await storage.TakeDirtyAsync());
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task The_newest_dirty_hour_comes_first(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        await storage.CommitAsync(At(Series("one"), "07:01", 1), At(Series("one"), "12:01", 1), At(Series("one"), "09:01", 1));
        Assert.Equal([Time("12:00"), Time("09:00")], (await storage.Facts.DirtyHoursAsync(2, default)).Select(hour => hour.Hour));
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task Samples_of_an_interval_come_ordered_with_both_ends(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        var (one, two) = (Series("one"), Series("two"));
        await storage.CommitAsync(At(one, "10:30", 3), At(two, "10:05", 9));
        await storage.CommitAsync(
            At(one, "09:59:59", 0),
            At(one, "10:00", 1),
            At(one, "10:10", 2),
            At(one, "11:00", 4),
            At(one, "11:00:01", 5)
        );

        var found = await storage.Facts.SamplesAsync(new(Ten, Ten.AddHours(1)), default);

        Assert.Equal(new[] { one.Id, two.Id }.Order(), found.Select(series => series.Series.Id));
        Assert.Equal([1, 2, 3, 4], found.Single(series => series.Series.Id == one.Id).Samples.ToArray().Select(sample => sample.Value));
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task Places_and_mappings_show_their_factors_and_a_new_pue_ends_the_old_one(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        var mapping = new MetricMapping
        {
            Id = "prometheus/cpu",
            Version = 2,
            Provider = "prometheus",
            Metrics = ["cpu_ratio", "cpu"],
            Unit = Unit.Parse("%"),
            Kind = SampleKind.Gauge,
            Component = Component.Cpu,
            Resource = new("node", [], ["instance"], [], []),
            Evidence = Evidence.Modelled,
            MaxSpan = TimeSpan.FromMinutes(5),
            Power = new(0.75, 3.5, null, "https://example.org/coefficients"),
            EffectiveFrom = new(2024, 2, 29),
            Reference = "https://example.org/cpu",
        };
        for (var twice = 0; twice < 2; twice++)
        {
            await storage.Facts.SyncMappingsAsync(new([mapping]), default);
            await storage.Facts.SyncFactorsAsync(FactorBook.Published, [Hall, new("desk", null, null)], default);
        }
        await storage.Facts.SyncFactorsAsync(FactorBook.Published, [Hall with { Pue = 1.25 }], default);

        Assert.Equal(
            ["prometheus/cpu|2|prometheus|cpu_ratio cpu|utilisation|%|gauge|cpu|∅|modelled|2024-02-29|https://example.org/cpu"],
            await storage.RowsAsync("SELECT * FROM \"MetricMappings\"")
        );
        Assert.Equal(
            [
                "idle_power:prometheus/cpu@2|idle_power|∅|prometheus/cpu|0.75|W|https://example.org/coefficients|2|0",
                "max_power:prometheus/cpu@2|max_power|∅|prometheus/cpu|3.5|W|https://example.org/coefficients|2|0",
                "pue:onprem/dc-1@config|pue|onprem/dc-1|annual|1.25|1|Metrics:Places:onprem/dc-1:Pue|config|0",
                "pue:onprem/dc-1@config|pue|onprem/dc-1|annual|1.5|1|Metrics:Places:onprem/dc-1:Pue|config|1",
            ],
            await storage.RowsAsync(
                "SELECT \"Name\", \"Kind\", \"Place\", \"Method\", \"Value\", \"Unit\", \"Source\", \"Version\", CASE WHEN "
                    + "\"SupersededAt\" IS NULL THEN 0 ELSE 1 END FROM \"Factors\" WHERE \"Version\" IN ('2', 'config') ORDER BY 1, 5"
            )
        );
        Assert.Equal(
            ["desk|desk||∅|∅", "onprem/dc-1|onprem|dc-1|DE|1.25"],
            await storage.RowsAsync("SELECT name, provider, region, country, pue FROM places ORDER BY 1")
        );
    }
}
