using Metrics.Storage.Engine;
using Metrics.Storage.Facts;
using Microsoft.Extensions.Logging;

namespace Metrics.Ingestors.Pipeline;

/// <summary>Tells of stored rows that contradict themselves, once a night.</summary>
public sealed class RowWatch(Contradictions contradictions, ILogger<RowWatch> logger)
{
    private static readonly Prometheus.Gauge Contradicting = Prometheus.Metrics.CreateGauge(
        "metrics_rows_contradicting",
        "Rows of a set that contradict themselves, of those changed before the last nightly check: boundaries out of order, or a "
            + "number outside its bounds.",
        "set"
    );

    /// <summary>Looks at the rows that changed since the last time.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        foreach (var found in await contradictions.FindAsync(cancellationToken))
        {
            Contradicting.WithLabels(found.Set).Set(found.Count);
            if (found.Count > 0)
                logger.LogError(
                    LogEvents.RowsContradict,
                    "{Count} rows of {Set} contradict themselves: {Examples}{More}",
                    found.Count,
                    found.Set,
                    string.Join(" | ", found.Examples),
                    found.Count > found.Examples.Count ? " | and more" : ""
                );
        }
    }
}
