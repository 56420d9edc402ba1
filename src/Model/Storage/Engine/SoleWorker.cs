using Microsoft.Data.Sqlite;

namespace Metrics.Storage.Engine;

/// <summary>
/// The right of one process to read sources into a SQLite file. Two would each play their own scheduler and scrape their own counters into
/// the same series.
/// Held by a locked file beside the database, which the system lets go when the process ends, however it ends.
/// </summary>
public sealed class SoleWorker : IDisposable
{
    private readonly FileStream? held;

    private SoleWorker(FileStream? held) => this.held = held;

    /// <summary>Takes the right for the database of this connection string; a database in memory is nobody else's anyway.</summary>
    /// <exception cref="StorageException">Code <c>locked</c>: another process has it.</exception>
    public static SoleWorker Take(string connectionString)
    {
        var settings = new SqliteConnectionStringBuilder(connectionString);
        if (
            settings.Mode == SqliteOpenMode.Memory
            || settings.DataSource is ":memory:"
            || settings.DataSource.StartsWith("file:", StringComparison.Ordinal)
        )
            return new(null);
        try
        {
            return new(new FileStream($"{settings.DataSource}-worker", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException exception)
        {
            throw new StorageException(
                StorageErrorCode.Locked,
                $"Another process reads sources into the SQLite database '{settings.DataSource}', and only one may. Stop it, name "
                    + $"another file (Metrics:Storage:ConnectionString), or use PostgreSQL.",
                exception
            );
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new StorageException(
                StorageErrorCode.ReadOnly,
                $"The folder of the SQLite database '{settings.DataSource}' cannot be written. Give this user the right to write there.",
                exception
            );
        }
    }

    /// <inheritdoc/>
    public void Dispose() => held?.Dispose();
}
