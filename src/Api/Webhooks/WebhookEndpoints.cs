using System.ComponentModel;
using System.Globalization;
using System.Net.Sockets;
using System.Text.Json.Serialization;
using Metrics.Api.Access;
using Metrics.Api.Http;
using Metrics.Storage.Events;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Metrics.Api.Webhooks;

/// <summary>Webhooks: who is told of what, trying them, their deliveries, and sending those again.</summary>
public static class WebhookEndpoints
{
    private const string Example = "{ \"url\": \"https://example.org/hooks/metrics\", \"types\": [\"source.stale\"] }";
    private const int LongestUrl = 2_048;
    private const int LongestDescription = 500;
    private const int MostDeliveries = 500;
    private static readonly TimeSpan Reach = TimeSpan.FromSeconds(5);
    private static readonly string[] Formats = ["standard", "cloudevents"],
        Signings = ["hmac", "ed25519"],
        States = ["due", "delivered", "failed"];

    /// <summary>What webhooks need, on both sides of the outbox.</summary>
    public static IServiceCollection AddWebhooks(this IServiceCollection services, WebhookSettings settings) =>
        services
            .AddSingleton(settings)
            .AddSingleton<IEventLinks, EventLinks>()
            .AddSingleton(new AddressGuard(settings.ToNetworks()))
            .AddSingleton<WebhookSender>()
            .AddSingleton<Dispatcher>();

    /// <summary>Adds who sends what is due, and who looks after the rules of joules per unit.</summary>
    public static IServiceCollection AddWebhookWorker(this IServiceCollection services) =>
        services.AddHostedService(provider => provider.GetRequiredService<Dispatcher>()).AddHostedService<IntensityWatch>();

    /// <summary>Maps <c>/api/webhooks</c>.</summary>
    public static void MapWebhooks(this IEndpointRouteBuilder app)
    {
        var all = app.MapGroup("/api/webhooks").WithTags("Webhooks").RequireScope(Scope.Operate);
        all.MapGet("", ListAsync).WithSummary("Webhooks").WithDescription("All of them, the oldest first, without their secrets.");
        all.MapPost("", CreateAsync)
            .Accepts<WebhookRequest>("application/json")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .WithSummary("Makes a webhook")
            .WithDescription(
                "The address is resolved and dialled first; one inside, or one where nobody answers, is refused. The answer is "
                    + "the only place where the secret is ever shown."
            );
        var one = all.MapGroup("/{id}")
            .AddEndpointFilter(
                async (context, next) =>
                {
                    var id = (string)context.HttpContext.Request.RouteValues["id"]!;
                    if (
                        await context
                            .HttpContext.RequestServices.GetRequiredService<WebhookStore>()
                            .FindAsync(id, context.HttpContext.RequestAborted)
                        is not { } found
                    )
                        return Problems.Of(
                            "not_found",
                            $"There is no webhook '{id}'. GET /api/webhooks lists them.",
                            StatusCodes.Status404NotFound
                        );
                    context.HttpContext.Features.Set(found);
                    return await next(context);
                }
            );
        one.MapGet("", FindAsync)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .WithSummary("One webhook")
            .WithDescription("With its public keys when it signs by Ed25519.");
        one.MapPatch("", UpdateAsync)
            .Accepts<WebhookRequest>("application/json")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .WithSummary("Changes a webhook")
            .WithDescription(
                "What is left out stays. While 'enabled' is false nothing is sent to it; enabled again, it goes on with what was "
                    + "due. What happened meanwhile can be replayed by its span."
            );
        one.MapDelete("", DeleteAsync)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .WithSummary("Deletes a webhook")
            .WithDescription("With its secrets and all its deliveries.");
        one.MapPost("/rotate", RotateAsync)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .WithSummary("Gives it another secret")
            .WithDescription(
                "For 24 hours every delivery is signed with the new secret and with those before it, so that the receiver changes "
                    + "over when it likes. The new secret is shown in this answer only."
            );
        one.MapPost("/test", TestAsync)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .WithSummary("Sends a test")
            .WithDescription(
                "An event of type 'webhook.test', whatever types are wanted. A worker sends it at once; Location tells how that went."
            );
        one.MapGet("/deliveries", DeliveriesAsync)
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .WithSummary("Deliveries with their attempts")
            .WithDescription(
                $"The newest first. 'state' is one of {string.Join(", ", States)}; 'before' is the id that the last page ended "
                    + $"with; 'top' how many at most (100; up to {MostDeliveries}). Kept for 30 days after they ended."
            );
        one.MapGet("/deliveries/{delivery:long}", DeliveryAsync)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .WithSummary("One delivery with its attempts");
        one.MapPost("/deliveries/{delivery:long}/replay", ReplayOneAsync)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .WithSummary("Sends one again")
            .WithDescription("The same id and the same bytes, from the start of the schedule.");
        one.MapPost("/replay", ReplayAsync)
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .WithSummary("Sends a span, or all that failed, again")
            .WithDescription(
                "Either 'from' and 'to': every event of the span that is of the types wanted now, also those that the webhook was "
                    + "never sent. Or 'failed=true': everything that was given up."
            );
    }

    private static async Task<Ok<IEnumerable<WebhookResponse>>> ListAsync(WebhookStore store, CancellationToken cancellationToken) =>
        TypedResults.Ok((await store.AllAsync(cancellationToken)).Select(webhook => WebhookResponse.Of(webhook)));

    private static async Task<Results<Created<WebhookResponse>, ProblemHttpResult>> CreateAsync(
        HttpRequest request,
        WebhookStore store,
        AddressGuard guard,
        CancellationToken cancellationToken
    )
    {
        if (await Problems.ReadAsync<WebhookRequest>(request) is not ({ } question, _))
            return Unreadable();
        if (question.Url is null)
            return Problems.Of("invalid_url", $"'url' is missing. Give application/json such as {Example}.");
        if (Refuse(question) is { } refused)
            return refused;
        if (await UnreachableAsync(question.Url, guard, cancellationToken) is { } unreachable)
            return unreachable;
        var (signing, secret) = (question.Signing ?? "hmac", WebhookSigner.NewSecret());
        var webhook = await store.CreateAsync(
            question.Url,
            question.Description,
            Sorted(question.Types ?? []),
            question.Format ?? "standard",
            signing,
            question.Enabled ?? true,
            secret,
            cancellationToken
        );
        return TypedResults.Created(
            $"/api/webhooks/{webhook.Id}",
            WebhookResponse.Of(webhook, [new(secret, null)], WebhookSigner.Secret(signing, secret))
        );
    }

    private static async Task<Ok<WebhookResponse>> FindAsync(
        string id,
        HttpContext context,
        WebhookStore store,
        CancellationToken cancellationToken
    ) => TypedResults.Ok(WebhookResponse.Of(Found(context), await store.SecretsAsync(id, cancellationToken)));

    private static async Task<Results<Ok<WebhookResponse>, ProblemHttpResult>> UpdateAsync(
        string id,
        HttpRequest request,
        WebhookStore store,
        AddressGuard guard,
        CancellationToken cancellationToken
    )
    {
        if (await Problems.ReadAsync<WebhookRequest>(request) is not ({ } question, _))
            return Unreadable();
        var before = Found(request.HttpContext);
        if (Refuse(question) is { } refused)
            return refused;
        if (question.Signing is { } signing && signing != before.Signing)
            return Problems.Of("unknown_signing", $"It signs by {before.Signing}, which cannot be changed. Make another webhook.");
        if (question.Url is { } url && url != before.Url && await UnreachableAsync(url, guard, cancellationToken) is { } unreachable)
            return unreachable;
        var webhook = await store.UpdateAsync(
            id,
            question.Url ?? before.Url,
            question.Description ?? before.Description,
            question.Types is null ? before.Types : Sorted(question.Types),
            question.Format ?? before.Format,
            question.Enabled ?? before.Enabled,
            cancellationToken
        );
        return TypedResults.Ok(WebhookResponse.Of(webhook ?? before));
    }

    private static async Task<NoContent> DeleteAsync(string id, WebhookStore store, CancellationToken cancellationToken)
    {
        await store.DeleteAsync(id, cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Results<Ok<WebhookResponse>, ProblemHttpResult>> RotateAsync(
        string id,
        HttpContext context,
        WebhookStore store,
        CancellationToken cancellationToken
    )
    {
        var (webhook, secret) = (Found(context), WebhookSigner.NewSecret());
        if (!await store.RotateAsync(id, secret, cancellationToken))
            return Problems.Of(
                "too_many_secrets",
                $"{WebhookStore.MostSecrets} secrets sign already; the oldest of them ends within 24 hours.",
                StatusCodes.Status409Conflict
            );
        return TypedResults.Ok(
            WebhookResponse.Of(webhook, await store.SecretsAsync(id, cancellationToken), WebhookSigner.Secret(webhook.Signing, secret))
        );
    }

    private static async Task<Results<Accepted<WebhookDelivery>, ProblemHttpResult>> TestAsync(
        string id,
        HttpContext context,
        WebhookStore store,
        CancellationToken cancellationToken
    )
    {
        if (Disabled(context) is { } disabled)
            return disabled;
        var delivery = await store.TestAsync(id, cancellationToken);
        return TypedResults.Accepted(Address(id, delivery.Id), delivery);
    }

    private static async Task<Results<Ok<IReadOnlyList<WebhookDelivery>>, ProblemHttpResult>> DeliveriesAsync(
        string id,
        HttpRequest request,
        WebhookStore store,
        CancellationToken cancellationToken
    )
    {
        if (Unknown(request, "state", "before", "top") is { } unknown)
            return unknown;
        var state = (string?)request.Query["state"];
        if (state is not null && !States.Contains(state, StringComparer.Ordinal))
            return Problems.Of("unknown_state", $"'{state}' is no state; there are {string.Join(", ", States)}.");
        if (!Number("before", out var before) || !Number("top", out var top) || top is < 1 or > MostDeliveries)
            return Problems.Of(
                "invalid_number",
                $"'before' has to be the id of a delivery, and 'top' a whole number from 1 to {MostDeliveries}."
            );
        return TypedResults.Ok(await store.DeliveriesAsync(id, state, before, (int)(top ?? 100), cancellationToken));

        bool Number(string name, out long? number)
        {
            number = null;
            if ((string?)request.Query[name] is not { } text)
                return true;
            if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var read))
                return false;
            number = read;
            return true;
        }
    }

    private static async Task<Results<Ok<WebhookDelivery>, ProblemHttpResult>> DeliveryAsync(
        string id,
        long delivery,
        WebhookStore store,
        CancellationToken cancellationToken
    ) => await store.FindDeliveryAsync(id, delivery, cancellationToken) is { } found ? TypedResults.Ok(found) : NoDelivery(id, delivery);

    private static async Task<Results<Accepted<WebhookDelivery>, ProblemHttpResult>> ReplayOneAsync(
        string id,
        long delivery,
        HttpContext context,
        WebhookStore store,
        CancellationToken cancellationToken
    )
    {
        if (await store.FindDeliveryAsync(id, delivery, cancellationToken) is null)
            return NoDelivery(id, delivery);
        if (Disabled(context) is { } disabled)
            return disabled;
        await store.ReplayAsync(id, delivery, cancellationToken);
        return TypedResults.Accepted(Address(id, delivery), (await store.FindDeliveryAsync(id, delivery, cancellationToken))!);
    }

    private static async Task<Results<Accepted<ReplayResponse>, ProblemHttpResult>> ReplayAsync(
        string id,
        HttpRequest request,
        WebhookStore store,
        CancellationToken cancellationToken
    )
    {
        const string ways = "Give either 'from' and 'to' (2026-11-01T00:00:00Z), or 'failed=true'.";
        if (Unknown(request, "from", "to", "failed") is { } unknown)
            return unknown;
        var (from, to, failed) = ((string?)request.Query["from"], (string?)request.Query["to"], (string?)request.Query["failed"]);
        if (Disabled(request.HttpContext) is { } disabled)
            return disabled;
        if (failed is not null)
        {
            if (failed != "true" || from is not null || to is not null)
                return Problems.Of("invalid_span", ways);
            return TypedResults.Accepted(
                $"/api/webhooks/{id}/deliveries?state=due",
                new ReplayResponse(await store.ReplayFailedAsync(id, cancellationToken))
            );
        }
        if (Time(from) is not { } start || Time(to) is not { } end)
            return Problems.Of("invalid_span", ways);
        if (start >= end)
            return Problems.Of("invalid_span", $"'from' ({from}) is not before 'to' ({to}).");
        return await store.ReplayAsync(id, start, end, cancellationToken) is { } replayed
            ? TypedResults.Accepted($"/api/webhooks/{id}/deliveries?state=due", new ReplayResponse(replayed))
            : Problems.Of(
                "invalid_span",
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"More than {WebhookStore.MostReplayed} events happened then. Ask for shorter spans, one after the other."
                )
            );

        static DateTime? Time(string? text) =>
            DateTimeOffset.TryParse(
                text,
                CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal,
                out var time
            )
                ? time.UtcDateTime
                : null;
    }

    /// <summary>Why what people know a webhook or a rule by cannot be kept; null when it can.</summary>
    internal static ProblemHttpResult? RefuseDescription(string? description) =>
        description is not null && (description.Length > LongestDescription || description.Any(char.IsControl))
            ? Problems.Of("invalid_description", $"'description' is longer than {LongestDescription} characters or has control characters.")
            : null;

    private static ProblemHttpResult? Refuse(WebhookRequest question)
    {
        if (question.Url is { } url)
        {
            if (url.Length > LongestUrl)
                return Problems.Of("invalid_url", $"'url' has {url.Length} characters; at most {LongestUrl} are kept.");
            if (
                !Uri.TryCreate(url, UriKind.Absolute, out var address)
                || address.Scheme != Uri.UriSchemeHttps && address.Scheme != Uri.UriSchemeHttp
                || address.Host.Length == 0
            )
                return Problems.Of("invalid_url", "'url' is not a complete https address such as https://example.org/hooks/metrics.");
            if (address.UserInfo.Length > 0)
                return Problems.Of(
                    "invalid_url",
                    "'url' holds a name or password, which would be shown to whoever lists webhooks. Check the signature instead."
                );
            if (address.Fragment.Length > 0)
                return Problems.Of("invalid_url", "'url' has a fragment (#...), which is never sent. Leave it out.");
        }
        if (RefuseDescription(question.Description) is { } description)
            return description;
        if (question.Types?.FirstOrDefault(type => !EventTypes.All.Contains(type, StringComparer.Ordinal)) is { } type)
            return Problems.Of(
                "unknown_type",
                $"'{type}' is no type of event; there are {string.Join(", ", EventTypes.All)}. Without types all are sent."
            );
        if (question.Format is { } format && !Formats.Contains(format, StringComparer.Ordinal))
            return Problems.Of("unknown_format", $"'{format}' is no format; there are {string.Join(", ", Formats)}.");
        if (question.Signing is { } signing && !Signings.Contains(signing, StringComparer.Ordinal))
            return Problems.Of("unknown_signing", $"'{signing}' is no way of signing; there are {string.Join(", ", Signings)}.");
        return null;
    }

    /// <summary>Dials the address as a delivery would, and sends nothing.</summary>
    private static async Task<ProblemHttpResult?> UnreachableAsync(string url, AddressGuard guard, CancellationToken cancellationToken)
    {
        var address = new Uri(url);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Reach);
        try
        {
            await using var connection = await guard.ConnectAsync(address, limit.Token);
            return null;
        }
        catch (AddressRefusedException refused)
        {
            return Problems.Of(refused.Code, refused.Message);
        }
        catch (SocketException exception)
        {
            return Problems.Of(
                "unreachable",
                $"Nobody answers at {address.IdnHost}:{address.Port}: {exception.Message.TrimEnd('.')}. Start the receiver first."
            );
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Problems.Of(
                "unreachable",
                $"Nobody answered at {address.IdnHost}:{address.Port} within {Reach.TotalSeconds:0} s. Start the receiver first."
            );
        }
    }

    /// <summary>The webhook of the address, as it was when the request came.</summary>
    private static Webhook Found(HttpContext context) => context.Features.GetRequiredFeature<Webhook>();

    private static ProblemHttpResult? Disabled(HttpContext context) =>
        Found(context) is { Enabled: false, DisabledReason: var reason }
            ? Problems.Of(
                "webhook_disabled",
                $"The webhook is disabled ({reason}), so nothing would be sent. PATCH it with {{ \"enabled\": true }} first.",
                StatusCodes.Status409Conflict
            )
            : null;

    private static ProblemHttpResult? Unknown(HttpRequest request, params string[] known) =>
        request.Query.Keys.FirstOrDefault(name => !known.Contains(name, StringComparer.Ordinal)) is { } name
            ? Problems.Of("unknown_parameter", $"'{name}' is not known here; there are {string.Join(", ", known)}.")
            : null;

    private static List<string> Sorted(IReadOnlyList<string> types) =>
        [.. types.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    private static string Address(string id, long delivery) =>
        string.Create(CultureInfo.InvariantCulture, $"/api/webhooks/{id}/deliveries/{delivery}");

    private static ProblemHttpResult NoDelivery(string id, long delivery) =>
        Problems.Of(
            "not_found",
            string.Create(CultureInfo.InvariantCulture, $"The webhook '{id}' has no delivery {delivery}."),
            StatusCodes.Status404NotFound
        );

    private static ProblemHttpResult Unreadable() =>
        Problems.Of(
            "invalid_body",
            $"The body cannot be read: give application/json such as {Example}. Members are url, description, types, format, "
                + "signing, enabled."
        );
}

/// <summary>A webhook to make, or what is to change.</summary>
public sealed record WebhookRequest
{
    /// <summary>Where to send to: https, or http within the networks that the operator allows.</summary>
    [Description("Where to send to: https, or http within the networks that the operator allows.")]
    public string? Url { get; init; }

    /// <summary>What people know it by.</summary>
    [Description("What people know it by.")]
    public string? Description { get; init; }

    /// <summary>Types of events wanted; left out or empty: all.</summary>
    [Description("Types of events wanted; left out or empty: all.")]
    public IReadOnlyList<string>? Types { get; init; }

    /// <summary><c>standard</c> (Standard Webhooks, the default) or <c>cloudevents</c> (CloudEvents 1.0, structured). Both carry the
    /// headers of Standard Webhooks.</summary>
    [Description(
        "standard (Standard Webhooks, the default) or cloudevents (CloudEvents 1.0, structured). Both carry the headers of "
            + "Standard Webhooks."
    )]
    public string? Format { get; init; }

    /// <summary><c>hmac</c> (HMAC-SHA256, the default) or <c>ed25519</c>.</summary>
    [Description("hmac (HMAC-SHA256, the default) or ed25519.")]
    public string? Signing { get; init; }

    /// <summary>Whether it is told; true when left out.</summary>
    [Description("Whether it is told; true when left out.")]
    public bool? Enabled { get; init; }
}

/// <summary>A webhook as it is told.</summary>
/// <param name="Id">Its identity.</param>
/// <param name="Url">Where to.</param>
/// <param name="Description">What people know it by.</param>
/// <param name="Types">Types of events wanted; empty: all.</param>
/// <param name="Format"><c>standard</c> or <c>cloudevents</c>.</param>
/// <param name="Signing"><c>hmac</c> or <c>ed25519</c>.</param>
/// <param name="Enabled">Whether it is told.</param>
/// <param name="DisabledReason">Why it is not: <c>asked</c>, <c>gone</c> (it answered 410) or <c>failing</c> (for five days).</param>
/// <param name="FailingSince">The first failure since the last success.</param>
/// <param name="PausedUntil">The receiver asked for quiet until then.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="UpdatedAt">When somebody last changed it.</param>
/// <param name="PublicKeys">Of Ed25519: the keys that sign now, the newest first. Only where one webhook is told.</param>
/// <param name="Secret">Of HMAC: the secret itself. Only in the answer to its making.</param>
public sealed record WebhookResponse(
    string Id,
    string Url,
    string? Description,
    IReadOnlyList<string> Types,
    string Format,
    string Signing,
    bool Enabled,
    string? DisabledReason,
    DateTime? FailingSince,
    DateTime? PausedUntil,
    DateTime CreatedAt,
    DateTime UpdatedAt,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<string>? PublicKeys,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Secret
)
{
    internal static WebhookResponse Of(Webhook webhook, IReadOnlyList<WebhookSecret>? secrets = null, string? secret = null) =>
        new(
            webhook.Id,
            webhook.Url,
            webhook.Description,
            webhook.Types,
            webhook.Format,
            webhook.Signing,
            webhook.Enabled,
            webhook.DisabledReason,
            webhook.FailingSince,
            webhook.PausedUntil,
            webhook.CreatedAt,
            webhook.UpdatedAt,
            webhook.Signing == "hmac" ? null : secrets?.Select(one => WebhookSigner.PublicKey(webhook.Signing, one.Secret)!).ToList(),
            secret
        );
}

/// <summary>What is sent again.</summary>
/// <param name="Replayed">How many deliveries are on their way.</param>
public sealed record ReplayResponse(int Replayed);
