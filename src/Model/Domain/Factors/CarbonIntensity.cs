using Metrics.Domain.Quantities;

namespace Metrics.Domain.Factors;

/// <summary>Emissions for each unit of electric energy: I of the SCI equation.</summary>
/// <remarks>Unit: grams of CO2 equivalents per kilowatt-hour, at least 0. <c>default</c> is electricity without emissions; absence is
/// <c>CarbonIntensity?</c>.</remarks>
public readonly record struct CarbonIntensity(double GramsPerKilowattHour)
{
    /// <summary>Operational emissions of the energy: O = E x I.</summary>
    public Mass Of(Energy energy) => new(energy.KilowattHours * GramsPerKilowattHour);
}
