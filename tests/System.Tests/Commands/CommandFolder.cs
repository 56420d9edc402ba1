using System.Diagnostics;
using System.Text.Json;

namespace Metrics.SystemTests.Commands;

/// <summary>An empty folder in which commands run as processes, and what they left in it.</summary>
public sealed class CommandFolder : IDisposable
{
    private readonly string path = Directory.CreateTempSubdirectory("metrics-command-").FullName;

    /// <summary>Names of what stands in the folder.</summary>
    public IEnumerable<string> Files =>
        Directory.EnumerateFileSystemEntries(path, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(path, file));

    /// <summary>Where a file of the folder is.</summary>
    public string PathOf(string name) => Path.Combine(path, name);

    public void Dispose()
    {
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        Directory.Delete(path, recursive: true);
    }

    /// <summary>Runs a command to its end.</summary>
    public async Task<(int ExitCode, string Output, string Error)> RunAsync(
        string[] arguments,
        params (string Key, string Value)[] settings
    )
    {
        using var process = Start(arguments, settings);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        try
        {
            var (output, error) = (process.StandardOutput.ReadToEndAsync(limit.Token), process.StandardError.ReadToEndAsync(limit.Token));
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    /// <summary>Starts a command.</summary>
    public Process Start(string[] arguments, params (string Key, string Value)[] settings)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(Metrics.Api.Settings.MetricsSettings).Assembly.Location, .. arguments])
        {
            WorkingDirectory = path,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (key, value) in settings)
            start.Environment[key] = value;
        return Process.Start(start)!;
    }

    /// <summary>A JSON document without blanks between its parts.</summary>
    public static string Compact(string json) => JsonSerializer.Serialize(JsonDocument.Parse(json).RootElement, Relaxed);

    private static readonly JsonSerializerOptions Relaxed = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };
}
