using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Storage.Engine;

namespace Metrics.Storage.Reading;

/// <summary>A span of the past that is to be read, or was.</summary>
/// <param name="Id">Key.</param>
/// <param name="Source">Id of the source.</param>
/// <param name="Kind">Why it is read; never <see cref="ReadKind.Read"/>.</param>
/// <param name="Span">What is to be read, UTC.</param>
/// <param name="Position">Everything before it has been read.</param>
/// <param name="Step">Length of a window.</param>
/// <param name="Windows">Number of windows.</param>
/// <param name="WindowsDone">Those that were stored.</param>
/// <param name="Received">Observations received.</param>
/// <param name="Written">Samples inserted or changed.</param>
/// <param name="State">How far it is.</param>
/// <param name="Failures">Failed windows since the last that was stored.</param>
/// <param name="Error">What the last of those said.</param>
public sealed record Backfill(
    long Id,
    string Source,
    ReadKind Kind,
    Interval Span,
    DateTime Position,
    TimeSpan Step,
    int Windows,
    int WindowsDone,
    long Received,
    long Written,
    BackfillState State,
    int Failures,
    string? Error
)
{
    /// <summary>Whether there is anything left to read.</summary>
    public bool IsOpen => State is BackfillState.Waiting or BackfillState.Reading;

    /// <summary>The next window.</summary>
    public Interval Next => new(Position, Position + Step < Span.End ? Position + Step : Span.End);
}

/// <summary>Spans of the past that are to be read: whoever asks, they are worked window by window, oldest first, and a restart goes on
/// where the last commit ended.</summary>
public sealed class Backfills
{
    private const string Columns =
        "id, source, kind, from_at, to_at, position, step_seconds, windows, windows_done, received, written, state, failures, error";

    private static readonly string Open = $"state IN ('{SnakeCase.Of(BackfillState.Waiting)}', '{SnakeCase.Of(BackfillState.Reading)}')";

    private static readonly IReadOnlyDictionary<string, ReadKind> Kinds = SnakeCase.Values<ReadKind>();
    private static readonly IReadOnlyDictionary<string, BackfillState> States = SnakeCase.Values<BackfillState>();

    private readonly Database database;

    internal Backfills(Database database) => this.database = database;

    /// <summary>Asks for a span. The same one asked for again while it is open is the one that is there.</summary>
    /// <param name="source">Id of a registered source.</param>
    /// <param name="kind">Why it is to be read.</param>
    /// <param name="span">What to read, UTC.</param>
    /// <param name="step">Length of a window.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>The span, and whether it is new.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<(Backfill Backfill, bool IsNew)> RequestAsync(
        string source,
        ReadKind kind,
        Interval span,
        TimeSpan step,
        CancellationToken cancellationToken
    ) =>
        database.TransactAsync(
            async (session, token) =>
            {
                // Two requests at the same time must not both find nothing.
                await session.QueryAsync(
                    $"SELECT id FROM source WHERE id = @id{database.ForUpdate}",
                    [("id", source)],
                    row => row.Text(0),
                    token
                );
                var open = await session.QueryAsync(
                    $"SELECT {Columns} FROM backfill WHERE source = @source AND kind = @kind AND from_at = @from AND to_at = @to "
                        + $"AND {Open}",
                    [("source", source), ("kind", SnakeCase.Of(kind)), ("from", span.Start), ("to", span.End)],
                    Read,
                    token
                );
                if (open.Count > 0)
                    return (open[0], false);
                return (await InsertAsync(session, source, kind, span, step, await session.NowAsync(token), token), true);
            },
            cancellationToken
        );

    /// <summary>The span to work on now: what somebody asked for before what the service asked itself for, the oldest request first; null
    /// when none is due.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<Backfill?> NextAsync(string source, CancellationToken cancellationToken) =>
        await database.ReadAsync(
            async (session, token) =>
                (
                    await session.QueryAsync(
                        $"""
                        SELECT {Columns} FROM backfill WHERE source = @source AND {Open}
                            AND (next_read_at IS NULL OR next_read_at <= {database.Now})
                        ORDER BY CASE kind WHEN '{SnakeCase.Of(ReadKind.Backfill)}' THEN 0 ELSE 1 END, id LIMIT 1
                        """,
                        [("source", source)],
                        Read,
                        token
                    )
                ).FirstOrDefault(),
            cancellationToken
        );

    /// <summary>One span.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<Backfill?> FindAsync(long id, CancellationToken cancellationToken) =>
        await database.ReadAsync(
            async (session, token) =>
                (await session.QueryAsync($"SELECT {Columns} FROM backfill WHERE id = @id", [("id", id)], Read, token)).FirstOrDefault(),
            cancellationToken
        );

    /// <summary>The spans of a source, the newest request first.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<IReadOnlyList<Backfill>> OfAsync(string source, CancellationToken cancellationToken) =>
        await database.ReadAsync(
            (session, token) =>
                session.QueryAsync(
                    $"SELECT {Columns} FROM backfill WHERE source = @source ORDER BY id DESC LIMIT 100",
                    [("source", source)],
                    Read,
                    token
                ),
            cancellationToken
        );

    /// <summary>Ends a span that is open; what was read stays. The window under way is still stored.</summary>
    /// <returns>False when it was not open.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<bool> CancelAsync(long id, CancellationToken cancellationToken) =>
        database.TransactAsync(
            async (session, token) =>
                await session.ExecuteAsync(
                    $"UPDATE backfill SET state = @cancelled, ended_at = @now WHERE id = @id AND {Open}",
                    [("id", id), ("cancelled", SnakeCase.Of(BackfillState.Cancelled)), ("now", await session.NowAsync(token))],
                    token
                ) > 0,
            cancellationToken
        );

    /// <summary>Asks for the daily second look at a source when the last one was a day ago.</summary>
    /// <param name="claim">A claim of the source.</param>
    /// <param name="reach">How far back it looks.</param>
    /// <param name="overlap">What every read looks at again anyway.</param>
    /// <param name="step">Length of a window.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task RereadDailyAsync(Claim claim, TimeSpan reach, TimeSpan overlap, TimeSpan step, CancellationToken cancellationToken) =>
        database.TransactAsync(
            async (session, token) =>
            {
                // The first day begins with the first read: there is nothing to look at again before.
                var due = await session.QueryAsync(
                    """
                    UPDATE source SET reread_at = @now WHERE id = @id AND epoch = @epoch AND (reread_at IS NULL OR reread_at <= @dayAgo)
                        RETURNING watermark, registered_at
                    """,
                    [("id", claim.Source), ("epoch", claim.Epoch), ("now", claim.Now), ("dayAgo", claim.Now.AddDays(-1))],
                    row => (Watermark: row.TimeOrNull(0), Registered: row.Time(1)),
                    token
                );
                if (due is not [{ Watermark: { } watermark, Registered: var registered }] || claim.Now - registered < TimeSpan.FromDays(1))
                    return;
                var from = watermark - reach > registered ? watermark - reach : registered;
                var to = watermark - overlap;
                if (to > from)
                    await AddAsync(session, claim.Source, ReadKind.Reread, from, to, claim.Now, token, step);
            },
            cancellationToken
        );

    /// <summary>Adds a span of whole hours in the transaction given, unless an open one of its kind holds it.</summary>
    internal static async Task AddAsync(
        Session session,
        string source,
        ReadKind kind,
        DateTime from,
        DateTime to,
        DateTime now,
        CancellationToken cancellationToken,
        TimeSpan? step = null
    )
    {
        var span = WholeHours(from, to);
        var held = await session.QueryAsync(
            $"SELECT 1 FROM backfill WHERE source = @source AND kind = @kind AND {Open} AND position <= @from AND to_at >= @to",
            [("source", source), ("kind", SnakeCase.Of(kind)), ("from", span.Start), ("to", span.End)],
            row => row.Small(0),
            cancellationToken
        );
        if (held.Count == 0)
            await InsertAsync(session, source, kind, span, step ?? TimeSpan.FromHours(1), now, cancellationToken);
    }

    /// <summary>The hours that hold the span: no sample of an hour or less lies across the edge of one.</summary>
    public static Interval WholeHours(DateTime from, DateTime to)
    {
        var hour = TimeSpan.TicksPerHour;
        return new(new(from.Ticks - from.Ticks % hour, DateTimeKind.Utc), new((to.Ticks + hour - 1) / hour * hour, DateTimeKind.Utc));
    }

    /// <summary>Moves the position with the commit of a window; in its transaction.</summary>
    internal static Task<int> AdvanceAsync(
        Session session,
        Backfill backfill,
        ReadResult result,
        CommitOutcome outcome,
        DateTime now,
        CancellationToken cancellationToken
    )
    {
        var whole = !result.Continues && outcome.PartialBecause is null;
        return session.ExecuteAsync(
            """
            UPDATE backfill SET received = received + @received, written = written + @written, started_at = COALESCE(started_at, @now),
                position = CASE WHEN @whole = 1 AND position = @from THEN @to ELSE position END,
                windows_done = windows_done + CASE WHEN @whole = 1 AND position = @from THEN 1 ELSE 0 END,
                state = CASE WHEN state = @cancelled THEN state WHEN @whole = 1 AND position = @from AND @to >= to_at THEN @done
                    ELSE @reading END,
                ended_at = CASE WHEN @whole = 1 AND position = @from AND @to >= to_at THEN @now ELSE ended_at END,
                failures = CASE WHEN @whole = 1 THEN 0 ELSE failures + @failed END, next_read_at = @next, error_code = @code, error = @error
            WHERE id = @id
            """,
            [
                ("id", backfill.Id),
                ("received", outcome.Received),
                ("written", outcome.Written),
                ("now", now),
                ("whole", whole ? 1 : 0),
                ("cancelled", SnakeCase.Of(BackfillState.Cancelled)),
                ("done", SnakeCase.Of(BackfillState.Done)),
                ("reading", SnakeCase.Of(BackfillState.Reading)),
                ("from", result.From),
                ("to", result.To),
                ("failed", outcome.PartialBecause is null ? 0 : 1),
                ("next", outcome.PartialBecause is null ? null : now + TimeSpan.FromMinutes(1)),
                ("code", outcome.PartialBecause is null ? null : SnakeCase.Of(RunState.Partial)),
                ("error", outcome.PartialBecause),
            ],
            cancellationToken
        );
    }

    internal static Task<int> FailAsync(
        Session session,
        Backfill backfill,
        SourceErrorCode code,
        string message,
        DateTime next,
        CancellationToken cancellationToken
    ) =>
        session.ExecuteAsync(
            "UPDATE backfill SET failures = failures + 1, next_read_at = @next, error_code = @code, error = @error WHERE id = @id",
            [("id", backfill.Id), ("next", next), ("code", SnakeCase.Of(code)), ("error", message)],
            cancellationToken
        );

    private static async Task<Backfill> InsertAsync(
        Session session,
        string source,
        ReadKind kind,
        Interval span,
        TimeSpan step,
        DateTime now,
        CancellationToken cancellationToken
    ) =>
        (
            await session.QueryAsync(
                $"""
                INSERT INTO backfill (source, kind, from_at, to_at, position, step_seconds, windows, windows_done, received, written,
                    state, requested_at, failures)
                VALUES (@source, @kind, @from, @to, @from, @step, @windows, 0, 0, 0, @waiting, @now, 0) RETURNING {Columns}
                """,
                [
                    ("source", source),
                    ("kind", SnakeCase.Of(kind)),
                    ("from", span.Start),
                    ("to", span.End),
                    ("step", (int)step.TotalSeconds),
                    ("windows", (int)Math.Ceiling(span.Length / step)),
                    ("waiting", SnakeCase.Of(BackfillState.Waiting)),
                    ("now", now),
                ],
                Read,
                cancellationToken
            )
        )[0];

    private static Backfill Read(Row row) =>
        new(
            row.Number(0),
            row.Text(1),
            Kinds[row.Text(2)],
            new(row.Time(3), row.Time(4)),
            row.Time(5),
            TimeSpan.FromSeconds(row.Small(6)),
            row.Small(7),
            row.Small(8),
            row.Number(9),
            row.Number(10),
            States[row.Text(11)],
            row.Small(12),
            row.TextOrNull(13)
        );
}
