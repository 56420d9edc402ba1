using Metrics.Domain.Catalogue;
using Metrics.Domain.Observations;

namespace Metrics.Domain.Normalisation;

/// <summary>The gate before storage: whether a sample can be true at all. What passes is stored verbatim, what does not becomes a <see cref="Rejection"/>.</summary>
public static class Admission
{
    /// <summary>Largest value stored, in the provider's unit.</summary>
    public const double Largest = 1e24;

    /// <summary>How far a timestamp may be ahead of the clock.</summary>
    public static readonly TimeSpan Skew = TimeSpan.FromMinutes(2);

    /// <summary>Null when the observation may be stored, else why not.</summary>
    /// <param name="observation">The observation, its times in UTC to the microsecond.</param>
    /// <param name="mapping">Its mapping; null when the catalogue has none.</param>
    /// <param name="now">The clock, UTC.</param>
    public static Rejection? Refuse(in Observation observation, MetricMapping? mapping, DateTime now) =>
        throw new NotImplementedException($"{observation} {mapping} {now}");
}
