using Metrics.Domain.Catalogue;
using Metrics.Domain.Observations;
using Metrics.Ingestors.Providers;
using Microsoft.Extensions.Configuration;
using Xunit;

namespace Metrics.Ingestors.Tests.Providers.Sample;

/// <summary>The contract for a provider that no file outside its folder knows.</summary>
public sealed class SampleContractTests : NetworkProviderContract
{
    private const string Key = "hush-5a1e";

    protected override IProvider Provider => new SampleProvider();

    protected override string Folder => SampleTests.Folder;

    protected override Task<ContractBench> OpenAsync(FarSide farSide)
    {
        var server = HostileFarSide.Open(farSide, "application/json", request => farSide == FarSide.IsEmpty ? "[]"
            : request.Contains("/board_watts", StringComparison.Ordinal)
                ? """[{"meter":"a","at":"2026-01-01T11:30:00Z","watts":431.25},{"meter":"b","at":"2026-01-01T11:30:00Z","watts":0}]"""
            : """[{"meter":"r","at":"2026-01-01T11:59:59Z","watts":9000},{"meter":"r","at":"2026-01-01T12:00:00Z","watts":9001}]""");
        var section = SampleTests.Section(
            ("Endpoint", server.At("/").AbsoluteUri),
            ("Site", "dc-1"),
            ("SampleKey", Key),
            ("Timeout", "00:00:02"),
            ("MaxBytes", "4194304")
        );
        var settings = SourceSection.Bind(section, SampleTests.Providers, []);
        Assert.Empty(settings.Validate());
        var catalogue = SampleTests.Catalogue();
        return Task.FromResult(
            new ContractBench(
                Provider.Open(settings, catalogue, TimeProvider.System),
                catalogue,
                Some.Request(),
                3,
                () => server.Requests.Count,
                [Key],
                server.DisposeAsync
            )
        );
    }
}

/// <summary>One folder and one line of the list of providers are a provider: its settings are bound, validated and opened by nothing
/// else.</summary>
public sealed class SampleTests
{
    internal static readonly string Folder = Path.Combine("tests", "Ingestors.Tests", "Providers", "Sample");

    /// <summary>The list of providers and its one more line.</summary>
    internal static IReadOnlyDictionary<string, IProvider> Providers { get; } =
        KnownProviders.All.Values.Append(new SampleProvider()).ToDictionary(provider => provider.Name, StringComparer.OrdinalIgnoreCase);

    internal static MetricCatalogue Catalogue() =>
        Catalogues.Load([Path.Combine(ProviderContract.Repository(), Folder, "sample.metrics.json")]);

    internal static IConfigurationSection Section(params (string Key, string? Value)[] settings) =>
        new ConfigurationBuilder()
            .AddInMemoryCollection(
                settings
                    .Append(("Provider", "Sample"))
                    .Select(pair => KeyValuePair.Create($"Metrics:Sources:meters:{pair.Item1}", pair.Item2))
            )
            .Build()
            .GetSection("Metrics:Sources:meters");

    private static List<string> Errors(params (string Key, string? Value)[] settings)
    {
        var errors = new List<string>();
        var section = Section(settings);
        SourceSection.Validate(section, Providers, errors);
        errors.AddRange(SourceSection.Bind(section, Providers, errors).Validate());
        return errors;
    }

    [Fact]
    public void A_section_is_bound_to_the_type_of_its_provider()
    {
        var section = Section(("Endpoint", "http://meters:8080"), ("site", "dc-1"), ("SampleKey", "k"), ("Every", "00:02:00"));
        var errors = new List<string>();
        SourceSection.Validate(section, Providers, errors);
        var settings = Assert.IsType<SampleSettings>(SourceSection.Bind(section, Providers, errors));
        Assert.Empty(errors);
        Assert.Empty(settings.Validate());
        Assert.Equal(
            ("meters", "Sample", "dc-1", "k", "onprem/dc-1", new Uri("http://meters:8080"), TimeSpan.FromMinutes(2)),
            (settings.Id, settings.Provider, settings.Site, settings.SampleKey, settings.Place, settings.Endpoint, settings.Every)
        );
        Assert.Equal(TimeSpan.FromMinutes(2), Providers["sample"].Open(settings, Catalogue(), TimeProvider.System).Cadence.Every);
        // What the operator says of the place goes before what the settings tell.
        Assert.Equal("onprem/x", SourceSection.Bind(Section(("Site", "dc-1"), ("Place", "onprem/x")), Providers, []).Place);
    }

    [Fact]
    public void Its_own_errors_are_listed_with_those_that_every_source_has() =>
        Assert.Equal(
            [
                "Endpoint is missing: give the meter's http or https address.",
                "Site is missing: give the name of a building.",
                "Timeout lies between 0 and 1 hour.",
                "MaxSeries is at least 1.",
            ],
            Errors(("Timeout", "00:00:00"), ("MaxSeries", "0"))
        );

    [Fact]
    public void Keys_of_other_providers_and_values_that_cannot_be_read_are_named()
    {
        Assert.Equal(
            [
                "Metrics:Sources:meters:MaxSeries: 'many' is not a number.",
                "Metrics:Sources:meters:Sit: unknown key; known here are CertificateAuthorityFile, ClientCertificateFile, ClientKeyFile, "
                    + "Endpoint, Every, Hardware, Lookback, MaxBytes, MaxSeries, Overlap, Place, Provider, SampleKey, Settle, Site, "
                    + "Timeout. "
                    + "Did you mean 'Site'?",
            ],
            ShapeErrors(Section(("Sit", "dc-1"), ("MaxSeries", "many"), ("Selector", "a=\"b\"")))
        );
        Assert.Equal(
            [
                "Metrics:Sources:meters: BearerToken is for the providers 'exporter' and 'prometheus': set SampleKey.",
                "Metrics:Sources:meters: Selector is for the provider 'prometheus': remove it.",
            ],
            Errors(("Endpoint", "http://meters:8080"), ("Site", "dc-1"), ("selector", "a=\"b\""), ("BearerToken", "x"))
                .Order(StringComparer.Ordinal)
        );
        // And the other way round: whatever a provider has alone is its own.
        var errors = new List<string>();
        SourceSection.Bind(
            new ConfigurationBuilder()
                .AddInMemoryCollection([new("x:Provider", "exporter"), new("x:Site", "dc-1")])
                .Build()
                .GetSection("x"),
            Providers,
            errors
        );
        Assert.Equal("x: Site is for the provider 'sample': remove it.", Assert.Single(errors));
    }

    [Fact]
    public void Of_a_provider_that_is_not_known_only_the_name_is_wrong()
    {
        var section = new ConfigurationBuilder()
            .AddInMemoryCollection([new("x:Provider", "promethius"), new("x:Selector", "a=\"b\""), new("x:Sight", "1")])
            .Build()
            .GetSection("x");
        Assert.StartsWith(
            "x:Sight: unknown key; known here are Aws, Azure, BearerToken,",
            Assert.Single(ShapeErrors(section)),
            StringComparison.Ordinal
        );
        var errors = new List<string>();
        Assert.Equal(typeof(SourceSettings), SourceSection.Bind(section, Providers, errors).GetType());
        Assert.Empty(errors);
    }

    private static List<string> ShapeErrors(IConfigurationSection section)
    {
        var errors = new List<string>();
        SourceSection.Validate(section, Providers, errors);
        return errors;
    }
}
