using System.Text.Encodings.Web;
using System.Text.Json;
using Metrics.Domain.Messages;
using Metrics.Storage.Engine;

namespace Metrics.Storage.Events;

/// <summary>An event as it is kept.</summary>
internal sealed record StoredEvent(long Id, string Type, string? Source, DateTime At, string Body);

/// <summary>Messages and deliveries, made in the transaction of the event that they tell of.</summary>
internal static class Outbox
{
    /// <summary>More than this is not sent to anybody: the event says so itself, and where the whole can be read.</summary>
    public const int LargestBody = 256 * 1024;

    private const string PayloadTooLarge = "payload_too_large";

    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Puts an event on its way to every enabled webhook that wants its type.</summary>
    public static async Task FanOutAsync(Session session, StoredEvent recorded, CancellationToken cancellationToken)
    {
        // Locked against deletion only, so that no webhook goes between here and its delivery and takes the change itself down with it.
        var webhooks = await session.QueryAsync(
            $"SELECT id, types FROM webhook WHERE enabled ORDER BY id{(session.Database.IsPostgres ? " FOR KEY SHARE" : "")}",
            [],
            row => (Id: row.Text(0), Types: row.Text(1)),
            cancellationToken
        );
        var wanting = webhooks.Where(webhook => Wants(webhook.Types, recorded.Type)).Select(webhook => webhook.Id).ToList();
        if (wanting.Count == 0)
            return;
        var message = await AddMessageAsync(session, recorded, cancellationToken);
        foreach (var webhook in wanting)
            await AddDeliveryAsync(session, webhook, message, recorded.At, cancellationToken);
    }

    /// <summary>Whether a webhook with these types wants one of this type.</summary>
    public static bool Wants(string types, string type) => types.Length == 0 || types.Split(' ').Contains(type, StringComparer.Ordinal);

    /// <summary>Keeps the bytes of a message.</summary>
    /// <returns>Its id.</returns>
    public static async Task<string> AddMessageAsync(Session session, StoredEvent recorded, CancellationToken cancellationToken)
    {
        var id = $"msg_{Guid.CreateVersion7():N}";
        await session.ExecuteAsync(
            "INSERT INTO webhook_message (id, event_id, type, at, standard, cloud_event) VALUES (@id, @event, @type, @at, "
                + "@standard, @cloud)",
            [
                ("id", id),
                ("event", recorded.Id == 0 ? null : recorded.Id),
                ("type", recorded.Type),
                ("at", recorded.At),
                ("standard", Standard(recorded, session.Database.Links)),
                ("cloud", CloudEvent(recorded, id, session.Database.Links)),
            ],
            cancellationToken
        );
        return id;
    }

    /// <summary>Puts a message on its way to a webhook.</summary>
    /// <returns>The delivery's id.</returns>
    public static async Task<long> AddDeliveryAsync(
        Session session,
        string webhook,
        string message,
        DateTime now,
        CancellationToken cancellationToken
    ) =>
        (
            await session.QueryAsync(
                "INSERT INTO webhook_delivery (webhook_id, message_id, state, step, attempts, created_at, next_at) VALUES "
                    + "(@webhook, @message, @due, 0, 0, @now, @now) RETURNING id",
                [("webhook", webhook), ("message", message), ("due", DeliveryState.Due.ToWord()), ("now", now)],
                row => row.Number(0),
                cancellationToken
            )
        )[0];

    /// <summary>The body that Standard Webhooks wants: type, timestamp, data.</summary>
    private static byte[] Standard(StoredEvent recorded, IEventLinks? links) => Bounded(recorded, links, json =>
        {
            json.WriteString("type", recorded.Type);
            json.WriteString("timestamp", recorded.At);
        });

    /// <summary>A CloudEvent 1.0 in structured mode.</summary>
    private static byte[] CloudEvent(StoredEvent recorded, string id, IEventLinks? links) => Bounded(recorded, links, json =>
        {
            json.WriteString("specversion", "1.0");
            json.WriteString("id", id);
            json.WriteString("source", recorded.Source is null ? "/" : $"/sources/{Uri.EscapeDataString(recorded.Source)}");
            json.WriteString("type", recorded.Type);
            json.WriteString("time", recorded.At);
            json.WriteString("datacontenttype", "application/json");
        });

    private static byte[] Bounded(StoredEvent recorded, IEventLinks? links, Action<Utf8JsonWriter> head)
    {
        var whole = Write(recorded, head, json =>
        {
            using var body = JsonDocument.Parse(recorded.Body);
            foreach (var member in body.RootElement.EnumerateObject().Where(member => member.Name != "source"))
                member.WriteTo(json);
        });
        return whole.Length <= LargestBody ? whole : Write(recorded, head, json =>
            {
                json.WriteString("refused", PayloadTooLarge);
                json.WriteNumber("bytes", whole.Length);
                json.WriteNumber("limit", LargestBody);
                if (links is not null)
                    json.WriteString("link", links.Event(recorded.Id));
            });
    }

    private static byte[] Write(StoredEvent recorded, Action<Utf8JsonWriter> head, Action<Utf8JsonWriter> data)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Plain))
        {
            json.WriteStartObject();
            head(json);
            json.WriteStartObject("data");
            if (recorded.Source is not null)
                json.WriteString("source", recorded.Source);
            data(json);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return buffer.ToArray();
    }
}
