namespace Metrics.Ingestors.Providers.Prometheus;

/// <summary>The catalogue's metrics as a server may hold them: by their own name, or as a native histogram whose sum or count they
/// are.</summary>
internal sealed class WantedMetrics
{
    private readonly HashSet<string> metrics;
    private readonly Dictionary<string, (string? Sum, string? Count)> histograms = new(StringComparer.Ordinal);

    public WantedMetrics(IEnumerable<string> metrics)
    {
        this.metrics = metrics.ToHashSet(StringComparer.Ordinal);
        // A native histogram x holds what the classic one tells as x_sum and x_count: the same two counters.
        foreach (var metric in this.metrics)
            if (metric.EndsWith("_sum", StringComparison.Ordinal) && metric.Length > 4)
                histograms[metric[..^4]] = (metric, histograms.GetValueOrDefault(metric[..^4]).Count);
            else if (metric.EndsWith("_count", StringComparison.Ordinal) && metric.Length > 6)
                histograms[metric[..^6]] = (histograms.GetValueOrDefault(metric[..^6]).Sum, metric);
    }

    /// <summary>The metrics by their own names, in order.</summary>
    public List<string> All => [.. metrics.Order(StringComparer.Ordinal)];

    /// <summary>Whether the server is to be asked for the name.</summary>
    public bool Asks(string name) => metrics.Contains(name) || histograms.ContainsKey(name);

    /// <summary>Whether plain samples of the name are wanted.</summary>
    public bool Has(string name) => metrics.Contains(name);

    /// <summary>The metrics that a native histogram of the name stands for.</summary>
    public (string? Sum, string? Count) OfHistogram(string name) => histograms.GetValueOrDefault(name);
}
