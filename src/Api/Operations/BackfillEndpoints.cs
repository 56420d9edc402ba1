using System.Globalization;
using Hangfire;
using Metrics.Api.Access;
using Metrics.Api.Http;
using Metrics.Api.Settings;
using Metrics.Domain.Quantities;
using Metrics.Ingestors.Pipeline;
using Metrics.Ingestors.Providers;
using Metrics.Storage.Reading;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Metrics.Api.Operations;

/// <summary>Requests for spans of the past to be read, how far they are, and cancelling them.</summary>
public static class BackfillEndpoints
{
    /// <summary>Maps <c>/api/sources/{id}/backfill</c>.</summary>
    public static void MapBackfill(this WebApplication app)
    {
        var group = app.MapGroup("/api/sources/{id}/backfill").WithTags("Sources").RequireScope(Scope.Operate);
        group
            .MapPost("", RequestAsync)
            .Accepts<BackfillRequest>("application/json")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .WithSummary("Reads a span of the past")
            .WithDescription(
                "Asks a worker to read the span again, or for the first time: window by window, oldest first, beside the live "
                    + "reads. The same span asked for again while it is open is the one that is there."
            );
        group
            .MapGet("", ListAsync)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .WithSummary("Spans of the past of a source")
            .WithDescription("The last hundred, the newest request first.");
        group
            .MapDelete("/{backfill:long}", CancelAsync)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .WithSummary("Calls a span off")
            .WithDescription("What was read of it stays.");
    }

    /// <summary>Why a span of a source cannot be read; null when it can.</summary>
    /// <param name="source">The configured source.</param>
    /// <param name="cadence">How it is read.</param>
    /// <param name="from">Start, UTC.</param>
    /// <param name="to">End, UTC.</param>
    /// <param name="now">The clock.</param>
    public static string? Validate(SourceSettings source, Cadence cadence, DateTime from, DateTime to, DateTime now)
    {
        if (cadence.NoPastBecause is { } reason)
            return $"The source '{source.Id}' ({source.Provider}) has no past that can be read. {reason}";
        if (from >= to)
            return $"'from' ({Text(from)}) is not before 'to' ({Text(to)}).";
        if (to > now)
            return $"'to' ({Text(to)}) lies in the future; it is {Text(now)} now.";
        if (from.Year < 2000)
            return $"'from' ({Text(from)}) lies before the year 2000, where nothing was measured.";
        if (cadence.Keeps is { } keeps && from < now - keeps)
            return $"'from' ({Text(from)}) lies before what the source keeps: "
                + $"{keeps.TotalDays.ToString("0", CultureInfo.InvariantCulture)} days, so from {Text(now - keeps)} on.";
        return null;
    }

    private static async Task<Results<Accepted<BackfillResponse>, ProblemHttpResult>> RequestAsync(
        string id,
        HttpRequest request,
        MetricsSettings settings,
        Metrics.Domain.Catalogue.MetricCatalogue catalogue,
        Backfills backfills,
        ReadLog log,
        TimeProvider clock,
        IBackgroundJobClient jobs,
        CancellationToken cancellationToken
    )
    {
        if (Unknown(id, settings) is { } unknown)
            return unknown;
        var (body, problem) = await JsonBody.ReadAsync<BackfillRequest>(request, Example);
        if (body is null)
            return problem!;
        var (errors, now) = (new RequestErrors(), clock.GetUtcNow().UtcDateTime);
        var (start, end) = (Time("from", body.From, Times.From), Time("to", body.To, Times.To));
        if (start is not { } from || end is not { } to)
            return Problems.Of(errors);

        var source = settings.Sources[id];
        if (MetricsSettings.IsOwnMetrics(source))
            return Problems.Of(ProblemCode.InvalidBackfill, $"The source '{id}' is this service itself and tells the present only.");
        var opened = KnownProviders.All[source.Provider].Open(source, catalogue, clock);
        try
        {
            if (Validate(source, opened.Cadence, from, to, now) is { } reason)
                return Problems.Of(ProblemCode.InvalidBackfill, reason);
            await log.RegisterAsync(source.Id, source.Provider, source.Place, cancellationToken);
            var (backfill, _) = await backfills.RequestAsync(
                id,
                ReadKind.Backfill,
                Backfills.WholeHours(from, to),
                SourceReader.Step(opened.Cadence),
                cancellationToken
            );
            jobs.Enqueue<Jobs>(job => job.ReadAsync(id, CancellationToken.None));
            return TypedResults.Accepted(
                $"/odata/Backfills({backfill.Id.ToString(CultureInfo.InvariantCulture)})",
                BackfillResponse.Of(backfill)
            );
        }
        finally
        {
            (opened as IDisposable)?.Dispose();
        }

        DateTime? Time(string name, string? text, TimeReader read)
        {
            if (string.IsNullOrWhiteSpace(text))
            {
                errors.Body(name, ProblemCode.MissingPeriod, $"'{name}' is missing: give application/json such as {Example}.");
                return null;
            }
            var time = read(name, text, now, out var error, TimeStep.None);
            if (error is not null)
                errors.Body(name, ProblemCode.InvalidPeriod, error);
            return time;
        }
    }

    private static async Task<Results<Ok<IEnumerable<BackfillResponse>>, ProblemHttpResult>> ListAsync(
        string id,
        MetricsSettings settings,
        Backfills backfills,
        CancellationToken cancellationToken
    ) =>
        Unknown(id, settings) is { } unknown
            ? unknown
            : TypedResults.Ok((await backfills.OfAsync(id, cancellationToken)).Select(BackfillResponse.Of));

    private static async Task<Results<NoContent, ProblemHttpResult>> CancelAsync(
        string id,
        long backfill,
        MetricsSettings settings,
        Backfills backfills,
        CancellationToken cancellationToken
    )
    {
        if (Unknown(id, settings) is { } unknown)
            return unknown;
        var found = await backfills.FindAsync(backfill, cancellationToken);
        if (found?.Source == id && await backfills.CancelAsync(backfill, cancellationToken))
            return TypedResults.NoContent();
        var state = found?.Source == id ? $"; it is {SnakeCase.Of(found.State)}" : "";
        return Problems.Of(
            ProblemCode.NotFound,
            $"The source '{id}' has no open span {backfill.ToString(CultureInfo.InvariantCulture)}{state}.",
            StatusCodes.Status404NotFound
        );
    }

    private const string Example = "{ \"from\": \"2026-11-01T00:00:00Z\", \"to\": \"2026-11-02T00:00:00Z\" }";

    private static ProblemHttpResult? Unknown(string id, MetricsSettings settings) =>
        settings.Sources.ContainsKey(id)
            ? null
            : Problems.Of(
                ProblemCode.NotFound,
                $"There is no source '{id}'. Sources are: {string.Join(", ", settings.Sources.Keys.Order(StringComparer.Ordinal))}.",
                StatusCodes.Status404NotFound
            );

    internal static string Text(DateTime time) => time.ToString("yyyy-MM-ddTHH:mm:ss'Z'", CultureInfo.InvariantCulture);
}

/// <summary>A span to read.</summary>
public sealed record BackfillRequest
{
    /// <summary>Start, inclusive, as instant, day, month or relative to now; the hour that holds it is read from its start.</summary>
    public string? From { get; init; }

    /// <summary>End, exclusive; the hour that holds it is read to its end.</summary>
    public string? To { get; init; }
}

/// <summary>A span and how far it has been read.</summary>
/// <param name="Id">Identity of the span.</param>
/// <param name="Source">Source that is read.</param>
/// <param name="Kind">Why: <c>backfill</c>, <c>reread</c>, <c>reconcile</c> or <c>healed</c>.</param>
/// <param name="From">Start, inclusive.</param>
/// <param name="To">End, exclusive.</param>
/// <param name="Position">What lies before this has been read.</param>
/// <param name="Windows">Windows that it is read in.</param>
/// <param name="WindowsDone">Windows that have been read.</param>
/// <param name="Received">Observations received.</param>
/// <param name="Written">Samples inserted or changed.</param>
/// <param name="State"><c>waiting</c>, <c>reading</c>, <c>done</c> or <c>cancelled</c>.</param>
/// <param name="Error">What the last failed window said.</param>
public sealed record BackfillResponse(
    long Id,
    string Source,
    string Kind,
    DateTime From,
    DateTime To,
    DateTime Position,
    int Windows,
    int WindowsDone,
    long Received,
    long Written,
    string State,
    string? Error
)
{
    internal static BackfillResponse Of(Backfill backfill) =>
        new(
            backfill.Id,
            backfill.Source,
            SnakeCase.Of(backfill.Kind),
            backfill.Span.Start,
            backfill.Span.End,
            backfill.Position,
            backfill.Windows,
            backfill.WindowsDone,
            backfill.Received,
            backfill.Written,
            SnakeCase.Of(backfill.State),
            backfill.Error
        );
}
