using System.Globalization;
using System.Text;

namespace Metrics.Fleet;

/// <summary>Plays a recording without end, as the exporters it came from would show it now.</summary>
/// <remarks>
/// The time of day of the recording is the time of day it is. Between two samples a straight line is taken. Where the recording
/// has a gap, nothing is shown, and a counter that began again at zero does so here. At midnight the recording begins anew and
/// its counters go on from where they were.
/// </remarks>
public sealed class Exporter
{
    // Two scrapes missed: the exporter was away, and so are its series.
    private static readonly TimeSpan Gap = TimeSpan.FromMinutes(2.5);

    private readonly IReadOnlyList<Track> tracks;
    private readonly Dictionary<Track, (int Reset, double Rise)> rounds = new(ReferenceEqualityComparer.Instance);
    private readonly DateTime start;
    private readonly TimeSpan length;

    /// <summary>An exporter of the tracks.</summary>
    public Exporter(IEnumerable<Track> tracks)
    {
        this.tracks = [.. tracks.OrderBy(track => track.Metric, StringComparer.Ordinal)];
        start = this.tracks.Min(track => track.Samples[0].At);
        // A sample a minute: the next round begins with the minute after the last one.
        var last = this.tracks.Max(track => track.Samples[^1].At);
        length = last.AddTicks(TimeSpan.TicksPerMinute - (last.Ticks % TimeSpan.TicksPerMinute)) - start;
        foreach (var track in this.tracks)
            rounds.Add(track, (ResetOf(track.Samples), track.Samples[^1].Value - track.Samples[0].Value + SeamRise(track)));
    }

    /// <summary>The page at an instant, as Prometheus reads it.</summary>
    /// <param name="now">UTC.</param>
    /// <param name="of">Which series; all when null.</param>
    public string Page(DateTime now, Func<Track, bool>? of = null)
    {
        var page = new StringBuilder();
        var family = "";
        foreach (var track in tracks)
        {
            if (of?.Invoke(track) == false || ValueAt(track, now) is not { } value)
                continue;
            if (track.Metric != family)
            {
                family = track.Metric;
                page.Append("# HELP ")
                    .Append(family)
                    .Append(" Synthetic: played from a recording.\n# TYPE ")
                    .Append(family)
                    .Append(track.IsCounter ? " counter\n" : " gauge\n");
            }
            page.Append(family)
                .Append('{')
                .AppendJoin(',', track.Labels.Select(label => $"{label.Key}=\"{label.Value}\""))
                .Append("} ")
                .Append(value.ToString("R", CultureInfo.InvariantCulture))
                .Append('\n');
        }
        return page.ToString();
    }

    /// <summary>The value of a track at an instant; null within a gap.</summary>
    public double? ValueAt(Track track, DateTime now)
    {
        var samples = track.Samples;
        var since = now - start;
        // A clock that stands before the recording sees its first round.
        var round = Math.Max(0, (long)Math.Floor(since / length));
        var at = start + (since - (Math.Floor(since / length) * length));
        var next = FirstAfter(samples, at);
        (DateTime At, double Value) earlier =
            next > 0
                ? (samples[next - 1].At, InRound(track, next - 1, round))
                : (samples[^1].At - length, InRound(track, samples.Count - 1, round - 1));
        (DateTime At, double Value) later =
            next < samples.Count ? (samples[next].At, InRound(track, next, round)) : (samples[0].At + length, InRound(track, 0, round + 1));
        if (later.At - earlier.At > Gap)
            return null;
        if (track.IsCounter && later.Value < earlier.Value)
            return earlier.Value;
        var share = (at - earlier.At) / (later.At - earlier.At);
        var value = earlier.Value + ((later.Value - earlier.Value) * share);
        return track.Metric switch
        {
            "DCGM_FI_DEV_POWER_USAGE" => Math.Round(value, 3),
            "kepler_node_cpu_joules_total" or "kepler_pod_cpu_joules_total" => Math.Round(value, 6),
            _ => Math.Floor(value),
        };
    }

    // A counter goes on from round to round; where it began again at zero in the recording it does so in every round.
    private double InRound(Track track, int index, long round)
    {
        var samples = track.Samples;
        if (!track.IsCounter)
            return samples[index].Value;
        var (reset, rise) = rounds[track];
        if (reset < 0)
            return samples[index].Value + (round * rise);
        return index >= reset || round <= 0 ? samples[index].Value : samples[index].Value + rise;
    }

    // What happens between the last sample of a round and the first one of the next is taken to go on as it did before.
    private double SeamRise(Track track)
    {
        var samples = track.Samples;
        return (samples[^1].Value - samples[^2].Value) * ((samples[0].At + length - samples[^1].At) / (samples[^1].At - samples[^2].At));
    }

    private static int ResetOf(List<(DateTime At, double Value)> samples)
    {
        for (var i = samples.Count - 1; i > 0; i--)
            if (samples[i].Value < samples[i - 1].Value)
                return i;
        return -1;
    }

    private static int FirstAfter(List<(DateTime At, double Value)> samples, DateTime at)
    {
        var (low, high) = (0, samples.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (samples[middle].At > at)
                high = middle;
            else
                low = middle + 1;
        }
        return low;
    }
}
