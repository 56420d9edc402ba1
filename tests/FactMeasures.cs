using Metrics.Domain.Facts;

namespace Metrics.Tests;

/// <summary>The measures of a fact by their names, so that tests read as the API does.</summary>
internal static class FactMeasures
{
    extension(EnergyFact fact)
    {
        public double? AcceleratorJoules => fact[Measures.Accelerator];

        public double? ServerJoules => fact[Measures.Server];

        public double? FacilityJoules => fact[Measures.Facility];

        public double? RackJoules => fact[Measures.Rack];

        public double? IdleJoules => fact[Measures.Idle];

        public double? LowJoules => fact[Measures.Low];

        public double? HighJoules => fact[Measures.High];

        public double? OperationalGrams => fact[Measures.Operational];

        public double? MarginalGrams => fact[Measures.Marginal];

        public double? MarketBasedGrams => fact[Measures.MarketBased];

        public double? EmbodiedGrams => fact[Measures.Embodied];

        public double? WaterLitres => fact[Measures.Water];

        public double MeasuredJoules => fact[Measures.Measured] ?? 0;

        public double CoveredSeconds => fact[Measures.Covered] ?? 0;
    }
}
