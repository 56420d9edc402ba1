using Metrics.Domain.Messages;

namespace Metrics.Domain.Facts;

/// <summary>What must be equal before two ratios may be ranked with each other. Made from a row by
/// <see cref="Comparability.KeyOf"/>.</summary>
/// <param name="FunctionalUnit">What is counted.</param>
/// <param name="TokenBasis">Which tokens are counted; null when none are.</param>
/// <param name="Boundary">What the energy includes.</param>
/// <param name="PueIncluded">Whether a PUE is in it.</param>
/// <param name="IdlePolicy">Whether idle energy is in it.</param>
/// <param name="Estimated">Whether it is a published factor for each unit, and no reading of the hardware; always false where the terms
/// allow both side by side.</param>
/// <param name="CarbonMethod">How the grams were made; null in a ranking by energy.</param>
/// <param name="Model">The served model or, of a workload without one, <c>workload</c> and its name; null where the terms rank across
/// models.</param>
/// <param name="Precision">Number format of the weights; null when unknown or where the terms rank across models.</param>
/// <param name="CoverKind">What the servers' energy is made of: <c>wall</c>, <c>components</c> or <c>model</c>; null when servers are not
/// asked for.</param>
/// <param name="Disbelieved">For what a meter of it was not believed; null when all were.</param>
public sealed record ComparabilityKey(
    string FunctionalUnit,
    string? TokenBasis,
    Boundary Boundary,
    bool PueIncluded,
    IdlePolicy IdlePolicy,
    bool Estimated,
    string? CarbonMethod,
    string? Model,
    string? Precision,
    string? CoverKind = null,
    string? Disbelieved = null
)
{
    /// <summary>The keys in which this one differs from another, in a fixed order; none when rows of both may be ranked with each
    /// other.</summary>
    public IReadOnlyList<KeyDifference> DifferencesFrom(ComparabilityKey other)
    {
        var differences = new List<KeyDifference>();
        Compare("functional unit", FunctionalUnit, other.FunctionalUnit);
        // A request has no token basis: against it the unit alone says what differs.
        if (TokenBasis is not null && other.TokenBasis is not null)
            Compare("token basis", TokenBasis, other.TokenBasis);
        Compare("boundary", Boundary.ToWord(), other.Boundary.ToWord());
        Compare("PUE included", PueIncluded ? "yes" : "no", other.PueIncluded ? "yes" : "no");
        Compare("idle policy", IdlePolicy.ToWord(), other.IdlePolicy.ToWord());
        Compare("evidence class", Estimated ? "estimated" : "measured or modelled", other.Estimated ? "estimated" : "measured or modelled");
        Compare("carbon method", CarbonMethod, other.CarbonMethod);
        Compare("model", Model, other.Model);
        Compare("precision", Precision, other.Precision);
        Compare("server energy of", CoverKind, other.CoverKind);
        Compare("disbelieved", Disbelieved ?? "nothing", other.Disbelieved ?? "nothing");
        return differences;

        void Compare(string key, string? mine, string? others)
        {
            if (!string.Equals(mine, others, StringComparison.Ordinal))
                differences.Add(new KeyDifference(key, mine ?? "unknown", others ?? "unknown"));
        }
    }
}

/// <summary>A key in which two numbers differ.</summary>
/// <param name="Key">Which key, in words: <c>boundary</c>.</param>
/// <param name="Mine">Its value on this side: <c>accelerator</c>.</param>
/// <param name="Other">Its value on the other side: <c>facility</c>.</param>
public sealed record KeyDifference(string Key, string Mine, string Other)
{
    /// <summary><c>boundary differs: accelerator against facility</c>.</summary>
    public override string ToString() => $"{Key} differs: {Mine} against {Other}";
}
