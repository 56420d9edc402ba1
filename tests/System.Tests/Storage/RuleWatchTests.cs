using Metrics.Domain.Facts;
using Metrics.Ingestors.Pipeline;
using Metrics.Storage.Engine;
using Xunit;
using static Metrics.SystemTests.Storage.Fleet;

namespace Metrics.SystemTests.Storage;

public sealed class RuleWatchTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>
{
    private const string Told = "SELECT \"Source\", \"Subject\", \"Reason\", \"Detail\" FROM \"Rejections\" ORDER BY 2";

    private static Workload Named(string name, params Dictionary<string, string>[] rules) =>
        new(name, null, null, [.. rules.Select(labels => new WorkloadRule("rack", labels))]);

    private static async Task ReadAsync(TestStorage storage, params string[] names) =>
        await storage.Log.CommitAsync(
            await storage.ClaimAsync(),
            Read([.. names.Select(name => At(Series(name), "10:01", 1))]) with
            {
                Watermark = Ten,
            },
            default
        );

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task A_rule_that_meets_no_series_of_a_source_that_was_read_is_told_with_what_comes_nearest_until_it_does(
        StorageEngine engine
    )
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        var clock = new Clock();
        var watch = new RuleWatch(
            storage.Facts,
            [
                Named("chat", new() { ["name"] = "chat-*" }, new() { ["name"] = "LLM-?" }),
                Named("image", new Dictionary<string, string> { ["nmae"] = "image-0" }),
                Named("mixed", new Dictionary<string, string> { ["name"] = "chat-0", ["zone"] = "c" }),
                new Workload("elsewhere", null, null, [new("cloud", new Dictionary<string, string>())]),
            ],
            clock
        );
        // Nothing was read to the end of a window: nothing is known of any rule.
        await storage.CommitAsync(At(Series("chat-0"), "10:00", 1));
        await watch.CheckAsync(default);
        Assert.Empty(await storage.RowsAsync(Told));

        await ReadAsync(storage, "chat-0", "chat-1", "lm-0", "proxy", "redis");
        await watch.CheckAsync(default);

        Assert.Equal(
            [
                "rack|Metrics:Workloads:chat:Match:1|rule_matches_nothing|The workload 'chat' asks source 'rack' for name "
                    + "'LLM-?'; none of its 5 series has that; name is 'lm-0', 'chat-0', 'chat-1' and more. Until one meets it, the "
                    + "workload gets nothing by this rule: mend it if it is misspelt.",
                "rack|Metrics:Workloads:image:Match:0|rule_matches_nothing|The workload 'image' asks source 'rack' for nmae "
                    + "'image-0'; none of its 5 series has that; none has a label nmae, there are 'name', 'zone'. Until one meets it, "
                    + "the workload gets nothing by this rule: mend it if it is misspelt.",
                "rack|Metrics:Workloads:mixed:Match:0|rule_matches_nothing|The workload 'mixed' asks source 'rack' for name "
                    + "'chat-0' and zone 'c'; none of its 5 series has that; name alone is met; zone is 'b'. Until one meets it, the "
                    + "workload gets nothing by this rule: mend it if it is misspelt.",
            ],
            await storage.RowsAsync(Told)
        );

        // The series comes. It is not looked for at every tick, and within the hour it is found.
        await ReadAsync(storage, "LLM-7");
        await watch.CheckAsync(default);
        Assert.Equal(3, (await storage.RowsAsync(Told)).Count);
        clock.Now += TimeSpan.FromHours(1);
        await watch.CheckAsync(default);
        Assert.Equal(
            ["Metrics:Workloads:image:Match:0", "Metrics:Workloads:mixed:Match:0"],
            await storage.RowsAsync("SELECT \"Subject\" FROM \"Rejections\" ORDER BY 1")
        );

        // Other rules: what was wrong with the ones before is gone.
        await new RuleWatch(storage.Facts, [Named("chat", new Dictionary<string, string> { ["name"] = "*" })], clock).CheckAsync(default);
        Assert.Empty(await storage.RowsAsync(Told));
    }

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task A_source_that_was_read_and_brought_nothing_meets_no_rule(StorageEngine engine)
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, engine);
        await ReadAsync(storage);
        await new RuleWatch(storage.Facts, [Named("chat", new Dictionary<string, string>())], new Clock()).CheckAsync(default);
        Assert.Equal(
            [
                "rack|Metrics:Workloads:chat:Match:0|rule_matches_nothing|The workload 'chat' asks source 'rack' for any series; "
                    + "it has been read and has brought no series yet. Until one meets it, the workload gets nothing by this rule: mend "
                    + "it if it is misspelt.",
            ],
            await storage.RowsAsync(Told)
        );
    }

    private sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(Ten);

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
