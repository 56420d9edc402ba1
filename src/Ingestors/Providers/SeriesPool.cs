using Metrics.Domain.Messages;
using Metrics.Domain.Observations;

namespace Metrics.Ingestors.Providers;

/// <summary>A series that a reader keeps, and the number of the read that last brought it.</summary>
public sealed class PooledSeries(Series series)
{
    /// <summary>The one instance of the series.</summary>
    public Series Series { get; } = series;

    /// <summary>Number of the last read that brought it.</summary>
    public int LastRead { get; set; }

    /// <summary>True once the pool let it go: whoever holds it must ask again.</summary>
    public bool Released { get; set; }
}

/// <summary>The series of one source, one instance each, never more than a limit.</summary>
/// <remarks>When it is full, series that neither this read nor the one before brought make room. Those of the last read stay, whatever new
/// ones come.</remarks>
/// <param name="source">Id of the source.</param>
/// <param name="capacity">Most series held.</param>
public sealed class SeriesPool(string source, int capacity) : IDisposable
{
    /// <summary>Most labels of a series.</summary>
    public const int MostLabels = 64;

    /// <summary>Longest name of a metric or label, in characters.</summary>
    public const int LongestName = 256;

    /// <summary>Longest value of a label, in characters.</summary>
    public const int LongestValue = 4096;

    private readonly Dictionary<Key, PooledSeries> held = [];
    private readonly SemaphoreSlim turn = new(1);
    private bool swept;
    private string? firstLeftOut;
    private long leftOut;

    private readonly record struct Key(string Provider, string Metric, Labels Labels, Statistic Statistic, TimeSpan Period);

    /// <summary>Number of the read going on.</summary>
    public int Read { get; private set; }

    /// <summary>Series held.</summary>
    public int Count => held.Count;

    /// <summary>Most series held.</summary>
    public int Capacity => capacity;

    /// <inheritdoc/>
    public void Dispose() => turn.Dispose();

    /// <summary>Begins a read once no other of the source goes on. It ends when what is returned is disposed.</summary>
    public async Task<IDisposable> BeginReadAsync(CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken);
        StartRead();
        return new Turn(turn);
    }

    private sealed class Turn(SemaphoreSlim turn) : IDisposable
    {
        public void Dispose() => turn.Release();
    }

    /// <summary>Begins a read of which the caller knows that it is the only one.</summary>
    public void StartRead()
    {
        Read++;
        swept = false;
        firstLeftOut = null;
        leftOut = 0;
    }

    /// <summary>The series with this name and these labels; null when it was refused, and then <paramref name="batch"/> has the
    /// reason.</summary>
    /// <remarks>A refusal of a series has no instant: it is one thing however often it is read.</remarks>
    public PooledSeries? Intern(
        string provider,
        string metric,
        IReadOnlyList<KeyValuePair<string, string>> labels,
        ObservationBatch batch,
        string? place = null,
        Statistic statistic = Statistic.Raw,
        TimeSpan period = default
    )
    {
        if (Validate(metric, labels) is var (reason, detail))
        {
            batch.Reject(place ?? Shorten(metric), null, reason, detail);
            return null;
        }
        Labels set;
        try
        {
            set = Labels.Of(labels);
        }
        catch (FormatException exception)
        {
            batch.Reject(place ?? metric, null, RejectionReason.Malformed, $"{exception.Message} Give each label once.");
            return null;
        }
        var key = new Key(provider, metric, set, statistic, period);
        if (held.TryGetValue(key, out var known))
            return known;
        if (held.Count >= capacity && !swept)
            Sweep();
        if (held.Count >= capacity)
        {
            firstLeftOut ??= metric;
            leftOut++;
            return null;
        }
        var added = new PooledSeries(new Series(source, provider, metric, set, statistic, period));
        held.Add(key, added);
        return added;
    }

    /// <summary>Tells the answer, once a read, that series were left out, and which label is to blame.</summary>
    public void ReportLeftOut(ObservationBatch batch)
    {
        if (leftOut == 0)
            return;
        var values = new Dictionary<string, HashSet<string>>(StringComparer.Ordinal);
        foreach (var series in held.Values)
        foreach (var (name, value) in series.Series.Labels.Pairs)
        {
            if (!values.TryGetValue(name, out var seen))
                values.Add(name, seen = new HashSet<string>(StringComparer.Ordinal));
            seen.Add(value);
        }
        var worst = values
            .OrderByDescending(label => label.Value.Count)
            .ThenBy(label => label.Key, StringComparer.Ordinal)
            .FirstOrDefault();
        var blame = worst.Key is null ? "" : $" The label '{worst.Key}' has the most values ({worst.Value.Count}).";
        batch.Reject(
            firstLeftOut!,
            null,
            RejectionReason.LimitExceeded,
            $"The source has more than {capacity} series; {leftOut} new ones were left out, known ones go on.{blame} Drop that "
                + $"label at the source, select less, or raise MaxSeries."
        );
        firstLeftOut = null;
        leftOut = 0;
    }

    /// <summary>What <see cref="ReportLeftOut"/> tells, as pages; none when nothing was left out.</summary>
    public IEnumerable<Page> LeftOutPages()
    {
        var batch = new ObservationBatch(source);
        ReportLeftOut(batch);
        return batch.Pages();
    }

    private void Sweep()
    {
        swept = true;
        foreach (var (key, series) in held)
            if (series.LastRead < Read - 1)
            {
                series.Released = true;
                held.Remove(key);
            }
    }

    private static (RejectionReason Reason, string Detail)? Validate(string metric, IReadOnlyList<KeyValuePair<string, string>> labels)
    {
        if (metric.Length is 0 or > LongestName)
            return (RejectionReason.LimitExceeded, $"The metric's name has {metric.Length} characters; 1 to {LongestName} are allowed.");
        if (metric.Contains('\0', StringComparison.Ordinal))
            return (RejectionReason.Malformed, "The metric's name holds a NUL character. Remove it at the source.");
        if (labels.Count > MostLabels)
            return (
                RejectionReason.LimitExceeded,
                $"The series has {labels.Count} labels; at most {MostLabels} are allowed. Drop labels at the source."
            );
        foreach (var (name, value) in labels)
        {
            if (name.Length is 0 or > LongestName)
                return (
                    RejectionReason.LimitExceeded,
                    $"The label name '{Shorten(name)}' has {name.Length} characters; 1 to {LongestName} are allowed."
                );
            if (value.Length > LongestValue)
                return (
                    RejectionReason.LimitExceeded,
                    $"The value of label '{name}' has {value.Length} characters; at most {LongestValue} are allowed. Shorten or "
                        + $"drop the label at the source."
                );
            if (name.Contains('\0', StringComparison.Ordinal) || value.Contains('\0', StringComparison.Ordinal))
                return (
                    RejectionReason.Malformed,
                    $"The label '{Shorten(name.Replace('\0', ' '))}' holds a NUL character. Remove it at the source."
                );
        }
        return null;
    }

    private static string Shorten(string text) => Spelling.Shorten(text, 100);
}
