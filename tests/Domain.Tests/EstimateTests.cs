using CsCheck;
using Metrics.Domain.Factors;
using Metrics.Domain.Quantities;
using Xunit;

namespace Metrics.Domain.Tests;

public sealed class EstimateTests
{
    private static readonly TokenEnergyModel Model = TokenEnergyModel.EcoLogits;

    [Theory]
    [InlineData(1e6, 1)]
    [InlineData(33e9, 1)]
    [InlineData(34e9, 2)]
    [InlineData(70e9, 4)]
    [InlineData(123e9, 4)]
    [InlineData(405e9, 16)]
    public void Accelerators_are_a_power_of_two_that_holds_the_model(double parameters, int accelerators) =>
        Assert.Equal(accelerators, Model.Accelerators(parameters));

    [Fact]
    public void Fewer_bits_need_fewer_accelerators() => Assert.Equal(2, (Model with { BitsPerParameter = 8 }).Accelerators(70e9));

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(1.1e15)]
    [InlineData(double.NaN)]
    public void A_model_without_a_sensible_size_needs_no_accelerators(double parameters) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Model.Accelerators(parameters));

    [Fact]
    public void An_unknown_factor_leaves_what_depends_on_it_null()
    {
        var nothing = Model.Estimate(ModelSize.Dense(7.3e9), 200, RequestTiming.Unknown, SiteFactors.Unknown).Low;
        Assert.True(nothing.Server.Joules > 0);
        Assert.Equal(
            (null, null, null, null, null),
            (nothing.Facility, nothing.Operational, nothing.Total, nothing.Water, nothing.PerOutputToken)
        );

        var grid = Model
            .Estimate(
                ModelSize.Dense(7.3e9),
                200,
                RequestTiming.Unknown,
                new SiteFactors(null, new CarbonIntensity(400), new WaterFactors(0.2, 3))
            )
            .Low;
        Assert.Equal((null, null, null, null), (grid.Facility, grid.Operational, grid.Total, grid.Water));

        var pue = Model
            .Estimate(ModelSize.Dense(7.3e9), 200, RequestTiming.Unknown, new SiteFactors(1.2, null, new WaterFactors(0.2, null)))
            .Low;
        Assert.NotNull(pue.Facility);
        Assert.Equal((null, null, null), (pue.Operational, pue.Total, pue.Water));
    }

    [Fact]
    public void A_request_without_tokens_took_no_energy_and_has_none_for_a_token()
    {
        var request = Model.Estimate(ModelSize.Dense(7.3e9), 0, RequestTiming.Unknown, new SiteFactors(1.2)).Low;

        Assert.Equal(0, request.Facility?.Joules);
        Assert.Null(request.PerOutputToken);
    }

    [Fact]
    public void A_size_that_is_not_published_gives_bounds()
    {
        var estimate = Model.Estimate(
            new ModelSize(new Bounds(20e9, 60e9), new Bounds(100e9, 400e9)),
            100,
            new RequestTiming(TokensPerSecond: 50),
            new SiteFactors(1)
        );

        Assert.False(estimate.IsExact);
        Assert.Equal((4, 16), (estimate.Low.Accelerators, estimate.High.Accelerators));
        // 100 tokens x (alpha e^(64 beta) x 20 + gamma) Wh x 4 accelerators, and 2 s x 1,200 W x 4/8 / 64.
        Assert.Equal(74.76128526068393, estimate.Low.Accelerator.Joules, 9);
        Assert.Equal(430.2381006244498, estimate.High.Accelerator.Joules, 9);
        Assert.Equal(18.75, estimate.Low.Host.Joules, 9);
        Assert.Equal(75, estimate.High.Host.Joules, 9);
    }

    [Fact]
    public void A_batch_that_is_not_known_gives_bounds()
    {
        var estimate = (Model with { Batch = new Bounds(4, 16) }).Estimate(
            ModelSize.Dense(7.3e9),
            100,
            new RequestTiming(Seconds: 2),
            SiteFactors.Unknown
        );

        // 2 s x 1,200 W x 1/8, shared among 16 and among 4 requests.
        Assert.Equal(18.75, estimate.Low.Host.Joules, 9);
        Assert.Equal(75, estimate.High.Host.Joules, 9);
        Assert.True(estimate.Low.Accelerator < estimate.High.Accelerator);
    }

    [Fact]
    public void A_slow_client_does_not_make_the_server_slower() =>
        Assert.Equal(
            5.300747976298557,
            Model.Estimate(ModelSize.Dense(20e9), 100, new RequestTiming(Seconds: 600), SiteFactors.Unknown).Low.Seconds,
            9
        );

    [Fact]
    public void Sizes_and_times_out_of_range_are_refused()
    {
        Assert.Contains("Write 7.3e9", Assert.Throws<ArgumentException>(() => ModelSize.Dense(7.3)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new ModelSize(Bounds.Exactly(70e9), Bounds.Exactly(7e9)));
        Assert.Throws<ArgumentException>(() => new ModelSize(new Bounds(1e9, 9e9), new Bounds(2e9, 8e9)));
        Assert.Throws<ArgumentException>(() => new Bounds(2, 1));
        Assert.Throws<ArgumentException>(() => new Bounds(double.NaN, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RequestTiming(Seconds: -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RequestTiming(TokensPerSecond: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RequestTiming(SecondsToFirstToken: double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SiteFactors(0.99));
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            Model.Estimate(ModelSize.Dense(7e9), -1, RequestTiming.Unknown, SiteFactors.Unknown)
        );
        Assert.Throws<ArgumentOutOfRangeException>(() => Model with { Batch = Bounds.Exactly(0.5) });
        Assert.Throws<ArgumentOutOfRangeException>(() => Model with { BitsPerParameter = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(() => Model with { AcceleratorGigabytes = double.NaN });
        Assert.Throws<ArgumentOutOfRangeException>(() => Model with { AcceleratorsPerServer = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(() => Model with { ServerPower = Power.FromWatts(-1) });
        Assert.Throws<ArgumentOutOfRangeException>(() => Model with { ServerEmbodied = Mass.FromGrams(-1) });
        Assert.Throws<ArgumentOutOfRangeException>(() => Model with { AcceleratorEmbodied = Mass.FromGrams(double.NaN) });
        Assert.Throws<ArgumentOutOfRangeException>(() => Model with { Lifespan = TimeSpan.Zero });
    }

    [Fact]
    public void The_low_bound_is_never_above_the_high_one() =>
        Gen.Select(
                Gen.Double[1e6, 1e12],
                Gen.Double[1, 10],
                Gen.Double[1, 10],
                Gen.Double[1, 128],
                Gen.Double[0, 64],
                Gen.Double[0, 10_000],
                Gen.Double[0, 100]
            )
            .Sample(
                (active, wider, experts, batch, spread, tokens, seconds) =>
                {
                    var size = new ModelSize(new Bounds(active, active * wider), new Bounds(active * experts, active * wider * experts));
                    var model = Model with { Batch = new Bounds(batch, batch + spread) };
                    var estimate = model.Estimate(
                        size,
                        tokens,
                        new RequestTiming(seconds),
                        new SiteFactors(1.2, new CarbonIntensity(400), new WaterFactors(0.2, 3))
                    );

                    Assert.True(estimate.Low.Accelerator <= estimate.High.Accelerator);
                    Assert.True(estimate.Low.Facility <= estimate.High.Facility);
                    Assert.True(estimate.Low.Total <= estimate.High.Total);
                    Assert.True(estimate.Low.Water <= estimate.High.Water);
                    Assert.True(estimate.Low.Facility >= estimate.Low.Server);
                },
                iter: 1000
            );

    // ML.ENERGY's leaderboard of 2026-02-16: joules of the boards alone for an output token, the least and the most of each model in all
    // its rows, 8 to 4,096 requests at a time on one to eight H100 or B200. GPT-4o: 0.3 Wh for 500 tokens, Epoch AI.
    [Theory]
    [InlineData("openai/gpt-oss-120b", 0.0397, 0.782)]
    [InlineData("openai/gpt-oss-20b", 0.0284, 0.356)]
    [InlineData("meta-llama/Llama-3.1-405B-Instruct", 1.0, 21.9)]
    [InlineData("meta-llama/Llama-3.1-405B-Instruct-FP8", 1.14, 14.1)]
    [InlineData("meta-llama/Llama-3.1-70B-Instruct", 0.189, 3.76)]
    [InlineData("meta-llama/Llama-3.1-8B-Instruct", 0.0467, 0.455)]
    [InlineData("meta-llama/Llama-3.3-70B-Instruct", 0.219, 3.86)]
    [InlineData("meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8", 0.484, 3.06)]
    [InlineData("meta-llama/Llama-4-Scout-17B-16E-Instruct", 0.336, 5.6)]
    [InlineData("deepseek-ai/DeepSeek-V3.1", 0.6, 10.1)]
    [InlineData("deepseek-ai/DeepSeek-R1", 2.38, 9.88)]
    [InlineData("Qwen/Qwen3-8B", 0.0531, 1.18)]
    [InlineData("Qwen/Qwen3-14B", 0.0548, 1.37)]
    [InlineData("Qwen/Qwen3-32B", 0.141, 2.36)]
    [InlineData("Qwen/Qwen3-30B-A3B-Instruct-2507", 0.0564, 1.33)]
    [InlineData("Qwen/Qwen3-Coder-30B-A3B-Instruct", 0.112, 1.04)]
    [InlineData("Qwen/Qwen3-235B-A22B-Instruct-2507", 0.24, 8.4)]
    [InlineData("Qwen/Qwen3-235B-A22B-Thinking-2507-FP8", 0.418, 11.6)]
    [InlineData("Qwen/Qwen3-Coder-480B-A35B-Instruct", 1.24, 13.1)]
    [InlineData("Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8", 3.8, 34.4)]
    [InlineData("Qwen/Qwen3-VL-235B-A22B-Instruct", 0.37, 8.83)]
    [InlineData("Qwen/Qwen3-VL-235B-A22B-Instruct-FP8", 0.296, 12.92)]
    [InlineData("google/gemma-3-12b-it", 0.0954, 0.831)]
    [InlineData("google/gemma-3-27b-it", 0.177, 1.65)]
    [InlineData("gpt-4o", 2.16, 2.16)]
    public void What_was_measured_of_a_model_lies_between_its_bounds(string name, double least, double most)
    {
        var model = ModelTable.Published.Find(name)!;

        var (boards, servers) = TokenEnergyRange.Of(model.Size, model.Bits, 1, RequestTiming.Unknown);

        Assert.InRange(least, boards.Low, boards.High);
        Assert.InRange(most, boards.Low, boards.High);
        // A server draws more than its boards, and at the most 10.2 kW where they draw 5.6.
        Assert.InRange(most * 10.2 / 5.6, servers.Low, servers.High);
    }

    [Fact]
    public void The_bounds_of_a_model_follow_from_its_size_and_bits_alone()
    {
        // 405.85e9 in 16 bits: 2 x (405.85e9 B / 8e12 B/s / 4096 + 2 x 405.85e9 / 4.5e15) s x 1,000 W, in 8 bits, as it is served too.
        var (boards, servers) = TokenEnergyRange.Of(ModelSize.Dense(405.85e9), 16, 1, RequestTiming.Unknown);
        Assert.Equal(0.385526673719618, boards.Low, 12);
        Assert.Equal(0.385526673719618 * 1.15, servers.Low, 12);
        // 2 x 811.7e9 B / 3.35e12 B/s / 4 x 700 W.
        Assert.Equal(84.8044776119403, boards.High, 9);
        // The formula in a batch of 4 is above 84.804 x 1,275 / 700: 16 boards of 1.826 J, and 0.29610 s x 2,400 W / 4.
        Assert.Equal(206.06554857968482, servers.High, 9);
    }

    [Fact]
    public void The_value_of_every_published_model_lies_between_its_bounds()
    {
        foreach (var model in ModelTable.Published.All)
        {
            var timing = model.TokensPerSecond is { } rate ? new RequestTiming(TokensPerSecond: rate) : RequestTiming.Unknown;
            var value = (Model with { BitsPerParameter = model.Bits ?? 16 }).Estimate(model.Size, 100, timing, SiteFactors.Unknown);
            var (boards, servers) = TokenEnergyRange.Of(model.Size, model.Bits, 100, timing);

            Assert.True(boards.Low <= value.Low.Accelerator.Joules && value.High.Accelerator.Joules <= boards.High, model.Pattern);
            Assert.True(servers.Low <= value.Low.Server.Joules && value.High.Server.Joules <= servers.High, model.Pattern);
        }
    }

    [Theory]
    [InlineData("openai/gpt-oss-120b", 4.25, null)]
    [InlineData("deepseek.v3-v1:0", 8.0, null)]
    [InlineData("meta-llama/Llama-3.1-405B-Instruct-FP8", 8.0, null)]
    [InlineData("meta.llama3-1-405b-instruct-v1:0", 16.0, null)]
    [InlineData("gpt-4o", null, 37.8)]
    [InlineData("claude-sonnet-4-6", null, 42.0)]
    public void Bits_and_rates_stand_in_the_table_where_they_are_published(string name, double? bits, double? rate)
    {
        var model = ModelTable.Published.Find(name)!;

        Assert.Equal((bits, rate), (model.Bits, model.TokensPerSecond));
    }

    [Fact]
    public void Water_of_an_unknown_factor_is_null_and_that_of_the_site_stays()
    {
        var water = new WaterFactors(0.5, null);

        Assert.Equal(5, water.OnSiteOf(Energy.FromKilowattHours(10)).Litres, 9);
        Assert.Null(water.Of(Energy.FromKilowattHours(10), 1.2));
        Assert.Null(new WaterFactors(0.5, 3).Of(Energy.FromKilowattHours(10), null));
        Assert.Equal(41, new WaterFactors(0.5, 3).Of(Energy.FromKilowattHours(10), 1.2)!.Value.Litres, 9);
        Assert.Throws<ArgumentOutOfRangeException>(() => new WaterFactors(0.5, 3).Of(Energy.FromKilowattHours(10), 0.9));
        Assert.Throws<ArgumentOutOfRangeException>(() => new WaterFactors(-0.1, 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => new WaterFactors(0.1, double.NaN));
    }

    [Fact]
    public void Amounts_of_water_can_be_told_apart_and_compared()
    {
        Assert.Equal(Water.FromLitres(2500), Water.FromCubicMetres(2.5));
        Assert.Equal(Water.FromLitres(1), Water.FromLitres(3) - Water.FromLitres(2));
        Assert.Equal(Water.FromLitres(5), Water.FromLitres(3) + Water.FromLitres(2));
        Assert.True(
            Water.FromLitres(5) > Water.FromLitres(4)
                && Water.FromLitres(4) < Water.FromLitres(5)
                && default(Water) <= Water.FromLitres(0)
                && default(Water) >= Water.FromLitres(0)
        );
        Assert.Equal(-1, Water.FromLitres(4).CompareTo(Water.FromLitres(5)));
    }

    [Fact]
    public void What_a_data_centre_did_not_report_has_no_indicator()
    {
        var indicators = new DataCentreIndicators(Energy.FromKilowattHours(12), Energy.FromKilowattHours(10));

        Assert.Equal(1.2, indicators.PowerUsageEffectiveness, 9);
        Assert.Equal(
            (null, null, null),
            (indicators.WaterUsageEffectiveness, indicators.EnergyReuseFactor, indicators.RenewableEnergyFactor)
        );
    }

    [Fact]
    public void A_part_of_a_data_centre_is_not_more_than_the_whole()
    {
        var (ten, twelve) = (Energy.FromKilowattHours(10), Energy.FromKilowattHours(12));

        Assert.Throws<ArgumentOutOfRangeException>(() => new DataCentreIndicators(ten, twelve));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DataCentreIndicators(ten, Energy.Zero));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DataCentreIndicators(Energy.FromJoules(double.NaN), ten));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DataCentreIndicators(twelve, ten, Water.FromLitres(-1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DataCentreIndicators(twelve, ten, reused: Energy.FromJoules(-1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DataCentreIndicators(twelve, ten, renewable: Energy.FromKilowattHours(13)));
        Assert.Equal(1.5, new DataCentreIndicators(twelve, ten, reused: Energy.FromKilowattHours(18)).EnergyReuseFactor!.Value, 9);
    }

    [Fact]
    public void A_coefficient_meets_amounts_in_its_own_unit_only()
    {
        Assert.Contains(
            "for TB.h; got an amount in GB.h",
            Assert.Throws<ArgumentException>(() => UsageCoefficient.SolidStateDisk.Of(1, "GB.h")).Message,
            StringComparison.Ordinal
        );
        Assert.Throws<ArgumentOutOfRangeException>(() => UsageCoefficient.Network.Of(-1, "GB"));
        Assert.Throws<ArgumentOutOfRangeException>(() => UsageCoefficient.Network.Of(double.NaN, "GB"));
        Assert.Throws<ArgumentOutOfRangeException>(() => new UsageCoefficient(Energy.FromJoules(1), 0, "GB"));
        Assert.Throws<ArgumentOutOfRangeException>(() => new UsageCoefficient(Energy.FromJoules(-1), 1, "GB"));
        Assert.Throws<ArgumentException>(() => new UsageCoefficient(Energy.FromJoules(1), 1, " "));
        Assert.Equal(0, UsageCoefficient.Network.Of(0, "GB").Joules);
    }

    [Fact]
    public void A_mean_power_needs_a_time()
    {
        Assert.Equal(2, Power.Mean(Energy.FromJoules(10), 5).Watts);
        Assert.Throws<ArgumentOutOfRangeException>(() => Power.Mean(Energy.FromJoules(10), 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Power.Mean(Energy.FromJoules(10), double.NaN));
    }

    [Fact]
    public void A_component_that_did_nothing_leaves_the_system_without_a_score_and_the_others_with_theirs()
    {
        var score = SystemScore.Of(
            "request",
            UnitConversions.None,
            new ScoredComponent("server", new Sci(Mass.FromGrams(10), Mass.Zero, 5), "request"),
            new ScoredComponent("cache", new Sci(Mass.FromGrams(3), Mass.Zero, 0), "request")
        );

        Assert.Null(score.GramsPerUnit);
        Assert.Equal("zero_functional_units", score.NullReason);
        Assert.Equal((IEnumerable<(string, double?)>)[("server", 2), ("cache", null)], score.Parts);
        Assert.Throws<ArgumentException>(() => SystemScore.Of("request", UnitConversions.None));
    }

    [Fact]
    public void Declared_conversions_are_followed_both_ways_and_one_after_another()
    {
        var conversions = new UnitConversions(
            new UnitConversion("workflow", "request", 4),
            new UnitConversion("request", "output-token", 800)
        );

        Assert.Equal(3200, conversions.Factor("workflow", "output-token"));
        Assert.Equal(1.0 / 3200, conversions.Factor("output-token", "workflow")!.Value, 12);
        Assert.Equal(1, conversions.Factor("image", "image"));
        Assert.Null(conversions.Factor("image", "request"));
        Assert.Null(UnitConversions.None.Factor("input-token", "token"));
    }

    [Fact]
    public void Conversions_in_a_circle_are_refused_and_all_faults_are_listed()
    {
        var refusal = Assert.Throws<ArgumentException>(() =>
            new UnitConversions(
                new UnitConversion("workflow", "request", 4),
                new UnitConversion("request", "output-token", 800),
                new UnitConversion("output-token", "workflow", 2),
                new UnitConversion("request", "request", 1),
                new UnitConversion("page", "image", 0),
                new UnitConversion("", "image", 1)
            )
        );

        Assert.Contains("conversion 3: output-token to workflow closes a circle", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("conversion 4: request to request closes a circle", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("conversion 5: one page is 0 image", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("conversion 6: a unit is empty", refusal.Message, StringComparison.Ordinal);
    }

    [Fact(DisplayName = "P07 scores of components for the same functional unit add up to the score of the whole")]
    public void Components_add_up() =>
        Gen.Select(Gen.Select(Gen.Double[0, 1e6], Gen.Double[0, 1e6]).Array[1, 12], Gen.Double[1e-3, 1e9])
            .Sample(
                (parts, units) =>
                {
                    var system = SystemScore.Of(
                        "request",
                        UnitConversions.None,
                        [
                            .. parts.Select(
                                (part, i) =>
                                    new ScoredComponent(
                                        $"part {i}",
                                        new Sci(Mass.FromGrams(part.Item1), Mass.FromGrams(part.Item2), units),
                                        "request"
                                    )
                            ),
                        ]
                    );
                    var whole = new Sci(
                        Mass.FromGrams(parts.Sum(part => part.Item1)),
                        Mass.FromGrams(parts.Sum(part => part.Item2)),
                        units
                    );

                    Assert.Equal(1, (system.GramsPerUnit!.Value + 1e-9) / (whole.GramsPerUnit!.Value + 1e-9), 9);
                },
                iter: 1000
            );
}
