using System.Data.Common;
using System.Globalization;
using Metrics.Domain.Facts;
using Metrics.Storage.Engine;
using Metrics.Storage.Schema;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Metrics.Benchmarks;

/// <summary>A store of the product, full of hours: 40 deployments with five functional units each, hour by hour as the product writes
/// them.</summary>
/// <param name="Engine">Its engine.</param>
/// <param name="ConnectionString">Its connection string.</param>
internal sealed record ServeRows(StorageEngine Engine, string ConnectionString)
{
    private const int Deployments = 40,
        Units = 5;

    /// <summary>Makes the store in a new database.</summary>
    /// <param name="engine">Engine of the store.</param>
    /// <param name="connectionString">An empty database.</param>
    /// <param name="rows">Hours to write; 200 of them make an hour of the clock.</param>
    public static async Task<ServeRows> WriteAsync(StorageEngine engine, string connectionString, int rows)
    {
        await using (var storage = new ServiceCollection().AddMetricsStorage(engine, connectionString).BuildServiceProvider())
            await storage.GetRequiredService<SchemaMigrator>().MigrateAsync();
        var made = new ServeRows(engine, connectionString);
        await using var connection = await made.OpenAsync();
        var postgres = engine == StorageEngine.Postgres;
        if (!postgres)
            await RunAsync(connection, "PRAGMA synchronous = OFF; PRAGMA cache_size = -200000");
        await using (var transaction = await connection.BeginTransactionAsync())
        {
            await RunAsync(connection, Dimensions);
            await RunAsync(connection, Hours(postgres, rows));
            await RunAsync(connection, Days(postgres));
            await transaction.CommitAsync();
        }
        await RunAsync(connection, postgres ? "VACUUM ANALYZE" : "ANALYZE");
        if (!postgres)
            await RunAsync(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
        return made;
    }

    public async Task<DbConnection> OpenAsync()
    {
        DbConnection connection =
            Engine == StorageEngine.Postgres ? new NpgsqlConnection(ConnectionString) : new SqliteConnection(ConnectionString);
        await connection.OpenAsync();
        return connection;
    }

    public static async Task RunAsync(DbConnection connection, string sql)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.CommandTimeout = 1_800;
        await command.ExecuteNonQueryAsync();
    }

    private static string Dimensions { get; } =
        string.Create(
            CultureInfo.InvariantCulture,
            $"""
            INSERT INTO places (name, provider, region, country, pue) VALUES
                ('aws/eu-west-1', 'aws', 'eu-west-1', 'IE', 1.135), ('aws/us-east-1', 'aws', 'us-east-1', 'US', 1.15),
                    ('azure/westeurope', 'azure', 'westeurope', 'NL', 1.16),
                ('gcp/us-central1', 'gcp', 'us-central1', 'US', 1.10), ('onprem/dc-1', 'onprem', 'dc-1', 'DE', 1.42),
                    ('onprem/dc-2', 'onprem', 'dc-2', 'SE', NULL);
            INSERT INTO workload (name, model, precision) VALUES
                ('chat-70b', 'org/model-70b-instruct', 'fp8'), ('chat-8b', 'org/model-8b-instruct', 'bf16'),
                    ('search', 'org/embedding-large', NULL), ('transcripts', NULL, NULL), ('images', 'org/diffusion-xl', 'fp16');
            INSERT INTO deployment (id, workload, place, hardware, accelerators)
            WITH RECURSIVE numbers(d) AS (SELECT 0 UNION ALL SELECT d + 1 FROM numbers WHERE d < {Deployments - 1})
            SELECT 100200300400 + d * 7000000001, CASE d % 5 WHEN 0 THEN 'chat-70b' WHEN 1 THEN 'chat-8b' WHEN 2 THEN 'search'
                WHEN 3 THEN 'transcripts' ELSE 'images' END,
                   CASE d % 6 WHEN 0 THEN 'aws/eu-west-1' WHEN 1 THEN 'aws/us-east-1' WHEN 2 THEN 'azure/westeurope'
                       WHEN 3 THEN 'gcp/us-central1' WHEN 4 THEN 'onprem/dc-1' ELSE 'onprem/dc-2' END,
                   CASE d % 4 WHEN 0 THEN 'NVIDIA H100 80GB HBM3' WHEN 1 THEN 'NVIDIA A100-SXM4-80GB' WHEN 2 THEN 'NVIDIA L40S' END,
                       8 * (1 + d % 4)
            FROM numbers;
            """
        );

    // The same numbers on both engines, made from the row's own by remainders: thirds and sevenths fill all digits of a double.
    private static string Hours(bool postgres, int rows)
    {
        var (numbers, start, micros, date, key) = postgres
            ? (
                $"generate_series(0, {rows - 1}) AS numbers(i)",
                "(timestamptz '2024-01-01Z' + h * interval '1 hour')",
                "interval '1 microsecond' *",
                "CAST((timestamptz '2024-01-01Z' + h * interval '1 hour') AT TIME ZONE 'UTC' AS date)",
                "CAST(to_char((timestamptz '2024-01-01Z' + h * interval '1 hour') AT TIME ZONE 'UTC', 'YYYYMMDD') AS integer)"
            )
            : (
                $"(WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {rows - 1}) SELECT i FROM n) AS numbers",
                "(1704067200000000 + h * 3600000000)",
                "",
                "date(1704067200 + h * 3600, 'unixepoch')",
                "CAST(strftime('%Y%m%d', 1704067200 + h * 3600, 'unixepoch') AS INTEGER)"
            );
        return string.Create(
            CultureInfo.InvariantCulture,
            $"""
            INSERT INTO intensity_hours (deployment_id, functional_unit, period_start, period_end, date, date_key, units,
                accelerator_joules, server_joules, facility_joules, idle_joules, low_joules, high_joules,
                operational_grams, marginal_grams, market_based_grams, embodied_grams, water_litres, known_joules, measured_joules,
                    covered_seconds, evidence, factors, missing, recomputed_at, final)
            SELECT 100200300400 + d * 7000000001, CASE u WHEN 0 THEN 'output-token' WHEN 1 THEN 'input-token' WHEN 2 THEN 'request'
                WHEN 3 THEN 'image' ELSE 'audio-second' END,
                   {start}, {start} + {micros} 3600000000, {date}, {key},
                   units, board, server, facility, CASE WHEN d % 4 <> 2 THEN server * (0.08 + 0.4 * b) END, facility * 0.93,
                       facility * 1.12,
                   facility / 3600000 * (210 + 190 * b), CASE WHEN d % 6 < 2 THEN facility / 3600000 * (380 + 240 * a) END,
                       CASE WHEN d % 6 = 3 THEN facility / 3600000 * 31 * b END,
                   11.25 * (1 + a / 3), CASE WHEN d % 6 < 4 THEN facility / 3600000 * 1.8 * b END, COALESCE(server, board),
                       COALESCE(server, board) * b, 3600 - CASE WHEN i % 31 = 0 THEN 615.5 ELSE 0 END,
                   CASE WHEN server IS NULL THEN 1 ELSE i % 2 END,
                   CASE WHEN facility IS NULL THEN 'embodied-h100@2'
                       ELSE 'embodied-h100@2 grid-eu-2024@7 pue-published@3 water-region@1' END,
                   CASE WHEN server IS NULL THEN {(int)MissingReasons.ServerUnmetered} WHEN facility IS NULL THEN {(int)(
                MissingReasons.GridUnknown | MissingReasons.PueUnknown
            )} ELSE 0 END, {start} + {micros} (7200000000 + i % 999983), TRUE
            FROM (SELECT *, server * (1.1 + 0.07 * (d % 5)) * CASE WHEN d % 6 <> 5 THEN 1 END AS facility
                  FROM (SELECT *, CASE WHEN d % 8 <> 7 THEN board * (1.18 + 0.11 * b) END AS server
                        FROM (SELECT *, CASE WHEN i % 997 = 0 THEN 0 ELSE 1000000 * b / (1 + u) END AS units,
                            28800 * (120 + 560 * a) AS board
                              FROM (SELECT i, i / {Deployments * Units} AS h, i / {Units} % {Deployments} AS d, i % {Units} AS u,
                                           CAST(CAST(i AS bigint) * 7919 % 1000003 AS double precision) / 1000003 AS a,
                                               CAST(CAST(i AS bigint) * 104729 % 999983 AS double precision) / 999983 AS b
                                    FROM {numbers}) AS draws) AS boards) AS servers) AS facilities
            """
        );
    }

    private static string Days(bool postgres)
    {
        var (start, end) = postgres
            ? ("date_trunc('day', period_start, 'UTC')", "date_trunc('day', period_start, 'UTC') + interval '24 hours'")
            : ("period_start / 86400000000 * 86400000000", "period_start / 86400000000 * 86400000000 + 86400000000");
        string[] sums =
        [
            "units",
            "accelerator_joules",
            "server_joules",
            "facility_joules",
            "idle_joules",
            "low_joules",
            "high_joules",
            "operational_grams",
            "marginal_grams",
            "market_based_grams",
            "embodied_grams",
            "water_litres",
            "known_joules",
            "measured_joules",
            "covered_seconds",
        ];
        return $"""
            INSERT INTO intensity_days (deployment_id, functional_unit, period_start, period_end, date, date_key, {string.Join(
                ", ",
                sums
            )}, evidence, factors, missing, recomputed_at)
            SELECT deployment_id, functional_unit, {start}, {end}, date, date_key, {string.Join(
                ", ",
                sums.Select(sum => $"SUM({sum})")
            )}, MAX(evidence), MAX(factors), MAX(missing), MAX(recomputed_at)
            FROM intensity_hours GROUP BY deployment_id, functional_unit, {start}, {end}, date, date_key
            """;
    }
}
