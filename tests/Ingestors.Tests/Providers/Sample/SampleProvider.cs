using System.Runtime.CompilerServices;
using System.Text.Json;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Observations;
using Metrics.Ingestors.Http;
using Metrics.Ingestors.Providers;

namespace Metrics.Ingestors.Tests.Providers.Sample;

/// <summary>Provider <c>sample</c>: reads the meters of a building, as small as a provider can be.</summary>
public sealed class SampleProvider : IProvider<SampleSettings>
{
    /// <summary>What the key must be allowed to do.</summary>
    internal static readonly string[] Needed = ["meters:read"];

    /// <inheritdoc/>
    public string Name => "sample";

    /// <inheritdoc/>
    public IReadOnlyList<string> Permissions => Needed;

    /// <inheritdoc/>
    public string? InsteadOf(string key) => key is "BearerToken" ? "set SampleKey" : null;

    /// <inheritdoc/>
    public ITelemetrySource Open(SampleSettings settings, MetricCatalogue catalogue, TimeProvider clock) =>
        new SampleSource(settings, catalogue, new Transport(settings, clock, new SampleSigner(settings.SampleKey)));
}

/// <summary>Adds the key to a request.</summary>
internal sealed class SampleSigner(string? key) : IRequestSigner
{
    public ValueTask SignAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        request.Headers.TryAddWithoutValidation("X-Sample-Key", key);
        return ValueTask.CompletedTask;
    }
}

/// <summary>The meters of one building: one request a metric.</summary>
internal sealed class SampleSource(SampleSettings settings, MetricCatalogue catalogue, Transport transport) : ITelemetrySource, IDisposable
{
    private readonly SeriesPool pool = new(settings.Id, settings.MaxSeries);

    public Cadence Cadence { get; } =
        new(
            settings.Settle ?? TimeSpan.FromMinutes(1),
            settings.Overlap ?? TimeSpan.FromMinutes(5),
            settings.Lookback ?? TimeSpan.FromHours(1),
            TimeSpan.FromHours(6)
        )
        {
            Every = settings.Every ?? TimeSpan.FromMinutes(1),
        };

    public void Dispose() => transport.Dispose();

    public async IAsyncEnumerable<Page> ReadAsync(ReadRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        pool.StartRead();
        foreach (var metric in catalogue.MetricsOf("sample").Order(StringComparer.Ordinal))
        {
            var batch = new ObservationBatch(settings.Id);
            var address = new Uri(settings.Endpoint!, $"/sites/{settings.Site}/{metric}");
            foreach (var value in await ValuesAsync(address, cancellationToken))
                if (
                    value.At >= request.Window.Start
                    && value.At < request.Window.End
                    && pool.Intern("sample", metric, [new("meter", value.Meter)], batch) is { } series
                )
                    batch.Observations.Add(new Observation(series.Series, new(value.At, value.At, value.Watts)));
            pool.ReportLeftOut(batch);
            foreach (var page in batch.Pages())
                yield return page;
        }
    }

    private sealed record Value(string Meter, DateTime At, double Watts);

    private Task<Value[]> ValuesAsync(Uri address, CancellationToken cancellationToken) =>
        transport.RetryAsync(
            () => new HttpRequestMessage(HttpMethod.Get, address),
            async (body, limit) =>
            {
                try
                {
                    return await JsonSerializer.DeserializeAsync<Value[]>(body.Content, JsonSerializerOptions.Web, limit) ?? [];
                }
                catch (JsonException exception)
                {
                    throw new SourceException(
                        SourceErrorCode.NotMetrics,
                        $"{Transport.Show(address)} did not answer with a list of values. Check Endpoint.",
                        exception
                    );
                }
            },
            (response, _) =>
                (int)response.StatusCode is 401 or 403
                    ? new SourceException(
                        SourceErrorCode.Unauthorised,
                        $"{Transport.Show(address)} does not accept SampleKey: it needs `{SampleProvider.Needed[0]}`."
                    )
                    : null,
            cancellationToken
        );
}
