using System.Text.Json.Serialization.Metadata;
using Metrics.Domain.Facts;

namespace Metrics.Api.Explain;

/// <summary>Makes of the measures that a record holds properties of its JSON and of its schema, each by its name in the table.</summary>
internal static class MeasureProperties
{
    /// <summary>Those of a fact: energy, what is made of it, and what always has a value.</summary>
    private static readonly Measure[] OfFacts =
    [
        .. Measures
            .HeldBy(MeasureHolders.Facts)
            .OrderBy(measure => measure.Always)
            .ThenBy(measure => !measure.Always && measure.Unit != Measures.Facility.Unit),
    ];

    /// <summary>Those of an hour: all that its row tells beside the units.</summary>
    private static readonly Measure[] OfHours = [.. Measures.ExposedBy(MeasureHolders.Periods).Where(measure => measure != Measures.Units)];

    /// <summary>Adds what writes explanations.</summary>
    public static IServiceCollection AddExplain(this IServiceCollection services) =>
        services.ConfigureHttpJsonOptions(http =>
            http.SerializerOptions.TypeInfoResolver = (
                http.SerializerOptions.TypeInfoResolver ?? new DefaultJsonTypeInfoResolver()
            ).WithAddedModifier(type =>
            {
                if (type.Type == typeof(ExplainedFact))
                    Describe(type, OfFacts);
                else if (type.Type == typeof(ExplainedHour))
                    Describe(type, OfHours);
            })
        );

    /// <summary>Puts measures in the place of the property that holds them.</summary>
    private static void Describe(JsonTypeInfo type, Measure[] measures)
    {
        var held = type.Properties.Single(property => property.PropertyType == typeof(MeasureValues));
        var (values, at) = (held.Get!, type.Properties.IndexOf(held));
        type.Properties.RemoveAt(at);
        foreach (var measure in measures)
        {
            var name = type.Options.PropertyNamingPolicy?.ConvertName(measure.Name) ?? measure.Name;
            var property = type.CreateJsonPropertyInfo(measure.Always ? typeof(double) : typeof(double?), name);
            property.Get = measure.Always
                ? holder => ((MeasureValues)values(holder)!)[measure] ?? 0
                : holder => ((MeasureValues)values(holder)!)[measure];
            type.Properties.Insert(at++, property);
        }
    }
}
