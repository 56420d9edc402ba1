namespace Metrics.Emulators;

/// <summary>How a cloud falls short of telling the truth at once, decided by a seed: the same seed, stream, minute and time give the same
/// answer.</summary>
public sealed record Faults
{
    /// <summary>A cloud that tells everything as soon as the minute is over, and answers every request.</summary>
    public static readonly Faults None = new();

    /// <summary>Seed of every decision.</summary>
    public int Seed { get; init; }

    /// <summary>How long after its end a minute can be read.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>Share of the minutes of each stream that come later by <see cref="LateBy"/>.</summary>
    public double LateShare { get; init; }

    /// <summary>How much later those come.</summary>
    public TimeSpan LateBy { get; init; }

    /// <summary>Share of the minutes whose first value is too small (gauges and deltas) and becomes final after
    /// <see cref="RevisedAfter"/>.</summary>
    public double RevisedShare { get; init; }

    /// <summary>How long after a minute can be read its value becomes final.</summary>
    public TimeSpan RevisedAfter { get; init; }

    /// <summary>Share of requests that are refused for haste.</summary>
    public double ThrottledShare { get; init; }

    /// <summary>Share of requests that end in a fault of the server.</summary>
    public double BrokenShare { get; init; }

    /// <summary>Share of requests whose answer breaks off.</summary>
    public double CutShare { get; init; }

    /// <summary>Share of requests whose answer leaves half of the streams out and still says that it is whole.</summary>
    public double LyingShare { get; init; }

    /// <summary>Share of requests whose answer says of some of it that it could not be had.</summary>
    public double PartialShare { get; init; }

    /// <summary>What the cloud shows of a stream's minute now; null: nothing, or nothing yet.</summary>
    public double? Shown(Signal signal, DateTime minute, DateTime now)
    {
        var seen = minute.AddMinutes(1) + Delay;
        if (Chance("late", signal.Key, minute.Ticks) < LateShare)
            seen += LateBy;
        if (now < seen || signal.Minute(minute) is not { } value)
            return null;
        if (signal.Kind != SignalKind.Cumulative && now < seen + RevisedAfter && Chance("revised", signal.Key, minute.Ticks) < RevisedShare)
            return value * (0.3 + 0.5 * Chance("how much", signal.Key, minute.Ticks));
        return value;
    }

    /// <summary>What befalls the n-th request.</summary>
    public RequestFault Of(long request)
    {
        var chance = Chance("request", "", request);
        foreach (
            var (share, fault) in new[]
            {
                (ThrottledShare, RequestFault.Throttled),
                (BrokenShare, RequestFault.Broken),
                (CutShare, RequestFault.Cut),
                (LyingShare, RequestFault.Lying),
                (PartialShare, RequestFault.Partial),
            }
        )
        {
            if (chance < share)
                return fault;
            chance -= share;
        }
        return RequestFault.None;
    }

    /// <summary>A number from 0 to 1 that depends on the seed, the question and the subject alone.</summary>
    public double Chance(string question, string subject, long number)
    {
        // FNV-1a over the texts, then the finaliser of SplitMix64, whose every output bit depends on every input bit.
        var hash = 14695981039346656037UL ^ (ulong)Seed;
        foreach (var c in question)
            hash = (hash ^ c) * 1099511628211UL;
        foreach (var c in subject)
            hash = (hash ^ c) * 1099511628211UL;
        hash += (ulong)number * 0x9E3779B97F4A7C15UL;
        hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9UL;
        hash = (hash ^ (hash >> 27)) * 0x94D049BB133111EBUL;
        return ((hash ^ (hash >> 31)) >> 11) / (double)(1UL << 53);
    }
}

/// <summary>What befalls a request.</summary>
public enum RequestFault
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Refused for haste, with the cloud's own code.</summary>
    Throttled,

    /// <summary>A fault of the server.</summary>
    Broken,

    /// <summary>The answer breaks off.</summary>
    Cut,

    /// <summary>Half of the streams are left out, and nothing says so.</summary>
    Lying,

    /// <summary>A part could not be had, and the answer says so in the cloud's own way.</summary>
    Partial,
}
