using Metrics.Domain.Catalogue;
using Metrics.Ingestors.Http;
using Metrics.Ingestors.Http.Credentials;

namespace Metrics.Ingestors.Providers.Gcp;

/// <summary>Provider <c>gcp-monitoring</c>: reads raw points of the catalogue's metrics from Google Cloud Monitoring.</summary>
public sealed class GcpProvider : IProvider
{
    /// <summary>What the credentials must be allowed to do; <c>roles/monitoring.viewer</c> holds both.</summary>
    internal static readonly string[] Needed = ["monitoring.timeSeries.list", "monitoring.metricDescriptors.list"];

    /// <inheritdoc/>
    public string Name => "gcp-monitoring";

    /// <inheritdoc/>
    public IReadOnlyList<string> Permissions => Needed;

    /// <inheritdoc/>
    public string? PlaceOf(SourceSettings settings) => settings.Google?.Region is { Length: > 0 } region ? $"gcp/{region}" : null;

    /// <inheritdoc/>
    public IEnumerable<string> Check(SourceSettings settings)
    {
        foreach (var fault in Transport.Check(settings, endpointKnown: true))
            yield return fault;
        if (settings.Username is not null || settings.BearerToken is not null)
            yield return "Username and BearerToken are not for gcp-monitoring: set Google:CredentialsFile.";
        if (settings.Selector is not null)
            yield return "Selector is for the provider 'prometheus': remove it.";
        if (settings.Google is not { } google)
        {
            yield return "The section Google is missing: give Project and Region.";
            yield break;
        }
        if (google.Project is not { } project || !GoogleSettings.IsName(project))
            yield return "Google:Project is missing or no id of a project.";
        if (google.Region is not { Length: > 0 } region || !region.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'))
            yield return "Google:Region is missing or no region, for instance europe-west4, or global.";
        foreach (var fault in google.Check())
            yield return fault;
    }

    /// <inheritdoc/>
    public ITelemetrySource Open(SourceSettings settings, MetricCatalogue catalogue, TimeProvider clock)
    {
        var transport = new Transport(settings, clock, new GoogleSigner(settings.Google!));
        return new GcpSource(settings, catalogue, new RestMonitoring(settings, transport));
    }
}
