using System.Globalization;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Factors;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Storage.Engine;
using Metrics.Storage.Schema.Tables;
using NpgsqlTypes;

namespace Metrics.Storage.Facts;

/// <summary>What a factor tells, without when.</summary>
internal sealed record FactorContent(string Name, double Value, double? Low, double? High);

/// <summary>A factor in use and the days that it holds for.</summary>
internal sealed record FactorSpan(long Id, FactorContent Content, DateOnly? From, DateOnly? To);

/// <summary>Factors as rows, the days on which two sets of them differ, and keeping them.</summary>
internal static class FactorRows
{
    // Power models are the mappings'.
    private const string IdlePower = "idle_power",
        MaxPower = "max_power";

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
            if (Factor.OfPue(place) is { } pue && !names.Contains(pue.Name))
                Add(pue with { Source = $"Metrics:Places:{place.Name}:Pue" }, null);
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

    /// <summary>Keeps rows, and ends those in use that are not among them.</summary>
    /// <returns>The days on which another factor holds than before.</returns>
    public static async Task<List<(DateOnly From, DateOnly To)>> ReplaceAsync(
        Session session,
        List<FactorRow> rows,
        CancellationToken cancellationToken
    )
    {
        var inUse = await session.QueryAsync(
            $"""
            SELECT id, name, value, low, high, valid_from, valid_to FROM factor
            WHERE superseded_at IS NULL AND kind NOT IN ('{IdlePower}', '{MaxPower}')
            """,
            [],
            row => new FactorSpan(
                row.Number(0),
                new(row.Text(1), row.Double(2), row.DoubleOrNull(3), row.DoubleOrNull(4)),
                row.DateOrNull(5),
                row.DateOrNull(6)
            ),
            cancellationToken
        );
        await Table.UpsertAsync(session, rows, cancellationToken);
        var now = await session.NowAsync(cancellationToken);
        var kept = rows.Select(row => row.Id).ToHashSet();
        foreach (var gone in inUse.Where(row => !kept.Contains(row.Id)).Chunk(10_000))
        {
            var (among, ids) = session.Among(gone.Select(row => row.Id));
            await session.ExecuteAsync($"UPDATE factor SET superseded_at = @now WHERE id {among}", [("now", now), ids], cancellationToken);
        }
        return Changed(inUse, rows);
    }

    /// <summary>Keeps the power models of mappings.</summary>
    public static async Task UpsertAsync(Session session, IReadOnlyList<MetricMapping> mappings, CancellationToken cancellationToken)
    {
        var factors = new List<FactorRow>();
        foreach (var mapping in mappings)
        {
            if (mapping.Power is not { } power)
                continue;
            var version = mapping.Version.ToString(CultureInfo.InvariantCulture);
            factors.Add(Watts(IdlePower, power.IdleWatts));
            factors.Add(Watts(MaxPower, power.MaxWatts));

            FactorRow Watts(string kind, double watts) =>
                new()
                {
                    Id = Identity.Of("factor", kind, mapping.Id, version),
                    Name = $"{kind}:{mapping.Id}@{version}",
                    Kind = kind,
                    Method = mapping.Id,
                    Value = watts,
                    Unit = "W",
                    Source = power.Reference,
                    Version = version,
                };
        }
        await Table.UpsertAsync(session, factors, cancellationToken);
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

    private static readonly RowSet<FactorRow> Table = new(
        "factor",
        ["id"],
        [
            Column.Of("id", NpgsqlDbType.Bigint, (FactorRow row) => row.Id),
            Column.Of("name", NpgsqlDbType.Text, (FactorRow row) => row.Name),
            Column.Of("kind", NpgsqlDbType.Text, (FactorRow row) => row.Kind),
            Column.Of("place", NpgsqlDbType.Text, (FactorRow row) => row.Place),
            Column.Of("method", NpgsqlDbType.Text, (FactorRow row) => row.Method),
            Column.Of("value", NpgsqlDbType.Double, (FactorRow row) => row.Value),
            Column.Of("low", NpgsqlDbType.Double, (FactorRow row) => row.Low),
            Column.Of("high", NpgsqlDbType.Double, (FactorRow row) => row.High),
            Column.Of("unit", NpgsqlDbType.Text, (FactorRow row) => row.Unit),
            Column.Of("source", NpgsqlDbType.Text, (FactorRow row) => row.Source),
            Column.Of("licence", NpgsqlDbType.Text, (FactorRow row) => row.Licence),
            Column.Of("retrieved", NpgsqlDbType.Date, (FactorRow row) => row.Retrieved),
            Column.Of("vintage", NpgsqlDbType.Text, (FactorRow row) => row.Vintage),
            Column.Of("valid_from", NpgsqlDbType.Date, (FactorRow row) => row.ValidFrom),
            Column.Of("valid_to", NpgsqlDbType.Date, (FactorRow row) => row.ValidTo),
            Column.Of("version", NpgsqlDbType.Text, (FactorRow row) => row.Version),
            Column.Of("superseded_at", NpgsqlDbType.TimestampTz, (FactorRow row) => row.SupersededAt),
        ]
    );
}
