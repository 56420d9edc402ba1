using System.Collections.Frozen;
using System.Text.Json;

namespace Metrics.Domain.Quantities;

/// <summary>What work is counted in, the R of the SCI standard (ISO/IEC 21031), from <c>functional-units.json</c>.</summary>
/// <param name="Name">How mappings and the API write it: <c>output-token</c>.</param>
/// <param name="Unit">Symbol of the unit that a count of it carries: <c>{token}</c>. Input and output tokens share it; that does not make
/// them comparable.</param>
/// <param name="Basis">What of the work is counted, in words that two units may share only when they count the same: <c>output</c>,
/// <c>input</c>, <c>cached-input</c>, <c>total</c> tokens; <c>call</c>, <c>item</c> ...</param>
/// <param name="Description">What it is, for people.</param>
/// <param name="PartOf">The functional unit that a count of this one is contained in, so that both are never added; null when in
/// none.</param>
/// <param name="Task">What kind of AI system SCI for AI counts in this unit (its consumer boundary): <c>large language model</c>, <c>image
/// generation</c>; null when it names none.</param>
/// <param name="Clause">Where that is written; null without a task.</param>
public sealed record FunctionalUnit(
    string Name,
    string Unit,
    string Basis,
    string Description,
    string? PartOf = null,
    string? Task = null,
    string? Clause = null
)
{
    /// <summary>Which tokens are counted; null for units that count no tokens. Energy per output token and per token of all kinds differ by
    /// a factor of nine on one machine.</summary>
    public string? TokenBasis => Unit == "{token}" ? Basis : null;

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
