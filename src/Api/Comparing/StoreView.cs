using System.Data;
using System.Data.Common;
using Metrics.Storage.Schema;
using Microsoft.EntityFrameworkCore;

namespace Metrics.Api.Comparing;

/// <summary>One connection to the store that sees one state of it and asks for no longer than a quarter of a minute at a time.</summary>
internal abstract class StoreView(MetricsDbContext context) : IAsyncDisposable
{
    private const int Seconds = 15;
    private DbTransaction? transaction;

    public async Task OpenAsync(CancellationToken cancellationToken)
    {
        await context.Database.OpenConnectionAsync(cancellationToken);
        var connection = context.Database.GetDbConnection();
        transaction = connection is Microsoft.Data.Sqlite.SqliteConnection sqlite
            ? sqlite.BeginTransaction(deferred: true)
            : await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        if (context.Database.IsSqlite())
            return;
        await using var promise = Command($"SET TRANSACTION READ ONLY; SET LOCAL statement_timeout = '{Seconds}s'");
        await promise.ExecuteNonQueryAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (transaction is not null)
                await transaction.DisposeAsync();
        }
        catch (DbException)
        {
            // The connection is gone, and its transaction with it.
        }
        await context.DisposeAsync();
    }

    /// <summary>A time as the engine keeps it.</summary>
    protected object Bound(DateTime time) => context.Database.IsSqlite() ? UnixMicroseconds.From(time) : time;

    /// <summary>A command with those of the parameters that its text names.</summary>
    protected DbCommand Command(string sql, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        var command = context.Database.GetDbConnection().CreateCommand();
        command.CommandText = sql;
        command.Transaction = transaction;
        command.CommandTimeout = Seconds + 5;
        foreach (var (name, value) in parameters)
        {
            if (!sql.Contains($"@{name}", StringComparison.Ordinal))
                continue;
            var parameter = command.CreateParameter();
            parameter.ParameterName = name;
            parameter.Value = value;
            command.Parameters.Add(parameter);
        }
        return command;
    }
}
