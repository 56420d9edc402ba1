using System.Diagnostics;
using System.Globalization;
using Metrics.Testing;
using Xunit;

namespace Metrics.SystemTests;

/// <summary>A run of tests that is killed leaves neither a process nor a cluster nor a folder behind.</summary>
public sealed class InterruptedRunTests
{
    [Theory]
    [InlineData("INT")]
    [InlineData("KILL")]
    public async Task A_run_that_is_ended_leaves_nothing_behind(string signal)
    {
        var (folder, server) = await InterruptAsync(signal, cleanUp: true);
        for (var tries = 0; Directory.Exists(folder) || Lives(server); tries++)
        {
            Assert.True(tries < 600, $"{folder}: {Directory.Exists(folder)}, server {server}: {Lives(server)}");
            await Task.Delay(500);
        }
    }

    [Fact]
    public async Task Without_the_clean_up_the_server_and_its_folder_would_stay()
    {
        var (folder, server) = await InterruptAsync("KILL", cleanUp: false);
        await Task.Delay(2_000);
        Assert.True(Directory.Exists(folder));
        Assert.True(Lives(server));
        using var end = Process.Start("kill", ["-QUIT", server.ToString(CultureInfo.InvariantCulture)]);
        await end.WaitForExitAsync();
        while (Lives(server))
            await Task.Delay(100);
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>Starts a test that has a cluster, waits for it, and ends the run.</summary>
    /// <returns>The run's folder, and the process of its PostgreSQL.</returns>
    private static async Task<(string Folder, int Server)> InterruptAsync(string signal, bool cleanUp)
    {
        var root = Directory.CreateTempSubdirectory("metrics-interrupted-").FullName;
        File.SetUnixFileMode(root, File.GetUnixFileMode(root) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        var tests = typeof(InterruptedRunTests).Assembly.Location;
        var start = new ProcessStartInfo("dotnet", ["test", tests, "--nologo", "--filter", $"FullyQualifiedName~{nameof(HeldCluster)}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["TMPDIR"] = root;
        start.Environment[HeldCluster.Held] = "yes";
        start.Environment.Remove("METRICS_TEST_POSTGRES");
        if (!cleanUp)
            start.Environment[TestRun.Switch] = "off";
        using var run = Process.Start(start)!;
        var output = Task.WhenAll(run.StandardOutput.ReadToEndAsync(), run.StandardError.ReadToEndAsync());
        string? ready;
        while ((ready = Directory.EnumerateFiles(root, HeldCluster.Ready, SearchOption.AllDirectories).FirstOrDefault()) is null)
        {
            Assert.False(run.HasExited, run.HasExited ? string.Concat(await output) : "");
            await Task.Delay(100);
        }
        var folder = Path.GetDirectoryName(ready)!;
        var host = int.Parse(await File.ReadAllTextAsync(ready), CultureInfo.InvariantCulture);
        var pidFile = Directory
            .EnumerateDirectories(folder, "metrics-pg-*")
            .Select(path => Path.Combine(path, "data", "postmaster.pid"))
            .Single();
        var server = int.Parse((await File.ReadAllLinesAsync(pidFile))[0], CultureInfo.InvariantCulture);
        Assert.True(Lives(server));
        using var kill = Process.Start("kill", [$"-{signal}", host.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
        await run.WaitForExitAsync();
        return (folder, server);
    }

    private static bool Lives(int process) => Directory.Exists($"/proc/{process}");
}

/// <summary>What the interrupted runs run: a test that has a cluster and waits for its end. Anywhere else it only looks at the
/// cluster.</summary>
public sealed class HeldCluster(PostgresCluster cluster) : IClassFixture<PostgresCluster>
{
    internal const string Held = "METRICS_TEST_HELD",
        Ready = "ready";

    [Fact]
    public async Task The_cluster_is_held()
    {
        Assert.NotEqual("", cluster.ConnectionString);
        if (Environment.GetEnvironmentVariable(Held) is null)
            return;
        var folder = Environment.GetEnvironmentVariable(TestRun.Mark)!;
        await File.WriteAllTextAsync(Path.Combine(folder, "." + Ready), Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        File.Move(Path.Combine(folder, "." + Ready), Path.Combine(folder, Ready));
        await Task.Delay(Timeout.Infinite);
    }
}
