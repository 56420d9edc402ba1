using System.Data.Common;
using Npgsql;

namespace Metrics.Storage.Engine;

/// <summary>
/// Connections for those who ask, apart from those of the service's own work: a flood of questions leaves the reading of sources its
/// connections, and its processors.
/// </summary>
public sealed class QueryConnections : IAsyncDisposable
{
    private readonly NpgsqlDataSource? postgres;
    private readonly Database? sqlite;

    internal QueryConnections(NpgsqlDataSource source) => postgres = source;

    internal QueryConnections(Database database)
    {
        sqlite = database;
        Turns = new SemaphoreSlim(Environment.ProcessorCount);
    }

    /// <summary>Which database it is.</summary>
    public StorageEngine Engine => postgres is null ? StorageEngine.Sqlite : StorageEngine.Postgres;

    /// <summary>
    /// What a statement waits for before it works in this process, and gives back before it waits for anything else: more of them than
    /// processors only get in each other's way.
    /// Null where the database works elsewhere.
    /// </summary>
    public SemaphoreSlim? Turns { get; }

    /// <summary>An open connection; on PostgreSQL one of at most 32, for which it waits.</summary>
    public async Task<DbConnection> OpenAsync(CancellationToken cancellationToken) =>
        postgres is not null ? await postgres.OpenConnectionAsync(cancellationToken) : await sqlite!.OpenAsync(cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Turns?.Dispose();
        if (postgres is not null)
            await postgres.DisposeAsync();
    }

    /// <summary>A pool of its own on the same server.</summary>
    internal static NpgsqlDataSource PoolOf(NpgsqlConnectionStringBuilder work)
    {
        var settings = new NpgsqlConnectionStringBuilder(work.ConnectionString)
        {
            ApplicationName = work.ApplicationName + " readers",
            MaxPoolSize = Math.Min(work.MaxPoolSize, 32),
            MinPoolSize = 0,
        };
        return NpgsqlDataSource.Create(settings);
    }
}
