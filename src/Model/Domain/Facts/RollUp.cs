using Metrics.Domain.Quantities;

namespace Metrics.Domain.Facts;

/// <summary>Facts to hours, hours to days, days to months. Pure, and adds in order of keys, so that the same facts give the same bits on
/// every engine.</summary>
public static class RollUp
{
    private static readonly Measure[] OfAllResources = [.. OfFacts(AcrossResources.UnknownOfOneIsUnknown)];

    // What is measured of what is known is added one by one: see Sums.
    private static readonly Measure[] OfKnownResources =
    [
        .. OfFacts(AcrossResources.SumsWhatIsKnown).Where(measure => measure != Measures.Measured),
    ];

    private static readonly Measure[] OverTime =
    [
        .. Measures.HeldBy(MeasureHolders.Periods).Where(measure => measure.Across is not (AcrossResources.Work or AcrossResources.Bounds)),
    ];

    private static readonly Boundary[] Boundaries = Enum.GetValues<Boundary>();

    /// <summary>The rows of one hour: one for each deployment and functional unit with work, or one without work.</summary>
    public static List<PeriodSums> Hour(DateTime hour, IReadOnlyList<EnergyFact> energy, IReadOnlyList<WorkFact> work)
    {
        var rows = new List<PeriodSums>();
        var energyOf = energy.ToLookup(fact => fact.Deployment.Id);
        var workOf = work.ToLookup(fact => fact.Deployment.Id);
        foreach (var deployment in energyOf.Select(facts => facts.Key).Union(workOf.Select(facts => facts.Key)).Order())
        {
            var sums = Sum([.. energyOf[deployment]]);
            var units = workOf[deployment]
                .GroupBy(fact => fact.FunctionalUnit, StringComparer.Ordinal)
                .OrderBy(group => group.Key, StringComparer.Ordinal)
                .ToList();
            if (units.Count == 0)
                rows.Add(sums.Row(deployment, PeriodSums.NoWork, hour, hour.AddHours(1), null, sums.Evidence));
            foreach (var unit in units)
            {
                double done = 0;
                foreach (var fact in unit.OrderBy(fact => fact.Period.Start))
                    done += fact.Units;
                var evidence = Worst(sums.Evidence, unit.Max(fact => fact.Evidence));
                rows.Add(sums.Row(deployment, unit.Key, hour, hour.AddHours(1), done, evidence));
            }
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
                double done = 0;
                var evidence = Evidence.Measured;
                foreach (var part in byTime)
                {
                    var own = part.Find(row => row.FunctionalUnit == unit);
                    done += own?[Measures.Units] ?? 0;
                    evidence = Worst(evidence, own?.Evidence ?? part.Min(row => row.Evidence));
                }
                rows.Add(sums.Row(deployment.Key, unit, start, end, done, evidence));
            }
        }
        return rows;
    }

    private static Sums Sum(EnergyFact[] facts)
    {
        var sums = new Sums();
        Array.Sort(facts, static (a, b) =>
            a.Period.Start != b.Period.Start ? a.Period.Start.CompareTo(b.Period.Start) : a.Resource.Id.CompareTo(b.Resource.Id)
        );
        var resources = new HashSet<long>();
        // Seconds that count for the accelerators, for the servers, and for the facility: where a wider boundary is unknown, its time is
        // not covered.
        Span<double> covered = stackalloc double[Boundaries.Length];
        covered.Clear();
        var ranges = new Range[Boundaries.Length];
        // A rack or distribution unit holds the servers: beside them it is not asked for energy, and neither for time or evidence.
        var asked = Array.Exists(facts, fact => fact[Measures.Rack] is null);
        for (var next = 0; next < facts.Length; )
        {
            var start = facts[next].Period.Start;
            double seconds = 0;
            var period = new MeasureValues();
            var first = true;
            Array.Clear(ranges);
            for (; next < facts.Length && facts[next].Period.Start == start; next++)
            {
                var fact = facts[next];
                foreach (var measure in OfKnownResources)
                    period[measure] = Add(period[measure], fact[measure]);
                if (asked && fact[Measures.Rack] is not null)
                    continue;
                foreach (var measure in OfAllResources)
                    period[measure] = first ? fact[measure] : period[measure] + fact[measure];
                first = false;
                foreach (var boundary in Boundaries)
                    ranges[(int)boundary].Add(fact, fact[Measures.Of(boundary)]);
                sums.Add(fact);
                seconds += fact[Measures.Covered] ?? 0;
                resources.Add(fact.Resource.Id);
            }
            sums.Add(period, OfKnownResources);
            sums.Add(period, OfAllResources);
            foreach (var boundary in Boundaries)
            {
                var known = period[Measures.Of(boundary)] is not null;
                if (known)
                    sums.Ranges[(int)boundary].Add(ranges[(int)boundary]);
                if (known || boundary == Boundary.Accelerator)
                    covered[(int)boundary] += seconds;
            }
        }
        if (resources.Count > 0)
            sums.Values[Measures.Covered] = covered[(int)sums.Widest] / resources.Count;
        return sums;
    }

    private static IEnumerable<Measure> OfFacts(AcrossResources across) =>
        Measures.HeldBy(MeasureHolders.Facts).Where(measure => measure.Across == across);

    /// <summary>Null is unknown and leaves a sum as it is; it is not zero.</summary>
    private static double? Add(double? sum, double? more) => more is null ? sum : (sum ?? 0) + more;

    private static Evidence Worst(Evidence a, Evidence b) => a > b ? a : b;

    private sealed class Sums
    {
        private readonly Words factors = new();
        private MissingReasons missing;

        public Sums()
        {
            foreach (var measure in OverTime)
                if (measure.Always)
                    Values[measure] = 0;
        }

        public MeasureValues Values { get; } = new();

        public Range[] Ranges { get; } = new Range[Boundaries.Length];

        public Evidence Evidence { get; private set; }

        /// <summary>The widest boundary whose energy is known in some of the time.</summary>
        public Boundary Widest =>
            Values[Measures.Facility] is not null ? Boundary.Facility
            : Values[Measures.Server] is not null ? Boundary.Server
            : Boundary.Accelerator;

        /// <summary>What a fact says beside its amounts, and which part of what is known of it was measured.</summary>
        public void Add(EnergyFact fact)
        {
            Values[Measures.Known] = (Values[Measures.Known] ?? 0) + (fact[Measures.Server] ?? fact[Measures.Accelerator] ?? 0);
            Values[Measures.Measured] += fact[Measures.Measured];
            Evidence = Worst(Evidence, fact.Evidence);
            factors.Add(fact.Factors);
            missing |= fact.Missing;
        }

        public void Add(MeasureValues part, Measure[] measures)
        {
            foreach (var measure in measures)
                Values[measure] = RollUp.Add(Values[measure], part[measure]);
        }

        /// <summary>A shorter period.</summary>
        public void Add(PeriodSums part)
        {
            Add(part.Values, OverTime);
            factors.Add(part.Factors);
            missing |= part.Missing;
            // A part's bounds are those of its widest boundary, so they are bounds of the whole's only where the whole has no wider one.
            var (low, high) = (part[Measures.Low], part[Measures.High]);
            for (var boundary = Boundary.Facility; boundary >= Boundary.Accelerator; boundary--)
            {
                if (part[Measures.Of(boundary)] is null)
                    continue;
                Ranges[(int)boundary]
                    .Add(
                        new Range
                        {
                            Low = low,
                            High = high,
                            Unknown = low is null || high is null,
                        }
                    );
                break;
            }
        }

        public PeriodSums Row(long deployment, string unit, DateTime start, DateTime end, double? units, Evidence evidence)
        {
            var range = Ranges[(int)Widest];
            var values = Values.With(Measures.Units, units);
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
            };
        }
    }

    /// <summary>Bounds of a sum: unknown when those of one part are.</summary>
    private struct Range
    {
        public double? Low,
            High;
        public bool Unknown;

        public void Add(Range part)
        {
            Unknown |= part.Unknown;
            (Low, High) = (RollUp.Add(Low, part.Low), RollUp.Add(High, part.High));
        }

        /// <summary>A fact's bounds are those of its widest boundary; a narrower one has its share of them.</summary>
        public void Add(EnergyFact fact, double? joules)
        {
            if (joules is not { } part)
                return;
            if (fact[Measures.Low] is not { } low || fact[Measures.High] is not { } high)
            {
                Unknown = true;
                return;
            }
            var widest = fact[Measures.Facility] ?? fact[Measures.Server] ?? fact[Measures.Accelerator] ?? part;
            var share = widest > part ? part / widest : 1;
            (Low, High) = ((Low ?? 0) + low * share, (High ?? 0) + high * share);
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
