using System.Globalization;
using Metrics.Storage.Engine;

namespace Metrics.Storage.Queries;

/// <summary>Single rows of the entity sets, column by column as their views tell them.</summary>
/// <param name="session">What is read with.</param>
public sealed class StoredRows(ReadSession session)
{
    /// <summary>A row of one of the sets of intensities, by the names of its columns; null when there is none.</summary>
    /// <param name="set">Name of the set, which its view has too; never what a client wrote.</param>
    /// <param name="deployment">Key of the deployment.</param>
    /// <param name="unit">What work is counted in.</param>
    /// <param name="start">First instant of the period, UTC.</param>
    /// <exception cref="StorageException">The database failed, or took too long.</exception>
    public async Task<IReadOnlyDictionary<string, object?>?> IntensityAsync(string set, long deployment, string unit, DateTime start) =>
        (
            await RowsAsync(
                $"""
                SELECT * FROM "{set}" WHERE "DeploymentId" = @deployment AND "FunctionalUnit" = @unit AND "PeriodStart" = @start
                """,
                [("@deployment", deployment), ("@unit", unit), ("@start", start)]
            )
        ).FirstOrDefault();

    /// <summary>A fact of energy, by the names of its columns; null when there is none.</summary>
    /// <param name="deployment">Key of the deployment.</param>
    /// <param name="resource">Key of the resource.</param>
    /// <param name="start">First instant of the period, UTC.</param>
    /// <exception cref="StorageException">The database failed, or took too long.</exception>
    public async Task<IReadOnlyDictionary<string, object?>?> EnergyFactAsync(long deployment, long resource, DateTime start) =>
        (
            await RowsAsync(
                """
                SELECT * FROM "EnergyFacts" WHERE "DeploymentId" = @deployment AND "ResourceId" = @resource AND "PeriodStart" = @start
                """,
                [("@deployment", deployment), ("@resource", resource), ("@start", start)]
            )
        ).FirstOrDefault();

    /// <summary>The hours of a deployment in a period, in the order of time and unit.</summary>
    /// <exception cref="StorageException">The database failed, or took too long.</exception>
    public Task<List<IReadOnlyDictionary<string, object?>>> HoursAsync(long deployment, DateTime from, DateTime to) =>
        RowsAsync(
            """
            SELECT * FROM "HourlyIntensities" WHERE "DeploymentId" = @deployment AND "PeriodStart" >= @from AND "PeriodStart" < @to
            ORDER BY "PeriodStart", "FunctionalUnit"
            """,
            [("@deployment", deployment), ("@from", from), ("@to", to)]
        );

    /// <summary>Whether an hour of the period waits to be made again.</summary>
    /// <exception cref="StorageException">The database failed, or took too long.</exception>
    public async Task<bool> IsDirtyAsync(DateTime from, DateTime to) =>
        (
            await session.QueryAsync(
                "SELECT 1 FROM dirty_hours WHERE hour >= @from AND hour < @to LIMIT 1",
                [("@from", from), ("@to", to)],
                _ => true
            )
        ).Count > 0;

    private Task<List<IReadOnlyDictionary<string, object?>>> RowsAsync(string sql, IReadOnlyList<(string Name, object Value)> parameters) =>
        session.QueryAsync<IReadOnlyDictionary<string, object?>>(sql, parameters, row =>
        {
            var values = new Dictionary<string, object?>(row.Columns, StringComparer.Ordinal);
            for (var i = 0; i < row.Columns; i++)
                values[row.Name(i)] = row.IsNull(i) ? null : Value(row, i);
            return values;
        });

    // Keys have more digits than a JSON number keeps everywhere; SQLite keeps times and flags as numbers.
    private static object Value(ResultRow row, int ordinal) =>
        (row.Name(ordinal), row.Value(ordinal)) switch
        {
            (var name, long number) when name.EndsWith("Id", StringComparison.Ordinal) => number.ToString(CultureInfo.InvariantCulture),
            ("PeriodStart" or "PeriodEnd" or "RecomputedAt", _) => row.Instant(ordinal),
            ("IsFinal", _) => row.Boolean(ordinal),
            (_, DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            (_, DateTime day) => DateTime.SpecifyKind(day, DateTimeKind.Utc),
            (_, var value) => value,
        };
}
