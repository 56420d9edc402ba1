using System.Globalization;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Factors;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Normalisation;

/// <summary>A series with what the catalogue, the workload rules and the places say about it. Worked out once a pass, not once a
/// sample.</summary>
internal sealed class KnownSeries
{
    private readonly double slope = 1;
    private readonly double offset;
    private readonly double most = double.PositiveInfinity;
    private readonly (UtilisationPower Model, double Units)? curve;
    private readonly string? profile;
    private readonly Rules rules;

    private readonly AllOnes allOnes;

    public KnownSeries(
        int number,
        SeriesSamples samples,
        MetricMapping mapping,
        MappingSet mappings,
        int workload,
        Place place,
        HardwareTable? hardware = null,
        Rules rules = Rules.All
    )
    {
        this.rules = rules;
        Number = number;
        Series = samples.Series;
        Samples = samples.Samples;
        Mapping = mapping;
        Mappings = mappings;
        Workload = workload;
        Place = place;
        MaxSpan = Math.Min(mapping.MaxSpan.Ticks, Limits.Reach.Ticks);
        // The grade that interpreting leaves: an integral of power is derived, and a power model is modelled, however good the sensor.
        Evidence = mapping.Unit.Quantity switch
        {
            Quantity.Power => Worst(mapping.Evidence, Evidence.Derived),
            Quantity.Utilisation => Worst(mapping.Evidence, Evidence.Modelled),
            _ => mapping.Evidence,
        };
        if (mapping.Power is { } model)
        {
            var units = Units(model, Series.Labels);
            (slope, offset) = ((model.MaxWatts - model.IdleWatts) * units, model.IdleWatts * units);
            // A line is an affine map of the level; only a curve has to be asked at each sample.
            if (model.ThermalDesignWatts is not null)
                curve = (model, units);
        }
        if (mapping.Scale is { Capped: true, Summed: false })
            most = 1;
        profile = Series.Labels["GPU_I_PROFILE"] is { Length: > 0 } told ? told : Series.Labels["mig_profile"];
        if (profile is { Length: 0 })
            profile = null;
        if (profile is not null)
        {
            SliceName = Series.Labels["GPU_I_ID"] ?? Series.ToString();
            SizeSlice(HardwareIn(mapping.Resource.Hardware, Series.Labels));
        }
        var perUnit = mapping.Unit.Numerator / mapping.Unit.Denominator;
        Ceiling = Ceiling.Of(mapping, Series.Labels, hardware);
        (RiseInTick, Quantum) = (Ceiling.PerSecond / perUnit / TimeSpan.TicksPerSecond, perUnit > 1 ? 1 : 0);
        Most = Math.Min(
            mapping.LargestOf(Series.Labels),
            (mapping.Unit.Quantity, mapping.Kind) switch
            {
                (Quantity.Power, _) => Ceiling.PerSecond / perUnit,
                (Quantity.Energy, SampleKind.Cumulative) => Ceiling.PerSecond * Ceiling.LifeSeconds / perUnit,
                _ => double.PositiveInfinity,
            }
        );
        Below = mapping.SentinelFrom ?? double.PositiveInfinity;
        allOnes = AllOnes.Below(Math.Min(Most, Below), mapping);
    }

    /// <summary>Place in the order of series ids.</summary>
    public int Number { get; }

    public Series Series { get; }

    public ReadOnlyMemory<Sample> Samples { get; }

    public MetricMapping Mapping { get; }

    /// <summary>The mapping as a set of <see cref="Provenance"/>.</summary>
    public MappingSet Mappings { get; }

    /// <summary>Number of the workload that claims the series; <see cref="WorkloadClaims.Unclaimed"/> when none does.</summary>
    public int Workload { get; }

    public Place Place { get; }

    /// <summary>The account, subscription or project that its labels name; null when they name none.</summary>
    public string? Account { get; init; }

    /// <summary>What its labels tell of the scope of names.</summary>
    public Scope Scope { get; init; } = Scope.None;

    /// <summary>The pod that it is about; null when nothing tells one.</summary>
    public (string? Space, string Name)? Pod { get; init; }

    public Evidence Evidence { get; }

    /// <summary>In ticks.</summary>
    public long MaxSpan { get; }

    /// <summary>The most that it can tell of.</summary>
    public Ceiling Ceiling { get; }

    /// <summary>The ceiling in the raw unit, for each tick.</summary>
    public double RiseInTick { get; }

    /// <summary>What a counter of a coarse unit (Wh, kWh) may rise by at once, in the raw unit.</summary>
    public double Quantum { get; }

    /// <summary>Largest raw value that can be true.</summary>
    public double Most { get; }

    /// <summary>Raw value from which on the exporter says that there is none.</summary>
    public double Below { get; }

    /// <summary>Whether it counts something that has a beginning of its own, as an engine or a pod has; hardware was there before it was
    /// read.</summary>
    public bool CountsFromItsStart => Mapping.Kind == SampleKind.Cumulative && (Mapping.Unit.Quantity == Quantity.Work || Mapping.Share);

    /// <summary>Whether a meter can show the raw value at all.</summary>
    public bool CanShow(double value) =>
        value >= 0 && ((value <= Most && value < Below && !allOnes.Holds(value)) || !rules.HasFlag(Rules.Plausible));

    /// <summary>What the amounts of its pieces are counted in.</summary>
    public AmountUnit Unit =>
        Mapping.Unit.Quantity switch
        {
            Quantity.Work => AmountUnit.WorkUnits,
            Quantity.Utilisation when Mapping.Power is null => AmountUnit.FullLoadSeconds,
            _ => AmountUnit.Joules,
        };

    /// <summary>Whether it tells how busy something is, and only tables of hardware can make power of that.</summary>
    public bool IsLoad => Unit == AmountUnit.FullLoadSeconds;

    /// <summary>Whether it tells what a board draws by itself, and not a share of it.</summary>
    public bool IsOfBoard => !IsLoad && Mapping is { Component: Component.Accelerator, Share: false };

    /// <summary>Watts at rest and at full load by the mapping's own power model; null when the mapping has none.</summary>
    public (double Idle, double Max)? OwnPower => Mapping.Power is null ? null : (offset, offset + slope);

    /// <summary>Whether it speaks of a slice of a board (MIG).</summary>
    public bool IsSlice => profile is not null;

    /// <summary>The part of a board that a slice of it is; null when the series speaks of a whole board, or the part is unknown.</summary>
    public double? Slice { get; private set; }

    /// <summary>Whether it stands for a slice of its board, whose own value it may repeat.</summary>
    public bool IsOfSlice => Slice is not null || Series.Labels["GPU_I_ID"] is not null;

    /// <summary>Which slice of its board it is; of one without a number nobody can say that another series speaks of it too.</summary>
    public string SliceName { get; } = "";

    /// <summary>Whether a label names the pod that it is about, though no rule claims it.</summary>
    public bool NamesAPod => Pod is not null;

    /// <summary>Whether each sample speaks of its own interval instead of the time to its neighbour.</summary>
    public bool OwnIntervals => Mapping.Kind == SampleKind.Delta || (Mapping.Kind == SampleKind.Gauge && Series.Period > TimeSpan.Zero);

    /// <summary>What a level adds to an amount in a second, in <see cref="Unit"/>: watts of power and of utilisation by the model of the
    /// mapping for each unit; of a load the utilisation itself.</summary>
    public double RateOf(double value)
    {
        var level = Math.Min(most, Mapping.Unit.ToCanonical(value));
        return curve is { } bent ? bent.Model.At(level) * bent.Units : level * slope + offset;
    }

    /// <summary>Why utilisation cannot become power; null when it can.</summary>
    public string? LacksPowerModel()
    {
        if (Mapping.Power is not { } model)
            return null;
        return double.IsNaN(offset)
            ? $"The label '{model.UnitsLabel}' of {Series} should hold the number of units that the power model of {Mapping.Id} "
                + $"is multiplied by, but holds '{Series.Labels[model.UnitsLabel!]}'."
            : null;
    }

    /// <summary>Finds the part that a slice is, where its own labels do not tell the model of the board.</summary>
    /// <param name="hardware">The model as anything else tells it; null when nothing does.</param>
    public void SizeSlice(string? hardware)
    {
        if (profile is not null)
            Slice ??= rules.HasFlag(Rules.Slices) ? Slices.ShareOf(profile, hardware) : (profile[0] - '0') / 7.0;
    }

    /// <summary>Why the part that a slice is is unknown.</summary>
    public string UnknownSlice =>
        $"The share of a slice '{profile}' in its board is in no table of boards that can be divided, so what it drew is nobody's. "
        + "Add a label that names the model of the board, or name the machine's type.";

    private static string? HardwareIn(IReadOnlyList<string> names, Labels labels)
    {
        for (var i = 0; i < names.Count; i++)
            if (labels[names[i]] is { Length: > 0 } value)
                return value;
        return null;
    }

    public static Evidence Worst(Evidence a, Evidence b) => a > b ? a : b;

    /// <summary>NaN when the label should tell and does not: one unit would be a guess.</summary>
    private static double Units(UtilisationPower model, Labels labels) =>
        model.UnitsLabel is not { } label ? 1
        : double.TryParse(labels[label], NumberStyles.Float, CultureInfo.InvariantCulture, out var units)
        && units > 0
        && double.IsFinite(units)
            ? units
        : double.NaN;
}
