namespace Metrics.Domain.Quantities;

/// <summary>An amount of water.</summary>
/// <remarks>Unit: litres, as a double. <c>default</c> is no water, which is a measurement: absence is <c>Water?</c>.</remarks>
public readonly record struct Water(double Litres) : IComparable<Water>
{
    /// <inheritdoc/>
    public int CompareTo(Water other) => Litres.CompareTo(other.Litres);

    /// <summary>The sum of two amounts.</summary>
    public static Water operator +(Water left, Water right) => new(left.Litres + right.Litres);

    /// <summary>The difference of two amounts.</summary>
    public static Water operator -(Water left, Water right) => new(left.Litres - right.Litres);

    /// <summary>An amount scaled by a dimensionless factor, for instance a share.</summary>
    public static Water operator *(Water water, double factor) => new(water.Litres * factor);

    /// <summary>Whether the left amount is the smaller one.</summary>
    public static bool operator <(Water left, Water right) => left.Litres < right.Litres;

    /// <summary>Whether the left amount is the larger one.</summary>
    public static bool operator >(Water left, Water right) => left.Litres > right.Litres;

    /// <summary>Whether the left amount is not the larger one.</summary>
    public static bool operator <=(Water left, Water right) => left.Litres <= right.Litres;

    /// <summary>Whether the left amount is not the smaller one.</summary>
    public static bool operator >=(Water left, Water right) => left.Litres >= right.Litres;
}
