using Microsoft.Extensions.Logging;

namespace Metrics.Ingestors.Pipeline;

/// <summary>What the log tells under a number that stays: an alert or a search goes by it and not by the sentence.</summary>
/// <remarks>Numbers are never given again. <c>docs/operations.md</c> lists them.</remarks>
public static class LogEvents
{
    /// <summary>The worker has opened its sources.</summary>
    public static readonly EventId SourcesOpened = new(1000, nameof(SourcesOpened));

    /// <summary>A source brought its first observations.</summary>
    public static readonly EventId FirstData = new(1001, nameof(FirstData));

    /// <summary>A workload has energy and work in one hour for the first time, so joules per unit.</summary>
    public static readonly EventId FirstNumber = new(1002, nameof(FirstNumber));

    /// <summary>The facts of an hour were computed. Of every minute of a service, so at the level Debug.</summary>
    public static readonly EventId HourRecomputed = new(1003, nameof(HourRecomputed));

    /// <summary>A source was read, and a rule of a workload met none of its series.</summary>
    public static readonly EventId RuleMatchesNothing = new(1004, nameof(RuleMatchesNothing));

    /// <summary>A source fell behind, or is current again.</summary>
    public static readonly EventId SourceStale = new(1005, nameof(SourceStale)),
        SourceRecovered = new(1006, nameof(SourceRecovered));

    /// <summary>The service answers requests.</summary>
    public static readonly EventId ServiceStarted = new(1007, nameof(ServiceStarted));

    /// <summary>A source could not be read; told once until that changes.</summary>
    public static readonly EventId SourceUnreadable = new(1010, nameof(SourceUnreadable));

    /// <summary>A source that could not be read is read again.</summary>
    public static readonly EventId SourceRead = new(1011, nameof(SourceRead));

    /// <summary>What a source answered for a window was incomplete; told once until it is whole.</summary>
    public static readonly EventId ReadPartial = new(1012, nameof(ReadPartial));

    /// <summary>A source goes on without a series that could not be read.</summary>
    public static readonly EventId SeriesQuarantined = new(1013, nameof(SeriesQuarantined));

    /// <summary>A series of those can be read again.</summary>
    public static readonly EventId SeriesHealed = new(1014, nameof(SeriesHealed));

    /// <summary>Another worker took a source over while this one was reading it.</summary>
    public static readonly EventId ReadFenced = new(1015, nameof(ReadFenced));

    /// <summary>A window of the past could not be read.</summary>
    public static readonly EventId BackfillUnreadable = new(1016, nameof(BackfillUnreadable));

    /// <summary>The clocks of a source and of the database differ.</summary>
    public static readonly EventId ClocksDiffer = new(1017, nameof(ClocksDiffer));

    /// <summary>The right to read a source could not be held for longer.</summary>
    public static readonly EventId LeaseNotRenewed = new(1018, nameof(LeaseNotRenewed));

    /// <summary>A read could not be ended in the database; its lease ends by itself.</summary>
    public static readonly EventId ReadNotEnded = new(1019, nameof(ReadNotEnded));

    /// <summary>A day differs from the provider's own statistic and is read again.</summary>
    public static readonly EventId DayDiffers = new(1020, nameof(DayDiffers));

    /// <summary>A day differs from the provider's own statistic also after a second reading.</summary>
    public static readonly EventId DayStillDiffers = new(1021, nameof(DayStillDiffers));

    /// <summary>A day could not be compared with the provider's own statistic.</summary>
    public static readonly EventId DayNotCompared = new(1022, nameof(DayNotCompared));

    /// <summary>The facts of an hour could not be computed.</summary>
    public static readonly EventId HourFailed = new(1023, nameof(HourFailed));

    /// <summary>A source refused a query for its size and was asked in smaller ones; told once until it need not be.</summary>
    public static readonly EventId AskedInParts = new(1024, nameof(AskedInParts));

    /// <summary>Rows that are stored contradict themselves.</summary>
    public static readonly EventId RowsContradict = new(1025, nameof(RowsContradict));
}
