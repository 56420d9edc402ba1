using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Metrics.Storage.Engine;
using Metrics.SystemTests.OData;
using Microsoft.Data.Sqlite;
using Xunit;

namespace Metrics.SystemTests.Clients;

/// <summary>
/// OpenUI5's model of OData v4 in a browser reads the service: what it makes of the answers is what plain SQL finds in the
/// same store, on both engines.
/// </summary>
public sealed class OpenUi5Tests(OpenUi5Answers answers) : IClassFixture<OpenUi5Answers>
{
    private static readonly Dictionary<string, string> DeploymentColumns = new()
    {
        ["Id"] = "Edm.Int64",
        ["Workload"] = "Edm.String",
        ["Model"] = "Edm.String",
        ["Provider"] = "Edm.String",
        ["Place"] = "Edm.String",
        ["Hardware"] = "Edm.String",
        ["Accelerators"] = "Edm.Int32",
    };

    private static readonly Dictionary<string, string> HourColumns = new()
    {
        ["DeploymentId"] = "Edm.Int64",
        ["FunctionalUnit"] = "Edm.String",
        ["PeriodStart"] = "Edm.DateTimeOffset",
        ["Date"] = "Edm.Date",
        ["Workload"] = "Edm.String",
        ["Provider"] = "Edm.String",
        ["Region"] = "Edm.String",
        ["Units"] = "Edm.Double",
        ["AcceleratorJoules"] = "Edm.Double",
        ["Coverage"] = "Edm.Double",
    };

    public static TheoryData<StorageEngine> Engines => ODataTests.Engines;

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_list_has_its_rows_and_their_count(StorageEngine engine)
    {
        var list = answers[engine].Result("list");
        var expected = (await DeploymentsAsync(engine)).OrderBy(row => (long)row["Id"]!).ToList();

        Assert.Equal((12, 12), (list.GetProperty("count").GetInt32(), list.GetProperty("length").GetInt32()));
        Assert.Equal(expected.Select(row => $"/Deployments({row["Id"]})"), Texts(list.GetProperty("paths")));
        Assert.Equal(
            expected.Select(row => Line(row, "Id", "Workload", "Accelerators")),
            Lines(list.GetProperty("rows"), "Id", "Workload", "Accelerators")
        );
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Filters_of_every_kind_find_the_rows_that_they_describe(StorageEngine engine)
    {
        var deployments = await DeploymentsAsync(engine);
        bool Described(string workload, long? accelerators) =>
            workload == "O'Neil's \"batch\""
            || accelerators is >= 1 and <= 3
            || workload.StartsWith("übersetzer 日本 🔥", StringComparison.Ordinal)
            || workload.Contains("chat", StringComparison.OrdinalIgnoreCase);

        Assert.Equal(
            Ids(deployments.Where(row => Described((string)row["Workload"]!, (long?)row["Accelerators"])).OrderBy(row => (long)row["Id"]!)),
            Lines(answers[engine].Result("filter"), "Id")
        );
        Assert.Equal(["1000000000009", "9223372036854775807"], Lines(answers[engine].Result("filterNull"), "Id"));
        Assert.Equal(
            ["9007199254740993 image", "9007199254740993 none", "9007199254740993 output-token", "9007199254740993 request"],
            Lines(answers[engine].Result("filterTime"), "DeploymentId", "FunctionalUnit")
        );
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Rows_are_filtered_and_sorted_by_what_they_lead_to(StorageEngine engine)
    {
        var accelerators = (await DeploymentsAsync(engine)).ToDictionary(row => (long)row["Id"]!, row => (long?)row["Accelerators"] ?? -1);
        var expected = (await HoursAsync(engine))
            .Where(hour => hour["Provider"] is "aws" && hour["PeriodStart"] is DateTime { Month: 2 })
            .OrderByDescending(hour => accelerators[(long)hour["DeploymentId"]!])
            .ThenBy(hour => (DateTime)hour["PeriodStart"]!)
            .Select(hour => Line(hour, "DeploymentId", "FunctionalUnit", "PeriodStart"))
            .ToList();

        Assert.Equal(48, expected.Count);
        Assert.Equal(expected, Lines(answers[engine].Result("filterNavigation"), "DeploymentId", "FunctionalUnit", "PeriodStart"));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Rows_are_sorted_by_several_properties_with_null_as_the_least(StorageEngine engine)
    {
        var expected = (await DeploymentsAsync(engine))
            .OrderByDescending(row => (long?)row["Accelerators"] ?? -1)
            .ThenBy(row => (string)row["Workload"]!, StringComparer.Ordinal)
            .ThenByDescending(row => (long)row["Id"]!);

        Assert.Equal(Ids(expected), Lines(answers[engine].Result("sort"), "Id"));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public void A_search_looks_into_the_names(StorageEngine engine) =>
        // Of the four deployments of chat-70b and Chat-70B the ones that are not at AWS.
        Assert.Equal(["5", "1000000000008"], Lines(answers[engine].Result("search"), "Id"));

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_list_grows_by_pages_and_jumps_into_the_middle(StorageEngine engine)
    {
        var expected = (await KeysAsync(engine)).ToList();
        var grown = answers[engine].Result("grow");
        var jumped = answers[engine].Result("jump");

        Assert.Equal([100, 100, 88], grown.GetProperty("lengths").EnumerateArray().Select(length => length.GetInt32()));
        Assert.Equal((288, true), (grown.GetProperty("count").GetInt32(), grown.GetProperty("final").GetBoolean()));
        Assert.Equal(expected, Lines(grown.GetProperty("rows"), "DeploymentId", "FunctionalUnit", "PeriodStart"));
        Assert.Equal(expected[250..], Lines(jumped.GetProperty("rows"), "DeploymentId", "FunctionalUnit", "PeriodStart"));
        Assert.Equal(288, jumped.GetProperty("count").GetInt32());
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_list_that_asks_for_everything_is_led_through_the_pages_of_the_service(StorageEngine engine)
    {
        var pages = answers[engine].Result("pages");

        Assert.Equal([120, 120, 48], pages.GetProperty("lengths").EnumerateArray().Select(length => length.GetInt32()));
        Assert.Equal(await KeysAsync(engine), Lines(pages.GetProperty("rows"), "DeploymentId", "FunctionalUnit", "PeriodStart"));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_navigation_is_expanded_into_each_row(StorageEngine engine)
    {
        var places = (await DeploymentsAsync(engine)).ToDictionary(row => row["Id"]!.ToString()!, row => Line(row, "Place", "Hardware"));
        var rows = answers[engine].Result("expand");

        Assert.Equal((await KeysAsync(engine)).Take(100), Lines(rows, "DeploymentId", "FunctionalUnit", "PeriodStart"));
        foreach (var row in rows.EnumerateArray())
        {
            Assert.Equal(places[row.GetProperty("DeploymentId").GetString()!], Line(row.GetProperty("Deployment"), "Place", "Hardware"));
            var january = row.GetProperty("PeriodStart").GetString()!.StartsWith("2026-01-31", StringComparison.Ordinal);
            Assert.Equal(january ? "Saturday" : "Sunday", row.GetProperty("Calendar").GetProperty("WeekdayName").GetString());
        }
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public void What_controls_show_is_selected_and_expanded_for_them(StorageEngine engine)
    {
        // The first ten hours are those of the deployment 5: three in January and three in February for each unit.
        string[] expected = [.. Enumerable.Range(0, 10).Select(hour => hour % 6 < 3 ? "onprem/dc-1 Saturday" : "onprem/dc-1 Sunday")];

        Assert.Equal(expected, Lines(answers[engine].Result("controls"), "key", "text"));
        Assert.Contains(answers[engine].Parts("controls"), part =>
            part.Contains("$expand=Calendar($select=Date,WeekdayName),Deployment($select=Id,Place)", StringComparison.Ordinal)
        );
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_key_reads_one_entity(StorageEngine engine)
    {
        var expected = (await HoursAsync(engine)).Single(row =>
            row["DeploymentId"] is 9_007_199_254_740_993
            && row["FunctionalUnit"] is "request"
            && row["PeriodStart"] is DateTime { Day: 1, Hour: 0 }
        );
        var (read, source, deployment) = (
            answers[engine].Result("key"),
            answers[engine].Result("keyOfText"),
            answers[engine].Result("navigation")
        );
        var row = read.GetProperty("row");

        Assert.Equal(Line(expected, [.. HourColumns.Keys]), Line(row, [.. HourColumns.Keys]));
        Assert.Equal("eu-west-1", row.GetProperty("Region").GetString());
        Assert.Equal((double)expected["AcceleratorJoules"]!, read.GetProperty("measure").GetDouble());
        Assert.Equal("rack/7 'a' prometheus 2026-01-30T03:00:00.000001Z 0", Line(source, "Id", "Provider", "LastReadAt", "Failures"));
        Assert.Equal("5 chat-70b onprem/dc-1 null", Line(deployment, "Id", "Workload", "Place", "Precision"));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public void A_property_is_read_by_itself(StorageEngine engine) =>
        Assert.Equal("""["chat-70b","9223372036854775807",12,null]""", answers[engine].Result("property").GetRawText());

    [Theory]
    [MemberData(nameof(Engines))]
    public void What_is_not_there_is_told_in_the_words_of_the_service(StorageEngine engine)
    {
        var error = answers[engine].Error("missing");

        Assert.Equal(
            (404, "Deployments has no entity with this key."),
            (error.GetProperty("status").GetInt32(), error.GetProperty("message").GetString())
        );
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public void Several_lists_are_read_by_one_batch(StorageEngine engine)
    {
        Assert.Equal("[12,7,300]", answers[engine].Result("batch").GetRawText());
        Assert.Equal(["GET /odata/$metadata", "POST /odata/$batch"], answers[engine].Requests("batch").Order(StringComparer.Ordinal));
        Assert.Equal(
            [
                "GET Deployments?$count=true&$skip=0&$top=5",
                "GET Workloads?$count=true&$skip=0&$top=5",
                "GET Runs?$count=true&$skip=0&$top=5",
            ],
            answers[engine].Parts("batch")
        );
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public void Several_lists_are_read_without_a_batch(StorageEngine engine)
    {
        Assert.Equal("[12,7,300]", answers[engine].Result("direct").GetRawText());
        Assert.Equal(
            [
                "GET /odata/$metadata",
                "GET /odata/Deployments?$count=true&$skip=0&$top=5",
                "GET /odata/Runs?$count=true&$skip=0&$top=5",
                "GET /odata/Workloads?$count=true&$skip=0&$top=5",
            ],
            answers[engine].Requests("direct").Order(StringComparer.Ordinal)
        );
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public void Before_the_failure_of_one_request_a_batch_is_answered(StorageEngine engine) =>
        Assert.Equal(
            [
                "12",
                "$filter: there is no property 'Nope' here (position 1).",
                "HTTP request was not processed because the previous request failed",
            ],
            answers[engine].Result("failureInBatch").EnumerateArray().Select(outcome => outcome.ToString())
        );

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_function_is_called_without_the_parameters_that_may_be_left_out(StorageEngine engine)
    {
        var rows = answers[engine].Result("function");

        Assert.Equal(
            Ids(await DeploymentsAsync(engine)).Order(StringComparer.Ordinal),
            Lines(rows, "DeploymentId").Order(StringComparer.Ordinal)
        );
        Assert.All(rows.EnumerateArray(), row =>
            Assert.Equal("request facility provisioned", Line(row, "FunctionalUnit", "Boundary", "IdlePolicy"))
        );
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task One_row_of_a_list_is_read_again_by_its_key(StorageEngine engine)
    {
        string[] columns = ["DeploymentId", "FunctionalUnit", "PeriodStart", "AcceleratorJoules"];

        Assert.Equal(
            (await HoursAsync(engine)).Take(20).Select(row => Line(row, columns)),
            Lines(answers[engine].Result("refresh"), columns)
        );
        Assert.Contains(answers[engine].Parts("refresh"), part =>
            part.StartsWith(
                "GET HourlyIntensities(DeploymentId=5,FunctionalUnit='image',PeriodStart=2026-02-01T00:00:00Z)",
                StringComparison.Ordinal
            )
        );
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public void The_address_for_a_download_gives_the_rows_of_the_list(StorageEngine engine) =>
        Assert.EndsWith(
            """[{"Id":1000000000005},{"Id":1000000000008},{"Id":1000000000011},{"Id":9223372036854775807}]}""",
            answers[engine].Result("download").GetString(),
            StringComparison.Ordinal
        );

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Measures_are_summed_by_group(StorageEngine engine)
    {
        var hours = await HoursAsync(engine);

        Same(Sums(hours, "FunctionalUnit", "Provider"), answers[engine].Result("sums"), "FunctionalUnit", "Provider");
        Same(
            Sums(hours.Where(OfRequests), "Workload").Where(group => group.Joules > 2e6).OrderByDescending(group => group.Joules),
            answers[engine].Result("filteredSums"),
            "Workload"
        );
        Same(
            [
                .. Sums(hours.Where(OfRequests), "Provider")
                    .Select(group =>
                        (
                            group.Name switch
                            {
                                "aws" => "aws/eu-west-1",
                                "gcp" => "gcp/us-central1",
                                _ => "onprem/dc-1",
                            },
                            group.Joules
                        )
                    ),
            ],
            JsonSerializer.SerializeToElement(
                answers[engine]
                    .Result("sumsOfNavigation")
                    .EnumerateArray()
                    .Select(row => new
                    {
                        Place = row.GetProperty("Deployment").GetProperty("Place").GetString(),
                        AcceleratorJoules = row.GetProperty("AcceleratorJoules").GetDouble(),
                    })
            ),
            "Place"
        );
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_custom_aggregate_of_a_ratio_is_sum_over_sum(StorageEngine engine)
    {
        var hours = await HoursAsync(engine);
        var rows = answers[engine].Result("customAggregates");

        Same(Sums(hours, "FunctionalUnit", "Provider", "Region"), rows, "FunctionalUnit", "Provider", "Region");
        foreach (var row in rows.EnumerateArray())
        {
            var group = hours.Where(hour => Line(hour, "FunctionalUnit", "Provider") == Line(row, "FunctionalUnit", "Provider"));
            Near(PerUnit(group), row.GetProperty("AcceleratorJoulesPerUnit"));
        }
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Every_method_aggregates_under_an_alias(StorageEngine engine)
    {
        var rows = answers[engine].Result("methods");
        var expected = (await HoursAsync(engine))
            .Where(OfRequests)
            .GroupBy(hour => (string)hour["Provider"]!)
            .OrderBy(group => group.Key, StringComparer.Ordinal)
            .ToList();

        Assert.Equal(expected.Select(group => group.Key), Lines(rows, "Provider"));
        foreach (var (group, row) in expected.Zip(rows.EnumerateArray()))
        {
            var joules = group.Select(hour => (double?)hour["AcceleratorJoules"]).ToList();
            Assert.Equal((joules.Min(), joules.Max()), (row.GetProperty("Least").GetDouble(), row.GetProperty("Most").GetDouble()));
            Near(joules.Average(), row.GetProperty("Mean"));
            Assert.Equal("4", row.GetProperty("Workloads").GetString());
        }
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_grand_total_stands_over_the_groups(StorageEngine engine)
    {
        var requests = (await HoursAsync(engine)).Where(OfRequests).ToList();
        var rows = answers[engine].Result("grandTotal");

        Assert.Equal(["0 true null", "1 false aws", "1 false gcp", "1 false onprem"], Lines(rows, "level", "total", "Provider"));
        Same([("null", Joules(requests)), .. Sums(requests, "Provider")], rows, "Provider");
        Near(PerUnit(requests), rows[0].GetProperty("AcceleratorJoulesPerUnit"));
        Near(PerUnit(requests.Where(hour => hour["Provider"] is "gcp")), rows[2].GetProperty("AcceleratorJoulesPerUnit"));
        Assert.Contains(answers[engine].Parts("grandTotal"), part => part.Contains("/concat(aggregate(", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_grand_total_stands_under_sorted_groups(StorageEngine engine)
    {
        var requests = (await HoursAsync(engine)).Where(OfRequests).ToList();

        Same(
            [.. Sums(requests, "Workload").OrderBy(group => group.Joules), ("null", Joules(requests))],
            answers[engine].Result("grandTotalAtBottom"),
            "Workload"
        );
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_grand_total_of_the_groups_that_are_left_is_theirs(StorageEngine engine)
    {
        var left = Sums((await HoursAsync(engine)).Where(OfRequests), "Workload").Where(group => group.Joules > 2e6).ToList();

        Assert.Equal(6, left.Count);
        Same([("null", left.Sum(group => group.Joules)), .. left], answers[engine].Result("grandTotalOfShown"), "Workload");
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Groups_under_a_grand_total_grow_by_pages(StorageEngine engine)
    {
        var requests = (await HoursAsync(engine)).Where(OfRequests).ToList();
        var grown = answers[engine].Result("grandTotalGrowing");

        // Seven workloads in six hours, and the total.
        Assert.Equal(43, grown.GetProperty("rows").GetArrayLength());
        Same(
            [("null null", Joules(requests)), .. Sums(requests, "PeriodStart", "Workload")],
            grown.GetProperty("rows"),
            "PeriodStart",
            "Workload"
        );
        Assert.Equal(3, answers[engine].Parts("grandTotalGrowing").Count(part => part.Contains("top(", StringComparison.Ordinal)));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task The_least_and_the_most_of_all_groups_are_told_beside_a_page_of_them(StorageEngine engine)
    {
        var groups = Sums((await HoursAsync(engine)).Where(OfRequests), "Workload");
        var answer = answers[engine].Result("range");
        var range = answer.GetProperty("range").GetProperty("AcceleratorJoules");

        Same(groups[..2], answer.GetProperty("rows"), "Workload");
        Near(groups.Min(group => group.Joules), range.GetProperty("min"));
        Near(groups.Max(group => group.Joules), range.GetProperty("max"));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Levels_of_groups_are_expanded_one_by_one(StorageEngine engine)
    {
        const string Opened = "O'Neil's \"batch\"";
        var requests = (await HoursAsync(engine)).Where(OfRequests).ToList();
        var answer = answers[engine].Result("levels");
        List<(string Name, double? Joules)> Under(string provider, string? workload, string by) =>
            [
                .. Sums(
                    requests.Where(hour =>
                        hour["Provider"] is string one
                        && one == provider
                        && (workload is null || hour["Workload"] is string other && other == workload)
                    ),
                    by
                ),
            ];
        var providers = Sums(requests, "Provider")
            .OrderByDescending(group => group.Name, StringComparer.Ordinal)
            .Select(group => ($"1 {group.Name} null null", group.Joules))
            .ToList();
        var workloads = Under("onprem", null, "Workload").Select(group => ($"2 onprem {group.Name} null", group.Joules)).ToList();
        var days = Under("onprem", Opened, "Date").Select(group => ($"3 onprem {Opened} {group.Name}", group.Joules)).ToList();
        (string, double?) total = ("0 null null null", Joules(requests));

        Assert.Equal((3, 4, 2), (providers.Count, workloads.Count, days.Count));
        IReadOnlyList<(string, double?)>[] steps =
        [
            [total, .. providers],
            [total, providers[0], .. workloads, .. providers[1..]],
            [total, providers[0], workloads[0], .. days, .. workloads[1..], .. providers[1..]],
            [total, .. providers],
        ];
        Assert.Equal(steps.Length, answer.GetProperty("steps").GetArrayLength());
        foreach (var (expected, rows) in steps.Zip(answer.GetProperty("steps").EnumerateArray()))
            Same(expected, rows, "level", "Provider", "Workload", "Date");
        // Two days of each workload at each provider.
        Assert.Equal(
            requests.Select(hour => Line(hour, "Date", "Provider", "Workload")).Distinct().Count(),
            answer.GetProperty("leaves").GetInt32()
        );
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Levels_may_be_times_and_whole_numbers(StorageEngine engine)
    {
        var requests = (await HoursAsync(engine)).Where(OfRequests).ToList();
        var times = Sums(requests, "PeriodStart").Select(group => ($"1 {group.Name} null", group.Joules)).Reverse().ToList();
        var deployments = requests
            .Where(hour => Line(hour, "PeriodStart") == "2026-02-01T02:00:00Z")
            .Select(hour => ($"2 2026-02-01T02:00:00Z {hour["DeploymentId"]}", (double?)hour["AcceleratorJoules"]));

        Assert.Equal(6, times.Count);
        Same([times[0], .. deployments, .. times[1..]], answers[engine].Result("levelsOfTime"), "level", "PeriodStart", "DeploymentId");
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_search_narrows_what_is_aggregated(StorageEngine engine)
    {
        var requests = (await HoursAsync(engine)).Where(OfRequests).ToList();
        var found = requests.Where(hour => hour["Workload"] is "chat-70b" or "Chat-70B" or "zz").ToList();
        var padded = requests.Where(hour => hour["Workload"] is " padded\t").ToList();
        var providers = Sums(padded, "Provider");

        Same([("null", Joules(found)), .. Sums(found, "Workload")], answers[engine].Result("searchedSums"), "Workload");
        Same(
            [("1 aws null", providers[0].Joules), ("2 aws  padded\t", providers[0].Joules), ("1 gcp null", providers[1].Joules)],
            answers[engine].Result("searchedLevels"),
            "level",
            "Provider",
            "Workload"
        );
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public void The_metadata_tells_what_a_property_is(StorageEngine engine)
    {
        var metadata = answers[engine].Result("metadata");
        string Of(string name) => metadata.GetProperty(name).ToString();

        Assert.Equal(("J", "JOU", "J/{unit}"), (Of("unit"), Of("code"), Of("ratio")));
        Assert.Equal("Functional units of work done. Never add units of different FunctionalUnit.", Of("description"));
        Assert.Equal("Workload that the deployment serves.", Of("ofNavigation"));
        Assert.Equal(["DeploymentId", "FunctionalUnit", "PeriodStart"], Texts(metadata.GetProperty("key")));
        Assert.Equal(("Edm.DateTimeOffset", "sap.ui.model.odata.type.DateTimeOffset"), (Of("type"), Of("shownAs")));
        Assert.Equal(("True", "Edm.Double"), (Of("searchable"), Of("custom")));
        Assert.Subset(
            Texts(metadata.GetProperty("apply")).ToHashSet(),
            new HashSet<string> { "aggregate", "groupby", "filter", "search", "concat", "orderby", "top", "skip" }
        );
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public void A_filter_by_what_does_not_exist_fails_in_the_words_of_the_service(StorageEngine engine)
    {
        foreach (var name in new[] { "unknown", "unknownDirect" })
        {
            var error = answers[engine].Error(name);
            Assert.Equal(
                (400, "$filter: there is no property 'Nope' here (position 1)."),
                (error.GetProperty("status").GetInt32(), error.GetProperty("message").GetString())
            );
            Assert.Equal(
                ("UnknownProperty", "$filter"),
                (error.GetProperty("error").GetProperty("code").GetString(), error.GetProperty("error").GetProperty("target").GetString())
            );
        }
    }

    private static bool OfRequests(Row hour) => hour["FunctionalUnit"] is "request";

    private static double? Joules(IEnumerable<Row> hours) =>
        hours.Any(hour => hour["AcceleratorJoules"] is not null) ? hours.Sum(hour => (double?)hour["AcceleratorJoules"]) : null;

    // Hours whose energy is unknown do not count, with their work.
    private static double? PerUnit(IEnumerable<Row> hours) =>
        hours.Where(hour => hour["AcceleratorJoules"] is not null).Sum(hour => (double?)hour["Units"]) is > 0 and var units
            ? Joules(hours.Where(hour => hour["Units"] is not null)) / units
            : null;

    private static List<(string Name, double? Joules)> Sums(IEnumerable<Row> hours, params string[] by) =>
        [
            .. hours
                .GroupBy(hour => Line(hour, by))
                .OrderBy(group => group.Key, StringComparer.Ordinal)
                .Select(group => (group.Key, Joules(group))),
        ];

    private static void Same(IEnumerable<(string Name, double? Joules)> expected, JsonElement rows, params string[] by)
    {
        Assert.Equal(expected.Select(group => group.Name), Lines(rows, by));
        foreach (var (group, row) in expected.Zip(rows.EnumerateArray()))
            Near(group.Joules, row.GetProperty("AcceleratorJoules"));
    }

    private static void Near(double? expected, JsonElement actual)
    {
        if (expected is { } number)
            Assert.Equal(number, actual.GetDouble(), Math.Abs(number) * 1e-12);
        else
            Assert.Equal(JsonValueKind.Null, actual.ValueKind);
    }

    private static IEnumerable<string> Ids(IEnumerable<Row> rows) => rows.Select(row => Line(row, "Id"));

    private static IEnumerable<string> Texts(JsonElement texts) => texts.EnumerateArray().Select(text => text.GetString()!);

    private static IEnumerable<string> Lines(JsonElement rows, params string[] columns) =>
        rows.EnumerateArray().Select(row => Line(row, columns));

    // What a total has no value of is not there, which is null here too.
    private static string Line(JsonElement row, params string[] columns) =>
        string.Join(
            ' ',
            columns.Select(column =>
                !row.TryGetProperty(column, out var value)
                    ? "null"
                    : value.ValueKind switch
                    {
                        JsonValueKind.String => value.GetString(),
                        JsonValueKind.Number when value.TryGetInt64(out var whole) => whole.ToString(CultureInfo.InvariantCulture),
                        JsonValueKind.Number => value.GetDouble().ToString("R", CultureInfo.InvariantCulture),
                        _ => value.GetRawText(),
                    }
            )
        );

    private static string Line(Row row, params string[] columns) =>
        string.Join(
            ' ',
            columns.Select(column =>
                row[column] switch
                {
                    null => "null",
                    DateTime time => time.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
                    DateOnly day => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
                    double number => number.ToString("R", CultureInfo.InvariantCulture),
                    var value => Convert.ToString(value, CultureInfo.InvariantCulture),
                }
            )
        );

    private Task<IReadOnlyList<Row>> DeploymentsAsync(StorageEngine engine) =>
        answers[engine].Service.RowsAsync("Deployments", DeploymentColumns);

    /// <summary>All hours in the order of their key.</summary>
    private async Task<List<Row>> HoursAsync(StorageEngine engine) =>
        [
            .. (await answers[engine].Service.RowsAsync("HourlyIntensities", HourColumns))
                .OrderBy(row => (long)row["DeploymentId"]!)
                .ThenBy(row => (string)row["FunctionalUnit"]!, StringComparer.Ordinal)
                .ThenBy(row => (DateTime)row["PeriodStart"]!),
        ];

    private async Task<IEnumerable<string>> KeysAsync(StorageEngine engine) =>
        (await HoursAsync(engine)).Select(row => Line(row, "DeploymentId", "FunctionalUnit", "PeriodStart"));
}

/// <summary>What the model answered on each engine, in one visit of a browser.</summary>
public sealed class OpenUi5Answers : IAsyncLifetime
{
    private readonly NodeFolder node = new(Path.Combine(Here(), "OpenUi5"));
    private readonly PostgresCluster cluster = new();
    private readonly string folder = Directory.CreateTempSubdirectory("metrics-openui5-").FullName;
    private readonly List<ODataService> services = [];
    private readonly Dictionary<StorageEngine, OpenUi5Visit> visits = [];

    internal OpenUi5Visit this[StorageEngine engine] => visits[engine];

    public async Task InitializeAsync()
    {
        await Task.WhenAll(node.InstallAsync(), cluster.InitializeAsync());
        foreach (
            var (engine, connectionString) in new[]
            {
                (StorageEngine.Sqlite, $"Data Source={folder}/metrics.db"),
                (StorageEngine.Postgres, await cluster.CreateDatabaseAsync()),
            }
        )
        {
            var service = await ODataService.StartAsync(engine, connectionString, settings => settings.PageSize = 120);
            services.Add(service);
            // Six hours, three on each side of a change of month.
            await SeededRows.WriteAsync(service, 45, 51);
            var told = await node.RunAsync(
                "driver.cjs",
                environment: new Dictionary<string, string> { ["SERVICE"] = service.Client.BaseAddress!.ToString() }
            );
            visits[engine] = new OpenUi5Visit(service, JsonDocument.Parse(told).RootElement);
        }
    }

    public async Task DisposeAsync()
    {
        foreach (var service in services)
            await service.DisposeAsync();
        SqliteConnection.ClearAllPools();
        await cluster.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    private static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}

/// <summary>The service that was read, and what the functions of page.js returned.</summary>
internal sealed record OpenUi5Visit(ODataService Service, JsonElement Answers)
{
    /// <summary>What a function returned.</summary>
    public JsonElement Result(string name) =>
        Answers.GetProperty(name).TryGetProperty("result", out var result)
            ? result
            : throw new InvalidOperationException($"{name}: {Answers.GetProperty(name)}");

    /// <summary>What a function failed with.</summary>
    public JsonElement Error(string name) => Answers.GetProperty(name).GetProperty("error");

    /// <summary>Requests that the browser sent for a function, as "GET address".</summary>
    public IEnumerable<string> Requests(string name) =>
        Answers.GetProperty(name).GetProperty("requests").EnumerateArray().Select(request => request.GetProperty("line").GetString()!);

    /// <summary>The same of the requests within batches.</summary>
    public IEnumerable<string> Parts(string name) =>
        Answers
            .GetProperty(name)
            .GetProperty("requests")
            .EnumerateArray()
            .SelectMany(request => request.GetProperty("parts").EnumerateArray())
            .Select(part => part.GetString()!);
}
