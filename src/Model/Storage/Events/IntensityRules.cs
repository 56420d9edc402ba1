using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Metrics.Domain.Facts;
using Metrics.Domain.Messages;
using Metrics.Storage.Engine;

namespace Metrics.Storage.Events;

/// <summary>When somebody wants to be told of joules per unit.</summary>
/// <param name="Id"><c>rule_</c> and 32 hexadecimal digits.</param>
/// <param name="Description">What people know it by.</param>
/// <param name="Kind">What it looks at.</param>
/// <param name="Workload">Whose.</param>
/// <param name="FunctionalUnit">What the work is counted in.</param>
/// <param name="Boundary">Whose energy.</param>
/// <param name="Comparison">When it holds.</param>
/// <param name="Threshold">Joules per unit; of a drift the share of the baseline: 0.2 is a fifth.</param>
/// <param name="WindowHours">Hours that are summed up.</param>
/// <param name="BaselineHours">Of a drift: hours before the window that it is set against.</param>
/// <param name="CoolDownMinutes">For so long after it told it does not tell again.</param>
/// <param name="Enabled">Whether it is looked at.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="UpdatedAt">When somebody last changed it.</param>
/// <param name="FiredAt">When it last told.</param>
public sealed record IntensityRule(
    string Id,
    string? Description,
    RuleKind Kind,
    string Workload,
    string FunctionalUnit,
    [property: JsonConverter(typeof(WordConverter<Boundary>))] Boundary Boundary,
    RuleComparison Comparison,
    double Threshold,
    int WindowHours,
    int? BaselineHours,
    int CoolDownMinutes,
    bool Enabled,
    DateTime CreatedAt,
    DateTime UpdatedAt,
    DateTime? FiredAt
)
{
    /// <summary>Whether a ratio is to be told of.</summary>
    /// <param name="value">Joules per unit of the window.</param>
    /// <param name="baseline">Joules per unit of the hours before it; null: there are too few, or it is not asked.</param>
    public bool Holds(double value, double? baseline)
    {
        if (Kind == RuleKind.Drift && baseline is null or <= 0)
            return false;
        var measure = Kind == RuleKind.Drift ? (value / baseline!.Value) - 1 : value;
        return Comparison switch
        {
            RuleComparison.Above => measure > Threshold,
            RuleComparison.Below => Kind == RuleKind.Drift ? measure < -Threshold : measure < Threshold,
            _ => Math.Abs(measure) > Threshold,
        };
    }
}

/// <summary>Rules about joules per unit, and looking whether they hold: over final hours, a sum over a sum, as the events
/// <c>intensity.threshold_exceeded</c> and <c>intensity.drifted</c>.</summary>
public sealed class IntensityRules
{
    /// <summary>The newest hour with work is looked for no longer ago than this.</summary>
    private static readonly TimeSpan Reach = TimeSpan.FromDays(45);

    private const string Columns =
        "id, description, kind, workload, functional_unit, boundary, comparison, threshold, window_hours, baseline_hours, "
        + "cool_down_minutes, enabled, created_at, updated_at, fired_at";

    private readonly Database database;

    internal IntensityRules(Database database) => this.database = database;

    /// <summary>Every rule, the oldest first.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<IReadOnlyList<IntensityRule>> AllAsync(CancellationToken cancellationToken) =>
        await database.ReadAsync(
            (session, token) => session.QueryAsync($"SELECT {Columns} FROM intensity_rule ORDER BY created_at, id", [], Read, token),
            cancellationToken
        );

    /// <summary>One rule.</summary>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<IntensityRule?> FindAsync(string id, CancellationToken cancellationToken) =>
        (
            await database.ReadAsync(
                (session, token) => session.QueryAsync($"SELECT {Columns} FROM intensity_rule WHERE id = @id", [("id", id)], Read, token),
                cancellationToken
            )
        ).FirstOrDefault();

    /// <summary>Keeps a rule: a new one where its id is empty, else the changed one, which may tell again at once.</summary>
    /// <returns>The rule as it is kept; null when it was deleted meanwhile.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<IntensityRule?> UpsertAsync(IntensityRule rule, CancellationToken cancellationToken) =>
        database.TransactAsync(
            async (session, token) =>
                (
                    await session.QueryAsync(
                        rule.Id.Length == 0
                            ? $"""
                            INSERT INTO intensity_rule (id, description, kind, workload, functional_unit, boundary, comparison, threshold,
                                window_hours, baseline_hours, cool_down_minutes, enabled, created_at, updated_at)
                            VALUES (@id, @description, @kind, @workload, @unit, @boundary, @comparison, @threshold,
                                @window, @baseline, @coolDown, @enabled, @now, @now) RETURNING {Columns}
                            """
                            : $"""
                            UPDATE intensity_rule SET description = @description, kind = @kind, workload = @workload,
                                functional_unit = @unit, boundary = @boundary, comparison = @comparison, threshold = @threshold,
                                window_hours = @window, baseline_hours = @baseline, cool_down_minutes = @coolDown, enabled = @enabled,
                                updated_at = @now, fired_at = NULL, fired_window_end = NULL
                            WHERE id = @id RETURNING {Columns}
                            """,
                        [
                            ("id", rule.Id.Length == 0 ? $"rule_{Guid.CreateVersion7():N}" : rule.Id),
                            ("description", rule.Description),
                            ("kind", rule.Kind.ToWord()),
                            ("workload", rule.Workload),
                            ("unit", rule.FunctionalUnit),
                            ("boundary", rule.Boundary.ToWord()),
                            ("comparison", rule.Comparison.ToWord()),
                            ("threshold", rule.Threshold),
                            ("window", rule.WindowHours),
                            ("baseline", rule.BaselineHours),
                            ("coolDown", rule.CoolDownMinutes),
                            ("enabled", rule.Enabled),
                            ("now", await session.NowAsync(token)),
                        ],
                        Read,
                        token
                    )
                ).FirstOrDefault(),
            cancellationToken
        );

    /// <summary>Deletes a rule.</summary>
    /// <returns>False when there is none.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public Task<bool> DeleteAsync(string id, CancellationToken cancellationToken) =>
        database.TransactAsync(
            async (session, token) => await session.ExecuteAsync("DELETE FROM intensity_rule WHERE id = @id", [("id", id)], token) > 0,
            cancellationToken
        );

    /// <summary>Evaluates every rule once, and fires those that hold.</summary>
    /// <returns>How many fired.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<int> EvaluateAsync(CancellationToken cancellationToken)
    {
        var fired = 0;
        foreach (var rule in (await AllAsync(cancellationToken)).Where(rule => rule.Enabled))
            if (await EvaluateAsync(rule, cancellationToken))
                fired++;
        return fired;
    }

    private async Task<bool> EvaluateAsync(IntensityRule rule, CancellationToken cancellationToken)
    {
        var found = await database.ReadAsync<(JsonObject Body, DateTime WindowEnd)?>(
            async (session, token) =>
            {
                var now = await session.NowAsync(token);
                if (rule.FiredAt > now - TimeSpan.FromMinutes(rule.CoolDownMinutes))
                    return null;
                var newest = await session.QueryAsync(
                    """
                    SELECT max(h.period_end) FROM intensity_hours h JOIN deployment d ON d.id = h.deployment_id
                    WHERE d.workload = @workload AND h.functional_unit = @unit AND h.final AND h.period_start >= @since
                    """,
                    [("workload", rule.Workload), ("unit", rule.FunctionalUnit), ("since", now - Reach)],
                    row => row.TimeOrNull(0),
                    token
                );
                if (newest is not [{ } end])
                    return null;
                var from = end.AddHours(-rule.WindowHours);
                var window = await SumAsync(session, rule, from, end, token);
                var before = rule.BaselineHours is { } hours ? await SumAsync(session, rule, from.AddHours(-hours), from, token) : null;
                // Fewer hours than the window has are no baseline.
                var baseline = before?.Hours >= rule.WindowHours ? before.Ratio : null;
                return window.Ratio is { } value && rule.Holds(value, baseline)
                    ? ToJson(rule, window, value, baseline, from, end, database.Links)
                    : null;
            },
            cancellationToken
        );
        return found is var (body, windowEnd) && await AppendEventAsync(rule, body, windowEnd, cancellationToken);
    }

    /// <summary>Whoever is first tells, in the transaction that begins the cool-down; the same window is told of once.</summary>
    private Task<bool> AppendEventAsync(IntensityRule rule, JsonObject body, DateTime windowEnd, CancellationToken cancellationToken) =>
        database.TransactAsync(
            async (session, token) =>
            {
                var now = await session.NowAsync(token);
                var ours = await session.ExecuteAsync(
                    """
                    UPDATE intensity_rule SET fired_at = @now, fired_window_end = @end
                    WHERE id = @id AND enabled AND updated_at = @updated AND (fired_at IS NULL OR fired_at <= @cool)
                      AND (fired_window_end IS NULL OR fired_window_end < @end)
                    """,
                    [
                        ("id", rule.Id),
                        ("updated", rule.UpdatedAt),
                        ("now", now),
                        ("cool", now - TimeSpan.FromMinutes(rule.CoolDownMinutes)),
                        ("end", windowEnd),
                    ],
                    token
                );
                // A copy: the transaction may be run again, and an object has one parent.
                if (ours > 0)
                    await EventLog.AppendAsync(
                        session,
                        rule.Kind == RuleKind.Drift ? EventTypes.IntensityDrifted : EventTypes.IntensityThresholdExceeded,
                        null,
                        body.DeepClone().AsObject(),
                        now,
                        token
                    );
                return ours > 0;
            },
            cancellationToken
        );

    /// <summary>Energy and work of the hours in which the boundary is known, of the deployments that did work in the unit.</summary>
    private static async Task<Sums> SumAsync(
        Session session,
        IntensityRule rule,
        DateTime from,
        DateTime to,
        CancellationToken cancellationToken
    )
    {
        // Energy of the time in which the work is known too, as every place that tells the ratio divides it.
        var pair = MatchedSums.OfEnergy(rule.Boundary, IdlePolicy.Provisioned);
        var sums = await session.QueryAsync(
            $"""
            SELECT sum(h.{pair.Amount.Column}), sum(h.{pair.Units.Column}), count(DISTINCT h.period_start)
            FROM intensity_hours h JOIN deployment d ON d.id = h.deployment_id
            WHERE d.workload = @workload AND h.functional_unit = @unit AND h.period_start >= @from AND h.period_start < @to AND h.final
                AND h.{pair.Amount.Column} IS NOT NULL
            """,
            [("workload", rule.Workload), ("unit", rule.FunctionalUnit), ("from", from), ("to", to)],
            row => new Sums(row.DoubleOrNull(0), row.DoubleOrNull(1), row.Small(2)),
            cancellationToken
        );
        return sums[0];
    }

    private static (JsonObject Body, DateTime WindowEnd) ToJson(
        IntensityRule rule,
        Sums window,
        double value,
        double? baseline,
        DateTime from,
        DateTime to,
        IEventLinks? links
    )
    {
        var body = new JsonObject
        {
            ["rule"] = rule.Id,
            ["description"] = rule.Description,
            ["workload"] = rule.Workload,
            ["functionalUnit"] = rule.FunctionalUnit,
            ["boundary"] = rule.Boundary.ToWord(),
            ["comparison"] = rule.Comparison.ToWord(),
            ["threshold"] = rule.Threshold,
            ["from"] = from,
            ["to"] = to,
            ["joulesPerUnit"] = value,
            ["joules"] = window.Joules,
            ["units"] = window.Units,
            ["hours"] = window.Hours,
        };
        if (rule.Kind == RuleKind.Drift)
        {
            body["baselineFrom"] = from.AddHours(-rule.BaselineHours!.Value);
            body["baselineJoulesPerUnit"] = baseline;
            body["change"] = (value / baseline) - 1;
        }
        if (links is not null)
            body["link"] = links.Hours(rule.Workload, from, to);
        return (body, to);
    }

    private static IntensityRule Read(Row row) =>
        new(
            row.Text(0),
            row.TextOrNull(1),
            Words.Parse<RuleKind>(row.Text(2)),
            row.Text(3),
            row.Text(4),
            Words.Parse<Boundary>(row.Text(5)),
            Words.Parse<RuleComparison>(row.Text(6)),
            row.Double(7),
            row.Small(8),
            row.SmallOrNull(9),
            row.Small(10),
            row.Flag(11),
            row.Time(12),
            row.Time(13),
            row.TimeOrNull(14)
        );

    private sealed record Sums(double? Joules, double? Units, int Hours)
    {
        public double? Ratio => Joules is { } joules && Units is > 0 and { } units ? joules / units : null;
    }
}
