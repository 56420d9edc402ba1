namespace Metrics.Domain.Quantities;

/// <summary>Which part of a machine room a reading is about.</summary>
public enum Component
{
    /// <summary>Not about power: work.</summary>
    None,

    /// <summary>One GPU, TPU or other accelerator board.</summary>
    Accelerator,

    /// <summary>A CPU package (socket), cores and uncore included.</summary>
    Cpu,

    /// <summary>The cores of a package: inside <see cref="Cpu"/>.</summary>
    Core,

    /// <summary>The uncore part of a package: inside <see cref="Cpu"/>.</summary>
    Uncore,

    /// <summary>DRAM.</summary>
    Memory,

    /// <summary>RAPL psys: the platform; holds <see cref="Cpu"/> and <see cref="Memory"/>.</summary>
    Platform,

    /// <summary>A superchip module: CPU, GPU and their memory on one board.</summary>
    Module,

    /// <summary>A whole server, as its management controller measures it.</summary>
    Node,

    /// <summary>The input of one power supply of a server; they add up to the server.</summary>
    Psu,

    /// <summary>One outlet of a power distribution unit.</summary>
    Outlet,

    /// <summary>A whole power distribution unit.</summary>
    Pdu,

    /// <summary>A rack.</summary>
    Rack,
}
