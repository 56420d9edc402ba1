using System.Collections;
using System.ComponentModel;
using System.Globalization;
using System.Reflection;
using Metrics.Domain.Facts;
using Metrics.Ingestors;
using Metrics.Storage;

namespace Metrics.Api;

/// <summary>Section <c>Metrics</c> of the configuration.</summary>
public sealed class MetricsSettings
{
    /// <summary>Where facts are kept.</summary>
    public StorageSettings Storage { get; set; } = new();

    /// <summary>What this process does: <c>api</c> answers, <c>worker</c> reads. Both when empty.</summary>
    public List<string> Roles { get; set; } = [];

    /// <summary>Length of a grid period; a divisor of an hour.</summary>
    public TimeSpan Grain { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>What is read, by id.</summary>
    public Dictionary<string, SourceSettings> Sources { get; set; } = [];

    /// <summary>Who works, by name.</summary>
    public Dictionary<string, WorkloadSettings> Workloads { get; set; } = [];

    /// <summary>Where sources stand, by <c>provider/region</c>.</summary>
    public Dictionary<string, PlaceSettings> Places { get; set; } = [];

    /// <summary>More mapping files, beside those that the product brings.</summary>
    public List<string> Catalogues { get; set; } = [];

    /// <summary>Whether this process answers requests for data.</summary>
    public bool IsApi => Has("api");

    /// <summary>Whether this process reads sources.</summary>
    public bool IsWorker => Has("worker");

    /// <summary>An exporter without an endpoint is this service: its address is known once it listens.</summary>
    public static bool IsOwnMetrics(SourceSettings source) => source.Provider.Equals("exporter", StringComparison.OrdinalIgnoreCase) && source.Endpoint is null;

    private bool Has(string role) => Roles.Count == 0 || Roles.Contains(role, StringComparer.OrdinalIgnoreCase);

    /// <summary>The workloads as the domain knows them, by name.</summary>
    public IReadOnlyList<Workload> ToWorkloads() =>
    [
        .. Workloads.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => new Workload(entry.Key, entry.Value.Model, entry.Value.Precision,
            [.. entry.Value.Match.Select(rule => new WorkloadRule(rule.Source, rule.Labels))]))
    ];

    /// <summary>The place of every source that names one.</summary>
    public IReadOnlyDictionary<string, Place> ToPlaces() => Sources.Values.Where(source => source.Place is not null).ToDictionary(
        source => source.Id,
        source => Places.TryGetValue(source.Place!, out var place) ? new Place(source.Place!, place.Country, place.Pue) : new Place(source.Place!, null, null),
        StringComparer.Ordinal);

    /// <summary>Reads the section, or lists everything wrong with it.</summary>
    /// <exception cref="SettingsException">Any fault; the exception lists all.</exception>
    public static MetricsSettings Read(IConfigurationSection section)
    {
        var errors = new List<string>();
        CheckShape(section, typeof(MetricsSettings), errors);
        if (errors.Count > 0) throw new SettingsException(errors);

        var settings = section.Get<MetricsSettings>() ?? new MetricsSettings();
        foreach (var (id, source) in settings.Sources) source.Id = id;
        settings.CheckMeaning(errors);
        return errors.Count == 0 ? settings : throw new SettingsException(errors);
    }

    private void CheckMeaning(List<string> errors)
    {
        foreach (var role in Roles.Where(role => !role.Equals("api", StringComparison.OrdinalIgnoreCase) && !role.Equals("worker", StringComparison.OrdinalIgnoreCase)))
            errors.Add($"Metrics:Roles: '{role}' is not a role; roles are 'api' and 'worker'.");
        if (Grain <= TimeSpan.Zero || TimeSpan.FromHours(1).Ticks % Grain.Ticks != 0)
            errors.Add($"Metrics:Grain: {Grain} does not divide an hour; use for instance 00:05:00.");

        if (StorageRegistration.Fault(Storage.Engine, Storage.ConnectionString) is { } storage) errors.Add($"Metrics:Storage:ConnectionString: {storage}");

        foreach (var (id, source) in Sources)
        {
            var at = $"Metrics:Sources:{id}";
            if (!Providers.All.TryGetValue(source.Provider, out var provider))
                errors.Add($"{at}:Provider: '{source.Provider}' is not a provider; there are {string.Join(", ", Providers.All.Keys.Order(StringComparer.Ordinal).Select(name => $"'{name}'"))}.");
            else if (!IsOwnMetrics(source))
                errors.AddRange(provider.Check(source).Select(fault => $"{at}: {fault}"));
            if (source.Place is { } place && !Places.ContainsKey(place))
                errors.Add($"{at}:Place: '{place}' is not in Metrics:Places; add it there, with its Country and Pue when they are known.");
            if (source.Every is { } every && every < TimeSpan.FromSeconds(1))
                errors.Add($"{at}:Every: {every} is shorter than a second.");
            foreach (var (name, span) in new[] { (nameof(source.Settle), source.Settle), (nameof(source.Overlap), source.Overlap), (nameof(source.Lookback), source.Lookback) })
                if (span < TimeSpan.Zero) errors.Add($"{at}:{name}: {span} is negative; give a length of time such as 00:05:00.");
        }
        foreach (var (name, workload) in Workloads)
        {
            var at = $"Metrics:Workloads:{name}";
            if (name == Workload.Unattributed.Name) errors.Add($"{at}: the name is taken by what no workload claims; choose another.");
            if (workload.Match.Count == 0) errors.Add($"{at}:Match: has no rule, so nothing can belong to the workload.");
            for (var i = 0; i < workload.Match.Count; i++)
                if (!Sources.ContainsKey(workload.Match[i].Source))
                    errors.Add($"{at}:Match:{i}:Source: '{workload.Match[i].Source}' is not in Metrics:Sources.");
        }
        foreach (var (name, place) in Places)
        {
            if (place.Pue is { } pue && !(pue is >= 1 and <= 10))
                errors.Add($"Metrics:Places:{name}:Pue: {pue.ToString(CultureInfo.InvariantCulture)} cannot be; it is facility energy over IT energy, so at least 1 (and below 10).");
            if (place.Country is { } country && (country.Length != 2 || !country.All(char.IsAsciiLetterUpper)))
                errors.Add($"Metrics:Places:{name}:Country: '{country}' is not a two-letter code of ISO 3166-1, such as 'DE'.");
        }
    }

    /// <summary>Compares the section with the type that it is bound to: keys that nothing reads and values that cannot be read are faults.</summary>
    private static void CheckShape(IConfigurationSection section, Type type, List<string> errors)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (typeof(IDictionary).IsAssignableFrom(type))
        {
            foreach (var child in section.GetChildren()) CheckShape(child, type.GetGenericArguments()[1], errors);
        }
        else if (typeof(IList).IsAssignableFrom(type))
        {
            foreach (var child in section.GetChildren()) CheckShape(child, type.GetGenericArguments()[0], errors);
        }
        else if (type.Namespace!.StartsWith("Metrics", StringComparison.Ordinal) && !type.IsEnum)
        {
            if (section.Value is { Length: > 0 } text) errors.Add($"{section.Path}: expected a section and found the value '{text}'.");
            var known = type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.CanWrite && property.Name != nameof(SourceSettings.Id)).ToList();
            foreach (var child in section.GetChildren())
            {
                if (known.Find(property => property.Name.Equals(child.Key, StringComparison.OrdinalIgnoreCase)) is { } property) CheckShape(child, property.PropertyType, errors);
                else errors.Add($"{child.Path}: unknown key; known here are {string.Join(", ", known.Select(property => property.Name).Order(StringComparer.Ordinal))}.");
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
        if (type == typeof(Uri)) return Uri.TryCreate(value, UriKind.Absolute, out _);
        try
        {
            // A converter of enumerations takes any number.
            return TypeDescriptor.GetConverter(type).ConvertFromInvariantString(value) is { } read && (!type.IsEnum || Enum.IsDefined(type, read));
        }
        catch (Exception fault) when (fault is FormatException or ArgumentException or OverflowException or NotSupportedException)
        {
            return false;
        }
    }

    private static string Readable(Type type) =>
        type == typeof(TimeSpan) ? "time span such as 00:05:00" :
        type == typeof(bool) ? "true or false" :
        type == typeof(Uri) ? "complete address such as http://prometheus:9090" :
        type.IsEnum ? $"value of {string.Join(", ", Enum.GetNames(type))}" : "number";
}

/// <summary>Section <c>Metrics:Storage</c>.</summary>
public sealed class StorageSettings
{
    /// <summary>Engine; SQLite needs nothing else.</summary>
    public StorageEngine Engine { get; set; } = StorageEngine.Sqlite;

    /// <summary>How to reach it.</summary>
    public string ConnectionString { get; set; } = "Data Source=metrics.db";
}

/// <summary>Section <c>Metrics:Workloads:{name}</c>.</summary>
public sealed class WorkloadSettings
{
    /// <summary>Served model.</summary>
    public string? Model { get; set; }

    /// <summary>Number format of its weights.</summary>
    public string? Precision { get; set; }

    /// <summary>A series belongs to the workload when one of these matches.</summary>
    public List<MatchSettings> Match { get; set; } = [];
}

/// <summary>One rule of a workload.</summary>
public sealed class MatchSettings
{
    /// <summary>Id of a source.</summary>
    public string Source { get; set; } = "";

    /// <summary>Label to glob; every one must match.</summary>
    public Dictionary<string, string> Labels { get; set; } = [];
}

/// <summary>Section <c>Metrics:Places:{provider/region}</c>.</summary>
public sealed class PlaceSettings
{
    /// <summary>Two-letter country code.</summary>
    public string? Country { get; set; }

    /// <summary>Facility energy over IT energy, at least 1; unknown when not given.</summary>
    public double? Pue { get; set; }
}

/// <summary>The configuration cannot be used. <see cref="Errors"/> has one line a fault.</summary>
public sealed class SettingsException(IReadOnlyList<string> errors) : Exception(string.Join(Environment.NewLine, errors))
{
    /// <summary>One line a fault: path, what was wrong, what to do.</summary>
    public IReadOnlyList<string> Errors { get; } = errors;
}
