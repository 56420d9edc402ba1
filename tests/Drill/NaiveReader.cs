using System.Data.Common;
using System.Globalization;
using System.Text;
using Metrics.Ingestors.Pipeline;
using Metrics.Ingestors.Providers;
using Metrics.Storage.Engine;
using Metrics.Storage.Reading;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Metrics.Drill;

/// <summary>The reader that many programs have: it notes how far it read, and then stores what it read, without a key. The drill must find
/// it out.</summary>
internal sealed class NaiveReader(ReadLog log, DrillPlan plan)
{
    public async Task ReadAsync(string source, ITelemetrySource from, CancellationToken cancellationToken)
    {
        // It does take turns, so that it fails for its own faults and not because two read at once.
        if (await log.ClaimAsync(source, $"{Environment.ProcessId}", DrillPlan.Lease, cancellationToken) is not { } claim)
            return;
        try
        {
            await using var connection = await OpenAsync(cancellationToken);
            DateTime? watermark = null;
            await using (var ask = connection.CreateCommand())
            {
                ask.CommandText = $"SELECT watermark FROM naive_watermark WHERE source = '{source}'";
                if (await ask.ExecuteScalarAsync(cancellationToken) is long known)
                    watermark = Time(known);
            }
            if (Window.Next(from.Cadence with { Overlap = TimeSpan.Zero }, watermark, claim.RegisteredAt, claim.Now) is not { } window)
                return;
            var rows = new StringBuilder();
            await foreach (var page in from.ReadAsync(new ReadRequest(window, null, claim.RegisteredAt, claim.Now), cancellationToken))
            foreach (var (series, sample) in page.Observations)
                rows.Append(rows.Length == 0 ? "" : ",")
                    .Append(
                        CultureInfo.InvariantCulture,
                        $"('{series.Source}/{series.Metric}/{series.Labels["pod"]}/{series.Labels["UUID"]}',"
                            + $"{Micros(sample.Start)},{sample.Value:R})"
                    );
            await RunAsync(
                connection,
                $"INSERT INTO naive_watermark (source, watermark) VALUES ('{source}', {Micros(window.End)}) ON CONFLICT (source) "
                    + $"DO UPDATE SET watermark = excluded.watermark",
                cancellationToken
            );
            if (rows.Length > 0)
                await RunAsync(connection, $"INSERT INTO naive_samples (series, start, value) VALUES {rows}", cancellationToken);
        }
        catch (DbException)
        {
            // It hopes for the best.
        }
        finally
        {
            await log.ReleaseAsync(claim, CancellationToken.None);
        }
    }

    private async Task<DbConnection> OpenAsync(CancellationToken cancellationToken)
    {
        DbConnection connection =
            plan.Engine == StorageEngine.Postgres
                ? new NpgsqlConnection(plan.ConnectionString)
                : new SqliteConnection(plan.ConnectionString);
        await connection.OpenAsync(cancellationToken);
        return connection;
    }

    private static async Task RunAsync(DbConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static long Micros(DateTime time) => (time - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    private static DateTime Time(long micros) => DateTime.UnixEpoch.AddTicks(micros * TimeSpan.TicksPerMicrosecond);
}
