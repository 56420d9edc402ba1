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
    /// <summary>The measure that it is told behind; null: behind all of them.</summary>
    public Measure? After { get; init; }

    /// <summary>What it means to take many rows together.</summary>
    public RatioOfMany OfMany { get; init; } = RatioOfMany.SumOverSum;

    /// <summary>The whole expression.</summary>
    public Term Expression => Over / Under;

    /// <summary>Its value; null when a part is unknown or when it would be divided by zero.</summary>
    /// <param name="values">The measures of the row.</param>
    public double? Of(MeasureValues values) => Expression.Evaluate(values);

    /// <summary>The ratio in SQL of both engines.</summary>
    /// <param name="column">How a measure's column is written.</param>
    public string ToSql(Func<Measure, string> column) => Expression.ToSql(column);
}

/// <summary>What a ratio of many rows is.</summary>
public enum RatioOfMany
{
    /// <summary>The sum of what is above the line over the sum of what is below, of the rows whose upper part is known.</summary>
    SumOverSum,

    /// <summary>The mean, weighted by what is below the line.</summary>
    Weighted,

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

    /// <summary>The first of some measures that is known.</summary>
    public static Term FirstKnown(params Measure[] measures) => new First([.. measures]);

    /// <summary>The first of some measures that is more than zero; zero when none is.</summary>
    public static Term FirstPositive(params Measure[] measures) => new Positive([.. measures]);

    /// <summary>What a part leaves of a whole, from 0 to 1; 1 where the whole is nothing.</summary>
    public static Term Remainder(Measure part, Measure whole) => new Rest(part, whole);

    /// <summary>Its value; null when a part is unknown.</summary>
    /// <param name="values">The measures of the row.</param>
    public abstract double? Evaluate(MeasureValues values);

    /// <summary>The measures in it, each once, in order.</summary>
    public IEnumerable<Measure> Operands() => Leaves().Distinct();

    /// <summary>It in SQL of both engines.</summary>
    /// <param name="column">How a measure's column is written.</param>
    public string ToSql(Func<Measure, string> column) =>
        Print(new Notation(column, " + ", " - ", " * ", " / ", divisor => $"NULLIF({divisor}, 0)"), 0);

    /// <summary>It in OData, of the properties of the row.</summary>
    public string ToOData() => Print(new Notation(measure => measure.Name, " add ", " sub ", " mul ", " div ", divisor => divisor), 0);

    /// <summary>It as people write it, with names or with numbers.</summary>
    /// <param name="amount">How a measure is written.</param>
    public string ToText(Func<Measure, string> amount) => Print(new Notation(amount, " + ", " - ", " x ", " / ", divisor => divisor), 0);

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
        string Add,
        string Subtract,
        string Multiply,
        string Divide,
        Func<string, string> Divisor
    );

    private sealed record Amount(Measure Measure) : Term
    {
        public override double? Evaluate(MeasureValues values) => values[Measure];

        private protected override IEnumerable<Measure> Leaves() => [Measure];

        private protected override string Print(Notation notation, int binding) => notation.Amount(Measure);
    }

    private sealed record Constant(int Number) : Term
    {
        public override double? Evaluate(MeasureValues values) => Number;

        private protected override IEnumerable<Measure> Leaves() => [];

        private protected override string Print(Notation notation, int binding) => Number.ToString(CultureInfo.InvariantCulture);
    }

    private sealed record First(ImmutableArray<Measure> Of) : Term
    {
        public override double? Evaluate(MeasureValues values)
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

    private sealed record Positive(ImmutableArray<Measure> Of) : Term
    {
        public override double? Evaluate(MeasureValues values)
        {
            foreach (var measure in Of)
                if (values[measure] is > 0 and var known)
                    return known;
            return 0;
        }

        private protected override IEnumerable<Measure> Leaves() => Of;

        private protected override string Print(Notation notation, int binding) =>
            $"COALESCE({string.Concat(Of.Select(measure => $"NULLIF({notation.Amount(measure)}, 0), "))}0)";
    }

    private sealed record Rest(Measure Part, Measure Whole) : Term
    {
        public override double? Evaluate(MeasureValues values) =>
            values[Part] is not { } part || values[Whole] is not { } whole ? null
            : whole <= 0 ? 1
            : Math.Clamp(1 - part / whole, 0, 1);

        private protected override IEnumerable<Measure> Leaves() => [Part, Whole];

        // Of one period of the grid alone: no row of a table has it.
        private protected override string Print(Notation notation, int binding) =>
            $"(1{notation.Subtract}{notation.Amount(Part)}{notation.Divide}{notation.Amount(Whole)})";
    }

    private sealed record Operation(Operator By, Term Left, Term Right) : Term
    {
        public override double? Evaluate(MeasureValues values)
        {
            var (left, right) = (Left.Evaluate(values), Right.Evaluate(values));
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
        Of(MatchedSums.Facility, "JoulesPerUnit", "Facility energy over units, sum over sum of the time in which both are known.");

    /// <summary>The least that it can be.</summary>
    public static Ratio LowJoulesPerUnit { get; } =
        new(
            "LowJoulesPerUnit",
            "J/{unit}",
            "Least that JoulesPerUnit can be; null where the accuracy of a meter is unknown.",
            MatchedSums.Facility.Low!,
            MatchedSums.Facility.Units
        )
        {
            After = Measures.Idle,
        };

    /// <summary>The most that it can be.</summary>
    public static Ratio HighJoulesPerUnit { get; } =
        new(
            "HighJoulesPerUnit",
            "J/{unit}",
            "Most that JoulesPerUnit can be; null where the accuracy of a meter is unknown.",
            MatchedSums.Facility.High!,
            MatchedSums.Facility.Units
        )
        {
            After = Measures.Idle,
        };

    /// <summary>Energy of the accelerators for each unit.</summary>
    public static Ratio AcceleratorJoulesPerUnit { get; } =
        Of(
            MatchedSums.Accelerator,
            "AcceleratorJoulesPerUnit",
            "Accelerator energy over units, sum over sum of the time in which both are known."
        );

    /// <summary>Energy of the servers for each unit.</summary>
    public static Ratio ServerJoulesPerUnit { get; } =
        Of(MatchedSums.Server, "ServerJoulesPerUnit", "Server energy over units, sum over sum of the time in which both are known.");

    /// <summary>Facility energy without what was drawn while doing nothing, for each unit.</summary>
    public static Ratio ActiveJoulesPerUnit { get; } =
        Of(
            MatchedSums.Active,
            "ActiveJoulesPerUnit",
            "Facility energy without the idle share of the server's, over units, of the time in which the idle share is known."
        );

    /// <summary>The part of the energy that was drawn while doing nothing.</summary>
    public static Ratio IdleShare { get; } =
        new(
            "IdleShare",
            "1",
            "Share of the energy that was drawn while reserved and doing nothing, 0 to 1.",
            Measures.Idle,
            Measures.IdleOf
        )
        {
            After = Measures.Idle,
            OfMany = RatioOfMany.None,
        };

    /// <summary>Operational emissions for each unit: known far more often than the score, and less than it.</summary>
    public static Ratio OperationalGramsPerUnit { get; } =
        Of(
            MatchedSums.Operational,
            "OperationalGramsPerUnit",
            "Operational grams (location-based average) over units, without embodied emissions: no SCI score."
        ) with
        {
            Unit = "g/{unit}",
            After = Measures.Embodied,
        };

    /// <summary>Software Carbon Intensity (ISO/IEC 21031:2024): <c>(O + M) per R</c>, with O = E x I.</summary>
    public static Ratio SciGramsPerUnit { get; } =
        Of(
            MatchedSums.Sci,
            "SciGramsPerUnit",
            "Software Carbon Intensity (ISO/IEC 21031): operational and embodied grams over units, of the time in which all are known."
        ) with
        {
            Unit = "g/{unit}",
            After = Measures.Embodied,
        };

    /// <summary>Share of the energy known without PUE that was measured or derived.</summary>
    public static Ratio MeasuredShare { get; } =
        new("MeasuredShare", "1", "Energy-weighted share of measured and derived readings, 0 to 1.", Measures.Measured, Measures.Known)
        {
            OfMany = RatioOfMany.None,
        };

    /// <summary>Share of the time that the number beside it rests on: the widest ratio of the row, else its widest boundary.</summary>
    public static Ratio Coverage { get; } =
        new(
            "Coverage",
            "1",
            "Known time over the time that the deployment was there, 0 to 1: of the widest ratio that the row has, else of the widest "
                + "boundary.",
            Term.FirstPositive(
                MatchedSums.Facility.Seconds!,
                MatchedSums.Server.Seconds!,
                MatchedSums.Accelerator.Seconds!,
                Measures.FacilitySeconds,
                Measures.ServerSeconds,
                Measures.AcceleratorSeconds
            ),
            Measures.Present
        )
        {
            OfMany = RatioOfMany.Weighted,
        };

    /// <summary>Share of the time for which the accelerator energy is known.</summary>
    public static Ratio AcceleratorCoverage { get; } = CoverageOf(Boundary.Accelerator, "accelerator energy");

    /// <summary>Share of the time for which the server energy is known.</summary>
    public static Ratio ServerCoverage { get; } = CoverageOf(Boundary.Server, "server energy");

    /// <summary>Share of the time for which the facility energy is known.</summary>
    public static Ratio FacilityCoverage { get; } = CoverageOf(Boundary.Facility, "facility energy");

    /// <summary>Share of the time for which the work is known.</summary>
    public static Ratio WorkCoverage { get; } =
        new(
            "WorkCoverage",
            "1",
            "Time of which the work is known over the time that the deployment was there, 0 to 1.",
            Measures.WorkSeconds,
            Measures.Present
        );

    /// <summary>Those that hours, days and months tell, in order.</summary>
    public static ImmutableArray<Ratio> OfPeriods { get; } =
    [
        JoulesPerUnit,
        LowJoulesPerUnit,
        HighJoulesPerUnit,
        AcceleratorJoulesPerUnit,
        ServerJoulesPerUnit,
        ActiveJoulesPerUnit,
        IdleShare,
        OperationalGramsPerUnit,
        SciGramsPerUnit,
        MeasuredShare,
        Coverage,
        AcceleratorCoverage,
        ServerCoverage,
        FacilityCoverage,
        WorkCoverage,
    ];

    /// <summary>Those of them that are for each unit of work.</summary>
    public static ImmutableArray<Ratio> ByUnit { get; } =
    [.. OfPeriods.Where(ratio => ratio.Unit.EndsWith("/{unit}", StringComparison.Ordinal))];

    /// <summary>Those that energy facts tell, in order. A rack's energy stands beside the boundaries, and no part of it counts as measured
    /// energy of one.</summary>
    public static ImmutableArray<Ratio> OfFacts { get; } =
    [
        MeasuredShare with
        {
            Under = Term.FirstKnown(Measures.Server, Measures.Accelerator, Measures.Rack),
        },
        Coverage with
        {
            Description = "Known time over the time that the deployment held the resource, 0 to 1.",
            Over = Measures.Covered,
        },
    ];

    private static Ratio Of(MatchedSums sums, string name, string description) =>
        new(name, "J/{unit}", description, sums.Amount, sums.Units) { After = Measures.Idle };

    private static Ratio CoverageOf(Boundary boundary, string what) =>
        new(
            $"{boundary}Coverage",
            "1",
            $"Time of which the {what} is known over the time that the deployment was there, 0 to 1.",
            Measures.SecondsOf(boundary),
            Measures.Present
        );
}
