using System.Globalization;
using Metrics.Domain.Facts;
using Metrics.Domain.Quantities;
using Metrics.Storage.Engine;

namespace Metrics.Storage.Queries;

/// <summary>The sums of one deployment over the hours of a period.</summary>
public sealed record DeploymentSums
{
    /// <summary>Key of the deployment.</summary>
    public required long Id { get; init; }

    /// <summary>Whose work.</summary>
    public required string Workload { get; init; }

    /// <summary>Served model.</summary>
    public required string? Model { get; init; }

    /// <summary>Number format of the weights.</summary>
    public required string? Precision { get; init; }

    /// <summary>Who runs the place.</summary>
    public required string Provider { get; init; }

    /// <summary>The provider's region, or the site.</summary>
    public required string Region { get; init; }

    /// <summary>Name of the place.</summary>
    public required string Place { get; init; }

    /// <summary>Hardware model.</summary>
    public required string? Hardware { get; init; }

    /// <summary>How many accelerators it has.</summary>
    public required int? Accelerators { get; init; }

    /// <summary>What the units count; not what was asked for where a conversion leads there.</summary>
    public required string FunctionalUnit { get; init; }

    /// <summary>Energy at the boundary by the idle policy, with the work of the same time; null where none of it is known.</summary>
    public required ComparableAmount Energy { get; init; }

    /// <summary>Operational (location-based average) and embodied grams, with the work of the same time.</summary>
    public required ComparableAmount Carbon { get; init; }

    /// <summary>Share of the time that the deployment was there for which the energy and the work are known, from 0 to 1.</summary>
    public required double Coverage { get; init; }

    /// <summary>All work, whether its energy is known or not; null when none was counted.</summary>
    public required double? Units { get; init; }

    /// <summary>Sums of all hours, each once: what is known of the deployment at all.</summary>
    public required MeasureValues Values { get; init; }

    /// <summary>The sum of a measure; null when it is unknown.</summary>
    public double? this[Measure measure] => Values[measure];

    /// <summary>What the servers' energy was made of.</summary>
    public required CoverKinds CoverKinds { get; init; }

    /// <summary>Worst evidence of the hours that count; of all hours where none counts.</summary>
    public required Evidence Evidence { get; init; }

    /// <summary>Why columns of the hours are null.</summary>
    public required MissingReasons Missing { get; init; }

    /// <summary>Names of the factors that the hours were made with, sorted.</summary>
    public IReadOnlyList<string> Factors { get; init; } = [];
}

/// <summary>By what deployments are summed.</summary>
/// <param name="Boundary">What the energy includes.</param>
/// <param name="By">What has to be known in an hour for it to count.</param>
/// <param name="IdlePolicy">Whether idle energy is part of it.</param>
/// <param name="Model">One served model; null: all.</param>
public readonly record struct SumTerms(Boundary Boundary, RankedBy By, IdlePolicy IdlePolicy, string? Model);

/// <summary>Sums the hours of deployments: what was worked when, and how much it took.</summary>
/// <param name="session">What is read with.</param>
public sealed class DeploymentHours(ReadSession session)
{
    // Of a deployment: an hour's stand on each row of its units, and are taken once.
    private static readonly Measure[] OfHours =
    [
        .. Measures.HeldBy(MeasureHolders.Periods).Where(measure => measure.Aggregation == Aggregation.Sum),
    ];

    /// <summary>End of the newest hour, over by <paramref name="now"/>, in which work was counted in the unit; null when there is
    /// none.</summary>
    /// <exception cref="StorageException">The database failed, or took too long.</exception>
    public async Task<DateTime?> NewestEndAsync(string unit, DateTime now)
    {
        var newest = await session.QueryAsync(
            """
            SELECT period_start FROM intensity_hours WHERE functional_unit = @unit AND period_start <= @last
            ORDER BY period_start DESC LIMIT 1
            """,
            [("@unit", unit), ("@last", now.AddHours(-1))],
            row => row.Instant(0)
        );
        return newest is [var start] ? start.AddHours(1) : null;
    }

    /// <summary>Functional units and models with rows in the period, each once and sorted.</summary>
    /// <exception cref="StorageException">The database failed, or took too long.</exception>
    public async Task<(IReadOnlyList<string> Units, IReadOnlyList<string> Models)> PresentAsync(Interval period)
    {
        var present = await session.QueryAsync(
            """
            SELECT DISTINCT h.functional_unit, w.model
            FROM intensity_hours h JOIN deployment d ON d.id = h.deployment_id JOIN workload w ON w.name = d.workload
            WHERE h.period_start >= @from AND h.period_start < @to AND h.units IS NOT NULL
            """,
            [("@from", period.Start), ("@to", period.End)],
            row => (Unit: row.Text(0), Model: row.TextOrNull(1))
        );
        return (Sorted(present.Select(row => row.Unit)), Sorted(present.Select(row => row.Model).OfType<string>()));
    }

    /// <summary>The sums of every deployment that did work in the unit or, when a model is given, that serves it.</summary>
    /// <remarks>
    /// Energy and grams are those of the time in which the work is known too (<see cref="MatchedSums"/>), so that the worst metered place
    /// does not look like the best. Market-based and marginal grams are not read at all: they are other questions.
    /// </remarks>
    /// <exception cref="StorageException">The database failed, or took too long.</exception>
    public Task<List<DeploymentSums>> SumAsync(Interval period, string unit, SumTerms terms)
    {
        var whole = MatchedSums.OfEnergy(terms.Boundary, IdlePolicy.Provisioned);
        var (energy, carbon) = (
            MatchedSums.OfEnergy(terms.Boundary, terms.IdlePolicy),
            terms.IdlePolicy == IdlePolicy.ActiveOnly ? MatchedSums.ActiveSci : MatchedSums.Sci
        );
        var ranked = terms.By == RankedBy.Energy ? energy : carbon;
        IReadOnlyList<(string, object)> model = terms.Model is { } served ? [("@model", served)] : [];
        // Bounds unknown of one hour are unknown of all.
        string[] ofUnit =
        [
            Sum(energy.Amount),
            Sum(energy.Units),
            Sum(whole.Amount),
            SumOfAll(whole.Low!, whole.Amount),
            SumOfAll(whole.High!, whole.Amount),
            Sum(carbon.Amount),
            Sum(carbon.Units),
            Sum(MatchedSums.Sci.Amount),
            SumOfAll(MatchedSums.Sci.Low!, MatchedSums.Sci.Amount),
            SumOfAll(MatchedSums.Sci.High!, MatchedSums.Sci.Amount),
            Sum(ranked.Seconds),
            Sum(Measures.Units),
            $"MAX(CASE WHEN {ranked.Amount.Column} IS NOT NULL THEN evidence END)",
            "MAX(evidence)",
        ];
        return session.QueryAsync(
            $"""
            WITH hours AS (
                SELECT deployment_id, period_start, {Join(OfHours, measure => $"MAX({measure.Column}) AS {measure.Column}")},
                       {Union<MissingReasons>("missing")} AS missing, {Union<CoverKinds>("cover_kinds")} AS cover_kinds
                FROM intensity_hours WHERE period_start >= @from AND period_start < @to GROUP BY deployment_id, period_start
            ), sums AS (
                SELECT deployment_id, {Join(OfHours, measure => $"SUM({measure.Column}) AS {measure.Column}")},
                       {Union<MissingReasons>("missing")} AS missing, {Union<CoverKinds>("cover_kinds")} AS cover_kinds
                FROM hours GROUP BY deployment_id
            ), work AS (
                SELECT deployment_id, {string.Join(", ", ofUnit.Select((sql, at) => $"{sql} AS w{at}"))}
                FROM intensity_hours WHERE period_start >= @from AND period_start < @to AND functional_unit = @unit AND units IS NOT NULL
                GROUP BY deployment_id
            )
            SELECT d.id, d.workload, m.model, m.precision, p.provider, p.region, d.place, d.hardware, d.accelerators,
                   s.missing, s.cover_kinds, {Join(Enumerable.Range(0, ofUnit.Length), at => $"w.w{at}")},
                   {Join(OfHours, measure => $"s.{measure.Column}")}
            FROM sums s LEFT JOIN work w ON w.deployment_id = s.deployment_id
            JOIN deployment d ON d.id = s.deployment_id JOIN workload m ON m.name = d.workload JOIN places p ON p.name = d.place
            WHERE {(terms.Model is null ? "w.deployment_id IS NOT NULL" : "m.model = @model")}
            """,
            [("@unit", unit), ("@from", period.Start), ("@to", period.End), .. model],
            row =>
            {
                const int First = 11;
                double? Of(int at) => row.DoubleOrNull(First + at);
                var values = MeasureValues.Of(OfHours, at => row.DoubleOrNull(First + ofUnit.Length + at));
                return new DeploymentSums
                {
                    Id = row.Integer(0),
                    Workload = row.Text(1),
                    Model = row.TextOrNull(2),
                    Precision = row.TextOrNull(3),
                    Provider = row.Text(4),
                    Region = row.Text(5),
                    Place = row.Text(6),
                    Hardware = row.TextOrNull(7),
                    Accelerators = row.IsNull(8) ? null : (int)row.Integer(8),
                    FunctionalUnit = unit,
                    Missing = (MissingReasons)row.Integer(9),
                    CoverKinds = (CoverKinds)row.Integer(10),
                    Energy = Amount(Of(0), Of(1), Of(2), Of(3), Of(4)),
                    Carbon = Amount(Of(5), Of(6), Of(7), Of(8), Of(9)),
                    Coverage = Math.Min(1, values[Measures.Present] is > 0 and var present ? (Of(10) ?? 0) / present : 0),
                    Units = Of(11),
                    Evidence = (Evidence)(Of(12) ?? Of(13) ?? 0),
                    Values = values,
                };
            }
        );

        static string Sum(Measure measure) => $"SUM({measure.Column})";

        static string SumOfAll(Measure bound, Measure of) => $"CASE WHEN COUNT({bound.Column}) = COUNT({of.Column}) THEN {Sum(bound)} END";

        // The bounds are those of all of the energy: of a part that is active they are as wide as of the whole.
        static ComparableAmount Amount(double? value, double? units, double? whole, double? low, double? high) =>
            new(value, low * Part(value, whole), high * Part(value, whole), units);

        static double? Part(double? value, double? whole) =>
            whole is > 0 ? value / whole
            : value is null ? null
            : 1;
    }

    /// <summary>Names of the factors of each deployment's hours, each once and sorted.</summary>
    /// <exception cref="StorageException">The database failed, or took too long.</exception>
    public async Task<Dictionary<long, IReadOnlyList<string>>> FactorsAsync(Interval period)
    {
        var hours = await session.QueryAsync(
            "SELECT DISTINCT deployment_id, factors FROM intensity_hours WHERE period_start >= @from AND period_start < @to",
            [("@from", period.Start), ("@to", period.End)],
            row => (Deployment: row.Integer(0), Factors: row.TextOrNull(1) ?? "")
        );
        return hours
            .GroupBy(hour => hour.Deployment)
            .ToDictionary(
                group => group.Key,
                group => Sorted(group.SelectMany(row => row.Factors.Split(' ', StringSplitOptions.RemoveEmptyEntries)))
            );
    }

    private static IReadOnlyList<string> Sorted(IEnumerable<string> texts) =>
        [.. texts.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    /// <summary>All flags of many rows, in SQL of both engines.</summary>
    private static string Union<T>(string column)
        where T : struct, Enum =>
        string.Join(
            " | ",
            Enum.GetValues<T>()
                .Select(flag => Convert.ToInt32(flag, CultureInfo.InvariantCulture))
                .Where(flag => flag != 0)
                .Select(flag => string.Create(CultureInfo.InvariantCulture, $"MAX({column} & {flag})"))
        );

    private static string Join<T>(IEnumerable<T> parts, Func<T, string> text) => string.Join(", ", parts.Select(text));
}
