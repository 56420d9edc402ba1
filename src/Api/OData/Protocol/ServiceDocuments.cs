using System.Buffers;
using System.Text.Json;
using Metrics.Api.OData.Json;
using Metrics.Api.OData.Model;

namespace Metrics.Api.OData.Protocol;

/// <summary>What the service says of itself: the service document, $metadata, and a file that opens it in Power BI.</summary>
internal static class ServiceDocuments
{
    private static readonly JsonEncodedText ContextName = JsonEncodedText.Encode("@odata.context");

    /// <summary>Every set with its address.</summary>
    public static Task WriteServiceDocumentAsync(ODataRequest request)
    {
        request.Options.AllowOnly("the service document", "$format");
        var negotiation = request.Negotiate();
        request.Response.ContentType = negotiation.ContentType;
        return WriteJsonAsync(request, json =>
        {
            if (negotiation.Control != ControlInformation.None)
                json.WriteString(ContextName, $"{request.Root}$metadata");
            json.WriteStartArray("value");
            foreach (var set in EntitySets.All)
            {
                json.WriteStartObject();
                json.WriteString("name", set.Name);
                json.WriteString("kind", "EntitySet");
                json.WriteString("url", set.Name);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        });
    }

    /// <summary>$metadata, as XML unless JSON is wanted.</summary>
    public static async Task WriteMetadataAsync(ODataRequest request, EntityModel model)
    {
        request.Options.AllowOnly("$metadata", "$format");
        var asJson = Negotiation.MetadataAsJson(request.Headers, request.Options.Format);
        request.Response.ContentType = asJson ? "application/json;charset=utf-8" : "application/xml;charset=utf-8";
        var body = new ResponseBuffer(request.Context);
        body.Write((asJson ? model.Json : model.Xml).Span);
        await body.CompleteAsync();
    }

    /// <summary>What Power BI Desktop opens with a double click: it asks for credentials and shows the sets.</summary>
    public static Task WriteConnectionFileAsync(ODataRequest request)
    {
        request.Response.ContentType = "application/json;charset=utf-8";
        request.Response.Headers.ContentDisposition = "attachment; filename=metrics.pbids";
        return WriteJsonAsync(request, json =>
        {
            json.WriteString("version", "0.1");
            json.WriteStartArray("connections");
            json.WriteStartObject();
            json.WriteStartObject("details");
            json.WriteString("protocol", "odata");
            json.WriteStartObject("address");
            json.WriteString("url", request.Root);
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteString("mode", "Import");
            json.WriteEndObject();
            json.WriteEndArray();
        });
    }

    private static async Task WriteJsonAsync(ODataRequest request, Action<Utf8JsonWriter> write)
    {
        var body = new ResponseBuffer(request.Context);
        await using var json = new Utf8JsonWriter(body, JsonRow.WriterOptions);
        json.WriteStartObject();
        write(json);
        json.WriteEndObject();
        json.Flush();
        await body.CompleteAsync();
    }
}
