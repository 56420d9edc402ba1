using Metrics.Domain.Catalogue;
using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using RollUp = Metrics.Domain.Facts.RollUp;

namespace Metrics.Domain.Tests.Fleets;

/// <summary>What the product tells of a fleet.</summary>
/// <param name="Period">Facts and rejections.</param>
/// <param name="Hours">The sums of each hour.</param>
/// <param name="Day">The sums of the day that they make.</param>
internal sealed record Told(NormalisedPeriod Period, IReadOnlyList<IReadOnlyList<PeriodSums>> Hours, IReadOnlyList<PeriodSums> Day);

/// <summary>The product's chain from samples to sums, nothing read and nothing stored.</summary>
/// <param name="Normalise">
/// Makes facts of samples. This is the seam for controls: a chain with one rule switched off is another function here
/// (see <see cref="RuleControls"/>), and so is an answer that is spoiled on purpose.
/// </param>
internal sealed record FleetProduct(Func<Fleet, Interval, IReadOnlyList<SeriesSamples>, NormalisedPeriod> Normalise)
{
    /// <summary>What is done to the sums of each hour, where a rule of the roll-up is switched off.</summary>
    public Action<MeasureValues>? Rows { get; init; }

    private static readonly Lazy<MetricCatalogue> Shipped = new(() => CatalogueReader.Read(Files()));

    /// <summary>The product as it is.</summary>
    public static FleetProduct Whole { get; } = new((fleet, period, samples) => NormaliserOf(fleet).Normalise(period, samples));

    /// <summary>The catalogue that the product comes with.</summary>
    public static MetricCatalogue Catalogue => Shipped.Value;

    /// <summary>The normaliser of a fleet's configuration.</summary>
    public static Normaliser NormaliserOf(Fleet fleet, Rules rules = Rules.All) =>
        new(Catalogue, fleet.Workloads, fleet.Places, TimeSpan.FromSeconds(Fleet.Grain), Fleet.Factors, fleet.Hardware) { Rules = rules };

    /// <summary>The whole chain.</summary>
    public Told Tell(Fleet fleet)
    {
        var samples = new List<SeriesSamples>(fleet.Tapes.Count);
        foreach (var tape in fleet.Tapes)
            if (tape.Count > 0)
                samples.Add(tape.Told());
        var period = fleet.Plan.Troubles.Has(Trouble.Late) ? ByHours(fleet, samples) : Normalise(fleet, fleet.Period, samples);
        var hours = new List<IReadOnlyList<PeriodSums>>();
        for (var hour = 0; hour < fleet.Plan.Hours; hour++)
        {
            var start = Fleet.Start.AddHours(hour);
            var end = start.AddHours(1);
            hours.Add(
                RollUp.Hour(
                    start,
                    [.. period.Energy.Where(fact => fact.Period.Start >= start && fact.Period.Start < end)],
                    [.. period.Work.Where(fact => fact.Period.Start >= start && fact.Period.Start < end)]
                )
            );
            foreach (var row in hours[^1])
                Rows?.Invoke(row.Values);
        }
        return new Told(period, hours, RollUp.Day(Fleet.Start.Date, [.. hours.SelectMany(rows => rows)]));
    }

    /// <summary>What comes late or is revised makes an hour dirty, and it is computed again by itself, from samples around it.</summary>
    private NormalisedPeriod ByHours(Fleet fleet, List<SeriesSamples> samples)
    {
        samples.Reverse();
        var energy = new List<EnergyFact>();
        var work = new List<WorkFact>();
        var rejections = new List<Rejection>();
        for (var hour = 0; hour < fleet.Plan.Hours; hour++)
        {
            var period = new Interval(Fleet.Start.AddHours(hour), Fleet.Start.AddHours(hour + 1));
            var one = Normalise(
                fleet,
                period,
                [
                    .. samples
                        .Select(series => series.Between(period.Start - Limits.Reach, period.End + Limits.Reach))
                        .Where(series => series.Samples.Length > 0),
                ]
            );
            energy.AddRange(one.Energy);
            work.AddRange(one.Work);
            rejections.AddRange(one.Rejections);
        }
        return new NormalisedPeriod(energy, work, rejections);
    }

    private static IEnumerable<(string Name, string Text)> Files()
    {
        var assembly = typeof(FleetProduct).Assembly;
        foreach (var name in assembly.GetManifestResourceNames().Where(name => name.EndsWith(".metrics.json", StringComparison.Ordinal)))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            yield return (name, reader.ReadToEnd());
        }
    }
}
