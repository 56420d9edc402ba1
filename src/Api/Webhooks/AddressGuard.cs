using System.Net;
using System.Net.Sockets;
using Metrics.Api.Http;

namespace Metrics.Api.Webhooks;

/// <summary>An address that is not dialled.</summary>
/// <param name="code">Stable code: blocked, unresolvable, or https required.</param>
/// <param name="message">A sentence for people.</param>
public sealed class AddressRefusedException(ProblemCode code, string message) : Exception(message)
{
    /// <summary>Stable code.</summary>
    public ProblemCode Code { get; } = code;
}

/// <summary>
/// Opens connections to addresses that strangers name, and to none inside: a name is resolved, the bytes of what it resolves to are
/// checked, and one of exactly these addresses
/// is dialled, so that no second answer of the name server is ever used. What cannot be resolved is refused.
/// </summary>
/// <remarks>The networks are those of the IANA registries of special-purpose addresses (RFC 6890) and the metadata services of clouds.
/// Spelling does not matter, because no text is looked at.</remarks>
public sealed class AddressGuard
{
    private const string Wrapped = "an IPv4 address inside an IPv6 one";

    // Never, whatever the operator allows: here a machine is asked for its own credentials, or an IPv4 address is wrapped in an IPv6 one.
    private static readonly (IPNetwork Network, string Reason)[] Never =
    [
        .. Networks("link-local, where clouds serve credentials", "169.254.0.0/16", "fe80::/10"),
        .. Networks("a metadata service", "100.100.100.200/32", "168.63.129.16/32", "fd00:ec2::254/128", "fd20:ce::254/128"),
        .. Networks("this network and not a host", "0.0.0.0/8", "::/128"),
        .. Networks("multicast or broadcast", "224.0.0.0/4", "255.255.255.255/32", "ff00::/8"),
        .. Networks(Wrapped, "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16"),
    ];

    private static readonly IPNetwork Loopback6 = IPNetwork.Parse("::1/128");

    private static readonly (IPNetwork Network, string Reason)[] Inside =
    [
        .. Networks("loopback", "127.0.0.0/8", "::1/128"),
        // After loopback, which lies in it.
        .. Networks(Wrapped, "::/96"),
        .. Networks("private", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10"),
        .. Networks("shared by a carrier's customers", "100.64.0.0/10"),
        .. Networks(
            "reserved",
            "192.0.0.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",
            "192.175.48.0/24",
            "240.0.0.0/4",
            "100::/64",
            "2001::/23",
            "2620:4f:8000::/48",
            "5f00::/16"
        ),
        .. Networks("for measurements", "198.18.0.0/15"),
        .. Networks("for documentation", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"),
    ];

    private static readonly IPNetwork Global6 = IPNetwork.Parse("2000::/3"),
        Zero6 = IPNetwork.Parse("::/96");

    private readonly IPNetwork[] allowed;
    private readonly Func<string, CancellationToken, Task<IPAddress[]>> resolve;

    /// <summary>A guard.</summary>
    /// <param name="allowed">Networks inside that the operator opens; also the only ones that are dialled without TLS.</param>
    /// <param name="resolve">Resolves a host's name; null: the machine's resolver.</param>
    public AddressGuard(IEnumerable<IPNetwork> allowed, Func<string, CancellationToken, Task<IPAddress[]>>? resolve = null)
    {
        this.allowed = [.. allowed];
        this.resolve = resolve ?? Dns.GetHostAddressesAsync;
    }

    /// <summary>Why an address is not dialled; null when it is.</summary>
    public string? Validate(IPAddress address)
    {
        // A network takes a mapped address for the IPv4 address in it.
        if (address.IsIPv4MappedToIPv6)
            return Wrapped;
        if (Find(Never, address) is { } never)
            return never;
        // The wrapped zero network holds the IPv6 loopback, which an operator may open, and nothing else that one may.
        if (IsAllowed(address) && (!Zero6.Contains(address) || Loopback6.Contains(address)))
            return null;
        if (Find(Inside, address) is { } inside)
            return inside;
        return address.AddressFamily == AddressFamily.InterNetworkV6 && !Global6.Contains(address) ? "not a global unicast address" : null;
    }

    /// <summary>Connects to the host and port of an address.</summary>
    /// <param name="address">An absolute http or https address.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>The bare connection, before TLS.</returns>
    /// <exception cref="AddressRefusedException">The address is not dialled; no packet was sent to it.</exception>
    /// <exception cref="SocketException">Nobody answered.</exception>
    public async ValueTask<Stream> ConnectAsync(Uri address, CancellationToken cancellationToken)
    {
        var addresses = await ResolveAsync(address, cancellationToken);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, address.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>The addresses of a host, all of which may be dialled: one that may not refuses the host, or a second record would be a way
    /// in.</summary>
    private async Task<IPAddress[]> ResolveAsync(Uri address, CancellationToken cancellationToken)
    {
        var host = address.IdnHost;
        IPAddress[] addresses;
        if (IPAddress.TryParse(host, out var literal))
            addresses = [literal];
        else
        {
            try
            {
                addresses = await resolve(host, cancellationToken);
            }
            catch (Exception exception) when (exception is SocketException or ArgumentException)
            {
                throw new AddressRefusedException(
                    ProblemCode.UnresolvableHost,
                    $"The name '{host}' cannot be resolved: {exception.Message.TrimEnd('.')}."
                );
            }
            if (addresses.Length == 0)
                throw new AddressRefusedException(ProblemCode.UnresolvableHost, $"The name '{host}' has no address.");
        }
        foreach (var one in addresses)
        {
            if (Validate(one) is { } reason)
                throw new AddressRefusedException(
                    ProblemCode.BlockedAddress,
                    $"{(literal is null ? $"'{host}' resolves to {one}, which" : $"{one}")} is {reason}: no request goes there."
                        + (
                            Find(Never, one) is null && !one.IsIPv4MappedToIPv6
                                ? " An operator opens networks inside by Metrics:Webhooks:AllowedNetworks."
                                : ""
                        )
                );
            if (address.Scheme != Uri.UriSchemeHttps && !IsAllowed(one))
                throw new AddressRefusedException(
                    ProblemCode.HttpsRequired,
                    $"'{host}' is outside of Metrics:Webhooks:AllowedNetworks, so its address must begin with https."
                );
        }
        return addresses;
    }

    private bool IsAllowed(IPAddress address) => Array.Exists(allowed, network => network.Contains(address));

    private static string? Find((IPNetwork Network, string Reason)[] networks, IPAddress address) =>
        Array.Find(networks, entry => entry.Network.Contains(address)).Reason;

    private static IEnumerable<(IPNetwork Network, string Reason)> Networks(string reason, params string[] networks) =>
        networks.Select(network => (IPNetwork.Parse(network), reason));
}
