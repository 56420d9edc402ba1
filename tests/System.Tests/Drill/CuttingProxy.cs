using System.Net;
using System.Net.Sockets;

namespace Metrics.SystemTests.Drill;

/// <summary>Stands between a worker and its PostgreSQL and cuts the connection at the n-th thing that the worker sends.</summary>
internal sealed class CuttingProxy : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource over = new();
    private readonly int server,
        cutAt;
    private readonly bool deliver;
    private readonly string? counted;
    private readonly Task accepting;
    private int sent;

    /// <param name="server">Port of the server on loopback.</param>
    /// <param name="cutAt">Which of the things sent is the last, from 1.</param>
    /// <param name="deliver">True: the server gets it, and its answer is lost. False: it is lost itself.</param>
    /// <param name="counted">Only what contains this text counts; null: everything.</param>
    public CuttingProxy(int server, int cutAt, bool deliver, string? counted = null)
    {
        (this.server, this.cutAt, this.deliver, this.counted) = (server, cutAt, deliver, counted);
        listener.Start();
        accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>Whether it came to the cut.</summary>
    public bool HasCut => Volatile.Read(ref sent) >= cutAt;

    public async ValueTask DisposeAsync()
    {
        await over.CancelAsync();
        listener.Stop();
        await accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        over.Dispose();
    }

    private async Task AcceptAsync()
    {
        var carrying = new List<Task>();
        try
        {
            while (true)
                carrying.Add(CarryAsync(await listener.AcceptTcpClientAsync(over.Token)));
        }
        finally
        {
            foreach (var connection in carrying)
                await connection.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task CarryAsync(TcpClient worker)
    {
        using var near = worker;
        using var far = new TcpClient { NoDelay = true };
        await far.ConnectAsync(IPAddress.Loopback, server, over.Token);
        near.NoDelay = true;
        using var cut = CancellationTokenSource.CreateLinkedTokenSource(over.Token);
        var back = far.GetStream().CopyToAsync(near.GetStream(), cut.Token);
        var buffer = new byte[1 << 20];
        int read;
        while ((read = await near.GetStream().ReadAsync(buffer, cut.Token)) > 0)
        {
            var counts =
                counted is null || System.Text.Encoding.Latin1.GetString(buffer, 0, read).Contains(counted, StringComparison.Ordinal);
            var last = counts && Interlocked.Increment(ref sent) == cutAt;
            if (last)
                await cut.CancelAsync();
            if (!last || deliver)
                await far.GetStream().WriteAsync(buffer.AsMemory(0, read), over.Token);
            if (!last)
                continue;
            // Let the server do what it was told before its connection ends.
            if (deliver)
                await Task.Delay(100, over.Token);
            break;
        }
        await cut.CancelAsync();
        near.Client.Close(0);
        await back.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
