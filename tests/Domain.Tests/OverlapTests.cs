using Metrics.Domain.Catalogue;
using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Xunit;

namespace Metrics.Domain.Tests;

/// <summary>What several tell at once, what only part of the time is told, and what only part of a machine is told of: nothing is doubled,
/// lost, or given to the wrong one.</summary>
public sealed class OverlapTests
{
    [Fact]
    public void Slices_that_two_scrapers_tell_keep_their_sevenths()
    {
        // 35 kJ: three sevenths told twice, two sevenths told once, and two that nobody was given.
        var facts = Room()
            .Counting(Slice("gpu_energy", "llm-0", "3g.40gb", "1", "a"), 7_000_000)
            .Counting(Slice("gpu_energy", "llm-0", "3g.40gb", "1", "b"), 7_000_000)
            .Counting(Slice("gpu_energy", "vision-0", "2g.20gb", "5", "a"), 7_000_000)
            .Normalise()
            .Energy;

        Assert.Equal([("chat", 15_000.0), ("unattributed", 10_000.0), ("vision", 10_000.0)], Sums(facts, fact => fact.AcceleratorJoules));
    }

    [Fact]
    public void Of_two_exporters_the_one_that_tells_all_power_supplies_is_taken()
    {
        var other = Map.Zones.Single(zone => zone.Id == "psu") with { Id = "z-psu", Metrics = ["other_psu"] };
        var scene = new Scene { Mappings = [.. Map.All, other] }
            .Spans(Part("psu", "1"), (0, 5, 1_000), (5, 10, 1_000))
            .Spans(Part("psu", "2"), (0, 5, 2_000))
            .Spans(Part("other_psu", "1"), (0, 10, 2_002))
            .Spans(Part("other_psu", "2"), (0, 10, 4_002));

        Assert.Equal([3_000.0, 3_002.0], scene.Normalise(0, 10).Energy.Select(fact => Math.Round(fact.ServerJoules!.Value, 6)));
    }

    [Fact]
    public void A_power_supply_that_was_not_taken_gives_nothing_to_whom_its_labels_name()
    {
        var scene = new Scene()
            .Workload("chat", ("owner", "chat"))
            .Spans(Scene.Series("psu", labels: [("node", "node-a"), ("part", "1"), ("owner", "chat")]), (0, 5, 1_000), (5, 10, 1_000))
            .Spans(Part("psu", "2"), (-5, 0, 2_000))
            .Spans(Scene.Series("psys", labels: ("node", "node-a")), (5, 10, 1_500));

        var fact = Assert.Single(scene.Normalise(5, 10).Energy);

        Assert.Equal(("unattributed", 1_500.0, "platform"), (fact.Deployment.Workload.Name, fact.ServerJoules, fact.Cover.Word()));
    }

    [Fact]
    public void Pods_that_take_turns_on_a_board_of_which_only_the_load_is_told_share_it_evenly()
    {
        // An H200 at 40 %: 326.62 W for 300 s.
        var facts = Room().Steady(Board("gpu_busy", 1, "llm-0"), 40).Steady(Board("gpu_busy", 1, "vision-0"), 40).Normalise().Energy;

        Assert.Equal([("chat", 48_993.0), ("vision", 48_993.0)], Sums(facts, fact => fact.AcceleratorJoules));
    }

    [Fact]
    public void Pods_that_follow_each_other_on_a_modelled_board_have_each_what_it_drew_in_their_time()
    {
        // 120 s at 700 W, then 180 s of which the first 60 fall from full load to none: 180 x 77.7 + 30 x 622.3.
        var facts = Room()
            .Steady(Board("gpu_busy", 1, "llm-0"), 100, 0, 2)
            .Steady(Board("gpu_busy", 1, "vision-0"), 0, 3)
            .Normalise()
            .Energy;

        Assert.Equal([("chat", 84_000.0), ("vision", 32_655.0)], Sums(facts, fact => fact.AcceleratorJoules));
    }

    [Fact]
    public void Slices_of_a_board_of_which_only_the_load_is_told_have_their_sevenths()
    {
        // Three sevenths at 70 % are 30 % of the board: 264.39 W for 300 s are 79,317 J.
        var facts = Sliced()
            .Steady(Slice("gpu_busy", "llm-0", "3g.40gb", "1"), 70)
            .Steady(Slice("gpu_busy", "vision-0", "2g.20gb", "5"), 0)
            .Normalise()
            .Energy;

        Assert.Equal([("chat", 33_993.0), ("unattributed", 22_662.0), ("vision", 22_662.0)], Sums(facts, fact => fact.AcceleratorJoules));
    }

    [Fact]
    public void Slices_of_which_the_load_is_told_have_their_sevenths_of_a_board_that_is_metered_whole()
    {
        var facts = Sliced()
            .Counting(Scene.Series("gpu_energy", labels: [("UUID", "GPU-1"), ("Hostname", "node-a")]), 7_000_000)
            .Steady(Slice("gpu_busy", "llm-0", "3g.40gb", "1"), 70)
            .Steady(Slice("gpu_busy", "vision-0", "2g.20gb", "5"), 0)
            .Normalise()
            .Energy;

        Assert.Equal([("chat", 15_000.0), ("unattributed", 10_000.0), ("vision", 10_000.0)], Sums(facts, fact => fact.AcceleratorJoules));
    }

    [Fact]
    public void A_pod_that_did_nothing_on_a_metered_board_has_its_time_of_it()
    {
        var facts = Room()
            .Counting(Scene.Series("gpu_energy", labels: [("UUID", "GPU-1"), ("Hostname", "node-a")]), 6_000_000)
            .Steady(Board("gpu_busy", 1, "llm-0"), 100, 0, 2)
            .Steady(Board("gpu_busy", 1, "vision-0"), 0, 3)
            .Normalise()
            .Energy;

        Assert.Equal([("chat", 12_000.0), ("vision", 18_000.0)], Sums(facts, fact => fact.AcceleratorJoules));
    }

    [Fact]
    public void The_load_of_a_board_and_those_of_its_slices_are_one_load()
    {
        // 30 % of the board, all of it in three sevenths at 70 %: 264.39 W for 300 s.
        var facts = Sliced()
            .Steady(Scene.Series("gpu_busy", labels: [("UUID", "GPU-1"), ("Hostname", "node-a"), ("modelName", "NVIDIA H200")]), 30)
            .Steady(Slice("gpu_busy", "llm-0", "3g.40gb", "1"), 70)
            .Normalise()
            .Energy;

        Assert.Equal(79_317, facts.Sum(fact => fact.AcceleratorJoules!.Value), 1e-6);
    }

    [Fact]
    public void A_host_whose_load_is_told_for_a_minute_has_the_usual_load_for_the_others()
    {
        // 60 s at 571.8 W and 240 s at 422.25 W, on top of two boards of 30 kJ.
        var facts = Room("gpu-box")
            .Counting(Board("gpu_energy", 1, "llm-0"), 6_000_000)
            .Counting(Board("gpu_energy", 2, "llm-0"), 6_000_000)
            .Steady(Scene.Series("host_busy", labels: ("node", "node-a")), 100, 0, 1)
            .Normalise()
            .Energy;

        var host = Assert.Single(facts, fact => fact.Resource.Kind == "node");
        Assert.Equal(135_648, host.ServerJoules!.Value, 1e-6);
        Assert.Equal((81_810.0 * 1.5, 171_540.0 * 1.5), (Math.Round(host.LowJoules!.Value, 6), Math.Round(host.HighJoules!.Value, 6)));
        Assert.Equal(300, host.CoveredSeconds);
        Assert.Contains("host_load:0.5@ccf-2024", host.Factors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_reading_of_all_boards_beside_those_of_each_is_not_added()
    {
        var facts = WithAll()
            .Counting(Board("gpu_energy", 1, "llm-0"), 6_000_000)
            .Counting(Board("gpu_energy", 2, "vision-0"), 6_000_000)
            .Steady(Scene.Series("all_gpus", labels: ("node", "node-a")), 201)
            .Normalise()
            .Energy;

        Assert.Equal([("chat", 30_000.0), ("vision", 30_000.0)], Sums(facts, fact => fact.AcceleratorJoules));
    }

    [Fact]
    public void A_reading_of_all_boards_is_taken_where_one_of_them_is_silent_and_the_rest_is_nobodys()
    {
        var facts = WithAll()
            .Counting(Board("gpu_energy", 1, "llm-0"), 6_000_000)
            .Steady(Scene.Series("all_gpus", labels: ("node", "node-a")), 200)
            .Normalise()
            .Energy;

        Assert.Equal([("chat", 30_000.0), ("unattributed", 30_000.0)], Sums(facts, fact => fact.AcceleratorJoules));
    }

    [Fact]
    public void Processes_of_one_number_on_two_nodes_are_two_processes()
    {
        Series Process(string node, string pod) => Scene.Series("process", labels: [("process", "1"), ("pod", pod), ("node", node)]);

        var facts = Room()
            .Spans(Scene.Series("node_energy", labels: ("node", "node-a")), (0, 5, 1_000))
            .Spans(Scene.Series("node_energy", labels: ("node", "node-b")), (0, 5, 1_000))
            .Spans(Process("node-a", "llm-0"), (0, 5, 300))
            .Spans(Process("node-b", "vision-0"), (0, 5, 200))
            .Normalise()
            .Energy;

        Assert.Equal([("chat", 300.0), ("unattributed", 1_500.0), ("vision", 200.0)], Sums(facts, fact => fact.ServerJoules));
    }

    [Fact]
    public void A_machine_goes_by_the_output_of_its_engines_and_not_by_what_their_caches_held()
    {
        var facts = Engines()
            .Counting(Work("tokens_total", "chat"), 300)
            .Counting(Work("tokens_total", "vision"), 100)
            .Counting(Work("cached_total", "vision"), 500)
            .Normalise()
            .Energy;

        Assert.Equal([("chat", 30_000.0), ("vision", 10_000.0)], Sums(facts, fact => fact.ServerJoules));
    }

    [Fact]
    public void Engines_that_count_no_unit_in_common_say_nothing_of_their_shares()
    {
        var facts = Engines()
            .Counting(Work("tokens_total", "chat"), 300)
            .Counting(Work("requests_total", "vision"), 100)
            .Normalise()
            .Energy;

        Assert.Equal([("unattributed", 40_000.0)], Sums(facts, fact => fact.ServerJoules));
    }

    [Fact]
    public void Work_that_a_framework_and_its_engine_both_count_has_one_share_of_a_machine()
    {
        var facts = Engines()
            .Counting(Work("requests_total", "chat"), 100)
            .Counting(Work("framework_total", "chat"), 100)
            .Counting(Work("requests_total", "vision"), 100)
            .Normalise()
            .Energy;

        Assert.Equal([("chat", 20_000.0), ("vision", 20_000.0)], Sums(facts, fact => fact.ServerJoules));
    }

    [Fact]
    public void Work_that_no_rule_claims_has_its_share_of_a_machine()
    {
        var facts = Engines().Counting(Work("tokens_total", "chat"), 300).Counting(Work("tokens_total", "else"), 100).Normalise().Energy;

        Assert.Equal([("chat", 30_000.0), ("unattributed", 10_000.0)], Sums(facts, fact => fact.ServerJoules));
    }

    [Fact]
    public void A_server_without_one_of_its_boards_is_unknown_and_not_smaller()
    {
        var facts = Room(null)
            .Counting(Board("gpu_energy", 1, "llm-0"), 6_000_000, 0, 10)
            .Counting(Board("gpu_energy", 2, "llm-0"), 6_000_000, 0, 5)
            .Spans(Scene.Series("package", labels: ("node", "node-a")), (0, 5, 20_000), (5, 10, 20_000))
            .Normalise(0, 10)
            .Energy;

        Assert.Equal(80_000, facts.Where(fact => fact.Period.Start == Scene.Ten).Sum(fact => fact.ServerJoules!.Value));
        var later = Assert.Single(facts, fact => fact.Period.Start != Scene.Ten && fact.Resource.Name == "1");
        Assert.Equal((30_000.0, null), (later.AcceleratorJoules, later.ServerJoules));
        Assert.Contains("accelerator_unmetered", later.Missing.Words());
    }

    [Fact]
    public void The_packages_of_a_machine_whose_boards_nobody_reads_are_no_server()
    {
        var scene = Room("gpu-box").Spans(Scene.Series("package", labels: ("node", "node-a")), (0, 5, 20_000));

        var fact = Assert.Single(scene.Normalise().Energy);

        Assert.Equal((null, 0.0, 300.0), (fact.ServerJoules, fact.CoveredSeconds, fact[Measures.Present]));
        Assert.Equal("accelerator_unmetered", fact.Missing.Text());
    }

    [Fact]
    public void A_machine_is_what_a_label_says_before_what_the_settings_say()
    {
        var labelled = Map.GpuEnergy with { Resource = Map.GpuEnergy.Resource with { NodeHardware = ["instance_type"] } };
        var scene = new Scene
        {
            Factors = Known.Book,
            Hardware = "cpu-box",
            Mappings = [.. Map.All.Where(mapping => mapping != Map.GpuEnergy), labelled],
        };

        var facts = scene
            .Counting(Board("gpu_energy", 1, ""), 6_000_000)
            .Counting(
                Scene.Series("gpu_energy", labels: [("UUID", "GPU-2"), ("Hostname", "node-a"), ("instance_type", "gpu-box")]),
                6_000_000
            )
            .Normalise()
            .Energy;

        Assert.All(facts.Where(fact => fact.Resource.Kind == "node"), fact =>
            Assert.Contains("server:any/gpu-box@test-1", fact.Factors, StringComparison.Ordinal)
        );
        Assert.Equal(186_675, facts.Sum(fact => fact.ServerJoules!.Value), 1e-6);
    }

    [Fact]
    public void Four_servers_that_are_told_as_one_were_made_four_times()
    {
        var mean = Map.HostBusy with { Scale = new UtilisationScale(false, null, "count", false) };
        var fact = Assert.Single(
            new Scene
            {
                Factors = Known.Book,
                Hardware = "cpu-box",
                Mappings = [mean],
            }
                .Steady(Scene.Series("host_busy", labels: [("node", "node-a"), ("count", "4")]), 20)
                .Normalise()
                .Energy
        );

        Assert.Equal(399_024, fact.ServerJoules!.Value, 1e-6);
        Assert.Equal(12, fact.EmbodiedGrams!.Value, 1e-9);
    }

    [Fact]
    public void Of_a_server_that_is_read_for_half_of_a_period_its_board_is_half()
    {
        var facts = Room(null)
            .Counting(Board("gpu_energy", 1, "llm-0"), 18_000_000)
            .Spans(Scene.Series("node_energy", labels: ("node", "node-a")), (0, 2.5, 90_000))
            .Normalise()
            .Energy;

        var board = Assert.Single(facts, fact => fact.Resource.Kind == "gpu");
        Assert.Equal((90_000.0, 45_000.0, 150.0), (board.AcceleratorJoules, board.ServerJoules, board.CoveredSeconds));
        Assert.Equal(90_000, facts.Sum(fact => fact.ServerJoules!.Value));
    }

    [Theory]
    [InlineData("localhost:9100")]
    [InlineData("127.0.0.1:9100")]
    [InlineData("[::1]:9100")]
    public void Machines_that_their_sources_call_by_the_name_of_every_machine_are_two(string name)
    {
        var scene = new Scene()
            .Place("other", 1.5)
            .Steady(Scene.Series("node_power", labels: ("instance", name)), 100)
            .Steady(Scene.Series("node_power", source: "other", labels: ("instance", name)), 200);

        Assert.Equal(
            [("source/other", 60_000.0), ("source/rack-7", 30_000.0)],
            scene.Normalise().Energy.Select(fact => (fact.Resource.Name, fact.ServerJoules!.Value)).Order()
        );
    }

    [Fact]
    public void A_board_of_a_machine_that_is_called_as_every_machine_sits_in_it()
    {
        var facts = new Scene()
            .Counting(Scene.Series("gpu_energy", labels: [("UUID", "GPU-1"), ("Hostname", "localhost")]), 6_000_000)
            .Steady(Scene.Series("node_power", labels: ("instance", "localhost:9100")), 300)
            .Normalise()
            .Energy;

        Assert.Equal([("gpu", 30_000.0), ("node", 60_000.0)], facts.Select(fact => (fact.Resource.Kind, fact.ServerJoules!.Value)).Order());
    }

    [Fact]
    public void A_sum_over_devices_at_full_load_is_full_load_whatever_rounding_makes_of_it()
    {
        var sum = new UtilisationScale(true, null, null, false);

        Assert.Equal(1, sum.Ratio(8.000000000000002, 8));
        Assert.Null(sum.Ratio(8.001, 8));
    }

    [Fact]
    public void A_board_by_its_number_and_by_its_device_is_one_board()
    {
        MetricMapping Of(string id, string label) =>
            Map.GpuPower with
            {
                Id = id,
                Metrics = [id],
                Resource = new ResourceLabels("gpu", [], ["node"], [label], []),
            };
        var scene = new Scene { Mappings = [Of("agent", "index"), Of("insights", "GpuDevice")] }
            .Steady(Scene.Series("agent", labels: [("node", "i-1"), ("index", "0")]), 100)
            .Steady(Scene.Series("insights", labels: [("node", "i-1"), ("GpuDevice", "nvidia0")]), 100);

        Assert.Equal(30_000, Assert.Single(scene.Normalise().Energy).AcceleratorJoules);
    }

    [Fact]
    public void Work_of_the_minutes_in_which_the_better_counter_is_silent_is_the_other_ones()
    {
        var scene = new Scene { Mappings = [.. Map.All, Map.Requests with { Id = "framework", Metrics = ["framework_total"] }] }
            .Counting(Scene.Series("framework_total", labels: ("instance", "a")), 10, 0, 55)
            .Counting(Scene.Series("requests_total", labels: ("instance", "a")), 10, 0, 60);

        Assert.Equal(600, scene.Normalise(0, 60).Work.Sum(fact => fact.Units), 1e-9);
    }

    [Fact]
    public void Work_that_two_replicas_of_one_Prometheus_read_was_done_once()
    {
        Series Read(string replica, string engine) =>
            Scene.Series("tokens_total", labels: [("instance", "a"), ("engine", engine), ("prometheus_replica", replica)]);

        var work = new Scene()
            .Counting(Read("a", "0"), 60)
            .Counting(Read("b", "0"), 60, 1, start: 1060)
            .Counting(Read("a", "1"), 10, 0, 3)
            .Counting(Read("b", "1"), 10)
            .Normalise()
            .Work;

        // Engine 0 by the one that tells more, 300; engine 1 by the other, 50.
        Assert.Equal(350, Assert.Single(work).Units, 1e-9);
    }

    private static Scene Room(string? type = null) =>
        new Scene { Factors = Known.Book, Hardware = type }
            .Workload("chat", ("pod", "llm-*"))
            .Workload("vision", ("pod", "vision-*"));

    private static Scene Sliced() =>
        new Scene
        {
            Factors = Known.Book,
            Mappings =
            [
                .. Map.All.Where(mapping => mapping != Map.GpuBusy),
                Map.GpuBusy with
                {
                    Resource = Map.GpuBusy.Resource with { Part = ["GPU_I_ID"] },
                },
            ],
        }
            .Workload("chat", ("pod", "llm-*"))
            .Workload("vision", ("pod", "vision-*"));

    private static Scene WithAll() =>
        new Scene
        {
            Factors = Known.Book,
            Mappings =
            [
                .. Map.All,
                Map.GpuPower with
                {
                    Id = "all-gpus",
                    Metrics = ["all_gpus"],
                    Resource = new ResourceLabels("node", ["node"], [], [], []),
                },
            ],
        }
            .Workload("chat", ("pod", "llm-*"))
            .Workload("vision", ("pod", "vision-*"));

    /// <summary>A node of 40 kJ on which engines work whose labels are of models.</summary>
    private static Scene Engines()
    {
        static MetricMapping Here(MetricMapping mapping) => mapping with { Resource = mapping.Resource with { Node = ["node"] } };
        MetricMapping[] work =
        [
            Here(Map.Tokens),
            Here(Map.Requests),
            Here(Map.Requests) with
            {
                Id = "framework",
                Metrics = ["framework_total"],
            },
            Here(Map.Tokens) with
            {
                Id = "cached",
                Metrics = ["cached_total"],
                FunctionalUnit = "cached-input-token",
            },
        ];
        return new Scene { Mappings = [.. Map.All.Where(mapping => mapping.FunctionalUnit is null), .. work] }
            .Workload("chat", ("model_name", "chat"))
            .Workload("vision", ("model_name", "vision"))
            .Spans(Scene.Series("node_energy", labels: ("node", "node-a")), (0, 5, 40_000));
    }

    private static Series Work(string metric, string model) =>
        Scene.Series(metric, labels: [("instance", model), ("node", "node-a"), ("model_name", model)]);

    private static Series Board(string metric, int number, string pod) =>
        Scene.Series(metric, labels: [("UUID", $"GPU-{number}"), ("Hostname", "node-a"), ("pod", pod), ("modelName", "NVIDIA H200")]);

    private static Series Slice(string metric, string pod, string profile, string number, string scraper = "a") =>
        Scene.Series(
            metric,
            labels:
            [
                ("UUID", "GPU-1"),
                ("Hostname", "node-a"),
                ("pod", pod),
                ("modelName", "NVIDIA H200"),
                ("GPU_I_PROFILE", profile),
                ("GPU_I_ID", number),
                ("scraper", scraper),
            ]
        );

    private static Series Part(string metric, string part) => Scene.Series(metric, labels: [("node", "node-a"), ("part", part)]);

    private static IEnumerable<(string Workload, double? Sum)> Sums(IEnumerable<EnergyFact> facts, Func<EnergyFact, double?> column) =>
        facts
            .GroupBy(fact => fact.Deployment.Workload.Name)
            .Select(workload => (workload.Key, (double?)Math.Round(workload.Sum(column)!.Value, 6)))
            .OrderBy(row => row.Key, StringComparer.Ordinal);
}
