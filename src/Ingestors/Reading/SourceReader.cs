using System.Collections.Concurrent;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Storage;
using Microsoft.Extensions.Logging;

namespace Metrics.Ingestors.Reading;

/// <summary>One tick of one source: claim, window, read, commit. Knows nothing of what calls it or how often.</summary>
/// <remarks>Reading happens outside any transaction. What a page brought is committed with the fence, the dirty hours and the watermark in one.</remarks>
public sealed class SourceReader(ReadLog log, MetricCatalogue catalogue, ILogger<SourceReader> logger)
{
    /// <summary>Longest pause that a source may ask for.</summary>
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(15);

    /// <summary>How long the right to read holds. A reader that stalls longer finds its commit refused.</summary>
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(5);

    /// <summary>Rows that one commit holds at most, so that memory stays bounded whatever the source sends.</summary>
    private const int CommitRows = 100_000;

    /// <summary>What was last said of a source that does not answer as it should, by id. The same is not said again at every tick: each run tells it too.</summary>
    private readonly ConcurrentDictionary<string, string> told = new(StringComparer.Ordinal);

    private readonly string owner = $"{Environment.MachineName}/{Environment.ProcessId}";

    /// <summary>Reads everything that has settled, window by window, oldest first.</summary>
    /// <returns>How many rows were written; null when another worker reads the source or it asked to be left alone.</returns>
    public async Task<long?> ReadAsync(SourceSettings settings, ITelemetrySource source, CancellationToken cancellationToken)
    {
        long? written = null;
        var seen = new Dictionary<Series, MetricMapping?>();
        while (!cancellationToken.IsCancellationRequested)
        {
            if (await log.ClaimAsync(settings.Id, owner, Lease, cancellationToken) is not { } claim) return written;
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
                (outcome, caughtUp) = await ReadWindowAsync(source, claim, span, seen, cancellationToken);
            }
            catch (SourceException fault)
            {
                var pause = Pause(fault.RetryAfter, source.Cadence);
                if (IsNews(settings.Id, fault.Code) || claim.Failures == 0)
                    logger.LogWarning("Source {Source} could not be read ({Code}): {Message} It is tried again every {Pause}.", settings.Id, fault.Code, fault.Message, pause);
                await log.FailAsync(claim, fault.Code, fault.Message, pause, cancellationToken);
                return written;
            }
            if (outcome is null)
            {
                logger.LogWarning("Source {Source}: another worker took over while this one was reading; its commit was refused and nothing is lost.", settings.Id);
                return written;
            }
            written = (written ?? 0) + outcome.Written;
            if (caughtUp) return written;
        }
        return written;
    }

    /// <returns>What was committed, null when fenced; and whether nothing more has settled.</returns>
    private async Task<(CommitOutcome? Outcome, bool CaughtUp)> ReadWindowAsync(ITelemetrySource source, Claim claim, Interval window, Dictionary<Series, MetricMapping?> seen, CancellationToken cancellationToken)
    {
        var observations = new List<Observation>();
        var rejections = new List<Rejection>();
        string? partial = null, cursor = null;
        CommitOutcome total = new(0, 0, 0);
        var request = new ReadRequest(window, claim.Cursor, claim.RegisteredAt, claim.Now);

        await foreach (var page in source.ReadAsync(request, cancellationToken))
        {
            Admit(page, claim.Now, seen, observations, rejections);
            partial ??= page.PartialBecause;
            cursor = page.Cursor ?? cursor;
            if (observations.Count < CommitRows) continue;

            // The watermark waits for the last page; what came so far is kept, and read again after a fault it changes nothing.
            var kept = await log.CommitAsync(claim, Result(null) with { Continues = true }, cancellationToken);
            if (kept is null) return (null, true);
            total = Sum(total, kept);
            observations.Clear();
            rejections.Clear();
        }

        var last = await log.CommitAsync(claim, Result(partial is null ? window.End : null), cancellationToken);
        if (last is null) return (null, true);
        if (partial is null)
        {
            if (told.TryRemove(claim.Source, out _) || claim.Failures > 0) logger.LogInformation("Source {Source} is read again.", claim.Source);
        }
        else if (IsNews(claim.Source, "partial")) logger.LogWarning("Source {Source}: the answer for {Window} was incomplete ({Reason}); it is read again.", claim.Source, window, partial);
        return (Sum(total, last), partial is not null || window.End >= claim.Now - source.Cadence.Settle);

        ReadResult Result(DateTime? watermark) => new()
        {
            Observations = observations,
            Rejections = rejections,
            From = window.Start,
            To = window.End,
            Watermark = watermark,
            Cursor = cursor,
            PartialBecause = partial,
        };

        static CommitOutcome Sum(CommitOutcome a, CommitOutcome b) => new(a.Received + b.Received, a.Written + b.Written, a.Rejected + b.Rejected);
    }

    /// <summary>What can be true goes on, what cannot becomes a rejection. A metric that no mapping knows is neither: a server has many.</summary>
    private void Admit(Page page, DateTime now, Dictionary<Series, MetricMapping?> seen, List<Observation> observations, List<Rejection> rejections)
    {
        rejections.AddRange(page.Rejections);
        foreach (var observation in page.Observations)
        {
            if (!seen.TryGetValue(observation.Series, out var mapping))
                seen[observation.Series] = mapping = catalogue.Find(observation.Series, now);
            if (mapping is null) continue;
            if (Admission.Refuse(observation, mapping, now) is { } refused) rejections.Add(refused);
            else observations.Add(observation);
        }
    }

    private bool IsNews(string source, string code)
    {
        if (told.TryGetValue(source, out var before) && before == code) return false;
        told[source] = code;
        return true;
    }

    private static TimeSpan Pause(TimeSpan? asked, Cadence cadence)
    {
        var pause = asked is { } given && given > TimeSpan.Zero ? given : cadence.Every;
        return pause > LongestPause ? LongestPause : pause;
    }
}
