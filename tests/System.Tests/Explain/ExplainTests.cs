using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Metrics.Api.Explain;
using Metrics.Api.Http;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Ingestors.Pipeline;
using Metrics.Ingestors.Providers;
using Metrics.Storage.Engine;
using Metrics.SystemTests.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Metrics.SystemTests.Explain;

/// <summary>
/// A machine of 900 W with two boards, one of 300 W that serves chat and one of 200 W that serves code; chat generates 600
/// tokens a minute. Of the 400 W beside the boards each has the half, so that chat has 500 W x 3600 s x 1.4 / 36000 tokens = 70 J a token.
/// </summary>
public sealed class ExplainTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>
{
    private const string Hour = "FunctionalUnit='output-token',PeriodStart=2026-01-15T10:00:00Z";
    private static readonly DateTime Ten = new(2026, 1, 15, 10, 0, 0, DateTimeKind.Utc);
    private static readonly Place Hall = new("onprem/dc-1", "DE", 1.4);
    private static readonly Workload Chat = new(
        "chat",
        "org/model",
        "fp8",
        [new WorkloadRule("rack", new Dictionary<string, string> { ["pod"] = "llm-*" })]
    );
    private static readonly Workload Code = new(
        "code",
        "org/small",
        "bf16",
        [new WorkloadRule("rack", new Dictionary<string, string> { ["pod"] = "code-*" })]
    );
    private static readonly string Id = new Deployment(Chat, Hall).Id.ToString(CultureInfo.InvariantCulture);

    public static TheoryData<StorageEngine> Engines { get; } = [StorageEngine.Sqlite, StorageEngine.Postgres];

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_person_makes_the_row_again_from_the_answer_alone(StorageEngine engine)
    {
        await using var service = await ExplainService.StartAsync(cluster, engine);

        var answer = await service.AskAsync($"HourlyIntensities&key=DeploymentId={Id},{Hour}");

        var row = answer.GetProperty("row");
        Assert.Equal(36_000, row.GetProperty("Units").GetDouble(), 1e-6);
        Assert.Equal(70, row.GetProperty("JoulesPerUnit").GetDouble(), 1e-9);
        // 2.52 MJ are 0.7 kWh, and 350 g each are 245 g; of the 10 g an hour of the machine's making the half: 250 g for 36,000 tokens.
        Assert.Equal(250 / 36_000.0, row.GetProperty("SciGramsPerUnit").GetDouble(), 1e-12);
        var (joulesPerUnit, gramsPerUnit) = ByHand(answer);
        Assert.Equal(row.GetProperty("JoulesPerUnit").GetDouble(), joulesPerUnit, 1e-9);
        Assert.Equal(row.GetProperty("SciGramsPerUnit").GetDouble(), gramsPerUnit, 1e-9);

        var check = answer.GetProperty("check");
        Assert.Equal(
            (true, false, 0),
            (
                check.GetProperty("equal").GetBoolean(),
                check.GetProperty("dirty").GetBoolean(),
                check.GetProperty("differences").GetArrayLength()
            )
        );
        // The formulas end in the row's own numbers.
        Assert.Equal(row.GetProperty("JoulesPerUnit").GetDouble(), Last(answer, "JoulesPerUnit"), 1e-12);
        Assert.Equal(row.GetProperty("SciGramsPerUnit").GetDouble(), Last(answer, "SciGramsPerUnit"), 1e-12);
        Assert.Contains(answer.GetProperty("formulas").EnumerateArray(), formula =>
            formula.GetProperty("text").GetString()
            == "FacilityJoules = ServerJoules x 1.4 (PUE) = 1800000 x 1.4 (PUE) = 2520000, by pue:onprem/dc-1@config"
        );

        var machine = answer
            .GetProperty("cover")
            .EnumerateArray()
            .First(cover => cover.GetProperty("resource").GetProperty("name").GetString() == "node-a");
        Assert.Equal(
            "ServerJoules = (270000) - 150000 of its accelerators, which have facts of their own = 120000",
            machine.GetProperty("text").GetString()
        );
        Assert.Equal(
            "from 270000 x 0.95 = 256500 J to 270000 x 1.05 = 283500 J, by the accuracy of such meters",
            machine.GetProperty("bounds").GetString()
        );

        static double Last(JsonElement answer, string name) =>
            double.Parse(
                answer
                    .GetProperty("formulas")
                    .EnumerateArray()
                    .Single(formula => formula.GetProperty("name").GetString() == name)
                    .GetProperty("text")
                    .GetString()!
                    .Split(" = ")[^1],
                CultureInfo.InvariantCulture
            );
    }

    /// <summary>The check says equal of what it compared, and it compares every number that the row tells.</summary>
    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_number_that_is_changed_in_the_store_is_seen_whichever_it_is(StorageEngine engine)
    {
        await using var service = await ExplainService.StartAsync(cluster, engine);
        var node = new Resource("node", "node-a", null, null, Hall).Id.ToString(CultureInfo.InvariantCulture);
        var day = Hour.Replace("T10:00:00Z", "T00:00:00Z", StringComparison.Ordinal);
        (string Table, string Question, MeasureHolders Holder)[] rows =
        [
            ("intensity_hours", $"HourlyIntensities&key=DeploymentId={Id},{Hour}", MeasureHolders.Periods),
            ("intensity_days", $"DailyIntensities&key=DeploymentId={Id},{day}", MeasureHolders.Periods),
            (
                "intensity_days",
                $"MonthlyIntensities&key=DeploymentId={Id},{day.Replace("01-15", "01-01", StringComparison.Ordinal)}",
                MeasureHolders.Periods
            ),
            (
                "energy_facts",
                $"EnergyFacts&key=EnergyFacts(DeploymentId={Id},ResourceId={node},PeriodStart=2026-01-15T10:25:00Z)",
                MeasureHolders.Facts
            ),
        ];
        foreach (var (table, question, holder) in rows)
        {
            Assert.Equal("", await Differences());
            foreach (var measure in Measures.HeldBy(holder))
            {
                // What is not told itself is told as a part of a ratio.
                string[] numbers = measure.Name switch
                {
                    "KnownJoules" or "MeasuredJoules" => ["MeasuredShare"],
                    // Nothing tells the load of these boards: there is no idle share to be wrong.
                    "IdleOfJoules" => [],
                    "CoveredSeconds" => ["Coverage"],
                    "MatchedLowFacilityJoules" => ["LowJoulesPerUnit"],
                    "MatchedHighFacilityJoules" => ["HighJoulesPerUnit"],
                    "FacilityMatchedSeconds" => ["Coverage"],
                    // What only comparisons and rankings are made of.
                    _ when holder == MeasureHolders.Periods && (measure.Exposed & holder) == 0 => [],
                    _ => [measure.Name],
                };
                if (numbers.Length == 0)
                    continue;
                // Kept aside by hand: the same bits come back.
                await service.Storage.ExecuteAsync("DROP TABLE IF EXISTS kept");
                await service.Storage.ExecuteAsync($"CREATE TABLE kept AS SELECT * FROM {table}");
                await service.Storage.ExecuteAsync($"UPDATE {table} SET {measure.Column} = COALESCE({measure.Column}, 0) * 1.5 + 1");
                var differences = await Differences();
                Assert.All(numbers, number => Assert.Contains($"{number}: stored ", differences, StringComparison.Ordinal));
                await service.Storage.ExecuteAsync($"DELETE FROM {table}");
                await service.Storage.ExecuteAsync($"INSERT INTO {table} SELECT * FROM kept");
            }
            await service.Storage.ExecuteAsync("DROP TABLE kept");

            async Task<string> Differences()
            {
                var check = (await service.AskAsync(question)).GetProperty("check");
                Assert.Equal(check.GetProperty("equal").GetBoolean(), check.GetProperty("differences").GetArrayLength() == 0);
                return string.Join('\n', check.GetProperty("differences").EnumerateArray().Select(line => line.GetString()));
            }
        }
    }

    /// <summary>
    /// The same boards in a machine that nobody meters: eight virtual CPUs of Skylake (0.65 W at rest, 4.26 W at full load) and 64 GB
    /// (0.392 W each). At a load of 0.4 it draws
    /// 8 x 2.094 W + 25.088 W = 41.84 W, of which chat, with one board of two, has the half; at the usual load of one half 8 x 2.455 W +
    /// 25.088 W = 44.728 W.
    /// </summary>
    [Theory]
    [InlineData(StorageEngine.Sqlite, true)]
    [InlineData(StorageEngine.Sqlite, false)]
    [InlineData(StorageEngine.Postgres, true)]
    public async Task A_person_makes_the_row_of_a_modelled_host_again_from_the_answer_alone(StorageEngine engine, bool loaded)
    {
        await using var service = await ExplainService.StartAsync(cluster, engine, observations: ExplainService.Unmetered(loaded));

        var answer = await service.AskAsync($"HourlyIntensities&key=DeploymentId={Id},{Hour}");

        var row = answer.GetProperty("row");
        Assert.Equal((loaded ? 1_155_312 : 1_160_510.4) * 1.4 / 36_000, row.GetProperty("JoulesPerUnit").GetDouble(), 1e-9);
        Assert.True(answer.GetProperty("check").GetProperty("equal").GetBoolean(), answer.GetProperty("check").GetRawText());
        Assert.Equal(row.GetProperty("JoulesPerUnit").GetDouble(), Modelled(answer), 1e-9);
        // No label of the boards names their model: the type of their machine does.
        Assert.Equal("H100 80GB HBM3, box", row.GetProperty("Hardware").GetString());

        var host = answer
            .GetProperty("cover")
            .EnumerateArray()
            .Single(cover =>
                cover.GetProperty("resource").GetProperty("name").GetString() == "node-a"
                && cover.GetProperty("periodStart").GetDateTime().ToUniversalTime() == Ten
            );
        Assert.Equal(
            loaded
                ? "ServerJoules = (8 vCPU x (0.65 W + 0.4 x (4.26 W - 0.65 W)) + 64 GB x 0.392 W) x 300 s = 12552.000000000002, "
                    + "without accelerators; the load is 120 s at full load / 300 s = 0.4; by server:any/box@test and vcpu:Skylake@2024"
                : "ServerJoules = (8 vCPU x (0.65 W + 0.5 x (4.26 W - 0.65 W)) + 64 GB x 0.392 W) x 300 s = 13418.4, without "
                    + "accelerators; the load 0.5 is the usual one (host_load:0.5@ccf-2024), because nothing tells how busy the host "
                    + "was and all its accelerators are read; by server:any/box@test and vcpu:Skylake@2024",
            host.GetProperty("text").GetString()
        );
        Assert.Equal(
            "at rest (8 vCPU x 0.65 W + 64 GB x 0.392 W) x 300 s = 9086.4 J, at full load (8 vCPU x 4.26 W + 64 GB x 0.392 W) x "
                + "300 s = 17750.4 J",
            host.GetProperty("bounds").GetString()
        );
        Assert.Equal(
            "EmbodiedGrams = 0: its accelerators carry the making of the whole machine, in equal parts",
            host.GetProperty("embodied").GetString()
        );
        Assert.Equal(
            "IdleJoules of chat = 0: work was done in the period, and nothing tells the load",
            answer
                .GetProperty("cover")
                .EnumerateArray()
                .Select(cover => cover.GetProperty("idle").GetString())
                .First(idle => idle?.Contains("chat", StringComparison.Ordinal) == true)
        );
        var board = answer.GetProperty("cover").EnumerateArray().First(cover => cover.GetProperty("cover").GetString() == "accelerator");
        // 350,400 g for four years are 10 g an hour, 0.8333 g in five minutes.
        Assert.Equal(
            "EmbodiedGrams = 350400 g (TE x RR / ToR) x 300 s / 126144000 s (TiR / EL) = 0.8333333333333334, / 2 accelerators = "
                + "0.4166666666666667, by server:any/box@test",
            board.GetProperty("embodied").GetString()
        );
        Assert.Equal(
            "the time that it held accelerators of the machine: 300 s of 600 s",
            answer
                .GetProperty("shares")
                .EnumerateArray()
                .First(share => share.GetProperty("resource").GetProperty("name").GetString() == "node-a")
                .GetProperty("by")
                .GetString()
        );
        Assert.Equal(
            "8 vCPU Skylake, 64 GB, 2 x H100 80GB HBM3, 350.4 kg embodied in what is reserved, over 4 years (given)",
            answer
                .GetProperty("factors")
                .EnumerateArray()
                .Single(factor => factor.GetProperty("name").GetString() == "server:any/box@test")
                .GetProperty("text")
                .GetString()
        );
        if (!loaded)
            Assert.Equal(
                0.5,
                answer
                    .GetProperty("factors")
                    .EnumerateArray()
                    .Single(factor => factor.GetProperty("name").GetString() == "host_load:0.5@ccf-2024")
                    .GetProperty("value")
                    .GetDouble()
            );

        // From the readings, the factors and the shares alone, as docs/explain.md says: the words above are for people.
        static double Modelled(JsonElement answer)
        {
            var used = answer.GetProperty("readings").EnumerateArray().Where(reading => reading.GetProperty("used").GetBoolean()).ToList();
            var (server, cpu) = (Numbers(answer, "server:"), Numbers(answer, "vcpu:"));
            double joules = 0;
            foreach (
                var share in answer
                    .GetProperty("shares")
                    .EnumerateArray()
                    .Where(share => share.GetProperty("workload").GetString() == "chat")
            )
            {
                var own = used.Where(reading =>
                        reading.GetProperty("resource") is { ValueKind: JsonValueKind.Object } resource
                        && resource.GetProperty("id").GetString() == share.GetProperty("resource").GetProperty("id").GetString()
                        && reading.GetProperty("periodStart").GetDateTime() == share.GetProperty("periodStart").GetDateTime()
                    )
                    .ToList();
                var all = own.Any(reading => reading.GetProperty("unit").GetString() == "J")
                    ? own.Sum(reading => reading.GetProperty("amount").GetDouble())
                    : 300
                        * (
                            server[0]
                                * (
                                    cpu[0]
                                    + (
                                        own is [var load]
                                            ? load.GetProperty("amount").GetDouble() / load.GetProperty("seconds").GetDouble()
                                            : 0.5
                                    ) * (cpu[1] - cpu[0])
                                )
                            + server[1] * 0.392
                        );
                joules += all * share.GetProperty("share").GetDouble();
            }
            var units = used.Where(reading => reading.GetProperty("unit").GetString() == "output-token")
                .Sum(reading => reading.GetProperty("amount").GetDouble());
            return joules * 1.4 / units;
        }

        static double[] Numbers(JsonElement answer, string prefix) =>
            [
                .. answer
                    .GetProperty("factors")
                    .EnumerateArray()
                    .Single(factor => factor.GetProperty("name").GetString()!.StartsWith(prefix, StringComparison.Ordinal))
                    .GetProperty("text")
                    .GetString()!
                    .Split(", ")
                    .Select(part => double.Parse(part.Split(' ')[0], CultureInfo.InvariantCulture))
                    .Take(2),
            ];
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_sample_that_was_tampered_with_shows(StorageEngine engine)
    {
        await using var service = await ExplainService.StartAsync(cluster, engine);
        var before = await service.AskAsync($"HourlyIntensities&key=DeploymentId={Id},{Hour}");

        // Half the watts of the machine at half past ten, as a person at the database would write it.
        await service.Storage.ExecuteAsync(
            "UPDATE samples SET value = 450 WHERE value = 900 AND start = "
                + $"{(engine == StorageEngine.Sqlite ? "1768473000000000" : "'2026-01-15T10:30:00Z'")}"
        );
        var after = await service.AskAsync($"HourlyIntensities&key=DeploymentId={Id},{Hour}");

        var check = after.GetProperty("check");
        Assert.False(check.GetProperty("equal").GetBoolean());
        Assert.Contains(check.GetProperty("differences").EnumerateArray(), words =>
            words.GetString()!.StartsWith("ServerJoules: stored 1800000, made again ", StringComparison.Ordinal)
        );
        Assert.Equal(
            "Samples or factors are others than when the row was made, and no recompute was asked for since.",
            check.GetProperty("note").GetString()
        );
        Assert.NotEqual(after.GetProperty("row").GetProperty("JoulesPerUnit").GetDouble(), ByHand(after).JoulesPerUnit, 1e-9);
        Assert.NotEqual(Sha(before, "ipmi_dcmi_power_consumption_watts"), Sha(after, "ipmi_dcmi_power_consumption_watts"));
        Assert.Equal(Sha(before, "vllm:generation_tokens_total"), Sha(after, "vllm:generation_tokens_total"));
    }

    /// <summary>A counter that shows zero once, a board that says that it draws a gigawatt, and an engine that a second job tells
    /// again.</summary>
    [Theory(DisplayName = "The rules that acted are told by name, with the numbers that they compared")]
    [MemberData(nameof(Engines))]
    public async Task Rules(StorageEngine engine)
    {
        var half = Ten.AddMinutes(30);
        var faulty = ExplainService
            .Observations()
            .Select(observation =>
                (observation.Series.Metric, observation.Sample.Start == half) switch
                {
                    ("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", true) when observation.Series.Labels["UUID"] == "GPU-0" => observation with
                    {
                        Sample = Sample.At(half, 0),
                    },
                    ("DCGM_FI_DEV_POWER_USAGE", true) when observation.Series.Labels["UUID"] == "GPU-1" => observation with
                    {
                        Sample = Sample.At(half, 1e9),
                    },
                    _ => observation,
                }
            )
            .Concat(
                Enumerable
                    .Range(-10, 80)
                    .Select(minute => new Observation(
                        new Series(
                            "rack",
                            "prometheus",
                            Tokens.Metric,
                            Labels.Of(("pod", "llm-0"), ("model_name", "org/model"), ("job", "second"))
                        ),
                        Sample.At(Ten.AddMinutes(minute + 0.5), (minute + 10.5) * 600)
                    ))
            );
        await using var service = await ExplainService.StartAsync(cluster, engine, observations: faulty);

        var answer = await service.AskAsync($"HourlyIntensities&key=DeploymentId={Id},{Hour}");

        // As without any of it: the glitch is bridged, the other meter of the board stands in, and work counts once.
        Assert.Equal(70, answer.GetProperty("row").GetProperty("JoulesPerUnit").GetDouble(), 1e-6);
        var rules = answer
            .GetProperty("rules")
            .EnumerateArray()
            .Select(rule =>
                $"{rule.GetProperty("rule").GetString()} {rule.GetProperty("subject").GetString()}: {rule.GetProperty("text").GetString()}"
            )
            .ToList();
        Assert.Contains(rules, rule =>
            rule.StartsWith("glitch DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{", StringComparison.Ordinal)
            && rule.Contains("showed 0 and came back", StringComparison.Ordinal)
        );
        Assert.Contains(rules, rule =>
            rule.StartsWith("implausible_value DCGM_FI_DEV_POWER_USAGE{", StringComparison.Ordinal)
            && rule.Contains("1000000000", StringComparison.Ordinal)
        );
        Assert.Contains(rules, rule =>
            rule.StartsWith("told_twice vllm:generation_tokens_total{", StringComparison.Ordinal)
            && rule.Contains("counts once", StringComparison.Ordinal)
        );
        // The control: of an hour in which nothing was wrong none is told.
        await using var sound = await ExplainService.StartAsync(cluster, engine);
        Assert.Empty((await sound.AskAsync($"HourlyIntensities&key=DeploymentId={Id},{Hour}")).GetProperty("rules").EnumerateArray());
    }

    [Fact]
    public async Task An_hour_with_newer_samples_is_told_as_dirty()
    {
        await using var service = await ExplainService.StartAsync(cluster, StorageEngine.Sqlite);
        await service.Storage.CommitAsync(new Observation(Watts, Sample.At(Ten.AddMinutes(30.5), 700)));

        var check = (await service.AskAsync($"HourlyIntensities&key=DeploymentId={Id},{Hour}")).GetProperty("check");

        Assert.Equal((false, true), (check.GetProperty("equal").GetBoolean(), check.GetProperty("dirty").GetBoolean()));
        Assert.Equal(
            "Samples of the period came after the row was made. It is made again by the worker, and then both are the same.",
            check.GetProperty("note").GetString()
        );
    }

    [Fact]
    public async Task Every_series_is_told_with_its_mapping_and_a_hash_that_anybody_can_make()
    {
        await using var service = await ExplainService.StartAsync(cluster, StorageEngine.Sqlite);

        var answer = await service.AskAsync($"HourlyIntensities&key=DeploymentId={Id},{Hour}");

        var tokens = Source(answer, "vllm:generation_tokens_total");
        Assert.Equal(
            ("rack", "llm-0", "prometheus/vllm-output-tokens@1", "Cumulative", "output-token"),
            (
                tokens.GetProperty("source").GetString(),
                tokens.GetProperty("labels").GetProperty("pod").GetString(),
                tokens.GetProperty("mapping").GetProperty("name").GetString(),
                tokens.GetProperty("mapping").GetProperty("kind").GetString(),
                tokens.GetProperty("mapping").GetProperty("functionalUnit").GetString()
            )
        );
        // From ten minutes before the hour to ten after it, one a minute.
        Assert.Equal(
            (81, 0, 48_000),
            (
                tokens.GetProperty("samples").GetInt32(),
                tokens.GetProperty("first").GetProperty("value").GetDouble(),
                tokens.GetProperty("last").GetProperty("value").GetDouble()
            )
        );
        var lines = string.Concat(Enumerable.Range(-10, 81).Select(minute => $"{At(minute)} {At(minute)} {(minute + 10) * 600}\n"));
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(lines))), tokens.GetProperty("sha256").GetString());

        // The board's power is told twice: its counter is taken, and the gauge says why it is not.
        var gauge = Source(answer, "DCGM_FI_DEV_POWER_USAGE").GetProperty("number").GetInt32();
        var unused = answer
            .GetProperty("readings")
            .EnumerateArray()
            .Where(reading => reading.GetProperty("source").GetInt32() == gauge)
            .ToList();
        Assert.NotEmpty(unused);
        Assert.All(unused, reading =>
            Assert.Equal(
                (false, "the accelerator is told by prometheus/dcgm-energy, which has the better evidence or covers more of the period"),
                (reading.GetProperty("used").GetBoolean(), reading.GetProperty("why").GetString())
            )
        );
        // A machine is told whole, its cover in words with the numbers.
        Assert.Contains(answer.GetProperty("cover").EnumerateArray(), cover =>
            cover.GetProperty("text").GetString()
            == "ServerJoules = (270000) - 150000 of its accelerators, which have facts of their own = 120000"
        );
        Assert.Equal(
            ["chat 0.5", "code 0.5"],
            answer
                .GetProperty("shares")
                .EnumerateArray()
                .Where(share =>
                    share.GetProperty("resource").GetProperty("name").GetString() == "node-a"
                    && share.GetProperty("periodStart").GetDateTime() == Ten
                )
                .Select(share =>
                    $"{share.GetProperty("workload").GetString()} "
                    + $"{share.GetProperty("share").GetDouble().ToString(CultureInfo.InvariantCulture)}"
                )
        );
        var grid = answer
            .GetProperty("factors")
            .EnumerateArray()
            .Single(factor => factor.GetProperty("name").GetString() == "grid_intensity:onprem/dc-1:location_average@test");
        Assert.Equal(
            (350, "g/kWh", "a bill", "CC0-1.0", "2025"),
            (
                grid.GetProperty("value").GetDouble(),
                grid.GetProperty("unit").GetString(),
                grid.GetProperty("source").GetString(),
                grid.GetProperty("licence").GetString(),
                grid.GetProperty("vintage").GetString()
            )
        );

        static string At(int minute) => Ten.AddMinutes(minute).ToString("yyyy-MM-dd'T'HH:mm:ss'.000000Z'", CultureInfo.InvariantCulture);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_day_and_a_month_are_told_by_hours_that_can_be_explained(StorageEngine engine)
    {
        await using var service = await ExplainService.StartAsync(cluster, engine);

        foreach (var (set, start) in new[] { ("DailyIntensities", "2026-01-15"), ("MonthlyIntensities", "2026-01-01") })
        {
            var answer = await service.AskAsync(
                $"{set}&key=(DeploymentId={Id},FunctionalUnit='output-token',PeriodStart={start}T00:00:00Z)"
            );
            Assert.True(answer.GetProperty("check").GetProperty("equal").GetBoolean(), answer.GetProperty("check").GetRawText());
            // The minutes before ten and after eleven are hours of their own.
            Assert.Equal(
                [9, 10, 11],
                answer
                    .GetProperty("hours")
                    .EnumerateArray()
                    .Select(hour => hour.GetProperty("periodStart").GetDateTime().ToUniversalTime().Hour)
            );
            var facility = Sum("matchedFacilityJoules");
            Assert.Equal(48_000, Sum("units"), 1e-6);
            Assert.Equal(answer.GetProperty("row").GetProperty("JoulesPerUnit").GetDouble(), facility / Sum("facilityMatchedUnits"), 1e-9);

            double Sum(string name) =>
                answer
                    .GetProperty("hours")
                    .EnumerateArray()
                    .Sum(hour => hour.GetProperty(name) is { ValueKind: JsonValueKind.Number } known ? known.GetDouble() : 0);

            var hour = await service.AskAsync(
                $"HourlyIntensities&key={Uri.EscapeDataString(answer.GetProperty("hours")[1].GetProperty("key").GetString()!)}"
            );
            Assert.Equal(70, hour.GetProperty("row").GetProperty("JoulesPerUnit").GetDouble(), 1e-9);
        }
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task One_energy_fact_is_told_with_its_own_readings_alone(StorageEngine engine)
    {
        await using var service = await ExplainService.StartAsync(cluster, engine);
        var node = new Resource("node", "node-a", null, null, Hall).Id.ToString(CultureInfo.InvariantCulture);

        var answer = await service.AskAsync(
            $"EnergyFacts&key=EnergyFacts(DeploymentId={Id},ResourceId={node},PeriodStart=2026-01-15T10:25:00Z)"
        );

        Assert.Equal(60_000, answer.GetProperty("row").GetProperty("ServerJoules").GetDouble(), 1e-6);
        Assert.True(answer.GetProperty("check").GetProperty("equal").GetBoolean(), answer.GetProperty("check").GetRawText());
        Assert.Single(answer.GetProperty("facts").EnumerateArray());
        Assert.All(answer.GetProperty("readings").EnumerateArray(), reading =>
            Assert.Equal(Ten.AddMinutes(25), reading.GetProperty("periodStart").GetDateTime().ToUniversalTime())
        );
    }

    [Fact]
    public async Task What_is_too_much_to_tell_is_cut_and_counted()
    {
        await using var service = await ExplainService.StartAsync(cluster, StorageEngine.Sqlite, grain: TimeSpan.FromSeconds(1));

        var answer = await service.AskAsync($"HourlyIntensities&key=DeploymentId={Id},{Hour}");

        // 3600 periods: six series, two facts of chat, three resources, one of them shared by two workloads.
        Assert.Equal(
            "cover 5800, facts 2200, readings 11600, shares 9400",
            string.Join(
                ", ",
                answer
                    .GetProperty("leftOut")
                    .EnumerateObject()
                    .OrderBy(list => list.Name, StringComparer.Ordinal)
                    .Select(list => $"{list.Name} {list.Value.GetInt32()}")
            )
        );
        Assert.Equal((10_000, 5_000), (answer.GetProperty("readings").GetArrayLength(), answer.GetProperty("facts").GetArrayLength()));
        Assert.True(answer.GetProperty("check").GetProperty("equal").GetBoolean(), answer.GetProperty("check").GetRawText());
        Assert.EndsWith(
            " + ... (3540 more) = 1800000",
            answer
                .GetProperty("formulas")
                .EnumerateArray()
                .Single(formula => formula.GetProperty("name").GetString() == "ServerJoules")
                .GetProperty("text")
                .GetString(),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData(
        "",
        400,
        "'set' is missing: name the entity set of the row. Sets are: HourlyIntensities, DailyIntensities, MonthlyIntensities, EnergyFacts."
    )]
    [InlineData("", 400, "'key' is missing: give the key of the row as OData writes it")]
    [InlineData("set=Runs&key=Id=5", 400, "'Runs' has no explanation.")]
    [InlineData(
        "set=HourlyIntensities&key=DeploymentId=x,Functional='a'",
        400,
        "'Functional' is not part of the key of HourlyIntensities. Its key is: DeploymentId, FunctionalUnit, PeriodStart."
    )]
    [InlineData("set=HourlyIntensities&key=DeploymentId=x,Functional='a'", 400, "DeploymentId 'x' is not a whole number.")]
    [InlineData("set=HourlyIntensities&key=DeploymentId=x,Functional='a'", 400, "The key has no PeriodStart.")]
    [InlineData(
        "set=HourlyIntensities&key=DeploymentId=5,FunctionalUnit=request,PeriodStart=2026-02-01T00:00:00Z",
        400,
        "FunctionalUnit is a text: write FunctionalUnit='request'."
    )]
    [InlineData(
        "set=HourlyIntensities&key=DeploymentId=5,FunctionalUnit='request',PeriodStart=2026-02-01T00:00:00",
        400,
        "PeriodStart '2026-02-01T00:00:00' is not a time."
    )]
    [InlineData(
        "set=HourlyIntensities&key=DeploymentId=5,DeploymentId=6,FunctionalUnit='request',PeriodStart=2026-02-01T00:00:00Z",
        400,
        "The key has DeploymentId 2 times"
    )]
    [InlineData(
        "set=HourlyIntensities&key=5",
        400,
        "The key cannot be read from '5' on: write name=value, separated by commas, texts in single quotes."
    )]
    [InlineData("set=HourlyIntensities&set=Runs&key=5", 400, "'set' is given 2 times; give it once.")]
    [InlineData("set=HourlyIntensities&key=5&format=xml", 400, "'format' is not a parameter. Parameters are: set, key.")]
    [InlineData(
        "set=HourlyIntensities&key=DeploymentId=5,FunctionalUnit='request',PeriodStart=2026-02-01T00:00:00Z",
        404,
        "HourlyIntensities has no row with the key DeploymentId=5,FunctionalUnit='request',PeriodStart=2026-02-01T00:00:00Z."
    )]
    [InlineData(
        "set=EnergyFacts&key=DeploymentId=5,ResourceId=6,PeriodStart=2026-02-01T00:00:00Z",
        404,
        "EnergyFacts has no row with the key DeploymentId=5,ResourceId=6,PeriodStart=2026-02-01T00:00:00Z."
    )]
    public async Task What_cannot_be_explained_is_refused_with_what_would_be_right(string query, int status, string words)
    {
        await using var service = await ExplainService.StartAsync(cluster, StorageEngine.Sqlite, empty: true);

        using var response = await service.Client.GetAsync($"/api/explain?{query}");
        var text = await response.Content.ReadAsStringAsync();

        Assert.True(status == (int)response.StatusCode, text);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
        Assert.Contains(words, JsonDocument.Parse(text).RootElement.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unknown_key_with_a_quote_in_it_is_not_found_and_nothing_else()
    {
        await using var service = await ExplainService.StartAsync(cluster, StorageEngine.Sqlite, empty: true);

        using var response = await service.Client.GetAsync(
            "/api/explain?set=HourlyIntensities&key=DeploymentId=5,FunctionalUnit='o''neil'' OR 1=1 --',PeriodStart=2026-02-01T00:00:00Z"
        );

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    /// <summary>The row's two ratios from nothing but what the answer says: readings that were used, shares, factors.</summary>
    private static (double JoulesPerUnit, double GramsPerUnit) ByHand(JsonElement answer)
    {
        var used = answer.GetProperty("readings").EnumerateArray().Where(reading => reading.GetProperty("used").GetBoolean()).ToList();
        var units = used.Where(reading => reading.GetProperty("unit").GetString() == "output-token")
            .Sum(reading => reading.GetProperty("amount").GetDouble());
        double server = 0;
        foreach (
            var period in used.Where(reading => reading.GetProperty("unit").GetString() == "J")
                .GroupBy(reading => reading.GetProperty("periodStart").GetDateTime())
        )
        {
            var boards = period
                .Where(reading => reading.GetProperty("component").GetString() == "accelerator")
                .GroupBy(reading => reading.GetProperty("resource").GetProperty("id").GetString()!)
                .ToDictionary(board => board.Key, board => board.Sum(reading => reading.GetProperty("amount").GetDouble()));
            var machine = period.Where(reading => reading.GetProperty("component").GetString() == "node").ToList();
            foreach (var (board, joules) in boards)
                server += joules * Share(board, period.Key);
            server +=
                (machine.Sum(reading => reading.GetProperty("amount").GetDouble()) - boards.Values.Sum())
                * Share(machine[0].GetProperty("resource").GetProperty("id").GetString()!, period.Key);
        }
        var facility = server * Factor("pue:");
        var operational = facility / 3_600_000 * Factor("grid_intensity:");
        var embodied = answer.GetProperty("facts").EnumerateArray().Sum(fact => fact.GetProperty("embodiedGrams").GetDouble());
        return (facility / units, (operational + embodied) / units);

        double Share(string resource, DateTime start) =>
            answer
                .GetProperty("shares")
                .EnumerateArray()
                .Where(share =>
                    share.GetProperty("workload").GetString() == "chat"
                    && share.GetProperty("resource").GetProperty("id").GetString() == resource
                    && share.GetProperty("periodStart").GetDateTime() == start
                )
                .Sum(share => share.GetProperty("share").GetDouble());
        double Factor(string prefix) =>
            answer
                .GetProperty("factors")
                .EnumerateArray()
                .Single(factor => factor.GetProperty("name").GetString()!.StartsWith(prefix, StringComparison.Ordinal))
                .GetProperty("value")
                .GetDouble();
    }

    private static JsonElement Source(JsonElement answer, string metric) =>
        answer.GetProperty("sources").EnumerateArray().First(source => source.GetProperty("metric").GetString() == metric);

    private static string? Sha(JsonElement answer, string metric) => Source(answer, metric).GetProperty("sha256").GetString();

    private static readonly Series Tokens = new(
        "rack",
        "prometheus",
        "vllm:generation_tokens_total",
        Labels.Of(("pod", "llm-0"), ("model_name", "org/model"))
    );

    private static readonly Series Watts = new(
        "rack",
        "prometheus",
        "ipmi_dcmi_power_consumption_watts",
        Labels.Of(("instance", "node-a:9290"))
    );

    /// <summary><c>/api/explain</c> over one store with that machine in it, on a port of its own.</summary>
    private sealed class ExplainService : IAsyncDisposable
    {
        private readonly WebApplication app;

        private ExplainService(WebApplication app, TestStorage storage)
        {
            (this.app, Storage) = (app, storage);
            Client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
        }

        public HttpClient Client { get; }

        public TestStorage Storage { get; }

        public static async Task<ExplainService> StartAsync(
            PostgresCluster cluster,
            StorageEngine engine,
            bool empty = false,
            TimeSpan? grain = null,
            IEnumerable<Observation>? observations = null
        )
        {
            var storage = await TestStorage.MigratedAsync(cluster, engine);
            var book = FactorBook.Published.With(
                [
                    new Factor
                    {
                        Kind = FactorKind.GridIntensity,
                        Place = Hall.Name,
                        Method = FactorMethod.LocationAverage,
                        Value = 350,
                        Source = "a bill",
                        Licence = "CC0-1.0",
                        Vintage = 2025,
                        From = new DateOnly(2025, 1, 1),
                        Version = "test",
                    },
                ],
                servers: new ServerTable([
                    new ServerType(
                        "any",
                        "box",
                        8,
                        64,
                        "Skylake",
                        "H100 80GB HBM3",
                        2,
                        new Embodied(Mass.FromKilograms(350.4), Embodied.FourYears),
                        "a maker",
                        "CC0-1.0",
                        "test"
                    ),
                ])
            );
            var normaliser = new Normaliser(
                Catalogues.Load([]),
                [Chat, Code],
                new Dictionary<string, Place> { ["rack"] = Hall },
                grain ?? TimeSpan.FromMinutes(5),
                book,
                new Dictionary<string, string> { ["rack"] = "box" }
            );
            if (!empty)
            {
                await storage.CommitAsync([.. observations ?? Observations()]);
                await new FactRecomputer(storage.Facts, normaliser).RecomputeAsync(default);
            }

            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            builder
                .Services.AddProblemResponses()
                .AddExplain()
                .AddSingleton(TimeProvider.System)
                .AddSingleton(normaliser)
                .AddSingleton(book);
            builder.Services.AddMetricsStorage(storage.Engine, storage.ConnectionString);
            var app = builder.Build();
            app.UseProblemResponses();
            app.MapExplain();
            await app.StartAsync();
            return new ExplainService(app, storage);
        }

        public async Task<JsonElement> AskAsync(string set)
        {
            using var response = await Client.GetAsync($"/api/explain?set={set}");
            var text = await response.Content.ReadAsStringAsync();
            Assert.True(response.StatusCode == HttpStatusCode.OK, $"{(int)response.StatusCode} for {set}: {text}");
            return JsonDocument.Parse(text).RootElement;
        }

        public async ValueTask DisposeAsync()
        {
            Client.Dispose();
            await app.DisposeAsync();
            await Storage.DisposeAsync();
        }

        /// <summary>The same without the machine's meter, and with the load of its processors, two fifths, where it is told.</summary>
        public static IEnumerable<Observation> Unmetered(bool loaded)
        {
            foreach (var observation in Observations())
                if (observation.Series.Metric is not ("ipmi_dcmi_power_consumption_watts" or "DCGM_FI_DEV_POWER_USAGE"))
                    yield return observation;
            var load = new Series(
                "rack",
                "aws-cloudwatch",
                "AWS/EC2/CPUUtilization",
                Labels.Of(("InstanceId", "node-a"), ("InstanceType", "box")),
                Statistic.Average,
                TimeSpan.FromMinutes(5)
            );
            for (var minute = -10; loaded && minute < 70; minute += 5)
                yield return new Observation(load, new Sample(Ten.AddMinutes(minute), Ten.AddMinutes(minute + 5), 40));
        }

        /// <summary>A minute's step from ten minutes before ten to ten after eleven.</summary>
        public static IEnumerable<Observation> Observations()
        {
            for (var minute = -10; minute <= 70; minute++)
            {
                var at = Ten.AddMinutes(minute);
                foreach (var (board, pod, watts) in new[] { ("0", "llm-0", 300), ("1", "code-0", 200) })
                {
                    var labels = Labels.Of(("UUID", $"GPU-{board}"), ("Hostname", "node-a"), ("pod", pod));
                    yield return new Observation(
                        new Series("rack", "prometheus", "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", labels),
                        Sample.At(at, 1e9 + (minute + 10) * 60_000.0 * watts)
                    );
                    yield return new Observation(new Series("rack", "prometheus", "DCGM_FI_DEV_POWER_USAGE", labels), Sample.At(at, watts));
                }
                yield return new Observation(Watts, Sample.At(at, 900));
                yield return new Observation(Tokens, Sample.At(at, (minute + 10) * 600));
            }
        }
    }
}
