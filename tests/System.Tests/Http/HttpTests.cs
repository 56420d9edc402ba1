using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Metrics.Api.Access;
using Metrics.Api.Http;
using Metrics.Api.Settings;
using Metrics.Domain.Facts;
using Metrics.Storage.Events;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.Routing;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Metrics.SystemTests.Http;

/// <summary>What is wrong with a request is answered alike at every address outside of OData, found in the service itself.</summary>
public sealed partial class HttpTests : IAsyncLifetime
{
    private readonly string folder = Directory.CreateTempSubdirectory("metrics-http-").FullName;
    private readonly Dictionary<string, string> ids = [];
    private WebApplicationFactory<MetricsSettings> whole = null!;
    private WebApplicationFactory<MetricsSettings> factory = null!;
    private HttpClient client = null!;

    public async Task InitializeAsync()
    {
        whole = new WebApplicationFactory<MetricsSettings>();
        factory = whole.WithWebHostBuilder(host =>
            host.UseSetting("Metrics:Storage:ConnectionString", $"Data Source={folder}/http.db")
                .UseSetting("Metrics:Roles:0", "api")
                .UseSetting("Metrics:Sources:lab:Provider", "prometheus")
                .UseSetting("Metrics:Sources:lab:Endpoint", "http://127.0.0.1:9")
                .UseSetting("Metrics:Access:Keys:root:Key", "the-key-of-the-tests-0123456789abcdef")
                .UseSetting("Metrics:Access:Keys:root:Scopes:0", "admin")
        );
        client = factory.CreateClient(new WebApplicationFactoryClientOptions { AllowAutoRedirect = false });
        client.DefaultRequestHeaders.Add("X-Api-Key", "the-key-of-the-tests-0123456789abcdef");
        var webhook = await factory
            .Services.GetRequiredService<WebhookStore>()
            .CreateAsync(
                "https://example.org/hook",
                null,
                [],
                WebhookFormat.Standard,
                WebhookSigning.Hmac,
                true,
                new byte[32],
                CancellationToken.None
            );
        var rule = await factory
            .Services.GetRequiredService<IntensityRules>()
            .UpsertAsync(
                new IntensityRule(
                    "",
                    null,
                    RuleKind.Threshold,
                    "chat",
                    "token",
                    Boundary.Facility,
                    RuleComparison.Above,
                    1,
                    24,
                    null,
                    60,
                    true,
                    default,
                    default,
                    null
                ),
                CancellationToken.None
            );
        (ids["webhooks"], ids["rules"], ids["sources"]) = (webhook.Id, rule!.Id, "lab");
    }

    public async Task DisposeAsync()
    {
        client.Dispose();
        await factory.DisposeAsync();
        await whole.DisposeAsync();
        SqliteConnection.ClearAllPools();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Every_body_is_read_by_the_same_strict_rules()
    {
        var routes = Routes().Where(route => route.TakesJson).ToList();
        Assert.Equal(
            [
                "PATCH /api/rules/{id}",
                "PATCH /api/webhooks/{id}",
                "POST /api/keys",
                "POST /api/rules",
                "POST /api/sources/{id}/backfill",
                "POST /api/webhooks",
            ],
            routes.Select(route => $"{route.Method} {route.Pattern}").Order(StringComparer.Ordinal)
        );
        foreach (var route in routes)
        {
            var known =
                route.Pattern.Contains("backfill", StringComparison.Ordinal) ? "from"
                : route.Pattern.Contains("keys", StringComparison.Ordinal) ? "name"
                : "description";
            foreach (
                var (body, words, pointer) in new[]
                {
                    ("{", "The body is no JSON (line 1, byte 2): give application/json such as", ""),
                    ("", "The body is no JSON", ""),
                    ("null", "The body is no object", ""),
                    ("[]", "The body is no object", ""),
                    ("\"text\"", "The body is no object", ""),
                    ("{\"\\ud800\":1}", "is not a member", "/\uFFFD"),
                    ($"{{\"{known}x\":\"a\"}}", $"'{known}x' is not a member; near: '{known}'", $"/{known}x"),
                    ($"{{\"{known}\":\"a\",\"{known}\":\"b\"}}", $"'{known}' is given more than once; give it once.", $"/{known}"),
                    (
                        $"{{\"{known}\":\"a\",\"{known.ToUpperInvariant()}\":\"b\"}}",
                        $"'{known.ToUpperInvariant()}' is given more than once; give it once.",
                        $"/{known.ToUpperInvariant()}"
                    ),
                    ($"{{\"{known}\":5}}", $"'{known}' has to be a text, and is a number.", $"/{known}"),
                    ($"{{\"{known}\":{{\"a\":1}}}}", $"'{known}' has to be a text, and is an object.", $"/{known}"),
                }
            )
            {
                using var response = await SendAsync(route, body);
                var problem = await ProblemAsync(response, HttpStatusCode.BadRequest, "invalid_body");
                Assert.Contains(words, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
                var error = problem.GetProperty("errors")[0];
                Assert.Equal(
                    ("body", pointer, "invalid_body"),
                    (error.GetProperty("in").GetString(), error.GetProperty("name").GetString(), error.GetProperty("code").GetString())
                );
            }
            using var two = await SendAsync(route, "{\"surely\":1,\"not\":2}");
            Assert.Equal(
                ["/surely", "/not"],
                (await ProblemAsync(two, HttpStatusCode.BadRequest, "invalid_body"))
                    .GetProperty("errors")
                    .EnumerateArray()
                    .Select(error => error.GetProperty("name").GetString())
            );
            using var many = await SendAsync(route, $"{{{string.Join(',', Enumerable.Range(0, 2_000).Select(at => $"\"<{at}>'\":1"))}}}");
            var shortened = await ProblemAsync(many, HttpStatusCode.BadRequest, "invalid_body");
            Assert.True(shortened.GetProperty("errorsLeftOut").GetInt32() > 0, shortened.ToString());
            using var large = await SendAsync(route, $"{{\"{known}\":\"{new string('x', 65_536)}\"}}");
            await ProblemAsync(large, HttpStatusCode.RequestEntityTooLarge, "too_large");
            using var text = await SendAsync(route, "{}", "text/plain");
            await ProblemAsync(text, HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
        }
    }

    [Fact]
    public async Task What_is_left_out_or_cannot_be_is_named_all_at_once()
    {
        using var key = await SendAsync(new("POST", "/api/keys", true), "{\"scopes\":[\"write\"],\"expiresAt\":\"soon\"}");
        Assert.Equal(
            ["invalid_name /name", "invalid_scope /scopes", "invalid_expiry /expiresAt"],
            Errors(await ProblemAsync(key, HttpStatusCode.BadRequest, "invalid_name"))
        );
        using var webhook = await SendAsync(
            new("POST", "/api/webhooks", true),
            "{\"url\":\"ftp://x\",\"types\":[\"source.stale\",\"no\"],\"format\":\"xml\",\"signing\":\"rsa\",\"description\":\"\\u0000\"}"
        );
        Assert.Equal(
            [
                "invalid_url /url",
                "invalid_description /description",
                "unknown_type /types/1",
                "unknown_format /format",
                "unknown_signing /signing",
            ],
            Errors(await ProblemAsync(webhook, HttpStatusCode.BadRequest, "invalid_url"))
        );
        using var rule = await SendAsync(
            new("POST", "/api/rules", true),
            "{\"kind\":\"threshold\",\"boundary\":\"gpu\",\"comparison\":\"either\",\"windowHours\":0,\"coolDownMinutes\":0}"
        );
        Assert.Equal(
            [
                "unknown_workload /workload",
                "unknown_unit /functionalUnit",
                "unknown_boundary /boundary",
                "unknown_comparison /comparison",
                "invalid_threshold /threshold",
                "invalid_window /windowHours",
                "invalid_cool_down /coolDownMinutes",
            ],
            Errors(await ProblemAsync(rule, HttpStatusCode.BadRequest, "unknown_workload"))
        );
        using var backfill = await SendAsync(new("POST", "/api/sources/{id}/backfill", true), "{\"from\":\"soon\"}");
        Assert.Equal(
            ["invalid_period /from", "missing_period /to"],
            Errors(await ProblemAsync(backfill, HttpStatusCode.BadRequest, "invalid_period"))
        );
        using var report = await client.GetAsync("/api/reports/energy?from=soon&format=docx&grain=week&wrkload=a");
        Assert.Equal(
            ["unknown_parameter wrkload", "unknown_format format", "unknown_grain grain", "invalid_period from", "missing_period to"],
            Errors(await ProblemAsync(report, HttpStatusCode.BadRequest, "unknown_parameter"))
        );
        using var placements = await client.GetAsync("/api/placements?boundary=gpu&to=x&minCoverage=2&unit=a&unit=b");
        Assert.Equal(
            [
                "repeated_parameter unit",
                "unknown_unit unit",
                "unknown_boundary boundary",
                "invalid_number minCoverage",
                "invalid_period to",
            ],
            Errors(await ProblemAsync(placements, HttpStatusCode.BadRequest, "repeated_parameter"))
        );
    }

    [Theory]
    [InlineData("GET", "/api/placements?unit=token&from=soon", "invalid_period", "from")]
    [InlineData("GET", "/api/placements?unit=token&to=2026-02-30", "invalid_period", "to")]
    [InlineData("GET", "/api/explain?set=EnergyFacts&key=DeploymentId=1,ResourceId=1,PeriodStart=soon", "invalid_period", "PeriodStart")]
    [InlineData("GET", "/api/reports/energy?from=soon&to=2026-02-01", "invalid_period", "from")]
    [InlineData("GET", "/api/reports/sci?from=2026-01-01&to=soon", "invalid_period", "to")]
    [InlineData("POST", "/api/webhooks/{id}/replay?from=soon&to=2026-01-01", "invalid_span", "from")]
    [InlineData("POST", "/api/webhooks/{id}/replay?from=2026-01-01&to=soon", "invalid_span", "to")]
    public async Task A_bad_time_is_explained_alike_wherever_it_is_given(string method, string address, string code, string name)
    {
        using var response = await SendAsync(new(method, address, false), null);

        var problem = await ProblemAsync(response, HttpStatusCode.BadRequest, code);
        Assert.Matches(
            $"^{name} '(soon|2026-02-30)' is not a time\\.( There is no such day\\.)? Write 2026, 2026-02, 2026-02-01, ",
            problem.GetProperty("errors")[0].GetProperty("detail").GetString()
        );
    }

    [Theory]
    [InlineData("GET", "/api/placements?unit=token&surely=1")]
    [InlineData("GET", "/api/explain?set=EnergyFacts&key=a=1&surely=1")]
    [InlineData("GET", "/api/reports/energy?from=2026-01-01&to=2026-02-01&surely=1")]
    [InlineData("GET", "/api/audit?surely=1")]
    [InlineData("GET", "/api/webhooks/{id}/deliveries?surely=1")]
    [InlineData("POST", "/api/webhooks/{id}/replay?failed=true&surely=1")]
    public async Task A_parameter_that_an_address_does_not_have_is_named(string method, string address)
    {
        using var response = await SendAsync(new(method, address, false), null);

        var problem = await ProblemAsync(response, HttpStatusCode.BadRequest, "unknown_parameter");
        Assert.Equal("surely", problem.GetProperty("errors")[0].GetProperty("name").GetString());
    }

    [Fact]
    public async Task Every_address_has_a_code_for_what_it_does_not_have()
    {
        foreach (var route in Routes())
        {
            // No address is changed by a method that nobody maps.
            using var method = await SendAsync(new("PURGE", route.Pattern, false), null);
            await ProblemAsync(method, HttpStatusCode.MethodNotAllowed, "method_not_allowed");
        }
        foreach (
            var (verb, address) in new[]
            {
                ("GET", "/nothing"),
                ("GET", $"/{new string('x', 3_000)}"),
                ("GET", "/api/nothing"),
                ("DELETE", "/api/keys/none"),
                ("GET", "/api/webhooks/none"),
                ("GET", "/api/webhooks/{id}/deliveries/7"),
                ("GET", "/api/rules/none"),
                ("DELETE", "/api/rules/none"),
                ("GET", "/api/reports/jobs/none"),
                ("GET", "/api/reports/jobs/none/file"),
                ("POST", "/api/sources/none/read"),
                ("GET", "/api/sources/none/backfill"),
                ("DELETE", "/api/sources/{id}/backfill/7"),
            }
        )
        {
            using var response = await SendAsync(new(verb, address, false), null);
            await ProblemAsync(response, HttpStatusCode.NotFound, "not_found");
        }
        using var kind = await client.GetAsync("/api/reports/nothing?from=2026-01-01&to=2026-02-01");
        await ProblemAsync(kind, HttpStatusCode.NotFound, "unknown_kind");
        using var anonymous = factory.CreateClient();
        using var locked = await anonymous.GetAsync("/api/keys");
        await ProblemAsync(locked, HttpStatusCode.Unauthorized, "unauthenticated");
    }

    // The control: what these tests ask of an error is not true of every answer.
    [Fact]
    public async Task What_is_right_is_no_problem()
    {
        using var created = await SendAsync(new("POST", "/api/keys", true), "{\"name\":\"a\",\"scopes\":[\"read\"],\"expiresAt\":\"90d\"}");
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        using var changed = await SendAsync(new("PATCH", "/api/webhooks/{id}", true), "{\"description\":\"b\"}");
        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
        Assert.Contains(
            "\"format\":\"standard\",\"signing\":\"hmac\"",
            await changed.Content.ReadAsStringAsync(),
            StringComparison.Ordinal
        );
        using var accepted = await SendAsync(new("POST", "/api/sources/{id}/backfill", true), "{\"from\":\"-2d\",\"to\":\"yesterday\"}");
        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        using var replayed = await SendAsync(new("POST", "/api/webhooks/{id}/replay?from=-1d&to=now", false), null);
        Assert.Equal(HttpStatusCode.Accepted, replayed.StatusCode);
        using var alive = await client.GetAsync("/health/live");
        await Assert.ThrowsAnyAsync<Exception>(() => ProblemAsync(alive, HttpStatusCode.OK, "not_found"));
    }

    private async Task<HttpResponseMessage> SendAsync(Route route, string? body, string type = "application/json")
    {
        var path = Id().Replace(route.Pattern, match => match.Groups["room"].Value + "/" + ids[match.Groups["room"].Value]);
        using var request = new HttpRequestMessage(new HttpMethod(route.Method), Parameter().Replace(path, "1"));
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(type);
        }
        return await client.SendAsync(request);
    }

    private static async Task<JsonElement> ProblemAsync(HttpResponseMessage response, HttpStatusCode status, string code)
    {
        var text = await response.Content.ReadAsStringAsync();
        var address = $"{response.RequestMessage!.Method} {response.RequestMessage.RequestUri}: {text}";
        Assert.True(response.StatusCode == status, $"{response.StatusCode} {address}");
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.InRange(Encoding.UTF8.GetByteCount(text), 2, 8_192);
        Assert.DoesNotContain("   at ", text, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", text, StringComparison.Ordinal);
        var problem = JsonDocument.Parse(text).RootElement;
        Assert.True(problem.GetProperty("code").GetString() == code, address);
        Assert.Equal((int)status, problem.GetProperty("status").GetInt32());
        Assert.NotEmpty(problem.GetProperty("title").GetString()!);
        Assert.NotEmpty(problem.GetProperty("detail").GetString()!);
        return problem;
    }

    private static IEnumerable<string> Errors(JsonElement problem) =>
        problem
            .GetProperty("errors")
            .EnumerateArray()
            .Select(error => $"{error.GetProperty("code").GetString()} {error.GetProperty("name").GetString()}");

    /// <summary>The addresses below /api, in the service itself.</summary>
    private IEnumerable<Route> Routes() =>
        factory
            .Services.GetRequiredService<EndpointDataSource>()
            .Endpoints.OfType<RouteEndpoint>()
            .Where(route => route.RoutePattern.RawText!.TrimStart('/').StartsWith("api/", StringComparison.Ordinal))
            .SelectMany(route =>
                route
                    .Metadata.GetMetadata<IHttpMethodMetadata>()!
                    .HttpMethods.Select(method => new Route(
                        method,
                        "/" + route.RoutePattern.RawText!.Trim('/'),
                        route.Metadata.GetMetadata<IAcceptsMetadata>()?.ContentTypes.Contains("application/json") == true
                    ))
            );

    private sealed record Route(string Method, string Pattern, bool TakesJson);

    [GeneratedRegex(@"(?<room>webhooks|rules|sources)/\{id\}")]
    private static partial Regex Id();

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Parameter();
}
