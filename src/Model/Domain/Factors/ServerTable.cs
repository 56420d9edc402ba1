using System.Collections.Frozen;
using Metrics.Domain.Messages;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Factors;

/// <summary>What a server, or the part of one that an instance reserves, is made of.</summary>
/// <param name="Provider"><c>aws</c>, <c>azure</c>, <c>gcp</c>; <c>any</c> for a server that stands anywhere.</param>
/// <param name="Name">As the provider spells it: <c>p5.48xlarge</c>, <c>Standard_ND96isr_H100_v5</c>.</param>
/// <param name="VirtualCpus">Number of virtual CPUs.</param>
/// <param name="MemoryGigabytes">Memory in GB.</param>
/// <param name="MicroArchitecture">Of its CPU, as the hardware table names it; null when unknown.</param>
/// <param name="Accelerator">Its accelerator, as the hardware table names it; null when it has none.</param>
/// <param name="Accelerators">How many of them, fractions included: 0.125 is an eighth of a board. Not what a provider's label
/// says.</param>
/// <param name="Embodied">Embodied emissions of what is reserved (TE x RR / ToR), accelerators included, with the lifespan; null when
/// unknown.</param>
/// <param name="Source">Who published it, where.</param>
/// <param name="Licence">SPDX identifier, or another short name.</param>
/// <param name="Version">The edition of the row, as <see cref="Factor.Version"/>.</param>
public sealed record ServerType(
    string Provider,
    string Name,
    int VirtualCpus,
    double MemoryGigabytes,
    string? MicroArchitecture,
    string? Accelerator,
    double Accelerators,
    Embodied? Embodied,
    string Source,
    string Licence,
    string Version
)
{
    /// <summary>Watts of a gigabyte of memory: 0.000392 kWh in an hour. Source: Cloud Carbon Footprint, 2024, Apache-2.0.</summary>
    public const double WattsPerGigabyte = 0.392;

    /// <summary>How its embodied emissions were found; the head of the table explains the word.</summary>
    public string Method { get; init; } = "given";

    /// <summary>How a result names it: <c>server:aws/p5.48xlarge@...</c>.</summary>
    public string FactorName => $"server:{Provider}/{Name}@{Version}";

    /// <summary>Power of the server without its accelerators, at rest and at full load: its virtual CPUs and its memory. Null when its
    /// micro-architecture is unknown.</summary>
    public PowerRange? HostPower(HardwareTable hardware) =>
        MicroArchitecture is { } name && hardware.VirtualCpu(name) is { } cpu
            ? new PowerRange(
                Power.FromWatts(cpu.Power.Idle.Watts * VirtualCpus + MemoryGigabytes * WattsPerGigabyte),
                Power.FromWatts(cpu.Power.Max.Watts * VirtualCpus + MemoryGigabytes * WattsPerGigabyte)
            )
            : null;
}

/// <summary>Servers and instances by provider and name.</summary>
public sealed class ServerTable
{
    /// <summary>Kilograms of a server beyond which a number is a mistake, for instance of grams.</summary>
    public const double MostKilograms = 50_000;

    internal static readonly string[] Columns =
    [
        "provider",
        "name",
        "vcpus",
        "memory_gb",
        "micro_architecture",
        "accelerator",
        "accelerators",
        "server_kg",
        "share",
        "lifespan_years",
        "method",
        "source",
        "licence",
        "version",
    ];

    private static readonly NumberRule Cpus = new(0, 4096, "", "write the number of virtual CPUs", "server", Above: true);
    private static readonly NumberRule Memory = new(0, 65_536, " GB", "write the gigabytes", "server", Above: true);
    private static readonly NumberRule Boards = new(
        0,
        1024,
        "",
        "write the number of accelerators, 0 for none and 1/8 for a part of one",
        "server"
    );
    private static readonly NumberRule Kilograms = new(
        0,
        MostKilograms,
        " kg",
        "write the kilograms of the whole server",
        "server",
        Above: true
    );
    private static readonly NumberRule Part = new(0, 1, "", "write what is reserved of the server, as 4/96", "server", Above: true);
    private static readonly NumberRule Years = new(
        0,
        25,
        " years",
        "write the years that the server is expected to serve",
        "server",
        Above: true
    );

    private readonly FrozenDictionary<(string, string), ServerType> byName;

    /// <summary>A table of these; of two with one name the later one counts.</summary>
    public ServerTable(IEnumerable<ServerType> servers)
    {
        var rows = new Dictionary<(string, string), ServerType>();
        foreach (var server in servers)
            rows[Key(server.Provider, server.Name)] = server;
        byName = rows.ToFrozenDictionary();
    }

    /// <summary>The table that comes with the product.</summary>
    public static ServerTable Published { get; } = Read("servers.csv", TableText.Published("servers.csv"));

    /// <summary>Reads a table, or lists everything wrong with it.</summary>
    /// <param name="file">Its name, for messages.</param>
    /// <param name="text">Its text.</param>
    /// <exception cref="FactorException">The table has any fault; the exception lists all of them.</exception>
    public static ServerTable Read(string file, string text)
    {
        var errors = new List<string>();
        var table = Read(file, text, errors);
        return errors.Count == 0 ? table : throw new FactorException(errors);
    }

    internal static ServerTable Read(string file, string text, List<string> errors)
    {
        var servers = new Dictionary<(string, string), ServerType>();
        foreach (var row in TableText.Own(file, text, Columns, errors).Rows())
        {
            var before = row.ErrorCount;
            var (provider, name) = (row.Text("provider"), row.Text("name"));
            var (cpus, memory, accelerators) = (
                row.Number("vcpus", Cpus),
                row.Number("memory_gb", Memory),
                row.Share("accelerators", Boards)
            );
            if (cpus is { } count && count != Math.Floor(count))
                row.AddError($"vcpus: {row.Cell("vcpus")} is not a whole number; write the virtual CPUs of the instance");
            if (accelerators is { } boards && (boards > 0) != (row.Cell("accelerator").Length > 0))
                row.AddError("accelerator and accelerators: one says that there is one and the other not; write both, or a blank and 0");
            Embodied? embodied = null;
            if (row.Cell("server_kg").Length > 0)
            {
                var (kilograms, share, years) = (
                    row.Number("server_kg", Kilograms),
                    row.Share("share", Part),
                    row.Number("lifespan_years", Years)
                );
                if (kilograms is { } whole && share is { } part && years is { } life)
                    embodied = new Embodied(Mass.FromKilograms(whole * part), TimeSpan.FromDays(365 * life));
            }
            else if (row.Cell("share").Length + row.Cell("lifespan_years").Length > 0)
                row.AddError(
                    "server_kg: is blank, which is not zero; write the kilograms of the whole server, or leave share and "
                        + "lifespan_years blank too"
                );
            var (method, source, licence, version) = (row.Text("method"), row.Text("source"), row.Text("licence"), row.Version("version"));
            if (row.ErrorCount > before)
                continue;

            var server = new ServerType(
                provider!,
                name!,
                (int)cpus!.Value,
                memory!.Value,
                row.OptionalText("micro_architecture"),
                row.OptionalText("accelerator"),
                accelerators!.Value,
                embodied,
                source!,
                licence!,
                version!
            )
            {
                Method = method!,
            };
            if (!servers.TryAdd(Key(provider!, name!), server))
                row.AddError($"name: '{MessageText.Show(name!)}' is given twice; keep one");
        }
        return new ServerTable(servers.Values);
    }

    /// <summary>Every server, by provider and name.</summary>
    public IReadOnlyList<ServerType> All =>
        [.. byName.Values.OrderBy(server => server.Provider, StringComparer.Ordinal).ThenBy(server => server.Name, StringComparer.Ordinal)];

    /// <summary>The server of that name at that provider, else the one of that name that stands anywhere; null when the table does not know
    /// it. Names are compared without case.</summary>
    public ServerType? Find(string provider, string name)
    {
        // SageMaker puts two letters before the name of the instance that it runs on.
        if (name.StartsWith("ml.", StringComparison.OrdinalIgnoreCase) && provider.Equals("aws", StringComparison.OrdinalIgnoreCase))
            name = name[3..];
        return byName.GetValueOrDefault(Key(provider, name)) ?? byName.GetValueOrDefault(Key("any", name));
    }

    /// <summary>This table, and for names that it lacks another one.</summary>
    public ServerTable Over(ServerTable other) => new([.. other.byName.Values, .. byName.Values]);

    private static (string, string) Key(string provider, string name) => (provider.ToUpperInvariant(), name.Trim().ToUpperInvariant());
}
