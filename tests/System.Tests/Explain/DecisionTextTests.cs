using Metrics.Api.Explain;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Reference;
using Xunit;

namespace Metrics.SystemTests.Explain;

/// <summary>Decisions as sentences: every number of them is one that was decided with.</summary>
public sealed class DecisionTextTests
{
    private static readonly PowerRange BoardPower = new(Power.FromWatts(50), Power.FromWatts(350));
    private static readonly LoadPart Minute = new(60, 300, 0.2, 1, 1, false);

    private static readonly Series Cpu = new("rack", "prometheus", "cpu", Labels.Of(("node", "a")), Statistic.Raw, TimeSpan.Zero);

    private static readonly LoadPart Other = new(120, 300, 0.4, 1, 1, false);

    private static readonly MetricMapping Mapping = new()
    {
        Id = "prometheus/cpu",
        Version = 1,
        Provider = "prometheus",
        Metrics = ["cpu"],
        Unit = Unit.Parse("%"),
        Kind = SampleKind.Gauge,
        Component = Component.Cpu,
        Resource = new("node", [], ["instance"], [], []),
        Evidence = Evidence.Modelled,
        MaxSpan = TimeSpan.FromMinutes(5),
        EffectiveFrom = new(2024, 2, 29),
        Reference = "https://example.org/cpu",
    };

    [Fact]
    public void A_load_says_what_it_is_made_of()
    {
        Says("the load is 60 s at full load / 300 s = 0.2", Load(0.2, [Minute]));
        Says("the load is (60 + 120) s at full load / 2 parts / 300 s = 0.3", Load(0.3, [Minute, Other]));
        Says("the load is the mean of 0.2 + 0.4 = 0.3", Load(0.3, [Minute, Other with { Scaled = true }]));
        Says("the load is the mean of 0.2 + 0.4 of 3 servers = 0.35", Load(0.35, [Minute, Other with { Servers = 3 }]));
        Says(
            "the load is 0.5 x 0.25 of the board + 0.75 x 0.5 of the board = 0.5",
            Load(0.5, [new LoadPart(150, 300, 0.5, 1, 0.25, false), new LoadPart(225, 300, 0.75, 1, 0.5, false)])
        );
        Says("the load is read", null);

        static void Says(string text, LoadReading? load) =>
            Assert.Equal(
                $"IdleJoules = 100 x (1 - 0.25) = 75; {text}",
                DecisionText.Idle(new IdleDecision(IdleRule.Load, 0.25, load), 100, 75, "")
            );
    }

    [Fact]
    public void Every_rule_that_acts_has_words_of_its_own()
    {
        var texts = Enum.GetValues<CoverRule>().Select(rule => DecisionText.Rule(new CoverDecision(rule, "x", 1, 2, "J"))).ToList();

        Assert.Distinct(texts);
        Assert.Equal(
            "it showed no energy at all: a board that answers draws power, so it is not believed",
            DecisionText.Rule(new CoverDecision(CoverRule.DeadBoard, "x", 0, 0, "J"))
        );
    }

    [Fact]
    public void Idle_energy_says_what_gave_it()
    {
        Assert.Equal(
            "IdleJoules of chat = 100 x (1 - 0.25) = 75; the load is the mean of the accelerators' that it held",
            DecisionText.Idle(new IdleDecision(IdleRule.Accelerators, 0.25, null), 100, 75, " of chat")
        );
        Assert.Equal(
            "IdleJoules = 100: no work was done in the period, and nothing tells the load",
            DecisionText.Idle(new IdleDecision(IdleRule.Work, 0, null), 100, 100, "")
        );
        Assert.Equal(
            "IdleJoules = 0: nobody reserves the hardware of an API",
            DecisionText.Idle(new IdleDecision(IdleRule.Nothing, 1, null), 100, 0, "")
        );
        Assert.Null(DecisionText.Idle(null, 100, 0, ""));
    }

    [Fact]
    public void A_modelled_board_says_its_limit_and_its_bounds()
    {
        var decision = Decision(EnergyRule.BoardModel, 33_000) with
        {
            Model = new PowerDecision(BoardPower, 0.2, 300, 1, 1, "hardware:H200@undated")
            {
                Load = Load(0.2, [Minute]),
                Limit = Power.FromWatts(350),
            },
        };

        Assert.Equal(
            "AcceleratorJoules = (50 W x 300 s + (350 W - 50 W) x 60 s at full load) = 33000, the load is 60 s at full load / "
                + "300 s = 0.2, by hardware:H200@undated and the power limit of 350 W that it reports; the server's energy is "
                + "unknown: server_unmetered",
            DecisionText.Energy(decision, 33_000, MissingReasons.ServerUnmetered)
        );
        Assert.Equal("at rest 50 W x 300 s = 15000 J, at full load 350 W x 300 s = 105000 J", DecisionText.Bounds(decision));
    }

    [Fact]
    public void Boards_that_are_scaled_or_outlive_their_server_say_so()
    {
        var decision = Decision(EnergyRule.Metered, 40) with { ServerScale = 0.5 };

        Assert.Equal(
            "AcceleratorJoules = 40; ServerJoules = 20: the boards told more than their server, and the server is believed",
            DecisionText.Energy(decision, 40, MissingReasons.None)
        );
        Assert.Equal(
            "AcceleratorJoules = 40; ServerJoules = 30: the server is known for 0.75 of their time",
            DecisionText.Energy(decision with { ServerScale = 1, ServerTime = 0.75 }, 40, MissingReasons.None)
        );
        Assert.Equal(
            "AcceleratorJoules = ServerJoules = 40",
            DecisionText.Energy(decision with { ServerScale = 1 }, 40, MissingReasons.None)
        );
    }

    [Fact]
    public void A_machine_told_as_its_boards_and_as_the_rest_says_each_by_itself()
    {
        var making = new EmbodiedDecision(new Embodied(Mass.FromKilograms(350.4), Embodied.FourYears), 300, 1, 0.8, 2, "server:test");
        var boards = Decision(EnergyRule.Metered, 40) with { ServerScale = 1, Embodied = making };
        var rest = Decision(EnergyRule.Metered, 100) with { Measure = Measures.Server, JoulesOfAccelerators = 40, Embodied = making };

        Assert.Equal("AcceleratorJoules = ServerJoules = 40", DecisionText.Energy(boards, 40, MissingReasons.None));
        Assert.Equal(
            "ServerJoules = (100) - 40 of its accelerators, which have facts of their own = 60",
            DecisionText.Energy(rest, 40, MissingReasons.None)
        );
        Assert.EndsWith("/ 2 accelerators = 0.4, by server:test", DecisionText.Embodied(boards)!, StringComparison.Ordinal);
        Assert.StartsWith("EmbodiedGrams = 0: its accelerators", DecisionText.Embodied(rest)!, StringComparison.Ordinal);
    }

    [Fact]
    public void An_estimate_says_its_tokens_and_both_of_its_ends()
    {
        var decision = Decision(EnergyRule.Estimate, 15) with
        {
            Estimate = new EstimateDecision(1000, 10, 20, new Bounds(5, 80), "model:*x*@test"),
        };

        Assert.Equal(
            "ServerJoules = (10 + 20) / 2 = 15, for 1000 output tokens by model:*x*@test; AcceleratorJoules = 9 of it",
            DecisionText.Energy(decision, 9, MissingReasons.None)
        );
        Assert.Equal(
            "from 5 J, with the least parameters and bits for 4096 requests at a time, to 80 J, with the most for 4",
            DecisionText.Bounds(decision)
        );
        Assert.Equal(
            "ServerJoules = (10 + 20) / 2 = 15, for 1000 output tokens in 4.25 bits at 37.8 tokens/s by model:*x*@test",
            DecisionText.Energy(
                decision with
                {
                    Estimate = decision.Estimate with { Bits = 4.25, TokensPerSecond = 37.8 },
                },
                null,
                MissingReasons.None
            )
        );
    }

    [Theory]
    [InlineData(ShareRule.Series, "its own series of the resource, by their labels")]
    [InlineData(ShareRule.OtherSeries, "its own series of the resource, by the labels of a meter that reads the same")]
    [InlineData(ShareRule.Load, "its own series of the resource's load, by their labels")]
    [InlineData(ShareRule.Boards, "what the boards drew that are read one by one: 3 J of 4 J")]
    [InlineData(ShareRule.Work, "the work that it did on the machine: 3 J of 4 J")]
    [InlineData(ShareRule.PodEnergy, "the energy of its pods, containers or processes on the machine: 3 J of 4 J")]
    [InlineData(ShareRule.AcceleratorTime, "the time that it held accelerators of the machine: 3 J of 4 J")]
    [InlineData(ShareRule.CpuTime, "the CPU time of its pods, containers or processes on the machine: 3 J of 4 J")]
    [InlineData(ShareRule.Rest, "what nobody claims")]
    public void A_share_says_what_gave_it(ShareRule rule, string text)
    {
        Assert.Equal(text, DecisionText.By(new ShareDecision("chat", [new ShareKey(rule, 3, 4, "J")], null), "node"));
        Assert.Equal(
            rule == ShareRule.AcceleratorTime ? text : "what nobody claims",
            DecisionText.By(new ShareDecision("unattributed", [new ShareKey(rule, 3, 4, "J")], null), "node")
        );
    }

    private static LoadReading Load(double busy, params LoadPart[] parts) => new(Mapping, busy, parts);

    [Fact]
    public void A_reading_that_was_not_used_says_why()
    {
        Assert.Null(DecisionText.WhyNot(null));
        Assert.Equal(
            "it tells the same as cpu{node=\"a\"}, which is taken",
            Why(UnusedRule.SameReading, unused => unused with { Series = Cpu })
        );
        Assert.Equal(
            "the cpu is told by prometheus/cpu, which has the better evidence or covers more of the period",
            Why(UnusedRule.BetterMeter, unused => unused with { Mapping = Mapping, Component = Component.Cpu })
        );
        Assert.Equal(
            "the node of the same machine covers the boundary, and holds it",
            Why(UnusedRule.InsideCover, unused => unused with { Component = Component.Node })
        );
        foreach (var rule in Enum.GetValues<UnusedRule>().Except([UnusedRule.BetterMeter]))
            Assert.NotEmpty(Why(rule, unused => unused)!);

        static string? Why(UnusedRule rule, Func<UnusedDecision, UnusedDecision> with) =>
            DecisionText.WhyNot(with(new UnusedDecision(rule)));
    }

    private static EnergyDecision Decision(EnergyRule rule, double joules) =>
        new()
        {
            Resource = new Resource("gpu", "1", null, null, new Place("onprem/dc-1", "DE", null)),
            Period = new Interval(
                new DateTime(2026, 1, 5, 10, 0, 0, DateTimeKind.Utc),
                new DateTime(2026, 1, 5, 10, 5, 0, DateTimeKind.Utc)
            ),
            Cover = EnergyCover.Accelerator,
            Measure = rule == EnergyRule.Estimate ? Measures.Server : Measures.Accelerator,
            Rule = rule,
            Joules = joules,
            Shares = [],
        };
}
