using Metrics.Domain.Catalogue;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Xunit;

namespace Metrics.Domain.Tests;

/// <summary>From IT energy to the facility, its emissions, its water and what making the hardware took; models of power; idle
/// energy.</summary>
public sealed class AccountTests
{
    private static readonly Series Node = Scene.Series("node_energy", labels: ("node", "node-a"));

    [Fact]
    public void Facility_energy_emissions_and_water_are_the_IT_energy_times_the_factors_of_the_place()
    {
        // One kilowatt-hour at PUE 1.2 (1.1 to 1.3), 400 g average, 600 g marginal, 50 g by contracts, 0.5 L.
        var fact = Assert.Single(Room().Spans(Node, (0, 5, 3_600_000)).Normalise().Energy);

        Assert.Equal(3_600_000, fact.ServerJoules);
        Assert.Equal(4_320_000, fact.FacilityJoules);
        Assert.Equal(480, fact.OperationalGrams!.Value, 1e-9);
        Assert.Equal(720, fact.MarginalGrams!.Value, 1e-9);
        Assert.Equal(60, fact.MarketBasedGrams!.Value, 1e-9);
        Assert.Equal(0.5, fact.WaterLitres!.Value, 1e-12);
        Assert.Equal(
            "grid_intensity:country/DE:location_average@test-1 grid_intensity:country/DE:location_marginal@test-1 "
                + "grid_intensity:country/DE:market_based@test-1 pue:onprem/dc-1@test-1 wue:onprem/dc-1@test-1",
            fact.Factors
        );
    }

    [Fact]
    public void Bounds_are_those_of_the_meter_times_those_of_the_PUE()
    {
        var fact = Assert.Single(Room().Spans(Node, (0, 5, 3_600_000)).Normalise().Energy);

        Assert.InRange(fact.LowJoules!.Value, 3_600_000 * 0.8 * 1.1, 3_600_000 * 1.1 - 1);
        Assert.InRange(fact.HighJoules!.Value, 3_600_000 * 1.3 + 1, 3_600_000 * 1.2 * 1.3);
    }

    [Fact]
    public void What_has_no_factor_is_null_and_says_which()
    {
        var fact = Assert.Single(
            new Scene { Factors = FactorBook.Published.With([]) }
                .Place(Scene.Source, null, country: "XX")
                .Spans(Node, (0, 5, 3_600_000))
                .Normalise()
                .Energy
        );

        Assert.Null(fact.FacilityJoules);
        Assert.Null(fact.OperationalGrams);
        Assert.Null(fact.WaterLitres);
        Assert.Null(fact.EmbodiedGrams);
        Assert.Equal("embodied_unknown grid_unknown pue_unknown wue_unknown", fact.Missing.Text());
    }

    [Fact]
    public void A_factor_holds_from_its_first_day_and_the_period_before_keeps_the_earlier_one()
    {
        var book = FactorBook.Published.With([
            Known.Factor(FactorKind.Pue, 1.2),
            Known.Factor(FactorKind.GridIntensity, 400, FactorMethod.LocationAverage, "country/DE"),
            Known.Factor(FactorKind.GridIntensity, 300, FactorMethod.LocationAverage, "country/DE") with
            {
                From = new DateOnly(2026, 1, 6),
                Version = "test-2",
            },
        ]);

        // Midnight of 6 January is 840 minutes after ten.
        var facts = new Scene { Factors = book, Grain = TimeSpan.FromHours(1) }
            .Place(Scene.Source, null)
            .Spans(Node, (780, 840, 3_600_000), (840, 900, 3_600_000))
            .Normalise(780, 900)
            .Energy;

        Assert.Equal([480.0, 360.0], facts.Select(fact => Math.Round(fact.OperationalGrams!.Value, 9)));
        Assert.Contains("@test-1", facts[0].Factors, StringComparison.Ordinal);
        Assert.Contains("location_average@test-2", facts[1].Factors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_host_that_nobody_meters_is_what_its_type_draws_at_the_load_of_its_CPUs()
    {
        // 100 vCPUs of Ice Lake at 0.767 to 3.758 W and 500 GB at 0.392 W: 272.7 to 571.8 W. At 20 %: 332.52 W for 300 s.
        var fact = Assert.Single(Room("cpu-box").Steady(Scene.Series("host_busy", labels: ("node", "node-a")), 20).Normalise().Energy);

        Assert.Equal(99_756, fact.ServerJoules!.Value, 1e-6);
        Assert.Equal(99_756 * 1.2, fact.FacilityJoules!.Value, 1e-6);
        Assert.Equal(81_810 * 1.1, fact.LowJoules!.Value, 1e-6);
        Assert.Equal(171_540 * 1.3, fact.HighJoules!.Value, 1e-6);
        Assert.Equal(Evidence.Modelled, fact.Evidence);
        Assert.Equal(0, fact.MeasuredJoules);
        Assert.Equal("host-model", fact.Cover.Word());
        Assert.Contains("server:any/cpu-box@test-1", fact.Factors, StringComparison.Ordinal);
        // Four fifths of the time its CPUs did nothing, at 272.7 W.
        Assert.Equal(65_448, fact.IdleJoules!.Value, 1e-6);
    }

    [Fact]
    public void A_host_of_which_only_the_boards_are_read_is_modelled_at_the_usual_load_and_the_row_says_so()
    {
        // Two boards of 30 kJ; the host at 50 %: 422.25 W for 300 s, halved between the boards' workloads.
        var facts = Room("gpu-box")
            .Workload("chat", ("pod", "llm-*"))
            .Workload("vision", ("pod", "vision-*"))
            .Counting(Board(1, "llm-0"), 6_000_000)
            .Counting(Board(2, "vision-0"), 6_000_000)
            .Normalise()
            .Energy;

        Assert.Equal([("chat", 93_337.5), ("vision", 93_337.5)], Sums(facts, fact => fact.ServerJoules));
        Assert.Equal([("chat", 30_000.0), ("vision", 30_000.0)], Sums(facts, fact => fact.AcceleratorJoules));
        var host = facts.Where(fact => fact.Resource.Kind == "node").ToList();
        Assert.All(host, fact =>
            Assert.Equal((Evidence.Modelled, "host-model+accelerator", 0.0), (fact.Evidence, fact.Cover.Word(), fact.MeasuredJoules))
        );
        Assert.All(host, fact => Assert.Contains("host_load:0.5@ccf-2024", fact.Factors, StringComparison.Ordinal));
        Assert.All(facts.Where(fact => fact.Resource.Kind == "gpu"), fact =>
            Assert.Equal((Evidence.Measured, 30_000.0), (fact.Evidence, fact.MeasuredJoules))
        );
    }

    [Fact]
    public void A_host_of_which_one_board_is_silent_has_no_server_energy()
    {
        var fact = Assert.Single(Room("gpu-box").Counting(Board(1, "llm-0"), 6_000_000).Normalise().Energy);

        Assert.Null(fact.ServerJoules);
        Assert.Null(fact.FacilityJoules);
        Assert.Equal(
            "accelerator_unmetered",
            Assert.Single(fact.Missing.Words(), word => word.StartsWith("acc", StringComparison.Ordinal))
        );
    }

    [Theory]
    [InlineData(null, "server_unmetered")]
    [InlineData("no-such-box", "hardware_unknown")]
    public void A_host_of_which_nothing_is_known_has_no_server_energy_and_says_why(string? type, string reason)
    {
        var fact = Assert.Single(Room(type).Counting(Board(1, "llm-0"), 6_000_000).Normalise().Energy);

        Assert.Null(fact.ServerJoules);
        Assert.Contains(reason, fact.Missing.Words());
        Assert.Equal(30_000, fact.AcceleratorJoules);
    }

    [Fact]
    public void A_host_that_is_metered_is_not_modelled()
    {
        var facts = Room("gpu-box")
            .Counting(Board(1, "llm-0"), 6_000_000)
            .Counting(Board(2, "llm-0"), 6_000_000)
            .Spans(Node, (0, 5, 200_000))
            .Normalise()
            .Energy;

        Assert.Equal(200_000, facts.Sum(fact => fact.ServerJoules));
        Assert.DoesNotContain(facts, fact =>
            fact.Factors.Contains("vcpu:", StringComparison.Ordinal) || fact.Evidence == Evidence.Modelled
        );
        // Its type is asked for the emissions of making it alone, and is named for them.
        Assert.All(facts, fact =>
            Assert.Equal(fact.EmbodiedGrams is not null, fact.Factors.Contains("server:any/gpu-box@", StringComparison.Ordinal))
        );
        Assert.Contains(facts, fact => fact.EmbodiedGrams > 0);
    }

    [Fact]
    public void What_the_settings_say_of_a_machine_is_told_of_it_and_a_board_keeps_what_its_label_says()
    {
        var facts = Room("gpu-box").Counting(Board(1, "llm-0"), 6_000_000).Counting(Board(2, "llm-0"), 6_000_000).Normalise().Energy;

        Assert.Equal(["gpu-box"], facts.Where(fact => fact.Resource.Kind == "node").Select(fact => fact.Resource.Hardware));
        Assert.Equal(["NVIDIA H200"], facts.Where(fact => fact.Resource.Kind == "gpu").Select(fact => fact.Resource.Hardware).Distinct());
    }

    [Fact]
    public void A_board_without_a_meter_is_what_its_hardware_draws_at_its_load()
    {
        // An H200 draws 77.7 to 700 W. At 40 %: 326.62 W for 300 s.
        var fact = Assert.Single(Room(null).Steady(Busy(1), 40).Normalise().Energy);

        Assert.Equal(97_986, fact.AcceleratorJoules!.Value, 1e-6);
        Assert.Equal((23_310, 210_000), (Math.Round(fact.LowJoules!.Value, 6), Math.Round(fact.HighJoules!.Value, 6)));
        Assert.Equal((Evidence.Modelled, 0.0), (fact.Evidence, fact.MeasuredJoules));
        // 180 s at 77.7 W.
        Assert.Equal(13_986, fact.IdleJoules!.Value, 1e-6);
    }

    [Fact]
    public void A_board_draws_no_more_than_the_limit_that_it_enforces()
    {
        // Limited to 500 W, at 40 %: 246.62 W for 300 s.
        var fact = Assert.Single(
            Room(null)
                .Steady(Busy(1), 40)
                .Steady(Scene.Series("gpu_limit", labels: [("UUID", "GPU-1"), ("Hostname", "node-a"), ("modelName", "NVIDIA H200")]), 500)
                .Normalise()
                .Energy
        );

        Assert.Equal(73_986, fact.AcceleratorJoules!.Value, 1e-6);
        Assert.Equal(150_000, fact.HighJoules!.Value, 1e-6);
    }

    [Theory(
        DisplayName = "B10 the curve of four points: 200 W of design at 50 % for an hour are 0.15 kWh, and a 64th of them 0.00234375 kWh"
    )]
    [InlineData("1", 50, 540_000, 86_400, 734_400)]
    [InlineData("0.015625", 50, 8_437.5, 1_350, 11_475)]
    // B08: 0.69625 of the design power at 45 %.
    [InlineData("1", 45, 501_300, 86_400, 734_400)]
    public void The_curve_of_four_points(string units, double percent, double joules, double low, double high)
    {
        var curved = Map.Of(
            "curved",
            "curved",
            "%",
            SampleKind.Gauge,
            Component.Node,
            new ResourceLabels("node", ["node"], ["node"], [], [])
        ) with
        {
            Power = UtilisationPower.OfThermalDesign(200, "share", "Teads, 2021"),
        };
        var scene = new Scene
        {
            Mappings = [curved],
            Factors = FactorBook.Published,
            Grain = TimeSpan.FromHours(1),
        }.Place(Scene.Source, 1, "XX");
        for (var minute = 0; minute <= 60; minute += 5)
            scene.Instants(Scene.Series("curved", labels: [("node", "a"), ("share", units)]), (minute, percent));

        var fact = Assert.Single(scene.Normalise(0, 60).Energy);

        Assert.Equal(
            (joules, low, high),
            (Math.Round(fact.ServerJoules!.Value, 6), Math.Round(fact.LowJoules!.Value, 6), Math.Round(fact.HighJoules!.Value, 6))
        );
        Assert.Equal(Evidence.Modelled, fact.Evidence);
    }

    [Fact]
    public void A_limit_alone_is_no_energy() =>
        Assert.Empty(
            Room(null).Steady(Scene.Series("gpu_limit", labels: [("UUID", "GPU-1"), ("Hostname", "node-a")]), 500).Normalise().Energy
        );

    [Fact]
    public void The_eighth_of_a_board_that_an_instance_has_draws_an_eighth_of_it()
    {
        var fact = Room("slice-box").Steady(Busy(1), 40).Normalise().Energy.Single(fact => fact.Resource.Kind == "gpu");

        Assert.Equal(97_986 / 8.0, fact.AcceleratorJoules!.Value, 1e-6);
    }

    [Fact]
    public void A_load_of_hardware_that_no_table_knows_is_refused_with_the_name_of_the_hardware()
    {
        var period = Room(null)
            .Steady(Scene.Series("gpu_busy", labels: [("UUID", "GPU-1"), ("Hostname", "node-a"), ("modelName", "Nonesuch 9000")]), 40)
            .Normalise();

        Assert.Empty(period.Energy);
        var rejection = Assert.Single(period.Rejections);
        Assert.Equal(RejectionReason.NoPowerModel, rejection.Reason);
        Assert.Equal(
            "Its utilisation gives no energy, for the power of an accelerator 'Nonesuch 9000' is not known. Add it by a hardware "
                + "file under Metrics:Factors.",
            rejection.Detail
        );
    }

    [Fact]
    public void The_load_of_a_metered_board_splits_its_energy_into_active_and_idle()
    {
        // 30 kJ at 40 %: 180 s at the 77.7 W of an H200 at rest were drawn for being there.
        var fact = Assert.Single(Room(null).Counting(Board(1, "llm-0"), 6_000_000).Steady(Busy(1), 40).Normalise().Energy);

        Assert.Equal(30_000, fact.AcceleratorJoules);
        Assert.Equal(13_986, fact.IdleJoules!.Value, 1e-6);
    }

    [Fact(DisplayName = "T12 idle energy belongs to whoever reserved the hardware, and the active-only figure stands beside it")]
    public void Idle_dilution()
    {
        // Four accelerators: 20 h at 90 W, 4 h at 600 W; 57.6 million tokens in the four hours.
        var scene = new Scene { Grain = TimeSpan.FromHours(1) }.Workload("chat", ("node", "*"));
        for (var node = 1; node <= 4; node++)
        for (var hour = 0; hour < 24; hour++)
            scene.Spans(
                Scene.Series("node_energy", labels: ("node", $"n{node}")),
                (hour * 60, hour * 60 + 60, hour < 20 ? 324_000 : 2_160_000)
            );
        for (var minute = 0; minute <= 1440; minute += 10)
            scene.Instants(
                Scene.Series("tokens_total", labels: [("instance", "a"), ("node", "n1")]),
                (minute, minute <= 1200 ? 0 : (minute - 1200) * 240_000.0)
            );

        var day = scene.Normalise(0, 1440);

        var (joules, idle, tokens) = (
            day.Energy.Sum(fact => fact.ServerJoules!.Value),
            day.Energy.Sum(fact => fact.IdleJoules!.Value),
            day.Work.Sum(fact => fact.Units)
        );
        Assert.Equal(57_600_000, tokens, 1e-3);
        Assert.Equal(1.05, joules / tokens, 1e-9);
        Assert.Equal(0.6, (joules - idle) / tokens, 1e-9);
    }

    [Fact]
    public void Without_a_load_and_without_work_idle_energy_is_unknown_and_the_row_says_so()
    {
        var fact = Assert.Single(new Scene().Workload("chat", ("node", "*")).Spans(Node, (0, 5, 500)).Normalise().Energy);

        Assert.Null(fact.IdleJoules);
        Assert.Contains("busy_unknown", fact.Missing.Words());
    }

    [Fact]
    public void Making_the_machine_falls_to_its_workloads_by_the_boards_that_they_hold()
    {
        // 1,261.44 kg over four years: 0.01 g a second, so 3 g in five minutes; chat holds both boards of one machine, or one of two.
        var facts = Room("gpu-box")
            .Workload("chat", ("pod", "llm-*"))
            .Counting(Board(1, "llm-0"), 6_000_000)
            .Counting(Board(2, "cron"), 6_000_000)
            .Normalise()
            .Energy;

        Assert.Equal(
            [("chat", 1.5), ("unattributed", 1.5)],
            Sums(facts, fact => fact.EmbodiedGrams is { } grams ? Math.Round(grams, 9) : null)
        );
        Assert.All(facts, fact => Assert.NotNull(fact.EmbodiedGrams));
    }

    [Fact]
    public void Making_a_machine_without_boards_falls_to_whom_its_energy_goes()
    {
        var fact = Assert.Single(Room("cpu-box").Workload("chat", ("node", "*")).Spans(Node, (0, 5, 200_000)).Normalise().Energy);

        Assert.Equal(3, fact.EmbodiedGrams!.Value, 1e-9);
    }

    [Fact]
    public void A_power_supply_that_falls_silent_leaves_no_server_that_is_half_of_one()
    {
        Series Supply(string part) => Scene.Series("psu", labels: [("node", "node-a"), ("part", part)]);

        var facts = new Scene().Spans(Supply("1"), (0, 5, 1_000), (5, 10, 1_000)).Spans(Supply("2"), (0, 5, 2_000)).Normalise(0, 10).Energy;

        Assert.Equal([3_000.0, null], facts.Select(fact => fact.ServerJoules));
    }

    [Fact]
    public void A_server_without_boards_goes_by_the_CPU_time_of_its_pods()
    {
        Series Pod(string name) => Scene.Series("pod_busy", labels: [("pod", name), ("node", "node-a")]);

        var facts = new Scene()
            .Workload("chat", ("pod", "llm-*"))
            .Workload("vision", ("pod", "vision-*"))
            .Spans(Node, (0, 5, 1_000))
            .Steady(Pod("llm-0"), 30)
            .Steady(Pod("vision-0"), 10)
            .Steady(Pod("cron"), 10)
            .Normalise()
            .Energy;

        Assert.Equal(
            [("chat", 600.0), ("unattributed", 200.0), ("vision", 200.0)],
            Sums(facts, fact => Math.Round(fact.ServerJoules!.Value, 9))
        );
    }

    [Fact]
    public void A_machine_that_no_label_gives_away_goes_by_the_work_done_on_it()
    {
        var facts = Engines(
                new Scene
                {
                    Mappings =
                    [
                        .. Map.All.Where(mapping => mapping != Map.Tokens),
                        Map.Tokens with
                        {
                            Resource = Map.Tokens.Resource with { Node = ["node"] },
                        },
                    ],
                }
            )
            .Counting(Board(1, "cron"), 6_000_000)
            .Spans(Node, (0, 5, 40_000))
            .Normalise()
            .Energy;

        Assert.Equal([("chat", 30_000.0), ("vision", 10_000.0)], Sums(facts, fact => Math.Round(fact.ServerJoules!.Value, 6)));
    }

    [Fact]
    public void Work_gives_nothing_away_where_a_label_names_an_owner()
    {
        var facts = Engines(
                new Scene
                {
                    Mappings =
                    [
                        .. Map.All.Where(mapping => mapping != Map.Tokens),
                        Map.Tokens with
                        {
                            Resource = Map.Tokens.Resource with { Node = ["node"] },
                        },
                    ],
                }
            )
            .Workload("owner", ("pod", "cron"))
            .Counting(Board(1, "cron"), 6_000_000)
            .Spans(Node, (0, 5, 40_000))
            .Normalise()
            .Energy;

        Assert.Equal([("owner", 40_000.0)], Sums(facts, fact => Math.Round(fact.ServerJoules!.Value, 6)));
    }

    [Fact]
    public void A_workload_that_moves_between_nodes_within_the_hour_has_each_nodes_energy_for_its_time()
    {
        // chat holds the board of node-a for 20 minutes and that of node-b for 40; each node draws 600 W, its board 100 W of it.
        var scene = new Scene().Workload("chat", ("pod", "llm-*"));
        foreach (var (node, board, from, to) in new[] { ("node-a", 1, 0, 20), ("node-b", 2, 20, 60) })
        {
            scene.Steady(Scene.Series("node_power", labels: ("node", node)), 600, 0, 60);
            var held = Scene.Series("gpu_power", labels: [("UUID", $"GPU-{board}"), ("Hostname", node), ("pod", "llm-0")]);
            var free = Scene.Series("gpu_power", labels: [("UUID", $"GPU-{board}"), ("Hostname", node)]);
            for (var minute = 0; minute <= 60; minute++)
                scene.Instants(minute > from && minute <= to || minute == 0 && from == 0 ? held : free, (minute, 100));
        }

        var facts = scene.Normalise(0, 60).Energy;

        Assert.Equal(720_000, Sum("chat", "node-a"), 1e-3);
        Assert.Equal(1_440_000, Sum("chat", "node-b"), 1e-3);
        Assert.Equal(
            2_160_000,
            facts.Where(fact => fact.Deployment.Workload.Name == "unattributed").Sum(fact => fact.ServerJoules!.Value),
            1e-3
        );

        double Sum(string workload, string node) =>
            facts
                .Where(fact => fact.Deployment.Workload.Name == workload && (fact.Resource.Node ?? fact.Resource.Name) == node)
                .Sum(fact => fact.ServerJoules!.Value);
    }

    [Fact]
    public void A_trace_tells_every_reading_and_which_of_them_were_used()
    {
        var trace = Room(null)
            .Workload("chat", ("pod", "llm-*"))
            .Counting(Board(1, "llm-0"), 6_000_000)
            .Steady(Scene.Series("gpu_power", labels: [("UUID", "GPU-1"), ("Hostname", "node-a"), ("pod", "llm-0")]), 90)
            .Counting(Scene.Series("tokens_total", labels: [("instance", "a"), ("pod", "llm-0")]), 60)
            .Trace();

        Assert.Equal(
            [("gpu-energy", 30_000.0, true), ("gpu-power", 27_000.0, false), ("tokens", 300.0, true)],
            trace.Readings.Select(reading => (reading.Mapping.Id, Math.Round(reading.Amount, 6), reading.Used)).Order()
        );
        Assert.All(trace.Readings, reading => Assert.Equal(("chat", 300.0), (reading.Workload, reading.Seconds)));
        Assert.Equal(30_000, Assert.Single(trace.Period.Energy).AcceleratorJoules);
    }

    private static Scene Room(string? type = null) => new Scene { Factors = Known.Book, Hardware = type }.Place(Scene.Source, null);

    private static Scene Engines(Scene scene) =>
        scene
            .Workload("chat", ("model_name", "chat"))
            .Workload("vision", ("model_name", "vision"))
            .Counting(Scene.Series("tokens_total", labels: [("instance", "a"), ("node", "node-a"), ("model_name", "chat")]), 300)
            .Counting(Scene.Series("tokens_total", labels: [("instance", "b"), ("node", "node-a"), ("model_name", "vision")]), 100);

    private static Series Board(int number, string pod) =>
        Scene.Series("gpu_energy", labels: [("UUID", $"GPU-{number}"), ("Hostname", "node-a"), ("pod", pod), ("modelName", "NVIDIA H200")]);

    private static Series Busy(int number) =>
        Scene.Series("gpu_busy", labels: [("UUID", $"GPU-{number}"), ("Hostname", "node-a"), ("modelName", "NVIDIA H200")]);

    private static IEnumerable<(string Workload, double? Sum)> Sums(IEnumerable<EnergyFact> facts, Func<EnergyFact, double?> column) =>
        facts
            .GroupBy(fact => fact.Deployment.Workload.Name)
            .Select(workload => (workload.Key, (double?)workload.Sum(column)))
            .OrderBy(row => row.Key, StringComparer.Ordinal);
}
