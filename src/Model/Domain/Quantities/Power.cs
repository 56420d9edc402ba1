namespace Metrics.Domain.Quantities;

/// <summary>A rate of energy.</summary>
/// <remarks>Unit: watts, as a double. <c>default</c> is no power.</remarks>
public readonly record struct Power(double Watts)
{
    /// <summary>A rate given in watts.</summary>
    public static Power FromWatts(double watts) => new(watts);

    /// <summary>The energy of this power held over the interval.</summary>
    public Energy Over(Interval interval) => new(Watts * interval.Seconds);

    /// <summary>The energy under a straight line from this power at the interval's start to <paramref name="atEnd"/> at its end.</summary>
    public Energy To(Power atEnd, Interval interval) => new((Watts + atEnd.Watts) / 2 * interval.Seconds);
}
