using System.Globalization;
using Metrics.Domain.Facts;
using Metrics.Storage.Schema.Tables;

namespace Metrics.Storage.Facts;

/// <summary>Facts to hours, hours to days. Pure, and adds in order of keys, so that the same facts give the same bits on every engine.</summary>
public static class RollUp
{
    /// <summary>The rows of one hour: one for each deployment and functional unit with work, or one without work.</summary>
    public static List<IntensityHourRow> Hour(DateTime hour, IReadOnlyList<EnergyFact> energy, IReadOnlyList<WorkFact> work)
    {
        var rows = new List<IntensityHourRow>();
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
                rows.Add(Row(deployment, IntensityRow.NoWork, hour, hour.AddHours(1), null, sums, sums.Evidence));
            foreach (var unit in units)
            {
                double done = 0;
                foreach (var fact in unit.OrderBy(fact => fact.Period.Start))
                    done += fact.Units;
                rows.Add(
                    Row(deployment, unit.Key, hour, hour.AddHours(1), done, sums, Worst(sums.Evidence, unit.Max(fact => fact.Evidence)))
                );
            }
        }
        return rows;
    }

    /// <summary>The rows of one day from the rows of its hours. A deployment's energy is that of all its hours, each once, whether there was work in them or not.</summary>
    public static List<IntensityRow> Day(DateTime day, IReadOnlyList<IntensityRow> hours)
    {
        var rows = new List<IntensityRow>();
        foreach (var deployment in hours.GroupBy(row => row.DeploymentId).OrderBy(group => group.Key))
        {
            var byHour = deployment
                .GroupBy(row => row.PeriodStart)
                .OrderBy(group => group.Key)
                .Select(group => group.OrderBy(row => row.FunctionalUnit, StringComparer.Ordinal).ToList())
                .ToList();
            var sums = new Sums();
            foreach (var hour in byHour)
                Add(sums, hour[0]);
            var units = deployment
                .Where(row => row.Units is not null)
                .Select(row => row.FunctionalUnit)
                .Distinct(StringComparer.Ordinal)
                .Order(StringComparer.Ordinal)
                .ToList();
            if (units.Count == 0)
                rows.Add(Row(deployment.Key, IntensityRow.NoWork, day, day.AddDays(1), null, sums, deployment.Max(row => row.Evidence)));
            foreach (var unit in units)
            {
                double done = 0;
                var evidence = Evidence.Measured;
                foreach (var hour in byHour)
                {
                    var own = hour.Find(row => row.FunctionalUnit == unit);
                    done += own?.Units ?? 0;
                    evidence = Worst(evidence, own?.Evidence ?? hour.Min(row => row.Evidence));
                }
                rows.Add(Row(deployment.Key, unit, day, day.AddDays(1), done, sums, evidence));
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
        // Seconds that count for the accelerators, for the servers, and for the facility: where a wider boundary is unknown, its time is not covered.
        double covered = 0,
            serverCovered = 0,
            facilityCovered = 0;
        // A rack or distribution unit holds the servers: beside them it is not asked for energy, and neither for time or evidence.
        var asked = Array.Exists(facts, fact => fact.RackJoules is null);
        for (var next = 0; next < facts.Length; )
        {
            var start = facts[next].Period.Start;
            double seconds = 0;
            double? accelerator = null,
                rack = null;
            Known server = new(),
                facility = new(),
                idle = new(),
                operational = new(),
                marginal = new(),
                market = new(),
                embodied = new(),
                water = new();
            Range acceleratorRange = new(),
                serverRange = new(),
                facilityRange = new();
            for (; next < facts.Length && facts[next].Period.Start == start; next++)
            {
                var fact = facts[next];
                accelerator = Add(accelerator, fact.AcceleratorJoules);
                rack = Add(rack, fact.RackJoules);
                if (asked && fact.RackJoules is not null)
                    continue;
                server.Add(fact.ServerJoules);
                facility.Add(fact.FacilityJoules);
                idle.Add(fact.IdleJoules);
                operational.Add(fact.OperationalGrams);
                marginal.Add(fact.MarginalGrams);
                market.Add(fact.MarketBasedGrams);
                embodied.Add(fact.EmbodiedGrams);
                water.Add(fact.WaterLitres);
                acceleratorRange.Add(fact, fact.AcceleratorJoules);
                serverRange.Add(fact, fact.ServerJoules);
                facilityRange.Add(fact, fact.FacilityJoules);
                sums.Known = Add(sums.Known, fact.ServerJoules ?? fact.AcceleratorJoules) ?? 0;
                sums.Measured += fact.MeasuredJoules;
                sums.Evidence = Worst(sums.Evidence, fact.Evidence);
                sums.Factors.Add(fact.Factors);
                sums.Missing |= fact.Missing;
                seconds += fact.CoveredSeconds;
                resources.Add(fact.Resource.Id);
            }
            covered += seconds;
            if (server.Sum is not null)
                serverCovered += seconds;
            if (facility.Sum is not null)
                facilityCovered += seconds;
            sums.Accelerator = Add(sums.Accelerator, accelerator);
            sums.Server = Add(sums.Server, server.Sum);
            sums.Facility = Add(sums.Facility, facility.Sum);
            sums.Rack = Add(sums.Rack, rack);
            sums.Idle = Add(sums.Idle, idle.Sum);
            sums.Operational = Add(sums.Operational, operational.Sum);
            sums.Marginal = Add(sums.Marginal, marginal.Sum);
            sums.MarketBased = Add(sums.MarketBased, market.Sum);
            sums.Embodied = Add(sums.Embodied, embodied.Sum);
            sums.Water = Add(sums.Water, water.Sum);
            if (accelerator is not null)
                sums.AcceleratorRange.Add(acceleratorRange);
            if (server.Sum is not null)
                sums.ServerRange.Add(serverRange);
            if (facility.Sum is not null)
                sums.FacilityRange.Add(facilityRange);
        }
        var widest =
            sums.Facility is not null ? facilityCovered
            : sums.Server is not null ? serverCovered
            : covered;
        sums.Covered = resources.Count == 0 ? 0 : widest / resources.Count;
        return sums;
    }

    private static void Add(Sums sums, IntensityRow hour)
    {
        sums.Accelerator = Add(sums.Accelerator, hour.AcceleratorJoules);
        sums.Server = Add(sums.Server, hour.ServerJoules);
        sums.Facility = Add(sums.Facility, hour.FacilityJoules);
        sums.Rack = Add(sums.Rack, hour.RackJoules);
        sums.Idle = Add(sums.Idle, hour.IdleJoules);
        sums.Operational = Add(sums.Operational, hour.OperationalGrams);
        sums.Marginal = Add(sums.Marginal, hour.MarginalGrams);
        sums.MarketBased = Add(sums.MarketBased, hour.MarketBasedGrams);
        sums.Embodied = Add(sums.Embodied, hour.EmbodiedGrams);
        sums.Water = Add(sums.Water, hour.WaterLitres);
        sums.Known = Add(sums.Known, hour.KnownJoules);
        sums.Measured += hour.MeasuredJoules;
        sums.Covered += hour.CoveredSeconds;
        sums.Factors.Add(hour.Factors);
        sums.Missing |= MissingReasonText.Parse(hour.Missing);
        // An hour's bounds are those of its widest boundary, so they are bounds of the day's only where the day has no wider one.
        var range = new Range
        {
            Low = hour.LowJoules,
            High = hour.HighJoules,
            Unknown = hour.LowJoules is null || hour.HighJoules is null,
        };
        if (hour.FacilityJoules is not null)
            sums.FacilityRange.Add(range);
        else if (hour.ServerJoules is not null)
            sums.ServerRange.Add(range);
        else if (hour.AcceleratorJoules is not null)
            sums.AcceleratorRange.Add(range);
    }

    /// <summary>Null is unknown and leaves a sum as it is; it is not zero.</summary>
    private static double? Add(double? sum, double? more) => more is null ? sum : (sum ?? 0) + more;

    private static Evidence Worst(Evidence a, Evidence b) => a > b ? a : b;

    private static IntensityHourRow Row(
        long deployment,
        string unit,
        DateTime start,
        DateTime end,
        double? units,
        Sums sums,
        Evidence evidence
    )
    {
        var range =
            sums.Facility is not null ? sums.FacilityRange
            : sums.Server is not null ? sums.ServerRange
            : sums.AcceleratorRange;
        return new()
        {
            DeploymentId = deployment,
            FunctionalUnit = unit,
            PeriodStart = start,
            PeriodEnd = end,
            Date = DateOnly.FromDateTime(start),
            DateKey = int.Parse(start.ToString("yyyyMMdd", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture),
            Units = units,
            AcceleratorJoules = sums.Accelerator,
            ServerJoules = sums.Server,
            FacilityJoules = sums.Facility,
            RackJoules = sums.Rack,
            IdleJoules = sums.Idle,
            LowJoules = range.Unknown ? null : range.Low,
            HighJoules = range.Unknown ? null : range.High,
            OperationalGrams = sums.Operational,
            MarginalGrams = sums.Marginal,
            MarketBasedGrams = sums.MarketBased,
            EmbodiedGrams = sums.Embodied,
            WaterLitres = sums.Water,
            KnownJoules = sums.Known,
            MeasuredJoules = sums.Measured,
            CoveredSeconds = sums.Covered,
            Evidence = evidence,
            Factors = sums.Factors.ToString(),
            Missing = sums.Missing.Text(),
        };
    }

    private sealed class Sums
    {
        public double? Accelerator,
            Server,
            Facility,
            Rack,
            Idle,
            Operational,
            Marginal,
            MarketBased,
            Embodied,
            Water,
            Known;
        public double Measured,
            Covered;
        public Evidence Evidence;
        public Range AcceleratorRange,
            ServerRange,
            FacilityRange;

        public MissingReasons Missing;

        public Words Factors { get; } = new();
    }

    /// <summary>A sum over all resources of a period: one that is unknown makes it unknown.</summary>
    private struct Known
    {
        private double sum;
        private bool any,
            unknown;

        public readonly double? Sum => any && !unknown ? sum : null;

        public void Add(double? value)
        {
            if (value is { } number)
                (sum, any) = (sum + number, true);
            else
                unknown = true;
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
            if (fact.LowJoules is not { } low || fact.HighJoules is not { } high)
            {
                Unknown = true;
                return;
            }
            var widest = fact.FacilityJoules ?? fact.ServerJoules ?? fact.AcceleratorJoules ?? part;
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
