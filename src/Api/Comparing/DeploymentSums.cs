using System.Globalization;
using Metrics.Domain.Facts;
using Metrics.Domain.Quantities;
using Metrics.Storage.Schema;

namespace Metrics.Api.Comparing;

/// <summary>The sums of one deployment over the hours of a period.</summary>
internal sealed record DeploymentSums
{
    public required long Id { get; init; }
    public required string Workload { get; init; }
    public required string? Model { get; init; }
    public required string? Precision { get; init; }
    public required string Provider { get; init; }
    public required string Region { get; init; }
    public required string Place { get; init; }
    public required string? Hardware { get; init; }
    public required int? Accelerators { get; init; }

    /// <summary>What the units count; not what was asked for where a conversion leads there.</summary>
    public required string FunctionalUnit { get; init; }

    /// <summary>Energy at the boundary by the idle policy, of the hours that count; null when it is unknown in one of them.</summary>
    public required double? Joules { get; init; }

    public required double? LowJoules { get; init; }
    public required double? HighJoules { get; init; }

    /// <summary>Operational (location-based average) and embodied grams of the hours that count; null when they are unknown in one of them.</summary>
    public required double? Grams { get; init; }

    public required double? LowGrams { get; init; }
    public required double? HighGrams { get; init; }

    /// <summary>Hours in which each is known, of all hours.</summary>
    public required HoursKnown Hours { get; init; }

    /// <summary>Work of the hours that count; of all hours where none counts. Null when none was counted.</summary>
    public required double? Units { get; init; }

    public required double? KnownJoules { get; init; }
    public required double MeasuredJoules { get; init; }
    public required double CoveredSeconds { get; init; }
    public required Evidence Evidence { get; init; }

    /// <summary>Names of the factors that the hours were made with, sorted.</summary>
    public IReadOnlyList<string> Factors { get; init; } = [];

    /// <summary>Why columns of the hours are null, sorted.</summary>
    public IReadOnlyList<string> Missing { get; init; } = [];
}

/// <summary>In how many hours something is known.</summary>
internal readonly record struct HoursKnown(long Any, long Server, long Boundary, long Idle, long Operational, long Embodied);

/// <summary>Reads the hours: what was worked when, and the sums of a period. One connection, one consistent view.</summary>
internal sealed class HourReader(MetricsDbContext context) : StoreView(context)
{
    /// <summary>End of the newest hour, over by <paramref name="now"/>, in which work was counted in the unit; null when there is none.</summary>
    public async Task<DateTime?> NewestEndAsync(string unit, DateTime now, CancellationToken cancellationToken)
    {
        await using var command = Command(
            "SELECT period_start FROM intensity_hours WHERE functional_unit = @unit AND period_start <= @last ORDER BY period_start DESC LIMIT 1",
            ("unit", unit),
            ("last", Bound(now.AddHours(-1)))
        );
        return await command.ExecuteScalarAsync(cancellationToken) switch
        {
            DateTime start => start.AddHours(1),
            long micros => UnixMicroseconds.To(micros).AddHours(1),
            _ => null,
        };
    }

    /// <summary>Functional units and models with rows in the period, each once and sorted.</summary>
    public async Task<(List<string> Units, List<string> Models)> PresentAsync(Interval period, CancellationToken cancellationToken)
    {
        await using var command = Command(
            """
            SELECT DISTINCT h.functional_unit, w.model
            FROM intensity_hours h JOIN deployment d ON d.id = h.deployment_id JOIN workload w ON w.name = d.workload
            WHERE h.period_start >= @from AND h.period_start < @to AND h.units IS NOT NULL
            """,
            ("from", Bound(period.Start)),
            ("to", Bound(period.End))
        );
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var (units, models) = (new SortedSet<string>(StringComparer.Ordinal), new SortedSet<string>(StringComparer.Ordinal));
        while (await reader.ReadAsync(cancellationToken))
        {
            units.Add(reader.GetString(0));
            if (!reader.IsDBNull(1))
                models.Add(reader.GetString(1));
        }
        return ([.. units], [.. models]);
    }

    /// <summary>The sums of every deployment that did work in the unit or, when a model is given, that serves it.</summary>
    /// <remarks>
    /// Hours in which what is ranked by is unknown give neither energy nor work nor coverage, or the worst metered place would look like the best. So do hours whose
    /// grams or idle joules are known for a part of their time: their work is whole.
    /// Market-based and marginal grams are not read at all: they are other questions.
    /// </remarks>
    public async Task<List<DeploymentSums>> SumAsync(
        Interval period,
        string unit,
        ComparisonRequest question,
        CancellationToken cancellationToken
    )
    {
        var total = question.Boundary switch
        {
            Boundary.Accelerator => "accelerator",
            Boundary.Server => "server",
            Boundary.Facility => "facility",
            _ => throw new ArgumentOutOfRangeException(nameof(question), question.Boundary, "There is no such boundary."),
        };
        // The bounds are those of the widest boundary known. A PUE multiplies all of it alike; of the part that the accelerators are, they say nothing.
        var bound = question.Boundary switch
        {
            Boundary.Facility => "CASE WHEN facility IS NOT NULL THEN {0} END",
            Boundary.Server => "CASE WHEN facility > 0 THEN {0} * (server / facility) WHEN server IS NOT NULL THEN {0} END",
            _ => "CASE WHEN server IS NULL THEN {0} END",
        };
        // Idle energy is of the servers, or of the accelerators where the servers are unknown.
        // Where the servers are known for a part of the hour alone, so is their idle share: the hour's would be that of two different times.
        var (whole, elsewhere) =
            question.Boundary == Boundary.Accelerator
                ? ("accelerator", "server IS NOT NULL")
                : (
                    "server",
                    $"server IS NULL OR {Lacks("missing", MissingReasons.ServerUnmetered, MissingReasons.HardwareUnknown, MissingReasons.AcceleratorUnmetered)}"
                );
        var active =
            question.IdlePolicy == IdlePolicy.Provisioned
                ? "1.0"
                : $"CASE WHEN idle IS NULL OR {elsewhere} OR {whole} IS NULL THEN NULL WHEN {whole} <= 0 THEN 1.0 WHEN idle >= {whole} THEN 0.0 ELSE 1.0 - idle / {whole} END";
        var basis = question.By == RankedBy.Energy ? "joules" : "grams";
        // An hour's energy stands on each row of its units: it is taken once. Hours without work in the unit count too, their energy was provided.
        await using var command = Command(
            $"""
            WITH hours AS (
                SELECT h.deployment_id, h.period_start, MAX(h.accelerator_joules) AS accelerator, MAX(h.server_joules) AS server, MAX(h.facility_joules) AS facility,
                       CASE WHEN {Lacks(
                "MAX(h.missing)",
                MissingReasons.BusyUnknown
            )} THEN NULL ELSE MAX(h.idle_joules) END AS idle, MAX(h.missing) AS missing, MAX(h.known_joules) AS known, MAX(h.measured_joules) AS measured, MAX(h.covered_seconds) AS covered,
                       MAX(h.low_joules) AS low, MAX(h.high_joules) AS high,
                       CASE WHEN {Lacks(
                "MAX(h.missing)",
                MissingReasons.PueUnknown,
                MissingReasons.GridUnknown
            )} THEN NULL ELSE MAX(h.operational_grams) END AS operational,
                       CASE WHEN {Lacks(
                "MAX(h.missing)",
                MissingReasons.EmbodiedUnknown
            )} THEN NULL ELSE MAX(h.embodied_grams) END AS embodied,
                       SUM(CASE WHEN h.functional_unit = @unit THEN h.units END) AS units,
                       COALESCE(MAX(CASE WHEN h.functional_unit = @unit THEN h.evidence END), MIN(h.evidence)) AS evidence
                FROM intensity_hours h
                WHERE h.period_start >= @from AND h.period_start < @to
                GROUP BY h.deployment_id, h.period_start
            ), shares AS (
                SELECT hours.*, {active} AS active, {string.Format(CultureInfo.InvariantCulture, bound, "low")} AS least, {string.Format(
                CultureInfo.InvariantCulture,
                bound,
                "high"
            )} AS most
                FROM hours
            ), told AS (
                SELECT shares.*, {total} * active AS joules,
                       CASE WHEN least < {total} THEN least ELSE CASE WHEN least IS NOT NULL THEN {total} END END * active AS low_joules,
                       CASE WHEN most > {total} THEN most ELSE CASE WHEN most IS NOT NULL THEN {total} END END * active AS high_joules,
                       operational * active + embodied AS grams
                FROM shares
            ), bounded AS (
                SELECT told.*, CASE WHEN joules > 0 THEN operational * active * (low_joules / joules) + embodied WHEN low_joules IS NOT NULL THEN grams END AS low_grams,
                       CASE WHEN joules > 0 THEN operational * active * (high_joules / joules) + embodied WHEN high_joules IS NOT NULL THEN grams END AS high_grams
                FROM told
            ), sums AS (
                SELECT deployment_id, SUM(units) AS all_units, COUNT(known) AS knowns, COUNT(server) AS servers, COUNT({total}) AS totals, COUNT(active) AS actives,
                       COUNT(operational) AS operationals, COUNT(embodied) AS embodieds, COUNT({basis}) AS counted,
                       {string.Join(
                ", ",
                ((string[])["units", "known", "measured", "covered"]).Select(column =>
                    $"SUM(CASE WHEN {basis} IS NOT NULL THEN {column} END) AS {column}"
                )
            )},
                       {string.Join(
                ", ",
                ((string[])["joules", "low_joules", "high_joules", "grams", "low_grams", "high_grams"]).Select(column =>
                    $"CASE WHEN COUNT(CASE WHEN {basis} IS NOT NULL THEN {column} END) = COUNT({basis}) THEN SUM(CASE WHEN {basis} IS NOT NULL THEN {column} END) END AS {column}"
                )
            )},
                       MAX(CASE WHEN {basis} IS NOT NULL THEN evidence END) AS evidence, MAX(evidence) AS any_evidence
                FROM bounded GROUP BY deployment_id
            )
            SELECT d.id, d.workload, w.model, w.precision, p.provider, p.region, d.place, d.hardware, d.accelerators,
                   s.joules, s.low_joules, s.high_joules, s.grams, s.low_grams, s.high_grams,
                   s.knowns, s.servers, s.totals, s.actives, s.operationals, s.embodieds,
                   CASE WHEN s.counted = 0 THEN s.all_units ELSE s.units END, s.known, s.measured, s.covered, COALESCE(s.evidence, s.any_evidence)
            FROM sums s JOIN deployment d ON d.id = s.deployment_id JOIN workload w ON w.name = d.workload JOIN places p ON p.name = d.place
            WHERE {(question.Model is null ? "s.all_units IS NOT NULL" : "w.model = @model")}
            """,
            ("unit", unit),
            ("from", Bound(period.Start)),
            ("to", Bound(period.End)),
            ("model", question.Model ?? "")
        );
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var sums = new List<DeploymentSums>();
        while (await reader.ReadAsync(cancellationToken))
        {
            sums.Add(
                new DeploymentSums
                {
                    Id = reader.GetInt64(0),
                    Workload = reader.GetString(1),
                    Model = Text(2),
                    Precision = Text(3),
                    Provider = reader.GetString(4),
                    Region = reader.GetString(5),
                    Place = reader.GetString(6),
                    Hardware = Text(7),
                    Accelerators = reader.IsDBNull(8) ? null : reader.GetInt32(8),
                    FunctionalUnit = unit,
                    Joules = Number(9),
                    LowJoules = Number(10),
                    HighJoules = Number(11),
                    Grams = Number(12),
                    LowGrams = Number(13),
                    HighGrams = Number(14),
                    Hours = new HoursKnown(
                        reader.GetInt64(15),
                        reader.GetInt64(16),
                        reader.GetInt64(17),
                        reader.GetInt64(18),
                        reader.GetInt64(19),
                        reader.GetInt64(20)
                    ),
                    Units = Number(21),
                    KnownJoules = Number(22),
                    MeasuredJoules = Number(23) ?? 0,
                    CoveredSeconds = Number(24) ?? 0,
                    Evidence = (Evidence)reader.GetInt32(25),
                }
            );
        }
        return sums;

        string? Text(int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
        double? Number(int column) => reader.IsDBNull(column) ? null : reader.GetDouble(column);
    }

    /// <summary>Names of the factors and the reasons for nulls of each deployment's hours, each once and sorted.</summary>
    public async Task<Dictionary<long, (IReadOnlyList<string> Factors, IReadOnlyList<string> Missing)>> FactorsAsync(
        Interval period,
        CancellationToken cancellationToken
    )
    {
        await using var command = Command(
            "SELECT DISTINCT deployment_id, factors, missing FROM intensity_hours WHERE period_start >= @from AND period_start < @to",
            ("from", Bound(period.Start)),
            ("to", Bound(period.End))
        );
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var found = new List<(long Deployment, string Factors, string Missing)>();
        while (await reader.ReadAsync(cancellationToken))
            found.Add((reader.GetInt64(0), reader.IsDBNull(1) ? "" : reader.GetString(1), reader.IsDBNull(2) ? "" : reader.GetString(2)));
        return found
            .GroupBy(row => row.Deployment)
            .ToDictionary(group => group.Key, group => (Words(group.Select(row => row.Factors)), Words(group.Select(row => row.Missing))));

        static IReadOnlyList<string> Words(IEnumerable<string> texts) =>
            [
                .. texts
                    .SelectMany(text => text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                    .Distinct(StringComparer.Ordinal)
                    .Order(StringComparer.Ordinal),
            ];
    }

    /// <summary>Whether the words of a column name one of these.</summary>
    private static string Lacks(string column, params ReadOnlySpan<MissingReasons> reasons)
    {
        var tests = new List<string>(reasons.Length);
        foreach (var reason in reasons)
            tests.Add($"{column} LIKE '%{reason.Text()}%'");
        return $"({string.Join(" OR ", tests)})";
    }
}
