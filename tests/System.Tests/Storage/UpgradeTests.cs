using Metrics.Storage.Engine;
using Metrics.Storage.Schema;
using Xunit;

namespace Metrics.SystemTests.Storage;

/// <summary>A database that an earlier version made.</summary>
public sealed class UpgradeTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>
{
    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task A_database_from_before_the_first_release_is_left_alone_and_the_sentence_says_what_to_do(StorageEngine engine)
    {
        await using var storage = await TestStorage.EmptyAsync(cluster, engine);
        await storage.ExecuteAsync(
            """
            CREATE TABLE "__EFMigrationsHistory" ("MigrationId" varchar(150) NOT NULL PRIMARY KEY, "ProductVersion" varchar(32) NOT NULL)
            """
        );
        await storage.ExecuteAsync(
            """INSERT INTO "__EFMigrationsHistory" VALUES ('20261123000000_Initial', '10.0.0'), ('20261123120000_Accounts', '10.0.0')"""
        );
        await storage.ExecuteAsync("CREATE TABLE places (name text)");

        var state = await storage.Schema.PrepareAsync(migrate: true);

        Assert.Equal((SchemaStanding.Abandoned, false), (state.Standing, state.IsCurrent));
        Assert.EndsWith(
            " was made by a development version of Metrics from before its first release (its schema begins with "
                + "20261123000000_Initial), which no version takes over: give this version an empty database, and it reads again what "
                + "the sources still have.",
            state.Message,
            StringComparison.Ordinal
        );
        var refused = await Assert.ThrowsAsync<StorageException>(() => storage.Schema.MigrateAsync());
        Assert.Equal((StorageErrorCode.AbandonedSchema, state.Message), (refused.Code, refused.Message));
        Assert.Equal(["2"], await storage.RowsAsync("SELECT count(*) FROM \"__EFMigrationsHistory\""));
        Assert.Empty(await storage.RowsAsync("SELECT * FROM places"));
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task Views_of_another_version_are_made_again_by_the_next_migration(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        await storage.ExecuteAsync("DROP VIEW \"HourlyIntensities\"");
        await storage.ExecuteAsync("CREATE VIEW \"HourlyIntensities\" AS SELECT 1 AS old");
        // Whoever finds the views of its own version leaves them alone.
        await storage.Schema.MigrateAsync();
        Assert.Equal(["1"], await storage.RowsAsync("SELECT * FROM \"HourlyIntensities\""));

        await storage.ExecuteAsync("UPDATE settings SET value = 'another' WHERE name = 'views'");
        var state = await storage.Schema.CheckAsync();
        Assert.Equal(SchemaStanding.Older, state.Standing);
        Assert.EndsWith(
            " has the views of another version of Metrics. Run the command 'migrate'.",
            state.Message,
            StringComparison.Ordinal
        );

        await Task.WhenAll(storage.Schema.MigrateAsync(), storage.Again().Schema.MigrateAsync());
        Assert.True((await storage.Schema.CheckAsync()).IsCurrent);
        Assert.Empty(await storage.RowsAsync("SELECT \"SciGramsPerUnit\" FROM \"HourlyIntensities\""));
        Assert.Equal(["7305"], await storage.RowsAsync("SELECT count(*) FROM \"Calendar\""));
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task The_migration_makes_what_the_model_cannot_say(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        Assert.Equal(
            engine == StorageEngine.Postgres ? ["energy_facts", "samples", "work_facts"] : ["samples"],
            await storage.RowsAsync(
                engine == StorageEngine.Postgres
                    ? "SELECT relname::text FROM pg_class WHERE relkind = 'p' ORDER BY 1"
                    : "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%WITHOUT ROWID%'"
            )
        );
        if (engine == StorageEngine.Postgres)
            Assert.Equal(
                ["brin"],
                await storage.RowsAsync(
                    "SELECT am.amname::text FROM pg_class c JOIN pg_am am ON am.oid = c.relam WHERE c.relname = 'ix_samples_start'"
                )
            );
        await storage.ExecuteAsync(
            "INSERT INTO audit (id, at, actor, action, outcome, hash) VALUES (1, "
                + $"{(engine == StorageEngine.Postgres ? "now()" : "0")}, 'a', 'b', 'c', 'd')"
        );
        foreach (var change in (string[])["UPDATE audit SET actor = 'z'", "DELETE FROM audit"])
            Assert.Contains(
                "The audit log is only ever added to.",
                (await Assert.ThrowsAnyAsync<Exception>(() => storage.ExecuteAsync(change))).Message,
                StringComparison.Ordinal
            );
    }
}
