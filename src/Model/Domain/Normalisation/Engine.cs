using Metrics.Domain.Observations;

namespace Metrics.Domain.Normalisation;

/// <summary>What one reader tells of one engine: the series of all functional units that have the same labels, apart from those by which a
/// metric tells its own series apart.</summary>
internal sealed class Telling
{
    // How Prometheus and its operator name who read: nothing of the engine differs with them.
    private static readonly HashSet<string> OfReaders = new(StringComparer.Ordinal)
    {
        "job",
        "service",
        "endpoint",
        "prometheus",
        "prometheus_replica",
        "thanos_replica",
        "__replica__",
        "replica",
        "receive",
        "tenant_id",
    };

    // Labels of single metrics of serving engines.
    private static readonly HashSet<string> OfMetrics = new(StringComparer.Ordinal)
    {
        "finished_reason",
        "finish_reason",
        "is_streaming",
        "cache_source",
        "status",
        "status_code",
        "code",
        "method",
        "route",
        "endpoint_path",
        "request_type",
        "error_type",
        "gen_ai_token_type",
        "gen_ai_operation_name",
    };

    private static readonly string[] PodLabels = ["exported_pod", "pod", "kubernetes_pod_name"];
    private static readonly string[] RoleLabels = ["llm_d_ai_role", "role", "engine_type", "disaggregation_mode", "worker_type"];

    private readonly Dictionary<string, string> labels = new(StringComparer.Ordinal);

    private Telling(Count first)
    {
        foreach (var (name, value) in first.Series.Series.Labels.Pairs)
            if (!IsOwn(first, name))
                labels.Add(name, value);
        Pod = PodLabels.Select(label => first.Series.Series.Labels[label]).FirstOrDefault(pod => pod is not null);
        Ids = [.. first.Series.Mapping.Resource.Id.Where(labels.ContainsKey)];
        Role = RoleLabels.Select(label => first.Series.Series.Labels[label]).FirstOrDefault(role => role is not null) ?? "";
    }

    public List<Count> Counts { get; } = [];

    /// <summary>The pod that it names; null when it names none.</summary>
    public string? Pod { get; }

    /// <summary>What its labels call its part in serving (<c>prefill</c>, <c>decode</c>); empty when nothing.</summary>
    public string Role { get; }

    private IReadOnlyList<string> Ids { get; }

    /// <summary>Its counts by what tells them apart: the mapping, and the labels of the metric itself.</summary>
    public Dictionary<(string Mapping, string Own), Count> BySubject { get; } = [];

    /// <summary>The tellings of all counts, in the order of series.</summary>
    public static List<Telling> Of(IEnumerable<Count> counts)
    {
        var tellings = new Dictionary<(string Source, object Layer, string Labels), Telling>();
        foreach (var count in counts)
        {
            var pairs = count.Series.Series.Labels.Pairs;
            var key = (count.Series.Series.Source, (object)count.Layer, Text(pairs.Where(pair => !IsOwn(count, pair.Key))));
            if (!tellings.TryGetValue(key, out var telling))
                tellings.Add(key, telling = new Telling(count));
            telling.Counts.Add(count);
            telling.BySubject.TryAdd((count.Series.Mapping.Id, Text(pairs.Where(pair => IsOwn(count, pair.Key)))), count);
        }
        return [.. tellings.Values];
    }

    /// <summary>Whether labels say that both speak of one engine and only who read it differs.</summary>
    public bool IsNear(Telling other) =>
        Ids.Any(label => other.labels.TryGetValue(label, out var value) && value == labels[label])
        && labels.All(label =>
            !other.labels.TryGetValue(label.Key, out var value) || value == label.Value || OfReaders.Contains(label.Key)
        );

    /// <summary>The labels that say which engine it is, whoever reads it.</summary>
    public string OfEngine =>
        Text(labels.Where(label => !OfReaders.Contains(label.Key)).OrderBy(label => label.Key, StringComparer.Ordinal));

    /// <summary>Whether both name a pod, and not the same.</summary>
    public bool IsOfOtherPod(Telling other) => Pod is not null && other.Pod is not null && Pod != other.Pod;

    private static bool IsOwn(Count count, string label)
    {
        if (OfMetrics.Contains(label) || count.Series.Mapping.Nested == label)
            return true;
        foreach (var condition in count.Series.Mapping.When)
            if (condition.Label == label)
                return true;
        return false;
    }

    private static string Text(IEnumerable<KeyValuePair<string, string>> pairs) =>
        string.Join('\n', pairs.Select(pair => $"{pair.Key}={pair.Value}"));
}

/// <summary>One thing that works, by all who tell of it.</summary>
internal sealed class Engine
{
    public List<Telling> Tellings { get; } = [];

    public IEnumerable<Count> Counts => Tellings.SelectMany(telling => telling.Counts);

    public string? Pod => Tellings.Select(telling => telling.Pod).FirstOrDefault(pod => pod is not null);

    public bool IsPrefill => Tellings.Exists(telling => telling.Role.StartsWith("prefill", StringComparison.OrdinalIgnoreCase));

    public bool IsDecode => Tellings.Exists(telling => telling.Role.StartsWith("decode", StringComparison.OrdinalIgnoreCase));

    /// <summary>Counts of a unit that are not told by others already.</summary>
    public IEnumerable<Count> Of(string unit) => Counts.Where(count => count.Unit == unit && !count.IsSubstitute);

    /// <summary>What its counts of a unit rose by at an instant, once for each subject.</summary>
    public double At(string unit, long instant)
    {
        double risen = 0;
        foreach (var subject in Subjects(unit))
            risen += subject.Curve.At(instant);
        return risen;
    }

    /// <summary>Of each subject that it counts in a unit the fullest telling.</summary>
    public IReadOnlyList<Count> Subjects(string unit) =>
        Tellings.Count == 1
            ? [.. Of(unit)]
            :
            [
                .. Tellings
                    .SelectMany(telling => telling.BySubject.Where(one => one.Value.Unit == unit && !one.Value.IsSubstitute))
                    .GroupBy(one => one.Key)
                    .Select(same =>
                        same.OrderByDescending(one => one.Value.Curve.Length).ThenBy(one => one.Value.Series.Number).First().Value
                    ),
            ];
}

/// <summary>Tells engines apart by what they count.</summary>
/// <remarks>
/// Two counts are compared only when at one of a few instants they showed about the same: at each instant the counts are put in
/// order, and each is compared with the <see cref="Neighbours"/> that follow it. So n series cost n log n and a fixed number of
/// comparisons each, most of which end at the first sample that contradicts.
/// </remarks>
internal static class Engines
{
    /// <summary>At how many instants of the pass counts are put in order.</summary>
    private const int Instants = 7;

    /// <summary>With how many of those that follow it a count is compared at each of them.</summary>
    private const int Neighbours = 16;

    /// <summary>Rises that two counts have to share where labels do not say that they are one.</summary>
    private const int Several = 3;

    /// <summary>The engines behind the tellings, and of each that was told twice what was compared.</summary>
    public static (List<Engine> Engines, List<(Telling A, Telling B, Count Count, Likeness Likeness)> Witnesses) Of(
        List<Telling> tellings,
        Quantities.Interval period
    )
    {
        var parent = Enumerable.Range(0, tellings.Count).ToArray();
        var witnesses = new List<(Telling, Telling, Count, Likeness)>();
        foreach (var (a, b) in Candidates(tellings, period))
        {
            if (Root(a) == Root(b) || Compare(tellings[a], tellings[b]) is not var (count, likeness))
                continue;
            witnesses.Add((tellings[a], tellings[b], count, likeness));
            var (first, second) = (Root(a), Root(b));
            parent[Math.Max(first, second)] = Math.Min(first, second);
        }
        var engines = new Dictionary<int, Engine>();
        for (var i = 0; i < tellings.Count; i++)
        {
            if (!engines.TryGetValue(Root(i), out var engine))
                engines.Add(Root(i), engine = new Engine());
            engine.Tellings.Add(tellings[i]);
            foreach (var count in tellings[i].Counts)
                count.Engine = engine;
        }
        return ([.. engines.Values], witnesses);

        int Root(int of)
        {
            while (parent[of] != of)
                of = parent[of] = parent[parent[of]];
            return of;
        }
    }

    /// <summary>Pairs of tellings that show about the same at an instant, in order.</summary>
    private static SortedSet<(int A, int B)> Candidates(List<Telling> tellings, Quantities.Interval period)
    {
        var pairs = new SortedSet<(int, int)>();
        var subjects = new Dictionary<(string, string), List<(int Telling, Curve Curve)>>();
        for (var i = 0; i < tellings.Count; i++)
            foreach (var (subject, count) in tellings[i].BySubject)
                if (count.Series.Mapping.Kind == Catalogue.SampleKind.Cumulative && !count.IsSubstitute && count.Series.Samples.Length > 1)
                {
                    if (!subjects.TryGetValue(subject, out var told))
                        subjects.Add(subject, told = []);
                    told.Add((i, count.Curve));
                }
        foreach (var told in subjects.Values)
        foreach (var same in told.GroupBy(one => tellings[one.Telling].OfEngine).Select(same => same.ToList()))
            // What is there for minutes only may show nothing at any of the instants; labels lead to it.
            for (var i = 0; i < same.Count; i++)
            for (var j = i + 1; j < same.Count && j <= i + Neighbours; j++)
                pairs.Add((Math.Min(same[i].Telling, same[j].Telling), Math.Max(same[i].Telling, same[j].Telling)));
        var shown = new List<(double Middle, double High, double Low, int Telling)>();
        foreach (var told in subjects.Values.Where(told => told.Count > 1))
        {
            told.RemoveAll(one => one.Curve.Length < 2 || !one.Curve.Moves);
            if (told.Count < 2)
                continue;
            var from = Math.Max(told.Min(one => one.Curve.First), period.Start.Ticks - Limits.Reach.Ticks);
            var to = Math.Min(told.Max(one => one.Curve.Last), period.End.Ticks + Limits.Reach.Ticks);
            for (var instant = 1; instant <= Instants; instant++)
            {
                shown.Clear();
                var at = from + (to - from) / (Instants + 1) * instant;
                foreach (var (telling, curve) in told)
                    if (curve.Around(at) is var (low, high))
                        shown.Add(((low + high) / 2, high, low, telling));
                shown.Sort();
                for (var i = 0; i < shown.Count; i++)
                for (var j = i + 1; j < shown.Count && j <= i + Neighbours; j++)
                    if (shown[j].Low <= shown[i].High && shown[i].Low <= shown[j].High)
                        pairs.Add((Math.Min(shown[i].Telling, shown[j].Telling), Math.Max(shown[i].Telling, shown[j].Telling)));
            }
        }
        return pairs;
    }

    /// <summary>What shows that two tellings are of one engine: the count with the most rises; null when nothing does, or one that both
    /// count differs.</summary>
    private static (Count Count, Likeness Likeness)? Compare(Telling a, Telling b)
    {
        var near = a.IsNear(b);
        (Count Count, Likeness Likeness)? best = null;
        foreach (var (subject, count) in a.BySubject)
        {
            if (count.Series.Mapping.Kind != Catalogue.SampleKind.Cumulative || !b.BySubject.TryGetValue(subject, out var other))
                continue;
            var likeness = Curve.Compare(count.Curve, other.Curve, near);
            if (likeness.IsOther || (!near && likeness is { Moves: > 0, Nearness: Nearness.Apart }))
                return null;
            if (
                near
                    ? likeness.Moves < 1
                    : likeness.Moves < Several || likeness.Nearness != Nearness.Same || (IsCalls(count) && a.IsOfOtherPod(b))
            )
                continue;
            if (best is null || likeness.Moves > best.Value.Likeness.Moves)
                best = (count, likeness);
        }
        return best;
    }

    /// <summary>A balancer deals out calls evenly, so that those of two engines agree; what they make of them does not.</summary>
    private static bool IsCalls(Count count) => count.Unit is "request" or "inference";
}
