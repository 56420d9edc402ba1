using Metrics.Domain.Quantities;

namespace Metrics.Domain.Factors;

/// <summary>Power of hardware as a straight line: idle + utilisation x (max - idle). Energy made by it is
/// <see cref="Evidence.Modelled"/>.</summary>
/// <remarks>Source of the model: Cloud Carbon Footprint, and SPECpower, whose curves it draws straight. For a curve with more points see
/// <see cref="PowerCurve"/>.</remarks>
public sealed record PowerRange
{
    /// <summary>Power at rest and at full load.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A power is not finite or negative, the maximum is zero, or rest draws more than full
    /// load.</exception>
    public PowerRange(Power idle, Power max)
    {
        if (idle.Watts is not (>= 0 and < double.PositiveInfinity))
            throw new ArgumentOutOfRangeException(nameof(idle), idle, "Idle power is finite and not negative.");
        if (max.Watts is not (> 0 and < double.PositiveInfinity))
            throw new ArgumentOutOfRangeException(nameof(max), max, "Power at full load is finite and above zero.");
        if (idle.Watts > max.Watts)
            throw new ArgumentOutOfRangeException(nameof(idle), idle, $"Idle power is at most the {max.Watts} W of full load.");
        Idle = idle;
        Max = max;
    }

    /// <summary>Power at rest.</summary>
    public Power Idle { get; }

    /// <summary>Power at full load.</summary>
    public Power Max { get; }

    /// <summary>Power at a utilisation from 0 to 1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The utilisation is not from 0 to 1; 180 % is an error of measurement, not a
    /// load.</exception>
    public Power At(double utilisation) =>
        utilisation is >= 0 and <= 1
            ? Power.FromWatts(Idle.Watts + utilisation * (Max.Watts - Idle.Watts))
            : throw new ArgumentOutOfRangeException(
                nameof(utilisation),
                utilisation,
                "A utilisation lies from 0 to 1; percent are divided by 100 first."
            );

    /// <summary>The same hardware with the power limit that it reports as enforced: full load is that limit, whatever a table
    /// says.</summary>
    /// <param name="enforced">The limit; null when none is reported, and then the table stands.</param>
    /// <exception cref="ArgumentOutOfRangeException">The limit is not finite, zero, or below idle power: then the limit or the table is of
    /// other hardware.</exception>
    public PowerRange Under(Power? enforced)
    {
        if (enforced is not { } limit)
            return this;
        return limit.Watts is > 0 and < double.PositiveInfinity && limit.Watts >= Idle.Watts
            ? new PowerRange(Idle, limit)
            : throw new ArgumentOutOfRangeException(
                nameof(enforced),
                enforced,
                $"An enforced power limit is at least the {Idle.Watts} W of idle power."
            );
    }
}
