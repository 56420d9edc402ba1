using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Metrics.Api.Access;

/// <summary>Tokens (JWT) of the configured identity provider: signature, issuer, audience and time are checked, and roles become
/// scopes.</summary>
/// <remarks>What was found of a token holds for a minute, and never past its end: checking a signature takes longer than all else that is
/// done to let somebody in.</remarks>
internal sealed class Tokens
{
    private const int Most = 10_000;
    private const int LongestToken = 16 * 1024;
    private static readonly TimeSpan Holds = TimeSpan.FromMinutes(1);

    private readonly OidcSettings settings;
    private readonly TimeProvider clock;
    private readonly ILogger log;
    private readonly JsonWebTokenHandler handler = new() { MapInboundClaims = false, MaximumTokenSizeInBytes = LongestToken };
    private readonly TokenValidationParameters parameters;
    private readonly Dictionary<string, Scope> scopes;
    private readonly ConcurrentDictionary<string, (Caller Caller, DateTime Until)> known = new(StringComparer.Ordinal);

    public Tokens(OidcSettings settings, TimeProvider clock, ILogger<Tokens> log)
    {
        (this.settings, this.clock, this.log) = (settings, clock, log);
        scopes = settings.Roles.ToDictionary(role => role.Key, role => Scopes.Parse(role.Value)!.Value, StringComparer.Ordinal);
        var authority = settings.Authority!.ToString().TrimEnd('/');
        parameters = new TokenValidationParameters
        {
            ConfigurationManager = new ConfigurationManager<OpenIdConnectConfiguration>(
                $"{authority}/.well-known/openid-configuration",
                new OpenIdConnectConfigurationRetriever(),
                new HttpDocumentRetriever { RequireHttps = !settings.Authority.IsLoopback }
            ),
            ValidAudience = settings.Audience,
            // Only those that a public key verifies: a token signed with the public key as if it were a shared secret must not pass.
            ValidAlgorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"],
            RequireExpirationTime = true,
            RequireSignedTokens = true,
            ClockSkew = TimeSpan.FromMinutes(1),
            LifetimeValidator = (from, to, _, with) =>
                to is { } end
                && end + with.ClockSkew > clock.GetUtcNow().UtcDateTime
                && (from ?? DateTime.MinValue) - with.ClockSkew <= clock.GetUtcNow().UtcDateTime,
        };
    }

    /// <summary>Whose token this is; null when it is not to be trusted.</summary>
    public async ValueTask<Caller?> FindAsync(string token)
    {
        var now = clock.GetUtcNow().UtcDateTime;
        if (known.TryGetValue(token, out var found) && found.Until > now)
            return found.Caller;
        if (token.Length > LongestToken)
            return null;
        TokenValidationResult result;
        try
        {
            result = await handler.ValidateTokenAsync(token, parameters);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // Whatever the library stumbles over is a token that cannot be trusted.
            log.LogWarning("A token could not be checked: {Fault}", exception.Message);
            return null;
        }
        if (!result.IsValid)
        {
            if (
                result.Exception
                is SecurityTokenInvalidSignatureException
                    or SecurityTokenSignatureKeyNotFoundException
                    or InvalidOperationException
                    or IOException
                    or HttpRequestException
            )
                log.LogWarning("A token was not taken: {Fault}", result.Exception.Message.Split('\n')[0]);
            return null;
        }
        var read = (JsonWebToken)result.SecurityToken;
        var scope = Roles(read).Aggregate(Scope.None, (sum, role) => sum | scopes.GetValueOrDefault(role));
        var caller = new Caller($"token:{(string.IsNullOrEmpty(read.Subject) ? "without a subject" : read.Subject)}", scope);
        if (known.Count >= Most)
            known.Clear();
        known[token] = (caller, read.ValidTo < now + Holds ? read.ValidTo : now + Holds);
        return caller;
    }

    private IEnumerable<string> Roles(JsonWebToken token)
    {
        if (!token.TryGetPayloadValue<JsonElement>(settings.RolesClaim.Split('.')[0], out var value))
            yield break;
        foreach (var step in settings.RolesClaim.Split('.').Skip(1))
            if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty(step, out value))
                yield break;
        if (value.ValueKind == JsonValueKind.String)
            foreach (var role in value.GetString()!.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                yield return role;
        if (value.ValueKind != JsonValueKind.Array)
            yield break;
        foreach (var item in value.EnumerateArray())
            if (item.ValueKind == JsonValueKind.String)
                yield return item.GetString()!;
    }
}
