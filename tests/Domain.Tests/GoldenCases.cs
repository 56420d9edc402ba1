using Metrics.Domain.Catalogue;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Xunit;

namespace Metrics.Domain.Tests;

/// <summary>Numbers from public specifications and from other tools' tests, by id. Those under T are inputs that at least one tool answers
/// wrongly.</summary>
public sealed class GoldenCases
{
    private static readonly DateTime Now = Scene.At(120);

    [Fact(DisplayName = "B01 SCI of 5.02 g for 100 users")]
    public void Sci_divides() => Close(0.0502, new Sci(Mass.FromGrams(5.02), Mass.Zero, 100).GramsPerUnit);

    [Fact(DisplayName = "B02 SCI of 0.205 g for 10 functional units")]
    public void Sci_divides_a_fraction() => Close(0.0205, new Sci(Mass.FromGrams(0.205), Mass.Zero, 10).GramsPerUnit);

    [Fact(DisplayName = "B03 SCI per functional unit of ten requests a user")]
    public void Sci_divides_by_a_derived_count() => Close(0.00502, new Sci(Mass.FromGrams(5.02), Mass.Zero, 10 * 100).GramsPerUnit);

    [Theory(DisplayName = "B04 embodied emissions of an hour of a server of 1, 2 and 4 vCPU")]
    [InlineData(1, 28.538812785388128)]
    [InlineData(2, 31.39269406392694)]
    [InlineData(4, 37.10045662100457)]
    public void Embodied_of_a_default_server(int virtualCpus, double grams) =>
        Close(
            grams,
            new Embodied(new ServerComposition { VirtualCpus = virtualCpus }.Total, Embodied.FourYears).Of(TimeSpan.FromHours(1)).Grams
        );

    [Fact(DisplayName = "B05 embodied emissions with two hard disks of 100 kg")]
    public void Embodied_with_disks() =>
        Close(
            34.24657534246575,
            new Embodied(new ServerComposition { HardDisks = 2 }.Total, Embodied.FourYears).Of(TimeSpan.FromHours(1)).Grams
        );

    [Theory(DisplayName = "B06 embodied emissions with another baseline and a lifespan of five years")]
    [InlineData(2, 47.945205479452056)]
    [InlineData(4, 52.51141552511416)]
    public void Embodied_with_other_parameters(int virtualCpus, double grams)
    {
        var server = new ServerComposition { Baseline = Mass.FromGrams(2_000_000), VirtualCpus = virtualCpus };
        Close(grams, new Embodied(server.Total, TimeSpan.FromSeconds(157_680_000)).Of(TimeSpan.FromSeconds(3600)).Grams);
    }

    [Fact(DisplayName = "B07 M = TE x TiR/EL x RR/ToR for thirty days of four years")]
    public void Embodied_by_time() =>
        Close(4.10958904109589, new Embodied(Mass.FromGrams(200), Embodied.FourYears).Of(TimeSpan.FromDays(30), 1).Grams);

    [Fact(DisplayName = "B08 interpolation at 45 %: our method is linear, not the spline (0.717) or the polynomial (0.719)")]
    public void Interpolation_is_linear() => Close(0.69625, PowerCurve.Teads.LoadAt(0.45));

    [Theory(DisplayName = "B09 interpolation at a point is the point")]
    [InlineData(0, 0.12)]
    [InlineData(0.5, 0.75)]
    [InlineData(1, 1.02)]
    public void Interpolation_at_the_points(double utilisation, double load) => Assert.Equal(load, PowerCurve.Teads.LoadAt(utilisation));

    [Theory(DisplayName = "B10 Teads curve: a CPU of 200 W at 50 % for an hour, whole and one of 64 shares")]
    [InlineData(1, 0.15)]
    [InlineData(64, 0.00234375)]
    public void Teads_curve(int shares, double kilowattHours)
    {
        var energy = PowerCurve.Teads.At(0.5, Power.FromWatts(200)).Over(3600);
        Close(kilowattHours, (energy * (1.0 / shares)).KilowattHours);
    }

    [Fact(DisplayName = "G01 unit identities of energy")]
    public void Units_of_energy()
    {
        Assert.Equal(3_600_000, Energy.From(1, Unit.Parse("kWh")).Joules);
        Assert.Equal(3600, Energy.From(1, Unit.Parse("Wh")).Joules);
        Close(2.777777777777778e-13, Energy.From(1, Unit.Parse("uJ")).KilowattHours);
        Close(2.7777777777777777e-10, Energy.From(1, Unit.Parse("mJ")).KilowattHours);
    }

    [Fact(DisplayName = "G02 unit identities of mass")]
    public void Units_of_mass()
    {
        Assert.Equal(453.59237, Mass.FromPounds(1).Grams);
        Assert.Equal(1_000_000, Mass.FromTonnes(1).Grams);
        Close(187.106852625, CarbonIntensity.FromPoundsPerMegawattHour(412.5).GramsPerKilowattHour);
    }

    [Theory(DisplayName = "G03 rise of a counter that wraps at 100 J")]
    [InlineData(20, 25, 5)]
    [InlineData(90, 10, 20)]
    [InlineData(0, 0, 0)]
    [InlineData(90, 100, 10)]
    [InlineData(100, 10, 10)]
    [InlineData(100, 0, 0)]
    public void A_counter_with_a_maximum(double before, double after, double joules)
    {
        var period = new Scene().Instants(Scene.Series("wrapping", labels: ("node", "a")), (0, before), (5, after)).Normalise();

        Assert.Equal(joules, Assert.Single(period.Energy).ServerJoules);
        Assert.Empty(period.Rejections);
    }

    [Fact(DisplayName = "G04 a counter that falls without a known maximum is a gap, not zero")]
    public void A_counter_without_a_maximum()
    {
        var period = new Scene().Instants(Scene.Series("node_counter", labels: ("node", "a")), (0, 20), (4, 10)).Normalise();

        Assert.Empty(period.Energy);
        Assert.Equal(RejectionReason.CounterReset, Assert.Single(period.Rejections).Reason);
    }

    [Fact(DisplayName = "G05 idle and active parts of 100 J at a usage of 0.4")]
    public void Idle_and_active()
    {
        var split = IdleSplit.Of(Energy.FromJoules(100), 0.4);

        Assert.Equal(40, split.Active.Joules);
        Assert.Equal(60, split.Idle.Joules);
    }

    [Fact(DisplayName = "G06 the first sample of a counter is a baseline, not 100 J")]
    public void First_sample()
    {
        var period = new Scene().Instants(Scene.Series("node_counter", labels: ("node", "a")), (1, 100)).Normalise();

        Assert.Empty(period.Energy);
        Assert.Empty(period.Rejections);
    }

    [Fact(DisplayName = "G07 DCGM: 250,000 mJ of a counter are 250 J, 300 W for a minute are 18,000 J")]
    public void Dcgm()
    {
        var scene = new Scene()
            .Instants(Scene.Series("gpu_energy", labels: ("UUID", "GPU-1")), (0, 1_000_000), (1, 1_250_000))
            .Instants(Scene.Series("gpu_power", labels: ("UUID", "GPU-2")), (0, 300), (1, 300));

        var joules = scene.Normalise().Energy.ToDictionary(fact => fact.Resource.Name, fact => fact.AcceleratorJoules);

        Assert.Equal(250, joules["1"]);
        Assert.Equal(18_000, joules["2"]);
    }

    [Fact(DisplayName = "G08 DCGM's 9223372036854775794 is no value")]
    public void Dcgm_sentinel()
    {
        var observation = new Observation(Scene.Series("gpu_energy", labels: ("UUID", "GPU-1")), Sample.At(Scene.Ten, 9223372036854775794));

        Assert.Equal(RejectionReason.ImplausibleValue, Admission.Validate(observation, Map.GpuEnergy, Now)?.Reason);
    }

    [Fact(DisplayName = "G10 3 GB-months are 2232 GB-hours in October; 2190.24 and 2190 by the fixed months of other tools")]
    public void Gigabyte_months()
    {
        var stored = new GigabyteMonths(3);

        Assert.Equal(2232, stored.HoursIn(2020, 10));
        Close(2190.24, stored.HoursIn(TimeSpan.FromDays(30.42)));
        Assert.Equal(2190, stored.HoursIn(TimeSpan.FromHours(730)));
    }

    [Fact(DisplayName = "G11 AWS tons, GCP and Azure kilograms are the same 79,300 g")]
    public void Emissions_by_provider()
    {
        Close(79_300, Mass.FromTonnes(0.0793).Grams);
        Close(79_300, Mass.FromKilograms(79.3).Grams);
    }

    [Fact(DisplayName = "G12 Azure's change ratio from 0.05 to 0.1 is 1")]
    public void Change_ratio() => Close(1.0, Mass.FromKilograms(0.1).ChangeSince(Mass.FromKilograms(0.05)));

    [Fact(DisplayName = "G14 a mix of four sources has 731.59 g/kWh, not kg")]
    public void Mix()
    {
        var mix = CarbonIntensity.OfMix(
            (0.25, new CarbonIntensity(995)),
            (0.35, new CarbonIntensity(816)),
            (0.26, new CarbonIntensity(743)),
            (0.14, new CarbonIntensity(29))
        );

        Close(731.59, mix.GramsPerKilowattHour);
    }

    [Fact(DisplayName = "T03 two scores are joined as a sum over a sum: 0.1485, not the mean 2.55")]
    public void Ratios_are_not_averaged()
    {
        var joined = new Sci(Mass.FromGrams(100), Mass.Zero, 1000) + new Sci(Mass.FromGrams(50), Mass.Zero, 10);

        Close(0.1485148514851485, joined.GramsPerUnit);
    }

    [Fact(DisplayName = "T04 no functional unit, no score: null with a reason, and the energy stays")]
    public void Zero_functional_units()
    {
        var sci = new Sci(Mass.FromGrams(0.205), Mass.Zero, 0);

        Assert.Null(sci.GramsPerUnit);
        Assert.Equal("zero_functional_units", sci.NullReason);
        Assert.Equal(0.205, sci.Carbon.Grams);
        Assert.Null(EnergyIntensity.Of(Energy.FromJoules(400), 0, "request"));
    }

    [Fact(DisplayName = "T05 resampling conserves energy: 0.004 kWh in, 0.004 kWh out, and no reading in the last three bins")]
    public void Resampling_conserves()
    {
        const double second = 1.0 / 60;
        var scene = new Scene { Grain = TimeSpan.FromSeconds(5) }.Spans(
            Scene.Series("node_kwh", labels: ("node", "a")),
            (0, second, 0.001),
            (second, 6 * second, 0.001),
            (6 * second, 13 * second, 0.001),
            (13 * second, 43 * second, 0.001)
        );

        var facts = scene.Normalise(0, 1).Energy;

        double[] expected =
        [
            0.0018,
            0.0007714285714285715,
            0.0004952380952380952,
            0.00016666666666666666,
            0.00016666666666666666,
            0.00016666666666666666,
            0.00016666666666666666,
            0.00016666666666666666,
            0.0001,
        ];
        Assert.Equal(expected.Length, facts.Count);
        for (var bin = 0; bin < expected.Length; bin++)
        {
            Assert.Equal(Scene.Ten.AddSeconds(5 * bin), facts[bin].Period.Start);
            Close(expected[bin], Energy.FromJoules(facts[bin].ServerJoules!.Value).KilowattHours);
            Assert.Equal(bin == 8 ? 3 : 5, facts[bin].CoveredSeconds, 9);
        }
        Close(0.004, Energy.FromJoules(facts.Sum(fact => fact.ServerJoules!.Value)).KilowattHours);
    }

    [Fact(DisplayName = "T06 ten minutes without a sample are missing, not zero, and coverage falls")]
    public void Gaps_are_gaps()
    {
        var power = Scene.Series("node_power", labels: ("node", "a"));
        var scene = new Scene().Steady(power, 200, 0, 7).Steady(power, 200, 18, 20);

        var facts = scene.Normalise(0, 20).Energy;

        Assert.Equal([0, 5, 10, 15], facts.Select(fact => (fact.Period.Start - Scene.Ten).TotalMinutes));
        Assert.Equal([300, 120, 0, 120], facts.Select(fact => fact.CoveredSeconds));
        Assert.Equal([300.0, 300.0, 300.0, 300.0], facts.Select(fact => fact[Measures.Present]));
        Assert.Equal([60_000, 24_000, null, 24_000], facts.Select(fact => fact.ServerJoules));
    }

    [Theory(DisplayName = "T07 a utilisation of 180 % is an error, not a power of zero")]
    [InlineData(1.8)]
    [InlineData(-0.1)]
    [InlineData(double.NaN)]
    public void Interpolation_out_of_range(double utilisation) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => PowerCurve.Teads.LoadAt(utilisation));

    [Fact(DisplayName = "T08 9.2e14 J, an integer of microjoules that overflowed, is refused at the gate and in the chain")]
    public void Overflowed_joules()
    {
        var kepler = Map.NodeCounter with { SentinelFrom = 9.2233720368e14 };
        var series = Scene.Series("node_counter", labels: ("node", "a"));

        Assert.Equal(
            RejectionReason.ImplausibleValue,
            Admission.Validate(new Observation(series, Sample.At(Scene.Ten, 9.223372037599701e14)), kepler, Now)?.Reason
        );

        var period = new Scene { Mappings = [kepler] }
            .Instants(series, (0, 1000), (1, 1100), (2, 9.223372037599701e14), (3, 1300))
            .Normalise();
        Assert.Equal(300, Assert.Single(period.Energy).ServerJoules);
        Assert.Equal(RejectionReason.ImplausibleValue, Assert.Single(period.Rejections).Reason);
    }

    [Fact(DisplayName = "T09 overlapping RAPL zones: psys alone is 100 J, package and dram without it 70 J, never 215")]
    public void Overlapping_zones()
    {
        (string Zone, double Joules)[] zones = [("psys", 100), ("package", 60), ("core", 40), ("uncore", 5), ("dram", 10)];

        Assert.Equal(100, Server(zones));
        Assert.Equal(70, Server(zones[1..]));

        static double? Server((string Zone, double Joules)[] zones)
        {
            var scene = new Scene();
            foreach (var (zone, joules) in zones)
                scene.Spans(Scene.Series(zone, labels: ("node", "a")), (0, 5, joules));
            return Assert.Single(scene.Normalise().Energy).ServerJoules;
        }
    }

    [Fact(DisplayName = "T11 a window without tokens has no joules per token, and its 400 J stay in the day's")]
    public void Zero_token_window()
    {
        var scene = new Scene()
            .Workload("chat")
            .Spans(Scene.Series("node_energy", labels: ("node", "a")), (0, 5, 400), (5, 10, 600))
            .Instants(Scene.Series("tokens_total", labels: ("instance", "a")), (0, 7000), (5, 7000), (10, 7500));

        var period = scene.Normalise(0, 10);

        Assert.Equal([400, 600], period.Energy.Select(fact => fact.ServerJoules));
        Assert.Equal([0, 500], period.Work.Select(fact => fact.Units));
        Assert.Null(EnergyIntensity.Of(Energy.FromJoules(400), period.Work[0].Units, "output-token"));
        var day = EnergyIntensity.Of(
            Energy.FromJoules(period.Energy.Sum(fact => fact.ServerJoules!.Value)),
            period.Work.Sum(fact => fact.Units),
            "output-token"
        );
        Assert.Equal(2, day?.JoulesPerUnit);
    }

    [Fact(DisplayName = "T17 an energy of 5 W is an error: power is not energy")]
    public void Power_is_not_energy()
    {
        var error = Assert.Throws<ArgumentException>(() => Energy.From(5, Unit.Parse("W")));
        Assert.Contains("measures Power, not Energy", error.Message, StringComparison.Ordinal);
        Assert.Throws<FormatException>(() => Unit.Parse("watt"));

        var drifted = Map.NodeEnergy with { Unit = Unit.Parse("W") };
        Assert.Equal(SampleKind.Delta, drifted.Kind);
        Assert.Throws<ArgumentException>(() => new Scene { Mappings = [drifted] }.Normaliser());
    }

    /// <summary>Equal to nine digits.</summary>
    private static void Close(double expected, double? actual)
    {
        Assert.NotNull(actual);
        Assert.InRange(actual.Value, expected - Math.Abs(expected) * 1e-9, expected + Math.Abs(expected) * 1e-9);
    }
}
