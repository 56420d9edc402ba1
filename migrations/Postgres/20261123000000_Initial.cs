using System;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql.EntityFrameworkCore.PostgreSQL.Metadata;

#nullable disable

namespace Metrics.Migrations.Postgres
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
                    mark = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_dirty_hours", x => x.hour);
                });

            migrationBuilder.Sql("""
                CREATE TABLE energy_facts (
                    deployment_id bigint NOT NULL,
                    resource_id bigint NOT NULL,
                    period_start timestamp with time zone NOT NULL,
                    period_end timestamp with time zone NOT NULL,
                    accelerator_joules double precision,
                    server_joules double precision,
                    facility_joules double precision,
                    rack_joules double precision,
                    idle_joules double precision,
                    measured_joules double precision NOT NULL,
                    covered_seconds double precision NOT NULL,
                    evidence smallint NOT NULL,
                    cover text COLLATE "C" NOT NULL,
                    mappings text COLLATE "C" NOT NULL,
                    recomputed_at timestamp with time zone NOT NULL,
                    CONSTRAINT pk_energy_facts PRIMARY KEY (deployment_id, resource_id, period_start),
                    CONSTRAINT ck_energy_facts_joules CHECK (measured_joules >= 0 AND measured_joules <= 1e24 AND (accelerator_joules IS NULL OR (accelerator_joules >= 0 AND accelerator_joules <= 1e24)) AND (server_joules IS NULL OR (server_joules >= 0 AND server_joules <= 1e24)) AND (facility_joules IS NULL OR (facility_joules >= 0 AND facility_joules <= 1e24)) AND (rack_joules IS NULL OR (rack_joules >= 0 AND rack_joules <= 1e24)) AND (idle_joules IS NULL OR (idle_joules >= 0 AND idle_joules <= 1e24)))
                ) PARTITION BY RANGE (period_start);
                """);

            migrationBuilder.CreateTable(
                name: "factor",
                columns: table => new
                {
                    id = table.Column<long>(type: "bigint", nullable: false),
                    kind = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    place = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    method = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    value = table.Column<double>(type: "double precision", nullable: false),
                    unit = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    source = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    licence = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    vintage = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    valid_from = table.Column<DateTime>(type: "timestamp with time zone", nullable: true),
                    valid_to = table.Column<DateTime>(type: "timestamp with time zone", nullable: true),
                    version = table.Column<int>(type: "integer", nullable: false)
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
                    period_end = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    date = table.Column<DateOnly>(type: "date", nullable: false),
                    date_key = table.Column<int>(type: "integer", nullable: false),
                    units = table.Column<double>(type: "double precision", nullable: true),
                    accelerator_joules = table.Column<double>(type: "double precision", nullable: true),
                    server_joules = table.Column<double>(type: "double precision", nullable: true),
                    facility_joules = table.Column<double>(type: "double precision", nullable: true),
                    rack_joules = table.Column<double>(type: "double precision", nullable: true),
                    idle_joules = table.Column<double>(type: "double precision", nullable: true),
                    known_joules = table.Column<double>(type: "double precision", nullable: true),
                    measured_joules = table.Column<double>(type: "double precision", nullable: false),
                    covered_seconds = table.Column<double>(type: "double precision", nullable: false),
                    evidence = table.Column<short>(type: "smallint", nullable: false),
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
                    period_end = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    date = table.Column<DateOnly>(type: "date", nullable: false),
                    date_key = table.Column<int>(type: "integer", nullable: false),
                    units = table.Column<double>(type: "double precision", nullable: true),
                    accelerator_joules = table.Column<double>(type: "double precision", nullable: true),
                    server_joules = table.Column<double>(type: "double precision", nullable: true),
                    facility_joules = table.Column<double>(type: "double precision", nullable: true),
                    rack_joules = table.Column<double>(type: "double precision", nullable: true),
                    idle_joules = table.Column<double>(type: "double precision", nullable: true),
                    known_joules = table.Column<double>(type: "double precision", nullable: true),
                    measured_joules = table.Column<double>(type: "double precision", nullable: false),
                    covered_seconds = table.Column<double>(type: "double precision", nullable: false),
                    evidence = table.Column<short>(type: "smallint", nullable: false),
                    recomputed_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_intensity_hours", x => new { x.deployment_id, x.functional_unit, x.period_start });
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

            migrationBuilder.Sql("""
                CREATE TABLE samples (
                    series_id bigint NOT NULL,
                    start timestamp with time zone NOT NULL,
                    end_at timestamp with time zone NOT NULL,
                    value double precision NOT NULL,
                    CONSTRAINT pk_samples PRIMARY KEY (series_id, start),
                    CONSTRAINT ck_samples_value CHECK (value >= 0 AND value <= 1e24)
                ) PARTITION BY RANGE (start);
                -- Samples arrive nearly in order of time: a few bytes for each run of pages find an hour.
                CREATE INDEX ix_samples_start ON samples USING brin (start) WITH (pages_per_range = 32, autosummarize = on);
                CREATE SEQUENCE dirty_mark;
                """);

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
                    last_read_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_source", x => x.id);
                });

            migrationBuilder.Sql("""
                CREATE TABLE work_facts (
                    deployment_id bigint NOT NULL,
                    functional_unit text COLLATE "C" NOT NULL,
                    period_start timestamp with time zone NOT NULL,
                    period_end timestamp with time zone NOT NULL,
                    units double precision NOT NULL,
                    covered_seconds double precision NOT NULL,
                    evidence smallint NOT NULL,
                    mappings text COLLATE "C" NOT NULL,
                    recomputed_at timestamp with time zone NOT NULL,
                    CONSTRAINT pk_work_facts PRIMARY KEY (deployment_id, functional_unit, period_start),
                    CONSTRAINT ck_work_facts_units CHECK (units >= 0 AND units <= 1e24)
                ) PARTITION BY RANGE (period_start);
                """);

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
                name: "deployment",
                columns: table => new
                {
                    id = table.Column<long>(type: "bigint", nullable: false),
                    workload = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    place = table.Column<string>(type: "text", nullable: false, collation: "C"),
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

            migrationBuilder.Sql("DROP SEQUENCE dirty_mark");

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
