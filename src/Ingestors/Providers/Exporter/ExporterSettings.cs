using Metrics.Ingestors.Http.Credentials;

namespace Metrics.Ingestors.Providers.Exporter;

/// <summary>Settings of a source of <c>exporter</c>: the page's address, and who may see it.</summary>
public sealed class ExporterSettings : ServerSettings;
