using System.Text;
using Metrics.Api.OData.Query;
using Metrics.Storage.Queries;
using Microsoft.AspNetCore.OData.Abstracts;
using Microsoft.AspNetCore.OData.Extensions;

namespace Metrics.Api.OData.Protocol;

/// <summary>How a request came.</summary>
internal enum RequestOrigin
{
    /// <summary>By itself.</summary>
    Direct,

    /// <summary>As a part of a batch.</summary>
    Batch,

    /// <summary>Its client fetches the response later.</summary>
    Async,
}

/// <summary>One request below the service root.</summary>
/// <param name="Context">The request as ASP.NET has it.</param>
/// <param name="Origin">How it came.</param>
internal sealed record ODataRequest(HttpContext Context, RequestOrigin Origin)
{
    // No longer than an address may be: a nextLink holds it.
    private const int MaxQueryText = 60 * 1024;

    private QueryOptions? options;

    public HttpResponse Response => Context.Response;

    public IHeaderDictionary Headers => Context.Request.Headers;

    /// <summary>What the router made of the path.</summary>
    public IODataFeature Feature { get; } = Context.ODataFeature();

    /// <summary>Address of the service root, with a slash at its end.</summary>
    public string Root { get; } = Context.ODataFeature().BaseAddress ??= RootOf(Context.Request);

    /// <summary>The path below the root as it was sent, without <c>/$query</c> where the body holds the query.</summary>
    public string Path { get; } = ResourcePath.WithoutQuerySegment(Context.Request, ResourcePath.BelowRoot(Context.Request));

    /// <summary>The query options.</summary>
    /// <exception cref="ODataError">One of them is unknown, given twice, empty or not of its type.</exception>
    public QueryOptions Options => options ??= QueryOptions.Parse(Context.Request.QueryString.Value ?? "");

    /// <summary>Connection to the store; null until <see cref="Open"/>.</summary>
    public ReadSession? Session { get; private set; }

    public bool IsHead => HttpMethods.IsHead(Context.Request.Method);

    /// <summary>Address of the service root that a request came to, with a slash at its end.</summary>
    public static string RootOf(HttpRequest request) => $"{request.Scheme}://{request.Host}{request.PathBase}/{ODataRegistration.Prefix}/";

    /// <summary>Takes the session of the request, which is closed with it.</summary>
    public ReadSession Open(ReadSession session) => Session = session;

    /// <summary>The JSON that the client asks for.</summary>
    public Negotiation Negotiate() => Negotiation.Json(Headers, Options.Format);

    /// <summary>Path and query as they would be sent by GET.</summary>
    public string Target => $"{Context.Request.PathBase.ToUriComponent()}/{ODataRegistration.Prefix}/{Path}{Context.Request.QueryString}";

    /// <summary>Makes a POST of <c>/$query</c> the GET that it stands for: a query that is too long for an address comes in the
    /// body.</summary>
    /// <remarks>The library's parser of such bodies reads them whole whatever their length, and no forms.</remarks>
    /// <exception cref="ODataError">415: the body is neither text nor a form. 400: it is too long.</exception>
    public async Task ReadQueryFromBodyAsync()
    {
        var request = Context.Request;
        if (
            request.ContentType is { } type
            && !type.StartsWith("text/plain", StringComparison.OrdinalIgnoreCase)
            && !type.StartsWith("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase)
        )
            throw new ODataError(
                StatusCodes.Status415UnsupportedMediaType,
                "UnsupportedFormat",
                "The query in the body is text/plain: the options as they would stand in the address.",
                "Content-Type"
            );
        var buffer = new byte[MaxQueryText + 1];
        var length = await request.Body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, Context.RequestAborted);
        if (length > MaxQueryText)
            throw ExpressionText.TooComplex("$query", $"is longer than {MaxQueryText / 1024} KiB");
        var text = Encoding.UTF8.GetString(buffer, 0, length).Trim();
        var address = request.QueryString.Value ?? "";
        request.QueryString = new QueryString(address.Length == 0 ? "?" + text : $"{address}&{text}");
    }
}
