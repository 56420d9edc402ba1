using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;

namespace Metrics.Domain.Normalisation;

/// <summary>Energy of APIs that report none, estimated from the output tokens that were taken as work, each model's as a resource of kind
/// <c>endpoint</c>.</summary>
/// <remarks>
/// The value has the batch of EcoLogits' releases, and half way between the bounds of the model's size where that is not published.
/// Bits and rate of tokens are those that are published of the model, else the formula's. The bounds are those of
/// <see cref="TokenEnergyRange"/>: any batch, any board, any use of it.
/// </remarks>
/// <param name="period">The period of the pass, which tells once whose model is unknown.</param>
/// <param name="models">Sizes of models; null: nothing is estimated.</param>
/// <param name="workloads">Whose configured model counts where no label names one.</param>
/// <param name="provenance">Sets of mappings and factors.</param>
/// <param name="trace">Receives what is decided; null when nobody asks.</param>
/// <param name="rejections">Receives the series whose model is unknown.</param>
internal sealed class Estimates(
    Interval period,
    ModelTable? models,
    IReadOnlyList<Workload> workloads,
    Provenance provenance,
    List<Rejection> rejections,
    DecisionTrace? trace
)
{
    private static readonly TokenEnergyModel Formula = TokenEnergyModel.EcoLogits;

    private readonly Dictionary<KnownSeries, (string Name, KnownModel Model)?> served = [];
    private readonly Dictionary<(int Workload, string Place, string? Account, string Name, int Bin), Tokens> sums = [];
    private readonly Dictionary<(string Place, string? Account, string Name), MeteredResource> endpoints = [];

    /// <summary>Output tokens that a series counted in a stretch of a grid period. Pieces of one period come by their start.</summary>
    public void Add(KnownSeries series, in Piece piece)
    {
        if (models is null || ServedBy(series) is not { } model)
            return;
        var key = (series.Workload, series.Place.Name, series.Account, model.Name, piece.Bin);
        if (!sums.TryGetValue(key, out var tokens))
            sums.Add(key, tokens = new Tokens(series.Place, model.Model));
        tokens.Count += piece.Amount;
        tokens.Covered += Math.Max(0, piece.To - Math.Max(piece.From, tokens.Until));
        tokens.Until = Math.Max(tokens.Until, piece.To);
        tokens.Mappings = provenance.Union(tokens.Mappings, series.Mappings);
    }

    public void Enter(Accounts accounts)
    {
        foreach (var ((workload, place, account, name, bin), tokens) in sums)
        {
            if (!endpoints.TryGetValue((place, account, name), out var endpoint))
                endpoints.Add(
                    (place, account, name),
                    endpoint = new MeteredResource("endpoint", name, tokens.Place, account, account ?? "")
                );
            var model = tokens.Model;
            var timing = model.TokensPerSecond is { } rate ? new RequestTiming(TokensPerSecond: rate) : RequestTiming.Unknown;
            var formula = model.Bits is { } bits ? Formula with { BitsPerParameter = bits } : Formula;
            var value = formula.Estimate(model.Size, tokens.Count, timing, SiteFactors.Unknown);
            var (boards, servers) = TokenEnergyRange.Of(model.Size, model.Bits, tokens.Count, timing);
            var server = Middle(value.Low.Server.Joules, value.High.Server.Joules);
            var reading = new Reading(
                server,
                servers.Low,
                servers.High,
                0,
                tokens.Covered,
                Evidence.Estimated,
                tokens.Mappings,
                provenance.Of(model.FactorName)
            );
            trace?.Decide(
                endpoint,
                bin,
                Measures.Server,
                EnergyCover.Estimate,
                server,
                [
                    new ShareDecision(
                        trace.NameOf(workload),
                        [new ShareKey(ShareRule.Series, 1, 1, "")],
                        new IdleDecision(IdleRule.Nothing, 1, null)
                    ),
                ],
                decision =>
                    decision with
                    {
                        Rule = EnergyRule.Estimate,
                        Estimate = new EstimateDecision(
                            tokens.Count,
                            value.Low.Server.Joules,
                            value.High.Server.Joules,
                            servers,
                            model.FactorName
                        )
                        {
                            Bits = model.Bits,
                            TokensPerSecond = model.TokensPerSecond,
                        },
                    }
            );
            var accelerator = Middle(value.Low.Accelerator.Joules, value.High.Accelerator.Joules);
            // Nobody reserves the hardware of an API, so none of it stands idle for the one who asks.
            accounts.Enter(
                new Share
                {
                    Workload = workload,
                    Resource = endpoint,
                    Bin = bin,
                    Reading = reading,
                    Time = ShareTime.Of(Piece.Seconds(tokens.Covered)),
                    Accelerator = accelerator,
                    AcceleratorRange = new Extent(boards.Low, boards.High),
                    Server = server,
                    ServerRange = new Extent(servers.Low, servers.High),
                    Idle = 0,
                    IdleBy = IdleMeans.Load,
                    Embodied = Middle(value.Low.Embodied.Grams, value.High.Embodied.Grams),
                    Cover = EnergyCover.Estimate,
                }
            );
        }
    }

    private static double Middle(double low, double high) => (low + high) / 2;

    /// <summary>The model behind a series, asked once a pass: the first that a label names and the table knows, else what the workload is
    /// configured to use: the id of a profile says nothing of the model behind it.</summary>
    private (string Name, KnownModel Model)? ServedBy(KnownSeries series)
    {
        if (served.TryGetValue(series, out var known))
            return known;
        var configured = series.Workload == WorkloadClaims.Unclaimed ? null : workloads[series.Workload].Model;
        var name = configured;
        List<string> named = [.. series.Mapping.EstimateModel!.Select(label => series.Series.Labels[label]).OfType<string>()];
        foreach (var candidate in named.Concat(configured is null ? [] : [configured]))
            if (known is null && models!.Find(candidate) is { } model)
                known = (candidate, model);
        name = named.FirstOrDefault() ?? name;
        if (known is null && Interpreter.LastIn(period, series.Samples.Span) is { } at)
        {
            var why = name is null
                ? "no label and no workload names the model; give the workload its Model"
                : $"the model '{name}' is in no table; give the workload its Model, or add it to the models of the configuration";
            rejections.Add(
                new Rejection(
                    series.Series.Source,
                    series.Series.ToString(),
                    at,
                    RejectionReason.ModelUnknown,
                    $"No energy can be estimated for the output tokens of {series.Series}: {why}. The tokens are counted."
                )
            );
        }
        served.Add(series, known);
        return known;
    }

    private sealed class Tokens(Place place, KnownModel model)
    {
        public Place Place => place;

        public KnownModel Model => model;

        public double Count { get; set; }

        public long Covered { get; set; }

        public long Until { get; set; }

        public MappingSet Mappings { get; set; }
    }
}
