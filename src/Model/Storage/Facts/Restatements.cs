using System.Text.Json.Nodes;
using Metrics.Domain.Facts;
using Metrics.Storage.Engine;
using Metrics.Storage.Events;
using Metrics.Storage.Reading;
using NpgsqlTypes;

namespace Metrics.Storage.Facts;

/// <summary>Final hours that came out differently: a row for each measure, and one event for the hour.</summary>
internal static class Restatements
{
    /// <summary>How many changes an event holds.</summary>
    private const int Most = 20;

    /// <summary>Keeps what changed in an hour, in the transaction of the change, and tells of it.</summary>
    public static async Task AppendAsync(
        Session session,
        DateTime hour,
        DirtyReason reason,
        IReadOnlyList<Restatement> restated,
        DateTime now,
        CancellationToken cancellationToken
    )
    {
        if (restated.Count == 0)
            return;
        await Table(now, reason).AppendAsync(session, restated, cancellationToken);
        var body = ToJson(hour, reason, restated, session.Database.Links?.Restatements(hour));
        await EventLog.AppendAsync(session, EventTypes.Restated, null, body, now, cancellationToken);
    }

    /// <summary>One event for all that came out differently in an hour: the first changes themselves, and where all of them can be
    /// read.</summary>
    private static JsonObject ToJson(DateTime hour, DirtyReason reason, IReadOnlyList<Restatement> restated, string? link)
    {
        var body = new JsonObject
        {
            ["periodStart"] = hour,
            ["reason"] = reason.Text(),
            ["changes"] = restated.Count,
            ["first"] = new JsonArray([
                .. restated
                    .Take(Most)
                    .Select(one => new JsonObject
                    {
                        ["deploymentId"] = one.Deployment,
                        ["functionalUnit"] = one.FunctionalUnit,
                        ["measure"] = one.Measure.Column,
                        ["old"] = one.Old,
                        ["new"] = one.New,
                    }),
            ]),
        };
        if (link is not null)
            body["link"] = link;
        return body;
    }

    private static RowSet<Restatement> Table(DateTime now, DirtyReason reason) =>
        new(
            "restatement",
            ["deployment_id", "functional_unit", "period_start", "measure"],
            [
                Column.Of("deployment_id", NpgsqlDbType.Bigint, (Restatement row) => row.Deployment),
                Column.Of("functional_unit", NpgsqlDbType.Text, (Restatement row) => row.FunctionalUnit),
                Column.Of("period_start", NpgsqlDbType.TimestampTz, (Restatement row) => row.PeriodStart),
                Column.Of("measure", NpgsqlDbType.Text, (Restatement row) => row.Measure.Column),
                Column.Of("old", NpgsqlDbType.Double, (Restatement row) => row.Old),
                Column.Of("new", NpgsqlDbType.Double, (Restatement row) => row.New),
                Column.Of("old_factors", NpgsqlDbType.Text, (Restatement row) => row.OldFactors),
                Column.Of("new_factors", NpgsqlDbType.Text, (Restatement row) => row.NewFactors),
                Column.Of("at", NpgsqlDbType.TimestampTz, (Restatement _) => now),
                Column.Of("reason", NpgsqlDbType.Text, (Restatement _) => reason.Text()),
            ]
        );
}
