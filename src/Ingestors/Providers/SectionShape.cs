using System.Collections;
using System.ComponentModel;
using System.Reflection;
using Metrics.Domain.Messages;
using Microsoft.Extensions.Configuration;

namespace Metrics.Ingestors.Providers;

/// <summary>Whether a section of the configuration has the shape of the type that it is bound to. The binder itself passes over what it
/// does not know.</summary>
public static class SectionShape
{
    /// <summary>Compares the section with the type that it is bound to: keys that nothing reads and values that cannot be read are
    /// errors.</summary>
    public static void Validate(IConfigurationSection section, Type type, ICollection<string> errors)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(SourceSettings))
        {
            SourceSection.Validate(section, KnownProviders.All, errors);
            return;
        }
        if (typeof(IDictionary).IsAssignableFrom(type))
        {
            foreach (var child in section.GetChildren())
                Validate(child, type.GetGenericArguments()[1], errors);
        }
        else if (typeof(IList).IsAssignableFrom(type))
        {
            foreach (var child in section.GetChildren())
                Validate(child, type.GetGenericArguments()[0], errors);
        }
        else if (type.Namespace!.StartsWith("Metrics", StringComparison.Ordinal) && !type.IsEnum)
        {
            if (section.Value is { Length: > 0 } text)
                errors.Add($"{section.Path}: expected a section and found the value '{text}'.");
            var known = PropertiesOf(type);
            foreach (var child in section.GetChildren())
            {
                if (known.Find(property => property.Name.Equals(child.Key, StringComparison.OrdinalIgnoreCase)) is { } property)
                    Validate(child, property.PropertyType, errors);
                else
                    errors.Add($"{child.Path}: {Unknown(child.Key, known)}");
            }
        }
        else if (section.GetChildren().Any())
        {
            errors.Add($"{section.Path}: expected a single value of type {type.Name} and found a section.");
        }
        else if (section.Value is { } value && type != typeof(string) && !CanRead(value, type))
        {
            errors.Add($"{section.Path}: '{value}' is not a {Readable(type)}.");
        }
    }

    /// <summary>What can be set in a section of the type.</summary>
    internal static List<PropertyInfo> PropertiesOf(Type type) =>
        [
            .. type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
                .Where(property => property.CanWrite && property.Name != nameof(SourceSettings.Id)),
        ];

    /// <summary>The end of an error about a key that is not known: the keys that are, and the nearest of them.</summary>
    internal static string Unknown(string key, IEnumerable<PropertyInfo> known)
    {
        var names = known.Select(property => property.Name).Order(StringComparer.Ordinal).ToList();
        return $"unknown key; known here are {string.Join(", ", names)}.{Spelling.DidYouMean(key, names)}";
    }

    private static bool CanRead(string value, Type type)
    {
        if (type == typeof(Uri))
            return Uri.TryCreate(value, UriKind.Absolute, out _);
        try
        {
            // A converter of enumerations takes any number.
            return TypeDescriptor.GetConverter(type).ConvertFromInvariantString(value) is { } read
                && (!type.IsEnum || Enum.IsDefined(type, read));
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException or OverflowException or NotSupportedException)
        {
            return false;
        }
    }

    private static string Readable(Type type) =>
        type == typeof(TimeSpan) ? "time span such as 00:05:00"
        : type == typeof(bool) ? "true or false"
        : type == typeof(Uri) ? "complete address such as http://prometheus:9090"
        : type.IsEnum ? $"value of {string.Join(", ", Enum.GetNames(type))}"
        : "number";
}
