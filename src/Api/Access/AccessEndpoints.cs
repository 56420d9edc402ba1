using System.Text.Json.Serialization;
using Metrics.Api.Http;
using Metrics.Storage.Access;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Metrics.Api.Access;

/// <summary>Keys and the audit log, for admins.</summary>
public static class AccessEndpoints
{
    private const int LongestName = 100;
    private const int MostEntries = 1_000;
    private const string Example = "{ \"name\": \"power-bi\", \"scopes\": [\"read\"], \"expiresAt\": \"2027-11-01T00:00:00Z\" }";

    /// <summary>Maps <c>/api/keys</c> and <c>/api/audit</c>.</summary>
    public static void MapAccess(this WebApplication app)
    {
        var keys = app.MapGroup("/api/keys").WithTags("Access").RequireScope(Scope.Admin);
        keys.MapGet("", ListAsync)
            .WithSummary("Keys")
            .WithDescription(
                "All that there ever were, the oldest first, without the keys themselves: those are shown once, when they are made."
            );
        keys.MapPost("", CreateAsync)
            .Accepts<KeyRequest>("application/json")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .WithSummary("Makes a key")
            .WithDescription(
                "The answer is the only place where the key is ever shown. The first key that there is closes the service to "
                    + "everybody without one."
            );
        keys.MapDelete("/{id}", RevokeAsync)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .WithSummary("Revokes a key")
            .WithDescription("Every process of the service refuses it within five seconds. A key that was revoked cannot be used again.");
        var log = app.MapGroup("/api/audit").WithTags("Access").RequireScope(Scope.Admin);
        log.MapGet("", ReadAsync)
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .WithSummary("Audit log")
            .WithDescription(
                "Who changed what and who was refused, the oldest first. 'after' is the id of the last entry known, 'top' how "
                    + "many at most (100; up to 1,000)."
            );
        log.MapGet("/verify", (AuditLog audit, CancellationToken cancellationToken) => audit.VerifyAsync(cancellationToken))
            .WithSummary("Checks the audit log")
            .WithDescription(
                "Goes through all entries: each one's hash covers the one before. 'head' is the hash of the last; kept elsewhere, "
                    + "it shows later whether entries were cut off at the end."
            );
    }

    /// <summary>Why a key of this name cannot be made; null when it can.</summary>
    internal static string? ValidateName(string? name) =>
        string.IsNullOrWhiteSpace(name) ? "'name' is missing: say who or what the key is for."
        : name.Length > LongestName ? $"'name' has {name.Length} characters; at most {LongestName} are kept."
        : name.Any(char.IsControl) ? "'name' has control characters."
        : null;

    private static async Task<Ok<IEnumerable<KeyResponse>>> ListAsync(
        AccessKeys keys,
        TimeProvider clock,
        CancellationToken cancellationToken
    ) => TypedResults.Ok((await keys.AllAsync(cancellationToken)).Select(key => KeyResponse.Of(key, null, clock.GetUtcNow().UtcDateTime)));

    private static async Task<Results<Created<KeyResponse>, ProblemHttpResult>> CreateAsync(
        HttpRequest request,
        AccessKeys keys,
        AccessKeyCache ring,
        TimeProvider clock,
        CancellationToken cancellationToken
    )
    {
        var (body, problem) = await JsonBody.ReadAsync<KeyRequest>(request, Example);
        if (body is null)
            return problem!;
        var (errors, now) = (new RequestErrors(), clock.GetUtcNow().UtcDateTime);
        if (ValidateName(body.Name) is { } reason)
            errors.Body("name", ProblemCode.InvalidName, $"{reason} Give application/json such as {Example}.");
        var scope = body.Scopes is null ? null : Scopes.Parse(body.Scopes);
        if (scope is null)
            errors.Body("scopes", ProblemCode.InvalidScope, $"'scopes' has to be a list of some of {Scopes.All}.");
        DateTime? expiresAt = null;
        if (body.ExpiresAt is { } expiry)
        {
            expiresAt = Times.Expiry("expiresAt", expiry, now, out var error);
            if (error is not null)
                errors.Body("expiresAt", ProblemCode.InvalidExpiry, error);
        }
        if (errors.Count > 0)
            return Problems.Of(errors);
        var (key, stored) = await AccessKeyCache.MakeAsync(
            keys,
            body.Name!,
            scope!.Value,
            expiresAt,
            Caller.Of(request.HttpContext).Name,
            cancellationToken
        );
        await ring.RefreshAsync(cancellationToken);
        return TypedResults.Created($"/api/keys/{stored.Id}", KeyResponse.Of(stored, key, clock.GetUtcNow().UtcDateTime));
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> RevokeAsync(
        string id,
        HttpContext context,
        AccessKeys keys,
        AccessKeyCache ring,
        CancellationToken cancellationToken
    )
    {
        if (!await keys.RevokeAsync(id, Caller.Of(context).Name, cancellationToken))
            return Problems.Of(
                ProblemCode.NotFound,
                "There is no such key, or it is revoked already. GET /api/keys lists them.",
                StatusCodes.Status404NotFound
            );
        await ring.RefreshAsync(cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Results<Ok<IReadOnlyList<AuditEntry>>, ProblemHttpResult>> ReadAsync(
        AuditLog audit,
        HttpRequest request,
        CancellationToken cancellationToken
    )
    {
        var errors = new RequestErrors();
        errors.RejectUnknown(request.Query, "after", "top");
        var after = errors.Number(request.Query, "after", 0, 0, long.MaxValue);
        var top = errors.Number(request.Query, "top", 100, 1, MostEntries);
        if (errors.Count > 0)
            return Problems.Of(errors);
        return TypedResults.Ok(await audit.ReadAsync(after, (int)top, cancellationToken));
    }
}

/// <summary>A key to make.</summary>
public sealed record KeyRequest
{
    /// <summary>Who or what it is for.</summary>
    public string? Name { get; init; }

    /// <summary>What it may be used for: read, reports, operate, admin.</summary>
    public IReadOnlyList<string>? Scopes { get; init; }

    /// <summary>From then on it lets nobody in: a time, or a duration from now on such as 90d; left out: never.</summary>
    public string? ExpiresAt { get; init; }
}

/// <summary>A key as it is told.</summary>
/// <param name="Id">What it is known by: its letters after <c>emk_</c>.</param>
/// <param name="Name">Who or what it is for.</param>
/// <param name="Scopes">What it may be used for.</param>
/// <param name="State"><c>valid</c>, <c>expired</c> or <c>revoked</c>.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="CreatedBy">By whom.</param>
/// <param name="ExpiresAt">From then on it lets nobody in.</param>
/// <param name="RevokedAt">When it was revoked.</param>
/// <param name="LastUsedAt">When it last let somebody in, to the minute.</param>
/// <param name="Key">The key itself: only in the answer to its making.</param>
public sealed record KeyResponse(
    string Id,
    string Name,
    IReadOnlyList<string> Scopes,
    string State,
    DateTime CreatedAt,
    string CreatedBy,
    DateTime? ExpiresAt,
    DateTime? RevokedAt,
    DateTime? LastUsedAt,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Key
)
{
    internal static KeyResponse Of(AccessKey key, string? text, DateTime now) =>
        new(
            key.Id,
            key.Name,
            key.Scopes.Split(','),
            StateOf(key, now),
            key.CreatedAt,
            key.CreatedBy,
            key.ExpiresAt,
            key.RevokedAt,
            key.LastUsedAt,
            text
        );

    internal static string StateOf(AccessKey key, DateTime now) =>
        key.RevokedAt is not null ? "revoked"
        : key.ExpiresAt <= now ? "expired"
        : "valid";
}
