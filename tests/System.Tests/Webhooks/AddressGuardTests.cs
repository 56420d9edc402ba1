using System.Net;
using System.Net.Sockets;
using Metrics.Api.Webhooks;
using Xunit;

namespace Metrics.SystemTests.Webhooks;

/// <summary>Where webhooks may go, by every spelling that receivers of other products were tricked with.</summary>
public sealed class AddressGuardTests
{
    private static readonly AddressGuard Guard = new(new WebhookSettings());

    [Theory]
    // This machine, this network, private networks (RFC 1918, 6598), link local, special and for books (RFC 5737), multicast, reserved.
    [InlineData("127.0.0.1"), InlineData("127.255.255.254"), InlineData("0.0.0.0"), InlineData("0.1.2.3"), InlineData("10.0.0.1"), InlineData("172.16.0.1"), InlineData("172.31.255.255"), InlineData("192.168.1.1")]
    [InlineData("100.64.0.1"), InlineData("100.100.100.200"), InlineData("169.254.169.254"), InlineData("169.254.170.2"), InlineData("168.63.129.16"), InlineData("192.0.0.8"), InlineData("192.0.2.1"), InlineData("192.88.99.1")]
    [InlineData("198.18.0.1"), InlineData("198.51.100.1"), InlineData("203.0.113.1"), InlineData("224.0.0.1"), InlineData("239.255.255.255"), InlineData("240.0.0.1"), InlineData("255.255.255.255")]
    // The same in IPv6, and IPv4 inside of it: mapped, compatible, 6to4, NAT64, Teredo.
    [InlineData("::1"), InlineData("::"), InlineData("fe80::1"), InlineData("fec0::1"), InlineData("fc00::1"), InlineData("fd00:ec2::254"), InlineData("ff02::1"), InlineData("2001:db8::1"), InlineData("3fff::1"), InlineData("5f00::1"), InlineData("100::1")]
    [InlineData("::ffff:127.0.0.1"), InlineData("::ffff:7f00:1"), InlineData("::ffff:169.254.169.254"), InlineData("::127.0.0.1"), InlineData("::7f00:1"), InlineData("2002:7f00:1::"), InlineData("2002:a9fe:a9fe::1")]
    [InlineData("64:ff9b::a9fe:a9fe"), InlineData("64:ff9b::7f00:1"), InlineData("64:ff9b:1::1"), InlineData("2001::7f00:1"), InlineData("2001:0:4136:e378:8000:63bf:3fff:fdd2"), InlineData("::ffff:0:127.0.0.1")]
    public void What_is_inside_is_closed(string address) => Assert.False(Guard.Allows(IPAddress.Parse(address)), address);

    [Theory]
    [InlineData("8.8.8.8"), InlineData("1.1.1.1"), InlineData("93.184.215.14"), InlineData("100.63.255.255"), InlineData("100.128.0.1"), InlineData("172.15.0.1"), InlineData("172.32.0.1"), InlineData("169.253.255.255"), InlineData("192.167.1.1"), InlineData("223.255.255.255")]
    [InlineData("2606:4700:4700::1111"), InlineData("2a00:1450:4001:82f::200e"), InlineData("2400:cb00::1")]
    public void What_is_outside_is_open(string address) => Assert.True(Guard.Allows(IPAddress.Parse(address)), address);

    [Theory]
    [InlineData("http://2130706433/"), InlineData("http://0x7f000001/"), InlineData("http://127.1/"), InlineData("http://0177.0.0.1/"), InlineData("http://[::ffff:7f00:1]/"), InlineData("http://[::127.0.0.1]/")]
    [InlineData("http://①②⑦.⓪.⓪.①/"), InlineData("http://127.0.0.1./"), InlineData("http://localhost./"), InlineData("http://LOCALHOST/"), InlineData("http://[fe80::1%25lo]/")]
    public async Task However_it_is_spelled_nothing_is_dialled(string url)
    {
        var dialled = false;
        var guard = new AddressGuard(new WebhookSettings(), async (host, cancellationToken) =>
        {
            dialled = true;
            // Names that are no addresses to .NET are addresses to resolvers: at worst they are this machine.
            await Task.Yield();
            return [IPAddress.Loopback];
        });
        using var client = new HttpClient(guard.Handler());
        var fault = await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync(url));
        Assert.True(Causes(fault).OfType<BlockedAddressException>().Any(), $"{fault} {dialled}");
    }

    [Fact]
    public async Task A_name_that_leads_inside_by_one_of_its_addresses_is_closed()
    {
        var guard = new AddressGuard(new WebhookSettings(), (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Parse("93.184.215.14"), IPAddress.Parse("fd00::7")]));
        var fault = await Assert.ThrowsAsync<BlockedAddressException>(() => guard.AddressesAsync("two-faced.example", default));
        Assert.StartsWith("blocked_address: 'two-faced.example' leads to fd00::7", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_that_changes_its_mind_is_looked_at_when_it_is_dialled()
    {
        // Outside when the webhook is made, inside when it is sent to: the address that was looked at is the one that is dialled.
        var asked = 0;
        var guard = new AddressGuard(new WebhookSettings(), (_, _) => Task.FromResult<IPAddress[]>([asked++ == 0 ? IPAddress.Parse("93.184.215.14") : IPAddress.Loopback]));
        Assert.Equal("93.184.215.14", Assert.Single(await guard.AddressesAsync("rebinding.example", default)).ToString());
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = new HttpClient(guard.Handler());
        var fault = await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync($"http://rebinding.example:{((IPEndPoint)listener.LocalEndpoint).Port}/"));
        Assert.Contains(Causes(fault), cause => cause is BlockedAddressException);
        Assert.False(listener.Pending());

        // The control: with the network allowed the same request arrives.
        var open = new AddressGuard(new WebhookSettings { AllowedNetworks = ["127.0.0.0/8"] }, (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Loopback]));
        using var free = new HttpClient(open.Handler());
        var request = free.GetAsync($"http://rebinding.example:{((IPEndPoint)listener.LocalEndpoint).Port}/");
        using var arrived = await listener.AcceptTcpClientAsync();
        await arrived.GetStream().WriteAsync("HTTP/1.1 204 No Content\r\n\r\n"u8.ToArray());
        Assert.Equal(HttpStatusCode.NoContent, (await request).StatusCode);
    }

    [Fact]
    public async Task A_name_that_cannot_be_resolved_is_closed()
    {
        var guard = new AddressGuard(new WebhookSettings(), (_, _) => throw new SocketException((int)SocketError.HostNotFound));
        using var client = new HttpClient(guard.Handler());
        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync("http://nowhere.example/"));
        var silent = new AddressGuard(new WebhookSettings(), (_, _) => Task.FromResult<IPAddress[]>([]));
        await Assert.ThrowsAsync<BlockedAddressException>(() => silent.AddressesAsync("silent.example", default));
    }

    [Theory]
    [InlineData("10.1.2.3", true), InlineData("10.2.0.1", false), InlineData("169.254.169.254", false), InlineData("100.100.100.200", false), InlineData("fd12::1", true), InlineData("fd00:ec2::254", false)]
    public void An_operator_opens_networks_inside_and_never_those_that_tell_secrets(string address, bool open)
    {
        var guard = new AddressGuard(new WebhookSettings { AllowedNetworks = ["10.1.0.0/16", "169.254.0.0/16", "100.64.0.0/10", "fd00::/8"] });
        Assert.Equal(open, guard.Allows(IPAddress.Parse(address)));
    }

    private static IEnumerable<Exception> Causes(Exception fault)
    {
        for (Exception? cause = fault; cause is not null; cause = cause.InnerException) yield return cause;
    }
}
