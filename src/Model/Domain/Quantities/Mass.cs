namespace Metrics.Domain.Quantities;

/// <summary>A mass of emissions, in CO2 equivalents. Differences may be negative.</summary>
/// <remarks>Unit: grams, as a double. <c>default</c> is no emissions, which is a measurement: absence is <c>Mass?</c>.</remarks>
public readonly record struct Mass(double Grams) : IComparable<Mass>
{
    /// <summary>Mass in kilograms.</summary>
    public double Kilograms => Grams / 1e3;

    /// <summary>A mass given in kilograms, as Google and Azure report.</summary>
    public static Mass FromKilograms(double kilograms) => new(kilograms * 1e3);

    /// <inheritdoc/>
    public int CompareTo(Mass other) => Grams.CompareTo(other.Grams);

    /// <summary>The sum of two masses.</summary>
    public static Mass operator +(Mass left, Mass right) => new(left.Grams + right.Grams);

    /// <summary>The difference of two masses.</summary>
    public static Mass operator -(Mass left, Mass right) => new(left.Grams - right.Grams);

    /// <summary>A mass scaled by a dimensionless factor, for instance a share.</summary>
    public static Mass operator *(Mass mass, double factor) => new(mass.Grams * factor);

    /// <summary>Whether the left mass is the smaller one.</summary>
    public static bool operator <(Mass left, Mass right) => left.Grams < right.Grams;

    /// <summary>Whether the left mass is the larger one.</summary>
    public static bool operator >(Mass left, Mass right) => left.Grams > right.Grams;

    /// <summary>Whether the left mass is not the larger one.</summary>
    public static bool operator <=(Mass left, Mass right) => left.Grams <= right.Grams;

    /// <summary>Whether the left mass is not the smaller one.</summary>
    public static bool operator >=(Mass left, Mass right) => left.Grams >= right.Grams;
}
