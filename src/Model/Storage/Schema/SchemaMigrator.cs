using Metrics.Storage.Engine;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

namespace Metrics.Storage.Schema;

/// <summary>How the database's schema stands to this version of the product.</summary>
public enum SchemaStanding
{
    /// <summary>The same.</summary>
    Current,

    /// <summary>Migrations of this version have not been applied.</summary>
    Older,

    /// <summary>Migrations were applied that this version does not know.</summary>
    Newer,

    /// <summary>It was made by a version from before the first release, whose tables no version takes over.</summary>
    Abandoned,

    /// <summary>No table yet.</summary>
    Empty,

    /// <summary>The database did not answer.</summary>
    Unreachable,
}

/// <summary>Standing of the schema, with a sentence for people that says what to do.</summary>
public sealed record SchemaState(SchemaStanding Standing, string Message)
{
    /// <summary>Whether this version may use the database.</summary>
    public bool IsCurrent => Standing == SchemaStanding.Current;

    /// <summary>Migrations of this version that the database lacks, oldest first.</summary>
    public IReadOnlyList<string> Pending { get; init; } = [];

    /// <summary>Whether the views, which are no migrations, would be made anew.</summary>
    public bool RenewsViews { get; init; }
}

/// <summary>The schema of the database: whether it fits, and how to make it fit.</summary>
public sealed class SchemaMigrator
{
    /// <summary>EF Core guards a migration of SQLite by a row that a killed process leaves behind; older than this it is
    /// nobody's.</summary>
    private static readonly TimeSpan AbandonedAfter = TimeSpan.FromMinutes(2);

    // The first half of a two-part advisory lock.
    private const int ViewsLock = 0x4D564945;

    private readonly IDbContextFactory<MetricsDbContext> contexts;
    private readonly Database database;

    internal SchemaMigrator(IDbContextFactory<MetricsDbContext> contexts, Database database)
    {
        this.contexts = contexts;
        this.database = database;
    }

    /// <summary>Applies what is missing; creates the database when there is none. Safe to run twice, and by two processes at
    /// once.</summary>
    /// <exception cref="StorageException">The database cannot be reached or written, or its schema is newer than this version
    /// (<c>newer_schema</c>) or of before the first release (<c>abandoned_schema</c>).</exception>
    public async Task MigrateAsync(CancellationToken cancellationToken = default)
    {
        var before = await CheckAsync(cancellationToken);
        if (before.Standing == SchemaStanding.Newer)
            throw new StorageException(StorageErrorCode.NewerSchema, before.Message);
        if (before.Standing == SchemaStanding.Abandoned)
            throw new StorageException(StorageErrorCode.AbandonedSchema, before.Message);
        try
        {
            await using var context = await contexts.CreateDbContextAsync(cancellationToken);
            if (!database.IsPostgres)
                await PrepareFileAsync(context, cancellationToken);
            await context.Database.MigrateAsync(cancellationToken);
            await database.TransactAsync(RenewAsync, cancellationToken);
        }
        catch (Exception exception) when (StorageFault.Describe(exception, database.Name) is { } described)
        {
            throw described;
        }
    }

    /// <summary>Brings the schema up to date when told to, then says how it stands.</summary>
    /// <param name="migrate">Whether to apply what is missing. Never applied to a newer schema.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async Task<SchemaState> PrepareAsync(bool migrate, CancellationToken cancellationToken = default)
    {
        var state = await CheckAsync(cancellationToken);
        // A SQLite file that is not there yet reads as empty; a server that does not answer stays unreachable.
        if (!migrate || state.Standing is not (SchemaStanding.Empty or SchemaStanding.Older))
            return state;
        try
        {
            await MigrateAsync(cancellationToken);
        }
        catch (StorageException exception)
        {
            return new(SchemaStanding.Unreachable, exception.Message);
        }
        return await CheckAsync(cancellationToken);
    }

    /// <summary>How the schema stands. Never throws for the database's sake.</summary>
    public async Task<SchemaState> CheckAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            await using var context = await contexts.CreateDbContextAsync(cancellationToken);
            if (
                !database.IsPostgres
                && new SqliteConnectionStringBuilder(context.Database.GetConnectionString()) is { Mode: not SqliteOpenMode.Memory } file
                && !File.Exists(file.DataSource)
            )
                return new(SchemaStanding.Empty, $"{Sentence} does not exist yet. Run the command 'migrate'.")
                {
                    Pending = [.. context.Database.GetMigrations()],
                    RenewsViews = true,
                };
            var known = context.Database.GetMigrations().ToList();
            var applied = (await context.Database.GetAppliedMigrationsAsync(cancellationToken)).ToList();
            var state = Compare(Sentence, known, applied);
            return state.IsCurrent && await database.ReadAsync(FingerprintAsync, cancellationToken) != Views.Fingerprint
                ? new(SchemaStanding.Older, $"{Sentence} has the views of another version of Metrics. Run the command 'migrate'.")
                {
                    RenewsViews = true,
                }
                : state;
        }
        catch (Exception exception)
            when (StorageFault.Describe(exception, database.Name) is { } described && !cancellationToken.IsCancellationRequested)
        {
            return new(SchemaStanding.Unreachable, described.Message);
        }
    }

    /// <summary>How a database with some migrations stands to a version that knows others.</summary>
    /// <param name="database">What the sentence begins with.</param>
    /// <param name="known">Migrations of this version, oldest first, at least one.</param>
    /// <param name="applied">Migrations of the database, oldest first.</param>
    public static SchemaState Compare(string database, IReadOnlyList<string> known, IReadOnlyList<string> applied)
    {
        // Names begin with a time. What is older than the first migration of all was made before the first release.
        if (applied is [var first, ..] && string.CompareOrdinal(first, known[0]) < 0)
            return new(
                SchemaStanding.Abandoned,
                $"{database} was made by a development version of Metrics from before its first release (its schema begins with "
                    + $"{first}), which no version takes over: give this version an empty database, and it reads again what the sources "
                    + "still have."
            );
        if (applied.LastOrDefault(name => !known.Contains(name, StringComparer.Ordinal)) is { } foreign)
            return new(
                SchemaStanding.Newer,
                $"{database} was migrated by a newer version of Metrics (its schema has {foreign}, this version ends at "
                    + $"{known[^1]}). Start that version, or restore the database from before its migration."
            );
        IReadOnlyList<string> pending = [.. known.Except(applied, StringComparer.Ordinal)];
        if (applied.Count == 0)
            return new(SchemaStanding.Empty, $"{database} holds no tables of Metrics yet. Run the command 'migrate'.")
            {
                Pending = pending,
                RenewsViews = true,
            };
        return applied.Count < known.Count
            ? new(
                SchemaStanding.Older,
                $"{database} has the schema of an older version of Metrics (it ends at {applied[^1]}, this version needs "
                    + $"{known[^1]}). Run the command 'migrate'."
            )
            {
                Pending = pending,
                RenewsViews = true,
            }
            : new(SchemaStanding.Current, $"{database} has the schema of this version.");
    }

    /// <summary>The part of the schema that holds nothing of its own: views and the calendar, made again when they are of another
    /// version.</summary>
    private async Task RenewAsync(Session session, CancellationToken cancellationToken)
    {
        // Two processes that migrate at once take turns.
        if (database.IsPostgres)
            await session.ExecuteAsync("SELECT pg_advisory_xact_lock(@lock, 0)", [("lock", ViewsLock)], cancellationToken);
        if (await FingerprintAsync(session, cancellationToken) == Views.Fingerprint)
            return;
        foreach (var (name, _) in Views.All.Reverse())
            await session.ExecuteAsync($"DROP VIEW IF EXISTS \"{name}\"", cancellationToken);
        foreach (var (_, sql) in Views.All)
            await session.ExecuteAsync(sql, cancellationToken);
        await CalendarDay.Table.UpsertAsync(session, CalendarDay.All(), cancellationToken);
        await session.ExecuteAsync(
            "INSERT INTO settings (name, value) VALUES ('views', @views) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            [("views", Views.Fingerprint)],
            cancellationToken
        );
    }

    private static async Task<string?> FingerprintAsync(Session session, CancellationToken cancellationToken) =>
        (
            await session.QueryAsync("SELECT value FROM settings WHERE name = 'views'", [], row => row.Text(0), cancellationToken)
        ).FirstOrDefault();

    private Views Views => database.IsPostgres ? Views.Postgres : Views.Sqlite;

    private string Sentence => char.ToUpperInvariant(database.Name[0]) + database.Name[1..];

    private static async Task PrepareFileAsync(MetricsDbContext context, CancellationToken cancellationToken)
    {
        await context.Database.OpenConnectionAsync(cancellationToken);
        // Readers do not wait for the writer in this mode, nor the writer for them. The file remembers it.
        await context.Database.ExecuteSqlRawAsync("PRAGMA journal_mode = WAL", cancellationToken);
        var guarded = await context
            .Database.SqlQueryRaw<long>("SELECT COUNT(*) AS \"Value\" FROM sqlite_master WHERE name = '__EFMigrationsLock'")
            .SingleAsync(cancellationToken);
        if (guarded > 0)
            await context.Database.ExecuteSqlAsync(
                $"DELETE FROM \"__EFMigrationsLock\" WHERE julianday(\"Timestamp\") < julianday('now') - {AbandonedAfter.TotalDays}",
                cancellationToken
            );
    }
}
