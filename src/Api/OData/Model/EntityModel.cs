using System.Text.Json;
using System.Text.Json.Nodes;
using System.Xml;
using Metrics.Api.OData.Json;
using Metrics.Api.OData.Query;
using Microsoft.OData.Edm;
using Microsoft.OData.Edm.Csdl;
using Microsoft.OData.Edm.Vocabularies;

namespace Metrics.Api.OData.Model;

/// <summary>
/// The published model, made once from <see cref="EntitySets"/>: plain CSDL 4.0 that old parsers read, with a description
/// and a unit on each property and capabilities that are true.
/// </summary>
internal sealed class EntityModel
{
    public const string Namespace = "Metrics";

    private readonly EdmModel edm = new();
    private readonly Dictionary<string, IEdmEntitySet> sets = [];

    public EntityModel()
    {
        var container = new EdmEntityContainer(Namespace, "Container");
        edm.AddElement(container);
        edm.SetEdmVersion(EdmConstants.EdmVersion4);
        edm.SetEdmReferences([Reference("Core"), Reference("Capabilities"), Reference("Measures"), Reference("Aggregation")]);
        foreach (var set in EntitySets.All)
        {
            var type = new EdmEntityType(Namespace, set.TypeName);
            foreach (var property in set.Properties)
            {
                var added = type.AddStructuralProperty(property.Name, TypeOf(property));
                if (set.Key.Contains(property))
                    type.AddKeys(added);
                Annotate(added, "Org.OData.Core.V1.Description", new EdmStringConstant(property.Description));
                AnnotateUnit(added, property.Unit);
                if (set.Context is { } context && property.Adding is Adding.Sum or Adding.Ratio)
                    Aggregation(
                        added,
                        "ContextDefiningProperties",
                        "Collection(Edm.PropertyPath)",
                        new EdmCollectionExpression(new EdmPropertyPathExpression(context))
                    );
            }
            edm.AddElement(type);
            var published = container.AddEntitySet(set.Name, type);
            sets.Add(set.Name, published);
            Annotate(published, "Org.OData.Core.V1.Description", new EdmStringConstant(set.Description));
            Annotate(published, "Org.OData.Capabilities.V1.InsertRestrictions", Record("Insertable", false));
            Annotate(published, "Org.OData.Capabilities.V1.UpdateRestrictions", Record("Updatable", false));
            Annotate(published, "Org.OData.Capabilities.V1.DeleteRestrictions", Record("Deletable", false));
            Annotate(
                published,
                "Org.OData.Capabilities.V1.SearchRestrictions",
                Record("Searchable", set.Properties.Any(property => property.Searchable))
            );
            Annotate(published, "Org.OData.Capabilities.V1.ExpandRestrictions", Record("Expandable", set.Navigations.Count > 0));
            Annotate(published, "Org.OData.Capabilities.V1.FilterRestrictions", Record("Filterable", true));
            Annotate(published, "Org.OData.Capabilities.V1.SortRestrictions", Record("Sortable", true));
            Annotate(published, "Org.OData.Capabilities.V1.CountRestrictions", Record("Countable", true));
            Annotate(published, "Org.OData.Capabilities.V1.SelectSupport", Record("Supported", true));
            Annotate(published, "Org.OData.Capabilities.V1.ComputeSupported", new EdmBooleanConstant(true));
            Annotate(published, "Org.OData.Capabilities.V1.IndexableByKey", new EdmBooleanConstant(true));
            AnnotateApply(published, set);
            Annotate(published, "Org.OData.Capabilities.V1.TopSupported", new EdmBooleanConstant(true));
            Annotate(published, "Org.OData.Capabilities.V1.SkipSupported", new EdmBooleanConstant(true));
        }
        foreach (var set in EntitySets.All)
            AddNavigations(set);
        AddCompare(container);
        Annotate(
            container,
            "Org.OData.Core.V1.Description",
            new EdmStringConstant("Energy per functional unit of workloads, comparable over providers. Times are UTC, null is unknown.")
        );
        Annotate(container, "Org.OData.Core.V1.ODataVersions", new EdmStringConstant("4.0"));
        Annotate(
            container,
            "Org.OData.Capabilities.V1.SupportedFormats",
            new EdmCollectionExpression(new EdmStringConstant("application/json"))
        );
        Annotate(
            container,
            "Org.OData.Capabilities.V1.FilterFunctions",
            new EdmCollectionExpression(ExpressionReader.SupportedFunctions.Select(name => new EdmStringConstant(name)))
        );
        Annotate(container, "Org.OData.Capabilities.V1.AsynchronousRequestsSupported", new EdmBooleanConstant(true));
        Annotate(container, "Org.OData.Capabilities.V1.BatchSupported", new EdmBooleanConstant(true));
        Annotate(container, "Org.OData.Capabilities.V1.BatchContinueOnErrorSupported", new EdmBooleanConstant(true));
        Annotate(container, "Org.OData.Capabilities.V1.KeyAsSegmentSupported", new EdmBooleanConstant(true));
        Annotate(container, "Org.OData.Capabilities.V1.QuerySegmentSupported", new EdmBooleanConstant(true));
        var level =
            edm.FindType("Org.OData.Capabilities.V1.ConformanceLevelType") as IEdmEnumType
            ?? throw new InvalidOperationException("The OData library has no conformance levels.");
        Annotate(
            container,
            "Org.OData.Capabilities.V1.ConformanceLevel",
            new EdmEnumMemberExpression([.. level.Members.Where(member => member.Name == "Intermediate")])
        );
        Annotate(container, "Org.OData.Capabilities.V1.CrossJoinSupported", new EdmBooleanConstant(false));
        edm.MarkAsImmutable();
        Xml = WriteXml();
        Json = WriteJson();
    }

    public IEdmModel Edm => edm;

    /// <summary>$metadata as XML, UTF-8.</summary>
    public ReadOnlyMemory<byte> Xml { get; }

    /// <summary>$metadata as JSON, UTF-8.</summary>
    public ReadOnlyMemory<byte> Json { get; }

    public IEdmEntitySet SetOf(EntitySet set) => sets[set.Name];

    private void AddNavigations(EntitySet set)
    {
        var published = (EdmEntitySet)sets[set.Name];
        var type = (EdmEntityType)published.EntityType;
        foreach (var navigation in set.Navigations)
        {
            var target = sets[navigation.Target];
            var added = type.AddUnidirectionalNavigation(
                new EdmNavigationPropertyInfo
                {
                    Name = navigation.Name,
                    Target = target.EntityType,
                    TargetMultiplicity = navigation.Optional ? EdmMultiplicity.ZeroOrOne : EdmMultiplicity.One,
                    // The model has no way to say that a value which is always there may have nobody that it belongs to.
                    DependentProperties = navigation.Optional
                        ? null
                        : navigation.On.Select(pair => (IEdmStructuralProperty)type.FindProperty(pair.Own)),
                    PrincipalProperties = navigation.Optional
                        ? null
                        : navigation.On.Select(pair => (IEdmStructuralProperty)target.EntityType.FindProperty(pair.Theirs)),
                }
            );
            published.AddNavigationTarget(added, target);
            Annotate(added, "Org.OData.Core.V1.Description", new EdmStringConstant(navigation.Description));
        }
    }

    // The unit as UCUM writes it, and by its code of UNECE Recommendation 20 where it has one.
    private void AnnotateUnit(IEdmVocabularyAnnotatable target, string? unit)
    {
        if (unit is null)
            return;
        Annotate(target, "Org.OData.Measures.V1.Unit", new EdmStringConstant(unit));
        if (
            unit switch
            {
                "J" => "JOU",
                "g" => "GRM",
                "L" => "LTR",
                "1" => "C62",
                _ => null,
            } is
            { } code
        )
            Annotate(target, "Org.OData.Measures.V1.UNECEUnit", new EdmStringConstant(code));
    }

    /// <summary>What $apply may do with a set.</summary>
    private void AnnotateApply(IEdmEntitySet published, EntitySet set)
    {
        var aggregatable = set
            .Properties.Where(property => property.Adding != Adding.Plain)
            .Select(property => new EdmRecordExpression(
                new EdmPropertyConstructor("Property", new EdmPropertyPathExpression(property.Name)),
                new EdmPropertyConstructor("SupportedAggregationMethods", Texts(Methods(property)))
            ));
        Aggregation(
            published,
            "ApplySupported",
            "Org.OData.Aggregation.V1.ApplySupportedType",
            new EdmRecordExpression(
                new EdmPropertyConstructor("Transformations", Texts(ApplyReader.Transformations)),
                new EdmPropertyConstructor("CustomAggregationMethods", Texts([])),
                new EdmPropertyConstructor("AggregatableProperties", new EdmCollectionExpression(aggregatable))
            )
        );
        foreach (var property in set.Properties.Where(property => property.Adding is Adding.Sum or Adding.Ratio))
            Aggregation(published, "CustomAggregate", "Edm.String", new EdmStringConstant("Edm.Double"), property.Name);
    }

    /// <summary>The methods that aggregate a property.</summary>
    public static IEnumerable<string> Methods(EntityProperty property) =>
        property.Adding switch
        {
            Adding.Ratio or Adding.Mean => ["average", "min", "max", "countdistinct"],
            Adding.Never => ["min", "max", "countdistinct"],
            _ => ["sum", "average", "min", "max", "countdistinct"],
        };

    private static EdmCollectionExpression Texts(IEnumerable<string> texts) => new(texts.Select(text => new EdmStringConstant(text)));

    // The library does not have this vocabulary, so the terms are made here; they stay the vocabulary's, and are not part of this model.
    private void Aggregation(IEdmVocabularyAnnotatable target, string name, string type, IEdmExpression value, string? qualifier = null)
    {
        IEdmTypeReference of = type switch
        {
            "Edm.String" => EdmCoreModel.Instance.GetString(false),
            "Collection(Edm.PropertyPath)" => EdmCoreModel.GetCollection(EdmCoreModel.Instance.GetPropertyPath(false)),
            _ => new EdmComplexTypeReference(new EdmComplexType("Org.OData.Aggregation.V1", type[(type.LastIndexOf('.') + 1)..]), false),
        };
        var annotation = new EdmVocabularyAnnotation(target, new EdmTerm("Org.OData.Aggregation.V1", name, of), qualifier, value);
        annotation.SetSerializationLocation(edm, EdmVocabularyAnnotationSerializationLocation.Inline);
        edm.AddVocabularyAnnotation(annotation);
    }

    private void AddCompare(EdmEntityContainer container)
    {
        var row = new EdmComplexType(Namespace, CompareFunction.TypeName);
        foreach (var column in CompareFunction.Columns)
        {
            var added = row.AddStructuralProperty(
                column.Name,
                column.Type == EdmPrimitiveTypeKind.DateTimeOffset
                    ? EdmCoreModel.Instance.GetTemporal(column.Type, 6, column.Nullable)
                    : EdmCoreModel.Instance.GetPrimitive(column.Type, column.Nullable)
            );
            Annotate(added, "Org.OData.Core.V1.Description", new EdmStringConstant(column.Description));
            AnnotateUnit(added, column.Unit);
        }
        edm.AddElement(row);
        var function = new EdmFunction(
            Namespace,
            CompareFunction.Name,
            EdmCoreModel.GetCollection(new EdmComplexTypeReference(row, isNullable: false)),
            isBound: false,
            entitySetPathExpression: null,
            isComposable: false
        );
        foreach (var (name, kind, description) in CompareFunction.Parameters)
        {
            var added = function.AddParameter(name, EdmCoreModel.Instance.GetPrimitive(kind, isNullable: name != "unit"));
            Annotate(added, "Org.OData.Core.V1.Description", new EdmStringConstant(description));
            // All but the first may be left out, which plain CSDL 4.0 says by an annotation.
            if (name != "unit")
                Annotate(added, "Org.OData.Core.V1.OptionalParameter", new EdmRecordExpression());
        }
        edm.AddElement(function);
        Annotate(function, "Org.OData.Core.V1.Description", new EdmStringConstant(CompareFunction.Description));
        container.AddFunctionImport(CompareFunction.Name, function);
    }

    private static IEdmTypeReference TypeOf(EntityProperty property) =>
        property.Type switch
        {
            PropertyType.Int32 => EdmCoreModel.Instance.GetInt32(property.Nullable),
            PropertyType.Int64 => EdmCoreModel.Instance.GetInt64(property.Nullable),
            PropertyType.Double => EdmCoreModel.Instance.GetDouble(property.Nullable),
            PropertyType.Text => EdmCoreModel.Instance.GetString(false, property.MaxLength, null, property.Nullable),
            PropertyType.Date => EdmCoreModel.Instance.GetDate(property.Nullable),
            PropertyType.Boolean => EdmCoreModel.Instance.GetBoolean(property.Nullable),
            PropertyType.Instant => EdmCoreModel.Instance.GetTemporal(EdmPrimitiveTypeKind.DateTimeOffset, 6, property.Nullable),
            _ => throw new ArgumentOutOfRangeException(nameof(property), property.Type, "No property has the type."),
        };

    private static EdmReference Reference(string vocabulary)
    {
        var reference = new EdmReference(
            new Uri($"https://oasis-tcs.github.io/odata-vocabularies/vocabularies/Org.OData.{vocabulary}.V1.xml")
        );
        reference.AddInclude(new EdmInclude(vocabulary, $"Org.OData.{vocabulary}.V1"));
        return reference;
    }

    private static EdmRecordExpression Record(string property, bool value) =>
        new(new EdmPropertyConstructor(property, new EdmBooleanConstant(value)));

    private void Annotate(IEdmVocabularyAnnotatable target, string term, IEdmExpression value)
    {
        var annotation = new EdmVocabularyAnnotation(
            target,
            edm.FindTerm(term) ?? throw new InvalidOperationException($"The OData library has no term {term}."),
            value
        );
        annotation.SetSerializationLocation(edm, EdmVocabularyAnnotationSerializationLocation.Inline);
        edm.AddVocabularyAnnotation(annotation);
    }

    private byte[] WriteXml()
    {
        using var stream = new MemoryStream();
        using (var writer = XmlWriter.Create(stream, new XmlWriterSettings { Encoding = new System.Text.UTF8Encoding(false) }))
        {
            if (!CsdlWriter.TryWriteCsdl(edm, writer, CsdlTarget.OData, out var errors))
                throw Unwritable(errors);
        }
        return stream.ToArray();
    }

    private byte[] WriteJson()
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            if (!CsdlWriter.TryWriteCsdl(edm, writer, out var errors))
                throw Unwritable(errors);
        }
        // The library leaves out that a navigation may lead nowhere, which says in JSON that it never does.
        var json = JsonNode.Parse(stream.ToArray())!;
        foreach (var set in EntitySets.All)
        foreach (var navigation in set.Navigations.Where(navigation => navigation.Optional))
            json[Namespace]![set.TypeName]![navigation.Name]!["$Nullable"] = true;
        using var whole = new MemoryStream();
        using (var writer = new Utf8JsonWriter(whole, JsonRow.WriterOptions))
            json.WriteTo(writer);
        return whole.ToArray();
    }

    private static InvalidOperationException Unwritable(IEnumerable<Microsoft.OData.Edm.Validation.EdmError> errors) =>
        new("The model cannot be written: " + string.Join("; ", errors.Select(error => error.ErrorMessage)));
}
