using System.Text.Json;
using System.Text.Json.Nodes;

namespace Metrics.Storage;

/// <summary>Somebody who wants to be told, and where.</summary>
/// <param name="Id">Identity.</param>
/// <param name="Url">Where deliveries are posted.</param>
/// <param name="Events">Types of events; empty: all.</param>
/// <param name="Format"><c>standard</c> or <c>cloudevents</c>.</param>
/// <param name="Signing"><c>hmac</c> or <c>ed25519</c>.</param>
/// <param name="Secret">What deliveries are signed with, in base64.</param>
/// <param name="PreviousSecret">The one before, which signs too until <paramref name="PreviousUntil"/>.</param>
/// <param name="PreviousUntil">UTC.</param>
/// <param name="Description">What people noted of it.</param>
/// <param name="Enabled">Whether anything is sent.</param>
/// <param name="DisabledBecause">Why not.</param>
/// <param name="FailingSince">Since when no attempt came through; null when the last one did.</param>
/// <param name="CreatedAt">When it was made.</param>
public sealed record Webhook(long Id, string Url, IReadOnlyList<string> Events, string Format, string Signing, string Secret, string? PreviousSecret, DateTime? PreviousUntil, string? Description,
    bool Enabled, string? DisabledBecause, DateTime? FailingSince, DateTime CreatedAt);

/// <summary>A delivery that a dispatcher has claimed: nobody else sends it before the claim ends.</summary>
/// <param name="Id">Identity.</param>
/// <param name="MessageId">The same over all attempts.</param>
/// <param name="Body">The text to sign and send, to the byte.</param>
/// <param name="Attempt">Which attempt this is: 1, 2 ...</param>
public sealed record ClaimedDelivery(long Id, string MessageId, string Body, int Attempt);

/// <summary>How an attempt ended.</summary>
/// <param name="Id">The delivery.</param>
/// <param name="State">What becomes of it: <c>delivered</c>, <c>failed</c> (no more attempts) or <c>due</c>.</param>
/// <param name="Wait">Of one that is due: how long until the next attempt.</param>
/// <param name="Status">HTTP status; null without an answer.</param>
/// <param name="Error">What went wrong.</param>
/// <param name="Milliseconds">How long it took.</param>
/// <param name="Spent">False when it was not tried at all, and the attempt does not count.</param>
public sealed record AttemptOutcome(long Id, string State, TimeSpan Wait, int? Status, string? Error, int Milliseconds, bool Spent = true);

/// <summary>A delivery as people see it.</summary>
/// <param name="Id">Identity.</param>
/// <param name="MessageId">Header <c>webhook-id</c> of all its attempts.</param>
/// <param name="Type">Type of its event.</param>
/// <param name="State"><c>due</c>, <c>delivered</c> or <c>failed</c>.</param>
/// <param name="CreatedAt">When its event happened.</param>
/// <param name="NextAt">When the next attempt is due; null when there is none.</param>
/// <param name="Attempts">Attempts so far, the first one first.</param>
public sealed record Delivery(long Id, string MessageId, string Type, string State, DateTime CreatedAt, DateTime? NextAt, IReadOnlyList<DeliveryAttempt> Attempts);

/// <summary>One attempt at a delivery.</summary>
/// <param name="Attempt">Which: 1, 2 ...; a replay begins again at 1.</param>
/// <param name="At">When it ended.</param>
/// <param name="Status">HTTP status; null without an answer.</param>
/// <param name="Error">What went wrong; null when nothing did.</param>
/// <param name="Milliseconds">How long it took.</param>
public sealed record DeliveryAttempt(int Attempt, DateTime At, int? Status, string? Error, int Milliseconds);

/// <summary>Webhooks and what is on its way to them.</summary>
public sealed class Outbox
{
    private const string Columns = "id, url, events, format, signing, secret, previous_secret, previous_until, description, enabled, disabled_because, failing_since, created_at";

    /// <summary>A dispatcher that died is taken to have died after this.</summary>
    public static readonly TimeSpan Claim = TimeSpan.FromSeconds(60);

    /// <summary>The secret before still signs for so long.</summary>
    public static readonly TimeSpan Overlap = TimeSpan.FromHours(24);

    /// <summary>What has ended is kept for so long, and can be replayed.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromDays(30);

    /// <summary>A webhook that nothing comes through to for so long is disabled.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromDays(5);

    private readonly Database database;

    internal Outbox(Database database) => this.database = database;

    /// <summary>All of them, the oldest first.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<IReadOnlyList<Webhook>> AllAsync(CancellationToken cancellationToken) => await database.ReadAsync((session, token) =>
        session.QueryAsync($"SELECT {Columns} FROM webhook ORDER BY id", [], Read, token), cancellationToken);

    /// <summary>One of them; null when there is none.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<Webhook?> FindAsync(long id, CancellationToken cancellationToken) => await database.ReadAsync(async (session, token) =>
        (await session.QueryAsync($"SELECT {Columns} FROM webhook WHERE id = @id", [("id", id)], Read, token)).FirstOrDefault(), cancellationToken);

    /// <summary>Keeps a new one.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<Webhook> CreateAsync(string url, IReadOnlyList<string> events, string format, string signing, string secret, string? description, CancellationToken cancellationToken) => database.TransactAsync(async (session, token) =>
        (await session.QueryAsync($"""
            INSERT INTO webhook (url, events, format, signing, secret, description, enabled, created_at) VALUES (@url, @events, @format, @signing, @secret, @description, @enabled, @now) RETURNING {Columns}
            """, [("url", url), ("events", string.Join(',', events)), ("format", format), ("signing", signing), ("secret", secret), ("description", description), ("enabled", true), ("now", await session.NowAsync(token))], Read, token))[0], cancellationToken);

    /// <summary>Changes one; enabling it forgets that it failed.</summary>
    /// <returns>As it is now; null when there is none.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<Webhook?> ChangeAsync(long id, string url, IReadOnlyList<string> events, string format, string? description, bool enabled, CancellationToken cancellationToken) => database.TransactAsync(async (session, token) =>
        (await session.QueryAsync($"""
            UPDATE webhook SET url = @url, events = @events, format = @format, description = @description, enabled = @enabled,
                disabled_because = @because, failing_since = CASE WHEN @enabled AND NOT enabled THEN NULL ELSE failing_since END
            WHERE id = @id RETURNING {Columns}
            """, [("id", id), ("url", url), ("events", string.Join(',', events)), ("format", format), ("description", description), ("enabled", enabled), ("because", enabled ? null : "disabled by an operator")], Read, token)).FirstOrDefault(), cancellationToken);

    /// <summary>Signs with another secret from now on, and with the one before for <see cref="Overlap"/>.</summary>
    /// <returns>As it is now; null when there is none.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<Webhook?> RotateAsync(long id, string secret, CancellationToken cancellationToken) => database.TransactAsync(async (session, token) =>
        (await session.QueryAsync($"UPDATE webhook SET previous_secret = secret, previous_until = @until, secret = @secret WHERE id = @id RETURNING {Columns}",
            [("id", id), ("secret", secret), ("until", await session.NowAsync(token) + Overlap)], Read, token)).FirstOrDefault(), cancellationToken);

    /// <summary>Removes one with all its deliveries.</summary>
    /// <returns>False when there is none.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<bool> DeleteAsync(long id, CancellationToken cancellationToken) => database.TransactAsync(async (session, token) =>
        await session.ExecuteAsync("DELETE FROM webhook WHERE id = @id", [("id", id)], token) > 0, cancellationToken);

    /// <summary>Tells every webhook that wants it.</summary>
    /// <returns>Identity of the event.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<long> RaiseAsync(string type, string? source, JsonObject body, CancellationToken cancellationToken) => database.TransactAsync(async (session, token) =>
        await EventLog.AppendAsync(session, type, source, body, await session.NowAsync(token), token), cancellationToken);

    /// <summary>Tells one webhook that it is tested.</summary>
    /// <returns>Identity of the delivery.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<long> TestAsync(Webhook webhook, CancellationToken cancellationToken) => database.TransactAsync(async (session, token) =>
        await EventLog.AppendForAsync(session, webhook.Id, webhook.Format, "webhook.test", new JsonObject { ["webhook"] = webhook.Id, ["message"] = "Nothing happened; somebody asked whether this arrives." }, await session.NowAsync(token), token), cancellationToken);

    /// <summary>Deliveries of a webhook with their attempts, the newest first.</summary>
    /// <param name="webhook">The webhook.</param>
    /// <param name="state">Only those in this state; null: all.</param>
    /// <param name="before">Only those with a smaller id; null: from the newest on.</param>
    /// <param name="top">At most so many.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<IReadOnlyList<Delivery>> DeliveriesAsync(long webhook, string? state, long? before, int top, CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<Delivery>>(async (session, token) =>
    {
        const string chosen = "webhook_id = @webhook AND (@state = '' OR state = @state) AND id < @before ORDER BY id DESC LIMIT @top";
        (string, object?)[] parameters = [("webhook", webhook), ("state", state ?? ""), ("before", before ?? long.MaxValue), ("top", top)];
        var attempts = (await session.QueryAsync($"SELECT delivery_id, attempt, at, status, error, milliseconds FROM delivery_attempt WHERE delivery_id IN (SELECT id FROM delivery WHERE {chosen}) ORDER BY id", parameters,
            row => (Delivery: row.Number(0), Attempt: new DeliveryAttempt(row.Small(1), row.Time(2), row.IsNull(3) ? null : row.Small(3), row.TextOrNull(4), row.Small(5))), token)).ToLookup(one => one.Delivery, one => one.Attempt);
        return await session.QueryAsync($"SELECT id, message_id, type, state, created_at, next_at FROM delivery WHERE {chosen}", parameters,
            row => new Delivery(row.Number(0), row.Text(1), row.Text(2), row.Text(3), row.Time(4), row.Text(3) == "due" ? row.Time(5) : null, [.. attempts[row.Number(0)]]), token);
    }, cancellationToken);

    /// <summary>Sends again what was sent or given up: with the same id and text, and all attempts anew.</summary>
    /// <param name="webhook">The webhook.</param>
    /// <param name="delivery">This one alone; null: those that the others choose.</param>
    /// <param name="from">Of events from then on, UTC.</param>
    /// <param name="to">Of events before then, UTC.</param>
    /// <param name="failed">Only those that were given up.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>How many.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<int> ReplayAsync(long webhook, long? delivery, DateTime? from, DateTime? to, bool failed, CancellationToken cancellationToken) => database.TransactAsync(async (session, token) =>
        await session.ExecuteAsync("""
            UPDATE delivery SET state = 'due', attempts = 0, next_at = @now, ended_at = NULL, claim_token = NULL, claimed_until = NULL
            WHERE webhook_id = @webhook AND (@delivery = 0 OR id = @delivery) AND created_at >= @from AND created_at < @to AND (state = 'failed' OR NOT @failed AND state = 'delivered')
            """,
            [
                ("webhook", webhook), ("delivery", delivery ?? 0), ("from", from ?? DateTime.UnixEpoch), ("to", to ?? new DateTime(9999, 1, 1, 0, 0, 0, DateTimeKind.Utc)), ("failed", failed), ("now", await session.NowAsync(token)),
            ], token), cancellationToken);

    /// <summary>The enabled webhooks that something is due for.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<IReadOnlyList<Webhook>> DueAsync(CancellationToken cancellationToken) => await database.ReadAsync((session, token) => session.QueryAsync($"""
        SELECT {Columns} FROM webhook WHERE enabled AND EXISTS (
            SELECT 1 FROM delivery WHERE webhook_id = webhook.id AND state = 'due' AND next_at <= {database.Now} AND (claimed_until IS NULL OR claimed_until < {database.Now})) ORDER BY id
        """, [], Read, token), cancellationToken);

    /// <summary>Claims what is due, the oldest first.</summary>
    /// <returns>The deliveries and the database's clock.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<(IReadOnlyList<ClaimedDelivery> Deliveries, DateTime Now)> ClaimAsync(long webhook, string claim, int most, CancellationToken cancellationToken) => database.TransactAsync(async (session, token) =>
    {
        var now = await session.NowAsync(token);
        // A row that another dispatcher has just locked is its own: nobody waits for it, and nobody sends it twice.
        var claimed = await session.QueryAsync($"""
            UPDATE delivery SET claim_token = @claim, claimed_until = @until, attempts = attempts + 1 WHERE id IN (
                SELECT id FROM delivery WHERE webhook_id = @webhook AND state = 'due' AND next_at <= @now AND (claimed_until IS NULL OR claimed_until < @now)
                ORDER BY next_at, id LIMIT @most{(database.IsPostgres ? " FOR UPDATE SKIP LOCKED" : "")})
            RETURNING id, message_id, body, attempts
            """, [("webhook", webhook), ("claim", claim), ("now", now), ("until", now + Claim), ("most", most)], row => new ClaimedDelivery(row.Number(0), row.Text(1), row.Text(2), row.Small(3)), token);
        claimed.Sort((a, b) => a.Id.CompareTo(b.Id));
        return ((IReadOnlyList<ClaimedDelivery>)claimed, now);
    }, cancellationToken);

    /// <summary>Keeps how the attempts of a claim ended; those whose claim another one took over are left to it.</summary>
    /// <param name="webhook">The webhook.</param>
    /// <param name="claim">The claim.</param>
    /// <param name="outcomes">How they ended.</param>
    /// <param name="gone">Why the webhook is to be disabled at once; null: only after failing for <see cref="Patience"/>.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>Why the webhook was disabled now; null when it was not.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<string?> FinishAsync(long webhook, string claim, IReadOnlyList<AttemptOutcome> outcomes, string? gone, CancellationToken cancellationToken) => database.TransactAsync(async (session, token) =>
    {
        var now = await session.NowAsync(token);
        var told = JsonSerializer.Serialize(outcomes.Select(one => new { id = one.Id, state = one.State, wait = (long)(one.Wait.TotalSeconds * 1e6), status = one.Status, error = one.Error?.Replace('\0', '\uFFFD'), ms = one.Milliseconds, spent = one.Spent ? 1 : 0 }));
        (string, object?)[] parameters = [("told", told), ("claim", claim), ("now", now)];
        var (rows, next) = database.IsPostgres
            ? ("jsonb_to_recordset(@told::jsonb) AS r(id bigint, state text, wait bigint, status integer, error text, ms integer, spent integer)", "@now + r.wait * interval '1 microsecond'")
            : ("(SELECT value ->> 'id' AS id, value ->> 'state' AS state, value ->> 'wait' AS wait, value ->> 'status' AS status, value ->> 'error' AS error, value ->> 'ms' AS ms, value ->> 'spent' AS spent FROM json_each(@told)) AS r", "@now + r.wait");
        await session.ExecuteAsync($"""
            INSERT INTO delivery_attempt (delivery_id, attempt, at, status, error, milliseconds)
            SELECT d.id, d.attempts, @now, r.status, r.error, r.ms FROM {rows} JOIN delivery d ON d.id = r.id WHERE d.claim_token = @claim AND r.spent = 1
            """, parameters, token);
        await session.ExecuteAsync($"""
            UPDATE delivery SET state = r.state, next_at = {next}, attempts = attempts - 1 + r.spent, claim_token = NULL, claimed_until = NULL,
                last_status = CASE WHEN r.spent = 1 THEN r.status ELSE last_status END, last_error = CASE WHEN r.spent = 1 THEN r.error ELSE last_error END,
                ended_at = CASE WHEN r.state = 'due' THEN NULL ELSE @now END
            FROM {rows} WHERE delivery.id = r.id AND delivery.claim_token = @claim
            """, parameters, token);

        var tried = outcomes.Where(one => one.Spent).ToList();
        if (tried.Count == 0) return null;
        if (tried.Exists(one => one.State == "delivered"))
        {
            await session.ExecuteAsync("UPDATE webhook SET failing_since = NULL WHERE id = @id AND failing_since IS NOT NULL", [("id", webhook)], token);
            return null;
        }
        var since = (await session.QueryAsync("UPDATE webhook SET failing_since = COALESCE(failing_since, @now) WHERE id = @id AND enabled RETURNING failing_since", [("id", webhook), ("now", now)], row => row.Time(0), token)).FirstOrDefault(now);
        var because = gone ?? (now - since >= Patience ? $"nothing came through for {Patience.TotalDays:0} days: {tried[^1].Error}" : null);
        if (because is null || await session.ExecuteAsync("UPDATE webhook SET enabled = @no, disabled_because = @because WHERE id = @id AND enabled", [("id", webhook), ("no", false), ("because", because)], token) == 0) return null;
        await EventLog.AppendAsync(session, "webhook.disabled", null, new JsonObject { ["webhook"] = webhook, ["because"] = because, ["failingSince"] = since }, now, token);
        return because;
    }, cancellationToken);

    /// <summary>Forgets what ended longer ago than <see cref="Kept"/>.</summary>
    /// <returns>How many deliveries.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<int> ForgetAsync(CancellationToken cancellationToken) => database.TransactAsync(async (session, token) =>
        await session.ExecuteAsync("DELETE FROM delivery WHERE ended_at < @until", [("until", await session.NowAsync(token) - Kept)], token), cancellationToken);

    private static Webhook Read(Row row) => new(row.Number(0), row.Text(1), row.Text(2).Length == 0 ? [] : row.Text(2).Split(','), row.Text(3), row.Text(4), row.Text(5), row.TextOrNull(6), row.TimeOrNull(7), row.TextOrNull(8),
        row.Flag(9), row.TextOrNull(10), row.TimeOrNull(11), row.Time(12));
}
