using System.Globalization;

namespace Metrics.Emulators.Gcp;

/// <summary>What Google Cloud tells of the place <c>gke</c>: counters of joules from the Ops Agent, the used share of the processors, and
/// the tokens of a model of a publisher.</summary>
public static class GcpFleet
{
    /// <summary>The streams.</summary>
    public static IReadOnlyList<Signal> Signals { get; } = [.. Make()];

    private static IEnumerable<Signal> Make()
    {
        var machine = new Dictionary<string, string>
        {
            ["resource.type"] = "gce_instance",
            ["resource.project_id"] = GcpEmulator.Project,
            ["resource.instance_id"] = "7001",
            ["resource.zone"] = "europe-west4-b",
            ["system.machine_type"] = "a3-highgpu-8g",
        };
        for (var board = 0; board < Truth.Boards; board++)
        {
            var number = board;
            yield return new(
                "workload.googleapis.com/gpu.dcgm.energy_consumption",
                new Dictionary<string, string>(machine)
                {
                    ["metric.model"] = "NVIDIA H100 80GB HBM3",
                    ["metric.uuid"] = $"GPU-00000000-0000-4000-8000-00000000000{board}",
                    ["metric.gpu_number"] = board.ToString(CultureInfo.InvariantCulture),
                },
                SignalKind.Cumulative,
                minute => Truth.BoardCounter("gke", number, Truth.MinuteOf(minute))
            )
            {
                Unit = "J",
            };
        }
        yield return new(
            "compute.googleapis.com/instance/cpu/utilization",
            new Dictionary<string, string>(machine) { ["metric.instance_name"] = "node-7" },
            SignalKind.Gauge,
            minute => Truth.Processors("gke", Truth.MinuteOf(minute))
        )
        {
            Unit = "10^2.%",
        };
        foreach (var type in new[] { "input", "output" })
            yield return new(
                "aiplatform.googleapis.com/publisher/online_serving/token_count",
                new Dictionary<string, string>
                {
                    ["resource.type"] = "aiplatform.googleapis.com/PublisherModel",
                    ["resource.location"] = "europe-west4",
                    ["resource.model_user_id"] = "example-model",
                    ["metric.type"] = type,
                },
                SignalKind.Delta,
                minute => 40_000 + 1_000 * (Truth.MinuteOf(minute) % 7) + (type == "input" ? 5 : 0)
            )
            {
                Unit = "1",
            };
        // Another region of the same project: it stands elsewhere, and another source reads it.
        yield return new(
            "compute.googleapis.com/instance/cpu/utilization",
            new Dictionary<string, string>(machine)
            {
                ["resource.zone"] = "us-central1-a",
                ["resource.instance_id"] = "9001",
                ["metric.instance_name"] = "far",
            },
            SignalKind.Gauge,
            _ => 0.5
        )
        {
            Unit = "10^2.%",
        };
    }
}
