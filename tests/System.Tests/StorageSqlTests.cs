using System.Text.RegularExpressions;
using Metrics.Api.OData.Model;
using Metrics.Storage.Engine;
using Metrics.Storage.Schema;
using Metrics.SystemTests.Compose;
using Microsoft.EntityFrameworkCore;
using Xunit;

namespace Metrics.SystemTests;

/// <summary>Who writes whose names: tables are Storage's, addresses are Api's. References do not show it, because both are texts.</summary>
public sealed partial class StorageSqlTests
{
    private static readonly HashSet<string> Stored = ReadNames();

    [Fact]
    public void There_are_names_and_sources_to_look_for()
    {
        Assert.Superset(new HashSet<string> { "deployment", "dirty_hours", "intensity_hours", "HourlyIntensities", "Factors" }, Stored);
        Assert.Contains(Sources("Api"), file => file.EndsWith("PlacementEndpoint.cs", StringComparison.Ordinal));
        Assert.Contains(Sources("Model/Storage"), file => file.EndsWith("EventLog.cs", StringComparison.Ordinal));
    }

    [Fact]
    public void No_sql_of_the_api_names_a_table_or_a_view() =>
        Assert.Empty(
            Sources("Api").SelectMany(file => NamesIn(File.ReadAllText(file)).Select(name => $"{Path.GetFileName(file)}: {name}"))
        );

    [Fact]
    public void No_text_of_the_storage_is_an_address_of_the_api() =>
        Assert.Empty(
            Sources("Model/Storage")
                .SelectMany(file => AddressesIn(File.ReadAllText(file)).Select(address => $"{Path.GetFileName(file)}: {address}"))
        );

    [Theory]
    [InlineData("""Command("SELECT 1 FROM workload WHERE name = @name")""", "workload")]
    [InlineData("""$"SELECT * FROM \"DailyIntensities\" v WHERE {Conditions}" """, "DailyIntensities")]
    [InlineData("LEFT JOIN deployment d ON d.id = v.x\n  JOIN\n  places p ON p.name = d.place", "deployment places")]
    [InlineData("INSERT INTO event (type) VALUES (@type)", "event")]
    [InlineData("UPDATE source SET epoch = 1", "source")]
    public void Sql_that_names_one_is_found(string text, string expected) => Assert.Equal(expected, string.Join(' ', NamesIn(text)));

    [Theory]
    [InlineData("// what comes from a workload, or INTO nothing of ours")]
    [InlineData("""$"SELECT COUNT(*) FROM (SELECT 1{rows.From()}) AS n" """)]
    [InlineData("""$" FROM (SELECT k) AS sums JOIN {SqlDialect.Quote(target.Name)} AS t" """)]
    public void What_names_none_is_not(string text) => Assert.Empty(NamesIn(text));

    [Theory]
    [InlineData("""["link"] = $"/odata/Restatements?$filter=x",""", "/odata/Restatements")]
    [InlineData("""var path = "/api/reports/jobs";""", "/api/reports")]
    public void An_address_is_found(string text, string expected) => Assert.Equal(expected, Assert.Single(AddressesIn(text)));

    [Theory]
    [InlineData("/// <summary>As /odata tells it, see \"/odata/Events\".</summary>")]
    [InlineData("Path.Combine(folder, \"api\")")]
    public void What_is_no_address_is_not(string text) => Assert.Empty(AddressesIn(text));

    private static IEnumerable<string> NamesIn(string text) =>
        TableOfSql().Matches(text).Select(match => match.Groups["name"].Value).Where(Stored.Contains);

    private static IEnumerable<string> AddressesIn(string text) =>
        text.Split('\n')
            .Where(line => !line.TrimStart().StartsWith("//", StringComparison.Ordinal))
            .SelectMany(line => Address().Matches(line).Select(match => match.Groups["address"].Value));

    private static IEnumerable<string> Sources(string folder) =>
        Directory
            .EnumerateFiles(Path.Combine(ComposeFile.Root, "src", folder), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal));

    private static HashSet<string> ReadNames()
    {
        var options = new DbContextOptionsBuilder<MetricsDbContext>();
        options.UseSqliteStorage("Data Source=:memory:");
        using var context = new MetricsDbContext(options.Options);
        return [.. context.Model.GetEntityTypes().Select(entity => entity.GetTableName()!), .. EntitySets.All.Select(set => set.Name)];
    }

    [GeneratedRegex("""\b(?:FROM|JOIN|INTO|UPDATE|TABLE)\s+\\?"*(?<name>\w+)""")]
    private static partial Regex TableOfSql();

    [GeneratedRegex("\"(?<address>/(?:odata|api)(?:/\\w+)?)")]
    private static partial Regex Address();
}
