using System.Globalization;
using Metrics.Domain.Facts;
using Metrics.Storage.Queries;

namespace Metrics.Api.Reports.Kinds;

/// <summary>The sums of a report's workloads, and what is made of them: totals and the chart.</summary>
/// <remarks>Engines add in the order that they find rows in; beyond twelve digits that shows, and is cut off.</remarks>
internal sealed class ReportTotals(IReadOnlyList<WorkloadSums> workloads)
{
    private const int MostBars = 20;

    /// <summary>How many rows of the store were summed.</summary>
    public long Rows => workloads.Sum(sums => sums.Rows);

    /// <summary>When the newest of them was computed, UTC.</summary>
    public DateTime ComputedAt => workloads.Select(sums => sums.ComputedAt).Append(DateTime.UnixEpoch).Max();

    /// <summary>The sum of a measure over the workloads; null where it is unknown of all of them.</summary>
    public double? Of(Func<WorkloadSums, double?> measure) =>
        workloads.Any(sums => measure(sums) is not null) ? Rounded(workloads.Sum(sums => measure(sums) ?? 0)) : null;

    /// <summary>The sum of a measure over the workloads; null where it is unknown of all of them.</summary>
    public double? Of(Measure measure) => Of(sums => sums[measure]);

    /// <summary>The workloads with most of a measure, the one with the most first; null where nothing is known of any.</summary>
    public ReportChart? Chart(string title, Measure measure, ReportUnit unit)
    {
        var bars = workloads
            .Where(sums => sums[measure] is not null)
            .Select(sums => (sums.Workload, Value: Rounded(sums[measure]!.Value / unit.Divisor)))
            .OrderByDescending(bar => bar.Value)
            .ThenBy(bar => bar.Workload, StringComparer.Ordinal)
            .Take(MostBars)
            .ToList();
        return bars.Count == 0 ? null : new ReportChart(title, unit.Name, bars);
    }

    /// <summary>Twelve digits.</summary>
    public static double Rounded(double value) =>
        double.Parse(value.ToString("G12", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
}
