using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Metrics.Emulators.Gcp;

/// <summary>
/// Google Cloud Monitoring v3 over REST, with the token endpoint of Google's OAuth: descriptors and time series of one project, made from
/// signals. Labels of a signal are written <c>resource.type</c>, <c>resource.zone</c>, <c>metric.uuid</c>, <c>system.machine_type</c>.
/// </summary>
/// <remarks>Written from Google's public descriptions of the API; it shares nothing with the reader.</remarks>
public sealed partial class GcpEmulator : IAsyncDisposable
{
    /// <summary>Project that it knows.</summary>
    public const string Project = "demo-proj";

    private const string Account = "metrics@demo-proj.iam.gserviceaccount.com",
        Scope = "https://www.googleapis.com/auth/monitoring.read";

    private readonly IReadOnlyList<Signal> signals;
    private readonly Faults faults;
    private readonly TimeProvider clock;
    private readonly RSA key = RSA.Create(2048);
    private readonly ConcurrentDictionary<string, DateTimeOffset> tokens = new(StringComparer.Ordinal);
    private EmulatedServer server = null!;
    private long requests;

    private GcpEmulator(IReadOnlyList<Signal> signals, Faults faults, TimeProvider clock) =>
        (this.signals, this.faults, this.clock) = (signals, faults, clock);

    /// <summary>The server that it answers on.</summary>
    public EmulatedServer Server => server;

    /// <summary>True once the account has no right to read any more.</summary>
    public bool Forbidden { get; set; }

    /// <summary>When each counter began; a later time is a reset. Null: at the beginning of <see cref="Truth"/>.</summary>
    public Func<Signal, DateTime, DateTime>? CounterStart { get; set; }

    /// <summary>Text of the key file of the account that may read.</summary>
    public string KeyFile { get; private set; } = "";

    /// <summary>Requests for time series so far.</summary>
    public int TimeSeriesRequests { get; private set; }

    /// <summary>Starts it on loopback.</summary>
    public static async Task<GcpEmulator> StartAsync(
        IReadOnlyList<Signal> signals,
        Faults faults,
        TimeProvider clock,
        ListenAddresses? at = null
    )
    {
        var emulator = new GcpEmulator(signals, faults, clock);
        emulator.server = await EmulatedServer.StartAsync(
            app =>
            {
                app.MapPost("/token", emulator.TokenAsync);
                app.MapGet("/v3/projects/{project}/metricDescriptors", (string project, HttpContext context) =>
                    emulator.GuardedAsync(context, project, emulator.Descriptors)
                );
                app.MapGet("/v3/projects/{project}/timeSeries", (string project, HttpContext context) =>
                    emulator.GuardedAsync(context, project, emulator.TimeSeries)
                );
            },
            at,
            time: () => clock.GetUtcNow().UtcDateTime
        );
        emulator.KeyFile = new JsonObject
        {
            ["type"] = "service_account",
            ["project_id"] = Project,
            ["private_key_id"] = "1",
            ["private_key"] = emulator.key.ExportPkcs8PrivateKeyPem(),
            ["client_email"] = Account,
            ["client_id"] = "1",
            ["token_uri"] = $"{emulator.server.Address}token",
        }.ToJsonString();
        return emulator;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        key.Dispose();
    }

    /// <summary>Lets every token that was given expire now.</summary>
    public void ExpireTokens() => tokens.Clear();

    /// <summary>Grant of RFC 7523: a JWT signed by the account's key.</summary>
    private async Task TokenAsync(HttpContext context)
    {
        var form = await context.Request.ReadFormAsync();
        var parts = form["assertion"].ToString().Split('.');
        var refused =
            form["grant_type"] != "urn:ietf:params:oauth:grant-type:jwt-bearer"
            || parts.Length != 3
            || !key.VerifyData(
                Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"),
                Decode(parts[2]),
                HashAlgorithmName.SHA256,
                RSASignaturePadding.Pkcs1
            )
                ? "Invalid JWT Signature."
                : null;
        if (refused is null)
        {
            using var claims = JsonDocument.Parse(Decode(parts[1]));
            if (claims.RootElement.GetProperty("iss").GetString() != Account)
                refused = "Invalid issuer.";
            // Google's own libraries name Google's endpoint as the audience, or the one that they ask.
            else if (
                claims.RootElement.GetProperty("aud").GetString() is var audience
                && audience != $"{server.Address}token"
                && audience != "https://oauth2.googleapis.com/token"
            )
                refused = "Invalid audience.";
            else if (claims.RootElement.GetProperty("exp").GetInt64() <= DateTimeOffset.UtcNow.ToUnixTimeSeconds())
                refused = "Token must be a short-lived token.";
            else if (
                !claims
                    .RootElement.GetProperty("scope")
                    .GetString()!
                    .Split(' ')
                    .Any(scope =>
                        scope is Scope or "https://www.googleapis.com/auth/cloud-platform" or "https://www.googleapis.com/auth/monitoring"
                    )
            )
                refused = "Invalid scope.";
        }
        if (refused is not null)
        {
            context.Response.StatusCode = 400;
            await context.Response.WriteAsJsonAsync(new JsonObject { ["error"] = "invalid_grant", ["error_description"] = refused });
            return;
        }
        var token = "ya29." + Convert.ToHexString(RandomNumberGenerator.GetBytes(24));
        tokens[token] = DateTimeOffset.UtcNow.AddHours(1);
        await context.Response.WriteAsJsonAsync(
            new JsonObject
            {
                ["access_token"] = token,
                ["expires_in"] = 3599,
                ["token_type"] = "Bearer",
            }
        );
    }

    /// <summary>A token that was given and holds, or a JWT that the account signed itself for this API, which Google's libraries send
    /// instead of asking for a token.</summary>
    public bool IsAccepted(string token)
    {
        if (tokens.TryGetValue(token, out var until))
            return until >= DateTimeOffset.UtcNow;
        var parts = token.Split('.');
        if (
            parts.Length != 3
            || !parts[0].StartsWith("eyJ", StringComparison.Ordinal)
            || !key.VerifyData(
                Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"),
                Decode(parts[2]),
                HashAlgorithmName.SHA256,
                RSASignaturePadding.Pkcs1
            )
        )
            return false;
        using var claims = JsonDocument.Parse(Decode(parts[1]));
        var whole = claims.RootElement;
        return whole.GetProperty("iss").GetString() == Account
            && whole.GetProperty("exp").GetInt64() > DateTimeOffset.UtcNow.ToUnixTimeSeconds()
            && (
                whole.TryGetProperty("scope", out var scope)
                    ? scope.GetString()!.Contains("/auth/monitoring", StringComparison.Ordinal)
                        || scope.GetString()!.Contains("/auth/cloud-platform", StringComparison.Ordinal)
                    : whole.GetProperty("aud").GetString() == "https://monitoring.googleapis.com/"
            );
    }

    private async Task GuardedAsync(
        HttpContext context,
        string project,
        Func<HttpContext, RequestFault, (int Status, JsonObject Body)> answer
    )
    {
        var bearer = context.Request.Headers.Authorization.ToString();
        var (status, body) =
            !bearer.StartsWith("Bearer ", StringComparison.Ordinal) || !IsAccepted(bearer[7..])
                ? Error(
                    401,
                    "UNAUTHENTICATED",
                    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
                        + "authentication credential."
                )
            : Forbidden ? Error(403, "PERMISSION_DENIED", "Permission monitoring.timeSeries.list denied (or the resource may not exist).")
            : project != Project ? Error(404, "NOT_FOUND", $"The project ID or number '{project}' does not exist.")
            : default;
        var fault = body is null ? faults.Of(Interlocked.Increment(ref requests)) : RequestFault.None;
        if (fault == RequestFault.Throttled)
        {
            context.Response.Headers.RetryAfter = "7";
            (status, body) = Error(429, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Time series queries'.");
        }
        else if (fault == RequestFault.Broken)
            (status, body) = Error(503, "UNAVAILABLE", "The service is currently unavailable.");
        if (body is null)
            (status, body) = answer(context, fault);

        async Task Write(HttpContext to)
        {
            to.Response.StatusCode = status;
            to.Response.ContentType = "application/json; charset=UTF-8";
            await to.Response.WriteAsync(body.ToJsonString());
        }
        if (fault == RequestFault.Cut)
            await EmulatedServer.Cut(cut => Write(cut))(context);
        else
            await Write(context);
    }

    private (int Status, JsonObject Body) Descriptors(HttpContext context, RequestFault fault)
    {
        var filter = StartsWith().Match(context.Request.Query["filter"].ToString());
        var prefix = filter.Success ? filter.Groups[1].Value : "";
        var found = signals
            .GroupBy(signal => signal.Metric)
            .Where(type => type.Key.StartsWith(prefix, StringComparison.Ordinal))
            .OrderBy(type => type.Key, StringComparer.Ordinal)
            .Select(type =>
            {
                var first = type.First();
                return (JsonNode)
                    new JsonObject
                    {
                        ["name"] = $"projects/{Project}/metricDescriptors/{type.Key}",
                        ["type"] = type.Key,
                        ["metricKind"] = Kind(first),
                        ["valueType"] = ValueType(first),
                        ["unit"] = first.Unit,
                        ["metadata"] = new JsonObject
                        {
                            ["samplePeriod"] = "60s",
                            ["ingestDelay"] = string.Create(CultureInfo.InvariantCulture, $"{faults.Delay.TotalSeconds}s"),
                        },
                        ["monitoredResourceTypes"] = new JsonArray([
                            .. type.Select(signal => signal.Labels["resource.type"]).Distinct().Select(name => (JsonNode)name),
                        ]),
                    };
            });
        return (200, new JsonObject { ["metricDescriptors"] = new JsonArray([.. found]) });
    }

    private (int Status, JsonObject Body) TimeSeries(HttpContext context, RequestFault fault)
    {
        TimeSeriesRequests++;
        var query = context.Request.Query;
        var types = MetricType().Matches(query["filter"].ToString());
        if (types.Count != 1)
            return Error(400, "INVALID_ARGUMENT", "Field filter had an invalid value: The filter must select exactly one metric type.");
        if (!DateTimeOffset.TryParse(query["interval.endTime"], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var end))
            return Error(400, "INVALID_ARGUMENT", "Field interval.end_time had an invalid value.");
        if (
            !DateTimeOffset.TryParse(
                query["interval.startTime"],
                CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal,
                out var start
            )
            || start >= end
        )
            return Error(400, "INVALID_ARGUMENT", "Field interval.start_time had an invalid value: it must be before the end.");
        var wanted = signals
            .Where(signal =>
                signal.Metric == types[0].Groups[1].Value && Labels().Matches(query["filter"].ToString()).All(label => Meets(signal, label))
            )
            .ToList();
        if (fault is RequestFault.Lying or RequestFault.Partial)
            wanted = [.. wanted.Where((_, index) => index % 2 == 0)];

        var aligner = query["aggregation.perSeriesAligner"].ToString();
        if (aligner is not ("" or "ALIGN_NONE" or "ALIGN_SUM" or "ALIGN_MEAN" or "ALIGN_COUNT"))
            return Error(400, "INVALID_ARGUMENT", $"Field aggregation.perSeriesAligner had an invalid value of \"{aligner}\".");
        var pageSize =
            int.TryParse(query["pageSize"], CultureInfo.InvariantCulture, out var size) && size > 0 ? Math.Min(size, 100_000) : 100_000;
        var skip = query["pageToken"].ToString() is { Length: > 0 } token
            ? int.Parse(token["tok-".Length..], CultureInfo.InvariantCulture)
            : 0;

        var series = new JsonArray();
        int passed = 0,
            told = 0;
        var more = false;
        foreach (var signal in wanted)
        {
            var points = new JsonArray();
            foreach (
                var (from, to, value) in aligner is "" or "ALIGN_NONE"
                    ? Raw(signal, start.UtcDateTime, end.UtcDateTime)
                    : Aligned(signal, start.UtcDateTime, end.UtcDateTime, aligner)
            )
            {
                if (passed++ < skip)
                    continue;
                if (told == pageSize)
                {
                    more = true;
                    break;
                }
                told++;
                var interval = new JsonObject { ["endTime"] = Time(to) };
                if (from is { } began)
                    interval.Insert(0, "startTime", Time(began));
                points.Add(new JsonObject { ["interval"] = interval, ["value"] = Value(signal, value, aligner) });
            }
            if (points.Count > 0)
                series.Add(Series(signal, points));
            if (more)
                break;
        }
        var body = new JsonObject { ["timeSeries"] = series, ["unit"] = wanted.Count > 0 ? wanted[0].Unit : "" };
        if (more)
            body["nextPageToken"] = $"tok-{skip + told}";
        if (fault == RequestFault.Partial)
            body["executionErrors"] = new JsonArray(
                new JsonObject { ["code"] = 14, ["message"] = "A part of the data could not be read." }
            );
        return (200, body);
    }

    /// <summary>Points that end after the start and not after the end, the newest first.</summary>
    private IEnumerable<(DateTime? From, DateTime To, double Value)> Raw(Signal signal, DateTime start, DateTime end)
    {
        var now = clock.GetUtcNow().UtcDateTime;
        for (
            var to = new DateTime(end.Ticks / TimeSpan.TicksPerMinute * TimeSpan.TicksPerMinute, DateTimeKind.Utc);
            to > start;
            to = to.AddMinutes(-1)
        )
        {
            if (faults.Shown(signal, to.AddMinutes(-1), now) is not { } value)
                continue;
            yield return signal.Kind switch
            {
                SignalKind.Gauge => (to, to, value),
                SignalKind.Delta => (to.AddMinutes(-1).AddMilliseconds(1), to, value),
                _ => (CounterStart?.Invoke(signal, to) ?? Truth.Start, to, value),
            };
        }
    }

    /// <summary>Whole periods that hang on the end asked for, each with the points that end in it.</summary>
    private IEnumerable<(DateTime? From, DateTime To, double Value)> Aligned(Signal signal, DateTime start, DateTime end, string aligner)
    {
        for (var to = end; to > start; to = to.AddHours(-1))
        {
            var values = Raw(signal, to.AddHours(-1), to).Select(point => point.Value).ToList();
            if (values.Count > 0)
                yield return (
                    to.AddHours(-1),
                    to,
                    aligner switch
                    {
                        "ALIGN_SUM" => values.Sum(),
                        "ALIGN_MEAN" => values.Average(),
                        _ => values.Count,
                    }
                );
        }
    }

    private static JsonObject Series(Signal signal, JsonArray points)
    {
        var element = new JsonObject
        {
            ["metric"] = new JsonObject { ["type"] = signal.Metric, ["labels"] = Part(signal, "metric.") },
            ["resource"] = new JsonObject { ["type"] = signal.Labels["resource.type"], ["labels"] = Part(signal, "resource.") },
            ["metricKind"] = Kind(signal),
            ["valueType"] = ValueType(signal),
            ["points"] = points,
            ["unit"] = signal.Unit,
        };
        if (signal.Labels.Any(label => label.Key.StartsWith("system.", StringComparison.Ordinal)))
            element["metadata"] = new JsonObject { ["systemLabels"] = Part(signal, "system.") };
        return element;
    }

    private static JsonObject Part(Signal signal, string prefix) =>
        new(
            signal
                .Labels.Where(label => label.Key.StartsWith(prefix, StringComparison.Ordinal) && label.Key != "resource.type")
                .Select(label => KeyValuePair.Create(label.Key[prefix.Length..], (JsonNode?)label.Value))
        );

    private static JsonObject Value(Signal signal, double value, string aligner) =>
        aligner == "ALIGN_COUNT" || ValueType(signal) == "INT64" && aligner != "ALIGN_MEAN"
            ? new() { ["int64Value"] = value.ToString("0", CultureInfo.InvariantCulture) }
            : new() { ["doubleValue"] = value };

    // What is counted in whole things is an integer, and REST writes those as text.
    private static string ValueType(Signal signal) => signal is { Kind: SignalKind.Delta, Unit: "1" } ? "INT64" : "DOUBLE";

    private static string Kind(Signal signal) => signal.Kind.ToString().ToUpperInvariant();

    private static bool Meets(Signal signal, Match label)
    {
        var value = signal.Labels.GetValueOrDefault($"{label.Groups[1].Value}.{label.Groups[2].Value}", "");
        return label.Groups[3].Success ? value.StartsWith(label.Groups[4].Value, StringComparison.Ordinal) : value == label.Groups[4].Value;
    }

    private static (int, JsonObject) Error(int code, string status, string message) =>
        (
            code,
            new JsonObject
            {
                ["error"] = new JsonObject
                {
                    ["code"] = code,
                    ["message"] = message,
                    ["status"] = status,
                },
            }
        );

    private static string Time(DateTime time) => time.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'", CultureInfo.InvariantCulture);

    private static byte[] Decode(string text) =>
        Convert.FromBase64String(text.Replace('-', '+').Replace('_', '/').PadRight((text.Length + 3) / 4 * 4, '='));

    [GeneratedRegex("""starts_with\("([^"]*)"\)""")]
    private static partial Regex StartsWith();

    [GeneratedRegex("""metric\.type\s*=\s*"([^"]+)"(?!\s*\))""")]
    private static partial Regex MetricType();

    [GeneratedRegex("""(resource|metric)\.labels?\.(\w+)\s*=\s*(starts_with\()?"([^"]*)"\)?""")]
    private static partial Regex Labels();
}
