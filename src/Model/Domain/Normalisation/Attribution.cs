using Metrics.Domain.Facts;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Normalisation;

/// <summary>
/// Attribute: the energy of each resource goes to the workloads, all of it. What carries a workload's labels is its own;
/// the rest of a server goes by what its pods or containers drew, then by the accelerators that each workload holds, then by
/// the CPU time of its pods. A machine that no label gives to anybody goes by the work that was done on it. What is left is
/// unattributed.
/// </summary>
internal sealed class Attribution(Cover cover, Accounts accounts, Provenance provenance, Pieces pieces)
{
    private readonly DecisionTrace? trace = cover.Trace;
    private readonly List<(int Workload, double Joules, Evidence Evidence, MappingSet Mappings)> portions = [];
    private readonly List<(int Workload, string Unit, double Units)> works = [];
    private readonly Roster boards = new();
    private readonly Roster sharers = new();
    private readonly WorkloadClaims serverClaims = new();
    private readonly WorkloadClaims scratch = new();
    private EmbodiedDecision? making;

    /// <summary>A server, its accelerators and what shares it, in one grid period.</summary>
    public void Attribute(Host host, int bin)
    {
        boards.Clear();
        bool silent = false,
            allSilent = false;
        foreach (var accelerator in host.Accelerators)
        {
            var claims = boards.Next();
            if (cover.Board(accelerator, host.Type, bin, claims) is not { } reading)
            {
                if (cover.HasSamplesNear(accelerator, bin))
                    (silent, allSilent) = (silent || !accelerator.IsMachine, allSilent || accelerator.IsMachine);
                continue;
            }
            boards.Add(
                accelerator,
                reading,
                EnergyCover.Accelerator,
                reading.Joules,
                cover.LoadOf(accelerator, Component.Accelerator, bin)?.Busy
            );
        }

        var all = OneReadingOfBoards(host);
        var boardTicks = long.MaxValue;
        for (var i = 0; i < boards.Count; i++)
            boardTicks = Math.Min(boardTicks, boards[i].Reading.Ticks);

        serverClaims.Clear();
        var missing = MissingReasons.None;
        var server = host.Server is { } metered ? cover.Server(metered, bin, boards.Count > 0, serverClaims) : null;
        // Boards that stand beside what was read are missing from it, or it would be a server that is smaller.
        var refused =
            server is { HoldsAccelerators: false }
            && !all
            && (silent || (allSilent && boards.Count == 0) || boards.Count < host.Type?.Accelerators);
        if (refused)
        {
            (server, missing) = (null, MissingReasons.AcceleratorUnmetered);
            serverClaims.Clear();
        }
        server ??= refused ? null : cover.Host(host, bin, boards.Count, all, boardTicks, serverClaims, out missing);
        ClaimByWork(host, bin, server);

        var machines = server?.Machines ?? (all ? cover.LoadOf(boards[0].Resource, Component.Accelerator, bin)?.Servers : null) ?? 1;
        var reserved = TimeSpan.FromTicks(server?.Reading.Ticks ?? (boards.Count > 0 ? boardTicks : 0));
        var grams = host.Type?.Embodied?.Of(reserved).Grams * machines;
        // Who reads the grams asks what they were made of, also where a meter reads the energy and the type gives nothing else.
        var made = grams is null ? default : provenance.Of(host.Type!.FactorName);
        if (trace is not null)
            making = grams is { } total
                ? new EmbodiedDecision(host.Type!.Embodied!, reserved.TotalSeconds, machines, total, boards.Count, host.Type.FactorName)
                : null;
        if (server is not { } whole)
        {
            for (var i = 0; i < boards.Count; i++)
                EnterBoard(boards[i], bin, null, 1, grams / boards.Count, made, missing);
            if (!refused)
                StandAlone(host, bin, missing);
            return;
        }
        var (rest, scale) = Remainder(whole);
        for (var i = 0; i < boards.Count; i++)
            EnterBoard(
                boards[i],
                bin,
                whole.Reading,
                scale,
                grams / boards.Count,
                made,
                MissingReasons.None,
                whole.HoldsAccelerators ? Within(boards[i].Reading, whole.Reading) : 1
            );
        Apportion(host, bin, whole.Reading, rest);
        var load = boards.Count > 0 || host.Server is null ? null : cover.LoadOf(host.Server, Component.Cpu, bin)?.Busy;
        if (trace is not null)
            Decide(host, bin, whole, rest, load);
        foreach (var (workload, joules, evidence, of) in portions)
        {
            var reading = whole.Reading with
            {
                Evidence = KnownSeries.Worst(whole.Reading.Evidence, evidence),
                Mappings = provenance.Union(whole.Reading.Mappings, of),
                Factors = provenance.Union(whole.Reading.Factors, made),
            };
            // Boards carry the machine's making where it has any; without them it goes as the joules do.
            var embodied =
                boards.Count > 0 ? grams * 0
                : rest > 0 ? grams * (joules / rest)
                : grams / portions.Count;
            accounts.Enter(
                new Share(
                    workload,
                    host.Known,
                    bin,
                    reading,
                    Piece.Seconds(reading.Ticks),
                    null,
                    joules,
                    joules * (1 - (boards.Count > 0 ? BusyOf(workload) : load)),
                    embodied,
                    whole.Cover,
                    MissingReasons.None
                )
            );
        }
    }

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
    public void AttributeLoose(MeteredResource accelerator, Factors.ServerType? type, int bin)
    {
        scratch.Clear();
        if (cover.Board(accelerator, type, bin, scratch) is { } reading)
            EnterBoard(
                new Sharer(
                    accelerator,
                    reading,
                    EnergyCover.Accelerator,
                    reading.Joules,
                    cover.LoadOf(accelerator, Component.Accelerator, bin)?.Busy,
                    scratch
                ),
                bin,
                null,
                1,
                null,
                default,
                MissingReasons.ServerUnmetered
            );
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
        int bin,
        Reading? server,
        double scale,
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
        if (trace is not null)
            Decide(board, bin, server is null ? null : scale, time, grams is null ? null : making);
        for (var i = 0; i < board.Claims.Count; i++)
        {
            var joules = board.Reading.Joules * board.Claims.ShareOf(i);
            double? within = server is null ? null : joules * scale * time;
            accounts.Enter(
                new Share(
                    board.Claims[i].Workload,
                    board.Resource,
                    bin,
                    reading,
                    Piece.Seconds(board.Reading.Ticks) * time * board.Claims.TimeShareOf(i),
                    joules,
                    within,
                    (within ?? joules) * (1 - board.Busy),
                    grams * board.Claims.TimeShareOf(i),
                    board.Cover,
                    missing
                )
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
    private void Apportion(Host host, int bin, Reading server, double rest)
    {
        portions.Clear();
        var unclaimed = 0.0;
        for (var i = 0; i < serverClaims.Count; i++)
        {
            var share = serverClaims.ShareOf(i);
            if (serverClaims[i].Workload == WorkloadClaims.Unclaimed)
                unclaimed = share;
            else
                Portion(serverClaims[i].Workload, rest * share, server.Evidence, server.Mappings, KeyOf(serverClaims, i));
        }
        if (serverClaims.Count == 0)
            unclaimed = 1;
        if (unclaimed == 0 && portions.Count > 0)
            return;

        var left = rest * unclaimed;
        if (ReadSharers(host, bin, standAlone: false))
            left = ApportionByShare(left);
        if (left > 0 || portions.Count == 0)
            ApportionByAccelerator(host, bin, left, server);
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
                    Portion(
                        claims[claim].Workload,
                        joules,
                        reading.Evidence,
                        reading.Mappings,
                        trace is null ? null : new ShareKey(ShareRule.PodEnergy, joules, left, "J")
                    );
                }
        }
        return claimed >= left ? 0 : left - claimed;
    }

    private void ApportionByAccelerator(Host host, int bin, double left, Reading server)
    {
        double total = 0;
        for (var i = 0; i < boards.Count; i++)
            total += boards[i].Reading.Ticks;
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
                Portion(
                    claims[claim].Workload,
                    left * (held / total),
                    server.Evidence,
                    server.Mappings,
                    trace is null
                        ? null
                        : new ShareKey(ShareRule.AcceleratorTime, held / TimeSpan.TicksPerSecond, total / TimeSpan.TicksPerSecond, "s")
                );
            }
        }
    }

    private void ApportionByCpuTime(Host host, int bin, double left, Reading server)
    {
        if (SharedByCpuTime(host, bin) is not { } mappings)
            Portion(
                WorkloadClaims.Unclaimed,
                left,
                server.Evidence,
                server.Mappings,
                trace is null ? null : new ShareKey(ShareRule.Rest, left, left, "J")
            );
        else
            for (var i = 0; i < scratch.Count; i++)
                Portion(
                    scratch[i].Workload,
                    left * scratch.ShareOf(i),
                    server.Evidence,
                    provenance.Union(server.Mappings, mappings),
                    trace is null ? null : new ShareKey(ShareRule.CpuTime, scratch[i].Weight, scratch.Weight, "s at full load")
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
    private void StandAlone(Host host, int bin, MissingReasons missing)
    {
        if (!ReadSharers(host, bin, standAlone: true))
            return;
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
                accounts.Enter(
                    new Share(
                        claims[claim].Workload,
                        resource,
                        bin,
                        reading,
                        Piece.Seconds(reading.Ticks) * claims.TimeShareOf(claim),
                        accelerator * share,
                        server * share,
                        (server ?? accelerator) * share * (1 - busy),
                        null,
                        EnergyCover.Share,
                        server is null ? missing | MissingReasons.ServerUnmetered : MissingReasons.None
                    )
                );
            }
        }
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

    private void Portion(int workload, double joules, Evidence evidence, MappingSet readThrough, ShareKey? key)
    {
        if (key is not null)
            trace!.Portion(workload, key);
        for (var i = 0; i < portions.Count; i++)
        {
            var known = portions[i];
            if (known.Workload != workload)
                continue;
            portions[i] = (
                workload,
                known.Joules + joules,
                KnownSeries.Worst(known.Evidence, evidence),
                provenance.Union(known.Mappings, readThrough)
            );
            return;
        }
        portions.Add((workload, joules, evidence, readThrough));
    }

    /// <summary>What was decided about an accelerator.</summary>
    private void Decide(in Sharer board, int bin, double? scale, double time, EmbodiedDecision? embodied)
    {
        var load = LoadOf(board.Resource, bin);
        trace!.Decide(
            board.Resource,
            bin,
            Measures.Accelerator,
            board.Cover,
            board.Reading.Joules,
            SharesOf(board.Claims, board.Busy is { } busy ? new IdleDecision(IdleRule.Load, busy, load) : null),
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
                        ? new IdleDecision(IdleRule.Accelerators, mean, null)
                        : null
                    : load is { } busy
                        ? new IdleDecision(IdleRule.Load, busy, read)
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
