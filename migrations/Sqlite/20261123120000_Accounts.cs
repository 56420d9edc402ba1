using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Metrics.Migrations.Sqlite
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
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<string>(
                name: "old_factors",
                table: "restatement",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<double>(
                name: "embodied_grams",
                table: "intensity_hours",
                type: "REAL",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "factors",
                table: "intensity_hours",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<bool>(
                name: "final",
                table: "intensity_hours",
                type: "INTEGER",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<double>(
                name: "high_joules",
                table: "intensity_hours",
                type: "REAL",
                nullable: true);

            migrationBuilder.AddColumn<double>(
                name: "low_joules",
                table: "intensity_hours",
                type: "REAL",
                nullable: true);

            migrationBuilder.AddColumn<double>(
                name: "marginal_grams",
                table: "intensity_hours",
                type: "REAL",
                nullable: true);

            migrationBuilder.AddColumn<double>(
                name: "market_based_grams",
                table: "intensity_hours",
                type: "REAL",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "missing",
                table: "intensity_hours",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<double>(
                name: "operational_grams",
                table: "intensity_hours",
                type: "REAL",
                nullable: true);

            migrationBuilder.AddColumn<double>(
                name: "water_litres",
                table: "intensity_hours",
                type: "REAL",
                nullable: true);

            migrationBuilder.AddColumn<double>(
                name: "embodied_grams",
                table: "intensity_days",
                type: "REAL",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "factors",
                table: "intensity_days",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<double>(
                name: "high_joules",
                table: "intensity_days",
                type: "REAL",
                nullable: true);

            migrationBuilder.AddColumn<double>(
                name: "low_joules",
                table: "intensity_days",
                type: "REAL",
                nullable: true);

            migrationBuilder.AddColumn<double>(
                name: "marginal_grams",
                table: "intensity_days",
                type: "REAL",
                nullable: true);

            migrationBuilder.AddColumn<double>(
                name: "market_based_grams",
                table: "intensity_days",
                type: "REAL",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "missing",
                table: "intensity_days",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<double>(
                name: "operational_grams",
                table: "intensity_days",
                type: "REAL",
                nullable: true);

            migrationBuilder.AddColumn<double>(
                name: "water_litres",
                table: "intensity_days",
                type: "REAL",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "factors",
                table: "energy_facts",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<string>(
                name: "missing",
                table: "energy_facts",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<string>(
                name: "reason",
                table: "dirty_hours",
                type: "TEXT",
                nullable: false,
                defaultValue: "late_data");

            migrationBuilder.CreateIndex(
                name: "ix_intensity_hours_period_end",
                table: "intensity_hours",
                column: "period_end",
                filter: "NOT final");

            // A column brings its check with it; a check of the table would write all of it anew.
            migrationBuilder.Sql("""
                ALTER TABLE energy_facts ADD COLUMN low_joules REAL NULL CONSTRAINT ck_energy_facts_low_joules CHECK (low_joules >= 0 AND low_joules <= 1e24);
                ALTER TABLE energy_facts ADD COLUMN high_joules REAL NULL CONSTRAINT ck_energy_facts_high_joules CHECK (high_joules >= 0 AND high_joules <= 1e24);
                ALTER TABLE energy_facts ADD COLUMN operational_grams REAL NULL CONSTRAINT ck_energy_facts_operational_grams CHECK (operational_grams >= 0 AND operational_grams <= 1e24);
                ALTER TABLE energy_facts ADD COLUMN marginal_grams REAL NULL CONSTRAINT ck_energy_facts_marginal_grams CHECK (marginal_grams >= 0 AND marginal_grams <= 1e24);
                ALTER TABLE energy_facts ADD COLUMN market_based_grams REAL NULL CONSTRAINT ck_energy_facts_market_based_grams CHECK (market_based_grams >= 0 AND market_based_grams <= 1e24);
                ALTER TABLE energy_facts ADD COLUMN embodied_grams REAL NULL CONSTRAINT ck_energy_facts_embodied_grams CHECK (embodied_grams >= 0 AND embodied_grams <= 1e24);
                ALTER TABLE energy_facts ADD COLUMN water_litres REAL NULL CONSTRAINT ck_energy_facts_water_litres CHECK (water_litres >= 0 AND water_litres <= 1e24);
                """);

            migrationBuilder.Sql("""
                ALTER TABLE factor RENAME TO factor_before;
                CREATE TABLE factor (
                    id INTEGER NOT NULL CONSTRAINT pk_factor PRIMARY KEY,
                    name TEXT NOT NULL,
                    kind TEXT NOT NULL,
                    place TEXT NULL,
                    method TEXT NULL,
                    value REAL NOT NULL,
                    low REAL NULL,
                    high REAL NULL,
                    unit TEXT NOT NULL,
                    source TEXT NOT NULL,
                    licence TEXT NULL,
                    retrieved TEXT NULL,
                    vintage TEXT NULL,
                    valid_from TEXT NULL,
                    valid_to TEXT NULL,
                    version TEXT NOT NULL,
                    superseded_at INTEGER NULL
                );
                -- What ended a factor until now was another configuration, and not a day.
                INSERT INTO factor (id, name, kind, place, method, value, unit, source, licence, vintage, version, superseded_at)
                SELECT id, kind || ':' || COALESCE(place, method, '') || '@' || version, kind, place, method, value, unit, source, licence, vintage, CAST(version AS TEXT), valid_to FROM factor_before;
                DROP TABLE factor_before;
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
                ALTER TABLE energy_facts DROP COLUMN factors;
                ALTER TABLE energy_facts DROP COLUMN missing;
                ALTER TABLE energy_facts DROP COLUMN low_joules;
                ALTER TABLE energy_facts DROP COLUMN high_joules;
                ALTER TABLE energy_facts DROP COLUMN operational_grams;
                ALTER TABLE energy_facts DROP COLUMN marginal_grams;
                ALTER TABLE energy_facts DROP COLUMN market_based_grams;
                ALTER TABLE energy_facts DROP COLUMN embodied_grams;
                ALTER TABLE energy_facts DROP COLUMN water_litres;
                ALTER TABLE dirty_hours DROP COLUMN reason;
                """);
            migrationBuilder.Sql("""
                ALTER TABLE factor RENAME TO factor_after;
                CREATE TABLE factor (
                    id INTEGER NOT NULL CONSTRAINT pk_factor PRIMARY KEY,
                    kind TEXT NOT NULL,
                    place TEXT NULL,
                    method TEXT NULL,
                    value REAL NOT NULL,
                    unit TEXT NOT NULL,
                    source TEXT NOT NULL,
                    licence TEXT NULL,
                    vintage TEXT NULL,
                    valid_from INTEGER NULL,
                    valid_to INTEGER NULL,
                    version INTEGER NOT NULL
                );
                INSERT INTO factor (id, kind, place, method, value, unit, source, licence, vintage, valid_to, version)
                SELECT id, kind, place, method, value, unit, source, licence, vintage, superseded_at, CAST(version AS INTEGER) FROM factor_after WHERE version NOT GLOB '*[^0-9]*';
                DROP TABLE factor_after;
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
