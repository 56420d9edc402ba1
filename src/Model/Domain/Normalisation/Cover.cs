using Metrics.Domain.Catalogue;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Normalisation;

/// <summary>
/// Cover: from all that is read of a resource, one reading for each component and one set of components for each
/// boundary, so that nothing is counted twice.
/// </summary>
internal sealed class Cover(
    Grid grid,
    MeterChoice choice,
    ClaimReader reader,
    Provenance provenance,
    IReadOnlyList<KnownSeries> series,
    FactorBook? factors,
    Rules rules = Rules.All
)
{
    private readonly FactorSet usualLoad = provenance.Of(UsualLoad.FactorName);

    /// <summary>Receives what is decided; null when nobody asks.</summary>
    public DecisionTrace? Trace { get; init; }

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
        if (meters.Count == 0 || choice.Best(meters, bin, parts) is not { } meter)
            return null;

        var terms = Trace is null ? null : new List<double>();
        double joules = 0,
            doubt = 0,
            low = 0,
            high = 0;
        var ticks = long.MaxValue;
        foreach (var part in meter.Parts)
        {
            double partJoules = 0;
            long partTicks = 0;
            foreach (ref readonly var piece in choice.Track(part, bin))
            {
                partJoules += piece.Amount;
                partTicks += piece.Ticks;
                doubt += piece.Doubt;
                terms?.Add(piece.Amount);
                Trace?.Use(piece);
                if (series[piece.Series].OwnPower is not { } power)
                    continue;
                low += power.Idle * piece.Ticks / TimeSpan.TicksPerSecond;
                high += power.Max * piece.Ticks / TimeSpan.TicksPerSecond;
            }
            if (partTicks == 0)
                continue;
            reader.Claim(part, bin, partJoules, partTicks, claims);
            joules += partJoules;
            ticks = Math.Min(ticks, partTicks);
        }
        // The better meter may carry no labels of a workload where a lesser one does: whose it is, is then told by that one.
        if (meters.Count > 1 && !claims.Any)
            reader.ClaimByOthers(meters, meter, bin, ticks, claims);
        var evidence = meter.First.Evidence;
        Bounds? accuracy = null;
        if (meter.First.OwnPower is null)
        {
            // Of a meter whose accuracy nobody states the bounds are unknown, which is not exact.
            accuracy = factors?.Uncertainty.Of(evidence, component);
            (low, high) = accuracy is { } bounds
                ? (Math.Max(0, joules - doubt) * bounds.Low, (joules + doubt) * bounds.High)
                : (double.NaN, double.NaN);
        }
        Trace?.Read(
            resource,
            bin,
            new MeterReading(
                component,
                meter.First.Mapping,
                terms!,
                accuracy,
                meter.First.OwnPower is null ? null : new Bounds(low, high),
                doubt
            )
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
        choice.DeadBoard = null;
        if (Component(board, Quantities.Component.Accelerator, bin, claims) is { } read)
        {
            // A meter of the node names no pod, while the load of the pod's container on the same board does.
            if (!claims.Any)
                reader.ClaimByLoads(board, bin, null, claims);
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
        reader.ClaimByLoads(board, bin, power, claims);
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
        if (board.Limits.Count == 0 || choice.Best(board.Limits, bin) is not { } meter)
            return null;
        double wattSeconds = 0;
        var ticks = long.MaxValue;
        foreach (var part in meter.Parts)
        {
            double partWattSeconds = 0;
            long partTicks = 0;
            foreach (ref readonly var piece in choice.Track(part, bin))
            {
                partWattSeconds += piece.Amount;
                partTicks += piece.Ticks;
                Trace?.Use(piece);
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
        if (meters.Count == 0 || choice.Best(meters, bin) is not { } meter)
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
            foreach (ref readonly var piece in choice.Track(part, bin))
            {
                last = series[piece.Series];
                amount += piece.Amount;
                partTicks += piece.Ticks;
                slice += (last.IsSlice ? last.Slice ?? double.NaN : 1) * piece.Ticks;
                Trace?.Use(piece);
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
            reader.ClaimByOthers(meters, meter, bin, ticks, claims);
        var mean = Math.Min(1, parts > 0 ? busy / Math.Max(1, parts) : slices);
        Trace?.Read(resource, component, bin, new LoadReading(meter.First.Mapping, mean, loadParts!));
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
        choice.Disbelieved = null;
        var isWhole =
            server[Quantities.Component.Node].Count
                + server[Quantities.Component.Psu].Count
                + server[Quantities.Component.Module].Count
                + server[Quantities.Component.Platform].Count
            > 0;
        var (processors, ticks) = isWhole ? choice.LeastOfProcessors(server, bin) : default;
        var inside = new Parts(processors, ticks, boards);
        if (Boundary(server, Quantities.Component.Node, bin, claims, inside) is { } node)
            return new ServerReading(node, EnergyCover.Node, true);
        if (Boundary(server, Quantities.Component.Psu, bin, claims, inside) is { } supplies)
            return new ServerReading(supplies, EnergyCover.Psu, true);
        if (
            choice.Disbelieved is not null
            || IsReadInHour(server[Quantities.Component.Node], bin)
            || IsReadInHour(server[Quantities.Component.Psu], bin)
        )
            return null;
        if (Boundary(server, Quantities.Component.Module, bin, claims, inside) is { } modules)
            return new ServerReading(modules, EnergyCover.Module, true);
        if (choice.Disbelieved is not null || IsReadInHour(server[Quantities.Component.Module], bin))
            return null;
        if (Boundary(server, Quantities.Component.Platform, bin, claims, inside with { Boards = null }) is { } platform)
            return new ServerReading(platform, accelerators ? EnergyCover.PlatformAndAccelerator : EnergyCover.Platform, false);
        if (choice.Disbelieved is not null || IsReadInHour(server[Quantities.Component.Platform], bin))
            return null;
        if (Boundary(server, Quantities.Component.Cpu, bin, claims) is not { } packages)
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

    /// <summary>What the best meter of a component says that covers a boundary where it says anything.</summary>
    public Reading? Boundary(MeteredResource resource, Component component, int bin, WorkloadClaims claims, Parts parts = default)
    {
        if (Component(resource, component, bin, claims, parts) is not { } reading)
            return null;
        Trace?.Covers(resource, bin, component);
        return reading;
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
        if (meters.Count == 0 || !rules.HasFlag(Rules.Meaning))
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

    /// <inheritdoc cref="MeterChoice.HasSamplesNear"/>
    public bool HasSamplesNear(MeteredResource board, int bin) => choice.HasSamplesNear(board, bin);

    /// <inheritdoc cref="MeterChoice.Disbelieved"/>
    public (KnownSeries Meter, double Joules, double Parts)? Disbelieved => choice.Disbelieved;

    /// <inheritdoc cref="MeterChoice.DeadBoard"/>
    public KnownSeries? DeadBoard => choice.DeadBoard;

    /// <inheritdoc cref="MeterChoice.LeastOf"/>
    public double LeastOf(in Reading reading, Component component) => choice.LeastOf(reading, component);

    /// <inheritdoc cref="ClaimReader.UnknownSlices"/>
    public HashSet<KnownSeries> UnknownSlices => reader.UnknownSlices;
}
