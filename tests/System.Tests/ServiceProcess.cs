using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;

namespace Metrics.SystemTests;

/// <summary>The service as a user starts it: its own process, its own folder, a free port. Ends by itself with the test.</summary>
public sealed class ServiceProcess : IAsyncDisposable
{
    /// <summary>Name of the setting that is the key of <see cref="Http"/>.</summary>
    public const string Key = "the key to send";

    /// <summary>
    /// How long something is waited for that has to come. Only a test that fails anyway waits so long: on a machine with ten times the work
    /// that it can do,
    /// everything takes ten times as long.
    /// </summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly Process process;
    private readonly StringBuilder output = new();
    private readonly string folder;

    private ServiceProcess(Process process, string folder, Uri address)
    {
        (this.process, this.folder, Address) = (process, folder, address);
        Http = new HttpClient { BaseAddress = address, Timeout = Patience };
    }

    public Uri Address { get; }

    public HttpClient Http { get; }

    /// <summary>Everything printed so far.</summary>
    public string Output
    {
        get
        {
            lock (output)
                return output.ToString();
        }
    }

    /// <summary>Starts the service with these settings, on a free port unless one is given, and waits until it is ready.</summary>
    /// <param name="settings">Environment variables, for instance <c>Metrics__Storage__Engine</c>; <see cref="Key"/> is kept here and sent
    /// with every request instead.</param>
    public static async Task<ServiceProcess> StartAsync(params (string Key, string Value)[] settings)
    {
        var folder = Directory.CreateTempSubdirectory("metrics-service-").FullName;
        var address = new Uri(
            settings.FirstOrDefault(setting => setting.Key == "ASPNETCORE_URLS").Value ?? $"http://127.0.0.1:{PostgresCluster.FreePort()}"
        );
        var service = new ServiceProcess(
            Start([], folder, [("ASPNETCORE_URLS", address.ToString()), .. settings.Where(setting => setting.Key != Key)]),
            folder,
            address
        );
        if (settings.FirstOrDefault(setting => setting.Key == Key).Value is { } key)
            service.Http.DefaultRequestHeaders.Add("X-Api-Key", key);
        service.Collect();
        ServiceLogs.Add($"The service at {address}", () => service.Output);
        try
        {
            await service.WaitUntilAsync("/health/ready", answer => answer.StatusCode == HttpStatusCode.OK);
            return service;
        }
        catch
        {
            // A test that fails leaves no process behind.
            await service.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs a command of the service to its end.</summary>
    public static Task<(int ExitCode, string Output)> RunAsync(string[] arguments, params (string Key, string Value)[] settings) =>
        RunWithAsync(null, arguments, settings);

    /// <summary>Runs a command of the service to its end, in a folder with this <c>appsettings.json</c>.</summary>
    public static async Task<(int ExitCode, string Output)> RunWithAsync(
        string? appsettings,
        string[] arguments,
        params (string Key, string Value)[] settings
    )
    {
        var folder = Directory.CreateTempSubdirectory("metrics-service-").FullName;
        if (appsettings is not null)
            await File.WriteAllTextAsync(Path.Combine(folder, "appsettings.json"), appsettings);
        await using var service = new ServiceProcess(Start(arguments, folder, settings), folder, new Uri("http://127.0.0.1:1"));
        service.Collect();
        using var limit = new CancellationTokenSource(Patience);
        await service.process.WaitForExitAsync(limit.Token);
        return (service.process.ExitCode, service.Output);
    }

    /// <summary>Asks until the answer is as wanted; fails with what the service printed.</summary>
    public async Task WaitUntilAsync(string path, Func<HttpResponseMessage, bool> wanted)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                using var answer = await Http.GetAsync(new Uri(path, UriKind.Relative));
                if (wanted(answer))
                    return;
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }
            if (process.HasExited || waited.Elapsed > Patience)
                throw new InvalidOperationException(
                    $"{path} was not as wanted after {waited.Elapsed.TotalSeconds:0} s (exited: {process.HasExited}). The "
                        + $"service printed:\n{Output}"
                );
            await Task.Delay(200);
        }
    }

    /// <summary>All rows of an entity set, page by page.</summary>
    public async Task<List<JsonElement>> RowsAsync(string query)
    {
        var rows = new List<JsonElement>();
        var next = new Uri($"/odata/{query}", UriKind.Relative);
        while (next is not null)
        {
            var text = await Http.GetStringAsync(next);
            using var page = JsonDocument.Parse(text);
            rows.AddRange(page.RootElement.GetProperty("value").EnumerateArray().Select(row => row.Clone()));
            next = page.RootElement.TryGetProperty("@odata.nextLink", out var link) ? new Uri(link.GetString()!) : null;
        }
        return rows;
    }

    /// <summary>Asks until the query gives rows that are as wanted. An assertion that fails says not yet, and is thrown once the limit is
    /// over.</summary>
    public async Task<List<JsonElement>> RowsAsync(string query, Func<List<JsonElement>, bool> wanted)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            var rows = await RowsAsync(query);
            try
            {
                if (wanted(rows))
                    return rows;
            }
            catch (Xunit.Sdk.XunitException) when (waited.Elapsed <= Patience)
            {
                // Not yet.
            }
            if (process.HasExited || waited.Elapsed > Patience)
                throw new InvalidOperationException(
                    $"{query} was not as wanted after {waited.Elapsed.TotalSeconds:0} s; last {rows.Count} rows: "
                        + $"{string.Join('\n', rows.Take(20))}\nThe service printed:\n{Output}"
                );
            await Task.Delay(500);
        }
    }

    /// <summary>Asks the service to stop, as a supervisor does, and returns its exit code.</summary>
    public async Task<int> StopAsync()
    {
        using var signal = Process.Start("kill", ["-TERM", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        await signal.WaitForExitAsync();
        using var limit = new CancellationTokenSource(Patience);
        await process.WaitForExitAsync(limit.Token);
        return process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (!process.HasExited)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
        }
        process.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private static Process Start(string[] arguments, string folder, (string Key, string Value)[] settings)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(Metrics.Api.Settings.MetricsSettings).Assembly.Location, .. arguments])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (key, value) in settings)
            start.Environment[key] = value;
        return Process.Start(start)!;
    }

    private void Collect()
    {
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();

        void Keep(string? line)
        {
            if (line is null)
                return;
            lock (output)
                output.AppendLine(line);
        }
    }
}
