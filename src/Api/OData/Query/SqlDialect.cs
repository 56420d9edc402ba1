using System.Globalization;
using Metrics.Storage.Engine;

namespace Metrics.Api.OData.Query;

/// <summary>What the two engines say differently. Texts are compared by code point and times are UTC on both.</summary>
internal abstract class SqlDialect
{
    public static SqlDialect Sqlite { get; } = new SqliteDialect();

    public static SqlDialect Postgres { get; } = new PostgresDialect();

    public static SqlDialect Of(StorageEngine engine) => engine == StorageEngine.Sqlite ? Sqlite : Postgres;

    public static string Quote(string name) => $"\"{name}\"";

    /// <summary>Makes a text ordered by code point; equality needs nothing.</summary>
    public abstract string Ordered(string text);

    /// <summary>A whole number as 64 bits, so that arithmetic has room.</summary>
    public abstract string Wide(string integer);

    public abstract string AsDouble(string number);

    /// <summary>One-based position of a text in another, zero when it is not there.</summary>
    public abstract string PositionOf(string text, string sought);

    public abstract string EndsWith(string text, string end);

    public abstract string Lower(string text);

    public abstract string Upper(string text);

    public abstract string Trim(string text, string characters);

    /// <summary>Says of what type something is that has none of its own: a parameter or null.</summary>
    public abstract string Typed(string sql, SqlType type);

    /// <summary>The sum of whole numbers as a whole number.</summary>
    public abstract string SumOfIntegers(string number);

    /// <summary>The larger of two whole numbers.</summary>
    public abstract string Larger(string left, string right);

    /// <summary>year, month, day of a date; hour, minute and second too of an instant.</summary>
    public abstract string Part(string part, string value, bool isInstant);

    public abstract string DateOf(string instant);

    private sealed class SqliteDialect : SqlDialect
    {
        public override string Ordered(string text) => text;

        public override string Wide(string integer) => integer;

        public override string AsDouble(string number) => $"CAST({number} AS REAL)";

        public override string PositionOf(string text, string sought) => $"instr({text}, {sought})";

        public override string EndsWith(string text, string end) =>
            $"(length({end}) = 0 AND {text} IS NOT NULL OR substr({text}, -length({end})) = {end})";

        public override string Lower(string text) => $"lower({text})";

        public override string Upper(string text) => $"upper({text})";

        public override string Trim(string text, string characters) => $"trim({text}, {characters})";

        public override string Typed(string sql, SqlType type) => sql;

        public override string SumOfIntegers(string number) => $"SUM({number})";

        public override string Larger(string left, string right) => $"max({left}, {right})";

        public override string Part(string part, string value, bool isInstant) =>
            (part, isInstant) switch
            {
                ("year", false) => $"CAST(substr({value}, 1, 4) AS INTEGER)",
                ("month", false) => $"CAST(substr({value}, 6, 2) AS INTEGER)",
                ("day", false) => $"CAST(substr({value}, 9, 2) AS INTEGER)",
                ("year", true) => $"CAST(strftime('%Y', {Seconds(value)}, 'unixepoch') AS INTEGER)",
                ("month", true) => $"CAST(strftime('%m', {Seconds(value)}, 'unixepoch') AS INTEGER)",
                ("day", true) => $"CAST(strftime('%d', {Seconds(value)}, 'unixepoch') AS INTEGER)",
                ("hour", true) => $"CAST(strftime('%H', {Seconds(value)}, 'unixepoch') AS INTEGER)",
                ("minute", true) => $"CAST(strftime('%M', {Seconds(value)}, 'unixepoch') AS INTEGER)",
                ("second", true) => $"CAST(strftime('%S', {Seconds(value)}, 'unixepoch') AS INTEGER)",
                _ => throw new InvalidOperationException($"{part} of {(isInstant ? "an instant" : "a date")}."),
            };

        public override string DateOf(string instant) => $"strftime('%Y-%m-%d', {Seconds(instant)}, 'unixepoch')";

        // Whole seconds, rounded down also before 1970.
        private static string Seconds(string microseconds) => $"(({microseconds}) / 1000000 - (({microseconds}) % 1000000 < 0))";
    }

    private sealed class PostgresDialect : SqlDialect
    {
        public override string Ordered(string text) => $"{text} COLLATE \"C\"";

        public override string Wide(string integer) => $"({integer})::bigint";

        public override string AsDouble(string number) => $"({number})::double precision";

        public override string PositionOf(string text, string sought) => $"strpos({text}, {sought})::bigint";

        public override string EndsWith(string text, string end) => $"(right({text}, length({end})) = {end})";

        // By the C locale, where case is a matter of ASCII, as it is on SQLite.
        public override string Lower(string text) => $"lower({text} COLLATE \"C\")";

        public override string Upper(string text) => $"upper({text} COLLATE \"C\")";

        public override string Trim(string text, string characters) => $"btrim({text}, {characters})";

        public override string Typed(string sql, SqlType type) =>
            $"{sql}::{type switch
        {
            SqlType.Boolean => "boolean",
            SqlType.Integer => "bigint",
            SqlType.Double => "double precision",
            SqlType.Date => "date",
            SqlType.Instant => "timestamptz",
            _ => "text",
        }}";

        public override string SumOfIntegers(string number) => $"SUM({number})::bigint";

        public override string Larger(string left, string right) => $"greatest({left}, {right})";

        public override string Part(string part, string value, bool isInstant) =>
            $"floor(extract({part} FROM {(isInstant ? $"({value}) AT TIME ZONE 'UTC'" : $"({value})")}))::bigint";

        public override string DateOf(string instant) => $"(({instant}) AT TIME ZONE 'UTC')::date";
    }
}

/// <summary>The values of a statement, each sent as a parameter.</summary>
internal sealed class SqlParameters
{
    private readonly List<(string Name, object Value)> values = [];

    /// <summary>Names and values, as a <see cref="Metrics.Storage.Queries.ReadSession"/> takes them.</summary>
    public IReadOnlyList<(string Name, object Value)> Values => values;

    /// <summary>Adds a value and gives the text that stands for it.</summary>
    public string Add(object value)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"@p{values.Count}");
        values.Add((name, value));
        return name;
    }
}
