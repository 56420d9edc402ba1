using System.Collections.Immutable;
using System.Globalization;

namespace Metrics.Domain.Facts;

/// <summary>A number derived from the measures of one row: a small expression that is worked out in C#, in SQL and in OData
/// alike.</summary>
/// <param name="Name">Name in the API.</param>
/// <param name="Unit">Unit, as UCUM writes it.</param>
/// <param name="Description">What it says.</param>
/// <param name="Over">Above the line.</param>
/// <param name="Under">Below it. Nothing is divided by zero: there the ratio is null.</param>
/// <remarks>Over many rows it is the sum of the one over the sum of the other, never a mean of ratios.</remarks>
public sealed record Ratio(string Name, string Unit, string Description, Term Over, Term Under)
{
    /// <summary>While a row lacks one of these in some of its time, there is no ratio: the amount of a part of the time over the units of
    /// all of it is none.</summary>
    public MissingReasons NullWhile { get; init; }

    /// <summary>The measure that it is told behind; null: behind all of them.</summary>
    public Measure? After { get; init; }

    /// <summary>What it means to take many rows together.</summary>
    public RatioOfMany OfMany { get; init; } = RatioOfMany.SumOverSum;

    /// <summary>The whole expression.</summary>
    public Term Expression => Over / Under;

    /// <summary>Its value; null when a part is unknown, when it would be divided by zero or while something is missing.</summary>
    /// <param name="values">The measures of the row.</param>
    /// <param name="seconds">Length of the row's period.</param>
    /// <param name="missing">What the row lacks in some of its time.</param>
    public double? Of(MeasureValues values, double seconds, MissingReasons missing) =>
        (missing & NullWhile) != 0 ? null : Expression.Evaluate(values, seconds);

    /// <summary>The ratio in SQL of both engines.</summary>
    /// <param name="column">How a measure's column is written.</param>
    /// <param name="seconds">SQL of the length of the row's period in seconds.</param>
    /// <param name="missing">SQL of the row's <see cref="MissingReasons"/>, as a number.</param>
    public string ToSql(Func<Measure, string> column, string seconds, string missing)
    {
        var sql = Expression.ToSql(column, seconds);
        return NullWhile == MissingReasons.None
            ? sql
            : string.Create(CultureInfo.InvariantCulture, $"CASE WHEN {missing} & {(int)NullWhile} = 0 THEN {sql} END");
    }
}

/// <summary>What a ratio of many rows is.</summary>
public enum RatioOfMany
{
    /// <summary>The sum of what is above the line over the sum of what is below, of the rows whose upper part is known.</summary>
    SumOverSum,

    /// <summary>The mean: every row's lower part is as long.</summary>
    Mean,

    /// <summary>None: what is below the line is not told.</summary>
    None,
}

/// <summary>A part of a ratio's expression.</summary>
public abstract record Term
{
    private protected Term() { }

    /// <summary>Both added.</summary>
    public static Term operator +(Term left, Term right) => new Operation(Operator.Add, left, right);

    /// <summary>The second taken from the first.</summary>
    public static Term operator -(Term left, Term right) => new Operation(Operator.Subtract, left, right);

    /// <summary>Both multiplied.</summary>
    public static Term operator *(Term left, Term right) => new Operation(Operator.Multiply, left, right);

    /// <summary>The first over the second; null where that is zero.</summary>
    public static Term operator /(Term left, Term right) => new Operation(Operator.Divide, left, right);

    /// <summary>A measure of the row.</summary>
    public static implicit operator Term(Measure measure) => new Amount(measure);

    /// <summary>A number.</summary>
    public static implicit operator Term(int number) => new Constant(number);

    /// <summary>Length of the row's period in seconds.</summary>
    public static Term Seconds { get; } = new Length();

    /// <summary>The first of some measures that is known.</summary>
    public static Term FirstKnown(params Measure[] measures) => new First([.. measures]);

    /// <summary>Its value; null when a part is unknown.</summary>
    /// <param name="values">The measures of the row.</param>
    /// <param name="seconds">Length of the row's period.</param>
    public abstract double? Evaluate(MeasureValues values, double seconds);

    /// <summary>The measures in it, each once, in order.</summary>
    public IEnumerable<Measure> Operands() => Leaves().Distinct();

    /// <summary>It in SQL of both engines.</summary>
    /// <param name="column">How a measure's column is written.</param>
    /// <param name="seconds">SQL of the length of the row's period in seconds.</param>
    public string ToSql(Func<Measure, string> column, string seconds) =>
        Print(new Notation(column, seconds, " + ", " - ", " * ", " / ", divisor => $"NULLIF({divisor}, 0)"), 0);

    /// <summary>It in OData, of the properties of the row.</summary>
    public string ToOData() =>
        Print(new Notation(measure => measure.Name, "Seconds", " add ", " sub ", " mul ", " div ", divisor => divisor), 0);

    /// <summary>It as people write it, with names or with numbers.</summary>
    /// <param name="amount">How a measure is written.</param>
    /// <param name="seconds">How the length of the period is written.</param>
    public string ToText(Func<Measure, string> amount, string seconds) =>
        Print(new Notation(amount, seconds, " + ", " - ", " x ", " / ", divisor => divisor), 0);

    private protected abstract IEnumerable<Measure> Leaves();

    private protected abstract string Print(Notation notation, int binding);

    private protected enum Operator
    {
        Add,
        Subtract,
        Multiply,
        Divide,
    }

    /// <summary>How a language writes leaves and operators.</summary>
    private protected sealed record Notation(
        Func<Measure, string> Amount,
        string Seconds,
        string Add,
        string Subtract,
        string Multiply,
        string Divide,
        Func<string, string> Divisor
    );

    private sealed record Amount(Measure Measure) : Term
    {
        public override double? Evaluate(MeasureValues values, double seconds) => values[Measure];

        private protected override IEnumerable<Measure> Leaves() => [Measure];

        private protected override string Print(Notation notation, int binding) => notation.Amount(Measure);
    }

    private sealed record Constant(int Number) : Term
    {
        public override double? Evaluate(MeasureValues values, double seconds) => Number;

        private protected override IEnumerable<Measure> Leaves() => [];

        private protected override string Print(Notation notation, int binding) => Number.ToString(CultureInfo.InvariantCulture);
    }

    private sealed record Length : Term
    {
        public override double? Evaluate(MeasureValues values, double seconds) => seconds;

        private protected override IEnumerable<Measure> Leaves() => [];

        private protected override string Print(Notation notation, int binding) => notation.Seconds;
    }

    private sealed record First(ImmutableArray<Measure> Of) : Term
    {
        public override double? Evaluate(MeasureValues values, double seconds)
        {
            foreach (var measure in Of)
                if (values[measure] is { } known)
                    return known;
            return null;
        }

        private protected override IEnumerable<Measure> Leaves() => Of;

        // OData and people have no word for it: ratios with it are told of facts only, which they add up by another way.
        private protected override string Print(Notation notation, int binding) =>
            $"COALESCE({string.Join(", ", Of.Select(notation.Amount))})";
    }

    private sealed record Operation(Operator By, Term Left, Term Right) : Term
    {
        public override double? Evaluate(MeasureValues values, double seconds)
        {
            var (left, right) = (Left.Evaluate(values, seconds), Right.Evaluate(values, seconds));
            return By switch
            {
                Operator.Add => left + right,
                Operator.Subtract => left - right,
                Operator.Multiply => left * right,
                _ => right is 0 ? null : left / right,
            };
        }

        private protected override IEnumerable<Measure> Leaves() => Left.Operands().Concat(Right.Operands());

        private protected override string Print(Notation notation, int binding)
        {
            var own = By is Operator.Add or Operator.Subtract ? 1 : 2;
            // A divisor in a function's brackets needs none of its own; a right side binds closer, for neither - nor / may be grouped
            // otherwise.
            var left = Left.Print(notation, own);
            var right = By == Operator.Divide ? notation.Divisor(Right.Print(notation, own + 1)) : Right.Print(notation, own + 1);
            var text = By switch
            {
                Operator.Add => left + notation.Add + right,
                Operator.Subtract => left + notation.Subtract + right,
                Operator.Multiply => left + notation.Multiply + right,
                _ => left + notation.Divide + right,
            };
            return own < binding ? $"({text})" : text;
        }
    }
}

/// <summary>The one list of derived numbers. Views, entity types, comparisons and explanations are made from it.</summary>
public static class Ratios
{
    /// <summary>Facility energy for each unit.</summary>
    public static Ratio JoulesPerUnit { get; } =
        new("JoulesPerUnit", "J/{unit}", "Facility energy over units, sum over sum.", Measures.Facility, Measures.Units)
        {
            After = Measures.Idle,
        };

    /// <summary>Energy of the accelerators for each unit.</summary>
    public static Ratio AcceleratorJoulesPerUnit { get; } =
        new("AcceleratorJoulesPerUnit", "J/{unit}", "Accelerator energy over units, sum over sum.", Measures.Accelerator, Measures.Units)
        {
            After = Measures.Idle,
        };

    /// <summary>Energy of the servers for each unit.</summary>
    public static Ratio ServerJoulesPerUnit { get; } =
        new("ServerJoulesPerUnit", "J/{unit}", "Server energy over units, sum over sum.", Measures.Server, Measures.Units)
        {
            After = Measures.Idle,
        };

    /// <summary>Facility energy without what was drawn while doing nothing, for each unit. The idle joules of a part of the time are no
    /// idle share of the whole.</summary>
    public static Ratio ActiveJoulesPerUnit { get; } =
        new(
            "ActiveJoulesPerUnit",
            "J/{unit}",
            "Facility energy without the idle share of the server's, over units; null when the idle share is unknown in some of "
                + "the period (Missing names busy_unknown, server_unmetered, hardware_unknown or accelerator_unmetered).",
            Measures.Facility * ActiveShareOf(Measures.Server),
            Measures.Units
        )
        {
            After = Measures.Idle,
            NullWhile =
                MissingReasons.BusyUnknown
                | MissingReasons.ServerUnmetered
                | MissingReasons.HardwareUnknown
                | MissingReasons.AcceleratorUnmetered,
        };

    /// <summary>Software Carbon Intensity (ISO/IEC 21031:2024): <c>(O + M) per R</c>, with O = E x I. The grams of a part of the time over
    /// the units of all of it are no score.</summary>
    public static Ratio SciGramsPerUnit { get; } =
        new(
            "SciGramsPerUnit",
            "g/{unit}",
            "Software Carbon Intensity (ISO/IEC 21031): operational and embodied grams over units; null when either is unknown in "
                + "some of the period (Missing names pue_unknown, grid_unknown or embodied_unknown).",
            (Term)Measures.Operational + Measures.Embodied,
            Measures.Units
        )
        {
            After = Measures.Embodied,
            NullWhile = MissingReasons.PueUnknown | MissingReasons.GridUnknown | MissingReasons.EmbodiedUnknown,
        };

    /// <summary>Share of the energy known without PUE that was measured or derived.</summary>
    public static Ratio MeasuredShare { get; } =
        new("MeasuredShare", "1", "Energy-weighted share of measured and derived readings, 0 to 1.", Measures.Measured, Measures.Known)
        {
            OfMany = RatioOfMany.None,
        };

    /// <summary>Share of the period for which readings exist.</summary>
    public static Ratio Coverage { get; } =
        new("Coverage", "1", "Share of the period for which readings exist, 0 to 1.", Measures.Covered, Term.Seconds)
        {
            OfMany = RatioOfMany.Mean,
        };

    /// <summary>The share of some energy that was not drawn while doing nothing.</summary>
    /// <param name="energy">Energy of the servers, or of the accelerators where the servers are unknown.</param>
    public static Term ActiveShareOf(Measure energy) => 1 - (Term)Measures.Idle / energy;

    /// <summary>Those that hours, days and months tell, in order.</summary>
    public static ImmutableArray<Ratio> OfPeriods { get; } =
    [JoulesPerUnit, AcceleratorJoulesPerUnit, ServerJoulesPerUnit, ActiveJoulesPerUnit, SciGramsPerUnit, MeasuredShare, Coverage];

    /// <summary>Those of them that are for each unit of work.</summary>
    public static ImmutableArray<Ratio> ByUnit { get; } = [.. OfPeriods.Where(ratio => ratio.Under == (Term)Measures.Units)];

    /// <summary>Those that energy facts tell, in order. A rack's energy stands beside the boundaries, and no part of it counts as measured
    /// energy of one.</summary>
    public static ImmutableArray<Ratio> OfFacts { get; } =
    [MeasuredShare with { Under = Term.FirstKnown(Measures.Server, Measures.Accelerator, Measures.Rack) }, Coverage];
}
