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

    /// <summary>Energy at the boundary by the idle policy, of the hours that count; null when it is unknown in one of them.</summary>
    public required double? Joules { get; init; }

    /// <summary>The least that the energy can be.</summary>
    public required double? Low { get; init; }

    /// <summary>The most that the energy can be.</summary>
    public required double? High { get; init; }

    /// <summary>Operational (location-based average) and embodied grams of the hours that count; null when they are unknown in one of
    /// them.</summary>
    public required double? Grams { get; init; }

    /// <summary>The least that the grams can be, by the bounds of the energy.</summary>
    public required double? LowGrams { get; init; }

    /// <summary>The most that the grams can be, by the bounds of the energy.</summary>
    public required double? HighGrams { get; init; }

    /// <summary>Hours in which each is known, of all hours.</summary>
    public required HoursKnown Hours { get; init; }

    /// <summary>Sums of the hours that count: work (of all hours where none counts; null when none was counted), energy at whatever
    /// boundary it is known, the part of it that was measured, and the time for which readings exist.</summary>
    public required MeasureValues Values { get; init; }

    /// <summary>The sum of a measure; null when it is unknown.</summary>
    public double? this[Measure measure] => Values[measure];

    /// <summary>Worst evidence of the hours that count; of all hours where none counts.</summary>
    public required Evidence Evidence { get; init; }

    /// <summary>Names of the factors that the hours were made with, sorted.</summary>
    public IReadOnlyList<string> Factors { get; init; } = [];

    /// <summary>Why columns of the hours are null, sorted.</summary>
    public IReadOnlyList<string> Missing { get; init; } = [];
}

/// <summary>In how many hours something is known.</summary>
/// <param name="Any">Energy at any boundary.</param>
/// <param name="Server">Energy of the servers.</param>
/// <param name="Boundary">Energy at the boundary asked for.</param>
/// <param name="Idle">The part of it that the idle policy asks for.</param>
/// <param name="Operational">Operational grams.</param>
/// <param name="Embodied">Embodied grams.</param>
public readonly record struct HoursKnown(long Any, long Server, long Boundary, long Idle, long Operational, long Embodied);

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
    private const string SecondsOfAnHour = "3600";

    // What an hour is read for beside idle energy and grams, of which some are left out.
    private static readonly Measure[] Amounts =
    [
        Measures.Accelerator,
        Measures.Server,
        Measures.Facility,
        Measures.Low,
        Measures.High,
        Measures.Known,
        Measures.Measured,
        Measures.Covered,
    ];

    private static readonly Measure[] Summed =
    [
        Measures.Units,
        .. Ratios.MeasuredShare.Expression.Operands(),
        .. Ratios.Coverage.Expression.Operands(),
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
    /// Hours in which what is ranked by is unknown give neither energy nor work nor coverage, or the worst metered place would look like
    /// the best. So do hours whose
    /// grams or idle joules are known for a part of their time: their work is whole.
    /// Market-based and marginal grams are not read at all: they are other questions.
    /// </remarks>
    /// <exception cref="StorageException">The database failed, or took too long.</exception>
    public Task<List<DeploymentSums>> SumAsync(Interval period, string unit, SumTerms terms)
    {
        var total = Measures.Of(terms.Boundary);
        var active = Active(terms);
        // What makes a score of a part of the time makes none of the hour: each part of it is known for all of the time or not at all.
        var score = Ratios.SciGramsPerUnit.NullWhile;
        var basis = terms.By == RankedBy.Energy ? "joules" : "grams";
        IReadOnlyList<(string, object)> model = terms.Model is { } served ? [("@model", served)] : [];
        var amounts = Join(Amounts, measure => $"{Most(measure)} AS {measure.Column}");
        var sums = Join(Summed, measure => $"{Counted(measure.Column)} AS {measure.Column}");
        // A sum is known where it is known in every hour that counts.
        var knownSums = Join(["joules", "least", "most", "grams", "least_grams", "most_grams"], column =>
            $"CASE WHEN COUNT(CASE WHEN {basis} IS NOT NULL THEN {column} END) = COUNT({basis}) THEN {Counted(column)} END AS {column}"
        );
        // An hour's energy stands on each row of its units: it is taken once. Hours without work in the unit count too, their energy was
        // provided.
        return session.QueryAsync(
            $"""
            WITH hours AS (
                SELECT h.deployment_id, h.period_start, MAX(h.missing) AS missing, {amounts},
                       {Known(Measures.Idle, MissingReasons.BusyUnknown)},
                       {Known(Measures.Operational, score & ~MissingReasons.EmbodiedUnknown)},
                       {Known(Measures.Embodied, score & MissingReasons.EmbodiedUnknown)},
                       SUM(CASE WHEN h.functional_unit = @unit THEN h.units END) AS units,
                       COALESCE(MAX(CASE WHEN h.functional_unit = @unit THEN h.evidence END), MIN(h.evidence)) AS evidence
                FROM intensity_hours h
                WHERE h.period_start >= @from AND h.period_start < @to
                GROUP BY h.deployment_id, h.period_start
            ), shares AS (
                SELECT hours.*, {active} AS active,
                       {Bound(Measures.Low, terms.Boundary)} AS low, {Bound(Measures.High, terms.Boundary)} AS high
                FROM hours
            ), told AS (
                SELECT shares.*, {total.Column} * active AS joules,
                       CASE WHEN low < {total.Column} THEN low WHEN low IS NOT NULL THEN {total.Column} END * active AS least,
                       CASE WHEN high > {total.Column} THEN high WHEN high IS NOT NULL THEN {total.Column} END * active AS most,
                       {Grams("active")} AS grams
                FROM shares
            ), bounded AS (
                SELECT told.*,
                       CASE WHEN joules > 0 THEN {Grams("active * (least / joules)")} WHEN least IS NOT NULL THEN grams END AS least_grams,
                       CASE WHEN joules > 0 THEN {Grams("active * (most / joules)")} WHEN most IS NOT NULL THEN grams END AS most_grams
                FROM told
            ), sums AS (
                SELECT deployment_id, SUM(units) AS all_units,
                       COUNT({Measures.Known.Column}) AS knowns, COUNT({Measures.Server.Column}) AS servers,
                       COUNT({total.Column}) AS totals, COUNT(active) AS actives, COUNT({Measures.Operational.Column}) AS operationals,
                       COUNT({Measures.Embodied.Column}) AS embodieds, COUNT({basis}) AS counted,
                       {sums}, {knownSums},
                       MAX(CASE WHEN {basis} IS NOT NULL THEN evidence END) AS evidence, MAX(evidence) AS any_evidence
                FROM bounded GROUP BY deployment_id
            )
            SELECT d.id, d.workload, w.model, w.precision, p.provider, p.region, d.place, d.hardware, d.accelerators,
                   s.joules, s.least, s.most, s.grams, s.least_grams, s.most_grams,
                   s.knowns, s.servers, s.totals, s.actives, s.operationals, s.embodieds,
                   COALESCE(s.evidence, s.any_evidence), {Join(
                Summed,
                measure =>
                    measure == Measures.Units
                        ? "CASE WHEN s.counted = 0 THEN s.all_units ELSE s.units END"
                        : $"s.{measure.Column}"
            )}
            FROM sums s JOIN deployment d ON d.id = s.deployment_id JOIN workload w ON w.name = d.workload JOIN places p ON p.name = d.place
            WHERE {(terms.Model is null ? "s.all_units IS NOT NULL" : "w.model = @model")}
            """,
            [("@unit", unit), ("@from", period.Start), ("@to", period.End), .. model],
            row => new DeploymentSums
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
                Joules = row.DoubleOrNull(9),
                Low = row.DoubleOrNull(10),
                High = row.DoubleOrNull(11),
                Grams = row.DoubleOrNull(12),
                LowGrams = row.DoubleOrNull(13),
                HighGrams = row.DoubleOrNull(14),
                Hours = new HoursKnown(
                    row.Integer(15),
                    row.Integer(16),
                    row.Integer(17),
                    row.Integer(18),
                    row.Integer(19),
                    row.Integer(20)
                ),
                Evidence = (Evidence)row.Integer(21),
                Values = MeasureValues.Of(Summed, at => row.DoubleOrNull(22 + at)),
            }
        );

        string Counted(string column) => $"SUM(CASE WHEN {basis} IS NOT NULL THEN {column} END)";
    }

    /// <summary>Names of the factors and the reasons for nulls of each deployment's hours, each once and sorted.</summary>
    /// <exception cref="StorageException">The database failed, or took too long.</exception>
    public async Task<Dictionary<long, (IReadOnlyList<string> Factors, IReadOnlyList<string> Missing)>> FactorsAsync(Interval period)
    {
        var hours = await session.QueryAsync(
            "SELECT DISTINCT deployment_id, factors, missing FROM intensity_hours WHERE period_start >= @from AND period_start < @to",
            [("@from", period.Start), ("@to", period.End)],
            row => (Deployment: row.Integer(0), Factors: row.TextOrNull(1) ?? "", Missing: (MissingReasons)row.Integer(2))
        );
        return hours
            .GroupBy(hour => hour.Deployment)
            .ToDictionary(
                group => group.Key,
                group =>
                    (
                        Sorted(group.SelectMany(row => row.Factors.Split(' ', StringSplitOptions.RemoveEmptyEntries))),
                        Sorted(group.SelectMany(row => row.Missing.Words()))
                    )
            );
    }

    private static IReadOnlyList<string> Sorted(IEnumerable<string> texts) =>
        [.. texts.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    /// <summary>The share of an hour's energy that counts by the idle policy; null where that is unknown.</summary>
    private static string Active(SumTerms terms)
    {
        if (terms.IdlePolicy == IdlePolicy.Provisioned)
            return "1.0";
        // Idle energy is of the servers, or of the accelerators where the servers are unknown.
        // Where the servers are known for a part of the hour alone, so is their idle share: the hour's would be of two different times.
        var (whole, elsewhere) =
            terms.Boundary == Boundary.Accelerator
                ? (Measures.Accelerator, $"{Measures.Server.Column} IS NOT NULL")
                : (Measures.Server, Lacks("missing", Ratios.ActiveJoulesPerUnit.NullWhile & ~MissingReasons.BusyUnknown));
        var (idle, energy) = (Measures.Idle.Column, whole.Column);
        return $"CASE WHEN {idle} IS NULL OR {energy} IS NULL OR {elsewhere} THEN NULL WHEN {energy} <= 0 THEN 1.0 "
            + $"WHEN {idle} >= {energy} THEN 0.0 ELSE {Sql(Ratios.ActiveShareOf(whole))} END";
    }

    /// <summary>A bound at a boundary. The bounds are those of the widest boundary known. A PUE multiplies all of it alike; of the part
    /// that the accelerators are, they say nothing.</summary>
    private static string Bound(Measure bound, Boundary boundary)
    {
        var (server, facility) = (Measures.Server, Measures.Facility);
        return boundary switch
        {
            Boundary.Facility => $"CASE WHEN {facility.Column} IS NOT NULL THEN {bound.Column} END",
            Boundary.Server => $"CASE WHEN {facility.Column} > 0 THEN {Sql(bound * ((Term)server / facility))} "
                + $"WHEN {server.Column} IS NOT NULL THEN {bound.Column} END",
            _ => $"CASE WHEN {server.Column} IS NULL THEN {bound.Column} END",
        };
    }

    /// <summary>What the score has over its units, of a part of the energy: what was made does not depend on it.</summary>
    private static string Grams(string part) =>
        Ratios.SciGramsPerUnit.Over.ToSql(
            measure => measure == Measures.Operational ? $"{measure.Column} * {part}" : measure.Column,
            SecondsOfAnHour
        );

    private static string Sql(Term term) => term.ToSql(measure => measure.Column, SecondsOfAnHour);

    // An hour's amounts stand on each row of its units.
    private static string Most(Measure measure) => $"MAX(h.{measure.Column})";

    private static string Known(Measure measure, MissingReasons nullWhile) =>
        $"CASE WHEN {Lacks("MAX(h.missing)", nullWhile)} THEN NULL ELSE {Most(measure)} END AS {measure.Column}";

    /// <summary>Whether a column names one of these.</summary>
    private static string Lacks(string column, MissingReasons reasons) =>
        string.Create(CultureInfo.InvariantCulture, $"({column} & {(int)reasons}) <> 0");

    private static string Join<T>(IEnumerable<T> parts, Func<T, string> text) => string.Join(", ", parts.Select(text));
}
