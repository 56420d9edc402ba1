using System.Diagnostics;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Quantities;
using Metrics.Ingestors.Providers;

namespace Metrics.Benchmarks;

/// <summary>Samples in, facts out, on one core, with nothing read and nothing stored.</summary>
public static class Normalise
{
    // Three hours: what one recompute of an hour gets to see.
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(5);
    private const int Steps = 3 * 720;

    public static Task RunAsync()
    {
        var normaliser = new Normaliser(Catalogues.Load([]), Rack.Workloads, Rack.Places, TimeSpan.FromMinutes(5));
        var samples = Rack.Samples(Steps, Step);
        var period = new Interval(Rack.Start, Rack.Start.AddHours(3));
        var count = samples.Sum(series => (long)series.Samples.Length);
        var facts = normaliser.Normalise(period, samples);
        // 16 boards, each with 2,159 rises of 6,450 J; 6 engines, each with as many rises of 19,500 tokens.
        var joules = facts.Energy.Sum(fact => fact.AcceleratorJoules ?? 0);
        var tokens = facts.Work.Where(fact => fact.FunctionalUnit == "output-token").Sum(fact => fact.Units);
        if (Math.Abs(joules - 222_808_800) > 1 || Math.Abs(tokens - 252_603_000) > 1)
            throw new InvalidOperationException($"{joules} J and {tokens} tokens came of the samples: the figure would mean nothing.");
        for (var i = 0; i < 20; i++)
            normaliser.Normalise(period, samples);

        var before = GC.GetAllocatedBytesForCurrentThread();
        normaliser.Normalise(period, samples);
        var bytes = GC.GetAllocatedBytesForCurrentThread() - before;
        var rate = Figures.Middle(15, () =>
        {
            var clock = Stopwatch.StartNew();
            for (var i = 0; i < 5; i++)
                normaliser.Normalise(period, samples);
            return 5 * count / clock.Elapsed.TotalSeconds;
        });
        Figures.AtLeast("observations normalised, one core", rate, 1_000_000, "/s");
        Figures.Below("allocated for each observation", (double)bytes / count, 64, "bytes");
        return Task.CompletedTask;
    }
}
