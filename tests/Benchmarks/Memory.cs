using System.Diagnostics;
using System.Globalization;

namespace Metrics.Benchmarks;

/// <summary>The most memory that a process has resident while a million observations go from a file into SQLite and become facts.</summary>
public static class Memory
{
    public static async Task RunAsync()
    {
        var steps = 1_000_000 / Rack.Series.Count;
        var folder = Directory.CreateTempSubdirectory("metrics-benchmark-").FullName;
        try
        {
            var recording = Path.Combine(folder, "million.ndjson");
            await File.WriteAllLinesAsync(recording, Rack.Rows(steps + 1, TimeSpan.FromSeconds(15)));
            var clock = Stopwatch.StartNew();
            using var process = Process.Start(
                new ProcessStartInfo(
                    "dotnet",
                    [
                        Path.Combine(AppContext.BaseDirectory, "Metrics.Benchmarks.dll"),
                        "ingest",
                        recording,
                        Path.Combine(folder, "metrics.db"),
                    ]
                )
                {
                    RedirectStandardOutput = true,
                }
            )!;
            var peak = await process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync();
            if (process.ExitCode != 0)
                throw new InvalidOperationException($"The ingesting process ended with {process.ExitCode}.");
            Figures.Show("observations from a file to facts on SQLite", 1_000_000 / clock.Elapsed.TotalSeconds, "/s");
            Figures.Below("most memory resident meanwhile", double.Parse(peak, CultureInfo.InvariantCulture) / 1e6, 400, "MB");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
