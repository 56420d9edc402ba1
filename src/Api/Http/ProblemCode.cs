using System.Text.Json;
using System.Text.Json.Serialization;

namespace Metrics.Api.Http;

/// <summary>
/// What is wrong with a request, as programs tell it apart: the member <c>code</c> of every error outside of <c>/odata</c>, written in
/// snake case. A code that has been published keeps its meaning.
/// </summary>
[JsonConverter(typeof(ProblemCodeConverter))]
public enum ProblemCode
{
    /// <summary>The request is not HTTP as the server reads it, or a part of it is missing.</summary>
    BadRequest,

    /// <summary>There is no key, or it is unknown, expired or revoked.</summary>
    Unauthenticated,

    /// <summary>The key lacks the scope that the address asks for.</summary>
    Forbidden,

    /// <summary>A browser sends the change from a page of another site.</summary>
    CrossSite,

    /// <summary>There is nothing at the address, or nothing of that name.</summary>
    NotFound,

    /// <summary>The address has no such method; the header <c>Allow</c> lists those that it has.</summary>
    MethodNotAllowed,

    /// <summary>The answer cannot be had in the form that <c>Accept</c> asks for.</summary>
    NotAcceptable,

    /// <summary>The request did not arrive in time.</summary>
    RequestTimeout,

    /// <summary>The body is longer than the address takes.</summary>
    TooLarge,

    /// <summary>The body is not of the content type that the address takes.</summary>
    UnsupportedMediaType,

    /// <summary>The range does not lie within the file.</summary>
    RangeNotSatisfiable,

    /// <summary>Too many requests, or too many at once; <c>Retry-After</c> says when to come back.</summary>
    RateLimited,

    /// <summary>The service failed; its log says why, beside the id of the answer.</summary>
    InternalError,

    /// <summary>The database cannot be reached or is too busy; <c>Retry-After</c> says when to come back.</summary>
    StorageUnavailable,

    /// <summary>The body is no JSON, lacks what is needed, or has a member that is unknown, repeated or of another type.</summary>
    InvalidBody,

    /// <summary>A parameter that the address does not have.</summary>
    UnknownParameter,

    /// <summary>A parameter is given more than once.</summary>
    RepeatedParameter,

    /// <summary>A parameter that is needed is left out.</summary>
    MissingParameter,

    /// <summary>A parameter has a value that it cannot have.</summary>
    InvalidParameter,

    /// <summary>A number is none, or lies outside of what is allowed.</summary>
    InvalidNumber,

    /// <summary>The name of a key is missing, too long, or has control characters.</summary>
    InvalidName,

    /// <summary>The scopes of a key are missing, or one of them is unknown.</summary>
    InvalidScope,

    /// <summary>The end of a key is no time, or is over.</summary>
    InvalidExpiry,

    /// <summary>The address of a webhook cannot be used.</summary>
    InvalidUrl,

    /// <summary>A description is too long, or has control characters.</summary>
    InvalidDescription,

    /// <summary>An address inside the operator's own network, which webhooks must not reach.</summary>
    BlockedAddress,

    /// <summary>The host of a webhook has no address.</summary>
    UnresolvableHost,

    /// <summary>The address of a webhook has to be https.</summary>
    HttpsRequired,

    /// <summary>Nobody answers at the address of a webhook.</summary>
    Unreachable,

    /// <summary>A type of event that does not exist.</summary>
    UnknownType,

    /// <summary>A format of a webhook, a report or a file that does not exist.</summary>
    UnknownFormat,

    /// <summary>A way of signing that does not exist, or another one than the webhook was made with.</summary>
    UnknownSigning,

    /// <summary>A state of deliveries that does not exist.</summary>
    UnknownState,

    /// <summary>The span to send again is none, or holds too many events.</summary>
    InvalidSpan,

    /// <summary>The webhook is disabled, so that nothing would be sent.</summary>
    WebhookDisabled,

    /// <summary>As many secrets sign as may at once.</summary>
    TooManySecrets,

    /// <summary>A kind of rule or of report that does not exist.</summary>
    UnknownKind,

    /// <summary>A workload that is not configured.</summary>
    UnknownWorkload,

    /// <summary>A functional unit that does not exist.</summary>
    UnknownUnit,

    /// <summary>A boundary that does not exist.</summary>
    UnknownBoundary,

    /// <summary>A comparison that the kind of rule does not have.</summary>
    UnknownComparison,

    /// <summary>A threshold outside of what the kind of rule allows.</summary>
    InvalidThreshold,

    /// <summary>A window of a rule outside of what is allowed.</summary>
    InvalidWindow,

    /// <summary>A baseline that the kind of rule does not have, or outside of what is allowed.</summary>
    InvalidBaseline,

    /// <summary>A cool-down of a rule outside of what is allowed.</summary>
    InvalidCoolDown,

    /// <summary>A grain of a report that does not exist.</summary>
    UnknownGrain,

    /// <summary>The start or the end of the period is missing.</summary>
    MissingPeriod,

    /// <summary>The period is none, is empty, or is not of whole hours, days or months.</summary>
    InvalidPeriod,

    /// <summary>The period lies in the future.</summary>
    FuturePeriod,

    /// <summary>The functional unit is missing.</summary>
    MissingUnit,

    /// <summary>The deployments cannot be compared as asked.</summary>
    InvalidComparison,

    /// <summary>Nothing is stored of what the report is about.</summary>
    NoData,

    /// <summary>The report has more rows than its format holds.</summary>
    TooManyRows,

    /// <summary>As many reports wait as may at once; <c>Retry-After</c> says when to come back.</summary>
    Busy,

    /// <summary>The report is not made yet, has failed, or was cancelled.</summary>
    NotDone,

    /// <summary>The file to check cannot be read.</summary>
    UnreadableFile,

    /// <summary>The source has no past that can be read, or not that one.</summary>
    InvalidBackfill,
}

/// <summary>The words of <see cref="ProblemCode"/>.</summary>
public static class ProblemCodes
{
    private static readonly Dictionary<ProblemCode, string> Words = Enum.GetValues<ProblemCode>()
        .ToDictionary(code => code, code => JsonNamingPolicy.SnakeCaseLower.ConvertName(code.ToString()));

    /// <summary>The word of a code: <c>not_found</c>.</summary>
    public static string ToWord(this ProblemCode code) => Words[code];

    /// <summary>The code of an answer that has a status and nothing else.</summary>
    /// <param name="status">HTTP status of 400 or more.</param>
    public static ProblemCode OfStatus(int status) =>
        status switch
        {
            StatusCodes.Status401Unauthorized => ProblemCode.Unauthenticated,
            StatusCodes.Status403Forbidden => ProblemCode.Forbidden,
            StatusCodes.Status404NotFound => ProblemCode.NotFound,
            StatusCodes.Status405MethodNotAllowed => ProblemCode.MethodNotAllowed,
            StatusCodes.Status406NotAcceptable => ProblemCode.NotAcceptable,
            StatusCodes.Status408RequestTimeout => ProblemCode.RequestTimeout,
            StatusCodes.Status413PayloadTooLarge => ProblemCode.TooLarge,
            StatusCodes.Status415UnsupportedMediaType => ProblemCode.UnsupportedMediaType,
            StatusCodes.Status416RangeNotSatisfiable => ProblemCode.RangeNotSatisfiable,
            StatusCodes.Status429TooManyRequests => ProblemCode.RateLimited,
            StatusCodes.Status503ServiceUnavailable => ProblemCode.StorageUnavailable,
            >= 500 => ProblemCode.InternalError,
            _ => ProblemCode.BadRequest,
        };
}

/// <summary>Writes codes as their words.</summary>
internal sealed class ProblemCodeConverter()
    : JsonStringEnumConverter<ProblemCode>(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false);
