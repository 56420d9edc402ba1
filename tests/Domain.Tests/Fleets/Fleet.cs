using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Tests.Fleets;

/// <summary>Machines, pods and engines as they truly were by the second, what exporters said of them, and what was made wrong.</summary>
internal sealed class Fleet
{
    /// <summary>Seconds before the first hour and after the last that are lived through and scraped too.</summary>
    public const int Lead = 1500;

    /// <summary>Seconds of a grid period.</summary>
    public const int Grain = 300;

    /// <summary>The first hour.</summary>
    public static readonly DateTime Start = new(2026, 2, 3, 10, 0, 0, DateTimeKind.Utc);

    /// <summary>Second 0.</summary>
    public static readonly DateTime Begin = Start.AddSeconds(-Lead);

    private const string RangedPlace = "onprem/ranged";
    private const int WorkloadCount = 3;

    private static readonly FactorBook Book = FactorBook.Published.With([
        new Factor
        {
            Kind = FactorKind.Pue,
            Place = RangedPlace,
            Method = FactorMethod.Annual,
            Value = 1.3,
            Range = new Bounds(1.1, 1.5),
            Source = "the fleets",
            Licence = "CC0-1.0",
            From = new DateOnly(2020, 1, 1),
            Version = "test-1",
        },
    ]);

    private static readonly (string Model, double Idle, double Peak)[] Models =
    [
        ("NVIDIA H100 80GB HBM3", 70, 690),
        ("NVIDIA A100-SXM4-80GB", 50, 400),
        ("NVIDIA L40S", 34, 345),
        ("NVIDIA A30", 28, 164),
        ("NVIDIA H200", 76, 695),
    ];

    private Fleet(FleetPlan plan) => Plan = plan;

    /// <summary>What it was made from.</summary>
    public FleetPlan Plan { get; }

    /// <summary>Its machines.</summary>
    public List<Machine> Machines { get; } = [];

    /// <summary>What exporters said, by series.</summary>
    public List<Tape> Tapes { get; } = [];

    /// <summary>What was made wrong and has to be named.</summary>
    public List<Fault> Faults { get; } = [];

    /// <summary>The hours asked for, in seconds from <see cref="Begin"/>.</summary>
    public int Seconds => Plan.Hours * 3600 + 2 * Lead;

    /// <summary>The hours asked for.</summary>
    public Interval Period => new(Start, Start.AddHours(Plan.Hours));

    /// <summary>Workloads that all serve one model, so that they may be ranked.</summary>
    public IReadOnlyList<Workload> Workloads { get; private set; } = [];

    /// <summary>Places by source.</summary>
    public Dictionary<string, Place> Places { get; } = [];

    /// <summary>Types of machines by source.</summary>
    public Dictionary<string, string> Hardware { get; } = [];

    /// <summary>What is known beside the telemetry: everything published, and a PUE with a range.</summary>
    public static FactorBook Factors => Book;

    /// <summary>Grams of CO2 equivalents of a kilowatt-hour at every place.</summary>
    public double GridGrams { get; } =
        Book.Find(
            FactorKind.GridIntensity,
            FactorMethod.LocationAverage,
            new Place("onprem/north", "DE", null),
            DateOnly.FromDateTime(Start)
        )!.Value;

    /// <summary>Spans for which an exporter was silent.</summary>
    public List<(double From, double To)> Silences { get; } = [];

    /// <summary>The longest time between two scrapes of anything, in seconds.</summary>
    public double Slowest { get; set; }

    /// <summary>The fleet of a plan.</summary>
    public static Fleet Of(FleetPlan plan)
    {
        var fleet = new Fleet(plan);
        var dice = new Dice(plan.Seed, 2);
        Site[] sites =
        [
            plan.Troubles.Has(Trouble.SiteRange)
                ? new Site(RangedPlace, dice.Real(1.12, 1.48), true)
                : new Site("onprem/north", Math.Round(dice.Real(1.05, 1.6), 2), false),
            new Site("onprem/south", Math.Round(dice.Real(1.05, 1.6), 2), false),
        ];
        for (var number = 0; number < plan.Machines; number++)
            fleet.Build(new Dice(plan.Seed, 100 + (ulong)number), number, sites);
        fleet.Workloads =
        [
            .. Enumerable
                .Range(0, WorkloadCount)
                .Select(number => new Workload(
                    $"w{number}",
                    "org/m",
                    null,
                    [
                        .. fleet.Machines.SelectMany(machine =>
                            Sources(plan, machine)
                                .Select(source => new WorkloadRule(source, new Dictionary<string, string> { ["pod"] = $"w{number}-*" }))
                        ),
                    ]
                )),
        ];
        foreach (var machine in fleet.Machines)
        foreach (var source in Sources(plan, machine))
        {
            fleet.Places[source] = new Place(machine.Site.Place, "DE", machine.Site.Ranged ? null : machine.Site.Pue);
            if (machine.Type is { } type)
                fleet.Hardware[source] = type;
        }
        new Exporters(fleet).Write();
        return fleet;
    }

    private static string[] Sources(FleetPlan plan, Machine machine) =>
        plan.Troubles.Has(Trouble.TwoSources) ? [machine.Source, $"{machine.Source}-again"] : [machine.Source];

    private void Build(Dice dice, int number, Site[] sites)
    {
        var troubles = Plan.Troubles;
        var halfRead = troubles.Has(Trouble.HalfRead) && (number == 0 || dice.Chance(0.3));
        var modelled = troubles.Has(Trouble.Modelled) && !halfRead && (number == 0 || dice.Chance(0.5));
        // Of a board that no table of hardware knows nothing says how much it can draw at rest, and so nothing contradicts a load of none.
        var last = troubles.Has(Trouble.DeadLoad) ? 2 : 3;
        var (model, idle, peak) = halfRead || modelled ? Models[0] : Models[dice.Int(0, last)];
        var sliced = troubles.Has(Trouble.Slices) && !halfRead && !modelled;
        if (sliced)
            (model, idle, peak) = Models[dice.Pick<int>(last == 3 ? [0, 1, 3] : [0, 1])];
        var boards = halfRead || modelled ? 8 : dice.Pick([1, 1, 2, 2, 4]);
        if (troubles.Has(Trouble.Roles))
            boards = Math.Max(boards, 2);
        var sameNames = troubles.Has(Trouble.SameNames);
        var machine = new Machine(
            sameNames ? "node-1" : $"m{number}",
            $"source-{number}",
            sameNames || dice.Chance(0.6) ? sites[0] : sites[1]
        )
        {
            Number = number,
            Gain = dice.Real(0.978, 1.022),
            Cluster = sameNames ? $"cluster-{number}" : null,
            // The host of the type that is told draws what its type can.
            CpuIdle = modelled ? dice.Real(900, 950) : dice.Real(60, 160),
            CpuSwing = modelled ? dice.Real(20, 100) : dice.Real(20, 200),
            Memory = modelled ? dice.Real(50, 100) : dice.Real(15, 60),
            Fans = modelled ? dice.Real(50, 100) : dice.Real(15, 60),
            FansPerWatt = modelled ? dice.Real(0.01, 0.02) : dice.Real(0.01, 0.08),
            Efficiency = modelled ? dice.Real(0.955, 0.96) : dice.Real(0.9, 0.96),
            HasWall = !modelled && (!troubles.Has(Trouble.NoWall) || (number > 0 && dice.Chance(0.5))),
            IsModelled = modelled,
            Type = halfRead || modelled ? "DGX H100" : null,
        };
        for (var board = 0; board < boards; board++)
            machine.Boards.Add(
                new Board(board, $"GPU-{Plan.Seed:x}-{number}-{board}", model, idle * dice.Real(0.95, 1.05), peak * dice.Real(0.85, 1))
                {
                    Gain = machine.Gain * dice.Real(0.997, 1.003),
                }
            );
        var free = new Queue<Board>(machine.Boards);
        if (troubles.Has(Trouble.Roles))
            Pair(dice, machine, free.Dequeue(), free.Dequeue());
        if (sliced && free.Count > 0)
            Slice(dice, machine, free.Dequeue());
        if (troubles.Has(Trouble.Shared) && free.Count > 0)
            Share(dice, machine, free.Dequeue());
        while (free.Count > 0)
        {
            var several = dice.Chance(0.6) ? free.Count : dice.Int(1, free.Count);
            Board[] own = [.. Enumerable.Range(0, several).Select(_ => free.Dequeue())];
            if (troubles.Has(Trouble.ShortPods))
                Follow(dice, machine, own, () => dice.Real(150, 420), () => 0);
            else if (troubles.Has(Trouble.Moves))
                Follow(dice, machine, own, () => dice.Real(500, 2400), () => dice.Chance(0.4) ? dice.Real(60, 900) : 0);
            else if (machine.Pods.Count == 0 || dice.Chance(0.8))
                Take(own, NewPod(dice, machine, dice.Chance(0.15) ? -1 : dice.Int(0, WorkloadCount - 1), -1, Seconds + 1));
        }
        if (halfRead)
        {
            var read = dice.Int(1, 7);
            foreach (var board in machine.Boards.Skip(read))
                board.Read = false;
        }
        Machines.Add(machine);
    }

    /// <summary>The pod has the boards from its start to its end.</summary>
    private void Take(Board[] boards, Pod pod)
    {
        foreach (var board in boards)
            board.Holds.Add(new Hold(pod, Math.Max(0, pod.From), Math.Min(Seconds, pod.To), 1, 1));
    }

    /// <summary>One pod after the other.</summary>
    private void Follow(Dice dice, Machine machine, Board[] boards, Func<double> life, Func<double> pause)
    {
        for (var at = -life() * dice.Unit(); at < Seconds; )
        {
            var until = at + life();
            if (until > 0)
                Take(boards, NewPod(dice, machine, dice.Int(-1, WorkloadCount - 1), at, until));
            at = until + pause();
        }
    }

    private void Share(Dice dice, Machine machine, Board board)
    {
        var together = dice.Int(2, 3);
        for (var i = 0; i < together; i++)
        {
            var pod = NewPod(dice, machine, i % WorkloadCount, -1, Seconds + 1);
            board.Holds.Add(new Hold(pod, 0, Seconds, 1.0 / together, dice.Real(0.2, 1) / together) { Together = true });
        }
    }

    private void Slice(Dice dice, Machine machine, Board board)
    {
        var quarters = board.Model.EndsWith("A30", StringComparison.Ordinal);
        int[] sizes = quarters
            ? dice.Pick<int[]>([
                [1, 1, 1, 1],
                [2, 2],
                [4],
                [2, 1, 1],
            ])
            : dice.Pick<int[]>([
                [4, 3],
                [3, 3],
                [2, 2, 3],
                [1, 1, 1, 1, 1, 1, 1],
                [7],
                [4, 2, 1],
                [1, 2],
            ]);
        for (var i = 0; i < sizes.Length; i++)
        {
            var size = sizes[i] / (quarters ? 4.0 : 7.0);
            var pod = dice.Chance(0.85) ? NewPod(dice, machine, dice.Int(-1, WorkloadCount - 1), -1, Seconds + 1) : null;
            board.Holds.Add(
                new Hold(pod, 0, Seconds, size, size) { Profile = $"{sizes[i]}g.{Gigabytes(sizes[i], quarters)}gb", Slice = i + 1 }
            );
        }
    }

    /// <summary>Memory of a slice, by NVIDIA's guide of MIG: an A30 has 6 GB for each quarter, a board of 80 GB gives 40 to three and to
    /// four sevenths.</summary>
    private static int Gigabytes(int slices, bool quarters) =>
        quarters ? slices * 6
        : slices is 3 or 4 ? 40
        : slices == 7 ? 80
        : slices * 10;

    private void Pair(Dice dice, Machine machine, Board one, Board other)
    {
        var decode = NewPod(dice, machine, dice.Int(0, WorkloadCount - 1), -1, Seconds + 1) with
        {
            Decodes = true,
            Engine = Engine.Vllm,
            // So many that the one token of prefill is less than the error of a count.
            OutputPerRequest = dice.Real(200, 900),
        };
        machine.Pods[^1] = decode;
        var prefill = NewPod(dice, machine, decode.Workload, -1, Seconds + 1) with
        {
            Busy = decode.Busy,
            PrefillOf = decode,
            Engine = Engine.Vllm,
        };
        machine.Pods[^1] = prefill;
        Take([one], decode);
        Take([other], prefill);
    }

    private Pod NewPod(Dice dice, Machine machine, int workload, double from, double to)
    {
        var number = machine.Pods.Count;
        var pod = new Pod(
            $"{(workload < 0 ? "job" : $"w{workload}")}-m{machine.Number}-{number}",
            workload,
            from,
            to,
            Load(dice, Math.Max(0, from), Math.Min(Seconds, to))
        )
        {
            Engine = dice.Pick(Enum.GetValues<Engine>()),
            Rate = Math.Exp(dice.Real(Math.Log(50), Math.Log(5000))),
            InputPerOutput = dice.Real(0.5, 8),
            OutputPerRequest = dice.Real(50, 900),
            Before = from < 0 ? dice.Real(1e4, 1e8) : 0,
        };
        machine.Pods.Add(pod);
        return pod;
    }

    /// <summary>A load that goes slowly up and down with a little noise; in bursts, or with nothing to do, where that is switched
    /// on.</summary>
    private Curve Load(Dice dice, double from, double to)
    {
        var first = (int)from;
        Span<double> levels = new double[Math.Max(0, (int)Math.Ceiling(to) - first)];
        var level = dice.Real(0.4, 0.9);
        for (var at = 0; at < levels.Length; )
        {
            var length = Math.Min(dice.Int(400, 1500), levels.Length - at);
            var next = Math.Clamp(level + dice.Real(-0.15, 0.15), 0.35, 0.95);
            for (var i = 0; i < length; i++)
                levels[at + i] = (level + (next - level) * i / length) * dice.Real(0.97, 1.03);
            (level, at) = (next, at + length);
        }
        if (Plan.Troubles.Has(Trouble.Bursts))
            for (int at = 0, on = 1; at < levels.Length; on = 1 - on)
            {
                var length = Math.Min(dice.Int(5, 70), levels.Length - at);
                if (on == 0)
                    levels.Slice(at, length).Clear();
                at += length;
            }
        if (Plan.Troubles.Has(Trouble.Quiet))
            for (var spans = dice.Int(1, 2); spans > 0; spans--)
            {
                var length = Math.Min(dice.Int(300, 2000), levels.Length);
                if (length > 0)
                    levels.Slice(dice.Int(0, levels.Length - length), length).Clear();
            }
        // The first and the last second are not whole.
        if (levels.Length > 0)
        {
            levels[0] *= first + 1 - from;
            levels[^1] *= to - (first + levels.Length - 1);
        }
        return new Curve(first, levels);
    }
}
