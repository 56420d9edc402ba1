using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Metrics.Migrations.Sqlite.Migrations
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
                    id = table.Column<string>(type: "TEXT", nullable: false),
                    name = table.Column<string>(type: "TEXT", nullable: false),
                    hash = table.Column<string>(type: "TEXT", nullable: false),
                    scopes = table.Column<string>(type: "TEXT", nullable: false),
                    created_at = table.Column<long>(type: "INTEGER", nullable: false),
                    created_by = table.Column<string>(type: "TEXT", nullable: false),
                    expires_at = table.Column<long>(type: "INTEGER", nullable: true),
                    revoked_at = table.Column<long>(type: "INTEGER", nullable: true),
                    last_used_at = table.Column<long>(type: "INTEGER", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_access_key", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "audit",
                columns: table => new
                {
                    id = table.Column<long>(type: "INTEGER", nullable: false),
                    at = table.Column<long>(type: "INTEGER", nullable: false),
                    actor = table.Column<string>(type: "TEXT", nullable: false),
                    action = table.Column<string>(type: "TEXT", nullable: false),
                    outcome = table.Column<string>(type: "TEXT", nullable: false),
                    hash = table.Column<string>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_audit", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "backfill",
                columns: table => new
                {
                    id = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    source = table.Column<string>(type: "TEXT", nullable: false),
                    kind = table.Column<string>(type: "TEXT", nullable: false),
                    from_at = table.Column<long>(type: "INTEGER", nullable: false),
                    to_at = table.Column<long>(type: "INTEGER", nullable: false),
                    position = table.Column<long>(type: "INTEGER", nullable: false),
                    step_seconds = table.Column<int>(type: "INTEGER", nullable: false),
                    windows = table.Column<int>(type: "INTEGER", nullable: false),
                    windows_done = table.Column<int>(type: "INTEGER", nullable: false),
                    received = table.Column<long>(type: "INTEGER", nullable: false),
                    written = table.Column<long>(type: "INTEGER", nullable: false),
                    state = table.Column<string>(type: "TEXT", nullable: false),
                    requested_at = table.Column<long>(type: "INTEGER", nullable: false),
                    started_at = table.Column<long>(type: "INTEGER", nullable: true),
                    ended_at = table.Column<long>(type: "INTEGER", nullable: true),
                    failures = table.Column<int>(type: "INTEGER", nullable: false),
                    next_read_at = table.Column<long>(type: "INTEGER", nullable: true),
                    error_code = table.Column<string>(type: "TEXT", nullable: true),
                    error = table.Column<string>(type: "TEXT", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_backfill", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "calendar_day",
                columns: table => new
                {
                    date = table.Column<DateOnly>(type: "TEXT", nullable: false),
                    date_key = table.Column<int>(type: "INTEGER", nullable: false),
                    year = table.Column<int>(type: "INTEGER", nullable: false),
                    quarter = table.Column<int>(type: "INTEGER", nullable: false),
                    month = table.Column<int>(type: "INTEGER", nullable: false),
                    day = table.Column<int>(type: "INTEGER", nullable: false),
                    iso_week = table.Column<int>(type: "INTEGER", nullable: false),
                    weekday = table.Column<int>(type: "INTEGER", nullable: false),
                    month_name = table.Column<string>(type: "TEXT", nullable: false),
                    weekday_name = table.Column<string>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_calendar_day", x => x.date);
                });

            migrationBuilder.CreateTable(
                name: "dirty_hours",
                columns: table => new
                {
                    hour = table.Column<long>(type: "INTEGER", nullable: false),
                    mark = table.Column<long>(type: "INTEGER", nullable: false),
                    reason = table.Column<string>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_dirty_hours", x => x.hour);
                });

            migrationBuilder.CreateTable(
                name: "energy_facts",
                columns: table => new
                {
                    deployment_id = table.Column<long>(type: "INTEGER", nullable: false),
                    resource_id = table.Column<long>(type: "INTEGER", nullable: false),
                    period_start = table.Column<long>(type: "INTEGER", nullable: false),
                    period_end = table.Column<long>(type: "INTEGER", nullable: false),
                    evidence = table.Column<short>(type: "INTEGER", nullable: false),
                    cover = table.Column<short>(type: "INTEGER", nullable: false),
                    mappings = table.Column<string>(type: "TEXT", nullable: false),
                    factors = table.Column<string>(type: "TEXT", nullable: false),
                    missing = table.Column<int>(type: "INTEGER", nullable: false),
                    recomputed_at = table.Column<long>(type: "INTEGER", nullable: false),
                    accelerator_joules = table.Column<double>(type: "REAL", nullable: true),
                    covered_seconds = table.Column<double>(type: "REAL", nullable: false),
                    embodied_grams = table.Column<double>(type: "REAL", nullable: true),
                    facility_joules = table.Column<double>(type: "REAL", nullable: true),
                    high_joules = table.Column<double>(type: "REAL", nullable: true),
                    idle_joules = table.Column<double>(type: "REAL", nullable: true),
                    low_joules = table.Column<double>(type: "REAL", nullable: true),
                    marginal_grams = table.Column<double>(type: "REAL", nullable: true),
                    market_based_grams = table.Column<double>(type: "REAL", nullable: true),
                    measured_joules = table.Column<double>(type: "REAL", nullable: false),
                    operational_grams = table.Column<double>(type: "REAL", nullable: true),
                    present_seconds = table.Column<double>(type: "REAL", nullable: false),
                    rack_joules = table.Column<double>(type: "REAL", nullable: true),
                    server_joules = table.Column<double>(type: "REAL", nullable: true),
                    water_litres = table.Column<double>(type: "REAL", nullable: true)
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
                    id = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    type = table.Column<string>(type: "TEXT", nullable: false),
                    source = table.Column<string>(type: "TEXT", nullable: true),
                    at = table.Column<long>(type: "INTEGER", nullable: false),
                    body = table.Column<string>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_event", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "factor",
                columns: table => new
                {
                    id = table.Column<long>(type: "INTEGER", nullable: false),
                    name = table.Column<string>(type: "TEXT", nullable: false),
                    kind = table.Column<string>(type: "TEXT", nullable: false),
                    place = table.Column<string>(type: "TEXT", nullable: true),
                    method = table.Column<string>(type: "TEXT", nullable: true),
                    value = table.Column<double>(type: "REAL", nullable: false),
                    low = table.Column<double>(type: "REAL", nullable: true),
                    high = table.Column<double>(type: "REAL", nullable: true),
                    unit = table.Column<string>(type: "TEXT", nullable: false),
                    source = table.Column<string>(type: "TEXT", nullable: false),
                    licence = table.Column<string>(type: "TEXT", nullable: true),
                    retrieved = table.Column<DateOnly>(type: "TEXT", nullable: true),
                    vintage = table.Column<string>(type: "TEXT", nullable: true),
                    valid_from = table.Column<DateOnly>(type: "TEXT", nullable: true),
                    valid_to = table.Column<DateOnly>(type: "TEXT", nullable: true),
                    version = table.Column<string>(type: "TEXT", nullable: false),
                    superseded_at = table.Column<long>(type: "INTEGER", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_factor", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "intensity_days",
                columns: table => new
                {
                    deployment_id = table.Column<long>(type: "INTEGER", nullable: false),
                    functional_unit = table.Column<string>(type: "TEXT", nullable: false),
                    period_start = table.Column<long>(type: "INTEGER", nullable: false),
                    accelerator_joules = table.Column<double>(type: "REAL", nullable: true),
                    accelerator_matched_seconds = table.Column<double>(type: "REAL", nullable: true),
                    accelerator_matched_units = table.Column<double>(type: "REAL", nullable: true),
                    accelerator_seconds = table.Column<double>(type: "REAL", nullable: false),
                    active_accelerator_matched_seconds = table.Column<double>(type: "REAL", nullable: true),
                    active_accelerator_matched_units = table.Column<double>(type: "REAL", nullable: true),
                    active_matched_seconds = table.Column<double>(type: "REAL", nullable: true),
                    active_matched_units = table.Column<double>(type: "REAL", nullable: true),
                    active_sci_matched_seconds = table.Column<double>(type: "REAL", nullable: true),
                    active_sci_matched_units = table.Column<double>(type: "REAL", nullable: true),
                    active_server_matched_seconds = table.Column<double>(type: "REAL", nullable: true),
                    active_server_matched_units = table.Column<double>(type: "REAL", nullable: true),
                    embodied_grams = table.Column<double>(type: "REAL", nullable: true),
                    facility_joules = table.Column<double>(type: "REAL", nullable: true),
                    facility_matched_seconds = table.Column<double>(type: "REAL", nullable: true),
                    facility_matched_units = table.Column<double>(type: "REAL", nullable: true),
                    facility_seconds = table.Column<double>(type: "REAL", nullable: false),
                    high_joules = table.Column<double>(type: "REAL", nullable: true),
                    idle_joules = table.Column<double>(type: "REAL", nullable: true),
                    idle_of_joules = table.Column<double>(type: "REAL", nullable: true),
                    known_joules = table.Column<double>(type: "REAL", nullable: true),
                    low_joules = table.Column<double>(type: "REAL", nullable: true),
                    marginal_grams = table.Column<double>(type: "REAL", nullable: true),
                    market_based_grams = table.Column<double>(type: "REAL", nullable: true),
                    matched_accelerator_joules = table.Column<double>(type: "REAL", nullable: true),
                    matched_active_accelerator_joules = table.Column<double>(type: "REAL", nullable: true),
                    matched_active_joules = table.Column<double>(type: "REAL", nullable: true),
                    matched_active_sci_grams = table.Column<double>(type: "REAL", nullable: true),
                    matched_active_server_joules = table.Column<double>(type: "REAL", nullable: true),
                    matched_facility_joules = table.Column<double>(type: "REAL", nullable: true),
                    matched_high_accelerator_joules = table.Column<double>(type: "REAL", nullable: true),
                    matched_high_facility_joules = table.Column<double>(type: "REAL", nullable: true),
                    matched_high_operational_grams = table.Column<double>(type: "REAL", nullable: true),
                    matched_high_sci_grams = table.Column<double>(type: "REAL", nullable: true),
                    matched_high_server_joules = table.Column<double>(type: "REAL", nullable: true),
                    matched_low_accelerator_joules = table.Column<double>(type: "REAL", nullable: true),
                    matched_low_facility_joules = table.Column<double>(type: "REAL", nullable: true),
                    matched_low_operational_grams = table.Column<double>(type: "REAL", nullable: true),
                    matched_low_sci_grams = table.Column<double>(type: "REAL", nullable: true),
                    matched_low_server_joules = table.Column<double>(type: "REAL", nullable: true),
                    matched_operational_grams = table.Column<double>(type: "REAL", nullable: true),
                    matched_sci_grams = table.Column<double>(type: "REAL", nullable: true),
                    matched_server_joules = table.Column<double>(type: "REAL", nullable: true),
                    measured_joules = table.Column<double>(type: "REAL", nullable: false),
                    operational_grams = table.Column<double>(type: "REAL", nullable: true),
                    operational_matched_seconds = table.Column<double>(type: "REAL", nullable: true),
                    operational_matched_units = table.Column<double>(type: "REAL", nullable: true),
                    present_seconds = table.Column<double>(type: "REAL", nullable: false),
                    rack_joules = table.Column<double>(type: "REAL", nullable: true),
                    sci_matched_seconds = table.Column<double>(type: "REAL", nullable: true),
                    sci_matched_units = table.Column<double>(type: "REAL", nullable: true),
                    server_joules = table.Column<double>(type: "REAL", nullable: true),
                    server_matched_seconds = table.Column<double>(type: "REAL", nullable: true),
                    server_matched_units = table.Column<double>(type: "REAL", nullable: true),
                    server_seconds = table.Column<double>(type: "REAL", nullable: false),
                    units = table.Column<double>(type: "REAL", nullable: true),
                    water_litres = table.Column<double>(type: "REAL", nullable: true),
                    work_seconds = table.Column<double>(type: "REAL", nullable: false),
                    period_end = table.Column<long>(type: "INTEGER", nullable: false),
                    date = table.Column<DateOnly>(type: "TEXT", nullable: false),
                    date_key = table.Column<int>(type: "INTEGER", nullable: false),
                    evidence = table.Column<short>(type: "INTEGER", nullable: false),
                    factors = table.Column<string>(type: "TEXT", nullable: false),
                    missing = table.Column<int>(type: "INTEGER", nullable: false),
                    cover_kinds = table.Column<int>(type: "INTEGER", nullable: false),
                    idle_by = table.Column<int>(type: "INTEGER", nullable: false),
                    recomputed_at = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_intensity_days", x => new { x.deployment_id, x.functional_unit, x.period_start });
                });

            migrationBuilder.CreateTable(
                name: "intensity_hours",
                columns: table => new
                {
                    deployment_id = table.Column<long>(type: "INTEGER", nullable: false),
                    functional_unit = table.Column<string>(type: "TEXT", nullable: false),
                    period_start = table.Column<long>(type: "INTEGER", nullable: false),
                    final = table.Column<bool>(type: "INTEGER", nullable: false),
                    accelerator_joules = table.Column<double>(type: "REAL", nullable: true),
                    accelerator_matched_seconds = table.Column<double>(type: "REAL", nullable: true),
                    accelerator_matched_units = table.Column<double>(type: "REAL", nullable: true),
                    accelerator_seconds = table.Column<double>(type: "REAL", nullable: false),
                    active_accelerator_matched_seconds = table.Column<double>(type: "REAL", nullable: true),
                    active_accelerator_matched_units = table.Column<double>(type: "REAL", nullable: true),
                    active_matched_seconds = table.Column<double>(type: "REAL", nullable: true),
                    active_matched_units = table.Column<double>(type: "REAL", nullable: true),
                    active_sci_matched_seconds = table.Column<double>(type: "REAL", nullable: true),
                    active_sci_matched_units = table.Column<double>(type: "REAL", nullable: true),
                    active_server_matched_seconds = table.Column<double>(type: "REAL", nullable: true),
                    active_server_matched_units = table.Column<double>(type: "REAL", nullable: true),
                    embodied_grams = table.Column<double>(type: "REAL", nullable: true),
                    facility_joules = table.Column<double>(type: "REAL", nullable: true),
                    facility_matched_seconds = table.Column<double>(type: "REAL", nullable: true),
                    facility_matched_units = table.Column<double>(type: "REAL", nullable: true),
                    facility_seconds = table.Column<double>(type: "REAL", nullable: false),
                    high_joules = table.Column<double>(type: "REAL", nullable: true),
                    idle_joules = table.Column<double>(type: "REAL", nullable: true),
                    idle_of_joules = table.Column<double>(type: "REAL", nullable: true),
                    known_joules = table.Column<double>(type: "REAL", nullable: true),
                    low_joules = table.Column<double>(type: "REAL", nullable: true),
                    marginal_grams = table.Column<double>(type: "REAL", nullable: true),
                    market_based_grams = table.Column<double>(type: "REAL", nullable: true),
                    matched_accelerator_joules = table.Column<double>(type: "REAL", nullable: true),
                    matched_active_accelerator_joules = table.Column<double>(type: "REAL", nullable: true),
                    matched_active_joules = table.Column<double>(type: "REAL", nullable: true),
                    matched_active_sci_grams = table.Column<double>(type: "REAL", nullable: true),
                    matched_active_server_joules = table.Column<double>(type: "REAL", nullable: true),
                    matched_facility_joules = table.Column<double>(type: "REAL", nullable: true),
                    matched_high_accelerator_joules = table.Column<double>(type: "REAL", nullable: true),
                    matched_high_facility_joules = table.Column<double>(type: "REAL", nullable: true),
                    matched_high_operational_grams = table.Column<double>(type: "REAL", nullable: true),
                    matched_high_sci_grams = table.Column<double>(type: "REAL", nullable: true),
                    matched_high_server_joules = table.Column<double>(type: "REAL", nullable: true),
                    matched_low_accelerator_joules = table.Column<double>(type: "REAL", nullable: true),
                    matched_low_facility_joules = table.Column<double>(type: "REAL", nullable: true),
                    matched_low_operational_grams = table.Column<double>(type: "REAL", nullable: true),
                    matched_low_sci_grams = table.Column<double>(type: "REAL", nullable: true),
                    matched_low_server_joules = table.Column<double>(type: "REAL", nullable: true),
                    matched_operational_grams = table.Column<double>(type: "REAL", nullable: true),
                    matched_sci_grams = table.Column<double>(type: "REAL", nullable: true),
                    matched_server_joules = table.Column<double>(type: "REAL", nullable: true),
                    measured_joules = table.Column<double>(type: "REAL", nullable: false),
                    operational_grams = table.Column<double>(type: "REAL", nullable: true),
                    operational_matched_seconds = table.Column<double>(type: "REAL", nullable: true),
                    operational_matched_units = table.Column<double>(type: "REAL", nullable: true),
                    present_seconds = table.Column<double>(type: "REAL", nullable: false),
                    rack_joules = table.Column<double>(type: "REAL", nullable: true),
                    sci_matched_seconds = table.Column<double>(type: "REAL", nullable: true),
                    sci_matched_units = table.Column<double>(type: "REAL", nullable: true),
                    server_joules = table.Column<double>(type: "REAL", nullable: true),
                    server_matched_seconds = table.Column<double>(type: "REAL", nullable: true),
                    server_matched_units = table.Column<double>(type: "REAL", nullable: true),
                    server_seconds = table.Column<double>(type: "REAL", nullable: false),
                    units = table.Column<double>(type: "REAL", nullable: true),
                    water_litres = table.Column<double>(type: "REAL", nullable: true),
                    work_seconds = table.Column<double>(type: "REAL", nullable: false),
                    period_end = table.Column<long>(type: "INTEGER", nullable: false),
                    date = table.Column<DateOnly>(type: "TEXT", nullable: false),
                    date_key = table.Column<int>(type: "INTEGER", nullable: false),
                    evidence = table.Column<short>(type: "INTEGER", nullable: false),
                    factors = table.Column<string>(type: "TEXT", nullable: false),
                    missing = table.Column<int>(type: "INTEGER", nullable: false),
                    cover_kinds = table.Column<int>(type: "INTEGER", nullable: false),
                    idle_by = table.Column<int>(type: "INTEGER", nullable: false),
                    recomputed_at = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_intensity_hours", x => new { x.deployment_id, x.functional_unit, x.period_start });
                });

            migrationBuilder.CreateTable(
                name: "intensity_rule",
                columns: table => new
                {
                    id = table.Column<string>(type: "TEXT", nullable: false),
                    description = table.Column<string>(type: "TEXT", nullable: true),
                    kind = table.Column<string>(type: "TEXT", nullable: false),
                    workload = table.Column<string>(type: "TEXT", nullable: false),
                    functional_unit = table.Column<string>(type: "TEXT", nullable: false),
                    boundary = table.Column<string>(type: "TEXT", nullable: false),
                    comparison = table.Column<string>(type: "TEXT", nullable: false),
                    threshold = table.Column<double>(type: "REAL", nullable: false),
                    window_hours = table.Column<int>(type: "INTEGER", nullable: false),
                    baseline_hours = table.Column<int>(type: "INTEGER", nullable: true),
                    cool_down_minutes = table.Column<int>(type: "INTEGER", nullable: false),
                    enabled = table.Column<bool>(type: "INTEGER", nullable: false),
                    created_at = table.Column<long>(type: "INTEGER", nullable: false),
                    updated_at = table.Column<long>(type: "INTEGER", nullable: false),
                    fired_at = table.Column<long>(type: "INTEGER", nullable: true),
                    fired_window_end = table.Column<long>(type: "INTEGER", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_intensity_rule", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "metric_mappings",
                columns: table => new
                {
                    id = table.Column<string>(type: "TEXT", nullable: false),
                    version = table.Column<int>(type: "INTEGER", nullable: false),
                    provider = table.Column<string>(type: "TEXT", nullable: false),
                    metrics = table.Column<string>(type: "TEXT", nullable: false),
                    quantity = table.Column<string>(type: "TEXT", nullable: false),
                    unit = table.Column<string>(type: "TEXT", nullable: false),
                    kind = table.Column<string>(type: "TEXT", nullable: false),
                    component = table.Column<string>(type: "TEXT", nullable: false),
                    functional_unit = table.Column<string>(type: "TEXT", nullable: true),
                    evidence = table.Column<short>(type: "INTEGER", nullable: false),
                    effective_from = table.Column<DateOnly>(type: "TEXT", nullable: false),
                    reference = table.Column<string>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_metric_mappings", x => new { x.id, x.version });
                });

            migrationBuilder.CreateTable(
                name: "places",
                columns: table => new
                {
                    name = table.Column<string>(type: "TEXT", nullable: false),
                    provider = table.Column<string>(type: "TEXT", nullable: false),
                    region = table.Column<string>(type: "TEXT", nullable: false),
                    country = table.Column<string>(type: "TEXT", nullable: true),
                    pue = table.Column<double>(type: "REAL", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_places", x => x.name);
                });

            migrationBuilder.CreateTable(
                name: "quarantine",
                columns: table => new
                {
                    source = table.Column<string>(type: "TEXT", nullable: false),
                    subject = table.Column<string>(type: "TEXT", nullable: false),
                    code = table.Column<string>(type: "TEXT", nullable: false),
                    message = table.Column<string>(type: "TEXT", nullable: false),
                    failures = table.Column<int>(type: "INTEGER", nullable: false),
                    since = table.Column<long>(type: "INTEGER", nullable: false),
                    last_at = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_quarantine", x => new { x.source, x.subject });
                });

            migrationBuilder.CreateTable(
                name: "rejection",
                columns: table => new
                {
                    id = table.Column<long>(type: "INTEGER", nullable: false),
                    source = table.Column<string>(type: "TEXT", nullable: false),
                    subject = table.Column<string>(type: "TEXT", nullable: false),
                    at = table.Column<long>(type: "INTEGER", nullable: true),
                    reason = table.Column<string>(type: "TEXT", nullable: false),
                    detail = table.Column<string>(type: "TEXT", nullable: false),
                    first_seen = table.Column<long>(type: "INTEGER", nullable: false),
                    last_seen = table.Column<long>(type: "INTEGER", nullable: false),
                    count = table.Column<long>(type: "INTEGER", nullable: false),
                    epoch = table.Column<long>(type: "INTEGER", nullable: false),
                    hour = table.Column<long>(type: "INTEGER", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_rejection", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "restatement",
                columns: table => new
                {
                    id = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    deployment_id = table.Column<long>(type: "INTEGER", nullable: false),
                    functional_unit = table.Column<string>(type: "TEXT", nullable: false),
                    period_start = table.Column<long>(type: "INTEGER", nullable: false),
                    measure = table.Column<string>(type: "TEXT", nullable: false),
                    old = table.Column<double>(type: "REAL", nullable: true),
                    @new = table.Column<double>(name: "new", type: "REAL", nullable: true),
                    old_factors = table.Column<string>(type: "TEXT", nullable: false),
                    new_factors = table.Column<string>(type: "TEXT", nullable: false),
                    at = table.Column<long>(type: "INTEGER", nullable: false),
                    reason = table.Column<string>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_restatement", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "run",
                columns: table => new
                {
                    id = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    source = table.Column<string>(type: "TEXT", nullable: false),
                    epoch = table.Column<long>(type: "INTEGER", nullable: false),
                    kind = table.Column<string>(type: "TEXT", nullable: false),
                    started_at = table.Column<long>(type: "INTEGER", nullable: false),
                    ended_at = table.Column<long>(type: "INTEGER", nullable: true),
                    window_start = table.Column<long>(type: "INTEGER", nullable: true),
                    window_end = table.Column<long>(type: "INTEGER", nullable: true),
                    received = table.Column<long>(type: "INTEGER", nullable: false),
                    written = table.Column<long>(type: "INTEGER", nullable: false),
                    rejected = table.Column<long>(type: "INTEGER", nullable: false),
                    series_expected = table.Column<int>(type: "INTEGER", nullable: true),
                    series_received = table.Column<int>(type: "INTEGER", nullable: false),
                    state = table.Column<string>(type: "TEXT", nullable: false),
                    error_code = table.Column<string>(type: "TEXT", nullable: true),
                    error = table.Column<string>(type: "TEXT", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_run", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "sample_hours",
                columns: table => new
                {
                    hour = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_sample_hours", x => x.hour);
                });

            migrationBuilder.CreateTable(
                name: "samples",
                columns: table => new
                {
                    series_id = table.Column<long>(type: "INTEGER", nullable: false),
                    start = table.Column<long>(type: "INTEGER", nullable: false),
                    end_at = table.Column<long>(type: "INTEGER", nullable: false),
                    value = table.Column<double>(type: "REAL", nullable: false)
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
                    id = table.Column<long>(type: "INTEGER", nullable: false),
                    source = table.Column<string>(type: "TEXT", nullable: false),
                    provider = table.Column<string>(type: "TEXT", nullable: false),
                    metric = table.Column<string>(type: "TEXT", nullable: false),
                    labels = table.Column<string>(type: "TEXT", nullable: false),
                    statistic = table.Column<short>(type: "INTEGER", nullable: false),
                    period_ms = table.Column<long>(type: "INTEGER", nullable: false),
                    first_seen = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_series", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "settings",
                columns: table => new
                {
                    name = table.Column<string>(type: "TEXT", nullable: false),
                    value = table.Column<string>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_settings", x => x.name);
                });

            migrationBuilder.CreateTable(
                name: "source",
                columns: table => new
                {
                    id = table.Column<string>(type: "TEXT", nullable: false),
                    provider = table.Column<string>(type: "TEXT", nullable: false),
                    place = table.Column<string>(type: "TEXT", nullable: true),
                    registered_at = table.Column<long>(type: "INTEGER", nullable: false),
                    watermark = table.Column<long>(type: "INTEGER", nullable: true),
                    cursor = table.Column<string>(type: "TEXT", nullable: true),
                    epoch = table.Column<long>(type: "INTEGER", nullable: false),
                    lease_owner = table.Column<string>(type: "TEXT", nullable: true),
                    lease_until = table.Column<long>(type: "INTEGER", nullable: true),
                    next_read_at = table.Column<long>(type: "INTEGER", nullable: true),
                    failures = table.Column<int>(type: "INTEGER", nullable: false),
                    last_error_code = table.Column<string>(type: "TEXT", nullable: true),
                    last_error = table.Column<string>(type: "TEXT", nullable: true),
                    last_read_at = table.Column<long>(type: "INTEGER", nullable: true),
                    series_expected = table.Column<int>(type: "INTEGER", nullable: true),
                    thin_reads = table.Column<int>(type: "INTEGER", nullable: false),
                    reread_at = table.Column<long>(type: "INTEGER", nullable: true),
                    reconciled_until = table.Column<long>(type: "INTEGER", nullable: true),
                    stale_since = table.Column<long>(type: "INTEGER", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_source", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "webhook",
                columns: table => new
                {
                    id = table.Column<string>(type: "TEXT", nullable: false),
                    url = table.Column<string>(type: "TEXT", nullable: false),
                    description = table.Column<string>(type: "TEXT", nullable: true),
                    types = table.Column<string>(type: "TEXT", nullable: false),
                    format = table.Column<string>(type: "TEXT", nullable: false),
                    signing = table.Column<string>(type: "TEXT", nullable: false),
                    enabled = table.Column<bool>(type: "INTEGER", nullable: false),
                    disabled_reason = table.Column<string>(type: "TEXT", nullable: true),
                    disabled_at = table.Column<long>(type: "INTEGER", nullable: true),
                    failing_since = table.Column<long>(type: "INTEGER", nullable: true),
                    paused_until = table.Column<long>(type: "INTEGER", nullable: true),
                    created_at = table.Column<long>(type: "INTEGER", nullable: false),
                    updated_at = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_webhook", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "webhook_message",
                columns: table => new
                {
                    id = table.Column<string>(type: "TEXT", nullable: false),
                    event_id = table.Column<long>(type: "INTEGER", nullable: true),
                    type = table.Column<string>(type: "TEXT", nullable: false),
                    at = table.Column<long>(type: "INTEGER", nullable: false),
                    standard = table.Column<byte[]>(type: "BLOB", nullable: false),
                    cloud_event = table.Column<byte[]>(type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_webhook_message", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "work_facts",
                columns: table => new
                {
                    deployment_id = table.Column<long>(type: "INTEGER", nullable: false),
                    functional_unit = table.Column<string>(type: "TEXT", nullable: false),
                    period_start = table.Column<long>(type: "INTEGER", nullable: false),
                    period_end = table.Column<long>(type: "INTEGER", nullable: false),
                    units = table.Column<double>(type: "REAL", nullable: false),
                    counted_seconds = table.Column<double>(type: "REAL", nullable: false),
                    evidence = table.Column<short>(type: "INTEGER", nullable: false),
                    mappings = table.Column<string>(type: "TEXT", nullable: false),
                    recomputed_at = table.Column<long>(type: "INTEGER", nullable: false),
                    covered_seconds = table.Column<double>(type: "REAL", nullable: false),
                    present_seconds = table.Column<double>(type: "REAL", nullable: false)
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
                    name = table.Column<string>(type: "TEXT", nullable: false),
                    model = table.Column<string>(type: "TEXT", nullable: true),
                    precision = table.Column<string>(type: "TEXT", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_workload", x => x.name);
                });

            migrationBuilder.CreateTable(
                name: "resource",
                columns: table => new
                {
                    id = table.Column<long>(type: "INTEGER", nullable: false),
                    kind = table.Column<string>(type: "TEXT", nullable: false),
                    name = table.Column<string>(type: "TEXT", nullable: false),
                    node = table.Column<string>(type: "TEXT", nullable: true),
                    hardware = table.Column<string>(type: "TEXT", nullable: true),
                    place = table.Column<string>(type: "TEXT", nullable: false),
                    account = table.Column<string>(type: "TEXT", nullable: true),
                    scope = table.Column<string>(type: "TEXT", nullable: false),
                    accelerator = table.Column<bool>(type: "INTEGER", nullable: false)
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
                    id = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    webhook_id = table.Column<string>(type: "TEXT", nullable: false),
                    secret = table.Column<byte[]>(type: "BLOB", nullable: false),
                    made_at = table.Column<long>(type: "INTEGER", nullable: false),
                    valid_until = table.Column<long>(type: "INTEGER", nullable: true)
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
                    id = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    webhook_id = table.Column<string>(type: "TEXT", nullable: false),
                    message_id = table.Column<string>(type: "TEXT", nullable: false),
                    state = table.Column<string>(type: "TEXT", nullable: false),
                    step = table.Column<int>(type: "INTEGER", nullable: false),
                    attempts = table.Column<int>(type: "INTEGER", nullable: false),
                    created_at = table.Column<long>(type: "INTEGER", nullable: false),
                    next_at = table.Column<long>(type: "INTEGER", nullable: false),
                    claim_token = table.Column<string>(type: "TEXT", nullable: true),
                    claimed_until = table.Column<long>(type: "INTEGER", nullable: true),
                    ended_at = table.Column<long>(type: "INTEGER", nullable: true)
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
                    id = table.Column<long>(type: "INTEGER", nullable: false),
                    workload = table.Column<string>(type: "TEXT", nullable: false),
                    place = table.Column<string>(type: "TEXT", nullable: false),
                    account = table.Column<string>(type: "TEXT", nullable: true),
                    hardware = table.Column<string>(type: "TEXT", nullable: true),
                    accelerators = table.Column<int>(type: "INTEGER", nullable: true)
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
                    id = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    delivery_id = table.Column<long>(type: "INTEGER", nullable: false),
                    number = table.Column<int>(type: "INTEGER", nullable: false),
                    at = table.Column<long>(type: "INTEGER", nullable: false),
                    milliseconds = table.Column<int>(type: "INTEGER", nullable: false),
                    status_code = table.Column<int>(type: "INTEGER", nullable: true),
                    error_code = table.Column<string>(type: "TEXT", nullable: true),
                    error = table.Column<string>(type: "TEXT", nullable: true)
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
                    deployment_id = table.Column<long>(type: "INTEGER", nullable: false),
                    resource_id = table.Column<long>(type: "INTEGER", nullable: false)
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
