using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Xunit;

namespace Metrics.Domain.Tests.Cases;

/// <summary>Hours of serving whose right answer follows by hand, through the whole chain. Most of them stand on one server of 1,600 W with
/// a board of 400 W and 80 tokens a second behind a PUE of 1.25: 1,600 x 1.25 / 80 = 25 J a token, 20 at the server, 5 at the
/// board.</summary>
public sealed class ServingTests
{
    [Fact]
    public void An_hour_of_which_everything_is_known_is_divided_whole()
    {
        var row = Serving().Tell().Row("a");

        Assert.Equal(7_200_000, row[Measures.Facility]!.Value, 1.0);
        Assert.Equal(288_000, row[Measures.Units]!.Value, 1e-3);
        Assert.Equal([25, 20, 5], Ratio(row, Ratios.JoulesPerUnit, Ratios.ServerJoulesPerUnit, Ratios.AcceleratorJoulesPerUnit));
        Assert.Equal([1, 1], Ratio(row, Ratios.Coverage, Ratios.WorkCoverage));
        // The meter errs by a twentieth, and nothing else does.
        Assert.Equal([23.75, 26.25], Ratio(row, Ratios.LowJoulesPerUnit, Ratios.HighJoulesPerUnit));
    }

    [Fact]
    public void Tokens_of_twenty_five_minutes_without_power_are_not_divided_by()
    {
        var row = Serving((-5, 15), (40, 65)).Tell().Row("a");

        // 2,000 W at the facility for 35 minutes, and the tokens of the whole hour.
        Assert.Equal(4_200_000, row[Measures.Facility]!.Value, 1.0);
        Assert.Equal(288_000, row[Measures.Units]!.Value, 1e-3);
        Assert.Equal([25, 0.583333], Ratio(row, Ratios.JoulesPerUnit, Ratios.Coverage));
    }

    [Fact]
    public void Energy_of_the_time_in_which_the_engine_says_nothing_is_not_divided()
    {
        var hall = new Hall().Site("a", 1.25, "llm-*").Server("a", "n1", 1600).Board("a", "n1", 0, 400, "llm-0");
        var row = hall.Engine("a", "llm-0", 80, (-5, 20)).Tell().Row("a");

        Assert.Equal(7_200_000, row[Measures.Facility]!.Value, 1.0);
        Assert.Equal(96_000, row[Measures.Units]!.Value, 1e-3);
        Assert.Equal([25, 0.333333], Ratio(row, Ratios.JoulesPerUnit, Ratios.WorkCoverage));
    }

    [Fact]
    public void What_was_read_until_it_ended_is_covered_whole()
    {
        var hall = new Hall().Site("a", 1.25, "llm-*").Server("a", "n1", 1600, (-5, 12)).Board("a", "n1", 0, 400, "llm-0", (-5, 12));
        var row = hall.Engine("a", "llm-0", 80, (-5, 12)).Tell().Row("a");

        // 12 minutes of 80 tokens a second, and nothing of any of it afterwards: as far as anybody knows it is 12 past.
        Assert.Equal(57_600, row[Measures.Units]!.Value, 1e-3);
        Assert.Equal([25, 1, 1, 1], Ratio(row, Ratios.JoulesPerUnit, Ratios.Coverage, Ratios.FacilityCoverage, Ratios.WorkCoverage));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1.5)]
    [InlineData(2)]
    [InlineData(4)]
    public void A_first_minute_gives_a_number(double minutes)
    {
        var hall = new Hall { Step = 0.25 }
            .Site("a", 1.25, "llm-*")
            .Server("a", "n1", 1600, (11, 11 + minutes))
            .Board("a", "n1", 0, 400, "llm-0", (11, 11 + minutes))
            .Count(
                "a",
                "vllm:generation_tokens_total",
                80,
                [("pod", "llm-0"), ("namespace", "serving"), ("model_name", "org/one"), ("instance", "n1:8000"), ("node", "n1")],
                (11, 11 + minutes)
            );

        Assert.Equal([25, 1, 1], Ratio(hall.Tell().Row("a"), Ratios.JoulesPerUnit, Ratios.Coverage, Ratios.WorkCoverage));
    }

    [Fact]
    public void An_engine_that_ends_beside_another_of_its_pod_is_missed()
    {
        var hall = new Hall().Site("a", 1.25, "llm-*").Server("a", "n1", 1600).Board("a", "n1", 0, 400, "llm-0");
        hall.Count("a", "vllm:generation_tokens_total", 40, Engine("10.0.0.7:8000"));
        hall.Count("a", "vllm:generation_tokens_total", 44, Engine("10.0.0.7:8001"), (-5, 30));
        var row = hall.Tell().Row("a");

        // Of the second half hour a half of the engines says nothing: 2,000 W over 84 tokens a second in the first.
        Assert.Equal(2000 / 84.0, row[Ratios.JoulesPerUnit]!.Value, 0.01);
        Assert.Equal(0.75, row[Ratios.WorkCoverage]!.Value, 0.01);

        static (string, string)[] Engine(string instance) =>
            [("pod", "llm-0"), ("namespace", "serving"), ("model_name", "org/one"), ("instance", instance)];
    }

    [Fact]
    public void Whoever_was_read_worse_does_not_win_by_it()
    {
        // The second server draws 1,992 W for 100 tokens a second: 24.9 J, a little less than the 25 of the first.
        var told = Serving((-5, 31), (36, 65))
            .Site("b", 1.25, "llm-*")
            .Server("b", "n2", 1992)
            .Board("b", "n2", 0, 400, "llm-1")
            .Engine("b", "llm-1", 100)
            .Tell();

        Assert.Equal([("b", 24.9, false), ("a", 25, false)], told.Ranked());
    }

    [Fact]
    public void One_silent_server_of_ten_is_scaled_away()
    {
        // 71, 73 ... 89 tokens a second: 800 of ten servers. One is silent from 20 to 35 past.
        var hall = new Hall().Site("a", 1.25, "llm-*");
        for (var i = 0; i < 10; i++)
        {
            (double, double)[] when = i == 4 ? [(-5, 20), (35, 65)] : [];
            hall.Server("a", $"n{i}", 1600, when).Board("a", $"n{i}", 0, 400, $"llm-{i}", when).Engine("a", $"llm-{i}", 71 + 2 * i);
        }
        var row = hall.Tell().Row("a");

        // 15 of 600 minutes are missing.
        Assert.Equal(25, row[Ratios.JoulesPerUnit]!.Value, 0.01);
        Assert.Equal(0.975, row[Ratios.FacilityCoverage]!.Value, 1e-3);
    }

    [Fact]
    public void A_deployment_that_was_there_for_a_quarter_and_read_all_that_time_is_covered()
    {
        // Four servers for 15 minutes, then one; the other boards wait at 70 W and are nobody's.
        var hall = new Hall().Site("a", 1.25, "llm-*");
        for (var i = 0; i < 4; i++)
        {
            hall.Server("a", $"n{i}", 1600);
            if (i == 0)
                hall.Board("a", "n0", 0, 400, "llm-0").Engine("a", "llm-0", 80);
            else
                hall.Board("a", $"n{i}", 0, 400, $"llm-{i}", (-5, 15))
                    .Board("a", $"n{i}", 0, 70, null, (16, 65))
                    .Engine("a", $"llm-{i}", 80, (-5, 15));
        }
        var row = hall.Tell().Row("a");

        Assert.Equal(1, row[Ratios.Coverage]!.Value, 0.02);
        Assert.Equal(25, row[Ratios.JoulesPerUnit]!.Value, 0.25);
        // 2,000 W at the facility for an hour and three times for a quarter of it, give or take the minute in which boards change hands.
        Assert.InRange(row[Measures.Facility]!.Value, 12_600_000, 12_600_000 + 3 * 120_000);
    }

    [Fact]
    public void A_deployment_of_which_half_is_not_read_is_covered_by_a_half()
    {
        var row = Serving((-5, 30)).Tell().Row("a");

        Assert.Equal([25, 0.5, 1], Ratio(row, Ratios.JoulesPerUnit, Ratios.Coverage, Ratios.WorkCoverage));
    }

    [Fact]
    public void Components_are_not_ranked_before_walls()
    {
        // Two servers at the wall, 900 and 1,000 W for 40 tokens a second: 28.125 and 31.25 J. Of the third only 150 + 200 W are read.
        var hall = new Hall();
        foreach (var (site, watts) in new[] { ("near", 900.0), ("far", 1000.0), ("parts", 0.0) })
        {
            hall.Site(site, 1.25, "llm-*").Board(site, $"{site}-n", 0, 200, "llm-0").Engine(site, "llm-0", 40);
            if (watts > 0)
                hall.Server(site, $"{site}-n", watts);
            else
                hall.Package(site, $"{site}-n", 150);
        }
        var told = hall.Tell();

        Assert.Equal([("near", 28.125), ("far", 31.25)], told.Ranked().Take(2).Select(row => (row.Workload, row.PerUnit)));
        Assert.Equal((CoverKinds.Wall, CoverKinds.Components), (told.Row("near").CoverKinds, told.Row("parts").CoverKinds));
        // 350 x 1.25 / 40, and as its own kind.
        Assert.Equal(10.9375, told.Row("parts")[Ratios.JoulesPerUnit]!.Value, 1e-6);
    }

    [Fact]
    public void A_grid_of_which_little_is_known_does_not_win_for_certain()
    {
        // 4,000 W for 500 tokens a second, PUE 1.1: 4.4 kWh and 1,800,000 tokens. 200 g a kWh, 100 to 300, beside 230 g, 225 to 235.
        var hall = new Hall { Factors = FactorBook.Published.With([Grid("wide", 200, 100, 300), Grid("narrow", 230, 225, 235)]) };
        foreach (var site in new[] { "wide", "narrow" })
            hall.Site(site, 1.1, "llm-*")
                .Server(site, $"{site}-n", 4000)
                .Board(site, $"{site}-n", 0, 600, "llm-0")
                .Engine(site, "llm-0", 500);
        var told = hall.Tell();

        Assert.Equal(
            [("wide", Math.Round(880 / 1.8e6, 6), false), ("narrow", Math.Round(1012 / 1.8e6, 6), false)],
            told.Ranked(RankedBy.Carbon)
        );
        // 440 to 1,320 g and 990 to 1,034 g, and a twentieth of the meter.
        Assert.Equal(
            [(418, 1386), (940.5, 1085.7)],
            new[] { told.Row("wide"), told.Row("narrow") }.Select(row =>
                (Math.Round(row[MatchedSums.Operational.Low!]!.Value, 6), Math.Round(row[MatchedSums.Operational.High!]!.Value, 6))
            )
        );
    }

    [Fact]
    public void Two_pods_on_a_board_at_the_same_time_share_it()
    {
        var hall = new Hall().Site("a", 1.25, "llm-*").Workload("batch", "a", "batch-*");
        hall.Board("a", "n1", 0, 400, "llm-0").Board("a", "n1", 0, 400, "batch-0");
        var told = hall.Tell();

        // 400 W for an hour, half of it each's.
        Assert.Equal(720_000, told.Joules("a", Measures.Accelerator), 1.0);
        Assert.Equal(720_000, told.Joules("batch", Measures.Accelerator), 1.0);
        Assert.All(told.Rows, row => Assert.Equal(1, row[Ratios.AcceleratorCoverage]));
    }

    [Fact]
    public void All_that_a_board_drew_without_load_and_without_work_was_idle()
    {
        (string, string)[] board =
        [
            ("UUID", "GPU-n1-0"),
            ("gpu", "0"),
            ("Hostname", "n1"),
            ("modelName", "NVIDIA H100 80GB HBM3"),
            ("pod", "llm-0"),
            ("namespace", "serving"),
        ];
        var row = new Hall()
            .Site("a", 1.25, "llm-*")
            .Board("a", "n1", 0, 80, "llm-0")
            .Level("a", "DCGM_FI_DEV_GPU_UTIL", 0, board)
            .Level("a", "DCGM_FI_PROF_GR_ENGINE_ACTIVE", 0, board)
            .Engine("a", "llm-0", 0)
            .Tell()
            .Row("a");

        // 80 W for an hour.
        Assert.Equal(288_000, row[Measures.Accelerator]!.Value, 1.0);
        Assert.Equal(288_000, row[Measures.Idle]!.Value, 1.0);
        Assert.Equal(0, row[Measures.Units]);
        Assert.Null(row[Ratios.JoulesPerUnit]);
    }

    [Fact]
    public void Of_a_machine_of_which_every_board_is_read_each_has_its_part_of_the_rest()
    {
        // Eight boards of 450 W in 5,200 W: 450 + (5,200 - 3,600) / 8 = 650 W. For 65 tokens a second, PUE 1.25: 12.5 J.
        var hall = new Hall().Site("a", 1.25, "llm-*", "DGX H100").Server("a", "n1", 5200).Engine("a", "llm-0", 65);
        for (var board = 0; board < 8; board++)
            hall.Board("a", "n1", board, 450, board == 0 ? "llm-0" : $"other-{board}");
        var told = hall.Tell();

        Assert.Equal(12.5, told.Row("a")[Ratios.JoulesPerUnit]!.Value, 1e-3);
        // The other seven: 7 x 650 W for an hour.
        Assert.Equal(16_380_000, told.Joules(Workload.Unattributed.Name, Measures.Server), 10.0);
        // An eighth of 7,012 kg over three years of 365 days: 33.35 g in the hour.
        Assert.Equal(33.35, told.Row("a")[Measures.Embodied]!.Value, 0.05);
    }

    [Theory]
    [InlineData("a", "job", "service-monitor")]
    [InlineData("a", "prometheus_replica", "prometheus-1")]
    [InlineData("b", "pod", "llm-0")]
    public void An_engine_that_is_scraped_twice_counts_once(string source, string label, string value)
    {
        // The same count, read nine seconds later under another label or by another source: 80 tokens a second, 288,000 in the hour.
        var hall = new Hall().Site("a", 1.25).Twin("b", "a").Server("a", "n1", 1600);
        foreach (var (reader, late, labels) in new[] { ("a", 0.0, ("pod", "llm-0")), (source, 9.0, (label, value)) })
            hall.Samples(
                reader,
                "vllm:generation_tokens_total",
                [("model_name", "org/one"), ("instance", "llm-0:8000"), labels],
                Enumerable.Range(-5, 71).Select(minute => (minute + late / 60, Uneven(60 * minute + late)))
            );
        var row = hall.Tell().Row("a");

        Assert.Equal(288_000, row[Measures.Units]!.Value, 300.0);
        Assert.Equal(25, row[Ratios.JoulesPerUnit]!.Value, 0.05);
    }

    [Fact]
    public void A_new_pod_every_six_minutes_counts_from_its_start()
    {
        // Each begins on the sixth minute with 80 tokens a second, and is scraped every 20 s from its fifteenth second on until it goes.
        var hall = new Hall().Site("a", 1.25).Server("a", "n1", 1600);
        for (var pod = -3; pod < 12; pod++)
        {
            var start = 6.0 * pod;
            hall.Samples(
                "a",
                "vllm:generation_tokens_total",
                [("pod", $"llm-{pod + 3}"), ("instance", $"10.0.0.{pod + 10}:8000")],
                Enumerable.Range(0, 18).Select(scrape => (start + (15 + 20 * scrape) / 60.0, 80.0 * (15 + 20 * scrape)))
            );
        }
        var row = hall.Tell().Row("a");

        // 10 x 355 x 80 tokens: all from each start to the last scrape, 5 s before the end. First samples as baselines leave 272,000.
        Assert.InRange(row[Measures.Units]!.Value, 283_000, 288_000);
        Assert.InRange(row[Ratios.JoulesPerUnit]!.Value, 24.9, 25.4);
    }

    [Fact]
    public void A_day_divides_what_is_known_of_each_boundary()
    {
        // A board of 500 W and 4 tokens a second all day; a server of 900 W, PUE 1.2, whose meter is there for eight hours.
        var row = new Hall { Hours = 24, Step = 5 }
            .Site("a", 1.2, "llm-*")
            .Board("a", "n1", 0, 500, "llm-0")
            .Server("a", "n1", 900, (-5, 480))
            .Engine("a", "llm-0", 4)
            .Tell()
            .Row("a");

        Assert.Equal(345_600, row[Measures.Units]!.Value, 1e-3);
        Assert.Equal([125, 225, 270], Ratio(row, Ratios.AcceleratorJoulesPerUnit, Ratios.ServerJoulesPerUnit, Ratios.JoulesPerUnit));
        Assert.Equal([1, 0.333333, 0.333333], Ratio(row, Ratios.AcceleratorCoverage, Ratios.FacilityCoverage, Ratios.Coverage));
    }

    [Fact]
    public void A_day_of_which_everything_is_known_is_the_sum_of_its_hours()
    {
        var row = new Hall { Hours = 24, Step = 5 }
            .Site("a", 1.2, "llm-*")
            .Board("a", "n1", 0, 500, "llm-0")
            .Server("a", "n1", 900)
            .Engine("a", "llm-0", 4)
            .Tell()
            .Row("a");

        // 900 W x 1.2 x 86,400 s.
        Assert.Equal(93_312_000, row[Measures.Facility]!.Value, 10.0);
        Assert.Equal([270, 1], Ratio(row, Ratios.JoulesPerUnit, Ratios.Coverage));
    }

    private static Hall Serving(params (double, double)[] powered) =>
        new Hall()
            .Site("a", 1.25, "llm-*")
            .Server("a", "n1", 1600, powered)
            .Board("a", "n1", 0, 400, "llm-0", powered)
            .Engine("a", "llm-0", 80);

    /// <summary>80 tokens a second in the mean, a half more and a half less by turns of three minutes.</summary>
    private static double Uneven(double second)
    {
        var whole = Math.Floor(second / 360);
        var rest = second - 360 * whole;
        return 5_000_000 + 28_800 * whole + (rest < 180 ? 120 * rest : 21_600 + 40 * (rest - 180));
    }

    private static double[] Ratio(PeriodSums row, params Ratio[] ratios) =>
        [.. ratios.Select(ratio => Math.Round(row[ratio] ?? double.NaN, 6))];

    private static Factor Grid(string site, double grams, double low, double high) =>
        Known.Factor(FactorKind.GridIntensity, grams, FactorMethod.LocationAverage, $"onprem/{site}") with
        {
            Range = new Bounds(low, high),
        };
}
