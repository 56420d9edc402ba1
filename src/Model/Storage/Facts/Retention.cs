using Metrics.Storage.Engine;

namespace Metrics.Storage.Facts;

/// <summary>Forgets what is old: on PostgreSQL whole partitions, on SQLite rows.</summary>
public sealed class Retention
{
    private readonly Database database;

    internal Retention(Database database) => this.database = database;

    /// <summary>Forgets samples, and facts when asked, of whole UTC months before a time. Roll-ups of hours and days stay, and what is
    /// forgotten is not computed again.</summary>
    /// <param name="samples">Samples of months that end at or before it go.</param>
    /// <param name="facts">Facts of months that end at or before it go; null keeps them all.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="StorageException">The database failed. Code <c>busy</c>: a long query reads the table; call again.</exception>
    public async Task DropBeforeAsync(DateTime samples, DateTime? facts, CancellationToken cancellationToken)
    {
        var month = Month(samples);
        // First, so that no recompute begins that would find the samples gone. The first hour kept needs a neighbour that goes.
        await database.TransactAsync(
            async (session, token) =>
            {
                await session.ExecuteAsync("DELETE FROM sample_hours WHERE hour <= @month", [("month", month)], token);
                await session.ExecuteAsync("DELETE FROM dirty_hours WHERE hour <= @month", [("month", month)], token);
            },
            cancellationToken
        );
        await DropAsync("samples", "start", month, cancellationToken);
        if (facts is not { } until)
            return;
        await DropAsync("energy_facts", "period_start", Month(until), cancellationToken);
        await DropAsync("work_facts", "period_start", Month(until), cancellationToken);
    }

    private static DateTime Month(DateTime time) => new(time.Year, time.Month, 1, 0, 0, 0, DateTimeKind.Utc);

    private Task DropAsync(string table, string column, DateTime month, CancellationToken cancellationToken) =>
        database.Partitions is { } partitions
            ? database.GuardAsync(() => partitions.DropBeforeAsync(table, month, cancellationToken), cancellationToken)
            : database.TransactAsync(
                (session, token) => session.ExecuteAsync($"DELETE FROM {table} WHERE {column} < @month", [("month", month)], token),
                cancellationToken
            );
}
