using System.Collections.Concurrent;
using System.Globalization;
using Npgsql;

namespace Metrics.Storage.Engine;

/// <summary>Month partitions of PostgreSQL's large tables, made when the first row of a month comes and dropped by retention.</summary>
internal sealed class Partitions(NpgsqlDataSource source)
{
    /// <summary>Advisory lock: one session at a time makes or drops partitions.</summary>
    private const long Lock = 0x4D455452_50415254;

    private readonly ConcurrentDictionary<string, bool> known = new(StringComparer.Ordinal);

    /// <summary>The partition of a table that holds the time, for instance <c>samples_y2026m01</c>.</summary>
    public static string Name(string table, DateTime time) =>
        string.Create(CultureInfo.InvariantCulture, $"{table}_y{time.Year:0000}m{time.Month:00}");

    /// <summary>Makes the partitions for these times where they are missing. In transactions of its own, so that no bulk write holds a lock
    /// on the schema.</summary>
    public async Task EnsureAsync(string table, IEnumerable<DateTime> times, CancellationToken cancellationToken)
    {
        var missing = times
            .Select(time => new DateTime(time.Year, time.Month, 1, 0, 0, 0, DateTimeKind.Utc))
            .Distinct()
            .Where(month => !known.ContainsKey(Name(table, month)))
            .Order()
            .ToList();
        if (missing.Count == 0)
            return;
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        foreach (var month in missing)
        {
            var name = Name(table, month);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await using var create = new NpgsqlCommand(
                $"SELECT pg_advisory_xact_lock({Lock}); SELECT to_regclass('{name}') IS NOT NULL",
                connection,
                transaction
            );
            if (!await ExistsAsync(create, cancellationToken))
            {
                // Attaching takes a weaker lock on the parent than CREATE TABLE .. PARTITION OF, so that readers and writers go on.
                await using var attach = new NpgsqlCommand(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES); ALTER "
                            + $"TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{month:yyyy-MM-dd} 00:00:00+00') TO "
                            + $"('{month.AddMonths(1):yyyy-MM-dd} 00:00:00+00')"
                    ),
                    connection,
                    transaction
                );
                await attach.ExecuteNonQueryAsync(cancellationToken);
            }
            await transaction.CommitAsync(cancellationToken);
            known[name] = true;
        }
    }

    /// <summary>Asks the database again which partitions there are.</summary>
    public void Forget() => known.Clear();

    /// <summary>Drops the partitions of whole months before the time.</summary>
    /// <returns>Names of what was dropped.</returns>
    public async Task<IReadOnlyList<string>> DropBeforeAsync(string table, DateTime before, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        // A query that reads the parent for long must not make every other one queue behind this.
        await using var list = new NpgsqlCommand(
            $"SELECT pg_advisory_xact_lock({Lock}); SET LOCAL lock_timeout = '10s'; SELECT c.relname FROM pg_inherits i JOIN "
                + $"pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = '{table}'::regclass ORDER BY 1",
            connection,
            transaction
        );
        var old = new List<string>();
        await using (var reader = await list.ExecuteReaderAsync(cancellationToken))
        {
            await reader.NextResultAsync(cancellationToken);
            var current = Name(table, before);
            while (await reader.ReadAsync(cancellationToken))
                if (string.CompareOrdinal(reader.GetString(0), current) < 0)
                    old.Add(reader.GetString(0));
        }
        foreach (var name in old)
        {
            await using var drop = new NpgsqlCommand($"DROP TABLE \"{name}\"", connection, transaction);
            await drop.ExecuteNonQueryAsync(cancellationToken);
        }
        await transaction.CommitAsync(cancellationToken);
        foreach (var name in old)
            known.TryRemove(name, out _);
        return old;
    }

    private static async Task<bool> ExistsAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return reader.GetBoolean(0);
    }
}
