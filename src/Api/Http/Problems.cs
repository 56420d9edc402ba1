using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Metrics.Api.Http;

/// <summary>What the addresses below <c>/api</c> share: bodies read strictly, and refusals with a stable code.</summary>
internal static class Problems
{
    // A member that is misspelt must not be taken for one that is left out.
    private static readonly JsonSerializerOptions Strict = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    /// <summary>A refusal as application/problem+json.</summary>
    /// <param name="code">Stable code.</param>
    /// <param name="detail">What was wrong, and what is allowed.</param>
    /// <param name="status">HTTP status.</param>
    public static ProblemHttpResult Of(string code, string detail, int status = StatusCodes.Status400BadRequest) =>
        TypedResults.Problem(detail, statusCode: status, extensions: [KeyValuePair.Create<string, object?>("code", code)]);

    /// <summary>The body of a request, of which every member has to be known.</summary>
    /// <returns>What was read, null for the word <c>null</c>, and whether the body could be read at all.</returns>
    public static async Task<(T? Body, bool IsRead)> ReadAsync<T>(HttpRequest request)
        where T : class
    {
        try
        {
            return (await request.ReadFromJsonAsync<T>(Strict, request.HttpContext.RequestAborted), true);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return (null, false);
        }
    }
}
