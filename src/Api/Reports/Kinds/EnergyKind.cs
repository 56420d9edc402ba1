using Metrics.Domain.Facts;

namespace Metrics.Api.Reports.Kinds;

/// <summary>Energy consumption of deployments.</summary>
public sealed class EnergyKind : DeploymentKind
{
    internal EnergyKind()
        : base(
            "energy",
            "Energy consumption",
            Measures.Facility,
            [
                .. Where(),
                Amount("ItMWh", "Energy of the IT equipment.", Measures.Server, ReportUnit.MWh),
                Amount("FacilityMWh", "Energy of the facility: IT energy and what cools and feeds it.", Measures.Facility, ReportUnit.MWh),
                Amount("IdleMWh", "The part of the IT energy that was drawn while doing nothing.", Measures.Idle, ReportUnit.MWh),
                Number(
                    "Pue",
                    "Facility energy over IT energy.",
                    row => row.Number(Measures.Server) is > 0 and { } server ? row.Number(Measures.Facility) / server : null,
                    "1"
                ),
                Amount("FossilMWh", "Facility energy from fossil sources.", ReportUnit.MWh, _ => null),
                Amount("NuclearMWh", "Facility energy from nuclear sources.", ReportUnit.MWh, _ => null),
                Amount("RenewableMWh", "Facility energy from renewable sources.", ReportUnit.MWh, _ => null),
                Amount(Measures.Water.Name, "Water, by the factors of the site and its electricity.", Measures.Water, ReportUnit.Litres),
                .. Trust("PreviousFacilityMWh", ReportUnit.MWh, row => row.Number(Measures.Facility)),
            ],
            [
                "One row for each deployment and period; energy is that of the facility where a PUE is known.",
                "What the electricity was made from is unknown: no factor in use splits it. The columns stay empty until one does.",
            ]
        ) { }

    internal override IReadOnlyList<(string Name, double? Value)> Totals(ReportTotals totals)
    {
        var (server, facility, water) = (totals.Of(Measures.Server), totals.Of(Measures.Facility), totals.Of(Measures.Water));
        // Of the deployments and periods in which both are known.
        var (over, under) = (totals.Of(sums => sums.FacilityOverServer), totals.Of(sums => sums.ServerOfFacility));
        return
        [
            ("ItMWh", server / ReportUnit.MWh.Divisor),
            ("FacilityMWh", facility / ReportUnit.MWh.Divisor),
            ("Pue", under > 0 ? over / under : null),
            (Measures.Water.Name, water),
            ("WueLitresPerKWh", server > 0 ? water / (server / ReportUnit.KWh.Divisor) : null),
        ];
    }
}
