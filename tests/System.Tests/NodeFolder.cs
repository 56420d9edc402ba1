using System.Diagnostics;

namespace Metrics.SystemTests;

/// <summary>A folder of Node scripts with the packages that its lock file pins.</summary>
internal sealed class NodeFolder(string path)
{
    /// <summary>Installs the packages where they are not there in the pinned versions.</summary>
    public async Task InstallAsync()
    {
        var (installed, wanted) = (Path.Combine(path, "node_modules", ".package-lock.json"), Path.Combine(path, "package-lock.json"));
        if (File.Exists(installed) && File.GetLastWriteTimeUtc(installed) >= File.GetLastWriteTimeUtc(wanted)) return;
        await RunAsync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], null, null);
    }

    /// <summary>What a script prints.</summary>
    public Task<string> RunAsync(string script, string? input = null, IReadOnlyDictionary<string, string>? environment = null) =>
        RunAsync("node", ["--no-deprecation", script], input, environment);

    private async Task<string> RunAsync(string program, string[] arguments, string? input, IReadOnlyDictionary<string, string>? environment)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = path, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var (told, complaints) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? await told : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {await complaints} {await told}");
    }
}
