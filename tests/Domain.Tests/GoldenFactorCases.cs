using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Xunit;

namespace Metrics.Domain.Tests;

/// <summary>Numbers of emissions, water and estimated energy from public specifications, papers and other tools' tests, by id. Those under
/// T are inputs that at least one tool answers wrongly.</summary>
public sealed class GoldenFactorCases
{
    private const double Hour = 3600;

    private static readonly ModelSize TwentyBillion = ModelSize.Dense(20e9);
    private static readonly SiteFactors Site = new(
        1.26,
        CarbonIntensity.FromKilogramsPerKilowattHour(0.590478),
        new WaterFactors(0.37, 5.04)
    );

    [Fact(DisplayName = "A01 an hour of a server of 1,000 kg and four years has 28.5 g")]
    public void Hour_of_a_server() =>
        Close(28.538812785388128, new Embodied(Mass.FromKilograms(1000), Embodied.FourYears).Of(TimeSpan.FromHours(1)).Grams);

    [Fact(DisplayName = "A02 5,000 kg and 1,500 kg for 50e9 tokens are 0.13 g for a thousand and 130 g for a million, not 0.13")]
    public void Score_per_tokens()
    {
        var sci = new Sci(Mass.FromKilograms(5000), Mass.FromKilograms(1500), 50e9);

        Close(0.13, sci.GramsPer(1e3));
        Close(130, sci.GramsPer(1e6));
    }

    [Fact(DisplayName = "A03 200,000 kg for 5e22 FLOP are 4e-18 kg each and 4 g for 1e15")]
    public void Score_per_operation()
    {
        var sci = new Sci(Mass.FromKilograms(200_000), Mass.Zero, 5e22);

        Close(4e-18, Mass.FromGrams(sci.GramsPerUnit!.Value).Kilograms);
        Close(4, sci.GramsPer(1e15));
    }

    [Fact(DisplayName = "A04 3,200 kg for 40e6 inferences are 0.08 g each")]
    public void Score_per_inference() => Close(0.08, new Sci(Mass.FromKilograms(3200), Mass.Zero, 40e6).GramsPerUnit);

    [Fact(DisplayName = "A05 75,000 kg for 2.5e9 parameters are 30,000 kg for 1e9, not 3,000 or 30")]
    public void Score_per_parameter() =>
        Close(30_000, Mass.FromGrams(new Sci(Mass.FromKilograms(75_000), Mass.Zero, 2.5e9).GramsPer(1e9)!.Value).Kilograms);

    [Theory(DisplayName = "A06 tons for 1e9 parameters of three models")]
    [InlineData(50, 1.5e9, 33.333333333333336)]
    [InlineData(1200, 175e9, 6.857142857142857)]
    [InlineData(20_000, 1000e9, 20)]
    public void Score_of_models(double tonnes, double parameters, double expected) =>
        Close(expected, Mass.FromGrams(new Sci(Mass.FromTonnes(tonnes), Mass.Zero, parameters).GramsPer(1e9)!.Value).Tonnes);

    [Fact(DisplayName = "A07 15.2 kg for 50,000 calls are 0.304 g each")]
    public void Score_per_call() => Close(0.304, new Sci(Mass.FromKilograms(15.2), Mass.Zero, 50_000).GramsPerUnit);

    [Fact(DisplayName = "A08 0.5 g for a gigabyte are 0.005 g for a visit that is declared to take 0.01 GB")]
    public void Score_per_visit()
    {
        var cdn = new ScoredComponent("cdn", new Sci(Mass.FromGrams(0.5), Mass.Zero, 1), "gigabyte");

        Close(0.005, SystemScore.Of("visit", new UnitConversions(new UnitConversion("visit", "gigabyte", 0.01)), cdn).GramsPerUnit);
    }

    [Fact(DisplayName = "A09 8.5 kg and 1.2 kg embodied for 25,000 queries are 0.388 g each")]
    public void Score_per_query() => Close(0.388, new Sci(Mass.FromKilograms(8.5), Mass.FromKilograms(1.2), 25_000).GramsPerUnit);

    [Fact(DisplayName = "A10 450 kWh at 250 g/kWh and 0.8 kg embodied for 100,000 requests are 1.133 g each")]
    public void Score_per_request()
    {
        var sci = Sci.Of(Energy.FromKilowattHours(450), new CarbonIntensity(250), Mass.FromKilograms(0.8), 100_000);

        Close(112.5, sci.Operational.Kilograms);
        Close(113.3, sci.Carbon.Kilograms);
        Close(1.133, sci.GramsPerUnit);
    }

    [Fact(DisplayName = "A12 servers, clients and hardware have 5.5 g for a page view, with the network 5.7 g")]
    public void Score_of_a_web_site()
    {
        const double views = 100_000;
        var server = new ScoredComponent(
            "server",
            Sci.Of(Energy.FromKilowattHours(1000) * 1.2, new CarbonIntensity(250), Mass.Zero, views),
            "page-view"
        );
        var client = new ScoredComponent(
            "client",
            Sci.Of(Energy.FromKilowattHours(400), new CarbonIntensity(375), Mass.Zero, views),
            "page-view"
        );
        var hardware = new ScoredComponent("hardware", new Sci(Mass.Zero, Mass.FromKilograms(100), views), "page-view");
        var network = new ScoredComponent(
            "network",
            Sci.Of(Energy.FromKilowattHours(80), new CarbonIntensity(250), Mass.Zero, views),
            "page-view"
        );

        Close(5.5, SystemScore.Of("page-view", UnitConversions.None, server, client, hardware).GramsPerUnit);
        Close(5.7, SystemScore.Of("page-view", UnitConversions.None, server, client, hardware, network).GramsPerUnit);
    }

    [Fact(DisplayName = "A13 ten minutes of half a phone of 70 kg and three years have 0.222 g")]
    public void Embodied_of_a_phone() =>
        Close(
            0.22196854388635212,
            new Embodied(Mass.FromKilograms(70), TimeSpan.FromHours(26_280)).Of(TimeSpan.FromMinutes(10), 0.5).Grams
        );

    [Fact(DisplayName = "A15 a database tier has 14.2416 g an hour, which is no score without a functional unit")]
    public void Tier_without_a_functional_unit()
    {
        Close(5.112442922374429, new Embodied(Mass.FromKilograms(1433.12), Embodied.FourYears).Of(TimeSpan.FromHours(1), 2.0 / 16).Grams);

        var tier = Sci.Of(Energy.FromKilowattHours(0.0096), new CarbonIntensity(951), Mass.FromGrams(5.112), 0);
        Close(14.2416, tier.Carbon.Grams);
        Assert.Null(tier.GramsPerUnit);
        Assert.Equal("zero_functional_units", tier.NullReason);
        Assert.Equal(
            "zero_functional_units",
            SystemScore.Of("user", UnitConversions.None, new ScoredComponent("database", tier, "user")).NullReason
        );
    }

    [Fact(
        DisplayName = "B13 a second of one of eight vCPU at 50 % of 100 W: 2.604e-06 kWh, 2.083e-03 g at 800 g/kWh and 1.001e-02 g with "
            + "its "
            + "hardware"
    )]
    public void Pipeline()
    {
        var energy = PowerCurve.Teads.At(0.5, Power.FromWatts(100)).Over(1) * (1.0 / 8);
        var score = Sci.Of(energy, new CarbonIntensity(800), Mass.FromGrams(0.007927447995941146), 1);

        Close(2.6041666666666666e-06, energy.KilowattHours);
        Close(0.0020833333333333333, score.Operational.Grams);
        Close(0.010010781329274479, score.Carbon.Grams);
    }

    [Theory(DisplayName = "B17 a network by 0.002 kWh for a gigabyte, both directions")]
    [InlineData(10 + 5, 0.03)]
    [InlineData(20 + 15, 0.07)]
    public void Network_by_gigabytes(double gigabytes, double kilowattHours) =>
        Close(kilowattHours, new UsageCoefficient(Energy.FromKilowattHours(0.002), 1, "GB").Of(gigabytes, "GB").KilowattHours);

    [Theory(DisplayName = "B18 operational emissions are energy by intensity")]
    [InlineData(50, 10, 500)]
    [InlineData(60, 15, 900)]
    public void Operational(double gramsPerKilowattHour, double kilowattHours, double grams) =>
        Close(grams, new CarbonIntensity(gramsPerKilowattHour).Of(Energy.FromKilowattHours(kilowattHours)).Grams);

    [Fact(DisplayName = "B19 10 kWh of five seconds are 2 kWh for each second, their 5 g are 1 g, and an intensity is not divided")]
    public void Observation_in_bins()
    {
        // Seven megawatts are no server's: the case is about the arithmetic, and its mapping allows them.
        var facts = new Scene { Grain = TimeSpan.FromSeconds(1), Mappings = [Map.NodeKilowattHours with { Ceiling = 1e7 }] }
            .Spans(Scene.Series("node_kwh", labels: ("node", "a")), (0, 5.0 / 60, 10))
            .Normalise(0, 1)
            .Energy;

        Assert.Equal(5, facts.Count);
        foreach (var fact in facts)
        {
            Close(2, Energy.FromJoules(fact.ServerJoules!.Value).KilowattHours);
            Close(1, new CarbonIntensity(0.5).Of(Energy.FromJoules(fact.ServerJoules!.Value)).Grams);
            Close(942, new CarbonIntensity(471).Of(Energy.FromJoules(fact.ServerJoules!.Value)).Grams);
        }
    }

    [Theory(DisplayName = "B20 two halves of an hour use what an hour at their mean utilisation does: 74 %, 25.5 %, 49.75 %")]
    [InlineData(0.89, 0.59, 0.074)]
    [InlineData(0.24, 0.27, 0.0255)]
    [InlineData(0.565, 0.43, 0.04975)]
    public void Mean_utilisation(double first, double second, double kilowattHours)
    {
        var power = new PowerRange(Power.FromWatts(0), Power.FromWatts(100));

        Close(kilowattHours, ((power.At(first).Over(Hour) + power.At(second).Over(Hour)) * 0.5).KilowattHours);
    }

    [Fact(DisplayName = "C01 a vCPU-hour at 1 % of 0.71 to 3.46 W, replicated twice, at PUE 1.135")]
    public void Compute()
    {
        var energy = new PowerRange(Power.FromWatts(0.71), Power.FromWatts(3.46)).At(0.01).Over(Hour) * 1.135 * 2;

        Close(0.0016741249999999998, energy.KilowattHours);
        Close(6.960258393749999e-07, CarbonIntensity.FromTonnesPerKilowattHour(0.000415755).Of(energy).Tonnes);
    }

    [Theory(DisplayName = "C03 10,000,000 GB between data centres")]
    [InlineData(1.135, 0.000415755, 11_350, 4.71881925)]
    [InlineData(1.09, 0.000109, 10_900, 1.1881)]
    public void Network(double pue, double tonnesPerKilowattHour, double kilowattHours, double tonnes)
    {
        var energy = UsageCoefficient.Network.Of(10_000_000, "GB") * pue;

        Close(kilowattHours, energy.KilowattHours);
        Close(tonnes, CarbonIntensity.FromTonnesPerKilowattHour(tonnesPerKilowattHour).Of(energy).Tonnes);
    }

    [Fact(DisplayName = "C05 a terabyte-hour on solid state and hard disks")]
    public void Storage()
    {
        var grid = CarbonIntensity.FromTonnesPerKilowattHour(0.000415755);
        var solidState = UsageCoefficient.SolidStateDisk.Of(1, "TB.h") * 1.135;
        var hard = UsageCoefficient.HardDisk.Of(1, "TB.h") * 1.135;

        Close(0.001362, solidState.KilowattHours);
        Close(5.6625831e-07, grid.Of(solidState).Tonnes);
        Close(0.00073775, hard.KilowattHours);
        Close(3.0672325125e-07, grid.Of(hard).Tonnes);
        Close(0.0014755, (hard * 2).KilowattHours);
    }

    [Fact(DisplayName = "C06 a day of one of 96 vCPU of a server of 1.7957 t")]
    public void Embodied_of_a_share() =>
        Close(
            1.2811786529680366e-05,
            new Embodied(Mass.FromTonnes(1.7957), TimeSpan.FromHours(35_040)).Of(TimeSpan.FromHours(24), 1.0 / 96).Tonnes
        );

    [Fact(DisplayName = "C07 usage without a factor takes the energy of known usage, by cost")]
    public void Unknown_usage()
    {
        var energy = new UsageCoefficient(Energy.FromKilowattHours(20), 50, "USD").Of(1000, "USD");

        Close(400, energy.KilowattHours);
        Close(0.166302, CarbonIntensity.FromTonnesPerKilowattHour(0.000415755).Of(energy).Tonnes);
    }

    [Fact(DisplayName = "C08 3 GB-months of October on replicated solid state disks")]
    public void Gigabyte_months_of_storage()
    {
        var gigabyteHours = new GigabyteMonths(3).HoursIn(2020, 10);

        Assert.Equal(2232, gigabyteHours);
        Close(0.006079968, (UsageCoefficient.SolidStateDisk.Of(gigabyteHours / 1000, "TB.h") * 2 * 1.135).KilowattHours);
    }

    [Fact(DisplayName = "C10 a day of p3dn.24xlarge has 50.9077071744 kWh, embodied emissions not among them")]
    public void Server_with_accelerators()
    {
        var table = HardwareTable.Published;
        var cpu = table.VirtualCpu("Skylake")!.Power.At(0.5).Over(24 * Hour) * 96 * 1.135;
        var accelerators = table.Accelerator("Tesla V100-SXM2-32GB")!.Power.At(0.5).Over(24 * Hour) * 8 * 1.135;
        var memory = UsageCoefficient.Memory.Of((768 - 81.32) * 24, "GB.h") * 1.135;

        Close(6.4199232, cpu.KilowattHours);
        Close(37.15536, accelerators.KilowattHours);
        Close(7.3324239744, memory.KilowattHours);
        Close(50.9077071744, (cpu + accelerators + memory).KilowattHours);
    }

    [Fact(DisplayName = "D01 a request of 200 tokens to a model of 7.3e9 parameters in 5 s")]
    public void Token_energy()
    {
        var estimate = TokenEnergyModel.EcoLogits.Estimate(ModelSize.Dense(7.3e9), 200, new RequestTiming(Seconds: 5), Site);

        Assert.Equal(Evidence.Estimated, estimate.Evidence);
        Assert.True(estimate.IsExact);
        Assert.Equal(1, estimate.Low.Accelerators);
        Close(8.93720056859519e-06, estimate.Low.Accelerator.KilowattHours);
        Close(3.2552083333333335e-06, estimate.Low.Host.KilowattHours);
        Close(1.536243521642994e-05, estimate.Low.Facility?.KilowattHours);
        Close(55.30476677914779, estimate.Low.Facility?.Joules);
        Close(0.276523833895739, estimate.Low.PerOutputToken?.JoulesPerUnit);
        Close(9.071180021727118e-06, estimate.Low.Operational?.Kilograms);
        Close(7.237925175460849e-07, estimate.Low.Embodied.Kilograms);
        Close(9.794972539273203e-06, estimate.Low.Total?.Kilograms);
    }

    [Fact(DisplayName = "D03 a request of 100 tokens to a model of 20e9 parameters, its time modelled")]
    public void Token_energy_with_modelled_time()
    {
        var request = TokenEnergyModel.EcoLogits.Estimate(TwentyBillion, 100, RequestTiming.Unknown, Site).Low;

        Close(5.300747976298557, request.Seconds);
        Close(1.0889882284617254e-05, request.Facility?.KilowattHours);
        Close(7.197564256184715e-06, request.Total?.Kilograms);
    }

    [Theory(DisplayName = "D04 the same request with the time known in three ways")]
    [InlineData(1.0, null, null, 7.3619249603098435e-06)]
    [InlineData(null, 1000.0, 0.1, 6.705674960309844e-06)]
    [InlineData(null, 1000.0, 100.0, 8.865489371030984e-05)]
    public void Token_energy_with_known_time(double? seconds, double? tokensPerSecond, double? secondsToFirstToken, double kilowattHours) =>
        Close(
            kilowattHours,
            TokenEnergyModel
                .EcoLogits.Estimate(TwentyBillion, 100, new RequestTiming(seconds, tokensPerSecond, secondsToFirstToken), Site)
                .Low.Facility?.KilowattHours
        );

    [Fact(DisplayName = "D06 water by the document, 8.19e-05 L: PUE is not in WUE, so not the 1.03e-04 L of the code")]
    public void Token_water() =>
        Close(
            8.193786478452047e-05,
            TokenEnergyModel.EcoLogits.Estimate(ModelSize.Dense(7.3e9), 200, new RequestTiming(Seconds: 5), Site).Low.Water?.Litres
        );

    [Theory(DisplayName = "D07 the same mix of a country, as it is bundled")]
    [InlineData("US", 383.55)]
    [InlineData("FR", 44.18)]
    public void Bundled_mix_of_a_country(string country, double grams) =>
        Close(
            grams,
            FactorBook
                .Published.Find(
                    FactorKind.GridIntensity,
                    FactorMethod.LocationAverage,
                    new Place("onprem/dc-1", country, null),
                    new DateOnly(2024, 7, 1)
                )
                ?.Value
        );

    [Theory(DisplayName = "D07 a kilowatt-hour by the mix of a country, published in kilograms")]
    [InlineData(0.38355, 383.55)]
    [InlineData(0.04418, 44.18)]
    public void Mix_of_a_country(double kilograms, double grams) =>
        Close(grams, CarbonIntensity.FromKilogramsPerKilowattHour(kilograms).Of(Energy.FromKilowattHours(1)).Grams);

    [Fact(DisplayName = "E01 486 W at 1,070 tokens a second are 0.4548 J for a token and 176.77 J for a request")]
    public void Measured_accelerator()
    {
        var energy = Power.FromWatts(486.4380535594687).Over(1);

        Close(0.4547982611462042, EnergyIntensity.Of(energy, 1069.5688508868182, "output-token")?.JoulesPerUnit);
        Close(176.76995773999624, EnergyIntensity.Of(energy, 1069.5688508868182 / 388.677734375, "request")?.JoulesPerUnit);
    }

    [Fact(DisplayName = "E03 four accelerators at 1,765 W and 470 tokens a second are 3.7587 J for a token")]
    public void Measured_accelerators() =>
        Close(
            3.7587138844121615,
            EnergyIntensity.Of(Power.FromWatts(1765.4278811426893).Over(1), 469.6893499832831, "output-token")?.JoulesPerUnit
        );

    [Fact(DisplayName = "E05 320 W at 234 tokens a second of a reasoning model are 1.3663 J for a token")]
    public void Measured_reasoning() =>
        Close(
            1.3662634337367148,
            EnergyIntensity.Of(Power.FromWatts(319.7883095908309).Over(1), 234.06050523961807, "output-token")?.JoulesPerUnit
        );

    [Theory(DisplayName = "E06 images in a batch of four and alone")]
    [InlineData(738.3156619159863, 1.8308886289596558, 4, 337.9434374962002)]
    [InlineData(530.5434411862288, 0.644588828086853, 1, 341.98237500339746)]
    public void Measured_images(double watts, double seconds, double images, double joules) =>
        Close(joules, EnergyIntensity.Of(Power.FromWatts(watts).Over(seconds), images, "image")?.JoulesPerUnit);

    [Fact(DisplayName = "E08 the energy of E03 with a facility, by the average and by the marginal intensity of its grid, each alone")]
    public void Measured_with_facility_and_grid()
    {
        const double tokens = 469.6893499832831;
        var facility = Power.FromWatts(1765.4278811426893).Over(1) * 1.10;

        var perToken = EnergyIntensity.Of(facility, tokens, "output-token")!.JoulesPerUnit;
        Close(4.1345852728533785, perToken);
        Close(1.1484959091259386, Energy.FromJoules(perToken * 1e6).KilowattHours);
        Close(0.47400723161445735, Sci.Of(facility, new CarbonIntensity(412.72), Mass.Zero, tokens).GramsPer(1000));
        Close(0.6728807832387048, Sci.Of(facility, new CarbonIntensity(585.88), Mass.Zero, tokens).GramsPer(1000));
    }

    [Fact(DisplayName = "F01 0.24 Wh for a prompt are 864 J and the sum of their parts")]
    public void Published_prompt()
    {
        var parts = Wh(0.14) + Wh(0.06) + Wh(0.02) + Wh(0.02);

        Close(864, Wh(0.24).Joules);
        Close(864, parts.Joules);
        Close(0.033, (Mass.FromGrams(0.023) + Mass.FromGrams(0.010)).Grams);

        static Energy Wh(double value) => Energy.From(value, Unit.Parse("Wh"));
    }

    [Fact(DisplayName = "F02 1.14 g and 45 mL for an answer of 400 tokens are 2.85 g for a thousand and 0.1125 mL for one")]
    public void Published_answer()
    {
        Close(2.85, new Sci(Mass.FromGrams(1.14), Mass.Zero, 400).GramsPer(1000));
        Close(0.1125e-3, (Water.FromMillilitres(45) * (1.0 / 400)).Litres);
    }

    [Fact(DisplayName = "F03 0.00267074 kWh for 828 tokens in 19.09 s are 11.61 J each and 503.5 W")]
    public void Published_report()
    {
        var energy = Energy.FromKilowattHours(0.00267074);

        Close(9614.664, energy.Joules);
        Close(11.611913043478262, EnergyIntensity.Of(energy, 828, "output-token")?.JoulesPerUnit);
        Close(503.5462558666879, Power.Mean(energy, 19.09390426).Watts);
    }

    [Fact(DisplayName = "F06 windows of 100 J for 200 tokens and 200 J for 100 tokens are 1 J each together, not 1.25")]
    public void Ratio_of_sums()
    {
        var scene = new Scene()
            .Workload("chat")
            .Spans(Scene.Series("node_energy", labels: ("node", "a")), (0, 5, 100), (5, 10, 200))
            .Instants(Scene.Series("tokens_total", labels: ("instance", "a")), (0, 7000), (5, 7200), (10, 7300));

        var period = scene.Normalise(0, 10);

        var energy = period.Energy.Aggregate(Energy.Zero, (sum, fact) => sum + Energy.FromJoules(fact.ServerJoules!.Value));
        Assert.Equal(1.0, EnergyIntensity.Of(energy, period.Work.Sum(fact => fact.Units), "output-token")?.JoulesPerUnit);
    }

    [Fact(DisplayName = "F07 of 8,192 tokens given and 1,024 generated, the energy of one generated is nine times that of one of all")]
    public void Tokens_of_two_kinds()
    {
        var energy = Energy.FromKilowattHours(1);
        var output = EnergyIntensity.Of(energy, 1024, "output-token");
        var all = EnergyIntensity.Of(energy, 8192 + 1024, "token");

        Close(9 * all!.JoulesPerUnit, output?.JoulesPerUnit);
        Assert.NotEqual(all.FunctionalUnit, output?.FunctionalUnit);
        Assert.Throws<ArgumentException>(() =>
            SystemScore.Of(
                "token",
                UnitConversions.None,
                new ScoredComponent("decode", new Sci(Mass.FromGrams(1), Mass.Zero, 1024), "output-token")
            )
        );
    }

    [Fact(DisplayName = "F08 7,200 J are 2 Wh, 0.5 kWh are 500 Wh, and an unknown unit is an error, not kWh")]
    public void Units_are_known_or_refused()
    {
        Close(2, Energy.From(7200, Unit.Parse("J")).Joules / Energy.From(1, Unit.Parse("Wh")).Joules);
        Close(500, Energy.From(0.5, Unit.Parse("kWh")).Joules / Energy.From(1, Unit.Parse("Wh")).Joules);
        Assert.Throws<FormatException>(() => Unit.Parse("energy"));
    }

    [Theory(DisplayName = "F09 0.001 kWh for a thousand output tokens, on lines of one thousand and of two million")]
    [InlineData(1000, 0.001)]
    [InlineData(2_000_000, 2.0)]
    public void Token_coefficient(double tokens, double kilowattHours) =>
        Close(
            kilowattHours,
            new UsageCoefficient(Energy.FromKilowattHours(1e-3), 1000, "output-token").Of(tokens, "output-token").KilowattHours
        );

    // Cells of the rows that the cases name, in the columns of Cloud_Region_Metadata.csv. A row that ends in \ goes on in the next line.
    private static readonly string RealTimeCloud = """
        year,cloud-provider,cloud-region,cfe-region,em-zone-id,wt-region-id,location,geolocation,provider-cfe-hourly,provider-cfe-annual,\
        power-usage-effectiveness,water-usage-effectiveness,provider-carbon-intensity-market-annual,\
        provider-carbon-intensity-average-consumption-hourly,grid-carbon-intensity-average-consumption-annual,\
        grid-carbon-intensity-marginal-consumption-annual,grid-carbon-intensity-average-production-annual,grid-carbon-intensity,\
        total-ICT-energy-consumption-annual,total-water-input,renewable-energy-consumption,renewable-energy-consumption-goe,\
        renewable-energy-consumption-ppa,renewable-energy-consumption-onsite
        2024,Amazon Web Services,us-east-1,PJM,US-MIDA-PJM,PJM_DC,US East (N. Virginia),"39.1057,-77.5544 ",,,1.15,0.12,0.0,,396.25,\
        557.17,396.77,,,,,,,
        2023,Amazon Web Services,us-east-1,PJM,US-MIDA-PJM,PJM_DC,US East (N. Virginia),"39.1057,-77.5544 ",,,1.15,0.18,0.0,,396.25,\
        557.17,396.77,,,,,,,
        2024,Google Cloud,us-central1,MISO,US-MIDW-MISO,MISO_MASON_CITY,Iowa,"41.5725,-93.6105 ",0.95,0.87,1.1,,0.0,430.0,412.72,585.88,\
        518.84,,,,,,,
        2023,Google Cloud,us-central1,MISO,US-MIDW-MISO,MISO_MASON_CITY,Iowa,"41.5725,-93.6105 ",0.95,,1.1,,0.0,430.0,501.42,585.88,\
        518.84,,,,,,,
        2024,Google Cloud,europe-west1,Belgium,BE,BE,Belgium,"51.1333,4.5667",0.82,0.84,1.09,,0.0,122.0,103.37,415.75,172.79,,,,,,,
        2023,Google Cloud,europe-west1,Belgium,BE,BE,Belgium,"51.1333,4.5667",0.82,,1.09,,0.0,122.0,177.58,415.75,172.79,,,,,,,
        2023,Microsoft Azure,swedencentral,Sweden,SE,SE,Sweden,"59.329,18.067",1.0,,1.16,,0.0,,24.71,791.26,21.28,,,,,,,
        """.Replace("\\\n", "", StringComparison.Ordinal);

    private static readonly FactorFile Regions = FactorFile.Read("Cloud_Region_Metadata.csv", RealTimeCloud);
    private static readonly FactorBook Book = FactorBook.Published.With(Regions.Factors.Select(placed => placed.Factor), Regions.Regions);

    [Theory(DisplayName = "H01 H02 H04 what Real-Time Cloud says of a region in a year, with the year that the number is of")]
    [InlineData("aws/us-east-1", 2024, FactorKind.Pue, FactorMethod.Annual, 1.15, 2024)]
    [InlineData("aws/us-east-1", 2024, FactorKind.Wue, FactorMethod.Annual, 0.12, 2024)]
    [InlineData("aws/us-east-1", 2024, FactorKind.GridIntensity, FactorMethod.LocationAverage, 396.25, 2023)]
    [InlineData("aws/us-east-1", 2023, FactorKind.GridIntensity, FactorMethod.LocationAverage, 396.25, 2023)]
    [InlineData("aws/us-east-1", 2024, FactorKind.GridIntensity, FactorMethod.LocationMarginal, 557.17, 2023)]
    [InlineData("aws/us-east-1", 2024, FactorKind.GridIntensity, FactorMethod.MarketBased, 0.0, 2024)]
    [InlineData("gcp/us-central1", 2024, FactorKind.Pue, FactorMethod.Annual, 1.1, 2024)]
    [InlineData("gcp/us-central1", 2024, FactorKind.GridIntensity, FactorMethod.LocationAverage, 412.72, 2024)]
    [InlineData("gcp/us-central1", 2023, FactorKind.GridIntensity, FactorMethod.LocationAverage, 501.42, 2023)]
    [InlineData("gcp/us-central1", 2024, FactorKind.GridIntensity, FactorMethod.LocationMarginal, 585.88, 2023)]
    [InlineData("gcp/europe-west1", 2024, FactorKind.GridIntensity, FactorMethod.LocationMarginal, 415.75, 2023)]
    [InlineData("gcp/europe-west1", 2024, FactorKind.GridIntensity, FactorMethod.LocationAverage, 103.37, 2024)]
    public void Region_of_a_year(string place, int year, FactorKind kind, FactorMethod method, double value, int vintage)
    {
        var factor = Book.Find(kind, method, new Place(place, null, null), new DateOnly(year, 7, 1));

        Assert.Equal((value, vintage, $"rtc-{year}"), (factor!.Value, factor.Vintage, factor.Version));
    }

    [Fact(
        DisplayName = "H03 a kilowatt-hour of IT in swedencentral in 2023: 28.6636 g by the average and 917.8616 g by the margin, 32 times "
            + "as "
            + "much"
    )]
    public void Average_and_margin()
    {
        var sweden = new Place("azure/swedencentral", null, null);
        var day = new DateOnly(2023, 7, 1);
        var facility = Energy.FromKilowattHours(1) * Book.Find(FactorKind.Pue, FactorMethod.Annual, sweden, day)!.Value;
        var average = new CarbonIntensity(Book.Find(FactorKind.GridIntensity, FactorMethod.LocationAverage, sweden, day)!.Value)
            .Of(facility)
            .Grams;
        var margin = new CarbonIntensity(Book.Find(FactorKind.GridIntensity, FactorMethod.LocationMarginal, sweden, day)!.Value)
            .Of(facility)
            .Grams;

        Close(28.6636, average);
        Close(917.8616, margin);
        Close(32.02185350060704, margin / average);
    }

    [Fact(DisplayName = "H04 numbers that stand still from one year to the next are told, with file, line, region, column and both years")]
    public void Stale_vintages() =>
        Assert.Equal(
            [
                "Cloud_Region_Metadata.csv: line 2: aws/us-east-1: grid-carbon-intensity-average-consumption-annual: 396.25 of "
                    + "2024 repeats 2023; its vintage is 2023",
                "Cloud_Region_Metadata.csv: line 2: aws/us-east-1: grid-carbon-intensity-marginal-consumption-annual: 557.17 of "
                    + "2024 repeats 2023; its vintage is 2023",
                "Cloud_Region_Metadata.csv: line 6: gcp/europe-west1: grid-carbon-intensity-marginal-consumption-annual: 415.75 "
                    + "of 2024 repeats 2023; its vintage is 2023",
                "Cloud_Region_Metadata.csv: line 6: gcp/europe-west1: grid-carbon-intensity-average-production-annual: 172.79 of "
                    + "2024 repeats 2023; its vintage is 2023",
                "Cloud_Region_Metadata.csv: line 4: gcp/us-central1: grid-carbon-intensity-marginal-consumption-annual: 585.88 of "
                    + "2024 repeats 2023; its vintage is 2023",
                "Cloud_Region_Metadata.csv: line 4: gcp/us-central1: grid-carbon-intensity-average-production-annual: 518.84 of "
                    + "2024 repeats 2023; its vintage is 2023",
            ],
            Regions.Remarks
        );

    [Fact(DisplayName = "H05 a blank is unknown and not zero, and not the number of the year before")]
    public void Blank_is_unknown()
    {
        var blanked = RealTimeCloud.Replace("1.15,0.12,0.0", "NA,,0.0", StringComparison.Ordinal);
        var factors = FactorFile
            .Read("blanked.csv", blanked)
            .Factors.Select(placed => placed.Factor)
            .Where(factor => factor.Place == "aws/us-east-1")
            .ToList();

        Assert.DoesNotContain(factors, factor => factor.Kind is FactorKind.Pue or FactorKind.Wue && factor.From.Year == 2024);
        var before = Assert.Single(factors, factor => factor.Kind == FactorKind.Wue);
        Assert.Equal((0.18, new DateOnly(2023, 1, 1), new DateOnly(2024, 1, 1)), (before.Value, before.From, before.To));
        // A column that no row fills in has no factor at all: WUE of Google and Microsoft.
        Assert.DoesNotContain(Regions.Factors, placed =>
            placed.Factor.Kind == FactorKind.Wue && !placed.Factor.Place.StartsWith("aws/", StringComparison.Ordinal)
        );
    }

    [Fact(DisplayName = "H12 450 kg of an a1.4xlarge that a table of one's own gives are its kilograms; nothing of Boavizta is bundled")]
    public void Server_that_is_given()
    {
        const string given =
            "provider,name,vcpus,memory_gb,micro_architecture,accelerator,accelerators,server_kg,share,lifespan_years,method,source,"
            + "licence,version\naws,a1.4xlarge,16,32,,,0,450,1,4,given,Boavizta,own use,mine\n";

        Assert.Equal(450, ServerTable.Read("given.csv", given).Find("aws", "a1.4xlarge")!.Embodied!.Total.Kilograms);
        Assert.Null(ServerTable.Published.Find("aws", "a1.4xlarge"));
    }

    [Theory(DisplayName = "H13 kilograms of a whole server by Cloud Carbon Footprint, and what an instance reserves of it")]
    [InlineData("aws", "p4d.24xlarge", 4676.791666666667, 1.0, 1e-9)]
    [InlineData("aws", "g4dn.xlarge", 3010.79, 4.0 / 96, 1e-5)]
    [InlineData("gcp", "a2-highgpu-8g", 5465.5, 8.0 / 16, 1e-9)]
    [InlineData("azure", "Standard_NC24s_v3", 2349.62, 1.0, 1e-5)]
    [InlineData("gcp", "e2-standard-2", 1255.46, 2.0 / 32, 1e-5)]
    public void Server_of_an_instance(string provider, string name, double kilograms, double share, double precision)
    {
        var embodied = ServerTable.Published.Find(provider, name)!.Embodied!;

        Assert.InRange(embodied.Total.Kilograms, kilograms * share * (1 - precision), kilograms * share * (1 + precision));
        Assert.Equal(TimeSpan.FromDays(4 * 365), embodied.Lifespan);
    }

    [Theory(DisplayName = "H15 energy by the intensity that somebody gives: 0.285 kg, 0.18 kg")]
    [InlineData("onprem/us", 0.6, 0.285)]
    [InlineData("onprem/fi", 2.5, 0.18)]
    public void Given_intensity(string place, double kilowattHours, double kilograms)
    {
        const string given = """
            kind,place,method,value,low,high,unit,source,licence,retrieved,vintage,from,to,version
            grid_intensity,onprem/us,location_average,475,,,g/kWh,CodeCarbon,MIT,,,2020-01-01,,codecarbon
            grid_intensity,onprem/fi,location_average,72,,,g/kWh,CodeCarbon,MIT,,,2020-01-01,,codecarbon
            """;
        var book = FactorBook.Published.With(FactorFile.Read("given.csv", given).Factors.Select(placed => placed.Factor));
        var grid = book.Find(
            FactorKind.GridIntensity,
            FactorMethod.LocationAverage,
            new Place(place, "FI", null),
            new DateOnly(2024, 1, 1)
        )!;

        Close(kilograms, new CarbonIntensity(grid.Value).Of(Energy.FromKilowattHours(kilowattHours)).Kilograms);
    }

    [Fact(DisplayName = "T13 a market-based 0 g/kWh is kept in its own column and never answers for the location")]
    public void Market_based_is_apart()
    {
        var market = Regions
            .Factors.Select(placed => placed.Factor)
            .Single(factor => factor is { Place: "aws/us-east-1", Method: FactorMethod.MarketBased, From.Year: 2024 });
        var book = FactorBook.Published.With([market with { Place = "onprem/dc-1" }]);
        var place = new Place("onprem/dc-1", null, null);

        Assert.Equal(0, book.Find(FactorKind.GridIntensity, FactorMethod.MarketBased, place, new DateOnly(2024, 7, 1))?.Value);
        Assert.Null(book.Find(FactorKind.GridIntensity, FactorMethod.LocationAverage, place, new DateOnly(2024, 7, 1)));
        Assert.Null(book.Find(FactorKind.GridIntensity, FactorMethod.LocationMarginal, place, new DateOnly(2024, 7, 1)));
    }

    [Fact(DisplayName = "H07 1,000 kWh of IT at a WUE of 0.12 take 120 L, whatever the PUE: not 138")]
    public void Water_on_IT_energy()
    {
        var it = Energy.FromKilowattHours(1000);

        Close(120, new WaterFactors(0.12, null).OnSiteOf(it).Litres);
        Close(120, new WaterFactors(0.12, 0).Of(it, 1.15)?.Litres);
    }

    [Fact(DisplayName = "H08 10 kWh at PUE 1.15 and 321.04 g/kWh are 3,691.96 g, without overheads that nobody named")]
    public void No_hidden_overhead() => Close(3691.96, new CarbonIntensity(321.04).Of(Energy.FromKilowattHours(10) * 1.15).Grams);

    [Theory(DisplayName = "H09 an hour at 50 % of the accelerators of g5.xlarge and g4dn.xlarge; c5.xlarge has none in the table")]
    [InlineData("NVIDIA A10G", 0.0855)]
    [InlineData("Tesla T4", 0.0395)]
    [InlineData("c5.xlarge", null)]
    public void Accelerators_by_name(string name, double? kilowattHours)
    {
        var energy = HardwareTable.Published.Accelerator(name)?.Power.At(0.5).Over(Hour);

        if (kilowattHours is { } expected)
            Close(expected, energy?.KilowattHours);
        else
            Assert.Null(energy);
    }

    [Theory(DisplayName = "H10 networks and functions by their published coefficients")]
    [InlineData(10, 0.001, "GB", 0.01)]
    [InlineData(10, 0.0015, "GB", 0.015)]
    [InlineData(5, 0.059, "GB", 0.295)]
    [InlineData(4, 0.0088121875, "vCPU.h", 0.03524875)]
    [InlineData(4, 0.00191015625, "vCPU.h", 0.007640625)]
    [InlineData(10, 0.0000598, "GB.h", 0.000598)]
    public void Coefficients(double amount, double coefficient, string unit, double kilowattHours) =>
        Close(kilowattHours, new UsageCoefficient(Energy.FromKilowattHours(coefficient), 1, unit).Of(amount, unit).KilowattHours);

    [Fact(DisplayName = "H14 the indicators of a data centre: PUE 1.2, WUE 0.5 L/kWh, ERF 0.05, REF 0.75")]
    public void Indicators()
    {
        var indicators = new DataCentreIndicators(
            Energy.FromKilowattHours(12_000_000),
            Energy.FromKilowattHours(10_000_000),
            Water.FromLitres(5_000_000),
            Energy.FromKilowattHours(600_000),
            Energy.FromKilowattHours(9_000_000)
        );

        Close(1.2, indicators.PowerUsageEffectiveness);
        Close(0.5, indicators.WaterUsageEffectiveness);
        Close(0.05, indicators.EnergyReuseFactor);
        Close(0.75, indicators.RenewableEnergyFactor);
    }

    [Fact(DisplayName = "T01 two hours of t2.micro from its hours are 0.00104647 kWh; 0.0267 kWh have embodied emissions in them")]
    public void Energy_without_embodied_emissions()
    {
        // A burstable vCPU with a baseline of 10 % counts as 10 / 50 of one at 50 %.
        var energy = HardwareTable.Published.VirtualCpu("Cascade Lake")!.Power.At(0.5).Over(2 * Hour) * (10.0 / 50) * 1.135;

        Close(0.00104647, energy.KilowattHours);
    }

    [Fact(DisplayName = "T02 a day of a whole server of 3,542.9488 kg has 2,426.677 g, not that divided by 96 vCPU")]
    public void Embodied_of_instance_hours() =>
        Close(
            2426.6772602739725,
            new Embodied(Mass.FromKilograms(3542.9488), TimeSpan.FromHours(35_040)).Of(TimeSpan.FromHours(24), 96.0 / 96).Grams
        );

    [Fact(DisplayName = "T12 four accelerators idle for 20 h and busy for 4 h: 0.6 J for a token of active energy, 1.05 J of provisioned")]
    public void Idle_policy()
    {
        var accelerator = new PowerRange(Power.FromWatts(90), Power.FromWatts(600));
        var day = new IdleSplit(accelerator.At(1).Over(4 * Hour) * 4, accelerator.At(0).Over(20 * Hour) * 4);

        Close(0.6, EnergyIntensity.Of(day.Under(IdlePolicy.ActiveOnly), 57.6e6, "output-token")?.JoulesPerUnit);
        Close(1.05, EnergyIntensity.Of(day.Under(IdlePolicy.Provisioned), 57.6e6, "output-token")?.JoulesPerUnit);
        Close(1.05, EnergyIntensity.Of(day.Under(default), 57.6e6, "output-token")?.JoulesPerUnit);
    }

    [Fact(DisplayName = "T14 37.5 g for a request and 0.13 g for a thousand tokens have no sum unless a conversion is declared")]
    public void Scores_for_different_units()
    {
        var server = new ScoredComponent("server", new Sci(Mass.FromGrams(37.5), Mass.Zero, 1), "request");
        var model = new ScoredComponent("model", new Sci(Mass.FromGrams(0.13), Mass.Zero, 1000), "token");

        var refusal = Assert.Throws<ArgumentException>(() => SystemScore.Of("request", UnitConversions.None, server, model));
        Assert.Contains("model (per token)", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("server (per", refusal.Message, StringComparison.Ordinal);
        Close(
            37.63,
            SystemScore.Of("request", new UnitConversions(new UnitConversion("request", "token", 1000)), server, model).GramsPerUnit
        );
    }

    [Fact(
        DisplayName = "T15 servers of 168.5 kWh at 765.49 g/kWh have 128,985.065 g, not the printed 129,005; with 691 g of hardware "
            + "2.5935213 g "
            + "for a visit"
    )]
    public void Components_make_the_headline()
    {
        var servers = Sci.Of(Energy.FromKilowattHours(168.5), new CarbonIntensity(765.49), Mass.Zero, 50_000);
        var hardware = new Sci(Mass.Zero, Mass.FromGrams(691), 50_000);

        Close(128985.065, servers.Carbon.Grams);
        var site = SystemScore.Of(
            "visit",
            UnitConversions.None,
            new ScoredComponent("servers", servers, "visit"),
            new ScoredComponent("hardware", hardware, "visit")
        );
        Close(2.5935213, site.GramsPerUnit);
        Close(2.5797013, site.Parts[0].GramsPerUnit);
        Close(0.01382, site.Parts[1].GramsPerUnit);
    }

    [Fact(DisplayName = "T18 a factor that is published again is another factor: the new one answers, the old one stays to be read")]
    public void Factor_published_again()
    {
        var old = Book.Find(
            FactorKind.GridIntensity,
            FactorMethod.LocationAverage,
            new Place("onprem/dc-1", "DE", null),
            new DateOnly(2024, 7, 1)
        )!;
        var again = old with { Value = 329.65, Version = "ember-2026-07" };
        var book = Book.With([again]);

        Assert.Equal(342.06, old.Value);
        Assert.Equal(
            again,
            book.Find(
                FactorKind.GridIntensity,
                FactorMethod.LocationAverage,
                new Place("onprem/dc-1", "DE", null),
                new DateOnly(2024, 7, 1)
            )
        );
        Assert.Equal([old, again], book.All.Where(factor => factor.Place == "country/DE" && factor.From == new DateOnly(2024, 1, 1)));
        Assert.NotEqual(old.Id, again.Id);
        // The days that the new one does not tell of keep what they had.
        Assert.Equal(
            371.43,
            book.Find(
                FactorKind.GridIntensity,
                FactorMethod.LocationAverage,
                new Place("onprem/dc-1", "DE", null),
                new DateOnly(2023, 7, 1)
            )?.Value
        );
    }

    /// <summary>Equal to nine digits.</summary>
    private static void Close(double expected, double? actual)
    {
        Assert.NotNull(actual);
        Assert.InRange(actual.Value, expected - Math.Abs(expected) * 1e-9, expected + Math.Abs(expected) * 1e-9);
    }
}
