using Metrics.Domain.Factors;
using Metrics.Domain.Quantities;

namespace Metrics.Reference;

/// <summary>Amounts in the units that publishers of factors and other tools use; the product itself reads units by its mappings and
/// tables.</summary>
public static class PublishedUnits
{
    /// <summary>Grams in one avoirdupois pound, exactly (international yard and pound agreement of 1959).</summary>
    public const double GramsPerPound = 453.59237;

    extension(Mass)
    {
        /// <summary>No emissions.</summary>
        public static Mass Zero => default;

        /// <summary>A mass given in grams.</summary>
        public static Mass FromGrams(double grams) => new(grams);

        /// <summary>A mass given in metric tons (MTCO2e), as AWS reports.</summary>
        public static Mass FromTonnes(double tonnes) => new(tonnes * 1e6);

        /// <summary>A mass given in pounds, as WattTime reports.</summary>
        public static Mass FromPounds(double pounds) => new(pounds * GramsPerPound);
    }

    extension(Mass mass)
    {
        /// <summary>Mass in metric tons.</summary>
        public double Tonnes => mass.Grams / 1e6;

        /// <summary>The relative change since an earlier mass: 1 is twice as much, -0.5 is half. Null when the earlier one was
        /// nothing.</summary>
        public double? ChangeSince(Mass earlier) => earlier.Grams == 0 ? null : (mass.Grams - earlier.Grams) / earlier.Grams;
    }

    extension(Power)
    {
        /// <summary>The mean power of energy over a time.</summary>
        /// <param name="energy">Energy of the whole time.</param>
        /// <param name="seconds">The time; longer than zero.</param>
        /// <exception cref="ArgumentOutOfRangeException">There is no time to take a mean over.</exception>
        public static Power Mean(Energy energy, double seconds) =>
            seconds is > 0 and < double.PositiveInfinity
                ? new Power(energy.Joules / seconds)
                : throw new ArgumentOutOfRangeException(nameof(seconds), seconds, "A mean power needs a time longer than zero.");
    }

    extension(Unit)
    {
        /// <summary>The unit with this symbol, compared exactly: <c>mW</c> is not <c>MW</c>.</summary>
        /// <exception cref="FormatException">The symbol is not in <c>units.json</c>.</exception>
        public static Unit Parse(string symbol) =>
            Unit.Known.TryGetValue(symbol, out var unit)
                ? unit
                : throw new FormatException(
                    $"'{symbol}' is not a known unit. Known are: {string.Join(", ", Unit.Known.Keys.Order(StringComparer.Ordinal))}."
                );
    }

    extension(ModelSize)
    {
        /// <summary>A model whose parameters are known and all active.</summary>
        public static ModelSize Dense(double parameters) => new(Bounds.Exactly(parameters), Bounds.Exactly(parameters));
    }

    extension(Water)
    {
        /// <summary>An amount given in litres.</summary>
        public static Water FromLitres(double litres) => new(litres);

        /// <summary>An amount given in millilitres.</summary>
        public static Water FromMillilitres(double millilitres) => new(millilitres / 1e3);

        /// <summary>An amount given in cubic metres, as AWS reports withdrawals.</summary>
        public static Water FromCubicMetres(double cubicMetres) => new(cubicMetres * 1e3);
    }

    extension(CarbonIntensity)
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
    }
}

/// <summary>Amounts of energy as tests write them.</summary>
public static class EnergyUnits
{
    extension(Energy)
    {
        /// <summary>No energy.</summary>
        public static Energy Zero => default;

        /// <summary>An amount given in a unit of <c>units.json</c>.</summary>
        /// <exception cref="ArgumentException">The unit measures something else: power is not energy, however alike W and Wh
        /// look.</exception>
        public static Energy From(double value, Unit unit) =>
            unit.Quantity == Quantity.Energy
                ? new Energy(unit.ToCanonical(value))
                : throw new ArgumentException(
                    $"{unit.Symbol} ({unit.Description}) measures {unit.Quantity}, not Energy; give joules, watt-hours or "
                        + "another unit of energy.",
                    nameof(unit)
                );
    }
}

/// <summary>What is in a book of factors.</summary>
public static class FactorBooks
{
    extension(FactorBook book)
    {
        /// <summary>Every factor, the operator's included, by name and first day.</summary>
        public IReadOnlyList<Factor> All => [.. book.Spans.Select(span => span.Factor)];
    }
}
