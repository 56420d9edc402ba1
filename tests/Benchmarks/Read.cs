using System.Diagnostics;
using System.Text.Json;
using Metrics.Emulators;
using Metrics.Emulators.Aws;
using Metrics.Emulators.Prometheus;
using Metrics.Ingestors.Http;
using Metrics.Ingestors.Http.Credentials;
using Metrics.Ingestors.Pipeline;
using Metrics.Ingestors.Providers;
using Metrics.Ingestors.Providers.Aws;
using Metrics.Ingestors.Providers.Prometheus;
using Metrics.Storage.Engine;
using Metrics.Storage.Reading;
using Metrics.Storage.Schema;
using Metrics.SystemTests;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Metrics.Benchmarks;

/// <summary>
/// From a cloud's answer to samples that are durable in PostgreSQL: CloudWatch and Prometheus, emulated in a process of their own on the
/// same two cores; and the same read of CloudWatch by
/// Amazon's own JavaScript SDK, which keeps nothing.
/// </summary>
public static class Read
{
    private const int Machines = 2_000,
        Fleet = 5_000,
        Boards = 500,
        Hours = 6;

    public static async Task RunAsync()
    {
        var cluster = new PostgresCluster();
        await cluster.InitializeAsync();
        try
        {
            await using var aws = await FarSide.StartAsync("cloudwatch");
            var (points, seconds, cpu) = await BestAsync(cluster, "aws-cloudwatch", aws, TimeSpan.FromHours(Hours), () =>
                new CloudWatchSettings { Aws = Keys(aws) }
            );
            Figures.AtLeast("CloudWatch, from the answer to durable", points / seconds, 40_000, "points/s");
            Figures.Show("  processor time for a million points", cpu / points * 1e6, "s");
            (points, seconds, cpu) = await DroppedAsync(aws);
            Figures.Show("the same, read by ours and dropped", points / seconds, "points/s");
            Figures.Show("  processor time for a million points", cpu / points * 1e6, "s");
            var theirs = await VendorAsync(aws);
            Figures.Show("the same, read by Amazon's JavaScript SDK and dropped", theirs.Points / theirs.Seconds, "points/s");
            Figures.Show("  processor time for a million points", theirs.Cpu / theirs.Points * 1e6, "s");
            if (Math.Abs(points - theirs.Points) > Machines * 15)
                throw new InvalidOperationException(
                    $"They read {theirs.Points} points and we {points}: the figures are of different work."
                );

            await using var many = await FarSide.StartAsync("machines");
            (points, seconds, _) = await BestAsync(cluster, "aws-cloudwatch", many, TimeSpan.FromHours(3), () =>
                new CloudWatchSettings { Aws = Keys(many) }
            );
            Figures.AtLeast($"machines polled, three hours of each ({points:#,0} points)", Fleet / seconds * 60, 5_000, "a minute");

            await using var prometheus = await FarSide.StartAsync("prometheus");
            (points, seconds, cpu) = await BestAsync(cluster, "prometheus", prometheus, TimeSpan.FromHours(Hours), () =>
                new PrometheusSettings()
            );
            Figures.AtLeast("Prometheus, from the answer to durable", points / seconds, 40_000, "points/s");
            Figures.Show("  processor time for a million points", cpu / points * 1e6, "s");
        }
        finally
        {
            await cluster.DisposeAsync();
        }
    }

    /// <summary>The far side as a process of its own: prints its address and its keys, and ends with its standard input.</summary>
    public static async Task<int> ServeAsync(string kind)
    {
        if (kind == "prometheus")
        {
            var signals = Enumerable
                .Range(0, Boards)
                .Select(board => new Signal(
                    "DCGM_FI_DEV_POWER_USAGE",
                    new Dictionary<string, string>
                    {
                        ["source"] = "rack",
                        ["UUID"] = $"GPU-{board}",
                        ["Hostname"] = $"node-{board / 8}",
                        ["modelName"] = "NVIDIA H100 80GB HBM3",
                    },
                    SignalKind.Gauge,
                    at => 400 + board % 8 + at.Second * 0.125
                ))
                .ToList();
            await using var server = await PrometheusEmulator.StartAsync(
                signals,
                DateTime.UtcNow.AddDays(-2),
                Faults.None,
                () => DateTime.UtcNow,
                claimed: Boards
            );
            await TellAsync(new(server.Address, "rack"), "", "");
            return 0;
        }
        List<Signal> streams =
            kind == "machines"
                ?
                [
                    .. Enumerable
                        .Range(0, Fleet)
                        .Select(machine => new Signal(
                            "AWS/EC2/CPUUtilization",
                            new Dictionary<string, string> { ["InstanceId"] = $"i-{machine:x8}" },
                            SignalKind.Gauge,
                            minute => minute.Minute % 5 == 0 ? 20 + machine % 60 : null
                        )),
                ]
                :
                [
                    .. Enumerable
                        .Range(0, Machines)
                        .Select(board => new Signal(
                            "ContainerInsights/node_gpu_power_draw",
                            new Dictionary<string, string>
                            {
                                ["ClusterName"] = "prod",
                                ["NodeName"] = $"ip-{board / 8}",
                                ["InstanceId"] = $"i-{board / 8:x8}",
                                ["InstanceType"] = "p5.48xlarge",
                                ["GpuDevice"] = $"nvidia{board % 8}",
                            },
                            SignalKind.Gauge,
                            minute => 400 + board % 8 + minute.Minute * 0.125
                        )),
                ];
        await using var cloud = await AwsEmulator.StartAsync(streams, Faults.None, TimeProvider.System);
        await TellAsync(cloud.Server.Address, cloud.AccessKey.Id, cloud.AccessKey.Secret);
        return 0;

        static async Task TellAsync(Uri address, string id, string secret)
        {
            Console.WriteLine(JsonSerializer.Serialize(new[] { address.AbsoluteUri, id, secret }));
            while (await Console.In.ReadLineAsync() is not null)
            {
                // Until the one that started it ends.
            }
        }
    }

    private static AwsSettings Keys(FarSide far) =>
        new()
        {
            Region = AwsEmulator.Region,
            AccessKeyId = far.Id,
            SecretAccessKey = far.Secret,
        };

    /// <summary>The best of three reads, each into a new database: points, seconds, and seconds of this process's processor time.</summary>
    private static async Task<(long Points, double Seconds, double Cpu)> BestAsync(
        PostgresCluster cluster,
        string provider,
        FarSide far,
        TimeSpan lookback,
        Func<HttpSourceSettings> fresh
    )
    {
        (long Points, double Seconds, double Cpu) best = (0, double.MaxValue, 0);
        for (var i = 0; i < 3; i++)
        {
            await using var storage = new ServiceCollection()
                .AddMetricsStorage(StorageEngine.Postgres, await cluster.CreateDatabaseAsync())
                .BuildServiceProvider();
            await storage.GetRequiredService<SchemaMigrator>().MigrateAsync();
            var settings = fresh();
            (settings.Id, settings.Provider, settings.Endpoint, settings.Lookback) = ("far", provider, far.Address, lookback);
            var catalogue = Catalogues.Load([]);
            var source = KnownProviders.All[provider].Open(settings, catalogue, TimeProvider.System);
            var log = storage.GetRequiredService<ReadLog>();
            await log.RegisterAsync("far", provider, null, default);
            using var self = Process.GetCurrentProcess();
            var (before, clock, points) = (self.TotalProcessorTime, Stopwatch.StartNew(), 0L);
            // Windows no longer than the source takes at once, until now is reached.
            for (var window = TimeSpan.Zero; window < lookback; window += source.Cadence.MaxWindow)
                points += await new SourceReader(log, catalogue, NullLogger<SourceReader>.Instance).ReadAsync(settings, source, default)
                    ?? throw new InvalidOperationException("The source was not read.");
            var seconds = clock.Elapsed.TotalSeconds;
            self.Refresh();
            if (points == 0)
                throw new InvalidOperationException("Nothing was read: the figure would mean nothing.");
            if (seconds < best.Seconds)
                best = (points, seconds, (self.TotalProcessorTime - before).TotalSeconds);
            (source as IDisposable)?.Dispose();
        }
        return best;
    }

    /// <summary>The best of three reads of CloudWatch of which nothing is kept.</summary>
    private static async Task<(long Points, double Seconds, double Cpu)> DroppedAsync(FarSide far)
    {
        (long Points, double Seconds, double Cpu) best = (0, double.MaxValue, 0);
        for (var i = 0; i < 3; i++)
        {
            var source = KnownProviders
                .All["aws-cloudwatch"]
                .Open(
                    new CloudWatchSettings
                    {
                        Id = "far",
                        Provider = "aws-cloudwatch",
                        Endpoint = far.Address,
                        Aws = Keys(far),
                    },
                    Catalogues.Load([]),
                    TimeProvider.System
                );
            using var self = Process.GetCurrentProcess();
            var (before, clock, points, now) = (self.TotalProcessorTime, Stopwatch.StartNew(), 0L, DateTime.UtcNow);
            for (var start = now.AddHours(-Hours); start < now; start += source.Cadence.MaxWindow)
            {
                var end = start + source.Cadence.MaxWindow < now ? start + source.Cadence.MaxWindow : now;
                await foreach (var page in source.ReadAsync(new ReadRequest(new(start, end), null, start, now), default))
                    points += page.Observations.Count;
            }
            var seconds = clock.Elapsed.TotalSeconds;
            self.Refresh();
            if (seconds < best.Seconds)
                best = (points, seconds, (self.TotalProcessorTime - before).TotalSeconds);
            (source as IDisposable)?.Dispose();
        }
        return best;
    }

    /// <summary>The same window of the same metrics by Amazon's own client, in as large batches.</summary>
    private static async Task<(long Points, double Seconds, double Cpu)> VendorAsync(FarSide far)
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "..", "..", "..", "..", "Emulators", "sdk");
        if (!Directory.Exists(Path.Combine(folder, "node_modules")))
            await EndAsync(folder, "npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], "");
        var now = DateTime.UtcNow;
        var told = await EndAsync(
            folder,
            "node",
            ["--no-warnings", "cloudwatch-rate.mjs"],
            JsonSerializer.Serialize(
                new
                {
                    address = far.Address,
                    region = AwsEmulator.Region,
                    accessKeyId = far.Id,
                    secretAccessKey = far.Secret,
                    @namespace = "ContainerInsights",
                    name = "node_gpu_power_draw",
                    period = 60,
                    start = now.AddHours(-Hours),
                    end = now,
                }
            )
        );
        using var answer = JsonDocument.Parse(told);
        return (
            answer.RootElement.GetProperty("points").GetInt64(),
            answer.RootElement.GetProperty("seconds").GetDouble(),
            answer.RootElement.GetProperty("cpu").GetDouble()
        );
    }

    private static async Task<string> EndAsync(string folder, string program, string[] arguments, string input)
    {
        using var process = Process.Start(
            new ProcessStartInfo(program, arguments)
            {
                WorkingDirectory = folder,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
            }
        )!;
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var told = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? told : throw new InvalidOperationException($"{program} ended with {process.ExitCode}: {told}");
    }

    private sealed class FarSide : IAsyncDisposable
    {
        private readonly Process process;

        private FarSide(Process process, string[] told) =>
            (this.process, Address, Id, Secret) = (process, new Uri(told[0]), told[1], told[2]);

        public Uri Address { get; }

        public string Id { get; }

        public string Secret { get; }

        public static async Task<FarSide> StartAsync(string kind)
        {
            var process = Process.Start(
                new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Metrics.Benchmarks.dll"), "far-side", kind])
                {
                    RedirectStandardInput = true,
                    RedirectStandardOutput = true,
                }
            )!;
            var line = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("The far side did not start.");
            return new FarSide(process, JsonSerializer.Deserialize<string[]>(line)!);
        }

        public async ValueTask DisposeAsync()
        {
            process.StandardInput.Close();
            await process.WaitForExitAsync();
            process.Dispose();
        }
    }
}
