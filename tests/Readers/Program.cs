using System.Text.Json;
using System.Text.Json.Nodes;
using System.Xml;
using Microsoft.OData.Edm;
using Microsoft.OData.Edm.Csdl;
using Microsoft.OData.Edm.Validation;
using Microsoft.OData.Edm.Vocabularies;

// Reads the CSDL on standard input as a client of OData library 7 does, and prints what such a client makes of it.
using var xml = XmlReader.Create(Console.OpenStandardInput());
var read = CsdlReader.TryParse(xml, out var model, out var errors);
if (read)
    model.Validate(out errors);

var told = new JsonObject
{
    ["library"] = typeof(CsdlReader).Assembly.GetName().Version!.ToString(),
    ["errors"] = new JsonArray([.. errors.Select(error => JsonValue.Create(error.ToString()))]),
};
if (read)
{
    told["sets"] = Named(
        model.EntityContainer.EntitySets(),
        set => set.Name,
        set => new JsonObject { ["type"] = set.EntityType().FullName(), ["annotations"] = Annotations(set) }
    );
    told["types"] = Named(
        model.SchemaElements.OfType<IEdmEntityType>(),
        type => type.FullName(),
        type => new JsonObject
        {
            ["key"] = new JsonArray([.. type.Key().Select(key => JsonValue.Create(key.Name))]),
            ["properties"] = Named(
                type.StructuralProperties(),
                property => property.Name,
                property => new JsonObject
                {
                    ["type"] = property.Type.FullName(),
                    ["nullable"] = property.Type.IsNullable,
                    ["maxLength"] = property.Type.IsString() ? property.Type.AsString().MaxLength : null,
                    ["precision"] =
                        property.Type.IsTemporal() ? property.Type.AsTemporal().Precision
                        : property.Type.IsDecimal() ? property.Type.AsDecimal().Precision
                        : null,
                    ["scale"] = property.Type.IsDecimal() ? property.Type.AsDecimal().Scale : null,
                    ["annotations"] = Annotations(property),
                }
            ),
            ["navigations"] = Named(
                type.NavigationProperties(),
                navigation => navigation.Name,
                navigation => new JsonObject
                {
                    ["type"] = navigation.ToEntityType().FullName(),
                    ["multiplicity"] = navigation.TargetMultiplicity().ToString(),
                    ["annotations"] = Annotations(navigation),
                }
            ),
        }
    );
}
Console.Out.Write(told.ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
return 0;

// The annotations whose value is a text, by their term.
JsonObject Annotations(IEdmVocabularyAnnotatable target) =>
    new(
        model
            .FindVocabularyAnnotations(target)
            .Where(annotation => annotation.Qualifier is null && annotation.Value is IEdmStringConstantExpression)
            .Select(annotation =>
                KeyValuePair.Create<string, JsonNode?>(annotation.Term.FullName(), ((IEdmStringConstantExpression)annotation.Value).Value)
            )
    );

static JsonObject Named<T>(IEnumerable<T> elements, Func<T, string> name, Func<T, JsonObject> told) =>
    new(elements.Select(element => KeyValuePair.Create<string, JsonNode?>(name(element), told(element))));
