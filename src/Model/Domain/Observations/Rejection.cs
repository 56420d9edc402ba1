namespace Metrics.Domain.Observations;

/// <summary>Something refused, with its reason. Data, not an exception: it is stored, counted and can be queried.</summary>
/// <param name="Source">Id of the source.</param>
/// <param name="Subject">The series, or the place in a file: <c>metric{labels}</c>, <c>fleet.ndjson:17</c>.</param>
/// <param name="At">The instant of the refused sample, or of the end of the refused span; null when it had none.</param>
/// <param name="Reason">Why.</param>
/// <param name="Detail">One plain sentence with the offending value and what to do. Holds no secret.</param>
public sealed record Rejection(string Source, string Subject, DateTime? At, RejectionReason Reason, string Detail);

/// <summary>Why something was refused. Stored and shown as snake_case text: <c>counter_reset</c>.</summary>
public enum RejectionReason
{
    /// <summary>No mapping of the catalogue knows the metric.</summary>
    UnmappedMetric,

    /// <summary>Not a number that a meter can show: NaN, infinite, or beyond a double.</summary>
    NotFinite,

    /// <summary>A negative power, energy, count or utilisation.</summary>
    NegativeValue,

    /// <summary>The exporter's way to say that it has no value.</summary>
    Sentinel,

    /// <summary>Beyond what the mapping allows, such as a utilisation above 1, or more than 1e24.</summary>
    OutOfRange,

    /// <summary>The unit or kind told by the source differs from the mapping.</summary>
    UnitDrift,

    /// <summary>A counter fell and no declared maximum explains it: the span is a gap.</summary>
    CounterReset,

    /// <summary>Too long between two samples to say what happened: the span is a gap.</summary>
    SpanTooLong,

    /// <summary>The same instant twice with different values in one answer.</summary>
    ConflictingDuplicate,

    /// <summary>More than two minutes ahead of the clock.</summary>
    FutureTimestamp,

    /// <summary>A time that cannot be meant, such as milliseconds read as seconds.</summary>
    ImplausibleTimestamp,

    /// <summary>A delta without an interval, or an instant with one.</summary>
    WrongInterval,

    /// <summary>The row or line could not be read.</summary>
    Malformed,

    /// <summary>More series, labels or bytes than the source may send.</summary>
    LimitExceeded,

    /// <summary>Utilisation without a power model for the hardware.</summary>
    NoPowerModel,

    /// <summary>The rules of two workloads claim the series: neither has it.</summary>
    AmbiguousWorkload,

    /// <summary>Tokens of an API whose model is in no table, so that no energy can be estimated.</summary>
    ModelUnknown,

    /// <summary>A value that no meter of its kind can show: all ones of its counter, or more than its hardware can draw.</summary>
    ImplausibleValue,

    /// <summary>A counter fell and came back to where it was: what lies between is bridged from before the fall.</summary>
    Glitch,

    /// <summary>The meter of a whole showed less than the parts in it, beyond what meters err by: it was not believed.</summary>
    LessThanItsParts,

    /// <summary>Other values at the same instant for one identity, and no label that says which is whose: none was taken.</summary>
    AmbiguousIdentity,

    /// <summary>Work that another series told already: it counts once.</summary>
    ToldTwice,

    /// <summary>A slice of a board whose share is in no table.</summary>
    SliceUnknown,

    /// <summary>A series that several reads in a row could not get: the source goes on without it.</summary>
    Quarantined,

    /// <summary>A workload rule that no series of its source meets, though the source has been read.</summary>
    RuleMatchesNothing,
}
