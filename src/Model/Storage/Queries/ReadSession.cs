using System.Data;
using System.Data.Common;
using System.Globalization;
using Metrics.Storage.Engine;
using Metrics.Storage.Schema;
using Microsoft.Data.Sqlite;
using Npgsql;
using NpgsqlTypes;
using SQLitePCL;

namespace Metrics.Storage.Queries;

/// <summary>Why a query gave no rows, where the fault is not the service's own.</summary>
public enum ReadFailure
{
    /// <summary>It took longer than the session allows, and was stopped.</summary>
    Timeout,

    /// <summary>Its arithmetic left the range of the engine's numbers.</summary>
    NumberOutOfRange,

    /// <summary>The database lacks tables or columns of this version.</summary>
    NoSchema,

    /// <summary>The database cannot be reached, or cannot work now.</summary>
    Unavailable,
}

/// <summary>One connection of one reader: a consistent, read-only view of the store, and a clock that stops what takes too long.</summary>
/// <remarks>
/// The clock runs while the database works, not while a slow client is written to. One statement at a time: the next one ends the reader of
/// the one before.
/// Every reader of Api has one: engines, transactions, limits and times are handled here and nowhere else.
/// </remarks>
public sealed class ReadSession : IAsyncDisposable
{
    /// <summary>How long a statement may take for somebody who waits for its answer.</summary>
    public static readonly TimeSpan UsualTimeout = TimeSpan.FromSeconds(15);

    private readonly QueryConnections connections;
    private readonly CancellationTokenSource clock;
    private readonly CancellationToken aborted;
    private readonly SemaphoreSlim? turns;
    private readonly bool sortsOnDisk;
    private DbConnection? connection;
    private DbTransaction? transaction;
    private DbCommand? command;
    private bool preambleSent,
        hasTurn;

    /// <summary>A session; it opens its connection when it is first needed.</summary>
    /// <param name="connections">Where from.</param>
    /// <param name="timeout">How long the database may work on a statement; <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>:
    /// without a limit.</param>
    /// <param name="aborted">Cancelled when the client is gone.</param>
    /// <param name="takesTurns">False for one that is long at work and would keep the others from theirs.</param>
    /// <param name="sortsOnDisk">True for one that sorts more than memory is to hold.</param>
    public ReadSession(
        QueryConnections connections,
        TimeSpan timeout,
        CancellationToken aborted,
        bool takesTurns = true,
        bool sortsOnDisk = false
    )
    {
        (this.connections, this.aborted, this.sortsOnDisk) = (connections, aborted, sortsOnDisk);
        Timeout = timeout;
        turns = takesTurns ? connections.Turns : null;
        clock = CancellationTokenSource.CreateLinkedTokenSource(aborted);
    }

    /// <summary>A session whose statements may take <see cref="UsualTimeout"/>.</summary>
    /// <param name="connections">Where from.</param>
    /// <param name="aborted">Cancelled when the client is gone.</param>
    public ReadSession(QueryConnections connections, CancellationToken aborted)
        : this(connections, UsualTimeout, aborted) { }

    /// <summary>Which database it is.</summary>
    public StorageEngine Engine => connections.Engine;

    /// <summary>How long the database may work on a statement.</summary>
    public TimeSpan Timeout { get; }

    /// <summary>Cancelled when the client is gone or the time is over.</summary>
    public CancellationToken Token => clock.Token;

    /// <summary>Lets the others work: something else than the database is waited for.</summary>
    public void Pause()
    {
        clock.CancelAfter(System.Threading.Timeout.InfiniteTimeSpan);
        if (!hasTurn)
            return;
        hasTurn = false;
        turns!.Release();
    }

    /// <summary>Goes on with the database, when it is this session's turn.</summary>
    public async ValueTask ResumeAsync()
    {
        if (turns is not null && !hasTurn)
        {
            await turns.WaitAsync(Token);
            hasTurn = true;
        }
        clock.CancelAfter(Timeout);
    }

    /// <summary>Begins to read. The clock runs until <see cref="Pause"/>; failures come as the driver's, see
    /// <see cref="FailureOf"/>.</summary>
    /// <param name="sql">One statement.</param>
    /// <param name="parameters">Names with their <c>@</c>; values are long, int, double, string, bool, DateOnly or UTC DateTime.</param>
    public async Task<DbDataReader> ExecuteAsync(string sql, IReadOnlyList<(string Name, object Value)> parameters)
    {
        await ResumeAsync();
        if (connection is null)
            await OpenAsync();
        // A command of SQLite closes its reader with itself.
        if (command is not null)
            await command.DisposeAsync();
        command = connection!.CreateCommand();
        command.CommandText = preambleSent ? sql : Preamble + sql;
        command.CommandTimeout = Timeout == System.Threading.Timeout.InfiniteTimeSpan ? 0 : (int)Math.Ceiling(Timeout.TotalSeconds) + 5;
        command.Transaction = transaction;
        // A parameter belongs to one command, so each gets its own.
        foreach (var (name, value) in parameters)
            command.Parameters.Add(Parameter(name, value));
        preambleSent = true;
        return await command.ExecuteReaderAsync(Token);
    }

    /// <summary>All rows of a statement, each made by <paramref name="row"/>.</summary>
    /// <param name="sql">One statement.</param>
    /// <param name="parameters">As <see cref="ExecuteAsync"/> takes them.</param>
    /// <param name="row">Makes a row of the columns.</param>
    /// <exception cref="StorageException">The database failed, or took too long.</exception>
    public async Task<List<T>> QueryAsync<T>(string sql, IReadOnlyList<(string Name, object Value)> parameters, Func<ResultRow, T> row)
    {
        try
        {
            await using var reader = await ReadAsync(sql, parameters);
            var rows = new List<T>();
            var current = ResultRow.Of(reader);
            while (await NextAsync(reader))
                rows.Add(row(current));
            return rows;
        }
        finally
        {
            Pause();
        }
    }

    /// <summary>The rows of a statement as they come, each made by <paramref name="row"/>; for those that memory is not to hold.</summary>
    /// <param name="sql">One statement.</param>
    /// <param name="parameters">As <see cref="ExecuteAsync"/> takes them.</param>
    /// <param name="row">Makes a row of the columns.</param>
    /// <exception cref="StorageException">The database failed, or took too long.</exception>
    public async IAsyncEnumerable<T> StreamAsync<T>(
        string sql,
        IReadOnlyList<(string Name, object Value)> parameters,
        Func<ResultRow, T> row
    )
    {
        try
        {
            await using var reader = await ReadAsync(sql, parameters);
            var current = ResultRow.Of(reader);
            while (await NextAsync(reader))
                yield return row(current);
        }
        finally
        {
            Pause();
        }
    }

    /// <summary>The number that is the only value of the only row: a count.</summary>
    /// <param name="sql">One statement.</param>
    /// <param name="parameters">As <see cref="ExecuteAsync"/> takes them.</param>
    /// <exception cref="StorageException">The database failed, or took too long.</exception>
    public async Task<long> CountAsync(string sql, IReadOnlyList<(string Name, object Value)> parameters) =>
        (await QueryAsync(sql, parameters, row => row.Integer(0)))[0];

    /// <summary>What a failure of <see cref="ExecuteAsync"/> or of its reader means; null when the fault is our own.</summary>
    public ReadFailure? FailureOf(Exception exception)
    {
        for (var inner = exception; inner is not null; inner = inner.InnerException)
        {
            switch (inner)
            {
                case PostgresException { SqlState: PostgresErrorCodes.QueryCanceled }:
                case SqliteException { SqliteErrorCode: raw.SQLITE_INTERRUPT }:
                case OperationCanceledException when clock.IsCancellationRequested:
                    return ReadFailure.Timeout;
                case PostgresException { SqlState: PostgresErrorCodes.NumericValueOutOfRange or PostgresErrorCodes.DatetimeFieldOverflow }:
                case SqliteException { SqliteErrorCode: raw.SQLITE_ERROR }
                    when inner.Message.Contains("integer overflow", StringComparison.Ordinal):
                    return ReadFailure.NumberOutOfRange;
                case PostgresException { SqlState: PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn }:
                case SqliteException { SqliteErrorCode: raw.SQLITE_ERROR } when inner.Message.Contains("no such", StringComparison.Ordinal):
                    return ReadFailure.NoSchema;
                case PostgresException postgres when postgres.IsTransient || postgres.SqlState[..2] is "57" or "53" or "08" or "3D" or "28":
                case NpgsqlException and not PostgresException:
                case SqliteException
                {
                    SqliteErrorCode: raw.SQLITE_BUSY
                        or raw.SQLITE_LOCKED
                        or raw.SQLITE_IOERR
                        or raw.SQLITE_CANTOPEN
                        or raw.SQLITE_FULL
                        or raw.SQLITE_NOTADB
                        or raw.SQLITE_CORRUPT
                }:
                case TimeoutException:
                    return ReadFailure.Unavailable;
            }
        }
        return StorageFault.IsOutside(exception) ? ReadFailure.Unavailable : null;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (command is not null)
            await command.DisposeAsync();
        // Before the rollback, which is to work after the time is over too; and the connection goes back to a pool.
        if (connection is SqliteConnection { Handle: { } handle })
            raw.sqlite3_progress_handler(handle, 0, null, null);
        if (transaction is not null)
        {
            try
            {
                await transaction.DisposeAsync();
            }
            catch (DbException)
            {
                // The connection is gone, and its transaction with it.
            }
        }
        if (connection is not null)
            await connection.DisposeAsync();
        Pause();
        clock.Dispose();
    }

    /// <summary>Begins to read; failures come as the store's.</summary>
    internal async Task<DbDataReader> ReadAsync(string sql, IReadOnlyList<(string Name, object Value)> parameters)
    {
        try
        {
            return await ExecuteAsync(sql, parameters);
        }
        catch (Exception exception) when (Describe(exception) is { } described)
        {
            throw described;
        }
    }

    /// <summary>Goes to the next row; failures come as the store's.</summary>
    internal async ValueTask<bool> NextAsync(DbDataReader reader)
    {
        try
        {
            return await reader.ReadAsync(Token);
        }
        catch (Exception exception) when (Describe(exception) is { } described)
        {
            throw described;
        }
    }

    /// <summary>A failure as what the store tells of itself; null when the fault is our own, or nobody waits for the answer any
    /// more.</summary>
    internal StorageException? Describe(Exception exception) =>
        aborted.IsCancellationRequested
            ? null
            : FailureOf(exception) switch
            {
                null => null,
                ReadFailure.Timeout => new StorageException(
                    StorageErrorCode.Busy,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"The store was asked for what took longer than {Timeout.TotalSeconds:0} s, and the query was stopped."
                    ),
                    exception
                ),
                _ => StorageFault.Describe(exception, "the database")
                    ?? new StorageException(StorageErrorCode.Unreachable, "The store cannot be read now.", exception),
            };

    /// <summary>What stands before the first statement: on PostgreSQL the transaction's promises.</summary>
    private string Preamble =>
        Engine == StorageEngine.Sqlite ? ""
        : Timeout == System.Threading.Timeout.InfiniteTimeSpan ? "SET TRANSACTION READ ONLY; "
        : string.Create(
            CultureInfo.InvariantCulture,
            $"SET TRANSACTION READ ONLY; SET LOCAL statement_timeout = {(long)Timeout.TotalMilliseconds}; "
        );

    private async Task OpenAsync()
    {
        connection = await connections.OpenAsync(Token);
        if (connection is not SqliteConnection sqlite)
        {
            transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, Token);
            return;
        }
        if (sortsOnDisk)
        {
            await using var files = sqlite.CreateCommand();
            files.CommandText = "PRAGMA temp_store = FILE";
            await files.ExecuteNonQueryAsync(Token);
        }
        // Its asynchronous methods are not, and an interrupt reaches only the statement that is at work just
        // then: SQLite asks instead, about every millisecond, the opening of a statement included.
        raw.sqlite3_progress_handler(sqlite.Handle, 10_000, _ => Token.IsCancellationRequested ? 1 : 0, null);
        transaction = sqlite.BeginTransaction(deferred: true);
    }

    private DbParameter Parameter(string name, object value) =>
        (Engine, value) switch
        {
            (StorageEngine.Sqlite, DateTime time) => new SqliteParameter(name, UnixMicroseconds.From(time)),
            (StorageEngine.Sqlite, DateOnly date) => new SqliteParameter(name, date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)),
            (StorageEngine.Sqlite, _) => new SqliteParameter(name, value),
            // The first and the last of .NET's days would be sent as infinities, which have no year.
            (_, DateTime { Year: 1 or 9999 } time) => new NpgsqlParameter(name, NpgsqlDbType.TimestampTz)
            {
                Value = (time.Ticks - Year2000.Ticks) / TimeSpan.TicksPerMicrosecond,
            },
            (_, DateOnly { Year: 1 or 9999 } day) => new NpgsqlParameter(name, NpgsqlDbType.Date)
            {
                Value = day.DayNumber - DateOnly.FromDateTime(Year2000).DayNumber,
            },
            _ => new NpgsqlParameter(name, value),
        };

    private static readonly DateTime Year2000 = new(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc);
}
