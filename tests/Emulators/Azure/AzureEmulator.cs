using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Xml;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Metrics.Emulators.Azure;

/// <summary>A resource of the emulated subscription.</summary>
/// <param name="Id">Below <c>/subscriptions/{id}</c>: <c>/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm-1</c>.</param>
/// <param name="Location">Region.</param>
public sealed record AzureResource(string Id, string Location)
{
    /// <summary>Kind, as accounts have one.</summary>
    public string? Kind { get; init; }

    /// <summary>Size of the machine or of its instances.</summary>
    public string? Size { get; init; }

    /// <summary>Tags.</summary>
    public IReadOnlyDictionary<string, string> Tags { get; init; } = new Dictionary<string, string>();

    /// <summary>Models of an account by the name of the deployment, each with the moment of its making.</summary>
    public IReadOnlyDictionary<string, (string Model, DateTime Since)> Deployments { get; init; } =
        new Dictionary<string, (string, DateTime)>();

    /// <summary>Type: <c>Microsoft.Compute/virtualMachines</c>.</summary>
    public string Type
    {
        get
        {
            var parts = Id[(Id.LastIndexOf("/providers/", StringComparison.Ordinal) + "/providers/".Length)..].Split('/');
            return parts[0] + string.Concat(parts.Skip(1).Where((_, place) => place % 2 == 0).Select(part => "/" + part));
        }
    }
}

/// <summary>
/// One subscription of Azure: Microsoft Entra (tokens for an application), the Resource Manager (lists, metric definitions, metrics of one
/// resource) and the metrics of a region for many resources. A signal's metric is <c>ResourceType/MetricName</c>; its label
/// <c>resourceid</c> names the resource, the
/// others are dimensions.
/// </summary>
/// <remarks>Written from Microsoft's public descriptions; it shares nothing with the reader. It speaks TLS, because Microsoft's libraries
/// give no token to a server without.</remarks>
public sealed partial class AzureEmulator : IAsyncDisposable
{
    /// <summary>Subscription, tenant and application that it knows, and the region of its metrics.</summary>
    public const string Subscription = "00000000-0000-4000-8000-000000000001",
        Tenant = "00000000-0000-4000-8000-00000000000a",
        ClientId = "00000000-0000-4000-8000-0000000000c1",
        Region = "westeurope";

    /// <summary>Audiences of the Resource Manager and of metrics.</summary>
    private const string Manager = "https://management.azure.com",
        Metrics = "https://metrics.monitor.azure.com";

    /// <summary>Audience of Prometheus in a workspace.</summary>
    public const string Prometheus = "https://prometheus.monitor.azure.com";

    private const int ListPage = 50,
        MostIds = 50,
        MostNames = 20;

    private readonly IReadOnlyList<Signal> signals;
    private readonly Dictionary<string, AzureResource> resources;
    private readonly ILookup<string, Signal> byResource;
    private readonly Faults faults;
    private readonly TimeProvider clock;
    private readonly ConcurrentDictionary<string, (string Audience, DateTimeOffset Until)> tokens = new(StringComparer.Ordinal);
    private EmulatedServer server = null!;
    private X509Certificate2 certificate = null!;
    private long requests;

    private AzureEmulator(IReadOnlyList<AzureResource> resources, IReadOnlyList<Signal> signals, Faults faults, TimeProvider clock)
    {
        (this.signals, this.faults, this.clock) = (signals, faults, clock);
        this.resources = resources.ToDictionary(resource => Whole(resource.Id), StringComparer.OrdinalIgnoreCase);
        byResource = signals.ToLookup(signal => Whole(signal.Labels["resourceid"]), StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>The server that it answers on, over TLS.</summary>
    public EmulatedServer Server => server;

    /// <summary>The certificate to trust, as PEM.</summary>
    public string CertificateAuthority => certificate.ExportCertificatePem();

    /// <summary>Secret of the application.</summary>
    public string ClientSecret { get; } = "emulated~" + Convert.ToHexString(RandomNumberGenerator.GetBytes(16));

    /// <summary>What the token of a workload identity must be.</summary>
    public string FederatedToken { get; } = "eyJ." + Convert.ToHexString(RandomNumberGenerator.GetBytes(16));

    /// <summary>True when the application has roles on its resources and none on the subscription: the region's endpoint refuses.</summary>
    public bool ResourceRolesOnly { get; set; }

    /// <summary>True once the application has no role at all.</summary>
    public bool Forbidden { get; set; }

    /// <summary>What is said of single metrics in place of their values, by <c>resourceid/metric</c>: an error code.</summary>
    public ConcurrentDictionary<string, string> MetricErrors { get; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Resources that every request which names them fails for.</summary>
    public ConcurrentDictionary<string, bool> Poison { get; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The grain that is answered in whatever was asked for; null: as asked.</summary>
    public TimeSpan? AnswersIn { get; set; }

    /// <summary>Requests for values so far.</summary>
    public int DataRequests { get; private set; }

    /// <summary>Starts it on loopback.</summary>
    public static async Task<AzureEmulator> StartAsync(
        IReadOnlyList<AzureResource> resources,
        IReadOnlyList<Signal> signals,
        Faults faults,
        TimeProvider clock,
        ListenAddresses? at = null
    )
    {
        var emulator = new AzureEmulator(resources, signals, faults, clock) { certificate = Certify((at ?? new ListenAddresses()).Host) };
        emulator.server = await EmulatedServer.StartAsync(
            app =>
            {
                app.MapGet("/{tenant}/v2.0/.well-known/openid-configuration", (string tenant, HttpContext context) =>
                    emulator.DiscoverAsync(context, tenant)
                );
                app.MapPost("/{tenant}/oauth2/v2.0/token", (string tenant, HttpContext context) => emulator.TokenAsync(context, tenant));
                app.MapPost("/subscriptions/{subscription}/metrics:getBatch", (string subscription, HttpContext context) =>
                    emulator.GuardedAsync(context, Metrics, subscription, emulator.BatchAsync)
                );
                app.MapGet("/subscriptions/{subscription}/{**rest}", (string subscription, HttpContext context) =>
                    emulator.GuardedAsync(context, Manager, subscription, emulator.ManageAsync)
                );
            },
            at,
            emulator.certificate,
            () => clock.GetUtcNow().UtcDateTime
        );
        return emulator;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        certificate.Dispose();
    }

    /// <summary>Whether the token was given for the audience and still holds.</summary>
    public bool IsAccepted(string token, string audience) =>
        tokens.TryGetValue(token, out var known) && known.Audience == audience && known.Until >= DateTimeOffset.UtcNow;

    /// <summary>Lets every token that was given be refused from now on.</summary>
    public void RevokeTokens() => tokens.Clear();

    /// <summary>The resource's id from the root.</summary>
    public static string Whole(string id) =>
        id.StartsWith("/subscriptions/", StringComparison.Ordinal) ? id : $"/subscriptions/{Subscription}{id}";

    private static X509Certificate2 Certify(string host)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=emulated Azure", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        names.AddDnsName(host == "127.0.0.1" ? "localhost" : host);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
        // Through PKCS #12, so that every platform can serve with the key.
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }

    private Task DiscoverAsync(HttpContext context, string tenant) =>
        context.Response.WriteAsJsonAsync(
            new JsonObject
            {
                ["token_endpoint"] = $"{server.Address}{tenant}/oauth2/v2.0/token",
                ["authorization_endpoint"] = $"{server.Address}{tenant}/oauth2/v2.0/authorize",
                ["issuer"] = $"{server.Address}{tenant}/v2.0",
            }
        );

    /// <summary>Client credentials: by the secret, or by the token of a workload identity.</summary>
    private async Task TokenAsync(HttpContext context, string tenant)
    {
        var form = await context.Request.ReadFormAsync();
        var scope = form["scope"].ToString().Split(' ').FirstOrDefault(one => one.EndsWith("/.default", StringComparison.Ordinal)) ?? "";
        var (number, text) =
            tenant != Tenant ? (90002, $"Tenant '{tenant}' not found.")
            : form["client_id"] != ClientId
                ? (700016, $"Application with identifier '{form["client_id"]}' was not found in the directory 'Contoso'.")
            : form["grant_type"] != "client_credentials" ? (70003, "The app requested an unsupported grant type.")
            : form.ContainsKey("client_assertion")
                ? form["client_assertion"] == FederatedToken ? default
                    : (700213, "No matching federated identity record found for presented assertion subject.")
            : form["client_secret"] != ClientSecret
                ? (
                    7000215,
                    $"Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not "
                        + $"the client secret ID, for a secret added to app '{ClientId}'."
                )
            : scope is not (Manager + "/.default" or Metrics + "/.default" or Prometheus + "/.default")
                ? (500011, "The resource principal was not found in the tenant.")
            : default;
        if (number != 0)
        {
            context.Response.StatusCode = number is 7000215 ? 401 : 400;
            await context.Response.WriteAsJsonAsync(
                new JsonObject
                {
                    ["error"] = number is 7000215 ? "invalid_client" : "invalid_request",
                    ["error_description"] = $"AADSTS{number}: {text} Trace ID: 1 Correlation ID: 2",
                    ["error_codes"] = new JsonArray(number),
                }
            );
            return;
        }
        var token = "eyJ0." + Convert.ToHexString(RandomNumberGenerator.GetBytes(24));
        tokens[token] = (scope[..^"/.default".Length], DateTimeOffset.UtcNow.AddHours(1));
        await context.Response.WriteAsJsonAsync(
            new JsonObject
            {
                ["token_type"] = "Bearer",
                ["expires_in"] = 3599,
                ["ext_expires_in"] = 3599,
                ["access_token"] = token,
            }
        );
    }

    private async Task GuardedAsync(
        HttpContext context,
        string audience,
        string subscription,
        Func<HttpContext, RequestFault, Task<(int Status, JsonNode Body)>> answer
    )
    {
        var bearer = context.Request.Headers.Authorization.ToString();
        var batch = audience == Metrics;
        (int Status, JsonNode Body) told = default;
        if (
            !bearer.StartsWith("Bearer ", StringComparison.Ordinal)
            || !tokens.TryGetValue(bearer[7..], out var known)
            || known.Until < DateTimeOffset.UtcNow
        )
            told = Error(401, "ExpiredAuthenticationToken", "The access token is not known or has expired.");
        else if (known.Audience != audience)
            told = Error(
                401,
                "InvalidAuthenticationTokenAudience",
                $"The access token has been obtained for wrong audience or resource '{known.Audience}'. It should be '{audience}'."
            );
        else if (subscription != Subscription)
            told = Error(404, "SubscriptionNotFound", $"The subscription '{subscription}' could not be found.");
        else if (batch && (ResourceRolesOnly || Forbidden))
            told = Error(
                401,
                "AuthorizationFailed",
                "The client does not have authorization to perform action 'microsoft.insights/metrics/read' on the subscription."
            );
        else if (Forbidden)
            told = Error(
                403,
                "AuthorizationFailed",
                $"The client '{ClientId}' does not have authorization to perform action over scope '/subscriptions/{subscription}'."
            );
        var fault = told.Body is null ? faults.Of(Interlocked.Increment(ref requests)) : RequestFault.None;
        if (fault == RequestFault.Throttled)
        {
            context.Response.Headers.RetryAfter = "7";
            told = batch
                ? Error(529, "Throttled", "The metrics backend is throttling.")
                : Error(429, "SubscriptionRequestsThrottled", "Number of requests exceeded the limit.");
        }
        else if (fault == RequestFault.Broken)
            told = Error(503, "ServiceUnavailable", "The service is unavailable.");
        if (told.Body is null)
            told = await answer(context, fault);

        async Task Write(HttpContext to)
        {
            to.Response.StatusCode = told.Status;
            to.Response.ContentType = "application/json; charset=utf-8";
            await to.Response.WriteAsync(told.Body.ToJsonString());
        }
        if (fault == RequestFault.Cut)
            await EmulatedServer.Cut(Write)(context);
        else
            await Write(context);
    }

    private Task<(int, JsonNode)> ManageAsync(HttpContext context, RequestFault fault)
    {
        var path = context.Request.Path.Value!;
        var query = context.Request.Query;
        (int, JsonNode) told;
        const string metrics = "/providers/Microsoft.Insights/metrics",
            definitions = "/providers/Microsoft.Insights/metricDefinitions";
        if (path.EndsWith(metrics, StringComparison.OrdinalIgnoreCase))
            told = One(path[..^metrics.Length], query, fault);
        else if (path.EndsWith(definitions, StringComparison.OrdinalIgnoreCase))
            told = Definitions(path[..^definitions.Length]);
        else if (path == $"/subscriptions/{Subscription}/resources")
        {
            var types = ResourceType()
                .Matches(query["$filter"].ToString())
                .Select(match => match.Groups[1].Value)
                .ToHashSet(StringComparer.OrdinalIgnoreCase);
            told = Listed(
                context,
                resources
                    .Where(resource => types.Count == 0 || types.Contains(resource.Value.Type))
                    .OrderBy(resource => resource.Key, StringComparer.Ordinal)
                    .Select(resource => Generic(resource.Key, resource.Value))
            );
        }
        else if (path == $"/subscriptions/{Subscription}/providers/Microsoft.Compute/virtualMachines")
            told = Listed(
                context,
                resources
                    .Where(resource => resource.Value.Type == "Microsoft.Compute/virtualMachines")
                    .OrderBy(resource => resource.Key, StringComparer.Ordinal)
                    .Select(resource =>
                        With(
                            Generic(resource.Key, resource.Value),
                            "properties",
                            new JsonObject { ["hardwareProfile"] = new JsonObject { ["vmSize"] = resource.Value.Size } }
                        )
                    )
            );
        else if (
            path.EndsWith("/deployments", StringComparison.Ordinal)
            && resources.TryGetValue(path[..^"/deployments".Length], out var account)
            && account.Type == "Microsoft.CognitiveServices/accounts"
        )
            told = Listed(
                context,
                account.Deployments.Select(deployment => new JsonObject
                {
                    ["id"] = $"{path}/{deployment.Key}",
                    ["name"] = deployment.Key,
                    ["type"] = "Microsoft.CognitiveServices/accounts/deployments",
                    ["properties"] = new JsonObject
                    {
                        ["model"] = new JsonObject
                        {
                            ["format"] = "OpenAI",
                            ["name"] = deployment.Value.Model,
                            ["version"] = "2026-01-01",
                        },
                    },
                    ["systemData"] = new JsonObject { ["createdAt"] = Time(deployment.Value.Since) },
                })
            );
        else if (path.EndsWith("/deployments", StringComparison.Ordinal))
            told = Listed(
                context,
                resources
                    .Where(resource => resource.Key.StartsWith(path + "/", StringComparison.OrdinalIgnoreCase))
                    .Select(resource =>
                        With(Generic(resource.Key, resource.Value), "properties", new JsonObject { ["instanceType"] = resource.Value.Size })
                    )
            );
        else
            told = Error(404, "ResourceNotFound", $"The resource '{path}' was not found.");
        return Task.FromResult(told);
    }

    private static JsonObject Generic(string id, AzureResource resource)
    {
        var told = new JsonObject
        {
            ["id"] = id,
            ["name"] = id[(id.LastIndexOf('/') + 1)..],
            ["type"] = resource.Type,
            ["location"] = resource.Location,
            ["tags"] = new JsonObject(resource.Tags.Select(tag => KeyValuePair.Create(tag.Key, (JsonNode?)tag.Value))),
        };
        if (resource.Kind is { } kind)
            told["kind"] = kind;
        if (resource is { Type: "Microsoft.Compute/virtualMachineScaleSets", Size: { } size })
            told["sku"] = new JsonObject { ["name"] = size };
        return told;
    }

    private static JsonObject With(JsonObject whole, string name, JsonNode value)
    {
        whole[name] = value;
        return whole;
    }

    private (int, JsonNode) Listed(HttpContext context, IEnumerable<JsonObject> elements)
    {
        var skip = int.TryParse(context.Request.Query["$skiptoken"], CultureInfo.InvariantCulture, out var token) ? token : 0;
        var all = elements.Skip(skip).Take(ListPage + 1).ToList();
        var told = new JsonObject { ["value"] = new JsonArray([.. all.Take(ListPage)]) };
        if (all.Count > ListPage)
            told["nextLink"] = string.Create(
                CultureInfo.InvariantCulture,
                $"{server.Address}{context.Request.Path.Value![1..]}?api-version={context.Request.Query["api-version"]}"
                    + $"&$filter={Uri.EscapeDataString(context.Request.Query["$filter"].ToString())}"
                    + $"&$skiptoken={skip + ListPage}"
            );
        return (200, told);
    }

    private (int, JsonNode) Definitions(string id) =>
        !resources.TryGetValue(id, out var resource)
            ? Error(404, "ResourceNotFound", $"The resource '{id}' was not found.")
            : (
                200,
                new JsonObject
                {
                    ["value"] = new JsonArray([
                        .. signals
                            .Where(signal => Namespace(signal).Equals(resource.Type, StringComparison.OrdinalIgnoreCase))
                            .GroupBy(Name)
                            .OrderBy(metric => metric.Key, StringComparer.Ordinal)
                            .Select(metric =>
                                (JsonNode)
                                    new JsonObject
                                    {
                                        ["id"] = $"{id}/providers/microsoft.insights/metricdefinitions/{metric.Key}",
                                        ["resourceId"] = id,
                                        ["namespace"] = resource.Type,
                                        ["name"] = new JsonObject { ["value"] = metric.Key, ["localizedValue"] = metric.Key },
                                        ["unit"] = metric.First().Unit,
                                        ["supportedAggregationTypes"] = new JsonArray([
                                            .. (
                                                metric.First().Kind == SignalKind.Delta
                                                    ? ["Total", "Average", "Minimum", "Maximum", "Count"]
                                                    : new[] { "Average", "Minimum", "Maximum" }
                                            ).Select(type => (JsonNode)type),
                                        ]),
                                        ["metricAvailabilities"] = new JsonArray([
                                            .. new[] { "PT1M", "PT5M", "PT15M", "PT30M", "PT1H", "PT6H", "PT12H", "P1D" }.Select(grain =>
                                                (JsonNode)new JsonObject { ["timeGrain"] = grain, ["retention"] = "P93D" }
                                            ),
                                        ]),
                                        ["dimensions"] = new JsonArray([
                                            .. metric
                                                .SelectMany(Dimensions)
                                                .Select(dimension => dimension.Key)
                                                .Distinct(StringComparer.OrdinalIgnoreCase)
                                                .Select(name => (JsonNode)new JsonObject { ["value"] = name, ["localizedValue"] = name }),
                                        ]),
                                    }
                            ),
                    ]),
                }
            );

    private (int, JsonNode) One(string id, IQueryCollection query, RequestFault fault)
    {
        DataRequests++;
        var span = query["timespan"].ToString().Split('/');
        if (span.Length != 2)
            return Plain(400, "BadRequest", "Invalid timespan.");
        var (told, wrong) = Values(id, query["metricnamespace"].ToString(), query, span[0], span[1], query["$filter"].ToString(), fault);
        return wrong is null ? (200, told!) : Plain(400, "BadRequest", wrong);
    }

    private async Task<(int, JsonNode)> BatchAsync(HttpContext context, RequestFault fault)
    {
        DataRequests++;
        using var body = await JsonDocument.ParseAsync(context.Request.Body);
        if (!body.RootElement.TryGetProperty("resourceids", out var ids))
            return Error(400, "BadRequest", "The request body has no resourceids.");
        var query = context.Request.Query;
        if (ids.GetArrayLength() is 0 or > MostIds)
            return Error(400, "BadRequest", $"The number of resource ids must be between 1 and {MostIds}.");
        if (query["metricnamespace"].Count == 0)
            return Error(400, "BadRequest", "metricnamespace is required.");
        var values = new JsonArray();
        foreach (var id in ids.EnumerateArray().Select(one => one.GetString()!))
        {
            if (fault == RequestFault.Lying && values.Count % 2 == 1)
                continue;
            if (Poison.ContainsKey(id) || !resources.TryGetValue(id, out var resource))
                return Error(400, "BadRequest", $"Resource '{id}' was not found in the region.");
            if (!resource.Type.Equals(query["metricnamespace"], StringComparison.OrdinalIgnoreCase) || resource.Location != Region)
                return Error(400, "BadRequest", "All resources must be of the type of the namespace and in the region of the endpoint.");
            var (told, wrong) = Values(
                id,
                query["metricnamespace"].ToString(),
                query,
                query["starttime"].ToString(),
                query["endtime"].ToString(),
                query["filter"].ToString(),
                fault
            );
            if (wrong is not null)
                return Error(400, "BadRequest", wrong);
            told!["resourceid"] = id;
            values.Add((JsonNode)told);
        }
        return (200, new JsonObject { ["values"] = values });
    }

    /// <summary>Values of the metrics of one resource, or what was wrong with the question.</summary>
    private (JsonObject? Told, string? Wrong) Values(
        string id,
        string space,
        IQueryCollection query,
        string from,
        string to,
        string filter,
        RequestFault fault
    )
    {
        if (!resources.TryGetValue(id, out var resource) || Poison.ContainsKey(id))
            return (null, $"Resource '{id}' was not found.");
        if (
            !DateTimeOffset.TryParse(from, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var start)
            || !DateTimeOffset.TryParse(to, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var end)
            || start >= end
        )
            return (null, "Start time must be before the end time.");
        var names = query["metricnames"].ToString().Split(',');
        if (names.Length > MostNames)
            return (null, $"The maximum number of metrics in one request is {MostNames}.");
        var grain = AnswersIn ?? XmlConvert.ToTimeSpan(query["interval"].ToString() is { Length: > 0 } asked ? asked : "PT1M");
        if (grain < TimeSpan.FromMinutes(1) || grain > TimeSpan.FromDays(1))
            return (null, $"Detected invalid time grain input: {query["interval"]}.");
        var aggregation = query["aggregation"].ToString().ToLowerInvariant();
        var split = filter.Length == 0 ? [] : Dimension().Matches(filter).Select(match => match.Groups[1].Value).ToList();
        // Without top ten series of a metric are told, and nothing says that there are more.
        var top = int.TryParse(query["top"], CultureInfo.InvariantCulture, out var most) ? most : 10;
        var now = clock.GetUtcNow().UtcDateTime;

        var value = new JsonArray();
        foreach (var name in names)
        {
            var metric = new JsonObject
            {
                ["id"] = $"{id}/providers/Microsoft.Insights/metrics/{name}",
                ["type"] = "Microsoft.Insights/metrics",
                ["name"] = new JsonObject { ["value"] = name, ["localizedValue"] = name },
            };
            var own = byResource[id]
                .Where(signal =>
                    Name(signal).Equals(name, StringComparison.OrdinalIgnoreCase)
                    && Namespace(signal).Equals(space, StringComparison.OrdinalIgnoreCase)
                )
                .ToList();
            if (
                own.Count == 0
                && !signals.Any(signal =>
                    Name(signal).Equals(name, StringComparison.OrdinalIgnoreCase)
                    && Namespace(signal).Equals(resource.Type, StringComparison.OrdinalIgnoreCase)
                )
            )
                return (
                    null,
                    $"Failed to find metric configuration for provider: {space.Split('/')[0]}, resource Type: "
                        + $"{space[(space.IndexOf('/', StringComparison.Ordinal) + 1)..]}, metric: {name}, Valid metrics: ..."
                );
            if (
                own.Count > 0
                && split.Find(dimension => !own[0].Labels.Keys.Contains(dimension, StringComparer.OrdinalIgnoreCase)) is { } unknown
            )
                return (
                    null,
                    $"Metric: {name} does not support requested dimension combination: {unknown}, supported ones are: "
                        + $"{string.Join(',', Dimensions(own[0]).Select(one => one.Key))}"
                );
            metric["unit"] = own.Count > 0 ? own[0].Unit : "Count";
            if (
                MetricErrors.TryGetValue($"{id}/{name}", out var error)
                || fault == RequestFault.Partial && value.Count % 2 == 1 && (error = "InternalServerError").Length > 0
            )
            {
                (metric["errorCode"], metric["errorMessage"], metric["timeseries"]) = (
                    error,
                    "The metric could not be read.",
                    new JsonArray()
                );
                value.Add((JsonNode)metric);
                continue;
            }
            var series = new JsonArray();
            var groups = own.GroupBy(signal => string.Join('\n', split.Select(dimension => Label(signal, dimension))))
                .OrderBy(group => group.Key, StringComparer.Ordinal)
                .Take(filter.Length == 0 ? 1 : top);
            foreach (var (group, index) in groups.Select((group, index) => (group, index)))
            {
                if (fault == RequestFault.Lying && index % 2 == 1)
                    continue;
                var data = new JsonArray();
                for (var at = start.UtcDateTime; at < end.UtcDateTime; at += grain)
                {
                    var bucket = new JsonObject { ["timeStamp"] = Time(at) };
                    double sum = 0,
                        count = 0;
                    for (var minute = at; minute < at + grain; minute = minute.AddMinutes(1))
                        foreach (var signal in group)
                            if (faults.Shown(signal, minute, now) is { } shown)
                                (sum, count) = (sum + shown, count + 1);
                    if (count > 0)
                        bucket[aggregation] =
                            aggregation == "total" ? sum
                            : aggregation == "count" ? count
                            : sum / count;
                    data.Add((JsonNode)bucket);
                }
                var labels = split.Select(dimension =>
                    (JsonNode)
                        new JsonObject
                        {
                            ["name"] = new JsonObject
                            {
                                ["value"] = dimension.ToLowerInvariant(),
                                ["localizedValue"] = dimension.ToLowerInvariant(),
                            },
                            ["value"] = Label(group.First(), dimension),
                        }
                );
                series.Add((JsonNode)new JsonObject { ["metadatavalues"] = new JsonArray([.. labels]), ["data"] = data });
            }
            (metric["errorCode"], metric["timeseries"]) = ("Success", series);
            value.Add((JsonNode)metric);
        }
        return (
            new JsonObject
            {
                ["cost"] = names.Length,
                ["timespan"] = $"{from}/{to}",
                ["starttime"] = from,
                ["endtime"] = to,
                ["interval"] = XmlConvert.ToString(grain),
                ["namespace"] = space,
                ["resourceregion"] = resource.Location,
                ["value"] = value,
            },
            null
        );
    }

    private static IEnumerable<KeyValuePair<string, string>> Dimensions(Signal signal) =>
        signal.Labels.Where(label => label.Key != "resourceid");

    private static string Label(Signal signal, string dimension) =>
        signal.Labels.First(label => label.Key.Equals(dimension, StringComparison.OrdinalIgnoreCase)).Value;

    private static string Namespace(Signal signal) => signal.Metric[..signal.Metric.LastIndexOf('/')];

    private static string Name(Signal signal) => signal.Metric[(signal.Metric.LastIndexOf('/') + 1)..];

    private static string Time(DateTime time) => time.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static (int, JsonNode) Error(int status, string code, string message) =>
        (
            status,
            new JsonObject
            {
                ["error"] = new JsonObject { ["code"] = code, ["message"] = message },
            }
        );

    /// <summary>Metrics of one resource tell their faults without the word error around.</summary>
    private static (int, JsonNode) Plain(int status, string code, string message) =>
        (status, new JsonObject { ["code"] = code, ["message"] = message });

    [GeneratedRegex("""resourceType eq '([^']+)'""")]
    private static partial Regex ResourceType();

    [GeneratedRegex("""(\w+) eq '\*'""")]
    private static partial Regex Dimension();
}
