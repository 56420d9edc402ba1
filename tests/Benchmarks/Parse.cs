using System.Diagnostics;
using Metrics.Ingestors.Providers;
using Metrics.Ingestors.Providers.Exporter;

namespace Metrics.Benchmarks;

/// <summary>Metrics pages of series that were seen before, on one core, from memory.</summary>
public static class Parse
{
    public static Task RunAsync()
    {
        var pages = Enumerable.Range(0, 64).Select(Rack.Page).ToArray();
        var bytes = pages.Sum(page => (double)page.Length);
        var samples = pages.Length * Rack.Series.Count;
        var answer = new ObservationBatch(Rack.Source);
        var parser = new ExpositionParser(
            "http://rack/metrics",
            "prometheus",
            Catalogues.Load([]).MetricsOf("prometheus"),
            null,
            new SeriesPool(Rack.Source, 50_000)
        );
        void All()
        {
            for (var i = 0; i < pages.Length; i++)
            {
                answer.Observations.Clear();
                parser.Parse(pages[i], ExpositionFormat.Text, Rack.Start.AddSeconds(i), answer);
            }
        }
        for (var i = 0; i < 200; i++)
            All();
        if (answer.Observations.Count != Rack.Series.Count)
            throw new InvalidOperationException(
                $"{answer.Observations.Count} of {Rack.Series.Count} samples were read: the figure would mean nothing."
            );

        var before = GC.GetAllocatedBytesForCurrentThread();
        All();
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        var rate = Figures.Middle(15, () =>
        {
            var clock = Stopwatch.StartNew();
            for (var i = 0; i < 20; i++)
                All();
            return 20 * bytes / clock.Elapsed.TotalSeconds / 1e6;
        });
        Figures.AtLeast("exposition text read, one core", rate, 150, "MB/s");
        Figures.Show("the same in samples", rate * 1e6 / bytes * samples, "/s");
        Figures.Below("allocated for each sample of a known series", (double)allocated / samples, 1, "bytes");
        return Task.CompletedTask;
    }
}
