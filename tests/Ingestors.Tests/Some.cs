using System.Globalization;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Ingestors.Providers;
using Metrics.Reference;
using Microsoft.Extensions.Configuration;
using Xunit;

namespace Metrics.Ingestors.Tests;

/// <summary>Defaults, so that a test names only what it is about.</summary>
internal static class Some
{
    public static readonly DateTime Noon = Time("2026-01-01T12:00:00Z");

    public static DateTime Time(string text) => DateTime.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal);

    public static MetricMapping Mapping(
        string metric,
        SampleKind kind = SampleKind.Gauge,
        string provider = "prometheus",
        double? wrapsAt = null
    ) =>
        new()
        {
            Id = $"{provider}/{metric}",
            Version = 1,
            Provider = provider,
            Metrics = [metric],
            Unit = Unit.Parse(kind == SampleKind.Gauge ? "W" : "J"),
            Kind = kind,
            Component = Component.Accelerator,
            Resource = new ResourceLabels("gpu", ["gpu"], [], [], []),
            Evidence = Evidence.Measured,
            WrapsAt = wrapsAt,
            MaxSpan = TimeSpan.FromMinutes(10),
            EffectiveFrom = new DateOnly(2020, 1, 1),
            Reference = "test",
        };

    public static MetricCatalogue Catalogue(params string[] metrics) => new([.. metrics.Select(metric => Mapping(metric))]);

    public static ReadRequest Request(
        DateTime? start = null,
        DateTime? end = null,
        string? cursor = null,
        DateTime? registeredAt = null,
        DateTime? now = null
    ) => new(new Interval(start ?? Noon.AddHours(-1), end ?? Noon), cursor, registeredAt ?? Noon, now ?? Noon);

    /// <summary>Opens the source as the service does, after its settings passed the check.</summary>
    public static ITelemetrySource Source(SourceSettings settings, MetricCatalogue catalogue)
    {
        var provider = KnownProviders.All[settings.Provider];
        Assert.Empty(settings.Validate());
        return provider.Open(settings, catalogue, TimeProvider.System);
    }

    /// <summary>Every error of a source's section, as the service lists them.</summary>
    public static List<string> Errors(string provider, params (string Key, string Value)[] settings)
    {
        var section = new ConfigurationBuilder()
            .AddInMemoryCollection(
                settings.Append(("Provider", provider)).Select(pair => KeyValuePair.Create("x:" + pair.Item1, (string?)pair.Item2))
            )
            .Build()
            .GetSection("x");
        var errors = new List<string>();
        SourceSection.Validate(section, KnownProviders.All, errors);
        errors.AddRange(SourceSection.Bind(section, KnownProviders.All, errors).Validate().Select(error => $"x: {error}"));
        return errors;
    }

    public static async Task<List<Page>> Pages(ITelemetrySource source, ReadRequest request)
    {
        var pages = new List<Page>();
        await foreach (var page in source.ReadAsync(request, CancellationToken.None))
            pages.Add(page);
        return pages;
    }

    public static async Task<(List<Observation> Observations, List<Rejection> Rejections)> Read(
        ITelemetrySource source,
        ReadRequest request
    )
    {
        var pages = await Pages(source, request);
        return ([.. pages.SelectMany(page => page.Observations)], [.. pages.SelectMany(page => page.Rejections)]);
    }

    /// <summary>An observation as one line: series, instant or interval, value.</summary>
    public static string Line(Observation observation)
    {
        var (series, sample) = observation;
        var span = sample.Start == sample.End ? Clock(sample.Start) : $"{Clock(sample.Start)}..{Clock(sample.End)}";
        return string.Create(CultureInfo.InvariantCulture, $"{series} {span} {sample.Value:R}");
    }

    public static List<string> Lines(IEnumerable<Observation> observations) => [.. observations.Select(Line)];

    private static string Clock(DateTime time) => time.ToString("HH:mm:ss.FFFFFF", CultureInfo.InvariantCulture);
}
