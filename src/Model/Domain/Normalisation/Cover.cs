using Metrics.Domain.Catalogue;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Normalisation;

/// <summary>What the readings chosen for something say about one grid period.</summary>
/// <param name="Joules">Its energy.</param>
/// <param name="Low">The least that it can be, in joules; NaN when unknown.</param>
/// <param name="High">The most that it can be, in joules; NaN when unknown.</param>
/// <param name="Measured">The part of it that is measured or derived.</param>
/// <param name="Ticks">The stretch for which all of it is known.</param>
/// <param name="Evidence">The worst of the inputs.</param>
/// <param name="Mappings">The mappings of the inputs.</param>
/// <param name="Factors">The factors that models of power were made with.</param>
internal readonly record struct Reading(
    double Joules,
    double Low,
    double High,
    double Measured,
    long Ticks,
    Evidence Evidence,
    MappingSet Mappings,
    FactorSet Factors
)
{
    /// <summary>The part of some joules of this reading that is measured or derived.</summary>
    public double MeasuredOf(double joules) =>
        Joules > 0 ? joules * (Measured / Joules)
        : Evidence <= Evidence.Derived ? joules
        : 0;

    /// <summary>The least that some joules of this reading can be; null when unknown.</summary>
    public double? LowOf(double joules) =>
        double.IsNaN(Low) ? null
        : Joules > 0 ? joules * (Low / Joules)
        : 0;

    /// <summary>The most that some joules of this reading can be; null when unknown.</summary>
    public double? HighOf(double joules) =>
        double.IsNaN(High) ? null
        : Joules > 0 ? joules * (High / Joules)
        : 0;
}

/// <summary>How busy something was in one grid period.</summary>
/// <param name="Busy">Mean utilisation, from 0 to 1.</param>
/// <param name="Ticks">The stretch for which it is known.</param>
/// <param name="Mappings">The mappings that told it.</param>
/// <param name="Servers">How many servers it is the mean of; one unless a label says more.</param>
internal readonly record struct Load(double Busy, long Ticks, MappingSet Mappings, double Servers);

/// <summary>The server boundary of a machine in one grid period.</summary>
/// <param name="Reading">What was read of it.</param>
/// <param name="Cover">What made it up.</param>
/// <param name="HoldsAccelerators">Whether the reading holds the energy of the accelerators, or they come on top.</param>
/// <param name="Machines">How many machines are told as this one; one unless a label says more.</param>
internal readonly record struct ServerReading(Reading Reading, EnergyCover Cover, bool HoldsAccelerators, double Machines = 1);

/// <summary>What is known to be in a whole, by meters of its own.</summary>
/// <param name="Processors">The least that processors and memory drew, in joules.</param>
/// <param name="Ticks">For how long these are read.</param>
/// <param name="Boards">The least that accelerators drew in so many ticks; null when they lie outside of the whole.</param>
internal readonly record struct Parts(double Processors, long Ticks, Func<long, double>? Boards)
{
    /// <summary>The least that all of it drew in a time.</summary>
    public double In(long ticks) => (Ticks > ticks ? Processors * ((double)ticks / Ticks) : Processors) + (Boards?.Invoke(ticks) ?? 0);
}

/// <summary>
/// Cover: from all that is read of a resource, one reading for each component and one set of components for each
/// boundary, so that nothing is counted twice.
/// </summary>
internal sealed class Cover(Grid grid, Pieces pieces, Provenance provenance, IReadOnlyList<KnownSeries> series, FactorBook? factors)
{
    // A load below this may be a rounding of none.
    private const double LeastLoad = 0.02;

    private static readonly Bounds Unstated = new(0.75, 1.25);

    private readonly FactorSet usualLoad = provenance.Of(UsualLoad.FactorName);
    private readonly List<Piece> chosen = [];
    private readonly List<Piece> filled = [];
    private readonly List<Piece> together = [];
    private readonly List<(int Workload, double Weight)> sharing = [];
    private readonly List<(string Name, long Ticks)> slices = [];
    private readonly List<(long Ticks, int Series, double Amount)> tracks = [];
    private readonly PriorityQueue<int, (long End, int Track)> ends = new();
    private int[] trackOf = new int[16];

    /// <summary>Receives what is decided; null when nobody asks.</summary>
    public DecisionTrace? Trace { get; init; }

    /// <summary>Slices of boards whose part is unknown.</summary>
    public HashSet<KnownSeries> UnknownSlices { get; } = [];

    /// <summary>What has a load and no power behind it, with what is wrong and what to do.</summary>
    public Dictionary<MeteredResource, string> Unmodelled { get; } = [];

    /// <summary>What the best meter of the component says; null when none says anything.</summary>
    /// <param name="resource">The resource.</param>
    /// <param name="component">The component; its disjoint parts are added up.</param>
    /// <param name="bin">The grid period.</param>
    /// <param name="claims">Receives who claims the series that were read.</param>
    /// <param name="parts">What is known to be in it; a meter that shows less, beyond what meters err by, is not believed.</param>
    public Reading? Component(MeteredResource resource, Component component, int bin, WorkloadClaims claims, Parts parts = default)
    {
        var meters = resource[component];
        if (meters.Count == 0 || Best(meters, bin, parts) is not { } meter)
            return null;

        var terms = Trace is null ? null : new List<double>();
        double joules = 0,
            low = 0,
            high = 0;
        var ticks = long.MaxValue;
        foreach (var part in meter.Parts)
        {
            double partJoules = 0;
            long partTicks = 0;
            foreach (ref readonly var piece in Track(part, bin))
            {
                partJoules += piece.Amount;
                partTicks += piece.Ticks;
                terms?.Add(piece.Amount);
                Trace?.Used.Add((piece.Series, bin));
                if (series[piece.Series].OwnPower is not { } power)
                    continue;
                low += power.Idle * piece.Ticks / TimeSpan.TicksPerSecond;
                high += power.Max * piece.Ticks / TimeSpan.TicksPerSecond;
            }
            if (partTicks == 0)
                continue;
            Claim(part, bin, partJoules, partTicks, claims);
            joules += partJoules;
            ticks = Math.Min(ticks, partTicks);
        }
        // The better meter may carry no labels of a workload where a lesser one does: whose it is, is then told by that one.
        if (meters.Count > 1 && !claims.Any)
            ClaimByOthers(meters, meter, bin, ticks, claims);
        var evidence = meter.First.Evidence;
        Bounds? accuracy = null;
        if (meter.First.OwnPower is null)
        {
            // Of a meter whose accuracy nobody states the bounds are unknown, which is not exact.
            accuracy = factors?.Uncertainty.Of(evidence, component);
            (low, high) = accuracy is { } bounds ? (joules * bounds.Low, joules * bounds.High) : (double.NaN, double.NaN);
        }
        Trace?.Read(
            resource,
            bin,
            new MeterReading(component, meter.First.Mapping, terms!, accuracy, meter.First.OwnPower is null ? null : new Bounds(low, high))
        );
        return new Reading(joules, low, high, evidence <= Evidence.Derived ? joules : 0, ticks, evidence, meter.First.Mappings, default);
    }

    /// <summary>What a board drew: what its meters say, else what its hardware draws at the load that is told of it; null when neither is
    /// known.</summary>
    /// <param name="board">A board, or all boards of a machine.</param>
    /// <param name="type">The machine that it sits in; null when unknown.</param>
    /// <param name="bin">The grid period.</param>
    /// <param name="claims">Receives who claims the series that were read.</param>
    public Reading? Board(MeteredResource board, ServerType? type, int bin, WorkloadClaims claims)
    {
        if (Component(board, Quantities.Component.Accelerator, bin, claims) is { } read)
        {
            // A meter of the node names no pod, while the load of the pod's container on the same board does.
            if (!claims.Any)
                ClaimByLoads(board, bin, null, claims);
            return read;
        }
        if (factors is null || LoadOf(board, Quantities.Component.Accelerator, bin) is not { } load)
            return null;
        var name = board.Hardware ?? type?.Accelerator;
        if (name is null || factors.Hardware.Accelerator(name) is not { } hardware)
        {
            Unmodelled.TryAdd(
                board,
                name is null
                    ? "nothing tells what accelerator it is. Name the machine's type in the settings of the source (Hardware)."
                    : $"the power of an accelerator '{name}' is not known. Add it by a hardware file under Metrics:Factors."
            );
            return null;
        }
        var count = CountOf(board, type);
        var limit = LimitOf(board, bin);
        var isLimited = limit is { } allowed && allowed.Mean.Watts >= hardware.Power.Idle.Watts;
        var power = isLimited ? hardware.Power.Under(limit!.Value.Mean) : hardware.Power;
        ClaimByLoads(board, bin, power, claims);
        Trace?.Modelled(
            board,
            bin,
            new PowerDecision(power, load.Busy, Piece.Seconds(load.Ticks), count, load.Servers, hardware.FactorName)
            {
                Load = Trace.LoadOf(board, Quantities.Component.Accelerator, bin),
                Limit = isLimited ? limit!.Value.Mean : null,
            }
        );
        return Modelled(power, count, load, limit?.Mappings ?? default, provenance.Of(hardware.FactorName));
    }

    /// <summary>Power of a board, or of all boards of a machine, by the table of hardware; null when it does not know it.</summary>
    public PowerRange? PowerOf(MeteredResource board, ServerType? type)
    {
        if ((board.Hardware ?? type?.Accelerator) is not { } name || factors?.Hardware.Accelerator(name) is not { } hardware)
            return null;
        var count = CountOf(board, type);
        return count == 1
            ? hardware.Power
            : new PowerRange(Power.FromWatts(hardware.Power.Idle.Watts * count), Power.FromWatts(hardware.Power.Max.Watts * count));
    }

    /// <summary>Power of one board of a machine by its type; null when the tables do not know it.</summary>
    public PowerRange? PowerOf(ServerType? type) => type?.Accelerator is { } name ? factors?.Hardware.Accelerator(name)?.Power : null;

    /// <summary>What a machine of a type draws at rest without accelerators, in watts; null when the tables do not know it.</summary>
    public double? IdleOf(ServerType? type) => factors is null ? null : type?.HostPower(factors.Hardware)?.Idle.Watts;

    // A share of a board is no board: providers count the eighth of one as none, or as one.
    private static double CountOf(MeteredResource board, ServerType? type) =>
        type is null ? 1
        : board.IsMachine ? Math.Max(type.Accelerators, 0)
        : Math.Min(1, type.Accelerators > 0 ? type.Accelerators : 1);

    /// <summary>The mean power limit that a board enforces; null when nothing reports one.</summary>
    private (Power Mean, MappingSet Mappings)? LimitOf(MeteredResource board, int bin)
    {
        if (board.Limits.Count == 0 || Best(board.Limits, bin) is not { } meter)
            return null;
        double wattSeconds = 0;
        var ticks = long.MaxValue;
        foreach (var part in meter.Parts)
        {
            double partWattSeconds = 0;
            long partTicks = 0;
            foreach (ref readonly var piece in Track(part, bin))
            {
                partWattSeconds += piece.Amount;
                partTicks += piece.Ticks;
                Trace?.Used.Add((piece.Series, bin));
            }
            if (partTicks == 0)
                continue;
            wattSeconds += partWattSeconds;
            ticks = Math.Min(ticks, partTicks);
        }
        return (Power.FromWatts(wattSeconds / Piece.Seconds(ticks)), meter.First.Mappings);
    }

    /// <summary>The server boundary of a host that nobody meters, without its accelerators: what its type draws at the load of its CPUs, or
    /// at the usual load while its accelerators are read.</summary>
    /// <param name="host">The host.</param>
    /// <param name="bin">The grid period.</param>
    /// <param name="boards">How many of its accelerators are read.</param>
    /// <param name="all">Whether what is read is one reading of all of them.</param>
    /// <param name="boardTicks">The time for which all of these are known.</param>
    /// <param name="claims">Receives who claims the series that were read.</param>
    /// <param name="missing">Why there is none.</param>
    public ServerReading? Host(Host host, int bin, int boards, bool all, long boardTicks, WorkloadClaims claims, out MissingReasons missing)
    {
        missing = MissingReasons.None;
        var load = host.Server is { } server ? LoadOf(server, Quantities.Component.Cpu, bin, claims) : null;
        if (load is null && boards == 0)
            return null;
        if (host.TypeName is null)
        {
            if (load is not null)
                Unmodelled.TryAdd(host.Known, "nothing tells what machine it is. Name its type in the settings of the source (Hardware).");
            return Lacks(MissingReasons.ServerUnmetered, out missing, claims);
        }
        if (host.Type is not { } type || factors is null || type.HostPower(factors.Hardware) is not { } power)
        {
            if (load is not null)
                Unmodelled.TryAdd(
                    host.Known,
                    $"what a machine '{host.TypeName}' draws is not known. Add it by a servers file under Metrics:Factors."
                );
            return Lacks(MissingReasons.HardwareUnknown, out missing, claims);
        }
        // A host of eight boards of which seven are read is not the host.
        if (!all && boards < type.Accelerators)
            return Lacks(MissingReasons.AcceleratorUnmetered, out missing, claims);
        var known = load
            ?? new Load(
                UsualLoad.Value,
                boardTicks,
                default,
                host.Accelerators.Where(board => board.IsMachine)
                    .Select(board => LoadOf(board, Quantities.Component.Accelerator, bin)?.Servers ?? 1)
                    .FirstOrDefault(1)
            );
        if (
            host.Server?.Loads(Quantities.Component.Cpu) is { Count: > 0 } meters
            && meters.TrueForAll(meter => meter.First.Mapping.Scale is null)
        )
            claims.WeighByEnergy(power);
        // The load may begin or end within the period: nothing tells it for the rest of the time for which the boards are read.
        var filled = boards > 0 && known.Ticks < boardTicks;
        if (filled)
            known = known with
            {
                Busy = (known.Busy * known.Ticks + UsualLoad.Value * (boardTicks - known.Ticks)) / boardTicks,
                Ticks = boardTicks,
            };
        var cpu = factors.Hardware.VirtualCpu(type.MicroArchitecture!)!;
        var names = provenance.Union(provenance.Of(type.FactorName), provenance.Of(cpu.FactorName));
        Trace?.Modelled(
            host.Known,
            bin,
            new PowerDecision(power, known.Busy, Piece.Seconds(known.Ticks), 1, known.Servers, type.FactorName)
            {
                Load = load is null ? null : Trace.LoadOf(host.Server!, Quantities.Component.Cpu, bin),
                UsualSeconds = Piece.Seconds(load is null ? known.Ticks : known.Ticks - load.Value.Ticks),
                Server = type,
                VirtualCpu = cpu,
            }
        );
        return new ServerReading(
            Modelled(power, 1, known, default, load is null || filled ? provenance.Union(names, usualLoad) : names),
            boards == 0 ? EnergyCover.HostModel : EnergyCover.HostModelAndAccelerator,
            false,
            known.Servers
        );
    }

    /// <summary>How busy the component was; null when nothing tells.</summary>
    public Load? LoadOf(MeteredResource resource, Component component, int bin, WorkloadClaims? claims = null)
    {
        var meters = resource.Loads(component);
        if (meters.Count == 0 || Best(meters, bin) is not { } meter)
            return null;
        double busy = 0,
            slices = 0,
            parts = 0,
            servers = 0;
        long ticks = 0;
        var loadParts = Trace is null ? null : new List<LoadPart>();
        foreach (var part in meter.Parts)
        {
            double amount = 0,
                slice = 0;
            long partTicks = 0;
            KnownSeries? last = null;
            foreach (ref readonly var piece in Track(part, bin))
            {
                last = series[piece.Series];
                amount += piece.Amount;
                partTicks += piece.Ticks;
                slice += (last.IsSlice ? last.Slice ?? double.NaN : 1) * piece.Ticks;
                Trace?.Used.Add((piece.Series, bin));
                claims?.Add(last.Workload, piece.Amount, piece.Ticks);
                claims?.Hold(last.Workload, piece.From, piece.To);
            }
            // The load of a slice of unknown size says nothing of the board.
            if (partTicks == 0 || double.IsNaN(slice))
                continue;
            var level = amount / Piece.Seconds(partTicks);
            var count = 1.0;
            if (last!.Mapping.Scale is { } scale)
            {
                var devices = scale.DevicesIn(last.Series.Labels)
                    ?? (component == Quantities.Component.Accelerator ? resource.Machine?.Accelerators : resource.Machine?.VirtualCpus);
                if (scale.Ratio(level, devices) is not { } ratio || scale.ServersIn(last.Series.Labels) is not { } of)
                {
                    Unmodelled.TryAdd(resource, Unscaled(scale, level, devices));
                    continue;
                }
                (level, count) = (ratio, of);
            }
            loadParts?.Add(
                new LoadPart(
                    amount,
                    Piece.Seconds(partTicks),
                    level,
                    count,
                    slice < partTicks ? slice / partTicks : 1,
                    last.Mapping.Scale is not null
                )
            );
            // Slices of a board are parts of its whole, which may be told beside them; sockets and cores are averaged, and means over
            // servers by how many they are.
            if (slice < partTicks)
                slices += level * (slice / partTicks) * count;
            else
                (busy, parts) = (busy + level * count, parts + count);
            if (last.Mapping.Scale?.ServersLabel is not null)
                servers += count;
            ticks = Math.Max(ticks, partTicks);
        }
        if (ticks == 0)
        {
            claims?.Clear();
            return null;
        }
        if (claims is not null)
            claims.Rule = ShareRule.Load;
        if (meters.Count > 1 && claims is { Any: false })
            ClaimByOthers(meters, meter, bin, ticks, claims);
        var mean = Math.Min(1, parts > 0 ? busy / Math.Max(1, parts) : slices);
        Trace?.Read(resource, component, bin, new LoadReading(mean, loadParts!));
        return new Load(mean, ticks, meter.First.Mappings, Math.Max(1, servers));
    }

    /// <summary>Why a sum over devices or a mean over servers tells no load.</summary>
    private static string Unscaled(UtilisationScale scale, double level, double? devices) =>
        scale.Summed && devices is not > 0
            ? $"it is a sum over devices and nothing tells how many there are. Add the label '{scale.DevicesLabel}', or name the "
                + "machine's type."
        : scale.Ratio(level, devices) is null
            ? string.Create(
                System.Globalization.CultureInfo.InvariantCulture,
                $"a level of {level:R} is above the whole of {devices ?? 1:R} devices. Correct their number, or the machine's type."
            )
        : $"it is a mean over servers and nothing tells how many there are. Add the label '{scale.ServersLabel}'.";

    private Reading Modelled(PowerRange power, double count, Load load, MappingSet limit, FactorSet names)
    {
        var seconds = Piece.Seconds(load.Ticks) * count * load.Servers;
        return new Reading(
            power.At(load.Busy).Over(seconds).Joules,
            power.Idle.Over(seconds).Joules,
            power.Max.Over(seconds).Joules,
            0,
            load.Ticks,
            Evidence.Modelled,
            provenance.Union(load.Mappings, limit),
            names
        );
    }

    private static ServerReading? Lacks(MissingReasons reason, out MissingReasons missing, WorkloadClaims claims)
    {
        missing = reason;
        claims.Clear();
        return null;
    }

    /// <summary>Whose a part's joules are. Where several series speak of it at once they share it: slices by their size, pods that take
    /// turns evenly.</summary>
    private void Claim(MeterPart part, int bin, double weight, long ticks, WorkloadClaims claims)
    {
        if (part.Series.Count == 1 && !part.Series[0].IsSlice)
        {
            var all = part.Of(bin, pieces);
            claims.Add(part.Series[0].Workload, weight, ticks);
            foreach (ref readonly var piece in all)
                claims.Hold(part.Series[0].Workload, piece.From, piece.To);
        }
        else
            Claim(part.Of(bin, pieces), part.Turns, weight, ticks, claims);
    }

    private void Claim(ReadOnlySpan<Piece> all, Turns? turns, double amount, long ticks, WorkloadClaims claims, bool byTime = false)
    {
        sharing.Clear();
        slices.Clear();
        double weights = 0;
        long spanned = 0,
            named = 0;
        var unknown = false;
        foreach (ref readonly var piece in all)
        {
            var one = series[piece.Series];
            spanned += piece.Ticks;
            if (one.IsSlice)
            {
                AddTo(slices, one.SliceName, piece.Ticks);
                if (one.Slice is null)
                    (unknown, _) = (true, UnknownSlices.Add(one));
            }
            // A duplicate that names nobody says nothing about whose it is.
            else if (NamesNobody(one))
                continue;
            else
                weights += piece.Ticks;
            named += piece.Ticks;
        }
        if (slices.Count == 0 && spanned <= ticks)
        {
            foreach (ref readonly var piece in all)
            {
                var one = series[piece.Series];
                var weight = byTime ? piece.Ticks : piece.Amount;
                claims.Add(one.Workload, weight, piece.Ticks);
                claims.Hold(one.Workload, piece.From, piece.To);
            }
            if (turns is not null)
                Doubt(all, turns, byTime, claims);
            return;
        }
        foreach (ref readonly var piece in all)
        {
            var one = series[piece.Series];
            if (!one.IsSlice && NamesNobody(one) && named > 0)
            {
                // Where nobody else speaks, nobody holds it.
                continue;
            }
            if (one.IsSlice && one.Slice is null)
            {
                claims.HoldUnknown(one.Workload, piece.From, piece.To);
                continue;
            }
            // A slice that several series speak of at once, as two scrapers do, is no larger for it.
            var sliceTicks = one.IsSlice ? slices.Find(slice => slice.Name == one.SliceName).Ticks : 0;
            var weight = one.Slice is { } size ? size * piece.Ticks * Math.Min(1, (double)ticks / sliceTicks) : piece.Ticks;
            if (one.IsSlice)
                weights += weight;
            sharing.Add((one.Workload, weight));
            claims.Hold(one.Workload, piece.From, piece.To);
        }
        // What no slice holds is nobody's, and so is the time in which none of them held it.
        var total = slices.Count > 0 || weights == 0 || unknown ? Math.Max(ticks, weights) : weights;
        long heldBySome = 0;
        if (slices.Count == 0 && weights > 0)
        {
            heldBySome = Union(all, named > 0);
            if (heldBySome < ticks)
                total = weights * ((double)ticks / heldBySome);
        }
        foreach (var (workload, weight) in sharing)
            claims.Add(workload, amount * (weight / total), (long)(ticks * (weight / total)));
        if (weights < total)
        {
            claims.Add(WorkloadClaims.Unclaimed, amount * (1 - weights / total), (long)(ticks * (1 - weights / total)));
            foreach (ref readonly var piece in all)
                if (slices.Count > 0 || NamesNobody(series[piece.Series]))
                    claims.Hold(WorkloadClaims.Unclaimed, piece.From, piece.To);
        }
        // Those who held it at the same time have shares by a policy; one alone has what was read.
        claims.IsPolicy |= claims.Count > 1;
    }

    private static bool NamesNobody(KnownSeries one) => one is { Workload: WorkloadClaims.Unclaimed, NamesAPod: false };

    /// <summary>The time for which any piece speaks. Pieces come by their start.</summary>
    private long Union(ReadOnlySpan<Piece> all, bool namedOnly)
    {
        long union = 0,
            until = long.MinValue;
        foreach (ref readonly var piece in all)
        {
            if ((namedOnly && NamesNobody(series[piece.Series])) || piece.To <= until)
                continue;
            union += piece.To - Math.Max(piece.From, until);
            until = piece.To;
        }
        return union;
    }

    /// <summary>Where a thing changes hands, it is the later one's from the earlier one's last sample on; that may be too much by all that
    /// lies between their samples.</summary>
    private void Doubt(ReadOnlySpan<Piece> all, Turns turns, bool byTime, WorkloadClaims claims)
    {
        foreach (ref readonly var piece in all)
        {
            var one = series[piece.Series];
            if (turns.ChangeAt(Turns.HolderOf(one), piece.From, out var before) is not { } until || piece.Ticks == 0)
                continue;
            var doubtful = Math.Min(until, piece.To) - piece.From;
            claims.Doubt(
                one.Workload,
                before == Turns.Nobody ? WorkloadClaims.Unclaimed : before,
                (byTime ? piece.Ticks : piece.Amount) * ((double)doubtful / piece.Ticks)
            );
        }
    }

    private static void AddTo(List<(string Name, long Ticks)> slices, string name, long ticks)
    {
        var known = slices.FindIndex(slice => slice.Name == name);
        if (known < 0)
            slices.Add((name, ticks));
        else
            slices[known] = (name, slices[known].Ticks + ticks);
    }

    private void ClaimByOthers(List<Meter> meters, Meter? chosen, int bin, long chosenTicks, WorkloadClaims claims)
    {
        Meter? labelled = null;
        foreach (var other in meters)
            if (other != chosen && (labelled is null || Precedes(other.First, labelled.First)) && Claimed(other, bin))
                labelled = other;
        if (labelled is null)
            return;
        claims.Clear();
        claims.Rule = ShareRule.OtherSeries;
        foreach (var part in labelled.Parts)
        {
            double joules = 0;
            long ticks = 0;
            foreach (ref readonly var piece in Track(part, bin))
                (joules, ticks) = (joules + piece.Amount, ticks + piece.Ticks);
            if (ticks > 0)
                Claim(part, bin, joules, ticks, claims);
        }
        // A meter that names its owners for a part of the time names none for the rest.
        if (labelled.Parts.Count == 1 && chosenTicks > claims.Ticks && !NearlyAll(claims.Ticks, chosenTicks))
            claims.LeaveRest(chosenTicks);
    }

    /// <summary>Whose a board is, by those who tell its load: each has its time of it, slices their sevenths of that; of a board that is
    /// modelled each has what it drew in its time.</summary>
    private void ClaimByLoads(MeteredResource board, int bin, PowerRange? power, WorkloadClaims claims)
    {
        var meters = board.Loads(Quantities.Component.Accelerator);
        var labelled = Best(meters, bin);
        if (labelled is null || !Claimed(labelled, bin))
        {
            foreach (var other in meters)
                if (Claimed(other, bin) && (labelled is null || !Claimed(labelled, bin) || Precedes(other.First, labelled.First)))
                    labelled = other;
            if (labelled is null || (power is null && !Claimed(labelled, bin)))
                return;
        }
        claims.Clear();
        claims.Rule = ShareRule.Load;
        together.Clear();
        long most = 0;
        var sliced = false;
        foreach (var part in labelled.Parts)
        {
            foreach (var one in part.Series)
                sliced |= one.IsSlice;
            long ticks = 0;
            foreach (ref readonly var piece in Track(part, bin))
                ticks += piece.Ticks;
            most = Math.Max(most, ticks);
            together.AddRange(part.Of(bin, pieces));
        }
        var byTime = power is null || sliced || labelled.First.Mapping.Scale is not null;
        if (sliced)
            Claim(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(together), null, most, most, claims, byTime);
        else
        {
            foreach (var part in labelled.Parts)
            {
                double amount = 0;
                long ticks = 0;
                foreach (ref readonly var piece in Track(part, bin))
                    (amount, ticks) = (amount + piece.Amount, ticks + piece.Ticks);
                if (ticks > 0)
                    Claim(part.Of(bin, pieces), part.Turns, byTime ? ticks : amount, ticks, claims, byTime);
            }
        }
        if (!byTime)
            claims.WeighByEnergy(power!);
    }

    private bool Claimed(Meter meter, int bin)
    {
        foreach (var part in meter.Parts)
        foreach (ref readonly var piece in Track(part, bin))
            if (series[piece.Series].Workload != WorkloadClaims.Unclaimed)
                return true;
        return false;
    }

    /// <summary>
    /// The server boundary: what measures the whole machine before what measures its inputs, its modules or its platform,
    /// and these before the sum of packages and memory. Cores and uncore lie inside a package and are never added; alone
    /// they are no server.
    /// </summary>
    /// <remarks>What a machine is made of it keeps within an hour of the grid: where a meter pauses that is read in the hour, what it
    /// holds does not stand in for it.</remarks>
    /// <param name="server">The machine, or what shares one.</param>
    /// <param name="bin">The grid period.</param>
    /// <param name="accelerators">Whether accelerators of it are read, which the platform and the packages do not hold.</param>
    /// <param name="claims">Receives who claims the series that were read.</param>
    /// <param name="boards">The least that its accelerators drew in so many ticks, in joules; null when nothing is known of them.</param>
    public ServerReading? Server(
        MeteredResource server,
        int bin,
        bool accelerators,
        WorkloadClaims claims,
        Func<long, double>? boards = null
    )
    {
        Disbelieved = null;
        var isWhole =
            server[Quantities.Component.Node].Count
                + server[Quantities.Component.Psu].Count
                + server[Quantities.Component.Module].Count
                + server[Quantities.Component.Platform].Count
            > 0;
        var (processors, ticks) = isWhole ? LeastOfProcessors(server, bin) : default;
        var inside = new Parts(processors, ticks, boards);
        if (Component(server, Quantities.Component.Node, bin, claims, inside) is { } node)
            return new ServerReading(node, EnergyCover.Node, true);
        if (Component(server, Quantities.Component.Psu, bin, claims, inside) is { } supplies)
            return new ServerReading(supplies, EnergyCover.Psu, true);
        if (
            Disbelieved is not null
            || IsReadInHour(server[Quantities.Component.Node], bin)
            || IsReadInHour(server[Quantities.Component.Psu], bin)
        )
            return null;
        if (Component(server, Quantities.Component.Module, bin, claims, inside) is { } modules)
            return new ServerReading(modules, EnergyCover.Module, true);
        if (Disbelieved is not null || IsReadInHour(server[Quantities.Component.Module], bin))
            return null;
        if (Component(server, Quantities.Component.Platform, bin, claims, inside with { Boards = null }) is { } platform)
            return new ServerReading(platform, accelerators ? EnergyCover.PlatformAndAccelerator : EnergyCover.Platform, false);
        if (Disbelieved is not null || IsReadInHour(server[Quantities.Component.Platform], bin))
            return null;
        if (Component(server, Quantities.Component.Cpu, bin, claims) is not { } packages)
            return null;
        if (Component(server, Quantities.Component.Memory, bin, claims) is not { } memory)
            return IsReadInHour(server[Quantities.Component.Memory], bin)
                ? null
                : new ServerReading(packages, accelerators ? EnergyCover.CpuAndAccelerator : EnergyCover.Cpu, false);
        return new ServerReading(
            Sum(packages, memory),
            accelerators ? EnergyCover.CpuAndMemoryAndAccelerator : EnergyCover.CpuAndMemory,
            false
        );
    }

    /// <summary>Whether the server is read by a meter in the hour of a period, if not in the period itself.</summary>
    public bool IsReadInHour(MeteredResource server, int bin) =>
        IsReadInHour(server[Quantities.Component.Node], bin)
        || IsReadInHour(server[Quantities.Component.Psu], bin)
        || IsReadInHour(server[Quantities.Component.Module], bin)
        || IsReadInHour(server[Quantities.Component.Platform], bin)
        || IsReadInHour(server[Quantities.Component.Cpu], bin);

    /// <summary>Whether meters tell anything of the hour that a period lies in. By the samples, which every pass over a period of the hour
    /// sees.</summary>
    private bool IsReadInHour(List<Meter> meters, int bin)
    {
        if (meters.Count == 0)
            return false;
        var start = grid[bin].Start;
        var hour = new DateTime(start.Ticks - start.Ticks % TimeSpan.TicksPerHour, DateTimeKind.Utc);
        var span = new Interval(hour, hour.AddHours(1));
        foreach (var meter in meters)
            // Where one of its supplies or sockets is silent all the hour, the others tell no whole in it.
            if (
                meter.PartsMakeAWhole
                    ? meter.Parts.Exists(part => part.IsReadIn(span))
                        && meter.Parts.TrueForAll(part => part.IsReadIn(span) || !part.HasSamplesNear(grid[bin]))
                    : meter.Parts.Exists(part => part.IsReadIn(span))
            )
                return true;
        return false;
    }

    /// <summary>Both together; known for as long as each is.</summary>
    public Reading Sum(Reading a, Reading b) =>
        new(
            a.Joules + b.Joules,
            a.Low + b.Low,
            a.High + b.High,
            a.Measured + b.Measured,
            Math.Min(a.Ticks, b.Ticks),
            KnownSeries.Worst(a.Evidence, b.Evidence),
            provenance.Union(a.Mappings, b.Mappings),
            provenance.Union(a.Factors, b.Factors)
        );

    /// <summary>Of the meters that cover nearly as much as the one that covers most: the best evidence, then the first by mapping and
    /// series. One that shows nothing while another shows something is dead, and one that shows less than what is in it is not
    /// believed.</summary>
    private Meter? Best(List<Meter> meters, int bin, Parts parts = default)
    {
        if (meters.Count == 1)
            return TicksOf(meters[0], bin) is > 0 and var ticks && IsBelieved(meters[0], bin, ticks, parts) ? meters[0] : null;
        long most = 0;
        foreach (var meter in meters)
            most = Math.Max(most, TicksOf(meter, bin));
        if (most == 0)
            return null;
        Meter? best = null;
        foreach (var meter in meters)
            if (
                TicksOf(meter, bin) is var ticks
                && NearlyAll(ticks, most)
                && (best is null || Precedes(meter.First, best.First))
                && IsBelieved(meter, bin, ticks, parts)
                && !(AmountOf(meter, bin) == 0 && meters.Exists(other => other != meter && ShowsSomething(other, bin, most)))
            )
                best = meter;
        return best;
    }

    /// <summary>Whether a meter that covers nearly all shows more than nothing: of a load more than what rounding makes of one.</summary>
    private bool ShowsSomething(Meter meter, int bin, long most) =>
        NearlyAll(TicksOf(meter, bin), most) && AmountOf(meter, bin) > (meter.First.IsLoad ? LeastLoad * Piece.Seconds(most) : 0);

    private double AmountOf(Meter meter, int bin)
    {
        double amount = 0;
        foreach (var part in meter.Parts)
        foreach (ref readonly var piece in Track(part, bin))
            amount += piece.Amount;
        return amount;
    }

    /// <summary>Whether a meter of a whole can show what it does, with that in it.</summary>
    private bool IsBelieved(Meter meter, int bin, long ticks, Parts parts)
    {
        var inside = parts.In(ticks);
        if (inside <= 0)
            return true;
        var joules = AmountOf(meter, bin);
        var component =
            meter.First.Mapping.Component is Quantities.Component.None ? Quantities.Component.Node : meter.First.Mapping.Component;
        if (joules * AccuracyOf(meter.First.Evidence, component).High >= inside * (1 - 1e-9))
            return true;
        Disbelieved ??= (meter.First, joules, inside);
        return false;
    }

    /// <summary>The meter of a whole that showed less than its parts since this was last cleared, what it showed, and the least that the
    /// parts drew, in joules.</summary>
    public (KnownSeries Meter, double Joules, double Parts)? Disbelieved { get; set; }

    /// <summary>Between what multiples of a reading the truth lies. A meter whose accuracy nobody states is taken to err by a quarter: for
    /// doubts alone, never for bounds that are told.</summary>
    private Bounds AccuracyOf(Evidence evidence, Component component) => factors?.Uncertainty.Of(evidence, component) ?? Unstated;

    /// <summary>The least that processors and memory drew by their meters, and for how long they are read. Nothing of it counts as
    /// used.</summary>
    private (double Joules, long Ticks) LeastOfProcessors(MeteredResource server, int bin)
    {
        var (joules, most) = (0.0, 0L);
        foreach (var component in (ReadOnlySpan<Component>)[Quantities.Component.Cpu, Quantities.Component.Memory])
        {
            var meters = server[component];
            if (meters.Count == 0 || Best(meters, bin) is not { } meter)
                continue;
            joules += AmountOf(meter, bin) * AccuracyOf(meter.First.Evidence, component).Low;
            most = Math.Max(most, TicksOf(meter, bin));
        }
        return (joules, most);
    }

    /// <summary>The least that a reading of a component can be, as a multiple of it.</summary>
    public double LeastOf(in Reading reading, Component component) =>
        reading.Joules > 0 && !double.IsNaN(reading.Low) ? reading.Low / reading.Joules : AccuracyOf(reading.Evidence, component).Low;

    private static bool NearlyAll(long ticks, long most) => ticks * 10 >= most * 9;

    private static bool Precedes(KnownSeries a, KnownSeries b)
    {
        if (a.Evidence != b.Evidence)
            return a.Evidence < b.Evidence;
        var byId = string.CompareOrdinal(a.Mapping.Id, b.Mapping.Id);
        return byId != 0 ? byId < 0 : a.Number < b.Number;
    }

    /// <summary>Whether anything is told of an accelerator within reach of a period.</summary>
    public bool HasSamplesNear(MeteredResource board, int bin) =>
        board[Quantities.Component.Accelerator]
            .Concat(board.Loads(Quantities.Component.Accelerator))
            .Any(meter => meter.Parts.Exists(part => part.HasSamplesNear(grid[bin])));

    /// <summary>The time for which all parts that say anything are known; none where a part is silent without which the others are no
    /// whole.</summary>
    private long TicksOf(Meter meter, int bin)
    {
        var ticks = long.MaxValue;
        foreach (var part in meter.Parts)
        {
            long partTicks = 0;
            foreach (ref readonly var piece in Track(part, bin))
                partTicks += piece.Ticks;
            if (partTicks > 0)
                ticks = Math.Min(ticks, partTicks);
            else if (meter.PartsMakeAWhole && part.HasSamplesNear(grid[bin]))
                return 0;
        }
        return ticks == long.MaxValue ? 0 : ticks;
    }

    /// <summary>The pieces of a part in a period, without duplicates: pieces that follow each other are one track, and of tracks that
    /// overlap one is chosen.</summary>
    /// <remarks>All series of a part are one chain: what the chosen track does not tell, another one may.</remarks>
    private ReadOnlySpan<Piece> Track(MeterPart part, int bin)
    {
        var all = part.Of(bin, pieces);
        if (part.Series.Count == 1 || all.Length <= 1)
            return all;

        tracks.Clear();
        ends.Clear();
        if (trackOf.Length < all.Length)
            trackOf = new int[all.Length * 2];
        for (var i = 0; i < all.Length; i++)
        {
            var piece = all[i];
            // The track that ended first goes on, so that a flood of label sets costs no more than sorting it.
            if (ends.TryPeek(out var track, out var earliest) && earliest.End <= piece.From)
            {
                ends.Dequeue();
                tracks[track] = (
                    tracks[track].Ticks + piece.Ticks,
                    Math.Min(tracks[track].Series, piece.Series),
                    tracks[track].Amount + piece.Amount
                );
            }
            else
            {
                track = tracks.Count;
                tracks.Add((piece.Ticks, piece.Series, piece.Amount));
            }
            ends.Enqueue(track, (piece.To, track));
            trackOf[i] = track;
        }
        if (tracks.Count == 1)
            return all;

        var most = tracks.Max(static track => track.Ticks);
        var best = -1;
        // Of two spellings of one thing one may be broken: what shows nothing while the other shows something.
        var some = tracks.Exists(track => NearlyAll(track.Ticks, most) && track.Amount > 0);
        for (var i = 0; i < tracks.Count; i++)
            if (NearlyAll(tracks[i].Ticks, most) && (tracks[i].Amount > 0 || !some) && (best < 0 || tracks[i].Series < tracks[best].Series))
                best = i;
        chosen.Clear();
        for (var i = 0; i < all.Length; i++)
            if (trackOf[i] == best)
                chosen.Add(all[i]);
        if (Union(all, false) > tracks[best].Ticks)
            FillFrom(all, best, some);
        return System.Runtime.InteropServices.CollectionsMarshal.AsSpan(chosen);
    }

    /// <summary>Adds to the chosen pieces what others tell of the time that these leave out. Pieces come by their start.</summary>
    private void FillFrom(ReadOnlySpan<Piece> all, int best, bool some)
    {
        filled.Clear();
        var until = long.MinValue;
        var next = 0;
        for (var i = 0; i < all.Length; i++)
        {
            var piece = all[i];
            if (trackOf[i] == best || (some && tracks[trackOf[i]].Amount == 0))
                continue;
            var from = Math.Max(piece.From, until);
            while (from < piece.To)
            {
                while (next < chosen.Count && chosen[next].To <= from)
                    next++;
                var to = next < chosen.Count ? Math.Min(piece.To, Math.Max(chosen[next].From, from)) : piece.To;
                if (to > from)
                {
                    filled.Add(piece with { From = from, To = to, Amount = piece.Amount * (to - from) / piece.Ticks });
                    until = to;
                }
                if (next == chosen.Count || chosen[next].From >= piece.To)
                    break;
                from = Math.Max(from, chosen[next].To);
            }
            until = Math.Max(until, Math.Min(from, piece.To));
        }
        chosen.AddRange(filled);
        chosen.Sort();
    }
}
