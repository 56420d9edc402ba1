using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;

namespace Metrics.Api.Explain;

/// <summary>Tells one traced hour of one deployment: from the samples to the facts, and from the facts to the sums.</summary>
internal sealed class Derivation
{
    /// <summary>Most entries told of each list; of the rest the number is told.</summary>
    public const int MostSources = 500,
        MostReadings = 10_000,
        MostFacts = 5_000,
        MostRules = 500;

    private readonly Trace trace;
    private readonly EnergyFact[] own;
    private readonly WorkFact[] work;
    private readonly TracedReading[] readings;
    private readonly EnergyFact[] around;
    private readonly List<ExplainedRule> rules;
    private readonly ILookup<(DateTime Start, long Resource), EnergyDecision> decisions;
    private readonly FactorDescriptions factors;
    private readonly Dictionary<string, int> leftOut = [];

    /// <param name="trace">The hour that holds the row's period.</param>
    /// <param name="request">Which row of it.</param>
    /// <param name="book">Where factors are looked up by name.</param>
    public Derivation(Trace trace, ExplainRequest request, FactorBook book)
    {
        this.trace = trace;
        factors = new FactorDescriptions(trace, book);
        own =
        [
            .. trace.Period.Energy.Where(fact =>
                fact.Deployment.Id == request.DeploymentId
                && (request.ResourceId is not { } resource || (fact.Resource.Id == resource && fact.Period.Start == request.PeriodStart))
            ),
        ];
        work = request.ResourceId is not null
            ? []
            :
            [
                .. trace.Period.Work.Where(fact =>
                    fact.Deployment.Id == request.DeploymentId && fact.FunctionalUnit == request.FunctionalUnit
                ),
            ];

        // A machine is told whole: what other boards and workloads drew of it decides what is left for this one.
        var hosts = own.Select(fact => HostOf(fact.Resource)).ToHashSet();
        var deployment = own.Select(fact => fact.Deployment).Concat(work.Select(fact => fact.Deployment)).FirstOrDefault();
        around = [.. trace.Period.Energy.Where(fact => hosts.Contains(HostOf(fact.Resource)) && InPeriod(fact.Period))];
        readings =
        [
            .. trace
                .Readings.Where(reading =>
                    InPeriod(reading.Period)
                    && (
                        reading.Resource is { } resource
                            ? hosts.Contains(HostOf(resource))
                            : request.ResourceId is null
                                && reading.Mapping.FunctionalUnit == request.FunctionalUnit
                                && reading.Workload == deployment?.Workload.Name
                                && reading.Place == deployment.Place.Name
                    )
                )
                .OrderBy(reading => reading.Period.Start)
                .ThenBy(reading => reading.Resource?.Id)
                .ThenBy(reading => reading.Component)
                .ThenBy(reading => reading.Series.Id)
                .ThenBy(reading => reading.Part, StringComparer.Ordinal),
        ];

        decisions = trace.Decisions.ToLookup(decision => (decision.Period.Start, decision.Resource.Id));
        var mine = readings.Select(reading => reading.Series.ToString()).ToHashSet(StringComparer.Ordinal);
        var sources = readings.Select(reading => reading.Series.Source).ToHashSet(StringComparer.Ordinal);
        rules =
        [
            .. trace
                .Covers.Where(act => hosts.Contains(HostOf(act.Resource)) && InPeriod(act.Period))
                .Select(act => new ExplainedRule(
                    SnakeCase.Of(act.Decision.Rule),
                    act.Decision.Subject,
                    act.Period.Start,
                    DecisionText.Rule(act.Decision)
                ))
                .OrderBy(rule => rule.At)
                .ThenBy(rule => rule.Subject, StringComparer.Ordinal),
            // What was refused whole has no reading, and no machine that it is known to be of: it is told of the sources that the row rests
            // on.
            .. trace
                .Period.Rejections.Where(rejection =>
                    sources.Contains(rejection.Source) && (request.ResourceId is null || mine.Contains(rejection.Subject))
                )
                .OrderBy(rejection => !mine.Contains(rejection.Subject))
                .Select(rejection => new ExplainedRule(SnakeCase.Of(rejection.Reason), rejection.Subject, rejection.At, rejection.Detail)),
        ];

        bool InPeriod(Interval period) => request.ResourceId is null || period.Start == request.PeriodStart;
    }

    /// <summary>The deployment's facts.</summary>
    public IReadOnlyList<EnergyFact> Own => own;

    /// <summary>Adds the lists to an explanation that has the row, its check and its formulas.</summary>
    /// <param name="explanation">What is known already.</param>
    /// <param name="samples">The samples that were traced, for the series told.</param>
    public Explanation Complete(Explanation explanation, IReadOnlyList<SeriesSamples> samples)
    {
        var listed = Most("readings", readings, MostReadings);
        var series = listed.Select(reading => reading.Series.Id).Distinct().ToHashSet();
        var mappings = readings
            .DistinctBy(reading => reading.Series.Id)
            .ToDictionary(reading => reading.Series.Id, reading => reading.Mapping);
        var sources = Most(
            "sources",
            [
                .. samples
                    .Where(one => series.Contains(one.Series.Id))
                    .OrderBy(one => one.Series.Source, StringComparer.Ordinal)
                    .ThenBy(one => one.Series.Metric, StringComparer.Ordinal)
                    .ThenBy(one => one.Series.Labels.ToString(), StringComparer.Ordinal)
                    .ThenBy(one => one.Series.Id),
            ],
            MostSources
        );
        var numbers = sources.Select((one, at) => (one.Series.Id, Number: at + 1)).ToDictionary(one => one.Id, one => one.Number);
        return explanation with
        {
            Facts = [.. Most("facts", own, MostFacts).Select(Describe)],
            Work =
            [
                .. Most("work", work, MostFacts)
                    .Select(fact => new ExplainedWork(fact.Period.Start, fact.Units, fact.Covered, fact.Mappings)),
            ],
            Cover = [.. Most("cover", Decisions(), MostFacts)],
            Shares = [.. Most("shares", Shares(), MostFacts)],
            Readings =
            [
                .. listed
                    .Where(reading => numbers.ContainsKey(reading.Series.Id))
                    .Select(reading => new ExplainedReading
                    {
                        Source = numbers[reading.Series.Id],
                        Resource = reading.Resource is { } resource ? Describe(resource) : null,
                        Component = DecisionText.Word(reading.Component),
                        Part = reading.Part,
                        PeriodStart = reading.Period.Start,
                        Amount = reading.Amount,
                        Unit = UnitOf(reading),
                        Seconds = reading.Seconds,
                        Workload = reading.Workload,
                        Used = reading.Used,
                        Why = DecisionText.WhyNot(reading.WhyNot),
                    }),
            ],
            Sources = [.. sources.Select(one => Describe(one, numbers[one.Series.Id], mappings[one.Series.Id]))],
            Factors =
            [
                .. own.SelectMany(fact => fact.Factors.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                    .Distinct(StringComparer.Ordinal)
                    .Order(StringComparer.Ordinal)
                    .Select(factors.Describe),
            ],
            Rules = Most("rules", rules, MostRules),
            LeftOut = leftOut,
        };
    }

    /// <summary>The steps from the facts to the sums of the hour, and from the sums to the ratios.</summary>
    /// <param name="sums">The row's sums; null when it is a fact.</param>
    public IReadOnlyList<Formula> Formulas(PeriodSums? sums) =>
        [.. SumFormulas.OfFacts(trace, own, work, sums), .. sums is null ? [] : RatioFormulas.Of(sums)];

    /// <summary>SHA-256 over the samples in the text form that the API documents.</summary>
    public static string Sha256(ReadOnlySpan<Sample> samples)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (ref readonly var sample in samples)
            hash.AppendData(
                Encoding.UTF8.GetBytes(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{sample.Start:yyyy-MM-ddTHH:mm:ss.ffffff}Z {sample.End:yyyy-MM-ddTHH:mm:ss.ffffff}Z {sample.Value:R}\n"
                    )
                )
            );
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private IReadOnlyList<T> Most<T>(string name, IReadOnlyList<T> all, int most)
    {
        if (all.Count <= most)
            return all;
        leftOut[name] = all.Count - most;
        return [.. all.Take(most)];
    }

    private static (string Place, string Host) HostOf(Resource resource) => (resource.Place.Name, resource.Node ?? resource.Name);

    private static string UnitOf(TracedReading reading) =>
        reading.Unit switch
        {
            AmountUnit.WorkUnits => reading.Mapping.FunctionalUnit!,
            AmountUnit.FullLoadSeconds => "s",
            _ => "J",
        };

    private static double? Joules(EnergyFact fact) => fact[Measures.Server] ?? fact[Measures.Accelerator] ?? fact[Measures.Rack];

    private static double? Total(IEnumerable<EnergyFact> facts, Func<EnergyFact, double?> of) =>
        facts.Aggregate((double?)null, (sum, fact) => of(fact) is { } more ? (sum ?? 0) + more : sum);

    private List<WorkloadShare> Shares()
    {
        var shares = new List<WorkloadShare>();
        foreach (var group in ByResource())
        {
            var total = Total(group, Joules);
            shares.AddRange(
                group
                    .OrderBy(fact => fact.Deployment.Workload.Name, StringComparer.Ordinal)
                    .Select(fact => new WorkloadShare(
                        Describe(fact.Resource),
                        fact.Period.Start,
                        fact.Deployment.Workload.Name,
                        Joules(fact),
                        total > 0 ? Joules(fact) / total : null,
                        total > 0 && Joules(fact) != total ? By(fact) : null
                    ))
            );
        }
        return shares;
    }

    private List<ExplainedCover> Decisions() => [.. ByResource().Select(group => Describe([.. group], [.. decisions[group.Key]]))];

    private IOrderedEnumerable<IGrouping<(DateTime Start, long Id), EnergyFact>> ByResource() =>
        around.GroupBy(fact => (fact.Period.Start, fact.Resource.Id)).OrderBy(group => group.Key.Start).ThenBy(group => group.Key.Id);

    /// <summary>What was decided about a resource in a period: once, or twice where it is read both as a machine and as its
    /// accelerators.</summary>
    private ExplainedCover Describe(List<EnergyFact> facts, List<EnergyDecision> decided)
    {
        var (accelerator, server, rack) = (
            Total(facts, fact => fact[Measures.Accelerator]),
            Total(facts, fact => fact[Measures.Server]),
            Total(facts, fact => fact[Measures.Rack])
        );
        var missing = facts.Aggregate(MissingReasons.None, (all, fact) => all | fact.Missing);
        return new ExplainedCover(
            Describe(facts[0].Resource),
            facts[0].Period.Start,
            facts[0].Cover.Word(),
            server ?? accelerator ?? rack,
            Joined(decision => DecisionText.Energy(decision, accelerator, missing)) ?? "",
            Joined(DecisionText.Bounds),
            Idle(facts, decided),
            facts.Exists(fact => fact[Measures.Embodied] is not null) ? Joined(DecisionText.Embodied) : null
        );

        string? Joined(Func<EnergyDecision, string?> text) =>
            decided.Select(text).OfType<string>().ToList() is { Count: > 0 } texts ? string.Join("; ", texts) : null;
    }

    /// <summary>How the idle part of the row's own workload was found.</summary>
    private string? Idle(List<EnergyFact> facts, List<EnergyDecision> decided) =>
        facts.Find(fact => fact[Measures.Idle] is not null && fact.Deployment.Id == own[0].Deployment.Id) is { } fact
        && fact[Measures.Idle] is { } idle
        && Joules(fact) is { } joules
            ? DecisionText.Idle(
                decided.Select(decision => ShareOf(decision, fact)?.Idle).FirstOrDefault(known => known is not null),
                joules,
                idle,
                facts.Count > 1 ? $" of {fact.Deployment.Workload.Name}" : ""
            )
            : null;

    /// <summary>What gave a workload its share of a resource.</summary>
    private string? By(EnergyFact fact) =>
        decisions[(fact.Period.Start, fact.Resource.Id)]
            .Select(decision => ShareOf(decision, fact) is { } share ? DecisionText.By(share, fact.Cover.Word()) : null)
            .OfType<string>()
            .ToList()
            is { Count: > 0 } texts
            ? string.Join("; ", texts)
            : null;

    private static ShareDecision? ShareOf(EnergyDecision decision, EnergyFact fact) =>
        decision.Shares.FirstOrDefault(share => share.Workload == fact.Deployment.Workload.Name);

    private static ExplainedResource Describe(Resource resource) =>
        new(resource.Id.ToString(CultureInfo.InvariantCulture), resource.Kind, resource.Name, resource.Node);

    private static ExplainedFact Describe(EnergyFact fact) =>
        new()
        {
            Resource = Describe(fact.Resource),
            PeriodStart = fact.Period.Start,
            PeriodEnd = fact.Period.End,
            Values = fact.Values,
            Evidence = DecisionText.Word(fact.Evidence),
            Cover = fact.Cover.Word(),
            Mappings = fact.Mappings,
            Factors = fact.Factors,
            Missing = fact.Missing.Text(),
        };

    private static ExplainedSource Describe(SeriesSamples one, int number, MetricMapping mapping)
    {
        var samples = one.Samples.Span;
        return new ExplainedSource
        {
            Number = number,
            Source = one.Series.Source,
            Provider = one.Series.Provider,
            Metric = one.Series.Metric,
            Labels = one.Series.Labels.Pairs.ToDictionary(StringComparer.Ordinal),
            Statistic = one.Series.Statistic.ToString(),
            PeriodSeconds = one.Series.Period.TotalSeconds,
            Samples = samples.Length,
            First = samples.IsEmpty ? null : new ExplainedSample(samples[0].Start, samples[0].End, samples[0].Value),
            Last = samples.IsEmpty ? null : new ExplainedSample(samples[^1].Start, samples[^1].End, samples[^1].Value),
            Sha256 = Sha256(samples),
            Mapping = new ExplainedMapping
            {
                Name = string.Create(CultureInfo.InvariantCulture, $"{mapping.Id}@{mapping.Version}"),
                Unit = mapping.Unit.Symbol,
                Numerator = mapping.Unit.Numerator,
                Denominator = mapping.Unit.Denominator,
                Kind = mapping.Kind.ToString(),
                Quantity = DecisionText.Word(mapping.Unit.Quantity),
                Component = DecisionText.Word(mapping.Component),
                FunctionalUnit = mapping.FunctionalUnit,
                Evidence = DecisionText.Word(mapping.Evidence),
                Hold = mapping.Hold,
                WrapsAt = mapping.WrapsAt,
                MaxSpanSeconds = mapping.MaxSpan.TotalSeconds,
                IdleWatts = mapping.Power?.IdleWatts,
                MaxWatts = mapping.Power?.MaxWatts,
                Reference = mapping.Reference,
            },
        };
    }
}
