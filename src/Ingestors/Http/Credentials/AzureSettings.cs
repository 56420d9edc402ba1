namespace Metrics.Ingestors.Http.Credentials;

/// <summary>Section <c>Azure</c> of a source: which subscription and region, and as whom. What is left out comes from
/// <c>DefaultAzureCredential</c>.</summary>
public sealed class AzureSettings
{
    /// <summary>Id of the subscription whose resources are read.</summary>
    public string? Subscription { get; set; }

    /// <summary>Region, for instance <c>westeurope</c>.</summary>
    public string? Region { get; set; }

    /// <summary>Tags and their values: only resources that have them all are read.</summary>
    public Dictionary<string, string> Tags { get; set; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary><c>public</c>, <c>china</c> or <c>government</c>.</summary>
    public string Cloud { get; set; } = "public";

    /// <summary>Id or domain of the tenant of Microsoft Entra.</summary>
    public string? Tenant { get; set; }

    /// <summary>Id of an application, or of a managed identity that is assigned by a user.</summary>
    public string? ClientId { get; set; }

    /// <summary>Secret of the application, for where there is no better way.</summary>
    public string? ClientSecret { get; set; }

    /// <summary>PEM or PFX file of the application's certificate and its key.</summary>
    public string? CertificateFile { get; set; }

    /// <summary>File with a token of a workload identity that may act as the application.</summary>
    public string? TokenFile { get; set; }

    /// <summary>The managed identity of this machine is used, and nothing else.</summary>
    public bool ManagedIdentity { get; set; }

    /// <summary>Address of Microsoft Entra where it is not the cloud's own.</summary>
    public Uri? Authority { get; set; }

    /// <summary>Address of the region's metrics where it is not the cloud's own, such as a private endpoint. That of the Resource Manager
    /// is <c>Endpoint</c> of the source.</summary>
    public Uri? MetricsEndpoint { get; set; }

    /// <summary>Hosts and audiences of one cloud of Microsoft.</summary>
    /// <param name="Login">Address of Microsoft Entra.</param>
    /// <param name="Manager">Address of the Resource Manager, and its audience.</param>
    /// <param name="Monitor">Domain of Azure Monitor: the metrics of a region are at <c>{region}.metrics.{Monitor}</c>.</param>
    private sealed record Addresses(string Login, string Manager, string Monitor);

    private static readonly Dictionary<string, Addresses> Clouds = new(StringComparer.OrdinalIgnoreCase)
    {
        ["public"] = new("https://login.microsoftonline.com/", "https://management.azure.com", "monitor.azure.com"),
        ["china"] = new("https://login.chinacloudapi.cn/", "https://management.chinacloudapi.cn", "monitor.azure.cn"),
        ["government"] = new("https://login.microsoftonline.us/", "https://management.usgovcloudapi.net", "monitor.azure.us"),
    };

    private Addresses Own => Clouds[Cloud];

    /// <summary>Where tokens come from.</summary>
    public Uri LoginAddress => Authority ?? new(Own.Login);

    /// <summary>Address of the Resource Manager.</summary>
    public Uri ManagerAddress => new(Own.Manager + "/");

    /// <summary>Address of the region's metrics.</summary>
    public Uri MetricsAddress => MetricsEndpoint ?? new($"https://{Region}.metrics.{Own.Monitor}/");

    /// <summary>Scope of tokens for the Resource Manager.</summary>
    public string ManagerScope => Own.Manager + "/.default";

    /// <summary>Scope of tokens for the metrics of a region.</summary>
    public string MetricsScope => $"https://metrics.{Own.Monitor}/.default";

    /// <summary>Scope of tokens for Prometheus in an Azure Monitor workspace.</summary>
    public string PrometheusScope => $"https://prometheus.{Own.Monitor}/.default";

    /// <summary>The region as a name of a place; null where none is given.</summary>
    internal string? OwnPlace => Region is { Length: > 0 } region ? $"azure/{region}" : null;

    /// <summary>Every error of what says as whom, one sentence each.</summary>
    public IEnumerable<string> Validate()
    {
        if (!Clouds.ContainsKey(Cloud))
            yield return $"Azure:Cloud '{Cloud}' is not a cloud; there are {string.Join(", ", Clouds.Keys)}.";
        var ways = new[]
        {
            (nameof(ClientSecret), ClientSecret is not null),
            (nameof(CertificateFile), CertificateFile is not null),
            (nameof(TokenFile), TokenFile is not null),
            (nameof(ManagedIdentity), ManagedIdentity),
        }
            .Where(way => way.Item2)
            .Select(way => way.Item1)
            .ToList();
        if (ways.Count > 1)
            yield return $"Azure:{string.Join(" and Azure:", ways)} exclude each other: give one.";
        if (ways.Count == 1 && !ManagedIdentity && (Tenant is null || ClientId is null))
            yield return $"Azure:{ways[0]} needs Azure:Tenant and Azure:ClientId.";
        if (Tenant is { } tenant && (tenant.Length == 0 || !tenant.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.')))
            yield return "Azure:Tenant is the id or a domain of the tenant.";
        if (ClientId is { } client && !Guid.TryParse(client, out _))
            yield return "Azure:ClientId is the id of an application, 36 characters with hyphens.";
        foreach (var (name, file) in new[] { (nameof(CertificateFile), CertificateFile), (nameof(TokenFile), TokenFile) })
            if (file is not null && !File.Exists(file))
                yield return $"Azure:{name} '{file}' is not there.";
        // Microsoft's library gives no secret to a server without TLS.
        if (Authority is { } authority && (!authority.IsAbsoluteUri || authority.Scheme != Uri.UriSchemeHttps))
            yield return "Azure:Authority is not an https address.";
        if (
            MetricsEndpoint is { } metrics
            && (!metrics.IsAbsoluteUri || metrics.Scheme != Uri.UriSchemeHttps && metrics.Scheme != Uri.UriSchemeHttp)
        )
            yield return "Azure:MetricsEndpoint is not an http or https address.";
    }
}
