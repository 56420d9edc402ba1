using System.Globalization;
using Metrics.Domain.Observations;

namespace Metrics.Storage;

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
    /// <summary>Admitted observations, in any order, duplicates allowed. Of unequal ones of one instant the smallest is kept and the others are rejected, whatever their order.</summary>
    public required IReadOnlyList<Observation> Observations { get; init; }

    /// <summary>What was refused.</summary>
    public required IReadOnlyList<Rejection> Rejections { get; init; }

    /// <summary>Start of the window that was asked for.</summary>
    public required DateTime From { get; init; }

    /// <summary>End of the window that was asked for.</summary>
    public required DateTime To { get; init; }

    /// <summary>New watermark; null, or an incomplete read, leaves it where it is. It moves forward only, unless <see cref="Rewind"/> says otherwise.</summary>
    public DateTime? Watermark { get; init; }

    /// <summary>True to let the watermark go back, so that a span is read again.</summary>
    public bool Rewind { get; init; }

    /// <summary>True when an operator asked for this span; the run says <c>backfill</c>.</summary>
    public bool Backfill { get; init; }

    /// <summary>New cursor; null leaves it as it is.</summary>
    public string? Cursor { get; init; }

    /// <summary>Why the read was incomplete; null when it was whole.</summary>
    public string? PartialBecause { get; init; }

    /// <summary>True when more of the same read follows: the claim stays held and no run is closed.</summary>
    public bool Continues { get; init; }
}

/// <summary>How many rows a commit touched.</summary>
/// <param name="Received">Observations given.</param>
/// <param name="Written">Rows inserted or changed; zero when everything was known.</param>
/// <param name="Rejected">Rejections stored.</param>
public sealed record CommitOutcome(long Received, long Written, long Rejected);

/// <summary>What has been read: who may read a source, the samples it brought, and how far it was read. Safe for many threads and processes.</summary>
/// <remarks>
/// Samples, dirty hours, rejections and the watermark are one transaction behind the epoch of the claim, so that a crash, a second worker, a
/// late one or a lost answer leave either all of a commit or nothing, and a repetition changes nothing. Times are the database's.
/// </remarks>
public sealed class ReadLog
{
    private readonly Database database;

    internal ReadLog(Database database) => this.database = database;

    /// <summary>Makes the source known. Again, it changes provider and place and keeps the rest.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task RegisterAsync(string source, string provider, string? place, CancellationToken cancellationToken) =>
        database.TransactAsync((session, token) => session.ExecuteAsync($"""
            INSERT INTO source (id, provider, place, registered_at, epoch, failures) VALUES (@id, @provider, @place, {database.Now}, 0, 0)
            ON CONFLICT (id) DO UPDATE SET provider = excluded.provider, place = excluded.place
            """, [("id", source), ("provider", provider), ("place", place)], token), cancellationToken);

    /// <summary>The right to read the source, for as long as the lease; null when another owner has it or the source is to be left alone for now. Never waits for another reader.</summary>
    /// <param name="source">Id of a registered source.</param>
    /// <param name="owner">Who asks. An owner gets its own lease again; the claim before it is then void.</param>
    /// <param name="lease">How long others keep off. It bounds waiting, not correctness: that is the epoch's.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="InvalidOperationException">The source was never registered.</exception>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<Claim?> ClaimAsync(string source, string owner, TimeSpan lease, CancellationToken cancellationToken) =>
        database.TransactAsync<Claim?>(async (session, token) =>
        {
            var now = await session.NowAsync(token);
            // A commit under way holds the row: skip it and come again at the next tick.
            var skip = database.IsPostgres ? " FOR UPDATE SKIP LOCKED" : "";
            var claims = await session.QueryAsync($"""
                UPDATE source SET epoch = epoch + 1, lease_owner = @owner, lease_until = @until
                WHERE id = (SELECT id FROM source WHERE id = @id AND (next_read_at IS NULL OR next_read_at <= @now)
                    AND (lease_until IS NULL OR lease_until <= @now OR lease_owner = @owner){skip})
                RETURNING epoch, watermark, cursor, registered_at, failures
                """, [("id", source), ("owner", owner), ("now", now), ("until", now + lease)],
                row => new Claim(source, row.Number(0), row.TimeOrNull(1), row.TextOrNull(2), row.Time(3), now) { Lease = lease, Failures = row.Small(4) }, token);
            if (claims.Count > 0) return claims[0];
            var known = await session.QueryAsync("SELECT 1 FROM source WHERE id = @id", [("id", source)], row => row.Small(0), token);
            return known.Count > 0 ? null : throw new InvalidOperationException($"The source '{source}' was never registered.");
        }, cancellationToken);

    /// <summary>Gives the claim back without having read. Does nothing when it is no longer ours.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task ReleaseAsync(Claim claim, CancellationToken cancellationToken) =>
        database.TransactAsync((session, token) => session.ExecuteAsync(
            "UPDATE source SET lease_owner = NULL, lease_until = NULL WHERE id = @id AND epoch = @epoch", [("id", claim.Source), ("epoch", claim.Epoch)], token), cancellationToken);

    /// <summary>Stores what a read brought, in one transaction with the hours it makes dirty, the watermark and the run.</summary>
    /// <returns>How many rows that were; null when another claim has been given since: then nothing was written, and nothing is lost because the other reads the same span.</returns>
    /// <exception cref="StorageException">The database failed and nothing was written. Code <c>collision</c>: two different series have the same key.</exception>
    public async Task<CommitOutcome?> CommitAsync(Claim claim, ReadResult result, CancellationToken cancellationToken)
    {
        var batch = SampleBatch.Of(result.Observations);
        IReadOnlyList<Rejection> rejections = batch.Conflicts.Count == 0 ? result.Rejections : [.. result.Rejections, .. batch.Conflicts];
        if (database.Partitions is { } partitions)
            await database.GuardAsync(() => partitions.EnsureAsync("samples", batch.Months, cancellationToken), cancellationToken);

        var outcome = await database.TransactAsync<CommitOutcome?>(async (session, token) =>
        {
            var now = await session.NowAsync(token);
            var stored = await session.QueryAsync($"SELECT epoch, watermark, cursor FROM source WHERE id = @id{database.ForUpdate}", [("id", claim.Source)],
                row => (Epoch: row.Number(0), Watermark: row.TimeOrNull(1), Cursor: row.TextOrNull(2)), token);
            if (stored.Count == 0 || stored[0].Epoch != claim.Epoch) return null;

            var written = await SampleWriter.WriteAsync(session, batch, now, token);
            await KeepRejectionsAsync(session, claim, rejections, now, token);
            var outcome = new CommitOutcome(result.Observations.Count, written, rejections.Count);
            var state = result.Continues ? "reading" : result.PartialBecause is null ? "whole" : "partial";
            await KeepRunAsync(session, claim, result, outcome, state, now, token);

            var watermark = stored[0].Watermark;
            if (result.Watermark is { } asked && result.PartialBecause is null && (watermark is null || asked > watermark || result.Rewind)) watermark = asked;
            await session.ExecuteAsync("""
                UPDATE source SET watermark = @watermark, cursor = @cursor, last_read_at = @now, failures = 0, next_read_at = NULL,
                    last_error_code = @code, last_error = @error, lease_owner = CASE WHEN @held = 1 THEN lease_owner END, lease_until = @until
                WHERE id = @id
                """,
                [
                    ("id", claim.Source), ("watermark", watermark), ("cursor", result.Cursor ?? stored[0].Cursor), ("now", now),
                    ("code", result.PartialBecause is null ? null : "partial"), ("error", result.PartialBecause),
                    ("held", result.Continues ? 1 : 0), ("until", result.Continues ? now + claim.Lease : null),
                ], token);
            return outcome;
        }, cancellationToken);

        if (outcome is null) await FencedAsync(claim, result, cancellationToken);
        else foreach (var series in batch.Series) database.Series.Add(series);
        return outcome;
    }

    /// <summary>Remembers that a read failed and leaves the source alone for a while. Does nothing to the source when the claim is no longer ours.</summary>
    /// <param name="claim">The claim under which it was read; it ends.</param>
    /// <param name="code">Stable name of the fault.</param>
    /// <param name="message">A sentence for people, without secrets.</param>
    /// <param name="retryAfter">How long to leave it alone.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task FailAsync(Claim claim, string code, string message, TimeSpan retryAfter, CancellationToken cancellationToken) =>
        database.TransactAsync(async (session, token) =>
        {
            var now = await session.NowAsync(token);
            var ours = await session.ExecuteAsync("""
                UPDATE source SET failures = failures + 1, next_read_at = @next, last_error_code = @code, last_error = @message, lease_owner = NULL, lease_until = NULL
                WHERE id = @id AND epoch = @epoch
                """, [("id", claim.Source), ("epoch", claim.Epoch), ("next", now + retryAfter), ("code", code), ("message", message)], token);
            await EndRunAsync(session, claim, ours == 0 ? "fenced" : "failed", code, message, now, token);
        }, cancellationToken);

    private static async Task KeepRejectionsAsync(Session session, Claim claim, IReadOnlyList<Rejection> rejections, DateTime now, CancellationToken cancellationToken)
    {
        var rows = rejections.Select(rejection => new RejectionRecord("read", rejection, null)).DistinctBy(row => row.Id).ToList();
        await RejectionRecord.Table(now, claim.Epoch).UpsertAsync(session, rows, """
            detail = excluded.detail, last_seen = excluded.last_seen, epoch = excluded.epoch,
            count = rejection.count + CASE WHEN rejection.epoch = excluded.epoch THEN 0 ELSE 1 END
            """, cancellationToken);
    }

    private static Task<int> KeepRunAsync(Session session, Claim claim, ReadResult result, CommitOutcome outcome, string state, DateTime now, CancellationToken cancellationToken) =>
        session.ExecuteAsync("""
            INSERT INTO run (source, epoch, kind, started_at, ended_at, window_start, window_end, received, written, rejected, state, error_code, error)
            VALUES (@source, @epoch, @kind, @started, @ended, @from, @to, @received, @written, @rejected, @state, @code, @error)
            ON CONFLICT (source, epoch) DO UPDATE SET ended_at = excluded.ended_at, window_start = excluded.window_start, window_end = excluded.window_end,
                received = run.received + excluded.received, written = run.written + excluded.written, rejected = run.rejected + excluded.rejected,
                state = excluded.state, error_code = excluded.error_code, error = excluded.error
            """,
            [
                ("source", claim.Source), ("epoch", claim.Epoch), ("kind", result.Backfill ? "backfill" : "read"), ("started", claim.Now),
                ("ended", result.Continues ? null : now), ("from", result.From), ("to", result.To), ("received", outcome.Received),
                ("written", outcome.Written), ("rejected", outcome.Rejected), ("state", state),
                ("code", result.PartialBecause is null ? null : "partial"), ("error", result.PartialBecause),
            ], cancellationToken);

    private static Task<int> EndRunAsync(Session session, Claim claim, string state, string code, string message, DateTime now, CancellationToken cancellationToken) =>
        session.ExecuteAsync("""
            INSERT INTO run (source, epoch, kind, started_at, ended_at, received, written, rejected, state, error_code, error)
            VALUES (@source, @epoch, 'read', @started, @now, 0, 0, 0, @state, @code, @error)
            ON CONFLICT (source, epoch) DO UPDATE SET ended_at = excluded.ended_at, state = excluded.state, error_code = excluded.error_code, error = excluded.error
            """, [("source", claim.Source), ("epoch", claim.Epoch), ("started", claim.Now), ("now", now), ("state", state), ("code", code), ("error", message)], cancellationToken);

    private Task<int> FencedAsync(Claim claim, ReadResult result, CancellationToken cancellationToken) =>
        database.TransactAsync(async (session, token) => await EndRunAsync(session, claim, "fenced", "fenced",
            $"Another reader took the source over; {result.Observations.Count.ToString(CultureInfo.InvariantCulture)} observations of this one were refused.", await session.NowAsync(token), token), cancellationToken);
}
