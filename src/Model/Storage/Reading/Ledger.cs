using System.Globalization;
using Metrics.Domain.Quantities;
using Metrics.Storage.Engine;
using Metrics.Storage.Events;

namespace Metrics.Storage.Reading;

/// <summary>What is stored of a source, by series and hour, for comparison with what the source says itself; and how far it was
/// compared.</summary>
public sealed class Ledger
{
    private readonly Database database;

    internal Ledger(Database database) => this.database = database;

    /// <summary>The next UTC day of a source that has been read past and not yet been compared; null when there is none.</summary>
    /// <param name="source">Id of the source.</param>
    /// <param name="settled">How far behind the watermark a day must end.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<Interval?> DueAsync(string source, TimeSpan settled, CancellationToken cancellationToken)
    {
        var rows = await database.ReadAsync(
            (session, token) =>
                session.QueryAsync(
                    "SELECT watermark, reconciled_until, registered_at FROM source WHERE id = @id",
                    [("id", source)],
                    row => (Watermark: row.TimeOrNull(0), Until: row.TimeOrNull(1), Registered: row.Time(2)),
                    token
                ),
            cancellationToken
        );
        if (rows is not [{ Watermark: { } watermark } row])
            return null;
        // The first day is the first whole one; what a first look back brought of the days before is not all of them.
        var day = row.Until ?? row.Registered.Date.AddDays(row.Registered.TimeOfDay > TimeSpan.Zero ? 1 : 0);
        return day.AddDays(1) <= watermark - settled ? new Interval(day, day.AddDays(1)) : null;
    }

    /// <summary>Sum and number of the stored samples that start in each hour of the span, by series.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<IReadOnlyDictionary<(long Series, DateTime Hour), (double Sum, long Count)>> HoursAsync(
        string source,
        Interval span,
        CancellationToken cancellationToken
    )
    {
        var hour = database.IsPostgres
            ? "date_bin('1 hour', s.start, timestamptz '2000-01-01 00:00:00+00')"
            : "s.start - s.start % 3600000000";
        return await database.ReadAsync(
            async (session, token) =>
                (
                    await session.QueryAsync(
                        $"""
                        SELECT s.series_id, {hour} AS hour, sum(s.value), count(*) FROM samples s JOIN series e ON e.id = s.series_id
                        WHERE e.source = @source AND s.start >= @from AND s.start < @to GROUP BY s.series_id, 2
                        """,
                        [("source", source), ("from", span.Start), ("to", span.End)],
                        row => (Key: (row.Number(0), row.Time(1)), Value: (row.Double(2), row.Number(3))),
                        token
                    )
                ).ToDictionary(row => row.Key, row => row.Value),
            cancellationToken
        );
    }

    /// <summary>Remembers that a day was compared, with its run, and tells of differences; the claim ends.</summary>
    /// <param name="claim">A claim of the source.</param>
    /// <param name="day">The day.</param>
    /// <param name="message">What differs, for people; null when nothing does.</param>
    /// <param name="differences">How many hours of series differ.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task ComparedAsync(Claim claim, Interval day, string? message, int differences, CancellationToken cancellationToken) =>
        database.TransactAsync(
            async (session, token) =>
            {
                var now = await session.NowAsync(token);
                var ours = await session.ExecuteAsync(
                    "UPDATE source SET reconciled_until = @until, lease_owner = NULL, lease_until = NULL WHERE id = @id AND epoch = @epoch",
                    [("id", claim.Source), ("epoch", claim.Epoch), ("until", day.End)],
                    token
                );
                if (ours == 0)
                    return;
                await session.ExecuteAsync(
                    """
                    INSERT INTO run (source, epoch, kind, started_at, ended_at, window_start, window_end, received, written, rejected,
                        series_received, state, error_code, error)
                    VALUES (@source, @epoch, @kind, @started, @now, @from, @to, 0, 0, 0, 0, @state, @code, @error)
                    """,
                    [
                        ("source", claim.Source),
                        ("epoch", claim.Epoch),
                        ("started", claim.Now),
                        ("now", now),
                        ("from", day.Start),
                        ("to", day.End),
                        ("kind", SnakeCase.Of(ReadKind.Reconcile)),
                        ("state", SnakeCase.Of(message is null ? RunState.Whole : RunState.Mismatch)),
                        ("code", message is null ? null : SnakeCase.Of(RunState.Mismatch)),
                        ("error", message),
                    ],
                    token
                );
                if (message is not null)
                    await EventLog.AppendAsync(
                        session,
                        EventTypes.ReconciliationMismatch,
                        claim.Source,
                        new()
                        {
                            ["day"] = day.Start.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
                            ["differences"] = differences,
                            ["message"] = message,
                        },
                        now,
                        token
                    );
            },
            cancellationToken
        );
}
