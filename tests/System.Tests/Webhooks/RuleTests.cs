using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Metrics.Api.Settings;
using Metrics.Api.Webhooks;
using Metrics.Domain.Facts;
using Metrics.Storage.Engine;
using Metrics.Storage.Events;
using Metrics.SystemTests.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;
using static Metrics.SystemTests.Storage.Fleet;

namespace Metrics.SystemTests.Webhooks;

/// <summary>When joules per unit are told of: sums over sums of final hours, once a cool-down.</summary>
public sealed class RuleTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>
{
    public static TheoryData<StorageEngine> Engines { get; } = [StorageEngine.Sqlite, StorageEngine.Postgres];

    private static readonly IntensityRule Rule = new(
        "",
        "chat is dear",
        RuleKind.Threshold,
        "chat",
        "token",
        Boundary.Facility,
        RuleComparison.Above,
        24,
        4,
        null,
        60,
        true,
        default,
        default,
        null
    );

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_threshold_is_told_of_once_a_cool_down_by_the_sum_over_the_sum(StorageEngine engine)
    {
        await using var owner = await TestStorage.MigratedAsync(cluster, engine);
        await using var storage = owner.WithSimulatedClock();
        await storage.SetClockAsync(Ten.AddHours(6));
        // 1,000 J for 100 tokens, 3,000 J for 100, 2,000 J and no work, 4,000 J for 200: 10,000 J over 400 tokens are 25; the mean of the
        // ratios would be 20.
        await HoursAsync(storage, (10, 1000, 100), (11, 3000, 100), (12, 2000, 0), (13, 4000, 200));
        var rule = (await storage.Rules.UpsertAsync(Rule, default))!;
        var above = (await storage.Rules.UpsertAsync(Rule with { Threshold = 25 }, default))!;
        var server = (
            await storage.Rules.UpsertAsync(
                Rule with
                {
                    Boundary = Boundary.Server,
                    Comparison = RuleComparison.Below,
                    Threshold = 17,
                },
                default
            )
        )!;
        await storage.Rules.UpsertAsync(Rule with { Enabled = false }, default);
        await storage.Rules.UpsertAsync(Rule with { FunctionalUnit = "request" }, default);
        await storage.Rules.UpsertAsync(Rule with { Workload = "other" }, default);

        // Not before the hours are final.
        Assert.Equal(0, await storage.Rules.EvaluateAsync(default));
        await storage.Facts.FinaliseAsync(["rack"], default);
        Assert.Equal(2, await storage.Rules.EvaluateAsync(default));
        Assert.Equal(0, await storage.Rules.EvaluateAsync(default));

        var told = await EventsAsync(storage);
        Assert.All(told, one => Assert.Equal("intensity.threshold_exceeded", one.Type));
        Assert.Equal(
            $$"""
            {"rule":"{{rule.Id}}","description":"chat is dear","workload":"chat","functionalUnit":"token","boundary":"facility",
            "comparison":"above","threshold":24,"from":"2026-01-15T10:00:00Z","to":"2026-01-15T14:00:00Z","joulesPerUnit":25,
            "joules":10000,"units":400,"hours":4,
            "link":"/odata/HourlyIntensities?$filter=Workload%20eq%20'chat'%20and%20PeriodStart%20ge%202026-01-15T10:00:00Z%20and%20
            PeriodStart%20lt%202026-01-15T14:00:00Z"}
            """.ReplaceLineEndings(""),
            told.Single(one => one.Body.Contains(rule.Id, StringComparison.Ordinal)).Body
        );
        Assert.Equal(
            12.5,
            JsonDocument
                .Parse(told.Single(one => one.Body.Contains(server.Id, StringComparison.Ordinal)).Body)
                .RootElement.GetProperty("joulesPerUnit")
                .GetDouble()
        );
        Assert.DoesNotContain(told, one => one.Body.Contains(above.Id, StringComparison.Ordinal));

        // The cool-down is over, but it is the same window; with the next hour it is another, and within the cool-down it stays quiet.
        await storage.SetClockAsync(Ten.AddHours(7).AddMinutes(1));
        Assert.Equal(0, await storage.Rules.EvaluateAsync(default));
        await HoursAsync(storage, (14, 9000, 100));
        await storage.Facts.FinaliseAsync(["rack"], default);
        Assert.Equal(2, await storage.Rules.EvaluateAsync(default));
        await HoursAsync(storage, (15, 9000, 100));
        await storage.Facts.FinaliseAsync(["rack"], default);
        await storage.SetClockAsync(Ten.AddHours(8));
        Assert.Equal(0, await storage.Rules.EvaluateAsync(default));
        await storage.SetClockAsync(Ten.AddHours(8).AddMinutes(2));
        Assert.Equal(2, await storage.Rules.EvaluateAsync(default));
        // 18,000 J over 400 from 11 to 15 were 45, 24,000 J over 400 are 60.
        Assert.Equal(
            [25, 45, 60],
            (await EventsAsync(storage))
                .Where(one => one.Body.Contains(rule.Id, StringComparison.Ordinal))
                .Select(one => JsonDocument.Parse(one.Body).RootElement.GetProperty("joulesPerUnit").GetDouble())
        );
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_drift_is_set_against_the_hours_before(StorageEngine engine)
    {
        await using var owner = await TestStorage.MigratedAsync(cluster, engine);
        await using var storage = owner.WithSimulatedClock();
        await storage.SetClockAsync(Ten.AddHours(8));
        // Before: 4,000 J over 400 tokens are 10. The window: 2,600 J over 200 are 13, three tenths more.
        await HoursAsync(storage, (10, 1000, 100), (11, 1000, 100), (12, 1000, 100), (13, 1000, 100), (14, 1200, 100), (15, 1400, 100));
        await storage.Facts.FinaliseAsync(["rack"], default);
        var drift = Rule with
        {
            Kind = RuleKind.Drift,
            WindowHours = 2,
            BaselineHours = 4,
            Threshold = 0.29,
            Comparison = RuleComparison.Either,
        };
        var rule = (await storage.Rules.UpsertAsync(drift, default))!;
        await storage.Rules.UpsertAsync(drift with { Threshold = 0.31 }, default);
        await storage.Rules.UpsertAsync(drift with { Comparison = RuleComparison.Below }, default);
        // Its baseline would have to have three hours and has one.
        await storage.Rules.UpsertAsync(drift with { WindowHours = 5, BaselineHours = 5, Threshold = 0.01 }, default);

        Assert.Equal(1, await storage.Rules.EvaluateAsync(default));

        var (type, body) = Assert.Single(await EventsAsync(storage));
        var told = JsonDocument.Parse(body).RootElement;
        Assert.Equal(
            ("intensity.drifted", rule.Id, 13, 10),
            (
                type,
                told.GetProperty("rule").GetString(),
                told.GetProperty("joulesPerUnit").GetDouble(),
                told.GetProperty("baselineJoulesPerUnit").GetDouble()
            )
        );
        Assert.Equal(0.3, told.GetProperty("change").GetDouble(), 12);
        Assert.Equal(Ten, told.GetProperty("baselineFrom").GetDateTime());
    }

    [Theory]
    [InlineData(RuleKind.Threshold, RuleComparison.Above, 2, 2, null, false)]
    [InlineData(RuleKind.Threshold, RuleComparison.Above, 2, 2.1, null, true)]
    [InlineData(RuleKind.Threshold, RuleComparison.Below, 2, 1.9, null, true)]
    [InlineData(RuleKind.Threshold, RuleComparison.Below, 2, 2.1, null, false)]
    [InlineData(RuleKind.Drift, RuleComparison.Above, 0.5, 1.6, 1.0, true)]
    [InlineData(RuleKind.Drift, RuleComparison.Above, 0.5, 1.4, 1.0, false)]
    [InlineData(RuleKind.Drift, RuleComparison.Below, 0.5, 0.4, 1.0, true)]
    [InlineData(RuleKind.Drift, RuleComparison.Below, 0.5, 0.6, 1.0, false)]
    [InlineData(RuleKind.Drift, RuleComparison.Either, 0.5, 0.4, 1.0, true)]
    [InlineData(RuleKind.Drift, RuleComparison.Either, 0.5, 1.6, 1.0, true)]
    [InlineData(RuleKind.Drift, RuleComparison.Either, 0.5, 1.2, 1.0, false)]
    [InlineData(RuleKind.Drift, RuleComparison.Either, 0.5, 9, null, false)]
    [InlineData(RuleKind.Drift, RuleComparison.Either, 0.5, 9, 0.0, false)]
    public void A_rule_holds_beyond_its_threshold(
        RuleKind kind,
        RuleComparison comparison,
        double threshold,
        double value,
        double? baseline,
        bool holds
    ) => Assert.Equal(holds, (Rule with { Kind = kind, Comparison = comparison, Threshold = threshold }).Holds(value, baseline));

    [Fact]
    public async Task Rules_are_made_changed_and_deleted_and_what_cannot_be_is_refused_with_a_code()
    {
        await using var storage = await TestStorage.MigratedAsync(cluster, StorageEngine.Sqlite);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder
            .Services.AddMetricsStorage(StorageEngine.Sqlite, storage.ConnectionString)
            .AddSingleton(new MetricsSettings { Workloads = { ["chat"] = new(), ["code"] = new() } });
        await using var app = builder.Build();
        app.MapRules();
        await app.StartAsync();
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };

        var made = await AskAsync(
            HttpMethod.Post,
            "",
            new
            {
                kind = "drift",
                workload = "chat",
                functionalUnit = "output-token",
                threshold = 0.2,
            }
        );
        var id = made.Body.GetProperty("id").GetString()!;
        Assert.Equal(HttpStatusCode.Created, made.Status);
        Assert.Equal(
            ("facility", "either", 24, 168, 1440, true),
            (
                made.Body.GetProperty("boundary").GetString(),
                made.Body.GetProperty("comparison").GetString(),
                made.Body.GetProperty("windowHours").GetInt32(),
                made.Body.GetProperty("baselineHours").GetInt32(),
                made.Body.GetProperty("coolDownMinutes").GetInt32(),
                made.Body.GetProperty("enabled").GetBoolean()
            )
        );
        var changed = await AskAsync(
            HttpMethod.Patch,
            $"/{id}",
            new
            {
                workload = "code",
                comparison = "above",
                enabled = false,
            }
        );
        Assert.Equal(
            (HttpStatusCode.OK, "code", "above", 0.2, false),
            (
                changed.Status,
                changed.Body.GetProperty("workload").GetString(),
                changed.Body.GetProperty("comparison").GetString(),
                changed.Body.GetProperty("threshold").GetDouble(),
                changed.Body.GetProperty("enabled").GetBoolean()
            )
        );
        Assert.Single((await AskAsync(HttpMethod.Get, "")).Body.EnumerateArray());

        foreach (
            var (code, body) in new (string, object)[]
            {
                ("invalid_body", "text"),
                ("invalid_body", new { kind = "drift", treshold = 1 }),
                ("unknown_kind", new { workload = "chat" }),
                (
                    "unknown_workload",
                    new
                    {
                        kind = "threshold",
                        workload = "chatt",
                        functionalUnit = "output-token",
                        threshold = 1,
                    }
                ),
                ("unknown_unit", Of(new() { ["functionalUnit"] = "tokens" })),
                ("unknown_boundary", Of(new() { ["boundary"] = "rack" })),
                ("unknown_comparison", Of(new() { ["comparison"] = "either" })),
                ("invalid_threshold", Of(new() { ["threshold"] = 0 })),
                (
                    "invalid_threshold",
                    Of(
                        new()
                        {
                            ["kind"] = "drift",
                            ["comparison"] = "below",
                            ["threshold"] = 1,
                        }
                    )
                ),
                ("invalid_window", Of(new() { ["windowHours"] = 745 })),
                ("invalid_baseline", Of(new() { ["baselineHours"] = 24 })),
                (
                    "invalid_baseline",
                    Of(
                        new()
                        {
                            ["kind"] = "drift",
                            ["windowHours"] = 24,
                            ["baselineHours"] = 23,
                        }
                    )
                ),
                ("invalid_cool_down", Of(new() { ["coolDownMinutes"] = 0 })),
                ("invalid_description", Of(new() { ["description"] = "a\nb" })),
            }
        )
        {
            var (status, problem) = await AskAsync(HttpMethod.Post, "", body);
            Assert.Equal((HttpStatusCode.BadRequest, code), (status, problem.GetProperty("code").GetString()));
        }
        Assert.Equal(HttpStatusCode.NoContent, (await AskAsync(HttpMethod.Delete, $"/{id}")).Status);
        foreach (var method in new[] { HttpMethod.Get, HttpMethod.Patch, HttpMethod.Delete })
            Assert.Equal(
                (HttpStatusCode.NotFound, "not_found"),
                await AskAsync(method, $"/{id}", method == HttpMethod.Patch ? new { enabled = true } : null) is var (status, problem)
                    ? (status, problem.GetProperty("code").GetString())
                    : default
            );

        static Dictionary<string, object> Of(Dictionary<string, object> changes)
        {
            var whole = new Dictionary<string, object>
            {
                ["kind"] = "threshold",
                ["workload"] = "chat",
                ["functionalUnit"] = "output-token",
                ["threshold"] = 1.5,
            };
            foreach (var (name, value) in changes)
                whole[name] = value;
            return whole;
        }

        async Task<(HttpStatusCode Status, JsonElement Body)> AskAsync(HttpMethod method, string path, object? body = null)
        {
            using var request = new HttpRequestMessage(method, $"/api/rules{path}")
            {
                Content = body is null ? null : JsonContent.Create(body),
            };
            using var response = await client.SendAsync(request);
            var text = await response.Content.ReadAsStringAsync();
            return (response.StatusCode, text.Length == 0 ? default : JsonDocument.Parse(text).RootElement);
        }
    }

    /// <summary>Hours of the day of <see cref="Ten"/>: facility joules, of which the server has half, for tokens.</summary>
    private static async Task HoursAsync(TestStorage storage, params (int Hour, double Joules, double Tokens)[] hours)
    {
        var starts = hours.Select(one => Ten.Date.AddHours(one.Hour)).ToList();
        var read = Read([
            .. starts.Select(start => new Domain.Observations.Observation(
                Series("one"),
                Domain.Observations.Sample.At(start.AddMinutes(30), 1)
            )),
        ]) with
        {
            Watermark = starts.Max().AddHours(2),
        };
        Assert.NotNull(await storage.Log.CommitAsync(await storage.ClaimAsync(), read, default));
        foreach (var dirty in await storage.Facts.DirtyHoursAsync(1000, default))
        {
            var (_, joules, tokens) = hours.SingleOrDefault(one => Ten.Date.AddHours(one.Hour) == dirty.Hour);
            if (joules == 0)
                continue;
            await storage.Facts.ReplaceHourAsync(
                dirty,
                new([Energy(Node, dirty.Hour, null, joules / 2, joules)], [Work(dirty.Hour, tokens)], []),
                default
            );
        }
    }

    private static async Task<List<(string Type, string Body)>> EventsAsync(TestStorage storage) =>
        [
            .. (await storage.RowsAsync("SELECT type, body FROM event ORDER BY id")).Select(row =>
                (row.Split('|')[0], row[(row.IndexOf('|', StringComparison.Ordinal) + 1)..])
            ),
        ];
}
