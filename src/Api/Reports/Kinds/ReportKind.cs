using System.Text.Json;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Storage.Queries;

namespace Metrics.Api.Reports.Kinds;

/// <summary>A kind of report: its columns, what fills them, and what it is good for. Each is one file.</summary>
public abstract class ReportKind
{
    private protected ReportKind(string name, string title, IEnumerable<ReportColumn> columns, IReadOnlyList<string> notes)
    {
        (Name, Title, Notes) = (name, title, notes);
        var ids = ColumnData.Read.Datapoints.GetValueOrDefault(name);
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
        [("FacilityMWh", totals.Of(Measures.Facility) / ReportUnit.MWh.Divisor)];

    /// <summary>A chart; null where there is nothing to draw.</summary>
    internal virtual ReportChart? Chart(ReportTotals totals) =>
        totals.Chart("Facility energy by workload", Measures.Facility, ReportUnit.MWh);

    /// <summary>The rows. Each array is the same one, filled anew.</summary>
    internal abstract IAsyncEnumerable<ReportValue[]> RowsAsync(ReportSource source);
}

/// <summary>What others ask of columns. It stands in a file, which changes more often than the columns do.</summary>
/// <param name="Datapoints">What standards ask for by a column, by kind and column.</param>
/// <param name="Rules">What rows have to follow.</param>
internal sealed record ColumnData(
    IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> Datapoints,
    IReadOnlyList<ValidationRule> Rules
)
{
    /// <summary>The file.</summary>
    public static ColumnData Read { get; } = ReadFile();

    private static ColumnData ReadFile()
    {
        using var stream = typeof(ColumnData).Assembly.GetManifestResourceStream("Metrics.Api.Reports.columns.json")!;
        return JsonSerializer.Deserialize<ColumnData>(stream, JsonSerializerOptions.Web)!;
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

    /// <summary>An amount that is told in another unit than the store's.</summary>
    private protected static ReportCell<TRow> Amount(string name, string description, ReportUnit unit, Func<TRow, double?> value) =>
        Number(name, description, row => value(row) / unit.Divisor, unit.Name, unit.Code);

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

/// <summary>A unit that amounts are told in.</summary>
/// <param name="Name">As people write it.</param>
/// <param name="Code">The same by UN/ECE Recommendation 20.</param>
/// <param name="Divisor">How much of the store's unit makes one.</param>
internal sealed record ReportUnit(string Name, string Code, double Divisor)
{
    /// <summary>Joules as megawatt-hours.</summary>
    public static ReportUnit MWh { get; } = new("MWh", "MWH", 3.6e9);

    /// <summary>Joules as kilowatt-hours.</summary>
    public static ReportUnit KWh { get; } = new("kWh", "KWH", 3.6e6);

    /// <summary>Grams as tonnes of CO2 equivalents.</summary>
    public static ReportUnit Tonnes { get; } = new("t CO2e", "TNE", 1e6);

    /// <summary>Grams.</summary>
    public static ReportUnit Grams { get; } = new("g", "GRM", 1);

    /// <summary>Litres.</summary>
    public static ReportUnit Litres { get; } = new("l", "LTR", 1);

    /// <summary>Grams of each kilowatt-hour; null without energy.</summary>
    public static double? GramsPerKWh(double? grams, double? joules) => joules > 0 ? grams / (joules / KWh.Divisor) : null;
}
