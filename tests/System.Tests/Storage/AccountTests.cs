using Metrics.Domain.Facts;
using Metrics.Storage.Engine;
using Xunit;
using static Metrics.SystemTests.Storage.Fleet;

namespace Metrics.SystemTests.Storage;

/// <summary>What hours, days and months say of grams, litres, bounds and factors.</summary>
public sealed class AccountTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>
{
    private const string Accounts =
        "SELECT \"OperationalGrams\", \"MarginalGrams\", \"MarketBasedGrams\", \"EmbodiedGrams\", \"SciGramsPerUnit\", "
        + "\"WaterLitres\", \"LowJoules\", \"HighJoules\", \"FactorVersion\", \"Missing\" FROM ";

    private static EnergyFact OfGpu(DateTime start) =>
        Energy(Gpu, start, 1000, 1000, 1500, idle: 200)
            .Bounded(1425, 1575)
            .With(Measures.Operational, 0.25)
            .With(Measures.Marginal, 0.5)
            .With(Measures.MarketBased, 0)
            .With(Measures.Embodied, 0.125)
            .With(Measures.Water, 0.5) with
        {
            Factors = "grid_intensity:country/DE:location_average@e pue:onprem/dc-1@config",
        };

    private static EnergyFact OfNode(DateTime start) =>
        Energy(Node, start, null, 500, 750, idle: 100)
            .Bounded(600, 900)
            .With(Measures.Operational, 0.125)
            .With(Measures.Marginal, 0.25)
            .With(Measures.MarketBased, 0)
            .With(Measures.Embodied, 0.125)
            .With(Measures.Water, 0.25) with
        {
            Factors = "grid_intensity:country/DE:location_average@e wue:onprem/dc-1@config",
        };

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task T13_a_market_based_number_has_its_own_column_and_is_never_in_the_score(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        await storage.ReplaceAsync(Ten, OfGpu(Ten), OfNode(Ten), Work(Ten, 50));
        // (0.25 + 0.125 + 0.125 + 0.125) g / 50: neither the zero of the certificates nor the marginal 0.75 g is in it.
        Assert.Equal(
            [
                "0.375|0.75|0|0.25|0.0125|0.75|2025|2475|grid_intensity:country/DE:location_average@e pue:onprem/dc-1@config "
                    + "wue:onprem/dc-1@config|∅",
            ],
            await storage.RowsAsync(Accounts + "\"HourlyIntensities\"")
        );
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task P06_a_column_that_one_resource_does_not_know_is_unknown_in_that_period_and_the_row_says_why(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        var five = Ten.AddMinutes(5);
        await storage.ReplaceAsync(
            Ten,
            OfGpu(Ten),
            OfNode(Ten),
            OfGpu(five),
            OfNode(five).With(Measures.MarketBased, null).With(Measures.Embodied, null) with
            {
                Missing = MissingReasons.EmbodiedUnknown,
            },
            Work(Ten, 100),
            Work(five, 100)
        );
        // An hour without a factor of the grid at all: null, and not zero.
        await storage.ReplaceAsync(
            Ten.AddHours(1),
            OfGpu(Ten.AddHours(1)).With(Measures.Operational, null) with
            {
                Missing = MissingReasons.BusyUnknown | MissingReasons.GridUnknown,
            },
            OfNode(Ten.AddHours(1)).With(Measures.Operational, null).With(Measures.Water, null) with
            {
                Missing = MissingReasons.GridUnknown | MissingReasons.WueUnknown,
            },
            Work(Ten.AddHours(1), 100)
        );

        const string factors = "grid_intensity:country/DE:location_average@e pue:onprem/dc-1@config wue:onprem/dc-1@config";
        Assert.Equal(
            [
                // The score is of the first five minutes, in which the making of both is known: 0.375 g and 0.25 g for 100 tokens.
                $"0.75|1.5|0|0.375|0.00625|1.5|4050|4950|{factors}|embodied_unknown",
                $"∅|0.75|0|0.25|∅|0.5|2025|2475|{factors}|busy_unknown grid_unknown wue_unknown",
            ],
            await storage.RowsAsync(Accounts + "\"HourlyIntensities\" ORDER BY \"PeriodStart\"")
        );
        Assert.Equal(
            ["0.125|0.25|∅", "∅|0.25|embodied_unknown", "0.125|∅|grid_unknown wue_unknown"],
            await storage.RowsAsync(
                "SELECT \"EmbodiedGrams\", \"WaterLitres\", \"Missing\" FROM \"EnergyFacts\" WHERE \"FactorVersion\" LIKE '% "
                    + "wue:%' ORDER BY \"PeriodStart\""
            )
        );
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task Bounds_are_of_the_widest_boundary_of_the_row_where_it_is_known(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        var (five, eleven, twelve, one) = (Ten.AddMinutes(5), Ten.AddHours(1), Ten.AddHours(2), Ten.AddHours(3));
        // The facility is known in the first five minutes only.
        await storage.ReplaceAsync(
            Ten,
            OfGpu(Ten),
            OfNode(Ten),
            OfGpu(five),
            OfNode(five).With(Measures.Facility, null).Bounded(450, 550),
            Work(Ten, 100)
        );
        // Of the accelerator alone.
        await storage.ReplaceAsync(
            eleven,
            OfGpu(eleven),
            OfNode(eleven).With(Measures.Facility, null).Bounded(450, 550),
            Work(eleven, 100)
        );
        // The node is unknown.
        await storage.ReplaceAsync(twelve, OfGpu(twelve), Energy(Node, twelve, null, null, null), Work(twelve, 100));
        // One resource without bounds leaves none.
        await storage.ReplaceAsync(one, OfGpu(one), OfNode(one).Bounded(600, null), Work(one, 100));

        Assert.Equal(
            ["3750|3450|4050", "1500|1425|1575", "1500|1425|1575", "2250|∅|∅"],
            await storage.RowsAsync(
                "SELECT \"FacilityJoules\", \"LowJoules\", \"HighJoules\" FROM \"HourlyIntensities\" ORDER BY \"PeriodStart\""
            )
        );
        // The bounds of one of its hours are unknown.
        Assert.Equal(
            ["9000|∅|∅"],
            await storage.RowsAsync("SELECT \"FacilityJoules\", \"LowJoules\", \"HighJoules\" FROM \"DailyIntensities\"")
        );
        await storage.ReplaceAsync(one);
        Assert.Equal(
            ["6750|6300|7200"],
            await storage.RowsAsync("SELECT \"FacilityJoules\", \"LowJoules\", \"HighJoules\" FROM \"DailyIntensities\"")
        );
        Assert.Equal(
            ["6750|6300|7200"],
            await storage.RowsAsync("SELECT \"FacilityJoules\", \"LowJoules\", \"HighJoules\" FROM \"MonthlyIntensities\"")
        );
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task Days_and_months_add_what_hours_account_and_name_every_factor_once(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        var (next, third) = (Ten.AddDays(1), Ten.AddDays(2));
        await storage.ReplaceAsync(Ten, OfGpu(Ten), Work(Ten, 100), Work(Ten, 10, "request"));
        await storage.ReplaceAsync(
            Ten.AddHours(1),
            OfNode(Ten.AddHours(1)).With(Measures.Water, null) with
            {
                Missing = MissingReasons.WueUnknown,
            }
        );
        await storage.ReplaceAsync(
            next,
            OfGpu(next) with
            {
                Factors = "grid_intensity:country/DE:location_average@f pue:onprem/dc-1@config",
                Missing = MissingReasons.BusyUnknown,
            },
            Work(next, 300)
        );
        // A day without PUE: its bounds are its server's, and the month has the facility.
        await storage.ReplaceAsync(
            third,
            OfGpu(third).With(Measures.Facility, null).Bounded(950, 1050).With(Measures.Operational, null) with
            {
                Factors = "",
                Missing = MissingReasons.PueUnknown,
            },
            Work(third, 100)
        );

        const string first =
            "0.375|0.75|0|0.25|{0}|0.5|2025|2475|grid_intensity:country/DE:location_average@e pue:onprem/dc-1@config "
            + "wue:onprem/dc-1@config|wue_unknown";
        Assert.Equal(
            [
                // Of the hour with work alone: 0.25 g and 0.125 g for 10 requests and 100 tokens.
                first.Replace("{0}", "0.0375", StringComparison.Ordinal),
                first.Replace("{0}", "0.00375", StringComparison.Ordinal),
                "0.25|0.5|0|0.125|0.00125|0.5|1425|1575|grid_intensity:country/DE:location_average@f pue:onprem/dc-1@config|busy_unknown",
                "∅|0.5|0|0.125|∅|0.5|950|1050|∅|pue_unknown",
            ],
            await storage.RowsAsync(Accounts + "\"DailyIntensities\" ORDER BY \"PeriodStart\", \"FunctionalUnit\"")
        );
        // 0.375 + 0.25 g of operation and 0.25 + 0.125 + 0.125 g of making. The tokens of the third day have no grams: 0.375 + 0.375 g for
        // 400 tokens. Bounds: 2025 + 1425 and 2475 + 1575.
        const string month =
            "0.625|1.75|0|0.5|{0}|1.5|3450|4050|grid_intensity:country/DE:location_average@e "
            + "grid_intensity:country/DE:location_average@f pue:onprem/dc-1@config wue:onprem/dc-1@config|busy_unknown pue_unknown "
            + "wue_unknown";
        Assert.Equal(
            [month.Replace("{0}", "0.0375", StringComparison.Ordinal), month.Replace("{0}", "0.001875", StringComparison.Ordinal)],
            await storage.RowsAsync(Accounts + "\"MonthlyIntensities\" ORDER BY \"FunctionalUnit\"")
        );
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task Energy_without_the_idle_share_is_told_beside_the_whole(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        // 300 of 1500 J at the server were idle, so 450 of 2250 J at the facility: 1800 J for 100 tokens.
        await storage.ReplaceAsync(Ten, OfGpu(Ten), OfNode(Ten), Work(Ten, 100));
        await storage.ReplaceAsync(
            Ten.AddHours(1),
            OfGpu(Ten.AddHours(1)),
            OfNode(Ten.AddHours(1)).With(Measures.Idle, null),
            Work(Ten.AddHours(1), 100)
        );
        Assert.Equal(
            ["300|22.5|18", "200|22.5|∅"],
            await storage.RowsAsync(
                "SELECT \"IdleJoules\", \"JoulesPerUnit\", \"ActiveJoulesPerUnit\" FROM \"HourlyIntensities\" ORDER BY \"PeriodStart\""
            )
        );
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task An_active_ratio_is_of_the_time_in_which_the_idle_part_of_the_server_is_known(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        var (five, eleven) = (Ten.AddMinutes(5), Ten.AddHours(1));
        // The boards idled at 900 J while nobody metered the server: 1100 of the server's 1000 J would be idle, and a token would give
        // energy back. Of the first five minutes all is known: 200 of 1000 J were idle, so 1200 of 1500 J were not.
        await storage.ReplaceAsync(
            Ten,
            OfGpu(Ten),
            Energy(Gpu, five, 900, null, null, idle: 900) with
            {
                Missing = MissingReasons.ServerUnmetered,
            },
            Work(Ten, 100),
            Work(five, 100)
        );
        // Of one period of two nobody knows how busy it was.
        await storage.ReplaceAsync(
            eleven,
            OfGpu(eleven),
            OfGpu(eleven.AddMinutes(5)).With(Measures.Idle, null) with
            {
                Missing = MissingReasons.BusyUnknown,
            },
            Work(eleven, 100),
            Work(eleven.AddMinutes(5), 100)
        );
        foreach (var set in new[] { "HourlyIntensities", "DailyIntensities", "MonthlyIntensities" })
            Assert.All(await storage.RowsAsync($"SELECT \"ActiveJoulesPerUnit\" FROM \"{set}\""), row => Assert.Equal("12", row));
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task An_account_that_is_no_number_is_refused_by_the_table(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        await Assert.ThrowsAnyAsync<Exception>(() => storage.ReplaceAsync(Ten, OfGpu(Ten).With(Measures.Water, double.PositiveInfinity)));
        await Assert.ThrowsAnyAsync<Exception>(() => storage.ReplaceAsync(Ten, OfGpu(Ten).With(Measures.Low, -1)));
        Assert.Empty(await storage.RowsAsync("SELECT * FROM \"EnergyFacts\""));
    }
}
