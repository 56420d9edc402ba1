namespace Metrics.Domain.Observations;

/// <summary>One value of a series, verbatim, in the provider's unit.</summary>
/// <param name="Start">UTC, to the microsecond. Equal to <paramref name="End"/> for an instant.</param>
/// <param name="End">UTC, to the microsecond.</param>
/// <param name="Value">The value in the unit that the mapping names.</param>
public readonly record struct Sample(DateTime Start, DateTime End, double Value)
{
    /// <summary>A value at an instant.</summary>
    public static Sample At(DateTime instant, double value) => new(instant, instant, value);
}

/// <summary>What a source said: a sample of a series.</summary>
public readonly record struct Observation(Series Series, Sample Sample);

/// <summary>The samples of one series, ordered by start, without two at the same start.</summary>
public sealed record SeriesSamples(Series Series, ReadOnlyMemory<Sample> Samples);
