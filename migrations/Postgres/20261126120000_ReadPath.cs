using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Metrics.Migrations.Postgres
{
    /// <summary>Views of facts that join only what a query asks for.</summary>
    public partial class ReadPath : Migration
    {
        private const string Drop = """
                DROP VIEW "MonthlyIntensities";
                DROP VIEW "DailyIntensities";
                DROP VIEW "HourlyIntensities";
                DROP VIEW "WorkFacts";
                DROP VIEW "EnergyFacts";
                """;

        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql(Drop);
            migrationBuilder.Sql(Script("ReadPath.Views.sql"));
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql(Drop);
            migrationBuilder.Sql(Before(Script("Accounts.Views.sql")));
        }

        // Of the script that made them first, the views that are made again here.
        private static string Before(string script) => string.Concat(System.Linq.Enumerable.Where(
            System.Linq.Enumerable.Select(script.Split("CREATE VIEW ", System.StringSplitOptions.RemoveEmptyEntries), view => "CREATE VIEW " + view),
            view => System.Linq.Enumerable.Any(new[] { "EnergyFacts", "WorkFacts", "HourlyIntensities", "DailyIntensities", "MonthlyIntensities" }, name => view.StartsWith("CREATE VIEW \"" + name + "\"", System.StringComparison.Ordinal))));

        private static string Script(string name)
        {
            using var stream = typeof(ReadPath).Assembly.GetManifestResourceStream(name);
            using var reader = new System.IO.StreamReader(stream);
            return reader.ReadToEnd();
        }
    }
}
