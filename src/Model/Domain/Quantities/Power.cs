namespace Metrics.Domain.Quantities;

/// <summary>A rate of energy.</summary>
/// <remarks>Unit: watts, as a double. <c>default</c> is no power.</remarks>
public readonly record struct Power(double Watts)
{
    /// <summary>A rate given in watts.</summary>
    public static Power FromWatts(double watts) => new(watts);

    /// <summary>The energy of this power held for a time.</summary>
    /// <param name="seconds">How long, in seconds: a double, because some recordings are finer than the ticks of a
    /// <see cref="TimeSpan"/>.</param>
    public Energy Over(double seconds) => new(Watts * seconds);
}
