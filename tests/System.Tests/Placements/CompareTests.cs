using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Xml.Linq;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Quantities;
using Metrics.Storage.Engine;
using Metrics.Storage.Schema.Tables;
using Metrics.SystemTests.Storage;
using Xunit;

namespace Metrics.SystemTests.Placements;

/// <summary>One comparison, asked in two forms: by <c>/api/placements</c> and by the OData function <c>Compare</c>.</summary>
public sealed class CompareTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>
{
    private const string Period = "from=2026-01-15T00:00:00Z,to=2026-01-15T04:00:00Z";
    private static readonly DateTime Day = new(2026, 1, 15, 0, 0, 0, DateTimeKind.Utc);
    private static readonly UnitConversions Declared = new(new UnitConversion("workflow", "request", 12));

    public static TheoryData<StorageEngine> Engines { get; } = [StorageEngine.Sqlite, StorageEngine.Postgres];

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_ranking_has_bounds_and_says_where_its_order_is_not_certain(StorageEngine engine)
    {
        await using var service = await StartAsync(engine);

        Assert.Equal(
            [
                "1.1 b 2.8 [2.66 2.94] J, - [- -] g, saves 0.5333, certain False",
                "1.2 a 3 [2.85 3.15] J, 0.001 [0.000955 0.001045] g, saves 0.5, certain False",
                "1.3 c 6 [5.7 6.3] J, 0.00025 [0.00024 0.00026] g, saves 0, certain True",
            ],
            await RankedAsync(service, $"unit='output-token',{Period}")
        );
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Active_only_leaves_idle_energy_out_and_what_nobody_knows_to_be_idle_is_not_ranked(StorageEngine engine)
    {
        await using var service = await StartAsync(engine);

        // Of a's servers a quarter was idle; c's never were.
        Assert.Equal(
            [
                "1.1 a 2.25 [2.1375 2.3625] J, 0.000775 [0.000740125 0.000809875] g, saves 0.625, certain True",
                "1.2 c 6 [5.7 6.3] J, 0.00025 [0.00024 0.00026] g, saves 0, certain True",
                "-.- b - [- -] J, - [- -] g, saves -, certain -: no joules per output-token: busy_unknown (nothing tells when its "
                    + "hardware was idle); coverage 0 is below the minimum of 0.9",
            ],
            await RankedAsync(service, $"unit='output-token',idlePolicy='active-only',{Period}")
        );
        // Of the server's joules the bounds are those of the facility without its PUE.
        Assert.Equal(
            "1.1 a 1.5 [1.425 1.575] J, 0.000775 [0.000740125 0.000809875] g, saves 0.625, certain True",
            (await RankedAsync(service, $"unit='output-token',boundary='server',idlePolicy='active-only',{Period}"))[0]
        );
        Assert.Equal(
            "-.- a - [- -] J, 0.000775 [0.000740125 0.000809875] g, saves -, certain -: no joules per output-token: "
                + "accelerator_idle_unknown (its idle energy is known of whole servers and not of the accelerators alone); "
                + "coverage 0 is below the minimum of 0.9",
            (await RankedAsync(service, $"unit='output-token',boundary='accelerator',idlePolicy='active-only',{Period}"))[0]
        );
        Assert.Equal(
            "1.1 a 1.2 [1.14 1.26] J, 0.001 [0.000955 0.001045] g, saves -, certain -",
            (await RankedAsync(service, $"unit='output-token',boundary='accelerator',{Period}"))[0]
        );
    }

    [Theory(DisplayName = "T13 a ranking by carbon is location-based with embodied; who has market-based grams alone is left out")]
    [MemberData(nameof(Engines))]
    public async Task Market_based_is_never_ranked(StorageEngine engine)
    {
        await using var service = await StartAsync(engine);

        Assert.Equal(
            [
                "1.1 c 6 [5.7 6.3] J, 0.00025 [0.00024 0.00026] g, saves 0.75, certain True",
                "1.2 a 3 [2.85 3.15] J, 0.001 [0.000955 0.001045] g, saves 0, certain True",
                "-.- b 2.8 [2.66 2.94] J, - [- -] g, saves -, certain -: no grams per output-token: grid_unknown (no location-based "
                    + "average intensity of its grid is known); coverage 0 is below the minimum of 0.9",
            ],
            await RankedAsync(service, $"unit='output-token',by='carbon',{Period}")
        );
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Grams_or_idle_joules_of_a_part_of_an_hour_count_with_its_work_and_time(StorageEngine engine)
    {
        await using var service = await StartAsync(engine, later: row =>
        {
            // The last hour of c has the grid for half of it: 0.1 g instead of 0.2 g, and its score is of that half. Of the last hour of a
            // nothing is known of the idle part.
            if (row is { DeploymentId: 3, PeriodStart.Hour: 3 })
            {
                (row.OperationalGrams, row.Missing) = (0.1, MissingReasons.GridUnknown | MissingReasons.WueUnknown);
                (row["MatchedSciGrams"], row["SciMatchedUnits"], row["SciMatchedSeconds"]) = (0.125, 500.0, 1800.0);
                (row["MatchedLowSciGrams"], row["MatchedHighSciGrams"]) = (0.12, 0.13);
            }
            if (row is { DeploymentId: 1, PeriodStart.Hour: 3 })
            {
                (row.IdleJoules, row.Missing) = (1900, MissingReasons.ServerUnmetered);
                (row["MatchedActiveJoules"], row["ActiveMatchedUnits"], row["ActiveMatchedSeconds"]) = (null, null, null);
                (row["MatchedActiveSciGrams"], row["ActiveSciMatchedUnits"], row["ActiveSciMatchedSeconds"]) = (null, null, null);
            }
        });

        Assert.Equal(
            [
                "1.1 c 6 [5.7 6.3] J, 0.00025 [0.00024 0.00026] g, saves 0.75, certain True",
                "1.2 a 3 [2.85 3.15] J, 0.001 [0.000955 0.001045] g, saves 0, certain True",
            ],
            (await RankedAsync(service, $"unit='output-token',by='carbon',minCoverage=0.75,{Period}"))[..2]
        );
        Assert.Contains(
            "1.1 a 2.25 [2.1375 2.3625] J, 0.000775 [0.000740125 0.000809875] g, saves 0.625, certain True",
            await RankedAsync(service, $"unit='output-token',idlePolicy='active-only',minCoverage=0.75,{Period}")
        );
        Assert.Contains(
            "-.- c 6 [5.7 6.3] J, 0.00025 [0.00024 0.00026] g, saves -, certain -: coverage 0.875 is below the minimum of 0.9",
            await RankedAsync(service, $"unit='output-token',by='carbon',{Period}")
        );
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Work_counted_in_another_unit_joins_by_a_declared_conversion_and_says_so(StorageEngine engine)
    {
        await using var service = await StartAsync(engine, Declared);

        // d: 240 J and 120 requests an hour, ten workflows.
        Assert.Equal(
            [
                "1.1 d 24 [- -] J, - [- -] g, saves 0.5, certain -, 1 workflow = 12 requests",
                "1.2 e 48 [- -] J, - [- -] g, saves 0, certain -",
            ],
            await RankedAsync(service, $"unit='workflow',{Period}")
        );
    }

    [Fact]
    public async Task Without_a_declared_conversion_other_units_stay_apart()
    {
        await using var service = await StartAsync(StorageEngine.Sqlite);

        Assert.Equal(["1.1 e 48 [- -] J, - [- -] g, saves -, certain -"], await RankedAsync(service, $"unit='workflow',{Period}"));
    }

    [Theory]
    [InlineData("unit='output-token'")]
    [InlineData("unit='output-token',by='carbon',idlePolicy='active-only',minCoverage=0.5,evidence='estimated'")]
    [InlineData("unit='workflow',model=null,boundary='server'")]
    [InlineData("unit='request',model='org/model'")]
    public async Task Both_forms_tell_the_same(string arguments)
    {
        await using var service = await StartAsync(StorageEngine.Sqlite, Declared);

        var answer = await service.AskAsync(
            string.Join(
                    '&',
                    arguments
                        .Split(',')
                        .Where(argument => !argument.EndsWith("=null", StringComparison.Ordinal))
                        .Append("from=2026-01-15")
                        .Append("to=2026-01-15T04:00Z")
                )
                .Replace("'", "", StringComparison.Ordinal)
        );
        var table = (await service.GetAsync($"/odata/Compare({arguments},{Period})")).GetProperty("value");

        var told = new List<string>();
        foreach (var (group, at) in answer.GetProperty("groups").EnumerateArray().Select((group, at) => (group, at + 1)))
            told.AddRange(
                group
                    .GetProperty("ranked")
                    .EnumerateArray()
                    .Select(
                        (one, place) =>
                            Line(one, Camel, $"{at}.{place + 1}", string.Join("; ", group.GetProperty("differs").EnumerateArray()))
                    )
            );
        told.AddRange(answer.GetProperty("leftOut").EnumerateArray().Select(one => Line(one, Camel, ".", "")));
        Assert.NotEmpty(told);
        Assert.Equal(
            told,
            table.EnumerateArray().Select(row => Line(row, name => name, $"{Text(row, "Group")}.{Text(row, "Rank")}", Text(row, "Differs")))
        );

        static string Camel(string name) => char.ToLowerInvariant(name[0]) + name[1..];
        static string Line(JsonElement row, Func<string, string> named, string place, string differs) =>
            $"{place} ({differs}) "
            + string.Join(
                '|',
                new[]
                {
                    "DeploymentId",
                    "Workload",
                    "Model",
                    "Precision",
                    "Provider",
                    "Region",
                    "Hardware",
                    "Converted",
                    "Boundary",
                    "JoulesPerUnit",
                    "LowJoulesPerUnit",
                    "HighJoulesPerUnit",
                    "GramsPerUnit",
                    "LowGramsPerUnit",
                    "HighGramsPerUnit",
                    "Joules",
                    "Grams",
                    "Units",
                    "Coverage",
                    "Evidence",
                    "MeasuredShare",
                    "SavingAgainstWorst",
                    "Certain",
                    "Reasons",
                    "Missing",
                }.Select(name => Text(row, named(name)))
            );
        static string Text(JsonElement row, string name) =>
            row.GetProperty(name) switch
            {
                { ValueKind: JsonValueKind.Array } list => string.Join(name is "missing" ? " " : "; ", list.EnumerateArray()),
                var value => value.ToString(),
            };
    }

    [Fact]
    public async Task The_table_is_this_json()
    {
        await using var service = await StartAsync(StorageEngine.Sqlite);

        Assert.Equal(
            $$"""
            {"@odata.context":"{{service.Client.BaseAddress}}odata/$metadata#Collection(Metrics.ComparedDeployment)","value":[
            {"Group":1,"Rank":1,"Certain":null,"DeploymentId":5,"Workload":"flow","Model":null,"Precision":null,"Provider":"onprem",
            "Region":"e","Hardware":null,
            "FunctionalUnit":"workflow","Converted":null,"Boundary":"facility","IdlePolicy":"provisioned","CarbonMethod":null,
            "JoulesPerUnit":48,"LowJoulesPerUnit":null,
            "HighJoulesPerUnit":null,"GramsPerUnit":null,"LowGramsPerUnit":null,"HighGramsPerUnit":null,"Joules":1920,"Grams":null,
            "Units":40,"Coverage":1,"Evidence":"measured",
            "MeasuredShare":1,"SavingAgainstWorst":null,"Differs":null,"Reasons":null,"FactorVersion":"pue:onprem/e@config",
            "Missing":"grid_unknown",
            "PeriodStart":"2026-01-15T00:00:00Z","PeriodEnd":"2026-01-15T04:00:00Z"}]}
            """.ReplaceLineEndings(""),
            (await service.GetAsync($"/odata/Compare(unit='workflow',{Period})")).GetRawText()
        );
    }

    [Theory]
    [InlineData("Compare(unit=@u,from=@f,to=@t)?@u='workflow'&@f=2026-01-15T00:00:00Z&@t=2026-01-15T04:00:00Z")]
    [InlineData("Compare(unit='workflow',from=2026-01-15,to=2026-01-15T05:00:00%2B01:00)")]
    [InlineData(
        "Compare(to=2026-01-15T04:00:00Z,%20from='2026-01-15T00:00:00Z',%20unit=%27workflow%27,minCoverage=@m)?@m=0.5&$format=json"
    )]
    public async Task A_call_is_understood_with_aliases_blanks_encodings_and_in_any_order(string call)
    {
        await using var service = await StartAsync(StorageEngine.Sqlite);

        Assert.Equal(
            48,
            Assert
                .Single((await service.GetAsync($"/odata/{call}")).GetProperty("value").EnumerateArray())
                .GetProperty("JoulesPerUnit")
                .GetDouble()
        );
    }

    [Fact]
    public async Task What_the_client_prefers_is_done_for_a_function_too()
    {
        await using var service = await StartAsync(StorageEngine.Sqlite);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/odata/Compare(unit='workflow',{Period})");
        request.Headers.TryAddWithoutValidation("Accept", "application/json;odata.metadata=full;IEEE754Compatible=true");
        request.Headers.Add("Prefer", "omit-values=nulls");

        using var response = await service.Client.SendAsync(request);
        var row = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("value")[0];

        Assert.Equal("omit-values=nulls", Assert.Single(response.Headers.GetValues("Preference-Applied")));
        Assert.Equal(
            ("#Metrics.ComparedDeployment", "5", "#Int64"),
            (
                row.GetProperty("@odata.type").GetString(),
                row.GetProperty("DeploymentId").GetString(),
                row.GetProperty("DeploymentId@odata.type").GetString()
            )
        );
        Assert.False(row.TryGetProperty("Model", out _));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_part_of_the_table_is_told_with_the_number_of_all_its_rows(StorageEngine engine)
    {
        await using var service = await StartAsync(engine);
        var whole = (await service.GetAsync($"/odata/Compare(unit='output-token',{Period})"))
            .GetProperty("value")
            .EnumerateArray()
            .Select(row => row.GetRawText())
            .ToList();

        var part = await service.GetAsync($"/odata/Compare(unit='output-token',{Period})?$skip=1&$top=1&$count=true");

        Assert.True(whole.Count > 2);
        Assert.Equal(whole.Count, part.GetProperty("@odata.count").GetInt32());
        Assert.Equal([whole[1]], part.GetProperty("value").EnumerateArray().Select(row => row.GetRawText()));
    }

    [Theory]
    [InlineData("Compare", 400, "InvalidParameter", "'unit' is missing: say what work is counted in.")]
    [InlineData("Compare()", 400, "InvalidParameter", "'unit' is missing")]
    [InlineData("Compare(unit=token)", 400, "InvalidParameter", "unit is a text: write unit='token'.")]
    [InlineData("Compare(unit='tokens',boundary='gpu')", 400, "InvalidParameter", "'gpu' is not a boundary.")]
    [InlineData("Compare(unit='tokens',boundary='gpu')", 400, "InvalidParameter", "'tokens' is not a functional unit.")]
    [InlineData(
        "Compare(unit='token',bondary='server')",
        400,
        "InvalidParameter",
        "'bondary' is not a parameter. Parameters are: unit, model, boundary, by, idlePolicy, from, to, minCoverage, evidence."
    )]
    [InlineData("Compare(unit='token',unit='request')", 400, "InvalidParameter", "'unit' is given 2 times")]
    [InlineData("Compare(unit='token)", 400, "InvalidParameter", "the text of unit has no closing quote")]
    [InlineData("Compare(unit='token' 'request')", 400, "InvalidParameter", "a comma or the end is expected")]
    [InlineData("Compare('token')", 400, "InvalidParameter", "cannot be read from ''token'' on: write name=value")]
    [InlineData("Compare(unit=@u)", 400, "InvalidParameter", "unit is @u, and there is no such parameter alias")]
    [InlineData("Compare(unit='token',minCoverage=2)", 400, "InvalidParameter", "minCoverage '2' is not a share from 0 to 1")]
    [InlineData(
        "Compare(unit='token',from=2026-01-16,to=2026-01-15)",
        400,
        "InvalidParameter",
        "from 2026-01-16T00:00:00Z is not before to 2026-01-15T00:00:00Z."
    )]
    [InlineData("Compare(unit='token'", 400, "InvalidPath", "has no closing parenthesis")]
    [InlineData(
        "Compare(unit='token')?$filter=Rank eq 1",
        501,
        "NotSupported",
        "The query option $filter on the function Compare is not supported"
    )]
    [InlineData("Compare(unit='token')?$orderby=Rank", 501, "NotSupported", "The query option $orderby on the function Compare")]
    [InlineData("Compare(unit='token')?$apply=aggregate(Joules with sum as J)", 501, "NotSupported", "$apply")]
    [InlineData("Compare(unit='token')/$count", 501, "NotSupported", "'$count' after a function")]
    [InlineData("Comparison(unit='token')", 404, "NotFound", "There is nothing here")]
    public async Task A_call_that_cannot_be_answered_is_refused_as_elsewhere(string call, int status, string code, string words)
    {
        await using var service = await StartAsync(StorageEngine.Sqlite);

        using var response = await service.Client.GetAsync($"/odata/{call}");
        var body = await response.Content.ReadAsStringAsync();

        Assert.True(status == (int)response.StatusCode, body);
        var error = JsonDocument.Parse(body).RootElement.GetProperty("error");
        Assert.Equal(code, error.GetProperty("code").GetString());
        Assert.Contains(words, error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_without_its_tables_is_told_as_unavailable()
    {
        await using var service = await PlacementService.StartAsync(await TestStorage.EmptyAsync(cluster, StorageEngine.Sqlite));

        using var response = await service.Client.GetAsync("/odata/Compare(unit='token')");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal(
            "StorageUnavailable",
            JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("error").GetProperty("code").GetString()
        );
    }

    [Fact]
    public async Task The_metadata_describe_the_function_its_parameters_and_every_column()
    {
        await using var service = await StartAsync(StorageEngine.Sqlite);
        XNamespace edm = "http://docs.oasis-open.org/odata/ns/edm";

        var schema = XDocument.Parse(await service.Client.GetStringAsync("/odata/$metadata")).Descendants(edm + "Schema").Single();

        var function = schema.Element(edm + "Function")!;
        Assert.Equal(
            ("Compare", "Collection(Metrics.ComparedDeployment)"),
            (function.Attribute("Name")!.Value, function.Element(edm + "ReturnType")!.Attribute("Type")!.Value)
        );
        Assert.Equal(
            ["unit", "model", "boundary", "by", "idlePolicy", "from", "to", "minCoverage", "evidence"],
            function.Elements(edm + "Parameter").Select(parameter => parameter.Attribute("Name")!.Value)
        );
        Assert.All(function.Elements(edm + "Parameter").Skip(1), parameter =>
            Assert.Contains(parameter.Elements(edm + "Annotation"), annotation =>
                annotation.Attribute("Term")!.Value.EndsWith("Core.OptionalParameter", StringComparison.Ordinal)
            )
        );
        Assert.Equal("Metrics.Compare", schema.Descendants(edm + "FunctionImport").Single().Attribute("Function")!.Value);
        var columns = schema
            .Elements(edm + "ComplexType")
            .Single(type => type.Attribute("Name")!.Value == "ComparedDeployment")
            .Elements(edm + "Property")
            .ToList();
        Assert.All(columns, column =>
            Assert.Contains(column.Elements(edm + "Annotation"), annotation =>
                annotation.Attribute("Term")!.Value.EndsWith("Core.Description", StringComparison.Ordinal)
            )
        );
        var row = (await service.GetAsync($"/odata/Compare(unit='workflow',{Period})")).GetProperty("value")[0];
        Assert.Equal(columns.Select(column => column.Attribute("Name")!.Value), row.EnumerateObject().Select(property => property.Name));
    }

    private static async Task<string[]> RankedAsync(PlacementService service, string arguments)
    {
        var table = await service.GetAsync($"/odata/Compare({arguments})");
        return
        [
            .. table
                .GetProperty("value")
                .EnumerateArray()
                .Where(row => row.GetProperty("Workload").GetString() is "chat" or "flow")
                .Select(row =>
                    $"{Number(row, "Group")}.{Number(row, "Rank")} {row.GetProperty("Region").GetString()} "
                    + $"{Number(row, "JoulesPerUnit")} [{Number(row, "LowJoulesPerUnit")} {Number(row, "HighJoulesPerUnit")}] J, "
                    + $"{Number(row, "GramsPerUnit")} [{Number(row, "LowGramsPerUnit")} {Number(row, "HighGramsPerUnit")}] g, "
                    + $"saves {Number(row, "SavingAgainstWorst")}, "
                    + "certain "
                    + $"{(row.GetProperty("Certain").ValueKind == JsonValueKind.Null ? "-" : row.GetProperty("Certain").GetBoolean())}"
                    + $"{(row.GetProperty("Converted").GetString() is { } converted ? $", {converted}" : "")}"
                    + $"{(row.GetProperty("Reasons").GetString() is { } reasons ? $": {reasons}" : "")}"
                ),
        ];

        static string Number(JsonElement row, string name) =>
            row.GetProperty(name) is { ValueKind: JsonValueKind.Number } number
                ? Math.Round(number.GetDouble(), 10).ToString("0.##########", CultureInfo.InvariantCulture) is var text
                && text.Length > 8
                && name.StartsWith("Saving", StringComparison.Ordinal)
                    ? text[..6]
                    : text
                : "-";
    }

    private async Task<PlacementService> StartAsync(
        StorageEngine engine,
        UnitConversions? conversions = null,
        Action<IntensityHourRow>? later = null
    )
    {
        var storage = await TestStorage.MigratedAsync(cluster, engine);
        await using var context = storage.Context();
        foreach (var region in new[] { "a", "b", "c", "d", "e" })
            context.Add(
                new PlaceRow
                {
                    Name = $"onprem/{region}",
                    Provider = "onprem",
                    Region = region,
                }
            );
        context.AddRange(
            new WorkloadRow
            {
                Name = "chat",
                Model = "org/model",
                Precision = "fp8",
            },
            new WorkloadRow { Name = "flow" },
            new DeploymentRow
            {
                Id = 1,
                Workload = "chat",
                Place = "onprem/a",
            },
            new DeploymentRow
            {
                Id = 2,
                Workload = "chat",
                Place = "onprem/b",
            },
            new DeploymentRow
            {
                Id = 3,
                Workload = "chat",
                Place = "onprem/c",
            },
            new DeploymentRow
            {
                Id = 4,
                Workload = "flow",
                Place = "onprem/d",
            },
            new DeploymentRow
            {
                Id = 5,
                Workload = "flow",
                Place = "onprem/e",
            }
        );
        await context.SaveChangesAsync();
        for (var hour = 0; hour < 4; hour++)
        {
            context.AddRange(
                Row(1, "output-token", hour, 1000, row =>
                    (
                        row.AcceleratorJoules,
                        row.ServerJoules,
                        row.FacilityJoules,
                        row.IdleJoules,
                        row.LowJoules,
                        row.HighJoules,
                        row.OperationalGrams,
                        row.EmbodiedGrams
                    ) = (1200, 2000, 3000, 500, 2850, 3150, 0.9, 0.1)
                ),
                Row(2, "output-token", hour, 1000, row =>
                    (
                        row.ServerJoules,
                        row.FacilityJoules,
                        row.LowJoules,
                        row.HighJoules,
                        row.MarketBasedGrams,
                        row.EmbodiedGrams,
                        row.Missing
                    ) = (2000, 2800, 2660, 2940, 0, 0.1, MissingReasons.BusyUnknown | MissingReasons.GridUnknown)
                ),
                Row(3, "output-token", hour, 1000, row =>
                    (
                        row.ServerJoules,
                        row.FacilityJoules,
                        row.IdleJoules,
                        row.LowJoules,
                        row.HighJoules,
                        row.OperationalGrams,
                        row.EmbodiedGrams
                    ) = (4000, 6000, 0, 5700, 6300, 0.2, 0.05)
                ),
                Row(4, "request", hour, 120, row => (row.ServerJoules, row.FacilityJoules) = (200, 240)),
                Row(5, "workflow", hour, 10, row =>
                    (row.ServerJoules, row.FacilityJoules, row.Factors, row.Missing) = (
                        400,
                        480,
                        "pue:onprem/e@config",
                        MissingReasons.GridUnknown
                    )
                )
            );
        }
        foreach (var entry in context.ChangeTracker.Entries<IntensityHourRow>())
        {
            entry.Entity.Matched();
            later?.Invoke(entry.Entity);
        }
        await context.SaveChangesAsync();
        return await PlacementService.StartAsync(storage, conversions);
    }

    private static IntensityHourRow Row(long deployment, string unit, int hour, double units, Action<IntensityHourRow> told)
    {
        var start = Day.AddHours(hour);
        var row = new IntensityHourRow
        {
            DeploymentId = deployment,
            FunctionalUnit = unit,
            PeriodStart = start,
            PeriodEnd = start.AddHours(1),
            Date = DateOnly.FromDateTime(start),
            DateKey = 20260115,
            Units = units,
            Evidence = Evidence.Measured,
            RecomputedAt = start.AddHours(2),
        };
        told(row);
        (row.KnownJoules, row.MeasuredJoules) = (row.ServerJoules, row.ServerJoules ?? 0);
        return row;
    }
}
