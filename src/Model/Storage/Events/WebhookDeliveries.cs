using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Metrics.Domain.Messages;
using Metrics.Storage.Engine;
using Metrics.Storage.Schema;

namespace Metrics.Storage.Events;

/// <summary>One message on its way to one webhook, with all that was tried.</summary>
/// <param name="Id">Key.</param>
/// <param name="Message">The receiver's idempotency key.</param>
/// <param name="Type">Type of the event.</param>
/// <param name="State">Where it stands.</param>
/// <param name="CreatedAt">When it was put on its way.</param>
/// <param name="NextAt">Not tried before.</param>
/// <param name="EndedAt">When it was delivered or given up.</param>
/// <param name="Attempts">What was tried, the first first.</param>
public sealed record WebhookDelivery(
    long Id,
    string Message,
    string Type,
    DeliveryState State,
    DateTime CreatedAt,
    DateTime NextAt,
    DateTime? EndedAt,
    IReadOnlyList<WebhookAttempt> Attempts
);

/// <summary>One attempt.</summary>
/// <param name="Number">From 1 on.</param>
/// <param name="At">When it ended, on the database's clock.</param>
/// <param name="Milliseconds">How long it took.</param>
/// <param name="StatusCode">What the receiver answered; null: nothing.</param>
/// <param name="ErrorCode">Stable name of the fault; null: it was delivered.</param>
/// <param name="Error">A sentence for people.</param>
public sealed record WebhookAttempt(int Number, DateTime At, int Milliseconds, int? StatusCode, string? ErrorCode, string? Error);

/// <summary>Deliveries of one webhook that are ours until the claim ends.</summary>
/// <param name="Token">Whose.</param>
/// <param name="Webhook">Where to.</param>
/// <param name="Secrets">What to sign with, the newest first.</param>
/// <param name="Items">What to send, the oldest first.</param>
public sealed record WebhookClaim(string Token, Webhook Webhook, IReadOnlyList<WebhookSecret> Secrets, IReadOnlyList<WebhookItem> Items);

/// <summary>One claimed delivery.</summary>
/// <param name="Delivery">Its id.</param>
/// <param name="Message">The receiver's idempotency key.</param>
/// <param name="Step">Failed attempts of this round of the schedule.</param>
/// <param name="Body">The bytes to sign and send.</param>
public sealed record WebhookItem(long Delivery, string Message, int Step, byte[] Body);

/// <summary>How an attempt ended.</summary>
/// <param name="Delivery">The delivery's id.</param>
/// <param name="Sent">False when it was not tried after all and is given back.</param>
/// <param name="Milliseconds">How long it took.</param>
/// <param name="StatusCode">What the receiver answered; null: nothing.</param>
/// <param name="ErrorCode">Why it was not delivered; null: it was.</param>
/// <param name="Error">A sentence for people.</param>
/// <param name="RetryAfter">When it is due again; null: it is given up, or was delivered.</param>
public sealed record WebhookOutcome(
    long Delivery,
    bool Sent,
    int Milliseconds,
    int? StatusCode,
    WebhookErrorCode? ErrorCode,
    string? Error,
    TimeSpan? RetryAfter
);

/// <summary>What is on its way to webhooks, and what came of it. Deliveries are made by <see cref="EventLog"/> in the transaction of the
/// change that they tell of.</summary>
public sealed class WebhookDeliveries
{
    /// <summary>A webhook that only ever fails for so long is told no more.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromDays(5);

    /// <summary>What was delivered or given up is kept for so long.</summary>
    public static readonly TimeSpan Retention = TimeSpan.FromDays(30);

    /// <summary>Events that a span may hold that is sent again.</summary>
    public const int MostReplayed = 10_000;

    private static readonly string Due = DeliveryState.Due.ToWord();
    private static readonly string Failed = DeliveryState.Failed.ToWord();

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter<WebhookErrorCode>(JsonNamingPolicy.SnakeCaseLower) },
    };

    private readonly Database database;

    internal WebhookDeliveries(Database database) => this.database = database;

    /// <summary>Puts a test on its way to a webhook, whatever types it wants.</summary>
    /// <returns>The delivery.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<WebhookDelivery> TestAsync(string id, CancellationToken cancellationToken)
    {
        var delivery = await database.TransactAsync(
            async (session, token) =>
            {
                var now = await session.NowAsync(token);
                var message = await Outbox.AddMessageAsync(
                    session,
                    new StoredEvent(0, EventTypes.Test, null, now, new JsonObject { ["webhook"] = id }.ToJsonString()),
                    token
                );
                return await Outbox.AddDeliveryAsync(session, id, message, now, token);
            },
            cancellationToken
        );
        return (await FindDeliveryAsync(id, delivery, cancellationToken))!;
    }

    /// <summary>Deliveries of a webhook with their attempts, the newest first.</summary>
    /// <param name="id">The webhook.</param>
    /// <param name="state">Only those in this state; null: all.</param>
    /// <param name="before">Only those with a lower id; null: from the newest on.</param>
    /// <param name="top">How many at most.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<IReadOnlyList<WebhookDelivery>> DeliveriesAsync(
        string id,
        DeliveryState? state,
        long? before,
        int top,
        CancellationToken cancellationToken
    ) =>
        await database.ReadAsync(
            (session, token) =>
                DeliveriesAsync(
                    session,
                    "d.webhook_id = @webhook"
                        + (state is null ? "" : " AND d.state = @state")
                        + (before is null ? "" : " AND d.id < @before"),
                    [("webhook", id), ("state", state?.ToWord() ?? ""), ("before", before ?? 0), ("top", top)],
                    token
                ),
            cancellationToken
        );

    /// <summary>One delivery of a webhook.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<WebhookDelivery?> FindDeliveryAsync(string id, long delivery, CancellationToken cancellationToken) =>
        (
            await database.ReadAsync(
                (session, token) =>
                    DeliveriesAsync(
                        session,
                        "d.webhook_id = @webhook AND d.id = @delivery",
                        [("webhook", id), ("delivery", delivery), ("top", 1)],
                        token
                    ),
                cancellationToken
            )
        ).FirstOrDefault();

    /// <summary>Sends one delivery again, with the same id and bytes, from the start of the schedule.</summary>
    /// <returns>False when the webhook has no such delivery.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<bool> ReplayAsync(string id, long delivery, CancellationToken cancellationToken) =>
        database.TransactAsync(
            async (session, token) =>
                await RequeueAsync(session, "webhook_id = @webhook AND id = @delivery", [("webhook", id), ("delivery", delivery)], token)
                > 0,
            cancellationToken
        );

    /// <summary>Sends all deliveries again that were given up.</summary>
    /// <returns>How many.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<int> ReplayFailedAsync(string id, CancellationToken cancellationToken) =>
        database.TransactAsync(
            (session, token) =>
                RequeueAsync(session, "webhook_id = @webhook AND state = @failed", [("webhook", id), ("failed", Failed)], token),
            cancellationToken
        );

    /// <summary>Sends everything again that happened in a span and is of the types wanted now, also what happened while the webhook was not
    /// enabled.</summary>
    /// <param name="id">The webhook.</param>
    /// <param name="from">Start, inclusive, UTC.</param>
    /// <param name="to">End, exclusive, UTC.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>How many deliveries are on their way; null, and none is, when it would be more than <see cref="MostReplayed"/>.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<int?> ReplayAsync(string id, DateTime from, DateTime to, CancellationToken cancellationToken) =>
        database.TransactAsync<int?>(
            async (session, token) =>
            {
                if (await WebhookStore.FindAsync(session, id, token) is not [var webhook])
                    return 0;
                var now = await session.NowAsync(token);
                (string, object?)[] span = [("webhook", id), ("from", from), ("to", to)];
                if (
                    (
                        await session.QueryAsync(
                            "SELECT count(*) FROM event WHERE at >= @from AND at < @to",
                            span,
                            row => row.Number(0),
                            token
                        )
                    )[0] > MostReplayed
                )
                    return null;
                var again = await RequeueAsync(
                    session,
                    "webhook_id = @webhook AND message_id IN (SELECT id FROM webhook_message WHERE at >= @from AND at < @to)",
                    span,
                    token
                );
                var missed = await session.QueryAsync(
                    """
                    SELECT e.id, e.type, e.source, e.at, e.body, m.id FROM event e LEFT JOIN webhook_message m ON m.event_id = e.id
                    WHERE e.at >= @from AND e.at < @to AND NOT EXISTS (
                        SELECT 1 FROM webhook_delivery d WHERE d.message_id = m.id AND d.webhook_id = @webhook)
                    ORDER BY e.id
                    """,
                    span,
                    row =>
                        (
                            Event: new StoredEvent(row.Number(0), row.Text(1), row.TextOrNull(2), row.Time(3), row.Text(4)),
                            Message: row.TextOrNull(5)
                        ),
                    token
                );
                foreach (
                    var (recorded, message) in missed.Where(one =>
                        webhook.Types.Count == 0 || webhook.Types.Contains(one.Event.Type, StringComparer.Ordinal)
                    )
                )
                {
                    await Outbox.AddDeliveryAsync(
                        session,
                        id,
                        message ?? await Outbox.AddMessageAsync(session, recorded, token),
                        now,
                        token
                    );
                    again++;
                }
                return again;
            },
            cancellationToken
        );

    /// <summary>Webhooks that have something due that nobody works on, and the age of the oldest of it.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<IReadOnlyList<(string Webhook, TimeSpan Age)>> DueAsync(CancellationToken cancellationToken) =>
        await database.ReadAsync(
            async (session, token) =>
            {
                var now = await session.NowAsync(token);
                return await session.QueryAsync(
                    $"""
                    SELECT id, oldest FROM (
                        SELECT w.id, (
                            SELECT d.next_at FROM webhook_delivery d
                            WHERE d.webhook_id = w.id AND d.state = '{Due}' AND d.next_at <= @now
                              AND (d.claimed_until IS NULL OR d.claimed_until < @now)
                            ORDER BY d.next_at LIMIT 1) AS oldest
                        FROM webhook w WHERE w.enabled AND (w.paused_until IS NULL OR w.paused_until <= @now)) AS due
                    WHERE oldest IS NOT NULL
                    """,
                    [("now", now)],
                    row => (row.Text(0), now - row.Time(1)),
                    token
                );
            },
            cancellationToken
        );

    /// <summary>Takes deliveries of a webhook that are due: nobody else gets them until the claim ends or they are given back. They are
    /// sent outside of any transaction.</summary>
    /// <param name="id">The webhook.</param>
    /// <param name="most">How many at most.</param>
    /// <param name="lease">After so long they are anybody's again: whoever took them died, perhaps after having sent them.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>Null when nothing is due, or the webhook is gone, disabled or paused.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<WebhookClaim?> ClaimAsync(string id, int most, TimeSpan lease, CancellationToken cancellationToken) =>
        database.TransactAsync(
            async (session, token) =>
            {
                var now = await session.NowAsync(token);
                if (await WebhookStore.FindAsync(session, id, token) is not [{ Enabled: true } webhook] || webhook.PausedUntil > now)
                    return null;
                var claim = Guid.NewGuid().ToString("N");
                var ids = await session.QueryAsync(
                    $"""
                    UPDATE webhook_delivery SET claim_token = @token, claimed_until = @until WHERE id IN (
                        SELECT id FROM webhook_delivery
                        WHERE webhook_id = @webhook AND state = '{Due}' AND next_at <= @now
                          AND (claimed_until IS NULL OR claimed_until < @now)
                        ORDER BY next_at, id LIMIT @most{(database.IsPostgres ? " FOR UPDATE SKIP LOCKED" : "")})
                    RETURNING id
                    """,
                    [("webhook", id), ("token", claim), ("until", now + lease), ("now", now), ("most", most)],
                    row => row.Number(0),
                    token
                );
                if (ids.Count == 0)
                    return null;
                var (among, keys) = session.Among(ids);
                var body = webhook.Format == WebhookFormat.Cloudevents ? "cloud_event" : "standard";
                var items = await session.QueryAsync(
                    $"""
                    SELECT d.id, d.message_id, d.step, m.{body} FROM webhook_delivery d JOIN webhook_message m ON m.id = d.message_id
                    WHERE d.id {among} ORDER BY d.next_at, d.id
                    """,
                    [keys],
                    row => new WebhookItem(row.Number(0), row.Text(1), row.Small(2), row.Bytes(3)),
                    token
                );
                return new WebhookClaim(claim, webhook, await WebhookStore.SecretsAsync(session, id, token), items);
            },
            cancellationToken
        );

    /// <summary>Keeps how attempts ended. What the claim no longer holds is left to whoever holds it now.</summary>
    /// <param name="claim">The claim that they were sent under.</param>
    /// <param name="outcomes">Those that ended.</param>
    /// <param name="quiet">How long the receiver asked for quiet; null: it did not.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>Why the webhook was disabled by this; null when it was not.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<DisabledReason?> FinishAsync(
        WebhookClaim claim,
        IReadOnlyList<WebhookOutcome> outcomes,
        TimeSpan? quiet,
        CancellationToken cancellationToken
    ) =>
        database.TransactAsync(
            async (session, token) =>
            {
                var now = await session.NowAsync(token);
                var rows = outcomes
                    .OrderBy(outcome => outcome.Delivery)
                    .Select(outcome => new FinishedDelivery(
                        outcome.Delivery,
                        outcome.Sent ? 1 : 0,
                        outcome.ErrorCode is null ? 0 : 1,
                        !outcome.Sent || outcome.RetryAfter is not null ? DeliveryState.Due
                            : outcome.ErrorCode is null ? DeliveryState.Delivered
                            : DeliveryState.Failed,
                        UnixMicroseconds.From(now + (outcome.RetryAfter ?? TimeSpan.Zero)),
                        outcome.Milliseconds,
                        outcome.StatusCode,
                        outcome.ErrorCode,
                        outcome.Error?.Replace('\0', '\uFFFD')
                    ))
                    .ToList();
                var ours = (
                    await session.QueryAsync(
                        $"""
                        UPDATE webhook_delivery AS d SET claim_token = NULL, claimed_until = NULL, attempts = d.attempts + r.sent,
                            step = d.step + r.failed, state = r.state,
                            next_at = CASE WHEN r.sent = 1 AND r.state = '{Due}' THEN {Time("r.next_at")} ELSE d.next_at END,
                            ended_at = CASE WHEN r.state = '{Due}' THEN NULL ELSE @now END
                        FROM {Rows("sent, failed, state, next_at")}
                        WHERE d.id = r.delivery AND d.claim_token = @token RETURNING id, attempts
                        """,
                        [("rows", JsonSerializer.Serialize(rows, Json)), ("token", claim.Token), ("now", now)],
                        row => (Id: row.Number(0), Attempts: row.Small(1)),
                        token
                    )
                ).ToDictionary(row => row.Id, row => row.Attempts);
                var sent = rows.Where(row => row.Sent == 1 && ours.ContainsKey(row.Delivery))
                    .Select(row => row with { Sent = ours[row.Delivery] })
                    .ToList();
                if (sent.Count == 0)
                    return null;
                await session.ExecuteAsync(
                    $"""
                    INSERT INTO webhook_attempt (delivery_id, number, at, milliseconds, status_code, error_code, error)
                    SELECT r.delivery, r.sent, @now, r.milliseconds, r.status_code, r.error_code, r.error
                    FROM {Rows("sent, milliseconds, status_code, error_code, error")}
                    """,
                    [("rows", JsonSerializer.Serialize(sent, Json)), ("now", now)],
                    token
                );
                return await HealthAsync(session, claim.Webhook, sent, quiet is null ? null : now + quiet, now, token);
            },
            cancellationToken
        );

    /// <summary>Forgets what was delivered or given up long ago.</summary>
    /// <returns>How many deliveries.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<int> SweepAsync(CancellationToken cancellationToken) =>
        database.TransactAsync(
            async (session, token) =>
            {
                (string, object?)[] old = [("old", await session.NowAsync(token) - Retention)];
                var gone = await session.ExecuteAsync("DELETE FROM webhook_delivery WHERE ended_at < @old", old, token);
                await session.ExecuteAsync(
                    "DELETE FROM webhook_message WHERE at < @old AND NOT EXISTS (SELECT 1 FROM webhook_delivery d WHERE "
                        + "d.message_id = webhook_message.id)",
                    old,
                    token
                );
                return gone;
            },
            cancellationToken
        );

    /// <summary>What the attempts say of the webhook: well again, failing, to be left in peace, or to be told no more.</summary>
    private static async Task<DisabledReason?> HealthAsync(
        Session session,
        Webhook webhook,
        IReadOnlyList<FinishedDelivery> sent,
        DateTime? pausedUntil,
        DateTime now,
        CancellationToken cancellationToken
    )
    {
        if (pausedUntil is not null)
            await session.ExecuteAsync(
                "UPDATE webhook SET paused_until = @until WHERE id = @id",
                [("id", webhook.Id), ("until", pausedUntil)],
                cancellationToken
            );
        var gone = sent.Any(row => row.ErrorCode == WebhookErrorCode.Gone);
        var since = now;
        if (sent.Any(row => row.ErrorCode is null))
        {
            await session.ExecuteAsync(
                "UPDATE webhook SET failing_since = NULL WHERE id = @id AND failing_since IS NOT NULL",
                [("id", webhook.Id)],
                cancellationToken
            );
            if (!gone)
                return null;
        }
        else
        {
            var failing = await session.QueryAsync(
                "UPDATE webhook SET failing_since = COALESCE(failing_since, @now) WHERE id = @id RETURNING failing_since",
                [("id", webhook.Id), ("now", now)],
                row => row.Time(0),
                cancellationToken
            );
            if (failing.Count == 0)
                return null;
            since = failing[0];
        }
        if (!gone && now - since < Patience)
            return null;
        var reason = gone ? DisabledReason.Gone : DisabledReason.Failing;
        var disabled = await session.ExecuteAsync(
            "UPDATE webhook SET enabled = false, disabled_reason = @reason, disabled_at = @now WHERE id = @id AND enabled",
            [("id", webhook.Id), ("reason", reason.ToWord()), ("now", now)],
            cancellationToken
        );
        if (disabled == 0)
            return null;
        // Given up, so that they are listed as failed and can be sent again once the receiver is mended.
        await session.ExecuteAsync(
            $"UPDATE webhook_delivery SET state = '{Failed}', ended_at = @now, claim_token = NULL, claimed_until = NULL WHERE "
                + $"webhook_id = @id AND state = '{Due}'",
            [("id", webhook.Id), ("now", now)],
            cancellationToken
        );
        await EventLog.AppendAsync(
            session,
            EventTypes.WebhookDisabled,
            null,
            new()
            {
                // The rest of the address may hold a secret.
                ["webhook"] = webhook.Id,
                ["host"] = new Uri(webhook.Url).IdnHost,
                ["description"] = webhook.Description,
                ["reason"] = reason.ToWord(),
                ["failingSince"] = since,
                ["lastError"] = sent[^1].Error,
            },
            now,
            cancellationToken
        );
        return reason;
    }

    private static async Task<int> RequeueAsync(
        Session session,
        string which,
        (string, object?)[] parameters,
        CancellationToken cancellationToken
    )
    {
        var now = await session.NowAsync(cancellationToken);
        // What is being sent now stays its sender's.
        return await session.ExecuteAsync(
            $"""
            UPDATE webhook_delivery SET state = '{Due}', step = 0, next_at = @again, ended_at = NULL
            WHERE {which} AND (claimed_until IS NULL OR claimed_until < @again)
            """,
            [.. parameters, ("again", now)],
            cancellationToken
        );
    }

    private static async Task<List<WebhookDelivery>> DeliveriesAsync(
        Session session,
        string which,
        (string, object?)[] parameters,
        CancellationToken cancellationToken
    )
    {
        var deliveries = await session.QueryAsync(
            $"""
            SELECT d.id, d.message_id, m.type, d.state, d.created_at, d.next_at, d.ended_at
            FROM webhook_delivery d JOIN webhook_message m ON m.id = d.message_id WHERE {which} ORDER BY d.id DESC LIMIT @top
            """,
            parameters,
            row => new WebhookDelivery(
                row.Number(0),
                row.Text(1),
                row.Text(2),
                Words.Parse<DeliveryState>(row.Text(3)),
                row.Time(4),
                row.Time(5),
                row.TimeOrNull(6),
                []
            ),
            cancellationToken
        );
        if (deliveries.Count == 0)
            return deliveries;
        var (among, keys) = session.Among(deliveries.Select(delivery => delivery.Id));
        var attempts = (
            await session.QueryAsync(
                $"""
                SELECT delivery_id, number, at, milliseconds, status_code, error_code, error FROM webhook_attempt
                WHERE delivery_id {among} ORDER BY id
                """,
                [keys],
                row =>
                    (
                        Delivery: row.Number(0),
                        Attempt: new WebhookAttempt(
                            row.Small(1),
                            row.Time(2),
                            row.Small(3),
                            row.SmallOrNull(4),
                            row.TextOrNull(5),
                            row.TextOrNull(6)
                        )
                    ),
                cancellationToken
            )
        ).ToLookup(row => row.Delivery, row => row.Attempt);
        return [.. deliveries.Select(delivery => delivery with { Attempts = [.. attempts[delivery.Id]] })];
    }

    /// <summary>SQL for the rows of the parameter <c>rows</c>, as <c>r</c>.</summary>
    private string Rows(string columns)
    {
        var names = columns.Split(", ");
        string Type(string name) =>
            name switch
            {
                "state" or "error_code" or "error" => "text",
                "next_at" => "bigint",
                _ => "integer",
            };
        return database.IsPostgres
            ? "json_to_recordset(CAST(@rows AS json)) AS r(delivery bigint, "
                + $"{string.Join(", ", names.Select(name => $"{name} {Type(name)}"))})"
            : "(SELECT json_extract(value, '$.delivery') AS delivery, "
                + $"{string.Join(", ", names.Select(name => $"json_extract(value, '$.{name}') AS {name}"))} FROM json_each(@rows)) AS r";
    }

    /// <summary>SQL for the time of a number of microseconds.</summary>
    private string Time(string microseconds) =>
        database.IsPostgres ? $"timestamptz 'epoch' + {microseconds} * interval '1 microsecond'" : microseconds;

    private sealed record FinishedDelivery(
        long Delivery,
        int Sent,
        int Failed,
        DeliveryState State,
        long NextAt,
        int Milliseconds,
        int? StatusCode,
        WebhookErrorCode? ErrorCode,
        string? Error
    );
}
