using System.Data;
using System.Data.Common;
using System.Globalization;
using System.Runtime.CompilerServices;
using Metrics.Api.Comparing;
using Metrics.Api.Http;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Messages;
using Metrics.Domain.Quantities;
using Metrics.Storage.Engine;
using Metrics.Storage.Queries;
using Metrics.Storage.Schema;
using Microsoft.Data.Sqlite;

namespace Metrics.Api.Reports.Kinds;

/// <summary>Reads what a report is made of: one connection, one consistent view of the store, rows as a stream.</summary>
public sealed class ReportReader(QueryConnections readers, UnitConversions conversions, TimeProvider clock)
{
    private const double JoulesPerMWh = 3.6e9;
    private const double JoulesPerKWh = 3.6e6;
    private const double GramsPerTonne = 1e6;

    /// <summary>A period that is known for less than this is told as a gap; what is missing beyond it is rounding.</summary>
    private const double Whole = 0.9999;

    /// <summary>Columns of the views, in the order that rows are read by.</summary>
    private enum Field
    {
        Deployment,
        Unit,
        Start,
        End,
        Workload,
        Model,
        Precision,
        Provider,
        Account,
        Region,
        Country,
        Hardware,
        Units,
        Server,
        Facility,
        Idle,
        Operational,
        Market,
        Embodied,
        Water,
        Low,
        High,
        Evidence,
        MeasuredShare,
        Coverage,
        Missing,
        Factors,
        ComputedAt,
        Sci,
        Restated,
        Delta,
        BeforeUnknown,
    }

    /// <summary>Opens a report. What it needs to be told at its head has been read; its rows are read as they are asked for, until it is disposed of.</summary>
    /// <param name="question">What was asked.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="ReportError">There is no such workload, or no data.</exception>
    /// <exception cref="DbException">The database failed.</exception>
    public async Task<OpenReport> OpenAsync(ReportRequest question, CancellationToken cancellationToken)
    {
        var connection = await readers.OpenAsync(cancellationToken);
        try
        {
            if (connection is SqliteConnection)
            {
                // Sorting in memory would hold the whole of a large report.
                await using var files = connection.CreateCommand();
                files.CommandText = "PRAGMA temp_store = FILE";
                await files.ExecuteNonQueryAsync(cancellationToken);
            }
            var transaction = connection is SqliteConnection sqlite
                ? sqlite.BeginTransaction(deferred: true)
                : await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
            var view = new View(connection, transaction, question);
            if (
                question.Workload is { } workload
                && !await view.ExistsAsync("SELECT 1 FROM workload WHERE name = @workload", cancellationToken)
            )
                throw new ReportError(
                    "unknown_workload",
                    $"There is no workload '{Spelling.Shorten(workload)}'. There are: {await view.ListAsync("SELECT name FROM workload ORDER BY name LIMIT 50", cancellationToken)}.",
                    StatusCodes.Status404NotFound
                );
            var head = await view.HeadAsync(cancellationToken);
            if (head.Rows == 0)
                throw new ReportError(
                    "no_data",
                    $"There is no data of the period {ReportText.Of(question.From)} to {ReportText.Of(question.To)}{(question.Workload ?? question.Provider ?? question.Unit) switch { null => "", _ => " for what was asked" }}. {await view.RangeAsync(cancellationToken)}",
                    StatusCodes.Status404NotFound
                );
            var gaps = await view.GapsAsync(cancellationToken);
            var factors = await view.FactorsAsync(cancellationToken);
            var report = new Report
            {
                Kind = question.Kind.Name,
                Title = question.Kind.Title,
                From = question.From,
                To = question.To,
                DataAsOf = head.ComputedAt,
                Parameters =
                [
                    .. new[]
                    {
                        ("grain", question.Kind.Name is "comparison" or "ai-act" ? null : question.Grain.ToString().ToLowerInvariant()),
                        ("workload", question.Workload),
                        ("provider", question.Provider),
                        ("unit", question.Unit),
                    }
                        .Where(one => one.Item2 is not null)
                        .Select(one => (one.Item1, one.Item2!)),
                ],
                Columns = question.Kind.Columns,
                Totals = head.Totals,
                Factors = factors,
                Gaps = gaps.Listed,
                GapCount = gaps.Count,
                Notes =
                [
                    .. question.Kind.Notes,
                    .. gaps.Count > 0
                        ?
                        [
                            $"The period has {gaps.Count} gaps: times for which not all is known. They are listed{(gaps.Count > Report.MostGaps ? $" up to {Report.MostGaps}" : "")}; nothing is interpolated.",
                        ]
                        : Array.Empty<string>(),
                ],
                Chart = head.Chart,
                Rows = question.Kind.Name switch
                {
                    "energy" => EnergyAsync(view, cancellationToken),
                    "ghg" => GhgAsync(view, cancellationToken),
                    "sci" => SciAsync(view, cancellationToken),
                    "ai-act" => AiActAsync(view, cancellationToken),
                    _ => ComparisonAsync(question, cancellationToken),
                },
            };
            return new OpenReport(report, head.Rows, connection, transaction);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private static async IAsyncEnumerable<ReportValue[]> EnergyAsync(
        View view,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        await using var rows = await view.RowsAsync("facility_joules", cancellationToken);
        var row = new ReportValue[ReportKind.All["energy"].Columns.Count];
        while (await rows.NextDeploymentAsync(cancellationToken))
        {
            var i = rows.Where(row);
            var (server, facility) = (rows.Number(Field.Server), rows.Number(Field.Facility));
            row[i++] = ReportValue.Of(server / JoulesPerMWh);
            row[i++] = ReportValue.Of(facility / JoulesPerMWh);
            row[i++] = ReportValue.Of(rows.Number(Field.Idle) / JoulesPerMWh);
            row[i++] = ReportValue.Of(server > 0 ? facility / server : null);
            row[i++] = row[i++] = row[i++] = default;
            row[i++] = ReportValue.Of(rows.Number(Field.Water));
            rows.Trust(row, i, facility, JoulesPerMWh);
            yield return row;
        }
    }

    private static async IAsyncEnumerable<ReportValue[]> GhgAsync(View view, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var rows = await view.RowsAsync("operational_grams", cancellationToken);
        var row = new ReportValue[ReportKind.All["ghg"].Columns.Count];
        while (await rows.NextDeploymentAsync(cancellationToken))
        {
            var i = rows.Where(row);
            var own = rows.Text(Field.Provider) is "onprem";
            var (facility, operational, market) = (rows.Number(Field.Facility), rows.Number(Field.Operational), rows.Number(Field.Market));
            row[i++] = ReportValue.Of(own ? "2" : "3");
            row[i++] = ReportValue.Of(own ? null : "1 purchased goods and services");
            row[i++] = ReportValue.Of(facility / JoulesPerMWh);
            row[i++] = ReportValue.Of(operational / GramsPerTonne);
            row[i++] = ReportValue.Of(facility > 0 ? operational / (facility / JoulesPerKWh) : null);
            row[i++] = ReportValue.Of(market / GramsPerTonne);
            row[i++] = ReportValue.Of(facility > 0 ? market / (facility / JoulesPerKWh) : null);
            row[i++] = default;
            row[i++] = ReportValue.Of(rows.Number(Field.Embodied) / GramsPerTonne);
            rows.Trust(row, i, operational, GramsPerTonne);
            yield return row;
        }
    }

    private static async IAsyncEnumerable<ReportValue[]> SciAsync(View view, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var rows = await view.RowsAsync("operational_grams", cancellationToken);
        var row = new ReportValue[ReportKind.All["sci"].Columns.Count];
        while (await rows.NextAsync(cancellationToken))
        {
            // Without work there is no score; a unit that is none is not one.
            if (rows.Number(Field.Units) is not > 0)
                continue;
            var start = rows.Where(row);
            var (units, facility, operational, embodied) = (
                rows.Number(Field.Units),
                rows.Number(Field.Facility),
                rows.Number(Field.Operational),
                rows.Number(Field.Embodied)
            );
            // The view says whether grams are of the whole time: those of a part of it over all of the work are no score.
            var known = rows.Number(Field.Sci) is not null;
            foreach (
                var (component, grams, method) in new[]
                {
                    ("operational", operational, rows.Quality()),
                    ("embodied", embodied, "sourced"),
                    ("total", operational + embodied, rows.Quality()),
                }
            )
            {
                var i = start;
                row[i++] = ReportValue.Of(rows.Text(Field.Unit));
                row[i++] = ReportValue.Of(units);
                row[i++] = ReportValue.Of(component);
                row[i++] = ReportValue.Of(method);
                row[i++] = component == "embodied" ? default : ReportValue.Of(facility / JoulesPerKWh);
                row[i++] =
                    component == "embodied" ? default : ReportValue.Of(facility > 0 ? operational / (facility / JoulesPerKWh) : null);
                row[i++] = ReportValue.Of(grams);
                row[i++] = ReportValue.Of(known ? grams / units : null);
                rows.Trust(row, i, component == "operational" ? operational : null, 1);
                yield return row;
            }
        }
    }

    private static async IAsyncEnumerable<ReportValue[]> AiActAsync(View view, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var models = new SortedDictionary<string, ModelSum>(StringComparer.Ordinal);
        await using (var rows = await view.RowsAsync("facility_joules", cancellationToken))
        {
            var fresh = false;
            while (await rows.NextAsync(cancellationToken))
            {
                fresh = rows.IsNewDeployment;
                if (rows.Text(Field.Model) is not { } model)
                    continue;
                if (!models.TryGetValue(model, out var sum))
                    models.Add(model, sum = new ModelSum());
                sum.Add(rows, fresh);
            }
        }
        var row = new ReportValue[ReportKind.All["ai-act"].Columns.Count];
        foreach (var (model, sum) in models)
        {
            var i = 0;
            row[i++] = ReportValue.Of(model);
            row[i++] = ReportValue.Of(view.Question.From);
            row[i++] = ReportValue.Of(view.Question.To);
            row[i++] = ReportValue.Of(sum.MeasuredShare >= 0.5 ? "known" : "estimated");
            row[i++] = ReportValue.Of(sum.Server / JoulesPerMWh);
            row[i++] = ReportValue.Of(sum.Facility / JoulesPerMWh);
            row[i++] = ReportValue.Of(sum.Low / JoulesPerMWh);
            row[i++] = ReportValue.Of(sum.High / JoulesPerMWh);
            row[i++] = ReportValue.Of(sum.Operational / GramsPerTonne);
            row[i++] = ReportValue.Of(sum.Tokens);
            row[i++] = ReportValue.Of(sum.Requests);
            row[i++] = ReportValue.Of(sum.Deployments.Count);
            row[i++] = ReportValue.Of(sum.Evidence);
            row[i++] = ReportValue.Of(sum.MeasuredShare);
            row[i++] = ReportValue.Of(
                Math.Min(1, sum.Seconds / ((view.Question.To - view.Question.From).TotalSeconds * sum.Deployments.Count))
            );
            row[i++] = ReportValue.Of(string.Join(' ', sum.Factors));
            yield return row;
        }
    }

    private async IAsyncEnumerable<ReportValue[]> ComparisonAsync(
        ReportRequest question,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var faults = new List<string>();
        await using var session = new ReadSession(readers, cancellationToken);
        List<(string, string?)> asked =
        [
            ("unit", question.Unit),
            ("from", ReportText.Of(question.From)),
            ("to", ReportText.Of(question.To)),
        ];
        var comparison = ComparisonRequest.Read(asked, faults) is { } understood
            ? await DeploymentComparison.ReadAsync(session, understood, conversions, clock.GetUtcNow().UtcDateTime, faults)
            : null;
        if (comparison is null)
            throw new ReportError("invalid_comparison", string.Join(' ', faults));
        var row = new ReportValue[ReportKind.All["comparison"].Columns.Count];
        var number = 0;
        foreach (var group in comparison.Result.Groups)
        {
            number++;
            var rank = 0;
            foreach (var ranked in group.Rows)
            {
                rank++;
                if (!Asked(ranked.Row))
                    continue;
                Fill(ranked.Row, group.Differences.Count == 0 ? "ranked" : $"differs: {string.Join("; ", group.Differences)}");
                row[0] = ReportValue.Of(number);
                row[1] = ReportValue.Of(rank);
                row[13] = ReportValue.Of(ranked.PerUnit);
                row[14] = ReportValue.Of(ranked.LowJoulesPerUnit);
                row[15] = ReportValue.Of(ranked.HighJoulesPerUnit);
                row[16] = ranked.Certain is { } certain ? ReportValue.Of(certain) : default;
                row[17] = ReportValue.Of(ranked.SavingAgainstWorst);
                yield return row;
            }
        }
        foreach (var left in comparison.Result.LeftOut)
        {
            if (!Asked(left.Row))
                continue;
            Fill(left.Row, $"left out: {string.Join("; ", left.Reasons)}");
            yield return row;
        }

        bool Asked(ComparableRow one) =>
            (question.Workload is null || one.Workload == question.Workload)
            && (question.Provider is null || comparison.Sums[one.Deployment].Provider == question.Provider);

        void Fill(ComparableRow one, string verdict)
        {
            var sums = comparison.Sums[one.Deployment];
            Array.Clear(row);
            row[2] = ReportValue.Of(verdict);
            row[3] = ReportValue.Of(one.Workload);
            row[4] = ReportValue.Of(one.Model);
            row[5] = ReportValue.Of(one.Precision);
            row[6] = ReportValue.Of(sums.Provider);
            row[7] = ReportValue.Of(sums.Region);
            row[8] = ReportValue.Of(one.Hardware);
            row[9] = ReportValue.Of(one.Deployment);
            row[10] = ReportValue.Of(one.FunctionalUnit);
            row[11] = ReportValue.Of(one.Units);
            row[12] = ReportValue.Of(one.Joules);
            row[18] = ReportValue.Of(one.Units > 0 ? one.Grams / one.Units : null);
            row[19] = ReportValue.Of(ComparisonRequest.Word(one.Evidence));
            row[20] = ReportValue.Of(one.MeasuredShare);
            row[21] = ReportValue.Of(one.Coverage);
            row[22] = ReportValue.Of(string.Join(' ', sums.Factors));
        }
    }

    /// <summary>The sums of one model. What is unknown in a row adds nothing; what is unknown in all is unknown.</summary>
    private sealed class ModelSum
    {
        private double? known,
            measured;

        public double? Server,
            Facility,
            Low,
            High,
            Operational,
            Tokens,
            Requests;
        public double Seconds;
        public string Evidence = "measured";
        public readonly HashSet<long> Deployments = [];
        public readonly SortedSet<string> Factors = new(StringComparer.Ordinal);

        public double? MeasuredShare => known > 0 ? measured / known : null;

        public void Add(ViewRows rows, bool fresh)
        {
            if (rows.Text(Field.Unit) == "output-token")
                Tokens = Plus(Tokens, rows.Number(Field.Units));
            if (rows.Text(Field.Unit) == "request")
                Requests = Plus(Requests, rows.Number(Field.Units));
            // The energy of a deployment stands on the row of each of its units.
            if (!fresh)
                return;
            Deployments.Add(rows.Deployment);
            Server = Plus(Server, rows.Number(Field.Server));
            Facility = Plus(Facility, rows.Number(Field.Facility));
            Low = Plus(Low, rows.Number(Field.Low));
            High = Plus(High, rows.Number(Field.High));
            Operational = Plus(Operational, rows.Number(Field.Operational));
            Seconds += (rows.Number(Field.Coverage) ?? 0) * (rows.Time(Field.End) - rows.Time(Field.Start)).TotalSeconds;
            if (rows.Number(Field.MeasuredShare) is { } share && rows.Number(Field.Server) is { } joules)
            {
                known = Plus(known, joules);
                measured = Plus(measured, joules * share);
            }
            if (Order(rows.Text(Field.Evidence)!) > Order(Evidence))
                Evidence = rows.Text(Field.Evidence)!;
            foreach (var factor in (rows.Text(Field.Factors) ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries))
                Factors.Add(factor);
        }

        private static double? Plus(double? sum, double? more) => more is null ? sum : (sum ?? 0) + more;

        private static int Order(string evidence) =>
            evidence switch
            {
                "measured" => 0,
                "derived" => 1,
                "modelled" => 2,
                _ => 3,
            };
    }

    /// <summary>The view of the grain, with what was asked as conditions.</summary>
    private sealed class View(DbConnection connection, DbTransaction transaction, ReportRequest question)
    {
        private readonly bool sqlite = connection is SqliteConnection;

        public ReportRequest Question { get; } = question;

        /// <summary>Totals and the chart of a kind, from its rows.</summary>
        public async Task<(
            long Rows,
            DateTime ComputedAt,
            IReadOnlyList<(string Name, double? Value)> Totals,
            ReportChart? Chart
        )> HeadAsync(CancellationToken cancellationToken)
        {
            // Of one row for each deployment and period: its energy stands on the row of each unit.
            var once = $"""
                SELECT v."Workload" AS workload, COUNT(*) AS n, MAX(v."ServerJoules") AS server, MAX(v."FacilityJoules") AS facility, MAX(v."OperationalGrams") AS operational, MAX(v."MarketBasedGrams") AS market,
                    MAX(v."EmbodiedGrams") AS embodied, MAX(v."WaterLitres") AS water, MAX(v."RecomputedAt") AS computed
                FROM {Name} v WHERE {Conditions} GROUP BY v."DeploymentId", v."PeriodStart", v."Workload"
                """;
            var sums = new List<(string Workload, double?[] Values)>();
            long rows = 0;
            var computed = DateTime.UnixEpoch;
            await using (
                var reader = await ReadAsync(
                    $"""
                    SELECT workload, SUM(n), COUNT(*), SUM(server), SUM(facility), SUM(operational), SUM(market), SUM(embodied), SUM(water), SUM(CASE WHEN server > 0 THEN facility END), SUM(CASE WHEN facility IS NOT NULL THEN server END), MAX(computed)
                    FROM ({once}) o GROUP BY workload ORDER BY workload
                    """,
                    cancellationToken
                )
            )
            {
                while (await reader.ReadAsync(cancellationToken))
                {
                    rows += reader.GetInt64(1);
                    sums.Add(
                        (
                            reader.GetString(0),
                            [.. Enumerable.Range(3, 8).Select(i => reader.IsDBNull(i) ? (double?)null : reader.GetDouble(i))]
                        )
                    );
                    var at = sqlite ? UnixMicroseconds.To(reader.GetInt64(11)) : reader.GetDateTime(11);
                    if (at > computed)
                        computed = at;
                }
            }
            // Engines add in the order that they find rows in; beyond twelve digits that shows.
            double? Total(int i) => sums.Exists(sum => sum.Values[i] is not null) ? Rounded(sums.Sum(sum => sum.Values[i] ?? 0)) : null;
            var (measure, factor, unit) =
                Question.Kind.Name == "ghg" || Question.Kind.Name == "sci" ? (2, GramsPerTonne, "t CO2e") : (1, JoulesPerMWh, "MWh");
            var bars = sums.Where(sum => sum.Values[measure] is not null)
                .Select(sum => (sum.Workload, Value: Rounded(sum.Values[measure]!.Value / factor)))
                .OrderByDescending(bar => bar.Value)
                .ThenBy(bar => bar.Workload, StringComparer.Ordinal)
                .Take(20)
                .ToList();
            IReadOnlyList<(string, double?)> totals = Question.Kind.Name switch
            {
                "energy" =>
                [
                    ("ItMWh", Total(0) / JoulesPerMWh),
                    ("FacilityMWh", Total(1) / JoulesPerMWh),
                    ("Pue", Total(7) > 0 ? Total(6) / Total(7) : null),
                    ("WaterLitres", Total(5)),
                    ("WueLitresPerKWh", Total(0) > 0 ? Total(5) / (Total(0) / JoulesPerKWh) : null),
                ],
                "ghg" =>
                [
                    ("FacilityMWh", Total(1) / JoulesPerMWh),
                    ("LocationBasedTonnes", Total(2) / GramsPerTonne),
                    ("MarketBasedTonnes", Total(3) / GramsPerTonne),
                    ("EmbodiedTonnes", Total(4) / GramsPerTonne),
                ],
                "sci" => [("OperationalGrams", Total(2)), ("EmbodiedGrams", Total(4))],
                _ => [("FacilityMWh", Total(1) / JoulesPerMWh)],
            };
            return (
                rows,
                computed,
                [.. totals.Select(total => (total.Item1, total.Item2 is { } value ? Rounded(value) : (double?)null))],
                bars.Count == 0
                    ? null
                    : new ReportChart(measure == 1 ? "Facility energy by workload" : "Location-based emissions by workload", unit, bars)
            );
        }

        /// <summary>Times within the period for which readings do not exist, by deployment: by the hour up to a month, by the day beyond.</summary>
        public async Task<(IReadOnlyList<ReportGap> Listed, int Count)> GapsAsync(CancellationToken cancellationToken)
        {
            var byHour = Question.To - Question.From <= TimeSpan.FromDays(31);
            var step = byHour ? TimeSpan.FromHours(1) : TimeSpan.FromDays(1);
            var gaps = new List<ReportGap>();
            var count = 0;
            (long Deployment, string Workload, string Place)? current = null;
            var expected = Question.From;
            await using var reader = await ReadAsync(
                $"""
                SELECT v."DeploymentId", v."Workload", v."Provider", v."Region", v."PeriodStart", MAX(v."Coverage") FROM {(
                    byHour ? "\"HourlyIntensities\"" : "\"DailyIntensities\""
                )} v WHERE {Conditions}
                GROUP BY v."DeploymentId", v."Workload", v."Provider", v."Region", v."PeriodStart" ORDER BY v."DeploymentId", v."PeriodStart"
                """,
                cancellationToken
            );
            while (await reader.ReadAsync(cancellationToken))
            {
                var deployment = reader.GetInt64(0);
                if (current?.Deployment != deployment)
                {
                    Close();
                    current = (deployment, reader.GetString(1), $"{reader.GetString(2)}/{reader.GetString(3)}");
                    expected = Question.From;
                }
                var start = sqlite ? UnixMicroseconds.To(reader.GetInt64(4)) : reader.GetDateTime(4);
                if (start > expected)
                    Add(expected, start, 0);
                var coverage = reader.IsDBNull(5) ? 0 : reader.GetDouble(5);
                if (coverage < Whole)
                    Add(start, start + step, Math.Max(0, coverage));
                expected = start + step;
            }
            Close();
            return (gaps, count);

            void Close()
            {
                if (current is not null && expected < Question.To)
                    Add(expected, Question.To, 0);
            }

            void Add(DateTime from, DateTime to, double coverage)
            {
                count++;
                if (gaps.Count < Report.MostGaps)
                    gaps.Add(new ReportGap(current!.Value.Workload, current.Value.Place, from, to, coverage));
            }
        }

        /// <summary>The factors that rows name, with what the store keeps of them.</summary>
        public async Task<IReadOnlyList<ReportFactor>> FactorsAsync(CancellationToken cancellationToken)
        {
            var names = new SortedSet<string>(StringComparer.Ordinal);
            await using (
                var reader = await ReadAsync(
                    $"SELECT DISTINCT v.\"FactorVersion\" FROM {Name} v WHERE {Conditions} AND v.\"FactorVersion\" IS NOT NULL",
                    cancellationToken
                )
            )
                while (await reader.ReadAsync(cancellationToken))
                    names.UnionWith(reader.GetString(0).Split(' '));
            var found = new Dictionary<string, ReportFactor>(StringComparer.Ordinal);
            if (names.Count > 0)
            {
                await using var reader = await ReadAsync(
                    "SELECT \"Name\", \"Kind\", \"Method\", \"Value\", \"Unit\", \"Source\", \"Vintage\", \"Licence\", \"Version\" FROM \"Factors\" ORDER BY \"Name\", \"Id\"",
                    cancellationToken
                );
                while (await reader.ReadAsync(cancellationToken))
                {
                    if (!names.Contains(reader.GetString(0)))
                        continue;
                    string? Text(int i) => reader.IsDBNull(i) ? null : Convert.ToString(reader.GetValue(i), CultureInfo.InvariantCulture);
                    found[reader.GetString(0)] = new ReportFactor(
                        reader.GetString(0),
                        Text(1),
                        Text(2),
                        reader.IsDBNull(3) ? null : reader.GetDouble(3),
                        Text(4),
                        Text(5),
                        Text(6),
                        Text(7),
                        Text(8)
                    );
                }
            }
            return
            [
                .. names.Select(name =>
                    found.GetValueOrDefault(name) ?? new ReportFactor(name, null, null, null, null, null, null, null, null)
                ),
            ];
        }

        /// <summary>The rows in order of period, deployment and unit.</summary>
        /// <param name="measure">The measure whose value before a restatement is told.</param>
        /// <param name="cancellationToken">Stops it.</param>
        public async Task<ViewRows> RowsAsync(string measure, CancellationToken cancellationToken)
        {
            // Most periods were never restated, and then nothing is looked up for each row.
            var restated = await ExistsAsync(
                "SELECT 1 FROM restatement WHERE period_start >= @from AND period_start < @to LIMIT 1",
                cancellationToken
            );
            var bucket = (Question.Grain, sqlite) switch
            {
                (ReportGrain.Hour, _) => "period_start",
                (ReportGrain.Day, true) => "period_start - period_start % 86400000000",
                (ReportGrain.Month, true) => "unixepoch(date(period_start / 1000000, 'unixepoch', 'start of month')) * 1000000",
                (ReportGrain.Day, false) => "date_trunc('day', period_start, 'UTC')",
                _ => "date_trunc('month', period_start, 'UTC')",
            };
            var told = restated ? "r.n, r.delta, r.unknown" : "0, NULL, NULL";
            var joined = !restated
                ? ""
                : $"""
                    LEFT JOIN (SELECT deployment_id, functional_unit, {bucket} AS bucket, COUNT(*) AS n,
                            SUM(CASE WHEN measure = '{measure}' THEN COALESCE(new, 0) - COALESCE(old, 0) END) AS delta, MAX(CASE WHEN measure = '{measure}' AND old IS NULL THEN 1 ELSE 0 END) AS unknown
                        FROM restatement WHERE period_start >= @from AND period_start < @to GROUP BY 1, 2, 3) r
                        ON r.deployment_id = v."DeploymentId" AND r.functional_unit = v."FunctionalUnit" AND r.bucket = v."PeriodStart"
                    """;
            return new ViewRows(
                await ReadAsync(
                    $"""
                    SELECT v."DeploymentId", v."FunctionalUnit", v."PeriodStart", v."PeriodEnd", v."Workload", v."Model", v."Precision", v."Provider", v."Account", v."Region", p.country, v."Hardware", v."Units", v."ServerJoules", v."FacilityJoules",
                        v."IdleJoules", v."OperationalGrams", v."MarketBasedGrams", v."EmbodiedGrams", v."WaterLitres", v."LowJoules", v."HighJoules", v."Evidence", v."MeasuredShare", v."Coverage", v."Missing", v."FactorVersion",
                        v."RecomputedAt", v."SciGramsPerUnit", {told}
                    FROM {Name} v LEFT JOIN deployment d ON d.id = v."DeploymentId" LEFT JOIN places p ON p.name = d.place {joined}
                    WHERE {Conditions} ORDER BY v."PeriodStart", v."DeploymentId", v."FunctionalUnit"
                    """,
                    cancellationToken
                ),
                sqlite,
                Name.Trim('"')
            );
        }

        public async Task<bool> ExistsAsync(string sql, CancellationToken cancellationToken)
        {
            await using var reader = await ReadAsync(sql, cancellationToken);
            return await reader.ReadAsync(cancellationToken);
        }

        public async Task<string> ListAsync(string sql, CancellationToken cancellationToken)
        {
            var names = new List<string>();
            await using var reader = await ReadAsync(sql, cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
                names.Add(reader.GetString(0));
            return names.Count == 0 ? "none" : string.Join(", ", names);
        }

        public async Task<string> RangeAsync(CancellationToken cancellationToken)
        {
            await using var reader = await ReadAsync("SELECT MIN(period_start), MAX(period_end) FROM intensity_hours", cancellationToken);
            if (!await reader.ReadAsync(cancellationToken) || reader.IsDBNull(0))
                return "There is none at all yet.";
            DateTime At(int i) => sqlite ? UnixMicroseconds.To(reader.GetInt64(i)) : reader.GetDateTime(i);
            return $"There is data from {ReportText.Of(At(0))} to {ReportText.Of(At(1))}.";
        }

        private string Name =>
            Question.Kind.Name is "comparison"
                ? "\"HourlyIntensities\""
                : Question.Grain switch
                {
                    ReportGrain.Hour => "\"HourlyIntensities\"",
                    ReportGrain.Day => "\"DailyIntensities\"",
                    _ => "\"MonthlyIntensities\"",
                };

        private string Conditions =>
            $"v.\"PeriodStart\" >= @from AND v.\"PeriodStart\" < @to{(Question.Workload is null ? "" : " AND v.\"Workload\" = @workload")}{(Question.Provider is null ? "" : " AND v.\"Provider\" = @provider")}{(Question.Unit is null ? "" : " AND v.\"FunctionalUnit\" = @unit")}";

        private async Task<DbDataReader> ReadAsync(string sql, CancellationToken cancellationToken)
        {
            // Not disposed of here: a command of SQLite closes its reader with itself.
            var command = connection.CreateCommand();
            command.Transaction = transaction;
            command.CommandText = sql;
            // A report of years is long at work; whoever asked can stop it.
            command.CommandTimeout = 0;
            foreach (
                var (name, value) in new (string, object?)[]
                {
                    ("from", sqlite ? UnixMicroseconds.From(Question.From) : Question.From),
                    ("to", sqlite ? UnixMicroseconds.From(Question.To) : Question.To),
                    ("workload", Question.Workload),
                    ("provider", Question.Provider),
                    ("unit", Question.Unit),
                }
            )
            {
                if (value is null || !sql.Contains('@' + name, StringComparison.Ordinal))
                    continue;
                var parameter = command.CreateParameter();
                (parameter.ParameterName, parameter.Value) = (name, value);
                command.Parameters.Add(parameter);
            }
            return await command.ExecuteReaderAsync(cancellationToken);
        }
    }

    /// <summary>Twelve digits: what is left after sums in any order.</summary>
    private static double Rounded(double value) =>
        double.Parse(value.ToString("G12", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    /// <summary>Rows of a view as they come.</summary>
    private sealed class ViewRows(DbDataReader reader, bool sqlite, string set) : IAsyncDisposable
    {
        private readonly string?[] texts = new string?[(int)Field.BeforeUnknown + 1];
        private readonly Dictionary<long, string> deployments = [];
        private (long Deployment, DateTime Start) last;
        private string? link;

        public long Deployment => last.Deployment;

        /// <summary>Whether the row is the first of its deployment and period.</summary>
        public bool IsNewDeployment { get; private set; }

        public async ValueTask<bool> NextAsync(CancellationToken cancellationToken)
        {
            if (!await reader.ReadAsync(cancellationToken))
                return false;
            var now = (reader.GetInt64((int)Field.Deployment), Time(Field.Start));
            IsNewDeployment = now != last;
            last = now;
            link = null;
            return true;
        }

        /// <summary>The next row that is the first of its deployment and period: energy stands on each of them.</summary>
        public async ValueTask<bool> NextDeploymentAsync(CancellationToken cancellationToken)
        {
            while (await NextAsync(cancellationToken))
                if (IsNewDeployment)
                    return true;
            return false;
        }

        public double? Number(Field field) => reader.IsDBNull((int)field) ? null : reader.GetDouble((int)field);

        public DateTime Time(Field field) => sqlite ? UnixMicroseconds.To(reader.GetInt64((int)field)) : reader.GetDateTime((int)field);

        /// <summary>A text; the same as in the row before is the same object, so that a million rows of one workload make one text.</summary>
        public string? Text(Field field)
        {
            if (reader.IsDBNull((int)field))
                return null;
            var text = reader.GetString((int)field);
            ref var known = ref texts[(int)field];
            return known == text ? known : known = text;
        }

        public string Quality() =>
            Text(Field.Evidence) switch
            {
                "measured" or "derived" => "measured",
                "modelled" => "modelled",
                _ => "sourced",
            };

        /// <summary>Fills the columns that say when and where.</summary>
        /// <returns>The column after them.</returns>
        public int Where(ReportValue[] row)
        {
            row[0] = ReportValue.Of(Time(Field.Start));
            row[1] = ReportValue.Of(Time(Field.End));
            var i = 2;
            foreach (
                var field in (ReadOnlySpan<Field>)
                    [
                        Field.Workload,
                        Field.Model,
                        Field.Precision,
                        Field.Provider,
                        Field.Account,
                        Field.Region,
                        Field.Country,
                        Field.Hardware,
                    ]
            )
                row[i++] = ReportValue.Of(Text(field));
            if (!deployments.TryGetValue(last.Deployment, out var key))
                deployments.Add(last.Deployment, key = last.Deployment.ToString(CultureInfo.InvariantCulture));
            row[i++] = ReportValue.Of(key);
            return i;
        }

        /// <summary>Fills the columns that say how far to trust it.</summary>
        /// <param name="row">The row.</param>
        /// <param name="i">The first of them.</param>
        /// <param name="value">The value as it is now, in the store's unit.</param>
        /// <param name="factor">What it is divided by.</param>
        public void Trust(ReportValue[] row, int i, double? value, double factor)
        {
            row[i++] = ReportValue.Of(Number(Field.Low) / JoulesPerMWh);
            row[i++] = ReportValue.Of(Number(Field.High) / JoulesPerMWh);
            row[i++] = ReportValue.Of(Quality());
            row[i++] = ReportValue.Of(Text(Field.Evidence));
            row[i++] = ReportValue.Of(Number(Field.MeasuredShare));
            row[i++] = ReportValue.Of(Number(Field.Coverage) is { } coverage ? Math.Min(1, coverage) : null);
            row[i++] = ReportValue.Of(Text(Field.Factors));
            row[i++] = ReportValue.Of(Text(Field.Missing));
            row[i++] = ReportValue.Of(!reader.IsDBNull((int)Field.Restated) && reader.GetInt64((int)Field.Restated) > 0);
            row[i++] = ReportValue.Of(
                !reader.IsDBNull((int)Field.Delta) && reader.GetInt32((int)Field.BeforeUnknown) == 0
                    ? (value - reader.GetDouble((int)Field.Delta)) / factor
                    : null
            );
            row[i++] = ReportValue.Of(Time(Field.ComputedAt));
            row[i] = ReportValue.Of(
                link ??=
                    $"/odata/{set}(DeploymentId={row[10].Text},FunctionalUnit='{Uri.EscapeDataString(Text(Field.Unit)!.Replace("'", "''", StringComparison.Ordinal))}',PeriodStart={ReportText.Of(last.Start)})"
            );
        }

        public ValueTask DisposeAsync() => reader.DisposeAsync();
    }
}

/// <summary>A report and the connection that its rows come by.</summary>
public sealed class OpenReport(Report report, long rows, DbConnection connection, DbTransaction transaction) : IAsyncDisposable
{
    /// <summary>The report.</summary>
    public Report Report { get; } = report;

    /// <summary>How many rows of the store it is made of, which is about how many it has.</summary>
    public long StoredRows { get; } = rows;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await transaction.DisposeAsync();
        await connection.DisposeAsync();
    }
}
