using System.Runtime.CompilerServices;
using CsCheck;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Xunit;

namespace Metrics.Domain.Tests;

/// <summary>What is one machine and what is two, with the catalogue that is shipped. An hour from ten on, a sample every five
/// minutes.</summary>
public sealed class IdentityTests
{
    private const string Store = "store";

    private static readonly MetricCatalogue Shipped = Load();

    private readonly List<Observation> observations = [];
    private readonly List<Workload> workloads = [];
    private readonly Dictionary<string, Place> places = new()
    {
        [Store] = new Place("onprem/hall", "DE", 1),
        ["other"] = new("onprem/hall", "DE", 1),
    };

    [Fact]
    public void Boards_that_only_an_index_tells_apart_are_boards()
    {
        for (var board = 0; board < 4; board++)
            Level("gpu_power_usage", 300 + board, ("device_id", $"{board}"), ("instance", "ix1:8080"));

        var period = Normalise();

        // 300 + 301 + 302 + 303 W for an hour.
        Assert.Equal(1206 * 3600.0, Accelerators(period), 3);
        Assert.Equal(["ix1/0", "ix1/1", "ix1/2", "ix1/3"], Names(period));
        Assert.Empty(period.Rejections);
    }

    [Fact]
    public void Boards_at_one_level_are_boards_too()
    {
        Level("gpu_power_usage", 60, ("card", "0"), ("instance", "ix1:8080"));
        Level("gpu_power_usage", 60, ("card", "1"), ("instance", "ix1:8080"));

        Assert.Equal(120 * 3600.0, Accelerators(Normalise()), 3);
    }

    [Fact]
    public void One_board_with_an_index_keeps_its_name()
    {
        Level("gpu_power_usage", 300, ("device_id", "0"), ("instance", "ix1:8080"));

        Assert.Equal(["ix1/"], Names(Normalise()));
    }

    [Fact]
    public void The_sum_of_the_boards_beside_them_is_not_added()
    {
        Level("gpu_power_usage", 300, ("device_id", "0"), ("instance", "ix1:8080"));
        Level("gpu_power_usage", 301, ("device_id", "1"), ("instance", "ix1:8080"));
        Level("gpu_power_usage", 601, ("instance", "ix1:8080"));
        Level("gpu_power_usage", 601, ("device_id", "total"), ("instance", "ix1:8080"));

        var period = Normalise();

        Assert.Equal(601 * 3600.0, Accelerators(period), 3);
        Assert.Equal(2, period.Rejections.Count(one => one.Reason == RejectionReason.AmbiguousIdentity));
        Assert.All(period.Rejections, one => Assert.Contains("'device_id'", one.Detail, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("N/A")]
    [InlineData("unknown")]
    [InlineData("00000000-0000-0000-0000-000000000000")]
    public void A_number_that_is_none_names_no_board(string serial)
    {
        for (var board = 0; board < 8; board++)
            Level("gpu_package_power", 500 + board, ("gpu_id", $"{board}"), ("hostname", "guest"), ("serial_number", serial));

        var period = Normalise();

        Assert.Equal(4028 * 3600.0, Accelerators(period), 3);
        Assert.Equal(8, Names(period).Count);
    }

    [Fact]
    public void Equal_values_are_one_thing_told_often()
    {
        Level("DCGM_FI_DEV_POWER_USAGE", 300, ("UUID", "GPU-1"), ("Hostname", "a"), ("pod", "llm-0"));
        Level("DCGM_FI_DEV_POWER_USAGE", 300, ("UUID", "GPU-1"), ("Hostname", "a"), ("pod", "llm-1"));
        Level("DCGM_FI_DEV_POWER_USAGE", 304, ("UUID", "GPU-1"), ("Hostname", "a"), ("job", "other-scraper"));

        var period = Normalise();

        // 304 W by another scraper is what a meter of 300 W may show: one of both is taken.
        Assert.InRange(Accelerators(period), 300 * 3600.0, 304 * 3600.0);
        Assert.Empty(period.Rejections);
    }

    [Fact]
    public void What_contradicts_itself_is_not_taken_and_says_by_which_labels()
    {
        Level("DCGM_FI_DEV_POWER_USAGE", 300, ("UUID", "GPU-1"), ("Hostname", "a"), ("rail", "12v"));
        Level("DCGM_FI_DEV_POWER_USAGE", 90, ("UUID", "GPU-1"), ("Hostname", "a"), ("rail", "3v3"));
        Level("DCGM_FI_DEV_POWER_USAGE", 250, ("UUID", "GPU-2"), ("Hostname", "a"));

        var period = Normalise();

        Assert.Equal(250 * 3600.0, Accelerators(period), 3);
        Assert.Equal(2, period.Rejections.Count);
        Assert.All(period.Rejections, one => Assert.Equal(RejectionReason.AmbiguousIdentity, one.Reason));
        Assert.All(period.Rejections, one => Assert.Contains("(rail)", one.Detail, StringComparison.Ordinal));
        Assert.Contains("90 and 300 W", period.Rejections[0].Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void A_contradiction_is_judged_period_by_period()
    {
        Level("DCGM_FI_DEV_POWER_USAGE", 300, ("UUID", "GPU-1"), ("Hostname", "a"), ("rail", "12v"));
        Add("prometheus", "DCGM_FI_DEV_POWER_USAGE", [("UUID", "GPU-1"), ("Hostname", "a"), ("rail", "3v3")], (30, 90));

        // What the instant 10:30 has a part in is ten minutes.
        Assert.Equal(300 * 3000.0, Accelerators(Normalise()), 3);
    }

    [Fact]
    public void A_counter_that_falls_once_contradicts_nobody()
    {
        Package(120, ("instance", "a:9100"));
        var twin = ((string, string)[])[("index", "0"), ("instance", "a:9100"), ("prometheus_replica", "b")];
        Add("prometheus", "node_rapl_package_joules_total", twin, [(25, 217000), (30, 0), (35, 289000)]);
        Rise("node_rapl_package_joules_total", 120, [("index", "1"), ("instance", "a:9100")]);

        var period = Normalise();

        Assert.DoesNotContain(period.Rejections, one => one.Reason == RejectionReason.AmbiguousIdentity);
        Assert.NotEmpty(period.Energy);
    }

    [Theory]
    [InlineData("sensor", "input", "output")]
    [InlineData("slot", "1", "2")]
    public void Whole_machines_are_never_added_for_a_label(string label, string one, string other)
    {
        Level("ipmi_dcmi_power_consumption_watts", 400, ("instance", "a"), (label, one));
        Level("ipmi_dcmi_power_consumption_watts", 700, ("instance", "a"), (label, other));

        var period = Normalise();

        Assert.All(period.Energy, fact => Assert.Null(fact.ServerJoules));
        Assert.Equal(2, period.Rejections.Count(rejection => rejection.Reason == RejectionReason.AmbiguousIdentity));
    }

    [Fact]
    public void Who_speaks_for_others_is_not_the_machine()
    {
        // No mapping knows what this exporter's label for others is; the values say that there are two.
        Rise("node_rapl_package_joules_total", 100, [("index", "0"), ("node", "head"), ("exported_host", "blade-1")]);
        Rise("node_rapl_package_joules_total", 160, [("index", "0"), ("node", "head"), ("exported_host", "blade-2")]);
        // One that the catalogue knows is not the machine in which it runs.
        Level("redfish_chassis_power_average_consumed_watts", 500, ("instance", "redfish:9610"), ("node", "head"), ("target", "Blade-3"));

        var period = Normalise();

        Assert.Equal(["blade-1", "blade-2", "blade-3"], Names(period));
        Assert.Equal(760 * 3600.0, period.Energy.Sum(fact => fact[Measures.Server] ?? 0), 3);
    }

    [Fact]
    public void Sockets_add_up_where_the_mapping_does_not_know_their_label()
    {
        Level("scaph_socket_power_microwatts", 100e6, ("node", "a"), ("socket", "0"));
        Level("scaph_socket_power_microwatts", 60e6, ("node", "a"), ("socket", "1"));

        Assert.Equal(160 * 3600.0, Normalise().Energy.Sum(fact => fact[Measures.Server] ?? 0), 3);
    }

    [Fact]
    public void One_name_in_two_clusters_is_two_machines()
    {
        foreach (var (cluster, watts) in (ReadOnlySpan<(string, double)>)[("a", 100), ("b", 160)])
        {
            Rise("node_rapl_package_joules_total", watts, [("index", "0"), ("instance", "worker-1:9100"), ("cluster", cluster)]);
            Level("DCGM_FI_DEV_POWER_USAGE", 2 * watts, ("UUID", $"GPU-{cluster}"), ("Hostname", "worker-1"), ("cluster", cluster));
        }

        var period = Normalise();

        Assert.Equal(780 * 3600.0, period.Energy.Sum(fact => fact[Measures.Server] ?? 0), 3);
        Assert.Equal(
            [("a", 100.0), ("b", 160.0)],
            period
                .Energy.Where(fact => fact.Resource.Kind == "node")
                .GroupBy(fact => fact.Resource.Scope)
                .Select(machine => (machine.Key, Math.Round(machine.Sum(fact => fact[Measures.Server] ?? 0) / 3600)))
                .Order()
        );
    }

    [Fact]
    public void A_row_without_a_cluster_meets_the_only_one_that_has_the_name()
    {
        Rise("node_rapl_package_joules_total", 100, [("index", "0"), ("instance", "worker-1:9100"), ("cluster", "a")]);
        Level("DCGM_FI_DEV_POWER_USAGE", 300, ("UUID", "GPU-1"), ("Hostname", "worker-1"));
        Level("DCGM_FI_DEV_POWER_USAGE", 50, ("UUID", "GPU-2"), ("Hostname", "worker-2"));

        var period = Normalise();

        Assert.Equal(400 * 3600.0, period.Energy.Sum(fact => fact[Measures.Server] ?? 0), 3);
    }

    [Fact]
    public void Two_accounts_with_one_endpoint_are_two_machines_and_two_deployments()
    {
        places[Store] = new Place("aws/us-west-2", null, 1);
        workloads.Add(Of("a", "AccountId", "1*"));
        workloads.Add(Of("b", "AccountId", "2*"));
        Endpoint("111", "GPUUtilization", 20);
        Endpoint("222", "GPUUtilization", 80);

        var period = Normalise();

        // An A10G draws 18 W at rest and 153 W at full load: 18 + 0.2 x 135 and 18 + 0.8 x 135 W.
        Assert.Equal(45 * 3600.0, Accelerators(period, "a"), 0);
        Assert.Equal(126 * 3600.0, Accelerators(period, "b"), 0);
        Assert.Equal(["111", "222"], period.Energy.Select(fact => fact.Deployment.Account).Distinct().Order());
    }

    [Fact]
    public void Two_metrics_of_one_endpoint_are_one_machine()
    {
        places[Store] = new Place("aws/us-west-2", null, 1);
        workloads.Add(Of("a", "EndpointName", "*"));
        Endpoint("111", "GPUUtilization", 60);
        Endpoint("111", "CPUUtilization", 50);

        Assert.Equal(99 * 3600.0, Accelerators(Normalise(), "a"), 0);
    }

    [Fact]
    public void Machines_of_one_name_in_two_resource_groups_are_two()
    {
        places[Store] = new Place("azure/westeurope", null, 1);
        workloads.Add(Of("stage", "resourceid", "*/stage/*"));
        workloads.Add(Of("prod", "resourceid", "*/prod/*"));
        foreach (var (group, busy) in (ReadOnlySpan<(string, double)>)[("stage", 20), ("prod", 80)])
            Spans(
                "azure-monitor",
                "Microsoft.Compute/virtualMachineScaleSets/Percentage CPU",
                busy,
                ("resourceid", $"/subscriptions/S/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachineScaleSets/web"),
                ("vmname", "web_0"),
                ("vmsize", "Standard_D2_v4")
            );

        var period = Normalise();

        var stage = period.Energy.Where(fact => fact.Deployment.Workload.Name == "stage").Sum(fact => fact[Measures.Server] ?? 0);
        var prod = period.Energy.Where(fact => fact.Deployment.Workload.Name == "prod").Sum(fact => fact[Measures.Server] ?? 0);
        Assert.InRange(stage, 9_000, 23_000);
        Assert.InRange(prod, 23_000, 40_000);
        Assert.Equal(["prod/s", "stage/s"], period.Energy.Select(fact => fact.Resource.Scope).Distinct().Order(StringComparer.Ordinal));
        Assert.All(period.Energy, fact => Assert.Equal("s", fact.Deployment.Account));
    }

    [Fact]
    public void A_workload_of_which_only_the_energy_names_an_account_is_one_deployment()
    {
        places[Store] = new Place("aws/us-west-2", null, 1);
        workloads.Add(new Workload("a", null, null, [new WorkloadRule(Store, new Dictionary<string, string>())]));
        Endpoint("111", "GPUUtilization", 60);
        Count("vllm:generation_tokens_total", 100, ("pod", "llm-0"));

        var period = Normalise();

        Assert.Equal(
            Assert.Single(period.Energy.Select(fact => fact.Deployment.Id).Distinct()),
            Assert.Single(period.Work.Select(fact => fact.Deployment.Id).Distinct())
        );
    }

    [Fact]
    public void Where_the_hostname_is_the_exporters_pod_the_node_is_the_machine()
    {
        workloads.Add(Of("llm", "pod", "llm-*"));
        Level(
            "DCGM_FI_DEV_POWER_USAGE",
            60,
            ("UUID", "GPU-1"),
            ("Hostname", "dcgm-exporter-cwbcm"),
            ("pod", "dcgm-exporter-cwbcm"),
            ("exported_pod", "llm-0"),
            ("node", "worker-1"),
            ("instance", "10.244.1.9:9400")
        );
        Package(120, ("instance", "10.1.0.11:9100"), ("node", "worker-1"));
        Count("vllm:generation_tokens_total", 100, ("pod", "llm-0"), ("instance", "10.244.1.12:8000"));

        var period = Normalise();

        Assert.Equal(180 * 3600.0, Server(period, "llm"), 3);
        Assert.Equal(60 * 3600.0, Accelerators(period, "llm"), 3);
        Assert.Equal(360_000, period.Work.Where(fact => fact.Deployment.Workload.Name == "llm").Sum(fact => fact.Units), 3);
    }

    [Theory]
    [InlineData("dcgm-exporter-cwbcm", true)]
    [InlineData("gpu-operator-abcde", false)]
    [InlineData("rack1-node1", false)]
    public void A_name_that_Kubernetes_made_up_gives_way_to_a_node(string hostname, bool madeUp)
    {
        Level("DCGM_FI_DEV_POWER_USAGE", 60, ("UUID", "GPU-1"), ("Hostname", hostname), ("node", "worker-1"));

        Assert.Equal(madeUp ? "worker-1" : hostname, Normalise().Energy[0].Resource.Node);
    }

    [Fact]
    public void The_exporters_own_pod_is_nobody()
    {
        workloads.Add(Of("monitoring", "pod", "dcgm-*"));
        Level(
            "DCGM_FI_DEV_POWER_USAGE",
            60,
            ("UUID", "GPU-1"),
            ("Hostname", "a"),
            ("pod", "dcgm-x"),
            ("exported_pod", "llm-0"),
            ("instance", "10.0.0.9:9400")
        );
        // A board that nobody holds: its row has the exporter's pod alone.
        Level("DCGM_FI_DEV_POWER_USAGE", 40, ("UUID", "GPU-2"), ("Hostname", "a"), ("pod", "dcgm-x"), ("instance", "10.0.0.9:9400"));

        Assert.Equal(100 * 3600.0, Accelerators(Normalise(), "unattributed"), 3);
    }

    [Fact]
    public void A_pod_that_an_exporter_names_itself_is_the_holder()
    {
        workloads.Add(Of("llm", "pod", "llm-*"));
        Level("DCGM_FI_DEV_POWER_USAGE", 60, ("UUID", "GPU-1"), ("Hostname", "a"), ("pod", "llm-0"), ("instance", "10.0.0.9:9400"));

        Assert.Equal(60 * 3600.0, Accelerators(Normalise(), "llm"), 3);
    }

    [Fact]
    public void Addresses_nodes_and_pods_meet_by_what_the_store_says_of_them()
    {
        workloads.Add(Of("llm", "pod", "llm-*"));
        Cluster();

        var period = Normalise();

        Assert.Equal(180 * 3600.0, Server(period, "llm"), 3);
        Assert.Equal(["worker-7"], period.Energy.Where(fact => fact.Resource.Kind == "node").Select(fact => fact.Resource.Name).Distinct());
        Assert.Empty(period.Rejections);
        Assert.Equal(["output-token"], period.Work.Select(fact => fact.FunctionalUnit).Distinct());
    }

    [Fact]
    public void Without_that_they_do_not()
    {
        workloads.Add(Of("llm", "pod", "llm-*"));
        Cluster(joins: false);

        Assert.Equal(0, Server(Normalise(), "llm"), 3);
    }

    [Fact]
    public void What_another_store_says_is_no_join()
    {
        Package(120, ("instance", "10.1.0.17:9100"));
        Add("prometheus", "node_uname_info", [("instance", "10.1.0.17:9100"), ("nodename", "worker-7")], Steady(1), "other");

        Assert.Equal(["10.1.0.17"], Names(Normalise()));
    }

    [Fact]
    public void An_address_that_two_machines_have_is_neithers()
    {
        Package(120, ("instance", "10.1.0.17:9100"));
        Level("kube_node_info", 1, ("node", "worker-7"), ("internal_ip", "10.1.0.17"));
        Level("kube_node_info", 1, ("node", "worker-8"), ("internal_ip", "10.1.0.17"));

        Assert.Equal(["10.1.0.17"], Names(Normalise()));
    }

    [Fact]
    public void Machines_of_one_image_that_all_call_themselves_alike_do_not_meet()
    {
        Package(100, ("instance", "10.1.0.1:9100"));
        Package(160, ("instance", "10.1.0.2:9100"));
        Level("node_uname_info", 1, ("instance", "10.1.0.1:9100"), ("nodename", "ubuntu"));
        Level("node_uname_info", 1, ("instance", "10.1.0.2:9100"), ("nodename", "ubuntu"));

        var period = Normalise();

        Assert.Equal(["10.1.0.1", "10.1.0.2"], Names(period));
        Assert.Equal(260 * 3600.0, period.Energy.Sum(fact => fact[Measures.Server] ?? 0), 3);
    }

    [Fact]
    public void Two_machines_behind_one_address_are_told_by_their_ports()
    {
        Package(100, ("instance", "10.1.0.1:9100"));
        Package(160, ("instance", "10.1.0.1:9101"));
        Level("node_uname_info", 1, ("instance", "10.1.0.1:9100"), ("nodename", "kind-a"));
        Level("node_uname_info", 1, ("instance", "10.1.0.1:9101"), ("nodename", "kind-b"));

        var period = Normalise();

        Assert.Equal(["kind-a", "kind-b"], Names(period));
        Assert.Equal(260 * 3600.0, period.Energy.Sum(fact => fact[Measures.Server] ?? 0), 3);
    }

    [Fact]
    public void An_engine_without_a_pod_label_is_the_pod_that_has_its_address()
    {
        workloads.Add(Of("llm", "pod", "llm-*"));
        Level("kube_pod_info", 1, ("pod", "llm-0"), ("namespace", "inf"), ("pod_ip", "10.244.7.12"), ("node", "worker-7"));
        Count("vllm:generation_tokens_total", 100, ("instance", "10.244.7.12:8000"));

        Assert.Equal(["llm"], Normalise().Work.Select(fact => fact.Deployment.Workload.Name).Distinct());
    }

    [Fact]
    public void A_rule_may_name_a_label_of_the_pod()
    {
        workloads.Add(Of("llm", "label_app", "chat"));
        Level("kube_pod_labels", 1, ("pod", "llm-0"), ("namespace", "inf"), ("label_app", "chat"));
        Level("kube_pod_labels", 1, ("pod", "llm-0"), ("namespace", "test"), ("label_app", "mail"));
        Count("vllm:generation_tokens_total", 100, ("pod", "llm-0"), ("namespace", "inf"));
        Count("vllm:generation_tokens_total", 50, ("pod", "llm-0"), ("namespace", "test"));

        Assert.Equal(360_000, Normalise().Work.Where(fact => fact.Deployment.Workload.Name == "llm").Sum(fact => fact.Units), 3);
    }

    [Fact]
    public void A_short_name_meets_the_only_full_one()
    {
        Package(120, ("instance", "worker-7.dc1.example.com:9100"));
        Level("DCGM_FI_DEV_POWER_USAGE", 60, ("UUID", "GPU-1"), ("Hostname", "worker-7"));

        Assert.Equal(180 * 3600.0, Normalise().Energy.Sum(fact => fact[Measures.Server] ?? 0), 3);
    }

    [Fact]
    public void Two_machines_of_one_short_name_do_not_meet()
    {
        Package(120, ("instance", "worker-7.dc1.example.com:9100"));
        Package(100, ("instance", "worker-7.dc2.example.com:9100"));
        Level("DCGM_FI_DEV_POWER_USAGE", 60, ("UUID", "GPU-1"), ("Hostname", "worker-7"));

        var period = Normalise();

        Assert.Equal(220 * 3600.0, period.Energy.Sum(fact => fact[Measures.Server] ?? 0), 3);
        Assert.Equal("worker-7", period.Energy.First(fact => fact.Resource.Kind == "gpu").Resource.Node);
    }

    [Fact]
    public void Two_names_that_one_meter_tells_are_two_machines()
    {
        Package(120, ("instance", "worker-7.dc1.example.com:9100"));
        Package(100, ("instance", "worker-7:9100"));

        Assert.Equal(["worker-7", "worker-7.dc1.example.com"], Names(Normalise()));
    }

    [Fact]
    public void Information_is_no_energy_no_work_and_no_fault()
    {
        Level("kube_node_info", 1, ("node", "worker-7"), ("internal_ip", "10.1.0.17"));

        var period = Normalise();

        Assert.Empty(period.Energy);
        Assert.Empty(period.Work);
        Assert.Empty(period.Rejections);
    }

    [Fact]
    public void Ids_are_those_of_before_where_no_scope_is_told()
    {
        var hall = new Place("onprem/hall", "DE", 1);

        Assert.Equal(Identity.Of("resource", "onprem/hall", "node", "a"), new Resource("node", "a", null, null, hall).Id);
        Assert.NotEqual(new Resource("node", "a", null, null, hall).Id, new Resource("node", "a", null, null, hall, null, "c").Id);
        Assert.Equal(Identity.Of("deployment", "w", "onprem/hall"), new Deployment(new Workload("w", null, null, []), hall).Id);
        Assert.NotEqual(
            new Deployment(new Workload("w", null, null, []), hall).Id,
            new Deployment(new Workload("w", null, null, []), hall, "1").Id
        );
    }

    [Fact]
    public void The_order_of_series_and_equal_duplicates_change_nothing()
    {
        workloads.Add(Of("llm", "pod", "llm-*"));
        Cluster();
        Package(120, ("instance", "worker-8.dc1:9100"), ("cluster", "a"));
        Package(90, ("instance", "worker-8.dc1:9100"), ("cluster", "b"));
        Level("DCGM_FI_DEV_POWER_USAGE", 60, ("UUID", "GPU-8"), ("Hostname", "worker-8"), ("cluster", "b"));
        Level("gpu_power_usage", 300, ("device_id", "0"), ("instance", "ix1:8080"));
        Level("gpu_power_usage", 301, ("device_id", "1"), ("instance", "ix1:8080"));
        Level("DCGM_FI_DEV_POWER_USAGE", 300, ("UUID", "GPU-9"), ("Hostname", "z"), ("rail", "12v"));
        Level("DCGM_FI_DEV_POWER_USAGE", 90, ("UUID", "GPU-9"), ("Hostname", "z"), ("rail", "3v3"));
        var expected = Shown(Normalise());
        var series = SeriesSamples.Group(observations).ToArray();

        Gen.Shuffle(series).Sample(shuffled => Shown(Normaliser().Normalise(Hour, shuffled)) == expected, iter: 50);

        // Each meter once more, as a second scraper tells it: the facts are the same, and so is what is refused of what.
        Gen.Int[0, series.Length - 1]
            .Sample(
                index =>
                {
                    var twin = series[index].Series;
                    if (twin.Metric.StartsWith("vllm", StringComparison.Ordinal) || twin.Labels["rail"] is not null)
                        return true;
                    var again = new Series(
                        twin.Source,
                        twin.Provider,
                        twin.Metric,
                        Labels.Of(twin.Labels.Pairs.Append(KeyValuePair.Create("prometheus_replica", "b")))
                    );
                    return Shown(Normaliser().Normalise(Hour, [.. series, new SeriesSamples(again, series[index].Samples)])) == expected;
                },
                iter: 50
            );
    }

    private static Interval Hour => new(Scene.Ten, Scene.Ten.AddHours(1));

    private static string Shown(NormalisedPeriod period) =>
        string.Join(
            '\n',
            period
                .Energy.Select(fact =>
                    $"{fact.Deployment.Id} {fact.Resource.Id} {fact.Period} {fact[Measures.Accelerator]:R} {fact[Measures.Server]:R}"
                )
                .Concat(period.Work.Select(fact => $"{fact.Deployment.Id} {fact.FunctionalUnit} {fact.Period} {fact.Units:R}"))
                .Concat(period.Rejections.Select(one => $"{one.Subject} {one.Reason} {one.Detail}"))
        );

    private static double Accelerators(NormalisedPeriod period, string? workload = null) =>
        period
            .Energy.Where(fact => workload is null || fact.Deployment.Workload.Name == workload)
            .Sum(fact => fact[Measures.Accelerator] ?? 0);

    private static double Server(NormalisedPeriod period, string workload) =>
        period.Energy.Where(fact => fact.Deployment.Workload.Name == workload).Sum(fact => fact[Measures.Server] ?? 0);

    private static List<string> Names(NormalisedPeriod period) =>
        [.. period.Energy.Select(fact => fact.Resource.Name).Distinct().Order(StringComparer.Ordinal)];

    private static Workload Of(string name, string label, string glob) =>
        new(name, null, null, [new WorkloadRule(Store, new Dictionary<string, string> { [label] = glob })]);

    /// <summary>A cluster as the usual charts install it: the board by the node's name, the package by its address, the engine by the pod's
    /// address.</summary>
    private void Cluster(bool joins = true)
    {
        Level(
            "DCGM_FI_DEV_POWER_USAGE",
            60,
            ("UUID", "GPU-1"),
            ("Hostname", "worker-7"),
            ("pod", "dcgm-exporter-x2x2x"),
            ("namespace", "gpu-operator"),
            ("exported_pod", "llm-0"),
            ("exported_namespace", "inf"),
            ("instance", "10.244.7.9:9400")
        );
        Package(120, ("instance", "10.1.0.17:9100"), ("pod", "node-exporter-q"), ("namespace", "monitoring"));
        Count("vllm:generation_tokens_total", 100, ("pod", "llm-0"), ("namespace", "inf"), ("instance", "10.244.7.12:8000"));
        if (!joins)
            return;
        Level("node_uname_info", 1, ("instance", "10.1.0.17:9100"), ("nodename", "worker-7"));
        Level("kube_node_info", 1, ("node", "worker-7"), ("internal_ip", "10.1.0.17"));
        Level(
            "kube_pod_info",
            1,
            ("pod", "llm-0"),
            ("namespace", "inf"),
            ("node", "worker-7"),
            ("host_ip", "10.1.0.17"),
            ("pod_ip", "10.244.7.12")
        );
    }

    private void Package(double watts, params (string, string)[] labels) =>
        Rise("node_rapl_package_joules_total", watts, [("index", "0"), .. labels]);

    private void Level(string metric, double value, params (string, string)[] labels) => Add("prometheus", metric, labels, Steady(value));

    private void Rise(string metric, double rise, (string, string)[] labels) =>
        Add("prometheus", metric, labels, [.. Steady(0).Select(at => (at.Minute, 1000 + rise * 60 * (at.Minute + 5)))]);

    private void Count(string metric, double perSecond, params (string, string)[] labels) => Rise(metric, perSecond, labels);

    private void Endpoint(string account, string metric, double value) =>
        Spans(
            "aws-cloudwatch",
            $"/aws/sagemaker/Endpoints/{metric}",
            value,
            ("EndpointName", "llm"),
            ("VariantName", "AllTraffic"),
            ("InstanceType", "g5.xlarge"),
            ("InstanceCount", "1"),
            ("GpuCount", "1"),
            ("CpuCount", "4"),
            ("AccountId", account)
        );

    private void Spans(string provider, string metric, double value, params (string, string)[] labels)
    {
        var series = new Series(Store, provider, metric, Labels.Of(labels), Statistic.Average, TimeSpan.FromMinutes(5));
        for (var minute = 0; minute < 60; minute += 5)
            observations.Add(new Observation(series, new Sample(Scene.At(minute), Scene.At(minute + 5), value)));
    }

    private void Add(
        string provider,
        string metric,
        (string, string)[] labels,
        IEnumerable<(double Minute, double Value)> samples,
        string source = Store
    )
    {
        var series = new Series(source, provider, metric, Labels.Of(labels));
        foreach (var (minute, value) in samples)
            observations.Add(new Observation(series, Sample.At(Scene.At(minute), value)));
    }

    private void Add(string provider, string metric, (string, string)[] labels, (double Minute, double Value) sample) =>
        Add(provider, metric, labels, [sample]);

    private static IEnumerable<(double Minute, double Value)> Steady(double value) =>
        Enumerable.Range(-1, 15).Select(step => (step * 5.0, value));

    private Normaliser Normaliser() => new(Shipped, workloads, places, TimeSpan.FromMinutes(5), FactorBook.Published);

    private NormalisedPeriod Normalise() => Normaliser().Normalise(Hour, SeriesSamples.Group(observations));

    private static MetricCatalogue Load([CallerFilePath] string here = "") =>
        CatalogueReader.Read(
            Directory
                .EnumerateFiles(
                    Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../src/Ingestors/Providers")),
                    "*.metrics.json",
                    SearchOption.AllDirectories
                )
                .Order(StringComparer.Ordinal)
                .Select(file => (Path.GetFileName(file), File.ReadAllText(file)))
        );
}
