namespace Metrics.Domain.Normalisation;

/// <summary>How what some count and what others count compare as sums of rises, wherever each began.</summary>
internal enum Rising
{
    /// <summary>Too little moved to say.</summary>
    Unknown,

    /// <summary>The others rise by the same.</summary>
    Alike,

    /// <summary>The others rise by less, and never by more.</summary>
    Less,

    /// <summary>Neither.</summary>
    Unlike,
}

/// <summary>The rises of two groups of counts over the time that both tell of.</summary>
/// <param name="Rising">How the second compares with the first.</param>
/// <param name="First">What the first rose by.</param>
/// <param name="Second">What the second rose by.</param>
/// <param name="Periods">Parts of the time in which both rose.</param>
internal readonly record struct Agreement(Rising Rising, double First, double Second, int Periods)
{
    /// <summary>Into how many parts the time is cut.</summary>
    private const int Parts = 24;

    /// <summary>How much later the one counts what the other has counted: the way between them, and answers under way.</summary>
    private const long Lag = 15 * TimeSpan.TicksPerSecond;

    private const double Tolerance = 0.01;

    /// <summary>Compares them at <see cref="Parts"/> instants.</summary>
    /// <param name="first">Curves whose sum is the first.</param>
    /// <param name="second">Curves whose sum is the second.</param>
    /// <param name="least">Parts in which both have to have risen.</param>
    public static Agreement Of(IReadOnlyList<Curve> first, IReadOnlyList<Curve> second, int least)
    {
        var (a, b) = (first.Where(one => one.Length > 1).ToList(), second.Where(one => one.Length > 1).ToList());
        if (a.Count == 0 || b.Count == 0)
            return default;
        var from = Math.Max(a.Min(one => one.First), b.Min(one => one.First));
        var to = Math.Min(a.Max(one => one.Last), b.Max(one => one.Last));
        if (from >= to)
            return default;
        var room = Lag + Math.Max(a.Max(one => one.Usual), b.Max(one => one.Usual));
        var (startFirst, startSecond) = (Sum(a, from), Sum(b, from));
        var (earlier, later) = (Sum(a, from - room), Sum(a, from + room));
        double before = startFirst,
            beforeSecond = startSecond;
        var (alike, less, periods) = (true, true, 0);
        for (var part = 1; part <= Parts; part++)
        {
            var at = part == Parts ? to : from + (to - from) / Parts * part;
            var (now, other) = (Sum(a, at), Sum(b, at));
            if (now > before && other > beforeSecond)
                periods++;
            (before, beforeSecond) = (now, other);
            var risen = other - startSecond;
            less &= risen <= (Sum(a, at + room) - earlier) * (1 + Tolerance);
            alike &= risen >= (Sum(a, at - room) - later) * (1 - Tolerance);
        }
        var (roseFirst, roseSecond) = (before - startFirst, beforeSecond - startSecond);
        // Within the room of a whole pass either may stand still while the other moves.
        var moved = roseFirst > 0 || roseSecond > 0;
        var rising =
            !moved ? Rising.Unknown
            : periods < least ? (roseFirst > 0 && roseSecond > 0 ? Rising.Unknown : Rising.Unlike)
            : alike && less ? Rising.Alike
            : less ? Rising.Less
            : Rising.Unlike;
        return new Agreement(rising, roseFirst, roseSecond, periods);
    }

    private static double Sum(List<Curve> curves, long at)
    {
        double sum = 0;
        foreach (var curve in curves)
            sum += curve.At(at);
        return sum;
    }
}
