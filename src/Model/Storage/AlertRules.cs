using System.Globalization;
using System.Text.Json.Nodes;

namespace Metrics.Storage;

/// <summary>When somebody wants to be told of an intensity: a sum of joules over a sum of units.</summary>
/// <param name="Id">Identity.</param>
/// <param name="Name">What people call it.</param>
/// <param name="Kind"><c>threshold</c> or <c>drift</c>.</param>
/// <param name="Workload">Null: each workload by itself.</param>
/// <param name="FunctionalUnit">What work is counted in.</param>
/// <param name="Boundary"><c>accelerator</c>, <c>server</c> or <c>facility</c>.</param>
/// <param name="Comparison"><c>above</c> or <c>below</c>; of drift also <c>either</c>.</param>
/// <param name="Threshold">Joules per unit; of drift the share that the intensity differs by, 0.2 for a fifth.</param>
/// <param name="WindowHours">Whole hours that are summed up, to the last complete one.</param>
/// <param name="BaselineHours">Of drift: the hours before those that they are compared with.</param>
/// <param name="CooldownMinutes">Once raised, it is raised again after so long at the earliest.</param>
/// <param name="Enabled">Whether anybody looks.</param>
/// <param name="CreatedAt">When it was made.</param>
public sealed record AlertRule(long Id, string Name, string Kind, string? Workload, string FunctionalUnit, string Boundary, string Comparison, double Threshold, int WindowHours, int BaselineHours, int CooldownMinutes, bool Enabled, DateTime CreatedAt);

/// <summary>The rules that watch intensities.</summary>
public sealed class AlertRules
{
    private const string Columns = "id, name, kind, workload, functional_unit, boundary, comparison, threshold, window_hours, baseline_hours, cooldown_minutes, enabled, created_at";

    /// <summary>A rule is looked at once in so long, by whichever process comes first.</summary>
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(1);

    private readonly Database database;

    internal AlertRules(Database database) => this.database = database;

    /// <summary>All of them, the oldest first.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<IReadOnlyList<AlertRule>> AllAsync(CancellationToken cancellationToken) => await database.ReadAsync((session, token) =>
        session.QueryAsync($"SELECT {Columns} FROM alert_rule ORDER BY id", [], Read, token), cancellationToken);

    /// <summary>Keeps a new one, or another in the place of the one with this id.</summary>
    /// <param name="rule">The rule; its id is 0 when it is new.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>As it is kept; null when there is none with this id.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<AlertRule?> KeepAsync(AlertRule rule, CancellationToken cancellationToken) => database.TransactAsync(async (session, token) =>
    {
        (string, object?)[] values =
        [
            ("id", rule.Id), ("name", rule.Name), ("kind", rule.Kind), ("workload", rule.Workload), ("unit", rule.FunctionalUnit), ("boundary", rule.Boundary), ("comparison", rule.Comparison), ("threshold", rule.Threshold),
            ("window", rule.WindowHours), ("baseline", rule.BaselineHours), ("cooldown", rule.CooldownMinutes), ("enabled", rule.Enabled), ("now", await session.NowAsync(token)),
        ];
        return (await session.QueryAsync(rule.Id == 0 ? $"""
            INSERT INTO alert_rule (name, kind, workload, functional_unit, boundary, comparison, threshold, window_hours, baseline_hours, cooldown_minutes, enabled, created_at)
            VALUES (@name, @kind, @workload, @unit, @boundary, @comparison, @threshold, @window, @baseline, @cooldown, @enabled, @now) RETURNING {Columns}
            """ : $"""
            UPDATE alert_rule SET name = @name, kind = @kind, workload = @workload, functional_unit = @unit, boundary = @boundary, comparison = @comparison, threshold = @threshold,
                window_hours = @window, baseline_hours = @baseline, cooldown_minutes = @cooldown, enabled = @enabled, evaluated_at = NULL WHERE id = @id RETURNING {Columns}
            """, values, Read, token)).FirstOrDefault();
    }, cancellationToken);

    /// <summary>Removes one.</summary>
    /// <returns>False when there is none.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<bool> DeleteAsync(long id, CancellationToken cancellationToken) => database.TransactAsync(async (session, token) =>
        await session.ExecuteAsync("DELETE FROM alert_rule WHERE id = @id", [("id", id)], token) > 0, cancellationToken);

    /// <summary>Looks at the rules whose turn it is, and raises <c>intensity.threshold_exceeded</c> and <c>intensity.drifted</c>.</summary>
    /// <returns>How many events were raised.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<int> EvaluateAsync(CancellationToken cancellationToken)
    {
        var raised = 0;
        foreach (var rule in await AllAsync(cancellationToken))
            if (rule.Enabled) raised += await EvaluateAsync(rule, cancellationToken);
        return raised;
    }

    private Task<int> EvaluateAsync(AlertRule rule, CancellationToken cancellationToken) => database.TransactAsync(async (session, token) =>
    {
        var now = await session.NowAsync(token);
        // Whoever moves this on looks; the event is in the same transaction, so that it is raised once.
        var mine = await session.ExecuteAsync("UPDATE alert_rule SET evaluated_at = @now WHERE id = @id AND enabled AND (evaluated_at IS NULL OR evaluated_at <= @before)", [("id", rule.Id), ("now", now), ("before", now - Every)], token);
        if (mine == 0) return 0;
        var end = new DateTime(now.Ticks - now.Ticks % TimeSpan.TicksPerHour, DateTimeKind.Utc);
        var start = end.AddHours(-rule.WindowHours);
        var windows = await SumsAsync(session, rule, start, end, token);
        var baselines = rule.Kind == "drift" ? await SumsAsync(session, rule, start.AddHours(-rule.BaselineHours), start, token) : [];
        var raised = 0;
        foreach (var (workload, window) in windows)
        {
            // Without work there is no intensity, and without one before there is nothing to drift from.
            if (window.Units <= 0) continue;
            var intensity = window.Joules / window.Units;
            double? baseline = baselines.TryGetValue(workload, out var before) && before is { Joules: > 0, Units: > 0 } ? before.Joules / before.Units : null;
            if (rule.Kind == "drift" && baseline is null) continue;
            var figure = baseline is { } known ? intensity / known - 1 : intensity;
            var over = rule.Comparison switch { "above" => figure > rule.Threshold, "below" => figure < (baseline is null ? rule.Threshold : -rule.Threshold), _ => Math.Abs(figure) > rule.Threshold };
            if (!over) continue;
            var fresh = await session.ExecuteAsync("""
                INSERT INTO alert (rule_id, workload, raised_at) VALUES (@rule, @workload, @now)
                ON CONFLICT (rule_id, workload) DO UPDATE SET raised_at = excluded.raised_at WHERE alert.raised_at <= @before
                """, [("rule", rule.Id), ("workload", workload), ("now", now), ("before", now.AddMinutes(-rule.CooldownMinutes))], token);
            if (fresh == 0) continue;
            await EventLog.AppendAsync(session, rule.Kind == "drift" ? "intensity.drifted" : "intensity.threshold_exceeded", null, new JsonObject
            {
                ["rule"] = rule.Id, ["name"] = rule.Name, ["workload"] = workload, ["functionalUnit"] = rule.FunctionalUnit, ["boundary"] = rule.Boundary, ["comparison"] = rule.Comparison, ["threshold"] = rule.Threshold,
                ["joulesPerUnit"] = intensity, ["baselineJoulesPerUnit"] = baseline, ["joules"] = window.Joules, ["units"] = window.Units, ["from"] = Text(start), ["to"] = Text(end),
            }, now, token);
            raised++;
        }
        return raised;
    }, cancellationToken);

    /// <summary>Joules and units of the hours that have both: those of other hours would make no ratio.</summary>
    private static async Task<Dictionary<string, (double Joules, double Units)>> SumsAsync(Session session, AlertRule rule, DateTime from, DateTime to, CancellationToken cancellationToken)
    {
        var measure = rule.Boundary switch { "accelerator" => "accelerator_joules", "server" => "server_joules", _ => "facility_joules" };
        var sums = await session.QueryAsync($"""
            SELECT d.workload, SUM(i.{measure}), SUM(i.units) FROM intensity_hours i JOIN deployment d ON d.id = i.deployment_id
            WHERE i.period_start >= @from AND i.period_start < @to AND i.functional_unit = @unit AND i.{measure} IS NOT NULL AND i.units IS NOT NULL AND (@workload = '' OR d.workload = @workload)
            GROUP BY d.workload
            """, [("from", from), ("to", to), ("unit", rule.FunctionalUnit), ("workload", rule.Workload ?? "")], row => (Workload: row.Text(0), Joules: row.Double(1), Units: row.Double(2)), cancellationToken);
        return sums.ToDictionary(sum => sum.Workload, sum => (sum.Joules, sum.Units), StringComparer.Ordinal);
    }

    private static string Text(DateTime time) => time.ToString("yyyy-MM-ddTHH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static AlertRule Read(Row row) => new(row.Number(0), row.Text(1), row.Text(2), row.TextOrNull(3), row.Text(4), row.Text(5), row.Text(6), row.Double(7), row.Small(8), row.Small(9), row.Small(10), row.Flag(11), row.Time(12));
}
