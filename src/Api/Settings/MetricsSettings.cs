using System.Collections;
using System.ComponentModel;
using System.Globalization;
using System.Reflection;
using Metrics.Api.OData.Model;
using Metrics.Api.Reports;
using Metrics.Api.Webhooks;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Messages;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Ingestors.Providers;
using Metrics.Storage.Engine;

namespace Metrics.Api.Settings;

/// <summary>Section <c>Metrics</c> of the configuration.</summary>
public sealed class MetricsSettings
{
    private FactorFiles? files;
    private FactorBook? factors;

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

    /// <summary>Files of factors, over those that the product brings; a later one over an earlier one.</summary>
    public List<string> Factors { get; set; } = [];

    /// <summary>What is declared about functional units; none is ever assumed.</summary>
    public List<ConversionSettings> Conversions { get; set; } = [];

    /// <summary>Who is let in.</summary>
    public Access.AccessSettings Access { get; set; } = new();

    /// <summary>How reports are made.</summary>
    public Reports.ReportSettings Reports { get; set; } = new();

    /// <summary>Where events are sent to, and how.</summary>
    public WebhookSettings Webhooks { get; set; } = new();

    /// <summary>What a person should know of the files of factors although they can be used.</summary>
    public IReadOnlyList<string> FactorRemarks => Files.Remarks;

    /// <summary>Whether this process answers requests for data.</summary>
    public bool IsApi => Has("api");

    /// <summary>Whether this process reads sources.</summary>
    public bool IsWorker => Has("worker");

    /// <summary>An exporter without an endpoint is this service: its address is known once it listens.</summary>
    public static bool IsOwnMetrics(SourceSettings source) =>
        source.Provider.Equals("exporter", StringComparison.OrdinalIgnoreCase) && source.Endpoint is null;

    private FactorFiles Files => files ??= FactorFiles.Read(Factors);

    private bool Has(string role) => Roles.Count == 0 || Roles.Contains(role, StringComparer.OrdinalIgnoreCase);

    /// <summary>The workloads as the domain knows them, by name.</summary>
    public IReadOnlyList<Workload> ToWorkloads() =>
        [
            .. Workloads
                .OrderBy(entry => entry.Key, StringComparer.Ordinal)
                .Select(entry => new Workload(
                    entry.Key,
                    entry.Value.Model,
                    entry.Value.Precision,
                    [.. entry.Value.Match.Select(rule => new WorkloadRule(rule.Source, rule.Labels))]
                )),
        ];

    /// <summary>The place of every source that names one, with the country of its region where none is given.</summary>
    public IReadOnlyDictionary<string, Place> ToPlaces() =>
        Sources
            .Values.Where(source => source.Place is not null)
            .ToDictionary(
                source => source.Id,
                source => new Place(
                    source.Place!,
                    ToFactors().RegionOf(source.Place!)?.Country,
                    Places.GetValueOrDefault(source.Place!)?.Pue
                ),
                StringComparer.Ordinal
            );

    /// <summary>The published factors, under those of the files, under those of <see cref="Places"/>, whose version is <c>config</c>.</summary>
    public FactorBook ToFactors() =>
        factors ??= Files
            .Over(FactorBook.Published)
            .With(
                Places.SelectMany(place => place.Value.ToFactors(place.Key)),
                Places
                    .Where(place => place.Value.Country is not null || place.Value.Zone is not null)
                    .Select(place => new Region(place.Key, place.Value.Country, place.Value.Zone))
            );

    /// <summary>What the machines of a source are, by source id, where it is given.</summary>
    public IReadOnlyDictionary<string, string> ToHardware() =>
        Sources
            .Where(source => source.Value.Hardware is not null)
            .ToDictionary(source => source.Key, source => source.Value.Hardware!, StringComparer.Ordinal);

    /// <summary>The declared conversions of functional units.</summary>
    public UnitConversions ToConversions() =>
        new([.. Conversions.Select(declared => new UnitConversion(declared.From, declared.To, declared.Factor))]);

    /// <summary>Reads the section, or lists everything wrong with it.</summary>
    /// <exception cref="SettingsException">Any fault; the exception lists all.</exception>
    public static MetricsSettings Read(IConfigurationSection section)
    {
        var errors = new List<string>();
        CheckShape(section, typeof(MetricsSettings), errors);
        if (errors.Count > 0)
            throw new SettingsException(errors);

        var settings = section.Get<MetricsSettings>() ?? new MetricsSettings();
        foreach (var (id, source) in settings.Sources)
        {
            source.Id = id;
            source.Place ??= KnownProviders.All.GetValueOrDefault(source.Provider)?.PlaceOf(source);
        }
        settings.CheckMeaning(errors);
        return errors.Count == 0 ? settings : throw new SettingsException(errors);
    }

    private void CheckMeaning(List<string> errors)
    {
        foreach (
            var role in Roles.Where(role =>
                !role.Equals("api", StringComparison.OrdinalIgnoreCase) && !role.Equals("worker", StringComparison.OrdinalIgnoreCase)
            )
        )
            errors.Add($"Metrics:Roles: '{role}' is not a role; roles are 'api' and 'worker'.");
        if (Grain <= TimeSpan.Zero || TimeSpan.FromHours(1).Ticks % Grain.Ticks != 0)
            errors.Add($"Metrics:Grain: {Grain} does not divide an hour; use for instance 00:05:00.");

        if (StorageRegistration.Fault(Storage.Engine, Storage.ConnectionString) is { } storage)
            errors.Add($"Metrics:Storage:ConnectionString: {storage}");

        foreach (var (id, source) in Sources)
        {
            var at = $"Metrics:Sources:{id}";
            if (!KnownProviders.All.TryGetValue(source.Provider, out var provider))
                errors.Add(
                    $"{at}:Provider: '{source.Provider}' is not a provider; there are {string.Join(", ", KnownProviders.All.Keys.Order(StringComparer.Ordinal).Select(name => $"'{name}'"))}."
                );
            else if (!IsOwnMetrics(source))
                errors.AddRange(provider.Check(source).Select(fault => $"{at}: {fault}"));
            if (source.Place is { } place && !Places.ContainsKey(place) && ToFactors().RegionOf(place) is null)
                errors.Add(
                    $"{at}:Place: '{place}' is not in Metrics:Places{Spelling.Near(place, Places.Keys.Concat(RegionNames))}; add it there, with its Country and Pue when they are known."
                );
            if (source.Hardware is { } hardware)
            {
                var stands = (source.Place ?? "").Split('/')[0];
                if (ToFactors().Servers.Find(stands, hardware) is null)
                {
                    var known = ToFactors()
                        .Servers.All.Where(server =>
                            server.Provider.Equals(stands, StringComparison.OrdinalIgnoreCase) || server.Provider == "any"
                        )
                        .Select(server => server.Name);
                    errors.Add(
                        $"{at}:Hardware: '{hardware}' is not a server that is known {(source.Place is null ? "without a Place" : $"at '{stands}'")}{Spelling.Near(hardware, known)}; mend it, or add the server by a file of Metrics:Factors."
                    );
                }
            }
            if (source.Every is { } every && every < TimeSpan.FromSeconds(1))
                errors.Add($"{at}:Every: {every} is shorter than a second.");
            foreach (
                var (name, span) in new[]
                {
                    (nameof(source.Settle), source.Settle),
                    (nameof(source.Overlap), source.Overlap),
                    (nameof(source.Lookback), source.Lookback),
                }
            )
                if (span < TimeSpan.Zero)
                    errors.Add($"{at}:{name}: {span} is negative; give a length of time such as 00:05:00.");
        }
        foreach (var (name, workload) in Workloads)
        {
            var at = $"Metrics:Workloads:{name}";
            if (name == Workload.Unattributed.Name)
                errors.Add($"{at}: the name is taken by what no workload claims; choose another.");
            if (workload.Match.Count == 0)
                errors.Add($"{at}:Match: has no rule, so nothing can belong to the workload.");
            for (var i = 0; i < workload.Match.Count; i++)
                if (!Sources.ContainsKey(workload.Match[i].Source))
                    errors.Add($"{at}:Match:{i}:Source: '{workload.Match[i].Source}' is not in Metrics:Sources.");
        }
        CheckClaims(errors);
        foreach (var (name, place) in Places)
        {
            var at = $"Metrics:Places:{name}";
            if (place.Pue is { } pue && !(pue is >= 1 and <= 10))
                errors.Add(
                    $"{at}:Pue: {pue.ToString(CultureInfo.InvariantCulture)} cannot be; it is facility energy over IT energy, so at least 1 (and below 10)."
                );
            foreach (
                var (key, kind, value) in new[]
                {
                    (nameof(place.Wue), FactorKind.Wue, place.Wue),
                    (nameof(place.GridIntensity), FactorKind.GridIntensity, place.GridIntensity),
                    (nameof(place.MarginalIntensity), FactorKind.GridIntensity, place.MarginalIntensity),
                    (nameof(place.MarketBasedIntensity), FactorKind.GridIntensity, place.MarketBasedIntensity),
                }
            )
                if (value is { } number && FactorKinds.ErrorOf(kind, number) is { } fault)
                    errors.Add($"{at}:{key}: {fault}.");
            if (place.Country is { } country && !Region.IsCountry(country))
                errors.Add($"{at}:Country: '{country}' is not a two-letter code of ISO 3166-1, such as 'DE'.");
            if (place.Country is null && place.Pue is null && IsCloud(name) && Files.Over(FactorBook.Published).RegionOf(name) is null)
                errors.Add($"{at}: is not a region that is known{Spelling.Near(name, RegionNames)}; mend it, or give its Country and Pue.");
        }
        errors.AddRange(Access.Faults());
        errors.AddRange(Reports.Faults());
        errors.AddRange(
            Files.Faults.Select(fault => $"Metrics:Factors: {fault.Replace("Metrics:Factors: ", "", StringComparison.Ordinal)}")
        );
        CheckConversions(errors);
        errors.AddRange(Webhooks.Faults());
    }

    private IEnumerable<string> RegionNames => Files.Over(FactorBook.Published).Regions.Select(region => region.Name);

    private static bool IsCloud(string place) =>
        FactorBook.Published.Regions.Any(region =>
            place.StartsWith(region.Name[..(region.Name.IndexOf('/', StringComparison.Ordinal) + 1)], StringComparison.Ordinal)
        );

    /// <summary>Rules of two workloads that certainly claim the same series: each series has one workload.</summary>
    private void CheckClaims(List<string> errors)
    {
        var rules = Workloads
            .OrderBy(workload => workload.Key, StringComparer.Ordinal)
            .SelectMany(workload =>
                workload.Value.Match.Select(
                    (rule, i) => (Workload: workload.Key, At: $"Metrics:Workloads:{workload.Key}:Match:{i}", Rule: rule)
                )
            )
            .ToList();
        foreach (var (_, at, rule) in rules)
        foreach (var label in rule.Labels.Where(label => label.Value.Length == 0))
            errors.Add(
                $"{at}:Labels:{label.Key}: is empty, and a label that a series has is not, so the rule matches nothing; write * for any value."
            );
        for (var i = 0; i < rules.Count; i++)
        {
            for (var j = i + 1; j < rules.Count; j++)
            {
                if (rules[i].Workload == rules[j].Workload || rules[i].Rule.Source != rules[j].Rule.Source)
                    continue;
                if (Holds(rules[i].Rule, rules[j].Rule) || Holds(rules[j].Rule, rules[i].Rule))
                    errors.Add(
                        $"{rules[j].At}: claims series of '{rules[j].Rule.Source}' that {rules[i].At} claims too; tell them apart by a label, or remove one."
                    );
            }
        }
    }

    // Whether whatever the narrow rule claims the wide one claims too.
    private static bool Holds(MatchSettings wide, MatchSettings narrow) =>
        wide.Labels.All(label => narrow.Labels.TryGetValue(label.Key, out var glob) && Holds(label.Value, glob));

    // A star or a question mark of the narrow glob is only ever covered by a star of the wide one, which covers it whatever it stands for.
    private static bool Holds(string wide, string narrow) =>
        wide == narrow
        || (
            !(wide.Contains('?', StringComparison.Ordinal) && narrow.Contains('*', StringComparison.Ordinal)) && Glob.Matches(wide, narrow)
        );

    private void CheckConversions(List<string> errors)
    {
        var accepted = new List<(string At, UnitConversion Conversion)>();
        for (var i = 0; i < Conversions.Count; i++)
        {
            var (at, before) = ($"Metrics:Conversions:{i}", errors.Count);
            foreach (
                var (key, unit) in new[]
                {
                    (nameof(ConversionSettings.From), Conversions[i].From),
                    (nameof(ConversionSettings.To), Conversions[i].To),
                }
            )
                if (!FunctionalUnit.Known.ContainsKey(unit))
                    errors.Add(
                        $"{at}:{key}: '{unit}' is not a functional unit; there are {string.Join(", ", FunctionalUnit.Known.Keys.Order(StringComparer.Ordinal).Select(name => $"'{name}'"))}."
                    );
            if (!(Conversions[i].Factor is > 0 and < double.PositiveInfinity))
                errors.Add(
                    $"{at}:Factor: {Conversions[i].Factor.ToString(CultureInfo.InvariantCulture)} is not a finite ratio above zero; write how many of {nameof(ConversionSettings.To)} are one of {nameof(ConversionSettings.From)}."
                );
            if (errors.Count > before)
                continue;

            var declared = new UnitConversion(Conversions[i].From, Conversions[i].To, Conversions[i].Factor);
            if (Follow(accepted.Select(other => other.Conversion)) is { } ratio)
            {
                // Those without which there would be no circle.
                var circle = accepted
                    .Where(other => Follow(accepted.Where(rest => rest != other).Select(rest => rest.Conversion)) is null)
                    .Select(other => other.At)
                    .ToList();
                errors.Add(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{at}: one {declared.From} is {declared.Factor} {declared.To}, but {(circle.Count == 0 ? "both are one unit" : $"{string.Join(", ", circle)} {(circle.Count == 1 ? "says" : "say")} that it is {ratio}")}; a circle says the same twice or contradicts itself, so remove one."
                    )
                );
            }
            else
                accepted.Add((at, declared));

            double? Follow(IEnumerable<UnitConversion> conversions) =>
                new UnitConversions([.. conversions]).Factor(declared.From, declared.To);
        }
    }

    /// <summary>Compares the section with the type that it is bound to: keys that nothing reads and values that cannot be read are faults.</summary>
    private static void CheckShape(IConfigurationSection section, Type type, List<string> errors)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (typeof(IDictionary).IsAssignableFrom(type))
        {
            foreach (var child in section.GetChildren())
                CheckShape(child, type.GetGenericArguments()[1], errors);
        }
        else if (typeof(IList).IsAssignableFrom(type))
        {
            foreach (var child in section.GetChildren())
                CheckShape(child, type.GetGenericArguments()[0], errors);
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
                    CheckShape(child, property.PropertyType, errors);
                else
                    errors.Add(
                        $"{child.Path}: unknown key; known here are {string.Join(", ", known.Select(property => property.Name).Order(StringComparer.Ordinal))}."
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

    /// <summary>Facility energy over IT energy, at least 1; unknown when not given and not published.</summary>
    public double? Pue { get; set; }

    /// <summary>Litres of the site for each kilowatt-hour of IT energy.</summary>
    public double? Wue { get; set; }

    /// <summary>Grams for each kilowatt-hour of electricity: location-based, average.</summary>
    public double? GridIntensity { get; set; }

    /// <summary>Grams for each kilowatt-hour of electricity: location-based, marginal.</summary>
    public double? MarginalIntensity { get; set; }

    /// <summary>Grams for each kilowatt-hour of electricity by contracts and certificates; never in a score.</summary>
    public double? MarketBasedIntensity { get; set; }

    /// <summary>Zone of the electricity grid, for factors of <c>zone/...</c>.</summary>
    public string? Zone { get; set; }

    /// <summary>The factors that are given here, for every day.</summary>
    internal IEnumerable<Factor> ToFactors(string place)
    {
        foreach (
            var (kind, method, value) in new[]
            {
                (FactorKind.Pue, FactorMethod.Annual, Pue),
                (FactorKind.Wue, FactorMethod.Annual, Wue),
                (FactorKind.GridIntensity, FactorMethod.LocationAverage, GridIntensity),
                (FactorKind.GridIntensity, FactorMethod.LocationMarginal, MarginalIntensity),
                (FactorKind.GridIntensity, FactorMethod.MarketBased, MarketBasedIntensity),
            }
        )
            if (value is { } known)
                yield return new Factor
                {
                    Kind = kind,
                    Place = place,
                    Method = method,
                    Value = known,
                    Source = "configuration",
                    Licence = "operator",
                    From = DateOnly.MinValue,
                    Version = "config",
                };
    }
}

/// <summary>One entry of section <c>Metrics:Conversions</c>: one <see cref="From"/> is <see cref="Factor"/> of <see cref="To"/>.</summary>
public sealed class ConversionSettings
{
    /// <summary>A functional unit.</summary>
    public string From { get; set; } = "";

    /// <summary>Another one.</summary>
    public string To { get; set; } = "";

    /// <summary>How many of the other are one of the first.</summary>
    public double Factor { get; set; }
}

/// <summary>The configuration cannot be used. <see cref="Errors"/> has one line a fault.</summary>
public sealed class SettingsException(IReadOnlyList<string> errors) : Exception(string.Join(Environment.NewLine, errors))
{
    /// <summary>One line a fault: path, what was wrong, what to do.</summary>
    public IReadOnlyList<string> Errors { get; } = errors;
}
