namespace Metrics.Domain.Tests.Fleets;

/// <summary>How busy something was, by the second, ready to be integrated between any two instants.</summary>
internal sealed class Curve
{
    private readonly double[] sums;
    private readonly int from;

    /// <summary>A curve of a level for each second.</summary>
    /// <param name="from">The second that the first level is of; before and after the levels it is zero.</param>
    /// <param name="levels">Level of each second, from 0 to 1.</param>
    public Curve(int from, ReadOnlySpan<double> levels)
    {
        this.from = from;
        sums = new double[levels.Length + 1];
        for (var i = 0; i < levels.Length; i++)
            sums[i + 1] = sums[i] + levels[i];
    }

    /// <summary>Seconds at full load from the beginning to an instant.</summary>
    public double At(double second)
    {
        var at = second - from;
        if (at <= 0)
            return 0;
        if (at >= sums.Length - 1)
            return sums[^1];
        var whole = (int)at;
        return sums[whole] + (at - whole) * (sums[whole + 1] - sums[whole]);
    }

    /// <summary>Seconds at full load between two instants.</summary>
    public double Between(double first, double last) => At(last) - At(first);
}

/// <summary>What serves, on boards of one machine, from its start to its end.</summary>
/// <param name="Name">Name of the pod.</param>
/// <param name="Workload">Number of its workload; -1 for a pod that no rule claims.</param>
/// <param name="From">Second of its start; zero or less: it was there before.</param>
/// <param name="To">Second of its end.</param>
/// <param name="Busy">Its load.</param>
internal sealed record Pod(string Name, int Workload, double From, double To, Curve Busy)
{
    /// <summary>Which engine answers.</summary>
    public Engine Engine { get; init; }

    /// <summary>Output tokens of a second at full load.</summary>
    public double Rate { get; init; }

    /// <summary>Input tokens for each output token.</summary>
    public double InputPerOutput { get; init; }

    /// <summary>Output tokens of a request.</summary>
    public double OutputPerRequest { get; init; }

    /// <summary>Output tokens that it had counted when the fleet began.</summary>
    public double Before { get; init; }

    /// <summary>The decode pod whose prompts it reads, where it is a prefill pod; its own work is none.</summary>
    public Pod? PrefillOf { get; init; }

    /// <summary>Whether a prefill pod reads its prompts.</summary>
    public bool Decodes { get; init; }

    /// <summary>Output tokens made between two instants, each counted once.</summary>
    public double Tokens(double first, double last) => PrefillOf is null ? Rate * Busy.Between(first, last) : 0;
}

/// <summary>Whose counters are read.</summary>
internal enum Engine
{
    Vllm,
    Sglang,
    Tgi,
}

/// <summary>That a pod, or nobody, has a board or a part of it.</summary>
/// <param name="Pod">The pod; null: a slice that nobody has.</param>
/// <param name="From">First second.</param>
/// <param name="To">Its end.</param>
/// <param name="Share">The part of the board that is its own: 1, the size of the slice, or 1 / n of n pods at once.</param>
/// <param name="Weight">The part of the board's reach that its load takes.</param>
internal sealed record Hold(Pod? Pod, double From, double To, double Share, double Weight)
{
    /// <summary>MIG profile, as <c>3g.40gb</c>; null: the whole board.</summary>
    public string? Profile { get; init; }

    /// <summary>Number of the slice.</summary>
    public int Slice { get; init; }

    /// <summary>Whether others hold the same board at the same time: whose the joules are is then a policy.</summary>
    public bool Together { get; init; }

    /// <summary>Its load in the second in which an instant lies, from 0 to 1.</summary>
    public double LoadAt(double second) => Pod?.Busy.Between(Math.Floor(second), Math.Floor(second) + 1) ?? 0;
}

/// <summary>An accelerator board.</summary>
internal sealed class Board(int number, string uuid, string model, double idle, double peak)
{
    public int Number => number;

    public string Uuid => uuid;

    public string Model => model;

    public double IdleWatts => idle;

    public double PeakWatts => peak;

    public List<Hold> Holds { get; } = [];

    /// <summary>Whether an exporter reads it.</summary>
    public bool Read { get; set; } = true;

    /// <summary>Whether its meter shows nothing.</summary>
    public bool Dead { get; set; }

    /// <summary>What its meter shows of the truth: 1.02 is two percent too much.</summary>
    public double Gain { get; set; } = 1;

    /// <summary>Joules between two instants.</summary>
    public double Joules(double first, double last) => idle * (last - first) + (peak - idle) * Load(first, last);

    /// <summary>Seconds at full load between two instants.</summary>
    public double Load(double first, double last)
    {
        double load = 0;
        foreach (var hold in Holds)
            if (hold.Pod is { } pod && hold.From < last && hold.To > first)
                load += hold.Weight * pod.Busy.Between(Math.Max(first, hold.From), Math.Min(last, hold.To));
        return load;
    }

    /// <summary>Watts of the second in which an instant lies.</summary>
    public double Watts(double second) => Joules(Math.Floor(second), Math.Floor(second) + 1);
}

/// <summary>A server: its boards, and all else that draws power in it.</summary>
internal sealed class Machine(string name, string source, Site site)
{
    public string Name => name;

    public string Source => source;

    public Site Site => site;

    public List<Board> Boards { get; } = [];

    public List<Pod> Pods { get; } = [];

    public int Number { get; init; }

    /// <summary>What its meters show of the truth.</summary>
    public double Gain { get; init; } = 1;

    /// <summary>The cluster that its series name; null: none.</summary>
    public string? Cluster { get; init; }

    public double CpuIdle { get; init; }

    public double CpuSwing { get; init; }

    public double Memory { get; init; }

    public double Fans { get; init; }

    /// <summary>Watts of fans for each watt of the boards.</summary>
    public double FansPerWatt { get; init; }

    /// <summary>What the power supplies pass on.</summary>
    public double Efficiency { get; init; }

    /// <summary>Whether a meter of the whole is read.</summary>
    public bool HasWall { get; init; }

    /// <summary>Whether the meter of the whole shows nothing at some time.</summary>
    public bool WallDies { get; set; }

    /// <summary>Whether nothing of the host is read, so that a model of its type stands for it.</summary>
    public bool IsModelled { get; init; }

    /// <summary>Its type, where the settings of the source tell it.</summary>
    public string? Type { get; init; }

    public double BoardJoules(double first, double last)
    {
        double joules = 0;
        foreach (var board in Boards)
            joules += board.Joules(first, last);
        return joules;
    }

    public double CpuJoules(double first, double last)
    {
        double load = 0;
        foreach (var board in Boards)
            load += board.Load(first, last);
        return CpuIdle * (last - first) + CpuSwing * load / Boards.Count;
    }

    public double MemoryJoules(double first, double last) => Memory * (last - first);

    /// <summary>Joules of the whole machine at the wall.</summary>
    public double WallJoules(double first, double last)
    {
        var boards = BoardJoules(first, last);
        var inside = boards * (1 + FansPerWatt) + CpuJoules(first, last) + MemoryJoules(first, last) + Fans * (last - first);
        return inside / Efficiency;
    }

    /// <summary>Joules of packages and memory, which are all that is read of a machine without a wall meter.</summary>
    public double PartJoules(double first, double last) => CpuJoules(first, last) + MemoryJoules(first, last);
}

/// <summary>Where machines stand.</summary>
/// <param name="Place">Name of the place.</param>
/// <param name="Pue">The true PUE.</param>
/// <param name="Ranged">Whether only a range of it is known.</param>
internal sealed record Site(string Place, double Pue, bool Ranged);
