using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Metrics.Api.OData.Model;
using Metrics.Domain.Facts;
using Metrics.Storage.Engine;
using Metrics.Storage.Schema.Tables;
using Metrics.SystemTests.OData;
using Xunit;

namespace Metrics.SystemTests.Documentation;

/// <summary>The recipes of docs/odata.md: what can be run here is run, and what needs a program that is not here names columns that are
/// there.</summary>
[Collection(ODataTests.Name)]
public sealed partial class RecipeTests(ODataServices services)
{
    private static readonly string Page = Read("docs", "odata.md");

    private static readonly string[] Sets = ["HourlyIntensities", "DailyIntensities", "MonthlyIntensities"];

    [Fact]
    public void The_table_of_pairs_is_that_of_the_ratios()
    {
        var rows = Ratios
            .OfPeriods.Where(ratio => ratio.OfMany == RatioOfMany.SumOverSum && Told(ratio.Over) && Told(ratio.Under))
            .ToList();

        Assert.Equal(10, rows.Count);
        foreach (var ratio in rows)
            Assert.Contains($"| `{ratio.Name}` | `{ratio.Over.ToOData()}` | `{ratio.Under.ToOData()}` |\n", Page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("dax", @"\w\[(\w+)\]", 9)]
    [InlineData("m", @"\[(\w+)\]", 5)]
    [InlineData("sql", "\"(\\w+)\"", 7)]
    public void A_recipe_names_columns_that_are_there(string language, string column, int atLeast)
    {
        var text = Fenced(language);
        // What the recipe itself names, in M in quotes before what each row has, and what Power Query calls the rows of a set.
        var own = Own().Matches(text).Select(match => match.Groups[1].Value).Concat(Sets).Append("Data").ToHashSet(StringComparer.Ordinal);
        var named = Regex
            .Matches(text, column)
            .Select(match => match.Groups[1].Value)
            .Distinct(StringComparer.Ordinal)
            .Where(name => !own.Contains(name))
            .ToList();

        Assert.True(named.Count >= atLeast, $"Only {string.Join(", ", named)} are named.");
        Assert.All(Sets, set => Assert.All(named, name => Assert.NotNull(EntitySets.Find(set)!.Find(name))));
    }

    [Theory]
    [InlineData("README.md")]
    [InlineData("docs/odata.md")]
    public void What_a_page_selects_is_there(string page)
    {
        var queries = Selection().Matches(Read(page.Split('/')));
        Assert.NotEmpty(queries);
        foreach (Match query in queries)
        foreach (var name in query.Groups[2].Value.Split(','))
            Assert.True(EntitySets.Find(query.Groups[1].Value)!.Find(name) is not null, $"{page}: {name} of {query.Value}");
    }

    [Theory]
    [MemberData(nameof(ODataTests.Engines), MemberType = typeof(ODataTests))]
    public async Task The_SQL_and_the_service_tell_one_number_of_hours_of_days_and_of_months(StorageEngine engine)
    {
        await using var service = await services.StartEmptyAsync(engine);
        await WriteAsync(service);
        foreach (var set in Sets)
        {
            var sql = await SqlAsync(service, Fenced("sql").Replace("DailyIntensities", set, StringComparison.Ordinal));
            var apply = (await service.GetAsync($"{set}?{Apply().Match(Page).Groups[1].Value}&$orderby=JoulesPerUnit"))
                .GetProperty("value")
                .EnumerateArray()
                .Select(row =>
                    new object?[]
                    {
                        row.GetProperty("Provider").GetString(),
                        row.GetProperty("Region").GetString(),
                        row.GetProperty("JoulesPerUnit").GetDouble(),
                        row.GetProperty("FacilityCoverage").GetDouble(),
                    }
                );

            // 90 J over 10 tokens; (100 + 300 + 200) J over (10 + 10 + 20), known for 9,000 s of 10,800. The plain sums are others.
            object?[][] expected =
            [
                ["onprem", "b", 9.0, 1.0],
                ["onprem", "a", 15.0, 9000.0 / 10800],
            ];
            Assert.Equal(expected, sql);
            Assert.Equal(expected, apply);
        }
    }

    private static async Task WriteAsync(ODataService service)
    {
        await using var store = await service.Store.CreateDbContextAsync();
        store.Add(new WorkloadRow { Name = "chat" });
        foreach (var (id, region) in new[] { (1, "a"), (2, "b") })
        {
            var place = $"onprem/{region}";
            store.Add(
                new PlaceRow
                {
                    Name = place,
                    Provider = "onprem",
                    Region = region,
                }
            );
            store.Add(
                new DeploymentRow
                {
                    Id = id,
                    Workload = "chat",
                    Place = place,
                }
            );
        }
        foreach (
            var (id, day, hour, joules, tokens, known) in new[]
            {
                (1, 1, 8, 100.0, 10.0, 3600.0),
                (1, 1, 9, 300.0, 10.0, 1800.0),
                (1, 2, 8, 200.0, 20.0, 3600.0),
                (2, 1, 8, 90.0, 10.0, 3600.0),
            }
        )
            store.Add(
                Filled(
                    new IntensityHourRow { FunctionalUnit = "output-token" },
                    id,
                    new DateTime(2026, 2, day, hour, 0, 0, DateTimeKind.Utc),
                    1,
                    (joules, tokens, known, 3600)
                )
            );
        foreach (
            var (id, day, joules, tokens, known, there) in new[]
            {
                (1, 1, 400.0, 20.0, 5400.0, 7200.0),
                (1, 2, 200.0, 20.0, 3600.0, 3600.0),
                (2, 1, 90.0, 10.0, 3600.0, 3600.0),
            }
        )
            store.Add(
                Filled(
                    new IntensityDayRow { FunctionalUnit = "output-token" },
                    id,
                    new DateTime(2026, 2, day, 0, 0, 0, DateTimeKind.Utc),
                    24,
                    (joules, tokens, known, there)
                )
            );
        await store.SaveChangesAsync();
    }

    private static IntensityRow Filled(
        IntensityRow row,
        long deployment,
        DateTime start,
        int hours,
        (double Joules, double Tokens, double Known, double There) values
    )
    {
        row.DeploymentId = deployment;
        row.PeriodStart = start;
        row.PeriodEnd = start.AddHours(hours);
        row.Date = DateOnly.FromDateTime(start);
        row.DateKey = start.Year * 10000 + start.Month * 100 + start.Day;
        row.RecomputedAt = start.AddDays(2);
        foreach (var measure in Measures.HeldBy(MeasureHolders.Periods).Where(measure => measure.Always))
            row[measure.Name] = 0.0;
        row[Measures.Facility.Name] = values.Joules * 2;
        row[Measures.Units.Name] = values.Tokens * 3;
        row[MatchedSums.Facility.Amount.Name] = values.Joules;
        row[MatchedSums.Facility.Units.Name] = values.Tokens;
        row[Measures.FacilityTime.Name] = values.Known;
        row[Measures.Present.Name] = values.There;
        return row;
    }

    private static bool Told(Term term) => EntitySets.Find("DailyIntensities")!.Find(term.ToOData()) is not null;

    private static async Task<List<object?[]>> SqlAsync(ODataService service, string sql)
    {
        await using var connection = service.Connect();
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // The text of a page of ours.
        command.CommandText = sql;
#pragma warning restore CA2100
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<object?[]>();
        while (await reader.ReadAsync())
            rows.Add([.. Enumerable.Range(0, reader.FieldCount).Select(at => reader.IsDBNull(at) ? null : reader.GetValue(at))]);
        return rows;
    }

    private static string Fenced(string language) =>
        Regex.Match(Page, $"```{language}\\n(.*?)```", RegexOptions.Singleline) is { Success: true } match
            ? match.Groups[1].Value
            : throw new InvalidOperationException($"docs/odata.md has no recipe in {language}.");

    private static string Read(params string[] path) => File.ReadAllText(Path.Combine([Repository(), .. path]));

    private static string Repository([CallerFilePath] string file = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "..", "..", ".."));

    [GeneratedRegex(@"\\(\$apply=filter[^""]*groupby\(\(Provider,Region\),aggregate\(JoulesPerUnit,FacilityCoverage\)\))")]
    private static partial Regex Apply();

    [GeneratedRegex(@"""(\w+)"", each")]
    private static partial Regex Own();

    [GeneratedRegex(@"odata/(\w+)\?[^""`\s]*\$select=([\w,]+)")]
    private static partial Regex Selection();
}
