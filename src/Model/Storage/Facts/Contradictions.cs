using System.Globalization;
using Metrics.Domain.Facts;
using Metrics.Storage.Engine;

namespace Metrics.Storage.Facts;

/// <summary>What was found in the rows of one set.</summary>
/// <param name="Set">The entity set: <c>EnergyFacts</c>, <c>HourlyIntensities</c> or <c>DailyIntensities</c>.</param>
/// <param name="Count">How many rows contradict themselves.</param>
/// <param name="Examples">The newest of them: the key and what is wrong.</param>
public sealed record RowFindings(string Set, long Count, IReadOnlyList<string> Examples);

/// <summary>Looks for stored rows that contradict themselves: a narrower boundary above a wider one, a number outside its bounds. Whatever
/// made them, nobody should find them first in a chart.</summary>
public sealed class Contradictions
{
    private const string Mark = "rows_checked";

    private const int MostExamples = 5;

    /// <summary>How long ago the period of a row may be: what is older is not looked at again when it is restated.</summary>
    public static readonly TimeSpan Reach = TimeSpan.FromDays(35);

    private static readonly (string Set, string Table, string[] Key, MeasureHolders Holder, IReadOnlyList<Order> Orders)[] Sets =
    [
        ("EnergyFacts", "energy_facts", ["deployment_id", "resource_id", "period_start"], MeasureHolders.Facts, Orders.OfFacts),
        (
            "HourlyIntensities",
            "intensity_hours",
            ["deployment_id", "functional_unit", "period_start"],
            MeasureHolders.Periods,
            Orders.OfPeriods
        ),
        (
            "DailyIntensities",
            "intensity_days",
            ["deployment_id", "functional_unit", "period_start"],
            MeasureHolders.Periods,
            Orders.OfPeriods
        ),
    ];

    private readonly Database database;

    internal Contradictions(Database database) => this.database = database;

    /// <summary>Looks at the rows that changed since the last time it did, and keeps the time.</summary>
    /// <returns>A finding a set, those without a fault too.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<IReadOnlyList<RowFindings>> FindAsync(CancellationToken cancellationToken) =>
        await database.TransactAsync(
            async (session, token) =>
            {
                var now = await session.NowAsync(token);
                var before = await session.QueryAsync(
                    "SELECT value FROM settings WHERE name = @name",
                    [("name", Mark)],
                    row => DateTime.Parse(row.Text(0), CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind),
                    token
                );
                var since = before is [var time] && time > now - Reach ? time : now - Reach;
                var findings = new List<RowFindings>();
                foreach (var (set, table, key, holder, orders) in Sets)
                    findings.Add(await FindAsync(session, set, table, key, holder, orders, since, now, token));
                await session.ExecuteAsync(
                    "INSERT INTO settings (name, value) VALUES (@name, @value) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                    [("name", Mark), ("value", now.ToString("O", CultureInfo.InvariantCulture))],
                    token
                );
                return findings;
            },
            cancellationToken
        );

    private static async Task<RowFindings> FindAsync(
        Session session,
        string set,
        string table,
        string[] key,
        MeasureHolders holder,
        IReadOnlyList<Order> orders,
        DateTime since,
        DateTime now,
        CancellationToken cancellationToken
    )
    {
        Measure[] measures = [.. Measures.HeldBy(holder)];
        var broken = string.Join(" OR ", orders.Select(order => $"({order.ToSql(measure => measure.Column)})"));
        var rows = await session.QueryAsync(
            $"""
            SELECT COUNT(*) OVER (), {string.Join(", ", key)}, {string.Join(", ", measures.Select(measure => measure.Column))}
            FROM {table}
            WHERE period_start >= @from AND recomputed_at >= @since AND ({broken})
            ORDER BY period_start DESC, {key[0]}, {key[1]}
            LIMIT {MostExamples}
            """,
            [("from", now - Reach), ("since", since)],
            row =>
                (
                    Count: row.Number(0),
                    Key: string.Create(
                        CultureInfo.InvariantCulture,
                        $"DeploymentId={row.Number(1)},{SecondKey(row, key[1])},PeriodStart={row.Time(3):yyyy-MM-ddTHH:mm:ssZ}"
                    ),
                    Values: MeasureValues.Of(measures, at => row.DoubleOrNull(4 + at))
                ),
            cancellationToken
        );
        return new RowFindings(
            set,
            rows is [var first, ..] ? first.Count : 0,
            [
                .. rows.Select(row =>
                    $"{set}({row.Key}): "
                    + string.Join("; ", orders.Where(order => order.IsBroken(row.Values)).Select(order => order.ToText(row.Values)))
                ),
            ]
        );

        static string SecondKey(Row row, string column) =>
            column == "resource_id"
                ? string.Create(CultureInfo.InvariantCulture, $"ResourceId={row.Number(2)}")
                : $"FunctionalUnit='{row.Text(2)}'";
    }
}
