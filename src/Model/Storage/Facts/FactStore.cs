using System.Runtime.InteropServices;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Storage.Engine;
using Metrics.Storage.Reading;
using NpgsqlTypes;

namespace Metrics.Storage.Facts;

/// <summary>An hour whose facts are older than its samples.</summary>
/// <param name="Hour">Its first instant, UTC.</param>
/// <param name="Mark">The marking that was seen; facts are kept as final for this marking only.</param>
public sealed record DirtyHour(DateTime Hour, long Mark);

/// <summary>What was concluded: facts, their roll-ups and the dimensions. Safe for many threads and processes.</summary>
/// <remarks>An hour is replaced as a whole in one transaction, and a row that comes out equal is not touched: a recompute without news
/// changes nothing.</remarks>
public sealed class FactStore
{
    /// <summary>How far past the end of an hour every source must have been read for the hour to be final.</summary>
    private static readonly TimeSpan Settled = TimeSpan.FromHours(1);

    private const string Unsettled =
        "NOT final AND period_end <= @until AND NOT EXISTS (SELECT 1 FROM dirty_hours WHERE dirty_hours.hour = "
        + "intensity_hours.period_start)";

    private readonly Database database;

    internal FactStore(Database database) => this.database = database;

    /// <summary>How many hours may be replaced at the same time to some use: SQLite has one writer.</summary>
    public int Writers => database.IsPostgres ? 2 : 1;

    /// <summary>Dirty hours, the newest first, so that what people look at is brought up to date before a backfill is.</summary>
    /// <param name="most">How many at most.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<IReadOnlyList<DirtyHour>> DirtyHoursAsync(int most, CancellationToken cancellationToken) =>
        await database.ReadAsync(
            (session, token) =>
                session.QueryAsync(
                    "SELECT hour, mark FROM dirty_hours ORDER BY hour DESC LIMIT @most",
                    [("most", (long)most)],
                    row => new DirtyHour(row.Time(0), row.Number(1)),
                    token
                ),
            cancellationToken
        );

    /// <summary>Marks every hour that has samples, so that all facts are made again.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task MarkAllDirtyAsync(CancellationToken cancellationToken) => database.TransactAsync(MarkAllAsync, cancellationToken);

    /// <summary>Marks every hour when the rules that facts are made by are others than last time.</summary>
    /// <param name="fingerprint">Stands for mappings, places, workload rules and grain: equal when they are. Factors are no part of it; see
    /// <see cref="SyncFactorsAsync"/>.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>Whether they had changed.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<bool> MarkDirtyIfChangedAsync(string fingerprint, CancellationToken cancellationToken) =>
        database.TransactAsync(
            async (session, token) =>
            {
                var changed = await session.ExecuteAsync(
                    """
                    INSERT INTO settings (name, value) VALUES ('rules', @fingerprint)
                    ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE settings.value <> excluded.value
                    """,
                    [("fingerprint", fingerprint)],
                    token
                );
                if (changed > 0)
                    await MarkAllAsync(session, token);
                return changed > 0;
            },
            cancellationToken
        );

    /// <summary>Every series with samples that start within the interval, both ends included, ordered by key.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<IReadOnlyList<SeriesSamples>> SamplesAsync(Interval interval, CancellationToken cancellationToken) =>
        await database.ReadAsync(
            async (session, token) =>
            {
                var samples = await ReadSamplesAsync(session, interval, token);
                var known = new Dictionary<long, Series>(samples.Count);
                var unknown = new List<long>();
                foreach (var id in samples.Keys)
                {
                    if (database.Series.Find(id) is { } series)
                        known[id] = series;
                    else
                        unknown.Add(id);
                }
                foreach (var chunk in unknown.Chunk(10_000))
                {
                    foreach (var series in await SampleWriter.FindSeriesAsync(session, chunk, token))
                    {
                        known[series.Id] = series;
                        database.Series.Add(series);
                    }
                }
                var result = new List<SeriesSamples>(samples.Count);
                foreach (var (id, list) in samples.OrderBy(entry => entry.Key))
                {
                    var span = CollectionsMarshal.AsSpan(list);
                    for (var i = 1; i < span.Length; i++)
                    {
                        if (span[i - 1].Start < span[i].Start)
                            continue;
                        span.Sort(static (a, b) => a.Start.CompareTo(b.Start));
                        break;
                    }
                    result.Add(new(known[id], list.ToArray()));
                }
                return result;
            },
            cancellationToken
        );

    /// <summary>The sums of the hours of a deployment that start within the interval, ordered by time and unit.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<IReadOnlyList<PeriodSums>> HoursAsync(long deployment, Interval interval, CancellationToken cancellationToken) =>
        await database.ReadAsync(
            (session, token) =>
                HoursAsync(
                    session,
                    [("from", interval.Start), ("to", interval.End), ("deployment", deployment)],
                    token,
                    "AND deployment_id = @deployment ORDER BY period_start, functional_unit"
                ),
            cancellationToken
        );

    /// <summary>Makes the facts, derived rejections and roll-ups of one hour what the period says, and the hour clean if it was not marked
    /// again meanwhile.</summary>
    /// <param name="dirty">The hour, with the mark that was seen before its samples were read.</param>
    /// <param name="period">Everything concluded for that hour.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>False when the hour is no longer dirty: another worker was here with samples at least as new, and nothing was
    /// written.</returns>
    /// <exception cref="ArgumentException">A fact lies outside the hour.</exception>
    /// <exception cref="StorageException">The database failed and nothing was written.</exception>
    public async Task<bool> ReplaceHourAsync(DirtyHour dirty, NormalisedPeriod period, CancellationToken cancellationToken)
    {
        var hour = new Interval(dirty.Hour, dirty.Hour.AddHours(1));
        var stray = period
            .Energy.Select(fact => fact.Period)
            .Concat(period.Work.Select(fact => fact.Period))
            .FirstOrDefault(fact => !hour.Contains(fact.Start) || fact.End > hour.End);
        if (stray != default)
            throw new ArgumentException($"The fact of {stray} does not lie in the hour {hour}.", nameof(period));
        await PartitionsAsync(dirty.Hour, period, cancellationToken);

        return await database.TransactAsync(
            async (session, token) =>
            {
                await session.LockAsync(AdvisoryLock.Hour, Number(dirty.Hour, TimeSpan.TicksPerHour), token);
                var still = await session.QueryAsync(
                    "SELECT reason FROM dirty_hours WHERE hour = @hour",
                    [("hour", dirty.Hour)],
                    row => DirtyReasonText.Parse(row.Text(0)),
                    token
                );
                if (still.Count == 0)
                    return false;

                var now = await session.NowAsync(token);
                await Dimensions.UpsertAsync(session, period, token);
                (string, object?)[] span = [("from", hour.Start), ("to", hour.End)];
                const string within = "period_start >= @from AND period_start < @to";
                await EnergyFacts(now).ReplaceAsync(session, period.Energy, within, span, token);
                await WorkFacts(now).ReplaceAsync(session, period.Work, within, span, token);
                var rejections = period
                    .Rejections.Select(rejection => new RejectionRecord(RejectionOrigin.Derived, rejection, dirty.Hour))
                    .DistinctBy(row => row.Id)
                    .ToList();
                await RejectionRecord
                    .Table(now, 0)
                    .ReplaceAsync(session, rejections, "hour = @rejected", [("rejected", dirty.Hour)], token);
                var rows = RollUp.Hour(dirty.Hour, period.Energy, period.Work);
                var before = await HoursAsync(session, span, token);
                if (before.Exists(row => row.Final))
                {
                    // What is final stays so, and a row that comes to a final hour is final.
                    rows = [.. rows.Select(row => row with { Final = true })];
                    await Restatements.AppendAsync(session, dirty.Hour, still[0], Restatement.Between(before, rows), now, token);
                }
                await IntensityHours(now).ReplaceAsync(session, rows, within, span, token);

                // Taken after the hour's rows are written: whoever comes second to the day reads the first one's committed hour.
                var day = dirty.Hour.Date;
                await session.LockAsync(AdvisoryLock.Day, Number(day, TimeSpan.TicksPerDay), token);
                (string, object?)[] whole = [("from", day), ("to", day.AddDays(1))];
                await IntensityDays(now)
                    .ReplaceAsync(session, RollUp.Day(day, await HoursAsync(session, whole, token)), within, whole, token);

                await session.ExecuteAsync(
                    "DELETE FROM dirty_hours WHERE hour = @hour AND mark = @mark",
                    [("hour", dirty.Hour), ("mark", dirty.Mark)],
                    token
                );
                return true;
            },
            cancellationToken
        );
    }

    /// <summary>Makes the hours final that have stood while every source was read an hour past their end. What changes in them from then on
    /// is told as a restatement.</summary>
    /// <param name="sources">Ids of the sources that are read. One that fails is not waited for; one that was never read to an end
    /// is.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>How many rows became final.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<int> FinaliseAsync(IReadOnlyCollection<string> sources, CancellationToken cancellationToken)
    {
        var until = await database.ReadAsync(
            async (session, token) =>
            {
                var read = await session.QueryAsync(
                    "SELECT id, watermark, failures FROM source",
                    [],
                    row => (Id: row.Text(0), Watermark: row.TimeOrNull(1), Failures: row.Small(2)),
                    token
                );
                var waited = read.Where(source => source.Failures == 0 && sources.Contains(source.Id))
                    .Select(source => source.Watermark ?? DateTime.MinValue)
                    .ToList();
                if (waited.Count == 0 || waited.Min() < DateTime.UnixEpoch)
                    return (DateTime?)null;
                var end = waited.Min() - Settled;
                var open = await session.QueryAsync(
                    $"SELECT 1 FROM intensity_hours WHERE {Unsettled} LIMIT 1",
                    [("until", end)],
                    row => row.Small(0),
                    token
                );
                return open.Count > 0 ? end : null;
            },
            cancellationToken
        );
        return until is null
            ? 0
            : await database.TransactAsync(
                (session, token) =>
                    session.ExecuteAsync($"UPDATE intensity_hours SET final = true WHERE {Unsettled}", [("until", until)], token),
                cancellationToken
            );
    }

    /// <summary>Shows the catalogue's mappings, and the power models in them as factors. Mappings of earlier versions stay.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task SyncMappingsAsync(MetricCatalogue catalogue, CancellationToken cancellationToken) =>
        database.TransactAsync(
            async (session, token) =>
            {
                await Mappings.UpsertAsync(session, catalogue.Mappings, token);
                await FactorRows.UpsertAsync(session, catalogue.Mappings, token);
            },
            cancellationToken
        );

    /// <summary>Keeps the places and every factor in use, ends those that no longer are, and marks the hours that this can change: no other
    /// hour is computed again.</summary>
    /// <remarks>
    /// An hour is marked when it has samples and a factor holds for it that did not before, or held for it and does not any more. The
    /// factors that went stay, with the time at which they did.
    /// </remarks>
    /// <param name="book">The published factors and the operator's.</param>
    /// <param name="places">The configured places. The PUE of one is a factor of version <c>config</c> that always held, unless the book
    /// has it already.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>How many hours were marked.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<int> SyncFactorsAsync(FactorBook book, IReadOnlyList<Place> places, CancellationToken cancellationToken) =>
        database.TransactAsync(
            async (session, token) =>
            {
                await session.LockAsync(AdvisoryLock.Factor, 0, token);
                var named = places.DistinctBy(place => place.Name).ToList();
                await Dimensions.Places.UpsertAsync(session, named, token);
                var changed = await FactorRows.ReplaceAsync(session, FactorRows.Of(book, named), token);
                return await MarkChangedAsync(session, changed, token);
            },
            cancellationToken
        );

    /// <summary>Gives every series of a source that is stored, in no order.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<IReadOnlyList<Series>> SeriesAsync(string source, CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<Series>>(
            async (session, token) => await SampleWriter.SeriesOfAsync(session, source, token),
            cancellationToken
        );

    /// <summary>Names of the workloads that were ever seen at work or drawing power.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<IReadOnlyList<string>> WorkloadsAsync(CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<string>>(
            async (session, token) => await session.QueryAsync("SELECT DISTINCT workload FROM deployment", [], row => row.Text(0), token),
            cancellationToken
        );

    /// <summary>The sources that were read to the end of a window at least once.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<IReadOnlyList<string>> ReadSourcesAsync(CancellationToken cancellationToken) =>
        database.ReadAsync<IReadOnlyList<string>>(
            async (session, token) =>
                await session.QueryAsync("SELECT id FROM source WHERE watermark IS NOT NULL", [], row => row.Text(0), token),
            cancellationToken
        );

    /// <summary>Makes the stored rejections of one reason these: what is no longer wrong is gone, and what still is keeps the time at which
    /// it was first seen.</summary>
    /// <exception cref="ArgumentException">A rejection has another reason.</exception>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task ReplaceRejectionsAsync(RejectionReason reason, IReadOnlyList<Rejection> rejections, CancellationToken cancellationToken)
    {
        if (rejections.Any(rejection => rejection.Reason != reason))
            throw new ArgumentException($"A rejection is not for {reason}.", nameof(rejections));
        return database.TransactAsync(
            async (session, token) =>
                await RejectionRecord
                    .Table(await session.NowAsync(token), 0)
                    .ReplaceAsync(
                        session,
                        [
                            .. rejections
                                .Select(rejection => new RejectionRecord(RejectionOrigin.Configuration, rejection, null))
                                .DistinctBy(row => row.Id),
                        ],
                        "reason = @reason",
                        [("reason", SnakeCase.Of(reason))],
                        token
                    ),
            cancellationToken
        );
    }

    private async Task PartitionsAsync(DateTime hour, NormalisedPeriod period, CancellationToken cancellationToken)
    {
        if (database.Partitions is not { } partitions)
            return;
        await database.GuardAsync(
            async () =>
            {
                if (period.Energy.Count > 0)
                    await partitions.EnsureAsync("energy_facts", [hour], cancellationToken);
                if (period.Work.Count > 0)
                    await partitions.EnsureAsync("work_facts", [hour], cancellationToken);
            },
            cancellationToken
        );
    }

    private static async Task MarkAllAsync(Session session, CancellationToken cancellationToken)
    {
        await session.BeginMarkingAsync(cancellationToken);
        await session.ExecuteAsync(
            $"""
            INSERT INTO dirty_hours (hour, mark, reason)
            SELECT hour, {session.Database.NextMark}, '{DirtyReason.RulesChanged.Text()}' FROM sample_hours WHERE true ORDER BY hour
            ON CONFLICT (hour) DO UPDATE SET mark = {session.Database.NextMark},
                reason = CASE WHEN dirty_hours.reason = '{DirtyReason.LateData.Text()}' THEN dirty_hours.reason ELSE excluded.reason END
            """,
            cancellationToken
        );
    }

    /// <summary>Marks the hours with samples in which another factor holds than before.</summary>
    private static async Task<int> MarkChangedAsync(
        Session session,
        List<(DateOnly From, DateOnly To)> changed,
        CancellationToken cancellationToken
    )
    {
        if (changed.Count == 0)
            return 0;
        await session.BeginMarkingAsync(cancellationToken);
        var marked = 0;
        foreach (var (from, to) in changed)
        {
            // A reason that is there already weighs more.
            marked += await session.ExecuteAsync(
                $"""
                INSERT INTO dirty_hours (hour, mark, reason)
                SELECT hour, {session.Database.NextMark}, '{DirtyReason.FactorsChanged.Text()}' FROM sample_hours
                WHERE hour >= @from AND hour < @to ORDER BY hour
                ON CONFLICT (hour) DO UPDATE SET mark = {session.Database.NextMark}
                """,
                [
                    ("from", from.ToDateTime(TimeOnly.MinValue, DateTimeKind.Utc)),
                    ("to", to.ToDateTime(TimeOnly.MinValue, DateTimeKind.Utc)),
                ],
                cancellationToken
            );
        }
        return marked;
    }

    /// <summary>Which hour or day since 1970 it is.</summary>
    private static int Number(DateTime time, long length) => (int)((time.Ticks - DateTime.UnixEpoch.Ticks) / length);

    private static async Task<Dictionary<long, List<Sample>>> ReadSamplesAsync(
        Session session,
        Interval interval,
        CancellationToken cancellationToken
    )
    {
        // SQLite has no index by time: one probe of the key for each series reads no more than what is asked for.
        var from = session.Database.IsPostgres ? "samples" : "series CROSS JOIN samples ON samples.series_id = series.id";
        await using var command = session.Command(
            $"SELECT series_id, start, end_at, value FROM {from} WHERE start >= @from AND start <= @to",
            ("from", interval.Start),
            ("to", interval.End)
        );
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var samples = new Dictionary<long, List<Sample>>();
        var row = new Row(reader, session.Database.IsPostgres);
        var last = 0L;
        List<Sample>? list = null;
        while (await reader.ReadAsync(cancellationToken))
        {
            var id = row.Number(0);
            if (list is null || id != last)
            {
                ref var entry = ref CollectionsMarshal.GetValueRefOrAddDefault(samples, id, out _);
                list = entry ??= [];
                last = id;
            }
            list.Add(new(row.Time(1), row.Time(2), row.Double(3)));
        }
        return samples;
    }

    private static readonly Measure[] PeriodMeasures = [.. Measures.HeldBy(MeasureHolders.Periods)];

    private static readonly string HourColumns = string.Join(
        ", ",
        [
            "deployment_id",
            "functional_unit",
            "period_start",
            "period_end",
            "evidence",
            "factors",
            "missing",
            "cover_kinds",
            "idle_by",
            "final",
            .. PeriodMeasures.Select(measure => measure.Column),
        ]
    );

    /// <summary>The rows of the hours of a span.</summary>
    private static Task<List<PeriodSums>> HoursAsync(
        Session session,
        (string, object?)[] span,
        CancellationToken cancellationToken,
        string more = ""
    ) =>
        session.QueryAsync(
            $"SELECT {HourColumns} FROM intensity_hours WHERE period_start >= @from AND period_start < @to {more}",
            span,
            row =>
            {
                var column = 0;
                return new PeriodSums
                {
                    DeploymentId = row.Number(column++),
                    FunctionalUnit = row.Text(column++),
                    PeriodStart = row.Time(column++),
                    PeriodEnd = row.Time(column++),
                    Evidence = (Evidence)row.Small(column++),
                    Factors = row.Text(column++),
                    Missing = (MissingReasons)row.Small(column++),
                    CoverKinds = (CoverKinds)row.Small(column++),
                    IdleBy = (IdleMeans)row.Small(column++),
                    Final = row.Flag(column++),
                    Values = MeasureValues.Of(PeriodMeasures, measure => row.DoubleOrNull(column + measure)),
                };
            },
            cancellationToken
        );

    private static readonly RowSet<MetricMapping> Mappings = new(
        "metric_mappings",
        ["id", "version"],
        [
            Column.Of("id", NpgsqlDbType.Text, (MetricMapping row) => row.Id),
            Column.Of("version", NpgsqlDbType.Integer, (MetricMapping row) => row.Version),
            Column.Of("provider", NpgsqlDbType.Text, (MetricMapping row) => row.Provider),
            Column.Of("metrics", NpgsqlDbType.Text, (MetricMapping row) => string.Join(' ', row.Metrics)),
            Column.Of("quantity", NpgsqlDbType.Text, (MetricMapping row) => SnakeCase.Of(row.Unit.Quantity)),
            Column.Of("unit", NpgsqlDbType.Text, (MetricMapping row) => row.Unit.Symbol),
            Column.Of("kind", NpgsqlDbType.Text, (MetricMapping row) => SnakeCase.Of(row.Kind)),
            Column.Of("component", NpgsqlDbType.Text, (MetricMapping row) => SnakeCase.Of(row.Component)),
            Column.Of("functional_unit", NpgsqlDbType.Text, (MetricMapping row) => row.FunctionalUnit),
            Column.Of("evidence", NpgsqlDbType.Smallint, (MetricMapping row) => (short)row.Evidence),
            Column.Of("effective_from", NpgsqlDbType.Date, (MetricMapping row) => row.EffectiveFrom),
            Column.Of("reference", NpgsqlDbType.Text, (MetricMapping row) => row.Reference),
        ]
    );

    private static RowSet<EnergyFact> EnergyFacts(DateTime now) =>
        new(
            "energy_facts",
            ["deployment_id", "resource_id", "period_start"],
            [
                Column.Of("deployment_id", NpgsqlDbType.Bigint, (EnergyFact fact) => fact.Deployment.Id),
                Column.Of("resource_id", NpgsqlDbType.Bigint, (EnergyFact fact) => fact.Resource.Id),
                Column.Of("period_start", NpgsqlDbType.TimestampTz, (EnergyFact fact) => fact.Period.Start),
                Column.Of("period_end", NpgsqlDbType.TimestampTz, (EnergyFact fact) => fact.Period.End),
                .. Measures.HeldBy(MeasureHolders.Facts).Select(measure => Of(measure, (EnergyFact fact) => fact[measure])),
                Column.Of("evidence", NpgsqlDbType.Smallint, (EnergyFact fact) => (short)fact.Evidence),
                Column.Of("cover", NpgsqlDbType.Smallint, (EnergyFact fact) => (short)fact.Cover),
                Column.Of("mappings", NpgsqlDbType.Text, (EnergyFact fact) => fact.Mappings),
                Column.Of("factors", NpgsqlDbType.Text, (EnergyFact fact) => fact.Factors),
                Column.Of("missing", NpgsqlDbType.Integer, (EnergyFact fact) => (int)fact.Missing),
                Column.Of("recomputed_at", NpgsqlDbType.TimestampTz, (EnergyFact _) => now),
            ],
            "recomputed_at"
        );

    private static RowSet<WorkFact> WorkFacts(DateTime now) =>
        new(
            "work_facts",
            ["deployment_id", "functional_unit", "period_start"],
            [
                Column.Of("deployment_id", NpgsqlDbType.Bigint, (WorkFact fact) => fact.Deployment.Id),
                Column.Of("functional_unit", NpgsqlDbType.Text, (WorkFact fact) => fact.FunctionalUnit),
                Column.Of("period_start", NpgsqlDbType.TimestampTz, (WorkFact fact) => fact.Period.Start),
                Column.Of("period_end", NpgsqlDbType.TimestampTz, (WorkFact fact) => fact.Period.End),
                Column.Of(Measures.Units.Column, NpgsqlDbType.Double, (WorkFact fact) => fact.Units),
                Column.Of(Measures.Covered.Column, NpgsqlDbType.Double, (WorkFact fact) => fact.Covered),
                Column.Of("counted_seconds", NpgsqlDbType.Double, (WorkFact fact) => fact.Counted),
                Column.Of(Measures.Present.Column, NpgsqlDbType.Double, (WorkFact fact) => fact.Present),
                Column.Of("evidence", NpgsqlDbType.Smallint, (WorkFact fact) => (short)fact.Evidence),
                Column.Of("mappings", NpgsqlDbType.Text, (WorkFact fact) => fact.Mappings),
                Column.Of("recomputed_at", NpgsqlDbType.TimestampTz, (WorkFact _) => now),
            ],
            "recomputed_at"
        );

    // Whether a row is final does not tell when its numbers changed.
    private static RowSet<PeriodSums> IntensityHours(DateTime now) =>
        new(
            "intensity_hours",
            ["deployment_id", "functional_unit", "period_start"],
            [.. Intensities(now), Column.Of("final", NpgsqlDbType.Boolean, (PeriodSums row) => row.Final)],
            "recomputed_at",
            "final"
        );

    private static RowSet<PeriodSums> IntensityDays(DateTime now) =>
        new("intensity_days", ["deployment_id", "functional_unit", "period_start"], Intensities(now), "recomputed_at");

    private static Column<PeriodSums>[] Intensities(DateTime now) =>
        [
            Column.Of("deployment_id", NpgsqlDbType.Bigint, (PeriodSums row) => row.DeploymentId),
            Column.Of("functional_unit", NpgsqlDbType.Text, (PeriodSums row) => row.FunctionalUnit),
            Column.Of("period_start", NpgsqlDbType.TimestampTz, (PeriodSums row) => row.PeriodStart),
            Column.Of("period_end", NpgsqlDbType.TimestampTz, (PeriodSums row) => row.PeriodEnd),
            Column.Of("date", NpgsqlDbType.Date, (PeriodSums row) => DateOnly.FromDateTime(row.PeriodStart)),
            Column.Of("date_key", NpgsqlDbType.Integer, (PeriodSums row) => DateKey(row.PeriodStart)),
            .. PeriodMeasures.Select(measure => Of(measure, (PeriodSums row) => row[measure])),
            Column.Of("evidence", NpgsqlDbType.Smallint, (PeriodSums row) => (short)row.Evidence),
            Column.Of("factors", NpgsqlDbType.Text, (PeriodSums row) => row.Factors),
            Column.Of("missing", NpgsqlDbType.Integer, (PeriodSums row) => (int)row.Missing),
            Column.Of("cover_kinds", NpgsqlDbType.Integer, (PeriodSums row) => (int)row.CoverKinds),
            Column.Of("idle_by", NpgsqlDbType.Integer, (PeriodSums row) => (int)row.IdleBy),
            Column.Of("recomputed_at", NpgsqlDbType.TimestampTz, (PeriodSums _) => now),
        ];

    private static Column<T> Of<T>(Measure measure, Func<T, double?> value) =>
        measure.Always
            ? Column.Of(measure.Column, NpgsqlDbType.Double, (T row) => value(row) ?? 0)
            : Column.Of(measure.Column, NpgsqlDbType.Double, value);

    private static int DateKey(DateTime time) => time.Year * 10_000 + time.Month * 100 + time.Day;
}
