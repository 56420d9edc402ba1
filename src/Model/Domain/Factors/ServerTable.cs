using System.Collections.Frozen;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Factors;

/// <summary>What a server, or the part of one that an instance reserves, is made of.</summary>
/// <param name="Provider"><c>aws</c>, <c>azure</c>, <c>gcp</c>; <c>any</c> for a server that stands anywhere.</param>
/// <param name="Name">As the provider spells it: <c>p5.48xlarge</c>, <c>Standard_ND96isr_H100_v5</c>.</param>
/// <param name="VirtualCpus">Number of virtual CPUs.</param>
/// <param name="MemoryGigabytes">Memory in GB.</param>
/// <param name="MicroArchitecture">Of its CPU, as the hardware table names it; null when unknown.</param>
/// <param name="Accelerator">Its accelerator, as the hardware table names it; null when it has none.</param>
/// <param name="Accelerators">How many of them, fractions included: 0.125 is an eighth of a board. Not what a provider's label says.</param>
/// <param name="Embodied">Embodied emissions of what is reserved (TE x RR / ToR), accelerators included, with the lifespan; null when unknown.</param>
/// <param name="Source">Who published it, where.</param>
/// <param name="Licence">SPDX identifier, or another short name.</param>
/// <param name="Version">The edition of the row, as <see cref="Factor.Version"/>.</param>
public sealed record ServerType(
    string Provider, string Name, int VirtualCpus, double MemoryGigabytes, string? MicroArchitecture, string? Accelerator, double Accelerators, Embodied? Embodied,
    string Source, string Licence, string Version)
{
    /// <summary>Watts of a gigabyte of memory: 0.000392 kWh in an hour. Source: Cloud Carbon Footprint, 2024, Apache-2.0.</summary>
    public const double WattsPerGigabyte = 0.392;

    /// <summary>How a result names it: <c>server:aws/p5.48xlarge@...</c>.</summary>
    public string FactorName => $"server:{Provider}/{Name}@{Version}";

    /// <summary>Power of the server without its accelerators, at rest and at full load: its virtual CPUs and its memory. Null when its micro-architecture is unknown.</summary>
    public PowerRange? HostPower(HardwareTable hardware) => MicroArchitecture is { } name && hardware.VirtualCpu(name) is { } cpu
        ? new PowerRange(Power.FromWatts(cpu.Power.Idle.Watts * VirtualCpus + MemoryGigabytes * WattsPerGigabyte), Power.FromWatts(cpu.Power.Max.Watts * VirtualCpus + MemoryGigabytes * WattsPerGigabyte))
        : null;
}

/// <summary>Servers and instances by provider and name.</summary>
public sealed class ServerTable
{
    private readonly FrozenDictionary<(string, string), ServerType> byName;

    /// <summary>A table of these; of two with one name the later one counts.</summary>
    public ServerTable(IEnumerable<ServerType> servers)
    {
        var rows = new Dictionary<(string, string), ServerType>();
        foreach (var server in servers) rows[Key(server.Provider, server.Name)] = server;
        byName = rows.ToFrozenDictionary();
    }

    /// <summary>The table that comes with the product.</summary>
    public static ServerTable Published { get; } = new([]);

    /// <summary>Every server, by provider and name.</summary>
    public IReadOnlyList<ServerType> All => [.. byName.Values.OrderBy(server => server.Provider, StringComparer.Ordinal).ThenBy(server => server.Name, StringComparer.Ordinal)];

    /// <summary>The server of that name at that provider, else the one of that name that stands anywhere; null when the table does not know it. Names are compared without case.</summary>
    public ServerType? Find(string provider, string name) => byName.GetValueOrDefault(Key(provider, name)) ?? byName.GetValueOrDefault(Key("any", name));

    /// <summary>This table, and for names that it lacks another one.</summary>
    public ServerTable Over(ServerTable other) => new([.. other.byName.Values, .. byName.Values]);

    private static (string, string) Key(string provider, string name) => (provider.ToUpperInvariant(), name.Trim().ToUpperInvariant());
}
