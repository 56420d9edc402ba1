using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Metrics.Storage;

/// <summary>What happened and others may want to be told of, kept in the transaction of the change itself, with what is to be sent to each webhook, so that none of them is without the others.</summary>
internal static class EventLog
{
    /// <summary>No receiver has to take more. What is longer is told by a link.</summary>
    private const int MostBytes = 256 * 1024;

    private static readonly JsonSerializerOptions Plain = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Adds an event, and a delivery of it for every webhook that wants it.</summary>
    public static async Task<long> AppendAsync(Session session, string type, string? source, JsonObject body, DateTime now, CancellationToken cancellationToken)
    {
        var id = await InsertAsync(session, type, source, body, now, cancellationToken);
        var webhooks = await session.QueryAsync("SELECT id, events, format FROM webhook WHERE enabled ORDER BY id", [], row => (Id: row.Number(0), Events: row.Text(1), Format: row.Text(2)), cancellationToken);
        foreach (var webhook in webhooks)
            if (webhook.Events.Length == 0 || webhook.Events.Split(',').Contains(type)) await DeliverAsync(session, webhook.Id, webhook.Format, id, type, source, body, now, cancellationToken);
        return id;
    }

    /// <summary>Adds an event that one webhook alone is told of, and its delivery.</summary>
    /// <returns>Identity of the delivery.</returns>
    public static async Task<long> AppendForAsync(Session session, long webhook, string format, string type, JsonObject body, DateTime now, CancellationToken cancellationToken) =>
        await DeliverAsync(session, webhook, format, await InsertAsync(session, type, null, body, now, cancellationToken), type, null, body, now, cancellationToken);

    /// <summary>The text that a webhook is sent.</summary>
    /// <param name="format"><c>standard</c> (Standard Webhooks: type, timestamp, data) or <c>cloudevents</c> (CloudEvents 1.0, structured).</param>
    /// <param name="id">Identity of the event.</param>
    /// <param name="type">Its type.</param>
    /// <param name="source">The source that it is of.</param>
    /// <param name="body">What it says.</param>
    /// <param name="now">When it happened, UTC.</param>
    internal static string Compose(string format, long id, string type, string? source, JsonObject body, DateTime now)
    {
        var data = body.DeepClone().AsObject();
        if (source is not null) data["source"] = source;
        var at = now.ToString("yyyy-MM-ddTHH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
        var envelope = format == "cloudevents"
            ? new JsonObject { ["specversion"] = "1.0", ["id"] = MessageId(id), ["source"] = source is null ? "/metrics" : $"/metrics/sources/{Uri.EscapeDataString(source)}", ["type"] = type, ["time"] = at, ["datacontenttype"] = "application/json", ["data"] = data }
            : new JsonObject { ["type"] = type, ["timestamp"] = at, ["data"] = data };
        var text = Text(envelope);
        if (Encoding.UTF8.GetByteCount(text) <= MostBytes) return text;
        envelope["data"] = new JsonObject { ["source"] = source, ["tooLarge"] = true, ["bytes"] = Encoding.UTF8.GetByteCount(text), ["link"] = $"/odata/Events({id.ToString(CultureInfo.InvariantCulture)})" };
        return Text(envelope);
    }

    private static async Task<long> InsertAsync(Session session, string type, string? source, JsonObject body, DateTime now, CancellationToken cancellationToken) => (await session.QueryAsync(
        "INSERT INTO event (type, source, at, body) VALUES (@type, @source, @at, @body) RETURNING id",
        [("type", type), ("source", source), ("at", now), ("body", Text(body))], row => row.Number(0), cancellationToken))[0];

    private static async Task<long> DeliverAsync(Session session, long webhook, string format, long id, string type, string? source, JsonObject body, DateTime now, CancellationToken cancellationToken) => (await session.QueryAsync("""
        INSERT INTO delivery (webhook_id, message_id, type, body, state, attempts, created_at, next_at) VALUES (@webhook, @message, @type, @body, 'due', 0, @now, @now) RETURNING id
        """, [("webhook", webhook), ("message", MessageId(id)), ("type", type), ("body", Compose(format, id, type, source, body, now)), ("now", now)], row => row.Number(0), cancellationToken))[0];

    private static string MessageId(long id) => $"evt_{id.ToString(CultureInfo.InvariantCulture)}";

    private static string Text(JsonObject body) => body.ToJsonString(Plain).Replace('\0', '\uFFFD').Replace("\\u0000", "\\uFFFD", StringComparison.Ordinal);
}
