namespace Metrics.Domain.Quantities;

/// <summary>A rate of energy.</summary>
/// <remarks>Unit: watts, as a double. <c>default</c> is no power.</remarks>
public readonly record struct Power(double Watts)
{
    /// <summary>A rate given in watts.</summary>
    public static Power FromWatts(double watts) => new(watts);

    /// <summary>The energy of this power held over the interval.</summary>
    public Energy Over(Interval interval) => new(Watts * interval.Seconds);

    /// <summary>The energy of this power held for a time.</summary>
    /// <param name="seconds">How long, in seconds: a double, because some recordings are finer than the ticks of a <see cref="TimeSpan"/>.</param>
    public Energy Over(double seconds) => new(Watts * seconds);

    /// <summary>The mean power of energy over a time.</summary>
    /// <param name="energy">Energy of the whole time.</param>
    /// <param name="seconds">The time; longer than zero.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no time to take a mean over.</exception>
    public static Power Mean(Energy energy, double seconds) =>
        seconds is > 0 and < double.PositiveInfinity
            ? new Power(energy.Joules / seconds)
            : throw new ArgumentOutOfRangeException(nameof(seconds), seconds, "A mean power needs a time longer than zero.");

    /// <summary>The energy under a straight line from this power at the interval's start to <paramref name="atEnd"/> at its end.</summary>
    public Energy To(Power atEnd, Interval interval) => new((Watts + atEnd.Watts) / 2 * interval.Seconds);
}
