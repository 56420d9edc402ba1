using System.Globalization;
using System.Runtime.InteropServices;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Storage.Tables;
using NpgsqlTypes;

namespace Metrics.Storage;

/// <summary>An hour whose facts are older than its samples.</summary>
/// <param name="Hour">Its first instant, UTC.</param>
/// <param name="Mark">The marking that was seen; facts are kept as final for this marking only.</param>
public sealed record DirtyHour(DateTime Hour, long Mark);

/// <summary>What was concluded: facts, their roll-ups and the dimensions. Safe for many threads and processes.</summary>
/// <remarks>An hour is replaced as a whole in one transaction, and a row that comes out equal is not touched: a recompute without news changes nothing.</remarks>
public sealed class FactStore
{
    // The first halves of two-part advisory locks.
    private const int HourLock = 0x4D484F55, DayLock = 0x4D444159, HardwareLock = 0x4D484152;

    private readonly Database database;

    internal FactStore(Database database) => this.database = database;

    /// <summary>Dirty hours, the newest first, so that what people look at is brought up to date before a backfill is.</summary>
    /// <param name="most">How many at most.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<IReadOnlyList<DirtyHour>> DirtyHoursAsync(int most, CancellationToken cancellationToken) =>
        await database.ReadAsync((session, token) => session.QueryAsync("SELECT hour, mark FROM dirty_hours ORDER BY hour DESC LIMIT @most", [("most", (long)most)],
            row => new DirtyHour(row.Time(0), row.Number(1)), token), cancellationToken);

    /// <summary>Marks every hour that has samples, so that all facts are made again.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task MarkAllDirtyAsync(CancellationToken cancellationToken) => database.TransactAsync(MarkAllAsync, cancellationToken);

    /// <summary>Marks every hour when the rules that facts are made by are others than last time.</summary>
    /// <param name="fingerprint">Stands for mappings, places, workload rules and grain: equal when they are.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>Whether they had changed.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<bool> MarkDirtyIfChangedAsync(string fingerprint, CancellationToken cancellationToken) =>
        database.TransactAsync(async (session, token) =>
        {
            var changed = await session.ExecuteAsync("""
                INSERT INTO settings (name, value) VALUES ('rules', @fingerprint) ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE settings.value <> excluded.value
                """, [("fingerprint", fingerprint)], token);
            if (changed > 0) await MarkAllAsync(session, token);
            return changed > 0;
        }, cancellationToken);

    /// <summary>Every series with samples that start within the interval, both ends included, ordered by key.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<IReadOnlyList<SeriesSamples>> SamplesAsync(Interval interval, CancellationToken cancellationToken) =>
        await database.ReadAsync(async (session, token) =>
        {
            var samples = await ReadSamplesAsync(session, interval, token);
            var known = new Dictionary<long, Series>(samples.Count);
            var unknown = new List<long>();
            foreach (var id in samples.Keys)
            {
                if (database.Series.Find(id) is { } series) known[id] = series;
                else unknown.Add(id);
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
                    if (span[i - 1].Start < span[i].Start) continue;
                    span.Sort(static (a, b) => a.Start.CompareTo(b.Start));
                    break;
                }
                result.Add(new(known[id], list.ToArray()));
            }
            return result;
        }, cancellationToken);

    /// <summary>Makes the facts, derived rejections and roll-ups of one hour what the period says, and the hour clean if it was not marked again meanwhile.</summary>
    /// <param name="dirty">The hour, with the mark that was seen before its samples were read.</param>
    /// <param name="period">Everything concluded for that hour.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>False when the hour is no longer dirty: another worker was here with samples at least as new, and nothing was written.</returns>
    /// <exception cref="ArgumentException">A fact lies outside the hour.</exception>
    /// <exception cref="StorageException">The database failed and nothing was written.</exception>
    public async Task<bool> ReplaceHourAsync(DirtyHour dirty, NormalisedPeriod period, CancellationToken cancellationToken)
    {
        var hour = new Interval(dirty.Hour, dirty.Hour.AddHours(1));
        var stray = period.Energy.Select(fact => fact.Period).Concat(period.Work.Select(fact => fact.Period)).FirstOrDefault(fact => !hour.Contains(fact.Start) || fact.End > hour.End);
        if (stray != default) throw new ArgumentException($"The fact of {stray} does not lie in the hour {hour}.", nameof(period));
        await PartitionsAsync(dirty.Hour, period, cancellationToken);

        return await database.TransactAsync(async (session, token) =>
        {
            await LockAsync(session, HourLock, dirty.Hour, TimeSpan.TicksPerHour, token);
            var still = await session.QueryAsync("SELECT mark FROM dirty_hours WHERE hour = @hour", [("hour", dirty.Hour)], row => row.Number(0), token);
            if (still.Count == 0) return false;

            var now = await session.NowAsync(token);
            await KeepDimensionsAsync(session, period, token);
            (string, object?)[] span = [("from", hour.Start), ("to", hour.End)];
            const string within = "period_start >= @from AND period_start < @to";
            await EnergyFacts(now).ReplaceAsync(session, period.Energy, within, span, token);
            await WorkFacts(now).ReplaceAsync(session, period.Work, within, span, token);
            var rejections = period.Rejections.Select(rejection => new RejectionRecord("derived", rejection, dirty.Hour)).DistinctBy(row => row.Id).ToList();
            await RejectionRecord.Table(now, 0).ReplaceAsync(session, rejections, "hour = @rejected", [("rejected", dirty.Hour)], token);
            await Intensities("intensity_hours", now).ReplaceAsync(session, RollUp.Hour(dirty.Hour, period.Energy, period.Work), within, span, token);

            // Taken after the hour's rows are written: whoever comes second to the day reads the first one's committed hour.
            var day = dirty.Hour.Date;
            await LockAsync(session, DayLock, day, TimeSpan.TicksPerDay, token);
            (string, object?)[] whole = [("from", day), ("to", day.AddDays(1))];
            await Intensities("intensity_days", now).ReplaceAsync(session, RollUp.Day(day, await HoursAsync(session, whole, token)), within, whole, token);

            await session.ExecuteAsync("DELETE FROM dirty_hours WHERE hour = @hour AND mark = @mark", [("hour", dirty.Hour), ("mark", dirty.Mark)], token);
            return true;
        }, cancellationToken);
    }

    /// <summary>Shows the catalogue's mappings, and the power models in them as factors. Mappings of earlier versions stay.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task SyncMappingsAsync(MetricCatalogue catalogue, CancellationToken cancellationToken) =>
        database.TransactAsync(async (session, token) =>
        {
            await Mappings.KeepAsync(session, catalogue.Mappings, token);
            var factors = new List<FactorRow>();
            foreach (var mapping in catalogue.Mappings)
            {
                if (mapping.Power is not { } power) continue;
                factors.Add(Factor("idle_power", power.IdleWatts));
                factors.Add(Factor("max_power", power.MaxWatts));

                FactorRow Factor(string kind, double watts) => new()
                {
                    Id = Identity.Of("factor", kind, mapping.Id, mapping.Version.ToString(CultureInfo.InvariantCulture)),
                    Kind = kind,
                    Method = mapping.Id,
                    Value = watts,
                    Unit = "W",
                    Source = power.Reference,
                    Version = mapping.Version,
                };
            }
            await Factors.KeepAsync(session, factors, token);
        }, cancellationToken);

    /// <summary>Shows the places, and their PUE as factors. A PUE that changes ends one version of the factor and begins the next.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task SyncPlacesAsync(IReadOnlyList<Place> places, CancellationToken cancellationToken) =>
        database.TransactAsync(async (session, token) =>
        {
            await Places.KeepAsync(session, [.. places.DistinctBy(place => place.Name)], token);
            var now = await session.NowAsync(token);
            foreach (var place in places.DistinctBy(place => place.Name).OrderBy(place => place.Name, StringComparer.Ordinal))
            {
                var last = await session.QueryAsync("SELECT value, valid_to, version FROM factor WHERE kind = 'pue' AND place = @place ORDER BY version DESC LIMIT 1", [("place", place.Name)],
                    row => (Value: row.Double(0), Ended: !row.IsNull(1), Version: row.Small(2)), token);
                var inForce = last.Count > 0 && !last[0].Ended ? last[0].Value : (double?)null;
                if (inForce == place.Pue) continue;
                await session.ExecuteAsync("UPDATE factor SET valid_to = @now WHERE kind = 'pue' AND place = @place AND valid_to IS NULL", [("place", place.Name), ("now", now)], token);
                if (place.Pue is not { } pue) continue;
                var version = last.Count == 0 ? 1 : last[0].Version + 1;
                await Factors.KeepAsync(session,
                [
                    new()
                    {
                        Id = Identity.Of("factor", "pue", place.Name, version.ToString(CultureInfo.InvariantCulture)),
                        Kind = "pue",
                        Place = place.Name,
                        Value = pue,
                        Unit = "1",
                        Source = "configuration",
                        Version = version,
                    },
                ], token);
            }
        }, cancellationToken);

    /// <summary>Forgets samples, and facts when asked, of whole UTC months before a time. Roll-ups of hours and days stay, and what is forgotten is not computed again.</summary>
    /// <param name="samples">Samples of months that end at or before it go.</param>
    /// <param name="facts">Facts of months that end at or before it go; null keeps them all.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="StorageException">The database failed. Code <c>busy</c>: a long query reads the table; call again.</exception>
    public async Task DropBeforeAsync(DateTime samples, DateTime? facts, CancellationToken cancellationToken)
    {
        var month = Month(samples);
        // First, so that no recompute begins that would find the samples gone. The first hour kept needs a neighbour that goes.
        await database.TransactAsync(async (session, token) =>
        {
            await session.ExecuteAsync("DELETE FROM sample_hours WHERE hour <= @month", [("month", month)], token);
            await session.ExecuteAsync("DELETE FROM dirty_hours WHERE hour <= @month", [("month", month)], token);
        }, cancellationToken);
        await DropAsync("samples", "start", month, cancellationToken);
        if (facts is not { } until) return;
        await DropAsync("energy_facts", "period_start", Month(until), cancellationToken);
        await DropAsync("work_facts", "period_start", Month(until), cancellationToken);
    }

    private static DateTime Month(DateTime time) => new(time.Year, time.Month, 1, 0, 0, 0, DateTimeKind.Utc);

    private Task DropAsync(string table, string column, DateTime month, CancellationToken cancellationToken) => database.Partitions is { } partitions
        ? database.GuardAsync(() => partitions.DropBeforeAsync(table, month, cancellationToken), cancellationToken)
        : database.TransactAsync((session, token) => session.ExecuteAsync($"DELETE FROM {table} WHERE {column} < @month", [("month", month)], token), cancellationToken);

    private async Task PartitionsAsync(DateTime hour, NormalisedPeriod period, CancellationToken cancellationToken)
    {
        if (database.Partitions is not { } partitions) return;
        await database.GuardAsync(async () =>
        {
            if (period.Energy.Count > 0) await partitions.EnsureAsync("energy_facts", [hour], cancellationToken);
            if (period.Work.Count > 0) await partitions.EnsureAsync("work_facts", [hour], cancellationToken);
        }, cancellationToken);
    }

    private static async Task MarkAllAsync(Session session, CancellationToken cancellationToken)
    {
        await session.BeginMarkingAsync(cancellationToken);
        await session.ExecuteAsync($"""
            INSERT INTO dirty_hours (hour, mark) SELECT hour, {session.Database.NextMark} FROM sample_hours WHERE true ORDER BY hour
            ON CONFLICT (hour) DO UPDATE SET mark = {session.Database.NextMark}
            """, cancellationToken);
    }

    private static Task LockAsync(Session session, int kind, DateTime time, long length, CancellationToken cancellationToken) => session.Database.IsPostgres
        ? session.ExecuteAsync("SELECT pg_advisory_xact_lock(@kind, @number)", [("kind", kind), ("number", (int)((time.Ticks - DateTime.UnixEpoch.Ticks) / length))], cancellationToken)
        : Task.CompletedTask;

    private static async Task<Dictionary<long, List<Sample>>> ReadSamplesAsync(Session session, Interval interval, CancellationToken cancellationToken)
    {
        // SQLite has no index by time: one probe of the key for each series reads no more than what is asked for.
        var from = session.Database.IsPostgres ? "samples" : "series CROSS JOIN samples ON samples.series_id = series.id";
        await using var command = session.Command($"SELECT series_id, start, end_at, value FROM {from} WHERE start >= @from AND start <= @to", ("from", interval.Start), ("to", interval.End));
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

    private static Task<List<IntensityRow>> HoursAsync(Session session, (string, object?)[] span, CancellationToken cancellationToken) => session.QueryAsync("""
        SELECT deployment_id, functional_unit, period_start, period_end, units, accelerator_joules, server_joules, facility_joules, rack_joules, idle_joules,
            known_joules, measured_joules, covered_seconds, evidence
        FROM intensity_hours WHERE period_start >= @from AND period_start < @to
        """, span, IntensityRow (row) => new IntensityHourRow
    {
        DeploymentId = row.Number(0),
        FunctionalUnit = row.Text(1),
        PeriodStart = row.Time(2),
        PeriodEnd = row.Time(3),
        Units = row.DoubleOrNull(4),
        AcceleratorJoules = row.DoubleOrNull(5),
        ServerJoules = row.DoubleOrNull(6),
        FacilityJoules = row.DoubleOrNull(7),
        RackJoules = row.DoubleOrNull(8),
        IdleJoules = row.DoubleOrNull(9),
        KnownJoules = row.DoubleOrNull(10),
        MeasuredJoules = row.Double(11),
        CoveredSeconds = row.Double(12),
        Evidence = (Evidence)row.Small(13),
    }, cancellationToken);

    private static async Task KeepDimensionsAsync(Session session, NormalisedPeriod period, CancellationToken cancellationToken)
    {
        var deployments = period.Energy.Select(fact => fact.Deployment).Concat(period.Work.Select(fact => fact.Deployment)).DistinctBy(deployment => deployment.Id).ToList();
        if (deployments.Count == 0) return;
        await Places.KeepAsync(session, [.. deployments.Select(deployment => deployment.Place).Concat(period.Energy.Select(fact => fact.Resource.Place)).DistinctBy(place => place.Name)], cancellationToken);
        await Workloads.KeepAsync(session, [.. deployments.Select(deployment => deployment.Workload).DistinctBy(workload => workload.Name)], cancellationToken);
        await Deployments.UpsertAsync(session, [.. deployments.Select(deployment => new DeploymentRow { Id = deployment.Id, Workload = deployment.Workload.Name, Place = deployment.Place.Name })], null, cancellationToken);

        var changed = await KeepResourcesAsync(session, period.Energy, cancellationToken);
        changed += await Links.KeepAsync(session, [.. period.Energy.Select(fact => (fact.Deployment.Id, fact.Resource.Id)).Distinct()
            .Select(link => new DeploymentResourceRow { DeploymentId = link.Item1, ResourceId = link.Item2 })], cancellationToken);
        if (changed > 0) await KeepHardwareAsync(session, deployments, cancellationToken);
    }

    /// <summary>What is known of a resource stays known: an hour that lacks its label does not unlearn it, in whatever order hours come.</summary>
    private static async Task<int> KeepResourcesAsync(Session session, IReadOnlyList<EnergyFact> facts, CancellationToken cancellationToken)
    {
        var rows = new Dictionary<long, ResourceRow>();
        foreach (var fact in facts)
        {
            var resource = fact.Resource;
            if (!rows.TryGetValue(resource.Id, out var row))
                rows[resource.Id] = row = new ResourceRow { Id = resource.Id, Kind = resource.Kind, Name = resource.Name, Place = resource.Place.Name };
            row.Node = Known(row.Node, resource.Node);
            row.Hardware = Known(row.Hardware, resource.Hardware);
            row.Accelerator |= fact.AcceleratorJoules is not null;
        }
        var among = session.Database.IsPostgres ? "= ANY(@ids)" : "IN (SELECT value FROM json_each(@ids))";
        object ids = session.Database.IsPostgres ? rows.Keys.ToArray() : System.Text.Json.JsonSerializer.Serialize(rows.Keys);
        var stored = await session.QueryAsync($"SELECT id, node, hardware, accelerator FROM resource WHERE id {among}", [("ids", ids)],
            row => (Id: row.Number(0), Node: row.TextOrNull(1), Hardware: row.TextOrNull(2), Accelerator: row.Flag(3)), cancellationToken);
        foreach (var (id, node, hardware, accelerator) in stored)
        {
            rows[id].Node = Known(rows[id].Node, node);
            rows[id].Hardware = Known(rows[id].Hardware, hardware);
            rows[id].Accelerator |= accelerator;
        }
        return await Resources.KeepAsync(session, [.. rows.Values], cancellationToken);

        // Two names for one thing: which of them is shown does not matter, that it is always the same does.
        static string? Known(string? a, string? b) => string.CompareOrdinal(a, b) >= 0 ? a : b;
    }

    private static async Task KeepHardwareAsync(Session session, List<Deployment> deployments, CancellationToken cancellationToken)
    {
        await LockAsync(session, HardwareLock, DateTime.UnixEpoch, 1, cancellationToken);
        var among = session.Database.IsPostgres ? "= ANY(@ids)" : "IN (SELECT value FROM json_each(@ids))";
        var keys = deployments.Select(deployment => deployment.Id).ToArray();
        object ids = session.Database.IsPostgres ? keys : System.Text.Json.JsonSerializer.Serialize(keys);
        var resources = await session.QueryAsync(
            $"SELECT l.deployment_id, r.hardware, r.accelerator FROM deployment_resources l JOIN resource r ON r.id = l.resource_id WHERE l.deployment_id {among}", [("ids", ids)],
            row => (Deployment: row.Number(0), Hardware: row.TextOrNull(1), Accelerator: row.Flag(2)), cancellationToken);
        var of = resources.ToLookup(resource => resource.Deployment);
        await Deployments.KeepAsync(session, [.. deployments.Select(deployment => new DeploymentRow
        {
            Id = deployment.Id,
            Workload = deployment.Workload.Name,
            Place = deployment.Place.Name,
            Hardware = string.Join(", ", of[deployment.Id].Select(resource => resource.Hardware).OfType<string>().Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)) is { Length: > 0 } models ? models : null,
            Accelerators = of[deployment.Id].Count(resource => resource.Accelerator) is > 0 and var accelerators ? accelerators : null,
        })], cancellationToken);
    }

    private static readonly RowSet<Place> Places = new("places", ["name"],
    [
        Column.Of("name", NpgsqlDbType.Text, (Place row) => row.Name),
        Column.Of("provider", NpgsqlDbType.Text, (Place row) => row.Provider),
        Column.Of("region", NpgsqlDbType.Text, (Place row) => row.Region),
        Column.Of("country", NpgsqlDbType.Text, (Place row) => row.Country),
        Column.Of("pue", NpgsqlDbType.Double, (Place row) => row.Pue),
    ]);

    private static readonly RowSet<Workload> Workloads = new("workload", ["name"],
    [
        Column.Of("name", NpgsqlDbType.Text, (Workload row) => row.Name),
        Column.Of("model", NpgsqlDbType.Text, (Workload row) => row.Model),
        Column.Of("precision", NpgsqlDbType.Text, (Workload row) => row.Precision),
    ]);

    private static readonly RowSet<DeploymentRow> Deployments = new("deployment", ["id"],
    [
        Column.Of("id", NpgsqlDbType.Bigint, (DeploymentRow row) => row.Id),
        Column.Of("workload", NpgsqlDbType.Text, (DeploymentRow row) => row.Workload),
        Column.Of("place", NpgsqlDbType.Text, (DeploymentRow row) => row.Place),
        Column.Of("hardware", NpgsqlDbType.Text, (DeploymentRow row) => row.Hardware),
        Column.Of("accelerators", NpgsqlDbType.Integer, (DeploymentRow row) => row.Accelerators),
    ]);

    private static readonly RowSet<ResourceRow> Resources = new("resource", ["id"],
    [
        Column.Of("id", NpgsqlDbType.Bigint, (ResourceRow row) => row.Id),
        Column.Of("kind", NpgsqlDbType.Text, (ResourceRow row) => row.Kind),
        Column.Of("name", NpgsqlDbType.Text, (ResourceRow row) => row.Name),
        Column.Of("node", NpgsqlDbType.Text, (ResourceRow row) => row.Node),
        Column.Of("hardware", NpgsqlDbType.Text, (ResourceRow row) => row.Hardware),
        Column.Of("place", NpgsqlDbType.Text, (ResourceRow row) => row.Place),
        Column.Of("accelerator", NpgsqlDbType.Boolean, (ResourceRow row) => row.Accelerator),
    ]);

    private static readonly RowSet<DeploymentResourceRow> Links = new("deployment_resources", ["deployment_id", "resource_id"],
    [
        Column.Of("deployment_id", NpgsqlDbType.Bigint, (DeploymentResourceRow row) => row.DeploymentId),
        Column.Of("resource_id", NpgsqlDbType.Bigint, (DeploymentResourceRow row) => row.ResourceId),
    ]);

    private static readonly RowSet<FactorRow> Factors = new("factor", ["id"],
    [
        Column.Of("id", NpgsqlDbType.Bigint, (FactorRow row) => row.Id),
        Column.Of("kind", NpgsqlDbType.Text, (FactorRow row) => row.Kind),
        Column.Of("place", NpgsqlDbType.Text, (FactorRow row) => row.Place),
        Column.Of("method", NpgsqlDbType.Text, (FactorRow row) => row.Method),
        Column.Of("value", NpgsqlDbType.Double, (FactorRow row) => row.Value),
        Column.Of("unit", NpgsqlDbType.Text, (FactorRow row) => row.Unit),
        Column.Of("source", NpgsqlDbType.Text, (FactorRow row) => row.Source),
        Column.Of("version", NpgsqlDbType.Integer, (FactorRow row) => row.Version),
    ]);

    private static readonly RowSet<MetricMapping> Mappings = new("metric_mappings", ["id", "version"],
    [
        Column.Of("id", NpgsqlDbType.Text, (MetricMapping row) => row.Id),
        Column.Of("version", NpgsqlDbType.Integer, (MetricMapping row) => row.Version),
        Column.Of("provider", NpgsqlDbType.Text, (MetricMapping row) => row.Provider),
        Column.Of("metrics", NpgsqlDbType.Text, (MetricMapping row) => string.Join(' ', row.Metrics)),
        Column.Of("quantity", NpgsqlDbType.Text, (MetricMapping row) => MetricsDbContext.Snake(row.Unit.Quantity.ToString())),
        Column.Of("unit", NpgsqlDbType.Text, (MetricMapping row) => row.Unit.Symbol),
        Column.Of("kind", NpgsqlDbType.Text, (MetricMapping row) => MetricsDbContext.Snake(row.Kind.ToString())),
        Column.Of("component", NpgsqlDbType.Text, (MetricMapping row) => MetricsDbContext.Snake(row.Component.ToString())),
        Column.Of("functional_unit", NpgsqlDbType.Text, (MetricMapping row) => row.FunctionalUnit),
        Column.Of("evidence", NpgsqlDbType.Smallint, (MetricMapping row) => (short)row.Evidence),
        Column.Of("effective_from", NpgsqlDbType.Date, (MetricMapping row) => row.EffectiveFrom),
        Column.Of("reference", NpgsqlDbType.Text, (MetricMapping row) => row.Reference),
    ]);

    private static RowSet<EnergyFact> EnergyFacts(DateTime now) => new("energy_facts", ["deployment_id", "resource_id", "period_start"],
    [
        Column.Of("deployment_id", NpgsqlDbType.Bigint, (EnergyFact fact) => fact.Deployment.Id),
        Column.Of("resource_id", NpgsqlDbType.Bigint, (EnergyFact fact) => fact.Resource.Id),
        Column.Of("period_start", NpgsqlDbType.TimestampTz, (EnergyFact fact) => fact.Period.Start),
        Column.Of("period_end", NpgsqlDbType.TimestampTz, (EnergyFact fact) => fact.Period.End),
        Column.Of("accelerator_joules", NpgsqlDbType.Double, (EnergyFact fact) => fact.AcceleratorJoules),
        Column.Of("server_joules", NpgsqlDbType.Double, (EnergyFact fact) => fact.ServerJoules),
        Column.Of("facility_joules", NpgsqlDbType.Double, (EnergyFact fact) => fact.FacilityJoules),
        Column.Of("rack_joules", NpgsqlDbType.Double, (EnergyFact fact) => fact.RackJoules),
        Column.Of("idle_joules", NpgsqlDbType.Double, (EnergyFact fact) => fact.IdleJoules),
        Column.Of("measured_joules", NpgsqlDbType.Double, (EnergyFact fact) => fact.MeasuredJoules),
        Column.Of("covered_seconds", NpgsqlDbType.Double, (EnergyFact fact) => fact.CoveredSeconds),
        Column.Of("evidence", NpgsqlDbType.Smallint, (EnergyFact fact) => (short)fact.Evidence),
        Column.Of("cover", NpgsqlDbType.Text, (EnergyFact fact) => fact.Cover),
        Column.Of("mappings", NpgsqlDbType.Text, (EnergyFact fact) => fact.Mappings),
        Column.Of("recomputed_at", NpgsqlDbType.TimestampTz, (EnergyFact _) => now),
    ], "recomputed_at");

    private static RowSet<WorkFact> WorkFacts(DateTime now) => new("work_facts", ["deployment_id", "functional_unit", "period_start"],
    [
        Column.Of("deployment_id", NpgsqlDbType.Bigint, (WorkFact fact) => fact.Deployment.Id),
        Column.Of("functional_unit", NpgsqlDbType.Text, (WorkFact fact) => fact.FunctionalUnit),
        Column.Of("period_start", NpgsqlDbType.TimestampTz, (WorkFact fact) => fact.Period.Start),
        Column.Of("period_end", NpgsqlDbType.TimestampTz, (WorkFact fact) => fact.Period.End),
        Column.Of("units", NpgsqlDbType.Double, (WorkFact fact) => fact.Units),
        Column.Of("covered_seconds", NpgsqlDbType.Double, (WorkFact fact) => fact.CoveredSeconds),
        Column.Of("evidence", NpgsqlDbType.Smallint, (WorkFact fact) => (short)fact.Evidence),
        Column.Of("mappings", NpgsqlDbType.Text, (WorkFact fact) => fact.Mappings),
        Column.Of("recomputed_at", NpgsqlDbType.TimestampTz, (WorkFact _) => now),
    ], "recomputed_at");

    private static RowSet<IntensityRow> Intensities(string table, DateTime now) => new(table, ["deployment_id", "functional_unit", "period_start"],
    [
        Column.Of("deployment_id", NpgsqlDbType.Bigint, (IntensityRow row) => row.DeploymentId),
        Column.Of("functional_unit", NpgsqlDbType.Text, (IntensityRow row) => row.FunctionalUnit),
        Column.Of("period_start", NpgsqlDbType.TimestampTz, (IntensityRow row) => row.PeriodStart),
        Column.Of("period_end", NpgsqlDbType.TimestampTz, (IntensityRow row) => row.PeriodEnd),
        Column.Of("date", NpgsqlDbType.Date, (IntensityRow row) => row.Date),
        Column.Of("date_key", NpgsqlDbType.Integer, (IntensityRow row) => row.DateKey),
        Column.Of("units", NpgsqlDbType.Double, (IntensityRow row) => row.Units),
        Column.Of("accelerator_joules", NpgsqlDbType.Double, (IntensityRow row) => row.AcceleratorJoules),
        Column.Of("server_joules", NpgsqlDbType.Double, (IntensityRow row) => row.ServerJoules),
        Column.Of("facility_joules", NpgsqlDbType.Double, (IntensityRow row) => row.FacilityJoules),
        Column.Of("rack_joules", NpgsqlDbType.Double, (IntensityRow row) => row.RackJoules),
        Column.Of("idle_joules", NpgsqlDbType.Double, (IntensityRow row) => row.IdleJoules),
        Column.Of("known_joules", NpgsqlDbType.Double, (IntensityRow row) => row.KnownJoules),
        Column.Of("measured_joules", NpgsqlDbType.Double, (IntensityRow row) => row.MeasuredJoules),
        Column.Of("covered_seconds", NpgsqlDbType.Double, (IntensityRow row) => row.CoveredSeconds),
        Column.Of("evidence", NpgsqlDbType.Smallint, (IntensityRow row) => (short)row.Evidence),
        Column.Of("recomputed_at", NpgsqlDbType.TimestampTz, (IntensityRow _) => now),
    ], "recomputed_at");
}
