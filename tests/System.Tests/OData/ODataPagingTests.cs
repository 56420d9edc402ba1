using System.Net;
using System.Text.Json;
using Metrics.Storage.Engine;
using Xunit;

namespace Metrics.SystemTests.OData;

/// <summary>Pages: every row once, in order, whatever the order is by.</summary>
[Collection(ODataTests.Name)]
public sealed class ODataPagingTests(ODataServices services)
{
    private const string Hours = "HourlyIntensities";

    public static TheoryData<StorageEngine, string> Orders
    {
        get
        {
            string[] orders =
            [
                "",
                "ServerJoules",
                "ServerJoules desc",
                "FacilityJoules",
                "FacilityJoules desc",
                "SciGramsPerUnit desc",
                "AcceleratorJoules",
                "AcceleratorJoules desc,Model",
                "PeriodStart desc",
                "Date,Workload desc",
                "Model desc",
                "Model",
                "Evidence",
                "JoulesPerUnit desc",
                "AcceleratorJoules div Units",
                "AcceleratorJoules div Units desc",
                "tolower(Workload) desc,Units",
                "contains(Model,'70b') desc",
                "FunctionalUnit desc",
                "DeploymentId desc,FunctionalUnit desc,PeriodStart desc",
                "RecomputedAt",
                "NullReason desc,Units desc",
            ];
            var cases = new TheoryData<StorageEngine, string>();
            foreach (var order in orders)
            {
                cases.Add(StorageEngine.Sqlite, order);
                cases.Add(StorageEngine.Postgres, order);
            }
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Orders))]
    public async Task A_walk_tells_every_row_once_and_in_order(StorageEngine engine, string order)
    {
        var by = order.Length == 0 ? "" : "&$orderby=" + Uri.EscapeDataString(order);
        var service = services[engine];
        var (walked, pages) = await service.WalkAsync($"{Hours}?$select=DeploymentId,FunctionalUnit,PeriodStart{by}", 700);
        Assert.Equal(9, pages);
        Assert.Equal(SeededRows.Hours, walked.Count);
        Assert.Equal(SeededRows.Hours, walked.Select(Key).Distinct().Count());
        var whole = await service.WalkAsync($"{Hours}?$select=DeploymentId,FunctionalUnit,PeriodStart{by}", 10_000);
        Assert.Equal(1, whole.Pages);
        Assert.Equal(whole.Rows.Select(Key), walked.Select(Key));
    }

    [Theory]
    [MemberData(nameof(ODataTests.Engines), MemberType = typeof(ODataTests))]
    public async Task Nulls_come_first_ascending_and_last_descending(StorageEngine engine)
    {
        var service = services[engine];
        var (ascending, _) = await service.WalkAsync($"{Hours}?$select=FacilityJoules&$orderby=FacilityJoules");
        var (descending, _) = await service.WalkAsync($"{Hours}?$select=FacilityJoules&$orderby=FacilityJoules desc");
        double? Value(JsonElement row) =>
            row.GetProperty("FacilityJoules") is { ValueKind: JsonValueKind.Number } number ? number.GetDouble() : null;
        Assert.Null(Value(ascending[0]));
        Assert.Equal(4.5, Value(ascending[^1]));
        Assert.Equal(4.5, Value(descending[0]));
        Assert.Null(Value(descending[^1]));
        Assert.Equal(ascending.Select(Value).Reverse(), descending.Select(Value));
    }

    [Theory]
    [MemberData(nameof(ODataTests.Engines), MemberType = typeof(ODataTests))]
    public async Task Top_and_skip_go_over_pages(StorageEngine engine)
    {
        var service = services[engine];
        var (all, _) = await service.WalkAsync($"{Hours}?$select=DeploymentId,FunctionalUnit,PeriodStart", 10_000);
        var (top, pages) = await service.WalkAsync($"{Hours}?$top=2500");
        Assert.Equal((2500, 3), (top.Count, pages));
        Assert.Equal(all.Take(2500).Select(Key), top.Select(Key));
        var (rest, _) = await service.WalkAsync($"{Hours}?$skip=6000");
        Assert.Equal(all.Skip(6000).Select(Key), rest.Select(Key));
        var (middle, middlePages) = await service.WalkAsync($"{Hours}?$skip=10&$top=20", 7);
        Assert.Equal((20, 3), (middle.Count, middlePages));
        Assert.Equal(all.Skip(10).Take(20).Select(Key), middle.Select(Key));
        var (exact, exactPages) = await service.WalkAsync($"{Hours}?$top=14", 7);
        Assert.Equal((14, 2), (exact.Count, exactPages));
        Assert.Empty((await service.GetAsync($"{Hours}?$top=0")).GetProperty("value").EnumerateArray());
        Assert.Empty((await service.GetAsync($"{Hours}?$skip=9000000000")).GetProperty("value").EnumerateArray());
        Assert.Equal(1000, (await service.GetAsync($"{Hours}?$top=9000000000")).GetProperty("value").GetArrayLength());
    }

    [Theory]
    [MemberData(nameof(ODataTests.Engines), MemberType = typeof(ODataTests))]
    public async Task A_nextLink_keeps_the_options_and_drops_what_is_not_OData(StorageEngine engine)
    {
        var service = services[engine];
        var page = await service.GetAsync(
            $"{Hours}?apikey=secret&filter=Workload eq @w and Model ne 'x{{y'&@w='chat-70b'&$count=true&ORDERBY=Units "
                + "desc&$select=Units&$top=300&$skip=5&$format=json"
        );
        Assert.False(page.TryGetProperty("@odata.nextLink", out _));
        page = await service.GetAsync(
            $"{Hours}?apikey=secret&filter=Workload eq @w and Model ne 'x{{y'&@w='chat-70b'&$count=true&ORDERBY=Units "
                + "desc&$select=Units&$top=1005&$skip=3&$format=json"
        );
        var next = page.GetProperty("@odata.nextLink").GetString()!;
        Assert.StartsWith(service.Client.BaseAddress + Hours + "?", next, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", next, StringComparison.Ordinal);
        Assert.DoesNotContain("skip=", next, StringComparison.Ordinal);
        Assert.Contains("$top=5&", next, StringComparison.Ordinal);
        var second = await service.GetAsync(next);
        Assert.Equal(1008, second.GetProperty("@odata.count").GetInt64());
        Assert.Equal(5, second.GetProperty("value").GetArrayLength());
        Assert.False(second.TryGetProperty("@odata.nextLink", out _));
    }

    [Theory]
    [InlineData("odata.maxpagesize=5", 5, "odata.maxpagesize=5")]
    [InlineData("maxpagesize=5", 5, "maxpagesize=5")]
    [InlineData("handling=lenient, odata.maxpagesize=\"6\"", 6, "odata.maxpagesize=6")]
    [InlineData("odata.maxpagesize=1000000000", SeededRows.Hours, "odata.maxpagesize=10000")]
    [InlineData("odata.maxpagesize=99999999999999999999", 1000, null)]
    [InlineData("odata.maxpagesize=0", 1000, null)]
    [InlineData("odata.maxpagesize=-1", 1000, null)]
    [InlineData("odata.maxpagesize", 1000, null)]
    public async Task The_page_size_is_the_clients_wish_within_the_services_limit(string prefer, int rows, string? applied)
    {
        foreach (var engine in new[] { StorageEngine.Sqlite, StorageEngine.Postgres })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"{Hours}?$select=Date");
            request.Headers.TryAddWithoutValidation("Prefer", prefer);
            using var response = await services[engine].Client.SendAsync(request);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Equal(
                rows,
                JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("value").GetArrayLength()
            );
            Assert.Equal(applied, response.Headers.TryGetValues("Preference-Applied", out var values) ? values.Single() : null);
        }
    }

    [Fact]
    public async Task A_skiptoken_opens_only_its_own_query()
    {
        var service = services[StorageEngine.Sqlite];
        var next = (await service.GetAsync($"{Hours}?$filter=Units gt 1&$orderby=Units")).GetProperty("@odata.nextLink").GetString()!;
        var token = next[(next.IndexOf("$skiptoken=", StringComparison.Ordinal) + 11)..];
        var tampered = token[..5] + (token[5] == 'A' ? 'B' : 'A') + token[6..];
        string[] refused =
        [
            $"{Hours}?$filter=Units gt 1&$orderby=Units&$skiptoken={tampered}",
            $"{Hours}?$filter=Units gt 2&$orderby=Units&$skiptoken={token}",
            $"{Hours}?$filter=Units gt 1&$orderby=Units desc&$skiptoken={token}",
            $"DailyIntensities?$filter=Units gt 1&$orderby=Units&$skiptoken={token}",
            $"{Hours}?$skiptoken={token}",
            $"{Hours}?$skiptoken=DeploymentId-5",
            $"{Hours}?$skiptoken=!!!",
            $"{Hours}?$skiptoken=AAAA",
        ];
        foreach (var url in refused)
            Assert.Equal(
                (400, "InvalidSkipToken"),
                (await service.RefusedAsync(url)) switch
                {
                    var (status, code, _) => (status, code),
                }
            );
        Assert.Equal(400, (await service.RefusedAsync(next + "&$skip=3")).Status);
        // A token of another process with a key of its own.
        Assert.Equal(
            400,
            (await services[StorageEngine.Postgres].RefusedAsync($"{Hours}?$filter=Units gt 1&$orderby=Units&$skiptoken={token}")).Status
        );
    }

    private static string Key(JsonElement row) =>
        $"{row.GetProperty("DeploymentId").GetInt64()}/{row.GetProperty("FunctionalUnit").GetString()}"
        + $"/{row.GetProperty("PeriodStart").GetString()}";
}
