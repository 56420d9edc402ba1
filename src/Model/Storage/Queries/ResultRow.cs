using System.Data.Common;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Metrics.Storage.Schema;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Metrics.Storage.Queries;

/// <summary>The row that a reader is at, column by column and without an object for a value. Times are UTC, texts UTF-8.</summary>
public abstract class ResultRow
{
    /// <summary>The rows of a reader of either engine.</summary>
    public static ResultRow Of(DbDataReader reader) => reader is SqliteDataReader sqlite ? new SqliteRow(sqlite) : new PostgresRow(reader);

    /// <summary>Whether the column has no value.</summary>
    public abstract bool IsNull(int ordinal);

    /// <summary>A double.</summary>
    public abstract double Double(int ordinal);

    /// <summary>A whole number.</summary>
    public abstract long Integer(int ordinal);

    /// <summary>Yes or no.</summary>
    public abstract bool Boolean(int ordinal);

    /// <summary>A time, UTC.</summary>
    public abstract DateTime Instant(int ordinal);

    /// <summary>A day.</summary>
    public abstract DateOnly Date(int ordinal);

    /// <summary>A day as ISO 8601 writes it, until the next call or row.</summary>
    public abstract ReadOnlySpan<byte> DateUtf8(int ordinal);

    /// <summary>The bytes of a text, until the next call or row.</summary>
    public abstract ReadOnlySpan<byte> Utf8(int ordinal);

    /// <summary>A text.</summary>
    public string Text(int ordinal) => Encoding.UTF8.GetString(Utf8(ordinal));

    /// <summary>How many columns the row has.</summary>
    public abstract int Columns { get; }

    /// <summary>Name of a column.</summary>
    public abstract string Name(int ordinal);

    /// <summary>A value as the driver tells it, for those who do not know what the column holds: on SQLite times are whole
    /// numbers.</summary>
    public abstract object Value(int ordinal);

    /// <summary>A double; null where there is none.</summary>
    public double? DoubleOrNull(int ordinal) => IsNull(ordinal) ? null : Double(ordinal);

    /// <summary>A text; null where there is none.</summary>
    public string? TextOrNull(int ordinal) => IsNull(ordinal) ? null : Text(ordinal);

    private sealed class PostgresRow(DbDataReader reader) : ResultRow
    {
        private byte[] text = new byte[256];

        public override int Columns => reader.FieldCount;

        public override string Name(int ordinal) => reader.GetName(ordinal);

        public override object Value(int ordinal) => reader.GetValue(ordinal);

        public override bool IsNull(int ordinal) => reader.IsDBNull(ordinal);

        public override double Double(int ordinal) => reader.GetDouble(ordinal);

        public override long Integer(int ordinal) => reader.GetInt64(ordinal);

        public override bool Boolean(int ordinal) => reader.GetBoolean(ordinal);

        public override DateTime Instant(int ordinal) => reader.GetDateTime(ordinal);

        public override DateOnly Date(int ordinal) => reader.GetFieldValue<DateOnly>(ordinal);

        public override ReadOnlySpan<byte> DateUtf8(int ordinal)
        {
            Date(ordinal).TryFormat(text, out var length, "O", CultureInfo.InvariantCulture);
            return text.AsSpan(0, length);
        }

        public override ReadOnlySpan<byte> Utf8(int ordinal)
        {
            // The server sends UTF-8, and the driver hands it on as it came.
            var length = (int)reader.GetBytes(ordinal, 0, text, 0, text.Length);
            if (length == text.Length)
            {
                length = (int)reader.GetBytes(ordinal, 0, null, 0, 0);
                if (length > text.Length)
                    text = new byte[Math.Max(length, text.Length * 2)];
                length = (int)reader.GetBytes(ordinal, 0, text, 0, text.Length);
            }
            return text.AsSpan(0, length);
        }
    }

    /// <summary>Straight from the engine's row: the driver looks after its handles at each value, which costs more than the
    /// value.</summary>
    /// <remarks>The statement lives as long as the reader, and the reader outlives its rows.</remarks>
    private sealed class SqliteRow(SqliteDataReader reader) : ResultRow
    {
        private readonly nint statement = reader.Handle!.DangerousGetHandle();

        public override int Columns => reader.FieldCount;

        public override string Name(int ordinal) => reader.GetName(ordinal);

        public override object Value(int ordinal) => reader.GetValue(ordinal);

        public override bool IsNull(int ordinal) => Native.Type(statement, ordinal) == raw.SQLITE_NULL;

        public override double Double(int ordinal) => Native.Double(statement, ordinal);

        public override long Integer(int ordinal) => Native.Int64(statement, ordinal);

        public override bool Boolean(int ordinal) => Integer(ordinal) != 0;

        public override DateTime Instant(int ordinal) => UnixMicroseconds.To(Integer(ordinal));

        public override DateOnly Date(int ordinal) => DateOnly.ParseExact(Text(ordinal), "yyyy-MM-dd", CultureInfo.InvariantCulture);

        // Days are stored as they are written.
        public override ReadOnlySpan<byte> DateUtf8(int ordinal) => Utf8(ordinal);

        public override unsafe ReadOnlySpan<byte> Utf8(int ordinal)
        {
            var text = Native.Text(statement, ordinal);
            return text is null ? default : new ReadOnlySpan<byte>(text, Native.Length(statement, ordinal));
        }

        /// <summary>sqlite3_column_*, https://www.sqlite.org/c3ref/column_blob.html. None of those below waits for anything, so the
        /// collector need not be told of the call.</summary>
        private static unsafe class Native
        {
            private const string Library = "e_sqlite3";

            [DllImport(Library, EntryPoint = "sqlite3_column_type", ExactSpelling = true), SuppressGCTransition]
            public static extern int Type(nint statement, int column);

            [DllImport(Library, EntryPoint = "sqlite3_column_double", ExactSpelling = true), SuppressGCTransition]
            public static extern double Double(nint statement, int column);

            [DllImport(Library, EntryPoint = "sqlite3_column_int64", ExactSpelling = true), SuppressGCTransition]
            public static extern long Int64(nint statement, int column);

            [DllImport(Library, EntryPoint = "sqlite3_column_text", ExactSpelling = true), SuppressGCTransition]
            public static extern byte* Text(nint statement, int column);

            [DllImport(Library, EntryPoint = "sqlite3_column_bytes", ExactSpelling = true), SuppressGCTransition]
            public static extern int Length(nint statement, int column);
        }
    }
}
