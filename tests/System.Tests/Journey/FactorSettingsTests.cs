using Metrics.Api.Settings;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Microsoft.Extensions.Configuration;
using Xunit;

namespace Metrics.SystemTests.Journey;

/// <summary>Factors, hardware and conversions in the settings: what they make, and what stops the start.</summary>
public sealed class FactorSettingsTests : IDisposable
{
    private const string Header = "kind,place,method,value,low,high,unit,source,licence,retrieved,vintage,from,to,version\n";
    private static readonly DateOnly Day = new(2024, 6, 1);

    private readonly string folder = Directory.CreateTempSubdirectory("metrics-factors-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void A_place_in_the_settings_lies_over_files_and_files_over_what_is_published()
    {
        var file = Write(
            "mine.csv",
            Header
                + "grid_intensity,aws/eu-central-1,location_average,300,,,g/kWh,s,l,,2024,2024-01-01,,mine-1\n"
                + "wue,aws/eu-central-1,annual,0.5,,,L/kWh,s,l,,2024,2024-01-01,,mine-1\n"
        );
        var settings = Read(
            ("Factors:0", file),
            ("Places:aws/eu-central-1:GridIntensity", "250.5"),
            ("Places:onprem/dc-1:Country", "DE"),
            ("Places:onprem/dc-1:Pue", "1.4"),
            ("Places:onprem/dc-1:Wue", "1.1"),
            ("Places:onprem/dc-1:MarginalIntensity", "600"),
            ("Places:onprem/dc-1:MarketBasedIntensity", "0"),
            ("Places:onprem/dc-1:Zone", "DE-SOUTH")
        );
        var book = settings.ToFactors();

        Assert.Equal((250.5, "config"), Found("aws/eu-central-1", FactorKind.GridIntensity, FactorMethod.LocationAverage));
        Assert.Equal((0.5, "mine-1"), Found("aws/eu-central-1", FactorKind.Wue, FactorMethod.Annual));
        Assert.Equal((1.35, "aws-2024"), Found("aws/eu-central-1", FactorKind.Pue, FactorMethod.Annual));
        Assert.Equal((342.06, "ember-2025-08"), Found("onprem/dc-1", FactorKind.GridIntensity, FactorMethod.LocationAverage));
        Assert.Equal((1.4, "config"), Found("onprem/dc-1", FactorKind.Pue, FactorMethod.Annual));
        Assert.Equal((1.1, "config"), Found("onprem/dc-1", FactorKind.Wue, FactorMethod.Annual));
        Assert.Equal((600, "config"), Found("onprem/dc-1", FactorKind.GridIntensity, FactorMethod.LocationMarginal));
        Assert.Equal((0, "config"), Found("onprem/dc-1", FactorKind.GridIntensity, FactorMethod.MarketBased));
        Assert.Equal(new Region("onprem/dc-1", "DE", "DE-SOUTH"), book.RegionOf("onprem/dc-1"));

        (double, string)? Found(string place, FactorKind kind, FactorMethod method) =>
            book.Find(kind, method, new Place(place, null, null), Day) is { } factor ? (factor.Value, factor.Version) : null;
    }

    [Fact]
    public void A_known_region_needs_no_entry_and_brings_its_country()
    {
        var settings = Read(("Sources:a:Provider", "exporter"), ("Sources:a:Place", "gcp/europe-west4"));

        Assert.Equal(new Place("gcp/europe-west4", "NL", null), settings.ToPlaces()["a"]);
    }

    [Fact]
    public void Hardware_is_told_by_source()
    {
        var settings = Read(
            ("Sources:a:Provider", "exporter"),
            ("Sources:a:Place", "aws/us-east-1"),
            ("Sources:a:Hardware", "p5.48xlarge"),
            ("Sources:b:Provider", "exporter"),
            ("Sources:b:Hardware", "DGX H100"),
            ("Sources:c:Provider", "exporter")
        );

        Assert.Equal(new Dictionary<string, string> { ["a"] = "p5.48xlarge", ["b"] = "DGX H100" }, settings.ToHardware());
    }

    [Fact]
    public void Servers_and_models_of_a_file_are_known()
    {
        var servers = Write(
            "servers.csv",
            "provider,name,vcpus,memory_gb,micro_architecture,accelerator,accelerators,server_kg,share,lifespan_years,method,"
                + "source,licence,version\nonprem,own-box,64,512,Ice "
                + "Lake,L4,4,2000,1,5,meter,ours,CC0,v1\n"
        );
        var models = Write(
            "models.csv",
            "pattern,active_low,active_high,total_low,total_high,method,source,licence,version\n"
                + "*gpt-4o*,1e9,1e9,1e9,1e9,published,ours,CC0,v1\n"
        );
        var settings = Read(
            ("Factors:0", servers),
            ("Factors:1", models),
            ("Sources:a:Provider", "exporter"),
            ("Sources:a:Place", "onprem/x"),
            ("Sources:a:Hardware", "own-box"),
            ("Places:onprem/x:Country", "SE")
        );

        Assert.Equal(2000, settings.ToFactors().Servers.Find("onprem", "own-box")?.Embodied?.Total.Kilograms);
        Assert.Equal(1e9, settings.ToFactors().Models.Find("gpt-4o-mini")?.Size.ActiveParameters.Low);
    }

    [Fact]
    public void The_Real_Time_Cloud_file_is_read_as_it_is_and_its_copied_years_are_told()
    {
        const string header =
            "year,cloud-provider,cloud-region,cfe-region,em-zone-id,wt-region-id,location,geolocation,provider-cfe-hourly,"
            + "provider-cfe-annual,power-usage-effectiveness,water-usage-effectiveness,provider-carbon-intensity-market-annual,"
            + "provider-carbon-intensity-average-consumption-hourly,grid-carbon-intensity-average-consumption-annual,"
            + "grid-carbon-intensity-marginal-consumption-annual,grid-carbon-intensity-average-production-annual,"
            + "grid-carbon-intensity\n";
        var file = Write(
            "Cloud_Region_Metadata.csv",
            header
                + "2024,Amazon Web Services,us-east-1,PJM,US-MIDA-PJM,PJM_DC,US East (N. Virginia),\"39.1057,-77.5544 "
                + "\",,,1.15,0.12,0.0,,396.25,557.17,396.77,\n"
                + "2023,Amazon Web Services,us-east-1,PJM,US-MIDA-PJM,PJM_DC,US East (N. Virginia),\"39.1057,-77.5544 "
                + "\",,,1.15,0.18,0.0,,396.25,557.17,396.77,\n"
        );
        var settings = Read(("Factors:0", file));
        var factor = settings
            .ToFactors()
            .Find(FactorKind.GridIntensity, FactorMethod.LocationAverage, new Place("aws/us-east-1", null, null), Day)!;

        Assert.Equal((396.25, "rtc-2024", 2023), (factor.Value, factor.Version, factor.Vintage));
        Assert.Equal(
            [
                $"{file}: line 2: aws/us-east-1: grid-carbon-intensity-average-consumption-annual: 396.25 of 2024 repeats 2023; "
                    + "its vintage is 2023",
                $"{file}: line 2: aws/us-east-1: grid-carbon-intensity-marginal-consumption-annual: 557.17 of 2024 repeats 2023; "
                    + "its vintage is 2023",
            ],
            settings.FactorRemarks
        );
    }

    [Fact]
    public void What_cannot_be_is_refused_together_with_every_place_named()
    {
        var first = Write(
            "first.csv",
            Header
                + "pue,onprem/a,annual,1.2,,,1,s,l,,,2024-01-01,,v1\ngrid_intensity,aws/eu-central-l,location_average,300,,,g/kWh,"
                + "s,l,,,2024-01-01,,v1\n"
        );
        var second = Write("second.csv", Header + "pue,onprem/a,annual,1.3,,,1,s,l,,,2024-01-01,,v2\n");
        var broken = Write("broken.csv", Header + "pue,onprem/b,annual,0.5,,,1,s,l,,,2024-01-01,,v1\n");

        Assert.Equal(
            [
                "Metrics:Sources:a:Place: 'aws/us-east-11' is not in Metrics:Places; near: 'aws/us-east-1', 'aws/us-east-2'; add "
                    + "it there, with its Country and Pue when they are known.",
                "Metrics:Sources:b:Hardware: 'p5.49xlarge' is not a server that is known at 'aws'; near: 'p5.48xlarge', "
                    + "'p5.4xlarge', 'c5.4xlarge'; mend it, or add the server by a file of Metrics:Factors.",
                "Metrics:Places:azure/swedencentrall: is not a region that is known; near: 'azure/swedencentral'; mend it, or "
                    + "give its Country and Pue.",
                "Metrics:Places:lab:Pue: 10.5 cannot be; it is facility energy over IT energy, so at least 1 (and below 10).",
                "Metrics:Places:lab:Wue: 20.5 L/kWh is not from zero to 20 L/kWh; write the litres for a kilowatt-hour of IT.",
                "Metrics:Places:lab:GridIntensity: -1 g/kWh is not from zero to 2000 g/kWh; write the grams for a kilowatt-hour.",
                "Metrics:Places:lab:MarginalIntensity: 2500 g/kWh is not from zero to 2000 g/kWh; write the grams for a kilowatt-hour.",
                "Metrics:Places:lab:MarketBasedIntensity: NaN g/kWh is not from zero to 2000 g/kWh; write the grams for a kilowatt-hour.",
                $"Metrics:Factors: {broken}: line 2: value: 0.5 is not from 1 to 10; write facility energy over IT energy",
                $"Metrics:Factors: {folder}/missing.csv: cannot be read: there is no such file",
                $"Metrics:Factors: {second}: line 2: pue:onprem/a@v2 holds on 2024-01-01, as does pue:onprem/a@v1 of {first}: "
                    + "line 2; end one before the other begins, or keep one",
                $"Metrics:Factors: {first}: line 3: place: 'aws/eu-central-l' is not a region that is known; near: "
                    + "'aws/eu-central-1', 'aws/eu-central-2'; mend it, or add the region by a file with the columns name,country,zone",
            ],
            Refused(
                ("Sources:a:Provider", "exporter"),
                ("Sources:a:Place", "aws/us-east-11"),
                ("Sources:b:Provider", "exporter"),
                ("Sources:b:Place", "aws/us-east-1"),
                ("Sources:b:Hardware", "p5.49xlarge"),
                ("Places:lab:Pue", "10.5"),
                ("Places:lab:Wue", "20.5"),
                ("Places:lab:GridIntensity", "-1"),
                ("Places:lab:MarginalIntensity", "2500"),
                ("Places:lab:MarketBasedIntensity", "NaN"),
                ("Places:azure/swedencentrall:Wue", "0.1"),
                ("Factors:0", first),
                ("Factors:1", second),
                ("Factors:2", broken),
                ("Factors:3", $"{folder}/missing.csv")
            )
        );
    }

    [Fact]
    public void A_region_that_nobody_knows_is_fine_once_its_country_or_PUE_is_given()
    {
        Assert.Equal("DE", Read(("Places:aws/eu-new-1:Country", "DE")).ToFactors().RegionOf("aws/eu-new-1")?.Country);
        Assert.Equal(
            1.2,
            Read(("Places:aws/eu-new-1:Pue", "1.2"))
                .ToFactors()
                .Find(FactorKind.Pue, FactorMethod.Annual, new Place("aws/eu-new-1", null, null), Day)
                ?.Value
        );
    }

    [Theory]
    // Equal rules, a rule for everything beside any other, a wider glob, fewer labels.
    [InlineData("model=a", "model=a", true)]
    [InlineData("", "model=a", true)]
    [InlineData("model=a", "", true)]
    [InlineData("pod=llm-*", "pod=llm-70b-*", true)]
    [InlineData("pod=llm-*", "pod=llm-70b", true)]
    [InlineData("pod=llm-?", "pod=llm-7", true)]
    [InlineData("model=a", "model=a;pod=x", true)]
    [InlineData("model=a;pod=*", "model=a;pod=x", true)]
    // Rules that may meet or not: nobody can tell before there are series.
    [InlineData("model=a", "model=b", false)]
    [InlineData("model=a", "pod=x", false)]
    [InlineData("pod=llm-*", "pod=*-70b", false)]
    [InlineData("pod=llm-?", "pod=llm-*", true)]
    [InlineData("pod=llm-??", "pod=llm-*a", false)]
    [InlineData("model=a;pod=x", "model=a;host=y", false)]
    public void Rules_that_certainly_claim_the_same_series_are_refused(string one, string other, bool refused)
    {
        (string, string)[] Rule(string workload, string labels) =>
            [
                ($"Workloads:{workload}:Match:0:Source", "a"),
                .. labels
                    .Split(';', StringSplitOptions.RemoveEmptyEntries)
                    .Select(label => ($"Workloads:{workload}:Match:0:Labels:{label.Split('=')[0]}", label.Split('=')[1])),
            ];
        (string, string)[] settings = [("Sources:a:Provider", "exporter"), .. Rule("first", one), .. Rule("second", other)];

        if (!refused)
            Assert.Equal(2, Read(settings).ToWorkloads().Count);
        else
            Assert.Equal(
                [
                    "Metrics:Workloads:second:Match:0: claims series of 'a' that Metrics:Workloads:first:Match:0 claims too; tell "
                        + "them apart by a label, or remove one.",
                ],
                Refused(settings)
            );
    }

    [Fact]
    public void Rules_of_one_workload_or_of_two_sources_may_be_alike() =>
        Assert.Equal(
            2,
            Read(
                    ("Sources:a:Provider", "exporter"),
                    ("Sources:b:Provider", "exporter"),
                    ("Workloads:first:Match:0:Source", "a"),
                    ("Workloads:first:Match:1:Source", "a"),
                    ("Workloads:second:Match:0:Source", "b")
                )
                .ToWorkloads()
                .Count
        );

    [Fact]
    public void A_rule_that_can_match_nothing_is_refused() =>
        Assert.Equal(
            [
                "Metrics:Workloads:w:Match:0:Labels:pod: is empty, and a label that a series has is not, so the rule matches "
                    + "nothing; write * for any value.",
            ],
            Refused(("Sources:a:Provider", "exporter"), ("Workloads:w:Match:0:Source", "a"), ("Workloads:w:Match:0:Labels:pod", ""))
        );

    [Fact]
    public void Declared_conversions_are_followed()
    {
        var conversions = Read(
                ("Conversions:0:From", "workflow"),
                ("Conversions:0:To", "request"),
                ("Conversions:0:Factor", "12"),
                ("Conversions:1:From", "request"),
                ("Conversions:1:To", "output-token"),
                ("Conversions:1:Factor", "800")
            )
            .ToConversions();

        Assert.Equal(9600, conversions.Factor("workflow", "output-token"));
        Assert.Null(conversions.Factor("workflow", "image"));
        Assert.Null(Read().ToConversions().Factor("workflow", "request"));
    }

    [Fact]
    public void Conversions_that_go_in_a_circle_are_refused_with_those_that_make_it() =>
        Assert.Equal(
            [
                "Metrics:Conversions:3: one workflow is 9000 output-token, but Metrics:Conversions:0, Metrics:Conversions:1 say "
                    + "that it is 9600; a circle says the same twice or contradicts itself, so remove one.",
                "Metrics:Conversions:4: one request is 2 request, but both are one unit; a circle says the same twice or "
                    + "contradicts itself, so remove one.",
                "Metrics:Conversions:5:From: 'tokens' is not a functional unit; there are 'audio-second', 'cached-input-token', "
                    + "'character', 'image', 'inference', 'input-token', 'output-token', 'page', 'request', 'token', 'video-second', "
                    + "'workflow'.",
                "Metrics:Conversions:5:Factor: 0 is not a finite ratio above zero; write how many of To are one of From.",
            ],
            Refused(
                ("Conversions:0:From", "workflow"),
                ("Conversions:0:To", "request"),
                ("Conversions:0:Factor", "12"),
                ("Conversions:1:From", "request"),
                ("Conversions:1:To", "output-token"),
                ("Conversions:1:Factor", "800"),
                ("Conversions:2:From", "page"),
                ("Conversions:2:To", "character"),
                ("Conversions:2:Factor", "1800"),
                ("Conversions:3:From", "workflow"),
                ("Conversions:3:To", "output-token"),
                ("Conversions:3:Factor", "9000"),
                ("Conversions:4:From", "request"),
                ("Conversions:4:To", "request"),
                ("Conversions:4:Factor", "2"),
                ("Conversions:5:From", "tokens"),
                ("Conversions:5:To", "request"),
                ("Conversions:5:Factor", "0")
            )
        );

    private string Write(string name, string text)
    {
        var path = Path.Combine(folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    private static MetricsSettings Read(params (string Key, string Value)[] values) =>
        MetricsSettings.Read(
            new ConfigurationBuilder()
                .AddInMemoryCollection(values.Select(value => new KeyValuePair<string, string?>($"Metrics:{value.Key}", value.Value)))
                .Build()
                .GetSection("Metrics")
        );

    private static IReadOnlyList<string> Refused(params (string Key, string Value)[] values) =>
        Assert.Throws<SettingsException>(() => Read(values)).Errors;
}
