using Metrics.Storage.Engine;
using Metrics.Storage.Events;

namespace Metrics.Api.Webhooks;

/// <summary>Evaluates the rules about joules per unit every minute.</summary>
public sealed class IntensityWatch(IntensityRules rules, TimeProvider clock, ILogger<IntensityWatch> logger) : BackgroundService
{
    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMinutes(1), clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                try
                {
                    await rules.EvaluateAsync(stoppingToken);
                }
                catch (Exception exception) when (StorageFault.IsOutside(exception))
                {
                    logger.LogWarning("Rules about joules per unit wait: {Message}", exception.Message);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The service is stopping.
        }
    }
}
