using Metrics.Ingestors.Http;
using Metrics.Ingestors.Http.Credentials;

namespace Metrics.Ingestors.Providers.Gcp;

/// <summary>Settings of a source of <c>gcp-monitoring</c>.</summary>
public sealed class GcpMonitoringSettings : HttpSourceSettings
{
    /// <summary>Which project and region, and as whom.</summary>
    public GoogleSettings? Google { get; set; }

    /// <inheritdoc/>
    public override string? OwnPlace => Google?.OwnPlace;

    /// <inheritdoc/>
    public override IEnumerable<string> Validate()
    {
        foreach (var error in base.Validate())
            yield return error;
        if (Google is not { } google)
        {
            yield return "The section Google is missing: give Project and Region.";
            yield break;
        }
        if (google.Project is not { } project || !GoogleSettings.IsName(project))
            yield return "Google:Project is missing or no id of a project.";
        if (google.Region is not { Length: > 0 } region || !region.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'))
            yield return "Google:Region is missing or no region, for instance europe-west4, or global.";
        foreach (var error in google.Validate())
            yield return error;
    }
}
