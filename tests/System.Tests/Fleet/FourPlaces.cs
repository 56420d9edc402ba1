using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Metrics.SystemTests.Fleet;

/// <summary>
/// One model served at four places by eight H100 each, for three hours. What is true is known: the power of every board and
/// host in every minute, and the tokens. Each place tells of it in its provider's own shape, kind, unit, scale and order.
/// </summary>
internal sealed class FourPlaces
{
    public const int Minutes = 180;
    private const int Boards = 8;

    public static readonly DateTime Start = new(2026, 2, 3, 10, 0, 0, DateTimeKind.Utc);

    /// <summary>Name, PUE, tokens a second at full load, and the host's watts at rest and at full load.</summary>
    /// <remarks>The PUEs are what the operators publish (and what somebody configured for the rack). The hosts are of the kind that the types have.</remarks>
    public static readonly IReadOnlyList<(string Source, string Place, double Pue, double Tokens, double Idle, double Full)> All =
    [
        ("eks", "aws/us-east-1", 1.15, 9_000, 930, 1_160),
        ("azure-ml", "azure/westeurope", 1.16, 11_000, 870, 1_130),
        ("gke", "gcp/europe-west4", 1.07, 12_400, 980, 1_560),
        ("rack", "onprem/dc-1", 1.4, 11_900, 1_100, 2_000),
    ];

    /// <summary>Share of full load in a minute.</summary>
    private static double Load(string source, int minute) => 0.3 + 0.6 * Math.Abs(Math.Sin((minute + 17.0 * source.Length) / 29));

    /// <summary>Watts of a board, the same for a whole minute.</summary>
    private static double Board(string source, int board, int minute) => 75 + 3 * board + 540 * Math.Pow(Load(source, minute), 0.9);

    /// <summary>Load of the host's processors.</summary>
    private static double Processors(string source, int minute) => 0.1 + 0.4 * Load(source, minute);

    /// <summary>Watts of the host without its boards: more than a straight line at low load, as servers draw.</summary>
    private static double Host((string Source, string, double, double, double Idle, double Full) place, int minute) => place.Idle + (place.Full - place.Idle) * Math.Pow(Processors(place.Source, minute), 0.8);

    /// <summary>What is true of a place: joules of its boards, of its facility, and tokens.</summary>
    public static (double Accelerator, double Facility, double Tokens) Truth(string source)
    {
        var place = All.Single(place => place.Source == source);
        double boards = 0, host = 0, tokens = 0;
        for (var minute = 0; minute < Minutes; minute++)
        {
            for (var board = 0; board < Boards; board++) boards += 60 * Board(source, board, minute);
            host += 60 * Host(place, minute);
            tokens += 60 * place.Tokens * Load(source, minute);
        }
        return (boards, (boards + host) * place.Pue, tokens);
    }

    /// <summary>What the place's provider tells, as rows of a file.</summary>
    public static IEnumerable<string> Rows(string source) => source switch
    {
        "eks" => Eks().Concat(Tokens(source)),
        "azure-ml" => AzureMl().Concat(Tokens(source)),
        "gke" => Gke().Concat(Tokens(source)),
        _ => Rack().Concat(Tokens(source)),
    };

    /// <summary>Container Insights: watts of each board as averages of a minute, in all sets of dimensions side by side; EC2: percent of five minutes. Newest first.</summary>
    private static IEnumerable<string> Eks()
    {
        for (var minute = Minutes - 1; minute >= 0; minute--)
        {
            double all = 0;
            for (var board = 0; board < Boards; board++)
            {
                var watts = Board("eks", board, minute);
                all += watts;
                foreach (var metric in new[] { "node_gpu_power_draw", "pod_gpu_power_draw" })
                {
                    (string, string)[] dimensions = metric[0] == 'n'
                        ? [("ClusterName", "prod"), ("NodeName", "ip-10-0-0-7"), ("InstanceId", "i-07"), ("InstanceType", "p5.48xlarge"), ("GpuDevice", $"nvidia{board}")]
                        : [("ClusterName", "prod"), ("Namespace", "inference"), ("PodName", "llm"), ("FullPodName", "llm-0"), ("GpuDevice", $"nvidia{board}")];
                    yield return Span("aws-cloudwatch", $"ContainerInsights/{metric}", minute, 1, watts, "Average", dimensions);
                }
            }
            // The coarser sets hold the mean of the boards, and their sum is no power either.
            yield return Span("aws-cloudwatch", "ContainerInsights/node_gpu_power_draw", minute, 1, all / Boards, "Average", ("ClusterName", "prod"));
            yield return Span("aws-cloudwatch", "ContainerInsights/node_gpu_power_draw", minute, 1, all / Boards, "Average", ("ClusterName", "prod"), ("NodeName", "ip-10-0-0-7"), ("InstanceId", "i-07"));
            yield return Span("aws-cloudwatch", "ContainerInsights/pod_gpu_power_draw", minute, 1, all / Boards, "Average", ("ClusterName", "prod"), ("Namespace", "inference"));
            if (minute % 5 == 0)
                yield return Span("aws-cloudwatch", "AWS/EC2/CPUUtilization", minute, 5, Enumerable.Range(minute, 5).Average(at => Processors("eks", at)) * 100, "Average", ("InstanceId", "i-07"), ("InstanceType", "p5.48xlarge"));
        }
    }

    /// <summary>Azure ML: joules of a minute of all boards of an instance, which its metric calls a count and averages; percent of its processors.</summary>
    private static IEnumerable<string> AzureMl()
    {
        (string, string)[] dimensions =
        [
            ("resourceid", "/subscriptions/s/resourcegroups/g/providers/microsoft.machinelearningservices/workspaces/w/onlineendpoints/chat/deployments/blue"),
            ("instanceid", "blue-0"), ("vmsize", "Standard_ND96isr_H100_v5"),
        ];
        const string type = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments";
        for (var minute = 0; minute < Minutes; minute++)
        {
            yield return Span("azure-monitor", $"{type}/GpuEnergyJoules", minute, 1, Enumerable.Range(0, Boards).Sum(board => 60 * Board("azure-ml", board, minute)), "Average", dimensions);
            yield return Span("azure-monitor", $"{type}/CpuUtilizationPercentage", minute, 1, Processors("azure-ml", minute) * 100, "Average", dimensions);
        }
    }

    /// <summary>Ops Agent with version 2 of the DCGM receiver: a counter of joules for each board; Compute Engine: a ratio of the vCPUs. Newest first.</summary>
    private static IEnumerable<string> Gke()
    {
        for (var minute = Minutes; minute >= 0; minute--)
        {
            for (var board = 0; board < Boards; board++)
            {
                var joules = 4e8 + board + Enumerable.Range(0, minute).Sum(before => 60 * Board("gke", board, before));
                yield return At("gcp-monitoring", "workload.googleapis.com/gpu.dcgm.energy_consumption", minute, joules,
                    ("instance_id", "7001"), ("machine_type", "a3-highgpu-8g"), ("uuid", $"GPU-00000000-0000-4000-8000-00000000000{board}"), ("gpu_number", $"{board}"), ("model", "NVIDIA H100 80GB HBM3"));
            }
            if (minute < Minutes)
                yield return Span("gcp-monitoring", "compute.googleapis.com/instance/cpu/utilization", minute, 1, Processors("gke", minute), null, ("instance_id", "7001"), ("machine_type", "a3-highgpu-8g"));
        }
    }

    /// <summary>dcgm-exporter: a counter of millijoules for each board; ipmi_exporter: watts of the whole machine, twice a minute.</summary>
    private static IEnumerable<string> Rack()
    {
        var place = All.Single(place => place.Source == "rack");
        for (var minute = 0; minute <= Minutes; minute++)
        {
            for (var board = 0; board < Boards; board++)
            {
                var joules = 7e7 + board + Enumerable.Range(0, minute).Sum(before => 60 * Board("rack", board, before));
                yield return At("prometheus", "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", minute, joules * 1000,
                    ("Hostname", "node-7"), ("UUID", $"GPU-10000000-0000-4000-8000-00000000000{board}"), ("modelName", "NVIDIA H100 80GB HBM3"), ("pod", "llm-0"));
            }
            var watts = Enumerable.Range(0, Boards).Sum(board => Board("rack", board, minute)) + Host(place, minute);
            foreach (var half in new[] { 0, 0.5 })
                if (minute + half <= Minutes) yield return At("prometheus", "ipmi_dcmi_power_consumption_watts", minute + half, watts, ("instance", "node-7:9290"));
        }
    }

    /// <summary>vLLM's counter, scraped every minute at every place.</summary>
    private static IEnumerable<string> Tokens(string source)
    {
        var place = All.Single(place => place.Source == source);
        for (var minute = 0; minute <= Minutes; minute++)
            yield return At("prometheus", "vllm:generation_tokens_total", minute, 1e9 + Enumerable.Range(0, minute).Sum(before => 60 * place.Tokens * Load(source, before)), ("model_name", "org/chat-70b"), ("instance", "10.1.2.3:8000"));
    }

    private static string At(string provider, string metric, double minute, double value, params (string Key, string Value)[] labels) => Row(provider, metric, minute, minute, value, null, labels);

    private static string Span(string provider, string metric, int minute, int length, double value, string? statistic, params (string Key, string Value)[] labels) =>
        Row(provider, metric, minute, minute + length, value, statistic, labels);

    private static string Row(string provider, string metric, double from, double to, double value, string? statistic, (string Key, string Value)[] labels)
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
        if (statistic is not null) row["statistic"] = statistic;
        return row.ToJsonString(new JsonSerializerOptions());
    }

    private static string Time(double minute) => Start.AddMinutes(minute).ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
}
