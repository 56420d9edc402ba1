using System;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql.EntityFrameworkCore.PostgreSQL.Metadata;

#nullable disable

namespace Metrics.Migrations.Postgres.Migrations
{
    /// <inheritdoc />
    public partial class Initial : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "access_key",
                columns: table => new
                {
                    id = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    name = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    hash = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    scopes = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    created_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    created_by = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    expires_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: true),
                    revoked_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: true),
                    last_used_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_access_key", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "audit",
                columns: table => new
                {
                    id = table.Column<long>(type: "bigint", nullable: false),
                    at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    actor = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    action = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    outcome = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    hash = table.Column<string>(type: "text", nullable: false, collation: "C")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_audit", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "backfill",
                columns: table => new
                {
                    id = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    source = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    kind = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    from_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    to_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    position = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    step_seconds = table.Column<int>(type: "integer", nullable: false),
                    windows = table.Column<int>(type: "integer", nullable: false),
                    windows_done = table.Column<int>(type: "integer", nullable: false),
                    received = table.Column<long>(type: "bigint", nullable: false),
                    written = table.Column<long>(type: "bigint", nullable: false),
                    state = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    requested_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    started_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: true),
                    ended_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: true),
                    failures = table.Column<int>(type: "integer", nullable: false),
                    next_read_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: true),
                    error_code = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    error = table.Column<string>(type: "text", nullable: true, collation: "C")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_backfill", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "calendar_day",
                columns: table => new
                {
                    date = table.Column<DateOnly>(type: "date", nullable: false),
                    date_key = table.Column<int>(type: "integer", nullable: false),
                    year = table.Column<int>(type: "integer", nullable: false),
                    quarter = table.Column<int>(type: "integer", nullable: false),
                    month = table.Column<int>(type: "integer", nullable: false),
                    day = table.Column<int>(type: "integer", nullable: false),
                    iso_week = table.Column<int>(type: "integer", nullable: false),
                    weekday = table.Column<int>(type: "integer", nullable: false),
                    month_name = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    weekday_name = table.Column<string>(type: "text", nullable: false, collation: "C")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_calendar_day", x => x.date);
                });

            migrationBuilder.CreateTable(
                name: "dirty_hours",
                columns: table => new
                {
                    hour = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    mark = table.Column<long>(type: "bigint", nullable: false),
                    reason = table.Column<string>(type: "text", nullable: false, collation: "C")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_dirty_hours", x => x.hour);
                });

            migrationBuilder.CreateTable(
                name: "energy_facts",
                columns: table => new
                {
                    deployment_id = table.Column<long>(type: "bigint", nullable: false),
                    resource_id = table.Column<long>(type: "bigint", nullable: false),
                    period_start = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    period_end = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    evidence = table.Column<short>(type: "smallint", nullable: false),
                    cover = table.Column<short>(type: "smallint", nullable: false),
                    mappings = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    factors = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    missing = table.Column<int>(type: "integer", nullable: false),
                    recomputed_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    accelerator_joules = table.Column<double>(type: "double precision", nullable: true),
                    covered_seconds = table.Column<double>(type: "double precision", nullable: false),
                    embodied_grams = table.Column<double>(type: "double precision", nullable: true),
                    facility_joules = table.Column<double>(type: "double precision", nullable: true),
                    high_joules = table.Column<double>(type: "double precision", nullable: true),
                    idle_joules = table.Column<double>(type: "double precision", nullable: true),
                    low_joules = table.Column<double>(type: "double precision", nullable: true),
                    marginal_grams = table.Column<double>(type: "double precision", nullable: true),
                    market_based_grams = table.Column<double>(type: "double precision", nullable: true),
                    measured_joules = table.Column<double>(type: "double precision", nullable: false),
                    operational_grams = table.Column<double>(type: "double precision", nullable: true),
                    present_seconds = table.Column<double>(type: "double precision", nullable: false),
                    rack_joules = table.Column<double>(type: "double precision", nullable: true),
                    server_joules = table.Column<double>(type: "double precision", nullable: true),
                    water_litres = table.Column<double>(type: "double precision", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_energy_facts", x => new { x.deployment_id, x.resource_id, x.period_start });
                    table.CheckConstraint("ck_energy_facts_accelerator_joules", "accelerator_joules >= 0 AND accelerator_joules <= 1e24");
                    table.CheckConstraint("ck_energy_facts_covered_seconds", "covered_seconds >= 0 AND covered_seconds <= 1e24");
                    table.CheckConstraint("ck_energy_facts_embodied_grams", "embodied_grams >= 0 AND embodied_grams <= 1e24");
                    table.CheckConstraint("ck_energy_facts_facility_joules", "facility_joules >= 0 AND facility_joules <= 1e24");
                    table.CheckConstraint("ck_energy_facts_high_joules", "high_joules >= 0 AND high_joules <= 1e24");
                    table.CheckConstraint("ck_energy_facts_idle_joules", "idle_joules >= 0 AND idle_joules <= 1e24");
                    table.CheckConstraint("ck_energy_facts_low_joules", "low_joules >= 0 AND low_joules <= 1e24");
                    table.CheckConstraint("ck_energy_facts_marginal_grams", "marginal_grams >= 0 AND marginal_grams <= 1e24");
                    table.CheckConstraint("ck_energy_facts_market_based_grams", "market_based_grams >= 0 AND market_based_grams <= 1e24");
                    table.CheckConstraint("ck_energy_facts_measured_joules", "measured_joules >= 0 AND measured_joules <= 1e24");
                    table.CheckConstraint("ck_energy_facts_operational_grams", "operational_grams >= 0 AND operational_grams <= 1e24");
                    table.CheckConstraint("ck_energy_facts_present_seconds", "present_seconds >= 0 AND present_seconds <= 1e24");
                    table.CheckConstraint("ck_energy_facts_rack_joules", "rack_joules >= 0 AND rack_joules <= 1e24");
                    table.CheckConstraint("ck_energy_facts_server_joules", "server_joules >= 0 AND server_joules <= 1e24");
                    table.CheckConstraint("ck_energy_facts_water_litres", "water_litres >= 0 AND water_litres <= 1e24");
                });

            migrationBuilder.CreateTable(
                name: "event",
                columns: table => new
                {
                    id = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    type = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    source = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    body = table.Column<string>(type: "text", nullable: false, collation: "C")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_event", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "factor",
                columns: table => new
                {
                    id = table.Column<long>(type: "bigint", nullable: false),
                    name = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    kind = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    place = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    method = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    value = table.Column<double>(type: "double precision", nullable: false),
                    low = table.Column<double>(type: "double precision", nullable: true),
                    high = table.Column<double>(type: "double precision", nullable: true),
                    unit = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    source = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    licence = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    retrieved = table.Column<DateOnly>(type: "date", nullable: true),
                    vintage = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    valid_from = table.Column<DateOnly>(type: "date", nullable: true),
                    valid_to = table.Column<DateOnly>(type: "date", nullable: true),
                    version = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    superseded_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_factor", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "intensity_days",
                columns: table => new
                {
                    deployment_id = table.Column<long>(type: "bigint", nullable: false),
                    functional_unit = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    period_start = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    accelerator_joules = table.Column<double>(type: "double precision", nullable: true),
                    accelerator_matched_seconds = table.Column<double>(type: "double precision", nullable: true),
                    accelerator_matched_units = table.Column<double>(type: "double precision", nullable: true),
                    accelerator_seconds = table.Column<double>(type: "double precision", nullable: false),
                    active_accelerator_matched_seconds = table.Column<double>(type: "double precision", nullable: true),
                    active_accelerator_matched_units = table.Column<double>(type: "double precision", nullable: true),
                    active_matched_seconds = table.Column<double>(type: "double precision", nullable: true),
                    active_matched_units = table.Column<double>(type: "double precision", nullable: true),
                    active_sci_matched_seconds = table.Column<double>(type: "double precision", nullable: true),
                    active_sci_matched_units = table.Column<double>(type: "double precision", nullable: true),
                    active_server_matched_seconds = table.Column<double>(type: "double precision", nullable: true),
                    active_server_matched_units = table.Column<double>(type: "double precision", nullable: true),
                    embodied_grams = table.Column<double>(type: "double precision", nullable: true),
                    facility_joules = table.Column<double>(type: "double precision", nullable: true),
                    facility_matched_seconds = table.Column<double>(type: "double precision", nullable: true),
                    facility_matched_units = table.Column<double>(type: "double precision", nullable: true),
                    facility_seconds = table.Column<double>(type: "double precision", nullable: false),
                    high_joules = table.Column<double>(type: "double precision", nullable: true),
                    idle_joules = table.Column<double>(type: "double precision", nullable: true),
                    idle_of_joules = table.Column<double>(type: "double precision", nullable: true),
                    known_joules = table.Column<double>(type: "double precision", nullable: true),
                    low_joules = table.Column<double>(type: "double precision", nullable: true),
                    marginal_grams = table.Column<double>(type: "double precision", nullable: true),
                    market_based_grams = table.Column<double>(type: "double precision", nullable: true),
                    matched_accelerator_joules = table.Column<double>(type: "double precision", nullable: true),
                    matched_active_accelerator_joules = table.Column<double>(type: "double precision", nullable: true),
                    matched_active_joules = table.Column<double>(type: "double precision", nullable: true),
                    matched_active_sci_grams = table.Column<double>(type: "double precision", nullable: true),
                    matched_active_server_joules = table.Column<double>(type: "double precision", nullable: true),
                    matched_facility_joules = table.Column<double>(type: "double precision", nullable: true),
                    matched_high_accelerator_joules = table.Column<double>(type: "double precision", nullable: true),
                    matched_high_facility_joules = table.Column<double>(type: "double precision", nullable: true),
                    matched_high_operational_grams = table.Column<double>(type: "double precision", nullable: true),
                    matched_high_sci_grams = table.Column<double>(type: "double precision", nullable: true),
                    matched_high_server_joules = table.Column<double>(type: "double precision", nullable: true),
                    matched_low_accelerator_joules = table.Column<double>(type: "double precision", nullable: true),
                    matched_low_facility_joules = table.Column<double>(type: "double precision", nullable: true),
                    matched_low_operational_grams = table.Column<double>(type: "double precision", nullable: true),
                    matched_low_sci_grams = table.Column<double>(type: "double precision", nullable: true),
                    matched_low_server_joules = table.Column<double>(type: "double precision", nullable: true),
                    matched_operational_grams = table.Column<double>(type: "double precision", nullable: true),
                    matched_sci_grams = table.Column<double>(type: "double precision", nullable: true),
                    matched_server_joules = table.Column<double>(type: "double precision", nullable: true),
                    measured_joules = table.Column<double>(type: "double precision", nullable: false),
                    operational_grams = table.Column<double>(type: "double precision", nullable: true),
                    operational_matched_seconds = table.Column<double>(type: "double precision", nullable: true),
                    operational_matched_units = table.Column<double>(type: "double precision", nullable: true),
                    present_seconds = table.Column<double>(type: "double precision", nullable: false),
                    rack_joules = table.Column<double>(type: "double precision", nullable: true),
                    sci_matched_seconds = table.Column<double>(type: "double precision", nullable: true),
                    sci_matched_units = table.Column<double>(type: "double precision", nullable: true),
                    server_joules = table.Column<double>(type: "double precision", nullable: true),
                    server_matched_seconds = table.Column<double>(type: "double precision", nullable: true),
                    server_matched_units = table.Column<double>(type: "double precision", nullable: true),
                    server_seconds = table.Column<double>(type: "double precision", nullable: false),
                    units = table.Column<double>(type: "double precision", nullable: true),
                    water_litres = table.Column<double>(type: "double precision", nullable: true),
                    work_seconds = table.Column<double>(type: "double precision", nullable: false),
                    period_end = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    date = table.Column<DateOnly>(type: "date", nullable: false),
                    date_key = table.Column<int>(type: "integer", nullable: false),
                    evidence = table.Column<short>(type: "smallint", nullable: false),
                    factors = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    missing = table.Column<int>(type: "integer", nullable: false),
                    cover_kinds = table.Column<int>(type: "integer", nullable: false),
                    idle_by = table.Column<int>(type: "integer", nullable: false),
                    recomputed_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_intensity_days", x => new { x.deployment_id, x.functional_unit, x.period_start });
                });

            migrationBuilder.CreateTable(
                name: "intensity_hours",
                columns: table => new
                {
                    deployment_id = table.Column<long>(type: "bigint", nullable: false),
                    functional_unit = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    period_start = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    final = table.Column<bool>(type: "boolean", nullable: false),
                    accelerator_joules = table.Column<double>(type: "double precision", nullable: true),
                    accelerator_matched_seconds = table.Column<double>(type: "double precision", nullable: true),
                    accelerator_matched_units = table.Column<double>(type: "double precision", nullable: true),
                    accelerator_seconds = table.Column<double>(type: "double precision", nullable: false),
                    active_accelerator_matched_seconds = table.Column<double>(type: "double precision", nullable: true),
                    active_accelerator_matched_units = table.Column<double>(type: "double precision", nullable: true),
                    active_matched_seconds = table.Column<double>(type: "double precision", nullable: true),
                    active_matched_units = table.Column<double>(type: "double precision", nullable: true),
                    active_sci_matched_seconds = table.Column<double>(type: "double precision", nullable: true),
                    active_sci_matched_units = table.Column<double>(type: "double precision", nullable: true),
                    active_server_matched_seconds = table.Column<double>(type: "double precision", nullable: true),
                    active_server_matched_units = table.Column<double>(type: "double precision", nullable: true),
                    embodied_grams = table.Column<double>(type: "double precision", nullable: true),
                    facility_joules = table.Column<double>(type: "double precision", nullable: true),
                    facility_matched_seconds = table.Column<double>(type: "double precision", nullable: true),
                    facility_matched_units = table.Column<double>(type: "double precision", nullable: true),
                    facility_seconds = table.Column<double>(type: "double precision", nullable: false),
                    high_joules = table.Column<double>(type: "double precision", nullable: true),
                    idle_joules = table.Column<double>(type: "double precision", nullable: true),
                    idle_of_joules = table.Column<double>(type: "double precision", nullable: true),
                    known_joules = table.Column<double>(type: "double precision", nullable: true),
                    low_joules = table.Column<double>(type: "double precision", nullable: true),
                    marginal_grams = table.Column<double>(type: "double precision", nullable: true),
                    market_based_grams = table.Column<double>(type: "double precision", nullable: true),
                    matched_accelerator_joules = table.Column<double>(type: "double precision", nullable: true),
                    matched_active_accelerator_joules = table.Column<double>(type: "double precision", nullable: true),
                    matched_active_joules = table.Column<double>(type: "double precision", nullable: true),
                    matched_active_sci_grams = table.Column<double>(type: "double precision", nullable: true),
                    matched_active_server_joules = table.Column<double>(type: "double precision", nullable: true),
                    matched_facility_joules = table.Column<double>(type: "double precision", nullable: true),
                    matched_high_accelerator_joules = table.Column<double>(type: "double precision", nullable: true),
                    matched_high_facility_joules = table.Column<double>(type: "double precision", nullable: true),
                    matched_high_operational_grams = table.Column<double>(type: "double precision", nullable: true),
                    matched_high_sci_grams = table.Column<double>(type: "double precision", nullable: true),
                    matched_high_server_joules = table.Column<double>(type: "double precision", nullable: true),
                    matched_low_accelerator_joules = table.Column<double>(type: "double precision", nullable: true),
                    matched_low_facility_joules = table.Column<double>(type: "double precision", nullable: true),
                    matched_low_operational_grams = table.Column<double>(type: "double precision", nullable: true),
                    matched_low_sci_grams = table.Column<double>(type: "double precision", nullable: true),
                    matched_low_server_joules = table.Column<double>(type: "double precision", nullable: true),
                    matched_operational_grams = table.Column<double>(type: "double precision", nullable: true),
                    matched_sci_grams = table.Column<double>(type: "double precision", nullable: true),
                    matched_server_joules = table.Column<double>(type: "double precision", nullable: true),
                    measured_joules = table.Column<double>(type: "double precision", nullable: false),
                    operational_grams = table.Column<double>(type: "double precision", nullable: true),
                    operational_matched_seconds = table.Column<double>(type: "double precision", nullable: true),
                    operational_matched_units = table.Column<double>(type: "double precision", nullable: true),
                    present_seconds = table.Column<double>(type: "double precision", nullable: false),
                    rack_joules = table.Column<double>(type: "double precision", nullable: true),
                    sci_matched_seconds = table.Column<double>(type: "double precision", nullable: true),
                    sci_matched_units = table.Column<double>(type: "double precision", nullable: true),
                    server_joules = table.Column<double>(type: "double precision", nullable: true),
                    server_matched_seconds = table.Column<double>(type: "double precision", nullable: true),
                    server_matched_units = table.Column<double>(type: "double precision", nullable: true),
                    server_seconds = table.Column<double>(type: "double precision", nullable: false),
                    units = table.Column<double>(type: "double precision", nullable: true),
                    water_litres = table.Column<double>(type: "double precision", nullable: true),
                    work_seconds = table.Column<double>(type: "double precision", nullable: false),
                    period_end = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    date = table.Column<DateOnly>(type: "date", nullable: false),
                    date_key = table.Column<int>(type: "integer", nullable: false),
                    evidence = table.Column<short>(type: "smallint", nullable: false),
                    factors = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    missing = table.Column<int>(type: "integer", nullable: false),
                    cover_kinds = table.Column<int>(type: "integer", nullable: false),
                    idle_by = table.Column<int>(type: "integer", nullable: false),
                    recomputed_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_intensity_hours", x => new { x.deployment_id, x.functional_unit, x.period_start });
                });

            migrationBuilder.CreateTable(
                name: "intensity_rule",
                columns: table => new
                {
                    id = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    description = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    kind = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    workload = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    functional_unit = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    boundary = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    comparison = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    threshold = table.Column<double>(type: "double precision", nullable: false),
                    window_hours = table.Column<int>(type: "integer", nullable: false),
                    baseline_hours = table.Column<int>(type: "integer", nullable: true),
                    cool_down_minutes = table.Column<int>(type: "integer", nullable: false),
                    enabled = table.Column<bool>(type: "boolean", nullable: false),
                    created_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    updated_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    fired_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: true),
                    fired_window_end = table.Column<DateTime>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_intensity_rule", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "metric_mappings",
                columns: table => new
                {
                    id = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    version = table.Column<int>(type: "integer", nullable: false),
                    provider = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    metrics = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    quantity = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    unit = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    kind = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    component = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    functional_unit = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    evidence = table.Column<short>(type: "smallint", nullable: false),
                    effective_from = table.Column<DateOnly>(type: "date", nullable: false),
                    reference = table.Column<string>(type: "text", nullable: false, collation: "C")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_metric_mappings", x => new { x.id, x.version });
                });

            migrationBuilder.CreateTable(
                name: "places",
                columns: table => new
                {
                    name = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    provider = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    region = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    country = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    pue = table.Column<double>(type: "double precision", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_places", x => x.name);
                });

            migrationBuilder.CreateTable(
                name: "quarantine",
                columns: table => new
                {
                    source = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    subject = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    code = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    message = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    failures = table.Column<int>(type: "integer", nullable: false),
                    since = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    last_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_quarantine", x => new { x.source, x.subject });
                });

            migrationBuilder.CreateTable(
                name: "rejection",
                columns: table => new
                {
                    id = table.Column<long>(type: "bigint", nullable: false),
                    source = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    subject = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    at = table.Column<DateTime>(type: "timestamp with time zone", nullable: true),
                    reason = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    detail = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    first_seen = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    last_seen = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    count = table.Column<long>(type: "bigint", nullable: false),
                    epoch = table.Column<long>(type: "bigint", nullable: false),
                    hour = table.Column<DateTime>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_rejection", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "restatement",
                columns: table => new
                {
                    id = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    deployment_id = table.Column<long>(type: "bigint", nullable: false),
                    functional_unit = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    period_start = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    measure = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    old = table.Column<double>(type: "double precision", nullable: true),
                    @new = table.Column<double>(name: "new", type: "double precision", nullable: true),
                    old_factors = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    new_factors = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    reason = table.Column<string>(type: "text", nullable: false, collation: "C")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_restatement", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "run",
                columns: table => new
                {
                    id = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    source = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    epoch = table.Column<long>(type: "bigint", nullable: false),
                    kind = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    started_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    ended_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: true),
                    window_start = table.Column<DateTime>(type: "timestamp with time zone", nullable: true),
                    window_end = table.Column<DateTime>(type: "timestamp with time zone", nullable: true),
                    received = table.Column<long>(type: "bigint", nullable: false),
                    written = table.Column<long>(type: "bigint", nullable: false),
                    rejected = table.Column<long>(type: "bigint", nullable: false),
                    series_expected = table.Column<int>(type: "integer", nullable: true),
                    series_received = table.Column<int>(type: "integer", nullable: false),
                    state = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    error_code = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    error = table.Column<string>(type: "text", nullable: true, collation: "C")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_run", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "sample_hours",
                columns: table => new
                {
                    hour = table.Column<DateTime>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_sample_hours", x => x.hour);
                });

            migrationBuilder.CreateTable(
                name: "samples",
                columns: table => new
                {
                    series_id = table.Column<long>(type: "bigint", nullable: false),
                    start = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    end_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    value = table.Column<double>(type: "double precision", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_samples", x => new { x.series_id, x.start });
                    table.CheckConstraint("ck_samples_value", "value >= 0 AND value <= 1e24");
                });

            migrationBuilder.CreateTable(
                name: "series",
                columns: table => new
                {
                    id = table.Column<long>(type: "bigint", nullable: false),
                    source = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    provider = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    metric = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    labels = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    statistic = table.Column<short>(type: "smallint", nullable: false),
                    period_ms = table.Column<long>(type: "bigint", nullable: false),
                    first_seen = table.Column<DateTime>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_series", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "settings",
                columns: table => new
                {
                    name = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    value = table.Column<string>(type: "text", nullable: false, collation: "C")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_settings", x => x.name);
                });

            migrationBuilder.CreateTable(
                name: "source",
                columns: table => new
                {
                    id = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    provider = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    place = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    registered_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    watermark = table.Column<DateTime>(type: "timestamp with time zone", nullable: true),
                    cursor = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    epoch = table.Column<long>(type: "bigint", nullable: false),
                    lease_owner = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    lease_until = table.Column<DateTime>(type: "timestamp with time zone", nullable: true),
                    next_read_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: true),
                    failures = table.Column<int>(type: "integer", nullable: false),
                    last_error_code = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    last_error = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    last_read_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: true),
                    series_expected = table.Column<int>(type: "integer", nullable: true),
                    thin_reads = table.Column<int>(type: "integer", nullable: false),
                    reread_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: true),
                    reconciled_until = table.Column<DateTime>(type: "timestamp with time zone", nullable: true),
                    stale_since = table.Column<DateTime>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_source", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "webhook",
                columns: table => new
                {
                    id = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    url = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    description = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    types = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    format = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    signing = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    enabled = table.Column<bool>(type: "boolean", nullable: false),
                    disabled_reason = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    disabled_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: true),
                    failing_since = table.Column<DateTime>(type: "timestamp with time zone", nullable: true),
                    paused_until = table.Column<DateTime>(type: "timestamp with time zone", nullable: true),
                    created_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    updated_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_webhook", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "webhook_message",
                columns: table => new
                {
                    id = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    event_id = table.Column<long>(type: "bigint", nullable: true),
                    type = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    standard = table.Column<byte[]>(type: "bytea", nullable: false),
                    cloud_event = table.Column<byte[]>(type: "bytea", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_webhook_message", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "work_facts",
                columns: table => new
                {
                    deployment_id = table.Column<long>(type: "bigint", nullable: false),
                    functional_unit = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    period_start = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    period_end = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    units = table.Column<double>(type: "double precision", nullable: false),
                    counted_seconds = table.Column<double>(type: "double precision", nullable: false),
                    evidence = table.Column<short>(type: "smallint", nullable: false),
                    mappings = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    recomputed_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    covered_seconds = table.Column<double>(type: "double precision", nullable: false),
                    present_seconds = table.Column<double>(type: "double precision", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_work_facts", x => new { x.deployment_id, x.functional_unit, x.period_start });
                    table.CheckConstraint("ck_work_facts_units", "units >= 0 AND units <= 1e24");
                });

            migrationBuilder.CreateTable(
                name: "workload",
                columns: table => new
                {
                    name = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    model = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    precision = table.Column<string>(type: "text", nullable: true, collation: "C")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_workload", x => x.name);
                });

            migrationBuilder.CreateTable(
                name: "resource",
                columns: table => new
                {
                    id = table.Column<long>(type: "bigint", nullable: false),
                    kind = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    name = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    node = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    hardware = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    place = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    account = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    scope = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    accelerator = table.Column<bool>(type: "boolean", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_resource", x => x.id);
                    table.ForeignKey(
                        name: "fk_resource_place",
                        column: x => x.place,
                        principalTable: "places",
                        principalColumn: "name",
                        onDelete: ReferentialAction.Restrict);
                });

            migrationBuilder.CreateTable(
                name: "webhook_secret",
                columns: table => new
                {
                    id = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    webhook_id = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    secret = table.Column<byte[]>(type: "bytea", nullable: false),
                    made_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    valid_until = table.Column<DateTime>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_webhook_secret", x => x.id);
                    table.ForeignKey(
                        name: "fk_webhook_secret_webhook_id",
                        column: x => x.webhook_id,
                        principalTable: "webhook",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "webhook_delivery",
                columns: table => new
                {
                    id = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    webhook_id = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    message_id = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    state = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    step = table.Column<int>(type: "integer", nullable: false),
                    attempts = table.Column<int>(type: "integer", nullable: false),
                    created_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    next_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    claim_token = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    claimed_until = table.Column<DateTime>(type: "timestamp with time zone", nullable: true),
                    ended_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_webhook_delivery", x => x.id);
                    table.ForeignKey(
                        name: "fk_webhook_delivery_message_id",
                        column: x => x.message_id,
                        principalTable: "webhook_message",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                    table.ForeignKey(
                        name: "fk_webhook_delivery_webhook_id",
                        column: x => x.webhook_id,
                        principalTable: "webhook",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "deployment",
                columns: table => new
                {
                    id = table.Column<long>(type: "bigint", nullable: false),
                    workload = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    place = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    account = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    hardware = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    accelerators = table.Column<int>(type: "integer", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_deployment", x => x.id);
                    table.ForeignKey(
                        name: "fk_deployment_place",
                        column: x => x.place,
                        principalTable: "places",
                        principalColumn: "name",
                        onDelete: ReferentialAction.Restrict);
                    table.ForeignKey(
                        name: "fk_deployment_workload",
                        column: x => x.workload,
                        principalTable: "workload",
                        principalColumn: "name",
                        onDelete: ReferentialAction.Restrict);
                });

            migrationBuilder.CreateTable(
                name: "webhook_attempt",
                columns: table => new
                {
                    id = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    delivery_id = table.Column<long>(type: "bigint", nullable: false),
                    number = table.Column<int>(type: "integer", nullable: false),
                    at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    milliseconds = table.Column<int>(type: "integer", nullable: false),
                    status_code = table.Column<int>(type: "integer", nullable: true),
                    error_code = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    error = table.Column<string>(type: "text", nullable: true, collation: "C")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_webhook_attempt", x => x.id);
                    table.ForeignKey(
                        name: "fk_webhook_attempt_delivery_id",
                        column: x => x.delivery_id,
                        principalTable: "webhook_delivery",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "deployment_resources",
                columns: table => new
                {
                    deployment_id = table.Column<long>(type: "bigint", nullable: false),
                    resource_id = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_deployment_resources", x => new { x.deployment_id, x.resource_id });
                    table.ForeignKey(
                        name: "fk_deployment_resources_deployment_id",
                        column: x => x.deployment_id,
                        principalTable: "deployment",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Restrict);
                    table.ForeignKey(
                        name: "fk_deployment_resources_resource_id",
                        column: x => x.resource_id,
                        principalTable: "resource",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Restrict);
                });

            migrationBuilder.CreateIndex(
                name: "ix_backfill_source_state",
                table: "backfill",
                columns: new[] { "source", "state" });

            migrationBuilder.CreateIndex(
                name: "ix_deployment_place",
                table: "deployment",
                column: "place");

            migrationBuilder.CreateIndex(
                name: "ix_deployment_workload",
                table: "deployment",
                column: "workload");

            migrationBuilder.CreateIndex(
                name: "ix_deployment_resources_resource_id",
                table: "deployment_resources",
                column: "resource_id");

            migrationBuilder.CreateIndex(
                name: "ix_energy_facts_period_start",
                table: "energy_facts",
                column: "period_start");

            migrationBuilder.CreateIndex(
                name: "ix_event_at",
                table: "event",
                column: "at");

            migrationBuilder.CreateIndex(
                name: "ix_intensity_days_date",
                table: "intensity_days",
                column: "date");

            migrationBuilder.CreateIndex(
                name: "ix_intensity_days_period_start",
                table: "intensity_days",
                column: "period_start");

            migrationBuilder.CreateIndex(
                name: "ix_intensity_hours_date",
                table: "intensity_hours",
                column: "date");

            migrationBuilder.CreateIndex(
                name: "ix_intensity_hours_period_end",
                table: "intensity_hours",
                column: "period_end",
                filter: "NOT final");

            migrationBuilder.CreateIndex(
                name: "ix_intensity_hours_period_start",
                table: "intensity_hours",
                column: "period_start");

            migrationBuilder.CreateIndex(
                name: "ix_rejection_hour",
                table: "rejection",
                column: "hour");

            migrationBuilder.CreateIndex(
                name: "ix_rejection_last_seen",
                table: "rejection",
                column: "last_seen");

            migrationBuilder.CreateIndex(
                name: "ix_resource_place",
                table: "resource",
                column: "place");

            migrationBuilder.CreateIndex(
                name: "ix_restatement_at",
                table: "restatement",
                column: "at");

            migrationBuilder.CreateIndex(
                name: "ix_run_source_epoch",
                table: "run",
                columns: new[] { "source", "epoch" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_run_started_at",
                table: "run",
                column: "started_at");

            migrationBuilder.CreateIndex(
                name: "ix_series_source_metric",
                table: "series",
                columns: new[] { "source", "metric" });

            migrationBuilder.CreateIndex(
                name: "ix_webhook_attempt_delivery_id",
                table: "webhook_attempt",
                column: "delivery_id");

            migrationBuilder.CreateIndex(
                name: "ix_webhook_delivery_ended_at",
                table: "webhook_delivery",
                column: "ended_at");

            migrationBuilder.CreateIndex(
                name: "ix_webhook_delivery_message_id_webhook_id",
                table: "webhook_delivery",
                columns: new[] { "message_id", "webhook_id" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_webhook_delivery_webhook_id_id",
                table: "webhook_delivery",
                columns: new[] { "webhook_id", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_webhook_delivery_webhook_id_next_at",
                table: "webhook_delivery",
                columns: new[] { "webhook_id", "next_at" },
                filter: "state = 'due'");

            migrationBuilder.CreateIndex(
                name: "ix_webhook_message_at",
                table: "webhook_message",
                column: "at");

            migrationBuilder.CreateIndex(
                name: "ix_webhook_message_event_id",
                table: "webhook_message",
                column: "event_id",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_webhook_secret_webhook_id",
                table: "webhook_secret",
                column: "webhook_id");

            migrationBuilder.CreateIndex(
                name: "ix_work_facts_period_start",
                table: "work_facts",
                column: "period_start");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "access_key");

            migrationBuilder.DropTable(
                name: "audit");

            migrationBuilder.DropTable(
                name: "backfill");

            migrationBuilder.DropTable(
                name: "calendar_day");

            migrationBuilder.DropTable(
                name: "deployment_resources");

            migrationBuilder.DropTable(
                name: "dirty_hours");

            migrationBuilder.DropTable(
                name: "energy_facts");

            migrationBuilder.DropTable(
                name: "event");

            migrationBuilder.DropTable(
                name: "factor");

            migrationBuilder.DropTable(
                name: "intensity_days");

            migrationBuilder.DropTable(
                name: "intensity_hours");

            migrationBuilder.DropTable(
                name: "intensity_rule");

            migrationBuilder.DropTable(
                name: "metric_mappings");

            migrationBuilder.DropTable(
                name: "quarantine");

            migrationBuilder.DropTable(
                name: "rejection");

            migrationBuilder.DropTable(
                name: "restatement");

            migrationBuilder.DropTable(
                name: "run");

            migrationBuilder.DropTable(
                name: "sample_hours");

            migrationBuilder.DropTable(
                name: "samples");

            migrationBuilder.DropTable(
                name: "series");

            migrationBuilder.DropTable(
                name: "settings");

            migrationBuilder.DropTable(
                name: "source");

            migrationBuilder.DropTable(
                name: "webhook_attempt");

            migrationBuilder.DropTable(
                name: "webhook_secret");

            migrationBuilder.DropTable(
                name: "work_facts");

            migrationBuilder.DropTable(
                name: "deployment");

            migrationBuilder.DropTable(
                name: "resource");

            migrationBuilder.DropTable(
                name: "webhook_delivery");

            migrationBuilder.DropTable(
                name: "workload");

            migrationBuilder.DropTable(
                name: "places");

            migrationBuilder.DropTable(
                name: "webhook_message");

            migrationBuilder.DropTable(
                name: "webhook");
        }
    }
}
