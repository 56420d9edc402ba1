namespace Metrics.Api.Reports;

/// <summary>Section <c>Metrics:Reports</c>.</summary>
public sealed class ReportSettings
{
    /// <summary>Where files are kept until they are fetched; a folder of its own below the machine's temporary one when left out.</summary>
    public string? Folder { get; set; }

    /// <summary>How long files are kept.</summary>
    public TimeSpan Keep { get; set; } = TimeSpan.FromHours(24);

    /// <summary>How long a request waits for its report before it is told where to fetch it.</summary>
    public TimeSpan Wait { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>Reports that are made at once; others wait for them.</summary>
    public int Concurrency { get; set; } = 2;

    /// <summary>Sentences on what cannot be used.</summary>
    internal IEnumerable<string> Errors()
    {
        if (Keep < TimeSpan.FromMinutes(1))
            yield return $"Metrics:Reports:Keep: {Keep} is less than a minute; whoever asked could not fetch anything.";
        if (Wait < TimeSpan.Zero || Wait > TimeSpan.FromMinutes(5))
            yield return $"Metrics:Reports:Wait: {Wait} is not from 0 to 5 minutes.";
        if (Concurrency is < 1 or > 64)
            yield return $"Metrics:Reports:Concurrency: {Concurrency} is not from 1 to 64.";
    }
}
