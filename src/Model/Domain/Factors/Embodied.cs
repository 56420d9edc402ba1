using Metrics.Domain.Quantities;

namespace Metrics.Domain.Factors;

/// <summary>Emissions of making and disposing of hardware, and the part of them that falls to a use of it: M of the SCI equation.</summary>
/// <param name="Total">Total embodied emissions of the hardware (TE).</param>
/// <param name="Lifespan">Time the hardware is expected to serve (EL); longer than zero.</param>
/// <remarks>Source: Software Carbon Intensity, ISO/IEC 21031:2024.</remarks>
public sealed record Embodied(Mass Total, TimeSpan Lifespan)
{
    /// <summary>Four years of 365 days, 126,144,000 seconds: the lifespan that the Impact Framework assumes of a server.</summary>
    public static TimeSpan FourYears { get; } = TimeSpan.FromDays(4 * 365);

    /// <summary>Time the hardware is expected to serve (EL).</summary>
    public TimeSpan Lifespan { get; } =
        Lifespan > TimeSpan.Zero
            ? Lifespan
            : throw new ArgumentOutOfRangeException(nameof(Lifespan), Lifespan, "Hardware serves longer than no time.");

    /// <summary>M = TE x (TiR / EL) x (RR / ToR).</summary>
    /// <param name="reserved">Time the hardware is reserved for the use (TiR).</param>
    /// <param name="share">Reserved resources over all resources of the hardware (RR / ToR), from 0 to 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative or the share is not from 0 to 1.</exception>
    public Mass Of(TimeSpan reserved, double share = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(reserved, TimeSpan.Zero);
        if (!(share is >= 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(share), share, "A share of hardware lies from 0 to 1.");
        return Total * ((double)reserved.Ticks / Lifespan.Ticks) * share;
    }
}
