using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Factors;

/// <summary>What a factor tells of a place.</summary>
public enum FactorKind
{
    /// <summary>Power usage effectiveness: facility energy over IT energy, at least 1. Unit: 1.</summary>
    Pue = 0,

    /// <summary>Water usage effectiveness: litres of the site for each kilowatt-hour of IT energy. Unit: L/kWh. Source: ISO/IEC 30134-9.</summary>
    Wue = 1,

    /// <summary>Emissions of the electricity of a place. Unit: g/kWh of CO2 equivalents.</summary>
    GridIntensity = 2,
}

/// <summary>How a factor was found. Values of different methods are answers to different questions and are never added or averaged.</summary>
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

/// <summary>A published number that is not measured here: its value, and all that must be known to believe it.</summary>
public sealed record Factor
{
    /// <summary>What it tells.</summary>
    public required FactorKind Kind { get; init; }

    /// <summary>Of which place: <c>aws/eu-central-1</c>, <c>zone/DE</c> (a zone of the grid) or <c>country/DE</c>.</summary>
    public required string Place { get; init; }

    /// <summary>How it was found.</summary>
    public required FactorMethod Method { get; init; }

    /// <summary>The value, in <see cref="Unit"/>.</summary>
    public required double Value { get; init; }

    /// <summary>Between what the value lies; null when its source does not say.</summary>
    public Bounds? Range { get; init; }

    /// <summary>Who published it, where.</summary>
    public required string Source { get; init; }

    /// <summary>SPDX identifier, or another short name.</summary>
    public required string Licence { get; init; }

    /// <summary>The day it was taken from the source; null when unknown.</summary>
    public DateOnly? Retrieved { get; init; }

    /// <summary>The year that the number is of; null when its source does not say. Not the year that it is used for.</summary>
    public int? Vintage { get; init; }

    /// <summary>First day that it is used for.</summary>
    public required DateOnly From { get; init; }

    /// <summary>First day that it is no longer used for; null: until a later one of the same kind, place and method begins.</summary>
    public DateOnly? To { get; init; }

    /// <summary>The edition that it came with, in lower-case letters, digits, dots and hyphens: <c>ember-2025</c>, <c>config</c>.</summary>
    public required string Version { get; init; }

    /// <summary>Unit of <see cref="Value"/>.</summary>
    public string Unit => UnitOf(Kind);

    /// <summary>How a result names it, without blanks: <c>grid_intensity:country/DE:location_average@ember-2025</c>.</summary>
    public string Name =>
        $"{Word(Kind.ToString())}:{Place}{(Method == FactorMethod.Annual ? "" : $":{Word(Method.ToString())}")}@{Version}";

    /// <summary>Key derived from everything that a result depends on: another value is another factor.</summary>
    public long Id => Identity.Of("factor", Name, Text($"{Value:R} {Range?.Low:R} {Range?.High:R} {From:yyyy-MM-dd} {To:yyyy-MM-dd}"));

    /// <summary>Unit of the values of a kind.</summary>
    public static string UnitOf(FactorKind kind) =>
        kind switch
        {
            FactorKind.Pue => "1",
            FactorKind.Wue => "L/kWh",
            _ => "g/kWh",
        };

    /// <summary>What is wrong with a value of a kind and what to do, or null when it can be.</summary>
    public static string? Fault(FactorKind kind, double value)
    {
        var rule = FactorTable.Rules[kind];
        return rule.Allows(value) ? null : Text($"{value}{rule.Unit} is not {rule.Range}; {rule.Hint}");
    }

    /// <summary>A name of an enumeration as the API writes it: <c>grid_intensity</c>.</summary>
    public static string Word(string name) =>
        string.Concat(
            name.Select(
                (letter, at) =>
                    char.IsAsciiLetterUpper(letter) ? $"{(at == 0 ? "" : "_")}{char.ToLowerInvariant(letter)}" : letter.ToString()
            )
        );

    private static string Text(FormattableString text) => text.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
