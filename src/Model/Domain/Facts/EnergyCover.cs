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

/// <summary>What the energy of servers is made of: covers that mean the same. Stored by number.</summary>
[Flags]
public enum CoverKinds
{
    /// <summary>No server's energy is known.</summary>
    None = 0,

    /// <summary>A meter of the whole machine, of its supplies or of its module.</summary>
    Wall = 1,

    /// <summary>Meters of components, added up: less than the machine.</summary>
    Components = 2,

    /// <summary>A model of the machine, or an estimate from its work.</summary>
    Model = 4,
}

/// <summary>By what idle energy is told. Stored by number.</summary>
[Flags]
public enum IdleMeans
{
    /// <summary>It is not told.</summary>
    None = 0,

    /// <summary>By a meter of load.</summary>
    Load = 1,

    /// <summary>By the work that was done: a period without any was idle.</summary>
    Work = 2,
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

    /// <summary>What kind it is of: what may be ranked with each other.</summary>
    public static CoverKinds Kind(this EnergyCover cover) =>
        cover switch
        {
            EnergyCover.Node or EnergyCover.Psu or EnergyCover.Module => CoverKinds.Wall,
            EnergyCover.HostModel or EnergyCover.HostModelAndAccelerator or EnergyCover.Estimate => CoverKinds.Model,
            EnergyCover.Accelerator or EnergyCover.Outlet or EnergyCover.Pdu or EnergyCover.Rack => CoverKinds.None,
            _ => CoverKinds.Components,
        };

    /// <summary>The word for what a period's servers were made of: of several the one that holds least. Null for none.</summary>
    public static string? Word(this CoverKinds kinds) =>
        kinds.HasFlag(CoverKinds.Model) ? "model"
        : kinds.HasFlag(CoverKinds.Components) ? "components"
        : kinds.HasFlag(CoverKinds.Wall) ? "wall"
        : null;
}
