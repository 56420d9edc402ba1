using Metrics.Storage.Engine;
using Metrics.Storage.Schema;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Xunit;
using static Metrics.SystemTests.Storage.Fleet;

namespace Metrics.SystemTests.Storage;

/// <summary>A database that an earlier version filled.</summary>
[Collection(PostgresTests.Name)]
public sealed class UpgradeTests(PostgresCluster cluster)
{
    private const string First = "20261123000000_Initial";

    private static async Task<TestStorage> FirstAsync(PostgresCluster cluster, StorageEngine engine)
    {
        var storage = await TestStorage.EmptyAsync(cluster, engine);
        await using (var context = storage.Context())
            await context.GetService<IMigrator>().MigrateAsync(First);
        var next = Ten.AddHours(1);
        string At(DateTime time) =>
            engine == StorageEngine.Sqlite ? $"{UnixMicroseconds.From(time)}" : $"timestamptz '{time:yyyy-MM-dd HH:mm}+00'";
        if (engine == StorageEngine.Postgres)
            await storage.ExecuteAsync(
                "CREATE TABLE energy_facts_y2026m01 PARTITION OF energy_facts FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00')"
            );
        await storage.ExecuteAsync(
            "INSERT INTO places (name, provider, region, country, pue) VALUES ('onprem/dc-1', 'onprem', 'dc-1', 'DE', 1.5)"
        );
        await storage.ExecuteAsync("INSERT INTO workload (name, model, precision) VALUES ('chat', 'org/model', 'fp8')");
        await storage.ExecuteAsync($"INSERT INTO deployment (id, workload, place) VALUES ({Deployment.Id}, 'chat', 'onprem/dc-1')");
        await storage.ExecuteAsync(
            $"INSERT INTO resource (id, kind, name, place, accelerator) VALUES ({Node.Id}, 'node', 'node-1', 'onprem/dc-1', false)"
        );
        await storage.ExecuteAsync(
            $"""
            INSERT INTO energy_facts (deployment_id, resource_id, period_start, period_end, server_joules, facility_joules, measured_joules, covered_seconds, evidence, cover, mappings, recomputed_at)
            VALUES ({Deployment.Id}, {Node.Id}, {At(Ten)}, {At(Ten.AddMinutes(5))}, 1000, 1500, 1000, 300, 0, 'node', 'prometheus/x@1', {At(
                next
            )})
            """
        );
        foreach (var (table, start, end) in new[] { ("intensity_hours", Ten, next), ("intensity_days", Ten.Date, Ten.Date.AddDays(1)) })
        {
            await storage.ExecuteAsync(
                $"""
                INSERT INTO {table} (deployment_id, functional_unit, period_start, period_end, date, date_key, units, server_joules, facility_joules, known_joules, measured_joules, covered_seconds, evidence, recomputed_at)
                VALUES ({Deployment.Id}, 'token', {At(start)}, {At(end)}, '2026-01-15', 20260115, 100, 1000, 1500, 1000, 1000, 300, 0, {At(
                    next
                )})
                """
            );
        }
        await storage.ExecuteAsync($"INSERT INTO sample_hours (hour) VALUES ({At(Ten)})");
        await storage.ExecuteAsync($"INSERT INTO dirty_hours (hour, mark) VALUES ({At(Ten)}, 1)");
        await storage.ExecuteAsync(
            $"""
            INSERT INTO factor (id, kind, place, method, value, unit, source, valid_to, version) VALUES
                (1, 'pue', 'onprem/dc-1', NULL, 1.6, '1', 'configuration', {At(
                next
            )}, 1), (2, 'pue', 'onprem/dc-1', NULL, 1.5, '1', 'configuration', NULL, 2),
                (3, 'max_power', NULL, 'prometheus/cpu', 3.5, 'W', 'https://example.org/coefficients', NULL, 7)
            """
        );
        await storage.ExecuteAsync(
            $"INSERT INTO restatement (deployment_id, functional_unit, period_start, measure, old, new, at, reason) VALUES ({Deployment.Id}, 'token', {At(Ten)}, 'units', 1, 2, {At(next)}, 'late_data')"
        );
        return storage;
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task What_the_first_version_stored_is_there_after_the_migration(StorageEngine engine)
    {
        await using var storage = await FirstAsync(cluster, engine);
        Assert.Equal(SchemaStanding.Older, (await storage.Schema.CheckAsync()).Standing);

        await storage.Schema.MigrateAsync();

        Assert.True((await storage.Schema.CheckAsync()).IsCurrent);
        Assert.Equal(
            ["node|1000|1500|∅|∅|∅|∅"],
            await storage.RowsAsync(
                "SELECT \"ResourceKind\", \"ServerJoules\", \"FacilityJoules\", \"LowJoules\", \"OperationalGrams\", \"FactorVersion\", \"Missing\" FROM \"EnergyFacts\""
            )
        );
        foreach (var set in new[] { "HourlyIntensities", "DailyIntensities", "MonthlyIntensities" })
            Assert.Equal(
                ["token|100|15|∅|∅|∅|∅"],
                await storage.RowsAsync(
                    $"SELECT \"FunctionalUnit\", \"Units\", \"JoulesPerUnit\", \"SciGramsPerUnit\", \"LowJoules\", \"FactorVersion\", \"Missing\" FROM \"{set}\""
                )
            );
        Assert.Equal(
            [
                "1|pue:onprem/dc-1@1|1.6|1|∅|∅|" + UnixMicroseconds.From(Ten.AddHours(1)),
                "2|pue:onprem/dc-1@2|1.5|2|∅|∅|∅",
                "3|max_power:prometheus/cpu@7|3.5|7|∅|∅|∅",
            ],
            await storage.RowsAsync(
                "SELECT \"Id\", \"Name\", \"Value\", \"Version\", \"ValidFrom\", \"ValidTo\", \"SupersededAt\" FROM \"Factors\" ORDER BY 1"
            )
        );
        Assert.Equal(
            ["units|1|2|∅|late_data"],
            await storage.RowsAsync("SELECT \"Measure\", \"Old\", \"New\", \"OldFactorVersion\", \"Reason\" FROM \"Restatements\"")
        );
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task After_the_migration_old_hours_are_computed_again_without_a_restatement(StorageEngine engine)
    {
        await using var storage = await FirstAsync(cluster, engine);
        await storage.Schema.MigrateAsync();

        // The factor of the configuration takes the place of the one of before.
        await storage.Facts.SyncFactorsAsync(Domain.Factors.FactorBook.Published, [Hall], default);
        Assert.Equal(
            ["pue:onprem/dc-1@1|1", "pue:onprem/dc-1@2|1", "pue:onprem/dc-1@config|0"],
            await storage.RowsAsync(
                "SELECT name, CASE WHEN superseded_at IS NULL THEN 0 ELSE 1 END FROM factor WHERE place = 'onprem/dc-1' ORDER BY name"
            )
        );
        var dirty = Assert.Single(await storage.Facts.DirtyHoursAsync(10, default));
        Assert.True(
            await storage.Facts.ReplaceHourAsync(
                dirty,
                Period(
                    Energy(Node, Ten, null, 1000, 1600).With(Measures.Operational, 0.5).With(Measures.Embodied, 0.25) with
                    { Factors = "a" },
                    Work(Ten, 100)
                ),
                default
            )
        );

        foreach (var set in new[] { "HourlyIntensities", "DailyIntensities", "MonthlyIntensities" })
            Assert.Equal(
                ["16|0.0075|a"],
                await storage.RowsAsync($"SELECT \"JoulesPerUnit\", \"SciGramsPerUnit\", \"FactorVersion\" FROM \"{set}\"")
            );
        Assert.Equal(["1"], await storage.RowsAsync("SELECT count(*) FROM restatement"));
        await Assert.ThrowsAnyAsync<Exception>(() => storage.ExecuteAsync("UPDATE energy_facts SET low_joules = -1"));
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task The_migration_can_be_taken_back(StorageEngine engine)
    {
        await using var storage = await FirstAsync(cluster, engine);
        await storage.Schema.MigrateAsync();
        await using (var context = storage.Context())
            await context.GetService<IMigrator>().MigrateAsync(First);

        Assert.Equal(["15"], await storage.RowsAsync("SELECT \"JoulesPerUnit\" FROM \"MonthlyIntensities\""));
        Assert.Equal(
            ["1|1|" + UnixMicroseconds.From(Ten.AddHours(1)), "2|2|∅", "3|7|∅"],
            await storage.RowsAsync("SELECT \"Id\", \"Version\", \"ValidTo\" FROM \"Factors\" ORDER BY 1")
        );
        await storage.Schema.MigrateAsync();
        Assert.Equal(["15"], await storage.RowsAsync("SELECT \"JoulesPerUnit\" FROM \"MonthlyIntensities\""));
    }
}
