using System.ComponentModel;
using System.Globalization;
using Metrics.Domain.Facts;
using Metrics.Domain.Quantities;
using Metrics.Storage;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using Microsoft.OpenApi;

namespace Metrics.Api.Placements;

/// <summary>Answers where a unit of work costs the least energy.</summary>
public static class PlacementEndpoint
{
    /// <summary>Maps <c>GET /api/placements</c>. It takes the store's <see cref="IDbContextFactory{TContext}"/> and the <see cref="TimeProvider"/> from the services.</summary>
    public static IEndpointConventionBuilder MapPlacements(this IEndpointRouteBuilder endpoints) => endpoints
        .MapGet("/api/placements", AnswerAsync)
        .WithTags("Placements")
        .WithSummary("Where a unit of work costs the least energy")
        .WithDescription("""
            Sums the energy and the work of each deployment over the period and ranks deployments by joules per unit. Only numbers that mean the same are ranked with
            each other: same unit, boundary, model, precision. The other groups say how they differ; deployments with too little coverage, too bad evidence or no
            ratio are left out with every reason.
            """)
        .ProducesProblem(StatusCodes.Status400BadRequest)
        .ProducesProblem(StatusCodes.Status503ServiceUnavailable)
        .AddOpenApiOperationTransformer((operation, _, _) =>
        {
            // Nullable to the framework, so that its absence is told in our words; required all the same.
            foreach (var parameter in operation.Parameters?.OfType<OpenApiParameter>().Where(parameter => parameter.Name == "unit") ?? []) parameter.Required = true;
            return Task.CompletedTask;
        });

    // The parameters are declared for the API's description; PlacementQuestion reads them, so that a fault is told in its own words and all at once.
    private static async Task<Results<Ok<PlacementAnswer>, ProblemHttpResult>> AnswerAsync(
        HttpContext context,
        [FromServices] IDbContextFactory<MetricsDbContext> store,
        [FromServices] TimeProvider time,
        [FromServices] ILogger<PlacementAnswer> log,
        [Description("What work is counted in: output-token, input-token, token, request, image ...")] string? unit,
        [Description("The model, exactly as configured. Left out: every model, each ranked by itself.")] string? model,
        [Description("accelerator, server or facility (server x PUE). facility when left out.")] string? boundary,
        [Description("Start, a whole UTC hour: 2026-02-01T00:00:00Z or 2026-02-01. 24 hours before the end when left out.")] string? from,
        [Description("End, a whole UTC hour, not included. The end of the newest complete hour with work in the unit when left out.")] string? to,
        [Description("Least share of the period that must be covered, from 0 to 1. 0.9 when left out.")] string? minCoverage,
        [Description("Worst evidence accepted: measured, derived, modelled or estimated. modelled when left out; estimated ranks estimates beside readings.")] string? evidence)
    {
        _ = (unit, model, boundary, from, to, minCoverage, evidence);
        var faults = new List<string>();
        if (PlacementQuestion.Read(context.Request.Query, faults) is not { } question) return Refused(faults);
        context.Response.Headers.CacheControl = "no-store";
        try
        {
            await using var hours = new HourReader(await store.CreateDbContextAsync(context.RequestAborted));
            await hours.OpenAsync(context.RequestAborted);
            var now = time.GetUtcNow().UtcDateTime;
            var end = question.To ?? await hours.NewestEndAsync(question.Unit, now, context.RequestAborted) ?? now.Date.AddHours(now.Hour);
            var start = question.From ?? (end > DateTime.MinValue.AddDays(1) ? end.AddDays(-1) : DateTime.SpecifyKind(DateTime.MinValue, DateTimeKind.Utc));
            if (start >= end) return Refused([string.Create(CultureInfo.InvariantCulture, $"from {start:yyyy-MM-ddTHH:mm:ssZ} is not before to {end:yyyy-MM-ddTHH:mm:ssZ}{(question.To is null ? ", the end of the newest complete hour with work in the unit" : "")}.")]);
            if (end - start > TimeSpan.FromDays(PlacementQuestion.MostDays))
                return Refused([$"The period is longer than {PlacementQuestion.MostDays} days, and every hour of it is read. Ask for less, or take /odata/DailyIntensities or /odata/MonthlyIntensities."]);
            var period = new Interval(start, end);
            var sums = await hours.SumAsync(period, question.Unit, question.Model, question.Boundary, context.RequestAborted);
            var note = sums.Count > 0 ? null : Note(question, await hours.PresentAsync(period, context.RequestAborted));
            return TypedResults.Ok(Answer(question, period, sums, note));
        }
        catch (Exception fault) when (!context.RequestAborted.IsCancellationRequested && StorageFault.IsOutside(fault))
        {
            log.LogError(fault, "Placements could not be answered.");
            context.Response.Headers.RetryAfter = "5";
            return TypedResults.Problem("The store cannot be read now; the service's log says why. Come back, or ask for a shorter period.", statusCode: StatusCodes.Status503ServiceUnavailable);
        }
    }

    private static PlacementAnswer Answer(PlacementQuestion question, Interval period, List<DeploymentSums> sums, string? note)
    {
        var of = sums.ToDictionary(sum => Key(sum.Id), StringComparer.Ordinal);
        var unclaimed = sums.Where(sum => sum.Workload == Workload.Unattributed.Name).ToList();
        var comparison = Comparability.Of(sums.Except(unclaimed).Select(sum => Row(question, period, sum)), new ComparisonTerms
        {
            MinimumCoverage = question.MinCoverage,
            WorstEvidence = question.Evidence,
            // Whoever accepts estimates has asked for them beside the rest.
            EstimatedBesideMeasured = question.Evidence == Evidence.Estimated,
        });
        return new PlacementAnswer
        {
            Unit = question.Unit,
            Model = question.Model,
            Boundary = PlacementQuestion.Word(question.Boundary),
            PueIncluded = question.Boundary == Boundary.Facility,
            IdlePolicy = "provisioned",
            From = period.Start,
            To = period.End,
            MinCoverage = question.MinCoverage,
            Evidence = PlacementQuestion.Word(question.Evidence),
            Groups = [.. comparison.Groups.Select(group => new PlacementGroup
            {
                Model = group.Rows[0].Row.Model,
                Precision = group.Rows[0].Row.Precision,
                Differs = [.. group.Differences.Select(difference => difference.ToString())],
                Ranked = [.. group.Rows.Select(ranked => Told(of[ranked.Row.Deployment], ranked.Row, ranked.SavingAgainstWorst, []))],
            })],
            LeftOut =
            [
                .. comparison.LeftOut.Select(left => Told(of[left.Row.Deployment], left.Row, null, left.Reasons)),
                .. unclaimed.OrderBy(sum => sum.Place, StringComparer.Ordinal)
                    .Select(sum => Told(sum, Row(question, period, sum), null, ["no workload's rules claim it: it is what is left at its place, and no deployment"])),
            ],
            Note = note,
        };
    }

    private static ComparableRow Row(PlacementQuestion question, Interval period, DeploymentSums sums) => new()
    {
        Deployment = Key(sums.Id),
        Workload = sums.Workload,
        Model = sums.Model,
        Precision = sums.Precision,
        Hardware = sums.Hardware,
        FunctionalUnit = question.Unit,
        Boundary = question.Boundary,
        PueIncluded = question.Boundary == Boundary.Facility,
        Evidence = sums.Evidence,
        // A sum of rounded seconds may come to a hair more than the whole.
        Coverage = Math.Min(1, sums.CoveredSeconds / period.Seconds),
        MeasuredShare = sums.KnownJoules is > 0 ? sums.MeasuredJoules / sums.KnownJoules : null,
        Joules = sums.Joules,
        Units = sums.Units,
        UnknownBecause = sums.Joules is not null ? null : (question.Boundary, sums.AnyKnown, sums.ServerKnown) switch
        {
            (_, false, _) => "no_energy",
            (Boundary.Accelerator, _, _) => "accelerator_unknown",
            (Boundary.Facility, _, true) => "pue_unknown",
            _ => "server_unknown",
        },
    };

    private static Placement Told(DeploymentSums sums, ComparableRow row, double? saving, IReadOnlyList<string> reasons) => new()
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
        Joules = row.Joules,
        Units = row.Units,
        Boundary = PlacementQuestion.Word(row.Boundary),
        Coverage = row.Coverage,
        Evidence = PlacementQuestion.Word(row.Evidence),
        MeasuredShare = row.MeasuredShare,
        SavingAgainstWorst = saving,
        Reasons = reasons,
    };

    private static string Note(PlacementQuestion question, (List<string> Units, List<string> Models) present)
    {
        var missing = question.Model is { } model ? $"No deployment serves '{model}' in this period." : $"No work was counted in {question.Unit} in this period.";
        return $"{missing} Units with work: {List(present.Units)}. Models with work: {List(present.Models)}.";

        static string List(List<string> names) => names.Count == 0 ? "none" : string.Join(", ", names);
    }

    private static ProblemHttpResult Refused(IReadOnlyList<string> faults) =>
        TypedResults.Problem(string.Join(' ', faults), statusCode: StatusCodes.Status400BadRequest, title: "The question cannot be answered as it is put.");

    private static string Key(long id) => id.ToString(CultureInfo.InvariantCulture);
}
