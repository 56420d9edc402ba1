using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Xunit;

namespace Metrics.Domain.Tests;

public sealed class FactorTests
{
    [Fact]
    public void A_score_is_made_of_operational_and_embodied_emissions()
    {
        // Case-study guidance of the SCI for AI: 450 kWh at 250 g/kWh, 0.8 kg embodied, 100,000 requests.
        var sci = Sci.Of(Energy.FromKilowattHours(450), new CarbonIntensity(250), Mass.FromKilograms(0.8), 100_000);

        Assert.Equal(112.5, sci.Operational.Kilograms, 9);
        Assert.Equal(113.3, sci.Carbon.Kilograms, 9);
        Assert.Equal(1.133, sci.GramsPerUnit!.Value, 9);
        Assert.Null(sci.NullReason);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void A_score_needs_a_finite_count(double units) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new Sci(Mass.Zero, Mass.Zero, units));

    [Fact]
    public void Reserved_time_is_not_negative_and_a_share_is_not_more_than_the_whole()
    {
        var server = new Embodied(Mass.FromKilograms(1000), Embodied.FourYears);

        Assert.Throws<ArgumentOutOfRangeException>(() => server.Of(TimeSpan.FromHours(-1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => server.Of(TimeSpan.FromHours(1), 1.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => server.Of(TimeSpan.FromHours(1), double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Embodied(Mass.Zero, TimeSpan.Zero));
    }

    [Fact]
    public void A_share_of_a_server_has_that_share_of_its_embodied_emissions() =>
        Assert.Equal(
            28.538812785388128 / 4,
            new Embodied(Mass.FromKilograms(1000), Embodied.FourYears).Of(TimeSpan.FromHours(1), 0.25).Grams,
            9
        );

    [Fact]
    public void A_solid_state_disk_has_50_kg_unless_told_otherwise()
    {
        Assert.Equal(
            1050,
            new ServerComposition { SolidStateDisks = 1 }
                .Total
                .Kilograms
        );
        Assert.Equal(
            1100,
            new ServerComposition { SolidStateDisks = 1, PerSolidStateDisk = Mass.FromKilograms(100) }
                .Total
                .Kilograms
        );
    }

    [Fact]
    public void A_curve_needs_ascending_points_in_range()
    {
        Assert.Throws<ArgumentException>(() => new PowerCurve((0, 0.1)));
        Assert.Throws<ArgumentException>(() => new PowerCurve((0, 0.1), (0, 0.2)));
        Assert.Throws<ArgumentException>(() => new PowerCurve((0.5, 0.1), (0.2, 0.2)));
        Assert.Throws<ArgumentException>(() => new PowerCurve((0, 0.1), (10, 0.2)));
        Assert.Throws<ArgumentException>(() => new PowerCurve((0, double.NaN), (1, 0.2)));
    }

    [Fact]
    public void A_mix_names_all_its_sources()
    {
        Assert.Throws<ArgumentException>(() => CarbonIntensity.OfMix((0.5, new CarbonIntensity(800))));
        Assert.Throws<ArgumentException>(() => CarbonIntensity.OfMix((1.5, new CarbonIntensity(800)), (-0.5, new CarbonIntensity(0))));
    }

    [Theory]
    [InlineData(-0.1)]
    [InlineData(1.1)]
    [InlineData(double.NaN)]
    public void A_busy_ratio_lies_from_zero_to_one(double busy) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => IdleSplit.Of(Energy.FromJoules(1), busy));

    [Fact]
    public void There_is_no_change_since_nothing() => Assert.Null(Mass.FromGrams(5).ChangeSince(Mass.Zero));

    [Theory]
    [InlineData(2024, 2, 696)]
    [InlineData(2025, 2, 672)]
    [InlineData(2025, 4, 720)]
    public void A_month_has_its_own_hours(int year, int month, double hours) =>
        Assert.Equal(hours, new GigabyteMonths(1).HoursIn(year, month));

    [Theory]
    [InlineData(0.99)]
    [InlineData(0)]
    [InlineData(-1.2)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void A_PUE_below_one_is_refused(double pue)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new Place("onprem/a", null, pue));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Place("onprem/a", null, null) with { Pue = pue });
    }

    [Fact]
    public void A_PUE_of_one_or_none_is_fine()
    {
        Assert.Equal(1, new Place("onprem/a", null, 1).Pue);
        Assert.Null(new Place("onprem/a", null, null).Pue);
    }

    [Fact]
    public void A_place_is_a_provider_and_a_region()
    {
        Assert.Equal(
            ("onprem", "dc-1/hall-2"),
            (new Place("onprem/dc-1/hall-2", null, null).Provider, new Place("onprem/dc-1/hall-2", null, null).Region)
        );
        Assert.Equal(("onprem", ""), (new Place("onprem", null, null).Provider, new Place("onprem", null, null).Region));
    }

    [Fact]
    public void Energy_counts_in_joules_and_kilowatt_hours()
    {
        Assert.Equal(7_200_000, Energy.FromKilowattHours(2).Joules);
        Assert.Equal(2, Energy.FromJoules(7_200_000).KilowattHours);
        Assert.Equal(15_000, Power.FromWatts(250).Over(60).Joules);
    }

    [Fact]
    public void An_intensity_is_null_without_energy_and_without_work()
    {
        Assert.Equal(0.2, EnergyIntensity.Of(Energy.FromJoules(300), 1500, "request")?.JoulesPerUnit);
        Assert.Null(EnergyIntensity.Of(null, 1500, "request"));
        Assert.Null(EnergyIntensity.Of(Energy.FromJoules(300), null, "request"));
        Assert.Equal(0, EnergyIntensity.Of(Energy.Zero, 3, "request")?.JoulesPerUnit);
    }

    [Fact]
    public void An_interval_is_half_open_and_never_empty()
    {
        var interval = Scene.Minutes(0, 5);

        Assert.True(interval.Contains(Scene.At(0)));
        Assert.False(interval.Contains(Scene.At(5)));
        Assert.Throws<ArgumentException>(() => Scene.Minutes(5, 5));
        Assert.Throws<ArgumentException>(() => new Interval(new DateTime(2026, 1, 1), new DateTime(2026, 1, 2)));
    }
}
