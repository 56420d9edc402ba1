namespace Metrics.Domain.Tests.Fleets;

/// <summary>A rule of normalisation, and the troubles by which the fleets find that it is missing.</summary>
/// <param name="Rule">The rule, as the documentation of normalisation numbers and names it.</param>
/// <param name="Found">The kinds with which a product without it has to fail within 300 seeds; each of them by itself.</param>
/// <param name="Without">The product with this rule switched off; null until it can be.</param>
internal sealed record RuleControl(string Rule, Trouble Found, FleetProduct? Without);

/// <summary>The control of each rule: switched off, the fleets find it.</summary>
/// <remarks>
/// The seam is <see cref="FleetProduct.Normalise"/>. Once the normaliser takes the set of its rules, a line is filled by
/// <code>
/// Without: FleetProduct.Whole with
/// {
///     Normalise = (fleet, period, samples) => FleetProduct.NormaliserOf(fleet, Rules.All &amp; ~Rules.Glitch).Normalise(period, samples),
/// }
/// </code>
/// with <c>NormaliserOf</c> handing the set on. A rule of the roll-up or of the comparison is switched off the same way, by another
/// function of <see cref="FleetProduct"/>. The number of lines that are not filled may fall and never rise.
/// </remarks>
internal static class RuleControls
{
    /// <summary>Lines that cannot be switched off yet.</summary>
    public const int Unfilled = 15;

    /// <summary>Every rule, a line for each way in which it shows.</summary>
    public static IReadOnlyList<RuleControl> All { get; } =
    [
        new("1 Ratios over the same time", Trouble.Gaps, null),
        new("2 Coverage is known time over time present", Trouble.Moves, null),
        new("3 Work counts once: one engine told twice", Trouble.TwoJobs | Trouble.TwoSources, null),
        new("3 Work counts once: layers", Trouble.Layers, null),
        new("3 Work counts once: prefill and decode", Trouble.Roles, null),
        new("4 A board belongs to whoever holds it at the time", Trouble.Moves | Trouble.ShortPods, null),
        new("4 Slices are shares of what a board of that model has", Trouble.Slices, null),
        new("5 Idle energy is idle time x idle power", Trouble.Loads, null),
        new("6 Nothing impossible is believed: ceilings and all ones", Trouble.Sentinel, null),
        new("6 Nothing impossible is believed: glitches", Trouble.Glitch, null),
        new("6 Nothing impossible is believed: a whole less than its parts", Trouble.DeadWall, null),
        new("6 Nothing impossible is believed: two things of one name", Trouble.SameNames, null),
        new("7 A boundary keeps its meaning", Trouble.WallPauses, null),
        new("8 What is not read is not given away", Trouble.HalfRead, null),
        new("9 Bounds hold the truth", Trouble.Shared | Trouble.Bursts | Trouble.Apart, null),
    ];
}
