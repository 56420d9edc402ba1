using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Storage.Reading;
using Xunit;

namespace Metrics.SystemTests.Storage;

/// <summary>Small things to store.</summary>
internal static class Fleet
{
    public static readonly DateTime Ten = new(2026, 1, 15, 10, 0, 0, DateTimeKind.Utc);
    public static readonly Place Hall = new("onprem/dc-1", "DE", 1.5);
    public static readonly Workload Chat = new("chat", "org/model", "fp8", []);
    public static readonly Deployment Deployment = new(Chat, Hall);
    public static readonly Resource Gpu = new("gpu", "gpu-1", "node-1", "H100", Hall);
    public static readonly Resource Node = new("node", "node-1", null, null, Hall);

    public static Series Series(string name, string metric = "energy") =>
        new("rack", "prometheus", metric, Labels.Of(("zone", "b"), ("name", name)));

    public static Observation At(Series series, string time, double value) => new(series, Sample.At(Time(time), value));

    /// <summary>A time of the day of <see cref="Ten"/>: <c>10:59:30</c>.</summary>
    public static DateTime Time(string time) => Ten.Date + TimeSpan.Parse(time, System.Globalization.CultureInfo.InvariantCulture);

    public static ReadResult Read(params Observation[] observations) =>
        new()
        {
            Observations = observations,
            Rejections = [],
            From = Ten,
            To = Ten.AddHours(1),
        };

    public static async Task<Claim> ClaimAsync(this TestStorage storage, string owner = "a", TimeSpan? lease = null)
    {
        await storage.Log.RegisterAsync("rack", "prometheus", "onprem/dc-1", default);
        return (await storage.Log.ClaimAsync("rack", owner, lease ?? TimeSpan.FromMinutes(5), default))!;
    }

    public static async Task<CommitOutcome> CommitAsync(this TestStorage storage, params Observation[] observations) =>
        (await storage.Log.CommitAsync(await storage.ClaimAsync(), Read(observations), default))!;

    /// <summary>Dirty hours of the day of <see cref="Ten"/>, as <c>09 10</c>, and forgets them.</summary>
    public static async Task<string> TakeDirtyAsync(this TestStorage storage)
    {
        var hours = await storage.Facts.DirtyHoursAsync(1000, default);
        foreach (var hour in hours)
            await storage.Facts.ReplaceHourAsync(hour, new([], [], []), default);
        return string.Join(' ', hours.Select(hour => hour.Hour.ToString("HH", System.Globalization.CultureInfo.InvariantCulture)).Order());
    }

    public static EnergyFact Energy(
        Resource resource,
        DateTime start,
        double? accelerator,
        double? server,
        double? facility,
        double? measured = null,
        double covered = 300,
        Evidence evidence = Evidence.Measured,
        double? idle = null,
        double? rack = null,
        Deployment? deployment = null
    ) =>
        new()
        {
            Deployment = deployment ?? Deployment,
            Resource = resource,
            Period = new(start, start.AddMinutes(5)),
            [Measures.Accelerator] = accelerator,
            [Measures.Server] = server,
            [Measures.Facility] = facility,
            [Measures.Rack] = rack,
            [Measures.Idle] = idle,
            [Measures.Measured] = measured ?? server ?? accelerator ?? 0,
            [Measures.Covered] = covered,
            [Measures.Present] = rack is null ? 300 : 0,
            [Measures.AcceleratorPresent] = accelerator is null ? 0 : 300,
            [Measures.AcceleratorTime] = accelerator is null ? 0 : covered,
            [Measures.ServerTime] = server is null ? 0 : covered,
            Evidence = evidence,
            Cover = EnergyCover.Node,
            Mappings = "prometheus/x@1",
        };

    /// <summary>The fact with bounds of its widest boundary, and with those of the narrower ones in proportion.</summary>
    public static EnergyFact Bounded(this EnergyFact fact, double? low, double? high)
    {
        var widest = fact[Measures.Facility] ?? fact[Measures.Server] ?? fact[Measures.Accelerator];
        foreach (var boundary in Enum.GetValues<Boundary>())
            fact = fact.With(Measures.LowOf(boundary), low * fact[Measures.Of(boundary)] / widest)
                .With(Measures.HighOf(boundary), high * fact[Measures.Of(boundary)] / widest);
        return fact.With(Measures.Low, low).With(Measures.High, high);
    }

    public static WorkFact Work(
        DateTime start,
        double units,
        string unit = "token",
        Evidence evidence = Evidence.Measured,
        Deployment? deployment = null
    ) =>
        new()
        {
            Deployment = deployment ?? Deployment,
            FunctionalUnit = unit,
            Period = new(start, start.AddMinutes(5)),
            Units = units,
            Covered = 300,
            Counted = 300,
            Present = 300,
            Evidence = evidence,
            Mappings = "prometheus/y@1",
        };

    /// <summary>Makes the hour dirty by a sample of its own and replaces it.</summary>
    public static async Task ReplaceAsync(this TestStorage storage, DateTime hour, params object[] facts)
    {
        await storage.CommitAsync(new Observation(Series("hour" + hour.Ticks), Sample.At(hour, Random.Shared.NextDouble())));
        var dirty = (await storage.Facts.DirtyHoursAsync(10_000, default)).Single(dirty => dirty.Hour == hour);
        Assert.True(await storage.Facts.ReplaceHourAsync(dirty, Period(facts), default));
    }

    public static NormalisedPeriod Period(params object[] facts) =>
        new([.. facts.OfType<EnergyFact>()], [.. facts.OfType<WorkFact>()], [.. facts.OfType<Rejection>()]);

    /// <summary>A stand-in for the normaliser: energy samples become facts of their five minutes, token samples work. A function of the
    /// samples alone.</summary>
    public static async Task RecomputeAsync(this TestStorage storage)
    {
        foreach (var dirty in await storage.Facts.DirtyHoursAsync(10_000, default))
        {
            var samples = await storage.Facts.SamplesAsync(new Interval(dirty.Hour, dirty.Hour.AddHours(1)), default);
            var energy = new SortedDictionary<(string, DateTime), double>();
            var work = new SortedDictionary<DateTime, double>();
            var rejections = new List<Rejection>();
            foreach (var (series, values) in samples)
            {
                foreach (var sample in values.Span)
                {
                    if (sample.Start >= dirty.Hour.AddHours(1))
                        continue;
                    var start = dirty.Hour + TimeSpan.FromMinutes((sample.Start - dirty.Hour).Minutes / 5 * 5);
                    if (series.Metric == "energy")
                        energy[(series.Labels["name"]!, start)] = energy.GetValueOrDefault((series.Labels["name"]!, start)) + sample.Value;
                    else
                        work[start] = work.GetValueOrDefault(start) + sample.Value;
                    if (sample.Value == 0)
                        rejections.Add(
                            new("rack", series.ToString(), sample.Start, RejectionReason.CounterReset, "The counter stood still.")
                        );
                }
            }
            var facts = energy
                .Select(entry =>
                    Energy(
                        new("gpu", entry.Key.Item1, "node-1", entry.Value > 50 ? "H100" : null, Hall),
                        entry.Key.Item2,
                        entry.Value,
                        entry.Value,
                        entry.Value * 1.5
                    )
                )
                .ToArray();
            var period = new NormalisedPeriod(facts, [.. work.Select(entry => Work(entry.Key, entry.Value))], rejections);
            await storage.Facts.ReplaceHourAsync(dirty, period, default);
        }
    }

    /// <summary>Everything that is a function of the samples: all rows of all such tables, without the times at which they were
    /// written.</summary>
    public static async Task<string> DumpAsync(this TestStorage storage)
    {
        string[] queries =
        [
            "SELECT id, source, provider, metric, labels, statistic, period_ms FROM series ORDER BY id",
            "SELECT * FROM samples ORDER BY series_id, start",
            "SELECT hour FROM sample_hours ORDER BY hour",
            "SELECT hour FROM dirty_hours ORDER BY hour",
            "SELECT * FROM resource ORDER BY id",
            "SELECT * FROM deployment ORDER BY id",
            "SELECT * FROM deployment_resources ORDER BY deployment_id, resource_id",
            "SELECT deployment_id, resource_id, period_start, period_end, accelerator_joules, server_joules, facility_joules, "
                + "measured_joules, covered_seconds, present_seconds, evidence FROM energy_facts ORDER BY 1, 2, 3",
            "SELECT deployment_id, functional_unit, period_start, period_end, units, counted_seconds, present_seconds, evidence "
                + "FROM work_facts ORDER BY 1, 2, 3",
            "SELECT deployment_id, functional_unit, period_start, date, date_key, units, accelerator_joules, server_joules, "
                + "facility_joules, known_joules, measured_joules, facility_seconds, evidence FROM intensity_hours ORDER BY 1, 2, 3",
            "SELECT deployment_id, functional_unit, period_start, date, date_key, units, accelerator_joules, server_joules, "
                + "facility_joules, known_joules, measured_joules, facility_seconds, evidence FROM intensity_days ORDER BY 1, 2, 3",
            "SELECT id, source, subject, at, reason, detail, hour FROM rejection WHERE hour IS NOT NULL ORDER BY id",
        ];
        var dump = new List<string>();
        foreach (var query in queries)
            dump.AddRange(await storage.RowsAsync(query));
        return string.Join('\n', dump);
    }
}
