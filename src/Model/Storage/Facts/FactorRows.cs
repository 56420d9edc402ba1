using System.Globalization;
using Metrics.Domain.Factors;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Storage.Schema.Tables;

namespace Metrics.Storage.Facts;

/// <summary>What a factor tells, without when.</summary>
internal sealed record FactorContent(string Name, double Value, double? Low, double? High);

/// <summary>A factor in use and the days that it holds for.</summary>
internal sealed record FactorSpan(long Id, FactorContent Content, DateOnly? From, DateOnly? To);

/// <summary>Factors as rows, and the days on which two sets of them differ. Pure.</summary>
internal static class FactorRows
{
    /// <summary>The rows of a book and of the PUE of configured places. A row holds until the next of its kind, place and method
    /// begins.</summary>
    public static List<FactorRow> Of(FactorBook book, IReadOnlyList<Place> places)
    {
        var rows = new Dictionary<long, FactorRow>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (factor, until) in book.Spans)
            Add(factor, until);
        foreach (var place in places)
        {
            if (place.Pue is not { } pue)
                continue;
            var factor = new Factor
            {
                Kind = FactorKind.Pue,
                Place = place.Name,
                Method = FactorMethod.Annual,
                Value = pue,
                Source = $"Metrics:Places:{place.Name}:Pue",
                Licence = "",
                From = DateOnly.MinValue,
                Version = "config",
            };
            if (!names.Contains(factor.Name))
                Add(factor, null);
        }
        return [.. rows.Values];

        void Add(Factor factor, DateOnly? until)
        {
            names.Add(factor.Name);
            // One and the same factor may lie in two layers of a book.
            if (rows.TryAdd(factor.Id, Row(factor, until)))
                return;
            var row = rows[factor.Id];
            row.ValidTo =
                row.ValidTo is null || until is null ? null
                : until > row.ValidTo ? until
                : row.ValidTo;
        }
    }

    /// <summary>The days on which a factor holds in one set and not in the other, as intervals that do not touch, in order.</summary>
    public static List<(DateOnly From, DateOnly To)> Changed(IReadOnlyList<FactorSpan> before, IReadOnlyList<FactorRow> after)
    {
        var spans = new Dictionary<FactorContent, (List<(DateOnly From, DateOnly To)> Old, List<(DateOnly From, DateOnly To)> New)>();
        foreach (var span in before)
            Of(span.Content).Old.Add((span.From ?? DateOnly.MinValue, span.To ?? DateOnly.MaxValue));
        foreach (var row in after)
            Of(new(row.Name, row.Value, row.Low, row.High)).New.Add((row.ValidFrom ?? DateOnly.MinValue, row.ValidTo ?? DateOnly.MaxValue));
        return Union(spans.Values.SelectMany(span => Difference(Union(span.Old), Union(span.New))));

        (List<(DateOnly, DateOnly)> Old, List<(DateOnly, DateOnly)> New) Of(FactorContent content)
        {
            if (!spans.TryGetValue(content, out var both))
                spans[content] = both = ([], []);
            return both;
        }
    }

    private static FactorRow Row(Factor factor, DateOnly? until) =>
        new()
        {
            Id = factor.Id,
            Name = factor.Name,
            Kind = SnakeCase.Of(factor.Kind),
            Place = factor.Place,
            Method = SnakeCase.Of(factor.Method),
            Value = factor.Value,
            Low = factor.Range?.Low,
            High = factor.Range?.High,
            Unit = factor.Unit,
            Source = factor.Source,
            Licence = factor.Licence.Length == 0 ? null : factor.Licence,
            Retrieved = factor.Retrieved,
            Vintage = factor.Vintage?.ToString(CultureInfo.InvariantCulture),
            ValidFrom = factor.From == DateOnly.MinValue ? null : factor.From,
            ValidTo = until,
            Version = factor.Version,
        };

    private static List<(DateOnly From, DateOnly To)> Union(IEnumerable<(DateOnly From, DateOnly To)> spans)
    {
        var union = new List<(DateOnly From, DateOnly To)>();
        foreach (var span in spans.Where(span => span.From < span.To).Order())
        {
            if (union.Count > 0 && span.From <= union[^1].To)
                union[^1] = (union[^1].From, span.To > union[^1].To ? span.To : union[^1].To);
            else
                union.Add(span);
        }
        return union;
    }

    /// <summary>The days in one of two unions and not in both: between two edges next to each other, either all days are or none.</summary>
    private static IEnumerable<(DateOnly From, DateOnly To)> Difference(
        List<(DateOnly From, DateOnly To)> a,
        List<(DateOnly From, DateOnly To)> b
    )
    {
        var edges = a.Concat(b).SelectMany(span => new[] { span.From, span.To }).Distinct().Order().ToList();
        for (var i = 1; i < edges.Count; i++)
            if (Holds(a, edges[i - 1]) != Holds(b, edges[i - 1]))
                yield return (edges[i - 1], edges[i]);

        static bool Holds(List<(DateOnly From, DateOnly To)> spans, DateOnly day) =>
            spans.Exists(span => span.From <= day && day < span.To);
    }
}
