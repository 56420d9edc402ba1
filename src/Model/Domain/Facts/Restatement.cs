namespace Metrics.Domain.Facts;

/// <summary>One measure of one final row that came out differently.</summary>
/// <param name="Deployment">Whose row.</param>
/// <param name="FunctionalUnit">The row's unit.</param>
/// <param name="PeriodStart">The row's hour.</param>
/// <param name="Measure">What changed.</param>
/// <param name="Old">The value before; null when it was unknown or there was no row.</param>
/// <param name="New">The value now; null when it is unknown or there is no row any more.</param>
/// <param name="OldFactors">Factors that made the old row; empty when there was none.</param>
/// <param name="NewFactors">Factors that made the new row; empty when there is none.</param>
public sealed record Restatement(
    long Deployment,
    string FunctionalUnit,
    DateTime PeriodStart,
    Measure Measure,
    double? Old,
    double? New,
    string OldFactors,
    string NewFactors
)
{
    /// <summary>What is no change: less than this part of the larger value. A sum in another order differs by as much.</summary>
    private const double Negligible = 1e-12;

    /// <summary>The restated measures that differ between the rows of an hour; a row that came or went differs in all that it
    /// knows.</summary>
    public static List<Restatement> Between(IReadOnlyList<PeriodSums> before, IReadOnlyList<PeriodSums> after)
    {
        var restated = new List<Restatement>();
        var old = before.ToDictionary(row => (row.DeploymentId, row.FunctionalUnit));
        foreach (var row in after)
        {
            old.Remove((row.DeploymentId, row.FunctionalUnit), out var earlier);
            Compare(earlier, row);
        }
        foreach (var gone in old.Values)
            Compare(gone, null);
        return restated;

        void Compare(PeriodSums? a, PeriodSums? b)
        {
            var row = (a ?? b)!;
            foreach (var measure in Measures.All)
            {
                var (was, now) = (a?[measure], b?[measure]);
                if (measure.Restated && !Same(was, now))
                    restated.Add(
                        new(row.DeploymentId, row.FunctionalUnit, row.PeriodStart, measure, was, now, a?.Factors ?? "", b?.Factors ?? "")
                    );
            }
        }
    }

    private static bool Same(double? a, double? b) =>
        a is { } was && b is { } now ? Math.Abs(was - now) <= Negligible * Math.Max(Math.Abs(was), Math.Abs(now)) : a is null && b is null;
}
