using Metrics.Storage.Queries;

namespace Metrics.Api.Reports.Kinds;

/// <summary>Greenhouse gas emissions of deployments, as the GHG Protocol wants them.</summary>
public sealed class GhgKind : DeploymentKind
{
    internal GhgKind()
        : base(
            "ghg",
            "Greenhouse gas emissions",
            ReportField.OperationalGrams,
            [
                .. Where(),
                Text("Scope", "Scope of the GHG Protocol: 2 for own and colocated hardware, 3 for what a cloud runs.", row =>
                    IsOwn(row) ? "2" : "3"
                ),
                Text("Category", "Category of scope 3.", row => IsOwn(row) ? null : "1 purchased goods and services"),
                Number(
                    "FacilityMWh",
                    "Energy of the facility.",
                    row => row.Number(ReportField.FacilityJoules) / Amounts.JoulesPerMWh,
                    "MWh",
                    "MWH"
                ),
                Number(
                    "LocationBasedTonnes",
                    "Emissions of the electricity by the location-based method.",
                    row => row.Number(ReportField.OperationalGrams) / Amounts.GramsPerTonne,
                    "t CO2e",
                    "TNE"
                ),
                Number(
                    "LocationBasedFactor",
                    "Grams for each kilowatt-hour that this comes to.",
                    row => Amounts.GramsPerKWh(row.Number(ReportField.OperationalGrams), row.Number(ReportField.FacilityJoules)),
                    "g/kWh"
                ),
                Number(
                    "MarketBasedTonnes",
                    "Emissions of the electricity by the market-based method. Beside the location-based, never added to it.",
                    row => row.Number(ReportField.MarketBasedGrams) / Amounts.GramsPerTonne,
                    "t CO2e",
                    "TNE"
                ),
                Number(
                    "MarketBasedFactor",
                    "Grams for each kilowatt-hour that this comes to.",
                    row => Amounts.GramsPerKWh(row.Number(ReportField.MarketBasedGrams), row.Number(ReportField.FacilityJoules)),
                    "g/kWh"
                ),
                Text("ContractualInstrument", "Type and id of the instrument behind the market-based value, where it is known.", _ => null),
                Number(
                    "EmbodiedTonnes",
                    "Embodied emissions of the hardware: total x time reserved over lifespan x share reserved.",
                    row => row.Number(ReportField.EmbodiedGrams) / Amounts.GramsPerTonne,
                    "t CO2e",
                    "TNE"
                ),
                .. Trust(
                    "PreviousLocationBasedTonnes",
                    row => row.Number(ReportField.OperationalGrams),
                    Amounts.GramsPerTonne,
                    "t CO2e",
                    "TNE"
                ),
            ],
            [
                "One row for each deployment and period. Location- and market-based emissions stand side by side and are never added "
                    + "up; embodied emissions are in neither.",
                "Scope 2 is taken of places of provider 'onprem', scope 3 category 1 of all others; who reports by another boundary "
                    + "moves the rows.",
            ]
        ) { }

    internal override IReadOnlyList<(string Name, double? Value)> Totals(ReportTotals totals) =>
        [
            ("FacilityMWh", totals.Of(sums => sums.FacilityJoules) / Amounts.JoulesPerMWh),
            ("LocationBasedTonnes", totals.Of(sums => sums.OperationalGrams) / Amounts.GramsPerTonne),
            ("MarketBasedTonnes", totals.Of(sums => sums.MarketBasedGrams) / Amounts.GramsPerTonne),
            ("EmbodiedTonnes", totals.Of(sums => sums.EmbodiedGrams) / Amounts.GramsPerTonne),
        ];

    internal override ReportChart? Chart(ReportTotals totals) => Emissions(totals);

    /// <summary>Location-based emissions by workload.</summary>
    internal static ReportChart? Emissions(ReportTotals totals) =>
        totals.Chart("Location-based emissions by workload", "t CO2e", sums => sums.OperationalGrams / Amounts.GramsPerTonne);

    private static bool IsOwn(PeriodRow row) => row.Text(ReportField.Provider) is "onprem";
}
