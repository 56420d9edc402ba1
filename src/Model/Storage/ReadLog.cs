using Metrics.Domain.Observations;

namespace Metrics.Storage;

/// <summary>The right to read one source until the lease ends.</summary>
/// <param name="Source">Id of the source.</param>
/// <param name="Epoch">Fence: a commit with another epoch than the stored one is refused.</param>
/// <param name="Watermark">Everything before it has been read at least once; null before the first read.</param>
/// <param name="Cursor">Position text of the reader; null before the first read.</param>
/// <param name="RegisteredAt">When the source was first known.</param>
/// <param name="Now">The database's clock at the claim.</param>
public sealed record Claim(string Source, long Epoch, DateTime? Watermark, string? Cursor, DateTime RegisteredAt, DateTime Now);

/// <summary>What one read found.</summary>
public sealed record ReadResult
{
    /// <summary>Admitted observations, in any order, duplicates allowed when equal.</summary>
    public required IReadOnlyList<Observation> Observations { get; init; }

    /// <summary>What was refused.</summary>
    public required IReadOnlyList<Rejection> Rejections { get; init; }

    /// <summary>Start of the window that was asked for.</summary>
    public required DateTime From { get; init; }

    /// <summary>End of the window that was asked for.</summary>
    public required DateTime To { get; init; }

    /// <summary>New watermark; null leaves it where it is.</summary>
    public DateTime? Watermark { get; init; }

    /// <summary>New cursor; null leaves it as it is.</summary>
    public string? Cursor { get; init; }

    /// <summary>Why the read was incomplete; null when it was whole.</summary>
    public string? PartialBecause { get; init; }

    /// <summary>True when more of the same read follows: the claim stays held and no run is closed.</summary>
    public bool Continues { get; init; }
}

/// <summary>How many rows a commit touched.</summary>
/// <param name="Received">Observations given.</param>
/// <param name="Written">Rows inserted or changed; zero when everything was known.</param>
/// <param name="Rejected">Rejections stored.</param>
public sealed record CommitOutcome(long Received, long Written, long Rejected);
public sealed class ReadLog { internal ReadLog(Database d) { } }
