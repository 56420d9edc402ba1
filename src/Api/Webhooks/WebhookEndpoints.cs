using System.ComponentModel;
using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization;
using Metrics.Api.Access;
using Metrics.Storage;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Metrics.Api.Webhooks;

/// <summary>Who is told, of what, and what became of it.</summary>
public static class WebhookEndpoints
{
    /// <summary>Types of events that a webhook can ask for.</summary>
    public static IReadOnlyList<string> Types { get; } =
    [
        "source.stale", "source.recovered", "source.failed", "series.quarantined", "series.healed", "measurement.restated", "reconciliation.mismatch",
        "intensity.threshold_exceeded", "intensity.drifted", "report.ready", "webhook.disabled",
    ];

    private const int LongestUrl = 2_000;
    private const int LongestText = 200;
    private const int MostWebhooks = 1_000;
    private const string Example = "{ \"url\": \"https://example.com/hooks/energy\", \"events\": [\"source.stale\"] }";
    private const string RuleExample = "{ \"name\": \"chat is dear\", \"kind\": \"threshold\", \"workload\": \"chat-70b\", \"functionalUnit\": \"output-token\", \"threshold\": 3.5 }";

    private static readonly JsonSerializerOptions Strict = new(JsonSerializerDefaults.Web) { UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow };

    /// <summary>Adds the guard and, where this process works, the dispatcher.</summary>
    public static IServiceCollection AddWebhooks(this IServiceCollection services, WebhookSettings settings, bool dispatch)
    {
        services.AddSingleton(settings).AddSingleton(new AddressGuard(settings));
        if (dispatch) services.AddHostedService<Dispatcher>();
        return services;
    }

    /// <summary>Maps <c>/api/webhooks</c> and <c>/api/rules</c>.</summary>
    public static void MapWebhooks(this WebApplication app)
    {
        var webhooks = app.MapGroup("/api/webhooks").WithTags("Webhooks").RequireScope(Scope.Operate);
        webhooks.MapGet("", async (Outbox outbox, CancellationToken cancellationToken) => (await outbox.AllAsync(cancellationToken)).Select(webhook => WebhookAnswer.Of(webhook))).WithSummary("Webhooks").WithDescription("Without their secrets.");
        webhooks.MapPost("", CreateAsync).Accepts<WebhookQuestion>("application/json").ProducesProblem(400).WithSummary("Makes a webhook")
            .WithDescription($"Events are posted to 'url', signed as Standard Webhooks ask. The answer shows once what signatures are checked with: 'secret' (whsec_..., HMAC) or 'publicKey' (whpk_..., ed25519). Types of events: {string.Join(", ", Types)}; none asks for all.");
        webhooks.MapGet("/{id:long}", async Task<Results<Ok<WebhookAnswer>, ProblemHttpResult>> (long id, Outbox outbox, CancellationToken cancellationToken) =>
            await outbox.FindAsync(id, cancellationToken) is { } found ? TypedResults.Ok(WebhookAnswer.Of(found)) : NoWebhook(id)).ProducesProblem(404).WithSummary("A webhook");
        webhooks.MapPut("/{id:long}", ChangeAsync).Accepts<WebhookQuestion>("application/json").ProducesProblem(400).ProducesProblem(404).WithSummary("Changes a webhook").WithDescription("All of it but how it is signed. 'enabled' true brings back one that was disabled; what was due for it is sent then.");
        webhooks.MapDelete("/{id:long}", async Task<Results<NoContent, ProblemHttpResult>> (long id, Outbox outbox, CancellationToken cancellationToken) =>
            await outbox.DeleteAsync(id, cancellationToken) ? TypedResults.NoContent() : NoWebhook(id)).ProducesProblem(404).WithSummary("Removes a webhook").WithDescription("With all its deliveries.");
        webhooks.MapPost("/{id:long}/test", async Task<Results<Accepted<TestAnswer>, ProblemHttpResult>> (long id, Outbox outbox, CancellationToken cancellationToken) =>
            await outbox.FindAsync(id, cancellationToken) is { } found
                ? TypedResults.Accepted($"/api/webhooks/{Text(id)}/deliveries", new TestAnswer(await outbox.TestAsync(found, cancellationToken), found.Enabled)) : NoWebhook(id))
            .ProducesProblem(404).WithSummary("Sends a test").WithDescription("An event webhook.test, whatever the webhook asks for. How it went is among its deliveries.");
        webhooks.MapPost("/{id:long}/rotate", RotateAsync).ProducesProblem(404).WithSummary("Changes the secret").WithDescription("Signs with a new secret from now on, and for 24 hours with the one before too. The answer shows the new one once.");
        webhooks.MapGet("/{id:long}/deliveries", DeliveriesAsync).ProducesProblem(400).ProducesProblem(404).WithSummary("Deliveries")
            .WithDescription("The newest first, with every attempt. 'state' is due, delivered or failed; 'before' the id of the last one known; 'top' how many at most (50; up to 200). They are kept for 30 days after they ended.");
        webhooks.MapPost("/{id:long}/deliveries/{delivery:long}/replay", async Task<Results<Accepted<ReplayAnswer>, ProblemHttpResult>> (long id, long delivery, Outbox outbox, CancellationToken cancellationToken) =>
            await outbox.ReplayAsync(id, delivery, null, null, false, cancellationToken) is > 0 and var replayed ? TypedResults.Accepted((string?)null, new ReplayAnswer(replayed))
                : Problem("not_found", $"The webhook {Text(id)} has no delivery {Text(delivery)} that has ended.", 404)).ProducesProblem(404).WithSummary("Sends a delivery again").WithDescription("With the same id and the same text.");
        webhooks.MapPost("/{id:long}/replay", ReplayAsync).Accepts<ReplayQuestion>("application/json").ProducesProblem(400).ProducesProblem(404).WithSummary("Sends deliveries again").WithDescription("Those of events of a span, or all that were given up ('failed': true), or those of a span that were given up.");

        var rules = app.MapGroup("/api/rules").WithTags("Webhooks").RequireScope(Scope.Operate);
        rules.MapGet("", (AlertRules all, CancellationToken cancellationToken) => all.AllAsync(cancellationToken)).WithSummary("Rules about intensities");
        rules.MapPost("", (HttpRequest request, AlertRules all, CancellationToken cancellationToken) => KeepRuleAsync(0, request, all, cancellationToken)).Accepts<RuleQuestion>("application/json").ProducesProblem(400).WithSummary("Makes a rule")
            .WithDescription("'threshold' raises intensity.threshold_exceeded when the sum of joules over the sum of units of the last 'windowHours' complete hours is 'above' or 'below' the threshold; 'drift' raises intensity.drifted when it differs by more than that share from the 'baselineHours' before.");
        rules.MapPut("/{id:long}", (long id, HttpRequest request, AlertRules all, CancellationToken cancellationToken) => KeepRuleAsync(id, request, all, cancellationToken)).Accepts<RuleQuestion>("application/json").ProducesProblem(400).ProducesProblem(404).WithSummary("Changes a rule");
        rules.MapDelete("/{id:long}", async Task<Results<NoContent, ProblemHttpResult>> (long id, AlertRules all, CancellationToken cancellationToken) =>
            await all.DeleteAsync(id, cancellationToken) ? TypedResults.NoContent() : Problem("not_found", $"There is no rule {Text(id)}. GET /api/rules lists them.", 404)).ProducesProblem(404).WithSummary("Removes a rule");
    }

    private static async Task<Results<Created<WebhookAnswer>, ProblemHttpResult>> CreateAsync(HttpRequest request, Outbox outbox, AddressGuard guard, CancellationToken cancellationToken)
    {
        var (question, refused) = await ReadAsync<WebhookQuestion>(request, Example, cancellationToken);
        if (refused is null) refused = await RefuseAsync(question!, guard, cancellationToken);
        var signing = question?.Signing ?? "hmac";
        if (refused is null && signing is not ("hmac" or "ed25519")) refused = Problem("invalid_signing", $"'signing' is '{signing}'; there are hmac and ed25519.");
        if (refused is null && (await outbox.AllAsync(cancellationToken)).Count >= MostWebhooks) refused = Problem("too_many", $"There are {MostWebhooks} webhooks already; remove some first.");
        if (refused is not null) return refused;
        var made = await outbox.CreateAsync(question!.Url!, question.Events ?? [], question.Format ?? "standard", signing, WebhookSecret.New(), question.Description, cancellationToken);
        return TypedResults.Created($"/api/webhooks/{Text(made.Id)}", WebhookAnswer.Of(made, withSecret: true));
    }

    private static async Task<Results<Ok<WebhookAnswer>, ProblemHttpResult>> ChangeAsync(long id, HttpRequest request, Outbox outbox, AddressGuard guard, CancellationToken cancellationToken)
    {
        if (await outbox.FindAsync(id, cancellationToken) is not { } before) return NoWebhook(id);
        var (question, refused) = await ReadAsync<WebhookQuestion>(request, Example, cancellationToken);
        if (refused is null) refused = await RefuseAsync(question!, guard, cancellationToken);
        if (refused is null && question!.Signing is { } signing && signing != before.Signing) refused = Problem("invalid_signing", "How a webhook is signed cannot be changed; make another one.");
        if (refused is not null) return refused;
        var changed = await outbox.ChangeAsync(id, question!.Url!, question.Events ?? [], question.Format ?? "standard", question.Description, question.Enabled ?? true, cancellationToken);
        return changed is null ? NoWebhook(id) : TypedResults.Ok(WebhookAnswer.Of(changed));
    }

    private static async Task<Results<Ok<WebhookAnswer>, ProblemHttpResult>> RotateAsync(long id, Outbox outbox, CancellationToken cancellationToken) =>
        await outbox.RotateAsync(id, WebhookSecret.New(), cancellationToken) is { } rotated ? TypedResults.Ok(WebhookAnswer.Of(rotated, withSecret: true)) : NoWebhook(id);

    private static async Task<Results<Ok<IReadOnlyList<Delivery>>, ProblemHttpResult>> DeliveriesAsync(long id, string? state, string? before, string? top, Outbox outbox, CancellationToken cancellationToken)
    {
        if (await outbox.FindAsync(id, cancellationToken) is null) return NoWebhook(id);
        if (state is not (null or "due" or "delivered" or "failed")) return Problem("invalid_state", $"'state' is '{state}'; there are due, delivered and failed.");
        long? last = null;
        if (before is not null)
        {
            if (!long.TryParse(before, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return Problem("invalid_number", "'before' has to be the id of a delivery.");
            last = number;
        }
        var most = 50;
        if (top is not null && !(int.TryParse(top, NumberStyles.None, CultureInfo.InvariantCulture, out most) && most is >= 1 and <= 200)) return Problem("invalid_number", "'top' has to be from 1 to 200.");
        return TypedResults.Ok(await outbox.DeliveriesAsync(id, state, last, most, cancellationToken));
    }

    private static async Task<Results<Accepted<ReplayAnswer>, ProblemHttpResult>> ReplayAsync(long id, HttpRequest request, Outbox outbox, CancellationToken cancellationToken)
    {
        const string example = "{ \"failed\": true } or { \"from\": \"2026-11-01T00:00:00Z\", \"to\": \"2026-11-02T00:00:00Z\" }";
        if (await outbox.FindAsync(id, cancellationToken) is null) return NoWebhook(id);
        var (question, refused) = await ReadAsync<ReplayQuestion>(request, example, cancellationToken);
        if (refused is not null) return refused;
        if (question!.Failed is null && (question.From is null || question.To is null)) return Problem("missing_span", $"Say what is to be sent again: give application/json such as {example}.");
        if (question.From >= question.To) return Problem("invalid_span", "'from' is not before 'to'.");
        return TypedResults.Accepted((string?)null, new ReplayAnswer(await outbox.ReplayAsync(id, null, question.From?.UtcDateTime, question.To?.UtcDateTime, question.Failed ?? false, cancellationToken)));
    }

    private static async Task<ProblemHttpResult?> RefuseAsync(WebhookQuestion question, AddressGuard guard, CancellationToken cancellationToken)
    {
        if (string.IsNullOrWhiteSpace(question.Url)) return Problem("invalid_url", $"'url' is missing: give application/json such as {Example}.");
        if (question.Url.Length > LongestUrl || !Uri.TryCreate(question.Url, UriKind.Absolute, out var url) || url.Scheme is not ("https" or "http") || url.Host.Length == 0)
            return Problem("invalid_url", $"'url' is no address that can be posted to; give one such as https://example.com/hooks/energy, of at most {LongestUrl} characters.");
        if (url.UserInfo.Length > 0) return Problem("invalid_url", "'url' holds a name or a password; a receiver checks the signature instead.");
        if (url.Fragment.Length > 0) return Problem("invalid_url", "'url' has a fragment (#), which is never sent.");
        if (question.Events?.FirstOrDefault(type => !Types.Contains(type)) is { } unknown) return Problem("unknown_event", $"'events' has '{unknown}'; there are {string.Join(", ", Types)}.");
        if (question.Format is not (null or "standard" or "cloudevents")) return Problem("invalid_format", $"'format' is '{question.Format}'; there are standard and cloudevents.");
        if (question.Description is { Length: > LongestText }) return Problem("invalid_description", $"'description' has more than {LongestText} characters.");
        try
        {
            await guard.AddressesAsync(url.IdnHost, cancellationToken);
            if (url.Scheme == "http" && !await guard.IsAllowedInsideAsync(url.IdnHost, cancellationToken)) return Problem("invalid_url", "'url' is http, which anybody on the way can read; only addresses in Metrics:Webhooks:AllowedNetworks may be. Give an https address.");
        }
        catch (BlockedAddressException fault)
        {
            return Problem("blocked_address", fault.Message);
        }
        catch (SocketException)
        {
            return Problem("unreachable_url", $"The name '{url.Host}' of 'url' cannot be resolved.");
        }
        return null;
    }

    private static async Task<Results<Ok<AlertRule>, Created<AlertRule>, ProblemHttpResult>> KeepRuleAsync(long id, HttpRequest request, AlertRules rules, CancellationToken cancellationToken)
    {
        var (question, refused) = await ReadAsync<RuleQuestion>(request, RuleExample, cancellationToken);
        if (refused is not null) return refused;
        var kind = question!.Kind ?? "threshold";
        var drift = kind == "drift";
        var (boundary, comparison) = (question.Boundary ?? "facility", question.Comparison ?? (drift ? "either" : "above"));
        if (string.IsNullOrWhiteSpace(question.Name) || question.Name.Length > LongestText) return Problem("invalid_name", $"'name' is missing or has more than {LongestText} characters: give application/json such as {RuleExample}.");
        if (kind is not ("threshold" or "drift")) return Problem("invalid_kind", $"'kind' is '{kind}'; there are threshold and drift.");
        if (string.IsNullOrWhiteSpace(question.FunctionalUnit)) return Problem("invalid_unit", $"'functionalUnit' is missing: give application/json such as {RuleExample}.");
        if (boundary is not ("accelerator" or "server" or "facility")) return Problem("invalid_boundary", $"'boundary' is '{boundary}'; there are accelerator, server and facility.");
        if (comparison is not ("above" or "below") && !(drift && comparison == "either")) return Problem("invalid_comparison", $"'comparison' is '{comparison}'; there are above and below{(drift ? " and either" : "")}.");
        if (question.Threshold is not { } threshold || !double.IsFinite(threshold) || threshold < 0 || drift && threshold == 0) return Problem("invalid_threshold", drift ? "'threshold' has to be the share that is too much, such as 0.2." : "'threshold' has to be joules per unit, at least 0.");
        var (window, baseline, cooldown) = (question.WindowHours ?? 1, question.BaselineHours ?? 24 * 7, question.CooldownMinutes ?? 60);
        if (window is < 1 or > 24 * 31) return Problem("invalid_window", "'windowHours' has to be from 1 to 744.");
        if (baseline is < 1 or > 24 * 92) return Problem("invalid_window", "'baselineHours' has to be from 1 to 2208.");
        if (cooldown is < 1 or > 60 * 24 * 31) return Problem("invalid_cooldown", "'cooldownMinutes' has to be from 1 to 44640.");
        var kept = await rules.KeepAsync(new AlertRule(id, question.Name, kind, question.Workload, question.FunctionalUnit, boundary, comparison, threshold, window, baseline, cooldown, question.Enabled ?? true, default), cancellationToken);
        return kept is null ? Problem("not_found", $"There is no rule {Text(id)}. GET /api/rules lists them.", 404) : id == 0 ? TypedResults.Created($"/api/rules/{Text(kept.Id)}", kept) : TypedResults.Ok(kept);
    }

    private static async Task<(T? Question, ProblemHttpResult? Refused)> ReadAsync<T>(HttpRequest request, string example, CancellationToken cancellationToken) where T : class
    {
        try
        {
            if (await request.ReadFromJsonAsync<T>(Strict, cancellationToken) is { } question) return (question, null);
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            // Said below, without the library's words.
        }
        return (null, Problem("invalid_body", $"The body cannot be read: give application/json such as {example}."));
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static ProblemHttpResult NoWebhook(long id) => Problem("not_found", $"There is no webhook {Text(id)}. GET /api/webhooks lists them.", StatusCodes.Status404NotFound);

    private static ProblemHttpResult Problem(string code, string detail, int status = StatusCodes.Status400BadRequest) =>
        TypedResults.Problem(detail, statusCode: status, extensions: [KeyValuePair.Create<string, object?>("code", code)]);
}

/// <summary>A webhook to make or to change.</summary>
public sealed record WebhookQuestion
{
    /// <summary>Where events are posted.</summary>
    [Description("Where events are posted: https, and http only where an operator allows the network.")]
    public string? Url { get; init; }

    /// <summary>Types of events; left out: all.</summary>
    [Description("Types of events; left out: all.")]
    public IReadOnlyList<string>? Events { get; init; }

    /// <summary><c>standard</c> or <c>cloudevents</c>.</summary>
    [Description("standard (type, timestamp, data) or cloudevents (CloudEvents 1.0, structured); standard when left out.")]
    public string? Format { get; init; }

    /// <summary><c>hmac</c> or <c>ed25519</c>.</summary>
    [Description("hmac (v1, a shared secret) or ed25519 (v1a, a key pair); hmac when left out.")]
    public string? Signing { get; init; }

    /// <summary>For people.</summary>
    [Description("For people.")]
    public string? Description { get; init; }

    /// <summary>Whether anything is sent.</summary>
    [Description("Whether anything is sent; true when left out.")]
    public bool? Enabled { get; init; }
}

/// <summary>What is to be sent again.</summary>
public sealed record ReplayQuestion
{
    /// <summary>Of events from then on.</summary>
    [Description("Of events from then on.")]
    public DateTimeOffset? From { get; init; }

    /// <summary>Of events before then.</summary>
    [Description("Of events before then.")]
    public DateTimeOffset? To { get; init; }

    /// <summary>Only what was given up.</summary>
    [Description("Only what was given up.")]
    public bool? Failed { get; init; }
}

/// <summary>A rule to make or to change.</summary>
public sealed record RuleQuestion
{
    /// <summary>What people call it.</summary>
    [Description("What people call it.")]
    public string? Name { get; init; }

    /// <summary><c>threshold</c> or <c>drift</c>.</summary>
    [Description("threshold or drift; threshold when left out.")]
    public string? Kind { get; init; }

    /// <summary>One workload; left out: each by itself.</summary>
    [Description("One workload; left out: each by itself.")]
    public string? Workload { get; init; }

    /// <summary>What work is counted in.</summary>
    [Description("What work is counted in, such as output-token.")]
    public string? FunctionalUnit { get; init; }

    /// <summary><c>accelerator</c>, <c>server</c> or <c>facility</c>.</summary>
    [Description("accelerator, server or facility; facility when left out.")]
    public string? Boundary { get; init; }

    /// <summary><c>above</c>, <c>below</c>, of drift <c>either</c>.</summary>
    [Description("above or below, of drift also either.")]
    public string? Comparison { get; init; }

    /// <summary>Joules per unit, or the share of drift.</summary>
    [Description("Joules per unit; of drift the share, such as 0.2.")]
    public double? Threshold { get; init; }

    /// <summary>Hours that are summed up.</summary>
    [Description("Complete hours that are summed up; 1 when left out.")]
    public int? WindowHours { get; init; }

    /// <summary>Hours before, of drift.</summary>
    [Description("Of drift: the hours before those; a week when left out.")]
    public int? BaselineHours { get; init; }

    /// <summary>Minutes until it may be raised again.</summary>
    [Description("Minutes until it may be raised again; 60 when left out.")]
    public int? CooldownMinutes { get; init; }

    /// <summary>Whether anybody looks.</summary>
    [Description("Whether anybody looks; true when left out.")]
    public bool? Enabled { get; init; }
}

/// <summary>A webhook as it is told.</summary>
/// <param name="Id">Identity.</param>
/// <param name="Url">Where events are posted.</param>
/// <param name="Events">Types of events; none: all.</param>
/// <param name="Format"><c>standard</c> or <c>cloudevents</c>.</param>
/// <param name="Signing"><c>hmac</c> or <c>ed25519</c>.</param>
/// <param name="Description">For people.</param>
/// <param name="Enabled">Whether anything is sent.</param>
/// <param name="DisabledBecause">Why not.</param>
/// <param name="FailingSince">Since when nothing came through.</param>
/// <param name="PreviousSecretUntil">Until when the secret before signs too.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="Secret">Of <c>hmac</c>: what signatures are checked with. Only when it was made or changed.</param>
/// <param name="PublicKey">Of <c>ed25519</c>: what signatures are checked with.</param>
public sealed record WebhookAnswer(long Id, string Url, IReadOnlyList<string> Events, string Format, string Signing, string? Description, bool Enabled, string? DisabledBecause, DateTime? FailingSince, DateTime? PreviousSecretUntil, DateTime CreatedAt,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Secret, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? PublicKey)
{
    internal static WebhookAnswer Of(Webhook webhook, bool withSecret = false) => new(webhook.Id, webhook.Url, webhook.Events, webhook.Format, webhook.Signing, webhook.Description, webhook.Enabled, webhook.DisabledBecause, webhook.FailingSince, webhook.PreviousUntil, webhook.CreatedAt,
        withSecret && webhook.Signing == "hmac" ? WebhookSecret.ForReceiver(webhook.Signing, webhook.Secret) : null,
        webhook.Signing == "ed25519" ? WebhookSecret.ForReceiver(webhook.Signing, webhook.Secret) : null);
}

/// <summary>A test that is on its way.</summary>
/// <param name="Delivery">Its delivery.</param>
/// <param name="Enabled">False: it waits until the webhook is enabled.</param>
public sealed record TestAnswer(long Delivery, bool Enabled);

/// <summary>How many are sent again.</summary>
/// <param name="Replayed">Deliveries.</param>
public sealed record ReplayAnswer(int Replayed);
