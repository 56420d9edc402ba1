using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Metrics.Api.Webhooks;
using Metrics.Storage.Engine;
using Metrics.SystemTests.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Metrics.SystemTests.Webhooks;

/// <summary>Webhooks as an operator makes, tries, looks through and mends them, on sockets, with the dispatcher running; every delivery is
/// verified by npm's standardwebhooks.</summary>
public sealed class WebhookApiTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>
{
    public static TheoryData<StorageEngine> Engines { get; } = [StorageEngine.Sqlite, StorageEngine.Postgres];

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task From_the_making_to_the_replay(StorageEngine engine)
    {
        await using var service = await Service.StartAsync(cluster, engine);
        await using var receiver = await Receiver.StartAsync();
        var (status, made) = await service.SendAsync(
            HttpMethod.Post,
            "",
            new
            {
                url = receiver.Url,
                types = new[] { "source.stale", "report.ready", "source.stale" },
                description = "the plant",
            }
        );
        Assert.Equal(HttpStatusCode.Created, status);
        var (id, secret) = (Text(made, "id"), Text(made, "secret"));
        Assert.Matches("^whsec_[A-Za-z0-9+/]{43}=$", secret);
        Assert.Equal("""["report.ready","source.stale"]""", made.GetProperty("types").GetRawText());
        // The secret is shown once.
        Assert.DoesNotContain(secret, (await service.SendAsync(HttpMethod.Get, $"/{id}")).Body.GetRawText(), StringComparison.Ordinal);
        Assert.Equal(id, Text(Assert.Single((await service.SendAsync(HttpMethod.Get, "")).Body.EnumerateArray()), "id"));

        var (accepted, test) = await service.SendAsync(HttpMethod.Post, $"/{id}/test");
        Assert.Equal((HttpStatusCode.Accepted, "due"), (accepted, Text(test, "state")));
        var first = await service.WaitAsync($"/{id}/deliveries/{test.GetProperty("id")}", delivery =>
            Text(delivery, "state") == "delivered"
        );
        Assert.Equal(
            "[204]",
            JsonSerializer.Serialize(
                first.GetProperty("attempts").EnumerateArray().Select(attempt => attempt.GetProperty("statusCode").GetInt32())
            )
        );

        var rotated = (await service.SendAsync(HttpMethod.Post, $"/{id}/rotate")).Body;
        await service.Storage.Log.RegisterAsync("rack", "prometheus", null, default);
        await service.Storage.Log.MarkStaleAsync(new("rack", DateTime.UtcNow, null, null), true, default);
        await service.WaitAsync($"/{id}/deliveries?state=delivered", deliveries => deliveries.GetArrayLength() == 2);

        var (again, replayed) = await service.SendAsync(HttpMethod.Post, $"/{id}/deliveries/{test.GetProperty("id")}/replay");
        Assert.Equal((HttpStatusCode.Accepted, "due"), (again, Text(replayed, "state")));
        await service.WaitAsync($"/{id}/deliveries/{test.GetProperty("id")}", delivery =>
            delivery.GetProperty("attempts").GetArrayLength() == 2
        );
        var span = (
            await service.SendAsync(
                HttpMethod.Post,
                $"/{id}/replay?from={DateTime.UtcNow.AddHours(-1):O}&to={DateTime.UtcNow.AddHours(1):O}"
            )
        ).Body;
        Assert.Equal(2, span.GetProperty("replayed").GetInt32());
        await service.WaitAsync($"/{id}/deliveries?state=delivered", deliveries =>
            deliveries.EnumerateArray().Sum(delivery => delivery.GetProperty("attempts").GetArrayLength()) == 5
        );

        string[] types = ["webhook.test", "source.stale", "webhook.test", "source.stale", "webhook.test"];
        Assert.Equal(types.Order(StringComparer.Ordinal), receiver.All.Select(one => one.Type).Order(StringComparer.Ordinal));
        Assert.Equal(2, receiver.All.Select(one => one.Id).Distinct().Count());
        foreach (var key in new[] { secret, Text(rotated, "secret") })
        {
            // The new secret has signed from the second delivery on, beside the old one.
            var verified = await NodeVerifier.VerifyAsync(key, receiver.All.Skip(key == secret ? 0 : 1));
            Assert.All(verified, told => Assert.DoesNotContain("refused", told, StringComparison.Ordinal));
        }
        // The control: a byte changed on the way is noticed.
        var forged = receiver.All[0] with { Body = [.. receiver.All[0].Body.SkipLast(1), (byte)' ', (byte)'}'] };
        Assert.EndsWith(
            "refused, No matching signature found",
            Assert.Single(await NodeVerifier.VerifyAsync(secret, [forged])),
            StringComparison.Ordinal
        );

        Assert.Equal(HttpStatusCode.NoContent, (await service.SendAsync(HttpMethod.Delete, $"/{id}")).Status);
        Assert.Equal((404, "not_found"), await service.RefusedAsync(HttpMethod.Get, $"/{id}"));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Ed25519_is_verified_by_the_public_key_alone(StorageEngine engine)
    {
        await using var service = await Service.StartAsync(cluster, engine);
        await using var receiver = await Receiver.StartAsync();
        var (_, made) = await service.SendAsync(
            HttpMethod.Post,
            "",
            new
            {
                url = receiver.Url,
                signing = "ed25519",
                format = "cloudevents",
            }
        );
        Assert.False(made.TryGetProperty("secret", out _));
        var key = made.GetProperty("publicKeys")[0].GetString()!;
        Assert.Matches("^whpk_[A-Za-z0-9+/]{43}=$", key);
        var id = Text(made, "id");

        var (_, test) = await service.SendAsync(HttpMethod.Post, $"/{id}/test");
        await service.WaitAsync($"/{id}/deliveries/{test.GetProperty("id")}", delivery => Text(delivery, "state") == "delivered");

        var told = Assert.Single(receiver.All);
        Assert.Equal([$"{told.Id}: webhook.test"], await NodeVerifier.VerifyAsync(key, [told]));
        Assert.EndsWith(
            "refused, No matching signature found",
            Assert.Single(await NodeVerifier.VerifyAsync(key, [told with { Body = [.. told.Body, (byte)' '] }])),
            StringComparison.Ordinal
        );
        var rotated = (await service.SendAsync(HttpMethod.Post, $"/{id}/rotate")).Body.GetProperty("publicKeys");
        Assert.Equal((2, key), (rotated.GetArrayLength(), rotated[1].GetString()));
    }

    [Fact]
    public async Task What_cannot_be_is_refused_with_a_code_and_what_can()
    {
        await using var service = await Service.StartAsync(cluster, StorageEngine.Sqlite);
        await using var receiver = await Receiver.StartAsync();
        var url = receiver.Url;
        foreach (
            var (code, body) in new (string, object)[]
            {
                ("invalid_body", new { uri = url }),
                ("invalid_body", "text"),
                ("invalid_url", new { types = Array.Empty<string>() }),
                ("invalid_url", new { url = "example.org/hook" }),
                ("invalid_url", new { url = "ftp://example.org/hook" }),
                ("invalid_url", new { url = "https://user:word@example.org/hook" }),
                ("invalid_url", new { url = "https://example.org/#part" }),
                ("invalid_url", new { url = $"https://example.org/{new string('x', 2048)}" }),
                ("blocked_address", new { url = "https://169.254.169.254/latest/meta-data" }),
                ("blocked_address", new { url = "http://[::ffff:127.0.0.1]/" }),
                ("blocked_address", new { url = "https://10.0.0.1/" }),
                ("unresolvable_host", new { url = "https://no-such-host.invalid/" }),
                ("https_required", new { url = "http://8.8.8.8/" }),
                ("unreachable", new { url = $"http://127.0.0.1:{PostgresCluster.FreePort()}/" }),
                ("unknown_type", new { url, types = new[] { "source.stail" } }),
                ("unknown_format", new { url, format = "xml" }),
                ("unknown_signing", new { url, signing = "rsa" }),
                ("invalid_description", new { url, description = "a\nb" }),
            }
        )
            Assert.Equal((400, code), await service.RefusedAsync(HttpMethod.Post, "", body));

        Assert.Equal((404, "not_found"), await service.RefusedAsync(HttpMethod.Post, "/wh_none/test"));
        var id = Text((await service.SendAsync(HttpMethod.Post, "", new { url, enabled = false })).Body, "id");
        Assert.Equal((409, "webhook_disabled"), await service.RefusedAsync(HttpMethod.Post, $"/{id}/test"));
        Assert.Equal((409, "webhook_disabled"), await service.RefusedAsync(HttpMethod.Post, $"/{id}/replay?failed=true"));
        Assert.Equal((400, "unknown_signing"), await service.RefusedAsync(HttpMethod.Patch, $"/{id}", new { signing = "ed25519" }));
        Assert.Equal(
            (400, "blocked_address"),
            await service.RefusedAsync(HttpMethod.Patch, $"/{id}", new { url = "https://192.168.0.1/" })
        );
        Assert.Equal(
            "[]",
            (await service.SendAsync(HttpMethod.Patch, $"/{id}", new { enabled = true, types = Array.Empty<string>() }))
                .Body.GetProperty("types")
                .GetRawText()
        );
        foreach (
            var (code, query) in new[]
            {
                ("invalid_span", "replay"),
                ("invalid_span", "replay?from=2026-01-02&to=2026-01-01"),
                ("invalid_span", "replay?from=yesterday&to=2026-01-01"),
                ("invalid_span", "replay?failed=1"),
                ("invalid_span", "replay?failed=true&from=2026-01-01"),
                ("unknown_parameter", "replay?since=2026-01-01"),
            }
        )
            Assert.Equal((400, code), await service.RefusedAsync(HttpMethod.Post, $"/{id}/{query}"));
        foreach (
            var (code, query) in new[]
            {
                ("unknown_state", "?state=open"),
                ("invalid_number", "?top=0"),
                ("invalid_number", "?before=x"),
                ("unknown_parameter", "?page=2"),
            }
        )
            Assert.Equal((400, code), await service.RefusedAsync(HttpMethod.Get, $"/{id}/deliveries{query}"));
        Assert.Equal((404, "not_found"), await service.RefusedAsync(HttpMethod.Get, $"/{id}/deliveries/7"));
        Assert.Equal((404, "not_found"), await service.RefusedAsync(HttpMethod.Post, $"/{id}/deliveries/7/replay"));
        for (var i = 0; i < 9; i++)
            Assert.Equal(HttpStatusCode.OK, (await service.SendAsync(HttpMethod.Post, $"/{id}/rotate")).Status);
        Assert.Equal((409, "too_many_secrets"), await service.RefusedAsync(HttpMethod.Post, $"/{id}/rotate"));
        Assert.Empty(receiver.All);
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;

    /// <summary>The addresses and the dispatcher over one store.</summary>
    private sealed class Service : IAsyncDisposable
    {
        private readonly WebApplication app;
        private readonly HttpClient client;

        private Service(WebApplication app, TestStorage storage)
        {
            this.app = app;
            Storage = storage;
            client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
        }

        public TestStorage Storage { get; }

        public static async Task<Service> StartAsync(PostgresCluster cluster, StorageEngine engine)
        {
            var storage = await TestStorage.MigratedAsync(cluster, engine);
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            builder
                .Services.AddSingleton(TimeProvider.System)
                .AddMetricsStorage(engine, storage.ConnectionString)
                .AddWebhooks(new WebhookSettings { AllowedNetworks = ["127.0.0.0/8"] });
            builder.Services.AddHostedService(services => services.GetRequiredService<Dispatcher>());
            var app = builder.Build();
            app.MapWebhooks();
            await app.StartAsync();
            return new Service(app, storage);
        }

        public async Task<(HttpStatusCode Status, JsonElement Body)> SendAsync(HttpMethod method, string path, object? body = null)
        {
            using var request = new HttpRequestMessage(method, $"/api/webhooks{path}")
            {
                Content = body is null ? null : JsonContent.Create(body),
            };
            using var response = await client.SendAsync(request);
            var text = await response.Content.ReadAsStringAsync();
            return (response.StatusCode, text.Length == 0 ? default : JsonDocument.Parse(text).RootElement);
        }

        public async Task<(int Status, string Code)> RefusedAsync(HttpMethod method, string path, object? body = null)
        {
            var (status, problem) = await SendAsync(method, path, body);
            Assert.True((int)status >= 400, $"{path} was answered: {problem}");
            Assert.NotEmpty(Text(problem, "detail"));
            return ((int)status, Text(problem, "code"));
        }

        public async Task<JsonElement> WaitAsync(string path, Func<JsonElement, bool> wanted)
        {
            for (var tries = 0; ; tries++)
            {
                var (_, body) = await SendAsync(HttpMethod.Get, path);
                if (wanted(body))
                    return body;
                Assert.True(tries < 200, $"{path} was not as wanted: {body}");
                await Task.Delay(100);
            }
        }

        public async ValueTask DisposeAsync()
        {
            client.Dispose();
            await app.StopAsync();
            await app.DisposeAsync();
            await Storage.DisposeAsync();
        }
    }
}
