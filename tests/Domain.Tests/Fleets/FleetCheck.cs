using System.Globalization;
using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Tests.Fleets;

/// <summary>What may be wrong with an answer.</summary>
internal enum Wrong
{
    /// <summary>The truth lies outside the bounds.</summary>
    Bounds,

    /// <summary>The value is further from the truth than its evidence promises.</summary>
    Value,

    /// <summary>Bounds do not hold the value, or a boundary does not hold the narrower one.</summary>
    Order,

    /// <summary>The parts of a place are more, or less, than the place.</summary>
    Conserve,

    /// <summary>First, certain, and not first in truth.</summary>
    Rank,

    /// <summary>Something that was made wrong is not named.</summary>
    Unnamed,

    /// <summary>Null, and no reason is told.</summary>
    Null,

    /// <summary>Null, or hardly covered, though nothing was wrong.</summary>
    Empty,

    /// <summary>The day is not the sum of its hours.</summary>
    RollUp,

    /// <summary>Energy of idle time that was not idle.</summary>
    Idle,
}

/// <summary>A way in which an answer is wrong.</summary>
internal sealed record Finding(Wrong Wrong, string About, string Text)
{
    /// <summary><c>Value of w1 at onprem/north, hour 0: ServerJoules told 12, true 24</c>.</summary>
    public override string ToString() => $"{Wrong} of {About}: {Text}";
}

/// <summary>How far a number was from the truth.</summary>
internal readonly record struct Distance(Evidence Evidence, double Relative, bool Outside);

/// <summary>Holds what the product tells of a fleet against what truly was.</summary>
internal sealed class FleetCheck
{
    /// <summary>How far a number may be from the truth where readings cover the time: five percent of a meter, and one of what lies between
    /// two samples.</summary>
    public const double Near = 0.06;

    /// <summary>How far counted work may be from the truth.</summary>
    public const double NearWork = 0.02;

    /// <summary>From this coverage on a number stands for the whole time.</summary>
    public const double Covered = 0.9;

    /// <summary>Reasons that stand in a row for what nobody told of the hardware or of the site, whatever the telemetry is.</summary>
    private const MissingReasons Usual =
        MissingReasons.EmbodiedUnknown
        | MissingReasons.WueUnknown
        | MissingReasons.GridUnknown
        | MissingReasons.BusyUnknown
        | MissingReasons.PueUnknown;

    private readonly Fleet fleet;
    private readonly Told told;

    private FleetCheck(Fleet fleet, Told told) => (this.fleet, this.told) = (fleet, told);

    /// <summary>Everything that is wrong with the answer; empty when nothing is.</summary>
    public List<Finding> Findings { get; } = [];

    /// <summary>How far each number was from the truth that could be held against one.</summary>
    public List<Distance> Distances { get; } = [];

    /// <summary>How far a gauge may be off because of what happens between two of its samples; bounds have to say it.</summary>
    private double Unseen =>
        fleet.Plan.Troubles.Has(Trouble.Sparse) && fleet.Plan.Troubles.Has(Trouble.Bursts | Trouble.Quiet) ? 1
        : fleet.Plan.Troubles.Has(Trouble.Bursts) ? 0.3
        : fleet.Plan.Troubles.Has(Trouble.Sparse) && fleet.Plan.Troubles.Has(Trouble.Moves | Trouble.ShortPods) ? 0.3
        : 0;

    private bool Sound => !fleet.Plan.Troubles.Has(TroubleKinds.Faults);

    /// <summary>Makes the fleet of a plan, asks the product, and checks.</summary>
    public static FleetCheck Of(FleetPlan plan, FleetProduct? product = null)
    {
        var fleet = Fleet.Of(plan);
        var check = new FleetCheck(fleet, (product ?? FleetProduct.Whole).Tell(fleet));
        check.Run();
        return check;
    }

    private void Run()
    {
        foreach (var fact in told.Period.Energy)
            CheckOrder(fact);
        var days = new Dictionary<long, (string Name, List<Expected> Hours)>();
        for (var hour = 0; hour < told.Hours.Count; hour++)
        {
            var expected = Expected.Of(fleet, hour);
            var truths = new Dictionary<long, (string Name, Expected Truth)>();
            foreach (var ((number, place), truth) in expected)
            {
                var workload = number < 0 ? Workload.Unattributed : fleet.Workloads[number];
                var site = fleet.Places.Values.First(known => known.Name == place);
                var deployment = new Deployment(workload, site).Id;
                truths[deployment] = ($"{workload.Name} at {place}, hour {hour}", truth);
                if (!days.TryGetValue(deployment, out var day))
                    days.Add(deployment, day = ($"{workload.Name} at {place}, the day", []));
                day.Hours.Add(truth);
            }
            CheckHour(told.Hours[hour], truths);
        }
        CheckRows(told.Day, days.ToDictionary(day => day.Key, day => (day.Value.Name, Expected.Sum(day.Value.Hours))));
        CheckDay();
        foreach (var fault in fleet.Faults)
            CheckNamed(fault);
    }

    private void CheckHour(IReadOnlyList<PeriodSums> rows, Dictionary<long, (string Name, Expected Truth)> truths)
    {
        CheckRows(rows, truths);
        foreach (var (id, (name, truth)) in truths)
            CheckThere(rows, id, name, truth);
        CheckSum(rows, truths);
        CheckRanking(rows, truths);
    }

    private void CheckRows(IReadOnlyList<PeriodSums> rows, Dictionary<long, (string Name, Expected Truth)> truths)
    {
        var first = new HashSet<long>();
        foreach (var row in rows)
        {
            var (name, truth) = truths.GetValueOrDefault(row.DeploymentId, ($"{row.DeploymentId}", new Expected()));
            if (first.Add(row.DeploymentId))
                CheckEnergy(row, name, truth);
            CheckWork(row, name, truth);
            if (row.FunctionalUnit == "output-token")
                CheckRatio(row, name, truth);
        }
    }

    private void CheckEnergy(PeriodSums row, string name, Expected truth)
    {
        var coverage = row[Ratios.Coverage] ?? 0;
        Amount(Measures.Accelerator, truth.Accelerator, truth.Accelerator);
        Amount(Measures.Server, truth.LeastServer, truth.Server);
        Amount(Measures.Facility, truth.LeastFacility, truth.Facility);

        var (low, high) = (row[Measures.Low], row[Measures.High]);
        (double? Value, double? Known, double Least, double Most) widest =
            row[Measures.Facility] is not null ? (row[Measures.Facility], row[Ratios.FacilityCoverage], truth.LeastFacility, truth.Facility)
            : row[Measures.Server] is not null ? (row[Measures.Server], row[Ratios.ServerCoverage], truth.LeastServer, truth.Server)
            : (row[Measures.Accelerator], row[Ratios.AcceleratorCoverage], truth.ReadAccelerator, truth.Accelerator);
        if (widest.Value is { } value && (low > value * 1.000001 || high < value * 0.999999))
            Find(Wrong.Order, name, $"bounds {Text(low)} to {Text(high)} without the value {Text(value)}");
        if (widest.Known is >= Covered and var known && low is { } least && high is { } most)
        {
            // What a part of the time lacks is missing in the sums too, and may have drawn twice as much as the rest.
            var outside =
                least > widest.Most * 1.001 + truth.OpenJoules + 1
                || most < widest.Least * (0.999 - 2 * Math.Max(0, 1 - known)) - truth.OpenJoules;
            if (outside)
                Find(Wrong.Bounds, name, $"bounds {Text(least)} to {Text(most)} J, true {Range(widest.Least, widest.Most)}");
        }
        if (
            row[Measures.Operational] is { } grams
            && row[Measures.Facility] is { } facility
            && Math.Abs(grams - facility / 3_600_000 * fleet.GridGrams) > 1e-6 * grams
        )
            Find(Wrong.Value, name, $"{Text(grams)} g of {Text(facility)} J at {fleet.GridGrams} g a kWh");
        if (
            fleet.Plan.Troubles.Has(Trouble.Loads | Trouble.DeadLoad)
            && !IsUnattributed(name)
            && !truth.IsShared
            && !truth.IsUntabled
            && row[Measures.Idle] is { } idle
            && row[Measures.IdleOf] is { } all
            && idle > truth.Idle * 1.2 + all * 0.06 + truth.OpenJoules
        )
            Find(Wrong.Idle, name, $"idle {Text(idle)} of {Text(all)} J, true {Text(truth.Idle)}");

        void Amount(Measure measure, double least, double most)
        {
            if (row[measure] is not { } value)
                return;
            var known = (measure.Boundary is { } boundary ? RatioOf(row, $"{boundary}Coverage") : null) ?? coverage;
            // Boards are added up board by board, whatever is not known of what stands beside them.
            var strict = measure == Measures.Accelerator ? Strict(row, name, truth, true) : Strict(row, name, truth);
            var ranged =
                (measure == Measures.Facility && fleet.Plan.Troubles.Has(Trouble.SiteRange) ? 0.25 : 0)
                + (row.Evidence == Evidence.Derived ? Unseen : 0);
            var above = value > most * (1 + Near + ranged) + truth.OpenJoules;
            var below = known >= Covered && value < least * (1 - Near - ranged - 2 * Math.Max(0, 1 - known)) - truth.OpenJoules;
            if (known >= Covered && most > 3600 && strict)
                Distances.Add(
                    new Distance(
                        row.Evidence,
                        value < least ? 1 - value / least
                            : value > most ? value / most - 1
                            : 0,
                        above || below
                    )
                );
            if (strict && (above || below))
                Find(Wrong.Value, name, $"{measure} told {Text(value)}, true {Range(least, most)}, coverage {known:0.##}");
        }
    }

    private void CheckWork(PeriodSums row, string name, Expected truth)
    {
        if (row[Measures.Units] is not { } units || !truth.Units.TryGetValue(row.FunctionalUnit, out var done))
            return;
        var open = truth.OpenUnits[row.FunctionalUnit];
        // Of a counter that began anew the rise between two samples is not known.
        if (fleet.Plan.Troubles.Has(Trouble.Reset | Trouble.Gaps | Trouble.Sentinel))
            open += done * fleet.Slowest / 3600 * 2;
        // Edges of the hour lie between two samples.
        open += done * fleet.Slowest / 3600 * (fleet.Plan.Troubles.Has(Trouble.Bursts | Trouble.Quiet) ? 1 : 0.1) + 2;
        var above = units > done * (1 + NearWork) + open;
        var known = row[Ratios.WorkCoverage] ?? 1;
        var below = known >= Covered && units < done * (1 - NearWork) * Math.Min(1, known + 0.01) - open;
        if (done > 0)
            Distances.Add(new Distance(Evidence.Measured, Math.Abs(units - done) / done, above || below));
        if (above || below)
            Find(Wrong.Value, name, $"{row.FunctionalUnit} told {Text(units)}, true {Text(done)}");
    }

    private void CheckRatio(PeriodSums row, string name, Expected truth)
    {
        if (row[Ratios.JoulesPerUnit] is not { } told || !truth.Worked)
            return;
        var tokens = truth.Units["output-token"];
        var coverage = row[Ratios.Coverage] ?? 0;
        // Time at the end of a pod of which the work is not known is not known of either side.
        var open = truth.OpenJoules / truth.Facility + truth.OpenUnits["output-token"] / tokens / 2;
        var ranged = (fleet.Plan.Troubles.Has(Trouble.SiteRange) ? 0.25 : 0) + (row.Evidence == Evidence.Derived ? Unseen : 0);
        var near = Near + NearWork + ranged + open;
        if (near > 0.5)
            return;
        // Over whatever time it was made, a ratio lies between those of the grid periods.
        var (least, most) = (double.PositiveInfinity, 0.0);
        foreach (var bin in truth.ByBin)
        {
            least = Math.Min(least, bin.Tokens > 0 ? bin.Least / bin.Tokens : double.PositiveInfinity);
            most = Math.Max(
                most,
                bin.Tokens > 0 ? bin.Most / bin.Tokens
                    : bin.Most > 0 ? double.PositiveInfinity
                    : 0
            );
        }
        if (coverage >= Covered)
            (least, most) = truth.PerToken((int)Math.Ceiling((1 - coverage) * truth.Present / Fleet.Grain - 0.001));
        var strict = Strict(row, name, truth);
        var outside = told < least * (1 - near) || told > most * (1 + near);
        if (strict && outside)
            Find(Wrong.Value, name, $"JoulesPerUnit told {Text(told)}, true {Range(least, most)}, coverage {coverage:0.##}");
        if (
            row[Ratios.LowJoulesPerUnit] is { } low
            && row[Ratios.HighJoulesPerUnit] is { } high
            && coverage >= Covered
            && (low > most * (1 + NearWork + open) || high < least * (1 - NearWork - open))
        )
            Find(Wrong.Bounds, name, $"JoulesPerUnit between {Text(low)} and {Text(high)}, true {Range(least, most)}");
    }

    /// <summary>With nothing wrong every number is there; with something wrong a reason is.</summary>
    private void CheckThere(IReadOnlyList<PeriodSums> rows, long id, string name, Expected truth)
    {
        var own = rows.Where(row => row.DeploymentId == id).ToList();
        // Of what is there for a moment only, samples may tell nothing.
        var longEnough = truth.Present > Math.Max(900, 8 * fleet.Slowest);
        var unattributed = IsUnattributed(name);
        if (!longEnough || truth.Server <= 0 || (unattributed && truth.Server < 36_000 + 2 * truth.OpenJoules))
            return;
        // Why something is nobody's stands in the rows of those who are beside it.
        var reasons = (unattributed ? rows : own).Aggregate(MissingReasons.None, (all, row) => all | row.Missing);
        var named = (reasons & ~Usual) != 0 || told.Period.Rejections.Count > 0;
        foreach (var measure in (ReadOnlySpan<Measure>)[Measures.Accelerator, Measures.Server, Measures.Facility])
        {
            if (own.Count > 0 && own[0][measure] is not null)
                continue;
            if (Sound)
                Find(Wrong.Empty, name, $"no {measure} ({reasons.Text()}), true {Text(truth.Server)} J of the server");
            else if (!named && truth.AnyRead)
                Find(Wrong.Null, name, $"no {measure} and no reason");
        }
        if (unattributed || !Sound)
            return;
        // A period of the grid in which a pod comes or goes may be known for less than nine tenths of its time there, and is in no
        // ratio then.
        // A gauge that misses bursts may show less than what is in it, and is not believed then.
        var covered = Covered - truth.Changes * Fleet.Grain / truth.Present - (fleet.Plan.Troubles.Has(Trouble.Bursts) ? 0.2 : 0);
        if (truth.Shortest > 12 * fleet.Slowest && own.Count > 0 && !(own[0][Ratios.Coverage] >= covered))
            Find(Wrong.Empty, name, $"coverage {own[0][Ratios.Coverage]:0.###}, there for {truth.Present:0} s");
        if (
            truth.ByBin.Count(bin => bin.Tokens > 0) > truth.Changes
            && truth.Shortest > 12 * fleet.Slowest
            && own.Find(row => row.FunctionalUnit == "output-token")?[Ratios.JoulesPerUnit] is null
        )
            Find(Wrong.Empty, name, "no joules for each output token");
    }

    /// <summary>What a place is told to have drawn is what its machines drew.</summary>
    private void CheckSum(IReadOnlyList<PeriodSums> rows, Dictionary<long, (string Name, Expected Truth)> truths)
    {
        var byPlace = truths.GroupBy(truth => truth.Value.Name[(truth.Value.Name.IndexOf(" at ", StringComparison.Ordinal) + 4)..]);
        foreach (var place in byPlace)
        {
            var ids = place.Select(truth => truth.Key).ToHashSet();
            var own = rows.Where(row => ids.Contains(row.DeploymentId))
                .GroupBy(row => row.DeploymentId)
                .Select(row => row.First())
                .ToList();
            Sum(Measures.Accelerator, truth => truth.Accelerator, truth => truth.Accelerator);
            Sum(Measures.Server, truth => truth.LeastServer, truth => truth.Server);

            void Sum(Measure measure, Func<Expected, double> least, Func<Expected, double> most)
            {
                var sum = own.Sum(row => row[measure] ?? 0);
                var (low, high) = (place.Sum(truth => least(truth.Value.Truth)), place.Sum(truth => most(truth.Value.Truth)));
                if (own.Exists(row => row.Evidence > Evidence.Derived))
                    return;
                // Whoever holds it, a board draws what it draws: a change of hands leaves nothing open here.
                if (sum > high * (1 + Near + Unseen))
                    Find(Wrong.Conserve, place.Key, $"{measure} of all told {Text(sum)}, true {Range(low, high)}");
                if (Sound && own.TrueForAll(row => row[measure] is not null) && sum < low * (1 - Near - Unseen))
                    Find(Wrong.Conserve, place.Key, $"{measure} of all told {Text(sum)}, true {Range(low, high)}");
            }
        }
    }

    /// <summary>The ranking that placements tell: first and certain is only what is first in truth.</summary>
    private void CheckRanking(IReadOnlyList<PeriodSums> rows, Dictionary<long, (string Name, Expected Truth)> truths)
    {
        var compared = Comparability.Of(
            rows.Where(row =>
                    row.FunctionalUnit == "output-token" && row[Measures.Units] is not null && truths.ContainsKey(row.DeploymentId)
                )
                .Where(row => !IsUnattributed(truths[row.DeploymentId].Name))
                .Select(row => new ComparableRow
                {
                    Deployment = row.DeploymentId.ToString(CultureInfo.InvariantCulture),
                    Workload = truths[row.DeploymentId].Name,
                    Model = "org/m",
                    FunctionalUnit = row.FunctionalUnit,
                    Boundary = Boundary.Facility,
                    PueIncluded = true,
                    Evidence = row.Evidence,
                    Coverage = Math.Min(1, row[Ratios.Coverage] ?? 0),
                    Energy = new(
                        row[MatchedSums.Facility.Amount],
                        row[MatchedSums.Facility.Low!],
                        row[MatchedSums.Facility.High!],
                        row[MatchedSums.Facility.Units]
                    ),
                    Units = row[Measures.Units],
                    CoverKind = row.CoverKinds.Word(),
                    Disbelieved = row.Missing & MissingReasonText.Disbelieving,
                })
        );
        foreach (var group in compared.Groups)
        {
            if (group.Rows[0] is not { Certain: true } first)
                continue;
            var (name, truth) = TruthOf(first);
            foreach (var other in group.Rows.Skip(1))
            {
                var (otherName, otherTruth) = TruthOf(other);
                if (PerUnit(otherTruth) < PerUnit(truth) * 0.999)
                    Find(
                        Wrong.Rank,
                        name,
                        $"first and certain with {Text(first.PerUnit)} J a token, true {Text(PerUnit(truth))}; "
                            + $"{otherName} is told {Text(other.PerUnit)}, true {Text(PerUnit(otherTruth))}"
                    );
            }
        }

        (string Name, Expected Truth) TruthOf(RankedRow row) => truths[long.Parse(row.Row.Deployment, CultureInfo.InvariantCulture)];

        static double PerUnit(Expected truth) => truth.Worked ? truth.Facility / truth.Units["output-token"] : double.PositiveInfinity;
    }

    private void CheckDay()
    {
        foreach (var day in told.Day)
        foreach (
            var measure in (ReadOnlySpan<Measure>)[Measures.Accelerator, Measures.Server, Measures.Facility, Measures.Idle, Measures.Units]
        )
        {
            double sum = 0;
            foreach (var hour in told.Hours)
                sum += hour.FirstOrDefault(row =>
                    row.DeploymentId == day.DeploymentId && (measure != Measures.Units || row.FunctionalUnit == day.FunctionalUnit)
                )?[measure]
                    ?? 0;
            if (Math.Abs((day[measure] ?? 0) - sum) > 1e-9 * Math.Abs(sum) + 1e-9)
                Find(Wrong.RollUp, $"{day.DeploymentId}", $"{measure} of the day {Text(day[measure])}, of its hours {Text(sum)}");
        }
    }

    private void CheckNamed(Fault fault)
    {
        // What another reader tells of the same is taken, and nothing is lost.
        if (fault.Tapes.All(tape => fleet.Tapes.Exists(twin => tape.IsTwinOf(twin) && !fault.Tapes.Contains(twin))))
            return;
        var subjects = fault.Tapes.Select(tape => tape.Series.ToString()).ToHashSet(StringComparer.Ordinal);
        if (told.Period.Rejections.Any(rejection => subjects.Contains(rejection.Subject)))
            return;
        Find(Wrong.Unnamed, $"{fault.Kind}", $"nothing is told of {fault.Tapes[0].Series}");
    }

    private void CheckOrder(EnergyFact fact)
    {
        var (accelerator, server, facility) = (fact[Measures.Accelerator], fact[Measures.Server], fact[Measures.Facility]);
        // Sums keep all that is known: of a board that is read while its server pauses more than of the server. So it is over the same time
        // that a boundary holds the narrower one.
        var within =
            fact[Measures.AcceleratorSeconds] > 0 ? Math.Min(1, fact[Measures.ServerSeconds] / fact[Measures.AcceleratorSeconds] ?? 1) : 1;
        if (accelerator * within > server * 1.000001 || server > facility * 1.000001)
            Find(Wrong.Order, $"{fact.Resource.Name}", $"{Text(accelerator)}, {Text(server)}, {Text(facility)} J at {fact.Period}");
        var value = facility ?? server ?? accelerator;
        if (fact[Measures.Low] > value * 1.000001 || fact[Measures.High] < value * 0.999999)
            Find(
                Wrong.Order,
                $"{fact.Resource.Name}",
                $"bounds {Text(fact[Measures.Low])} to {Text(fact[Measures.High])} without {Text(value)} at {fact.Period}"
            );
    }

    /// <summary>Whether a value can be right or wrong, and not its bounds alone: of boards that nobody reads, of those that several hold at
    /// once, and of models only bounds can be. What a fault leaves unknown is nobody's.</summary>
    private bool Strict(PeriodSums row, string name, Expected truth, bool dead = false) =>
        truth is { ByPolicy: false, Unread: false }
        && (dead || !truth.Dead)
        && row.Evidence <= Evidence.Derived
        // What is nobody's is mostly a difference of two meters: it errs by the accuracy of the whole, of which it may be a small part.
        && ((Sound && !fleet.Plan.Troubles.Has(Trouble.Apart)) || !IsUnattributed(name));

    private static bool IsUnattributed(string name) => name.StartsWith(Workload.Unattributed.Name, StringComparison.Ordinal);

    /// <summary>A ratio by its name; null where there is none of that name.</summary>
    private static double? RatioOf(PeriodSums row, string name)
    {
        foreach (var ratio in Ratios.OfPeriods)
            if (ratio.Name == name)
                return row[ratio];
        return null;
    }

    private void Find(Wrong wrong, string about, string text) => Findings.Add(new Finding(wrong, about, text));

    private static string Range(double least, double most) => least == most ? Text(most) : $"{Text(least)} to {Text(most)}";

    private static string Text(double? value) => value is { } number ? number.ToString("G5", CultureInfo.InvariantCulture) : "null";
}
