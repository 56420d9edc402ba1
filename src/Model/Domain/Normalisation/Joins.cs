using Metrics.Domain.Catalogue;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Normalisation;

/// <summary>A pod as a store tells of it.</summary>
/// <param name="Space">Its namespace; empty when none is told.</param>
/// <param name="Name">Its name.</param>
/// <param name="Node">The machine that it runs on; null when that is not told.</param>
internal sealed record Pod(string Space, string Name, string? Node);

/// <summary>
/// What a store says of names besides its meters: which address is which machine (<c>node_uname_info</c>, <c>kube_node_info</c>), where a
/// pod runs and what it is called by (<c>kube_pod_info</c>, <c>kube_pod_labels</c>), and which pod is an exporter's own. It holds for
/// series of the same store alone, and only while it is told; where it tells two things at once it tells nothing.
/// </summary>
internal sealed class Joins
{
    private static readonly string[] PodLabels = ["pod", "kubernetes_pod_name"];

    private readonly Dictionary<(string Source, string Name), List<Fact<string>>> machines = [];
    private readonly Dictionary<(string Source, string Address), List<Fact<Pod>>> addresses = [];
    private readonly Dictionary<(string Source, string Name), List<Fact<Pod>>> pods = [];
    private readonly Dictionary<(string Source, string Space, string Name, string Label), List<Fact<string>>> labelsOfPods = [];
    private readonly Dictionary<(string Source, string Mapping, string Machine, string Label), HashSet<string>> aliases = [];
    private readonly HashSet<(string Source, string Instance, string Pod)> exporters = [];
    private readonly List<(MetricMapping Mapping, SeriesSamples Samples)> information = [];

    /// <summary>What is told, within which scope, and from when to when.</summary>
    private readonly record struct Fact<T>(T Value, Scope Scope, DateTime From, DateTime To);

    /// <summary>Remembers what a series of information says.</summary>
    public void Add(MetricMapping mapping, SeriesSamples samples)
    {
        if (samples.Samples.Length == 0)
            return;
        information.Add((mapping, samples));
        if (mapping.Resource.Kind == "pod")
            return;
        var (labels, resource) = (samples.Series.Labels, mapping.Resource);
        if (First(labels, resource.Id) is not { } machine)
            return;
        foreach (var alias in resource.Alias)
        {
            if (labels.Told(alias) is not { } other || Hosts.IsLoopback(other))
                continue;
            var key = (samples.Series.Source, mapping.Id, Hosts.Lower(machine) + '\n' + Scope.Of(labels, resource.Scope).Text, alias);
            if (!aliases.TryGetValue(key, out var names))
                aliases.Add(key, names = new(StringComparer.Ordinal));
            if (Hosts.NameOf(other) != Hosts.NameOf(machine))
                names.Add(Hosts.NameOf(other));
        }
    }

    /// <summary>Remembers a meter that speaks of other pods than its own.</summary>
    public void Watch(Series series)
    {
        if (series.Labels["exported_pod"] is not null && series.Labels["pod"] is { } own)
            exporters.Add((series.Source, series.Labels["instance"] ?? "", own));
    }

    /// <summary>Makes all that was added ready to be asked.</summary>
    public void Close()
    {
        foreach (var (mapping, samples) in information)
        {
            var (source, labels, resource) = (samples.Series.Source, samples.Series.Labels, mapping.Resource);
            if (First(labels, resource.Id) is not { } name)
                continue;
            var scope = Scope.Of(labels, resource.Scope);
            var span = samples.Samples.Span;
            var (from, to) = (span[0].End, span[^1].End);
            if (resource.Kind != "pod")
            {
                var machine = Hosts.NameOf(name);
                Tell(machines, (source, machine), machine);
                foreach (var alias in resource.Alias)
                {
                    if (labels.Told(alias) is not { } other)
                        continue;
                    // Images of one machine all call themselves by one name: that name is then nobody's.
                    var known = aliases.GetValueOrDefault((source, mapping.Id, Hosts.Lower(name) + '\n' + scope.Text, alias));
                    if (known is { Count: > 1 })
                        continue;
                    Tell(machines, (source, Hosts.Lower(other)), machine);
                    if (Hosts.NameOf(other) != Hosts.Lower(other))
                        Tell(machines, (source, Hosts.NameOf(other)), machine);
                }
                continue;
            }
            var node = First(labels, resource.Node) is { } host ? Hosts.NameOf(host) : null;
            var pod = new Pod(labels.Told("namespace") ?? "", name, node);
            Tell(pods, (source, name), pod);
            foreach (var alias in resource.Alias)
                if (labels.Told(alias) is { } address)
                    Tell(addresses, (source, Hosts.NameOf(address)), pod);
            if (node is not null)
            {
                Tell(machines, (source, node), node);
                if (labels["host_ip"] is { } address)
                    Tell(machines, (source, Hosts.NameOf(address)), node);
            }
            foreach (var (label, value) in labels.Pairs)
                if (label.StartsWith("label_", StringComparison.Ordinal))
                    Tell(labelsOfPods, (source, pod.Space, pod.Name, label), value);

            void Tell<TKey, T>(Dictionary<TKey, List<Fact<T>>> into, TKey key, T value)
                where TKey : notnull
            {
                if (!into.TryGetValue(key, out var facts))
                    into.Add(key, facts = new(1));
                facts.Add(new Fact<T>(value, scope, from, to));
            }
        }
        information.Clear();
    }

    /// <summary>The machine that a store calls by a name or an address, with or without a port; null when it says nothing of it, or two
    /// things.</summary>
    public string? Machine(KnownSeries series, string name) =>
        machines.Count == 0
            ? null
            : Only(machines, (series.Series.Source, Hosts.Lower(name)), series.Samples.Span, series.Scope)
                ?? Only(machines, (series.Series.Source, Hosts.NameOf(name)), series.Samples.Span, series.Scope);

    /// <summary>The machine of whoever has the address of a pod; null when nobody has it, or pods on two machines.</summary>
    public string? MachineAt(KnownSeries series, string address) =>
        addresses.Count == 0
            ? null
            : Only(addresses, (series.Series.Source, Hosts.NameOf(address)), series.Samples.Span, series.Scope, pod => pod.Node);

    /// <summary>Whether anything in the store is a pod of that name.</summary>
    public bool IsPod(KnownSeries series, string name) => pods.ContainsKey((series.Series.Source, name));

    /// <summary>The machine that a pod of that name runs on; null when it is not told, or two are.</summary>
    public string? MachineOf(KnownSeries series, string? space, string pod) =>
        pods.Count == 0
            ? null
            : Only(pods, (series.Series.Source, pod), series.Samples.Span, series.Scope, known =>
                space is null || known.Space.Length == 0 || known.Space == space ? known.Node : null
            );

    /// <summary>The pod that a series is about: what its labels say, where they do not speak of the exporter itself, else who has the
    /// address that it was read from. Null when nothing tells.</summary>
    public (string? Space, string Name)? PodOf(SeriesSamples samples, MetricMapping mapping)
    {
        var labels = samples.Series.Labels;
        if (labels["exported_pod"] is { } told)
            return (labels.Told("namespace"), told);
        if (labels.Told("pod") is { } own && IsExporter(samples.Series, mapping, own))
            return null;
        foreach (var label in PodLabels)
            if (labels.Told(label) is { } pod)
                return (labels.Told("namespace"), pod);
        // What measures a machine is no pod's for having been read from one.
        if (
            addresses.Count == 0
            || mapping.Unit.Quantity != Quantity.Work
            || labels["instance"] is not { } instance
            || Only(addresses, (samples.Series.Source, Hosts.NameOf(instance)), samples.Samples.Span, Scope.None) is not { } found
        )
            return null;
        return (found.Space, found.Name);
    }

    /// <summary>The value of a label as a rule means it.</summary>
    public string? Read(SeriesSamples samples, MetricMapping mapping, string label)
    {
        var labels = samples.Series.Labels;
        if (label is "pod" or "namespace" or "container")
        {
            if (labels["exported_pod"] is null && labels.Told("pod") is { } own && IsExporter(samples.Series, mapping, own))
                return null;
            if (labels.Told(label) is { } told)
                return told;
            if (label == "container" || labels.Told("pod") is not null || PodOf(samples, mapping) is not { } pod)
                return null;
            return label == "pod" ? pod.Name : pod.Space;
        }
        if (labels.Told(label) is { } value)
            return value;
        return labelsOfPods.Count > 0 && label.StartsWith("label_", StringComparison.Ordinal) && PodOf(samples, mapping) is { } of
            ? Only(labelsOfPods, (samples.Series.Source, of.Space ?? "", of.Name, label), samples.Samples.Span, Scope.None)
            : null;
    }

    /// <summary>Whether the pod that labels name is the one that the exporter runs in: what it measures is not its own.</summary>
    private bool IsExporter(Series series, MetricMapping mapping, string pod) =>
        mapping.Unit.Quantity != Quantity.Work
        && !mapping.Share
        && (
            (series.Labels["Hostname"] ?? series.Labels["hostname"]) == pod
            || exporters.Contains((series.Source, series.Labels["instance"] ?? "", pod))
        );

    private static T? Only<TKey, T>(Dictionary<TKey, List<Fact<T>>> of, TKey key, ReadOnlySpan<Sample> samples, Scope scope)
        where TKey : notnull
        where T : class => Only(of, key, samples, scope, static value => value);

    private static TResult? Only<TKey, T, TResult>(
        Dictionary<TKey, List<Fact<T>>> of,
        TKey key,
        ReadOnlySpan<Sample> samples,
        Scope scope,
        Func<T, TResult?> select
    )
        where TKey : notnull
        where TResult : class
    {
        if (samples.IsEmpty || !of.TryGetValue(key, out var facts))
            return null;
        // What is told of an address while the series speaks; a store that scrapes the two apart is a little late or early.
        TResult? only = null;
        foreach (var fact in facts)
        {
            if (fact.Scope.Contradicts(scope) || fact.From > samples[^1].End + Grace || fact.To < samples[0].Start - Grace)
                continue;
            if (select(fact.Value) is not { } value || value.Equals(only))
                continue;
            if (only is not null)
                return null;
            only = value;
        }
        return only;
    }

    private static readonly TimeSpan Grace = TimeSpan.FromMinutes(5);

    private static string? First(Labels labels, IReadOnlyList<string> names)
    {
        foreach (var name in names)
            if ((labels["exported_" + name] ?? labels.Told(name)) is { } value)
                return value;
        return null;
    }
}
