using System.Diagnostics;
using Metrics.Storage.Engine;
using Metrics.Storage.Schema;
using Metrics.SystemTests;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using NpgsqlTypes;

namespace Metrics.Benchmarks;

/// <summary>A recording read, normalised and kept as facts on PostgreSQL, against PostgreSQL taking the same sample rows and nothing
/// else.</summary>
public static class Durable
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(15);
    private const int Steps = 2_880;

    public static async Task RunAsync()
    {
        var cluster = new PostgresCluster();
        await cluster.InitializeAsync();
        var folder = Directory.CreateTempSubdirectory("metrics-benchmark-").FullName;
        try
        {
            var recording = Path.Combine(folder, "half-a-day.ndjson");
            await File.WriteAllLinesAsync(recording, Rack.Rows(Steps, Step));
            var rows = (long)Steps * Rack.Series.Count;

            // The first of each warms both up.
            var (bare, whole) = (0.0, 0.0);
            for (var i = 0; i < 3; i++)
            {
                bare = Math.Max(bare, rows / await BareAsync(await cluster.CreateDatabaseAsync()));
                var (written, hours, seconds) = await Ingest.IntoAsync(
                    recording,
                    StorageEngine.Postgres,
                    await cluster.CreateDatabaseAsync()
                );
                if (written != rows || hours < 12)
                    throw new InvalidOperationException(
                        $"{written} of {rows} rows and {hours} of 12 hours were kept: the figure would mean nothing."
                    );
                whole = Math.Max(whole, rows / seconds);
            }
            Figures.Show("COPY and INSERT .. ON CONFLICT alone", bare, "rows/s");
            Figures.Show("read, normalised and kept as facts", whole, "rows/s");
            Figures.AtLeast("whole way against bare rows", whole / bare, 0.5, "x");
        }
        finally
        {
            await cluster.DisposeAsync();
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Seconds that PostgreSQL needs for the rows: binary COPY into a staging table, then an upsert into the product's own table,
    /// in batches as the product commits them.</summary>
    private static async Task<double> BareAsync(string database)
    {
        await using (var storage = new ServiceCollection().AddMetricsStorage(StorageEngine.Postgres, database).BuildServiceProvider())
            await storage.GetRequiredService<SchemaMigrator>().MigrateAsync();
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync();
        await RunAsync(
            connection,
            $"CREATE TABLE samples_of_the_day PARTITION OF samples FOR VALUES FROM ('{Rack.Start:yyyy-MM-01}Z') TO "
                + $"('{Rack.Start.AddMonths(1):yyyy-MM-01}Z')"
        );
        await RunAsync(connection, "CREATE TEMP TABLE staging (series_id bigint, start timestamptz, end_at timestamptz, value float8)");
        var clock = Stopwatch.StartNew();
        // Steps of 56 series that make up the 50,000 rows of one commit of the product.
        const int batch = 892;
        for (var from = 0; from < Steps; from += batch)
        {
            await using var transaction = await connection.BeginTransactionAsync();
            await using (var copy = await connection.BeginBinaryImportAsync("COPY staging FROM STDIN (FORMAT BINARY)"))
            {
                for (var i = from; i < Math.Min(Steps, from + batch); i++)
                {
                    var at = Rack.Start + (i * Step);
                    foreach (var (series, value) in Rack.Series)
                    {
                        copy.StartRow();
                        copy.Write(series.Id, NpgsqlDbType.Bigint);
                        copy.Write(at, NpgsqlDbType.TimestampTz);
                        copy.Write(at, NpgsqlDbType.TimestampTz);
                        copy.Write(value(i), NpgsqlDbType.Double);
                    }
                }
                await copy.CompleteAsync();
            }
            await RunAsync(
                connection,
                "INSERT INTO samples SELECT * FROM staging ON CONFLICT (series_id, start) DO UPDATE SET end_at = excluded.end_at, "
                    + "value = excluded.value WHERE samples.value IS DISTINCT FROM excluded.value"
            );
            await RunAsync(connection, "TRUNCATE staging");
            await transaction.CommitAsync();
        }
        return clock.Elapsed.TotalSeconds;
    }

    private static async Task RunAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
