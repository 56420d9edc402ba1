using System.Net;

namespace Metrics.Api.Webhooks;

/// <summary>Section <c>Metrics:Webhooks</c>.</summary>
public sealed class WebhookSettings
{
    /// <summary>Networks inside that webhooks may reach, such as <c>10.20.0.0/16</c>; none unless an operator says so. Addresses that tell a machine its own secrets stay closed.</summary>
    public List<string> AllowedNetworks { get; set; } = [];

    /// <summary>Deliveries to one webhook that are on their way at once, in each process.</summary>
    public int Concurrency { get; set; } = 4;

    /// <summary>Longest time that a receiver may take to answer.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Sentences on what cannot be used.</summary>
    internal IEnumerable<string> Faults()
    {
        foreach (var network in AllowedNetworks)
            if (!IPNetwork.TryParse(network, out _)) yield return $"Metrics:Webhooks:AllowedNetworks: '{network}' is not a network such as 10.20.0.0/16 (its address has no bits beyond the length).";
        if (Concurrency is < 1 or > 64) yield return $"Metrics:Webhooks:Concurrency: {Concurrency} is not from 1 to 64.";
        if (Timeout < TimeSpan.FromSeconds(1) || Timeout > TimeSpan.FromSeconds(30)) yield return $"Metrics:Webhooks:Timeout: {Timeout} is not from 1 to 30 seconds.";
    }
}
