using System.Text.Json;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Quantities;
using Xunit;

namespace Metrics.Domain.Tests.Catalogue;

/// <summary>The schema is what editors check with, the reader is what the service checks with: they say the same.</summary>
public class MappingSchemaTests
{
    private static readonly JsonElement Schema = Load();

    [Fact]
    public void The_schema_has_the_properties_that_the_reader_knows()
    {
        Same("""{ "unheard": 1, "provider": "p", "mappings": [] }""", "a: unheard", Schema);
        Same("""{ "provider": "p", "mappings": [ { "unheard": 1 } ] }""", "a: mappings[0]: unheard", Definition("mapping"));
        Same(
            """{ "provider": "p", "resources": { "r": { "unheard": 1 } }, "mappings": [] }""",
            "a: resources 'r': unheard",
            Definition("resource")
        );
        foreach (var part in (string[])["power", "scale", "rollUp", "estimate"])
            Same(
                $$"""{ "provider": "p", "mappings": [ { "{{part}}": { "unheard": 1 } } ] }""",
                $"a: mappings[0]: {part}: unheard",
                Definition("mapping").GetProperty("properties").GetProperty(part)
            );
    }

    [Fact]
    public void The_schema_requires_what_the_reader_requires()
    {
        Required("{ }", "a: ", Schema);
        Required("""{ "provider": "p", "mappings": [ { } ] }""", "a: mappings[0]: ", Definition("mapping"));
        Required(
            """{ "provider": "p", "resources": { "r": { "id": "x" } }, "mappings": [] }""",
            "a: resources 'r': ",
            Definition("resource")
        );
        // Of the two ways to tell a power the reader asks for the first one.
        var power = Definition("mapping").GetProperty("properties").GetProperty("power");
        Required(
            """{ "provider": "p", "mappings": [ { "power": { "reference": "https://example.org/x" } } ] }""",
            "a: mappings[0]: power: ",
            power.GetProperty("oneOf")[0]
        );
        Required("""{ "provider": "p", "mappings": [ { "power": { "thermalDesignWatts": 1 } } ] }""", "a: mappings[0]: power: ", power);
        foreach (var part in (string[])["rollUp", "estimate"])
            Required(
                $$"""{ "provider": "p", "mappings": [ { "{{part}}": { } } ] }""",
                $"a: mappings[0]: {part}: ",
                Definition("mapping").GetProperty("properties").GetProperty(part)
            );
    }

    [Fact]
    public void The_schema_has_the_words_of_the_domain()
    {
        Assert.Equal(["gauge", "delta", "cumulative", "info"], Words("kind"));
        Assert.Equal(["measured", "derived", "modelled", "estimated"], Words("evidence"));
        Assert.Equal(["engine", "router", "gateway", "client"], Words("layer"));
        Assert.Equal(["average", "sum", "minimum", "maximum", "sampleCount"], Words("statistic"));
        Assert.Equal(
            ["accelerator", "cpu", "core", "uncore", "memory", "platform", "module", "node", "psu", "outlet", "pdu", "rack"],
            Words("component")
        );
        Assert.Equal(Enum.GetNames<Component>().Where(name => name != "None").Select(name => name.ToLowerInvariant()), Words("component"));

        static IEnumerable<string?> Words(string property) =>
            Definition("mapping")
                .GetProperty("properties")
                .GetProperty(property)
                .GetProperty("enum")
                .EnumerateArray()
                .Select(word => word.GetString());
    }

    private static void Same(string text, string place, JsonElement schema)
    {
        var error = Assert.Single(Faults(text), error =>
            error.StartsWith(place + ": is not a known property; known are: ", StringComparison.Ordinal)
        );
        Assert.Equal(
            error[(error.IndexOf("known are: ", StringComparison.Ordinal) + 11)..].Split(", ").Order(StringComparer.Ordinal),
            schema.GetProperty("properties").EnumerateObject().Select(property => property.Name).Order(StringComparer.Ordinal)
        );
        Assert.False(schema.GetProperty("additionalProperties").GetBoolean());
    }

    private static void Required(string text, string place, JsonElement schema)
    {
        var missing = Faults(text)
            .Where(error =>
                error.StartsWith(place, StringComparison.Ordinal) && error.Contains(": is missing; add ", StringComparison.Ordinal)
            )
            .Select(error => error[place.Length..].Split(':')[0])
            .Where(property => !property.Contains(' ', StringComparison.Ordinal));
        Assert.Equal(
            missing.Order(StringComparer.Ordinal),
            schema.GetProperty("required").EnumerateArray().Select(name => name.GetString()!).Order(StringComparer.Ordinal)
        );
    }

    private static IReadOnlyList<string> Faults(string text) =>
        Assert.Throws<CatalogueException>(() => CatalogueReader.Read([("a", text)])).Errors;

    private static JsonElement Definition(string name) => Schema.GetProperty("$defs").GetProperty(name);

    private static JsonElement Load()
    {
        using var stream = typeof(Unit).Assembly.GetManifestResourceStream("mapping.schema.json")!;
        return JsonDocument.Parse(stream).RootElement.Clone();
    }
}
