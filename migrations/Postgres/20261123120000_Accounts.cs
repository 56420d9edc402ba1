using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Metrics.Migrations.Postgres
{
    /// <summary>What energy was accounted for, its bounds, the factors that made it, and what changed after it was final.</summary>
    public partial class Accounts : Migration
    {
        private const string DropViews = """
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
            """;

        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql(DropViews);

            migrationBuilder.AddColumn<string>(
                name: "new_factors",
                table: "restatement",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<string>(
                name: "old_factors",
                table: "restatement",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<double>(
                name: "embodied_grams",
                table: "intensity_hours",
                type: "double precision",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "factors",
                table: "intensity_hours",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<bool>(
                name: "final",
                table: "intensity_hours",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<double>(
                name: "high_joules",
                table: "intensity_hours",
                type: "double precision",
                nullable: true);

            migrationBuilder.AddColumn<double>(
                name: "low_joules",
                table: "intensity_hours",
                type: "double precision",
                nullable: true);

            migrationBuilder.AddColumn<double>(
                name: "marginal_grams",
                table: "intensity_hours",
                type: "double precision",
                nullable: true);

            migrationBuilder.AddColumn<double>(
                name: "market_based_grams",
                table: "intensity_hours",
                type: "double precision",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "missing",
                table: "intensity_hours",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<double>(
                name: "operational_grams",
                table: "intensity_hours",
                type: "double precision",
                nullable: true);

            migrationBuilder.AddColumn<double>(
                name: "water_litres",
                table: "intensity_hours",
                type: "double precision",
                nullable: true);

            migrationBuilder.AddColumn<double>(
                name: "embodied_grams",
                table: "intensity_days",
                type: "double precision",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "factors",
                table: "intensity_days",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<double>(
                name: "high_joules",
                table: "intensity_days",
                type: "double precision",
                nullable: true);

            migrationBuilder.AddColumn<double>(
                name: "low_joules",
                table: "intensity_days",
                type: "double precision",
                nullable: true);

            migrationBuilder.AddColumn<double>(
                name: "marginal_grams",
                table: "intensity_days",
                type: "double precision",
                nullable: true);

            migrationBuilder.AddColumn<double>(
                name: "market_based_grams",
                table: "intensity_days",
                type: "double precision",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "missing",
                table: "intensity_days",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<double>(
                name: "operational_grams",
                table: "intensity_days",
                type: "double precision",
                nullable: true);

            migrationBuilder.AddColumn<double>(
                name: "water_litres",
                table: "intensity_days",
                type: "double precision",
                nullable: true);

            migrationBuilder.AddColumn<double>(
                name: "embodied_grams",
                table: "energy_facts",
                type: "double precision",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "factors",
                table: "energy_facts",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<double>(
                name: "high_joules",
                table: "energy_facts",
                type: "double precision",
                nullable: true);

            migrationBuilder.AddColumn<double>(
                name: "low_joules",
                table: "energy_facts",
                type: "double precision",
                nullable: true);

            migrationBuilder.AddColumn<double>(
                name: "marginal_grams",
                table: "energy_facts",
                type: "double precision",
                nullable: true);

            migrationBuilder.AddColumn<double>(
                name: "market_based_grams",
                table: "energy_facts",
                type: "double precision",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "missing",
                table: "energy_facts",
                type: "text",
                nullable: false,
                defaultValue: "",
                collation: "C");

            migrationBuilder.AddColumn<double>(
                name: "operational_grams",
                table: "energy_facts",
                type: "double precision",
                nullable: true);

            migrationBuilder.AddColumn<double>(
                name: "water_litres",
                table: "energy_facts",
                type: "double precision",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "reason",
                table: "dirty_hours",
                type: "text",
                nullable: false,
                defaultValue: "late_data",
                collation: "C");

            migrationBuilder.CreateIndex(
                name: "ix_intensity_hours_period_end",
                table: "intensity_hours",
                column: "period_end",
                filter: "NOT final");

            migrationBuilder.AddCheckConstraint(
                name: "ck_energy_facts_embodied_grams",
                table: "energy_facts",
                sql: "embodied_grams >= 0 AND embodied_grams <= 1e24");

            migrationBuilder.AddCheckConstraint(
                name: "ck_energy_facts_high_joules",
                table: "energy_facts",
                sql: "high_joules >= 0 AND high_joules <= 1e24");

            migrationBuilder.AddCheckConstraint(
                name: "ck_energy_facts_low_joules",
                table: "energy_facts",
                sql: "low_joules >= 0 AND low_joules <= 1e24");

            migrationBuilder.AddCheckConstraint(
                name: "ck_energy_facts_marginal_grams",
                table: "energy_facts",
                sql: "marginal_grams >= 0 AND marginal_grams <= 1e24");

            migrationBuilder.AddCheckConstraint(
                name: "ck_energy_facts_market_based_grams",
                table: "energy_facts",
                sql: "market_based_grams >= 0 AND market_based_grams <= 1e24");

            migrationBuilder.AddCheckConstraint(
                name: "ck_energy_facts_operational_grams",
                table: "energy_facts",
                sql: "operational_grams >= 0 AND operational_grams <= 1e24");

            migrationBuilder.AddCheckConstraint(
                name: "ck_energy_facts_water_litres",
                table: "energy_facts",
                sql: "water_litres >= 0 AND water_litres <= 1e24");

            migrationBuilder.Sql("""
                ALTER TABLE factor
                    ADD COLUMN name text COLLATE "C" NOT NULL DEFAULT '',
                    ADD COLUMN low double precision,
                    ADD COLUMN high double precision,
                    ADD COLUMN retrieved date,
                    ADD COLUMN superseded_at timestamp with time zone,
                    ALTER COLUMN version TYPE text COLLATE "C";
                -- What ended a factor until now was another configuration, and not a day.
                UPDATE factor SET name = kind || ':' || COALESCE(place, method, '') || '@' || version, superseded_at = valid_to, valid_from = NULL, valid_to = NULL;
                ALTER TABLE factor ALTER COLUMN valid_from TYPE date, ALTER COLUMN valid_to TYPE date;
                """);

            migrationBuilder.Sql(Script("Accounts.Views.sql"));
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql(DropViews);
            migrationBuilder.DropIndex(
                name: "ix_intensity_hours_period_end",
                table: "intensity_hours");

            migrationBuilder.Sql("""
                ALTER TABLE restatement DROP COLUMN new_factors;
                ALTER TABLE restatement DROP COLUMN old_factors;
                ALTER TABLE intensity_hours DROP COLUMN embodied_grams;
                ALTER TABLE intensity_hours DROP COLUMN factors;
                ALTER TABLE intensity_hours DROP COLUMN final;
                ALTER TABLE intensity_hours DROP COLUMN high_joules;
                ALTER TABLE intensity_hours DROP COLUMN low_joules;
                ALTER TABLE intensity_hours DROP COLUMN marginal_grams;
                ALTER TABLE intensity_hours DROP COLUMN market_based_grams;
                ALTER TABLE intensity_hours DROP COLUMN missing;
                ALTER TABLE intensity_hours DROP COLUMN operational_grams;
                ALTER TABLE intensity_hours DROP COLUMN water_litres;
                ALTER TABLE intensity_days DROP COLUMN embodied_grams;
                ALTER TABLE intensity_days DROP COLUMN factors;
                ALTER TABLE intensity_days DROP COLUMN high_joules;
                ALTER TABLE intensity_days DROP COLUMN low_joules;
                ALTER TABLE intensity_days DROP COLUMN marginal_grams;
                ALTER TABLE intensity_days DROP COLUMN market_based_grams;
                ALTER TABLE intensity_days DROP COLUMN missing;
                ALTER TABLE intensity_days DROP COLUMN operational_grams;
                ALTER TABLE intensity_days DROP COLUMN water_litres;
                ALTER TABLE energy_facts DROP COLUMN embodied_grams;
                ALTER TABLE energy_facts DROP COLUMN factors;
                ALTER TABLE energy_facts DROP COLUMN high_joules;
                ALTER TABLE energy_facts DROP COLUMN low_joules;
                ALTER TABLE energy_facts DROP COLUMN marginal_grams;
                ALTER TABLE energy_facts DROP COLUMN market_based_grams;
                ALTER TABLE energy_facts DROP COLUMN missing;
                ALTER TABLE energy_facts DROP COLUMN operational_grams;
                ALTER TABLE energy_facts DROP COLUMN water_litres;
                ALTER TABLE dirty_hours DROP COLUMN reason;
                """);
            migrationBuilder.Sql("""
                DELETE FROM factor WHERE version !~ '^[0-9]{1,9}$';
                ALTER TABLE factor
                    ALTER COLUMN valid_from TYPE timestamp with time zone USING NULL,
                    ALTER COLUMN valid_to TYPE timestamp with time zone USING superseded_at,
                    ALTER COLUMN version TYPE integer USING version::integer,
                    DROP COLUMN name, DROP COLUMN low, DROP COLUMN high, DROP COLUMN retrieved, DROP COLUMN superseded_at;
                """);

            migrationBuilder.Sql(Script("Views.sql"));
        }

        private static string Script(string name)
        {
            using var stream = typeof(Accounts).Assembly.GetManifestResourceStream(name);
            using var reader = new System.IO.StreamReader(stream);
            return reader.ReadToEnd();
        }
    }
}
