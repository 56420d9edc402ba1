using System.Globalization;

namespace Metrics.Domain.Factors;

/// <summary>What a factor tells of a place.</summary>
public enum FactorKind
{
    /// <summary>Power usage effectiveness: facility energy over IT energy, at least 1. Unit: 1.</summary>
    Pue = 0,

    /// <summary>Water usage effectiveness: litres of the site for each kilowatt-hour of IT energy. Unit: L/kWh. Source: ISO/IEC
    /// 30134-9.</summary>
    Wue = 1,

    /// <summary>Emissions of the electricity of a place. Unit: g/kWh of CO2 equivalents.</summary>
    GridIntensity = 2,
}

/// <summary>How a factor was found. Values of different methods are answers to different questions and are never added or
/// averaged.</summary>
public enum FactorMethod
{
    /// <summary>The mean of a year, for factors that know no other way.</summary>
    Annual = 0,

    /// <summary>Location-based, average of what is generated or used in a grid: the one that the SCI score is made with.</summary>
    LocationAverage = 1,

    /// <summary>Location-based, of the plant that answers to one kilowatt-hour more.</summary>
    LocationMarginal = 2,

    /// <summary>By contracts and certificates. Kept in its own column; never in a score (ISO/IEC 21031).</summary>
    MarketBased = 3,
}

/// <summary>Units and ranges of the kinds of factors.</summary>
public static class FactorKinds
{
    /// <summary>Facility energy over IT energy beyond which a number is a mistake, for instance of percent.</summary>
    private const double MostPue = 10;

    /// <summary>Litres for each kilowatt-hour beyond which a number is a mistake.</summary>
    private const double MostLitres = 20;

    /// <summary>Grams for each kilowatt-hour beyond which a number is a mistake, for instance of a megawatt-hour. Burning lignite makes
    /// some 1,200.</summary>
    private const double MostGrams = 2_000;

    /// <summary>What the value of a kind may be.</summary>
    internal static readonly IReadOnlyDictionary<FactorKind, NumberRule> Rules = new Dictionary<FactorKind, NumberRule>
    {
        [FactorKind.Pue] = new(1, MostPue, "", "write facility energy over IT energy", "row"),
        [FactorKind.Wue] = new(0, MostLitres, " L/kWh", "write the litres for a kilowatt-hour of IT", "row"),
        [FactorKind.GridIntensity] = new(0, MostGrams, " g/kWh", "write the grams for a kilowatt-hour", "row"),
    };

    /// <summary>Unit of the values of a kind.</summary>
    public static string UnitOf(FactorKind kind) =>
        kind switch
        {
            FactorKind.Pue => "1",
            FactorKind.Wue => "L/kWh",
            _ => "g/kWh",
        };

    /// <summary>What is wrong with a value of a kind and what to do, or null when it can be.</summary>
    public static string? ErrorOf(FactorKind kind, double value)
    {
        var rule = Rules[kind];
        return rule.Allows(value)
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"{value}{rule.Unit} is not {rule.Range}; {rule.Hint}");
    }
}
