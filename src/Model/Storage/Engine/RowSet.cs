using Npgsql;
using NpgsqlTypes;

namespace Metrics.Storage.Engine;

/// <summary>How rows of one type stand in a table, and how a set of them is put there with the least change.</summary>
/// <remarks>
/// On PostgreSQL the rows travel as one array a column and the change is one statement; on SQLite they pass through a temporary table.
/// Rows are written in order of their key, so that two writers never wait for each other in a circle.
/// </remarks>
/// <param name="table">Name of the table.</param>
/// <param name="key">Names of the key's columns.</param>
/// <param name="columns">All columns that are written.</param>
/// <param name="stamps">Columns that are not compared, because they say when a row changed.</param>
internal sealed class RowSet<T>(string table, string[] key, Column<T>[] columns, params string[] stamps)
{
    private readonly string names = string.Join(", ", columns.Select(column => column.Name));
    private readonly string keys = string.Join(", ", key);
    private readonly string[] compared =
    [
        .. columns
            .Select(column => column.Name)
            .Where(name => !key.Contains(name, StringComparer.Ordinal) && !stamps.Contains(name, StringComparer.Ordinal)),
    ];

    /// <summary>Inserts what is missing and changes what differs. Equal rows stay untouched, their stamps included.</summary>
    /// <returns>Rows inserted or changed.</returns>
    public Task<int> UpsertAsync(Session session, IReadOnlyList<T> rows, CancellationToken cancellationToken) =>
        RunAsync(session, rows, Differing(null), Change, null, [], cancellationToken);

    /// <summary>As <see cref="UpsertAsync(Session, IReadOnlyList{T}, CancellationToken)"/>, and deletes the other rows within the
    /// scope.</summary>
    /// <param name="session">The transaction.</param>
    /// <param name="rows">All rows that the scope is to have.</param>
    /// <param name="scope">A condition on the table's columns.</param>
    /// <param name="parameters">The condition's parameters.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public Task<int> ReplaceAsync(
        Session session,
        IReadOnlyList<T> rows,
        string scope,
        (string Name, object? Value)[] parameters,
        CancellationToken cancellationToken
    ) => RunAsync(session, rows, Differing(scope), Change, scope, parameters, cancellationToken);

    /// <summary>Inserts what is missing; to what is there it applies the assignments, or nothing when null.</summary>
    /// <returns>Rows inserted or changed.</returns>
    public Task<int> UpsertAsync(Session session, IReadOnlyList<T> rows, string? assignments, CancellationToken cancellationToken) =>
        RunAsync(session, rows, "true", assignments is null ? "NOTHING" : $"UPDATE SET {assignments}", null, [], cancellationToken);

    /// <summary>Inserts every row; the key orders them and nothing else.</summary>
    public Task<int> AppendAsync(Session session, IReadOnlyList<T> rows, CancellationToken cancellationToken) =>
        RunAsync(session, rows, "true", null, null, [], cancellationToken);

    private string Change =>
        compared.Length == 0
            ? "NOTHING"
            : "UPDATE SET "
                + string.Join(
                    ", ",
                    columns.Select(column => column.Name).Except(key, StringComparer.Ordinal).Select(name => $"{name} = excluded.{name}")
                );

    private string SameKey => string.Join(" AND ", key.Select(name => $"staged.{name} = {table}.{name}"));

    // Asked before the insert, because ON CONFLICT .. WHERE locks and so rewrites every row that it then leaves alone.
    private string Differing(string? scope) =>
        $"NOT EXISTS (SELECT 1 FROM {table} WHERE {(scope is null ? "" : scope + " AND ")}{SameKey}{SameValues})";

    private string SameValues =>
        compared.Length == 0 ? "" : $" AND ({Named(table, compared)}) IS NOT DISTINCT FROM ({Named("staged", compared)})";

    private static string Named(string rows, IEnumerable<string> names) => string.Join(", ", names.Select(name => $"{rows}.{name}"));

    private async Task<int> RunAsync(
        Session session,
        IReadOnlyList<T> rows,
        string which,
        string? onConflict,
        string? scope,
        (string Name, object? Value)[] parameters,
        CancellationToken cancellationToken
    )
    {
        if (rows.Count == 0 && scope is null)
            return 0;
        var insert =
            $"INSERT INTO {table} ({names}) SELECT {names} FROM staged WHERE {which} ORDER BY "
            + $"{keys}{(onConflict is null ? "" : $" ON CONFLICT ({keys}) DO {onConflict}")}";
        var delete = scope is null ? null : $"DELETE FROM {table} WHERE {scope} AND NOT EXISTS (SELECT 1 FROM staged WHERE {SameKey})";
        if (session.Database.IsPostgres)
        {
            await using var command = (NpgsqlCommand)
                session.Command(
                    $"""
                    WITH staged AS MATERIALIZED (SELECT * FROM unnest({string.Join(
                        ", ",
                        columns.Select((_, i) => $"@c{i}")
                    )}) AS rows ({names}))
                    {(delete is null ? "" : $", gone AS ({delete})")}
                    {insert}
                    """,
                    parameters
                );
            for (var i = 0; i < columns.Length; i++)
                command.Parameters.Add(columns[i].Array($"c{i}", rows));
            return await command.ExecuteNonQueryAsync(cancellationToken);
        }
        // With the table's types: between columns of other types no index is used.
        await session.ExecuteAsync($"CREATE TEMP TABLE staged AS SELECT {names} FROM {table} LIMIT 0", cancellationToken);
        Fill(session, rows);
        if (delete is not null)
        {
            // Each row of the scope is looked for among the staged ones: without an index that is their number squared.
            await session.ExecuteAsync($"CREATE INDEX staged_key ON staged ({keys})", cancellationToken);
            await session.ExecuteAsync(delete, parameters, cancellationToken);
        }
        var changed = await session.ExecuteAsync(insert, parameters, cancellationToken);
        await session.ExecuteAsync("DROP TABLE staged", cancellationToken);
        return changed;
    }

    private void Fill(Session session, IReadOnlyList<T> rows)
    {
        using var insert = session.Command(
            $"INSERT INTO staged ({names}) VALUES ({string.Join(", ", columns.Select((_, i) => $"@c{i}"))})"
        );
        foreach (var _ in columns)
        {
            var parameter = insert.CreateParameter();
            parameter.ParameterName = $"c{insert.Parameters.Count}";
            insert.Parameters.Add(parameter);
        }
        foreach (var row in rows)
        {
            for (var i = 0; i < columns.Length; i++)
                insert.Parameters[i].Value = session.Bound(columns[i].Value(row));
            insert.ExecuteNonQuery();
        }
    }
}

/// <summary>One column of a <see cref="RowSet{T}"/>.</summary>
internal abstract class Column<T>(string name)
{
    public string Name { get; } = name;

    public abstract object? Value(T row);

    public abstract NpgsqlParameter Array(string parameter, IReadOnlyList<T> rows);
}

internal static class Column
{
    /// <summary>A column by name, PostgreSQL's type and how a row tells its value.</summary>
    public static Column<T> Of<T, TValue>(string name, NpgsqlDbType type, Func<T, TValue> value) =>
        new Valued<T, TValue>(name, type, value);

    private sealed class Valued<T, TValue>(string name, NpgsqlDbType type, Func<T, TValue> value) : Column<T>(name)
    {
        public override object? Value(T row) => value(row);

        public override NpgsqlParameter Array(string parameter, IReadOnlyList<T> rows)
        {
            var array = new TValue[rows.Count];
            for (var i = 0; i < array.Length; i++)
                array[i] = value(rows[i]);
            return new NpgsqlParameter(parameter, NpgsqlDbType.Array | type) { Value = array };
        }
    }
}
