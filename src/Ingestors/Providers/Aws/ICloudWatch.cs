using System.Buffers;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Metrics.Domain.Messages;
using Metrics.Domain.Observations;
using Metrics.Ingestors.Http;
using Metrics.Ingestors.Http.Credentials;

namespace Metrics.Ingestors.Providers.Aws;

/// <summary>The operations of CloudWatch that a reader needs, named as Amazon names them. One call is one page.</summary>
internal interface ICloudWatch : IDisposable
{
    /// <inheritdoc cref="ITelemetrySource.FarClock"/>
    FarClock? FarClock { get; }

    /// <summary>A page of the metrics of a namespace.</summary>
    Task<(IReadOnlyList<ListedMetric> Metrics, string? NextToken)> ListMetricsAsync(
        string @namespace,
        string? nextToken,
        CancellationToken cancellationToken
    );

    /// <summary>A page of the values that the queries ask for.</summary>
    /// <param name="queries">At most 500.</param>
    /// <param name="start">Inclusive, UTC.</param>
    /// <param name="end">Exclusive, UTC.</param>
    /// <param name="nextToken">From the page before, with the same queries.</param>
    /// <param name="into">Where the page's values go.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>The token of the next page; null when this was the last.</returns>
    /// <exception cref="InvalidQueryException">One of the queries cannot be answered, and so none was.</exception>
    /// <exception cref="InvalidTokenException">The token no longer holds: begin again.</exception>
    Task<string?> GetMetricDataAsync(
        IReadOnlyList<MetricQuery> queries,
        DateTime start,
        DateTime end,
        string? nextToken,
        IMetricDataSink into,
        CancellationToken cancellationToken
    );
}

/// <summary>A metric with one set of dimensions, as the account has it.</summary>
internal sealed record ListedMetric(string Namespace, string Name, IReadOnlyList<KeyValuePair<string, string>> Dimensions, string? Account);

/// <summary>What to ask of one metric.</summary>
internal sealed record MetricQuery(ListedMetric Metric, string Statistic, int Period);

/// <summary>Takes what a page of data says.</summary>
internal interface IMetricDataSink
{
    /// <summary>A part of a result, which may go on in a later page.</summary>
    /// <param name="query">Place of the query in the list.</param>
    /// <param name="times">Starts of periods, seconds since 1970.</param>
    /// <param name="values">As many values.</param>
    /// <param name="status"><c>Complete</c>, <c>PartialData</c>, <c>InternalError</c> or <c>Forbidden</c>.</param>
    /// <param name="mixedUnits">What CloudWatch says when one metric came in several units; null when it did not.</param>
    void Take(int query, ReadOnlySpan<double> times, ReadOnlySpan<double> values, string status, string? mixedUnits);

    /// <summary>What CloudWatch says of the whole answer, such as that more metrics met an expression than it tells.</summary>
    void Remark(string code, string message);
}

/// <summary>A query that CloudWatch does not accept.</summary>
internal sealed class InvalidQueryException(string message) : Exception(message);

/// <summary>A page token that CloudWatch does not accept any more.</summary>
internal sealed class InvalidTokenException() : Exception("The page token is not accepted.");

/// <summary>Credentials that have expired between their use and now.</summary>
internal sealed class ExpiredCredentialsException(SourceException exception) : Exception(exception.Message, exception);

/// <summary>CloudWatch by AWS JSON 1.0.</summary>
internal sealed class JsonCloudWatch(CloudWatchSettings settings, Transport transport, AwsSigner signer, TimeProvider clock) : ICloudWatch
{
    private const string Target = "GraniteServiceVersion20100801.";

    private static readonly MediaTypeHeaderValue Json = new("application/x-amz-json-1.0");

    private readonly Uri address = settings.Endpoint ?? new Uri($"https://{settings.Aws!.Host("monitoring")}/");

    // Reused for every page: a page has a hundred thousand points.
    private double[] times = new double[1024],
        values = new double[1024];

    public FarClock? FarClock => transport.FarClock;

    public void Dispose()
    {
        transport.Dispose();
        signer.Dispose();
    }

    public Task<(IReadOnlyList<ListedMetric> Metrics, string? NextToken)> ListMetricsAsync(
        string @namespace,
        string? nextToken,
        CancellationToken cancellationToken
    ) =>
        CallAsync(
            "ListMetrics",
            writer =>
            {
                writer.WriteString("Namespace", @namespace);
                if (settings.Aws!.LinkedAccounts)
                    writer.WriteBoolean("IncludeLinkedAccounts", true);
                if (nextToken is not null)
                    writer.WriteString("NextToken", nextToken);
            },
            body =>
            {
                using var document = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = 16 });
                var accounts = Array(document.RootElement, "OwningAccounts").Select(account => account.GetString()).ToList();
                var metrics = new List<ListedMetric>();
                var place = 0;
                foreach (var metric in Array(document.RootElement, "Metrics"))
                    metrics.Add(
                        new(
                            metric.GetProperty("Namespace").GetString()!,
                            metric.GetProperty("MetricName").GetString()!,
                            [
                                .. Array(metric, "Dimensions")
                                    .Select(dimension =>
                                        KeyValuePair.Create(
                                            dimension.GetProperty("Name").GetString()!,
                                            dimension.GetProperty("Value").GetString()!
                                        )
                                    ),
                            ],
                            place++ < accounts.Count ? accounts[place - 1] : null
                        )
                    );
                return (
                    (IReadOnlyList<ListedMetric>)metrics,
                    document.RootElement.TryGetProperty("NextToken", out var token) ? token.GetString() : null
                );
            },
            cancellationToken
        );

    public Task<string?> GetMetricDataAsync(
        IReadOnlyList<MetricQuery> queries,
        DateTime start,
        DateTime end,
        string? nextToken,
        IMetricDataSink into,
        CancellationToken cancellationToken
    ) =>
        CallAsync(
            "GetMetricData",
            writer => Write(writer, queries, start, end, nextToken),
            body => Read(body.Span, queries.Count, into),
            cancellationToken
        );

    internal static void Write(Utf8JsonWriter writer, IReadOnlyList<MetricQuery> queries, DateTime start, DateTime end, string? nextToken)
    {
        writer.WriteStartArray("MetricDataQueries");
        for (var i = 0; i < queries.Count; i++)
        {
            var (metric, statistic, period) = queries[i];
            writer.WriteStartObject();
            writer.WriteString("Id", string.Create(CultureInfo.InvariantCulture, $"q{i}"));
            writer.WriteStartObject("MetricStat");
            writer.WriteStartObject("Metric");
            writer.WriteString("Namespace", metric.Namespace);
            writer.WriteString("MetricName", metric.Name);
            writer.WriteStartArray("Dimensions");
            foreach (var (name, value) in metric.Dimensions)
            {
                writer.WriteStartObject();
                writer.WriteString("Name", name);
                writer.WriteString("Value", value);
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
            writer.WriteEndObject();
            writer.WriteNumber("Period", period);
            writer.WriteString("Stat", statistic);
            writer.WriteEndObject();
            writer.WriteBoolean("ReturnData", true);
            if (metric.Account is { } account)
                writer.WriteString("AccountId", account);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteNumber("StartTime", Seconds(start));
        writer.WriteNumber("EndTime", Seconds(end));
        writer.WriteString("ScanBy", "TimestampAscending");
        if (nextToken is not null)
            writer.WriteString("NextToken", nextToken);
    }

    /// <summary>Reads an answer of GetMetricData. Names may come in any order; a result is handed on when its object ends.</summary>
    internal string? Read(ReadOnlySpan<byte> body, int queries, IMetricDataSink into)
    {
        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = 16 });
        string? token = null;
        var answered = false;
        Expect(ref reader, JsonTokenType.StartObject);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("MetricDataResults"u8))
            {
                answered = true;
                Expect(ref reader, JsonTokenType.StartArray);
                while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
                    ReadResult(ref reader, queries, into);
            }
            else if (reader.ValueTextEquals("NextToken"u8))
            {
                reader.Read();
                token = reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
            }
            else if (reader.ValueTextEquals("Messages"u8))
            {
                foreach (var (code, message) in ReadMessages(ref reader))
                    into.Remark(code, message);
            }
            else
            {
                reader.Read();
                reader.Skip();
            }
        }
        return answered
            ? string.IsNullOrEmpty(token)
                ? null
                : token
            : throw new JsonException("no MetricDataResults");
    }

    private void ReadResult(ref Utf8JsonReader reader, int queries, IMetricDataSink into)
    {
        int query = -1,
            stamps = 0,
            numbers = 0;
        string? status = null,
            mixed = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("Timestamps"u8))
                stamps = ReadNumbers(ref reader, ref times);
            else if (reader.ValueTextEquals("Values"u8))
                numbers = ReadNumbers(ref reader, ref values);
            else if (reader.ValueTextEquals("Id"u8))
            {
                reader.Read();
                var id = reader.ValueSpan;
                if (
                    id.Length < 2
                    || id[0] != 'q'
                    || !System.Buffers.Text.Utf8Parser.TryParse(id[1..], out query, out var used)
                    || used != id.Length - 1
                )
                    query = -1;
            }
            else if (reader.ValueTextEquals("StatusCode"u8))
            {
                reader.Read();
                status = reader.ValueTextEquals("Complete"u8) ? "Complete" : reader.GetString();
            }
            else if (reader.ValueTextEquals("Messages"u8))
            {
                foreach (var (code, message) in ReadMessages(ref reader))
                    if (code == "MultipleUnits")
                        mixed = message;
            }
            else
            {
                reader.Read();
                reader.Skip();
            }
        }
        if (query < 0 || query >= queries)
            throw new JsonException("a result that nobody asked for");
        if (stamps != numbers)
            throw new JsonException("not as many values as times");
        into.Take(query, times.AsSpan(0, stamps), values.AsSpan(0, numbers), status ?? "Complete", mixed);
    }

    private static int ReadNumbers(ref Utf8JsonReader reader, ref double[] into)
    {
        Expect(ref reader, JsonTokenType.StartArray);
        var count = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (count == into.Length)
                System.Array.Resize(ref into, into.Length * 2);
            // What is no number of JSON cannot be shown by a meter either; the gate refuses it with its reason.
            into[count++] = reader.TokenType == JsonTokenType.Number ? reader.GetDouble() : double.NaN;
        }
        return count;
    }

    private static List<(string Code, string Message)> ReadMessages(ref Utf8JsonReader reader)
    {
        reader.Read();
        using var document = JsonDocument.ParseValue(ref reader);
        return document.RootElement.ValueKind != JsonValueKind.Array
            ? []
            : [.. document.RootElement.EnumerateArray().Select(message => (Text(message, "Code"), Text(message, "Value")))];
    }

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType type)
    {
        if (!reader.Read() || reader.TokenType != type)
            throw new JsonException($"no {type}");
    }

    private async Task<T> CallAsync<T>(
        string operation,
        Action<Utf8JsonWriter> write,
        Func<ReadOnlyMemory<byte>, T> read,
        CancellationToken cancellationToken
    )
    {
        var content = new ArrayBufferWriter<byte>();
        using (
            var writer = new Utf8JsonWriter(
                content,
                new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }
            )
        )
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }
        var bytes = content.WrittenSpan.ToArray();
        for (var again = false; ; again = true)
        {
            try
            {
                return await transport.RetryAsync(
                    Make,
                    ReadAsync,
                    (response, text) => Explain(operation, response, text),
                    cancellationToken
                );
            }
            catch (ExpiredCredentialsException expired)
            {
                // Once with new ones, or on Amazon's clock: then it is not that.
                if (again)
                    throw expired.InnerException!;
                signer.Forget();
            }
        }

        HttpRequestMessage Make()
        {
            var request = new HttpRequestMessage(HttpMethod.Post, address)
            {
                Content = new ByteArrayContent(bytes) { Headers = { ContentType = Json } },
            };
            request.Headers.Add("X-Amz-Target", Target + operation);
            request.Headers.Add("x-amzn-query-mode", "true");
            return request;
        }

        async Task<T> ReadAsync(Body body, CancellationToken limit)
        {
            if (body.MediaType is "text/html" or "application/xhtml+xml")
                throw UnexpectedResponse(operation, body.MediaType, null);
            var whole = await body.ReadWholeAsync(limit);
            try
            {
                return read(whole);
            }
            catch (Exception exception)
                when (exception is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
            {
                throw UnexpectedResponse(operation, $"something else (\"{Redaction.Excerpt(whole)}\")", exception);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(whole.Array!);
            }
        }
    }

    private SourceException UnexpectedResponse(string operation, string instead, Exception? inner) =>
        new(
            SourceErrorCode.NotMetrics,
            $"{operation} at {Transport.Show(address)} was not answered as CloudWatch does but with {instead}. Check Endpoint "
                + $"and whether a login or proxy page stands before it.",
            inner
        );

    private Exception? Explain(string operation, HttpResponseMessage response, byte[] text)
    {
        var (code, message) = ErrorOf(response, text);
        if (code.Length == 0)
            return null;
        var said =
            $"{operation} at {Transport.Show(address)} was refused "
            + $"({code}{(message.Length == 0 ? "" : $": {Redaction.Excerpt(Encoding.UTF8.GetBytes(message))}")})";
        var needed = $"`{AwsProvider.Needed[0]}` and `{AwsProvider.Needed[1]}`";
        switch (code)
        {
            case "ValidationError"
            or "ValidationException"
            or "InvalidParameterValue"
            or "InvalidParameterCombination"
            or "MissingParameter"
            or "InvalidParameterValueException"
            or "InvalidParameterCombinationException":
                return new InvalidQueryException(said);
            case "InvalidNextToken":
                return new InvalidTokenException();
            case "Throttling"
            or "ThrottlingException"
            or "ThrottledException"
            or "RequestThrottledException"
            or "RequestThrottled"
            or "LimitExceeded"
            or "LimitExceededException":
                return new SourceException(
                    SourceErrorCode.Throttled,
                    $"{said}: CloudWatch was asked more often than the account may. It is read again later; a longer Every helps."
                );
            case "ExpiredToken" or "ExpiredTokenException":
                return new ExpiredCredentialsException(
                    new(
                        SourceErrorCode.Unauthorised,
                        $"{said}: the credentials have expired. Renew what Aws:Profile or the environment gives (for instance by "
                            + $"aws sso login); they need {needed}."
                    )
                );
            case "RequestTimeTooSkewed" or "RequestExpired" or "SignatureDoesNotMatch" or "InvalidSignatureException":
                var ahead = response.Headers.Date is { } date ? date - clock.GetUtcNow() : TimeSpan.Zero;
                if (ahead.Duration() > TimeSpan.FromMinutes(4) && (ahead - signer.Skew).Duration() > TimeSpan.FromMinutes(1))
                {
                    signer.Skew = ahead;
                    return new ExpiredCredentialsException(Skewed(said, ahead));
                }
                if (code is "RequestTimeTooSkewed" or "RequestExpired")
                    return Skewed(said, ahead);
                return new SourceException(
                    SourceErrorCode.Unauthorised,
                    $"{said}: the secret does not belong to the access key. Check Aws:SecretAccessKey or Aws:Profile, and that "
                        + $"the clock of this host is right; the credentials need {needed}."
                );
            case "AccessDenied" or "AccessDeniedException" or "UnauthorizedOperation" or "NotAuthorized":
                return new SourceException(
                    SourceErrorCode.Unauthorised,
                    $"{said}: allow `cloudwatch:{operation}` to these credentials; the reader needs {needed}."
                );
            case "UnrecognizedClientException"
            or "InvalidClientTokenId"
            or "MissingAuthenticationToken"
            or "MissingAuthenticationTokenException"
            or "IncompleteSignature"
            or "OptInRequired":
                return new SourceException(
                    SourceErrorCode.Unauthorised,
                    $"{said}: Amazon does not know these credentials, or the account has not enabled the region "
                        + $"'{settings.Aws!.Region}'. Check Aws:AccessKeyId or Aws:Profile and Aws:Region; the reader needs {needed}."
                );
        }
        return (int)response.StatusCode >= 500
            ? new SourceException(SourceErrorCode.ServerError, $"{said}. The fault is on Amazon's side; it is read again later.")
            : new SourceException(SourceErrorCode.Refused, $"{said}. Check Aws:Region and Endpoint.");
    }

    private static SourceException Skewed(string said, TimeSpan ahead) =>
        new(
            SourceErrorCode.Unauthorised,
            string.Create(
                CultureInfo.InvariantCulture,
                $"{said}: the clock of this host is {Math.Abs(ahead.TotalMinutes):0} minutes "
                    + $"{(ahead > TimeSpan.Zero ? "behind" : "ahead of")} Amazon's. Set it by NTP; signatures hold for five minutes."
            )
        );

    /// <summary>Code and message of a fault: the header of the query mode, else the type in the body without its namespace.</summary>
    private static (string Code, string Message) ErrorOf(HttpResponseMessage response, byte[] text)
    {
        string code = "",
            message = "";
        try
        {
            using var document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 16 });
            var whole = document.RootElement;
            code = Text(whole, "__type") is { Length: > 0 } type ? type : Text(whole, "code");
            message = Text(whole, "message") is { Length: > 0 } lower ? lower : Text(whole, "Message");
        }
        catch (JsonException)
        {
            // A proxy in front answered; headers and the status have to do.
        }
        if (response.Headers.TryGetValues("x-amzn-query-error", out var query))
            code = query.First().Split(';')[0];
        else if (code.Length == 0 && response.Headers.TryGetValues("x-amzn-errortype", out var header))
            code = header.First();
        code = code[(code.LastIndexOf('#') + 1)..].Split(':')[0];
        return (code.Length <= 100 && code.All(char.IsAsciiLetterOrDigit) ? code : "", message);
    }

    private static long Seconds(DateTime time) => (time.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerSecond;

    private static JsonElement.ArrayEnumerator Array(JsonElement whole, string name) =>
        whole.ValueKind == JsonValueKind.Object && whole.TryGetProperty(name, out var list) && list.ValueKind == JsonValueKind.Array
            ? list.EnumerateArray()
            : default;

    private static string Text(JsonElement whole, string name) =>
        whole.ValueKind == JsonValueKind.Object && whole.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : "";
}
