using System.Data.Common;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Metrics.Domain.Factors;
using Metrics.Storage;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Microsoft.OData;
using Microsoft.OData.UriParser;

namespace Metrics.Api.OData;

/// <summary>Registers /odata.</summary>
public static class ODataRegistration
{
    /// <summary>Adds what /odata needs; the store's <see cref="IDbContextFactory{TContext}"/> is taken from elsewhere.</summary>
    /// <param name="services">Where to add.</param>
    /// <param name="configure">Changes the limits; null keeps them.</param>
    public static IServiceCollection AddMetricsOData(this IServiceCollection services, Action<ODataSettings>? configure = null)
    {
        services.AddOptions<ODataSettings>().Configure(settings => configure?.Invoke(settings));
        // A list that a tool folds into $filter is longer than the 8 KiB that Kestrel reads by itself.
        services.Configure<KestrelServerOptions>(kestrel => kestrel.Limits.MaxRequestLineSize = Math.Max(kestrel.Limits.MaxRequestLineSize, 64 * 1024));
        services.AddSingleton<EntityModel>();
        services.AddSingleton<ODataEndpoint>();
        return services;
    }

    /// <summary>Answers at the path and below it.</summary>
    /// <param name="endpoints">Where to map.</param>
    /// <param name="path">Address of the service root, without a slash at its end.</param>
    public static IEndpointConventionBuilder MapMetricsOData(this IEndpointRouteBuilder endpoints, string path = "/odata")
    {
        var endpoint = endpoints.ServiceProvider.GetRequiredService<ODataEndpoint>();
        return endpoints.Map(path + "/{**rest}", context => endpoint.AnswerAsync(context, path)).WithDisplayName("OData").ExcludeFromDescription();
    }
}

/// <summary>
/// Answers OData requests: the OData library parses paths and expressions, everything else is done here, from SQL to JSON,
/// row by row and without holding a page in memory.
/// </summary>
internal sealed class ODataEndpoint
{
    private const int FlushEvery = 128;
    private const int MaxSortKeys = 8;
    private const int MaxMessage = 1_000;
    private static readonly ODataUriResolver Resolver = new() { EnableCaseInsensitive = true };
    private static readonly JsonEncodedText Context = JsonEncodedText.Encode("@odata.context");
    private static readonly JsonEncodedText CountName = JsonEncodedText.Encode("@odata.count");
    private static readonly JsonEncodedText NextLink = JsonEncodedText.Encode("@odata.nextLink");
    private static readonly JsonEncodedText ValueName = JsonEncodedText.Encode("value");

    private readonly EntityModel model;
    private readonly IDbContextFactory<MetricsDbContext> store;
    private readonly ODataSettings settings;
    private readonly TimeProvider time;
    private readonly ILogger<ODataEndpoint> log;
    private readonly SkipToken tokens;
    private readonly CompareFunction compare;

    public ODataEndpoint(EntityModel model, IDbContextFactory<MetricsDbContext> store, IOptions<ODataSettings> settings, ILogger<ODataEndpoint> log, TimeProvider? time = null, UnitConversions? conversions = null)
    {
        this.model = model;
        this.store = store;
        this.settings = settings.Value;
        this.time = time ?? TimeProvider.System;
        this.log = log;
        compare = new CompareFunction(store, conversions ?? UnitConversions.None, this.time);
        if (this.settings.PageSize < 1 || this.settings.MaxPageSize < this.settings.PageSize)
            throw new InvalidOperationException("OData's page size must be at least 1 and at most its largest page size.");
        tokens = new SkipToken(this.settings.SkipTokenKey ?? RandomNumberGenerator.GetBytes(32));
    }

    public async Task AnswerAsync(HttpContext context, string path)
    {
        var response = context.Response;
        response.Headers["OData-Version"] = "4.0";
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers.CacheControl = "no-store";
        ReadSession? session = null;
        var begun = false;
        try
        {
            if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method))
            {
                response.Headers.Allow = "GET, HEAD";
                throw new ODataRefusal(StatusCodes.Status405MethodNotAllowed, "MethodNotAllowed", "The data is read only: use GET.");
            }
            Negotiation.CheckVersion(context.Request.Headers);
            var options = QueryOptions.Parse(context.Request.QueryString.Value ?? "");
            var root = $"{context.Request.Scheme}://{context.Request.Host}{context.Request.PathBase}{path}/";
            var rest = PathBelow(context, path);
            switch (rest)
            {
                case "":
                    options.AllowOnly("the service document", "$format");
                    await WriteServiceDocumentAsync(context, Negotiation.Json(context.Request.Headers, options.Format), root);
                    return;
                case "$metadata":
                    options.AllowOnly("$metadata", "$format");
                    await WriteMetadataAsync(context, options);
                    return;
            }
            if (CompareFunction.Arguments(rest) is { } arguments)
            {
                await WriteComparisonAsync(context, arguments, options, root, () => begun = true);
                return;
            }
            var (set, key, count) = Address(rest);
            session = new ReadSession(await store.CreateDbContextAsync(context.RequestAborted), settings.StatementTimeout, context.RequestAborted);
            if (count) await WriteCountAsync(context, session, set, options);
            else if (key is not null) await WriteEntityAsync(context, session, set, key, options, root, () => begun = true);
            else await WriteSetAsync(context, session, set, options, root, () => begun = true);
        }
        catch (Exception failure)
        {
            if (context.RequestAborted.IsCancellationRequested) return;
            if (begun || response.HasStarted)
            {
                // A body that ends like a whole one would be taken for one.
                log.LogError(failure, "A page of {Path} broke off.", context.Request.Path.Value);
                context.Abort();
                return;
            }
            var refusal = failure as ODataRefusal ?? session?.Explain(failure)
                ?? (StorageFault.IsOutside(failure) ? new ODataRefusal(StatusCodes.Status503ServiceUnavailable, "StorageUnavailable", "The store cannot be reached now.") : null);
            if (refusal is null or { Status: >= 500 and not 501 })
                log.LogError(failure, "{Path} could not be answered.", context.Request.Path.Value);
            await WriteErrorAsync(context, refusal ?? new ODataRefusal(StatusCodes.Status500InternalServerError, "InternalError", "The request could not be answered; the service's log says why."));
        }
        finally
        {
            if (session is not null) await session.DisposeAsync();
        }
    }

    // The path as it was sent: decoded, a slash in a key would look like one between segments.
    private static string PathBelow(HttpContext context, string path)
    {
        var target = context.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "";
        if (!target.StartsWith('/')) target = context.Request.PathBase.ToUriComponent() + context.Request.Path.ToUriComponent();
        var end = target.IndexOf('?', StringComparison.Ordinal);
        if (end >= 0) target = target[..end];
        var above = (context.Request.PathBase.Value + path).Count(c => c == '/');
        var at = 0;
        for (; above >= 0 && at < target.Length; at++)
        {
            if (target[at] == '/' && --above < 0) break;
        }
        var rest = at < target.Length ? target[(at + 1)..] : "";
        return rest.TrimEnd('/') is "%24metadata" ? "$metadata" : rest.TrimEnd('/');
    }

    private (EntitySet Set, IReadOnlyList<Term>? Key, bool Count) Address(string rest)
    {
        ODataPath segments;
        try
        {
            segments = new ODataUriParser(model.Edm, new Uri(rest, UriKind.Relative)) { Resolver = new ODataUriResolver() }.ParsePath();
        }
        catch (ODataUnrecognizedPathException failure)
        {
            throw new ODataRefusal(StatusCodes.Status404NotFound, "NotFound", $"There is nothing here: {Message(failure)} The service document at the root lists what there is.", "path");
        }
        catch (Exception failure) when (failure is ODataException or UriFormatException or FormatException)
        {
            throw ODataRefusal.BadRequest("InvalidPath", Message(failure), "path");
        }
        EntitySet? set = null;
        IReadOnlyList<Term>? key = null;
        var count = false;
        foreach (var segment in segments)
        {
            switch (segment)
            {
                case EntitySetSegment found:
                    set = EntitySets.Find(found.EntitySet.Name);
                    break;
                case KeySegment found when set is not null && key is null:
                    key = KeyOf(set, found);
                    break;
                case CountSegment when set is not null && key is null:
                    count = true;
                    break;
                case BatchSegment:
                    throw ODataRefusal.NotSupported("$batch", "path");
                default:
                    throw ODataRefusal.NotSupported($"The path segment '{ExpressionText.Shorten(segment.Identifier ?? rest)}'", "path");
            }
        }
        return (set ?? throw ODataRefusal.NotSupported($"The path '{ExpressionText.Shorten(rest)}'", "path"), key, count);
    }

    private static List<Term> KeyOf(EntitySet set, KeySegment segment)
    {
        var given = segment.Keys.ToDictionary(pair => pair.Key, pair => pair.Value, StringComparer.Ordinal);
        return [.. set.Key.Select(property => new Term(null, ExpressionSql.TypeOf(property), false, given[property.Name] switch
        {
            int number => (long)number,
            long number => number,
            string text => text,
            DateTimeOffset instant => instant.UtcDateTime,
            var value when ExpressionSql.Day(value) is { } day => day,
            _ => throw ODataRefusal.BadRequest("InvalidPath", $"The key's {property.Name} is not of its type.", "path"),
        }))];
    }

    private async Task WriteSetAsync(HttpContext context, ReadSession session, EntitySet set, QueryOptions options, string root, Action begin)
    {
        var negotiation = Negotiation.Json(context.Request.Headers, options.Format);
        var (wantedPage, omitNulls, applied) = Negotiation.Preferences(context.Request.Headers, settings.MaxPageSize);
        var pageSize = wantedPage ?? settings.PageSize;
        var selected = Selected(set, options.Select);
        var parameters = new SqlParameters(session.Dialect);
        var now = time.GetUtcNow().UtcDateTime;
        var condition = Filter(set, options, session.Dialect, parameters, now);
        var order = Order(set, options, session.Dialect, parameters, now);
        var query = new PageQuery(set, selected, parameters, condition, order);
        var binding = $"{set.Name}\n{options.Filter}\n{options.OrderBy}\n{string.Join('\n', options.Aliases.OrderBy(alias => alias.Key, StringComparer.Ordinal))}";
        object?[]? after = null;
        if (options.SkipToken is { } token)
        {
            if (options.Skip is not null) throw ODataRefusal.BadRequest("InvalidQuery", "$skip does not go with $skiptoken: follow nextLinks as they are.", "$skip");
            after = tokens.Read(binding, token, order.Count);
        }

        var response = context.Response;
        response.ContentType = negotiation.ContentType;
        if (applied is not null) response.Headers["Preference-Applied"] = applied;
        if (HttpMethods.IsHead(context.Request.Method)) return;

        long? total = options.Count ? await session.CountAsync(query.CountSql, parameters) : null;
        // One row more than the page tells whether there is a next one.
        var limit = Math.Min(options.Top ?? long.MaxValue, pageSize + 1L);
        var pageSql = query.PageSql(limit, options.Skip ?? 0, after);
        await using var reader = await session.ExecuteAsync(pageSql, parameters);
        var more = await reader.ReadAsync(session.Token);

        begin();
        var body = response.BodyWriter;
        var writer = new EntityWriter(set, query, session.Dialect, negotiation, omitNulls, root);
        await using var json = new Utf8JsonWriter(body, EntityWriter.Options);
        json.WriteStartObject();
        if (negotiation.Control != ControlInformation.None) json.WriteString(Context, $"{root}$metadata#{set.Name}{Projection(options, selected)}");
        if (total is { } rows)
        {
            if (negotiation.LongsAsText) json.WriteString(CountName, rows.ToString(CultureInfo.InvariantCulture));
            else json.WriteNumber(CountName, rows);
        }
        json.WriteStartArray(ValueName);
        object?[]? position = null;
        for (var written = 0; more;)
        {
            json.WriteStartObject();
            writer.WriteProperties(json, reader);
            json.WriteEndObject();
            written++;
            if (written == pageSize && limit > pageSize) position = query.Position(reader, session.Dialect);
            if (written % FlushEvery == 0)
            {
                json.Flush();
                session.Pause();
                await body.FlushAsync(context.RequestAborted);
                session.Resume();
            }
            more = await reader.ReadAsync(session.Token);
            if (written == pageSize) break;
        }
        json.WriteEndArray();
        if (more && position is not null) json.WriteString(NextLink, root + set.Name + options.Next(tokens.Write(binding, position), options.Top - pageSize));
        json.WriteEndObject();
        json.Flush();
        session.Pause();
        await body.FlushAsync(context.RequestAborted);
    }

    private static async Task WriteEntityAsync(HttpContext context, ReadSession session, EntitySet set, IReadOnlyList<Term> key, QueryOptions options, string root, Action begin)
    {
        options.AllowOnly("a single entity", "$select", "$format");
        var negotiation = Negotiation.Json(context.Request.Headers, options.Format);
        var (_, omitNulls, _) = Negotiation.Preferences(context.Request.Headers, 1);
        var selected = Selected(set, options.Select);
        var parameters = new SqlParameters(session.Dialect);
        var condition = string.Join(" AND ", set.Key.Select((property, i) => $"{SqlDialect.Quote(property.Name)} = {parameters.Add(key[i].Literal!)}"));
        var order = set.Key.Select(TieBreaker).ToList();
        var query = new PageQuery(set, selected, parameters, condition, order);
        // The store's times are whole microseconds; a finer one in a key is nobody's.
        var possible = key.All(part => part.Literal is not DateTime instant || instant.Ticks % TimeSpan.TicksPerMicrosecond == 0);
        await using var reader = await session.ExecuteAsync(query.PageSql(possible ? 1 : 0, 0, null), parameters);
        if (!await reader.ReadAsync(session.Token)) throw new ODataRefusal(StatusCodes.Status404NotFound, "NotFound", $"{set.Name} has no entity with this key.", "path");

        begin();
        var response = context.Response;
        response.ContentType = negotiation.ContentType;
        if (omitNulls) response.Headers["Preference-Applied"] = "omit-values=nulls";
        await using var json = new Utf8JsonWriter(response.BodyWriter, EntityWriter.Options);
        json.WriteStartObject();
        if (negotiation.Control != ControlInformation.None) json.WriteString(Context, $"{root}$metadata#{set.Name}{Projection(options, selected)}/$entity");
        new EntityWriter(set, query, session.Dialect, negotiation, omitNulls, root).WriteProperties(json, reader);
        json.WriteEndObject();
        json.Flush();
        await response.BodyWriter.FlushAsync(context.RequestAborted);
    }

    private async Task WriteCountAsync(HttpContext context, ReadSession session, EntitySet set, QueryOptions options)
    {
        options.AllowOnly("/$count", "$filter");
        var parameters = new SqlParameters(session.Dialect);
        var condition = Filter(set, options, session.Dialect, parameters, time.GetUtcNow().UtcDateTime);
        var count = await session.CountAsync(new PageQuery(set, [], parameters, condition, [.. set.Key.Select(TieBreaker)]).CountSql, parameters);
        context.Response.ContentType = "text/plain;charset=utf-8";
        await context.Response.WriteAsync(count.ToString(CultureInfo.InvariantCulture), context.RequestAborted);
    }

    private async Task WriteComparisonAsync(HttpContext context, string arguments, QueryOptions options, string root, Action begin)
    {
        options.RefuseComposition(CompareFunction.Name);
        var negotiation = Negotiation.Json(context.Request.Headers, options.Format);
        var (_, omitNulls, _) = Negotiation.Preferences(context.Request.Headers, settings.MaxPageSize);
        var rows = await compare.RowsAsync(CompareFunction.Question(arguments, options.Aliases), context.RequestAborted);
        begin();
        var response = context.Response;
        response.ContentType = negotiation.ContentType;
        if (omitNulls) response.Headers["Preference-Applied"] = "omit-values=nulls";
        if (HttpMethods.IsHead(context.Request.Method)) return;
        await using var json = new Utf8JsonWriter(response.BodyWriter, EntityWriter.Options);
        CompareFunction.Write(json, rows, negotiation, omitNulls, root);
        json.Flush();
        await response.BodyWriter.FlushAsync(context.RequestAborted);
    }

    private static async Task WriteServiceDocumentAsync(HttpContext context, Negotiation negotiation, string root)
    {
        context.Response.ContentType = negotiation.ContentType;
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter, EntityWriter.Options);
        json.WriteStartObject();
        if (negotiation.Control != ControlInformation.None) json.WriteString(Context, $"{root}$metadata");
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
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
    }

    private async Task WriteMetadataAsync(HttpContext context, QueryOptions options)
    {
        var asJson = Negotiation.MetadataAsJson(context.Request.Headers, options.Format);
        context.Response.ContentType = asJson ? "application/json;charset=utf-8" : "application/xml;charset=utf-8";
        var body = asJson ? model.Json : model.Xml;
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }

    private static async Task WriteErrorAsync(HttpContext context, ODataRefusal refusal)
    {
        var response = context.Response;
        response.StatusCode = refusal.Status;
        response.ContentLength = null;
        response.ContentType = "application/json;odata.metadata=minimal;charset=utf-8";
        if (refusal is { Status: StatusCodes.Status503ServiceUnavailable, Code: "StorageUnavailable" }) response.Headers.RetryAfter = "10";
        using var stream = new MemoryStream();
        await using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteStartObject("error");
            json.WriteString("code", refusal.Code);
            json.WriteString("message", refusal.Message.Length <= MaxMessage ? refusal.Message : refusal.Message[..MaxMessage] + "...");
            if (refusal.Target is { } target) json.WriteString("target", target);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        await response.Body.WriteAsync(stream.ToArray(), context.RequestAborted);
    }

    private static string Projection(QueryOptions options, IReadOnlyList<EntityProperty> selected) =>
        options.Select is null || options.Select.Trim() == "*" ? "" : $"({string.Join(',', selected.Select(property => property.Name))})";

    private static IReadOnlyList<EntityProperty> Selected(EntitySet set, string? select)
    {
        if (select is null) return set.Properties;
        var names = select.Split(',', StringSplitOptions.TrimEntries);
        if (names.Contains("*")) return set.Properties;
        var wanted = new HashSet<EntityProperty>();
        foreach (var name in names)
        {
            if (name.IndexOfAny(['/', '(', '$']) >= 0) throw ODataRefusal.NotSupported($"'{ExpressionText.Shorten(name)}' in $select", "$select");
            wanted.Add(set.Find(name) ?? throw ODataRefusal.BadRequest("UnknownProperty", $"{set.Name} has no property '{ExpressionText.Shorten(name)}'.", "$select"));
        }
        return [.. set.Properties.Where(wanted.Contains)];
    }

    private string? Filter(EntitySet set, QueryOptions options, SqlDialect dialect, SqlParameters parameters, DateTime now)
    {
        if (options.Filter is not { } filter) return null;
        var (parser, lists) = Parser(set, options, "$filter", filter);
        var clause = Parsed(() => parser.ParseFilter(), "$filter");
        return new ExpressionSql(set, dialect, parameters, parser.ParameterAliasNodes, lists, now, "$filter").Condition(clause.Expression);
    }

    private List<SortKey> Order(EntitySet set, QueryOptions options, SqlDialect dialect, SqlParameters parameters, DateTime now)
    {
        var order = new List<SortKey>();
        if (options.OrderBy is { } text)
        {
            var (parser, lists) = Parser(set, options, "$orderby", text);
            var sql = new ExpressionSql(set, dialect, parameters, parser.ParameterAliasNodes, lists, now, "$orderby");
            for (var clause = Parsed(() => parser.ParseOrderBy(), "$orderby"); clause is not null; clause = clause.ThenBy)
            {
                if (order.Count == MaxSortKeys) throw ExpressionText.TooComplex("$orderby", $"has more than {MaxSortKeys} parts");
                var term = sql.SortKey(clause.Expression);
                if (order.Exists(earlier => earlier.Term.Sql == term.Sql)) continue;
                var property = (clause.Expression as SingleValuePropertyAccessNode)?.Property.Name;
                order.Add(new SortKey(term, term.Type == SqlType.Text ? dialect.Ordered(term.Sql!) : term.Sql!, clause.Direction == OrderByDirection.Descending, property is null ? null : set.Find(property)));
            }
        }
        // The key makes the order total: without it, rows that tie could be told twice or never.
        order.AddRange(set.Key.Where(part => !order.Exists(earlier => earlier.Property == part)).Select(TieBreaker));
        return order;
    }

    // Any order does, so it is the one that the key's index has, whatever its collation.
    private static SortKey TieBreaker(EntityProperty property)
    {
        var term = ExpressionSql.Column(property);
        return new SortKey(term, term.Sql!, false, property);
    }

    private (ODataQueryOptionParser Parser, List<IReadOnlyList<string>> Lists) Parser(EntitySet set, QueryOptions options, string option, string text)
    {
        var lists = new List<IReadOnlyList<string>>();
        var given = options.Aliases.ToDictionary(alias => alias.Key, alias => ExpressionText.Prepare(alias.Value, alias.Key, lists));
        given.Add(option, ExpressionText.Prepare(text, option, lists));
        var published = model.SetOf(set);
        return (new ODataQueryOptionParser(model.Edm, published.EntityType, published, given) { Resolver = Resolver }, lists);
    }

    private static T Parsed<T>(Func<T> parse, string option)
    {
        try
        {
            return parse();
        }
        catch (Exception failure) when (failure is ODataException or FormatException or OverflowException or ArgumentException or InvalidOperationException)
        {
            throw failure.Message.Contains("ecursion", StringComparison.Ordinal)
                ? ExpressionText.TooComplex(option, "is nested too deeply")
                : ODataRefusal.BadRequest("InvalidQuery", $"{option}: {Message(failure)}", option);
        }
    }

    private static string Message(Exception failure) => failure is ODataException ? failure.Message : "it holds a literal that cannot be read.";
}
