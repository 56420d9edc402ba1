using Metrics.Domain.Catalogue;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Ingestors.Providers;
using Metrics.Ingestors.Providers.Files;
using Metrics.Reference;
using Xunit;

namespace Metrics.Ingestors.Tests.Catalogue;

/// <summary>What the clouds say, from the row of a file to the facts, through the shipped catalogue.</summary>
public sealed class CloudCatalogueTests : IDisposable
{
    private const string Deployments = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments/";
    private const string Accounts = "Microsoft.CognitiveServices/accounts/";
    private const string Vertex = "aiplatform.googleapis.com/";

    private static readonly DateTime Ten = Some.Time("2026-01-01T10:00:00Z");
    private static readonly MetricCatalogue Shipped = Catalogues.Load([]);

    private readonly string folder = Directory.CreateTempSubdirectory("metrics-clouds-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static string Series(string provider, string metric, string labels, string? statistic) =>
        $$"""{"provider":"{{provider}}","metric":"{{metric}}","labels":"""
        + $$"""{{{labels}}}{{(statistic is null ? "" : $",\"statistic\":\"{statistic}\"")}}""";

    private static string Row(string series, int from, int to, double value) =>
        string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"{series},\"start\":\"2026-01-01T10:{from:00}:00Z\",\"end\":\"2026-01-01T10:{to:00}:00Z\",\"value\":{value:R}}}\n"
        );

    /// <summary>The same value in each of the five minutes after ten.</summary>
    private static string Minutes(string provider, string metric, string labels, double value, string? statistic = "Sum")
    {
        var series = Series(provider, metric, labels, statistic);
        return string.Concat(Enumerable.Range(0, 5).Select(minute => Row(series, minute, minute + 1, value)));
    }

    /// <summary>A value at each of the six instants from ten to five past.</summary>
    private static string Instants(string provider, string metric, string labels, Func<int, double> value)
    {
        var series = Series(provider, metric, labels, null);
        return string.Concat(Enumerable.Range(0, 6).Select(minute => Row(series, minute, minute, value(minute))));
    }

    private static string Aws(string metric, string labels, double value, string? statistic = "Sum") =>
        Minutes("aws-cloudwatch", metric, labels, value, statistic);

    private static string Azure(string metric, string labels, double value, string? statistic = "Sum") =>
        Minutes("azure-monitor", metric, labels, value, statistic);

    private static string Gcp(string metric, string labels, double value) => Minutes("gcp-monitoring", metric, labels, value, null);

    private async Task<List<Observation>> Read(string rows)
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "cloud.ndjson"), rows);
        var (observations, rejections) = await Some.Read(
            Some.Source(
                new FileSettings
                {
                    Id = "cloud",
                    Provider = "file",
                    Path = folder,
                },
                Shipped
            ),
            Some.Request()
        );
        Assert.Empty(rejections);
        return observations;
    }

    private async Task<NormalisedPeriod> Normalise(string rows, params Workload[] workloads)
    {
        var admitted = (await Read(rows)).Where(one =>
            Admission.Validate(one, Shipped.Find(one.Series, one.Sample.End), Ten.AddHours(1)) is null
        );
        var servers = new ServerTable([
            new ServerType("aws", "g5.12xlarge", 48, 192, "Cascade Lake", "A10G", 4, null, "its page", "CC0-1.0", "test"),
            new ServerType("aws", "m5.xlarge", 4, 16, "Cascade Lake", null, 0, null, "its page", "CC0-1.0", "test"),
        ]);
        var models = new ModelTable([new KnownModel("*llama*8b*", ModelSize.Dense(8e9), "its card", "CC0-1.0", "test")]);
        return new Normaliser(
            Shipped,
            workloads,
            new Dictionary<string, Place> { ["cloud"] = new("aws/eu-central-1", "DE", 1.2) },
            TimeSpan.FromMinutes(5),
            FactorBook.Published.With([], servers: servers, models: models)
        ).Normalise(new Interval(Ten, Ten.AddMinutes(5)), SeriesSamples.Group(admitted));
    }

    private async Task<string?> Id(string row) =>
        Shipped.Find(Assert.Single((await Read(row)).Select(one => one.Series).Distinct()), Ten)?.Id;

    private static Workload Chat(params (string Label, string Glob)[] labels) =>
        new("chat", null, null, [new WorkloadRule("cloud", labels.ToDictionary(one => one.Label, one => one.Glob))]);

    private static (string, string, double)[] Work(NormalisedPeriod period) =>
        [
            .. period
                .Work.Select(fact => (fact.Deployment.Workload.Name, fact.FunctionalUnit, fact.Units))
                .OrderBy(fact => fact.Name, StringComparer.Ordinal)
                .ThenBy(fact => fact.FunctionalUnit, StringComparer.Ordinal),
        ];

    [Theory]
    [InlineData("aws-cloudwatch", "AWS/EC2/CPUUtilization", "\"InstanceId\":\"i-1\"", "Average", "ec2-cpu")]
    [InlineData(
        "aws-cloudwatch",
        "AWS/EC2/CPUUtilization",
        "\"InstanceId\":\"i-1\",\"InstanceType\":\"p5.48xlarge\"",
        "Average",
        "ec2-cpu"
    )]
    [InlineData("aws-cloudwatch", "AWS/EC2/CPUUtilization", "\"InstanceType\":\"p5.48xlarge\"", "Average", null)]
    [InlineData("aws-cloudwatch", "AWS/EC2/CPUUtilization", "\"AutoScalingGroupName\":\"g\"", "Average", null)]
    [InlineData("aws-cloudwatch", "AWS/EC2/CPUUtilization", "\"InstanceId\":\"i-1\"", "Maximum", null)]
    [InlineData(
        "aws-cloudwatch",
        "CWAgent/nvidia_smi_power_draw",
        "\"InstanceId\":\"i-1\",\"index\":\"0\",\"name\":\"NVIDIA L4\"",
        "Average",
        "agent-gpu-power"
    )]
    [InlineData("aws-cloudwatch", "CWAgent/nvidia_smi_power_draw", "\"InstanceId\":\"i-1\"", "Average", null)]
    [InlineData(
        "aws-cloudwatch",
        "CWAgent/nvidia_smi_utilization_gpu",
        "\"host\":\"ip-10-0-0-7\",\"index\":\"0\"",
        "Average",
        "agent-gpu-utilization"
    )]
    [InlineData("aws-cloudwatch", "CWAgent/cpu_usage_active", "\"InstanceId\":\"i-1\",\"cpu\":\"cpu-total\"", "Average", "agent-cpu")]
    [InlineData("aws-cloudwatch", "CWAgent/cpu_usage_active", "\"InstanceId\":\"i-1\",\"cpu\":\"cpu0\"", "Average", null)]
    [InlineData(
        "aws-cloudwatch",
        "ContainerInsights/node_gpu_utilization",
        "\"ClusterName\":\"c\",\"NodeName\":\"n\",\"InstanceId\":\"i-1\",\"InstanceType\":\"g6.xlarge\",\"GpuDevice\":\"nvidia0\"",
        "Average",
        "eks-node-gpu-utilization"
    )]
    [InlineData(
        "aws-cloudwatch",
        "ContainerInsights/node_cpu_utilization",
        "\"ClusterName\":\"c\",\"NodeName\":\"n\",\"InstanceId\":\"i-1\"",
        "Average",
        "eks-node-cpu"
    )]
    [InlineData(
        "aws-cloudwatch",
        "ContainerInsights/pod_gpu_power_draw",
        "\"ClusterName\":\"c\",\"PodName\":\"p\",\"FullPodName\":\"p-1\",\"GpuDevice\":\"nvidia0\",\"InstanceId\":\"i-1\"",
        "Average",
        "eks-pod-gpu-power"
    )]
    [InlineData(
        "aws-cloudwatch",
        "ContainerInsights/pod_gpu_power_draw",
        "\"ClusterName\":\"c\",\"PodName\":\"p\",\"FullPodName\":\"p-1\",\"GpuDevice\":\"nvidia0\"",
        "Average",
        null
    )]
    [InlineData(
        "aws-cloudwatch",
        "ContainerInsights/container_gpu_power_draw",
        "\"ContainerName\":\"srv\",\"FullPodName\":\"p-1\",\"GpuDevice\":\"nvidia0\",\"InstanceId\":\"i-1\"",
        "Average",
        "eks-container-gpu-power"
    )]
    [InlineData(
        "aws-cloudwatch",
        "/aws/sagemaker/Endpoints/GPUUtilization",
        "\"EndpointName\":\"e\",\"VariantName\":\"v\"",
        "Average",
        "sagemaker-endpoint-gpu"
    )]
    [InlineData(
        "aws-cloudwatch",
        "/aws/sagemaker/Endpoints/CPUUtilization",
        "\"EndpointName\":\"e\",\"VariantName\":\"v\"",
        "Average",
        "sagemaker-endpoint-cpu"
    )]
    [InlineData("aws-cloudwatch", "/aws/sagemaker/TrainingJobs/GPUUtilization", "\"Host\":\"job/algo-1\"", "Average", "sagemaker-job-gpu")]
    [InlineData("aws-cloudwatch", "AWS/SageMaker/Invocations", "\"EndpointName\":\"e\",\"VariantName\":\"v\"", "Sum", "sagemaker-requests")]
    [InlineData("aws-cloudwatch", "AWS/Bedrock/OutputTokenCount", "\"ModelId\":\"m\"", "Sum", "bedrock-output-tokens")]
    [InlineData("aws-cloudwatch", "AWS/Bedrock/OutputTokenCount", "\"ModelId\":\"m\"", "Average", null)]
    [InlineData("aws-cloudwatch", "AWS/Bedrock/OutputTokenCount", "\"ModelId\":\"m\"", null, "bedrock-output-tokens")]
    [InlineData("aws-cloudwatch", "AWS/BedrockMantle/OutputTokens", "\"Project\":\"p\",\"Model\":\"m\"", "Sum", null)]
    [InlineData("aws-cloudwatch", "AWS/ApplicationELB/RequestCountPerTarget", "\"TargetGroup\":\"t\"", "Sum", null)]
    [InlineData("aws-cloudwatch", "AWS/Lambda/Invocations", "\"FunctionName\":\"f\",\"Resource\":\"f:live\"", "Sum", null)]
    [InlineData("azure-monitor", "Microsoft.Compute/virtualMachines/Percentage CPU", "\"resourceid\":\"/vm\"", "Average", "vm-cpu")]
    [InlineData("azure-monitor", Deployments + "GpuEnergyJoules", "\"instanceid\":\"inst-0\"", "Average", "ml-deployment-gpu-energy")]
    [InlineData("azure-monitor", Deployments + "GpuEnergyJoules", "\"instanceid\":\"inst-0\"", "Maximum", null)]
    [InlineData("azure-monitor", Deployments + "GpuEnergyJoules", "", "Average", null)]
    [InlineData(
        "azure-monitor",
        Deployments + "GpuUtilizationPercentage",
        "\"instanceid\":\"inst-0\"",
        "Average",
        "ml-deployment-gpu-utilization"
    )]
    [InlineData("azure-monitor", Deployments + "RequestsPerMinute", "\"envoy_response_code\":\"200\"", "Average", "ml-deployment-requests")]
    [InlineData("azure-monitor", Deployments + "RequestsPerMinute", "\"envoy_response_code\":\"500\"", "Average", null)]
    [InlineData(
        "azure-monitor",
        "Microsoft.MachineLearningServices/workspaces/GpuEnergyJoules",
        "\"instanceid\":\"i\",\"deviceid\":\"0\"",
        "Sum",
        "ml-workspace-gpu-energy"
    )]
    [InlineData(
        "azure-monitor",
        "Microsoft.MachineLearningServices/workspaces/GpuEnergyJoules",
        "\"instanceid\":\"i\",\"deviceid\":\"0\"",
        "Average",
        null
    )]
    [InlineData("azure-monitor", Accounts + "GeneratedTokens", "\"modeldeploymentname\":\"d\"", "Sum", "openai-output-tokens")]
    [InlineData("azure-monitor", Accounts + "OutputTokens", "\"modeldeploymentname\":\"d\"", "Sum", "foundry-output-tokens")]
    [InlineData("azure-monitor", Accounts + "cacheReadInputTokens", "\"modeldeploymentname\":\"d\"", "Sum", "foundry-cached-input-tokens")]
    [InlineData("azure-monitor", Accounts + "ModelRequests", "\"modeldeploymentname\":\"d\",\"statuscode\":\"429\"", "Sum", null)]
    [InlineData("azure-monitor", Accounts + "TotalCalls", "", "Sum", null)]
    [InlineData("gcp-monitoring", "compute.googleapis.com/instance/cpu/utilization", "\"instance_id\":\"7\"", null, "compute-cpu")]
    [InlineData(
        "gcp-monitoring",
        "agent.googleapis.com/gpu/utilization",
        "\"instance_id\":\"7\",\"uuid\":\"GPU-0a\"",
        null,
        "agent-gpu-utilization"
    )]
    [InlineData(
        "gcp-monitoring",
        "workload.googleapis.com/gpu.dcgm.energy_consumption",
        "\"instance_id\":\"7\",\"uuid\":\"GPU-0a\"",
        null,
        "dcgm-energy"
    )]
    [InlineData(
        "gcp-monitoring",
        "kubernetes.io/node/accelerator/duty_cycle",
        "\"node_name\":\"n\",\"accelerator_id\":\"GPU-0a\"",
        null,
        "gke-accelerator-duty-cycle"
    )]
    [InlineData(
        "gcp-monitoring",
        Vertex + "prediction/online/accelerator/duty_cycle",
        "\"replica_id\":\"r\"",
        null,
        "vertex-accelerator-duty-cycle"
    )]
    [InlineData("gcp-monitoring", Vertex + "prediction/online/response_count", "\"response_code\":\"500\"", null, null)]
    [InlineData(
        "gcp-monitoring",
        Vertex + "publisher/online_serving/token_count",
        "\"type\":\"output\",\"model_user_id\":\"m\"",
        null,
        "publisher-output-tokens"
    )]
    [InlineData("gcp-monitoring", Vertex + "publisher/online_serving/consumed_token_throughput", "\"type\":\"output\"", null, null)]
    [InlineData(
        "gcp-monitoring",
        "tpu.googleapis.com/accelerator/duty_cycle",
        "\"node_id\":\"t\",\"accelerator_id\":\"0\"",
        null,
        "tpu-duty-cycle"
    )]
    [InlineData(
        "gcp-monitoring",
        "run.googleapis.com/request_count",
        "\"service_name\":\"s\",\"response_code_class\":\"2xx\"",
        null,
        "run-requests"
    )]
    public async Task A_row_is_explained_by_its_provider(string provider, string metric, string labels, string? statistic, string? id) =>
        Assert.Equal(id is null ? null : $"{provider}/{id}", await Id(Minutes(provider, metric, labels, 1, statistic)));

    [Fact]
    public async Task An_average_of_five_minutes_is_not_the_energy_of_one() =>
        Assert.Null(
            await Id(Row(Series("azure-monitor", Deployments + "GpuEnergyJoules", "\"instanceid\":\"inst-0\"", "Average"), 0, 5, 18422))
        );

    [Fact]
    public async Task Container_Insights_tells_the_same_watts_in_six_dimension_sets_and_one_is_taken()
    {
        const string metric = "ContainerInsights/node_gpu_power_draw";
        const string node = "\"ClusterName\":\"c\",\"NodeName\":\"n\",\"InstanceId\":\"i-1\"";
        var period = await Normalise(
            Aws(metric, node + ",\"InstanceType\":\"g6.12xlarge\",\"GpuDevice\":\"nvidia0\"", 60, "Average")
                + Aws(metric, node + ",\"InstanceType\":\"g6.12xlarge\",\"GpuDevice\":\"nvidia1\"", 40, "Average")
                + Aws(metric, node + ",\"InstanceType\":\"g6.12xlarge\",\"GpuDevice\":\"nvidia1\"", 4000, "Sum")
                + Aws(metric, node, 50, "Average")
                + Aws(metric, "\"ClusterName\":\"c\"", 50, "Average")
                + Aws(
                    "ContainerInsights/pod_gpu_power_draw",
                    "\"ClusterName\":\"c\",\"Namespace\":\"inf\",\"PodName\":\"p\",\"FullPodName\":\"p-1\",\"GpuDevice\":\"nvidia0\"",
                    60,
                    "Average"
                )
                + Aws(
                    "ContainerInsights/container_gpu_power_draw",
                    "\"ClusterName\":\"c\",\"ContainerName\":\"srv\",\"FullPodName\":\"p-1\",\"GpuDevice\":\"nvidia0\"",
                    60,
                    "Average"
                )
        );

        // 60 W and 40 W for 300 s.
        Assert.Equal(
            [("i-1/0", 18000.0), ("i-1/1", 12000.0)],
            period.Energy.Select(fact => (fact.Resource.Name, fact.AcceleratorJoules!.Value)).Order()
        );
        Assert.All(period.Energy, fact => Assert.Equal((Evidence.Derived, 300), (fact.Evidence, fact.CoveredSeconds)));
    }

    [Fact]
    public async Task A_pod_whose_instance_is_known_has_the_energy_of_its_board_and_adds_none()
    {
        const string board = "\"ClusterName\":\"c\",\"InstanceId\":\"i-1\",\"GpuDevice\":\"nvidia0\"";
        var period = await Normalise(
            Aws("ContainerInsights/node_gpu_power_draw", board + ",\"NodeName\":\"n\"", 60, "Average")
                + Aws(
                    "ContainerInsights/pod_gpu_power_draw",
                    board + ",\"Namespace\":\"inf\",\"PodName\":\"llm\",\"FullPodName\":\"llm-1\"",
                    60,
                    "Average"
                )
                + Aws(
                    "ContainerInsights/container_gpu_power_draw",
                    board + ",\"Namespace\":\"inf\",\"PodName\":\"llm\",\"FullPodName\":\"llm-1\",\"ContainerName\":\"srv\"",
                    60,
                    "Average"
                ),
            Chat(("PodName", "llm"))
        );

        Assert.Equal(
            [("chat", "i-1/0", 18000.0)],
            period.Energy.Select(fact => (fact.Deployment.Workload.Name, fact.Resource.Name, fact.AcceleratorJoules!.Value))
        );
    }

    [Fact]
    public async Task SageMaker_adds_up_the_devices_of_an_instance_and_takes_the_mean_of_the_instances()
    {
        const string labels = "\"EndpointName\":\"e\",\"VariantName\":\"v\",\"InstanceType\":\"g5.12xlarge\",\"InstanceCount\":\"2\"";
        var period = await Normalise(
            Aws("/aws/sagemaker/Endpoints/GPUUtilization", labels, 200, "Average")
                + Aws("/aws/sagemaker/Endpoints/CPUUtilization", labels, 2400, "Average")
        );

        // 200 % of four boards is half load: 4 x (18 + 153) / 2 W for 300 s, twice. 2,400 % of 48 vCPUs as well: 48 x (0.64 + 3.97) / 2 W +
        // 192 x 0.392 W.
        Assert.Equal(205200, period.Energy.Sum(fact => fact.AcceleratorJoules ?? 0), 6);
        Assert.Equal(205200 + 111542.4, period.Energy.Sum(fact => fact.ServerJoules ?? 0), 6);
        Assert.All(period.Energy, fact => Assert.Equal(Evidence.Modelled, fact.Evidence));
        Assert.Empty(period.Rejections);
    }

    [Theory]
    [InlineData(
        "\"InstanceType\":\"g5.12xlarge\"",
        200,
        "it is a mean over servers and nothing tells how many there are. Add the label 'InstanceCount'."
    )]
    [InlineData(
        "\"InstanceCount\":\"2\"",
        200,
        "it is a sum over devices and nothing tells how many there are. Add the label 'GpuCount', or name the machine's type."
    )]
    [InlineData(
        "\"InstanceCount\":\"2\",\"InstanceType\":\"g5.12xlarge\"",
        500,
        "a level of 5 is above the whole of 4 devices. Correct their number, or the machine's type."
    )]
    public async Task A_sum_that_cannot_be_divided_gives_no_energy_and_says_why(string labels, double percent, string why)
    {
        var period = await Normalise(
            Aws("/aws/sagemaker/Endpoints/GPUUtilization", "\"EndpointName\":\"e\",\"VariantName\":\"v\"," + labels, percent, "Average")
        );

        // The machine is there, and what it draws is not known.
        Assert.All(period.Energy, fact => Assert.Null(fact[Measures.Known]));
        var rejection = Assert.Single(period.Rejections);
        Assert.Equal(RejectionReason.NoPowerModel, rejection.Reason);
        Assert.EndsWith(why, rejection.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_board_of_GKE_draws_by_its_duty_cycle_and_belongs_to_the_container_on_it()
    {
        var period = await Normalise(
            Instants(
                "gcp-monitoring",
                "kubernetes.io/node/accelerator/duty_cycle",
                "\"node_name\":\"n\",\"accelerator_id\":\"GPU-0a\",\"model\":\"A100\"",
                _ => 50
            )
                + Instants(
                    "gcp-monitoring",
                    "kubernetes.io/container/accelerator/duty_cycle",
                    "\"pod_name\":\"llm-0\",\"accelerator_id\":\"GPU-0a\",\"model\":\"A100\"",
                    _ => 50
                ),
            Chat(("pod_name", "llm-*"))
        );

        // (46 + 407) / 2 W for 300 s.
        Assert.Equal(
            [("chat", "0a", 67950.0)],
            period.Energy.Select(fact => (fact.Deployment.Workload.Name, fact.Resource.Name, Math.Round(fact.AcceleratorJoules!.Value, 6)))
        );
    }

    [Fact]
    public async Task Joules_of_a_board_belong_to_the_container_whose_load_is_told()
    {
        var period = await Normalise(
            Instants(
                "gcp-monitoring",
                "workload.googleapis.com/gpu.dcgm.energy_consumption",
                "\"instance_id\":\"7\",\"uuid\":\"GPU-0a\"",
                minute => 24000 * minute
            )
                + Instants(
                    "gcp-monitoring",
                    "kubernetes.io/container/accelerator/duty_cycle",
                    "\"pod_name\":\"llm-0\",\"accelerator_id\":\"GPU-0a\"",
                    _ => 50
                ),
            Chat(("pod_name", "llm-*"))
        );

        Assert.Equal(
            [("chat", "0a", 120000.0, Evidence.Measured)],
            period.Energy.Select(fact => (fact.Deployment.Workload.Name, fact.Resource.Name, fact.AcceleratorJoules!.Value, fact.Evidence))
        );
    }

    [Fact]
    public async Task A_burst_of_a_machine_is_its_whole_and_no_more()
    {
        var period = await Normalise(
            Instants(
                "gcp-monitoring",
                "compute.googleapis.com/instance/cpu/utilization",
                "\"instance_id\":\"7\",\"machine_type\":\"m5.xlarge\"",
                minute => minute % 2 == 0 ? 1.4 : 0.5
            )
        );

        // 0.75 on average: 4 x (0.64 + 0.75 x 3.33) W + 16 x 0.392 W for 300 s.
        Assert.Equal(5646.6, Assert.Single(period.Energy).ServerJoules!.Value, 6);
    }

    [Fact]
    public async Task Azure_counts_the_joules_of_each_minute_and_a_machine_learning_request_as_well()
    {
        var energy = Series("azure-monitor", Deployments + "GpuEnergyJoules", "\"resourceid\":\"/d\",\"instanceid\":\"inst-0\"", "Average");
        var period = await Normalise(
            Row(energy, 0, 1, 18422)
                + Row(energy, 1, 2, 21077.5)
                + Azure(Deployments + "RequestsPerMinute", "\"resourceid\":\"/d\",\"envoy_response_code\":\"200\"", 30, "Average")
                + Azure(Deployments + "RequestsPerMinute", "\"resourceid\":\"/d\",\"envoy_response_code\":\"503\"", 5, "Average")
                + Azure(Deployments + "RequestsPerMinute", "\"resourceid\":\"/d\"", 35, "Average")
        );

        var fact = Assert.Single(period.Energy);
        Assert.Equal((39499.5, 120, Evidence.Measured), (fact.AcceleratorJoules, fact.CoveredSeconds, fact.Evidence));
        Assert.Equal([("unattributed", "request", 150)], Work(period));
    }

    [Fact]
    public async Task A_counter_of_the_Ops_Agent_is_joules()
    {
        var period = await Normalise(
            Instants(
                "gcp-monitoring",
                "workload.googleapis.com/gpu.dcgm.energy_consumption",
                "\"instance_id\":\"7\",\"uuid\":\"GPU-0a\",\"gpu_number\":\"0\",\"model\":\"NVIDIA H100 80GB HBM3\"",
                minute => 1e9 + 24000 * minute
            )
        );

        var fact = Assert.Single(period.Energy);
        Assert.Equal(
            (120000, Evidence.Measured, "0a", "7"),
            (fact.AcceleratorJoules, fact.Evidence, fact.Resource.Name, fact.Resource.Node)
        );
    }

    [Fact]
    public async Task Bedrock_tells_tokens_by_model_and_in_all_and_they_count_once()
    {
        const string metric = "AWS/Bedrock/OutputTokenCount";
        var period = await Normalise(
            Aws(metric, "\"ModelId\":\"meta.llama3-1-8b-instruct-v1:0\"", 30)
                + Aws(metric, "\"ModelId\":\"other\"", 10)
                + Aws(metric, "", 40),
            Chat(("ModelId", "meta.*"))
        );

        Assert.Equal([("chat", "output-token", 150), ("unattributed", "output-token", 50)], Work(period));
        var fact = Assert.Single(period.Energy);
        Assert.Equal(
            ("chat", "meta.llama3-1-8b-instruct-v1:0", Evidence.Estimated),
            (fact.Deployment.Workload.Name, fact.Resource.Name, fact.Evidence)
        );
        // 150 x (1.1665e-6 x e^(-0.0112 x 64) x 8 + 4.0529e-5) Wh.
        Assert.Equal(24.345679984520764, fact.AcceleratorJoules!.Value, 9);
        Assert.Equal("other", Assert.Single(period.Rejections).Detail.Split('\'')[1]);
    }

    [Fact]
    public async Task Bedrock_without_a_model_counts_where_no_model_is_told() =>
        Assert.Equal([("unattributed", "output-token", 200)], Work(await Normalise(Aws("AWS/Bedrock/OutputTokenCount", "", 40))));

    [Fact]
    public async Task The_four_levels_of_Bedrock_Mantle_are_one_count_beside_that_of_Bedrock()
    {
        const string metric = "AWS/BedrockMantle/TotalOutputTokens";
        var period = await Normalise(
            Aws(metric, "\"Project\":\"p\",\"Model\":\"m\"", 10)
                + Aws(metric, "\"Model\":\"m\"", 10)
                + Aws(metric, "\"Project\":\"p\"", 10)
                + Aws(metric, "", 10)
                + Aws("AWS/BedrockMantle/OutputTokens", "\"Project\":\"p\",\"Model\":\"m\"", 10)
                + Aws("AWS/Bedrock/OutputTokenCount", "\"ModelId\":\"m\"", 7)
        );

        Assert.Equal([("unattributed", "output-token", 85)], Work(period));
    }

    [Fact]
    public async Task One_family_of_Azure_OpenAI_is_taken_in_each_account()
    {
        const string first = "\"resourceid\":\"/accounts/a\",\"modeldeploymentname\":\"chat\"";
        const string second = "\"resourceid\":\"/accounts/b\",\"modeldeploymentname\":\"chat\"";
        var period = await Normalise(
            Azure(Accounts + "GeneratedTokens", first, 100)
                + Azure(Accounts + "OutputTokens", first + ",\"modelname\":\"llama-3-8b\"", 100)
                + Azure(Accounts + "OutputTokens", "\"resourceid\":\"/accounts/a\"", 100)
                + Azure(Accounts + "GeneratedTokens", second, 20)
                + Azure(Accounts + "ProcessedPromptTokens", first, 300)
                + Azure(Accounts + "InputTokens", first, 300)
                + Azure(Accounts + "cacheReadInputTokens", first, 60)
                + Azure(Accounts + "TokenTransaction", first, 400)
                + Azure(Accounts + "TotalTokens", first, 400)
                + Azure(Accounts + "AzureOpenAIRequests", first + ",\"statuscode\":\"200\"", 4)
                + Azure(Accounts + "ModelRequests", first + ",\"statuscode\":\"200\"", 4),
            // The rule knows one family only; the other must not stand in what is unattributed.
            Chat(("modelname", "llama*"))
        );

        Assert.Equal(
            [
                ("chat", "output-token", 500),
                ("unattributed", "cached-input-token", 300),
                ("unattributed", "input-token", 1500),
                ("unattributed", "output-token", 100),
                ("unattributed", "request", 20),
                ("unattributed", "token", 2000),
            ],
            Work(period)
        );
    }

    [Fact]
    public async Task Lambda_counts_a_call_on_four_levels_and_it_is_one()
    {
        const string metric = "AWS/Lambda/Invocations";
        Assert.Equal(
            [("unattributed", "request", 15)],
            Work(
                await Normalise(
                    Aws(metric, "\"FunctionName\":\"f\"", 3)
                        + Aws(metric, "\"FunctionName\":\"f\",\"Resource\":\"f:live\"", 3)
                        + Aws(metric, "\"FunctionName\":\"f\",\"Resource\":\"f:live\",\"ExecutedVersion\":\"2\"", 3)
                        + Aws(metric, "", 3)
                )
            )
        );
        Assert.Equal([("unattributed", "request", 20)], Work(await Normalise(Aws(metric, "", 4))));
    }

    [Fact]
    public async Task A_load_balancer_is_counted_by_group_in_all_and_by_zone_and_counts_once()
    {
        const string metric = "AWS/ApplicationELB/RequestCount";
        var zones =
            Aws(metric, "\"LoadBalancer\":\"app/a\",\"AvailabilityZone\":\"eu-central-1a\"", 2)
            + Aws(metric, "\"LoadBalancer\":\"app/a\",\"AvailabilityZone\":\"eu-central-1b\"", 3);
        var whole = Aws(metric, "\"LoadBalancer\":\"app/a\"", 5);
        var groups =
            Aws(metric, "\"LoadBalancer\":\"app/a\",\"TargetGroup\":\"g\"", 4)
            + Aws(metric, "\"LoadBalancer\":\"app/a\",\"TargetGroup\":\"h\"", 1);
        var other = Aws(metric, "\"LoadBalancer\":\"app/b\"", 10);

        Assert.Equal(
            [("chat", "request", 20), ("unattributed", "request", 55)],
            Work(await Normalise(zones + whole + groups + other, Chat(("TargetGroup", "g"))))
        );
        Assert.Equal([("unattributed", "request", 25)], Work(await Normalise(zones + whole)));
        Assert.Equal([("unattributed", "request", 25)], Work(await Normalise(zones)));
    }

    [Fact]
    public async Task A_prompt_of_prefill_and_decode_apart_is_counted_by_one_of_them()
    {
        static string Engine(string metric, string role, double perMinute, string more = "") =>
            Instants("prometheus", metric, $"\"model_name\":\"m\",\"instance\":\"{role}:8000\",\"role\":\"{role}\"{more}", minute =>
                perMinute * minute
            );

        var period = await Normalise(
            Engine("vllm:prompt_tokens_total", "prefill", 800)
                + Engine("vllm:prompt_tokens_total", "decode", 800)
                + Engine("vllm:generation_tokens_total", "prefill", 2)
                + Engine("vllm:generation_tokens_total", "decode", 200)
                + Engine("vllm:request_success_total", "prefill", 2, ",\"finished_reason\":\"length\"")
                + Engine("vllm:request_success_total", "decode", 2, ",\"finished_reason\":\"stop\"")
        );

        Assert.Equal(
            [("unattributed", "input-token", 4000), ("unattributed", "output-token", 1000), ("unattributed", "request", 10)],
            Work(period)
        );
    }

    [Fact]
    public async Task A_Triton_ensemble_and_its_parts_are_one_request_of_a_workload()
    {
        static string Model(string model) =>
            Instants(
                "prometheus",
                "nv_inference_request_success",
                $"\"model\":\"{model}\",\"version\":\"1\",\"instance\":\"triton:8002\"",
                minute => 6 * minute
            );

        Assert.Equal(
            [("chat", "request", 30)],
            Work(await Normalise(Model("ensemble") + Model("tokenizer") + Model("bert"), Chat(("instance", "triton*"))))
        );
    }

    [Fact]
    public void Tokens_given_to_a_model_and_made_by_it_are_never_one_unit() =>
        Assert.Equal(
            ["cached-input-token", "input-token", "output-token", "token"],
            Shipped
                .Mappings.Where(mapping => mapping.Unit.Symbol == "{token}")
                .Select(mapping => mapping.FunctionalUnit!)
                .Distinct()
                .Order(StringComparer.Ordinal)
        );

    [Fact]
    public void Output_tokens_of_every_managed_API_are_estimated_and_those_of_own_servers_are_not() =>
        Assert.Equal(
            ["bedrock-model", "mantle-model", "openai", "publisher-model"],
            Shipped
                .Mappings.Where(mapping => mapping.EstimateModel is not null)
                .Select(mapping =>
                    mapping.Id.Split('/')[1] switch
                    {
                        ['b', ..] => "bedrock-model",
                        ['m', ..] => "mantle-model",
                        ['p', ..] => "publisher-model",
                        _ => "openai",
                    }
                )
                .Distinct()
                .Order(StringComparer.Ordinal)
        );

    [Theory]
    [InlineData("aws-cloudwatch/ec2-cpu", 42, 0.42)]
    [InlineData("azure-monitor/vm-cpu", 42, 0.42)]
    [InlineData("gcp-monitoring/compute-cpu", 0.42, 0.42)]
    [InlineData("gcp-monitoring/compute-cpu", 1.3, 1.0)]
    [InlineData("gcp-monitoring/agent-gpu-utilization", 42, 0.42)]
    [InlineData("gcp-monitoring/dcgm-utilization", 0.42, 0.42)]
    [InlineData("gcp-monitoring/gke-accelerator-duty-cycle", 42, 0.42)]
    [InlineData("gcp-monitoring/vertex-accelerator-duty-cycle", 0.42, 0.42)]
    [InlineData("gcp-monitoring/vertex-cpu", 3.2, 0.4)]
    [InlineData("aws-cloudwatch/sagemaker-endpoint-gpu", 320, 0.4)]
    [InlineData("aws-cloudwatch/sagemaker-endpoint-gpu", 810, null)]
    public void Utilisation_is_read_on_the_scale_of_its_metric(string id, double value, double? ratio)
    {
        var mapping = Shipped.Mappings.Single(mapping => mapping.Id == id);
        var level = mapping.Unit.ToCanonical(value);
        Assert.Equal(
            ratio,
            mapping.Scale is { } scale
                ? scale.Ratio(level, 8) is { } read
                    ? Math.Round(read, 12)
                    : null
                : level
        );
    }
}
