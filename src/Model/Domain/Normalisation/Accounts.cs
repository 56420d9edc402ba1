using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Normalisation;

/// <summary>Between what some joules lie; NaN where that is unknown.</summary>
/// <param name="Low">The least.</param>
/// <param name="High">The most.</param>
internal readonly record struct Extent(double Low, double High)
{
    /// <summary>Nothing is known.</summary>
    public static Extent Unknown => new(double.NaN, double.NaN);

    public double? Least => double.IsNaN(Low) ? null : Low;

    public double? Most => double.IsNaN(High) ? null : High;

    /// <summary>Joules of a reading, that are as far from the truth as it is.</summary>
    public static Extent Of(in Reading reading, double joules) =>
        new(reading.LowOf(joules) ?? double.NaN, reading.HighOf(joules) ?? double.NaN);

    /// <summary>Both together.</summary>
    public static Extent operator +(Extent a, Extent b) => new(a.Low + b.Low, a.High + b.High);

    /// <summary>A part of it.</summary>
    public static Extent operator *(Extent extent, double part) => new(extent.Low * part, extent.High * part);

    /// <summary>The same, holding a value in any case and nothing below zero.</summary>
    public Extent Holding(double joules) =>
        double.IsNaN(Low) || double.IsNaN(High) ? Unknown : new(Math.Clamp(Low, 0, Math.Max(0, joules)), Math.Max(High, joules));
}

/// <summary>Seconds of a share.</summary>
/// <param name="Present">For which the deployment had the resource, whatever share of it.</param>
/// <param name="AcceleratorPresent">For which it had the resource's accelerators; 0 where it has none.</param>
/// <param name="Accelerator">Of which the accelerators' energy is known.</param>
/// <param name="Server">Of which the server's energy is known.</param>
internal readonly record struct ShareTime(double Present, double AcceleratorPresent, double Accelerator, double Server)
{
    /// <summary>Everything is known of the time.</summary>
    public static ShareTime Of(double seconds) => new(seconds, seconds, seconds, seconds);
}

/// <summary>Energy of a resource for a workload in one grid period.</summary>
internal readonly record struct Share
{
    /// <summary>Number of the workload, or <see cref="WorkloadClaims.Unclaimed"/>.</summary>
    public required int Workload { get; init; }

    /// <summary>What drew it.</summary>
    public required MeteredResource Resource { get; init; }

    /// <summary>The grid period.</summary>
    public required int Bin { get; init; }

    /// <summary>Where the joules come from; its measured part holds for the joules in proportion.</summary>
    public required Reading Reading { get; init; }

    /// <summary>Of what time it tells.</summary>
    public required ShareTime Time { get; init; }

    /// <summary>Joules of accelerator boards; null when there are none or they are unknown.</summary>
    public double? Accelerator { get; init; }

    /// <summary>Between what they lie.</summary>
    public Extent AcceleratorRange { get; init; }

    /// <summary>Joules of IT equipment; null when unknown.</summary>
    public double? Server { get; init; }

    /// <summary>Between what they lie.</summary>
    public Extent ServerRange { get; init; }

    /// <summary>The part of these (of the accelerator's where they are unknown) drawn while doing nothing; null when unknown.</summary>
    public double? Idle { get; init; }

    /// <summary>What told it.</summary>
    public IdleMeans IdleBy { get; init; }

    /// <summary>Embodied grams that fall to it; null when unknown.</summary>
    public double? Embodied { get; init; }

    /// <summary>What made up the widest boundary.</summary>
    public required EnergyCover Cover { get; init; }

    /// <summary>Why something is null.</summary>
    public MissingReasons Missing { get; init; }

    /// <summary>Whether it tells time alone: the resource was there and is not read.</summary>
    public bool IsSilent => Accelerator is null && Server is null;
}

/// <summary>
/// Account: what was attributed becomes facts, with the facility's energy, emissions and water where the factors of the
/// place are known. A factor that is missing leaves null and its name, never zero.
/// </summary>
internal sealed class Accounts(
    Grid grid,
    IReadOnlyList<Workload> workloads,
    Provenance provenance,
    FactorBook? factors,
    DecisionTrace? trace,
    Rules rules = Rules.All
)
{
    private readonly Dictionary<(int Workload, string Place, string Account), Deployment> deployments = [];
    private readonly Dictionary<(string Place, DateOnly Day), Site> sites = [];
    private Site? last;

    public List<EnergyFact> Energy { get; } = [];

    public List<WorkFact> Work { get; } = [];

    /// <summary>Energy of a resource for a workload.</summary>
    public void Enter(in Share share)
    {
        var site = SiteOf(share.Resource.Place, share.Bin);
        var reading = share.Reading;
        var (accelerator, server) = (share.Accelerator, share.Server);
        Energy? it = server is { } joules ? Quantities.Energy.FromJoules(joules) : null;
        var facility = it * site.Pue;
        var widest = server ?? accelerator;
        var ofServer = server is { } within ? RangeOf(share.ServerRange, within) : Extent.Unknown;
        var ofAccelerator = accelerator is { } ofBoards ? RangeOf(share.AcceleratorRange, ofBoards) : Extent.Unknown;
        var ofWidest = server is null ? ofAccelerator : ofServer;
        double? facilityLow = facility is null ? null : ofServer.Least * site.LowPue;
        double? facilityHigh = facility is null ? null : ofServer.Most * site.HighPue;
        var missing = server is null ? share.Missing : share.Missing | site.Missing;
        var time = share.Time;
        Energy.Add(
            new EnergyFact
            {
                Deployment = DeploymentOf(share.Workload, share.Resource.Place, share.Resource.Account),
                Resource = share.Resource.Identity,
                Period = grid[share.Bin],
                [Measures.Accelerator] = accelerator,
                [Measures.Server] = server,
                [Measures.Facility] = facility?.Joules,
                [Measures.Idle] = share.Idle,
                [Measures.Low] = facility is null ? ofWidest.Least : facilityLow,
                [Measures.High] = facility is null ? ofWidest.Most : facilityHigh,
                [Measures.AcceleratorLow] = ofAccelerator.Least,
                [Measures.AcceleratorHigh] = ofAccelerator.Most,
                [Measures.ServerLow] = ofServer.Least,
                [Measures.ServerHigh] = ofServer.Most,
                [Measures.FacilityLow] = facilityLow,
                [Measures.FacilityHigh] = facilityHigh,
                [Measures.OperationalLow] = facilityLow is { } least
                    ? site.Average?.LeastOf(Quantities.Energy.FromJoules(least)).Grams
                    : null,
                [Measures.OperationalHigh] = facilityHigh is { } most
                    ? site.Average?.MostOf(Quantities.Energy.FromJoules(most)).Grams
                    : null,
                [Measures.EmbodiedLow] = share.Embodied,
                [Measures.EmbodiedHigh] = share.Embodied,
                [Measures.Present] = time.Present,
                [Measures.AcceleratorPresent] = time.AcceleratorPresent,
                [Measures.AcceleratorSeconds] = accelerator is null ? 0 : time.Accelerator,
                [Measures.ServerSeconds] = server is null ? 0 : time.Server,
                [Measures.Operational] = facility is { } used ? site.Average?.Of(used).Grams : null,
                [Measures.Marginal] = facility is { } marginal ? site.Marginal?.Of(marginal).Grams : null,
                [Measures.MarketBased] = facility is { } market ? site.MarketBased?.Of(market).Grams : null,
                [Measures.Embodied] = share.Embodied,
                [Measures.Water] = it is { } cooled ? site.Water?.OnSiteOf(cooled).Litres : null,
                [Measures.Measured] = share.Reading.MeasuredOf(widest ?? 0),
                [Measures.Covered] =
                    server is not null ? time.Server
                    : accelerator is not null ? time.Accelerator
                    : 0,
                Evidence = share.Reading.Evidence,
                Cover = share.Cover,
                IdleBy = share.Idle is null ? IdleMeans.None : share.IdleBy,
                Mappings = provenance.Text(share.Reading.Mappings),
                Factors = provenance.Text(server is null ? share.Reading.Factors : provenance.Union(share.Reading.Factors, site.Factors)),
                Missing = share.Embodied is null && !share.IsSilent ? missing | MissingReasons.EmbodiedUnknown : missing,
            }
        );
    }

    private Extent RangeOf(Extent range, double joules) => rules.HasFlag(Rules.Bounds) ? range.Holding(joules) : new Extent(joules, joules);

    /// <summary>Energy of a rack or a distribution unit: it holds the servers' and stands beside the boundaries, so no part of it counts as
    /// measured energy of one.</summary>
    public void EnterRack(
        int workload,
        MeteredResource resource,
        int bin,
        Reading reading,
        double seconds,
        double joules,
        EnergyCover cover
    ) =>
        Energy.Add(
            new EnergyFact
            {
                Deployment = DeploymentOf(workload, resource.Place, resource.Account),
                Resource = resource.Identity,
                Period = grid[bin],
                [Measures.Rack] = joules,
                [Measures.Measured] = 0,
                [Measures.Covered] = seconds,
                Evidence = reading.Evidence,
                Cover = cover,
                Mappings = provenance.Text(reading.Mappings),
            }
        );

    /// <summary>Work of a workload.</summary>
    public void EnterWork(
        int workload,
        Place place,
        string? account,
        string functionalUnit,
        int bin,
        double units,
        double seconds,
        (double Counted, double Present) time,
        Evidence evidence,
        MappingSet readThrough
    ) =>
        Work.Add(
            new WorkFact
            {
                Deployment = DeploymentOf(workload, place, account),
                FunctionalUnit = functionalUnit,
                Period = grid[bin],
                Units = units,
                Covered = seconds,
                CountedSeconds = time.Counted,
                PresentSeconds = time.Present,
                Evidence = evidence,
                Mappings = provenance.Text(readThrough),
            }
        );

    /// <summary>Orders the facts, makes one of those with one key (a machine that is read both as a server and as its accelerators), and
    /// tells idle energy by work where no load tells it.</summary>
    public void Close()
    {
        AdoptAccounts();
        Energy.Sort(
            static (a, b) =>
                a.Deployment.Id != b.Deployment.Id ? a.Deployment.Id.CompareTo(b.Deployment.Id)
                : a.Resource.Id != b.Resource.Id ? a.Resource.Id.CompareTo(b.Resource.Id)
                : a.Period.Start != b.Period.Start ? a.Period.Start.CompareTo(b.Period.Start)
                : a.Cover.CompareTo(b.Cover)
        );
        var unique = 0;
        for (var i = 1; i < Energy.Count; i++)
        {
            var (before, next) = (Energy[unique], Energy[i]);
            if (
                before.Deployment.Id == next.Deployment.Id
                && before.Resource.Id == next.Resource.Id
                && before.Period.Start == next.Period.Start
            )
                Energy[unique] = Merge(before, next);
            else
                Energy[++unique] = next;
        }
        if (Energy.Count > 0)
            Energy.RemoveRange(unique + 1, Energy.Count - unique - 1);

        Work.Sort(
            static (a, b) =>
                a.Deployment.Id != b.Deployment.Id ? a.Deployment.Id.CompareTo(b.Deployment.Id)
                : string.CompareOrdinal(a.FunctionalUnit, b.FunctionalUnit) is var unit and not 0 ? unit
                : a.Period.Start.CompareTo(b.Period.Start)
        );
        IdleByWork();
    }

    /// <summary>Of a workload at a place of which some telemetry names one account and some none, all is of that account.</summary>
    private void AdoptAccounts()
    {
        Dictionary<Deployment, Deployment>? adopted = null;
        foreach (var told in deployments.Values.GroupBy(known => (known.Workload.Name, Place: known.Place.Name)))
            if (told.Count() == 2 && told.SingleOrDefault(known => known.Account is null) is { } without)
                (adopted ??= new(ReferenceEqualityComparer.Instance)).Add(without, told.Single(known => known.Account is not null));
        if (adopted is null)
            return;
        for (var i = 0; i < Energy.Count; i++)
            if (adopted.TryGetValue(Energy[i].Deployment, out var deployment))
                Energy[i] = Energy[i] with { Deployment = deployment };
        for (var i = 0; i < Work.Count; i++)
            if (adopted.TryGetValue(Work[i].Deployment, out var deployment))
                Work[i] = Work[i] with { Deployment = deployment };
    }

    /// <summary>A period in which a deployment's work was counted and none was done was idle; one in which any was done is taken as busy,
    /// so that idle energy is rather told too small.</summary>
    private void IdleByWork()
    {
        Dictionary<(long Deployment, DateTime Start), bool>? worked = null;
        for (var i = 0; i < Energy.Count; i++)
        {
            var fact = Energy[i];
            if (fact[Measures.Server] is null && fact[Measures.Accelerator] is null)
                continue;
            if (fact[Measures.Idle] is not null || fact[Measures.Rack] is not null || fact.Deployment.Workload == Workload.Unattributed)
                continue;
            if (worked is null)
            {
                worked = new(Work.Count);
                foreach (var work in Work)
                {
                    // A period of which nothing was counted says nothing.
                    if (work.CountedSeconds <= 0)
                        continue;
                    var key = (work.Deployment.Id, work.Period.Start);
                    worked[key] = worked.GetValueOrDefault(key) || work.Units > 0;
                }
            }
            var isKnown = worked.TryGetValue((fact.Deployment.Id, fact.Period.Start), out var busy);
            if (isKnown)
                trace?.IdleByWork(fact, busy);
            Energy[i] = isKnown
                ? fact.With(Measures.Idle, busy ? 0 : fact[Measures.Server] ?? fact[Measures.Accelerator]) with
                {
                    IdleBy = IdleMeans.Work,
                }
                : fact with
                {
                    Missing = fact.Missing | MissingReasons.BusyUnknown,
                };
        }
    }

    private static EnergyFact Merge(EnergyFact a, EnergyFact b)
    {
        var values = MeasureValues.OfFact();
        foreach (var measure in Measures.HeldBy(MeasureHolders.Facts | MeasureHolders.Passing))
            values[measure] =
                measure.Unit == "s" ? Math.Max(a[measure] ?? 0, b[measure] ?? 0)
                // What is bounded or idle is of all that each tells, or unknown; of the rest each tells its own part.
                : measure == Measures.Idle || measure.Aggregation == Aggregation.Bounds ? OfBoth(measure, IsKnown)
                : measure.Bounding is { } bounded ? OfBoth(measure, fact => fact[bounded] is not null)
                : Sum(a[measure], b[measure]);
        return a.With(values) with
        {
            Evidence = KnownSeries.Worst(a.Evidence, b.Evidence),
            Cover = a.Cover == b.Cover || a.Cover == EnergyCover.Accelerator ? b.Cover : a.Cover,
            Mappings = Provenance.Join(a.Mappings, b.Mappings),
            Factors = Provenance.Join(a.Factors, b.Factors),
            IdleBy = a.IdleBy | b.IdleBy,
            Missing = a.Missing | b.Missing,
        };

        double? OfBoth(Measure measure, Predicate<EnergyFact> tells) =>
            !tells(a) ? b[measure]
            : !tells(b) ? a[measure]
            : a[measure] + b[measure];

        static bool IsKnown(EnergyFact fact) => fact[Measures.Server] is not null || fact[Measures.Accelerator] is not null;
    }

    private static double? Sum(double? a, double? b) =>
        a is null ? b
        : b is null ? a
        : a + b;

    private Deployment DeploymentOf(int workload, Place place, string? account)
    {
        if (!deployments.TryGetValue((workload, place.Name, account ?? ""), out var deployment))
        {
            deployment = new Deployment(workload == WorkloadClaims.Unclaimed ? Workload.Unattributed : workloads[workload], place, account);
            deployments.Add((workload, place.Name, account ?? ""), deployment);
        }
        return deployment;
    }

    private Site SiteOf(Place place, int bin)
    {
        var day = DateOnly.FromDateTime(grid[bin].Start);
        if (last is { } same && same.Day == day && ReferenceEquals(same.Place, place))
            return same;
        if (!sites.TryGetValue((place.Name, day), out var site))
            sites.Add((place.Name, day), site = new Site(place, day, factors, provenance, trace));
        return last = site;
    }

    /// <summary>What is known of a place on a day, looked up once.</summary>
    private sealed class Site
    {
        public Site(Place place, DateOnly day, FactorBook? factors, Provenance provenance, DecisionTrace? trace)
        {
            (Place, Day) = (place, day);
            if (Take(Measures.Facility, Measures.Server, Factor.OfPue(place) ?? Find(FactorKind.Pue, FactorMethod.Annual)) is { } pue)
                (Pue, LowPue, HighPue) = (pue.Value, pue.Range?.Low ?? pue.Value, pue.Range?.High ?? pue.Value);
            else
                Missing |= MissingReasons.PueUnknown;
            if (Take(Measures.Water, Measures.Server, Find(FactorKind.Wue, FactorMethod.Annual)) is { } wue)
                Water = new WaterFactors(wue.Value, null);
            else
                Missing |= MissingReasons.WueUnknown;
            Average = IntensityOf(Measures.Operational, FactorMethod.LocationAverage);
            if (Average is null)
                Missing |= MissingReasons.GridUnknown;
            Marginal = IntensityOf(Measures.Marginal, FactorMethod.LocationMarginal);
            MarketBased = IntensityOf(Measures.MarketBased, FactorMethod.MarketBased);

            CarbonIntensity? IntensityOf(Measure grams, FactorMethod method) =>
                Take(grams, Measures.Facility, Find(FactorKind.GridIntensity, method)) is { } grid
                    ? new CarbonIntensity(grid.Value) { Range = grid.Range }
                    : null;

            Factor? Find(FactorKind kind, FactorMethod method) => factors?.Find(kind, method, place, day);

            Factor? Take(Measure measure, Measure from, Factor? by)
            {
                if (by is null)
                    return null;
                Factors = provenance.Union(Factors, provenance.Of(by.Name));
                trace?.Account(place, day, new AccountDecision(measure, from, by));
                return by;
            }
        }

        public Place Place { get; }

        public DateOnly Day { get; }

        public double? Pue { get; }

        public double LowPue { get; }

        public double HighPue { get; }

        /// <summary>Water of the site; that of generating its electricity is unknown.</summary>
        public WaterFactors? Water { get; }

        /// <summary>Location-based.</summary>
        public CarbonIntensity? Average { get; }

        /// <summary>Location-based.</summary>
        public CarbonIntensity? Marginal { get; }

        public CarbonIntensity? MarketBased { get; }

        /// <summary>Names of the factors found, as a set.</summary>
        public FactorSet Factors { get; private set; }

        /// <summary>What was not found.</summary>
        public MissingReasons Missing { get; private set; }
    }
}
