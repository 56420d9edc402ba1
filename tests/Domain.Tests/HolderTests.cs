using CsCheck;
using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Xunit;

namespace Metrics.Domain.Tests;

/// <summary>A board belongs to whoever holds it at the time (docs/decisions/031), and what is there and not read is told so.</summary>
public sealed class HolderTests
{
    [Fact]
    public void A_pod_that_is_away_while_another_holds_the_board_holds_nothing_then()
    {
        // 6 kJ a minute: chat to minute 2, vision from 3 to 6, chat again from 7. A change falls to the later one.
        var facts = Returning().Normalise(0, 10).Energy;

        Assert.Equal([("chat", 36_000.0), ("vision", 24_000.0)], Sums(facts, fact => fact.AcceleratorJoules));
        Assert.Equal([("chat", 360.0), ("vision", 240.0)], Sums(facts, fact => fact[Measures.Present]));
    }

    [Fact]
    public void What_lies_between_the_samples_of_two_holders_may_be_eithers_by_its_bounds()
    {
        var first = Returning(Known.Book).Normalise(0, 10).Energy.Where(fact => fact.Period.Start == Scene.Ten).ToList();

        // 12 and 18 kJ, of which 6 kJ changed hands somewhere; the meter is off by a twentieth at the most.
        Assert.Equal([("chat", 11_400.0), ("vision", 11_400.0)], Sums(first, fact => Math.Round(fact[Measures.AcceleratorLow]!.Value, 6)));
        Assert.Equal([("chat", 18_900.0), ("vision", 18_900.0)], Sums(first, fact => Math.Round(fact[Measures.AcceleratorHigh]!.Value, 6)));
    }

    [Fact]
    public void A_board_that_names_a_pod_only_while_there_is_one_is_nobodys_for_the_rest_of_the_time()
    {
        // A job for a minute of every five: the label is gone when it is.
        var scene = Room();
        for (var minute = 0; minute <= 10; minute++)
            scene.Instants(Board(minute % 5 == 1 ? "llm-0" : ""), (minute, 6_000_000 * minute));

        Assert.Equal([("chat", 12_000.0), ("unattributed", 48_000.0)], Sums(scene.Normalise(0, 10).Energy, fact => fact.AcceleratorJoules));
    }

    [Fact]
    public void A_duplicate_without_a_pod_says_nothing_when_the_pods_own_scrape_fails_twice()
    {
        var scene = Room().Counting(Board(""), 6_000_000, 0, 10, 0);
        foreach (var minute in new[] { 0, 1, 2, 3, 6, 7, 8, 9, 10 })
            scene.Instants(Board("llm-0"), (minute, 6_000_000 * minute));

        Assert.Equal([("chat", 60_000.0)], Sums(scene.Normalise(0, 10).Energy, fact => fact.AcceleratorJoules));
    }

    [Fact]
    public void Half_of_a_board_for_all_of_the_time_is_all_of_the_time()
    {
        var facts = Room().Counting(Board("llm-0"), 6_000_000).Counting(Board("vision-0"), 6_000_000).Normalise().Energy;

        Assert.Equal([("chat", 15_000.0), ("vision", 15_000.0)], Sums(facts, fact => fact.AcceleratorJoules));
        Assert.All(facts, fact =>
            Assert.Equal((300.0, 300.0, 300.0), (fact[Measures.Present], fact[Measures.AcceleratorTime], fact.CoveredSeconds))
        );
    }

    [Fact]
    public void Who_shares_a_board_has_its_idle_part_at_the_least_and_all_but_the_others_idle_part_at_the_most()
    {
        // 400 W for 300 s; an H200 at rest draws 77.7 W, half of it each: 11,655 J.
        var facts = Room(Known.Book)
            .Counting(Told("gpu_energy", "llm-0"), 24_000_000)
            .Counting(Told("gpu_energy", "vision-0"), 24_000_000)
            .Normalise()
            .Energy;

        Assert.All(facts, fact =>
        {
            Assert.Equal(60_000, fact.AcceleratorJoules!.Value, 1e-6);
            Assert.Equal(11_655 * 0.95, fact[Measures.AcceleratorLow]!.Value, 1e-6);
            Assert.Equal((120_000 - 11_655) * 1.05, fact[Measures.AcceleratorHigh]!.Value, 1e-6);
        });
    }

    [Fact]
    public void A_board_that_is_silent_between_two_readings_by_its_holder_is_there_and_unknown()
    {
        var silent = Room()
            .Counting(Board("llm-0"), 6_000_000, 0, 5, 0)
            .Counting(Board("llm-0"), 6_000_000, 20, 25, 120_000_000)
            .Normalise(0, 25)
            .Energy.Where(fact => fact.AcceleratorJoules is null)
            .ToList();

        Assert.Equal([5.0, 10, 15], silent.Select(fact => (fact.Period.Start - Scene.Ten).TotalMinutes));
        Assert.All(silent, fact =>
        {
            Assert.Equal("chat", fact.Deployment.Workload.Name);
            Assert.Equal(
                (300.0, 300.0, 0.0, 0.0, 0.0),
                (
                    fact[Measures.Present],
                    fact[Measures.AcceleratorPresent],
                    fact[Measures.AcceleratorTime],
                    fact[Measures.ServerTime],
                    fact.CoveredSeconds
                )
            );
        });
    }

    [Fact]
    public void A_board_that_is_never_read_again_is_not_there() =>
        Assert.Single(Room().Counting(Board("llm-0"), 6_000_000, 0, 5).Normalise(0, 25).Energy);

    [Fact]
    public void A_board_that_comes_back_in_other_hands_was_nobodys_in_its_silence()
    {
        var facts = Room()
            .Counting(Board("llm-0"), 6_000_000, 0, 5, 0)
            .Counting(Board("vision-0"), 6_000_000, 20, 25, 120_000_000)
            .Normalise(0, 25)
            .Energy;

        Assert.Equal([0.0, 20], facts.Select(fact => (fact.Period.Start - Scene.Ten).TotalMinutes).Order());
    }

    [Fact]
    public void A_server_that_is_silent_while_its_board_is_read_is_there_and_unknown()
    {
        var node = Scene.Series("node_energy", labels: ("node", "node-a"));
        var facts = Room()
            .Counting(Board("llm-0"), 6_000_000, 0, 20)
            .Spans(node, (0, 5, 60_000), (15, 20, 60_000))
            .Normalise(0, 20)
            .Energy.Where(fact => fact.Resource.Kind == "node");

        Assert.Equal(
            [(30_000.0, 300.0, 300.0), (null, 300.0, 0.0), (null, 300.0, 0.0), (30_000.0, 300.0, 300.0)],
            facts.Select(fact => (fact.ServerJoules, fact[Measures.Present], fact[Measures.ServerTime]))
        );
        Assert.All(facts, fact => Assert.Equal("chat", fact.Deployment.Workload.Name));
    }

    [Fact]
    public void Of_ten_servers_one_that_is_silent_is_a_tenth_of_what_is_not_known()
    {
        // Ten servers of 2,000 W with 100 tokens a second each; one is silent from minute 20 to 40.
        var scene = Room().Place(Scene.Source, 1);
        for (var server = 0; server < 10; server++)
        {
            var node = Scene.Series("node_energy", labels: ("node", $"n{server}"));
            scene.Counting(
                Scene.Series("gpu_energy", labels: [("UUID", $"GPU-{server}"), ("Hostname", $"n{server}"), ("pod", "llm-0")]),
                30_000_000,
                0,
                60
            );
            for (var minute = 0; minute < 60; minute += 5)
                if (server > 0 || minute is < 20 or >= 40)
                    scene.Spans(node, (minute, minute + 5, 600_000));
        }
        scene.Counting(Scene.Series("tokens_total", labels: [("instance", "a"), ("pod", "llm-0")]), 60_000, 0, 60);

        var period = scene.Normalise(0, 60);
        var row = Assert.Single(RollUp.Hour(Scene.Ten, period.Energy, period.Work));

        Assert.Equal(20, row[Ratios.ServerJoulesPerUnit]!.Value, 1e-9);
        Assert.Equal(1 - 4 * 2.0 / 240, row[Ratios.ServerCoverage]!.Value, 1e-9);
        Assert.Equal(1, row[Ratios.AcceleratorCoverage]!.Value, 1e-9);
    }

    [Fact]
    public void In_any_order_of_holders_all_of_the_board_is_somebodys_and_bounds_hold_every_share() =>
        Gen.Select(Gen.Int[0, 3].Array[6, 40], Gen.Int[1, 900])
            .Sample(
                (holders, watts) =>
                {
                    var scene = Room(Known.Book);
                    double joules = 0;
                    for (var minute = 0; minute < holders.Length; minute++)
                    {
                        joules += minute == 0 ? 0 : watts * 60;
                        string[] pods = holders[minute] switch
                        {
                            0 => ["llm-0"],
                            1 => ["vision-0"],
                            2 => ["llm-0", "vision-0"],
                            _ => [""],
                        };
                        foreach (var pod in pods)
                            scene.Instants(Told("gpu_energy", pod), (minute, joules * 1000));
                    }

                    var facts = scene.Normalise(0, 60).Energy;

                    Assert.Equal(joules, facts.Sum(fact => fact.AcceleratorJoules ?? 0), 1e-3);
                    Assert.All(facts, fact =>
                    {
                        Assert.InRange(fact[Measures.Present]!.Value, 0, 300.000001);
                        Assert.True(fact[Measures.AcceleratorTime] <= fact[Measures.Present]);
                        if (fact.AcceleratorJoules is not { } own)
                            return;
                        Assert.InRange(fact[Measures.AcceleratorLow]!.Value, 0, own + 1e-6);
                        Assert.True(fact[Measures.AcceleratorHigh] >= own - 1e-6);
                    });
                },
                iter: 100
            );

    [Fact]
    public void A_quarter_of_an_A30_is_a_quarter()
    {
        var facts = Room()
            .Counting(Slice("NVIDIA A30", "llm-0", "1g.6gb", "3"), 8_000_000)
            .Counting(Slice("NVIDIA A30", "vision-0", "2g.12gb", "5"), 8_000_000)
            .Normalise()
            .Energy;

        Assert.Equal(
            [("chat", 10_000.0), ("unattributed", 10_000.0), ("vision", 20_000.0)],
            Sums(facts, fact => Math.Round(fact.AcceleratorJoules!.Value, 3))
        );
    }

    [Theory]
    [InlineData("NVIDIA A100-SXM4-80GB", "2g.20gb", 80_000.0 / 7)]
    [InlineData("NVIDIA H100 80GB HBM3", "1g.20gb", 40_000.0 / 7)]
    [InlineData("NVIDIA GH200 480GB", "4g.48gb", 160_000.0 / 7)]
    [InlineData("NVIDIA GB200", "1g.23gb", 40_000.0 / 7)]
    [InlineData("NVIDIA RTX PRO 6000 Blackwell Server Edition", "1g.24gb+gfx", 10_000.0)]
    [InlineData(null, "4g.24gb", 40_000.0)]
    [InlineData(null, "3g.71gb", 120_000.0 / 7)]
    public void A_slice_is_its_part_of_what_a_board_of_that_model_has(string? model, string profile, double joules)
    {
        var facts = Room().Counting(Slice(model, "llm-0", profile, "1"), 8_000_000).Normalise().Energy;

        Assert.Equal(joules, facts.Single(fact => fact.Deployment.Workload.Name == "chat").AcceleratorJoules!.Value, 0.01);
        Assert.Equal(40_000, facts.Sum(fact => fact.AcceleratorJoules!.Value), 0.01);
    }

    [Theory]
    [InlineData("Nonesuch 9000", "1g.10gb")]
    [InlineData("NVIDIA A1000", "1g.10gb")]
    [InlineData("NVIDIA A30", "7g.40gb")]
    [InlineData(null, "1g.24gb")]
    public void A_slice_of_a_board_in_no_table_is_unknown_and_told(string? model, string profile)
    {
        var period = Room().Counting(Slice(model, "llm-0", profile, "1"), 8_000_000).Normalise();

        var chat = period.Energy.Single(fact => fact.Deployment.Workload.Name == "chat");
        Assert.Equal((null, 300.0), (chat.AcceleratorJoules, chat[Measures.Present]));
        Assert.Contains("slice_unknown", chat.Missing.Words());
        Assert.Equal(40_000, period.Energy.Single(fact => fact.Deployment.Workload.Name == "unattributed").AcceleratorJoules!.Value, 1e-6);
        Assert.Equal(RejectionReason.SliceUnknown, Assert.Single(period.Rejections).Reason);
    }

    private static Scene Returning(Factors.FactorBook? book = null)
    {
        var scene = Room(book);
        for (var minute = 0; minute <= 10; minute++)
            scene.Instants(Board(minute is >= 3 and <= 6 ? "vision-0" : "llm-0"), (minute, 6_000_000 * minute));
        return scene;
    }

    private static Scene Room(Factors.FactorBook? book = null) =>
        new Scene { Factors = book }
            .Workload("chat", ("pod", "llm-*"))
            .Workload("vision", ("pod", "vision-*"));

    private static Series Board(string pod) =>
        pod.Length == 0
            ? Scene.Series("gpu_energy", labels: [("UUID", "GPU-1"), ("Hostname", "node-a")])
            : Scene.Series("gpu_energy", labels: [("UUID", "GPU-1"), ("Hostname", "node-a"), ("pod", pod)]);

    private static Series Told(string metric, string pod) =>
        Scene.Series(
            metric,
            labels:
            [
                ("UUID", "GPU-1"),
                ("Hostname", "node-a"),
                ("modelName", "NVIDIA H200"),
                .. pod.Length == 0 ? [] : new[] { ("pod", pod) },
            ]
        );

    private static Series Slice(string? model, string pod, string profile, string number) =>
        Scene.Series(
            "gpu_energy",
            labels:
            [
                ("UUID", "GPU-1"),
                ("Hostname", "node-a"),
                ("pod", pod),
                ("GPU_I_PROFILE", profile),
                ("GPU_I_ID", number),
                .. model is null ? [] : new[] { ("modelName", model) },
            ]
        );

    private static IEnumerable<(string Workload, double? Joules)> Sums(IEnumerable<EnergyFact> facts, Func<EnergyFact, double?> value) =>
        facts
            .GroupBy(fact => fact.Deployment.Workload.Name)
            .Select(workload => (workload.Key, (double?)Math.Round(workload.Sum(value)!.Value, 6)))
            .OrderBy(row => row.Key, StringComparer.Ordinal);
}
