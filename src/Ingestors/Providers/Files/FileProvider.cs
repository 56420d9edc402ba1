using Metrics.Domain.Catalogue;

namespace Metrics.Ingestors.Providers.Files;

/// <summary>Provider <c>file</c>: reads rows of NDJSON or CSV from a file or from every file of a watched folder, or plays them as if they happened now.</summary>
public sealed class FileProvider : IProvider
{
    /// <inheritdoc/>
    public string Name => "file";

    /// <inheritdoc/>
    public IEnumerable<string> Check(SourceSettings settings)
    {
        if (string.IsNullOrWhiteSpace(settings.Path))
            yield return "Path is missing: give a file or a folder.";
        else if (!Directory.Exists(settings.Path) && !FileSource.IsRows(settings.Path))
            yield return $"Path '{settings.Path}' is neither a folder nor named .ndjson, .jsonl, .csv or one of these with .gz.";
        if (settings.Endpoint is not null)
            yield return "Endpoint is for the providers 'prometheus' and 'exporter': remove it.";
        if (settings.Selector is not null)
            yield return "Selector is for the provider 'prometheus': remove it.";
        if (
            (
                settings.Username
                ?? settings.Password
                ?? settings.BearerToken
                ?? settings.CertificateAuthorityFile
                ?? settings.ClientCertificateFile
                ?? settings.ClientKeyFile
            )
            is not null
        )
            yield return "Credentials and certificates are for sources on the network: remove them.";
        if (settings.MaxSeries < 1)
            yield return "MaxSeries is at least 1.";
    }

    /// <inheritdoc/>
    public ITelemetrySource Open(SourceSettings settings, MetricCatalogue catalogue, TimeProvider clock) =>
        settings.Play ? new PlayedSource(settings, catalogue) : new FileSource(settings, catalogue, clock);
}
