using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Quantities;

namespace Metrics.Reference;

/// <summary>A Software Carbon Intensity: <c>SCI = (O + M) per R</c>, with O = E x I.</summary>
/// <param name="Operational">Emissions of the energy used (O).</param>
/// <param name="Embodied">Emissions of the hardware reserved (M).</param>
/// <param name="Units">Functional units done (R); not negative.</param>
/// <remarks>
/// The ratio is the product's own (<see cref="Ratios.SciGramsPerUnit"/>), so that published cases told in this form guard it.
/// The parts are kept and the score is made from them, so that scores of periods are joined by <see cref="operator +"/> as
/// a sum over a sum, never as a mean of scores. Source: ISO/IEC 21031:2024.
/// </remarks>
public sealed record Sci(Mass Operational, Mass Embodied, double Units)
{
    /// <summary>The reason of a score that does not exist because no functional unit was done.</summary>
    public const string ZeroFunctionalUnits = "zero_functional_units";

    /// <summary>Functional units done (R).</summary>
    public double Units { get; } =
        Units is >= 0 and < double.PositiveInfinity
            ? Units
            : throw new ArgumentOutOfRangeException(nameof(Units), Units, "Functional units are a finite count, not negative.");

    /// <summary>All emissions (C = O + M); they exist whether or not anything was done.</summary>
    public Mass Carbon => Operational + Embodied;

    /// <summary>Grams for each functional unit; null when none was done.</summary>
    public double? GramsPerUnit =>
        OneHour.Of(Units, (Measures.Facility, 1), (Measures.Operational, Operational.Grams), (Measures.Embodied, Embodied.Grams))[
            Ratios.SciGramsPerUnit
        ];

    /// <summary>Grams for so many functional units, as scores of tokens are told for a thousand or a million; null when none was
    /// done.</summary>
    public double? GramsPer(double units) => GramsPerUnit * units;

    /// <summary>Why there is no score; null when there is one.</summary>
    public string? NullReason => Units > 0 ? null : ZeroFunctionalUnits;

    /// <summary>A score from energy and the intensity of its grid.</summary>
    public static Sci Of(Energy energy, CarbonIntensity grid, Mass embodied, double units) => new(grid.Of(energy), embodied, units);

    /// <summary>The score of both together, in the same functional unit.</summary>
    public static Sci operator +(Sci left, Sci right) =>
        new(left.Operational + right.Operational, left.Embodied + right.Embodied, left.Units + right.Units);
}
