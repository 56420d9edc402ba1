using System.Reflection;
using Microsoft.Extensions.Configuration;

namespace Metrics.Ingestors.Providers;

/// <summary>Section <c>Metrics:Sources:{id}</c> as the type that its provider names.</summary>
public static class SourceSection
{
    /// <summary>Keys that no provider has, and values that cannot be read. Keys that only other providers have are errors of
    /// <see cref="Bind"/>.</summary>
    public static void Validate(IConfigurationSection section, IReadOnlyDictionary<string, IProvider> providers, ICollection<string> errors)
    {
        if (section.Value is { Length: > 0 } text)
            errors.Add($"{section.Path}: expected a section and found the value '{text}'.");
        var provider = ProviderOf(section, providers);
        // Of a provider that is not known only its name is wrong, and not the settings that one of the known may have.
        var known = provider is not null
            ? SectionShape.PropertiesOf(provider.Settings)
            : providers
                .Values.SelectMany(other => SectionShape.PropertiesOf(other.Settings))
                .DistinctBy(property => property.Name)
                .ToList();
        foreach (var child in section.GetChildren())
            if (Find(known, child.Key) is { } property)
                SectionShape.Validate(child, property.PropertyType, errors);
            else if (Owners(child.Key, providers).Count == 0)
                errors.Add($"{child.Path}: {SectionShape.Unknown(child.Key, known)}");
    }

    /// <summary>Settings of a source whose section has passed <see cref="Validate"/>; of the plain type when there is no such
    /// provider.</summary>
    /// <param name="section">The source's section.</param>
    /// <param name="providers">Providers by name.</param>
    /// <param name="errors">Gets a sentence for each key that only other providers have.</param>
    public static SourceSettings Bind(
        IConfigurationSection section,
        IReadOnlyDictionary<string, IProvider> providers,
        ICollection<string> errors
    )
    {
        var provider = ProviderOf(section, providers);
        var type = provider?.Settings ?? typeof(SourceSettings);
        var settings = (SourceSettings)(section.Get(type) ?? Activator.CreateInstance(type)!);
        settings.Id = section.Key;
        settings.Place ??= settings.OwnPlace;
        if (provider is not null)
            foreach (
                var child in section
                    .GetChildren()
                    .Where(child => child.Exists() && Find(SectionShape.PropertiesOf(type), child.Key) is null)
            )
                errors.Add($"{section.Path}: {Misplaced(child.Key, provider, Owners(child.Key, providers))}");
        return settings;
    }

    private static string Misplaced(string key, IProvider provider, List<IProvider> owners)
    {
        var name = Find(SectionShape.PropertiesOf(owners[0].Settings), key)!.Name;
        var names = owners.Select(owner => $"'{owner.Name}'").Order(StringComparer.Ordinal).ToList();
        var whose = names.Count == 1 ? $"provider {names[0]}" : $"providers {string.Join(", ", names[..^1])} and {names[^1]}";
        return $"{name} is for the {whose}: {provider.InsteadOf(name) ?? "remove it"}.";
    }

    private static IProvider? ProviderOf(IConfigurationSection section, IReadOnlyDictionary<string, IProvider> providers) =>
        providers.GetValueOrDefault(section[nameof(SourceSettings.Provider)] ?? "");

    private static List<IProvider> Owners(string key, IReadOnlyDictionary<string, IProvider> providers) =>
        [.. providers.Values.Where(provider => Find(SectionShape.PropertiesOf(provider.Settings), key) is not null)];

    private static PropertyInfo? Find(List<PropertyInfo> properties, string key) =>
        properties.Find(property => property.Name.Equals(key, StringComparison.OrdinalIgnoreCase));
}
