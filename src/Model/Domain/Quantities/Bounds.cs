namespace Metrics.Domain.Quantities;

/// <summary>A number that is known to lie between two, both included.</summary>
/// <remarks><c>default</c> is exactly zero.</remarks>
public readonly record struct Bounds
{
    /// <summary>Bounds of a number.</summary>
    /// <exception cref="ArgumentException">A bound is not finite, or the low one is above the high one.</exception>
    public Bounds(double low, double high)
    {
        if (!double.IsFinite(low) || !double.IsFinite(high) || low > high)
            throw new ArgumentException($"Bounds are two finite numbers, the low one first; got {low} to {high}.", nameof(low));
        Low = low;
        High = high;
    }

    /// <summary>The least it can be.</summary>
    public double Low { get; }

    /// <summary>The most it can be.</summary>
    public double High { get; }

    /// <summary>Whether both are the same number.</summary>
    public bool IsExact => Low == High;

    /// <summary>A number that is known.</summary>
    public static Bounds Exactly(double value) => new(value, value);
}
