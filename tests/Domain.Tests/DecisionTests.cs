using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Xunit;

namespace Metrics.Domain.Tests;

/// <summary>What a traced pass tells of its own decisions, with the numbers that they were made with.</summary>
public sealed class DecisionTests
{
    private static readonly Series Node = Scene.Series("node_energy", labels: ("node", "node-a"));

    [Fact]
    public void A_metered_board_in_a_metered_server_is_taken_off_it_and_the_rest_goes_by_the_time_that_boards_are_held()
    {
        var trace = Room()
            .Spans(Node, (0, 5, 70_000))
            .Counting(Board(1, "llm-0"), 6_000_000)
            .Counting(Board(2, "vision-0"), 2_000_000)
            .Trace();

        var server = Of(trace, "node-a");
        Assert.Equal((EnergyRule.Metered, EnergyCover.Node, 70_000.0, 40_000.0), Brief(server));
        var meter = Assert.Single(server.Meters);
        Assert.Equal((Component.Node, "node-energy"), (meter.Component, meter.Mapping.Id));
        Assert.Equal([70_000.0], meter.Joules);
        Assert.Equal(
            ["chat AcceleratorTime 300 of 600 s", "vision AcceleratorTime 300 of 600 s"],
            server.Shares.Select(Text).Order(StringComparer.Ordinal)
        );
        var board = Of(trace, "1");
        Assert.Equal((EnergyRule.Metered, EnergyCover.Accelerator, 30_000.0, null), Brief(board));
        Assert.Equal((1.0, 1.0), (board.ServerScale!.Value, board.ServerTime));
        Assert.Equal("chat", Assert.Single(board.Shares).Workload);
        Assert.Equal(ShareRule.Series, Assert.Single(board.Shares[0].Keys).Rule);
    }

    [Fact]
    public void Boards_that_told_more_than_their_server_are_scaled_to_it()
    {
        var trace = Room().Spans(Node, (0, 5, 36_000)).Counting(Board(1, "llm-0"), 8_000_000).Trace();

        // 40 kJ of boards in 36 kJ of server: each joule counts nine tenths.
        Assert.Equal(0.9, Of(trace, "1").ServerScale!.Value, 1e-12);
        Assert.Equal(36_000, Of(trace, "node-a").JoulesOfAccelerators!.Value, 1e-9);
    }

    [Fact]
    public void A_board_of_a_server_that_nobody_meters_has_no_scale() =>
        Assert.Null(Of(Room().Counting(Board(1, "llm-0"), 6_000_000).Trace(), "1").ServerScale);

    [Fact]
    public void The_accuracy_of_a_meter_is_told_where_a_table_states_it()
    {
        var known = Room(Known.Book).Spans(Node, (0, 5, 1_000)).Trace();
        var unknown = Room().Spans(Node, (0, 5, 1_000)).Trace();

        Assert.Equal(new Bounds(0.95, 1.05), Of(known, "node-a").Meters[0].Accuracy);
        Assert.Null(Of(unknown, "node-a").Meters[0].Accuracy);
    }

    [Fact]
    public void A_modelled_host_tells_its_power_its_load_and_where_that_came_from()
    {
        // 100 vCPUs of Ice Lake at 0.767 to 3.758 W and 500 GB at 0.392 W: 272.7 to 571.8 W.
        var trace = Room(Known.Book, "cpu-box").Steady(Scene.Series("host_busy", labels: ("node", "node-a")), 20).Trace();

        var host = Of(trace, "node-a");
        Assert.Equal((EnergyRule.HostModel, EnergyCover.HostModel), (host.Rule, host.Cover));
        Assert.Empty(host.Meters);
        var model = host.Model!;
        Assert.Equal((272.7, 571.8), (Math.Round(model.Power.Idle.Watts, 9), Math.Round(model.Power.Max.Watts, 9)));
        Assert.Equal(
            (0.2, 300.0, 1.0, 1.0, 0.0),
            (Math.Round(model.Busy, 12), model.Seconds, model.Boards, model.Servers, model.UsualSeconds)
        );
        var part = Assert.Single(model.Load!.Parts);
        Assert.Equal((60.0, 300.0, 1.0, 1.0), (Math.Round(part.FullLoadSeconds, 9), part.Seconds, part.Servers, part.Slice));
        Assert.Equal(("cpu-box", "Ice Lake", "server:any/cpu-box@test-1"), (model.Server!.Name, model.VirtualCpu!.Name, model.Factor));
        var idle = Assert.Single(host.Shares).Idle!;
        Assert.Equal((IdleRule.Load, 0.2), (idle.Rule, Math.Round(idle.Busy, 12)));
        // 1,261,440 g for four years of 126,144,000 s: 3 g in five minutes.
        Assert.Equal((3.0, 300.0, 0), (Math.Round(host.Embodied!.Grams, 9), host.Embodied.Seconds, host.Embodied.Accelerators));
    }

    [Fact]
    public void A_host_whose_boards_alone_are_read_tells_that_the_usual_load_was_taken()
    {
        var trace = Room(Known.Book, "gpu-box").Counting(Board(1, "llm-0"), 6_000_000).Counting(Board(2, "vision-0"), 6_000_000).Trace();

        var model = Of(trace, "node-a").Model!;
        Assert.Equal((0.5, 300.0), (model.Busy, model.UsualSeconds));
        Assert.Null(model.Load);
        Assert.Equal(2, Of(trace, "1").Embodied!.Accelerators);
    }

    [Fact]
    public void A_modelled_board_tells_the_limit_that_took_the_place_of_the_tables_maximum()
    {
        Series Told(string metric) =>
            Scene.Series(metric, labels: [("UUID", "GPU-1"), ("Hostname", "node-a"), ("modelName", "NVIDIA H200")]);

        var limited = Room(Known.Book).Steady(Told("gpu_busy"), 50).Steady(Told("gpu_limit"), 400).Trace();
        var free = Room(Known.Book).Steady(Told("gpu_busy"), 50).Trace();

        Assert.Equal(
            (EnergyRule.BoardModel, 400.0, 400.0),
            (Of(limited, "1").Rule, Of(limited, "1").Model!.Limit!.Value.Watts, Of(limited, "1").Model!.Power.Max.Watts)
        );
        Assert.Equal((null, 700.0), (Of(free, "1").Model!.Limit, Of(free, "1").Model!.Power.Max.Watts));
        // (77.7 W + 400 W) / 2 x 300 s.
        Assert.Equal(71_655, Of(limited, "1").Joules, 1e-6);
    }

    [Fact]
    public void Pods_that_are_metered_tell_their_joules_and_what_is_left_is_nobodys()
    {
        var trace = Room()
            .Spans(Node, (0, 5, 1_000))
            .Spans(Pod("pod", "llm-0"), (0, 5, 300))
            .Spans(Pod("pod", "vision-0"), (0, 5, 200))
            .Trace();

        Assert.Equal(
            ["chat PodEnergy 300 of 1000 J", "unattributed Rest 500 of 500 J", "vision PodEnergy 200 of 1000 J"],
            Of(trace, "node-a").Shares.Select(Text).Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public void Pods_whose_CPU_time_is_read_tell_it()
    {
        var trace = Room().Spans(Node, (0, 5, 1_000)).Steady(Pod("pod_busy", "llm-0"), 30).Steady(Pod("pod_busy", "vision-0"), 10).Trace();

        // 30 % and 10 % of 300 s.
        Assert.Equal(
            ["chat CpuTime 90 of 120 s at full load", "vision CpuTime 30 of 120 s at full load"],
            Of(trace, "node-a").Shares.Select(Text).Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public void A_machine_that_goes_by_work_tells_the_units_of_each()
    {
        var trace = new Scene
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
            .Workload("chat", ("model_name", "chat"))
            .Workload("vision", ("model_name", "vision"))
            .Counting(Scene.Series("tokens_total", labels: [("instance", "a"), ("node", "node-a"), ("model_name", "chat")]), 300)
            .Counting(Scene.Series("tokens_total", labels: [("instance", "b"), ("node", "node-a"), ("model_name", "vision")]), 100)
            .Spans(Node, (0, 5, 40_000))
            .Trace();

        Assert.Equal(
            ["chat Work 1500 of 2000 output-token", "vision Work 500 of 2000 output-token"],
            Of(trace, "node-a").Shares.Select(Text).Order(StringComparer.Ordinal)
        );
    }

    [Theory]
    [InlineData(100, 1)]
    [InlineData(0, 0)]
    public void Idle_energy_that_only_work_tells_says_whether_there_was_any(double perMinute, double busy)
    {
        var trace = new Scene()
            .Workload("chat")
            .Spans(Node, (0, 5, 1_000))
            .Counting(Scene.Series("tokens_total", labels: ("instance", "a")), perMinute)
            .Trace();

        var idle = Assert.Single(Of(trace, "node-a").Shares).Idle!;
        Assert.Equal((IdleRule.Work, busy), (idle.Rule, idle.Busy));
    }

    [Fact]
    public void A_rack_is_told_too()
    {
        var trace = new Scene().Steady(Scene.Series("rack_power", labels: ("rack", "r1")), 100).Trace();

        Assert.Equal((EnergyRule.Metered, EnergyCover.Rack, 30_000.0, null), Brief(Of(trace, "r1")));
    }

    [Fact]
    public void The_factors_of_the_place_are_handed_out_with_their_values()
    {
        var trace = Room(Known.Book).Spans(Node, (0, 5, 1_000)).Trace();

        var fact = Assert.Single(trace.Period.Energy);
        Assert.Equal("FacilityJoules = ServerJoules by 1.2 of pue:onprem/dc-1@test-1", Text(trace.AccountOf(fact, Measures.Facility)));
        Assert.Equal(
            "OperationalGrams = FacilityJoules by 400 of grid_intensity:country/DE:location_average@test-1",
            Text(trace.AccountOf(fact, Measures.Operational))
        );
        Assert.Null(trace.AccountOf(fact, Measures.Server));

        static string? Text(AccountDecision? made) =>
            made is null ? null : FormattableString.Invariant($"{made.Measure} = {made.From} by {made.By.Value} of {made.By.Name}");
    }

    [Fact]
    public void A_configured_PUE_is_handed_out_as_a_factor()
    {
        var place = new Place("onprem/dc-1", "DE", 1.4);

        Assert.Equal(("pue:onprem/dc-1@config", 1.4), (Factors.Factor.OfPue(place)!.Name, Factors.Factor.OfPue(place)!.Value));
        Assert.Null(Factors.Factor.OfPue(place with { Pue = null }));
    }

    [Fact]
    public void What_is_not_used_says_what_was_taken_instead()
    {
        var trace = new Scene()
            .Spans(Node, (0, 5, 70_000))
            .Spans(Scene.Series("node_energy", labels: [("node", "node-a"), ("replica", "b")]), (0, 5, 70_000))
            .Spans(Scene.Series("psu", labels: ("node", "node-a")), (0, 5, 69_000))
            .Trace();

        var used = Assert.Single(trace.Readings, reading => reading.Used).Series;
        var unused = trace.Readings.Where(reading => !reading.Used).Select(reading => reading.WhyNot!).ToList();
        Assert.Equal(2, unused.Count);
        Assert.Contains(new UnusedDecision(UnusedRule.SameReading) { Series = used }, unused);
        Assert.Contains(new UnusedDecision(UnusedRule.InsideCover) { Component = Component.Node }, unused);
    }

    [Fact]
    public void A_pass_that_is_traced_gives_the_same_facts()
    {
        var scene = Room(Known.Book, "gpu-box")
            .Counting(Board(1, "llm-0"), 6_000_000)
            .Counting(Board(2, "vision-0"), 6_000_000)
            .Steady(Pod("pod_busy", "llm-0"), 30);

        Assert.Equal(scene.Normalise().Energy, scene.Trace().Period.Energy);
        Assert.NotEmpty(scene.Trace().Decisions);
    }

    private static Scene Room(Factors.FactorBook? book = null, string? type = null) =>
        new Scene { Factors = book, Hardware = type }
            .Place(Scene.Source, null)
            .Workload("chat", ("pod", "llm-*"))
            .Workload("vision", ("pod", "vision-*"));

    private static Series Board(int number, string pod) =>
        Scene.Series("gpu_energy", labels: [("UUID", $"GPU-{number}"), ("Hostname", "node-a"), ("pod", pod)]);

    private static Series Pod(string metric, string pod) => Scene.Series(metric, labels: [("pod", pod), ("node", "node-a")]);

    private static EnergyDecision Of(Trace trace, string resource) =>
        Assert.Single(trace.Decisions, decision => decision.Resource.Name == resource);

    private static (EnergyRule, EnergyCover, double, double?) Brief(EnergyDecision decision) =>
        (
            decision.Rule,
            decision.Cover,
            Math.Round(decision.Joules, 6),
            decision.JoulesOfAccelerators is { } off ? Math.Round(off, 6) : null
        );

    private static string Text(ShareDecision share) => $"{share.Workload} {string.Join("; ", share.Keys.Select(Text))}";

    private static string Text(ShareKey key) =>
        FormattableString.Invariant($"{key.Rule} {Math.Round(key.Part, 6)} of {Math.Round(key.Of, 6)} {key.Unit}");
}
