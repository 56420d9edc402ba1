using System.Net;

namespace Metrics.Api.Webhooks;

/// <summary>Section <c>Metrics:Webhooks</c>.</summary>
public sealed class WebhookSettings
{
    /// <summary>Networks inside (<c>10.20.0.0/16</c>, or one address) that webhooks may go to, also without TLS. Metadata services stay
    /// closed.</summary>
    public List<string> AllowedNetworks { get; set; } = [];

    /// <summary>Time for one attempt, from the connection to the end of the answer; up to 30 seconds.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Deliveries that are sent to one webhook at the same time by each worker, from 1 to 64. With one they keep their order as
    /// well as can be.</summary>
    public int Concurrency { get; set; } = 4;

    /// <summary>The networks of <see cref="AllowedNetworks"/>.</summary>
    public IEnumerable<IPNetwork> ToNetworks() => AllowedNetworks.Select(text => Parse(text)!.Value);

    /// <summary>Everything wrong with the section, one sentence each.</summary>
    public IEnumerable<string> Errors()
    {
        for (var i = 0; i < AllowedNetworks.Count; i++)
            if (Parse(AllowedNetworks[i]) is null)
                yield return $"Metrics:Webhooks:AllowedNetworks:{i}: '{AllowedNetworks[i]}' is not a network such as 10.20.0.0/16 or "
                    + "fd00:1234::/32, nor an address.";
        if (Timeout < TimeSpan.FromMilliseconds(100) || Timeout > TimeSpan.FromSeconds(30))
            yield return $"Metrics:Webhooks:Timeout: {Timeout} is not between 00:00:00.1 and 00:00:30.";
        if (Concurrency is < 1 or > 64)
            yield return $"Metrics:Webhooks:Concurrency: {Concurrency} is not between 1 and 64.";
    }

    private static IPNetwork? Parse(string text) =>
        IPNetwork.TryParse(text, out var network) ? network
        : IPAddress.TryParse(text, out var address) ? new IPNetwork(address, address.GetAddressBytes().Length * 8)
        : null;
}
