using System.Net;
using System.Text.Json;
using Xunit;

namespace Metrics.SystemTests.Journey;

/// <summary>What clients see when they meet the service at a wrong address, by a wrong name, or another process of it.</summary>
public sealed class ManyProcessesTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>
{
    [Fact]
    public async Task A_nextLink_of_one_process_is_followed_by_another_on_the_same_database()
    {
        (string, string)[] storage =
        [
            ("Metrics__Storage__Engine", "Postgres"),
            ("Metrics__Storage__ConnectionString", await cluster.CreateDatabaseAsync()),
            ("Metrics__Roles__0", "api"),
        ];
        var (code, output) = await ServiceProcess.RunAsync(["migrate"], storage);
        Assert.True(code == 0, output);
        await using var first = await ServiceProcess.StartAsync(storage);
        await using var second = await ServiceProcess.StartAsync(storage);

        using var page = JsonDocument.Parse(await first.Http.GetStringAsync(new Uri("/odata/Calendar?$select=Date", UriKind.Relative)));
        var next = new Uri(page.RootElement.GetProperty("@odata.nextLink").GetString()!);
        using var following = JsonDocument.Parse(await second.Http.GetStringAsync(new Uri(second.Address, next.PathAndQuery)));
        // A page has 1,000 days, the first of them 1 January 2020.
        Assert.Equal("2022-09-27", following.RootElement.GetProperty("value")[0].GetProperty("Date").GetString());
    }

    [Fact]
    public async Task Unknown_addresses_wrong_methods_and_foreign_names_are_answered_with_what_to_do()
    {
        await using var service = await ServiceProcess.StartAsync(("Metrics__Roles__0", "api"));

        await AssertProblemAsync(
            HttpMethod.Get,
            "/nope",
            404,
            "There is nothing at '/nope'. Data is at /odata, operations are described at /scalar, and / lists where to look."
        );
        await AssertProblemAsync(
            HttpMethod.Get,
            "/api/nope",
            404,
            "There is nothing at '/api/nope'. Data is at /odata, operations are described at /scalar, and / lists where to look."
        );
        await AssertProblemAsync(
            HttpMethod.Get,
            "/api/sources/sample/read",
            405,
            "GET is not possible at '/api/sources/sample/read'; possible is POST."
        );
        await AssertProblemAsync(HttpMethod.Post, "/api/sources/nope/read", 404, "There is no source 'nope'. Sources are: sample, self.");
        await AssertProblemAsync(
            HttpMethod.Post,
            "/jobs/recurring/trigger",
            401,
            "Without a key the jobs can be looked at and not be changed. Make one with the scope 'operate'."
        );

        using var asked = await service.Http.PostAsync(new Uri("/api/sources/sample/read", UriKind.Relative), null);
        Assert.Equal(HttpStatusCode.Accepted, asked.StatusCode);
        Assert.Equal("/odata/Runs?$filter=Source%20eq%20'sample'&$orderby=StartedAt%20desc&$top=1", asked.Headers.Location!.OriginalString);

        // A page of another site whose name leads to this machine asks under that name.
        using var rebound = new HttpRequestMessage(HttpMethod.Get, "/odata") { Headers = { Host = "evil.example" } };
        using var refused = await service.Http.SendAsync(rebound);
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);

        async Task AssertProblemAsync(HttpMethod method, string path, int status, string detail)
        {
            using var request = new HttpRequestMessage(method, path);
            using var answer = await service.Http.SendAsync(request);
            Assert.Equal(status, (int)answer.StatusCode);
            Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
            using var problem = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
            Assert.Equal(detail, problem.RootElement.GetProperty("detail").GetString());
        }
    }
}
