namespace Metrics.Domain.Facts;

/// <summary>What made up the widest boundary of a fact. Stored by number, so a member keeps its own for ever; told as words (see
/// <see cref="EnergyCoverText"/>).</summary>
/// <remarks>In the order of their words: where one resource has facts of two covers, they are joined in this order.</remarks>
public enum EnergyCover
{
    /// <summary>A reading of the accelerator boards alone.</summary>
    Accelerator = 1,

    /// <summary>CPU packages alone.</summary>
    Cpu = 2,

    /// <summary>CPU packages with the accelerators beside them.</summary>
    CpuAndAccelerator = 3,

    /// <summary>CPU packages and memory.</summary>
    CpuAndMemory = 4,

    /// <summary>CPU packages and memory with the accelerators beside them.</summary>
    CpuAndMemoryAndAccelerator = 5,

    /// <summary>A published factor for each unit of work.</summary>
    Estimate = 6,

    /// <summary>A model of the host's type.</summary>
    HostModel = 7,

    /// <summary>A model of the host's type with the accelerators beside it.</summary>
    HostModelAndAccelerator = 8,

    /// <summary>A superchip module.</summary>
    Module = 9,

    /// <summary>The whole machine, by one meter.</summary>
    Node = 10,

    /// <summary>An outlet of a power distribution unit.</summary>
    Outlet = 11,

    /// <summary>A power distribution unit.</summary>
    Pdu = 12,

    /// <summary>The platform (RAPL psys).</summary>
    Platform = 13,

    /// <summary>The platform with the accelerators beside it.</summary>
    PlatformAndAccelerator = 14,

    /// <summary>The inputs of the power supplies.</summary>
    Psu = 15,

    /// <summary>A rack.</summary>
    Rack = 16,

    /// <summary>What shares a machine that nobody meters: pods or containers by themselves.</summary>
    Share = 17,
}

/// <summary>The stable words of <see cref="EnergyCover"/>: <c>cpu+memory+accelerator</c>, <c>host-model</c>.</summary>
public static class EnergyCoverText
{
    private static readonly string[] Words =
    [
        "",
        .. Enum.GetValues<EnergyCover>()
            .Select(cover =>
                cover switch
                {
                    EnergyCover.HostModel => "host-model",
                    EnergyCover.HostModelAndAccelerator => "host-model+accelerator",
                    _ => cover.ToString().Replace("And", "+", StringComparison.Ordinal).ToLowerInvariant(),
                }
            ),
    ];

    /// <summary>The word that it is told by.</summary>
    public static string Word(this EnergyCover cover) => Words[(int)cover];
}
