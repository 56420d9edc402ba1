using Metrics.Domain.Facts;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Normalisation;

/// <summary>What the readings chosen for something say about one grid period.</summary>
/// <param name="Joules">Its energy.</param>
/// <param name="Low">The least that it can be, in joules; NaN when unknown.</param>
/// <param name="High">The most that it can be, in joules; NaN when unknown.</param>
/// <param name="Measured">The part of it that is measured or derived.</param>
/// <param name="Ticks">The stretch for which all of it is known.</param>
/// <param name="Evidence">The worst of the inputs.</param>
/// <param name="Mappings">The mappings of the inputs.</param>
/// <param name="Factors">The factors that models of power were made with.</param>
internal readonly record struct Reading(
    double Joules,
    double Low,
    double High,
    double Measured,
    long Ticks,
    Evidence Evidence,
    MappingSet Mappings,
    FactorSet Factors
)
{
    /// <summary>The part of some joules of this reading that is measured or derived.</summary>
    public double MeasuredOf(double joules) =>
        Joules > 0 ? joules * (Measured / Joules)
        : Evidence <= Evidence.Derived ? joules
        : 0;

    /// <summary>The least that some joules of this reading can be; null when unknown.</summary>
    public double? LowOf(double joules) =>
        double.IsNaN(Low) ? null
        : Joules > 0 ? joules * (Low / Joules)
        : 0;

    /// <summary>The most that some joules of this reading can be; null when unknown.</summary>
    public double? HighOf(double joules) =>
        double.IsNaN(High) ? null
        : Joules > 0 ? joules * (High / Joules)
        : 0;
}

/// <summary>How busy something was in one grid period.</summary>
/// <param name="Busy">Mean utilisation, from 0 to 1.</param>
/// <param name="Ticks">The stretch for which it is known.</param>
/// <param name="Mappings">The mappings that told it.</param>
/// <param name="Servers">How many servers it is the mean of; one unless a label says more.</param>
internal readonly record struct Load(double Busy, long Ticks, MappingSet Mappings, double Servers);

/// <summary>The server boundary of a machine in one grid period.</summary>
/// <param name="Reading">What was read of it.</param>
/// <param name="Cover">What made it up.</param>
/// <param name="HoldsAccelerators">Whether the reading holds the energy of the accelerators, or they come on top.</param>
/// <param name="Machines">How many machines are told as this one; one unless a label says more.</param>
internal readonly record struct ServerReading(Reading Reading, EnergyCover Cover, bool HoldsAccelerators, double Machines = 1);

/// <summary>What is known to be in a whole, by meters of its own.</summary>
/// <param name="Processors">The least that processors and memory drew, in joules.</param>
/// <param name="Ticks">For how long these are read.</param>
/// <param name="Boards">The least that accelerators drew in so many ticks; null when they lie outside of the whole.</param>
internal readonly record struct Parts(double Processors, long Ticks, Func<long, double>? Boards)
{
    /// <summary>The least that all of it drew in a time.</summary>
    public double In(long ticks) => (Ticks > ticks ? Processors * ((double)ticks / Ticks) : Processors) + (Boards?.Invoke(ticks) ?? 0);
}
