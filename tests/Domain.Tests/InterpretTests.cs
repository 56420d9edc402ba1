using Metrics.Domain.Catalogue;
using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Xunit;

namespace Metrics.Domain.Tests;

/// <summary>The six legal cells, and what is a gap.</summary>
public sealed class InterpretTests
{
    private static readonly Series Gpu = Scene.Series("gpu_power", labels: ("UUID", "GPU-1"));
    private static readonly Series Counter = Scene.Series("node_counter", labels: ("node", "a"));

    [Fact]
    public void Two_levels_of_power_are_joined_by_a_straight_line()
    {
        var fact = Assert.Single(new Scene().Instants(Gpu, (0, 100), (2, 300)).Normalise().Energy);

        Assert.Equal(24_000, fact.AcceleratorJoules);
        Assert.Equal(120, fact.CoveredSeconds);
        Assert.Equal(Evidence.Derived, fact.Evidence);
    }

    [Fact]
    public void A_level_holds_until_the_next_when_the_source_says_so()
    {
        var held = Scene.Series("held_power", labels: ("UUID", "GPU-1"));

        Assert.Equal(12_000, Assert.Single(new Scene().Instants(held, (0, 100), (2, 300)).Normalise().Energy).AcceleratorJoules);
    }

    [Fact]
    public void A_single_level_says_nothing_about_time() => Assert.Empty(new Scene().Instants(Gpu, (1, 300)).Normalise().Energy);

    [Fact]
    public void A_level_that_the_provider_averaged_covers_its_own_period()
    {
        var averaged = Scene.Series("gpu_power", period: TimeSpan.FromMinutes(1), labels: ("UUID", "GPU-1"));

        var fact = Assert.Single(new Scene().Spans(averaged, (1, 2, 250)).Normalise().Energy);

        Assert.Equal(15_000, fact.AcceleratorJoules);
        Assert.Equal(60, fact.CoveredSeconds);
    }

    [Fact]
    public void An_amount_lies_in_its_own_interval_and_is_measured()
    {
        var fact = Assert.Single(new Scene().Spans(Scene.Series("node_energy", labels: ("node", "a")), (1, 3, 500)).Normalise().Energy);

        Assert.Equal(500, fact.ServerJoules);
        Assert.Equal(120, fact.CoveredSeconds);
        Assert.Equal(Evidence.Measured, fact.Evidence);
    }

    [Fact]
    public void An_amount_that_nothing_can_hold_is_a_gap_and_told()
    {
        // 1e24 kWh pass for a value; in joules they are more than any table stores.
        var period = new Scene().Spans(Scene.Series("node_kwh", labels: ("node", "a")), (0, 1, 1e24), (1, 2, 0.5)).Normalise();

        Assert.Equal(1_800_000, Assert.Single(period.Energy).ServerJoules);
        var rejection = Assert.Single(period.Rejections);
        Assert.Equal(RejectionReason.ImplausibleValue, rejection.Reason);
        Assert.Equal(
            "The amount is 1E+24 kWh in 60 s: 6E+28 W, above 60000, the ceiling of any server. The span is a gap.",
            rejection.Detail
        );
    }

    [Fact]
    public void Where_own_intervals_overlap_the_later_has_the_time_and_nothing_counts_twice()
    {
        var fact = Assert.Single(
            new Scene().Spans(Scene.Series("node_energy", labels: ("node", "a")), (0, 2, 400), (1, 3, 600)).Normalise().Energy
        );

        Assert.Equal(800, fact.ServerJoules);
        Assert.Equal(180, fact.CoveredSeconds);
    }

    [Fact]
    public void The_rise_of_a_counter_is_the_energy_between_two_samples()
    {
        var fact = Assert.Single(new Scene().Instants(Counter, (0, 5000), (1, 5600), (3, 6000)).Normalise().Energy);

        Assert.Equal(1000, fact.ServerJoules);
        Assert.Equal(180, fact.CoveredSeconds);
        Assert.Equal(Evidence.Measured, fact.Evidence);
    }

    [Fact]
    public void A_counter_that_stands_still_measured_zero()
    {
        var fact = Assert.Single(new Scene().Instants(Counter, (0, 5000), (5, 5000)).Normalise().Energy);

        Assert.Equal(0, fact.ServerJoules);
        Assert.Equal(300, fact.CoveredSeconds);
    }

    [Fact]
    public void A_counter_that_falls_is_a_gap_and_counts_on_from_there()
    {
        var period = new Scene().Instants(Counter, (0, 5000), (1, 5600), (2, 40), (3, 100)).Normalise();

        var fact = Assert.Single(period.Energy);
        Assert.Equal(660, fact.ServerJoules);
        Assert.Equal(120, fact.CoveredSeconds);
        var rejection = Assert.Single(period.Rejections);
        Assert.Equal(RejectionReason.CounterReset, rejection.Reason);
        Assert.Equal(Scene.At(2), rejection.At);
        Assert.Equal(
            "The counter fell from 5600 to 40 J and no declared maximum explains it: the span is a gap and counting starts anew.",
            rejection.Detail
        );
    }

    [Fact]
    public void A_counter_above_its_declared_maximum_did_not_wrap()
    {
        var period = new Scene().Instants(Scene.Series("wrapping", labels: ("node", "a")), (0, 150), (1, 10)).Normalise();

        Assert.Empty(period.Energy);
        Assert.Equal(RejectionReason.CounterReset, Assert.Single(period.Rejections).Reason);
    }

    [Theory]
    [InlineData("gpu_power")]
    [InlineData("gpu_energy")]
    public void A_span_longer_than_the_mapping_bridges_is_a_gap(string metric)
    {
        var period = new Scene().Instants(Scene.Series(metric, labels: ("UUID", "GPU-1")), (0, 100), (11, 200), (12, 300)).Normalise(0, 15);

        Assert.Equal(60, period.Energy.Sum(fact => fact.CoveredSeconds));
        var rejection = Assert.Single(period.Rejections);
        Assert.Equal(RejectionReason.SpanTooLong, rejection.Reason);
        Assert.Equal(Scene.At(11), rejection.At);
        Assert.StartsWith("660 seconds lie between this sample (200 ", rejection.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void A_rejection_belongs_to_the_period_that_its_span_ends_in()
    {
        var scene = new Scene().Instants(Counter, (3, 5000), (7, 40), (10, 100));

        Assert.Empty(scene.Normalise(0, 5).Rejections);
        Assert.Equal(Scene.At(7), Assert.Single(scene.Normalise(5, 10).Rejections).At);
        Assert.Empty(scene.Normalise(10, 15).Rejections);
    }

    [Fact]
    public void A_sample_refused_after_storage_is_left_out_and_told()
    {
        var energy = Scene.Series("gpu_energy", labels: ("UUID", "GPU-1"));

        var period = new Scene().Instants(energy, (0, 1_000_000), (1, 9223372036854775792.0), (2, 3_000_000)).Normalise();

        Assert.Equal(2000, Assert.Single(period.Energy).AcceleratorJoules);
        Assert.Equal(RejectionReason.ImplausibleValue, Assert.Single(period.Rejections).Reason);
    }

    [Fact]
    public void Utilisation_becomes_power_by_its_model_and_is_modelled()
    {
        var fact = Assert.Single(new Scene().Instants(Scene.Series("busy", labels: ("node", "a")), (0, 50), (1, 50)).Normalise().Energy);

        Assert.Equal(12_000, fact.ServerJoules);
        Assert.Equal(Evidence.Modelled, fact.Evidence);
        Assert.Equal(0, fact.MeasuredJoules);
    }

    [Fact]
    public void A_model_for_each_unit_is_multiplied_by_the_units_of_the_label()
    {
        var busy = Scene.Series("busy_cpus", labels: [("node", "a"), ("vcpus", "8")]);

        Assert.Equal(960, Assert.Single(new Scene().Instants(busy, (0, 0.5), (1, 0.5)).Normalise().Energy).ServerJoules);
    }

    [Theory]
    [InlineData("busy_unknown", "8")]
    [InlineData("busy_cpus", "many")]
    [InlineData("busy_cpus", "")]
    [InlineData("busy_cpus", "-4")]
    public void Utilisation_without_a_power_model_is_told_once_and_gives_no_energy(string metric, string vcpus)
    {
        var period = new Scene().Steady(Scene.Series(metric, labels: [("node", "a"), ("vcpus", vcpus)]), 0.5).Normalise();

        Assert.Empty(period.Energy);
        Assert.Equal(RejectionReason.NoPowerModel, Assert.Single(period.Rejections).Reason);
    }

    [Fact]
    public void Work_is_the_rise_of_its_counter_or_the_count_of_its_interval()
    {
        var work = new Scene()
            .Instants(Scene.Series("tokens_total", labels: ("instance", "a")), (0, 10_000), (5, 16_000))
            .Spans(Scene.Series("images", labels: ("instance", "a")), (0, 5, 12))
            .Normalise()
            .Work;

        Assert.Equal([("image", 12.0), ("output-token", 6000.0)], work.Select(fact => (fact.FunctionalUnit, fact.Units)));
    }

    [Fact]
    public void A_work_counter_that_falls_is_a_gap()
    {
        var period = new Scene()
            .Instants(Scene.Series("tokens_total", labels: ("instance", "a")), (0, 10_000), (1, 10_060), (2, 5))
            .Normalise();

        Assert.Equal(60, Assert.Single(period.Work).Units);
        Assert.Equal(RejectionReason.CounterReset, Assert.Single(period.Rejections).Reason);
    }

    [Fact]
    public void Work_series_of_one_workload_add_up_over_the_union_of_their_time()
    {
        var fact = Assert.Single(
            new Scene()
                .Instants(Scene.Series("tokens_total", labels: ("instance", "a")), (0, 0), (3, 300))
                .Instants(Scene.Series("tokens_total", labels: ("instance", "b")), (2, 1000), (4, 1050))
                .Normalise()
                .Work
        );

        Assert.Equal(350, fact.Units);
        Assert.Equal(240, fact.Covered);
    }

    [Fact]
    public void A_power_sensor_declared_modelled_stays_modelled()
    {
        var scene = new Scene { Mappings = [Map.NodePower with { Evidence = Evidence.Modelled }] };

        Assert.Equal(
            Evidence.Modelled,
            Assert.Single(scene.Steady(Scene.Series("node_power", labels: ("node", "a")), 100).Normalise().Energy).Evidence
        );
    }

    [Theory]
    [InlineData("J", SampleKind.Gauge)]
    [InlineData("W", SampleKind.Delta)]
    [InlineData("W", SampleKind.Cumulative)]
    [InlineData("%", SampleKind.Delta)]
    [InlineData("%", SampleKind.Cumulative)]
    [InlineData("{token}", SampleKind.Gauge)]
    public void An_illegal_cell_is_the_callers_error(string unit, SampleKind kind)
    {
        var scene = new Scene { Mappings = [Map.NodePower with { Unit = Unit.Parse(unit), Kind = kind }] };

        Assert.Contains(
            "which cannot hold it",
            Assert.Throws<ArgumentException>(() => scene.Normaliser()).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_stored_series_that_no_mapping_explains_any_more_is_told_and_not_guessed()
    {
        var scene = new Scene { Mappings = [Map.GpuPower] }.Steady(Counter, 5);

        var period = scene.Normalise();

        Assert.Empty(period.Energy);
        Assert.Equal(RejectionReason.UnmappedMetric, Assert.Single(period.Rejections).Reason);
    }

    [Fact]
    public void A_mapping_changes_at_midnight_within_a_longer_period()
    {
        var later = Map.NodeEnergy with { Version = 2, Unit = Unit.Parse("kWh"), EffectiveFrom = new DateOnly(2026, 1, 6) };
        var scene = new Scene { Mappings = [Map.NodeEnergy, later] }.Spans(
            Scene.Series("node_energy", labels: ("node", "a")),
            (14 * 60 - 5, 14 * 60, 7),
            (14 * 60, 14 * 60 + 5, 1)
        );

        var facts = scene.Normalise(14 * 60 - 5, 14 * 60 + 5).Energy;

        Assert.Equal(
            [(7.0, "node-energy@1"), (3_600_000.0, "node-energy@2")],
            facts.Select(fact => (fact.ServerJoules!.Value, fact.Mappings))
        );
    }
}
