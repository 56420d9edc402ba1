using System.Collections.Immutable;
using System.Globalization;

namespace Metrics.Domain.Facts;

/// <summary>Two numbers of one row of which the first is never more than the second.</summary>
/// <param name="Lesser">The one that is held.</param>
/// <param name="Greater">The one that holds it.</param>
/// <remarks>Where one of them is unknown nothing is said.</remarks>
public sealed record Order(Term Lesser, Term Greater)
{
    // As exact as sums of many doubles can be held to.
    private const double Slack = 1e-6;

    /// <summary>The time of which <see cref="Greater"/> is known, where it may be of a part of the row's time: of less than all of it
    /// nothing is said, for sums keep whatever is known.</summary>
    public Measure? Throughout { get; init; }

    /// <summary>Whether a row breaks it.</summary>
    /// <param name="values">The measures of the row.</param>
    public bool IsBroken(MeasureValues values) =>
        Lesser.Evaluate(values) is { } lesser
        && Greater.Evaluate(values) is { } greater
        && lesser > greater * (1 + Slack)
        && (Throughout is null || values[Throughout] >= values[Measures.Present] * (1 - Slack));

    /// <summary>The same in SQL of both engines: a condition that holds of rows that break it.</summary>
    /// <param name="column">How a measure's column is written.</param>
    public string ToSql(Func<Measure, string> column)
    {
        var slack = Slack.ToString(CultureInfo.InvariantCulture);
        var broken = $"{Lesser.ToSql(column)} > {Greater.ToSql(column)} * (1 + {slack})";
        return Throughout is null ? broken : $"{broken} AND {column(Throughout)} >= {column(Measures.Present)} * (1 - {slack})";
    }

    /// <summary>How a row breaks it, with its numbers.</summary>
    /// <param name="values">The measures of the row.</param>
    public string ToText(MeasureValues values) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Lesser.ToText(measure => measure.Name)} {Lesser.Evaluate(values)} is more than {Greater.ToText(measure => measure.Name)} "
                + $"{Greater.Evaluate(values)}"
        );
}

/// <summary>The one list of what holds in every row: a wider boundary holds a narrower one, and bounds hold their number.</summary>
public static class Orders
{
    private static readonly Term Widest = Term.FirstKnown(Measures.Facility, Measures.Server, Measures.Accelerator);

    /// <summary>Of energy facts.</summary>
    public static ImmutableArray<Order> OfFacts { get; } =
    [
        new(Measures.Accelerator, Measures.Server),
        new(Measures.Server, Measures.Facility),
        new(Measures.Low, Widest),
        new(Widest, Measures.High),
    ];

    /// <summary>Of hours, days and months.</summary>
    public static ImmutableArray<Order> OfPeriods { get; } =
    [
        new(Measures.Accelerator, Measures.Server) { Throughout = Measures.SecondsOf(Boundary.Server) },
        new(Measures.Server, Measures.Facility) { Throughout = Measures.SecondsOf(Boundary.Facility) },
        new(Measures.Low, Widest),
        new(Widest, Measures.High),
        .. MatchedSums
            .All.Where(sums => sums.Low is not null)
            .SelectMany(sums => new Order[] { new(sums.Low!, sums.Amount), new(sums.Amount, sums.High!) }),
    ];
}
