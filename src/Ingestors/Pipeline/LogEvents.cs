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
}
