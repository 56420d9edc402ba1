using Metrics.Storage.Queries;

namespace Metrics.Api.Reports.Kinds;

/// <summary>The times within a report's period for which not all is known, by deployment: by the hour up to a month, by the day
/// beyond.</summary>
internal static class ReportGaps
{
    /// <summary>A period that is known for less than this is told as a gap; what is missing beyond it is rounding.</summary>
    private const double Complete = 0.9999;

    /// <summary>Finds them.</summary>
    /// <returns>The first <see cref="Report.MostGaps"/>, and how many there are.</returns>
    public static async Task<(IReadOnlyList<ReportGap> Listed, int Count)> FindAsync(ReportQueries queries)
    {
        var (from, to) = (queries.Selection.From, queries.Selection.To);
        var byHour = to - from <= TimeSpan.FromDays(31);
        var step = byHour ? TimeSpan.FromHours(1) : TimeSpan.FromDays(1);
        var gaps = new List<ReportGap>();
        var count = 0;
        CoveredPeriod? last = null;
        var expected = from;
        await foreach (var period in queries.CoverageAsync(byHour ? PeriodLength.Hour : PeriodLength.Day))
        {
            if (last?.Deployment != period.Deployment)
            {
                Close();
                expected = from;
            }
            last = period;
            if (period.Start > expected)
                Add(expected, period.Start, 0);
            if (period.Coverage < Complete)
                Add(period.Start, period.Start + step, Math.Max(0, period.Coverage));
            expected = period.Start + step;
        }
        Close();
        return (gaps, count);

        void Close()
        {
            if (last is not null && expected < to)
                Add(expected, to, 0);
        }

        void Add(DateTime start, DateTime end, double coverage)
        {
            count++;
            if (gaps.Count < Report.MostGaps && last is { } of)
                gaps.Add(new ReportGap(of.Workload, $"{of.Provider}/{of.Region}", start, end, coverage));
        }
    }
}
