using System.Collections;
using System.ComponentModel;
using System.Reflection;
using Metrics.Domain.Messages;
using Metrics.Ingestors.Providers;

namespace Metrics.Api.Settings;

/// <summary>Whether the configuration has the shape of the type that it is bound to, whatever it means.</summary>
internal static class SettingsShape
{
    /// <summary>Compares the section with the type that it is bound to: keys that nothing reads and values that cannot be read are faults.</summary>
    public static void Check(IConfigurationSection section, Type type, List<string> errors)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (typeof(IDictionary).IsAssignableFrom(type))
        {
            foreach (var child in section.GetChildren())
                Check(child, type.GetGenericArguments()[1], errors);
        }
        else if (typeof(IList).IsAssignableFrom(type))
        {
            foreach (var child in section.GetChildren())
                Check(child, type.GetGenericArguments()[0], errors);
        }
        else if (type.Namespace!.StartsWith("Metrics", StringComparison.Ordinal) && !type.IsEnum)
        {
            if (section.Value is { Length: > 0 } text)
                errors.Add($"{section.Path}: expected a section and found the value '{text}'.");
            var known = type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
                .Where(property => property.CanWrite && property.Name != nameof(SourceSettings.Id))
                .ToList();
            foreach (var child in section.GetChildren())
            {
                if (known.Find(property => property.Name.Equals(child.Key, StringComparison.OrdinalIgnoreCase)) is { } property)
                    Check(child, property.PropertyType, errors);
                else
                    errors.Add(
                        $"{child.Path}: unknown key; known here are {string.Join(", ", known.Select(property => property.Name).Order(StringComparer.Ordinal))}.{Spelling.DidYouMean(child.Key, known.Select(property => property.Name))}"
                    );
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
