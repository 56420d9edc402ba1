using System.Text.Json.Nodes;
using Metrics.Domain.Facts;

namespace Metrics.Storage.Facts;

/// <summary>The event of a final hour that came out differently.</summary>
internal static class RestatedEvent
{
    /// <summary>How many changes an event holds.</summary>
    private const int Most = 20;

    /// <summary>One event for all that came out differently in an hour: the first changes themselves, and where all of them can be read.</summary>
    public static JsonObject ToJson(DateTime hour, string reason, IReadOnlyList<Restatement> restated) =>
        new()
        {
            ["periodStart"] = hour,
            ["reason"] = reason,
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
            ["link"] = $"/odata/Restatements?$filter=PeriodStart%20eq%20{hour:yyyy-MM-ddTHH:mm:ss}Z",
        };
}
