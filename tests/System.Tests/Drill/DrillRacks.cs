using Metrics.Emulators;
using Metrics.Emulators.Prometheus;

namespace Metrics.SystemTests.Drill;

/// <summary>What the drill's sources tell, and what there must be of it in the end.</summary>
internal static class DrillRacks
{
    /// <summary>Every sample that there finally is, by stream and instant.</summary>
    public static Dictionary<(string Stream, DateTime At), double> Truth(PrometheusEmulator server) =>
        server
            .Signals.SelectMany(signal =>
                server
                    .Instants(signal, server.Start, server.End)
                    .Select(at =>
                        (Key: (Stream(signal.Labels["source"], signal.Metric, signal.Labels), at), Value: signal.Minute(at)!.Value)
                    )
            )
            .ToDictionary(entry => entry.Key, entry => entry.Value);

    /// <summary>One text for one stream.</summary>
    public static string Stream(string source, string metric, IReadOnlyDictionary<string, string> labels) =>
        $"{source}/{metric}/{labels["pod"]}/{labels.GetValueOrDefault("UUID")}";

    /// <summary>Boards that count joules, boards that tell watts, and servers that count tokens: ten streams for each source.</summary>
    public static List<Signal> Signals(IEnumerable<string> sources, DateTime start)
    {
        var signals = new List<Signal>();
        foreach (var source in sources)
        {
            for (var board = 0; board < 8; board++)
            {
                var (shift, watts) = (board * 137.0 + source[^1] * 11, 380 + 20 * board);
                var labels = new Dictionary<string, string>
                {
                    ["source"] = source,
                    ["UUID"] = $"GPU-{source}-{board}",
                    ["Hostname"] = $"node-{source}",
                    ["pod"] = $"chat-{board % 2}",
                    ["modelName"] = "NVIDIA H100 80GB HBM3",
                };
                signals.Add(
                    board < 6
                        ? new("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", labels, SignalKind.Cumulative, at =>
                            Math.Round(1000 * (watts * Since(at) + 5_000 * Math.Sin((Since(at) + shift) / 900)))
                        )
                        : new("DCGM_FI_DEV_POWER_USAGE", labels, SignalKind.Gauge, at =>
                            Math.Round(watts + 150 * Math.Sin((Since(at) + shift) / 700), 3)
                        )
                );
            }
            for (var pod = 0; pod < 2; pod++)
            {
                var rate = 900 + 100 * pod;
                signals.Add(
                    new(
                        "vllm:generation_tokens_total",
                        new Dictionary<string, string>
                        {
                            ["source"] = source,
                            ["pod"] = $"chat-{pod}",
                            ["instance"] = $"{source}:800{pod}",
                            ["model_name"] = "org/chat-70b",
                        },
                        SignalKind.Cumulative,
                        at => Math.Round(rate * Since(at) + 20_000 * Math.Sin(Since(at) / 1100))
                    )
                );
            }
        }
        return signals;

        double Since(DateTime at) => (at - start).TotalSeconds + 3600;
    }
}
