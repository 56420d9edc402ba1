using Metrics.Domain.Facts;
using Metrics.Domain.Quantities;

namespace Metrics.Reference;

/// <summary>Energy in two parts by how busy the hardware was: the part that the load is given, and the part that was drawn for being
/// there.</summary>
/// <param name="Active">Energy x busy ratio.</param>
/// <param name="Idle">The rest; both sum to the whole.</param>
/// <remarks><c>default</c> is no energy split into nothing. Source: the rule by which Kepler divides a node's counter.</remarks>
public readonly record struct IdleSplit(Energy Active, Energy Idle)
{
    /// <summary>Both parts.</summary>
    public Energy Whole => Active + Idle;

    /// <summary>The energy that counts under a policy.</summary>
    /// <remarks>By the product's own rule (<see cref="Ratios.ActiveJoulesPerUnit"/>), of one unit, so that published cases told in this
    /// form guard it.</remarks>
    public Energy Under(IdlePolicy policy)
    {
        if (policy != IdlePolicy.ActiveOnly)
            return Whole;
        var (whole, idle) = (Whole.Joules, Idle.Joules);
        var hour = OneHour.Of(1, (Measures.Facility, whole), (Measures.Server, whole), (Measures.Idle, idle));
        return Energy.FromJoules(hour[Ratios.ActiveJoulesPerUnit] ?? 0);
    }

    /// <summary>Splits energy by the share of time that the hardware was busy.</summary>
    /// <param name="energy">The whole.</param>
    /// <param name="busy">From 0 to 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The ratio is not from 0 to 1.</exception>
    public static IdleSplit Of(Energy energy, double busy)
    {
        if (!(busy is >= 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(busy), busy, "A busy ratio lies from 0 to 1.");
        var active = energy * busy;
        return new IdleSplit(active, energy - active);
    }
}
