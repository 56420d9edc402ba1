namespace Metrics.Domain.Quantities;

/// <summary>Energy per functional unit: a sum of energy over a sum of work. Derived, never stored as truth.</summary>
/// <param name="JoulesPerUnit">Joules per functional unit.</param>
/// <param name="FunctionalUnit">What is counted: <c>output-token</c>, <c>request</c> ...</param>
public sealed record EnergyIntensity(double JoulesPerUnit, string FunctionalUnit)
{
    /// <summary>The ratio of the two sums; null when the energy is unknown or no work was done (reason
    /// <c>zero_functional_units</c>).</summary>
    public static EnergyIntensity? Of(Energy? energy, double? units, string functionalUnit) =>
        energy is { } known && units is > 0 ? new EnergyIntensity(known.Joules / units.Value, functionalUnit) : null;
}
