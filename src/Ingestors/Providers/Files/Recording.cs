using Metrics.Domain.Catalogue;
using Metrics.Domain.Observations;

namespace Metrics.Ingestors.Providers.Files;

/// <summary>Rows read once and kept small, to be played again and again.</summary>
/// <remarks>
/// Its grid is the spacing that most of its samples have, in whole seconds. It begins on the grid at or before its first sample and ends on
/// the grid at or after its last:
/// samples every minute from 00:00:07 to 23:59:59 last a day. What stands at its end and at its beginning is one instant when it is played
/// again.
/// </remarks>
internal sealed class Recording
{
    private readonly IReadOnlyList<SeriesSamples> series;

    private Recording(IReadOnlyList<SeriesSamples> series, IReadOnlyList<Rejection> rejections)
    {
        this.series = series;
        Rejections = rejections;
        if (series.Count == 0)
            return;
        var first = series.Min(one => one.Samples.Span[0].Start);
        var grid = Grid(series);
        var end = DateTime.MinValue;
        foreach (var one in series)
        foreach (ref readonly var sample in one.Samples.Span)
        {
            var last = Up(sample.End, grid);
            if (last > end)
                end = last;
        }
        Start = first.AddTicks(-(first.Ticks % grid.Ticks));
        // A single instant on the grid has no length of its own.
        End = end > Start ? end : Start + grid;
    }

    /// <summary>Where it begins, on its grid.</summary>
    public DateTime Start { get; }

    /// <summary>Where it ends and begins again, on its grid.</summary>
    public DateTime End { get; }

    /// <summary>How long it is; zero when it holds nothing.</summary>
    public TimeSpan Length => End - Start;

    /// <summary>Rows that could not be read.</summary>
    public IReadOnlyList<Rejection> Rejections { get; }

    /// <summary>Reads the rows of a file or folder.</summary>
    /// <exception cref="SourceException">It cannot be read.</exception>
    public static async Task<Recording> LoadAsync(FileSettings settings, MetricCatalogue catalogue, CancellationToken cancellationToken)
    {
        var pool = new SeriesPool(settings.Id, settings.MaxSeries);
        pool.StartRead();
        var rows = new RowReader(catalogue.Mappings.Select(mapping => mapping.Provider), pool);
        var samples = new Dictionary<long, (Series Series, List<Sample> Samples)>();
        var rejections = new List<Rejection>();
        var paths = FileSource.FilesOf(settings.Path!);
        for (var i = 0; i < paths.Count; i++)
        {
            using var file = new RowFile(paths[i], rows, null, DateTimeOffset.MinValue);
            for (var more = true; more; )
            {
                var batch = new ObservationBatch(settings.Id) { MayRepeat = true };
                more = await file.ReadAsync(batch, cancellationToken);
                if (!more && i == paths.Count - 1)
                    pool.ReportLeftOut(batch);
                foreach (var page in batch.Pages())
                {
                    if (rejections.Count < ObservationBatch.MostRejections)
                        rejections.AddRange(page.Rejections);
                    foreach (var (one, sample) in page.Observations)
                    {
                        if (!samples.TryGetValue(one.Id, out var known))
                            samples.Add(one.Id, known = (one, []));
                        known.Samples.Add(sample);
                    }
                }
            }
        }
        return new Recording(
            [.. samples.Values.OrderBy(one => one.Series.Id).Select(one => new SeriesSamples(one.Series, Ordered(one.Samples)))],
            rejections
        );
    }

    /// <summary>Prepares the recording for playing: counters that go on over every repeat.</summary>
    /// <param name="catalogue">Says which series are counters.</param>
    /// <param name="at">The instant whose mappings count.</param>
    public IReadOnlyList<Track> Tracks(MetricCatalogue catalogue, DateTime at) =>
        [.. series.Select(one => Track.Of(one, catalogue.Find(one.Series, at)))];

    private static Sample[] Ordered(List<Sample> samples)
    {
        var ordered = samples.ToArray();
        Array.Sort(ordered, static (a, b) => a.Start.CompareTo(b.Start));
        // One instant has one value; of two files that tell it differently the first by name is played.
        var kept = 0;
        for (var i = 0; i < ordered.Length; i++)
            if (i == 0 || ordered[i].Start != ordered[kept - 1].Start)
                ordered[kept++] = ordered[i];
        return ordered[..kept];
    }

    private static TimeSpan Grid(IReadOnlyList<SeriesSamples> series)
    {
        var spacings = new Dictionary<long, long>();
        foreach (var one in series)
        {
            var samples = one.Samples.Span;
            for (var i = 1; i < samples.Length; i++)
            {
                var seconds = Math.Max(1, (long)Math.Round((samples[i].Start - samples[i - 1].Start).TotalSeconds));
                spacings[seconds] = spacings.GetValueOrDefault(seconds) + 1;
            }
        }
        return spacings.Count == 0
            ? TimeSpan.FromMinutes(1)
            : TimeSpan.FromSeconds(spacings.OrderByDescending(one => one.Value).ThenByDescending(one => one.Key).First().Key);
    }

    private static DateTime Up(DateTime instant, TimeSpan grid)
    {
        var over = instant.Ticks % grid.Ticks;
        return over == 0 ? instant : instant.AddTicks(grid.Ticks - over);
    }
}

/// <summary>A series as it is played, over and over.</summary>
/// <remarks>
/// A counter goes on in each pass from where the one before left it: over the seam it does not rise. Where it began again from zero in the
/// recording it does so in every pass, with the values recorded. A fall that the mapping's maximum explains is a wrap, and the counter
/// wraps wherever the passes bring it there.
/// </remarks>
internal sealed class Track
{
    private readonly Sample[] samples;
    private readonly int reset;
    private readonly double carried;
    private readonly double? wrapsAt;

    private Track(Series series, Sample[] samples, int reset, double carried, double? wrapsAt)
    {
        Series = series;
        this.samples = samples;
        this.reset = reset;
        this.carried = carried;
        this.wrapsAt = wrapsAt;
    }

    /// <summary>The series.</summary>
    public Series Series { get; }

    /// <summary>Number of samples in a pass.</summary>
    public int Count => samples.Length;

    /// <summary>The track of a recorded series; without a mapping it is taken for a level.</summary>
    public static Track Of(SeriesSamples recorded, MetricMapping? mapping)
    {
        var samples = recorded.Samples.ToArray();
        if (mapping?.Kind != SampleKind.Cumulative)
            return new Track(recorded.Series, samples, samples.Length, 0, null);
        if (mapping.WrapsAt is { } most)
        {
            double wrapped = 0,
                before = samples[0].Value;
            for (var i = 1; i < samples.Length; i++)
            {
                if (samples[i].Value < before)
                    wrapped += most;
                before = samples[i].Value;
                samples[i] = samples[i] with { Value = before + wrapped };
            }
            return new Track(recorded.Series, samples, samples.Length, samples[^1].Value - samples[0].Value, most);
        }
        var reset = 1;
        while (reset < samples.Length && samples[reset].Value >= samples[reset - 1].Value)
            reset++;
        return new Track(recorded.Series, samples, reset, samples[^1].Value - samples[0].Value, null);
    }

    /// <summary>Index of the first sample that ends at or after an instant of the recording.</summary>
    public int FirstEndingFrom(DateTime instant)
    {
        int low = 0,
            high = samples.Length;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (samples[middle].End < instant)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }

    /// <summary>A sample in a pass, the first being pass 0; null when the end of the pass before stands at the same instant.</summary>
    /// <param name="index">Which sample.</param>
    /// <param name="pass">Which pass.</param>
    /// <param name="shift">From the recording's time to the time of the pass.</param>
    /// <param name="length">Length of a pass.</param>
    public Sample? Play(int index, long pass, TimeSpan shift, TimeSpan length)
    {
        var sample = samples[index];
        if (pass > 0 && sample.Start + length <= samples[^1].Start)
            return null;
        var value = sample.Value;
        if (pass > 0)
        {
            // With a reset in it, a pass begins where the last one ended: at what was counted since that reset.
            if (reset == samples.Length)
                value += pass * carried;
            else if (index < reset)
                value += carried;
        }
        if (wrapsAt is { } most && value >= most)
            value %= most;
        return new Sample(sample.Start + shift, sample.End + shift, value);
    }
}
