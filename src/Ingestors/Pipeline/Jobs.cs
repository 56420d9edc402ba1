using Hangfire;

namespace Metrics.Ingestors.Pipeline;

/// <summary>What Hangfire calls. Names and arguments are stored data: strings only, and a rename is a migration.</summary>
/// <remarks>
/// A tick carries no work of its own: it finds out from the database what is to be done, so that a lost, late or doubled tick changes
/// nothing.
/// The next tick is the retry.
/// </remarks>
[AutomaticRetry(Attempts = 0, OnAttemptsExceeded = AttemptsExceededAction.Delete)]
public sealed class Jobs(
    SourceList sources,
    SourceReader reader,
    Reconciliation reconciliation,
    FactRecomputer facts,
    RuleWatch rules,
    RowWatch rows
)
{
    private static readonly int[] Divisors = [60, 30, 20, 15, 12, 10, 6, 5, 4, 3, 2, 1];

    /// <summary>Reads one source up to now, uses the time until the next tick for the past, and brings the facts up to date.</summary>
    [JobDisplayName("Read {0}")]
    public async Task ReadAsync(string source, CancellationToken cancellationToken)
    {
        if (!sources.TryGet(source, out var settings, out var open))
            return;
        if (!sources.TryEnter(source))
            return;
        var changed = false;
        try
        {
            if (await reader.ReadAsync(settings, open, cancellationToken) is { } written)
            {
                changed = written > 0;
                await reader.RereadDailyAsync(settings, open, cancellationToken);
                await reconciliation.CompareAsync(settings, open, cancellationToken);
            }
            changed |= await reader.BackfillAsync(settings, open, open.Cadence.Every, cancellationToken) > 0;
        }
        finally
        {
            sources.Leave(source);
        }
        // The source can be read again meanwhile: facts of a long past take their time.
        if (changed)
            await facts.RecomputeAsync(cancellationToken);
    }

    /// <summary>Recomputes dirty hours, whoever made them dirty, and looks whether every workload rule has met something.</summary>
    [JobDisplayName("Recompute dirty hours")]
    public async Task RecomputeAsync(CancellationToken cancellationToken)
    {
        await facts.RecomputeAsync(cancellationToken);
        await rules.CheckAsync(cancellationToken);
    }

    /// <summary>Looks for rows that contradict themselves among those that changed since the last time.</summary>
    [JobDisplayName("Check stored rows")]
    public Task CheckRowsAsync(CancellationToken cancellationToken) => rows.CheckAsync(cancellationToken);

    /// <summary>A cron line, seconds first, that ticks at least as often as asked: the largest divisor of a minute or an hour that is not
    /// above it.</summary>
    public static string Cron(TimeSpan every)
    {
        if (every < TimeSpan.FromMinutes(1))
        {
            var seconds = Divisors.SkipWhile(s => s > 30).First(s => s <= Math.Max(1, every.TotalSeconds));
            return $"*/{seconds} * * * * *";
        }
        var minutes = Divisors.First(m => m <= every.TotalMinutes);
        return minutes == 60 ? "0 0 * * * *"
            : minutes == 1 ? "0 * * * * *"
            : $"0 */{minutes} * * * *";
    }
}
