using System.Globalization;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Ingestors;

namespace Metrics.Benchmarks;

/// <summary>The program that stands against if-run: a recording of power and tokens in, joules and grams per token out, once for each board and period.</summary>
public static class Pipeline
{
    public static async Task<int> RunAsync(string path)
    {
        var catalogue = Catalogues.Load([]);
        var settings = new SourceSettings { Id = Rack.Source, Provider = "file", Path = path };
        var source = Providers.All["file"].Open(settings, catalogue, TimeProvider.System);
        var samples = new Dictionary<Series, List<Sample>>(ReferenceEqualityComparer.Instance);
        var (first, last) = (DateTime.MaxValue, DateTime.MinValue);
        var request = new ReadRequest(new Interval(Rack.Start, Rack.Start.AddYears(1)), null, DateTime.UtcNow, DateTime.UtcNow);
        await foreach (var page in source.ReadAsync(request, CancellationToken.None))
        {
            foreach (var observation in page.Observations)
            {
                if (!samples.TryGetValue(observation.Series, out var list)) samples.Add(observation.Series, list = []);
                list.Add(observation.Sample);
                if (observation.Sample.Start < first) first = observation.Sample.Start;
                if (observation.Sample.End > last) last = observation.Sample.End;
            }
        }
        var normaliser = new Normaliser(catalogue, Rack.Workloads, Rack.Places, TimeSpan.FromMinutes(5));
        var from = first.Date.AddHours(first.Hour);
        var period = new Interval(from, last.Date.AddHours(last.Hour + 1));
        var facts = normaliser.Normalise(period, samples.Select(series => new SeriesSamples(series.Key, series.Value.ToArray())));

        await using var output = new StreamWriter(Console.OpenStandardOutput());
        var work = facts.Work.Where(fact => fact.FunctionalUnit == "output-token").ToDictionary(fact => (fact.Deployment.Id, fact.Period.Start), fact => fact.Units);
        var rows = 0;
        foreach (var fact in facts.Energy)
        {
            if (!work.TryGetValue((fact.Deployment.Id, fact.Period.Start), out var units) || fact.AcceleratorJoules is not { } joules) continue;
            var grams = joules / 3.6e6 * 400;
            await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{fact.Period.Start:O},{fact.Deployment.Workload.Name},{fact.Resource.Name},{joules},{units},{joules / units},{grams / units}"));
            rows++;
        }
        return rows > 0 ? 0 : 1;
    }
}
