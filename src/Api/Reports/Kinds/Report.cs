using System.Globalization;
using Metrics.Api.Reports.Formats;
using Metrics.Domain.Normalisation;
using Metrics.Storage.Queries;

namespace Metrics.Api.Reports.Kinds;

/// <summary>What a column holds.</summary>
public enum ReportType
{
    /// <summary>Text; in tables that people open it is guarded against being taken for a formula.</summary>
    Text,

    /// <summary>A double.</summary>
    Number,

    /// <summary>A time, UTC.</summary>
    Time,

    /// <summary>Yes or no.</summary>
    Flag,
}

/// <summary>A column of a report.</summary>
/// <param name="Name">Its name, the unit included where it has one.</param>
/// <param name="Type">What it holds.</param>
/// <param name="Description">What it means.</param>
/// <param name="Unit">Its unit as people write it.</param>
/// <param name="UnitCode">The same by UN/ECE Recommendation 20.</param>
/// <param name="Datapoint">Ids of what standards ask for by it, such as <c>ESRS E1-5_01</c>.</param>
public sealed record ReportColumn(
    string Name,
    ReportType Type,
    string Description,
    string? Unit = null,
    string? UnitCode = null,
    string? Datapoint = null
);

/// <summary>A value of a row: null, a text, a number, a time or a flag, by the type of its column.</summary>
public readonly struct ReportValue
{
    private readonly double number;
    private readonly long ticks;

    private ReportValue(string? text, double number, long ticks, bool known) =>
        (Text, this.number, this.ticks, IsKnown) = (text, number, ticks, known);

    /// <summary>False: it is not known, which is not zero.</summary>
    public bool IsKnown { get; }

    /// <summary>The text of a column of texts.</summary>
    public string? Text { get; }

    /// <summary>The number of a column of numbers.</summary>
    public double Number => number;

    /// <summary>The time of a column of times, UTC.</summary>
    public DateTime Time => new(ticks, DateTimeKind.Utc);

    /// <summary>The flag of a column of flags.</summary>
    public bool Flag => number != 0;

    /// <summary>A text; null is unknown.</summary>
    public static ReportValue Of(string? text) => new(text, 0, 0, text is not null);

    /// <summary>A number; null, and what is no number, is unknown.</summary>
    public static ReportValue Of(double? value) => value is { } known && double.IsFinite(known) ? new(null, known, 0, true) : default;

    /// <summary>A time, UTC.</summary>
    public static ReportValue Of(DateTime time) => new(null, 0, time.Ticks, true);

    /// <summary>A flag.</summary>
    public static ReportValue Of(bool flag) => new(null, flag ? 1 : 0, 0, true);
}

/// <summary>A time for which nothing, or not all, is known of a deployment.</summary>
/// <param name="Workload">The workload.</param>
/// <param name="Place">Where it runs.</param>
/// <param name="From">Start, UTC.</param>
/// <param name="To">End, UTC.</param>
/// <param name="Coverage">Share of the time for which readings exist: 0 where there are none at all.</param>
public sealed record ReportGap(string Workload, string Place, DateTime From, DateTime To, double Coverage);

/// <summary>A chart of a report: one bar for each name.</summary>
/// <param name="Title">What it shows.</param>
/// <param name="Unit">Unit of the values.</param>
/// <param name="Bars">Name and value, the largest first; at most twenty.</param>
public sealed record ReportChart(string Title, string Unit, IReadOnlyList<(string Name, double Value)> Bars);

/// <summary>A report: what it is of, what it rests on, and its rows as a stream.</summary>
/// <remarks>Everything but the rows is there before the first row is read, from the same view of the store. The same data gives the same
/// report: nothing in it is of the moment that it was asked for.</remarks>
public sealed record Report
{
    /// <summary>Which: <c>energy</c>, <c>ghg</c>, <c>sci</c>, <c>comparison</c>, <c>ai-act</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>What people call it.</summary>
    public required string Title { get; init; }

    /// <summary>Start, UTC, inclusive.</summary>
    public required DateTime From { get; init; }

    /// <summary>End, UTC, exclusive.</summary>
    public required DateTime To { get; init; }

    /// <summary>When the newest of the numbers was computed, UTC: the report says what was known then.</summary>
    public required DateTime DataAsOf { get; init; }

    /// <summary>What was asked for beside the period: name and value.</summary>
    public required IReadOnlyList<(string Name, string Value)> Parameters { get; init; }

    /// <summary>Columns, in order.</summary>
    public required IReadOnlyList<ReportColumn> Columns { get; init; }

    /// <summary>Sums and indicators of the whole, by name, with their units in it; null is unknown.</summary>
    public required IReadOnlyList<(string Name, double? Value)> Totals { get; init; }

    /// <summary>The factors that the numbers were made with, sorted by name.</summary>
    public required IReadOnlyList<StoredFactor> Factors { get; init; }

    /// <summary>Times for which not all is known; at most <see cref="MostGaps"/> of them.</summary>
    public required IReadOnlyList<ReportGap> Gaps { get; init; }

    /// <summary>How many there are.</summary>
    public required int GapCount { get; init; }

    /// <summary>What a reader has to know: boundary, method, what is not in it.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>A chart; null where there is nothing to draw.</summary>
    public required ReportChart? Chart { get; init; }

    /// <summary>The rows. Each array is the same one, filled anew: whoever wants to keep a value copies it.</summary>
    public required IAsyncEnumerable<ReportValue[]> Rows { get; init; }

    /// <summary>Most gaps that are listed one by one.</summary>
    public const int MostGaps = 1_000;

    /// <summary>Id and version of how the numbers are made.</summary>
    public static string Methodology =>
        string.Create(CultureInfo.InvariantCulture, $"metrics-normalisation {Normaliser.Revision} (SCI, ISO/IEC 21031:2024)");

    /// <summary>Name and version of the software.</summary>
    public static string Software { get; } = $"Metrics {typeof(Report).Assembly.GetName().Version!.ToString(3)}";

    /// <summary>Everything but the rows as names and values, for the formats that put them on a page or a sheet.</summary>
    public IEnumerable<(string Name, string Value)> Facts()
    {
        yield return ("Report", Title);
        yield return ("Kind", Kind);
        yield return ("From (UTC)", ReportText.Of(From));
        yield return ("To (UTC)", ReportText.Of(To));
        foreach (var parameter in Parameters)
            yield return parameter;
        yield return ("Data as of (UTC)", ReportText.Of(DataAsOf));
        yield return ("Methodology", Methodology);
        yield return ("Software", Software);
        yield return ("Assurance", "none");
        foreach (var (name, value) in Totals)
            yield return (name, value is { } known ? ReportText.Of(known) : "unknown");
        yield return ("Gaps", GapCount.ToString(CultureInfo.InvariantCulture));
    }
}

/// <summary>Values as text, the same in every format.</summary>
public static class ReportText
{
    /// <summary>Shortest digits that read back as the same number.</summary>
    public static string Of(double number) => number.ToString("R", CultureInfo.InvariantCulture);

    /// <summary>ISO 8601, UTC.</summary>
    public static string Of(DateTime time) =>
        time.ToString(
            time.Ticks % TimeSpan.TicksPerSecond == 0 ? "yyyy-MM-ddTHH:mm:ss'Z'" : "yyyy-MM-ddTHH:mm:ss.ffffff'Z'",
            CultureInfo.InvariantCulture
        );

    /// <summary>A value by the type of its column; empty when unknown.</summary>
    public static string Of(ReportValue value, ReportType type) =>
        !value.IsKnown
            ? ""
            : type switch
            {
                ReportType.Number => Of(value.Number),
                ReportType.Time => Of(value.Time),
                ReportType.Flag => value.Flag ? "yes" : "no",
                _ => value.Text!,
            };
}

/// <summary>A way to write reports down. Writers stream: they hold a few rows at most, unless their docs say otherwise.</summary>
public interface IReportFormat
{
    /// <summary>As it is asked for: <c>csv</c>.</summary>
    string Name { get; }

    /// <summary>Media type of what is written.</summary>
    string ContentType { get; }

    /// <summary>Most rows that it can hold; null: no limit.</summary>
    long? MostRows => null;

    /// <summary>Writes the report. The same report gives the same bytes.</summary>
    /// <param name="report">The report; its rows are read once.</param>
    /// <param name="output">Where to; left open.</param>
    /// <param name="cancellationToken">Stops it.</param>
    Task WriteAsync(Report report, Stream output, CancellationToken cancellationToken);
}

/// <summary>The formats that there are.</summary>
public static class ReportFormats
{
    /// <summary>All of them, by name.</summary>
    public static IReadOnlyDictionary<string, IReportFormat> All { get; } =
        new IReportFormat[]
        {
            new CsvReport(),
            new XlsxReport(),
            new JsonReport(),
            new ParquetReport(),
            new HtmlReport(),
            new PdfReport(),
        }.ToDictionary(format => format.Name, StringComparer.OrdinalIgnoreCase);

    /// <summary>Their names, for people.</summary>
    public static string Names => string.Join(", ", All.Keys);
}
