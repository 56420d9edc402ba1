using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Npgsql;
using Xunit;

// Twice the cores of a small machine: these tests wait for processes, ticks and databases about as long as they work.
[assembly: CollectionBehavior(MaxParallelThreads = 4)]

namespace Metrics.SystemTests;

/// <summary>
/// A PostgreSQL on a free loopback port, made from the binaries of this machine: one for the whole run, each test with databases of its own
/// in it.
/// <c>METRICS_TEST_POSTGRES</c> (a connection string of a role that may create databases) takes its place when set.
/// </summary>
public sealed class PostgresCluster : IAsyncLifetime
{
    private static readonly Lazy<Task<PostgresCluster>> OfTheRun = new(StartForTheRunAsync);

    // Two runs side by side start at different places.
    private const int FirstPort = 11_000,
        PortCount = 20_000;
    private static int lastPort = Random.Shared.Next(PortCount);

    private string? folder;
    private int port;

    /// <summary>True for a cluster that a test may stop: neither the run's nor the environment's is taken.</summary>
    public bool AlwaysPrivate { get; init; }

    /// <summary>Connection string of the maintenance database.</summary>
    public string ConnectionString { get; private set; } = "";

    public async Task InitializeAsync()
    {
        if (AlwaysPrivate)
            await CreateAsync();
        else if (Environment.GetEnvironmentVariable("METRICS_TEST_POSTGRES") is { Length: > 0 } given)
            ConnectionString = given;
        else
            ConnectionString = (await OfTheRun.Value).ConnectionString;
    }

    /// <summary>Stops and deletes a private cluster; the run's ends with the process.</summary>
    public async Task DisposeAsync()
    {
        if (folder is null)
            return;
        NpgsqlConnection.ClearAllPools();
        await StopAsync();
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>Starts the server of a private cluster.</summary>
    public async Task StartAsync() =>
        await RunAsServerUserAsync(
            Binary("pg_ctl"),
            "-D",
            $"{folder}/data",
            "-w",
            "-t",
            "300",
            "-l",
            $"{folder}/log",
            "-o",
            // No socket of the file system: the path of a folder within folders is longer than one may be.
            $"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c max_connections=200",
            "start"
        );

    /// <summary>Stops the server of a private cluster as a crash does: no connection is told.</summary>
    public Task StopAsync() => RunAsServerUserAsync(Binary("pg_ctl"), "-D", $"{folder}/data", "-w", "-m", "immediate", "stop");

    /// <summary>Connection string of a new database.</summary>
    /// <param name="template">Name of the database that it is a copy of, to which nobody may be connected; null for an empty one.</param>
    public async Task<string> CreateDatabaseAsync(string? template = null)
    {
        var name = "t" + Guid.NewGuid().ToString("N");
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"CREATE DATABASE {name} TEMPLATE {template ?? "template1"}", connection);
        await command.ExecuteNonQueryAsync();
        return new NpgsqlConnectionStringBuilder(ConnectionString) { Database = name }.ConnectionString;
    }

    /// <summary>A loopback port that nobody listens on now, and that no outgoing connection is given: it lies below the ports that the
    /// system hands out.</summary>
    public static int FreePort()
    {
        while (true)
        {
            var candidate = FirstPort + (int)((uint)Interlocked.Increment(ref lastPort) % PortCount);
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, candidate);
                listener.Start();
                return candidate;
            }
            catch (SocketException)
            {
                // Taken: the next one.
            }
        }
    }

    private static async Task<PostgresCluster> StartForTheRunAsync()
    {
        var cluster = new PostgresCluster();
        await cluster.CreateAsync();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => cluster.DisposeAsync().Wait();
        return cluster;
    }

    private async Task CreateAsync()
    {
        folder = Directory.CreateTempSubdirectory("metrics-pg-").FullName;
        port = FreePort();
        if (Environment.IsPrivilegedProcess)
            await RunAsync("chown", "postgres", folder);
        string[] arguments = ["-D", $"{folder}/data", "-U", "metrics", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"];
        await RunAsServerUserAsync(Binary("initdb"), arguments);
        await StartAsync();
        ConnectionString = $"Host=127.0.0.1;Port={port};Username=metrics;Database=postgres;Include Error Detail=true";
    }

    private static string Binary(string name)
    {
        var found = Directory.Exists("/usr/lib/postgresql")
            ? Directory
                .GetDirectories("/usr/lib/postgresql")
                .OrderByDescending(path => path, StringComparer.Ordinal)
                .Select(path => $"{path}/bin/{name}")
                .FirstOrDefault(File.Exists)
            : null;
        return found
            ?? (Environment.GetEnvironmentVariable("PATH") ?? "")
                .Split(':')
                .Select(path => Path.Combine(path, name))
                .FirstOrDefault(File.Exists)
            ?? throw new InvalidOperationException(
                $"PostgreSQL's {name} is not on this machine: install Debian's package 'postgresql' or set METRICS_TEST_POSTGRES."
            );
    }

    // The server refuses to run as root; Debian's package made the user that it runs as.
    private static Task RunAsServerUserAsync(string program, params string[] arguments) =>
        Environment.IsPrivilegedProcess
            ? RunAsync("runuser", ["-u", "postgres", "--", program, .. arguments])
            : RunAsync(program, arguments);

    private static async Task RunAsync(string program, params string[] arguments)
    {
        // pg_ctl's server inherits its pipes, so reading them to their end would wait for the server: they are not given.
        using var process = Process.Start(
            new ProcessStartInfo("/bin/sh", ["-c", "exec \"$@\" >/dev/null 2>&1", "sh", program, .. arguments]) { WorkingDirectory = "/" }
        )!;
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}.");
    }
}
