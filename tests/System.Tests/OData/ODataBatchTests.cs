using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Metrics.Storage.Engine;
using Xunit;

namespace Metrics.SystemTests.OData;

/// <summary>Several requests in one, and queries in the body.</summary>
[Collection(ODataTests.Name)]
public sealed class ODataBatchTests(ODataServices services)
{
    private ODataService Service => services[StorageEngine.Sqlite];

    [Theory]
    [MemberData(nameof(ODataTests.Engines), MemberType = typeof(ODataTests))]
    public async Task A_multipart_batch_is_answered_part_by_part(StorageEngine engine)
    {
        var body = Multipart("HourlyIntensities?$top=1&$select=DeploymentId", "/odata/Deployments(5)", "Runs/$count");
        using var response = await PostAsync(services[engine], body, "multipart/mixed;boundary=b1");
        var text = await response.Content.ReadAsStringAsync();
        Assert.Equal("multipart/mixed", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal(3, Count(text, "HTTP/1.1 200 OK"));
        Assert.Equal(3, Count(text, "OData-Version: 4.0"));
        Assert.Contains("\"value\":[{\"DeploymentId\":5}]", text, StringComparison.Ordinal);
        Assert.Contains("\"Workload\":\"chat-70b\"", text, StringComparison.Ordinal);
        Assert.Contains("\r\n300\r\n", text, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(ODataTests.Engines), MemberType = typeof(ODataTests))]
    public async Task A_JSON_batch_is_answered_as_JSON(StorageEngine engine)
    {
        var body = """
            {"requests":[{"id":"a","method":"GET","url":"Deployments(5)?$select=Region"},{"id":"b","method":"get",
            "url":"/odata/HourlyIntensities?$apply=aggregate($count as N)",
            "headers":{"accept":"application/json;odata.metadata=none"}}]}
            """.ReplaceLineEndings("");
        using var response = await PostAsync(services[engine], body, "application/json");
        var responses = JsonDocument
            .Parse(await response.Content.ReadAsStringAsync())
            .RootElement.GetProperty("responses")
            .EnumerateArray()
            .ToList();
        Assert.Equal(
            [("a", 200), ("b", 200)],
            responses.Select(part => (part.GetProperty("id").GetString(), part.GetProperty("status").GetInt32()))
        );
        Assert.Equal("dc-1", responses[0].GetProperty("body").GetProperty("Region").GetString());
        Assert.Equal($$"""{"value":[{"N":{{SeededRows.Hours}}}]}""", responses[1].GetProperty("body").GetRawText());
    }

    [Theory]
    [InlineData(null, 2)]
    [InlineData("odata.continue-on-error", 3)]
    [InlineData("continue-on-error=false", 2)]
    public async Task After_a_failure_the_rest_is_answered_if_the_client_prefers_it(string? prefer, int answered)
    {
        using var response = await PostAsync(
            Service,
            Multipart("Runs/$count", "Nope", "Runs/$count"),
            "multipart/mixed;boundary=b1",
            prefer
        );
        var text = await response.Content.ReadAsStringAsync();
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(answered, Count(text, "HTTP/1.1 "));
        Assert.Contains("HTTP/1.1 404", text, StringComparison.Ordinal);
        Assert.Contains("\"code\":\"NotFound\"", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_would_change_data_is_refused_within_a_batch_too()
    {
        var body = """
            {"requests":[{"id":"1","atomicityGroup":"g","method":"POST","url":"Deployments",
            "headers":{"content-type":"application/json"},"body":{"Id":1}}]}
            """.ReplaceLineEndings("");
        using var response = await PostAsync(Service, body, "application/json");
        var part = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("responses")[0];
        Assert.Equal(405, part.GetProperty("status").GetInt32());
    }

    [Theory]
    [InlineData("{", "application/json", 400, "InvalidBatch")]
    [InlineData("{\"requests\":[]}", "application/json", 400, "InvalidBatch")]
    [InlineData("{\"requests\":[{\"id\":\"1\"}]}", "application/json", 400, "InvalidBatch")]
    [InlineData("no boundary here", "multipart/mixed;boundary=b1", 400, "InvalidBatch")]
    [InlineData("--b1\r\nContent-Type: application/http\r\n\r\nGET", "multipart/mixed;boundary=b1", 400, "InvalidBatch")]
    [InlineData("x", "text/plain", 415, "UnsupportedFormat")]
    public async Task A_batch_that_cannot_be_read_is_refused_whole(string body, string type, int status, string code)
    {
        var refused = await Service.RefusedAsync("$batch", HttpMethod.Post, request =>
            request.Content = new StringContent(body, Encoding.UTF8) { Headers = { ContentType = MediaTypeHeaderValue.Parse(type) } }
        );
        Assert.Equal((status, code), (refused.Status, refused.Code));
    }

    [Fact]
    public async Task More_requests_than_a_batch_may_have_are_refused()
    {
        var body = Multipart([.. Enumerable.Repeat("Runs/$count", 101)]);
        var refused = await Service.RefusedAsync("$batch", HttpMethod.Post, request =>
            request.Content = new StringContent(body, Encoding.UTF8)
            {
                Headers = { ContentType = MediaTypeHeaderValue.Parse("multipart/mixed;boundary=b1") },
            }
        );
        Assert.Equal((400, "QueryTooComplex"), (refused.Status, refused.Code));
        Assert.Equal(
            (405, "MethodNotAllowed"),
            ((await Service.RefusedAsync("$batch")).Status, (await Service.RefusedAsync("$batch")).Code)
        );
    }

    [Theory]
    [MemberData(nameof(ODataTests.Engines), MemberType = typeof(ODataTests))]
    public async Task A_query_in_the_body_is_the_one_in_the_address(StorageEngine engine)
    {
        var service = services[engine];
        var list = string.Join(" or ", Enumerable.Range(0, 300).Select(i => $"DeploymentId eq {1_000_000_000_000 + i}"));
        var query = $"$filter={Uri.EscapeDataString(list)}&$orderby=PeriodStart,DeploymentId,FunctionalUnit&$top=3";
        using var posted = await service.Client.PostAsync(
            "HourlyIntensities/$query",
            new StringContent(query, Encoding.UTF8, "text/plain")
        );
        Assert.Equal(HttpStatusCode.OK, posted.StatusCode);
        Assert.Equal(
            (await service.GetAsync($"HourlyIntensities?{query}")).GetProperty("value").GetRawText(),
            JsonDocument.Parse(await posted.Content.ReadAsStringAsync()).RootElement.GetProperty("value").GetRawText()
        );
        Assert.Equal(405, (await service.RefusedAsync("HourlyIntensities/$query")).Status);
        Assert.Equal(
            415,
            (
                await service.RefusedAsync("HourlyIntensities/$query", HttpMethod.Post, request =>
                    request.Content = new StringContent("{}", Encoding.UTF8, "application/json")
                )
            ).Status
        );
        Assert.Equal(
            "QueryTooComplex",
            (
                await service.RefusedAsync("HourlyIntensities/$query", HttpMethod.Post, request =>
                    request.Content = new StringContent("$filter=" + new string(' ', 70_000), Encoding.UTF8, "text/plain")
                )
            ).Code
        );
    }

    private static async Task<HttpResponseMessage> PostAsync(ODataService service, string body, string type, string? prefer = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "$batch") { Content = new StringContent(body, Encoding.UTF8) };
        request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        if (prefer is not null)
            request.Headers.Add("Prefer", prefer);
        return await service.Client.SendAsync(request);
    }

    private static string Multipart(params string[] urls) =>
        string.Concat(
            urls.Select(url =>
                $"--b1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\nGET {url} "
                + "HTTP/1.1\r\nAccept: */*\r\n\r\n\r\n"
            )
        ) + "--b1--\r\n";

    private static int Count(string text, string sought) =>
        (text.Length - text.Replace(sought, "", StringComparison.Ordinal).Length) / sought.Length;
}
