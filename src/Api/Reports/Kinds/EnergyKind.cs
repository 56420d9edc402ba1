using Metrics.Storage.Queries;

namespace Metrics.Api.Reports.Kinds;

/// <summary>Energy consumption of deployments.</summary>
public sealed class EnergyKind : DeploymentKind
{
    internal EnergyKind()
        : base(
            "energy",
            "Energy consumption",
            ReportField.FacilityJoules,
            [
                .. Where(),
                Number(
                    "ItMWh",
                    "Energy of the IT equipment.",
                    row => row.Number(ReportField.ServerJoules) / Amounts.JoulesPerMWh,
                    "MWh",
                    "MWH"
                ),
                Number(
                    "FacilityMWh",
                    "Energy of the facility: IT energy and what cools and feeds it.",
                    row => row.Number(ReportField.FacilityJoules) / Amounts.JoulesPerMWh,
                    "MWh",
                    "MWH"
                ),
                Number(
                    "IdleMWh",
                    "The part of the IT energy that was drawn while doing nothing.",
                    row => row.Number(ReportField.IdleJoules) / Amounts.JoulesPerMWh,
                    "MWh",
                    "MWH"
                ),
                Number(
                    "Pue",
                    "Facility energy over IT energy.",
                    row =>
                        row.Number(ReportField.ServerJoules) is > 0 and { } server ? row.Number(ReportField.FacilityJoules) / server : null,
                    "1"
                ),
                Number("FossilMWh", "Facility energy from fossil sources.", _ => null, "MWh", "MWH"),
                Number("NuclearMWh", "Facility energy from nuclear sources.", _ => null, "MWh", "MWH"),
                Number("RenewableMWh", "Facility energy from renewable sources.", _ => null, "MWh", "MWH"),
                Number(
                    "WaterLitres",
                    "Water, by the factors of the site and its electricity.",
                    row => row.Number(ReportField.WaterLitres),
                    "l",
                    "LTR"
                ),
                .. Trust("PreviousFacilityMWh", row => row.Number(ReportField.FacilityJoules), Amounts.JoulesPerMWh, "MWh", "MWH"),
            ],
            [
                "One row for each deployment and period; energy is that of the facility where a PUE is known.",
                "What the electricity was made from is unknown: no factor in use splits it. The columns stay empty until one does.",
            ]
        ) { }

    internal override IReadOnlyList<(string Name, double? Value)> Totals(ReportTotals totals)
    {
        var (server, facility, water) = (
            totals.Of(sums => sums.ServerJoules),
            totals.Of(sums => sums.FacilityJoules),
            totals.Of(sums => sums.WaterLitres)
        );
        // Of the deployments and periods in which both are known.
        var (over, under) = (totals.Of(sums => sums.FacilityJoulesOverServer), totals.Of(sums => sums.ServerJoulesOfFacility));
        return
        [
            ("ItMWh", server / Amounts.JoulesPerMWh),
            ("FacilityMWh", facility / Amounts.JoulesPerMWh),
            ("Pue", under > 0 ? over / under : null),
            ("WaterLitres", water),
            ("WueLitresPerKWh", server > 0 ? water / (server / Amounts.JoulesPerKWh) : null),
        ];
    }
}
