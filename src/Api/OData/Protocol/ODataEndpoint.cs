using System.Text.Json;
using Metrics.Api.OData.Json;
using Metrics.Api.OData.Model;
using Metrics.Api.OData.Query;
using Metrics.Domain.Factors;
using Metrics.Storage.Engine;
using Metrics.Storage.Queries;
using Microsoft.AspNetCore.OData;
using Microsoft.AspNetCore.OData.Batch;
using Microsoft.Extensions.Options;
using Microsoft.OData.UriParser;

namespace Metrics.Api.OData.Protocol;

/// <summary>
/// Dispatches OData requests. Microsoft.AspNetCore.OData routes them: its matcher has the path parsed by the template of
/// <see cref="ResourcePathTemplate"/> and puts it on <c>HttpContext.ODataFeature()</c>, and its validators are the first gate of a query
/// (<see cref="QueryLimits"/>). Expressions and $apply are read by <see cref="ExpressionReader"/> and <see cref="ApplyReader"/>, become SQL
/// in <see cref="EntityQuery"/>, and the rows are written by <see cref="EntityWriter"/> as they come.
/// </summary>
internal sealed class ODataEndpoint
{
    private const string MethodNotAllowed = nameof(MethodNotAllowed);

    private readonly EntityModel model;
    private readonly EntityResponses entities;
    private readonly QueryConnections connections;
    private readonly AsyncResponses asyncResponses;
    private readonly CompareFunction compare;
    private readonly ODataSettings settings;
    private readonly IServiceProvider services;
    private readonly ODataBatch batch;
    private readonly ILogger<ODataEndpoint> log;

    public ODataEndpoint(
        EntityModel model,
        EntityResponses entities,
        QueryConnections connections,
        AsyncResponses asyncResponses,
        IOptions<ODataSettings> settings,
        IOptions<ODataOptions> library,
        IServiceProvider services,
        ILogger<ODataEndpoint> log,
        TimeProvider? time = null,
        UnitConversions? conversions = null
    )
    {
        this.model = model;
        this.entities = entities;
        this.connections = connections;
        this.asyncResponses = asyncResponses;
        this.settings = settings.Value;
        this.services = services;
        this.log = log;
        batch = (ODataBatch)library.Value.GetRouteServices(ODataRegistration.Prefix).GetRequiredService<ODataBatchHandler>();
        compare = new CompareFunction(connections, conversions ?? UnitConversions.None, time ?? TimeProvider.System);
    }

    /// <summary>Responds to a request that the router chose this endpoint for.</summary>
    public Task HandleAsync(HttpContext context) => HandleAsync(new ODataRequest(context, RequestOrigin.Direct));

    /// <summary>Responds to a request that came within another one, and so not by the router.</summary>
    private Task HandleAsync(HttpContext context, RequestOrigin origin)
    {
        context.RequestServices = services;
        var request = new ODataRequest(context, origin);
        ResourcePath.Bind(context, model.Edm, request.Path);
        return HandleAsync(request);
    }

    private async Task HandleAsync(ODataRequest request)
    {
        var headers = request.Response.Headers;
        headers["OData-Version"] = "4.0";
        headers.XContentTypeOptions = "nosniff";
        // It may be kept, and must be asked about: its ETag tells whether it still holds.
        headers.CacheControl = "private, no-cache";
        try
        {
            await DispatchAsync(request);
        }
        catch (Exception exception)
        {
            await FailAsync(request, exception);
        }
        finally
        {
            if (request.Session is { } session)
                await session.DisposeAsync();
        }
    }

    private async Task DispatchAsync(ODataRequest request)
    {
        if (request.Path.StartsWith(AsyncResponses.Path, StringComparison.Ordinal))
        {
            Negotiation.CheckVersion(request.Headers);
            await asyncResponses.GetAsync(request.Context, request.Root, request.Path[AsyncResponses.Path.Length..]);
            return;
        }
        if (await IsBatchAsync(request))
            return;
        Negotiation.CheckVersion(request.Headers);
        _ = request.Options;
        switch (request.Feature.Path?.LastOrDefault())
        {
            case null when request.Path.Length == 0:
                await ServiceDocuments.WriteServiceDocumentAsync(request);
                return;
            case MetadataSegment:
                await ServiceDocuments.WriteMetadataAsync(request, model);
                return;
        }
        if (request.Path == "metrics.pbids")
            await ServiceDocuments.WriteConnectionFileAsync(request);
        else if (
            request is { Origin: RequestOrigin.Direct, IsHead: false }
            && AsyncResponses.PreferAsync(request.Headers) is (true, var wait)
        )
            await asyncResponses.AcceptAsync(request.Context, request.Root, request.Target, wait, inner =>
                HandleAsync(inner, RequestOrigin.Async)
            );
        else if (CompareFunction.Arguments(request.Path) is { } arguments)
            await WriteComparisonAsync(request, arguments);
        else
            await WriteResourceAsync(request);
    }

    /// <summary>Responds to a batch, reads a query from the body, and refuses every other way to change or ask.</summary>
    /// <returns>Whether it was a batch.</returns>
    private async Task<bool> IsBatchAsync(ODataRequest request)
    {
        var method = request.Context.Request.Method;
        var isBatch = request.Path == "$batch";
        if (HttpMethods.IsPost(method))
        {
            if (isBatch)
            {
                Negotiation.CheckVersion(request.Headers);
                await batch.ProcessBatchAsync(request.Context, part => HandleAsync(part, RequestOrigin.Batch));
                return true;
            }
            if (ResourcePath.EndsWithQuery(ResourcePath.BelowRoot(request.Context.Request)))
            {
                await request.ReadQueryFromBodyAsync();
                return false;
            }
        }
        var (allowed, message) =
            ResourcePath.EndsWithQuery(request.Path) ? ("POST", "A query in the body is sent by POST.")
            : !HttpMethods.IsGet(method) && !HttpMethods.IsHead(method) ? ("GET, HEAD", "The data is read only: use GET.")
            : isBatch ? ("POST", "A batch is sent by POST.")
            : default;
        if (allowed is null)
            return false;
        Negotiation.CheckVersion(request.Headers);
        request.Response.Headers.Allow = allowed;
        throw new ODataError(StatusCodes.Status405MethodNotAllowed, MethodNotAllowed, message);
    }

    private async Task WriteResourceAsync(ODataRequest request)
    {
        var path = ResourcePath.Of(request.Feature, model.Edm, request.Path);
        request.Open(
            request.Origin == RequestOrigin.Async
                ? new ReadSession(connections, settings.LaterTimeout, request.Context.RequestAborted, takesTurns: false)
                : new ReadSession(connections, settings.StatementTimeout, request.Context.RequestAborted)
        );
        if (path.IsCount)
            await entities.WriteCountAsync(request, path);
        else if (path.Key is null)
            await entities.WriteSetAsync(request, path);
        else if (path.Property is not null)
            await entities.WritePropertyAsync(request, path);
        else
            await entities.WriteEntityAsync(request, path);
    }

    private async Task WriteComparisonAsync(ODataRequest request, string arguments)
    {
        request.Options.RejectComposition(CompareFunction.Name);
        var negotiation = request.Negotiate();
        var (_, omitNulls, _, _) = Negotiation.Preferences(request.Headers, settings.MaxPageSize);
        var rows = await compare.RowsAsync(compare.ReadRequest(arguments, request.Options.Aliases), request.Context.RequestAborted);
        request.Response.ContentType = negotiation.ContentType;
        if (omitNulls)
            request.Response.Headers["Preference-Applied"] = "omit-values=nulls";
        if (request.IsHead)
            return;
        var body = new ResponseBuffer(request.Context);
        await using var json = new Utf8JsonWriter(body, JsonRow.WriterOptions);
        new ComparisonWriter(negotiation, omitNulls, request.Root).Write(json, rows, request.Options);
        json.Flush();
        await body.CompleteAsync();
    }

    private async Task FailAsync(ODataRequest request, Exception exception)
    {
        var (context, path) = (request.Context, request.Context.Request.Path.Value);
        if (context.RequestAborted.IsCancellationRequested)
            return;
        if (context.Response.HasStarted)
        {
            // A body that ends like a whole one would be taken for one.
            log.LogError(exception, "A page of {Path} broke off.", path);
            context.Abort();
            return;
        }
        var error = ODataErrorResponse.Of(exception, request.Session);
        if (error is { Status: >= 500 and not 501 })
            log.LogError(exception, "{Path} could not be answered.", path);
        await ODataErrorResponse.WriteAsync(context, error);
    }
}
