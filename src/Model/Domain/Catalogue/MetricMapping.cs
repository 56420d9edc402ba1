using Metrics.Domain.Facts;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Catalogue;

/// <summary>How the samples of a metric relate to time.</summary>
public enum SampleKind
{
    /// <summary>A level at an instant.</summary>
    Gauge,

    /// <summary>An amount within the sample's own interval.</summary>
    Delta,

    /// <summary>A running counter; its rise between two samples is the amount.</summary>
    Cumulative,
}

/// <summary>Which part of a machine room a reading is about.</summary>
public enum Component
{
    /// <summary>Not about power: work.</summary>
    None,

    /// <summary>One GPU, TPU or other accelerator board.</summary>
    Accelerator,

    /// <summary>A CPU package (socket), cores and uncore included.</summary>
    Cpu,

    /// <summary>The cores of a package: inside <see cref="Cpu"/>.</summary>
    Core,

    /// <summary>The uncore part of a package: inside <see cref="Cpu"/>.</summary>
    Uncore,

    /// <summary>DRAM.</summary>
    Memory,

    /// <summary>RAPL psys: the platform; holds <see cref="Cpu"/> and <see cref="Memory"/>.</summary>
    Platform,

    /// <summary>A superchip module: CPU, GPU and their memory on one board.</summary>
    Module,

    /// <summary>A whole server, as its management controller measures it.</summary>
    Node,

    /// <summary>The input of one power supply of a server; they add up to the server.</summary>
    Psu,

    /// <summary>One outlet of a power distribution unit.</summary>
    Outlet,

    /// <summary>A whole power distribution unit.</summary>
    Pdu,

    /// <summary>A rack.</summary>
    Rack,
}

/// <summary>Which labels name the resource that a series is about. The first label of a list that is present counts.</summary>
/// <param name="Kind">Kind of resource: <c>gpu</c>, <c>node</c>, <c>pdu</c>, <c>pod</c>, <c>container</c> ...</param>
/// <param name="Id">Labels that may hold its own identity; for a node the host. Empty: the resource is the node.</param>
/// <param name="Node">Labels that may hold the host it sits in.</param>
/// <param name="Part">Labels that tell disjoint parts of one component apart (socket index, power supply id); all present ones count.</param>
/// <param name="Hardware">Labels that may hold the hardware model: of a board its name, of a machine its instance type.</param>
public sealed record ResourceLabels(string Kind, IReadOnlyList<string> Id, IReadOnlyList<string> Node, IReadOnlyList<string> Part, IReadOnlyList<string> Hardware)
{
    /// <summary>Labels that may hold the instance type of the host that it sits in.</summary>
    public IReadOnlyList<string> NodeHardware { get; init; } = [];
}

/// <summary>A condition on one label. A label that is absent has the empty value, as in Prometheus.</summary>
/// <param name="Label">Name of the label.</param>
/// <param name="Globs">
/// The value must match one of the plain globs, when there are any, and none of those with a leading <c>!</c>:
/// <c>stop</c>, <c>length</c> is either of them; <c>!*mmio*</c> is anything else, absence included; the empty glob is absence.
/// </param>
public sealed record LabelCondition(string Label, IReadOnlyList<string> Globs);

/// <summary>Utilisation to power: idle + utilisation x (max - idle), times the number of units.</summary>
/// <param name="IdleWatts">Watts at utilisation 0, for each unit.</param>
/// <param name="MaxWatts">Watts at utilisation 1, for each unit.</param>
/// <param name="UnitsLabel">The label that holds the number of units (vCPUs); null for one.</param>
/// <param name="Reference">Where the numbers come from.</param>
public sealed record UtilisationPower(double IdleWatts, double MaxWatts, string? UnitsLabel, string Reference);

/// <summary>What a provider's metric means. Data, not code: one entry of a <c>*.metrics.json</c>.</summary>
public sealed record MetricMapping
{
    /// <summary>Name of the entry, unique in the catalogue: <c>prometheus/dcgm-energy</c>.</summary>
    public required string Id { get; init; }

    /// <summary>Raised when the meaning of the entry changes.</summary>
    public required int Version { get; init; }

    /// <summary>Provider whose metrics it explains.</summary>
    public required string Provider { get; init; }

    /// <summary>Every spelling of the metric's name.</summary>
    public required IReadOnlyList<string> Metrics { get; init; }

    /// <summary>Which label sets of the metric are meant; all when empty.</summary>
    public IReadOnlyList<LabelCondition> When { get; init; } = [];

    /// <summary>Unit of the raw value.</summary>
    public required Unit Unit { get; init; }

    /// <summary>Gauge, delta or cumulative.</summary>
    public required SampleKind Kind { get; init; }

    /// <summary>Functional unit that work is counted in; null when it is not work.</summary>
    public string? FunctionalUnit { get; init; }

    /// <summary>Part of the machine; <see cref="Component.None"/> for work.</summary>
    public Component Component { get; init; }

    /// <summary>True when the reading is a share of its node's energy (pod, container): it tells how to attribute and is never added to the node's.</summary>
    public bool Share { get; init; }

    /// <summary>Which labels name the resource.</summary>
    public required ResourceLabels Resource { get; init; }

    /// <summary>How good the number is before anything is done to it.</summary>
    public required Evidence Evidence { get; init; }

    /// <summary>Raw value at which the counter starts again from zero; null when unknown, and then a fall is a reset.</summary>
    public double? WrapsAt { get; init; }

    /// <summary>Raw values from here on mean "no value"; null when there are none.</summary>
    public double? SentinelFrom { get; init; }

    /// <summary>True when a gauge holds its value until the next sample; else two samples are joined by a straight line.</summary>
    public bool Hold { get; init; }

    /// <summary>True when the watts are not drawn but the most that the board is allowed to draw: its enforced limit.</summary>
    public bool Limit { get; init; }

    /// <summary>Longest time between two samples that still says what happened between them.</summary>
    public required TimeSpan MaxSpan { get; init; }

    /// <summary>For utilisation: the power behind it; null when only the hardware tells, and then the tables of hardware do.</summary>
    public UtilisationPower? Power { get; init; }

    /// <summary>First day that the entry holds for.</summary>
    public required DateOnly EffectiveFrom { get; init; }

    /// <summary>Where it is written what the metric means.</summary>
    public required string Reference { get; init; }
}
