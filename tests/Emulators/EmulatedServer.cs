using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Metrics.Emulators;

/// <summary>Where an emulator listens.</summary>
/// <param name="Port">Port; 0: any that is free.</param>
/// <param name="Host">Name by which others reach it. Other than loopback it listens on every address, as in a container.</param>
public sealed record ListenAddresses(int Port = 0, string Host = "127.0.0.1")
{
    /// <summary>The same host and another port; any that is free stays any.</summary>
    public ListenAddresses Next(int number) => this with { Port = Port == 0 ? 0 : Port + number };
}

/// <summary>A server that an emulated cloud answers on, with a record of what it was asked and a way to misbehave.</summary>
public sealed class EmulatedServer : IAsyncDisposable
{
    private readonly WebApplication app;

    private EmulatedServer(WebApplication app) => this.app = app;

    /// <summary>Where it answers: <c>http://127.0.0.1:port/</c>, or https.</summary>
    public Uri Address { get; private set; } = new("http://127.0.0.1");

    /// <summary>Method and path with query of every request, in order of arrival.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>Asked first for every request: it answers itself and says true, or leaves the request to the cloud.</summary>
    public Func<HttpContext, Task<bool>>? Instead { get; set; }

    /// <summary>Starts a server.</summary>
    /// <param name="map">Maps the cloud's addresses.</param>
    /// <param name="at">Where it listens; null: any free port of loopback.</param>
    /// <param name="certificate">With its key: the server speaks TLS. Null: it does not.</param>
    /// <param name="time">What its clock shows; <see cref="DateTime.MaxValue"/>: it tells no time. Null: this machine's clock.</param>
    public static async Task<EmulatedServer> StartAsync(
        Action<WebApplication> map,
        ListenAddresses? at = null,
        X509Certificate2? certificate = null,
        Func<DateTime>? time = null
    )
    {
        var (port, host) = at ?? new ListenAddresses();
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(host == "127.0.0.1" ? IPAddress.Loopback : IPAddress.Any, port, listen =>
            {
                if (certificate is not null)
                    listen.UseHttps(certificate);
            });
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 8 * 1024 * 1024;
        });
        var app = builder.Build();
        var server = new EmulatedServer(app);
        app.Use(
            async (context, next) =>
            {
                if (time?.Invoke() is { } now)
                    context.Response.Headers.Date = now == DateTime.MaxValue ? "never" : now.ToString("r", CultureInfo.InvariantCulture);
                server.Requests.Enqueue($"{context.Request.Method} {context.Request.Path}{context.Request.QueryString}");
                if (server.Instead is { } instead && await instead(context))
                    return;
                await next(context);
            }
        );
        map(app);
        await app.StartAsync();
        var bound = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        server.Address = new UriBuilder(bound) { Host = host }.Uri;
        return server;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await app.StopAsync(now.Token);
        await app.DisposeAsync();
    }

    /// <summary>Answers with a status and a body.</summary>
    public static Func<HttpContext, Task<bool>> Answering(
        int status,
        string type,
        string body,
        params (string Name, string Value)[] headers
    ) =>
        async context =>
        {
            context.Response.StatusCode = status;
            context.Response.ContentType = type;
            foreach (var (name, value) in headers)
                context.Response.Headers[name] = value;
            await context.Response.WriteAsync(body);
            return true;
        };

    /// <summary>Sends the head of an answer and then nothing.</summary>
    public static async Task<bool> Hang(HttpContext context)
    {
        context.Response.ContentType = "application/json";
        await context.Response.StartAsync();
        try
        {
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        }
        catch (OperationCanceledException)
        {
            // The client gave up, as it should.
        }
        return true;
    }

    /// <summary>Sends blanks without end.</summary>
    public static async Task<bool> Flood(HttpContext context)
    {
        context.Response.ContentType = "application/json";
        var blanks = new byte[64 * 1024];
        Array.Fill(blanks, (byte)' ');
        try
        {
            while (!context.RequestAborted.IsCancellationRequested)
                await context.Response.Body.WriteAsync(blanks, context.RequestAborted);
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException)
        {
            // The client had enough, as it should.
        }
        return true;
    }

    /// <summary>Lets the cloud answer, and breaks the connection off in the middle of what it says.</summary>
    public static Func<HttpContext, Task<bool>> Cut(RequestDelegate cloud) =>
        async context =>
        {
            var wire = context.Features.Get<IHttpResponseBodyFeature>()!;
            using var whole = new MemoryStream();
            context.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(whole));
            await cloud(context);
            context.Features.Set(wire);
            context.Response.ContentLength = whole.Length;
            await wire.Stream.WriteAsync(whole.GetBuffer().AsMemory(0, (int)whole.Length / 2));
            await wire.Stream.FlushAsync();
            context.Abort();
            return true;
        };
}
