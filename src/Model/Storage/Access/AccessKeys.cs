using Metrics.Storage.Engine;

namespace Metrics.Storage.Access;

/// <summary>A key as it is kept.</summary>
/// <param name="Id">What it is known by: its first letters after <c>emk_</c>.</param>
/// <param name="Name">Who or what it was made for.</param>
/// <param name="Hash">SHA-256 of the whole key, in upper-case hexadecimal digits.</param>
/// <param name="Scopes">What it may be used for: words with commas between.</param>
/// <param name="CreatedAt">When it was made, UTC.</param>
/// <param name="CreatedBy">By whom.</param>
/// <param name="ExpiresAt">From then on it lets nobody in; null: never.</param>
/// <param name="RevokedAt">When it was revoked; null: it was not.</param>
/// <param name="LastUsedAt">When it last let somebody in, to the minute.</param>
public sealed record AccessKey(
    string Id,
    string Name,
    string Hash,
    string Scopes,
    DateTime CreatedAt,
    string CreatedBy,
    DateTime? ExpiresAt,
    DateTime? RevokedAt,
    DateTime? LastUsedAt
);

/// <summary>The keys that let somebody in. Each change is in the audit log by the same transaction.</summary>
public sealed class AccessKeys
{
    private const string Columns = "id, name, hash, scopes, created_at, created_by, expires_at, revoked_at, last_used_at";

    private readonly Database database;

    internal AccessKeys(Database database) => this.database = database;

    /// <summary>All keys that there ever were, the oldest first.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<IReadOnlyList<AccessKey>> AllAsync(CancellationToken cancellationToken) =>
        await database.ReadAsync(
            (session, token) => session.QueryAsync($"SELECT {Columns} FROM access_key ORDER BY created_at, id", [], Read, token),
            cancellationToken
        );

    /// <summary>Keeps a new key.</summary>
    /// <param name="id">What it is known by.</param>
    /// <param name="hash">What it hashes to.</param>
    /// <param name="name">Who or what it is for.</param>
    /// <param name="scopes">What it may be used for.</param>
    /// <param name="expiresAt">When it ends, UTC; null: never.</param>
    /// <param name="actor">Who makes it.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<AccessKey> CreateAsync(
        string id,
        string hash,
        string name,
        string scopes,
        DateTime? expiresAt,
        string actor,
        CancellationToken cancellationToken
    ) =>
        database.TransactAsync(
            async (session, token) =>
            {
                await AuditLog.LockAsync(session, token);
                var now = await session.NowAsync(token);
                var key = (
                    await session.QueryAsync(
                        "INSERT INTO access_key (id, name, hash, scopes, created_at, created_by, expires_at) VALUES (@id, @name, "
                            + $"@hash, @scopes, @now, @actor, @expires) RETURNING {Columns}",
                        [
                            ("id", id),
                            ("name", name),
                            ("hash", hash),
                            ("scopes", scopes),
                            ("now", now),
                            ("actor", actor),
                            ("expires", expiresAt),
                        ],
                        Read,
                        token
                    )
                )[0];
                await AuditLog.AppendAsync(session, actor, "key.created", $"{id} ({name}): {scopes}", token);
                return key;
            },
            cancellationToken
        );

    /// <summary>Ends a key now.</summary>
    /// <returns>False when there is no such key that was not revoked.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<bool> RevokeAsync(string id, string actor, CancellationToken cancellationToken) =>
        database.TransactAsync(
            async (session, token) =>
            {
                await AuditLog.LockAsync(session, token);
                var revoked = await session.ExecuteAsync(
                    "UPDATE access_key SET revoked_at = @now WHERE id = @id AND revoked_at IS NULL",
                    [("id", id), ("now", await session.NowAsync(token))],
                    token
                );
                if (revoked > 0)
                    await AuditLog.AppendAsync(session, actor, "key.revoked", id, token);
                return revoked > 0;
            },
            cancellationToken
        );

    /// <summary>Notes when keys last let somebody in.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task NoteUsesAsync(IReadOnlyDictionary<string, DateTime> uses, CancellationToken cancellationToken) =>
        database.TransactAsync(
            async (session, token) =>
            {
                // In one order, so that two processes do not wait for each other in a circle.
                foreach (var (id, at) in uses.OrderBy(use => use.Key, StringComparer.Ordinal))
                    await session.ExecuteAsync(
                        "UPDATE access_key SET last_used_at = @at WHERE id = @id AND (last_used_at IS NULL OR last_used_at < @at)",
                        [("id", id), ("at", at)],
                        token
                    );
            },
            cancellationToken
        );

    private static AccessKey Read(Row row) =>
        new(
            row.Text(0),
            row.Text(1),
            row.Text(2),
            row.Text(3),
            row.Time(4),
            row.Text(5),
            row.TimeOrNull(6),
            row.TimeOrNull(7),
            row.TimeOrNull(8)
        );
}
