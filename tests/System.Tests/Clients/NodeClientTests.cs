using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Xml.Linq;
using Metrics.Storage.Engine;
using Metrics.SystemTests.OData;
using Xunit;

namespace Metrics.SystemTests.Clients;

/// <summary>
/// Clients that others publish for Node read the running service as their users do. What they must read is taken from the
/// seeded rows, by hand or by plain SQL.
/// </summary>
[Collection(ODataTests.Name)]
public sealed class NodeClientTests(ODataServices services, NodeClients clients) : IClassFixture<NodeClients>
{
    [Theory]
    [MemberData(nameof(ODataTests.Engines), MemberType = typeof(ODataTests))]
    public async Task What_odata_query_asks_is_answered(StorageEngine engine)
    {
        var rows = await HoursAsync(engine);
        var answer = await clients.AskAsync("odata-query.cjs", services[engine]);

        Func<Row, bool> wanted = row =>
            OnFirstOfFebruary(row) && row["Evidence"] is ("measured" or "estimated") && row["Region"] is ("dc-1" or "eu-west-1");
        Assert.Equal(Page(rows.Where(wanted)), Text(answer, "page", "value"));
        Assert.Equal(rows.Count(wanted), answer.GetProperty("page").GetProperty("@odata.count").GetInt32());

        foreach (
            var (name, keeps) in new (string, Func<Row, bool>)[]
            {
                ("not", row =>
                    row["Evidence"] is not ("measured" or "derived")
                    || row["Model"] is string model && !model.Contains("70b", StringComparison.Ordinal)
                ),
                ("null", row => row["ServerJoules"] is null && row["Units"] is not null),
                ("days", row =>
                    row["Date"] is DateOnly { Year: 2026 } date && (date == new DateOnly(2026, 1, 31) || date == new DateOnly(2026, 2, 1))
                ),
                ("decimal", row => row["AcceleratorJoules"] is < 500000.5),
                ("alias", row => row["Evidence"] is "estimated"),
                ("functions", row =>
                    row["Workload"] is ("chat-70b" or "Chat-70B")
                    && row["PeriodStart"] is DateTime { Month: 2 }
                    && ((string)row["Evidence"]!).Length <= 8
                ),
                ("navigation", row =>
                    row["Region"] is "dc-1" && row["Date"] is DateOnly { DayOfWeek: DayOfWeek.Saturday or DayOfWeek.Sunday }
                ),
            }
        )
        {
            Assert.Equal((name, Count(rows, keeps)), (name, Text(answer, "counts", name)));
        }
        Assert.Equal("\"2\"", Text(answer, "counts", "quotes"));
        Assert.Equal("\"3\"", Text(answer, "counts", "letters"));

        Assert.Equal(
            """[{"DeploymentId":5,"Deployment":{"Workload":"chat-70b","Country":"DE"},"Calendar":{"WeekdayName":"Friday"}}]""",
            Text(answer, "expanded", "value")
        );
        Assert.Equal(
            "chat-70b at onprem/dc-1",
            $"{answer.GetProperty("key").GetProperty("Workload")} at {answer.GetProperty("key").GetProperty("Place")}"
        );
        Assert.Equal("O'Neil's \"batch\"", answer.GetProperty("textKey").GetProperty("Name").GetString());
        Assert.Equal(UnitsOfFive(rows), answer.GetProperty("compositeKey").GetProperty("Units").GetDouble());
        Assert.Equal("""[{"Name":" padded\t","Model":"org/model-70b ","Precision":"fp8"}]""", Text(answer, "search", "value"));
        Assert.Equal(12, answer.GetProperty("compared").GetProperty("value").GetArrayLength());

        var groups = rows.Where(row => row["FunctionalUnit"] is "request" && row["DeploymentId"] is not 9_007_199_254_740_993L)
            .GroupBy(row => (string)row["Evidence"]!)
            .OrderBy(group => group.Key, StringComparer.Ordinal);
        Assert.Equal(
            groups.Select(group =>
                (group.Key, group.Sum(row => (double?)row["Units"]), group.Max(row => (double?)row["AcceleratorJoules"]), group.Count())
            ),
            answer
                .GetProperty("groups")
                .GetProperty("value")
                .EnumerateArray()
                .Select(group =>
                    (
                        group.GetProperty("Evidence").GetString()!,
                        (double?)group.GetProperty("Units").GetDouble(),
                        (double?)group.GetProperty("Most").GetDouble(),
                        group.GetProperty("Hours").GetInt32()
                    )
                )
        );

        Assert.Equal(
            "$filter: there is no property 'Joulez' here (position 1).",
            answer.GetProperty("errors").GetProperty("property").GetProperty("error").GetProperty("message").GetString()
        );
        // No property is a guid, so there is nothing that one could be compared with.
        Assert.Equal("InvalidQuery", answer.GetProperty("errors").GetProperty("guid").GetProperty("error").GetProperty("code").GetString());
    }

    [Theory]
    [MemberData(nameof(ODataTests.Engines), MemberType = typeof(ODataTests))]
    public async Task o_js_reads_rows_one_by_one_and_in_batches(StorageEngine engine)
    {
        var rows = await HoursAsync(engine);
        var answer = await clients.AskAsync("o.cjs", services[engine]);

        Assert.Equal(
            """
            [{"Id":288,"Source":"cloud","EndedAt":"2026-01-30T04:52:17Z"},{"Id":281,"Source":"cloud","EndedAt":null},{"Id":274,
            "Source":"rack-7","EndedAt":"2026-01-30T04:38:03Z"}]
            """.ReplaceLineEndings(""),
            Text(answer, "rows")
        );
        Assert.Equal(
            ["O'Neil's \"batch\"", "O'Neil's \"batch\"", "übersetzer 日本 🔥", "übersetzer 日本 🔥"],
            answer
                .GetProperty("built")
                .EnumerateArray()
                .Select(row => row.GetProperty("Workload").GetString())
                .Order(StringComparer.Ordinal)
        );
        Assert.Equal(
            """[{"DeploymentId":5,"Deployment":{"Country":"DE"},"Calendar":{"WeekdayName":"Friday"}}]""",
            Text(answer, "expanded")
        );
        Assert.Equal("chat-70b", answer.GetProperty("one").GetProperty("Workload").GetString());
        Assert.Equal(60, answer.GetProperty("count").GetInt32());
        Assert.Equal(300, answer.GetProperty("counted").GetProperty("@odata.count").GetInt32());
        Assert.Equal("""[{"Id":"cloud"},{"Id":"rack/7 'a'"}]""", answer.GetProperty("several")[1].GetRawText());

        var first = JsonSerializer.Serialize(
            rows.Where(row => row["DeploymentId"] is 5L)
                .OrderBy(row => row["PeriodStart"])
                .ThenBy(row => (string)row["FunctionalUnit"]!, StringComparer.Ordinal)
                .Take(2)
                .Select(row => new { FunctionalUnit = row["FunctionalUnit"], Units = row["Units"] })
        );
        foreach (var name in new[] { "batch", "relativeBatch" })
        {
            var batch = answer.GetProperty(name);
            Assert.Equal([200, 200, 200], batch.EnumerateArray().Select(part => part.GetProperty("status").GetInt32()));
            Assert.Equal("chat-70b", batch[0].GetProperty("body").GetProperty("Workload").GetString());
            Assert.Equal(300, batch[1].GetProperty("body").GetInt32());
            Assert.Equal(first, Text(batch[2], "body"));
        }

        Assert.Equal(400, answer.GetProperty("refused").GetProperty("status").GetInt32());
        Assert.Equal(
            "$filter: there is no property 'Sauce' here (position 1).",
            answer.GetProperty("refused").GetProperty("error").GetProperty("message").GetString()
        );
        Assert.Equal(
            [200, 400],
            answer.GetProperty("refusedInBatch").EnumerateArray().Select(part => part.GetProperty("status").GetInt32())
        );
        Assert.Equal(
            "There is no property 'Sauce' to select.",
            answer.GetProperty("refusedInBatch")[1].GetProperty("body").GetProperty("error").GetProperty("message").GetString()
        );
    }

    [Theory]
    [MemberData(nameof(ODataTests.Engines), MemberType = typeof(ODataTests))]
    public async Task The_store_of_DevExtreme_filters_sorts_pages_and_counts(StorageEngine engine)
    {
        var rows = await HoursAsync(engine);
        var answer = await clients.AskAsync("devextreme.cjs", services[engine]);

        Func<Row, bool> wanted = row => OnFirstOfFebruary(row) && row["Evidence"] is ("measured" or "estimated");
        Assert.Equal(Page(rows.Where(wanted)), Text(answer, "page", "data"));
        Assert.Equal(rows.Count(wanted), answer.GetProperty("page").GetProperty("totalCount").GetInt32());
        Assert.Equal(
            """[{"DeploymentId":5,"Deployment":{"Country":"DE"},"Calendar":{"WeekdayName":"Friday"}}]""",
            Text(answer, "expanded", "data")
        );

        var not = rows.Count(row => row["Region"] is not "dc-1" && row["ServerJoules"] is not null);
        var typed = rows.Count(row => row["AcceleratorJoules"] is > 500000.5 && row["Units"] is >= 2.5 && OnFirstOfFebruary(row));
        // It compares texts in lower case unless told otherwise.
        Assert.Equal(
            $$"""{"contains":4,"notContains":8,"lower":4,"letters":5,"not":{{not}},"typed":{{typed}},"large":1}""",
            Text(answer, "counts")
        );
        Assert.Equal(7_305, answer.GetProperty("pages").GetInt32());

        Assert.Equal("Chat-70B", answer.GetProperty("one").GetProperty("Workload").GetString());
        Assert.Equal("O'Neil's \"batch\"", answer.GetProperty("oneByText").GetProperty("Name").GetString());
        Assert.Equal(UnitsOfFive(rows), answer.GetProperty("oneByThree").GetProperty("Units").GetDouble());
        Assert.Equal("DE", answer.GetProperty("oneByThree").GetProperty("Deployment").GetProperty("Country").GetString());
        Assert.Equal($"[[{new DateTimeOffset(2026, 1, 30, 0, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds()},null]]", Text(answer, "dates"));

        Assert.Equal(
            """{"message":"$filter: there is no property 'Joulez' here (position 1).","status":400,"code":"UnknownProperty"}""",
            Text(answer, "refused")
        );
        Assert.Equal("""{"message":"Deployments has no entity with this key.","status":404,"code":"NotFound"}""", Text(answer, "missing"));
    }

    [Theory]
    [MemberData(nameof(ODataTests.Engines), MemberType = typeof(ODataTests))]
    public async Task CAP_imports_the_model_and_reads_through_it(StorageEngine engine)
    {
        var rows = await HoursAsync(engine);
        var answer = await clients.AskAsync("cap.cjs", services[engine]);

        Assert.Equal(
            (await ModelAsync(engine)).Keys.Order(StringComparer.Ordinal),
            answer.GetProperty("entities").EnumerateArray().Select(name => name.GetString()!).Order(StringComparer.Ordinal)
        );
        Assert.Equal(
            """
            {"DeploymentId":"cds.Integer64","FunctionalUnit":"cds.String","PeriodStart":"cds.Timestamp","Date":"cds.Date",
            "DateKey":"cds.Integer","Units":"cds.Double"}
            """.ReplaceLineEndings(""),
            Text(answer, "types")
        );
        Assert.Equal("""["DeploymentId","FunctionalUnit","PeriodStart"]""", Text(answer, "keys"));

        Assert.Equal(
            Page(rows.Where(row => OnFirstOfFebruary(row) && row["Evidence"] is ("measured" or "estimated") && row["Region"] is "dc-1")),
            Text(answer, "page")
        );
        Assert.Equal(
            """
            [{"DeploymentId":5,"PeriodStart":"2026-01-30T00:00:00Z","Deployment":{"Workload":"chat-70b","Country":"DE"},
            "Calendar":{"WeekdayName":"Friday"}}]
            """.ReplaceLineEndings(""),
            Text(answer, "expanded")
        );
        var navigated = rows.Where(row => row["Region"] is "dc-1" && row["FunctionalUnit"] is "request")
            .OrderBy(row => row["PeriodStart"])
            .ThenBy(row => row["DeploymentId"])
            .Take(2);
        Assert.Equal(JsonSerializer.Serialize(navigated.Select(row => new { Units = row["Units"] })), Text(answer, "byNavigation"));
        Assert.Equal("""[{"Id":281},{"Id":211},{"Id":141},{"Id":71},{"Id":1}]""", Text(answer, "nulls"));
        Assert.Equal(
            """[{"Name":"O'Neil's \"batch\""},{"Name":"a%b_c\\d"},{"Name":"chat-70b"},{"Name":"übersetzer 日本 🔥"}]""",
            Text(answer, "patterns")
        );
        Assert.Equal("""[{"Id":6},{"Id":7},{"Id":8},{"Id":9}]""", Text(answer, "between"));

        Assert.Equal(
            """
            {"Id":5,"Workload":"chat-70b","Model":"org/model-70b","Precision":null,"Provider":"onprem","Account":null,"Region":"dc-1",
            "Place":"onprem/dc-1","Country":"DE","Hardware":"NVIDIA H100 80GB HBM3","Accelerators":0}
            """.ReplaceLineEndings(""),
            Text(answer, "one")
        );
        Assert.Equal("""{"Name":"O'Neil's \"batch\"","Model":null,"Precision":"fp8"}""", Text(answer, "oneByText"));
        Assert.Equal(UnitsOfFive(rows), answer.GetProperty("oneByThree").GetProperty("Units").GetDouble());
        Assert.Equal("""{"Id":"9007199254740993","Workload":"Chat-70B"}""", Text(answer, "large"));
        Assert.Equal("""{"rows":[{"Id":1},{"Id":8}],"count":43}""", Text(answer, "counted"));
        Assert.Equal("43", Text(answer, "count"));
        Assert.Equal("""[{"Name":" padded\t"}]""", Text(answer, "searched"));
        Assert.Equal(
            rows.GroupBy(row => (string)row["Evidence"]!)
                .OrderBy(group => group.Key, StringComparer.Ordinal)
                .Select(group => (group.Key, group.Count())),
            answer
                .GetProperty("groups")
                .EnumerateArray()
                .Select(group => (group.GetProperty("Evidence").GetString()!, group.GetProperty("Hours").GetInt32()))
        );
        Assert.Equal("12", Text(answer, "compared"));

        Assert.Equal(
            """
            {"message":"Error during request to remote service: $filter: there is no property 'Sauce' here (position 1).","status":400,
            "told":"$filter: there is no property 'Sauce' here (position 1)."}
            """.ReplaceLineEndings(""),
            Text(answer, "refused")
        );
        Assert.Equal(
            """
            {"message":"Error during request to remote service: Deployments has no entity with this key.","status":404,
            "told":"Deployments has no entity with this key."}
            """.ReplaceLineEndings(""),
            Text(answer, "missing")
        );
    }

    [Theory]
    [MemberData(nameof(ODataTests.Engines), MemberType = typeof(ODataTests))]
    public async Task What_odata2ts_generates_has_the_types_of_the_model_and_reads(StorageEngine engine)
    {
        var rows = await HoursAsync(engine);
        var answer = await clients.AskAsync("odata2ts.cjs", services[engine]);

        foreach (var (set, (type, properties)) in await ModelAsync(engine))
        {
            var generated = answer.GetProperty("types").GetProperty(type);
            Assert.Equal(
                properties.Select(property =>
                    (
                        set,
                        property.Name,
                        property.Type switch
                        {
                            "Edm.Int32" or "Edm.Double" => "number",
                            "Edm.Boolean" => "boolean",
                            _ => "string",
                        } + (property.Nullable ? " | null" : "")
                    )
                ),
                properties.Select(property => (set, property.Name, generated.GetProperty(property.Name).GetString()!))
            );
        }
        Assert.Equal("Deployment", answer.GetProperty("types").GetProperty("HourlyIntensity").GetProperty("Deployment").GetString());
        Assert.Equal("CalendarDay | null", answer.GetProperty("types").GetProperty("HourlyIntensity").GetProperty("Calendar").GetString());

        Func<Row, bool> wanted = row =>
            OnFirstOfFebruary(row) && row["Evidence"] is ("measured" or "estimated") && row["Region"] is ("dc-1" or "eu-west-1");
        Assert.Equal(Page(rows.Where(wanted), idsAsText: true), Text(answer, "page", "value"));
        Assert.Equal(Count(rows, wanted), Text(answer, "page", "@odata.count"));
        Assert.Equal(
            """[{"DeploymentId":"5","Deployment":{"Workload":"chat-70b","Country":"DE"},"Calendar":{"WeekdayName":"Friday"}}]""",
            Text(answer, "expanded")
        );
        Assert.Equal(
            ["derived", "estimated", "measured", "modelled"],
            answer
                .GetProperty("groups")
                .EnumerateArray()
                .Select(group => group.GetProperty("Evidence").GetString())
                .Order(StringComparer.Ordinal)
        );
        Assert.Equal(
            "9007199254740993 Chat-70B",
            $"{answer.GetProperty("one").GetProperty("Id")} {answer.GetProperty("one").GetProperty("Workload")}"
        );
        Assert.Equal("modèle-é", answer.GetProperty("oneByText").GetProperty("Model").GetString());
        Assert.Equal(UnitsOfFive(rows), answer.GetProperty("oneByThree").GetProperty("Units").GetDouble());
        Assert.Equal("12", Text(answer, "compared"));

        Assert.Equal(
            """{"message":"OData server responded with error: $filter: there is no property 'Units' here (position 1).","status":400}""",
            Text(answer, "refused")
        );
        Assert.Equal(
            """{"message":"OData server responded with error: Deployments has no entity with this key.","status":404}""",
            Text(answer, "missing")
        );
    }

    [Fact]
    public async Task The_JSON_of_the_model_is_what_odata_csdl_makes_of_its_XML()
    {
        var answer = await clients.AskAsync("odata-csdl.cjs", services[StorageEngine.Sqlite]);

        // The types of 17 sets, the row and the function of Compare, and the container.
        Assert.Equal(20, answer.GetProperty("members").GetInt32());
        Assert.Equal(
            [
                // A member more than the format asks for.
                """{"path":"Metrics Container Compare $Kind","ours":"FunctionImport"}""",
            ],
            answer.GetProperty("differences").EnumerateArray().Select(difference => difference.GetRawText())
        );
    }

    private Task<IReadOnlyList<Row>> HoursAsync(StorageEngine engine) =>
        services[engine].RowsAsync("HourlyIntensities", ODataRandomQueryTests.Types);

    /// <summary>Name, type and properties of each set, from the published XML.</summary>
    private async Task<Dictionary<string, (string Type, List<(string Name, string Type, bool Nullable)> Properties)>> ModelAsync(
        StorageEngine engine
    )
    {
        XNamespace edm = "http://docs.oasis-open.org/odata/ns/edm";
        var model = XDocument.Parse(await services[engine].Client.GetStringAsync("$metadata"));
        var types = model.Descendants(edm + "EntityType").ToDictionary(type => (string)type.Attribute("Name")!);
        return model
            .Descendants(edm + "EntitySet")
            .ToDictionary(
                set => (string)set.Attribute("Name")!,
                set =>
                {
                    var full = (string)set.Attribute("EntityType")!;
                    var name = full[(full.LastIndexOf('.') + 1)..];
                    return (
                        name,
                        types[name]
                            .Elements(edm + "Property")
                            .Select(property =>
                                (
                                    (string)property.Attribute("Name")!,
                                    (string)property.Attribute("Type")!,
                                    (bool?)property.Attribute("Nullable") != false
                                )
                            )
                            .ToList()
                    );
                }
            );
    }

    private static bool OnFirstOfFebruary(Row row) => row["Date"] is DateOnly { Month: 2, Day: 1 };

    private static double UnitsOfFive(IReadOnlyList<Row> rows) =>
        (double)
            rows.Single(row =>
                row["DeploymentId"] is 5L
                && row["FunctionalUnit"] is "request"
                && row["PeriodStart"] is DateTime { Month: 2, Day: 1, Hour: 0 }
            )["Units"]!;

    /// <summary>The seven rows after the first three, newest first, as the clients' scripts ask for them.</summary>
    private static string Page(IEnumerable<Row> rows, bool idsAsText = false) =>
        JsonSerializer.Serialize(
            rows.OrderByDescending(row => row["PeriodStart"])
                .ThenBy(row => row["DeploymentId"])
                .ThenBy(row => (string)row["FunctionalUnit"]!, StringComparer.Ordinal)
                .Skip(3)
                .Take(7)
                .Select(row => new
                {
                    DeploymentId = idsAsText ? row["DeploymentId"]!.ToString() : row["DeploymentId"],
                    FunctionalUnit = row["FunctionalUnit"],
                    PeriodStart = ((DateTime)row["PeriodStart"]!).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
                    Units = row["Units"],
                })
        );

    /// <summary>The number of rows as the clients get it that read a plain count as text or ask for 64-bit numbers as texts.</summary>
    private static string Count(IEnumerable<Row> rows, Func<Row, bool> keeps) =>
        string.Create(CultureInfo.InvariantCulture, $"\"{rows.Count(keeps)}\"");

    private static string Text(JsonElement answer, params string[] path) =>
        path.Aggregate(answer, (at, name) => at.GetProperty(name)).GetRawText();
}

/// <summary>The clients, installed once from their lock file.</summary>
public sealed class NodeClients : IAsyncLifetime
{
    private readonly NodeFolder folder = new(Path.Combine(Here(), "Node"));

    public Task InitializeAsync() => folder.InstallAsync();

    public Task DisposeAsync() => Task.CompletedTask;

    /// <summary>What a client's script read from the service.</summary>
    public async Task<JsonElement> AskAsync(string script, ODataService service)
    {
        // DevExtreme takes the local time of a date for that of UTC.
        var answer = await folder.RunAsync(
            script,
            service.Client.BaseAddress!.ToString().TrimEnd('/'),
            new Dictionary<string, string> { ["TZ"] = "UTC" }
        );
        return JsonDocument.Parse(answer).RootElement;
    }

    private static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
