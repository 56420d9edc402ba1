using System.Globalization;
using Metrics.Domain.Facts;
using Metrics.Storage.Queries;

namespace Metrics.Api.Reports.Kinds;

/// <summary>A kind with a row, or some, for each deployment and period: columns before those of its own say when and where, those after
/// them how far to trust it.</summary>
public abstract class PeriodKind<TRow> : ReportKind<TRow>
    where TRow : PeriodRow
{
    private readonly Measure restated;

    /// <param name="name">As it is asked for.</param>
    /// <param name="title">What people call it.</param>
    /// <param name="restated">The measure whose value before a restatement is told.</param>
    /// <param name="cells">Its columns.</param>
    /// <param name="notes">What a reader of it has to know.</param>
    private protected PeriodKind(
        string name,
        string title,
        Measure restated,
        IReadOnlyList<ReportCell<TRow>> cells,
        IReadOnlyList<string> notes
    )
        : base(name, title, cells, notes) => this.restated = restated;

    /// <summary>When and where.</summary>
    private protected static ReportCell<TRow>[] Where() =>
        [
            Time("PeriodStart", "First instant of the period, UTC.", row => row.Time(ReportField.PeriodStart)),
            Time("PeriodEnd", "End of the period, UTC, exclusive.", row => row.Time(ReportField.PeriodEnd)),
            Text("Workload", "What does the work, as configured; 'unattributed' is what no rule claims.", row =>
                row.Text(ReportField.Workload)
            ),
            Text("Model", "The model that it serves.", row => row.Text(ReportField.Model)),
            Text("Precision", "Number format of its weights.", row => row.Text(ReportField.Precision)),
            Text("Provider", "Who runs the place: aws, azure, gcp, onprem ...", row => row.Text(ReportField.Provider)),
            Text("Account", "Account, subscription or project, where the source tells it.", row => row.Text(ReportField.Account)),
            Text("Region", "Region of the provider, or name of the site.", row => row.Text(ReportField.Region)),
            Text("Country", "Country of the place, ISO 3166-1 alpha-2.", row => row.Text(ReportField.Country)),
            Text("Hardware", "Hardware that it runs on.", row => row.Text(ReportField.Hardware)),
            Text("DeploymentId", "Key of the deployment in /odata/Deployments.", row => row.DeploymentKey),
        ];

    /// <summary>A measure of the row.</summary>
    private protected static ReportCell<TRow> Amount(string name, string description, Measure measure, ReportUnit unit) =>
        Amount(name, description, unit, row => row.Number(measure));

    /// <summary>How far to trust it.</summary>
    /// <param name="previous">Name of the column of the value before a restatement.</param>
    /// <param name="unit">The column's unit.</param>
    /// <param name="value">That value as it is now, in the store's unit.</param>
    private protected static ReportCell<TRow>[] Trust(string previous, ReportUnit unit, Func<TRow, double?> value) =>
        [
            Amount("LowMWh", "The least that the energy can be.", Measures.Low, ReportUnit.MWh),
            Amount("HighMWh", "The most that the energy can be.", Measures.High, ReportUnit.MWh),
            Text(
                "Quality",
                "measured (by meters), modelled (from utilisation) or sourced (from published figures for each unit of work); the "
                    + "worst of the inputs.",
                row => row.Quality
            ),
            Text("Evidence", "The same in four steps: measured, derived, modelled, estimated.", row => row.Text(ReportField.Evidence)),
            Number("MeasuredShare", "Share of the energy that meters told, from 0 to 1.", row => row.Number(Ratios.MeasuredShare), "1"),
            Number(
                "Coverage",
                "Share of the period for which readings exist, from 0 to 1. Nothing is interpolated.",
                row => row.Number(Ratios.Coverage) is { } coverage ? Math.Min(1, coverage) : null,
                "1"
            ),
            Text(
                "FactorVersions",
                "Names of the factors that the row was made with; their values, sources and vintages stand with the report.",
                row => row.Text(ReportField.FactorVersion)
            ),
            Text("Missing", "Why values are unknown.", row => row.Text(ReportField.Missing)),
            Flag("Restated", "Whether a final number of the period was changed.", row => row.Restated),
            Amount(previous, "The value before it was changed; unknown when it was not, or was not known before.", unit, row =>
                value(row) - row.RestatedBy
            ),
            Time("ComputedAt", "When the numbers were computed, UTC.", row => row.Time(ReportField.RecomputedAt)),
            Text("EvidenceLink", "Where the derivation is told, down to the series with their hashes.", row => row.Link),
        ];

    /// <summary>The rows, with the measure before a restatement.</summary>
    private protected Task<ReportRows> ReadAsync(ReportSource source) => source.Queries.RowsAsync(restated);
}

/// <summary>A kind with one row for each deployment and period.</summary>
public abstract class DeploymentKind : PeriodKind<PeriodRow>
{
    private protected DeploymentKind(
        string name,
        string title,
        Measure restated,
        IReadOnlyList<ReportCell<PeriodRow>> cells,
        IReadOnlyList<string> notes
    )
        : base(name, title, restated, cells, notes) { }

    internal override async IAsyncEnumerable<ReportValue[]> RowsAsync(ReportSource source)
    {
        await using var rows = await ReadAsync(source);
        var from = new PeriodRow(rows, source.Queries.Selection.Set);
        var row = new ReportValue[Columns.Count];
        while (await from.NextAsync())
        {
            if (!from.IsNewDeployment)
                continue;
            Fill(row, from);
            yield return row;
        }
    }
}

/// <summary>The stored row that a report is at, as reports tell it.</summary>
/// <param name="rows">Where it comes from.</param>
/// <param name="set">The entity set that it is of.</param>
public class PeriodRow(ReportRows rows, string set)
{
    private readonly Dictionary<long, string> keys = [];
    private (long Deployment, DateTime Start) last;
    private string? link;

    /// <summary>Key of the deployment.</summary>
    public long Deployment => last.Deployment;

    /// <summary>Whether the row is the first of its deployment and period: the energy of a deployment stands on the row of each of its
    /// units.</summary>
    public bool IsNewDeployment { get; private set; }

    /// <summary>Key of the deployment, as text.</summary>
    public string DeploymentKey
    {
        get
        {
            if (!keys.TryGetValue(last.Deployment, out var key))
                keys.Add(last.Deployment, key = last.Deployment.ToString(CultureInfo.InvariantCulture));
            return key;
        }
    }

    /// <summary>Evidence in three words.</summary>
    public string Quality =>
        Text(ReportField.Evidence) switch
        {
            "measured" or "derived" => "measured",
            "modelled" => "modelled",
            _ => "sourced",
        };

    /// <summary>Whether a final number of the period was changed.</summary>
    public bool Restated => !rows.IsNull(ReportField.Restatements) && rows.Integer(ReportField.Restatements) > 0;

    /// <summary>By how much the restated measure changed; null: it did not, or was not known before.</summary>
    public double? RestatedBy =>
        !rows.IsNull(ReportField.RestatedBy) && rows.Integer(ReportField.UnknownBefore) == 0 ? rows.Number(ReportField.RestatedBy) : null;

    /// <summary>Where the derivation is told.</summary>
    public string Link
    {
        get
        {
            if (link is not null)
                return link;
            var unit = Uri.EscapeDataString(Text(ReportField.FunctionalUnit)!.Replace("'", "''", StringComparison.Ordinal));
            var start = ReportText.Of(last.Start);
            return link = $"/odata/{set}(DeploymentId={DeploymentKey},FunctionalUnit='{unit}',PeriodStart={start})";
        }
    }

    /// <summary>A measure; null where it is unknown.</summary>
    public double? Number(Measure measure) => rows.Number(measure);

    /// <summary>A ratio, as it is stored; null where there is none.</summary>
    public double? Number(Ratio ratio) => rows.Number(ratio);

    /// <summary>A text; null where it is unknown.</summary>
    public string? Text(ReportField field) => rows.Text(field);

    /// <summary>A time, UTC.</summary>
    public DateTime Time(ReportField field) => rows.Time(field);

    /// <summary>Goes to the next row.</summary>
    /// <returns>False after the last.</returns>
    public async ValueTask<bool> NextAsync()
    {
        if (!await rows.NextAsync())
            return false;
        var now = (rows.Integer(ReportField.DeploymentId), rows.Time(ReportField.PeriodStart));
        IsNewDeployment = now != last;
        (last, link) = (now, null);
        return true;
    }
}
