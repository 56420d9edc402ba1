using CsCheck;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Xunit;

namespace Metrics.Domain.Tests;

/// <summary>Work counts once, however often it is told: the count is the witness, and labels are hints.</summary>
public sealed class CountOnceTests
{
    private static readonly ResourceLabels Pod = new("endpoint", ["pod", "instance"], ["node"], [], []);
    private static readonly MetricMapping Output = Of("output", "output_total", "{token}", "output-token");
    private static readonly MetricMapping Input = Of("input", "input_total", "{token}", "input-token");
    private static readonly MetricMapping Requests = Of("requests", "requests_total", "{request}", "request") with
    {
        When = [new LabelCondition("finished_reason", ["", "stop", "length"])],
    };
    private static readonly MetricMapping Gateway = Of("gateway", "gateway_total", "{token}", "output-token") with
    {
        Layer = WorkLayer.Gateway,
    };
    private static readonly MetricMapping Client = Of("client", "client_total", "{token}", "output-token") with
    {
        Layer = WorkLayer.Client,
    };
    private static readonly MetricMapping Rows = Of("rows", "rows", "{token}", "output-token") with { Kind = SampleKind.Delta };

    // Uneven minutes, 60,000 in the hour.
    private static readonly int[] Uneven =
    [
        .. Enumerable.Range(0, 60).Select(minute => 1000 + 400 * ((minute * 7 % 11) - 5) / 5 + (minute % 2 == 0 ? 130 : -130)),
    ];

    private static MetricMapping Of(string id, string metric, string unit, string functionalUnit) =>
        Map.Of(id, metric, unit, SampleKind.Cumulative, Component.None, Pod) with
        {
            FunctionalUnit = functionalUnit,
            MaxSpan = TimeSpan.FromHours(1),
        };

    private static Scene Room(params (string Label, string Glob)[] claimed) =>
        new Scene { Mappings = [.. Map.All, Output, Input, Requests, Gateway, Client, Rows] }.Workload(
            "chat",
            claimed.Length == 0 ? [("pod", "*")] : claimed
        );

    private static Series Series(string metric, params (string, string)[] labels) => Scene.Series(metric, labels: labels);

    /// <summary>How far a count that makes so many in each minute has come; minutes before the first and after the last are like
    /// it.</summary>
    private static double Reached(double minute, double start, Func<int, double> perMinute)
    {
        var (whole, total) = ((int)Math.Floor(minute), start);
        for (var i = -10; i < whole; i++)
            total += perMinute(i);
        return Math.Floor(total + perMinute(whole) * (minute - whole));
    }

    /// <summary>A count read every so many minutes from an offset on.</summary>
    private static Scene Read(
        Scene scene,
        Series series,
        double start,
        Func<int, double> perMinute,
        double offset = 0,
        double every = 1,
        double from = -2,
        double to = 62
    )
    {
        for (var at = from + offset; at <= to; at += every)
            scene.Instants(series, (at, Reached(at, start, perMinute)));
        return scene;
    }

    private static double PerMinute(int minute) => Uneven[((minute % 60) + 60) % 60];

    private static double Sum(NormalisedPeriod period, string unit = "output-token", string workload = "chat") =>
        period.Work.Where(fact => fact.FunctionalUnit == unit && fact.Deployment.Workload.Name == workload).Sum(fact => fact.Units);

    private static List<Rejection> Told(NormalisedPeriod period) =>
        [.. period.Rejections.Where(rejection => rejection.Reason == RejectionReason.ToldTwice)];

    private static void Near(double expected, double actual) => Assert.InRange(actual, expected * 0.99, expected * 1.01);

    [Fact]
    public void One_engine_that_two_jobs_scrape_seven_seconds_apart_is_one()
    {
        var scene = Room();
        Read(scene, Series("output_total", ("pod", "llm-0"), ("instance", "10.2.0.7:8000"), ("job", "pods")), 350_000, PerMinute);
        Read(
            scene,
            Series("output_total", ("pod", "llm-0"), ("instance", "10.2.0.7:8000"), ("job", "services")),
            350_000,
            PerMinute,
            7 / 60.0
        );

        var period = scene.Normalise(0, 60);

        Near(Uneven.Sum(), Sum(period));
        Assert.Equal((3600, 3600), (period.Work.Sum(fact => fact.Counted), period.Work.Sum(fact => fact.Present)));
        var told = Assert.Single(Told(period));
        Assert.Equal(Scene.Source, told.Source);
        Assert.Contains("merged in time both read as one rising counter of output-token over", told.Detail, StringComparison.Ordinal);
        Assert.Contains("output_total{", told.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Quite_other_labels_tell_one_engine_when_the_counts_are_one()
    {
        var scene = Room(("model", "m"));
        Read(scene, Series("output_total", ("pod", "llm-0"), ("model", "m")), 9_000, PerMinute);
        Read(scene, Series("output_total", ("instance", "svc.inf:80"), ("job", "other"), ("model", "m")), 9_000, PerMinute, 0.4);

        Near(Uneven.Sum(), Sum(scene.Normalise(0, 60)));
    }

    [Fact]
    public void A_restart_shows_in_both_tellings()
    {
        double Restarted(double minute) => minute < 31.5 ? Reached(minute, 7_000, PerMinute) : Math.Floor((minute - 31.5) * 900);
        var scene = Room();
        foreach (var (job, offset) in new[] { ("a", 0.0), ("b", 0.25) })
            for (var at = -2 + offset; at <= 62; at += 1)
                scene.Instants(Series("output_total", ("pod", "llm-0"), ("job", job)), (at, Restarted(at)));

        var period = scene.Normalise(0, 60);

        Assert.Single(Told(period));
        Assert.InRange(Sum(period), Uneven.Take(31).Sum(), Uneven.Take(32).Sum() + 28.5 * 900 + 1);
    }

    [Fact]
    public void Two_engines_behind_a_balancer_with_equal_rates_are_two()
    {
        var scene = Room();
        Read(scene, Series("output_total", ("pod", "llm-0")), 250_000, PerMinute);
        Read(scene, Series("output_total", ("pod", "llm-1")), 860_000, PerMinute, 0.1);

        var period = scene.Normalise(0, 60);

        Near(2 * Uneven.Sum(), Sum(period));
        Assert.Empty(Told(period));
        Assert.Equal(7200, period.Work.Sum(fact => fact.Present));
    }

    [Fact]
    public void Two_engines_that_keep_about_the_same_count_are_two()
    {
        // 30,000 in five minutes each, never more than a third of that apart, now the one ahead and now the other.
        double[] ahead = [-24, -184, 2_650, 1_207, 6_932, 2_216, -8_072, -2_508, 1_874, 4_616, 9_954, 6_153, -4_868, 7_016, 5_852];
        foreach (var offset in new[] { 0, 2.5 })
        {
            var scene = Room();
            for (var i = 0; i < ahead.Length; i++)
                scene
                    .Instants(Series("output_total", ("pod", "llm-6")), (5 * i - 5, 1_107_575 + 30_000 * i + 977 * (i % 4)))
                    .Instants(
                        Series("output_total", ("pod", "llm-7")),
                        (5 * i - 5 + offset, 1_107_575 + 30_000 * (i + offset / 5) + ahead[i])
                    );

            Assert.Empty(Told(scene.Normalise(0, 60)));
        }
    }

    [Fact]
    public void Two_engines_that_start_together_and_wait_for_half_an_hour_are_two()
    {
        var scene = Room();
        Read(scene, Series("output_total", ("pod", "llm-0")), 0, minute => minute < 30 ? 0 : 7_200 + 900 * (minute % 3 - 1));
        Read(scene, Series("output_total", ("pod", "llm-1")), 0, minute => minute < 30 ? 0 : 4_800 - 700 * (minute % 3 - 1));

        var period = scene.Normalise(0, 60);

        Near(360_000, Sum(period));
        Assert.Empty(Told(period));
    }

    [Fact]
    public void Requests_that_a_balancer_deals_out_evenly_do_not_make_two_engines_one()
    {
        // The same request counts to the last one; what they write differs.
        var scene = Room();
        foreach (var (pod, start, more) in new[] { ("llm-0", 0.0, 90), ("llm-1", 0.0, -90) })
        {
            Read(scene, Series("requests_total", ("pod", pod), ("finished_reason", "stop")), 0, _ => 30);
            Read(scene, Series("output_total", ("pod", pod)), start, minute => 3_000 + more * (minute % 5));
        }

        var period = scene.Normalise(0, 60);

        Near(3_600, Sum(period, "request"));
        Assert.Empty(Told(period));
    }

    [Fact]
    public void One_count_that_differs_makes_them_two_whatever_the_labels()
    {
        var scene = Room();
        foreach (var (job, read) in new[] { ("a", 5_000.0), ("b", 900_000.0) })
        {
            Read(scene, Series("output_total", ("pod", "llm-0"), ("job", job)), 40_000, PerMinute, job == "a" ? 0 : 0.2);
            Read(scene, Series("input_total", ("pod", "llm-0"), ("job", job)), read, PerMinute, job == "a" ? 0 : 0.2);
        }

        Near(2 * Uneven.Sum(), Sum(scene.Normalise(0, 60)));
    }

    [Fact]
    public void Where_one_telling_falls_silent_the_other_takes_over_without_a_double_or_a_hole()
    {
        var scene = Room();
        var (first, second) = (
            Series("output_total", ("pod", "llm-0"), ("job", "a")),
            Series("output_total", ("pod", "llm-0"), ("job", "b"))
        );
        Read(scene, first, 7_000, PerMinute, to: 33);
        Read(scene, second, 7_000, PerMinute, 0.15, from: 21);

        var period = scene.Normalise(0, 60);

        Near(Uneven.Sum(), Sum(period));
        Assert.Equal(3600, period.Work.Sum(fact => fact.Counted), 1e-6);
    }

    [Fact]
    public void A_gateway_tells_the_work_of_the_engines_behind_it()
    {
        var scene = Room();
        for (var engine = 0; engine < 3; engine++)
        {
            var own = engine;
            Read(scene, Series("output_total", ("pod", $"llm-{engine}")), 10_000 * engine, minute => PerMinute(minute + 9 * own), 0, 0.5);
        }
        double All(int minute) => PerMinute(minute) + PerMinute(minute + 9) + PerMinute(minute + 18);
        Read(scene, Series("gateway_total", ("pod", "gateway-0")), 4_321, All, 0.2, 0.5);

        var period = scene.Normalise(0, 60);

        Near(3 * Uneven.Sum(), Sum(period));
        Assert.Contains(
            "the layer next to the hardware counts: the gateway rose by",
            Assert.Single(Told(period)).Detail,
            StringComparison.Ordinal
        );
        Assert.Equal(3 * 3600, period.Work.Sum(fact => fact.Present));
    }

    [Fact]
    public void What_else_passes_a_gateway_is_not_added_to_the_engines_that_are_read()
    {
        var scene = Room();
        Read(scene, Series("output_total", ("pod", "llm-0")), 10_000, PerMinute, 0, 0.5);
        Read(scene, Series("gateway_total", ("pod", "gateway-0")), 0, minute => 3 * PerMinute(minute), 0.2, 0.5);

        var period = scene.Normalise(0, 60);

        Near(Uneven.Sum(), Sum(period));
        Assert.Contains("what else passes the gateway is not added to it", Assert.Single(Told(period)).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void A_gateway_counts_where_no_engine_is_read_and_never_for_another_deployment()
    {
        var scene = Room(("pod", "gateway-*"));
        Read(scene, Series("output_total", ("pod", "llm-0")), 10_000, PerMinute, 0, 0.5);
        Read(scene, Series("gateway_total", ("pod", "gateway-0")), 0, PerMinute, 0.2, 0.5);

        var period = scene.Normalise(0, 60);

        Near(Uneven.Sum(), Sum(period));
        Near(Uneven.Sum(), Sum(period, workload: "unattributed"));
        Assert.Empty(Told(period));
    }

    [Theory]
    [InlineData("prefill", "decode")]
    [InlineData(null, null)]
    public void Prefill_and_decode_count_the_same_prompts_once(string? prefill, string? decode)
    {
        var scene = Room();
        foreach (var (pod, role, written, start) in new[] { ("a", prefill, 1, 5_000), ("b", decode, 100, 900_000) })
        {
            (string, string)[] labels = role is null ? [("pod", pod)] : [("pod", pod), ("llm_d_ai_role", role)];
            double Calls(int minute) => 60 + 20 * (minute % 3 - 1);
            Read(scene, Series("requests_total", [.. labels, ("finished_reason", "stop")]), start, Calls);
            Read(scene, Series("input_total", labels), start * 3, minute => Calls(minute) * 500);
            Read(scene, Series("output_total", labels), start * 7, minute => Calls(minute) * written);
        }

        var period = scene.Normalise(0, 60);

        Near(3_600, Sum(period, "request"));
        Near(1_800_000, Sum(period, "input-token"));
        Near(360_000, Sum(period));
        Assert.Equal(3, Told(period).Count);
        Assert.All(Told(period), told => Assert.Contains("the prompts whose answers others write", told.Detail, StringComparison.Ordinal));
    }

    [Fact]
    public void Two_engines_with_about_the_same_prompts_that_both_write_answers_are_two()
    {
        var scene = Room();
        foreach (var (pod, written) in new[] { ("a", 90), ("b", 110) })
        {
            Read(scene, Series("requests_total", ("pod", pod)), written, _ => 60);
            Read(scene, Series("input_total", ("pod", pod)), 3_000 * written, _ => 30_000);
            Read(scene, Series("output_total", ("pod", pod)), 1_000 * written, _ => 60 * written);
        }

        var period = scene.Normalise(0, 60);

        Near(7_200, Sum(period, "request"));
        Near(720_000, Sum(period));
        Assert.Empty(Told(period));
    }

    private static Scene Tiers(double total, double first, double second)
    {
        var scene = Room(("model", "m"));
        foreach (var (tier, value) in new[] { ("", total), ("flex", first), ("priority", second) })
            if (value > 0)
                for (var minute = 0; minute < 60; minute += 5)
                    scene.Spans(
                        Series("rows", tier.Length == 0 ? [("model", "m")] : [("model", "m"), ("tier", tier)]),
                        (minute, minute + 5, value + minute)
                    );
        return scene;
    }

    [Fact]
    public void A_metric_told_again_with_more_dimensions_is_the_same_work()
    {
        // 12 x 1,000 and 0 + 5 + ... + 55 = 330.
        var one = Tiers(1_000, 1_000, 0).Normalise(0, 60);
        Assert.Equal(12_330, Sum(one), 1e-6);
        Assert.Contains("more dimensions", Assert.Single(Told(one)).Detail, StringComparison.Ordinal);

        // Two tiers are more than the model alone by what the minutes add to each.
        var some = Tiers(1_000, 200, 0).Normalise(0, 60);
        Assert.Equal(12_330, Sum(some), 1e-6);
    }

    [Fact]
    public void Sets_of_dimensions_that_do_not_hold_each_other_are_added()
    {
        var scene = Room(("model", "m"));
        for (var minute = 0; minute < 60; minute += 5)
            scene
                .Spans(Series("rows", ("model", "m")), (minute, minute + 5, 100 + minute))
                .Spans(Series("rows", ("model", "m"), ("tier", "flex")), (minute, minute + 5, 900 - minute));

        Assert.Equal(12_000, Sum(scene.Normalise(0, 60)), 1e-6);
    }

    [Fact]
    public void Rows_that_do_not_overlap_all_count_whatever_their_lengths()
    {
        var scene = Room(("model", "m"));
        double from = 0;
        foreach (var length in new[] { 0.5, 7, 1.25, 3, 12, 0.25, 20, 16 })
        {
            scene.Spans(
                new Series(Scene.Source, "prometheus", "rows", Labels.Of(("model", "m")), Statistic.Sum, TimeSpan.FromMinutes(length)),
                (from, from + length, 100 * length)
            );
            from += length;
        }

        var period = scene.Normalise(0, 60);

        Assert.Equal(6_000, Sum(period), 1e-6);
        Assert.Empty(Told(period));
        Assert.Equal(3600, period.Work.Sum(fact => fact.Present), 1e-6);
    }

    [Fact]
    public void A_row_of_a_minute_and_a_row_of_the_hour_over_it_count_once()
    {
        var scene = Room(("model", "m"));
        Series Of(double minutes) =>
            new(Scene.Source, "prometheus", "rows", Labels.Of(("model", "m")), Statistic.Sum, TimeSpan.FromMinutes(minutes));
        for (var minute = 0; minute < 42; minute++)
            scene.Spans(Of(1), (minute, minute + 1, 50));
        scene.Spans(Of(60), (0, 60, 6_000));

        var period = scene.Normalise(0, 60);

        // 42 minutes of 50, and of the hour the other 18 of 100.
        Assert.Equal(42 * 50 + 18 * 100, Sum(period), 1e-6);
        Assert.Contains("rows of the same labels overlap", Assert.Single(Told(period)).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_sources_that_tell_the_same_rows_tell_the_same_work_and_other_rows_are_another_accounts()
    {
        NormalisedPeriod Both(double more)
        {
            var scene = new Scene { Mappings = [Rows] }.Place("other", 1.5);
            for (var minute = 0; minute < 60; minute += 5)
                scene
                    .Spans(Scene.Series("rows", labels: ("model", "m")), (minute, minute + 5, 100 + minute))
                    .Spans(Scene.Series("rows", "other", labels: ("model", "m")), (minute, minute + 5, 100 + minute + more));
            return scene.Normalise(0, 60);
        }

        Assert.Equal(1_530, Sum(Both(0), workload: "unattributed"), 1e-6);
        Assert.Equal(3_072, Sum(Both(1), workload: "unattributed"), 1e-6);
    }

    [Fact]
    public void An_engine_whose_board_goes_on_is_there_and_its_work_unknown()
    {
        var scene = Room();
        Read(scene, Series("output_total", ("pod", "llm-0")), 0, PerMinute, from: 0, to: 30);
        scene.Steady(Series("gpu_power", ("UUID", "a"), ("pod", "llm-0")), 300, 0, 45);

        var work = scene.Normalise(0, 60).Work;

        Assert.Equal(1800, work.Sum(fact => fact.Counted), 1e-6);
        Assert.Equal(2700, work.Sum(fact => fact.Present), 1e-6);
        Assert.Equal((0.0, 0.0, 300.0), work.Where(fact => fact.Period.Start == Scene.At(40)).Select(Known).Single());
        Assert.Equal(Scene.At(45), work.Max(fact => fact.Period.End));

        static (double, double, double) Known(WorkFact fact) => (fact.Units, fact.Counted, fact.Present);
    }

    [Fact]
    public void A_pod_that_ended_is_not_there_any_more()
    {
        var scene = Room();
        Read(scene, Series("output_total", ("pod", "llm-0")), 0, PerMinute, from: 0, to: 30);
        scene.Steady(Series("gpu_power", ("UUID", "a"), ("pod", "llm-0")), 300, 0, 30);
        scene.Steady(Series("gpu_power", ("UUID", "a"), ("pod", "other")), 300, 31, 60);

        var work = scene.Normalise(0, 60).Work;

        Assert.Equal(1800, work.Sum(fact => fact.Counted), 1e-6);
        Assert.Equal(1800, work.Sum(fact => fact.Present), 1e-6);
    }

    [Fact]
    public void A_period_in_which_nobody_counted_is_not_idle()
    {
        var scene = Room();
        Read(scene, Series("output_total", ("pod", "llm-0")), 0, PerMinute, from: 0, to: 30);
        scene.Steady(Series("gpu_power", ("UUID", "a"), ("pod", "llm-0")), 300, 0, 45);

        var energy = scene.Normalise(0, 60).Energy.Where(fact => fact.Period.Start >= Scene.At(30));

        Assert.All(energy, fact => Assert.Null(fact[Measures.Idle]));
    }

    // A share of the traffic by the minute that is nobody's fingerprint.
    private static readonly Gen<int[]> Traffic = Gen.Int[0, 4_000].Array[64];

    [Fact]
    public void To_tell_an_engine_again_never_changes_the_sum() =>
        Gen.Select(
                Traffic,
                Gen.Int[0, 1_000_000],
                Gen.Select(Gen.Int[1, 59], Gen.Int[0, 3], Gen.Bool, Gen.Int[5, 55]),
                Gen.Int[0, 2].Select(one => 1.0 / (1 << one))
            )
            .Where((traffic, _, _, _) => traffic.Count(one => one > 0) > 20)
            .Sample(
                (traffic, start, telling, every) =>
                {
                    var (offset, jitter, resets, reset) = telling;
                    double At(double minute)
                    {
                        double Count(double until) => Reached(until, start, one => traffic[Math.Clamp(one + 2, 0, 63)]);
                        return resets && minute >= reset ? Count(minute) - Count(reset) : Count(minute);
                    }
                    Scene Told(bool twice)
                    {
                        var scene = Room(("model", "m"));
                        for (var at = -2.0; at <= 61.9; at += every)
                            scene.Instants(Series("output_total", ("pod", "llm-0"), ("model", "m"), ("job", "a")), (at, At(at)));
                        var step = 0;
                        for (var at = -2.0 + every * offset / 60; twice && at <= 61.9; at += every)
                        {
                            var when = at + every * jitter * (step++ % 3) / 100.0;
                            scene.Instants(Series("output_total", ("model", "m"), ("pod", "llm-0"), ("replica", "b")), (when, At(when)));
                        }
                        return scene;
                    }
                    var (once, again) = (Told(false).Normalise(0, 60), Told(true).Normalise(0, 60));

                    Assert.Single(CountOnceTests.Told(again));
                    Assert.InRange(Sum(again), Sum(once) * 0.995 - 4_000 * every, Sum(once) * 1.005 + 4_000 * every);
                },
                iter: 60
            );

    [Fact]
    public void Two_engines_that_share_the_traffic_are_never_one() =>
        Gen.Select(Traffic, Gen.Double[0, 1].Array[64], Gen.Int[0, 59], Gen.Int[0, 200])
            .Where((traffic, _, _, _) => traffic.Count(one => one > 0) > 20)
            .Sample(
                (traffic, shares, offset, ahead) =>
                {
                    double First(int minute) => Math.Floor(traffic[Math.Clamp(minute + 2, 0, 63)] * shares[Math.Clamp(minute + 2, 0, 63)]);
                    double Second(int minute) => traffic[Math.Clamp(minute + 2, 0, 63)] - First(minute);
                    var scene = Room(("model", "m"));
                    Read(scene, Series("output_total", ("pod", "llm-0"), ("model", "m")), 0, First);
                    Read(scene, Series("output_total", ("pod", "llm-1"), ("model", "m")), ahead, Second, offset / 60.0);

                    var period = scene.Normalise(0, 60);

                    Assert.Empty(Told(period));
                },
                iter: 300
            );

    [Fact]
    public void The_order_of_series_does_not_matter() =>
        Gen.Select(Traffic, Gen.Shuffle(Enumerable.Range(0, 6).ToArray()))
            .Sample(
                (traffic, order) =>
                {
                    double At(int minute) => traffic[Math.Clamp(minute + 2, 0, 63)];
                    Scene Told(IEnumerable<int> series)
                    {
                        var scene = Room(("model", "m"));
                        foreach (var one in series)
                            Read(
                                scene,
                                Series(
                                    one < 4 ? "output_total" : "gateway_total",
                                    ("pod", $"p-{one % 2}"),
                                    ("model", "m"),
                                    ("job", $"{one / 2}")
                                ),
                                one < 4 ? 10_000 * (one % 2) : 77,
                                one < 4 ? minute => At(minute + one % 2) : At,
                                one / 20.0
                            );
                        return scene;
                    }
                    var (first, second) = (Told(Enumerable.Range(0, 6)).Normalise(0, 60), Told(order).Normalise(0, 60));

                    Assert.Equal(first.Work.Select(Numbers), second.Work.Select(Numbers));
                    Assert.Equal(first.Rejections, second.Rejections);

                    static object Numbers(WorkFact fact) => (fact.Period, fact.Units, fact.Counted, fact.Present, fact.Mappings);
                },
                iter: 40
            );
}
