using System.Diagnostics;
using System.Globalization;
using Metrics.Api.Reports;
using Metrics.Api.Reports.Jobs;
using Metrics.Api.Reports.Kinds;
using Metrics.Domain.Factors;
using Metrics.Storage.Engine;
using Metrics.SystemTests;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Metrics.Benchmarks;

/// <summary>Reports of many rows on PostgreSQL, to a file, against <c>COPY</c> of as many rows with as many columns by the same statement
/// to CSV; and the memory that they take.</summary>
public static class Exports
{
    private static int Rows =>
        int.TryParse(
            Environment.GetEnvironmentVariable("METRICS_BENCHMARK_ROWS"),
            NumberStyles.None,
            CultureInfo.InvariantCulture,
            out var rows
        )
            ? rows
            : 1_000_000;

    public static async Task RunAsync()
    {
        var cluster = new PostgresCluster();
        await cluster.InitializeAsync();
        var folder = Directory.CreateTempSubdirectory("metrics-exports-").FullName;
        try
        {
            // A score is told in three rows: its two components and their total.
            var stored = (Rows + 2) / 3 / 200 * 200;
            var database = await cluster.CreateDatabaseAsync();
            await ServeRows.WriteAsync(StorageEngine.Postgres, database, stored);
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"  PostgreSQL, {stored:#,0} rows of the store, a report of three times as many at most"
                )
            );
            await using var services = new ServiceCollection()
                .AddSingleton(TimeProvider.System)
                .AddSingleton(UnitConversions.None)
                .AddLogging(logging => logging.ClearProviders())
                .AddMetricsStorage(StorageEngine.Postgres, database)
                .AddReports(new ReportSettings { Folder = folder })
                .BuildServiceProvider();
            var files = services.GetRequiredService<ReportFiles>();
            var to = new DateTime(2024, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddHours(stored / 200);
            ReportRequest Request(string format) =>
                ReportRequest.Read(
                    "sci",
                    [("from", "2024-01-01"), ("to", ReportText.Of(to)), ("grain", "hour"), ("format", format)],
                    DateTime.UtcNow
                );

            var best = new Dictionary<string, double>();
            var rows = 0L;
            for (var round = 0; round < (Rows > 1_000_000 ? 1 : 2); round++)
            {
                foreach (var format in new[] { "csv", "parquet" })
                {
                    var clock = Stopwatch.StartNew();
                    var file = await files.WriteAsync(Request(format), $"{folder}/sci.{format}", null, default);
                    best[format] = Math.Max(best.GetValueOrDefault(format), file.Rows / clock.Elapsed.TotalSeconds);
                    rows = file.Rows;
                    File.Delete(file.Path);
                }
                best["copy"] = Math.Max(best.GetValueOrDefault("copy"), await CopyAsync(database, rows, folder));
            }
            foreach (var format in new[] { "csv", "parquet" })
                best[format + " memory"] = await MostResidentAsync(database, format, to, folder);
            Figures.Show("rows of the report", rows, "");
            Figures.Show("CSV to a file, with digest, rules and manifest", best["csv"], "rows/s");
            Figures.Show("COPY of as many rows and columns to CSV", best["copy"], "rows/s");
            Figures.AtLeast("  ours against it", best["csv"] / best["copy"], 0.5, "x");
            Figures.Below("  most memory resident in the command `report`", best["csv memory"], 300, "MB");
            Figures.Show("Parquet", best["parquet"], "rows/s");
            Figures.Below("  most memory resident in the command `report`", best["parquet memory"], 300, "MB");
        }
        finally
        {
            NpgsqlConnection.ClearAllPools();
            await cluster.DisposeAsync();
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Megabytes that the command has resident at most, as the kernel counts them.</summary>
    private static async Task<double> MostResidentAsync(string database, string format, DateTime to, string folder)
    {
        var start = new ProcessStartInfo(
            "dotnet",
            [
                typeof(ReportFiles).Assembly.Location,
                "report",
                "sci",
                "--from",
                "2024-01-01",
                "--to",
                ReportText.Of(to),
                "--grain",
                "hour",
                "--format",
                format,
                "--out",
                $"{folder}/command.{format}",
                "--Metrics:Storage:Engine=Postgres",
                $"--Metrics:Storage:ConnectionString={database}",
            ]
        )
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder,
        };
        using var process = Process.Start(start)!;
        var (said, complaints) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        double most = 0;
        while (!process.HasExited)
        {
            try
            {
                var line = (await File.ReadAllLinesAsync($"/proc/{process.Id}/status")).FirstOrDefault(line =>
                    line.StartsWith("VmHWM:", StringComparison.Ordinal)
                );
                if (line is not null)
                    most =
                        double.Parse(
                            line[6..^2],
                            NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite,
                            CultureInfo.InvariantCulture
                        )
                        * 1024
                        / 1e6;
            }
            catch (IOException)
            {
                // It ended between the two.
            }
            await Task.Delay(50);
        }
        File.Delete($"{folder}/command.{format}");
        return process.ExitCode == 0
            ? most
            : throw new InvalidOperationException($"report ended with {process.ExitCode}: {await complaints} {await said}");
    }

    private static async Task<double> CopyAsync(string database, long rows, string folder)
    {
        var settings = new NpgsqlConnectionStringBuilder(database);
        // The columns and the order of the report; as many rows as it has.
        const string statement = """
            COPY (SELECT v."DeploymentId", v."FunctionalUnit", v."PeriodStart", v."PeriodEnd", v."Workload", v."Model", v."Precision",
                v."Provider", v."Account", v."Region", p.country, v."Hardware", v."Units", v."ServerJoules", v."FacilityJoules",
                v."IdleJoules", v."OperationalGrams", v."MarketBasedGrams", v."EmbodiedGrams", v."WaterLitres", v."LowJoules",
                    v."HighJoules", v."Evidence", v."MeasuredShare", v."Coverage", v."Missing", v."FactorVersion",
                v."RecomputedAt", v."SciGramsPerUnit", n
            FROM "HourlyIntensities" v LEFT JOIN deployment d ON d.id = v."DeploymentId" LEFT JOIN places p ON p.name = d.place
                CROSS JOIN generate_series(1, 3) n
            WHERE v."Units" > 0 ORDER BY v."PeriodStart", v."DeploymentId", v."FunctionalUnit") TO STDOUT (FORMAT csv, HEADER)
            """;
        var start = new ProcessStartInfo(
            "psql",
            [
                "-X",
                "-q",
                "-h",
                settings.Host!,
                "-p",
                settings.Port.ToString(CultureInfo.InvariantCulture),
                "-U",
                settings.Username!,
                "-d",
                settings.Database!,
                "-v",
                "ON_ERROR_STOP=1",
                "-o",
                $"{folder}/copy.csv",
                "-c",
                statement,
            ]
        );
        var clock = Stopwatch.StartNew();
        using var process = Process.Start(start)!;
        await process.WaitForExitAsync();
        var took = clock.Elapsed.TotalSeconds;
        var lines = File.ReadLines($"{folder}/copy.csv").LongCount() - 1;
        File.Delete($"{folder}/copy.csv");
        if (process.ExitCode != 0 || lines != rows)
            throw new InvalidOperationException(
                $"psql ended with {process.ExitCode} and wrote {lines} of {rows} rows: the figure would mean nothing."
            );
        return rows / took;
    }
}
