using System.Text.Json.Nodes;
using Metrics.Domain.Messages;
using Metrics.Storage.Engine;

namespace Metrics.Storage.Events;

/// <summary>Who wants to be told.</summary>
/// <param name="Id"><c>wh_</c> and 32 hexadecimal digits.</param>
/// <param name="Url">Where to send to. It may hold a secret of the receiver.</param>
/// <param name="Description">What people know it by.</param>
/// <param name="Types">Types of events wanted; empty: all.</param>
/// <param name="Format">What it is sent.</param>
/// <param name="Signing">How deliveries are signed.</param>
/// <param name="Enabled">Whether it is told.</param>
/// <param name="DisabledReason">Why it is not.</param>
/// <param name="FailingSince">The first failure since the last success.</param>
/// <param name="PausedUntil">The receiver asked for quiet until then.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="UpdatedAt">When somebody last changed it.</param>
public sealed record Webhook(
    string Id,
    string Url,
    string? Description,
    IReadOnlyList<string> Types,
    WebhookFormat Format,
    WebhookSigning Signing,
    bool Enabled,
    DisabledReason? DisabledReason,
    DateTime? FailingSince,
    DateTime? PausedUntil,
    DateTime CreatedAt,
    DateTime UpdatedAt
);

/// <summary>What deliveries are signed with.</summary>
/// <param name="Secret">Of HMAC the key, of Ed25519 the seed.</param>
/// <param name="ValidUntil">It signs until then; null: until another one is made.</param>
public sealed record WebhookSecret(byte[] Secret, DateTime? ValidUntil);

/// <summary>Webhooks and their secrets. What is on its way to them is told by <see cref="WebhookDeliveries"/>.</summary>
public sealed class WebhookStore
{
    /// <summary>How long a secret still signs once there is a newer one.</summary>
    public static readonly TimeSpan Overlap = TimeSpan.FromHours(24);

    /// <summary>Secrets that may sign at the same time.</summary>
    public const int MostSecrets = 10;

    private const string Columns =
        "id, url, description, types, format, signing, enabled, disabled_reason, failing_since, paused_until, created_at, updated_at";

    private readonly Database database;

    internal WebhookStore(Database database) => this.database = database;

    /// <summary>Keeps a new webhook with its first secret.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<Webhook> CreateAsync(
        string url,
        string? description,
        IReadOnlyList<string> types,
        WebhookFormat format,
        WebhookSigning signing,
        bool enabled,
        byte[] secret,
        CancellationToken cancellationToken
    ) =>
        database.TransactAsync(
            async (session, token) =>
            {
                var now = await session.NowAsync(token);
                var webhook = await session.QueryAsync(
                    $"""
                    INSERT INTO webhook (id, url, description, types, format, signing, enabled, disabled_reason, disabled_at, created_at,
                        updated_at)
                    VALUES (@id, @url, @description, @types, @format, @signing, @enabled, @reason, @disabled, @now, @now)
                    RETURNING {Columns}
                    """,
                    [
                        ("id", $"wh_{Guid.CreateVersion7():N}"),
                        ("url", url),
                        ("description", description),
                        ("types", string.Join(' ', types)),
                        ("format", format.ToWord()),
                        ("signing", signing.ToWord()),
                        ("enabled", enabled),
                        ("reason", enabled ? null : DisabledReason.Asked.ToWord()),
                        ("disabled", enabled ? null : now),
                        ("now", now),
                    ],
                    Read,
                    token
                );
                await AddSecretAsync(session, webhook[0].Id, secret, now, token);
                return webhook[0];
            },
            cancellationToken
        );

    /// <summary>Every webhook, the oldest first.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<IReadOnlyList<Webhook>> AllAsync(CancellationToken cancellationToken) =>
        await database.ReadAsync(
            (session, token) => session.QueryAsync($"SELECT {Columns} FROM webhook ORDER BY created_at, id", [], Read, token),
            cancellationToken
        );

    /// <summary>One webhook.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<Webhook?> FindAsync(string id, CancellationToken cancellationToken) =>
        (await database.ReadAsync((session, token) => FindAsync(session, id, token), cancellationToken)).FirstOrDefault();

    /// <summary>Changes a webhook. What is due goes on its new way; when it is enabled again its failures are forgotten.</summary>
    /// <returns>Null when there is none.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<Webhook?> UpdateAsync(
        string id,
        string url,
        string? description,
        IReadOnlyList<string> types,
        WebhookFormat format,
        bool enabled,
        CancellationToken cancellationToken
    ) =>
        database.TransactAsync(
            async (session, token) =>
                (
                    await session.QueryAsync(
                        $"""
                        UPDATE webhook SET url = @url, description = @description, types = @types, format = @format, updated_at = @now,
                            failing_since = CASE WHEN @enabled AND NOT enabled THEN NULL ELSE failing_since END,
                            paused_until = CASE WHEN @enabled AND NOT enabled THEN NULL ELSE paused_until END,
                            disabled_reason = CASE WHEN @enabled THEN NULL ELSE COALESCE(disabled_reason, @asked) END,
                            disabled_at = CASE WHEN @enabled THEN NULL ELSE COALESCE(disabled_at, @now) END,
                            enabled = @enabled
                        WHERE id = @id RETURNING {Columns}
                        """,
                        [
                            ("id", id),
                            ("url", url),
                            ("description", description),
                            ("types", string.Join(' ', types)),
                            ("format", format.ToWord()),
                            ("enabled", enabled),
                            ("asked", DisabledReason.Asked.ToWord()),
                            ("now", await session.NowAsync(token)),
                        ],
                        Read,
                        token
                    )
                ).FirstOrDefault(),
            cancellationToken
        );

    /// <summary>Deletes a webhook with its secrets and all its deliveries.</summary>
    /// <returns>False when there is none.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<bool> DeleteAsync(string id, CancellationToken cancellationToken) =>
        database.TransactAsync(
            async (session, token) => await session.ExecuteAsync("DELETE FROM webhook WHERE id = @id", [("id", id)], token) > 0,
            cancellationToken
        );

    /// <summary>The secrets that sign now, the newest first.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<IReadOnlyList<WebhookSecret>> SecretsAsync(string id, CancellationToken cancellationToken) =>
        await database.ReadAsync((session, token) => SecretsAsync(session, id, token), cancellationToken);

    /// <summary>Gives a webhook another secret. Those of before sign beside it for a day.</summary>
    /// <returns>False when there are as many already as may sign at once.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<bool> RotateAsync(string id, byte[] secret, CancellationToken cancellationToken) =>
        database.TransactAsync(
            async (session, token) =>
            {
                // Two at once must not both find room.
                await session.QueryAsync(
                    $"SELECT id FROM webhook WHERE id = @id{database.ForUpdate}",
                    [("id", id)],
                    row => row.Text(0),
                    token
                );
                if ((await SecretsAsync(session, id, token)).Count >= MostSecrets)
                    return false;
                var now = await session.NowAsync(token);
                await session.ExecuteAsync(
                    "DELETE FROM webhook_secret WHERE webhook_id = @id AND valid_until <= @now",
                    [("id", id), ("now", now)],
                    token
                );
                await session.ExecuteAsync(
                    "UPDATE webhook_secret SET valid_until = @until WHERE webhook_id = @id AND valid_until IS NULL",
                    [("id", id), ("until", now + Overlap)],
                    token
                );
                await AddSecretAsync(session, id, secret, now, token);
                return true;
            },
            cancellationToken
        );

    /// <summary>Keeps an event that happened outside of the store, and puts it on its way to every webhook that wants its type.</summary>
    /// <param name="type">One of <see cref="EventTypes.All"/>.</param>
    /// <param name="source">The source that it is about; null: none.</param>
    /// <param name="body">What it says.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task RaiseAsync(string type, string? source, JsonObject body, CancellationToken cancellationToken) =>
        database.TransactAsync(
            async (session, token) => await EventLog.AppendAsync(session, type, source, body, await session.NowAsync(token), token),
            cancellationToken
        );

    internal static Task<List<Webhook>> FindAsync(Session session, string id, CancellationToken cancellationToken) =>
        session.QueryAsync($"SELECT {Columns} FROM webhook WHERE id = @id", [("id", id)], Read, cancellationToken);

    internal static async Task<List<WebhookSecret>> SecretsAsync(Session session, string id, CancellationToken cancellationToken) =>
        await session.QueryAsync(
            "SELECT secret, valid_until FROM webhook_secret WHERE webhook_id = @id AND (valid_until IS NULL OR valid_until > "
                + "@now) ORDER BY id DESC",
            [("id", id), ("now", await session.NowAsync(cancellationToken))],
            row => new WebhookSecret(row.Bytes(0), row.TimeOrNull(1)),
            cancellationToken
        );

    private static Task<int> AddSecretAsync(Session session, string id, byte[] secret, DateTime now, CancellationToken cancellationToken) =>
        session.ExecuteAsync(
            "INSERT INTO webhook_secret (webhook_id, secret, made_at) VALUES (@id, @secret, @now)",
            [("id", id), ("secret", secret), ("now", now)],
            cancellationToken
        );

    private static Webhook Read(Row row) =>
        new(
            row.Text(0),
            row.Text(1),
            row.TextOrNull(2),
            row.Text(3).Split(' ', StringSplitOptions.RemoveEmptyEntries),
            Words.Parse<WebhookFormat>(row.Text(4)),
            Words.Parse<WebhookSigning>(row.Text(5)),
            row.Flag(6),
            row.TextOrNull(7) is { } reason ? Words.Parse<DisabledReason>(reason) : null,
            row.TimeOrNull(8),
            row.TimeOrNull(9),
            row.Time(10),
            row.Time(11)
        );
}
