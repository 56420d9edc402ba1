using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Storage.Engine;
using Metrics.Storage.Schema;
using Xunit;
using static Metrics.SystemTests.Storage.Fleet;

namespace Metrics.SystemTests.Storage;

/// <summary>Which hours a changed factor reaches, when a number is final, and what is told when it changes after that.</summary>
public sealed class RestatementTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>
{
    /// <summary>Of the plain sums; those that ratios divide are told likewise.</summary>
    private const string Restatements =
        "SELECT \"FunctionalUnit\", \"PeriodStart\", \"Measure\", \"Old\", \"New\", \"OldFactorVersion\", \"NewFactorVersion\", "
        + "\"Reason\" FROM \"Restatements\" WHERE \"Measure\" NOT LIKE '%matched%' "
        + "ORDER BY \"PeriodStart\", \"Measure\", \"FunctionalUnit\", \"Id\"";

    private static Factor Grid(double grams, DateOnly from, string version, DateOnly? to = null) =>
        new()
        {
            Kind = FactorKind.GridIntensity,
            Place = "country/DE",
            Method = FactorMethod.LocationAverage,
            Value = grams,
            Source = "https://example.org/grid",
            Licence = "CC-BY-4.0",
            Retrieved = new(2026, 1, 2),
            Vintage = from.Year,
            From = from,
            To = to,
            Version = version,
        };

    private static FactorBook Book(params Factor[] factors) => FactorBook.Published.With(factors);

    private static DateTime Utc(int year, int month, int day, int hour) => new(year, month, day, hour, 0, 0, DateTimeKind.Utc);

    /// <summary>One sample in each hour, read to an hour after the last of them.</summary>
    private static async Task ReadAsync(TestStorage storage, double value, params DateTime[] hours)
    {
        var read = Read([.. hours.Select(hour => new Observation(Series("one"), Sample.At(hour, value)))]) with
        {
            Watermark = hours.Max().AddHours(2),
        };
        Assert.NotNull(await storage.Log.CommitAsync(await storage.ClaimAsync(), read, default));
    }

    /// <summary>Stands in for the normaliser: a sample of one is a kilowatt-hour, whose grams are the grid's of its day, for ten
    /// tokens.</summary>
    private static async Task RecomputeAsync(TestStorage storage, FactorBook book)
    {
        foreach (var dirty in await storage.Facts.DirtyHoursAsync(1000, default))
        {
            var value = (await storage.Facts.SamplesAsync(new Interval(dirty.Hour, dirty.Hour.AddMinutes(59)), default))
                .Single()
                .Samples.Span[0]
                .Value;
            var grid = book.Find(FactorKind.GridIntensity, FactorMethod.LocationAverage, Hall, DateOnly.FromDateTime(dirty.Hour));
            var joules = value * 3.6e6;
            await storage.Facts.ReplaceHourAsync(
                dirty,
                Period(
                    Energy(Node, dirty.Hour, null, joules, joules).With(Measures.Operational, value * grid?.Value) with
                    {
                        Factors = grid?.Name ?? "",
                        Missing = grid is null ? MissingReasons.GridUnknown : MissingReasons.None,
                    },
                    Work(dirty.Hour, 10)
                ),
                default
            );
        }
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task P14_a_new_version_of_a_factor_restates_the_hours_that_it_holds_for_and_no_other(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        var (before, first, later) = (Utc(2024, 12, 31, 23), Utc(2025, 1, 1, 0), Utc(2025, 6, 1, 12));
        var old = Book(Grid(300, new(2024, 1, 1), "e1"), Grid(350, new(2025, 1, 1), "e1"));
        await storage.Facts.SyncFactorsAsync(old, [], default);
        await ReadAsync(storage, 1, before, first, later);
        await RecomputeAsync(storage, old);
        Assert.Equal(3, await storage.Facts.FinaliseAsync(["rack"], default));
        var stamp = await storage.RowsAsync($"SELECT \"RecomputedAt\" FROM \"HourlyIntensities\" WHERE \"OperationalGrams\" = 300");

        // The same book again changes nothing; a better value of 2025 changes 2025.
        Assert.Equal(0, await storage.Facts.SyncFactorsAsync(old, [], default));
        var revised = Book(Grid(300, new(2024, 1, 1), "e1"), Grid(340, new(2025, 1, 1), "e2"));
        Assert.Equal(2, await storage.Facts.SyncFactorsAsync(revised, [], default));
        await RecomputeAsync(storage, revised);

        const string name = "grid_intensity:country/DE:location_average@";
        Assert.Equal(
            [
                $"token|{UnixMicroseconds.From(first)}|operational_grams|350|340|{name}e1|{name}e2|factors_changed",
                $"token|{UnixMicroseconds.From(later)}|operational_grams|350|340|{name}e1|{name}e2|factors_changed",
            ],
            await storage.RowsAsync(Restatements)
        );
        Assert.Equal(
            [$"300|{name}e1", $"340|{name}e2", $"340|{name}e2"],
            await storage.RowsAsync("SELECT \"OperationalGrams\", \"FactorVersion\" FROM \"HourlyIntensities\" ORDER BY \"PeriodStart\"")
        );
        Assert.Equal(
            stamp,
            await storage.RowsAsync($"SELECT \"RecomputedAt\" FROM \"HourlyIntensities\" WHERE \"OperationalGrams\" = 300")
        );
        // Both versions stay to be read, the old one as no longer in use.
        Assert.Equal(
            ["e1|300|2024-01-01|2025-01-01|2024|1", "e1|350|2025-01-01|∅|2025|0", "e2|340|2025-01-01|∅|2025|1"],
            await storage.RowsAsync(
                "SELECT \"Version\", \"Value\", \"ValidFrom\", \"ValidTo\", \"Vintage\", CASE WHEN \"SupersededAt\" IS NULL THEN "
                    + "1 ELSE 0 END FROM \"Factors\" WHERE \"Place\" = 'country/DE' AND \"Source\" = 'https://example.org/grid' ORDER "
                    + "BY 1, 2"
            )
        );
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task A_factor_that_comes_goes_or_ends_earlier_marks_the_days_on_which_that_matters(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        DateTime[] hours = [Utc(2023, 7, 1, 5), Utc(2024, 7, 1, 6), Utc(2025, 7, 1, 7), Utc(2026, 7, 1, 8)];
        await ReadAsync(storage, 1, hours);
        await storage.Facts.SyncFactorsAsync(Book(), [], default);
        await storage.TakeDirtyAsync();

        var year = Grid(300, new(2024, 1, 1), "e1");
        Assert.Equal("06 07 08", await SyncAsync(year));
        // The next year's value ends it, and nothing of 2024 is another.
        Assert.Equal("07 08", await SyncAsync(year, Grid(350, new(2025, 1, 1), "e1")));
        // The operator's own end.
        Assert.Equal("08", await SyncAsync(year, Grid(350, new(2025, 1, 1), "e1", to: new(2026, 1, 1))));
        // Another source, licence or day of retrieval is no other number.
        Assert.Equal(
            "",
            await SyncAsync(
                year with
                {
                    Source = "https://example.org/elsewhere",
                    Retrieved = new(2026, 5, 5),
                },
                Grid(350, new(2025, 1, 1), "e1", to: new(2026, 1, 1))
            )
        );
        Assert.Equal(
            ["https://example.org/elsewhere|2026-05-05"],
            await storage.RowsAsync("SELECT \"Source\", \"Retrieved\" FROM \"Factors\" WHERE \"Value\" = 300")
        );
        // 2025 goes, and 2024 holds on.
        Assert.Equal("07 08", await SyncAsync(year));
        // What comes back is in use again.
        Assert.Equal("07 08", await SyncAsync(year, Grid(350, new(2025, 1, 1), "e1")));
        Assert.Equal(
            ["350|0"],
            await storage.RowsAsync(
                "SELECT \"Value\", count(\"SupersededAt\") FROM \"Factors\" WHERE \"Value\" = 350 AND \"ValidTo\" IS NULL GROUP BY 1"
            )
        );
        Assert.Equal("06 07 08", await SyncAsync());
        // A PUE of the configuration always held.
        Assert.Equal(4, await storage.Facts.SyncFactorsAsync(Book(), [Hall], default));

        async Task<string> SyncAsync(params Factor[] factors)
        {
            await storage.Facts.SyncFactorsAsync(Book(factors), [], default);
            return await storage.TakeDirtyAsync();
        }
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task T18_the_same_export_again_with_other_values_is_told_now_and_the_old_ones_can_be_asked_for(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        var book = Book(Grid(400, new(2026, 1, 1), "e1"));
        await ReadAsync(storage, 1, Ten, Ten.AddHours(1));
        await RecomputeAsync(storage, book);
        Assert.Equal(2, await storage.Facts.FinaliseAsync(["rack"], default));

        await ReadAsync(storage, 1, Ten, Ten.AddHours(1));
        Assert.Empty(await storage.Facts.DirtyHoursAsync(10, default));
        await ReadAsync(storage, 2, Ten);
        await RecomputeAsync(storage, book);

        const string factors = "grid_intensity:country/DE:location_average@e1";
        var ten = UnixMicroseconds.From(Ten);
        Assert.Equal(
            [
                $"token|{ten}|facility_joules|3600000|7200000|{factors}|{factors}|late_data",
                $"token|{ten}|operational_grams|400|800|{factors}|{factors}|late_data",
                $"token|{ten}|server_joules|3600000|7200000|{factors}|{factors}|late_data",
            ],
            await storage.RowsAsync(Restatements)
        );
        Assert.Equal(
            ["800|720000", "400|360000"],
            await storage.RowsAsync("SELECT \"OperationalGrams\", \"JoulesPerUnit\" FROM \"HourlyIntensities\" ORDER BY \"PeriodStart\"")
        );

        Assert.Equal(
            ["matched_facility_joules|3600000|7200000", "matched_operational_grams|400|800", "matched_server_joules|3600000|7200000"],
            await storage.RowsAsync(
                "SELECT \"Measure\", \"Old\", \"New\" FROM \"Restatements\" WHERE \"Measure\" LIKE '%matched%' ORDER BY \"Measure\""
            )
        );

        // A third export is told too: all three are there to be read.
        await ReadAsync(storage, 3, Ten);
        await RecomputeAsync(storage, book);
        Assert.Equal(
            ["400|800", "800|1200"],
            await storage.RowsAsync("SELECT \"Old\", \"New\" FROM \"Restatements\" WHERE \"Measure\" = 'operational_grams' ORDER BY \"Id\"")
        );
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task An_hour_is_final_once_every_source_that_does_not_fail_was_read_an_hour_past_its_end(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        await storage.ReplaceAsync(Ten, Energy(Node, Ten, null, 1, 1), Work(Ten, 1));
        await ReadToAsync("rack", Ten.AddHours(2).AddMinutes(-1));
        Assert.Equal(0, await storage.Facts.FinaliseAsync(["rack"], default));
        // Nobody says which sources there are: nothing is final.
        await ReadToAsync("rack", Ten.AddHours(2));
        Assert.Equal(0, await storage.Facts.FinaliseAsync([], default));
        // A source that was never read to an end is waited for, one that fails is not, and one that is not configured any more neither.
        await storage.Log.RegisterAsync("cloud", "prometheus", null, default);
        await storage.Log.RegisterAsync("gone", "prometheus", null, default);
        Assert.Equal(0, await storage.Facts.FinaliseAsync(["rack", "cloud"], default));
        await storage.Log.FailAsync(
            (await storage.Log.ClaimAsync("cloud", "a", TimeSpan.FromMinutes(1), default))!,
            "denied",
            "No.",
            TimeSpan.Zero,
            default
        );
        Assert.Equal(["0"], await storage.RowsAsync("SELECT final FROM intensity_hours"));
        // What is about to be computed again is not final.
        await storage.Facts.MarkAllDirtyAsync(default);
        Assert.Equal(0, await storage.Facts.FinaliseAsync(["rack", "cloud"], default));
        await storage.Facts.ReplaceHourAsync(
            (await storage.Facts.DirtyHoursAsync(1, default))[0],
            Period(Energy(Node, Ten, null, 2, 2), Work(Ten, 1)),
            default
        );
        Assert.Empty(await storage.RowsAsync("SELECT * FROM \"Restatements\""));
        var stamp = await storage.RowsAsync("SELECT recomputed_at FROM intensity_hours");
        Assert.Equal(1, await storage.Facts.FinaliseAsync(["rack", "cloud"], default));
        Assert.Equal(0, await storage.Facts.FinaliseAsync(["rack", "cloud"], default));
        Assert.Equal(stamp, await storage.RowsAsync("SELECT recomputed_at FROM intensity_hours WHERE final"));

        async Task ReadToAsync(string source, DateTime watermark)
        {
            var claim = await storage.Log.ClaimAsync(source, "a", TimeSpan.FromMinutes(5), default);
            Assert.NotNull(await storage.Log.CommitAsync(claim!, Read() with { Watermark = watermark }, default));
        }
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task Rows_that_come_to_a_final_hour_or_leave_it_are_told_and_a_last_digit_is_not(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        await ReadAsync(storage, 1, Ten);
        await storage.Facts.ReplaceHourAsync(
            (await storage.Facts.DirtyHoursAsync(1, default))[0],
            Period(Energy(Node, Ten, null, 100, null).With(Measures.Embodied, 0.5) with { Factors = "a" }, Work(Ten, 10)),
            default
        );
        await storage.Facts.FinaliseAsync(["rack"], default);

        // In the thirteenth digit, as after a sum in another order.
        await AgainAsync(
            Energy(Node, Ten, null, 100 * (1 + 5e-13), null).With(Measures.Embodied, 0.5) with
            {
                Factors = "a",
            },
            Work(Ten, 10)
        );
        Assert.Empty(await storage.RowsAsync(Restatements));
        await AgainAsync(Energy(Node, Ten, null, 100, 150) with { Factors = "b" }, Work(Ten, 10), Work(Ten, 4, "request"));
        await AgainAsync();

        var ten = UnixMicroseconds.From(Ten);
        Assert.Equal(
            [
                $"token|{ten}|embodied_grams|0.5|∅|a|b|rules_changed",
                $"request|{ten}|facility_joules|∅|150|∅|b|rules_changed",
                $"request|{ten}|facility_joules|150|∅|b|∅|rules_changed",
                $"token|{ten}|facility_joules|∅|150|a|b|rules_changed",
                $"token|{ten}|facility_joules|150|∅|b|∅|rules_changed",
                $"request|{ten}|server_joules|∅|100|∅|b|rules_changed",
                $"request|{ten}|server_joules|100|∅|b|∅|rules_changed",
                $"token|{ten}|server_joules|100|∅|b|∅|rules_changed",
                $"request|{ten}|units|∅|4|∅|b|rules_changed",
                $"request|{ten}|units|4|∅|b|∅|rules_changed",
                $"token|{ten}|units|10|∅|b|∅|rules_changed",
            ],
            await storage.RowsAsync(Restatements)
        );

        async Task AgainAsync(params object[] facts)
        {
            await storage.Facts.MarkAllDirtyAsync(default);
            Assert.True(await storage.Facts.ReplaceHourAsync((await storage.Facts.DirtyHoursAsync(1, default))[0], Period(facts), default));
        }
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task Of_several_reasons_to_compute_an_hour_again_new_data_weighs_most_and_factors_least(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        await ReadAsync(storage, 1, Ten);
        await storage.TakeDirtyAsync();
        var seen = new List<string>();
        await storage.Facts.SyncFactorsAsync(Book(Grid(1, new(2020, 1, 1), "a")), [], default);
        seen.AddRange(await storage.RowsAsync("SELECT reason FROM dirty_hours"));
        await storage.Facts.MarkAllDirtyAsync(default);
        seen.AddRange(await storage.RowsAsync("SELECT reason FROM dirty_hours"));
        await storage.Facts.SyncFactorsAsync(Book(Grid(2, new(2020, 1, 1), "a")), [], default);
        seen.AddRange(await storage.RowsAsync("SELECT reason FROM dirty_hours"));
        await ReadAsync(storage, 2, Ten);
        await storage.Facts.MarkAllDirtyAsync(default);
        seen.AddRange(await storage.RowsAsync("SELECT reason FROM dirty_hours"));
        Assert.Equal(["factors_changed", "rules_changed", "rules_changed", "late_data"], seen);
    }
}
