using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Metrics.Ingestors.Tests;

/// <summary>A server that writes whatever bytes a test wants onto a real socket.</summary>
internal sealed class HostileServer : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stop = new();
    private readonly ConcurrentBag<Task> conversations = [];
    private readonly Task accepting;

    /// <param name="answer">Gets the request (head and body) and the socket; when it returns the connection closes.</param>
    public HostileServer(Func<string, NetworkStream, CancellationToken, Task> answer)
    {
        listener.Start();
        accepting = AcceptAsync(answer);
    }

    public static HostileServer Answering(params string[] response) =>
        new((_, socket, cancel) => Write(socket, string.Join("\r\n", response), cancel));

    /// <summary>Answers each request with a framed body.</summary>
    public static HostileServer Serving(string type, Func<string, string> body, string status = "200 OK", string headers = "") =>
        new(
            (request, socket, cancel) =>
            {
                var bytes = Encoding.UTF8.GetBytes(body(request));
                return Write(
                    socket,
                    [
                        .. Encoding.ASCII.GetBytes(
                            $"HTTP/1.1 {status}\r\nContent-Type: {type}\r\n{headers}Content-Length: "
                                + $"{bytes.Length}\r\nConnection: close\r\n\r\n"
                        ),
                        .. bytes,
                    ],
                    cancel
                );
            }
        );

    public ConcurrentQueue<string> Requests { get; } = new();

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    public Uri At(string path) => new($"http://127.0.0.1:{Port}{path}");

    public static Task Write(NetworkStream socket, string text, CancellationToken cancel) =>
        Write(socket, Encoding.UTF8.GetBytes(text), cancel);

    public static async Task Write(NetworkStream socket, byte[] bytes, CancellationToken cancel)
    {
        await socket.WriteAsync(bytes, cancel);
        await socket.FlushAsync(cancel);
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Stop();
        await accepting;
        await Task.WhenAll(conversations);
        stop.Dispose();
    }

    private async Task AcceptAsync(Func<string, NetworkStream, CancellationToken, Task> answer)
    {
        try
        {
            while (true)
                conversations.Add(ConverseAsync(await listener.AcceptTcpClientAsync(stop.Token), answer));
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or InvalidOperationException) { }
    }

    private async Task ConverseAsync(TcpClient client, Func<string, NetworkStream, CancellationToken, Task> answer)
    {
        using var _ = client;
        try
        {
            var socket = client.GetStream();
            var request = await RequestAsync(socket);
            Requests.Enqueue(request);
            await answer(request, socket, stop.Token);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException or SocketException) { }
    }

    private async Task<string> RequestAsync(NetworkStream socket)
    {
        var text = new StringBuilder();
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var count = await socket.ReadAsync(buffer, stop.Token);
            if (count == 0)
                return text.ToString();
            text.Append(Encoding.UTF8.GetString(buffer, 0, count));
            var all = text.ToString();
            var head = all.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (head < 0)
                continue;
            var length = all.Split("\r\n").FirstOrDefault(line => line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase))
                is { } header
                ? int.Parse(header[15..], System.Globalization.CultureInfo.InvariantCulture)
                : 0;
            if (all.Length - head - 4 >= length)
                return all;
        }
    }
}
