using System.Collections.Immutable;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Facts;

/// <summary>How the values of a period of the grid are added up.</summary>
public enum Aggregation
{
    /// <summary>What is known is added, over resources and over time; those that have none, have none. How much of the time it is, the
    /// coverage says.</summary>
    Sum,

    /// <summary>Bounds of the widest boundary known: bounds unknown of one resource are unknown of all.</summary>
    Bounds,

    /// <summary>Of one functional unit: added over the periods of that unit.</summary>
    SumOfUnit,
}

/// <summary>What holds or tells a measure.</summary>
[Flags]
public enum MeasureHolders
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Energy facts: a resource, a deployment and a period of the grid.</summary>
    Facts = 1,

    /// <summary>The sums of hours, days and months.</summary>
    Periods = 2,

    /// <summary>Both.</summary>
    All = Facts | Periods,

    /// <summary>Energy facts on their way to the sums: what the sums are made with, and no table keeps.</summary>
    Passing = 4,
}

/// <summary>A number that facts and the sums of periods hold. Null is unknown; zero is a measurement.</summary>
/// <remarks>Over the periods of an hour, the hours of a day and the days of a month what is known is added; bounds are added over those
/// that have the widest boundary.</remarks>
/// <param name="name">Name in the API.</param>
/// <param name="unit">Unit.</param>
/// <param name="description">What it is, of one resource.</param>
public sealed class Measure(string name, string unit, string description)
{
    /// <summary>Name in the API; its column has the same name in snake case.</summary>
    public string Name { get; } = name;

    /// <summary>Unit, as UCUM writes it.</summary>
    public string Unit { get; } = unit;

    /// <summary>What it is, of one resource.</summary>
    public string Description { get; } = description;

    /// <summary>What it is of a deployment's period, where that has to be said otherwise.</summary>
    public string DescriptionOfPeriods { get; init; } = description;

    /// <summary>How it adds up.</summary>
    public Aggregation Aggregation { get; init; }

    /// <summary>The boundary whose known time it has: it is known where the boundary's energy is; null when it has a time of its
    /// own.</summary>
    public Boundary? Boundary { get; init; }

    /// <summary>What it is a bound of, in facts on their way; null when it is none.</summary>
    public Measure? Bounding { get; init; }

    /// <summary>Which tables hold it.</summary>
    public MeasureHolders Held { get; init; } = MeasureHolders.All;

    /// <summary>Which entity sets tell it.</summary>
    public MeasureHolders Exposed { get; init; } = MeasureHolders.All;

    /// <summary>Whether it always has a value where it is held; without facts it is zero.</summary>
    public bool Always { get; init; }

    /// <summary>Whether a change of a final hour's value is told as a restatement.</summary>
    public bool Restated { get; init; } = true;

    /// <summary>Name of its column: <c>facility_joules</c>.</summary>
    public string Column { get; } = SnakeCase.Of(name);

    /// <summary>Its place in <see cref="Measures.All"/>.</summary>
    public int Index { get; internal set; }

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>The one list of what facts and the sums of periods hold. Columns, roll-up, restatements, views, entity types and explanations
/// are made from it.</summary>
public static class Measures
{
    /// <summary>Joules of accelerator boards; null when the resource is none or they are unknown.</summary>
    public static Measure Accelerator { get; } =
        new("AcceleratorJoules", "J", "Energy of the accelerators.")
        {
            DescriptionOfPeriods =
                "Energy of the accelerators, as far as it is known. Stands on every functional unit's row of the deployment.",
            Boundary = Boundary.Accelerator,
        };

    /// <summary>Joules of IT equipment.</summary>
    public static Measure Server { get; } =
        new("ServerJoules", "J", "Energy of the whole server, accelerators included.")
        {
            DescriptionOfPeriods =
                "Energy of the whole servers, accelerators included, as far as it is known. Stands on every functional unit's row.",
            Boundary = Boundary.Server,
        };

    /// <summary>Server joules x PUE.</summary>
    public static Measure Facility { get; } =
        new("FacilityJoules", "J", "Server energy times the place's PUE.")
        {
            DescriptionOfPeriods = "Server energy times the place's PUE, as far as it is known. Stands on every functional unit's row.",
            Boundary = Boundary.Facility,
        };

    /// <summary>Joules of a rack or distribution unit, kept apart because they hold the servers'; null elsewhere.</summary>
    public static Measure Rack { get; } = new("RackJoules", "J", "Energy measured at the rack.") { Exposed = MeasureHolders.Facts };

    /// <summary>The part of the IT joules (of the boards' where the server's are unknown) drawn while reserved and doing nothing.</summary>
    public static Measure Idle { get; } =
        new("IdleJoules", "J", "Part of the energy drawn while reserved and doing nothing.") { Boundary = Boundary.Server };

    /// <summary>Facility energy x location-based average intensity, in grams of CO2 equivalents.</summary>
    public static Measure Operational { get; } =
        new("OperationalGrams", "g", "Carbon dioxide equivalents of the facility energy, location-based average.")
        {
            Boundary = Boundary.Facility,
        };

    /// <summary>Facility energy x location-based marginal intensity: beside the operational grams, never added to them.</summary>
    public static Measure Marginal { get; } =
        new("MarginalGrams", "g", "The same by the grid's marginal intensity. Never add it to the others.")
        {
            DescriptionOfPeriods =
                "The same by the grid's marginal intensity. Never part of SciGramsPerUnit, never to be added to the others.",
            Boundary = Boundary.Facility,
        };

    /// <summary>Facility energy x market-based intensity: never part of a score.</summary>
    public static Measure MarketBased { get; } =
        new("MarketBasedGrams", "g", "The same by contracts and certificates. Never add it to the others.")
        {
            DescriptionOfPeriods =
                "The same by contracts and certificates. Never part of SciGramsPerUnit, never to be added to the others.",
            Boundary = Boundary.Facility,
        };

    /// <summary>The part of making and disposing of the hardware that falls to the period, in grams of CO2 equivalents.</summary>
    public static Measure Embodied { get; } =
        new("EmbodiedGrams", "g", "Share of the emissions of making the hardware that falls to the period.") { Boundary = Boundary.Server };

    /// <summary>Water of the site: IT energy x WUE, in litres.</summary>
    public static Measure Water { get; } =
        new("WaterLitres", "L", "Water used at the site.")
        {
            DescriptionOfPeriods = "Water used at the site: IT energy times the place's WUE.",
            Boundary = Boundary.Server,
        };

    /// <summary>The least that the joules of the widest boundary known can be.</summary>
    public static Measure Low { get; } =
        new("LowJoules", "J", "Least that the energy of the widest boundary known can be.")
        {
            DescriptionOfPeriods = "Least that the energy of the widest boundary can be that the row has.",
            Aggregation = Aggregation.Bounds,
        };

    /// <summary>The most that the joules of the widest boundary known can be.</summary>
    public static Measure High { get; } =
        new("HighJoules", "J", "Most that the energy of the widest boundary known can be.")
        {
            DescriptionOfPeriods = "Most that the energy of the widest boundary can be that the row has.",
            Aggregation = Aggregation.Bounds,
        };

    /// <summary>Joules (of the widest boundary known without PUE) that were measured or derived, not modelled or estimated.</summary>
    public static Measure Measured { get; } =
        new("MeasuredJoules", "J", "Energy that was measured or derived.")
        {
            Exposed = MeasureHolders.None,
            Always = true,
            Restated = false,
        };

    /// <summary>Seconds of the presence for which the widest boundary that the fact has is known.</summary>
    public static Measure Covered { get; } =
        new("CoveredSeconds", "s", "Time of which the energy of the widest boundary is known.")
        {
            Held = MeasureHolders.Facts,
            Exposed = MeasureHolders.None,
            Always = true,
            Restated = false,
        };

    /// <summary>Seconds for which the deployment held the resource, whatever share of it; of a deployment, for which it was there.</summary>
    public static Measure Present { get; } =
        new("PresentSeconds", "s", "Time of the period in which the deployment held the resource.")
        {
            DescriptionOfPeriods = "Time of the period in which the deployment was there.",
            Always = true,
            Restated = false,
        };

    /// <summary>The least that the accelerator joules can be.</summary>
    public static Measure AcceleratorLow { get; } =
        new("AcceleratorLowJoules", "J", "Least that the accelerator energy can be.")
        {
            Boundary = Boundary.Accelerator,
            Bounding = Accelerator,
            Held = MeasureHolders.Passing,
            Exposed = MeasureHolders.None,
            Restated = false,
        };

    /// <summary>The most that the accelerator joules can be.</summary>
    public static Measure AcceleratorHigh { get; } =
        new("AcceleratorHighJoules", "J", "Most that the accelerator energy can be.")
        {
            Boundary = Boundary.Accelerator,
            Bounding = Accelerator,
            Held = MeasureHolders.Passing,
            Exposed = MeasureHolders.None,
            Restated = false,
        };

    /// <summary>The least that the server joules can be.</summary>
    public static Measure ServerLow { get; } =
        new("ServerLowJoules", "J", "Least that the server energy can be.")
        {
            Boundary = Boundary.Server,
            Bounding = Server,
            Held = MeasureHolders.Passing,
            Exposed = MeasureHolders.None,
            Restated = false,
        };

    /// <summary>The most that the server joules can be.</summary>
    public static Measure ServerHigh { get; } =
        new("ServerHighJoules", "J", "Most that the server energy can be.")
        {
            Boundary = Boundary.Server,
            Bounding = Server,
            Held = MeasureHolders.Passing,
            Exposed = MeasureHolders.None,
            Restated = false,
        };

    /// <summary>The least that the facility joules can be.</summary>
    public static Measure FacilityLow { get; } =
        new("FacilityLowJoules", "J", "Least that the facility energy can be.")
        {
            Boundary = Boundary.Facility,
            Bounding = Facility,
            Held = MeasureHolders.Passing,
            Exposed = MeasureHolders.None,
            Restated = false,
        };

    /// <summary>The most that the facility joules can be.</summary>
    public static Measure FacilityHigh { get; } =
        new("FacilityHighJoules", "J", "Most that the facility energy can be.")
        {
            Boundary = Boundary.Facility,
            Bounding = Facility,
            Held = MeasureHolders.Passing,
            Exposed = MeasureHolders.None,
            Restated = false,
        };

    /// <summary>The least that the operational grams can be.</summary>
    public static Measure OperationalLow { get; } =
        new("OperationalLowGrams", "g", "Least that the operational emissions can be.")
        {
            Boundary = Boundary.Facility,
            Bounding = Operational,
            Held = MeasureHolders.Passing,
            Exposed = MeasureHolders.None,
            Restated = false,
        };

    /// <summary>The most that the operational grams can be.</summary>
    public static Measure OperationalHigh { get; } =
        new("OperationalHighGrams", "g", "Most that the operational emissions can be.")
        {
            Boundary = Boundary.Facility,
            Bounding = Operational,
            Held = MeasureHolders.Passing,
            Exposed = MeasureHolders.None,
            Restated = false,
        };

    /// <summary>The least that the embodied grams can be.</summary>
    public static Measure EmbodiedLow { get; } =
        new("EmbodiedLowGrams", "g", "Least that the embodied emissions can be.")
        {
            Boundary = Boundary.Server,
            Bounding = Embodied,
            Held = MeasureHolders.Passing,
            Exposed = MeasureHolders.None,
            Restated = false,
        };

    /// <summary>The most that the embodied grams can be.</summary>
    public static Measure EmbodiedHigh { get; } =
        new("EmbodiedHighGrams", "g", "Most that the embodied emissions can be.")
        {
            Boundary = Boundary.Server,
            Bounding = Embodied,
            Held = MeasureHolders.Passing,
            Exposed = MeasureHolders.None,
            Restated = false,
        };

    /// <summary>Seconds for which the deployment held accelerators of the resource: none where it has none.</summary>
    public static Measure AcceleratorPresent { get; } =
        new("AcceleratorPresentSeconds", "s", "Time in which the deployment held the accelerators of the resource.")
        {
            Held = MeasureHolders.Passing,
            Exposed = MeasureHolders.None,
            Restated = false,
        };

    /// <summary>Seconds of the presence for which the accelerator joules are known.</summary>
    public static Measure AcceleratorSeconds { get; } =
        new("AcceleratorSeconds", "s", "Time of which the accelerator energy is known.")
        {
            Held = MeasureHolders.Periods | MeasureHolders.Passing,
            Exposed = MeasureHolders.Periods,
            Always = true,
            Restated = false,
        };

    /// <summary>Seconds of the presence for which the server joules are known.</summary>
    public static Measure ServerSeconds { get; } =
        new("ServerSeconds", "s", "Time of which the server energy is known.")
        {
            Held = MeasureHolders.Periods | MeasureHolders.Passing,
            Exposed = MeasureHolders.Periods,
            Always = true,
            Restated = false,
        };

    /// <summary>Seconds of the presence for which the facility joules are known.</summary>
    public static Measure FacilitySeconds { get; } =
        new("FacilitySeconds", "s", "Time of which the facility energy is known.")
        {
            Held = MeasureHolders.Periods,
            Exposed = MeasureHolders.Periods,
            Always = true,
            Restated = false,
        };

    /// <summary>Joules of each resource's widest boundary known without PUE, added up: what <see cref="Measured"/> is a part of. Null
    /// without any energy fact.</summary>
    public static Measure Known { get; } =
        new("KnownJoules", "J", "Energy of the widest boundaries known without PUE.")
        {
            Held = MeasureHolders.Periods,
            Exposed = MeasureHolders.None,
            Restated = false,
        };

    /// <summary>The joules that <see cref="Idle"/> is a part of: of the resources and times of which the idle part is known.</summary>
    public static Measure IdleOf { get; } =
        new("IdleOfJoules", "J", "Energy of the resources and times of which the idle part is known.")
        {
            Held = MeasureHolders.Periods,
            Exposed = MeasureHolders.None,
            Restated = false,
        };

    /// <summary>Work in the functional unit of the row; null when none was counted.</summary>
    public static Measure Units { get; } =
        new("Units", "1", "Functional units of work done.")
        {
            DescriptionOfPeriods = "Functional units of work done. Never add units of different FunctionalUnit.",
            Aggregation = Aggregation.SumOfUnit,
            Held = MeasureHolders.Periods,
            Exposed = MeasureHolders.Periods,
        };

    /// <summary>Seconds of the presence for which the work of the functional unit is known.</summary>
    public static Measure WorkSeconds { get; } =
        new("WorkSeconds", "s", "Time of which the work is known.")
        {
            Aggregation = Aggregation.SumOfUnit,
            Held = MeasureHolders.Periods,
            Exposed = MeasureHolders.Periods,
            Always = true,
            Restated = false,
        };

    private static readonly ImmutableArray<Measure> OfFacts =
    [
        Accelerator,
        Server,
        Facility,
        Rack,
        Idle,
        Operational,
        Marginal,
        MarketBased,
        Embodied,
        Water,
        Low,
        High,
        Measured,
        Covered,
        Present,
        AcceleratorLow,
        AcceleratorHigh,
        ServerLow,
        ServerHigh,
        FacilityLow,
        FacilityHigh,
        OperationalLow,
        OperationalHigh,
        EmbodiedLow,
        EmbodiedHigh,
        AcceleratorPresent,
        AcceleratorSeconds,
        ServerSeconds,
    ];

    /// <summary>Every measure: what facts hold, then what the sums of periods hold beside it.</summary>
    public static ImmutableArray<Measure> All { get; } =
        Numbered([.. OfFacts, FacilitySeconds, Known, IdleOf, Units, WorkSeconds, .. MatchedSums.All.SelectMany(sums => sums.Measures)]);

    /// <summary>How many of them, the first, facts hold.</summary>
    internal static int CountOfFacts => OfFacts.Length;

    /// <summary>Those that a table holds, in order.</summary>
    public static IEnumerable<Measure> HeldBy(MeasureHolders holder) => All.Where(measure => (measure.Held & holder) != 0);

    /// <summary>Those that a kind of entity set tells, in order.</summary>
    public static IEnumerable<Measure> ExposedBy(MeasureHolders holder) => All.Where(measure => (measure.Exposed & holder) != 0);

    /// <summary>The energy of a boundary.</summary>
    public static Measure Of(Boundary boundary) =>
        boundary switch
        {
            Boundary.Accelerator => Accelerator,
            Boundary.Server => Server,
            Boundary.Facility => Facility,
            _ => throw new ArgumentOutOfRangeException(nameof(boundary), boundary, "There is no such boundary."),
        };

    /// <summary>The least that the energy of a boundary can be, of a fact.</summary>
    internal static Measure LowOf(Boundary boundary) =>
        boundary switch
        {
            Boundary.Accelerator => AcceleratorLow,
            Boundary.Server => ServerLow,
            _ => FacilityLow,
        };

    /// <summary>The most that the energy of a boundary can be, of a fact.</summary>
    internal static Measure HighOf(Boundary boundary) =>
        boundary switch
        {
            Boundary.Accelerator => AcceleratorHigh,
            Boundary.Server => ServerHigh,
            _ => FacilityHigh,
        };

    /// <summary>The time of which the energy of a boundary is known.</summary>
    public static Measure SecondsOf(Boundary boundary) =>
        boundary switch
        {
            Boundary.Accelerator => AcceleratorSeconds,
            Boundary.Server => ServerSeconds,
            Boundary.Facility => FacilitySeconds,
            _ => throw new ArgumentOutOfRangeException(nameof(boundary), boundary, "There is no such boundary."),
        };

    private static ImmutableArray<Measure> Numbered(ImmutableArray<Measure> measures)
    {
        for (var i = 0; i < measures.Length; i++)
            measures[i].Index = i;
        return measures;
    }
}

/// <summary>A value, or none, for each measure. Equal when every value is.</summary>
public sealed class MeasureValues : IEquatable<MeasureValues>
{
    // NaN stands for null: half the memory of nullable doubles, and facts are made by the million.
    private readonly double[] values;

    /// <summary>No value of any.</summary>
    public MeasureValues()
        : this(Measures.All.Length) { }

    private MeasureValues(int count) => Array.Fill(values = new double[count], double.NaN);

    private MeasureValues(double[] values) => this.values = values;

    /// <summary>The value; null when it is unknown.</summary>
    /// <exception cref="ArgumentException">The value is no number.</exception>
    public double? this[Measure measure]
    {
        get => measure.Index < values.Length && values[measure.Index] is var value && !double.IsNaN(value) ? value : null;
        internal set =>
            values[measure.Index] =
                value is not { } number ? double.NaN
                : double.IsNaN(number) ? throw new ArgumentException($"{measure} is no number.", nameof(value))
                : number;
    }

    /// <summary>No value of any measure that a fact holds, and no room for others: facts are made by the million.</summary>
    internal static MeasureValues OfFact() => new(Measures.CountOfFacts);

    /// <summary>Values that were stored.</summary>
    /// <param name="measures">Of which measures.</param>
    /// <param name="value">The value of the measure with that place in the list.</param>
    public static MeasureValues Of(IReadOnlyList<Measure> measures, Func<int, double?> value)
    {
        var values = new MeasureValues();
        for (var i = 0; i < measures.Count; i++)
            values[measures[i]] = value(i);
        return values;
    }

    /// <summary>The values with another of one measure.</summary>
    public MeasureValues With(Measure measure, double? value) => new((double[])values.Clone()) { [measure] = value };

    /// <inheritdoc/>
    public bool Equals(MeasureValues? other) => other is not null && values.AsSpan().SequenceEqual(other.values);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as MeasureValues);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var value in values)
            hash.Add(value);
        return hash.ToHashCode();
    }
}
