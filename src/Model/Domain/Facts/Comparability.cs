using System.Globalization;
using Metrics.Domain.Messages;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Facts;

/// <summary>The gate before every ranking: like is ranked with like, and what is unlike is told by name.</summary>
/// <remarks>Which keys must agree, and why, is decided in <c>docs/decisions/008-what-may-be-ranked.md</c>.</remarks>
public static class Comparability
{
    /// <summary>Groups the rows that may be ranked with each other, ranks them, and says why the others are not.</summary>
    /// <param name="rows">One for each deployment, over the same period. Their order does not matter.</param>
    /// <param name="terms">What a row must meet; null: the usual terms.</param>
    public static Comparison Of(IEnumerable<ComparableRow> rows, ComparisonTerms? terms = null)
    {
        terms ??= new ComparisonTerms();
        var leftOut = new List<RowLeftOut>();
        var admitted = new List<ComparableRow>();
        foreach (var row in rows.OrderBy(row => row.Deployment, StringComparer.Ordinal).Select(row => InUnitOf(terms, row)))
        {
            if (Reasons(row, terms) is { Count: > 0 } reasons)
                leftOut.Add(new RowLeftOut(row, reasons));
            else
                admitted.Add(row);
        }
        var groups = admitted
            .GroupBy(row => KeyOf(row, terms))
            // A sum of components or a model may hold less than a meter of the whole, and a meter that is not believed anything: such rows
            // stand behind those that they might seem to beat, however many they are.
            .GroupBy(group => group.Key with { CoverKind = null, Disbelieved = null })
            .OrderByDescending(like => like.Sum(group => group.Count()))
            .ThenBy(like => like.Key, KeyOrder)
            .SelectMany(like => like.OrderBy(group => Doubt(group.Key)).ThenBy(group => group.Key, KeyOrder))
            .ToList();
        return new Comparison(
            [.. groups.Select(group => new ComparableGroup(group.Key, Rank(group, terms.By), group.Key.DifferencesFrom(groups[0].Key)))],
            leftOut
        );
    }

    /// <summary>What must be equal in another row before both may be ranked with each other.</summary>
    public static ComparabilityKey KeyOf(ComparableRow row, ComparisonTerms terms) =>
        new(
            row.FunctionalUnit,
            row.TokenBasis,
            row.Boundary,
            row.PueIncluded,
            row.IdlePolicy,
            row.Evidence == Evidence.Estimated && !terms.EstimatedBesideMeasured,
            terms.By == RankedBy.Carbon ? row.CarbonMethod : null,
            // Two workloads that name no model are not therefore the same; one workload at two places is.
            terms.AcrossModels
                ? null
                : row.Model ?? $"workload {row.Workload}",
            terms.AcrossModels ? null : row.Precision,
            row.CoverKind,
            row.Disbelieved.Words().FirstOrDefault()
        );

    private static readonly Comparer<ComparabilityKey> KeyOrder = Comparer<ComparabilityKey>.Create(
        (left, right) => string.CompareOrdinal(left.ToString(), right.ToString())
    );

    /// <summary>How far a group's numbers may be from those of whole machines; least first.</summary>
    private static int Doubt(ComparabilityKey key) =>
        (key.Disbelieved is null ? 0 : 4)
        + key.CoverKind switch
        {
            "wall" or null => 0,
            "components" => 1,
            _ => 2,
        };

    private static List<string> Reasons(ComparableRow row, ComparisonTerms terms)
    {
        var reasons = new List<string>();
        if (row.NullReason(terms.By) is { } reason)
            reasons.Add(
                $"no {(terms.By == RankedBy.Energy ? "joules" : "grams")} per {row.FunctionalUnit}: {reason.Text()} ({reason.Meaning()})"
            );
        // Not "below": a coverage that is no number is not enough either.
        if (!(row.Coverage >= terms.MinimumCoverage))
            reasons.Add(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"coverage {row.Coverage:0.####} is below the minimum of {terms.MinimumCoverage:0.####}"
                )
            );
        if (row.Evidence > terms.WorstEvidence)
            reasons.Add($"evidence {row.Evidence.ToWord()} is worse than {terms.WorstEvidence.ToWord()}, the worst accepted");
        return reasons;
    }

    /// <summary>The row in the unit that is asked for, where somebody declared how many of its own make one; else as it is.</summary>
    private static ComparableRow InUnitOf(ComparisonTerms terms, ComparableRow row) =>
        terms.FunctionalUnit is { } requested
        && row.FunctionalUnit != requested
        && terms.Conversions.Factor(requested, row.FunctionalUnit) is { } each
            ? row with
            {
                FunctionalUnit = requested,
                Units = row.Units / each,
                Energy = row.Energy with { Units = row.Energy.Units / each },
                Carbon = row.Carbon with { Units = row.Carbon.Units / each },
                Converted = string.Create(
                    CultureInfo.InvariantCulture,
                    $"1 {requested} = {each:R} {row.FunctionalUnit}{(each == 1 ? "" : "s")}"
                ),
            }
            : row;

    private static List<RankedRow> Rank(IEnumerable<ComparableRow> rows, RankedBy by)
    {
        var ranked = rows.Select(row => (Row: row, PerUnit: row.PerUnit(by)!.Value, Bounds: WithRoom(row.BoundsPerUnit(by), row.Coverage)))
            .OrderBy(entry => entry.PerUnit)
            .ThenBy(entry => entry.Row.Deployment, StringComparer.Ordinal)
            .ToArray();
        var certain = Certain([.. ranked.Select(entry => entry.Bounds)]);
        var worst = ranked[^1].PerUnit;
        return
        [
            .. ranked.Select(
                (entry, at) =>
                    new RankedRow(
                        entry.Row,
                        entry.PerUnit,
                        ranked.Length == 1 ? null
                            : worst > 0 ? 1 - entry.PerUnit / worst
                            : 0,
                        certain[at]
                    )
            ),
        ];
    }

    /// <summary>Bounds that hold of all of the time: in what is not covered nothing may have been drawn or twice as much, and likewise
    /// worked, as within a period of the grid.</summary>
    private static Bounds? WithRoom(Bounds? bounds, double coverage) =>
        bounds is { } known && coverage is > 0 and < 1
            ? new Bounds(known.Low * coverage / (2 - coverage), known.High * (2 - coverage) / coverage)
            : bounds;

    /// <summary>Whether each place holds, whatever the truth within the bounds is.</summary>
    private static bool?[] Certain(Bounds?[] bounds)
    {
        var certain = new bool?[bounds.Length];
        if (bounds.Length == 1)
            return certain;
        // The least of all that follow; what comes before is carried along.
        var lowest = new double[bounds.Length + 1];
        lowest[^1] = double.PositiveInfinity;
        for (var i = bounds.Length - 1; i >= 0; i--)
            lowest[i] = Math.Min(lowest[i + 1], bounds[i]?.Low ?? double.PositiveInfinity);
        var highest = double.NegativeInfinity;
        for (var i = 0; i < bounds.Length; i++)
        {
            if (bounds[i] is not { } own)
                continue;
            var known = (i == 0 || bounds[i - 1] is not null) && (i == bounds.Length - 1 || bounds[i + 1] is not null);
            certain[i] =
                highest >= own.Low || own.High >= lowest[i + 1] ? false
                : known ? true
                : null;
            highest = Math.Max(highest, own.High);
        }
        return certain;
    }
}
