using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Metrics.Emulators.Aws;

/// <summary>
/// Amazon CloudWatch by AWS JSON 1.0 (ListMetrics, GetMetricData) and the two operations of STS that give temporary credentials, of one
/// account and region, made from signals whose metric is written <c>Namespace/MetricName</c> and whose labels are the dimensions.
/// </summary>
/// <remarks>Written from Amazon's public descriptions; signatures are checked by code of its own.</remarks>
public sealed class AwsEmulator : IAsyncDisposable
{
    /// <summary>Region that it stands in.</summary>
    public const string Region = "us-east-1";

    /// <summary>A role that may be taken, with the external id <see cref="ExternalId"/>.</summary>
    public const string Role = "arn:aws:iam::111122223333:role/metrics",
        ExternalId = "metrics-1";

    private const int MostQueries = 500,
        MostPoints = 100_800,
        ListPage = 500;

    private readonly ILookup<string, Signal> byName;
    private readonly Dictionary<string, Signal> byKey;
    private readonly Faults faults;
    private readonly TimeProvider clock;
    private readonly ConcurrentDictionary<string, Keys> keys = new(StringComparer.Ordinal);
    private EmulatedServer server = null!;
    private long requests;

    private AwsEmulator(IReadOnlyList<Signal> signals, Faults faults, TimeProvider clock)
    {
        (this.faults, this.clock) = (faults, clock);
        byName = signals.ToLookup(signal => signal.Metric[..signal.Metric.LastIndexOf('/')], StringComparer.Ordinal);
        byKey = signals.ToDictionary(signal => signal.Key, StringComparer.Ordinal);
        keys["AKIDEMULATED"] = new("EMULATED/SECRET/KEY/NOT/FOR/USE", null, DateTimeOffset.MaxValue);
    }

    /// <summary>Credentials that it knows.</summary>
    private sealed record Keys(string Secret, string? Token, DateTimeOffset Until);

    /// <summary>The server that it answers on.</summary>
    public EmulatedServer Server => server;

    /// <summary>The access key that may read.</summary>
    public (string Id, string Secret) AccessKey => ("AKIDEMULATED", keys["AKIDEMULATED"].Secret);

    /// <summary>True once the credentials have no right to read any more.</summary>
    public bool Forbidden { get; set; }

    /// <summary>How far its clock is ahead of this machine's.</summary>
    public TimeSpan Ahead { get; set; }

    /// <summary>What a web identity's token must be.</summary>
    public string WebIdentity { get; } = "eyJ." + Convert.ToHexString(RandomNumberGenerator.GetBytes(16));

    /// <summary>What is said of single queries: a status other than Complete, by the key of the signal.</summary>
    public ConcurrentDictionary<string, string> Statuses { get; } = new(StringComparer.Ordinal);

    /// <summary>Metrics whose mere mention makes a request invalid, by the key of the signal.</summary>
    public ConcurrentDictionary<string, bool> Poison { get; } = new(StringComparer.Ordinal);

    /// <summary>Points of one page at most.</summary>
    public int PointsPerPage { get; set; } = MostPoints;

    /// <summary>GetMetricData requests so far that were answered.</summary>
    public int DataRequests { get; private set; }

    /// <summary>Starts it on loopback.</summary>
    public static async Task<AwsEmulator> StartAsync(
        IReadOnlyList<Signal> signals,
        Faults faults,
        TimeProvider clock,
        ListenAddresses? at = null
    )
    {
        var emulator = new AwsEmulator(signals, faults, clock);
        emulator.server = await EmulatedServer.StartAsync(app => app.MapPost("/", emulator.AnswerAsync), at);
        return emulator;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => server.DisposeAsync();

    /// <summary>Lets every temporary key that was given expire now.</summary>
    public void ExpireKeys()
    {
        foreach (var (id, known) in keys)
            if (known.Token is not null)
                keys[id] = known with { Until = DateTimeOffset.MinValue };
    }

    private async Task AnswerAsync(HttpContext context)
    {
        using var memory = new MemoryStream();
        await context.Request.Body.CopyToAsync(memory);
        var body = memory.ToArray();
        // Signatures go by this machine's clock, also where the data is of a simulated time: then it is better told by nobody.
        context.Response.Headers.Date =
            clock == TimeProvider.System || Ahead != TimeSpan.Zero
                ? (DateTimeOffset.UtcNow + Ahead).ToString("r", CultureInfo.InvariantCulture)
                : "never";
        if (context.Request.ContentType?.StartsWith("application/x-www-form-urlencoded", StringComparison.Ordinal) == true)
        {
            await TokenAsync(context, body);
            return;
        }
        var operation = context.Request.Headers["X-Amz-Target"].ToString().Split('.')[^1];
        if (Refuse(context, body, "monitoring") is { } refused)
        {
            await FaultAsync(context, 400, refused.Code, refused.Message);
            return;
        }
        if (Forbidden)
        {
            await FaultAsync(
                context,
                400,
                "AccessDenied",
                $"User: arn:aws:iam::111122223333:user/reader is not authorized to perform: cloudwatch:{operation} because no "
                    + $"identity-based policy allows the cloudwatch:{operation} action"
            );
            return;
        }
        var fault = faults.Of(Interlocked.Increment(ref requests));
        if (fault == RequestFault.Throttled)
            await FaultAsync(context, 400, "Throttling", "Rate exceeded");
        else if (fault == RequestFault.Broken)
            await FaultAsync(context, 500, "InternalServiceError", "An error occurred");
        else if (fault == RequestFault.Cut)
            await EmulatedServer.Cut(cut => OperateAsync(cut, operation, body, fault))(context);
        else
            await OperateAsync(context, operation, body, fault);
    }

    private async Task OperateAsync(HttpContext context, string operation, byte[] body, RequestFault fault)
    {
        using var request = JsonDocument.Parse(body);
        var answer = new ArrayBufferWriter<byte>(64 * 1024);
        var invalid = operation switch
        {
            "ListMetrics" => ListMetrics(request.RootElement, answer),
            "GetMetricData" => GetMetricData(request.RootElement, answer, fault),
            _ => ("UnknownOperation", "The operation is not known."),
        };
        if (invalid is { } wrong)
        {
            await FaultAsync(context, 400, wrong.Item1, wrong.Item2);
            return;
        }
        context.Response.ContentType = "application/x-amz-json-1.0";
        context.Response.Headers["x-amzn-RequestId"] = "11111111-2222-4333-8444-555555555555";
        context.Response.ContentLength = answer.WrittenCount;
        await context.Response.Body.WriteAsync(answer.WrittenMemory);
    }

    private (string, string)? ListMetrics(JsonElement request, ArrayBufferWriter<byte> answer)
    {
        var found = request.TryGetProperty("Namespace", out var space) ? byName[space.GetString()!] : byName.SelectMany(one => one);
        if (request.TryGetProperty("MetricName", out var name))
            found = found.Where(signal => signal.Metric.EndsWith("/" + name.GetString(), StringComparison.Ordinal));
        // What was silent for two weeks is not listed.
        var now = clock.GetUtcNow().UtcDateTime;
        found = found.Where(signal =>
            Enumerable.Range(0, 60).Any(minute => signal.Minute(Minute(now.AddMinutes(-minute))) is not null)
            || signal.Minute(Minute(now.AddDays(-13))) is not null
        );
        var skip = request.TryGetProperty("NextToken", out var token) ? Skip(token.GetString()!) : 0;
        if (skip < 0)
            return ("InvalidParameterValue", "Invalid nextToken");
        var all = found.Skip(skip).Take(ListPage + 1).ToList();
        using var writer = new Utf8JsonWriter(answer);
        writer.WriteStartObject();
        writer.WriteStartArray("Metrics");
        foreach (var signal in all.Take(ListPage))
        {
            writer.WriteStartObject();
            writer.WriteString("Namespace", signal.Metric[..signal.Metric.LastIndexOf('/')]);
            writer.WriteString("MetricName", signal.Metric[(signal.Metric.LastIndexOf('/') + 1)..]);
            writer.WriteStartArray("Dimensions");
            foreach (var (key, value) in signal.Labels)
            {
                writer.WriteStartObject();
                writer.WriteString("Name", key);
                writer.WriteString("Value", value);
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        if (all.Count > ListPage)
            writer.WriteString("NextToken", $"tok-{skip + ListPage}");
        writer.WriteEndObject();
        return null;
    }

    private (string, string)? GetMetricData(JsonElement request, ArrayBufferWriter<byte> answer, RequestFault fault)
    {
        DataRequests++;
        var queries = request.GetProperty("MetricDataQueries").EnumerateArray().ToList();
        if (queries.Count is 0 or > MostQueries)
            return ("ValidationError", $"The collection MetricDataQueries must not have a size greater than {MostQueries}.");
        if (queries.Select(query => query.GetProperty("Id").GetString()).Distinct().Count() != queries.Count)
            return ("ValidationError", "The values for parameter id in MetricDataQueries are not unique.");
        var (start, end) = (Time(request.GetProperty("StartTime")), Time(request.GetProperty("EndTime")));
        if (start >= end)
            return ("ValidationError", "The parameter StartTime must be less than the parameter EndTime.");
        var skip = request.TryGetProperty("NextToken", out var token) ? Skip(token.GetString()!) : 0;
        if (skip < 0)
            return ("InvalidNextToken", "Invalid NextToken");
        var ascending = request.TryGetProperty("ScanBy", out var scan) && scan.GetString() == "TimestampAscending";
        var most = request.TryGetProperty("MaxDatapoints", out var limit) ? Math.Min(limit.GetInt32(), PointsPerPage) : PointsPerPage;

        var now = clock.GetUtcNow().UtcDateTime;
        var parsed = new List<(string Id, Signal? Signal, string Statistic, int Period)>();
        foreach (var query in queries)
        {
            var stat = query.GetProperty("MetricStat");
            var metric = stat.GetProperty("Metric");
            var key =
                $"{metric.GetProperty("Namespace").GetString()}/{metric.GetProperty("MetricName").GetString()}"
                + "{"
                + string.Join(
                    ',',
                    (
                        metric.TryGetProperty("Dimensions", out var dimensions)
                            ? dimensions
                                .EnumerateArray()
                                .Select(one => $"{one.GetProperty("Name").GetString()}={one.GetProperty("Value").GetString()}")
                            : []
                    ).Order(StringComparer.Ordinal)
                )
                + "}";
            if (Poison.ContainsKey(key))
                return ("ValidationError", $"The value for {key} is not valid.");
            parsed.Add(
                (
                    query.GetProperty("Id").GetString()!,
                    byKey.GetValueOrDefault(key),
                    stat.GetProperty("Stat").GetString()!,
                    stat.GetProperty("Period").GetInt32()
                )
            );
        }

        using var writer = new Utf8JsonWriter(answer);
        writer.WriteStartObject();
        writer.WriteStartArray("MetricDataResults");
        int passed = 0,
            told = 0,
            index = 0;
        var more = false;
        foreach (var (id, signal, statistic, period) in parsed)
        {
            var status = signal is not null && Statuses.TryGetValue(signal.Key, out var said) ? said : "Complete";
            if (fault == RequestFault.Partial && index % 2 == 1)
                status = "InternalError";
            var points =
                signal is null || status is "Forbidden" or "InternalError" || fault == RequestFault.Lying && index % 2 == 1
                    ? []
                    : Points(signal, statistic, period, start, end, now);
            index++;
            if (!ascending)
                points.Reverse();
            if (passed + points.Count <= skip && skip > 0 && points.Count > 0)
            {
                passed += points.Count;
                continue;
            }
            var first = Math.Max(0, skip - passed);
            var count = Math.Min(points.Count - first, most - told);
            passed += points.Count;
            if (count <= 0 && points.Count > 0)
            {
                more = true;
                break;
            }
            told += count;
            more = first + count < points.Count;
            writer.WriteStartObject();
            writer.WriteString("Id", id);
            writer.WriteString("Label", signal?.Metric[(signal.Metric.LastIndexOf('/') + 1)..] ?? id);
            writer.WriteStartArray("Timestamps");
            for (var i = first; i < first + count; i++)
                writer.WriteNumberValue((points[i].At - DateTime.UnixEpoch).TotalSeconds);
            writer.WriteEndArray();
            writer.WriteStartArray("Values");
            for (var i = first; i < first + count; i++)
                writer.WriteNumberValue(points[i].Value);
            writer.WriteEndArray();
            writer.WriteString(
                "StatusCode",
                more ? "PartialData"
                    : status == "MultipleUnits" ? "Complete"
                    : status
            );
            writer.WriteStartArray("Messages");
            if (status == "MultipleUnits")
            {
                writer.WriteStartObject();
                writer.WriteString("Code", "MultipleUnits");
                writer.WriteString("Value", "Multiple units returned: '[Milliseconds, Seconds]'");
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
            writer.WriteEndObject();
            if (more)
                break;
        }
        writer.WriteEndArray();
        if (more)
            writer.WriteString("NextToken", $"tok-{skip + told}");
        writer.WriteStartArray("Messages");
        writer.WriteEndArray();
        writer.WriteEndObject();
        return null;
    }

    /// <summary>The statistic of each period that has a sample, stamped with its start. A period finer than what is kept for the age of the
    /// start has none, and nothing says so.</summary>
    private List<(DateTime At, double Value)> Points(
        Signal signal,
        string statistic,
        int period,
        DateTime start,
        DateTime end,
        DateTime now
    )
    {
        var age = now - start;
        var kept =
            age > TimeSpan.FromDays(63) ? 3600
            : age > TimeSpan.FromDays(15) ? 300
            : age > TimeSpan.FromHours(3) ? 60
            : 1;
        if (period % kept != 0 || age > TimeSpan.FromDays(455))
            return [];
        var points = new List<(DateTime At, double Value)>();
        var step = TimeSpan.FromSeconds(period).Ticks;
        for (var at = new DateTime(start.Ticks / step * step, DateTimeKind.Utc); at < end; at = at.AddTicks(step))
        {
            double sum = 0,
                samples = 0,
                least = double.MaxValue,
                largest = double.MinValue;
            for (var minute = at; minute < at.AddTicks(step); minute = minute.AddMinutes(1))
            {
                if (faults.Shown(signal, minute, now) is not { } value)
                    continue;
                sum += value * signal.Samples;
                samples += signal.Samples;
                (least, largest) = (Math.Min(least, value), Math.Max(largest, value));
            }
            if (samples > 0)
                points.Add(
                    (
                        at,
                        statistic switch
                        {
                            "Sum" => sum,
                            "Average" => sum / samples,
                            "SampleCount" => samples,
                            "Minimum" => least,
                            _ => largest,
                        }
                    )
                );
        }
        return points;
    }

    /// <summary>AssumeRole and AssumeRoleWithWebIdentity, in the Query protocol.</summary>
    private async Task TokenAsync(HttpContext context, byte[] body)
    {
        var form = Encoding
            .UTF8.GetString(body)
            .Split('&')
            .Select(pair => pair.Split('=', 2))
            .ToDictionary(
                pair => Uri.UnescapeDataString(pair[0]),
                pair => Uri.UnescapeDataString(pair[1].Replace('+', ' ')),
                StringComparer.Ordinal
            );
        var action = form["Action"];
        var refused =
            action == "AssumeRole"
                ? Refuse(context, body, "sts")
                    ?? (
                        form.GetValueOrDefault("ExternalId") == ExternalId
                            ? null
                            : (
                                "AccessDenied",
                                $"User: arn:aws:iam::111122223333:user/reader is not authorized to perform: sts:AssumeRole on "
                                    + $"resource: {Role}"
                            )
                    )
            : form.GetValueOrDefault("WebIdentityToken") == WebIdentity ? null
            : ("InvalidIdentityToken", "No OpenIDConnect provider found in your account");
        if (refused is null && form["RoleArn"] != Role)
            refused = (
                "AccessDenied",
                $"User: arn:aws:iam::111122223333:user/reader is not authorized to perform: sts:AssumeRole on resource: {form["RoleArn"]}"
            );
        context.Response.ContentType = "text/xml";
        if (refused is { } because)
        {
            context.Response.StatusCode = 403;
            await context.Response.WriteAsync(
                $"""<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>"""
                    + $"""<Code>{because.Item1}</Code><Message>{because.Item2}</Message></Error><RequestId>1</RequestId></ErrorResponse>"""
            );
            return;
        }
        var (id, secret, token) = (
            "ASIA" + Convert.ToHexString(RandomNumberGenerator.GetBytes(8)),
            Convert.ToBase64String(RandomNumberGenerator.GetBytes(30)),
            Convert.ToBase64String(RandomNumberGenerator.GetBytes(60))
        );
        var until = DateTimeOffset.UtcNow.AddHours(1);
        keys[id] = new(secret, token, until);
        await context.Response.WriteAsync(
            $"""
            <{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result>
            <Credentials><AccessKeyId>{id}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>
            <SessionToken>{token}</SessionToken><Expiration>{until.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}</Expiration></Credentials>
            </{action}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{action}Response>
            """
        );
    }

    /// <summary>Why a request's signature is not accepted; null when it is.</summary>
    public (string Code, string Message)? Refuse(HttpContext context, byte[] body, string service) =>
        SignatureV4.Refuse(context.Request, body, Region, service, DateTimeOffset.UtcNow + Ahead, id =>
            keys.TryGetValue(id, out var known) ? (known.Secret, known.Token, known.Until) : null
        );

    private static async Task FaultAsync(HttpContext context, int status, string code, string message)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/x-amz-json-1.0";
        if (context.Request.Headers.ContainsKey("x-amzn-query-mode"))
            context.Response.Headers["x-amzn-query-error"] = $"{code};{(status < 500 ? "Sender" : "Receiver")}";
        var type = code switch
        {
            "ValidationError" => "com.amazon.coral.validate#ValidationException",
            "Throttling" => "com.amazon.coral.availability#ThrottlingException",
            _ => $"com.amazonaws.cloudwatch.v2010_08_01#{code}",
        };
        await context.Response.WriteAsync(
            JsonSerializer.Serialize(new Dictionary<string, string> { ["__type"] = type, ["message"] = message })
        );
    }

    private static int Skip(string token) =>
        token.StartsWith("tok-", StringComparison.Ordinal)
        && int.TryParse(token.AsSpan(4), NumberStyles.None, CultureInfo.InvariantCulture, out var skip)
            ? skip
            : -1;

    private static DateTime Time(JsonElement seconds) => DateTime.UnixEpoch.AddSeconds(seconds.GetDouble());

    private static DateTime Minute(DateTime time) => new(time.Ticks / TimeSpan.TicksPerMinute * TimeSpan.TicksPerMinute, DateTimeKind.Utc);
}
