using System;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql.EntityFrameworkCore.PostgreSQL.Metadata;

#nullable disable

namespace Metrics.Migrations.Postgres
{
    /// <summary>Spans of the past that are read beside the live reads, series that cannot be read, what happened, and how complete a read was.</summary>
    public partial class Reading : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql("""
                DROP VIEW "Runs";
                DROP VIEW "Sources";
                """);

            migrationBuilder.AddColumn<DateTime>(
                name: "reconciled_until",
                table: "source",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<DateTime>(
                name: "reread_at",
                table: "source",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "series_expected",
                table: "source",
                type: "integer",
                nullable: true);

            migrationBuilder.AddColumn<DateTime>(
                name: "stale_since",
                table: "source",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "thin_reads",
                table: "source",
                type: "integer",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<int>(
                name: "series_expected",
                table: "run",
                type: "integer",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "series_received",
                table: "run",
                type: "integer",
                nullable: false,
                defaultValue: 0);

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

            migrationBuilder.CreateIndex(
                name: "ix_backfill_source_state",
                table: "backfill",
                columns: new[] { "source", "state" });

            migrationBuilder.CreateIndex(
                name: "ix_event_at",
                table: "event",
                column: "at");

            migrationBuilder.Sql(Script("Reading.Views.sql"));
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql("""
                DROP VIEW "Events";
                DROP VIEW "Backfills";
                DROP VIEW "Runs";
                DROP VIEW "Sources";
                """);

            migrationBuilder.DropTable(
                name: "backfill");

            migrationBuilder.DropTable(
                name: "event");

            migrationBuilder.DropTable(
                name: "quarantine");

            migrationBuilder.DropColumn(
                name: "reconciled_until",
                table: "source");

            migrationBuilder.DropColumn(
                name: "reread_at",
                table: "source");

            migrationBuilder.DropColumn(
                name: "series_expected",
                table: "source");

            migrationBuilder.DropColumn(
                name: "stale_since",
                table: "source");

            migrationBuilder.DropColumn(
                name: "thin_reads",
                table: "source");

            migrationBuilder.DropColumn(
                name: "series_expected",
                table: "run");

            migrationBuilder.DropColumn(
                name: "series_received",
                table: "run");

            migrationBuilder.Sql("""
                CREATE VIEW "Sources" AS
                SELECT id AS "Id", provider AS "Provider", place AS "Place", registered_at AS "RegisteredAt", watermark AS "Watermark",
                       last_read_at AS "LastReadAt", failures AS "Failures", last_error_code AS "LastErrorCode", last_error AS "LastError",
                       next_read_at AS "NextReadAt"
                FROM source;
                
                CREATE VIEW "Runs" AS
                SELECT id AS "Id", source AS "Source", kind AS "Kind", started_at AS "StartedAt", ended_at AS "EndedAt", window_start AS "WindowStart",
                       window_end AS "WindowEnd", received AS "Received", written AS "Written", rejected AS "Rejected", state AS "State",
                       error_code AS "ErrorCode", error AS "Error"
                FROM run;
                """);
        }

        private static string Script(string name)
        {
            using var stream = typeof(Reading).Assembly.GetManifestResourceStream(name);
            using var reader = new System.IO.StreamReader(stream);
            return reader.ReadToEnd();
        }
    }
}
