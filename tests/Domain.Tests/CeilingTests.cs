using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Xunit;

namespace Metrics.Domain.Tests;

/// <summary>What no meter can show is not believed, sample by sample; what is large and real is.</summary>
public sealed class CeilingTests
{
    private static readonly Series Node = Scene.Series("node_power", labels: ("node", "a"));
    private static readonly Series Counter = Scene.Series("node_counter", labels: ("node", "a"));

    [Theory]
    [InlineData("node_power", "node", 14_300, null)]
    [InlineData("node_power", "node", 59_000, null)]
    [InlineData("node_power", "node", 61_000, "The value 61000 W is above 60000 W, the ceiling of any server.")]
    [InlineData("rack_power", "rack", 250_000, null)]
    [InlineData("rack_power", "rack", 1_000_001, "The value 1000001 W is above 1000000 W, the ceiling of any rack.")]
    [InlineData("pdu_power", "pdu", 118_000, null)]
    [InlineData("outlet_power", "outlet", 22_000, null)]
    [InlineData("outlet_power", "outlet", 65_000, "The value 65000 W is above 50000 W, the ceiling of any outlet.")]
    [InlineData("gpu_power", "UUID", 1_250, null)]
    [InlineData("gpu_power", "UUID", 5_001, "The value 5001 W is above 5000 W, the ceiling of any board.")]
    public void A_component_has_a_ceiling(string metric, string label, double watts, string? why)
    {
        var period = new Scene().Steady(Scene.Series(metric, labels: (label, "a")), watts, 0, 4).Normalise();

        Assert.Equal(why is null ? 1 : 0, period.Energy.Count);
        Assert.Equal(
            why,
            (period.Rejections.Count > 0 ? period.Rejections[0] : null)?.Detail?.Replace(
                " So are 4 other values of the grid period.",
                "",
                StringComparison.Ordinal
            )
        );
    }

    [Theory]
    [InlineData(140, true)]
    [InlineData(150, false)]
    public void A_board_of_the_table_has_twice_its_watts(double watts, bool believed)
    {
        var board = Scene.Series("gpu_power", labels: [("UUID", "GPU-1"), ("modelName", "NVIDIA L4")]);

        var period = new Scene { Factors = FactorBook.Published }
            .Steady(board, watts, 1, 2)
            .Normalise();

        Assert.Equal(believed, period.Energy.Count == 1);
        if (!believed)
            Assert.Equal(
                "The value 150 W is above 144 W, the ceiling twice the 72 W of L4 in the table of hardware. So is another value of the "
                    + "grid period.",
                Assert.Single(period.Rejections).Detail
            );
    }

    [Fact]
    public void A_mapping_comes_before_the_component()
    {
        var scene = new Scene { Mappings = [Map.NodePower with { Ceiling = 100_000 }] };

        Assert.Single(scene.Steady(Node, 99_000).Normalise().Energy);
        Assert.Equal(
            "The value 100001 W is above 100000 W, the ceiling by the mapping node-power.",
            Assert
                .Single(
                    new Scene { Mappings = scene.Mappings }
                        .Instants(Node, (1, 100_001))
                        .Normalise()
                        .Rejections
                )
                .Detail
        );
    }

    [Theory]
    [InlineData(4_294_967.295)]
    [InlineData(4_294.967_295)]
    [InlineData(4_294.967_281)]
    [InlineData(2_147.483_647)]
    [InlineData(65_535)]
    [InlineData(6_553.5)]
    [InlineData(655.35)]
    public void A_register_of_ones_is_no_power_in_any_unit(double watts)
    {
        var period = new Scene().Steady(Node, watts).Normalise();

        Assert.All(period.Energy, fact => Assert.Null(fact.ServerJoules));
        Assert.All(period.Energy, fact => Assert.Equal("implausible_value", fact.Missing.Text()));
        Assert.Equal(RejectionReason.ImplausibleValue, Assert.Single(period.Rejections).Reason);
    }

    [Theory]
    [InlineData(4_294_967_295)]
    [InlineData(4_294_967_284)]
    [InlineData(4_294_967.295)]
    [InlineData(4_294.967_295)]
    [InlineData(2_147_483_647)]
    [InlineData(9_223_372_036_854_775_807)]
    [InlineData(9_223_372_036_854.775_807)]
    [InlineData(18_446_744_073_709.551_615)]
    public void A_register_of_ones_is_no_count_in_any_unit(double joules)
    {
        var period = new Scene().Instants(Counter, (0, 1000), (1, 1600), (2, joules), (3, 2800)).Normalise();

        Assert.Equal(1800, Assert.Single(period.Energy).ServerJoules);
        Assert.Equal((RejectionReason.ImplausibleValue, Scene.At(2)), (period.Rejections.Single().Reason, period.Rejections.Single().At));
    }

    [Theory]
    [InlineData(656)]
    [InlineData(4_295)]
    [InlineData(65.53)]
    public void A_value_beside_a_register_of_ones_is_believed(double watts) =>
        Assert.Equal(watts * 300, Assert.Single(new Scene().Steady(Node, watts).Normalise().Energy).ServerJoules!.Value, 1e-6);

    [Fact]
    public void One_impossible_sample_costs_no_time_where_its_neighbours_may_be_joined()
    {
        var period = new Scene().Instants(Node, (0, 300), (1, 300), (2, 4_294_967.295), (3, 300), (4, 300), (5, 300)).Normalise();

        var fact = Assert.Single(period.Energy);
        Assert.Equal((90_000, 300), (fact.ServerJoules, fact.CoveredSeconds));
        Assert.Equal(Scene.At(2), Assert.Single(period.Rejections).At);
    }

    [Fact]
    public void Where_they_may_not_be_joined_the_time_is_missing()
    {
        var period = new Scene().Instants(Node, (0, 300), (1, 300), (9, -5), (13, 300), (14, 300)).Normalise(0, 15);

        Assert.Equal(120, period.Energy.Sum(fact => fact.CoveredSeconds));
        Assert.Equal(
            [RejectionReason.ImplausibleValue, RejectionReason.SpanTooLong],
            period.Rejections.Select(rejection => rejection.Reason)
        );
    }

    [Fact]
    public void A_meter_is_judged_period_by_period_and_told_once_a_period()
    {
        var period = new Scene().Steady(Node, 4_294_967.295, 0, 9).Steady(Node, 400, 10, 15).Normalise(0, 15);

        Assert.Equal([null, null, 120_000.0], period.Energy.Select(fact => fact.ServerJoules));
        Assert.Equal([Scene.At(0), Scene.At(5)], period.Rejections.Select(rejection => rejection.At!.Value));
        Assert.EndsWith(" So are 4 other values of the grid period.", period.Rejections[0].Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void The_mark_of_an_ended_series_is_quiet()
    {
        var period = new Scene().Instants(Node, (0, 100), (1, 100), (2, double.NaN)).Normalise();

        Assert.Equal(6000, Assert.Single(period.Energy).ServerJoules);
        Assert.Empty(period.Rejections);
    }

    [Fact]
    public void A_rise_that_nothing_can_draw_is_a_gap_and_the_rest_counts()
    {
        // 4,000,000 J in a minute are 66.7 kW.
        var period = new Scene().Instants(Counter, (0, 0), (1, 600), (2, 600_000_000), (3, 600_000_600)).Normalise();

        Assert.Equal(1200, Assert.Single(period.Energy).ServerJoules);
        Assert.Equal(
            "The counter rose from 600 to 600000000 J in 60 s: 9.99999E+06 W, above 60000, the ceiling of any server. The span is a gap.",
            Assert.Single(period.Rejections).Detail
        );
    }

    [Theory]
    [InlineData(21_000_000, true)]
    [InlineData(70_000_000, false)]
    public void A_driver_that_counts_every_half_a_minute_is_read_every_five_seconds(double step, bool believed)
    {
        // 21,000,000 mJ in a step of 5 s are 4.2 kW, and 700 W in the 30 s that it counted.
        var board = Scene.Series("gpu_energy", labels: [("UUID", "GPU-1"), ("modelName", "NVIDIA H200")]);
        var scene = new Scene { Factors = FactorBook.Published };
        for (var i = 0; i <= 60; i++)
            scene.Instants(board, (i / 12.0, 1e9 + step * (i / 6)));

        var period = scene.Normalise();

        if (believed)
            Assert.Equal(210_000, Assert.Single(period.Energy).AcceleratorJoules);
        // Each rise, and the meter that shows nothing between them.
        Assert.Equal(believed ? 0 : 10, period.Rejections.Count);
    }

    [Fact]
    public void An_amount_that_nothing_can_draw_is_a_gap()
    {
        var period = new Scene().Spans(Scene.Series("node_energy", labels: ("node", "a")), (0, 1, 30_000), (1, 2, 4_000_000)).Normalise();

        Assert.Equal((30_000, 60), (period.Energy.Single().ServerJoules, period.Energy.Single().CoveredSeconds));
        Assert.Equal(RejectionReason.ImplausibleValue, Assert.Single(period.Rejections).Reason);
    }

    [Fact]
    public void A_wrap_that_nothing_can_draw_is_a_reset()
    {
        var scene = new Scene { Mappings = [Map.WrappingCounter with { WrapsAt = 1e9 }] };
        var series = Scene.Series("wrapping", labels: ("node", "a"));

        Assert.Equal(
            RejectionReason.CounterReset,
            Assert.Single(scene.Instants(series, (0, 5e8), (1, 600), (2, 1200)).Normalise().Rejections).Reason
        );
        var wrapped = new Scene { Mappings = scene.Mappings }
            .Instants(series, (0, 999_999_400), (1, 600), (2, 1200))
            .Normalise();
        Assert.Equal(1800, Assert.Single(wrapped.Energy).ServerJoules);
        Assert.Empty(wrapped.Rejections);
    }

    [Fact]
    public void Work_that_nothing_can_do_is_a_gap()
    {
        var tokens = Scene.Series("tokens_total", labels: ("instance", "a"));

        var period = new Scene().Instants(tokens, (0, 1e6), (1, 1.1e6), (2, 9e18), (3, 9e18)).Normalise();

        Assert.Equal(100_000, Assert.Single(period.Work).Units);
        Assert.Equal(RejectionReason.ImplausibleValue, Assert.Single(period.Rejections).Reason);
    }
}
