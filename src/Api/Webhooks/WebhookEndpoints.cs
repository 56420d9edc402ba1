using System.Globalization;
using System.Net.Sockets;
using System.Text.Json.Serialization;
using Metrics.Api.Access;
using Metrics.Api.Http;
using Metrics.Domain.Messages;
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
                            ProblemCode.NotFound,
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
                $"The newest first. 'state' is one of {string.Join(", ", Words.All<DeliveryState>())}; 'before' is the id that the last "
                    + $"page ended with; 'top' how many at most (100; up to {MostDeliveries}). Kept for 30 days after they ended."
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
        var (body, problem) = await JsonBody.ReadAsync<WebhookRequest>(request, Example);
        if (body is null)
            return problem!;
        var errors = new RequestErrors();
        if (body.Url is null)
            errors.Body("url", ProblemCode.InvalidUrl, $"'url' is missing. Give application/json such as {Example}.");
        var (format, signing) = Check(body, errors);
        if (errors.Count > 0 || !await IsReachableAsync(body.Url!, guard, errors, cancellationToken))
            return Problems.Of(errors);
        var (algorithm, secret) = (signing ?? WebhookSigning.Hmac, WebhookSigner.NewSecret());
        var webhook = await store.CreateAsync(
            body.Url!,
            body.Description,
            Sorted(body.Types ?? []),
            format ?? WebhookFormat.Standard,
            algorithm,
            body.Enabled ?? true,
            secret,
            cancellationToken
        );
        return TypedResults.Created(
            $"/api/webhooks/{webhook.Id}",
            WebhookResponse.Of(webhook, [new(secret, null)], WebhookSigner.Secret(algorithm, secret))
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
        var (body, problem) = await JsonBody.ReadAsync<WebhookRequest>(request, Example);
        if (body is null)
            return problem!;
        var (errors, before) = (new RequestErrors(), Found(request.HttpContext));
        var (format, signing) = Check(body, errors);
        if (signing is not null && signing != before.Signing)
            errors.Body(
                "signing",
                ProblemCode.UnknownSigning,
                $"It signs by {before.Signing.ToWord()}, which cannot be changed. Make another webhook."
            );
        if (
            errors.Count > 0
            || (body.Url is { } url && url != before.Url && !await IsReachableAsync(url, guard, errors, cancellationToken))
        )
            return Problems.Of(errors);
        var webhook = await store.UpdateAsync(
            id,
            body.Url ?? before.Url,
            body.Description ?? before.Description,
            body.Types is null ? before.Types : Sorted(body.Types),
            format ?? before.Format,
            body.Enabled ?? before.Enabled,
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
                ProblemCode.TooManySecrets,
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
        WebhookDeliveries deliveries,
        CancellationToken cancellationToken
    )
    {
        if (Disabled(context) is { } disabled)
            return disabled;
        var delivery = await deliveries.TestAsync(id, cancellationToken);
        return TypedResults.Accepted(Address(id, delivery.Id), delivery);
    }

    private static async Task<Results<Ok<IReadOnlyList<WebhookDelivery>>, ProblemHttpResult>> DeliveriesAsync(
        string id,
        HttpRequest request,
        WebhookDeliveries deliveries,
        CancellationToken cancellationToken
    )
    {
        var (errors, query) = (new RequestErrors(), request.Query);
        errors.RejectUnknown(query, "state", "before", "top");
        DeliveryState? state = null;
        if (errors.One(query, "state") is { } word && (state = Words.Find<DeliveryState>(word)) is null)
            errors.Query(
                "state",
                ProblemCode.UnknownState,
                $"'{Spelling.Shorten(word)}' is no state; there are {string.Join(", ", Words.All<DeliveryState>())}."
            );
        // None has the largest id: left out, it is before all.
        var before = errors.Number(query, "before", long.MaxValue, 0, long.MaxValue);
        var top = errors.Number(query, "top", 100, 1, MostDeliveries);
        if (errors.Count > 0)
            return Problems.Of(errors);
        return TypedResults.Ok(
            await deliveries.DeliveriesAsync(id, state, before == long.MaxValue ? null : before, (int)top, cancellationToken)
        );
    }

    private static async Task<Results<Ok<WebhookDelivery>, ProblemHttpResult>> DeliveryAsync(
        string id,
        long delivery,
        WebhookDeliveries deliveries,
        CancellationToken cancellationToken
    ) =>
        await deliveries.FindDeliveryAsync(id, delivery, cancellationToken) is { } found
            ? TypedResults.Ok(found)
            : NoDelivery(id, delivery);

    private static async Task<Results<Accepted<WebhookDelivery>, ProblemHttpResult>> ReplayOneAsync(
        string id,
        long delivery,
        HttpContext context,
        WebhookDeliveries deliveries,
        CancellationToken cancellationToken
    )
    {
        if (await deliveries.FindDeliveryAsync(id, delivery, cancellationToken) is null)
            return NoDelivery(id, delivery);
        if (Disabled(context) is { } disabled)
            return disabled;
        await deliveries.ReplayAsync(id, delivery, cancellationToken);
        return TypedResults.Accepted(Address(id, delivery), (await deliveries.FindDeliveryAsync(id, delivery, cancellationToken))!);
    }

    private static async Task<Results<Accepted<ReplayResponse>, ProblemHttpResult>> ReplayAsync(
        string id,
        HttpRequest request,
        WebhookDeliveries deliveries,
        TimeProvider clock,
        CancellationToken cancellationToken
    )
    {
        const string ways = "Give either 'from' and 'to' (2026-11-01T00:00:00Z), or 'failed=true'.";
        var (errors, query, now) = (new RequestErrors(), request.Query, clock.GetUtcNow().UtcDateTime);
        errors.RejectUnknown(query, "from", "to", "failed");
        var (from, to, failed) = (errors.One(query, "from"), errors.One(query, "to"), errors.One(query, "failed"));
        var (start, end) = (Time("from", from, Times.From), Time("to", to, Times.To));
        if (failed is null ? from is null || to is null : failed != "true" || from is not null || to is not null)
            errors.Query(failed is null ? "from" : "failed", ProblemCode.InvalidSpan, ways);
        else if (start >= end)
            errors.Query("from", ProblemCode.InvalidSpan, $"'from' ({from}) is not before 'to' ({to}).");
        if (errors.Count > 0)
            return Problems.Of(errors);
        if (Disabled(request.HttpContext) is { } disabled)
            return disabled;
        if (
            (
                failed is not null
                    ? await deliveries.ReplayFailedAsync(id, cancellationToken)
                    : await deliveries.ReplayAsync(id, start!.Value, end!.Value, cancellationToken)
            ) is
            { } replayed
        )
            return TypedResults.Accepted($"/api/webhooks/{id}/deliveries?state=due", new ReplayResponse(replayed));
        errors.Query(
            "to",
            ProblemCode.InvalidSpan,
            string.Create(
                CultureInfo.InvariantCulture,
                $"More than {WebhookDeliveries.MostReplayed} events happened then. Ask for shorter spans, one after the other."
            )
        );
        return Problems.Of(errors);

        DateTime? Time(string name, string? text, TimeReader read)
        {
            if (text is null)
                return null;
            var time = read(name, text, now, out var error, TimeStep.None);
            if (error is not null)
                errors.Query(name, ProblemCode.InvalidSpan, error);
            return time;
        }
    }

    /// <summary>Adds why what people know a webhook or a rule by cannot be stored.</summary>
    internal static void CheckDescription(string? description, RequestErrors errors)
    {
        if (description is not null && (description.Length > LongestDescription || description.Any(char.IsControl)))
            errors.Body(
                "description",
                ProblemCode.InvalidDescription,
                $"'description' is longer than {LongestDescription} characters or has control characters."
            );
    }

    /// <summary>Adds what is wrong with a webhook, and says what its words mean; null where they are left out or wrong.</summary>
    private static (WebhookFormat? Format, WebhookSigning? Signing) Check(WebhookRequest body, RequestErrors errors)
    {
        if (body.Url is { } url && CheckUrl(url) is { } refused)
            errors.Body("url", ProblemCode.InvalidUrl, refused);
        CheckDescription(body.Description, errors);
        foreach (var (type, at) in (body.Types ?? []).Select((type, at) => (type, at)))
            if (!EventTypes.All.Contains(type, StringComparer.Ordinal))
                errors.Body(
                    string.Create(CultureInfo.InvariantCulture, $"/types/{at}"),
                    ProblemCode.UnknownType,
                    $"'{Spelling.Shorten(type ?? "null")}' is no type of event; there are {string.Join(", ", EventTypes.All)}. "
                        + "Without types all are sent."
                );
        return (
            Find<WebhookFormat>("format", body.Format, ProblemCode.UnknownFormat, "is no format"),
            Find<WebhookSigning>("signing", body.Signing, ProblemCode.UnknownSigning, "is no way of signing")
        );

        T? Find<T>(string name, string? word, ProblemCode code, string reason)
            where T : struct, Enum
        {
            var value = word is null ? null : Words.Find<T>(word);
            if (word is not null && value is null)
                errors.Body(name, code, $"'{Spelling.Shorten(word)}' {reason}; there are {string.Join(", ", Words.All<T>())}.");
            return value;
        }
    }

    private static string? CheckUrl(string url)
    {
        if (url.Length > LongestUrl)
            return $"'url' has {url.Length} characters; at most {LongestUrl} are kept.";
        if (
            !Uri.TryCreate(url, UriKind.Absolute, out var address)
            || (address.Scheme != Uri.UriSchemeHttps && address.Scheme != Uri.UriSchemeHttp)
            || address.Host.Length == 0
        )
            return "'url' is not a complete https address such as https://example.org/hooks/metrics.";
        if (address.UserInfo.Length > 0)
            return "'url' holds a name or password, which would be shown to whoever lists webhooks. Check the signature instead.";
        return address.Fragment.Length > 0 ? "'url' has a fragment (#...), which is never sent. Leave it out." : null;
    }

    /// <summary>Dials the address as a delivery would, and sends nothing.</summary>
    private static async Task<bool> IsReachableAsync(
        string url,
        AddressGuard guard,
        RequestErrors errors,
        CancellationToken cancellationToken
    )
    {
        var address = new Uri(url);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Reach);
        try
        {
            await using var connection = await guard.ConnectAsync(address, limit.Token);
            return true;
        }
        catch (AddressRefusedException refused)
        {
            errors.Body("url", refused.Code, refused.Message);
        }
        catch (SocketException exception)
        {
            errors.Body(
                "url",
                ProblemCode.Unreachable,
                $"Nobody answers at {address.IdnHost}:{address.Port}: {exception.Message.TrimEnd('.')}. Start the receiver first."
            );
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            errors.Body(
                "url",
                ProblemCode.Unreachable,
                $"Nobody answered at {address.IdnHost}:{address.Port} within {Reach.TotalSeconds:0} s. Start the receiver first."
            );
        }
        return false;
    }

    /// <summary>The webhook of the address, as it was when the request came.</summary>
    private static Webhook Found(HttpContext context) => context.Features.GetRequiredFeature<Webhook>();

    private static ProblemHttpResult? Disabled(HttpContext context) =>
        Found(context) is { Enabled: false, DisabledReason: var reason }
            ? Problems.Of(
                ProblemCode.WebhookDisabled,
                $"The webhook is disabled ({reason?.ToWord()}), so nothing would be sent. PATCH it with {{ \"enabled\": true }} first.",
                StatusCodes.Status409Conflict
            )
            : null;

    private static List<string> Sorted(IReadOnlyList<string> types) =>
        [.. types.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    private static string Address(string id, long delivery) =>
        string.Create(CultureInfo.InvariantCulture, $"/api/webhooks/{id}/deliveries/{delivery}");

    private static ProblemHttpResult NoDelivery(string id, long delivery) =>
        Problems.Of(
            ProblemCode.NotFound,
            string.Create(CultureInfo.InvariantCulture, $"The webhook '{id}' has no delivery {delivery}."),
            StatusCodes.Status404NotFound
        );
}

/// <summary>A webhook to make, or what is to change.</summary>
public sealed record WebhookRequest
{
    /// <summary>Where to send to: https, or http within the networks that the operator allows.</summary>
    public string? Url { get; init; }

    /// <summary>What people know it by.</summary>
    public string? Description { get; init; }

    /// <summary>Types of events wanted; left out or empty: all.</summary>
    public IReadOnlyList<string>? Types { get; init; }

    /// <summary>standard (Standard Webhooks, the default) or cloudevents (CloudEvents 1.0, structured). Both carry the headers of Standard
    /// Webhooks.</summary>
    public string? Format { get; init; }

    /// <summary>hmac (HMAC-SHA256, the default) or ed25519.</summary>
    public string? Signing { get; init; }

    /// <summary>Whether it is told; true when left out.</summary>
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
    WebhookFormat Format,
    WebhookSigning Signing,
    bool Enabled,
    DisabledReason? DisabledReason,
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
            webhook.Signing == WebhookSigning.Hmac
                ? null
                : secrets?.Select(one => WebhookSigner.PublicKey(webhook.Signing, one.Secret)!).ToList(),
            secret
        );
}

/// <summary>What is sent again.</summary>
/// <param name="Replayed">How many deliveries are on their way.</param>
public sealed record ReplayResponse(int Replayed);
