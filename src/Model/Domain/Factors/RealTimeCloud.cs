using System.Globalization;

namespace Metrics.Domain.Factors;

/// <summary><c>Cloud_Region_Metadata.csv</c> of the Green Software Foundation's Real-Time Cloud project, read as it is.</summary>
/// <remarks>
/// A blank or <c>NA</c> is no factor. A year of a region that the file holds is the only one used for that year: what it leaves blank is
/// not taken from
/// the year before. The last year of a region stays in force. The file repeats numbers of a year in the next one; such a number keeps its
/// first year as vintage.
/// Two rows of a region in one year contradict each other: the one in the country where the region stands counts, or none.
/// The file has no licence for its data, so it is never a part of the product: an operator who may use it gives it.
/// </remarks>
internal static class RealTimeCloud
{
    private const string Average = "grid-carbon-intensity-average-consumption-annual";
    private const string Marginal = "grid-carbon-intensity-marginal-consumption-annual";
    private const string Production = "grid-carbon-intensity-average-production-annual";

    private static readonly string[] Columns =
    [
        "year",
        "cloud-provider",
        "cloud-region",
        "em-zone-id",
        "power-usage-effectiveness",
        "water-usage-effectiveness",
        "provider-carbon-intensity-market-annual",
        Average,
        Marginal,
        Production,
    ];

    private static readonly (string Column, FactorKind Kind, FactorMethod Method)[] Used =
    [
        ("power-usage-effectiveness", FactorKind.Pue, FactorMethod.Annual),
        ("water-usage-effectiveness", FactorKind.Wue, FactorMethod.Annual),
        (Average, FactorKind.GridIntensity, FactorMethod.LocationAverage),
        (Marginal, FactorKind.GridIntensity, FactorMethod.LocationMarginal),
        ("provider-carbon-intensity-market-annual", FactorKind.GridIntensity, FactorMethod.MarketBased),
    ];

    private static readonly Dictionary<string, string> Providers = new(StringComparer.Ordinal)
    {
        ["Amazon Web Services"] = "aws",
        ["Google Cloud"] = "gcp",
        ["Microsoft Azure"] = "azure",
    };

    // Where a number that stands still was seen to be a copy, and not a grid that did not change.
    private static readonly HashSet<(string, string)> Copied =
    [
        ("aws", Average),
        ("aws", Marginal),
        ("gcp", Marginal),
        ("gcp", Production),
    ];

    public static FactorFile Read(string file, string text, List<string> errors)
    {
        var (factors, regions, remarks) = (new List<PlacedFactor>(), new List<Region>(), new List<string>());
        var read = new List<(string Region, int Year, TableRow Row)>();
        foreach (var row in TableText.Foreign(file, text, Columns, errors).Rows())
        {
            var year = row.Year("year");
            if (year is null && row.Cell("year").Length == 0)
                row.AddError("year: is blank; write it");
            if (row.Text("cloud-provider") is { } provider && row.Text("cloud-region") is { } region && year is { } known)
                read.Add(($"{Providers.GetValueOrDefault(provider) ?? Slug(provider)}/{region}", known, row));
        }
        var rows = new Dictionary<(string Region, int Year), TableRow>();
        foreach (var same in read.GroupBy(row => (row.Region, row.Year)))
        {
            var right =
                same.Count() == 1
                    ? same.ToList()
                    :
                    [
                        .. same.Where(row =>
                            Country(row.Row) is { } country && country == FactorBook.Published.RegionOf(same.Key.Region)?.Country
                        ),
                    ];
            if (right.Count == 1)
                rows.Add(same.Key, right[0].Row);
            foreach (var other in same.Except(right.Count == 1 ? right : []))
                remarks.Add(
                    $"{other.Row.At}: {same.Key.Region}: is not used, because {same.Key.Year} has {same.Count()} rows of the "
                        + "region and "
                        + (
                            right.Count == 1
                                ? $"this one does not stand in {Country(right[0].Row)}, as the region does"
                                : "nothing tells which of them is right"
                        )
                );
        }

        foreach (var region in rows.GroupBy(row => row.Key.Region).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            var years = region.OrderBy(row => row.Key.Year).Select(row => (row.Key.Year, Row: row.Value)).ToArray();
            for (var i = 0; i < years.Length; i++)
            {
                foreach (var (column, kind, method) in Used)
                {
                    if (Number(years[i].Row, column, FactorKinds.Rules[kind]) is not { } value)
                        continue;
                    factors.Add(
                        new PlacedFactor(
                            years[i].Row.At,
                            new Factor
                            {
                                Kind = kind,
                                Place = region.Key,
                                Method = method,
                                Value = value,
                                Source = $"Real-Time Cloud: {column}",
                                Licence = "not stated",
                                Vintage = years[Origin(i, column)].Year,
                                From = new DateOnly(years[i].Year, 1, 1),
                                To = i + 1 < years.Length ? new DateOnly(years[i + 1].Year, 1, 1) : null,
                                Version = string.Create(CultureInfo.InvariantCulture, $"rtc-{years[i].Year}"),
                            }
                        )
                    );
                }
                foreach (var column in (string[])[Average, Marginal, Production])
                    if (Origin(i, column) is var origin && origin < i)
                        remarks.Add(
                            $"{years[i].Row.At}: {region.Key}: {column}: {years[i].Row.Cell(column)} of {years[i].Year} "
                                + $"repeats {years[origin].Year}; its vintage is {years[origin].Year}"
                        );
            }
            var zone = years
                .Select(year => Blank(year.Row.Cell("em-zone-id")) ? null : year.Row.Cell("em-zone-id"))
                .LastOrDefault(zone => zone is not null);
            regions.Add(
                new Region(region.Key, years.Select(year => Country(year.Row)).LastOrDefault(country => country is not null), zone)
            );

            // The first year of an unbroken run of years with one number.
            int Origin(int i, string column)
            {
                var provider = region.Key.Split('/')[0];
                while (
                    i > 0
                    && Copied.Contains((provider, column))
                    && years[i - 1].Year == years[i].Year - 1
                    && Value(years[i].Row, column) is { } value
                    && Value(years[i - 1].Row, column) == value
                )
                    i--;
                return i;
            }
        }
        return new FactorFile
        {
            Factors = factors,
            Regions = regions,
            Remarks = remarks,
        };
    }

    private static double? Number(TableRow row, string column, NumberRule rule) =>
        Blank(row.Cell(column)) ? null : row.Number(column, rule);

    private static double? Value(TableRow row, string column) =>
        double.TryParse(row.Cell(column), NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value : null;

    // A zone begins with its country: US-MIDA-PJM.
    private static string? Country(TableRow row) =>
        row.Cell("em-zone-id").Split('-')[0] is var code && Region.IsCountry(code) ? code : null;

    private static bool Blank(string cell) =>
        cell.Length == 0 || cell.Equals("NA", StringComparison.OrdinalIgnoreCase) || cell.Equals("N/A", StringComparison.OrdinalIgnoreCase);

    private static string Slug(string provider) =>
        string.Concat(provider.Select(letter => char.IsAsciiLetterOrDigit(letter) ? char.ToLowerInvariant(letter) : '-'));
}
