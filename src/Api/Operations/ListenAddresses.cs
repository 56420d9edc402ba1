using System.Net;
using Microsoft.AspNetCore.Connections;

namespace Metrics.Api.Operations;

/// <summary>Where the service listens, and why it cannot.</summary>
public static class ListenAddresses
{
    private const string Default = "http://localhost:5080";

    /// <summary>Listens for this machine alone unless something else is configured, and takes requests of a size that this service has a
    /// use for.</summary>
    public static void ConfigureListening(this WebApplicationBuilder builder)
    {
        if (Configured(builder.Configuration).Count == 0)
            builder.WebHost.UseUrls(Default);
        // Loopback is the lock of a service that asks for no key. A page from elsewhere whose name is pointed at this machine would pick
        // it: its own name gives it away.
        if (builder.Configuration["AllowedHosts"] is null && OnLoopbackOnly(builder.Configuration["urls"]))
            builder.Configuration["AllowedHosts"] = "localhost;127.0.0.1;[::1]";
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestLineSize = 64 * 1024;
            kestrel.Limits.MaxRequestHeadersTotalSize = 96 * 1024;
            kestrel.Limits.MaxRequestBodySize = 1024 * 1024;
        });
    }

    /// <summary>Where this machine reaches a service of this configuration.</summary>
    public static Uri Own(IConfiguration configuration) =>
        FromHere(Configured(configuration).FirstOrDefault(url => url.Length > 0) ?? Default);

    /// <summary>An address to listen on, as this machine calls it.</summary>
    public static Uri FromHere(string url)
    {
        var address = BindingAddress.Parse(url);
        var isAny = address.Host is "*" or "+" || (IPAddress.TryParse(address.Host.Trim('[', ']'), out var ip) && Any.Contains(ip));
        return new UriBuilder(address.Scheme, isAny ? "localhost" : address.Host, address.Port).Uri;
    }

    private static readonly IPAddress[] Any = [IPAddress.Any, IPAddress.IPv6Any];

    /// <summary>Whether all of these addresses, or the default when there are none, belong to this machine alone.</summary>
    /// <param name="urls">Addresses with semicolons between, as ASP.NET Core takes them.</param>
    public static bool OnLoopbackOnly(string? urls) =>
        urls is { Length: > 0 }
        && urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .All(url => Uri.TryCreate(url, UriKind.Absolute, out var address) && address.IsLoopback);

    /// <summary>The first address of the configuration that others than this machine can reach; null when there is none.</summary>
    public static string? BeyondLoopback(IConfiguration configuration) => Configured(configuration).Find(IsBeyond);

    // What Kestrel itself looks at, in its order.
    private static List<string> Configured(IConfiguration configuration)
    {
        var endpoints = configuration.GetSection("Kestrel:Endpoints").GetChildren().Select(endpoint => endpoint["Url"] ?? "").ToList();
        return endpoints.Count > 0 ? endpoints
            : configuration["urls"] is { } urls
                ? [.. urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)]
            : [.. Ports(configuration, "http"), .. Ports(configuration, "https")];
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
    public static string? Describe(Exception exception) =>
        exception switch
        {
            IOException { InnerException: AddressInUseException } =>
                $"{exception.Message.TrimEnd('.')}. Stop the other program, or listen elsewhere: --urls http://localhost:5081.",
            FormatException or ArgumentOutOfRangeException { ParamName: "port" } =>
                $"The address to listen on cannot be used: {exception.Message.ReplaceLineEndings(" ")} Give one such as --urls "
                    + "http://localhost:5081.",
            System.Net.Sockets.SocketException or IOException { InnerException: System.Net.Sockets.SocketException } =>
                $"The address to listen on cannot be used: {exception.Message.TrimEnd('.')}. Give one such as --urls "
                    + $"http://localhost:5081.",
            _ => null,
        };
}
