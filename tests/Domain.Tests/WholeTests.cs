using Metrics.Domain.Catalogue;
using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Xunit;

namespace Metrics.Domain.Tests;

/// <summary>What a server is made of (docs/decisions/032), and what of it was idle (docs/decisions/033).</summary>
public sealed class WholeTests
{
    private static readonly Series Node = Scene.Series("node_energy", labels: ("node", "node-a"));
    private static readonly Series Package = Scene.Series("package", labels: ("node", "node-a"));

    [Fact]
    public void Components_do_not_stand_in_for_a_wall_meter_that_pauses_within_the_hour()
    {
        var facts = Every(Every(Room(), Package, 90_000, 0, 60), Node, 600_000, 0, 40).Normalise(0, 60).Energy;

        Assert.Equal(8, facts.Count(fact => fact.ServerJoules == 600_000));
        Assert.Equal(4, facts.Count(fact => fact.ServerJoules is null && fact[Measures.Present] == 300));
        Assert.DoesNotContain(facts, fact => fact.Cover.Kind() == CoverKinds.Components);
    }

    [Fact]
    public void In_an_hour_in_which_no_wall_meter_is_read_components_are_the_server()
    {
        var facts = Every(Every(Room(), Package, 90_000, 0, 120), Node, 600_000, 0, 60).Normalise(60, 120).Energy;

        Assert.Equal(12, facts.Count(fact => fact.ServerJoules == 90_000 && fact.Cover == EnergyCover.Cpu));
    }

    [Fact]
    public void Memory_that_pauses_leaves_no_server_that_is_smaller_by_it()
    {
        var memory = Scene.Series("dram", labels: ("node", "node-a"));

        var facts = Every(Every(Room(), Package, 90_000, 0, 60), memory, 30_000, 0, 30).Normalise(0, 60).Energy;

        Assert.Equal([120_000.0, null], facts.Select(fact => fact.ServerJoules).Distinct());
    }

    [Fact]
    public void A_server_that_shows_nothing_beside_a_board_of_300_W_is_not_believed_and_told_once_an_hour()
    {
        var trace = Every(Every(Room(), Node, 0, 0, 10), Package, 36_000, 0, 10).Counting(Board(1), 18_000_000, 0, 10).Trace(0, 10);

        Assert.All(trace.Period.Energy, fact => Assert.Null(fact.ServerJoules));
        Assert.All(trace.Period.Energy, fact => Assert.Contains("less_than_its_parts", fact.Missing.Words()));
        Assert.Equal(180_000, trace.Period.Energy.Sum(fact => fact.AcceleratorJoules ?? 0), 1e-6);
        var rejection = Assert.Single(trace.Period.Rejections);
        // 90 kJ of the board less a twentieth; 36 kJ of the package, whose accuracy nobody states, less a quarter.
        Assert.Equal(RejectionReason.LessThanItsParts, rejection.Reason);
        Assert.Contains("it showed 0 J, and what is in it drew 112500 J at the least", rejection.Detail, StringComparison.Ordinal);
        var act = trace.Covers[0].Decision;
        Assert.Equal((CoverRule.LessThanItsParts, 0.0, 112_500.0, "J"), (act.Rule, act.Shown, act.Against, act.Unit));
    }

    [Fact]
    public void A_server_that_shows_less_by_what_meters_err_is_believed()
    {
        var period = Every(Room(), Node, 87_000, 0, 5).Counting(Board(1), 18_000_000).Normalise();

        Assert.Equal(87_000, period.Energy.Sum(fact => fact.ServerJoules!.Value), 1e-6);
        Assert.Empty(period.Rejections);
    }

    [Fact]
    public void A_meter_is_judged_period_by_period()
    {
        var facts = Room().Spans(Node, (0, 5, 0), (5, 10, 150_000)).Counting(Board(1), 18_000_000, 0, 10).Normalise(0, 10).Energy;

        Assert.Equal(
            [(0.0, null), (5.0, (double?)150_000)],
            facts
                .GroupBy(fact => (fact.Period.Start - Scene.Ten).TotalMinutes)
                .Select(bin => (bin.Key, bin.Any(fact => fact.ServerJoules is null) ? null : bin.Sum(fact => fact.ServerJoules)))
                .Order()
        );
    }

    [Fact]
    public void Where_the_machines_meter_is_dead_its_power_supplies_are_the_server()
    {
        var supplies = Scene.Series("psu", labels: ("node", "node-a"));

        var facts = Every(Every(Room(), Node, 0, 0, 5), supplies, 150_000, 0, 5).Counting(Board(1), 18_000_000).Normalise().Energy;

        Assert.Equal(150_000, facts.Sum(fact => fact.ServerJoules!.Value), 1e-6);
        Assert.Contains(facts, fact => fact.Cover == EnergyCover.Psu);
    }

    [Fact]
    public void Of_two_spellings_of_a_boards_power_one_that_shows_nothing_is_broken()
    {
        var spelled = Map.GpuPower with { Metrics = ["gpu_average_power", "gpu_power"] };
        var scene = new Scene { Mappings = [.. Map.All.Where(mapping => mapping != Map.GpuPower), spelled] }
            .Steady(Told("gpu_average_power"), 0)
            .Steady(Told("gpu_power"), 600);

        Assert.Equal(180_000, Assert.Single(scene.Normalise().Energy).AcceleratorJoules!.Value, 1e-6);
    }

    [Fact]
    public void Of_two_load_meters_one_that_shows_nothing_beside_99_percent_is_not_believed()
    {
        var other = Map.GpuBusy with { Id = "activity", Metrics = ["activity"] };
        var fact = Assert.Single(
            new Scene { Factors = Known.Book, Mappings = [other, .. Map.All] }
                .Counting(Told("gpu_energy"), 36_000_000)
                .Steady(Told("activity"), 0)
                .Steady(Told("gpu_busy"), 99)
                .Normalise()
                .Energy
        );

        // A hundredth of 300 s at 77.7 W.
        Assert.Equal(233.1, fact.IdleJoules!.Value, 1e-6);
    }

    [Theory]
    [InlineData(36_000_000, false)]
    [InlineData(6_000_000, true)]
    public void A_load_of_nothing_is_believed_of_a_board_that_draws_little(double perMinute, bool believed)
    {
        // 600 W is what an H200 draws at work, 100 W what it draws at rest or nearly so.
        var fact = Assert.Single(
            new Scene { Factors = Known.Book }
                .Counting(Told("gpu_energy"), perMinute)
                .Steady(Told("gpu_busy"), 0)
                .Normalise()
                .Energy
        );

        Assert.Equal(believed ? 30_000.0 : null, fact.IdleJoules);
    }

    [Fact]
    public void Of_two_boards_of_which_one_is_read_the_other_has_its_part_and_it_is_nobodys()
    {
        // 1,000 W of a machine, 100 W of the board that is read; the other is taken to draw as much: 800 W are left, 400 W each.
        var facts = Machine(300_000).Counting(Board(1), 6_000_000).Normalise().Energy;

        Assert.Equal([("chat", 150_000.0), ("unattributed", 150_000.0)], Sums(facts, fact => fact.ServerJoules));
        Assert.Equal([("chat", 1.5), ("unattributed", 1.5)], Sums(facts, fact => fact.EmbodiedGrams));
        Assert.All(facts, fact => Assert.Contains("accelerator_unmetered", fact.Missing.Words()));
        var chat = facts.Where(fact => fact.Deployment.Workload.Name == "chat").ToList();
        // The other board draws 77.7 W to 700 W: 23,310 to 210,000 J. Meters are off by a twentieth.
        Assert.Equal(28_500 + (285_000 - 31_500 - 210_000) / 2.0, chat.Sum(fact => fact[Measures.ServerLow]!.Value), 1e-6);
        // It may be chat's, and then all of the machine is.
        Assert.Equal(31_500 + (315_000 - 28_500), chat.Sum(fact => fact[Measures.ServerHigh]!.Value), 1e-6);
        var nobodys = facts.Single(fact => fact.Deployment.Workload.Name == "unattributed");
        // Nothing, or the unread board itself and half of what it leaves.
        Assert.Equal(0, nobodys[Measures.ServerLow]!.Value, 1e-6);
        Assert.Equal(210_000 + (315_000 - 28_500 - 210_000) / 2.0, nobodys[Measures.ServerHigh]!.Value, 1e-6);
    }

    [Fact]
    public void A_machine_of_which_all_boards_are_read_is_divided_among_them()
    {
        var facts = Machine(300_000).Counting(Board(1), 6_000_000).Counting(Board(2), 6_000_000).Normalise().Energy;

        Assert.Equal([("chat", 300_000.0)], Sums(facts, fact => fact.ServerJoules));
        Assert.Equal([("chat", 3.0)], Sums(facts, fact => fact.EmbodiedGrams));
        Assert.DoesNotContain(facts, fact => fact.Missing.HasFlag(MissingReasons.AcceleratorUnmetered));
        Assert.Equal(285_000, facts.Sum(fact => fact[Measures.ServerLow]!.Value), 1e-6);
        Assert.Equal(315_000, facts.Sum(fact => fact[Measures.ServerHigh]!.Value), 1e-6);
    }

    [Fact]
    public void Idle_energy_is_idle_time_at_the_least_power_seen_at_no_load()
    {
        // 90 W at no load, then 192 W at a load of a fifth: 240 s of 300 s at rest.
        var facts = new Scene { Factors = Known.Book }
            .Instants(Told("gpu_energy"), (0, 0), (5, 27_000_000), (10, 84_600_000))
            .Spans(Loads, (0, 5, 0), (5, 10, 20))
            .Normalise(0, 10)
            .Energy;

        Assert.Equal([27_000.0, 21_600.0], facts.Select(fact => Math.Round(fact.IdleJoules!.Value, 6)));
        Assert.All(facts, fact => Assert.Equal(IdleMeans.Load, fact.IdleBy));
    }

    [Fact]
    public void Idle_energy_is_never_more_than_what_was_drawn()
    {
        // 40 W of an H200, of which the table says 77.7 W at rest.
        var fact = Assert.Single(
            new Scene { Factors = Known.Book }
                .Counting(Told("gpu_energy"), 2_400_000)
                .Steady(Told("gpu_busy"), 50)
                .Normalise()
                .Energy
        );

        Assert.Equal(6_000, fact.IdleJoules!.Value, 1e-6);
    }

    [Fact]
    public void The_idle_part_of_a_server_is_what_it_draws_beside_idle_boards()
    {
        // 500 W beside the board at rest, 700 W beside the busy one: half of the second period is at rest.
        var facts = new Scene { Factors = Known.Book }
            .Spans(Node, (0, 5, 177_000), (5, 10, 240_000))
            .Instants(Told("gpu_energy"), (0, 0), (5, 27_000_000), (10, 57_000_000))
            .Spans(Loads, (0, 5, 0), (5, 10, 50))
            .Normalise(0, 10)
            .Energy.Where(fact => fact.Resource.Kind == "node");

        Assert.Equal([150_000.0, 75_000.0], facts.Select(fact => Math.Round(fact.IdleJoules!.Value, 6)));
    }

    [Fact]
    public void The_decision_about_idle_energy_tells_its_watts_and_where_they_are_from()
    {
        var trace = new Scene { Factors = Known.Book }
            .Counting(Told("gpu_energy"), 18_000_000)
            .Steady(Told("gpu_busy"), 40)
            .Trace();

        var idle = Assert.Single(Assert.Single(trace.Decisions).Shares).Idle!;
        Assert.Equal((77.7, IdlePower.Table, 300.0), (idle.Watts, idle.WattsBy, idle.Seconds));
    }

    private static readonly Series Loads = Scene.Series(
        "gpu_busy",
        period: TimeSpan.FromMinutes(5),
        labels: [("UUID", "GPU-1"), ("Hostname", "node-a"), ("modelName", "NVIDIA H200")]
    );

    private static Scene Room() => new Scene { Factors = Known.Book }.Workload("chat", ("pod", "llm-*"));

    private static Scene Machine(double joules) =>
        new Scene { Factors = Known.Book, Hardware = "gpu-box" }
            .Workload("chat", ("pod", "llm-*"))
            .Spans(Node, (0, 5, joules));

    private static Scene Every(Scene scene, Series series, double joules, int from, int to)
    {
        for (var minute = from; minute < to; minute += 5)
            scene.Spans(series, (minute, minute + 5, joules));
        return scene;
    }

    private static Series Board(int number) =>
        Scene.Series("gpu_energy", labels: [("UUID", $"GPU-{number}"), ("Hostname", "node-a"), ("pod", "llm-0")]);

    private static Series Told(string metric) =>
        Scene.Series(metric, labels: [("UUID", "GPU-1"), ("Hostname", "node-a"), ("modelName", "NVIDIA H200")]);

    private static IEnumerable<(string Workload, double? Joules)> Sums(IEnumerable<EnergyFact> facts, Func<EnergyFact, double?> value) =>
        facts
            .GroupBy(fact => fact.Deployment.Workload.Name)
            .Select(workload => (workload.Key, (double?)Math.Round(workload.Sum(value)!.Value, 6)))
            .OrderBy(row => row.Key, StringComparer.Ordinal);
}
