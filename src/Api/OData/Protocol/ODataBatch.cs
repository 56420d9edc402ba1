using Metrics.Api.Access;
using Metrics.Api.OData.Query;
using Microsoft.AspNetCore.OData.Batch;
using Microsoft.AspNetCore.OData.Extensions;
using Microsoft.OData;
using Microsoft.OData.Edm;

namespace Metrics.Api.OData.Protocol;

/// <summary>
/// $batch: several requests in one, as multipart/mixed or as JSON. The handler that the library asks for in the service root's components;
/// OData.Core reads and writes the envelope, and each request is responded to as it would be alone, one after the other.
/// </summary>
/// <remarks>
/// The library's own handler keeps every response until the last is made, refuses what it cannot read without an OData error, and does not
/// bound the number of requests. After the first that fails the others are not carried out, unless the client prefers to continue; so the
/// specification wants it.
/// </remarks>
internal sealed class ODataBatch : ODataBatchHandler
{
    private const int MaxRequests = 100;
    private const int MaxBody = 1024 * 1024;

    public ODataBatch()
    {
        MessageQuotas.MaxPartsPerBatch = MaxRequests;
        MessageQuotas.MaxOperationsPerChangeset = MaxRequests;
        MessageQuotas.MaxReceivedMessageSize = MaxBody;
    }

    /// <inheritdoc/>
    /// <exception cref="ODataError">The envelope cannot be read; nothing of it has been carried out.</exception>
    public override async Task ProcessBatchAsync(HttpContext context, RequestDelegate nextHandler)
    {
        var isJson = await ValidateRequest(context.Request);
        var root = ODataRequest.RootOf(context.Request);
        var model = context.ODataFeature().Model;
        using var body = await ReadAsync(context.Request);
        var requests = await RequestsAsync(context, body, root, model);
        TakeAllowance(context, requests.Count);
        var continueOnError = context
            .Request.Headers["Prefer"]
            .Any(prefer =>
                prefer!.Contains("continue-on-error", StringComparison.OrdinalIgnoreCase)
                && !prefer.Contains("continue-on-error=false", StringComparison.OrdinalIgnoreCase)
            );

        using var written = new MemoryStream();
        var message = new Message(written);
        var contentType = RespondsWithJson(context.Request, isJson)
            ? "application/json"
            : $"multipart/mixed;boundary=batchresponse_{Guid.NewGuid():N}";
        message.SetHeader("Content-Type", contentType);
        message.SetHeader("OData-Version", "4.0");
        using var writer = new ODataMessageWriter(
            (IODataResponseMessage)message,
            new ODataMessageWriterSettings
            {
                Version = ODataVersion.V4,
                BaseUri = new Uri(root),
                EnableMessageStreamDisposal = false,
            },
            model
        );
        var batch = await writer.CreateODataBatchWriterAsync();
        await batch.WriteStartBatchAsync();
        context.Response.ContentType = contentType;
        if (continueOnError)
            context.Response.Headers["Preference-Applied"] = "odata.continue-on-error";
        foreach (var request in requests)
        {
            if (await RespondAsync(context, request, nextHandler, batch) is not { } status)
            {
                // A part that broke off must not end like a whole one, and neither may what holds it.
                context.Abort();
                return;
            }
            await SendAsync(context, written);
            if (status >= 400 && !continueOnError)
                break;
        }
        await batch.WriteEndBatchAsync();
        await batch.FlushAsync();
        await SendAsync(context, written);
    }

    /// <summary>Whether a batch is JSON; otherwise it is multipart.</summary>
    /// <exception cref="ODataError">415: it is neither.</exception>
    public override Task<bool> ValidateRequest(HttpRequest request)
    {
        var type = request.ContentType ?? "";
        var isJson = type.StartsWith("application/json", StringComparison.OrdinalIgnoreCase);
        return isJson || type.StartsWith("multipart/mixed", StringComparison.OrdinalIgnoreCase)
            ? Task.FromResult(isJson)
            : throw new ODataError(
                StatusCodes.Status415UnsupportedMediaType,
                "UnsupportedFormat",
                "A batch is multipart/mixed or application/json.",
                "Content-Type"
            );
    }

    // JSON is responded to with JSON, unless only the other is accepted.
    private static bool RespondsWithJson(HttpRequest request, bool isJson)
    {
        var (same, other) = isJson ? ("application/json", "multipart/mixed") : ("multipart/mixed", "application/json");
        var accept = request.Headers.Accept.ToString();
        var acceptsOtherOnly =
            accept.Contains(other, StringComparison.OrdinalIgnoreCase) && !accept.Contains(same, StringComparison.OrdinalIgnoreCase);
        return acceptsOtherOnly ? !isJson : isJson;
    }

    // A batch is as many requests as it holds, and the access middleware has counted one.
    private static void TakeAllowance(HttpContext context, int count)
    {
        if (context.Features.Get<Allowance>()?.TryTake(count - 1) != false)
            return;
        context.Response.Headers.RetryAfter = "10";
        throw new ODataError(
            StatusCodes.Status429TooManyRequests,
            "rate_limited",
            $"The batch holds {count} requests, and this key asks too often. Ask again in 10 s, or for less at once.",
            "body"
        );
    }

    /// <summary>Carries out one request and writes its response.</summary>
    /// <returns>Its status; null when it broke off.</returns>
    private static async Task<int?> RespondAsync(
        HttpContext context,
        BatchRequest request,
        RequestDelegate nextHandler,
        ODataBatchWriter batch
    )
    {
        using var body = new MemoryStream();
        var target = request.Url.IsAbsoluteUri ? request.Url.PathAndQuery : "/" + request.Url.OriginalString;
        var inner = new InnerRequest(context, request.Method, target, request.Headers, request.Content, body, context.RequestAborted);
        var part = inner.Context;
        await nextHandler(part);
        if (inner.IsBroken)
            return null;
        await part.Response.CompleteAsync();
        var response = await batch.CreateOperationResponseMessageAsync(request.Id);
        response.StatusCode = part.Response.StatusCode;
        foreach (var header in part.Response.Headers)
            if (!header.Key.Equals("Content-Length", StringComparison.OrdinalIgnoreCase))
                response.SetHeader(header.Key, header.Value.ToString());
        if (body.Length > 0)
        {
            using var stream = await response.GetStreamAsync();
            body.Position = 0;
            await body.CopyToAsync(stream, context.RequestAborted);
        }
        await batch.FlushAsync();
        return part.Response.StatusCode;
    }

    private static async Task<MemoryStream> ReadAsync(HttpRequest request)
    {
        var body = new MemoryStream();
        var buffer = new byte[16 * 1024];
        int more;
        while ((more = await request.Body.ReadAsync(buffer, request.HttpContext.RequestAborted)) > 0)
        {
            if (body.Length + more > MaxBody)
                throw new ODataError(
                    StatusCodes.Status413PayloadTooLarge,
                    "TooLarge",
                    $"A batch has at most {MaxBody / 1024 / 1024} MiB.",
                    "body"
                );
            body.Write(buffer, 0, more);
        }
        body.Position = 0;
        return body;
    }

    // All of them are read before the first is answered: a batch that is broken at its end is not answered by half.
    private async Task<List<BatchRequest>> RequestsAsync(HttpContext context, Stream body, string root, IEdmModel model)
    {
        var message = new Message(body);
        foreach (var header in context.Request.Headers)
            message.SetHeader(header.Key, header.Value.ToString());
        var requests = new List<BatchRequest>();
        try
        {
            using var reader = new ODataMessageReader(
                (IODataRequestMessage)message,
                new ODataMessageReaderSettings
                {
                    BaseUri = new Uri(root),
                    EnableMessageStreamDisposal = false,
                    MessageQuotas = MessageQuotas,
                },
                model
            );
            var batch = await reader.CreateODataBatchReaderAsync();
            while (await batch.ReadAsync())
            {
                if (batch.State != ODataBatchReaderState.Operation)
                    continue;
                var operation = await batch.CreateOperationRequestMessageAsync();
                using var content = new MemoryStream();
                using (var stream = await operation.GetStreamAsync())
                    await stream.CopyToAsync(content, context.RequestAborted);
                requests.Add(
                    new BatchRequest(operation.ContentId, operation.Method, operation.Url, [.. operation.Headers], content.ToArray())
                );
                if (requests.Count > MaxRequests)
                    throw ExpressionText.TooComplex("$batch", $"has more than {MaxRequests} requests");
            }
        }
        catch (Exception exception)
            when (exception
                    is ODataException
                        or UriFormatException
                        or FormatException
                        or ArgumentException
                        or InvalidOperationException
                        or IOException
            )
        {
            throw exception is ODataException && exception.Message.Contains("maximum number", StringComparison.OrdinalIgnoreCase)
                ? ExpressionText.TooComplex("$batch", $"has more than {MaxRequests} requests")
                : ODataError.BadRequest(
                    "InvalidBatch",
                    $"The batch cannot be read: {(exception is ODataException ? exception.Message : "it is damaged.")}",
                    "body"
                );
        }
        return requests.Count > 0 ? requests : throw ODataError.BadRequest("InvalidBatch", "The batch has no request.", "body");
    }

    private static async Task SendAsync(HttpContext context, MemoryStream written)
    {
        await context.Response.Body.WriteAsync(written.GetBuffer().AsMemory(0, (int)written.Length), context.RequestAborted);
        written.SetLength(0);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }

    private sealed record BatchRequest(
        string? Id,
        string Method,
        Uri Url,
        IReadOnlyList<KeyValuePair<string, string>> Headers,
        byte[] Content
    );

    /// <summary>Headers and a stream, as the library wants to see a message.</summary>
    private sealed class Message(Stream stream) : IODataRequestMessageAsync, IODataResponseMessageAsync
    {
        private readonly Dictionary<string, string> headers = new(StringComparer.OrdinalIgnoreCase);

        public IEnumerable<KeyValuePair<string, string>> Headers => headers;

        public Uri Url { get; set; } = new("http://localhost/");

        public string Method { get; set; } = "POST";

        public int StatusCode { get; set; } = 200;

        public string GetHeader(string headerName) => headers.GetValueOrDefault(headerName)!;

        public void SetHeader(string headerName, string headerValue) => headers[headerName] = headerValue;

        public Stream GetStream() => stream;

        public Task<Stream> GetStreamAsync() => Task.FromResult(stream);
    }
}
