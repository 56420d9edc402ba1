using Metrics.Api.OData.Model;

namespace Metrics.Api.OData.Protocol;

/// <summary>What a query costs more than its author may know, and how to ask for less. It is answered all the same.</summary>
internal static class CostlyQuery
{
    private const long FarSkip = 10_000;

    private static readonly HashSet<string> Bounds = new(StringComparer.OrdinalIgnoreCase)
    {
        "Date",
        "DateKey",
        "PeriodStart",
        "DeploymentId",
    };

    /// <summary>The warnings that a query of a set gets.</summary>
    public static IReadOnlyList<(string Code, string Message, string Target)> Warnings(EntitySet set, QueryOptions options)
    {
        List<(string, string, string)> warnings = [];
        // Sets that grow by the hour.
        if (
            set.Find("PeriodStart") is not null
            && set.Name != "MonthlyIntensities"
            && options.Top is null
            && !Bounds.Any(name => Names(options.Filter, name) || Names(options.Apply, name))
        )
            warnings.Add(
                (
                    "UnboundedTime",
                    $"All of {set.Name} is read: filter by Date or PeriodStart, which have an "
                        + $"index{(set.Name == "DailyIntensities" ? "" : ", or take DailyIntensities or MonthlyIntensities")}.",
                    "$filter"
                )
            );
        if (options.Skip >= FarSkip)
            warnings.Add(
                (
                    "FarSkip",
                    $"$skip={options.Skip} reads what it leaves out: follow nextLinks, which begin where the page before ended.",
                    "$skip"
                )
            );
        return warnings;
    }

    private static bool Names(string? option, string property) => option?.Contains(property, StringComparison.OrdinalIgnoreCase) is true;
}
