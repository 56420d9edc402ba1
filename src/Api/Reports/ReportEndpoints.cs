using System.Globalization;
using Metrics.Api.Access;
using Metrics.Api.Http;
using Metrics.Api.Reports.Formats;
using Metrics.Api.Reports.Jobs;
using Metrics.Api.Reports.Kinds;
using Metrics.Domain.Messages;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Metrics.Api.Reports;

/// <summary>Reports, their schemas, the jobs that make them, and the validator.</summary>
public static class ReportEndpoints
{
    private const int MostToValidate = 64 * 1024 * 1024;

    /// <summary>Adds what makes reports.</summary>
    public static IServiceCollection AddReports(this IServiceCollection services, ReportSettings settings) =>
        services.AddSingleton(settings).AddSingleton<ReportReader>().AddSingleton<ReportFiles>().AddSingleton<ReportJobs>();

    /// <summary>Maps <c>/api/reports</c> and <c>/api/validate</c>.</summary>
    public static void MapReports(this WebApplication app)
    {
        var reports = app.MapGroup("/api/reports").WithTags("Reports").RequireScope(Scope.Reports);
        reports
            .MapGet("", () =>
                new ReportList(
                    [
                        .. ReportKind.All.Values.Select(kind => new ReportListed(
                            kind.Name,
                            kind.Title,
                            kind.Notes,
                            $"/api/reports/{kind.Name}/schema"
                        )),
                    ],
                    [.. ReportFormats.All.Keys]
                )
            )
            .WithSummary("Kinds and formats of reports");
        reports
            .MapGet("/{kind}", (Delegate)GetAsync)
            .Produces(200)
            .Produces<JobResponse>(202)
            .ProducesProblem(400)
            .ProducesProblem(404)
            .WithSummary("A report")
            .WithDescription(
                $"Kinds: {ReportKind.Names}. 'from' and 'to' (exclusive) are whole periods of 'grain' (hour, day, month; day when left "
                    + $"out), 'format' is one of {ReportFormats.Names}; 'workload', 'provider' and 'unit' narrow it; comparison "
                    + "needs 'unit'. "
                    + "What takes long, or is asked for with 'Prefer: respond-async', is answered by 202 and a Location to poll; "
                    + "report.ready tells webhooks when it is there. The header Repr-Digest holds the file's SHA-256, Link its manifest."
            );
        reports
            .MapGet("/{kind}/schema", Results<Ok<System.Text.Json.Nodes.JsonObject>, ProblemHttpResult> (string kind) =>
                ReportKind.All.TryGetValue(kind, out var known)
                    ? TypedResults.Ok(JsonReport.SchemaOf(known))
                    : Problems.Of(
                        ProblemCode.UnknownKind,
                        $"'{Spelling.Shorten(kind)}' is not a kind of report. There are: {ReportKind.Names}.",
                        404
                    )
            )
            .ProducesProblem(404)
            .WithSummary("JSON Schema of a report");
        var jobs = reports.MapGroup("/jobs/{id}");
        jobs.MapGet("", Results<Ok<JobResponse>, ProblemHttpResult> (string id, ReportJobs all) =>
                all.Find(id) is { } job ? TypedResults.Ok(JobResponse.Of(job)) : NoJob()
            )
            .ProducesProblem(404)
            .WithSummary("How far a report is");
        jobs.MapGet("/file", (string id, HttpContext context, ReportJobs all) => FetchAsync(id, context, all))
            .ProducesProblem(404)
            .ProducesProblem(409)
            .WithSummary("The file of a report that is done");
        jobs.MapGet("/manifest", Results<PhysicalFileHttpResult, ProblemHttpResult> (string id, ReportJobs all) => all.Find(id)
                    is not { } job
                    ? NoJob()
                : job.Made.IsCompletedSuccessfully ? TypedResults.PhysicalFile(job.Made.Result.ManifestPath, "application/json")
                : NotDone(job))
            .ProducesProblem(404)
            .ProducesProblem(409)
            .WithSummary("Its manifest")
            .WithDescription("Everything but the rows, with their number, the file's length and its SHA-256.");
        jobs.MapDelete("", Results<NoContent, ProblemHttpResult> (string id, ReportJobs all) =>
            {
                if (all.Find(id) is not { } job)
                    return NoJob();
                job.Cancel();
                return TypedResults.NoContent();
            })
            .ProducesProblem(404)
            .WithSummary("Calls a report off");
        app.MapPost("/api/validate", ValidateAsync)
            .RequireScope(Scope.Reports)
            .WithTags("Reports")
            .WithMetadata(new RequestSizeLimitAttribute(MostToValidate))
            .ProducesProblem(400)
            .ProducesProblem(415)
            .WithSummary("Checks a file by the rules of its kind")
            .WithDescription(
                "'kind' says which. Rows as CSV or JSON, of this service or of others, at most 64 MiB. The rules are at GET /api/validate."
            );
        app.MapGet("/api/validate", () => Validator.Rules).RequireScope(Scope.Reports).WithTags("Reports").WithSummary("The rules");
    }

    private static async Task<IResult> GetAsync(
        string kind,
        HttpContext context,
        ReportJobs jobs,
        ReportSettings settings,
        TimeProvider clock
    )
    {
        try
        {
            var request = ReportRequest.Read(
                kind,
                context.Request.Query.SelectMany(parameter => parameter.Value.Select(value => (parameter.Key, value))),
                clock.GetUtcNow().UtcDateTime
            );
            var later = context
                .Request.Headers["Prefer"]
                .Any(prefer => prefer!.Contains("respond-async", StringComparison.OrdinalIgnoreCase));
            var job = jobs.Begin(request);
            if (!later)
                await ((Task)job.Made)
                    .WaitAsync(settings.Wait, clock, context.RequestAborted)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (job.Made.IsCompleted)
                return Sent(context, job, await job.Made);
            jobs.TellWhenReady(job);
            context.Response.Headers.RetryAfter = "2";
            if (later)
                context.Response.Headers["Preference-Applied"] = "respond-async";
            return TypedResults.Accepted($"/api/reports/jobs/{job.Id}", JobResponse.Of(job));
        }
        catch (ReportError exception)
        {
            if (exception.Status == StatusCodes.Status429TooManyRequests)
                context.Response.Headers.RetryAfter = "60";
            return exception.ToProblem();
        }
    }

    private static async Task<IResult> FetchAsync(string id, HttpContext context, ReportJobs jobs)
    {
        if (jobs.Find(id) is not { } job)
            return NoJob();
        return job.Made.IsCompletedSuccessfully ? Sent(context, job, await job.Made) : NotDone(job);
    }

    private static PhysicalFileHttpResult Sent(HttpContext context, ReportJob job, ReportFile file)
    {
        var headers = context.Response.Headers;
        // The digest is of the bytes that are sent (RFC 9530): they are the file's, and not what a compression makes of it on the way.
        context.Request.Headers.AcceptEncoding = default;
        headers["Repr-Digest"] = $"sha-256=:{Convert.ToBase64String(file.Sha256)}:";
        headers["Metrics-Rows"] = file.Rows.ToString(CultureInfo.InvariantCulture);
        headers.Link = $"</api/reports/jobs/{job.Id}/manifest>; rel=\"describedby\"";
        var page = job.Request.Format.Name == "html";
        if (page)
            headers.ContentSecurityPolicy =
                "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'";
        return TypedResults.PhysicalFile(
            file.Path,
            job.Request.Format.ContentType,
            page ? null : file.Name,
            entityTag: new Microsoft.Net.Http.Headers.EntityTagHeaderValue($"\"{Convert.ToHexStringLower(file.Sha256)}\""),
            enableRangeProcessing: true
        );
    }

    private static async Task<Results<Ok<ValidationResponse>, ProblemHttpResult>> ValidateAsync(
        HttpRequest request,
        CancellationToken cancellationToken
    )
    {
        try
        {
            var name = request.Query["kind"].ToString();
            if (!ReportKind.All.TryGetValue(name, out var kind))
                throw new ReportError(
                    ProblemCode.UnknownKind,
                    $"'kind' has to say what kind of report the file is. There are: {ReportKind.Names}."
                );
            var validator = await Validator.ReadAsync(kind, request.ContentType ?? "", request.Body, cancellationToken);
            return TypedResults.Ok(new ValidationResponse(validator.Findings.Count == 0, validator.Rows, validator.Findings));
        }
        catch (ReportError exception)
        {
            return exception.ToProblem();
        }
    }

    private static ProblemHttpResult NoJob() =>
        Problems.Of(
            ProblemCode.NotFound,
            "There is no such job, or it was forgotten; ask for the report again.",
            StatusCodes.Status404NotFound
        );

    private static ProblemHttpResult NotDone(ReportJob job) =>
        Problems.Of(
            ProblemCode.NotDone,
            $"The report is {job.State.ToWord()}{(JobResponse.Of(job).Error is { } error ? $": {error}" : "")}.",
            StatusCodes.Status409Conflict
        );
}

/// <summary>What there is.</summary>
/// <param name="Kinds">Kinds of reports.</param>
/// <param name="Formats">Formats.</param>
public sealed record ReportList(IReadOnlyList<ReportListed> Kinds, IReadOnlyList<string> Formats);

/// <summary>A kind of report.</summary>
/// <param name="Name">As it is asked for.</param>
/// <param name="Title">What people call it.</param>
/// <param name="Notes">What a reader of it has to know.</param>
/// <param name="Schema">Where the schema of its JSON is.</param>
public sealed record ReportListed(string Name, string Title, IReadOnlyList<string> Notes, string Schema);

/// <summary>How far a report is.</summary>
/// <param name="Id">The job.</param>
/// <param name="State"><c>waiting</c>, <c>writing</c>, <c>done</c>, <c>failed</c> or <c>cancelled</c>.</param>
/// <param name="Rows">Rows written.</param>
/// <param name="StoredRows">Rows of the store that it is made of.</param>
/// <param name="Error">Why it failed.</param>
/// <param name="File">Where its file is.</param>
/// <param name="Manifest">Where its manifest is.</param>
public sealed record JobResponse(string Id, string State, long Rows, long? StoredRows, string? Error, string? File, string? Manifest)
{
    internal static JobResponse Of(ReportJob job)
    {
        var done = job.Made.IsCompletedSuccessfully;
        // A fault of ours is told in the log, by whoever waits for the job; its words are not for everybody.
        var error = job.Made.IsFaulted
            ? job.Made.Exception!.GetBaseException() is ReportError exception
                ? exception.Message
                : "The report could not be made; the service's log says why."
            : null;
        return new JobResponse(
            job.Id,
            job.State.ToWord(),
            done ? job.Made.Result.Rows : job.Rows.Done,
            job.Rows.All == 0 ? null : job.Rows.All,
            error,
            done ? $"/api/reports/jobs/{job.Id}/file" : null,
            done ? $"/api/reports/jobs/{job.Id}/manifest" : null
        );
    }
}

/// <summary>What the rules say of a file.</summary>
/// <param name="IsValid">Whether it follows all of them.</param>
/// <param name="Rows">Rows looked at.</param>
/// <param name="Findings">Where it does not.</param>
public sealed record ValidationResponse(bool IsValid, long Rows, IReadOnlyList<ValidationFinding> Findings);
