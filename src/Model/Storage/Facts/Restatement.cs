using System.Text.Json.Nodes;
using Metrics.Storage.Schema.Tables;

namespace Metrics.Storage.Facts;

/// <summary>One measure of one row that came out differently.</summary>
internal sealed record Restatement(
    long Deployment,
    string FunctionalUnit,
    DateTime PeriodStart,
    string Measure,
    double? Old,
    double? New,
    string OldFactors,
    string NewFactors
)
{
    /// <summary>What is no change: less than this part of the larger value. A sum in another order differs by as much.</summary>
    private const double Negligible = 1e-12;

    /// <summary>How many changes an event holds.</summary>
    private const int MostTold = 20;

    private static readonly (string Name, Func<IntensityRow, double?> Of)[] Measures =
    [
        ("units", row => row.Units),
        ("accelerator_joules", row => row.AcceleratorJoules),
        ("server_joules", row => row.ServerJoules),
        ("facility_joules", row => row.FacilityJoules),
        ("operational_grams", row => row.OperationalGrams),
        ("marginal_grams", row => row.MarginalGrams),
        ("market_based_grams", row => row.MarketBasedGrams),
        ("embodied_grams", row => row.EmbodiedGrams),
        ("water_litres", row => row.WaterLitres),
    ];

    /// <summary>The measures that differ between the rows of an hour; a row that came or went differs in all that it knows.</summary>
    public static List<Restatement> Between(IReadOnlyList<IntensityRow> before, IReadOnlyList<IntensityRow> after)
    {
        var restated = new List<Restatement>();
        var old = before.ToDictionary(row => (row.DeploymentId, row.FunctionalUnit));
        foreach (var row in after)
        {
            old.Remove((row.DeploymentId, row.FunctionalUnit), out var earlier);
            Compare(earlier, row);
        }
        foreach (var gone in old.Values)
            Compare(gone, null);
        return restated;

        void Compare(IntensityRow? a, IntensityRow? b)
        {
            var row = (a ?? b)!;
            foreach (var (name, of) in Measures)
            {
                var (was, now) = (a is null ? null : of(a), b is null ? null : of(b));
                if (!Same(was, now))
                    restated.Add(
                        new(row.DeploymentId, row.FunctionalUnit, row.PeriodStart, name, was, now, a?.Factors ?? "", b?.Factors ?? "")
                    );
            }
        }
    }

    /// <summary>One event for all that came out differently in an hour: the first changes themselves, and where all of them can be read.</summary>
    public static JsonObject ToJson(DateTime hour, string reason, IReadOnlyList<Restatement> restated, string? link)
    {
        var body = new JsonObject
        {
            ["periodStart"] = hour,
            ["reason"] = reason,
            ["changes"] = restated.Count,
            ["first"] = new JsonArray([
                .. restated
                    .Take(MostTold)
                    .Select(one => new JsonObject
                    {
                        ["deploymentId"] = one.Deployment,
                        ["functionalUnit"] = one.FunctionalUnit,
                        ["measure"] = one.Measure,
                        ["old"] = one.Old,
                        ["new"] = one.New,
                    }),
            ]),
        };
        if (link is not null)
            body["link"] = link;
        return body;
    }

    private static bool Same(double? a, double? b) =>
        a is { } was && b is { } now ? Math.Abs(was - now) <= Negligible * Math.Max(Math.Abs(was), Math.Abs(now)) : a is null && b is null;
}
