using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Metrics.Domain.Observations;
using Metrics.Ingestors.Providers;

namespace Metrics.Ingestors.Tests;

/// <summary>A Prometheus server of the Debian package, on a free port, with a folder of its own, scraping one page every second.</summary>
internal sealed class RealPrometheus : IAsyncDisposable
{
    private readonly Process process;
    private readonly StringBuilder output;

    private RealPrometheus(Process process, StringBuilder output, string folder, int port)
    {
        this.process = process;
        this.output = output;
        Folder = folder;
        Port = port;
    }

    public string Folder { get; }

    public int Port { get; }

    /// <param name="target">Port of the page to scrape, on this machine.</param>
    /// <param name="web">Text of <c>--web.config.file</c>; null for plain HTTP without credentials.</param>
    /// <param name="prepare">Writes files that the web configuration names.</param>
    public static async Task<RealPrometheus> StartAsync(int target, string? web = null, Action<string>? prepare = null)
    {
        var program = Environment
            .GetEnvironmentVariable("PATH")!
            .Split(Path.PathSeparator)
            .Select(folder => Path.Combine(folder, "prometheus"))
            .FirstOrDefault(File.Exists)
            ?? throw new InvalidOperationException(
                "These tests need a real Prometheus: install Debian's package 'prometheus' (apt-get install prometheus)."
            );
        var folder = Directory.CreateTempSubdirectory("metrics-prometheus-").FullName;
        prepare?.Invoke(folder);
        await File.WriteAllTextAsync(
            Path.Combine(folder, "prometheus.yml"),
            $$"""
            global: { scrape_interval: 1s, scrape_timeout: 1s }
            scrape_configs:
              - job_name: fleet
                honor_labels: true
                static_configs: [ { targets: ["127.0.0.1:{{target}}"] } ]
            """
        );
        var port = FreePort();
        var arguments = new List<string>
        {
            $"--config.file={folder}/prometheus.yml",
            $"--storage.tsdb.path={folder}/data",
            $"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
        };
        if (web is not null)
        {
            await File.WriteAllTextAsync(Path.Combine(folder, "web.yml"), web);
            arguments.Add($"--web.config.file={folder}/web.yml");
        }
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true };
        var output = new StringBuilder();
        var process = Process.Start(start)!;
        process.ErrorDataReceived += (_, line) => output.AppendLine(line.Data);
        process.OutputDataReceived += (_, line) => output.AppendLine(line.Data);
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        return new RealPrometheus(process, output, folder, port);
    }

    /// <summary>Asks until the answer is as wanted; fails with the server's own words when it never is.</summary>
    public async Task<T> UntilAsync<T>(Func<Task<T>> ask, Func<T, bool> wanted)
    {
        var waited = Stopwatch.StartNew();
        Exception? last = null;
        while (waited.Elapsed < TimeSpan.FromMinutes(5))
        {
            if (process.HasExited)
                throw new InvalidOperationException($"Prometheus ended: {output}");
            try
            {
                var answer = await ask();
                if (wanted(answer))
                    return answer;
            }
            catch (SourceException exception)
                when (exception.Code is SourceErrorCode.Unreachable or SourceErrorCode.Truncated or SourceErrorCode.ServerError)
            {
                last = exception;
            }
            await Task.Delay(200);
        }
        throw new TimeoutException($"Prometheus did not answer as expected within a minute. {last?.Message} {output}");
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
            process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
