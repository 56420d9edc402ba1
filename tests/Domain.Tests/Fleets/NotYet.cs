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
    /// <summary>A line a kind.</summary>
    public static IReadOnlyList<Unmet> All { get; } =
    [
        new(
            Trouble.Moves,
            "1/Moves/3/1",
            "Coverage is over the hour and not over the time held; what nobody held is given to a holder near it."
        ),
        new(Trouble.ShortPods, "3/ShortPods/1/1", "The first sample of a pod that is new is a baseline, and what it did before is lost."),
        new(Trouble.Shared, "1/Shared/1/1", "A share of a board is told as a share of the time; bounds hold no shares."),
        new(Trouble.Slices, "1/Slices/1/1", "Slices are sevenths of every board, also of an A30; their coverage is a share of the board."),
        new(
            Trouble.Sparse,
            "1/Sparse/1/1",
            "Gauges are bridged for five minutes, whatever their usual distance is, and what is left counts as all."
        ),
        new(Trouble.Bursts, "1/Bursts/2/1", "Bounds hold the meter's accuracy and not what happens between two samples of a gauge."),
        new(Trouble.Loads, "1/Loads/1/1", "Idle energy is the energy times one minus the load, and not idle time times idle power."),
        new(Trouble.TwoJobs, "1/TwoJobs/1/1", "Work of two jobs that scrape one engine is added."),
        new(Trouble.TwoSources, "1/TwoSources/1/1", "Work of two sources that read one engine is added."),
        new(Trouble.Layers, "2/Layers/1/1", "Work of a client is added to that of the engines behind it."),
        new(
            Trouble.Roles,
            "1/Roles/1/1",
            "Prompts and requests of prefill and decode are added where no label named role tells them apart."
        ),
        new(Trouble.SameNames, "1/SameNames/2/1", "Machines of one name are one machine, whatever cluster they are in."),
        new(Trouble.Apart, "58/Apart/1/1", "The rest of a machine is a difference of two meters, and has the bounds of one in proportion."),
        new(
            Trouble.Gaps,
            "7/Gaps/1/1",
            "A ratio divides energy of a part of the time by work of all of it; boards without their server pass it."
        ),
        new(Trouble.WallPauses, "1/WallPauses/1/1", "Components stand in for the wall meter while it pauses."),
        new(Trouble.Glitch, "1/Glitch/1/1", "The return of a counter from one zero is a rise."),
        new(Trouble.DeadWall, "1/DeadWall/1/1", "A wall meter of nothing is believed."),
        new(Trouble.DeadBoard, "1/DeadBoard/1/1", "A board that works and draws nothing is believed."),
        new(Trouble.Sentinel, "1/Sentinel/1/1", "All ones are believed where the mapping names no sentinel."),
        new(Trouble.HalfRead, "7/HalfRead/1/1", "The rest of a machine goes to the boards that are read."),
        new(Trouble.DeadLoad, "1/DeadLoad/1/1", "A load of zero is believed of a board that works."),
    ];

    /// <summary>Whether the product is held to fleets with these kinds.</summary>
    public static bool Asserts(Trouble troubles) => !All.Any(unmet => (troubles & unmet.Troubles) == unmet.Troubles);
}
