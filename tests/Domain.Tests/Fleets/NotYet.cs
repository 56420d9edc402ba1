namespace Metrics.Domain.Tests.Fleets;

/// <summary>A kind of trouble that the product does not yet survive.</summary>
/// <param name="Troubles">The kinds that it takes together.</param>
/// <param name="Plan">A plan that fails.</param>
/// <param name="Reason">Why, in a line.</param>
internal sealed record Unmet(Trouble Troubles, string Plan, string Reason);

/// <summary>The kinds that no test asserts yet, because the product fails them. A line goes when its rule lands: a test fails while a line
/// stands whose plan passes. The table shrinks to empty.</summary>
internal static class NotYet
{
    /// <summary>A line a kind, by its number.</summary>
    public static IReadOnlyList<Unmet> All { get; } = [];

    /// <summary>Whether the product is held to fleets with these kinds.</summary>
    public static bool Asserts(Trouble troubles) => !All.Any(unmet => (troubles & unmet.Troubles) == unmet.Troubles);
}
