using System.Text.Json;
using System.Text.Json.Nodes;

namespace Metrics.Storage;

/// <summary>What happened and others may want to be told of, kept in the transaction of the change itself, so that neither is without the other.</summary>
internal static class EventLog
{
    private static readonly JsonSerializerOptions Plain = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Task<int> AppendAsync(Session session, string type, string? source, JsonObject body, DateTime now, CancellationToken cancellationToken) => session.ExecuteAsync(
        "INSERT INTO event (type, source, at, body) VALUES (@type, @source, @at, @body)",
        [("type", type), ("source", source), ("at", now), ("body", body.ToJsonString(Plain).Replace('\0', '\uFFFD'))], cancellationToken);
}
