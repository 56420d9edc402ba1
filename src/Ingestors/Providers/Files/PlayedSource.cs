using System.Runtime.CompilerServices;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;

namespace Metrics.Ingestors.Providers.Files;

/// <summary>
/// A recording played as if it happened now: its end falls on the full hour at or before the source's registration, then it repeats without
/// end.
/// What a window holds depends on the recording, the registration and the window alone.
/// </summary>
internal sealed class PlayedSource : ITelemetrySource, IDisposable
{
    private readonly FileSettings settings;
    private readonly MetricCatalogue catalogue;
    private readonly SemaphoreSlim turn = new(1);
    private readonly Lazy<Cadence> cadence;
    private Recording? recording;
    private (DateTime At, IReadOnlyList<Track> Tracks)? prepared;
    private bool reported;

    public PlayedSource(FileSettings settings, MetricCatalogue catalogue)
    {
        this.settings = settings;
        this.catalogue = catalogue;
        cadence = new Lazy<Cadence>(() =>
            new Cadence(
                settings.Settle ?? TimeSpan.Zero,
                settings.Overlap ?? TimeSpan.Zero,
                settings.Lookback ?? Reach(),
                TimeSpan.FromDays(1)
            )
            {
                Every = settings.Every ?? TimeSpan.FromSeconds(15),
            }
        );
    }

    /// <summary>How it wants to be read. Its look-back is as long as the recording and an hour, so that it is played from its start; to
    /// know that, the recording is read.</summary>
    public Cadence Cadence => cadence.Value;

    public void Dispose() => turn.Dispose();

    public async IAsyncEnumerable<Page> ReadAsync(ReadRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken);
        Recording played;
        IReadOnlyList<Track> tracks;
        IReadOnlyList<Rejection> rejections;
        var hour = request.RegisteredAt.AddTicks(-(request.RegisteredAt.Ticks % TimeSpan.TicksPerHour));
        try
        {
            played = recording ??= await Recording.LoadAsync(settings, catalogue, cancellationToken);
            if (prepared?.At != hour)
                prepared = (hour, played.Tracks(catalogue, hour));
            tracks = prepared.Value.Tracks;
            rejections = reported ? [] : played.Rejections;
            reported = true;
        }
        finally
        {
            turn.Release();
        }
        if (rejections.Count > 0)
            yield return new Page([]) { Rejections = rejections };
        if (played.Length == TimeSpan.Zero)
            yield break;

        var page = new List<Observation>();
        // Passes whose span touches the window, an interval's end included; nothing was before pass 0.
        var first = Math.Max(0, (request.Window.Start.AddTicks(-1) - hour).Ticks / played.Length.Ticks);
        for (var pass = first; ; pass++)
        {
            var shift = hour - played.End + pass * played.Length;
            if (played.Start + shift >= request.Window.End)
                break;
            foreach (var track in tracks)
                for (var i = track.FirstEndingFrom(request.Window.Start - shift); i < track.Count; i++)
                {
                    if (track.Play(i, pass, shift, played.Length) is not { } sample)
                        continue;
                    if (sample.Start >= request.Window.End)
                        break;
                    if (!Belongs(sample, request.Window))
                        continue;
                    page.Add(new Observation(track.Series, sample));
                    if (page.Count < ObservationBatch.PageSize)
                        continue;
                    yield return new Page(page);
                    page = [];
                }
        }
        if (page.Count > 0)
            yield return new Page(page);
    }

    // An interval is told once it is over, an instant once it is there: each in exactly one of adjoining windows.
    private static bool Belongs(in Sample sample, Interval window) =>
        sample.End > sample.Start ? sample.End > window.Start && sample.End <= window.End : window.Contains(sample.Start);

    private TimeSpan Reach()
    {
        try
        {
            recording ??= Task.Run(() => Recording.LoadAsync(settings, catalogue, CancellationToken.None)).GetAwaiter().GetResult();
            return recording.Length + TimeSpan.FromHours(1);
        }
        catch (SourceException)
        {
            // Reading reports it; until then a day is as good as any.
            return TimeSpan.FromDays(1);
        }
    }
}
