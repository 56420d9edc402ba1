using System.Globalization;
using Metrics.Domain.Factors;
using Metrics.Domain.Messages;

namespace Metrics.Api.Settings;

/// <summary>Section <c>Metrics:Places:{provider/region}</c>.</summary>
public sealed class PlaceSettings
{
    /// <summary>Two-letter country code.</summary>
    public string? Country { get; set; }

    /// <summary>Facility energy over IT energy, at least 1; unknown when not given and not published.</summary>
    public double? Pue { get; set; }

    /// <summary>Litres of the site for each kilowatt-hour of IT energy.</summary>
    public double? Wue { get; set; }

    /// <summary>Grams for each kilowatt-hour of electricity: location-based, average.</summary>
    public double? GridIntensity { get; set; }

    /// <summary>Grams for each kilowatt-hour of electricity: location-based, marginal.</summary>
    public double? MarginalIntensity { get; set; }

    /// <summary>Grams for each kilowatt-hour of electricity by contracts and certificates; never in a score.</summary>
    public double? MarketBasedIntensity { get; set; }

    /// <summary>Zone of the electricity grid, for factors of <c>zone/...</c>.</summary>
    public string? Zone { get; set; }

    /// <summary>The factors that are given here, for every day.</summary>
    internal IEnumerable<Factor> ToFactors(string place)
    {
        foreach (
            var (kind, method, value) in new[]
            {
                (FactorKind.Pue, FactorMethod.Annual, Pue),
                (FactorKind.Wue, FactorMethod.Annual, Wue),
                (FactorKind.GridIntensity, FactorMethod.LocationAverage, GridIntensity),
                (FactorKind.GridIntensity, FactorMethod.LocationMarginal, MarginalIntensity),
                (FactorKind.GridIntensity, FactorMethod.MarketBased, MarketBasedIntensity),
            }
        )
            if (value is { } known)
                yield return new Factor
                {
                    Kind = kind,
                    Place = place,
                    Method = method,
                    Value = known,
                    Source = "configuration",
                    Licence = "operator",
                    From = DateOnly.MinValue,
                    Version = "config",
                };
    }

    /// <summary>Everything wrong with the place, one sentence each.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="published">Regions that are known without the section.</param>
    internal IEnumerable<string> Errors(string name, FactorBook published)
    {
        var at = $"Metrics:Places:{name}";
        if (Pue is { } pue && !(pue is >= 1 and <= 10))
            yield return $"{at}:Pue: {pue.ToString(CultureInfo.InvariantCulture)} cannot be; it is facility energy over IT energy, so at "
                + "least 1 (and below 10).";
        foreach (
            var (key, kind, value) in new[]
            {
                (nameof(Wue), FactorKind.Wue, Wue),
                (nameof(GridIntensity), FactorKind.GridIntensity, GridIntensity),
                (nameof(MarginalIntensity), FactorKind.GridIntensity, MarginalIntensity),
                (nameof(MarketBasedIntensity), FactorKind.GridIntensity, MarketBasedIntensity),
            }
        )
            if (value is { } number && FactorKinds.ErrorOf(kind, number) is { } error)
                yield return $"{at}:{key}: {error}.";
        if (Country is { } country && !Region.IsCountry(country))
            yield return $"{at}:Country: '{country}' is not a two-letter code of ISO 3166-1, such as 'DE'.";
        if (Country is null && Pue is null && IsCloud(name) && published.RegionOf(name) is null)
            yield return $"{at}: is not a region that is known{Spelling.Near(name, published.Regions.Select(region => region.Name))}; mend "
                + "it, or give its Country and Pue.";
    }

    private static bool IsCloud(string place) =>
        FactorBook.Published.Regions.Any(region =>
            place.StartsWith(region.Name[..(region.Name.IndexOf('/', StringComparison.Ordinal) + 1)], StringComparison.Ordinal)
        );
}
