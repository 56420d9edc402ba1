using Hangfire;
using Hangfire.InMemory;
using Hangfire.PostgreSql;
using Metrics.Api.Settings;
using Metrics.Storage.Engine;

namespace Metrics.Api.Operations;

/// <summary>How Hangfire is set up. Nothing that must be right rests on it: see <c>docs/decisions</c>.</summary>
public static class Schedule
{
    /// <summary>Adds the scheduler's storage and its clients; a server only by <see cref="Worker"/>.</summary>
    /// <param name="services">Where to add.</param>
    /// <param name="storage">The database: jobs of PostgreSQL are kept there, others in memory.</param>
    /// <param name="prepare">Whether tables are made where they are missing.</param>
    public static IServiceCollection AddSchedule(this IServiceCollection services, StorageSettings storage, bool prepare) =>
        services.AddHangfire(hangfire =>
        {
            hangfire.UseSimpleAssemblyNameTypeSerializer().UseRecommendedSerializerSettings();
            if (storage.Engine == StorageEngine.Postgres)
                hangfire.UsePostgreSqlStorage(to => to.UseNpgsqlConnection(storage.ConnectionString), PostgreSqlOptions(prepare));
            else
                hangfire.UseInMemoryStorage(new InMemoryStorageOptions { MaxExpirationTime = TimeSpan.FromHours(1) });
        });

    /// <summary>Workers of this process: reading waits on the network most of the time.</summary>
    public static void ServerOptions(BackgroundJobServerOptions options)
    {
        options.WorkerCount = Math.Max(4, Environment.ProcessorCount * 2);
        options.SchedulePollingInterval = TimeSpan.FromSeconds(1);
        options.ShutdownTimeout = TimeSpan.FromSeconds(8);
    }

    /// <summary>Job storage on PostgreSQL. Tables are made by <c>migrate</c>, never by a server that starts.</summary>
    public static PostgreSqlStorageOptions PostgreSqlOptions(bool prepare) =>
        new()
        {
            SchemaName = "hangfire",
            PrepareSchemaIfNecessary = prepare,
            QueuePollInterval = TimeSpan.FromSeconds(1),
            // Without it a job of more than the timeout is started a second time while the first still runs.
            UseSlidingInvisibilityTimeout = true,
            InvisibilityTimeout = TimeSpan.FromMinutes(5),
        };
}
