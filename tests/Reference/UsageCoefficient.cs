using Metrics.Domain.Quantities;

namespace Metrics.Reference;

/// <summary>Energy for an amount of a use that a bill counts and no meter shows: gigabytes moved, gigabyte-hours kept, vCPU-hours without a
/// server.</summary>
/// <remarks>
/// IT energy: neither replication nor PUE is in it. Evidence of energy made by it is <see cref="Evidence.Estimated"/>.
/// The unit is compared, so that a coefficient for terabyte-hours never meets an amount in gigabyte-hours.
/// </remarks>
public sealed record UsageCoefficient
{
    /// <summary>A coefficient from energy and the amount that took it: a published factor, or energy and amount of a use that is
    /// known.</summary>
    /// <param name="energy">Energy; finite, not negative.</param>
    /// <param name="amount">Amount of the use that took it; finite, above zero.</param>
    /// <param name="unit">What the amount is counted in, for instance <c>GB.h</c>.</param>
    /// <exception cref="ArgumentException">The energy, the amount or the unit is missing or out of range.</exception>
    public UsageCoefficient(Energy energy, double amount, string unit)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(unit);
        if (energy.Joules is not (>= 0 and < double.PositiveInfinity))
            throw new ArgumentOutOfRangeException(nameof(energy), energy, "Energy of a use is finite and not negative.");
        if (amount is not (> 0 and < double.PositiveInfinity))
            throw new ArgumentOutOfRangeException(nameof(amount), amount, "A coefficient is energy for an amount above zero.");
        Energy = energy;
        Amount = amount;
        Unit = unit;
    }

    /// <summary>Energy of the amount.</summary>
    public Energy Energy { get; }

    /// <summary>Amount that took the energy.</summary>
    public double Amount { get; }

    /// <summary>What the amount is counted in.</summary>
    public string Unit { get; }

    /// <summary>Memory: 0.000392 kWh for each gigabyte-hour. Source: Cloud Carbon Footprint 2024 (Apache-2.0), for memory beyond what the
    /// CPU's figure holds.</summary>
    public static UsageCoefficient Memory { get; } = new(Energy.FromKilowattHours(0.000392), 1, "GB.h");

    /// <summary>Solid state disks: 1.2 Wh for each terabyte-hour. Source: Cloud Carbon Footprint 2024 (Apache-2.0).</summary>
    public static UsageCoefficient SolidStateDisk { get; } = new(Energy.FromKilowattHours(0.0012), 1, "TB.h");

    /// <summary>Hard disks: 0.65 Wh for each terabyte-hour. Source: Cloud Carbon Footprint 2024 (Apache-2.0).</summary>
    public static UsageCoefficient HardDisk { get; } = new(Energy.FromKilowattHours(0.00065), 1, "TB.h");

    /// <summary>Network between data centres: 0.001 kWh for each gigabyte. Source: Cloud Carbon Footprint 2024 (Apache-2.0).</summary>
    public static UsageCoefficient Network { get; } = new(Energy.FromKilowattHours(0.001), 1, "GB");

    /// <summary>IT energy of an amount of the use.</summary>
    /// <param name="amount">Finite, not negative.</param>
    /// <param name="unit">What it is counted in: the coefficient's own unit.</param>
    /// <exception cref="ArgumentException">The unit is another one, or the amount is out of range.</exception>
    public Energy Of(double amount, string unit)
    {
        if (!string.Equals(unit, Unit, StringComparison.Ordinal))
            throw new ArgumentException($"The coefficient is for {Unit}; got an amount in {unit}. Convert the amount first.", nameof(unit));
        if (amount is not (>= 0 and < double.PositiveInfinity))
            throw new ArgumentOutOfRangeException(nameof(amount), amount, "An amount of use is finite and not negative.");
        return Energy * (amount / Amount);
    }
}
