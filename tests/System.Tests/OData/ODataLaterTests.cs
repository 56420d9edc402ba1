using System.Net;
using System.Text;
using System.Text.Json;
using Metrics.Storage.Engine;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Metrics.SystemTests.OData;

/// <summary>Answers that a client fetches later.</summary>
[Collection(ODataTests.Name)]
public sealed class ODataLaterTests(ODataServices services)
{
    private const string Query =
        "HourlyIntensities?$apply=groupby((Provider,FunctionalUnit),aggregate(FacilityJoules with sum as E,$count as "
        + "N))&$orderby=Provider,FunctionalUnit";

    [Theory]
    [MemberData(nameof(ODataTests.Engines), MemberType = typeof(ODataTests))]
    public async Task A_question_is_accepted_and_its_answer_fetched_as_often_as_wanted(StorageEngine engine)
    {
        var service = services[engine];
        var expected = await service.Client.GetStringAsync(Query);
        using var accepted = await AskAsync(service, Query);
        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        Assert.Equal("respond-async", accepted.Headers.GetValues("Preference-Applied").Single());
        Assert.Equal("1", accepted.Headers.GetValues("Retry-After").Single());
        Assert.Equal("", await accepted.Content.ReadAsStringAsync());
        var place = accepted.Headers.Location!;
        Assert.StartsWith(service.Client.BaseAddress + "$async/", place.AbsoluteUri, StringComparison.Ordinal);

        for (var again = 0; again < 2; again++)
        {
            using var fetched = await FetchAsync(service, place);
            Assert.Equal(HttpStatusCode.OK, fetched.StatusCode);
            Assert.Equal("200", fetched.Headers.GetValues("AsyncResult").Single());
            Assert.Equal("application/json", fetched.Content.Headers.ContentType!.MediaType);
            Assert.Equal("4.0", fetched.Headers.GetValues("OData-Version").Single());
            Assert.Equal(expected, await fetched.Content.ReadAsStringAsync());
        }

        using var deleted = await service.Client.DeleteAsync(place);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        Assert.Equal((404, "NotFound"), Short(await service.RefusedAsync(place.AbsoluteUri)));
    }

    [Theory]
    [InlineData("Accept", "application/http")]
    [InlineData("OData-MaxVersion", "4.0")]
    public async Task Clients_of_4_0_get_a_message_within_the_message(string header, string value)
    {
        var service = services[StorageEngine.Sqlite];
        var expected = await service.Client.GetStringAsync(Query);
        using var accepted = await AskAsync(service, Query);
        using var fetched = await FetchAsync(service, accepted.Headers.Location!, request =>
            request.Headers.TryAddWithoutValidation(header, value)
        );
        Assert.Equal("application/http", fetched.Content.Headers.ContentType!.MediaType);
        Assert.Equal("binary", fetched.Headers.NonValidated["Content-Transfer-Encoding"].ToString());
        Assert.False(fetched.Headers.Contains("AsyncResult"));
        var message = await fetched.Content.ReadAsStringAsync();
        var end = message.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        var head = message[..end].Split("\r\n");
        Assert.Equal("HTTP/1.1 200 OK", head[0]);
        Assert.Contains("OData-Version: 4.0", head);
        Assert.Contains("Content-Type: application/json;odata.metadata=minimal;charset=utf-8", head);
        Assert.Equal(expected, message[(end + 4)..]);
    }

    [Theory]
    [MemberData(nameof(ODataTests.Engines), MemberType = typeof(ODataTests))]
    public async Task Pages_and_queries_in_the_body_keep_their_wishes(StorageEngine engine)
    {
        var service = services[engine];
        using var accepted = await AskAsync(service, "HourlyIntensities/$query", request =>
        {
            request.Method = HttpMethod.Post;
            request.Headers.TryAddWithoutValidation("Prefer", "odata.maxpagesize=7");
            request.Content = new StringContent(
                "$select=DeploymentId,PeriodStart&$filter=Workload eq 'chat-70b'",
                Encoding.UTF8,
                "text/plain"
            );
        });
        using var fetched = await FetchAsync(service, accepted.Headers.Location!);
        Assert.Equal("odata.maxpagesize=7", fetched.Headers.GetValues("Preference-Applied").Single());
        var page = JsonDocument.Parse(await fetched.Content.ReadAsStringAsync()).RootElement;
        Assert.Equal(7, page.GetProperty("value").GetArrayLength());
        var next = await service.GetAsync(page.GetProperty("@odata.nextLink").GetString()!);
        Assert.NotEqual(page.GetProperty("value")[0].GetRawText(), next.GetProperty("value")[0].GetRawText());
    }

    [Theory]
    [InlineData("HourlyIntensities?$filter=Nope eq 1", 400, "UnknownProperty")]
    [InlineData("Deployments(4711)", 404, "NotFound")]
    [InlineData("HourlyIntensities?$apply=aggregate(Units with sum as U)", 400, "MixedUnits")]
    public async Task A_refusal_comes_as_the_result(string url, int status, string code)
    {
        var service = services[StorageEngine.Postgres];
        using var accepted = await AskAsync(service, url);
        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        using var fetched = await FetchAsync(service, accepted.Headers.Location!);
        Assert.Equal((HttpStatusCode.OK, $"{status}"), (fetched.StatusCode, fetched.Headers.GetValues("AsyncResult").Single()));
        var error = JsonDocument.Parse(await fetched.Content.ReadAsStringAsync()).RootElement.GetProperty("error");
        Assert.Equal(code, error.GetProperty("code").GetString());
        // Alone, the same.
        var refused = await service.RefusedAsync(url);
        Assert.Equal((status, code, error.GetProperty("message").GetString()), refused);
    }

    [Fact]
    public async Task Who_waits_long_enough_gets_the_answer_itself()
    {
        var service = services[StorageEngine.Sqlite];
        using var answered = await AskAsync(service, Query, request => request.Headers.TryAddWithoutValidation("Prefer", "wait=30"));
        Assert.Equal(HttpStatusCode.OK, answered.StatusCode);
        Assert.False(answered.Headers.Contains("AsyncResult"));
        Assert.Equal(await service.Client.GetStringAsync(Query), await answered.Content.ReadAsStringAsync());
        using var refused = await AskAsync(service, "Nope", request => request.Headers.TryAddWithoutValidation("Prefer", "wait=30"));
        Assert.Equal(HttpStatusCode.NotFound, refused.StatusCode);
    }

    [Theory]
    [MemberData(nameof(ODataTests.Engines), MemberType = typeof(ODataTests))]
    public async Task The_database_gets_more_time_and_stops_when_the_answer_is_deleted(StorageEngine engine)
    {
        await using var service = await services.StartEmptyAsync(engine, settings =>
            settings.StatementTimeout = TimeSpan.FromMilliseconds(100)
        );
        await service.ExecuteAsync("DROP VIEW \"Workloads\"");
        // About a second of work, then endless.
        await service.ExecuteAsync(
            engine == StorageEngine.Sqlite
                ? "CREATE VIEW \"Workloads\" AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 3000000) "
                    + "SELECT 'a' AS \"Name\", 'b' AS \"Model\", 'c' AS \"Precision\" WHERE (SELECT COUNT(*) FROM c) > 0"
                : "CREATE VIEW \"Workloads\" AS SELECT 'a' AS \"Name\", 'b' AS \"Model\", 'c' AS \"Precision\" FROM (SELECT pg_sleep(1)) s"
        );
        Assert.Equal((503, "QueryTimeout"), Short(await service.RefusedAsync("Workloads")));
        using var accepted = await AskAsync(service, "Workloads");
        using (var early = await service.Client.GetAsync(accepted.Headers.Location))
        {
            Assert.Equal(HttpStatusCode.Accepted, early.StatusCode);
            Assert.Equal(accepted.Headers.Location, early.Headers.Location);
        }
        using var fetched = await FetchAsync(service, accepted.Headers.Location!);
        Assert.Equal("200", fetched.Headers.GetValues("AsyncResult").Single());

        await service.ExecuteAsync("DROP VIEW \"Workloads\"");
        await service.ExecuteAsync(
            engine == StorageEngine.Sqlite
                ? "CREATE VIEW \"Workloads\" AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT 'a' AS "
                    + "\"Name\", 'b' AS \"Model\", 'c' AS \"Precision\" FROM c WHERE n < 0"
                : "CREATE VIEW \"Workloads\" AS SELECT 'a' AS \"Name\", 'b' AS \"Model\", 'c' AS \"Precision\" FROM (SELECT "
                    + "pg_sleep(600)) s"
        );
        using var endless = await AskAsync(service, "Workloads");
        // Deleting waits for the end of the work.
        using var deleted = await service.Client.DeleteAsync(endless.Headers.Location);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
    }

    [Fact]
    public async Task Few_are_kept_and_not_for_long()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var service = await services.StartEmptyAsync(StorageEngine.Sqlite, time: clock);
        var places = new List<Uri>();
        for (var i = 0; i < 32; i++)
        {
            using var accepted = await AskAsync(service, "Workloads");
            places.Add(accepted.Headers.Location!);
        }
        var refused = await service.RefusedAsync("Workloads", prepare: request => request.Headers.Add("Prefer", "respond-async"));
        Assert.Equal((429, "TooManyLaterAnswers"), Short(refused));
        foreach (var place in places)
            (await FetchAsync(service, place)).Dispose();

        clock.Advance(TimeSpan.FromMinutes(9));
        (await FetchAsync(service, places[0])).Dispose();
        clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal((404, "NotFound"), Short(await service.RefusedAsync(places[0].AbsoluteUri)));
        using var again = await AskAsync(service, "Workloads");
        Assert.Equal(HttpStatusCode.Accepted, again.StatusCode);
    }

    [Theory]
    [InlineData("GET", "$async/nope", 404)]
    [InlineData("DELETE", "$async/00000000000000000000000000000000", 404)]
    [InlineData("GET", "$async/", 404)]
    public async Task Of_unknown_answers_nothing_is_told(string method, string url, int status) =>
        Assert.Equal((status, "NotFound"), Short(await services[StorageEngine.Sqlite].RefusedAsync(url, new HttpMethod(method))));

    [Fact]
    public async Task An_answer_is_only_asked_about_or_deleted()
    {
        var service = services[StorageEngine.Sqlite];
        using var accepted = await AskAsync(service, "Workloads");
        var refused = await service.RefusedAsync(accepted.Headers.Location!.AbsoluteUri, HttpMethod.Put);
        Assert.Equal((405, "MethodNotAllowed"), Short(refused));
    }

    private static (int Status, string Code) Short((int Status, string Code, string Message) refused) => (refused.Status, refused.Code);

    private static async Task<HttpResponseMessage> AskAsync(ODataService service, string url, Action<HttpRequestMessage>? prepare = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        request.Headers.TryAddWithoutValidation("Prefer", "respond-async");
        prepare?.Invoke(request);
        return await service.Client.SendAsync(request);
    }

    private static async Task<HttpResponseMessage> FetchAsync(ODataService service, Uri place, Action<HttpRequestMessage>? prepare = null)
    {
        for (var tries = 0; ; tries++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, place);
            prepare?.Invoke(request);
            var response = await service.Client.SendAsync(request);
            if (response.StatusCode != HttpStatusCode.Accepted)
                return response;
            response.Dispose();
            Assert.True(tries < 600, "The answer never came.");
            await Task.Delay(50);
        }
    }
}
