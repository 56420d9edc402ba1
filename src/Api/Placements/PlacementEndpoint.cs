using System.ComponentModel;
using Metrics.Api.Comparing;
using Metrics.Api.Http;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Messages;
using Metrics.Storage.Engine;
using Metrics.Storage.Queries;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.OpenApi;

namespace Metrics.Api.Placements;

/// <summary>Answers where a unit of work costs the least energy.</summary>
public static class PlacementEndpoint
{
    /// <summary>Maps <c>GET /api/placements</c>. It takes the <see cref="QueryConnections"/> and the <see cref="TimeProvider"/> from the
    /// services.</summary>
    public static IEndpointConventionBuilder MapPlacements(this IEndpointRouteBuilder endpoints) =>
        endpoints
            .MapGet("/api/placements", GetAsync)
            .WithTags("Placements")
            .WithSummary("Where a unit of work costs the least energy or emits the least")
            .WithDescription(
                """
                Sums the energy and the work of each deployment over the period and ranks deployments by joules or by grams of CO2
                equivalents per unit. Only numbers that mean the same are ranked with each other: same unit, boundary, idle policy, model,
                precision. The other groups say how they differ; deployments with too little coverage, too bad evidence or no ratio are left
                out with every reason. Where the bounds of two numbers overlap, their order is told as not certain.
                """
            )
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable)
            .AddOpenApiOperationTransformer(
                (operation, _, _) =>
                {
                    // Nullable to the framework, so that its absence is told in our words; required all the same.
                    foreach (
                        var parameter in operation.Parameters?.OfType<OpenApiParameter>().Where(parameter => parameter.Name == "unit") ?? []
                    )
                        parameter.Required = true;
                    return Task.CompletedTask;
                }
            );

    // The parameters are declared for the API's description, which takes their comments; ComparisonRequest reads them, so that an error
    // is told in its own words and all at once.
    /// <param name="unit">What work is counted in: output-token, input-token, token, request, image ...</param>
    /// <param name="model">The model, exactly as configured. Left out: every model, each ranked by itself.</param>
    /// <param name="boundary">accelerator, server or facility (server x PUE). facility when left out, and always for by=carbon.</param>
    /// <param name="by">energy ranks by joules per unit, carbon by grams of CO2 equivalents per unit (operational, location-based average,
    /// and embodied). energy when left out.</param>
    /// <param name="idlePolicy">provisioned includes the energy drawn while reserved and doing nothing, active-only leaves it out.
    /// provisioned when left out.</param>
    /// <param name="to">End, a whole UTC hour, not included; of a word the end of what it names, up to now. The end of the newest complete
    /// hour with work in the unit when left out.</param>
    /// <param name="minCoverage">Least share of the period that must be covered, from 0 to 1. 0.9 when left out.</param>
    /// <param name="evidence">Worst evidence accepted: measured, derived, modelled or estimated. modelled when left out; estimated ranks
    /// estimates beside readings.</param>
    internal static async Task<Results<Ok<PlacementResponse>, ProblemHttpResult>> GetAsync(
        HttpContext context,
        [FromServices] QueryConnections connections,
        [FromServices] TimeProvider time,
        string? unit,
        string? model,
        string? boundary,
        string? by,
        string? idlePolicy,
        [Description("Start, a whole UTC hour. 24 hours before the end when left out. " + Times.Description)] string? from,
        string? to,
        string? minCoverage,
        string? evidence
    )
    {
        _ = (unit, model, boundary, by, idlePolicy, from, to, minCoverage, evidence);
        var (errors, now) = (new RequestErrors(), time.GetUtcNow().UtcDateTime);
        var given = context.Request.Query.SelectMany(entry => entry.Value, (entry, value) => (entry.Key, value));
        if (ComparisonRequest.Read(given, now, errors) is not { } request)
            return Problems.Of(errors);
        context.Response.Headers.CacheControl = "no-store";
        var conversions = context.RequestServices.GetService<UnitConversions>() ?? UnitConversions.None;
        var reasons = new List<string>();
        await using var session = new ReadSession(connections, context.RequestAborted);
        if (await DeploymentComparison.ReadAsync(session, request, conversions, now, reasons) is { } comparison)
            return TypedResults.Ok(ToResponse(comparison));
        foreach (var reason in reasons)
            errors.Query("", ProblemCode.InvalidComparison, reason);
        return Problems.Of(errors);
    }

    private static PlacementResponse ToResponse(DeploymentComparison comparison)
    {
        var request = comparison.Request;
        return new PlacementResponse
        {
            Unit = request.Unit,
            Model = request.Model,
            Boundary = request.Boundary.ToWord(),
            PueIncluded = request.Boundary == Boundary.Facility,
            IdlePolicy = request.IdlePolicy.ToWord(),
            By = request.By.ToWord(),
            CarbonMethod = DeploymentComparison.CarbonMethod,
            From = comparison.Period.Start,
            To = comparison.Period.End,
            MinCoverage = request.MinCoverage,
            Evidence = request.Evidence.ToWord(),
            Groups =
            [
                .. comparison.Result.Groups.Select(group => new PlacementGroup
                {
                    Model = group.Rows[0].Row.Model,
                    Precision = group.Rows[0].Row.Precision,
                    Differs = [.. group.Differences.Select(difference => difference.ToString())],
                    Ranked = [.. group.Rows.Select(ranked => ToResponse(comparison.Sums[ranked.Row.Deployment], ranked.Row, ranked, []))],
                }),
            ],
            LeftOut =
            [
                .. comparison.Result.LeftOut.Select(left => ToResponse(comparison.Sums[left.Row.Deployment], left.Row, null, left.Reasons)),
            ],
            Note = comparison.Note,
        };
    }

    private static Placement ToResponse(DeploymentSums sums, ComparableRow row, RankedRow? ranked, IReadOnlyList<string> reasons)
    {
        var (joules, grams) = (row.BoundsPerUnit(RankedBy.Energy), row.BoundsPerUnit(RankedBy.Carbon));
        return new Placement
        {
            DeploymentId = row.Deployment,
            Workload = sums.Workload,
            Model = sums.Model,
            Precision = sums.Precision,
            Provider = sums.Provider,
            Region = sums.Region,
            Hardware = sums.Hardware,
            Accelerators = sums.Accelerators,
            JoulesPerUnit = row.PerUnit(RankedBy.Energy),
            LowJoulesPerUnit = joules?.Low,
            HighJoulesPerUnit = joules?.High,
            GramsPerUnit = row.PerUnit(RankedBy.Carbon),
            LowGramsPerUnit = grams?.Low,
            HighGramsPerUnit = grams?.High,
            Joules = row.Energy.Value,
            Grams = row.Carbon.Value,
            Units = row.Units,
            Converted = row.Converted,
            Boundary = row.Boundary.ToWord(),
            Coverage = row.Coverage,
            Evidence = row.Evidence.ToWord(),
            MeasuredShare = row.MeasuredShare,
            SavingAgainstWorst = ranked?.SavingAgainstWorst,
            Certain = ranked?.Certain,
            Factors = sums.Factors,
            Missing = [.. sums.Missing.Words()],
            Reasons = reasons,
        };
    }
}
