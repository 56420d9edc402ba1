using CsCheck;
using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Quantities;
using Xunit;

namespace Metrics.Domain.Tests.Fleets;

/// <summary>Random fleets whose truth is known. A failure prints its plan, and <c>FleetCheck.Of(FleetPlan.Parse("..."))</c> replays
/// it.</summary>
public sealed class FleetTests
{
    private const int Seeds = 300;
    private const int OfEachKind = 20;
    private const int Some = 6;

    private static readonly Gen<FleetPlan> Plans = Gen.Select(
        Gen.ULong,
        Gen.UInt,
        Gen.Int[1, 3],
        Gen.Int[1, 2],
        (seed, kinds, machines, hours) => new FleetPlan(seed, (Trouble)kinds & Everything, machines, hours)
    );

    private static Trouble Everything => TroubleKinds.All.Aggregate((all, kind) => all | kind);

    [Fact(DisplayName = "300 fleets with every kind of trouble: bounds hold the truth, and what is wrong is named")]
    public void The_truth_is_told()
    {
        var failure = FleetRun.FirstFailure(Range(Seeds).Select(seed => FleetPlan.Any(seed)));

        Assert.True(failure is null, $"{failure}");
    }

    [Fact(DisplayName = "A fleet with nothing wrong tells every number")]
    public void Nothing_wrong()
    {
        var failure = FleetRun.FirstFailure(Range(100).Select(seed => FleetPlan.Of(seed, Trouble.None)));

        Assert.True(failure is null, $"{failure}");
    }

    [Fact(DisplayName = "Each kind of trouble by itself: bounds hold the truth, and what is wrong is named")]
    public void Each_kind()
    {
        var failure = FleetRun.FirstFailure(
            TroubleKinds.All.SelectMany(kind => Range(OfEachKind).Select(seed => FleetPlan.Of(seed, kind)))
        );

        Assert.True(failure is null, $"{failure}");
    }

    [Fact(DisplayName = "A rule that is switched off is found within 300 seeds")]
    public void Controls()
    {
        foreach (var control in RuleControls.All)
        foreach (var kind in control.Found.Kinds())
            Assert.True(
                Range(Seeds).Any(seed => FleetCheck.Of(FleetPlan.Of(seed, kind), control.Without).Findings.Count > 0),
                $"Without the rule '{control.Rule}' no fleet with {kind.Text()} fails."
            );
        Assert.Equal("123456789", string.Concat(RuleControls.All.Select(control => control.Rule[0]).Distinct()));
    }

    public static TheoryData<string> Spoilt => [.. Spoilers.Keys];

    [Theory(DisplayName = "An answer that is spoilt is found")]
    [MemberData(nameof(Spoilt))]
    public void What_is_spoilt_is_found(string spoiler)
    {
        var (kind, found, spoil) = Spoilers[spoiler];
        var product = new FleetProduct((fleet, period, samples) => spoil(FleetProduct.Whole.Normalise(fleet, period, samples)));

        var findings = Range(Seeds).SelectMany(seed => FleetCheck.Of(FleetPlan.Of(seed, kind), product).Findings);

        Assert.Contains(findings, finding => finding.Wrong == found);
    }

    [Fact(DisplayName = "A plan makes the same fleet and the same findings each time, and is read as it is printed")]
    public void Replays() =>
        Plans.Sample(
            plan =>
            {
                Assert.Equal(plan, FleetPlan.Parse(plan.ToString()));
                var (one, other) = (FleetCheck.Of(plan), FleetCheck.Of(plan));
                Assert.Equal(one.Findings, other.Findings);
                Assert.Equal(one.Distances, other.Distances);
            },
            iter: 20
        );

    [Fact(DisplayName = "A fleet with fewer machines has the first of them unchanged, so that failures shrink")]
    public void Shrinks() =>
        Plans.Sample(
            plan =>
            {
                var (whole, part) = (Fleet.Of(plan).Machines, Fleet.Of(plan with { Machines = 1 }).Machines);
                Assert.Equal(plan.Machines, whole.Count);
                Assert.Equal(whole[0].WallJoules(0, 5000), Assert.Single(part).WallJoules(0, 5000));
            },
            iter: 20
        );

    [Fact(DisplayName = "A failure is made as small as it still fails")]
    public void Small()
    {
        var plan = new FleetPlan(1, Trouble.TwoJobs | Trouble.Jitter | Trouble.Late, 3, 2);

        var small = plan.Shrink(smaller => smaller.Troubles.Has(Trouble.TwoJobs));

        Assert.Equal(new FleetPlan(1, Trouble.TwoJobs, 1, 1), small);
    }

    [Fact(DisplayName = "Every kind of trouble in what exporters say changes it in most fleets")]
    public void No_switch_is_dead()
    {
        foreach (var kind in TroubleKinds.All.Where(kind => !kind.Has(Trouble.Late | Trouble.SiteRange)))
        {
            var changed = Range(Some).Count(seed => Said(FleetPlan.Of(seed, kind)) != Said(FleetPlan.Of(seed, Trouble.None)));
            Assert.True(changed >= Some / 2, $"{kind.Text()} changes {changed} of {Some} fleets.");
        }

        static double Said(FleetPlan plan)
        {
            double sum = 0;
            foreach (var tape in Fleet.Of(plan).Tapes)
                for (var i = 0; i < tape.Count; i++)
                    sum += tape[i].Second + tape[i].Value % 1e6 + tape.Series.Labels.Pairs.Length;
            return sum;
        }
    }

    /// <summary>Ways to be wrong, with the kind of trouble in which and the finding by which each shows.</summary>
    private static readonly Dictionary<string, (Trouble Kind, Wrong Found, Func<NormalisedPeriod, NormalisedPeriod> Spoil)> Spoilers = new()
    {
        ["a fifth too much"] = (Trouble.None, Wrong.Value, told => Each(told, fact => Times(fact, 1.2))),
        ["a fifth too much, by its sum"] = (Trouble.None, Wrong.Conserve, told => Each(told, fact => Times(fact, 1.2))),
        ["a fifth too little"] = (Trouble.None, Wrong.Bounds, told => Each(told, fact => Times(fact, 0.8))),
        ["work twice"] = (Trouble.None, Wrong.Value, told =>
            told with
            {
                Work = [.. told.Work.Select(fact => fact with { Units = fact.Units * 2 })],
            }
        ),
        ["bounds of nothing"] = (Trouble.None, Wrong.Bounds, told => Each(told, fact => Bounded(fact, value => value, value => value))),
        ["bounds beside the value"] = (Trouble.None, Wrong.Order, told =>
            Each(told, fact => Bounded(fact, value => value * 1.01, value => value * 1.02))
        ),
        ["nothing told"] = (Trouble.None, Wrong.Empty, told => told with { Energy = [] }),
        ["null without a reason"] = (Trouble.Skew, Wrong.Null, told =>
            Each(told, fact =>
                fact.With(Measures.Server, null).With(Measures.Facility, null).With(Measures.Low, null).With(Measures.High, null)
            ) with
            {
                Rejections = [],
            }
        ),
        ["all to one"] = (Trouble.None, Wrong.Value, told => Each(told, fact => fact with { Deployment = told.Energy[0].Deployment })),
        ["nobody's part left out"] = (Trouble.None, Wrong.Conserve, told =>
            told with
            {
                Energy = [.. told.Energy.Where(fact => fact.Deployment.Workload != Workload.Unattributed)],
            }
        ),
        ["rejections left out"] = (Trouble.Reset, Wrong.Unnamed, told => told with { Rejections = [] }),
        ["the worst one first"] = (Trouble.None, Wrong.Rank, told =>
            Each(told, fact => fact.Deployment.Workload.Name == "w0" ? Times(fact, 0.01) : fact)
        ),
    };

    private static IEnumerable<ulong> Range(int seeds) => Enumerable.Range(1, seeds).Select(seed => (ulong)seed);

    private static double? Widest(EnergyFact fact) => fact[Measures.Facility] ?? fact[Measures.Server] ?? fact[Measures.Accelerator];

    private static NormalisedPeriod Each(NormalisedPeriod told, Func<EnergyFact, EnergyFact> spoil) =>
        told with
        {
            Energy = [.. told.Energy.Select(spoil)],
        };

    private static EnergyFact Times(EnergyFact fact, double factor)
    {
        foreach (var measure in Measures.HeldBy(MeasureHolders.Facts | MeasureHolders.Passing).Where(measure => measure.Unit == "J"))
            fact = fact.With(measure, fact[measure] * factor);
        return fact;
    }

    /// <summary>Bounds of each boundary and of the widest.</summary>
    private static EnergyFact Bounded(EnergyFact fact, Func<double?, double?> low, Func<double?, double?> high)
    {
        fact = fact.With(Measures.Low, low(Widest(fact))).With(Measures.High, high(Widest(fact)));
        foreach (var boundary in Enum.GetValues<Boundary>())
            if (fact[Measures.Of(boundary)] is { } value)
                fact = fact.With(Measures.LowOf(boundary), low(value)).With(Measures.HighOf(boundary), high(value));
        return fact;
    }
}
