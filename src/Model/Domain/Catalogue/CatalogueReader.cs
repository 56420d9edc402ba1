using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Metrics.Domain.Messages;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Catalogue;

/// <summary>Reads mapping files (JSON with comments, see <c>mapping.schema.json</c>) into a catalogue, or lists everything wrong with all
/// of them.</summary>
public static partial class CatalogueReader
{
    private static readonly string[] OfFile = ["$schema", "provider", "account", "scope", "resources", "mappings"];
    private static readonly string[] OfResource = ["kind", "id", "node", "part", "hardware", "nodeHardware", "account", "scope", "alias"];
    private static readonly string[] OfPower = ["idleWatts", "maxWatts", "thermalDesignWatts", "unitsLabel", "reference"];
    private static readonly string[] OfMapping =
    [
        "id",
        "version",
        "metric",
        "when",
        "statistic",
        "period",
        "unit",
        "kind",
        "functionalUnit",
        "component",
        "share",
        "limit",
        "resource",
        "evidence",
        "wrapsAt",
        "sentinelFrom",
        "ceiling",
        "hold",
        "maxSpan",
        "power",
        "scale",
        "rollUp",
        "nested",
        "layer",
        "estimate",
        "effectiveFrom",
        "reference",
    ];
    private static readonly string[] OfScale = ["summed", "devicesLabel", "serversLabel", "capped"];
    private static readonly string[] OfRollUp = ["family", "level", "within"];
    private static readonly string[] OfEstimate = ["model"];

    private static readonly JsonDocumentOptions Lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };
    private static readonly Dictionary<string, SampleKind> Kinds = Words(Enum.GetValues<SampleKind>());
    private static readonly Dictionary<string, WorkLayer> Layers = Words(Enum.GetValues<WorkLayer>());
    private static readonly Dictionary<string, Evidence> Evidences = Words(Enum.GetValues<Evidence>());
    private static readonly Dictionary<string, Statistic> Statistics = Words([
        .. Enum.GetValues<Statistic>().Where(statistic => statistic != Statistic.Raw),
    ]);
    private static readonly Dictionary<string, Component> Components = Words([
        .. Enum.GetValues<Component>().Where(component => component != Component.None),
    ]);

    /// <summary>The catalogue of all files together.</summary>
    /// <param name="files">Name, for messages, and text of each file.</param>
    /// <exception cref="CatalogueException">Any file has any fault; the exception lists all faults of all files.</exception>
    public static MetricCatalogue Read(IEnumerable<(string Name, string Text)> files)
    {
        var errors = new List<string>();
        var entries = new List<Entry>();
        foreach (var (name, text) in files)
            ReadFile(name, text, entries, errors);
        Compare(entries, errors);
        return errors.Count == 0 ? new MetricCatalogue([.. entries.Select(entry => entry.Mapping!)]) : throw new CatalogueException(errors);
    }

    private static void ReadFile(string name, string text, List<Entry> entries, List<string> errors)
    {
        try
        {
            using var document = JsonDocument.Parse(text, Lenient);
            var file = new JsonFields(document.RootElement, name, errors, OfFile);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                return;
            file.Text("$schema");
            file.Require("provider", "the provider whose metrics the file explains, for instance \"prometheus\"");
            file.Require("mappings", "the list of mappings");
            var provider = file.Text("provider");
            if (provider is not null && !Word().IsMatch(provider))
            {
                file.AddError(
                    "provider",
                    $"'{MessageText.Show(provider)}' is not a provider's name; write lower-case letters, digits and hyphens"
                );
                provider = null;
            }
            var site = new Site(file.Texts("account", emptyList: true) ?? [], file.Texts("scope", emptyList: true) ?? []);
            var templates = ReadTemplates(file, name, site, errors);
            if (file.Raw("mappings") is not { } mappings)
                return;
            if (mappings.ValueKind != JsonValueKind.Array)
            {
                file.AddError("mappings", "is not a list; write the mappings in brackets");
                return;
            }
            var index = 0;
            foreach (var element in mappings.EnumerateArray())
                entries.Add(new EntryReader(name, index++, element, provider, site, templates, errors).Read());
        }
        catch (JsonException exception)
        {
            // The parser counts from zero, and says the position again at the end of its message.
            var what = exception.Message.Split(" LineNumber:", 2)[0].TrimEnd('.', ' ');
            errors.Add(
                $"{name}: line {exception.LineNumber + 1}, column {exception.BytePositionInLine + 1}: is not JSON: "
                    + $"{MessageText.Show(what)}; correct the text there"
            );
        }
    }

    private static Dictionary<string, ResourceLabels?> ReadTemplates(JsonFields file, string name, Site site, List<string> errors)
    {
        var templates = new Dictionary<string, ResourceLabels?>(StringComparer.Ordinal);
        if (file.Raw("resources") is not { } element)
            return templates;
        var fields = new JsonFields(element, $"{name}: resources", errors, null);
        foreach (var template in fields.Names)
            templates[template] = ReadResource(
                fields.Raw(template)!.Value,
                $"{name}: resources '{MessageText.Show(template)}'",
                site,
                errors
            );
        return templates;
    }

    private static ResourceLabels? ReadResource(JsonElement element, string place, Site site, List<string> errors)
    {
        var before = errors.Count;
        var fields = new JsonFields(element, place, errors, OfResource);
        if (element.ValueKind != JsonValueKind.Object)
            return null;
        fields.Require("kind", "what draws the power or does the work, for instance \"gpu\" or \"node\"");
        var kind = fields.Text("kind");
        if (kind is not null && !Word().IsMatch(kind))
            fields.AddError("kind", $"'{MessageText.Show(kind)}' is not a kind of resource; write lower-case letters, digits and hyphens");
        var resource = new ResourceLabels(kind ?? "", LabelNames("id"), LabelNames("node"), LabelNames("part"), LabelNames("hardware"))
        {
            NodeHardware = LabelNames("nodeHardware"),
            Account = fields.Texts("account", emptyList: true) ?? site.Account,
            Scope = fields.Texts("scope", emptyList: true) ?? site.Scope,
            Alias = LabelNames("alias"),
        };
        if (resource.Id.Count == 0 && resource.Node.Count == 0 && errors.Count == before)
            fields.AddError("id", "is empty, and so is node; name the labels that may hold the resource's identity");
        return errors.Count == before ? resource : null;

        IReadOnlyList<string> LabelNames(string property) => fields.Texts(property, emptyList: true) ?? [];
    }

    // What no single entry can know: two entries that claim the same name, or the same series on the same day.
    private static void Compare(List<Entry> entries, List<string> errors)
    {
        foreach (
            var same in entries
                .Where(entry => entry is { Id: not null, Version: not null })
                .GroupBy(entry => (entry.Id, entry.Version))
                .Where(group => group.Count() > 1)
        )
        foreach (var entry in same.Skip(1))
            errors.Add(
                $"{entry.Place}: id: is taken in version {entry.Version} by {same.First().Place}; choose another id or raise the version"
            );

        var claims = entries
            .Where(entry => entry is { Provider: not null, Metrics: not null, When: not null, EffectiveFrom: not null })
            .SelectMany(entry => entry.Metrics!, (entry, metric) => (entry, metric))
            .GroupBy(claim => (claim.entry.Provider, claim.metric, claim.entry.EffectiveFrom, Canonical(claim.entry.When!)));
        foreach (var claim in claims.Where(group => group.Count() > 1))
        foreach (var (entry, metric) in claim.Skip(1))
            errors.Add(
                $"{entry.Place}: metric: '{MessageText.Show(metric)}' is explained from {entry.EffectiveFrom:yyyy-MM-dd} under "
                    + $"the same conditions by {claim.First().entry.Place} too; remove one, or tell them apart by 'when' or "
                    + "'effectiveFrom'"
            );

        static string Canonical(IReadOnlyList<LabelCondition> when) =>
            JsonSerializer.Serialize(
                when.OrderBy(condition => condition.Label, StringComparer.Ordinal)
                    .Select(condition => new[] { condition.Label }.Concat(condition.Globs.Order(StringComparer.Ordinal)))
            );
    }

    private static Dictionary<string, T> Words<T>(T[] values)
        where T : struct, Enum =>
        values.ToDictionary(value => JsonNamingPolicy.CamelCase.ConvertName(value.ToString()), StringComparer.Ordinal);

    [GeneratedRegex("^[a-z][a-z0-9-]*$")]
    private static partial Regex Word();

    [GeneratedRegex(@"^\P{Cc}*\b(19|20)\d\d\b\P{Cc}*$")]
    private static partial Regex NamesAYear();

    /// <summary>What a file says of the site of all its resources that do not say it themselves.</summary>
    private sealed record Site(IReadOnlyList<string> Account, IReadOnlyList<string> Scope);

    /// <summary>One entry: what could be read of it, and the mapping when there was no fault.</summary>
    private sealed record Entry(
        string Place,
        string? Id,
        int? Version,
        string? Provider,
        IReadOnlyList<string>? Metrics,
        IReadOnlyList<LabelCondition>? When,
        DateOnly? EffectiveFrom,
        MetricMapping? Mapping
    );

    /// <summary>Reads one entry of the list of mappings and checks what it says against itself.</summary>
    private sealed class EntryReader
    {
        private readonly string place;
        private readonly JsonFields fields;
        private readonly string? provider;
        private readonly Site site;
        private readonly IReadOnlyDictionary<string, ResourceLabels?> templates;
        private readonly List<string> errors;
        private readonly int errorsBefore;

        public EntryReader(
            string file,
            int index,
            JsonElement element,
            string? provider,
            Site site,
            IReadOnlyDictionary<string, ResourceLabels?> templates,
            List<string> errors
        )
        {
            var id =
                element.ValueKind == JsonValueKind.Object
                && element.TryGetProperty("id", out var named)
                && named.ValueKind == JsonValueKind.String
                    ? named.GetString()
                    : null;
            place = $"{file}: mappings[{index}]{(string.IsNullOrEmpty(id) ? "" : $" '{MessageText.Show(id)}'")}";
            errorsBefore = errors.Count;
            this.provider = provider;
            this.site = site;
            this.templates = templates;
            this.errors = errors;
            fields = new JsonFields(element, place, errors, OfMapping);
            if (element.ValueKind == JsonValueKind.Object)
                RequireAll();
        }

        public Entry Read()
        {
            var id = ReadId();
            var version = ReadVersion();
            var metrics = fields.Texts("metric");
            var when = ReadWhen();
            var unit = ReadUnit();
            var kind = fields.Word("kind", Kinds);
            var component = fields.Word("component", Components);
            var evidence = fields.Word("evidence", Evidences);
            var functionalUnit = fields.Text("functionalUnit");
            var share = fields.Flag("share");
            var hold = fields.Flag("hold");
            var wrapsAt = Positive("wrapsAt");
            var sentinelFrom = Positive("sentinelFrom");
            var ceiling = Positive("ceiling");
            var maxSpan = ReadSpan("maxSpan");
            var statistic = fields.Word("statistic", Statistics);
            var period = ReadSpan("period");
            var limit = fields.Flag("limit");
            var scale = ReadScale();
            var rollUp = ReadRollUp();
            var nested = fields.Text("nested");
            var layer = fields.Word("layer", Layers);
            var estimate = ReadEstimate();
            var effectiveFrom = ReadEffectiveFrom();
            var reference = ReadReference(fields);
            var resource = ReadResourceOrTemplate();
            var power = ReadPower();

            if (unit is not null)
            {
                CheckQuantity(unit, kind, evidence, functionalUnit, share);
                CheckUse(unit, component, functionalUnit, share, limit);
            }
            if (kind is not null and not SampleKind.Cumulative && fields.Has("wrapsAt"))
                fields.AddError("wrapsAt", "is given, and only a cumulative counter wraps; leave it out");
            if (kind is not null and not SampleKind.Gauge && hold)
                fields.AddError("hold", "is true, and only a gauge holds its value; leave it out");

            // A fault of a template stands in the list already, and leaves its users without a resource.
            var isValid = errors.Count == errorsBefore && provider is not null && resource is not null;
            var mapping = !isValid
                ? null
                : new MetricMapping
                {
                    Id = id!,
                    Version = version!.Value,
                    Provider = provider!,
                    Metrics = metrics!,
                    When = when!,
                    Statistic = statistic,
                    Period = period,
                    Unit = unit!,
                    Kind = kind!.Value,
                    FunctionalUnit = functionalUnit,
                    Component = component ?? Component.None,
                    Share = share,
                    Limit = limit,
                    Scale = scale,
                    RollUp = rollUp,
                    Nested = nested,
                    Layer = layer ?? WorkLayer.Engine,
                    EstimateModel = estimate,
                    Resource = resource!,
                    Evidence = evidence!.Value,
                    WrapsAt = wrapsAt,
                    SentinelFrom = sentinelFrom,
                    Ceiling = ceiling,
                    Hold = hold,
                    MaxSpan = maxSpan!.Value,
                    Power = power,
                    EffectiveFrom = effectiveFrom!.Value,
                    Reference = reference!,
                };
            return new Entry(place, id, version, provider, metrics, when, effectiveFrom, mapping);
        }

        private void RequireAll()
        {
            fields.Require("id", "a name that is unique in the catalogue, for instance \"prometheus/dcgm-energy\"");
            fields.Require("version", "1, and raise it whenever the meaning of the entry changes");
            fields.Require("metric", "the metric's name, or a list of its spellings");
            fields.Require("unit", "the unit of the raw value, for instance \"mJ\"");
            fields.Require("kind", "one of: gauge, delta, cumulative, info");
            fields.Require("evidence", "one of: measured, derived, modelled, estimated");
            fields.Require("resource", "the labels that name the resource, or the name of an entry of 'resources'");
            fields.Require("maxSpan", "the longest time between two samples that still counts, for instance \"00:05:00\"");
            fields.Require("effectiveFrom", "the first day that the entry holds for, for instance \"2020-01-01\"");
            fields.Require("reference", "the address or citation where it is written what the metric means");
        }

        private string? ReadId()
        {
            if (fields.Text("id") is not { } id)
                return null;
            if (
                provider is null
                || (id.StartsWith(provider + "/", StringComparison.Ordinal) && Word().IsMatch(id[(provider.Length + 1)..]))
            )
                return id;
            fields.AddError(
                "id",
                $"'{MessageText.Show(id)}' does not fit; write '{provider}/' and a name in lower-case letters, digits and hyphens"
            );
            return null;
        }

        private int? ReadVersion()
        {
            var version = fields.WholeNumber("version");
            if (version is < 1)
                fields.AddError("version", $"is {version}; versions count from 1");
            return version;
        }

        private List<LabelCondition>? ReadWhen()
        {
            var conditions = new List<LabelCondition>();
            if (fields.Raw("when") is not { } element)
                return conditions;
            var before = errors.Count;
            var labels = new JsonFields(element, $"{place}: when", errors, null);
            foreach (var label in labels.Names)
                if (labels.Texts(label, emptyText: true) is { } globs)
                    conditions.Add(new LabelCondition(label, globs));
            return errors.Count == before ? conditions : null;
        }

        private Unit? ReadUnit()
        {
            if (fields.Text("unit") is not { } symbol)
                return null;
            if (Unit.Known.TryGetValue(symbol, out var unit))
                return unit;
            fields.AddError(
                "unit",
                $"'{MessageText.Show(symbol)}' is not a known unit; use one of: "
                    + $"{string.Join(", ", Unit.Known.Keys.Order(StringComparer.Ordinal))}"
            );
            return null;
        }

        private void CheckQuantity(Unit unit, SampleKind? kind, Evidence? evidence, string? functionalUnit, bool share)
        {
            var quantity = unit.Quantity;
            var reason = (quantity, kind) switch
            {
                (Quantity.Energy, SampleKind.Gauge) =>
                    "energy cannot be a gauge, for a level of energy does not say what was used; use 'cumulative' for a running "
                        + "counter, whatever type the exporter gives it, or 'delta' for the energy of an interval",
                (Quantity.Power, SampleKind.Delta or SampleKind.Cumulative) =>
                    "power is a level and cannot be a delta or a counter; use 'gauge', or a unit of energy",
                (Quantity.Utilisation, SampleKind.Delta or SampleKind.Cumulative) =>
                    "utilisation is a level and cannot be a delta or a counter; use 'gauge'",
                (Quantity.Work, SampleKind.Gauge) =>
                    "work cannot be a gauge, for a level is not an amount; use 'cumulative' for a running counter or 'delta' for "
                        + "the count of an interval",
                (Quantity.Information, not null and not SampleKind.Info) =>
                    "information is no level and no amount: its labels tell everything; use 'info'",
                (not Quantity.Information, SampleKind.Info) =>
                    $"information measures nothing, and '{unit.Symbol}' is a unit of {Name(quantity)}; use the unit {{info}}",
                _ => null,
            };
            if (reason is not null)
                fields.AddError("kind", reason);

            if (quantity == Quantity.Work)
                CheckWork(unit, functionalUnit, share);
            else if (quantity == Quantity.Information)
                CheckInformation(share);
            else
                CheckEnergy(unit, functionalUnit);

            var best = quantity switch
            {
                Quantity.Power => Evidence.Derived,
                Quantity.Utilisation => Evidence.Modelled,
                _ => Evidence.Measured,
            };
            if (evidence < best)
                fields.AddError(
                    "evidence",
                    $"'{Name(evidence.Value)}' is better than {Name(quantity)} can give; at best it is '{Name(best)}'"
                );
            if (quantity != Quantity.Utilisation && fields.Has("power"))
                fields.AddError(
                    "power",
                    $"is given, and '{unit.Symbol}' is a unit of {Name(quantity)}; leave it out, it turns utilisation into watts"
                );
        }

        private void CheckWork(Unit unit, string? functionalUnit, bool share)
        {
            var known = string.Join(", ", FunctionalUnit.Known.Values.Select(one => one.Name).Order(StringComparer.Ordinal));
            if (!fields.Has("functionalUnit"))
                fields.AddError("functionalUnit", $"is missing, and '{unit.Symbol}' is a unit of work; name one of: {known}");
            if (functionalUnit is not null)
            {
                if (!FunctionalUnit.Known.TryGetValue(functionalUnit, out var counted))
                    fields.AddError(
                        "functionalUnit",
                        $"'{MessageText.Show(functionalUnit)}' is not a known functional unit; use one of: {known}"
                    );
                else if (counted.Unit != unit.Symbol)
                    fields.AddError(
                        "functionalUnit",
                        $"'{functionalUnit}' is counted in {counted.Unit}, and the unit is {unit.Symbol}; change one of them"
                    );
            }
            if (fields.Has("component"))
                fields.AddError("component", "is given, and work has none; leave it out");
            if (share)
                fields.AddError("share", "is true, and only energy is shared out; leave it out");
        }

        private void CheckInformation(bool share)
        {
            foreach (var property in (ReadOnlySpan<string>)["functionalUnit", "component"])
                if (fields.Has(property))
                    fields.AddError(property, "is given, and information has none; leave it out");
            if (share)
                fields.AddError("share", "is true, and only energy is shared out; leave it out");
        }

        private void CheckEnergy(Unit unit, string? functionalUnit)
        {
            if (functionalUnit is not null)
                fields.AddError("functionalUnit", $"is given, and '{unit.Symbol}' is a unit of {Name(unit.Quantity)}; leave it out");
            if (!fields.Has("component"))
                fields.AddError(
                    "component",
                    $"is missing, and '{unit.Symbol}' is a unit of {Name(unit.Quantity)}; name one of: {string.Join(", ", Components.Keys)}"
                );
        }

        /// <summary>What only some quantities can have.</summary>
        private void CheckUse(Unit unit, Component? component, string? functionalUnit, bool share, bool limit)
        {
            var quantity = Name(unit.Quantity);
            if (limit && (unit.Quantity != Quantity.Power || component is not (null or Component.Accelerator) || share))
                fields.AddError("limit", "is true, and only the power of an accelerator board has an enforced limit; leave it out");
            if (unit.Quantity == Quantity.Utilisation && fields.Has("ceiling"))
                fields.AddError("ceiling", "is given, and utilisation ends at the whole capacity; leave it out");
            if (unit.Quantity != Quantity.Utilisation && fields.Has("scale"))
                fields.AddError(
                    "scale",
                    $"is given, and '{unit.Symbol}' is a unit of {quantity}; leave it out, it makes a ratio of utilisation"
                );
            if (unit.Quantity != Quantity.Work)
            {
                foreach (var property in (ReadOnlySpan<string>)["rollUp", "nested", "layer"])
                    if (fields.Has(property))
                        fields.AddError(
                            property,
                            $"is given, and '{unit.Symbol}' is a unit of {quantity}; leave it out, it tells which counts of work "
                                + "are the same"
                        );
            }
            if (fields.Has("estimate") && functionalUnit != "output-token")
                fields.AddError("estimate", "is given, and only output tokens give an estimate of energy; leave it out");
        }

        private UtilisationScale? ReadScale()
        {
            if (fields.Raw("scale") is not { } element)
                return null;
            var scale = new JsonFields(element, $"{place}: scale", errors, OfScale);
            if (element.ValueKind != JsonValueKind.Object)
                return null;
            var (summed, capped, devices, servers) = (
                scale.Flag("summed"),
                scale.Flag("capped"),
                scale.Text("devicesLabel"),
                scale.Text("serversLabel")
            );
            if (devices is not null && !summed)
                scale.AddError("devicesLabel", "is given, and the value is no sum over devices; add \"summed\": true or leave it out");
            if (!summed && !capped && servers is null && devices is null)
                fields.AddError("scale", "says nothing; name summed, serversLabel or capped, or leave it out");
            return new UtilisationScale(summed, devices, servers, capped);
        }

        private WorkLevel? ReadRollUp()
        {
            if (fields.Raw("rollUp") is not { } element)
                return null;
            var rollUp = new JsonFields(element, $"{place}: rollUp", errors, OfRollUp);
            if (element.ValueKind != JsonValueKind.Object)
                return null;
            rollUp.Require("family", "the name that mappings of the same work have in common");
            rollUp.Require("level", "0 for the one that is preferred, and more for coarser ones");
            var (family, level, within) = (
                rollUp.Text("family"),
                rollUp.WholeNumber("level"),
                rollUp.Texts("within", emptyList: true) ?? []
            );
            if (family is not null && !Word().IsMatch(family))
                rollUp.AddError(
                    "family",
                    $"'{MessageText.Show(family)}' is not a name of a family; write lower-case letters, digits and hyphens"
                );
            if (level is < 0)
                rollUp.AddError("level", $"is {level}; levels count from 0");
            return family is null || level is null ? null : new WorkLevel(family, level.Value, within);
        }

        private IReadOnlyList<string>? ReadEstimate()
        {
            if (fields.Raw("estimate") is not { } element)
                return null;
            var estimate = new JsonFields(element, $"{place}: estimate", errors, OfEstimate);
            if (element.ValueKind != JsonValueKind.Object)
                return null;
            estimate.Require("model", "the labels that may hold the name of the model");
            return estimate.Texts("model");
        }

        private double? Positive(string name)
        {
            var number = fields.Number(name);
            if (number is <= 0)
                fields.AddError(name, $"is {number.Value.ToString(CultureInfo.InvariantCulture)}; write a number above zero");
            return number;
        }

        private TimeSpan? ReadSpan(string property)
        {
            if (fields.Text(property) is not { } text)
                return null;
            if (
                TimeSpan.TryParseExact(text, @"hh\:mm\:ss", CultureInfo.InvariantCulture, out var span)
                && span > TimeSpan.Zero
                && span <= Limits.Reach
            )
                return span;
            fields.AddError(
                property,
                $"'{MessageText.Show(text)}' does not fit; write hours, minutes and seconds above 00:00:00 and at most "
                    + $"{Limits.Reach}, such as \"00:05:00\""
            );
            return null;
        }

        private DateOnly? ReadEffectiveFrom()
        {
            if (fields.Text("effectiveFrom") is not { } text)
                return null;
            if (DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day))
                return day;
            fields.AddError("effectiveFrom", $"'{MessageText.Show(text)}' is not a day; write it as \"2020-01-31\"");
            return null;
        }

        private ResourceLabels? ReadResourceOrTemplate()
        {
            if (fields.Raw("resource") is not { } element)
                return null;
            if (element.ValueKind != JsonValueKind.String)
                return ReadResource(element, $"{place}: resource", site, errors);
            if (fields.Text("resource") is not { } name)
                return null;
            if (templates.TryGetValue(name, out var template))
                return template;
            fields.AddError(
                "resource",
                $"'{MessageText.Show(name)}' is not in 'resources' of the "
                    + $"file{(templates.Count == 0 ? "" : $", which has: {string.Join(", ", templates.Keys)}")}; add it there or write "
                    + "the labels here"
            );
            return null;
        }

        private UtilisationPower? ReadPower()
        {
            if (fields.Raw("power") is not { } element)
                return null;
            var power = new JsonFields(element, $"{place}: power", errors, OfPower);
            if (element.ValueKind != JsonValueKind.Object)
                return null;
            if (power.Has("thermalDesignWatts"))
            {
                power.Require("reference", "the address or citation that the watts come from");
                foreach (var other in (ReadOnlySpan<string>)["idleWatts", "maxWatts"])
                    if (power.Has(other))
                        power.AddError(other, "is given beside thermalDesignWatts, whose curve tells it; leave one of them out");
                var (design, units, cited) = (power.Number("thermalDesignWatts"), power.Text("unitsLabel"), ReadReference(power));
                if (design is <= 0)
                    power.AddError("thermalDesignWatts", "is not above zero; write the thermal design power of one unit in watts");
                return design is not > 0 || cited is null ? null : UtilisationPower.OfThermalDesign(design.Value, units, cited);
            }
            power.Require("idleWatts", "the watts at utilisation 0, for each unit; or thermalDesignWatts in place of both");
            power.Require("maxWatts", "the watts at utilisation 1, for each unit");
            power.Require("reference", "the address or citation that the watts come from");
            var (idle, max, label, reference) = (
                power.Number("idleWatts"),
                power.Number("maxWatts"),
                power.Text("unitsLabel"),
                ReadReference(power)
            );
            if (idle is < 0)
                power.AddError("idleWatts", "is below zero; write the watts at utilisation 0");
            if (max is <= 0)
                power.AddError("maxWatts", "is not above zero; write the watts at utilisation 1");
            else if (max < idle)
                power.AddError("maxWatts", "is below idleWatts; exchange them");
            return idle is null || max is null || reference is null ? null : new UtilisationPower(idle.Value, max.Value, label, reference);
        }

        // An address can be opened; a citation names at least its year, so that it can be found.
        private static string? ReadReference(JsonFields fields)
        {
            if (fields.Text("reference") is not { } text)
                return null;
            if (
                Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "https" or "http"
                    ? address!.Host.Length > 0
                    : text.Contains(',', StringComparison.Ordinal) && NamesAYear().IsMatch(text)
            )
                return text;
            fields.AddError(
                "reference",
                $"'{MessageText.Show(text)}' is neither an address nor a citation; write an https:// address, or author, title and year"
            );
            return null;
        }

        private static string Name<T>(T value)
            where T : struct, Enum => JsonNamingPolicy.CamelCase.ConvertName(value.ToString());
    }
}

/// <summary>The catalogue cannot be used. <see cref="Errors"/> has one line a fault: file, entry, property, what was wrong, what to
/// do.</summary>
public sealed class CatalogueException(IReadOnlyList<string> errors) : Exception(string.Join(Environment.NewLine, errors))
{
    /// <summary>One line a fault.</summary>
    public IReadOnlyList<string> Errors { get; } = errors;
}
