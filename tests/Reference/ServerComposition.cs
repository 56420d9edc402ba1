using Metrics.Domain.Quantities;

namespace Metrics.Reference;

/// <summary>A server as a sum of parts, for the total embodied emissions where the maker publishes none.</summary>
/// <remarks>
/// The defaults are the Impact Framework's (builtin <c>sci-embodied</c>): a server of one vCPU has 1,000 kg; each vCPU more
/// adds 100 kg, each SSD 50 kg, each HDD 100 kg. Cloud Carbon Footprint takes 100 kg for an SSD and 50 kg for an HDD:
/// whoever publishes a result says which was used.
/// </remarks>
public sealed record ServerComposition
{
    /// <summary>A server with one vCPU and no disk.</summary>
    public Mass Baseline { get; init; } = Mass.FromKilograms(1000);

    /// <summary>Number of vCPUs; the baseline holds the first. At least 1.</summary>
    public int VirtualCpus { get; init; } = 1;

    /// <summary>Each vCPU after the first.</summary>
    public Mass PerVirtualCpu { get; init; } = Mass.FromKilograms(100);

    /// <summary>Number of solid state disks.</summary>
    public int SolidStateDisks { get; init; }

    /// <summary>Each solid state disk.</summary>
    public Mass PerSolidStateDisk { get; init; } = Mass.FromKilograms(50);

    /// <summary>Number of hard disks.</summary>
    public int HardDisks { get; init; }

    /// <summary>Each hard disk.</summary>
    public Mass PerHardDisk { get; init; } = Mass.FromKilograms(100);

    /// <summary>Total embodied emissions (TE).</summary>
    public Mass Total => Baseline + PerVirtualCpu * (VirtualCpus - 1) + PerSolidStateDisk * SolidStateDisks + PerHardDisk * HardDisks;
}
