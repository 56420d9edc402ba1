using System.Collections.Frozen;
using System.Globalization;
using Metrics.Domain.Messages;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Factors;

/// <summary>What a row of a hardware table is about.</summary>
public enum HardwareKind
{
    /// <summary>One accelerator board.</summary>
    Accelerator = 0,

    /// <summary>One virtual CPU of a micro-architecture.</summary>
    VirtualCpu = 1,
}

/// <summary>Power of hardware, and where the numbers come from.</summary>
/// <param name="Kind">What <paramref name="Name"/> names.</param>
/// <param name="Name">The first of its names.</param>
/// <param name="Power">Power at rest and at full load.</param>
/// <param name="Method">How the numbers were found; the head of the table explains the word.</param>
/// <param name="Source">Who published them, where.</param>
/// <param name="Licence">SPDX identifier, or another short name.</param>
/// <param name="Vintage">Year that the numbers are of; null when unknown. Not the year asked for.</param>
public sealed record Hardware(HardwareKind Kind, string Name, PowerRange Power, string Method, string Source, string Licence, int? Vintage)
{
    /// <summary>How a result names it, without blanks: <c>hardware:NVIDIA-A10G@2024</c>, <c>vcpu:Skylake@2024</c>.</summary>
    public string FactorName =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{(Kind == HardwareKind.Accelerator ? "hardware" : "vcpu")}:{Name.Replace(' ', '-')}"
                + $"@{Vintage?.ToString(CultureInfo.InvariantCulture) ?? "undated"}"
        );
}

/// <summary>Power at rest and at full load of accelerators and virtual CPUs, by name. What is not in it is unknown: there is no average to
/// fall back to.</summary>
/// <remarks>
/// A table is text: lines that begin with <c>#</c> are remarks, the first other line names the columns, and each line after
/// it is one piece of hardware. Values are separated by commas and hold neither commas nor quotes.
/// </remarks>
public sealed class HardwareTable
{
    /// <summary>Watts of one board or one virtual CPU beyond which a number is a mistake, for instance of milliwatts.</summary>
    public const double MostWatts = 10_000;

    internal static readonly string[] Columns = ["kind", "names", "idle_watts", "max_watts", "method", "source", "licence", "vintage"];
    private static readonly NumberRule Idle = new(0, MostWatts, " W", "write the watts of one board or one virtual CPU", "hardware");
    private static readonly NumberRule Max = Idle with { Above = true };
    private static readonly Dictionary<string, HardwareKind> Kinds = new(StringComparer.Ordinal)
    {
        ["accelerator"] = HardwareKind.Accelerator,
        ["vcpu"] = HardwareKind.VirtualCpu,
    };

    // What drivers put before the name of a board: "NVIDIA A10G", "Tesla T4", "AMD Radeon Pro V520".
    private static readonly string[] Makers = ["NVIDIA-", "AMD-", "INTEL-", "TESLA-"];

    private readonly FrozenDictionary<(HardwareKind, string), Hardware> byName;

    private HardwareTable(IEnumerable<KeyValuePair<(HardwareKind, string), Hardware>> rows) => byName = rows.ToFrozenDictionary();

    /// <summary>The table that comes with the product, <c>hardware.csv</c>.</summary>
    public static HardwareTable Published { get; } = Read("hardware.csv", TableText.Published("hardware.csv"));

    /// <summary>Every piece of hardware, by kind and name.</summary>
    public IReadOnlyList<Hardware> All =>
        [.. byName.Values.Distinct().OrderBy(hardware => hardware.Kind).ThenBy(hardware => hardware.Name, StringComparer.Ordinal)];

    /// <summary>Reads a table, or lists everything wrong with it.</summary>
    /// <param name="file">Its name, for messages.</param>
    /// <param name="text">Its text.</param>
    /// <exception cref="FactorException">The table has any fault; the exception lists all of them.</exception>
    public static HardwareTable Read(string file, string text)
    {
        var errors = new List<string>();
        var table = Read(file, text, errors);
        return errors.Count == 0 ? table : throw new FactorException(errors);
    }

    internal static HardwareTable Read(string file, string text, List<string> errors)
    {
        var rows = new Dictionary<(HardwareKind, string), Hardware>();
        foreach (var row in TableText.Own(file, text, Columns, errors).Rows())
        {
            var before = row.ErrorCount;
            var kind = row.Word("kind", Kinds);
            var names = (row.Text("names") ?? "").Split('|', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (names.Length == 0 && row.Cell("names").Length > 0)
                row.AddError("names: holds no name; write one, or several with | between");
            var (idle, max) = (row.Number("idle_watts", Idle), row.Number("max_watts", Max));
            if (idle > max)
                row.AddError(
                    $"idle_watts: {row.Cell("idle_watts")} is above the {row.Cell("max_watts")} of max_watts; hardware at rest "
                        + "draws no more than under load"
                );
            var (method, source, licence, vintage) = (row.Text("method"), row.Text("source"), row.Text("licence"), row.Year("vintage"));
            if (row.ErrorCount > before)
                continue;

            var hardware = new Hardware(
                kind!.Value,
                names[0],
                new PowerRange(Power.FromWatts(idle!.Value), Power.FromWatts(max!.Value)),
                method!,
                source!,
                licence!,
                vintage
            );
            foreach (var name in names)
                if (!rows.TryAdd((hardware.Kind, Key(name)), hardware))
                    row.AddError($"names: '{MessageText.Show(name)}' is given twice; keep one");
        }
        return new HardwareTable(rows);
    }

    /// <summary>This table, and for names that it lacks another one: an operator's over the published one.</summary>
    public HardwareTable Over(HardwareTable other)
    {
        var rows = new Dictionary<(HardwareKind, string), Hardware>(other.byName);
        foreach (var (name, hardware) in byName)
            rows[name] = hardware;
        return new HardwareTable(rows);
    }

    /// <summary>An accelerator by the name that its driver reports, or null when the table does not know it.</summary>
    /// <param name="name">Compared whole and without case, with or without the maker's name before it, blanks and hyphens alike. A
    /// partition of a board is not the board.</param>
    public Hardware? Accelerator(string name) => byName.GetValueOrDefault((HardwareKind.Accelerator, Key(name)));

    /// <summary>One virtual CPU by its micro-architecture, or null when the table does not know it.</summary>
    public Hardware? VirtualCpu(string microArchitecture) => byName.GetValueOrDefault((HardwareKind.VirtualCpu, Key(microArchitecture)));

    // Drivers write blanks, labels of nodes hyphens: "NVIDIA H100 80GB HBM3", "NVIDIA-H100-80GB-HBM3", "nvidia-tesla-t4".
    private static string Key(string name)
    {
        var key = name.Trim().Replace(' ', '-').Replace('_', '-').ToUpperInvariant();
        foreach (var maker in Makers)
            if (key.StartsWith(maker, StringComparison.Ordinal))
                key = key[maker.Length..];
        return key;
    }
}
