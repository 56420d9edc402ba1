using System.Globalization;
using System.Runtime.CompilerServices;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Messages;
using Metrics.Domain.Observations;
using Metrics.Ingestors.Http;

namespace Metrics.Ingestors.Providers.Exporter;

/// <summary>Provider <c>exporter</c>: scrapes one metrics page, in Prometheus text 0.0.4 or OpenMetrics 1.0.</summary>
public sealed class ExporterProvider : IProvider<ExporterSettings>
{
    /// <summary>Exporters speak Prometheus' language: that catalogue explains them.</summary>
    internal const string Explains = "prometheus";

    /// <inheritdoc/>
    public string Name => "exporter";

    /// <inheritdoc/>
    public ITelemetrySource Open(ExporterSettings settings, MetricCatalogue catalogue, TimeProvider clock) =>
        new ExporterSource(settings, catalogue, clock);
}

/// <summary>One metrics page. It knows the present only: the window of a request is ignored.</summary>
internal sealed class ExporterSource : ITelemetrySource, IDisposable
{
    private const string Accepted =
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,"
        + "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.1";

    // The window is not asked for: after a long pause one read catches up.
    private static readonly TimeSpan Always = TimeSpan.FromDays(3650);

    private readonly ExporterSettings settings;
    private readonly TimeProvider clock;
    private readonly Transport transport;
    private readonly Lazy<ExpositionParser> parser;
    private readonly SemaphoreSlim turn = new(1);
    private int expected;

    public ExporterSource(ExporterSettings settings, MetricCatalogue catalogue, TimeProvider clock)
    {
        this.settings = settings;
        this.clock = clock;
        transport = new Transport(settings, clock, settings.Signer());
        var endpoint = settings.Endpoint!;
        parser = new Lazy<ExpositionParser>(() =>
            new ExpositionParser(
                Transport.Show(endpoint),
                ExporterProvider.Explains,
                catalogue.MetricsOf(ExporterProvider.Explains),
                string.Create(CultureInfo.InvariantCulture, $"{endpoint.Host}:{endpoint.Port}"),
                new SeriesPool(settings.Id, settings.MaxSeries)
            )
        );
        var every = settings.Every ?? TimeSpan.FromSeconds(15);
        Cadence = new Cadence(settings.Settle ?? TimeSpan.Zero, settings.Overlap ?? TimeSpan.Zero, settings.Lookback ?? every, Always)
        {
            Every = every,
            NoPastBecause = "An exporter tells the present only: what was not scraped is not to be had.",
        };
    }

    public Cadence Cadence { get; }

    public void Dispose()
    {
        turn.Dispose();
        transport.Dispose();
    }

    public async IAsyncEnumerable<Page> ReadAsync(ReadRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var began = clock.GetTimestamp();
        await turn.WaitAsync(cancellationToken);
        var batch = new ObservationBatch(settings.Id) { Observations = new(expected) };
        try
        {
            using var message = new HttpRequestMessage(HttpMethod.Get, settings.Endpoint);
            message.Headers.TryAddWithoutValidation("Accept", Accepted);
            // The page tells how things stand when it is asked for, on the clock that the request's time is from.
            var at = request.Now + clock.GetElapsedTime(began);
            at = at.AddTicks(-(at.Ticks % TimeSpan.TicksPerMicrosecond));
            await transport.SendAsync(
                message,
                async (body, limit) =>
                {
                    await parser.Value.ParseAsync(body.Content, await FormatOfAsync(body, limit), at, batch, limit);
                    return true;
                },
                null,
                cancellationToken
            );
            expected = batch.Observations.Count;
        }
        finally
        {
            turn.Release();
        }
        foreach (var page in batch.Pages())
            yield return page;
    }

    private async Task<ExpositionFormat> FormatOfAsync(Body body, CancellationToken cancellationToken)
    {
        var place = Transport.Show(settings.Endpoint!);
        switch (body.MediaType)
        {
            case "application/openmetrics-text":
                return ExpositionFormat.OpenMetrics;
            case "text/html" or "application/xhtml+xml" or "application/json" or "application/vnd.google.protobuf":
                var start = new byte[2048];
                var length = await body.Content.ReadAtLeastAsync(start, start.Length, throwOnEndOfStream: false, cancellationToken);
                throw new SourceException(
                    SourceErrorCode.NotMetrics,
                    $"{place} answered with {body.MediaType}, not with metrics: "
                        + $"\"{Redaction.Excerpt(start.AsSpan(0, length))}\". Check Endpoint (usually .../metrics) and whether a login "
                        + $"or proxy page stands before it."
                );
            default:
                // A cut text page is a valid shorter page: only the transfer can tell them apart.
                return body.Framed
                    ? ExpositionFormat.Text
                    : throw new SourceException(
                        SourceErrorCode.Truncated,
                        $"{place} sent its page with neither Content-Length nor chunks, so that a cut cannot be told from its "
                            + $"end; nothing of it is stored. Let the exporter speak HTTP/1.1 or OpenMetrics."
                    );
        }
    }
}
