namespace Metrics.Domain.Quantities;

/// <summary>A half-open span of UTC time: the start belongs to it, the end does not.</summary>
/// <remarks><c>default</c> is the empty interval at the year 1; no other interval is empty.</remarks>
public readonly record struct Interval
{
    /// <summary>An interval from <paramref name="start"/> to a later <paramref name="end"/>, both UTC.</summary>
    /// <exception cref="ArgumentException">A bound is not UTC, or the end is not after the start.</exception>
    public Interval(DateTime start, DateTime end)
    {
        if (start.Kind != DateTimeKind.Utc || end.Kind != DateTimeKind.Utc)
            throw new ArgumentException($"An interval is in UTC; got {start:O} to {end:O}.", nameof(start));
        if (end <= start)
            throw new ArgumentException($"An interval ends after it starts; got {start:O} to {end:O}.", nameof(end));
        Start = start;
        End = end;
    }

    /// <summary>The first instant inside.</summary>
    public DateTime Start { get; }

    /// <summary>The first instant after it.</summary>
    public DateTime End { get; }

    /// <summary>Length.</summary>
    public TimeSpan Length => End - Start;

    /// <summary>Length in seconds.</summary>
    public double Seconds => (End - Start).TotalSeconds;

    /// <summary>Whether the instant lies inside.</summary>
    public bool Contains(DateTime instant) => instant >= Start && instant < End;

    /// <inheritdoc/>
    public override string ToString() => $"[{Start:yyyy-MM-ddTHH:mm:ss.FFFFFFF}Z, {End:yyyy-MM-ddTHH:mm:ss.FFFFFFF}Z)";
}
