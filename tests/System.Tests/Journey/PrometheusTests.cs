using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Xunit;

namespace Metrics.SystemTests.Journey;

/// <summary>The whole way with real parts: node_exporter, the service and the fleet's player, scraped by a real Prometheus, read,
/// normalised, told over OData.</summary>
public sealed class PrometheusTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>
{
    [Theory]
    [InlineData("Sqlite")]
    [InlineData("Postgres")]
    public async Task What_a_real_Prometheus_scraped_arrives_as_joules_and_tokens(string engine)
    {
        await using var parts = new Parts();
        var (node, fleet, prometheus, service) = (
            PostgresCluster.FreePort(),
            PostgresCluster.FreePort(),
            PostgresCluster.FreePort(),
            PostgresCluster.FreePort()
        );
        parts.Start("prometheus-node-exporter", $"--web.listen-address=127.0.0.1:{node}");
        parts.Start(
            "dotnet",
            Path.Combine(AppContext.BaseDirectory, "Metrics.Fleet.dll"),
            "serve",
            "--port",
            $"{fleet}",
            "--recording",
            Witness.Recording
        );
        await File.WriteAllTextAsync(
            Path.Combine(parts.Folder, "prometheus.yml"),
            $$"""
            global:
              scrape_interval: 2s
            scrape_configs:
              - job_name: fleet
                honor_labels: true
                static_configs: [{ targets: ["127.0.0.1:{{fleet}}"] }]
              - job_name: node
                static_configs: [{ targets: ["127.0.0.1:{{node}}"] }]
              - job_name: metrics
                static_configs: [{ targets: ["127.0.0.1:{{service}}"] }]
            """
        );
        parts.Start(
            "prometheus",
            $"--config.file={parts.Folder}/prometheus.yml",
            $"--storage.tsdb.path={parts.Folder}/data",
            $"--web.listen-address=127.0.0.1:{prometheus}"
        );

        (string, string)[] storage = [("Metrics__Storage__Engine", engine)];
        if (engine == "Postgres")
        {
            storage = [.. storage, ("Metrics__Storage__ConnectionString", await cluster.CreateDatabaseAsync())];
            var (code, output) = await ServiceProcess.RunAsync(["migrate"], storage);
            Assert.True(code == 0, output);
        }
        await using var metrics = await ServiceProcess.StartAsync([
            .. storage,
            ("ASPNETCORE_URLS", $"http://127.0.0.1:{service}"),
            ("Metrics__Places__onprem/lab__Pue", "1.5"),
            ("Metrics__Sources__lab__Provider", "prometheus"),
            ("Metrics__Sources__lab__Endpoint", $"http://127.0.0.1:{prometheus}"),
            ("Metrics__Sources__lab__Place", "onprem/lab"),
            ("Metrics__Sources__lab__Every", "00:00:02"),
            ("Metrics__Sources__lab__Settle", "00:00:03"),
            ("Metrics__Workloads__chat__Match__0__Source", "lab"),
            ("Metrics__Workloads__chat__Match__0__Labels__pod", "chat-70b-*"),
            ("Metrics__Workloads__chat__Match__1__Source", "lab"),
            ("Metrics__Workloads__chat__Match__1__Labels__model_name", "example/chat-70b"),
            ("Metrics__Workloads__own__Match__0__Source", "lab"),
            ("Metrics__Workloads__own__Match__0__Labels__job", "metrics"),
        ]);

        await metrics.RowsAsync("HourlyIntensities?$filter=JoulesPerUnit gt 0", rows =>
            rows.Exists(row => Is(row, "chat", "output-token")) && rows.Exists(row => Is(row, "own", "request"))
        );

        // Until the first watermark past a moment, everything before that moment has been read: facts and Prometheus must then tell the
        // same.
        var moment = DateTime.UtcNow.AddSeconds(8);
        await metrics.RowsAsync("Sources", rows => rows[0].GetProperty("Watermark").GetDateTime().ToUniversalTime() > moment);
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{prometheus}") };
        var boards = await RisesAsync(http, "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{pod=~\"chat-70b-.*\"}");
        var tokens = await RisesAsync(http, "vllm:generation_tokens_total{model_name=\"example/chat-70b\"}");
        Assert.Equal(8, boards.Count);
        Assert.Equal(2, tokens.Count);

        // What is read is told once its hour is made again. The service goes on reading between the questions, so its sums lie between what
        // Prometheus knew at the moment and what it knows afterwards.
        var (energy, work) = (0.0, 0.0);
        await metrics.RowsAsync("EnergyFacts?$filter=Workload eq 'chat' and ResourceKind eq 'gpu'&$select=AcceleratorJoules", rows =>
            (energy = rows.Sum(row => row.GetProperty("AcceleratorJoules").GetDouble()))
            >= boards.Sum(board => board.UpTo(moment)) / 1000 * (1 - 1e-9)
        );
        await metrics.RowsAsync("WorkFacts?$filter=Workload eq 'chat' and FunctionalUnit eq 'output-token'&$select=Units", rows =>
            (work = rows.Sum(row => row.GetProperty("Units").GetDouble())) >= tokens.Sum(series => series.UpTo(moment)) * (1 - 1e-9)
        );
        var (boardsLater, tokensLater) = (
            await RisesAsync(http, "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{pod=~\"chat-70b-.*\"}"),
            await RisesAsync(http, "vllm:generation_tokens_total{model_name=\"example/chat-70b\"}")
        );
        Assert.True(
            energy <= boardsLater.Sum(board => board.UpTo(DateTime.MaxValue)) / 1000 * (1 + 1e-9),
            $"{energy} J is more than Prometheus has"
        );
        Assert.True(
            work <= tokensLater.Sum(series => series.UpTo(DateTime.MaxValue)) * (1 + 1e-9),
            $"{work} tokens are more than Prometheus has"
        );
        Assert.True(energy > 0 && work > 0);

        var row = (
            await metrics.RowsAsync(
                "HourlyIntensities?$filter=Workload eq 'chat' and FunctionalUnit eq 'output-token'&$orderby=PeriodStart desc"
            )
        )[0];
        Assert.Equal(
            row.GetProperty("ServerJoules").GetDouble() * 1.5,
            row.GetProperty("FacilityJoules").GetDouble(),
            row.GetProperty("FacilityJoules").GetDouble() * 1e-9
        );
        Assert.Equal("NVIDIA H100 80GB HBM3", row.GetProperty("Hardware").GetString());
        Assert.Equal("onprem", row.GetProperty("Provider").GetString());
        Assert.Equal("lab", row.GetProperty("Region").GetString());
        Assert.Equal(0, await metrics.StopAsync());

        static bool Is(JsonElement row, string workload, string unit) =>
            row.GetProperty("Workload").GetString() == workload && row.GetProperty("FunctionalUnit").GetString() == unit;
    }

    /// <summary>The raw samples of every series that the selector finds.</summary>
    private static async Task<List<Counter>> RisesAsync(HttpClient http, string selector)
    {
        var text = await http.GetStringAsync(new Uri($"/api/v1/query?query={Uri.EscapeDataString(selector + "[1h]")}", UriKind.Relative));
        using var answer = JsonDocument.Parse(text);
        return
        [
            .. answer
                .RootElement.GetProperty("data")
                .GetProperty("result")
                .EnumerateArray()
                .Select(series => new Counter([
                    .. series
                        .GetProperty("values")
                        .EnumerateArray()
                        .Select(value =>
                            (
                                DateTime.UnixEpoch.AddSeconds(value[0].GetDouble()),
                                double.Parse(value[1].GetString()!, CultureInfo.InvariantCulture)
                            )
                        ),
                ])),
        ];
    }

    private sealed record Counter(List<(DateTime At, double Value)> Samples)
    {
        /// <summary>Rise from the first sample to the last one at or before the instant; a fall (the player's recorded restarts) counts
        /// nothing.</summary>
        public double UpTo(DateTime instant)
        {
            var rise = 0.0;
            for (var i = 1; i < Samples.Count && Samples[i].At <= instant; i++)
                if (Samples[i].Value >= Samples[i - 1].Value)
                    rise += Samples[i].Value - Samples[i - 1].Value;
            return rise;
        }
    }

    private sealed class Parts : IAsyncDisposable
    {
        private readonly List<Process> running = [];

        public string Folder { get; } = Directory.CreateTempSubdirectory("metrics-parts-").FullName;

        public void Start(string program, params string[] arguments)
        {
            var process = Process.Start(
                new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true }
            )!;
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            running.Add(process);
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var process in running)
            {
                if (!process.HasExited)
                {
                    process.Kill(entireProcessTree: true);
                    await process.WaitForExitAsync();
                }
                process.Dispose();
            }
            Directory.Delete(Folder, recursive: true);
        }
    }
}
