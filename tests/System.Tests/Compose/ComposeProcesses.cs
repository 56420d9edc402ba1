using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using Npgsql;

namespace Metrics.SystemTests.Compose;

/// <summary>
/// The compose file's services as plain processes of this machine: same command, same environment, with loopback and free
/// ports in place of the names and ports of the containers, and a given database in place of the service <c>postgres</c>.
/// </summary>
public sealed partial class ComposeProcesses(ComposeFile file, string database) : IAsyncDisposable
{
    private readonly Dictionary<(string Service, int Port), int> ports = [];
    private readonly Dictionary<string, (Process Process, StringBuilder Log)> running = [];
    private readonly string folder = Directory.CreateTempSubdirectory("metrics-compose-").FullName;

    /// <summary>Where a container's port is found on this machine.</summary>
    public Uri Address(string service, int port) => new($"http://127.0.0.1:{PortOf(service, port)}");

    /// <summary>Everything that a service has written so far.</summary>
    public string LogOf(string service)
    {
        var log = running[service].Log;
        lock (log)
            return log.ToString();
    }

    /// <summary>Starts a service; a program that was started is not yet one that is ready.</summary>
    public Process Start(string name)
    {
        var service = file[name];
        var home = Directory.CreateDirectory(Path.Combine(folder, name)).FullName;
        var start = service.Target switch
        {
            "emulators" => new ProcessStartInfo(
                "dotnet",
                [
                    Program("Metrics.Emulators.dll"),
                    .. service.Command.Select(word =>
                        word switch
                        {
                            "9500" => "0",
                            "emulators" => "127.0.0.1",
                            "/emulated" => Emulated,
                            _ => word,
                        }
                    ),
                ]
            ),
            "api" => new ProcessStartInfo("dotnet", [Program("Metrics.Api.dll"), .. service.Command]),
            "fleet" => new ProcessStartInfo(
                "dotnet",
                [
                    Program("Metrics.Fleet.dll"),
                    .. service.Command.Select(word =>
                        word switch
                        {
                            "9400" => $"{PortOf(name, 9400)}",
                            "fleet.ndjson.gz" => Path.Combine(ComposeFile.Root, "samples", word),
                            _ => word,
                        }
                    ),
                ]
            ),
            null when name == "prometheus" => new ProcessStartInfo(
                "prometheus",
                [
                    .. service.Command.Select(word =>
                        word switch
                        {
                            "--config.file=/etc/prometheus/prometheus.yml" => $"--config.file={Scrapes(home)}",
                            "--storage.tsdb.path=/prometheus" => $"--storage.tsdb.path={home}/data",
                            _ => word,
                        }
                    ),
                    $"--web.listen-address=127.0.0.1:{PortOf(name, 9090)}",
                ]
            ),
            _ => throw new InvalidOperationException($"The test does not know how to run the service '{name}' as a process."),
        };
        start.WorkingDirectory = home;
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        // A container knows only what the file gives it.
        foreach (
            var inherited in start
                .Environment.Keys.Where(key =>
                    key.StartsWith("Metrics__", StringComparison.OrdinalIgnoreCase)
                    || key.StartsWith("ASPNETCORE_", StringComparison.Ordinal)
                )
                .ToList()
        )
            start.Environment.Remove(inherited);
        foreach (var (key, value) in service.Environment)
            start.Environment[key] = key switch
            {
                "Metrics__Storage__ConnectionString" when value.StartsWith("Data Source=", StringComparison.Ordinal) =>
                    $"Data Source={home}/metrics.db",
                "Metrics__Storage__ConnectionString" => Database(value),
                "ASPNETCORE_CONTENTROOT" => Emulated,
                _ => Here(name, value),
            };

        var process = Process.Start(start)!;
        var log = new StringBuilder();
        void Note(object sender, DataReceivedEventArgs line)
        {
            lock (log)
                log.AppendLine(line.Data);
        }
        process.OutputDataReceived += Note;
        process.ErrorDataReceived += Note;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        running.Add(name, (process, log));
        return process;
    }

    /// <summary>Asks until the answer is a success that satisfies; fails with the service's log when it ends or the time is over.</summary>
    public async Task<string> UntilAsync(string service, Uri question, TimeSpan within, Func<string, bool>? satisfies = null)
    {
        using var client = new HttpClient
        {
            Timeout = TimeSpan.FromSeconds(10),
            DefaultRequestHeaders = { { "X-Api-Key", ComposeFile.Key } },
        };
        using var patience = new CancellationTokenSource(within);
        using var ticks = new PeriodicTimer(TimeSpan.FromMilliseconds(500));
        var last = "no answer";
        try
        {
            do
            {
                if (running[service].Process.HasExited)
                    break;
                try
                {
                    using var answer = await client.GetAsync(question, patience.Token);
                    last = $"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(patience.Token)}";
                    if (answer.IsSuccessStatusCode && satisfies?.Invoke(last[4..]) != false)
                        return last[4..];
                }
                catch (HttpRequestException exception)
                {
                    last = exception.Message;
                }
            } while (await ticks.WaitForNextTickAsync(patience.Token));
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested) { }
        throw new InvalidOperationException(
            $"{service} did not answer {question} as hoped within {within}. Last: {last}\nIts log:\n{LogOf(service)}"
        );
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (process, _) in running.Values.Reverse())
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
                await process.WaitForExitAsync();
            }
            process.Dispose();
        }
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>Waits until a service has written a file into the volume <c>emulated</c>.</summary>
    public async Task UntilWrittenAsync(string service, string file, TimeSpan within)
    {
        var since = TimeProvider.System.GetTimestamp();
        while (!File.Exists(Path.Combine(Emulated, file)))
        {
            if (running[service].Process.HasExited || TimeProvider.System.GetElapsedTime(since) > within)
                throw new InvalidOperationException($"{service} did not write {file}. Its log:\n{LogOf(service)}");
            await Task.Delay(100);
        }
    }

    /// <summary>The volume <c>emulated</c>.</summary>
    private string Emulated => Directory.CreateDirectory(Path.Combine(folder, "emulated")).FullName;

    private static string Program(string name) => Path.Combine(AppContext.BaseDirectory, name);

    private int PortOf(string service, int port)
    {
        if (!ports.TryGetValue((service, port), out var here))
            ports.Add((service, port), here = PostgresCluster.FreePort());
        return here;
    }

    // `prometheus:9090` is that service's port, `0.0.0.0:8080` the service's own.
    private string Here(string self, string text) =>
        HostAndPort()
            .Replace(text, found =>
                found.Groups[1].Value is var host && host != "0.0.0.0" && file.Services.All(service => service.Name != host)
                    ? found.Value
                    : $"127.0.0.1:{PortOf(host == "0.0.0.0" ? self : host, Number(found.Groups[2].Value))}"
            );

    private static int Number(string text) => int.Parse(text, System.Globalization.CultureInfo.InvariantCulture);

    private string Scrapes(string home)
    {
        var path = Path.Combine(home, "prometheus.yml");
        File.WriteAllText(path, Here("prometheus", File.ReadAllText(Path.Combine(ComposeFile.Root, "samples", "prometheus.yml"))));
        return path;
    }

    private string Database(string wanted)
    {
        var text = new NpgsqlConnectionStringBuilder(wanted);
        var here = new NpgsqlConnectionStringBuilder(database);
        (text.Host, text.Port, text.Database, text.Username) = (here.Host, here.Port, here.Database, here.Username);
        if (here.Password is not null)
            text.Password = here.Password;
        return text.ConnectionString;
    }

    [GeneratedRegex(@"([a-z0-9.]+):(\d{4,5})\b")]
    private static partial Regex HostAndPort();
}
