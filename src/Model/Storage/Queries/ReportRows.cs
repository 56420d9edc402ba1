using System.Data.Common;
using System.Text;
using Metrics.Domain.Facts;
using Metrics.Storage.Engine;

namespace Metrics.Storage.Queries;

/// <summary>Length of the periods that stored intensities are of.</summary>
public enum PeriodLength
{
    /// <summary>Hours.</summary>
    Hour,

    /// <summary>Days of UTC.</summary>
    Day,

    /// <summary>Months of UTC.</summary>
    Month,
}

/// <summary>Columns of a report's rows beside their measures and ratios. All but the last four are columns of the sets of intensities, by
/// their names.</summary>
public enum ReportField
{
    /// <summary>Key of the deployment.</summary>
    DeploymentId,

    /// <summary>What work is counted in.</summary>
    FunctionalUnit,

    /// <summary>First instant of the period.</summary>
    PeriodStart,

    /// <summary>End of the period, exclusive.</summary>
    PeriodEnd,

    /// <summary>What does the work.</summary>
    Workload,

    /// <summary>The model that it serves.</summary>
    Model,

    /// <summary>Number format of its weights.</summary>
    Precision,

    /// <summary>Who runs the place.</summary>
    Provider,

    /// <summary>Account, subscription or project.</summary>
    Account,

    /// <summary>Region of the provider, or the site.</summary>
    Region,

    /// <summary>Hardware model.</summary>
    Hardware,

    /// <summary>Worst evidence of the inputs.</summary>
    Evidence,

    /// <summary>Why values are unknown.</summary>
    Missing,

    /// <summary>Names of the factors.</summary>
    FactorVersion,

    /// <summary>When the row was computed.</summary>
    RecomputedAt,

    /// <summary>Country of the place.</summary>
    Country,

    /// <summary>How often a final number of the period was changed.</summary>
    Restatements,

    /// <summary>By how much the restated measure changed in all; null: it did not.</summary>
    RestatedBy,

    /// <summary>Not zero: the measure was not known before it was changed.</summary>
    UnknownBefore,
}

/// <summary>Which rows a report is of.</summary>
/// <param name="Length">Length of their periods.</param>
/// <param name="From">Start, UTC.</param>
/// <param name="To">End, UTC, exclusive.</param>
/// <param name="Workload">One workload; null: all.</param>
/// <param name="Provider">One provider; null: all.</param>
/// <param name="Unit">One functional unit; null: all.</param>
public sealed record ReportSelection(PeriodLength Length, DateTime From, DateTime To, string? Workload, string? Provider, string? Unit)
{
    /// <summary>The entity set of the rows, which their view has the name of.</summary>
    public string Set => SetOf(Length);

    internal static string SetOf(PeriodLength length) =>
        length switch
        {
            PeriodLength.Hour => "HourlyIntensities",
            PeriodLength.Day => "DailyIntensities",
            _ => "MonthlyIntensities",
        };
}

/// <summary>The sums of a workload over the rows of a report. An hour's energy stands on the row of each unit and is in them
/// once.</summary>
/// <param name="Workload">The workload.</param>
/// <param name="Rows">Rows summed.</param>
/// <param name="Values">The measures; work, which no two units have in common, is not among them.</param>
/// <param name="FacilityOverServer">Energy of the facilities where that of the servers is known.</param>
/// <param name="ServerOfFacility">Energy of the servers where that of the facilities is known.</param>
/// <param name="ComputedAt">When the newest of them was computed, UTC.</param>
public sealed record WorkloadSums(
    string Workload,
    long Rows,
    MeasureValues Values,
    double? FacilityOverServer,
    double? ServerOfFacility,
    DateTime ComputedAt
)
{
    /// <summary>The sum of a measure; null when it is unknown.</summary>
    public double? this[Measure measure] => Values[measure];
}

/// <summary>How much of a period is known of a deployment.</summary>
/// <param name="Deployment">Key of the deployment.</param>
/// <param name="Workload">Its workload.</param>
/// <param name="Provider">Who runs its place.</param>
/// <param name="Region">Region, or site.</param>
/// <param name="Start">First instant of the period, UTC.</param>
/// <param name="Coverage">Share for which readings exist, from 0 to 1.</param>
public readonly record struct CoveredPeriod(
    long Deployment,
    string Workload,
    string Provider,
    string Region,
    DateTime Start,
    double Coverage
);

/// <summary>A factor as the store keeps it.</summary>
/// <param name="Name">As rows name it.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Method">How it was made.</param>
/// <param name="Value">Its value.</param>
/// <param name="Unit">Its unit.</param>
/// <param name="Source">Who published it.</param>
/// <param name="Vintage">The year that it is of.</param>
/// <param name="Licence">How it may be used.</param>
/// <param name="Version">Its version.</param>
public sealed record StoredFactor(
    string Name,
    string? Kind,
    string? Method,
    double? Value,
    string? Unit,
    string? Source,
    string? Vintage,
    string? Licence,
    string? Version
);

/// <summary>What a report is made of: sums, coverage, factors and rows of one selection.</summary>
/// <param name="session">What is read with.</param>
/// <param name="selection">Which rows.</param>
public sealed class ReportQueries(ReadSession session, ReportSelection selection)
{
    private static readonly Measure[] Summed =
    [
        .. ReportRows.ExposedMeasures.Where(measure => measure.Aggregation != Aggregation.SumOfUnit),
    ];

    /// <summary>Which rows.</summary>
    public ReportSelection Selection { get; } = selection;

    /// <summary>Names of workloads, sorted.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<List<string>> WorkloadsAsync(int most) =>
        session.QueryAsync("SELECT name FROM workload ORDER BY name LIMIT @most", [("@most", (long)most)], row => row.Text(0));

    /// <summary>Whether there is such a workload.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<bool> HasWorkloadAsync(string name) =>
        (await session.QueryAsync("SELECT 1 FROM workload WHERE name = @name", [("@name", name)], _ => true)).Count > 0;

    /// <summary>The first and the last instant of all that is stored, UTC; null when nothing is.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<(DateTime From, DateTime To)?> RangeAsync() =>
        (
            await session.QueryAsync<(DateTime, DateTime)?>("SELECT MIN(period_start), MAX(period_end) FROM intensity_hours", [], row =>
                row.IsNull(0) ? null : (row.Instant(0), row.Instant(1))
            )
        )[0];

    /// <summary>The sums of each workload, sorted by name.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<List<WorkloadSums>> SumsAsync()
    {
        var (server, facility) = (Measures.Server.Column, Measures.Facility.Column);
        // Of one row for each deployment and period: its energy stands on the row of each unit.
        return session.QueryAsync(
            $"""
            SELECT workload, SUM(n), MAX(computed), SUM(CASE WHEN {server} > 0 THEN {facility} END),
                SUM(CASE WHEN {facility} IS NOT NULL THEN {server} END), {List(Summed, measure => $"SUM({measure.Column})")}
            FROM (
                SELECT v."Workload" AS workload, COUNT(*) AS n, MAX(v."RecomputedAt") AS computed,
                    {List(Summed, measure => $"MAX(v.\"{measure.Name}\") AS {measure.Column}")}
                FROM "{Selection.Set}" v WHERE {Conditions} GROUP BY v."DeploymentId", v."PeriodStart", v."Workload"
            ) o
            GROUP BY workload ORDER BY workload
            """,
            Parameters,
            row => new WorkloadSums(
                row.Text(0),
                row.Integer(1),
                MeasureValues.Of(Summed, measure => row.DoubleOrNull(5 + measure)),
                row.DoubleOrNull(3),
                row.DoubleOrNull(4),
                row.Instant(2)
            )
        );
    }

    /// <summary>For how much of each period the energy of each deployment is known, at the widest boundary that it has in any of them, by
    /// deployment and time. Periods of which nothing is stored are not there.</summary>
    /// <param name="length">Length of the periods.</param>
    /// <exception cref="StorageException">The database failed.</exception>
    public IAsyncEnumerable<CoveredPeriod> CoverageAsync(PeriodLength length)
    {
        var (facility, server, accelerator) = (Measures.FacilityTime.Name, Measures.ServerTime.Name, Measures.AcceleratorTime.Name);
        return session.StreamAsync(
            $"""
            SELECT v."DeploymentId", v."Workload", v."Provider", v."Region", v."PeriodStart",
                MAX(CASE WHEN w.facility > 0 THEN v."{facility}" WHEN w.server > 0 THEN v."{server}" ELSE v."{accelerator}" END)
                    / NULLIF(MAX(v."{Measures.Present.Name}"), 0)
            FROM "{ReportSelection.SetOf(length)}" v
            JOIN (
                SELECT v."DeploymentId" AS deployment, MAX(v."{facility}") AS facility, MAX(v."{server}") AS server
                FROM "{ReportSelection.SetOf(length)}" v WHERE {Conditions} GROUP BY v."DeploymentId"
            ) w ON w.deployment = v."DeploymentId"
            WHERE {Conditions}
            GROUP BY v."DeploymentId", v."Workload", v."Provider", v."Region", v."PeriodStart"
            ORDER BY v."DeploymentId", v."PeriodStart"
            """,
            Parameters,
            row => new CoveredPeriod(row.Integer(0), row.Text(1), row.Text(2), row.Text(3), row.Instant(4), row.DoubleOrNull(5) ?? 0)
        );
    }

    /// <summary>Names of the factors that the rows were made with, sorted, with what the store keeps of each; only the name where it keeps
    /// nothing.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<IReadOnlyList<StoredFactor>> FactorsAsync()
    {
        var names = new SortedSet<string>(StringComparer.Ordinal);
        foreach (
            var list in await session.QueryAsync(
                $"""
                SELECT DISTINCT v."FactorVersion" FROM "{Selection.Set}" v WHERE {Conditions} AND v."FactorVersion" IS NOT NULL
                """,
                Parameters,
                row => row.Text(0)
            )
        )
            names.UnionWith(list.Split(' '));
        var stored = new Dictionary<string, StoredFactor>(StringComparer.Ordinal);
        if (names.Count > 0)
            await foreach (
                var factor in session.StreamAsync(
                    """
                    SELECT "Name", "Kind", "Method", "Value", "Unit", "Source", "Vintage", "Licence", "Version" FROM "Factors"
                    ORDER BY "Name", "Id"
                    """,
                    [],
                    row => new StoredFactor(
                        row.Text(0),
                        Text(row, 1),
                        Text(row, 2),
                        row.DoubleOrNull(3),
                        Text(row, 4),
                        Text(row, 5),
                        Text(row, 6),
                        Text(row, 7),
                        Text(row, 8)
                    )
                )
            )
                if (names.Contains(factor.Name))
                    stored[factor.Name] = factor;
        return
        [
            .. names.Select(name =>
                stored.GetValueOrDefault(name) ?? new StoredFactor(name, null, null, null, null, null, null, null, null)
            ),
        ];

        // A vintage is a number in one engine and a text in the other.
        static string? Text(ResultRow row, int ordinal) =>
            row.IsNull(ordinal) ? null : Convert.ToString(row.Value(ordinal), System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>The rows in order of period, deployment and unit.</summary>
    /// <param name="restated">The measure whose change by restatements is told.</param>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<ReportRows> RowsAsync(Measure restated)
    {
        (string, object)[] period = [("@from", Selection.From), ("@to", Selection.To)];
        // Most periods were never restated, and then nothing is looked up for each row.
        var anyRestated =
            (
                await session.QueryAsync(
                    "SELECT 1 FROM restatement WHERE period_start >= @from AND period_start < @to LIMIT 1",
                    period,
                    _ => true
                )
            ).Count > 0;
        var bucket = (Selection.Length, session.Engine) switch
        {
            (PeriodLength.Hour, _) => "period_start",
            (PeriodLength.Day, StorageEngine.Sqlite) => "period_start - period_start % 86400000000",
            (_, StorageEngine.Sqlite) => "unixepoch(date(period_start / 1000000, 'unixepoch', 'start of month')) * 1000000",
            (PeriodLength.Day, _) => "date_trunc('day', period_start, 'UTC')",
            _ => "date_trunc('month', period_start, 'UTC')",
        };
        var joined = !anyRestated
            ? ""
            : $"""
                LEFT JOIN (
                    SELECT deployment_id, functional_unit, {bucket} AS bucket, COUNT(*) AS n,
                        SUM(CASE WHEN measure = @restated THEN COALESCE(new, 0) - COALESCE(old, 0) END) AS delta,
                        MAX(CASE WHEN measure = @restated AND old IS NULL THEN 1 ELSE 0 END) AS unknown
                    FROM restatement WHERE period_start >= @from AND period_start < @to GROUP BY 1, 2, 3
                ) r ON r.deployment_id = v."DeploymentId" AND r.functional_unit = v."FunctionalUnit" AND r.bucket = v."PeriodStart"
                """;
        var columns = Enum.GetValues<ReportField>()
            .Select(field =>
                field switch
                {
                    ReportField.Country => "p.country",
                    ReportField.Restatements => anyRestated ? "r.n" : "0",
                    ReportField.RestatedBy => anyRestated ? "r.delta" : "NULL",
                    ReportField.UnknownBefore => anyRestated ? "r.unknown" : "NULL",
                    _ => $"v.\"{field}\"",
                }
            )
            .Concat(ReportRows.ExposedMeasures.Select(measure => $"v.\"{measure.Name}\""))
            .Concat(ReportRows.ToldRatios.Select(ratio => $"v.\"{ratio.Name}\""));
        var reader = await session.ReadAsync(
            $"""
            SELECT {string.Join(", ", columns)}
            FROM "{Selection.Set}" v
            LEFT JOIN deployment d ON d.id = v."DeploymentId" LEFT JOIN places p ON p.name = d.place {joined}
            WHERE {Conditions} ORDER BY v."PeriodStart", v."DeploymentId", v."FunctionalUnit"
            """,
            anyRestated ? [.. Parameters, ("@restated", restated.Column)] : Parameters
        );
        return new ReportRows(session, reader);
    }

    private static string List(IEnumerable<Measure> measures, Func<Measure, string> sql) => string.Join(", ", measures.Select(sql));

    private string Conditions =>
        "v.\"PeriodStart\" >= @from AND v.\"PeriodStart\" < @to"
        + (Selection.Workload is null ? "" : " AND v.\"Workload\" = @workload")
        + (Selection.Provider is null ? "" : " AND v.\"Provider\" = @provider")
        + (Selection.Unit is null ? "" : " AND v.\"FunctionalUnit\" = @unit");

    private IReadOnlyList<(string Name, object Value)> Parameters
    {
        get
        {
            List<(string, object)> parameters = [("@from", Selection.From), ("@to", Selection.To)];
            if (Selection.Workload is { } workload)
                parameters.Add(("@workload", workload));
            if (Selection.Provider is { } provider)
                parameters.Add(("@provider", provider));
            if (Selection.Unit is { } unit)
                parameters.Add(("@unit", unit));
            return parameters;
        }
    }
}

/// <summary>The rows of a report as they come: this is the row that the reader is at.</summary>
public sealed class ReportRows : IAsyncDisposable
{
    /// <summary>The measures that a row has, in order.</summary>
    internal static readonly IReadOnlyList<Measure> ExposedMeasures = [.. Measures.ExposedBy(MeasureHolders.Periods)];

    /// <summary>The ratios that a row has, in order: those that reports tell as they are stored, and do not divide again.</summary>
    internal static readonly IReadOnlyList<Ratio> ToldRatios =
    [
        Ratios.MeasuredShare,
        Ratios.Coverage,
        Ratios.OperationalGramsPerUnit,
        Ratios.SciGramsPerUnit,
    ];

    private static readonly int Fields = Enum.GetValues<ReportField>().Length;

    // Where the column of a measure stands, by its place in the list of all. A row is asked for many of them.
    private static readonly int[] Columns = [.. Measures.All.Select(measure => ColumnOf(measure))];

    private readonly ReadSession session;
    private readonly DbDataReader reader;
    private readonly ResultRow row;
    private readonly (string? Text, byte[] Utf8)[] texts = new (string?, byte[])[Fields];

    internal ReportRows(ReadSession session, DbDataReader reader)
    {
        (this.session, this.reader) = (session, reader);
        row = ResultRow.Of(reader);
    }

    /// <summary>Goes to the next row.</summary>
    /// <returns>False after the last.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public ValueTask<bool> NextAsync() => session.NextAsync(reader);

    // Behind all columns for one that rows do not have, so that it is an error to ask for it.
    private static int ColumnOf(Measure measure)
    {
        for (var i = 0; i < ExposedMeasures.Count; i++)
            if (ExposedMeasures[i] == measure)
                return Fields + i;
        return int.MaxValue;
    }

    /// <summary>Whether the column has no value.</summary>
    public bool IsNull(ReportField field) => row.IsNull((int)field);

    /// <summary>A whole number.</summary>
    public long Integer(ReportField field) => row.Integer((int)field);

    /// <summary>A number; null where it is unknown.</summary>
    public double? Number(ReportField field) => row.DoubleOrNull((int)field);

    /// <summary>A measure; null where it is unknown.</summary>
    public double? Number(Measure measure) => row.DoubleOrNull(Columns[measure.Index]);

    /// <summary>A ratio, as it is stored; null where there is none.</summary>
    /// <exception cref="ArgumentException">Rows of reports do not have it.</exception>
    public double? Number(Ratio ratio)
    {
        for (var i = 0; i < ToldRatios.Count; i++)
            if (ReferenceEquals(ToldRatios[i], ratio))
                return row.DoubleOrNull(Fields + ExposedMeasures.Count + i);
        throw new ArgumentException($"Rows of reports have no {ratio.Name}.", nameof(ratio));
    }

    /// <summary>A time, UTC.</summary>
    public DateTime Time(ReportField field) => row.Instant((int)field);

    /// <summary>A text; the same as in the row before is the same object, so that a million rows of one workload make one text.</summary>
    public string? Text(ReportField field)
    {
        if (row.IsNull((int)field))
            return null;
        var utf8 = row.Utf8((int)field);
        ref var known = ref texts[(int)field];
        if (known.Text is null || !utf8.SequenceEqual(known.Utf8))
            known = (Encoding.UTF8.GetString(utf8), utf8.ToArray());
        return known.Text;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => reader.DisposeAsync();
}
