using Metrics.Api.Comparing;
using Metrics.Api.Http;
using Metrics.Domain.Facts;
using Metrics.Domain.Messages;
using Metrics.Storage.Queries;

namespace Metrics.Api.Reports.Kinds;

/// <summary>Deployments compared, as <c>/api/placements</c> ranks them.</summary>
public sealed class ComparisonKind : ReportKind<ComparisonRow>
{
    internal ComparisonKind()
        : base(
            "comparison",
            "Comparison of deployments",
            [
                Number("Group", "Deployments of one group may be ranked with each other; empty: left out.", row => row.Group),
                Number("Rank", "From the least joules for each unit to the most.", row => row.Rank),
                Text("Verdict", "ranked, differs (and in what) or left out (and why).", row => row.Verdict),
                Text("Workload", "What does the work.", row => row.Compared.Workload),
                Text("Model", "The model that it serves.", row => row.Compared.Model),
                Text("Precision", "Number format of its weights.", row => row.Compared.Precision),
                Text("Provider", "Who runs the place.", row => row.Sums.Provider),
                Text("Region", "Region of the provider, or name of the site.", row => row.Sums.Region),
                Text("Hardware", "Hardware that it runs on.", row => row.Compared.Hardware),
                Text("DeploymentId", "Key of the deployment in /odata/Deployments.", row => row.Compared.Deployment),
                Text("FunctionalUnit", "What work is counted in.", row => row.Compared.FunctionalUnit),
                Number("Units", "How many were done.", row => row.Compared.Units),
                Number("Joules", "Energy of the facility.", row => row.Compared.Energy.Value, "J", "JOU"),
                Number("JoulesPerUnit", "Sum of joules over sum of units.", row => row.Ranked?.PerUnit, "J", "JOU"),
                Number(
                    "LowJoulesPerUnit",
                    "The least that it can be.",
                    row => row.Ranked?.Row.BoundsPerUnit(RankedBy.Energy)?.Low,
                    "J",
                    "JOU"
                ),
                Number(
                    "HighJoulesPerUnit",
                    "The most that it can be.",
                    row => row.Ranked?.Row.BoundsPerUnit(RankedBy.Energy)?.High,
                    "J",
                    "JOU"
                ),
                Flag("Certain", "No: its bounds meet a neighbour's, and the true order may be another one.", row => row.Ranked?.Certain),
                Number(
                    "SavingAgainstWorst",
                    "Share for each unit that the worst of the group would save by being like this one.",
                    row => row.Ranked?.SavingAgainstWorst,
                    "1"
                ),
                Number(
                    "GramsPerUnit",
                    "Operational (location-based) and embodied grams for each unit.",
                    row => row.Compared.PerUnit(RankedBy.Carbon),
                    "g",
                    "GRM"
                ),
                Text("Evidence", "The worst evidence of its inputs.", row => row.Compared.Evidence.ToWord()),
                Number("MeasuredShare", "Share of the energy that meters told.", row => row.Compared.MeasuredShare, "1"),
                Number("Coverage", "Share of the period for which readings exist.", row => row.Compared.Coverage, "1"),
                Text("FactorVersions", "Names of the factors.", row => string.Join(' ', row.Sums.Factors)),
            ],
            ["Only like is ranked with like: the same model, precision, unit, boundary, idle policy and class of evidence."]
        ) { }

    /// <inheritdoc/>
    public override bool NeedsUnit => true;

    /// <inheritdoc/>
    public override bool HasPeriods => false;

    internal override PeriodLength LengthOf(ReportGrain grain) => PeriodLength.Hour;

    internal override async IAsyncEnumerable<ReportValue[]> RowsAsync(ReportSource source)
    {
        var request = source.Request;
        var (errors, reasons) = (new RequestErrors(), new List<string>());
        List<(string, string?)> given = [("unit", request.Unit), ("from", ReportText.Of(request.From)), ("to", ReportText.Of(request.To))];
        var comparison = ComparisonRequest.Read(given, source.Now, errors) is { } comparing
            ? await DeploymentComparison.ReadAsync(source.Session, comparing, source.Conversions, source.Now, reasons)
            : null;
        if (comparison is null)
            throw new ReportError(ProblemCode.InvalidComparison, string.Join(' ', errors.Select(error => error.Detail).Concat(reasons)));
        var rows = comparison
            .Result.Groups.SelectMany(
                (group, at) =>
                    group.Rows.Select(
                        (ranked, place) =>
                            new ComparisonRow(
                                at + 1,
                                place + 1,
                                group.Differences.Count == 0 ? "ranked" : $"differs: {string.Join("; ", group.Differences)}",
                                ranked.Row,
                                ranked,
                                comparison.Sums[ranked.Row.Deployment]
                            )
                    )
            )
            .Concat(
                comparison.Result.LeftOut.Select(left => new ComparisonRow(
                    null,
                    null,
                    $"left out: {string.Join("; ", left.Reasons)}",
                    left.Row,
                    null,
                    comparison.Sums[left.Row.Deployment]
                ))
            )
            .Where(row =>
                (request.Workload is null || row.Compared.Workload == request.Workload)
                && (request.Provider is null || row.Sums.Provider == request.Provider)
            );
        var values = new ReportValue[Columns.Count];
        foreach (var row in rows)
        {
            Fill(values, row);
            yield return values;
        }
    }
}

/// <summary>A deployment of a comparison.</summary>
/// <param name="Group">Number of its group; null: left out.</param>
/// <param name="Rank">Its place in the group; null: left out.</param>
/// <param name="Verdict">Whether it is ranked, and why not.</param>
/// <param name="Compared">What was compared.</param>
/// <param name="Ranked">The same as it was ranked; null: left out.</param>
/// <param name="Sums">The sums behind it.</param>
public sealed record ComparisonRow(int? Group, int? Rank, string Verdict, ComparableRow Compared, RankedRow? Ranked, DeploymentSums Sums);
