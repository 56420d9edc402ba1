using System.Buffers.Text;
using System.Data.Common;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Metrics.Api.OData;

/// <summary>Writes rows as OData's JSON, straight from the reader's columns, without an object between.</summary>
internal sealed class EntityWriter
{
    public static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    private static readonly JsonEncodedText TypeName = JsonEncodedText.Encode("@odata.type");
    private static readonly JsonEncodedText Id = JsonEncodedText.Encode("@odata.id");

    private readonly EntitySet set;
    private readonly PageQuery query;
    private readonly SqlDialect dialect;
    private readonly Negotiation negotiation;
    private readonly bool omitNulls;
    private readonly string root;
    private readonly EntityProperty[] selected;
    private readonly JsonEncodedText entityType;
    private readonly (JsonEncodedText Name, JsonEncodedText Type)?[] types;

    /// <param name="set">Set of the rows.</param>
    /// <param name="query">What the columns are.</param>
    /// <param name="dialect">Engine that the reader belongs to.</param>
    /// <param name="negotiation">How to write.</param>
    /// <param name="omitNulls">Whether to leave out what is null.</param>
    /// <param name="root">Address of the service, with a slash at its end.</param>
    public EntityWriter(EntitySet set, PageQuery query, SqlDialect dialect, Negotiation negotiation, bool omitNulls, string root)
    {
        this.set = set;
        this.query = query;
        this.dialect = dialect;
        this.negotiation = negotiation;
        this.omitNulls = omitNulls;
        this.root = root;
        selected = [.. query.Selected];
        entityType = JsonEncodedText.Encode($"#{EntityModel.Namespace}.{set.TypeName}");
        types = [.. selected.Select(property => TypeAnnotation(property))];
    }

    /// <summary>Writes the row that the reader is at, into an object that the caller has begun and ends.</summary>
    public void WriteProperties(Utf8JsonWriter json, DbDataReader reader)
    {
        var full = negotiation.Control == ControlInformation.Full;
        if (full)
        {
            json.WriteString(TypeName, entityType);
            json.WriteString(Id, root + set.Name + KeyText(reader));
        }
        for (var i = 0; i < selected.Length; i++)
        {
            var property = selected[i];
            if (property.Nullable && reader.IsDBNull(i))
            {
                if (!omitNulls) json.WriteNull(property.Encoded);
                continue;
            }
            if (full && types[i] is { } annotation) json.WriteString(annotation.Name, annotation.Type);
            switch (property.Type)
            {
                case PropertyType.Double:
                    var number = reader.GetDouble(i);
                    if (double.IsFinite(number)) json.WriteNumber(property.Encoded, number);
                    else json.WriteString(property.Encoded, double.IsNaN(number) ? "NaN" : number > 0 ? "INF" : "-INF");
                    break;
                case PropertyType.Text:
                    // SQLite holds the UTF-8 that JSON wants.
                    if (reader is SqliteDataReader sqlite) json.WriteString(property.Encoded, raw.sqlite3_column_blob(sqlite.Handle, i));
                    else json.WriteString(property.Encoded, reader.GetString(i));
                    break;
                case PropertyType.Instant:
                    WriteInstant(json, property.Encoded, dialect.Instant(reader, i));
                    break;
                case PropertyType.Date:
                    if (reader is SqliteDataReader days) json.WriteString(property.Encoded, raw.sqlite3_column_blob(days.Handle, i));
                    else WriteDate(json, property.Encoded, dialect.Date(reader, i));
                    break;
                case PropertyType.Int64:
                    var whole = reader.GetInt64(i);
                    if (negotiation.LongsAsText) WriteQuoted(json, property.Encoded, whole);
                    else json.WriteNumber(property.Encoded, whole);
                    break;
                default:
                    json.WriteNumber(property.Encoded, reader.GetInt32(i));
                    break;
            }
        }
    }

    /// <summary>A UTC time as OData writes it: with Z, and with microseconds where it has any.</summary>
    public static string Text(DateTime time) => time.ToString(time.Ticks % TimeSpan.TicksPerSecond == 0 ? "yyyy-MM-ddTHH:mm:ssZ" : "yyyy-MM-ddTHH:mm:ss.ffffffZ", CultureInfo.InvariantCulture);

    private static (JsonEncodedText Name, JsonEncodedText Type)? TypeAnnotation(EntityProperty property)
    {
        var type = property.Type switch
        {
            PropertyType.Int32 => "#Int32",
            PropertyType.Int64 => "#Int64",
            PropertyType.Date => "#Date",
            PropertyType.Instant => "#DateTimeOffset",
            _ => null,
        };
        return type is null ? null : (JsonEncodedText.Encode(property.Name + "@odata.type"), JsonEncodedText.Encode(type));
    }

    private string KeyText(DbDataReader reader)
    {
        var text = new StringBuilder("(");
        for (var i = 0; i < set.Key.Count; i++)
        {
            var (property, ordinal) = (set.Key[i], query.KeyOrdinals[i]);
            if (i > 0) text.Append(',');
            if (set.Key.Count > 1) text.Append(property.Name).Append('=');
            text.Append(property.Type switch
            {
                PropertyType.Text => $"'{Uri.EscapeDataString(reader.GetString(ordinal).Replace("'", "''", StringComparison.Ordinal))}'",
                PropertyType.Instant => Uri.EscapeDataString(Text(dialect.Instant(reader, ordinal))),
                PropertyType.Date => dialect.Date(reader, ordinal).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
                _ => reader.GetInt64(ordinal).ToString(CultureInfo.InvariantCulture),
            });
        }
        return text.Append(')').ToString();
    }

    private static void WriteQuoted(Utf8JsonWriter json, JsonEncodedText name, long value)
    {
        Span<byte> text = stackalloc byte[20];
        Utf8Formatter.TryFormat(value, text, out var written);
        json.WriteString(name, text[..written]);
    }

    private static void WriteInstant(Utf8JsonWriter json, JsonEncodedText name, DateTime time)
    {
        Span<byte> text = stackalloc byte[27];
        time.Deconstruct(out DateOnly date, out TimeOnly clock);
        PutDate(text, date);
        text[10] = (byte)'T';
        Put(text, 11, clock.Hour, 2);
        text[13] = (byte)':';
        Put(text, 14, clock.Minute, 2);
        text[16] = (byte)':';
        Put(text, 17, clock.Second, 2);
        var length = 19;
        var micros = (int)(time.Ticks % TimeSpan.TicksPerSecond / TimeSpan.TicksPerMicrosecond);
        if (micros != 0)
        {
            text[19] = (byte)'.';
            Put(text, 20, micros, 6);
            length = 26;
        }
        text[length] = (byte)'Z';
        json.WriteString(name, text[..(length + 1)]);
    }

    private static void WriteDate(Utf8JsonWriter json, JsonEncodedText name, DateOnly date)
    {
        Span<byte> text = stackalloc byte[10];
        PutDate(text, date);
        json.WriteString(name, text);
    }

    private static void PutDate(Span<byte> text, DateOnly date)
    {
        Put(text, 0, date.Year, 4);
        text[4] = (byte)'-';
        Put(text, 5, date.Month, 2);
        text[7] = (byte)'-';
        Put(text, 8, date.Day, 2);
    }

    private static void Put(Span<byte> text, int at, int value, int digits)
    {
        for (var i = at + digits - 1; i >= at; i--, value /= 10) text[i] = (byte)('0' + value % 10);
    }
}
