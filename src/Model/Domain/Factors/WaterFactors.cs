using Metrics.Domain.Quantities;

namespace Metrics.Domain.Factors;

/// <summary>Water for each unit of energy: what cools a site, and what generating its electricity takes elsewhere.</summary>
/// <param name="OnSite">Water usage effectiveness (WUE): litres used by the site for each kilowatt-hour of its IT, at least 0.</param>
/// <param name="Generation">Litres for each kilowatt-hour of electricity generated, at least 0; null when unknown, and then the whole is
/// unknown.</param>
/// <remarks>
/// WUE is defined on IT energy (ISO/IEC 30134-9), so PUE never multiplies it. Electricity is drawn by the whole facility, so
/// PUE multiplies the generation, once: <c>E(IT) x (WUE + PUE x generation)</c>. EcoLogits' code and SPRUCE multiply the
/// site's water by PUE too, which counts the overhead twice.
/// </remarks>
public sealed record WaterFactors(double OnSite, double? Generation)
{
    /// <summary>Litres used by the site for each kilowatt-hour of its IT.</summary>
    public double OnSite { get; } = NotNegative(OnSite, nameof(OnSite));

    /// <summary>Litres for each kilowatt-hour of electricity generated; null when unknown.</summary>
    public double? Generation { get; } = Generation is { } known ? NotNegative(known, nameof(Generation)) : null;

    /// <summary>Water used by the site.</summary>
    /// <param name="it">IT energy: servers, without the facility's overhead.</param>
    public Water OnSiteOf(Energy it) => new(it.KilowattHours * OnSite);

    /// <summary>Water of the site and of the generation of its electricity; null when the PUE or the water of generation is
    /// unknown.</summary>
    /// <param name="it">IT energy: servers, without the facility's overhead.</param>
    /// <param name="pue">Facility energy over IT energy, at least 1; null when unknown.</param>
    /// <exception cref="ArgumentOutOfRangeException">The PUE is below 1 or not finite.</exception>
    public Water? Of(Energy it, double? pue)
    {
        if (pue is not (null or (>= 1 and < double.PositiveInfinity)))
            throw new ArgumentOutOfRangeException(
                nameof(pue),
                pue,
                "A PUE is facility energy over IT energy and so at least 1; leave it out when it is unknown."
            );
        return OnSite + pue * Generation is { } litres ? new Water(it.KilowattHours * litres) : null;
    }

    private static double NotNegative(double litres, string name) =>
        litres is >= 0 and < double.PositiveInfinity
            ? litres
            : throw new ArgumentOutOfRangeException(
                name,
                litres,
                "Litres for each kilowatt-hour are finite and not negative; leave an unknown factor out."
            );
}
