using Metrics.Domain.Catalogue;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Normalisation;

/// <summary>Readings of one component of one resource by one source through one mapping: a candidate for the truth about it.</summary>
internal sealed class Meter(KnownSeries first)
{
    private const int Few = 8;

    private Dictionary<string, MeterPart>? byName;

    public KnownSeries First { get; } = first;

    /// <summary>Disjoint parts of the component (sockets, power supplies), by name; they add up.</summary>
    public List<MeterPart> Parts { get; } = new(1);

    /// <summary>Whether the parts are a server only together, as sockets and power supplies are: where one is silent, the sum of the others
    /// is no server. Pods and processes come and go.</summary>
    public bool PartsMakeAWhole { get; } =
        first is
        {
            IsLoad: false,
            Mapping: { Share: false, Component: not (Component.Accelerator or Component.Outlet or Component.Pdu or Component.Rack) }
        };

    public bool Reads(KnownSeries series) =>
        First.Mapping == series.Mapping
        && First.Series.Source == series.Series.Source
        && First.Series.Statistic == series.Series.Statistic
        && First.Series.Period == series.Series.Period;

    public void Add(KnownSeries series, string part)
    {
        if (Find(part) is not { } known)
        {
            Parts.Add(known = new MeterPart(part));
            // Nearly every component has one part or a few sockets; only processes come by the thousand.
            if (Parts.Count == Few)
                byName = Parts.ToDictionary(one => one.Name, StringComparer.Ordinal);
            else
                byName?.Add(part, known);
        }
        known.Series.Add(series);
    }

    private MeterPart? Find(string part)
    {
        if (byName is not null)
            return byName.GetValueOrDefault(part);
        foreach (var known in Parts)
            if (known.Name == part)
                return known;
        return null;
    }

    public void Read(Interpreter interpreter, Pieces pieces)
    {
        // Joules of the parts are added in one order, whatever that of the series.
        Parts.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name));
        foreach (var part in Parts)
            part.Read(interpreter, pieces);
    }
}

/// <summary>One part of a component, with the series that speak of it and their pieces of the grid.</summary>
internal sealed class MeterPart(string name)
{
    private int start;
    private int first;
    private int end;

    public string Name => name;

    /// <summary>Whether it says anything within reach of a grid period, which every pass over that period sees.</summary>
    public bool HasSamplesNear(Interval bin)
    {
        foreach (var series in Series)
        {
            var samples = series.Samples.Span;
            int low = 0,
                high = samples.Length;
            while (low < high)
            {
                var middle = (low + high) / 2;
                if (samples[middle].End < bin.Start - Limits.Reach)
                    low = middle + 1;
                else
                    high = middle;
            }
            if (low < samples.Length && samples[low].End <= bin.End + Limits.Reach)
                return true;
        }
        return false;
    }

    /// <summary>Everything that it says, as a range of the pieces.</summary>
    public Range All => start..end;

    public List<KnownSeries> Series { get; } = new(1);

    public void Read(Interpreter interpreter, Pieces pieces)
    {
        start = first = pieces.Count;
        interpreter.Read(Series);
        end = pieces.Count;
        if (Series.Count > 1)
            pieces[first..end].Sort();
    }

    /// <summary>The pieces of a grid period. Periods are asked for in ascending order.</summary>
    public Span<Piece> Of(int bin, Pieces pieces)
    {
        while (first < end && pieces[first].Bin < bin)
            first++;
        var after = first;
        while (after < end && pieces[after].Bin == bin)
            after++;
        return pieces[first..after];
    }
}

/// <summary>A resource with everything that reads it, by component.</summary>
internal sealed class MeteredResource(string kind, string name, Place place)
{
    private static readonly List<Meter> None = [];

    private static readonly int Components = Enum.GetValues<Component>().Length;

    private readonly List<Meter>?[] meters = new List<Meter>?[Components];
    private List<Meter>?[]? loads;
    private Resource? identity;
    private string? hardware;

    public string Kind => kind;

    public string Name => name;

    public Place Place => place;

    /// <summary>Every host that a series puts it into, ordered. Exporters need not agree: one tells the host's name, another its
    /// address.</summary>
    public List<string> ReportedNodes { get; } = new(1);

    /// <summary>The host that it is shown with.</summary>
    public string? Node { get; set; }

    /// <summary>Model of the hardware as reported; of a machine its instance type.</summary>
    public string? Hardware => hardware;

    /// <summary>Instance type of the machine that it sits in, as its labels tell; null when none does.</summary>
    public string? NodeHardware { get; private set; }

    /// <summary>Instance type of the machine that it sits in, as the settings of a source tell; null when they do not.</summary>
    public string? ConfiguredHardware { get; private set; }

    /// <summary>Whether any of its series is claimed by a workload.</summary>
    public bool IsClaimed { get; private set; }

    /// <summary>What the machine that it is or sits in is made of; null when nobody tells or the tables do not know it.</summary>
    public ServerType? Machine { get; set; }

    /// <summary>Whether its accelerator readings speak of all boards of a machine.</summary>
    public bool IsMachine => kind is "node" or "vm" or "endpoint" or "instance";

    /// <summary>What tells the enforced power limit of the board.</summary>
    public List<Meter> Limits { get; } = [];

    /// <summary>As facts name it, once all series are filed: with what the type of its machine says of its hardware where no label
    /// does.</summary>
    public Resource Identity =>
        identity ??= new Resource(
            kind,
            name,
            Node,
            hardware
                ?? (
                    IsMachine ? Machine?.Name
                    : kind == "gpu" ? Machine?.Accelerator
                    : null
                ),
            place
        );

    public List<Meter> this[Component component] => meters[(int)component] ?? None;

    /// <summary>What tells how busy the component is.</summary>
    public List<Meter> Loads(Component component) => loads?[(int)component] ?? None;

    /// <summary>Every meter, whatever it tells.</summary>
    public IEnumerable<(Component Component, Meter Meter)> Meters
    {
        get
        {
            for (var component = 0; component < Components; component++)
            {
                foreach (var meter in meters[component] ?? None)
                    yield return ((Component)component, meter);
                foreach (var meter in loads?[component] ?? None)
                    yield return ((Component)component, meter);
            }
            foreach (var meter in Limits)
                yield return (Component.Accelerator, meter);
        }
    }

    public void Add(
        KnownSeries series,
        string part,
        string? reportedNode,
        string? reportedHardware,
        string? reportedNodeHardware,
        string? configuredHardware
    )
    {
        if (reportedNode is not null && ReportedNodes.BinarySearch(reportedNode, StringComparer.Ordinal) is < 0 and var at)
            ReportedNodes.Insert(~at, reportedNode);
        // Of two spellings the first is taken, so that the order of the series is not what decides.
        if (reportedHardware is not null && (hardware is null || string.CompareOrdinal(reportedHardware, hardware) < 0))
            hardware = reportedHardware;
        if (reportedNodeHardware is not null && (NodeHardware is null || string.CompareOrdinal(reportedNodeHardware, NodeHardware) < 0))
            NodeHardware = reportedNodeHardware;
        if (
            configuredHardware is not null
            && (ConfiguredHardware is null || string.CompareOrdinal(configuredHardware, ConfiguredHardware) < 0)
        )
            ConfiguredHardware = configuredHardware;

        IsClaimed |= series.Workload != WorkloadClaims.Unclaimed;
        // Energy of no named component is that of the whole; a load of the whole is that of its CPUs.
        var component = series.Mapping.Component is Component.None ? Component.Node : series.Mapping.Component;
        if (series.IsLoad && component == Component.Node)
            component = Component.Cpu;
        var into =
            series.Mapping.Limit ? Limits
            : series.IsLoad ? (loads ??= new List<Meter>?[Components])[(int)component] ??= new List<Meter>(1)
            : meters[(int)component] ??= new List<Meter>(1);
        Meter? meter = null;
        foreach (var known in into)
            if (known.Reads(series))
                meter = known;
        if (meter is null)
            into.Add(meter = new Meter(series));
        meter.Add(series, part);
    }

    public void Read(Interpreter interpreter, Pieces pieces)
    {
        foreach (var ofComponent in meters)
            ReadAll(ofComponent);
        foreach (var ofComponent in loads ?? [])
            ReadAll(ofComponent);
        ReadAll(Limits);

        void ReadAll(List<Meter>? ofComponent)
        {
            if (ofComponent is null)
                return;
            foreach (var meter in ofComponent)
                meter.Read(interpreter, pieces);
        }
    }
}

/// <summary>A server with what sits in it: its own meters, its accelerators, and the pods, containers ... that share its energy.</summary>
internal sealed class Host(Place place, string name)
{
    private MeteredResource? unread;

    public Place Place => place;

    public string Name => name;

    /// <summary>What is metered as the server itself; null when only its parts are.</summary>
    public MeteredResource? Server { get; set; }

    /// <summary>The server, or one that stands for it where nobody reads it.</summary>
    public MeteredResource Known => Server ?? (unread ??= new MeteredResource("node", name, place));

    /// <summary>Its instance type as told; null when nobody tells.</summary>
    public string? TypeName { get; set; }

    /// <summary>What it is made of; null when nobody tells or the tables do not know it.</summary>
    public ServerType? Type { get; set; }

    /// <summary>Whether a label of anything that sits in it or shares it gives that to a workload, at any time of the pass.</summary>
    public bool IsClaimed { get; set; }

    /// <summary>Engines that are reported to run on it, with what they did.</summary>
    public List<Worker> Workers { get; } = [];

    public List<MeteredResource> Accelerators { get; } = [];

    /// <summary>What shares its energy, a list for each level, the preferred level first: the same joules stand on every level.</summary>
    public List<MeteredResource[]> SharerLevels { get; } = [];
}

/// <summary>Work that one series counts on a host.</summary>
internal sealed class Worker(Count count, string node)
{
    private int next = count.First;

    public KnownSeries Series => count.Series;

    /// <summary>The host that it is reported on.</summary>
    public string Node => node;

    /// <summary>Units of work in a grid period; null where it tells none, or another telling of the same work was taken. Periods are asked
    /// for in ascending order.</summary>
    public double? UnitsIn(int bin, Pieces pieces)
    {
        while (next < count.End && pieces[next].Bin < bin)
            next++;
        double? units = null;
        for (var at = next; at < count.End && pieces[at].Bin == bin; at++)
            units = (units ?? 0) + pieces[at].Amount;
        return count.Speaks(bin) ? units : null;
    }
}

/// <summary>Every resource that the series of a pass speak of, each once, whoever reports it.</summary>
internal sealed class Fleet(FactorBook? factors, IReadOnlyDictionary<string, string>? sourceHardware)
{
    private const string Node = "node";

    private readonly Dictionary<(string Place, string Name), Host> hosts = [];

    // What shares a machine is named within it: every machine has a process 1.
    private readonly Dictionary<(Role Role, string Place, string Kind, string Name, string Within), MeteredResource> resources = [];
    private readonly List<Worker> workers = [];

    /// <summary>What a resource is to the boundaries.</summary>
    private enum Role
    {
        Accelerator,
        Server,
        Sharer,
        Rack,
    }

    /// <summary>Servers, named or only spoken of by what sits in them.</summary>
    public IEnumerable<Host> Hosts =>
        hosts.Values.OrderBy(host => host.Place.Name, StringComparer.Ordinal).ThenBy(host => host.Name, StringComparer.Ordinal);

    /// <summary>Accelerators of which nobody says where they sit.</summary>
    public List<MeteredResource> LooseAccelerators { get; } = [];

    /// <summary>Racks, distribution units and their outlets.</summary>
    public IEnumerable<MeteredResource> Racks => Of(Role.Rack);

    /// <summary>Files the series under the resource that its labels name.</summary>
    public void Add(KnownSeries series)
    {
        var (labels, from) = (series.Series.Labels, series.Mapping.Resource);
        var role = RoleOf(series.Mapping);
        var reportedNode = HostName(series, First(labels, from.Node));
        var part = Part(labels, from.Part);

        var id = First(labels, from.Id);
        var name = (role, from.Kind) switch
        {
            (_, Node) => HostName(series, id) ?? reportedNode ?? Unnamed(series),
            (Role.Accelerator, _) => id is null ? $"{reportedNode ?? Unnamed(series)}/{BoardNumber(part)}" : AcceleratorName(id),
            _ => id ?? reportedNode ?? Unnamed(series),
        };
        var node = role switch
        {
            Role.Sharer => reportedNode ?? Unnamed(series),
            // A reading of all accelerators of a machine sits in that machine.
            Role.Accelerator => reportedNode ?? (from.Kind is Node or "vm" ? NodeName(name) : null),
            _ => reportedNode,
        };

        var key = (role, series.Place.Name, from.Kind, name, role == Role.Sharer ? node! : "");
        if (!resources.TryGetValue(key, out var resource))
            resources.Add(key, resource = new MeteredResource(from.Kind, name, series.Place));
        resource.Add(
            series,
            part,
            node,
            First(labels, from.Hardware),
            First(labels, from.NodeHardware),
            sourceHardware?.GetValueOrDefault(series.Series.Source)
        );
    }

    /// <summary>Remembers on which host work was done, whether or not a workload claims it.</summary>
    public void AddWork(Count count)
    {
        if (count.End > count.First && First(count.Series.Series.Labels, count.Series.Mapping.Resource.Node) is { } node)
            workers.Add(new Worker(count, HostName(count.Series, node)!));
    }

    /// <summary>Every resource, in an order that does not depend on that of the series.</summary>
    public IEnumerable<MeteredResource> All =>
        resources
            .OrderBy(known => known.Key.Place, StringComparer.Ordinal)
            .ThenBy(known => known.Key.Kind, StringComparer.Ordinal)
            .ThenBy(known => known.Key.Name, StringComparer.Ordinal)
            .ThenBy(known => known.Key.Within, StringComparer.Ordinal)
            .ThenBy(known => known.Key.Role)
            .Select(known => known.Value);

    /// <summary>Puts the resources into their hosts, once all series are filed.</summary>
    public void Settle()
    {
        foreach (var server in Of(Role.Server))
        {
            // A machine that one source calls a node and another a vm is one machine, and the node's readings are taken.
            var host = HostOf(server.Place, server.Kind == Node ? server.Name : NodeName(server.Name));
            if (host.Server is null || server.Kind == Node)
                host.Server = server;
            server.Node = server.Kind == Node ? null : server.ReportedNodes.FirstOrDefault();
        }
        foreach (var accelerator in Of(Role.Accelerator))
        {
            if (HostFor(accelerator) is { } host)
                host.Accelerators.Add(accelerator);
            else
                LooseAccelerators.Add(accelerator);
        }
        foreach (
            var level in Of(Role.Sharer)
                .GroupBy(sharer => (Host: HostFor(sharer)!, sharer.Kind))
                .OrderBy(level => Rank(level.Key.Kind))
                .ThenBy(level => level.Key.Kind, StringComparer.Ordinal)
        )
            level.Key.Host.SharerLevels.Add([.. level]);
        foreach (var rack in Of(Role.Rack))
            rack.Node = rack.ReportedNodes.FirstOrDefault();
        foreach (var host in hosts.Values)
        {
            // What the machine itself is called first, what settings say last; of the names the first that the tables know.
            string?[] names =
            [
                host.Server?.Hardware,
                host.Server?.NodeHardware,
                host.Accelerators.Select(board => board.NodeHardware).Where(type => type is not null).Min(StringComparer.Ordinal),
                host.Server?.ConfiguredHardware,
                host.Accelerators.Select(board => board.ConfiguredHardware).Where(type => type is not null).Min(StringComparer.Ordinal),
            ];
            host.TypeName = names.FirstOrDefault(name => TypeOf(name, host.Place) is not null)
                ?? names.FirstOrDefault(name => name is not null);
            host.Type = TypeOf(host.TypeName, host.Place);
            host.Known.Machine = host.Type;
            foreach (var board in host.Accelerators)
                board.Machine = host.Type;
            host.IsClaimed = host
                .Accelerators.Concat(host.SharerLevels.SelectMany(level => level))
                .Append(host.Known)
                .Any(part => part.IsClaimed);
        }
        foreach (var worker in workers)
            if (hosts.TryGetValue((worker.Series.Place.Name, worker.Node), out var host))
                host.Workers.Add(worker);
    }

    /// <summary>What a machine of that name at the place is made of; null when the tables do not know it.</summary>
    public ServerType? TypeOf(string? name, Place place) => name is null ? null : factors?.Servers.Find(place.Provider, name);

    public void Read(Interpreter interpreter, Pieces pieces)
    {
        foreach (var resource in resources.Values)
            resource.Read(interpreter, pieces);
    }

    /// <summary>A host name as one spelling: lower case, without port. <c>Node-A:9290</c> is <c>node-a</c>, <c>[fe80::1]:9100</c> is
    /// <c>fe80::1</c>; a bare IPv6 address has no port.</summary>
    private static string NodeName(string reported)
    {
        var name = reported;
        var colon = name.IndexOf(':', StringComparison.Ordinal);
        if (name.StartsWith('[') && name.IndexOf(']', StringComparison.Ordinal) is > 1 and var close)
            name = name[1..close];
        else if (colon > 0 && name.LastIndexOf(':') == colon && name.AsSpan(colon + 1).IndexOfAnyExceptInRange('0', '9') < 0)
            name = name[..colon];
        return Lower(name);
    }

    /// <summary>The one spelling of a host's name, and of what every machine calls itself the one machine of the source; null when no name
    /// is reported.</summary>
    private static string? HostName(KnownSeries series, string? reported) =>
        reported is null ? null
        : NodeName(reported) is not ("localhost" or "127.0.0.1" or "::1") and var name ? name
        : Unnamed(series);

    /// <summary>A board's name as one spelling: lower case, without the <c>GPU-</c> that some exporters put before the UUID.</summary>
    private static string AcceleratorName(string reported)
    {
        var name = Lower(reported);
        return name.StartsWith("gpu-", StringComparison.Ordinal) && name.Length > 4 ? name[4..] : name;
    }

    /// <summary>The number of a board by its driver's device: of <c>nvidia0</c> it is 0, as another exporter writes it.</summary>
    private static string BoardNumber(string part) =>
        part.StartsWith("nvidia", StringComparison.Ordinal) && part.Length > 6 && part.AsSpan(6).IndexOfAnyExceptInRange('0', '9') < 0
            ? part[6..]
            : part;

#pragma warning disable CA1308 // Names are shown, and people write hosts and UUIDs in lower case.
    private static string Lower(string text) => text.ToLowerInvariant();
#pragma warning restore CA1308

    /// <summary>The name of the one machine of a source that names none.</summary>
    private static string Unnamed(KnownSeries series) => $"source/{series.Series.Source}";

    private static Role RoleOf(MetricMapping mapping) =>
        mapping.Component switch
        {
            Component.Outlet or Component.Pdu or Component.Rack => Role.Rack,
            _ when mapping.Share => Role.Sharer,
            Component.Accelerator => Role.Accelerator,
            _ => Role.Server,
        };

    private static int Rank(string kind) =>
        kind switch
        {
            "pod" => 0,
            "container" => 1,
            "vm" => 2,
            "process" => 3,
            _ => 4,
        };

    private static string? First(Labels labels, IReadOnlyList<string> names)
    {
        for (var i = 0; i < names.Count; i++)
            if (labels[names[i]] is { } value)
                return value;
        return null;
    }

    private static string Part(Labels labels, IReadOnlyList<string> names) =>
        names.Count switch
        {
            0 => "",
            1 => labels[names[0]] ?? "",
            _ => string.Join('/', names.Select(name => labels[name]).OfType<string>()),
        };

    /// <summary>The host that it is reported in, and of several the first that is metered itself.</summary>
    private Host? HostFor(MeteredResource resource)
    {
        if (resource.ReportedNodes.Count == 0)
            return null;
        var name = resource.ReportedNodes.FirstOrDefault(node =>
            hosts.TryGetValue((resource.Place.Name, node), out var host) && host.Server is not null
        ) ?? resource.ReportedNodes[0];
        var isSource = name.StartsWith("source/", StringComparison.Ordinal);
        resource.Node = resource.Kind == Node || isSource ? null : name;
        return HostOf(resource.Place, name);
    }

    private Host HostOf(Place place, string name)
    {
        if (!hosts.TryGetValue((place.Name, name), out var host))
            hosts.Add((place.Name, name), host = new Host(place, name));
        return host;
    }

    /// <summary>In an order that does not depend on that of the series.</summary>
    private MeteredResource[] Of(Role role) =>
        [
            .. resources
                .Where(known => known.Key.Role == role)
                .OrderBy(known => known.Key.Place, StringComparer.Ordinal)
                .ThenBy(known => known.Key.Kind, StringComparer.Ordinal)
                .ThenBy(known => known.Key.Name, StringComparer.Ordinal)
                .ThenBy(known => known.Key.Within, StringComparer.Ordinal)
                .Select(known => known.Value),
        ];
}
