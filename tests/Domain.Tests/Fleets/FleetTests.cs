using Xunit;
using Xunit.Abstractions;

namespace Metrics.Domain.Tests.Fleets;

public sealed class Scratch(ITestOutputHelper output)
{
    [Fact]
    public void Survey()
    {
        foreach (var kind in TroubleKinds.All.Prepend(Trouble.None))
        {
            var run = new FleetRun();
            var clock = System.Diagnostics.Stopwatch.StartNew();
            for (ulong seed = 1; seed <= 60; seed++)
            {
                var plan = FleetPlan.Of(seed, kind);
                run.Add(plan, FleetCheck.Of(plan));
            }
            output.WriteLine(
                $"{kind}: failed {run.Failed}/{run.Fleets} {clock.Elapsed.TotalMilliseconds / run.Fleets:0.0} ms "
                    + string.Join(" ", run.Findings.Select(f => $"{f.Key}:{f.Value}"))
            );
            foreach (var (evidence, median, worst, count) in run.Errors())
                output.WriteLine($"   {evidence} {median:P2} {worst:P2} {count}");
            if (run.First is { } first)
                output.WriteLine("   " + FleetRun.FirstFailure([first]));
        }
    }
}
