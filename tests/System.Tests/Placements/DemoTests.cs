using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Xunit;

namespace Metrics.SystemTests.Placements;

/// <summary>Placements as a newcomer asks for them: of the sample fleet, without any configuration.</summary>
public sealed class DemoTests
{
    [Fact]
    public async Task The_models_of_the_sample_fleet_are_not_ranked_with_each_other_and_their_numbers_are_those_of_odata()
    {
        await using var service = await ServiceProcess.StartAsync();
        var sample = Assert.Single(await service.RowsAsync("Sources?$filter=Id eq 'sample'", rows => rows.Count == 1));
        var registered = sample.GetProperty("RegisteredAt").GetDateTime().ToUniversalTime();
        var anchor = registered.Date.AddHours(registered.Hour);
        // The newest hour of the recording is not whole until the next one is read.
        var (from, to) = (Text(anchor.AddHours(-24)), Text(anchor.AddHours(-1)));

        var waited = Stopwatch.StartNew();
        JsonElement answer;
        string[] expected,
            told;
        do
        {
            var rows = await service.RowsAsync(
                $"HourlyIntensities?$filter=Region eq 'sample-dc' and PeriodStart ge {from} and PeriodStart lt {to}",
                rows => Hours(rows) == 23 && Known(rows)
            );
            expected = [Ratio(rows, "chat-70b"), Ratio(rows, "code-8b")];
            using var document = JsonDocument.Parse(
                await service.Http.GetStringAsync(
                    new Uri($"/api/placements?unit=output-token&from={from}&to={to}&minCoverage=0.5", UriKind.Relative)
                )
            );
            answer = document.RootElement.Clone();
            told =
            [
                .. answer
                    .GetProperty("groups")
                    .EnumerateArray()
                    .SelectMany(group => group.GetProperty("ranked").EnumerateArray())
                    .Select(placement =>
                        $"{placement.GetProperty("workload").GetString()} {Digits(placement.GetProperty("joulesPerUnit").GetDouble())}"
                    ),
            ];
        } while (!told.SequenceEqual(expected) && waited.Elapsed < ServiceProcess.Patience);

        Assert.Equal(expected, told);
        var groups = answer.GetProperty("groups");
        Assert.Equal(
            ["model differs: example/code-8b against example/chat-70b", "precision differs: bf16 against fp8"],
            groups[1].GetProperty("differs").EnumerateArray().Select(words => words.GetString())
        );
        Assert.Empty(groups[0].GetProperty("differs").EnumerateArray());

        var description = await service.Http.GetStringAsync(new Uri("/openapi/v1.json", UriKind.Relative));
        using var openApi = JsonDocument.Parse(description);
        var operation = openApi.RootElement.GetProperty("paths").GetProperty("/api/placements").GetProperty("get");
        Assert.Equal(
            ["unit", "model", "boundary", "by", "idlePolicy", "from", "to", "minCoverage", "evidence"],
            operation.GetProperty("parameters").EnumerateArray().Select(parameter => parameter.GetProperty("name").GetString())
        );
        Assert.True(operation.GetProperty("parameters")[0].GetProperty("required").GetBoolean());
        Assert.All(operation.GetProperty("parameters").EnumerateArray(), parameter =>
            Assert.NotEmpty(parameter.GetProperty("description").GetString()!)
        );

        // Every hour behind the ranking tells its derivation, and is what it says.
        var row = (
            await service.RowsAsync(
                "HourlyIntensities?$filter=Workload eq 'chat-70b' and FunctionalUnit eq 'output-token' and PeriodStart eq "
                    + $"{Text(anchor.AddHours(-5))}",
                rows => rows.Count == 1
            )
        )[0];
        using var explained = JsonDocument.Parse(
            await service.Http.GetStringAsync(
                new Uri(
                    $"/api/explain?set=HourlyIntensities&key=DeploymentId={row.GetProperty("DeploymentId").GetRawText()},"
                        + $"FunctionalUnit='output-token',PeriodStart={Text(anchor.AddHours(-5))}",
                    UriKind.Relative
                )
            )
        );
        Assert.True(
            explained.RootElement.GetProperty("check").GetProperty("equal").GetBoolean(),
            explained.RootElement.GetProperty("check").GetRawText()
        );
        Assert.NotEmpty(explained.RootElement.GetProperty("sources").EnumerateArray());
        var explain = openApi.RootElement.GetProperty("paths").GetProperty("/api/explain").GetProperty("get");
        Assert.All(explain.GetProperty("parameters").EnumerateArray(), parameter =>
            Assert.True(parameter.GetProperty("required").GetBoolean() && parameter.GetProperty("description").GetString()!.Length > 0)
        );
        Assert.Equal(["200", "400", "404", "503"], explain.GetProperty("responses").EnumerateObject().Select(response => response.Name));
    }

    /// <summary>Sum over sum by hand, of the time in which energy and work are known.</summary>
    private static string Ratio(List<JsonElement> rows, string workload)
    {
        var own = rows.Where(row =>
                row.GetProperty("Workload").GetString() == workload && row.GetProperty("FunctionalUnit").GetString() == "output-token"
            )
            .ToList();
        // While the recording is still being read, an hour's machines may not be known yet.
        if (own.FindAll(row => row.GetProperty("MatchedFacilityJoules").ValueKind == JsonValueKind.Null) is { Count: > 0 } unknown)
            return $"{workload} with {unknown.Count} hours of unknown energy";
        var joules = own.Sum(row => row.GetProperty("MatchedFacilityJoules").GetDouble());
        var units = own.Sum(row => row.GetProperty("FacilityMatchedUnits").GetDouble());
        return $"{workload} {Digits(joules / units)}";
    }

    /// <summary>Whether no hour of a workload is left that is only half read: its boundary is not known yet.</summary>
    private static bool Known(List<JsonElement> rows) =>
        rows.TrueForAll(row =>
            row.GetProperty("Workload").GetString() is not ("chat-70b" or "code-8b")
            || row.GetProperty("FacilityJoules").ValueKind == JsonValueKind.Number
        );

    private static int Hours(List<JsonElement> rows) => rows.Select(row => row.GetProperty("PeriodStart").GetString()).Distinct().Count();

    private static string Digits(double number) => number.ToString("G9", CultureInfo.InvariantCulture);

    private static string Text(DateTime time) => time.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
}
