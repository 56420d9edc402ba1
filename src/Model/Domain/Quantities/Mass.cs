namespace Metrics.Domain.Quantities;

/// <summary>A mass of emissions, in CO2 equivalents. Differences may be negative.</summary>
/// <remarks>Unit: grams, as a double. <c>default</c> is no emissions, which is a measurement: absence is <c>Mass?</c>.</remarks>
public readonly record struct Mass(double Grams) : IComparable<Mass>
{
    /// <summary>Grams in one avoirdupois pound, exactly (international yard and pound agreement of 1959).</summary>
    public const double GramsPerPound = 453.59237;

    /// <summary>No emissions.</summary>
    public static Mass Zero => default;

    /// <summary>Mass in kilograms.</summary>
    public double Kilograms => Grams / 1e3;

    /// <summary>Mass in metric tons.</summary>
    public double Tonnes => Grams / 1e6;

    /// <summary>A mass given in grams.</summary>
    public static Mass FromGrams(double grams) => new(grams);

    /// <summary>A mass given in kilograms, as Google and Azure report.</summary>
    public static Mass FromKilograms(double kilograms) => new(kilograms * 1e3);

    /// <summary>A mass given in metric tons (MTCO2e), as AWS reports.</summary>
    public static Mass FromTonnes(double tonnes) => new(tonnes * 1e6);

    /// <summary>A mass given in pounds, as WattTime reports.</summary>
    public static Mass FromPounds(double pounds) => new(pounds * GramsPerPound);

    /// <summary>The relative change since an earlier mass: 1 is twice as much, -0.5 is half. Null when the earlier one was nothing.</summary>
    public double? ChangeSince(Mass earlier) => earlier.Grams == 0 ? null : (Grams - earlier.Grams) / earlier.Grams;

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
