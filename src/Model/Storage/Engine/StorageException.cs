using System.Net.Sockets;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Metrics.Storage.Engine;

/// <summary>The database could not do what was asked, for a reason that lies with the database and its surroundings. The message is for
/// people and holds no secret.</summary>
/// <param name="code">Stable snake_case name: <c>unreachable</c>, <c>locked</c>, <c>full</c>, <c>read_only</c>, <c>corrupt</c>,
/// <c>refused</c>, <c>no_schema</c>, <c>busy</c>, <c>collision</c>.</param>
public sealed class StorageException(string code, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Stable name of the fault.</summary>
    public string Code { get; } = code;
}

/// <summary>Tells the world's faults from ours.</summary>
public static class StorageFault
{
    /// <summary>Whether the fault lies with the database or the way to it, so that it can be told in a sentence and tried again.</summary>
    public static bool IsOutside(Exception exception) => exception is StorageException || Describe(exception, "the database") is not null;

    /// <summary>The fault as a sentence about <paramref name="database"/>; null when the fault is our own.</summary>
    internal static StorageException? Describe(Exception exception, string database)
    {
        for (Exception? cause = exception; cause is not null; cause = cause.InnerException)
        {
            if (cause is StorageException known)
                return known;
            if (cause is SqliteException sqlite)
                return Sqlite(sqlite, database);
            if (cause is PostgresException postgres)
                return Postgres(postgres, database);
            if (cause is NpgsqlException or SocketException)
                return new(
                    "unreachable",
                    $"{Sentence(database)} cannot be reached: {cause.Message.TrimEnd('.')}. Check that it runs and that "
                        + $"Metrics:Storage:ConnectionString names it.",
                    exception
                );
        }
        return null;
    }

    private static StorageException? Sqlite(SqliteException exception, string database) =>
        exception.SqliteErrorCode switch
        {
            5 or 6 => new(
                "locked",
                $"{Sentence(database)} is locked by another process. One process at a time may use a SQLite file: stop the other "
                    + $"one, or use PostgreSQL.",
                exception
            ),
            8 => new(
                "read_only",
                $"{Sentence(database)} cannot be written: the file or its folder is read-only. Give this user the right to write there.",
                exception
            ),
            10 => new(
                "unreachable",
                $"{Sentence(database)} cannot be read or written: the disk reports an error ({exception.Message}).",
                exception
            ),
            13 => new("full", $"{Sentence(database)} cannot grow: the disk is full. Free space; reading goes on by itself.", exception),
            14 => new(
                "unreachable",
                $"{Sentence(database)} cannot be opened. Check that the folder exists and that this user may write there.",
                exception
            ),
            11 or 26 => new(
                "corrupt",
                $"{Sentence(database)} is not a readable SQLite database. Restore it from a copy, or name another file.",
                exception
            ),
            1 when exception.Message.Contains("no such table", StringComparison.Ordinal) => new(
                "no_schema",
                $"{Sentence(database)} lacks the tables of this version. Run the command 'migrate' first.",
                exception
            ),
            _ => null,
        };

    private static StorageException? Postgres(PostgresException exception, string database) =>
        exception.SqlState switch
        {
            "53100" => new(
                "full",
                $"{Sentence(database)} cannot grow: its disk is full. Free space; reading goes on by itself.",
                exception
            ),
            "53300" or "53400" => new(
                "busy",
                $"{Sentence(database)} has no free connection ({exception.MessageText}). Raise max_connections or start fewer processes.",
                exception
            ),
            "25006" => new("read_only", $"{Sentence(database)} is read-only, as a standby is. Connect to the primary.", exception),
            "28000" or "28P01" or "42501" => new("refused", $"{Sentence(database)} refuses this user: {exception.MessageText}.", exception),
            "3D000" => new(
                "unreachable",
                $"{Sentence(database)} does not exist. Run the command 'migrate' with a user that may create databases, or create it.",
                exception
            ),
            "42P01" => new(
                "no_schema",
                $"{Sentence(database)} lacks the tables of this version. Run the command 'migrate' first.",
                exception
            ),
            "40001" or "40P01" or "55P03" or "57014" => new(
                "busy",
                $"{Sentence(database)} was too busy: {exception.MessageText}. It is tried again at the next tick.",
                exception
            ),
            "XX001" or "XX002" => new("corrupt", $"{Sentence(database)} reports damaged data: {exception.MessageText}.", exception),
            var state when state.StartsWith("08", StringComparison.Ordinal) || state.StartsWith("57P", StringComparison.Ordinal) => new(
                "unreachable",
                $"{Sentence(database)} is gone or starting: {exception.MessageText}. It is tried again at the next tick.",
                exception
            ),
            _ => null,
        };

    private static string Sentence(string subject) => char.ToUpperInvariant(subject[0]) + subject[1..];
}
