using System.Collections.Frozen;
using System.Globalization;
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
public sealed record Hardware(HardwareKind Kind, string Name, PowerRange Power, string Method, string Source, string Licence, int? Vintage);

/// <summary>Power at rest and at full load of accelerators and virtual CPUs, by name. What is not in it is unknown: there is no average to fall back to.</summary>
/// <remarks>
/// A table is text: lines that begin with <c>#</c> are remarks, the first other line names the columns, and each line after
/// it is one piece of hardware. Values are separated by commas and hold neither commas nor quotes.
/// </remarks>
public sealed class HardwareTable
{
    /// <summary>Watts of one board or one virtual CPU beyond which a number is a mistake, for instance of milliwatts.</summary>
    public const double MostWatts = 10_000;

    private static readonly string[] Columns = ["kind", "names", "idle_watts", "max_watts", "method", "source", "licence", "vintage"];
    private static readonly Dictionary<string, HardwareKind> Kinds = new(StringComparer.Ordinal) { ["accelerator"] = HardwareKind.Accelerator, ["vcpu"] = HardwareKind.VirtualCpu };

    // What drivers put before the name of a board: "NVIDIA A10G", "Tesla T4", "AMD Radeon Pro V520".
    private static readonly string[] Makers = ["NVIDIA ", "AMD ", "Intel ", "Tesla "];

    private readonly FrozenDictionary<(HardwareKind, string), Hardware> byName;

    private HardwareTable(IEnumerable<KeyValuePair<(HardwareKind, string), Hardware>> rows) => byName = rows.ToFrozenDictionary();

    /// <summary>The table that comes with the product, <c>hardware.csv</c>.</summary>
    public static HardwareTable Published { get; } = ReadPublished();

    /// <summary>Every piece of hardware, by kind and name.</summary>
    public IReadOnlyList<Hardware> All => [.. byName.Values.Distinct().OrderBy(hardware => hardware.Kind).ThenBy(hardware => hardware.Name, StringComparer.Ordinal)];

    /// <summary>Reads a table, or lists everything wrong with it.</summary>
    /// <param name="file">Its name, for messages.</param>
    /// <param name="text">Its text.</param>
    /// <exception cref="FactorException">The table has any fault; the exception lists all of them.</exception>
    public static HardwareTable Read(string file, string text)
    {
        var faults = new List<string>();
        var rows = new Dictionary<(HardwareKind, string), Hardware>();
        string[]? header = null;
        var number = 0;
        foreach (var raw in text.Split('\n'))
        {
            number++;
            var line = raw.TrimEnd('\r', ' ', '\t').TrimStart('\uFEFF');
            if (line.Length == 0 || line[0] == '#') continue;
            var row = new Row(file, number, line, faults);
            if (header is null) header = row.Header();
            else if (header.Length > 0) row.Read(header, rows);
        }
        if (header is null) faults.Add($"{file}: has no columns; begin with the line {string.Join(',', Columns)}");
        return faults.Count == 0 ? new HardwareTable(rows) : throw new FactorException(faults);
    }

    /// <summary>This table, and for names that it lacks another one: an operator's over the published one.</summary>
    public HardwareTable Over(HardwareTable other)
    {
        var rows = new Dictionary<(HardwareKind, string), Hardware>(other.byName);
        foreach (var (name, hardware) in byName) rows[name] = hardware;
        return new HardwareTable(rows);
    }

    /// <summary>An accelerator by the name that its driver reports, or null when the table does not know it.</summary>
    /// <param name="name">Compared whole and without case, with or without the maker's name before it. A partition of a board is not the board.</param>
    public Hardware? Accelerator(string name) => byName.GetValueOrDefault((HardwareKind.Accelerator, Key(name)));

    /// <summary>One virtual CPU by its micro-architecture, or null when the table does not know it.</summary>
    public Hardware? VirtualCpu(string microArchitecture) => byName.GetValueOrDefault((HardwareKind.VirtualCpu, Key(microArchitecture)));

    private static string Key(string name)
    {
        var key = name.Trim();
        foreach (var maker in Makers)
            if (key.StartsWith(maker, StringComparison.OrdinalIgnoreCase)) key = key[maker.Length..].TrimStart();
        return key.ToUpperInvariant();
    }

    private static HardwareTable ReadPublished()
    {
        using var resource = typeof(HardwareTable).Assembly.GetManifestResourceStream("hardware.csv")
            ?? throw new InvalidOperationException("hardware.csv is not embedded in the domain assembly.");
#pragma warning disable RS0030 // A part of this assembly is no file.
        using var reader = new System.IO.StreamReader(resource);
        return Read("hardware.csv", reader.ReadToEnd());
#pragma warning restore RS0030
    }

    /// <summary>One line, read strictly: what is wrong becomes a fault, and reading goes on.</summary>
    private sealed class Row(string file, int number, string line, List<string> faults)
    {
        private readonly string[] cells = [.. line.Split(',').Select(cell => cell.Trim())];
        private string[] columns = [];

        /// <summary>The names of the columns; empty when they cannot be used.</summary>
        public string[] Header()
        {
            var before = faults.Count;
            foreach (var missing in Columns.Except(cells, StringComparer.Ordinal)) Fault($"column '{missing}' is missing; add it");
            foreach (var unknown in cells.Except(Columns, StringComparer.Ordinal)) Fault($"column '{Show(unknown)}' is not known; known are: {string.Join(", ", Columns)}");
            foreach (var twice in cells.CountBy(cell => cell, StringComparer.Ordinal).Where(cell => cell.Value > 1)) Fault($"column '{Show(twice.Key)}' is given twice; keep one");
            return faults.Count == before ? cells : [];
        }

        /// <summary>Adds the hardware of the line under each of its names.</summary>
        public void Read(string[] header, Dictionary<(HardwareKind, string), Hardware> rows)
        {
            columns = header;
            if (line.Contains('"', StringComparison.Ordinal))
            {
                Fault("holds a quote; write values without quotes and commas");
                return;
            }
            if (cells.Length != header.Length)
            {
                Fault($"has {cells.Length} values for {header.Length} columns; write one for each, and none with a comma");
                return;
            }
            var before = faults.Count;
            HardwareKind kind = default;
            if (Text("kind") is { } word && !Kinds.TryGetValue(word, out kind)) Fault($"kind: '{Show(word)}' is not one of: {string.Join(", ", Kinds.Keys)}; use one of them");
            var names = (Text("names") ?? "").Split('|', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (names.Length == 0 && Cell("names").Length > 0) Fault("names: holds no name; write one, or several with | between");
            var (idle, max) = (Watts("idle_watts", 0), Watts("max_watts", double.Epsilon));
            if (idle > max) Fault($"idle_watts: {Cell("idle_watts")} is above the {Cell("max_watts")} of max_watts; hardware at rest draws no more than under load");
            var (method, source, licence, vintage) = (Text("method"), Text("source"), Text("licence"), Year("vintage"));
            if (faults.Count > before) return;

            var hardware = new Hardware(kind, names[0], new PowerRange(Power.FromWatts(idle!.Value), Power.FromWatts(max!.Value)), method!, source!, licence!, vintage);
            foreach (var name in names)
                if (!rows.TryAdd((kind, Key(name)), hardware)) Fault($"names: '{Show(name)}' is given twice; keep one");
        }

        private string Cell(string column) => cells[Array.IndexOf(columns, column)];

        private string? Text(string column)
        {
            if (Cell(column) is { Length: > 0 } text) return text;
            Fault($"{column}: is blank; write it");
            return null;
        }

        private double? Watts(string column, double least)
        {
            var text = Cell(column);
            if (text.Length == 0) Fault($"{column}: is blank, which is not zero; write the watts, or leave the hardware out");
            else if (!double.TryParse(text, NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent | NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var watts) || double.IsNaN(watts))
                Fault($"{column}: '{Show(text)}' is not a number; write watts as 12.5");
            else if (watts < least || watts > MostWatts)
                Fault($"{column}: {Show(text)} W is not {(least > 0 ? "above zero and at most" : "from 0 to")} {MostWatts.ToString(CultureInfo.InvariantCulture)} W; write the watts of one board or one virtual CPU");
            else return watts;
            return null;
        }

        private int? Year(string column)
        {
            var text = Cell(column);
            if (text.Length == 0) return null;
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var year) && year is >= 1990 and <= 2100) return year;
            Fault($"{column}: '{Show(text)}' is not a year from 1990 to 2100; write it with four digits, or leave it blank when it is unknown");
            return null;
        }

        private void Fault(string text) => faults.Add($"{file}: line {number}: {text}");

        private static string Show(string text) => Catalogue.JsonFields.Show(text);
    }
}

/// <summary>A table of factors cannot be used. <see cref="Errors"/> has one line a fault: file, line, column, what was wrong, what to do.</summary>
public sealed class FactorException(IReadOnlyList<string> errors) : Exception(string.Join(Environment.NewLine, errors))
{
    /// <summary>One line a fault.</summary>
    public IReadOnlyList<string> Errors { get; } = errors;
}
