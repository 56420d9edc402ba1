using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Xunit;

namespace Metrics.Domain.Tests;

/// <summary>The chain as a whole, and the grouping before it.</summary>
public sealed class NormaliserTests
{
    private static readonly Series Power = Scene.Series("node_power", labels: ("node", "a"));

    [Fact]
    public void A_span_across_a_border_is_split_by_overlap()
    {
        var facts = new Scene().Spans(Scene.Series("node_energy", labels: ("node", "a")), (3, 8, 1000)).Normalise(0, 10).Energy;

        Assert.Equal([(400.0, 120.0), (600.0, 180.0)], facts.Select(fact => (fact.ServerJoules!.Value, fact.CoveredSeconds)));
    }

    [Fact]
    public void What_lies_outside_the_period_is_the_neighbours()
    {
        var scene = new Scene().Spans(Scene.Series("node_energy", labels: ("node", "a")), (3, 8, 1000));

        Assert.Equal(400, Assert.Single(scene.Normalise(0, 5).Energy).ServerJoules);
        Assert.Equal(600, Assert.Single(scene.Normalise(5, 10).Energy).ServerJoules);
        Assert.Empty(scene.Normalise(10, 15).Energy);
    }

    [Fact]
    public void A_sample_before_the_period_is_the_baseline_of_the_first_in_it()
    {
        var scene = new Scene().Instants(Scene.Series("node_counter", labels: ("node", "a")), (-1, 1000), (1, 1200));

        Assert.Equal(100, Assert.Single(scene.Normalise().Energy).ServerJoules);
    }

    [Fact]
    public void Facts_come_by_deployment_resource_and_period()
    {
        var scene = new Scene().Workload("chat", ("UUID", "GPU-1"));
        foreach (var gpu in new[] { "GPU-3", "GPU-1", "GPU-2" })
            scene.Steady(Scene.Series("gpu_power", labels: ("UUID", gpu)), 100, 0, 15);

        var keys = scene.Normalise(0, 15).Energy.Select(fact => (fact.Deployment.Id, fact.Resource.Id, fact.Period.Start)).ToList();

        Assert.Equal(9, keys.Count);
        Assert.Equal(keys.Order(), keys);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-5)]
    [InlineData(7)]
    [InlineData(90)]
    public void A_grain_that_does_not_divide_an_hour_is_the_callers_error(int minutes) =>
        Assert.Throws<ArgumentException>(() => new Scene { Grain = TimeSpan.FromMinutes(minutes) }.Normaliser());

    [Fact]
    public void A_period_off_the_grid_is_the_callers_error() => Assert.Throws<ArgumentException>(() => new Scene().Normalise(1, 6));

    [Fact]
    public void A_series_given_twice_is_the_callers_error()
    {
        var twice = new SeriesSamples(Power, new[] { Sample.At(Scene.Ten, 1) });

        Assert.Throws<ArgumentException>(() => new Scene().Normaliser().Normalise(Scene.Minutes(0, 5), [twice, twice]));
    }

    [Fact]
    public void Nothing_in_gives_nothing_out()
    {
        var period = new Scene().Normalise();

        Assert.Empty(period.Energy);
        Assert.Empty(period.Work);
        Assert.Empty(period.Rejections);
    }

    [Fact]
    public void A_series_without_samples_gives_nothing() =>
        Assert.Empty(
            new Scene().Normaliser().Normalise(Scene.Minutes(0, 5), [new SeriesSamples(Power, ReadOnlyMemory<Sample>.Empty)]).Energy
        );

    [Fact]
    public void Grouping_sorts_by_time_and_drops_equal_duplicates()
    {
        var (early, late) = (new Observation(Power, Sample.At(Scene.At(1), 5)), new Observation(Power, Sample.At(Scene.At(2), 6)));

        var grouped = Assert.Single(SeriesSamples.Group([late, early, late, early, early]));

        Assert.Equal([early.Sample, late.Sample], grouped.Samples.ToArray());
    }

    [Fact]
    public void Grouping_takes_the_same_of_two_that_differ_whichever_came_first()
    {
        var (five, six) = (new Observation(Power, Sample.At(Scene.Ten, 5)), new Observation(Power, Sample.At(Scene.Ten, 6)));

        Assert.Equal(six.Sample, Assert.Single(SeriesSamples.Group([five, six])).Samples.Span[0]);
        Assert.Equal(six.Sample, Assert.Single(SeriesSamples.Group([six, five])).Samples.Span[0]);
    }

    [Fact]
    public void Grouping_knows_a_series_by_what_it_says_and_not_by_its_instance()
    {
        var again = Scene.Series("node_power", labels: ("node", "a"));

        var grouped = SeriesSamples.Group(
            new List<Observation> { new(Power, Sample.At(Scene.At(1), 5)), new(again, Sample.At(Scene.At(2), 6)) }
        );

        Assert.Equal(2, Assert.Single(grouped).Samples.Length);
    }

    [Fact]
    public void Grouping_takes_any_sequence()
    {
        IEnumerable<Observation> Lazy()
        {
            for (var minute = 3; minute >= 0; minute--)
                foreach (var node in new[] { "a", "b" })
                    yield return new Observation(Scene.Series("node_power", labels: ("node", node)), Sample.At(Scene.At(minute), minute));
        }

        var grouped = SeriesSamples.Group(Lazy());

        Assert.Equal(2, grouped.Count);
        Assert.All(grouped, series => Assert.Equal([0, 1, 2, 3], series.Samples.ToArray().Select(sample => sample.Value)));
        Assert.True(grouped[0].Series.Id < grouped[1].Series.Id);
        Assert.Empty(SeriesSamples.Group(Array.Empty<Observation>()));
    }
}
