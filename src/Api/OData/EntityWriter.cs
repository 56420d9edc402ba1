using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Metrics.Api.OData;

/// <summary>Something that is told of a row, under a name of its own.</summary>
internal abstract record Member(JsonEncodedText Name);

/// <summary>A value.</summary>
/// <param name="Column">What it is.</param>
/// <param name="Ordinal">Where it is in the rows.</param>
internal sealed record ValueMember(JsonEncodedText Name, Column Column, int Ordinal) : Member(Name)
{
    private static string? Annotated(PropertyType type) => type switch
    {
        PropertyType.Int32 => "#Int32",
        PropertyType.Int64 => "#Int64",
        PropertyType.Decimal => "#Decimal",
        PropertyType.Date => "#Date",
        PropertyType.Instant => "#DateTimeOffset",
        _ => null,
    };

    /// <summary>The type, where JSON does not show it.</summary>
    public (JsonEncodedText Name, JsonEncodedText Type)? Annotation { get; } =
        Annotated(Column.Type) is { } type ? (JsonEncodedText.Encode(Name + "@odata.type"), JsonEncodedText.Encode(type)) : null;

    /// <summary>Whether the model does not know it, so that its type must be told.</summary>
    public bool Dynamic { get; } = Column.Property?.Name != Name.Value;
}

/// <summary>An object of further members: an entity at the end of a navigation property, or what was grouped by there.</summary>
/// <param name="Inner">Its members.</param>
/// <param name="Present">A column that is null where there is no entity; null where there always is one.</param>
internal sealed record ObjectMember(JsonEncodedText Name, Shape Inner, int? Present) : Member(Name);

/// <summary>What is told of each row.</summary>
/// <param name="Members">In order.</param>
internal sealed record Shape(IReadOnlyList<Member> Members)
{
    /// <summary>The set, where the object is one of its entities; null where it is not.</summary>
    public EntitySet? Entities { get; init; }

    /// <summary>Where the key of the entity is, for its address; empty where addresses are not told.</summary>
    public IReadOnlyList<int> Key { get; init; } = [];

    /// <summary>Whether only the address of the entity is told.</summary>
    public bool Reference { get; init; }

    /// <summary>Names of the navigation properties that are not told but could be followed.</summary>
    public IReadOnlyList<string> Links { get; init; } = [];
}

/// <summary>Writes rows as OData's JSON, straight from their columns, without an object between.</summary>
/// <param name="shape">What is told.</param>
/// <param name="part">Where the number of a row's part is; null where all rows have the same members.</param>
/// <param name="negotiation">How to write.</param>
/// <param name="omitNulls">Whether to leave out what is null.</param>
/// <param name="root">Address of the service, with a slash at its end.</param>
internal sealed class EntityWriter(Shape shape, int? part, Negotiation negotiation, bool omitNulls, string root)
{
    public static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    private static readonly JsonEncodedText TypeName = JsonEncodedText.Encode("@odata.type");
    private static readonly JsonEncodedText Id = JsonEncodedText.Encode("@odata.id");

    private readonly bool full = negotiation.Control == ControlInformation.Full;
    private readonly bool none = negotiation.Control == ControlInformation.None;

    /// <summary>Writes a row, into an object that the caller has begun and ends.</summary>
    public void WriteProperties(Utf8JsonWriter json, Row row)
    {
        var own = part is { } at ? 1UL << (int)row.Whole(at) : ulong.MaxValue;
        WriteMembers(json, row, shape, own);
    }

    private void WriteMembers(Utf8JsonWriter json, Row row, Shape of, ulong own)
    {
        if (full && of.Entities is { } set && of.Key.Count > 0 || of.Reference)
        {
            var id = of.Entities!.Name + KeyText(row, of);
            if (full && !of.Reference) json.WriteString(TypeName, $"#{EntityModel.Namespace}.{of.Entities.TypeName}");
            json.WriteString(Id, root + id);
            if (of.Reference) return;
            foreach (var link in of.Links) json.WriteString($"{link}@odata.navigationLink", $"{root}{id}/{link}");
        }
        foreach (var member in of.Members)
        {
            if (member is ValueMember value) WriteValue(json, row, value, own);
            else WriteObject(json, row, (ObjectMember)member, own);
        }
    }

    private void WriteObject(Utf8JsonWriter json, Row row, ObjectMember member, ulong own)
    {
        if (!Has(member.Inner, own)) return;
        if (member.Present is { } present && row.IsNull(present))
        {
            if (!omitNulls) json.WriteNull(member.Name);
            return;
        }
        json.WriteStartObject(member.Name);
        WriteMembers(json, row, member.Inner, own);
        json.WriteEndObject();
    }

    private static bool Has(Shape of, ulong own)
    {
        if (own == ulong.MaxValue || of.Entities is not null) return true;
        foreach (var member in of.Members)
            if (member is ValueMember value ? (value.Column.Parts & own) != 0 : Has(((ObjectMember)member).Inner, own)) return true;
        return false;
    }

    private void WriteValue(Utf8JsonWriter json, Row row, ValueMember member, ulong own)
    {
        var column = member.Column;
        if ((column.Parts & own) == 0) return;
        var i = member.Ordinal;
        if (column.Term.Nullable && row.IsNull(i))
        {
            if (!omitNulls) json.WriteNull(member.Name);
            return;
        }
        if ((full || member.Dynamic && !none) && member.Annotation is { } annotation) json.WriteString(annotation.Name, annotation.Type);
        switch (column.Type)
        {
            case PropertyType.Double:
                var number = row.Double(i);
                if (double.IsFinite(number)) json.WriteNumber(member.Name, number);
                else json.WriteString(member.Name, double.IsNaN(number) ? "NaN" : number > 0 ? "INF" : "-INF");
                break;
            case PropertyType.Text:
                json.WriteString(member.Name, row.Utf8(i));
                break;
            case PropertyType.Instant:
                WriteInstant(json, member.Name, row.Instant(i));
                break;
            case PropertyType.Date:
                json.WriteString(member.Name, row.DateUtf8(i));
                break;
            case PropertyType.Int32:
                json.WriteNumber(member.Name, row.Whole(i));
                break;
            case PropertyType.Boolean:
                json.WriteBoolean(member.Name, row.Truth(i));
                break;
            default:
                var whole = row.Whole(i);
                if (negotiation.LongsAsText) WriteQuoted(json, member.Name, whole);
                else json.WriteNumber(member.Name, whole);
                break;
        }
    }

    /// <summary>A value as it stands alone, for $value; null when it is null.</summary>
    public static string? Raw(Row row, ValueMember member)
    {
        var (type, i) = (member.Column.Type, member.Ordinal);
        return row.IsNull(i) ? null : type switch
        {
            PropertyType.Double => row.Double(i) switch { double.PositiveInfinity => "INF", double.NegativeInfinity => "-INF", var number => number.ToString("R", CultureInfo.InvariantCulture) },
            PropertyType.Text => row.Text(i),
            PropertyType.Instant => Text(row.Instant(i)),
            PropertyType.Date => Encoding.ASCII.GetString(row.DateUtf8(i)),
            PropertyType.Boolean => row.Truth(i) ? "true" : "false",
            _ => row.Whole(i).ToString(CultureInfo.InvariantCulture),
        };
    }

    private static string KeyText(Row row, Shape of)
    {
        var text = new StringBuilder("(");
        var key = of.Entities!.Key;
        for (var i = 0; i < key.Count; i++)
        {
            var (property, ordinal) = (key[i], of.Key[i]);
            if (i > 0) text.Append(',');
            if (key.Count > 1) text.Append(property.Name).Append('=');
            text.Append(property.Type switch
            {
                PropertyType.Text => $"'{Uri.EscapeDataString(row.Text(ordinal).Replace("'", "''", StringComparison.Ordinal))}'",
                PropertyType.Instant => Uri.EscapeDataString(Text(row.Instant(ordinal))),
                PropertyType.Date => Encoding.ASCII.GetString(row.DateUtf8(ordinal)),
                _ => row.Whole(ordinal).ToString(CultureInfo.InvariantCulture),
            });
        }
        return text.Append(')').ToString();
    }

    /// <summary>A UTC time as OData writes it: with Z, and with microseconds where it has any.</summary>
    public static string Text(DateTime time) => time.ToString(time.Ticks % TimeSpan.TicksPerSecond == 0 ? "yyyy-MM-ddTHH:mm:ssZ" : "yyyy-MM-ddTHH:mm:ss.ffffffZ", CultureInfo.InvariantCulture);

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
