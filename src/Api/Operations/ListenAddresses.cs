using System.Net;
using Microsoft.AspNetCore.Connections;

namespace Metrics.Api.Operations;

/// <summary>Where the service listens, and why it cannot.</summary>
public static class ListenAddresses
{
    /// <summary>Whether all of these addresses, or the default when there are none, belong to this machine alone.</summary>
    /// <param name="urls">Addresses with semicolons between, as ASP.NET Core takes them.</param>
    public static bool OnLoopbackOnly(string? urls) =>
        urls is { Length: > 0 }
        && urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .All(url => Uri.TryCreate(url, UriKind.Absolute, out var address) && address.IsLoopback);

    /// <summary>The first address of the configuration that others than this machine can reach; null when there is none.</summary>
    public static string? BeyondLoopback(IConfiguration configuration)
    {
        // What Kestrel itself looks at, in its order.
        var endpoints = configuration.GetSection("Kestrel:Endpoints").GetChildren().Select(endpoint => endpoint["Url"] ?? "").ToList();
        if (endpoints.Count == 0 && configuration["urls"] is { } urls)
            endpoints = [.. urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];
        else if (endpoints.Count == 0)
            endpoints = [.. Ports(configuration, "http"), .. Ports(configuration, "https")];
        return endpoints.Find(IsBeyond);
    }

    // Read as Kestrel reads it; what it cannot read it refuses by itself.
    private static bool IsBeyond(string url)
    {
        try
        {
            var address = BindingAddress.Parse(url);
            return !address.IsUnixPipe
                && !address.IsNamedPipe
                && !address.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
                && !(IPAddress.TryParse(address.Host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip));
        }
        catch (FormatException)
        {
            return false;
        }
    }

    // A port alone is one of all addresses.
    private static IEnumerable<string> Ports(IConfiguration configuration, string scheme) =>
        (configuration[$"{scheme}_ports"] ?? "")
            .Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(port => $"{scheme}://*:{port}");

    /// <summary>The sentence for a start that failed at its address; null when it failed elsewhere.</summary>
    public static string? Refused(Exception fault) =>
        fault switch
        {
            IOException { InnerException: AddressInUseException } =>
                $"{fault.Message.TrimEnd('.')}. Stop the other program, or listen elsewhere: --urls http://localhost:5081.",
            FormatException or ArgumentOutOfRangeException { ParamName: "port" } =>
                $"The address to listen on cannot be used: {fault.Message.ReplaceLineEndings(" ")} Give one such as --urls http://localhost:5081.",
            System.Net.Sockets.SocketException or IOException { InnerException: System.Net.Sockets.SocketException } =>
                $"The address to listen on cannot be used: {fault.Message.TrimEnd('.')}. Give one such as --urls http://localhost:5081.",
            _ => null,
        };
}
