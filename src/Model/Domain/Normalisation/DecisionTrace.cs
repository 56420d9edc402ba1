using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Normalisation;

/// <summary>Collects what the steps of a pass decide, for a <see cref="Trace"/>. A pass that nobody traces has none.</summary>
internal sealed class DecisionTrace(Grid grid, IReadOnlyList<Workload> workloads, IReadOnlyList<KnownSeries> series)
{
    private readonly HashSet<(int Series, int Bin)> used = [];
    private readonly Dictionary<(int Series, int Bin), int> duplicates = [];
    private readonly Dictionary<(MeteredResource Resource, int Bin), Component> covers = [];
    private readonly Dictionary<(MeteredResource Resource, int Bin), SortedDictionary<Component, MeterReading>> meters = [];
    private readonly Dictionary<(MeteredResource Resource, Component Component, int Bin), LoadReading> loads = [];
    private readonly Dictionary<(MeteredResource Resource, int Bin), PowerDecision> models = [];
    private readonly Dictionary<(string Workload, long Resource, DateTime Start), IdleDecision> byWork = [];
    private readonly List<(int Workload, ShareKey Key)> portions = [];
    private readonly List<EnergyDecision> decisions = [];
    private readonly List<(MeteredResource Resource, int Bin, CoverDecision Decision)> acts = [];
    private readonly Dictionary<(string Place, DateOnly Day, Measure Measure), AccountDecision> accounts = [];

    /// <summary>What facts were made of by factors of places.</summary>
    public IReadOnlyDictionary<(string Place, DateOnly Day, Measure Measure), AccountDecision> Accounts => accounts;

    /// <summary>The decisions, each share with what was found out after all facts were there.</summary>
    public IEnumerable<EnergyDecision> All =>
        decisions.Select(decision =>
            decision with
            {
                Shares =
                [
                    .. decision.Shares.Select(share =>
                        share.Idle is null
                        && byWork.TryGetValue((share.Workload, decision.Resource.Id, decision.Period.Start), out var idle)
                            ? share with
                            {
                                Idle = idle,
                            }
                            : share
                    ),
                ],
            }
        );

    /// <summary>What rules set aside, in the order in which they acted.</summary>
    public IEnumerable<(Resource Resource, Interval Period, CoverDecision Decision)> Acts =>
        acts.Select(act => (act.Resource.Identity, grid[act.Bin], act.Decision));

    /// <summary>A rule acted on a resource.</summary>
    public void Act(MeteredResource resource, int bin, CoverDecision decision) => acts.Add((resource, bin, decision));

    public void Read(MeteredResource resource, int bin, MeterReading reading)
    {
        if (!meters.TryGetValue((resource, bin), out var known))
            meters.Add((resource, bin), known = []);
        known[reading.Component] = reading;
    }

    public void Read(MeteredResource resource, Component component, int bin, LoadReading load) => loads[(resource, component, bin)] = load;

    /// <summary>A reading was made of a piece.</summary>
    public void Use(in Piece piece) => used.Add((piece.Series, piece.Bin));

    /// <summary>A piece tells the same as another series.</summary>
    public void Duplicate(in Piece piece, int taken) => duplicates[(piece.Series, piece.Bin)] = taken;

    /// <summary>A component was found to cover the boundary.</summary>
    public void Covers(MeteredResource resource, int bin, Component component) => covers[(resource, bin)] = component;

    /// <summary>Why no fact was made of a piece; null when one was.</summary>
    public UnusedDecision? WhyNot(in Piece piece, MeteredResource resource, Component component)
    {
        var (one, at) = (series[piece.Series], (resource, piece.Bin));
        if (used.Contains((piece.Series, piece.Bin)))
            return null;
        var taken = one.IsLoad
            ? LoadOf(resource, component, piece.Bin)?.Mapping
            : meters.GetValueOrDefault(at)?.GetValueOrDefault(component)?.Mapping;
        if (duplicates.TryGetValue((piece.Series, piece.Bin), out var same) && (taken is null || taken == one.Mapping))
            return new UnusedDecision(UnusedRule.SameReading) { Series = series[same].Series };
        if (taken is not null)
            return new UnusedDecision(UnusedRule.BetterMeter) { Mapping = taken, Component = component };
        if (one.IsLoad)
            return new UnusedDecision(UnusedRule.LoadNotAsked);
        if (component is Component.Core or Component.Uncore)
            return new UnusedDecision(UnusedRule.InsidePackage);
        if (covers.TryGetValue(at, out var cover) && !one.Mapping.Share)
            return new UnusedDecision(UnusedRule.InsideCover) { Component = cover };
        return new UnusedDecision(one.Mapping.Share ? UnusedRule.OtherLevel : UnusedRule.NoBoundary);
    }

    public void Modelled(MeteredResource resource, int bin, PowerDecision model) => models[(resource, bin)] = model;

    public void Account(Place place, DateOnly day, AccountDecision decision) => accounts[(place.Name, day, decision.Measure)] = decision;

    public LoadReading? LoadOf(MeteredResource resource, Component component, int bin) =>
        loads.GetValueOrDefault((resource, component, bin));

    /// <summary>A part of a server for a workload; what a rule gives it several times is one.</summary>
    public void Portion(int workload, ShareKey key)
    {
        var at = portions.FindIndex(known => known.Workload == workload && known.Key.Rule == key.Rule);
        if (at < 0)
            portions.Add((workload, key));
        else
            portions[at] = (workload, portions[at].Key with { Part = portions[at].Key.Part + key.Part });
    }

    /// <summary>The parts since this was last asked for.</summary>
    public IReadOnlyList<ShareDecision> TakePortions(Func<int, IdleDecision?> idle)
    {
        List<ShareDecision> shares =
        [
            .. portions
                .GroupBy(portion => portion.Workload)
                .Select(group => new ShareDecision(
                    NameOf(group.Key),
                    [.. group.Select(portion => portion.Key).Where(key => key.Part > 0 || group.Count() == 1)],
                    idle(group.Key)
                )),
        ];
        portions.Clear();
        return shares;
    }

    public void IdleByWork(EnergyFact fact, bool worked) =>
        byWork[(fact.Deployment.Workload.Name, fact.Resource.Id, fact.Period.Start)] = new IdleDecision(
            IdleRule.Work,
            worked ? 1 : 0,
            null
        );

    /// <summary>What was decided about a resource, with what was read of it or modelled before.</summary>
    public void Decide(
        MeteredResource resource,
        int bin,
        Measure measure,
        EnergyCover cover,
        double joules,
        IReadOnlyList<ShareDecision> shares,
        Func<EnergyDecision, EnergyDecision>? with = null
    )
    {
        var model = models.GetValueOrDefault((resource, bin));
        var decision = new EnergyDecision
        {
            Resource = resource.Identity,
            Period = grid[bin],
            Measure = measure,
            Cover = cover,
            Rule =
                model is null ? EnergyRule.Metered
                : model.Server is null ? EnergyRule.BoardModel
                : EnergyRule.HostModel,
            Joules = joules,
            Meters = model is null && meters.TryGetValue((resource, bin), out var read) ? [.. read.Values] : [],
            Model = model,
            Shares = shares,
        };
        decisions.Add(with is null ? decision : with(decision));
    }

    public string NameOf(int workload) => workload == WorkloadClaims.Unclaimed ? Workload.Unattributed.Name : workloads[workload].Name;
}
