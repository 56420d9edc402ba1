using Metrics.Domain.Quantities;

namespace Metrics.Domain.Tests.Fleets;

/// <summary>A plan that fails, made as small as it can be.</summary>
/// <param name="Plan">The smallest plan that still fails.</param>
/// <param name="Findings">What is wrong with it.</param>
internal sealed record Failure(FleetPlan Plan, IReadOnlyList<Finding> Findings)
{
    private const int Shown = 6;

    /// <summary>How the failure is replayed, and what was found.</summary>
    public override string ToString() =>
        string.Join(
            "\n  ",
            [
                $"FleetPlan.Parse(\"{Plan}\")",
                .. Findings.Take(Shown),
                .. Findings.Count > Shown ? [$"and {Findings.Count - Shown} more"] : Array.Empty<object>(),
            ]
        );
}

/// <summary>Many fleets of one kind, and what came of them.</summary>
internal sealed class FleetRun
{
    private readonly Dictionary<Evidence, List<float>> distances = [];

    /// <summary>Fleets looked at.</summary>
    public int Fleets { get; private set; }

    /// <summary>Fleets of which anything was wrong.</summary>
    public int Failed { get; private set; }

    /// <summary>Numbers held against a truth.</summary>
    public int Numbers { get; private set; }

    /// <summary>Numbers that were further from the truth than their evidence promises.</summary>
    public int Outside { get; private set; }

    /// <summary>Findings by what is wrong.</summary>
    public SortedDictionary<Wrong, int> Findings { get; } = [];

    /// <summary>The first plan that failed.</summary>
    public FleetPlan? First { get; private set; }

    /// <summary>Looks at one more.</summary>
    public void Add(FleetPlan plan, FleetCheck check)
    {
        Fleets++;
        foreach (var distance in check.Distances)
        {
            Numbers++;
            Outside += distance.Outside ? 1 : 0;
            if (!distances.TryGetValue(distance.Evidence, out var of))
                distances.Add(distance.Evidence, of = []);
            of.Add((float)distance.Relative);
        }
        foreach (var finding in check.Findings)
            Findings[finding.Wrong] = Findings.GetValueOrDefault(finding.Wrong) + 1;
        if (check.Findings.Count == 0)
            return;
        Failed++;
        First ??= plan;
    }

    /// <summary>Takes what another run found to its own.</summary>
    public void Add(FleetRun other)
    {
        (Fleets, Failed, Numbers, Outside) = (
            Fleets + other.Fleets,
            Failed + other.Failed,
            Numbers + other.Numbers,
            Outside + other.Outside
        );
        First ??= other.First;
        foreach (var (wrong, count) in other.Findings)
            Findings[wrong] = Findings.GetValueOrDefault(wrong) + count;
        foreach (var (evidence, of) in other.distances)
        {
            if (!distances.TryGetValue(evidence, out var own))
                distances.Add(evidence, own = []);
            own.AddRange(of);
        }
    }

    /// <summary>The middle and the worst relative error of numbers of each evidence.</summary>
    public IEnumerable<(Evidence Evidence, double Median, double Worst, int Count)> Errors()
    {
        foreach (var (evidence, of) in distances.OrderBy(entry => entry.Key))
        {
            of.Sort();
            yield return (evidence, of[of.Count / 2], of[^1], of.Count);
        }
    }

    /// <summary>The first seed of which anything is wrong, made small; null when nothing is of any.</summary>
    /// <param name="plans">The plans, in order.</param>
    /// <param name="product">What is asked; null: the product as it is.</param>
    public static Failure? FirstFailure(IEnumerable<FleetPlan> plans, FleetProduct? product = null)
    {
        foreach (var plan in plans)
            if (FleetCheck.Of(plan, product).Findings.Count > 0)
            {
                var small = plan.Shrink(smaller => FleetCheck.Of(smaller, product).Findings.Count > 0);
                return new Failure(small, FleetCheck.Of(small, product).Findings);
            }
        return null;
    }
}
