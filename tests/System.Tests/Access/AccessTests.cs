using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Metrics.Storage.Engine;
using Microsoft.Data.Sqlite;
using Npgsql;
using Xunit;

namespace Metrics.SystemTests.Access;

/// <summary>The service on both engines with an identity provider, keys, and secrets in every place that has some.</summary>
public sealed class AccessServices : IAsyncLifetime
{
    public const string Admin = "planted-admin-key-0123456789abcdef0123456789";
    private const string DatabasePassword = "planted-database-password";
    private readonly PostgresCluster cluster = new();
    private readonly Dictionary<StorageEngine, (ServiceProcess Service, string Connection, (string, string)[] Storage)> running = [];
    private readonly string folder = Directory.CreateTempSubdirectory("metrics-access-").FullName;

    public Issuer Issuer { get; private set; } = null!;

    /// <summary>Everything that must not be seen anywhere.</summary>
    public static IReadOnlyList<string> Planted { get; } =
    [Admin, DatabasePassword, "planted-bearer-token", "planted-basic-password", "planted-aws-secret", "planted-azure-secret"];

    public ServiceProcess this[StorageEngine engine] => running[engine].Service;

    public string ConnectionOf(StorageEngine engine) => running[engine].Connection;

    /// <summary>Runs a command on the database of the service.</summary>
    public Task<(int ExitCode, string Output)> RunAsync(StorageEngine engine, params string[] arguments) =>
        ServiceProcess.RunAsync(arguments, running[engine].Storage);

    public async Task InitializeAsync()
    {
        await cluster.InitializeAsync();
        Issuer = await Issuer.StartAsync();
        foreach (var engine in new[] { StorageEngine.Sqlite, StorageEngine.Postgres })
        {
            var connection =
                engine == StorageEngine.Sqlite
                    ? $"Data Source={folder}/metrics.db"
                    : $"{await cluster.CreateDatabaseAsync()};Password={DatabasePassword}";
            (string, string)[] storage =
            [
                ("Metrics__Storage__Engine", engine.ToString()),
                ("Metrics__Storage__ConnectionString", connection),
            ];
            if (engine == StorageEngine.Postgres)
                Assert.Equal(0, (await ServiceProcess.RunAsync(["migrate"], storage)).ExitCode);
            // Nobody answers at these: what the readers say of that must not tell how they would have logged in.
            var nobody = PostgresCluster.FreePort().ToString(CultureInfo.InvariantCulture);
            var service = await ServiceProcess.StartAsync([
                .. storage,
                (ServiceProcess.Key, Admin),
                ("Metrics__Access__Keys__root__Key", Admin),
                ("Metrics__Access__Keys__root__Scopes__0", "admin"),
                ("Metrics__Access__RefusalsPerMinute", "100000"),
                ("Metrics__Access__Oidc__Authority", Issuer.Address),
                ("Metrics__Access__Oidc__Audience", "metrics"),
                ("Metrics__Access__Oidc__RolesClaim", "realm_access.roles"),
                ("Metrics__Access__Oidc__Roles__energy-analyst__0", "read"),
                ("Metrics__Access__Oidc__Roles__energy-operator__0", "operate"),
                ("Metrics__Sources__self__Provider", "exporter"),
                ("Metrics__Sources__self__Every", "00:00:02"),
                ("Metrics__Sources__bearer__Provider", "prometheus"),
                ("Metrics__Sources__bearer__Endpoint", $"http://127.0.0.1:{nobody}"),
                ("Metrics__Sources__bearer__BearerToken", "planted-bearer-token"),
                ("Metrics__Sources__basic__Provider", "prometheus"),
                ("Metrics__Sources__basic__Endpoint", $"http://127.0.0.1:{nobody}"),
                ("Metrics__Sources__basic__Username", "reader"),
                ("Metrics__Sources__basic__Password", "planted-basic-password"),
                ("Metrics__Sources__aws__Provider", "aws-cloudwatch"),
                ("Metrics__Sources__aws__Endpoint", $"http://127.0.0.1:{nobody}"),
                ("Metrics__Sources__aws__Aws__Region", "eu-west-1"),
                ("Metrics__Sources__aws__Aws__AccessKeyId", "AKIDEXAMPLE"),
                ("Metrics__Sources__aws__Aws__SecretAccessKey", "planted-aws-secret"),
                ("Metrics__Sources__azure__Provider", "azure-monitor"),
                ("Metrics__Sources__azure__Endpoint", $"http://127.0.0.1:{nobody}"),
                ("Metrics__Sources__azure__Azure__Subscription", "11111111-2222-3333-4444-555555555555"),
                ("Metrics__Sources__azure__Azure__Region", "westeurope"),
                ("Metrics__Sources__azure__Azure__MetricsEndpoint", $"http://127.0.0.1:{nobody}"),
                ("Metrics__Sources__azure__Azure__Authority", $"https://127.0.0.1:{nobody}"),
                ("Metrics__Sources__azure__Azure__Tenant", "contoso"),
                ("Metrics__Sources__azure__Azure__ClientId", "66666666-7777-8888-9999-000000000000"),
                ("Metrics__Sources__azure__Azure__ClientSecret", "planted-azure-secret"),
            ]);
            running.Add(engine, (service, connection, storage));
        }
    }

    public async Task DisposeAsync()
    {
        foreach (var (service, _, _) in running.Values)
            await service.DisposeAsync();
        await Issuer.DisposeAsync();
        SqliteConnection.ClearAllPools();
        await cluster.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }
}

/// <summary>Who is let in, as clients see it.</summary>
public sealed class AccessTests(AccessServices services) : IClassFixture<AccessServices>
{
    public static TheoryData<StorageEngine> Engines { get; } = [StorageEngine.Sqlite, StorageEngine.Postgres];

    [Theory, MemberData(nameof(Engines))]
    public async Task A_key_is_taken_in_every_way_that_tools_send_one(StorageEngine engine)
    {
        var key = (await CreateAsync(engine, "reader", "read")).Key;
        foreach (
            var prepare in new Action<HttpRequestHeaders>[]
            {
                headers => headers.Add("Authorization", $"Bearer {key}"),
                headers => headers.Add("Authorization", $"bearer {key}"),
                headers => headers.Add("Authorization", Basic($"anybody:{key}")),
                headers => headers.Add("Authorization", Basic($":{key}")),
                headers => headers.Add("X-Api-Key", key),
            }
        )
        {
            using var answer = await SendAsync(engine, "/odata/Sources", prepare);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task Whatever_is_wrong_with_a_key_the_answer_is_the_same(StorageEngine engine)
    {
        var revoked = await CreateAsync(engine, "revoked", "admin");
        Assert.Equal(HttpStatusCode.NoContent, (await SendAsync(engine, $"/api/keys/{revoked.Id}", Admin, HttpMethod.Delete)).StatusCode);
        var expired = await CreateAsync(engine, "expired", "admin", DateTimeOffset.UtcNow.AddSeconds(2));
        await Task.Delay(2_100);
        var valid = (await CreateAsync(engine, "valid", "admin")).Key;
        var causes = new Dictionary<string, Action<HttpRequestHeaders>>
        {
            ["none"] = _ => { },
            ["empty"] = headers => headers.TryAddWithoutValidation("Authorization", ""),
            ["scheme alone"] = headers => headers.TryAddWithoutValidation("Authorization", "Bearer"),
            ["unknown scheme"] = headers => headers.TryAddWithoutValidation("Authorization", $"Digest {valid}"),
            ["no scheme"] = headers => headers.TryAddWithoutValidation("Authorization", valid),
            ["revoked"] = headers => headers.Add("X-Api-Key", revoked.Key),
            ["expired"] = headers => headers.Add("X-Api-Key", expired.Key),
            ["foreign"] = headers => headers.Add("X-Api-Key", "emk_" + new string('a', 56)),
            ["cut"] = headers => headers.Add("X-Api-Key", valid[..^1]),
            ["longer"] = headers => headers.Add("X-Api-Key", valid + "a"),
            ["other case"] = headers => headers.Add("X-Api-Key", valid.ToUpperInvariant()),
            ["long"] = headers => headers.Add("X-Api-Key", new string('k', 10_000)),
            ["twice"] = headers => headers.Add("X-Api-Key", [valid, valid]),
            ["basic without a colon"] = headers => headers.Add("Authorization", Basic(valid)),
            ["basic with the key as name"] = headers => headers.Add("Authorization", Basic($"{valid}:")),
            ["basic with a colon before the key"] = headers => headers.Add("Authorization", Basic($"a::{valid}")),
            ["basic that is no base64"] = headers => headers.TryAddWithoutValidation("Authorization", "Basic ???"),
            ["of the id alone"] = headers => headers.Add("X-Api-Key", "emk_" + valid[4..12]),
            ["token without a signature"] = headers => headers.Add("Authorization", $"Bearer {services.Issuer.Token(algorithm: "none")}"),
            ["token for others"] = headers => headers.Add("Authorization", $"Bearer {services.Issuer.Token(audience: "billing")}"),
            ["token of others"] = headers =>
                headers.Add("Authorization", $"Bearer {services.Issuer.Token(issuer: "https://login.example")}"),
            ["token of yesterday"] = headers => headers.Add("Authorization", $"Bearer {services.Issuer.Token(endsIn: -300)}"),
            ["token without an end"] = headers => headers.Add("Authorization", $"Bearer {services.Issuer.Token(withEnd: false)}"),
            ["token signed with another key"] = headers =>
                headers.Add("Authorization", $"Bearer {services.Issuer.Token(foreignKey: true)}"),
            ["token with an unknown key"] = headers =>
                headers.Add("Authorization", $"Bearer {services.Issuer.Token(kid: "two", foreignKey: true)}"),
            ["token signed with the public key as a secret"] = headers =>
                headers.Add("Authorization", $"Bearer {services.Issuer.Token(algorithm: "HS256")}"),
            ["token of dots"] = headers => headers.Add("Authorization", "Bearer a.b.c"),
        };
        string? first = null;
        foreach (var (cause, prepare) in causes)
        {
            using var answer = await SendAsync(engine, "/api/keys", prepare);
            var headers = answer
                .Headers.Concat(answer.Content.Headers)
                .Where(header => header.Key != "Date")
                .Select(header => $"{header.Key}: {string.Join(", ", header.Value)}");
            var told = $"{(int)answer.StatusCode}\n{string.Join('\n', headers)}\n{await answer.Content.ReadAsStringAsync()}";
            first ??= told;
            Assert.True(told == first, $"{cause}:\n{told}\ninstead of\n{first}");
        }
        Assert.StartsWith("401\n", first, StringComparison.Ordinal);
        Assert.Contains("\"code\":\"unauthenticated\"", first, StringComparison.Ordinal);
        // The control: the same request with the key that all of these were made from.
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(engine, "/api/keys", valid)).StatusCode);
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task A_header_of_ten_megabytes_is_refused_before_anything_is_looked_at(StorageEngine engine)
    {
        using var client = new System.Net.Sockets.TcpClient();
        var address = services[engine].Address;
        await client.ConnectAsync(address.Host, address.Port);
        using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes("GET /odata/Sources HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: "));
        try
        {
            var chunk = Encoding.ASCII.GetBytes(new string('k', 64 * 1024));
            for (var i = 0; i < 160; i++)
                await stream.WriteAsync(chunk);
        }
        catch (IOException)
        {
            // It need not listen to the end.
        }
        var answer = new byte[32];
        var read = await stream.ReadAtLeastAsync(answer, 12, throwOnEndOfStream: false);
        Assert.Equal("HTTP/1.1 431", Encoding.ASCII.GetString(answer, 0, Math.Min(12, read)));
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(engine, "/odata/Sources", Admin)).StatusCode);
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task A_key_opens_what_it_was_made_for(StorageEngine engine)
    {
        // GET unless said otherwise; an unknown source is found missing only by who may look for it.
        (string Address, string Scope, HttpStatusCode WhenLetIn)[] addresses =
        [
            ("/odata/Sources", "read", HttpStatusCode.OK),
            ("/odata/$metadata", "read", HttpStatusCode.OK),
            ("/api/placements?unit=request", "read", HttpStatusCode.OK),
            ("/metrics", "read", HttpStatusCode.OK),
            ("/jobs", "operate", HttpStatusCode.OK),
            ("POST /api/sources/nowhere/read", "operate", HttpStatusCode.NotFound),
            ("/api/sources/nowhere/backfill", "operate", HttpStatusCode.NotFound),
            ("/api/keys", "admin", HttpStatusCode.OK),
            ("/api/audit", "admin", HttpStatusCode.OK),
            ("/api/audit/verify", "admin", HttpStatusCode.OK),
            ("/", "any", HttpStatusCode.OK),
            ("/health/ready", "any", HttpStatusCode.OK),
            ("/openapi/v1.json", "any", HttpStatusCode.OK),
            ("/nothing", "any", HttpStatusCode.NotFound),
        ];
        foreach (var scope in new[] { "read", "reports", "operate", "admin" })
        {
            var key = (await CreateAsync(engine, scope, scope)).Key;
            foreach (var (address, asked, whenLetIn) in addresses)
            {
                var posted = address.StartsWith("POST ", StringComparison.Ordinal);
                using var answer = await SendAsync(engine, posted ? address[5..] : address, key, posted ? HttpMethod.Post : HttpMethod.Get);
                var expected = asked == "any" || asked == scope || scope == "admin" ? whenLetIn : HttpStatusCode.Forbidden;
                Assert.True(answer.StatusCode == expected, $"{address} with {scope}: {answer.StatusCode}");
                if (expected == HttpStatusCode.Forbidden)
                    Assert.Contains(
                        $"asks for the scope '{asked}', and this key has '{scope}'",
                        WebUtility.HtmlDecode((await answer.Content.ReadAsStringAsync()).Replace("\\u0027", "'", StringComparison.Ordinal)),
                        StringComparison.Ordinal
                    );
            }
        }
        using var open = await SendAsync(engine, "/health/live", _ => { });
        Assert.Equal(HttpStatusCode.OK, open.StatusCode);
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task Tokens_of_the_identity_provider_grant_what_their_roles_do(StorageEngine engine)
    {
        async Task<HttpStatusCode> Ask(string path, string roles) =>
            (await SendAsync(engine, path, headers => headers.Add("Authorization", $"Bearer {services.Issuer.Token(roles)}"))).StatusCode;
        Assert.Equal(HttpStatusCode.OK, await Ask("/odata/Sources", "[\"energy-analyst\"]"));
        Assert.Equal(HttpStatusCode.Forbidden, await Ask("/jobs", "[\"energy-analyst\"]"));
        Assert.Equal(HttpStatusCode.OK, await Ask("/jobs", "[\"energy-analyst\",\"energy-operator\"]"));
        Assert.Equal(HttpStatusCode.OK, await Ask("/jobs", "\"energy-operator energy-analyst\""));
        Assert.Equal(HttpStatusCode.Forbidden, await Ask("/odata/Sources", "[\"stranger\"]"));
        Assert.Equal(HttpStatusCode.Forbidden, await Ask("/odata/Sources", "{\"energy-analyst\":true}"));
        Assert.Equal(HttpStatusCode.NotFound, await Ask("/nothing", "[]"));
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task What_another_process_makes_or_revokes_holds_here(StorageEngine engine)
    {
        var (exit, output) = await services.RunAsync(engine, "keys", "create", "by hand", "--scopes", "read,operate", "--expires", "90d");
        Assert.True(exit == 0, output);
        var key = output.Split('\n').Single(line => line.StartsWith("emk_", StringComparison.Ordinal)).Trim();
        await UntilAsync(engine, key, HttpStatusCode.OK);

        (_, output) = await services.RunAsync(engine, "keys", "list");
        Assert.Contains("by hand", output, StringComparison.Ordinal);
        Assert.DoesNotContain(key[12..], output, StringComparison.Ordinal);

        (exit, output) = await services.RunAsync(engine, "keys", "revoke", key[4..12]);
        Assert.True(exit == 0, output);
        await UntilAsync(engine, key, HttpStatusCode.Unauthorized);
        (exit, output) = await services.RunAsync(engine, "keys", "revoke", key[4..12]);
        Assert.Equal(1, exit);
        Assert.Contains("revoked already", output, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task A_key_is_shown_once_and_kept_as_a_hash(StorageEngine engine)
    {
        var made = await CreateAsync(engine, "shown once", "read");
        Assert.Matches("^emk_[a-z2-7]{56}$", made.Key);
        var listed = await (await SendAsync(engine, "/api/keys", Admin)).Content.ReadAsStringAsync();
        Assert.Contains(made.Id, listed, StringComparison.Ordinal);
        Assert.DoesNotContain(made.Key[12..], listed, StringComparison.Ordinal);
        var kept = await QueryAsync(engine, $"SELECT hash FROM access_key WHERE id = '{made.Id}'");
        Assert.Equal(Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(Encoding.ASCII.GetBytes(made.Key))), kept);
    }

    [Theory]
    [InlineData("{\"name\":\"a\"", "invalid_body")]
    [InlineData("{\"name\":\"a\",\"scope\":[\"read\"]}", "invalid_body")]
    [InlineData("[]", "invalid_body")]
    [InlineData("null", "invalid_body")]
    [InlineData("{\"scopes\":[\"read\"]}", "invalid_name")]
    [InlineData("{\"name\":\"a\\nb\",\"scopes\":[\"read\"]}", "invalid_name")]
    [InlineData("{\"name\":\"a\"}", "invalid_scope")]
    [InlineData("{\"name\":\"a\",\"scopes\":[]}", "invalid_scope")]
    [InlineData("{\"name\":\"a\",\"scopes\":[\"write\"]}", "invalid_scope")]
    [InlineData("{\"name\":\"a\",\"scopes\":[\"read\"],\"expiresAt\":\"2020-01-01T00:00:00Z\"}", "invalid_expiry")]
    public async Task A_key_that_cannot_be_made_is_explained(string body, string code)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await SendAsync(StorageEngine.Sqlite, "/api/keys", Admin, HttpMethod.Post, content);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
        Assert.Equal(code, (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("code").GetString());
    }

    [Theory]
    [InlineData("?top=0")]
    [InlineData("?top=1001")]
    [InlineData("?after=-1")]
    [InlineData("?after=x")]
    [InlineData("?until=3")]
    public async Task An_audit_question_that_cannot_be_understood_is_refused(string query) =>
        Assert.Equal(HttpStatusCode.BadRequest, (await SendAsync(StorageEngine.Sqlite, $"/api/audit{query}", Admin)).StatusCode);

    [Theory, MemberData(nameof(Engines))]
    public async Task The_audit_log_tells_who_did_what_and_can_only_grow(StorageEngine engine)
    {
        var made = await CreateAsync(engine, "audited", "read");
        using (await SendAsync(engine, "/api/sources/self/read", Admin, HttpMethod.Post)) { }
        var entries = await AuditAsync(engine);
        Assert.Contains(("key:root (configuration)", "key.created", $"{made.Id} (audited): read"), entries);
        Assert.Contains(("key:root (configuration)", "POST /api/keys", "201"), entries);
        Assert.Contains(("key:root (configuration)", "POST /api/sources/self/read", "202"), entries);
        var verdict = await (await SendAsync(engine, "/api/audit/verify", Admin)).Content.ReadFromJsonAsync<JsonElement>();
        Assert.True(verdict.GetProperty("isIntact").GetBoolean(), verdict.ToString());
        Assert.Matches("^[0-9A-F]{64}$", verdict.GetProperty("head").GetString());

        foreach (var statement in new[] { "UPDATE audit SET actor = 'nobody' WHERE id = 1", "DELETE FROM audit WHERE id = 1" })
        {
            var exception = await Assert.ThrowsAnyAsync<System.Data.Common.DbException>(() => QueryAsync(engine, statement));
            Assert.Contains("only ever added to", exception.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_first_start_of_a_service_that_others_can_reach_asks_for_a_key()
    {
        var folder = Directory.CreateTempSubdirectory("metrics-first-").FullName;
        try
        {
            (string, string)[] storage = [("Metrics__Storage__ConnectionString", $"Data Source={folder}/first.db")];
            foreach (
                var setting in new[]
                {
                    ("ASPNETCORE_URLS", "http://127.0.0.1:5080;http://0.0.0.0:5080"),
                    ("ASPNETCORE_HTTP_PORTS", "5080"),
                    ("Kestrel__Endpoints__all__Url", "http://*:5080"),
                }
            )
            {
                var (refused, why) = await ServiceProcess.RunAsync([], [.. storage, setting]);
                Assert.Equal(2, refused);
                Assert.Contains("keys create NAME --scopes admin", why, StringComparison.Ordinal);
            }
            var (exit, output) = await ServiceProcess.RunAsync(["keys", "create", "first", "--scopes", "admin"], storage);
            Assert.True(exit == 0, output);
            var key = output.Split('\n').Single(line => line.StartsWith("emk_", StringComparison.Ordinal)).Trim();
            var port = PostgresCluster.FreePort();
            await using var service = await ServiceProcess.StartAsync([
                .. storage,
                ("ASPNETCORE_URLS", $"http://127.0.0.1:{port}"),
                ("Metrics__Roles__0", "api"),
                (ServiceProcess.Key, key),
            ]);
            using var anonymous = await Plain.GetAsync(new Uri(service.Address, "/odata/Sources"));
            Assert.Equal(HttpStatusCode.Unauthorized, anonymous.StatusCode);
        }
        finally
        {
            SqliteConnection.ClearAllPools();
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task Planted_secrets_are_seen_nowhere(StorageEngine engine)
    {
        var service = services[engine];
        // Its own metrics are behind the same gate, and it reads them.
        await service.RowsAsync("Sources?$filter=Id eq 'self'", rows =>
            rows is [var self] && self.GetProperty("Watermark").ValueKind != JsonValueKind.Null
        );
        await service.RowsAsync("Runs?$filter=Source eq 'basic'", rows =>
            rows.Exists(row => row.GetProperty("State").GetString() == "failed")
        );
        foreach (var cloud in new[] { "aws", "azure" })
            await service.RowsAsync($"Sources?$filter=Id eq '{cloud}'", rows =>
                rows is [var source] && source.GetProperty("LastError").ValueKind == JsonValueKind.String
            );
        var made = await CreateAsync(engine, "to be kept secret", "admin");
        var token = services.Issuer.Token();
        var seen = new StringBuilder(service.Output);
        string[] sets =
        [
            "Backfills",
            "Deployments",
            "EnergyFacts",
            "Events",
            "Factors",
            "HourlyIntensities",
            "MetricMappings",
            "Rejections",
            "Resources",
            "Restatements",
            "Runs",
            "Sources",
            "WorkFacts",
            "Workloads",
        ];
        foreach (
            var path in sets.Select(set => $"/odata/{set}")
                .Concat([
                    "/",
                    "/metrics",
                    "/health/ready",
                    "/odata",
                    "/odata/$metadata",
                    "/odata/metrics.pbids",
                    "/openapi/v1.json",
                    "/jobs",
                    "/jobs/jobs/failed",
                    "/jobs/jobs/succeeded",
                    "/jobs/recurring",
                    "/jobs/servers",
                    "/api/keys",
                    "/api/audit?top=1000",
                    "/api/placements?unit=request",
                    "/odata/Sources?$filter=broken(",
                    "/odata/Runs?$filter=Source eq 'planted'",
                    "/api/explain",
                    "/nothing",
                    $"/odata/Sources?key={made.Id}",
                ])
        )
        {
            foreach (
                var prepare in new Action<HttpRequestHeaders>[]
                {
                    headers => headers.Add("X-Api-Key", made.Key),
                    headers => headers.Add("Authorization", $"Bearer {token}"),
                    headers => headers.Add("X-Api-Key", made.Key + "x"),
                }
            )
            {
                using var answer = await SendAsync(engine, path, prepare);
                seen.Append(answer).Append(await answer.Content.ReadAsStringAsync());
            }
        }
        seen.Append(service.Output);
        var text = seen.ToString();
        foreach (var secret in AccessServices.Planted.Append(made.Key[12..]).Append(token.Split('.')[2]))
            Assert.DoesNotContain(secret, text, StringComparison.Ordinal);
        // The control: what is no secret is in what was looked through.
        foreach (var known in new[] { "to be kept secret", made.Id, "basic", "127.0.0.1" })
            Assert.Contains(known, text, StringComparison.Ordinal);
    }

    private sealed record Made(string Id, string Key);

    private static string Admin => AccessServices.Admin;

    private static string Basic(string pair) => $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes(pair))}";

    private async Task<Made> CreateAsync(StorageEngine engine, string name, string scope, DateTimeOffset? expiresAt = null)
    {
        using var content = JsonContent.Create(
            new
            {
                name,
                scopes = new[] { scope },
                expiresAt,
            }
        );
        using var answer = await SendAsync(engine, "/api/keys", Admin, HttpMethod.Post, content);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        return (await answer.Content.ReadFromJsonAsync<Made>())!;
    }

    private Task<HttpResponseMessage> SendAsync(
        StorageEngine engine,
        string path,
        string key,
        HttpMethod? method = null,
        HttpContent? content = null
    ) => SendAsync(engine, path, headers => headers.Add("X-Api-Key", key), method, content);

    private async Task<HttpResponseMessage> SendAsync(
        StorageEngine engine,
        string path,
        Action<HttpRequestHeaders> prepare,
        HttpMethod? method = null,
        HttpContent? content = null
    )
    {
        using var request = new HttpRequestMessage(method ?? HttpMethod.Get, new Uri(services[engine].Address, path)) { Content = content };
        prepare(request.Headers);
        return await Plain.SendAsync(request);
    }

    private static readonly HttpClient Plain = new(new SocketsHttpHandler { AllowAutoRedirect = false });

    private async Task UntilAsync(StorageEngine engine, string key, HttpStatusCode expected)
    {
        for (var tries = 0; ; tries++)
        {
            using var answer = await SendAsync(engine, "/odata/Sources", key);
            if (answer.StatusCode == expected)
                return;
            Assert.True(tries < 150, $"Still {answer.StatusCode}.");
            await Task.Delay(200);
        }
    }

    private async Task<List<(string, string, string)>> AuditAsync(StorageEngine engine)
    {
        var entries = await (await SendAsync(engine, "/api/audit?top=1000", Admin)).Content.ReadFromJsonAsync<JsonElement>();
        return
        [
            .. entries
                .EnumerateArray()
                .Select(entry =>
                    (
                        entry.GetProperty("actor").GetString()!,
                        entry.GetProperty("action").GetString()!,
                        entry.GetProperty("outcome").GetString()!
                    )
                ),
        ];
    }

    private async Task<string?> QueryAsync(StorageEngine engine, string sql)
    {
        await using System.Data.Common.DbConnection connection =
            engine == StorageEngine.Postgres
                ? new NpgsqlConnection(services.ConnectionOf(engine))
                : new SqliteConnection(services.ConnectionOf(engine));
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (await command.ExecuteScalarAsync())?.ToString();
    }
}
