using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Messages;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Normalisation;

/// <summary>
/// Attribute: the energy of each resource goes to the workloads, all of it. What carries a workload's labels is its own;
/// the rest of a server goes by what its pods or containers drew, then by the accelerators that each workload holds, then by
/// the CPU time of its pods. A machine that no label gives to anybody goes by the work that was done on it. What is left is
/// unattributed.
/// </summary>
internal sealed partial class Attribution(
    Grid grid,
    Cover cover,
    Silences silences,
    Accounts accounts,
    Provenance provenance,
    Pieces pieces,
    List<Rejection> rejections,
    Rules rules = Rules.All
)
{
    private readonly DecisionTrace? trace = cover.Trace;
    private readonly List<Portion> portions = [];
    private readonly List<(int Workload, string Unit, double Units)> works = [];
    private readonly Roster boards = new();
    private readonly Roster sharers = new();
    private readonly Roster silent = new();
    private readonly WorkloadClaims serverClaims = new();
    private readonly WorkloadClaims scratch = new();
    private readonly WorkloadClaims there = new();
    private EmbodiedDecision? making;
    private Func<long, double>? leastOfBoards;

    // What of the rest falls to boards that nobody reads and of which nothing tells whose they are.
    private double ofOthers;

    /// <summary>A server, its accelerators and what shares it, in one grid period. Periods come in the order of time.</summary>
    public void Attribute(Host host, int bin)
    {
        Read(host, bin);
        if (IsLastOfHour(bin))
            EndHour();
    }

    private void Read(Host host, int bin)
    {
        ReadBoards(host, bin, out var isNear, out var allNear);
        var all = OneReadingOfBoards(host);
        var boardTicks = long.MaxValue;
        for (var i = 0; i < boards.Count; i++)
            boardTicks = Math.Min(boardTicks, boards[i].Reading.Ticks);

        serverClaims.Clear();
        var missing = MissingReasons.None;
        var server = host.Server is { } metered
            ? cover.Server(metered, bin, boards.Count > 0, serverClaims, leastOfBoards ??= LeastOfBoards)
            : null;
        var disbelieved = server is null && host.Server is not null ? cover.Disbelieved : null;
        if (disbelieved is { } shown)
        {
            missing = MissingReasons.LessThanItsParts;
            Disbelieve(host.Server!, bin, shown.Meter, shown.Joules, shown.Parts);
        }
        // Boards that stand beside what was read are missing from it, or it would be a server that is smaller.
        var refused =
            server is { HoldsAccelerators: false }
            && !all
            && (isNear || (allNear && boards.Count == 0) || boards.Count < host.Type?.Accelerators);
        if (refused)
        {
            (server, missing) = (null, MissingReasons.AcceleratorUnmetered);
            serverClaims.Clear();
        }
        // What the machine is made of in the hour it is made of in all of it.
        var pauses = server is null && !refused && disbelieved is null && host.Server is { } read && cover.IsReadInHour(read, bin);
        if (pauses)
        {
            trace?.Act(host.Server!, bin, new CoverDecision(CoverRule.KeepsItsMeaning, host.Name, 0, grid[bin].Length.TotalSeconds, "s"));
            missing = silences.Refused(host.Server!, bin) is var why and not MissingReasons.None ? why : MissingReasons.ServerUnmetered;
            serverClaims.Clear();
        }
        if (server is null && !refused && !pauses && disbelieved is null)
            server = cover.Host(host, bin, boards.Count, all, boardTicks, serverClaims, out missing);
        ClaimByWork(host, bin, server);

        // A machine has the boards that its type has, or that speak in it.
        var count = all ? boards.Count : boards.Count + silent.Count;
        if (!all && count > 0 && host.Type is { Accelerators: >= 1 } known)
            count = Math.Max(count, (int)known.Accelerators);
        var machines = server?.Machines ?? (all ? cover.LoadOf(boards[0].Resource, Component.Accelerator, bin)?.Servers : null) ?? 1;
        var reserved = TimeSpan.FromTicks(server?.Reading.Ticks ?? (boards.Count > 0 ? boardTicks : 0));
        var grams = host.Type?.Embodied?.Of(reserved).Grams * machines;
        // Who reads the grams asks what they were made of, also where a meter reads the energy and the type gives nothing else.
        var made = grams is null ? default : provenance.Of(host.Type!.FactorName);
        if (trace is not null)
            making = grams is { } total
                ? new EmbodiedDecision(host.Type!.Embodied!, reserved.TotalSeconds, machines, total, count, host.Type.FactorName)
                : null;
        var each = count > 0 ? grams / count : null;
        if (server is not { } whole)
        {
            for (var i = 0; i < boards.Count; i++)
                EnterBoard(boards[i], host.Type, bin, null, 1, 0, each, made, missing);
            for (var i = 0; i < silent.Count; i++)
                EnterSilent(silent[i], bin, null, Extent.Unknown, 0, null, missing);
            if (refused || !StandAlone(host, bin, missing))
                EnterSilentServer(host, bin, missing);
            return;
        }
        Divide(host, bin, whole, count, grams, each, made);
    }

    /// <summary>Reads the boards of a host; those that were there and are not read are the silent ones.</summary>
    private void ReadBoards(Host host, int bin, out bool isNear, out bool allNear)
    {
        (isNear, allNear) = (false, false);
        boards.Clear();
        silent.Clear();
        foreach (var accelerator in host.Accelerators)
        {
            var claims = boards.Next();
            var read = cover.Board(accelerator, host.Type, bin, claims);
            TellDead(accelerator, bin);
            if (read is { } reading)
            {
                if (reading.Ticks < grid[bin].Length.Ticks)
                    silences.Add(accelerator, Component.Accelerator, bin, host, claims);
                boards.Add(accelerator, reading, EnergyCover.Accelerator, reading.Joules, BusyOf(accelerator, host.Type, reading, bin));
                continue;
            }
            if (!cover.HasSamplesNear(accelerator, bin))
                continue;
            (isNear, allNear) = (isNear || !accelerator.IsMachine, allNear || accelerator.IsMachine);
            var holders = silent.Next();
            silences.Add(accelerator, Component.Accelerator, bin, host, holders);
            // A load of a board that no table knows says nothing of its energy, and never will.
            if (holders.Count > 0 && (accelerator[Component.Accelerator].Count > 0 || cover.PowerOf(accelerator, host.Type) is not null))
                silent.Add(accelerator, default, EnergyCover.Accelerator, null, null);
        }
    }

    /// <summary>How busy a board was; null when nothing tells, or what tells it says none while the board draws what only work
    /// makes it draw.</summary>
    private double? BusyOf(MeteredResource board, ServerType? type, in Reading reading, int bin)
    {
        if (cover.LoadOf(board, Component.Accelerator, bin)?.Busy is not { } busy)
            return null;
        if (busy > 0 || reading.Evidence > Evidence.Derived || cover.PowerOf(board, type) is not { } power)
            return busy;
        var most = Piece.Seconds(reading.Ticks) * (power.Idle.Watts + (power.Max.Watts - power.Idle.Watts) * BusyPower);
        if (reading.Joules <= most)
            return busy;
        trace?.Act(board, bin, new CoverDecision(CoverRule.DeadLoad, board.Name, reading.Joules, most, "J"));
        foreach (var meter in board.Loads(Component.Accelerator))
        foreach (var part in meter.Parts)
        foreach (var load in part.Series)
            if (Interpreter.LastIn(grid[bin], load.Samples.Span) is not null)
                Refuse(
                    load,
                    bin,
                    RejectionReason.ImplausibleValue,
                    $"it told no load while the board drew {MessageText.Show(reading.Joules)} J, more than the {MessageText.Show(most)} J "
                        + "that it can draw at rest, so it is not believed in such periods of this hour."
                );
        return null;
    }

    /// <summary>Tells of the meter of a board that showed nothing.</summary>
    private void TellDead(MeteredResource board, int bin)
    {
        if (cover.DeadBoard is not { } meter)
            return;
        trace?.Act(board, bin, new CoverDecision(CoverRule.DeadBoard, meter.Series.ToString(), 0, 0, "J"));
        Refuse(
            meter,
            bin,
            RejectionReason.ImplausibleValue,
            "it showed no energy at all: a board that answers draws power, so it is not believed in such periods of this hour."
        );
    }

    /// <summary>The least that the boards drew together in a time, in joules.</summary>
    private double LeastOfBoards(long ticks)
    {
        double joules = 0;
        for (var i = 0; i < boards.Count; i++)
        {
            var reading = boards[i].Reading;
            joules += reading.Joules * cover.LeastOf(reading, Component.Accelerator) * Math.Min(1, (double)ticks / reading.Ticks);
        }
        return joules;
    }

    /// <summary>Divides a server that is known among those who hold a part of it.</summary>
    private void Divide(Host host, int bin, ServerReading whole, int count, double? grams, double? each, FactorSet made)
    {
        var (rest, scale) = Remainder(whole);
        var reading = whole.Reading;
        double own = 0;
        var inside = new Extent(0, 0);
        for (var i = 0; i < boards.Count; i++)
        {
            var within = whole.HoldsAccelerators ? Within(boards[i].Reading, reading) : 1;
            own += boards[i].Reading.Joules * within;
            inside += Extent.Of(boards[i].Reading, boards[i].Reading.Joules) * within;
        }
        var unread =
            whole.HoldsAccelerators && !serverClaims.Any && !IsOneReading() && rules.HasFlag(Rules.Unread)
                ? Math.Max(0, count - boards.Count)
                : 0;
        var one = unread > 0 ? Unread(host, reading, rest, own, unread) : default;
        var serverThere = ThereOf(host, bin, reading.Ticks);
        var part = serverThere > 0 ? Math.Min(1, (double)reading.Ticks / serverThere) : 1;
        if (unread > 0)
            trace?.Act(host.Known, bin, new CoverDecision(CoverRule.UnreadBoards, host.Name, boards.Count, count, "boards"));
        var lacks = unread > silent.Count ? MissingReasons.AcceleratorUnmetered : MissingReasons.None;

        for (var i = 0; i < boards.Count; i++)
            EnterBoard(
                boards[i],
                host.Type,
                bin,
                reading,
                scale,
                whole.HoldsAccelerators ? part : -1,
                each,
                made,
                lacks,
                whole.HoldsAccelerators ? Within(boards[i].Reading, reading) : 1
            );
        for (var i = 0; i < silent.Count; i++)
            EnterSilent(silent[i], bin, unread > 0 ? one.Joules : null, one.Range, part, each, MissingReasons.None);

        // What is left when those are taken off that nobody reads is divided among all boards alike.
        rest = Math.Max(0, rest - one.Joules * unread);
        // Of nothing too each has a part, for the bounds.
        var divided = rest > 0 ? rest : 1;
        Apportion(host, bin, reading, divided, unread, one.Joules * (unread - silent.Count), serverThere);
        var load = boards.Count > 0 || host.Server is null ? null : cover.LoadOf(host.Server, Component.Cpu, bin)?.Busy;
        long together = 0;
        foreach (var portion in portions)
            together += portion.There > 0 ? portion.There : serverThere;
        var holds = whole.HoldsAccelerators && scale == 1;
        var range = new RestRange(
            rest,
            Extent.Of(reading, reading.Joules),
            holds ? own : 0,
            holds ? inside : new Extent(0, 0),
            one.Range,
            unread,
            together > serverThere + serverThere / 100,
            scale != 1,
            unread > 0 ? unread - silent.Count : 0,
            ofOthers
        );
        idleOfRest.Clear();
        NoteRest(host, rest, reading.Ticks, load);
        if (trace is not null)
            Decide(host, bin, whole, rest + one.Joules * unread, load);
        for (var i = 0; i < portions.Count; i++)
        {
            var portion = portions[i];
            var joules = portion.Joules * (rest / divided) + portion.Unread;
            // Boards carry the machine's making where it has any; without them it goes as the joules do.
            var embodied =
                count > 0
                    ? portion.Workload == WorkloadClaims.Unclaimed && grams is not null
                        ? grams * ((double)Math.Max(0, count - boards.Count - silent.Count) / count)
                        : grams * 0
                    : rest > 0
                        ? grams * (joules / rest)
                        : grams / portions.Count;
            var seconds = Piece.Seconds(portion.There > 0 ? portion.There : serverThere);
            Enter(
                new Share
                {
                    Workload = portion.Workload,
                    Resource = host.Known,
                    Bin = bin,
                    Reading = reading with
                    {
                        Evidence = KnownSeries.Worst(
                            KnownSeries.Worst(reading.Evidence, portion.Evidence),
                            unread > 0 ? Evidence.Modelled : Evidence.Measured
                        ),
                        Mappings = provenance.Union(reading.Mappings, portion.Mappings),
                        Factors = provenance.Union(reading.Factors, made),
                    },
                    Time = new ShareTime(seconds, 0, 0, seconds * part),
                    Server = joules,
                    Embodied = embodied,
                    Cover = whole.Cover,
                    Missing = lacks,
                },
                range,
                portion,
                portion.Joules / divided,
                reading.Ticks,
                boards.Count > 0 ? BusyOf(portion.Workload) : load
            );
        }
    }

    private bool IsOneReading() => boards.Count == 1 && boards[0].Resource.IsMachine;

    /// <summary>What one of the boards that nobody reads drew, and between what it lies: as much as those that are read, between idle and
    /// the limit of its model; else anything.</summary>
    private (double Joules, Extent Range) Unread(Host host, in Reading whole, double rest, double own, int unread)
    {
        var seconds = Piece.Seconds(whole.Ticks);
        var power = boards.Count > 0 ? cover.PowerOf(boards[0].Resource, host.Type) : null;
        if (power is null && silent.Count > 0)
            power = cover.PowerOf(silent[0].Resource, host.Type);
        power ??= cover.PowerOf(host.Type);
        var most = rest / unread;
        var (low, high) = power is { } known ? (known.Idle.Watts * seconds, known.Max.Watts * seconds) : (0, most);
        var mean = boards.Count > 0 ? own / boards.Count : (low + high) / 2;
        var joules = Math.Min(Math.Max(mean, Math.Min(low, most)), most);
        return (joules, new Extent(Math.Min(low, joules), Math.Max(joules, Math.Min(high, most))));
    }

    /// <summary>For how long a server was there, of which so much is read.</summary>
    private long ThereOf(Host host, int bin, long ticks)
    {
        var length = grid[bin].Length.Ticks;
        if (ticks >= length)
            return length;
        long most = ticks;
        if (host.Server is { } server)
        {
            there.Clear();
            silences.Add(server, null, bin, host, there);
            for (var i = 0; i < there.Count; i++)
                most = Math.Max(most, there[i].There);
        }
        return Math.Min(length, Math.Max(most, ThereOfBoards()));
    }

    private long ThereOfBoards()
    {
        long most = 0;
        for (var i = 0; i < boards.Count; i++)
        for (var claim = 0; claim < boards[i].Claims.Count; claim++)
            most = Math.Max(most, boards[i].Claims.ThereOf(claim, boards[i].Reading.Ticks));
        for (var i = 0; i < silent.Count; i++)
        for (var claim = 0; claim < silent[i].Claims.Count; claim++)
            most = Math.Max(most, silent[i].Claims[claim].There);
        return most;
    }

    /// <summary>For how long a workload had a board of the machine.</summary>
    private long ThereOf(int workload)
    {
        long most = 0;
        for (var i = 0; i < boards.Count; i++)
            if (boards[i].Claims.IndexOf(workload) is >= 0 and var at)
                most = Math.Max(most, boards[i].Claims.ThereOf(at, boards[i].Reading.Ticks));
        for (var i = 0; i < silent.Count; i++)
            if (silent[i].Claims.IndexOf(workload) is >= 0 and var at)
                most = Math.Max(most, silent[i].Claims[at].There);
        return most;
    }

    /// <summary>A board that was there and is not read: its time, and of its server's joules what is taken to be its own.</summary>
    private void EnterSilent(in Sharer board, int bin, double? joules, Extent range, double part, double? grams, MissingReasons missing)
    {
        long all = 0;
        for (var i = 0; i < board.Claims.Count; i++)
            all += board.Claims[i].There;
        for (var i = 0; i < board.Claims.Count; i++)
        {
            var share = (double)board.Claims[i].There / all;
            var seconds = Piece.Seconds(board.Claims[i].There);
            Enter(
                new Share
                {
                    Workload = board.Claims[i].Workload,
                    Resource = board.Resource,
                    Bin = bin,
                    Reading = new Reading(0, 0, 0, 0, 0, joules is null ? Evidence.Measured : Evidence.Modelled, default, default),
                    Time = new ShareTime(seconds, seconds, 0, seconds * part),
                    Server = joules * share,
                    ServerRange = range * share,
                    Embodied = grams * share,
                    Cover = EnergyCover.Accelerator,
                    Missing = missing,
                }
            );
        }
    }

    /// <summary>A server that was there and of which nothing is known: its time, for those who had it.</summary>
    private void EnterSilentServer(Host host, int bin, MissingReasons missing)
    {
        if (host.Server is not { } server || !silences.IsNear(server, cover.IdleOf(host.Type) is not null, bin))
            return;
        there.Clear();
        for (var i = 0; i < boards.Count; i++)
        for (var claim = 0; claim < boards[i].Claims.Count; claim++)
            AddThere(boards[i].Claims[claim].Workload);
        for (var i = 0; i < silent.Count; i++)
        for (var claim = 0; claim < silent[i].Claims.Count; claim++)
            AddThere(silent[i].Claims[claim].Workload);
        if (there.Count == 0)
        {
            silences.Add(server, null, bin, host, there);
            if (!there.Any && SharedByCpuTime(host, bin) is not null && there.Count > 0)
            {
                var seconds = there[0].There;
                there.Clear();
                for (var i = 0; i < scratch.Count; i++)
                    there.PresentUnread(scratch[i].Workload, Math.Min(seconds, scratch.HeldOf(i, seconds)));
            }
        }
        for (var i = 0; i < there.Count; i++)
            if (there[i].There > 0)
                Enter(
                    new Share
                    {
                        Workload = there[i].Workload,
                        Resource = host.Known,
                        Bin = bin,
                        Reading = default,
                        Time = new ShareTime(Piece.Seconds(there[i].There), 0, 0, 0),
                        Cover = EnergyCover.Node,
                        Missing = missing,
                    }
                );

        void AddThere(int workload)
        {
            if (there.IndexOf(workload) < 0)
                there.PresentUnread(workload, ThereOf(workload));
        }
    }

    /// <summary>Tells once an hour that the meter of a whole showed less than what is in it.</summary>
    private void Disbelieve(MeteredResource server, int bin, KnownSeries meter, double joules, double parts)
    {
        trace?.Act(server, bin, new CoverDecision(CoverRule.LessThanItsParts, meter.Series.ToString(), joules, parts, "J"));
        Refuse(
            meter,
            bin,
            RejectionReason.LessThanItsParts,
            $"it showed {MessageText.Show(joules)} J, and what is in it drew {MessageText.Show(parts)} J at the least by its own meters: a "
                + "whole is not less than its parts, so it is not believed in such periods of this hour."
        );
    }

    /// <summary>Tells once an hour why a meter is not believed.</summary>
    private void Refuse(KnownSeries meter, int bin, RejectionReason reason, string why)
    {
        var period = grid[bin];
        var hour = period.Start.Ticks / TimeSpan.TicksPerHour;
        if (told.TryGetValue(meter, out var last) && last == hour)
            return;
        told[meter] = hour;
        rejections.Add(
            new Rejection(
                meter.Series.Source,
                meter.Series.ToString(),
                Interpreter.LastIn(period, meter.Samples.Span) ?? period.Start,
                reason,
                $"From {MessageText.Show(period.Start)} to {MessageText.Show(period.End)} {why}"
            )
        );
    }

    private readonly Dictionary<KnownSeries, long> told = [];

    /// <summary>
    /// A reading of all boards of a machine holds those of each. Each by itself is taken where none is missing, for it names its owner;
    /// else the one of all, of which the boards that are read say whose that part is.
    /// </summary>
    /// <returns>Whether the boards are those of one reading of all.</returns>
    private bool OneReadingOfBoards(Host host)
    {
        var machine = -1;
        double joules = 0;
        var single = 0;
        for (var i = 0; i < boards.Count; i++)
        {
            if (!boards[i].Resource.IsMachine)
                (single, joules) = (single + 1, joules + boards[i].Reading.Joules);
            else if (machine < 0 || boards[i].Reading.Evidence < boards[machine].Reading.Evidence)
                machine = i;
        }
        if (machine < 0)
            return false;
        var whole = boards[machine];
        if (boards.Count == 1)
            return true;
        if (single > 0 && (host.Type is { Accelerators: > 0 } type ? single >= type.Accelerators : joules * 10 >= whole.Reading.Joules * 9))
        {
            boards.Filter(static board => !board.Resource.IsMachine);
            return false;
        }
        if (!whole.Claims.Any && single > 0)
        {
            whole.Claims.Clear();
            whole.Claims.Rule = ShareRule.Boards;
            var most = Math.Max(joules, whole.Reading.Joules);
            for (var i = 0; i < boards.Count && most > 0; i++)
            {
                if (boards[i].Resource.IsMachine)
                    continue;
                for (var claim = 0; claim < boards[i].Claims.Count; claim++)
                {
                    var part = boards[i].Reading.Joules * boards[i].Claims.ShareOf(claim);
                    whole.Claims.Add(boards[i].Claims[claim].Workload, part, (long)(whole.Reading.Ticks * (part / most)));
                }
            }
            if (most > joules || most == 0)
                whole.Claims.Add(
                    WorkloadClaims.Unclaimed,
                    most - joules,
                    most > 0 ? (long)(whole.Reading.Ticks * (1 - joules / most)) : whole.Reading.Ticks
                );
        }
        boards.Filter(board => board.Resource == whole.Resource);
        return true;
    }

    /// <summary>An accelerator of which nobody says where it sits: its server's energy is unknown.</summary>
    public void AttributeLoose(MeteredResource accelerator, ServerType? type, int bin)
    {
        ReadLoose(accelerator, type, bin);
        if (IsLastOfHour(bin))
            EndHour();
    }

    private void ReadLoose(MeteredResource accelerator, ServerType? type, int bin)
    {
        scratch.Clear();
        var read = cover.Board(accelerator, type, bin, scratch);
        TellDead(accelerator, bin);
        if (read is { } reading)
        {
            if (reading.Ticks < grid[bin].Length.Ticks)
                silences.Add(accelerator, Component.Accelerator, bin, null, scratch);
            EnterBoard(
                new Sharer(accelerator, reading, EnergyCover.Accelerator, reading.Joules, BusyOf(accelerator, type, reading, bin), scratch),
                type,
                bin,
                null,
                1,
                0,
                null,
                default,
                MissingReasons.ServerUnmetered
            );
        }
        else if (cover.HasSamplesNear(accelerator, bin))
        {
            silences.Add(accelerator, Component.Accelerator, bin, null, scratch);
            if (scratch.Count > 0 && (accelerator[Component.Accelerator].Count > 0 || cover.PowerOf(accelerator, type) is not null))
                EnterSilent(
                    new Sharer(accelerator, default, EnergyCover.Accelerator, null, null, scratch),
                    bin,
                    null,
                    Extent.Unknown,
                    0,
                    null,
                    MissingReasons.ServerUnmetered
                );
        }
    }

    /// <summary>A rack, a distribution unit or an outlet.</summary>
    public void AttributeRack(MeteredResource rack, int bin)
    {
        foreach (
            var (component, name) in (ReadOnlySpan<(Component, EnergyCover)>)
                [(Component.Rack, EnergyCover.Rack), (Component.Pdu, EnergyCover.Pdu), (Component.Outlet, EnergyCover.Outlet)]
        )
        {
            scratch.Clear();
            if (cover.Boundary(rack, component, bin, scratch) is not { } reading)
                continue;
            trace?.Decide(rack, bin, Measures.Rack, name, reading.Joules, SharesOf(scratch, null));
            for (var i = 0; i < scratch.Count; i++)
                accounts.EnterRack(
                    scratch[i].Workload,
                    rack,
                    bin,
                    reading,
                    Piece.Seconds(reading.Ticks) * scratch.TimeShareOf(i),
                    reading.Joules * scratch.ShareOf(i),
                    name
                );
            return;
        }
    }

    /// <summary>The server without its accelerators, and what the accelerators' joules are multiplied by so that the sum is the server's
    /// reading.</summary>
    private (double Left, double Scale) Remainder(ServerReading server)
    {
        if (!server.HoldsAccelerators)
            return (server.Reading.Joules, 1);
        double joules = 0;
        for (var i = 0; i < boards.Count; i++)
            joules += boards[i].Reading.Joules * Within(boards[i].Reading, server.Reading);
        // Boards that drew more than the whole are read by another clock; the whole is believed.
        return joules <= server.Reading.Joules ? (server.Reading.Joules - joules, 1) : (0, server.Reading.Joules / joules);
    }

    /// <summary>The part of a board's time for which the server that holds it is known too.</summary>
    private static double Within(Reading board, Reading server) => board.Ticks > server.Ticks ? (double)server.Ticks / board.Ticks : 1;

    /// <summary>Where no label gives anything of a machine to anybody, it is shared by the work that engines on it counted, in one
    /// functional unit.</summary>
    private void ClaimByWork(Host host, int bin, ServerReading? server)
    {
        // Accelerators that fall silent for a while may be anybody's.
        if (
            host.Workers.Count == 0
            || host.IsClaimed
            || (boards.Count == 0 && (host.Accelerators.Count > 0 || host.Type is { Accelerators: > 0 }))
        )
            return;
        works.Clear();
        foreach (var worker in host.Workers)
            if (worker.UnitsIn(bin, pieces) is { } counted)
                works.Add((worker.Series.Workload, worker.Series.Mapping.FunctionalUnit!, counted));
        if (CommonUnit() is not { } unit)
            return;
        works.RemoveAll(work => work.Unit != unit || work.Units <= 0);
        var total = works.Sum(static work => work.Units);
        for (var i = 0; i < boards.Count; i++)
            Give(boards[i].Claims, boards[i].Reading);
        if (server is { } whole)
            Give(serverClaims, whole.Reading);

        void Give(WorkloadClaims claims, Reading reading)
        {
            claims.Clear();
            claims.Rule = ShareRule.Work;
            foreach (var (workload, _, units) in works)
                claims.Add(workload, reading.Joules * (units / total), (long)(reading.Ticks * (units / total)));
            claims.IsPolicy = claims.Count > 1;
        }
    }

    /// <summary>The functional unit in which all workloads that worked tell their work, output before what went in and what a cache held;
    /// null when nobody worked, or there is none.</summary>
    private string? CommonUnit()
    {
        string? common = null;
        foreach (var (_, unit, units) in works)
        {
            if (units <= 0 || unit == common || (common is not null && Precedence(common, unit) <= 0))
                continue;
            if (
                works.TrueForAll(work =>
                    work.Workload == WorkloadClaims.Unclaimed
                    || work.Units <= 0
                    || works.Exists(same => same.Workload == work.Workload && same.Unit == unit)
                )
            )
                common = unit;
        }
        return works.Exists(static work => work.Workload != WorkloadClaims.Unclaimed && work.Units > 0) ? common : null;

        static int Precedence(string a, string b) => Rank(a) != Rank(b) ? Rank(a).CompareTo(Rank(b)) : string.CompareOrdinal(a, b);

        static int Rank(string unit) =>
            unit switch
            {
                "output-token" => 0,
                "token" => 1,
                "input-token" => 3,
                "cached-input-token" => 4,
                _ => 2,
            };
    }

    private void EnterBoard(
        in Sharer board,
        ServerType? type,
        int bin,
        Reading? server,
        double scale,
        double part,
        double? grams,
        FactorSet made,
        MissingReasons missing,
        double time = 1
    )
    {
        var scaled = server is not null && scale != 1;
        var reading = scaled
            ? server!.Value with
            {
                Evidence = KnownSeries.Worst(server.Value.Evidence, board.Reading.Evidence),
                Mappings = provenance.Union(server.Value.Mappings, board.Reading.Mappings),
                Factors = provenance.Union(server.Value.Factors, board.Reading.Factors),
            }
            : board.Reading;
        reading = reading with { Factors = provenance.Union(reading.Factors, made) };
        var idle = trace is not null && board.Busy is { } told ? new IdleDecision(IdleRule.Load, told, LoadOf(board.Resource, bin)) : null;
        if (trace is not null)
            Decide(board, bin, server is null ? null : scale, time, grams is null ? null : making, idle);
        if (board.Claims.HasUnknownSlice)
            trace?.Act(board.Resource, bin, new CoverDecision(CoverRule.UnknownSlice, board.Resource.Name, 0, board.Reading.Joules, "J"));
        Note(board, type);
        var (ticks, claims) = (board.Reading.Ticks, board.Claims);
        for (var i = 0; i < claims.Count; i++)
        {
            var claim = claims[i];
            var (held, had) = (Piece.Seconds(claims.HeldOf(i, ticks)), Piece.Seconds(claims.ThereOf(i, ticks)));
            var unknown = claim.IsUnknown || (claim.Ticks == 0 && claim.Weight == 0 && held == 0);
            var share = new Share
            {
                Workload = claim.Workload,
                Resource = board.Resource,
                Bin = bin,
                Reading = reading,
                Time = new ShareTime(
                    had,
                    had,
                    held,
                    unknown ? 0
                        : part < 0 ? held * time
                        : had * part
                ),
                Embodied = grams * claims.TimeShareOf(i),
                Cover = board.Cover,
                Missing = claims.HasUnknownSlice ? missing | MissingReasons.SliceUnknown : missing,
            };
            if (unknown)
            {
                Enter(share with { Embodied = null });
                continue;
            }
            var joules = board.Reading.Joules * claims.ShareOf(i);
            double? within = server is null ? null : joules * scale * time;
            Enter(
                share with
                {
                    // Scaled to the whole, so that the server holds it.
                    Accelerator = joules * scale,
                    Server = within,
                },
                board,
                i,
                server is null ? Extent.Unknown
                    : scaled ? Extent.Of(server.Value, 1) * (scale * time)
                    : Extent.Of(board.Reading, 1) * time,
                server is null ? 1 : scale * time,
                idle
            );
        }
    }

    /// <summary>How busy the boards of a workload were, by the time that it held them; of nobody's boards where it holds none. Null when a
    /// board does not tell.</summary>
    private double? BusyOf(int workload)
    {
        double own = 0,
            ownTicks = 0,
            all = 0,
            allTicks = 0;
        for (var i = 0; i < boards.Count; i++)
        {
            if (boards[i].Busy is not { } busy)
                return null;
            (all, allTicks) = (all + busy * boards[i].Reading.Ticks, allTicks + boards[i].Reading.Ticks);
            for (var claim = 0; claim < boards[i].Claims.Count; claim++)
            {
                if (boards[i].Claims[claim].Workload != workload)
                    continue;
                var ticks = boards[i].Reading.Ticks * boards[i].Claims.TimeShareOf(claim);
                (own, ownTicks) = (own + busy * ticks, ownTicks + ticks);
            }
        }
        return ownTicks > 0 ? own / ownTicks
            : allTicks > 0 ? all / allTicks
            : null;
    }

    /// <summary>Divides the rest of a server into portions that add up to it; at least one.</summary>
    private void Apportion(Host host, int bin, Reading server, double rest, int unread, double ofUnread, long ticks)
    {
        portions.Clear();
        ofOthers = 0;
        var unclaimed = 0.0;
        for (var i = 0; i < serverClaims.Count; i++)
        {
            if (serverClaims[i] is { Ticks: 0, Weight: 0 })
                continue;
            var share = serverClaims.ShareOf(i);
            if (serverClaims[i].Workload == WorkloadClaims.Unclaimed)
                unclaimed = share;
            else
                AddPortion(
                    serverClaims[i].Workload,
                    rest * share,
                    server.Evidence,
                    server.Mappings,
                    KeyOf(serverClaims, i),
                    serverClaims.HeldOf(i, ticks),
                    serverClaims.IsPolicy
                );
        }
        if (serverClaims.Count == 0)
            unclaimed = 1;
        if (unclaimed == 0 && portions.Count > 0)
            return;

        var left = rest * unclaimed;
        if (ReadSharers(host, bin, standAlone: false))
            left = ApportionByShare(left);
        if (left > 0 || portions.Count == 0 || unread > 0)
            ApportionByAccelerator(host, bin, left, server, unread, ofUnread);
    }

    private double ApportionByShare(double left)
    {
        double claimed = 0;
        for (var i = 0; i < sharers.Count; i++)
        {
            for (var claim = 0; claim < sharers[i].Claims.Count; claim++)
                if (sharers[i].Claims[claim].Workload != WorkloadClaims.Unclaimed)
                    claimed += sharers[i].Reading.Joules * sharers[i].Claims.ShareOf(claim);
        }
        // Pods may be metered before the losses of the supply or by a model that knows no limit: they get at most what there is.
        var scale = claimed > left ? left / claimed : 1;
        for (var i = 0; i < sharers.Count; i++)
        {
            var (reading, claims) = (sharers[i].Reading, sharers[i].Claims);
            for (var claim = 0; claim < claims.Count; claim++)
                if (claims[claim].Workload != WorkloadClaims.Unclaimed)
                {
                    var joules = reading.Joules * claims.ShareOf(claim) * scale;
                    AddPortion(
                        claims[claim].Workload,
                        joules,
                        reading.Evidence,
                        reading.Mappings,
                        trace is null ? null : new ShareKey(ShareRule.PodEnergy, joules, left, "J"),
                        claims.HeldOf(claim, reading.Ticks),
                        isPolicy: false
                    );
                }
        }
        return claimed >= left ? 0 : left - claimed;
    }

    /// <summary>Every board of the machine has its part, read or not; that of a board of which nothing tells whose it is, is
    /// nobody's.</summary>
    private void ApportionByAccelerator(Host host, int bin, double left, Reading server, int unread, double ofUnread)
    {
        double total = 0;
        for (var i = 0; i < boards.Count; i++)
            total += boards[i].Reading.Ticks;
        var others = Math.Max(0, unread - silent.Count);
        total += (double)server.Ticks * (unread > 0 ? others + silent.Count : 0);
        if (total == 0)
        {
            ApportionByCpuTime(host, bin, left, server);
            return;
        }
        for (var i = 0; i < boards.Count; i++)
        {
            var (reading, claims) = (boards[i].Reading, boards[i].Claims);
            for (var claim = 0; claim < claims.Count; claim++)
            {
                var held = reading.Ticks * claims.TimeShareOf(claim);
                if (held == 0 && claims.Count > 1)
                    continue;
                var doubt = claims.Weight > 0 ? held / total / Math.Max(1e-300, claims.ShareOf(claim)) : 0;
                AddPortion(
                    claims[claim].Workload,
                    left * (held / total),
                    server.Evidence,
                    server.Mappings,
                    Key(held),
                    claims.ThereOf(claim, reading.Ticks),
                    isPolicy: true,
                    claims.Weight > 0 ? claims[claim].Less / claims.Weight * doubt : 0,
                    claims.Weight > 0 ? claims[claim].More / claims.Weight * doubt : 0
                );
            }
        }
        for (var i = 0; unread > 0 && i < silent.Count; i++)
        {
            var claims = silent[i].Claims;
            long all = 0;
            for (var claim = 0; claim < claims.Count; claim++)
                all += claims[claim].There;
            for (var claim = 0; claim < claims.Count; claim++)
            {
                var held = server.Ticks * ((double)claims[claim].There / all);
                AddPortion(
                    claims[claim].Workload,
                    left * (held / total),
                    server.Evidence,
                    server.Mappings,
                    Key(held),
                    claims[claim].There,
                    isPolicy: true
                );
            }
        }
        if (others > 0)
        {
            var held = (double)server.Ticks * others;
            ofOthers = held / total;
            AddPortion(WorkloadClaims.Unclaimed, left * (held / total), server.Evidence, server.Mappings, Key(held), 0, isPolicy: true);
            var at = portions.FindIndex(static portion => portion.Workload == WorkloadClaims.Unclaimed);
            portions[at] = portions[at] with { Unread = ofUnread, UnreadBoards = others };
        }

        ShareKey? Key(double held) =>
            trace is null
                ? null
                : new ShareKey(ShareRule.AcceleratorTime, held / TimeSpan.TicksPerSecond, total / TimeSpan.TicksPerSecond, "s");
    }

    private void ApportionByCpuTime(Host host, int bin, double left, Reading server)
    {
        if (SharedByCpuTime(host, bin) is not { } mappings)
            AddPortion(
                WorkloadClaims.Unclaimed,
                left,
                server.Evidence,
                server.Mappings,
                trace is null ? null : new ShareKey(ShareRule.Rest, left, left, "J"),
                0,
                isPolicy: false
            );
        else
            for (var i = 0; i < scratch.Count; i++)
                AddPortion(
                    scratch[i].Workload,
                    left * scratch.ShareOf(i),
                    server.Evidence,
                    provenance.Union(server.Mappings, mappings),
                    trace is null ? null : new ShareKey(ShareRule.CpuTime, scratch[i].Weight, scratch.Weight, "s at full load"),
                    scratch.HeldOf(i, server.Ticks),
                    isPolicy: true
                );
    }

    /// <summary>Reads into the scratch claims the CPU time of those who share the machine, on the first level on which anybody is a
    /// workload's.</summary>
    /// <returns>The mappings that told it; null when there is no such level.</returns>
    private MappingSet? SharedByCpuTime(Host host, int bin)
    {
        foreach (var level in host.SharerLevels)
        {
            scratch.Clear();
            var mappings = default(MappingSet);
            foreach (var sharer in level)
                if (cover.LoadOf(sharer, Component.Cpu, bin, scratch) is { } load)
                    mappings = provenance.Union(mappings, load.Mappings);
            if (scratch.Any && scratch.Weight > 0)
                return mappings;
        }
        return null;
    }

    /// <summary>Pods or containers of a server that nothing reads: they are all that is known of it.</summary>
    /// <returns>Whether there are any.</returns>
    private bool StandAlone(Host host, int bin, MissingReasons missing)
    {
        if (!ReadSharers(host, bin, standAlone: true))
            return false;
        for (var i = 0; i < sharers.Count; i++)
        {
            var (resource, reading, about, accelerator, busy, claims) = sharers[i];
            double? server = about == EnergyCover.Accelerator ? null : reading.Joules;
            trace?.Decide(
                resource,
                bin,
                server is null ? Measures.Accelerator : Measures.Server,
                EnergyCover.Share,
                reading.Joules,
                SharesOf(claims, busy is { } level ? new IdleDecision(IdleRule.Load, level, LoadOf(resource, bin)) : null),
                decision => decision with { ServerScale = server is null ? null : 1 }
            );
            for (var claim = 0; claim < claims.Count; claim++)
            {
                var share = claims.ShareOf(claim);
                var seconds = Piece.Seconds(claims.HeldOf(claim, reading.Ticks));
                accounts.Enter(
                    new Share
                    {
                        Workload = claims[claim].Workload,
                        Resource = resource,
                        Bin = bin,
                        Reading = reading,
                        Time = new ShareTime(seconds, accelerator is null ? 0 : seconds, seconds, seconds),
                        Accelerator = accelerator * share,
                        AcceleratorRange = accelerator is { } ofBoards ? Extent.Of(reading, ofBoards * share) : Extent.Unknown,
                        Server = server * share,
                        ServerRange = server is { } all ? Extent.Of(reading, all * share) : Extent.Unknown,
                        Idle = (server ?? accelerator) * share * (1 - busy),
                        IdleBy = IdleMeans.Load,
                        Cover = EnergyCover.Share,
                        Missing = server is null ? missing | MissingReasons.ServerUnmetered : MissingReasons.None,
                    }
                );
            }
        }
        return true;
    }

    /// <summary>Reads one level of what shares the server: the first on which a workload claims anything; standing alone, else the first
    /// that says anything.</summary>
    private bool ReadSharers(Host host, int bin, bool standAlone)
    {
        var speaking = -1;
        for (var level = 0; level < host.SharerLevels.Count; level++)
        {
            if (ReadLevel(host.SharerLevels[level], bin))
                return true;
            if (speaking < 0 && sharers.Count > 0)
                speaking = level;
        }
        if (!standAlone || speaking < 0)
            return false;
        ReadLevel(host.SharerLevels[speaking], bin);
        return true;
    }

    private bool ReadLevel(MeteredResource[] level, int bin)
    {
        sharers.Clear();
        var claimed = false;
        foreach (var sharer in level)
        {
            var claims = sharers.Next();
            var server = cover.Server(sharer, bin, false, claims);
            // Where the boards are read themselves, a pod's part of them is known by the boards' labels.
            var accelerator =
                boards.Count == 0 && server is not { HoldsAccelerators: true }
                    ? cover.Component(sharer, Component.Accelerator, bin, claims)
                    : null;
            if (server is { } whole)
                sharers.Add(
                    sharer,
                    accelerator is { } more ? cover.Sum(whole.Reading, more) : whole.Reading,
                    whole.Cover,
                    accelerator?.Joules,
                    null
                );
            else if (accelerator is { } alone)
                sharers.Add(sharer, alone, EnergyCover.Accelerator, alone.Joules, cover.LoadOf(sharer, Component.Accelerator, bin)?.Busy);
            else
                continue;
            claimed |= claims.Any;
        }
        return claimed;
    }

    private void AddPortion(
        int workload,
        double joules,
        Evidence evidence,
        MappingSet readThrough,
        ShareKey? key,
        long held,
        bool isPolicy,
        double less = 0,
        double more = 0
    )
    {
        if (key is not null)
            trace!.Portion(workload, key);
        for (var i = 0; i < portions.Count; i++)
        {
            var known = portions[i];
            if (known.Workload != workload)
                continue;
            portions[i] = known with
            {
                Joules = known.Joules + joules,
                Evidence = KnownSeries.Worst(known.Evidence, evidence),
                Mappings = provenance.Union(known.Mappings, readThrough),
                There = Math.Max(known.There, held),
                IsPolicy = known.IsPolicy || isPolicy,
                Less = known.Less + less,
                More = known.More + more,
            };
            return;
        }
        portions.Add(new Portion(workload, joules, evidence, readThrough, held, isPolicy, less, more, 0, 0));
    }

    /// <summary>What of the rest of a server falls to a workload.</summary>
    /// <param name="Workload">Whose.</param>
    /// <param name="Joules">Its part of the rest.</param>
    /// <param name="Evidence">Of what gave it.</param>
    /// <param name="Mappings">Of what gave it.</param>
    /// <param name="There">For how long it had it; 0 for as long as the server was there.</param>
    /// <param name="IsPolicy">Whether the part is a policy, where others have one too.</param>
    /// <param name="Less">Of the rest what may be another's, for hands changed: as a share of it.</param>
    /// <param name="More">What may be its own beyond its part: as a share of the rest.</param>
    /// <param name="Unread">Joules of boards that nobody reads.</param>
    /// <param name="UnreadBoards">How many these are.</param>
    private readonly record struct Portion(
        int Workload,
        double Joules,
        Evidence Evidence,
        MappingSet Mappings,
        long There,
        bool IsPolicy,
        double Less,
        double More,
        double Unread,
        int UnreadBoards
    );

    /// <summary>What was decided about an accelerator.</summary>
    private void Decide(in Sharer board, int bin, double? scale, double time, EmbodiedDecision? embodied, IdleDecision? idle)
    {
        trace!.Decide(
            board.Resource,
            bin,
            Measures.Accelerator,
            board.Cover,
            board.Reading.Joules,
            SharesOf(board.Claims, idle),
            decision => decision with { ServerScale = scale, ServerTime = time, Embodied = embodied }
        );
    }

    /// <summary>What was decided about a server, once it is divided.</summary>
    private void Decide(Host host, int bin, ServerReading server, double rest, double? load)
    {
        var read = host.Server is null ? null : trace!.LoadOf(host.Server, Component.Cpu, bin);
        trace!.Decide(
            host.Known,
            bin,
            Measures.Server,
            server.Cover,
            server.Reading.Joules,
            trace.TakePortions(workload =>
                boards.Count > 0
                    ? BusyOf(workload) is { } mean
                        ? Keep(workload, new IdleDecision(IdleRule.Accelerators, mean, null))
                        : null
                    : load is { } busy
                        ? Keep(workload, new IdleDecision(IdleRule.Load, busy, read))
                        : null
            ),
            decision =>
                decision with
                {
                    JoulesOfAccelerators = server.HoldsAccelerators && boards.Count > 0 ? server.Reading.Joules - rest : null,
                    Embodied = making,
                }
        );
    }

    private LoadReading? LoadOf(MeteredResource board, int bin) => trace!.LoadOf(board, Component.Accelerator, bin);

    private IReadOnlyList<ShareDecision> SharesOf(WorkloadClaims claims, IdleDecision? idle) =>
        [.. Enumerable.Range(0, claims.Count).Select(i => new ShareDecision(trace!.NameOf(claims[i].Workload), [KeyOf(claims, i)!], idle))];

    /// <summary>Why a claim has its share; null when nobody asks.</summary>
    private ShareKey? KeyOf(WorkloadClaims claims, int index)
    {
        if (trace is null)
            return null;
        if (claims.Rule != ShareRule.Work)
            return new ShareKey(claims.Rule, claims[index].Weight, claims.Weight, claims.Rule == ShareRule.Boards ? "J" : "");
        var workload = claims[index].Workload;
        return new ShareKey(
            ShareRule.Work,
            works.Where(work => work.Workload == workload).Sum(work => work.Units),
            works.Sum(work => work.Units),
            works[0].Unit
        );
    }

    /// <summary>A resource's reading, how much of it is known to be accelerators', how busy it was, and those who claim it.</summary>
    private readonly record struct Sharer(
        MeteredResource Resource,
        Reading Reading,
        EnergyCover Cover,
        double? JoulesOfAccelerators,
        double? Busy,
        WorkloadClaims Claims
    );

    /// <summary>Readings of a period side by side, their claims used again from period to period.</summary>
    private sealed class Roster
    {
        private readonly List<Sharer> shares = [];
        private readonly List<WorkloadClaims> claims = [];

        public int Count => shares.Count;

        public Sharer this[int index] => shares[index];

        public void Clear() => shares.Clear();

        /// <summary>Leaves those out that the condition does not hold for; nothing is added after that.</summary>
        public void Filter(Predicate<Sharer> condition) => shares.RemoveAll(share => !condition(share));

        /// <summary>Empty claims for the reading that may be added next.</summary>
        public WorkloadClaims Next()
        {
            if (claims.Count == shares.Count)
                claims.Add(new WorkloadClaims());
            claims[shares.Count].Clear();
            return claims[shares.Count];
        }

        public void Add(MeteredResource resource, Reading reading, EnergyCover cover, double? joulesOfAccelerators, double? busy) =>
            shares.Add(new Sharer(resource, reading, cover, joulesOfAccelerators, busy, claims[shares.Count]));
    }
}
