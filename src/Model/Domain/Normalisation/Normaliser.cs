using Metrics.Domain.Catalogue;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Normalisation;

/// <summary>What one pass over a period concluded.</summary>
/// <param name="Energy">At most one fact for each deployment, resource and grid period, ordered by these.</param>
/// <param name="Work">At most one fact for each deployment, functional unit and grid period, ordered by these.</param>
/// <param name="Rejections">Spans and samples that could not be interpreted, ending in the period, ordered by time.</param>
public sealed record NormalisedPeriod(IReadOnlyList<EnergyFact> Energy, IReadOnlyList<WorkFact> Work, IReadOnlyList<Rejection> Rejections);

/// <summary>What one series told of one grid period.</summary>
/// <param name="Series">The series.</param>
/// <param name="Mapping">How it is understood.</param>
/// <param name="Resource">What it is about; null for work.</param>
/// <param name="Component">The part of the resource; <see cref="Component.None"/> for work.</param>
/// <param name="Part">Which of the component's disjoint parts; empty when there is one.</param>
/// <param name="Period">The grid period.</param>
/// <param name="Amount">In <see cref="Unit"/>.</param>
/// <param name="Seconds">The unbroken stretch of the period that it speaks of.</param>
/// <param name="Workload">Name of the workload whose rules claim it.</param>
/// <param name="WhyNot">Why no fact was made of it; null when one was.</param>
public sealed record TracedReading(
    Series Series,
    MetricMapping Mapping,
    Resource? Resource,
    Component Component,
    string Part,
    Interval Period,
    double Amount,
    double Seconds,
    string Workload,
    UnusedDecision? WhyNot
)
{
    /// <summary>Name of the place that its source stands at.</summary>
    public string Place { get; init; } = "";

    /// <summary>What the amount is counted in.</summary>
    public AmountUnit Unit { get; init; }

    /// <summary>Whether a fact was made of it.</summary>
    public bool Used => WhyNot is null;
}

/// <summary>The facts of a period, and what they were made of.</summary>
/// <param name="Period">The facts.</param>
/// <param name="Readings">Every reading of the period, by resource and series.</param>
/// <param name="Decisions">What was decided about each resource in each grid period.</param>
public sealed record Trace(NormalisedPeriod Period, IReadOnlyList<TracedReading> Readings, IReadOnlyList<EnergyDecision> Decisions)
{
    /// <summary>What facts were made of by factors, for each place and day and each measure that is made so.</summary>
    public required IReadOnlyDictionary<(string Place, DateOnly Day, Measure Measure), AccountDecision> Accounts { get; init; }

    /// <summary>Rules that set a reading aside, with the numbers that they compared, by resource and grid period.</summary>
    public IReadOnlyList<(Resource Resource, Interval Period, CoverDecision Decision)> Covers { get; init; } = [];

    /// <summary>How a measure of a fact was made by a factor of its place; null when it is unknown, or made otherwise.</summary>
    public AccountDecision? AccountOf(EnergyFact fact, Measure measure) =>
        fact[measure] is null
            ? null
            : Accounts.GetValueOrDefault((fact.Deployment.Place.Name, DateOnly.FromDateTime(fact.Period.Start), measure));
}

/// <summary>Interpret, align, cover, attribute, account: samples in, facts out. Pure: the same samples give the same facts, in whatever
/// order the series come.</summary>
public sealed class Normaliser
{
    /// <summary>Raised when the same samples come to give other facts: what was concluded before is then computed again.</summary>
    public const int Revision = 6;

    /// <summary>The rules that act.</summary>
    internal Rules Rules { get; init; } = Rules.All;

    private readonly MetricCatalogue catalogue;
    private readonly Workload[] workloads;
    private readonly IReadOnlyDictionary<string, Place> places;
    private readonly TimeSpan grain;
    private readonly DateTime[] changes;
    private readonly FactorBook? factors;
    private readonly IReadOnlyDictionary<string, string>? hardware;

    /// <summary>A normaliser for one configuration.</summary>
    /// <param name="catalogue">What metrics mean.</param>
    /// <param name="workloads">Who works. A series that two of them claim is nobody's, and rejected as ambiguous.</param>
    /// <param name="places">Place of each source by source id. A source without one is at <c>unplaced/&lt;source&gt;</c>, whose PUE is
    /// unknown.</param>
    /// <param name="grain">Length of a grid period; a divisor of an hour.</param>
    /// <param name="factors">Factors of places, hardware and models; null: none, and then only a place's own PUE makes more than IT
    /// energy.</param>
    /// <param name="hardware">What the machines of a source are where their labels do not tell (<c>p5.48xlarge</c>), by source id.</param>
    /// <exception cref="ArgumentException">The grain does not divide an hour, or a mapping reads a quantity from a kind of sample that
    /// cannot hold it.</exception>
    public Normaliser(
        MetricCatalogue catalogue,
        IReadOnlyList<Workload> workloads,
        IReadOnlyDictionary<string, Place> places,
        TimeSpan grain,
        FactorBook? factors = null,
        IReadOnlyDictionary<string, string>? hardware = null
    )
    {
        if (grain <= TimeSpan.Zero || TimeSpan.TicksPerHour % grain.Ticks != 0)
            throw new ArgumentException($"The grain divides an hour, as 00:05:00 does; got {grain}.", nameof(grain));
        foreach (var mapping in catalogue.Mappings)
        {
            if (!MetricMapping.CanHold(mapping.Unit.Quantity, mapping.Kind))
                throw new ArgumentException(
                    $"Mapping {mapping.Id} reads {mapping.Unit.Quantity} in {mapping.Unit.Symbol} from {mapping.Kind} samples, "
                        + "which cannot hold it: energy and work come as Delta or Cumulative, power and utilisation as Gauge.",
                    nameof(catalogue)
                );
        }
        this.catalogue = catalogue;
        this.workloads = [.. workloads.OrderBy(workload => workload.Name, StringComparer.Ordinal)];
        this.places = places;
        this.grain = grain;
        this.factors = factors;
        this.hardware = hardware;
        changes =
        [
            .. catalogue
                .Mappings.Select(mapping => mapping.EffectiveFrom.ToDateTime(TimeOnly.MinValue, DateTimeKind.Utc))
                .Distinct()
                .Order(),
        ];
    }

    /// <summary>The facts of a period with everything that was read for them, so that a person can make them again by hand.</summary>
    /// <param name="period">Whole grid periods.</param>
    /// <param name="series">Samples from <c>period.Start - Limits.Reach</c> to <c>period.End + Limits.Reach</c>; a series twice is an error
    /// of the caller.</param>
    /// <exception cref="ArgumentException">The period is not made of whole grid periods, or a series is given twice.</exception>
    public Trace Trace(Interval period, IEnumerable<SeriesSamples> series)
    {
        var traced = new Tracing();
        var facts = Normalise(period, series, traced);
        return new Trace(facts, traced.Readings, traced.Decisions) { Accounts = traced.Accounts, Covers = traced.Covers };
    }

    /// <summary>Facts of the period from samples within <see cref="Limits.Reach"/> around it.</summary>
    /// <param name="period">Whole grid periods.</param>
    /// <param name="series">Samples from <c>period.Start - Limits.Reach</c> to <c>period.End + Limits.Reach</c>; a series twice is an error
    /// of the caller.</param>
    /// <exception cref="ArgumentException">The period is not made of whole grid periods, or a series is given twice.</exception>
    public NormalisedPeriod Normalise(Interval period, IEnumerable<SeriesSamples> series) => Normalise(period, series, null);

    private NormalisedPeriod Normalise(Interval period, IEnumerable<SeriesSamples> series, Tracing? traced)
    {
        var ordered = series.ToArray();
        Array.Sort(ordered, static (a, b) => a.Series.Id.CompareTo(b.Series.Id));
        for (var i = 1; i < ordered.Length; i++)
            if (ordered[i].Series.Id == ordered[i - 1].Series.Id)
                throw new ArgumentException(
                    $"The series {ordered[i].Series} of source '{ordered[i].Series.Source}' is given twice.",
                    nameof(series)
                );

        // A mapping holds from a midnight on. Within a pass it is looked up once a series, so no pass goes across a change.
        var passes = new List<NormalisedPeriod>();
        var start = period.Start;
        foreach (var change in changes)
        {
            if (change <= start || change >= period.End)
                continue;
            passes.Add(Pass(new Interval(start, change), ordered, traced));
            start = change;
        }
        passes.Add(Pass(new Interval(start, period.End), ordered, traced));
        return passes.Count == 1 ? passes[0] : Join(passes);
    }

    private NormalisedPeriod Pass(Interval period, SeriesSamples[] ordered, Tracing? traced)
    {
        var grid = new Grid(period, grain);
        var provenance = new Provenance();
        var rejections = new List<Rejection>();
        var joins = new Joins();
        var known = Know(period, ordered, provenance, joins, rejections);
        var trace = traced is null ? null : new DecisionTrace(grid, workloads, known);
        using var pieces = new Pieces(grid);
        var interpreter = new Interpreter(grid, pieces, rejections, known, Rules);
        var accounts = new Accounts(grid, workloads, provenance, factors, trace, Rules);

        var fleet = new Fleet(factors, hardware, joins, rejections, Rules);
        var work = new WorkTallies(
            interpreter,
            pieces,
            workloads,
            new Estimates(period, factors?.Models, workloads, provenance, rejections, trace),
            grid,
            rejections,
            Rules
        );
        foreach (var series in known)
        {
            if (series.Mapping.Unit.Quantity == Quantity.Work)
            {
                fleet.AddWork(work.Read(series));
            }
            else
            {
                fleet.Add(series);
                work.Presence.Add(series);
            }
        }
        work.Decide();
        fleet.Settle(grid);
        fleet.Read(interpreter, pieces);

        var choice = new MeterChoice(grid, pieces, trace, factors, Rules);
        var cover = new Cover(grid, choice, new ClaimReader(pieces, known, choice), provenance, known, factors, Rules) { Trace = trace };
        var attribution = new Attribution(grid, cover, new Silences(grid, pieces, known), accounts, provenance, pieces, rejections, Rules);
        foreach (var host in fleet.Hosts)
            for (var bin = 0; bin < grid.Count; bin++)
                attribution.Attribute(host, bin);
        foreach (var accelerator in fleet.LooseAccelerators)
        {
            var type = fleet.TypeOf(accelerator.NodeHardware ?? accelerator.ConfiguredHardware, accelerator.Place);
            for (var bin = 0; bin < grid.Count; bin++)
                attribution.AttributeLoose(accelerator, type, bin);
        }
        foreach (var rack in fleet.Racks)
            for (var bin = 0; bin < grid.Count; bin++)
                attribution.AttributeRack(rack, bin);
        work.Enter(accounts, provenance, known);

        foreach (var (resource, why) in cover.Unmodelled)
        foreach (var (_, meter) in resource.Meters)
        foreach (var one in meter.Parts.SelectMany(part => part.Series).Where(one => one.IsLoad))
            if (Interpreter.LastIn(period, one.Samples.Span) is { } at)
                rejections.Add(
                    new Rejection(
                        one.Series.Source,
                        one.Series.ToString(),
                        at,
                        RejectionReason.NoPowerModel,
                        $"Its utilisation gives no energy, for {why}"
                    )
                );

        foreach (var slice in cover.UnknownSlices)
            if (Interpreter.LastIn(period, slice.Samples.Span) is { } at)
                rejections.Add(
                    new Rejection(slice.Series.Source, slice.Series.ToString(), at, RejectionReason.SliceUnknown, slice.UnknownSlice)
                );

        accounts.Close();
        if (trace is not null)
        {
            Describe(fleet, work.All, pieces, grid, known, trace, traced!.Readings);
            traced.Add(trace);
        }
        rejections.Sort(ByTime);
        return new NormalisedPeriod(accounts.Energy, accounts.Work, rejections);
    }

    /// <summary>The series that the catalogue explains, numbered in the order of their ids.</summary>
    private List<KnownSeries> Know(Interval period, SeriesSamples[] ordered, Provenance provenance, Joins joins, List<Rejection> rejections)
    {
        var mapped = new List<(SeriesSamples Samples, MetricMapping Mapping)>(ordered.Length);
        foreach (var one in ordered)
        {
            if (catalogue.Find(one.Series, period.Start) is not { } mapping)
            {
                if (Interpreter.LastIn(period, one.Samples.Span) is { } at)
                    rejections.Add(
                        new Rejection(
                            one.Series.Source,
                            one.Series.ToString(),
                            at,
                            RejectionReason.UnmappedMetric,
                            $"No mapping of provider '{one.Series.Provider}' that holds on {period.Start:yyyy-MM-dd} explains {one.Series}."
                        )
                    );
                continue;
            }
            if (mapping.Unit.Quantity == Quantity.Information)
            {
                joins.Add(mapping, one);
                continue;
            }
            joins.Watch(one.Series);
            mapped.Add((one, mapping));
        }
        joins.Close();

        var known = new List<KnownSeries>(mapped.Count);
        var nowhere = new Dictionary<string, Place>(StringComparer.Ordinal);
        foreach (var (one, mapping) in mapped)
        {
            if (!places.TryGetValue(one.Series.Source, out var place) && !nowhere.TryGetValue(one.Series.Source, out place))
                nowhere.Add(one.Series.Source, place = new Place($"unplaced/{one.Series.Source}", null, null));
            var workload = WorkloadOf(one, label => joins.Read(one, mapping, label), period, rejections);
            known.Add(
                new KnownSeries(known.Count, one, mapping, provenance.Of(mapping), workload, place, factors?.Hardware, Rules)
                {
                    Account = AccountOf(one.Series.Labels, mapping),
                    Scope = Rules.HasFlag(Rules.Names) ? Scope.Of(one.Series.Labels, mapping.Resource.Scope) : Scope.None,
                    Pod = joins.PodOf(one, mapping),
                }
            );
        }
        return known;
    }

    private static string? AccountOf(Labels labels, MetricMapping mapping)
    {
        foreach (var reference in mapping.Resource.Account)
            if (Scope.Read(labels, reference) is { } account)
                return account;
        return null;
    }

    /// <summary>The workload whose rules claim the series. Where two do, to give it to either would be a guess.</summary>
    private int WorkloadOf(SeriesSamples one, Func<string, string?> read, Interval period, List<Rejection> rejections)
    {
        var owner = WorkloadClaims.Unclaimed;
        for (var i = 0; i < workloads.Length; i++)
        {
            if (!workloads[i].Rules.Any(rule => rule.Claims(one.Series, read)))
                continue;
            if (owner == WorkloadClaims.Unclaimed)
            {
                owner = i;
                continue;
            }
            if (Interpreter.LastIn(period, one.Samples.Span) is { } at)
                rejections.Add(
                    new Rejection(
                        one.Series.Source,
                        one.Series.ToString(),
                        at,
                        RejectionReason.AmbiguousWorkload,
                        $"The rules of the workloads '{workloads[owner].Name}' and '{workloads[i].Name}' both claim it, so it "
                            + "is given to neither; narrow one of them."
                    )
                );
            return WorkloadClaims.Unclaimed;
        }
        return owner;
    }

    private void Describe(
        Fleet fleet,
        IEnumerable<WorkTally> tallies,
        Pieces pieces,
        Grid grid,
        List<KnownSeries> known,
        DecisionTrace trace,
        List<TracedReading> readings
    )
    {
        foreach (var resource in fleet.All)
        foreach (var (component, meter) in resource.Meters)
        foreach (var part in meter.Parts)
        foreach (var piece in pieces[part.All])
            readings.Add(Describe(piece, resource.Identity, component, part.Name, trace.WhyNot(piece, resource, component)));
        foreach (var tally in tallies)
        foreach (var (piece, counted) in tally.PiecesOf(pieces))
            readings.Add(Describe(piece, null, Component.None, "", counted ? null : new UnusedDecision(UnusedRule.SameWork)));

        TracedReading Describe(Piece piece, Resource? resource, Component component, string part, UnusedDecision? whyNot)
        {
            var one = known[piece.Series];
            return new TracedReading(
                one.Series,
                one.Mapping,
                resource,
                component,
                part,
                grid[piece.Bin],
                piece.Amount,
                Piece.Seconds(piece.Ticks),
                one.Workload == WorkloadClaims.Unclaimed ? Workload.Unattributed.Name : workloads[one.Workload].Name,
                whyNot
            )
            {
                Place = one.Place.Name,
                Unit = one.Unit,
            };
        }
    }

    /// <summary>What the passes of a traced period hand out.</summary>
    private sealed class Tracing
    {
        public List<TracedReading> Readings { get; } = [];

        public List<EnergyDecision> Decisions { get; } = [];

        public Dictionary<(string Place, DateOnly Day, Measure Measure), AccountDecision> Accounts { get; } = [];

        public List<(Resource Resource, Interval Period, CoverDecision Decision)> Covers { get; } = [];

        public void Add(DecisionTrace trace)
        {
            Decisions.AddRange(trace.All);
            Covers.AddRange(trace.Acts);
            foreach (var (of, account) in trace.Accounts)
                Accounts[of] = account;
        }
    }

    private static NormalisedPeriod Join(List<NormalisedPeriod> passes)
    {
        var energy = passes
            .SelectMany(pass => pass.Energy)
            .OrderBy(fact => fact.Deployment.Id)
            .ThenBy(fact => fact.Resource.Id)
            .ThenBy(fact => fact.Period.Start);
        var work = passes
            .SelectMany(pass => pass.Work)
            .OrderBy(fact => fact.Deployment.Id)
            .ThenBy(fact => fact.FunctionalUnit, StringComparer.Ordinal)
            .ThenBy(fact => fact.Period.Start);
        return new NormalisedPeriod([.. energy], [.. work], [.. passes.SelectMany(pass => pass.Rejections)]);
    }

    private static int ByTime(Rejection a, Rejection b) =>
        Nullable.Compare(a.At, b.At) is var at and not 0 ? at
        : string.CompareOrdinal(a.Source, b.Source) is var source and not 0 ? source
        : string.CompareOrdinal(a.Subject, b.Subject) is var subject and not 0 ? subject
        : a.Reason != b.Reason ? a.Reason.CompareTo(b.Reason)
        : string.CompareOrdinal(a.Detail, b.Detail);
}
