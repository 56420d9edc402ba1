using System.Net;
using System.Net.Sockets;

namespace Metrics.Api.Webhooks;

/// <summary>A webhook's address leads where webhooks must not go.</summary>
public sealed class BlockedAddressException(string message) : IOException(message);

/// <summary>
/// Decides where webhooks may connect to: by the bytes of the address that is dialled, at the moment it is dialled, so that neither spelling nor a name that changes its mind leads inside.
/// </summary>
/// <remarks>The list is that of the registries of special addresses (RFC 6890 and its updates). Addresses that carry an IPv4 address (mapped, compatible, 6to4, NAT64, Teredo) are refused whole: nobody serves webhooks there.</remarks>
public sealed class AddressGuard
{
    /// <summary>Where machines of clouds are told their own secrets. No allow-list opens these.</summary>
    private static readonly IPNetwork[] Never = [.. new[] { "169.254.0.0/16", "fe80::/10", "fd00:ec2::/32", "100.100.100.200/32", "168.63.129.16/32" }.Select(IPNetwork.Parse)];

    private static readonly IPNetwork[] Inside =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
            "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        }.Select(IPNetwork.Parse),
    ];

    /// <summary>Of IPv6 only what is given out for the open internet is outside, less what carries other addresses or is for books.</summary>
    private static readonly IPNetwork Outside6 = IPNetwork.Parse("2000::/3");
    private static readonly IPNetwork[] Inside6 = [.. new[] { "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "64:ff9b::/96", "64:ff9b:1::/48" }.Select(IPNetwork.Parse)];

    private readonly IPNetwork[] allowed;
    private readonly Func<string, CancellationToken, Task<IPAddress[]>> resolve;

    /// <summary>A guard.</summary>
    /// <param name="settings">Which networks inside are allowed.</param>
    /// <param name="resolve">How names become addresses; null: as this machine does it.</param>
    public AddressGuard(WebhookSettings settings, Func<string, CancellationToken, Task<IPAddress[]>>? resolve = null)
    {
        allowed = [.. settings.AllowedNetworks.Select(IPNetwork.Parse)];
        this.resolve = resolve ?? Dns.GetHostAddressesAsync;
    }

    /// <summary>Whether a connection to this address may be made.</summary>
    public bool Allows(IPAddress address)
    {
        if (Never.Any(network => network.Contains(address))) return false;
        if (allowed.Any(network => network.Contains(address))) return true;
        return address.AddressFamily switch
        {
            AddressFamily.InterNetwork => !Inside.Any(network => network.Contains(address)),
            AddressFamily.InterNetworkV6 => address.ScopeId == 0 && Outside6.Contains(address) && !Inside6.Any(network => network.Contains(address)),
            _ => false,
        };
    }

    /// <summary>Whether an operator allowed all addresses of this host by name of their network, so that it need not speak TLS.</summary>
    public async Task<bool> IsAllowedInsideAsync(string host, CancellationToken cancellationToken) =>
        (await AddressesAsync(host, cancellationToken)).All(address => allowed.Any(network => network.Contains(address)));

    /// <summary>The addresses of a host that may be connected to. One that may not be makes all of them suspect: a name that leads inside and outside is refused.</summary>
    /// <exception cref="BlockedAddressException">One of them may not, or there are none.</exception>
    /// <exception cref="SocketException">The name cannot be resolved.</exception>
    public async Task<IPAddress[]> AddressesAsync(string host, CancellationToken cancellationToken)
    {
        var addresses = IPAddress.TryParse(host.Trim('[', ']'), out var literal) ? [literal] : await resolve(host, cancellationToken);
        if (addresses.Length == 0) throw new BlockedAddressException($"blocked_address: '{host}' has no address.");
        if (Array.Find(addresses, address => !Allows(address)) is { } blocked)
            throw new BlockedAddressException($"blocked_address: '{host}' leads to {blocked}, which is not an address of the open internet. An operator can allow its network by Metrics:Webhooks:AllowedNetworks.");
        return addresses;
    }

    /// <summary>Connects for <see cref="SocketsHttpHandler.ConnectCallback"/>: to one of the addresses that were looked at, and no other.</summary>
    public async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var addresses = await AddressesAsync(context.DnsEndPoint.Host, cancellationToken);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, context.DnsEndPoint.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>A handler that goes through this guard, follows nothing, keeps nothing and reads no more than it must.</summary>
    public SocketsHttpHandler Handler() => new()
    {
        ConnectCallback = ConnectAsync, AllowAutoRedirect = false, UseProxy = false, UseCookies = false, AutomaticDecompression = DecompressionMethods.None,
        // A name that was looked at long ago is looked at again.
        PooledConnectionLifetime = TimeSpan.FromMinutes(2), ConnectTimeout = TimeSpan.FromSeconds(5), MaxResponseHeadersLength = 16, MaxResponseDrainSize = 0,
        ActivityHeadersPropagator = null,
    };
}
