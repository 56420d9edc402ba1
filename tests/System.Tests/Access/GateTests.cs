using System.Net;
using Metrics.Api.Access;
using Metrics.Api.OData.Protocol;
using Metrics.Storage.Access;
using Metrics.Storage.Engine;
using Metrics.Storage.Schema;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Metrics.SystemTests.Access;

/// <summary>The gate before a few addresses of its own: limits, other sites, and addresses that nobody thought of.</summary>
public sealed class GateTests : IAsyncLifetime
{
    private const string Key = "the-key-of-the-tests-0123456789abcdef";
    private const string Reader = "a-key-that-may-read-0123456789abcdef";
    private readonly string folder = Directory.CreateTempSubdirectory("metrics-gate-").FullName;
    private readonly TaskCompletionSource gone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private WebApplication? app;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        gone.TrySetResult();
        if (app is not null)
            await app.DisposeAsync();
        SqliteConnection.ClearAllPools();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task An_address_that_asks_for_nothing_is_the_operators()
    {
        using var client = await StartAsync(_ => { });
        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync("/forgotten")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await SendAsync(client, "/forgotten", Reader)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(client, "/forgotten", Key)).StatusCode);
        // Nothing there is told to whoever is let in, and nothing at all to others.
        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync("/nothing")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await SendAsync(client, "/nothing", Reader)).StatusCode);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await SendAsync(client, "/fast", Reader, HttpMethod.Put)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/open")).StatusCode);
    }

    [Fact]
    public async Task A_key_that_asks_for_too_much_at_once_waits_and_another_does_not()
    {
        using var client = await StartAsync(settings => settings.ConcurrentRequests = 2);
        var slow = new[] { SendAsync(client, "/slow", Reader), SendAsync(client, "/slow", Reader) };
        HttpResponseMessage third;
        var tries = 0;
        // The two are on their way; until both have arrived a third may still be let in.
        while ((third = await SendAsync(client, "/fast", Reader)).StatusCode == HttpStatusCode.OK && tries++ < 200)
            await Task.Delay(20);
        Assert.Equal(HttpStatusCode.TooManyRequests, third.StatusCode);
        Assert.Equal("1", third.Headers.GetValues("Retry-After").Single());
        Assert.Contains("rate_limited", await third.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(client, "/fast", Key)).StatusCode);
        gone.SetResult();
        Assert.All(await Task.WhenAll(slow), answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(client, "/fast", Reader)).StatusCode);
    }

    [Fact]
    public async Task A_key_that_asks_too_often_is_told_when_to_come_again()
    {
        using var client = await StartAsync(settings => settings.RequestsPerMinute = 5);
        for (var i = 0; i < 5; i++)
            Assert.Equal(HttpStatusCode.OK, (await SendAsync(client, "/fast", Reader)).StatusCode);
        var refused = await SendAsync(client, "/fast", Reader);
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 12);
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(client, "/fast", Key)).StatusCode);
    }

    [Fact]
    public async Task A_batch_is_as_many_requests_as_it_holds()
    {
        using var client = await StartAsync(settings => settings.RequestsPerMinute = 8);
        async Task<HttpResponseMessage> Batch(int parts)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/odata/$batch") { Headers = { { "X-Api-Key", Reader } } };
            request.Content = System.Net.Http.Json.JsonContent.Create(
                new
                {
                    requests = Enumerable
                        .Range(0, parts)
                        .Select(i => new
                        {
                            id = $"{i}",
                            method = "GET",
                            url = "Sources/$count",
                        }),
                }
            );
            return await client.SendAsync(request);
        }
        Assert.Equal(HttpStatusCode.OK, (await Batch(5)).StatusCode);
        var refused = await Batch(5);
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.Contains("\"code\":\"rate_limited\"", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.NotNull(refused.Headers.RetryAfter);
        Assert.Equal(HttpStatusCode.OK, (await Batch(2)).StatusCode);
    }

    [Fact]
    public async Task An_address_that_guesses_is_held_off_and_a_good_key_from_there_is_not()
    {
        using var client = await StartAsync(settings => settings.RefusalsPerMinute = 3);
        for (var i = 0; i < 3; i++)
            Assert.Equal(HttpStatusCode.Unauthorized, (await SendAsync(client, "/fast", $"guess-{i}")).StatusCode);
        var held = await SendAsync(client, "/fast", "guess-4");
        Assert.Equal(HttpStatusCode.TooManyRequests, held.StatusCode);
        Assert.NotNull(held.Headers.RetryAfter);
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(client, "/fast", Reader)).StatusCode);
        var entry = Assert.Single(await app!.Services.GetRequiredService<AuditLog>().ReadAsync(0, 10, default));
        Assert.Equal(("127.0.0.1", "refused"), (entry.Actor, entry.Action));
    }

    [Theory]
    [InlineData("Sec-Fetch-Site", "cross-site", HttpStatusCode.Forbidden)]
    [InlineData("Sec-Fetch-Site", "same-site", HttpStatusCode.Forbidden)]
    [InlineData("Sec-Fetch-Site", "same-origin", HttpStatusCode.OK)]
    [InlineData("Sec-Fetch-Site", "none", HttpStatusCode.OK)]
    [InlineData("Origin", "https://evil.example", HttpStatusCode.Forbidden)]
    [InlineData("Origin", "null", HttpStatusCode.Forbidden)]
    [InlineData("Accept", "*/*", HttpStatusCode.OK)]
    public async Task A_page_of_another_site_changes_nothing(string header, string value, HttpStatusCode expected)
    {
        using var client = await StartAsync(_ => { });
        using var request = new HttpRequestMessage(HttpMethod.Post, "/change") { Headers = { { header, value }, { "X-Api-Key", Key } } };
        Assert.Equal(expected, (await client.SendAsync(request)).StatusCode);
        var noted = await app!.Services.GetRequiredService<AuditLog>().ReadAsync(0, 10, default);
        if (expected == HttpStatusCode.OK)
            Assert.Equal(
                ("key:all (configuration)", "POST /change", "200"),
                noted.Select(entry => (entry.Actor, entry.Action, entry.Outcome)).Single()
            );
        else
            Assert.Empty(noted);
    }

    [Fact]
    public async Task Answers_tell_browsers_to_be_careful_even_where_something_failed()
    {
        using var client = await StartAsync(_ => { });
        foreach (var path in new[] { "/fast", "/open", "/broken", "/nothing", "/forgotten" })
        {
            var headers = (await SendAsync(client, path, Reader)).Headers;
            Assert.Equal("nosniff", headers.GetValues("X-Content-Type-Options").Single());
            Assert.Equal("DENY", headers.GetValues("X-Frame-Options").Single());
            Assert.Equal("no-referrer", headers.GetValues("Referrer-Policy").Single());
            Assert.StartsWith("default-src 'none'", headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
            Assert.True(headers.CacheControl!.Private || headers.CacheControl.NoStore, path);
        }
    }

    [Fact]
    public async Task Without_any_key_this_machine_is_answered_and_what_a_proxy_hands_on_is_not()
    {
        using var client = await StartAsync(settings => settings.Keys.Clear());
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/forgotten")).StatusCode);
        foreach (var header in new[] { "X-Forwarded-For", "Forwarded", "X-Real-IP" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/fast") { Headers = { { header, "203.0.113.7" } } };
            Assert.Equal(HttpStatusCode.Unauthorized, (await client.SendAsync(request)).StatusCode);
        }
    }

    private static async Task<HttpResponseMessage> SendAsync(HttpClient client, string path, string key, HttpMethod? method = null)
    {
        using var request = new HttpRequestMessage(method ?? HttpMethod.Get, path) { Headers = { { "X-Api-Key", key } } };
        return await client.SendAsync(request);
    }

    private async Task<HttpClient> StartAsync(Action<AccessSettings> configure)
    {
        var settings = new AccessSettings
        {
            Keys =
            {
                ["all"] = new() { Key = Key, Scopes = ["admin"] },
                ["reader"] = new() { Key = Reader, Scopes = ["read"] },
            },
        };
        configure(settings);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder
            .Services.AddSingleton(TimeProvider.System)
            .AddMetricsStorage(StorageEngine.Sqlite, $"Data Source={folder}/{Guid.NewGuid():N}.db")
            .AddAccess(settings)
            .AddProblemDetails()
            .AddMetricsOData();
        app = builder.Build();
        await app.Services.GetRequiredService<SchemaMigrator>().MigrateAsync();
        await app.Services.GetRequiredService<AccessKeyCache>().RefreshAsync(default);
        app.UseExceptionHandler();
        app.UseAccess();
        app.MapMetricsOData().RequireScope(Scope.Read);
        app.MapGet("/fast", () => "fast").RequireScope(Scope.Read);
        app.MapGet("/slow", async () =>
            {
                await gone.Task;
                return "slow";
            })
            .RequireScope(Scope.Read);
        app.MapGet("/broken", string () => throw new InvalidOperationException("broken on purpose")).RequireScope(Scope.Read);
        app.MapPost("/change", () => "changed").RequireScope(Scope.Operate);
        app.MapGet("/open", () => "open").OpenToAll();
        app.MapGet("/forgotten", () => "forgotten");
        await app.StartAsync();
        return new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
    }
}
