using Metrics.Domain.Catalogue;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Xunit;

namespace Metrics.Domain.Tests;

/// <summary>Work that is told more than once counts once; tokens of APIs give an estimate of their energy; utilisation is read on its own
/// scale.</summary>
public sealed class WorkTests
{
    private static readonly ResourceLabels Api = new("endpoint", ["model"], [], [], []);
    private static readonly MetricMapping Tokens = Map.Of("tokens", "tokens", "{token}", SampleKind.Delta, Component.None, Api) with
    {
        FunctionalUnit = "output-token",
    };
    private static readonly MetricMapping Estimated = Tokens with { EstimateModel = ["model"] };

    private static readonly ModelTable Models = new([
        new KnownModel("*7b*", ModelSize.Dense(7.3e9), "its card", "CC0-1.0", "test"),
        new KnownModel("*20b*", ModelSize.Dense(20e9), "its card", "CC0-1.0", "test"),
        new KnownModel("secret*", new ModelSize(new Bounds(20e9, 60e9), new Bounds(100e9, 400e9)), "a guess", "CC0-1.0", "test"),
        new KnownModel("packed", new ModelSize(Bounds.Exactly(5.1e9), Bounds.Exactly(117e9)), "its card", "CC0-1.0", "test")
        {
            Bits = 4.25,
            TokensPerSecond = 50,
        },
    ]);

    private static MetricMapping Level(int level, string id, params (string Label, string Glob)[] when) =>
        Tokens with
        {
            Id = id,
            RollUp = new WorkLevel("api", level, []),
            When = [.. when.Select(one => new LabelCondition(one.Label, [one.Glob]))],
        };

    private static SeriesSamples Minutes(string metric, double perMinute, int from = 0, int to = 5, params (string, string)[] labels) =>
        new(
            new Series("api-1", "prometheus", metric, Labels.Of(labels), Statistic.Sum, TimeSpan.FromMinutes(1)),
            Enumerable.Range(from, to - from).Select(minute => new Sample(Scene.At(minute), Scene.At(minute + 1), perMinute)).ToArray()
        );

    private static NormalisedPeriod Normalise(MetricMapping[] mappings, Workload[] workloads, params SeriesSamples[] series) =>
        Normalise(mappings, workloads, 1.26, 5, series);

    private static NormalisedPeriod Normalise(
        MetricMapping[] mappings,
        Workload[] workloads,
        double? pue,
        int minutes,
        params SeriesSamples[] series
    ) =>
        new Normaliser(
            new MetricCatalogue(mappings),
            workloads,
            new Dictionary<string, Place> { ["api-1"] = new("api/anywhere", null, pue) },
            TimeSpan.FromMinutes(5),
            FactorBook.Published.With([], models: Models)
        ).Normalise(Scene.Minutes(0, minutes), series);

    private static Workload Chat(string? model, params (string Label, string Glob)[] labels) =>
        new("chat", model, null, [new WorkloadRule("api-1", labels.ToDictionary(one => one.Label, one => one.Glob))]);

    private static (string, double)[] Work(NormalisedPeriod period) =>
        [.. period.Work.Select(fact => (fact.Deployment.Workload.Name, fact.Units)).OrderBy(fact => fact.Name, StringComparer.Ordinal)];

    [Fact]
    public void A_roll_up_that_nobody_claims_does_not_stand_beside_the_parts_that_are_claimed()
    {
        MetricMapping[] mappings = [Level(0, "by-model", ("model", "?*")), Level(1, "account", ("model", ""))];

        var period = Normalise(
            mappings,
            [Chat(null, ("model", "a"))],
            Minutes("tokens", 30, labels: ("model", "a")),
            Minutes("tokens", 10, labels: ("model", "b")),
            Minutes("tokens", 40)
        );

        Assert.Equal([("chat", 150), ("unattributed", 50)], Work(period));
        Assert.All(period.Work, fact => Assert.Equal("by-model@1", fact.Mappings));
    }

    [Fact]
    public void One_metric_in_two_periods_counts_once_by_the_finer_and_where_that_is_silent_by_the_coarser()
    {
        var coarse = new SeriesSamples(
            new Series("api-1", "prometheus", "tokens", Labels.Of(("model", "a")), Statistic.Sum, TimeSpan.FromMinutes(5)),
            new[] { new Sample(Scene.At(0), Scene.At(5), 160), new Sample(Scene.At(5), Scene.At(10), 200) }
        );

        var period = Normalise([Tokens], [Chat(null)], 1.26, 10, Minutes("tokens", 30, 0, 5, ("model", "a")), coarse);

        Assert.Equal([(Scene.At(0), 150.0), (Scene.At(5), 200.0)], period.Work.Select(fact => (fact.Period.Start, fact.Units)));
        // Another model is other work, in whatever period it is told.
        var both = Normalise([Tokens], [Chat(null)], 1.26, 5, Minutes("tokens", 30, 0, 5, ("model", "b")), coarse);
        Assert.Equal(310, Assert.Single(both.Work).Units);
    }

    [Fact]
    public void A_roll_up_counts_in_the_periods_in_which_its_parts_say_nothing()
    {
        MetricMapping[] mappings = [Level(0, "by-model", ("model", "?*")), Level(1, "account", ("model", ""))];

        var period = Normalise(mappings, [Chat(null)], 1.26, 10, Minutes("tokens", 30, 0, 5, ("model", "a")), Minutes("tokens", 40, 0, 10));

        Assert.Equal([(Scene.At(0), 150.0), (Scene.At(5), 200.0)], period.Work.Select(fact => (fact.Period.Start, fact.Units)));
    }

    [Fact]
    public void Of_four_levels_the_finest_that_is_there_is_taken()
    {
        MetricMapping[] mappings =
        [
            Level(0, "project-model", ("project", "?*"), ("model", "?*")),
            Level(1, "model", ("project", ""), ("model", "?*")),
            Level(2, "project", ("project", "?*"), ("model", "")),
            Level(3, "account", ("project", ""), ("model", "")),
        ];
        SeriesSamples[] all =
        [
            Minutes("tokens", 10, labels: [("project", "p"), ("model", "a")]),
            Minutes("tokens", 20, labels: [("project", "q"), ("model", "a")]),
            Minutes("tokens", 31, labels: ("model", "a")),
            Minutes("tokens", 32, labels: ("project", "p")),
            Minutes("tokens", 33),
        ];

        Assert.Equal([("unattributed", 150)], Work(Normalise(mappings, [], all)));
        Assert.Equal([("unattributed", 155)], Work(Normalise(mappings, [], all[2..])));
        Assert.Equal([("unattributed", 160)], Work(Normalise(mappings, [], all[3..])));
        Assert.Equal([("unattributed", 165)], Work(Normalise(mappings, [], all[4..])));
    }

    [Fact]
    public void What_a_label_sets_apart_is_decided_by_itself()
    {
        MetricMapping[] mappings = [Level(0, "group", ("group", "?*")), Level(1, "balancer", ("group", ""))];
        mappings = [.. mappings.Select(mapping => mapping with { RollUp = mapping.RollUp! with { Within = ["balancer"] } })];

        var period = Normalise(
            mappings,
            [],
            Minutes("tokens", 10, labels: [("balancer", "x"), ("group", "g")]),
            Minutes("tokens", 12, labels: ("balancer", "x")),
            Minutes("tokens", 7, labels: ("balancer", "y"))
        );

        Assert.Equal([("unattributed", 85)], Work(period));
    }

    [Fact]
    public void Of_two_names_of_one_count_the_better_covered_is_taken_and_then_the_first_by_id()
    {
        MetricMapping[] mappings = [Level(0, "new") with { Metrics = ["new"] }, Level(0, "old") with { Metrics = ["old"] }];

        Assert.Equal(
            [("unattributed", 50)],
            Work(Normalise(mappings, [], Minutes("new", 10, labels: ("model", "a")), Minutes("old", 11, labels: ("deployment", "a"))))
        );
        Assert.Equal(
            [("unattributed", 55)],
            Work(Normalise(mappings, [], Minutes("new", 10, 0, 3, ("model", "a")), Minutes("old", 11, labels: ("deployment", "a"))))
        );
    }

    [Fact]
    public void The_parts_of_an_ensemble_are_not_added_to_it()
    {
        MetricMapping[] mappings = [Tokens with { Resource = new ResourceLabels("endpoint", ["instance"], [], [], []), Nested = "model" }];
        SeriesSamples[] server =
        [
            Minutes("tokens", 10, labels: [("instance", "triton-a"), ("model", "ensemble"), ("version", "1")]),
            Minutes("tokens", 2, labels: [("instance", "triton-a"), ("model", "ensemble"), ("version", "2")]),
            Minutes("tokens", 12, labels: [("instance", "triton-a"), ("model", "tokenizer")]),
            Minutes("tokens", 14, labels: [("instance", "triton-a"), ("model", "bert")]),
            Minutes("tokens", 5, labels: [("instance", "triton-b"), ("model", "ensemble")]),
        ];

        // The model of the workload and its versions, on both servers; without a name what counted most on each.
        Assert.Equal([("chat", 85)], Work(Normalise(mappings, [Chat("ensemble", ("instance", "*"))], server)));
        Assert.Equal([("chat", 95)], Work(Normalise(mappings, [Chat(null, ("instance", "*"))], server)));
        // Nobody's models may be a dozen that have nothing to do with each other.
        Assert.Equal([("unattributed", 215)], Work(Normalise(mappings, [], server)));
    }

    [Fact(DisplayName = "D01 200 output tokens of a model of 7.3e9 parameters, their time modelled")]
    public void Tokens_of_an_API_give_an_estimate()
    {
        var period = Normalise([Estimated], [Chat(null, ("model", "*"))], Minutes("tokens", 40, labels: ("model", "mistral-7b")));

        var fact = Assert.Single(period.Energy);
        Assert.Equal(("chat", "endpoint", "mistral-7b"), (fact.Deployment.Workload.Name, fact.Resource.Kind, fact.Resource.Name));
        // 8.93720056859519e-06 kWh; and 200 x (0.0006785088 x 7.3 + 0.0003119310 x 64 + 0.0194737176) s x 1,200 W / 8 / 64.
        Assert.Equal(32.173922046942685, fact.AcceleratorJoules!.Value, 9);
        Assert.Equal(32.173922046942685 + 20.808008382729575, fact.ServerJoules!.Value, 9);
        Assert.Equal((32.173922046942685 + 20.808008382729575) * 1.26, fact.FacilityJoules!.Value, 9);
        Assert.Equal(
            (Evidence.Estimated, "estimate", 0, 300),
            (fact.Evidence, fact.Cover.Word(), fact.MeasuredJoules, fact.CoveredSeconds)
        );
        Assert.Equal("model:*7b*@test pue:api/anywhere@config", fact.Factors);
        Assert.Equal([("chat", 200)], Work(period));
        Assert.Empty(period.Rejections);
    }

    [Fact(DisplayName = "D03 100 output tokens of a model of 20e9 parameters are 39.2 J of the facility, in a batch of 64")]
    public void The_bounds_of_a_known_model_are_those_of_any_batch_and_any_board()
    {
        var fact = Assert.Single(Normalise([Estimated], [], Minutes("tokens", 20, labels: ("model", "m-20b"))).Energy);

        Assert.Equal(39.20357622462212, fact.FacilityJoules!.Value, 9);
        // 4 bits: 100 x 2 x (10e9 B / 8e12 B/s / 4096 + 2 x 20e9 / 4.5e15) s x 1,150 W, times 1.26.
        Assert.Equal(2.6644399414062496, fact.LowJoules!.Value, 9);
        // 16 bits: 100 x 2 x 40e9 B / 3.35e12 B/s / 4 x 1,275 W, times 1.26.
        Assert.Equal(959.1044776119404, fact.HighJoules!.Value, 9);
    }

    [Fact(DisplayName = "D03 the same tokens are 7.2 mg of CO2e at 590 g for a kilowatt-hour, the making of the hardware included")]
    public void An_estimate_has_operational_and_embodied_emissions()
    {
        var grid = new Factor
        {
            Kind = FactorKind.GridIntensity,
            Place = "country/DE",
            Method = FactorMethod.LocationAverage,
            Value = 590.478,
            Source = "EcoLogits",
            Licence = "MPL-2.0",
            From = new DateOnly(2020, 1, 1),
            Version = "test",
        };
        var normaliser = new Normaliser(
            new MetricCatalogue([Estimated]),
            [],
            new Dictionary<string, Place> { ["api-1"] = new("api/anywhere", "DE", 1.26) },
            TimeSpan.FromMinutes(5),
            FactorBook.Published.With([grid], models: Models)
        );

        var fact = Assert.Single(normaliser.Normalise(Scene.Minutes(0, 5), [Minutes("tokens", 20, labels: ("model", "m-20b"))]).Energy);

        Assert.Equal(7.197564256184715e-3, fact.OperationalGrams!.Value + fact.EmbodiedGrams!.Value, 12);
        // Nobody keeps hardware waiting for the one who asks.
        Assert.Equal(0, fact.IdleJoules);
    }

    [Fact]
    public void A_model_whose_size_is_not_published_has_a_middle_and_wider_bounds()
    {
        var fact = Assert.Single(Normalise([Estimated], [], 1, 5, Minutes("tokens", 20, labels: ("model", "secret-3"))).Energy);

        // The boards at a batch of 64 are 74.761 J (4 of them, 20e9 active) to 430.238 J (16, 60e9 active).
        Assert.Equal((74.76128526068393 + 430.2381006244498) / 2, fact.AcceleratorJoules!.Value, 9);
        // 4 bits of 100e9, 20e9 active: 100 x 2 x (50e9 B / 8e12 B/s / 4096 + 2 x 20e9 / 4.5e15) s x 1,150 W.
        Assert.Equal(2.395396592881944, fact.LowJoules!.Value, 9);
        // 16 bits of 400e9: 100 x 2 x 800e9 B / 3.35e12 B/s / 4 x 1,275 W.
        Assert.Equal(15223.880597014924, fact.HighJoules!.Value, 6);
    }

    [Fact]
    public void Bits_and_a_rate_that_are_published_take_the_place_of_the_formulas()
    {
        var fact = Assert.Single(Normalise([Estimated], [], null, 5, Minutes("tokens", 20, labels: ("model", "packed"))).Energy);

        // 1.2 x 117e9 x 4.25 / 8 = 74.6 GB: one board, where 16 bits take four. 100 x (1.1665e-6 x e^(64 beta) x 5.1 + 4.0529e-5) Wh.
        Assert.Equal(15.635985224909202, fact.AcceleratorJoules!.Value, 9);
        // And 100 / 50 s x 1,200 W / 8 / 64.
        Assert.Equal(15.635985224909202 + 4.6875, fact.ServerJoules!.Value, 9);
        Assert.Equal("model:packed@test", fact.Factors);
    }

    [Fact]
    public void Without_a_PUE_the_facility_is_unknown_and_the_bounds_are_those_of_the_servers()
    {
        var fact = Assert.Single(Normalise([Estimated], [], null, 5, Minutes("tokens", 20, labels: ("model", "m-20b"))).Energy);

        Assert.Null(fact.FacilityJoules);
        Assert.Equal(31.113949384620733, fact.ServerJoules!.Value, 9);
        Assert.Equal(2.1146348741319443, fact.LowJoules!.Value, 9);
    }

    [Fact]
    public void A_model_in_no_table_gives_no_energy_and_says_so_once_a_series()
    {
        var period = Normalise(
            [Estimated],
            [Chat("nobody-either", ("model", "*"))],
            1.26,
            10,
            Minutes("tokens", 20, 0, 10, ("model", "nobody-knows"))
        );

        Assert.Empty(period.Energy);
        var rejection = Assert.Single(period.Rejections);
        Assert.Equal((RejectionReason.ModelUnknown, "api-1"), (rejection.Reason, rejection.Source));
        Assert.Contains("'nobody-knows' is in no table", rejection.Detail, StringComparison.Ordinal);
        Assert.Equal(200, period.Work.Sum(fact => fact.Units));
    }

    [Fact]
    public void What_the_operator_says_of_a_model_counts_where_a_label_says_nothing_that_the_table_knows()
    {
        var profile = Normalise([Estimated], [Chat("m-20b", ("model", "*"))], Minutes("tokens", 20, labels: ("model", "q1w2e3r4")));

        var fact = Assert.Single(profile.Energy);
        Assert.Equal(39.20357622462212, fact.FacilityJoules!.Value, 9);
        Assert.Equal("m-20b", fact.Resource.Name);
        Assert.Empty(profile.Rejections);

        // A label that names a model which the table knows is believed before the settings.
        var named = Normalise([Estimated], [Chat("nobody-knows", ("model", "*"))], Minutes("tokens", 20, labels: ("model", "m-20b")));
        Assert.Equal(39.20357622462212, Assert.Single(named.Energy).FacilityJoules!.Value, 9);
    }

    [Fact]
    public void Without_a_label_the_model_of_the_workload_is_taken()
    {
        var mapping = Estimated with { Resource = new ResourceLabels("endpoint", ["account"], [], [], []) };

        var known = Normalise([mapping], [Chat("m-20b", ("account", "*"))], Minutes("tokens", 20, labels: ("account", "a")));
        Assert.Equal(39.20357622462212, Assert.Single(known.Energy).FacilityJoules!.Value, 9);
        Assert.Equal("m-20b", Assert.Single(known.Energy).Resource.Name);

        var unknown = Normalise([mapping], [], Minutes("tokens", 20, labels: ("account", "a")));
        Assert.Empty(unknown.Energy);
        Assert.Contains("give the workload its Model", Assert.Single(unknown.Rejections).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void A_silent_roll_up_gives_no_estimate()
    {
        MetricMapping[] mappings =
        [
            Level(0, "by-model", ("model", "?*")) with
            {
                EstimateModel = ["model"],
            },
            Level(1, "account", ("model", "")) with
            {
                EstimateModel = ["model"],
            },
        ];

        var period = Normalise(mappings, [Chat("m-20b")], Minutes("tokens", 20, labels: ("model", "m-20b")), Minutes("tokens", 20));

        Assert.Equal(39.20357622462212, Assert.Single(period.Energy).FacilityJoules!.Value, 9);
    }

    [Fact]
    public void A_limit_of_a_board_is_not_energy()
    {
        var limit = Map.GpuPower with { Limit = true };

        Assert.Empty(
            Normalise(
                [limit],
                [],
                new SeriesSamples(
                    new Series("api-1", "prometheus", "gpu_power", Labels.Of(("UUID", "a"))),
                    new[] { Sample.At(Scene.At(0), 300), Sample.At(Scene.At(5), 300) }
                )
            ).Energy
        );
    }

    [Theory]
    [InlineData(3.2, 8.0, false, 0.4)]
    [InlineData(8.0, 8.0, false, 1.0)]
    [InlineData(8.1, 8.0, false, null)]
    [InlineData(8.1, 8.0, true, 1.0)]
    [InlineData(3.2, null, false, null)]
    [InlineData(-0.1, 8.0, true, null)]
    [InlineData(double.NaN, 8.0, true, null)]
    [InlineData(double.PositiveInfinity, 8.0, true, null)]
    public void A_sum_over_devices_is_divided_by_their_number(double level, double? devices, bool capped, double? ratio) =>
        Assert.Equal(ratio, new UtilisationScale(true, null, null, capped).Ratio(level, devices));

    [Theory]
    [InlineData(1.2, false, null)]
    [InlineData(1.2, true, 1.0)]
    [InlineData(0.7, true, 0.7)]
    public void A_value_above_the_whole_is_the_whole_only_where_the_mapping_says_so(double level, bool capped, double? ratio) =>
        Assert.Equal(ratio, new UtilisationScale(false, null, null, capped).Ratio(level, null));

    [Theory]
    [InlineData(320, "8", null)]
    [InlineData(801, "8", "The utilisation 801 % is above the whole capacity, 800; the mapping busy may name the wrong unit.")]
    [InlineData(801, "many", null)]
    public void A_sum_over_devices_that_a_label_counts_is_refused_beyond_their_whole(double value, string devices, string? refusal)
    {
        var mapping = Map.BusyUnknown with { Id = "busy", Scale = new UtilisationScale(true, "GpuCount", null, false) };
        var series = new Series(
            "api-1",
            "prometheus",
            "busy_unknown",
            Labels.Of(("GpuCount", devices)),
            Statistic.Average,
            TimeSpan.FromMinutes(1)
        );

        Assert.Equal(
            refusal,
            Admission.Validate(new Observation(series, new Sample(Scene.At(0), Scene.At(1), value)), mapping, Scene.At(2))?.Detail
        );
    }

    [Fact]
    public void A_capped_utilisation_above_one_is_admitted_and_another_is_not()
    {
        var series = new Series("api-1", "prometheus", "m", Labels.None);
        var sample = new Observation(series, Sample.At(Scene.At(0), 1.3));
        var ratio = Map.BusyUnknown with { Unit = Unit.Parse("1") };

        Assert.Null(Admission.Validate(sample, ratio with { Scale = new UtilisationScale(false, null, null, true) }, Scene.At(1)));
        Assert.Equal(RejectionReason.OutOfRange, Admission.Validate(sample, ratio, Scene.At(1))!.Reason);
    }
}
