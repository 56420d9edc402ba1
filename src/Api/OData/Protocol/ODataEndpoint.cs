using System.Buffers;
using System.Data.Common;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Metrics.Api.OData.Json;
using Metrics.Api.OData.Model;
using Metrics.Api.OData.Query;
using Metrics.Domain.Factors;
using Metrics.Domain.Observations;
using Metrics.Storage.Engine;
using Metrics.Storage.Queries;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;
using Microsoft.OData;
using Microsoft.OData.UriParser;

namespace Metrics.Api.OData.Protocol;

/// <summary>Registers /odata.</summary>
public static class ODataRegistration
{
    /// <summary>Adds what /odata needs; the store is taken from elsewhere.</summary>
    /// <param name="services">Where to add.</param>
    /// <param name="configure">Changes the limits; null keeps them.</param>
    public static IServiceCollection AddMetricsOData(this IServiceCollection services, Action<ODataSettings>? configure = null)
    {
        services.AddOptions<ODataSettings>().Configure(settings => configure?.Invoke(settings));
        // A list that a tool folds into $filter is longer than the 8 KiB that Kestrel reads by itself.
        services.Configure<KestrelServerOptions>(kestrel =>
            kestrel.Limits.MaxRequestLineSize = Math.Max(kestrel.Limits.MaxRequestLineSize, 64 * 1024)
        );
        services.AddSingleton<EntityModel>();
        services.AddSingleton(provider => new AsyncResponses(provider.GetService<TimeProvider>() ?? TimeProvider.System));
        services.AddSingleton<ODataEndpoint>();
        return services;
    }

    /// <summary>Answers at the path and below it.</summary>
    /// <param name="endpoints">Where to map.</param>
    /// <param name="path">Address of the service root, without a slash at its end.</param>
    public static IEndpointConventionBuilder MapMetricsOData(this IEndpointRouteBuilder endpoints, string path = "/odata")
    {
        var endpoint = endpoints.ServiceProvider.GetRequiredService<ODataEndpoint>();
        return endpoints
            .Map(path + "/{**rest}", context => endpoint.HandleAsync(context, path))
            .WithDisplayName("OData")
            .ExcludeFromDescription();
    }
}

/// <summary>
/// Answers OData requests: the OData library parses paths and expressions, everything else is done here, from SQL to JSON,
/// row by row and without holding a page in memory.
/// </summary>
internal sealed class ODataEndpoint
{
    private const int FlushEvery = 128;
    private const int MaxMessage = 1_000;

    // No longer than an address may be: a nextLink holds it.
    private const int MaxQueryText = 60 * 1024;
    private static readonly JsonEncodedText ContextName = JsonEncodedText.Encode("@odata.context");
    private static readonly JsonEncodedText CountName = JsonEncodedText.Encode("@odata.count");
    private static readonly JsonEncodedText MessagesName = JsonEncodedText.Encode("@Org.OData.Core.V1.Messages");
    private static readonly JsonEncodedText NextLink = JsonEncodedText.Encode("@odata.nextLink");
    private static readonly JsonEncodedText ValueName = JsonEncodedText.Encode("value");

    private readonly EntityModel model;
    private readonly QueryConnections readers;
    private readonly ODataSettings settings;
    private readonly TimeProvider time;
    private readonly ILogger<ODataEndpoint> log;
    private readonly SkipToken tokens;
    private readonly CompareFunction compare;
    private readonly AsyncResponses later;

    public ODataEndpoint(
        EntityModel model,
        QueryConnections readers,
        AsyncResponses later,
        IOptions<ODataSettings> settings,
        ILogger<ODataEndpoint> log,
        TimeProvider? time = null,
        UnitConversions? conversions = null
    )
    {
        this.model = model;
        this.readers = readers;
        this.later = later;
        this.settings = settings.Value;
        this.time = time ?? TimeProvider.System;
        this.log = log;
        compare = new CompareFunction(readers, conversions ?? UnitConversions.None, this.time);
        if (this.settings.PageSize < 1 || this.settings.MaxPageSize < this.settings.PageSize)
            throw new InvalidOperationException("OData's page size must be at least 1 and at most its largest page size.");
        tokens = new SkipToken(this.settings.SkipTokenKey ?? RandomNumberGenerator.GetBytes(32));
    }

    /// <summary>How a request came.</summary>
    private enum RequestOrigin
    {
        Direct,
        Batch,
        Async,
    }

    public Task HandleAsync(HttpContext context, string path) => HandleAsync(context, path, RequestOrigin.Direct);

    private async Task HandleAsync(HttpContext context, string path, RequestOrigin way)
    {
        var response = context.Response;
        response.Headers["OData-Version"] = "4.0";
        response.Headers.XContentTypeOptions = "nosniff";
        // It may be kept, and must be asked about: its ETag tells whether it still holds.
        response.Headers.CacheControl = "private, no-cache";
        ReadSession? session = null;
        try
        {
            var root = $"{context.Request.Scheme}://{context.Request.Host}{context.Request.PathBase}{path}/";
            var rest = PathBelow(context, path);
            var text = context.Request.QueryString.Value ?? "";
            if (rest.StartsWith(AsyncResponses.Path, StringComparison.Ordinal))
            {
                Negotiation.CheckVersion(context.Request.Headers);
                await later.GetAsync(context, root, rest[AsyncResponses.Path.Length..]);
                return;
            }
            var posted = HttpMethods.IsPost(context.Request.Method);
            if (posted && rest.EndsWith("/$query", StringComparison.Ordinal))
            {
                text = $"{text}&{await QueryTextAsync(context.Request)}";
                rest = rest[..^"/$query".Length];
            }
            else if (
                rest == "$batch" && posted
                || rest.EndsWith("/$query", StringComparison.Ordinal)
                || !HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method)
            )
            {
                Negotiation.CheckVersion(context.Request.Headers);
                if (rest == "$batch" && posted)
                {
                    await new ODataBatch(model.Edm, part => HandleAsync(part, path, RequestOrigin.Batch)).HandleAsync(context, root);
                    return;
                }
                response.Headers.Allow = rest.EndsWith("/$query", StringComparison.Ordinal) ? "POST" : "GET, HEAD";
                throw new ODataError(
                    StatusCodes.Status405MethodNotAllowed,
                    "MethodNotAllowed",
                    rest.EndsWith("/$query", StringComparison.Ordinal)
                        ? "A query in the body is sent by POST."
                        : "The data is read only: use GET."
                );
            }
            Negotiation.CheckVersion(context.Request.Headers);
            var options = QueryOptions.Parse(text);
            switch (rest)
            {
                case "$batch":
                    response.Headers.Allow = "POST";
                    throw new ODataError(StatusCodes.Status405MethodNotAllowed, "MethodNotAllowed", "A batch is sent by POST.");
                case "":
                    options.AllowOnly("the service document", "$format");
                    await WriteServiceDocumentAsync(context, Negotiation.Json(context.Request.Headers, options.Format), root);
                    return;
                case "metrics.pbids":
                    await WriteConnectionFileAsync(context, root);
                    return;
                case "$metadata":
                    options.AllowOnly("$metadata", "$format");
                    await WriteMetadataAsync(context, options);
                    return;
            }
            if (
                way == RequestOrigin.Direct
                && !HttpMethods.IsHead(context.Request.Method)
                && AsyncResponses.PreferAsync(context.Request.Headers) is (true, var wait)
            )
            {
                var target =
                    $"{context.Request.PathBase.ToUriComponent()}{path}/{rest}{(text.Length == 0 || text[0] == '?' ? text : "?" + text)}";
                await later.AcceptAsync(context, root, target, wait, asked => HandleAsync(asked, path, RequestOrigin.Async));
                return;
            }
            if (CompareFunction.Arguments(rest) is { } arguments)
            {
                await WriteComparisonAsync(context, arguments, options, root);
                return;
            }
            var address = Address(rest);
            session =
                way == RequestOrigin.Async
                    ? new ReadSession(readers, settings.LaterTimeout, context.RequestAborted, takesTurns: false)
                    : new ReadSession(readers, settings.StatementTimeout, context.RequestAborted);
            if (address.Count)
                await WriteCountAsync(context, session, address.Set, options);
            else if (address.Key is null)
                await WriteSetAsync(context, session, address.Set, options, root);
            else if (address.Property is not null)
                await WritePropertyAsync(context, session, address, options, root, rest);
            else
                await WriteEntityAsync(context, session, address, options, root);
        }
        catch (Exception failure)
        {
            if (context.RequestAborted.IsCancellationRequested)
                return;
            if (response.HasStarted)
            {
                // A body that ends like a whole one would be taken for one.
                log.LogError(failure, "A page of {Path} broke off.", context.Request.Path.Value);
                context.Abort();
                return;
            }
            var refusal =
                failure as ODataError
                ?? ODataError.Of(failure, session)
                ?? (
                    StorageFault.IsOutside(failure)
                        ? new ODataError(StatusCodes.Status503ServiceUnavailable, "StorageUnavailable", "The store cannot be reached now.")
                        : null
                );
            if (refusal is null or { Status: >= 500 and not 501 })
                log.LogError(failure, "{Path} could not be answered.", context.Request.Path.Value);
            await WriteErrorAsync(
                context,
                refusal
                    ?? new ODataError(
                        StatusCodes.Status500InternalServerError,
                        "InternalError",
                        "The request could not be answered; the service's log says why."
                    )
            );
        }
        finally
        {
            if (session is not null)
                await session.DisposeAsync();
        }
    }

    /// <summary>The options of a query that is too long for an address, from the body.</summary>
    private static async Task<string> QueryTextAsync(HttpRequest request)
    {
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
        var length = await request.Body.ReadAtLeastAsync(
            buffer,
            buffer.Length,
            throwOnEndOfStream: false,
            request.HttpContext.RequestAborted
        );
        return length <= MaxQueryText
            ? Encoding.UTF8.GetString(buffer, 0, length).Trim()
            : throw ExpressionText.TooComplex("$query", $"is longer than {MaxQueryText / 1024} KiB");
    }

    // The path as it was sent: decoded, a slash in a key would look like one between segments.
    private static string PathBelow(HttpContext context, string path)
    {
        var target = context.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "";
        if (!target.StartsWith('/'))
            target = context.Request.PathBase.ToUriComponent() + context.Request.Path.ToUriComponent();
        var end = target.IndexOf('?', StringComparison.Ordinal);
        if (end >= 0)
            target = target[..end];
        var above = (context.Request.PathBase.Value + path).Count(c => c == '/');
        var at = 0;
        for (; above >= 0 && at < target.Length; at++)
        {
            if (target[at] == '/' && --above < 0)
                break;
        }
        var rest = at < target.Length ? target[(at + 1)..] : "";
        // Clients put a slash between the root, which ends with one, and what they ask for.
        return rest.Trim('/') is "%24metadata" ? "$metadata" : rest.Trim('/');
    }

    /// <summary>What a path leads to.</summary>
    /// <param name="Set">Set that it begins at.</param>
    /// <param name="Key">Literals of a key; null for the whole set.</param>
    /// <param name="Path">Navigation properties from there, with slashes between.</param>
    /// <param name="Target">Set of the entity at their end.</param>
    /// <param name="Property">A property of that; null for all.</param>
    /// <param name="Raw">Whether its bare value is wanted.</param>
    /// <param name="Reference">Whether the address of the entity is wanted.</param>
    /// <param name="Count">Whether the number of rows is wanted.</param>
    private sealed record Place(
        EntitySet Set,
        IReadOnlyList<object>? Key,
        string Path,
        EntitySet Target,
        EntityProperty? Property,
        bool Raw,
        bool Reference,
        bool Count
    );

    private Place Address(string rest)
    {
        ODataPath segments;
        try
        {
            segments = new ODataUriParser(model.Edm, new Uri(rest, UriKind.Relative)) { Resolver = new ODataUriResolver() }.ParsePath();
        }
        catch (ODataUnrecognizedPathException failure)
        {
            throw new ODataError(
                StatusCodes.Status404NotFound,
                "NotFound",
                $"There is nothing here: {Message(failure)} The service document at the root lists what there is.",
                "path"
            );
        }
        catch (Exception failure) when (failure is ODataException or UriFormatException or FormatException)
        {
            throw ODataError.BadRequest("InvalidPath", Message(failure), "path");
        }
        Place? place = null;
        foreach (var segment in segments)
        {
            place = (segment, place) switch
            {
                (EntitySetSegment found, null) when EntitySets.Find(found.EntitySet.Name) is { } set => new Place(
                    set,
                    null,
                    "",
                    set,
                    null,
                    false,
                    false,
                    false
                ),
                (KeySegment found, { Key: null, Count: false }) => place with { Key = KeyOf(place.Set, found) },
                (CountSegment, { Key: null, Count: false }) => place with { Count = true },
                (NavigationPropertySegment found, { Key: not null, Property: null }) => Beyond(place, found.NavigationProperty.Name),
                (NavigationPropertyLinkSegment found, { Key: not null, Property: null }) => Beyond(
                    place,
                    found.NavigationProperty.Name
                ) with
                {
                    Reference = true,
                },
                (PropertySegment found, { Key: not null, Property: null, Reference: false }) => place with
                {
                    Property = place.Target.Find(found.Property.Name),
                },
                (ValueSegment, { Property: not null, Raw: false }) => place with { Raw = true },
                (ReferenceSegment, { Key: not null, Property: null, Reference: false }) => place with { Reference = true },
                _ => throw ODataError.NotSupported($"The path segment '{ExpressionText.Shorten(segment.Identifier ?? rest)}'", "path"),
            };
        }
        return place ?? throw ODataError.NotSupported($"The path '{ExpressionText.Shorten(rest)}'", "path");
    }

    private static Place Beyond(Place place, string navigation) =>
        place with
        {
            Path = place.Path.Length == 0 ? navigation : $"{place.Path}/{navigation}",
            Target = EntitySets.Find(place.Target.Navigation(navigation)!.Target)!,
        };

    private static List<object> KeyOf(EntitySet set, KeySegment segment)
    {
        var given = segment.Keys.ToDictionary(pair => pair.Key, pair => pair.Value, StringComparer.Ordinal);
        return
        [
            .. set.Key.Select(property =>
                given[property.Name] switch
                {
                    int number => (object)(long)number,
                    long number => number,
                    string text => text,
                    DateTimeOffset instant => instant.UtcDateTime,
                    var value when Day(value) is { } day => day,
                    _ => throw ODataError.BadRequest("InvalidPath", $"The key's {property.Name} is not of its type.", "path"),
                }
            ),
        ];
    }

    // The library's own type of a day is marked obsolete and will be DateOnly; both print the same.
    private static DateOnly? Day(object value) =>
        DateOnly.TryParseExact(
            Convert.ToString(value, CultureInfo.InvariantCulture),
            ["yyyy-MM-dd", "MM/dd/yyyy"],
            CultureInfo.InvariantCulture,
            DateTimeStyles.None,
            out var day
        )
            ? day
            : null;

    private QueryContext Context(ReadSession session, QueryOptions options) =>
        new(SqlDialect.Of(session.Engine), options.Aliases, time.GetUtcNow().UtcDateTime);

    private async Task WriteSetAsync(HttpContext context, ReadSession session, EntitySet set, QueryOptions options, string root)
    {
        var negotiation = Negotiation.Json(context.Request.Headers, options.Format);
        var (wantedPage, omitNulls, maxSize, applied) = Negotiation.Preferences(context.Request.Headers, settings.MaxPageSize);
        var pageSize = wantedPage ?? settings.PageSize;
        var asked = EntityQuery.OfSet(Context(session, options), set, options, negotiation.Control == ControlInformation.Full);
        var query = asked.Page;
        var parameters = query.Parameters;
        var binding = $"{set.Name}\n{options.Binding}";
        object?[]? after = null;
        if (options.SkipToken is { } token)
        {
            if (options.Skip is not null)
                throw ODataError.BadRequest("InvalidQuery", "$skip does not go with $skiptoken: follow nextLinks as they are.", "$skip");
            after = tokens.Read(binding, token, query.Order.Count);
        }

        var response = context.Response;
        response.ContentType = negotiation.ContentType;
        if (applied is not null)
            response.Headers["Preference-Applied"] = applied;
        if (HttpMethods.IsHead(context.Request.Method))
            return;

        if (maxSize is { } most && after is null)
        {
            var size = Math.Min(
                await session.CountAsync(query.CountUpToSql(most), parameters.Values) - (options.Skip ?? 0),
                options.Top ?? long.MaxValue
            );
            if (size > most)
                throw ODataError.BadRequest(
                    "ResultTooLarge",
                    $"The result has more than the {most} rows that Prefer: metrics.maxsize allows: filter, group, or ask for more.",
                    "Prefer"
                );
        }
        long? total = options.Count ? await session.CountAsync(query.CountSql, parameters.Values) : null;
        // One row more than the page tells whether there is a next one.
        var limit = Math.Min(options.Top ?? long.MaxValue, pageSize + 1L);
        var pageSql = query.PageSql(limit, options.Skip ?? 0, after);
        await using var reader = await session.ExecuteAsync(pageSql, parameters.Values);
        var more = await reader.ReadAsync(session.Token);

        var body = new ResponseBuffer(context);
        var row = ResultRow.Of(reader);
        var writer = new EntityWriter(asked.Shape, asked.Part, negotiation, omitNulls, root);
        await using var json = new Utf8JsonWriter(body, EntityWriter.Options);
        json.WriteStartObject();
        if (negotiation.Control != ControlInformation.None)
            json.WriteString(ContextName, $"{root}$metadata#{set.Name}{asked.Projection}");
        if (total is { } rows)
        {
            if (negotiation.LongsAsText)
                json.WriteString(CountName, rows.ToString(CultureInfo.InvariantCulture));
            else
                json.WriteNumber(CountName, rows);
        }
        if (
            negotiation.Control != ControlInformation.None
            && after is null
            && CostlyQuery.Warnings(set, options) is { Count: > 0 } warnings
        )
        {
            json.WriteStartArray(MessagesName);
            foreach (var warning in warnings)
            {
                json.WriteStartObject();
                json.WriteString("code", warning.Code);
                json.WriteString("message", warning.Message);
                json.WriteString("severity", "warning");
                json.WriteString("target", warning.Target);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        json.WriteStartArray(ValueName);
        object?[]? position = null;
        for (var written = 0; more; )
        {
            json.WriteRawValue(writer.Object(row), skipInputValidation: true);
            written++;
            if (written == pageSize && limit > pageSize)
                position = query.Position(row);
            if (written % FlushEvery == 0)
            {
                json.Flush();
                session.Pause();
                await body.FlushAsync();
                await session.ResumeAsync();
            }
            more = await reader.ReadAsync(session.Token);
            if (written == pageSize)
                break;
        }
        json.WriteEndArray();
        if (more && position is not null)
            json.WriteString(NextLink, root + set.Name + options.Next(tokens.Write(binding, position), options.Top - pageSize));
        json.WriteEndObject();
        json.Flush();
        session.Pause();
        await body.CompleteAsync();
    }

    private async Task WriteEntityAsync(HttpContext context, ReadSession session, Place place, QueryOptions options, string root)
    {
        if (place.Reference)
            options.AllowOnly("a reference", "$format");
        else
            options.AllowOnly("a single entity", "$select", "$expand", "$compute", "$format");
        var negotiation = Negotiation.Json(context.Request.Headers, options.Format);
        var (_, omitNulls, _, _) = Negotiation.Preferences(context.Request.Headers, 1);
        var asked = EntityQuery.OfEntity(
            Context(session, options),
            place.Set,
            place.Key!,
            place.Path,
            options,
            place.Reference || negotiation.Control == ControlInformation.Full
        );
        await using var reader = await ReadOneAsync(session, asked.Page, place);
        // Behind the key of somebody there may be nobody, which is no fault.
        var missing = asked.Present is { } present && reader.IsDBNull(present);
        var response = context.Response;
        if (missing)
        {
            response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }
        response.ContentType = negotiation.ContentType;
        if (omitNulls)
            response.Headers["Preference-Applied"] = "omit-values=nulls";
        if (HttpMethods.IsHead(context.Request.Method))
            return;
        var shape = place.Reference ? asked.Shape with { Reference = true } : asked.Shape;
        var told = place.Reference ? $"{root}$metadata#$ref" : $"{root}$metadata#{place.Target.Name}{asked.Projection}/$entity";
        var body = new ResponseBuffer(context);
        body.Write(
            new EntityWriter(shape, null, negotiation, omitNulls, root).Object(
                ResultRow.Of(reader),
                negotiation.Control == ControlInformation.None ? null : told
            )
        );
        await body.CompleteAsync();
    }

    private async Task WritePropertyAsync(
        HttpContext context,
        ReadSession session,
        Place place,
        QueryOptions options,
        string root,
        string rest
    )
    {
        options.AllowOnly("a property", "$format");
        var negotiation = place.Raw
            ? new Negotiation(ControlInformation.None, false)
            : Negotiation.Json(context.Request.Headers, options.Format);
        var asked = EntityQuery.OfProperty(Context(session, options), place.Set, place.Key!, place.Path, place.Property!.Name, options);
        await using var reader = await ReadOneAsync(session, asked.Page, place);
        if (asked.Present is { } present && reader.IsDBNull(present))
            throw new ODataError(StatusCodes.Status404NotFound, "NotFound", "There is no entity at the end of this path.", "path");
        var member = (ValueMember)asked.Shape.Members.Single();
        var row = ResultRow.Of(reader);
        var writer = new EntityWriter(asked.Shape, null, negotiation, omitNulls: false, root);
        var response = context.Response;
        if (EntityWriter.Raw(row, member) is not { } text)
        {
            response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }
        response.ContentType = place.Raw ? "text/plain;charset=utf-8" : negotiation.ContentType;
        if (HttpMethods.IsHead(context.Request.Method))
            return;
        if (place.Raw)
        {
            await response.WriteAsync(text, context.RequestAborted);
            return;
        }
        var body = new ResponseBuffer(context);
        body.Write(
            writer.Object(row, negotiation.Control == ControlInformation.None ? null : $"{root}$metadata#{Uri.UnescapeDataString(rest)}")
        );
        await body.CompleteAsync();
    }

    /// <summary>Reads the only row.</summary>
    private static async Task<DbDataReader> ReadOneAsync(ReadSession session, PageQuery query, Place place)
    {
        // The store's times are whole microseconds; a finer one in a key is nobody's.
        var possible = place.Key!.All(part => part is not DateTime instant || instant.Ticks % TimeSpan.TicksPerMicrosecond == 0);
        var reader = await session.ExecuteAsync(query.PageSql(possible ? 1 : 0, 0, null), query.Parameters.Values);
        var found = await reader.ReadAsync(session.Token);
        session.Pause();
        if (found)
            return reader;
        await reader.DisposeAsync();
        throw new ODataError(StatusCodes.Status404NotFound, "NotFound", $"{place.Set.Name} has no entity with this key.", "path");
    }

    private async Task WriteCountAsync(HttpContext context, ReadSession session, EntitySet set, QueryOptions options)
    {
        options.AllowOnly("/$count", "$filter", "$search", "$apply", "$compute");
        var query = EntityQuery.OfCount(Context(session, options), set, options);
        var count = await session.CountAsync(query.CountSql, query.Parameters.Values);
        context.Response.ContentType = "text/plain;charset=utf-8";
        await context.Response.WriteAsync(count.ToString(CultureInfo.InvariantCulture), context.RequestAborted);
    }

    private async Task WriteComparisonAsync(HttpContext context, string arguments, QueryOptions options, string root)
    {
        options.RefuseComposition(CompareFunction.Name);
        var negotiation = Negotiation.Json(context.Request.Headers, options.Format);
        var (_, omitNulls, _, _) = Negotiation.Preferences(context.Request.Headers, settings.MaxPageSize);
        var rows = await compare.RowsAsync(CompareFunction.Question(arguments, options.Aliases), context.RequestAborted);
        var response = context.Response;
        response.ContentType = negotiation.ContentType;
        if (omitNulls)
            response.Headers["Preference-Applied"] = "omit-values=nulls";
        if (HttpMethods.IsHead(context.Request.Method))
            return;
        var body = new ResponseBuffer(context);
        await using var json = new Utf8JsonWriter(body, EntityWriter.Options);
        CompareFunction.Write(json, rows, options, negotiation, omitNulls, root);
        json.Flush();
        await body.CompleteAsync();
    }

    private static async Task WriteServiceDocumentAsync(HttpContext context, Negotiation negotiation, string root)
    {
        context.Response.ContentType = negotiation.ContentType;
        var body = new ResponseBuffer(context);
        await using var json = new Utf8JsonWriter(body, EntityWriter.Options);
        json.WriteStartObject();
        if (negotiation.Control != ControlInformation.None)
            json.WriteString(ContextName, $"{root}$metadata");
        json.WriteStartArray(ValueName);
        foreach (var set in EntitySets.All)
        {
            json.WriteStartObject();
            json.WriteString("name", set.Name);
            json.WriteString("kind", "EntitySet");
            json.WriteString("url", set.Name);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
        json.Flush();
        await body.CompleteAsync();
    }

    // What Power BI Desktop opens with a double click: it asks for credentials and shows the sets.
    private static async Task WriteConnectionFileAsync(HttpContext context, string root)
    {
        context.Response.ContentType = "application/json;charset=utf-8";
        context.Response.Headers.ContentDisposition = "attachment; filename=metrics.pbids";
        var body = new ResponseBuffer(context);
        await using var json = new Utf8JsonWriter(body, EntityWriter.Options);
        json.WriteStartObject();
        json.WriteString("version", "0.1");
        json.WriteStartArray("connections");
        json.WriteStartObject();
        json.WriteStartObject("details");
        json.WriteString("protocol", "odata");
        json.WriteStartObject("address");
        json.WriteString("url", root);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteString("mode", "Import");
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
        json.Flush();
        await body.CompleteAsync();
    }

    private async Task WriteMetadataAsync(HttpContext context, QueryOptions options)
    {
        var asJson = Negotiation.MetadataAsJson(context.Request.Headers, options.Format);
        context.Response.ContentType = asJson ? "application/json;charset=utf-8" : "application/xml;charset=utf-8";
        var body = new ResponseBuffer(context);
        body.Write((asJson ? model.Json : model.Xml).Span);
        await body.CompleteAsync();
    }

    internal static async Task WriteErrorAsync(HttpContext context, ODataError refusal)
    {
        var response = context.Response;
        response.StatusCode = refusal.Status;
        response.ContentLength = null;
        response.ContentType = "application/json;odata.metadata=minimal;charset=utf-8";
        if (refusal is { Status: StatusCodes.Status503ServiceUnavailable, Code: "StorageUnavailable" })
            response.Headers.RetryAfter = "10";
        using var stream = new MemoryStream();
        await using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteStartObject("error");
            json.WriteString("code", refusal.Code);
            json.WriteString("message", refusal.Message.Length <= MaxMessage ? refusal.Message : refusal.Message[..MaxMessage] + "...");
            if (refusal.Target is { } target)
                json.WriteString("target", target);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        await response.Body.WriteAsync(stream.ToArray(), context.RequestAborted);
    }

    private static string Message(Exception failure) =>
        failure is ODataException ? failure.Message : "it holds a literal that cannot be read.";
}
