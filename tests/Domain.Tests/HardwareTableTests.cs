using Metrics.Domain.Factors;
using Metrics.Domain.Quantities;
using Xunit;

namespace Metrics.Domain.Tests;

public sealed class HardwareTableTests
{
    private const string Header = "kind,names,idle_watts,max_watts,method,source,licence,vintage\n";

    [Fact]
    public void The_published_table_names_the_source_of_every_number()
    {
        Assert.Equal(30, HardwareTable.Published.All.Count);
        var h100 = HardwareTable.Published.Accelerator("NVIDIA H100 80GB HBM3")!;
        Assert.Equal((69.9, 700), (h100.Power.Idle.Watts, h100.Power.Max.Watts));
        Assert.Equal(
            ("idle-and-limit", "nvidia_gpu_exporter recorded metrics", "MIT", null),
            (h100.Method, h100.Source, h100.Licence, h100.Vintage)
        );
        Assert.Equal(2026, HardwareTable.Published.VirtualCpu("Ice Lake")!.Vintage);
    }

    [Theory]
    [InlineData("NVIDIA A100-SXM4-80GB", 407.0)]
    [InlineData("nvidia a100-sxm4-80gb", 407.0)]
    [InlineData("A100", 407.0)]
    [InlineData("NVIDIA-A100-SXM4-80GB", 407.0)]
    [InlineData("NVIDIA-H100-80GB-HBM3", 700.0)]
    [InlineData("nvidia-h100-80gb", 700.0)]
    [InlineData("nvidia-h100-mega-80gb", 700.0)]
    [InlineData("nvidia-h200-141gb", 700.0)]
    [InlineData("nvidia-tesla-t4", 71.0)]
    [InlineData("NVIDIA-H100-80GB-HBM3-MIG-1g.10gb", null)]
    [InlineData("MIG 1g.10gb", null)]
    [InlineData("AMD Radeon Pro V520", 229.0)]
    [InlineData("NVIDIA A100-SXM4-80GB MIG 1g.10gb", null)]
    [InlineData("NVIDIA A10", 150.0)]
    [InlineData("NVIDIA A10-24Q", null)]
    [InlineData("nvidia-l4", 72.0)]
    [InlineData("NVIDIA L40S", 350.0)]
    [InlineData("NVIDIA H100 NVL", 310.0)]
    [InlineData("AMD Instinct MI300X", 750.0)]
    [InlineData("NVIDIA B200", null)]
    [InlineData("NVIDIA H100 PCIe", null)]
    [InlineData("NVIDIA H200 NVL", null)]
    [InlineData("Tesla K80", null)]
    [InlineData("Skylake", null)]
    [InlineData("", null)]
    public void A_board_is_known_by_its_whole_name_or_not_at_all(string name, double? maxWatts) =>
        Assert.Equal(maxWatts, HardwareTable.Published.Accelerator(name)?.Power.Max.Watts);

    [Fact]
    public void A_virtual_CPU_is_no_accelerator()
    {
        Assert.Equal(4.26, HardwareTable.Published.VirtualCpu("skylake")?.Power.Max.Watts);
        Assert.Null(HardwareTable.Published.VirtualCpu("A100"));
    }

    [Fact]
    public void A_reported_limit_beats_the_table()
    {
        var a10g = HardwareTable.Published.Accelerator("NVIDIA A10G")!.Power;

        Assert.Equal(153, a10g.Under(null).At(1).Watts);
        Assert.Equal(300, a10g.Under(Power.FromWatts(300)).At(1).Watts);
        Assert.Equal(159, a10g.Under(Power.FromWatts(300)).At(0.5).Watts);
        Assert.Equal(18, a10g.Under(Power.FromWatts(300)).At(0).Watts);
    }

    [Theory]
    [InlineData(17.9)]
    [InlineData(0)]
    [InlineData(-300)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void A_limit_that_cannot_be_is_refused(double watts) =>
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            HardwareTable.Published.Accelerator("NVIDIA A10G")!.Power.Under(Power.FromWatts(watts))
        );

    [Theory]
    [InlineData(-0.01)]
    [InlineData(1.8)]
    [InlineData(double.NaN)]
    public void A_utilisation_out_of_range_has_no_power(double utilisation) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new PowerRange(Power.FromWatts(10), Power.FromWatts(100)).At(utilisation));

    [Fact]
    public void A_range_of_power_begins_at_rest()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new PowerRange(Power.FromWatts(-1), Power.FromWatts(100)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PowerRange(Power.FromWatts(0), Power.FromWatts(0)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PowerRange(Power.FromWatts(101), Power.FromWatts(100)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PowerRange(Power.FromWatts(1), Power.FromWatts(double.NaN)));
    }

    [Fact]
    public void Every_fault_is_listed_with_its_line_and_column()
    {
        const string text =
            "# made by hand\n"
            + Header
            + "accelerator,X1,,700,m,s,l,2024\n"
            + "accelerator,X2,10,,m,s,l,2024\n"
            + "accelerator,X3,-5,700,m,s,l,2024\n"
            + "accelerator,X4,10,700000,m,s,l,2024\n"
            + "accelerator,X5,ten,NaN,m,s,l,2024\n"
            + "accelerator,X6,70,7,m,s,l,2024\n"
            + "gpu,X7,10,100,m,s,l,24\n"
            + "accelerator,,10,100,,,,2024\n"
            + "accelerator,X8,10,100,m,s,l\n"
            + "accelerator,\"X9\",10,100,m,s,l,2024\n"
            + "accelerator,Y1|NVIDIA Y2,10,100,m,s,l,2024\n"
            + "accelerator,y2,10,100,m,s,l,2024\n"
            + "accelerator,Y3,0,0,m,s,l,\n";

        var errors = Assert.Throws<FactorException>(() => HardwareTable.Read("mine.csv", text)).Errors;

        Assert.Equal(
            [
                "mine.csv: line 3: idle_watts: is blank, which is not zero; write the watts of one board or one virtual CPU, or "
                    + "leave the hardware out",
                "mine.csv: line 4: max_watts: is blank, which is not zero; write the watts of one board or one virtual CPU, or "
                    + "leave the hardware out",
                "mine.csv: line 5: idle_watts: -5 W is not from zero to 10000 W; write the watts of one board or one virtual CPU",
                "mine.csv: line 6: max_watts: 700000 W is not above zero and at most 10000 W; write the watts of one board or one "
                    + "virtual CPU",
                "mine.csv: line 7: idle_watts: 'ten' is not a number; write it as 12.5",
                "mine.csv: line 7: max_watts: 'NaN' is not a number; write it as 12.5",
                "mine.csv: line 8: idle_watts: 70 is above the 7 of max_watts; hardware at rest draws no more than under load",
                "mine.csv: line 9: kind: 'gpu' is not one of: accelerator, vcpu; use one of them",
                "mine.csv: line 9: vintage: '24' is not a year from 1990 to 2100; write it with four digits, or leave it blank "
                    + "when it is unknown",
                "mine.csv: line 10: names: is blank; write it",
                "mine.csv: line 10: method: is blank; write it",
                "mine.csv: line 10: source: is blank; write it",
                "mine.csv: line 10: licence: is blank; write it",
                "mine.csv: line 11: has 7 values for 8 columns; write one for each, and none with a comma",
                "mine.csv: line 12: holds a quote; write values without quotes and commas",
                "mine.csv: line 14: names: 'y2' is given twice; keep one",
                "mine.csv: line 15: max_watts: 0 W is not above zero and at most 10000 W; write the watts of one board or one virtual CPU",
            ],
            errors
        );
    }

    [Fact]
    public void Columns_are_known_and_whole()
    {
        var errors = Assert
            .Throws<FactorException>(() =>
                HardwareTable.Read("mine.csv", "kind,names,idle_watts,idle_watts,watts,method,source,licence\naccelerator,X\n")
            )
            .Errors;

        Assert.Equal(
            [
                "mine.csv: line 1: column 'max_watts' is missing; add it",
                "mine.csv: line 1: column 'vintage' is missing; add it",
                "mine.csv: line 1: column 'watts' is not known; known are: kind, names, idle_watts, max_watts, method, source, "
                    + "licence, vintage",
                "mine.csv: line 1: column 'idle_watts' is given twice; keep one",
            ],
            errors
        );
        Assert.Equal(
            ["empty.csv: has no columns; begin with the line kind,names,idle_watts,max_watts,method,source,licence,vintage"],
            Assert.Throws<FactorException>(() => HardwareTable.Read("empty.csv", "# nothing\n")).Errors
        );
    }

    [Fact]
    public void Columns_stand_in_any_order_and_lines_end_in_either_way()
    {
        var table = HardwareTable.Read(
            "mine.csv",
            "\uFEFFvintage,licence,source,method,max_watts,idle_watts,names,kind\r\n,CC0,ours,meter,1e2,0,X1|X2,accelerator\r\n"
        );

        Assert.Equal(100, table.Accelerator("X2")?.Power.Max.Watts);
        Assert.Equal(0, table.Accelerator("X1")?.Power.Idle.Watts);
        Assert.Single(table.All);
    }

    [Fact]
    public void An_operators_table_stands_over_the_published_one()
    {
        var both = HardwareTable.Read("mine.csv", Header + "accelerator,A10G,25.6,300,meter,ours,CC0,2026\n").Over(HardwareTable.Published);

        Assert.Equal((25.6, 300), (both.Accelerator("NVIDIA A10G")!.Power.Idle.Watts, both.Accelerator("NVIDIA A10G")!.Power.Max.Watts));
        Assert.Equal(71, both.Accelerator("Tesla T4")?.Power.Max.Watts);
    }
}
