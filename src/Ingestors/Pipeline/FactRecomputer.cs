using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Storage.Engine;
using Metrics.Storage.Facts;
using Microsoft.Extensions.Logging;

namespace Metrics.Ingestors.Pipeline;

/// <summary>Turns dirty hours into facts: samples around the hour, normalised, replace what stood there. Never adds to what is
/// there.</summary>
/// <remarks>With the sources at hand it also makes hours final that all of them were read past.</remarks>
public sealed class FactRecomputer(
    FactStore store,
    Normaliser normaliser,
    ILogger<FactRecomputer>? logger = null,
    SourceList? sources = null
)
{
    /// <summary>Hours whose samples are held at once.</summary>
    private const int LongestRun = 6;

    private int running;

    /// <summary>Workloads that are known to have facts, here or in the database; null before it was asked.</summary>
    private HashSet<string>? known;

    /// <summary>Recomputes every hour that is dirty now, the newest first. An hour that cannot be computed stays dirty and stops no
    /// other.</summary>
    /// <returns>Number of hours; zero also when a recompute is under way in this process.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<int> RecomputeAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref running, 1) == 1)
            return 0;
        var pass = new Pass();
        try
        {
            known ??= [.. await store.WorkloadsAsync(cancellationToken)];
            while (await DirtyAsync(pass, cancellationToken) is { Count: > 0 } dirty)
            {
                foreach (var run in Runs(dirty))
                    await NormaliseAsync(run, pass, cancellationToken);
                await StoredAsync(pass, 0);
            }
            if (sources is not null)
                await store.FinaliseAsync([.. sources.All.Select(source => source.Id)], cancellationToken);
            return pass.Hours;
        }
        finally
        {
            // Whatever ended the recompute, nothing of it is left running.
            foreach (var (_, stored, _) in pass.Storing)
                await ((Task)stored).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Volatile.Write(ref running, 0);
        }
    }

    /// <summary>One recompute of everything that is dirty.</summary>
    private sealed class Pass
    {
        /// <summary>Hours on their way into the database, the oldest first.</summary>
        public Queue<(DateTime Hour, Task<Exception?> Stored, NormalisedPeriod Period)> Storing { get; } = new();

        /// <summary>Hours that could not be computed or stored; they wait for the next pass.</summary>
        public HashSet<DateTime> Failed { get; } = [];

        /// <summary>Hours that were stored.</summary>
        public int Hours { get; set; }
    }

    private async Task<List<DirtyHour>> DirtyAsync(Pass pass, CancellationToken cancellationToken) =>
        [.. (await store.DirtyHoursAsync(64 + pass.Failed.Count, cancellationToken)).Where(hour => !pass.Failed.Contains(hour.Hour))];

    /// <summary>Normalises hours that follow each other. Each is stored while the next is computed: the database and this process work
    /// at the same time.</summary>
    private async Task NormaliseAsync(List<DirtyHour> run, Pass pass, CancellationToken cancellationToken)
    {
        var reach = new Interval(run[^1].Hour - Limits.Reach, run[0].Hour.AddHours(1) + Limits.Reach);
        var samples = await store.SamplesAsync(reach, cancellationToken);
        foreach (var hour in run)
        {
            NormalisedPeriod period;
            try
            {
                var span = new Interval(hour.Hour, hour.Hour.AddHours(1));
                var around = samples
                    .Select(series => series.Between(span.Start - Limits.Reach, span.End + Limits.Reach))
                    .Where(series => !series.Samples.IsEmpty);
                period = normaliser.Normalise(span, around);
            }
            catch (Exception exception) when (IsOurs(exception, cancellationToken))
            {
                Fail(pass, hour.Hour, exception);
                continue;
            }
            await StoredAsync(pass, store.Writers - 1);
            pass.Storing.Enqueue((hour.Hour, Task.Run(() => StoreAsync(hour, period, cancellationToken), cancellationToken), period));
        }
    }

    /// <summary>Waits for the oldest until no more than so many are on their way.</summary>
    private async Task StoredAsync(Pass pass, int most)
    {
        while (pass.Storing.Count > most)
        {
            var (hour, stored, period) = pass.Storing.Peek();
            var exception = await stored;
            pass.Storing.Dequeue();
            if (exception is not null)
            {
                Fail(pass, hour, exception);
                continue;
            }
            pass.Hours++;
            Log(hour, period);
        }
    }

    private void Fail(Pass pass, DateTime hour, Exception exception)
    {
        pass.Failed.Add(hour);
        logger?.LogError(
            LogEvents.HourFailed,
            exception,
            "The facts of the hour from {Hour:yyyy-MM-dd HH:mm} UTC could not be computed; what stood there stays, and it is tried again.",
            hour
        );
    }

    /// <summary>Tells of the hour, and of workloads that have energy and work for the first time.</summary>
    private void Log(DateTime hour, NormalisedPeriod period)
    {
        if (logger is null)
            return;
        logger.LogDebug(
            LogEvents.HourRecomputed,
            "The hour from {Hour:yyyy-MM-dd HH:mm} UTC was computed: {EnergyFacts} facts of energy, {WorkFacts} of work.",
            hour,
            period.Energy.Count,
            period.Work.Count
        );
        var working = period.Work.Where(fact => fact.Units > 0).ToLookup(fact => fact.Deployment.Workload.Name, StringComparer.Ordinal);
        foreach (var workload in period.Energy.Select(fact => fact.Deployment.Workload.Name).Distinct(StringComparer.Ordinal))
            if (working.Contains(workload) && known!.Add(workload))
                logger.LogInformation(
                    LogEvents.FirstNumber,
                    "Workload {Workload}: first number, joules per {Unit} in the hour from {Hour:yyyy-MM-dd HH:mm} UTC.",
                    workload,
                    string.Join(", ", working[workload].Select(fact => fact.FunctionalUnit).Distinct().Order(StringComparer.Ordinal)),
                    hour
                );
    }

    /// <returns>Why the hour could not be stored, when that is its own error; null when it was.</returns>
    private async Task<Exception?> StoreAsync(DirtyHour hour, NormalisedPeriod period, CancellationToken cancellationToken)
    {
        try
        {
            await store.ReplaceHourAsync(hour, period, cancellationToken);
            return null;
        }
        catch (Exception exception) when (IsOurs(exception, cancellationToken))
        {
            return exception;
        }
    }

    private static bool IsOurs(Exception exception, CancellationToken cancellationToken) =>
        !StorageFault.IsOutside(exception) && !cancellationToken.IsCancellationRequested;

    /// <summary>Hours that follow each other, newest first, so that the samples around them are read once and not three times.</summary>
    private static IEnumerable<List<DirtyHour>> Runs(IEnumerable<DirtyHour> dirty)
    {
        var run = new List<DirtyHour>();
        foreach (var hour in dirty.OrderByDescending(hour => hour.Hour))
        {
            if (run.Count > 0 && (run.Count == LongestRun || run[^1].Hour - hour.Hour != TimeSpan.FromHours(1)))
            {
                yield return run;
                run = [];
            }
            run.Add(hour);
        }
        if (run.Count > 0)
            yield return run;
    }
}
