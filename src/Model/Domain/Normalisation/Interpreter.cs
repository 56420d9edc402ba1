using System.Globalization;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Messages;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Normalisation;

/// <summary>
/// Interpret: samples become joules or units of work over spans of time, by the six legal cells of quantity and sample kind.
/// What cannot be interpreted is a rejection and a gap, never a zero and never a spike.
/// </summary>
/// <remarks>
/// A rejection belongs to the pass whose period holds the end of its span, so that neighbouring passes do not report twice.
/// What is said of a span from a to b depends on samples from an hour before b to an hour after a alone: every pass over a part of
/// it sees these, so that passes agree on it whatever else each of them sees.
/// </remarks>
internal sealed class Interpreter(
    Grid grid,
    Pieces pieces,
    List<Rejection> rejections,
    IReadOnlyList<KnownSeries> known,
    Rules rules = Rules.All
)
{
    /// <summary>Most joules or units of work that one span can hold: a million such spans still fit what is stored. A year of mankind is
    /// less than a thousand of them.</summary>
    private const double Largest = Limits.LargestValue / 1e6;

    /// <summary>A series is bridged for so many of its usual distances.</summary>
    private const double Bridged = 2.5;

    /// <summary>Distances on each side of a span that say what is usual.</summary>
    private const int Around = 8;

    /// <summary>How far before a rise a counter may have shown what it shows late.</summary>
    private static readonly long Late = TimeSpan.FromMinutes(15).Ticks;

    /// <summary>How far before its first sample, and after it, the start of a count is looked for.</summary>
    private static readonly long Begun = TimeSpan.FromMinutes(30).Ticks;

    /// <summary>Samples so far apart say little of what a level did between them.</summary>
    private static readonly long Seldom = TimeSpan.FromMinutes(2).Ticks;

    private readonly Interval period = grid.Period;
    private Attendance? attendance;

    /// <summary>An unbroken run of samples of one series, as indices of them.</summary>
    private readonly record struct Run(KnownSeries Series, ReadOnlyMemory<Sample> Samples)
    {
        public long Start => Samples.Span[0].End.Ticks;

        public long End => Samples.Span[^1].End.Ticks;
    }

    /// <summary>Reads the series of one meter, ordered by series id.</summary>
    /// <param name="chain">
    /// Series that speak of the same thing with other labels. Where one ends and the next begins, as when a pod gives a GPU
    /// to another, they are one chain: the span between them is the later one's. Where they overlap they are duplicates.
    /// </param>
    /// <param name="turns">Who of them holds it when; null where one speaks alone.</param>
    public void Read(IReadOnlyList<KnownSeries> chain, Turns? turns = null)
    {
        if (chain.Count > 1 && !chain[0].OwnIntervals && rules.HasFlag(Rules.Holders))
        {
            ReadRuns(chain, turns);
            return;
        }
        foreach (var series in chain)
        {
            var samples = ValidSamples(series);
            if (samples.IsEmpty)
                continue;
            pieces.Begin(series.Number);
            if (series.OwnIntervals)
            {
                ReadOwn(series, samples.Span);
            }
            else
            {
                CountFromStart(series, samples.Span[0]);
                Join(series, null, samples.Span);
            }
            pieces.Close();
        }
    }

    /// <summary>Samples that a meter can show; the others are refused once more, because a mapping may have changed since they were
    /// admitted. Of a counter what fell and came back is left out.</summary>
    private ReadOnlyMemory<Sample> ValidSamples(KnownSeries series)
    {
        if (series.LacksPowerModel() is { } why)
        {
            if (LastIn(period, series.Samples.Span) is { } at)
                rejections.Add(Because(series, at, RejectionReason.NoPowerModel, why));
            return default;
        }
        var samples = series.Samples.Span;
        var counts = series.Mapping.Kind == SampleKind.Cumulative;
        var before = double.NegativeInfinity;
        var falls = false;
        for (var i = 0; i < samples.Length; i++)
        {
            var value = samples[i].Value;
            if (!series.CanShow(value))
            {
                var sound = FilterInvalid(series, i);
                return counts ? LeaveGlitchesOut(series, sound) : sound;
            }
            falls |= value < before;
            before = value;
        }
        return falls && counts ? LeaveGlitchesOut(series, series.Samples) : series.Samples;
    }

    private ReadOnlyMemory<Sample> FilterInvalid(KnownSeries series, int firstDoubtful)
    {
        var samples = series.Samples.Span;
        var sound = new List<Sample>(samples.Length);
        sound.AddRange(samples[..firstDoubtful]);
        // A meter that is read every second and has no value would fill the list: a grid period tells it once.
        var (told, more) = (-1, 0);
        Rejection? first = null;
        foreach (ref readonly var sample in samples[firstDoubtful..])
        {
            if (series.CanShow(sample.Value))
            {
                sound.Add(sample);
                continue;
            }
            if (Admission.SaysNothing(sample) || !period.Contains(sample.End))
                continue;
            if (grid.BinOf(sample.End.Ticks) is var bin && bin == told)
            {
                more++;
                continue;
            }
            Tell();
            (told, more, first) = (bin, 0, RefuseValue(series, sample));
        }
        Tell();
        return sound.ToArray();

        void Tell()
        {
            if (first is not null)
                rejections.Add(more == 0 ? first : first with { Detail = $"{first.Detail} {Others(more)} of the grid period." });
        }

        static string Others(int more) => more == 1 ? "So is another value" : $"So are {more} other values";
    }

    private static Rejection RefuseValue(KnownSeries series, in Sample sample)
    {
        if (Admission.ValidateValue(series.Series, sample, series.Mapping) is { } refused)
            return refused;
        var unit = series.Mapping.Unit;
        var detail =
            sample.Value <= series.Most
                ? $"The value {MessageText.Show(sample.Value)} {unit.Symbol} is a register of ones: the meter has no value."
            : unit.Quantity == Quantity.Energy
                ? $"The counter shows {MessageText.Show(sample.Value)} {unit.Symbol}, more than "
                    + $"{MessageText.Show(series.Ceiling.PerSecond)} W, the ceiling {series.Ceiling.Origin}, make in thirty years."
            : $"The value {MessageText.Show(sample.Value)} {unit.Symbol} is above {MessageText.Show(series.Ceiling.PerSecond)} W, "
                + $"the ceiling {series.Ceiling.Origin}.";
        return Because(series, sample.End, RejectionReason.ImplausibleValue, detail);
    }

    /// <summary>Leaves out what a counter showed between a fall and its return to where it was, or between a leap and its return.</summary>
    private ReadOnlyMemory<Sample> LeaveGlitchesOut(KnownSeries series, ReadOnlyMemory<Sample> memory)
    {
        var samples = memory.Span;
        if (!rules.HasFlag(Rules.Glitches) || Glitches.In(series, samples) is not { Count: > 0 } glitches)
            return memory;
        var left = new List<Sample>(samples.Length);
        var next = 0;
        foreach (var (before, back) in glitches)
        {
            for (; next <= before; next++)
                left.Add(samples[next]);
            next = back;
            if (period.Contains(samples[before + 1].End))
                rejections.Add(
                    Because(
                        series,
                        samples[before + 1].End,
                        RejectionReason.Glitch,
                        $"The counter stood at {MessageText.Show(samples[before].Value)}, showed "
                            + $"{MessageText.Show(samples[before + 1].Value)} and came back to {MessageText.Show(samples[back].Value)} "
                            + $"{series.Mapping.Unit.Symbol} after {Text(samples[back].End.Ticks - samples[before].End.Ticks)}: what it "
                            + "showed between the two is left out, and the rise from one to the other counts."
                    )
                );
        }
        left.AddRange(samples[next..]);
        return left.ToArray();
    }

    /// <summary>Deltas, and levels that a provider averaged over a period: each covers its own interval, and where two overlap the later
    /// one has the time.</summary>
    private void ReadOwn(KnownSeries series, ReadOnlySpan<Sample> samples)
    {
        var delta = series.Mapping.Kind == SampleKind.Delta;
        var unit = series.Mapping.Unit;
        for (var i = 0; i < samples.Length; i++)
        {
            var sample = samples[i];
            long start = sample.Start.Ticks,
                end = sample.End.Ticks;
            if (end <= start)
                continue;
            var until = i + 1 < samples.Length ? Math.Min(end, samples[i + 1].Start.Ticks) : end;
            if (delta && sample.Value > series.RiseInTick * (end - start) + series.Quantum)
            {
                RejectAmount(series, end - start, sample);
                continue;
            }
            var amount = delta
                ? unit.ToCanonical(sample.Value) * ((double)(until - start) / (end - start))
                : series.RateOf(sample.Value) * Piece.Seconds(until - start);
            Add(series, start, until, amount, sample);
        }
    }

    /// <summary>An amount over a span. One that no storage could hold is a gap, or it would keep the facts of the whole hour out.</summary>
    private void Add(KnownSeries series, long from, long to, double amount, in Sample sample, double doubt = 0)
    {
        if (amount <= Largest)
            pieces.Add(from, to, amount, doubt);
        else if (period.Contains(sample.End))
            rejections.Add(
                Because(
                    series,
                    sample.End,
                    RejectionReason.OutOfRange,
                    $"The span would hold {MessageText.Show(amount)} "
                        + $"{(series.Mapping.Unit.Quantity == Quantity.Work ? "units of work" : "J")}, which nothing can: the value "
                        + $"{MessageText.Show(sample.Value)} {series.Mapping.Unit.Symbol} or its unit is wrong, and the span is a gap."
                )
            );
    }

    /// <summary>A level that was at two instants: between them it lay between both, or stood where it was. Between samples that are minutes
    /// apart it may have been wherever it was at those beside them too.</summary>
    private void AddLevel(KnownSeries series, long from, long to, double value, ReadOnlySpan<Sample> samples, int at)
    {
        ref readonly var sample = ref samples[at];
        var (first, last, seconds) = (series.RateOf(value), series.RateOf(sample.Value), Piece.Seconds(to - from));
        if (series.Mapping.Hold)
        {
            Add(series, from, to, first * seconds, sample);
            return;
        }
        var (low, high) = (Math.Min(first, last), Math.Max(first, last));
        if (to - from >= Seldom)
        {
            if (at > 1 && samples[at - 2].End.Ticks >= to - Limits.Reach.Ticks)
                Widen(series.RateOf(samples[at - 2].Value));
            if (at + 1 < samples.Length && samples[at + 1].End.Ticks <= from + Limits.Reach.Ticks)
                Widen(series.RateOf(samples[at + 1].Value));
        }
        Add(series, from, to, (first + last) / 2 * seconds, sample, (high - low) / 2 * seconds);

        void Widen(double level) => (low, high) = (Math.Min(low, level), Math.Max(high, level));
    }

    /// <summary>Instants: each says, together with the one before it, what happened between the two.</summary>
    private void Join(KnownSeries series, Run? before, ReadOnlySpan<Sample> samples)
    {
        var mapping = series.Mapping;
        var cumulative = mapping.Kind == SampleKind.Cumulative;
        var (maxSpan, riseInTick) = (series.MaxSpan, series.RiseInTick);
        // The first sample of a counter is a baseline: what it shows may have been counted in weeks.
        var (at, value, known) = before is { } run ? (run.End, run.Samples.Span[^1].Value, true) : default;
        var fell = false;
        for (var i = 0; i < samples.Length; i++)
        {
            ref readonly var sample = ref samples[i];
            var now = sample.End.Ticks;
            var span = now - at;
            if (known && span > 0)
            {
                if (span > maxSpan && span > Bridge(i == 0 ? before!.Value.Series : series, series, at, now))
                {
                    RejectSpan(series, at, sample);
                    if (before is null && span > Limits.Reach.Ticks)
                        CountFromStart(series, sample);
                }
                else if (!cumulative)
                    AddLevel(series, at, now, value, samples, i);
                else if (fell && MayHaveComeBack(samples, i))
                    RejectReturn(series, samples[i - 2].Value, value, sample);
                else if (sample.Value - value is >= 0 and var rise && rise <= riseInTick * span)
                    Add(series, at, now, mapping.Unit.ToCanonical(rise), sample);
                else
                    Doubt(series, before, samples, i, value, at);
            }
            fell = sample.Value < value;
            (at, value, known) = (now, sample.Value, true);
        }
    }

    /// <summary>Whether a counter that fell stands at the next sample where it was before, in too long a time to tell a glitch from a count
    /// that began anew.</summary>
    private static bool MayHaveComeBack(ReadOnlySpan<Sample> samples, int at) =>
        at > 1
        && samples[at].Value >= samples[at - 2].Value
        && samples[at].End.Ticks - samples[at - 2].End.Ticks is var time
        && time > Glitches.Longest
        && time <= Limits.Reach.Ticks;

    /// <summary>A counter that fell, or rose by more than its ceiling in the span.</summary>
    /// <remarks>
    /// A fall below a declared maximum is read as one wrap. Labels carry no boot identity, so a reboot between two samples
    /// looks the same; it then adds at most one range of the counter, and at most what its ceiling allows.
    /// </remarks>
    private void Doubt(KnownSeries series, Run? before, ReadOnlySpan<Sample> samples, int at, double value, long since)
    {
        ref readonly var sample = ref samples[at];
        var now = sample.End.Ticks;
        var earlier = before is { } run ? run.Samples.Span : default;
        var most = series.RiseInTick * (now - LatestSince(earlier, samples, at, since)) + series.Quantum;
        var rise =
            sample.Value >= value ? sample.Value - value
            : series.Mapping.WrapsAt is { } maximum && value <= maximum ? maximum - value + sample.Value
            : double.NaN;
        if (rise <= most)
            Add(series, since, now, series.Mapping.Unit.ToCanonical(rise), sample);
        else if (sample.Value < value)
            RejectFall(series, value, sample);
        else
            RejectAmount(series, now - since, sample, value);
    }

    /// <summary>Since when a counter may have counted what it now shows: drivers count anew every half a minute or so, whoever asks them
    /// how often, and so the rise of a span may be as old as the last sample before the last change.</summary>
    private static long LatestSince(ReadOnlySpan<Sample> earlier, ReadOnlySpan<Sample> samples, int at, long since)
    {
        var latest = samples[at].End.Ticks - Late;
        var value = double.NaN;
        for (var i = at - 1; i >= -earlier.Length; i--)
        {
            ref readonly var sample = ref i >= 0 ? ref samples[i] : ref earlier[^-i];
            if (sample.End.Ticks < latest)
                return since;
            since = Math.Min(since, sample.End.Ticks);
            if (!double.IsNaN(value) && sample.Value != value)
                return since;
            value = sample.Value;
        }
        return since;
    }

    /// <summary>How long a span may be, by the usual distance of the samples around it; 0 when too few are there to tell.</summary>
    private static long Bridge(KnownSeries before, KnownSeries after, long from, long to)
    {
        var reach = Limits.Reach.Ticks;
        if (to - from > reach)
            return 0;
        Span<long> distances = stackalloc long[2 * Around];
        var count = 0;
        var samples = before.Samples.Span;
        for (var i = IndexAfter(samples, from) - 1; i > 0 && count < Around && samples[i - 1].End.Ticks >= to - reach; i--)
            distances[count++] = samples[i].End.Ticks - samples[i - 1].End.Ticks;
        samples = after.Samples.Span;
        var left = count;
        for (
            var i = IndexAfter(samples, to - 1);
            i + 1 < samples.Length && count < left + Around && samples[i + 1].End.Ticks <= from + reach;
            i++
        )
            distances[count++] = samples[i + 1].End.Ticks - samples[i].End.Ticks;
        if (count < 2)
            return 0;
        distances = distances[..count];
        distances.Sort();
        return Math.Min(reach, (long)(distances[(count - 1) / 2] * Bridged));
    }

    /// <summary>The first sample after an instant, as an index.</summary>
    private static int IndexAfter(ReadOnlySpan<Sample> samples, long instant)
    {
        var (low, high) = (0, samples.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (samples[middle].End.Ticks <= instant)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }

    /// <summary>What a count that is new shows at first was counted since its start: it was not there while the source was read, and it
    /// shows no more than it makes in that time. Else the first sample is a baseline.</summary>
    private void CountFromStart(KnownSeries series, in Sample first)
    {
        var now = first.End.Ticks;
        if (!series.CountsFromItsStart || first.Value <= 0 || now <= period.Start.Ticks || now > period.End.Ticks + Begun)
            return;
        var samples = series.Samples.Span;
        var at = IndexAfter(samples, now - 1);
        if (at > 0 && samples[at - 1].End.Ticks >= now - Limits.Reach.Ticks)
            return;

        Span<long> distances = stackalloc long[Around];
        Span<double> rates = stackalloc double[Around];
        var (count, rises, time, rated) = (0, 0.0, 0L, 0);
        for (var i = at + 1; i < samples.Length && count < Around && samples[i].End.Ticks <= now + Begun; i++)
        {
            var span = samples[i].End.Ticks - samples[i - 1].End.Ticks;
            distances[count++] = span;
            var rise = samples[i].Value - samples[i - 1].Value;
            if (!(rise >= 0 && rise <= series.RiseInTick * span))
                continue;
            rates[rated++] = rise / span;
            (rises, time) = (rises + rise, time + span);
        }
        if (rated == 0 || rises <= 0)
            return;
        distances = distances[..count];
        distances.Sort();
        rates = rates[..rated];
        rates.Sort();
        // One leap may be a glitch.
        var usual = distances[(count - 1) / 2];
        var most = rated > 2 ? rates[^2] : rates[^1];

        // Had it been there one distance before, it would have been read then: a little less, for reads come with jitter.
        attendance ??= new Attendance(known);
        if (attendance.Latest(series, now - (long)(usual * 0.9), now - Begun) is not { } absent)
            return;
        if (first.Value > 1.5 * Math.Min(most, series.RiseInTick) * (now - absent))
            return;
        Add(series, Math.Max(absent, now - (long)(first.Value / (rises / time))), now, series.Mapping.Unit.ToCanonical(first.Value), first);
    }

    /// <summary>Several series of one meter: split into runs, and each run joined to the run that it follows.</summary>
    private void ReadRuns(IReadOnlyList<KnownSeries> chain, Turns? turns)
    {
        var runs = new List<Run>();
        foreach (var series in chain)
            AddRuns(runs, series, ValidSamples(series), turns);
        runs.Sort(
            static (a, b) =>
                a.Start != b.Start ? a.Start.CompareTo(b.Start)
                : a.End != b.End ? a.End.CompareTo(b.End)
                : a.Series.Number.CompareTo(b.Series.Number)
        );

        Run? latest = null;
        for (int i = 0, sameStart = 0; i < runs.Count; i++)
        {
            if (runs[i].Start != runs[sameStart].Start)
            {
                for (; sameStart < i; sameStart++)
                    if (latest is null || runs[sameStart].End > latest.Value.End)
                        latest = runs[sameStart];
            }
            var run = runs[i];
            Run? before = null;
            // A run that goes on while this one starts is a duplicate of it, and nothing is handed over.
            if (latest is { } earlier && earlier.End < run.Start)
            {
                if (IsBridged(earlier.Series, run.Series, earlier.End, run.Start))
                    before = earlier;
                else
                    RejectSpan(run.Series, earlier.End, run.Samples.Span[0]);
            }
            pieces.Begin(run.Series.Number);
            Join(run.Series, before, run.Samples.Span);
            pieces.Close();
        }
    }

    private static void AddRuns(List<Run> runs, KnownSeries series, ReadOnlyMemory<Sample> samples, Turns? turns)
    {
        var span = samples.Span;
        for (int first = 0, i = 1; i <= span.Length; i++)
        {
            if (
                i < span.Length
                && IsBridged(series, series, span[i - 1].End.Ticks, span[i].End.Ticks)
                // While another held it, it was away: its silence is not one of its meter.
                && turns?.IsAway(series, span, i) != true
            )
                continue;
            runs.Add(new Run(series, samples[first..i]));
            first = i;
        }
    }

    /// <summary>Whether two neighbouring samples are joined.</summary>
    internal static bool IsBridged(KnownSeries before, KnownSeries after, long from, long to) =>
        to - from <= after.MaxSpan || to - from <= Bridge(before, after, from, to);

    private void RejectSpan(KnownSeries series, long from, in Sample sample)
    {
        if (period.Contains(sample.End))
            rejections.Add(
                Because(
                    series,
                    sample.End,
                    RejectionReason.SpanTooLong,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{Piece.Seconds(sample.End.Ticks - from):0.###} seconds lie between this sample "
                            + $"({MessageText.Show(sample.Value)} {series.Mapping.Unit.Symbol}) and the one before, more than the "
                            + $"{Piece.Seconds(series.MaxSpan):0.###}, or two and a half usual distances, that may be bridged: the span is "
                            + $"a gap."
                    )
                )
            );
    }

    private void RejectFall(KnownSeries series, double earlier, in Sample sample)
    {
        if (period.Contains(sample.End))
            rejections.Add(
                Because(
                    series,
                    sample.End,
                    RejectionReason.CounterReset,
                    $"The counter fell from {MessageText.Show(earlier)} to {MessageText.Show(sample.Value)} "
                        + $"{series.Mapping.Unit.Symbol} and no declared maximum explains it: the span is a gap and counting starts "
                        + "anew."
                )
            );
    }

    /// <summary>An amount of an interval, or a rise since an earlier value, that is beyond the ceiling.</summary>
    private void RejectAmount(KnownSeries series, long span, in Sample sample, double? earlier = null)
    {
        if (!period.Contains(sample.End))
            return;
        var unit = series.Mapping.Unit;
        var rate = unit.ToCanonical(sample.Value - (earlier ?? 0)) / Piece.Seconds(span);
        var perSecond = unit.Quantity == Quantity.Work ? "units of work a second" : "W";
        rejections.Add(
            Because(
                series,
                sample.End,
                RejectionReason.ImplausibleValue,
                (
                    earlier is { } from
                        ? $"The counter rose from {MessageText.Show(from)} to {MessageText.Show(sample.Value)} {unit.Symbol}"
                        : $"The amount is {MessageText.Show(sample.Value)} {unit.Symbol}"
                )
                    + $" in {Text(span)}: {rate.ToString("G6", CultureInfo.InvariantCulture)} {perSecond}, above "
                    + $"{MessageText.Show(series.Ceiling.PerSecond)}, the ceiling {series.Ceiling.Origin}. The span is a gap."
            )
        );
    }

    private static string Text(long ticks) => string.Create(CultureInfo.InvariantCulture, $"{Piece.Seconds(ticks):0.###} s");

    private void RejectReturn(KnownSeries series, double before, double fallen, in Sample sample)
    {
        if (period.Contains(sample.End))
            rejections.Add(
                Because(
                    series,
                    sample.End,
                    RejectionReason.CounterReset,
                    $"The counter fell from {MessageText.Show(before)} to {MessageText.Show(fallen)} and shows "
                        + $"{MessageText.Show(sample.Value)} {series.Mapping.Unit.Symbol} next: it is read too seldom to tell whether it "
                        + "came back or counted so far, and the span is a gap."
                )
            );
    }

    /// <summary>The last instant of the samples that lies in the period.</summary>
    internal static DateTime? LastIn(Interval period, ReadOnlySpan<Sample> samples)
    {
        for (var i = samples.Length - 1; i >= 0; i--)
            if (period.Contains(samples[i].End))
                return samples[i].End;
        return null;
    }

    private static Rejection Because(KnownSeries series, DateTime at, RejectionReason reason, string detail) =>
        new(series.Series.Source, series.Series.ToString(), at, reason, detail);
}
