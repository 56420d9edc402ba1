using Metrics.Storage.Access;
using Metrics.Storage.Events;
using Metrics.Storage.Facts;
using Metrics.Storage.Reading;
using Metrics.Storage.Schema;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Metrics.Storage.Engine;

/// <summary>Which database keeps the facts.</summary>
public enum StorageEngine
{
    /// <summary>A file beside the service; one process at a time.</summary>
    Sqlite,

    /// <summary>PostgreSQL 15 or newer; many processes.</summary>
    Postgres,
}

/// <summary>Registers storage, the same way for the host, tests and benchmarks.</summary>
public static class StorageRegistration
{
    /// <summary>Adds <see cref="IDbContextFactory{TContext}"/> of <see cref="MetricsDbContext"/>, <see cref="SchemaMigrator"/>,
    /// <see cref="SharedKeys"/>, <see cref="AccessKeys"/>, <see cref="AuditLog"/>, <see cref="ReadLog"/>, <see cref="Backfills"/>,
    /// <see cref="Ledger"/>, <see cref="FactStore"/>, <see cref="Retention"/>, <see cref="Contradictions"/>, <see cref="WebhookStore"/>,
    /// <see cref="WebhookDeliveries"/>, <see cref="IntensityRules"/>, <see cref="QueryConnections"/> and, for PostgreSQL, an
    /// <see cref="NpgsqlDataSource"/>.</summary>
    /// <remarks>Takes <see cref="IEventLinks"/> where it is registered. The process must reference the engine's assembly of migrations.
    /// Opens no connection.</remarks>
    /// <param name="services">Where to add.</param>
    /// <param name="engine">Engine.</param>
    /// <param name="connectionString">ADO.NET connection string of the engine.</param>
    /// <param name="clock">SQL that takes the place of the database's clock where time is simulated; null: its own.</param>
    /// <exception cref="ArgumentException">The connection string cannot be read.</exception>
    public static IServiceCollection AddMetricsStorage(
        this IServiceCollection services,
        StorageEngine engine,
        string connectionString,
        string? clock = null
    )
    {
        if (engine == StorageEngine.Postgres)
        {
            var builder = new NpgsqlDataSourceBuilder(connectionString);
            builder.ConnectionStringBuilder.ApplicationName ??= "metrics";
            // Every statement says its times with an offset; the session's zone must not matter to what people read either.
            builder.ConnectionStringBuilder.Timezone = "UTC";
            services.AddSingleton(_ => builder.Build());
            services.AddSingleton(provider => new Database(provider.GetRequiredService<NpgsqlDataSource>())
            {
                Clock = clock,
                Links = provider.GetService<IEventLinks>(),
            });
            services.AddSingleton(_ => new QueryConnections(QueryConnections.PoolOf(builder.ConnectionStringBuilder)));
            services.AddDbContextFactory<MetricsDbContext>(
                (provider, options) => options.UsePostgresStorage(provider.GetRequiredService<NpgsqlDataSource>())
            );
        }
        else
        {
            var full = Database.Complete(connectionString);
            services.AddSingleton(provider => new Database(full) { Clock = clock, Links = provider.GetService<IEventLinks>() });
            services.AddSingleton(provider => new QueryConnections(provider.GetRequiredService<Database>()));
            services.AddDbContextFactory<MetricsDbContext>(options => options.UseSqliteStorage(full));
        }
        return services
            .AddSingleton(provider => new SchemaMigrator(
                provider.GetRequiredService<IDbContextFactory<MetricsDbContext>>(),
                provider.GetRequiredService<Database>()
            ))
            .AddSingleton(provider => new SharedKeys(provider.GetRequiredService<Database>()))
            .AddSingleton(provider => new AccessKeys(provider.GetRequiredService<Database>()))
            .AddSingleton(provider => new AuditLog(provider.GetRequiredService<Database>()))
            .AddSingleton(provider => new ReadLog(provider.GetRequiredService<Database>()))
            .AddSingleton(provider => new Backfills(provider.GetRequiredService<Database>()))
            .AddSingleton(provider => new Ledger(provider.GetRequiredService<Database>()))
            .AddSingleton(provider => new FactStore(provider.GetRequiredService<Database>()))
            .AddSingleton(provider => new Contradictions(provider.GetRequiredService<Database>()))
            .AddSingleton(provider => new Retention(provider.GetRequiredService<Database>()))
            .AddSingleton(provider => new WebhookStore(provider.GetRequiredService<Database>()))
            .AddSingleton(provider => new WebhookDeliveries(provider.GetRequiredService<Database>()))
            .AddSingleton(provider => new IntensityRules(provider.GetRequiredService<Database>()));
    }

    /// <summary>What is wrong with a connection string, without repeating it: it may hold a password. Null when it can be used.</summary>
    public static string? Validate(StorageEngine engine, string connectionString)
    {
        var example =
            engine == StorageEngine.Postgres ? "Host=db;Database=metrics;Username=metrics;Password=..." : "Data Source=metrics.db";
        try
        {
            var given =
                engine == StorageEngine.Postgres
                    ? new NpgsqlConnectionStringBuilder(connectionString).Host
                    : new SqliteConnectionStringBuilder(connectionString).DataSource;
            return string.IsNullOrWhiteSpace(given)
                ? $"names no {(engine == StorageEngine.Postgres ? "Host" : "Data Source")}; {engine} wants for instance {example}."
                : null;
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException or OverflowException)
        {
            // The driver names the keyword that it stumbled over, in its first sentence, and never a value.
            var keyword = exception is ArgumentException { ParamName: { } name } ? $" at '{name}'" : "";
            return $"cannot be read{keyword}; {engine} wants for instance {example}.";
        }
    }

    /// <summary>PostgreSQL with the migrations of this product.</summary>
    public static DbContextOptionsBuilder UsePostgresStorage(this DbContextOptionsBuilder options, NpgsqlDataSource source) =>
        options
            .UseNpgsql(source, postgres => postgres.MigrationsAssembly("Metrics.Migrations.Postgres"))
            .ReplaceService<IMigrationsSqlGenerator, PostgresMigrationsSql>();

    /// <summary>SQLite with the migrations of this product.</summary>
    public static DbContextOptionsBuilder UseSqliteStorage(this DbContextOptionsBuilder options, string connectionString) =>
        options
            .UseSqlite(connectionString, sqlite => sqlite.MigrationsAssembly("Metrics.Migrations.Sqlite"))
            .ReplaceService<IMigrationsSqlGenerator, SqliteMigrationsSql>()
            .AddInterceptors(SqlitePragmas.Instance);
}
