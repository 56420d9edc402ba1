using System.Net;
using System.Net.Sockets;
using Metrics.Api.Http;
using Metrics.Api.Webhooks;
using Xunit;

namespace Metrics.SystemTests.Webhooks;

/// <summary>Which addresses are dialled: by their bytes, whatever their spelling, whatever a name server says the second time.</summary>
public sealed class AddressGuardTests
{
    private static readonly IPNetwork[] Everything = [IPNetwork.Parse("0.0.0.0/0"), IPNetwork.Parse("::/0")];

    // What a system's resolver makes of texts that are numbers to it and names to us.
    private static Task<IPAddress[]> Lenient(string host, CancellationToken token) =>
        Task.FromResult<IPAddress[]>(
            host switch
            {
                "127.0.0.1." or "localhost" or "localhost." or "127.0.0.1.nip.example" => [IPAddress.Loopback],
                // Digits in circles, which a host's name spells in Punycode.
                _ when host.StartsWith("xn--", StringComparison.Ordinal) => [IPAddress.Loopback],
                "metadata.google.internal" => [IPAddress.Parse("169.254.169.254")],
                _ => throw new SocketException((int)SocketError.HostNotFound),
            }
        );

    [Theory]
    [InlineData("2130706433")]
    [InlineData("0x7f000001")]
    [InlineData("127.1")]
    [InlineData("0177.0.0.1")]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.1.")]
    [InlineData("127.255.255.254")]
    [InlineData("①②⑦.⓪.⓪.①")]
    [InlineData("localhost")]
    [InlineData("localhost.")]
    [InlineData("127.0.0.1.nip.example")]
    [InlineData("metadata.google.internal")]
    [InlineData("0.0.0.0")]
    [InlineData("0")]
    [InlineData("169.254.169.254")]
    [InlineData("0xa9fea9fe")]
    [InlineData("[::1]")]
    [InlineData("[::]")]
    [InlineData("[::ffff:7f00:1]")]
    [InlineData("[::ffff:127.0.0.1]")]
    [InlineData("[::127.0.0.1]")]
    [InlineData("[64:ff9b::a9fe:a9fe]")]
    [InlineData("[64:ff9b:1::a9fe:a9fe]")]
    [InlineData("[2002:7f00:1::]")]
    [InlineData("[2001:0:4136:e378:8000:63bf:3fff:fdd2]")]
    [InlineData("[fe80::a9fe:a9fe]")]
    [InlineData("[fd00:ec2::254]")]
    public async Task Every_spelling_of_an_address_inside_is_refused_before_a_packet_is_sent(string host)
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var address = new Uri($"https://{host}:{((IPEndPoint)listener.LocalEndpoint).Port}/");

        var refused = await Assert.ThrowsAsync<AddressRefusedException>(async () =>
            await new AddressGuard([], Lenient).ConnectAsync(address, default)
        );

        Assert.Equal("blocked_address", refused.Code.ToWord());
        Assert.False(listener.Pending());
        listener.Stop();
    }

    [Theory]
    [InlineData("10.0.0.1", "private")]
    [InlineData("172.16.0.1", "private")]
    [InlineData("172.31.255.255", "private")]
    [InlineData("192.168.1.1", "private")]
    [InlineData("fc00::1", "private")]
    [InlineData("fdff::1", "private")]
    [InlineData("fec0::1", "private")]
    [InlineData("100.64.0.1", "shared by a carrier's customers")]
    [InlineData("100.127.255.255", "shared by a carrier's customers")]
    [InlineData("192.0.0.8", "reserved")]
    [InlineData("192.88.99.1", "reserved")]
    [InlineData("240.0.0.1", "reserved")]
    [InlineData("5f00::1", "reserved")]
    [InlineData("100::1", "reserved")]
    [InlineData("2001:2::1", "reserved")]
    [InlineData("198.18.0.1", "for measurements")]
    [InlineData("198.19.255.255", "for measurements")]
    [InlineData("192.0.2.1", "for documentation")]
    [InlineData("198.51.100.1", "for documentation")]
    [InlineData("203.0.113.1", "for documentation")]
    [InlineData("2001:db8::1", "for documentation")]
    [InlineData("3fff::1", "for documentation")]
    [InlineData("224.0.0.1", "multicast or broadcast")]
    [InlineData("255.255.255.255", "multicast or broadcast")]
    [InlineData("ff02::1", "multicast or broadcast")]
    [InlineData("4000::1", "not a global unicast address")]
    [InlineData("0200::1", "not a global unicast address")]
    public void Every_special_network_is_refused_and_says_what_it_is(string address, string reason) =>
        Assert.Equal(reason, new AddressGuard([]).Validate(IPAddress.Parse(address)));

    [Theory]
    [InlineData("1.1.1.1")]
    [InlineData("8.8.8.8")]
    [InlineData("9.255.255.255")]
    [InlineData("11.0.0.0")]
    [InlineData("100.63.255.255")]
    [InlineData("100.128.0.0")]
    [InlineData("126.255.255.255")]
    [InlineData("128.0.0.0")]
    [InlineData("169.253.255.255")]
    [InlineData("169.255.0.0")]
    [InlineData("172.15.255.255")]
    [InlineData("172.32.0.0")]
    [InlineData("192.167.255.255")]
    [InlineData("192.169.0.0")]
    [InlineData("198.17.255.255")]
    [InlineData("198.20.0.0")]
    [InlineData("223.255.255.255")]
    [InlineData("2606:4700:4700::1111")]
    [InlineData("2a00:1450:4001::1")]
    public void What_lies_beside_them_is_dialled(string address) => Assert.Null(new AddressGuard([]).Validate(IPAddress.Parse(address)));

    [Theory]
    [InlineData("169.254.169.254")]
    [InlineData("169.254.170.2")]
    [InlineData("fe80::1")]
    [InlineData("100.100.100.200")]
    [InlineData("168.63.129.16")]
    [InlineData("fd00:ec2::254")]
    [InlineData("fd20:ce::254")]
    [InlineData("0.0.0.0")]
    [InlineData("::")]
    [InlineData("255.255.255.255")]
    [InlineData("::ffff:10.0.0.1")]
    [InlineData("::10.0.0.1")]
    [InlineData("64:ff9b::10.0.0.1")]
    [InlineData("2002:a00:1::")]
    public void Metadata_services_and_wrapped_addresses_stay_closed_whatever_the_operator_opens(string address) =>
        Assert.NotNull(new AddressGuard(Everything).Validate(IPAddress.Parse(address)));

    [Fact]
    public void An_operator_opens_a_network_and_no_other()
    {
        var guard = new AddressGuard(
            new WebhookSettings { AllowedNetworks = ["10.20.0.0/16", "127.0.0.1", "::1", "fd12:3456::/32"] }.ToNetworks()
        );

        foreach (var open in new[] { "10.20.0.1", "10.20.255.255", "127.0.0.1", "::1", "fd12:3456::1" })
            Assert.Null(guard.Validate(IPAddress.Parse(open)));
        foreach (var closed in new[] { "10.19.255.255", "10.21.0.0", "127.0.0.2", "::2", "fd12:3457::1" })
            Assert.NotNull(guard.Validate(IPAddress.Parse(closed)));
    }

    [Fact]
    public void Networks_that_cannot_be_read_are_told_apart() =>
        Assert.Equal(
            [
                "Metrics:Webhooks:AllowedNetworks:1: '10.20.0.0/33' is not a network such as 10.20.0.0/16 or fd00:1234::/32, nor "
                    + "an address.",
                "Metrics:Webhooks:AllowedNetworks:2: 'intranet' is not a network such as 10.20.0.0/16 or fd00:1234::/32, nor an address.",
                "Metrics:Webhooks:Timeout: 00:01:00 is not between 00:00:00.1 and 00:00:30.",
                "Metrics:Webhooks:Concurrency: 0 is not between 1 and 64.",
            ],
            new WebhookSettings
            {
                AllowedNetworks = ["10.20.0.0/16", "10.20.0.0/33", "intranet"],
                Timeout = TimeSpan.FromMinutes(1),
                Concurrency = 0,
            }.Errors()
        );

    [Theory]
    [InlineData("8.8.8.8", "fd00::1")]
    [InlineData("2606:4700:4700::1111", "127.0.0.1")]
    public async Task One_record_inside_refuses_the_name(string outside, string inside)
    {
        var guard = new AddressGuard([], (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Parse(outside), IPAddress.Parse(inside)]));
        Assert.Equal(
            "blocked_address",
            (
                await Assert.ThrowsAsync<AddressRefusedException>(async () =>
                    await guard.ConnectAsync(new("https://hooks.example.org/"), default)
                )
            ).Code.ToWord()
        );
    }

    [Fact]
    public async Task A_name_that_cannot_be_resolved_is_refused()
    {
        var failing = new AddressGuard(Everything, (_, _) => throw new SocketException((int)SocketError.TryAgain));
        Assert.Equal(
            "unresolvable_host",
            (
                await Assert.ThrowsAsync<AddressRefusedException>(async () =>
                    await failing.ConnectAsync(new("https://hooks.example.org/"), default)
                )
            ).Code.ToWord()
        );
        var empty = new AddressGuard(Everything, (_, _) => Task.FromResult<IPAddress[]>([]));
        Assert.Equal(
            "unresolvable_host",
            (
                await Assert.ThrowsAsync<AddressRefusedException>(async () =>
                    await empty.ConnectAsync(new("https://hooks.example.org/"), default)
                )
            ).Code.ToWord()
        );
    }

    [Fact]
    public async Task Without_TLS_only_networks_that_the_operator_opened_are_dialled()
    {
        var guard = new AddressGuard([], (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Parse("8.8.8.8")]));
        Assert.Equal(
            "https_required",
            (
                await Assert.ThrowsAsync<AddressRefusedException>(async () =>
                    await guard.ConnectAsync(new("http://hooks.example.org/"), default)
                )
            ).Code.ToWord()
        );
    }

    [Fact]
    public async Task A_name_that_moves_inside_between_two_questions_is_not_followed()
    {
        // Stands for a victim inside, and 127.0.0.2 for the attacker's own server outside.
        var victim = new TcpListener(IPAddress.Loopback, 0);
        victim.Start();
        var port = ((IPEndPoint)victim.LocalEndpoint).Port;
        var outside = new TcpListener(IPAddress.Parse("127.0.0.2"), port);
        outside.Start();
        var questions = 0;
        Task<IPAddress[]> Rebinding(string host, CancellationToken token) =>
            Task.FromResult<IPAddress[]>([++questions % 2 == 1 ? IPAddress.Parse("127.0.0.2") : IPAddress.Loopback]);
        var guard = new AddressGuard([IPNetwork.Parse("127.0.0.2/32")], Rebinding);
        var address = new Uri($"http://rebinding.example:{port}/");

        // The address that was checked is the one that is dialled: one question a connection.
        await using (await guard.ConnectAsync(address, default))
            Assert.Equal(1, questions);
        Assert.True(outside.Pending());
        await Assert.ThrowsAsync<AddressRefusedException>(async () => await guard.ConnectAsync(address, default));
        Assert.False(victim.Pending());

        // The control: who checks first and then lets the connection ask again reaches the victim.
        Assert.Null(guard.Validate((await Rebinding("", default))[0]));
        using (var naive = new Socket(SocketType.Stream, ProtocolType.Tcp))
            await naive.ConnectAsync((await Rebinding("", default))[0], port);
        Assert.True(victim.Pending());
        victim.Stop();
        outside.Stop();
    }
}
