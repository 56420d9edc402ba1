using System.Text.Json;

namespace Metrics.Api.Reports.Kinds;

/// <summary>A kind of report: its columns, and what it is good for.</summary>
/// <param name="Name">As it is asked for.</param>
/// <param name="Title">What people call it.</param>
/// <param name="Measure">The measure whose restatements are told with the value before.</param>
/// <param name="Columns">Its columns, in order.</param>
/// <param name="Notes">What a reader of it has to know.</param>
public sealed record ReportKind(string Name, string Title, string Measure, IReadOnlyList<ReportColumn> Columns, IReadOnlyList<string> Notes)
{
    private static readonly ReportColumn[] Where =
    [
        new("PeriodStart", ReportType.Time, "First instant of the period, UTC."),
        new("PeriodEnd", ReportType.Time, "End of the period, UTC, exclusive."),
        new("Workload", ReportType.Text, "What does the work, as configured; 'unattributed' is what no rule claims."),
        new("Model", ReportType.Text, "The model that it serves."),
        new("Precision", ReportType.Text, "Number format of its weights."),
        new("Provider", ReportType.Text, "Who runs the place: aws, azure, gcp, onprem ..."),
        new("Account", ReportType.Text, "Account, subscription or project, where the source tells it."),
        new("Region", ReportType.Text, "Region of the provider, or name of the site."),
        new("Country", ReportType.Text, "Country of the place, ISO 3166-1 alpha-2."),
        new("Hardware", ReportType.Text, "Hardware that it runs on."),
        new("DeploymentId", ReportType.Text, "Key of the deployment in /odata/Deployments."),
    ];

    private static ReportColumn[] Trust(string previous, string unit, string? code) =>
        [
            new("LowMWh", ReportType.Number, "The least that the energy can be.", "MWh", "MWH"),
            new("HighMWh", ReportType.Number, "The most that the energy can be.", "MWh", "MWH"),
            new(
                "Quality",
                ReportType.Text,
                "measured (by meters), modelled (from utilisation) or sourced (from published figures for each unit of work); the worst of the inputs."
            ),
            new("Evidence", ReportType.Text, "The same in four steps: measured, derived, modelled, estimated."),
            new("MeasuredShare", ReportType.Number, "Share of the energy that meters told, from 0 to 1.", "1"),
            new("Coverage", ReportType.Number, "Share of the period for which readings exist, from 0 to 1. Nothing is interpolated.", "1"),
            new(
                "FactorVersions",
                ReportType.Text,
                "Names of the factors that the row was made with; their values, sources and vintages stand with the report."
            ),
            new("Missing", ReportType.Text, "Why values are unknown."),
            new("Restated", ReportType.Flag, "Whether a final number of the period was changed."),
            new(
                previous,
                ReportType.Number,
                "The value before it was changed; unknown when it was not, or was not known before.",
                unit,
                code
            ),
            new("ComputedAt", ReportType.Time, "When the numbers were computed, UTC."),
            new("EvidenceLink", ReportType.Text, "Where the derivation is told, down to the series with their hashes."),
        ];

    /// <summary>All kinds, by name.</summary>
    public static IReadOnlyDictionary<string, ReportKind> All { get; } =
        WithDatapoints([
            new(
                "energy",
                "Energy consumption",
                "facility_joules",
                [
                    .. Where,
                    new("ItMWh", ReportType.Number, "Energy of the IT equipment.", "MWh", "MWH"),
                    new("FacilityMWh", ReportType.Number, "Energy of the facility: IT energy and what cools and feeds it.", "MWh", "MWH"),
                    new("IdleMWh", ReportType.Number, "The part of the IT energy that was drawn while doing nothing.", "MWh", "MWH"),
                    new("Pue", ReportType.Number, "Facility energy over IT energy.", "1"),
                    new("FossilMWh", ReportType.Number, "Facility energy from fossil sources.", "MWh", "MWH"),
                    new("NuclearMWh", ReportType.Number, "Facility energy from nuclear sources.", "MWh", "MWH"),
                    new("RenewableMWh", ReportType.Number, "Facility energy from renewable sources.", "MWh", "MWH"),
                    new("WaterLitres", ReportType.Number, "Water, by the factors of the site and its electricity.", "l", "LTR"),
                    .. Trust("PreviousFacilityMWh", "MWh", "MWH"),
                ],
                [
                    "One row for each deployment and period; energy is that of the facility where a PUE is known.",
                    "What the electricity was made from is unknown: no factor in use splits it. The columns stay empty until one does.",
                ]
            ),
            new(
                "ghg",
                "Greenhouse gas emissions",
                "operational_grams",
                [
                    .. Where,
                    new("Scope", ReportType.Text, "Scope of the GHG Protocol: 2 for own and colocated hardware, 3 for what a cloud runs."),
                    new("Category", ReportType.Text, "Category of scope 3."),
                    new("FacilityMWh", ReportType.Number, "Energy of the facility.", "MWh", "MWH"),
                    new(
                        "LocationBasedTonnes",
                        ReportType.Number,
                        "Emissions of the electricity by the location-based method.",
                        "t CO2e",
                        "TNE"
                    ),
                    new("LocationBasedFactor", ReportType.Number, "Grams for each kilowatt-hour that this comes to.", "g/kWh"),
                    new(
                        "MarketBasedTonnes",
                        ReportType.Number,
                        "Emissions of the electricity by the market-based method. Beside the location-based, never added to it.",
                        "t CO2e",
                        "TNE"
                    ),
                    new("MarketBasedFactor", ReportType.Number, "Grams for each kilowatt-hour that this comes to.", "g/kWh"),
                    new(
                        "ContractualInstrument",
                        ReportType.Text,
                        "Type and id of the instrument behind the market-based value, where it is known."
                    ),
                    new(
                        "EmbodiedTonnes",
                        ReportType.Number,
                        "Embodied emissions of the hardware: total x time reserved over lifespan x share reserved.",
                        "t CO2e",
                        "TNE"
                    ),
                    .. Trust("PreviousLocationBasedTonnes", "t CO2e", "TNE"),
                ],
                [
                    "One row for each deployment and period. Location- and market-based emissions stand side by side and are never added up; embodied emissions are in neither.",
                    "Scope 2 is taken of places of provider 'onprem', scope 3 category 1 of all others; who reports by another boundary moves the rows.",
                ]
            ),
            new(
                "sci",
                "Software Carbon Intensity",
                "operational_grams",
                [
                    .. Where,
                    new("FunctionalUnit", ReportType.Text, "What work is counted in (R)."),
                    new("Units", ReportType.Number, "How many were done (R)."),
                    new("Component", ReportType.Text, "operational (O), embodied (M) or total (O + M)."),
                    new("Method", ReportType.Text, "Where the component is from: measured, modelled or sourced."),
                    new("KilowattHours", ReportType.Number, "Energy of the facility (E).", "kWh", "KWH"),
                    new("GramsPerKilowattHour", ReportType.Number, "Location-based intensity of the electricity (I).", "g/kWh"),
                    new("Grams", ReportType.Number, "Grams of CO2 equivalents of the component.", "g", "GRM"),
                    new(
                        "ScoreGramsPerUnit",
                        ReportType.Number,
                        "Grams for each unit. Those of operational and embodied sum up to that of the total.",
                        "g"
                    ),
                    .. Trust("PreviousGrams", "g", "GRM"),
                ],
                [
                    "SCI = (E x I + M) / R by ISO/IEC 21031:2024. Boundary: the facility's energy of the hardware reserved for the workload, idle time included, and its embodied emissions. Not in it: networks, end-user devices, training.",
                    "Location-based only; no market-based measure, offset or certificate is in a score. A score is unknown where a part of it is.",
                ]
            ),
            new(
                "comparison",
                "Comparison of deployments",
                "facility_joules",
                [
                    new("Group", ReportType.Number, "Deployments of one group may be ranked with each other; empty: left out."),
                    new("Rank", ReportType.Number, "From the least joules for each unit to the most."),
                    new("Verdict", ReportType.Text, "ranked, differs (and in what) or left out (and why)."),
                    new("Workload", ReportType.Text, "What does the work."),
                    new("Model", ReportType.Text, "The model that it serves."),
                    new("Precision", ReportType.Text, "Number format of its weights."),
                    new("Provider", ReportType.Text, "Who runs the place."),
                    new("Region", ReportType.Text, "Region of the provider, or name of the site."),
                    new("Hardware", ReportType.Text, "Hardware that it runs on."),
                    new("DeploymentId", ReportType.Text, "Key of the deployment in /odata/Deployments."),
                    new("FunctionalUnit", ReportType.Text, "What work is counted in."),
                    new("Units", ReportType.Number, "How many were done."),
                    new("Joules", ReportType.Number, "Energy of the facility.", "J", "JOU"),
                    new("JoulesPerUnit", ReportType.Number, "Sum of joules over sum of units.", "J", "JOU"),
                    new("LowJoulesPerUnit", ReportType.Number, "The least that it can be.", "J", "JOU"),
                    new("HighJoulesPerUnit", ReportType.Number, "The most that it can be.", "J", "JOU"),
                    new("Certain", ReportType.Flag, "No: its bounds meet a neighbour's, and the true order may be another one."),
                    new(
                        "SavingAgainstWorst",
                        ReportType.Number,
                        "Share for each unit that the worst of the group would save by being like this one.",
                        "1"
                    ),
                    new("GramsPerUnit", ReportType.Number, "Operational (location-based) and embodied grams for each unit.", "g", "GRM"),
                    new("Evidence", ReportType.Text, "The worst evidence of its inputs."),
                    new("MeasuredShare", ReportType.Number, "Share of the energy that meters told.", "1"),
                    new("Coverage", ReportType.Number, "Share of the period for which readings exist.", "1"),
                    new("FactorVersions", ReportType.Text, "Names of the factors."),
                ],
                ["Only like is ranked with like: the same model, precision, unit, boundary, idle policy and class of evidence."]
            ),
            new(
                "ai-act",
                "Energy of general-purpose AI models",
                "facility_joules",
                [
                    new("Model", ReportType.Text, "The model, as configured."),
                    new("PeriodStart", ReportType.Time, "First instant of the period, UTC."),
                    new("PeriodEnd", ReportType.Time, "End of the period, UTC, exclusive."),
                    new("KnownOrEstimated", ReportType.Text, "known: told by meters for the most part; estimated: otherwise."),
                    new("ItMWh", ReportType.Number, "Energy of the IT equipment that served the model.", "MWh", "MWH"),
                    new("FacilityMWh", ReportType.Number, "Energy of the facilities.", "MWh", "MWH"),
                    new("LowMWh", ReportType.Number, "The least that the energy can be.", "MWh", "MWH"),
                    new("HighMWh", ReportType.Number, "The most that the energy can be.", "MWh", "MWH"),
                    new("LocationBasedTonnes", ReportType.Number, "Emissions of the electricity, location-based.", "t CO2e", "TNE"),
                    new("OutputTokens", ReportType.Number, "Output tokens served."),
                    new("Requests", ReportType.Number, "Requests served."),
                    new("Deployments", ReportType.Number, "Deployments of the model."),
                    new("Evidence", ReportType.Text, "The worst evidence of its inputs."),
                    new("MeasuredShare", ReportType.Number, "Share of the energy that meters told.", "1"),
                    new("Coverage", ReportType.Number, "Share of the period for which readings exist, of its deployments together.", "1"),
                    new("FactorVersions", ReportType.Text, "Names of the factors."),
                ],
                [
                    "Annex XI, section 1, 2(e) of Regulation (EU) 2024/1689 asks for the known or estimated energy consumption of a general-purpose AI model. This is the energy of its use; training is in it only as far as it was read as a workload of the same model.",
                ]
            ),
        ]);

    /// <summary>Their names, for people.</summary>
    public static string Names => string.Join(", ", All.Keys);

    /// <summary>What standards ask for stands in a file, which changes more often than the columns do.</summary>
    private static Dictionary<string, ReportKind> WithDatapoints(ReportKind[] kinds)
    {
        using var stream = typeof(ReportKind).Assembly.GetManifestResourceStream("Metrics.Api.Reports.datapoints.json")!;
        var ids = JsonSerializer.Deserialize<Dictionary<string, Dictionary<string, string>>>(stream)!;
        return kinds.ToDictionary(
            kind => kind.Name,
            kind =>
                kind with
                {
                    Columns =
                    [
                        .. kind.Columns.Select(column =>
                            column with
                            {
                                Datapoint = ids.GetValueOrDefault(kind.Name)?.GetValueOrDefault(column.Name),
                            }
                        ),
                    ],
                },
            StringComparer.OrdinalIgnoreCase
        );
    }
}
