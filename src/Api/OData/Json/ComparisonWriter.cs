using System.Globalization;
using System.Text.Json;
using Metrics.Api.OData.Model;
using Metrics.Api.OData.Protocol;

namespace Metrics.Api.OData.Json;

/// <summary>Writes what the function <c>Compare</c> returns.</summary>
/// <param name="negotiation">How to write.</param>
/// <param name="omitNulls">Whether to leave out what is null.</param>
/// <param name="root">Address of the service, with a slash at its end.</param>
internal sealed class ComparisonWriter(Negotiation negotiation, bool omitNulls, string root)
{
    private const string TypeName = $"{EntityModel.Namespace}.{CompareFunction.TypeName}";

    /// <summary>Writes the rows that $skip and $top leave, and the number of all if $count asks for it.</summary>
    public void Write(Utf8JsonWriter json, IReadOnlyList<ComparedRow> rows, QueryOptions options)
    {
        json.WriteStartObject();
        if (negotiation.Control != ControlInformation.None)
            json.WriteString("@odata.context", $"{root}$metadata#Collection({TypeName})");
        if (options.Count && negotiation.LongsAsText)
            json.WriteString("@odata.count", rows.Count.ToString(CultureInfo.InvariantCulture));
        else if (options.Count)
            json.WriteNumber("@odata.count", rows.Count);
        json.WriteStartArray("value");
        var (skip, top) = ((int)Math.Min(options.Skip ?? 0, rows.Count), (int)Math.Min(options.Top ?? rows.Count, rows.Count));
        foreach (var row in rows.Skip(skip).Take(top))
        {
            json.WriteStartObject();
            if (negotiation.Control == ControlInformation.Full)
                json.WriteString("@odata.type", $"#{TypeName}");
            foreach (var column in CompareFunction.Columns)
                WriteValue(json, column, column.Value(row));
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private void WriteValue(Utf8JsonWriter json, ComparedColumn column, object? value)
    {
        if (value is null && omitNulls)
            return;
        if (negotiation.Control == ControlInformation.Full && value is int or long or DateTime)
            json.WriteString($"{column.Name}@odata.type", $"#{column.Type}");
        switch (value)
        {
            case null:
                json.WriteNull(column.Name);
                break;
            case string text:
                json.WriteString(column.Name, text);
                break;
            case bool flag:
                json.WriteBoolean(column.Name, flag);
                break;
            case int number:
                json.WriteNumber(column.Name, number);
                break;
            case long number when negotiation.LongsAsText:
                json.WriteString(column.Name, number.ToString(CultureInfo.InvariantCulture));
                break;
            case long number:
                json.WriteNumber(column.Name, number);
                break;
            case double number when double.IsFinite(number):
                json.WriteNumber(column.Name, number);
                break;
            case double number:
                json.WriteString(
                    column.Name,
                    double.IsNaN(number) ? "NaN"
                        : number > 0 ? "INF"
                        : "-INF"
                );
                break;
            case DateTime time:
                json.WriteString(column.Name, InstantText.Of(time));
                break;
            default:
                throw new InvalidOperationException($"{column.Name} has a value of {value.GetType()}, which no column has.");
        }
    }
}
