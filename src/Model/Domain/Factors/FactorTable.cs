using Metrics.Domain.Messages;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Factors;

/// <summary>Factors of places as a table, one a row:
/// <c>kind,place,method,value,low,high,unit,source,licence,retrieved,vintage,from,to,version</c>.</summary>
internal static class FactorTable
{
    public static readonly string[] Columns =
    [
        "kind",
        "place",
        "method",
        "value",
        "low",
        "high",
        "unit",
        "source",
        "licence",
        "retrieved",
        "vintage",
        "from",
        "to",
        "version",
    ];

    private static readonly IReadOnlyDictionary<string, FactorKind> Kinds = SnakeCase.Values<FactorKind>();
    private static readonly IReadOnlyDictionary<string, FactorMethod> Methods = SnakeCase.Values<FactorMethod>();

    public static IReadOnlyList<PlacedFactor> Read(string file, string text, List<string> errors)
    {
        var factors = new List<PlacedFactor>();
        foreach (var row in TableText.Own(file, text, Columns, errors).Rows())
        {
            var before = row.ErrorCount;
            var kind = row.Word("kind", Kinds);
            var place = row.Text("place");
            if (
                place is not null
                && (place.IndexOf('/', StringComparison.Ordinal) is not > 0 || place.EndsWith('/') || place.Any(char.IsWhiteSpace))
            )
                row.AddError(
                    $"place: '{MessageText.Show(place)}' is not a place; write aws/eu-central-1, onprem/dc-1, zone/US-MIDA-PJM "
                        + "or country/DE"
                );
            var method = row.Word("method", Methods);
            if (kind is { } known && method is { } way && (known == FactorKind.GridIntensity) == (way == FactorMethod.Annual))
                row.AddError(
                    $"method: '{row.Cell("method")}' is no way to find a {row.Cell("kind")}; write "
                        + $"{(known == FactorKind.GridIntensity ? "location_average, location_marginal or market_based" : "annual")}"
                );
            var rule = kind is { } of ? FactorKinds.Rules[of] : null;
            var (value, low, high) = rule is null
                ? (null, null, null)
                : (row.Number("value", rule), row.OptionalNumber("low", rule), row.OptionalNumber("high", rule));
            if ((row.Cell("low").Length == 0) != (row.Cell("high").Length == 0))
                row.AddError("low and high: one of them is blank; write both or none");
            if (low > value || value > high || low > high)
                row.AddError($"value: {row.Cell("value")} does not lie between low {row.Cell("low")} and high {row.Cell("high")}");
            var unit = row.Text("unit");
            if (unit is not null && kind is { } measured && unit != FactorKinds.UnitOf(measured))
                row.AddError(
                    $"unit: '{MessageText.Show(unit)}' is not the unit of a {row.Cell("kind")}; convert the value to "
                        + $"{FactorKinds.UnitOf(measured)}"
                );
            var (source, licence, retrieved, vintage) = (
                row.Text("source"),
                row.Text("licence"),
                row.Day("retrieved"),
                row.Year("vintage")
            );
            if (row.Cell("from").Length == 0)
                row.AddError("from: is blank; write the first day that the factor is used for");
            var (from, to, version) = (row.Day("from"), row.Day("to"), row.Version("version"));
            if (to <= from)
                row.AddError(
                    $"to: {row.Cell("to")} is not after the {row.Cell("from")} of from; write the first day that the factor is "
                        + "no longer used for, or leave it blank"
                );
            if (row.ErrorCount > before)
                continue;

            factors.Add(
                new PlacedFactor(
                    row.At,
                    new Factor
                    {
                        Kind = kind!.Value,
                        Place = place!,
                        Method = method!.Value,
                        Value = value!.Value,
                        Range = low is { } least && high is { } most ? new Quantities.Bounds(least, most) : null,
                        Source = source!,
                        Licence = licence!,
                        Retrieved = retrieved,
                        Vintage = vintage,
                        From = from!.Value,
                        To = to,
                        Version = version!,
                    }
                )
            );
        }
        return factors;
    }

    public static IReadOnlyList<Factor> Published(string name)
    {
        var errors = new List<string>();
        var factors = Read(name, TableText.Published(name), errors);
        return errors.Count == 0 ? [.. factors.Select(placed => placed.Factor)] : throw new FactorException(errors);
    }
}

/// <summary>A factor, and where it was read: <c>mine.csv: line 7</c>.</summary>
public sealed record PlacedFactor(string At, Factor Factor)
{
    /// <summary>Every two factors that hold for one kind, place, method and day, in words that name both places.</summary>
    public static IEnumerable<string> Overlaps(IEnumerable<PlacedFactor> factors)
    {
        foreach (var same in factors.GroupBy(placed => (placed.Factor.Kind, placed.Factor.Method, placed.Factor.Place)))
        {
            var ordered = same.OrderBy(placed => placed.Factor.From).ToArray();
            for (var i = 1; i < ordered.Length; i++)
            {
                var (earlier, later) = (ordered[i - 1].Factor, ordered[i].Factor);
                if (earlier.From == later.From || earlier.To > later.From)
                    yield return $"{ordered[i].At}: {later.Name} holds on {later.From:yyyy-MM-dd}, as does {earlier.Name} of "
                        + $"{ordered[i - 1].At}; end one before the other begins, or keep one";
            }
        }
    }
}

/// <summary>Regions as a table: <c>name,country,zone</c>.</summary>
internal static class RegionTable
{
    public static readonly string[] Columns = ["name", "country", "zone"];

    public static IReadOnlyList<Region> Read(string file, string text, List<string> errors)
    {
        var regions = new List<Region>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var row in TableText.Own(file, text, Columns, errors).Rows())
        {
            var before = row.ErrorCount;
            var name = row.Text("name");
            if (name is not null && name.Split('/') is not [{ Length: > 0 }, { Length: > 0 }])
                row.AddError($"name: '{MessageText.Show(name)}' is not provider/region; write it as aws/eu-central-1");
            var country = row.Text("country");
            if (country is not null && !Region.IsCountry(country))
                row.AddError($"country: '{MessageText.Show(country)}' is not a two-letter code of ISO 3166-1; write it as DE");
            if (name is not null && !names.Add(name))
                row.AddError($"name: '{MessageText.Show(name)}' is given twice; keep one");
            if (row.ErrorCount == before)
                regions.Add(new Region(name!, country, row.OptionalText("zone")));
        }
        return regions;
    }

    public static IReadOnlyList<Region> Published(string name)
    {
        var errors = new List<string>();
        var regions = Read(name, TableText.Published(name), errors);
        return errors.Count == 0 ? regions : throw new FactorException(errors);
    }
}
