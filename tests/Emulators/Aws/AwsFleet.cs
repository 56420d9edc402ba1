namespace Metrics.Emulators.Aws;

/// <summary>What Amazon tells of the place <c>eks</c>: watts of each board in all the sets of dimensions in which Container Insights writes
/// them, the processors of the instance every five minutes, and a model of Bedrock.</summary>
public static class AwsFleet
{
    /// <summary>The streams.</summary>
    public static IReadOnlyList<Signal> Signals { get; } = [.. Make()];

    private static IEnumerable<Signal> Make()
    {
        const string power = "ContainerInsights/node_gpu_power_draw";
        Dictionary<string, string> cluster = new() { ["ClusterName"] = "prod" };
        Dictionary<string, string> node = new(cluster) { ["NodeName"] = "ip-10-0-0-7", ["InstanceId"] = "i-07" };
        for (var board = 0; board < Truth.Boards; board++)
        {
            var number = board;
            yield return new(
                power,
                new Dictionary<string, string>(node) { ["InstanceType"] = "p5.48xlarge", ["GpuDevice"] = $"nvidia{board}" },
                SignalKind.Gauge,
                minute => Truth.Board("eks", number, Truth.MinuteOf(minute))
            );
            yield return new(
                "ContainerInsights/pod_gpu_power_draw",
                new Dictionary<string, string>(cluster)
                {
                    ["Namespace"] = "inference",
                    ["PodName"] = "llm",
                    ["FullPodName"] = "llm-0",
                    ["GpuDevice"] = $"nvidia{board}",
                },
                SignalKind.Gauge,
                minute => Truth.Board("eks", number, Truth.MinuteOf(minute))
            );
        }
        // The coarser sets hold one sample of each board: their mean is the mean of the boards, and their sum no power.
        foreach (var coarse in new[] { cluster, node })
            yield return new(power, coarse, SignalKind.Gauge, minute =>
                Enumerable.Range(0, Truth.Boards).Average(board => Truth.Board("eks", board, Truth.MinuteOf(minute)))
            )
            {
                Samples = Truth.Boards,
            };

        // Without detailed monitoring: one value for five minutes.
        foreach (
            var dimensions in new[]
            {
                new Dictionary<string, string> { ["InstanceId"] = "i-07" },
                new() { ["AutoScalingGroupName"] = "gpu" },
            }
        )
            yield return new("AWS/EC2/CPUUtilization", dimensions, SignalKind.Gauge, minute =>
                Truth.MinuteOf(minute) is var at && at % 5 == 0
                    ? 100 * Enumerable.Range(at, 5).Average(one => Truth.Processors("eks", one))
                    : null
            )
            {
                Unit = "Percent",
            };

        foreach (var (metric, tokens) in new[] { ("OutputTokenCount", 30_000), ("InputTokenCount", 90_000), ("Invocations", 120) })
        {
            yield return new(
                $"AWS/Bedrock/{metric}",
                new Dictionary<string, string> { ["ModelId"] = "example.model-v1:0" },
                SignalKind.Delta,
                minute => tokens + 100 * (Truth.MinuteOf(minute) % 5)
            )
            {
                Unit = "Count",
            };
            yield return new($"AWS/Bedrock/{metric}", new Dictionary<string, string>(), SignalKind.Delta, minute =>
                tokens + 100 * (Truth.MinuteOf(minute) % 5)
            )
            {
                Unit = "Count",
            };
        }
    }
}
