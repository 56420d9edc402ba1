using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.EntityFrameworkCore.Migrations.Operations;
using Npgsql.EntityFrameworkCore.PostgreSQL.Infrastructure.Internal;
using Npgsql.EntityFrameworkCore.PostgreSQL.Migrations;

namespace Metrics.Storage.Schema;

/// <summary>What a table of PostgreSQL has that the model cannot say: partitions, an index by ranges of pages, triggers. Migrations stay as
/// the tool wrote them.</summary>
// The provider's generator is made to be derived from, and its constructor takes options that the provider marks as its own (EF1001):
// partitions have no other way into the text of a migration.
#pragma warning disable EF1001
internal sealed class PostgresMigrationsSql(MigrationsSqlGeneratorDependencies dependencies, INpgsqlSingletonOptions options)
    : NpgsqlMigrationsSqlGenerator(dependencies, options)
#pragma warning restore EF1001
{
    /// <inheritdoc/>
    protected override void Generate(
        CreateTableOperation operation,
        IModel? model,
        MigrationCommandListBuilder builder,
        bool terminate = true
    )
    {
        base.Generate(operation, model, builder, terminate: false);
        var partitionedBy = operation.Name switch
        {
            "samples" => "start",
            "energy_facts" or "work_facts" => "period_start",
            _ => null,
        };
        builder.AppendLine(partitionedBy is null ? ";" : $" PARTITION BY RANGE ({partitionedBy});");
        EndStatement(builder);
        var more = operation.Name switch
        {
            // Samples arrive nearly in order of time: a few bytes for each run of pages find an hour.
            "samples" => "CREATE INDEX ix_samples_start ON samples USING brin (start) WITH (pages_per_range = 32, autosummarize = on);",
            "dirty_hours" => "CREATE SEQUENCE dirty_mark;",
            "audit" => """
                CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    RAISE EXCEPTION 'The audit log is only ever added to.';
                END $$;
                CREATE TRIGGER audit_rows BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_refuse();
                CREATE TRIGGER audit_whole BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
                """,
            _ => null,
        };
        if (more is null)
            return;
        builder.AppendLine(more);
        EndStatement(builder);
    }
}

/// <summary>What a table of SQLite has that the model cannot say: a key that is the table, triggers.</summary>
internal sealed class SqliteMigrationsSql(MigrationsSqlGeneratorDependencies dependencies, IRelationalAnnotationProvider annotations)
    : SqliteMigrationsSqlGenerator(dependencies, annotations)
{
    /// <inheritdoc/>
    protected override void Generate(
        CreateTableOperation operation,
        IModel? model,
        MigrationCommandListBuilder builder,
        bool terminate = true
    )
    {
        base.Generate(operation, model, builder, terminate: false);
        // The key is the table: half the space and half the writes of a table with a key beside it.
        builder.AppendLine(operation.Name == "samples" ? " WITHOUT ROWID;" : ";");
        EndStatement(builder);
        if (operation.Name != "audit")
            return;
        foreach (var change in (string[])["UPDATE", "DELETE"])
        {
            builder.AppendLine(
                $"CREATE TRIGGER audit_no_{change.ToLowerInvariant()} BEFORE {change} ON audit BEGIN SELECT RAISE(ABORT, 'The "
                    + "audit log is only ever added to.'); END;"
            );
            EndStatement(builder);
        }
    }
}
