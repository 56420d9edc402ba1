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
            ReportField.OperationalGrams,
            [
                .. Where(),
                Text("FunctionalUnit", "What work is counted in (R).", row => row.Text(ReportField.FunctionalUnit)),
                Number("Units", "How many were done (R).", row => row.Number(ReportField.Units)),
                Text("Component", "operational (O), embodied (M) or total (O + M).", row => row.Component),
                Text("Method", "Where the component is from: measured, modelled or sourced.", row => row.Method),
                Number(
                    "KilowattHours",
                    "Energy of the facility (E).",
                    row => row.IsEmbodied ? null : row.Number(ReportField.FacilityJoules) / Amounts.JoulesPerKWh,
                    "kWh",
                    "KWH"
                ),
                Number(
                    "GramsPerKilowattHour",
                    "Location-based intensity of the electricity (I).",
                    row =>
                        row.IsEmbodied
                            ? null
                            : Amounts.GramsPerKWh(row.Number(ReportField.OperationalGrams), row.Number(ReportField.FacilityJoules)),
                    "g/kWh"
                ),
                Number("Grams", "Grams of CO2 equivalents of the component.", row => row.Grams, "g", "GRM"),
                Number(
                    "ScoreGramsPerUnit",
                    "Grams for each unit. Those of operational and embodied sum up to that of the total.",
                    row => row.Score,
                    "g"
                ),
                .. Trust(
                    "PreviousGrams",
                    row => row.Component == SciRow.Operational ? row.Number(ReportField.OperationalGrams) : null,
                    1,
                    "g",
                    "GRM"
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
        [("OperationalGrams", totals.Of(sums => sums.OperationalGrams)), ("EmbodiedGrams", totals.Of(sums => sums.EmbodiedGrams))];

    internal override ReportChart? Chart(ReportTotals totals) => GhgKind.Emissions(totals);

    internal override async IAsyncEnumerable<ReportValue[]> RowsAsync(ReportSource source)
    {
        await using var rows = await ReadAsync(source);
        var from = new SciRow(rows, source.Queries.Selection.Set);
        var row = new ReportValue[Columns.Count];
        while (await from.NextAsync())
        {
            // Without work there is no score; a unit that is none is not one.
            if (from.Number(ReportField.Units) is not > 0)
                continue;
            foreach (var component in SciRow.Components)
            {
                from.Component = component;
                Fill(row, from);
                yield return row;
            }
        }
    }
}

/// <summary>A component of a score.</summary>
public sealed class SciRow(ReportRows rows, string set) : PeriodRow(rows, set)
{
    /// <summary>Name of the component of operation.</summary>
    public const string Operational = "operational";

    private const string Embodied = "embodied";

    /// <summary>The components, and their sum.</summary>
    public static IReadOnlyList<string> Components { get; } = [Operational, Embodied, "total"];

    /// <summary>Which.</summary>
    public string Component { get; set; } = Operational;

    /// <summary>Whether it is of the hardware, and not of its operation.</summary>
    public bool IsEmbodied => Component == Embodied;

    /// <summary>Where it is from.</summary>
    public string Method => IsEmbodied ? "sourced" : Quality;

    /// <summary>Grams of CO2 equivalents; null where they, or a part of the sum, are unknown.</summary>
    public double? Grams
    {
        get
        {
            var (operational, embodied) = (Number(ReportField.OperationalGrams), Number(ReportField.EmbodiedGrams));
            return Component switch
            {
                Operational => operational,
                Embodied => embodied,
                _ => operational + embodied,
            };
        }
    }

    /// <summary>Grams for each unit. The store says whether grams are of the whole time: those of a part of it over all of the work are no
    /// score.</summary>
    public double? Score => Number(ReportField.SciGramsPerUnit) is null ? null : Grams / Number(ReportField.Units);
}
