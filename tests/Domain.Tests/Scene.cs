using Metrics.Domain.Catalogue;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Tests;

/// <summary>A machine room in a few lines: what is mapped, who works, what was sampled. Times are minutes after ten on 5 January 2026,
/// UTC.</summary>
internal sealed class Scene
{
    public const string Source = "rack-7";

    public static readonly DateTime Ten = new(2026, 1, 5, 10, 0, 0, DateTimeKind.Utc);

    private readonly List<Observation> observations = [];
    private readonly List<Workload> workloads = [];
    private readonly Dictionary<string, Place> places = new() { [Source] = new Place("onprem/dc-1", "DE", 1.5) };

    public IReadOnlyList<MetricMapping> Mappings { get; init; } = Map.All;

    public TimeSpan Grain { get; init; } = TimeSpan.FromMinutes(5);

    public IReadOnlyList<Observation> Observations => observations;

    public static DateTime At(double minute) => Ten.AddTicks((long)Math.Round(minute * TimeSpan.TicksPerMinute));

    public static Interval Minutes(double from, double to) => new(At(from), At(to));

    public static Series Series(string metric, string source = Source, TimeSpan period = default, params (string, string)[] labels) =>
        new(source, "prometheus", metric, Labels.Of(labels), period == default ? Statistic.Raw : Statistic.Average, period);

    public Scene Place(string source, double? pue, string country = "DE")
    {
        places[source] = new Place("onprem/dc-1", country, pue);
        return this;
    }

    /// <summary>A workload with one rule: these labels of the source.</summary>
    public Scene Workload(string name, params (string Label, string Glob)[] labels)
    {
        workloads.Add(
            new Workload(name, null, null, [new WorkloadRule(Source, labels.ToDictionary(label => label.Label, label => label.Glob))])
        );
        return this;
    }

    public Scene Instants(Series series, params (double Minute, double Value)[] samples)
    {
        foreach (var (minute, value) in samples)
            observations.Add(new Observation(series, Sample.At(At(minute), value)));
        return this;
    }

    public Scene Spans(Series series, params (double From, double To, double Value)[] samples)
    {
        foreach (var (from, to, value) in samples)
            observations.Add(new Observation(series, new Sample(At(from), At(to), value)));
        return this;
    }

    /// <summary>The same value every minute, from one minute to another, both included.</summary>
    public Scene Steady(Series series, double value, int from = 0, int to = 5)
    {
        for (var minute = from; minute <= to; minute++)
            Instants(series, (minute, value));
        return this;
    }

    /// <summary>A counter that rises evenly by so much a minute.</summary>
    public Scene Counting(Series series, double perMinute, int from = 0, int to = 5, double start = 1000)
    {
        for (var minute = from; minute <= to; minute++)
            Instants(series, (minute, start + perMinute * (minute - from)));
        return this;
    }

    public FactorBook? Factors { get; init; }

    /// <summary>What the machines of the source are, where no label tells.</summary>
    public string? Hardware { get; init; }

    public Normaliser Normaliser() =>
        new(
            new MetricCatalogue(Mappings),
            workloads,
            places,
            Grain,
            Factors,
            Hardware is null ? null : new Dictionary<string, string> { [Source] = Hardware }
        );

    public Trace Trace(double from = 0, double to = 5) => Normaliser().Trace(Minutes(from, to), SeriesSamples.Group(observations));

    public NormalisedPeriod Normalise(double from = 0, double to = 5) =>
        Normaliser().Normalise(Minutes(from, to), SeriesSamples.Group(observations));
}

/// <summary>Mappings of the scene: one for each kind of meter that the rules speak of.</summary>
internal static class Map
{
    private static readonly ResourceLabels Gpu = new("gpu", ["UUID", "uuid"], ["Hostname", "hostname"], [], ["modelName"]);
    private static readonly ResourceLabels Node = new("node", ["node", "instance"], ["node", "instance"], ["part"], []);

    public static readonly MetricMapping GpuEnergy = Of(
        "gpu-energy",
        "gpu_energy",
        "mJ",
        SampleKind.Cumulative,
        Component.Accelerator,
        Gpu
    ) with
    {
        SentinelFrom = 9223372036854775792,
    };
    public static readonly MetricMapping GpuPower = Of("gpu-power", "gpu_power", "W", SampleKind.Gauge, Component.Accelerator, Gpu);
    public static readonly MetricMapping OtherGpuPower = Of(
        "other-gpu-power",
        "other_gpu_power",
        "W",
        SampleKind.Gauge,
        Component.Accelerator,
        Gpu
    );
    public static readonly MetricMapping HeldPower = Of("held-power", "held_power", "W", SampleKind.Gauge, Component.Accelerator, Gpu) with
    {
        Hold = true,
    };
    public static readonly MetricMapping NodePower = Of("node-power", "node_power", "W", SampleKind.Gauge, Component.Node, Node);
    public static readonly MetricMapping NodeEnergy = Of("node-energy", "node_energy", "J", SampleKind.Delta, Component.Node, Node);
    public static readonly MetricMapping NodeKilowattHours = Of("node-kwh", "node_kwh", "kWh", SampleKind.Delta, Component.Node, Node);
    public static readonly MetricMapping NodeCounter = Of("node-counter", "node_counter", "J", SampleKind.Cumulative, Component.Node, Node);
    public static readonly MetricMapping WrappingCounter = Of("wrapping", "wrapping", "J", SampleKind.Cumulative, Component.Node, Node) with
    {
        WrapsAt = 100,
    };
    public static readonly MetricMapping Busy = Of("busy", "busy", "%", SampleKind.Gauge, Component.Node, Node) with
    {
        Power = new UtilisationPower(100, 300, null, "a data sheet"),
    };
    public static readonly MetricMapping BusyCpus = Of("busy-cpus", "busy_cpus", "1", SampleKind.Gauge, Component.Node, Node) with
    {
        Power = new UtilisationPower(1, 3, "vcpus", "a data sheet"),
    };
    public static readonly MetricMapping BusyUnknown = Of("busy-unknown", "busy_unknown", "%", SampleKind.Gauge, Component.Node, Node);

    public static readonly MetricMapping GpuBusy = Of("gpu-busy", "gpu_busy", "%", SampleKind.Gauge, Component.Accelerator, Gpu);
    public static readonly MetricMapping GpuLimit = Of("gpu-limit", "gpu_limit", "W", SampleKind.Gauge, Component.Accelerator, Gpu) with
    {
        Limit = true,
    };
    public static readonly MetricMapping HostBusy = Of("host-busy", "host_busy", "%", SampleKind.Gauge, Component.Cpu, Node);
    public static readonly MetricMapping PodBusy = Of(
        "pod-busy",
        "pod_busy",
        "%",
        SampleKind.Gauge,
        Component.Cpu,
        new ResourceLabels("pod", ["pod"], ["node"], [], [])
    ) with
    {
        Share = true,
    };

    public static readonly IReadOnlyList<MetricMapping> Zones =
    [
        Zone("psu", Component.Psu),
        Zone("psys", Component.Platform),
        Zone("package", Component.Cpu),
        Zone("core", Component.Core),
        Zone("uncore", Component.Uncore),
        Zone("dram", Component.Memory),
        Zone("module", Component.Module),
    ];

    public static readonly IReadOnlyList<MetricMapping> Racks =
    [
        Of("pdu", "pdu_power", "W", SampleKind.Gauge, Component.Pdu, new ResourceLabels("pdu", ["pdu"], [], [], [])),
        Of("rack", "rack_power", "W", SampleKind.Gauge, Component.Rack, new ResourceLabels("rack", ["rack"], [], [], [])),
        Of("outlet", "outlet_power", "W", SampleKind.Gauge, Component.Outlet, new ResourceLabels("outlet", ["outlet"], [], [], [])),
    ];

    public static readonly IReadOnlyList<MetricMapping> Shares = [Share("pod"), Share("container"), Share("vm"), Share("process")];

    public static readonly MetricMapping Tokens = Work("tokens", "tokens_total", "output-token", SampleKind.Cumulative);
    public static readonly MetricMapping Requests = Work("requests", "requests_total", "request", SampleKind.Cumulative);
    public static readonly MetricMapping Images = Work("images", "images", "image", SampleKind.Delta);

    public static readonly IReadOnlyList<MetricMapping> All =
    [
        GpuEnergy,
        GpuPower,
        OtherGpuPower,
        HeldPower,
        NodePower,
        NodeEnergy,
        NodeKilowattHours,
        NodeCounter,
        WrappingCounter,
        Busy,
        BusyCpus,
        BusyUnknown,
        GpuBusy,
        GpuLimit,
        HostBusy,
        PodBusy,
        .. Zones,
        .. Racks,
        .. Shares,
        Tokens,
        Requests,
        Images,
    ];

    public static MetricMapping Of(string id, string metric, string unit, SampleKind kind, Component component, ResourceLabels resource) =>
        new()
        {
            Id = id,
            Version = 1,
            Provider = "prometheus",
            Metrics = [metric],
            Unit = Unit.Parse(unit),
            Kind = kind,
            Component = component,
            Resource = resource,
            Evidence = Evidence.Measured,
            MaxSpan = TimeSpan.FromMinutes(10),
            EffectiveFrom = new DateOnly(2020, 1, 1),
            Reference = "the scene",
        };

    private static MetricMapping Zone(string zone, Component component) => Of(zone, zone, "J", SampleKind.Delta, component, Node);

    private static MetricMapping Share(string kind) =>
        Of(kind, kind, "J", SampleKind.Delta, Component.Node, new ResourceLabels(kind, [kind], ["node"], [], [])) with
        {
            Share = true,
        };

    private static MetricMapping Work(string id, string metric, string functionalUnit, SampleKind kind) =>
        Of(
            id,
            metric,
            functionalUnit == "image" ? "{image}"
                : functionalUnit == "request" ? "{request}"
                : "{token}",
            kind,
            Component.None,
            new ResourceLabels("endpoint", ["instance"], [], [], [])
        ) with
        {
            FunctionalUnit = functionalUnit,
        };
}

/// <summary>What is known beside the telemetry of the scene: factors of its place, three machines.</summary>
internal static class Known
{
    public static readonly FactorBook Book = FactorBook.Published.With(
        [
            Factor(FactorKind.Pue, 1.2) with
            {
                Range = new Bounds(1.1, 1.3),
            },
            Factor(FactorKind.Wue, 0.5),
            Factor(FactorKind.GridIntensity, 400, FactorMethod.LocationAverage, "country/DE"),
            Factor(FactorKind.GridIntensity, 600, FactorMethod.LocationMarginal, "country/DE"),
            Factor(FactorKind.GridIntensity, 50, FactorMethod.MarketBased, "country/DE"),
        ],
        servers: new ServerTable([Server("cpu-box", null, 0), Server("gpu-box", "H200", 2), Server("slice-box", "H200", 0.125)])
    );

    private static ServerType Server(string name, string? accelerator, double accelerators) =>
        new(
            "any",
            name,
            100,
            500,
            "Ice Lake",
            accelerator,
            accelerators,
            new Embodied(Mass.FromKilograms(1_261.44), Embodied.FourYears),
            "the scene",
            "CC0-1.0",
            "test-1"
        );

    public static Factor Factor(FactorKind kind, double value, FactorMethod method = FactorMethod.Annual, string place = "onprem/dc-1") =>
        new()
        {
            Kind = kind,
            Method = method,
            Place = place,
            Value = value,
            Source = "the scene",
            Licence = "CC0-1.0",
            From = new DateOnly(2020, 1, 1),
            Version = "test-1",
        };
}
