using Metrics.Domain.Catalogue;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Normalisation;

/// <summary>Labels by what they name, where no mapping says it: sites, machines, and the parts of a component that add up.</summary>
internal static class IdentityLabels
{
    /// <summary>What a site or an owner of machines is called by.</summary>
    public static readonly string[] Sites =
    [
        "cluster",
        "cluster_name",
        "cluster_id",
        "k8s_cluster_name",
        "k8s.cluster.name",
        "exported_cluster",
        "site",
        "exported_site",
        "datacenter",
        "data_center",
        "dc",
        "region",
        "availability_zone",
        "account",
        "account_id",
        "AccountId",
        "subscription",
        "subscription_id",
        "project",
        "project_id",
        "resource_group",
        "tenant",
    ];

    /// <summary>What a machine is called by, the most telling first: who speaks for others names them in a label of its own.</summary>
    public static readonly string[] Machines =
    [
        "target",
        "exported_target",
        "bmc",
        "exported_instance",
        "exported_node",
        "exported_host",
        "kubernetes_node",
        "node_name",
        "node",
        "nodename",
        "host_name",
        "host.name",
        "hostname",
        "Hostname",
        "host",
        "server",
        "machine",
        "instance_id",
        "vmname",
        "instance",
    ];

    private static readonly string[] Boards =
    [
        "UUID",
        "uuid",
        "gpu_uuid",
        "serial",
        "serial_number",
        "Serial",
        "pci_bus_id",
        "pci_busid",
        "pci_bus",
        "pci_bdf",
        "bdf",
        "bus_id",
        "pci_address",
        "pci",
        "gpu_id",
        "gpu_index",
        "gpu",
        "GPU",
        "GpuDevice",
        "gpu_number",
        "device_id",
        "device_index",
        "deviceid",
        "minor_number",
        "minor",
        "index",
        "card",
        "card_id",
        "slot",
        "device",
        "accelerator_id",
        "accelerator",
        "hw_id",
        "hw.id",
        "npu_id",
        "npu",
        "chip_id",
        "chip",
        "dev",
        "id",
    ];

    private static readonly string[] Sockets = ["socket", "socket_id", "package", "package_id", "cpu_socket", "index", "slot"];
    private static readonly string[] Dimms =
    [
        "socket",
        "socket_id",
        "package",
        "package_id",
        "dimm",
        "dimm_id",
        "channel",
        "bank",
        "index",
        "slot",
    ];
    private static readonly string[] Supplies =
    [
        "power_supply_id",
        "power_supply",
        "psu_id",
        "psu",
        "supply",
        "bay",
        "slot",
        "index",
        "id",
    ];
    private static readonly string[] Outlets =
    [
        "outlet_id",
        "outlet_index",
        "outletIndex",
        "outlet",
        "outlet_name",
        "socket",
        "port",
        "index",
    ];

    /// <summary>What the parts of a component are called by. A whole machine, a module, a platform, a whole distribution unit and a rack
    /// have none: of readings that may hold each other a label says nothing.</summary>
    public static string[] PartsOf(Component component) =>
        component switch
        {
            Component.Accelerator => Boards,
            Component.Cpu => Sockets,
            Component.Memory => Dimms,
            Component.Psu => Supplies,
            Component.Outlet => Outlets,
            _ => [],
        };

    /// <summary>Whether the value of an index names the sum of all others.</summary>
    public static bool IsTotal(string value) => Hosts.Lower(value) is "total" or "all" or "sum" or "overall" or "combined" or "system";

    /// <summary>Whether an exporter writes so where it has nothing to write: <c>N/A</c>, or zeros.</summary>
    public static bool IsPlaceholder(string value) =>
        Hosts.Lower(value).Trim() is "" or "n/a" or "na" or "none" or "null" or "nil" or "unknown" or "undefined" or "not available" or "-"
        || (value.Length > 4 && value.AsSpan(value.StartsWith("GPU-", StringComparison.Ordinal) ? 4 : 0).IndexOfAnyExcept('0', '-') < 0);
}

/// <summary>Series of one metric that speak of one thing, side by side: where they show other values at one instant they cannot.</summary>
internal sealed class Contradictions
{
    /// <summary>Meters of one thing that are read one after the other differ by less than this part of the larger.</summary>
    private const double Accuracy = 0.1;

    /// <summary>So many series are compared pair by pair, which costs no sorting.</summary>
    private const int Few = 8;

    private readonly List<(long At, long Length, int Series, double Value)> instants = [];
    private readonly IReadOnlyList<KnownSeries> series;

    private Contradictions(IReadOnlyList<KnownSeries> series) => this.series = series;

    /// <summary>Whether they ever differ by more than what meters of one thing may.</summary>
    public bool Beyond { get; private set; }

    /// <summary>The instants at which they differ, when they do at all; null when they tell one thing, or never at one time.</summary>
    public static Contradictions? Among(IReadOnlyList<KnownSeries> series)
    {
        if (series.Count < 2 || !Overlap(series) || (series.Count <= Few && !AnyDiffer(series)))
            return null;
        var found = new Contradictions(series);
        for (var i = 0; i < series.Count; i++)
        {
            var before = 0.0;
            foreach (ref readonly var sample in series[i].Samples.Span)
            {
                // What a counter shows when it falls is a matter of that counter, and no other thing.
                var fell = series[i].Mapping.Kind == SampleKind.Cumulative && sample.Value < before;
                if (!fell && double.IsFinite(sample.Value) && sample.Value >= 0 && !(sample.Value >= series[i].Mapping.SentinelFrom))
                    found.instants.Add((sample.End.Ticks, (sample.End - sample.Start).Ticks, i, sample.Value));
                before = sample.Value;
            }
        }
        found.instants.Sort();
        var any = false;
        found.Each(null, (_, low, high, _) =>
        {
            any |= low != high;
            found.Beyond |= IsBeyond(low, high);
        });
        return any ? found : null;
    }

    /// <summary>Whether a value for each series tells those apart that differ, so that each by itself tells one thing.</summary>
    /// <param name="values">What a label says of each series; null where it says nothing.</param>
    /// <param name="beyond">Whether only differences count that meters of one thing cannot have.</param>
    public bool AreTold(string?[] values, bool beyond)
    {
        if (Array.TrueForAll(values, value => value == values[0]))
            return false;
        bool across = false,
            within = false;
        Each(null, (_, low, high, _) => across |= beyond ? IsBeyond(low, high) : low != high);
        Each(values, (_, low, high, _) => within |= IsBeyond(low, high));
        return across && !within;
    }

    /// <summary>The grid periods that a difference beyond accuracy reaches into, and the series that take part in one, of each hour of the
    /// pass with the last instant and both values.</summary>
    public (bool[] Bins, Dictionary<(int Series, long Hour), (long At, double Low, double High)> Series) Refused(Grid grid)
    {
        var bins = new bool[grid.Count];
        var taking = new Dictionary<(int, long), (long, double, double)>();
        Each(null, (run, low, high, range) =>
        {
            if (!IsBeyond(low, high))
                return;
            if (run >= grid.Period.Start.Ticks && run < grid.Period.End.Ticks)
                for (var i = range.Start.Value; i < range.End.Value; i++)
                    taking[(instants[i].Series, run / TimeSpan.TicksPerHour)] = (run, low, high);
            // A level speaks until the next instant, a rise since the one before.
            var from = range.Start.Value > 0 ? instants[range.Start.Value - 1].At : run;
            var to = range.End.Value < instants.Count ? instants[range.End.Value].At : run;
            for (var bin = 0; bin < bins.Length; bin++)
                bins[bin] |= grid[bin].Start.Ticks <= Math.Max(to, run) && grid[bin].End.Ticks >= from && Meets(grid[bin], from, to);
        });
        return (bins, taking);

        static bool Meets(Interval bin, long from, long to) =>
            from == to ? bin.Start.Ticks <= from && from <= bin.End.Ticks : bin.Start.Ticks < to && bin.End.Ticks > from;
    }

    /// <summary>The labels that are not the same on all of them.</summary>
    public IEnumerable<string> Labels() =>
        series
            .SelectMany(one => one.Series.Labels.Pairs.Select(pair => pair.Key))
            .Distinct(StringComparer.Ordinal)
            .Where(label => series.Any(one => one.Series.Labels[label] != series[0].Series.Labels[label]))
            .Order(StringComparer.Ordinal);

    private static bool IsBeyond(double low, double high) => high - low > Accuracy * high;

    private static bool Overlap(IReadOnlyList<KnownSeries> series)
    {
        var ordered = series.Where(one => one.Samples.Length > 0).OrderBy(one => one.Samples.Span[0].End).ToList();
        var until = DateTime.MinValue;
        foreach (var one in ordered)
        {
            if (one.Samples.Span[0].End <= until)
                return true;
            until = one.Samples.Span[^1].End;
        }
        return false;
    }

    /// <summary>Whether any two show other values at one instant: nearly always none do.</summary>
    private static bool AnyDiffer(IReadOnlyList<KnownSeries> series)
    {
        for (var i = 1; i < series.Count; i++)
        for (var j = 0; j < i; j++)
            if (Differ(series[i].Samples.Span, series[j].Samples.Span))
                return true;
        return false;

        static bool Differ(ReadOnlySpan<Sample> a, ReadOnlySpan<Sample> b)
        {
            for (int at = 0, other = 0; at < a.Length && other < b.Length; )
                if (a[at].End < b[other].End)
                    at++;
                else if (a[at].End > b[other].End)
                    other++;
                else if (a[at].Value != b[other].Value || a[at].Start != b[other].Start)
                    return true;
                else
                    (at, other) = (at + 1, other + 1);
            return false;
        }
    }

    /// <summary>Tells the least and the most value of each instant, among all or among those with one value of a label.</summary>
    private void Each(string?[]? values, Action<long, double, double, Range> tell)
    {
        Dictionary<string, (double Low, double High)>? byValue = values is null ? null : new(StringComparer.Ordinal);
        for (int start = 0, end; start < instants.Count; start = end)
        {
            end = start;
            double low = double.PositiveInfinity,
                high = 0;
            byValue?.Clear();
            for (; end < instants.Count && instants[end].At == instants[start].At && instants[end].Length == instants[start].Length; end++)
            {
                var value = instants[end].Value;
                (low, high) = (Math.Min(low, value), Math.Max(high, value));
                if (byValue is null)
                    continue;
                var key = values![instants[end].Series] ?? "";
                byValue[key] = byValue.TryGetValue(key, out var known)
                    ? (Math.Min(known.Low, value), Math.Max(known.High, value))
                    : (value, value);
            }
            if (end - start < 2)
                continue;
            if (byValue is null)
                tell(instants[start].At, low, high, start..end);
            else
                foreach (var (least, most) in byValue.Values)
                    tell(instants[start].At, least, most, start..end);
        }
    }
}
