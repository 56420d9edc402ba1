using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Metrics.Domain.Messages;
using Metrics.Storage.Engine;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Metrics.Api.Http;

/// <summary>
/// Errors as <c>application/problem+json</c> (RFC 9457), outside of <c>/odata</c>: a <c>status</c>, a <c>detail</c> for people, a stable
/// <c>code</c> for programs, and <c>errors</c> with everything that is wrong. No answer is longer than <see cref="MostBytes"/>.
/// </summary>
internal static class Problems
{
    /// <summary>Length of the longest answer, in bytes.</summary>
    public const int MostBytes = 8 * 1024;

    // What is left of the whole for status, title, code and the names of members is a kilobyte.
    private const int MostDetailBytes = 2 * 1024;
    private const int MostErrorsBytes = 5 * 1024;
    private const int RetrySeconds = 5;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    /// <summary>An error with one cause, which lies in no part of the request alone.</summary>
    /// <param name="code">Stable code.</param>
    /// <param name="detail">What is wrong, and what would be right.</param>
    /// <param name="status">HTTP status.</param>
    public static ProblemHttpResult Of(ProblemCode code, string detail, int status = StatusCodes.Status400BadRequest) =>
        Of(code, detail, [], status);

    /// <summary>An error of a request with everything that is wrong with it; its code is that of the first.</summary>
    /// <param name="errors">One at least.</param>
    /// <param name="status">HTTP status.</param>
    public static ProblemHttpResult Of(RequestErrors errors, int status = StatusCodes.Status400BadRequest)
    {
        var detail = new StringBuilder();
        foreach (var error in errors.TakeWhile(_ => detail.Length < MostDetailBytes))
            detail.Append(detail.Length == 0 ? "" : " ").Append(error.Detail);
        return Of(errors[0].Code, detail.ToString(), errors, status);
    }

    /// <summary>Writes an error where no endpoint does: as OData's clients read it below <c>/odata</c>, as a problem elsewhere.</summary>
    /// <param name="context">The request, whose answer has not started.</param>
    /// <param name="code">Stable code.</param>
    /// <param name="detail">What is wrong, and what would be right.</param>
    /// <param name="status">HTTP status.</param>
    /// <param name="id">Id of the entry in the log; null: there is none.</param>
    public static async Task WriteAsync(HttpContext context, ProblemCode code, string detail, int status, string? id = null)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (!context.Request.Path.StartsWithSegments("/odata", StringComparison.OrdinalIgnoreCase))
        {
            var problem = Of(code, detail, status);
            if (id is not null)
                problem.ProblemDetails.Extensions["id"] = id;
            await problem.ExecuteAsync(context);
            return;
        }
        var body = JsonSerializer.SerializeToUtf8Bytes(
            new JsonObject
            {
                ["error"] = new JsonObject { ["code"] = code.ToWord(), ["message"] = Cut(detail, MostDetailBytes) },
            }
        );
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json;charset=utf-8";
        context.Response.ContentLength = body.Length;
        context.Response.Headers["OData-Version"] = "4.0";
        if (!HttpMethods.IsHead(context.Request.Method))
            await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }

    /// <summary>Adds what <see cref="UseProblemResponses"/> needs.</summary>
    public static IServiceCollection AddProblemResponses(this IServiceCollection services) =>
        services.AddExceptionHandler<ProblemExceptionHandler>();

    /// <summary>Answers where nothing else has said what is wrong: unknown addresses, wrong methods and content types, and
    /// exceptions.</summary>
    public static void UseProblemResponses(this WebApplication app)
    {
        app.UseExceptionHandler(_ => { });
        app.UseStatusCodePages(pages =>
        {
            var status = pages.HttpContext.Response.StatusCode;
            return WriteAsync(pages.HttpContext, ProblemCodes.OfStatus(status), Describe(pages.HttpContext, status), status);
        });
    }

    /// <summary>The sentence about a status that came without one.</summary>
    private static string Describe(HttpContext context, int status)
    {
        var request = context.Request;
        var path = Spelling.Shorten(request.Path.Value ?? "/", 200);
        return status switch
        {
            StatusCodes.Status401Unauthorized when request.Path.StartsWithSegments("/jobs", StringComparison.OrdinalIgnoreCase) =>
                "Without a key the jobs can be looked at and not be changed. Make one with the scope 'operate'.",
            StatusCodes.Status404NotFound =>
                $"There is nothing at '{path}'. Data is at /odata, operations are described at /scalar, and / lists where to look.",
            StatusCodes.Status405MethodNotAllowed =>
                $"{Spelling.Shorten(request.Method, 20)} is not possible at '{path}'; possible is {context.Response.Headers.Allow}.",
            StatusCodes.Status413PayloadTooLarge => "The body is longer than the address takes.",
            StatusCodes.Status415UnsupportedMediaType => "The body has to be application/json.",
            StatusCodes.Status503ServiceUnavailable => "The service cannot answer now; its log says why. Ask again.",
            >= 500 => "The request could not be answered; the service's log says why.",
            _ => $"{Spelling.Shorten(request.Method, 20)} {path} is not possible like this "
                + $"({status.ToString(CultureInfo.InvariantCulture)}).",
        };
    }

    private static ProblemHttpResult Of(ProblemCode code, string detail, IReadOnlyList<RequestError> errors, int status)
    {
        var extensions = new Dictionary<string, object?>(StringComparer.Ordinal) { ["code"] = code.ToWord() };
        if (errors.Count > 0)
        {
            var (named, bytes) = (new List<RequestError>(), 0);
            foreach (var error in errors)
            {
                var shortened = error with { Name = Spelling.Shorten(error.Name), Detail = Cut(error.Detail, MostDetailBytes / 2) };
                bytes += JsonSerializer.SerializeToUtf8Bytes(shortened, Json).Length + 1;
                if (bytes > MostErrorsBytes)
                    break;
                named.Add(shortened);
            }
            extensions["errors"] = named;
            if (named.Count < errors.Count)
                extensions["errorsLeftOut"] = errors.Count - named.Count;
        }
        return TypedResults.Problem(
            new ProblemDetails
            {
                Status = status,
                Detail = Cut(detail, MostDetailBytes),
                Extensions = extensions,
            }
        );
    }

    /// <summary>A text of so many bytes at most, as JSON escapes it.</summary>
    private static string Cut(string text, int bytes)
    {
        // No character is longer than six bytes, and none shorter than one.
        if (text.Length * 6 <= bytes || (text.Length <= bytes && JavaScriptEncoder.Default.Encode(text).Length <= bytes))
            return text;
        var length = Math.Min(text.Length, bytes);
        while (JavaScriptEncoder.Default.Encode(Spelling.Shorten(text, length)).Length > bytes)
            length = length * 9 / 10;
        return Spelling.Shorten(text, length);
    }

    /// <summary>The one handler of exceptions: the database's errors are 503, a request that cannot be read has its own status, ours are
    /// 500 without a detail.</summary>
    private sealed class ProblemExceptionHandler(ILogger<ProblemExceptionHandler> log) : IExceptionHandler
    {
        public async ValueTask<bool> TryHandleAsync(HttpContext context, Exception exception, CancellationToken cancellationToken)
        {
            // Nobody waits for an answer any more.
            if (context.RequestAborted.IsCancellationRequested)
                return true;
            var path = Spelling
                .Shorten(Uri.EscapeDataString(context.Request.Path.Value ?? "/"), 200)
                .Replace("%2F", "/", StringComparison.Ordinal);
            if (exception is BadHttpRequestException bad)
            {
                await WriteAsync(context, ProblemCodes.OfStatus(bad.StatusCode), bad.Message, bad.StatusCode);
                return true;
            }
            if (StorageFault.IsOutside(exception))
            {
                log.LogError(exception, "{Method} {Path} could not be answered: the store failed.", context.Request.Method, path);
                context.Response.Headers.RetryAfter = RetrySeconds.ToString(CultureInfo.InvariantCulture);
                await WriteAsync(
                    context,
                    ProblemCode.StorageUnavailable,
                    "The store cannot be read now; the service's log says why. Come back, or ask for a shorter period.",
                    StatusCodes.Status503ServiceUnavailable
                );
                return true;
            }
            var id = context.TraceIdentifier;
            log.LogError(exception, "{Method} {Path} could not be answered ({Id}).", context.Request.Method, path, id);
            await WriteAsync(
                context,
                ProblemCode.InternalError,
                "The request could not be answered; the service's log says why.",
                StatusCodes.Status500InternalServerError,
                id
            );
            return true;
        }
    }
}
