using System.Globalization;
using Metrics.Api.Settings;
using Metrics.Ingestors.Pipeline;
using Metrics.Storage.Engine;
using Metrics.Storage.Facts;
using Metrics.Storage.Reading;

namespace Metrics.Api.Commands;

/// <summary>Shows how far the first read is: sources that were never read before, and the hours that are computed from what they
/// bring.</summary>
internal sealed class FirstRead(MetricsSettings settings, SourceList sources, ReadLog log, FactStore facts, TimeProvider clock)
{
    private const int MostHours = 10_000;

    /// <summary>Shows it until every new source was read or refuses to be, and no hour waits any more; nothing when no source is
    /// new.</summary>
    /// <param name="style">How.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task ShowAsync(ProgressStyle style, CancellationToken cancellationToken)
    {
        if (style == ProgressStyle.None || settings.Sources.Count == 0)
            return;
        try
        {
            using var progress = new Progress(style, clock: clock);
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(500), clock);
            HashSet<string>? unread = null;
            var most = 1;
            do
            {
                // The worker opens all sources before it reads any.
                if (sources.All.Count() < settings.Sources.Count)
                    continue;
                var (_, all) = await log.FreshnessAsync(cancellationToken);
                unread ??= [.. all.Where(source => !source.IsRead && sources.TryGet(source.Id, out _, out _)).Select(source => source.Id)];
                if (unread.Count == 0)
                    return;
                var read = all.Count(source => unread.Contains(source.Id) && (source.IsRead || source.LastError is not null));
                var hours = (await facts.DirtyHoursAsync(MostHours, cancellationToken)).Count;
                if (read < unread.Count)
                {
                    progress.Show(
                        "First read",
                        read,
                        unread.Count,
                        "sources",
                        string.Create(CultureInfo.InvariantCulture, $"{hours:#,0} hours to compute")
                    );
                    continue;
                }
                most = Math.Max(most, hours);
                progress.Show("First numbers", most - hours, most, "hours");
                if (hours == 0)
                    return;
            } while (await timer.WaitForNextTickAsync(cancellationToken));
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The service is stopping.
        }
        catch (Exception exception) when (StorageFault.IsOutside(exception))
        {
            // Whoever reads tells it.
        }
    }
}
