using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Domain.Tests.Fleets;
using RollUp = Metrics.Domain.Facts.RollUp;

namespace Metrics.Domain.Tests.Cases;

/// <summary>Telemetry in the words of exporters, and the whole chain over it: the catalogue that is shipped, facts, the sums of hours and
/// of the day. Times are minutes after ten on 5 January 2026, UTC; what is said without a time is said from five minutes before an hour to
/// five after it, every minute.</summary>
internal sealed class Hall
{
    private readonly List<Observation> observations = [];
    private readonly List<Workload> workloads = [];
    private readonly Dictionary<string, Place> places = [];
    private readonly Dictionary<string, string> hardware = [];
    private int counts;

    /// <summary>Minutes between two samples.</summary>
    public double Step { get; init; } = 1;

    /// <summary>Hours that are told.</summary>
    public int Hours { get; init; } = 1;

    public FactorBook Factors { get; init; } = FactorBook.Published;

    /// <summary>A source, where it stands, and a workload of the same name with every engine of the source, or those whose pod is named
    /// so.</summary>
    public Hall Site(string source, double pue, string? pods = null, string? machines = null)
    {
        places[source] = new Place($"onprem/{source}", "DE", pue);
        if (machines is not null)
            hardware[source] = machines;
        return Workload(source, source, pods);
    }

    /// <summary>A workload of the pods of a source.</summary>
    public Hall Workload(string name, string source, string? pods)
    {
        IReadOnlyDictionary<string, string> labels = pods is null ? new Dictionary<string, string>() : new() { ["pod"] = pods };
        workloads.Add(new Workload(name, "org/one", null, [new WorkloadRule(source, labels)]));
        return this;
    }

    /// <summary>Another source of the same machines and engines: its series are the workload's too.</summary>
    public Hall Twin(string source, string of)
    {
        places[source] = places[of];
        var at = workloads.FindIndex(workload => workload.Name == of);
        workloads[at] = workloads[at] with { Rules = [.. workloads[at].Rules, new WorkloadRule(source, workloads[at].Rules[0].Labels)] };
        return this;
    }

    /// <summary>A board as DCGM tells it.</summary>
    public Hall Board(string source, string host, int index, double watts, string? pod, params (double From, double To)[] when) =>
        Level(
            source,
            "DCGM_FI_DEV_POWER_USAGE",
            watts,
            [
                ("UUID", $"GPU-{host}-{index}"),
                ("gpu", $"{index}"),
                ("Hostname", host),
                ("modelName", "NVIDIA H100 80GB HBM3"),
                ("pod", pod ?? ""),
                ("namespace", pod is null ? "" : "serving"),
            ],
            when
        );

    /// <summary>A server's own meter as the IPMI exporter tells it.</summary>
    public Hall Server(string source, string host, double watts, params (double From, double To)[] when) =>
        Level(source, "ipmi_dcmi_power_consumption_watts", watts, [("instance", $"{host}:9290")], when);

    /// <summary>The packages of a server as node_exporter tells them.</summary>
    public Hall Package(string source, string host, double watts) =>
        Count(source, "node_rapl_package_joules_total", watts, [("index", "0"), ("instance", $"{host}:9100")]);

    /// <summary>An engine's count of output tokens.</summary>
    public Hall Engine(string source, string pod, double perSecond, params (double From, double To)[] when) =>
        Count(
            source,
            "vllm:generation_tokens_total",
            perSecond,
            [("pod", pod), ("namespace", "serving"), ("model_name", "org/one"), ("instance", $"{pod}:8000")],
            when
        );

    /// <summary>The same value at each sample.</summary>
    public Hall Level(string source, string metric, double value, (string, string)[] labels, params (double From, double To)[] when) =>
        Add(source, metric, labels, when, _ => value);

    /// <summary>A count that rises evenly and has run for long, from a base of its own: two that agree would be one.</summary>
    public Hall Count(string source, string metric, double perSecond, (string, string)[] labels, params (double From, double To)[] when)
    {
        var start = 7_000_000 + 12_345 * counts++;
        return Add(source, metric, labels, when, minute => start + perSecond * 60 * (minute + 5));
    }

    /// <summary>Single samples.</summary>
    public Hall Samples(string source, string metric, (string, string)[] labels, IEnumerable<(double Minute, double Value)> samples)
    {
        var series = new Series(source, "prometheus", metric, Labels.Of(labels));
        foreach (var (minute, value) in samples)
            observations.Add(new Observation(series, Sample.At(Scene.At(minute), value)));
        return this;
    }

    public HallTold Tell()
    {
        var period = Scene.Minutes(0, 60 * Hours);
        var facts = new Normaliser(FleetProduct.Catalogue, workloads, places, TimeSpan.FromMinutes(5), Factors, hardware).Normalise(
            period,
            SeriesSamples.Group(observations)
        );
        var hours = new List<PeriodSums>();
        for (var hour = period.Start; hour < period.End; hour = hour.AddHours(1))
            hours.AddRange(
                RollUp.Hour(
                    hour,
                    [.. facts.Energy.Where(fact => fact.Period.Start >= hour && fact.Period.Start < hour.AddHours(1))],
                    [.. facts.Work.Where(fact => fact.Period.Start >= hour && fact.Period.Start < hour.AddHours(1))]
                )
            );
        return new HallTold(facts, Hours == 1 ? hours : RollUp.Period(period.Start, period.End, hours));
    }

    private Hall Add(string source, string metric, (string, string)[] labels, (double From, double To)[] when, Func<double, double> value)
    {
        if (when.Length == 0)
            when = [(-5, 60 * Hours + 5)];
        return Samples(
            source,
            metric,
            labels,
            when.SelectMany(span =>
                    Enumerable.Range(0, (int)Math.Round((span.To - span.From) / Step) + 1).Select(sample => span.From + sample * Step)
                )
                .Select(minute => (minute, value(minute)))
        );
    }
}

/// <summary>What was told.</summary>
/// <param name="Facts">Facts and rejections.</param>
/// <param name="Rows">The sums of the hour, or of all hours together.</param>
internal sealed record HallTold(NormalisedPeriod Facts, IReadOnlyList<PeriodSums> Rows)
{
    /// <summary>The one row of a workload in a unit.</summary>
    public PeriodSums Row(string workload, string unit = "output-token") =>
        Rows.Single(row => WorkloadOf(row.DeploymentId) == workload && row.FunctionalUnit == unit);

    /// <summary>What the workload's boards, or its servers, drew.</summary>
    public double Joules(string workload, Measure measure) =>
        Facts.Energy.Where(fact => fact.Deployment.Workload.Name == workload).Sum(fact => fact[measure] ?? 0);

    /// <summary>Deployments in the order of a ranking, with what a unit takes and whether the order is certain.</summary>
    public IReadOnlyList<(string Workload, double PerUnit, bool? Certain)> Ranked(RankedBy by = RankedBy.Energy) =>
        [
            .. Comparability
                .Of(Rows.Where(row => row.FunctionalUnit == "output-token").Select(Comparable), new ComparisonTerms { By = by })
                .Groups.SelectMany(group => group.Rows)
                .Select(row => (row.Row.Workload, Math.Round(row.PerUnit, 6), row.Certain)),
        ];

    private ComparableRow Comparable(PeriodSums row)
    {
        return new ComparableRow
        {
            Deployment = WorkloadOf(row.DeploymentId),
            Workload = WorkloadOf(row.DeploymentId),
            Model = "org/one",
            FunctionalUnit = row.FunctionalUnit,
            Boundary = Boundary.Facility,
            PueIncluded = true,
            Evidence = row.Evidence,
            Coverage = row[Ratios.Coverage] ?? 0,
            MeasuredShare = row[Ratios.MeasuredShare],
            Energy = Amount(MatchedSums.Facility),
            Carbon = Amount(MatchedSums.Operational),
            CarbonMethod = "location-based average",
            Units = row[Measures.Units],
            CoverKind = row.CoverKinds.Word(),
            Disbelieved = row.Missing & MissingReasonText.Disbelieving,
        };

        ComparableAmount Amount(MatchedSums sums) => new(row[sums.Amount], row[sums.Low!], row[sums.High!], row[sums.Units]);
    }

    private string WorkloadOf(long deployment) =>
        Facts
            .Energy.Select(fact => fact.Deployment)
            .Concat(Facts.Work.Select(fact => fact.Deployment))
            .First(one => one.Id == deployment)
            .Workload.Name;
}
