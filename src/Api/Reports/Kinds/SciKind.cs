using Metrics.Domain.Facts;
using Metrics.Domain.Messages;
using Metrics.Storage.Queries;

namespace Metrics.Api.Reports.Kinds;

/// <summary>Software Carbon Intensity by ISO/IEC 21031: three rows, of the components and of their sum, for each deployment, period and
/// unit.</summary>
public sealed class SciKind : PeriodKind<SciRow>
{
    internal SciKind()
        : base(
            "sci",
            "Software Carbon Intensity",
            Measures.Operational,
            [
                .. Where(),
                Text("FunctionalUnit", "What work is counted in (R).", row => row.Text(ReportField.FunctionalUnit)),
                Number("Units", "How many were done (R).", row => row.Number(Measures.Units)),
                Text("Component", "operational (O), embodied (M) or total (O + M).", row => row.Component.ToWord()),
                Text("Method", "Where the component is from: measured, modelled or sourced.", row => row.Method),
                Amount("KilowattHours", "Energy of the facility (E).", ReportUnit.KWh, row =>
                    row.Component == SciComponent.Embodied ? null : row.Number(Measures.Facility)
                ),
                Number(
                    "GramsPerKilowattHour",
                    "Location-based intensity of the electricity (I).",
                    row =>
                        row.Component == SciComponent.Embodied
                            ? null
                            : ReportUnit.GramsPerKWh(row.Number(Measures.Operational), row.Number(Measures.Facility)),
                    "g/kWh"
                ),
                Amount("Grams", "Grams of CO2 equivalents of the component.", ReportUnit.Grams, row => row.Grams),
                Number(
                    "ScoreGramsPerUnit",
                    "Grams for each unit. Those of operational and embodied sum up to that of the total.",
                    row => row.Score,
                    "g"
                ),
                .. Trust("PreviousGrams", ReportUnit.Grams, row =>
                    row.Component == SciComponent.Operational ? row.Number(Measures.Operational) : null
                ),
            ],
            [
                "SCI = (E x I + M) / R by ISO/IEC 21031:2024. Boundary: the facility's energy of the hardware reserved for the "
                    + "workload, idle time included, and its embodied emissions. Not in it: networks, end-user devices, training.",
                "Location-based only; no market-based measure, offset or certificate is in a score. A score is unknown where a part of "
                    + "it is.",
            ]
        ) { }

    internal override IReadOnlyList<(string Name, double? Value)> Totals(ReportTotals totals) =>
        [(Measures.Operational.Name, totals.Of(Measures.Operational)), (Measures.Embodied.Name, totals.Of(Measures.Embodied))];

    internal override ReportChart? Chart(ReportTotals totals) => GhgKind.Emissions(totals);

    internal override async IAsyncEnumerable<ReportValue[]> RowsAsync(ReportSource source)
    {
        await using var rows = await ReadAsync(source);
        var from = new SciRow(rows, source.Queries.Selection.Set);
        var row = new ReportValue[Columns.Count];
        while (await from.NextAsync())
        {
            // Without work there is no score; a unit that is none is not one.
            if (from.Number(Measures.Units) is not > 0)
                continue;
            foreach (var component in Enum.GetValues<SciComponent>())
            {
                from.Component = component;
                Fill(row, from);
                yield return row;
            }
        }
    }
}

/// <summary>What a score by ISO/IEC 21031 is made of. In reports it is the word in lower case.</summary>
public enum SciComponent
{
    /// <summary>The emissions of operation (O).</summary>
    Operational,

    /// <summary>The emissions of making the hardware (M).</summary>
    Embodied,

    /// <summary>Both together.</summary>
    Total,
}

/// <summary>The stored row that a report of scores is at, and the component of it.</summary>
public sealed class SciRow(ReportRows rows, string set) : PeriodRow(rows, set)
{
    /// <summary>Which.</summary>
    public SciComponent Component { get; set; }

    /// <summary>Where it is from.</summary>
    public string Method => Component == SciComponent.Embodied ? "sourced" : Quality;

    /// <summary>Grams of CO2 equivalents; null where they, or a part of the sum, are unknown.</summary>
    public double? Grams
    {
        get
        {
            var (operational, embodied) = (Number(Measures.Operational), Number(Measures.Embodied));
            return Component switch
            {
                SciComponent.Operational => operational,
                SciComponent.Embodied => embodied,
                _ => operational + embodied,
            };
        }
    }

    /// <summary>Grams for each unit, of the time in which they and the work are known; the embodied part is what the score has beyond the
    /// operational one, where both are of the same time.</summary>
    public double? Score =>
        Component switch
        {
            SciComponent.Operational => Number(Ratios.OperationalGramsPerUnit),
            SciComponent.Embodied => Number(MatchedSums.Sci.Units) is > 0 and var units && units == Number(MatchedSums.Operational.Units)
                ? (Number(MatchedSums.Sci.Amount) - Number(MatchedSums.Operational.Amount)) / units
                : null,
            _ => Number(Ratios.SciGramsPerUnit),
        };
}
