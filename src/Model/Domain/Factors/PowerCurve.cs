using System.Collections.Immutable;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Factors;

/// <summary>Power of hardware by its utilisation: straight lines between known points.</summary>
/// <remarks>
/// Straight lines need no more than the points and never leave the range between two neighbours; a spline or a polynomial
/// through the same points does. Outside the points nothing is known, so nothing is answered.
/// </remarks>
public sealed class PowerCurve
{
    private readonly ImmutableArray<(double Utilisation, double Load)> points;

    /// <summary>A curve through points.</summary>
    /// <param name="points">Utilisation, ascending, from 0 to 1, and power there as a share of the thermal design power, not negative; at
    /// least two.</param>
    /// <exception cref="ArgumentException">There are fewer than two points, they do not ascend, or one is out of range.</exception>
    public PowerCurve(params ReadOnlySpan<(double Utilisation, double Load)> points)
    {
        if (points.Length < 2)
            throw new ArgumentException($"A curve has at least two points; got {points.Length}.", nameof(points));
        for (var i = 0; i < points.Length; i++)
        {
            if (!(points[i].Utilisation is >= 0 and <= 1) || !(points[i].Load is >= 0 and < double.PositiveInfinity))
                throw new ArgumentException(
                    $"A point of a curve has a utilisation from 0 to 1 and a load that is not negative; got {points[i]}.",
                    nameof(points)
                );
            if (i > 0 && points[i].Utilisation <= points[i - 1].Utilisation)
                throw new ArgumentException(
                    $"The points of a curve ascend in utilisation; {points[i].Utilisation} follows {points[i - 1].Utilisation}.",
                    nameof(points)
                );
        }
        this.points = [.. points];
    }

    /// <summary>The mean curve of server CPUs that Teads measured: 12, 32, 75 and 102 % of the thermal design power at 0, 10, 50 and 100 %
    /// utilisation.</summary>
    public static PowerCurve Teads { get; } = new((0, 0.12), (0.1, 0.32), (0.5, 0.75), (1, 1.02));

    /// <summary>The share of the thermal design power at a utilisation.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The utilisation lies outside the points; 180 % is an error of measurement, not a
    /// load.</exception>
    public double LoadAt(double utilisation)
    {
        if (!(utilisation >= points[0].Utilisation && utilisation <= points[^1].Utilisation))
            throw new ArgumentOutOfRangeException(
                nameof(utilisation),
                utilisation,
                $"The curve is known from {points[0].Utilisation} to {points[^1].Utilisation} and says nothing outside."
            );
        var above = 1;
        while (utilisation > points[above].Utilisation)
            above++;
        var (from, to) = (points[above - 1], points[above]);
        return from.Load + (to.Load - from.Load) * ((utilisation - from.Utilisation) / (to.Utilisation - from.Utilisation));
    }

    /// <summary>Power at a utilisation of hardware with a thermal design power.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The utilisation lies outside the points.</exception>
    public Power At(double utilisation, Power thermalDesignPower) => Power.FromWatts(thermalDesignPower.Watts * LoadAt(utilisation));
}
