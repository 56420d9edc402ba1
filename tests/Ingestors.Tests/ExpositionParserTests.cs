using System.Globalization;
using System.Text;
using Metrics.Domain.Observations;
using Metrics.Ingestors.Providers;
using Metrics.Ingestors.Providers.Exporter;
using Xunit;

namespace Metrics.Ingestors.Tests;

public sealed class ExpositionParserTests
{
    private static readonly string[] Wanted =
    [
        "m",
        "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION",
        "DCGM_FI_DEV_POWER_USAGE",
        "nvidia_smi_energy_joules_total",
        "gpu_energy_consumed",
        "gpu_package_power",
        "node_rapl_package_joules_total",
        "kepler_node_cpu_joules_total",
        "scaph_host_power_microwatts",
        "ipmi_dcmi_power_consumption_watts",
        "vllm:prompt_tokens_total",
        "sglang:generation_tokens_total",
        "nv_energy_consumption",
        "llamacpp:tokens_predicted_total",
        "hw_energy_joules_total",
        "hw.energy",
    ];

    private readonly ExpositionParser parser = new("http://gpu-1:9400/metrics", "prometheus", Wanted, null, new SeriesPool("rack-7", 1000));

    private ObservationBatch Parse(string page, ExpositionFormat format = ExpositionFormat.Text) =>
        Parse(Encoding.UTF8.GetBytes(page), format);

    private ObservationBatch Parse(byte[] page, ExpositionFormat format = ExpositionFormat.Text)
    {
        var answer = new ObservationBatch("rack-7");
        parser.Parse(page, format, Some.Noon, answer);
        return answer;
    }

    private string Only(string page, ExpositionFormat format = ExpositionFormat.Text)
    {
        var answer = Parse(page, format);
        Assert.Equal(0, answer.Rejected);
        return Some.Line(Assert.Single(answer.Observations));
    }

    private static Rejection Refusal(ObservationBatch answer) => Assert.Single(answer.Pages().Single().Rejections);

    [Theory]
    [InlineData(
        """DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu="0",UUID="GPU-00000000-0000-4000-8000-00000000000a",pci_bus_id="00000000:1B:00."""
            + """0",device="nvidia0",modelName="NVIDIA H100 80GB HBM3",Hostname="node-a",container="srv",namespace="inf","""
            + """pod="llm-0"} 812345678901""",
        """DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{Hostname="node-a",UUID="GPU-00000000-0000-4000-8000-00000000000a",container="srv","""
            + """device="nvidia0",gpu="0",modelName="NVIDIA H100 80GB HBM3",namespace="inf",pci_bus_id="00000000:1B:00.0","""
            + """pod="llm-0"} 12:00:00 812345678901"""
    )]
    [InlineData(
        """DCGM_FI_DEV_POWER_USAGE{gpu="0",UUID="GPU-…0a"} 431.250000""",
        """DCGM_FI_DEV_POWER_USAGE{UUID="GPU-…0a",gpu="0"} 12:00:00 431.25"""
    )]
    [InlineData(
        """nvidia_smi_energy_joules_total{uuid="00000000-0000-4000-8000-00000000000a"} 8.12345678901e+08""",
        """nvidia_smi_energy_joules_total{uuid="00000000-0000-4000-8000-00000000000a"} 12:00:00 812345678.901"""
    )]
    [InlineData(
        """gpu_energy_consumed{card_model="102-G30211-00",gpu_id="0"} 5.12e+14""",
        """gpu_energy_consumed{card_model="102-G30211-00",gpu_id="0"} 12:00:00 512000000000000"""
    )]
    [InlineData("""gpu_package_power{gpu_id="0"} 612""", """gpu_package_power{gpu_id="0"} 12:00:00 612""")]
    [InlineData(
        """node_rapl_package_joules_total{index="0",path="/sys/class/powercap/intel-rapl:0"} 240422.366267""",
        """node_rapl_package_joules_total{index="0",path="/sys/class/powercap/intel-rapl:0"} 12:00:00 240422.366267"""
    )]
    [InlineData(
        """kepler_node_cpu_joules_total{node_name="node-a",path="/sys/class/powercap/intel-rapl:0",zone="package"} 91234.5""",
        """kepler_node_cpu_joules_total{node_name="node-a",path="/sys/class/powercap/intel-rapl:0",zone="package"} 12:00:00 91234.5"""
    )]
    [InlineData(
        """scaph_host_power_microwatts{value_source="powercap_rapl_pkg"} 187000000""",
        """scaph_host_power_microwatts{value_source="powercap_rapl_pkg"} 12:00:00 187000000"""
    )]
    [InlineData("ipmi_dcmi_power_consumption_watts 742", "ipmi_dcmi_power_consumption_watts 12:00:00 742")]
    [InlineData(
        """vllm:prompt_tokens_total{engine="0",model_name="org/model-8b"} 8128902.0""",
        """vllm:prompt_tokens_total{engine="0",model_name="org/model-8b"} 12:00:00 8128902"""
    )]
    [InlineData(
        """sglang:generation_tokens_total{model_name="org/model-8b"} 7.557572e+06""",
        """sglang:generation_tokens_total{model_name="org/model-8b"} 12:00:00 7557572"""
    )]
    [InlineData(
        """nv_energy_consumption{gpu_uuid="GPU-…0a"} 152340.128 1767225600000""",
        """nv_energy_consumption{gpu_uuid="GPU-…0a"} 00:00:00 152340.128"""
    )]
    [InlineData("llamacpp:tokens_predicted_total 90211", "llamacpp:tokens_predicted_total 12:00:00 90211")]
    [InlineData(
        """hw_energy_joules_total{hw_id="gpu0",hw_type="gpu",pci_bdf="0000:3a:00.0"} 90233.4""",
        """hw_energy_joules_total{hw_id="gpu0",hw_type="gpu",pci_bdf="0000:3a:00.0"} 12:00:00 90233.4"""
    )]
    public void The_lines_of_real_exporters_are_read_as_they_stand(string line, string expected) =>
        Assert.Equal(expected, Only($"# HELP x y\n# TYPE x gauge\n{line}\n"));

    [Theory]
    [InlineData("m 1", "m 12:00:00 1")]
    [InlineData("m{} 1", "m 12:00:00 1")]
    [InlineData("m\t{ a = \"b\" , }\t1", "m{a=\"b\"} 12:00:00 1")]
    [InlineData("  m 1  ", "m 12:00:00 1")]
    [InlineData("m 1\r", "m 12:00:00 1")]
    [InlineData("m{a=\"b\"}1", "m{a=\"b\"} 12:00:00 1")]
    [InlineData("m{a=\"}{,\\\"\\\\\\n\"} 1", "m{a=\"}{,\\\"\\\\\\n\"} 12:00:00 1")]
    [InlineData("m{a=\"\\d\"} 1", "m{a=\"\\\\d\"} 12:00:00 1")]
    [InlineData("m{a=\"\"} 1", "m 12:00:00 1")]
    [InlineData("m -0.5e-3", "m 12:00:00 -0.0005")]
    [InlineData("m 1e-400", "m 12:00:00 0")]
    [InlineData("m 12345678901234567890", "m 12:00:00 1.2345678901234567E+19")]
    [InlineData("m 0.1", "m 12:00:00 0.1")]
    [InlineData("m 9007199254740993", "m 12:00:00 9007199254740992")]
    [InlineData("m 1 1767268800250", "m 12:00:00.25 1")]
    [InlineData("m 1 -62135596800000", null)]
    [InlineData("{\"hw.energy\",\"hw.id\"=\"gpu0\"} 5", "hw.energy{hw.id=\"gpu0\"} 12:00:00 5")]
    [InlineData("{\"hw.energy\"} 5", "hw.energy 12:00:00 5")]
    [InlineData("{hw_id=\"gpu0\",\"hw.energy\"} 5", "hw.energy{hw_id=\"gpu0\"} 12:00:00 5")]
    public void Text_is_lexed_as_Prometheus_does(string line, string? expected)
    {
        var answer = Parse(line + "\n");
        if (expected is null)
            Assert.Empty(answer.Observations);
        else
            Assert.Equal([expected], Some.Lines(answer.Observations));
    }

    [Theory]
    [InlineData("m 1 1767268800.250", "m 12:00:00.25 1")]
    [InlineData("m 1 1767268800.1 # {trace_id=\"abc\"} 12.5 1767225600.1", "m 12:00:00.1 1")]
    [InlineData("m 1 # {trace_id=\"abc\"} 12.5", "m 12:00:00 1")]
    [InlineData("m{a=\" # \"} 1 # {} 1", "m{a=\" # \"} 12:00:00 1")]
    public void OpenMetrics_has_seconds_and_exemplars(string line, string expected) =>
        Assert.Equal(expected, Only($"# TYPE m counter\n# UNIT m joules\n{line}\n# EOF\n", ExpositionFormat.OpenMetrics));

    [Theory]
    [InlineData("m{a=\"1\"} x")]
    [InlineData("m{a=\"1\"}")]
    [InlineData("m{a=\"1\" 1")]
    [InlineData("m{a=1} 1")]
    [InlineData("m{1a=\"1\"} 1")]
    [InlineData("m{a=\"1\"b=\"2\"} 1")]
    [InlineData("m{a=\"1\",a=\"2\"} 1")]
    [InlineData("m 1 2 3")]
    [InlineData("m 1 1.5.5")]
    [InlineData("m 1 # {a=\"b\"} 1")]
    [InlineData("m 0x10")]
    [InlineData("m 1_000")]
    [InlineData("1m 1")]
    [InlineData("{\"m\",\"m\"} 1")]
    [InlineData("{a=\"b\"} 1")]
    public void A_bad_line_is_refused_and_the_others_are_read(string line)
    {
        var answer = Parse($"m{{ok=\"1\"}} 1\n{line}\nm{{ok=\"2\"}} 2\n");

        Assert.Equal(["m{ok=\"1\"} 12:00:00 1", "m{ok=\"2\"} 12:00:00 2"], Some.Lines(answer.Observations));
        var refusal = Refusal(answer);
        Assert.Contains(refusal.Reason, new[] { RejectionReason.Malformed, RejectionReason.ImplausibleTimestamp });
        Assert.Equal("rack-7", refusal.Source);
    }

    [Fact]
    public void A_bad_line_is_named_by_its_number_with_what_was_wrong()
    {
        var refusal = Refusal(Parse("m 1\n\n# HELP m x\nm{a=\"b} 2\n"));

        Assert.Equal("line 4", refusal.Subject);
        Assert.Equal(
            "The line cannot be read: its labels do not end. It begins \"m{a=\"b} 2\". Mend the exporter; the other lines are read.",
            refusal.Detail
        );
    }

    [Theory]
    [InlineData("NaN")]
    [InlineData("nan")]
    [InlineData("+Inf")]
    [InlineData("-Inf")]
    [InlineData("Inf")]
    [InlineData("1e400")]
    [InlineData("-1e400")]
    public void A_value_that_no_meter_shows_is_refused_as_not_finite(string value)
    {
        var answer = Parse($"m{{a=\"b\"}} {value}\n");

        Assert.Empty(answer.Observations);
        var refusal = Refusal(answer);
        Assert.Equal((RejectionReason.NotFinite, "m{a=\"b\"}"), (refusal.Reason, refusal.Subject));
        Assert.Contains(value, refusal.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void A_number_of_ten_thousand_digits_is_refused() =>
        Assert.Contains(
            "its value has 10000 characters",
            Refusal(Parse($"m 1\nm{{a=\"b\"}} {new string('9', 10_000)}\n")).Detail,
            StringComparison.Ordinal
        );

    [Fact]
    public void Metrics_that_nobody_asked_for_are_passed_over() =>
        Assert.Equal(
            "m 12:00:00 2",
            Only(
                "go_gc_duration_seconds{quantile=\"0\"} 1\ngo_gc_duration_seconds{quantile=\"1\"} 1\nmm 1\nm "
                    + "2\nm_bucket{le=\"+Inf\"} 1\n{\"other.metric\",\"l\"=\"v\"} 1\n"
            )
        );

    [Fact]
    public void A_known_series_is_the_same_instance_on_every_page()
    {
        var first = Parse("m{a=\"1\",b=\"2\"} 1\n").Observations.Single().Series;
        var again = Parse("m{a=\"1\",b=\"2\"} 2\n").Observations.Single().Series;
        var otherOrder = Parse("m{b=\"2\",a=\"1\"} 3\n").Observations.Single().Series;

        Assert.Same(first, again);
        Assert.Same(first, otherOrder);
    }

    [Fact]
    public void Series_are_told_apart_when_their_order_changes_and_names_are_prefixes()
    {
        Parse("m 1\nm{a=\"1\"} 2\nm{a=\"1\",b=\"2\"} 3\n");

        Assert.Equal(
            ["m{a=\"1\",b=\"2\"} 12:00:00 3", "m 12:00:00 1", "m{a=\"1\"} 12:00:00 2"],
            Some.Lines(Parse("m{a=\"1\",b=\"2\"} 3\nm 1\nm {a=\"1\"} 2\n").Observations)
        );
        Assert.Equal(
            ["m{a=\"1\"} 12:00:00 2", "m{a=\"1\",b=\"2\"} 12:00:00 3"],
            Some.Lines(Parse("m {a=\"1\"} 2\nm{a=\"1\",b=\"2\"} 3\n").Observations)
        );
        Assert.Equal(["m{a=\"1\"} 12:00:00 4"], Some.Lines(Parse("m {a=\"1\"} 4\n").Observations));
    }

    [Fact]
    public void The_same_series_twice_with_the_same_value_is_one()
    {
        Assert.Equal("m{a=\"1\",b=\"2\"} 12:00:00 7", Only("m{a=\"1\",b=\"2\"} 7\nm{b=\"2\",a=\"1\"} 7\n"));
    }

    [Fact]
    public void The_same_series_twice_with_different_values_is_a_conflict_and_neither_counts()
    {
        var answer = Parse("m{a=\"1\"} 7\nm{a=\"2\"} 1\nm{a=\"1\"} 8\nm{a=\"1\"} 7\n");

        Assert.Equal(["m{a=\"2\"} 12:00:00 1"], Some.Lines(answer.Observations));
        var refusal = Refusal(answer);
        Assert.Equal(
            (RejectionReason.ConflictingDuplicate, "m{a=\"1\"}", (DateTime?)Some.Noon),
            (refusal.Reason, refusal.Subject, refusal.At)
        );
        Assert.Contains("7", refusal.Detail, StringComparison.Ordinal);
        Assert.Contains("8", refusal.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void One_series_at_several_times_of_its_own_is_several_samples() =>
        Assert.Equal(["m 11:59:59 1", "m 12:00:00 2"], Some.Lines(Parse("m 1 1767268799000\nm 2 1767268800000\n").Observations));

    [Theory]
    [InlineData("99999999999999999")]
    [InlineData("-99999999999999999")]
    [InlineData("253402300800000")]
    [InlineData("1e12")]
    public void A_time_beyond_the_calendar_is_refused_as_implausible(string timestamp) =>
        Assert.Equal(RejectionReason.ImplausibleTimestamp, Refusal(Parse($"m 1 {timestamp}\n")).Reason);

    [Fact]
    public void A_page_that_ends_inside_a_line_is_truncated_and_nothing_counts()
    {
        var fault = Assert.Throws<SourceException>(() => Parse("m 1\nm{a=\"1\"} 12"));

        Assert.Equal(SourceErrorCode.Truncated, fault.Code);
        Assert.Equal("http://gpu-1:9400/metrics ended in the middle of line 2; nothing of it is stored. It is read again.", fault.Message);
    }

    [Fact]
    public void A_page_that_is_known_to_be_whole_is_read_to_its_end()
    {
        var answer = new ObservationBatch("rack-7");
        parser.Parse("m 1\nm{a=\"1\"} 12"u8, ExpositionFormat.Text, Some.Noon, answer, whole: true);

        Assert.Equal(["m 12:00:00 1", "m{a=\"1\"} 12:00:00 12"], Some.Lines(answer.Observations));
    }

    [Fact]
    public void An_OpenMetrics_page_without_its_end_is_truncated() =>
        Assert.Equal(
            SourceErrorCode.Truncated,
            Assert.Throws<SourceException>(() => Parse("m 1\nm{a=\"1\"} 12\n", ExpositionFormat.OpenMetrics)).Code
        );

    [Fact]
    public void The_end_of_an_OpenMetrics_page_needs_no_line_feed() =>
        Assert.Equal("m 12:00:00 1", Only("m 1\n# EOF", ExpositionFormat.OpenMetrics));

    [Fact]
    public void A_page_that_goes_on_after_its_end_is_none() =>
        Assert.Equal(
            SourceErrorCode.NotMetrics,
            Assert.Throws<SourceException>(() => Parse("m 1\n# EOF\nm 2\n", ExpositionFormat.OpenMetrics)).Code
        );

    [Theory]
    [InlineData("<!doctype html><html><title>Sign in</title>")]
    [InlineData("<!doctype html>\n<html>\n<title>Sign in</title>\n")]
    [InlineData("{\"error\":\"login required\"}\n")]
    [InlineData("Please log in\n")]
    public void What_is_no_metrics_page_is_called_that(string page)
    {
        var fault = Assert.Throws<SourceException>(() => Parse(page));

        Assert.Equal(SourceErrorCode.NotMetrics, fault.Code);
        Assert.Contains(page[..12], fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_page_has_nothing_and_no_zeros()
    {
        Assert.Empty(Parse("").Pages());
        Assert.Empty(Parse("# HELP m x\n# TYPE m gauge\n").Pages());
    }

    [Theory]
    [InlineData("\u0000")]
    public void A_label_with_a_NUL_is_refused(string value) =>
        Assert.Equal(RejectionReason.Malformed, Refusal(Parse($"m 1\nm{{a=\"x{value}\"}} 1\n")).Reason);

    [Fact]
    public void A_label_that_is_not_UTF8_is_refused() =>
        Assert.Contains(
            "not valid UTF-8",
            Refusal(Parse([.. "m 1\nm{a=\""u8, 0xC3, 0x28, .. "\"} 1\n"u8])).Detail,
            StringComparison.Ordinal
        );

    [Fact]
    public void Marks_of_writing_direction_are_kept_as_they_are() =>
        Assert.Equal("m{a=\"\u202Ex\"} 12:00:00 1", Only("m{a=\"\u202Ex\"} 1\n"));

    [Fact]
    public void Too_many_labels_too_long_names_and_values_are_refused_each_for_its_series()
    {
        var many = string.Join(',', Enumerable.Range(0, 5000).Select(i => $"l{i}=\"x\""));
        var answer = Parse(
            $"m{{{many}}} 1\nm{{{new string('n', 257)}=\"x\"}} 1\nm{{v=\"{new string('v', 4097)}\"}} "
                + $"1\nm{{ok=\"{new string('v', 4096)}\"}} 1\n"
        );

        Assert.Single(answer.Observations);
        Assert.Equal(
            [RejectionReason.LimitExceeded, RejectionReason.LimitExceeded, RejectionReason.LimitExceeded],
            answer.Pages().Single().Rejections.Select(one => one.Reason)
        );
        Assert.Contains("'v' has 4097 characters", answer.Pages().Single().Rejections[2].Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_line_of_two_megabytes_is_refused_without_being_held()
    {
        var page = $"m 1\nm{{a=\"{new string('x', 2_000_000)}\"}} 1\nm{{ok=\"1\"}} 2\n";
        var answer = new ObservationBatch("rack-7");
        await parser.ParseAsync(
            new MemoryStream(Encoding.UTF8.GetBytes(page)),
            ExpositionFormat.Text,
            Some.Noon,
            answer,
            whole: false,
            CancellationToken.None
        );

        Assert.Equal(["m 12:00:00 1", "m{ok=\"1\"} 12:00:00 2"], Some.Lines(answer.Observations));
        var refusal = Refusal(answer);
        Assert.Equal((RejectionReason.LimitExceeded, "line 2"), (refusal.Reason, refusal.Subject));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(4096)]
    public async Task A_page_reads_the_same_in_pieces_of_any_size(int size)
    {
        const string Page = "# HELP m x\nm{a=\"1\"} 1\n\nother 5\nm{a=\"2\"} 2\r\nm 3 1767268800000\n# EOF\n";
        var answer = new ObservationBatch("rack-7");
        await parser.ParseAsync(
            new Pieces(Encoding.UTF8.GetBytes(Page), size),
            ExpositionFormat.OpenMetrics,
            Some.Noon,
            answer,
            whole: false,
            CancellationToken.None
        );

        Assert.Equal(["m{a=\"1\"} 12:00:00 1", "m{a=\"2\"} 12:00:00 2"], Some.Lines(answer.Observations.Take(2)));
    }

    [Fact]
    public void A_hundred_thousand_new_label_sets_stop_at_the_limit_and_known_series_go_on()
    {
        var capped = new ExpositionParser("x", "prometheus", ["m"], null, new SeriesPool("rack-7", 1000));
        var before = new ObservationBatch("rack-7");
        capped.Parse("m{gpu=\"0\"} 1\nm{gpu=\"1\"} 2\n"u8, ExpositionFormat.Text, Some.Noon, before);

        var page = new StringBuilder();
        for (var i = 0; i < 100_000; i++)
            page.Append(CultureInfo.InvariantCulture, $"m{{request_id=\"{i}\",gpu=\"{i % 8}\"}} 1\n");
        page.Append("m{gpu=\"0\"} 10\nm{gpu=\"1\"} 20\n");
        var flooded = new ObservationBatch("rack-7");
        capped.Parse(Encoding.UTF8.GetBytes(page.ToString()), ExpositionFormat.Text, Some.Noon, flooded);

        Assert.Equal(1000, flooded.Observations.Count);
        Assert.Equal(["m{gpu=\"0\"} 12:00:00 10", "m{gpu=\"1\"} 12:00:00 20"], Some.Lines(flooded.Observations.TakeLast(2)));
        var refusal = Refusal(flooded);
        Assert.Equal(RejectionReason.LimitExceeded, refusal.Reason);
        Assert.Contains("'request_id'", refusal.Detail, StringComparison.Ordinal);
        Assert.Contains("99002 new ones", refusal.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Series_that_went_away_make_room_for_new_ones()
    {
        var capped = new ExpositionParser("x", "prometheus", ["m"], null, new SeriesPool("rack-7", 2));
        ObservationBatch Page(string text)
        {
            var answer = new ObservationBatch("rack-7");
            capped.Parse(Encoding.UTF8.GetBytes(text), ExpositionFormat.Text, Some.Noon, answer);
            return answer;
        }
        Page("m{pod=\"a\"} 1\nm{pod=\"b\"} 1\n");
        Page("m{pod=\"b\"} 1\n");

        Assert.Equal(
            ["m{pod=\"b\"} 12:00:00 1", "m{pod=\"c\"} 12:00:00 1"],
            Some.Lines(Page("m{pod=\"b\"} 1\nm{pod=\"c\"} 1\n").Observations)
        );
        Assert.Equal(
            ["m{pod=\"c\"} 12:00:00 1", "m{pod=\"b\"} 12:00:00 1"],
            Some.Lines(Page("m{pod=\"c\"} 1\nm{pod=\"b\"} 1\nm{pod=\"a\"} 1\n").Observations)
        );
    }

    [Fact]
    public void Known_series_cost_no_allocation()
    {
        var page = new StringBuilder();
        for (var i = 0; i < 2000; i++)
            page.Append(
                CultureInfo.InvariantCulture,
                $"DCGM_FI_DEV_POWER_USAGE{{gpu=\"{i}\",UUID=\"GPU-{i:D36}\",modelName=\"NVIDIA H100 80GB HBM3\"}} "
                    + $"{400 + i * 0.125}\nDCGM_FI_DEV_SM_CLOCK{{gpu=\"{i}\",UUID=\"GPU-{i:D36}\"}} 1980\n"
            );
        var bytes = Encoding.UTF8.GetBytes(page.ToString());
        var big = new ExpositionParser("x", "prometheus", Wanted, "gpu-1:9400", new SeriesPool("rack-7", 5000));
        var answer = new ObservationBatch("rack-7");
        for (var i = 0; i < 3; i++)
        {
            answer.Observations.Clear();
            big.Parse(bytes, ExpositionFormat.Text, Some.Noon, answer);
        }

        answer.Observations.Clear();
        var before = GC.GetAllocatedBytesForCurrentThread();
        big.Parse(bytes, ExpositionFormat.Text, Some.Noon, answer);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal(2000, answer.Observations.Count);
        Assert.InRange(allocated, 0, 256);
    }

    [Fact]
    public void Twenty_thousand_damaged_pages_never_bring_the_parser_down()
    {
        var random = new Random(7);
        var page = Encoding.UTF8.GetBytes(
            string.Concat(
                "# HELP m x\n# TYPE m gauge\nm{a=\"1\",b=\"x\\\"y\\\\z\\n\"} 1.5 "
                    + "1767268800000\n{\"hw.energy\",\"hw.id\"=\"gpu0\"} 1\nother{a=\"b\"} 3 # {t=\"1\"} 2\n",
                "DCGM_FI_DEV_POWER_USAGE{gpu=\"0\",UUID=\"GPU-1\",modelName=\"NVIDIA H100 80GB HBM3\"} 431.25\nm NaN\nm{} +Inf\n# EOF\n"
            )
        );
        var codes = new HashSet<SourceErrorCode>();
        long read = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = (byte[])page.Clone();
            for (var n = random.Next(1, 6); n > 0; n--)
                bytes[random.Next(bytes.Length)] = random.Next(3) == 0 ? "{}\",=\\\n# \r"u8[random.Next(10)] : (byte)random.Next(256);
            var length = random.Next(2) == 0 ? bytes.Length : random.Next(bytes.Length);
            var answer = new ObservationBatch("rack-7");
            try
            {
                parser.Parse(
                    bytes.AsSpan(0, length),
                    random.Next(2) == 0 ? ExpositionFormat.Text : ExpositionFormat.OpenMetrics,
                    Some.Noon,
                    answer
                );
                read += answer.Observations.Count;
            }
            catch (SourceException exception)
            {
                codes.Add(exception.Code);
            }
        }

        Assert.True(read > 1000);
        Assert.Contains(SourceErrorCode.Truncated, codes);
        Assert.Subset(
            new HashSet<SourceErrorCode> { SourceErrorCode.Truncated, SourceErrorCode.NotMetrics, SourceErrorCode.TooLarge },
            codes
        );
    }

    /// <summary>A stream that gives a few bytes at a time.</summary>
    private sealed class Pieces(byte[] bytes, int size) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(size, buffer.Length)], cancellationToken);
    }
}
