using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Metrics.Migrations.Sqlite
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

            migrationBuilder.AddColumn<long>(
                name: "reconciled_until",
                table: "source",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<long>(
                name: "reread_at",
                table: "source",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "series_expected",
                table: "source",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<long>(
                name: "stale_since",
                table: "source",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "thin_reads",
                table: "source",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<int>(
                name: "series_expected",
                table: "run",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "series_received",
                table: "run",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0);

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

            migrationBuilder.Sql("""
                ALTER TABLE source DROP COLUMN reconciled_until;
                ALTER TABLE source DROP COLUMN reread_at;
                ALTER TABLE source DROP COLUMN series_expected;
                ALTER TABLE source DROP COLUMN stale_since;
                ALTER TABLE source DROP COLUMN thin_reads;
                ALTER TABLE run DROP COLUMN series_expected;
                ALTER TABLE run DROP COLUMN series_received;
                """);

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
