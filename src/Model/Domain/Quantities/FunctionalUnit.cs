using System.Collections.Frozen;
using System.Text.Json;

namespace Metrics.Domain.Quantities;

/// <summary>What work is counted in, the R of the SCI standard (ISO/IEC 21031), from <c>functional-units.json</c>.</summary>
/// <param name="Name">How mappings and the API write it: <c>output-token</c>.</param>
/// <param name="Unit">Symbol of the unit that a count of it carries: <c>{token}</c>. Input and output tokens share it; that does not make them comparable.</param>
/// <param name="Description">What it is, for people.</param>
/// <param name="TokenBasis">Which tokens are counted: <c>output</c>, <c>input</c>, <c>cached input</c> or <c>total</c>; null when none are.</param>
public sealed record FunctionalUnit(string Name, string Unit, string Description, string? TokenBasis = null)
{
    /// <summary>Every functional unit known, by name.</summary>
    public static IReadOnlyDictionary<string, FunctionalUnit> Known { get; } = Load();

    private static FrozenDictionary<string, FunctionalUnit> Load()
    {
        using var text = typeof(FunctionalUnit).Assembly.GetManifestResourceStream("functional-units.json")
            ?? throw new InvalidOperationException("functional-units.json is not embedded in the domain assembly.");
        var units = JsonSerializer.Deserialize(text, Vocabulary.Default.ListFunctionalUnit)!;
        return units.ToFrozenDictionary(unit => unit.Name, StringComparer.Ordinal);
    }
}
