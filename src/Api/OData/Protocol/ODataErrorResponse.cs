using System.Text.Json;
using Metrics.Domain.Messages;
using Metrics.Storage.Engine;
using Metrics.Storage.Queries;

namespace Metrics.Api.OData.Protocol;

/// <summary>Makes OData's error object of whatever went wrong, under the statuses that all addresses of the service have.</summary>
internal static class ODataErrorResponse
{
    private const int MaxMessage = 1_000;

    // The body is at most 8 KiB; the error itself takes up to 6 of them when every letter is escaped.
    private const int MaxDetailBytes = 1_400;

    /// <summary>What an exception means to the client; a 500 without detail where the fault is ours.</summary>
    /// <param name="exception">It.</param>
    /// <param name="session">Session of the request, which knows whether its time was over; null where none was opened.</param>
    public static ODataError Of(Exception exception, ReadSession? session) =>
        exception as ODataError
        ?? OfStore(exception, session)
        ?? exception switch
        {
            BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => new ODataError(
                StatusCodes.Status413PayloadTooLarge,
                "TooLarge",
                "The body is larger than the service reads.",
                "body"
            ),
            BadHttpRequestException bad => new ODataError(bad.StatusCode, "InvalidRequest", "The request cannot be read.", "body"),
            _ when StorageFault.IsOutside(exception) => new ODataError(
                StatusCodes.Status503ServiceUnavailable,
                "StorageUnavailable",
                "The store cannot be reached now."
            ),
            _ => new ODataError(
                StatusCodes.Status500InternalServerError,
                "InternalError",
                "The request could not be answered; the service's log says why."
            ),
        };

    /// <summary>Writes the error.</summary>
    public static async Task WriteAsync(HttpContext context, ODataError error)
    {
        var response = context.Response;
        response.StatusCode = error.Status;
        response.ContentLength = null;
        response.ContentType = "application/json;odata.metadata=minimal;charset=utf-8";
        if (error is { Status: StatusCodes.Status503ServiceUnavailable, Code: "StorageUnavailable" })
            response.Headers.RetryAfter = "10";
        await response.Body.WriteAsync(Body(error), context.RequestAborted);
    }

    /// <summary>The error object as UTF-8, at most 8 KiB.</summary>
    public static byte[] Body(ODataError error)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteStartObject("error");
            json.WriteString("code", error.Code);
            json.WriteString("message", Cut(error.Message));
            if (error.Target is { } target)
                json.WriteString("target", target);
            if (error.Details.Count > 0)
                WriteDetails(json, error);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return stream.ToArray();
    }

    private static void WriteDetails(Utf8JsonWriter json, ODataError error)
    {
        json.WriteStartArray("details");
        json.Flush();
        var most = json.BytesCommitted + MaxDetailBytes;
        foreach (var message in error.Details)
        {
            var text = JsonEncodedText.Encode(Cut(message));
            if (json.BytesCommitted + text.EncodedUtf8Bytes.Length > most)
                break;
            json.WriteStartObject();
            json.WriteString("code", error.Code);
            json.WriteString("message", text);
            json.WriteEndObject();
            json.Flush();
        }
        json.WriteEndArray();
    }

    private static string Cut(string message) => Spelling.Shorten(message, MaxMessage);

    /// <summary>What a failure of the store means to the client; null when the fault is ours.</summary>
    private static ODataError? OfStore(Exception exception, ReadSession? session) =>
        session?.FailureOf(exception) switch
        {
            null => null,
            ReadFailure.Timeout => new(
                StatusCodes.Status503ServiceUnavailable,
                "QueryTimeout",
                $"The query took longer than {session.Timeout.TotalSeconds:0} s and was stopped: filter by Date or PeriodStart, "
                    + "ask for less, or for an answer later (Prefer: respond-async)."
            ),
            ReadFailure.NumberOutOfRange => ODataError.BadRequest(
                "NumberOutOfRange",
                "The arithmetic of the query leaves the range of its numbers.",
                null
            ),
            ReadFailure.NoSchema => Unavailable("The store is not prepared for this version of the service."),
            _ => Unavailable("The store cannot be reached now."),
        };

    private static ODataError Unavailable(string message) => new(StatusCodes.Status503ServiceUnavailable, "StorageUnavailable", message);
}
