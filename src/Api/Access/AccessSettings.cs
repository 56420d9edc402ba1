namespace Metrics.Api.Access;

/// <summary>Section <c>Metrics:Access</c>: who is let in.</summary>
public sealed class AccessSettings
{
    private const int ShortestKey = 32;

    /// <summary>Keys that come with the configuration, by name, beside those that <c>keys create</c> makes.</summary>
    public Dictionary<string, ConfiguredKeySettings> Keys { get; set; } = [];

    /// <summary>An identity provider whose tokens are taken; null: none.</summary>
    public OidcSettings? Oidc { get; set; }

    /// <summary>Requests that one caller may make in a minute.</summary>
    public int RequestsPerMinute { get; set; } = 12_000;

    /// <summary>Requests of one caller that are answered at once.</summary>
    public int ConcurrentRequests { get; set; } = 100;

    /// <summary>Refused attempts of one address in a minute that are answered by 401; more are answered by 429.</summary>
    public int RefusalsPerMinute { get; set; } = 60;

    /// <summary>Sentences on what cannot be used. No key is repeated in them.</summary>
    internal IEnumerable<string> Errors()
    {
        foreach (var (name, key) in Keys)
        {
            if (key.Key.Length < ShortestKey)
                yield return $"Metrics:Access:Keys:{name}:Key: has fewer than {ShortestKey} characters; make one for instance by `openssl "
                    + "rand -hex 32`.";
            if (key.Key.Length > AccessKeyCache.LongestKey)
                yield return $"Metrics:Access:Keys:{name}:Key: has more than {AccessKeyCache.LongestKey} characters.";
            if (Scopes.Parse(key.Scopes) is null)
                yield return $"Metrics:Access:Keys:{name}:Scopes: '{string.Join(", ", key.Scopes)}' are not scopes; there are "
                    + $"{Scopes.All}.";
        }
        foreach (var same in Keys.GroupBy(key => key.Value.Key, StringComparer.Ordinal).Where(same => same.Count() > 1))
            yield return $"Metrics:Access:Keys: {string.Join(" and ", same.Select(key => key.Key))} have the same Key; give each its own.";
        foreach (
            var (name, value) in new[]
            {
                (nameof(RequestsPerMinute), RequestsPerMinute),
                (nameof(ConcurrentRequests), ConcurrentRequests),
                (nameof(RefusalsPerMinute), RefusalsPerMinute),
            }
        )
            if (value < 1)
                yield return $"Metrics:Access:{name}: {value} lets nobody in; give at least 1.";
        if (Oidc is not { } oidc)
            yield break;
        if (oidc.Authority is null)
            yield return "Metrics:Access:Oidc:Authority: is missing; give the issuer's address, such as "
                + "https://login.example.com/realms/energy.";
        else if (oidc.Authority.Scheme != Uri.UriSchemeHttps && !oidc.Authority.IsLoopback)
            yield return $"Metrics:Access:Oidc:Authority: {oidc.Authority} is not https; whoever stands between could sign tokens.";
        if (string.IsNullOrWhiteSpace(oidc.Audience))
            yield return "Metrics:Access:Oidc:Audience: is missing; a token for any other service would be taken.";
        if (oidc.Roles.Count == 0)
            yield return "Metrics:Access:Oidc:Roles: is empty, so no token may do anything; give for instance { \"energy-analyst\": "
                + "[\"read\", "
                + "\"reports\"] }.";
        foreach (var (role, scopes) in oidc.Roles)
            if (Scopes.Parse(scopes) is null)
                yield return $"Metrics:Access:Oidc:Roles:{role}: '{string.Join(", ", scopes)}' are not scopes; there are {Scopes.All}.";
    }
}

/// <summary>Section <c>Metrics:Access:Keys:{name}</c>.</summary>
public sealed class ConfiguredKeySettings
{
    /// <summary>The key itself, at least 32 characters; from a store of secrets, not from a file that is shared.</summary>
    public string Key { get; set; } = "";

    /// <summary>What it may be used for.</summary>
    public List<string> Scopes { get; set; } = [];
}

/// <summary>Section <c>Metrics:Access:Oidc</c>: tokens (JWT) of an identity provider.</summary>
public sealed class OidcSettings
{
    /// <summary>The issuer; its <c>/.well-known/openid-configuration</c> tells its keys.</summary>
    public Uri? Authority { get; set; }

    /// <summary>Whom the tokens are for: this service's name at the issuer.</summary>
    public string Audience { get; set; } = "";

    /// <summary>The claim that holds roles: a list, or words with blanks between; dots lead into objects
    /// (<c>realm_access.roles</c>).</summary>
    public string RolesClaim { get; set; } = "roles";

    /// <summary>Scopes by role. A role that is not here grants nothing.</summary>
    public Dictionary<string, List<string>> Roles { get; set; } = [];
}
