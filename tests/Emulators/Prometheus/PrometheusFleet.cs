namespace Metrics.Emulators.Prometheus;

/// <summary>What Prometheus servers tell of the four places: of the place <c>rack</c> all of it, of the others the serving engine's tokens,
/// which no cloud tells.</summary>
public static class PrometheusFleet
{
    /// <summary>The sources of tokens, by the place that they stand in.</summary>
    public static IReadOnlyDictionary<string, string> Serving { get; } =
        new Dictionary<string, string>
        {
            ["eks"] = "eks-serving",
            ["azure-ml"] = "azure-serving",
            ["gke"] = "gke-serving",
            ["rack"] = "rack",
        };

    /// <summary>The streams; the label <c>source</c> is the folder of the server.</summary>
    public static IReadOnlyList<Signal> Signals { get; } = [.. Make()];

    private static IEnumerable<Signal> Make()
    {
        for (var board = 0; board < Truth.Boards; board++)
        {
            var number = board;
            yield return new(
                "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION",
                new Dictionary<string, string>
                {
                    ["source"] = "rack",
                    ["Hostname"] = "node-7",
                    ["UUID"] = $"GPU-10000000-0000-4000-8000-00000000000{board}",
                    ["modelName"] = "NVIDIA H100 80GB HBM3",
                    ["pod"] = "llm-0",
                },
                SignalKind.Cumulative,
                at => 1000 * Within(at, minute => Truth.BoardCounter("rack", number, minute))
            );
        }
        yield return new(
            "ipmi_dcmi_power_consumption_watts",
            new Dictionary<string, string> { ["source"] = "rack", ["instance"] = "node-7:9290" },
            SignalKind.Gauge,
            at =>
                Truth.MinuteOf(at) is var minute
                    ? Enumerable.Range(0, Truth.Boards).Sum(board => Truth.Board("rack", board, minute)) + Truth.Host("rack", minute)
                    : 0
        );
        foreach (var (place, source) in Serving)
            yield return new(
                "vllm:generation_tokens_total",
                new Dictionary<string, string>
                {
                    ["source"] = source,
                    ["model_name"] = "org/chat-70b",
                    ["instance"] = "10.1.2.3:8000",
                },
                SignalKind.Cumulative,
                at => Within(at, minute => Truth.TokenCounter(place, minute))
            );
    }

    /// <summary>A counter within a minute: it rises evenly from the end of the one before to the minute's own end.</summary>
    private static double Within(DateTime at, Func<int, double> counter)
    {
        var minute = Truth.MinuteOf(at);
        var before = counter(minute - 1);
        return before + (counter(minute) - before) * (at - Truth.Start.AddMinutes(minute)).TotalMinutes;
    }
}
