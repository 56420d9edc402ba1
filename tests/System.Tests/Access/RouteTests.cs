using System.Net;
using System.Text.RegularExpressions;
using Metrics.Api.Access;
using Metrics.Api.Settings;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.Routing;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Metrics.SystemTests.Access;

/// <summary>Every address that the service maps, found in the service itself: nobody has to remember to add one here.</summary>
public sealed partial class RouteTests : IDisposable
{
    private const string Key = "the-key-of-the-tests-0123456789abcdef";
    private readonly string folder = Directory.CreateTempSubdirectory("metrics-routes-").FullName;

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Nothing_but_the_sign_of_life_answers_without_a_key()
    {
        await using var whole = new WebApplicationFactory<Metrics.Api.Settings.MetricsSettings>();
        await using var factory = whole.WithWebHostBuilder(host =>
            host.UseSetting("Metrics:Storage:ConnectionString", $"Data Source={folder}/routes.db")
                .UseSetting("Metrics:Roles:0", "api")
                .UseSetting("Metrics:Access:Keys:root:Key", Key)
                .UseSetting("Metrics:Access:Keys:root:Scopes:0", "admin")
        );
        using var client = factory.CreateClient(new WebApplicationFactoryClientOptions { AllowAutoRedirect = false });
        var routes = factory.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().ToList();
        var open = new List<string>();
        foreach (var route in routes)
        {
            var path = "/" + Parameter().Replace(route.RoutePattern.RawText!.TrimStart('/'), "1");
            foreach (var method in route.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? ["GET", "POST"])
            {
                using var anonymous = await client.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));
                if (anonymous.StatusCode != HttpStatusCode.Unauthorized)
                    open.Add($"{method} {path}");
                // The control: with the key the same address says something else.
                using var request = new HttpRequestMessage(new HttpMethod(method), path) { Headers = { { "X-Api-Key", Key } } };
                using var admitted = await client.SendAsync(request);
                Assert.True(
                    admitted.StatusCode is not (HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden),
                    $"{method} {path}: {admitted.StatusCode}"
                );
            }
            // Each says what it asks for: what a new address is for is decided where it is mapped.
            Assert.True(route.Metadata.GetMetadata<RequiredScope>() is not null, $"{path} asks for no scope.");
        }
        Assert.Equal(["GET /health/live", "POST /health/live"], open);
        foreach (
            var known in new[]
            {
                "/odata/{**odataPath}",
                "/api/placements",
                "/api/explain",
                "/api/keys",
                "/api/audit",
                "/metrics",
                "/api/sources/{id}/read",
            }
        )
            Assert.Contains(routes, route => "/" + route.RoutePattern.RawText!.Trim('/') == known);
    }

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Parameter();
}
