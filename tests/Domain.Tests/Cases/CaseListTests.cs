using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Xunit;

namespace Metrics.Domain.Tests.Cases;

/// <summary>Each kind of telemetry whose right answer is known, and the test that holds it. Where the cases themselves lie beside the
/// repository (<c>../shared/cases</c>, or where <c>METRICS_CASES</c> says), one of which nothing is held here is found.</summary>
public sealed partial class CaseListTests
{
    private const string Serving = "Domain.Tests/Cases/ServingTests",
        Exporters = "Domain.Tests/Cases/ExporterTests",
        CountOnce = "Domain.Tests/CountOnceTests",
        Glitch = "Domain.Tests/GlitchTests",
        Holder = "Domain.Tests/HolderTests",
        Identity = "Domain.Tests/IdentityTests",
        Reach = "Domain.Tests/ReachTests",
        Whole = "Domain.Tests/WholeTests",
        Prometheus = "Ingestors.Tests/PrometheusApiTests",
        Pages = "Ingestors.Tests/ExporterTests";

    private static readonly string Tests = Folder();

    private static readonly Dictionary<string, string> Held = new(StringComparer.Ordinal)
    {
        ["api-ended-series"] = $"{Prometheus}.The_mark_of_a_series_that_ended_is_no_value_and_no_fault_and_a_meter_without_a_value_is",
        ["api-page-http10"] = $"{Pages}.A_page_that_the_closed_connection_ends_is_a_page",
        ["api-page-plain"] = $"{Pages}.A_page_is_read_with_the_instant_of_the_scrape_and_the_instance",
        ["api-plain"] = $"{Prometheus}.Raw_samples_of_the_window_are_asked_for_and_cut_to_it",
        ["api-query-limit"] = $"{Prometheus}.What_a_server_refuses_for_its_size_is_asked_for_in_halves_and_only_once",
        ["boundary-components-alone"] = "Domain.Tests/CoverTests.Packages_memory_and_accelerators_make_a_server",
        ["boundary-rank"] = $"{Serving}.Components_are_not_ranked_before_walls",
        ["boundary-wall-pauses"] = $"{Whole}.Components_do_not_stand_in_for_a_wall_meter_that_pauses_within_the_hour",
        ["bounds-grid-range"] = $"{Serving}.A_grid_of_which_little_is_known_does_not_win_for_certain",
        ["bounds-of-a-meter"] = $"{Serving}.An_hour_of_which_everything_is_known_is_divided_whole",
        ["bounds-shared-board"] =
            $"{Holder}.Who_shares_a_board_has_its_idle_part_at_the_least_and_all_but_the_others_idle_part_at_the_most",
        ["coverage-half-known"] = $"{Serving}.A_deployment_of_which_half_is_not_read_is_covered_by_a_half",
        ["coverage-shared-board"] = $"{Holder}.Half_of_a_board_for_all_of_the_time_is_all_of_the_time",
        ["coverage-ten-minutes"] = $"{Serving}.A_deployment_that_was_there_for_a_quarter_and_read_all_that_time_is_covered",
        ["dimensions-service-tier"] = $"{CountOnce}.A_metric_told_again_with_more_dimensions_is_the_same_work",
        ["glitch-real-reset"] = $"{Glitch}.One_that_counts_on_from_below_began_anew",
        ["glitch-real-wrap"] = $"{Glitch}.A_counter_that_passes_its_declared_maximum_every_five_minutes_is_neither",
        ["glitch-zero-once"] = $"{Glitch}.A_counter_that_shows_zero_once_is_bridged_from_before_the_fall",
        ["hands-pod-returns"] = $"{Holder}.A_pod_that_is_away_while_another_holds_the_board_holds_nothing_then",
        ["hands-shared-at-once"] = $"{Serving}.Two_pods_on_a_board_at_the_same_time_share_it",
        ["hands-short-jobs"] = $"{Holder}.A_board_that_names_a_pod_only_while_there_is_one_is_nobodys_for_the_rest_of_the_time",
        ["hosts-exporters-pod"] = $"{Identity}.Where_the_hostname_is_the_exporters_pod_the_node_is_the_machine",
        ["hosts-kube-prometheus"] = $"{Identity}.Addresses_nodes_and_pods_meet_by_what_the_store_says_of_them",
        ["hosts-one-name"] = $"{Exporters}.Rows_that_name_a_machine_alike_meet",
        ["identity-boards-of-a-guest"] = $"{Exporters}.Boards_of_a_guest_without_serial_numbers_are_told_apart_by_their_ids",
        ["identity-index-of-the-board"] = $"{Identity}.Boards_that_only_an_index_tells_apart_are_boards",
        ["identity-two-spellings"] = $"{Whole}.Of_two_spellings_of_a_boards_power_one_that_shows_nothing_is_broken",
        ["idle-block"] = "Domain.Tests/AccountTests.The_load_of_a_metered_board_splits_its_energy_into_active_and_idle",
        ["idle-bursts"] = $"{Whole}.Idle_energy_is_idle_time_at_the_least_power_seen_at_no_load",
        ["impossible-empty-meter"] = $"{Exporters}.A_meter_that_shows_all_ones_leaves_the_server_unknown_and_the_board_known",
        ["impossible-rack-scale"] = $"{Exporters}.What_is_large_and_real_is_believed",
        ["jitter-five-minutes"] = $"{Reach}.What_is_read_every_five_minutes_give_or_take_a_little_has_no_hole",
        ["jitter-real-gap"] = $"{Reach}.What_is_read_every_minute_and_silent_for_twenty_has_a_hole",
        ["load-dead-activity"] = $"{Whole}.Of_two_load_meters_one_that_shows_nothing_beside_99_percent_is_not_believed",
        ["load-idle-agrees"] = $"{Serving}.All_that_a_board_drew_without_load_and_without_work_was_idle",
        ["mig-quarters"] = $"{Holder}.A_quarter_of_an_A30_is_a_quarter",
        ["mig-sevenths"] = $"{Holder}.A_slice_is_its_part_of_what_a_board_of_that_model_has",
        ["model-of-a-profile"] =
            "Domain.Tests/WorkTests.What_the_operator_says_of_a_model_counts_where_a_label_says_nothing_that_the_table_knows",
        ["names-engines"] = $"{Exporters}.Output_tokens_have_a_name_in_each_engine",
        ["names-limits"] = $"{Exporters}.Watts_are_read_in_the_units_and_names_of_each_exporter_and_limits_are_not",
        ["names-power"] = $"{Exporters}.Watts_are_read_in_the_units_and_names_of_each_exporter_and_limits_are_not",
        ["names-rack"] = $"{Exporters}.The_inlet_of_a_rack_is_the_racks_and_no_servers",
        ["ratio-one-of-ten"] = $"{Serving}.One_silent_server_of_ten_is_scaled_away",
        ["ratio-power-gap"] = $"{Serving}.Tokens_of_twenty_five_minutes_without_power_are_not_divided_by",
        ["ratio-rank"] = $"{Serving}.Whoever_was_read_worse_does_not_win_by_it",
        ["ratio-whole"] = $"{Serving}.An_hour_of_which_everything_is_known_is_divided_whole",
        ["ratio-work-half"] = $"{Serving}.Energy_of_the_time_in_which_the_engine_says_nothing_is_not_divided",
        ["rollup-meter-ten-hours"] = $"{Serving}.A_day_divides_what_is_known_of_each_boundary",
        ["rollup-whole-day"] = $"{Serving}.A_day_of_which_everything_is_known_is_the_sum_of_its_hours",
        ["rows-minute-and-hour"] = $"{CountOnce}.A_row_of_a_minute_and_a_row_of_the_hour_over_it_count_once",
        ["rows-of-a-job-log"] = $"{CountOnce}.Rows_that_do_not_overlap_all_count_whatever_their_lengths",
        ["scope-accounts"] = $"{Identity}.Two_accounts_with_one_endpoint_are_two_machines_and_two_deployments",
        ["scope-one-machine"] = $"{Identity}.Two_metrics_of_one_endpoint_are_one_machine",
        ["scope-resource-groups"] = $"{Identity}.Machines_of_one_name_in_two_resource_groups_are_two",
        ["short-baseline"] = $"{Reach}.An_old_count_is_a_baseline",
        ["short-five-minutes"] = $"{Serving}.A_new_pod_every_six_minutes_counts_from_its_start",
        ["twice-gateway"] = $"{CountOnce}.A_gateway_tells_the_work_of_the_engines_behind_it",
        ["twice-idle-together"] = $"{CountOnce}.Two_engines_that_start_together_and_wait_for_half_an_hour_are_two",
        ["twice-known-replica"] = $"{Serving}.An_engine_that_is_scraped_twice_counts_once",
        ["twice-llmd-roles"] = $"{CountOnce}.Prefill_and_decode_count_the_same_prompts_once",
        ["twice-two-jobs"] = $"{Serving}.An_engine_that_is_scraped_twice_counts_once",
        ["twice-two-sources"] = $"{Serving}.An_engine_that_is_scraped_twice_counts_once",
        ["unread-none"] = $"{Serving}.Of_a_machine_of_which_every_board_is_read_each_has_its_part_of_the_rest",
        ["unread-seven-boards"] = $"{Whole}.Of_two_boards_of_which_one_is_read_the_other_has_its_part_and_it_is_nobodys",
        ["whole-dead-meter"] = $"{Exporters}.A_server_that_shows_less_than_its_board_is_no_server_and_never_first",
        ["whole-near-meter"] = $"{Whole}.A_server_that_shows_less_by_what_meters_err_is_believed",
    };

    [Fact]
    public void Each_case_is_held_by_a_test_that_is_there()
    {
        Assert.Equal(66, Held.Count);
        Assert.All(Held, one => Assert.True(IsThere(one.Value), $"{one.Key}: no test {one.Value}"));
    }

    [Theory]
    [InlineData("Domain.Tests/GlitchTests.No_such_test")]
    [InlineData("Domain.Tests/NoSuchTests.One_that_counts_on_from_below_began_anew")]
    [InlineData("Domain.Tests/Cases/Hall.Board")]
    public void A_test_that_is_not_there_would_be_found(string test) => Assert.False(IsThere(test));

    [Fact]
    public void No_case_that_lies_beside_the_repository_is_without_a_test()
    {
        var folder = Environment.GetEnvironmentVariable("METRICS_CASES") is { Length: > 0 } told
            ? told
            : Path.Combine(Tests, "..", "..", "shared", "cases");
        if (Directory.Exists(folder))
            Assert.All(Directory.EnumerateDirectories(folder).Where(one => File.Exists(Path.Combine(one, "case.json"))), one =>
                Assert.Contains(Path.GetFileName(one), Held)
            );
    }

    private static bool IsThere(string test)
    {
        var (path, method) = (test[..test.LastIndexOf('.')], test[(test.LastIndexOf('.') + 1)..]);
        var file = Path.Combine(Tests, $"{path}.cs");
        return File.Exists(file) && Methods().Matches(File.ReadAllText(file)).Any(one => one.Groups[1].Value == method);
    }

    private static string Folder([CallerFilePath] string file = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "..", ".."));

    [GeneratedRegex(
        @"\[(?:Fact|Theory)\](?:(?!\[Fact|\[Theory|\bpublic\b)[\s\S])*?\bpublic (?:async )?(?:void|Task) (\w+)\(",
        RegexOptions.CultureInvariant
    )]
    private static partial Regex Methods();
}
