using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;

namespace Metrics.Domain.Tests.Fleets;

/// <summary>A rule of normalisation, and the troubles by which the fleets find that it is missing.</summary>
/// <param name="Rule">The rule, as the documentation of normalisation numbers and names it.</param>
/// <param name="Found">The kinds with which a product without it has to fail within 300 seeds; each of them by itself.</param>
/// <param name="Without">The product with this rule switched off.</param>
internal sealed record RuleControl(string Rule, Trouble Found, FleetProduct Without);

/// <summary>The control of each rule: switched off, the fleets find it.</summary>
internal static class RuleControls
{
    /// <summary>Every rule, a line for each way in which it shows.</summary>
    public static IReadOnlyList<RuleControl> All { get; } =
    [
        new("1 Ratios over the same time", Trouble.Gaps, Rows(DividePlainSums)),
        new("2 Coverage is known time over time present", Trouble.Moves, Rows(CoverTheHour)),
        new("3 Work counts once: one engine told twice", Trouble.TwoJobs | Trouble.TwoSources, Without(Rules.OneEngine)),
        new("3 Work counts once: layers", Trouble.Layers, Without(Rules.Layers)),
        new("3 Work counts once: prefill and decode", Trouble.Roles, Without(Rules.Prefill)),
        new("4 A board belongs to whoever holds it at the time", Trouble.Moves | Trouble.ShortPods, Without(Rules.Holders)),
        new("4 Slices are shares of what a board of that model has", Trouble.Slices, Without(Rules.Slices)),
        new("5 Idle energy is idle time x idle power", Trouble.Loads, Without(Rules.Idle)),
        new("6 Nothing impossible is believed: ceilings and all ones", Trouble.Sentinel, Without(Rules.Plausible)),
        new("6 Nothing impossible is believed: glitches", Trouble.Glitch, Without(Rules.Glitches)),
        new("6 Nothing impossible is believed: a whole less than its parts", Trouble.DeadWall, Without(Rules.Parts)),
        new("6 Nothing impossible is believed: two things of one name", Trouble.SameNames, Without(Rules.Names)),
        new("7 A boundary keeps its meaning", Trouble.WallPauses, Without(Rules.Meaning)),
        new("8 What is not read is not given away", Trouble.HalfRead, Without(Rules.Unread)),
        new("9 Bounds hold the truth", Trouble.Shared | Trouble.Bursts | Trouble.Apart, Without(Rules.Bounds)),
    ];

    private static FleetProduct Without(Rules rule) =>
        new((fleet, period, samples) => FleetProduct.NormaliserOf(fleet, Rules.All & ~rule).Normalise(period, samples));

    /// <summary>A rule of the roll-up: rows without it.</summary>
    private static FleetProduct Rows(Action<MeasureValues> spoil) => FleetProduct.Whole with { Rows = spoil };

    private static void DividePlainSums(MeasureValues row)
    {
        var pair = MatchedSums.Facility;
        if (row[Measures.Facility] is null || row[Measures.Units] is null)
            return;
        (row[pair.Amount], row[pair.Units], row[pair.Seconds!]) = (row[Measures.Facility], row[Measures.Units], row[Measures.Present]);
        (row[pair.Low!], row[pair.High!]) = (row[Measures.Low], row[Measures.High]);
    }

    private static void CoverTheHour(MeasureValues row) => row[Measures.Present] = Math.Max(3600, row[Measures.Present] ?? 0);
}
