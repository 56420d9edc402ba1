using Metrics.Domain.Catalogue;
using Metrics.Domain.Factors;
using Metrics.Domain.Messages;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Normalisation;

/// <summary>The most that what a series speaks of can draw or do, and who says so. It refuses what is impossible, not what is
/// unusual.</summary>
/// <param name="PerSecond">Watts; of work units a second.</param>
/// <param name="Origin">Where the number comes from, as a message ends: <c>by the mapping prometheus/dcgm-power</c>.</param>
internal readonly record struct Ceiling(double PerSecond, string Origin)
{
    /// <summary>Room above the watts of the hardware table: boosts, raised limits, and boards of one name with another limit.</summary>
    public const double HardwareRoom = 2;

    /// <summary>Seconds that a counter can have counted: longer than any meter has lived.</summary>
    public const double LifeSeconds = 1e9;

    /// <summary>Units of work a second of one series: a thousand times what the largest known service does.</summary>
    private const double Work = 1e9;

    /// <summary>The ceiling of a series: that of its mapping, else of its board in the table of hardware, else of its component.</summary>
    /// <param name="mapping">What the series means.</param>
    /// <param name="labels">Its labels, which may name a board.</param>
    /// <param name="hardware">The table of hardware; null where none is at hand.</param>
    public static Ceiling Of(MetricMapping mapping, Labels labels, HardwareTable? hardware)
    {
        if (mapping.Ceiling is { } own)
            return new Ceiling(own, $"by the mapping {mapping.Id}");
        if (mapping.Unit.Quantity == Quantity.Work)
            return new Ceiling(Work, "of any count of work");
        var component = mapping.Component == Component.None ? Component.Node : mapping.Component;
        var (kind, one) = (mapping.Resource.Kind, mapping.Resource.Part.Count > 0);
        var isBoard = component == Component.Accelerator && !mapping.Share && kind is not ("node" or "vm" or "endpoint" or "instance");
        if (isBoard && hardware is not null)
        {
            foreach (var label in mapping.Resource.Hardware)
            {
                if (labels[label] is { } name && hardware.Accelerator(name) is { } board)
                    return new Ceiling(
                        board.Power.Max.Watts * HardwareRoom,
                        $"twice the {MessageText.Show(board.Power.Max.Watts)} W of {board.Name} in the table of hardware"
                    );
            }
        }
        return component switch
        {
            // Boards of 1,400 W are sold and of 3,600 W announced.
            Component.Accelerator when isBoard => new Ceiling(5_000, "of any board"),
            Component.Cpu or Component.Core or Component.Uncore when one => new Ceiling(2_500, "of any processor"),
            Component.Memory when one => new Ceiling(2_500, "of the memory of any processor"),
            Component.Cpu or Component.Core or Component.Uncore => new Ceiling(20_000, "of the processors of any server"),
            Component.Memory => new Ceiling(20_000, "of the memory of any server"),
            Component.Module => new Ceiling(10_000, "of any module"),
            Component.Psu => new Ceiling(20_000, "of any power supply"),
            Component.Outlet => new Ceiling(50_000, "of any outlet"),
            // Racks of 140 kW are sold and of 600 kW announced.
            Component.Pdu => new Ceiling(1_000_000, "of any power distribution unit"),
            Component.Rack => new Ceiling(1_000_000, "of any rack"),
            _ => new Ceiling(60_000, "of any server"),
        };
    }
}

/// <summary>Registers of which every bit is set, as exporters scale them: a meter without a value, or one that has saturated.</summary>
/// <remarks>
/// A true value meets one of them by chance once in ten thousand samples; it is then left out, and its neighbours are bridged,
/// so that nothing is lost.
/// </remarks>
internal sealed class AllOnes
{
    // Kilo, hecto, deca and micro of the unit, as registers are scaled.
    private static readonly double[] Scales = [1, 10, 100, 1_000, 1_000_000];

    private static readonly (double Low, double High)[] Wide = [.. Of(31, 15), .. Of(32, 15), .. Of(63, 15), .. Of(64, 15)];
    private static readonly (double Low, double High)[] Narrow = [.. Of(16, 0).Take(4)];

    private readonly (double Low, double High)[] ranges;

    // A bit for each binary exponent, modulo 64, that a range has: nearly every value is passed by this alone.
    private readonly ulong exponents;

    private AllOnes((double Low, double High)[] ranges)
    {
        this.ranges = ranges;
        foreach (var (low, high) in ranges)
            exponents |= Bit(low) | Bit(high);
    }

    /// <summary>Those below a value, from which on everything is refused anyway. Sixteen bits of a counter are no sign: it passes
    /// there.</summary>
    public static AllOnes Below(double most, MetricMapping mapping) =>
        mapping.Unit.Quantity switch
        {
            Quantity.Utilisation => new AllOnes([]),
            Quantity.Power => new AllOnes([.. Wide.Concat(Narrow).Where(range => range.Low <= most)]),
            Quantity.Work => new AllOnes([.. Wide.Where((range, at) => range.Low <= most && at % Scales.Length == 0)]),
            _ => new AllOnes([
                .. Wide.Where(range => range.Low <= most && !(mapping.WrapsAt >= range.Low && mapping.WrapsAt <= range.High * 1.000001)),
            ]),
        };

    public bool Holds(double value)
    {
        if ((exponents & Bit(value)) == 0)
            return false;
        foreach (var (low, high) in ranges)
            if (value >= low && value <= high)
                return true;
        return false;
    }

    private static ulong Bit(double value) => 1UL << (int)((BitConverter.DoubleToInt64Bits(value) >> 52) & 63);

    /// <summary>A register of so many bits in each scale; drivers use the last values below all ones for reasons of having none.</summary>
    private static IEnumerable<(double Low, double High)> Of(int bits, int reasons)
    {
        var ones = Math.Pow(2, bits) - 1;
        foreach (var scale in Scales)
            yield return ((ones - reasons) / scale * (1 - 1e-12), ones / scale * (1 + 1e-12));
    }
}
