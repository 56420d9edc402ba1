using CsCheck;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Xunit;

namespace Metrics.Domain.Tests;

/// <summary>What holds for all numbers. Ids are those of the golden cases.</summary>
public sealed class PropertyTests
{
    private const int Iterations = 100;

    private static readonly Series[] Series =
    [
        Board("gpu_energy", 1, "llm-0"),
        Board("gpu_energy", 1, "vision-0"),
        Board("gpu_power", 1, "llm-0"),
        Board("gpu_power", 2, "llm-1"),
        Board("other_gpu_power", 2, "llm-1"),
        Board("gpu_energy", 2, "cron"),
        Scene.Series("node_power", labels: ("node", "node-a")),
        Scene.Series("node_counter", labels: ("node", "node-a")),
        Scene.Series("busy", labels: ("node", "node-b")),
        Scene.Series("wrapping", labels: ("node", "node-b")),
        Scene.Series("tokens_total", labels: [("instance", "a"), ("pod", "llm-0")]),
        Scene.Series("tokens_total", labels: [("instance", "b"), ("pod", "llm-1")]),
        Scene.Series("requests_total", labels: [("instance", "a"), ("pod", "cron")]),
        Scene.Series("rack_power", labels: ("rack", "r1")),
        Board("gpu_busy", 1, "llm-0"),
        Board("gpu_busy", 3, "llm-3"),
        Board("gpu_limit", 3, "llm-3"),
        Scene.Series("host_busy", labels: ("node", "node-a")),
        Scene.Series("host_busy", labels: ("node", "node-c")),
        Scene.Series("pod_busy", labels: [("pod", "llm-0"), ("node", "node-b")]),
        Scene.Series("pod_busy", labels: [("pod", "cron"), ("node", "node-b")]),
        Slice("gpu_busy", "llm-3", "3g.40gb", "1"),
        Slice("gpu_busy", "vision-3", "2g.20gb", "5"),
        Slice("gpu_energy", "llm-3", "3g.40gb", "1"),
        Slice("gpu_energy", "cron", "1g.10gb", "9"),
        Scene.Series("psu", labels: [("node", "node-d"), ("part", "1")]),
        Scene.Series("psu", labels: [("node", "node-d"), ("part", "2"), ("pod", "llm-9")]),
        Scene.Series("psys", labels: ("node", "node-d")),
        Scene.Series("package", labels: [("node", "node-a"), ("part", "0")]),
        Scene.Series("package", labels: [("node", "node-a"), ("part", "1")]),
        Scene.Series("all_gpus", labels: ("node", "node-a")),
        Scene.Series("process", labels: [("process", "1"), ("pod", "llm-0"), ("node", "node-a")]),
        Scene.Series("process", labels: [("process", "1"), ("pod", "vision-0"), ("node", "node-d")]),
        Scene.Series("images", labels: [("instance", "a"), ("pod", "vision-0")]),
        Scene.Series("node_power", period: TimeSpan.FromMinutes(1), labels: ("node", "node-b")),
    ];

    private static readonly Gen<double> Joules = Gen.Double[0, 1e9];
    private static readonly Gen<int> GrainMinutes = OneOf(1, 2, 3, 5, 10, 15, 30, 60);

    /// <summary>Gaps and lengths in milliseconds, with an amount: spans one after another.</summary>
    private static readonly Gen<(int Gap, int Length, double Amount)[]> Spans = Gen.Select(
        Gen.Int[0, 300_000],
        Gen.Int[1, 900_000],
        Joules
    ).Array[1, 20];

    /// <summary>Samples of a small fleet: which series, the milliseconds since the last sample of any, and a number that its value is made
    /// from.</summary>
    private static readonly Gen<(int Series, int Step, int Number)[]> Fleet = Gen.Select(
        Gen.Int[0, Series.Length - 1],
        Gen.Int[1, 25_000],
        Gen.Int[0, 1000]
    ).Array[20, 400];

    [Fact(DisplayName = "P01 alignment conserves energy on every grid")]
    public void Alignment_conserves() =>
        Gen.Select(Spans, GrainMinutes)
            .Sample(
                (spans, grain) =>
                {
                    var series = Scene.Series("node_energy", labels: ("node", "a"));
                    var scene = new Scene { Grain = TimeSpan.FromMinutes(grain), Mappings = [Map.NodeEnergy with { Ceiling = 1e13 }] };
                    double at = 0,
                        total = 0,
                        seconds = 0;
                    foreach (var (gap, length, amount) in spans)
                    {
                        at += gap / 60_000.0;
                        scene.Spans(series, (at, at + length / 60_000.0, amount));
                        at += length / 60_000.0;
                        total += amount;
                        seconds += length / 1000.0;
                    }

                    var facts = scene.Normalise(0, 600).Energy;

                    Assert.True(Near(total, facts.Sum(fact => fact.ServerJoules ?? 0)));
                    Assert.True(Math.Abs(seconds - facts.Sum(fact => fact.CoveredSeconds)) < 1e-4);
                    Assert.All(facts, fact => Assert.InRange(fact.CoveredSeconds, 0, grain * 60 + 1e-9));
                },
                iter: Iterations
            );

    [Fact(DisplayName = "P02 the intensity of a union is the sum of energy over the sum of work, rolled up directly or by steps")]
    public void Ratio_of_sums() =>
        Gen.Select(Gen.Double[0, 1e6], Gen.Double[0, 1e6], Gen.Int[0, 1000])
            .Array[2, 30]
            .Sample(
                parts =>
                {
                    var scores = parts
                        .Select(part => new Sci(Mass.FromGrams(part.Item1), Mass.FromGrams(part.Item2), part.Item3))
                        .ToArray();
                    var direct = scores.Aggregate((a, b) => a + b);
                    var half = scores.Length / 2;
                    var stepwise =
                        scores[..half].Aggregate(new Sci(Mass.Zero, Mass.Zero, 0), (a, b) => a + b)
                        + scores[half..].Aggregate((a, b) => a + b);
                    double units = parts.Sum(part => (long)part.Item3);

                    Assert.Equal(units == 0, direct.GramsPerUnit is null);
                    Assert.Equal(direct.GramsPerUnit is null, stepwise.GramsPerUnit is null);
                    if (direct.GramsPerUnit is not { } intensity)
                        return;
                    Assert.True(Near(parts.Sum(part => part.Item1 + part.Item2) / units, intensity));
                    Assert.True(Near(intensity, stepwise.GramsPerUnit!.Value));
                },
                iter: Iterations
            );

    [Fact(DisplayName = "P03 energy and work scaled alike leave the intensity, energy alone scales it")]
    public void Scale() =>
        Gen.Select(Joules, Gen.Double[1, 1e6], Gen.Double[0.001, 1000])
            .Sample(
                (joules, units, factor) =>
                {
                    var once = EnergyIntensity.Of(Energy.FromJoules(joules), units, "request")!.JoulesPerUnit;

                    Assert.True(
                        Near(once, EnergyIntensity.Of(Energy.FromJoules(joules) * factor, units * factor, "request")!.JoulesPerUnit)
                    );
                    Assert.True(
                        Near(once * factor, EnergyIntensity.Of(Energy.FromJoules(joules) * factor, units, "request")!.JoulesPerUnit)
                    );
                },
                iter: Iterations
            );

    [Fact(DisplayName = "P04 units there and back are the same number")]
    public void Unit_round_trip() =>
        Gen.Double[0, 1e15]
            .Sample(
                value =>
                {
                    Assert.True(Ulps(value, Energy.FromKilowattHours(Energy.FromJoules(value).KilowattHours).Joules) <= 4);
                    Assert.True(Ulps(value, Mass.FromTonnes(Mass.FromGrams(value).Tonnes).Grams) <= 4);
                    Assert.True(Ulps(value, Mass.FromKilograms(Mass.FromGrams(value).Kilograms).Grams) <= 4);
                    foreach (var unit in Unit.Known.Values)
                        Assert.True(Ulps(value, unit.ToCanonical(value) * unit.Denominator / unit.Numerator) <= 4);
                },
                iter: Iterations
            );

    [Fact(DisplayName = "P05 a facility draws at least what its IT draws, and more with a higher PUE")]
    public void Pue_is_monotone() =>
        Gen.Select(Joules, Gen.Double[1, 3], Gen.Double[0, 1])
            .Sample(
                (joules, pue, more) =>
                {
                    var facility = Facility(joules, pue);

                    Assert.True(facility >= joules);
                    Assert.True(Facility(joules, pue + more) >= facility);
                    Assert.True(Near(joules * pue, facility!.Value));
                },
                iter: Iterations
            );

    [Fact(DisplayName = "P06 removing the PUE makes facility energy unknown and changes nothing else")]
    public void Removing_a_factor() =>
        Fleet.Sample(
            fleet =>
            {
                var scene = Room(fleet, FactorBook.Published.With([]));
                var with = scene.Place(Scene.Source, 1.3).Normalise(0, 60).Energy;
                var without = scene.Place(Scene.Source, null).Normalise(0, 60).Energy;

                Assert.All(with, fact => Assert.Equal(fact.ServerJoules is null, fact.FacilityJoules is null));
                Assert.All(without, fact => Assert.Null(fact.FacilityJoules));
                Assert.Equal(with.Select(Numbers), without.Select(Numbers));

                static object Numbers(EnergyFact fact) =>
                    (
                        fact.Deployment.Id,
                        fact.Resource.Id,
                        fact.Period,
                        fact.AcceleratorJoules,
                        fact.ServerJoules,
                        fact.RackJoules,
                        fact.MeasuredJoules,
                        fact.CoveredSeconds,
                        fact.Evidence,
                        fact.Cover.Word(),
                        fact.Mappings
                    );
            },
            iter: Iterations
        );

    [Fact(DisplayName = "P08 the shares of a server sum to what it read, whoever claims how much")]
    public void Attribution_conserves() =>
        Gen.Select(
                Gen.Double[0, 1e6],
                Gen.Select(OneOf("llm-0", "vision-0", "cron"), Gen.Double[0, 8e4], Gen.Int[1, 5]).Array[0, 8],
                Gen.Select(OneOf("llm-0", "vision-0", "cron"), Gen.Double[0, 3e5]).Array[0, 6]
            )
            .Sample(
                (node, boards, pods) =>
                {
                    // A server that draws what its boards do, and more.
                    node += boards.Sum(board => board.Item2);
                    var scene = Workloads().Spans(Scene.Series("node_energy", labels: ("node", "node-a")), (0, 5, node));
                    for (var i = 0; i < boards.Length; i++)
                        scene.Instants(Board("gpu_energy", i, boards[i].Item1), (0, 0), (boards[i].Item3, boards[i].Item2 * 1000));
                    for (var i = 0; i < pods.Length; i++)
                        scene.Spans(
                            Scene.Series("pod", labels: [("pod", pods[i].Item1), ("uid", $"{i}"), ("node", "node-a")]),
                            (0, 5, pods[i].Item2)
                        );

                    var facts = scene.Normalise().Energy;

                    Assert.True(Near(node, facts.Sum(fact => fact.ServerJoules!.Value)));
                    Assert.True(Near(boards.Sum(board => board.Item2), facts.Sum(fact => fact.AcceleratorJoules ?? 0)));
                    Assert.All(facts, fact => Assert.True(fact.ServerJoules >= 0));
                },
                iter: Iterations
            );

    [Fact(
        DisplayName = "P08 slices and turns of one board sum to the board, and its idle energy, embodied grams and bounds to the machine's"
    )]
    public void Sharing_conserves() =>
        Gen.Select(
                Gen.Double[1, 4e5],
                Gen.Select(
                    OneOf("llm-0", "vision-0", "cron"),
                    OneOf("", "1g.10gb", "2g.20gb", "3g.40gb", "7g.80gb"),
                    Gen.Int[0, 3],
                    Gen.Int[4, 5]
                ).Array[1, 6],
                Gen.Int[0, 100]
            )
            .Sample(
                (joules, pods, busy) =>
                {
                    var scene = Workloads().Spans(Scene.Series("node_energy", labels: ("node", "node-a")), (0, 5, joules * 3));
                    // Every pod reports the whole board for the time that it is on it.
                    for (var i = 0; i < pods.Length; i++)
                    {
                        var (pod, profile, from, to) = pods[i];
                        var series = Scene.Series(
                            "gpu_energy",
                            labels:
                            [
                                ("UUID", "GPU-1"),
                                ("Hostname", "node-a"),
                                ("modelName", "NVIDIA H200"),
                                ("pod", pod),
                                ("uid", $"{i}"),
                                .. profile.Length == 0 ? [] : new[] { ("GPU_I_PROFILE", profile) },
                            ]
                        );
                        for (var minute = from; minute <= to; minute++)
                            scene.Instants(series, (minute, 1e9 + joules * 200 * minute));
                    }
                    scene.Steady(Board("gpu_busy", 1, ""), busy);

                    var facts = scene.Normalise().Energy;

                    Assert.True(Near(joules * 3, facts.Sum(fact => fact.ServerJoules!.Value)));
                    Assert.InRange(facts.Sum(fact => fact.AcceleratorJoules ?? 0), 0, joules * 1.000001);
                    Assert.All(facts, fact => Assert.InRange(fact.IdleJoules ?? 0, 0, fact.ServerJoules!.Value * 1.000001));
                    // Idle time draws no more than the mean power, and none of it is idle where there was no such time.
                    Assert.InRange(facts.Sum(fact => fact.IdleJoules ?? 0), 0, joules * 3 * (1 - busy / 100.0) * 1.000001 + 1e-9);
                    Assert.True(Math.Abs(facts.Sum(fact => fact.EmbodiedGrams!.Value) - 3) < 1e-6);
                    Assert.All(facts, fact =>
                        Assert.True(fact.LowJoules <= fact.FacilityJoules * 1.000001 && fact.FacilityJoules <= fact.HighJoules * 1.000001)
                    );
                },
                iter: Iterations
            );

    [Fact(DisplayName = "P13 location-based, marginal and market-based grams of the same energy do not know of each other")]
    public void Methods_stay_apart() =>
        Gen.Select(Fleet, Gen.Double[1, 1000], Gen.Double[1, 1000], Gen.Double[0, 1000])
            .Sample(
                (fleet, average, marginal, market) =>
                {
                    FactorBook With(double a, double b, double c) =>
                        Known.Book.With([
                            Known.Factor(FactorKind.GridIntensity, a, FactorMethod.LocationAverage, "country/DE"),
                            Known.Factor(FactorKind.GridIntensity, b, FactorMethod.LocationMarginal, "country/DE"),
                            Known.Factor(FactorKind.GridIntensity, c, FactorMethod.MarketBased, "country/DE"),
                        ]);
                    var facts = Room(fleet, With(average, marginal, market)).Normalise(0, 60).Energy;
                    var others = Room(fleet, With(average, marginal * 2, market + 7)).Normalise(0, 60).Energy;

                    Assert.Equal(
                        facts.Select(fact => (fact.OperationalGrams, fact.EmbodiedGrams)),
                        others.Select(fact => (fact.OperationalGrams, fact.EmbodiedGrams))
                    );
                    Assert.All(facts.Where(fact => fact.FacilityJoules is not null), fact =>
                    {
                        Assert.True(Near(fact.FacilityJoules!.Value / 3_600_000 * average, fact.OperationalGrams!.Value));
                        Assert.True(Near(fact.FacilityJoules!.Value / 3_600_000 * marginal, fact.MarginalGrams!.Value));
                        Assert.True(Near(fact.FacilityJoules!.Value / 3_600_000 * market, fact.MarketBasedGrams!.Value));
                    });
                },
                iter: Iterations
            );

    [Fact(DisplayName = "P14 another version of a factor changes the periods that it covers and no other")]
    public void Restated_factor() =>
        Gen.Select(Fleet, Gen.Double[1, 1000], Gen.Int[0, 1])
            .Sample(
                (fleet, grams, days) =>
                {
                    // The scene is on 5 January: a version from the 5th covers it, one from the 6th does not.
                    var restated = Known.Book.With([
                        Known.Factor(FactorKind.GridIntensity, 400, FactorMethod.LocationAverage, "country/DE"),
                        Known.Factor(FactorKind.GridIntensity, 401 + grams, FactorMethod.LocationAverage, "country/DE") with
                        {
                            From = new DateOnly(2026, 1, 5 + days),
                            Version = "test-2",
                        },
                    ]);
                    var (before, after) = (Room(fleet, Known.Book).Normalise(0, 60).Energy, Room(fleet, restated).Normalise(0, 60).Energy);

                    if (days == 1)
                    {
                        Assert.Equal(before.Select(Numbers), after.Select(Numbers));
                        return;
                    }
                    Assert.Equal(
                        before.Select(fact => (fact.FacilityJoules, fact.EmbodiedGrams, fact.MarginalGrams)),
                        after.Select(fact => (fact.FacilityJoules, fact.EmbodiedGrams, fact.MarginalGrams))
                    );
                    Assert.All(before.Zip(after).Where(pair => pair.First.OperationalGrams > 0), pair =>
                    {
                        Assert.NotEqual(pair.First.OperationalGrams, pair.Second.OperationalGrams);
                        Assert.Contains("location_average@test-2", pair.Second.Factors, StringComparison.Ordinal);
                    });

                    static object Numbers(EnergyFact fact) =>
                        (fact.Deployment.Id, fact.Resource.Id, fact.Period, fact.FacilityJoules, fact.OperationalGrams, fact.Factors);
                },
                iter: Iterations
            );

    [Fact(DisplayName = "P15 a sum has the worst evidence of its inputs, and its measured share is exact by energy")]
    public void Evidence_of_a_sum() =>
        Gen.Select(Gen.Double[1, 4e5], Gen.Double[1, 4e5], Gen.Int[0, 100])
            .Sample(
                (first, second, load) =>
                {
                    // Two metered boards in a host that is modelled: 272.7 W and 299.1 W times the load, for 300 s.
                    var facts = Workloads()
                        .Instants(Board("gpu_energy", 1, "llm-0"), (0, 0), (5, first * 1000))
                        .Instants(Board("gpu_energy", 2, "llm-0"), (0, 0), (5, second * 1000))
                        .Steady(Scene.Series("host_busy", labels: ("node", "node-a")), load)
                        .Normalise()
                        .Energy;

                    var host = (272.7 + load / 100.0 * 299.1) * 300;
                    Assert.True(Near(first + second + host, facts.Sum(fact => fact.ServerJoules!.Value)));
                    Assert.True(
                        Near(
                            (first + second) / (first + second + host),
                            facts.Sum(fact => fact.MeasuredJoules) / facts.Sum(fact => fact.ServerJoules!.Value)
                        )
                    );
                    Assert.Equal(Evidence.Modelled, facts.Max(fact => fact.Evidence));
                    Assert.All(facts, fact =>
                        Assert.Equal(fact.Resource.Kind == "gpu" ? Evidence.Measured : Evidence.Modelled, fact.Evidence)
                    );
                },
                iter: Iterations
            );

    [Fact(DisplayName = "P08 in any fleet idle energy is a part of the energy and every number lies within its bounds")]
    public void Parts_and_bounds() =>
        Fleet.Sample(
            fleet =>
            {
                foreach (var fact in Room(fleet).Normalise(0, 60).Energy)
                {
                    var (joules, most) = (
                        fact.ServerJoules ?? fact.AcceleratorJoules ?? 0,
                        fact.FacilityJoules ?? fact.ServerJoules ?? fact.AcceleratorJoules ?? 0
                    );
                    Assert.True(joules >= 0 && double.IsFinite(joules));
                    Assert.InRange(fact.IdleJoules ?? 0, 0, joules * 1.000001);
                    Assert.InRange(fact.MeasuredJoules, 0, joules * 1.000001);
                    Assert.InRange(fact.CoveredSeconds, 0, 300.000001);
                    Assert.True(fact.EmbodiedGrams is null or >= 0 and < 3.000001);
                    Assert.Equal(fact.LowJoules is null, fact.HighJoules is null);
                    if (fact.LowJoules is { } low)
                        Assert.True(low <= most * 1.000001 && most <= fact.HighJoules * 1.000001);
                }
            },
            iter: Iterations
        );

    [Fact(DisplayName = "P09 what is said twice changes nothing")]
    public void Idempotent() =>
        Gen.Select(Fleet, Gen.Int[0, 1000])
            .Sample(
                (fleet, seed) =>
                {
                    var scene = Room(fleet);
                    var doubled = scene.Observations.Concat(scene.Observations.Where((_, i) => (i * 7919 + seed) % 3 > 0)).ToList();

                    Same(Facts(scene, scene.Observations), Facts(scene, doubled));
                },
                iter: Iterations
            );

    [Fact(DisplayName = "P10 neither the order of arrival nor the way a range is cut changes a bit")]
    public void Order_and_cut_do_not_matter() =>
        Gen.Select(Fleet, Gen.Int[0, 1000], OneOf(60, 120))
            .Sample(
                (fleet, seed, cut) =>
                {
                    var scene = Room(fleet);
                    var expected = Facts(scene, scene.Observations);
                    var shuffled = scene
                        .Observations.Select((observation, i) => (observation, Key: (i * 7919L + seed * 104_729L) % 1009))
                        .OrderBy(pair => pair.Key)
                        .Select(pair => pair.observation)
                        .ToList();

                    Same(expected, Facts(scene, shuffled));

                    // Grouped in another order of series, too.
                    Same(expected, scene.Normaliser().Normalise(Scene.Minutes(0, 180), SeriesSamples.Group(shuffled).Reverse()));

                    var normaliser = scene.Normaliser();
                    var pieces = new List<NormalisedPeriod>();
                    for (var from = 0; from < 180; from += cut)
                    {
                        var period = Scene.Minutes(from, from + cut);
                        var seen = shuffled.Where(observation =>
                            observation.Sample.End >= period.Start - Limits.Reach && observation.Sample.Start <= period.End + Limits.Reach
                        );
                        pieces.Add(normaliser.Normalise(period, SeriesSamples.Group(seen)));
                    }
                    Assert.Equal(
                        expected.Energy,
                        pieces
                            .SelectMany(piece => piece.Energy)
                            .OrderBy(fact => fact.Deployment.Id)
                            .ThenBy(fact => fact.Resource.Id)
                            .ThenBy(fact => fact.Period.Start)
                    );
                    Assert.Equal(
                        expected.Work,
                        pieces
                            .SelectMany(piece => piece.Work)
                            .OrderBy(fact => fact.Deployment.Id)
                            .ThenBy(fact => fact.FunctionalUnit, StringComparer.Ordinal)
                            .ThenBy(fact => fact.Period.Start)
                    );
                    // Only of pauses so long that the earlier sample is out of reach can the parts not tell.
                    var told = pieces.SelectMany(piece => piece.Rejections).ToList();
                    Assert.Equal(
                        expected.Rejections.Where(rejection => rejection.Reason != RejectionReason.SpanTooLong),
                        told.Where(rejection => rejection.Reason != RejectionReason.SpanTooLong)
                    );
                    Assert.Empty(told.Except(expected.Rejections));
                },
                iter: Iterations
            );

    [Fact(DisplayName = "P11 a counter that wraps, resets or pauses never gives negative energy or a spike")]
    public void Counters_never_spike() =>
        Gen.Select(Gen.Select(Gen.Int[1, 900], Gen.Double[0, 100]).Array[2, 60], Gen.Bool)
            .Sample(
                (samples, wraps) =>
                {
                    var series = Scene.Series(wraps ? "wrapping" : "node_counter", labels: ("node", "a"));
                    var scene = new Scene();
                    double minute = 0,
                        most = 0;
                    double? before = null;
                    foreach (var (step, value) in samples)
                    {
                        minute += step / 60.0;
                        scene.Instants(series, (minute, value));
                        if (before is { } earlier)
                            most +=
                                value >= earlier ? value - earlier
                                : wraps ? 100 - earlier + value
                                : 0;
                        before = value;
                    }

                    var facts = scene.Normalise(0, 900).Energy;

                    Assert.All(facts, fact => Assert.True(fact.ServerJoules is null or >= 0));
                    // What a counter takes back is bridged, and never gives more than the rises of what it showed.
                    Assert.InRange(facts.Sum(fact => fact.ServerJoules ?? 0), 0, most * 1.000001 + 1e-9);
                },
                iter: Iterations
            );

    private static double? Facility(double joules, double pue)
    {
        var scene = new Scene { Mappings = [Map.NodeEnergy with { Ceiling = 1e13 }] }
            .Place(Scene.Source, pue)
            .Spans(Scene.Series("node_energy", labels: ("node", "a")), (0, 5, joules));
        return Assert.Single(scene.Normalise().Energy).FacilityJoules;
    }

    private static NormalisedPeriod Facts(Scene scene, IEnumerable<Observation> observations) =>
        scene.Normaliser().Normalise(Scene.Minutes(0, 180), SeriesSamples.Group(observations));

    private static void Same(NormalisedPeriod expected, NormalisedPeriod actual)
    {
        Assert.Equal(expected.Energy, actual.Energy);
        Assert.Equal(expected.Work, actual.Work);
        Assert.Equal(expected.Rejections, actual.Rejections);
    }

    private static Scene Workloads(FactorBook? book = null) =>
        new Scene
        {
            Factors = book ?? Known.Book,
            Hardware = "gpu-box",
            Mappings =
            [
                .. Map.All,
                Map.GpuPower with
                {
                    Id = "all-gpus",
                    Metrics = ["all_gpus"],
                    Resource = new ResourceLabels("node", ["node"], [], [], []),
                },
            ],
        }
            .Workload("chat", ("pod", "llm-*"))
            .Workload("vision", ("pod", "vision-*"));

    /// <summary>A fleet of which samples come in bursts and with pauses, counters rise and fall, and boards change pods.</summary>
    private static Scene Room((int Series, int Step, int Number)[] fleet, FactorBook? book = null)
    {
        var scene = Workloads(book);
        var counted = new double[Series.Length];
        var minute = 0.0;
        foreach (var (index, step, number) in fleet)
        {
            // Every eighth sample comes after a longer pause, so that some spans are too long and some bins have none.
            minute += step / 60_000.0 * (number % 8 == 0 ? 6 : 1);
            var series = Series[index];
            counted[index] = number % 29 == 0 ? number / 100.0 : counted[index] + number * 1.7;
            var value = series.Metric switch
            {
                "wrapping" => number % 100,
                "busy" or "gpu_busy" or "host_busy" or "pod_busy" => number % 101,
                "gpu_limit" => 200 + number % 500,
                "all_gpus" => number * 1.4,
                _ when series.Metric.EndsWith("power", StringComparison.Ordinal) => number * 0.7,
                _ => counted[index],
            };
            // Own intervals overlap here and there, as restated periods do.
            if (series.Metric is "images" or "psu" or "psys" or "package" or "process" || series.Period > TimeSpan.Zero)
                scene.Spans(series, (minute - 1, minute, value));
            else
                scene.Instants(series, (minute, value));
        }
        return scene;
    }

    private static Series Board(string metric, int number, string pod) =>
        Scene.Series(metric, labels: [("UUID", $"GPU-{number}"), ("Hostname", "node-a"), ("modelName", "NVIDIA H200"), ("pod", pod)]);

    private static Series Slice(string metric, string pod, string profile, string number) =>
        Scene.Series(
            metric,
            labels:
            [
                ("UUID", "GPU-3"),
                ("Hostname", "node-a"),
                ("modelName", "NVIDIA H200"),
                ("pod", pod),
                ("GPU_I_PROFILE", profile),
                ("GPU_I_ID", number),
            ]
        );

    private static Gen<T> OneOf<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(index => values[index]);

    private static bool Near(double expected, double actual) => Math.Abs(expected - actual) <= 1e-9 * Math.Max(Math.Abs(expected), 1e-3);

    private static long Ulps(double a, double b) => Math.Abs(BitConverter.DoubleToInt64Bits(a) - BitConverter.DoubleToInt64Bits(b));
}
