using System.Text.Json.Nodes;
using Metrics.Domain.Facts;

namespace Metrics.Storage.Facts;

/// <summary>The event of a final hour that came out differently.</summary>
internal static class RestatedEvent
{
    /// <summary>How many changes an event holds.</summary>
    private const int Most = 20;

    /// <summary>One event for all that came out differently in an hour: the first changes themselves, and where all of them can be
    /// read.</summary>
    public static JsonObject ToJson(DateTime hour, string reason, IReadOnlyList<Restatement> restated, string? link)
    {
        var body = new JsonObject
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
        };
        if (link is not null)
            body["link"] = link;
        return body;
    }
}
