using Metrics.Domain.Catalogue;
using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Xunit;

namespace Metrics.Domain.Tests.Catalogue;

public class MetricCatalogueTests
{
    private static readonly DateTime Noon = new(2026, 1, 15, 12, 0, 0, DateTimeKind.Utc);

    private static MetricMapping Mapping(
        string id,
        string metric = "m",
        string from = "2020-01-01",
        int version = 1,
        string provider = "prometheus",
        params (string Label, string[] Globs)[] when
    ) =>
        new()
        {
            Id = id,
            Version = version,
            Provider = provider,
            Metrics = metric.Split(' '),
            When = [.. when.Select(condition => new LabelCondition(condition.Label, condition.Globs))],
            Unit = Unit.Parse("J"),
            Kind = SampleKind.Cumulative,
            Component = Component.Node,
            Resource = new ResourceLabels("node", ["instance"], [], [], []),
            Evidence = Evidence.Measured,
            MaxSpan = TimeSpan.FromHours(1),
            EffectiveFrom = DateOnly.ParseExact(from, "yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture),
            Reference = "https://example.org",
        };

    private static Series Of(string metric, params (string, string)[] labels) => new("s", "prometheus", metric, Labels.Of(labels));

    private static string? Found(MetricCatalogue catalogue, Series series) => catalogue.Find(series, Noon)?.Id;

    [Fact]
    public void Mappings_are_ordered_by_id_and_version()
    {
        var catalogue = new MetricCatalogue([
            Mapping("p/b", "b"),
            Mapping("p/a", "a", version: 2, from: "2021-01-01"),
            Mapping("p/a", "a"),
        ]);
        Assert.Equal(["p/a@1", "p/a@2", "p/b@1"], catalogue.Mappings.Select(mapping => $"{mapping.Id}@{mapping.Version}"));
    }

    [Fact]
    public void A_reader_asks_for_every_spelling_of_its_provider_once()
    {
        var catalogue = new MetricCatalogue([
            Mapping("p/a", "z a"),
            Mapping("p/b", "a", when: ("l", ["1"])),
            Mapping("q/a", "other", provider: "aws"),
        ]);
        Assert.Equal(["a", "z"], catalogue.MetricsOf("prometheus"));
        Assert.Equal(["other"], catalogue.MetricsOf("aws"));
        Assert.Empty(catalogue.MetricsOf("gcp"));
    }

    [Fact]
    public void A_series_of_another_statistic_is_not_meant_and_one_that_tells_none_is_taken_for_it()
    {
        var catalogue = new MetricCatalogue([Mapping("p/a") with { Statistic = Statistic.Average }]);
        Assert.Equal("p/a", Found(catalogue, new Series("s", "prometheus", "m", Labels.None, Statistic.Average, TimeSpan.FromMinutes(1))));
        Assert.Equal("p/a", Found(catalogue, new Series("s", "prometheus", "m", Labels.None, Statistic.Raw, TimeSpan.FromMinutes(1))));
        Assert.Null(Found(catalogue, new Series("s", "prometheus", "m", Labels.None, Statistic.Sum, TimeSpan.FromMinutes(1))));
    }

    [Fact]
    public void A_series_of_another_period_is_not_meant()
    {
        var catalogue = new MetricCatalogue([Mapping("p/a") with { Period = TimeSpan.FromMinutes(1) }]);
        Assert.Equal("p/a", Found(catalogue, new Series("s", "prometheus", "m", Labels.None, Statistic.Average, TimeSpan.FromMinutes(1))));
        Assert.Null(Found(catalogue, new Series("s", "prometheus", "m", Labels.None, Statistic.Average, TimeSpan.FromMinutes(5))));
        Assert.Null(Found(catalogue, Of("m")));
    }

    [Fact]
    public void A_metric_is_found_by_each_of_its_spellings_exactly()
    {
        var catalogue = new MetricCatalogue([Mapping("p/a", "one two")]);
        Assert.Equal("p/a", Found(catalogue, Of("one")));
        Assert.Equal("p/a", Found(catalogue, Of("two")));
        Assert.Null(Found(catalogue, Of("One")));
        Assert.Null(Found(catalogue, Of("three")));
        Assert.Null(Found(catalogue, new Series("s", "aws", "one", Labels.None)));
    }

    [Theory]
    [InlineData("stop", true)]
    [InlineData("length", true)]
    [InlineData("abort", false)]
    [InlineData("stopped", false)]
    [InlineData(null, false)]
    public void A_value_matches_one_of_the_globs(string? value, bool expected)
    {
        var catalogue = new MetricCatalogue([Mapping("p/a", when: ("reason", ["stop", "length"]))]);
        Assert.Equal(expected, Found(catalogue, value is null ? Of("m") : Of("m", ("reason", value))) is not null);
    }

    [Theory]
    [InlineData("/sys/class/powercap/intel-rapl:0", true)]
    [InlineData("/sys/class/powercap/intel-rapl-mmio:0", false)]
    [InlineData(null, true)]
    public void An_exclamation_mark_turns_a_glob_round_and_an_absent_label_is_empty(string? value, bool expected)
    {
        var catalogue = new MetricCatalogue([Mapping("p/a", when: ("path", ["!*mmio*"]))]);
        Assert.Equal(expected, Found(catalogue, value is null ? Of("m") : Of("m", ("path", value))) is not null);
    }

    [Theory]
    [InlineData("a-1", true)]
    [InlineData("a-2", false)]
    [InlineData("a-3", false)]
    [InlineData("b-1", false)]
    public void Exclusions_all_count_beside_what_is_included(string value, bool expected)
    {
        var catalogue = new MetricCatalogue([Mapping("p/a", when: ("l", ["a-*", "!*2", "!*3"]))]);
        Assert.Equal(expected, Found(catalogue, Of("m", ("l", value))) is not null);
    }

    [Fact]
    public void The_empty_glob_is_absence()
    {
        var catalogue = new MetricCatalogue([Mapping("p/a", when: ("pod_id", [""]))]);
        Assert.Equal("p/a", Found(catalogue, Of("m")));
        Assert.Null(Found(catalogue, Of("m", ("pod_id", "7"))));
    }

    [Fact]
    public void All_conditions_must_hold()
    {
        var catalogue = new MetricCatalogue([Mapping("p/a", when: [("x", ["1"]), ("y", ["2"])])]);
        Assert.Equal("p/a", Found(catalogue, Of("m", ("x", "1"), ("y", "2"))));
        Assert.Null(Found(catalogue, Of("m", ("x", "1"), ("y", "3"))));
        Assert.Null(Found(catalogue, Of("m", ("x", "1"))));
    }

    [Fact]
    public void The_latest_entry_in_force_wins_and_the_past_keeps_its_own()
    {
        var catalogue = new MetricCatalogue([
            Mapping("p/a"),
            Mapping("p/a", from: "2026-01-15", version: 2),
            Mapping("p/a", from: "2027-01-01", version: 3),
        ]);
        Assert.Equal(2, catalogue.Find(Of("m"), Noon)!.Version);
        Assert.Equal(2, catalogue.Find(Of("m"), new DateTime(2026, 1, 15, 0, 0, 0, DateTimeKind.Utc))!.Version);
        Assert.Equal(1, catalogue.Find(Of("m"), new DateTime(2026, 1, 14, 23, 59, 59, DateTimeKind.Utc))!.Version);
        Assert.Equal(3, catalogue.Find(Of("m"), new DateTime(2027, 1, 1, 0, 0, 0, DateTimeKind.Utc))!.Version);
        Assert.Null(catalogue.Find(Of("m"), new DateTime(2019, 12, 31, 23, 59, 59, DateTimeKind.Utc)));
    }

    [Fact]
    public void Of_entries_from_the_same_day_the_one_with_most_conditions_wins()
    {
        var catalogue = new MetricCatalogue([
            Mapping("p/a"),
            Mapping("p/c", when: [("x", ["1"]), ("y", ["*"])]),
            Mapping("p/b", when: ("x", ["1"])),
        ]);
        Assert.Equal("p/c", Found(catalogue, Of("m", ("x", "1"), ("y", "2"))));
        Assert.Equal("p/a", Found(catalogue, Of("m", ("x", "2"))));
    }

    [Fact]
    public void Finding_allocates_nothing()
    {
        var catalogue = new MetricCatalogue([Mapping("p/a", when: [("reason", ["stop", "length"]), ("path", ["!*mmio*"])])]);
        var series = Of("m", ("reason", "length"), ("path", "/sys/class/powercap/intel-rapl:0"));
        Assert.NotNull(catalogue.Find(series, Noon));
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            catalogue.Find(series, Noon);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
