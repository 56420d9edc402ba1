using System.Buffers;
using System.Data.Common;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Metrics.Api.OData.Json;
using Metrics.Api.OData.Model;
using Metrics.Api.OData.Query;
using Metrics.Storage.Queries;
using Microsoft.Extensions.Options;

namespace Metrics.Api.OData.Protocol;

/// <summary>Writes what a path leads to, from SQL to JSON, row by row and without holding a page in memory.</summary>
internal sealed class EntityResponses
{
    private const int FlushEvery = 128;
    private static readonly JsonEncodedText ContextName = JsonEncodedText.Encode("@odata.context");
    private static readonly JsonEncodedText CountName = JsonEncodedText.Encode("@odata.count");
    private static readonly JsonEncodedText MessagesName = JsonEncodedText.Encode("@Org.OData.Core.V1.Messages");
    private static readonly JsonEncodedText NextLinkName = JsonEncodedText.Encode("@odata.nextLink");
    private static readonly JsonEncodedText ValueName = JsonEncodedText.Encode("value");

    private readonly EntityModel model;
    private readonly ODataSettings settings;
    private readonly TimeProvider time;
    private readonly SkipToken tokens;

    public EntityResponses(EntityModel model, IOptions<ODataSettings> settings, TimeProvider? time = null)
    {
        this.model = model;
        this.settings = settings.Value;
        this.time = time ?? TimeProvider.System;
        if (this.settings.PageSize < 1 || this.settings.MaxPageSize < this.settings.PageSize)
            throw new InvalidOperationException("OData's page size must be at least 1 and at most its largest page size.");
        tokens = new SkipToken(this.settings.SkipTokenKey ?? RandomNumberGenerator.GetBytes(32));
    }

    /// <summary>A page of a set, or of what $apply makes of it.</summary>
    public async Task WriteSetAsync(ODataRequest request, ResourcePath path)
    {
        var (options, session) = (request.Options, request.Session!);
        var negotiation = request.Negotiate();
        var preferences = Negotiation.Preferences(request.Headers, settings.MaxPageSize);
        QueryLimits.Validate(request.Context.Request, options, model.SetOf(path.Set));
        var query = EntityQuery.OfSet(Context(request), path.Set, options, negotiation.Control == ControlInformation.Full);
        var page = new PageRequest(
            path.Set,
            query,
            negotiation,
            preferences.OmitNulls,
            preferences.PageSize ?? settings.PageSize,
            $"{path.Set.Name}\n{options.Binding}"
        );
        if (options is { SkipToken: not null, Skip: not null })
            throw ODataError.BadRequest("InvalidQuery", "$skip does not go with $skiptoken: follow nextLinks as they are.", "$skip");
        var after = options.SkipToken is { } token ? tokens.Read(page.Binding, token, query.Page.Order.Count) : null;

        request.Response.ContentType = negotiation.ContentType;
        if (preferences.Applied is { } applied)
            request.Response.Headers["Preference-Applied"] = applied;
        if (request.IsHead)
            return;

        if (preferences.MaxSize is { } maxSize && after is null)
            await CheckSizeAsync(session, query.Page, options, maxSize);
        long? count = options.Count ? await session.CountAsync(query.Page.CountSql, query.Page.Parameters.Values) : null;
        // One row more than the page tells whether there is a next one.
        var limit = Math.Min(options.Top ?? long.MaxValue, page.Size + 1L);
        await using var reader = await session.ExecuteAsync(
            query.Page.PageSql(limit, options.Skip ?? 0, after),
            query.Page.Parameters.Values
        );
        var hasRow = await reader.ReadAsync(session.Token);

        var body = new ResponseBuffer(request.Context);
        await using var json = new Utf8JsonWriter(body, JsonRow.WriterOptions);
        json.WriteStartObject();
        WriteAnnotations(json, request, page, count, isFirst: after is null);
        var next = await WriteRowsAsync(json, body, request, page, reader, hasRow, limit);
        if (next is not null)
            json.WriteString(
                NextLinkName,
                request.Root + path.Set.Name + options.Next(tokens.Write(page.Binding, next), options.Top - page.Size)
            );
        json.WriteEndObject();
        json.Flush();
        session.Pause();
        await body.CompleteAsync();
    }

    /// <summary>One entity, or its address.</summary>
    public async Task WriteEntityAsync(ODataRequest request, ResourcePath path)
    {
        if (path.IsReference)
            request.Options.AllowOnly("a reference", "$format");
        else
            request.Options.AllowOnly("a single entity", "$select", "$expand", "$compute", "$format");
        var negotiation = request.Negotiate();
        var (_, omitNulls, _, _) = Negotiation.Preferences(request.Headers, 1);
        QueryLimits.Validate(request.Context.Request, request.Options, model.SetOf(path.Target));
        var query = EntityQuery.OfEntity(
            Context(request),
            path.Set,
            path.Key!,
            path.Navigation,
            request.Options,
            path.IsReference || negotiation.Control == ControlInformation.Full
        );
        await using var reader = await ReadOneAsync(request.Session!, query.Page, path);
        var response = request.Response;
        // Behind the key of somebody there may be nobody, which is no error.
        if (query.Present is { } present && reader.IsDBNull(present))
        {
            response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }
        response.ContentType = negotiation.ContentType;
        if (omitNulls)
            response.Headers["Preference-Applied"] = "omit-values=nulls";
        if (request.IsHead)
            return;
        var shape = path.IsReference ? query.Shape with { Reference = true } : query.Shape;
        var context = path.IsReference
            ? $"{request.Root}$metadata#$ref"
            : $"{request.Root}$metadata#{path.Target.Name}{query.Projection}/$entity";
        var body = new ResponseBuffer(request.Context);
        body.Write(
            new EntityWriter(shape, null, negotiation, omitNulls, request.Root).Object(
                ResultRow.Of(reader),
                negotiation.Control == ControlInformation.None ? null : context
            )
        );
        await body.CompleteAsync();
    }

    /// <summary>One property of an entity, as JSON or as its bare value.</summary>
    public async Task WritePropertyAsync(ODataRequest request, ResourcePath path)
    {
        request.Options.AllowOnly("a property", "$format");
        var negotiation = path.IsRawValue ? new Negotiation(ControlInformation.None, false) : request.Negotiate();
        var query = EntityQuery.OfProperty(Context(request), path.Set, path.Key!, path.Navigation, path.Property!.Name, request.Options);
        await using var reader = await ReadOneAsync(request.Session!, query.Page, path);
        if (query.Present is { } present && reader.IsDBNull(present))
            throw new ODataError(StatusCodes.Status404NotFound, "NotFound", "There is no entity at the end of this path.", "path");
        var (row, response) = (ResultRow.Of(reader), request.Response);
        if (EntityWriter.Raw(row, (ValueMember)query.Shape.Members.Single()) is not { } text)
        {
            response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }
        response.ContentType = path.IsRawValue ? "text/plain;charset=utf-8" : negotiation.ContentType;
        if (request.IsHead)
            return;
        if (path.IsRawValue)
        {
            await response.WriteAsync(text, request.Context.RequestAborted);
            return;
        }
        var body = new ResponseBuffer(request.Context);
        body.Write(
            new EntityWriter(query.Shape, null, negotiation, omitNulls: false, request.Root).Object(
                row,
                negotiation.Control == ControlInformation.None ? null : $"{request.Root}$metadata#{Uri.UnescapeDataString(request.Path)}"
            )
        );
        await body.CompleteAsync();
    }

    /// <summary>The number of rows that the options ask for.</summary>
    public async Task WriteCountAsync(ODataRequest request, ResourcePath path)
    {
        request.Options.AllowOnly("/$count", "$filter", "$search", "$apply", "$compute");
        QueryLimits.Validate(request.Context.Request, request.Options, model.SetOf(path.Set));
        var query = EntityQuery.OfCount(Context(request), path.Set, request.Options);
        var count = await request.Session!.CountAsync(query.CountSql, query.Parameters.Values);
        request.Response.ContentType = "text/plain;charset=utf-8";
        await request.Response.WriteAsync(count.ToString(CultureInfo.InvariantCulture), request.Context.RequestAborted);
    }

    private QueryContext Context(ODataRequest request) =>
        new(SqlDialect.Of(request.Session!.Engine), request.Options.Aliases, time.GetUtcNow().UtcDateTime);

    private static async Task CheckSizeAsync(ReadSession session, PageQuery query, QueryOptions options, long maxSize)
    {
        var rows = await session.CountAsync(query.CountUpToSql(maxSize), query.Parameters.Values) - (options.Skip ?? 0);
        if (Math.Min(rows, options.Top ?? long.MaxValue) > maxSize)
            throw ODataError.BadRequest(
                "ResultTooLarge",
                $"The result has more than the {maxSize} rows that Prefer: metrics.maxsize allows: filter, group, or ask for more.",
                "Prefer"
            );
    }

    private static void WriteAnnotations(Utf8JsonWriter json, ODataRequest request, PageRequest page, long? count, bool isFirst)
    {
        if (page.Negotiation.Control != ControlInformation.None)
            json.WriteString(ContextName, $"{request.Root}$metadata#{page.Set.Name}{page.Query.Projection}");
        if (count is { } rows)
        {
            if (page.Negotiation.LongsAsText)
                json.WriteString(CountName, rows.ToString(CultureInfo.InvariantCulture));
            else
                json.WriteNumber(CountName, rows);
        }
        if (page.Negotiation.Control == ControlInformation.None || !isFirst)
            return;
        var warnings = CostlyQuery.Warnings(page.Set, request.Options);
        if (warnings.Count == 0)
            return;
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

    /// <summary>Writes the rows of a page as they come.</summary>
    /// <returns>Where the next page begins; null where there is none.</returns>
    private static async Task<object?[]?> WriteRowsAsync(
        Utf8JsonWriter json,
        ResponseBuffer body,
        ODataRequest request,
        PageRequest page,
        DbDataReader reader,
        bool hasRow,
        long limit
    )
    {
        var session = request.Session!;
        var row = ResultRow.Of(reader);
        var writer = new EntityWriter(page.Query.Shape, page.Query.Part, page.Negotiation, page.OmitNulls, request.Root);
        object?[]? position = null;
        json.WriteStartArray(ValueName);
        for (var written = 0; hasRow; )
        {
            json.WriteRawValue(writer.Object(row), skipInputValidation: true);
            written++;
            if (written == page.Size && limit > page.Size)
                position = page.Query.Page.Position(row);
            if (written % FlushEvery == 0)
            {
                json.Flush();
                session.Pause();
                await body.FlushAsync();
                await session.ResumeAsync();
            }
            hasRow = await reader.ReadAsync(session.Token);
            if (written == page.Size)
                break;
        }
        json.WriteEndArray();
        return hasRow ? position : null;
    }

    /// <summary>Reads the only row.</summary>
    private static async Task<DbDataReader> ReadOneAsync(ReadSession session, PageQuery query, ResourcePath path)
    {
        // The store's times are whole microseconds; a finer one in a key is nobody's.
        var isPossible = path.Key!.All(part => part is not DateTime instant || instant.Ticks % TimeSpan.TicksPerMicrosecond == 0);
        var reader = await session.ExecuteAsync(query.PageSql(isPossible ? 1 : 0, 0, null), query.Parameters.Values);
        var hasRow = await reader.ReadAsync(session.Token);
        session.Pause();
        if (hasRow)
            return reader;
        await reader.DisposeAsync();
        throw new ODataError(StatusCodes.Status404NotFound, "NotFound", $"{path.Set.Name} has no entity with this key.", "path");
    }

    /// <summary>A page as it was asked for.</summary>
    /// <param name="Set">Set that it is of.</param>
    /// <param name="Query">Reads it.</param>
    /// <param name="Negotiation">How to write it.</param>
    /// <param name="OmitNulls">Whether to leave out what is null.</param>
    /// <param name="Size">Most rows of it.</param>
    /// <param name="Binding">What its $skiptoken belongs to.</param>
    private sealed record PageRequest(EntitySet Set, EntityQuery Query, Negotiation Negotiation, bool OmitNulls, int Size, string Binding);
}
