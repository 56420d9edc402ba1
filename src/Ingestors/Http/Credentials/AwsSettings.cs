using Amazon;

namespace Metrics.Ingestors.Http.Credentials;

/// <summary>Section <c>Aws</c> of a source: which account and region, and as whom. What is left out comes from the default chain of the AWS
/// SDK.</summary>
public sealed class AwsSettings
{
    /// <summary>Region, for instance <c>eu-west-1</c>.</summary>
    public string? Region { get; set; }

    /// <summary>Profile of the shared configuration files: keys, SSO or a role.</summary>
    public string? Profile { get; set; }

    /// <summary>Id of an access key, for where there is no better way.</summary>
    public string? AccessKeyId { get; set; }

    /// <summary>Secret of the access key.</summary>
    public string? SecretAccessKey { get; set; }

    /// <summary>Token of temporary keys.</summary>
    public string? SessionToken { get; set; }

    /// <summary>Role to act as, <c>arn:aws:iam::111122223333:role/metrics</c>.</summary>
    public string? RoleArn { get; set; }

    /// <summary>What the role's trust policy asks for besides.</summary>
    public string? ExternalId { get; set; }

    /// <summary>Name of the session as CloudTrail shows it.</summary>
    public string SessionName { get; set; } = "metrics";

    /// <summary>File with a token of a web identity that may act as <see cref="RoleArn"/>.</summary>
    public string? WebIdentityTokenFile { get; set; }

    /// <summary>Address of STS where it is not the region's own.</summary>
    public Uri? StsEndpoint { get; set; }

    /// <summary>Metrics of the accounts that are linked to this one are read too.</summary>
    public bool LinkedAccounts { get; set; }

    /// <summary>For <c>prometheus</c>: <c>aps</c> (Amazon Managed Service for Prometheus) or <c>monitoring</c> (CloudWatch); null: by the
    /// host of <c>Endpoint</c>.</summary>
    public string? Service { get; set; }

    /// <summary>Name of the service in signatures for Prometheus at the address.</summary>
    internal string ServiceOf(Uri endpoint) =>
        Service ?? (endpoint.Host.StartsWith("monitoring", StringComparison.OrdinalIgnoreCase) ? "monitoring" : "aps");

    /// <summary>The region as a name of a place; null where none is given.</summary>
    internal string? OwnPlace => Region is { Length: > 0 } region ? $"aws/{region}" : null;

    /// <summary>Every error of the section, one sentence each.</summary>
    public IEnumerable<string> Validate()
    {
        if (Region is not { Length: > 0 } region)
            yield return "Aws:Region is missing: give one, for instance eu-west-1.";
        else if (!IsRegion(region))
            yield return $"Aws:Region '{region}' is not a region that is known; there are {string.Join(", ", Near(region))} and more.";
        if (Service is not (null or "aps" or "monitoring"))
            yield return $"Aws:Service '{Service}' is not a service with Prometheus; there are aps and monitoring.";
        if (AccessKeyId is null != SecretAccessKey is null)
            yield return "Aws:AccessKeyId and Aws:SecretAccessKey go together: give both.";
        if (SessionToken is not null && AccessKeyId is null)
            yield return "Aws:SessionToken is given without Aws:AccessKeyId.";
        if (Profile is not null && AccessKeyId is not null)
            yield return "Aws:Profile and Aws:AccessKeyId exclude each other: give one.";
        if (
            RoleArn is { } role
            && (!role.StartsWith("arn:aws", StringComparison.Ordinal) || !role.Contains(":role/", StringComparison.Ordinal))
        )
            yield return $"Aws:RoleArn '{role}' is not the ARN of a role, for instance arn:aws:iam::111122223333:role/metrics.";
        if (RoleArn is null && (ExternalId ?? WebIdentityTokenFile) is not null)
            yield return "Aws:ExternalId and Aws:WebIdentityTokenFile need Aws:RoleArn.";
        if (WebIdentityTokenFile is { } file && !File.Exists(file))
            yield return $"Aws:WebIdentityTokenFile '{file}' is not there.";
    }

    /// <summary>Host of a service in the region's partition: <c>monitoring.eu-west-1.amazonaws.com</c>.</summary>
    public string Host(string service) => $"{service}.{Region}.{Partition}";

    private string Partition =>
        Region switch
        {
            { } region when region.StartsWith("cn-", StringComparison.Ordinal) => "amazonaws.com.cn",
            { } region when region.StartsWith("eusc-", StringComparison.Ordinal) => "amazonaws.eu",
            _ => "amazonaws.com",
        };

    private static bool IsRegion(string region) => RegionEndpoint.EnumerableAllRegions.Any(known => known.SystemName == region);

    private static IEnumerable<string> Near(string region) =>
        RegionEndpoint
            .EnumerableAllRegions.Select(one => one.SystemName)
            .OrderBy(name => Apart(name, region))
            .ThenBy(name => name, StringComparer.Ordinal)
            .Take(3);

    private static int Apart(string a, string b) => Math.Abs(a.Length - b.Length) + a.Zip(b).Count(pair => pair.First != pair.Second);
}
