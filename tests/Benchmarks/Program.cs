using System.Diagnostics;
using System.Runtime.InteropServices;
using Metrics.Benchmarks;

// Programs that a benchmark starts as processes of their own, to be measured from outside.
if (args is ["pipeline", var input])
    return await Pipeline.RunAsync(input);
if (args is ["ingest", var recording, var database])
    return await Ingest.RunAsync(recording, database);
if (args is ["far-side", var kind])
    return await Read.ServeAsync(kind);
#if !PIPELINE
if (args is ["serve", var side, var engine, var store])
    return await ServeSides.ServeAsync(side, engine, store);
#endif

var benchmarks = new Dictionary<string, Func<Task>>
{
    ["normalise"] = Normalise.RunAsync,
    ["parse"] = Parse.RunAsync,
    ["process"] = Peer.RunAsync,
    ["durable"] = Durable.RunAsync,
    ["read"] = Read.RunAsync,
    ["recompute"] = Recompute.RunAsync,
    ["memory"] = Memory.RunAsync,
#if !PIPELINE
    ["odata"] = Serve.RunAsync,
    ["webhooks"] = Webhooks.RunAsync,
    ["access"] = Admission.RunAsync,
    ["reports"] = Exports.RunAsync,
    ["fleets"] = Fleets.RunAsync,
#endif
};

// The fleets are no figure of speed, and take minutes: they run when they are asked for.
var chosen = args.Length == 0 ? [.. benchmarks.Keys.Where(name => name != "fleets")] : args;
if (chosen.FirstOrDefault(name => !benchmarks.ContainsKey(name)) is { } unknown)
{
    await Console.Error.WriteLineAsync(
        $"'{unknown}' is no benchmark. There are: {string.Join(", ", benchmarks.Keys)}. Without a name all of them run, but for fleets."
    );
    return 1;
}

var processor = File.Exists("/proc/cpuinfo")
    ? File.ReadLines("/proc/cpuinfo")
        .FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))
        ?.Split(':', 2)[1]
        .Trim()
    : null;
Console.WriteLine(
    $"{Environment.ProcessorCount} x {processor ?? "unknown processor"}, {RuntimeInformation.FrameworkDescription}, "
        + $"{RuntimeInformation.OSDescription}"
);
#if DEBUG
Console.WriteLine("This is a debug build: its figures mean nothing. Run with -c Release.");
#endif
foreach (var name in chosen)
{
    var took = Stopwatch.StartNew();
    Console.WriteLine();
    Console.WriteLine($"{name}");
    await benchmarks[name]();
    Console.WriteLine($"  ({took.Elapsed.TotalSeconds:0} s)");
}
return 0;
