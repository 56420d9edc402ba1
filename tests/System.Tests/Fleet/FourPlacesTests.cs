using System.Globalization;
using System.Text.Json;
using Metrics.Emulators;
using Metrics.Storage.Engine;
using Xunit;

namespace Metrics.SystemTests.Fleet;

/// <summary>The same model at four places, told in four ways, is brought to numbers that can be compared: within their bounds of what is
/// true, and in the true order.</summary>
public sealed class FourPlacesTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>, IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("metrics-places-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData(StorageEngine.Sqlite)]
    [InlineData(StorageEngine.Postgres)]
    public async Task Each_place_is_within_its_bounds_of_the_truth_and_they_are_ranked_in_the_true_order(StorageEngine engine)
    {
        await using var service = await StartAsync(engine);
        var rows = await service.RowsAsync("HourlyIntensities?$filter=FunctionalUnit eq 'output-token' and Workload eq 'chat'", rows =>
            rows.Count == 12 && rows.All(row => Number(row, "Coverage") > 0.99)
        );

        foreach (var (source, place, _, _, _, _) in Truth.Places)
        {
            var truth = Truth.Totals(source, 0, FourPlaces.Minutes);
            var hours = rows.Where(row => $"{row.GetProperty("Provider")}/{row.GetProperty("Region")}" == place).ToList();
            Assert.Equal(3, hours.Count);
            Near(truth.Tokens, hours.Sum(row => Number(row, "Units")), 1e-9, $"{place}: tokens");
            // Every place meters its boards, whatever it calls them.
            Near(truth.Accelerator, hours.Sum(row => Number(row, "AcceleratorJoules")), 0.01, $"{place}: joules of the boards");

            var (facility, low, high) = (
                hours.Sum(row => Number(row, "FacilityJoules")),
                hours.Sum(row => Number(row, "LowJoules")),
                hours.Sum(row => Number(row, "HighJoules"))
            );
            Assert.True(
                low < truth.Facility && truth.Facility < high,
                $"{place}: {truth.Facility:0} J are true, and {low:0} to {high:0} J are told"
            );
            // Bounds that would hold anything say nothing.
            Assert.InRange(high / low, 1, 1.25);
            Assert.False(low < truth.Facility * 1.3 && truth.Facility * 1.3 < high, $"{place}: a third more would not be noticed");
            var measured =
                hours.Sum(row => Number(row, "MeasuredShare") * Number(row, "ServerJoules"))
                / hours.Sum(row => Number(row, "ServerJoules"));
            if (place == "onprem/dc-1")
            {
                Assert.Equal(1, measured, 1e-9);
                Near(truth.Facility, facility, 0.01, $"{place}: joules of the facility");
                Assert.All(hours, row => Assert.Equal("derived", row.GetProperty("Evidence").GetString()));
            }
            else
            {
                Assert.InRange(measured, 0.6, 0.85);
                Assert.All(hours, row => Assert.Equal("modelled", row.GetProperty("Evidence").GetString()));
                Assert.All(hours, row =>
                    Assert.Contains("server:", row.GetProperty("FactorVersion").GetString(), StringComparison.Ordinal)
                );
            }
        }

        var to = Truth.Start.AddMinutes(FourPlaces.Minutes).ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
        var answer = await service.Http.GetStringAsync(
            new Uri(
                $"/api/placements?unit=output-token&model=org/chat-70b&from={Truth.Start:yyyy-MM-ddTHH:mm:ssZ}&to={to}",
                UriKind.Relative
            )
        );
        using var told = JsonDocument.Parse(answer);
        // The rack has meters of its servers, the clouds have models of theirs: each kind is ranked by itself, in the true order.
        var groups = told.RootElement.GetProperty("groups").EnumerateArray().ToList();
        Assert.Equal(
            [
                [],
                ["server energy of differs: model against wall"],
            ],
            groups.Select(group => group.GetProperty("differs").EnumerateArray().Select(words => words.GetString()!).ToArray())
        );
        var ordered = Truth
            .Places.OrderBy(place => Truth.Totals(place.Source, 0, FourPlaces.Minutes) is var truth ? truth.Facility / truth.Tokens : 0)
            .Select(place => place.Name)
            .ToLookup(name => name.StartsWith("onprem/", StringComparison.Ordinal));
        Assert.Equal([ordered[true], ordered[false]], groups.Select(Ranked));

        static IEnumerable<string> Ranked(JsonElement group) =>
            group.GetProperty("ranked").EnumerateArray().Select(row => $"{row.GetProperty("provider")}/{row.GetProperty("region")}");
    }

    [Fact]
    public void The_true_order_is_not_that_of_the_boards_alone() =>
        Assert.NotEqual(
            Truth
                .Places.OrderBy(place => Truth.Totals(place.Source, 0, FourPlaces.Minutes) is var truth ? truth.Facility / truth.Tokens : 0)
                .Select(place => place.Name),
            Truth
                .Places.OrderBy(place =>
                    Truth.Totals(place.Source, 0, FourPlaces.Minutes) is var truth ? truth.Accelerator / truth.Tokens : 0
                )
                .Select(place => place.Name)
        );

    private async Task<ServiceProcess> StartAsync(StorageEngine engine)
    {
        var settings = new List<(string, string)>
        {
            ("Metrics__Storage__Engine", engine.ToString()),
            ("Metrics__Workloads__chat__Model", "org/chat-70b"),
            ("Metrics__Workloads__chat__Precision", "fp8"),
            ("Metrics__Places__onprem/dc-1__Country", "DE"),
            ("Metrics__Places__onprem/dc-1__Pue", "1.4"),
        };
        if (engine == StorageEngine.Postgres)
        {
            var database = await cluster.CreateDatabaseAsync();
            settings.Add(("Metrics__Storage__ConnectionString", database));
            var (code, output) = await ServiceProcess.RunAsync(
                ["migrate"],
                ("Metrics__Storage__Engine", "Postgres"),
                ("Metrics__Storage__ConnectionString", database)
            );
            Assert.True(code == 0, output);
        }
        for (var i = 0; i < Truth.Places.Count; i++)
        {
            var (source, place, _, _, _, _) = Truth.Places[i];
            var path = Path.Combine(folder, $"{source}.ndjson");
            await File.WriteAllLinesAsync(path, FourPlaces.Rows(source));
            settings.AddRange([
                ($"Metrics__Sources__{source}__Provider", "file"),
                ($"Metrics__Sources__{source}__Path", path),
                ($"Metrics__Sources__{source}__Place", place),
                ($"Metrics__Workloads__chat__Match__{i}__Source", source),
            ]);
            if (!place.StartsWith("onprem/", StringComparison.Ordinal))
                settings.Add(
                    (
                        $"Metrics__Places__{place}__Country",
                        place[..3] switch
                        {
                            "aws" => "US",
                            "azu" => "NL",
                            _ => "NL",
                        }
                    )
                );
        }
        return await ServiceProcess.StartAsync([.. settings]);
    }

    private static double Number(JsonElement row, string column) =>
        row.GetProperty(column).ValueKind == JsonValueKind.Number
            ? row.GetProperty(column).GetDouble()
            : throw new InvalidOperationException($"{column} is null in {row}");

    private static void Near(double expected, double actual, double tolerance, string what) =>
        Assert.True(Math.Abs(actual / expected - 1) <= tolerance, $"{what}: {expected:R} is true and {actual:R} is told");
}
