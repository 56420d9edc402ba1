using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;

namespace Metrics.Reference;

/// <summary>One period of the grid that is known as a whole, rolled up by the product: what its ratios come out as.</summary>
public static class OneHour
{
    private static readonly DateTime At = new(2026, 1, 15, 10, 0, 0, DateTimeKind.Utc);
    private static readonly Place Here = new("onprem/here", null, null);
    private static readonly Deployment Deployment = new(new Workload("one", null, null, []), Here);

    /// <summary>The sums of an hour of which one period of five minutes has these values.</summary>
    /// <param name="units">Work of the period.</param>
    /// <param name="values">Energy, grams ... of the period.</param>
    public static PeriodSums Of(double units, params (Measure Measure, double Value)[] values)
    {
        var fact = new EnergyFact
        {
            Deployment = Deployment,
            Resource = new Resource("node", "one", null, null, Here),
            Period = new Interval(At, At.AddMinutes(5)),
            [Measures.Present] = 300,
            [Measures.AcceleratorPresent] = 300,
            [Measures.AcceleratorTime] = 300,
            [Measures.ServerTime] = 300,
            Evidence = Evidence.Measured,
            Cover = EnergyCover.Node,
            Mappings = "",
        };
        foreach (var (measure, value) in values)
            fact = fact.With(measure, value);
        var work = new WorkFact
        {
            Deployment = Deployment,
            FunctionalUnit = "unit",
            Period = fact.Period,
            Units = units,
            Covered = 300,
            Counted = 300,
            Present = 300,
            Evidence = Evidence.Measured,
            Mappings = "",
        };
        return RollUp.Hour(At, [fact], [work]).Single();
    }
}
