namespace Metrics.Domain.Observations;

/// <summary>One value of a series, verbatim, in the provider's unit.</summary>
/// <param name="Start">UTC, to the microsecond. Equal to <paramref name="End"/> for an instant.</param>
/// <param name="End">UTC, to the microsecond.</param>
/// <param name="Value">The value in the unit that the mapping names.</param>
/// <remarks><c>default</c> is zero at the year 1, which <c>Admission</c> refuses.</remarks>
public readonly record struct Sample(DateTime Start, DateTime End, double Value)
{
    /// <summary>A value at an instant.</summary>
    public static Sample At(DateTime instant, double value) => new(instant, instant, value);
}

/// <summary>What a source said: a sample of a series.</summary>
/// <remarks><c>default</c> has no series and is no observation.</remarks>
public readonly record struct Observation(Series Series, Sample Sample);

/// <summary>The samples of one series, ordered by start, without two at the same start.</summary>
public sealed record SeriesSamples(Series Series, ReadOnlyMemory<Sample> Samples)
{
    /// <summary>The samples that start from <paramref name="first"/> to <paramref name="last"/>, both ends included. Copies
    /// nothing.</summary>
    public SeriesSamples Between(DateTime first, DateTime last)
    {
        var from = Before(first);
        return new SeriesSamples(Series, Samples[from..Math.Max(from, Before(last.AddTicks(1)))]);
    }

    /// <summary>How many samples start before the instant.</summary>
    private int Before(DateTime instant)
    {
        var (low, high) = (0, Samples.Length);
        var samples = Samples.Span;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (samples[middle].Start < instant)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }
}
