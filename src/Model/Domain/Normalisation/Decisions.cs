using Metrics.Domain.Catalogue;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Normalisation;

/// <summary>How the energy of a resource in a grid period was found.</summary>
public enum EnergyRule
{
    /// <summary>Meters read it: <see cref="EnergyDecision.Meters"/>.</summary>
    Metered,

    /// <summary>What the hardware of a board draws at its load: <see cref="EnergyDecision.Model"/>.</summary>
    BoardModel,

    /// <summary>What a host of its type draws at its load, without accelerators: <see cref="EnergyDecision.Model"/>.</summary>
    HostModel,

    /// <summary>A published factor for each unit of work: <see cref="EnergyDecision.Estimate"/>.</summary>
    Estimate,
}

/// <summary>What gave a workload its part of a resource.</summary>
public enum ShareRule
{
    /// <summary>Labels of the series that the energy was read from.</summary>
    Series,

    /// <summary>Labels of other series that read the same energy.</summary>
    OtherSeries,

    /// <summary>Labels of the series that tell the load.</summary>
    Load,

    /// <summary>Of a reading of all boards of a machine: what its boards drew that are read one by one. Unit: joules.</summary>
    Boards,

    /// <summary>The work that engines on the machine counted. Unit: the functional unit.</summary>
    Work,

    /// <summary>What pods, containers or processes drew by their own meters. Unit: joules.</summary>
    PodEnergy,

    /// <summary>The time that accelerators of the machine were held. Unit: seconds.</summary>
    AcceleratorTime,

    /// <summary>The CPU time of pods, containers or processes. Unit: seconds at full load.</summary>
    CpuTime,

    /// <summary>What nothing gives to anybody.</summary>
    Rest,
}

/// <summary>What gave the idle part of a workload's energy.</summary>
public enum IdleRule
{
    /// <summary>The load of the resource itself.</summary>
    Load,

    /// <summary>The mean load of the accelerators that the workload held.</summary>
    Accelerators,

    /// <summary>Nothing is reserved: none of it is idle.</summary>
    Nothing,

    /// <summary>Whether work was done in the period; nothing tells the load.</summary>
    Work,
}

/// <summary>Why no fact was made of a reading.</summary>
public enum UnusedRule
{
    /// <summary>Another series counts the same work.</summary>
    SameWork,

    /// <summary>Another series tells the same: <see cref="UnusedDecision.Series"/>.</summary>
    SameReading,

    /// <summary>Another meter of the component was taken: <see cref="UnusedDecision.Mapping"/>.</summary>
    BetterMeter,

    /// <summary>A meter reads the energy, so nobody asked for the load.</summary>
    LoadNotAsked,

    /// <summary>Cores and uncore lie inside the package.</summary>
    InsidePackage,

    /// <summary>What covers the boundary holds it: <see cref="UnusedDecision.Component"/>.</summary>
    InsideCover,

    /// <summary>A share of its server, where the shares are told on another level, or by the boards themselves.</summary>
    OtherLevel,

    /// <summary>No boundary takes its component.</summary>
    NoBoundary,
}

/// <summary>Why no fact was made of a reading, and of what one was made instead.</summary>
/// <param name="Rule">Why.</param>
public sealed record UnusedDecision(UnusedRule Rule)
{
    /// <summary>The series that is taken.</summary>
    public Series? Series { get; init; }

    /// <summary>How the samples of the meter are understood that is taken.</summary>
    public MetricMapping? Mapping { get; init; }

    /// <summary>The component that is taken.</summary>
    public Component Component { get; init; }
}

/// <summary>What one meter read of one component, and how far that may be from the truth.</summary>
/// <param name="Component">The component.</param>
/// <param name="Mapping">How its samples are understood.</param>
/// <param name="Joules">What was added up.</param>
/// <param name="Accuracy">Bounds of the meter as multiples of the reading; null when nothing states them, or the mapping has a power
/// model.</param>
/// <param name="Model">Joules at rest and at full load by the power model of the mapping; null when it has none.</param>
/// <param name="Doubt">Joules by which it may be more or less, for what a level did between its samples.</param>
public sealed record MeterReading(
    Component Component,
    MetricMapping Mapping,
    IReadOnlyList<double> Joules,
    Bounds? Accuracy,
    Bounds? Model,
    double Doubt = 0
);

/// <summary>What one part of a component told of its load.</summary>
/// <param name="FullLoadSeconds">Seconds at full load, before any scale.</param>
/// <param name="Seconds">The time that it spoke of.</param>
/// <param name="Busy">Its utilisation, from 0 to 1.</param>
/// <param name="Servers">How many servers it is the mean of.</param>
/// <param name="Slice">The part of the whole that it is; 1 when it is no slice.</param>
/// <param name="Scaled">Whether a scale made the utilisation of what was read; else it is the one over the other.</param>
public sealed record LoadPart(double FullLoadSeconds, double Seconds, double Busy, double Servers, double Slice, bool Scaled);

/// <summary>How busy a component was.</summary>
/// <param name="Mapping">How its samples are understood.</param>
/// <param name="Busy">Mean utilisation, from 0 to 1.</param>
/// <param name="Parts">What it was made of: the mean of whole parts, or the sum of slices where no whole is told.</param>
public sealed record LoadReading(MetricMapping Mapping, double Busy, IReadOnlyList<LoadPart> Parts);

/// <summary>Power by load: (idle + busy x (max - idle)) x seconds x count.</summary>
/// <param name="Power">Power of one.</param>
/// <param name="Busy">The load that was taken, from 0 to 1.</param>
/// <param name="Seconds">The time.</param>
/// <param name="Boards">How many boards one load speaks of; of a host 1.</param>
/// <param name="Servers">How many servers one load is the mean of.</param>
/// <param name="Factor">Name of the factor that gave the power.</param>
public sealed record PowerDecision(PowerRange Power, double Busy, double Seconds, double Boards, double Servers, string Factor)
{
    /// <summary>What was read of the load; null when nothing was.</summary>
    public LoadReading? Load { get; init; }

    /// <summary>Seconds for which nothing told the load and <see cref="UsualLoad"/> was taken.</summary>
    public double UsualSeconds { get; init; }

    /// <summary>The power limit that took the place of the table's maximum; null when none did.</summary>
    public Power? Limit { get; init; }

    /// <summary>Of a host: what it is made of.</summary>
    public ServerType? Server { get; init; }

    /// <summary>Of a host: its virtual CPU.</summary>
    public Hardware? VirtualCpu { get; init; }
}

/// <summary>Energy of tokens of an API.</summary>
/// <param name="Tokens">Output tokens.</param>
/// <param name="Low">Joules with the least parameters in the batch of the formula.</param>
/// <param name="High">Joules with the most parameters in that batch; the value lies half way.</param>
/// <param name="Bounds">Joules in any batch.</param>
/// <param name="Factor">Name of the factor that gave the size.</param>
public sealed record EstimateDecision(double Tokens, double Low, double High, Bounds Bounds, string Factor);

/// <summary>Emissions of making a machine that fall to a grid period: total x seconds / lifespan x machines, in equal parts to its
/// accelerators.</summary>
/// <param name="Hardware">Total and lifespan.</param>
/// <param name="Seconds">The time that it was reserved.</param>
/// <param name="Machines">How many machines are told as one.</param>
/// <param name="Grams">What falls to the machine in the period.</param>
/// <param name="Accelerators">How many accelerators carry it; 0 when the machine itself does.</param>
/// <param name="Factor">Name of the factor.</param>
public sealed record EmbodiedDecision(Embodied Hardware, double Seconds, double Machines, double Grams, int Accelerators, string Factor);

/// <summary>One reason for a share, with its numbers.</summary>
/// <param name="Rule">Why.</param>
/// <param name="Part">The workload's.</param>
/// <param name="Of">That of all.</param>
/// <param name="Unit">What both are counted in; empty when they only weigh.</param>
public sealed record ShareKey(ShareRule Rule, double Part, double Of, string Unit);

/// <summary>The idle part of a workload's energy.</summary>
/// <param name="Rule">What gave it.</param>
/// <param name="Busy">The load that was taken, from 0 to 1.</param>
/// <param name="Load">What was read of it; null when it is a mean over accelerators or nothing was read.</param>
public sealed record IdleDecision(IdleRule Rule, double Busy, LoadReading? Load)
{
    /// <summary>What the thing draws while it does nothing: the idle part is that times the time at rest, and at the most what was drawn.
    /// Null where work told the idle part.</summary>
    public double? Watts { get; internal set; }

    /// <summary>What told it.</summary>
    public IdlePower WattsBy { get; internal set; }

    /// <summary>The time that the load speaks of, as the share of it that is told; of which 1 - load is at rest.</summary>
    public double Seconds { get; internal set; }
}

/// <summary>What told the power of a thing that does nothing.</summary>
public enum IdlePower
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The least power seen at no load in the hour.</summary>
    Seen,

    /// <summary>The table of hardware.</summary>
    Table,

    /// <summary>The least power seen in the hour at any load: it draws no more while it does nothing.</summary>
    Least,
}

/// <summary>A rule that set something aside.</summary>
public enum CoverRule
{
    /// <summary>The meter of a whole showed less than its parts, and was not believed.</summary>
    LessThanItsParts,

    /// <summary>The machine's meter pauses: what is in it does not stand in for it.</summary>
    KeepsItsMeaning,

    /// <summary>Boards of the machine are not read: what they drew and their part of the rest is nobody's.</summary>
    UnreadBoards,

    /// <summary>The share of a slice in its board is in no table.</summary>
    UnknownSlice,

    /// <summary>A load meter said none while the board drew what only work makes it draw.</summary>
    DeadLoad,

    /// <summary>The meter of a board showed nothing.</summary>
    DeadBoard,
}

/// <summary>A rule that acted on a resource in a grid period, with the numbers that it compared.</summary>
/// <param name="Rule">Which one.</param>
/// <param name="Subject">What it set aside.</param>
/// <param name="Shown">What that showed.</param>
/// <param name="Against">What it was compared with.</param>
/// <param name="Unit">What both are counted in.</param>
public sealed record CoverDecision(CoverRule Rule, string Subject, double Shown, double Against, string Unit);

/// <summary>What gave a workload its part of a resource.</summary>
/// <param name="Workload">Name of the workload.</param>
/// <param name="Keys">Each reason once; several where it got parts of what several rules divided.</param>
/// <param name="Idle">How the idle part was found; null when that is unknown.</param>
public sealed record ShareDecision(string Workload, IReadOnlyList<ShareKey> Keys, IdleDecision? Idle);

/// <summary>A measure of the facts of a place on a day that is another one times a factor.</summary>
/// <param name="Measure">What is made.</param>
/// <param name="From">What it is made from, of the same fact.</param>
/// <param name="By">The factor.</param>
public sealed record AccountDecision(Measure Measure, Measure From, Factor By);

/// <summary>What was decided about the energy of one resource in one grid period, told by those who decided.</summary>
public sealed record EnergyDecision
{
    /// <summary>The resource.</summary>
    public required Resource Resource { get; init; }

    /// <summary>The grid period.</summary>
    public required Interval Period { get; init; }

    /// <summary>Which energy it is about. A machine whose boards are read as one is told twice, as its boards and as what is
    /// left.</summary>
    public required Measure Measure { get; init; }

    /// <summary>What made up the widest boundary.</summary>
    public required EnergyCover Cover { get; init; }

    /// <summary>How the energy was found.</summary>
    public required EnergyRule Rule { get; init; }

    /// <summary>What the rule gave, in joules.</summary>
    public required double Joules { get; init; }

    /// <summary>What was read, where meters read it.</summary>
    public IReadOnlyList<MeterReading> Meters { get; init; } = [];

    /// <summary>The model of power, where one was used.</summary>
    public PowerDecision? Model { get; init; }

    /// <summary>The estimate, where one was made.</summary>
    public EstimateDecision? Estimate { get; init; }

    /// <summary>Of a server whose reading holds its accelerators: their joules, which were taken off; null when it holds none.</summary>
    public double? JoulesOfAccelerators { get; init; }

    /// <summary>Its joules within the server boundary; null when those are unknown.</summary>
    public double? WithinServer =>
        Measure == Measures.Server ? Joules - (JoulesOfAccelerators ?? 0)
        : Measure == Measures.Accelerator ? Joules * ServerScale * ServerTime
        : null;

    /// <summary>Of an accelerator: what its joules were multiplied by so that those of all make up the server's; null when the server is
    /// unknown.</summary>
    public double? ServerScale { get; init; }

    /// <summary>Of an accelerator: the part of its time for which the server that holds it is known too.</summary>
    public double ServerTime { get; init; } = 1;

    /// <summary>Emissions of making the machine; null when they are unknown or have no part here.</summary>
    public EmbodiedDecision? Embodied { get; init; }

    /// <summary>Who got what.</summary>
    public required IReadOnlyList<ShareDecision> Shares { get; init; }
}
