using Metrics.Api.Webhooks;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Metrics.Ingestors.Providers;
using Metrics.Ingestors.Providers.Exporter;

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
    public static bool IsOwnMetrics(SourceSettings source) => source is ExporterSettings { Endpoint: null };

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

    /// <summary>The published factors, under those of the files, under those of <see cref="Places"/>, whose version is
    /// <c>config</c>.</summary>
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
    /// <exception cref="SettingsException">Any error; the exception lists all.</exception>
    public static MetricsSettings Read(IConfigurationSection section)
    {
        // A key that nothing reads comes first: the rest may be a consequence of it.
        var errors = new List<string>();
        SectionShape.Validate(section, typeof(MetricsSettings), errors);
        if (errors.Count > 0)
            throw new SettingsException(errors);

        var settings = section.Get<MetricsSettings>() ?? new MetricsSettings();
        settings.Sources = section
            .GetSection(nameof(Sources))
            .GetChildren()
            .ToDictionary(child => child.Key, child => SourceSection.Bind(child, KnownProviders.All, errors));
        errors.AddRange(settings.Errors());
        return errors.Count == 0 ? settings : throw new SettingsException(errors);
    }

    private IEnumerable<string> Errors()
    {
        var published = Files.Over(FactorBook.Published);
        var regions = published.Regions.Select(region => region.Name);
        return
        [
            .. OwnErrors(),
            .. Storage.Errors(),
            .. Sources.SelectMany(source => SourceErrors.Of(source.Key, source.Value, Places, ToFactors(), regions)),
            .. WorkloadSettings.Errors(Workloads, Sources),
            .. Places.SelectMany(place => place.Value.Errors(place.Key, published)),
            .. Access.Errors(),
            .. Reports.Errors(),
            .. Files.Errors.Select(error => $"Metrics:Factors: {error.Replace("Metrics:Factors: ", "", StringComparison.Ordinal)}"),
            .. ConversionSettings.Errors(Conversions),
            .. Webhooks.Errors(),
        ];
    }

    private IEnumerable<string> OwnErrors()
    {
        foreach (
            var role in Roles.Where(role =>
                !role.Equals("api", StringComparison.OrdinalIgnoreCase) && !role.Equals("worker", StringComparison.OrdinalIgnoreCase)
            )
        )
            yield return $"Metrics:Roles: '{role}' is not a role; roles are 'api' and 'worker'.";
        if (Grain <= TimeSpan.Zero || TimeSpan.FromHours(1).Ticks % Grain.Ticks != 0)
            yield return $"Metrics:Grain: {Grain} does not divide an hour; use for instance 00:05:00.";
    }
}

/// <summary>The configuration cannot be used. <see cref="Errors"/> has one line a fault.</summary>
public sealed class SettingsException(IReadOnlyList<string> errors) : Exception(string.Join(Environment.NewLine, errors))
{
    /// <summary>One line a fault: path, what was wrong, what to do.</summary>
    public IReadOnlyList<string> Errors { get; } = errors;
}
