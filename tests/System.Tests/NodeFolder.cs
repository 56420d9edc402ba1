using System.Diagnostics;

namespace Metrics.SystemTests;

/// <summary>A folder with a package.json and its lock file, whose scripts are run by node.</summary>
/// <param name="path">The folder.</param>
internal sealed class NodeFolder(string path)
{
    /// <summary>Installs the packages where they are not there in the pinned versions.</summary>
    public async Task InstallAsync()
    {
        var (installed, wanted) = (Path.Combine(path, "node_modules", ".package-lock.json"), Path.Combine(path, "package-lock.json"));
        if (File.Exists(installed) && File.GetLastWriteTimeUtc(installed) >= File.GetLastWriteTimeUtc(wanted))
            return;
        await RunAsync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], null, null);
    }

    /// <summary>What a script of the folder writes to its standard output; its failure is an exception with all that it said.</summary>
    public Task<string> RunAsync(string script, string? input = null, IReadOnlyDictionary<string, string>? environment = null) =>
        RunAsync("node", ["--no-deprecation", script], input, environment);

    private async Task<string> RunAsync(string program, string[] arguments, string? input, IReadOnlyDictionary<string, string>? environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = path,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var (told, complaints) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        return process.ExitCode == 0
            ? await told
            : throw new InvalidOperationException(
                $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {await complaints} {await told}"
            );
    }
}
