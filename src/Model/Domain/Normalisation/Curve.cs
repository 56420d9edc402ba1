using Metrics.Domain.Catalogue;
using Metrics.Domain.Observations;

namespace Metrics.Domain.Normalisation;

/// <summary>How far a count had come at each of its samples: what it showed, and what it had risen by since the first of them.</summary>
internal sealed class Curve
{
    /// <summary>How far clocks of two readers of one thing may be apart, in ticks.</summary>
    public const long Skew = 5 * TimeSpan.TicksPerSecond;

    /// <summary>Of how much time the usual work may be missing or too much at a sample: clocks apart, and bursts between.</summary>
    private const long Slack = 4 * TimeSpan.TicksPerSecond;

    /// <summary>The same where labels say that both are of one engine: clocks of two sources are further apart than those of one.</summary>
    private const long SlackOfOne = 30 * TimeSpan.TicksPerSecond;

    private readonly long[] times;
    private readonly double[] shown;
    private readonly double[] risen;

    private Curve(long[] times, double[] shown, double[] risen)
    {
        (this.times, this.shown, this.risen) = (times, shown, risen);
        if (times.Length < 2)
            return;
        var distances = new long[times.Length - 1];
        for (var i = 1; i < times.Length; i++)
            distances[i - 1] = times[i] - times[i - 1];
        Array.Sort(distances);
        Usual = distances[distances.Length / 2];
    }

    public int Length => times.Length;

    public long First => times[0];

    public long Last => times[^1];

    /// <summary>The median distance of its samples, in ticks.</summary>
    public long Usual { get; }

    /// <summary>What it rose by in all that is seen.</summary>
    public double Risen => risen.Length == 0 ? 0 : risen[^1];

    public static Curve Of(KnownSeries series) => series.Mapping.Kind == SampleKind.Delta ? OfAmounts(series) : OfCounter(series);

    private static Curve OfAmounts(KnownSeries series)
    {
        var times = new List<long>();
        var risen = new List<double>();
        var total = 0.0;
        foreach (ref readonly var sample in series.Samples.Span)
        {
            if (!(sample.Value >= 0) || sample.End <= sample.Start)
                continue;
            if (times.Count == 0 || sample.Start.Ticks > times[^1])
                Point(sample.Start.Ticks);
            total += sample.Value;
            if (sample.End.Ticks > times[^1])
                Point(sample.End.Ticks);
            else
                risen[^1] = total;
        }
        return new Curve([.. times], [.. risen], [.. risen]);

        void Point(long at)
        {
            times.Add(at);
            risen.Add(total);
        }
    }

    private static Curve OfCounter(KnownSeries series)
    {
        var samples = series.Samples.Span;
        var (times, shown, risen) = (new long[samples.Length], new double[samples.Length], new double[samples.Length]);
        var count = 0;
        for (var i = 0; i < samples.Length; i++)
        {
            var value = samples[i].Value;
            if (!series.CanShow(value) || (count > 0 && value < shown[count - 1] && IsGlitch(samples, i, shown[count - 1])))
                continue;
            (times[count], shown[count]) = (samples[i].End.Ticks, value);
            // After a fall it began anew: how far it came before the first sample is not known.
            risen[count] = count == 0 ? 0 : risen[count - 1] + Math.Max(0, value - shown[count - 1]);
            count++;
        }
        return new Curve(times[..count], shown[..count], risen[..count]);
    }

    /// <summary>A fall that is taken back within three samples.</summary>
    private static bool IsGlitch(ReadOnlySpan<Sample> samples, int at, double before)
    {
        for (var i = at + 1; i < samples.Length && i <= at + 3; i++)
            if (samples[i].Value >= before)
                return true;
        return false;
    }

    /// <summary>How far it had risen at an instant, on a straight line between samples.</summary>
    public double At(long instant)
    {
        if (times.Length == 0 || instant <= times[0])
            return 0;
        if (instant >= times[^1])
            return risen[^1];
        var at = Before(instant);
        return risen[at] + (risen[at + 1] - risen[at]) * ((double)(instant - times[at]) / (times[at + 1] - times[at]));
    }

    /// <summary>Between what the count shown lay at an instant, whoever's clock is right; null where it is not known.</summary>
    public (double Low, double High)? Around(long instant)
    {
        if (times.Length < 2 || instant - Skew < times[0] || instant + Skew > times[^1])
            return null;
        var (low, high) = (Before(instant - Skew), After(instant + Skew));
        return shown[high] >= shown[low] ? (shown[low], shown[high]) : null;
    }

    /// <summary>Whether it moved at all.</summary>
    public bool Moves => Risen > 0;

    /// <summary>Compares two counters by what they show.</summary>
    /// <param name="a">The one.</param>
    /// <param name="b">The other.</param>
    /// <param name="ofOne">Whether labels say that both are of one engine.</param>
    public static Likeness Compare(Curve a, Curve b, bool ofOne)
    {
        if (a.Length < 2 || b.Length < 2)
            return Likeness.Silent;
        var (from, to) = (Math.Max(a.First, b.First), Math.Min(a.Last, b.Last));
        if (from >= to)
            return Likeness.Silent;
        var slack = ofOne ? SlackOfOne : Slack;
        if (!a.Holds(b, slack) || !b.Holds(a, slack))
            return Likeness.Other;
        // The count with more samples is the line on which those of the other have to lie.
        var (line, dots) = a.Between(from, to) >= b.Between(from, to) ? (a, b) : (b, a);
        return dots.On(line, from, to);
    }

    /// <summary>Whether each sample of the other lies between those around it, give or take what is counted while clocks differ.</summary>
    private bool Holds(Curve other, long slack)
    {
        for (int i = 0, low = 0; i < other.times.Length; i++)
        {
            var (at, value) = (other.times[i], other.shown[i]);
            if (at < times[0])
                continue;
            if (at > times[^1])
                break;
            while (low + 1 < times.Length && times[low + 1] <= at)
                low++;
            var high = times[low] == at ? low : low + 1;
            var (before, after) = (Math.Max(0, low - 1), Math.Min(times.Length - 1, high + 1));
            var room = Math.Max(value, shown[high]) * 1e-9;
            for (var step = before + 1; step <= after; step++)
                room = Math.Max(room, RateOf(step) * slack);
            if (value >= shown[low] - room && value <= shown[high] + room)
                continue;
            // Anew in between: the other shows it before its fall, or after it.
            if (FallsWithin(before, after) && (value >= shown[before] - room || value <= shown[after] + room))
                continue;
            if (times[high] - times[low] > Usual * 5 / 2 && other.FallsBetween(times[low], times[high]))
                continue;
            return false;
        }
        return true;
    }

    /// <summary>What the step that ends at a sample rose by in a tick.</summary>
    private double RateOf(int step) => Math.Max(0, shown[step] - shown[step - 1]) / (times[step] - times[step - 1]);

    private bool FallsWithin(int low, int high)
    {
        for (var i = low + 1; i <= high; i++)
            if (shown[i] < shown[i - 1])
                return true;
        return false;
    }

    private bool FallsBetween(long from, long to)
    {
        for (var i = Before(from) + 1; i < times.Length && times[i - 1] < to; i++)
            if (shown[i] < shown[i - 1])
                return true;
        return false;
    }

    private int Between(long from, long to) => After(to + 1) - After(from);

    /// <summary>How near its samples lie to the line of another count.</summary>
    private Likeness On(Curve line, long from, long to)
    {
        var errors = new List<(double Error, double Rate, double Spread)>();
        int moves = 0,
            exact = 0,
            last = -1;
        (double, double, double) shownThen = default;
        for (int i = After(from), at = 0; i < times.Length && times[i] <= to; i++)
        {
            var (now, value) = (times[i], shown[i]);
            while (at + 2 < line.times.Length && line.times[at + 1] <= now)
                at++;
            var (left, right) = (line.shown[at], line.shown[at + 1]);
            var span = line.times[at + 1] - line.times[at];
            if (last >= 0 && value > shown[last])
            {
                moves++;
                if (value == left || value == right)
                    exact++;
                shownThen = (left, value, right);
            }
            last = i;
            if (right < left || span > line.Usual * 5 / 2 || now < line.times[at] || now > line.times[at + 1])
                continue;
            var rate = (right - left) / span;
            var passed = (double)(now - line.times[at]);
            errors.Add((value - left - rate * passed, rate, passed * (span - passed) / span));
        }
        return moves == 0 ? Likeness.Silent : new Likeness(Judge(errors, line.Unevenness(), exact), moves, shownThen);
    }

    /// <summary>How uneven it rises: the variance of its rise in a tick, by how the rates of neighbouring steps differ.</summary>
    private double Unevenness()
    {
        double sum = 0;
        var count = 0;
        for (var i = 2; i < times.Length; i++)
        {
            if (shown[i] < shown[i - 1] || shown[i - 1] < shown[i - 2] || times[i] - times[i - 2] > Usual * 5)
                continue;
            var change = RateOf(i) - RateOf(i - 1);
            sum += change * change * (times[i] - times[i - 2]) / 4;
            count++;
        }
        return count == 0 ? 0 : sum / count;
    }

    /// <summary>
    /// Samples of one counter stray from the line by chance, now above and now below, and no further than uneven work lets them between two
    /// samples; the difference of two that are served alike walks, and each step begins where the one before ended. So what is compared is
    /// how far the strays are from each other and how far from zero (von Neumann's ratio: 2 for chance, towards 0 for a walk), and how
    /// large they are beside those of an uneven path between two samples.
    /// </summary>
    private static Nearness Judge(List<(double Error, double Rate, double Spread)> errors, double unevenness, int exact)
    {
        const double second = TimeSpan.TicksPerSecond;
        if (errors.Count < 2)
            return Nearness.Unknown;
        double product = 0,
            square = 0;
        foreach (var (error, rate, _) in errors)
        {
            product += error * rate;
            square += rate * rate;
        }
        var lag = square > 0 ? Math.Clamp(product / square, -second, second) : 0;
        double strays = 0,
            steps = 0,
            expected = 0,
            before = 0;
        var small = true;
        for (var i = 0; i < errors.Count; i++)
        {
            var (error, rate, spread) = errors[i];
            var stray = error - lag * rate;
            var least = 1.5 + rate * second / 2;
            small &= Math.Abs(stray) <= least;
            strays += stray * stray;
            steps += i == 0 ? 0 : (stray - before) * (stray - before);
            expected += unevenness * spread + least * least;
            before = stray;
        }
        if (small || exact >= 4)
            return Nearness.Same;
        var (ratio, excess) = (steps / strays, strays / expected);
        return excess > 6 ? Nearness.Apart
            : errors.Count < 6 ? Nearness.Unknown
            : ratio >= 1 && excess <= 3 ? Nearness.Same
            : ratio < 0.5 ? Nearness.Apart
            : Nearness.Unknown;
    }

    /// <summary>The last sample at or before an instant, which is not before the first.</summary>
    private int Before(long instant)
    {
        var at = Array.BinarySearch(times, instant);
        return at >= 0 ? at : Math.Max(0, ~at - 1);
    }

    /// <summary>The first sample at or after an instant; their number when there is none.</summary>
    private int After(long instant)
    {
        var at = Array.BinarySearch(times, instant);
        return at >= 0 ? at : ~at;
    }
}

/// <summary>Whether the samples of a count stray from the line of another as those of one counter do.</summary>
internal enum Nearness
{
    /// <summary>Too few of them, or neither.</summary>
    Unknown,

    /// <summary>By chance.</summary>
    Same,

    /// <summary>As a walk.</summary>
    Apart,
}

/// <summary>How two counters compare.</summary>
/// <param name="Nearness">How near they are where both could be one.</param>
/// <param name="Moves">Rises that both show; 0: they witness nothing.</param>
/// <param name="Shown">A sample of the one between two of the other, at the last rise.</param>
internal readonly record struct Likeness(Nearness Nearness, int Moves, (double Before, double Value, double After) Shown)
{
    /// <summary>Nothing that either shows speaks for or against.</summary>
    public static readonly Likeness Silent = new(Nearness.Unknown, 0, default);

    /// <summary>They show what one counter cannot.</summary>
    public static readonly Likeness Other = new(Nearness.Apart, -1, default);

    public bool IsOther => Moves < 0;
}
