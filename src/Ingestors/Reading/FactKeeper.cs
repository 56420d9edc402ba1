using Metrics.Domain.Normalisation;
using Metrics.Domain.Quantities;
using Metrics.Storage;

namespace Metrics.Ingestors.Reading;

/// <summary>Turns dirty hours into facts: samples around the hour, normalised, replace what stood there. Never adds to what is there.</summary>
public sealed class FactKeeper(FactStore store, Normaliser normaliser)
{
    private int running;

    /// <summary>Recomputes every hour that is dirty now, the newest first.</summary>
    /// <returns>Number of hours; zero also when a recompute is under way in this process.</returns>
    public async Task<int> RecomputeAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref running, 1) == 1) return 0;
        try
        {
            var hours = 0;
            while (await store.DirtyHoursAsync(64, cancellationToken) is { Count: > 0 } dirty)
            {
                foreach (var hour in dirty)
                {
                    var period = new Interval(hour.Hour, hour.Hour.AddHours(1));
                    var samples = await store.SamplesAsync(new Interval(period.Start - Normaliser.Reach, period.End + Normaliser.Reach), cancellationToken);
                    await store.ReplaceHourAsync(hour, normaliser.Normalise(period, samples), cancellationToken);
                    hours++;
                }
            }
            return hours;
        }
        finally
        {
            Volatile.Write(ref running, 0);
        }
    }
}
