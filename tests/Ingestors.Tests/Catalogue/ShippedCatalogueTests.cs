using System.Globalization;
using System.Text.RegularExpressions;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Ingestors.Providers;
using Xunit;

namespace Metrics.Ingestors.Tests.Catalogue;

public partial class ShippedCatalogueTests
{
    private static readonly DateTime At = new(2026, 1, 15, 12, 0, 0, DateTimeKind.Utc);
    private static readonly MetricCatalogue Shipped = Catalogues.Load([]);

    /// <summary>The series of an exposition line, and its value.</summary>
    private static (Series Series, double Value) Line(string line)
    {
        var parts = Exposition().Match(line);
        Assert.True(parts.Success, line);
        var labels = Labels.Of(
            Label()
                .Matches(parts.Groups["labels"].Value)
                .Select(label => KeyValuePair.Create(label.Groups[1].Value.Trim('"'), label.Groups[2].Value))
        );
        var metric = parts.Groups["quoted"].Success ? parts.Groups["quoted"].Value : parts.Groups["metric"].Value;
        return (
            new Series("rack-7", "prometheus", metric, labels),
            double.Parse(parts.Groups["value"].Value, CultureInfo.InvariantCulture)
        );
    }

    private static MetricMapping? Find(string line) => Shipped.Find(Line(line).Series, At);

    [Theory]
    // NVIDIA: both spellings of the host, the old namespace, renamed fields.
    [InlineData(
        """DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu="0",UUID="GPU-00000000-0000-4000-8000-00000000000a",pci_bus_id="00000000:1B:00."""
            + """0",device="nvidia0",modelName="NVIDIA H100 80GB HBM3",Hostname="node-a",container="srv",namespace="inf","""
            + """pod="llm-0"} 812345678901""",
        "dcgm-energy",
        Component.Accelerator,
        812345678.901
    )]
    [InlineData(
        """DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu="0",UUID="GPU-0a",modelName="NVIDIA H100 80GB HBM3",hostname="node-a"} 812345678901""",
        "dcgm-energy",
        Component.Accelerator,
        812345678.901
    )]
    [InlineData(
        """dcgm_total_energy_consumption{gpu="0",uuid="GPU-0a",pod_name="llm-0",pod_namespace="inf",container_name="srv"} 1500""",
        "dcgm-energy",
        Component.Accelerator,
        1.5
    )]
    [InlineData(
        """DCGM_FI_DEV_POWER_USAGE{gpu="0",UUID="GPU-0a",pci_bus_id="00000000:1B:00.0",device="nvidia0",modelName="NVIDIA H100 80GB """
            + """HBM3",hostname="node-a"} 431.250000""",
        "dcgm-power",
        Component.Accelerator,
        431.25
    )]
    [InlineData("""DCGM_FI_DEV_POWER_USAGE{gpu="0",UUID="GPU-0a",Hostname="node-a"} 431.25""", "dcgm-power", Component.Accelerator, 431.25)]
    [InlineData(
        """DCGM_FI_DEV_BOARD_POWER_WATTS{gpu="0",UUID="GPU-0a",hostname="node-a"} 431.25""",
        "dcgm-power",
        Component.Accelerator,
        431.25
    )]
    [InlineData("""dcgm_power_usage{gpu="0",uuid="GPU-0a"} 431.25""", "dcgm-power", Component.Accelerator, 431.25)]
    [InlineData(
        """DCGM_FI_DEV_POWER_USAGE_INSTANT{gpu="0",UUID="GPU-0a",Hostname="node-a"} 625.68""",
        "dcgm-power-instant",
        Component.Accelerator,
        625.68
    )]
    [InlineData(
        """DCGM_FI_DEV_BOARD_POWER_RAW_WATTS{gpu="0",UUID="GPU-0a",hostname="node-a"} 625.68""",
        "dcgm-power-instant",
        Component.Accelerator,
        625.68
    )]
    [InlineData("""DCGM_FI_DEV_CPU_POWER_UTIL_CURRENT{cpu="0",Hostname="grace-a"} 180""", "dcgm-cpu-power", Component.Cpu, 180)]
    [InlineData("""DCGM_FI_DEV_CPU_POWER_WATTS{cpu="0",hostname="grace-a"} 180""", "dcgm-cpu-power", Component.Cpu, 180)]
    [InlineData("""DCGM_FI_DEV_MODULE_POWER_UTIL_CURRENT{cpu="0",hostname="grace-a"} 912""", "dcgm-module-power", Component.Module, 912)]
    [InlineData(
        """nvidia_smi_power_draw_watts{uuid="00000000-0000-4000-8000-00000000000a"} 431.25""",
        "nvidia-smi-power",
        Component.Accelerator,
        431.25
    )]
    [InlineData(
        """nvidia_smi_energy_joules_total{uuid="00000000-0000-4000-8000-00000000000a"} 8.12345678901e+08""",
        "nvidia-smi-energy",
        Component.Accelerator,
        812345678.901
    )]
    // AMD: microjoules in a gauge, an optional prefix.
    [InlineData(
        """gpu_energy_consumed{card_model="102-G30211-00",gpu_compute_partition_type="spx",gpu_id="0",gpu_partition_id="0","""
            + """hostname="node-b",serial_number="S1"} 5.12e+14""",
        "amd-energy",
        Component.Accelerator,
        512000000
    )]
    [InlineData(
        """amd_gpu_energy_consumed{gpu_id="0",gpu_partition_id="0",hostname="node-b",serial_number="S1"} 5.12e+14""",
        "amd-energy",
        Component.Accelerator,
        512000000
    )]
    [InlineData(
        """gpu_energy_consumed{gpu_id="0",hostname="node-b",serial_number="S1"} 5.12e+14""",
        "amd-energy",
        Component.Accelerator,
        512000000
    )]
    [InlineData(
        """gpu_package_power{card_model="102-G30211-00",gpu_id="0",gpu_partition_id="0",hostname="node-b",serial_number="S1"} 612""",
        "amd-package-power",
        Component.Accelerator,
        612
    )]
    [InlineData(
        """amd_gpu_average_package_power{gpu_id="0",hostname="node-b",serial_number="S1"} 240""",
        "amd-package-power",
        Component.Accelerator,
        240
    )]
    [InlineData(
        """gpu_power_usage{gpu_id="0",gpu_partition_id="0",hostname="node-b",serial_number="S1"} 612""",
        "amd-power",
        Component.Accelerator,
        612
    )]
    // Intel: OpenTelemetry's names, with and without the type of hardware; the predecessor.
    [InlineData(
        """hw_energy_joules_total{hw_id="gpu0",hw_type="gpu",pci_bdf="0000:3a:00.0"} 90233.4""",
        "otel-gpu-energy",
        Component.Accelerator,
        90233.4
    )]
    [InlineData(
        """hw_energy_joules_total{hw_id="gpu0",hw_name="power-1",pci_bdf="0000:3a:00.0",hw_sensor_location="card"} 90233.4""",
        "intel-xpumd-energy",
        Component.Accelerator,
        90233.4
    )]
    [InlineData(
        """hw_power_watts{hw_id="gpu0",hw_name="power-1",pci_bdf="0000:3a:00.0",hw_sensor_location="gpu"} 150""",
        "intel-xpumd-power",
        Component.Accelerator,
        150
    )]
    [InlineData("""xpum_energy_joules_total{pci_bdf="0000:3a:00.0"} 90233.4""", "intel-xpum-energy", Component.Accelerator, 90233.4)]
    [InlineData("""xpum_power_watts{pci_bdf="0000:3a:00.0"} 150""", "intel-xpum-power", Component.Accelerator, 150)]
    [InlineData(
        """habanalabs_power_mW{UUID="01P0-HL2080A0-14",instance="gaudi-a:41611"} 412000""",
        "gaudi-power",
        Component.Accelerator,
        412
    )]
    // CPUs and servers.
    [InlineData(
        """node_rapl_package_joules_total{index="0",path="/sys/class/powercap/intel-rapl:0"} 240422.366267""",
        "node-rapl-package",
        Component.Cpu,
        240422.366267
    )]
    [InlineData(
        """node_rapl_core_joules_total{index="0",path="/sys/class/powercap/intel-rapl:0:0"} 7""",
        "node-rapl-core",
        Component.Core,
        7
    )]
    [InlineData(
        """node_rapl_uncore_joules_total{index="0",path="/sys/class/powercap/intel-rapl:0:1"} 7""",
        "node-rapl-uncore",
        Component.Uncore,
        7
    )]
    [InlineData(
        """node_rapl_dram_joules_total{index="0",path="/sys/class/powercap/intel-rapl:0:2"} 7""",
        "node-rapl-dram",
        Component.Memory,
        7
    )]
    [InlineData(
        """node_rapl_psys_joules_total{index="0",path="/sys/class/powercap/intel-rapl:1"} 7""",
        "node-rapl-psys",
        Component.Platform,
        7
    )]
    [InlineData(
        """node_rapl_joules_total{index="0",path="/sys/class/powercap/intel-rapl:0",rapl_zone="package"} 7""",
        "node-rapl-zone-package",
        Component.Cpu,
        7
    )]
    [InlineData(
        """node_rapl_joules_total{index="0",path="/sys/class/powercap/intel-rapl:0:0",rapl_zone="core"} 7""",
        "node-rapl-zone-core",
        Component.Core,
        7
    )]
    [InlineData(
        """node_rapl_joules_total{index="0",path="/sys/class/powercap/intel-rapl:0:1",rapl_zone="uncore"} 7""",
        "node-rapl-zone-uncore",
        Component.Uncore,
        7
    )]
    [InlineData(
        """node_rapl_joules_total{index="0",path="/sys/class/powercap/intel-rapl:0:2",rapl_zone="dram"} 7""",
        "node-rapl-zone-dram",
        Component.Memory,
        7
    )]
    [InlineData(
        """node_rapl_joules_total{index="0",path="/sys/class/powercap/intel-rapl:1",rapl_zone="psys"} 7""",
        "node-rapl-zone-psys",
        Component.Platform,
        7
    )]
    [InlineData("""node_hwmon_power_average_watt{chip="platform_acpi",sensor="power1"} 318""", "node-hwmon-power", Component.Node, 318)]
    [InlineData(
        """node_hwmon_power_average_watt{chip="lnxsybus:00_acpi000d:00",sensor="power1"} 318""",
        "node-hwmon-power",
        Component.Node,
        318
    )]
    [InlineData("""node_hwmon_energy_joule_total{chip="platform_aem_0",sensor="energy1"} 318""", "node-hwmon-energy", Component.Node, 318)]
    [InlineData(
        """kepler_node_cpu_joules_total{node_name="node-a",path="/sys/class/powercap/intel-rapl:0",zone="package"} 91234.5""",
        "kepler-node-package",
        Component.Cpu,
        91234.5
    )]
    [InlineData("""kepler_node_cpu_joules_total{node_name="node-a",zone="core"} 1""", "kepler-node-core", Component.Core, 1)]
    [InlineData("""kepler_node_cpu_joules_total{node_name="node-a",zone="uncore"} 1""", "kepler-node-uncore", Component.Uncore, 1)]
    [InlineData("""kepler_node_cpu_joules_total{node_name="node-a",zone="dram"} 1""", "kepler-node-dram", Component.Memory, 1)]
    [InlineData("""kepler_node_cpu_joules_total{node_name="node-a",zone="psys"} 1""", "kepler-node-psys", Component.Platform, 1)]
    [InlineData(
        """kepler_node_gpu_joules_total{gpu="0",gpu_uuid="GPU-0a",gpu_name="H100",vendor="nvidia",node_name="node-a"} 9""",
        "kepler-node-gpu",
        Component.Accelerator,
        9
    )]
    [InlineData(
        """kepler_pod_gpu_joules_total{node_name="node-a",pod_id="7f",pod_name="llm-0",pod_namespace="inf",state="running"} 55012.75""",
        "kepler-pod-gpu",
        Component.Accelerator,
        55012.75
    )]
    [InlineData(
        """kepler_pod_cpu_joules_total{node_name="node-a",pod_id="7f",state="running",zone="package"} 9""",
        "kepler-pod-package",
        Component.Cpu,
        9
    )]
    [InlineData(
        """kepler_container_cpu_joules_total{node_name="node-a",container_id="c1",runtime="docker",state="running",zone="dram"} 9""",
        "kepler-container-dram",
        Component.Memory,
        9
    )]
    [InlineData(
        """kepler_vm_cpu_joules_total{node_name="node-a",vm_id="v1",state="running",zone="package"} 9""",
        "kepler-vm-package",
        Component.Cpu,
        9
    )]
    [InlineData(
        """kepler_platform_watts{source="redfish",node_name="node-a",power_control_id="PC1",power_control_name="Server Power """
            + """Control"} 450""",
        "kepler-platform",
        Component.Node,
        450
    )]
    [InlineData(
        """kepler_node_package_joules_total{package="0",instance="node-a",mode="dynamic",source="intel_rapl"} 9""",
        "kepler-old-node-package",
        Component.Cpu,
        9
    )]
    [InlineData(
        """kepler_node_package_joules_total{package="0",instance="node-a",mode="idle",source="trained_power_model"} 9""",
        "kepler-old-node-package-modelled",
        Component.Cpu,
        9
    )]
    [InlineData(
        """kepler_node_gpu_joules_total{package="0",instance="node-a",mode="dynamic",source="nvidia"} 9""",
        "kepler-old-node-gpu",
        Component.Accelerator,
        9
    )]
    [InlineData(
        """kepler_node_platform_joules_total{instance="node-a",mode="dynamic",source="acpi"} 9""",
        "kepler-old-node-platform",
        Component.Node,
        9
    )]
    [InlineData(
        """kepler_container_dram_joules_total{container_id="c1",pod_name="llm-0",container_name="srv",container_namespace="inf","""
            + """mode="dynamic",source="intel_rapl"} 9""",
        "kepler-old-container-dram",
        Component.Memory,
        9
    )]
    [InlineData(
        """kepler_container_package_joules_total{container_id="c1",mode="dynamic",source="trained_power_model"} 9""",
        "kepler-old-container-package-modelled",
        Component.Cpu,
        9
    )]
    [InlineData(
        """scaph_host_power_microwatts{value_source="powercap_rapl_psys"} 187000000""",
        "scaphandre-host-power",
        Component.Platform,
        187
    )]
    [InlineData(
        """scaph_host_energy_microjoules{value_source="powercap_rapl_psys"} 187000000""",
        "scaphandre-host-energy",
        Component.Platform,
        187
    )]
    [InlineData("""scaph_socket_power_microwatts{socket_id="0"} 87000000""", "scaphandre-socket-power", Component.Cpu, 87)]
    [InlineData("""scaph_socket_energy_microjoules{socket_id="0"} 87000000""", "scaphandre-socket-energy", Component.Cpu, 87)]
    [InlineData(
        """scaph_domain_energy_microjoules{domain_name="dram",domain_id="2",socket_id="0"} 5000000""",
        "scaphandre-dram-energy",
        Component.Memory,
        5
    )]
    [InlineData(
        """scaph_domain_power_microwatts{domain_name="core",domain_id="0",socket_id="0"} 5000000""",
        "scaphandre-core-power",
        Component.Core,
        5
    )]
    [InlineData("""scaph_process_power_consumption_microwatts{exe="vllm",pid="77"} 2500000""", "scaphandre-process", Component.Cpu, 2.5)]
    [InlineData("ipmi_dcmi_power_consumption_watts 742", "ipmi-dcmi-power", Component.Node, 742)]
    [InlineData("ipmi_dcmi_power_consumption_current_watts 742", "ipmi-dcmi-power", Component.Node, 742)]
    [InlineData(
        """redfish_chassis_power_average_consumed_watts{resource="power_control",chassis_id="1"} 742""",
        "redfish-power",
        Component.Node,
        742
    )]
    [InlineData(
        """redfish_chassis_power_powersupply_power_input_watts{chassis_id="1",power_supply="PSU1",power_supply_id="0"} 380""",
        "redfish-psu-input",
        Component.Psu,
        380
    )]
    [InlineData("""idrac_power_control_consumed_watts{id="0",name="System Power Control"} 166""", "idrac-power", Component.Node, 166)]
    [InlineData("""idrac_power_supply_input_watts{id="0"} 89""", "idrac-psu-input", Component.Psu, 89)]
    // Racks: every scale is another one.
    [InlineData("""idrac_pdu_power_watts{id="1"} 2100""", "idrac-pdu-power", Component.Pdu, 2100)]
    [InlineData("""idrac_pdu_energy_kwh{id="1"} 12.5""", "idrac-pdu-energy", Component.Pdu, 45000000)]
    [InlineData("""rPDU2DeviceStatusPower{rPDU2DeviceStatusIndex="1"} 318""", "apc-power", Component.Pdu, 3180)]
    [InlineData("""rPDU2DeviceStatusEnergy{rPDU2DeviceStatusIndex="1"} 120455""", "apc-energy", Component.Pdu, 43363800000)]
    [InlineData("""st4InputCordActivePower{st4UnitIndex="1",st4InputCordIndex="1"} 2100""", "servertech-cord-power", Component.Pdu, 2100)]
    [InlineData("""st4InputCordEnergy{st4UnitIndex="1",st4InputCordIndex="1"} 10""", "servertech-cord-energy", Component.Pdu, 3600000)]
    [InlineData(
        """st4OutletActivePower{st4UnitIndex="1",st4InputCordIndex="1",st4OutletIndex="7"} 210""",
        "servertech-outlet-power",
        Component.Outlet,
        210
    )]
    [InlineData(
        """st4OutletEnergy{st4UnitIndex="1",st4InputCordIndex="1",st4OutletIndex="7"} 10""",
        "servertech-outlet-energy",
        Component.Outlet,
        36000
    )]
    [InlineData("""infeedPower{towerIndex="1",infeedIndex="1"} 900""", "sentry3-infeed-power", Component.Pdu, 900)]
    [InlineData("""infeedEnergy{towerIndex="1",infeedIndex="1"} 10""", "sentry3-infeed-energy", Component.Pdu, 3600000)]
    // Triton's own meters, OpenTelemetry, the service itself.
    [InlineData("""nv_energy_consumption{gpu_uuid="GPU-0a"} 152340.128""", "triton-gpu-energy", Component.Accelerator, 152340.128)]
    [InlineData("""nv_gpu_power_usage{gpu_uuid="GPU-0a"} 27.01""", "triton-gpu-power", Component.Accelerator, 27.01)]
    [InlineData("""hw_host_energy_joules_total{host_name="node-a"} 5""", "otel-host-energy", Component.Node, 5)]
    [InlineData("""hw_host_power_watts{host_name="node-a"} 5""", "otel-host-power", Component.Node, 5)]
    [InlineData("""{"hw.host.energy","host.name"="node-a"} 5""", "otel-host-energy", Component.Node, 5)]
    [InlineData("""hw_power_watts{hw_id="cpu0",hw_type="cpu"} 95""", "otel-cpu-power", Component.Cpu, 95)]
    [InlineData("""hw_energy_joules_total{hw_id="dimm0",hw_type="memory"} 95""", "otel-memory-energy", Component.Memory, 95)]
    [InlineData("""{"hw.energy","hw.id"="gpu0","hw.type"="gpu"} 95""", "otel-gpu-energy-dotted", Component.Accelerator, 95)]
    [InlineData("""{"hw.power","hw.id"="gpu0","hw.type"="gpu"} 95""", "otel-gpu-power-dotted", Component.Accelerator, 95)]
    [InlineData("""metrics_process_cpu_utilization_ratio{instance="localhost:5080",cpus="4"} 0.25""", "self-cpu", Component.Cpu, 0.25)]
    public void A_line_about_power_is_understood(string line, string id, Component component, double canonical)
    {
        var (series, value) = Line(line);
        var mapping = Shipped.Find(series, At);
        Assert.NotNull(mapping);
        Assert.Equal("prometheus/" + id, mapping.Id);
        Assert.Equal(component, mapping.Component);
        Assert.Equal(canonical, mapping.Unit.ToCanonical(value));
    }

    [Theory]
    [InlineData("""vllm:prompt_tokens_total{engine="0",model_name="org/model-8b"} 8128902.0""", "vllm-input-tokens", "input-token")]
    [InlineData("""vllm:generation_tokens_total{engine="0",model_name="org/model-8b"} 1""", "vllm-output-tokens", "output-token")]
    [InlineData(
        """vllm:prompt_tokens_cached_total{engine="0",model_name="org/model-8b"} 1""",
        "vllm-cached-input-tokens",
        "cached-input-token"
    )]
    [InlineData(
        """vllm:request_success_total{engine="0",finished_reason="stop",model_name="org/model-8b"} 11008.0""",
        "vllm-requests",
        "request"
    )]
    [InlineData(
        """vllm:request_success_total{engine="0",finished_reason="length",model_name="org/model-8b"} 12""",
        "vllm-requests",
        "request"
    )]
    [InlineData("""sglang:generation_tokens_total{model_name="org/model-8b"} 7.557572e+06""", "sglang-output-tokens", "output-token")]
    [InlineData("""sglang:prompt_tokens_total{engine_type="unified",model_name="org/model-8b"} 1""", "sglang-input-tokens", "input-token")]
    [InlineData(
        """sglang:cached_tokens_total{cache_source="device",model_name="org/model-8b"} 1""",
        "sglang-cached-input-tokens",
        "cached-input-token"
    )]
    [InlineData("""sglang:num_requests_total{is_streaming="true",model_name="org/model-8b"} 1""", "sglang-requests", "request")]
    [InlineData("""nv_inference_request_success{model="my_model",version="1"} 161""", "triton-requests", "request")]
    [InlineData("""nv_inference_count{model="my_model",version="1"} 161""", "triton-inferences", "inference")]
    [InlineData("tgi_request_generated_tokens_sum 4512331", "tgi-output-tokens", "output-token")]
    [InlineData("tgi_request_input_length_sum 4512331", "tgi-input-tokens", "input-token")]
    [InlineData("tgi_request_success 5", "tgi-requests", "request")]
    [InlineData("llamacpp:tokens_predicted_total 90211", "llamacpp-output-tokens", "output-token")]
    [InlineData("llamacpp:prompt_tokens_total 90211", "llamacpp-input-tokens", "input-token")]
    [InlineData(
        """trtllm_request_success_total{model_name="m",engine_type="trtllm",finished_reason="stop"} 150""",
        "trtllm-requests",
        "request"
    )]
    [InlineData("""request_predict_seconds_count{model_name="m"} 150""", "kserve-requests", "request")]
    [InlineData(
        """ray_serve_num_http_requests_total{route="/chat",method="POST",application="llm",status_code="200"} 5""",
        "ray-serve-http-requests",
        "request"
    )]
    [InlineData(
        """gen_ai_client_token_usage_sum{gen_ai_operation_name="chat",gen_ai_token_type="input",gen_ai_request_model="m"} 5""",
        "genai-input-tokens",
        "input-token"
    )]
    [InlineData(
        """gen_ai_client_token_usage_sum{gen_ai_operation_name="chat",gen_ai_token_type="output",gen_ai_request_model="m"} 5""",
        "genai-output-tokens",
        "output-token"
    )]
    [InlineData("""{"gen_ai.client.token.usage_sum","gen_ai.token.type"="output"} 5""", "genai-output-tokens-dotted", "output-token")]
    [InlineData("""gen_ai_client_operation_duration_seconds_count{gen_ai_operation_name="chat"} 5""", "genai-client-requests", "request")]
    [InlineData("""gen_ai_server_request_duration_seconds_count{gen_ai_operation_name="chat"} 5""", "genai-server-requests", "request")]
    [InlineData("""metrics_http_requests_total{instance="localhost:5080"} 5""", "self-requests", "request")]
    public void A_line_about_work_is_understood(string line, string id, string functionalUnit)
    {
        var mapping = Find(line);
        Assert.NotNull(mapping);
        Assert.Equal("prometheus/" + id, mapping.Id);
        Assert.Equal(functionalUnit, mapping.FunctionalUnit);
        Assert.Equal(Quantity.Work, mapping.Unit.Quantity);
        Assert.Equal(SampleKind.Cumulative, mapping.Kind);
        Assert.Equal(Component.None, mapping.Component);
    }

    [Theory]
    // Histograms, high-water marks and rates that look like counters.
    [InlineData("""vllm:iteration_tokens_total_sum{model_name="m"} 5""")]
    [InlineData("""vllm:iteration_tokens_total_count{model_name="m"} 5""")]
    [InlineData("""vllm:iteration_tokens_total{model_name="m"} 5""")]
    [InlineData("llamacpp:n_tokens_max 4096")]
    [InlineData("llamacpp:predicted_tokens_seconds 51.2")]
    [InlineData("""sglang:gen_throughput{model_name="m"} 3.05""")]
    // Requests that were not answered, or that are counted elsewhere too.
    [InlineData("""vllm:request_success_total{finished_reason="abort",model_name="m"} 5""")]
    [InlineData("""vllm:request_success_total{finished_reason="error",model_name="m"} 5""")]
    [InlineData("""vllm:request_success_total{finished_reason="repetition",model_name="m"} 5""")]
    [InlineData("""vllm:prompt_tokens_by_source_total{source="local_compute",model_name="m"} 5""")]
    [InlineData("""trtllm_request_success_total{model_name="m",finished_reason="cancelled"} 5""")]
    [InlineData("tgi_request_count 5")]
    [InlineData("""nv_inference_exec_count{model="m",version="1"} 5""")]
    [InlineData("""nv_inference_request_failure{model="m",version="1",reason="BACKEND"} 5""")]
    [InlineData("""request_preprocess_seconds_count{model_name="m"} 5""")]
    [InlineData("""ray_serve_num_http_requests_total{route="/chat",application="llm",status_code="500"} 5""")]
    [InlineData("""ray_serve_num_http_requests_total{route="/-/healthz",application="",status_code="200"} 5""")]
    [InlineData("""ray_serve_deployment_request_counter_total{deployment="router",application="llm"} 5""")]
    [InlineData("""gen_ai_client_token_usage_sum{gen_ai_token_type="total"} 5""")]
    [InlineData("""gen_ai_client_token_usage_count{gen_ai_token_type="output"} 5""")]
    [InlineData("""gen_ai_client_token_usage_sum{gen_ai_operation_name="invoke_agent",gen_ai_token_type="output"} 5""")]
    [InlineData("""gen_ai_client_operation_duration_seconds_count{error_type="timeout",gen_ai_operation_name="chat"} 5""")]
    // Prefill and decode apart: each side is asked for what only it knows.
    [InlineData("""vllm:prompt_tokens_total{role="decode",model_name="m"} 5""")]
    [InlineData("""vllm:generation_tokens_total{role="prefill",model_name="m"} 5""")]
    [InlineData("""vllm:request_success_total{role="prefill",finished_reason="length",model_name="m"} 5""")]
    [InlineData("""sglang:prompt_tokens_total{engine_type="decode",model_name="m"} 5""")]
    [InlineData("""sglang:generation_tokens_total{engine_type="prefill",model_name="m"} 5""")]
    [InlineData("""sglang:num_requests_total{engine_type="prefill",model_name="m"} 5""")]
    // The same energy once more, or energy of something that the row does not name.
    [InlineData("""nvidia_smi_power_draw_average_watts{uuid="0a"} 431""")]
    [InlineData("""nvidia_smi_power_draw_instant_watts{uuid="0a"} 431""")]
    [InlineData("""nvidia_smi_power_default_limit_watts{uuid="0a"} 700""")]
    [InlineData("""DCGM_FI_DEV_SYSIO_POWER_UTIL_CURRENT{cpu="0",hostname="grace-a"} 12""")]
    [InlineData("""gpu_energy_consumed{gpu_partition_id="3",hostname="node-b",serial_number="S1"} 0""")]
    [InlineData("""gpu_package_power{gpu_partition_id="1",hostname="node-b",serial_number="S1"} 0""")]
    [InlineData("""hw_energy_joules_total{hw_id="gpu0",pci_bdf="0000:3a:00.0",hw_sensor_location="package"} 5""")]
    [InlineData("""hw_energy_joules_total{hw_id="gpu0",pci_bdf="0000:3a:00.0",hw_sensor_location="card",com_intel_subdevice_id="0"} 5""")]
    [InlineData("""hw_energy_joules_total{hw_id="gpu0",hw_type="gpu",hw_sensor_location="memory"} 5""")]
    [InlineData("""hw_power_watts{hw_id="fan0",hw_type="fan"} 5""")]
    [InlineData("""habanalabs_energy{UUID="01P0"} 5""")]
    [InlineData("""accelerator_power_usage_watts{UUID="01P0"} 412000""")]
    [InlineData("""node_rapl_package_joules_total{index="0",path="/sys/class/powercap/intel-rapl-mmio:0"} 5""")]
    [InlineData("""node_rapl_joules_total{index="0",path="/sys/class/powercap/intel-rapl-mmio:0",rapl_zone="package"} 5""")]
    [InlineData("""node_hwmon_power_average_watt{chip="0000:03:00_0_0000:0a:00_0",sensor="power1"} 120""")]
    [InlineData("""node_hwmon_power_watt{chip="i2c_6_0_0040",sensor="power1"} 120""")]
    [InlineData("""node_hwmon_energy_joule_total{chip="platform_amd_energy_0",sensor="energy1"} 120""")]
    [InlineData("""kepler_node_cpu_active_joules_total{node_name="node-a",zone="package"} 5""")]
    [InlineData("""kepler_node_cpu_idle_joules_total{node_name="node-a",zone="package"} 5""")]
    [InlineData("""kepler_node_cpu_watts{node_name="node-a",zone="package"} 5""")]
    [InlineData("""kepler_pod_cpu_joules_total{pod_id="7f",state="terminated",zone="package"} 5""")]
    [InlineData("""kepler_container_cpu_joules_total{container_id="c1",pod_id="7f",state="running",zone="package"} 5""")]
    [InlineData("""kepler_process_cpu_joules_total{pid="7",state="running",zone="package"} 5""")]
    [InlineData("""kepler_container_joules_total{container_id="c1",mode="dynamic"} 5""")]
    [InlineData("""kepler_node_other_joules_total{instance="node-a",mode="dynamic"} 5""")]
    [InlineData("""kepler_platform_watts{node_name="node-a",power_control_name="CPU Sub-system Power"} 120""")]
    [InlineData("""scaph_host_power_microwatts{value_source="powercap_rapl_pkg"} 187000000""")]
    [InlineData("""ipmi_power_watts{id="1",name="PSU1"} 120""")]
    [InlineData("""idrac_power_control_consumed_watts{id="1",name="Memory Sub-system Power"} 120""")]
    [InlineData("""idrac_power_supply_output_watts{id="0"} 74.5""")]
    [InlineData("""redfish_chassis_power_powersupply_power_output_watts{chassis_id="1",power_supply_id="0"} 350""")]
    [InlineData("""rPDU2PhaseStatusPower{rPDU2PhaseStatusIndex="1"} 106""")]
    [InlineData("""rPDU2DeviceStatusApparentPower{rPDU2DeviceStatusIndex="1"} 330""")]
    [InlineData("""measurementsInletSensorValue{inletId="1",sensorType="5"} 3180""")]
    [InlineData("""measurementsOutletSensorValue{outletId="1",sensorType="5"} 3180""")]
    [InlineData("""hw_power_supply_usage_watts{hw_id="psu0"} 318""")]
    [InlineData("""DCGM_FI_DEV_GPU_UTIL_RATIO{gpu="0",UUID="GPU-0a"} 98""")]
    [InlineData("""DCGM_FI_PROF_PIPE_TENSOR_ACTIVE{gpu="0",UUID="GPU-0a"} 0.5""")]
    public void A_line_that_must_not_count_has_no_mapping(string line) => Assert.Null(Find(line));

    [Theory]
    [InlineData("""DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="GPU-0a"} 98""", "dcgm-utilization", 0.98)]
    [InlineData(
        """DCGM_FI_PROF_GR_ENGINE_ACTIVE{gpu="0",UUID="GPU-0a",GPU_I_ID="1",GPU_I_PROFILE="1g.10gb"} 0.98""",
        "dcgm-engine-active",
        0.98
    )]
    [InlineData("""nvidia_smi_utilization_gpu_ratio{uuid="0a"} 0.98""", "nvidia-smi-utilization", 0.98)]
    [InlineData("""nv_gpu_utilization{gpu_uuid="GPU-0a"} 0.98""", "triton-gpu-utilization", 0.98)]
    [InlineData("""habanalabs_utilization{UUID="01P0-HL2080A0-14"} 98""", "gaudi-utilization", 0.98)]
    public void A_board_tells_how_busy_it_is_on_its_own_scale(string line, string id, double ratio)
    {
        var (series, value) = Line(line);
        var mapping = Shipped.Find(series, At)!;
        Assert.Equal("prometheus/" + id, mapping.Id);
        Assert.Equal(ratio, mapping.Unit.ToCanonical(value));
        Assert.Equal((Component.Accelerator, SampleKind.Gauge, null), (mapping.Component, mapping.Kind, mapping.Power));
    }

    [Theory]
    [InlineData("""DCGM_FI_DEV_POWER_MGMT_LIMIT{gpu="0",UUID="GPU-0a"} 300""", "dcgm-power-limit-managed")]
    [InlineData("""DCGM_FI_DEV_ENFORCED_POWER_LIMIT{gpu="0",UUID="GPU-0a"} 300""", "dcgm-power-limit")]
    [InlineData("""nvidia_smi_enforced_power_limit_watts{uuid="0a"} 300""", "nvidia-smi-power-limit")]
    [InlineData("""nv_gpu_power_limit{gpu_uuid="GPU-0a"} 300""", "triton-gpu-power-limit")]
    public void An_enforced_limit_is_no_power_drawn(string line, string id)
    {
        var mapping = Find(line)!;
        Assert.Equal("prometheus/" + id, mapping.Id);
        Assert.True(mapping.Limit);
    }

    [Fact]
    public void An_energy_of_type_gauge_that_only_grows_is_a_counter()
    {
        Assert.Equal(SampleKind.Cumulative, Find("""gpu_energy_consumed{hostname="node-b",serial_number="S1"} 5""")!.Kind);
        Assert.Equal(SampleKind.Cumulative, Find("""rPDU2DeviceStatusEnergy{rPDU2DeviceStatusIndex="1"} 5""")!.Kind);
        Assert.Equal(SampleKind.Cumulative, Find("""idrac_pdu_energy_kwh{id="1"} 5""")!.Kind);
    }

    [Fact]
    public void DCGM_values_from_the_blank_on_mean_no_value()
    {
        // A double holds 9223372036854775794 ("not supported") as 9223372036854775808.
        var (series, value) = Line("""DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu="0",UUID="GPU-0a"} 9223372036854775794""");
        Assert.True(value >= Shipped.Find(series, At)!.SentinelFrom);
        Assert.False(9.2e18 >= Shipped.Find(series, At)!.SentinelFrom);
        Assert.Equal(140737488355328.0, Find("""DCGM_FI_DEV_POWER_USAGE{gpu="0",UUID="GPU-0a"} 5""")!.SentinelFrom);
    }

    [Fact]
    public void T08_a_counter_of_Kepler_that_wrapped_at_64_bits_is_no_value() =>
        Assert.True(
            9.223372037599701e14
                >= Find("""kepler_node_package_joules_total{instance="node-a",mode="dynamic",source="intel_rapl"} 5""")!.SentinelFrom
        );

    [Fact]
    public void RAPL_declares_no_maximum_so_that_a_wrap_is_a_gap() =>
        Assert.All(Shipped.Mappings.Where(mapping => mapping.Id.StartsWith("prometheus/node-rapl", StringComparison.Ordinal)), mapping =>
            Assert.Null(mapping.WrapsAt)
        );

    [Theory]
    [InlineData("""DCGM_FI_DEV_POWER_USAGE{gpu="0",UUID="GPU-0a",GPU_I_ID="1",GPU_I_PROFILE="1g.10gb",Hostname="node-a"} 5""")]
    [InlineData("""nvidia_smi_energy_joules_total{uuid="0a"} 5""")]
    [InlineData("""nv_energy_consumption{gpu_uuid="GPU-0a"} 5""")]
    [InlineData("""kepler_node_gpu_joules_total{gpu="0",gpu_uuid="GPU-0a"} 9""")]
    public void A_board_is_one_part_however_many_rows_name_it(string line)
    {
        var resource = Find(line)!.Resource;
        Assert.Equal("gpu", resource.Kind);
        Assert.Empty(resource.Part);
    }

    [Theory]
    [InlineData(
        """DCGM_FI_DEV_POWER_USAGE{UUID="GPU-0a",Hostname="node-a",modelName="NVIDIA H100 80GB HBM3"} 5""",
        "GPU-0a",
        "node-a",
        "",
        "NVIDIA H100 80GB HBM3"
    )]
    [InlineData("""DCGM_FI_DEV_POWER_USAGE{UUID="GPU-0a",hostname="node-a",instance="10.0.0.1:9400"} 5""", "GPU-0a", "node-a", "", "")]
    [InlineData("""dcgm_power_usage{uuid="GPU-0a",instance="node-a:9400"} 5""", "GPU-0a", "node-a:9400", "", "")]
    [InlineData("""nv_energy_consumption{gpu_uuid="GPU-0a",node="node-a"} 5""", "GPU-0a", "node-a", "", "")]
    [InlineData(
        """gpu_package_power{card_model="102-G30211-00",hostname="node-b",serial_number="S1"} 612""",
        "S1",
        "node-b",
        "",
        "102-G30211-00"
    )]
    [InlineData("""gpu_package_power{gpu_id="3",hostname="node-b"} 612""", "", "node-b", "3", "")]
    [InlineData(
        """hw_energy_joules_total{hw_id="gpu0",pci_bdf="0000:3a:00.0",hw_sensor_location="card",instance="node-c:8080"} 5""",
        "",
        "node-c:8080",
        "0000:3a:00.0",
        ""
    )]
    [InlineData(
        """node_rapl_package_joules_total{index="1",path="/sys/class/powercap/intel-rapl:1",instance="node-a:9100"} 5""",
        "node-a:9100",
        "node-a:9100",
        "1",
        ""
    )]
    [InlineData(
        """node_rapl_joules_total{index="1",rapl_zone="package",instance="node-a:9100"} 5""",
        "node-a:9100",
        "node-a:9100",
        "1",
        ""
    )]
    [InlineData(
        """kepler_node_cpu_joules_total{node_name="node-a",path="/sys/class/powercap/intel-rapl:0",zone="package",instance="10.0.0."""
            + """1:28282"} 5""",
        "node-a",
        "node-a",
        "",
        ""
    )]
    [InlineData(
        """kepler_node_package_joules_total{package="0",instance="node-a",mode="idle",source="intel_rapl"} 5""",
        "node-a",
        "node-a",
        "0|idle",
        ""
    )]
    [InlineData("""idrac_power_supply_input_watts{id="2",instance="node-a"} 5""", "node-a", "node-a", "2", "")]
    [InlineData("""rPDU2DeviceStatusPower{rPDU2DeviceStatusIndex="2",instance="pdu-3"} 5""", "pdu-3", "", "2", "")]
    [InlineData(
        """st4OutletActivePower{st4UnitIndex="1",st4InputCordIndex="2",st4OutletIndex="7",instance="pdu-3"} 5""",
        "pdu-3",
        "",
        "1|2|7",
        ""
    )]
    [InlineData("""hw_energy_joules_total{hw_id="gpu1",hw_type="gpu",host_name="node-a"} 5""", "", "node-a", "gpu1", "")]
    [InlineData("""hw_energy_joules_total{hw_id="dimm1",hw_type="memory",host_name="node-a"} 5""", "node-a", "node-a", "dimm1", "")]
    [InlineData(
        """kepler_pod_gpu_joules_total{node_name="node-a",pod_id="7f",pod_name="llm-0",state="running"} 5""",
        "7f",
        "node-a",
        "",
        ""
    )]
    [InlineData(
        """metrics_process_cpu_utilization_ratio{instance="localhost:5080",cpus="4"} 0.25""",
        "localhost:5080",
        "localhost:5080",
        "",
        ""
    )]
    public void The_labels_of_a_line_name_its_resource(string line, string id, string node, string part, string hardware)
    {
        var labels = Line(line).Series.Labels;
        var resource = Find(line)!.Resource;
        Assert.Equal(id, First(resource.Id));
        Assert.Equal(node, First(resource.Node));
        Assert.Equal(part, string.Join('|', resource.Part.Select(label => labels[label]).Where(value => value is not null)));
        Assert.Equal(hardware, First(resource.Hardware));

        string First(IReadOnlyList<string> names) => names.Select(name => labels[name]).FirstOrDefault(value => value is not null) ?? "";
    }

    [Theory]
    [InlineData("""kepler_pod_cpu_joules_total{pod_id="7f",state="running",zone="package"} 9""", "pod")]
    [InlineData("""kepler_container_package_joules_total{container_id="c1",mode="dynamic",source="intel_rapl"} 9""", "container")]
    [InlineData("""kepler_vm_cpu_joules_total{vm_id="v1",state="running",zone="package"} 9""", "vm")]
    [InlineData("""scaph_process_power_consumption_microwatts{exe="vllm",pid="77"} 2500000""", "process")]
    public void What_a_pod_container_vm_or_process_draws_is_a_share_of_its_node(string line, string kind)
    {
        var mapping = Find(line)!;
        Assert.True(mapping.Share);
        Assert.Equal(kind, mapping.Resource.Kind);
    }

    [Fact]
    public void Only_pods_containers_vms_and_processes_are_shares() =>
        Assert.All(Shipped.Mappings.Where(mapping => mapping.Kind != SampleKind.Info), mapping =>
            Assert.Equal(mapping.Resource.Kind is "pod" or "container" or "vm" or "process", mapping.Share)
        );

    [Fact]
    public void The_model_of_Kepler_is_no_measurement()
    {
        Assert.Equal(Evidence.Measured, Find("""kepler_node_dram_joules_total{mode="dynamic",source="intel_rapl"} 9""")!.Evidence);
        Assert.Equal(Evidence.Modelled, Find("""kepler_node_dram_joules_total{mode="dynamic",source="trained_power_model"} 9""")!.Evidence);
    }

    [Fact]
    public void A_process_pays_the_dynamic_part_of_its_vCPUs()
    {
        var power = Find("""metrics_process_cpu_utilization_ratio{instance="localhost:5080",cpus="4"} 0.25""")!.Power!;
        Assert.Equal(0, power.IdleWatts);
        Assert.Equal(3.5, power.MaxWatts);
        Assert.Equal("cpus", power.UnitsLabel);
        Assert.Equal(Evidence.Modelled, Find("""metrics_process_cpu_utilization_ratio{cpus="4"} 0.25""")!.Evidence);
    }

    [Fact]
    public void Recordings_from_2020_on_are_understood()
    {
        var line = Line("""DCGM_FI_DEV_POWER_USAGE{UUID="GPU-0a"} 5""").Series;
        Assert.NotNull(Shipped.Find(line, new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc)));
        Assert.Null(Shipped.Find(line, new DateTime(2019, 12, 31, 23, 59, 59, DateTimeKind.Utc)));
        Assert.All(Shipped.Mappings, mapping => Assert.Equal(new DateOnly(2020, 1, 1), mapping.EffectiveFrom));
    }

    [Fact]
    public void A_span_between_samples_is_five_minutes_for_levels_and_an_hour_for_counters() =>
        Assert.All(Shipped.Mappings, mapping => Assert.Equal(mapping.Kind == SampleKind.Gauge ? 5 : 60, mapping.MaxSpan.TotalMinutes));

    [Fact]
    public void Every_reference_can_be_opened_or_looked_up() =>
        Assert.All(Shipped.Mappings, mapping =>
            Assert.True(
                mapping.Reference.StartsWith("https://", StringComparison.Ordinal)
                    || mapping.Id.StartsWith("prometheus/self-", StringComparison.Ordinal),
                mapping.Id
            )
        );

    [Fact]
    public void A_metric_is_spelled_once_under_the_same_conditions() =>
        Assert.All(
            Shipped
                .Mappings.SelectMany(mapping => mapping.Metrics, (mapping, metric) => (mapping, metric))
                .GroupBy(pair =>
                    (
                        pair.mapping.Provider,
                        pair.metric,
                        string.Join(
                            ';',
                            pair.mapping.When.OrderBy(condition => condition.Label, StringComparer.Ordinal)
                                .Select(condition => condition.Label + "=" + string.Join('|', condition.Globs))
                        )
                    )
                ),
            group => Assert.Single(group)
        );

    [Fact]
    public void The_page_lists_every_name_that_is_left_out_and_none_that_is_mapped()
    {
        var page = File.ReadAllText(Path.Combine(Root(), "docs", "catalogue.md"));
        var leftOut = page[page.IndexOf("## Left out, and why", StringComparison.Ordinal)..];
        string[] names =
        [
            "vllm:iteration_tokens_total",
            "vllm:prompt_tokens_by_source_total",
            "llamacpp:n_tokens_max",
            "tgi_request_count",
            "nv_inference_exec_count",
            "ray_serve_deployment_request_counter_total",
            "sglang:gen_throughput",
            "habanalabs_energy",
            "accelerator_power_usage_watts",
            "ipmi_power_watts",
            "measurementsInletSensorValue",
            "measurementsOutletSensorValue",
            "rPDU2PhaseStatusPower",
            "hw_power_supply_usage_watts",
            "kepler_container_joules_total",
            "DCGM_FI_DEV_SYSIO_POWER_UTIL_CURRENT",
            "DCGM_FI_DEV_GPU_UTIL_RATIO",
            "nvidia_smi_power_draw_average_watts",
        ];
        Assert.All(names, name => Assert.Contains($"`{name}`", leftOut, StringComparison.Ordinal));
        Assert.Empty(names.Intersect(Shipped.MetricsOf("prometheus")));
    }

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Metrics.sln")))
            folder = Path.GetDirectoryName(folder)!;
        return folder;
    }

    [GeneratedRegex("""^(?:(?<metric>[A-Za-z_:][\w:]*)?(?:\{(?:"(?<quoted>[^"]+)",)?(?<labels>.*)\})?) (?<value>\S+)$""")]
    private static partial Regex Exposition();

    [GeneratedRegex("""("[^"]+"|\w+)="([^"]*)"(?:,|$)""")]
    private static partial Regex Label();
}
