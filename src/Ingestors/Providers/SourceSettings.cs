using Metrics.Ingestors.Http.Credentials;

namespace Metrics.Ingestors.Providers;

/// <summary>Settings of one source: section <c>Metrics:Sources:{id}</c>. Null takes the provider's default.</summary>
public sealed class SourceSettings
{
    /// <summary>Key of the section: the source's id.</summary>
    public string Id { get; set; } = "";

    /// <summary>Which reader: a name of <see cref="KnownProviders.All"/>.</summary>
    public string Provider { get; set; } = "";

    /// <summary>Address of a server, for <c>prometheus</c> and <c>exporter</c> (the whole URL of its metrics page).</summary>
    public Uri? Endpoint { get; set; }

    /// <summary>A file, or a folder that is watched, for <c>file</c>.</summary>
    public string? Path { get; set; }

    /// <summary>For <c>file</c>: <c>true</c> plays the recording so that it ends at the hour of registration and then goes on from its start, without end.</summary>
    public bool Play { get; set; }

    /// <summary>Where the source stands: a name from <c>Metrics:Places</c>.</summary>
    public string? Place { get; set; }

    /// <summary>What its machines are where their labels do not tell: an instance type or a server that the table of servers knows (<c>p5.48xlarge</c>, <c>DGX H100</c>).</summary>
    public string? Hardware { get; set; }

    /// <summary>Time between two reads.</summary>
    public TimeSpan? Every { get; set; }

    /// <summary>Age at which the source's data no longer changes.</summary>
    public TimeSpan? Settle { get; set; }

    /// <summary>How much before the watermark is read again.</summary>
    public TimeSpan? Overlap { get; set; }

    /// <summary>How far before the first registration reading begins.</summary>
    public TimeSpan? Lookback { get; set; }

    /// <summary>Longest time one request may take.</summary>
    public TimeSpan? Timeout { get; set; }

    /// <summary>For <c>prometheus</c>: label matchers added to every query, for instance <c>job="dcgm",cluster="a"</c>.</summary>
    public string? Selector { get; set; }

    /// <summary>Name for HTTP basic authentication.</summary>
    public string? Username { get; set; }

    /// <summary>Password for HTTP basic authentication.</summary>
    public string? Password { get; set; }

    /// <summary>Token sent as <c>Authorization: Bearer</c>.</summary>
    public string? BearerToken { get; set; }

    /// <summary>PEM file of authorities that may have signed the server's certificate.</summary>
    public string? CertificateAuthorityFile { get; set; }

    /// <summary>PEM file of our certificate, for servers that ask for one.</summary>
    public string? ClientCertificateFile { get; set; }

    /// <summary>PEM file of the key of our certificate.</summary>
    public string? ClientKeyFile { get; set; }

    /// <summary>For <c>aws-cloudwatch</c>, and for <c>prometheus</c> of Amazon: which account and region, and as whom.</summary>
    public AwsSettings? Aws { get; set; }

    /// <summary>For <c>azure-monitor</c>, and for <c>prometheus</c> of Azure: which subscription and region, and as whom.</summary>
    public AzureSettings? Azure { get; set; }

    /// <summary>For <c>gcp-monitoring</c>, and for <c>prometheus</c> of Google: which project and region, and as whom.</summary>
    public GoogleSettings? Google { get; set; }

    /// <summary>Most series that one read may bring.</summary>
    public int MaxSeries { get; set; } = 50_000;

    /// <summary>Most bytes of one answer, after decompression.</summary>
    public long MaxBytes { get; set; } = 256L * 1024 * 1024;
}
