using System.Globalization;
using System.Text;
using Metrics.Api.OData.Model;
using Metrics.Api.OData.Protocol;
using Metrics.Api.OData.Query;
using Metrics.Storage.Queries;

namespace Metrics.Api.OData.Json;

/// <summary>Something that is told of a row, under a name of its own.</summary>
internal abstract record Member(string Name)
{
    /// <summary>The same as it is written.</summary>
    public JsonName Written { get; } = new(Name);
}

/// <summary>A value.</summary>
/// <param name="Column">What it is.</param>
/// <param name="Ordinal">Where it is in the rows.</param>
internal sealed record ValueMember(string Name, QueryColumn Column, int Ordinal) : Member(Name)
{
    private static string? Annotated(PropertyType type) =>
        type switch
        {
            PropertyType.Int32 => "#Int32",
            PropertyType.Int64 => "#Int64",
            PropertyType.Decimal => "#Decimal",
            PropertyType.Date => "#Date",
            PropertyType.Instant => "#DateTimeOffset",
            _ => null,
        };

    /// <summary>The type, where JSON does not show it.</summary>
    public (JsonName Name, string Type)? Annotation { get; } =
        Annotated(Column.Type) is { } type ? (new JsonName(Name + "@odata.type"), type) : null;

    /// <summary>Whether it is the whole answer, whose context tells its type.</summary>
    public bool Alone { get; init; }

    /// <summary>Whether the model does not know it, so that its type must be told.</summary>
    public bool Dynamic { get; } = Column.Property?.Name != Name;
}

/// <summary>An object of further members: an entity at the end of a navigation property, or what was grouped by there.</summary>
/// <param name="Inner">Its members.</param>
/// <param name="Present">A column that is null where there is no entity; null where there always is one.</param>
internal sealed record ObjectMember(string Name, Shape Inner, int? Present) : Member(Name);

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
    public IReadOnlyList<(string Name, JsonName Written)> Links { get; init; } = [];
}

/// <summary>Writes rows as OData's JSON, straight from their columns, without an object between.</summary>
/// <param name="shape">What is told.</param>
/// <param name="part">Where the number of a row's part is; null where all rows have the same members.</param>
/// <param name="negotiation">How to write.</param>
/// <param name="omitNulls">Whether to leave out what is null.</param>
/// <param name="root">Address of the service, with a slash at its end.</param>
internal sealed class EntityWriter(Shape shape, int? part, Negotiation negotiation, bool omitNulls, string root)
{
    private static readonly JsonName TypeName = new("@odata.type"),
        Id = new("@odata.id"),
        Context = new("@odata.context");

    private readonly bool full = negotiation.Control == ControlInformation.Full;
    private readonly bool none = negotiation.Control == ControlInformation.None;
    private readonly JsonRow json = new();

    /// <summary>A row as a JSON object.</summary>
    /// <param name="row">It.</param>
    /// <param name="context">Told first, where the object is the whole answer; null where it is not.</param>
    /// <returns>Its UTF-8, until the next row.</returns>
    public ReadOnlySpan<byte> Object(ResultRow row, string? context = null)
    {
        var own = part is { } at ? 1UL << (int)row.Integer(at) : ulong.MaxValue;
        json.Clear();
        json.Open();
        if (context is not null)
        {
            json.Name(Context);
            json.Text(context);
        }
        WriteMembers(row, shape, own);
        json.Close();
        return json.Written;
    }

    private void WriteMembers(ResultRow row, Shape of, ulong own)
    {
        if (full && of.Entities is { } set && of.Key.Count > 0 || of.Reference)
        {
            var id = of.Entities!.Name + KeyText(row, of);
            if (full && !of.Reference)
            {
                json.Name(TypeName);
                json.Text($"#{EntityModel.Namespace}.{of.Entities.TypeName}");
            }
            json.Name(Id);
            json.Text(root + id);
            if (of.Reference)
                return;
            foreach (var (link, written) in of.Links)
            {
                json.Name(written);
                json.Text($"{root}{id}/{link}");
            }
        }
        foreach (var member in of.Members)
        {
            if (member is ValueMember value)
                WriteValue(row, value, own);
            else
                WriteObject(row, (ObjectMember)member, own);
        }
    }

    private void WriteObject(ResultRow row, ObjectMember member, ulong own)
    {
        if (!Has(member.Inner, own))
            return;
        if (member.Present is { } present && row.IsNull(present))
        {
            WriteNull(member);
            return;
        }
        json.Name(member.Written);
        json.Open();
        WriteMembers(row, member.Inner, own);
        json.Close();
    }

    private void WriteNull(Member member)
    {
        if (omitNulls)
            return;
        json.Name(member.Written);
        json.Null();
    }

    private static bool Has(Shape of, ulong own)
    {
        if (own == ulong.MaxValue || of.Entities is not null)
            return true;
        foreach (var member in of.Members)
            if (member is ValueMember value ? (value.Column.Parts & own) != 0 : Has(((ObjectMember)member).Inner, own))
                return true;
        return false;
    }

    private void WriteValue(ResultRow row, ValueMember member, ulong own)
    {
        var column = member.Column;
        if ((column.Parts & own) == 0)
            return;
        var i = member.Ordinal;
        if (column.Term.Nullable && row.IsNull(i))
        {
            WriteNull(member);
            return;
        }
        if ((full || member.Dynamic && !none) && !member.Alone && member.Annotation is { } annotation)
        {
            json.Name(annotation.Name);
            json.Text(annotation.Type);
        }
        json.Name(member.Written);
        switch (column.Type)
        {
            case PropertyType.Double:
                json.Number(row.Double(i));
                break;
            case PropertyType.Text:
                json.Text(row.Utf8(i));
                break;
            case PropertyType.Instant:
                json.Instant(row.Instant(i));
                break;
            case PropertyType.Date:
                json.Text(row.DateUtf8(i));
                break;
            case PropertyType.Boolean:
                json.Truth(row.Boolean(i));
                break;
            case PropertyType.Int32:
                json.Number(row.Integer(i), quoted: false);
                break;
            default:
                json.Number(row.Integer(i), negotiation.LongsAsText);
                break;
        }
    }

    /// <summary>A value as it stands alone, for $value; null when it is null.</summary>
    public static string? Raw(ResultRow row, ValueMember member)
    {
        var (type, i) = (member.Column.Type, member.Ordinal);
        return row.IsNull(i)
            ? null
            : type switch
            {
                PropertyType.Double => row.Double(i) switch
                {
                    double.PositiveInfinity => "INF",
                    double.NegativeInfinity => "-INF",
                    var number => number.ToString("R", CultureInfo.InvariantCulture),
                },
                PropertyType.Text => row.Text(i),
                PropertyType.Instant => InstantText.Of(row.Instant(i)),
                PropertyType.Date => Encoding.ASCII.GetString(row.DateUtf8(i)),
                PropertyType.Boolean => row.Boolean(i) ? "true" : "false",
                _ => row.Integer(i).ToString(CultureInfo.InvariantCulture),
            };
    }

    private static string KeyText(ResultRow row, Shape of)
    {
        var text = new StringBuilder("(");
        var key = of.Entities!.Key;
        for (var i = 0; i < key.Count; i++)
        {
            var (property, ordinal) = (key[i], of.Key[i]);
            if (i > 0)
                text.Append(',');
            if (key.Count > 1)
                text.Append(property.Name).Append('=');
            text.Append(
                property.Type switch
                {
                    PropertyType.Text => $"'{Uri.EscapeDataString(row.Text(ordinal).Replace("'", "''", StringComparison.Ordinal))}'",
                    PropertyType.Instant => Uri.EscapeDataString(InstantText.Of(row.Instant(ordinal))),
                    PropertyType.Date => Encoding.ASCII.GetString(row.DateUtf8(ordinal)),
                    _ => row.Integer(ordinal).ToString(CultureInfo.InvariantCulture),
                }
            );
        }
        return text.Append(')').ToString();
    }
}
