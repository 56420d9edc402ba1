using System.Diagnostics;
using System.Text.Json;

namespace Metrics.Ingestors.Tests;

/// <summary>The vendors' own JavaScript SDKs under Node.js: what they read from an emulated cloud proves that it is one.</summary>
internal static class VendorSdk
{
    private static readonly SemaphoreSlim Installing = new(1);

    /// <summary>Runs a script of <c>tests/Emulators/sdk</c> and returns the JSON that it printed.</summary>
    /// <param name="script">Name of the file.</param>
    /// <param name="request">What it is told, as JSON on its standard input.</param>
    /// <param name="environment">Variables that it sees besides its own.</param>
    public static async Task<JsonElement> RunAsync(string script, object request, params (string Name, string Value)[] environment)
    {
        var folder = Path.Combine(ProviderContract.Repository(), "tests", "Emulators", "sdk");
        await Installing.WaitAsync();
        try
        {
            var (installed, wanted) = (
                Path.Combine(folder, "node_modules", ".package-lock.json"),
                Path.Combine(folder, "package-lock.json")
            );
            if (!File.Exists(installed) || File.GetLastWriteTimeUtc(installed) < File.GetLastWriteTimeUtc(wanted))
                await EndAsync(folder, "npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], "");
        }
        finally
        {
            Installing.Release();
        }
        using var answer = JsonDocument.Parse(
            await EndAsync(folder, "node", ["--no-deprecation", script], JsonSerializer.Serialize(request), environment)
        );
        return answer.RootElement.Clone();
    }

    private static async Task<string> EndAsync(
        string folder,
        string program,
        string[] arguments,
        string input,
        params (string Name, string Value)[] environment
    )
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var (told, complaints) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
        return process.ExitCode == 0
            ? await told
            : throw new InvalidOperationException(
                $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {await complaints} {await told}"
            );
    }
}
