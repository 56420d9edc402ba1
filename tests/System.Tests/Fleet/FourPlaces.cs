using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Metrics.Emulators;

namespace Metrics.SystemTests.Fleet;

/// <summary>Three hours of the fleet of <see cref="Truth"/>, as each place's provider tells of it: in its own shape, kind, unit, scale and
/// order, as rows of a file.</summary>
internal static class FourPlaces
{
    public const int Minutes = 180;

    /// <summary>What the place's provider tells, as rows of a file.</summary>
    public static IEnumerable<string> Rows(string source) =>
        source switch
        {
            "eks" => Eks().Concat(Tokens(source)),
            "azure-ml" => AzureMl().Concat(Tokens(source)),
            "gke" => Gke().Concat(Tokens(source)),
            _ => Rack().Concat(Tokens(source)),
        };

    /// <summary>Container Insights: watts of each board as averages of a minute, in all sets of dimensions side by side; EC2: percent of
    /// five minutes. Newest first.</summary>
    private static IEnumerable<string> Eks()
    {
        for (var minute = Minutes - 1; minute >= 0; minute--)
        {
            double all = 0;
            for (var board = 0; board < Truth.Boards; board++)
            {
                var watts = Truth.Board("eks", board, minute);
                all += watts;
                foreach (var metric in new[] { "node_gpu_power_draw", "pod_gpu_power_draw" })
                {
                    (string, string)[] dimensions =
                        metric[0] == 'n'
                            ?
                            [
                                ("ClusterName", "prod"),
                                ("NodeName", "ip-10-0-0-7"),
                                ("InstanceId", "i-07"),
                                ("InstanceType", "p5.48xlarge"),
                                ("GpuDevice", $"nvidia{board}"),
                            ]
                            :
                            [
                                ("ClusterName", "prod"),
                                ("Namespace", "inference"),
                                ("PodName", "llm"),
                                ("FullPodName", "llm-0"),
                                ("GpuDevice", $"nvidia{board}"),
                            ];
                    yield return Span("aws-cloudwatch", $"ContainerInsights/{metric}", minute, 1, watts, "Average", dimensions);
                }
            }
            // The coarser sets hold the mean of the boards, and their sum is no power either.
            yield return Span(
                "aws-cloudwatch",
                "ContainerInsights/node_gpu_power_draw",
                minute,
                1,
                all / Truth.Boards,
                "Average",
                ("ClusterName", "prod")
            );
            yield return Span(
                "aws-cloudwatch",
                "ContainerInsights/node_gpu_power_draw",
                minute,
                1,
                all / Truth.Boards,
                "Average",
                ("ClusterName", "prod"),
                ("NodeName", "ip-10-0-0-7"),
                ("InstanceId", "i-07")
            );
            yield return Span(
                "aws-cloudwatch",
                "ContainerInsights/pod_gpu_power_draw",
                minute,
                1,
                all / Truth.Boards,
                "Average",
                ("ClusterName", "prod"),
                ("Namespace", "inference")
            );
            if (minute % 5 == 0)
                yield return Span(
                    "aws-cloudwatch",
                    "AWS/EC2/CPUUtilization",
                    minute,
                    5,
                    Enumerable.Range(minute, 5).Average(at => Truth.Processors("eks", at)) * 100,
                    "Average",
                    ("InstanceId", "i-07"),
                    ("InstanceType", "p5.48xlarge")
                );
        }
    }

    /// <summary>Azure ML: joules of a minute of all boards of an instance, which its metric calls a count and averages; percent of its
    /// processors.</summary>
    private static IEnumerable<string> AzureMl()
    {
        (string, string)[] dimensions =
        [
            (
                "resourceid",
                "/subscriptions/s/resourcegroups/g/providers/microsoft.machinelearningservices/workspaces/w/onlineendpoints/chat/"
                    + "deployments/blue"
            ),
            ("instanceid", "blue-0"),
            ("vmsize", "Standard_ND96isr_H100_v5"),
        ];
        const string type = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments";
        for (var minute = 0; minute < Minutes; minute++)
        {
            yield return Span(
                "azure-monitor",
                $"{type}/GpuEnergyJoules",
                minute,
                1,
                Enumerable.Range(0, Truth.Boards).Sum(board => 60 * Truth.Board("azure-ml", board, minute)),
                "Average",
                dimensions
            );
            yield return Span(
                "azure-monitor",
                $"{type}/CpuUtilizationPercentage",
                minute,
                1,
                Truth.Processors("azure-ml", minute) * 100,
                "Average",
                dimensions
            );
        }
    }

    /// <summary>Ops Agent with version 2 of the DCGM receiver: a counter of joules for each board; Compute Engine: a ratio of the vCPUs.
    /// Newest first.</summary>
    private static IEnumerable<string> Gke()
    {
        for (var minute = Minutes; minute >= 0; minute--)
        {
            for (var board = 0; board < Truth.Boards; board++)
            {
                var joules = 4e8 + board + Truth.BoardCounter("gke", board, minute - 1);
                yield return At(
                    "gcp-monitoring",
                    "workload.googleapis.com/gpu.dcgm.energy_consumption",
                    minute,
                    joules,
                    ("instance_id", "7001"),
                    ("machine_type", "a3-highgpu-8g"),
                    ("uuid", $"GPU-00000000-0000-4000-8000-00000000000{board}"),
                    ("gpu_number", $"{board}"),
                    ("model", "NVIDIA H100 80GB HBM3")
                );
            }
            if (minute < Minutes)
                yield return Span(
                    "gcp-monitoring",
                    "compute.googleapis.com/instance/cpu/utilization",
                    minute,
                    1,
                    Truth.Processors("gke", minute),
                    null,
                    ("instance_id", "7001"),
                    ("machine_type", "a3-highgpu-8g")
                );
        }
    }

    /// <summary>dcgm-exporter: a counter of millijoules for each board; ipmi_exporter: watts of the whole machine, twice a
    /// minute.</summary>
    private static IEnumerable<string> Rack()
    {
        for (var minute = 0; minute <= Minutes; minute++)
        {
            for (var board = 0; board < Truth.Boards; board++)
            {
                var joules = 7e7 + board + Truth.BoardCounter("rack", board, minute - 1);
                yield return At(
                    "prometheus",
                    "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION",
                    minute,
                    joules * 1000,
                    ("Hostname", "node-7"),
                    ("UUID", $"GPU-10000000-0000-4000-8000-00000000000{board}"),
                    ("modelName", "NVIDIA H100 80GB HBM3"),
                    ("pod", "llm-0")
                );
            }
            var watts = Enumerable.Range(0, Truth.Boards).Sum(board => Truth.Board("rack", board, minute)) + Truth.Host("rack", minute);
            foreach (var half in new[] { 0, 0.5 })
                if (minute + half <= Minutes)
                    yield return At("prometheus", "ipmi_dcmi_power_consumption_watts", minute + half, watts, ("instance", "node-7:9290"));
        }
    }

    /// <summary>vLLM's counter, scraped every minute at every place.</summary>
    private static IEnumerable<string> Tokens(string source)
    {
        for (var minute = 0; minute <= Minutes; minute++)
            yield return At(
                "prometheus",
                "vllm:generation_tokens_total",
                minute,
                1e9 + Truth.TokenCounter(source, minute - 1),
                ("model_name", "org/chat-70b"),
                ("instance", "10.1.2.3:8000")
            );
    }

    private static string At(string provider, string metric, double minute, double value, params (string Key, string Value)[] labels) =>
        Row(provider, metric, minute, minute, value, null, labels);

    private static string Span(
        string provider,
        string metric,
        int minute,
        int length,
        double value,
        string? statistic,
        params (string Key, string Value)[] labels
    ) => Row(provider, metric, minute, minute + length, value, statistic, labels);

    private static string Row(
        string provider,
        string metric,
        double from,
        double to,
        double value,
        string? statistic,
        (string Key, string Value)[] labels
    )
    {
        var row = new JsonObject
        {
            ["provider"] = provider,
            ["metric"] = metric,
            ["labels"] = new JsonObject(labels.Select(label => KeyValuePair.Create(label.Key, (JsonNode?)label.Value))),
            ["start"] = Time(from),
            ["end"] = Time(to),
            ["value"] = value,
        };
        if (statistic is not null)
            row["statistic"] = statistic;
        return row.ToJsonString(new JsonSerializerOptions());
    }

    private static string Time(double minute) =>
        Truth.Start.AddMinutes(minute).ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
}
