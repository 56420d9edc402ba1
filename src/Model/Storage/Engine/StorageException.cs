using System.Net.Sockets;
using Metrics.Domain.Quantities;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Metrics.Storage.Engine;

/// <summary>Why the database could not do what was asked. In tables and logs it is the word of <see cref="SnakeCase"/>:
/// <c>read_only</c>.</summary>
public enum StorageErrorCode
{
    /// <summary>It is not there, not to be reached, or its disk fails.</summary>
    Unreachable,

    /// <summary>Another process has it.</summary>
    Locked,

    /// <summary>Its disk is full.</summary>
    Full,

    /// <summary>Nothing can be written there.</summary>
    ReadOnly,

    /// <summary>What is stored is damaged.</summary>
    Corrupt,

    /// <summary>It refuses the user.</summary>
    Refused,

    /// <summary>It lacks the tables of this version.</summary>
    NoSchema,

    /// <summary>It has too much to do, or the query was too much for it.</summary>
    Busy,

    /// <summary>Two different things have the same key.</summary>
    Collision,

    /// <summary>Its schema is of a newer version.</summary>
    NewerSchema,

    /// <summary>Its schema is of a version of development that no version goes on from.</summary>
    AbandonedSchema,
}

/// <summary>The database could not do what was asked, for a reason that lies with the database and its surroundings. The message is for
/// people and holds no secret.</summary>
/// <param name="code">Why.</param>
/// <param name="message">A sentence for people.</param>
/// <param name="inner">What the driver said.</param>
public sealed class StorageException(StorageErrorCode code, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Why.</summary>
    public StorageErrorCode Code { get; } = code;
}

/// <summary>Tells the world's faults from ours.</summary>
public static class StorageFault
{
    /// <summary>Whether the exception lies with the database or the way to it, so that it can be told in a sentence and tried
    /// again.</summary>
    public static bool IsOutside(Exception exception) => exception is StorageException || Describe(exception, "the database") is not null;

    /// <summary>The exception as a sentence about <paramref name="database"/>; null when the exception is our own.</summary>
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
                    StorageErrorCode.Unreachable,
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
                StorageErrorCode.Locked,
                $"{Sentence(database)} is locked by another process. One process at a time may use a SQLite file: stop the other "
                    + $"one, or use PostgreSQL.",
                exception
            ),
            8 => new(
                StorageErrorCode.ReadOnly,
                $"{Sentence(database)} cannot be written: the file or its folder is read-only. Give this user the right to write there.",
                exception
            ),
            10 => new(
                StorageErrorCode.Unreachable,
                $"{Sentence(database)} cannot be read or written: the disk reports an error ({exception.Message}).",
                exception
            ),
            13 => new(
                StorageErrorCode.Full,
                $"{Sentence(database)} cannot grow: the disk is full. Free space; reading goes on by itself.",
                exception
            ),
            14 => new(
                StorageErrorCode.Unreachable,
                $"{Sentence(database)} cannot be opened. Check that the folder exists and that this user may write there.",
                exception
            ),
            11 or 26 => new(
                StorageErrorCode.Corrupt,
                $"{Sentence(database)} is not a readable SQLite database. Restore it from a copy, or name another file.",
                exception
            ),
            1 when exception.Message.Contains("no such table", StringComparison.Ordinal) => new(
                StorageErrorCode.NoSchema,
                $"{Sentence(database)} lacks the tables of this version. Run the command 'migrate' first.",
                exception
            ),
            _ => null,
        };

    private static StorageException? Postgres(PostgresException exception, string database) =>
        exception.SqlState switch
        {
            "53100" => new(
                StorageErrorCode.Full,
                $"{Sentence(database)} cannot grow: its disk is full. Free space; reading goes on by itself.",
                exception
            ),
            "53300" or "53400" => new(
                StorageErrorCode.Busy,
                $"{Sentence(database)} has no free connection ({exception.MessageText}). Raise max_connections or start fewer processes.",
                exception
            ),
            "25006" => new(
                StorageErrorCode.ReadOnly,
                $"{Sentence(database)} is read-only, as a standby is. Connect to the primary.",
                exception
            ),
            "28000" or "28P01" or "42501" => new(
                StorageErrorCode.Refused,
                $"{Sentence(database)} refuses this user: {exception.MessageText}.",
                exception
            ),
            "3D000" => new(
                StorageErrorCode.Unreachable,
                $"{Sentence(database)} does not exist. Run the command 'migrate' with a user that may create databases, or create it.",
                exception
            ),
            "42P01" => new(
                StorageErrorCode.NoSchema,
                $"{Sentence(database)} lacks the tables of this version. Run the command 'migrate' first.",
                exception
            ),
            "40001" or "40P01" or "55P03" or "57014" => new(
                StorageErrorCode.Busy,
                $"{Sentence(database)} was too busy: {exception.MessageText}. It is tried again at the next tick.",
                exception
            ),
            "XX001" or "XX002" => new(
                StorageErrorCode.Corrupt,
                $"{Sentence(database)} reports damaged data: {exception.MessageText}.",
                exception
            ),
            var state when state.StartsWith("08", StringComparison.Ordinal) || state.StartsWith("57P", StringComparison.Ordinal) => new(
                StorageErrorCode.Unreachable,
                $"{Sentence(database)} is gone or starting: {exception.MessageText}. It is tried again at the next tick.",
                exception
            ),
            _ => null,
        };

    private static string Sentence(string subject) => char.ToUpperInvariant(subject[0]) + subject[1..];
}
