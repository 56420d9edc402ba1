using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Metrics.Storage.Engine;

namespace Metrics.Storage.Events;

/// <summary>The types of events that are kept and told of.</summary>
public static class EventTypes
{
    /// <summary>Joules per unit moved away from those of the hours before.</summary>
    public const string IntensityDrifted = "intensity.drifted";

    /// <summary>Joules per unit passed the threshold of a rule.</summary>
    public const string IntensityThresholdExceeded = "intensity.threshold_exceeded";

    /// <summary>A final number changed.</summary>
    public const string Restated = "measurement.restated";

    /// <summary>What is stored differs from the provider's own statistic.</summary>
    public const string ReconciliationMismatch = "reconciliation.mismatch";

    /// <summary>A report that somebody waits for is there.</summary>
    public const string ReportReady = "report.ready";

    /// <summary>A series that could not be read is read again.</summary>
    public const string SeriesHealed = "series.healed";

    /// <summary>A series could not be read several times in a row.</summary>
    public const string SeriesQuarantined = "series.quarantined";

    /// <summary>A source cannot be read.</summary>
    public const string SourceFailed = "source.failed";

    /// <summary>A source is read again.</summary>
    public const string SourceRecovered = "source.recovered";

    /// <summary>Nothing new has come from a source for long.</summary>
    public const string SourceStale = "source.stale";

    /// <summary>A webhook is told no more.</summary>
    public const string WebhookDisabled = "webhook.disabled";

    /// <summary>Every type that a webhook can ask for, sorted.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        IntensityDrifted,
        IntensityThresholdExceeded,
        Restated,
        ReconciliationMismatch,
        ReportReady,
        SeriesHealed,
        SeriesQuarantined,
        SourceFailed,
        SourceRecovered,
        SourceStale,
        WebhookDisabled,
    ];

    /// <summary>What a webhook gets when somebody tries it; nobody asks for it.</summary>
    public const string Test = "webhook.test";
}

/// <summary>What happened and others may want to be told of, kept in the transaction of the change itself, so that neither is without the
/// other.</summary>
internal static class EventLog
{
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Keeps an event, and puts it on its way to every webhook that wants its type.</summary>
    public static async Task AppendAsync(
        Session session,
        string type,
        string? source,
        JsonObject body,
        DateTime now,
        CancellationToken cancellationToken
    )
    {
        var text = body.ToJsonString(Plain).Replace('\0', '\uFFFD');
        var id = await session.QueryAsync(
            "INSERT INTO event (type, source, at, body) VALUES (@type, @source, @at, @body) RETURNING id",
            [("type", type), ("source", source), ("at", now), ("body", text)],
            row => row.Number(0),
            cancellationToken
        );
        await Outbox.FanOutAsync(session, new StoredEvent(id[0], type, source, now, text), cancellationToken);
    }
}
