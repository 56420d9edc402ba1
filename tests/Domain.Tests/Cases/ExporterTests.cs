using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Xunit;

namespace Metrics.Domain.Tests.Cases;

/// <summary>What exporters write of boards, servers and racks, right and wrong, through the whole chain.</summary>
public sealed class ExporterTests
{
    [Fact]
    public void Rows_that_name_a_machine_alike_meet()
    {
        // 200 W of the board and 90 W of the package for 100 tokens a second: 2.9 J.
        var row = new Hall()
            .Site("a", 1, "llm-*")
            .Board("a", "gpu-3", 0, 200, "llm-0")
            .Count("a", "node_rapl_package_joules_total", 90, [("index", "0"), ("node", "gpu-3")])
            .Engine("a", "llm-0", 100)
            .Tell()
            .Row("a");

        Assert.Equal(2.9, row[Ratios.JoulesPerUnit]!.Value, 1e-6);
    }

    [Fact]
    public void Boards_of_a_guest_without_serial_numbers_are_told_apart_by_their_ids()
    {
        var hall = new Hall().Site("a", 1);
        for (var board = 0; board < 4; board++)
            hall.Level(
                "a",
                "gpu_package_power",
                400 + board,
                [("card_model", ""), ("gpu_id", $"{board}"), ("gpu_partition_id", "0"), ("hostname", "vm-1"), ("serial_number", "")]
            );
        var told = hall.Tell();

        // 400 + 401 + 402 + 403 W for an hour.
        Assert.Equal(1606 * 3600.0, told.Joules("a", Measures.Accelerator), 1.0);
        Assert.Empty(told.Facts.Rejections);
    }

    [Fact]
    public void A_meter_that_shows_all_ones_leaves_the_server_unknown_and_the_board_known()
    {
        // 2^32 - 1 mW beside a board of 250 W and a package of 100 W.
        var told = new Hall()
            .Site("a", 1, "llm-*")
            .Board("a", "n1", 0, 250, "llm-0")
            .Package("a", "n1", 100)
            .Level(
                "a",
                "node_hwmon_power_average_watt",
                4294967.295,
                [("chip", "lnxsybus:00_acpi000d:00"), ("sensor", "power1"), ("instance", "n1:9100")]
            )
            .Engine("a", "llm-0", 100)
            .Tell();

        Assert.Equal(900_000, told.Joules("a", Measures.Accelerator), 1.0);
        Assert.Equal(2.5, told.Row("a")[Ratios.AcceleratorJoulesPerUnit]!.Value, 1e-6);
        Assert.Equal((null, null), (told.Row("a")[Measures.Server], told.Row("a")[Ratios.JoulesPerUnit]));
        Assert.Contains(told.Facts.Rejections, one => one.Reason == RejectionReason.ImplausibleValue);
        Assert.True(told.Row("a").Missing.HasFlag(MissingReasons.ImplausibleValue));
    }

    [Fact]
    public void What_is_large_and_real_is_believed()
    {
        // A rack of 96 kW, and in it a server of 11.2 kW with eight boards of 1 kW and 800 tokens a second: 14 J.
        var hall = new Hall()
            .Site("a", 1, "llm-*")
            .Workload("racks", "a", null)
            .Level("a", "idrac_pdu_power_watts", 96_000, [("id", "1"), ("instance", "pdu-1")])
            .Server("a", "n1", 11_200)
            .Engine("a", "llm-0", 800);
        for (var board = 0; board < 8; board++)
            hall.Level(
                "a",
                "DCGM_FI_DEV_POWER_USAGE",
                1000,
                [("UUID", $"GPU-{board}"), ("gpu", $"{board}"), ("Hostname", "n1"), ("modelName", "NVIDIA B300"), ("pod", "llm-0")]
            );
        var told = hall.Tell();

        Assert.DoesNotContain(told.Facts.Rejections, one => one.Reason == RejectionReason.ImplausibleValue);
        Assert.Equal(345_600_000, told.Facts.Energy.Sum(fact => fact[Measures.Rack] ?? 0), 100.0);
        Assert.Equal(40_320_000, told.Facts.Energy.Sum(fact => fact[Measures.Server] ?? 0), 100.0);
    }

    [Fact]
    public void Watts_are_read_in_the_units_and_names_of_each_exporter_and_limits_are_not()
    {
        // 180,000 mW of a board under a limit of 400 W, 700 W of its server, 70 tokens a second: 10 J.
        (string, string)[] board = [("minor_number", "0"), ("uuid", "GPU-1"), ("name", "NVIDIA A100-SXM4-40GB"), ("instance", "n1:9445")];
        var told = new Hall()
            .Site("a", 1)
            .Level("a", "nvidia_gpu_power_usage_milliwatts", 180_000, board)
            .Level("a", "nvidia_gpu_power_limit_milliwatts", 400_000, board)
            .Level("a", "DCGM_FI_DEV_POWER_MGMT_LIMIT", 400, [("UUID", "GPU-1"), ("Hostname", "n1")])
            .Level("a", "ceems_ipmi_dcmi_power_current_watts", 700, [("hostname", "n1"), ("instance", "n1:9010")])
            .Engine("a", "llm-0", 70)
            .Tell();

        Assert.Equal(648_000, told.Joules("a", Measures.Accelerator), 1.0);
        Assert.Equal(10, told.Row("a")[Ratios.JoulesPerUnit]!.Value, 1e-6);
    }

    [Fact]
    public void The_inlet_of_a_rack_is_the_racks_and_no_servers()
    {
        var told = new Hall()
            .Site("a", 1.5)
            .Level("a", "inletActivePower", 3000, [("pduId", "1"), ("inletId", "1"), ("instance", "pdu-7")])
            .Tell();

        Assert.Equal(10_800_000, told.Joules("a", Measures.Rack), 1.0);
        Assert.Equal(0, told.Joules("a", Measures.Server));
    }

    [Theory]
    [InlineData("generation_tokens_total", "model_name", 7, 25_200)]
    [InlineData("dynamo_frontend_output_tokens_total", "model", 11, 39_600)]
    [InlineData("trtllm_generation_tokens_total", "model_name", 13, 46_800)]
    public void Output_tokens_have_a_name_in_each_engine(string metric, string label, double perSecond, double tokens)
    {
        var told = new Hall().Site("a", 1).Count("a", metric, perSecond, [(label, "org/one"), ("instance", "n1:8000")]).Tell();

        Assert.Equal(tokens, told.Row("a")[Measures.Units]!.Value, 1e-3);
    }

    [Theory]
    [InlineData("10.10.0.4", "10.10.0.4")]
    [InlineData("n1", "n1.example")]
    public void A_server_that_shows_less_than_its_board_is_no_server_and_never_first(string host, string instance)
    {
        // 0 W beside a board of 300 W. The other draws 480 W for 100 tokens a second, PUE 1: 4.8 J.
        var told = new Hall()
            .Site("dead", 1, "llm-*")
            .Board("dead", host, 0, 300, "llm-0")
            .Server("dead", instance, 0)
            .Engine("dead", "llm-0", 100)
            .Site("sound", 1, "llm-*")
            .Board("sound", "m1", 0, 300, "llm-0")
            .Server("sound", "m1", 480)
            .Engine("sound", "llm-0", 100)
            .Tell();

        Assert.Equal(("sound", 4.8), (told.Ranked()[0].Workload, told.Ranked()[0].PerUnit));
        Assert.Null(told.Row("dead")[Ratios.JoulesPerUnit]);
        Assert.Contains(told.Facts.Rejections, one => one.Reason == RejectionReason.LessThanItsParts);
    }
}
