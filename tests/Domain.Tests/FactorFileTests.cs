using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Xunit;

namespace Metrics.Domain.Tests;

/// <summary>Files of factors: what they say, and what is refused with its place.</summary>
public sealed class FactorFileTests
{
    private const string Header = "kind,place,method,value,low,high,unit,source,licence,retrieved,vintage,from,to,version\n";

    private static readonly Place DataCentre = new("onprem/dc-1", "DE", null);

    [Fact]
    public void A_factor_says_everything_that_must_be_known_to_believe_it()
    {
        var placed = Assert.Single(
            FactorFile
                .Read(
                    "mine.csv",
                    Header
                        + "grid_intensity,country/DE,location_average,380.5,350,400,g/kWh,our "
                        + "lab,CC0-1.0,2025-03-01,2024,2025-01-01,2026-01-01,lab-1\n"
                )
                .Factors
        );

        Assert.Equal("mine.csv: line 2", placed.At);
        Assert.Equal(
            new Factor
            {
                Kind = FactorKind.GridIntensity,
                Place = "country/DE",
                Method = FactorMethod.LocationAverage,
                Value = 380.5,
                Range = new Quantities.Bounds(350, 400),
                Source = "our lab",
                Licence = "CC0-1.0",
                Retrieved = new DateOnly(2025, 3, 1),
                Vintage = 2024,
                From = new DateOnly(2025, 1, 1),
                To = new DateOnly(2026, 1, 1),
                Version = "lab-1",
            },
            placed.Factor
        );
        Assert.Equal("grid_intensity:country/DE:location_average@lab-1", placed.Factor.Name);
    }

    [Fact]
    public void Every_fault_is_listed_with_its_line_and_column()
    {
        const string text =
            Header
            + "pue,onprem/a,annual,0.9,,,1,s,l,,,2025-01-01,,v\n"
            + "pue,onprem/b,annual,12,,,1,s,l,,,2025-01-01,,v\n"
            + "wue,onprem/c,annual,-1,,,L/kWh,s,l,,,2025-01-01,,v\n"
            + "wue,onprem/d,annual,21,,,L/kWh,s,l,,,2025-01-01,,v\n"
            + "grid_intensity,onprem/e,location_average,2001,,,g/kWh,s,l,,,2025-01-01,,v\n"
            + "grid_intensity,onprem/f,location_average,,,,g/kWh,s,l,,,2025-01-01,,v\n"
            + "grid_intensity,onprem/g,annual,300,,,g/kWh,s,l,,,2025-01-01,,v\n"
            + "pue,onprem/h,market_based,1.2,,,1,s,l,,,2025-01-01,,v\n"
            + "grid_intensity,onprem/i,location_average,0.3,,,kg/kWh,s,l,,,2025-01-01,,v\n"
            + "grid_intensity,onprem/j,location_average,300,310,,g/kWh,s,l,,,2025-01-01,,v\n"
            + "grid_intensity,onprem/k,location_average,300,310,320,g/kWh,s,l,,,2025-01-01,,v\n"
            + "grid_intensity,Germany,location_average,300,,,g/kWh,s,l,1.1.2025,25,,,V 1\n"
            + "pue,onprem/m,annual,1.2,,,1,s,l,,,2025-01-01,2025-01-01,v\n"
            + "power,onprem/n,annual,1.2,,,1,s,l,,,2025-01-01,,v\n";

        Assert.Equal(
            [
                "mine.csv: line 2: value: 0.9 is not from 1 to 10; write facility energy over IT energy",
                "mine.csv: line 3: value: 12 is not from 1 to 10; write facility energy over IT energy",
                "mine.csv: line 4: value: -1 L/kWh is not from zero to 20 L/kWh; write the litres for a kilowatt-hour of IT",
                "mine.csv: line 5: value: 21 L/kWh is not from zero to 20 L/kWh; write the litres for a kilowatt-hour of IT",
                "mine.csv: line 6: value: 2001 g/kWh is not from zero to 2000 g/kWh; write the grams for a kilowatt-hour",
                "mine.csv: line 7: value: is blank, which is not zero; write the grams for a kilowatt-hour, or leave the row out",
                "mine.csv: line 8: method: 'annual' is no way to find a grid_intensity; write location_average, location_marginal "
                    + "or market_based",
                "mine.csv: line 9: method: 'market_based' is no way to find a pue; write annual",
                "mine.csv: line 10: unit: 'kg/kWh' is not the unit of a grid_intensity; convert the value to g/kWh",
                "mine.csv: line 11: low and high: one of them is blank; write both or none",
                "mine.csv: line 11: value: 300 does not lie between low 310 and high ",
                "mine.csv: line 12: value: 300 does not lie between low 310 and high 320",
                "mine.csv: line 13: place: 'Germany' is not a place; write aws/eu-central-1, onprem/dc-1, zone/US-MIDA-PJM or country/DE",
                "mine.csv: line 13: retrieved: '1.1.2025' is not a day; write it as 2025-01-31",
                "mine.csv: line 13: vintage: '25' is not a year from 1990 to 2100; write it with four digits, or leave it blank "
                    + "when it is unknown",
                "mine.csv: line 13: from: is blank; write the first day that the factor is used for",
                "mine.csv: line 13: version: 'V 1' is not made of lower-case letters, digits, dots and hyphens; write it as ember-2025",
                "mine.csv: line 14: to: 2025-01-01 is not after the 2025-01-01 of from; write the first day that the factor is no "
                    + "longer used for, or leave it blank",
                "mine.csv: line 15: kind: 'power' is not one of: pue, wue, grid_intensity; use one of them",
            ],
            Faults(text)
        );
    }

    [Fact]
    public void A_day_of_a_place_has_one_factor_of_a_kind()
    {
        const string text =
            Header
            + "pue,onprem/a,annual,1.2,,,1,s,l,,,2025-01-01,2026-01-01,v1\n"
            + "pue,onprem/a,annual,1.3,,,1,s,l,,,2025-06-01,,v2\n"
            + "pue,onprem/a,annual,1.4,,,1,s,l,,,2025-06-01,,v3\n"
            + "pue,onprem/b,annual,1.2,,,1,s,l,,,2025-01-01,,v1\n"
            + "pue,onprem/b,annual,1.3,,,1,s,l,,,2025-06-01,,v2\n";

        Assert.Equal(
            [
                "mine.csv: line 3: pue:onprem/a@v2 holds on 2025-06-01, as does pue:onprem/a@v1 of mine.csv: line 2; end one "
                    + "before the other begins, or keep one",
                "mine.csv: line 4: pue:onprem/a@v3 holds on 2025-06-01, as does pue:onprem/a@v2 of mine.csv: line 3; end one "
                    + "before the other begins, or keep one",
            ],
            Faults(text)
        );
    }

    [Fact]
    public void A_file_is_told_by_its_columns()
    {
        Assert.NotNull(
            FactorFile
                .Read("h.csv", "kind,names,idle_watts,max_watts,method,source,licence,vintage\naccelerator,L4,15,72,meter,ours,CC0,\n")
                .Hardware!.Accelerator("NVIDIA L4")
        );
        Assert.Equal(
            0.5,
            FactorFile
                .Read("s.csv", ServerHeader + "aws,x9.large,2,8,,L4,1/2,,,,own,ours,CC0,v1\n")
                .Servers!.Find("aws", "X9.large")!
                .Accelerators
        );
        Assert.NotNull(
            FactorFile
                .Read(
                    "m.csv",
                    "pattern,active_low,active_high,total_low,total_high,method,source,licence,version\n"
                        + "*own-9b*,9e9,9e9,9e9,9e9,published,ours,CC0,v1\n"
                )
                .Models!.Find("Own-9B-chat")
        );
        var packed = FactorFile
            .Read(
                "m.csv",
                "pattern,active_low,active_high,total_low,total_high,bits,tokens_per_second,method,source,licence,version\n"
                    + "*own-9b*,9e9,9e9,9e9,9e9,4.25,50,published,ours,CC0,v1\n"
            )
            .Models!.Find("own-9b")!;
        Assert.Equal((4.25, 50.0), (packed.Bits, packed.TokensPerSecond));
        Assert.Equal(
            [new Region("oci/eu-frankfurt-1", "DE", null)],
            FactorFile.Read("r.csv", "name,country,zone\noci/eu-frankfurt-1,DE,\n").Regions
        );
        Assert.StartsWith(
            "x.csv: its columns are of no known layout",
            Assert.Single(Assert.Throws<FactorException>(() => FactorFile.Read("x.csv", "a,b\n1,2\n")).Errors),
            StringComparison.Ordinal
        );
        Assert.StartsWith(
            "x.csv: its columns are of no known layout",
            Assert.Single(Assert.Throws<FactorException>(() => FactorFile.Read("x.csv", "")).Errors),
            StringComparison.Ordinal
        );
    }

    private const string ServerHeader =
        "provider,name,vcpus,memory_gb,micro_architecture,accelerator,accelerators,server_kg,share,lifespan_years,method,source,"
        + "licence,version\n";

    [Fact]
    public void Faults_of_servers_are_listed()
    {
        const string text =
            ServerHeader
            + "aws,a.large,2.5,8,,,0,,,,m,s,l,v\n"
            + "aws,b.large,0,,,,0,,,,m,s,l,v\n"
            + "aws,c.large,2,8,,L4,0,,,,m,s,l,v\n"
            + "aws,d.large,2,8,,,0,1000000,1,4,m,s,l,v\n"
            + "aws,e.large,2,8,,,0,1000,5/4,4,m,s,l,v\n"
            + "aws,f.large,2,8,,,0,1000,,0,m,s,l,v\n"
            + "aws,g.large,2,8,,,0,,1/2,4,m,s,l,v\n"
            + "aws,h.large,2,8,,,,,,,m,s,l,v\n"
            + "aws,i.large,2,8,,,0,,,,m,s,l,v\n"
            + "AWS,I.large,2,8,,,0,,,,m,s,l,v\n";

        Assert.Equal(
            [
                "mine.csv: line 2: vcpus: 2.5 is not a whole number; write the virtual CPUs of the instance",
                "mine.csv: line 3: vcpus: 0 is not above zero and at most 4096; write the number of virtual CPUs",
                "mine.csv: line 3: memory_gb: is blank, which is not zero; write the gigabytes, or leave the server out",
                "mine.csv: line 4: accelerator and accelerators: one says that there is one and the other not; write both, or a "
                    + "blank and 0",
                "mine.csv: line 5: server_kg: 1000000 kg is not above zero and at most 50000 kg; write the kilograms of the whole server",
                "mine.csv: line 6: share: 5/4 is not above zero and at most 1; write what is reserved of the server, as 4/96",
                "mine.csv: line 7: share: is blank, which is not zero; write what is reserved of the server, as 4/96",
                "mine.csv: line 7: lifespan_years: 0 years is not above zero and at most 25 years; write the years that the "
                    + "server is expected to serve",
                "mine.csv: line 8: server_kg: is blank, which is not zero; write the kilograms of the whole server, or leave "
                    + "share and lifespan_years blank too",
                "mine.csv: line 9: accelerators: is blank, which is not zero; write the number of accelerators, 0 for none and "
                    + "1/8 for a part of one",
                "mine.csv: line 11: name: 'I.large' is given twice; keep one",
            ],
            Faults(text)
        );
    }

    [Fact]
    public void Faults_of_models_and_regions_and_bounds_are_listed()
    {
        Assert.Equal(
            [
                "mine.csv: line 2: pattern: 'Own-*' has a capital letter; names are compared in lower case, so write it so",
                "mine.csv: line 3: active_low: 7.3 is not from 1000000 to 1000000000000000; write the parameters as a count, "
                    + "7.3e9 for 7.3 billion",
                "mine.csv: line 4: more parameters are active than there are; write active parameters of at most the total",
                "mine.csv: line 5: a low bound is above its high bound; exchange them",
                "mine.csv: line 6: method: 'guessed' is not one of: published, assumed; use one of them",
                "mine.csv: line 8: pattern: 'g' is given twice; the first one counts, so keep one",
            ],
            Faults(
                "pattern,active_low,active_high,total_low,total_high,method,source,licence,version\n"
                    + "Own-*,1e9,1e9,1e9,1e9,published,s,l,v\nb,7.3,7e9,7e9,7e9,published,s,l,v\nc,9e9,9e9,8e9,8e9,published,s,l,v\n"
                    + "d,9e9,8e9,9e9,9e9,published,s,l,v\ne,9e9,9e9,9e9,9e9,guessed,s,l,v\ng,9e9,9e9,9e9,9e9,published,s,l,v\n"
                    + "g,9e9,9e9,9e9,9e9,published,s,l,v\n"
            )
        );
        Assert.Equal(
            [
                "mine.csv: line 2: name: 'frankfurt' is not provider/region; write it as aws/eu-central-1",
                "mine.csv: line 2: country: 'Germany' is not a two-letter code of ISO 3166-1; write it as DE",
                "mine.csv: line 3: country: is blank; write it",
            ],
            Faults("name,country,zone\nfrankfurt,Germany,\noci/a,,\n")
        );
        Assert.Equal(
            [
                "mine.csv: line 2: component: 'gpu' is not one of: accelerator, cpu, core, uncore, memory, platform, module, "
                    + "node, psu, outlet, pdu, rack; use one of them",
                "mine.csv: line 2: low: 1.1 is not above zero and at most 1; write the least that the truth can be, as a multiple "
                    + "of the reading",
            ],
            Assert
                .Throws<FactorException>(() =>
                    Uncertainty.Read("mine.csv", "component,low,high,method,source,licence,vintage\ngpu,1.1,1.2,m,s,l,\n")
                )
                .Errors
        );
    }

    [Fact]
    public void Faults_of_the_Real_Time_Cloud_are_listed()
    {
        const string header =
            "year,cloud-provider,cloud-region,em-zone-id,power-usage-effectiveness,water-usage-effectiveness,"
            + "provider-carbon-intensity-market-annual,grid-carbon-intensity-average-consumption-annual,"
            + "grid-carbon-intensity-marginal-consumption-annual,grid-carbon-intensity-average-production-annual,location\n";

        Assert.Equal(
            [
                "mine.csv: line 4: year: '24' is not a year from 1990 to 2100; write it with four digits, or leave it blank when "
                    + "it is unknown",
                "mine.csv: line 6: a quote is not closed; close it",
                "mine.csv: line 5: power-usage-effectiveness: 0.5 is not from 1 to 10; write facility energy over IT energy",
                "mine.csv: line 5: grid-carbon-intensity-average-consumption-annual: 'lots' is not a number; write it as 12.5",
            ],
            Faults(
                header
                    + "2024,Amazon Web Services,us-east-1,,1.1,,,,,,x\n2024,Amazon Web Services,us-east-1,,1.1,,,,,,x\n24,Amazon "
                    + "Web Services,us-east-2,,,,,,,,x\n2024,Google Cloud,us-central1,,0.5,,,lots,,,x\n2024,Google "
                    + "Cloud,us-east1,,,,,,,,\"x\n"
            )
        );
        Assert.Equal(["mine.csv: line 1: column 'year' is missing; add it"], Faults(header["year,".Length..]));
        Assert.Equal(
            "oracle-cloud/eu-1",
            Assert.Single(FactorFile.Read("mine.csv", header + "2024,Oracle Cloud,eu-1,DE,1.2,,,,,,x\n").Regions).Name
        );
    }

    [Fact]
    public void Of_two_rows_of_a_region_in_the_Real_Time_Cloud_the_one_where_it_stands_counts_or_none()
    {
        const string header =
            "year,cloud-provider,cloud-region,em-zone-id,power-usage-effectiveness,water-usage-effectiveness,"
            + "provider-carbon-intensity-market-annual,grid-carbon-intensity-average-consumption-annual,"
            + "grid-carbon-intensity-marginal-consumption-annual,grid-carbon-intensity-average-production-annual\n";
        var file = FactorFile.Read(
            "rtc.csv",
            header
                + "2023,Microsoft Azure,northeurope,FI,,,,82.34,794.87,89.24\n"
                + "2023,Microsoft Azure,northeurope,IE,1.19,,,403.4,488.25,416.03\n"
                + "2023,Microsoft Azure,nowhere,FI,1.1,,,,,\n"
                + "2023,Microsoft Azure,nowhere,IE,1.2,,,,,\n"
        );

        Assert.Equal([1.19, 403.4, 488.25], file.Factors.Select(placed => placed.Factor.Value));
        Assert.Equal([new Region("azure/northeurope", "IE", "IE")], file.Regions);
        Assert.Equal(
            [
                "rtc.csv: line 2: azure/northeurope: is not used, because 2023 has 2 rows of the region and this one does not "
                    + "stand in IE, as the region does",
                "rtc.csv: line 4: azure/nowhere: is not used, because 2023 has 2 rows of the region and nothing tells which of "
                    + "them is right",
                "rtc.csv: line 5: azure/nowhere: is not used, because 2023 has 2 rows of the region and nothing tells which of "
                    + "them is right",
            ],
            file.Remarks
        );
    }

    [Fact]
    public void The_place_itself_comes_before_its_zone_and_its_zone_before_its_country()
    {
        var day = new DateOnly(2025, 1, 1);
        var regions = new[] { new Region("onprem/dc-1", "DE", "DE-SOUTH") };
        var country = Grid("country/DE", 300);
        var zone = Grid("zone/DE-SOUTH", 200);
        var own = Grid("onprem/dc-1", 100);

        Assert.Equal(300, Found([country]));
        Assert.Equal(200, Found([country, zone]));
        Assert.Equal(100, Found([country, zone, own]));

        double? Found(Factor[] factors) =>
            FactorBook
                .Published.With(factors, regions)
                .Find(FactorKind.GridIntensity, FactorMethod.LocationAverage, DataCentre, day)
                ?.Value;
    }

    [Fact]
    public void An_upper_layer_answers_first_even_by_country()
    {
        var day = new DateOnly(2024, 6, 1);
        var google = new Place("gcp/us-central1", null, null);
        var book = FactorBook.Published.With([Grid("country/US", 350)]);

        Assert.Equal(350, book.Find(FactorKind.GridIntensity, FactorMethod.LocationAverage, google, day)?.Value);
        Assert.Equal(412.72, FactorBook.Published.Find(FactorKind.GridIntensity, FactorMethod.LocationAverage, google, day)?.Value);
        Assert.Equal(
            100,
            book.With([Grid("gcp/us-central1", 100)]).Find(FactorKind.GridIntensity, FactorMethod.LocationAverage, google, day)?.Value
        );
    }

    [Fact]
    public void A_PUE_is_of_a_building_and_not_of_its_country()
    {
        var book = FactorBook.Published.With([
            Grid("country/DE", 300) with
            {
                Kind = FactorKind.Pue,
                Method = FactorMethod.Annual,
                Value = 1.4,
            },
        ]);

        Assert.Null(book.Find(FactorKind.Pue, FactorMethod.Annual, DataCentre, new DateOnly(2025, 1, 1)));
    }

    [Fact]
    public void A_factor_holds_from_its_first_day_to_the_day_before_the_next()
    {
        var book = FactorBook.Published.With([
            Grid("onprem/dc-1", 100) with
            {
                From = new DateOnly(2023, 1, 1),
                Version = "v1",
            },
            Grid("onprem/dc-1", 200) with
            {
                From = new DateOnly(2024, 1, 1),
                To = new DateOnly(2024, 7, 1),
                Version = "v2",
            },
        ]);

        Assert.Null(At("2022-12-31"));
        Assert.Equal(100, At("2023-01-01"));
        Assert.Equal(100, At("2023-12-31"));
        Assert.Equal(200, At("2024-06-30"));
        Assert.Null(At("2024-07-01"));

        double? At(string day) =>
            book.Find(
                FactorKind.GridIntensity,
                FactorMethod.LocationAverage,
                new Place("onprem/dc-1", null, null),
                DateOnly.ParseExact(day, "yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture)
            )?.Value;
    }

    [Fact]
    public void A_region_that_says_less_keeps_what_was_known()
    {
        var book = FactorBook.Published.With([], [new Region("aws/eu-central-1", null, "DE-SOUTH")]);

        Assert.Equal(new Region("aws/eu-central-1", "DE", "DE-SOUTH"), book.RegionOf("aws/eu-central-1"));
    }

    [Fact]
    public void Factors_that_hold_on_one_day_make_no_book() =>
        Assert.Contains(
            "holds on 2020-01-01",
            Assert.Throws<ArgumentException>(() => FactorBook.Published.With([Grid("onprem/a", 1), Grid("onprem/a", 2)])).Message,
            StringComparison.Ordinal
        );

    private static Factor Grid(string place, double grams) =>
        new()
        {
            Kind = FactorKind.GridIntensity,
            Place = place,
            Method = FactorMethod.LocationAverage,
            Value = grams,
            Source = "test",
            Licence = "CC0-1.0",
            From = new DateOnly(2020, 1, 1),
            Version = "test",
        };

    private static IReadOnlyList<string> Faults(string text) =>
        Assert.Throws<FactorException>(() => FactorFile.Read("mine.csv", text)).Errors;
}
