namespace Metrics.Domain.Tests.Fleets;

/// <summary>What makes a fleet hard to read. Each is a switch, so that a failure names the kinds that it needs. The number of a member
/// stands in seeds and stays its own for ever.</summary>
[Flags]
public enum Trouble
{
    /// <summary>Whole boards held all the time, a wall meter, one engine a pod, even scrapes: nothing to get wrong.</summary>
    None = 0,

    // How fleets are, with nothing wrong: every number has to be told.

    /// <summary>No meter of the whole: packages, memory and boards are all that is read.</summary>
    NoWall = 1 << 0,

    /// <summary>Boards change hands: pods come, go and follow each other within the hour.</summary>
    Moves = 1 << 1,

    /// <summary>A new pod every few minutes, its counters from zero.</summary>
    ShortPods = 1 << 2,

    /// <summary>Two or three pods hold one board at the same time.</summary>
    Shared = 1 << 3,

    /// <summary>MIG: quarters of an A30, sevenths of an A100 or H100.</summary>
    Slices = 1 << 4,

    /// <summary>Scrapes five to ten minutes apart.</summary>
    Sparse = 1 << 5,

    /// <summary>Scrapes come up to a third of their distance early or late.</summary>
    Jitter = 1 << 6,

    /// <summary>Load that goes on and off within a minute, seen by gauges now and then.</summary>
    Bursts = 1 << 7,

    /// <summary>Pods that have nothing to do for a while.</summary>
    Quiet = 1 << 8,

    /// <summary>A load meter of the boards stands beside the others.</summary>
    Loads = 1 << 9,

    /// <summary>The site's PUE is known within a range.</summary>
    SiteRange = 1 << 10,

    /// <summary>A pair of Prometheus servers, told apart by the label of replicas.</summary>
    Replicas = 1 << 11,

    /// <summary>Two jobs scrape the same targets; only the job's label differs.</summary>
    TwoJobs = 1 << 12,

    /// <summary>Two sources read the same engines.</summary>
    TwoSources = 1 << 13,

    /// <summary>Client, gateway and router count the work of the engines behind them once more.</summary>
    Layers = 1 << 14,

    /// <summary>Prefill and decode engines, both of which count prompts and requests.</summary>
    Roles = 1 << 15,

    /// <summary>Rows that come late, twice, or revised; hours computed one by one.</summary>
    Late = 1 << 16,

    /// <summary>Machines of one name, in two clusters of a place.</summary>
    SameNames = 1 << 28,

    /// <summary>Of the host nothing is read, and its type is told: a model stands for it.</summary>
    Modelled = 1 << 29,

    /// <summary>Meters of the boards and of the whole err to different sides: what is left between them errs by more than either.</summary>
    Apart = 1 << 30,

    // What goes wrong: a number may be null, but what is disbelieved or missing is named.

    /// <summary>Exporters that fall silent for minutes.</summary>
    Gaps = 1 << 17,

    /// <summary>The wall meter pauses while the components go on.</summary>
    WallPauses = 1 << 18,

    /// <summary>A counter shows zero once and goes on from where it was.</summary>
    Glitch = 1 << 19,

    /// <summary>A counter begins anew, because its process did.</summary>
    Reset = 1 << 20,

    /// <summary>A wall meter that shows nothing, for all of the time or from some time on.</summary>
    DeadWall = 1 << 21,

    /// <summary>A board's meter that shows nothing while the board works.</summary>
    DeadBoard = 1 << 22,

    /// <summary>All ones where a value should be.</summary>
    Sentinel = 1 << 23,

    /// <summary>An exporter whose clock is some seconds off.</summary>
    Skew = 1 << 24,

    /// <summary>Some boards of a machine are not scraped.</summary>
    HalfRead = 1 << 25,

    /// <summary>A load meter that shows zero while the board works.</summary>
    DeadLoad = 1 << 26,

    /// <summary>Energy counters of packages that wrap every quarter of an hour, as RAPL's do.</summary>
    Wrap = 1 << 27,
}

/// <summary>Troubles by what they mean.</summary>
internal static class TroubleKinds
{
    /// <summary>The kinds with which something is wrong, so that a number may be null and a reason has to be told.</summary>
    public const Trouble Faults =
        Trouble.Gaps
        | Trouble.WallPauses
        | Trouble.Glitch
        | Trouble.Reset
        | Trouble.DeadWall
        | Trouble.DeadBoard
        | Trouble.Sentinel
        | Trouble.Skew
        | Trouble.HalfRead
        | Trouble.DeadLoad
        | Trouble.Wrap;

    /// <summary>Every single kind.</summary>
    public static IReadOnlyList<Trouble> All { get; } = [.. Enum.GetValues<Trouble>().Where(kind => kind != Trouble.None)];

    /// <summary>The single kinds of a set.</summary>
    public static IEnumerable<Trouble> Kinds(this Trouble troubles) => All.Where(kind => (troubles & kind) != 0);

    /// <summary>Whether the set has any of the kinds.</summary>
    public static bool Has(this Trouble troubles, Trouble any) => (troubles & any) != 0;

    /// <summary><c>Glitch+Replicas</c>; <c>None</c> for none.</summary>
    public static string Text(this Trouble troubles) => troubles == Trouble.None ? "None" : string.Join('+', troubles.Kinds());
}
