using Metrics.Storage.Engine;
using Xunit;
using static Metrics.SystemTests.Storage.Fleet;

namespace Metrics.SystemTests.Storage;

/// <summary>Rows that contradict themselves are found, whoever made them, and no others.</summary>
public sealed class ContradictionTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>
{
    public static TheoryData<StorageEngine> Engines { get; } = [StorageEngine.Sqlite, StorageEngine.Postgres];

    [Theory(DisplayName = "A boundary above a wider one and a number outside its bounds are found in each set")]
    [MemberData(nameof(Engines))]
    public async Task Found(StorageEngine engine)
    {
        await using var database = await TestStorage.MigratedAsync(cluster, engine);
        await using var storage = database.WithSimulatedClock();
        await storage.SetClockAsync(Ten.AddHours(1));
        await storage.ReplaceAsync(
            Ten,
            Energy(Gpu, Ten, 1000, 1000, 1500).Bounded(1400, 1600),
            Energy(Node, Ten, null, 500, 750).Bounded(700, 800),
            Work(Ten, 100)
        );
        Assert.All(await storage.Contradictions.FindAsync(default), found => Assert.Equal(0, found.Count));

        await storage.ExecuteAsync("UPDATE energy_facts SET accelerator_joules = 1200 WHERE accelerator_joules = 1000");
        await storage.ExecuteAsync("UPDATE intensity_hours SET matched_low_facility_joules = 2500");
        await storage.ExecuteAsync("UPDATE intensity_days SET high_joules = 2200");

        var found = await storage.Contradictions.FindAsync(default);
        Assert.Equal([("EnergyFacts", 1L), ("HourlyIntensities", 1L), ("DailyIntensities", 1L)], found.Select(set => (set.Set, set.Count)));
        Assert.Equal(
            [
                $"EnergyFacts(DeploymentId={Fleet.Deployment.Id},ResourceId={Gpu.Id},PeriodStart={Ten:yyyy-MM-ddTHH:mm:ssZ}): "
                    + "AcceleratorJoules 1200 is more than ServerJoules 1000",
                $"HourlyIntensities(DeploymentId={Fleet.Deployment.Id},FunctionalUnit='token',PeriodStart={Ten:yyyy-MM-ddTHH:mm:ssZ}): "
                    + "MatchedLowFacilityJoules 2500 is more than MatchedFacilityJoules 2250",
                $"DailyIntensities(DeploymentId={Fleet.Deployment.Id},FunctionalUnit='token',PeriodStart={Ten:yyyy-MM-dd}T00:00:00Z): "
                    + "COALESCE(FacilityJoules, ServerJoules, AcceleratorJoules) 2250 is more than HighJoules 2200",
            ],
            found.SelectMany(set => set.Examples)
        );
    }

    [Theory(DisplayName = "Boards read for ten minutes may have drawn more than their server in five: that is no contradiction")]
    [MemberData(nameof(Engines))]
    public async Task Not_of_a_part(StorageEngine engine)
    {
        await using var database = await TestStorage.MigratedAsync(cluster, engine);
        await using var storage = database.WithSimulatedClock();
        await storage.SetClockAsync(Ten.AddHours(1));
        await storage.ReplaceAsync(
            Ten,
            Energy(Gpu, Ten, 1000, 1000, 1500),
            Energy(Gpu, Ten.AddMinutes(5), 1000, null, null),
            Work(Ten, 100)
        );

        Assert.Equal(["2000|1000"], await storage.RowsAsync("SELECT accelerator_joules, server_joules FROM intensity_hours"));
        Assert.All(await storage.Contradictions.FindAsync(default), found => Assert.Equal(0, found.Count));
    }
}
