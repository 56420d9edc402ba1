using Metrics.Ingestors.Pipeline;
using Metrics.Ingestors.Providers;
using Metrics.Storage.Engine;
using Metrics.Storage.Reading;
using Prometheus;

namespace Metrics.Api.Operations;

/// <summary>Looks at how current every source is, by itself: whatever became of the scheduler, a source that fell behind is told of, and
/// read.</summary>
public sealed class Watchdog(SourceList sources, ReadLog log, Jobs jobs, Worker worker, TimeProvider clock, ILogger<Watchdog> logger)
    : BackgroundService
{
    /// <summary>A source is never called behind earlier than this.</summary>
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(30);

    /// <summary>The clocks of this machine and of the database may differ by so much before somebody is told.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(1);

    private static readonly Gauge Lag = Prometheus.Metrics.CreateGauge(
        "metrics_source_lag_seconds",
        "Age of what has last been read of the source: the database's clock less the watermark.",
        "source"
    );
    private static readonly Gauge Stale = Prometheus.Metrics.CreateGauge(
        "metrics_source_stale",
        "1 while the source is further behind than it should ever be.",
        "source"
    );
    private static readonly Gauge ClockSkew = Prometheus.Metrics.CreateGauge(
        "metrics_clock_skew_seconds",
        "This machine's clock less the database's."
    );

    private readonly Dictionary<string, Task> rescues = new(StringComparer.Ordinal);
    private bool skewed;

    /// <summary>How far behind a source may be: three times what it takes to settle and to come round again.</summary>
    public static TimeSpan Allowed(Cadence cadence)
    {
        var allowed = 3 * (cadence.Settle + cadence.Every) + cadence.Align;
        return allowed < Shortest ? Shortest : allowed;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(5), clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                try
                {
                    await LookAsync(stoppingToken);
                }
                catch (Exception exception) when (StorageFault.IsOutside(exception))
                {
                    logger.LogWarning("How current the sources are cannot be told: {Message}", exception.Message);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The service is stopping.
        }
        finally
        {
            await Task.WhenAll(rescues.Values).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        var (now, all) = await log.FreshnessAsync(cancellationToken);
        var skew = clock.GetUtcNow().UtcDateTime - now;
        ClockSkew.Set(skew.TotalSeconds);
        if (skew.Duration() > Skew != skewed)
        {
            skewed = !skewed;
            if (skewed)
                logger.LogWarning(
                    "This machine's clock and the database's differ by {Skew}. What is read goes by the database's; set the clocks by NTP.",
                    skew
                );
        }

        foreach (var source in all)
        {
            if (!sources.TryGet(source.Id, out _, out var open))
                continue;
            var behind = now - source.ReadUntil;
            var stale = behind > Allowed(open.Cadence);
            Lag.WithLabels(source.Id).Set(Math.Max(0, behind.TotalSeconds));
            Stale.WithLabels(source.Id).Set(stale ? 1 : 0);
            if (stale != source.StaleSince is not null && await log.MarkStaleAsync(source, stale, cancellationToken))
            {
                if (stale)
                    logger.LogWarning(
                        LogEvents.SourceStale,
                        "Source {Source} is {Behind} behind and should never be more than {Allowed}.{Why}",
                        source.Id,
                        behind,
                        Allowed(open.Cadence),
                        source.LastError is null ? "" : $" Its last failure: {source.LastError}"
                    );
                else
                    logger.LogInformation(LogEvents.SourceRecovered, "Source {Source} is current again.", source.Id);
            }
            if (stale)
                Rescue(source.Id, cancellationToken);
        }
    }

    /// <summary>Registers the recurring read again and reads the source here and now: if somebody else does, this finds the claim taken and
    /// does nothing.</summary>
    private void Rescue(string source, CancellationToken cancellationToken)
    {
        if (rescues.TryGetValue(source, out var before) && !before.IsCompleted)
            return;
        rescues[source] = Task.Run(
            async () =>
            {
                try
                {
                    worker.Schedule(source);
                }
                catch (Exception exception) when (exception is not OperationCanceledException)
                {
                    // That the scheduler is out of order is what this is for.
                    logger.LogWarning("The recurring read of {Source} could not be registered again: {Message}", source, exception.Message);
                }
                try
                {
                    await jobs.ReadAsync(source, cancellationToken);
                }
                catch (Exception exception) when (StorageFault.IsOutside(exception) || exception is OperationCanceledException)
                {
                    logger.LogDebug("The read of {Source} ended early: {Message}", source, exception.Message);
                }
            },
            cancellationToken
        );
    }
}
