using Metrics.Domain.Observations;

namespace Metrics.Domain.Normalisation;

/// <summary>When pods and machines were there, by anything that is read of them.</summary>
internal sealed class Presence(Grid grid)
{
    private readonly Dictionary<(string Place, string Pod), List<KnownSeries>> pods = [];
    private readonly Dictionary<(string Place, int Workload, string Node), List<KnownSeries>> nodes = [];
    private readonly HashSet<int> watched = [];
    private Dictionary<int, Stretches>? held;

    /// <summary>Remembers what else is read: power, load, limits.</summary>
    public void Add(KnownSeries series)
    {
        if (PodOf(series) is { } pod)
            Add(pods, (series.Place.Name, pod), series);
        else if (series.Workload != WorkloadClaims.Unclaimed && NodeOf(series) is { } node)
            Add(nodes, (series.Place.Name, series.Workload, node), series);
    }

    /// <summary>Whether anything else is read of the pod of an engine.</summary>
    public bool IsRead(KnownSeries work) =>
        PodOf(work) is { } pod
        && pods.TryGetValue((work.Place.Name, pod), out var known)
        && known.Exists(other => !IsOfOtherNamespace(work, other));

    /// <summary>Adds the time in which an engine was there.</summary>
    /// <param name="counts">What it counted in one unit.</param>
    /// <param name="pieces">The pieces of the pass.</param>
    /// <param name="into">Where to.</param>
    /// <param name="changes">Receives when engines fell silent, and when they had boards over from others.</param>
    /// <remarks>
    /// From one sample to the next it was there, and beyond the last and before the first while its pod goes on, at most an hour further:
    /// a neighbouring pass sees no more of it.
    /// </remarks>
    public void Add(IEnumerable<Count> counts, Pieces pieces, Stretches into, Changes changes)
    {
        var near = new Stretches();
        Count? any = null;
        foreach (var count in counts)
        {
            any ??= count;
            foreach (ref readonly var piece in pieces[count.First..count.End])
                into.Add(piece.From, piece.To);
            if (count.Series.OwnIntervals)
                continue;
            var samples = count.Series.Samples.Span;
            for (int start = 0, i = 1; i <= samples.Length; i++)
            {
                if (i < samples.Length && samples[i].End - samples[i - 1].End <= Limits.Reach)
                    continue;
                if (i > 0 && samples.Length > 0)
                {
                    var (from, to) = (samples[start].End.Ticks, samples[i - 1].End.Ticks);
                    AddClipped(into, from, to);
                    changes.Ends.Add(to);
                    AddClipped(near, from - Limits.Reach.Ticks, to + Limits.Reach.Ticks);
                }
                start = i;
            }
        }
        if (any is null || any.Series.OwnIntervals)
            return;
        foreach (var (from, to) in near.Items)
        foreach (var series in Others(any.Series))
        {
            AddRead(series, from, to, into);
            if (Held(pieces).TryGetValue(series.Number, out var stretches))
                AddHanded(series, stretches, from, to, changes.Handed);
        }
    }

    /// <summary>From whom a series had the thing over, it had it before its first sample.</summary>
    private static void AddHanded(KnownSeries series, Stretches held, long from, long to, List<(long From, long To, long Until)> into)
    {
        var samples = series.Samples.Span;
        for (var i = 0; i < samples.Length; i++)
        {
            if (i > 0 && samples[i].Start.Ticks - samples[i - 1].End.Ticks <= series.MaxSpan)
                continue;
            var (since, until) = (i > 0 ? samples[i - 1].End.Ticks : long.MinValue, samples[i].Start.Ticks);
            foreach (var (first, last) in held.Items)
                if (first < until && last > since && Math.Max(first, since) is var start && Math.Min(last, until) is var end)
                    into.Add((Math.Max(start, from), Math.Min(end, to), until));
        }
    }

    /// <summary>The time that the pieces of each series tell of.</summary>
    private Dictionary<int, Stretches> Held(Pieces pieces)
    {
        if (held is not null)
            return held;
        held = [];
        foreach (ref readonly var piece in pieces[..])
        {
            if (!watched.Contains(piece.Series))
                continue;
            if (!held.TryGetValue(piece.Series, out var of))
                held.Add(piece.Series, of = new Stretches());
            of.Add(piece.From, piece.To);
        }
        return held;
    }

    private List<KnownSeries> Others(KnownSeries work) =>
        PodOf(work) is { } pod ? pods.GetValueOrDefault((work.Place.Name, pod), []).FindAll(other => !IsOfOtherNamespace(work, other))
        : NodeOf(work) is { } node ? nodes.GetValueOrDefault((work.Place.Name, work.Workload, node), [])
        : [];

    /// <summary>The time between neighbouring samples, where they are joined.</summary>
    private void AddRead(KnownSeries series, long from, long to, Stretches into)
    {
        var samples = series.Samples.Span;
        for (int start = 0, i = 1; i <= samples.Length; i++)
        {
            if (i < samples.Length && samples[i].Start.Ticks - samples[i - 1].End.Ticks <= series.MaxSpan)
                continue;
            if (samples.Length > 0)
                AddClipped(into, Math.Max(from, samples[start].Start.Ticks), Math.Min(to, samples[i - 1].End.Ticks));
            start = i;
        }
    }

    private void AddClipped(Stretches into, long from, long to) =>
        into.Add(Math.Max(from, grid.Period.Start.Ticks), Math.Min(to, grid.Period.End.Ticks));

    private void Add<T>(Dictionary<T, List<KnownSeries>> of, T key, KnownSeries series)
        where T : notnull
    {
        watched.Add(series.Number);
        if (!of.TryGetValue(key, out var known))
            of.Add(key, known = []);
        known.Add(series);
    }

    /// <summary>Changes of hands of the boards of engines.</summary>
    /// <param name="Ends">When engines fell silent, in ticks.</param>
    /// <param name="Handed">Stretches from the last sample of the one before to the first of the one after, as far as the pass holds them,
    /// and when that is.</param>
    internal sealed record Changes(List<long> Ends, List<(long From, long To, long Until)> Handed);

    private static string? PodOf(KnownSeries series)
    {
        var labels = series.Series.Labels;
        return labels["exported_pod"] ?? labels["pod"] ?? labels["kubernetes_pod_name"] ?? labels["pod_name"];
    }

    /// <summary>Pods of one name in two namespaces are two; a series that names none may be of either.</summary>
    private static bool IsOfOtherNamespace(KnownSeries a, KnownSeries b) =>
        NamespaceOf(a) is { } first && NamespaceOf(b) is { } second && first != second;

    private static string? NamespaceOf(KnownSeries series) =>
        series.Series.Labels["exported_namespace"] ?? series.Series.Labels["namespace"];

    private static string? NodeOf(KnownSeries series)
    {
        foreach (var label in series.Mapping.Resource.Node)
            if (series.Series.Labels[label] is { } name)
                return Fleet.HostNameOrNull(series, name);
        return null;
    }
}
