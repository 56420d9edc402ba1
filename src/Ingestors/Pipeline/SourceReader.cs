using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Ingestors.Providers;
using Metrics.Storage.Engine;
using Metrics.Storage.Reading;
using Microsoft.Extensions.Logging;

namespace Metrics.Ingestors.Pipeline;

/// <summary>One tick of one source: claim, window, read, commit. Knows nothing of what calls it or how often.</summary>
/// <remarks>Reading happens outside any transaction. What a page brought is committed with the fence, the dirty hours and the watermark in
/// one.</remarks>
/// <param name="log">Where it is kept who reads what, and how far.</param>
/// <param name="catalogue">What metrics mean.</param>
/// <param name="logger">For people.</param>
/// <param name="clock">Leases are renewed and budgets end on it; null: the system's.</param>
/// <param name="backfills">Spans of the past to read beside; null: none are read.</param>
public sealed class SourceReader(
    ReadLog log,
    MetricCatalogue catalogue,
    ILogger<SourceReader> logger,
    TimeProvider? clock = null,
    Backfills? backfills = null
)
{
    /// <summary>Longest pause that a source may ask for.</summary>
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(15);

    /// <summary>How long the right to read holds after its last sign of life; it is renewed while the read goes on. So a reader that died
    /// keeps others off no longer than this.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>A far side whose clock differs from the database's by more than the first is told of; by more than the second, its windows
    /// are not taken for read: they may lie where it has not been yet.</summary>
    private static readonly TimeSpan ReportedDifference = TimeSpan.FromMinutes(1),
        MostDifference = TimeSpan.FromMinutes(10);

    /// <summary>What was last said of a source that does not answer as it should, by id. The same is not said again at every tick: each run
    /// tells it too.</summary>
    private readonly ConcurrentDictionary<string, string> reported = new(StringComparer.Ordinal);

    /// <summary>Sources that have brought nothing yet since they were first read here.</summary>
    private readonly ConcurrentDictionary<string, bool> silent = new(StringComparer.Ordinal);

    private readonly string owner = $"{Environment.MachineName}/{Environment.ProcessId}";

    /// <summary>Reads everything that has settled, window by window, oldest first.</summary>
    /// <returns>How many rows were written; null when another worker reads the source or it asked to be left alone.</returns>
    public async Task<long?> ReadAsync(SourceSettings settings, ITelemetrySource source, CancellationToken cancellationToken)
    {
        long? written = null;
        var seen = new Dictionary<Series, MetricMapping?>();
        while (!cancellationToken.IsCancellationRequested)
        {
            if (await log.ClaimAsync(settings.Id, owner, Lease, cancellationToken) is not { } claim)
                return written;
            var window = Window.Next(source.Cadence, claim.Watermark, claim.RegisteredAt, claim.Now);
            if (window is not { } span)
            {
                await log.ReleaseAsync(claim, cancellationToken);
                return written ?? 0;
            }

            CommitOutcome? outcome;
            bool caughtUp;
            try
            {
                (outcome, caughtUp) = await HoldAsync(
                    claim,
                    () => ReadWindowAsync(source, claim, span, null, seen, cancellationToken),
                    cancellationToken
                );
            }
            catch (SourceException exception)
            {
                var pause = Pause(exception, source.Cadence, claim.Failures);
                if (IsNews(settings.Id, SnakeCase.Of(exception.Code)) || claim.Failures == 0)
                    logger.LogWarning(
                        LogEvents.SourceUnreadable,
                        "Source {Source} could not be read ({Code}): {Message} Next try in {Pause}.",
                        settings.Id,
                        SnakeCase.Of(exception.Code),
                        exception.Message,
                        pause
                    );
                await log.FailAsync(claim, SnakeCase.Of(exception.Code), exception.Message, pause, cancellationToken);
                return written;
            }
            catch (Exception exception)
            {
                await EndAsync(claim, exception, source.Cadence, cancellationToken);
                throw;
            }
            if (outcome is null)
            {
                logger.LogWarning(
                    LogEvents.ReadFenced,
                    "Source {Source}: another worker took over while this one was reading; its commit was refused and nothing is lost.",
                    settings.Id
                );
                return written;
            }
            written = (written ?? 0) + outcome.Written;
            if (caughtUp)
                return written;
        }
        return written;
    }

    /// <summary>Reads spans of the past, window by window, until none is due or the time is over: then it is the live read's turn
    /// again.</summary>
    /// <param name="settings">Settings of the source.</param>
    /// <param name="source">The opened source.</param>
    /// <param name="budget">After this long no further window is begun.</param>
    /// <param name="cancellationToken">Stops it; what was stored stays, and the span goes on from there.</param>
    /// <returns>Windows stored; null when another worker reads the source or it asked to be left alone.</returns>
    public async Task<int?> BackfillAsync(
        SourceSettings settings,
        ITelemetrySource source,
        TimeSpan budget,
        CancellationToken cancellationToken
    )
    {
        if (backfills is null)
            return 0;
        var time = clock ?? TimeProvider.System;
        var began = time.GetTimestamp();
        var windows = 0;
        var seen = new Dictionary<Series, MetricMapping?>();
        while (!cancellationToken.IsCancellationRequested && time.GetElapsedTime(began) < budget)
        {
            if (await backfills.NextAsync(settings.Id, cancellationToken) is null)
                return windows;
            if (await log.ClaimAsync(settings.Id, owner, Lease, cancellationToken) is not { } claim)
                return windows == 0 ? null : windows;
            // What is due is looked up again under the claim: another worker may have read on meanwhile.
            if (
                await backfills.NextAsync(settings.Id, cancellationToken) is not { } backfill
                || backfill.Next.End > claim.Now - source.Cadence.Settle
            )
            {
                await log.ReleaseAsync(claim, cancellationToken);
                return windows;
            }
            try
            {
                var (outcome, _) = await HoldAsync(
                    claim,
                    () => ReadWindowAsync(source, claim, backfill.Next, backfill, seen, cancellationToken),
                    cancellationToken
                );
                if (outcome is null)
                    return windows;
                windows++;
            }
            catch (SourceException exception)
            {
                var pause = Pause(exception, source.Cadence, Math.Max(1, backfill.Failures));
                if (backfill.Failures == 0)
                    logger.LogWarning(
                        LogEvents.BackfillUnreadable,
                        "Source {Source}: the window {Window} of the past could not be read ({Code}): {Message} Next try in {Pause}.",
                        settings.Id,
                        backfill.Next,
                        SnakeCase.Of(exception.Code),
                        exception.Message,
                        pause
                    );
                await log.FailAsync(claim, backfill, exception.Code, exception.Message, pause, cancellationToken);
                return windows;
            }
            catch (Exception exception)
            {
                await EndAsync(claim, exception, source.Cadence, cancellationToken);
                throw;
            }
        }
        return windows;
    }

    /// <summary>Asks for the daily second look where the source wants one.</summary>
    public async Task RereadDailyAsync(SourceSettings settings, ITelemetrySource source, CancellationToken cancellationToken)
    {
        var cadence = source.Cadence;
        if (
            backfills is null
            || cadence.Reread <= cadence.Overlap
            || await log.ClaimAsync(settings.Id, owner, Lease, cancellationToken) is not { } claim
        )
            return;
        try
        {
            await backfills.RereadDailyAsync(claim, cadence.Reread, cadence.Overlap, Step(cadence), cancellationToken);
        }
        finally
        {
            await log.ReleaseAsync(claim, cancellationToken.IsCancellationRequested ? CancellationToken.None : cancellationToken);
        }
    }

    /// <summary>Length of the windows in which a source's past is read: whole hours, and no more than it takes at once.</summary>
    public static TimeSpan Step(Cadence cadence) => TimeSpan.FromHours(Math.Clamp(Math.Floor(cadence.MaxWindow.TotalHours), 1, 24));

    /// <summary>Runs the read and renews its lease meanwhile: however slow the source, nobody takes over a reader that lives.</summary>
    private async Task<T> HoldAsync<T>(Claim claim, Func<Task<T>> read, CancellationToken cancellationToken)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var renewing = RenewAsync(claim, over.Token);
        try
        {
            return await read();
        }
        finally
        {
            await over.CancelAsync();
            await renewing;
        }
    }

    private async Task RenewAsync(Claim claim, CancellationToken over)
    {
        using var timer = new PeriodicTimer(Lease / 3, clock ?? TimeProvider.System);
        try
        {
            while (await timer.WaitForNextTickAsync(over))
            {
                try
                {
                    await log.RenewAsync(claim, over);
                }
                catch (Exception exception) when (StorageFault.IsOutside(exception))
                {
                    // A connection may break at the very moment when the read ends; that is nobody's concern any more.
                    if (!over.IsCancellationRequested)
                        logger.LogWarning(
                            LogEvents.LeaseNotRenewed,
                            "Source {Source}: the lease could not be renewed: {Message}",
                            claim.Source,
                            exception.Message
                        );
                }
            }
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
            // The read is over.
        }
    }

    /// <summary>Lets go of a source whose read ended in neither data nor a fault of the source: the service stops, the database failed, or
    /// the fault is ours.</summary>
    private async Task EndAsync(Claim claim, Exception exception, Cadence cadence, CancellationToken cancellationToken)
    {
        try
        {
            if (cancellationToken.IsCancellationRequested)
                await log.ReleaseAsync(claim, CancellationToken.None);
            else if (exception is StorageException storage)
                await log.FailAsync(claim, SnakeCase.Of(storage.Code), storage.Message, Shortest(cadence), cancellationToken);
            else
                await log.FailAsync(
                    claim,
                    "internal",
                    "The reader failed in a way that it should not; the log tells more. It is tried again.",
                    Shortest(cadence),
                    cancellationToken
                );
        }
        catch (Exception second) when (StorageFault.IsOutside(second) || second is OperationCanceledException)
        {
            // The first fault is the one to tell. The lease ends by itself.
            logger.LogWarning(
                LogEvents.ReadNotEnded,
                "Source {Source}: the read could not be ended in the database: {Message}",
                claim.Source,
                second.Message
            );
        }
    }

    /// <returns>What was committed, null when fenced; and whether nothing more has settled.</returns>
    private async Task<(CommitOutcome? Outcome, bool CaughtUp)> ReadWindowAsync(
        ITelemetrySource source,
        Claim claim,
        Interval window,
        Backfill? backfill,
        Dictionary<Series, MetricMapping?> seen,
        CancellationToken cancellationToken
    )
    {
        var began = Stopwatch.GetTimestamp();
        var read = new WindowRead(log, catalogue, claim, window, backfill, seen) { BringsAll = source.Cadence.Overlap > TimeSpan.Zero };
        var request = new ReadRequest(window, claim.Cursor, claim.RegisteredAt, claim.Now);
        if (!await read.TakeAsync(source.ReadAsync(request, cancellationToken), cancellationToken))
            return (null, true);
        Log(claim, read.Note);
        read.PartialBecause ??= ClocksDiffer(source, claim, began);
        if (await read.EndAsync(cancellationToken) is not { } outcome)
            return (null, true);
        Log(claim, window, backfill, outcome);
        return (
            outcome,
            backfill is not null || outcome.PartialBecause is not null || window.End >= Window.Settled(source.Cadence, claim.Now)
        );
    }

    /// <summary>Tells how the source had to be asked otherwise than usual, once until it need not.</summary>
    private void Log(Claim claim, string? note)
    {
        var key = $"{claim.Source} note";
        if (note is null)
            reported.TryRemove(key, out _);
        else if (IsNews(key, "note"))
            logger.LogWarning(LogEvents.AskedInParts, "Source {Source}: {Note}", claim.Source, note);
    }

    /// <summary>Tells of what a committed window changed in the way the source is read.</summary>
    private void Log(Claim claim, Interval window, Backfill? backfill, CommitOutcome outcome)
    {
        if (claim.Watermark is null && backfill is null)
            silent.TryAdd(claim.Source, true);
        if (outcome.Received > 0 && silent.TryRemove(claim.Source, out _))
            logger.LogInformation(
                LogEvents.FirstData,
                "Source {Source}: first data, {Observations} observations of {Window}.",
                claim.Source,
                outcome.Received,
                window
            );
        foreach (var series in outcome.Healed)
            logger.LogInformation(
                LogEvents.SeriesHealed,
                "Source {Source}: {Series} can be read again; what was missed is read now.",
                claim.Source,
                series
            );
        foreach (var unread in outcome.Quarantined)
            if (IsNews($"{claim.Source} {unread.Subject}", SnakeCase.Of(unread.Code)))
                logger.LogWarning(
                    LogEvents.SeriesQuarantined,
                    "Source {Source}: goes on without {Series} ({Code}): {Message}",
                    claim.Source,
                    unread.Subject,
                    SnakeCase.Of(unread.Code),
                    unread.Message
                );
        if (backfill is not null)
            return;
        if (outcome.PartialBecause is null)
        {
            if (reported.TryRemove(claim.Source, out _) || claim.Failures > 0)
                logger.LogInformation(LogEvents.SourceRead, "Source {Source} is read again.", claim.Source);
        }
        else if (IsNews(claim.Source, SnakeCase.Of(RunState.Partial)))
            logger.LogWarning(
                LogEvents.ReadPartial,
                "Source {Source}: the answer for {Window} was incomplete ({Reason}); it is read again.",
                claim.Source,
                window,
                outcome.PartialBecause
            );
    }

    /// <summary>Compares the far side's clock, as its last answer of this read told it, with the database's, on which windows are
    /// cut.</summary>
    /// <param name="source">What was read.</param>
    /// <param name="claim">Holds the database's time.</param>
    /// <param name="began">When that was, about.</param>
    /// <returns>Why the window is not taken for read; null when it may be.</returns>
    private string? ClocksDiffer(ITelemetrySource source, Claim claim, long began)
    {
        if (source.FarClock is not { } far || far.At < began)
            return null;
        var ahead = far.Time - (claim.Now + Stopwatch.GetElapsedTime(began, far.At));
        var key = $"{claim.Source} clock";
        if (ahead.Duration() <= ReportedDifference)
        {
            reported.TryRemove(key, out _);
            return null;
        }
        var difference = string.Create(
            CultureInfo.InvariantCulture,
            $"its clock is {ahead.Duration().TotalMinutes:0} minutes {(ahead > TimeSpan.Zero ? "ahead of" : "behind")} the database's"
        );
        if (ahead.Duration() > MostDifference)
            return $"{difference}; windows are cut by the database's, so reading does not go on before both agree to "
                + $"{MostDifference.TotalMinutes} minutes: set them by NTP";
        if (IsNews(key, "skew"))
            logger.LogWarning(
                LogEvents.ClocksDiffer,
                "Source {Source}: {Skew}. Set both by NTP; from {Most} minutes on it is not read further.",
                claim.Source,
                difference,
                MostDifference.TotalMinutes
            );
        return null;
    }

    private bool IsNews(string source, string code)
    {
        if (reported.TryGetValue(source, out var before) && before == code)
            return false;
        reported[source] = code;
        return true;
    }

    /// <summary>As long as the source asks for; without that, twice as long after each failure in a row when the far side is in trouble,
    /// and not all sources at one time.</summary>
    private static TimeSpan Pause(SourceException exception, Cadence cadence, int failures)
    {
        if (exception.RetryAfter is { } rest && rest > TimeSpan.Zero)
            return rest > LongestPause ? LongestPause : rest;
        // A file that cannot be read is no load on anybody, and the others of its folder go on.
        if (
            failures == 0
            || exception.Code
                is not (SourceErrorCode.Unreachable or SourceErrorCode.Timeout or SourceErrorCode.ServerError or SourceErrorCode.Throttled)
        )
            return Shortest(cadence);
        var pause = Shortest(cadence) * Math.Pow(2, Math.Min(failures, 20));
        return (pause > LongestPause ? LongestPause : pause) * (0.9 + 0.1 * Random.Shared.NextDouble());
    }

    private static TimeSpan Shortest(Cadence cadence) => cadence.Every > LongestPause ? LongestPause : cadence.Every;
}
