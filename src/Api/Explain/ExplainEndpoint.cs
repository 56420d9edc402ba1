using Metrics.Api.Http;
using Metrics.Domain.Factors;
using Metrics.Domain.Normalisation;
using Metrics.Storage.Engine;
using Metrics.Storage.Facts;
using Metrics.Storage.Queries;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.OpenApi;

namespace Metrics.Api.Explain;

/// <summary>Answers how a row came to be.</summary>
public static class ExplainEndpoint
{
    // The samples of three hours of every source are read for one answer: a few at a time, so that a flood of questions takes the service's
    // memory from nobody.
    private static readonly SemaphoreSlim explainSlots = new(2);

    /// <summary>
    /// Maps <c>GET /api/explain</c>. It takes the store (<see cref="QueryConnections"/>, <see cref="FactStore"/>), the
    /// <see cref="Normaliser"/> and, where there is one, the
    /// <see cref="FactorBook"/> from the services.
    /// </summary>
    public static IEndpointConventionBuilder MapExplain(this IEndpointRouteBuilder endpoints) =>
        endpoints
            .MapGet("/api/explain", GetAsync)
            .WithTags("Explain")
            .WithSummary("How a row came to be, so that a person can make it again by hand")
            .WithDescription(
                """
                Tells of one row of /odata every series and sample count behind it with a hash, the mappings, what each series gave to each
                period of the grid and whether it was used, the shares of the workloads, the factors, and the calculation with its numbers.
                The row is made again from the stored samples and compared. Days and months are told by their hours, each of which has an
                explanation of its own. Long lists are cut, and leftOut tells by how many entries.
                """
            )
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable)
            .AddOpenApiOperationTransformer(
                (operation, _, _) =>
                {
                    // Nullable to the framework, so that their absence is told in our words; required all the same.
                    foreach (var parameter in operation.Parameters?.OfType<OpenApiParameter>() ?? [])
                        parameter.Required = true;
                    return Task.CompletedTask;
                }
            );

    /// <param name="set">Entity set of the row: HourlyIntensities, DailyIntensities, MonthlyIntensities or EnergyFacts.</param>
    /// <param name="key">Key of the row as OData writes it, with or without parentheses:
    /// DeploymentId=5,FunctionalUnit='request',PeriodStart=2026-02-01T00:00:00Z; of EnergyFacts DeploymentId, ResourceId,
    /// PeriodStart.</param>
    internal static async Task<Results<Ok<Explanation>, ProblemHttpResult>> GetAsync(
        HttpContext context,
        [FromServices] QueryConnections connections,
        [FromServices] FactStore facts,
        [FromServices] Normaliser normaliser,
        [FromServices] TimeProvider time,
        string? set,
        string? key
    )
    {
        _ = (set, key);
        var errors = new RequestErrors();
        if (ExplainRequest.Read(context.Request.Query, time.GetUtcNow().UtcDateTime, errors) is not { } request)
            return Problems.Of(errors);
        context.Response.Headers.CacheControl = "no-store";
        var aborted = context.RequestAborted;
        await explainSlots.WaitAsync(aborted);
        try
        {
            await using var session = new ReadSession(connections, aborted);
            var stored = new StoredRows(session);
            var found = request.ResourceId is { } resource
                ? await stored.EnergyFactAsync(request.DeploymentId, resource, request.PeriodStart)
                : await stored.IntensityAsync(request.Set, request.DeploymentId, request.FunctionalUnit!, request.PeriodStart);
            if (found is not { } row)
                return Problems.Of(
                    ProblemCode.NotFound,
                    $"{request.Set} has no row with the key {request.Key}. The rows that there are: /odata/{request.Set}.",
                    StatusCodes.Status404NotFound
                );
            var book = context.RequestServices.GetService<FactorBook>() ?? FactorBook.Published;
            return TypedResults.Ok(await new RowExplainer(stored, facts, normaliser, book).ExplainAsync(request, row, aborted));
        }
        finally
        {
            explainSlots.Release();
        }
    }
}
