using System.Globalization;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Storage.Engine;
using Metrics.Storage.Events;

namespace Metrics.Storage.Reading;

/// <summary>The right to read one source until the lease ends.</summary>
/// <param name="Source">Id of the source.</param>
/// <param name="Epoch">Fence: a commit with another epoch than the stored one is refused.</param>
/// <param name="Watermark">Everything before it has been read at least once; null before the first read.</param>
/// <param name="Cursor">Position text of the reader; null before the first read.</param>
/// <param name="RegisteredAt">When the source was first known.</param>
/// <param name="Now">The database's clock at the claim.</param>
public sealed record Claim(string Source, long Epoch, DateTime? Watermark, string? Cursor, DateTime RegisteredAt, DateTime Now)
{
    /// <summary>Length of the lease; a commit that continues holds the source for as long again.</summary>
    public TimeSpan Lease { get; init; }

    /// <summary>Failed reads since the last that was stored, by any reader.</summary>
    public int Failures { get; init; }
}

/// <summary>What one read found.</summary>
public sealed record ReadResult
{
    /// <summary>Admitted observations, in any order, duplicates allowed. Of unequal ones of one instant the smallest is kept and the others
    /// are rejected, whatever their order.</summary>
    public required IReadOnlyList<Observation> Observations { get; init; }

    /// <summary>What was refused.</summary>
    public required IReadOnlyList<Rejection> Rejections { get; init; }

    /// <summary>Start of the window that was asked for.</summary>
    public required DateTime From { get; init; }

    /// <summary>End of the window that was asked for.</summary>
    public required DateTime To { get; init; }

    /// <summary>New watermark; null, or an incomplete read, leaves it where it is. It moves forward only.</summary>
    public DateTime? Watermark { get; init; }

    /// <summary>The span of the past that the window belongs to, whose position moves with this commit; null for a live read.</summary>
    public Backfill? Backfill { get; init; }

    /// <summary>Series that could not be read although the others could.</summary>
    public IReadOnlyList<UnreadRecord> Unread { get; init; } = [];

    /// <summary>Different series of the whole read so far.</summary>
    public int SeriesReceived { get; init; }

    /// <summary>True when a read of the source brings all its series, so that far fewer of them are a reason to doubt it.</summary>
    public bool BringsAll { get; init; }

    /// <summary>New cursor; null leaves it as it is.</summary>
    public string? Cursor { get; init; }

    /// <summary>Why the read was incomplete; null when it was whole.</summary>
    public string? PartialBecause { get; init; }

    /// <summary>True when more of the same read follows: the claim stays held and no run is closed.</summary>
    public bool Continues { get; init; }
}

/// <summary>A series that a read did not get.</summary>
/// <param name="Subject">What it is, the same text at every read.</param>
/// <param name="Code">Why.</param>
/// <param name="Message">For people. No secret.</param>
public sealed record UnreadRecord(string Subject, SourceErrorCode Code, string Message)
{
    /// <summary>One sentence that names it and why.</summary>
    internal string Describe() => $"{Subject} could not be read ({SnakeCase.Of(Code)}): {Message}";
}

/// <summary>How many rows a commit touched.</summary>
/// <param name="Received">Observations given.</param>
/// <param name="Written">Rows inserted or changed; zero when everything was known.</param>
/// <param name="Rejected">Rejections stored.</param>
public sealed record CommitOutcome(long Received, long Written, long Rejected)
{
    /// <summary>Why the read counts as incomplete, so that the watermark stayed; null when it is whole.</summary>
    public string? PartialBecause { get; init; }

    /// <summary>Series without which the source goes on from this read on.</summary>
    public IReadOnlyList<UnreadRecord> Quarantined { get; init; } = [];

    /// <summary>What the read lacks, whether or not the watermark waits for it; null when it lacks nothing.</summary>
    internal string? LackedBecause => PartialBecause ?? (Quarantined is [var first, ..] ? first.Describe() : null);

    /// <summary>Series that are read again after they could not be.</summary>
    public IReadOnlyList<string> Healed { get; init; } = [];
}

/// <summary>How current a source is.</summary>
/// <param name="Id">Id of the source.</param>
/// <param name="ReadUntil">Its watermark; before the first read when it was registered.</param>
/// <param name="StaleSince">Since when it has been found behind; null while it is not.</param>
/// <param name="LastError">What its last failed read said.</param>
public sealed record SourceFreshness(string Id, DateTime ReadUntil, DateTime? StaleSince, string? LastError)
{
    /// <summary>Whether it was ever read up to some time.</summary>
    public bool IsRead { get; init; }
}

/// <summary>What has been read: who may read a source, the samples it brought, and how far it was read. Safe for many threads and
/// processes.</summary>
/// <remarks>
/// Samples, dirty hours, rejections and the watermark are one transaction behind the epoch of the claim, so that a crash, a second worker,
/// a late one or a lost answer leave either all of a commit or nothing, and a repetition changes nothing. Times are the database's.
/// </remarks>
public sealed class ReadLog
{
    /// <summary>So many thin reads in a row are believed: resources do go, also many at a time.</summary>
    private const int BelievedReads = 3;

    /// <summary>Failures in a row after which others are told.</summary>
    private const int ReportedFailures = 3;

    private readonly Database database;

    internal ReadLog(Database database) => this.database = database;

    /// <summary>Makes the source known. Again, it changes provider and place and keeps the rest.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task RegisterAsync(string source, string provider, string? place, CancellationToken cancellationToken) =>
        database.TransactAsync(
            (session, token) =>
                session.ExecuteAsync(
                    $"""
                    INSERT INTO source (id, provider, place, registered_at, epoch, failures, thin_reads)
                    VALUES (@id, @provider, @place, {database.Now}, 0, 0, 0)
                    ON CONFLICT (id) DO UPDATE SET provider = excluded.provider, place = excluded.place
                    """,
                    [("id", source), ("provider", provider), ("place", place)],
                    token
                ),
            cancellationToken
        );

    /// <summary>The right to read the source, for as long as the lease; null when another owner has it or the source is to be left alone
    /// for now. Never waits for another reader.</summary>
    /// <param name="source">Id of a registered source.</param>
    /// <param name="owner">Who asks. An owner gets its own lease again; the claim before it is then void.</param>
    /// <param name="lease">How long others keep off. It bounds waiting, not correctness: that is the epoch's.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="InvalidOperationException">The source was never registered.</exception>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<Claim?> ClaimAsync(string source, string owner, TimeSpan lease, CancellationToken cancellationToken) =>
        database.TransactAsync<Claim?>(
            async (session, token) =>
            {
                var now = await session.NowAsync(token);
                // A commit under way holds the row: skip it and come again at the next tick.
                var skip = database.IsPostgres ? " FOR UPDATE SKIP LOCKED" : "";
                var claims = await session.QueryAsync(
                    $"""
                    UPDATE source SET epoch = epoch + 1, lease_owner = @owner, lease_until = @until
                    WHERE id = (SELECT id FROM source WHERE id = @id AND (next_read_at IS NULL OR next_read_at <= @now)
                        AND (lease_until IS NULL OR lease_until <= @now OR lease_owner = @owner){skip})
                    RETURNING epoch, watermark, cursor, registered_at, failures
                    """,
                    [("id", source), ("owner", owner), ("now", now), ("until", now + lease)],
                    row => new Claim(source, row.Number(0), row.TimeOrNull(1), row.TextOrNull(2), row.Time(3), now)
                    {
                        Lease = lease,
                        Failures = row.Small(4),
                    },
                    token
                );
                if (claims.Count > 0)
                {
                    await AbandonRunAsync(session, source, claims[0].Epoch - 1, now, token);
                    return claims[0];
                }
                var known = await session.QueryAsync("SELECT 1 FROM source WHERE id = @id", [("id", source)], row => row.Small(0), token);
                return known.Count > 0 ? null : throw new InvalidOperationException($"The source '{source}' was never registered.");
            },
            cancellationToken
        );

    /// <summary>Gives the claim back without having read, or without having read to the end. Does nothing when it is no longer
    /// ours.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task ReleaseAsync(Claim claim, CancellationToken cancellationToken) =>
        database.TransactAsync(
            async (session, token) =>
            {
                var ours = await session.ExecuteAsync(
                    "UPDATE source SET lease_owner = NULL, lease_until = NULL WHERE id = @id AND epoch = @epoch",
                    [("id", claim.Source), ("epoch", claim.Epoch)],
                    token
                );
                if (ours > 0)
                    await AbandonRunAsync(session, claim.Source, claim.Epoch, await session.NowAsync(token), token);
            },
            cancellationToken
        );

    /// <summary>Holds the claim for as long again from now, because its reader still reads.</summary>
    /// <returns>False when it is no longer ours or has been given back.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<bool> RenewAsync(Claim claim, CancellationToken cancellationToken) =>
        database.TransactAsync(
            async (session, token) =>
                await session.ExecuteAsync(
                    "UPDATE source SET lease_until = @until WHERE id = @id AND epoch = @epoch AND lease_owner IS NOT NULL",
                    [("id", claim.Source), ("epoch", claim.Epoch), ("until", await session.NowAsync(token) + claim.Lease)],
                    token
                ) > 0,
            cancellationToken
        );

    /// <summary>Stores what a read brought, in one transaction with the hours it makes dirty, the watermark and the run.</summary>
    /// <returns>How many rows that were; null when another claim has been given since: then nothing was written, and nothing is lost
    /// because the other reads the same span.</returns>
    /// <exception cref="StorageException">The database failed and nothing was written. Code <c>collision</c>: two different series have the
    /// same key.</exception>
    public async Task<CommitOutcome?> CommitAsync(Claim claim, ReadResult result, CancellationToken cancellationToken)
    {
        var batch = SampleBatch.Of(result.Observations);
        IReadOnlyList<Rejection> rejections = batch.Conflicts.Count == 0 ? result.Rejections : [.. result.Rejections, .. batch.Conflicts];
        if (database.Partitions is { } partitions)
            await database.GuardAsync(() => partitions.EnsureAsync("samples", batch.Months, cancellationToken), cancellationToken);

        var outcome = await database.TransactAsync<CommitOutcome?>(
            async (session, token) =>
            {
                var now = await session.NowAsync(token);
                var stored = await session.QueryAsync(
                    $"SELECT epoch, watermark, cursor, series_expected, thin_reads FROM source WHERE id = @id{database.ForUpdate}",
                    [("id", claim.Source)],
                    row =>
                        (
                            Epoch: row.Number(0),
                            Watermark: row.TimeOrNull(1),
                            Cursor: row.TextOrNull(2),
                            Expected: row.IsNull(3) ? (int?)null : row.Small(3),
                            Thin: row.Small(4)
                        ),
                    token
                );
                if (stored.Count == 0 || stored[0].Epoch != claim.Epoch)
                    return null;
                var source = stored[0];

                var written = await SampleWriter.WriteAsync(session, batch, now, token);
                var outcome = new CommitOutcome(result.Observations.Count, written, rejections.Count)
                {
                    PartialBecause = result.PartialBecause,
                };
                var (expected, thin) = (source.Expected, source.Thin);
                if (!result.Continues)
                {
                    outcome = await Quarantine.SettleAsync(session, claim, result, outcome, now, token);
                    if (result is { BringsAll: true, Backfill: null, PartialBecause: null })
                    {
                        thin = IsThin(source.Expected, result.SeriesReceived) ? source.Thin + 1 : 0;
                        if (thin > 0 && thin < BelievedReads)
                            outcome = outcome with
                            {
                                PartialBecause = outcome.PartialBecause
                                    ?? (
                                        $"Only {result.SeriesReceived.ToString(CultureInfo.InvariantCulture)} of "
                                        + $"{source.Expected!.Value.ToString(CultureInfo.InvariantCulture)} series came, although the "
                                        + $"answer looked whole; it is read again"
                                    ),
                            };
                        else
                            (expected, thin) = (result.SeriesReceived, 0);
                    }
                }
                await UpsertRejectionsAsync(
                    session,
                    claim,
                    rejections.Concat(outcome.Quarantined.Select(one => Quarantine.Reject(claim.Source, one))),
                    now,
                    token
                );
                var state =
                    result.Continues ? RunState.Reading
                    : outcome.LackedBecause is null ? RunState.Whole
                    : RunState.Partial;
                await RecordRunAsync(session, claim, result, outcome, source.Expected, state, now, token);
                if (result.Backfill is { } backfill)
                    await Backfills.AdvanceAsync(session, backfill, result, outcome, now, token);

                var watermark = source.Watermark;
                if (
                    result is { Watermark: { } requested, Backfill: null }
                    && outcome.PartialBecause is null
                    && (watermark is null || requested > watermark)
                )
                    watermark = requested;
                // A span of the past says nothing of how the source is read now.
                await session.ExecuteAsync(
                    result.Backfill is not null
                        ? """
                        UPDATE source SET lease_owner = CASE WHEN @held = 1 THEN lease_owner END, lease_until = @until WHERE id = @id
                        """
                        : """
                        UPDATE source SET watermark = @watermark, cursor = @cursor, last_read_at = @now, failures = CASE WHEN @held = 1
                            THEN failures ELSE 0 END, next_read_at = NULL,
                            last_error_code = @code, last_error = @error, lease_owner = CASE WHEN @held = 1 THEN lease_owner END,
                                lease_until = @until,
                            series_expected = @expected, thin_reads = @thin
                        WHERE id = @id
                        """,
                    [
                        ("id", claim.Source),
                        ("held", result.Continues ? 1 : 0),
                        ("until", result.Continues ? now + claim.Lease : null),
                        .. result.Backfill is not null
                            ? Array.Empty<(string, object?)>()
                            :
                            [
                                ("watermark", watermark),
                                ("cursor", result.Cursor ?? source.Cursor),
                                ("now", now),
                                ("code", outcome.PartialBecause is null ? null : SnakeCase.Of(RunState.Partial)),
                                ("error", outcome.PartialBecause),
                                ("expected", (object?)expected),
                                ("thin", (object?)thin),
                            ],
                    ],
                    token
                );
                return outcome;
            },
            cancellationToken
        );

        if (outcome is null)
            await FencedAsync(claim, result, cancellationToken);
        else
            foreach (var series in batch.Series)
                database.Series.Add(series);
        return outcome;
    }

    /// <summary>At most half of the series that the source had, where it had more than a handful.</summary>
    private static bool IsThin(int? expected, int received) => expected >= 4 && received * 2 <= expected;

    /// <summary>Remembers that a read failed and leaves the source alone for a while. Does nothing to the source when the claim is no
    /// longer ours.</summary>
    /// <param name="claim">The claim under which it was read; it ends.</param>
    /// <param name="code">Stable name of the fault.</param>
    /// <param name="message">A sentence for people, without secrets.</param>
    /// <param name="retryAfter">How long to leave it alone.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task FailAsync(Claim claim, string code, string message, TimeSpan retryAfter, CancellationToken cancellationToken) =>
        database.TransactAsync(
            async (session, token) =>
            {
                var now = await session.NowAsync(token);
                var failures = await session.QueryAsync(
                    """
                    UPDATE source SET failures = failures + 1, next_read_at = @next, last_error_code = @code, last_error = @message,
                        lease_owner = NULL, lease_until = NULL
                    WHERE id = @id AND epoch = @epoch RETURNING failures
                    """,
                    [("id", claim.Source), ("epoch", claim.Epoch), ("next", now + retryAfter), ("code", code), ("message", message)],
                    row => row.Small(0),
                    token
                );
                await EndRunAsync(
                    session,
                    claim,
                    ReadKind.Read,
                    failures.Count == 0 ? RunState.Fenced : RunState.Failed,
                    code,
                    message,
                    now,
                    token
                );
                if (failures is [ReportedFailures])
                    await EventLog.AppendAsync(
                        session,
                        EventTypes.SourceFailed,
                        claim.Source,
                        new()
                        {
                            ["code"] = code,
                            ["message"] = message,
                            ["failures"] = ReportedFailures,
                        },
                        now,
                        token
                    );
            },
            cancellationToken
        );

    /// <summary>Remembers that a window of the past could not be read and leaves the span alone for a while; live reads of the source go
    /// on, unless it asked for rest.</summary>
    /// <param name="claim">The claim under which it was read; it ends.</param>
    /// <param name="backfill">The span.</param>
    /// <param name="code">Stable name of the fault.</param>
    /// <param name="message">A sentence for people, without secrets.</param>
    /// <param name="retryAfter">How long to leave the span alone.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task FailAsync(
        Claim claim,
        Backfill backfill,
        SourceErrorCode code,
        string message,
        TimeSpan retryAfter,
        CancellationToken cancellationToken
    ) =>
        database.TransactAsync(
            async (session, token) =>
            {
                var now = await session.NowAsync(token);
                var ours = await session.ExecuteAsync(
                    """
                    UPDATE source SET lease_owner = NULL, lease_until = NULL, next_read_at = CASE WHEN @throttled = 1 THEN @next
                        ELSE next_read_at END WHERE id = @id AND epoch = @epoch
                    """,
                    [
                        ("id", claim.Source),
                        ("epoch", claim.Epoch),
                        ("next", now + retryAfter),
                        ("throttled", code == SourceErrorCode.Throttled ? 1 : 0),
                    ],
                    token
                );
                await EndRunAsync(
                    session,
                    claim,
                    backfill.Kind,
                    ours == 0 ? RunState.Fenced : RunState.Failed,
                    SnakeCase.Of(code),
                    message,
                    now,
                    token
                );
                if (ours > 0)
                    await Backfills.FailAsync(session, backfill, code, message, now + retryAfter, token);
            },
            cancellationToken
        );

    /// <summary>How current each source is, on the database's clock.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<(DateTime Now, IReadOnlyList<SourceFreshness> Sources)> FreshnessAsync(CancellationToken cancellationToken) =>
        await database.ReadAsync(
            async (session, token) =>
                (
                    await session.NowAsync(token),
                    (IReadOnlyList<SourceFreshness>)
                        await session.QueryAsync(
                            "SELECT id, watermark, registered_at, stale_since, last_error FROM source",
                            [],
                            row => new SourceFreshness(row.Text(0), row.TimeOrNull(1) ?? row.Time(2), row.TimeOrNull(3), row.TextOrNull(4))
                            {
                                IsRead = !row.IsNull(1),
                            },
                            token
                        )
                ),
            cancellationToken
        );

    /// <summary>Remembers that a source is behind, or that it is no longer, and tells so once.</summary>
    /// <returns>Whether that was news.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<bool> MarkStaleAsync(SourceFreshness source, bool stale, CancellationToken cancellationToken) =>
        database.TransactAsync(
            async (session, token) =>
            {
                var now = await session.NowAsync(token);
                var changed = await session.ExecuteAsync(
                    stale
                        ? "UPDATE source SET stale_since = @now WHERE id = @id AND stale_since IS NULL"
                        : "UPDATE source SET stale_since = NULL WHERE id = @id AND stale_since IS NOT NULL",
                    stale ? [("id", source.Id), ("now", now)] : [("id", source.Id)],
                    token
                );
                if (changed > 0)
                    await EventLog.AppendAsync(
                        session,
                        stale ? EventTypes.SourceStale : EventTypes.SourceRecovered,
                        source.Id,
                        new()
                        {
                            ["readUntil"] = source.ReadUntil,
                            ["lagSeconds"] = Math.Round((now - source.ReadUntil).TotalSeconds),
                            ["lastError"] = stale ? source.LastError : null,
                        },
                        now,
                        token
                    );
                return changed > 0;
            },
            cancellationToken
        );

    private static async Task UpsertRejectionsAsync(
        Session session,
        Claim claim,
        IEnumerable<Rejection> rejections,
        DateTime now,
        CancellationToken cancellationToken
    )
    {
        var rows = rejections
            .Select(rejection => new RejectionRecord(RejectionOrigin.Read, rejection, null))
            .DistinctBy(row => row.Id)
            .ToList();
        await RejectionRecord
            .Table(now, claim.Epoch)
            .UpsertAsync(
                session,
                rows,
                """
                detail = excluded.detail, last_seen = excluded.last_seen, epoch = excluded.epoch,
                count = rejection.count + CASE WHEN rejection.epoch = excluded.epoch THEN 0 ELSE 1 END
                """,
                cancellationToken
            );
    }

    private static Task<int> RecordRunAsync(
        Session session,
        Claim claim,
        ReadResult result,
        CommitOutcome outcome,
        int? expected,
        RunState state,
        DateTime now,
        CancellationToken cancellationToken
    ) =>
        session.ExecuteAsync(
            """
            INSERT INTO run (source, epoch, kind, started_at, ended_at, window_start, window_end, received, written, rejected,
                series_expected, series_received, state, error_code, error)
            VALUES (@source, @epoch, @kind, @started, @ended, @from, @to, @received, @written, @rejected, @expected, @series, @state,
                @code, @error)
            ON CONFLICT (source, epoch) DO UPDATE SET series_received = excluded.series_received, ended_at = excluded.ended_at,
                window_start = excluded.window_start, window_end = excluded.window_end,
                received = run.received + excluded.received, written = run.written + excluded.written,
                    rejected = run.rejected + excluded.rejected,
                state = excluded.state, error_code = excluded.error_code, error = excluded.error
            """,
            [
                ("source", claim.Source),
                ("epoch", claim.Epoch),
                ("kind", SnakeCase.Of(result.Backfill?.Kind ?? ReadKind.Read)),
                ("started", claim.Now),
                ("ended", result.Continues ? null : now),
                ("from", result.From),
                ("to", result.To),
                ("received", outcome.Received),
                ("written", outcome.Written),
                ("rejected", outcome.Rejected),
                ("expected", result is { BringsAll: true, Backfill: null } ? expected : null),
                ("series", result.SeriesReceived),
                ("state", SnakeCase.Of(state)),
                ("code", outcome.LackedBecause is null ? null : SnakeCase.Of(RunState.Partial)),
                ("error", outcome.LackedBecause),
            ],
            cancellationToken
        );

    private static Task<int> EndRunAsync(
        Session session,
        Claim claim,
        ReadKind kind,
        RunState state,
        string code,
        string message,
        DateTime now,
        CancellationToken cancellationToken
    ) =>
        session.ExecuteAsync(
            """
            INSERT INTO run (source, epoch, kind, started_at, ended_at, received, written, rejected, series_received, state, error_code,
                error)
            VALUES (@source, @epoch, @kind, @started, @now, 0, 0, 0, 0, @state, @code, @error)
            ON CONFLICT (source, epoch) DO UPDATE SET ended_at = excluded.ended_at, state = excluded.state,
                error_code = excluded.error_code, error = excluded.error
            """,
            [
                ("source", claim.Source),
                ("epoch", claim.Epoch),
                ("kind", SnakeCase.Of(kind)),
                ("started", claim.Now),
                ("now", now),
                ("state", SnakeCase.Of(state)),
                ("code", code),
                ("error", message),
            ],
            cancellationToken
        );

    /// <summary>Ends the run that the reader of an epoch left open when it stopped or died.</summary>
    private static Task<int> AbandonRunAsync(
        Session session,
        string source,
        long epoch,
        DateTime now,
        CancellationToken cancellationToken
    ) =>
        session.ExecuteAsync(
            """
            UPDATE run SET state = @failed, ended_at = @now, error_code = 'abandoned',
                error = 'The reader stopped before the end of the read; the same span is read again.'
            WHERE source = @source AND epoch = @epoch AND ended_at IS NULL
            """,
            [("source", source), ("epoch", epoch), ("now", now), ("failed", SnakeCase.Of(RunState.Failed))],
            cancellationToken
        );

    private Task<int> FencedAsync(Claim claim, ReadResult result, CancellationToken cancellationToken) =>
        database.TransactAsync(
            async (session, token) =>
                await EndRunAsync(
                    session,
                    claim,
                    result.Backfill?.Kind ?? ReadKind.Read,
                    RunState.Fenced,
                    SnakeCase.Of(RunState.Fenced),
                    $"Another reader took the source over; {result.Observations.Count.ToString(CultureInfo.InvariantCulture)} "
                        + $"observations of this one were refused.",
                    await session.NowAsync(token),
                    token
                ),
            cancellationToken
        );
}
