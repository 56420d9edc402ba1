using System.Globalization;
using Metrics.Api.Http;
using Metrics.Api.Reports.Kinds;
using Metrics.Domain.Messages;

namespace Metrics.Api.Reports;

/// <summary>A report cannot be made as it was asked for.</summary>
/// <param name="code">Stable code.</param>
/// <param name="message">What was wrong, and what is allowed.</param>
/// <param name="status">HTTP status.</param>
internal sealed class ReportError(string code, string message, int status = StatusCodes.Status400BadRequest) : Exception(message)
{
    /// <summary>Stable code.</summary>
    public string Code { get; } = code;

    /// <summary>HTTP status.</summary>
    public int Status { get; } = status;
}

/// <summary>Length of the periods that rows are of.</summary>
public enum ReportGrain
{
    /// <summary>Hours.</summary>
    Hour,

    /// <summary>Days of UTC.</summary>
    Day,

    /// <summary>Months of UTC.</summary>
    Month,
}

/// <summary>What was asked, understood.</summary>
/// <param name="Kind">Which report.</param>
/// <param name="Format">How it is written down.</param>
/// <param name="From">Start, UTC, at the start of a period.</param>
/// <param name="To">End, UTC, exclusive, at the start of a period.</param>
/// <param name="Grain">Length of the periods.</param>
/// <param name="Workload">One workload; null: all.</param>
/// <param name="Provider">One provider; null: all.</param>
/// <param name="Unit">One functional unit; null: all.</param>
public sealed record ReportRequest(
    ReportKind Kind,
    IReportFormat Format,
    DateTime From,
    DateTime To,
    ReportGrain Grain,
    string? Workload,
    string? Provider,
    string? Unit
)
{
    private static readonly string[] Names = ["from", "to", "grain", "workload", "provider", "unit", "format"];
    private static readonly string[] Times =
    [
        "yyyy-MM-dd",
        "yyyy-MM-dd'T'HH:mm:ss'Z'",
        "yyyy-MM-dd'T'HH:mm'Z'",
        "yyyy-MM-dd'T'HH:mm:sszzz",
        "yyyy-MM",
    ];

    /// <summary>Reads it.</summary>
    /// <param name="kind">Name of the kind.</param>
    /// <param name="given">Names and values of the parameters.</param>
    /// <param name="now">The clock, UTC.</param>
    /// <exception cref="ReportError">It cannot be understood, or asks for what cannot be.</exception>
    public static ReportRequest Read(string kind, IEnumerable<(string Name, string? Value)> given, DateTime now)
    {
        if (!ReportKind.All.TryGetValue(kind, out var known))
            throw new ReportError(
                "unknown_kind",
                $"'{Spelling.Shorten(kind)}' is not a kind of report. There are: {ReportKind.Names}.",
                StatusCodes.Status404NotFound
            );
        var values = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, value) in given)
        {
            if (!Names.Contains(name, StringComparer.OrdinalIgnoreCase))
                throw new ReportError(
                    "unknown_parameter",
                    $"'{Spelling.Shorten(name)}' is not a parameter. There are: {string.Join(", ", Names)}."
                );
            if (!values.TryAdd(name, value ?? ""))
                throw new ReportError("repeated_parameter", $"'{name}' is given twice; give it once.");
        }
        string? One(string name) => values.TryGetValue(name, out var value) && value.Length > 0 ? value : null;

        var format = One("format") ?? "csv";
        if (!ReportFormats.All.TryGetValue(format, out var way))
            throw new ReportError("unknown_format", $"'{Spelling.Shorten(format)}' is not a format. There are: {ReportFormats.Names}.");
        var grain = One("grain") ?? "day";
        if (!Enum.TryParse<ReportGrain>(grain, ignoreCase: true, out var length) || !Enum.IsDefined(length) || char.IsAsciiDigit(grain[0]))
            throw new ReportError("unknown_grain", $"'{Spelling.Shorten(grain)}' is not a grain. There are: hour, day, month.");
        var (from, to) = (Time("from"), Time("to"));
        if (from >= to)
            throw new ReportError("invalid_period", $"'from' ({ReportText.Of(from)}) is not before 'to' ({ReportText.Of(to)}).");
        if (from > now)
            throw new ReportError(
                "future_period",
                $"'from' ({ReportText.Of(from)}) lies in the future; it is "
                    + $"{ReportText.Of(new DateTime(now.Ticks - now.Ticks % TimeSpan.TicksPerSecond, DateTimeKind.Utc))} now."
            );
        if (to > now)
            throw new ReportError(
                "future_period",
                $"'to' ({ReportText.Of(to)}) lies in the future; it is "
                    + $"{ReportText.Of(new DateTime(now.Ticks - now.Ticks % TimeSpan.TicksPerSecond, DateTimeKind.Utc))} now. Ask "
                    + "up to the "
                    + "last whole period; 'grain=hour' reaches farthest."
            );
        if (known.NeedsUnit && One("unit") is null)
            throw new ReportError(
                "missing_unit",
                "'unit' is missing: say what work the deployments are compared by, such as output-token."
            );
        foreach (var (name, time) in new[] { ("from", from), ("to", to) })
        {
            var whole = length switch
            {
                ReportGrain.Hour => time.Ticks % TimeSpan.TicksPerHour == 0,
                ReportGrain.Day => time.TimeOfDay == TimeSpan.Zero,
                _ => time.TimeOfDay == TimeSpan.Zero && time.Day == 1,
            };
            if (!whole)
                throw new ReportError(
                    "invalid_period",
                    $"'{name}' ({ReportText.Of(time)}) is not at the start of a {length.ToString().ToLowerInvariant()} of UTC, and rows "
                        + "are of whole ones. Choose another time, or a finer 'grain'."
                );
        }
        return new ReportRequest(known, way, from, to, length, One("workload"), One("provider"), One("unit"));

        DateTime Time(string name)
        {
            if (One(name) is not { } text)
                throw new ReportError("missing_period", $"'{name}' is missing: give a time such as 2026-02-01 or 2026-02-01T00:00:00Z.");
            if (!DateTimeOffset.TryParseExact(text, Times, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
                throw new ReportError(
                    "invalid_period",
                    $"'{name}' ({Spelling.Shorten(text)}) is not a time; write 2026-02-01, 2026-02 or 2026-02-01T00:00:00Z."
                );
            return time.UtcDateTime;
        }
    }
}
