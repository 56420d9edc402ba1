using CsCheck;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Xunit;

namespace Metrics.Domain.Tests;

/// <summary>A counter that falls and comes back to where it was, and one that began anew.</summary>
public sealed class GlitchTests
{
    private static readonly Series Gpu = Scene.Series("gpu_energy", labels: ("UUID", "GPU-1"));
    private static readonly Series Tokens = Scene.Series("tokens_total", labels: ("instance", "a"));

    // 300 W for a minute, in mJ.
    private const double Minute = 18_000_000;
    private const double Old = 812_345_678_901;

    /// <summary>A board of 300 W read every minute, with other values in some minutes.</summary>
    private static NormalisedPeriod Board(params (int Minute, double Value)[] shown)
    {
        var scene = new Scene();
        for (var minute = -5; minute <= 65; minute++)
        {
            var other = Array.FindIndex(shown, one => one.Minute == minute);
            scene.Instants(Gpu, (minute, other >= 0 ? shown[other].Value : Old + minute * Minute));
        }
        return scene.Normalise(0, 60);
    }

    [Fact]
    public void A_counter_that_shows_zero_once_is_bridged_from_before_the_fall()
    {
        var period = Board((30, 0));

        Assert.Equal(1_080_000, period.Energy.Sum(fact => fact.AcceleratorJoules!.Value), 1e-3);
        Assert.Equal(3600, period.Energy.Sum(fact => fact.CoveredSeconds));
        Assert.All(period.Energy, fact => Assert.Equal(90_000, fact.AcceleratorJoules!.Value, 1e-3));
        var rejection = Assert.Single(period.Rejections);
        Assert.Equal((RejectionReason.Glitch, Scene.At(30)), (rejection.Reason, rejection.At!.Value));
        Assert.Equal(
            "The counter stood at 812867678901, showed 0 and came back to 812903678901 mJ after 120 s: what it showed between the two is "
                + "left out, and the rise from one to the other counts.",
            rejection.Detail
        );
    }

    [Fact]
    public void It_may_take_several_samples_to_come_back()
    {
        var period = Board((30, 0), (31, 0), (32, 18_000), (33, 7));

        Assert.Equal(1_080_000, period.Energy.Sum(fact => fact.AcceleratorJoules!.Value), 1e-3);
        Assert.Equal(RejectionReason.Glitch, Assert.Single(period.Rejections).Reason);
    }

    [Fact]
    public void Each_of_several_is_told()
    {
        var period = Board((10, 0), (12, 0), (30, Old / 2), (59, 0));

        Assert.Equal(1_080_000, period.Energy.Sum(fact => fact.AcceleratorJoules!.Value), 1e-3);
        Assert.Equal([Scene.At(10), Scene.At(12), Scene.At(30), Scene.At(59)], period.Rejections.Select(one => one.At!.Value));
        Assert.All(period.Rejections, one => Assert.Equal(RejectionReason.Glitch, one.Reason));
    }

    [Fact]
    public void Where_it_could_be_read_both_ways_the_samples_around_it_decide()
    {
        Assert.Equal(1_080_000, Board((20, 0), (21, 0), (23, 0), (24, 0)).Energy.Sum(fact => fact.AcceleratorJoules!.Value), 1e-3);
        Assert.Equal(1_080_000, Board((20, 3 * Old), (22, 3 * Old)).Energy.Sum(fact => fact.AcceleratorJoules!.Value), 1e-3);
    }

    [Fact]
    public void A_counter_that_leaps_and_falls_back_is_bridged_too()
    {
        var period = Board((30, 2 * Old), (31, 2 * Old + 5));

        Assert.Equal(1_080_000, period.Energy.Sum(fact => fact.AcceleratorJoules!.Value), 1e-3);
        Assert.Equal(RejectionReason.Glitch, Assert.Single(period.Rejections).Reason);
    }

    [Fact]
    public void One_that_counts_on_from_below_began_anew()
    {
        var scene = new Scene();
        for (var minute = -5; minute <= 65; minute++)
            scene.Instants(Gpu, (minute, minute < 30 ? Old + minute * Minute : (minute - 29.5) * Minute));

        var period = scene.Normalise(0, 60);

        Assert.Equal(1_062_000, period.Energy.Sum(fact => fact.AcceleratorJoules!.Value), 1e-3);
        Assert.Equal(3540, period.Energy.Sum(fact => fact.CoveredSeconds));
        Assert.Equal(
            (RejectionReason.CounterReset, Scene.At(30)),
            (period.Rejections.Single().Reason, period.Rejections.Single().At!.Value)
        );
    }

    [Fact]
    public void One_that_only_counts_past_where_it_was_did_not_come_back()
    {
        // 60 tokens a minute; begins anew at the tenth minute and passes the 600 of before at the twentieth.
        var scene = new Scene();
        for (var minute = 0; minute <= 30; minute++)
            scene.Instants(Tokens, (minute, minute < 10 ? 60 * (minute + 1) : 60 * (minute - 10)));

        var period = scene.Normalise(0, 30);

        // The minute of the restart is missing.
        Assert.Equal(29 * 60, period.Work.Sum(fact => fact.Units), 1e-9);
        Assert.Equal(RejectionReason.CounterReset, Assert.Single(period.Rejections).Reason);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(17)]
    [InlineData(4e9)]
    public void Work_that_falls_or_leaps_and_comes_back_counts_once(double shown)
    {
        var scene = new Scene();
        for (var minute = 0; minute <= 30; minute++)
            scene.Instants(Tokens, (minute, minute == 14 ? shown : 5_000_000 + 6_000 * minute));

        var period = scene.Normalise(0, 30);

        Assert.Equal(180_000, period.Work.Sum(fact => fact.Units), 1e-6);
        Assert.Equal(RejectionReason.Glitch, Assert.Single(period.Rejections).Reason);
    }

    [Fact]
    public void What_is_read_too_seldom_to_tell_is_a_gap_on_both_sides()
    {
        var scene = new Scene { Mappings = [Map.Tokens with { MaxSpan = TimeSpan.FromHours(1) }] };
        scene.Instants(Tokens, (-15, 5_000_000), (0, 5_090_000), (15, 0), (30, 5_270_000), (45, 5_360_000), (60, 5_450_000));

        var period = scene.Normalise(0, 60);

        Assert.Equal(180_000, period.Work.Sum(fact => fact.Units), 1e-6);
        Assert.Equal(1800, period.Work.Sum(fact => fact.Covered));
        Assert.Equal([Scene.At(15), Scene.At(30)], period.Rejections.Select(one => one.At!.Value));
        Assert.All(period.Rejections, one => Assert.Equal(RejectionReason.CounterReset, one.Reason));
    }

    [Fact]
    public void Work_that_leaps_and_goes_on_from_there_was_done()
    {
        var scene = new Scene();
        for (var minute = 0; minute <= 30; minute++)
            scene.Instants(Tokens, (minute, 5_000 + 60 * minute + (minute >= 14 ? 9_000 : 0)));

        var period = scene.Normalise(0, 30);

        Assert.Equal(10_800, period.Work.Sum(fact => fact.Units), 1e-6);
        Assert.Empty(period.Rejections);
    }

    [Fact]
    public void A_counter_that_passes_its_declared_maximum_every_five_minutes_is_neither()
    {
        var scene = new Scene { Mappings = [Map.WrappingCounter with { WrapsAt = 60_000 }] };
        var series = Scene.Series("wrapping", labels: ("node", "a"));
        for (var minute = 0; minute <= 60; minute++)
            scene.Instants(series, (minute, (12_000 * minute + 7_000) % 60_000));

        var period = scene.Normalise(0, 60);

        Assert.Equal(720_000, period.Energy.Sum(fact => fact.ServerJoules!.Value), 1e-6);
        Assert.Empty(period.Rejections);
    }

    [Fact]
    public void A_glitch_across_the_hour_is_one_thing_in_both_hours()
    {
        var scene = new Scene();
        for (var minute = -60; minute <= 180; minute++)
            scene.Instants(Gpu, (minute, minute is >= 58 and <= 61 ? 0 : Old + minute * Minute));

        var (first, second) = (scene.Normalise(0, 60), scene.Normalise(60, 120));

        Assert.All(first.Energy.Concat(second.Energy), fact => Assert.Equal(90_000, fact.AcceleratorJoules!.Value, 1e-3));
        Assert.Equal(24, first.Energy.Count + second.Energy.Count);
        Assert.Equal(RejectionReason.Glitch, Assert.Single(first.Rejections).Reason);
        Assert.Empty(second.Rejections);
    }

    [Fact(DisplayName = "A counter that shows other values here and there neither gains nor loses a joule")]
    public void Glitches_conserve() =>
        Gen.Select(
                Gen.Int[5, 60],
                Gen.Select(Gen.Int[4, 80], Gen.Int[1, 3], Gen.Double[0, 1e8]).Array[0, 3].Where(AreApart),
                Gen.Double[10, 700]
            )
            .Sample(
                (seconds, shown, watts) =>
                {
                    var scene = new Scene();
                    for (var i = 0; i <= 90; i++)
                    {
                        var glitch = Array.FindIndex(shown, one => i >= one.Item1 && i < one.Item1 + one.Item2);
                        var value = glitch >= 0 ? shown[glitch].Item3 : Old + i * seconds * watts * 1000;
                        scene.Instants(Gpu, (i * seconds / 60.0, value));
                    }

                    var period = scene.Normalise(0, 95);

                    Assert.Equal(90.0 * seconds, period.Energy.Sum(fact => fact.CoveredSeconds), 1e-3);
                    Assert.Equal(90.0 * seconds * watts, period.Energy.Sum(fact => fact.AcceleratorJoules!.Value), 1e-2);
                    Assert.All(period.Rejections, one => Assert.Equal(RejectionReason.Glitch, one.Reason));
                },
                iter: 100
            );

    /// <summary>Between two glitches stand more samples that are right than either has: where most of what is seen is wrong, nobody can
    /// tell.</summary>
    private static bool AreApart((int Start, int Count, double Value)[] shown)
    {
        var ordered = shown.OrderBy(glitch => glitch.Start).ToList();
        return ordered.Zip(ordered.Skip(1)).All(pair => pair.Second.Start - pair.First.Start >= pair.First.Count + 4);
    }
}
