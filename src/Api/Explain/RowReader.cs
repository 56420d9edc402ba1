using System.Globalization;
using Metrics.Api.Comparing;
using Metrics.Storage.Schema;

namespace Metrics.Api.Explain;

/// <summary>Reads stored rows as /odata tells them. One connection, one consistent view.</summary>
internal sealed class RowReader(MetricsDbContext context) : StoreView(context)
{
    /// <summary>The row, by the names of its columns; null when there is none.</summary>
    public async Task<IReadOnlyDictionary<string, object?>?> RowAsync(ExplainRequest question, CancellationToken cancellationToken) =>
        (
            await RowsAsync(
                $"""SELECT * FROM "{question.Set}" WHERE "DeploymentId" = @deployment AND "{(question.ResourceId is null ? "FunctionalUnit" : "ResourceId")}" = @other AND "PeriodStart" = @start""",
                cancellationToken,
                ("deployment", question.DeploymentId),
                ("other", question.ResourceId is { } resource ? resource : question.FunctionalUnit!),
                ("start", Bound(question.PeriodStart))
            )
        ).FirstOrDefault();

    /// <summary>The rows of the deployment's hours in a period, in the order of time and unit.</summary>
    public Task<List<IReadOnlyDictionary<string, object?>>> HoursAsync(
        long deployment,
        DateTime from,
        DateTime to,
        CancellationToken cancellationToken
    ) =>
        RowsAsync(
            """SELECT * FROM "HourlyIntensities" WHERE "DeploymentId" = @deployment AND "PeriodStart" >= @from AND "PeriodStart" < @to ORDER BY "PeriodStart", "FunctionalUnit" """,
            cancellationToken,
            ("deployment", deployment),
            ("from", Bound(from)),
            ("to", Bound(to))
        );

    /// <summary>Whether an hour of the period waits to be made again.</summary>
    public async Task<bool> IsDirtyAsync(DateTime from, DateTime to, CancellationToken cancellationToken)
    {
        await using var command = Command(
            "SELECT COUNT(*) FROM dirty_hours WHERE hour >= @from AND hour < @to",
            ("from", Bound(from)),
            ("to", Bound(to))
        );
        return Convert.ToInt64(await command.ExecuteScalarAsync(cancellationToken), CultureInfo.InvariantCulture) > 0;
    }

    private async Task<List<IReadOnlyDictionary<string, object?>>> RowsAsync(
        string sql,
        CancellationToken cancellationToken,
        params (string Name, object Value)[] parameters
    )
    {
        await using var command = Command(sql, parameters);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<IReadOnlyDictionary<string, object?>>();
        while (await reader.ReadAsync(cancellationToken))
        {
            var row = new Dictionary<string, object?>(reader.FieldCount, StringComparer.Ordinal);
            for (var i = 0; i < reader.FieldCount; i++)
                row[reader.GetName(i)] = reader.IsDBNull(i) ? null : ToJson(reader.GetName(i), reader.GetValue(i));
            rows.Add(row);
        }
        return rows;
    }

    // Keys have more digits than a JSON number keeps everywhere; SQLite keeps times as numbers.
    private static object ToJson(string name, object value) =>
        (name, value) switch
        {
            (_, long number) when name.EndsWith("Id", StringComparison.Ordinal) => number.ToString(CultureInfo.InvariantCulture),
            ("PeriodStart" or "PeriodEnd" or "RecomputedAt", long micros) => UnixMicroseconds.To(micros),
            (_, DateTime time) => DateTime.SpecifyKind(time, DateTimeKind.Utc),
            (_, DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            _ => value,
        };
}
