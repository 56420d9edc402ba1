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
    public required double? LowJoules { get; init; }

    /// <summary>The most that the energy can be.</summary>
    public required double? HighJoules { get; init; }

    /// <summary>Operational (location-based average) and embodied grams of the hours that count; null when they are unknown in one of
    /// them.</summary>
    public required double? Grams { get; init; }

    /// <summary>The least that the grams can be, by the bounds of the energy.</summary>
    public required double? LowGrams { get; init; }

    /// <summary>The most that the grams can be, by the bounds of the energy.</summary>
    public required double? HighGrams { get; init; }

    /// <summary>Hours in which each is known, of all hours.</summary>
    public required HoursKnown Hours { get; init; }

    /// <summary>Work of the hours that count; of all hours where none counts. Null when none was counted.</summary>
    public required double? Units { get; init; }

    /// <summary>Energy of the hours that count, at whatever boundary it is known.</summary>
    public required double? KnownJoules { get; init; }

    /// <summary>The part of it that meters told.</summary>
    public required double MeasuredJoules { get; init; }

    /// <summary>Seconds of the hours that count for which readings exist.</summary>
    public required double CoveredSeconds { get; init; }

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
        var total = terms.Boundary switch
        {
            Boundary.Accelerator => "accelerator",
            Boundary.Server => "server",
            Boundary.Facility => "facility",
            _ => throw new ArgumentOutOfRangeException(nameof(terms), terms.Boundary, "There is no such boundary."),
        };
        // The bounds are those of the widest boundary known. A PUE multiplies all of it alike; of the part that the accelerators are, they
        // say nothing.
        var bound = terms.Boundary switch
        {
            Boundary.Facility => "CASE WHEN facility IS NOT NULL THEN {0} END",
            Boundary.Server => "CASE WHEN facility > 0 THEN {0} * (server / facility) WHEN server IS NOT NULL THEN {0} END",
            _ => "CASE WHEN server IS NULL THEN {0} END",
        };
        // Idle energy is of the servers, or of the accelerators where the servers are unknown.
        // Where the servers are known for a part of the hour alone, so is their idle share: the hour's would be of two different times.
        var (whole, elsewhere) =
            terms.Boundary == Boundary.Accelerator
                ? ("accelerator", "server IS NOT NULL")
                : ("server", $"server IS NULL OR {Lacks("missing", Ratios.ActiveJoulesPerUnit.NullWhile & ~MissingReasons.BusyUnknown)}");
        var active =
            terms.IdlePolicy == IdlePolicy.Provisioned
                ? "1.0"
                : $"CASE WHEN idle IS NULL OR {elsewhere} OR {whole} IS NULL THEN NULL WHEN {whole} <= 0 THEN 1.0 WHEN idle >= {whole} "
                    + $"THEN 0.0 ELSE 1.0 - idle / {whole} END";
        // What makes a score of a part of the time makes none of the hour: each part of it is known for all of the time or not at all.
        var score = Ratios.SciGramsPerUnit.NullWhile;
        var basis = terms.By == RankedBy.Energy ? "joules" : "grams";
        IReadOnlyList<(string, object)> model = terms.Model is { } served ? [("@model", served)] : [];
        var (least, most) = (
            string.Format(CultureInfo.InvariantCulture, bound, "low"),
            string.Format(CultureInfo.InvariantCulture, bound, "high")
        );
        var sums = string.Join(
            ", ",
            ((string[])["units", "known", "measured", "covered"]).Select(column => $"{Counted(column)} AS {column}")
        );
        // A sum is known where it is known in every hour that counts.
        var knownSums = string.Join(
            ", ",
            ((string[])["joules", "low_joules", "high_joules", "grams", "low_grams", "high_grams"]).Select(column =>
                $"CASE WHEN COUNT(CASE WHEN {basis} IS NOT NULL THEN {column} END) = COUNT({basis}) THEN {Counted(column)} END AS {column}"
            )
        );
        // An hour's energy stands on each row of its units: it is taken once. Hours without work in the unit count too, their energy was
        // provided.
        return session.QueryAsync(
            $"""
            WITH hours AS (
                SELECT h.deployment_id, h.period_start, {Most(Measures.Accelerator)} AS accelerator, {Most(Measures.Server)} AS server,
                       {Most(Measures.Facility)} AS facility, {Known(Measures.Idle, MissingReasons.BusyUnknown)} AS idle,
                       MAX(h.missing) AS missing, {Most(Measures.Known)} AS known, {Most(Measures.Measured)} AS measured,
                       {Most(Measures.Covered)} AS covered, {Most(Measures.Low)} AS low, {Most(Measures.High)} AS high,
                       {Known(Measures.Operational, score & ~MissingReasons.EmbodiedUnknown)} AS operational,
                       {Known(Measures.Embodied, score & MissingReasons.EmbodiedUnknown)} AS embodied,
                       SUM(CASE WHEN h.functional_unit = @unit THEN h.units END) AS units,
                       COALESCE(MAX(CASE WHEN h.functional_unit = @unit THEN h.evidence END), MIN(h.evidence)) AS evidence
                FROM intensity_hours h
                WHERE h.period_start >= @from AND h.period_start < @to
                GROUP BY h.deployment_id, h.period_start
            ), shares AS (
                SELECT hours.*, {active} AS active, {least} AS least, {most} AS most
                FROM hours
            ), told AS (
                SELECT shares.*, {total} * active AS joules,
                       CASE WHEN least < {total} THEN least ELSE CASE WHEN least IS NOT NULL THEN {total} END END * active AS low_joules,
                       CASE WHEN most > {total} THEN most ELSE CASE WHEN most IS NOT NULL THEN {total} END END * active AS high_joules,
                       operational * active + embodied AS grams
                FROM shares
            ), bounded AS (
                SELECT told.*,
                       CASE WHEN joules > 0 THEN operational * active * (low_joules / joules) + embodied
                            WHEN low_joules IS NOT NULL THEN grams END AS low_grams,
                       CASE WHEN joules > 0 THEN operational * active * (high_joules / joules) + embodied
                            WHEN high_joules IS NOT NULL THEN grams END AS high_grams
                FROM told
            ), sums AS (
                SELECT deployment_id, SUM(units) AS all_units,
                       COUNT(known) AS knowns, COUNT(server) AS servers, COUNT({total}) AS totals, COUNT(active) AS actives,
                       COUNT(operational) AS operationals, COUNT(embodied) AS embodieds, COUNT({basis}) AS counted,
                       {sums}, {knownSums},
                       MAX(CASE WHEN {basis} IS NOT NULL THEN evidence END) AS evidence, MAX(evidence) AS any_evidence
                FROM bounded GROUP BY deployment_id
            )
            SELECT d.id, d.workload, w.model, w.precision, p.provider, p.region, d.place, d.hardware, d.accelerators,
                   s.joules, s.low_joules, s.high_joules, s.grams, s.low_grams, s.high_grams,
                   s.knowns, s.servers, s.totals, s.actives, s.operationals, s.embodieds,
                   CASE WHEN s.counted = 0 THEN s.all_units ELSE s.units END, s.known, s.measured, s.covered,
                   COALESCE(s.evidence, s.any_evidence)
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
                LowJoules = row.DoubleOrNull(10),
                HighJoules = row.DoubleOrNull(11),
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
                Units = row.DoubleOrNull(21),
                KnownJoules = row.DoubleOrNull(22),
                MeasuredJoules = row.DoubleOrNull(23) ?? 0,
                CoveredSeconds = row.DoubleOrNull(24) ?? 0,
                Evidence = (Evidence)row.Integer(25),
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

    // An hour's amounts stand on each row of its units.
    private static string Most(Measure measure) => $"MAX(h.{measure.Column})";

    private static string Known(Measure measure, MissingReasons nullWhile) =>
        $"CASE WHEN {Lacks("MAX(h.missing)", nullWhile)} THEN NULL ELSE {Most(measure)} END";

    /// <summary>Whether a column names one of these.</summary>
    private static string Lacks(string column, MissingReasons reasons) =>
        string.Create(CultureInfo.InvariantCulture, $"({column} & {(int)reasons}) <> 0");
}
