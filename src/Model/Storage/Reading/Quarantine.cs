using System.Globalization;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Storage.Engine;
using Metrics.Storage.Events;

namespace Metrics.Storage.Reading;

/// <summary>Series that a source does not let be read although it lets the others: at first they hold the watermark, then the source goes
/// on without them, and once they can be read what was missed is read again.</summary>
internal static class Quarantine
{
    /// <summary>A series that so many reads in a row did not get is left out.</summary>
    private const int Patience = 3;

    /// <summary>Most series that one read brings into quarantine by name; a source that has more has another trouble.</summary>
    private const int MostNamed = 1_000;

    /// <summary>Counts the unread series of a read, and ends the quarantine of those that were read. To be called in the transaction of the
    /// commit that ends the read.</summary>
    /// <returns>The outcome with what became of them; partial while one of them is still waited for.</returns>
    public static async Task<CommitOutcome> SettleAsync(
        Session session,
        Claim claim,
        ReadResult result,
        CommitOutcome outcome,
        DateTime now,
        CancellationToken cancellationToken
    )
    {
        var unread = result.Unread.DistinctBy(one => one.Subject).Take(MostNamed).ToList();
        // A window of the past waits for nobody either: what it lacks holds its own position.
        if (result.Backfill is not null)
            return unread.Count == 0 || outcome.PartialBecause is not null
                ? outcome
                : await WithoutKnownAsync(session, claim, unread, outcome, cancellationToken);

        var known = await session.QueryAsync(
            "SELECT subject, failures, since FROM quarantine WHERE source = @source",
            [("source", claim.Source)],
            row => (Subject: row.Text(0), Failures: row.Small(1), Since: row.Time(2)),
            cancellationToken
        );
        if (unread.Count == 0 && known.Count == 0)
            return outcome;

        var missing = unread.Select(one => one.Subject).ToHashSet(StringComparer.Ordinal);
        var left = new List<UnreadRecord>();
        foreach (var one in unread)
        {
            var failures =
                (known.FirstOrDefault(row => row.Subject == one.Subject) is { Subject: not null } before ? before.Failures : 0) + 1;
            await session.ExecuteAsync(
                """
                INSERT INTO quarantine (source, subject, code, message, failures, since, last_at) VALUES (@source, @subject, @code,
                    @message, 1, @since, @now)
                ON CONFLICT (source, subject) DO UPDATE SET code = excluded.code, message = excluded.message,
                    failures = quarantine.failures + 1, last_at = excluded.last_at
                """,
                [
                    ("source", claim.Source),
                    ("subject", one.Subject),
                    ("code", SnakeCase.Of(one.Code)),
                    ("message", one.Message),
                    ("since", result.From),
                    ("now", now),
                ],
                cancellationToken
            );
            if (failures < Patience)
                outcome = outcome with { PartialBecause = outcome.PartialBecause ?? one.Describe() };
            else
                left.Add(one);
            if (failures == Patience)
                await EventLog.AppendAsync(
                    session,
                    EventTypes.SeriesQuarantined,
                    claim.Source,
                    new()
                    {
                        ["series"] = one.Subject,
                        ["code"] = SnakeCase.Of(one.Code),
                        ["message"] = one.Message,
                    },
                    now,
                    cancellationToken
                );
        }

        // A read that is incomplete for another reason may lack them without saying so.
        var healed = result.PartialBecause is null ? known.Where(row => !missing.Contains(row.Subject)).ToList() : [];
        foreach (var one in healed)
            await session.ExecuteAsync(
                "DELETE FROM quarantine WHERE source = @source AND subject = @subject",
                [("source", claim.Source), ("subject", one.Subject)],
                cancellationToken
            );
        // Before its patience ended the watermark waited, and nothing was missed.
        var missed = healed.Where(one => one.Failures >= Patience && one.Since < result.From).ToList();
        if (missed.Count > 0)
            await Backfills.AddAsync(
                session,
                claim.Source,
                ReadKind.Healed,
                missed.Min(one => one.Since),
                result.From,
                now,
                cancellationToken
            );
        foreach (var one in healed.Where(one => one.Failures >= Patience))
            await EventLog.AppendAsync(
                session,
                EventTypes.SeriesHealed,
                claim.Source,
                new() { ["series"] = one.Subject, ["since"] = one.Since },
                now,
                cancellationToken
            );
        return outcome with { Quarantined = left, Healed = [.. healed.Where(one => one.Failures >= Patience).Select(one => one.Subject)] };
    }

    public static Rejection Reject(string source, UnreadRecord unread) =>
        new(
            source,
            unread.Subject,
            null,
            RejectionReason.Quarantined,
            string.Create(
                CultureInfo.InvariantCulture,
                $"{Patience} reads in a row could not get it ({SnakeCase.Of(unread.Code)}): {unread.Message} The others of the "
                    + $"source go on; once it can be read, what was missed is read again."
            )
        );

    /// <summary>A window of the past is incomplete for a series that is not in quarantine already: those come with their own span once they
    /// heal.</summary>
    private static async Task<CommitOutcome> WithoutKnownAsync(
        Session session,
        Claim claim,
        List<UnreadRecord> unread,
        CommitOutcome outcome,
        CancellationToken cancellationToken
    )
    {
        var known = (
            await session.QueryAsync(
                $"SELECT subject FROM quarantine WHERE source = @source AND failures >= {Patience}",
                [("source", claim.Source)],
                row => row.Text(0),
                cancellationToken
            )
        ).ToHashSet(StringComparer.Ordinal);
        return unread.Find(one => !known.Contains(one.Subject)) is { } first ? outcome with { PartialBecause = first.Describe() } : outcome;
    }
}
