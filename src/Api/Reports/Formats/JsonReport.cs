using System.Text.Json;
using System.Text.Json.Nodes;
using Metrics.Api.Reports.Kinds;

namespace Metrics.Api.Reports.Formats;

/// <summary>JSON: everything about the report first, then <c>rows</c>, an array of objects; unknown is null. Its schema is served at
/// <c>/api/reports/{kind}/schema</c>.</summary>
public sealed class JsonReport : IReportFormat
{
    private const int FlushAt = 64 * 1024;

    private static readonly JsonWriterOptions Relaxed = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <inheritdoc/>
    public string Name => "json";

    /// <inheritdoc/>
    public string ContentType => "application/json";

    /// <inheritdoc/>
    public async Task WriteAsync(Report report, Stream output, CancellationToken cancellationToken)
    {
        await using var json = new Utf8JsonWriter(output, Relaxed);
        json.WriteStartObject();
        foreach (var (name, value) in About(report))
        {
            json.WritePropertyName(name);
            if (value is null)
                json.WriteNullValue();
            else
                value.WriteTo(json);
        }
        json.WriteStartArray("rows");
        var columns = report.Columns.Select(column => (Name: JsonEncodedText.Encode(column.Name), column.Type)).ToArray();
        await foreach (var row in report.Rows.WithCancellation(cancellationToken))
        {
            json.WriteStartObject();
            for (var i = 0; i < columns.Length; i++)
            {
                json.WritePropertyName(columns[i].Name);
                if (!row[i].IsKnown)
                    json.WriteNullValue();
                else if (columns[i].Type == ReportType.Number)
                    json.WriteNumberValue(row[i].Number);
                else if (columns[i].Type == ReportType.Flag)
                    json.WriteBooleanValue(row[i].Flag);
                else if (columns[i].Type == ReportType.Time)
                    json.WriteStringValue(ReportText.Of(row[i].Time));
                else
                    json.WriteStringValue(row[i].Text);
            }
            json.WriteEndObject();
            if (json.BytesPending >= FlushAt)
                await json.FlushAsync(cancellationToken);
        }
        json.WriteEndArray();
        json.WriteEndObject();
        await json.FlushAsync(cancellationToken);
    }

    /// <summary>Everything but the rows: the head of the JSON, and the manifest that comes with every format.</summary>
    internal static JsonObject About(Report report) =>
        new()
        {
            ["kind"] = report.Kind,
            ["title"] = report.Title,
            ["from"] = ReportText.Of(report.From),
            ["to"] = ReportText.Of(report.To),
            ["parameters"] = new JsonObject(
                report.Parameters.Select(parameter => KeyValuePair.Create(parameter.Name, (JsonNode?)parameter.Value))
            ),
            ["dataAsOf"] = ReportText.Of(report.DataAsOf),
            ["methodology"] = Report.Methodology,
            ["software"] = Report.Software,
            ["assurance"] = "none",
            ["totals"] = new JsonObject(
                report.Totals.Select(total =>
                    KeyValuePair.Create(total.Name, total.Value is { } known ? (JsonNode?)JsonValue.Create(known) : null)
                )
            ),
            ["columns"] = new JsonArray([
                .. report.Columns.Select(column => new JsonObject
                {
                    ["name"] = column.Name,
                    ["type"] = column.Type.ToString().ToLowerInvariant(),
                    ["description"] = column.Description,
                    ["unit"] = column.Unit,
                    ["unitCode"] = column.UnitCode,
                    ["datapoint"] = column.Datapoint,
                }),
            ]),
            ["factors"] = new JsonArray([
                .. report.Factors.Select(factor => new JsonObject
                {
                    ["name"] = factor.Name,
                    ["kind"] = factor.Kind,
                    ["method"] = factor.Method,
                    ["value"] = factor.Value,
                    ["unit"] = factor.Unit,
                    ["source"] = factor.Source,
                    ["vintage"] = factor.Vintage,
                    ["licence"] = factor.Licence,
                    ["version"] = factor.Version,
                }),
            ]),
            ["gapCount"] = report.GapCount,
            ["gaps"] = new JsonArray([
                .. report.Gaps.Select(gap => new JsonObject
                {
                    ["workload"] = gap.Workload,
                    ["place"] = gap.Place,
                    ["from"] = ReportText.Of(gap.From),
                    ["to"] = ReportText.Of(gap.To),
                    ["coverage"] = gap.Coverage,
                }),
            ]),
            ["notes"] = new JsonArray([.. report.Notes.Select(note => (JsonNode?)note)]),
        };

    /// <summary>The JSON Schema (2020-12) of a kind's JSON.</summary>
    internal static JsonObject SchemaOf(ReportKind kind)
    {
        JsonObject Typed(params string[] types) =>
            new() { ["type"] = types.Length == 1 ? types[0] : new JsonArray([.. types.Select(type => (JsonNode?)type)]) };
        JsonObject Time() => new() { ["type"] = "string", ["pattern"] = "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{6})?Z$" };
        JsonObject Closed(JsonObject properties) =>
            new()
            {
                ["type"] = "object",
                ["properties"] = properties,
                ["required"] = new JsonArray([.. properties.Select(property => (JsonNode?)property.Key)]),
                ["additionalProperties"] = false,
            };
        JsonObject List(JsonObject items) => new() { ["type"] = "array", ["items"] = items };
        var rows = new JsonObject(
            kind.Columns.Select(column =>
                KeyValuePair.Create(
                    column.Name,
                    (JsonNode?)
                        new JsonObject
                        {
                            ["type"] = new JsonArray(
                                column.Type switch
                                {
                                    ReportType.Number => "number",
                                    ReportType.Flag => "boolean",
                                    _ => "string",
                                },
                                "null"
                            ),
                            ["description"] = column.Unit is null ? column.Description : $"{column.Description} Unit: {column.Unit}.",
                        }
                )
            )
        );
        var schema = Closed(
            new JsonObject
            {
                ["kind"] = new JsonObject { ["const"] = kind.Name },
                ["title"] = Typed("string"),
                ["from"] = Time(),
                ["to"] = Time(),
                ["parameters"] = new JsonObject { ["type"] = "object", ["additionalProperties"] = Typed("string") },
                ["dataAsOf"] = Time(),
                ["methodology"] = Typed("string"),
                ["software"] = Typed("string"),
                ["assurance"] = Typed("string"),
                ["totals"] = new JsonObject { ["type"] = "object", ["additionalProperties"] = Typed("number", "null") },
                ["columns"] = List(
                    Closed(
                        new JsonObject
                        {
                            ["name"] = Typed("string"),
                            ["type"] = new JsonObject { ["enum"] = new JsonArray("text", "number", "time", "flag") },
                            ["description"] = Typed("string"),
                            ["unit"] = Typed("string", "null"),
                            ["unitCode"] = Typed("string", "null"),
                            ["datapoint"] = Typed("string", "null"),
                        }
                    )
                ),
                ["factors"] = List(
                    Closed(
                        new JsonObject
                        {
                            ["name"] = Typed("string"),
                            ["kind"] = Typed("string", "null"),
                            ["method"] = Typed("string", "null"),
                            ["value"] = Typed("number", "null"),
                            ["unit"] = Typed("string", "null"),
                            ["source"] = Typed("string", "null"),
                            ["vintage"] = Typed("string", "null"),
                            ["licence"] = Typed("string", "null"),
                            ["version"] = Typed("string", "null"),
                        }
                    )
                ),
                ["gapCount"] = new JsonObject { ["type"] = "integer", ["minimum"] = 0 },
                ["gaps"] = List(
                    Closed(
                        new JsonObject
                        {
                            ["workload"] = Typed("string"),
                            ["place"] = Typed("string"),
                            ["from"] = Time(),
                            ["to"] = Time(),
                            ["coverage"] = new JsonObject
                            {
                                ["type"] = "number",
                                ["minimum"] = 0,
                                ["maximum"] = 1,
                            },
                        }
                    )
                ),
                ["notes"] = List(Typed("string")),
                ["rows"] = List(Closed(rows)),
            }
        );
        schema.Insert(0, "$schema", "https://json-schema.org/draft/2020-12/schema");
        schema.Insert(1, "title", $"Report {kind.Name}");
        return schema;
    }
}
