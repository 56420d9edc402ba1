using System.Diagnostics;
using System.Globalization;
using Metrics.Domain.Tests.Fleets;

namespace Metrics.Benchmarks;

/// <summary>Random fleets whose truth is known: how many truths lie outside what the product tells, and how far numbers are from
/// them.</summary>
public static class Fleets
{
    private const int Shown = 5;

    public static Task RunAsync()
    {
        if (Environment.GetEnvironmentVariable("METRICS_BENCHMARK_FLEET") is { } plan)
        {
            foreach (var finding in FleetCheck.Of(FleetPlan.Parse(plan)).Findings.DefaultIfEmpty())
                Console.WriteLine($"  {finding?.ToString() ?? "nothing is wrong"}");
            return Task.CompletedTask;
        }
        var count = int.Parse(Environment.GetEnvironmentVariable("METRICS_BENCHMARK_FLEETS") ?? "100000", CultureInfo.InvariantCulture);
        // By the time of the processor, so that what else runs on the machine does not count.
        using var own = Process.GetCurrentProcess();
        var before = own.TotalProcessorTime;
        var (all, kinds, failures) = Run(count);
        own.Refresh();
        var rate = count / (own.TotalProcessorTime - before).TotalSeconds;

        Figures.Show("fleets", all.Fleets, "");
        Figures.AtLeast("fleets made, told and checked, one core", rate, 200, "/s");
        Figures.Show("numbers held against a truth", all.Numbers, "");
        Figures.Below("numbers outside what their evidence promises", all.Outside, 1, "");
        Figures.Below("fleets with anything wrong", all.Failed, 1, "");
        Errors(all);
        Console.WriteLine("  by kind of trouble (fleets with it, numbers outside, fleets with anything wrong)");
        foreach (var (kind, run) in kinds.OrderBy(entry => (int)entry.Key))
            Console.WriteLine($"    {kind.Text(), -24} {run.Fleets, 8} {run.Outside, 8} {run.Failed, 8}  {Wrongs(run)}");
        foreach (var failure in failures.OrderBy(failed => failed.Seed).Take(Shown))
            Console.WriteLine($"  {FleetRun.FirstFailure([failure])}");
        return Task.CompletedTask;
    }

    /// <summary>Seeds from 1 on, shared among the cores; of which core a seed is does not matter.</summary>
    private static (FleetRun All, Dictionary<Trouble, FleetRun> Kinds, List<FleetPlan> Failures) Run(int count)
    {
        var (all, kinds, failures, gate) = (new FleetRun(), new Dictionary<Trouble, FleetRun>(), new List<FleetPlan>(), new Lock());
        Parallel.For(
            1,
            count + 1,
            () => (All: new FleetRun(), Kinds: new Dictionary<Trouble, FleetRun>(), Failures: new List<FleetPlan>()),
            (seed, _, own) =>
            {
                var plan = FleetPlan.Any((ulong)seed);
                var check = FleetCheck.Of(plan);
                own.All.Add(plan, check);
                foreach (var kind in plan.Troubles.Kinds().DefaultIfEmpty(Trouble.None))
                    Of(own.Kinds, kind).Add(plan, check);
                if (check.Findings.Count > 0 && own.Failures.Count < Shown)
                    own.Failures.Add(plan);
                return own;
            },
            own =>
            {
                lock (gate)
                {
                    all.Add(own.All);
                    foreach (var (kind, run) in own.Kinds)
                        Of(kinds, kind).Add(run);
                    failures.AddRange(own.Failures);
                }
            }
        );
        return (all, kinds, failures);
    }

    private static FleetRun Of(Dictionary<Trouble, FleetRun> kinds, Trouble kind)
    {
        if (!kinds.TryGetValue(kind, out var run))
            kinds.Add(kind, run = new FleetRun());
        return run;
    }

    private static void Errors(FleetRun run)
    {
        Console.WriteLine("  relative error by evidence (numbers, middle, worst)");
        foreach (var (evidence, median, worst, count) in run.Errors())
            Console.WriteLine(
                string.Create(CultureInfo.InvariantCulture, $"    {evidence, -24} {count, 8} {median, 8:0.00%} {worst, 8:0.00%}")
            );
    }

    private static string Wrongs(FleetRun run) => string.Join(' ', run.Findings.Select(found => $"{found.Key}:{found.Value}"));
}
