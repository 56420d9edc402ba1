using System.Globalization;
using System.Net;
using System.Text;
using System.Threading.RateLimiting;
using Metrics.Api.Http;
using Metrics.Storage.Access;
using Metrics.Storage.Engine;

namespace Metrics.Api.Access;

/// <summary>Registers who is let in.</summary>
public static class AccessRegistration
{
    /// <summary>Adds the keys, the tokens and the middleware.</summary>
    public static IServiceCollection AddAccess(this IServiceCollection services, AccessSettings settings)
    {
        services.AddSingleton(settings).AddSingleton<AccessKeyCache>().AddSingleton<AccessMiddleware>();
        if (settings.Oidc is { } oidc)
            services.AddSingleton(provider => new Tokens(
                oidc,
                provider.GetRequiredService<TimeProvider>(),
                provider.GetRequiredService<ILogger<Tokens>>()
            ));
        return services;
    }

    /// <summary>Lets requests through to their addresses, or not.</summary>
    public static void UseAccess(this WebApplication app)
    {
        var middleware = app.Services.GetRequiredService<AccessMiddleware>();
        app.Use(middleware.PassAsync);
    }

    /// <summary>Leaves an address open to everybody, whatever keys there are.</summary>
    public static T OpenToAll<T>(this T endpoint)
        where T : IEndpointConventionBuilder => endpoint.WithMetadata(new RequiredScope(null));
}

/// <summary>How often the caller may still ask: one request that holds several takes the others from here.</summary>
internal sealed class Allowance(PartitionedRateLimiter<string> frequency, int most, string partition)
{
    /// <summary>Takes so many requests more.</summary>
    /// <returns>False when they are too many now; then none is taken.</returns>
    public bool TryTake(int more)
    {
        if (more == 0)
            return true;
        // The limiter throws where it could never give so many.
        if (more > most)
            return false;
        using var lease = frequency.AttemptAcquire(partition, more);
        return lease.IsAcquired;
    }
}

/// <summary>
/// Stands before all addresses: who asks, whether they may, and not too often. Sets the headers that browsers are told to be careful by,
/// and keeps what was changed in the audit log.
/// </summary>
internal sealed class AccessMiddleware : IDisposable
{
    private const string Unauthenticated =
        "This service asks for a key. Send it as 'Authorization: Bearer KEY', as the password of Basic with any name, or as "
        + "'X-Api-Key: KEY'. An operator makes one by the command 'keys create'.";
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly AccessKeyCache ring;
    private readonly Tokens? tokens;
    private readonly AuditLog audit;
    private readonly ILogger<AccessMiddleware> log;
    private readonly int most;
    private readonly PartitionedRateLimiter<string> frequency;
    private readonly PartitionedRateLimiter<string> requests;
    private readonly PartitionedRateLimiter<string> refusals;
    private readonly PartitionedRateLimiter<string> notices;

    public AccessMiddleware(
        AccessKeyCache ring,
        AccessSettings settings,
        AuditLog audit,
        ILogger<AccessMiddleware> log,
        Tokens? tokens = null
    )
    {
        (this.ring, this.tokens, this.audit, this.log) = (ring, tokens, audit, log);
        most = settings.RequestsPerMinute;
        frequency = PartitionedRateLimiter.Create<string, string>(caller =>
            RateLimitPartition.GetTokenBucketLimiter(caller, _ => new TokenBucketRateLimiterOptions
            {
                // A minute's worth may come at once; then it comes back second by second.
                TokenLimit = settings.RequestsPerMinute,
                TokensPerPeriod = Math.Max(1, settings.RequestsPerMinute / 60),
                ReplenishmentPeriod = TimeSpan.FromSeconds(settings.RequestsPerMinute < 60 ? 60.0 / settings.RequestsPerMinute : 1),
            })
        );
        requests = PartitionedRateLimiter.CreateChained(
            frequency,
            PartitionedRateLimiter.Create<string, string>(caller =>
                RateLimitPartition.GetConcurrencyLimiter(caller, _ => new ConcurrencyLimiterOptions
                {
                    PermitLimit = settings.ConcurrentRequests,
                })
            )
        );
        refusals = PerMinute(settings.RefusalsPerMinute);
        notices = PerMinute(1);
    }

    public async Task PassAsync(HttpContext context, RequestDelegate next)
    {
        context.Response.OnStarting(static state => SetHeaders((HttpContext)state), context);
        var endpoint = context.GetEndpoint();
        var required = endpoint?.Metadata.GetMetadata<RequiredScope>();
        if (required is { Scope: null })
        {
            await next(context);
            return;
        }

        var caller = ring.IsOpen ? Local(context) : await FindAsync(context.Request.Headers);
        if (caller is null)
        {
            await ChallengeAsync(context);
            return;
        }
        var partition = caller == Caller.Local ? AddressOf(context) : caller.Name;
        using var lease = requests.AttemptAcquire(partition);
        if (!lease.IsAcquired)
        {
            await TooManyAsync(context, lease, "This key asks too often, or for too much at once.");
            return;
        }
        // Where nothing is, everybody who is let in is told so. A route that says nothing is the operator's.
        var needed = required?.Scope ?? (endpoint is RouteEndpoint ? Scope.Admin : Scope.None);
        if ((caller.Scope & needed) != needed)
        {
            var has = caller.Scope.ToWords();
            await Problems.WriteAsync(
                context,
                ProblemCode.Forbidden,
                $"{context.Request.Method} {context.Request.Path} asks for the scope '{string.Join(", ", needed.ToWords())}', and this key "
                    + $"has {(has.Count == 0 ? "none" : $"'{string.Join(", ", has)}'")}.",
                StatusCodes.Status403Forbidden
            );
            return;
        }
        context.Features.Set(caller);
        context.Features.Set(new Allowance(frequency, most, partition));
        if (IsChange(context.Request))
        {
            if (IsFromElsewhere(context.Request))
            {
                await Problems.WriteAsync(
                    context,
                    ProblemCode.CrossSite,
                    "The request comes from a page of another site. Send it from a page of this service, or by a program.",
                    StatusCodes.Status403Forbidden
                );
                return;
            }
            try
            {
                await next(context);
            }
            finally
            {
                await NoteAsync(
                    caller.Name,
                    $"{context.Request.Method} {context.Request.Path}",
                    context.Response.StatusCode.ToString(CultureInfo.InvariantCulture)
                );
            }
            return;
        }
        await next(context);
    }

    public void Dispose()
    {
        requests.Dispose();
        frequency.Dispose();
        refusals.Dispose();
        notices.Dispose();
    }

    // A request that a proxy of this machine hands on comes from anywhere.
    private static Caller? Local(HttpContext context)
    {
        var headers = context.Request.Headers;
        var passedOn = headers.ContainsKey("X-Forwarded-For") || headers.ContainsKey("Forwarded") || headers.ContainsKey("X-Real-IP");
        return !passedOn && context.Connection.RemoteIpAddress is { } address && IPAddress.IsLoopback(address) ? Caller.Local : null;
    }

    private async ValueTask<Caller?> FindAsync(IHeaderDictionary headers)
    {
        if (headers.TryGetValue("X-Api-Key", out var sent))
            return sent is [{ } key] ? ring.Find(key) : null;
        if (headers.Authorization is not [{ } header])
            return null;
        if (After(header, "Bearer ") is { Length: > 0 } bearer)
            return ring.Find(bearer) ?? (tokens is not null && !AccessKeyCache.IsKey(bearer) ? await tokens.FindAsync(bearer) : null);
        if (After(header, "Basic ") is not { Length: > 0 and <= 2 * AccessKeyCache.LongestKey } basic)
            return null;
        var bytes = new byte[basic.Length];
        if (!Convert.TryFromBase64String(basic, bytes, out var length))
            return null;
        // The name has no colon, the password may.
        var pair = Encoding.UTF8.GetString(bytes, 0, length);
        var colon = pair.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? null : ring.Find(pair.AsSpan(colon + 1));
    }

    private static string? After(string header, string scheme) =>
        header.StartsWith(scheme, StringComparison.OrdinalIgnoreCase) ? header[scheme.Length..].Trim() : null;

    // The same for every cause, to the byte: what was wrong with a key is nobody's business who has none.
    private async Task ChallengeAsync(HttpContext context)
    {
        var address = AddressOf(context);
        using (var notice = notices.AttemptAcquire(address))
        {
            if (notice.IsAcquired)
            {
                log.LogWarning("{Address} was not let in at {Path}. It is told once a minute.", address, Shown(context.Request.Path));
                await NoteAsync(address, "refused", "401 (told once a minute)");
            }
        }
        using var lease = refusals.AttemptAcquire(address);
        if (!lease.IsAcquired)
        {
            await TooManyAsync(context, lease, "Too many attempts of this address were refused.");
            return;
        }
        context.Response.Headers.WWWAuthenticate = new(["Bearer realm=\"metrics\"", "Basic realm=\"metrics\", charset=\"UTF-8\""]);
        await Problems.WriteAsync(context, ProblemCode.Unauthenticated, Unauthenticated, StatusCodes.Status401Unauthorized);
    }

    private static Task TooManyAsync(HttpContext context, RateLimitLease lease, string because)
    {
        var wait = lease.TryGetMetadata(MetadataName.RetryAfter, out var after) ? Math.Max(1, (int)Math.Ceiling(after.TotalSeconds)) : 1;
        context.Response.Headers.RetryAfter = wait.ToString(CultureInfo.InvariantCulture);
        return Problems.WriteAsync(
            context,
            ProblemCode.RateLimited,
            $"{because} Ask again in {wait} s.",
            StatusCodes.Status429TooManyRequests
        );
    }

    // OData's POSTs query and change nothing.
    private static bool IsChange(HttpRequest request) =>
        !HttpMethods.IsGet(request.Method)
        && !HttpMethods.IsHead(request.Method)
        && !HttpMethods.IsOptions(request.Method)
        && !request.Path.StartsWithSegments("/odata", StringComparison.OrdinalIgnoreCase);

    // A browser sends a name and password that it knows, or reaches this machine, whatever page tells it to; and it says what page that is.
    private static bool IsFromElsewhere(HttpRequest request)
    {
        var site = request.Headers["Sec-Fetch-Site"].ToString();
        if (site.Length > 0)
            return site is not ("same-origin" or "none");
        var origin = request.Headers.Origin.ToString();
        return origin.Length > 0
            && !(
                Uri.TryCreate(origin, UriKind.Absolute, out var from)
                && from.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase)
            );
    }

    private async Task NoteAsync(string actor, string action, string outcome)
    {
        try
        {
            // It happened, whether or not the client still waits.
            await audit.AppendAsync(actor, action, outcome, CancellationToken.None);
        }
        catch (StorageException exception)
        {
            log.LogError(
                "{Actor}: {Action} ended with {Outcome}, and the audit log could not be written: {Fault}",
                actor,
                action,
                outcome,
                exception.Message
            );
        }
    }

    private static PartitionedRateLimiter<string> PerMinute(int permits) =>
        PartitionedRateLimiter.Create<string, string>(address =>
            RateLimitPartition.GetFixedWindowLimiter(address, _ => new FixedWindowRateLimiterOptions
            {
                PermitLimit = permits,
                Window = Minute,
            })
        );

    /// <summary>Where a request comes from. Of IPv6 the network: whoever has one has all of its addresses.</summary>
    private static string AddressOf(HttpContext context)
    {
        if (context.Connection.RemoteIpAddress is not { } address)
            return "unknown address";
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        if (address.AddressFamily != System.Net.Sockets.AddressFamily.InterNetworkV6 || IPAddress.IsLoopback(address))
            return address.ToString();
        var bytes = address.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return $"{new IPAddress(bytes)}/64";
    }

    // No line of its own in the log for whoever can choose a path.
    private static string Shown(PathString path) =>
        path.Value is { Length: > 0 } value
            ? Uri.EscapeDataString(value[..Math.Min(200, value.Length)]).Replace("%2F", "/", StringComparison.Ordinal)
            : "/";

    private static Task SetHeaders(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        if (headers.ContentSecurityPolicy.Count == 0)
            headers.ContentSecurityPolicy = PolicyOf(context.Request.PathBase + context.Request.Path);
        // What a key was asked for must not be handed to others by what lies between.
        if (headers.CacheControl.Count == 0)
            headers.CacheControl = "private, no-cache";
        if (context.Request.IsHttps)
            headers.StrictTransportSecurity = "max-age=31536000";
        return Task.CompletedTask;
    }

    // The two pages that bring scripts of their own; nothing else is to run anything.
    private static string PolicyOf(PathString path) =>
        path.StartsWithSegments("/scalar", StringComparison.OrdinalIgnoreCase)
        || path.StartsWithSegments("/jobs", StringComparison.OrdinalIgnoreCase)
            ? "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
                + "font-src 'self' data: https://fonts.scalar.com; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
            : "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
}
