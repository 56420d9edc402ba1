namespace Metrics.Domain.Quantities;

/// <summary>An amount of energy. Finite and never negative where it comes from a meter; differences may be negative.</summary>
/// <remarks>Unit: joules, as a double. <c>default</c> is no energy, which is a measurement: absence is <c>Energy?</c>.</remarks>
public readonly record struct Energy(double Joules) : IComparable<Energy>
{
    /// <summary>Joules in one kilowatt-hour, exactly.</summary>
    public const double JoulesPerKilowattHour = 1000d * 3600d;

    /// <summary>Energy in kilowatt-hours.</summary>
    public double KilowattHours => Joules / JoulesPerKilowattHour;

    /// <summary>An amount given in joules.</summary>
    public static Energy FromJoules(double joules) => new(joules);

    /// <summary>An amount given in kilowatt-hours.</summary>
    public static Energy FromKilowattHours(double kilowattHours) => new(kilowattHours * JoulesPerKilowattHour);

    /// <inheritdoc/>
    public int CompareTo(Energy other) => Joules.CompareTo(other.Joules);

    /// <summary>The sum of two amounts.</summary>
    public static Energy operator +(Energy left, Energy right) => new(left.Joules + right.Joules);

    /// <summary>The difference of two amounts.</summary>
    public static Energy operator -(Energy left, Energy right) => new(left.Joules - right.Joules);

    /// <summary>An amount scaled by a dimensionless factor, for instance a PUE.</summary>
    public static Energy operator *(Energy energy, double factor) => new(energy.Joules * factor);

    /// <summary>Whether the left amount is the smaller one.</summary>
    public static bool operator <(Energy left, Energy right) => left.Joules < right.Joules;

    /// <summary>Whether the left amount is the larger one.</summary>
    public static bool operator >(Energy left, Energy right) => left.Joules > right.Joules;

    /// <summary>Whether the left amount is not the larger one.</summary>
    public static bool operator <=(Energy left, Energy right) => left.Joules <= right.Joules;

    /// <summary>Whether the left amount is not the smaller one.</summary>
    public static bool operator >=(Energy left, Energy right) => left.Joules >= right.Joules;
}
