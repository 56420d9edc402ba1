using System.Text.Json;
using Metrics.Domain.Facts;
using Metrics.Storage;
using Metrics.Storage.Tables;
using Metrics.SystemTests.Storage;
using Xunit;

namespace Metrics.SystemTests.Webhooks;

/// <summary>When a rule about an intensity tells, and when it does not.</summary>
[Collection(PostgresTests.Name)]
public sealed class AlertRuleTests(PostgresCluster cluster)
{
    private static readonly DateTime Noon = new(2026, 11, 2, 12, 0, 0, DateTimeKind.Utc);

    public static TheoryData<StorageEngine> Engines { get; } = [StorageEngine.Sqlite, StorageEngine.Postgres];

    [Theory, MemberData(nameof(Engines))]
    public async Task The_intensity_is_the_sum_over_the_sum_of_hours_that_have_both(StorageEngine engine)
    {
        await using var origin = await TestStorage.MigratedAsync(cluster, engine);
        await using var storage = origin.WithSimulatedClock();
        await storage.SetClockAsync(Noon.AddMinutes(5));
        // 300 J over 100 tokens and 10 J over 10: 310 / 110 = 2.818..., where the mean of the ratios is 2.
        // The hour without units, the one without joules, and the one that is not over yet count with neither.
        await WriteAsync(storage, "chat", (10, 300, 100), (11, 10, 10), (9, 1e6, null), (8, null, 1), (12, 1e9, 1));
        await storage.Rules.KeepAsync(Rule("threshold", "above", 2.5, window: 4), default);
        await storage.Rules.KeepAsync(Rule("threshold", "above", 2.9, window: 4), default);
        await storage.Rules.KeepAsync(Rule("threshold", "below", 2.9, window: 4), default);
        await storage.Rules.KeepAsync(Rule("threshold", "below", 2.5, window: 4), default);
        Assert.Equal(2, await storage.Rules.EvaluateAsync(default));
        var bodies = (await storage.RowsAsync("SELECT body FROM event WHERE type = 'intensity.threshold_exceeded' ORDER BY id")).Select(text => JsonDocument.Parse(text).RootElement).ToList();
        Assert.Equal([("above", 2.5), ("below", 2.9)], bodies.Select(body => (body.GetProperty("comparison").GetString()!, body.GetProperty("threshold").GetDouble())));
        Assert.All(bodies, body =>
        {
            Assert.Equal(310.0 / 110.0, body.GetProperty("joulesPerUnit").GetDouble(), 1e-12);
            Assert.Equal(("chat", 310.0, 110.0, "2026-11-02T08:00:00Z", "2026-11-02T12:00:00Z"),
                (body.GetProperty("workload").GetString(), body.GetProperty("joules").GetDouble(), body.GetProperty("units").GetDouble(), body.GetProperty("from").GetString(), body.GetProperty("to").GetString()));
        });
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task A_rule_tells_once_until_it_has_cooled_down_and_each_workload_by_itself(StorageEngine engine)
    {
        await using var origin = await TestStorage.MigratedAsync(cluster, engine);
        await using var storage = origin.WithSimulatedClock();
        await storage.SetClockAsync(Noon);
        await WriteAsync(storage, "chat", (11, 500, 100), (12, 500, 100), (13, 500, 100));
        await WriteAsync(storage, "embed", (12, 400, 100), (13, 10, 100));
        await storage.Rules.KeepAsync(Rule("threshold", "above", 3, cooldown: 90), default);
        var told = new List<string>();
        foreach (var minutes in new[] { 1, 1, 30, 61, 90, 92, 181, 200 })
        {
            await storage.SetClockAsync(Noon.AddMinutes(minutes));
            await storage.Rules.EvaluateAsync(default);
            told = await storage.RowsAsync("SELECT body FROM event ORDER BY id");
        }
        // chat at 12:01, embed at 13:01 (its hour from 12 on), chat again at 13:32 and at 15:01 no more: there is no hour from 14 on.
        Assert.Equal(["chat", "embed", "chat"], told.Select(text => JsonDocument.Parse(text).RootElement.GetProperty("workload").GetString()));
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task Drift_is_the_share_that_the_window_differs_by_from_the_time_before(StorageEngine engine)
    {
        await using var origin = await TestStorage.MigratedAsync(cluster, engine);
        await using var storage = origin.WithSimulatedClock();
        await storage.SetClockAsync(Noon.AddMinutes(5));
        await WriteAsync(storage, "chat", (8, 100, 100), (9, 300, 100), (10, 200, 100), (11, 260, 100));      // 2 J before, 2.6 J now: +30 %
        await WriteAsync(storage, "embed", (9, 100, 100), (11, 60, 100));                                    // -40 %
        await WriteAsync(storage, "new", (11, 900, 100));                                                    // nothing before
        await WriteAsync(storage, "calm", (10, 100, 100), (11, 110, 100));                                   // +10 %
        foreach (var comparison in new[] { "above", "below", "either" }) await storage.Rules.KeepAsync(Rule("drift", comparison, 0.25, workload: null), default);
        Assert.Equal(4, await storage.Rules.EvaluateAsync(default));
        var bodies = (await storage.RowsAsync("SELECT body FROM event WHERE type = 'intensity.drifted' ORDER BY id")).Select(text => JsonDocument.Parse(text).RootElement)
            .Select(body => (body.GetProperty("comparison").GetString()!, body.GetProperty("workload").GetString()!, body.GetProperty("joulesPerUnit").GetDouble(), body.GetProperty("baselineJoulesPerUnit").GetDouble()));
        Assert.Equal([("above", "chat", 2.6, 2.0), ("below", "embed", 0.6, 1.0), ("either", "chat", 2.6, 2.0), ("either", "embed", 0.6, 1.0)], bodies.OrderBy(body => body.Item1, StringComparer.Ordinal).ThenBy(body => body.Item2, StringComparer.Ordinal));
    }

    private static AlertRule Rule(string kind, string comparison, double threshold, int window = 1, int cooldown = 60, string? workload = null) =>
        new(0, "a rule", kind, workload, "output-token", "server", comparison, threshold, window, 24, cooldown, true, default);

    private static async Task WriteAsync(TestStorage storage, string workload, params (int Hour, double? Joules, double? Units)[] hours)
    {
        await using var context = storage.Context();
        var id = workload.Sum(letter => letter);
        context.Add(new WorkloadRow { Name = workload });
        if (!context.Set<PlaceRow>().Any()) context.Add(new PlaceRow { Name = "onprem/dc-1", Provider = "onprem", Region = "dc-1" });
        context.Add(new DeploymentRow { Id = id, Workload = workload, Place = "onprem/dc-1" });
        foreach (var (hour, joules, units) in hours)
        {
            var start = Noon.Date.AddHours(hour);
            context.Add(new IntensityHourRow
            {
                DeploymentId = id, FunctionalUnit = "output-token", PeriodStart = start, PeriodEnd = start.AddHours(1), Date = DateOnly.FromDateTime(start), DateKey = 20261102,
                Units = units, ServerJoules = joules, KnownJoules = joules, Evidence = Evidence.Measured, RecomputedAt = start.AddHours(1),
            });
        }
        await context.SaveChangesAsync();
    }
}
