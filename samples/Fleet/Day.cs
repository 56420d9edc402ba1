namespace Metrics.Fleet;

/// <summary>
/// A day in a small fleet, computed second by second and looked at by its exporters once a minute. There is one truth, the
/// power of each second, and every exporter sees it in its own way: an energy counter is its sum, a power gauge its last
/// second, the management controller the same plus the rest of the server, and the tokens follow the load that caused it.
/// </summary>
public sealed class Day
{
    /// <summary>Midnight at which the day begins, UTC.</summary>
    public static readonly DateTime Start = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    /// <summary>Seconds in the recording.</summary>
    public const int Length = 86_400;

    // Measured range of each board in captures of exporters: idle without a process, and at full load.
    private static readonly Board H100 = new("NVIDIA H100 80GB HBM3", 69.9, 632);
    private static readonly Board H200 = new("NVIDIA H200", 77.7, 627);

    // Share of full load at each hour. Night, office hours and an evening for a chat; office hours alone for completing code.
    private static readonly double[] ChatByHour =
    [
        .32,
        .24,
        .18,
        .14,
        .12,
        .14,
        .22,
        .38,
        .58,
        .74,
        .82,
        .84,
        .78,
        .80,
        .84,
        .82,
        .78,
        .72,
        .70,
        .72,
        .70,
        .62,
        .52,
        .42,
    ];
    private static readonly double[] CodeByHour =
    [
        .10,
        .07,
        .05,
        .05,
        .05,
        .06,
        .10,
        .22,
        .48,
        .72,
        .80,
        .76,
        .58,
        .70,
        .80,
        .78,
        .72,
        .58,
        .40,
        .30,
        .26,
        .22,
        .18,
        .14,
    ];
    private static readonly double[] EmbedByHour =
    [
        .30,
        .62,
        .78,
        .70,
        .34,
        .22,
        .20,
        .24,
        .36,
        .44,
        .48,
        .46,
        .42,
        .46,
        .48,
        .46,
        .42,
        .36,
        .32,
        .30,
        .30,
        .28,
        .28,
        .28,
    ];

    // An engine of chat-70b crashes in the afternoon and is back two minutes later: its counters begin again at zero.
    private const int CrashFrom = (14 * 3600) + (30 * 60) + 10,
        CrashTo = CrashFrom + 120;

    // In the night node-b gets a new driver. Its exporter is away from 03:00 to 03:10, energy counters begin again at zero when
    // the driver is loaded, and the engines on its boards are stopped for that time.
    private const int ReloadFrom = 3 * 3600,
        Reloaded = ReloadFrom + 300,
        ReloadTo = ReloadFrom + 600;

    // Each exporter is scraped at its own second of the minute.
    private const int ManagementAt = 20,
        ServingAt = 35,
        KeplerAt = 50;

    private readonly Dice dice;
    private readonly List<Gpu> gpus = [];
    private readonly List<Engine> engines = [];
    private readonly List<Server> servers = [];
    private readonly CpuNode cpuNode;

    private Day(ulong seed)
    {
        dice = new Dice(seed);
        servers.Add(new Server("node-a", Track("ipmi_dcmi_power_consumption_watts", ("instance", "node-a:9290"))));
        servers.Add(new Server("node-b", Track("ipmi_dcmi_power_consumption_watts", ("instance", "node-b:9290"))));
        for (var i = 0; i < 2; i++)
            AddEngine("chat-70b", i, "node-a", 8000 + i, ChatByHour, outputPerSecond: 2400, promptRatio: 3.1, outputPerRequest: 320);
        for (var i = 0; i < 4; i++)
            AddEngine("code-8b", i, "node-b", 8000 + i, CodeByHour, outputPerSecond: 1500, promptRatio: 5.4, outputPerRequest: 180);
        for (var i = 0; i < 8; i++)
            AddGpu("node-a", "Hostname", H100, i, engines[i / 4]);
        for (var i = 0; i < 8; i++)
            AddGpu("node-b", "hostname", H200, i, i < 4 ? engines[2 + i] : null);
        cpuNode = new CpuNode(dice);
    }

    /// <summary>The recording of the day that the seed stands for.</summary>
    public static List<Track> Record(ulong seed)
    {
        var day = new Day(seed);
        for (var second = 0; second < Length; second++)
        {
            day.Look(second);
            day.Pass(second);
        }
        return day.Close();
    }

    private void AddEngine(
        string name,
        int index,
        string node,
        int port,
        double[] byHour,
        double outputPerSecond,
        double promptRatio,
        double outputPerRequest
    )
    {
        var model = "example/" + name;
        Track Series(string metric, params (string, string)[] more) =>
            Track(
                metric,
                [
                    ("instance", $"{node}:{port}"),
                    ("namespace", "inference"),
                    ("pod", $"{name}-{index}"),
                    ("engine", "0"),
                    .. more,
                    ("model_name", model),
                ]
            );
        var days = 3 + (20 * dice.Even());
        var output = Math.Floor(days * Length * outputPerSecond * 0.45);
        engines.Add(
            new Engine(name, index, node, byHour, outputPerSecond, promptRatio, outputPerRequest, dice)
            {
                Output = { Value = output },
                Prompt = { Value = Math.Floor(output * promptRatio) },
                Stopped = { Value = Math.Floor(output / outputPerRequest * 0.93) },
                AtLength = { Value = Math.Floor(output / outputPerRequest * 0.055) },
                Aborted = { Value = Math.Floor(output / outputPerRequest * 0.015) },
                Tracks =
                [
                    Series("vllm:prompt_tokens_total"),
                    Series("vllm:generation_tokens_total"),
                    Series("vllm:request_success_total", ("finished_reason", "stop")),
                    Series("vllm:request_success_total", ("finished_reason", "length")),
                    Series("vllm:request_success_total", ("finished_reason", "abort")),
                ],
            }
        );
    }

    private void AddGpu(string node, string hostLabel, Board board, int index, Engine? engine)
    {
        string[] bus = ["1B", "43", "52", "61", "9D", "C3", "D1", "DF"];
        var uuid =
            $"GPU-{dice.Bits() >> 32:x8}-{dice.Bits() >> 48:x4}-4{dice.Bits() >> 52:x3}-8{dice.Bits() >> 52:x3}-{dice.Bits() >> 16:x12}";
        (string, string)[] labels =
        [
            ("gpu", $"{index}"),
            ("UUID", uuid),
            ("pci_bus_id", $"00000000:{bus[index]}:00.0"),
            ("device", $"nvidia{index}"),
            ("modelName", board.Name),
            (hostLabel, node),
            .. engine is null
                ? Array.Empty<(string, string)>()
                : [("container", "vllm"), ("namespace", "inference"), ("pod", $"{engine.Name}-{engine.Index}")],
        ];
        // Boards of one kind differ by a few percent, and one that serves draws more at rest than an empty one: its clocks stay up.
        gpus.Add(
            new Gpu(
                node,
                engine,
                board.IdleWatts,
                board.IdleWatts + (engine is null ? 2 * dice.Even() : 40 + (6 * dice.Even())),
                board.LoadWatts * (0.955 + (0.04 * dice.Even()))
            )
            {
                MilliJoules = Math.Floor(4e11 + (6e11 * dice.Even())),
                Energy = Track("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", labels),
                Power = Track("DCGM_FI_DEV_POWER_USAGE", labels),
                Utilisation = Track("DCGM_FI_DEV_GPU_UTIL", labels),
            }
        );
    }

    private static Track Track(string metric, params (string Name, string Value)[] labels) =>
        new(metric, [.. labels.Select(label => KeyValuePair.Create(label.Name, label.Value))]);

    /// <summary>One second goes by.</summary>
    private void Pass(int second)
    {
        foreach (var engine in engines)
            engine.Pass(second, IsDown(engine, second), dice);
        foreach (var server in servers)
            server.BoardWatts = 0;
        foreach (var gpu in gpus)
        {
            var load = gpu.Engine?.Load ?? 0;
            // Power rises steeply at first and then flattens towards the limit.
            var watts = gpu.RestWatts + ((gpu.LoadWatts - gpu.RestWatts) * load * (1.5 - (0.5 * load)));
            gpu.Watts = Math.Clamp(watts + ((load > 0 ? 6 : 0.4) * dice.Bell()), gpu.IdleWatts, gpu.LoadWatts);
            if (gpu.Node == "node-b" && second == Reloaded)
                gpu.MilliJoules = 0;
            gpu.MilliJoules += gpu.Watts * 1000;
            servers.First(server => server.Node == gpu.Node).BoardWatts += gpu.Watts;
        }
        // The rest of a server: processors and memory at work, fans that follow the boards, and what its power supplies lose.
        foreach (var server in servers)
            server.Watts =
                640
                + (0.13 * server.BoardWatts)
                + (90 * engines.Where(engine => engine.Node == server.Node).Average(engine => engine.Load))
                + (4 * dice.Bell())
                + server.BoardWatts;
        cpuNode.Pass(At(EmbedByHour, second), dice);
    }

    /// <summary>The exporters are scraped, each at its second of the minute.</summary>
    private void Look(int second)
    {
        var at = Start.AddSeconds(second);
        switch (second % 60)
        {
            case 0:
                foreach (var gpu in gpus)
                {
                    if (gpu.Node == "node-b" && second is > ReloadFrom and < ReloadTo)
                        continue;
                    gpu.Energy.Samples.Add((at, Math.Floor(gpu.MilliJoules)));
                    gpu.Power.Samples.Add((at, Math.Round(gpu.Watts, 3)));
                    gpu.Utilisation.Samples.Add((at, gpu.UtilisationPercent));
                }
                break;
            case ManagementAt:
                foreach (var server in servers)
                    server.Power.Samples.Add((at, Math.Round(server.Watts)));
                break;
            case ServingAt:
                foreach (var engine in engines)
                {
                    if (IsDown(engine, second))
                        continue;
                    double[] values =
                    [
                        engine.Prompt.Value,
                        engine.Output.Value,
                        engine.Stopped.Value,
                        engine.AtLength.Value,
                        engine.Aborted.Value,
                    ];
                    for (var i = 0; i < values.Length; i++)
                        engine.Tracks[i].Samples.Add((at, Math.Floor(values[i])));
                }
                cpuNode.LookAtServing(at);
                break;
            case KeplerAt:
                cpuNode.LookAtKepler(at);
                break;
        }
    }

    private List<Track> Close()
    {
        foreach (var gpu in gpus)
        {
            // The recording is played in a circle: what its first instant looks back on is the end of the day.
            gpu.Power.Samples[0] = (gpu.Power.Samples[0].At, Math.Round(gpu.Watts, 3));
            gpu.Utilisation.Samples[0] = (gpu.Utilisation.Samples[0].At, gpu.UtilisationPercent);
        }
        return
        [
            .. gpus.SelectMany(gpu => new[] { gpu.Energy, gpu.Power, gpu.Utilisation }),
            .. servers.Select(server => server.Power),
            .. engines.SelectMany(engine => engine.Tracks),
            .. cpuNode.Tracks,
        ];
    }

    private static bool IsDown(Engine engine, int second) =>
        engine.Node == "node-b"
            ? second is >= ReloadFrom + 40 and < ReloadTo - 30
            : engine.Index == 1 && second is >= CrashFrom and < CrashTo;

    private static double At(double[] byHour, int second)
    {
        var hour = second / 3600;
        var x = second % 3600 / 3600.0;
        var (from, to) = (byHour[hour], byHour[(hour + 1) % 24]);
        return from + ((to - from) * x * x * (3 - (2 * x)));
    }

    private sealed record Board(string Name, double IdleWatts, double LoadWatts);

    private sealed class Gpu(string node, Engine? engine, double idleWatts, double restWatts, double loadWatts)
    {
        public double IdleWatts { get; } = idleWatts;
        public string Node { get; } = node;
        public Engine? Engine { get; } = engine;
        public double RestWatts { get; } = restWatts;
        public double LoadWatts { get; } = loadWatts;
        public double Watts { get; set; } = restWatts;
        public double MilliJoules { get; set; }

        // Share of time in which anything ran on the board: near one long before the board is at its limit.
        public double UtilisationPercent => Math.Round(100 * Math.Min(1, 2.4 * (Engine?.Load ?? 0)));

        public required Track Energy { get; init; }
        public required Track Power { get; init; }
        public required Track Utilisation { get; init; }
    }

    private sealed class Server(string node, Track power)
    {
        public string Node { get; } = node;
        public Track Power { get; } = power;
        public double BoardWatts { get; set; }
        public double Watts { get; set; }
    }

    private sealed class Counter
    {
        public double Value { get; set; }
    }

    /// <summary>Traffic around an expected level: it wanders over minutes and flickers over seconds.</summary>
    private sealed class Traffic(Dice dice)
    {
        private double wander = dice.Bell();

        public double Next(double expected, Dice dice)
        {
            wander += (-wander / 400) + (0.0707 * dice.Bell());
            return Math.Clamp(expected * (1 + (0.09 * wander) + (0.05 * dice.Bell())), 0.004, 0.99);
        }
    }

    private sealed class Engine(
        string name,
        int index,
        string node,
        double[] byHour,
        double outputPerSecond,
        double promptRatio,
        double outputPerRequest,
        Dice dice
    )
    {
        private readonly Traffic traffic = new(dice);
        private bool wasDown;

        public string Name { get; } = name;
        public int Index { get; } = index;
        public string Node { get; } = node;
        public required IReadOnlyList<Track> Tracks { get; init; }
        public double Load { get; private set; }
        public Counter Prompt { get; } = new();
        public Counter Output { get; } = new();
        public Counter Stopped { get; } = new();
        public Counter AtLength { get; } = new();
        public Counter Aborted { get; } = new();

        public void Pass(int second, bool down, Dice dice)
        {
            var load = traffic.Next(At(byHour, second), dice);
            if (down && !wasDown)
                Prompt.Value = Output.Value = Stopped.Value = AtLength.Value = Aborted.Value = 0;
            wasDown = down;
            Load = down ? 0 : load;
            if (down)
                return;
            var output = outputPerSecond * Load * (1 + (0.03 * dice.Bell()));
            var requests = output / outputPerRequest;
            Output.Value += output;
            Prompt.Value += output * promptRatio * (1 + (0.05 * dice.Bell()));
            Stopped.Value += requests * 0.93;
            AtLength.Value += requests * 0.055;
            Aborted.Value += requests * 0.015;
        }
    }

    /// <summary>A server without boards that makes embeddings in two pods, as Kepler and the inference server see it.</summary>
    private sealed class CpuNode
    {
        private static readonly string[] Zones = ["package", "dram"];

        private readonly Traffic[] traffic;
        private readonly Track[] node,
            pods,
            requests;
        private readonly double[] nodeJoules = new double[2],
            podJoules = new double[4],
            served = new double[2];

        public CpuNode(Dice dice)
        {
            traffic = [new(dice), new(dice)];
            const string rapl = "/sys/class/powercap/intel-rapl:0";
            node =
            [
                Track(
                    "kepler_node_cpu_joules_total",
                    ("instance", "node-c:28282"),
                    ("node_name", "node-c"),
                    ("path", rapl),
                    ("zone", "package")
                ),
                Track(
                    "kepler_node_cpu_joules_total",
                    ("instance", "node-c:28282"),
                    ("node_name", "node-c"),
                    ("path", rapl + ":0"),
                    ("zone", "dram")
                ),
            ];
            pods =
            [
                .. from pod in Enumerable.Range(0, 2)
                from zone in Zones
                select Track(
                    "kepler_pod_cpu_joules_total",
                    ("instance", "node-c:28282"),
                    ("node_name", "node-c"),
                    ("pod_id", $"6f0d2c1e-51b7-4e0a-9a6b-0000000000e{pod}"),
                    ("pod_name", $"embed-{pod}"),
                    ("pod_namespace", "inference"),
                    ("state", "running"),
                    ("zone", zone)
                ),
            ];
            requests =
            [
                .. Enumerable
                    .Range(0, 2)
                    .Select(pod =>
                        Track(
                            "nv_inference_request_success",
                            ("instance", "node-c:" + (8002 + (10 * pod))),
                            ("namespace", "inference"),
                            ("pod", $"embed-{pod}"),
                            ("model", "embed"),
                            ("version", "1")
                        )
                    ),
            ];
            nodeJoules[0] = Math.Floor(4e7 * (1 + dice.Even()));
            nodeJoules[1] = Math.Floor(nodeJoules[0] * 0.11);
            for (var i = 0; i < 4; i++)
                podJoules[i] = Math.Floor(nodeJoules[i % 2] * 0.19);
            for (var i = 0; i < 2; i++)
                served[i] = Math.Floor(1e8 * (1 + dice.Even()));
        }

        public IEnumerable<Track> Tracks => [.. node, .. pods, .. requests];

        public void Pass(double expected, Dice dice)
        {
            double[] loads = [traffic[0].Next(expected, dice), traffic[1].Next(expected, dice)];
            var load = (loads[0] + loads[1]) / 2;
            double[] watts = [95 + (210 * load * (1.4 - (0.4 * load))) + (1.5 * dice.Bell()), 14 + (16 * load) + (0.2 * dice.Bell())];
            // Kepler gives running pods the active part of a zone by processor time; the idle part stays with the node.
            var busy = 0.03 + (0.85 * load);
            for (var zone = 0; zone < 2; zone++)
            {
                nodeJoules[zone] += watts[zone];
                for (var pod = 0; pod < 2; pod++)
                    podJoules[(2 * pod) + zone] += watts[zone] * busy * 0.94 * loads[pod] / (loads[0] + loads[1]);
            }
            for (var pod = 0; pod < 2; pod++)
                served[pod] += 450 * loads[pod];
        }

        public void LookAtKepler(DateTime at)
        {
            for (var i = 0; i < node.Length; i++)
                node[i].Samples.Add((at, Math.Round(nodeJoules[i], 6)));
            for (var i = 0; i < pods.Length; i++)
                pods[i].Samples.Add((at, Math.Round(podJoules[i], 6)));
        }

        public void LookAtServing(DateTime at)
        {
            for (var i = 0; i < requests.Length; i++)
                requests[i].Samples.Add((at, Math.Floor(served[i])));
        }
    }
}
