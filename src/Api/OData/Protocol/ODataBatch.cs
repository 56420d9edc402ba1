using Metrics.Api.Access;
using Metrics.Api.OData.Query;
using Microsoft.OData;
using Microsoft.OData.Edm;

namespace Metrics.Api.OData.Protocol;

/// <summary>
/// $batch: several requests in one, as multipart/mixed or as JSON. The OData library reads and writes the envelope; each request is answered as it would be alone, one after the other.
/// </summary>
/// <remarks>After the first that fails the others are not answered, unless the client prefers to continue; so the specification wants it.</remarks>
internal sealed class ODataBatch(IEdmModel model, Func<HttpContext, Task> answer)
{
    private const int MaxRequests = 100;
    private const int MaxBody = 1024 * 1024;

    /// <summary>Answers a batch.</summary>
    /// <param name="context">The request.</param>
    /// <param name="root">Address of the service, with a slash at its end.</param>
    /// <exception cref="ODataError">The envelope cannot be read; nothing of it has been answered.</exception>
    public async Task HandleAsync(HttpContext context, string root)
    {
        var type = context.Request.ContentType ?? "";
        var asJson = type.StartsWith("application/json", StringComparison.OrdinalIgnoreCase);
        if (!asJson && !type.StartsWith("multipart/mixed", StringComparison.OrdinalIgnoreCase))
            throw new ODataError(
                StatusCodes.Status415UnsupportedMediaType,
                "UnsupportedFormat",
                "A batch is multipart/mixed or application/json.",
                "Content-Type"
            );
        using var body = await ReadAsync(context.Request);
        var requests = await RequestsAsync(context, body, root);
        // A batch is as many requests as it holds, and the gate has counted one.
        if (context.Features.Get<Allowance>()?.TryTake(requests.Count - 1) == false)
        {
            context.Response.Headers.RetryAfter = "10";
            throw new ODataError(
                StatusCodes.Status429TooManyRequests,
                "rate_limited",
                $"The batch holds {requests.Count} requests, and this key asks too often. Ask again in 10 s, or for less at once.",
                "body"
            );
        }
        var goOn = context
            .Request.Headers["Prefer"]
            .Any(prefer =>
                prefer!.Contains("continue-on-error", StringComparison.OrdinalIgnoreCase)
                && !prefer.Contains("continue-on-error=false", StringComparison.OrdinalIgnoreCase)
            );

        // JSON answers JSON, unless only the other is accepted.
        var accepted = context.Request.Headers.Accept.ToString();
        if (
            accepted.Length > 0
            && accepted.Contains(asJson ? "multipart/mixed" : "application/json", StringComparison.OrdinalIgnoreCase)
            && !accepted.Contains(asJson ? "application/json" : "multipart/mixed", StringComparison.OrdinalIgnoreCase)
        )
            asJson = !asJson;
        using var written = new MemoryStream();
        var message = new Message(written);
        var contentType = asJson ? "application/json" : $"multipart/mixed;boundary=batchresponse_{Guid.NewGuid():N}";
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
        if (goOn)
            context.Response.Headers["Preference-Applied"] = "odata.continue-on-error";
        foreach (var request in requests)
        {
            using var told = new MemoryStream();
            var target = request.Url.IsAbsoluteUri ? request.Url.PathAndQuery : "/" + request.Url.OriginalString;
            var inner = new InnerRequest(context, request.Method, target, request.Headers, request.Content, told, context.RequestAborted);
            var part = inner.Context;
            await answer(part);
            if (inner.IsBroken)
            {
                // A part that broke off must not end like a whole one, and neither may what holds it.
                context.Abort();
                return;
            }
            await part.Response.CompleteAsync();
            var response = await batch.CreateOperationResponseMessageAsync(request.Id);
            response.StatusCode = part.Response.StatusCode;
            foreach (var header in part.Response.Headers)
                if (!header.Key.Equals("Content-Length", StringComparison.OrdinalIgnoreCase))
                    response.SetHeader(header.Key, header.Value.ToString());
            if (told.Length > 0)
            {
                using var stream = await response.GetStreamAsync();
                told.Position = 0;
                await told.CopyToAsync(stream, context.RequestAborted);
            }
            await batch.FlushAsync();
            await SendAsync(context, written);
            if (part.Response.StatusCode >= 400 && !goOn)
                break;
        }
        await batch.WriteEndBatchAsync();
        await batch.FlushAsync();
        await SendAsync(context, written);
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
    private async Task<List<BatchRequest>> RequestsAsync(HttpContext context, Stream body, string root)
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
                    MessageQuotas = new ODataMessageQuotas
                    {
                        MaxPartsPerBatch = MaxRequests,
                        MaxOperationsPerChangeset = MaxRequests,
                        MaxReceivedMessageSize = MaxBody,
                    },
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
        catch (Exception failure)
            when (failure
                    is ODataException
                        or UriFormatException
                        or FormatException
                        or ArgumentException
                        or InvalidOperationException
                        or IOException
            )
        {
            throw failure is ODataException && failure.Message.Contains("maximum number", StringComparison.OrdinalIgnoreCase)
                ? ExpressionText.TooComplex("$batch", $"has more than {MaxRequests} requests")
                : ODataError.BadRequest(
                    "InvalidBatch",
                    $"The batch cannot be read: {(failure is ODataException ? failure.Message : "it is damaged.")}",
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
