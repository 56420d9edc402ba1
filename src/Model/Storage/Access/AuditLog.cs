using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Metrics.Storage.Engine;

namespace Metrics.Storage.Access;

/// <summary>One entry of the audit log.</summary>
/// <param name="Id">1, 2, 3 ... without a gap.</param>
/// <param name="At">When, UTC.</param>
/// <param name="Actor">Who.</param>
/// <param name="Action">What was done.</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="Hash">SHA-256 over this entry and the hash before it, in upper-case hexadecimal digits.</param>
public sealed record AuditEntry(long Id, DateTime At, string Actor, string Action, string Outcome, string Hash);

/// <summary>What going through the whole log found.</summary>
/// <param name="Entries">Entries that were gone through.</param>
/// <param name="IsIntact">Whether each is as it was written and none between them is missing.</param>
/// <param name="FirstBroken">Id of the first that is not, or after which one is missing; null when intact.</param>
/// <param name="Head">Hash of the last entry: kept elsewhere, it shows later whether entries were cut off at the end. Null without
/// entries.</param>
public sealed record AuditVerdict(long Entries, bool IsIntact, long? FirstBroken, string? Head);

/// <summary>Who changed what. Entries are only ever added: the database refuses to change or delete them, and each one's hash covers the
/// one before, so that a change made past the database shows.</summary>
public sealed class AuditLog
{
    private const int Page = 1_000;
    private const int LongestText = 1_000;
    private static readonly string Start = new('0', 64);

    private readonly Database database;

    internal AuditLog(Database database) => this.database = database;

    /// <summary>Adds an entry.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task AppendAsync(string actor, string action, string outcome, CancellationToken cancellationToken) =>
        database.TransactAsync(
            async (session, token) =>
            {
                await LockAsync(session, token);
                await AppendAsync(session, actor, action, outcome, token);
            },
            cancellationToken
        );

    /// <summary>Entries, the oldest first.</summary>
    /// <param name="after">Those with a larger id.</param>
    /// <param name="top">At most so many.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<IReadOnlyList<AuditEntry>> ReadAsync(long after, int top, CancellationToken cancellationToken) =>
        await database.ReadAsync(
            (session, token) =>
                session.QueryAsync(
                    "SELECT id, at, actor, action, outcome, hash FROM audit WHERE id > @after ORDER BY id LIMIT @top",
                    [("after", after), ("top", top)],
                    row => new AuditEntry(row.Number(0), row.Time(1), row.Text(2), row.Text(3), row.Text(4), row.Text(5)),
                    token
                ),
            cancellationToken
        );

    /// <summary>Goes through all entries.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<AuditVerdict> VerifyAsync(CancellationToken cancellationToken)
    {
        var (count, previous, head) = (0L, Start, (string?)null);
        while (await ReadAsync(count, Page, cancellationToken) is { Count: > 0 } entries)
        {
            foreach (var entry in entries)
            {
                if (entry.Id != count + 1 || entry.Hash != HashOf(entry.Id, entry.At, entry.Actor, entry.Action, entry.Outcome, previous))
                    return new AuditVerdict(count, false, count + 1, null);
                (count, previous, head) = (entry.Id, entry.Hash, entry.Hash);
            }
        }
        return new AuditVerdict(count, true, null, head);
    }

    /// <summary>Lets nobody else add until the transaction ends. SQLite's transactions that write are one after the other anyway.</summary>
    internal static Task LockAsync(Session session, CancellationToken cancellationToken) =>
        session.Database.IsPostgres
            ? session.ExecuteAsync("LOCK TABLE audit IN SHARE ROW EXCLUSIVE MODE", cancellationToken)
            : Task.CompletedTask;

    /// <summary>Adds an entry in a transaction that holds the lock.</summary>
    internal static async Task AppendAsync(
        Session session,
        string actor,
        string action,
        string outcome,
        CancellationToken cancellationToken
    )
    {
        (actor, action, outcome) = (Text(actor), Text(action), Text(outcome));
        var last = await session.QueryAsync(
            "SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1",
            [],
            row => (Id: row.Number(0), Hash: row.Text(1)),
            cancellationToken
        );
        var (id, previous) = last is [var entry] ? (entry.Id + 1, entry.Hash) : (1, Start);
        // As fine as both engines keep it, so that what is read back hashes as what was written.
        var now = await session.NowAsync(cancellationToken);
        now = now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMicrosecond));
        await session.ExecuteAsync(
            "INSERT INTO audit (id, at, actor, action, outcome, hash) VALUES (@id, @at, @actor, @action, @outcome, @hash)",
            [
                ("id", id),
                ("at", now),
                ("actor", actor),
                ("action", action),
                ("outcome", outcome),
                ("hash", HashOf(id, now, actor, action, outcome, previous)),
            ],
            cancellationToken
        );
    }

    // JSON keeps the fields apart, whatever stands in them.
    private static string HashOf(long id, DateTime at, string actor, string action, string outcome, string previous) =>
        Convert.ToHexString(
            SHA256.HashData(
                Encoding.UTF8.GetBytes(
                    JsonSerializer.Serialize(
                        new[]
                        {
                            id.ToString(CultureInfo.InvariantCulture),
                            at.ToString("O", CultureInfo.InvariantCulture),
                            actor,
                            action,
                            outcome,
                            previous,
                        }
                    )
                )
            )
        );

    // What both engines can keep: no NUL, no half of a pair.
    private static string Text(string text)
    {
        var whole = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text.Replace('\0', '\uFFFD')));
        return whole.Length <= LongestText ? whole : Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(whole[..LongestText])) + "...";
    }
}
