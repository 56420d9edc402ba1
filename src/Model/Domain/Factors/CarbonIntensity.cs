using Metrics.Domain.Quantities;

namespace Metrics.Domain.Factors;

/// <summary>Emissions for each unit of electric energy: I of the SCI equation.</summary>
/// <remarks>Unit: grams of CO2 equivalents per kilowatt-hour, at least 0. <c>default</c> is electricity without emissions; absence is <c>CarbonIntensity?</c>.</remarks>
public readonly record struct CarbonIntensity(double GramsPerKilowattHour)
{
    /// <summary>An intensity given in pounds per megawatt-hour, as WattTime reports.</summary>
    public static CarbonIntensity FromPoundsPerMegawattHour(double pounds) => new(Mass.FromPounds(pounds).Grams / 1000);

    /// <summary>An intensity given in kilograms per kilowatt-hour, as EcoLogits and CodeCarbon publish.</summary>
    public static CarbonIntensity FromKilogramsPerKilowattHour(double kilograms) => new(Mass.FromKilograms(kilograms).Grams);

    /// <summary>An intensity given in metric tons per kilowatt-hour, as Cloud Carbon Footprint publishes.</summary>
    public static CarbonIntensity FromTonnesPerKilowattHour(double tonnes) => new(Mass.FromTonnes(tonnes).Grams);

    /// <summary>The intensity of a mix: each source's by its share of the energy.</summary>
    /// <param name="mix">Share of the energy, from 0 to 1, and intensity of each source.</param>
    /// <exception cref="ArgumentException">A share is negative, or the shares do not sum to one (within 1e-6).</exception>
    public static CarbonIntensity OfMix(params ReadOnlySpan<(double Share, CarbonIntensity Intensity)> mix)
    {
        double shares = 0,
            grams = 0;
        foreach (var (share, intensity) in mix)
        {
            if (!(share >= 0))
                throw new ArgumentException($"A share of a mix is not negative; got {share}.", nameof(mix));
            shares += share;
            grams += share * intensity.GramsPerKilowattHour;
        }
        return Math.Abs(shares - 1) <= 1e-6
            ? new CarbonIntensity(grams)
            : throw new ArgumentException(
                $"The shares of a mix sum to one; got {shares}. Name the rest as a source of its own.",
                nameof(mix)
            );
    }

    /// <summary>Operational emissions of the energy: O = E x I.</summary>
    public Mass Of(Energy energy) => new(energy.KilowattHours * GramsPerKilowattHour);
}
