using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
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

    /// <summary>Pages of fewer samples than this lose half of them for less reason than a cut.</summary>
    private const int Few = 4;

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
                    var page = await OpenPageAsync(body, limit);
                    var format = body.MediaType == "application/openmetrics-text" ? ExpositionFormat.OpenMetrics : ExpositionFormat.Text;
                    await parser.Value.ParseAsync(page, format, at, batch, body.Framed, limit);
                    // What was cut between two lines looks like a shorter page: only the page before tells them apart.
                    if (!body.Framed && expected >= Few && batch.Observations.Count * 2 <= expected)
                        batch.PartialBecause = string.Create(
                            CultureInfo.InvariantCulture,
                            $"The page does not tell its length, and {batch.Observations.Count} samples came where {expected} came before."
                        );
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

    /// <summary>The page from its beginning. Small servers call any text HTML; what calls itself something else than metrics has to begin
    /// as metrics do.</summary>
    private async Task<Stream> OpenPageAsync(Body body, CancellationToken cancellationToken)
    {
        if (body.MediaType is not ("text/html" or "application/xhtml+xml" or "application/json" or "application/vnd.google.protobuf"))
            return body.Content;
        var reader = PipeReader.Create(body.Content);
        var start = (await reader.ReadAtLeastAsync(2048, cancellationToken)).Buffer;
        var text = start.Slice(0, Math.Min(start.Length, 2048)).ToArray();
        if (body.MediaType == "application/vnd.google.protobuf" || !BeginsAsMetrics(text.AsSpan().TrimStart(" \t\r\n"u8)))
            throw new SourceException(
                SourceErrorCode.NotMetrics,
                $"{Transport.Show(settings.Endpoint!)} answered with {body.MediaType}, not with metrics: "
                    + $"\"{Redaction.Excerpt(text)}\". Check Endpoint (usually .../metrics) and whether a login "
                    + $"or proxy page stands before it."
            );
        reader.AdvanceTo(start.Start);
        return reader.AsStream();
    }

    /// <summary>Whether a comment or a metric's name stands there.</summary>
    private static bool BeginsAsMetrics(ReadOnlySpan<byte> text) =>
        text.IsEmpty || text[0] is (byte)'#' or (byte)'_' or (byte)':' || char.IsAsciiLetter((char)text[0]);
}
