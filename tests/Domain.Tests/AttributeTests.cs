using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Xunit;

namespace Metrics.Domain.Tests;

/// <summary>Whose energy it is: all of it is somebody's, or unattributed.</summary>
public sealed class AttributeTests
{
    private static readonly Series Node = Scene.Series("node_energy", labels: ("node", "node-a"));

    [Fact]
    public void A_board_belongs_to_the_workload_whose_rule_its_labels_match()
    {
        var facts = Room()
            .Counting(Board(1, "llm-0"), 6_000_000)
            .Counting(Board(2, "vision-3"), 3_000_000)
            .Counting(Board(3, "job-1"), 1_000_000)
            .Normalise()
            .Energy;

        Assert.Equal([("chat", 30_000.0), ("unattributed", 5_000.0), ("vision", 15_000.0)], Joules(facts, fact => fact.AcceleratorJoules));
    }

    [Fact]
    public void A_series_that_two_workloads_claim_is_nobodys_and_said_to_be_so()
    {
        var period = new Scene().Workload("b", ("pod", "*")).Workload("a", ("pod", "llm-?")).Counting(Board(1, "llm-0"), 1).Normalise();

        Assert.Equal("unattributed", Assert.Single(period.Energy).Deployment.Workload.Name);
        var rejection = Assert.Single(period.Rejections);
        Assert.Equal(RejectionReason.AmbiguousWorkload, rejection.Reason);
        Assert.Equal(
            "The rules of the workloads 'a' and 'b' both claim it, so it is given to neither; narrow one of them.",
            rejection.Detail
        );
    }

    [Theory]
    [InlineData("llm-*", "llm-0", true)]
    [InlineData("llm-?", "llm-12", false)]
    [InlineData("llm", "llm-0", false)]
    [InlineData("LLM-*", "llm-0", false)]
    [InlineData("*", "llm-0", true)]
    [InlineData("*", "", false)]
    public void A_rule_matches_the_whole_label_by_its_glob(string glob, string pod, bool claimed)
    {
        var scene = new Scene().Workload("chat", ("pod", glob)).Counting(Board(1, pod), 1);

        Assert.Equal(claimed ? "chat" : "unattributed", Assert.Single(scene.Normalise().Energy).Deployment.Workload.Name);
    }

    [Fact]
    public void A_rule_of_another_source_claims_nothing()
    {
        var scene = new Scene().Workload("chat");
        scene.Counting(Scene.Series("gpu_energy", source: "elsewhere", labels: ("UUID", "GPU-1")), 1);

        var deployment = Assert.Single(scene.Normalise().Energy).Deployment;

        Assert.Equal(("unattributed", "unplaced/elsewhere", null), (deployment.Workload.Name, deployment.Place.Name, deployment.Place.Pue));
    }

    [Fact]
    public void The_rest_of_a_server_goes_by_the_accelerators_each_workload_holds()
    {
        var scene = Room()
            .Spans(Node, (0, 5, 72_000))
            .Counting(Board(1, "llm-0"), 4_000_000)
            .Counting(Board(2, "llm-1"), 2_000_000)
            .Counting(Board(3, "vision-0"), 2_000_000)
            .Counting(Board(4, "job"), 400_000);

        var host = scene.Normalise().Energy.Where(fact => fact.Resource.Kind == "node").ToList();

        Assert.Equal([("chat", 15_000.0), ("unattributed", 7_500.0), ("vision", 7_500.0)], Joules(host, fact => fact.ServerJoules));
        Assert.Equal(
            [15_000, 7_500, 7_500],
            host.OrderBy(fact => fact.Deployment.Workload.Name, StringComparer.Ordinal).Select(fact => fact.MeasuredJoules)
        );
    }

    [Fact]
    public void A_server_without_accelerators_or_shares_is_unattributed() =>
        Assert.Equal([("unattributed", 500.0)], Joules(Room().Spans(Node, (0, 5, 500)).Normalise().Energy, fact => fact.ServerJoules));

    [Fact]
    public void A_server_that_a_rule_claims_is_the_workloads_whole()
    {
        var scene = Room()
            .Workload("batch", ("node", "node-*"))
            .Spans(Node, (0, 5, 70_000))
            .Counting(Board(1, "llm-0"), 4_000_000)
            .Spans(Share("pod", "vision-0"), (0, 5, 300));

        Assert.Equal([("batch", 50_000.0), ("chat", 20_000.0)], Joules(scene.Normalise().Energy, fact => fact.ServerJoules));
    }

    [Fact]
    public void Pods_get_what_they_drew_and_the_rest_is_unattributed()
    {
        var scene = Room()
            .Spans(Node, (0, 5, 1000))
            .Spans(Share("pod", "llm-0"), (0, 5, 300))
            .Spans(Share("pod", "vision-0"), (0, 5, 200))
            .Spans(Share("pod", "cron-1"), (0, 5, 100));

        var facts = scene.Normalise().Energy;

        Assert.Equal([("chat", 300.0), ("unattributed", 500.0), ("vision", 200.0)], Joules(facts, fact => fact.ServerJoules));
        Assert.All(facts, fact => Assert.Equal("node", fact.Resource.Kind));
        Assert.Equal("node-energy@1 pod@1", facts.First(fact => fact.Deployment.Workload.Name == "chat").Mappings);
        Assert.Equal("node-energy@1", facts.First(fact => fact.Deployment.Workload.Name == "unattributed").Mappings);
    }

    [Fact]
    public void What_pods_leave_goes_by_accelerator()
    {
        var scene = Room()
            .Spans(Node, (0, 5, 21_000))
            .Counting(Board(1, "llm-0"), 2_000_000)
            .Counting(Board(2, "vision-0"), 2_000_000)
            .Spans(Share("pod", "llm-0"), (0, 5, 400));

        var host = scene.Normalise().Energy.Where(fact => fact.Resource.Kind == "node");

        Assert.Equal([("chat", 700.0), ("vision", 300.0)], Joules(host, fact => fact.ServerJoules));
    }

    [Fact]
    public void Pods_that_claim_more_than_there_is_are_scaled_down()
    {
        var scene = Room()
            .Spans(Node, (0, 5, 1000))
            .Spans(Share("pod", "llm-0"), (0, 5, 1500))
            .Spans(Share("pod", "vision-0"), (0, 5, 500));

        Assert.Equal([("chat", 750.0), ("vision", 250.0)], Joules(scene.Normalise().Energy, fact => fact.ServerJoules));
    }

    [Fact]
    public void Pods_and_their_containers_are_the_same_joules()
    {
        var scene = Room()
            .Spans(Node, (0, 5, 1000))
            .Spans(Share("pod", "llm-0"), (0, 5, 300))
            .Spans(Share("container", "llm-0"), (0, 5, 290))
            .Spans(Share("process", "llm-0"), (0, 5, 280));

        Assert.Equal([("chat", 300.0), ("unattributed", 700.0)], Joules(scene.Normalise().Energy, fact => fact.ServerJoules));
    }

    [Fact]
    public void Containers_count_when_no_pod_is_claimed()
    {
        var scene = Room()
            .Spans(Node, (0, 5, 1000))
            .Spans(Share("pod", "other"), (0, 5, 300))
            .Spans(Share("container", "llm-0"), (0, 5, 290));

        Assert.Equal([("chat", 290.0), ("unattributed", 710.0)], Joules(scene.Normalise().Energy, fact => fact.ServerJoules));
    }

    [Fact]
    public void Pods_whose_node_is_not_read_stand_alone()
    {
        var facts = Room()
            .Spans(Share("pod", "llm-0"), (0, 5, 300))
            .Spans(Share("pod", "cron-1"), (0, 5, 100))
            .Spans(Share("container", "llm-0"), (0, 5, 290))
            .Normalise()
            .Energy;

        Assert.Equal([("chat", 300.0), ("unattributed", 100.0)], Joules(facts, fact => fact.ServerJoules));
        Assert.All(facts, fact => Assert.Equal(("pod", "node-a", "share"), (fact.Resource.Kind, fact.Resource.Node, fact.Cover.Word())));
    }

    [Fact]
    public void Pods_without_a_node_share_the_node_that_is_named_after_their_source()
    {
        var scene = Room()
            .Spans(Scene.Series("node_energy"), (0, 5, 1000))
            .Spans(Scene.Series("pod", labels: ("pod", "llm-0")), (0, 5, 300));

        Assert.Equal([("chat", 300.0), ("unattributed", 700.0)], Joules(scene.Normalise().Energy, fact => fact.ServerJoules));
    }

    [Fact]
    public void A_rack_belongs_to_whoever_claims_it()
    {
        var scene = new Scene().Workload("chat", ("rack", "r*")).Steady(Scene.Series("rack_power", labels: ("rack", "r1")), 1000);

        Assert.Equal([("chat", 300_000.0)], Joules(scene.Normalise().Energy, fact => fact.RackJoules));
    }

    [Fact]
    public void A_board_that_changes_pods_gives_each_workload_its_time_and_the_handover_to_the_later()
    {
        var scene = Room()
            .Instants(Board(1, "llm-0"), (0, 1_000_000), (1, 7_000_000), (2, 13_000_000))
            .Instants(Board(1, "vision-0"), (3, 23_000_000), (4, 25_000_000), (5, 27_000_000));

        var facts = scene.Normalise().Energy;

        Assert.Equal([("chat", 12_000.0), ("vision", 14_000.0)], Joules(facts, fact => fact.AcceleratorJoules));
        Assert.Equal(
            [120, 180],
            facts.OrderBy(fact => fact.Deployment.Workload.Name, StringComparer.Ordinal).Select(fact => fact.CoveredSeconds)
        );
        Assert.Single(facts.Select(fact => fact.Resource).Distinct());
    }

    [Fact]
    public void A_board_that_changes_pods_after_too_long_leaves_a_gap()
    {
        var period = Room()
            .Instants(Board(1, "llm-0"), (0, 0), (1, 6_000_000))
            .Instants(Board(1, "vision-0"), (12, 66_000_000), (13, 68_000_000))
            .Normalise(0, 15);

        Assert.Equal([("chat", 6_000.0), ("vision", 2_000.0)], Joules(period.Energy, fact => fact.AcceleratorJoules));
        var rejection = Assert.Single(period.Rejections);
        Assert.Equal((RejectionReason.SpanTooLong, Scene.At(12)), (rejection.Reason, rejection.At));
        Assert.Contains("vision-0", rejection.Subject, StringComparison.Ordinal);
    }

    [Fact]
    public void A_counter_that_starts_anew_when_a_board_changes_pods_is_a_gap()
    {
        var period = Room()
            .Instants(Board(1, "llm-0"), (0, 1_000_000), (1, 7_000_000))
            .Instants(Board(1, "vision-0"), (2, 0), (3, 2_000_000))
            .Normalise();

        Assert.Equal([("chat", 6_000.0), ("vision", 2_000.0)], Joules(period.Energy, fact => fact.AcceleratorJoules));
        Assert.Equal(RejectionReason.CounterReset, Assert.Single(period.Rejections).Reason);
    }

    [Fact]
    public void Two_pods_that_report_one_board_at_once_take_turns_on_it_and_it_is_not_two_boards()
    {
        var facts = Room().Counting(Board(1, "llm-0"), 6_000_000).Counting(Board(1, "vision-0"), 6_000_000).Normalise().Energy;

        Assert.Equal([("chat", 15_000.0), ("vision", 15_000.0)], Joules(facts, fact => fact.AcceleratorJoules));
    }

    [Fact]
    public void A_scrape_of_a_board_without_a_pod_beside_one_with_a_pod_takes_nothing_from_it()
    {
        var facts = Room()
            .Counting(Board(1, "llm-0"), 6_000_000)
            .Counting(Scene.Series("gpu_energy", labels: [("UUID", "GPU-1"), ("Hostname", "node-a")]), 6_000_000)
            .Normalise()
            .Energy;

        Assert.Equal([("chat", 30_000.0)], Joules(facts, fact => fact.AcceleratorJoules));
    }

    [Fact]
    public void Slices_of_a_board_have_their_sevenths_and_what_no_slice_holds_is_unattributed()
    {
        // 35 kJ in five minutes; three sevenths, two sevenths, and two that nobody was given.
        var facts = Room()
            .Counting(Slice("llm-0", "3g.40gb", "1"), 7_000_000)
            .Counting(Slice("vision-0", "2g.20gb", "5"), 7_000_000)
            .Normalise()
            .Energy;

        Assert.Equal(
            [("chat", 15_000.0), ("unattributed", 10_000.0), ("vision", 10_000.0)],
            Joules(facts, fact => fact.AcceleratorJoules!.Value is var joules ? Math.Round(joules, 6) : null)
        );

        static Series Slice(string pod, string profile, string number) =>
            Scene.Series(
                "gpu_energy",
                labels: [("UUID", "GPU-1"), ("Hostname", "node-a"), ("pod", pod), ("GPU_I_PROFILE", profile), ("GPU_I_ID", number)]
            );
    }

    [Fact]
    public void Work_that_no_rule_claims_is_unattributed()
    {
        var scene = new Scene()
            .Workload("chat", ("model_name", "org/*"))
            .Instants(Scene.Series("tokens_total", labels: [("instance", "a"), ("model_name", "org/m")]), (0, 0), (5, 90))
            .Instants(Scene.Series("tokens_total", labels: [("instance", "a"), ("model_name", "else/m")]), (0, 0), (5, 10));

        Assert.Equal(
            [("chat", 90.0), ("unattributed", 10.0)],
            scene.Normalise().Work.Select(fact => (fact.Deployment.Workload.Name, fact.Units)).Order()
        );
    }

    [Fact]
    public void A_framework_and_the_engine_in_it_count_the_same_requests_once()
    {
        var scene = new Scene { Mappings = [.. Map.All, Map.Requests with { Id = "framework", Metrics = ["framework_requests_total"] }] }
            .Workload("chat", ("namespace", "inf"))
            .Instants(
                Scene.Series("requests_total", labels: [("instance", "a"), ("namespace", "inf"), ("finished_reason", "stop")]),
                (0, 0),
                (5, 60)
            )
            .Instants(
                Scene.Series("requests_total", labels: [("instance", "a"), ("namespace", "inf"), ("finished_reason", "length")]),
                (0, 0),
                (5, 40)
            )
            .Instants(Scene.Series("framework_requests_total", labels: [("instance", "a"), ("namespace", "inf")]), (0, 0), (5, 102))
            .Instants(Scene.Series("requests_total", labels: [("instance", "b"), ("namespace", "inf")]), (0, 0), (5, 10));

        // Endpoint a: 102 by the framework, the first by id. Endpoint b: 10, which nothing else counts.
        Assert.Equal(112, Assert.Single(scene.Normalise().Work).Units);
    }

    [Fact]
    public void Counts_of_two_engines_that_name_no_endpoint_are_both_work()
    {
        var scene = new Scene { Mappings = [.. Map.All, Map.Requests with { Id = "other", Metrics = ["other_requests_total"] }] }
            .Workload("chat")
            .Instants(Scene.Series("requests_total"), (0, 0), (5, 60))
            .Instants(Scene.Series("other_requests_total"), (0, 0), (5, 40));

        Assert.Equal(100, Assert.Single(scene.Normalise().Work).Units);
    }

    [Fact]
    public void A_board_whose_better_meter_has_no_pod_belongs_to_the_pod_that_the_other_meter_names()
    {
        var fact = Assert.Single(
            Room()
                .Instants(Scene.Series("gpu_energy", labels: [("UUID", "GPU-1"), ("Hostname", "node-a")]), (0, 0), (5, 90_000_000))
                .Instants(
                    Scene.Series("gpu_power", labels: [("UUID", "GPU-1"), ("Hostname", "node-a"), ("pod", "llm-0")]),
                    (0, 290),
                    (5, 290)
                )
                .Normalise()
                .Energy
        );

        Assert.Equal("chat", fact.Deployment.Workload.Name);
        Assert.Equal(90_000, fact.AcceleratorJoules);
    }

    [Fact]
    public void Facility_energy_is_the_servers_times_the_PUE_of_the_place() =>
        Assert.Equal(750, Assert.Single(Room().Spans(Node, (0, 5, 500)).Normalise().Energy).FacilityJoules);

    [Fact]
    public void Without_a_PUE_facility_energy_is_unknown()
    {
        var fact = Assert.Single(Room().Place(Scene.Source, null).Spans(Node, (0, 5, 500)).Normalise().Energy);

        Assert.Equal(500, fact.ServerJoules);
        Assert.Null(fact.FacilityJoules);
    }

    [Fact]
    public void What_nobody_tells_idle_from_busy_has_unknown_idle_energy() =>
        Assert.Null(Assert.Single(Room().Spans(Node, (0, 5, 500)).Normalise().Energy).IdleJoules);

    private static Scene Room() => new Scene().Workload("chat", ("pod", "llm-*")).Workload("vision", ("pod", "vision-*"));

    private static Series Board(int number, string pod) =>
        Scene.Series("gpu_energy", labels: [("UUID", $"GPU-{number}"), ("Hostname", "node-a"), ("pod", pod)]);

    private static Series Share(string kind, string pod) =>
        Scene.Series(
            kind,
            labels: kind == "pod" ? [("pod", pod), ("node", "node-a")] : [(kind, "c-" + pod), ("pod", pod), ("node", "node-a")]
        );

    private static IEnumerable<(string Workload, double? Joules)> Joules(IEnumerable<EnergyFact> facts, Func<EnergyFact, double?> joules) =>
        facts
            .GroupBy(fact => fact.Deployment.Workload.Name)
            .Select(workload => (workload.Key, (double?)workload.Sum(joules)))
            .OrderBy(row => row.Key, StringComparer.Ordinal);
}
