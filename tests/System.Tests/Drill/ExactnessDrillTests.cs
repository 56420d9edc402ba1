using System.Globalization;
using Metrics.Drill;
using Metrics.Storage.Engine;
using Xunit;
using Xunit.Abstractions;

namespace Metrics.SystemTests.Drill;

/// <summary>However often readers are killed, stopped and woken, and however late, double and broken the data comes: every sample once,
/// with its final value.</summary>
public abstract class ExactnessDrillTests(ITestOutputHelper output)
{
    private static readonly int Seeds = Number("METRICS_DRILL_SEEDS", 4);
    private static readonly int Kills = Number("METRICS_DRILL_KILLS", 200);
    private static readonly int FirstSeed = Number("METRICS_DRILL_FIRST_SEED", 1);

    /// <summary>Kills, a fifth as many zombies, and stops of the server, divided among the seeds: never fewer in all than asked
    /// for.</summary>
    private protected async Task DrillAsync(StorageEngine engine, PostgresCluster? cluster, int stops)
    {
        var deaths = new Dictionary<Stage, int>();
        int fenced = 0,
            zombies = 0,
            takenOver = 0,
            stopped = 0;
        for (var seed = FirstSeed; seed < FirstSeed + Seeds; seed++)
        {
            await using var drill = await ExactnessDrill.RunAsync(engine, cluster, seed, new(Share(Kills), Share(Kills / 5), Share(stops)));
            output.WriteLine(drill.ToString());
            Assert.True(drill.Found.None, drill.ToString());
            await drill.CheckBooksAsync();
            foreach (var (stage, count) in drill.Deaths)
                deaths[stage] = deaths.GetValueOrDefault(stage) + count;
            (fenced, zombies, takenOver, stopped) = (
                fenced + drill.Fenced,
                zombies + drill.Zombies,
                takenOver + drill.TakenOver,
                stopped + drill.Stops
            );
        }
        output.WriteLine(
            $"{engine}: {deaths.Values.Sum()} kills, {zombies} zombies, {takenOver} taken over, {stopped} stops, {fenced} fenced"
        );
        Assert.True(deaths.Values.Sum() >= Kills && zombies >= Kills / 5 && stopped >= stops);
        foreach (var stage in new[] { Stage.Claimed, Stage.Reading, Stage.Committing })
            Assert.True(
                deaths.GetValueOrDefault(stage) >= Kills / 20,
                $"Only {deaths.GetValueOrDefault(stage)} of the workers were killed while {stage}."
            );
        // A zombie whose source was taken over wakes with pages in its hands: the fence must have been needed.
        Assert.True(fenced >= Kills / 40, $"Only {fenced} commits were refused.");
    }

    /// <summary>The naive reader, in the same drill, does not pass the same comparison; left in peace, it does, so that it is the faults
    /// which it fails.</summary>
    private protected async Task FindOutAsync(StorageEngine engine, PostgresCluster? cluster)
    {
        await using (var calm = await ExactnessDrill.RunAsync(engine, cluster, FirstSeed, new(0, 0, 0), "naive", quiet: true))
        {
            output.WriteLine(calm.ToString());
            Assert.True(calm.Found is { None: true, Rows: > 100 }, calm.ToString());
        }
        // Killed only: what is lost then is lost by the order of its two commits.
        await using (var killed = await ExactnessDrill.RunAsync(engine, cluster, FirstSeed, new(12, 4, 0), "naive", quiet: true))
            output.WriteLine(killed.ToString());
        await using var drill = await ExactnessDrill.RunAsync(engine, cluster, FirstSeed, new(12, 4, cluster is null ? 0 : 1), "naive");
        output.WriteLine(drill.ToString());
        Assert.True(drill.Found.Lost + drill.Found.Doubled > 0, drill.ToString());
    }

    private static int Share(int all) => (all + Seeds - 1) / Seeds;

    private static int Number(string variable, int usual) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var given)
        && given > 0
            ? given
            : usual;
}

/// <summary>The drill on SQLite: three processes share the file.</summary>
public sealed class SqliteDrillTests(ITestOutputHelper output) : ExactnessDrillTests(output)
{
    [Fact]
    public Task Every_sample_is_there_once_with_its_final_value() => DrillAsync(StorageEngine.Sqlite, null, 0);

    [Fact]
    public Task The_naive_reader_is_found_out() => FindOutAsync(StorageEngine.Sqlite, null);
}

/// <summary>The drill on PostgreSQL, whose server crashes, too.</summary>
public sealed class PostgresDrillTests(ITestOutputHelper output) : ExactnessDrillTests(output), IAsyncLifetime
{
    private readonly PostgresCluster cluster = new() { AlwaysPrivate = true };

    public Task InitializeAsync() => cluster.InitializeAsync();

    public Task DisposeAsync() => cluster.DisposeAsync();

    [Fact]
    public Task Every_sample_is_there_once_with_its_final_value() => DrillAsync(StorageEngine.Postgres, cluster, 12);

    [Fact]
    public Task The_naive_reader_is_found_out() => FindOutAsync(StorageEngine.Postgres, cluster);
}
