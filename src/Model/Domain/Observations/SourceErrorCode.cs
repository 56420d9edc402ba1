namespace Metrics.Domain.Observations;

/// <summary>Why a source could not be read. In tables, logs and messages it is the word of <c>SnakeCase</c>: <c>NotMetrics</c> is
/// <c>not_metrics</c>.</summary>
public enum SourceErrorCode
{
    /// <summary>No connection, no name, no trust in the certificate, no such file: nobody was there to ask.</summary>
    Unreachable,

    /// <summary>Who asked may not read, or is not known.</summary>
    Unauthorised,

    /// <summary>The source is asked too much and wants to be left alone for a while.</summary>
    Throttled,

    /// <summary>The exchange did not end in time.</summary>
    Timeout,

    /// <summary>What came stopped before its end, so nothing of it counts.</summary>
    Truncated,

    /// <summary>What came is something else than was asked for: a page for people, another format.</summary>
    NotMetrics,

    /// <summary>What came was more than the settings allow.</summary>
    TooLarge,

    /// <summary>The far side met an error of its own.</summary>
    ServerError,

    /// <summary>The far side points elsewhere, where credentials are not sent.</summary>
    Redirected,

    /// <summary>The far side does not do what it was asked, and says so.</summary>
    Refused,

    /// <summary>A file or folder is there and cannot be read.</summary>
    Unreadable,
}
