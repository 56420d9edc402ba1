using Metrics.Drill;
using Metrics.Ingestors.Pipeline;
using Metrics.Ingestors.Providers;
using Metrics.Storage.Engine;
using Metrics.Storage.Facts;
using Metrics.Storage.Reading;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

// A worker of the exactness drill: reads the sources of the plan in turn until its standard input ends, which it also does when the test
// dies.
// Arguments: the plan, the file of the mark, "product" or "naive".
var plan = DrillPlan.Of(args);
using var mark = new StageMark(args[5]);
var naive = args[6] == "naive";
using var stop = new CancellationTokenSource();
_ = Task.Run(async () =>
{
    while (await Console.In.ReadLineAsync() is not null) { }
    await stop.CancelAsync();
});

var timers = new FastTimers();
var catalogue = Catalogues.Load([]);
await using var services = new ServiceCollection().AddMetricsStorage(plan.Engine, plan.ConnectionString, plan.Clock).BuildServiceProvider();
var log = services.GetRequiredService<ReadLog>();
var reader = new SourceReader(log, catalogue, NullLogger<SourceReader>.Instance, timers) { Lease = DrillPlan.Lease };
var keeper = new FactRecomputer(
    services.GetRequiredService<FactStore>(),
    DrillPlan.Normaliser(catalogue),
    NullLogger<FactRecomputer>.Instance
);
var careless = new NaiveReader(log, plan);
var sources = DrillPlan
    .Sources.Select(plan.Settings)
    .Select(settings =>
        (Settings: settings, Source: new WatchedSource(KnownProviders.All["prometheus"].Open(settings, catalogue, timers), mark))
    )
    .ToList();

for (var turn = Environment.ProcessId; !stop.IsCancellationRequested; turn++)
{
    try
    {
        var (settings, source) = sources[turn % sources.Count];
        mark.Source = turn % sources.Count;
        if (naive)
            await careless.ReadAsync(settings.Id, source, stop.Token);
        else
            await reader.ReadAsync(settings, source, stop.Token);
        mark.Reads++;
        if (!naive && turn % 16 == 0)
        {
            mark.Stage = Stage.Recomputing;
            await keeper.RecomputeAsync(stop.Token);
        }
    }
    catch (Exception exception) when (exception is StorageException or SourceException)
    {
        // The world's failure: the next turn tries again, as the scheduled job does.
    }
    catch (OperationCanceledException) when (stop.IsCancellationRequested)
    {
        break;
    }
    mark.Stage = Stage.Idle;
    try
    {
        await Task.Delay(15, stop.Token);
    }
    catch (OperationCanceledException)
    {
        break;
    }
}
