using System.Net;

namespace Metrics.Domain.Normalisation;

/// <summary>A name within the scope that makes it unique.</summary>
internal readonly record struct ScopedName(string Scope, string Name) : IComparable<ScopedName>
{
    public int CompareTo(ScopedName other) =>
        string.CompareOrdinal(Name, other.Name) is var name and not 0 ? name : string.CompareOrdinal(Scope, other.Scope);
}

/// <summary>
/// Names of hosts at places, and which of them are one machine. One name told with and without a scope is one machine while only one scope
/// has it. A short name and a full one that begins with it are one machine while no other full name does, and no meter of one exporter
/// tells both: then they are two.
/// </summary>
internal sealed class Hosts
{
    private readonly Dictionary<(string Place, string Name), List<Group>> groups = [];
    private readonly Dictionary<(string Place, string Name, string Scope), Group> found = [];

    /// <summary>Remembers a name.</summary>
    /// <param name="place">Name of the place.</param>
    /// <param name="scope">The scope that it is told with.</param>
    /// <param name="name">The name, in one spelling.</param>
    /// <param name="teller">The meter that tells it; null when it is no witness that two names are two machines.</param>
    public void Add(string place, Scope scope, string name, (string Source, string Metric)? teller)
    {
        if (!found.TryGetValue((place, name, scope.Text), out var group))
        {
            found.Add((place, name, scope.Text), group = new Group(name, scope));
            if (!groups.TryGetValue((place, name), out var all))
                groups.Add((place, name), all = new(1));
            all.Add(group);
        }
        if (teller is { } meter)
            group.Tellers.Add(meter);
    }

    /// <summary>Decides which names are one machine, once all are known, whatever the order in which they came.</summary>
    /// <param name="dotted">Whether a name may be the beginning of a longer one, as those of hosts are.</param>
    public void Resolve(bool dotted)
    {
        foreach (var named in groups.Values)
            if (named.Count > 1)
                JoinScopes(named);
        if (!dotted)
            return;
        foreach (var place in groups.GroupBy(named => named.Key.Place, StringComparer.Ordinal))
            JoinNames([.. place.SelectMany(named => named.Value).Select(group => group.Top).Distinct()]);
    }

    /// <summary>The machine of a name: the shortest of its names that is no address, and all that is told of its scope.</summary>
    public ScopedName Of(string place, Scope scope, string name) =>
        found.TryGetValue((place, name, scope.Text), out var group) ? group.Top.Shown : new ScopedName(scope.Text, name);

    /// <summary>A host's name as one spelling: lower case, without port. <c>Node-A:9290</c> is <c>node-a</c>, <c>[fe80::1]:9100</c> is
    /// <c>fe80::1</c>; a bare IPv6 address has no port.</summary>
    public static string NameOf(string reported)
    {
        var name = reported;
        var colon = name.IndexOf(':', StringComparison.Ordinal);
        if (name.StartsWith('[') && name.IndexOf(']', StringComparison.Ordinal) is > 1 and var close)
            name = name[1..close];
        else if (colon > 0 && name.LastIndexOf(':') == colon && name.AsSpan(colon + 1).IndexOfAnyExceptInRange('0', '9') < 0)
            name = name[..colon];
        return Lower(name);
    }

    /// <summary>Whether every machine calls itself so.</summary>
    public static bool IsLoopback(string reported) => NameOf(reported) is "localhost" or "127.0.0.1" or "::1";

#pragma warning disable CA1308 // Names are shown, and people write hosts and UUIDs in lower case.
    public static string Lower(string text) => text.ToLowerInvariant();
#pragma warning restore CA1308

    /// <summary>Whether a name has no beginning that is a name too: an address, or a path.</summary>
    private static bool IsWhole(string name) => name.Contains('/', StringComparison.Ordinal) || IPAddress.TryParse(name, out _);

    /// <summary>What does not contradict each other is one, the fullest scope first; what fits two that do is neither's.</summary>
    private static void JoinScopes(List<Group> named)
    {
        var ordered = named.OrderByDescending(group => group.Scope.Count).ThenBy(group => group.Scope.Text, StringComparer.Ordinal);
        var machines = new List<Group>();
        foreach (var group in ordered)
        {
            var fitting = machines.FindAll(machine => !machine.Scope.Contradicts(group.Scope));
            if (fitting is [var only])
                only.Take(group);
            else
                machines.Add(group);
        }
    }

    private static void JoinNames(List<Group> machines)
    {
        var byName = machines
            .Where(machine => !IsWhole(machine.Name))
            .GroupBy(machine => machine.Name, StringComparer.Ordinal)
            .ToDictionary(named => named.Key, named => named.ToList(), StringComparer.Ordinal);
        var longer = new Dictionary<string, List<Group>>(StringComparer.Ordinal);
        foreach (var (name, named) in byName)
            for (var dot = name.IndexOf('.', StringComparison.Ordinal); dot > 0; dot = name.IndexOf('.', dot + 1))
            {
                if (!byName.ContainsKey(name[..dot]))
                    continue;
                if (!longer.TryGetValue(name[..dot], out var of))
                    longer.Add(name[..dot], of = []);
                of.AddRange(named);
            }
        foreach (var (name, all) in longer.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        foreach (var machine in byName[name])
        {
            var fitting = all.FindAll(other => !other.Scope.Contradicts(machine.Scope))
                .OrderBy(other => other.Name.Length)
                .ThenBy(other => other.Name, StringComparer.Ordinal)
                .ToList();
            // a, a.b and a.b.c are one name told ever more fully; a, a.b and a.c are not.
            var chain = fitting.Count > 0;
            for (var i = 1; i < fitting.Count; i++)
                chain &= fitting[i].Name.StartsWith(fitting[i - 1].Name + ".", StringComparison.Ordinal);
            if (!chain)
                continue;
            foreach (var other in fitting)
                if (
                    byName[name].Count(same => !same.Scope.Contradicts(other.Scope)) == 1
                    && !machine.Top.Tellers.Overlaps(other.Top.Tellers)
                    && !machine.Top.Scope.Contradicts(other.Top.Scope)
                )
                    machine.Top.Take(other.Top);
        }
    }

    /// <summary>Names that are one machine.</summary>
    private sealed class Group(string name, Scope scope)
    {
        private Group? above;

        public string Name => name;

        /// <summary>Of the topmost: what all of them tell together.</summary>
        public Scope Scope { get; private set; } = scope;

        public HashSet<(string Source, string Metric)> Tellers { get; } = [];

        public Group Top => above is null ? this : above.Top;

        public ScopedName Shown => new(Scope.Text, name);

        public void Take(Group other)
        {
            if (other == this)
                return;
            other.above = this;
            Scope = Scope.With(other.Scope);
            Tellers.UnionWith(other.Tellers);
        }
    }
}
