using System.Collections.Immutable;

namespace Metrics.Domain.Facts;

/// <summary>The sums that one ratio divides: an amount, and the units of work of the same periods of the grid.</summary>
/// <remarks>
/// A period counts when nine tenths of the time that its resources were there are known of both (<see cref="Enough"/>); it is then scaled
/// to the whole. What is known of the amount alone, or of the work alone, is in neither. So every hour, day, month, report and ranking
/// divides the same two sums, and time without a meter makes a number less covered, not smaller.
/// </remarks>
public sealed class MatchedSums
{
    /// <summary>Least share of the time that has to be known of both.</summary>
    public const double Enough = 0.9;

    // Asked for when the list of measures, which these are part of, is there.
    private readonly Func<Term> of;

    private readonly Func<(Term Low, Term High)>? bounds;

    private MatchedSums(
        string name,
        string amount,
        string unit,
        string what,
        Boundary boundary,
        Func<Term> of,
        Func<(Term, Term)>? bounds = null,
        bool told = true,
        bool timed = false
    )
    {
        (Boundary, this.of, this.bounds) = (boundary, of, bounds);
        var holders = told ? MeasureHolders.Periods : MeasureHolders.None;
        Amount = Measure($"Matched{amount}", unit, $"{what} of the periods in which the work is known too.", holders);
        Units = Measure($"{name}MatchedUnits", "1", $"Functional units of the periods in which {Lower(what)} is known too.", holders);
        if (bounds is not null)
        {
            Low = Measure($"MatchedLow{amount}", unit, $"Least that Matched{amount} can be.", MeasureHolders.None);
            High = Measure($"MatchedHigh{amount}", unit, $"Most that Matched{amount} can be.", MeasureHolders.None);
        }
        if (timed)
            Seconds = Measure($"{name}MatchedSeconds", "s", $"Time of which {Lower(what)} and the work are known.", MeasureHolders.None);
    }

    /// <summary>Accelerator energy.</summary>
    public static MatchedSums Accelerator { get; } =
        new(
            "Accelerator",
            "AcceleratorJoules",
            "J",
            "Accelerator energy",
            Boundary.Accelerator,
            () => Facts.Measures.Accelerator,
            () => (Facts.Measures.AcceleratorLow, Facts.Measures.AcceleratorHigh),
            timed: true
        );

    /// <summary>Server energy.</summary>
    public static MatchedSums Server { get; } =
        new(
            "Server",
            "ServerJoules",
            "J",
            "Server energy",
            Boundary.Server,
            () => Facts.Measures.Server,
            () => (Facts.Measures.ServerLow, Facts.Measures.ServerHigh),
            timed: true
        );

    /// <summary>Facility energy.</summary>
    public static MatchedSums Facility { get; } =
        new(
            "Facility",
            "FacilityJoules",
            "J",
            "Facility energy",
            Boundary.Facility,
            () => Facts.Measures.Facility,
            () => (Facts.Measures.FacilityLow, Facts.Measures.FacilityHigh),
            timed: true
        );

    /// <summary>Facility energy without what was drawn while doing nothing.</summary>
    public static MatchedSums Active { get; } =
        new("Active", "ActiveJoules", "J", "Facility energy without its idle share", Boundary.Facility, () =>
            (Term)Facts.Measures.Facility * Term.Remainder(Facts.Measures.Idle, Facts.Measures.Server)
        );

    /// <summary>Server energy without what was drawn while doing nothing.</summary>
    public static MatchedSums ActiveServer { get; } =
        new(
            "ActiveServer",
            "ActiveServerJoules",
            "J",
            "Server energy without its idle part",
            Boundary.Server,
            () => (Term)Facts.Measures.Server * Term.Remainder(Facts.Measures.Idle, Facts.Measures.Server),
            told: false
        );

    /// <summary>Accelerator energy without what was drawn while doing nothing, where it is all that is known: idle energy of whole servers
    /// is not that of their boards.</summary>
    public static MatchedSums ActiveAccelerator { get; } =
        new(
            "ActiveAccelerator",
            "ActiveAcceleratorJoules",
            "J",
            "Accelerator energy without its idle part",
            Boundary.Accelerator,
            () => (Term)Facts.Measures.Accelerator * Term.Remainder(Facts.Measures.Idle, Facts.Measures.Accelerator),
            told: false
        )
        {
            OnlyWithoutServer = true,
        };

    /// <summary>Operational emissions, O = E x I.</summary>
    public static MatchedSums Operational { get; } =
        new(
            "Operational",
            "OperationalGrams",
            "g",
            "Operational emissions",
            Boundary.Facility,
            () => Facts.Measures.Operational,
            () => (Facts.Measures.OperationalLow, Facts.Measures.OperationalHigh)
        );

    /// <summary>What the Software Carbon Intensity (ISO/IEC 21031:2024) divides: O + M.</summary>
    public static MatchedSums Sci { get; } =
        new(
            "Sci",
            "SciGrams",
            "g",
            "Operational and embodied emissions",
            Boundary.Facility,
            () => (Term)Facts.Measures.Operational + Facts.Measures.Embodied,
            () =>
                (
                    (Term)Facts.Measures.OperationalLow + Facts.Measures.EmbodiedLow,
                    (Term)Facts.Measures.OperationalHigh + Facts.Measures.EmbodiedHigh
                )
        );

    /// <summary>The same with the operational emissions of the energy that was not idle.</summary>
    public static MatchedSums ActiveSci { get; } =
        new(
            "ActiveSci",
            "ActiveSciGrams",
            "g",
            "Active operational and embodied emissions",
            Boundary.Facility,
            () => (Term)Facts.Measures.Operational * Term.Remainder(Facts.Measures.Idle, Facts.Measures.Server) + Facts.Measures.Embodied,
            told: false
        );

    /// <summary>All of them, in the order in which they are told.</summary>
    public static ImmutableArray<MatchedSums> All { get; } =
    [Accelerator, Server, Facility, Active, ActiveServer, ActiveAccelerator, Operational, Sci, ActiveSci];

    /// <summary>The boundary whose energy it is made of.</summary>
    public Boundary Boundary { get; }

    /// <summary>What the amount of one period of the grid is.</summary>
    public Term Of => of();

    /// <summary>What the bounds of one period of the grid are; null where none are kept.</summary>
    internal (Term Low, Term High)? Bounds => bounds?.Invoke();

    /// <summary>Whether it counts only where nothing is known of the servers.</summary>
    public bool OnlyWithoutServer { get; private init; }

    /// <summary>The amount.</summary>
    public Measure Amount { get; }

    /// <summary>The work.</summary>
    public Measure Units { get; }

    /// <summary>The least that the amount can be; null where no bounds are kept.</summary>
    public Measure? Low { get; }

    /// <summary>The most that the amount can be; null where no bounds are kept.</summary>
    public Measure? High { get; }

    /// <summary>The time that both are known of; null where it is another's.</summary>
    public Measure? Seconds { get; }

    /// <summary>Its measures, in order.</summary>
    public IEnumerable<Measure> Measures => new[] { Amount, Units, Low, High, Seconds }.OfType<Measure>();

    /// <summary>The sums of a boundary's energy.</summary>
    /// <param name="boundary">The boundary.</param>
    /// <param name="policy">Whether idle energy is part of it.</param>
    public static MatchedSums OfEnergy(Boundary boundary, IdlePolicy policy) =>
        (boundary, policy) switch
        {
            (Boundary.Accelerator, IdlePolicy.Provisioned) => Accelerator,
            (Boundary.Server, IdlePolicy.Provisioned) => Server,
            (Boundary.Facility, IdlePolicy.Provisioned) => Facility,
            (Boundary.Accelerator, IdlePolicy.ActiveOnly) => ActiveAccelerator,
            (Boundary.Server, IdlePolicy.ActiveOnly) => ActiveServer,
            (Boundary.Facility, IdlePolicy.ActiveOnly) => Active,
            _ => throw new ArgumentOutOfRangeException(nameof(boundary), boundary, "There is no such boundary or idle policy."),
        };

    private static Measure Measure(string name, string unit, string description, MeasureHolders told) =>
        new(name, unit, description)
        {
            Aggregation = Aggregation.SumOfUnit,
            Held = MeasureHolders.Periods,
            Exposed = told,
            Restated = told != MeasureHolders.None,
        };

    private static string Lower(string text) => char.ToLowerInvariant(text[0]) + text[1..];
}
