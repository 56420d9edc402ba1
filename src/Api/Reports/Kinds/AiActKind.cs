using Metrics.Domain.Facts;
using Metrics.Domain.Messages;
using Metrics.Domain.Quantities;
using Metrics.Storage.Queries;

namespace Metrics.Api.Reports.Kinds;

/// <summary>Energy of models, as annex XI of the AI Act asks for it: one row a model over the whole period.</summary>
public sealed class AiActKind : ReportKind<ModelSums>
{
    internal AiActKind()
        : base(
            "ai-act",
            "Energy of general-purpose AI models",
            [
                Text("Model", "The model, as configured.", row => row.Model),
                Time("PeriodStart", "First instant of the period, UTC.", row => row.From),
                Time("PeriodEnd", "End of the period, UTC, exclusive.", row => row.To),
                Text("KnownOrEstimated", "known: told by meters for the most part; estimated: otherwise.", row =>
                    row.MeasuredShare >= 0.5 ? "known" : "estimated"
                ),
                Amount("ItMWh", "Energy of the IT equipment that served the model.", Measures.Server, ReportUnit.MWh),
                Amount("FacilityMWh", "Energy of the facilities.", Measures.Facility, ReportUnit.MWh),
                Amount("LowMWh", "The least that the energy can be.", Measures.Low, ReportUnit.MWh),
                Amount("HighMWh", "The most that the energy can be.", Measures.High, ReportUnit.MWh),
                Amount("LocationBasedTonnes", "Emissions of the electricity, location-based.", Measures.Operational, ReportUnit.Tonnes),
                Number("OutputTokens", "Output tokens served.", row => row.OutputTokens),
                Number("Requests", "Requests served.", row => row.Requests),
                Number("Deployments", "Deployments of the model.", row => row.Deployments),
                Text("Evidence", "The worst evidence of its inputs.", row => row.Evidence.ToWord()),
                Number("MeasuredShare", "Share of the energy that meters told.", row => row.MeasuredShare, "1"),
                Number("Coverage", "Share of the period for which readings exist, of its deployments together.", row => row.Coverage, "1"),
                Text("FactorVersions", "Names of the factors.", row => row.Factors),
            ],
            [
                "Annex XI, section 1, 2(e) of Regulation (EU) 2024/1689 asks for the known or estimated energy consumption of a "
                    + "general-purpose AI model. This is the energy of its use; training is in it only as far as it was read as a workload "
                    + "of the same model.",
            ]
        ) { }

    /// <inheritdoc/>
    public override bool HasPeriods => false;

    private static ReportCell<ModelSums> Amount(string name, string description, Measure measure, ReportUnit unit) =>
        Amount(name, description, unit, sums => sums[measure]);

    internal override async IAsyncEnumerable<ReportValue[]> RowsAsync(ReportSource source)
    {
        var (from, to) = (source.Request.From, source.Request.To);
        var models = new SortedDictionary<string, ModelSums>(StringComparer.Ordinal);
        await using (var rows = await source.Queries.RowsAsync(Measures.Facility))
        {
            var row = new PeriodRow(rows, source.Queries.Selection.Set);
            while (await row.NextAsync())
            {
                if (row.Text(ReportField.Model) is not { } model)
                    continue;
                if (!models.TryGetValue(model, out var sums))
                    models.Add(model, sums = new ModelSums(model, from, to));
                sums.Add(row);
            }
        }
        var values = new ReportValue[Columns.Count];
        foreach (var sums in models.Values)
        {
            Fill(values, sums);
            yield return values;
        }
    }
}

/// <summary>The sums of one model. What is unknown in a row adds nothing; what is unknown in all is unknown.</summary>
/// <param name="model">The model.</param>
/// <param name="from">Start of the period, UTC.</param>
/// <param name="to">End of the period, UTC.</param>
public sealed class ModelSums(string model, DateTime from, DateTime to)
{
    private static readonly Measure[] Summed = [Measures.Server, Measures.Facility, Measures.Low, Measures.High, Measures.Operational];

    private readonly double?[] sums = new double?[Measures.All.Length];
    private readonly HashSet<long> deployments = [];
    private readonly SortedSet<string> factors = new(StringComparer.Ordinal);
    private double? known,
        measured;
    private double seconds,
        present;

    /// <summary>The model.</summary>
    public string Model { get; } = model;

    /// <summary>Start, UTC.</summary>
    public DateTime From { get; } = from;

    /// <summary>End, UTC, exclusive.</summary>
    public DateTime To { get; } = to;

    /// <summary>Output tokens.</summary>
    public double? OutputTokens { get; private set; }

    /// <summary>Requests.</summary>
    public double? Requests { get; private set; }

    /// <summary>The sum of a measure; null when it is unknown, or none that is asked for.</summary>
    public double? this[Measure measure] => sums[measure.Index];

    /// <summary>How many deployments served it.</summary>
    public int Deployments => deployments.Count;

    /// <summary>Share of the energy that meters told.</summary>
    public double? MeasuredShare => known > 0 ? measured / known : null;

    /// <summary>Share of the time of all deployments for which readings exist.</summary>
    public double Coverage => present > 0 ? Math.Min(1, seconds / present) : 0;

    /// <summary>The worst evidence.</summary>
    public Evidence Evidence { get; private set; }

    /// <summary>Names of the factors, sorted.</summary>
    public string Factors => string.Join(' ', factors);

    /// <summary>Adds a row of the model.</summary>
    public void Add(PeriodRow row)
    {
        if (row.Text(ReportField.FunctionalUnit) == "output-token")
            OutputTokens = Plus(OutputTokens, row.Number(Measures.Units));
        if (row.Text(ReportField.FunctionalUnit) == "request")
            Requests = Plus(Requests, row.Number(Measures.Units));
        // The energy of a deployment stands on the row of each of its units.
        if (!row.IsNewDeployment)
            return;
        deployments.Add(row.Deployment);
        foreach (var measure in Summed)
            sums[measure.Index] = Plus(sums[measure.Index], row.Number(measure));
        var there = row.Number(Measures.Present) ?? 0;
        present += there;
        seconds += (row.Number(Ratios.Coverage) ?? 0) * there;
        if (row.Number(Ratios.MeasuredShare) is { } share && row.Number(Measures.Server) is { } joules)
        {
            known = Plus(known, joules);
            measured = Plus(measured, joules * share);
        }
        var evidence = Words.Parse<Evidence>(row.Text(ReportField.Evidence)!);
        if (evidence > Evidence)
            Evidence = evidence;
        factors.UnionWith((row.Text(ReportField.FactorVersion) ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries));
    }

    private static double? Plus(double? sum, double? more) => more is null ? sum : (sum ?? 0) + more;
}
