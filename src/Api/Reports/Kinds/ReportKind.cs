using System.Text.Json;
using Metrics.Domain.Factors;
using Metrics.Storage.Queries;

namespace Metrics.Api.Reports.Kinds;

/// <summary>A kind of report: its columns, what fills them, and what it is good for. Each is one file.</summary>
public abstract class ReportKind
{
    /// <summary>What standards ask for stands in a file, which changes more often than the columns do: by kind and column.</summary>
    private static readonly Dictionary<string, Dictionary<string, string>> datapoints = ReadDatapoints();

    private protected ReportKind(string name, string title, IEnumerable<ReportColumn> columns, IReadOnlyList<string> notes)
    {
        (Name, Title, Notes) = (name, title, notes);
        var ids = datapoints.GetValueOrDefault(name);
        Columns = [.. columns.Select(column => column with { Datapoint = ids?.GetValueOrDefault(column.Name) })];
    }

    /// <summary>All kinds, by name.</summary>
    public static IReadOnlyDictionary<string, ReportKind> All { get; } =
        new ReportKind[] { new EnergyKind(), new GhgKind(), new SciKind(), new ComparisonKind(), new AiActKind() }.ToDictionary(
            kind => kind.Name,
            StringComparer.OrdinalIgnoreCase
        );

    /// <summary>Their names, for people.</summary>
    public static string Names => string.Join(", ", All.Keys);

    /// <summary>As it is asked for.</summary>
    public string Name { get; }

    /// <summary>What people call it.</summary>
    public string Title { get; }

    /// <summary>Its columns, in order.</summary>
    public IReadOnlyList<ReportColumn> Columns { get; }

    /// <summary>What a reader of it has to know.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>Whether a report of it needs a functional unit.</summary>
    public virtual bool NeedsUnit => false;

    /// <summary>Whether its rows are of periods of the grain; else they are of the whole period.</summary>
    public virtual bool HasPeriods => true;

    /// <summary>The periods that a report of it is made of.</summary>
    internal virtual PeriodLength LengthOf(ReportGrain grain) =>
        grain switch
        {
            ReportGrain.Hour => PeriodLength.Hour,
            ReportGrain.Day => PeriodLength.Day,
            _ => PeriodLength.Month,
        };

    /// <summary>Sums and indicators of the whole, by name, with their units in it.</summary>
    internal virtual IReadOnlyList<(string Name, double? Value)> Totals(ReportTotals totals) =>
        [("FacilityMWh", totals.Of(sums => sums.FacilityJoules) / Amounts.JoulesPerMWh)];

    /// <summary>A chart; null where there is nothing to draw.</summary>
    internal virtual ReportChart? Chart(ReportTotals totals) =>
        totals.Chart("Facility energy by workload", "MWh", sums => sums.FacilityJoules / Amounts.JoulesPerMWh);

    /// <summary>The rows. Each array is the same one, filled anew.</summary>
    internal abstract IAsyncEnumerable<ReportValue[]> RowsAsync(ReportSource source);

    private static Dictionary<string, Dictionary<string, string>> ReadDatapoints()
    {
        using var stream = typeof(ReportKind).Assembly.GetManifestResourceStream("Metrics.Api.Reports.datapoints.json")!;
        return JsonSerializer.Deserialize<Dictionary<string, Dictionary<string, string>>>(stream)!;
    }
}

/// <summary>A kind whose columns are filled from one type of row: a list of a column and its value, so that none can slip into another's
/// place.</summary>
/// <typeparam name="TRow">What a row is made from.</typeparam>
public abstract class ReportKind<TRow> : ReportKind
{
    private readonly Func<TRow, ReportValue>[] values;

    private protected ReportKind(string name, string title, IReadOnlyList<ReportCell<TRow>> cells, IReadOnlyList<string> notes)
        : base(name, title, cells.Select(cell => cell.Column), notes) => values = [.. cells.Select(cell => cell.Value)];

    private protected static ReportCell<TRow> Text(string name, string description, Func<TRow, string?> value) =>
        new(new(name, ReportType.Text, description), row => ReportValue.Of(value(row)));

    private protected static ReportCell<TRow> Number(
        string name,
        string description,
        Func<TRow, double?> value,
        string? unit = null,
        string? unitCode = null
    ) => new(new(name, ReportType.Number, description, unit, unitCode), row => ReportValue.Of(value(row)));

    private protected static ReportCell<TRow> Time(string name, string description, Func<TRow, DateTime> value) =>
        new(new(name, ReportType.Time, description), row => ReportValue.Of(value(row)));

    private protected static ReportCell<TRow> Flag(string name, string description, Func<TRow, bool?> value) =>
        new(new(name, ReportType.Flag, description), row => value(row) is { } known ? ReportValue.Of(known) : default);

    private protected void Fill(ReportValue[] row, TRow from)
    {
        for (var i = 0; i < values.Length; i++)
            row[i] = values[i](from);
    }
}

/// <summary>A column and its value in a row.</summary>
/// <param name="Column">The column.</param>
/// <param name="Value">Its value.</param>
internal sealed record ReportCell<TRow>(ReportColumn Column, Func<TRow, ReportValue> Value);

/// <summary>What the rows of a report are read with.</summary>
/// <param name="Request">What was asked.</param>
/// <param name="Session">The view of the store.</param>
/// <param name="Queries">The rows of what was asked.</param>
/// <param name="Conversions">Declared conversions between functional units.</param>
/// <param name="Now">The clock, UTC.</param>
internal sealed record ReportSource(
    ReportRequest Request,
    ReadSession Session,
    ReportQueries Queries,
    UnitConversions Conversions,
    DateTime Now
);

/// <summary>How amounts of the store are told in reports.</summary>
internal static class Amounts
{
    public const double JoulesPerMWh = 3.6e9;
    public const double JoulesPerKWh = 3.6e6;
    public const double GramsPerTonne = 1e6;

    /// <summary>Grams of each kilowatt-hour; null without energy.</summary>
    public static double? GramsPerKWh(double? grams, double? joules) => joules > 0 ? grams / (joules / JoulesPerKWh) : null;
}
