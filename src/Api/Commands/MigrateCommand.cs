using System.CommandLine;
using Hangfire;
using Metrics.Api.OData.Protocol;
using Metrics.Api.Settings;
using Metrics.Storage.Engine;
using Metrics.Storage.Schema;

namespace Metrics.Api.Commands;

/// <summary>The command <c>migrate</c>: makes the database's schema the one of this version.</summary>
internal static class MigrateCommand
{
    /// <summary>What the command did, or would do.</summary>
    /// <param name="Engine"><c>Sqlite</c> or <c>Postgres</c>.</param>
    /// <param name="Before">How the schema stood: <c>Current</c>, <c>Older</c>, <c>Newer</c>, <c>Abandoned</c>, <c>Empty</c> or
    /// <c>Unreachable</c>.</param>
    /// <param name="Migrations">Names of the migrations that were or would be applied, oldest first.</param>
    /// <param name="Views">Whether the views were or would be made anew.</param>
    /// <param name="DryRun">Whether nothing was done.</param>
    public sealed record Result(string Engine, string Before, IReadOnlyList<string> Migrations, bool Views, bool DryRun);

    /// <summary>Makes the command.</summary>
    public static DescribedCommand Create(ServiceHost host)
    {
        var dryRun = new Option<bool>("--dry-run") { Description = "Says what would be done, and does nothing" };
        var json = CommonOptions.Json();
        var progress = Progress.Option();
        var command = new DescribedCommand("migrate", "Brings the database to the schema of this version; safe to run again")
        {
            Usage = ["migrate [--dry-run] [OPTIONS] [SETTINGS]"],
            Notes =
            [
                "Run it once for each version before the service starts on PostgreSQL: a server never migrates a shared database. "
                    + "A SQLite file is brought up to date by whatever opens it.",
                "It may run twice, and in two processes at once. A database of a newer version is left alone.",
            ],
            Examples =
            [
                ("migrate --dry-run", "what would be done"),
                (
                    "migrate --Metrics:Storage:Engine=Postgres --Metrics:Storage:ConnectionString=\"Host=db;Database=metrics\"",
                    "on PostgreSQL"
                ),
            ],
            Validate = parsed => Progress.Validate(parsed, progress),
        };
        command.Add(dryRun);
        command.Add(json);
        command.Add(progress);
        command.SetAction(
            (parsed, stop) =>
                RunAsync(
                    host,
                    parsed.GetValue(dryRun),
                    parsed.GetValue(json),
                    Progress.Parse(parsed.TextOf(progress)) ?? ProgressStyle.None,
                    stop
                )
        );
        return command;
    }

    private static async Task<int> RunAsync(
        ServiceHost host,
        bool dryRun,
        bool json,
        ProgressStyle style,
        CancellationToken cancellationToken
    )
    {
        await using var app = host.Build(HostPurpose.Migrate);
        var engine = app.Services.GetRequiredService<MetricsSettings>().Storage.Engine;
        var schema = app.Services.GetRequiredService<SchemaMigrator>();
        var before = await schema.CheckAsync(cancellationToken);
        var result = new Result(engine.ToString(), before.Standing.ToString(), before.Pending, before.RenewsViews, dryRun);
        if (before.Standing is SchemaStanding.Unreachable && (dryRun || engine == StorageEngine.Postgres))
            throw new CommandException($"The database could not be migrated: {before.Message}", ExitCode.Failed);
        if (dryRun)
        {
            Report(result, json, WouldDo(before, engine));
            return before.Standing is SchemaStanding.Newer or SchemaStanding.Abandoned ? ExitCode.Refused : ExitCode.Done;
        }
        using var progress = new Progress(style);
        var steps = engine == StorageEngine.Postgres ? 3 : 2;
        try
        {
            progress.Show("Migrating", 0, steps, "steps", "schema");
            await schema.MigrateAsync(cancellationToken);
            progress.Show("Migrating", 1, steps, "steps", "keys");
            await app.Services.GetRequiredService<SharedKeys>().GetAsync(ODataSettings.SkipTokenKeyName, cancellationToken);
            if (engine == StorageEngine.Postgres)
            {
                progress.Show("Migrating", 2, steps, "steps", "tables of jobs");
                _ = app.Services.GetRequiredService<JobStorage>();
            }
            progress.Show("Migrating", steps, steps, "steps");
        }
        catch (StorageException exception) when (exception.Code == StorageErrorCode.NewerSchema)
        {
            throw new CommandException($"The database could not be migrated: {exception.Message}");
        }
        catch (Exception exception) when (StorageFault.IsOutside(exception))
        {
            throw new CommandException($"The database could not be migrated: {exception.Message}", ExitCode.Failed);
        }
        progress.Dispose();
        Report(result, json, [$"The {engine} database is at the schema of this version."]);
        return ExitCode.Done;
    }

    private static List<string> WouldDo(SchemaState before, StorageEngine engine)
    {
        if (before.Standing is SchemaStanding.Newer or SchemaStanding.Abandoned)
            return [before.Message];
        if (before.Standing == SchemaStanding.Current)
            return [$"The {engine} database is at the schema of this version; nothing would be done."];
        if (before.Pending.Count == 0)
            return [$"The {engine} database has the views of another version; 'migrate' would make them anew."];
        List<string> lines =
        [
            $"The {engine} database {(before.Standing == SchemaStanding.Empty ? "is empty" : "has an older schema")}; "
                + "'migrate' would apply:",
            .. before.Pending.Select(migration => $"  {migration}"),
            "and make the views and the calendar anew.",
        ];
        if (engine == StorageEngine.Postgres)
            lines.Add("and make the tables of jobs (schema hangfire) where they are missing.");
        return lines;
    }

    private static void Report(Result result, bool json, IEnumerable<string> lines)
    {
        if (json)
            CommonOptions.Print(result);
        else
            foreach (var line in lines)
                Console.Out.WriteLine(line);
    }
}
