using System.Globalization;
using Metrics.Domain.Quantities;
using Metrics.Ingestors.Providers;
using Metrics.Storage.Engine;
using Metrics.Storage.Reading;
using Microsoft.Extensions.Logging;

namespace Metrics.Ingestors.Pipeline;

/// <summary>Once a day: whether what was stored of a day adds up to what the provider itself says of its hours. What differs is read again,
/// and told when it still differs.</summary>
public sealed class Reconciliation(ReadLog log, Backfills backfills, Ledger ledger, ILogger<Reconciliation> logger)
{
    /// <summary>Differences that are told one by one.</summary>
    private const int Named = 5;

    private static readonly Prometheus.Counter Mismatches = Prometheus.Metrics.CreateCounter(
        "metrics_reading_reconciliation_mismatches_total",
        "Hours of series whose stored sum differs from the provider's own statistic after a second reading.",
        "source"
    );

    private readonly string owner = $"{Environment.MachineName}/{Environment.ProcessId}";

    /// <summary>Compares the next day that is over and not yet compared, if there is one.</summary>
    /// <returns>Whether a day was compared.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<bool> CompareAsync(SourceSettings settings, ITelemetrySource source, CancellationToken cancellationToken)
    {
        if (source is not ICoarseStatistics coarse)
            return false;
        if (
            await ledger.DueAsync(settings.Id, source.Cadence.Settle + source.Cadence.Overlap + TimeSpan.FromHours(1), cancellationToken)
            is not { } due
        )
            return false;
        // While the day itself is read again there is nothing to compare yet.
        var reread = (await backfills.OfAsync(settings.Id, cancellationToken)).FirstOrDefault(span =>
            span.Kind == ReadKind.Reconcile && span.Span == due
        );
        if (reread is { IsOpen: true })
            return false;
        if (await log.ClaimAsync(settings.Id, owner, TimeSpan.FromMinutes(5), cancellationToken) is not { } claim)
            return false;
        try
        {
            var differences = await DifferencesAsync(settings, coarse, due, claim.Now, cancellationToken);
            if (differences.Count > 0 && reread is null)
            {
                logger.LogInformation(
                    LogEvents.DayDiffers,
                    "Source {Source}: {Count} hours of series on {Day:yyyy-MM-dd} differ from the provider's own statistic; the "
                        + "day is read again. {First}",
                    settings.Id,
                    differences.Count,
                    due.Start,
                    differences[0]
                );
                await backfills.RequestAsync(settings.Id, ReadKind.Reconcile, due, SourceReader.Step(source.Cadence), cancellationToken);
                await log.ReleaseAsync(claim, cancellationToken);
                return true;
            }
            var message =
                differences.Count == 0
                    ? null
                    : string.Create(
                        CultureInfo.InvariantCulture,
                        $"{differences.Count} hours of series differ from the provider's own statistic, also after a second "
                            + $"reading: "
                            + $"{string.Join("; ", differences.Take(Named))}{(differences.Count > Named ? "; and more" : "")}."
                    );
            await ledger.ComparedAsync(claim, due, message, differences.Count, cancellationToken);
            if (message is null)
                return true;
            Mismatches.WithLabels(settings.Id).Inc(differences.Count);
            logger.LogWarning(LogEvents.DayStillDiffers, "Source {Source}, {Day:yyyy-MM-dd}: {Message}", settings.Id, due.Start, message);
            return true;
        }
        catch (SourceException exception)
        {
            // The samples are there; that the comparison has to wait is no failure of the source.
            logger.LogInformation(
                LogEvents.DayNotCompared,
                "Source {Source}: {Day:yyyy-MM-dd} could not be compared with the provider's own statistic ({Code}): {Message} It "
                    + "is tried again.",
                settings.Id,
                due.Start,
                SnakeCase.Of(exception.Code),
                exception.Message
            );
            await log.ReleaseAsync(claim, cancellationToken);
            return false;
        }
        catch
        {
            await log.ReleaseAsync(claim, CancellationToken.None);
            throw;
        }
    }

    private async Task<List<string>> DifferencesAsync(
        SourceSettings settings,
        ICoarseStatistics coarse,
        Interval day,
        DateTime now,
        CancellationToken cancellationToken
    )
    {
        var stored = await ledger.HoursAsync(settings.Id, day, cancellationToken);
        var differences = new List<string>();
        await foreach (var theirs in coarse.CoarseAsync(day, now, cancellationToken))
        {
            var at = string.Create(CultureInfo.InvariantCulture, $"{theirs.Series} from {theirs.Hour:HH:mm}");
            if (!stored.TryGetValue((theirs.Series.Id, theirs.Hour), out var ours))
            {
                if (theirs is { Count: > 0 } or { Count: null, Sum: not null } or { Count: null, Mean: not null })
                    differences.Add($"{at}: nothing is stored");
                continue;
            }
            if (theirs.Count is { } count && count != ours.Count)
                differences.Add(
                    string.Create(CultureInfo.InvariantCulture, $"{at}: {ours.Count} samples are stored and the provider has {count}")
                );
            else if (theirs.Sum is { } sum && Differs(sum, ours.Sum, theirs.Tolerance))
                differences.Add(string.Create(CultureInfo.InvariantCulture, $"{at}: {ours.Sum:R} is stored and the provider has {sum:R}"));
            else if (theirs.Mean is { } mean && Differs(mean, ours.Sum / ours.Count, theirs.Tolerance))
                differences.Add(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{at}: the mean of what is stored is {ours.Sum / ours.Count:R} and the provider has {mean:R}"
                    )
                );
        }
        return differences;
    }

    private static bool Differs(double a, double b, double tolerance) => Math.Abs(a - b) > tolerance * Math.Max(Math.Abs(a), Math.Abs(b));
}
