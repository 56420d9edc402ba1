using System.Text.Json;
using System.Text.RegularExpressions;
using Metrics.Domain.Quantities;
using Metrics.Ingestors.Providers;
using Xunit;

namespace Metrics.Ingestors.Tests.Catalogue;

/// <summary>The shipped files follow the published schema, so that an editor shows no fault in them.</summary>
public class ShippedFilesTests
{
    private static readonly JsonElement Schema = Parse(typeof(Unit).Assembly.GetManifestResourceStream("mapping.schema.json")!);

    private static readonly string[] Names =
    [
        .. typeof(Catalogues).Assembly.GetManifestResourceNames().Where(name => name.EndsWith(".metrics.json", StringComparison.Ordinal)),
    ];

    public static TheoryData<string> Files => [.. Names];

    [Theory]
    [MemberData(nameof(Files))]
    public void A_shipped_file_follows_the_schema(string file) => Assert.Empty(Faults(Shipped(file), Schema, file));

    [Fact]
    public void Seven_files_of_Prometheus_are_shipped() =>
        Assert.Equal(
            [
                "prometheus-accelerators.metrics.json",
                "prometheus-joins.metrics.json",
                "prometheus-opentelemetry.metrics.json",
                "prometheus-racks.metrics.json",
                "prometheus-self.metrics.json",
                "prometheus-servers.metrics.json",
                "prometheus-serving.metrics.json",
            ],
            Names.Where(name => name.StartsWith("prometheus-", StringComparison.Ordinal)).Order(StringComparer.Ordinal)
        );

    [Fact]
    public void Every_property_of_a_mapping_is_used_but_those_that_no_shipped_metric_needs()
    {
        var used = Names
            .SelectMany(name => Shipped(name).GetProperty("mappings").EnumerateArray())
            .SelectMany(mapping => mapping.EnumerateObject())
            .Select(property => property.Name)
            .Distinct();
        var known = Schema
            .GetProperty("$defs")
            .GetProperty("mapping")
            .GetProperty("properties")
            .EnumerateObject()
            .Select(property => property.Name);
        // No exporter tells the maximum of its counter, none a level that holds, and none needs another ceiling than its component's.
        Assert.Equal(["ceiling", "hold", "wrapsAt"], known.Except(used).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("""{ "provider": "prometheus" }""", "file: mappings is missing")]
    [InlineData("""{ "provider": "prometheus", "mappings": [], "colour": 1 }""", "file: colour is unknown")]
    [InlineData("""{ "provider": "Prometheus", "mappings": [] }""", "file/provider: does not match ^[a-z][a-z0-9-]*$")]
    [InlineData("""{ "provider": "prometheus", "mappings": {} }""", "file/mappings: is no array")]
    public void The_check_itself_sees_faults(string text, string error) =>
        Assert.Equal([error], Faults(JsonDocument.Parse(text).RootElement, Schema, "file"));

    private static JsonElement Shipped(string file) => Parse(typeof(Catalogues).Assembly.GetManifestResourceStream(file)!);

    private static JsonElement Parse(Stream stream)
    {
        using (stream)
        using (
            var document = JsonDocument.Parse(
                stream,
                new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true }
            )
        )
            return document.RootElement.Clone();
    }

    // The part of JSON Schema that the schema uses; a keyword beyond it is an error here, not something to pass over.
    private static List<string> Faults(JsonElement value, JsonElement schema, string place)
    {
        var errors = new List<string>();
        foreach (var keyword in schema.EnumerateObject())
        {
            var said = keyword.Value;
            switch (keyword.Name)
            {
                case "$schema" or "$id" or "$defs" or "title" or "description":
                    break;
                case "$ref":
                    errors.AddRange(
                        Faults(
                            value,
                            said.GetString()!.Split('/')[1..].Aggregate(Schema, (element, step) => element.GetProperty(step)),
                            place
                        )
                    );
                    break;
                case "type":
                    if (!IsA(value, said.GetString()!))
                        errors.Add($"{place}: is no {said}");
                    break;
                case "enum":
                    if (value.ValueKind != JsonValueKind.String || !said.EnumerateArray().Any(word => word.ValueEquals(value.GetString())))
                        errors.Add($"{place}: is not in the enumeration");
                    break;
                case "pattern":
                    if (value.ValueKind == JsonValueKind.String && !Regex.IsMatch(value.GetString()!, said.GetString()!))
                        errors.Add($"{place}: does not match {said}");
                    break;
                case "minLength":
                    if (value.ValueKind == JsonValueKind.String && value.GetString()!.Length < said.GetInt32())
                        errors.Add($"{place}: is too short");
                    break;
                case "minimum":
                    if (value.ValueKind == JsonValueKind.Number && value.GetDouble() < said.GetDouble())
                        errors.Add($"{place}: is below {said}");
                    break;
                case "exclusiveMinimum":
                    if (value.ValueKind == JsonValueKind.Number && value.GetDouble() <= said.GetDouble())
                        errors.Add($"{place}: is not above {said}");
                    break;
                case "minItems":
                    if (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() < said.GetInt32())
                        errors.Add($"{place}: has too few items");
                    break;
                case "uniqueItems":
                    if (
                        value.ValueKind == JsonValueKind.Array
                        && value.EnumerateArray().GroupBy(item => item.GetRawText()).Any(group => group.Count() > 1)
                    )
                        errors.Add($"{place}: has an item twice");
                    break;
                case "items":
                    if (value.ValueKind == JsonValueKind.Array)
                        errors.AddRange(value.EnumerateArray().SelectMany((item, index) => Faults(item, said, $"{place}/{index}")));
                    break;
                case "oneOf":
                    if (said.EnumerateArray().Count(one => Faults(value, one, place).Count == 0) != 1)
                        errors.Add($"{place}: is not one of the alternatives");
                    break;
                case "required":
                    if (value.ValueKind == JsonValueKind.Object)
                        errors.AddRange(
                            said.EnumerateArray()
                                .Where(name => !value.TryGetProperty(name.GetString()!, out _))
                                .Select(name => $"{place}: {name} is missing")
                        );
                    break;
                case "properties":
                    errors.AddRange(
                        Properties(value)
                            .Where(property => said.TryGetProperty(property.Name, out _))
                            .SelectMany(property => Faults(property.Value, said.GetProperty(property.Name), $"{place}/{property.Name}"))
                    );
                    break;
                case "additionalProperties":
                    var others = Properties(value)
                        .Where(property =>
                            !schema.TryGetProperty("properties", out var named) || !named.TryGetProperty(property.Name, out _)
                        );
                    errors.AddRange(
                        said.ValueKind == JsonValueKind.False
                            ? others.Select(property => $"{place}: {property.Name} is unknown")
                            : others.SelectMany(property => Faults(property.Value, said, $"{place}/{property.Name}"))
                    );
                    break;
                default:
                    throw new NotSupportedException($"The keyword '{keyword.Name}' of the schema is not checked here; add it.");
            }
        }
        return errors;
    }

    private static JsonProperty[] Properties(JsonElement value) =>
        value.ValueKind == JsonValueKind.Object ? [.. value.EnumerateObject()] : [];

    private static bool IsA(JsonElement value, string type) =>
        type switch
        {
            "object" => value.ValueKind == JsonValueKind.Object,
            "array" => value.ValueKind == JsonValueKind.Array,
            "string" => value.ValueKind == JsonValueKind.String,
            "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
            "number" => value.ValueKind == JsonValueKind.Number,
            "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
            _ => throw new NotSupportedException(type),
        };
}
