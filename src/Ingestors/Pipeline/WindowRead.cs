using Metrics.Domain.Catalogue;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Ingestors.Providers;
using Metrics.Storage.Reading;

namespace Metrics.Ingestors.Pipeline;

/// <summary>One window on its way from the source into the database: pages are admitted, and committed in parts while the next ones
/// come, so that memory stays bounded and the database and this process work at the same time.</summary>
/// <param name="log">Where it is committed.</param>
/// <param name="catalogue">What metrics mean.</param>
/// <param name="claim">The right to read the source.</param>
/// <param name="window">What is read.</param>
/// <param name="backfill">The span of the past that the window belongs to; null for a live read.</param>
/// <param name="mappings">The mapping of every series met so far; null for one that no mapping knows.</param>
internal sealed class WindowRead(
    ReadLog log,
    MetricCatalogue catalogue,
    Claim claim,
    Interval window,
    Backfill? backfill,
    Dictionary<Series, MetricMapping?> mappings
)
{
    /// <summary>Rows that one commit holds at most, so that memory stays bounded whatever the source sends.</summary>
    private const int CommitRows = 50_000;

    /// <summary>Rejections that one commit holds at most, about: each is a sentence, and a file may hold nothing else.</summary>
    private const int CommitRejections = 10_000;

    private readonly List<UnreadRecord> unread = [];
    private readonly HashSet<long> series = [];
    private List<Observation> observations = [];
    private List<Rejection> rejections = [];
    private string? cursor;
    private CommitOutcome total = new(0, 0, 0);
    private Task<CommitOutcome?>? committing;

    /// <summary>True when a read of the source brings all its series.</summary>
    public bool BringsAll { get; init; }

    /// <summary>Why the window is not wholly read; null when it is.</summary>
    public string? PartialBecause { get; set; }

    /// <summary>The first that the source had to say of how it is read; null: nothing.</summary>
    public string? Note { get; private set; }

    /// <summary>Takes every page. What came before an error of the source is committed too, and the error goes on.</summary>
    /// <returns>False when another reader has taken the source over.</returns>
    /// <exception cref="SourceException">The source could not be read.</exception>
    public async Task<bool> TakeAsync(IAsyncEnumerable<Page> pages, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var page in pages.WithCancellation(cancellationToken))
            {
                Admit(page);
                unread.AddRange(page.Unread.Select(one => new UnreadRecord(one.Subject, one.Code, one.Message)));
                PartialBecause ??= page.PartialBecause;
                Note ??= page.Note;
                cursor = page.Cursor ?? cursor;
                if (observations.Count < CommitRows && rejections.Count < CommitRejections)
                    continue;

                // The watermark waits for the last page; what came so far is kept, and read again after an error it changes nothing.
                if (!await CommittedAsync())
                    return false;
                var part = Result(null) with { Continues = true };
                (observations, rejections) = ([], []);
                committing = Task.Run(() => log.CommitAsync(claim, part, cancellationToken), cancellationToken);
            }
            return await CommittedAsync();
        }
        catch (SourceException) when (observations.Count > 0 || rejections.Count > 0 || cursor is not null)
        {
            // The pages before the error are whole: one bad file of a folder must not keep the others out for ever.
            if (await CommittedAsync())
                await log.CommitAsync(claim, Result(null) with { Continues = true }, cancellationToken);
            throw;
        }
        finally
        {
            // Whatever ended the read, nothing of it is left running.
            if (committing is not null)
                await ((Task)committing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Commits the rest, and the watermark when the window is wholly read.</summary>
    /// <returns>What all commits of the window touched; null when another reader has taken the source over.</returns>
    public async Task<CommitOutcome?> EndAsync(CancellationToken cancellationToken)
    {
        var last = await log.CommitAsync(claim, Result(PartialBecause is null ? window.End : null), cancellationToken);
        return last is null
            ? null
            : last with
            {
                Received = total.Received + last.Received,
                Written = total.Written + last.Written,
                Rejected = total.Rejected + last.Rejected,
            };
    }

    /// <summary>What can be true goes on, what cannot becomes a rejection. A metric that no mapping knows is neither: a server has
    /// many.</summary>
    private void Admit(Page page)
    {
        rejections.AddRange(page.Rejections);
        Series? before = null;
        foreach (var observation in page.Observations)
        {
            // Pages hold one series after the other.
            if (!ReferenceEquals(observation.Series, before))
                series.Add((before = observation.Series).Id);
            if (!mappings.TryGetValue(observation.Series, out var mapping))
                mappings[observation.Series] = mapping = catalogue.Find(observation.Series, claim.Now);
            if (mapping is null)
                continue;
            if (Admission.Validate(observation, mapping, claim.Now) is { } rejection)
                rejections.Add(rejection);
            else
                observations.Add(observation);
        }
    }

    // False when the commit under way was refused.
    private async Task<bool> CommittedAsync()
    {
        if (committing is null)
            return true;
        var outcome = await committing;
        committing = null;
        if (outcome is null)
            return false;
        total = new(total.Received + outcome.Received, total.Written + outcome.Written, total.Rejected + outcome.Rejected);
        return true;
    }

    private ReadResult Result(DateTime? watermark) =>
        new()
        {
            Observations = observations,
            Rejections = rejections,
            From = window.Start,
            To = window.End,
            Watermark = watermark,
            Cursor = cursor,
            PartialBecause = PartialBecause,
            Backfill = backfill,
            Unread = unread,
            SeriesReceived = series.Count,
            BringsAll = BringsAll,
        };
}
