using System.Text.Json;
using System.Xml;
using Microsoft.OData.Edm;
using Microsoft.OData.Edm.Csdl;
using Microsoft.OData.Edm.Vocabularies;

namespace Metrics.Api.OData;

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
        edm.SetEdmReferences(
        [
            Reference("Core"), Reference("Capabilities"), Reference("Measures"),
        ]);
        foreach (var set in EntitySets.All)
        {
            var type = new EdmEntityType(Namespace, set.TypeName);
            foreach (var property in set.Properties)
            {
                var added = type.AddStructuralProperty(property.Name, TypeOf(property));
                if (set.Key.Contains(property)) type.AddKeys(added);
                Annotate(added, "Org.OData.Core.V1.Description", new EdmStringConstant(property.Description));
                if (property.Unit is { } unit) Annotate(added, "Org.OData.Measures.V1.Unit", new EdmStringConstant(unit));
            }
            edm.AddElement(type);
            var published = container.AddEntitySet(set.Name, type);
            sets.Add(set.Name, published);
            Annotate(published, "Org.OData.Core.V1.Description", new EdmStringConstant(set.Description));
            Annotate(published, "Org.OData.Capabilities.V1.InsertRestrictions", Record("Insertable", false));
            Annotate(published, "Org.OData.Capabilities.V1.UpdateRestrictions", Record("Updatable", false));
            Annotate(published, "Org.OData.Capabilities.V1.DeleteRestrictions", Record("Deletable", false));
            Annotate(published, "Org.OData.Capabilities.V1.SearchRestrictions", Record("Searchable", set.Properties.Any(property => property.Searchable)));
            Annotate(published, "Org.OData.Capabilities.V1.ExpandRestrictions", Record("Expandable", set.Navigations.Count > 0));
            Annotate(published, "Org.OData.Capabilities.V1.TopSupported", new EdmBooleanConstant(true));
            Annotate(published, "Org.OData.Capabilities.V1.SkipSupported", new EdmBooleanConstant(true));
        }
        foreach (var set in EntitySets.All) AddNavigations(set);
        AddCompare(container);
        Annotate(container, "Org.OData.Core.V1.Description", new EdmStringConstant("Energy per functional unit of workloads, comparable over providers. Times are UTC, null is unknown."));
        Annotate(container, "Org.OData.Core.V1.ODataVersions", new EdmStringConstant("4.0"));
        Annotate(container, "Org.OData.Capabilities.V1.SupportedFormats", new EdmCollectionExpression(new EdmStringConstant("application/json")));
        Annotate(container, "Org.OData.Capabilities.V1.FilterFunctions", new EdmCollectionExpression(ExpressionReader.SupportedFunctions.Select(name => new EdmStringConstant(name))));
        Annotate(container, "Org.OData.Capabilities.V1.AsynchronousRequestsSupported", new EdmBooleanConstant(false));
        Annotate(container, "Org.OData.Capabilities.V1.BatchSupported", new EdmBooleanConstant(false));
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
            var added = type.AddUnidirectionalNavigation(new EdmNavigationPropertyInfo
            {
                Name = navigation.Name,
                Target = target.EntityType,
                TargetMultiplicity = navigation.Optional ? EdmMultiplicity.ZeroOrOne : EdmMultiplicity.One,
                // The model has no way to say that a value which is always there may have nobody that it belongs to.
                DependentProperties = navigation.Optional ? null : navigation.On.Select(pair => (IEdmStructuralProperty)type.FindProperty(pair.Own)),
                PrincipalProperties = navigation.Optional ? null : navigation.On.Select(pair => (IEdmStructuralProperty)target.EntityType.FindProperty(pair.Theirs)),
            });
            published.AddNavigationTarget(added, target);
            Annotate(added, "Org.OData.Core.V1.Description", new EdmStringConstant(navigation.Description));
        }
    }

    private void AddCompare(EdmEntityContainer container)
    {
        var row = new EdmComplexType(Namespace, CompareFunction.TypeName);
        foreach (var column in CompareFunction.Columns)
        {
            var added = row.AddStructuralProperty(column.Name, column.Type == EdmPrimitiveTypeKind.DateTimeOffset
                ? EdmCoreModel.Instance.GetTemporal(column.Type, 6, column.Nullable)
                : EdmCoreModel.Instance.GetPrimitive(column.Type, column.Nullable));
            Annotate(added, "Org.OData.Core.V1.Description", new EdmStringConstant(column.Description));
            if (column.Unit is { } unit) Annotate(added, "Org.OData.Measures.V1.Unit", new EdmStringConstant(unit));
        }
        edm.AddElement(row);
        var function = new EdmFunction(Namespace, CompareFunction.Name, EdmCoreModel.GetCollection(new EdmComplexTypeReference(row, isNullable: false)), isBound: false, entitySetPathExpression: null, isComposable: false);
        foreach (var (name, kind, description) in CompareFunction.Parameters)
        {
            var added = function.AddParameter(name, EdmCoreModel.Instance.GetPrimitive(kind, isNullable: name != "unit"));
            Annotate(added, "Org.OData.Core.V1.Description", new EdmStringConstant(description));
            // All but the first may be left out, which plain CSDL 4.0 says by an annotation.
            if (name != "unit") Annotate(added, "Org.OData.Core.V1.OptionalParameter", new EdmRecordExpression());
        }
        edm.AddElement(function);
        Annotate(function, "Org.OData.Core.V1.Description", new EdmStringConstant(CompareFunction.Description));
        container.AddFunctionImport(CompareFunction.Name, function);
    }

    private static IEdmTypeReference TypeOf(EntityProperty property) => property.Type switch
    {
        PropertyType.Int32 => EdmCoreModel.Instance.GetInt32(property.Nullable),
        PropertyType.Int64 => EdmCoreModel.Instance.GetInt64(property.Nullable),
        PropertyType.Double => EdmCoreModel.Instance.GetDouble(property.Nullable),
        PropertyType.Text => EdmCoreModel.Instance.GetString(false, property.MaxLength, null, property.Nullable),
        PropertyType.Date => EdmCoreModel.Instance.GetDate(property.Nullable),
        _ => EdmCoreModel.Instance.GetTemporal(EdmPrimitiveTypeKind.DateTimeOffset, 6, property.Nullable),
    };

    private static EdmReference Reference(string vocabulary)
    {
        var reference = new EdmReference(new Uri($"https://oasis-tcs.github.io/odata-vocabularies/vocabularies/Org.OData.{vocabulary}.V1.xml"));
        reference.AddInclude(new EdmInclude(vocabulary, $"Org.OData.{vocabulary}.V1"));
        return reference;
    }

    private static EdmRecordExpression Record(string property, bool value) => new(new EdmPropertyConstructor(property, new EdmBooleanConstant(value)));

    private void Annotate(IEdmVocabularyAnnotatable target, string term, IEdmExpression value)
    {
        var annotation = new EdmVocabularyAnnotation(target, edm.FindTerm(term) ?? throw new InvalidOperationException($"The OData library has no term {term}."), value);
        annotation.SetSerializationLocation(edm, EdmVocabularyAnnotationSerializationLocation.Inline);
        edm.AddVocabularyAnnotation(annotation);
    }

    private byte[] WriteXml()
    {
        using var stream = new MemoryStream();
        using (var writer = XmlWriter.Create(stream, new XmlWriterSettings { Encoding = new System.Text.UTF8Encoding(false) }))
        {
            if (!CsdlWriter.TryWriteCsdl(edm, writer, CsdlTarget.OData, out var errors)) throw Unwritable(errors);
        }
        return stream.ToArray();
    }

    private byte[] WriteJson()
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            if (!CsdlWriter.TryWriteCsdl(edm, writer, out var errors)) throw Unwritable(errors);
        }
        return stream.ToArray();
    }

    private static InvalidOperationException Unwritable(IEnumerable<Microsoft.OData.Edm.Validation.EdmError> errors) =>
        new("The model cannot be written: " + string.Join("; ", errors.Select(error => error.ErrorMessage)));
}
