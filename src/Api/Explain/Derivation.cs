using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;

namespace Metrics.Api.Explain;

/// <summary>Tells one traced hour of one deployment: from the samples to the facts, and from the facts to the sums.</summary>
internal sealed class Derivation
{
    /// <summary>Most entries told of each list; of the rest the number is told.</summary>
    public const int MostSources = 500,
        MostReadings = 10_000,
        MostFacts = 5_000;

    private const int MostTerms = 60;

    /// <summary>The load of a host that nothing tells; the factor <c>host_load</c> of a fact says that it was taken.</summary>
    private const double UsualLoad = 0.5;

    private readonly Trace trace;
    private readonly EnergyFact[] own;
    private readonly WorkFact[] work;
    private readonly TracedReading[] readings;
    private readonly EnergyFact[] around;
    private readonly ILookup<(DateTime Start, (string Place, string Host) Host), EnergyFact> aroundAt;
    private readonly ILookup<(DateTime Start, (string Place, string Host) Host), TracedReading> usedAt;
    private readonly FactorBook book;
    private readonly Dictionary<string, int> leftOut = [];

    /// <param name="trace">The hour that holds the row's period.</param>
    /// <param name="question">Which row of it.</param>
    /// <param name="book">Where factors are looked up by name.</param>
    public Derivation(Trace trace, ExplainRequest question, FactorBook book)
    {
        this.trace = trace;
        this.book = book;
        own =
        [
            .. trace.Period.Energy.Where(fact =>
                fact.Deployment.Id == question.DeploymentId
                && (question.ResourceId is not { } resource || (fact.Resource.Id == resource && fact.Period.Start == question.PeriodStart))
            ),
        ];
        work = question.ResourceId is not null
            ? []
            :
            [
                .. trace.Period.Work.Where(fact =>
                    fact.Deployment.Id == question.DeploymentId && fact.FunctionalUnit == question.FunctionalUnit
                ),
            ];

        // A machine is told whole: what other boards and workloads drew of it decides what is left for this one.
        var hosts = own.Select(fact => HostOf(fact.Resource)).ToHashSet();
        var deployment = own.Select(fact => fact.Deployment).Concat(work.Select(fact => fact.Deployment)).FirstOrDefault();
        around = [.. trace.Period.Energy.Where(fact => hosts.Contains(HostOf(fact.Resource)) && InPeriod(fact.Period))];
        readings =
        [
            .. trace
                .Readings.Where(reading =>
                    InPeriod(reading.Period)
                    && (
                        reading.Resource is { } resource
                            ? hosts.Contains(HostOf(resource))
                            : question.ResourceId is null
                                && reading.Mapping.FunctionalUnit == question.FunctionalUnit
                                && reading.Workload == deployment?.Workload.Name
                                && reading.Place == deployment.Place.Name
                    )
                )
                .OrderBy(reading => reading.Period.Start)
                .ThenBy(reading => reading.Resource?.Id)
                .ThenBy(reading => reading.Component)
                .ThenBy(reading => reading.Series.Id)
                .ThenBy(reading => reading.Part, StringComparer.Ordinal),
        ];

        aroundAt = around.ToLookup(fact => (fact.Period.Start, HostOf(fact.Resource)));
        usedAt = readings
            .Where(reading => reading is { Used: true, Resource: not null })
            .ToLookup(reading => (reading.Period.Start, HostOf(reading.Resource!)));

        bool InPeriod(Interval period) => question.ResourceId is null || period.Start == question.PeriodStart;
    }

    /// <summary>The deployment's facts.</summary>
    public IReadOnlyList<EnergyFact> Own => own;

    /// <summary>Adds the lists to an explanation that has the row, its check and its formulas.</summary>
    /// <param name="explanation">What is known already.</param>
    /// <param name="samples">The samples that were traced, for the series told.</param>
    public Explanation Describe(Explanation explanation, IReadOnlyList<SeriesSamples> samples)
    {
        var told = Most("readings", readings, MostReadings);
        var series = told.Select(reading => reading.Series.Id).Distinct().ToHashSet();
        var mappings = readings
            .DistinctBy(reading => reading.Series.Id)
            .ToDictionary(reading => reading.Series.Id, reading => reading.Mapping);
        var sources = Most(
            "sources",
            [
                .. samples
                    .Where(one => series.Contains(one.Series.Id))
                    .OrderBy(one => one.Series.Source, StringComparer.Ordinal)
                    .ThenBy(one => one.Series.Metric, StringComparer.Ordinal)
                    .ThenBy(one => one.Series.Labels.ToString(), StringComparer.Ordinal)
                    .ThenBy(one => one.Series.Id),
            ],
            MostSources
        );
        var numbers = sources.Select((one, at) => (one.Series.Id, Number: at + 1)).ToDictionary(one => one.Id, one => one.Number);
        var usedIn = readings.Where(reading => reading.Used).ToLookup(reading => (reading.Resource?.Id, reading.Period.Start));
        return explanation with
        {
            Facts = [.. Most("facts", own, MostFacts).Select(Describe)],
            Work =
            [
                .. Most("work", work, MostFacts)
                    .Select(fact => new ExplainedWork(fact.Period.Start, fact.Units, fact.CoveredSeconds, fact.Mappings)),
            ],
            Cover = [.. Most("cover", Decisions(), MostFacts)],
            Shares = [.. Most("shares", Shares(), MostFacts)],
            Readings =
            [
                .. told.Where(reading => numbers.ContainsKey(reading.Series.Id))
                    .Select(reading => new ExplainedReading
                    {
                        Source = numbers[reading.Series.Id],
                        Resource = reading.Resource is { } resource ? Describe(resource) : null,
                        Component = Word(reading.Component),
                        Part = reading.Part,
                        PeriodStart = reading.Period.Start,
                        Amount = reading.Amount,
                        Unit = UnitOf(reading),
                        Seconds = reading.Seconds,
                        Workload = reading.Workload,
                        Used = reading.Used,
                        Why = reading.Used ? null : WhyNot(reading, usedIn[(reading.Resource?.Id, reading.Period.Start)]),
                    }),
            ],
            Sources = [.. sources.Select(one => Describe(one, numbers[one.Series.Id], mappings[one.Series.Id]))],
            Factors =
            [
                .. own.SelectMany(fact => fact.Factors.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                    .Distinct(StringComparer.Ordinal)
                    .Order(StringComparer.Ordinal)
                    .Select(Factor),
            ],
            LeftOut = leftOut,
        };
    }

    /// <summary>The steps from the facts to the sums of the hour, and from the sums to the ratios.</summary>
    public IReadOnlyList<Formula> Formulas(PeriodSums? sums)
    {
        var formulas = new List<Formula>();
        if (work.Length > 0)
            formulas.Add(new Formula("Units", Sum("Units", [.. work.Select(fact => fact.Units)]), sums?[Measures.Units]));
        // A rack or distribution unit holds the servers and stands beside them.
        var asked = own.Any(fact => fact[Measures.Rack] is null);
        var periods = own.Where(fact => !asked || fact[Measures.Rack] is null)
            .GroupBy(fact => fact.Period.Start)
            .OrderBy(group => group.Key)
            .Select(group => group.OrderBy(fact => fact.Resource.Id).ToArray())
            .ToArray();
        Add("AcceleratorJoules", fact => fact[Measures.Accelerator], partly: true);
        var server = Add("ServerJoules", fact => fact[Measures.Server]);
        var facility = AddBy(
            "FacilityJoules",
            fact => fact[Measures.Facility],
            server,
            "ServerJoules",
            "pue:",
            "",
            pue => $" x {Number(pue)} (PUE)",
            pue => pue
        );
        Add("IdleJoules", fact => fact[Measures.Idle]);
        Func<EnergyFact, double?> widest =
            facility is not null ? fact => fact[Measures.Facility]
            : server is not null ? fact => fact[Measures.Server]
            : fact => fact[Measures.Accelerator];
        Add("LowJoules", fact => fact[Measures.Low], when: widest);
        Add("HighJoules", fact => fact[Measures.High], when: widest);
        AddBy(
            "OperationalGrams",
            fact => fact[Measures.Operational],
            facility,
            "FacilityJoules",
            "grid_intensity:",
            ":location_average@",
            grams => $" / 3600000 J/kWh x {Number(grams)} g/kWh",
            grams => grams / Energy.JoulesPerKilowattHour
        );
        AddBy(
            "MarginalGrams",
            fact => fact[Measures.Marginal],
            facility,
            "FacilityJoules",
            "grid_intensity:",
            ":location_marginal@",
            grams => $" / 3600000 J/kWh x {Number(grams)} g/kWh",
            grams => grams / Energy.JoulesPerKilowattHour
        );
        AddBy(
            "MarketBasedGrams",
            fact => fact[Measures.MarketBased],
            facility,
            "FacilityJoules",
            "grid_intensity:",
            ":market_based@",
            grams => $" / 3600000 J/kWh x {Number(grams)} g/kWh",
            grams => grams / Energy.JoulesPerKilowattHour
        );
        Add("EmbodiedGrams", fact => fact[Measures.Embodied]);
        AddBy(
            "WaterLitres",
            fact => fact[Measures.Water],
            server,
            "ServerJoules",
            "wue:",
            "",
            litres => $" / 3600000 J/kWh x {Number(litres)} L/kWh",
            litres => litres / Energy.JoulesPerKilowattHour
        );
        if (sums is not null)
            formulas.AddRange(RatioFormulas.Of(sums));
        return formulas;

        double? Add(string name, Func<EnergyFact, double?> of, bool partly = false, Func<EnergyFact, double?>? when = null)
        {
            var sums = Sums(of, partly, when);
            if (sums.Count == 0)
                return null;
            var value = sums.Aggregate(0.0, (sum, more) => sum + more);
            formulas.Add(new Formula(name, Sum(name, sums), value));
            return value;
        }

        // By one factor where that gives the same; else by the periods, each of which was made with its own.
        double? AddBy(
            string name,
            Func<EnergyFact, double?> of,
            double? from,
            string fromName,
            string prefix,
            string part,
            Func<double, string> text,
            Func<double, double> times
        )
        {
            var value = Sums(of, false, null) is { Count: > 0 } sums ? sums.Aggregate(0.0, (sum, more) => sum + more) : (double?)null;
            var factors = own.SelectMany(fact => fact.Factors.Split(' '))
                .Where(factor => factor.StartsWith(prefix, StringComparison.Ordinal) && factor.Contains(part, StringComparison.Ordinal))
                .Distinct(StringComparer.Ordinal)
                .ToList();
            if (
                value is { } known
                && from is { } basis
                && factors is [var factor]
                && Factor(factor).Value is { } by
                && Near(basis * times(by), known)
            )
            {
                formulas.Add(
                    new Formula(name, $"{name} = {fromName}{text(by)} = {Number(basis)}{text(by)} = {Number(known)}, by {factor}", known)
                );
                return known;
            }
            return Add(name, of);
        }

        List<double> Sums(Func<EnergyFact, double?> of, bool partly, Func<EnergyFact, double?>? when)
        {
            var sums = new List<double>();
            foreach (var period in periods)
            {
                if (when is not null && (partly ? !period.Any(fact => when(fact) is not null) : period.Any(fact => when(fact) is null)))
                    continue;
                if (!partly && period.Any(fact => of(fact) is null))
                    continue;
                if (period.Any(fact => of(fact) is not null))
                    sums.Add(period.Sum(fact => of(fact) ?? 0));
            }
            return sums;
        }
    }

    /// <summary>A sum with its parts, of many parts the first.</summary>
    public static string Sum(string name, IReadOnlyList<double> parts) =>
        $"{name} = "
        + string.Join(" + ", parts.Take(MostTerms).Select(Number))
        + (parts.Count > MostTerms ? string.Create(CultureInfo.InvariantCulture, $" + ... ({parts.Count - MostTerms} more)") : "")
        + " "
        + $"= {Number(parts.Aggregate(0.0, (sum, more) => sum + more))}";

    /// <summary>Equal to a billionth.</summary>
    public static bool Near(double a, double b) => a == b || Math.Abs(a - b) <= 1e-9 * Math.Max(Math.Abs(a), Math.Abs(b));

    public static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    /// <summary>SHA-256 over the samples in the text form that the API documents.</summary>
    public static string Sha256(ReadOnlySpan<Sample> samples)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (ref readonly var sample in samples)
            hash.AppendData(
                Encoding.UTF8.GetBytes(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{sample.Start:yyyy-MM-ddTHH:mm:ss.ffffff}Z {sample.End:yyyy-MM-ddTHH:mm:ss.ffffff}Z {sample.Value:R}\n"
                    )
                )
            );
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private IReadOnlyList<T> Most<T>(string name, IReadOnlyList<T> all, int most)
    {
        if (all.Count <= most)
            return all;
        leftOut[name] = all.Count - most;
        return [.. all.Take(most)];
    }

    private static (string Place, string Host) HostOf(Resource resource) => (resource.Place.Name, resource.Node ?? resource.Name);

    private static bool IsLoad(TracedReading reading) => reading.Mapping is { Unit.Quantity: Quantity.Utilisation, Power: null };

    private static string UnitOf(TracedReading reading) => reading.Mapping.FunctionalUnit ?? (IsLoad(reading) ? "s" : "J");

    private static double? Joules(EnergyFact fact) => fact[Measures.Server] ?? fact[Measures.Accelerator] ?? fact[Measures.Rack];

    private static double? Total(IEnumerable<EnergyFact> facts, Func<EnergyFact, double?> of) =>
        facts.Aggregate((double?)null, (sum, fact) => of(fact) is { } more ? (sum ?? 0) + more : sum);

    private List<WorkloadShare> Shares()
    {
        var shares = new List<WorkloadShare>();
        foreach (
            var group in around
                .GroupBy(fact => (fact.Period.Start, fact.Resource.Id))
                .OrderBy(group => group.Key.Start)
                .ThenBy(group => group.Key.Id)
        )
        {
            var total = Total(group, Joules);
            shares.AddRange(
                group
                    .OrderBy(fact => fact.Deployment.Workload.Name, StringComparer.Ordinal)
                    .Select(fact => new WorkloadShare(
                        Describe(fact.Resource),
                        fact.Period.Start,
                        fact.Deployment.Workload.Name,
                        Joules(fact),
                        total > 0 ? Joules(fact) / total : null,
                        total > 0 ? By(fact, Joules(fact)!.Value / total.Value) : null
                    ))
            );
        }
        return shares;
    }

    private List<CoverDecision> Decisions()
    {
        var decisions = new List<CoverDecision>();
        var used = readings
            .Where(reading => reading is { Used: true, Resource: not null } && !IsLoad(reading))
            .ToLookup(reading => (reading.Period.Start, reading.Resource!.Id));
        var loads = readings
            .Where(reading => reading is { Used: true, Resource: not null } && IsLoad(reading))
            .ToLookup(reading => (reading.Period.Start, reading.Resource!.Id));
        foreach (
            var group in around
                .GroupBy(fact => (fact.Period.Start, fact.Resource.Id))
                .OrderBy(group => group.Key.Start)
                .ThenBy(group => group.Key.Id)
        )
        {
            var facts = group.ToList();
            var (accelerator, server, rack) = (
                Total(facts, fact => fact[Measures.Accelerator]),
                Total(facts, fact => fact[Measures.Server]),
                Total(facts, fact => fact[Measures.Rack])
            );
            var terms = used[group.Key].Select(reading => reading.Amount).ToList();
            var sum = terms.Sum();
            var all = string.Join(" + ", terms.Take(MostTerms).Select(Number)) + (terms.Count > MostTerms ? " + ..." : "");
            var boards = Total(
                aroundAt[(group.Key.Start, HostOf(facts[0].Resource))]
                    .Where(fact => fact[Measures.Accelerator] is not null && fact.Resource.Id != group.Key.Id),
                fact => fact[Measures.Server]
            );
            var read = loads[group.Key].ToList();
            var model =
                facts[0].Cover.IsHostModel() ? HostModelled(facts, read)
                : terms.Count == 0 ? Modelled(facts, read)
                : null;
            var text = (accelerator, server, rack) switch
            {
                ({ } board, null, _) when Near(sum, board) =>
                    $"AcceleratorJoules = {Made(board)}; the server's energy is unknown: {Reasons(facts)}",
                ({ } board, { } whole, _) when Near(sum, board) && Near(whole, board) =>
                    $"AcceleratorJoules = ServerJoules = {Made(board)}",
                ({ } board, { } whole, _) when Near(sum, board) =>
                    $"AcceleratorJoules = {Made(board)}; ServerJoules = {Number(whole)}: the boards told more than their server, "
                        + "and the server is believed",
                (null, { } whole, _) when terms.Count > 0 && boards is { } inside && Near(Math.Max(0, sum - inside), whole) =>
                    $"ServerJoules = ({all}) - {Number(inside)} of its accelerators, which have facts of their own = {Number(whole)}",
                (null, { } whole, _) when terms.Count > 0 && Near(sum, whole) => $"ServerJoules = {Made(whole)}",
                (_, _, { } beside) when Near(sum, beside) => $"RackJoules = {Made(beside)}; it holds servers and stands beside them",
                _ when model is not null => model.Value.Text,
                _ => $"{(server is null ? "AcceleratorJoules" : "ServerJoules")} = "
                    + $"{(server ?? accelerator ?? rack) switch { { } joules => Number(joules), _ => "null" }} by the cover "
                    + $"{facts[0].Cover.Word()}{(terms.Count > 0 ? $" of {all}" : "")}"
                    + $"{(facts[0].Factors.Length > 0 ? $" and the factors {facts[0].Factors}" : "")}",
            };
            decisions.Add(
                new CoverDecision(
                    Describe(facts[0].Resource),
                    group.Key.Start,
                    facts[0].Cover.Word(),
                    server ?? accelerator ?? rack,
                    text,
                    model?.Bounds,
                    Idle(facts, read),
                    Embodied(facts)
                )
            );

            string Made(double value) => all == Number(value) ? all : $"{all} = {Number(value)}";
        }
        return decisions;
    }

    /// <summary>A board whose load alone is read: the power model with its numbers, when they give what was concluded.</summary>
    private (string Text, string Bounds)? Modelled(List<EnergyFact> facts, List<TracedReading> loads)
    {
        if (LoadOf(loads) is not { } load || Total(facts, fact => fact[Measures.Accelerator]) is not { } joules)
            return null;
        var words = facts[0].Factors.Split(' ');
        var name = Array.Find(words, factor => factor.StartsWith("hardware:", StringComparison.Ordinal));
        if (
            name is null
            || book.Hardware.All.FirstOrDefault(row =>
                row.Kind == HardwareKind.Accelerator && name.StartsWith($"hardware:{row.Name.Replace(' ', '-')}@", StringComparison.Ordinal)
            )
                is not { } hardware
        )
            return null;
        var (idle, max, seconds) = (hardware.Power.Idle.Watts, hardware.Power.Max.Watts, loads[0].Seconds);
        // All boards of a machine, or a share of one, are told as one load.
        var type = ServerOf(facts);
        var count =
            type is { Accelerators: > 0 } && !Near(idle * seconds + (max - idle) * load.Busy * seconds, joules) ? type.Accelerators : 1;
        var times = count == 1 ? "" : $"{Number(count)} x ";
        return Near(count * (idle * seconds + (max - idle) * load.Busy * seconds), joules)
            ? (
                $"AcceleratorJoules = {times}({Number(idle)} W x {Number(seconds)} s + ({Number(max)} W - {Number(idle)} W) x "
                    + $"{Number(load.Busy * seconds)} s at full load) = {Number(joules)}, {load.Text}, by {name}",
                $"at rest {times}{Number(idle)} W x {Number(seconds)} s = {Number(count * idle * seconds)} J, at full load "
                    + $"{times}{Number(max)} W x {Number(seconds)} s = {Number(count * max * seconds)} J"
            )
            : null;
    }

    /// <summary>A host that nobody meters: what its type draws at its load, with the numbers.</summary>
    private (string Text, string Bounds)? HostModelled(List<EnergyFact> facts, List<TracedReading> loads)
    {
        if (
            Total(facts, fact => fact[Measures.Server]) is not { } joules
            || ServerOf(facts) is not { MicroArchitecture: { } architecture } type
            || book.Hardware.VirtualCpu(architecture) is not { } cpu
            || type.HostPower(book.Hardware) is not { } power
        )
            return null;
        var usual = Array.Find(facts[0].Factors.Split(' '), factor => factor.StartsWith("host_load:", StringComparison.Ordinal));
        var (idle, max, seconds) = (power.Idle.Watts, power.Max.Watts, facts[0].CoveredSeconds);
        if (
            (
                usual is null
                    ? LoadOf(loads)
                    : (
                        UsualLoad,
                        $"the load {Number(UsualLoad)} is the usual one ({usual}), because nothing tells how busy the host was "
                            + "and all its accelerators are read"
                    )
            )
            is not { } load
        )
            return null;
        var one = idle * seconds + (max - idle) * load.Busy * seconds;
        // A mean over servers is told once for all of them.
        var servers = one > 0 && Math.Round(joules / one) is > 1 and var many && Near(many * one, joules) ? many : 1;
        var times = servers == 1 ? "" : $"{Number(servers)} servers x ";
        var (cores, memory) = (
            type.VirtualCpus.ToString(CultureInfo.InvariantCulture),
            $"{Number(type.MemoryGigabytes)} GB x {Number(ServerType.WattsPerGigabyte)} W"
        );
        return Near(servers * one, joules)
            ? (
                $"ServerJoules = {times}({cores} vCPU x ({Number(cpu.Power.Idle.Watts)} W + {Number(load.Busy)} x "
                    + $"({Number(cpu.Power.Max.Watts)} W - {Number(cpu.Power.Idle.Watts)} W)) + {memory}) x {Number(seconds)} s = "
                    + $"{Number(joules)}, without accelerators; {load.Text}; by {type.FactorName} and "
                    + $"{Array.Find(facts[0].Factors.Split(' '), factor => factor.StartsWith("vcpu:", StringComparison.Ordinal))}",
                $"at rest {times}({cores} vCPU x {Number(cpu.Power.Idle.Watts)} W + {memory}) x {Number(seconds)} s = "
                    + $"{Number(servers * idle * seconds)} J, at full load {times}({cores} vCPU x {Number(cpu.Power.Max.Watts)} W + "
                    + $"{memory}) x {Number(seconds)} s = {Number(servers * max * seconds)} J"
            )
            : null;
    }

    /// <summary>The mean load of readings that are parts of one thing, in words; null when they are told for unlike times or on a scale of
    /// their own.</summary>
    private static (double Busy, string Text)? LoadOf(List<TracedReading> loads)
    {
        if (
            loads.Count == 0
            || loads[0].Seconds <= 0
            || loads.Exists(reading => !Near(reading.Seconds, loads[0].Seconds) || reading.Mapping.Scale is not null)
        )
            return null;
        var busy = loads.Sum(reading => reading.Amount) / loads.Count / loads[0].Seconds;
        var all =
            string.Join(" + ", loads.Take(MostTerms).Select(reading => Number(reading.Amount))) + (loads.Count > MostTerms ? " + ..." : "");
        return (
            busy,
            loads.Count == 1
                ? $"the load is {all} s at full load / {Number(loads[0].Seconds)} s = {Number(busy)}"
                : $"the load is ({all}) s at full load / {loads.Count.ToString(CultureInfo.InvariantCulture)} parts / "
                    + $"{Number(loads[0].Seconds)} s = {Number(busy)}"
        );
    }

    /// <summary>How the idle part was told: by the load of its own or of its accelerators, else by the work of the period.</summary>
    private string? Idle(List<EnergyFact> facts, List<TracedReading> loads)
    {
        if (
            facts.Find(fact => fact[Measures.Idle] is not null && fact.Deployment.Id == own[0].Deployment.Id) is not { } fact
            || fact[Measures.Idle] is not { } idle
            || Joules(fact) is not { } joules
        )
            return null;
        var who = facts.Count > 1 ? $" of {fact.Deployment.Workload.Name}" : "";
        // What is beside the accelerators of a machine is as busy as they are, whatever its processors do.
        var beside =
            fact[Measures.Accelerator] is null
            && aroundAt[(fact.Period.Start, HostOf(fact.Resource))].Any(other => other[Measures.Accelerator] is not null);
        if (beside)
            loads = usedAt[(fact.Period.Start, HostOf(fact.Resource))]
                .Where(reading => IsLoad(reading) && reading.Component == Component.Accelerator)
                .ToList();
        if (!beside && LoadOf(loads) is { } load && Near(joules * (1 - load.Busy), idle))
            return $"IdleJoules{who} = {Number(joules)} x (1 - {Number(load.Busy)}) = {Number(idle)}; {load.Text}";
        if (loads.Count > 0)
            return $"IdleJoules{who} = {Number(joules)} x (1 - {Number(joules > 0 ? 1 - idle / joules : 1)}) = {Number(idle)}; the "
                + $"load is {(beside ? "the mean of the accelerators' that it held" : "read")}";
        return idle == 0
            ? $"IdleJoules{who} = 0: work was done in the period, and nothing tells the load"
            : $"IdleJoules{who} = {Number(idle)}: no work was done in the period, and nothing tells the load";
    }

    /// <summary>TE x TiR / EL, and its part for one of the accelerators.</summary>
    private string? Embodied(List<EnergyFact> facts)
    {
        if (Total(facts, fact => fact[Measures.Embodied]) is not { } grams || ServerOf(facts) is not { Embodied: { } made } type)
            return null;
        var host = aroundAt[(facts[0].Period.Start, HostOf(facts[0].Resource))].ToList();
        var boards = host.Where(fact => fact[Measures.Accelerator] is not null).GroupBy(fact => fact.Resource.Id).ToList();
        if (facts[0][Measures.Accelerator] is null && boards.Count > 0)
            return "EmbodiedGrams = 0: its accelerators carry the making of the whole machine, in equal parts";
        // The whole machine was reserved for as long as it is known: the machine's own time where it has one.
        var seconds = host.Find(fact => fact[Measures.Accelerator] is null)?.CoveredSeconds
            ?? boards.Min(board => board.Sum(fact => fact.CoveredSeconds));
        var whole = made.Total.Grams * (seconds / made.Lifespan.TotalSeconds);
        var part = facts[0][Measures.Accelerator] is null ? whole : whole / boards.Count;
        return Near(part, grams)
            ? $"EmbodiedGrams = {Number(made.Total.Grams)} g (TE x RR / ToR) x {Number(seconds)} s / "
                + $"{Number(made.Lifespan.TotalSeconds)} s (TiR / EL) = "
                + Number(whole)
                + (facts[0][Measures.Accelerator] is null ? "" : $", / {Number(boards.Count)} accelerators = {Number(part)}")
                + ", "
                + $"by {type.FactorName}"
            : $"EmbodiedGrams = {Number(grams)}, by {type.FactorName}";
    }

    private ServerType? ServerOf(List<EnergyFact> facts) =>
        facts.SelectMany(fact => fact.Factors.Split(' ')).FirstOrDefault(factor => factor.StartsWith("server:", StringComparison.Ordinal))
            is { } name
            ? book.Servers.All.FirstOrDefault(server => server.FactorName == name)
            : null;

    /// <summary>What gave a workload its share of a resource, as far as what was read shows it.</summary>
    private string? By(EnergyFact fact, double share)
    {
        if (share == 1)
            return null;
        var claimed = usedAt[(fact.Period.Start, HostOf(fact.Resource))].Where(reading => reading.Resource!.Id == fact.Resource.Id);
        if (claimed.Any(reading => reading.Workload == fact.Deployment.Workload.Name) && fact.Deployment.Workload != Workload.Unattributed)
            return "its own series of the resource, by their labels";
        var boards = aroundAt[(fact.Period.Start, HostOf(fact.Resource))].Where(board => board[Measures.Accelerator] is not null).ToList();
        var (held, all) = (
            boards.Where(board => board.Deployment.Id == fact.Deployment.Id).Sum(board => board.CoveredSeconds),
            boards.Sum(board => board.CoveredSeconds)
        );
        if (fact[Measures.Accelerator] is null && all > 0 && Near(held / all, share))
            return $"the time that it held accelerators of the machine: {Number(held)} s of {Number(all)} s";
        return fact.Deployment.Workload == Workload.Unattributed
            ? "what nobody claims"
            : "its pods, containers or CPU time on the machine, or the work that it did there";
    }

    private static string Reasons(List<EnergyFact> facts) =>
        facts[0].Missing is var missing and not MissingReasons.None ? missing.Text() : "nobody meters it";

    private static string WhyNot(TracedReading reading, IEnumerable<TracedReading> used)
    {
        if (reading.Resource is null)
            return "another mapping counts the same work at this endpoint";
        var others = used.ToList();
        if (
            others.Find(other =>
                other.Component == reading.Component
                && other.Mapping == reading.Mapping
                && other.Part == reading.Part
                && other.Series.Id != reading.Series.Id
            ) is
            { } same
        )
            return $"it tells the same as {same.Series}, which is taken";
        if (others.Find(other => other.Component == reading.Component && other.Mapping != reading.Mapping && !IsLoad(other)) is { } better)
            return $"the {Word(reading.Component)} is told by {better.Mapping.Id}, which has the better evidence or covers more of the "
                + "period";
        if (IsLoad(reading))
            return "a meter reads the energy, so the load is not asked for it";
        if (reading.Component is Component.Core or Component.Uncore)
            return "it lies inside the CPU package and is never added to it";
        if (others.Find(other => other.Component != reading.Component && !IsLoad(other)) is { } wider)
            return $"the {Word(wider.Component)} of the same machine covers the boundary, and holds it";
        return reading.Mapping.Share
            ? "it is a share of its server's energy, and the shares are told on another level"
            : "no boundary takes this component in this period";
    }

    private ExplainedFactor Factor(string name)
    {
        if (
            own.FirstOrDefault(fact => fact.Deployment.Place.Pue is not null && name == $"pue:{fact.Deployment.Place.Name}@config") is
            { } configured
        )
            return new ExplainedFactor
            {
                Name = name,
                Value = configured.Deployment.Place.Pue,
                Unit = "1",
                Source = "configuration",
            };
        if (book.All.FirstOrDefault(factor => factor.Name == name) is { } known)
        {
            return new ExplainedFactor
            {
                Name = name,
                Value = known.Value,
                Unit = known.Unit,
                Text = known.Range is { } range ? $"from {Number(range.Low)} to {Number(range.High)}" : null,
                Source = known.Source,
                Licence = known.Licence,
                Vintage = known.Vintage?.ToString(CultureInfo.InvariantCulture),
            };
        }
        var kind = name.Split(':')[0];
        if (kind == "host_load")
            return new ExplainedFactor
            {
                Name = name,
                Value = UsualLoad,
                Unit = "1",
                Text = "the usual load of a host of which only the accelerators are read",
                Source = "Cloud Carbon Footprint: average of servers in use",
                Licence = "Apache-2.0",
                Vintage = "2024",
            };
        if (
            kind is "hardware" or "vcpu"
            && book.Hardware.All.FirstOrDefault(row => name.StartsWith($"{kind}:{row.Name.Replace(' ', '-')}@", StringComparison.Ordinal))
                is { } hardware
        )
        {
            return new ExplainedFactor
            {
                Name = name,
                Text = $"{Number(hardware.Power.Idle.Watts)} W idle, {Number(hardware.Power.Max.Watts)} W at full load",
                Source = hardware.Source,
                Licence = hardware.Licence,
                Vintage = hardware.Vintage?.ToString(CultureInfo.InvariantCulture),
            };
        }
        if (book.Servers.All.FirstOrDefault(server => server.FactorName == name) is { } type)
        {
            return new ExplainedFactor
            {
                Name = name,
                Text =
                    $"{type.VirtualCpus} vCPU {type.MicroArchitecture}, {Number(type.MemoryGigabytes)} GB, "
                    + $"{(type.Accelerator is { } board ? $"{Number(type.Accelerators)} x {board}" : "no accelerator")}, "
                    + (
                        type.Embodied is { } made
                            ? $"{Number(made.Total.Kilograms)} kg embodied in what is reserved, over "
                                + $"{Number(made.Lifespan.TotalDays / 365)} years ({type.Method})"
                            : "embodied emissions unknown"
                    ),
                Source = type.Source,
                Licence = type.Licence,
                Vintage = type.Version,
            };
        }
        return book.Models.All.FirstOrDefault(model => model.FactorName == name) is { } size
            ? new ExplainedFactor
            {
                Name = name,
                Text = $"{Number(size.Size.ActiveParameters.Low)} to {Number(size.Size.ActiveParameters.High)} active parameters",
                Source = size.Source,
                Licence = size.Licence,
                Vintage = size.Version,
            }
            : new ExplainedFactor { Name = name };
    }

    private static ExplainedResource Describe(Resource resource) =>
        new(resource.Id.ToString(CultureInfo.InvariantCulture), resource.Kind, resource.Name, resource.Node);

    private static ExplainedFact Describe(EnergyFact fact) =>
        new()
        {
            Resource = Describe(fact.Resource),
            PeriodStart = fact.Period.Start,
            PeriodEnd = fact.Period.End,
            AcceleratorJoules = fact[Measures.Accelerator],
            ServerJoules = fact[Measures.Server],
            FacilityJoules = fact[Measures.Facility],
            RackJoules = fact[Measures.Rack],
            IdleJoules = fact[Measures.Idle],
            LowJoules = fact[Measures.Low],
            HighJoules = fact[Measures.High],
            OperationalGrams = fact[Measures.Operational],
            MarginalGrams = fact[Measures.Marginal],
            MarketBasedGrams = fact[Measures.MarketBased],
            EmbodiedGrams = fact[Measures.Embodied],
            WaterLitres = fact[Measures.Water],
            MeasuredJoules = fact[Measures.Measured] ?? 0,
            CoveredSeconds = fact.CoveredSeconds,
            Evidence = Word(fact.Evidence),
            Cover = fact.Cover.Word(),
            Mappings = fact.Mappings,
            Factors = fact.Factors,
            Missing = fact.Missing.Text(),
        };

    private static ExplainedSource Describe(SeriesSamples one, int number, MetricMapping mapping)
    {
        var samples = one.Samples.Span;
        return new ExplainedSource
        {
            Number = number,
            Source = one.Series.Source,
            Provider = one.Series.Provider,
            Metric = one.Series.Metric,
            Labels = one.Series.Labels.Pairs.ToDictionary(StringComparer.Ordinal),
            Statistic = one.Series.Statistic.ToString(),
            PeriodSeconds = one.Series.Period.TotalSeconds,
            Samples = samples.Length,
            First = samples.IsEmpty ? null : new ExplainedSample(samples[0].Start, samples[0].End, samples[0].Value),
            Last = samples.IsEmpty ? null : new ExplainedSample(samples[^1].Start, samples[^1].End, samples[^1].Value),
            Sha256 = Sha256(samples),
            Mapping = new ExplainedMapping
            {
                Name = string.Create(CultureInfo.InvariantCulture, $"{mapping.Id}@{mapping.Version}"),
                Unit = mapping.Unit.Symbol,
                Numerator = mapping.Unit.Numerator,
                Denominator = mapping.Unit.Denominator,
                Kind = mapping.Kind.ToString(),
                Quantity = Word(mapping.Unit.Quantity),
                Component = Word(mapping.Component),
                FunctionalUnit = mapping.FunctionalUnit,
                Evidence = Word(mapping.Evidence),
                Hold = mapping.Hold,
                WrapsAt = mapping.WrapsAt,
                MaxSpanSeconds = mapping.MaxSpan.TotalSeconds,
                IdleWatts = mapping.Power?.IdleWatts,
                MaxWatts = mapping.Power?.MaxWatts,
                Reference = mapping.Reference,
            },
        };
    }

    private static string Word<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
}
