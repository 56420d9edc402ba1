using System.Collections.Immutable;

namespace Metrics.Domain.Factors;

/// <summary>A part of a software system with its own score: servers, clients, the network.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Score">Its emissions and how many functional units it did.</param>
/// <param name="FunctionalUnit">What <paramref name="Score"/> counts.</param>
public sealed record ScoredComponent(string Name, Sci Score, string FunctionalUnit);

/// <summary>The score of a software system: the sum of the scores of its components, all for the same functional unit.</summary>
/// <remarks>
/// Components stand beside each other and do the same work, so their scores add up; periods follow each other and are
/// joined by the sum of <see cref="Sci"/>. Scores for different functional units have no sum (ISO/IEC 21031:2024).
/// </remarks>
public sealed record SystemScore
{
    private SystemScore(string functionalUnit, ImmutableArray<(string Component, double? GramsPerUnit)> parts)
    {
        FunctionalUnit = functionalUnit;
        Parts = parts;
    }

    /// <summary>What the score is for.</summary>
    public string FunctionalUnit { get; }

    /// <summary>Each component's grams for one functional unit of the system, in the order given; null where it did nothing.</summary>
    public ImmutableArray<(string Component, double? GramsPerUnit)> Parts { get; }

    /// <summary>Grams for one functional unit; null when a component has no score, since a sum without it would be too small.</summary>
    public double? GramsPerUnit =>
        Parts.Aggregate<(string Component, double? GramsPerUnit), double?>(0, (sum, part) => sum + part.GramsPerUnit);

    /// <summary>Why there is no score; null when there is one.</summary>
    public string? NullReason => GramsPerUnit is null ? Sci.ZeroFunctionalUnits : null;

    /// <summary>The score of the components together.</summary>
    /// <param name="functionalUnit">What the score is for.</param>
    /// <param name="conversions">What was declared about units; <see cref="UnitConversions.None"/> when nothing was.</param>
    /// <param name="components">At least one.</param>
    /// <exception cref="ArgumentException">There is no component, or one counts another functional unit and no conversion is declared; all such components are named.</exception>
    public static SystemScore Of(string functionalUnit, UnitConversions conversions, params ReadOnlySpan<ScoredComponent> components)
    {
        if (components.IsEmpty)
            throw new ArgumentException("A system has at least one component.", nameof(components));
        var foreign = new List<string>();
        var parts = ImmutableArray.CreateBuilder<(string, double?)>(components.Length);
        foreach (var component in components)
        {
            // So many units of the component's kind are one unit of the system.
            if (conversions.Factor(functionalUnit, component.FunctionalUnit) is { } units)
                parts.Add((component.Name, component.Score.GramsPer(units)));
            else
                foreign.Add($"{component.Name} (per {component.FunctionalUnit})");
        }
        return foreign.Count == 0
            ? new SystemScore(functionalUnit, parts.ToImmutable())
            : throw new ArgumentException(
                $"Scores for different functional units have no sum. Per {functionalUnit} is asked, but: {string.Join(", ", foreign)}. Count the same unit, or declare a conversion.",
                nameof(components)
            );
    }
}

/// <summary>A declared ratio of functional units: one <paramref name="From"/> is <paramref name="Factor"/> of <paramref name="To"/>, for instance one request is 800 output tokens.</summary>
/// <param name="From">A functional unit.</param>
/// <param name="To">Another one.</param>
/// <param name="Factor">Finite, above zero.</param>
public sealed record UnitConversion(string From, string To, double Factor);

/// <summary>Conversions of functional units, each declared by somebody: none is ever assumed.</summary>
public sealed class UnitConversions
{
    private readonly ImmutableArray<UnitConversion> steps;

    /// <summary>Conversions that can be followed in both directions and one after another.</summary>
    /// <exception cref="ArgumentException">
    /// A unit is empty, a ratio is not finite or not above zero, or a conversion closes a circle, since what it says follows
    /// from the others already or contradicts them. All faults are listed.
    /// </exception>
    public UnitConversions(params ReadOnlySpan<UnitConversion> conversions)
    {
        var faults = new List<string>();
        steps = [];
        for (var i = 0; i < conversions.Length; i++)
        {
            var (from, to, factor) = conversions[i];
            if (string.IsNullOrWhiteSpace(from) || string.IsNullOrWhiteSpace(to))
                faults.Add($"conversion {i + 1}: a unit is empty; name both");
            else if (factor is not (> 0 and < double.PositiveInfinity))
                faults.Add($"conversion {i + 1}: one {from} is {factor} {to}; write a finite ratio above zero");
            else if (Factor(from, to) is not null)
                faults.Add($"conversion {i + 1}: {from} to {to} closes a circle with those before it; remove one");
            else
                steps = steps.Add(conversions[i]);
        }
        if (faults.Count > 0)
            throw new ArgumentException(string.Join(Environment.NewLine, faults), nameof(conversions));
    }

    /// <summary>No conversion.</summary>
    public static UnitConversions None { get; } = new();

    /// <summary>How many of one unit are one of another; 1 for the same unit, null when nothing is declared that leads from one to the other.</summary>
    public double? Factor(string from, string to)
    {
        // Without circles there is one way at most, so the first one found is the answer.
        var reached = new Dictionary<string, double>(StringComparer.Ordinal) { [from] = 1 };
        var open = new Queue<string>([from]);
        while (open.TryDequeue(out var unit))
        {
            if (string.Equals(unit, to, StringComparison.Ordinal))
                return reached[unit];
            foreach (var step in steps)
            {
                if (step.From == unit && reached.TryAdd(step.To, reached[unit] * step.Factor))
                    open.Enqueue(step.To);
                else if (step.To == unit && reached.TryAdd(step.From, reached[unit] / step.Factor))
                    open.Enqueue(step.From);
            }
        }
        return null;
    }
}
