using Metrics.Domain.Observations;

namespace Metrics.Domain.Normalisation;

/// <summary>
/// What a counter shows for a while and takes back: it falls and comes back to where it was, or leaps up and falls back. One that counts
/// on from below began anew, and one that passes a declared maximum wraps; neither is a glitch.
/// </summary>
/// <remarks>
/// Each fall is judged by the samples within <see cref="Longest"/> of it and those within <see cref="Near"/> around these. Of two
/// readings that cross, the one is taken that more samples around it bear out. Twice the one and the other make an hour, so that every
/// pass that the outcome means something to has seen all of it. The work for a fall is bounded by <see cref="Most"/>.
/// </remarks>
internal static class Glitches
{
    /// <summary>Rises so many times above the usual ones are no usual work.</summary>
    private const double Leap = 4;

    /// <summary>A counter that comes back by chance lands so near to where it was once in ten times.</summary>
    private const double Back = 0.1;

    /// <summary>Samples looked at from a fall.</summary>
    private const int Most = 512;

    /// <summary>Rises on each side that say what is usual.</summary>
    private const int Around = 16;

    /// <summary>Samples on each side that are asked which of two readings is right.</summary>
    private const int Witnesses = 4;

    /// <summary>From the last sample before to the first one after.</summary>
    public static readonly long Longest = TimeSpan.FromMinutes(22).Ticks;

    private static readonly long Near = TimeSpan.FromMinutes(16).Ticks;

    /// <summary>The glitches of a counter in the order of time, as the samples before and after each; none lies in another.</summary>
    public static List<(int Before, int Back)>? In(KnownSeries series, ReadOnlySpan<Sample> samples)
    {
        List<(int Before, int Back)>? found = null;
        for (var i = 1; i < samples.Length; i++)
        {
            if (samples[i].Value >= samples[i - 1].Value)
                continue;
            if (ReturnFrom(samples, i) is { } back && IsGlitch(series, samples, i - 1, back, i))
                (found ??= []).Add((i - 1, back));
            if (LeapBefore(samples, i) is { } before && IsGlitch(series, samples, before, i, i))
                (found ??= []).Add((before, i));
        }
        return found is null ? null : Outermost(found, samples);
    }

    /// <summary>The first sample after a fall that is again at least at the value before it.</summary>
    private static int? ReturnFrom(ReadOnlySpan<Sample> samples, int fall)
    {
        var (value, until) = (samples[fall - 1].Value, samples[fall - 1].End.Ticks + Longest);
        for (var i = fall + 1; i < samples.Length && i <= fall + Most && samples[i].End.Ticks <= until; i++)
            if (samples[i].Value >= value)
                return i;
        return null;
    }

    /// <summary>The last sample before a fall that is at most at the value after it, where others stand between.</summary>
    private static int? LeapBefore(ReadOnlySpan<Sample> samples, int fall)
    {
        var (value, since) = (samples[fall].Value, samples[fall].End.Ticks - Longest);
        for (var i = fall - 2; i >= 0 && i >= fall - Most && samples[i].End.Ticks >= since; i--)
            if (samples[i].Value <= value)
                return i;
        return null;
    }

    private static bool IsGlitch(KnownSeries series, ReadOnlySpan<Sample> samples, int before, int back, int fall)
    {
        var rise = samples[back].Value - samples[before].Value;
        var span = samples[back].End.Ticks - samples[before].End.Ticks;
        var usual = UsualRate(series, samples, before, back);
        if (
            rise > series.RiseInTick * span + series.Quantum
            || (series.Mapping.WrapsAt is { } wrapsAt && MayWrap(series, samples, fall, usual, wrapsAt))
        )
            return false;

        var isNear = rise <= Back * Depth(samples, before, back);

        // The step that comes back from below, or the one that leapt: no work that is usual here.
        var (from, to) = fall == back ? (before, before + 1) : (back - 1, back);
        var step = samples[to].Value - samples[from].Value;
        var since = samples[from].End.Ticks;
        for (var i = from - 1; i >= before && samples[i].Value == samples[from].Value; i--)
            since = samples[i].End.Ticks;
        var time = samples[to].End.Ticks - since;
        if (step > series.RiseInTick * time + series.Quantum)
            return usual is not { } rate || isNear || rise <= Leap * rate * span;
        return usual is { } own ? step > Leap * own * time && (isNear || rise <= Leap * own * span) : isNear;
    }

    /// <summary>How far what lies between is from the line that goes past it.</summary>
    private static double Depth(ReadOnlySpan<Sample> samples, int before, int back)
    {
        double depth = 0;
        for (var i = before + 1; i < back; i++)
            depth = Math.Max(depth, Math.Max(samples[before].Value - samples[i].Value, samples[i].Value - samples[back].Value));
        return depth;
    }

    /// <summary>How many of the samples next to it lie near the line and not where the glitch lies.</summary>
    private static int Support(ReadOnlySpan<Sample> samples, (int Before, int Back) glitch)
    {
        var (before, back) = glitch;
        var near = Back * Depth(samples, before, back);
        var support = 0;
        for (var i = before - 1; i >= 0 && i >= before - Witnesses && samples[i].End.Ticks >= samples[before].End.Ticks - Near; i--)
            if (Math.Abs(samples[i].Value - samples[before].Value) <= near)
                support++;
        for (var i = back + 1; i < samples.Length && i <= back + Witnesses && samples[i].End.Ticks <= samples[back].End.Ticks + Near; i++)
            if (Math.Abs(samples[i].Value - samples[back].Value) <= near)
                support++;
        return support;
    }

    /// <summary>Whether the fall is one wrap of the counter, by its ceiling and by what is usual.</summary>
    private static bool MayWrap(KnownSeries series, ReadOnlySpan<Sample> samples, int fall, double? usual, double wrapsAt)
    {
        var rise = wrapsAt - samples[fall - 1].Value + samples[fall].Value;
        var span = samples[fall].End.Ticks - samples[fall - 1].End.Ticks;
        return samples[fall - 1].Value <= wrapsAt
            && rise <= series.RiseInTick * span + series.Quantum
            && !(usual is { } rate && rise > Leap * rate * span);
    }

    /// <summary>The third highest rate of rises near the span, in the raw unit for each tick: two may be part of another glitch. Null where
    /// fewer than three are there.</summary>
    /// <remarks>A counter that stands still and then rises counted in all that time.</remarks>
    private static double? UsualRate(KnownSeries series, ReadOnlySpan<Sample> samples, int before, int back)
    {
        Span<double> rates = stackalloc double[2 * Around];
        var count = 0;
        for (
            var i = before;
            i > 0 && count < Around && before - i < Most && samples[i - 1].End.Ticks >= samples[before].End.Ticks - Near;
            i--
        )
        {
            if (samples[i].Value == samples[i - 1].Value)
                continue;
            // The rise from i - 1 to i, with the time that it stood still before.
            var since = i - 1;
            while (
                since > 0
                && samples[since - 1].Value == samples[since].Value
                && samples[since - 1].End.Ticks >= samples[before].End.Ticks - Near
            )
                since--;
            AddRate(rates, ref count, since, i, samples);
            i = since + 1;
        }
        var left = count;
        for (
            int i = back + 1, since = back;
            i < samples.Length && count < left + Around && i - back < Most && samples[i].End.Ticks <= samples[back].End.Ticks + Near;
            i++
        )
        {
            if (samples[i].Value == samples[since].Value)
                continue;
            AddRate(rates, ref count, since, i, samples);
            since = i;
        }
        if (count < 3)
            return null;
        rates = rates[..count];
        rates.Sort();
        return rates[^3];

        void AddRate(Span<double> into, ref int known, int since, int to, ReadOnlySpan<Sample> of)
        {
            var (rise, time) = (of[to].Value - of[since].Value, of[to].End.Ticks - of[since].End.Ticks);
            if (rise > 0 && time > 0 && rise <= series.RiseInTick * time + series.Quantum)
                into[known++] = rise / time;
        }
    }

    /// <summary>Of two that cross, the one that more samples bear out, else the one of fewer samples, else the earlier; of two of which one
    /// holds the other, the outer.</summary>
    private static List<(int Before, int Back)> Outermost(List<(int Before, int Back)> found, ReadOnlySpan<Sample> samples)
    {
        found.Sort(static (a, b) => a.Before != b.Before ? a.Before.CompareTo(b.Before) : b.Back.CompareTo(a.Back));
        var crossed = new bool[found.Count];
        for (var i = 0; i < found.Count; i++)
        {
            for (var j = i + 1; j < found.Count && found[j].Before < found[i].Back; j++)
            {
                if (found[j].Before == found[i].Before || found[j].Back <= found[i].Back)
                    continue;
                var support = Support(samples, found[j]) - Support(samples, found[i]);
                if (support > 0 || (support == 0 && found[j].Back - found[j].Before < found[i].Back - found[i].Before))
                    crossed[i] = true;
                else
                    crossed[j] = true;
            }
        }
        var outermost = new List<(int Before, int Back)>();
        for (var i = 0; i < found.Count; i++)
            if (!crossed[i] && (outermost.Count == 0 || found[i].Before >= outermost[^1].Back))
                outermost.Add(found[i]);
        return outermost;
    }
}
