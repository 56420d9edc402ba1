using Metrics.Domain.Observations;

namespace Metrics.Domain.Tests.Fleets;

/// <summary>What an exporter is about.</summary>
internal enum About
{
    Boards,
    Load,
    Wall,
    Parts,
    Engine,
    Layer,
}

/// <summary>One series while it is written: what it shows when, before and after something is made wrong with it.</summary>
internal sealed class Tape(Series series, About about, bool counts, double allOnes)
{
    private readonly List<(double Second, double Value)> samples = [];

    public Series Series => series;

    public About About => about;

    /// <summary>Whether it is a running counter; else a level.</summary>
    public bool Counts => counts;

    /// <summary>What it shows where every bit is set.</summary>
    public double AllOnes => allOnes;

    /// <summary>The machine that it speaks of; null for a layer before the engines.</summary>
    public Machine? Machine { get; init; }

    /// <summary>The board that it speaks of.</summary>
    public Board? Board { get; init; }

    /// <summary>The pod that it counts the work of.</summary>
    public Pod? Pod { get; init; }

    /// <summary>The usual time between two samples, in seconds.</summary>
    public double Interval { get; init; }

    public int Count => samples.Count;

    /// <summary>Whether another reader tells the same of the same thing.</summary>
    public bool IsTwinOf(Tape other) =>
        other != this
        && other.Series.Metric == Series.Metric
        && (other.Machine, other.Board, other.Pod, other.About) == (Machine, Board, Pod, About)
        && (other.Series.Source != Series.Source || other.Series.Labels["job"] != Series.Labels["job"]);

    public (double Second, double Value) this[int index]
    {
        get => samples[index];
        set => samples[index] = value;
    }

    public void Add(double second, double value) => samples.Add((second, value));

    /// <summary>Leaves out what was sampled from one instant to another.</summary>
    public void Silence(double from, double to) => samples.RemoveAll(sample => sample.Second > from && sample.Second < to);

    /// <summary>Puts another value in the place of each from an instant on.</summary>
    public void Change(double from, Func<double, double> value)
    {
        for (var i = 0; i < samples.Count; i++)
            if (samples[i].Second >= from)
                samples[i] = (samples[i].Second, value(samples[i].Value));
    }

    /// <summary>What it showed at an instant, on a straight line between samples.</summary>
    public double At(double second)
    {
        var next = samples.FindIndex(sample => sample.Second >= second);
        if (next <= 0)
            return samples.Count == 0 ? 0 : samples[Math.Max(0, next)].Value;
        var ((first, low), (last, high)) = (samples[next - 1], samples[next]);
        return Math.Floor(low + (high - low) * (second - first) / (last - first));
    }

    /// <summary>Its clock is so many seconds ahead.</summary>
    public void Shift(double seconds)
    {
        for (var i = 0; i < samples.Count; i++)
            samples[i] = (samples[i].Second + seconds, samples[i].Value);
    }

    /// <summary>A sample within the hours asked for, with one before and one after it; null when there is none.</summary>
    public int? Within(Dice dice, double from, double to)
    {
        var first = samples.FindIndex(sample => sample.Second > from);
        var last = samples.FindLastIndex(sample => sample.Second < to);
        return first < 1 || last >= samples.Count - 1 || last <= first ? null : dice.Int(first, last);
    }

    /// <summary>As the store gives it.</summary>
    public SeriesSamples Told()
    {
        var told = new Sample[samples.Count];
        for (var i = 0; i < told.Length; i++)
            told[i] = Sample.At(Fleet.Begin.AddTicks((long)(samples[i].Second * 1e6) * 10), samples[i].Value);
        return new SeriesSamples(series, told);
    }
}

/// <summary>Something that was made wrong and has to be named: by a rejection of one of the series.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Tapes">The series that it is about; one that is refused is enough.</param>
internal sealed record Fault(Trouble Kind, IReadOnlyList<Tape> Tapes);
