using System.Globalization;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Ingestors.Providers;
using Metrics.Ingestors.Providers.Exporter;

namespace Metrics.Benchmarks;

/// <summary>The program that stands against if-run: scrapes of power and tokens in; joules and grams per token out, for each board and
/// period.</summary>
public static class Pipeline
{
    private const double GramsPerKilowattHour = 400;
    private const double EmbodiedGramsPerSecond = 0.0012;

    public static async Task<int> RunAsync(string path)
    {
        var catalogue = Catalogues.Load([]);
        var parser = new ExpositionParser(path, "prometheus", catalogue.MetricsOf("prometheus"), null, new SeriesPool(Rack.Source, 50_000));
        var answer = new ObservationBatch(Rack.Source);
        var samples = new Dictionary<Series, List<Sample>>(ReferenceEqualityComparer.Instance);
        var (first, last) = (DateTime.MaxValue, DateTime.MinValue);
        var scrapes = await File.ReadAllBytesAsync(path);
        for (var at = 0; at < scrapes.Length; )
        {
            var length = scrapes.AsSpan(at).IndexOf("# EOF\n"u8) + "# EOF\n".Length;
            parser.Parse(scrapes.AsSpan(at, length), ExpositionFormat.OpenMetrics, Rack.Start, answer);
            at += length;
            foreach (var (series, sample) in answer.Observations)
            {
                if (!samples.TryGetValue(series, out var list))
                    samples.Add(series, list = []);
                list.Add(sample);
                if (sample.Start < first)
                    first = sample.Start;
                if (sample.End > last)
                    last = sample.End;
            }
            answer.Observations.Clear();
        }

        var normaliser = new Normaliser(catalogue, Rack.Workloads, Rack.Places, TimeSpan.FromMinutes(5));
        var period = new Interval(first.Date.AddHours(first.Hour), last.Date.AddHours(last.Hour + 1));
        var facts = normaliser.Normalise(period, samples.Select(series => new SeriesSamples(series.Key, series.Value.ToArray())));

        var work = new Dictionary<(long, DateTime), double>();
        foreach (var fact in facts.Work)
            work[(fact.Deployment.Id, fact.Period.Start)] = fact.Units;
        await using var output = new StreamWriter(Console.OpenStandardOutput());
        var rows = 0;
        foreach (var fact in facts.Energy)
        {
            if (fact.AcceleratorJoules is not { } joules || !work.TryGetValue((fact.Deployment.Id, fact.Period.Start), out var units))
                continue;
            var facility = joules * Rack.Place.Pue!.Value;
            var grams = (facility / 3.6e6 * GramsPerKilowattHour) + (fact.CoveredSeconds * EmbodiedGramsPerSecond);
            output.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{fact.Period.Start:O},{fact.Deployment.Workload.Name},{fact.Resource.Name},{joules},{facility},{grams},"
                        + $"{units},{facility / units},{grams / units}"
                )
            );
            rows++;
        }
        return rows > 0 ? 0 : 1;
    }
}
