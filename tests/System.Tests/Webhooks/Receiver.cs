using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Metrics.SystemTests.Webhooks;

/// <summary>What came, byte by byte.</summary>
internal sealed record Received(string Path, byte[] Body, Dictionary<string, string> Headers)
{
    public string Id => Headers["webhook-id"];

    public string Text => Encoding.UTF8.GetString(Body);

    public string Type => JsonDocument.Parse(Body).RootElement.GetProperty("type").GetString()!;
}

/// <summary>A receiver on a socket of this machine, which answers as it is told to.</summary>
internal sealed class Receiver : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly ConcurrentQueue<Received> received = [];

    private Receiver(WebApplication app) => this.app = app;

    public string Url => app.Urls.Single() + "/hook";

    /// <summary>Everything that came, in order.</summary>
    public IReadOnlyList<Received> All => [.. received];

    /// <summary>How it answers; 204 unless told otherwise.</summary>
    public Func<HttpContext, Task> Answer { get; set; } =
        context =>
        {
            context.Response.StatusCode = 204;
            return Task.CompletedTask;
        };

    public static async Task<Receiver> StartAsync(int? status = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var receiver = new Receiver(app);
        if (status is { } always)
            receiver.Answers(always);
        app.Run(async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            receiver.received.Enqueue(
                new(
                    context.Request.Path,
                    body.ToArray(),
                    context.Request.Headers.ToDictionary(header => header.Key.ToLowerInvariant(), header => header.Value.ToString())
                )
            );
            await receiver.Answer(context);
        });
        await app.StartAsync();
        return receiver;
    }

    public void Answers(int status, params (string Name, string Value)[] headers) =>
        Answer = context =>
        {
            context.Response.StatusCode = status;
            foreach (var (name, value) in headers)
                context.Response.Headers[name] = value;
            return Task.CompletedTask;
        };

    public ValueTask DisposeAsync() => app.DisposeAsync();
}

/// <summary>A receiver that takes a connection and then does what no server should.</summary>
internal sealed class RudeReceiver : IDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource end = new();
    private long written;

    public RudeReceiver(Func<NetworkStream, CancellationToken, Task> act)
    {
        listener.Start();
        _ = Task.Run(async () =>
        {
            while (!end.IsCancellationRequested)
            {
                var client = await listener.AcceptTcpClientAsync(end.Token);
                _ = Task.Run(async () =>
                {
                    using (client)
                    {
                        // The request is read, or the system would answer a closed connection by a reset.
                        var buffer = new byte[64 * 1024];
                        _ = await client.GetStream().ReadAsync(buffer, end.Token);
                        await act(client.GetStream(), end.Token);
                    }
                });
            }
        });
    }

    public string Url => $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/hook";

    public long Written => Interlocked.Read(ref written);

    /// <summary>Never answers.</summary>
    public static RudeReceiver Hanging() => new((_, token) => Task.Delay(Timeout.Infinite, token));

    /// <summary>Answers headers that never end, a byte at a time.</summary>
    public static RudeReceiver Dripping() =>
        new(
            async (stream, token) =>
            {
                await stream.WriteAsync("HTTP/1.1 200 OK\r\nX-Drip: "u8.ToArray(), token);
                while (true)
                {
                    await stream.WriteAsync("x"u8.ToArray(), token);
                    await Task.Delay(50, token);
                }
            }
        );

    /// <summary>Answers a megabyte of headers.</summary>
    public static RudeReceiver Headers() =>
        new(
            async (stream, token) =>
                await stream.WriteAsync(
                    Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nX-Long: {new string('x', 1024 * 1024)}\r\n\r\n"),
                    token
                )
        );

    /// <summary>Fails with a body that never ends, as fast as it is taken.</summary>
    public static RudeReceiver Endless()
    {
        RudeReceiver? self = null;
        self = new(
            async (stream, token) =>
            {
                await stream.WriteAsync("HTTP/1.1 500 Fault\r\nContent-Type: text/plain\r\n\r\n"u8.ToArray(), token);
                var block = Encoding.ASCII.GetBytes(new string('y', 16 * 1024));
                while (true)
                {
                    await stream.WriteAsync(block, token);
                    Interlocked.Add(ref self!.written, block.Length);
                }
            }
        );
        return self;
    }

    /// <summary>Closes the connection without a word.</summary>
    public static RudeReceiver Closing() => new((_, _) => Task.CompletedTask);

    /// <summary>Speaks another protocol.</summary>
    public static RudeReceiver Foreign() =>
        new(async (stream, token) => await stream.WriteAsync("220 mail.example.org ESMTP\r\n"u8.ToArray(), token));

    public void Dispose()
    {
        end.Cancel();
        listener.Stop();
    }
}

/// <summary>The receiver's side of the proof, run by Node.</summary>
internal static class NodeVerifier
{
    private static readonly NodeFolder Folder = new(Path.Combine(Here(), "Node"));
    private static readonly SemaphoreSlim Turn = new(1, 1);

    /// <summary>What each request held, or why its signature was refused: <c>id: type</c> or <c>id: refused, why</c>.</summary>
    public static async Task<List<string>> VerifyAsync(string key, IEnumerable<Received> requests)
    {
        await Turn.WaitAsync();
        try
        {
            await Folder.InstallAsync();
        }
        finally
        {
            Turn.Release();
        }
        var input = JsonSerializer.Serialize(
            new
            {
                key,
                requests = requests.Select(one => new
                {
                    body = Convert.ToBase64String(one.Body),
                    headers = one.Headers.Where(header => header.Key.StartsWith("webhook-", StringComparison.Ordinal)).ToDictionary(),
                }),
            }
        );
        return
        [
            .. JsonDocument
                .Parse(await Folder.RunAsync("verify.cjs", input))
                .RootElement.EnumerateArray()
                .Select(one =>
                    $"{one.GetProperty("id").GetString()}: "
                    + (
                        one.TryGetProperty("refused", out var refused)
                            ? $"refused, {refused.GetString()}"
                            : one.GetProperty("event").GetProperty("type").GetString()
                    )
                ),
        ];
    }

    private static string Here([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
