using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Metrics.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class Initial : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
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
                    mark = table.Column<long>(type: "INTEGER", nullable: false)
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
                    accelerator_joules = table.Column<double>(type: "REAL", nullable: true),
                    server_joules = table.Column<double>(type: "REAL", nullable: true),
                    facility_joules = table.Column<double>(type: "REAL", nullable: true),
                    rack_joules = table.Column<double>(type: "REAL", nullable: true),
                    idle_joules = table.Column<double>(type: "REAL", nullable: true),
                    measured_joules = table.Column<double>(type: "REAL", nullable: false),
                    covered_seconds = table.Column<double>(type: "REAL", nullable: false),
                    evidence = table.Column<short>(type: "INTEGER", nullable: false),
                    cover = table.Column<string>(type: "TEXT", nullable: false),
                    mappings = table.Column<string>(type: "TEXT", nullable: false),
                    recomputed_at = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_energy_facts", x => new { x.deployment_id, x.resource_id, x.period_start });
                    table.CheckConstraint("ck_energy_facts_joules", "measured_joules >= 0 AND measured_joules <= 1e24 AND (accelerator_joules IS NULL OR (accelerator_joules >= 0 AND accelerator_joules <= 1e24)) AND (server_joules IS NULL OR (server_joules >= 0 AND server_joules <= 1e24)) AND (facility_joules IS NULL OR (facility_joules >= 0 AND facility_joules <= 1e24)) AND (rack_joules IS NULL OR (rack_joules >= 0 AND rack_joules <= 1e24)) AND (idle_joules IS NULL OR (idle_joules >= 0 AND idle_joules <= 1e24))");
                });

            migrationBuilder.CreateTable(
                name: "factor",
                columns: table => new
                {
                    id = table.Column<long>(type: "INTEGER", nullable: false),
                    kind = table.Column<string>(type: "TEXT", nullable: false),
                    place = table.Column<string>(type: "TEXT", nullable: true),
                    method = table.Column<string>(type: "TEXT", nullable: true),
                    value = table.Column<double>(type: "REAL", nullable: false),
                    unit = table.Column<string>(type: "TEXT", nullable: false),
                    source = table.Column<string>(type: "TEXT", nullable: false),
                    licence = table.Column<string>(type: "TEXT", nullable: true),
                    vintage = table.Column<string>(type: "TEXT", nullable: true),
                    valid_from = table.Column<long>(type: "INTEGER", nullable: true),
                    valid_to = table.Column<long>(type: "INTEGER", nullable: true),
                    version = table.Column<int>(type: "INTEGER", nullable: false)
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
                    period_end = table.Column<long>(type: "INTEGER", nullable: false),
                    date = table.Column<DateOnly>(type: "TEXT", nullable: false),
                    date_key = table.Column<int>(type: "INTEGER", nullable: false),
                    units = table.Column<double>(type: "REAL", nullable: true),
                    accelerator_joules = table.Column<double>(type: "REAL", nullable: true),
                    server_joules = table.Column<double>(type: "REAL", nullable: true),
                    facility_joules = table.Column<double>(type: "REAL", nullable: true),
                    rack_joules = table.Column<double>(type: "REAL", nullable: true),
                    idle_joules = table.Column<double>(type: "REAL", nullable: true),
                    known_joules = table.Column<double>(type: "REAL", nullable: true),
                    measured_joules = table.Column<double>(type: "REAL", nullable: false),
                    covered_seconds = table.Column<double>(type: "REAL", nullable: false),
                    evidence = table.Column<short>(type: "INTEGER", nullable: false),
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
                    period_end = table.Column<long>(type: "INTEGER", nullable: false),
                    date = table.Column<DateOnly>(type: "TEXT", nullable: false),
                    date_key = table.Column<int>(type: "INTEGER", nullable: false),
                    units = table.Column<double>(type: "REAL", nullable: true),
                    accelerator_joules = table.Column<double>(type: "REAL", nullable: true),
                    server_joules = table.Column<double>(type: "REAL", nullable: true),
                    facility_joules = table.Column<double>(type: "REAL", nullable: true),
                    rack_joules = table.Column<double>(type: "REAL", nullable: true),
                    idle_joules = table.Column<double>(type: "REAL", nullable: true),
                    known_joules = table.Column<double>(type: "REAL", nullable: true),
                    measured_joules = table.Column<double>(type: "REAL", nullable: false),
                    covered_seconds = table.Column<double>(type: "REAL", nullable: false),
                    evidence = table.Column<short>(type: "INTEGER", nullable: false),
                    recomputed_at = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_intensity_hours", x => new { x.deployment_id, x.functional_unit, x.period_start });
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

            migrationBuilder.Sql("""
                -- The key is the table: half the space and half the writes of a table with a key beside it.
                CREATE TABLE samples (
                    series_id INTEGER NOT NULL,
                    start INTEGER NOT NULL,
                    end_at INTEGER NOT NULL,
                    value REAL NOT NULL,
                    CONSTRAINT pk_samples PRIMARY KEY (series_id, start),
                    CONSTRAINT ck_samples_value CHECK (value >= 0 AND value <= 1e24)
                ) WITHOUT ROWID;
                """);

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
                    last_read_at = table.Column<long>(type: "INTEGER", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_source", x => x.id);
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
                    covered_seconds = table.Column<double>(type: "REAL", nullable: false),
                    evidence = table.Column<short>(type: "INTEGER", nullable: false),
                    mappings = table.Column<string>(type: "TEXT", nullable: false),
                    recomputed_at = table.Column<long>(type: "INTEGER", nullable: false)
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
                name: "deployment",
                columns: table => new
                {
                    id = table.Column<long>(type: "INTEGER", nullable: false),
                    workload = table.Column<string>(type: "TEXT", nullable: false),
                    place = table.Column<string>(type: "TEXT", nullable: false),
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
                name: "ix_work_facts_period_start",
                table: "work_facts",
                column: "period_start");

            migrationBuilder.Sql(Script("Calendar.sql"));
            migrationBuilder.Sql(Script("Views.sql"));
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql("""
                DROP VIEW "MonthlyIntensities";
                DROP VIEW "DailyIntensities";
                DROP VIEW "HourlyIntensities";
                DROP VIEW intensity_months;
                DROP VIEW "WorkFacts";
                DROP VIEW "EnergyFacts";
                DROP VIEW "Restatements";
                DROP VIEW "Rejections";
                DROP VIEW "MetricMappings";
                DROP VIEW "Factors";
                DROP VIEW "Runs";
                DROP VIEW "Sources";
                DROP VIEW "Deployments";
                DROP VIEW "Resources";
                DROP VIEW "Workloads";
                DROP VIEW "Calendar";
                """);
            migrationBuilder.DropTable(
                name: "calendar_day");

            migrationBuilder.DropTable(
                name: "deployment_resources");

            migrationBuilder.DropTable(
                name: "dirty_hours");

            migrationBuilder.DropTable(
                name: "energy_facts");

            migrationBuilder.DropTable(
                name: "factor");

            migrationBuilder.DropTable(
                name: "intensity_days");

            migrationBuilder.DropTable(
                name: "intensity_hours");

            migrationBuilder.DropTable(
                name: "metric_mappings");

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
                name: "work_facts");

            migrationBuilder.DropTable(
                name: "deployment");

            migrationBuilder.DropTable(
                name: "resource");

            migrationBuilder.DropTable(
                name: "workload");

            migrationBuilder.DropTable(
                name: "places");
        }

        private static string Script(string name)
        {
            using var stream = typeof(Initial).Assembly.GetManifestResourceStream(name);
            using var reader = new System.IO.StreamReader(stream);
            return reader.ReadToEnd();
        }
    }
}
