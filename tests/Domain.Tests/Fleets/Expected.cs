namespace Metrics.Domain.Tests.Fleets;

/// <summary>What truly was of one deployment in one hour, or of all that a place drew.</summary>
internal sealed class Expected
{
    /// <summary>Grid periods of an hour.</summary>
    public const int Bins = 3600 / Fleet.Grain;

    /// <summary>Joules of its boards.</summary>
    public double Accelerator { get; private set; }

    /// <summary>Joules of those of its boards that are read: the least that may be told where nothing tells of the server.</summary>
    public double ReadAccelerator { get; private set; }

    /// <summary>Whether it holds a part of a board: the load is the board's, and so is the idle time.</summary>
    public bool IsShared { get; private set; }

    /// <summary>Joules of its servers at the wall, or of their parts where nothing meters the whole: the least that may be told.</summary>
    public double LeastServer { get; private set; }

    /// <summary>Joules of its servers at the wall.</summary>
    public double Server { get; private set; }

    /// <summary>The least and the most that the facility may be told to have drawn.</summary>
    public double LeastFacility { get; private set; }

    /// <summary>Joules of the facility.</summary>
    public double Facility { get; private set; }

    /// <summary>Of what nothing tells whose it is, joules that are its own in truth and not by the policy of shares.</summary>
    public bool ByPolicy { get; private set; }

    /// <summary>Whether a machine of its own has boards that nobody reads: what is theirs is then not known.</summary>
    public bool Unread { get; private set; }

    /// <summary>Output tokens, input tokens and requests.</summary>
    public Dictionary<string, double> Units { get; } =
        new()
        {
            ["output-token"] = 0,
            ["input-token"] = 0,
            ["request"] = 0,
        };

    /// <summary>How often a pod of it came or went in the hour.</summary>
    public int Changes { get; private set; }

    /// <summary>Seconds for which pods of it were there.</summary>
    public double Present { get; private set; }

    /// <summary>Seconds of the shortest stay of a pod of it in the hour.</summary>
    public double Shortest { get; private set; } = 3600;

    /// <summary>Whether a board of a machine of its own has a meter that shows nothing: what the others draw beside it is then not
    /// known.</summary>
    public bool Dead { get; private set; }

    /// <summary>Whether any board of its own is read.</summary>
    public bool AnyRead { get; private set; }

    /// <summary>Whether a host of its own is modelled: what it drew is between the least and the most of its type.</summary>
    public bool Modelled { get; private set; }

    /// <summary>Joules that samples leave open, because boards change hands between them.</summary>
    public double OpenJoules { get; private set; }

    /// <summary>What of each unit samples leave open, because a pod begins or ends between them.</summary>
    public Dictionary<string, double> OpenUnits { get; } =
        new()
        {
            ["output-token"] = 0,
            ["input-token"] = 0,
            ["request"] = 0,
        };

    /// <summary>Whether it holds boards that no table of hardware knows: at rest they draw what nobody tells.</summary>
    public bool IsUntabled { get; private set; }

    /// <summary>The most that its boards and their servers can have drawn while they were idle.</summary>
    public double Idle { get; private set; }

    /// <summary>Joules of the facility and output tokens in each grid period: least, most and tokens.</summary>
    public (double Least, double Most, double Tokens)[] ByBin { get; private set; } = new (double, double, double)[Bins];

    /// <summary>Whether it has what a ratio needs in any time.</summary>
    public bool Worked => Units["output-token"] > 0;

    /// <summary>Between what joules for each output token lie when so many periods of the grid, whichever, are in no ratio.</summary>
    public (double Least, double Most) PerToken(int leftOut)
    {
        return (
            Extreme(ByBin.Sum(bin => bin.Least), bin => bin.Least, (now, best) => now < best),
            Extreme(ByBin.Sum(bin => bin.Most), bin => bin.Most, (now, best) => now > best)
        );

        double Extreme(double joules, Func<(double Least, double Most, double Tokens), double> of, Func<double, double, bool> isBeyond)
        {
            var tokens = ByBin.Sum(bin => bin.Tokens);
            List<(double Least, double Most, double Tokens)> left = [.. ByBin];
            for (var i = 0; i < leftOut; i++)
            {
                var (best, at) = (joules / tokens, -1);
                for (var bin = 0; bin < left.Count; bin++)
                    if (
                        tokens - left[bin].Tokens > tokens * 1e-6
                        && (joules - of(left[bin])) / (tokens - left[bin].Tokens) is var now
                        && isBeyond(now, best)
                    )
                        (best, at) = (now, bin);
                if (at < 0)
                    break;
                (joules, tokens) = (joules - of(left[at]), tokens - left[at].Tokens);
                left.RemoveAt(at);
            }
            return joules / tokens;
        }
    }

    /// <summary>The truth of several hours together.</summary>
    public static Expected Sum(IReadOnlyList<Expected> hours)
    {
        var sum = new Expected { ByBin = [.. hours.SelectMany(hour => hour.ByBin)] };
        foreach (var hour in hours)
        {
            sum.Accelerator += hour.Accelerator;
            sum.LeastServer += hour.LeastServer;
            sum.Server += hour.Server;
            sum.LeastFacility += hour.LeastFacility;
            sum.Facility += hour.Facility;
            sum.ByPolicy |= hour.ByPolicy;
            sum.Unread |= hour.Unread;
            sum.Dead |= hour.Dead;
            sum.Modelled |= hour.Modelled;
            sum.AnyRead |= hour.AnyRead;
            sum.Changes += hour.Changes;
            sum.IsShared |= hour.IsShared;
            sum.ReadAccelerator += hour.ReadAccelerator;
            sum.Present += hour.Present;
            sum.Shortest = Math.Min(sum.Shortest, hour.Shortest);
            sum.OpenJoules += hour.OpenJoules;
            sum.IsUntabled |= hour.IsUntabled;
            foreach (var (unit, units) in hour.OpenUnits)
                sum.OpenUnits[unit] += units;
            sum.Idle += hour.Idle;
            foreach (var (unit, units) in hour.Units)
                sum.Units[unit] += units;
        }
        return sum;
    }

    /// <summary>The truth of each deployment in an hour, by number of the workload (-1: nobody's) and place.</summary>
    public static Dictionary<(int Workload, string Place), Expected> Of(Fleet fleet, int hour)
    {
        var expected = new Dictionary<(int, string), Expected>();
        double from = Fleet.Lead + hour * 3600,
            to = from + 3600;
        foreach (var machine in fleet.Machines)
        {
            foreach (var board in machine.Boards)
            foreach (var hold in board.Holds)
                if (hold.Pod is { Workload: >= 0 } pod)
                    Find(pod.Workload).Add(fleet, machine, board, hold, pod, from, to);
            foreach (var pod in machine.Pods)
                if (pod.From < to + fleet.Slowest && pod.To > from - fleet.Slowest)
                    Find(pod.Workload).Add(fleet, pod, from, to);
            // What nobody holds, and no rule claims, is what is left.
            var rest = Find(-1);
            for (var bin = 0; bin < Bins; bin++)
            {
                double start = from + bin * Fleet.Grain,
                    end = start + Fleet.Grain;
                var (boards, wall) = (machine.BoardJoules(start, end), machine.WallJoules(start, end));
                var least = boards + LeastRest(machine, start, end);
                foreach (var board in machine.Boards)
                foreach (var hold in board.Holds)
                    if (hold.Pod is { Workload: >= 0 })
                    {
                        var (own, low, high, _) = Share(machine, board, hold, start, end);
                        (boards, least, wall) = (boards - own, least - low, wall - high);
                    }
                rest.AddJoules(machine, bin, boards, least, wall);
            }
            rest.ReadAccelerator = machine.Boards.TrueForAll(board => board.Read) ? rest.Accelerator : 0;
            foreach (var board in machine.Boards)
            foreach (var hold in board.Holds)
            foreach (var at in (ReadOnlySpan<double>)[hold.From, hold.To])
                if (at > from - fleet.Slowest && at < to + fleet.Slowest && at > 0 && at < fleet.Seconds)
                    rest.OpenJoules += Change(fleet, machine, board, at);
            rest.Present = rest.Shortest = 3600;
            rest.AnyRead |= machine.Boards.Exists(board => board.Read);
            rest.Modelled |= machine.IsModelled;
            rest.Dead |= machine.Boards.Exists(board => board.Dead);
            rest.ByPolicy |= machine.Boards.Exists(board => board.Holds.Exists(hold => hold.Together));
            rest.Unread |= machine.Boards.Exists(board => !board.Read);

            Expected Find(int workload)
            {
                var key = (workload, machine.Site.Place);
                if (!expected.TryGetValue(key, out var found))
                    expected.Add(key, found = new Expected());
                return found;
            }
        }
        return expected;
    }

    private void Add(Fleet fleet, Machine machine, Board board, Hold hold, Pod pod, double from, double to)
    {
        double first = Math.Max(from, hold.From),
            last = Math.Min(to, hold.To);
        foreach (var at in (ReadOnlySpan<double>)[hold.From, hold.To])
            if (at > from - fleet.Slowest && at < to + fleet.Slowest && at > 0 && at < fleet.Seconds)
                OpenJoules += Change(fleet, machine, board, at);
        if (last <= first)
            return;
        ByPolicy |= hold.Together;
        IsUntabled |= Fleet.Factors.Hardware.Accelerator(board.Model) is null;
        IsShared |= hold.Together || hold.Profile is not null;
        Modelled |= machine.IsModelled;
        Dead |= machine.Boards.Exists(one => one.Dead);
        Unread |= machine.Boards.Exists(one => !one.Read);
        AnyRead |= board.Read;
        if (fleet.Plan.Troubles.Has(Trouble.Loads | Trouble.DeadLoad))
            // A load meter tells the part of the time in which anything was done, and so does the load of a second.
            Idle +=
                (last - first - pod.Busy.Between(first, last)) * hold.Share * (board.IdleWatts + RestWatts(machine) / machine.Boards.Count);
        for (var bin = 0; bin < Bins; bin++)
        {
            double start = Math.Max(first, from + bin * Fleet.Grain),
                end = Math.Min(last, from + (bin + 1) * Fleet.Grain);
            if (end <= start)
                continue;
            var (own, least, most, _) = Share(machine, board, hold, start, end);
            AddJoules(machine, bin, own, least, most);
            ReadAccelerator += board.Read ? own : 0;
        }
    }

    private void Add(Fleet fleet, Pod pod, double from, double to)
    {
        for (var bin = 0; bin < Bins; bin++)
        {
            var start = from + bin * Fleet.Grain;
            ByBin[bin].Tokens += pod.Tokens(start, start + Fleet.Grain);
        }
        var life = Math.Min(to, pod.To) - Math.Max(from, pod.From);
        if (life > 0)
            (Present, Shortest) = (Math.Min(to - from, Present + life), Math.Min(Shortest, life));
        Changes += (pod.From > from && pod.From < to ? 1 : 0) + (pod.To > from && pod.To < to ? 1 : 0);
        var tokens = pod.Tokens(from, to);
        Units["output-token"] += tokens;
        Units["input-token"] += tokens * pod.InputPerOutput;
        Units["request"] += tokens / pod.OutputPerRequest;
        // A pod that is new counts from its start, at its mean rate, which may lie in the hour before; what it did between its last sample
        // and its end is not known.
        // Of what comes in bursts the first value may be more than its rises account for.
        var uneven = fleet.Plan.Troubles.Has(Trouble.Bursts | Trouble.Quiet);
        var begins = pod.From >= (uneven ? from : to) && pod.From < to + fleet.Slowest;
        if (begins || (pod.To > from - fleet.Slowest && pod.To < to + fleet.Slowest && pod.To < fleet.Seconds))
        {
            OpenUnits["output-token"] += pod.Rate * fleet.Slowest;
            OpenUnits["input-token"] += pod.Rate * fleet.Slowest * pod.InputPerOutput;
            OpenUnits["request"] += pod.Rate * fleet.Slowest / pod.OutputPerRequest;
        }
    }

    private void AddJoules(Machine machine, int bin, double boards, double least, double most)
    {
        var pue = machine.Site.Pue;
        Accelerator += boards;
        LeastServer += least;
        Server += most;
        LeastFacility += least * pue;
        Facility += most * pue;
        ByBin[bin] = (ByBin[bin].Least + least * pue, ByBin[bin].Most + most * pue, ByBin[bin].Tokens);
    }

    /// <summary>Joules of a hold: of its board, of its server as parts tell it, and of its server.</summary>
    /// <remarks>A slice has its size of all that its board draws, pods at once their own load and an even part of what the board draws
    /// idle; the rest of the server goes by boards held.</remarks>
    private static (double Board, double Least, double Most, double Time) Share(
        Machine machine,
        Board board,
        Hold hold,
        double start,
        double end
    )
    {
        start = Math.Max(start, hold.From);
        end = Math.Min(end, hold.To);
        if (end <= start)
            return default;
        var own = hold.Together
            ? hold.Share * board.IdleWatts * (end - start)
                + (board.PeakWatts - board.IdleWatts) * hold.Weight * hold.Pod!.Busy.Between(start, end)
            : hold.Share * board.Joules(start, end);
        var part = hold.Share / machine.Boards.Count;
        var boards = machine.BoardJoules(start, end);
        var rest = (machine.WallJoules(start, end) - boards) * part;
        var least = LeastRest(machine, start, end) * part;
        return (own, own + least, own + rest, end - start);
    }

    /// <summary>The least that may be told of a machine beside its boards: all of it, or its parts where nothing reads the whole; nothing
    /// where the meter of the whole is dead, since parts are then a lower bound.</summary>
    private static double LeastRest(Machine machine, double start, double end) =>
        machine.WallDies ? 0
        : machine.HasWall || machine.IsModelled ? machine.WallJoules(start, end) - machine.BoardJoules(start, end)
        : machine.PartJoules(start, end);

    /// <summary>Joules that a change of hands leaves open: a board and its part of the server, from one sample to the next.</summary>
    private static double Change(Fleet fleet, Machine machine, Board board, double at) =>
        (
            fleet.Slowest
            + fleet.Silences.Sum(silent => at > silent.From - fleet.Slowest && at < silent.To + fleet.Slowest ? silent.To - silent.From : 0)
        ) * (board.PeakWatts + RestWatts(machine) / machine.Boards.Count);

    /// <summary>About what the machine draws beside its boards.</summary>
    private static double RestWatts(Machine machine) =>
        (machine.CpuIdle + machine.CpuSwing + machine.Memory + machine.Fans + 0.15 * machine.Boards.Sum(board => board.PeakWatts))
        / machine.Efficiency;
}
