using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Metrics.Domain.Facts;
using Metrics.Domain.Quantities;

namespace Metrics.Storage.Schema;

/// <summary>The views that OData, reports and people read. Those of facts and of periods are made from <see cref="Measures"/> and
/// <see cref="Ratios"/>; the others are written by hand, a file each.</summary>
/// <remarks>They hold no data, so they are no migrations: they are made again whenever their text is another than the database's. Null is
/// unknown.</remarks>
internal sealed class Views
{
    // In an order in which each finds what it reads.
    private static readonly string[] ByHand =
    [
        "Calendar",
        "Workloads",
        "Resources",
        "Deployments",
        "Sources",
        "Runs",
        "Backfills",
        "Events",
        "Factors",
        "MetricMappings",
        "Rejections",
        "Restatements",
    ];

    private static readonly Measure[] OfPeriods = [.. Measures.HeldBy(MeasureHolders.Periods)];

    private static readonly (int, string)[] CoverKindWords =
    [
        .. Enumerable.Range(1, 7).Select(kinds => (kinds, ((CoverKinds)kinds).Word()!)),
    ];

    private static readonly (int, string)[] IdleWords =
    [
        ((int)IdleMeans.Load, "load"),
        ((int)IdleMeans.Work, "work"),
        ((int)(IdleMeans.Load | IdleMeans.Work), "load work"),
    ];

    private readonly bool postgres;

    private Views(bool postgres)
    {
        this.postgres = postgres;
        All =
        [
            .. ByHand.Select(name => (name, Script(name))),
            ("EnergyFacts", EnergyFacts()),
            ("WorkFacts", WorkFacts()),
            ("intensity_months", Months()),
            ("HourlyIntensities", Intensities("HourlyIntensities", "intensity_hours")),
            ("DailyIntensities", Intensities("DailyIntensities", "intensity_days")),
            ("MonthlyIntensities", Intensities("MonthlyIntensities", "intensity_months")),
        ];
        Fingerprint = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(All.Select(view => view.Sql)))));
    }

    /// <summary>Those of PostgreSQL.</summary>
    public static Views Postgres { get; } = new(postgres: true);

    /// <summary>Those of SQLite.</summary>
    public static Views Sqlite { get; } = new(postgres: false);

    /// <summary>Each view with the statement that makes it, in an order in which each finds what it reads.</summary>
    public IReadOnlyList<(string Name, string Sql)> All { get; }

    /// <summary>Stands for their texts: equal when they are.</summary>
    public string Fingerprint { get; }

    private static string Script(string name)
    {
        using var stream = typeof(Views).Assembly.GetManifestResourceStream($"Views/{name}.sql")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private string EnergyFacts()
    {
        var columns = new List<string>
        {
            """e.deployment_id AS "DeploymentId", e.resource_id AS "ResourceId", e.period_start AS "PeriodStart" """,
            """e.period_end AS "PeriodEnd" """,
            $"""{Day("e.period_start")} AS "Date", {DayKey("e.period_start")} AS "DateKey" """,
            """d.workload AS "Workload", p.provider AS "Provider", p.region AS "Region" """,
            """r.kind AS "ResourceKind", r.name AS "ResourceName", r.hardware AS "Hardware" """,
        };
        columns.AddRange(Measures.ExposedBy(MeasureHolders.Facts).Select(measure => $"e.{measure.Column} AS \"{measure.Name}\""));
        columns.AddRange(Ratios.OfFacts.Select(ratio => Of(ratio, "e")));
        columns.Add($"""{EvidenceOf("e.evidence")} AS "Evidence", {CoverOf("e.cover")} AS "Cover", e.mappings AS "Mappings" """);
        columns.Add($"""NULLIF(e.factors, '') AS "FactorVersion", {Words("e.missing")} AS "Missing", e.recomputed_at AS "RecomputedAt" """);
        // What a query does not ask for is not joined.
        return View(
            "EnergyFacts",
            columns,
            """
            FROM energy_facts e
            LEFT JOIN deployment d ON d.id = e.deployment_id
            LEFT JOIN resource r ON r.id = e.resource_id
            LEFT JOIN places p ON p.name = d.place
            """
        );
    }

    private string WorkFacts() =>
        View(
            "WorkFacts",
            [
                """f.deployment_id AS "DeploymentId", f.functional_unit AS "FunctionalUnit" """,
                """f.period_start AS "PeriodStart", f.period_end AS "PeriodEnd" """,
                $"""{Day("f.period_start")} AS "Date", {DayKey("f.period_start")} AS "DateKey" """,
                """d.workload AS "Workload", w.model AS "Model", p.provider AS "Provider", p.region AS "Region" """,
                $"f.units AS \"Units\"",
                "f.counted_seconds / NULLIF(f.present_seconds, 0) AS \"Coverage\"",
                $"""{EvidenceOf("f.evidence")} AS "Evidence", f.mappings AS "Mappings", f.recomputed_at AS "RecomputedAt" """,
            ],
            """
            FROM work_facts f
            LEFT JOIN deployment d ON d.id = f.deployment_id
            LEFT JOIN workload w ON w.name = d.workload
            LEFT JOIN places p ON p.name = d.place
            """
        );

    private static string Intensities(string name, string table)
    {
        var columns = new List<string>
        {
            """i.deployment_id AS "DeploymentId", i.functional_unit AS "FunctionalUnit" """,
            """i.period_start AS "PeriodStart", i.period_end AS "PeriodEnd", i.date AS "Date", i.date_key AS "DateKey" """,
            """d.workload AS "Workload", w.model AS "Model", w.precision AS "Precision" """,
            """p.provider AS "Provider", d.account AS "Account", p.region AS "Region", d.hardware AS "Hardware" """,
        };
        foreach (var measure in Measures.ExposedBy(MeasureHolders.Periods))
        {
            columns.Add($"i.{measure.Column} AS \"{measure.Name}\"");
            columns.AddRange(Ratios.OfPeriods.Where(ratio => ratio.After == measure).Select(ratio => Of(ratio, "i")));
        }
        columns.Add($"""{EvidenceOf("i.evidence")} AS "Evidence" """);
        columns.AddRange(Ratios.OfPeriods.Where(ratio => ratio.After is null).Select(ratio => Of(ratio, "i")));
        var hours = table == "intensity_hours";
        columns.Add($"""{Case("i.cover_kinds", CoverKindWords)} AS "CoverKind", {Case("i.idle_by", IdleWords)} AS "IdleBy" """);
        columns.Add(
            hours
                ? """i.final AS "IsFinal" """
                // A longer period is final when no hour before its end is still open.
                : """
                (i.period_end <= COALESCE((SELECT MIN(o.period_start) FROM intensity_hours o WHERE NOT o.final), i.period_end))
                    AS "IsFinal"
                """
        );
        columns.Add(
            $"""
            CASE WHEN i.{Measures.Units.Column} IS NULL THEN '{NullReason.NoWork.Text()}'
                WHEN i.{Measures.Units.Column} = 0 THEN '{NullReason.ZeroFunctionalUnits.Text()}'
                WHEN i.{MatchedSums.Facility.Units.Column} > 0 THEN NULL
                WHEN i.{Measures.Facility.Column} IS NOT NULL THEN '{NullReason.NoCommonTime.Text()}'
                WHEN i.{Measures.Server.Column} IS NOT NULL THEN '{NullReason.PueUnknown.Text()}'
                WHEN i.{Measures.Known.Column} IS NULL THEN '{NullReason.NoEnergy.Text()}'
                ELSE '{NullReason.ServerUnknown.Text()}' END AS "NullReason"
            """
        );
        columns.Add($"""{Words("i.missing")} AS "Missing", NULLIF(i.factors, '') AS "FactorVersion", i.recomputed_at AS "RecomputedAt" """);
        return View(
            name,
            columns,
            $"""
            FROM {table} i
            LEFT JOIN deployment d ON d.id = i.deployment_id
            LEFT JOIN workload w ON w.name = d.workload
            LEFT JOIN places p ON p.name = d.place
            """
        );
    }

    // A month's energy is that of all its days, those without work too; it stands once on each functional unit that had work in the month.
    private string Months()
    {
        var added = OfPeriods.Where(measure => measure.Aggregation == Aggregation.Sum).ToArray();
        var bounds = OfPeriods.Where(measure => measure.Aggregation == Aggregation.Bounds).ToArray();
        var ofUnit = OfPeriods.Where(measure => measure.Aggregation == Aggregation.SumOfUnit).ToArray();
        var (monthStart, monthEnd) = postgres
            ? ("date_trunc('month', period_start, 'UTC')", "((w.month_start AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC')")
            : (
                "unixepoch(period_start / 1000000, 'unixepoch', 'start of month') * 1000000",
                "unixepoch(w.month_start / 1000000, 'unixepoch', '+1 month') * 1000000"
            );
        var width = string.Concat(
            Enum.GetValues<Boundary>()
                .OrderDescending()
                .Select(boundary => $" WHEN {Measures.Of(boundary).Column} IS NOT NULL THEN {(int)boundary + 1}")
        );
        // Bounds are those of the widest boundary that the month has, of the days that have it; when one of these lacks them, so does the
        // month.
        var unbounded = string.Join(" OR ", bounds.Select(measure => $"{measure.Column} IS NULL"));
        var energy = added
            .Select(measure => $"SUM({measure.Column}) AS {measure.Column}")
            .Concat(bounds.Select(measure => $"SUM(CASE WHEN width = widest THEN {measure.Column} END) AS {measure.Column}"))
            .Append($"SUM(CASE WHEN width = widest AND ({unbounded}) THEN 1 ELSE 0 END) AS unbounded");
        var columns = added
            .Select(measure => $"e.{measure.Column}")
            .Concat(bounds.Select(measure => $"CASE WHEN e.unbounded = 0 THEN e.{measure.Column} END AS {measure.Column}"));
        // Bounds unknown of one day are unknown of the month.
        var of = MatchedSums
            .All.Where(sums => sums.Low is not null)
            .SelectMany(sums => new[] { (sums.Low!, sums.Amount), (sums.High!, sums.Amount) });
        var bounding = of.ToDictionary(pair => pair.Item1, pair => pair.Amount);
        var work = ofUnit.Select(measure =>
            bounding.TryGetValue(measure, out var amount)
                ? $"CASE WHEN COUNT({measure.Column}) = COUNT({amount.Column}) THEN SUM({measure.Column}) END AS {measure.Column}"
                : $"SUM({measure.Column}) AS {measure.Column}"
        );
        return $"""
            CREATE VIEW intensity_months AS
            WITH days AS (
                SELECT *, {monthStart} AS month_start, CASE{width} ELSE 0 END AS width FROM intensity_days
            ), energy AS (
                SELECT deployment_id, month_start,
                    {string.Join(",\n        ", energy)}
                FROM (
                    -- A deployment's energy is the same on each of its rows of a day: one of them is taken.
                    SELECT days.*, MAX(width) OVER (PARTITION BY deployment_id, month_start) AS widest,
                        ROW_NUMBER() OVER (PARTITION BY deployment_id, period_start ORDER BY functional_unit) AS nth
                    FROM days
                ) one
                WHERE nth = 1
                GROUP BY deployment_id, month_start
            ), work AS (
                SELECT deployment_id, month_start, functional_unit,
                    {string.Join(",\n        ", work)}
                FROM days
                GROUP BY deployment_id, month_start, functional_unit
            ), known AS (
                SELECT deployment_id, month_start, MAX(CASE WHEN functional_unit <> '{PeriodSums.NoWork}' THEN 1 ELSE 0 END) AS worked,
                    MAX(evidence) AS evidence, MAX(recomputed_at) AS recomputed_at,
                    {Flags<MissingReasons>("missing")}, {Flags<CoverKinds>("cover_kinds")}, {Flags<IdleMeans>("idle_by")}
                FROM days
                GROUP BY deployment_id, month_start
            ), factors AS (
                {FactorsOfMonths}
            )
            SELECT w.deployment_id, w.functional_unit, w.month_start AS period_start, {monthEnd} AS period_end,
                {Day("w.month_start")} AS date, {DayKey("w.month_start")} AS date_key,
                {string.Join(", ", ofUnit.Select(measure => $"w.{measure.Column}"))},
                {string.Join(",\n    ", columns)},
                k.evidence, k.recomputed_at, COALESCE(f.words, '') AS factors, k.missing, k.cover_kinds, k.idle_by
            FROM work w
            JOIN energy e ON e.deployment_id = w.deployment_id AND e.month_start = w.month_start
            JOIN known k ON k.deployment_id = w.deployment_id AND k.month_start = w.month_start
            LEFT JOIN factors f ON f.deployment_id = w.deployment_id AND f.month_start = w.month_start
            WHERE w.functional_unit <> '{PeriodSums.NoWork}' OR k.worked = 0;

            """;
    }

    // The names of the factors of a month's days, each once, ordered.
    private string FactorsOfMonths =>
        postgres
            ? """
                SELECT deployment_id, month_start, string_agg(DISTINCT word COLLATE "C", ' ' ORDER BY word COLLATE "C") AS words
                    FROM (SELECT DISTINCT deployment_id, month_start, factors FROM days WHERE factors <> '') texts
                    CROSS JOIN LATERAL unnest(string_to_array(texts.factors, ' ')) AS word
                    GROUP BY deployment_id, month_start
                """
            : """
                SELECT DISTINCT deployment_id, month_start,
                        group_concat(word, ' ') OVER (
                            PARTITION BY deployment_id, month_start ORDER BY word ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
                        ) AS words
                    FROM (
                        SELECT DISTINCT texts.deployment_id, texts.month_start, word.value AS word
                        FROM (SELECT DISTINCT deployment_id, month_start, factors FROM days WHERE factors <> '') texts,
                            json_each('[' || replace(json_quote(texts.factors), ' ', '","') || ']') AS word
                    )
                """;

    private static string View(string name, IEnumerable<string> columns, string from) =>
        $"CREATE VIEW \"{name}\" AS\nSELECT {string.Join(",\n    ", columns.Select(column => column.Trim()))}\n{from};\n";

    private static string Of(Ratio ratio, string table) => $"{ratio.ToSql(measure => $"{table}.{measure.Column}")} AS \"{ratio.Name}\"";

    private string Day(string time) => postgres ? $"CAST({time} AT TIME ZONE 'UTC' AS date)" : $"date({time} / 1000000, 'unixepoch')";

    private string DayKey(string time) =>
        postgres
            ? $"CAST(to_char({time} AT TIME ZONE 'UTC', 'YYYYMMDD') AS integer)"
            : $"CAST(strftime('%Y%m%d', {time} / 1000000, 'unixepoch') AS INTEGER)";

    private static string EvidenceOf(string column) =>
        Case(column, Enum.GetValues<Evidence>().Select(evidence => ((int)evidence, evidence.ToString().ToLowerInvariant())));

    private static string CoverOf(string column) => Case(column, Enum.GetValues<EnergyCover>().Select(cover => ((int)cover, cover.Word())));

    private static string Case(string column, IEnumerable<(int Number, string Word)> words) =>
        $"CASE {column}{string.Concat(words.Select(word => Number($" WHEN {word.Number} THEN '{word.Word}'")))} END";

    // Seldom is anything missing: then nothing is put together.
    private static string Words(string column)
    {
        var words = MissingReasonText.All.Select(entry =>
            Number($"CASE WHEN {column} & {(int)entry.Reason} <> 0 THEN ' {entry.Word}' ELSE '' END")
        );
        return $"CASE WHEN {column} <> 0 THEN ltrim({string.Join("\n        || ", words)}) END";
    }

    /// <summary>All flags of many rows.</summary>
    private static string Flags<T>(string column)
        where T : struct, Enum =>
        string.Join(
            " | ",
            Enum.GetValues<T>()
                .Select(flag => Convert.ToInt32(flag, CultureInfo.InvariantCulture))
                .Where(flag => flag != 0)
                .Select(flag => Number($"MAX({column} & {flag})"))
        ) + $" AS {column}";

    private static string Number(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
