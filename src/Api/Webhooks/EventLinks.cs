using System.Globalization;
using Metrics.Storage.Events;

namespace Metrics.Api.Webhooks;

/// <summary>The addresses that events tell, from the root of the service.</summary>
internal sealed class EventLinks : IEventLinks
{
    public string Event(long id) => string.Create(CultureInfo.InvariantCulture, $"/odata/Events({id})");

    public string Restatements(DateTime hour) => $"/odata/Restatements?$filter=PeriodStart%20eq%20{Time(hour)}";

    public string Hours(string workload, DateTime from, DateTime to)
    {
        var name = Uri.EscapeDataString(workload.Replace("'", "''", StringComparison.Ordinal));
        return $"/odata/HourlyIntensities?$filter=Workload%20eq%20'{name}'"
            + $"%20and%20PeriodStart%20ge%20{Time(from)}%20and%20PeriodStart%20lt%20{Time(to)}";
    }

    private static string Time(DateTime time) => time.ToString("yyyy-MM-ddTHH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
