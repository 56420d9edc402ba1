using CsCheck;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Quantities;
using Xunit;

namespace Metrics.Domain.Tests;

public sealed class ComparabilityTests
{
    private static readonly ComparableRow Rack = new()
    {
        Deployment = "chat at rack",
        Workload = "chat",
        Model = "org/model",
        Precision = "fp8",
        Hardware = "H100",
        FunctionalUnit = "output-token",
        Boundary = Boundary.Facility,
        PueIncluded = true,
        Evidence = Evidence.Measured,
        Coverage = 1,
        MeasuredShare = 1,
        Energy = new(1000),
        Units = 1000,
    };

    [Fact]
    public void Rows_that_agree_are_ranked_by_sum_over_sum_with_the_saving_against_the_worst()
    {
        var comparison = Comparability.Of([
            Rack with
            {
                Deployment = "worst",
                Energy = new(4000),
                Units = 1000,
            },
            Rack with
            {
                Deployment = "best",
                Energy = new(100),
                Units = 100,
                Hardware = "B200",
            },
            Rack with
            {
                Deployment = "middle",
                Energy = new(30),
                Units = 10,
                Hardware = null,
                Evidence = Evidence.Modelled,
                MeasuredShare = 0,
            },
        ]);

        var group = Assert.Single(comparison.Groups);
        Assert.Equal(
            [("best", 1, 0.75), ("middle", 3, 0.25), ("worst", 4, 0)],
            group.Rows.Select(row => (row.Row.Deployment, row.PerUnit, row.SavingAgainstWorst!.Value))
        );
        Assert.Empty(group.Differences);
        Assert.Empty(comparison.LeftOut);
    }

    [Fact]
    public void The_largest_group_comes_first_and_the_others_say_how_they_differ_from_it()
    {
        var comparison = Comparability.Of([
            Rack with
            {
                Deployment = "a",
                Boundary = Boundary.Accelerator,
                PueIncluded = false,
            },
            Rack with
            {
                Deployment = "b",
            },
            Rack with
            {
                Deployment = "c",
            },
        ]);

        Assert.Equal(["b c", "a"], comparison.Groups.Select(group => string.Join(' ', group.Rows.Select(row => row.Row.Deployment))));
        Assert.Equal(
            ["boundary differs: accelerator against facility", "PUE included differs: no against yes"],
            Words(comparison.Groups[1])
        );
        Assert.Null(comparison.Groups[1].Rows[0].SavingAgainstWorst);
    }

    [Fact]
    public void Different_models_are_ranked_with_each_other_only_when_asked()
    {
        ComparableRow[] rows =
        [
            Rack with
            {
                Deployment = "a",
                Energy = new(300),
            },
            Rack with
            {
                Deployment = "b",
                Model = "org/small",
                Precision = "bf16",
                Energy = new(150),
            },
        ];

        Assert.Equal(
            ["model differs: org/small against org/model", "precision differs: bf16 against fp8"],
            Words(Comparability.Of(rows).Groups[1])
        );
        Assert.Equal(
            [0.5, 0],
            Assert
                .Single(Comparability.Of(rows, new ComparisonTerms { AcrossModels = true }).Groups)
                .Rows.Select(row => row.SavingAgainstWorst!.Value)
        );
    }

    [Fact]
    public void Workloads_without_a_model_are_the_same_only_by_name()
    {
        var comparison = Comparability.Of([
            Rack with
            {
                Deployment = "shop at a",
                Workload = "shop",
                Model = null,
            },
            Rack with
            {
                Deployment = "shop at b",
                Workload = "shop",
                Model = null,
            },
            Rack with
            {
                Deployment = "search at a",
                Workload = "search",
                Model = null,
                Precision = null,
            },
        ]);

        Assert.Equal([2, 1], comparison.Groups.Select(group => group.Rows.Count));
        Assert.Equal(
            ["model differs: workload search against workload shop", "precision differs: unknown against fp8"],
            Words(comparison.Groups[1])
        );
    }

    [Fact]
    public void A_row_without_a_ratio_with_too_little_coverage_or_too_bad_evidence_is_left_out_with_every_reason()
    {
        var comparison = Comparability.Of([
            Rack with
            {
                Deployment = "a",
                Energy = default,
                UnknownBecause = NullReason.PueUnknown,
            },
            Rack with
            {
                Deployment = "b",
                Units = 0,
            },
            Rack with
            {
                Deployment = "c",
                Units = null,
                Energy = default,
            },
            Rack with
            {
                Deployment = "d",
                Coverage = 0.42,
                Evidence = Evidence.Estimated,
            },
            Rack with
            {
                Deployment = "e",
                Coverage = double.NaN,
            },
            Rack with
            {
                Deployment = "f",
                Coverage = 0.9,
                Evidence = Evidence.Modelled,
            },
            Rack with
            {
                Deployment = "g",
                Energy = default,
            },
        ]);

        Assert.Equal(
            [
                "a: no joules per output-token: pue_unknown (its place has no PUE)",
                "b: no joules per output-token: zero_functional_units (work was counted and none was done)",
                "c: no joules per output-token: no_work (no work was counted)",
                "d: coverage 0.42 is below the minimum of 0.9; evidence estimated is worse than modelled, the worst accepted",
                "e: coverage NaN is below the minimum of 0.9",
                "g: no joules per output-token: no_energy (no energy is known)",
            ],
            comparison.LeftOut.Select(row => $"{row.Row.Deployment}: {string.Join("; ", row.Reasons)}")
        );
        Assert.Equal("f", Assert.Single(Assert.Single(comparison.Groups).Rows).Row.Deployment);
    }

    [Fact]
    public void An_estimate_stands_beside_readings_only_when_asked()
    {
        ComparableRow[] rows =
        [
            Rack with
            {
                Deployment = "a",
            },
            Rack with
            {
                Deployment = "b",
                Evidence = Evidence.Estimated,
                Energy = new(500),
            },
        ];
        var accepted = new ComparisonTerms { WorstEvidence = Evidence.Estimated };

        Assert.Equal("b", Assert.Single(Comparability.Of(rows).LeftOut).Row.Deployment);
        Assert.Equal(["evidence class differs: estimated against measured or modelled"], Words(Comparability.Of(rows, accepted).Groups[1]));
        Assert.Equal(
            ["b", "a"],
            Assert
                .Single(Comparability.Of(rows, accepted with { EstimatedBesideMeasured = true }).Groups)
                .Rows.Select(row => row.Row.Deployment)
        );
    }

    [Fact]
    public void Measured_zeroes_are_ranked_and_save_nothing_against_each_other()
    {
        var group = Assert.Single(
            Comparability.Of([Rack with { Deployment = "b", Energy = new(0) }, Rack with { Deployment = "a", Energy = new(0) }]).Groups
        );

        Assert.Equal(
            [("a", 0, 0), ("b", 0, 0)],
            group.Rows.Select(row => (row.Row.Deployment, row.PerUnit, row.SavingAgainstWorst!.Value))
        );
    }

    [Fact]
    public void Bounds_are_told_for_each_unit_and_are_null_where_none_are_known()
    {
        var group = Assert.Single(
            Comparability
                .Of([Rack with { Deployment = "a", Energy = new(1000, 800, 1500) }, Rack with { Deployment = "b", Energy = new(2000) }])
                .Groups
        );

        Assert.Equal([new Bounds(0.8, 1.5), null], group.Rows.Select(row => row.Row.BoundsPerUnit(RankedBy.Energy)));
    }

    [Fact]
    public void An_order_is_certain_where_the_bounds_meet_those_of_no_other_row()
    {
        var group = Assert.Single(
            Comparability
                .Of([
                    Bounded("apart", 1000, 900, 1100),
                    Bounded("low", 2000, 1900, 2150),
                    Bounded("high", 2200, 2100, 2300),
                    Bounded("wide", 3000, 1800, 4000),
                    Bounded("last", 5000, 4500, 5500),
                ])
                .Groups
        );
        Assert.Equal(
            [("apart", true), ("low", false), ("high", false), ("wide", false), ("last", true)],
            group.Rows.Select(row => (row.Row.Deployment, row.Certain!.Value))
        );

        // Bounds that touch are not apart, and beside one without bounds nothing is certain.
        Assert.Equal([false, false], Certain(Bounded("a", 1000, 900, 1100), Bounded("b", 1200, 1100, 1300)));
        Assert.Equal(
            [null, null, true],
            Certain(Rack with { Deployment = "a", Energy = new(10) }, Bounded("b", 1000, 900, 1100), Bounded("c", 2000, 1900, 2100))
        );
        Assert.Equal([null], Certain(Bounded("a", 1000, 900, 1100)));
        // 1100 x 1.05 / 0.95 = 1216 and 1300 x 0.95 / 1.05 = 1176: what is not covered leaves room for the other order.
        Assert.Equal([true, true], Certain(Bounded("a", 1000, 900, 1100), Bounded("b", 1400, 1300, 1500)));
        Assert.Equal(
            [false, false],
            Certain(Bounded("a", 1000, 900, 1100) with { Coverage = 0.95 }, Bounded("b", 1400, 1300, 1500) with { Coverage = 0.95 })
        );

        static ComparableRow Bounded(string name, double joules, double low, double high) =>
            Rack with
            {
                Deployment = name,
                Energy = new(joules, low, high),
            };
        static bool?[] Certain(params ComparableRow[] rows) =>
            [.. Assert.Single(Comparability.Of(rows).Groups).Rows.Select(row => row.Certain)];
    }

    [Fact]
    public void A_ranking_by_carbon_takes_the_bounds_of_the_grams()
    {
        var carbon = Rack with { CarbonMethod = "location-based average with embodied" };
        var group = Assert.Single(
            Comparability
                .Of(
                    [
                        carbon with
                        {
                            Deployment = "a",
                            Carbon = new(100, 90, 130),
                            Energy = new(1000, 999, 1001),
                        },
                        carbon with
                        {
                            Deployment = "b",
                            Carbon = new(120, 110, 140),
                            Energy = new(5000, 4999, 5001),
                        },
                    ],
                    new ComparisonTerms { By = RankedBy.Carbon }
                )
                .Groups
        );

        Assert.Equal(
            [("a", 0.1, false), ("b", 0.12, false)],
            group.Rows.Select(row => (row.Row.Deployment, row.PerUnit, row.Certain!.Value))
        );
    }

    [Fact]
    public void Another_unit_joins_by_a_declared_conversion_alone_and_the_row_says_so()
    {
        var requests = Rack with { Deployment = "requests", FunctionalUnit = "request", Energy = new(240), Units = 120 };
        var workflows = Rack with { Deployment = "workflows", FunctionalUnit = "workflow", Energy = new(480), Units = 10 };
        var terms = new ComparisonTerms
        {
            FunctionalUnit = "workflow",
            Conversions = new UnitConversions(new UnitConversion("workflow", "request", 12)),
        };

        var group = Assert.Single(Comparability.Of([requests, workflows], terms).Groups);
        Assert.Equal(
            [("requests", 24, "1 workflow = 12 requests"), ("workflows", 48, null)],
            group.Rows.Select(row => (row.Row.Deployment, row.PerUnit, row.Row.Converted))
        );

        // Declared the other way round it is the same; not declared, or not asked for, the units stay apart.
        Assert.Single(
            Comparability
                .Of(
                    [requests, workflows],
                    terms with
                    {
                        Conversions = new UnitConversions(new UnitConversion("request", "workflow", 1 / 12.0)),
                    }
                )
                .Groups
        );
        Assert.Equal(
            ["functional unit differs: workflow against request"],
            Words(Comparability.Of([requests, workflows], new ComparisonTerms { FunctionalUnit = "workflow" }).Groups[1])
        );
        Assert.Equal(2, Comparability.Of([requests, workflows], terms with { FunctionalUnit = null }).Groups.Count);
    }

    [Fact]
    public void The_token_basis_is_the_one_that_the_registry_of_functional_units_tells() =>
        Assert.Equal(
            [
                ("output-token", "output"),
                ("input-token", "input"),
                ("cached-input-token", "cached-input"),
                ("token", "total"),
                ("request", null),
                ("unheard-of", null),
            ],
            new[] { "output-token", "input-token", "cached-input-token", "token", "request", "unheard-of" }.Select(unit =>
                (unit, (Rack with { FunctionalUnit = unit }).TokenBasis)
            )
        );

    [Theory]
    [InlineData(-0.1)]
    [InlineData(1.1)]
    [InlineData(double.NaN)]
    public void A_minimum_coverage_is_a_share(double coverage) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new ComparisonTerms { MinimumCoverage = coverage });

    [Fact(
        DisplayName = "T10 an all-in prompt, a board's joules and a footprint in grams are not ranked: the boundary differs, the grams "
            + "have no "
            + "joules"
    )]
    public void Different_boundaries()
    {
        var gemini = Rack with
        {
            Deployment = "F01",
            Model = null,
            Precision = null,
            Workload = "text",
            FunctionalUnit = "request",
            Energy = new(864),
            Carbon = new(0.033),
            Units = 1,
            CarbonMethod = "market-based",
        };
        var board = gemini with
        {
            Deployment = "E01",
            Boundary = Boundary.Accelerator,
            PueIncluded = false,
            Energy = new(176.76995773999624),
            Carbon = default,
            CarbonMethod = null,
        };
        var mistral = gemini with
        {
            Deployment = "F02",
            Energy = default,
            Carbon = new(1.14),
            CarbonMethod = "location-based with embodied",
        };

        var byEnergy = Comparability.Of([gemini, board, mistral]);
        Assert.Equal(["E01", "F01"], byEnergy.Groups.SelectMany(group => group.Rows).Select(row => row.Row.Deployment).Order());
        Assert.Equal(2, byEnergy.Groups.Count);
        Assert.Contains(Words(byEnergy.Groups[1]), words => words.StartsWith("boundary differs: ", StringComparison.Ordinal));
        Assert.Equal(["no joules per request: no_energy (no energy is known)"], Assert.Single(byEnergy.LeftOut).Reasons);

        var byCarbon = Comparability.Of([gemini, board, mistral], new ComparisonTerms { By = RankedBy.Carbon });
        Assert.Equal(["carbon method differs: market-based against location-based with embodied"], Words(byCarbon.Groups[1]));
        Assert.Equal(["no grams per request: no_carbon (no emissions are known)"], Assert.Single(byCarbon.LeftOut).Reasons);
    }

    [Fact(DisplayName = "T12 idle dilution: 0.6 J a token active-only and 1.05 J provisioned are not ranked with each other")]
    public void Different_idle_policies()
    {
        // 4 boards x 4 h x 600 W, and 4 x 20 h x 90 W on top.
        var active = Rack with { Deployment = "active", IdlePolicy = IdlePolicy.ActiveOnly, Energy = new(34_560_000), Units = 57_600_000 };
        var provisioned = Rack with { Deployment = "provisioned", Energy = new(34_560_000 + 25_920_000), Units = 57_600_000 };

        var comparison = Comparability.Of([active, provisioned]);

        Assert.Equal(
            [("active", 0.6), ("provisioned", 1.05)],
            comparison.Groups.SelectMany(group => group.Rows).Select(row => (row.Row.Deployment, row.PerUnit))
        );
        Assert.Equal(["idle policy differs: provisioned against active-only"], Words(comparison.Groups[1]));
    }

    [Fact(DisplayName = "T14 grams per request and grams per token have no common ranking: the functional unit differs")]
    public void Different_functional_units()
    {
        var request = Rack with
        {
            Deployment = "a",
            FunctionalUnit = "request",
            Carbon = new(37.5),
            Units = 1,
            CarbonMethod = "location-based average",
        };
        var tokens = request with { Deployment = "b", FunctionalUnit = "token", Carbon = new(0.13), Units = 1000 };

        var comparison = Comparability.Of([request, tokens], new ComparisonTerms { By = RankedBy.Carbon });

        Assert.Equal(["functional unit differs: token against request"], Words(comparison.Groups[1]));
    }

    [Fact(DisplayName = "F07 output and total tokens in the denominator: nine times apart, and never ranked: the token basis differs")]
    public void Different_token_bases()
    {
        var output = Rack with { Deployment = "output", Energy = new(9216), Units = 1024 };
        var total = Rack with { Deployment = "total", FunctionalUnit = "token", Energy = new(9216), Units = 8192 + 1024 };

        var comparison = Comparability.Of([output, total]);

        Assert.Equal(
            [("output", 9), ("total", 1)],
            comparison.Groups.SelectMany(group => group.Rows).Select(row => (row.Row.Deployment, row.PerUnit))
        );
        Assert.Equal(
            ["functional unit differs: token against output-token", "token basis differs: total against output"],
            Words(comparison.Groups[1])
        );
    }

    [Fact(DisplayName = "P12 two rows are ranked together if and only if their keys are equal; else exactly the differing keys are named")]
    public void Ranked_if_and_only_if_alike() =>
        Gen.Select(Keys, Keys, Gen.Bool, Gen.Bool)
            .Sample(
                (left, right, carbon, mixed) =>
                {
                    var terms = new ComparisonTerms
                    {
                        By = carbon ? RankedBy.Carbon : RankedBy.Energy,
                        WorstEvidence = Evidence.Estimated,
                        EstimatedBesideMeasured = mixed,
                    };
                    string[] tokens = ["output-token", "token"];
                    var differing = new List<string>();
                    if (left.Unit != right.Unit)
                        differing.Add("functional unit");
                    if (left.Unit != right.Unit && tokens.Contains(left.Unit) && tokens.Contains(right.Unit))
                        differing.Add("token basis");
                    if (left.Boundary != right.Boundary)
                        differing.Add("boundary");
                    if (left.Pue != right.Pue)
                        differing.Add("PUE included");
                    if (left.Idle != right.Idle)
                        differing.Add("idle policy");
                    if (!mixed && (left.Evidence == Evidence.Estimated) != (right.Evidence == Evidence.Estimated))
                        differing.Add("evidence class");
                    if (carbon && left.Method != right.Method)
                        differing.Add("carbon method");
                    if (left.Model != right.Model)
                        differing.Add("model");
                    if (left.Precision != right.Precision)
                        differing.Add("precision");

                    var comparison = Comparability.Of([Row("left", left), Row("right", right)], terms);

                    Assert.Empty(comparison.LeftOut);
                    Assert.Equal(differing.Count == 0 ? 1 : 2, comparison.Groups.Count);
                    Assert.Equal(differing, comparison.Groups[^1].Differences.Select(difference => difference.Key));
                    Assert.Equal(
                        comparison.Groups.Select(Describe),
                        Comparability.Of([Row("right", right), Row("left", left)], terms).Groups.Select(Describe)
                    );
                },
                iter: 2000
            );

    private static string[] Words(ComparableGroup group) => [.. group.Differences.Select(difference => difference.ToString())];

    private static string Describe(ComparableGroup group) =>
        $"{string.Join(',', group.Rows.Select(row => row.Row.Deployment))}: {string.Join("; ", Words(group))}";

    private static ComparableRow Row(string name, Key key) =>
        Rack with
        {
            Deployment = name,
            FunctionalUnit = key.Unit,
            Boundary = key.Boundary,
            PueIncluded = key.Pue,
            IdlePolicy = key.Idle,
            Evidence = key.Evidence,
            CarbonMethod = key.Method,
            Model = key.Model,
            Precision = key.Precision,
            Hardware = name,
            Carbon = new(1),
        };

    // Mostly the same value, so that equal keys come up as often as unequal ones.
    private static readonly Gen<Key> Keys = Gen.Select(
        Some("output-token", "token", "request"),
        Gen.Select(
            Some(Boundary.Facility, Boundary.Accelerator, Boundary.Server),
            Some(true, false),
            Some(IdlePolicy.Provisioned, IdlePolicy.ActiveOnly)
        ),
        Some(Evidence.Measured, Evidence.Derived, Evidence.Modelled, Evidence.Estimated),
        Some<string?>("location-based average", "market-based", null),
        Gen.Select(Some("org/model", "org/small"), Some<string?>("fp8", "bf16", null)),
        (unit, energy, evidence, method, model) =>
            new Key(unit, energy.Item1, energy.Item2, energy.Item3, evidence, method, model.Item1, model.Item2)
    );

    private static Gen<T> Some<T>(params T[] values) =>
        Gen.Int[0, values.Length + 6].Select(index => index < values.Length ? values[index] : values[0]);

    private sealed record Key(
        string Unit,
        Boundary Boundary,
        bool Pue,
        IdlePolicy Idle,
        Evidence Evidence,
        string? Method,
        string Model,
        string? Precision
    );
}
