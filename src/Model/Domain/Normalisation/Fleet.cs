using System.Buffers;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Messages;
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

    public void Add(KnownSeries series, string part, bool[]? refused)
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
        known.Refuse(refused);
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
    private bool[]? refused;
    private int start;
    private int first;
    private int end;

    public string Name => name;

    /// <summary>Leaves out grid periods in which its series contradict each other.</summary>
    public void Refuse(bool[]? periods)
    {
        if (periods is null)
            return;
        refused ??= new bool[periods.Length];
        for (var bin = 0; bin < periods.Length; bin++)
            refused[bin] |= periods[bin];
    }

    /// <summary>Whether it says anything within reach of a grid period, which every pass over that period sees.</summary>
    public bool HasSamplesNear(Interval bin)
    {
        foreach (var series in Series)
        {
            var samples = series.Samples.Span;
            var first = FirstFrom(samples, bin.Start - Limits.Reach);
            if (first < samples.Length && samples[first].End <= bin.End + Limits.Reach)
                return true;
        }
        return false;
    }

    /// <summary>Whether it tells of any stretch of a span: by an interval, or by two samples that may be joined.</summary>
    public bool IsReadIn(Interval span)
    {
        foreach (var series in Series)
        {
            var samples = series.Samples.Span;
            for (var i = FirstFrom(samples, span.Start.AddTicks(1)); i < samples.Length; i++)
            {
                var from =
                    series.OwnIntervals ? samples[i].Start
                    : i > 0 ? samples[i - 1].End
                    : samples[i].End;
                if (from >= span.End)
                    break;
                if (
                    samples[i].End > from
                    && (series.OwnIntervals || Interpreter.IsBridged(series, series, from.Ticks, samples[i].End.Ticks))
                )
                    return true;
            }
        }
        return false;
    }

    /// <summary>Whether it told a value in a period that no meter of its kind can show.</summary>
    public bool IsImplausibleIn(Interval period)
    {
        foreach (var series in Series)
        {
            var samples = series.Samples.Span;
            for (var i = FirstFrom(samples, period.Start); i < samples.Length && samples[i].End <= period.End; i++)
                if (!double.IsNaN(samples[i].Value) && !series.CanShow(samples[i].Value))
                    return true;
        }
        return false;
    }

    /// <summary>The first sample that ends at an instant or later.</summary>
    internal static int FirstFrom(ReadOnlySpan<Sample> samples, DateTime instant)
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

    /// <summary>Everything that it says, as a range of the pieces.</summary>
    public Range All => start..end;

    public List<KnownSeries> Series { get; } = new(1);

    /// <summary>Who holds it when; null where one speaks alone.</summary>
    public Turns? Turns { get; private set; }

    public void Read(Interpreter interpreter, Pieces pieces)
    {
        start = first = pieces.Count;
        Turns = Turns.Of(Series);
        interpreter.Read(Series, Turns);
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
        return refused is not null && refused[bin] ? [] : pieces[first..after];
    }
}

/// <summary>A resource with everything that reads it, by component.</summary>
internal sealed class MeteredResource(string kind, string name, Place place, string? account = null, string scope = "")
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

    /// <summary>The account that it is told under; null when none is told.</summary>
    public string? Account => account;

    /// <summary>What makes its name unique at the place; empty when nothing is told.</summary>
    public string Scope => scope;

    /// <summary>Every host that a series puts it into, ordered. Exporters need not agree: one tells the host's name, another its
    /// address.</summary>
    public List<ScopedName> ReportedHosts { get; } = new(1);

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
            place,
            account,
            scope
        );

    public List<Meter> this[Component component] => meters[(int)component] ?? None;

    /// <summary>What tells how busy the component is.</summary>
    public List<Meter> Loads(Component component) => loads?[(int)component] ?? None;

    /// <summary>Whether any of its series speaks of a slice of it.</summary>
    public bool IsSliced { get; private set; }

    /// <summary>Finds the parts that its slices are, where their own labels do not tell its model.</summary>
    public void SizeSlices()
    {
        if (!IsSliced || (hardware ?? Machine?.Accelerator) is not { } model)
            return;
        foreach (var (_, meter) in Meters)
        foreach (var part in meter.Parts)
        foreach (var series in part.Series)
            series.SizeSlice(model);
    }

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
        bool[]? refused,
        ScopedName? reportedHost,
        string? reportedHardware,
        string? reportedNodeHardware,
        string? configuredHardware
    )
    {
        if (reportedHost is { } host && ReportedHosts.BinarySearch(host) is < 0 and var at)
            ReportedHosts.Insert(~at, host);
        if (series.Account is { } told && (account is null || string.CompareOrdinal(told, account) < 0))
            account = told;
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
        IsSliced |= series.IsSlice;
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
        meter.Add(series, part, refused);
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
internal sealed class Host(Place place, ScopedName key)
{
    private MeteredResource? unread;

    public Place Place => place;

    public string Name => key.Name;

    /// <summary>What makes its name unique at the place; empty when nothing is told.</summary>
    public string Scope => key.Scope;

    /// <summary>What is metered as the server itself; null when only its parts are.</summary>
    public MeteredResource? Server { get; set; }

    /// <summary>The server, or one that stands for it where nobody reads it.</summary>
    public MeteredResource Known =>
        Server
        ?? (
            unread ??= new MeteredResource(
                "node",
                key.Name,
                place,
                Accelerators.Select(board => board.Account).Min(StringComparer.Ordinal),
                key.Scope
            )
        );

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
internal sealed class Worker(Count count, string node, Scope scope)
{
    private int next;

    public KnownSeries Series => count.Series;

    /// <summary>The host that it is reported on.</summary>
    public string Node => node;

    /// <summary>What its labels tell of the scope of that name.</summary>
    public Scope Scope => scope;

    /// <summary>Units of work in a grid period; null where it tells none, or another telling of the same work was taken. Periods are asked
    /// for in ascending order.</summary>
    public double? UnitsIn(int bin, Pieces pieces)
    {
        var counted = count.Counted(pieces);
        while (next < counted.Length && counted[next].Bin < bin)
            next++;
        double? units = null;
        for (var at = next; at < counted.Length && counted[at].Bin == bin; at++)
            units = (units ?? 0) + counted[at].Amount;
        return units;
    }
}

/// <summary>Every resource that the series of a pass speak of, each once, whoever reports it.</summary>
/// <remarks>
/// Three questions in this order. Which machine does a series speak of: by what its labels say and by what its store says of addresses,
/// nodes and pods. Which names are one machine (<see cref="Hosts"/>). And which things have one name: other values at one instant are
/// other things where labels that name a site, a machine or a part tell them apart, and else a contradiction, of which nothing is taken.
/// </remarks>
internal sealed class Fleet(
    FactorBook? factors,
    IReadOnlyDictionary<string, string>? sourceHardware,
    Joins joins,
    List<Rejection> rejections,
    Rules rules = Rules.All
)
{
    private const string Node = "node";

    // The alphabet of the endings that Kubernetes makes up for pods.
    private static readonly SearchValues<char> Generated = SearchValues.Create("bcdfghjklmnpqrstvwxz2456789");

    private readonly List<Filing> filings = [];
    private readonly Hosts names = new();
    private readonly Hosts things = new();
    private readonly Dictionary<(string Place, ScopedName Name), Host> hosts = [];

    // What shares a machine is named within it: every machine has a process 1.
    private readonly Dictionary<(Role Role, string Place, string Kind, ScopedName Name, ScopedName Within), MeteredResource> resources = [];
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
        hosts
            .Values.OrderBy(host => host.Place.Name, StringComparer.Ordinal)
            .ThenBy(host => host.Name, StringComparer.Ordinal)
            .ThenBy(host => host.Scope, StringComparer.Ordinal);

    /// <summary>Accelerators of which nobody says where they sit.</summary>
    public List<MeteredResource> LooseAccelerators { get; } = [];

    /// <summary>Racks, distribution units and their outlets.</summary>
    public IEnumerable<MeteredResource> Racks => Of(Role.Rack);

    /// <summary>Takes a series, to be filed under the resource that its labels name.</summary>
    public void Add(KnownSeries series)
    {
        var (labels, from) = (series.Series.Labels, series.Mapping.Resource);
        var role = RoleOf(series.Mapping);
        var machine = MachineOf(series, from.Node);
        var filing = new Filing(series, role) { Machine = machine, Part = Part(labels, from.Part) };
        if (from.Kind == Node)
            filing.Own = MachineOf(series, from.Id) ?? machine ?? Unnamed(series);
        else if (role == Role.Accelerator)
            filing.Id = First(labels, from.Id, skipPlaceholders: true) is { } board ? AcceleratorName(board) : null;
        else
            filing.Id = First(labels, from.Id);
        filings.Add(filing);
    }

    /// <summary>Remembers on which host work was done, whether or not a workload claims it.</summary>
    public void AddWork(Count count)
    {
        if (count.End > count.First && MachineOf(count.Series, count.Series.Mapping.Resource.Node) is { } node)
            workers.Add(new Worker(count, node, count.Series.Scope));
    }

    /// <summary>Every resource, in an order that does not depend on that of the series.</summary>
    public IEnumerable<MeteredResource> All => Ordered(resources).ThenBy(known => known.Key.Role).Select(known => known.Value);

    /// <summary>Files what was taken and puts the resources into their hosts, once all series are there.</summary>
    public void Settle(Grid grid)
    {
        if (rules.HasFlag(Rules.Names))
            SplitMachines();
        NameMachines();
        NumberBoards(grid.Period);
        SplitParts(grid);
        foreach (var filing in filings)
            if (!filing.IsLeftOut && filing.OwnName() is { } name)
                things.Add(filing.ThingsOf, filing.Scope, name, null);
        things.Resolve(dotted: false);
        foreach (var filing in filings)
            if (!filing.IsLeftOut)
                File(filing);
        PutIntoHosts();
    }

    /// <summary>What a machine of that name at the place is made of; null when the tables do not know it.</summary>
    public ServerType? TypeOf(string? name, Place place) => name is null ? null : factors?.Servers.Find(place.Provider, name);

    public void Read(Interpreter interpreter, Pieces pieces)
    {
        foreach (var resource in resources.Values)
            resource.Read(interpreter, pieces);
    }

    private void File(Filing filing)
    {
        var (series, role) = (filing.Series, filing.Role);
        var (labels, from, place) = (series.Series.Labels, series.Mapping.Resource, series.Place.Name);
        ScopedName? machine = filing.Machine is { } told ? names.Of(place, filing.Scope, told) : null;
        var unnamed = new ScopedName("", Unnamed(series));
        var name =
            filing.Own is { } own ? names.Of(place, filing.Scope, own)
            : filing.OwnName() is { } id ? things.Of(filing.ThingsOf, filing.Scope, id)
            : role == Role.Accelerator && (machine ?? unnamed) is var within
                ? within with
                {
                    Name = $"{within.Name}/{BoardNumber(filing.Part)}",
                }
            : machine ?? unnamed;
        var host = role switch
        {
            Role.Sharer => machine ?? unnamed,
            // A reading of all accelerators of a machine sits in that machine.
            Role.Accelerator => machine ?? (from.Kind is Node or "vm" ? HostNamed(name) : null),
            _ => machine,
        };
        // What shares a machine has the scope of that.
        if (role == Role.Sharer)
            name = name with { Scope = host!.Value.Scope };

        var key = (role, place, from.Kind, name, role == Role.Sharer ? host!.Value : default);
        if (!resources.TryGetValue(key, out var resource))
            resources.Add(key, resource = new MeteredResource(from.Kind, name.Name, series.Place, null, name.Scope));
        resource.Add(
            series,
            filing.Part,
            filing.Refused,
            host,
            First(labels, from.Hardware),
            First(labels, from.NodeHardware),
            sourceHardware?.GetValueOrDefault(series.Series.Source)
        );
    }

    private void PutIntoHosts()
    {
        foreach (var server in Of(Role.Server))
        {
            // A machine that one source calls a node and another a vm is one machine, and the node's readings are taken.
            var named = new ScopedName(server.Scope, server.Name);
            var host = HostOf(server.Place, server.Kind == Node ? named : HostNamed(named));
            if (host.Server is null || server.Kind == Node)
                host.Server = server;
            server.Node = server.Kind == Node || server.ReportedHosts.Count == 0 ? null : server.ReportedHosts[0].Name;
        }
        foreach (var accelerator in Of(Role.Accelerator))
        {
            if (HostFor(accelerator) is { } host)
                host.Accelerators.Add(accelerator);
            else
            {
                accelerator.SizeSlices();
                LooseAccelerators.Add(accelerator);
            }
        }
        foreach (
            var level in Of(Role.Sharer)
                .GroupBy(sharer => (Host: HostFor(sharer)!, sharer.Kind))
                .OrderBy(level => Rank(level.Key.Kind))
                .ThenBy(level => level.Key.Kind, StringComparer.Ordinal)
        )
            level.Key.Host.SharerLevels.Add([.. level]);
        foreach (var rack in Of(Role.Rack))
            rack.Node = rack.ReportedHosts.Count == 0 ? null : rack.ReportedHosts[0].Name;
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
            {
                board.Machine = host.Type;
                board.SizeSlices();
            }
            host.IsClaimed = host
                .Accelerators.Concat(host.SharerLevels.SelectMany(level => level))
                .Append(host.Known)
                .Any(part => part.IsClaimed);
        }
        foreach (var worker in workers)
            if (hosts.TryGetValue((worker.Series.Place.Name, names.Of(worker.Series.Place.Name, worker.Scope, worker.Node)), out var host))
                host.Workers.Add(worker);
    }

    /// <summary>The machine that a series speaks of, by the first of the labels that names one; null when none does.</summary>
    private string? MachineOf(KnownSeries series, IReadOnlyList<string> labels)
    {
        string? pod = null;
        for (var i = 0; i < labels.Count; i++)
        {
            if (series.Series.Labels.Told(labels[i]) is not { } value)
                continue;
            // The exporter's own pod is no machine: whatever names one comes before it, and an address that is known.
            if (pod is null && IsHostname(labels[i]) && IsOwnPod(series, value, labels, i))
            {
                if (joins.MachineOf(series, null, value) is { } runsOn)
                    return runsOn;
                pod = value;
                continue;
            }
            if (KnownMachine(series, value, labels[i]) is { } known)
                return known;
            if (pod is null || labels[i] != "instance")
                return HostName(series, value);
        }
        return pod is not null ? HostName(series, pod)
            : labels.Count > 0 && series.Pod is { } held ? joins.MachineOf(series, held.Space, held.Name)
            : null;
    }

    /// <summary>What the store says of a name, an address, or of the pod that has it.</summary>
    private string? KnownMachine(KnownSeries series, string value, string label) =>
        joins.Machine(series, value)
        ?? joins.MachineAt(series, value)
        // Whoever holds a board, or does the work, runs where it is.
        ?? (label == "instance" && series.Pod is { } pod ? joins.MachineOf(series, pod.Space, pod.Name) : null);

    private static bool IsHostname(string label) => label is "Hostname" or "hostname" or "host" or "host_name" or "host.name";

    private bool IsOwnPod(KnownSeries series, string value, IReadOnlyList<string> labels, int at)
    {
        if (joins.Machine(series, value) is not null)
            return false;
        if (value == series.Series.Labels["pod"] || joins.IsPod(series, value))
            return true;
        if (value.Length < 7 || value[^6] != '-' || value.AsSpan(value.Length - 5).IndexOfAnyExcept(Generated) >= 0)
            return false;
        for (var i = at + 1; i < labels.Count; i++)
            if (!IsHostname(labels[i]) && labels[i] != "instance" && series.Series.Labels.Told(labels[i]) is { } node)
                return node != value;
        return false;
    }

    /// <summary>Tells machines apart that go by one name: by other values at one instant and a label that names a site or a
    /// machine.</summary>
    private void SplitMachines()
    {
        var splits = new Dictionary<(string Source, string Machine), (int Order, string Label, bool Site)>();
        foreach (var (group, found) in ContradictionsOf(filing => (filing.Scope.Text, filing.Own, filing.Machine, filing.Id, filing.Part)))
        {
            if (TellingLabel(group, found) is not { } label)
                continue;
            foreach (var filing in group)
            {
                var key = (filing.Series.Series.Source, filing.MachineKey);
                if (!splits.TryGetValue(key, out var known) || label.Order < known.Order)
                    splits[key] = label;
            }
        }
        if (splits.Count == 0)
            return;
        foreach (var filing in filings)
        {
            var source = filing.Series.Series.Source;
            var itself = splits.TryGetValue((source, filing.MachineKey), out var split);
            // A board sits in the machine that was told apart.
            if (!itself && !(filing.Machine is { } machine && splits.TryGetValue((source, machine), out split)))
                continue;
            if (filing.Series.Series.Labels[split.Label] is not { } value)
                continue;
            if (split.Site)
                filing.Scope = filing.Scope.With(split.Label, value);
            else if (itself)
                filing.Rename(NameOf(filing.Series, value));
            else
                filing.Machine = NameOf(filing.Series, value);
        }
    }

    private (int Order, string Label, bool Site)? TellingLabel(List<Filing> group, Contradictions found)
    {
        // One number of a board twice is rather one board read twice.
        var beyond = group[0].Role == Role.Accelerator && group[0].Id is not null;
        var order = 0;
        foreach (var label in IdentityLabels.Sites)
            if (++order > 0 && found.AreTold(Values(group, label, (_, value) => value), beyond))
                return (order, label, true);
        foreach (var label in IdentityLabels.Machines)
        {
            order++;
            // Two jobs of a scraper may read one machine, two targets of one job are two.
            var strict = beyond || (label == "instance" && group.Exists(one => Job(one) != Job(group[0])));
            if (found.AreTold(Values(group, label, NameOf), strict))
                return (order, label, false);
        }
        return null;

        static string? Job(Filing filing) => filing.Series.Series.Labels["job"];
    }

    private string NameOf(KnownSeries series, string value) => joins.Machine(series, value) ?? Normalisation.Hosts.NameOf(value);

    private static string?[] Values(List<Filing> group, string label, Func<KnownSeries, string, string?> read) =>
        [
            .. group.Select(filing =>
                filing.Series.Series.Labels[label] is { } value && !IdentityLabels.IsPlaceholder(value) ? read(filing.Series, value) : null
            ),
        ];

    /// <summary>Groups of series of one metric that speak of one thing by their labels, and contradict each other.</summary>
    private IEnumerable<(List<Filing> Group, Contradictions Found)> ContradictionsOf<TKey>(Func<Filing, TKey> identity)
    {
        var groups = new Dictionary<(TKey, MetricMapping, string, string, Statistic, TimeSpan, string), List<Filing>>();
        foreach (var filing in filings)
        {
            var series = filing.Series;
            // Slices repeat their board, and what shares a machine is told by many labels that say nothing of it.
            if (filing.IsLeftOut || filing.Role == Role.Sharer || series.IsLoad || series.Mapping.Limit || series.IsOfSlice)
                continue;
            var key = (
                identity(filing),
                series.Mapping,
                series.Series.Source,
                series.Series.Metric,
                series.Series.Statistic,
                series.Series.Period,
                series.Place.Name
            );
            if (!groups.TryGetValue(key, out var group))
                groups.Add(key, group = new(1));
            group.Add(filing);
        }
        foreach (var group in groups.Values)
            if (group.Count > 1 && Contradictions.Among([.. group.Select(filing => filing.Series)]) is { } found)
                yield return (group, found);
    }

    private void NameMachines()
    {
        foreach (var filing in filings)
        {
            var place = filing.Series.Place.Name;
            (string, string)? teller = filing.Role == Role.Sharer ? null : (filing.Series.Series.Source, filing.Series.Series.Metric);
            if (filing.Own is { } own)
                names.Add(place, filing.Scope, own, teller);
            if (filing.Machine is { } machine && machine != filing.Own)
                names.Add(place, filing.Scope, machine, teller);
        }
        foreach (var worker in workers)
            names.Add(worker.Series.Place.Name, worker.Scope, worker.Node, null);
        names.Resolve(dotted: true);
    }

    /// <summary>Boards of a machine that the labels of the mapping do not tell apart, and an index of another name does.</summary>
    private void NumberBoards(Interval period)
    {
        var unnumbered = filings
            .Where(filing => filing is { Role: Role.Accelerator, Own: null, Id: null, Part: "" })
            .GroupBy(filing =>
                (
                    filing.Series.Place.Name,
                    filing.Series.Mapping.Resource.Kind,
                    Machine: filing.Machine is { } machine
                        ? names.Of(filing.Series.Place.Name, filing.Scope, machine)
                        : new ScopedName("", Unnamed(filing.Series))
                )
            );
        foreach (var boards in unnumbered)
        {
            if (boards.Key.Kind is "vm" or "endpoint" or "instance")
                continue;
            List<Filing> meters = [.. boards.Where(filing => filing.Series is { IsLoad: false, Mapping.Limit: false })];
            List<Filing> telling = meters.Count > 0 ? meters : [.. boards];
            if (
                IdentityLabels
                    .PartsOf(Component.Accelerator)
                    .Select(label => (Label: label, Told: telling.Select(filing => IndexOf(filing, label)).OfType<string>().ToList()))
                    .Where(label => label.Told.Distinct(StringComparer.Ordinal).Count() > 1)
                    .OrderByDescending(label => label.Told.Count)
                    .Select(label => label.Label)
                    .FirstOrDefault()
                is not { } index
            )
                continue;
            foreach (var filing in boards)
                if (IndexOf(filing, index) is { } number)
                    filing.Part = number;
                else
                    LeaveOut(
                        filing,
                        period,
                        $"The label '{index}' tells the boards of {boards.Key.Machine.Name} apart, and {filing.Series.Series} does not "
                            + "say which board it is, or that it is all of them: it is not added to them."
                    );
        }
    }

    private static string? IndexOf(Filing filing, string label) =>
        filing.Series.Series.Labels[label] is { } value && !IdentityLabels.IsPlaceholder(value) && !IdentityLabels.IsTotal(value)
            ? value
            : null;

    /// <summary>Tells parts apart that go by one name; what still contradicts itself says nothing where it does.</summary>
    private void SplitParts(Grid grid)
    {
        List<(List<Filing> Group, Contradictions Found)> contradicting =
        [
            .. ContradictionsOf(filing =>
                (
                    filing.Own is { } own ? names.Of(filing.Series.Place.Name, filing.Scope, own) : default,
                    filing.Machine is { } machine && filing.Id is null
                        ? names.Of(filing.Series.Place.Name, filing.Scope, machine)
                        : default,
                    filing.Id is null ? "" : filing.Scope.Text,
                    filing.Id,
                    filing.Suffix,
                    filing.Part
                )
            ),
        ];
        foreach (var (group, found) in contradicting)
        {
            var component = group[0].Series.Mapping.Component;
            var isBoard = group[0].Role == Role.Accelerator;
            var index =
                isBoard && group[0].Own is not null
                    ? null
                    : Array.Find(IdentityLabels.PartsOf(component), label =>
                        found.AreTold(Values(group, label, static (_, value) => value), isBoard && group[0].Id is not null)
                    );
            if (index is null)
            {
                if (found.Beyond)
                    Refuse(group, found, grid);
                continue;
            }
            foreach (var filing in group)
                if (IndexOf(filing, index) is not { } number)
                    LeaveOut(
                        filing,
                        grid.Period,
                        $"The label '{index}' tells parts apart of what {filing.Series.Series} speaks of, and it does not "
                            + "say which part it is, or that it is all of them: it is not added to them."
                    );
                else if (isBoard && filing.Id is not null)
                    filing.Suffix = $"/{number}";
                else
                    filing.Part = filing.Part.Length == 0 ? number : $"{filing.Part}/{number}";
        }
    }

    private void LeaveOut(Filing filing, Interval period, string why)
    {
        filing.IsLeftOut = true;
        if (Interpreter.LastIn(period, filing.Series.Samples.Span) is { } at)
            rejections.Add(
                new Rejection(filing.Series.Series.Source, filing.Series.Series.ToString(), at, RejectionReason.AmbiguousIdentity, why)
            );
    }

    private void Refuse(List<Filing> group, Contradictions found, Grid grid)
    {
        var (bins, taking) = found.Refused(grid);
        foreach (var filing in group)
            filing.Refused = bins;
        var labels = string.Join(", ", found.Labels());
        foreach (var ((index, _), (instant, low, high)) in taking.OrderBy(entry => entry.Key))
        {
            var one = group[index].Series;
            var at = new DateTime(instant, DateTimeKind.Utc);
            var unit = one.Mapping.Unit.Symbol;
            rejections.Add(
                new Rejection(
                    one.Series.Source,
                    one.Series.ToString(),
                    at,
                    RejectionReason.AmbiguousIdentity,
                    $"At {MessageText.Show(at)} series of one identity show "
                        + $"{MessageText.Show(low)} and {MessageText.Show(high)} {unit}, and none of the labels that differ ({labels}) "
                        + "names a site, a machine or a part that adds up: none is taken. Relabel them, or name the label in the mapping."
                )
            );
        }
    }

    /// <summary>The one spelling of a host's name, and of what every machine calls itself the one machine of the source.</summary>
    private static string HostName(KnownSeries series, string reported) =>
        Normalisation.Hosts.IsLoopback(reported) ? Unnamed(series) : Normalisation.Hosts.NameOf(reported);

    private static ScopedName HostNamed(ScopedName name) => name with { Name = Normalisation.Hosts.NameOf(name.Name) };

    /// <summary>The same; null where none is reported.</summary>
    internal static string? HostNameOrNull(KnownSeries series, string? reported) => reported is null ? null : HostName(series, reported);

    /// <summary>A board's name as one spelling: lower case, without the <c>GPU-</c> that some exporters put before the UUID.</summary>
    private static string AcceleratorName(string reported)
    {
        var name = Normalisation.Hosts.Lower(reported);
        return name.StartsWith("gpu-", StringComparison.Ordinal) && name.Length > 4 ? name[4..] : name;
    }

    /// <summary>The number of a board by its driver's device: of <c>nvidia0</c> it is 0, as another exporter writes it.</summary>
    private static string BoardNumber(string part) =>
        part.StartsWith("nvidia", StringComparison.Ordinal) && part.Length > 6 && part.AsSpan(6).IndexOfAnyExceptInRange('0', '9') < 0
            ? part[6..]
            : part;

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

    private static string? First(Labels labels, IReadOnlyList<string> names, bool skipPlaceholders = false)
    {
        for (var i = 0; i < names.Count; i++)
            if (labels[names[i]] is { } value && !(skipPlaceholders && IdentityLabels.IsPlaceholder(value)))
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
        if (resource.ReportedHosts.Count == 0)
            return null;
        var name = resource.ReportedHosts[0];
        foreach (var reported in resource.ReportedHosts)
            if (hosts.TryGetValue((resource.Place.Name, reported), out var host) && host.Server is not null)
            {
                name = reported;
                break;
            }
        var isSource = name.Name.StartsWith("source/", StringComparison.Ordinal);
        resource.Node = resource.Kind == Node || isSource ? null : name.Name;
        return HostOf(resource.Place, name);
    }

    private Host HostOf(Place place, ScopedName name)
    {
        if (!hosts.TryGetValue((place.Name, name), out var host))
            hosts.Add((place.Name, name), host = new Host(place, name));
        return host;
    }

    /// <summary>In an order that does not depend on that of the series.</summary>
    private MeteredResource[] Of(Role role) => [.. Ordered(resources.Where(known => known.Key.Role == role)).Select(known => known.Value)];

    private static IOrderedEnumerable<
        KeyValuePair<(Role Role, string Place, string Kind, ScopedName Name, ScopedName Within), MeteredResource>
    > Ordered(IEnumerable<KeyValuePair<(Role Role, string Place, string Kind, ScopedName Name, ScopedName Within), MeteredResource>> all) =>
        all.OrderBy(known => known.Key.Place, StringComparer.Ordinal)
            .ThenBy(known => known.Key.Kind, StringComparer.Ordinal)
            .ThenBy(known => known.Key.Name)
            .ThenBy(known => known.Key.Within);

    /// <summary>A series with what names the thing that it speaks of.</summary>
    private sealed class Filing(KnownSeries series, Role role)
    {
        public KnownSeries Series => series;

        public Role Role => role;

        public Scope Scope { get; set; } = series.Scope;

        /// <summary>The machine that it sits in; null when none is named.</summary>
        public string? Machine { get; set; }

        /// <summary>The machine that it is, of a node; null of anything else.</summary>
        public string? Own { get; set; }

        /// <summary>Its own name, of what is no node; null when it has none.</summary>
        public string? Id { get; set; }

        /// <summary>What tells it from others of its own name.</summary>
        public string Suffix { get; set; } = "";

        public string Part { get; set; } = "";

        /// <summary>Grid periods in which nothing of it is taken; null: none.</summary>
        public bool[]? Refused { get; set; }

        /// <summary>Whether it speaks of something that others tell the parts of.</summary>
        public bool IsLeftOut { get; set; }

        /// <summary>What its own name is unique among.</summary>
        public string ThingsOf => $"{series.Place.Name}\n{role}\n{series.Mapping.Resource.Kind}";

        /// <summary>What several machines may go by. A board's number is its own.</summary>
        public string MachineKey => role is Role.Accelerator or Role.Rack && Id is not null ? $"{role}/{Id}" : Own ?? Machine ?? Id ?? "";

        public string? OwnName() => Own is null && Id is not null ? Id + Suffix : null;

        /// <summary>Gives it to another machine than its first labels say.</summary>
        public void Rename(string machine)
        {
            if (role == Role.Rack && Id is not null)
                Id = machine;
            else if (Id is not null)
                Suffix = $"@{machine}";
            else if (Own is not null)
                Own = machine;
            Machine = role == Role.Rack ? Machine : machine;
        }
    }
}
