using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;

namespace Metrics.Ingestors.Providers;

/// <summary>A connection to one source of telemetry. It reads; it does not retry, schedule or store.</summary>
public interface ITelemetrySource
{
    /// <summary>How the source wants to be read.</summary>
    Cadence Cadence { get; }

    /// <summary>What the far side's clock showed at its last answer; null where it tells no time or its time means nothing.</summary>
    FarClock? FarClock => null;

    /// <summary>Everything the source has in the window, page by page. An empty answer is no page, never zeros.</summary>
    /// <exception cref="SourceException">The source could not be read; what was yielded before may be kept, the watermark
    /// stays.</exception>
    IAsyncEnumerable<Page> ReadAsync(ReadRequest request, CancellationToken cancellationToken);
}

/// <summary>A look at the clock of the far side.</summary>
/// <param name="Time">What it showed, UTC, in whole seconds.</param>
/// <param name="At">When that was, by <see cref="System.Diagnostics.Stopwatch.GetTimestamp"/>: this host's clock may be the wrong
/// one.</param>
public readonly record struct FarClock(DateTime Time, long At);

/// <summary>How a source wants to be read.</summary>
/// <param name="Settle">Age at which its data no longer changes as a rule.</param>
/// <param name="Overlap">How much before the watermark is read again, for late data.</param>
/// <param name="Lookback">How far before its first registration reading begins.</param>
/// <param name="MaxWindow">Longest window of one read.</param>
public sealed record Cadence(TimeSpan Settle, TimeSpan Overlap, TimeSpan Lookback, TimeSpan MaxWindow)
{
    /// <summary>Time between two reads: the setting, or the provider's default.</summary>
    public TimeSpan Every { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Windows end on multiples of this since midnight, so that no sample of a longer interval lies across two of them; zero:
    /// anywhere.</summary>
    public TimeSpan Align { get; init; }

    /// <summary>How far back everything is read once more each day, for what came or changed later than the overlap; zero: never.</summary>
    public TimeSpan Reread { get; init; }

    /// <summary>Why the source has no past to be read: a sentence. Null when it has.</summary>
    public string? NoPastBecause { get; init; }

    /// <summary>How far back the source can be read at all; null: not known.</summary>
    public TimeSpan? Keeps { get; init; }
}

/// <summary>What to read.</summary>
/// <param name="Window">Half-open, UTC. A source that only knows the present, or reads files, ignores it.</param>
/// <param name="Cursor">What the source's last committed page left as its position; null at first.</param>
/// <param name="RegisteredAt">When the source was first known, on the database's clock.</param>
/// <param name="Now">The database's clock.</param>
public sealed record ReadRequest(Interval Window, string? Cursor, DateTime RegisteredAt, DateTime Now);

/// <summary>A part of an answer.</summary>
/// <param name="Observations">Samples; their metrics may lack a mapping, then they are counted and not stored.</param>
public sealed record Page(IReadOnlyList<Observation> Observations)
{
    /// <summary>Rows or samples that the reader itself had to refuse.</summary>
    public IReadOnlyList<Rejection> Rejections { get; init; } = [];

    /// <summary>Why the answer is known to be incomplete; null when it is whole. An incomplete answer is stored and the watermark
    /// stays.</summary>
    public string? PartialBecause { get; init; }

    /// <summary>Position to remember once this page is committed; null: unchanged.</summary>
    public string? Cursor { get; init; }

    /// <summary>How the source had to be asked otherwise than usual, for the log: sentences, no secret. Null: as usual.</summary>
    public string? Note { get; init; }

    /// <summary>Series that could not be read this time although the rest could. They are asked for again; one that never answers does not
    /// keep the others waiting.</summary>
    public IReadOnlyList<UnreadSeries> Unread { get; init; } = [];
}

/// <summary>A series, or a metric of a resource, that the source did not let be read.</summary>
/// <param name="Subject">What it is, the same text at every read: <c>metric{labels}</c> where the labels are known.</param>
/// <param name="Code">Why.</param>
/// <param name="Message">For people: what the source said and what would mend it. No secret.</param>
public sealed record UnreadSeries(string Subject, SourceErrorCode Code, string Message);

/// <summary>A source that also keeps coarse statistics of its own, against which what was stored can be compared.</summary>
public interface ICoarseStatistics
{
    /// <summary>What the source itself says of whole hours, for the series that <see cref="ITelemetrySource.ReadAsync"/> yields for
    /// them.</summary>
    /// <param name="hours">Whole hours, UTC.</param>
    /// <param name="now">The database's clock.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="SourceException">The source could not be read.</exception>
    IAsyncEnumerable<CoarseStatistic> CoarseAsync(Interval hours, DateTime now, CancellationToken cancellationToken);
}

/// <summary>One hour of one series in the source's own, coarser words. What is null is not compared.</summary>
/// <param name="Series">The series as it is read and stored.</param>
/// <param name="Hour">Start of the hour, UTC.</param>
/// <param name="Sum">Sum of the values of the samples that start in the hour.</param>
/// <param name="Mean">Mean of those values.</param>
/// <param name="Count">Number of those samples.</param>
/// <param name="Tolerance">Largest relative difference of sum and mean that is no mismatch: rounding, or what the source's own statistic
/// cannot tell.</param>
public readonly record struct CoarseStatistic(Series Series, DateTime Hour, double? Sum, double? Mean, long? Count, double Tolerance);

/// <summary>The source could not be read. The message is for people: what was asked, what came back, what to do. No secret, no
/// stack.</summary>
/// <param name="code">Why, for programs.</param>
/// <param name="message">What was asked, what came back, what to do.</param>
/// <param name="inner">What it comes from.</param>
public sealed class SourceException(SourceErrorCode code, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Why.</summary>
    public SourceErrorCode Code { get; } = code;

    /// <summary>How long the source asked to be left alone; null when it did not say.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
