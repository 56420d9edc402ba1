using System.Collections.Frozen;
using System.Text.Json;

namespace Metrics.Domain.Quantities;

/// <summary>What a number is about.</summary>
public enum Quantity
{
    /// <summary>Energy; the SI unit is the joule.</summary>
    Energy,

    /// <summary>Power; the SI unit is the watt.</summary>
    Power,

    /// <summary>The used share of a capacity; the canonical scale is 0 to 1.</summary>
    Utilisation,

    /// <summary>Work done, counted in a functional unit.</summary>
    Work,

    /// <summary>Nothing is measured: the labels say what belongs together.</summary>
    Information,
}

/// <summary>A unit of measure, from <c>units.json</c>. A value in it becomes canonical by <c>value * Numerator / Denominator</c>.</summary>
/// <param name="Symbol">How mappings write it: <c>mJ</c>, <c>W</c>, <c>%</c>, <c>{request}</c>.</param>
/// <param name="Quantity">What it measures.</param>
/// <param name="Numerator">Multiplier to the canonical unit; exact in a double.</param>
/// <param name="Denominator">Divisor to the canonical unit; exact in a double.</param>
/// <param name="Description">What it is, for people.</param>
public sealed record Unit(string Symbol, Quantity Quantity, double Numerator, double Denominator, string Description)
{
    private static readonly FrozenDictionary<string, Unit> All = Load();

    /// <summary>Every unit known, by symbol.</summary>
    public static IReadOnlyDictionary<string, Unit> Known => All;

    /// <summary>The value in the canonical unit: joules, watts, a ratio, or a count.</summary>
    public double ToCanonical(double value) => value * Numerator / Denominator;

    private static FrozenDictionary<string, Unit> Load()
    {
        // Multiplying by 1e-3 rounds twice, dividing by 1000 once: the file holds both parts of the factor.
        using var text = typeof(Unit).Assembly.GetManifestResourceStream("units.json")
            ?? throw new InvalidOperationException("units.json is not embedded in the domain assembly.");
        var units = JsonSerializer.Deserialize(text, Vocabulary.Default.ListUnit)!;
        return units.ToFrozenDictionary(unit => unit.Symbol, StringComparer.Ordinal);
    }
}
