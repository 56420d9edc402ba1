using System.Collections.Concurrent;
using Metrics.Api.Webhooks;
using Metrics.Storage.Engine;
using Metrics.Storage.Events;
using Metrics.Storage.Facts;
using Metrics.Storage.Reading;
using Metrics.Storage.Schema;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Metrics.SystemTests.Storage;

/// <summary>An empty database of one engine with the services that the host would register.</summary>
internal sealed class TestStorage : IAsyncDisposable
{
    private static readonly ConcurrentDictionary<string, Lazy<Task<string>>> Templates = new(StringComparer.Ordinal);

    private readonly ServiceProvider services;
    private readonly string? folder;

    private TestStorage(StorageEngine engine, string connectionString, string? folder, string? clock = null)
    {
        Engine = engine;
        ConnectionString = connectionString;
        this.folder = folder;
        services = new ServiceCollection()
            .AddMetricsStorage(engine, connectionString, clock)
            .AddSingleton<IEventLinks, EventLinks>()
            .BuildServiceProvider();
    }

    public StorageEngine Engine { get; }

    public string ConnectionString { get; }

    public SchemaMigrator Schema => services.GetRequiredService<SchemaMigrator>();

    public ReadLog Log => services.GetRequiredService<ReadLog>();

    public Backfills Backfills => services.GetRequiredService<Backfills>();

    public Ledger Ledger => services.GetRequiredService<Ledger>();

    public WebhookStore Webhooks => services.GetRequiredService<WebhookStore>();

    public WebhookDeliveries Deliveries => services.GetRequiredService<WebhookDeliveries>();

    public IntensityRules Rules => services.GetRequiredService<IntensityRules>();

    public FactStore Facts => services.GetRequiredService<FactStore>();

    public Contradictions Contradictions => services.GetRequiredService<Contradictions>();

    public Retention Retention => services.GetRequiredService<Retention>();

    public MetricsDbContext Context() =>
        services.GetRequiredService<Microsoft.EntityFrameworkCore.IDbContextFactory<MetricsDbContext>>().CreateDbContext();

    /// <summary>A database without a table.</summary>
    public static async Task<TestStorage> EmptyAsync(PostgresCluster cluster, StorageEngine engine, string more = "")
    {
        if (engine == StorageEngine.Postgres)
            return new(engine, await cluster.CreateDatabaseAsync(), null);
        var folder = Directory.CreateTempSubdirectory("metrics-sqlite-").FullName;
        return new(engine, $"Data Source={folder}/metrics.db{more}", folder);
    }

    /// <summary>A database with this version's schema.</summary>
    public static async Task<TestStorage> MigratedAsync(PostgresCluster cluster, StorageEngine engine, string more = "")
    {
        var folder = engine == StorageEngine.Sqlite ? Directory.CreateTempSubdirectory("metrics-sqlite-").FullName : null;
        return new(engine, await NewDatabaseAsync(cluster, engine, folder) + more, folder);
    }

    /// <summary>Connection string of a new database with this version's schema: a copy of one that was migrated once in this run.</summary>
    /// <param name="folder">Where SQLite's file is made; PostgreSQL's are the cluster's.</param>
    public static async Task<string> NewDatabaseAsync(PostgresCluster cluster, StorageEngine engine, string? folder)
    {
        var template = await Templates
            .GetOrAdd(engine == StorageEngine.Postgres ? cluster.ConnectionString : "", _ =>
                new(() => MigrateTemplateAsync(cluster, engine))
            )
            .Value;
        if (engine == StorageEngine.Postgres)
            return await cluster.CreateDatabaseAsync(template);
        var file = Path.Combine(folder!, $"{Guid.NewGuid():N}.db");
        File.Copy(template, file);
        return $"Data Source={file}";
    }

    /// <summary>The same database with a clock that stands where <see cref="SetClockAsync"/> puts it.</summary>
    public TestStorage WithSimulatedClock() =>
        new(
            Engine,
            ConnectionString,
            null,
            Engine == StorageEngine.Postgres
                ? "(SELECT timestamptz 'epoch' + value::bigint * interval '1 microsecond' FROM settings WHERE name = 'simulated_clock')"
                : "(SELECT CAST(value AS INTEGER) FROM settings WHERE name = 'simulated_clock')"
        );

    /// <summary>A database that is there already, by this connection string.</summary>
    public static TestStorage Of(StorageEngine engine, string connectionString) => new(engine, connectionString, null);

    /// <summary>The same database with this SQL in place of its clock.</summary>
    public TestStorage WithClock(string sql) => new(Engine, ConnectionString, null, sql);

    /// <summary>Puts the simulated clock.</summary>
    public Task SetClockAsync(DateTime now) =>
        ExecuteAsync(
            $"INSERT INTO settings (name, value) VALUES ('simulated_clock', '{UnixMicroseconds.From(now)}') ON CONFLICT (name) DO "
                + "UPDATE SET value = excluded.value"
        );

    /// <summary>The same database as another process would open it.</summary>
    public TestStorage Again() => new(Engine, ConnectionString, null);

    /// <summary>The rows of a query, each as text with <c>|</c> between columns; null is <c>∅</c>.</summary>
    public async Task<List<string>> RowsAsync(string sql)
    {
        await using var context = Context();
        var connection = Microsoft.EntityFrameworkCore.RelationalDatabaseFacadeExtensions.GetDbConnection(context.Database);
        await Microsoft.EntityFrameworkCore.RelationalDatabaseFacadeExtensions.OpenConnectionAsync(context.Database);
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string>();
        while (await reader.ReadAsync())
            rows.Add(
                string.Join(
                    '|',
                    Enumerable.Range(0, reader.FieldCount).Select(column => reader.IsDBNull(column) ? "∅" : Text(reader.GetValue(column)))
                )
            );
        return rows;
    }

    /// <summary>Runs a statement as a person with a console would.</summary>
    public Task ExecuteAsync(string sql) => RowsAsync(sql);

    public async ValueTask DisposeAsync()
    {
        await services.DisposeAsync();
        if (folder is null)
            return;
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        Directory.Delete(folder, recursive: true);
    }

    /// <returns>PostgreSQL: name of the database; SQLite: its file.</returns>
    private static async Task<string> MigrateTemplateAsync(PostgresCluster cluster, StorageEngine engine)
    {
        var folder = Directory.CreateTempSubdirectory("metrics-template-").FullName;
        var connectionString =
            engine == StorageEngine.Postgres
                ? $"{await cluster.CreateDatabaseAsync()};Pooling=false"
                : $"Data Source={folder}/template.db;Pooling=false";
        await using (var template = new TestStorage(engine, connectionString, null))
            await template.Schema.MigrateAsync();
        if (engine == StorageEngine.Sqlite)
            return $"{folder}/template.db";
        Directory.Delete(folder);
        return new NpgsqlConnectionStringBuilder(connectionString).Database!;
    }

    private static string Text(object value) =>
        value switch
        {
            DateTime time => UnixMicroseconds.From(time).ToString(System.Globalization.CultureInfo.InvariantCulture),
            DateOnly date => date.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture),
            bool flag => flag ? "1" : "0",
            double number => number.ToString("R", System.Globalization.CultureInfo.InvariantCulture),
            IFormattable formattable => formattable.ToString(null, System.Globalization.CultureInfo.InvariantCulture),
            _ => value.ToString()!,
        };
}
