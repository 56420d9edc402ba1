using System.ComponentModel;
using Metrics.Api.Access;
using Metrics.Api.Http;
using Metrics.Api.Settings;
using Metrics.Domain.Quantities;
using Metrics.Storage.Engine;
using Metrics.Storage.Events;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Metrics.Api.Webhooks;

/// <summary>Rules about joules per unit, whose events go to webhooks.</summary>
public static class RuleEndpoints
{
    private const string Example =
        "{ \"kind\": \"threshold\", \"workload\": \"chat-70b\", \"functionalUnit\": \"output-token\", \"comparison\": \"above\", "
        + "\"threshold\": 3.5 }";
    private const int MonthHours = 744;
    private const int YearHours = 8_784;
    private const int YearMinutes = 527_040;
    private static readonly string[] Kinds = ["threshold", "drift"],
        Boundaries = ["accelerator", "server", "facility"];

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
                Energy and work of the last hours that are final are summed up and divided. 'threshold' compares joules per unit with a number and raises intensity.threshold_exceeded; 'drift' compares them with
                the hours before and raises intensity.drifted. A rule that told does not tell again before its cool-down is over, and never twice of one window.
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
        if (await Problems.ReadAsync<RuleRequest>(request) is not ({ } question, _))
            return Unreadable();
        var rule = question.Over(null);
        if (Refuse(rule, settings) is { } refused)
            return refused;
        var kept = (await store.UpsertAsync(rule, cancellationToken))!;
        return TypedResults.Created($"/api/rules/{kept.Id}", kept);
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
        if (await Problems.ReadAsync<RuleRequest>(request) is not ({ } question, _))
            return Unreadable();
        var rule = question.Over(before);
        if (Refuse(rule, settings) is { } refused)
            return refused;
        return await store.UpsertAsync(rule, cancellationToken) is { } kept ? TypedResults.Ok(kept) : NotFound(id);
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        string id,
        IntensityRules store,
        CancellationToken cancellationToken
    ) => await store.DeleteAsync(id, cancellationToken) ? TypedResults.NoContent() : NotFound(id);

    private static ProblemHttpResult? Refuse(IntensityRule rule, MetricsSettings settings)
    {
        var drift = rule.Kind == "drift";
        string[] comparisons = drift ? ["above", "below", "either"] : ["above", "below"];
        if (!Kinds.Contains(rule.Kind, StringComparer.Ordinal))
            return Problems.Of(
                "unknown_kind",
                $"'kind' has to be one of {string.Join(", ", Kinds)}. Give application/json such as {Example}."
            );
        if (!settings.Workloads.ContainsKey(rule.Workload))
            return Problems.Of(
                "unknown_workload",
                $"'{rule.Workload}' is no workload; there are {string.Join(", ", settings.Workloads.Keys.Order(StringComparer.Ordinal))}."
            );
        if (!FunctionalUnit.Known.ContainsKey(rule.FunctionalUnit))
            return Problems.Of(
                "unknown_unit",
                $"'{rule.FunctionalUnit}' is no functional unit; there are "
                    + $"{string.Join(", ", FunctionalUnit.Known.Keys.Order(StringComparer.Ordinal))}."
            );
        if (!Boundaries.Contains(rule.Boundary, StringComparer.Ordinal))
            return Problems.Of("unknown_boundary", $"'{rule.Boundary}' is no boundary; there are {string.Join(", ", Boundaries)}.");
        if (!comparisons.Contains(rule.Comparison, StringComparer.Ordinal))
            return Problems.Of(
                "unknown_comparison",
                $"'comparison' of the kind '{rule.Kind}' has to be one of {string.Join(", ", comparisons)}."
            );
        if (!(rule.Threshold > 0 && double.IsFinite(rule.Threshold)))
            return Problems.Of(
                "invalid_threshold",
                drift
                    ? "'threshold' has to be a share of the baseline above zero: 0.2 is a fifth."
                    : "'threshold' has to be a number of joules per unit above zero."
            );
        if (drift && rule.Comparison == "below" && rule.Threshold >= 1)
            return Problems.Of("invalid_threshold", "'threshold' has to be below 1: nothing falls by more than the whole.");
        if (rule.WindowHours is < 1 or > MonthHours)
            return Problems.Of("invalid_window", $"'windowHours' has to be from 1 to {MonthHours}.");
        if (!drift && rule.BaselineHours is not null)
            return Problems.Of("invalid_baseline", "'baselineHours' belongs to the kind 'drift'.");
        if (drift && (rule.BaselineHours < rule.WindowHours || rule.BaselineHours > YearHours))
            return Problems.Of("invalid_baseline", $"'baselineHours' has to be from 'windowHours' ({rule.WindowHours}) to {YearHours}.");
        if (rule.CoolDownMinutes is < 1 or > YearMinutes)
            return Problems.Of("invalid_cool_down", $"'coolDownMinutes' has to be from 1 to {YearMinutes}.");
        return WebhookEndpoints.RefuseDescription(rule.Description);
    }

    private static ProblemHttpResult NotFound(string id) =>
        Problems.Of("not_found", $"There is no rule '{id}'. GET /api/rules lists them.", StatusCodes.Status404NotFound);

    private static ProblemHttpResult Unreadable() =>
        Problems.Of(
            "invalid_body",
            $"The body cannot be read: give application/json such as {Example}. Members are kind, workload, functionalUnit, "
                + "boundary, comparison, threshold, windowHours, baselineHours, coolDownMinutes, description, enabled."
        );
}

/// <summary>A rule to make, or what is to change.</summary>
public sealed record RuleRequest
{
    /// <summary><c>threshold</c> or <c>drift</c>.</summary>
    [Description("threshold: joules per unit against a number. drift: against the hours before the window.")]
    public string? Kind { get; init; }

    /// <summary>Name of a configured workload.</summary>
    [Description("Name of a configured workload.")]
    public string? Workload { get; init; }

    /// <summary>What the work is counted in: <c>output-token</c>, <c>request</c> ...</summary>
    [Description("What the work is counted in: output-token, request ...")]
    public string? FunctionalUnit { get; init; }

    /// <summary><c>accelerator</c>, <c>server</c> or <c>facility</c>; facility when left out.</summary>
    [Description("accelerator, server or facility; facility when left out.")]
    public string? Boundary { get; init; }

    /// <summary><c>above</c> or <c>below</c>, of a drift also <c>either</c>.</summary>
    [Description("above or below, of a drift also either. Left out: above, of a drift either.")]
    public string? Comparison { get; init; }

    /// <summary>Joules per unit; of a drift the share of the baseline: 0.2 is a fifth.</summary>
    [Description("Joules per unit; of a drift the share of the baseline: 0.2 is a fifth.")]
    public double? Threshold { get; init; }

    /// <summary>Hours that are summed up; 24 when left out.</summary>
    [Description("Hours that are summed up, up to 744; 24 when left out.")]
    public int? WindowHours { get; init; }

    /// <summary>Of a drift: hours before the window; 168 when left out, or the window's where that is longer.</summary>
    [Description("Of a drift: hours before the window; 168 when left out, or the window's where that is longer.")]
    public int? BaselineHours { get; init; }

    /// <summary>For so long after it told it does not tell again; 1440 when left out.</summary>
    [Description("For so long after it told it does not tell again; 1440 when left out.")]
    public int? CoolDownMinutes { get; init; }

    /// <summary>What people know it by.</summary>
    [Description("What people know it by.")]
    public string? Description { get; init; }

    /// <summary>Whether it is looked at; true when left out.</summary>
    [Description("Whether it is looked at; true when left out.")]
    public bool? Enabled { get; init; }

    /// <summary>The rule that it makes of one that is there, or of none.</summary>
    internal IntensityRule Over(IntensityRule? before)
    {
        var kind = Kind ?? before?.Kind ?? "";
        var window = WindowHours ?? before?.WindowHours ?? 24;
        return new(
            before?.Id ?? "",
            Description ?? before?.Description,
            kind,
            Workload ?? before?.Workload ?? "",
            FunctionalUnit ?? before?.FunctionalUnit ?? "",
            Boundary ?? before?.Boundary ?? "facility",
            Comparison
                ?? (
                    before?.Kind == kind ? before.Comparison
                    : kind == "drift" ? "either"
                    : "above"
                ),
            Threshold ?? before?.Threshold ?? double.NaN,
            window,
            BaselineHours ?? (kind != "drift" ? null : before?.BaselineHours ?? Math.Max(168, window)),
            CoolDownMinutes ?? before?.CoolDownMinutes ?? 1_440,
            Enabled ?? before?.Enabled ?? true,
            default,
            default,
            null
        );
    }
}

/// <summary>Looks every minute whether a rule about joules per unit holds.</summary>
public sealed class IntensityWatch(IntensityRules rules, TimeProvider clock, ILogger<IntensityWatch> logger) : BackgroundService
{
    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMinutes(1), clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                try
                {
                    await rules.LookAsync(stoppingToken);
                }
                catch (Exception exception) when (StorageFault.IsOutside(exception))
                {
                    logger.LogWarning("Rules about joules per unit wait: {Message}", exception.Message);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The service is stopping.
        }
    }
}
