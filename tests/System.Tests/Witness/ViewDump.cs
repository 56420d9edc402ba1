using System.Data.Common;
using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Metrics.SystemTests.Witness;

/// <summary>Every row of every view of a database, by plain SQL. Which views and columns there are is asked of itself.</summary>
internal static partial class ViewDump
{
    /// <summary>
    /// Columns that a run numbers: in which order sources were read is chance. Of rejections it is chance how often a recompute saw them.
    /// </summary>
    private static readonly Dictionary<string, string[]> OfTheRun = new(StringComparer.Ordinal)
    {
        ["Runs"] = ["Id"],
        ["Events"] = ["Id"],
        ["Backfills"] = ["Id"],
        ["Restatements"] = ["Id"],
        ["Rejections"] = ["Count"],
    };

    /// <summary>
    /// How often sources are read is chance: runs that brought nothing are left out, and those that are told alike are told once.
    /// </summary>
    private const string Repeating = "Runs";

    /// <summary>Columns of an entity set that are of the run.</summary>
    public static string[] Masked(string set) => OfTheRun.GetValueOrDefault(set) ?? [];

    /// <summary>Sorts rows, and leaves out those of which there are as many as chance wants.</summary>
    public static List<string> Ordered(string set, IEnumerable<string> rows)
    {
        var sorted = rows.Order(StringComparer.Ordinal).ToList();
        return set == Repeating ? [.. sorted.Where(row => !BroughtNothing().IsMatch(row)).Distinct(StringComparer.Ordinal)] : sorted;
    }

    /// <summary>A text for each view.</summary>
    public static async Task<Dictionary<string, string>> DumpAsync(DbConnection connection, Stable stable)
    {
        await connection.OpenAsync();
        var names = await RowsAsync(
            connection,
            connection is SqliteConnection
                ? "SELECT name FROM sqlite_master WHERE type = 'view'"
                : "SELECT table_name::text FROM information_schema.views WHERE table_schema = current_schema()",
            reader => reader.GetString(0)
        );
        var dumps = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var view in names.Order(StringComparer.Ordinal))
            dumps[$"{view}.txt"] = await DumpAsync(connection, view, stable);
        return dumps;
    }

    private static async Task<string> DumpAsync(DbConnection connection, string view, Stable stable)
    {
        var columns = new List<string>();
        var types = new List<string>();
        var rows = await RowsAsync(
            connection,
            $"SELECT * FROM \"{view}\"",
            reader => Enumerable.Range(0, reader.FieldCount).Select(i => Value(reader, i, types[i])).ToArray(),
            reader =>
            {
                for (var i = 0; i < reader.FieldCount; i++)
                {
                    columns.Add(reader.GetName(i));
                    types.Add(reader.GetDataTypeName(i));
                }
            }
        );
        var masked = Masked(view);
        var times = Enumerable
            .Range(0, columns.Count)
            .Where(i => rows.Exists(row => row[i] is not null) && rows.TrueForAll(row => row[i] is null || IsMicroseconds(row[i])))
            .ToHashSet();
        var order = Enumerable.Range(0, columns.Count).OrderBy(i => columns[i], StringComparer.Ordinal).ToList();
        var lines = Ordered(view, rows.Select(Line));
        // A column that no row has a value in is named here alone: rows leave out what is null.
        List<string> head = ["# columns: " + string.Join(' ', order.Select(i => columns[i])), $"# rows: {lines.Count}"];
        return string.Join('\n', head.Concat(Stable.Shortened(lines))) + "\n";

        string Line(object?[] row) => string.Join(" | ", order.Where(i => row[i] is not null).Select(i => $"{columns[i]}={Cell(row, i)}"));

        string Cell(object?[] row, int i) => masked.Contains(columns[i]) ? "<run>" : Shown(row[i]!, times.Contains(i));

        string Shown(object value, bool time) =>
            value switch
            {
                DateTime instant => Stable.Instant(instant),
                long instant when time => Stable.Instant(DateTime.UnixEpoch.AddTicks(instant * 10)),
                double number => Stable.Number(number),
                float number => Stable.Number(number),
                bool truth => truth ? "1" : "0",
                DateOnly day => $"\"{day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)}\"",
                byte[] bytes => Convert.ToHexStringLower(bytes),
                string text => Stable.Quote(stable.Text(text)),
                _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
            };
    }

    private static object? Value(DbDataReader reader, int column, string type) =>
        reader.IsDBNull(column) ? null
        : type == "date" ? reader.GetFieldValue<DateOnly>(column)
        : reader.GetValue(column);

    /// <summary>SQLite has no type for times: a column of microseconds since 1970 holds nothing but years of this century.</summary>
    private static bool IsMicroseconds(object? value) => value is long number and > 1_000_000_000_000_000 and < 4_200_000_000_000_000;

    private static async Task<List<T>> RowsAsync<T>(
        DbConnection connection,
        string sql,
        Func<DbDataReader, T> read,
        Action<DbDataReader>? begun = null
    )
    {
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await using var reader = await command.ExecuteReaderAsync();
        begun?.Invoke(reader);
        var rows = new List<T>();
        while (await reader.ReadAsync())
            rows.Add(read(reader));
        return rows;
    }

    /// <summary>A connection to the database of an engine.</summary>
    public static DbConnection Connect(string engine, string connectionString) =>
        engine == "sqlite" ? new SqliteConnection(connectionString) : new NpgsqlConnection(connectionString);

    [GeneratedRegex("""\bReceived(?:=|":)0\b""")]
    private static partial Regex BroughtNothing();
}
