using System.Data;
using System.Data.Common;
using Metrics.Domain.Facts;
using Metrics.Domain.Quantities;
using Metrics.Storage;
using Microsoft.EntityFrameworkCore;

namespace Metrics.Api.Placements;

/// <summary>The sums of one deployment over the hours of a period.</summary>
internal sealed record DeploymentSums
{
    public required long Id { get; init; }
    public required string Workload { get; init; }
    public required string? Model { get; init; }
    public required string? Precision { get; init; }
    public required string Provider { get; init; }
    public required string Region { get; init; }
    public required string Place { get; init; }
    public required string? Hardware { get; init; }
    public required int? Accelerators { get; init; }

    /// <summary>Energy at the boundary, of the hours in which it is known.</summary>
    public required double? Joules { get; init; }

    /// <summary>Whether joules of the servers are known for some hour.</summary>
    public required bool ServerKnown { get; init; }

    /// <summary>Whether joules of any boundary are known for some hour.</summary>
    public required bool AnyKnown { get; init; }

    /// <summary>Work of the hours whose energy is known; without energy, of all hours. Null when none was counted.</summary>
    public required double? Units { get; init; }

    public required double? KnownJoules { get; init; }
    public required double MeasuredJoules { get; init; }
    public required double CoveredSeconds { get; init; }
    public required Evidence Evidence { get; init; }
}

/// <summary>Reads the hours: what was worked when, and the sums of a period. One connection, one consistent view.</summary>
internal sealed class HourReader(MetricsDbContext context) : IAsyncDisposable
{
    private const int Seconds = 15;
    private DbTransaction? transaction;

    public async Task OpenAsync(CancellationToken cancellationToken)
    {
        await context.Database.OpenConnectionAsync(cancellationToken);
        var connection = context.Database.GetDbConnection();
        transaction = connection is Microsoft.Data.Sqlite.SqliteConnection sqlite
            ? sqlite.BeginTransaction(deferred: true)
            : await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        if (context.Database.IsSqlite()) return;
        await using var promise = Command($"SET TRANSACTION READ ONLY; SET LOCAL statement_timeout = '{Seconds}s'");
        await promise.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>End of the newest hour, over by <paramref name="now"/>, in which work was counted in the unit; null when there is none.</summary>
    public async Task<DateTime?> NewestEndAsync(string unit, DateTime now, CancellationToken cancellationToken)
    {
        await using var command = Command(
            "SELECT period_start FROM intensity_hours WHERE functional_unit = @unit AND period_start <= @last ORDER BY period_start DESC LIMIT 1",
            ("unit", unit), ("last", Bound(now.AddHours(-1))));
        return await command.ExecuteScalarAsync(cancellationToken) switch
        {
            DateTime start => start.AddHours(1),
            long micros => UnixMicroseconds.To(micros).AddHours(1),
            _ => null,
        };
    }

    /// <summary>Functional units and models with rows in the period, each once and sorted.</summary>
    public async Task<(List<string> Units, List<string> Models)> PresentAsync(Interval period, CancellationToken cancellationToken)
    {
        await using var command = Command(
            """
            SELECT DISTINCT h.functional_unit, w.model
            FROM intensity_hours h JOIN deployment d ON d.id = h.deployment_id JOIN workload w ON w.name = d.workload
            WHERE h.period_start >= @from AND h.period_start < @to AND h.units IS NOT NULL
            """, ("from", Bound(period.Start)), ("to", Bound(period.End)));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var (units, models) = (new SortedSet<string>(StringComparer.Ordinal), new SortedSet<string>(StringComparer.Ordinal));
        while (await reader.ReadAsync(cancellationToken))
        {
            units.Add(reader.GetString(0));
            if (!reader.IsDBNull(1)) models.Add(reader.GetString(1));
        }
        return ([.. units], [.. models]);
    }

    /// <summary>The sums of every deployment that did work in the unit or, when a model is given, that serves it.</summary>
    public async Task<List<DeploymentSums>> SumAsync(Interval period, string unit, string? model, Boundary boundary, CancellationToken cancellationToken)
    {
        var joules = boundary switch
        {
            Boundary.Accelerator => "accelerator_joules",
            Boundary.Server => "server_joules",
            Boundary.Facility => "facility_joules",
            _ => throw new ArgumentOutOfRangeException(nameof(boundary), boundary, "There is no such boundary."),
        };
        // An hour's energy stands on each row of its units: it is taken once. Hours without work in the unit count too, their energy was provided.
        // Hours whose energy is unknown give neither energy nor work nor coverage, or the worst metered place would look like the best.
        await using var command = Command(
            $"""
            WITH hours AS (
                SELECT h.deployment_id, h.period_start, MAX(h.{joules}) AS joules, MAX(h.server_joules) AS server, MAX(h.known_joules) AS known,
                       MAX(h.measured_joules) AS measured, MAX(h.covered_seconds) AS covered,
                       SUM(CASE WHEN h.functional_unit = @unit THEN h.units END) AS units,
                       COALESCE(MAX(CASE WHEN h.functional_unit = @unit THEN h.evidence END), MIN(h.evidence)) AS evidence
                FROM intensity_hours h
                WHERE h.period_start >= @from AND h.period_start < @to
                GROUP BY h.deployment_id, h.period_start
            ), sums AS (
                SELECT deployment_id, SUM(joules) AS joules, SUM(units) AS all_units, COUNT(server) AS servers, COUNT(known) AS knowns,
                       SUM(CASE WHEN joules IS NOT NULL THEN units END) AS units, SUM(CASE WHEN joules IS NOT NULL THEN known END) AS known,
                       SUM(CASE WHEN joules IS NOT NULL THEN measured END) AS measured, SUM(CASE WHEN joules IS NOT NULL THEN covered END) AS covered,
                       MAX(CASE WHEN joules IS NOT NULL THEN evidence END) AS evidence, MAX(evidence) AS any_evidence
                FROM hours GROUP BY deployment_id
            )
            SELECT d.id, d.workload, w.model, w.precision, p.provider, p.region, d.place, d.hardware, d.accelerators, s.joules, s.servers, s.knowns,
                   CASE WHEN s.joules IS NULL THEN s.all_units ELSE s.units END, s.known, s.measured, s.covered, COALESCE(s.evidence, s.any_evidence)
            FROM sums s JOIN deployment d ON d.id = s.deployment_id JOIN workload w ON w.name = d.workload JOIN places p ON p.name = d.place
            WHERE {(model is null ? "s.all_units IS NOT NULL" : "w.model = @model")}
            """, ("unit", unit), ("from", Bound(period.Start)), ("to", Bound(period.End)), ("model", model ?? ""));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var sums = new List<DeploymentSums>();
        while (await reader.ReadAsync(cancellationToken))
        {
            sums.Add(new DeploymentSums
            {
                Id = reader.GetInt64(0),
                Workload = reader.GetString(1),
                Model = Text(2),
                Precision = Text(3),
                Provider = reader.GetString(4),
                Region = reader.GetString(5),
                Place = reader.GetString(6),
                Hardware = Text(7),
                Accelerators = reader.IsDBNull(8) ? null : reader.GetInt32(8),
                Joules = Number(9),
                ServerKnown = reader.GetInt64(10) > 0,
                AnyKnown = reader.GetInt64(11) > 0,
                Units = Number(12),
                KnownJoules = Number(13),
                MeasuredJoules = Number(14) ?? 0,
                CoveredSeconds = Number(15) ?? 0,
                Evidence = (Evidence)reader.GetInt32(16),
            });
        }
        return sums;

        string? Text(int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
        double? Number(int column) => reader.IsDBNull(column) ? null : reader.GetDouble(column);
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (transaction is not null) await transaction.DisposeAsync();
        }
        catch (DbException)
        {
            // The connection is gone, and its transaction with it.
        }
        await context.DisposeAsync();
    }

    private object Bound(DateTime time) => context.Database.IsSqlite() ? UnixMicroseconds.From(time) : time;

    private DbCommand Command(string sql, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        var command = context.Database.GetDbConnection().CreateCommand();
        command.CommandText = sql;
        command.Transaction = transaction;
        command.CommandTimeout = Seconds + 5;
        foreach (var (name, value) in parameters)
        {
            if (!sql.Contains($"@{name}", StringComparison.Ordinal)) continue;
            var parameter = command.CreateParameter();
            parameter.ParameterName = name;
            parameter.Value = value;
            command.Parameters.Add(parameter);
        }
        return command;
    }
}
