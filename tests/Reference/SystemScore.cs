using System.Collections.Immutable;
using Metrics.Domain.Factors;

namespace Metrics.Reference;

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
    /// <exception cref="ArgumentException">There is no component, or one counts another functional unit and no conversion is declared; all
    /// such components are named.</exception>
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
                $"Scores for different functional units have no sum. Per {functionalUnit} is asked, but: "
                    + $"{string.Join(", ", foreign)}. Count the same unit, or declare a conversion.",
                nameof(components)
            );
    }
}
