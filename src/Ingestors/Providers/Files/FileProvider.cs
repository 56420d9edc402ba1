using Metrics.Domain.Catalogue;

namespace Metrics.Ingestors.Providers.Files;

/// <summary>Provider <c>file</c>: reads rows of NDJSON or CSV from a file or from every file of a watched folder, or plays them as if they
/// happened now.</summary>
public sealed class FileProvider : IProvider<FileSettings>
{
    /// <inheritdoc/>
    public string Name => "file";

    /// <inheritdoc/>
    public ITelemetrySource Open(FileSettings settings, MetricCatalogue catalogue, TimeProvider clock) =>
        settings.Play ? new PlayedSource(settings, catalogue) : new FileSource(settings, catalogue, clock);
}
