using Metrics.Domain.Catalogue;
using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Normalisation;

/// <summary>What one pass over a period concluded.</summary>
/// <param name="Energy">At most one fact for each deployment, resource and grid period.</param>
/// <param name="Work">At most one fact for each deployment, functional unit and grid period.</param>
/// <param name="Rejections">Spans and samples that could not be interpreted, ending in the period.</param>
public sealed record NormalisedPeriod(IReadOnlyList<EnergyFact> Energy, IReadOnlyList<WorkFact> Work, IReadOnlyList<Rejection> Rejections);

/// <summary>Interpret, align, cover, attribute, account: samples in, facts out. Pure: the same samples give the same facts, in whatever order the series come.</summary>
/// <param name="catalogue">What metrics mean.</param>
/// <param name="workloads">Who works; the first workload by name that claims a series has it.</param>
/// <param name="places">Place of each source by source id.</param>
/// <param name="grain">Length of a grid period; a divisor of an hour.</param>
public sealed class Normaliser(MetricCatalogue catalogue, IReadOnlyList<Workload> workloads, IReadOnlyDictionary<string, Place> places, TimeSpan grain)
{
    /// <summary>The longest <see cref="MetricMapping.MaxSpan"/> allowed: how far around a period samples are needed.</summary>
    public static readonly TimeSpan Reach = TimeSpan.FromHours(1);

    /// <summary>Facts of the period from samples within <see cref="Reach"/> around it.</summary>
    /// <param name="period">Whole grid periods.</param>
    /// <param name="series">Samples from <c>period.Start - Reach</c> to <c>period.End + Reach</c>; a series twice is an error of the caller.</param>
    public NormalisedPeriod Normalise(Interval period, IEnumerable<SeriesSamples> series) =>
        throw new NotImplementedException($"{catalogue} {workloads} {places} {grain} {period} {series}");
}
