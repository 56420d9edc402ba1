using Metrics.Domain.Catalogue;
using Metrics.Domain.Observations;

namespace Metrics.Ingestors.Files;

/// <summary>Rows read once and kept small, to be played again and again.</summary>
/// <remarks>
/// Its grid is the spacing that most of its samples have, in whole seconds. It starts on the grid at or before its first sample and ends on the grid after its last
/// instant, but not after the end of its last interval: samples every 15 s from 00:00:00 to 00:59:45 last one hour.
/// </remarks>
internal sealed class Recording
{
    private readonly IReadOnlyList<SeriesSamples> series;

    private Recording(IReadOnlyList<SeriesSamples> series, IReadOnlyList<Rejection> rejections)
    {
        this.series = series;
        Rejections = rejections;
        if (series.Count == 0) return;
        var first = series.Min(one => one.Samples.Span[0].Start);
        var grid = Grid(series);
        var end = DateTime.MinValue;
        foreach (var one in series)
            foreach (ref readonly var sample in one.Samples.Span)
            {
                var last = sample.End > sample.Start ? Up(sample.End, grid) : Up(sample.Start.AddTicks(1), grid);
                if (last > end) end = last;
            }
        Start = first.AddTicks(-(first.Ticks % grid.Ticks));
        End = end;
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
    public static async Task<Recording> LoadAsync(SourceSettings settings, MetricCatalogue catalogue, CancellationToken cancellationToken)
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
            for (var more = true; more;)
            {
                var answer = new Answer(settings.Id) { MayRepeat = true };
                more = await file.ReadAsync(answer, cancellationToken);
                if (!more && i == paths.Count - 1) pool.ReportLeftOut(answer, null);
                foreach (var page in answer.Pages())
                {
                    if (rejections.Count < Answer.MostRefusals) rejections.AddRange(page.Rejections);
                    foreach (var (one, sample) in page.Observations)
                    {
                        if (!samples.TryGetValue(one.Id, out var known)) samples.Add(one.Id, known = (one, []));
                        known.Samples.Add(sample);
                    }
                }
            }
        }
        return new Recording([.. samples.Values.OrderBy(one => one.Series.Id).Select(one => new SeriesSamples(one.Series, Ordered(one.Samples)))], rejections);
    }

    /// <summary>Prepares the recording for playing: counters that go on over every repeat.</summary>
    /// <param name="catalogue">Says which series are counters.</param>
    /// <param name="at">The instant whose mappings count.</param>
    public IReadOnlyList<Track> Tracks(MetricCatalogue catalogue, DateTime at) => [.. series.Select(one => Track.Of(one, catalogue.Find(one.Series, at)))];

    private static Sample[] Ordered(List<Sample> samples)
    {
        var ordered = samples.ToArray();
        Array.Sort(ordered, static (a, b) => a.Start.CompareTo(b.Start));
        // One instant has one value; of two files that tell it differently the first by name is played.
        var kept = 0;
        for (var i = 0; i < ordered.Length; i++)
            if (i == 0 || ordered[i].Start != ordered[kept - 1].Start) ordered[kept++] = ordered[i];
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
        return spacings.Count == 0 ? TimeSpan.FromMinutes(1) : TimeSpan.FromSeconds(spacings.OrderByDescending(one => one.Value).ThenByDescending(one => one.Key).First().Key);
    }

    private static DateTime Up(DateTime instant, TimeSpan grid)
    {
        var over = instant.Ticks % grid.Ticks;
        return over == 0 ? instant : instant.AddTicks(grid.Ticks - over);
    }
}

/// <summary>A series as it is played.</summary>
/// <param name="Series">The series.</param>
/// <param name="Samples">Its samples by start; a counter's never fall.</param>
/// <param name="Rise">What a counter gains over one pass and starts the next one with; zero for what is no counter.</param>
/// <param name="WrapsAt">Value at which the counter starts from zero again; null when it does not.</param>
internal sealed record Track(Series Series, ReadOnlyMemory<Sample> Samples, double Rise, double? WrapsAt)
{
    /// <summary>The track of a recorded series. A fall that the mapping's maximum explains is a wrap; any other is a span without a rise.</summary>
    public static Track Of(SeriesSamples recorded, MetricMapping? mapping)
    {
        if (mapping?.Kind != SampleKind.Cumulative) return new Track(recorded.Series, recorded.Samples, 0, null);
        var samples = recorded.Samples.ToArray();
        double lost = 0, before = samples[0].Value;
        for (var i = 1; i < samples.Length; i++)
        {
            var value = samples[i].Value;
            if (value < before) lost += mapping.WrapsAt is { } most && most >= before ? most : before - value;
            before = value;
            samples[i] = samples[i] with { Value = value + lost };
        }
        return new Track(recorded.Series, samples, samples[^1].Value - samples[0].Value, mapping.WrapsAt);
    }

    /// <summary>The value of a sample in a pass, the first being pass 0.</summary>
    public double ValueOf(in Sample sample, long pass)
    {
        var value = sample.Value + pass * Rise;
        return WrapsAt is { } most && value >= most ? value % most : value;
    }
}
