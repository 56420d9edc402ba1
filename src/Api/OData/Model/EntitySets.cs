using Metrics.Domain.Facts;

namespace Metrics.Api.OData.Model;

/// <summary>What a column holds, as the model, the SQL and the writer see it.</summary>
internal enum PropertyType
{
    Int32,
    Int64,
    Double,
    Text,
    Date,

    /// <summary>A point in time, UTC, to the microsecond.</summary>
    Instant,

    /// <summary>True or false.</summary>
    Boolean,

    /// <summary>A count, which the aggregation extension tells as a decimal without decimals; no property has it.</summary>
    Decimal,
}

/// <summary>What it means to add a property's values over rows.</summary>
internal enum Adding
{
    /// <summary>Nothing particular: whoever asks for a sum gets it.</summary>
    Plain,

    /// <summary>An amount: its sum is the amount of all.</summary>
    Sum,

    /// <summary>One amount over another: over many rows it is the sum of the one over the sum of the other, never a mean.</summary>
    Ratio,

    /// <summary>A share of something equal for each row: it has a mean and no sum.</summary>
    Mean,

    /// <summary>A share of something that the row does not hold: neither sum nor mean says anything.</summary>
    Never,
}

/// <summary>What a ratio is the ratio of.</summary>
/// <param name="Over">Expression above the line.</param>
/// <param name="Under">Expression below it; counted for the rows whose upper one is known.</param>
internal sealed record SumOverSum(string Over, string Under);

/// <summary>A way from an entity to one of another set.</summary>
/// <param name="Name">Name in the model.</param>
/// <param name="Target">Set at its end.</param>
/// <param name="Optional">Whether there may be nothing at its end.</param>
/// <param name="Description">Published as Org.OData.Core.V1.Description.</param>
/// <param name="On">Own properties with the target's key properties that they equal.</param>
internal sealed record Navigation(string Name, string Target, bool Optional, string Description, params (string Own, string Theirs)[] On)
{
    /// <summary>Names of the target's properties that the entity repeats.</summary>
    public IReadOnlyList<string> Repeated { get; init; } = [];
}

/// <summary>One property of an entity, which is the column of the same name of the set's view.</summary>
/// <param name="Name">Name in the model and of the column.</param>
/// <param name="Type">What it holds.</param>
/// <param name="Nullable">Whether it may be unknown.</param>
/// <param name="Description">Published as Org.OData.Core.V1.Description.</param>
/// <param name="Unit">Published as Org.OData.Measures.V1.Unit; null where there is none.</param>
/// <param name="MaxLength">Longest text, in characters; null when nothing bounds it.</param>
internal sealed record EntityProperty(
    string Name,
    PropertyType Type,
    bool Nullable,
    string Description,
    string? Unit = null,
    int? MaxLength = null
)
{
    private static readonly HashSet<string> Names = new(StringComparer.Ordinal)
    {
        "Workload",
        "Model",
        "Provider",
        "Account",
        "Region",
        "Place",
        "Hardware",
        "Name",
        "ResourceName",
        "Node",
        "Source",
        "Metric",
    };

    /// <summary>What it means to add its values.</summary>
    public Adding Adding { get; init; }

    /// <summary>What it is the ratio of, where <see cref="Adding"/> says so.</summary>
    public SumOverSum? Ratio { get; init; }

    /// <summary>Whether $search looks into it: it is a name that people know.</summary>
    public bool Searchable { get; } = Type == PropertyType.Text && Names.Contains(Name);
}

/// <summary>One entity set: a view of the store with the set's name.</summary>
internal sealed class EntitySet
{
    private readonly Dictionary<string, EntityProperty> byName;

    public EntitySet(string name, string typeName, string description, string[] key, params EntityProperty[] properties)
    {
        Name = name;
        TypeName = typeName;
        Description = description;
        Properties = properties;
        byName = properties.ToDictionary(property => property.Name, StringComparer.Ordinal);
        Key = [.. key.Select(part => byName[part])];
    }

    public string Name { get; }

    /// <summary>Name of the entity type, the set's name in the singular.</summary>
    public string TypeName { get; }

    public string Description { get; }

    public IReadOnlyList<EntityProperty> Key { get; }

    /// <summary>All properties, in the order in which they are written.</summary>
    public IReadOnlyList<EntityProperty> Properties { get; }

    /// <summary>The ways to other sets.</summary>
    public IReadOnlyList<Navigation> Navigations { get; init; } = [];

    /// <summary>Property that must have one value where amounts are added: they are counted in it. Null: none.</summary>
    public string? Context { get; init; }

    /// <summary>The property of that exact name; null when there is none.</summary>
    public EntityProperty? Find(string name) => byName.GetValueOrDefault(name);

    /// <summary>The way of that exact name; null when there is none.</summary>
    public Navigation? Navigation(string name) => Navigations.FirstOrDefault(navigation => navigation.Name == name);
}

/// <summary>
/// Everything that /odata tells, in one table: the model, the SQL, the writer and the published annotations are made from it.
/// The columns are those of the views in docs/data-model.md.
/// </summary>
internal static class EntitySets
{
    public static IReadOnlyList<EntitySet> All { get; } =
    [
        Intensities("HourlyIntensities", "HourlyIntensity", "Energy, work and joules per unit of each deployment, by hour (UTC)."),
        Intensities("DailyIntensities", "DailyIntensity", "Energy, work and joules per unit of each deployment, by day (UTC)."),
        Intensities("MonthlyIntensities", "MonthlyIntensity", "Energy, work and joules per unit of each deployment, by month (UTC)."),
        new(
            "Deployments",
            "Deployment",
            "Workloads at a place.",
            ["Id"],
            Number("Id", "Identity of the deployment, the same on every installation that sees it."),
            Text("Workload", "Workload that the deployment serves."),
            TextOrNull("Model", "Model that the workload serves."),
            TextOrNull("Precision", "Numeric precision that the model is served in."),
            Text("Provider", "Cloud or on-premises provider."),
            TextOrNull("Account", "Account, subscription or project at the provider."),
            Text("Region", "Region or site."),
            Text("Place", "Place as configured: provider and region."),
            TextOrNull("Country", "Country of the place, ISO 3166-1 alpha-2."),
            TextOrNull("Hardware", "Hardware models of the deployment's resources."),
            new("Accelerators", PropertyType.Int32, true, "Number of accelerators.")
        ),
        new(
            "Workloads",
            "Workload",
            "Served models and services.",
            ["Name"],
            Text("Name", "Name as configured."),
            TextOrNull("Model", "Model that the workload serves."),
            TextOrNull("Precision", "Numeric precision that the model is served in.")
        ),
        new(
            "Resources",
            "Resource",
            "What draws power: accelerators, nodes, machines.",
            ["Id"],
            Number("Id", "Identity of the resource."),
            Text("Kind", "Kind of resource: gpu, node, vm ..."),
            Text("Name", "Name that its source gives it."),
            TextOrNull("Node", "Machine that holds it."),
            TextOrNull("Hardware", "Hardware model."),
            Text("Place", "Place as configured."),
            TextOrNull("Account", "Account, subscription or project that it is told under."),
            TextOrNull("Scope", "What tells it from another of its name at the place: account, cluster, resource group ...")
        ),
        new(
            "Sources",
            "Source",
            "Configured connections to telemetry and how their reading goes.",
            ["Id"],
            Text("Id", "Name as configured."),
            Text("Provider", "Kind of reader."),
            TextOrNull("Place", "Place as configured."),
            Instant("RegisteredAt", "When the source was first known."),
            InstantOrNull("Watermark", "Everything before it has been read at least once."),
            InstantOrNull("LastReadAt", "End of the last read that was stored."),
            InstantOrNull("StaleSince", "Since when the source has been found behind; null while it is current."),
            new("Failures", PropertyType.Int32, false, "Failed reads since the last that was stored."),
            TextOrNull("LastErrorCode", "Code of the last failure since then."),
            TextOrNull("LastError", "What the last failure said."),
            InstantOrNull("NextReadAt", "Not read before this time."),
            new(
                "Series",
                PropertyType.Int32,
                true,
                "Series of the last whole read; null for sources that are not read in windows that overlap."
            ),
            new(
                "QuarantinedSeries",
                PropertyType.Int32,
                false,
                "Series that cannot be read and that the source goes on without; Rejections names them."
            ),
            InstantOrNull("ReconciledUntil", "Days before this were compared with the provider's own statistic."),
            TextOrNull("BackfillKind", "Kind of the span of the past that is being read; null when there is none."),
            InstantOrNull("BackfillFrom", "Start of that span, inclusive."),
            InstantOrNull("BackfillTo", "End of that span, exclusive."),
            InstantOrNull("BackfillPosition", "What of that span lies before this has been read."),
            new("BackfillWindows", PropertyType.Int32, true, "Windows of that span."),
            new("BackfillWindowsDone", PropertyType.Int32, true, "Windows of that span that have been read.")
        ),
        new(
            "Runs",
            "Run",
            "Reads of sources, one row each.",
            ["Id"],
            Number("Id", "Identity of the run."),
            Text("Source", "Source that was read."),
            Text("Kind", "read, reconcile, or the kind of a backfill: backfill, reread, reconcile, healed.", 16),
            Instant("StartedAt", "Start of the run."),
            InstantOrNull("EndedAt", "End of the run; null while it goes on."),
            InstantOrNull("WindowStart", "Start of the window that was asked for."),
            InstantOrNull("WindowEnd", "End of the window that was asked for."),
            Number("Received", "Observations received."),
            Number("Written", "Samples inserted or changed."),
            Number("Rejected", "Observations refused."),
            new("SeriesExpected", PropertyType.Int32, true, "Series of the last whole read before; null where that says nothing."),
            new("SeriesReceived", PropertyType.Int32, false, "Series that the window brought."),
            new("Coverage", PropertyType.Double, true, "Share of the expected series that came, 0 to 1; null where nothing was expected."),
            Text("State", "reading, whole, partial, failed, fenced or mismatch.", 16),
            TextOrNull("ErrorCode", "Code of the failure."),
            TextOrNull("Error", "What the failure said, or why the read was partial.")
        ),
        new(
            "Backfills",
            "Backfill",
            "Spans of the past that are read beside the live reads, and those that were.",
            ["Id"],
            Number("Id", "Identity of the span."),
            Text("Source", "Source that is read."),
            Text(
                "Kind",
                "backfill: somebody asked; reread: the daily second look; reconcile: the provider's own sums differed; healed: a "
                    + "series can be read again.",
                16
            ),
            Instant("From", "Start, inclusive."),
            Instant("To", "End, exclusive."),
            Instant("Position", "What lies before this has been read."),
            new("Windows", PropertyType.Int32, false, "Windows that the span is read in."),
            new("WindowsDone", PropertyType.Int32, false, "Windows that have been read."),
            Number("Received", "Observations received."),
            Number("Written", "Samples inserted or changed."),
            Text("State", "waiting, reading, done or cancelled.", 16),
            Instant("RequestedAt", "When it was asked for."),
            InstantOrNull("StartedAt", "When its first window was stored."),
            InstantOrNull("EndedAt", "When its last window was stored, or it was cancelled."),
            new("Failures", PropertyType.Int32, false, "Failed windows since the last that was stored."),
            InstantOrNull("NextReadAt", "Not read before this time."),
            TextOrNull("ErrorCode", "Code of the last failure since then."),
            TextOrNull("Error", "What the last failure said.")
        ),
        new(
            "Events",
            "Event",
            "What happened: to the reading of sources, to final hours, by rules. Webhooks tell of the same.",
            ["Id"],
            Number("Id", "Identity of the event, ascending."),
            Text("Type", "Such as source.stale; docs/webhooks.md has them all.", 64),
            TextOrNull("Source", "Source that it is about."),
            Instant("At", "When it happened, on the database's clock."),
            Text("Body", "A JSON object with the particulars.")
        ),
        new(
            "EnergyFacts",
            "EnergyFact",
            "Energy of one resource for one deployment and grid period.",
            ["DeploymentId", "ResourceId", "PeriodStart"],
            [
                Number("DeploymentId", "Deployment that the energy is attributed to."),
                Number("ResourceId", "Resource that drew it."),
                Instant("PeriodStart", "Start of the period, inclusive."),
                Instant("PeriodEnd", "End of the period, exclusive."),
                Date("Date", "Day of the period's start (UTC)."),
                DateKey(),
                Text("Workload", "Workload that the deployment serves."),
                Text("Provider", "Cloud or on-premises provider."),
                Text("Region", "Region or site."),
                Text("ResourceKind", "Kind of resource."),
                Text("ResourceName", "Name that its source gives it."),
                TextOrNull("Hardware", "Hardware model."),
                .. Measures.ExposedBy(MeasureHolders.Facts).Select(measure => Of(measure, measure.Description)),
                .. Ratios.OfFacts.Select(ratio => Of(ratio) with { Nullable = ratio != Ratios.Coverage }),
                Evidence(),
                Text("Cover", "How the boundaries were covered by readings."),
                Text("Mappings", "Mappings by which the readings were understood."),
                FactorVersion(),
                Missing(),
                Instant("RecomputedAt", "When the fact was computed from the samples."),
            ]
        )
        {
            Navigations =
            [
                ToDeployment("Workload", "Provider", "Region"),
                new("Resource", "Resources", false, "What drew the energy.", ("ResourceId", "Id")),
                ToCalendar(),
            ],
        },
        new(
            "WorkFacts",
            "WorkFact",
            "Work of one deployment, counted in one functional unit, for one grid period.",
            ["DeploymentId", "FunctionalUnit", "PeriodStart"],
            Number("DeploymentId", "Deployment that did the work."),
            Text("FunctionalUnit", "What the work is counted in."),
            Instant("PeriodStart", "Start of the period, inclusive."),
            Instant("PeriodEnd", "End of the period, exclusive."),
            Date("Date", "Day of the period's start (UTC)."),
            DateKey(),
            Text("Workload", "Workload that the deployment serves."),
            TextOrNull("Model", "Model that the workload serves."),
            Text("Provider", "Cloud or on-premises provider."),
            Text("Region", "Region or site."),
            Of(Measures.Units, Measures.Units.Description) with
            {
                Nullable = false,
            },
            Amount("Coverage", "Counted time over the time that its engines were there, 0 to 1.", "1") with
            {
                Adding = Adding.Never,
            },
            Evidence(),
            Text("Mappings", "Mappings by which the readings were understood."),
            Instant("RecomputedAt", "When the fact was computed from the samples.")
        )
        {
            Navigations = [ToDeployment("Workload", "Model", "Provider", "Region"), ToCalendar()],
            Context = "FunctionalUnit",
        },
        new(
            "Factors",
            "Factor",
            "Factors that energy is multiplied by: PUE, grid intensity, embodied carbon, water.",
            ["Id"],
            Number("Id", "Identity of the factor."),
            Text("Name", "How FactorVersion of facts and intensities names it."),
            Text("Kind", "What the factor is: pue, wue, grid_intensity, idle_power, max_power."),
            TextOrNull("Place", "Region, grid zone or country that it holds for."),
            TextOrNull(
                "Method",
                "How it was found: annual, location_average, location_marginal, market_based; of a power model, its mapping."
            ),
            Amount("Value", "The factor, in its unit.", null) with
            {
                Nullable = false,
            },
            Amount("Low", "Least that the value can be, when its source says.", null),
            Amount("High", "Most that the value can be, when its source says.", null),
            Text("Unit", "Unit of the value."),
            Text("Source", "Who published it."),
            TextOrNull("Licence", "Licence of the publication."),
            DateOrNull("Retrieved", "Day on which it was taken from its source."),
            TextOrNull("Vintage", "Year that the value describes, which is not the year that it is used for."),
            DateOrNull("ValidFrom", "First day that it holds for; null: every day before ValidTo."),
            DateOrNull("ValidTo", "First day that it no longer holds for; null: every day from ValidFrom on."),
            Text("Version", "Edition that it came with."),
            InstantOrNull("SupersededAt", "When it went out of use; null while it is in use.")
        ),
        new(
            "MetricMappings",
            "MetricMapping",
            "How metrics are understood: quantity, unit and kind of each.",
            ["Id", "Version"],
            Text("Id", "Identity of the mapping."),
            new("Version", PropertyType.Int32, false, "Version of the mapping, from 1."),
            Text("Provider", "Provider whose metrics it reads."),
            Text("Metrics", "Metric names."),
            Text("Quantity", "energy, power, utilisation or work."),
            Text("Unit", "Unit of the metric's values."),
            Text("Kind", "gauge, delta or cumulative."),
            Text("Component", "What the reading covers: accelerator, cpu, node ..."),
            TextOrNull("FunctionalUnit", "What a work metric counts."),
            Evidence(),
            Date("EffectiveFrom", "First day that this version holds for."),
            Text("Reference", "Where the metric is documented.")
        ),
        new(
            "Rejections",
            "Rejection",
            "Observations and readings refused, with the reason.",
            ["Id"],
            Number("Id", "Identity of the rejection."),
            Text("Source", "Source that gave it."),
            Text("Subject", "What was refused: series or place in a file."),
            InstantOrNull("At", "Time that the refused value is about."),
            Text("Reason", "Stable code of the reason."),
            Text("Detail", "What was wrong."),
            Instant("FirstSeen", "When it was first refused."),
            Instant("LastSeen", "When it was last refused."),
            Number("Count", "How often it was refused.")
        ),
        new(
            "Restatements",
            "Restatement",
            "Final numbers that changed: old, new, when and why.",
            ["Id"],
            Number("Id", "Identity of the restatement."),
            Number("DeploymentId", "Deployment whose number changed."),
            Text("FunctionalUnit", "What its work is counted in."),
            Instant("PeriodStart", "Start of the period whose number changed."),
            Text("Measure", $"Column of the table of hours that changed: {Measures.Facility.Column}, {Measures.Units.Column} ...", 32),
            Amount("Old", "Value before; null when it was unknown or the row did not exist.", null),
            Amount("New", "Value after; null when it is unknown or the row no longer exists.", null),
            TextOrNull("OldFactorVersion", "Factors that made the value before."),
            TextOrNull("NewFactorVersion", "Factors that made the value after."),
            Instant("At", "When it changed."),
            Text("Reason", "Why it changed: late_data, rules_changed or factors_changed.", 16)
        ),
        new(
            "Calendar",
            "CalendarDay",
            "Days from 2020 to 2039, to join facts to by Date or DateKey.",
            ["Date"],
            Date("Date", "The day."),
            DateKey(),
            Int("Year", "Year."),
            Int("Quarter", "Quarter, 1 to 4."),
            Int("Month", "Month, 1 to 12."),
            Int("Day", "Day of the month, 1 to 31."),
            Int("IsoWeek", "Week by ISO 8601, 1 to 53."),
            Int("Weekday", "1 Monday to 7 Sunday."),
            Text("MonthName", "English name of the month.", 9),
            Text("WeekdayName", "English name of the weekday.", 9)
        ),
    ];

    private static readonly Dictionary<string, EntitySet> ByName = All.ToDictionary(set => set.Name, StringComparer.Ordinal);

    /// <summary>The set of that exact name; null when there is none.</summary>
    public static EntitySet? Find(string name) => ByName.GetValueOrDefault(name);

    private static EntitySet Intensities(string name, string typeName, string description) =>
        new(
            name,
            typeName,
            description,
            ["DeploymentId", "FunctionalUnit", "PeriodStart"],
            [
                Number("DeploymentId", "Deployment that the energy and the work belong to."),
                Text("FunctionalUnit", "What the work is counted in: output-token, request ...; none where no work was counted."),
                Instant("PeriodStart", "Start of the period, inclusive."),
                Instant("PeriodEnd", "End of the period, exclusive."),
                Date("Date", "Day of the period's start (UTC)."),
                DateKey(),
                Text("Workload", "Workload that the deployment serves."),
                TextOrNull("Model", "Model that the workload serves."),
                TextOrNull("Precision", "Numeric precision that the model is served in."),
                Text("Provider", "Cloud or on-premises provider."),
                TextOrNull("Account", "Account, subscription or project at the provider."),
                Text("Region", "Region or site."),
                TextOrNull("Hardware", "Hardware models of the deployment's resources."),
                .. Measures.ExposedBy(MeasureHolders.Periods).SelectMany(OfPeriods),
                Evidence(),
                .. Ratios.OfPeriods.Where(ratio => ratio.After is null).Select(Of),
                TextOrNull(
                    "CoverKind",
                    "What the servers' energy is made of: wall (one meter), components (added up) or model; the least of several.",
                    16
                ),
                TextOrNull("IdleBy", "By what IdleJoules are told: load, work, or both.", 16),
                new(
                    "IsFinal",
                    PropertyType.Boolean,
                    false,
                    "Whether every source had been read past its end; what changes from then on is told in Restatements."
                ),
                TextOrNull(
                    "NullReason",
                    "Why JoulesPerUnit is null: no_work, zero_functional_units, no_energy, server_unknown, pue_unknown or no_common_time.",
                    32
                ),
                Missing(),
                FactorVersion(),
                Instant("RecomputedAt", "When the numbers were computed from the facts."),
            ]
        )
        {
            Navigations = [ToDeployment("Workload", "Model", "Precision", "Provider", "Account", "Region", "Hardware"), ToCalendar()],
            Context = "FunctionalUnit",
        };

    private static EntityProperty Number(string name, string description) => new(name, PropertyType.Int64, false, description);

    private static EntityProperty Int(string name, string description) => new(name, PropertyType.Int32, false, description);

    private static EntityProperty Text(string name, string description, int? maxLength = null) =>
        new(name, PropertyType.Text, false, description, null, maxLength);

    private static EntityProperty TextOrNull(string name, string description, int? maxLength = null) =>
        new(name, PropertyType.Text, true, description, null, maxLength);

    private static EntityProperty Date(string name, string description) => new(name, PropertyType.Date, false, description);

    private static EntityProperty DateOrNull(string name, string description) => new(name, PropertyType.Date, true, description);

    private static EntityProperty DateKey() => new("DateKey", PropertyType.Int32, false, "The day as yyyymmdd, to join to Calendar.");

    private static EntityProperty Instant(string name, string description) => new(name, PropertyType.Instant, false, description);

    private static EntityProperty InstantOrNull(string name, string description) => new(name, PropertyType.Instant, true, description);

    private static EntityProperty Amount(string name, string description, string? unit) =>
        new(name, PropertyType.Double, true, description, unit);

    private static EntityProperty Of(Measure measure, string description) =>
        Amount(measure.Name, description, measure.Unit) with
        {
            Adding = Adding.Sum,
        };

    // Each measure with the ratios that are told behind it.
    private static IEnumerable<EntityProperty> OfPeriods(Measure measure) =>
        Ratios.OfPeriods.Where(ratio => ratio.After == measure).Select(Of).Prepend(Of(measure, measure.DescriptionOfPeriods));

    private static EntityProperty Of(Ratio ratio)
    {
        var amount = Amount(ratio.Name, ratio.Description, ratio.Unit);
        return ratio.OfMany switch
        {
            RatioOfMany.SumOverSum => amount with
            {
                Adding = Adding.Ratio,
                Ratio = new SumOverSum(ratio.Over.ToOData(), ratio.Under.ToOData()),
            },
            RatioOfMany.Weighted => amount with
            {
                Adding = Adding.Ratio,
                Ratio = new SumOverSum($"{ratio.Name} mul {ratio.Under.ToOData()}", ratio.Under.ToOData()),
            },
            _ => amount with { Adding = Adding.Never },
        };
    }

    private static Navigation ToDeployment(params string[] repeated) =>
        new("Deployment", "Deployments", false, "The workload at its place.", ("DeploymentId", "Id")) { Repeated = repeated };

    private static Navigation ToCalendar() =>
        new("Calendar", "Calendar", true, "The day of the period's start; null before 2020 and after 2039.", ("Date", "Date"));

    private static EntityProperty FactorVersion() =>
        TextOrNull("FactorVersion", "Names of the factors used, in order, separated by a space; see Factors.");

    private static EntityProperty Missing() =>
        TextOrNull("Missing", "Why a column is null in some of the period, as words separated by a space: pue_unknown, grid_unknown ...");

    private static EntityProperty Evidence() =>
        Text("Evidence", "Worst evidence of the inputs: measured, derived, modelled or estimated.", 16);
}
