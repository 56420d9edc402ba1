using Metrics.Domain.Quantities;

namespace Metrics.Domain.Facts;

/// <summary>Facts to hours, hours to days, days to months. Pure, and adds in order of keys, so that the same facts give the same bits on
/// every engine.</summary>
public static class RollUp
{
    /// <summary>What is measured of what is known is added one by one: see <see cref="Sums"/>.</summary>
    private static readonly Measure[] OfFacts =
    [
        .. Measures
            .HeldBy(MeasureHolders.Facts)
            .Where(measure =>
                measure.Aggregation == Aggregation.Sum
                && measure != Measures.Measured
                && measure != Measures.Covered
                && measure != Measures.Present
            ),
    ];

    private static readonly Measure[] OverTime =
    [
        .. Measures.HeldBy(MeasureHolders.Periods).Where(measure => measure.Aggregation == Aggregation.Sum),
    ];

    private static readonly Measure[] OfUnit =
    [
        .. Measures.HeldBy(MeasureHolders.Periods).Where(measure => measure.Aggregation == Aggregation.SumOfUnit),
    ];

    private static readonly HashSet<Measure> Bounds =
    [
        .. MatchedSums.All.SelectMany(pair => new[] { pair.Low, pair.High }).OfType<Measure>(),
    ];

    // Of each pair what its amount is made of.
    private static readonly Measure[][] Operands = [.. MatchedSums.All.Select(pair => pair.Of.Operands().ToArray())];

    private static readonly Boundary[] Boundaries = Enum.GetValues<Boundary>();

    /// <summary>The rows of one hour: one for each deployment and functional unit with work, or one without work.</summary>
    public static List<PeriodSums> Hour(DateTime hour, IReadOnlyList<EnergyFact> energy, IReadOnlyList<WorkFact> work)
    {
        var rows = new List<PeriodSums>();
        var energyOf = energy.ToLookup(fact => fact.Deployment.Id);
        var workOf = work.ToLookup(fact => fact.Deployment.Id);
        foreach (var deployment in energyOf.Select(facts => facts.Key).Union(workOf.Select(facts => facts.Key)).Order())
        {
            var units = workOf[deployment]
                .GroupBy(fact => fact.FunctionalUnit, StringComparer.Ordinal)
                .OrderBy(group => group.Key, StringComparer.Ordinal)
                .ToList();
            var (sums, matched) = Add([.. energyOf[deployment]], units);
            if (units.Count == 0)
                rows.Add(sums.Row(deployment, PeriodSums.NoWork, hour, hour.AddHours(1), null, sums.Evidence));
            for (var unit = 0; unit < units.Count; unit++)
                rows.Add(
                    sums.Row(
                        deployment,
                        units[unit].Key,
                        hour,
                        hour.AddHours(1),
                        matched[unit].Values,
                        Worst(sums.Evidence, units[unit].Max(fact => fact.Evidence))
                    )
                );
        }
        return rows;
    }

    /// <summary>The rows of one day from the rows of its hours.</summary>
    public static List<PeriodSums> Day(DateTime day, IReadOnlyList<PeriodSums> hours) => Period(day, day.AddDays(1), hours);

    /// <summary>The rows of a day from those of its hours, or of a month from those of its days. A deployment's energy is that of all its
    /// hours, each once, whether there was work in them or not.</summary>
    public static List<PeriodSums> Period(DateTime start, DateTime end, IReadOnlyList<PeriodSums> parts)
    {
        var rows = new List<PeriodSums>();
        foreach (var deployment in parts.GroupBy(row => row.DeploymentId).OrderBy(group => group.Key))
        {
            var byTime = deployment
                .GroupBy(row => row.PeriodStart)
                .OrderBy(group => group.Key)
                .Select(group => group.OrderBy(row => row.FunctionalUnit, StringComparer.Ordinal).ToList())
                .ToList();
            var sums = new Sums();
            foreach (var part in byTime)
                sums.Add(part[0]);
            var units = deployment
                .Where(row => row[Measures.Units] is not null)
                .Select(row => row.FunctionalUnit)
                .Distinct(StringComparer.Ordinal)
                .Order(StringComparer.Ordinal)
                .ToList();
            if (units.Count == 0)
                rows.Add(sums.Row(deployment.Key, PeriodSums.NoWork, start, end, null, deployment.Max(row => row.Evidence)));
            foreach (var unit in units)
            {
                var own = new UnitSums();
                var evidence = Evidence.Measured;
                foreach (var part in byTime)
                {
                    var row = part.Find(row => row.FunctionalUnit == unit);
                    if (row is not null)
                        own.Add(row.Values);
                    evidence = Worst(evidence, row?.Evidence ?? part.Min(row => row.Evidence));
                }
                rows.Add(sums.Row(deployment.Key, unit, start, end, own.Values, evidence));
            }
        }
        return rows;
    }

    /// <summary>The sums of a deployment's hour, and of each of its functional units.</summary>
    private static (Sums Sums, UnitSums[] OfUnits) Add(EnergyFact[] facts, List<IGrouping<string, WorkFact>> units)
    {
        var sums = new Sums();
        Array.Sort(facts, static (a, b) =>
            a.Period.Start != b.Period.Start ? a.Period.Start.CompareTo(b.Period.Start) : a.Resource.Id.CompareTo(b.Resource.Id)
        );
        var matched = new UnitSums[units.Count];
        var work = new List<WorkFact>[units.Count];
        for (var unit = 0; unit < units.Count; unit++)
        {
            matched[unit] = new UnitSums();
            work[unit] = [.. units[unit].OrderBy(fact => fact.Period.Start)];
        }
        // A rack or distribution unit holds the servers: beside them it is not asked for energy, and neither for time or evidence.
        var asked = Array.Exists(facts, fact => fact[Measures.Rack] is null);
        var next = 0;
        var nexts = new int[units.Count];
        var bin = new Bin();
        while (true)
        {
            var start = next < facts.Length ? facts[next].Period.Start : DateTime.MaxValue;
            for (var unit = 0; unit < units.Count; unit++)
                if (nexts[unit] < work[unit].Count && work[unit][nexts[unit]].Period.Start < start)
                    start = work[unit][nexts[unit]].Period.Start;
            if (start == DateTime.MaxValue)
                break;

            bin.Clear();
            for (; next < facts.Length && facts[next].Period.Start == start; next++)
            {
                var fact = facts[next];
                foreach (var measure in OfFacts)
                    if (fact[measure] is { } known)
                        sums.Values[measure] = (sums.Values[measure] ?? 0) + known;
                if (asked && fact[Measures.Rack] is not null)
                    continue;
                sums.Add(fact);
                bin.Add(fact);
            }
            for (var unit = 0; unit < units.Count; unit++)
                if (At(unit) is { } there)
                    bin.AddTime(there);
            sums.Add(bin);
            for (var unit = 0; unit < units.Count; unit++)
                if (At(unit) is { } done)
                {
                    bin.Match(done, matched[unit]);
                    nexts[unit]++;
                }

            WorkFact? At(int unit) =>
                nexts[unit] < work[unit].Count && work[unit][nexts[unit]] is var fact && fact.Period.Start == start ? fact : null;
        }
        return (sums, matched);
    }

    private static void Add(MeasureValues sums, Measure measure, double? more)
    {
        // Null is unknown and leaves a sum as it is; it is not zero.
        if (more is { } known)
            sums[measure] = (sums[measure] ?? 0) + known;
    }

    private static Evidence Worst(Evidence a, Evidence b) => a > b ? a : b;

    /// <summary>One period of the grid of a deployment: what is known of it, for how much of the time of its resources.</summary>
    private sealed class Bin
    {
        // Of each measure: its sum, and the time of the resources that have it.
        private readonly double[] sums = new double[Measures.CountOfFacts];
        private readonly double[] times = new double[Measures.CountOfFacts];
        private readonly MeasureValues whole = MeasureValues.OfFact();
        private double present;
        private double boards;

        /// <summary>Seconds for which the deployment was there.</summary>
        public double Seconds { get; private set; }

        public void Clear()
        {
            Array.Clear(sums);
            Array.Clear(times);
            (present, boards, Seconds) = (0, 0, 0);
        }

        public void Add(EnergyFact fact)
        {
            var there = fact[Measures.Present] ?? 0;
            present += there;
            boards += fact[Measures.AcceleratorPresent] ?? 0;
            Seconds = Math.Max(Seconds, there);
            var (accelerator, server) = (fact[Measures.AcceleratorSeconds] ?? 0, fact[Measures.ServerSeconds] ?? 0);
            for (var at = 0; at < Measures.CountOfFacts; at++)
                if (fact[Measures.All[at]] is { } value)
                {
                    sums[at] += value;
                    times[at] += Measures.All[at].Boundary == Boundary.Accelerator ? accelerator : server;
                }
            // Idle energy of a resource whose server is unknown is that of its boards.
            if (fact[Measures.Server] is null && fact[Measures.Idle] is not null)
                times[Measures.Idle.Index] += accelerator - server;
        }

        /// <summary>The time in which work was counted: the deployment was there.</summary>
        public void AddTime(WorkFact work) =>
            Seconds = Math.Max(Seconds, Math.Min(work.Period.Length.TotalSeconds, Math.Max(work.PresentSeconds, work.Covered)));

        /// <summary>Seconds of <see cref="Seconds"/> for which the energy of a boundary is known.</summary>
        public double Known(Boundary boundary) => Seconds * Share(Measures.Of(boundary));

        /// <summary>Adds what is known of energy and work alike, scaled to the whole of the period.</summary>
        public void Match(WorkFact work, UnitSums into)
        {
            var counted = work.PresentSeconds > 0 ? Math.Min(1, work.CountedSeconds / work.PresentSeconds) : 0;
            // Of a period in which engines were there and none told its work, the work is not zero.
            if (work.CountedSeconds > 0)
                RollUp.Add(into.Values, Measures.Units, work.Units);
            RollUp.Add(into.Values, Measures.WorkSeconds, Seconds * counted);
            if (!IsEnough(counted))
                return;
            for (var at = 0; at < Measures.CountOfFacts; at++)
            {
                var measure = Measures.All[at];
                var share = Share(measure);
                whole[measure] = IsEnough(share) && IsBounded(measure) ? sums[at] / share : null;
            }
            for (var at = 0; at < MatchedSums.All.Length; at++)
            {
                var pair = MatchedSums.All[at];
                if ((pair.OnlyWithoutServer && times[Measures.Server.Index] > 0) || pair.Of.Evaluate(whole) is not { } amount)
                    continue;
                var known = 1.0;
                foreach (var operand in Operands[at])
                    known = Math.Min(known, Share(operand));
                RollUp.Add(into.Values, pair.Amount, amount);
                RollUp.Add(into.Values, pair.Units, work.Units / counted);
                if (pair.Seconds is { } seconds)
                    RollUp.Add(into.Values, seconds, Seconds * Math.Min(known, counted));
                // What was missing may have drawn nothing or twice as much, and likewise it may have worked.
                if (pair.Bounds is var (low, high))
                    into.AddBounds(
                        at,
                        low.Evaluate(whole) * known / (2 - counted),
                        high.Evaluate(whole) * known * (2 - known) / (known * counted)
                    );
            }
        }

        private static bool IsEnough(double share) => share >= MatchedSums.Enough - 1e-9;

        /// <summary>Bounds unknown of one resource are unknown of all.</summary>
        private bool IsBounded(Measure measure) => measure.Bounding is not { } of || times[measure.Index] >= times[of.Index] - 1e-6;

        /// <summary>Of how much of the time that resources were there a measure is known.</summary>
        private double Share(Measure measure)
        {
            var there = measure.Boundary == Boundary.Accelerator ? boards : present;
            return there > 0 ? Math.Min(1, times[measure.Index] / there) : 0;
        }
    }

    /// <summary>Sums of one functional unit.</summary>
    private sealed class UnitSums
    {
        private readonly bool[] unbounded = new bool[MatchedSums.All.Length];

        public MeasureValues Values { get; } = new() { [Measures.Units] = 0, [Measures.WorkSeconds] = 0 };

        /// <summary>A shorter period of the unit.</summary>
        public void Add(MeasureValues part)
        {
            foreach (var measure in OfUnit)
                if (!Bounds.Contains(measure))
                    RollUp.Add(Values, measure, part[measure]);
            for (var at = 0; at < MatchedSums.All.Length; at++)
                if (MatchedSums.All[at] is { Low: { } low, High: { } high } pair && part[pair.Amount] is not null)
                    AddBounds(at, part[low], part[high]);
        }

        /// <summary>Bounds unknown of one period are unknown of all.</summary>
        public void AddBounds(int at, double? least, double? most)
        {
            var (low, high) = (MatchedSums.All[at].Low!, MatchedSums.All[at].High!);
            unbounded[at] |= least is null || most is null;
            Values[low] = unbounded[at] ? null : (Values[low] ?? 0) + least;
            Values[high] = unbounded[at] ? null : (Values[high] ?? 0) + most;
        }
    }

    private sealed class Sums
    {
        private readonly Words factors = new();
        private readonly Range[] ranges = new Range[Boundaries.Length];
        private MissingReasons missing;
        private CoverKinds kinds;
        private IdleMeans idleBy;

        public Sums()
        {
            foreach (var measure in OverTime)
                if (measure.Always)
                    Values[measure] = 0;
        }

        public MeasureValues Values { get; } = new();

        public Evidence Evidence { get; private set; }

        /// <summary>The widest boundary whose energy is known in some of the time.</summary>
        private Boundary Widest =>
            Values[Measures.Facility] is not null ? Boundary.Facility
            : Values[Measures.Server] is not null ? Boundary.Server
            : Boundary.Accelerator;

        /// <summary>A fact.</summary>
        public void Add(EnergyFact fact)
        {
            RollUp.Add(Values, Measures.Known, fact[Measures.Server] ?? fact[Measures.Accelerator] ?? 0);
            RollUp.Add(Values, Measures.Measured, fact[Measures.Measured]);
            if (fact[Measures.Idle] is not null)
            {
                RollUp.Add(Values, Measures.IdleOf, fact[Measures.Server] ?? fact[Measures.Accelerator]);
                idleBy |= fact.IdleBy;
            }
            foreach (var boundary in Boundaries)
                if (fact[Measures.Of(boundary)] is not null)
                    ranges[(int)boundary].Add(fact[Measures.LowOf(boundary)], fact[Measures.HighOf(boundary)]);
            Evidence = Worst(Evidence, fact.Evidence);
            factors.Add(fact.Factors);
            missing |= fact.Missing;
            if (fact[Measures.Server] is not null)
                kinds |= fact.Cover.Kind();
        }

        /// <summary>The time of a period of the grid.</summary>
        public void Add(Bin bin)
        {
            RollUp.Add(Values, Measures.Present, bin.Seconds);
            foreach (var boundary in Boundaries)
                RollUp.Add(Values, Measures.SecondsOf(boundary), bin.Known(boundary));
        }

        /// <summary>A shorter period.</summary>
        public void Add(PeriodSums part)
        {
            foreach (var measure in OverTime)
                RollUp.Add(Values, measure, part[measure]);
            factors.Add(part.Factors);
            missing |= part.Missing;
            kinds |= part.CoverKinds;
            idleBy |= part.IdleBy;
            // A part's bounds are those of its widest boundary, so they are bounds of the whole's only where the whole has no wider one.
            for (var boundary = Boundary.Facility; boundary >= Boundary.Accelerator; boundary--)
            {
                if (part[Measures.Of(boundary)] is null)
                    continue;
                ranges[(int)boundary].Add(part[Measures.Low], part[Measures.High]);
                break;
            }
        }

        public PeriodSums Row(long deployment, string unit, DateTime start, DateTime end, MeasureValues? ofUnit, Evidence evidence)
        {
            var values = new MeasureValues();
            foreach (var measure in OverTime)
                values[measure] = Values[measure];
            foreach (var measure in OfUnit)
                values[measure] = ofUnit is null ? (measure.Always ? 0 : null) : ofUnit[measure];
            var range = ranges[(int)Widest];
            values[Measures.Low] = range.Unknown ? null : range.Low;
            values[Measures.High] = range.Unknown ? null : range.High;
            return new()
            {
                DeploymentId = deployment,
                FunctionalUnit = unit,
                PeriodStart = start,
                PeriodEnd = end,
                Values = values,
                Evidence = evidence,
                Factors = factors.ToString(),
                Missing = missing,
                CoverKinds = kinds,
                IdleBy = idleBy,
            };
        }
    }

    /// <summary>Bounds of a sum: unknown when those of one part are.</summary>
    private struct Range
    {
        public double? Low,
            High;
        public bool Unknown;

        public void Add(double? low, double? high)
        {
            Unknown |= low is null || high is null;
            (Low, High) = ((Low ?? 0) + (low ?? 0), (High ?? 0) + (high ?? 0));
        }
    }

    /// <summary>The words of many texts, each once. The texts of an hour are mostly the same few.</summary>
    private sealed class Words
    {
        private readonly HashSet<string> texts = new(StringComparer.Ordinal);
        private string? last;

        public void Add(string text)
        {
            if (text.Length == 0 || ReferenceEquals(text, last))
                return;
            last = text;
            texts.Add(text);
        }

        public override string ToString() =>
            texts.Count switch
            {
                0 => "",
                1 => texts.First(),
                _ => string.Join(
                    ' ',
                    texts.SelectMany(text => text.Split(' ')).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)
                ),
            };
    }
}
