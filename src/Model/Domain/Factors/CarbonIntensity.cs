using Metrics.Domain.Quantities;

namespace Metrics.Domain.Factors;

/// <summary>Emissions for each unit of electric energy: I of the SCI equation.</summary>
/// <remarks>Unit: grams of CO2 equivalents per kilowatt-hour, at least 0. <c>default</c> is electricity without emissions; absence is
/// <c>CarbonIntensity?</c>.</remarks>
public readonly record struct CarbonIntensity(double GramsPerKilowattHour)
{
    /// <summary>Operational emissions of the energy: O = E x I.</summary>
    public Mass Of(Energy energy) => new(energy.KilowattHours * GramsPerKilowattHour);

    /// <summary>Between what it lies, in grams per kilowatt-hour; null when its source does not say: it is then taken as it is.</summary>
    public Bounds? Range { get; init; }

    /// <summary>The least that the emissions of an energy can be.</summary>
    public Mass LeastOf(Energy energy) => new(energy.KilowattHours * (Range?.Low ?? GramsPerKilowattHour));

    /// <summary>The most that the emissions of an energy can be.</summary>
    public Mass MostOf(Energy energy) => new(energy.KilowattHours * (Range?.High ?? GramsPerKilowattHour));
}
