using Metrics.Domain.Facts;
using Metrics.Storage.Queries;

namespace Metrics.Api.Reports.Kinds;

/// <summary>Greenhouse gas emissions of deployments, as the GHG Protocol wants them.</summary>
public sealed class GhgKind : DeploymentKind
{
    internal GhgKind()
        : base(
            "ghg",
            "Greenhouse gas emissions",
            Measures.Operational,
            [
                .. Where(),
                Text("Scope", "Scope of the GHG Protocol: 2 for own and colocated hardware, 3 for what a cloud runs.", row =>
                    IsOwn(row) ? "2" : "3"
                ),
                Text("Category", "Category of scope 3.", row => IsOwn(row) ? null : "1 purchased goods and services"),
                Amount("FacilityMWh", "Energy of the facility.", Measures.Facility, ReportUnit.MWh),
                Amount(
                    "LocationBasedTonnes",
                    "Emissions of the electricity by the location-based method.",
                    Measures.Operational,
                    ReportUnit.Tonnes
                ),
                Number(
                    "LocationBasedFactor",
                    "Grams for each kilowatt-hour that this comes to.",
                    row => ReportUnit.GramsPerKWh(row.Number(Measures.Operational), row.Number(Measures.Facility)),
                    "g/kWh"
                ),
                Amount(
                    "MarketBasedTonnes",
                    "Emissions of the electricity by the market-based method. Beside the location-based, never added to it.",
                    Measures.MarketBased,
                    ReportUnit.Tonnes
                ),
                Number(
                    "MarketBasedFactor",
                    "Grams for each kilowatt-hour that this comes to.",
                    row => ReportUnit.GramsPerKWh(row.Number(Measures.MarketBased), row.Number(Measures.Facility)),
                    "g/kWh"
                ),
                Text("ContractualInstrument", "Type and id of the instrument behind the market-based value, where it is known.", _ => null),
                Amount(
                    "EmbodiedTonnes",
                    "Embodied emissions of the hardware: total x time reserved over lifespan x share reserved.",
                    Measures.Embodied,
                    ReportUnit.Tonnes
                ),
                .. Trust("PreviousLocationBasedTonnes", ReportUnit.Tonnes, row => row.Number(Measures.Operational)),
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
            ("FacilityMWh", totals.Of(Measures.Facility) / ReportUnit.MWh.Divisor),
            ("LocationBasedTonnes", totals.Of(Measures.Operational) / ReportUnit.Tonnes.Divisor),
            ("MarketBasedTonnes", totals.Of(Measures.MarketBased) / ReportUnit.Tonnes.Divisor),
            ("EmbodiedTonnes", totals.Of(Measures.Embodied) / ReportUnit.Tonnes.Divisor),
        ];

    internal override ReportChart? Chart(ReportTotals totals) => Emissions(totals);

    /// <summary>Location-based emissions by workload.</summary>
    internal static ReportChart? Emissions(ReportTotals totals) =>
        totals.Chart("Location-based emissions by workload", Measures.Operational, ReportUnit.Tonnes);

    private static bool IsOwn(PeriodRow row) => row.Text(ReportField.Provider) is "onprem";
}
