using System.ComponentModel;
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

/// <summary>Asking for spans of the past to be read, looking how far that is, and calling it off.</summary>
public static class BackfillEndpoints
{
    /// <summary>Maps <c>/api/sources/{id}/backfill</c>.</summary>
    public static void MapBackfill(this WebApplication app)
    {
        var group = app.MapGroup("/api/sources/{id}/backfill").WithTags("Sources").RequireScope(Scope.Operate);
        group
            .MapPost("", AskAsync)
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
    public static string? Refuse(SourceSettings source, Cadence cadence, DateTime from, DateTime to, DateTime now)
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

    private static async Task<Results<Accepted<BackfillResponse>, ProblemHttpResult>> AskAsync(
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
        var (question, isRead) = await Problems.ReadAsync<BackfillRequest>(request);
        if (!isRead)
            return Problem($"The body cannot be read: give application/json such as {Example}.");
        if (question is not { From: { } from, To: { } to })
            return Problem($"'from' or 'to' is missing: give application/json such as {Example}.");

        var source = settings.Sources[id];
        if (MetricsSettings.IsOwnMetrics(source))
            return Problem($"The source '{id}' is this service itself and tells the present only.");
        var opened = KnownProviders.All[source.Provider].Open(source, catalogue, clock);
        try
        {
            if (Refuse(source, opened.Cadence, from.UtcDateTime, to.UtcDateTime, clock.GetUtcNow().UtcDateTime) is { } refused)
                return Problem(refused);
            await log.RegisterAsync(source.Id, source.Provider, source.Place, cancellationToken);
            var (backfill, _) = await backfills.RequestAsync(
                id,
                ReadKind.Backfill,
                Backfills.WholeHours(from.UtcDateTime, to.UtcDateTime),
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
        return TypedResults.Problem(
            $"The source '{id}' has no open span "
                + $"{backfill.ToString(CultureInfo.InvariantCulture)}{(found?.Source == id ? $"; it is {SnakeCase.Of(found.State)}" : "")}.",
            statusCode: StatusCodes.Status404NotFound
        );
    }

    private const string Example = "{ \"from\": \"2026-11-01T00:00:00Z\", \"to\": \"2026-11-02T00:00:00Z\" }";

    private static ProblemHttpResult? Unknown(string id, MetricsSettings settings) =>
        settings.Sources.ContainsKey(id)
            ? null
            : TypedResults.Problem(
                $"There is no source '{id}'. Sources are: {string.Join(", ", settings.Sources.Keys.Order(StringComparer.Ordinal))}.",
                statusCode: StatusCodes.Status404NotFound
            );

    private static ProblemHttpResult Problem(string detail) => TypedResults.Problem(detail, statusCode: StatusCodes.Status400BadRequest);

    internal static string Text(DateTime time) => time.ToString("yyyy-MM-ddTHH:mm:ss'Z'", CultureInfo.InvariantCulture);
}

/// <summary>A span to read.</summary>
public sealed record BackfillRequest
{
    /// <summary>Start, inclusive; the hour that holds it is read from its start.</summary>
    [Description("Start, inclusive; the hour that holds it is read from its start.")]
    public DateTimeOffset? From { get; init; }

    /// <summary>End, exclusive; the hour that holds it is read to its end.</summary>
    [Description("End, exclusive; the hour that holds it is read to its end.")]
    public DateTimeOffset? To { get; init; }
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
