using System.Text.Json;
using System.Text.Json.Serialization;

namespace Metrics.Storage.Events;

/// <summary>What a webhook is sent.</summary>
[JsonConverter(typeof(WordConverter<WebhookFormat>))]
public enum WebhookFormat
{
    /// <summary>Standard Webhooks.</summary>
    Standard,

    /// <summary>CloudEvents 1.0, structured.</summary>
    Cloudevents,
}

/// <summary>How deliveries are signed.</summary>
[JsonConverter(typeof(WordConverter<WebhookSigning>))]
public enum WebhookSigning
{
    /// <summary>HMAC-SHA256, by a secret that both sides know.</summary>
    Hmac,

    /// <summary>Ed25519, by a key of ours whose public half the receiver knows.</summary>
    Ed25519,
}

/// <summary>Why nothing is sent to a webhook.</summary>
[JsonConverter(typeof(WordConverter<DisabledReason>))]
public enum DisabledReason
{
    /// <summary>Somebody disabled it.</summary>
    Asked,

    /// <summary>Its receiver answered 410.</summary>
    Gone,

    /// <summary>It has failed for five days.</summary>
    Failing,
}

/// <summary>Where a delivery stands.</summary>
[JsonConverter(typeof(WordConverter<DeliveryState>))]
public enum DeliveryState
{
    /// <summary>To be sent, now or later.</summary>
    Due,

    /// <summary>The receiver took it.</summary>
    Delivered,

    /// <summary>Given up.</summary>
    Failed,
}

/// <summary>Why an attempt did not deliver. In tables, metrics and responses it is the word of <c>SnakeCase</c>.</summary>
public enum WebhookErrorCode
{
    /// <summary>The address is one that nothing is sent to.</summary>
    BlockedAddress,

    /// <summary>Its name has no address.</summary>
    UnresolvableHost,

    /// <summary>It is not of https.</summary>
    HttpsRequired,

    /// <summary>There was no answer in time.</summary>
    Timeout,

    /// <summary>No connection came about, or it ended before there was an answer.</summary>
    Unreachable,

    /// <summary>No secure connection came about.</summary>
    Tls,

    /// <summary>What came is not HTTP, or too much of it.</summary>
    BadAnswer,

    /// <summary>The receiver points elsewhere, and that is not followed.</summary>
    Redirect,

    /// <summary>The receiver wants to be told no more.</summary>
    Gone,

    /// <summary>The receiver is asked too much, or away for a while.</summary>
    Throttled,

    /// <summary>The receiver answered anything else.</summary>
    Refused,
}

/// <summary>What a rule looks at.</summary>
[JsonConverter(typeof(WordConverter<RuleKind>))]
public enum RuleKind
{
    /// <summary>Joules per unit against a number.</summary>
    Threshold,

    /// <summary>Joules per unit against those of the hours before the window.</summary>
    Drift,
}

/// <summary>When a rule holds.</summary>
[JsonConverter(typeof(WordConverter<RuleComparison>))]
public enum RuleComparison
{
    /// <summary>Above the threshold; of a drift: risen by more than it.</summary>
    Above,

    /// <summary>Below the threshold; of a drift: fallen by more than it.</summary>
    Below,

    /// <summary>Of a drift: risen or fallen by more than the threshold.</summary>
    Either,
}

/// <summary>Writes members as the words that the database and the API have for them.</summary>
public sealed class WordConverter<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false)
    where T : struct, Enum;
