using Metrics.Api.Http;
using Metrics.Api.Reports.Kinds;
using Metrics.Domain.Messages;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Metrics.Api.Reports;

/// <summary>A report cannot be made as it was requested.</summary>
internal sealed class ReportError : Exception
{
    /// <summary>An error with one cause.</summary>
    /// <param name="code">Stable code.</param>
    /// <param name="message">What is wrong, and what would be right.</param>
    /// <param name="status">HTTP status.</param>
    public ReportError(ProblemCode code, string message, int status = StatusCodes.Status400BadRequest)
        : base(message) => (Code, Status, Errors) = (code, status, []);

    /// <summary>Everything that is wrong with a request.</summary>
    /// <param name="errors">One at least.</param>
    public ReportError(RequestErrors errors)
        : base(string.Join(' ', errors)) => (Code, Status, Errors) = (errors[0].Code, StatusCodes.Status400BadRequest, errors);

    /// <summary>Stable code.</summary>
    public ProblemCode Code { get; }

    /// <summary>HTTP status.</summary>
    public int Status { get; }

    /// <summary>What is wrong with the parts of the request; empty where the error lies in none of them.</summary>
    public RequestErrors Errors { get; }

    /// <summary>The error as a response.</summary>
    public ProblemHttpResult ToProblem() => Errors.Count > 0 ? Problems.Of(Errors) : Problems.Of(Code, Message, Status);
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

/// <summary>A report as it was requested.</summary>
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

    /// <summary>Reads it.</summary>
    /// <param name="kind">Name of the kind.</param>
    /// <param name="given">Names and values of the parameters.</param>
    /// <param name="now">The clock, UTC.</param>
    /// <exception cref="ReportError">It cannot be understood, or asks for what cannot be; everything that is wrong is named.</exception>
    public static ReportRequest Read(string kind, IEnumerable<(string Name, string? Value)> given, DateTime now)
    {
        if (!ReportKind.All.TryGetValue(kind, out var known))
            throw new ReportError(
                ProblemCode.UnknownKind,
                $"'{Spelling.Shorten(kind)}' is not a kind of report. There are: {ReportKind.Names}.",
                StatusCodes.Status404NotFound
            );
        var errors = new RequestErrors();
        var values = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, value) in given)
        {
            if (!Names.Contains(name, StringComparer.OrdinalIgnoreCase))
                errors.Query(
                    Spelling.Shorten(name),
                    ProblemCode.UnknownParameter,
                    $"'{Spelling.Shorten(name)}' is not a parameter. There are: {string.Join(", ", Names)}."
                );
            else if (!values.TryAdd(name, value ?? ""))
                errors.Query(name, ProblemCode.RepeatedParameter, $"'{name}' is given twice; give it once.");
        }
        string? One(string name) => values.TryGetValue(name, out var value) && value.Length > 0 ? value : null;

        var format = One("format") ?? "csv";
        if (!ReportFormats.All.TryGetValue(format, out var way))
            errors.Query(
                "format",
                ProblemCode.UnknownFormat,
                $"'{Spelling.Shorten(format)}' is not a format. There are: {ReportFormats.Names}."
            );
        var grain = One("grain") ?? "day";
        if (!Enum.TryParse<ReportGrain>(grain, ignoreCase: true, out var length) || !Enum.IsDefined(length) || char.IsAsciiDigit(grain[0]))
        {
            errors.Query("grain", ProblemCode.UnknownGrain, $"'{Spelling.Shorten(grain)}' is not a grain. There are: hour, day, month.");
            length = ReportGrain.Hour;
        }
        if (known.NeedsUnit && One("unit") is null)
            errors.Query(
                "unit",
                ProblemCode.MissingUnit,
                "'unit' is missing: say what work the deployments are compared by, such as output-token."
            );
        var step = length switch
        {
            ReportGrain.Hour => TimeStep.Hour,
            ReportGrain.Day => TimeStep.Day,
            _ => TimeStep.Month,
        };
        var (from, to) = (Time("from", Times.From), Time("to", Times.To));
        if (from >= to)
            errors.Query(
                "from",
                ProblemCode.InvalidPeriod,
                $"'from' ({ReportText.Of(from.Value)}) is not before 'to' ({ReportText.Of(to.Value)})."
            );
        if (errors.Count > 0)
            throw new ReportError(errors);
        return new ReportRequest(known, way!, from!.Value, to!.Value, length, One("workload"), One("provider"), One("unit"));

        DateTime? Time(string name, TimeReader read)
        {
            if (One(name) is not { } text)
            {
                errors.Query(
                    name,
                    ProblemCode.MissingPeriod,
                    $"'{name}' is missing: give a time such as 2026-02-01, 2026-02, last-month or 2026-02-01T00:00:00Z."
                );
                return null;
            }
            if (read(name, text, now, out var error, step) is not { } time)
                errors.Query(name, ProblemCode.InvalidPeriod, error!);
            else if (time > now)
                errors.Query(
                    name,
                    ProblemCode.FuturePeriod,
                    $"'{name}' ({ReportText.Of(time)}) lies in the future; it is {ReportText.Of(Seconds(now))} now. "
                        + "Ask up to the last whole period; 'grain=hour' reaches farthest."
                );
            else if (Times.Floor(time, step) != time)
                errors.Query(
                    name,
                    ProblemCode.InvalidPeriod,
                    $"'{name}' ({ReportText.Of(time)}) is not at the start of a {length.ToString().ToLowerInvariant()} of UTC, "
                        + "and rows are of whole ones. Choose another time, or a finer 'grain'."
                );
            else
                return time;
            return null;
        }

        static DateTime Seconds(DateTime time) => time.AddTicks(-(time.Ticks % TimeSpan.TicksPerSecond));
    }
}
