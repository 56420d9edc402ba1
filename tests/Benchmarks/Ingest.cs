using System.Diagnostics;
using Metrics.Domain.Normalisation;
using Metrics.Ingestors.Pipeline;
using Metrics.Ingestors.Providers;
using Metrics.Ingestors.Providers.Files;
using Metrics.Storage.Engine;
using Metrics.Storage.Facts;
using Metrics.Storage.Reading;
using Metrics.Storage.Schema;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Metrics.Benchmarks;

/// <summary>The way of a recording into a database, as the worker goes it: read, admit, commit, normalise, facts, roll-ups.</summary>
public static class Ingest
{
    /// <summary>As a process of its own on SQLite; prints the most memory that it ever had resident, in bytes.</summary>
    public static async Task<int> RunAsync(string recording, string database)
    {
        await IntoAsync(recording, StorageEngine.Sqlite, $"Data Source={database}");
        var peak = File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
        Console.WriteLine(
            long.Parse(peak.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture) * 1024
        );
        return 0;
    }

    /// <summary>Rows written, hours recomputed, and the seconds that it took once the empty database was there.</summary>
    public static async Task<(long Written, int Hours, double Seconds)> IntoAsync(
        string recording,
        StorageEngine engine,
        string connectionString
    )
    {
        await using var storage = new ServiceCollection().AddMetricsStorage(engine, connectionString).BuildServiceProvider();
        var catalogue = Catalogues.Load([]);
        var log = storage.GetRequiredService<ReadLog>();
        await storage.GetRequiredService<SchemaMigrator>().MigrateAsync();
        await log.RegisterAsync(Rack.Source, "file", Rack.Place.Name, CancellationToken.None);
        var settings = new FileSettings
        {
            Id = Rack.Source,
            Provider = "file",
            Path = recording,
            Place = Rack.Place.Name,
        };
        var source = KnownProviders.All["file"].Open(settings, catalogue, TimeProvider.System);
        var reader = new SourceReader(log, catalogue, NullLogger<SourceReader>.Instance);
        var keeper = new FactRecomputer(
            storage.GetRequiredService<FactStore>(),
            new Normaliser(catalogue, Rack.Workloads, Rack.Places, TimeSpan.FromMinutes(5))
        );

        var clock = Stopwatch.StartNew();
        var written = await reader.ReadAsync(settings, source, CancellationToken.None) ?? 0;
        var hours = await keeper.RecomputeAsync(CancellationToken.None);
        return (written, hours, clock.Elapsed.TotalSeconds);
    }
}
