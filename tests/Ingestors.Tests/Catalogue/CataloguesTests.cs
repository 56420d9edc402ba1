using System.Text;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Ingestors.Providers;
using Xunit;

namespace Metrics.Ingestors.Tests.Catalogue;

public sealed class CataloguesTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("metrics-catalogue-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string Write(string name, string text)
    {
        var path = Path.Combine(folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    private static string Entry(string id, string metric, string from = "2020-01-01", string component = "node") =>
        $$"""
            { "provider": "prometheus", "mappings": [ { "id": "{{id}}", "version": 1,
              "metric": "{{metric}}", "unit": "W", "kind": "gauge", "component": "{{component}}", "evidence": "derived",
              "resource": { "kind": "node", "id": "instance" }, "maxSpan": "00:05:00", "effectiveFrom": "{{from}}",
              "reference": "https://example.org/x" } ] }
            """;

    private static IReadOnlyList<string> Faults(params string[] paths) =>
        Assert.Throws<CatalogueException>(() => Catalogues.Load(paths)).Errors;

    [Fact]
    public void An_operators_file_adds_to_the_shipped_ones()
    {
        var catalogue = Catalogues.Load([Write("own.metrics.json", Entry("prometheus/own", "own_watts"))]);
        Assert.Contains("own_watts", catalogue.MetricsOf("prometheus"));
        Assert.Contains("DCGM_FI_DEV_POWER_USAGE", catalogue.MetricsOf("prometheus"));
    }

    [Fact]
    public void An_operators_entry_with_a_later_day_takes_the_place_of_a_shipped_one()
    {
        var catalogue = Catalogues.Load([
            Write("own.metrics.json", Entry("prometheus/own", "ipmi_dcmi_power_consumption_watts", "2026-01-01", "rack")),
        ]);
        var series = new Series("s", "prometheus", "ipmi_dcmi_power_consumption_watts", Labels.None);
        Assert.Equal(Component.Rack, catalogue.Find(series, new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc))!.Component);
        Assert.Equal(Component.Node, catalogue.Find(series, new DateTime(2025, 12, 31, 0, 0, 0, DateTimeKind.Utc))!.Component);
    }

    [Fact]
    public void An_operators_entry_that_claims_a_shipped_metric_on_its_day_is_refused()
    {
        var path = Write("own.metrics.json", Entry("prometheus/own", "ipmi_dcmi_power_consumption_watts"));
        Assert.StartsWith(
            $"{path}: mappings[0] 'prometheus/own': metric: 'ipmi_dcmi_power_consumption_watts' is explained from 2020-01-01 "
                + $"under the same conditions by prometheus-servers.metrics.json: mappings[",
            Assert.Single(Faults(path)),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Files_that_cannot_be_read_and_faults_of_those_that_can_are_listed_together()
    {
        var missing = Path.Combine(folder, "missing.metrics.json");
        var latin = Path.Combine(folder, "latin.metrics.json");
        File.WriteAllBytes(latin, Encoding.Latin1.GetBytes("// é"));
        var wrong = Write(
            "wrong.metrics.json",
            Entry("prometheus/own", "own_watts").Replace("\"W\"", "\"watt\"", StringComparison.Ordinal)
        );
        var broken = Write("broken.metrics.json", "{ \"provider\": ");

        var errors = Faults(missing, latin, folder, "", wrong, broken);

        Assert.Equal(6, errors.Count);
        Assert.Equal($"{missing}: cannot be read: there is no such file; correct the path or create the file", errors[0]);
        Assert.Equal($"{latin}: cannot be read: it is not UTF-8; save it as UTF-8", errors[1]);
        Assert.Equal($"{folder}: cannot be read: it is a folder; name the files in it", errors[2]);
        Assert.Equal("a file without a name: cannot be read: its path is empty; name a file or remove the entry", errors[3]);
        Assert.StartsWith(
            $"{wrong}: mappings[0] 'prometheus/own': unit: 'watt' is not a known unit; use one of: ",
            errors[4],
            StringComparison.Ordinal
        );
        Assert.StartsWith($"{broken}: line 1, column ", errors[5], StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_cannot_be_read_is_a_fault_even_alone() =>
        Assert.EndsWith(
            ": cannot be read: there is no such file; correct the path or create the file",
            Assert.Single(Faults(Path.Combine(folder, "nowhere", "x.metrics.json"))),
            StringComparison.Ordinal
        );

    [Fact]
    public void A_file_beyond_any_catalogue_is_not_read()
    {
        var path = Path.Combine(folder, "recording.metrics.json");
        using (var file = File.Create(path))
            file.SetLength(17 * 1024 * 1024);
        Assert.Equal(
            $"{path}: cannot be read: it has 17825792 bytes, more than 16777216; name a file of mappings",
            Assert.Single(Faults(path))
        );
    }

    [Fact]
    public void A_file_may_begin_with_a_byte_order_mark()
    {
        var path = Path.Combine(folder, "own.metrics.json");
        File.WriteAllText(path, Entry("prometheus/own", "own_watts"), new UTF8Encoding(encoderShouldEmitUTF8Identifier: true));
        Assert.Contains("own_watts", Catalogues.Load([path]).MetricsOf("prometheus"));
    }
}
