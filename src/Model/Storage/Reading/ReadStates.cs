using Metrics.Domain.Quantities;

namespace Metrics.Storage.Reading;

/// <summary>Why a window was read. In tables and responses it is the word in lower case.</summary>
public enum ReadKind
{
    /// <summary>Reading goes on from the watermark.</summary>
    Read,

    /// <summary>Somebody asked for a span of the past.</summary>
    Backfill,

    /// <summary>The daily second look at what came or changed late.</summary>
    Reread,

    /// <summary>A day that differed from the provider's own statistic; the run of a comparison has this kind too.</summary>
    Reconcile,

    /// <summary>What was missed while a series could not be read.</summary>
    Healed,
}

/// <summary>What became of a read. In tables and responses it is the word in lower case.</summary>
public enum RunState
{
    /// <summary>It goes on: a part of it is stored.</summary>
    Reading,

    /// <summary>All of the window came.</summary>
    Whole,

    /// <summary>What came is stored, something lacks, and the window is read again.</summary>
    Partial,

    /// <summary>It ended in an error, or its reader stopped.</summary>
    Failed,

    /// <summary>Another reader took the source over; what this one still brought was refused.</summary>
    Fenced,

    /// <summary>A comparison: what is stored differs from the provider's own statistic, also after a second reading.</summary>
    Mismatch,
}

/// <summary>How far a span of the past is. In tables and responses it is the word in lower case.</summary>
public enum BackfillState
{
    /// <summary>Nothing of it has been read.</summary>
    Waiting,

    /// <summary>A part of it has been read.</summary>
    Reading,

    /// <summary>All of it has been read.</summary>
    Done,

    /// <summary>Somebody ended it; what was read stays.</summary>
    Cancelled,
}

/// <summary>Why an hour has to be computed again. In tables, events and the API it is the word of <see cref="SnakeCase"/>.</summary>
public enum DirtyReason
{
    /// <summary>A sample of it came or changed.</summary>
    LateData,

    /// <summary>Mappings, places, workload rules or the grain are others than before.</summary>
    RulesChanged,

    /// <summary>Another factor holds in it than before.</summary>
    FactorsChanged,
}

internal static class DirtyReasonText
{
    private static readonly IReadOnlyDictionary<string, DirtyReason> Words = SnakeCase.Values<DirtyReason>();

    public static string Text(this DirtyReason reason) => SnakeCase.Of(reason);

    public static DirtyReason Parse(string word) => Words[word];
}
