using System.Net;
using System.Text.Json;
using System.Xml;
using System.Xml.Linq;
using Metrics.Storage.Engine;
using Microsoft.OData;
using Microsoft.OData.Edm;
using Microsoft.OData.Edm.Csdl;
using Microsoft.OData.Edm.Validation;
using Xunit;

namespace Metrics.SystemTests.OData;

/// <summary>Service document, metadata, negotiation, single entities and the shape of answers.</summary>
[Collection(ODataTests.Name)]
public sealed class ODataServiceTests(ODataServices services)
{
    private static readonly string[] Sets =
    [
        "Backfills",
        "Calendar",
        "DailyIntensities",
        "Deployments",
        "EnergyFacts",
        "Events",
        "Factors",
        "HourlyIntensities",
        "MetricMappings",
        "MonthlyIntensities",
        "Rejections",
        "Resources",
        "Restatements",
        "Runs",
        "Sources",
        "WorkFacts",
        "Workloads",
    ];

    private ODataService Service => services[StorageEngine.Sqlite];

    [Fact]
    public async Task The_service_document_lists_every_set()
    {
        foreach (var url in new[] { "", "../odata" })
        {
            var document = await Service.GetAsync(url);
            Assert.Equal(Service.Client.BaseAddress + "$metadata", document.GetProperty("@odata.context").GetString());
            var sets = document.GetProperty("value").EnumerateArray().ToList();
            Assert.Equal(Sets, sets.Select(set => set.GetProperty("name").GetString()!).Order(StringComparer.Ordinal));
            Assert.All(sets, set => Assert.Equal("EntitySet", set.GetProperty("kind").GetString()));
            Assert.All(sets, set => Assert.Equal(set.GetProperty("name").GetString(), set.GetProperty("url").GetString()));
        }
    }

    [Theory]
    [InlineData(null, "application/xml")]
    [InlineData("*/*", "application/xml")]
    [InlineData("application/xml", "application/xml")]
    [InlineData("application/json, application/xml", "application/xml")]
    [InlineData("application/json", "application/json")]
    [InlineData("application/json;q=0.9, application/xml;q=0.1", "application/json")]
    public async Task Metadata_is_XML_unless_JSON_is_wanted(string? accept, string type)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "$metadata");
        if (accept is not null)
            request.Headers.TryAddWithoutValidation("Accept", accept);
        using var response = await Service.Client.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(type, response.Content.Headers.ContentType!.MediaType);
        Assert.Equal("4.0", response.Headers.GetValues("OData-Version").Single());
    }

    [Fact]
    public async Task The_metadata_is_valid_and_says_what_everything_is()
    {
        var model = await ModelAsync();
        Assert.True(model.Validate(out var errors), string.Join("; ", errors.Select(error => error.ErrorMessage)));
        foreach (var set in model.EntityContainer.EntitySets())
        {
            Assert.NotEmpty(set.EntityType.Key());
            foreach (var property in set.EntityType.StructuralProperties())
            {
                Assert.Contains(model.FindVocabularyAnnotations(property), annotation =>
                    annotation.Term.FullName() == "Org.OData.Core.V1.Description"
                );
                if (property.Name.EndsWith("Joules", StringComparison.Ordinal))
                    Assert.Contains(model.FindVocabularyAnnotations(property), annotation =>
                        annotation.Term.FullName() == "Org.OData.Measures.V1.Unit"
                    );
            }
        }
        var hourly = model.EntityContainer.FindEntitySet("HourlyIntensities").EntityType;
        Assert.Equal(["DeploymentId", "FunctionalUnit", "PeriodStart"], hourly.Key().Select(key => key.Name));
        Assert.Equal(65, hourly.StructuralProperties().Count());
        Assert.True(hourly.FindProperty("JoulesPerUnit").Type.IsNullable);
        Assert.False(hourly.FindProperty("Workload").Type.IsNullable);
        Assert.Equal("Edm.Boolean", hourly.FindProperty("IsFinal").Type.FullName());
        var json = await Service.GetAsync("$metadata?$format=json");
        Assert.Equal("4.0", json.GetProperty("$Version").GetString());
        Assert.Equal(
            "Edm.DateTimeOffset",
            json.GetProperty("Metrics").GetProperty("HourlyIntensity").GetProperty("PeriodStart").GetProperty("$Type").GetString()
        );
    }

    [Fact]
    public async Task The_published_model_is_the_data_model_of_the_documentation()
    {
        var model = await ModelAsync();
        foreach (var engine in new[] { StorageEngine.Sqlite, StorageEngine.Postgres })
        {
            foreach (var set in model.EntityContainer.EntitySets())
            {
                var types = set
                    .EntityType.StructuralProperties()
                    .ToDictionary(property => property.Name, property => property.Type.FullName());
                // Fails when the view lacks a column or has it as another type.
                await services[engine].RowsAsync(set.Name, set.Name == "HourlyIntensities" ? ODataRandomQueryTests.Types : types);
                var page = await services[engine].GetAsync($"{set.Name}?$top=5&$count=true");
                Assert.True(page.GetProperty("@odata.count").GetInt64() >= page.GetProperty("value").GetArrayLength());
            }
        }
    }

    [Theory]
    [InlineData("application/xml", null, 406)]
    [InlineData("text/csv", null, 406)]
    [InlineData("application/atom+xml", null, 406)]
    [InlineData("application/json;odata=verbose", null, 406)]
    [InlineData(null, "xml", 415)]
    [InlineData(null, "csv", 415)]
    [InlineData(null, "atom", 415)]
    public async Task Formats_that_are_not_offered_are_refused(string? accept, string? format, int status)
    {
        var refused = await Service.RefusedAsync(
            "HourlyIntensities?$top=1" + (format is null ? "" : $"&$format={format}"),
            prepare: request =>
            {
                if (accept is not null)
                    request.Headers.TryAddWithoutValidation("Accept", accept);
            }
        );
        Assert.Equal(status, refused.Status);
    }

    [Theory]
    [MemberData(nameof(ODataTests.Engines), MemberType = typeof(ODataTests))]
    public async Task Control_information_is_as_much_as_was_asked_for(StorageEngine engine)
    {
        var service = services[engine];
        const string url = "HourlyIntensities?$top=1&$count=true&$filter=DeploymentId eq 9007199254740993&$select=DeploymentId,Units,Date";
        var none = await service.GetAsync(url + "&$format=application/json;odata.metadata=none");
        Assert.False(none.TryGetProperty("@odata.context", out _));
        Assert.Equal(504, none.GetProperty("@odata.count").GetInt64());
        var minimal = await service.GetAsync(url);
        Assert.Equal(
            service.Client.BaseAddress + "$metadata#HourlyIntensities(DeploymentId,Date,Units)",
            minimal.GetProperty("@odata.context").GetString()
        );
        var text = await service.GetAsync(url + "&$format=application/json;IEEE754Compatible=true");
        Assert.Equal("504", text.GetProperty("@odata.count").GetString());
        Assert.Equal("9007199254740993", text.GetProperty("value")[0].GetProperty("DeploymentId").GetString());
        var full = (await service.GetAsync(url + "&$format=application/json;odata.metadata=full")).GetProperty("value")[0];
        Assert.Equal("#Metrics.HourlyIntensity", full.GetProperty("@odata.type").GetString());
        Assert.Equal("#Int64", full.GetProperty("DeploymentId@odata.type").GetString());
        var self = await service.GetAsync(full.GetProperty("@odata.id").GetString()!);
        Assert.Equal(9_007_199_254_740_993, self.GetProperty("DeploymentId").GetInt64());
    }

    [Theory]
    [InlineData("4.0", 200)]
    [InlineData("4.01", 200)]
    [InlineData("3.0", 400)]
    [InlineData("new", 400)]
    public async Task The_version_is_one_that_the_client_understands(string version, int status)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "Sources");
        request.Headers.Add("OData-MaxVersion", version);
        using var response = await Service.Client.SendAsync(request);
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal("4.0", response.Headers.GetValues("OData-Version").Single());
    }

    [Theory]
    [InlineData("")]
    [InlineData("$metadata")]
    [InlineData("HourlyIntensities")]
    [InlineData("Deployments(5)")]
    [InlineData("HourlyIntensities/$count")]
    public async Task HEAD_answers_without_a_body_and_writing_is_refused(string url)
    {
        using var head = await Service.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, url));
        Assert.Equal(HttpStatusCode.OK, head.StatusCode);
        Assert.Empty(await head.Content.ReadAsByteArrayAsync());
        foreach (var method in new[] { HttpMethod.Post, HttpMethod.Patch, HttpMethod.Put, HttpMethod.Delete })
        {
            using var response = await Service.Client.SendAsync(new HttpRequestMessage(method, url));
            Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode);
            Assert.Equal(["GET", "HEAD"], response.Content.Headers.Allow.Order(StringComparer.Ordinal));
            Assert.Contains("MethodNotAllowed", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(ODataTests.Engines), MemberType = typeof(ODataTests))]
    public async Task An_entity_is_found_by_its_key_however_it_is_written(StorageEngine engine)
    {
        var service = services[engine];
        foreach (var url in new[] { "Deployments(5)", "Deployments/5", "Deployments(Id=5)" })
            Assert.Equal("chat-70b", (await service.GetAsync(url)).GetProperty("Workload").GetString());
        foreach (
            var url in new[]
            {
                "HourlyIntensities(DeploymentId=5,FunctionalUnit='request',PeriodStart=2026-02-01T00:00:00Z)",
                "HourlyIntensities(PeriodStart=2026-02-01T02%3A00%3A00%2B02%3A00,DeploymentId=5,"
                    + "FunctionalUnit=%27request%27)?$select=PeriodStart,DeploymentId",
            }
        )
        {
            var entity = await service.GetAsync(url);
            Assert.Equal("2026-02-01T00:00:00Z", entity.GetProperty("PeriodStart").GetString());
            Assert.EndsWith("/$entity", entity.GetProperty("@odata.context").GetString(), StringComparison.Ordinal);
        }
        Assert.Equal(
            "2026-01-30T03:00:00.000001Z",
            (await service.GetAsync("Sources('rack%2F7%20%27%27a%27%27')")).GetProperty("LastReadAt").GetString()
        );
        Assert.Equal("Sunday", (await service.GetAsync("Calendar(2026-02-01)")).GetProperty("WeekdayName").GetString());
        Assert.Equal((404, "NotFound"), await Code(service, "Deployments(6)"));
        Assert.Equal((404, "NotFound"), await Code(service, "Sources('nobody')"));
        Assert.Equal(
            (404, "NotFound"),
            await Code(service, "HourlyIntensities(DeploymentId=5,FunctionalUnit='request',PeriodStart=2026-02-01T00:00:00.0000001Z)")
        );
        Assert.Equal((404, "NotFound"), await Code(service, "Nothing"));
        Assert.Equal(400, (await service.RefusedAsync("Deployments(x)")).Status);
        Assert.Equal(400, (await service.RefusedAsync("HourlyIntensities(DeploymentId=5)")).Status);
        Assert.Equal(400, (await service.RefusedAsync("Deployments(5)?$filter=Id eq 5")).Status);
    }

    [Theory]
    [MemberData(nameof(ODataTests.Engines), MemberType = typeof(ODataTests))]
    public async Task A_selection_has_exactly_its_properties(StorageEngine engine)
    {
        var page = await services[engine].GetAsync("HourlyIntensities?$top=2&$select=Units, DeploymentId");
        Assert.Equal(2, page.GetProperty("value").GetArrayLength());
        Assert.All(page.GetProperty("value").EnumerateArray(), row =>
            Assert.Equal(["DeploymentId", "Units"], row.EnumerateObject().Select(property => property.Name))
        );
        Assert.Equal(
            65,
            (await services[engine].GetAsync("HourlyIntensities?$top=1&$select=*")).GetProperty("value")[0].EnumerateObject().Count()
        );
    }

    [Theory]
    [MemberData(nameof(ODataTests.Engines), MemberType = typeof(ODataTests))]
    public async Task Nulls_are_left_out_when_the_client_prefers_so(StorageEngine engine)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "Sources?$filter=Id eq 'cloud'");
        request.Headers.Add("Prefer", "omit-values=nulls");
        using var response = await services[engine].Client.SendAsync(request);
        Assert.Equal("omit-values=nulls", response.Headers.GetValues("Preference-Applied").Single());
        var row = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("value")[0];
        Assert.Equal(
            ["Id", "Provider", "RegisteredAt", "Failures", "LastErrorCode", "LastError", "QuarantinedSeries"],
            row.EnumerateObject().Select(property => property.Name)
        );
    }

    [Theory]
    [MemberData(nameof(ODataTests.Engines), MemberType = typeof(ODataTests))]
    public async Task A_result_larger_than_the_client_can_use_is_refused_before_its_first_row(StorageEngine engine)
    {
        static void AtMost(HttpRequestMessage request, int rows) => request.Headers.Add("Prefer", $"metrics.maxsize={rows}");
        var service = services[engine];

        Assert.Equal(
            (
                400,
                "ResultTooLarge",
                "The result has more than the 6047 rows that Prefer: metrics.maxsize allows: filter, group, or ask for more."
            ),
            await service.RefusedAsync("HourlyIntensities", prepare: request => AtMost(request, 6_047))
        );
        Assert.Equal(
            (400, "ResultTooLarge"),
            (
                await service.RefusedAsync("HourlyIntensities?$apply=groupby((FunctionalUnit))", prepare: request => AtMost(request, 3))
            ) switch
            {
                var refused => (refused.Status, refused.Code),
            }
        );
        foreach (
            var (url, most) in new[]
            {
                ("HourlyIntensities", 6_048),
                ("HourlyIntensities?$top=10", 10),
                ("HourlyIntensities?$skip=6000", 48),
                ("HourlyIntensities?$apply=groupby((FunctionalUnit))", 4),
            }
        )
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, url);
            AtMost(request, most);
            using var response = await service.Client.SendAsync(request);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Equal($"metrics.maxsize={most}", response.Headers.GetValues("Preference-Applied").Single());
        }
    }

    [Theory]
    [InlineData("HourlyIntensities", "UnboundedTime")]
    [InlineData("EnergyFacts?$filter=Provider eq 'aws'", "UnboundedTime")]
    [InlineData("HourlyIntensities?$filter=Date ge 2026-02-01", "")]
    [InlineData("HourlyIntensities?$apply=filter(PeriodStart ge 2026-02-01T00:00:00Z)/aggregate($count as N)", "")]
    [InlineData("HourlyIntensities?$top=5", "")]
    [InlineData("HourlyIntensities?$top=5&$skip=10000", "FarSkip")]
    [InlineData("MonthlyIntensities", "")]
    [InlineData("Deployments", "")]
    public async Task A_costly_query_is_answered_with_a_warning(string url, string code)
    {
        var page = await services[StorageEngine.Sqlite].GetAsync(url);

        Assert.True(page.TryGetProperty("value", out _));
        Assert.Equal(
            code,
            page.TryGetProperty("@Org.OData.Core.V1.Messages", out var messages)
                ? string.Join(' ', messages.EnumerateArray().Select(message => $"{message.GetProperty("code").GetString()}"))
                : ""
        );
    }

    [Theory]
    [InlineData("application/json", "application/json;odata.metadata=minimal;charset=utf-8")]
    [InlineData(
        "application/json;odata.metadata=none;odata.streaming=true",
        "application/json;odata.metadata=none;odata.streaming=true;charset=utf-8"
    )]
    public async Task Streaming_is_told_to_those_who_ask(string accept, string told)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "Deployments?$top=1");
        request.Headers.TryAddWithoutValidation("Accept", accept);
        using var response = await services[StorageEngine.Sqlite].Client.SendAsync(request);

        Assert.Equal(told, response.Content.Headers.NonValidated["Content-Type"].ToString());
    }

    [Theory]
    [InlineData("$top=-1", "InvalidQuery", "$top")]
    [InlineData("$top=abc", "InvalidQuery", "$top")]
    [InlineData("$top=99999999999999999999", "InvalidQuery", "$top")]
    [InlineData("$skip=-1", "InvalidQuery", "$skip")]
    [InlineData("$count=maybe", "InvalidQuery", "$count")]
    [InlineData("$filter=", "InvalidQuery", "$filter")]
    [InlineData("$orderby=", "InvalidQuery", "$orderby")]
    [InlineData("$select=", "InvalidQuery", "$select")]
    [InlineData("$foo=1", "UnknownOption", "$foo")]
    [InlineData("$select=Nope", "UnknownProperty", "Nope")]
    [InlineData("$select=units", "UnknownProperty", "units")]
    [InlineData("$select=Units,,Date", "UnknownProperty", "")]
    [InlineData("$orderby=Nope", "UnknownProperty", "Nope")]
    [InlineData("$orderby=Units sideways", "InvalidQuery", "position")]
    [InlineData("$orderby=Units,Date,DateKey,Workload,Model,Region,Provider,Hardware,Evidence", "QueryTooComplex", "8")]
    [InlineData("$top=1&top=2", "InvalidQuery", "twice")]
    [InlineData("$search=", "InvalidQuery", "$search")]
    [InlineData("$search='chat'", "InvalidQuery", "double quotes")]
    [InlineData("$search=a AND", "InvalidQuery", "position")]
    [InlineData("$search=\"open", "InvalidQuery", "closing quote")]
    [InlineData("$compute=Units mul 2", "InvalidQuery", "'as'")]
    [InlineData("$compute=Units mul 2 as Date", "NameTaken", "Date")]
    [InlineData("$compute=null as X", "InvalidQuery", "null")]
    [InlineData("$expand=Nope", "UnknownProperty", "Deployment, Calendar")]
    [InlineData("$expand=Deployment($expand=Nope)", "UnknownProperty", "no navigation property")]
    [InlineData("$expand=Deployment($select=Nope)", "UnknownProperty", "Nope")]
    [InlineData("$expand=Deployment($filter=Id eq 1)", "NotSupported", "$filter")]
    [InlineData("$expand=Deployment(", "InvalidQuery", "parenthesis")]
    [InlineData("$expand=Deployment,Deployment", "InvalidQuery", "twice")]
    [InlineData("$deltatoken=1", "NotSupported", "$deltatoken")]
    [InlineData("$select=Deployment/Id", "InvalidQuery", "$expand=Deployment($select=")]
    public async Task Options_that_cannot_be_honoured_are_never_ignored(string query, string code, string said)
    {
        foreach (var engine in new[] { StorageEngine.Sqlite, StorageEngine.Postgres })
        {
            var refused = await services[engine].RefusedAsync("HourlyIntensities?" + query);
            Assert.Equal((code == "NotSupported" ? 501 : 400, code), (refused.Status, refused.Code));
            Assert.Contains(said, refused.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("Deployments(5)/Region", "{\"@odata.context\":\"ROOT$metadata#Deployments(5)/Region\",\"value\":\"dc-1\"}")]
    [InlineData("Deployments(5)/Region/$value", "dc-1")]
    [InlineData("Deployments(5)/Id?$format=application/json;IEEE754Compatible=true;odata.metadata=none", "{\"value\":\"5\"}")]
    [InlineData(
        "HourlyIntensities(DeploymentId=5,FunctionalUnit='image',PeriodStart=2026-01-30T00:00:00Z)/Deployment?$select=Region,Id",
        "{\"@odata.context\":\"ROOT$metadata#Deployments(Id,Region)/$entity\",\"Id\":5,\"Region\":\"dc-1\"}"
    )]
    [InlineData(
        "HourlyIntensities(DeploymentId=5,FunctionalUnit='image',PeriodStart=2026-01-30T00:00:00Z)/Deployment/Region/$value",
        "dc-1"
    )]
    [InlineData(
        "HourlyIntensities(DeploymentId=5,FunctionalUnit='image',PeriodStart=2026-01-30T00:00:00Z)/Calendar/WeekdayName",
        "{\"@odata.context\":\"ROOT$metadata#HourlyIntensities(DeploymentId=5,FunctionalUnit='image',"
            + "PeriodStart=2026-01-30T00:00:00Z)/Calendar/WeekdayName\",\"value\":\"Friday\"}"
    )]
    [InlineData(
        "HourlyIntensities(DeploymentId=5,FunctionalUnit='image',PeriodStart=2026-01-30T00:00:00Z)/Deployment/$ref",
        "{\"@odata.context\":\"ROOT$metadata#$ref\",\"@odata.id\":\"ROOTDeployments(5)\"}"
    )]
    [InlineData(
        "HourlyIntensities?$top=1&$select=FunctionalUnit&$expand=Deployment/$ref",
        "{\"@odata.context\":\"ROOT$metadata#HourlyIntensities(FunctionalUnit,Deployment/$ref)\","
            + "\"value\":[{\"FunctionalUnit\":\"image\",\"Deployment\":{\"@odata.id\":\"ROOTDeployments(5)\"}}]}"
    )]
    [InlineData("HourlyIntensities?$top=1&$select=FunctionalUnit&$expand=*($select=DateKey,Region)", null)]
    [InlineData(
        "Deployments(5)?$compute=Accelerators add 1 as More&$select=More",
        "{\"@odata.context\":\"ROOT$metadata#Deployments(More)/$entity\",\"More@odata.type\":\"#Int64\",\"More\":1}"
    )]
    [InlineData(
        "metrics.pbids",
        "{\"version\":\"0.1\",\"connections\":[{\"details\":{\"protocol\":\"odata\",\"address\":{\"url\":\"ROOT\"}},\"mode\":\"Import\"}]}"
    )]
    public async Task Paths_lead_to_properties_and_through_navigation(string url, string? expected)
    {
        foreach (var engine in new[] { StorageEngine.Sqlite, StorageEngine.Postgres })
        {
            if (expected is null)
            {
                Assert.Equal(
                    (400, "UnknownProperty"),
                    ((await services[engine].RefusedAsync(url)).Status, (await services[engine].RefusedAsync(url)).Code)
                );
                continue;
            }
            Assert.Equal(
                expected.Replace("ROOT", services[engine].Client.BaseAddress!.AbsoluteUri, StringComparison.Ordinal),
                await services[engine].Client.GetStringAsync(url)
            );
        }
    }

    [Theory]
    [MemberData(nameof(ODataTests.Engines), MemberType = typeof(ODataTests))]
    public async Task What_is_null_has_no_content(StorageEngine engine)
    {
        foreach (var url in new[] { "Deployments(5)/Account", "Deployments(5)/Account/$value" })
        {
            using var response = await services[engine].Client.GetAsync(url);
            Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
            Assert.Equal("", await response.Content.ReadAsStringAsync());
        }
        Assert.Equal(
            (404, "NotFound"),
            (
                (await services[engine].RefusedAsync("Deployments(6)/Region")).Status,
                (await services[engine].RefusedAsync("Deployments(6)/Region")).Code
            )
        );
    }

    [Theory]
    [InlineData("$metadata")]
    [InlineData("")]
    [InlineData("Deployments")]
    [InlineData("Deployments(5)")]
    [InlineData("Deployments(5)/Region/$value", false)]
    [InlineData("HourlyIntensities?$apply=groupby((Region),aggregate($count as N))")]
    public async Task Who_has_the_answer_already_is_told_so(string url, bool tagged = true)
    {
        using var first = await Service.Client.GetAsync(url);
        Assert.Equal(tagged, first.Headers.ETag is not null);
        if (first.Headers.ETag is not { } tag)
            return;
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        request.Headers.IfNoneMatch.Add(tag);
        using var second = await Service.Client.SendAsync(request);
        Assert.Equal(HttpStatusCode.NotModified, second.StatusCode);
        Assert.Equal("", await second.Content.ReadAsStringAsync());
        Assert.Equal(tag, second.Headers.ETag);
        using var other = new HttpRequestMessage(HttpMethod.Get, url);
        other.Headers.IfNoneMatch.Add(new System.Net.Http.Headers.EntityTagHeaderValue("\"other\"", isWeak: true));
        using var third = await Service.Client.SendAsync(other);
        Assert.Equal(HttpStatusCode.OK, third.StatusCode);
    }

    [Theory]
    [InlineData("$batch", 405)]
    [InlineData("Deployments(5)/Workload/$count", 404)]
    [InlineData("Deployments/Workload", 400)]
    [InlineData("Deployments(5)/Nope", 404)]
    [InlineData("HourlyIntensities/$count?$top=1", 400)]
    [InlineData("$metadata?$top=1", 400)]
    [InlineData("?$filter=true", 400)]
    public async Task Paths_that_do_not_work_say_so(string url, int status) =>
        Assert.Equal(status, (await Service.RefusedAsync(url)).Status);

    [Fact]
    public async Task Spellings_of_4_01_mean_the_same()
    {
        foreach (
            var url in new[]
            {
                "HourlyIntensities?filter=DeploymentId eq 5&top=1&count=true",
                "HourlyIntensities?$Filter=DeploymentId EQ 5&$TOP=1&$COUNT=TRUE",
            }
        )
        {
            var page = await Service.GetAsync(url);
            Assert.Equal(504, page.GetProperty("@odata.count").GetInt64());
            Assert.Equal(1, page.GetProperty("value").GetArrayLength());
        }
    }

    [Theory]
    [InlineData("HourlyIntensities?$top=300&$count=true")]
    [InlineData("HourlyIntensities?$top=20&$format=application/json;odata.metadata=full")]
    [InlineData("Sources?$format=application/json;IEEE754Compatible=true")]
    [InlineData("Runs?$select=Id,StartedAt,EndedAt&$orderby=EndedAt")]
    [InlineData("Calendar?$top=400")]
    public async Task The_OData_library_reads_our_answers(string url)
    {
        var model = await ModelAsync();
        foreach (var engine in new[] { StorageEngine.Sqlite, StorageEngine.Postgres })
        {
            using var response = await services[engine].Client.GetAsync(url);
            var message = new Answer(response, await response.Content.ReadAsByteArrayAsync());
            var settings = new ODataMessageReaderSettings
            {
                BaseUri = services[engine].Client.BaseAddress,
                Validations = ValidationKinds.All,
                MaxProtocolVersion = ODataVersion.V4,
            };
            using var messages = new ODataMessageReader(message, settings, model);
            var set = model.EntityContainer.FindEntitySet(url[..url.IndexOf('?', StringComparison.Ordinal)]);
            var reader = await messages.CreateODataResourceSetReaderAsync(set, set.EntityType);
            var resources = 0;
            while (await reader.ReadAsync())
            {
                if (reader.State == ODataReaderState.ResourceEnd)
                    resources++;
            }
            Assert.True(resources > 1);
        }
    }

    [Theory]
    [MemberData(nameof(ODataTests.Engines), MemberType = typeof(ODataTests))]
    public async Task What_is_advertised_as_a_filter_function_works(StorageEngine engine)
    {
        var metadata = XDocument.Parse(await services[engine].Client.GetStringAsync("$metadata"));
        var functions = metadata
            .Descendants()
            .Where(element =>
                element.Name.LocalName == "Annotation"
                && (string?)element.Attribute("Term") is "Capabilities.FilterFunctions" or "Org.OData.Capabilities.V1.FilterFunctions"
            )
            .Descendants()
            .Where(element => element.Name.LocalName == "String")
            .Select(element => element.Value)
            .ToList();
        Assert.Equal(21, functions.Count);
        foreach (var function in functions)
        {
            var call = function switch
            {
                "contains" or "startswith" or "endswith" => $"{function}(Workload,'zz')",
                "tolower" or "toupper" or "trim" => $"{function}(Workload) ne ''",
                "length" => "length(Workload) gt 0",
                "indexof" => "indexof(Workload,'a') ge -1",
                "substring" => "substring(Workload,1) ne null",
                "concat" => "concat(Workload,'a') ne null",
                "now" => "RecomputedAt lt now()",
                "date" => "date(PeriodStart) eq Date",
                "round" or "floor" or "ceiling" => $"{function}(Units) ge 0",
                _ => $"{function}(PeriodStart) ge 0",
            };
            Assert.True(await services[engine].CountAsync("HourlyIntensities", call) > 0, function);
        }
    }

    private async Task<IEdmModel> ModelAsync()
    {
        using var xml = XmlReader.Create(new StringReader(await Service.Client.GetStringAsync("$metadata")));
        Assert.True(CsdlReader.TryParse(xml, out var model, out var errors), string.Join("; ", errors.Select(error => error.ErrorMessage)));
        return model;
    }

    private static async Task<(int Status, string Code)> Code(ODataService service, string url)
    {
        var refused = await service.RefusedAsync(url);
        return (refused.Status, refused.Code);
    }

    private sealed class Answer(HttpResponseMessage response, byte[] body) : IODataResponseMessageAsync
    {
        public IEnumerable<KeyValuePair<string, string>> Headers =>
            response
                .Headers.Concat(response.Content.Headers)
                .Select(header => KeyValuePair.Create(header.Key, string.Join(',', header.Value)));

        public int StatusCode
        {
            get => (int)response.StatusCode;
            set => throw new NotSupportedException();
        }

        public string GetHeader(string headerName) =>
            Headers.FirstOrDefault(header => header.Key.Equals(headerName, StringComparison.OrdinalIgnoreCase)).Value;

        public void SetHeader(string headerName, string headerValue) => throw new NotSupportedException();

        public Stream GetStream() => new MemoryStream(body);

        public Task<Stream> GetStreamAsync() => Task.FromResult(GetStream());
    }
}
