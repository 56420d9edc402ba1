using Metrics.Api.Access;
using Metrics.Api.Http;
using Metrics.Api.Settings;
using Metrics.Domain.Facts;
using Metrics.Domain.Messages;
using Metrics.Storage.Events;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Metrics.Api.Webhooks;

/// <summary>Rules about joules per unit, whose events go to webhooks.</summary>
public static class RuleEndpoints
{
    private const string Example =
        "{ \"kind\": \"threshold\", \"workload\": \"chat-70b\", \"functionalUnit\": \"output-token\", \"comparison\": \"above\", "
        + "\"threshold\": 3.5 }";

    /// <summary>Maps <c>/api/rules</c>.</summary>
    public static void MapRules(this IEndpointRouteBuilder app)
    {
        var rules = app.MapGroup("/api/rules").WithTags("Rules").RequireScope(Scope.Operate);
        rules
            .MapGet("", async (IntensityRules store, CancellationToken cancellationToken) =>
                TypedResults.Ok(await store.AllAsync(cancellationToken))
            )
            .WithSummary("Rules")
            .WithDescription("When an event tells of joules per unit; the oldest first.");
        rules
            .MapPost("", CreateAsync)
            .Accepts<RuleRequest>("application/json")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .WithSummary("Makes a rule")
            .WithDescription(
                """
                Energy and work of the last hours that are final are summed up and divided. 'threshold' compares joules per unit with a
                number and raises intensity.threshold_exceeded; 'drift' compares them with the hours before and raises intensity.drifted. A
                rule that told does not tell again before its cool-down is over, and never twice of one window.
                """
            );
        rules.MapGet("/{id}", FindAsync).ProducesProblem(StatusCodes.Status404NotFound).WithSummary("One rule");
        rules
            .MapPatch("/{id}", UpdateAsync)
            .Accepts<RuleRequest>("application/json")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .WithSummary("Changes a rule")
            .WithDescription("What is left out stays. The changed rule may tell at once.");
        rules.MapDelete("/{id}", DeleteAsync).ProducesProblem(StatusCodes.Status404NotFound).WithSummary("Deletes a rule");
    }

    private static async Task<Results<Created<IntensityRule>, ProblemHttpResult>> CreateAsync(
        HttpRequest request,
        MetricsSettings settings,
        IntensityRules store,
        CancellationToken cancellationToken
    )
    {
        var (body, problem) = await JsonBody.ReadAsync<RuleRequest>(request, Example);
        if (body is null)
            return problem!;
        var errors = new RequestErrors();
        if (body.ToRule(null, settings, errors) is not { } rule)
            return Problems.Of(errors);
        var created = (await store.UpsertAsync(rule, cancellationToken))!;
        return TypedResults.Created($"/api/rules/{created.Id}", created);
    }

    private static async Task<Results<Ok<IntensityRule>, ProblemHttpResult>> FindAsync(
        string id,
        IntensityRules store,
        CancellationToken cancellationToken
    ) => await store.FindAsync(id, cancellationToken) is { } rule ? TypedResults.Ok(rule) : NotFound(id);

    private static async Task<Results<Ok<IntensityRule>, ProblemHttpResult>> UpdateAsync(
        string id,
        HttpRequest request,
        MetricsSettings settings,
        IntensityRules store,
        CancellationToken cancellationToken
    )
    {
        if (await store.FindAsync(id, cancellationToken) is not { } before)
            return NotFound(id);
        var (body, problem) = await JsonBody.ReadAsync<RuleRequest>(request, Example);
        if (body is null)
            return problem!;
        var errors = new RequestErrors();
        if (body.ToRule(before, settings, errors) is not { } rule)
            return Problems.Of(errors);
        return await store.UpsertAsync(rule, cancellationToken) is { } updated ? TypedResults.Ok(updated) : NotFound(id);
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        string id,
        IntensityRules store,
        CancellationToken cancellationToken
    ) => await store.DeleteAsync(id, cancellationToken) ? TypedResults.NoContent() : NotFound(id);

    private static ProblemHttpResult NotFound(string id) =>
        Problems.Of(ProblemCode.NotFound, $"There is no rule '{id}'. GET /api/rules lists them.", StatusCodes.Status404NotFound);
}

/// <summary>A rule to make, or what is to change.</summary>
public sealed record RuleRequest
{
    private const int MonthHours = 744;
    private const int YearHours = 8_784;
    private const int YearMinutes = 527_040;

    /// <summary>threshold: joules per unit against a number. drift: against the hours before the window.</summary>
    public string? Kind { get; init; }

    /// <summary>Name of a configured workload.</summary>
    public string? Workload { get; init; }

    /// <summary>What the work is counted in: output-token, request ...</summary>
    public string? FunctionalUnit { get; init; }

    /// <summary>accelerator, server or facility; facility when left out.</summary>
    public string? Boundary { get; init; }

    /// <summary>above or below, of a drift also either. Left out: above, of a drift either.</summary>
    public string? Comparison { get; init; }

    /// <summary>Joules per unit; of a drift the share of the baseline: 0.2 is a fifth.</summary>
    public double? Threshold { get; init; }

    /// <summary>Hours that are summed up, up to 744; 24 when left out.</summary>
    public int? WindowHours { get; init; }

    /// <summary>Of a drift: hours before the window; 168 when left out, or the window's where that is longer.</summary>
    public int? BaselineHours { get; init; }

    /// <summary>For so long after it told it does not tell again; 1440 when left out.</summary>
    public int? CoolDownMinutes { get; init; }

    /// <summary>What people know it by.</summary>
    public string? Description { get; init; }

    /// <summary>Whether it is looked at; true when left out.</summary>
    public bool? Enabled { get; init; }

    /// <summary>The rule that it makes of one that is there, or of none; everything that is wrong with it is added, and then there is
    /// none.</summary>
    internal IntensityRule? ToRule(IntensityRule? before, MetricsSettings settings, RequestErrors errors)
    {
        var given = (Kind ?? before?.Kind.ToWord()) is { } word ? Words.Find<RuleKind>(word) : null;
        if (given is null)
            errors.Body("kind", ProblemCode.UnknownKind, $"'kind' has to be one of {string.Join(", ", Words.All<RuleKind>())}.");
        var kind = given ?? RuleKind.Threshold;
        var drift = kind == RuleKind.Drift;
        var boundary = Boundary is null ? before?.Boundary ?? Domain.Facts.Boundary.Facility : Words.Find<Boundary>(Boundary);
        var comparison =
            Comparison is not null ? Words.Find<RuleComparison>(Comparison)
            : before?.Kind == kind ? before.Comparison
            : drift ? RuleComparison.Either
            : RuleComparison.Above;
        var window = WindowHours ?? before?.WindowHours ?? 24;
        var rule = new IntensityRule(
            before?.Id ?? "",
            Description ?? before?.Description,
            kind,
            Workload ?? before?.Workload ?? "",
            FunctionalUnit ?? before?.FunctionalUnit ?? "",
            boundary ?? Domain.Facts.Boundary.Facility,
            comparison ?? RuleComparison.Above,
            Threshold ?? before?.Threshold ?? double.NaN,
            window,
            BaselineHours ?? (drift ? before?.BaselineHours ?? Math.Max(168, window) : null),
            CoolDownMinutes ?? before?.CoolDownMinutes ?? 1_440,
            Enabled ?? before?.Enabled ?? true,
            default,
            default,
            null
        );
        if (!settings.Workloads.ContainsKey(rule.Workload))
            errors.Body(
                "workload",
                ProblemCode.UnknownWorkload,
                $"'{Spelling.Shorten(rule.Workload)}' is no workload; there are {Listed(settings.Workloads.Keys)}."
            );
        if (!Domain.Quantities.FunctionalUnit.Known.ContainsKey(rule.FunctionalUnit))
            errors.Body(
                "functionalUnit",
                ProblemCode.UnknownUnit,
                $"'{Spelling.Shorten(rule.FunctionalUnit)}' is no functional unit; there are "
                    + $"{Listed(Domain.Quantities.FunctionalUnit.Known.Keys)}."
            );
        if (boundary is null)
            errors.Body(
                "boundary",
                ProblemCode.UnknownBoundary,
                $"'{Spelling.Shorten(Boundary!)}' is no boundary; there are {string.Join(", ", Words.All<Boundary>())}."
            );
        var comparisons = Words.All<RuleComparison>().Where(one => drift || one != "either");
        if (comparison is null || (!drift && comparison == RuleComparison.Either))
            errors.Body(
                "comparison",
                ProblemCode.UnknownComparison,
                $"'comparison' of the kind '{kind.ToWord()}' has to be one of {string.Join(", ", comparisons)}."
            );
        if (!(rule.Threshold > 0 && double.IsFinite(rule.Threshold)))
            errors.Body(
                "threshold",
                ProblemCode.InvalidThreshold,
                drift
                    ? "'threshold' has to be a share of the baseline above zero: 0.2 is a fifth."
                    : "'threshold' has to be a number of joules per unit above zero."
            );
        else if (drift && rule.Comparison == RuleComparison.Below && rule.Threshold >= 1)
            errors.Body("threshold", ProblemCode.InvalidThreshold, "'threshold' has to be below 1: nothing falls by more than the whole.");
        if (rule.WindowHours is < 1 or > MonthHours)
            errors.Body("windowHours", ProblemCode.InvalidWindow, $"'windowHours' has to be from 1 to {MonthHours}.");
        if (!drift && rule.BaselineHours is not null)
            errors.Body("baselineHours", ProblemCode.InvalidBaseline, "'baselineHours' belongs to the kind 'drift'.");
        if (drift && (rule.BaselineHours < rule.WindowHours || rule.BaselineHours > YearHours))
            errors.Body(
                "baselineHours",
                ProblemCode.InvalidBaseline,
                $"'baselineHours' has to be from 'windowHours' ({rule.WindowHours}) to {YearHours}."
            );
        if (rule.CoolDownMinutes is < 1 or > YearMinutes)
            errors.Body("coolDownMinutes", ProblemCode.InvalidCoolDown, $"'coolDownMinutes' has to be from 1 to {YearMinutes}.");
        WebhookEndpoints.CheckDescription(rule.Description, errors);
        return errors.Count == 0 ? rule : null;
    }

    private static string Listed(IEnumerable<string> names) => string.Join(", ", names.Order(StringComparer.Ordinal));
}
