using System.IO.Compression;
using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Metrics.Ingestors.Pipeline;
using Metrics.Ingestors.Providers;
using Metrics.Ingestors.Providers.Files;
using Metrics.Storage.Engine;
using Metrics.SystemTests.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Metrics.SystemTests.Journey;

/// <summary>The same recording gives the same facts: whole or in pieces, in order or not, once or twice, on one engine or the
/// other.</summary>
public sealed class RecordingTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>, IDisposable
{
    private static readonly Place Place = new("onprem/sample-dc", "DE", 1.4);

    private static readonly Workload[] Workloads =
    [
        new("chat-70b", null, null, [Rule("pod", "chat-70b-*"), Rule("model_name", "example/chat-70b")]),
        new("code-8b", null, null, [Rule("pod", "code-8b-*"), Rule("model_name", "example/code-8b")]),
        new("embed", null, null, [Rule("pod_name", "embed-*"), Rule("model", "embed")]),
    ];

    // Two hours around the driver's reload and the gap at 03:00.
    private static readonly string[] Rows =
    [
        .. Read(Witness.Recording)
            .Where(row =>
                string.CompareOrdinal(At(row), "2026-01-01T02:15:00Z") >= 0 && string.CompareOrdinal(At(row), "2026-01-01T04:15:00Z") < 0
            ),
    ];

    private readonly string folder = Directory.CreateTempSubdirectory("metrics-recording-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task The_same_recording_gives_the_same_facts_in_any_order_any_split_and_on_both_engines()
    {
        Assert.True(Rows.Length > 9_000, $"{Rows.Length} rows");
        var whole = await FactsAsync(
            StorageEngine.Sqlite,
            [
                [("all.ndjson", Rows)],
            ]
        );
        Assert.Contains(whole, line => line.StartsWith("chat-70b|output-token", StringComparison.Ordinal));
        Assert.Contains(whole, line => line.EndsWith("|counter_reset", StringComparison.Ordinal));

        foreach (var (engine, seed) in new[] { (StorageEngine.Sqlite, 1), (StorageEngine.Postgres, 2), (StorageEngine.Postgres, 3) })
        {
            var shuffled = Rows.ToArray();
            new Random(seed).Shuffle(shuffled);
            var pieces = shuffled.Chunk(shuffled.Length / 5 + 1).ToArray();
            // Facts are computed after each arrival; one piece comes twice under two names.
            var facts = await FactsAsync(
                engine,
                [
                    [("4.ndjson", pieces[4]), ("2.ndjson", pieces[2])],
                    [("0.ndjson", pieces[0])],
                    [("3.ndjson", pieces[3]), ("again.ndjson", pieces[2])],
                    [("1.ndjson", pieces[1])],
                ]
            );
            Assert.Equal(whole, facts);
        }
        Assert.Equal(
            whole,
            await FactsAsync(
                StorageEngine.Postgres,
                [
                    [("all.ndjson", Rows)],
                ]
            )
        );
    }

    [Fact]
    public async Task A_recording_that_lost_a_minute_gives_other_facts()
    {
        // The control of the test above: what it compares does see a difference.
        var whole = await FactsAsync(
            StorageEngine.Sqlite,
            [
                [("all.ndjson", Rows)],
            ]
        );
        var less = await FactsAsync(
            StorageEngine.Sqlite,
            [
                [("all.ndjson", [.. Rows.Where(row => !At(row).StartsWith("2026-01-01T02:40", StringComparison.Ordinal))])],
            ]
        );
        Assert.NotEqual(whole, less);
    }

    /// <summary>Everything that is concluded from the files of each arrival, as text.</summary>
    private async Task<List<string>> FactsAsync(StorageEngine engine, (string Name, string[] Rows)[][] arrivals)
    {
        var inbox = Directory.CreateDirectory(Path.Combine(folder, Guid.NewGuid().ToString("N"))).FullName;
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        var catalogue = Catalogues.Load([]);
        var settings = new FileSettings
        {
            Id = "sample",
            Provider = "file",
            Path = inbox,
            Place = Place.Name,
        };
        var source = KnownProviders.All["file"].Open(settings, catalogue, TimeProvider.System);
        var reader = new SourceReader(storage.Log, catalogue, NullLogger<SourceReader>.Instance);
        var keeper = new FactRecomputer(
            storage.Facts,
            new Normaliser(catalogue, Workloads, new Dictionary<string, Place> { ["sample"] = Place }, TimeSpan.FromMinutes(5))
        );
        await storage.Log.RegisterAsync("sample", "file", Place.Name, CancellationToken.None);
        foreach (var arrival in arrivals)
        {
            foreach (var (name, rows) in arrival)
                await File.WriteAllLinesAsync(Path.Combine(inbox, name), rows);
            Assert.NotNull(await reader.ReadAsync(settings, source, CancellationToken.None));
            await keeper.RecomputeAsync(CancellationToken.None);
        }
        return
        [
            .. await storage.RowsAsync(
                """
                SELECT "Workload", "ResourceKind", "ResourceName", "PeriodStart", "AcceleratorJoules", "ServerJoules", "FacilityJoules",
                    "MeasuredShare", "Coverage", "Evidence", "Cover", "Mappings"
                FROM "EnergyFacts" ORDER BY "DeploymentId", "ResourceId", "PeriodStart"
                """
            ),
            .. await storage.RowsAsync(
                """SELECT "Workload", "FunctionalUnit", "PeriodStart", "Units", "Coverage", "Evidence" FROM "WorkFacts" ORDER """
                    + """BY "DeploymentId", "FunctionalUnit", "PeriodStart" """
            ),
            .. await storage.RowsAsync(
                """SELECT "Workload", "FunctionalUnit", "PeriodStart", "Units", "FacilityJoules", "JoulesPerUnit", "Coverage","""
                    + """ "Hardware" FROM "HourlyIntensities" ORDER BY "DeploymentId", "FunctionalUnit", "PeriodStart" """
            ),
            .. await storage.RowsAsync(
                """SELECT "Workload", "FunctionalUnit", "PeriodStart", "Units", "FacilityJoules", "JoulesPerUnit", "Coverage" """
                    + """FROM "DailyIntensities" ORDER BY "DeploymentId", "FunctionalUnit", "PeriodStart" """
            ),
            .. await storage.RowsAsync("""SELECT "Subject", "At", "Reason" FROM "Rejections" ORDER BY "Id" """),
        ];
    }

    private static WorkloadRule Rule(string label, string glob) => new("sample", new Dictionary<string, string> { [label] = glob });

    private static string At(string row) => row[(row.IndexOf("\"start\":\"", StringComparison.Ordinal) + 9)..][..20];

    private static List<string> Read(string path)
    {
        using var text = new StreamReader(new GZipStream(File.OpenRead(path), CompressionMode.Decompress));
        var rows = new List<string>();
        while (text.ReadLine() is { } row)
            rows.Add(row);
        return rows;
    }
}
