using System.Data;
using System.Data.Common;
using Metrics.Api.OData.Protocol;
using Metrics.Storage.Engine;
using Microsoft.Data.Sqlite;
using Npgsql;
using SQLitePCL;

namespace Metrics.Api.OData.Query;

/// <summary>One connection of one request: a consistent view of the store, and a clock that stops what takes too long.</summary>
/// <remarks>The clock runs while the database works, not while a slow client is written to.</remarks>
internal sealed class ReadSession : IAsyncDisposable
{
    private readonly QueryConnections readers;
    private readonly TimeSpan timeout;
    private readonly CancellationTokenSource clock;
    private DbConnection? connection;
    private DbTransaction? transaction;
    private DbCommand? command;
    private readonly SemaphoreSlim? turns;
    private bool promised,
        works;

    /// <summary>A session; it opens its connection when it is first needed.</summary>
    /// <param name="readers">Where from.</param>
    /// <param name="timeout">How long the database may work on a statement.</param>
    /// <param name="aborted">Cancelled when the client is gone.</param>
    /// <param name="takesTurns">False for one that is long at work and would keep the others from theirs.</param>
    public ReadSession(QueryConnections readers, TimeSpan timeout, CancellationToken aborted, bool takesTurns = true)
    {
        turns = takesTurns ? readers.Turns : null;
        this.readers = readers;
        this.timeout = timeout;
        clock = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        Dialect = readers.Engine == StorageEngine.Sqlite ? SqlDialect.Sqlite : SqlDialect.Postgres;
    }

    public SqlDialect Dialect { get; }

    /// <summary>Cancelled when the client is gone or the time is over.</summary>
    public CancellationToken Token => clock.Token;

    /// <summary>Lets the others work: something else than the database is waited for.</summary>
    public void Pause()
    {
        clock.CancelAfter(Timeout.InfiniteTimeSpan);
        if (!works)
            return;
        works = false;
        turns!.Release();
    }

    /// <summary>Goes on with the database, when it is this session's turn.</summary>
    public async ValueTask ResumeAsync()
    {
        if (turns is not null && !works)
        {
            await turns.WaitAsync(Token);
            works = true;
        }
        clock.CancelAfter(timeout);
    }

    public async Task<DbDataReader> ExecuteAsync(string sql, SqlParameters parameters)
    {
        await ResumeAsync();
        if (connection is null)
        {
            connection = await readers.OpenAsync(Token);
            if (connection is SqliteConnection sqlite)
            {
                // Its asynchronous methods are not, and an interrupt reaches only the statement that is at work just
                // then: SQLite asks instead, about every millisecond, the opening of a statement included.
                raw.sqlite3_progress_handler(sqlite.Handle, 10_000, _ => Token.IsCancellationRequested ? 1 : 0, null);
                transaction = sqlite.BeginTransaction(deferred: true);
            }
            else
            {
                transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, Token);
            }
        }
        // A command of SQLite closes its reader with itself.
        if (command is not null)
            await command.DisposeAsync();
        command = connection.CreateCommand();
        command.CommandText = promised ? sql : Dialect.Preamble(timeout) + sql;
        command.CommandTimeout = (int)Math.Ceiling(timeout.TotalSeconds) + 5;
        command.Transaction = transaction;
        parameters.CopyTo(command);
        promised = true;
        return await command.ExecuteReaderAsync(Token);
    }

    public async Task<long> CountAsync(string sql, SqlParameters parameters)
    {
        await using var reader = await ExecuteAsync(sql, parameters);
        await reader.ReadAsync(Token);
        Pause();
        return reader.GetInt64(0);
    }

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

    /// <summary>What a failure of the database means to the client; null when the fault is ours.</summary>
    public ODataError? Explain(Exception failure)
    {
        for (var inner = failure; inner is not null; inner = inner.InnerException)
        {
            switch (inner)
            {
                case PostgresException { SqlState: PostgresErrorCodes.QueryCanceled }:
                case SqliteException { SqliteErrorCode: raw.SQLITE_INTERRUPT }:
                case OperationCanceledException when clock.IsCancellationRequested:
                    return new ODataError(
                        StatusCodes.Status503ServiceUnavailable,
                        "QueryTimeout",
                        $"The query took longer than {timeout.TotalSeconds:0} s and was stopped: filter by Date or PeriodStart, ask for less, or for an answer later (Prefer: respond-async)."
                    );
                case PostgresException { SqlState: PostgresErrorCodes.NumericValueOutOfRange or PostgresErrorCodes.DatetimeFieldOverflow }:
                case SqliteException { SqliteErrorCode: raw.SQLITE_ERROR }
                    when inner.Message.Contains("integer overflow", StringComparison.Ordinal):
                    return ODataError.BadRequest("NumberOutOfRange", "The arithmetic of the query leaves the range of its numbers.", null);
                case PostgresException { SqlState: PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn }:
                case SqliteException { SqliteErrorCode: raw.SQLITE_ERROR } when inner.Message.Contains("no such", StringComparison.Ordinal):
                    return Unavailable("The store is not prepared for this version of the service.");
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
                    return Unavailable("The store cannot be reached now.");
            }
        }
        return null;
    }

    private static ODataError Unavailable(string message) => new(StatusCodes.Status503ServiceUnavailable, "StorageUnavailable", message);
}
