using Metrics.Domain.Catalogue;
using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Xunit;

namespace Metrics.Domain.Tests;

/// <summary>One reading for each boundary, nothing counted twice; and which resource a series is about.</summary>
public sealed class CoverTests
{
    private static readonly Series GpuEnergy = Scene.Series("gpu_energy", labels: [("UUID", "GPU-1"), ("Hostname", "node-a")]);
    private static readonly Series GpuPower = Scene.Series("gpu_power", labels: [("UUID", "GPU-1"), ("Hostname", "node-a")]);

    [Fact]
    public void Of_a_counter_and_a_gauge_of_one_board_the_counter_is_taken()
    {
        var fact = Assert.Single(new Scene().Counting(GpuEnergy, 6_000_000).Steady(GpuPower, 500).Normalise().Energy);

        Assert.Equal(30_000, fact.AcceleratorJoules);
        Assert.Equal(Evidence.Measured, fact.Evidence);
        Assert.Equal("gpu-energy@1", fact.Mappings);
        Assert.Equal("accelerator", fact.Cover.Word());
    }

    [Fact]
    public void A_counter_that_covers_much_less_gives_way_to_the_gauge()
    {
        var fact = Assert.Single(new Scene().Counting(GpuEnergy, 6_000_000, 0, 4).Steady(GpuPower, 500).Normalise().Energy);

        Assert.Equal(150_000, fact.AcceleratorJoules);
        Assert.Equal(300, fact.CoveredSeconds);
        Assert.Equal(Evidence.Derived, fact.Evidence);
    }

    [Fact]
    public void Of_equal_readings_the_first_mapping_by_id_is_taken()
    {
        var other = Scene.Series("other_gpu_power", labels: [("UUID", "GPU-1"), ("Hostname", "node-a")]);

        Assert.Equal("gpu-power@1", Assert.Single(new Scene().Steady(other, 700).Steady(GpuPower, 500).Normalise().Energy).Mappings);
    }

    [Fact]
    public void One_board_from_two_exporters_of_two_sources_is_one_resource()
    {
        var scene = new Scene()
            .Place("other", 1.5)
            .Counting(GpuEnergy, 6_000_000)
            .Steady(Scene.Series("gpu_power", source: "other", labels: ("uuid", "1")), 500);

        var fact = Assert.Single(scene.Normalise().Energy);

        Assert.Equal(("gpu", "1", "node-a"), (fact.Resource.Kind, fact.Resource.Name, fact.Resource.Node));
    }

    [Theory]
    [InlineData("node-a:9290", "node-a")]
    [InlineData("Node-A", "node-a")]
    [InlineData("10.0.0.7:9100", "10.0.0.7")]
    [InlineData("fe80::1", "fe80::1")]
    [InlineData("[fe80::1]:9100", "fe80::1")]
    [InlineData("[fe80::1]", "fe80::1")]
    [InlineData("rack:unit", "rack:unit")]
    public void A_node_has_one_spelling(string reported, string name)
    {
        var fact = Assert.Single(new Scene().Steady(Scene.Series("node_power", labels: ("instance", reported)), 100).Normalise().Energy);

        Assert.Equal(("node", name, null), (fact.Resource.Kind, fact.Resource.Name, fact.Resource.Node));
    }

    [Fact]
    public void A_board_has_one_spelling()
    {
        var scene = new Scene().Steady(
            Scene.Series("gpu_power", labels: [("UUID", "GPU-0000-AB"), ("Hostname", "Node-A:9400"), ("modelName", "NVIDIA H100")]),
            100
        );

        var resource = Assert.Single(scene.Normalise().Energy).Resource;

        Assert.Equal(("gpu", "0000-ab", "node-a", "NVIDIA H100"), (resource.Kind, resource.Name, resource.Node, resource.Hardware));
    }

    [Fact]
    public void A_node_that_nobody_names_is_named_after_its_source() =>
        Assert.Equal("source/rack-7", Assert.Single(new Scene().Steady(Scene.Series("node_power"), 100).Normalise().Energy).Resource.Name);

    [Fact]
    public void The_board_is_not_added_to_the_node_that_holds_it()
    {
        var facts = new Scene()
            .Counting(GpuEnergy, 6_000_000)
            .Steady(Scene.Series("node_power", labels: ("node", "node-a")), 300)
            .Normalise()
            .Energy;

        Assert.Equal([("gpu", 30_000.0, "accelerator"), ("node", 60_000.0, "node")], Rows(facts));
        Assert.Equal(90_000, facts.Sum(fact => fact.ServerJoules));
        Assert.Null(facts.Single(fact => fact.Resource.Kind == "node").AcceleratorJoules);
    }

    [Fact]
    public void Boards_that_read_more_than_their_node_share_what_the_node_read()
    {
        var facts = new Scene()
            .Counting(GpuEnergy, 6_000_000)
            .Counting(Scene.Series("gpu_energy", labels: [("UUID", "GPU-2"), ("Hostname", "node-a")]), 2_000_000)
            .Spans(Scene.Series("node_energy", labels: ("node", "node-a")), (0, 5, 36_000))
            .Normalise()
            .Energy;

        Assert.Equal([("gpu", 9_000.0, "accelerator"), ("gpu", 27_000.0, "accelerator"), ("node", 0.0, "node")], Rows(facts));
        Assert.Equal(
            [9_000, 27_000],
            facts.Where(fact => fact.Resource.Kind == "gpu").Select(fact => fact.AcceleratorJoules!.Value).Order()
        );
    }

    [Fact]
    public void A_board_without_a_node_has_no_server_energy()
    {
        var fact = Assert.Single(
            new Scene()
                .Counting(Scene.Series("gpu_energy", labels: ("UUID", "GPU-1")), 6_000_000)
                .Steady(Scene.Series("node_power", labels: ("node", "node-b")), 0, 0, 0)
                .Normalise()
                .Energy
        );

        Assert.Equal(30_000, fact.AcceleratorJoules);
        Assert.Null(fact.ServerJoules);
        Assert.Null(fact.FacilityJoules);
        Assert.Equal(30_000, fact.MeasuredJoules);
    }

    [Fact]
    public void A_board_whose_node_is_not_read_has_no_server_energy() =>
        Assert.Null(Assert.Single(new Scene().Counting(GpuEnergy, 6_000_000).Normalise().Energy).ServerJoules);

    [Fact]
    public void A_node_reading_comes_before_everything_else() =>
        Assert.Equal(
            [("node", 500.0, "node")],
            Rows(Zones(("node_energy", 500), ("psu", 480), ("psys", 300), ("package", 200), ("dram", 50)))
        );

    [Fact]
    public void Power_supplies_come_next_and_add_up()
    {
        var scene = new Scene()
            .Spans(Scene.Series("psu", labels: [("node", "a"), ("part", "1")]), (0, 5, 300))
            .Spans(Scene.Series("psu", labels: [("node", "a"), ("part", "2")]), (0, 4, 200))
            .Spans(Scene.Series("psys", labels: ("node", "a")), (0, 5, 400));

        var fact = Assert.Single(scene.Normalise().Energy);

        Assert.Equal((500.0, "psu", 240.0), (fact.ServerJoules, fact.Cover.Word(), fact.CoveredSeconds));
    }

    [Fact]
    public void Packages_and_memory_make_a_server() =>
        Assert.Equal([("node", 250.0, "cpu+memory")], Rows(Zones(("package", 200), ("core", 150), ("uncore", 20), ("dram", 50))));

    [Fact]
    public void Packages_alone_make_a_server() => Assert.Equal([("node", 200.0, "cpu")], Rows(Zones(("package", 200))));

    [Fact]
    public void Cores_alone_are_no_server() => Assert.Empty(Zones(("core", 150), ("uncore", 20)));

    [Fact]
    public void Memory_alone_is_no_server() => Assert.Empty(Zones(("dram", 50)));

    [Fact]
    public void Packages_memory_and_accelerators_make_a_server()
    {
        var facts = new Scene()
            .Counting(GpuEnergy, 6_000_000)
            .Spans(Scene.Series("package", labels: ("node", "node-a")), (0, 5, 200))
            .Spans(Scene.Series("dram", labels: ("node", "node-a")), (0, 5, 50))
            .Normalise()
            .Energy;

        Assert.Equal([("gpu", 30_000.0, "accelerator"), ("node", 250.0, "cpu+memory+accelerator")], Rows(facts));
    }

    [Fact]
    public void A_module_holds_its_accelerator_and_its_cpu()
    {
        var facts = new Scene()
            .Counting(GpuEnergy, 6_000_000)
            .Spans(Scene.Series("package", labels: ("node", "node-a")), (0, 5, 200))
            .Spans(Scene.Series("module", labels: ("node", "node-a")), (0, 5, 40_000))
            .Normalise()
            .Energy;

        Assert.Equal([("gpu", 30_000.0, "accelerator"), ("node", 10_000.0, "module")], Rows(facts));
    }

    [Fact]
    public void Two_exporters_that_name_sockets_differently_are_not_added()
    {
        var other = Map.Zones.Single(zone => zone.Id == "package") with { Id = "z-package", Metrics = ["other_package"] };
        var scene = new Scene { Mappings = [.. Map.All, other] }
            .Spans(Scene.Series("package", labels: [("node", "a"), ("part", "package-0")]), (0, 5, 100))
            .Spans(Scene.Series("package", labels: [("node", "a"), ("part", "package-1")]), (0, 5, 120))
            .Spans(Scene.Series("other_package", labels: [("node", "a"), ("part", "0")]), (0, 5, 101))
            .Spans(Scene.Series("other_package", labels: [("node", "a"), ("part", "1")]), (0, 5, 119));

        Assert.Equal(220, Assert.Single(scene.Normalise().Energy).ServerJoules);
    }

    [Fact]
    public void A_flood_of_label_sets_of_one_board_is_one_board()
    {
        var scene = new Scene();
        for (var i = 0; i < 5_000; i++)
            scene.Counting(Scene.Series("gpu_energy", labels: [("UUID", "GPU-1"), ("session", $"{i}")]), 6_000_000, 0, 1);

        Assert.Equal(6_000, Assert.Single(scene.Normalise().Energy).AcceleratorJoules);
    }

    [Theory]
    [InlineData("pdu")]
    [InlineData("rack")]
    [InlineData("outlet")]
    public void What_feeds_servers_stands_beside_them(string kind)
    {
        var fact = Assert.Single(new Scene().Steady(Scene.Series(kind + "_power", labels: (kind, "left")), 4000).Normalise().Energy);

        Assert.Equal((kind, "left", 1_200_000.0, kind), (fact.Resource.Kind, fact.Resource.Name, fact.RackJoules, fact.Cover.Word()));
        Assert.Null(fact.AcceleratorJoules);
        Assert.Null(fact.ServerJoules);
        Assert.Null(fact.FacilityJoules);
        Assert.Equal(0, fact.MeasuredJoules);
    }

    [Fact]
    public void A_sum_has_the_worst_evidence_of_its_parts_and_tells_how_much_is_measured()
    {
        var scene = new Scene
        {
            Mappings =
            [
                .. Map.All.Where(mapping => mapping.Id != "dram"),
                Map.Zones.Single(zone => zone.Id == "dram") with
                {
                    Evidence = Evidence.Modelled,
                },
            ],
        }
            .Spans(Scene.Series("package", labels: ("node", "a")), (0, 5, 200))
            .Spans(Scene.Series("dram", labels: ("node", "a")), (0, 5, 50));

        var fact = Assert.Single(scene.Normalise().Energy);

        Assert.Equal((Evidence.Modelled, 200.0, "dram@1 package@1"), (fact.Evidence, fact.MeasuredJoules, fact.Mappings));
    }

    [Fact]
    public void A_reading_of_all_boards_of_a_machine_makes_one_row_with_the_machine()
    {
        var all = Map.GpuPower with
        {
            Id = "all-gpus",
            Metrics = ["all_gpus"],
            Resource = new ResourceLabels("node", ["node"], [], [], []),
        };
        var scene = new Scene { Mappings = [.. Map.All, all] }
            .Steady(Scene.Series("all_gpus", labels: ("node", "a")), 100)
            .Spans(Scene.Series("node_energy", labels: ("node", "a")), (0, 5, 50_000));

        var fact = Assert.Single(scene.Normalise().Energy);

        Assert.Equal(
            (30_000.0, 50_000.0, "node", "all-gpus@1 node-energy@1"),
            (fact.AcceleratorJoules, fact.ServerJoules, fact.Cover.Word(), fact.Mappings)
        );
    }

    private static IReadOnlyList<EnergyFact> Zones(params (string Metric, double Joules)[] zones)
    {
        var scene = new Scene();
        foreach (var (metric, joules) in zones)
            scene.Spans(Scene.Series(metric, labels: ("node", "a")), (0, 5, joules));
        return scene.Normalise().Energy;
    }

    private static IEnumerable<(string Kind, double? Server, string Cover)> Rows(IReadOnlyList<EnergyFact> facts) =>
        facts
            .Select(fact => (fact.Resource.Kind, fact.ServerJoules, fact.Cover.Word()))
            .OrderBy(row => row.Kind, StringComparer.Ordinal)
            .ThenBy(row => row.ServerJoules);
}
