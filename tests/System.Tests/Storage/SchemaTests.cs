using Metrics.Storage;
using Microsoft.EntityFrameworkCore;
using Xunit;

namespace Metrics.SystemTests.Storage;

[Collection(PostgresTests.Name)]
public sealed class SchemaTests(PostgresCluster cluster)
{
    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task An_empty_database_is_migrated_and_then_current(StorageEngine engine)
    {
        await using var storage = await TestStorage.EmptyAsync(cluster, engine);
        var before = await storage.Schema.CheckAsync();
        Assert.Equal(SchemaStanding.Empty, before.Standing);
        Assert.Contains("Run the command 'migrate'", before.Message, StringComparison.Ordinal);

        await storage.Schema.MigrateAsync();
        await storage.Schema.MigrateAsync();

        Assert.True((await storage.Schema.CheckAsync()).IsCurrent);
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task The_migrations_say_what_the_model_says(StorageEngine engine)
    {
        await using var storage = await TestStorage.EmptyAsync(cluster, engine);
        await using var context = storage.Context();
        Assert.False(context.Database.HasPendingModelChanges());
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task Every_entity_set_has_its_view(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        foreach (var view in new[]
        {
            "HourlyIntensities", "DailyIntensities", "MonthlyIntensities", "Deployments", "Workloads", "Resources", "Sources", "Runs",
            "EnergyFacts", "WorkFacts", "Factors", "MetricMappings", "Rejections", "Restatements",
        })
            Assert.Empty(await storage.RowsAsync($"SELECT * FROM \"{view}\""));
        Assert.Equal(["7305"], await storage.RowsAsync("SELECT count(*) FROM \"Calendar\""));
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task The_calendar_knows_iso_weeks_and_leap_days(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        Assert.Equal(
        [
            "2021-01-01|20210101|2021|1|1|1|53|5|January|Friday",
            "2024-02-29|20240229|2024|1|2|29|9|4|February|Thursday",
            "2024-12-30|20241230|2024|4|12|30|1|1|December|Monday",
            "2039-12-31|20391231|2039|4|12|31|52|6|December|Saturday",
        ], await storage.RowsAsync("SELECT * FROM \"Calendar\" WHERE \"DateKey\" IN (20210101, 20240229, 20241230, 20391231) ORDER BY \"Date\""));
    }
}
