using Metrics.Storage.Engine;
using Metrics.Storage.Facts;
using Metrics.Storage.Schema;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Metrics.SystemTests.Storage;

public sealed class SchemaTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>
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
        foreach (
            var view in new[]
            {
                "HourlyIntensities",
                "DailyIntensities",
                "MonthlyIntensities",
                "Deployments",
                "Workloads",
                "Resources",
                "Sources",
                "Runs",
                "EnergyFacts",
                "WorkFacts",
                "Factors",
                "MetricMappings",
                "Rejections",
                "Restatements",
            }
        )
            Assert.Empty(await storage.RowsAsync($"SELECT * FROM \"{view}\""));
        Assert.Equal(["7305"], await storage.RowsAsync("SELECT count(*) FROM \"Calendar\""));
    }

    /// <summary>People look into the file with what they have: Python of Debian 12 brings SQLite 3.40, the service a newer one.</summary>
    [Fact]
    public async Task The_file_can_be_read_with_an_older_sqlite()
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, StorageEngine.Sqlite);
        var file = new SqliteConnectionStringBuilder(storage.ConnectionString).DataSource;
        const string script = """
            import sqlite3, sys
            database = sqlite3.connect(sys.argv[1])
            views = [row[0] for row in database.execute("SELECT name FROM sqlite_schema WHERE type = 'view'")]
            print(len(views), sum(len(database.execute(f'SELECT * FROM "{view}" LIMIT 1').fetchall()) for view in views))
            """;

        using var python = System.Diagnostics.Process.Start(
            new System.Diagnostics.ProcessStartInfo("python3", ["-c", script, file])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }
        )!;
        var (told, complaint) = (await python.StandardOutput.ReadToEndAsync(), await python.StandardError.ReadToEndAsync());
        await python.WaitForExitAsync();

        // The calendar is the only view with rows.
        Assert.Equal(("", "1"), (complaint, told.Trim().Split(' ')[^1]));
        Assert.InRange(int.Parse(told.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture), 15, 30);
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
            ],
            await storage.RowsAsync(
                "SELECT * FROM \"Calendar\" WHERE \"DateKey\" IN (20210101, 20240229, 20241230, 20391231) ORDER BY \"Date\""
            )
        );
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task A_newer_schema_is_left_alone_and_said(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        await storage.ExecuteAsync("INSERT INTO \"__EFMigrationsHistory\" VALUES ('20990101000000_Future', '99.0.0')");

        var state = await storage.Schema.PrepareAsync(migrate: true);

        Assert.Equal(SchemaStanding.Newer, state.Standing);
        Assert.Contains(
            "was migrated by a newer version of Metrics (its schema has 20990101000000_Future",
            state.Message,
            StringComparison.Ordinal
        );
        Assert.Equal(StorageErrorCode.NewerSchema, (await Assert.ThrowsAsync<StorageException>(() => storage.Schema.MigrateAsync())).Code);
    }

    [Fact]
    public void An_older_schema_is_to_be_migrated()
    {
        var state = SchemaMigrator.Compare("The database", ["1_Initial", "2_Next"], ["1_Initial"]);
        Assert.Equal(SchemaStanding.Older, state.Standing);
        Assert.False(state.IsCurrent);
        Assert.Equal(
            "The database has the schema of an older version of Metrics (it ends at 1_Initial, this version needs 2_Next). Run "
                + "the command 'migrate'.",
            state.Message
        );
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task A_start_migrates_only_where_it_is_told_to(StorageEngine engine)
    {
        await using var storage = await TestStorage.EmptyAsync(cluster, engine);
        Assert.Equal(SchemaStanding.Empty, (await storage.Schema.PrepareAsync(migrate: false)).Standing);
        Assert.True((await storage.Schema.PrepareAsync(migrate: true)).IsCurrent);
    }

    [Fact]
    public async Task A_database_that_does_not_answer_is_said_in_a_sentence()
    {
        var services = new ServiceCollection()
            .AddMetricsStorage(
                StorageEngine.Postgres,
                $"Host=127.0.0.1;Port={PostgresCluster.FreePort()};Database=metrics;Username=metrics;Password=secret-word;Timeout=5"
            )
            .BuildServiceProvider();
        await using var _ = services;

        var state = await services.GetRequiredService<SchemaMigrator>().CheckAsync();
        var exception = await Assert.ThrowsAsync<StorageException>(() =>
            services.GetRequiredService<FactStore>().DirtyHoursAsync(1, default)
        );

        Assert.Equal(SchemaStanding.Unreachable, state.Standing);
        Assert.Equal(StorageErrorCode.Unreachable, exception.Code);
        Assert.StartsWith("The PostgreSQL database 'metrics' at 127.0.0.1:", state.Message, StringComparison.Ordinal);
        Assert.StartsWith("The PostgreSQL database 'metrics' at 127.0.0.1:", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-word", state.Message + exception, StringComparison.Ordinal);
        Assert.True(StorageFault.IsOutside(exception));
    }

    [Fact]
    public async Task A_postgres_database_that_is_not_there_is_made_by_migrate()
    {
        var missing = new Npgsql.NpgsqlConnectionStringBuilder(cluster.ConnectionString)
        {
            Database = "t" + Guid.NewGuid().ToString("N"),
        }.ConnectionString;
        await using var services = new ServiceCollection().AddMetricsStorage(StorageEngine.Postgres, missing).BuildServiceProvider();
        var schema = services.GetRequiredService<SchemaMigrator>();

        var before = await schema.CheckAsync();
        await schema.MigrateAsync();

        Assert.Equal(SchemaStanding.Empty, before.Standing);
        Assert.True((await schema.CheckAsync()).IsCurrent);
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task Tables_that_are_missing_are_said_to_be(StorageEngine engine)
    {
        await using var storage = await TestStorage.EmptyAsync(cluster, engine);
        var exception = await Assert.ThrowsAsync<StorageException>(() => storage.Facts.DirtyHoursAsync(1, default));
        Assert.Equal(StorageErrorCode.NoSchema, exception.Code);
        Assert.Contains("Run the command 'migrate' first", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sqlite_file_that_another_process_is_writing_is_said_to_be_locked()
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, StorageEngine.Sqlite, ";Default Timeout=1");
        await storage.Log.RegisterAsync("rack", "prometheus", null, default);
        await using var other = new SqliteConnection(storage.ConnectionString);
        await other.OpenAsync();
        await using (var held = other.BeginTransaction(deferred: false))
        {
            var exception = await Assert.ThrowsAsync<StorageException>(() =>
                storage.Log.ClaimAsync("rack", "a", TimeSpan.FromMinutes(1), default)
            );
            Assert.Equal(StorageErrorCode.Locked, exception.Code);
            Assert.EndsWith(
                "is locked by another process. One process at a time may use a SQLite file: stop the other one, or use PostgreSQL.",
                exception.Message,
                StringComparison.Ordinal
            );
            // Readers are not kept waiting by a writer.
            Assert.Empty(await storage.Facts.DirtyHoursAsync(1, default));
        }
        Assert.NotNull(await storage.Log.ClaimAsync("rack", "a", TimeSpan.FromMinutes(1), default));
    }

    [Fact]
    public async Task A_sqlite_file_in_a_folder_that_is_not_there_or_that_is_no_database_is_said_in_a_sentence()
    {
        await using var nowhere = new ServiceCollection()
            .AddMetricsStorage(StorageEngine.Sqlite, "Data Source=/nowhere/at/all/metrics.db")
            .BuildServiceProvider();
        var state = await nowhere.GetRequiredService<SchemaMigrator>().PrepareAsync(migrate: true);
        Assert.Equal(SchemaStanding.Unreachable, state.Standing);
        Assert.Equal(
            "The SQLite database '/nowhere/at/all/metrics.db' cannot be opened. Check that the folder exists and that this user "
                + "may write there.",
            state.Message
        );

        await using var storage = await TestStorage.EmptyAsync(cluster, StorageEngine.Sqlite);
        await File.WriteAllTextAsync(
            new SqliteConnectionStringBuilder(storage.ConnectionString).DataSource,
            "This is a letter and not a database. It is long enough to be read as one."
        );
        Assert.Contains(
            "is not a readable SQLite database",
            (await storage.Schema.PrepareAsync(migrate: true)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_migration_that_was_killed_does_not_block_the_next_one()
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, StorageEngine.Sqlite);
        await storage.ExecuteAsync(
            "INSERT OR REPLACE INTO \"__EFMigrationsLock\" (\"Id\", \"Timestamp\") VALUES (1, '2026-01-01 00:00:00+00:00')"
        );
        await storage.Schema.MigrateAsync().WaitAsync(ServiceProcess.Patience);
        Assert.True((await storage.Schema.CheckAsync()).IsCurrent);
    }

    [Fact]
    public async Task Every_sqlite_connection_has_foreign_keys_and_the_file_a_write_ahead_log()
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, StorageEngine.Sqlite);
        Assert.Equal(["wal"], await storage.RowsAsync("PRAGMA journal_mode"));
        Assert.Equal(["1"], await storage.RowsAsync("PRAGMA foreign_keys"));
        Assert.Equal(["30000"], await storage.RowsAsync("PRAGMA busy_timeout"));
    }
}
