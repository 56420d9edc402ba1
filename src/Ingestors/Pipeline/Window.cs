using Metrics.Domain.Quantities;
using Metrics.Ingestors.Providers;

namespace Metrics.Ingestors.Pipeline;

/// <summary>Which span to read next. Pure: the same watermark, cadence and clock give the same window.</summary>
public static class Window
{
    /// <summary>From the watermark less the overlap to what has settled, at most <see cref="Cadence.MaxWindow"/> past the watermark; null
    /// when nothing has.</summary>
    /// <remarks>Computed from the watermark and never from "now less an interval", so that a service that was down leaves no
    /// hole.</remarks>
    /// <param name="cadence">How the source wants to be read.</param>
    /// <param name="watermark">Everything before it was read; null at the first read.</param>
    /// <param name="registeredAt">When the source was first known: the first read begins <see cref="Cadence.Lookback"/> before it.</param>
    /// <param name="now">The database's clock.</param>
    public static Interval? Next(Cadence cadence, DateTime? watermark, DateTime registeredAt, DateTime now)
    {
        var read = watermark ?? registeredAt - cadence.Lookback;
        var from = watermark is null ? read : read - cadence.Overlap;
        var settled = Settled(cadence, now);
        var to = read + cadence.MaxWindow < settled ? (read + cadence.MaxWindow).Floor(cadence.Align) : settled;
        return to > from ? new Interval(from, to) : null;
    }

    /// <summary>Where a window that has caught up ends.</summary>
    public static DateTime Settled(Cadence cadence, DateTime now) => (now - cadence.Settle).Floor(cadence.Align);
}
