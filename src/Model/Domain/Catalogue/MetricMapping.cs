using System.Globalization;
using Metrics.Domain.Factors;
using Metrics.Domain.Observations;
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

    /// <summary>The value says nothing, the labels say what belongs together: which address is which machine, where a pod runs.</summary>
    Info,
}

/// <summary>Which labels name the resource that a series is about. The first label of a list that is present counts.</summary>
/// <param name="Kind">Kind of resource: <c>gpu</c>, <c>node</c>, <c>pdu</c>, <c>pod</c>, <c>container</c> ...</param>
/// <param name="Id">Labels that may hold its own identity; for a node the host. Empty: the resource is the node.</param>
/// <param name="Node">Labels that may hold the host it sits in.</param>
/// <param name="Part">Labels that tell disjoint parts of one component apart (socket index, power supply id); all present ones
/// count.</param>
/// <param name="Hardware">Labels that may hold the hardware model: of a board its name, of a machine its instance type.</param>
public sealed record ResourceLabels(
    string Kind,
    IReadOnlyList<string> Id,
    IReadOnlyList<string> Node,
    IReadOnlyList<string> Part,
    IReadOnlyList<string> Hardware
)
{
    /// <summary>Labels that may hold the instance type of the host that it sits in.</summary>
    public IReadOnlyList<string> NodeHardware { get; init; } = [];

    /// <summary>Labels that may hold the account, subscription or project that pays for it; the first that is present counts.</summary>
    /// <remarks><c>resourceid/subscriptions</c> is what follows that segment in the path that the label holds.</remarks>
    public IReadOnlyList<string> Account { get; init; } = [];

    /// <summary>Labels that tell apart what has one name: account, resource group, cluster, site; all present ones count. Written as
    /// those of <see cref="Account"/>, and empty where the name is unique by itself.</summary>
    public IReadOnlyList<string> Scope { get; init; } = [];

    /// <summary>Of information: labels that hold other names of what <see cref="Id"/> names, such as its address.</summary>
    public IReadOnlyList<string> Alias { get; init; } = [];
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
public sealed record UtilisationPower(double IdleWatts, double MaxWatts, string? UnitsLabel, string Reference)
{
    /// <summary>Thermal design power of a unit, in watts, where the power between idle and full load follows the mean curve of server CPUs
    /// (<see cref="PowerCurve.Teads"/>); null: a straight line.</summary>
    public double? ThermalDesignWatts { get; init; }

    /// <summary>By the thermal design power of a unit: idle and full load are those of the curve.</summary>
    public static UtilisationPower OfThermalDesign(double watts, string? unitsLabel, string reference) =>
        new(PowerCurve.Teads.LoadAt(0) * watts, PowerCurve.Teads.LoadAt(1) * watts, unitsLabel, reference) { ThermalDesignWatts = watts };

    /// <summary>Watts of one unit at a utilisation from 0 to 1.</summary>
    public double At(double utilisation) =>
        ThermalDesignWatts is { } watts
            ? PowerCurve.Teads.At(utilisation, Power.FromWatts(watts)).Watts
            : IdleWatts + utilisation * (MaxWatts - IdleWatts);
}

/// <summary>How a level of utilisation is read that is not simply the used share of one whole.</summary>
/// <param name="Summed">The value is a sum over the devices of a server: percent from 0 to 100 x n. The ratio is the value over n.</param>
/// <param name="DevicesLabel">The label that may hold n; null, or absent from a series: the table of servers tells it.</param>
/// <param name="ServersLabel">The label that holds how many servers the value is a mean of; null for one. A series without the label cannot
/// be read: one server would be a guess.</param>
/// <param name="Capped">Values above the whole are the whole; else they are refused.</param>
public sealed record UtilisationScale(bool Summed, string? DevicesLabel, string? ServersLabel, bool Capped)
{
    /// <summary>The used share of one device, from 0 to 1; null when the value is out of range, or a sum over devices that nobody
    /// counted.</summary>
    /// <param name="level">The value in the canonical unit: 3.2 for 320 %.</param>
    /// <param name="devices">How many devices the server has; null when unknown. Used by sums only.</param>
    public double? Ratio(double level, double? devices)
    {
        if (Summed && devices is not > 0)
            return null;
        var ratio = Summed ? level / devices!.Value : level;
        // Values were checked one by one; their mean may be above the whole by rounding.
        return ratio is >= 0 and <= 1 ? ratio
            : ratio > 1 && (ratio <= 1 + 1e-9 || (Capped && double.IsFinite(ratio))) ? 1
            : null;
    }

    /// <summary>How many devices the labels tell; null when they tell none, or no number above zero.</summary>
    public double? DevicesIn(Labels labels) => CountIn(labels, DevicesLabel);

    /// <summary>How many servers the value is a mean of; null when the label that should tell does not.</summary>
    public double? ServersIn(Labels labels) => ServersLabel is null ? 1 : CountIn(labels, ServersLabel);

    private static double? CountIn(Labels labels, string? label) =>
        label is not null
        && double.TryParse(labels[label], NumberStyles.Float, CultureInfo.InvariantCulture, out var count)
        && count > 0
        && double.IsFinite(count)
            ? count
            : null;
}

/// <summary>That a series may tell the same work as others do, on a finer or a coarser level or by another name.</summary>
/// <param name="Family">Mappings of one family and functional unit count the same work of a source.</param>
/// <param name="Level">Of the levels that tell something about a grid period the lowest is taken; of two mappings on one level the one that
/// covers nearly the most time, then the first by id.</param>
/// <param name="Within">Labels whose values tell apart what is decided by itself, as each load balancer is; none: the source.</param>
public sealed record WorkLevel(string Family, int Level, IReadOnlyList<string> Within);

/// <summary>Where on the way of a request its work is counted. In the order of preference: of what several layers tell of one deployment
/// the one next to the hardware counts.</summary>
public enum WorkLayer
{
    /// <summary>What runs the model: an inference server.</summary>
    Engine,

    /// <summary>What chooses the engine that a request goes to: an endpoint picker, the frontend of a serving framework.</summary>
    Router,

    /// <summary>What many applications send their requests through: a proxy, a load balancer.</summary>
    Gateway,

    /// <summary>Who asks: an application and its library.</summary>
    Client,
}

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

    /// <summary>How the provider has to have made the values: an average of watts is power, their sum is not. Null: any. A series that does
    /// not say it (<see cref="Statistic.Raw"/>) is taken for it.</summary>
    public Statistic? Statistic { get; init; }

    /// <summary>The only length of a sample's interval for which the value means what is said here; null: any.</summary>
    public TimeSpan? Period { get; init; }

    /// <summary>Gauge, delta or cumulative.</summary>
    public required SampleKind Kind { get; init; }

    /// <summary>Functional unit that work is counted in; null when it is not work.</summary>
    public string? FunctionalUnit { get; init; }

    /// <summary>Part of the machine; <see cref="Component.None"/> for work.</summary>
    public Component Component { get; init; }

    /// <summary>True when the reading is a share of its node's energy (pod, container): it tells how to attribute and is never added to the
    /// node's.</summary>
    public bool Share { get; init; }

    /// <summary>True when the power is the enforced limit of the board and not what it draws: it takes the place of the table's maximum and
    /// gives no energy.</summary>
    public bool Limit { get; init; }

    /// <summary>For utilisation: how the value becomes a ratio; null when it is the used share of one whole.</summary>
    public UtilisationScale? Scale { get; init; }

    /// <summary>For work: what else tells the same work; null when nothing does.</summary>
    public WorkLevel? RollUp { get; init; }

    /// <summary>For work: the layer that counts it.</summary>
    public WorkLayer Layer { get; init; }

    /// <summary>For work: the label by which series of one endpoint may hold each other, as an ensemble holds its parts; null when each
    /// counts work of its own.</summary>
    public string? Nested { get; init; }

    /// <summary>For output tokens: the labels that may hold the name of the model behind an API whose energy is estimated; null when it is
    /// not.</summary>
    public IReadOnlyList<string>? EstimateModel { get; init; }

    /// <summary>Which labels name the resource.</summary>
    public required ResourceLabels Resource { get; init; }

    /// <summary>How good the number is before anything is done to it.</summary>
    public required Evidence Evidence { get; init; }

    /// <summary>Raw value at which the counter starts again from zero; null when unknown, and then a fall is a reset.</summary>
    public double? WrapsAt { get; init; }

    /// <summary>Raw values from here on mean "no value"; null when there are none.</summary>
    public double? SentinelFrom { get; init; }

    /// <summary>The most that what it is about can draw, in watts, or do, in units of work a second; null: the table of hardware or the
    /// component tells.</summary>
    public double? Ceiling { get; init; }

    /// <summary>True when a gauge holds its value until the next sample; else two samples are joined by a straight line.</summary>
    public bool Hold { get; init; }

    /// <summary>Whether a quantity can be read from samples of a kind: an amount from deltas and counters, a level from gauges.</summary>
    public static bool CanHold(Quantity quantity, SampleKind kind) =>
        (quantity, kind) switch
        {
            (Quantity.Energy or Quantity.Work, SampleKind.Delta or SampleKind.Cumulative) => true,
            (Quantity.Power or Quantity.Utilisation, SampleKind.Gauge) => true,
            (Quantity.Information, SampleKind.Info) => true,
            _ => false,
        };

    /// <summary>Largest raw value that a series can show: beyond it the value is refused. A sum over devices that no label counts has no
    /// limit before a table of servers is asked.</summary>
    public double LargestOf(Labels labels)
    {
        const double any = Limits.LargestValue;
        if (Unit.Quantity != Quantity.Utilisation)
            return any;
        if (Scale is { Capped: true })
            return any;
        var whole = Unit.Denominator / Unit.Numerator;
        return Scale is not { Summed: true } scale ? whole
            : scale.DevicesIn(labels) is { } devices ? whole * devices
            : any;
    }

    /// <summary>Longest time between two samples that still says what happened between them.</summary>
    public required TimeSpan MaxSpan { get; init; }

    /// <summary>For utilisation: the power behind it; null when only the hardware tells, and then the tables of hardware do.</summary>
    public UtilisationPower? Power { get; init; }

    /// <summary>First day that the entry holds for.</summary>
    public required DateOnly EffectiveFrom { get; init; }

    /// <summary>Where it is written what the metric means.</summary>
    public required string Reference { get; init; }
}
