using System.Globalization;
using Metrics.Domain.Facts;
using Metrics.Storage.Tables;

namespace Metrics.Storage;

/// <summary>Facts to hours, hours to days. Pure, and adds in order of keys, so that the same facts give the same bits on every engine.</summary>
public static class RollUp
{
    /// <summary>The rows of one hour: one for each deployment and functional unit with work, or one without work.</summary>
    public static List<IntensityRow> Hour(DateTime hour, IReadOnlyList<EnergyFact> energy, IReadOnlyList<WorkFact> work)
    {
        var rows = new List<IntensityRow>();
        var energyOf = energy.ToLookup(fact => fact.Deployment.Id);
        var workOf = work.ToLookup(fact => fact.Deployment.Id);
        foreach (var deployment in energyOf.Select(facts => facts.Key).Union(workOf.Select(facts => facts.Key)).Order())
        {
            var sums = Sum(energyOf[deployment]);
            var units = workOf[deployment].GroupBy(fact => fact.FunctionalUnit, StringComparer.Ordinal).OrderBy(group => group.Key, StringComparer.Ordinal).ToList();
            if (units.Count == 0) rows.Add(Row(deployment, IntensityRow.NoWork, hour, hour.AddHours(1), null, sums));
            foreach (var unit in units)
            {
                double done = 0;
                foreach (var fact in unit.OrderBy(fact => fact.Period.Start)) done += fact.Units;
                rows.Add(Row(deployment, unit.Key, hour, hour.AddHours(1), done, sums with { Evidence = Worst(sums.Evidence, unit.Max(fact => fact.Evidence)) }));
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
            var byHour = deployment.GroupBy(row => row.PeriodStart).OrderBy(group => group.Key).Select(group => group.OrderBy(row => row.FunctionalUnit, StringComparer.Ordinal).ToList()).ToList();
            var sums = new Sums();
            foreach (var hour in byHour) sums = sums.Plus(hour[0]);
            var units = deployment.Where(row => row.Units is not null).Select(row => row.FunctionalUnit).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
            if (units.Count == 0) rows.Add(Row(deployment.Key, IntensityRow.NoWork, day, day.AddDays(1), null, sums with { Evidence = deployment.Max(row => row.Evidence) }));
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
                rows.Add(Row(deployment.Key, unit, day, day.AddDays(1), done, sums with { Evidence = evidence }));
            }
        }
        return rows;
    }

    private static Sums Sum(IEnumerable<EnergyFact> of)
    {
        var facts = of.ToList();
        var sums = new Sums();
        var resources = new HashSet<long>();
        // Seconds that count for the accelerators, for the servers, and for the facility: where a wider boundary is unknown, its time is not covered.
        double covered = 0, serverCovered = 0, facilityCovered = 0;
        // A rack or distribution unit holds the servers: beside them it is not asked for energy, and neither for time or evidence.
        var asked = facts.Any(fact => fact.RackJoules is null);
        foreach (var period in facts.GroupBy(fact => fact.Period.Start).OrderBy(group => group.Key))
        {
            double? accelerator = null, server = null, facility = null, rack = null, idle = null;
            double seconds = 0;
            bool serverKnown = true, facilityKnown = true, idleKnown = true;
            foreach (var fact in period.OrderBy(fact => fact.Resource.Id))
            {
                accelerator = Add(accelerator, fact.AcceleratorJoules);
                rack = Add(rack, fact.RackJoules);
                if (asked && fact.RackJoules is not null) continue;
                server = Add(server, fact.ServerJoules);
                serverKnown &= fact.ServerJoules is not null;
                facility = Add(facility, fact.FacilityJoules);
                facilityKnown &= fact.FacilityJoules is not null;
                idle = Add(idle, fact.IdleJoules);
                idleKnown &= fact.IdleJoules is not null;
                sums = sums with
                {
                    Known = Add(sums.Known, fact.ServerJoules ?? fact.AcceleratorJoules) ?? 0,
                    Measured = sums.Measured + fact.MeasuredJoules,
                    Evidence = Worst(sums.Evidence, fact.Evidence),
                };
                seconds += fact.CoveredSeconds;
                resources.Add(fact.Resource.Id);
            }
            covered += seconds;
            if (serverKnown && server is not null) serverCovered += seconds;
            if (facilityKnown && facility is not null) facilityCovered += seconds;
            sums = sums with
            {
                Accelerator = Add(sums.Accelerator, accelerator),
                Server = Add(sums.Server, serverKnown ? server : null),
                Facility = Add(sums.Facility, facilityKnown ? facility : null),
                Rack = Add(sums.Rack, rack),
                Idle = Add(sums.Idle, idleKnown ? idle : null),
            };
        }
        var widest = sums.Facility is not null ? facilityCovered : sums.Server is not null ? serverCovered : covered;
        return sums with { Covered = resources.Count == 0 ? 0 : widest / resources.Count };
    }

    /// <summary>Null is unknown and leaves a sum as it is; it is not zero.</summary>
    private static double? Add(double? sum, double? more) => more is null ? sum : (sum ?? 0) + more;

    private static Evidence Worst(Evidence a, Evidence b) => a > b ? a : b;

    private static IntensityHourRow Row(long deployment, string unit, DateTime start, DateTime end, double? units, Sums sums) => new()
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
        KnownJoules = sums.Known,
        MeasuredJoules = sums.Measured,
        CoveredSeconds = sums.Covered,
        Evidence = sums.Evidence,
    };

    private readonly record struct Sums(
        double? Accelerator, double? Server, double? Facility, double? Rack, double? Idle, double? Known, double Measured, double Covered, Evidence Evidence)
    {
        public Sums Plus(IntensityRow row) => new(
            Add(Accelerator, row.AcceleratorJoules), Add(Server, row.ServerJoules), Add(Facility, row.FacilityJoules), Add(Rack, row.RackJoules), Add(Idle, row.IdleJoules),
            Add(Known, row.KnownJoules), Measured + row.MeasuredJoules, Covered + row.CoveredSeconds, Evidence);
    }
}
