using CsCheck;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Xunit;

namespace Metrics.Domain.Tests;

/// <summary>How far two samples may be apart, and from when a count that is new counts.</summary>
public sealed class ReachTests
{
    private static readonly Series Node = Scene.Series("node_power", labels: ("node", "a"));
    private static readonly MetricMapping FiveMinutes = Map.NodePower with { MaxSpan = TimeSpan.FromMinutes(5) };
    private static readonly MetricMapping PodJoules = Map.Of(
        "pod-joules",
        "pod_joules",
        "J",
        SampleKind.Cumulative,
        Component.Node,
        new ResourceLabels("pod", ["pod"], ["node"], [], [])
    ) with
    {
        Share = true,
    };

    private static Scene Read(params double[] minutes) =>
        new Scene { Mappings = [FiveMinutes] }.Instants(Node, [.. minutes.Select(minute => (minute, 600.0))]);

    private static double Seconds(Scene scene) => scene.Normalise(0, 60).Energy.Sum(fact => fact.CoveredSeconds);

    [Fact]
    public void What_is_read_every_five_minutes_give_or_take_a_little_has_no_hole()
    {
        var period = Read(-0.1, 5.1, 10, 15.05, 19.9, 25.1, 30, 35.2, 40, 45.1, 49.8, 55, 60.1).Normalise(0, 60);

        Assert.Equal(2_160_000, period.Energy.Sum(fact => fact.ServerJoules!.Value), 1e-6);
        Assert.Empty(period.Rejections);
    }

    [Theory]
    [InlineData(12.5, 3600)]
    [InlineData(12.6, 3600 - 12.6 * 60)]
    public void Two_and_a_half_usual_distances_are_bridged_and_no_more(double gap, double seconds) =>
        Assert.Equal(seconds, Seconds(Read(0, 5, 10, 15, 20, 25, 25 + gap, 42.5, 47.5, 52.5, 57.5, 62.5)), 1e-6);

    [Fact]
    public void What_is_read_every_minute_and_silent_for_twenty_has_a_hole()
    {
        var scene = new Scene { Mappings = [FiveMinutes] }
            .Steady(Node, 600, 0, 20)
            .Steady(Node, 600, 40, 60);

        Assert.Equal(2400, Seconds(scene));
        Assert.Equal(RejectionReason.SpanTooLong, Assert.Single(scene.Normalise(0, 60).Rejections).Reason);
    }

    [Fact]
    public void Two_samples_alone_say_nothing_of_what_is_usual() => Assert.Equal(0, Seconds(Read(10, 16)));

    [Fact]
    public void An_hour_is_the_most_that_is_bridged() =>
        Assert.Equal(
            0,
            new Scene { Mappings = [FiveMinutes] }
                .Instants(Node, (-130, 1), (-65, 1), (0, 1), (65, 1), (130, 1))
                .Normalise(0, 60)
                .Energy.Count(fact => fact.ServerJoules is not null)
        );

    private static Series Engine(string pod) => Scene.Series("tokens_total", labels: [("instance", pod)]);

    /// <summary>A node that is read every minute: the source was there.</summary>
    private static Scene Beside(Scene? scene = null) => (scene ?? new Scene()).Steady(Node, 100, -60, 180);

    private static NormalisedPeriod Hour(Scene scene) => scene.Normalise(0, 60);

    [Fact]
    public void A_count_that_is_new_counts_from_its_start()
    {
        // Begins at 20:30 with 100 tokens a second, and is read at 20:44 past and every minute from then on.
        var scene = Beside();
        for (var minute = 0; minute < 10; minute++)
            scene.Instants(Engine("llm-1"), (21.0 + minute + 14.0 / 60, 4_400 + 6_000 * minute));

        var work = Hour(scene).Work;

        Assert.Equal(58_400, work.Sum(fact => fact.Units), 1e-6);
        Assert.Equal(584, work.Sum(fact => fact.Covered), 1e-3);
    }

    [Fact]
    public void It_is_not_older_than_the_last_time_that_it_was_not_there()
    {
        // 9,000 tokens are 90 s of 100 a second, but the node was read 74 s before: more was done at first.
        var scene = Beside();
        for (var minute = 0; minute < 10; minute++)
            scene.Instants(Engine("llm-1"), (21.0 + minute + 14.0 / 60, 9_000 + 6_000 * minute));

        var work = Hour(scene).Work;

        Assert.Equal(63_000, work.Sum(fact => fact.Units), 1e-6);
        Assert.Equal(614, work.Sum(fact => fact.Covered), 1e-3);
    }

    [Fact]
    public void An_old_count_is_a_baseline()
    {
        var scene = Beside();
        for (var minute = 0; minute <= 10; minute++)
            scene.Instants(Engine("llm-1"), (21 + minute, 5e9 + 6_000 * minute));

        Assert.Equal(60_000, Hour(scene).Work.Sum(fact => fact.Units), 1e-6);
    }

    [Fact]
    public void So_is_one_of_a_source_that_was_not_read_before()
    {
        var scene = new Scene();
        for (var minute = 0; minute <= 10; minute++)
            scene.Instants(Engine("llm-1"), (21 + minute, 4_400 + 6_000 * minute)).Instants(Node, (20.5 + minute, 100));

        Assert.Equal(60_000, Hour(scene).Work.Sum(fact => fact.Units), 1e-6);
    }

    [Fact]
    public void So_is_one_that_stands_still_and_one_that_is_read_once()
    {
        var scene = Beside().Instants(Engine("llm-1"), (20, 500)).Instants(Engine("llm-2"), (20, 500), (21, 500), (22, 500));

        Assert.Equal(0, Hour(scene).Work.Sum(fact => fact.Units));
    }

    [Fact]
    public void One_that_was_silent_for_a_few_minutes_is_not_new()
    {
        var scene = Beside(new Scene { Mappings = [Map.Tokens with { MaxSpan = TimeSpan.FromHours(1) }, Map.NodePower] })
            .Instants(Engine("llm-1"), (5, 9_100), (6, 9_200), (40, 9_250), (41, 9_350));
        var seldom = new Scene { Mappings = [Map.Tokens with { MaxSpan = TimeSpan.FromMinutes(5) }, Map.NodePower] };
        Beside(seldom).Instants(Engine("llm-1"), (5, 9_100), (6, 9_200), (40, 50), (41, 150));

        Assert.Equal(200, Hour(seldom).Work.Sum(fact => fact.Units), 1e-6);
        Assert.Equal(250, Hour(scene).Work.Sum(fact => fact.Units), 1e-6);
    }

    [Fact]
    public void The_energy_of_a_pod_counts_from_its_start_and_that_of_hardware_does_not()
    {
        var scene = Beside(new Scene { Mappings = [PodJoules, Map.NodePower, Map.GpuEnergy] });
        for (var minute = 0; minute < 10; minute++)
            scene
                .Instants(Scene.Series("pod_joules", labels: [("pod", "llm-1"), ("node", "b")]), (21 + minute, 3_000 + 6_000 * minute))
                .Instants(Scene.Series("gpu_energy", labels: [("UUID", "GPU-1")]), (21 + minute, 3_000_000 + 6_000_000 * minute));

        var energy = Hour(scene).Energy;

        Assert.Equal(57_000, energy.Where(fact => fact.Resource.Kind == "pod").Sum(fact => fact.ServerJoules!.Value), 1e-6);
        Assert.Equal(54_000, energy.Where(fact => fact.Resource.Kind == "gpu").Sum(fact => fact.AcceleratorJoules!.Value), 1e-6);
    }

    [Fact(DisplayName = "Hour by hour is what two hours at once are, to the last bit, and the order of series does not matter")]
    public void Passes_agree() =>
        Gen.Select(
                Gen.Int[5, 700],
                Gen.Select(Gen.Int[0, 5], Gen.Int[-50, 150], Gen.Int[5, 90], Gen.Int[0, 12], Gen.Int[0, 40]).Array[2, 8],
                Gen.Int[0, 10_000]
            )
            .Sample(
                (every, lives, seed) =>
                {
                    var random = new Random(seed);
                    var scene = Beside(new Scene { Mappings = [.. Map.All.Where(one => one.Id != "node-power"), FiveMinutes, PodJoules] });
                    for (var life = 0; life < lives.Length; life++)
                    {
                        var (kind, from, length, first, odd) = lives[life];
                        var series = kind switch
                        {
                            0 or 1 => Engine($"llm-{life}"),
                            2 => Scene.Series("pod_joules", labels: [("pod", $"llm-{life}"), ("node", "b")]),
                            3 => Scene.Series("node_counter", labels: ("node", $"n-{life}")),
                            4 => Scene.Series("node_power", labels: ("node", $"n-{life}")),
                            _ => Scene.Series("gpu_energy", labels: [("UUID", "GPU-1"), ("pod", $"p-{life}")]),
                        };
                        var value = first * 3_000.0;
                        for (
                            double at = from;
                            at < from + length;
                            at += (every + random.Next(-2, 3)) / 60.0 * (random.Next(12) == 0 ? random.Next(1, 5) : 1)
                        )
                        {
                            value += every * random.Next(1, 200);
                            var shown =
                                random.Next(0, 60) < odd / 8 ? random.Next(2) * 1e12
                                : kind == 4 ? 300
                                : value;
                            scene.Instants(series, (at, shown));
                            if (random.Next(0, 200) < odd / 8)
                                value = 0;
                        }
                    }
                    var normaliser = scene.Normaliser();
                    var whole = normaliser.Normalise(Scene.Minutes(0, 120), SeriesSamples.Group(scene.Observations).Reverse());
                    List<NormalisedPeriod> hours =
                    [
                        .. new[] { 0, 60 }.Select(from =>
                            normaliser.Normalise(
                                Scene.Minutes(from, from + 60),
                                SeriesSamples.Group(
                                    scene.Observations.Where(one =>
                                        one.Sample.End >= Scene.At(from) - Limits.Reach
                                        && one.Sample.Start <= Scene.At(from + 60) + Limits.Reach
                                    )
                                )
                            )
                        ),
                    ];

                    Assert.Equal(
                        whole.Energy.OrderBy(fact => fact.Period.Start).ThenBy(fact => fact.Resource.Id).ThenBy(fact => fact.Deployment.Id),
                        hours
                            .SelectMany(hour => hour.Energy)
                            .OrderBy(fact => fact.Period.Start)
                            .ThenBy(fact => fact.Resource.Id)
                            .ThenBy(fact => fact.Deployment.Id)
                    );
                    Assert.Equal(
                        whole.Work.OrderBy(fact => fact.Period.Start),
                        hours.SelectMany(hour => hour.Work).OrderBy(fact => fact.Period.Start)
                    );
                    Assert.Equal(
                        whole.Rejections.Where(one => one.Reason != RejectionReason.SpanTooLong),
                        hours.SelectMany(hour => hour.Rejections).Where(one => one.Reason != RejectionReason.SpanTooLong)
                    );
                },
                iter: 300
            );
}
