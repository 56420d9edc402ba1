using System.Diagnostics;
using System.Globalization;
using System.Runtime.Intrinsics.X86;
using System.Text;

namespace Metrics.Benchmarks;

/// <summary>
/// The whole program, from the file to the answer, against the Impact Framework's <c>if-run</c>: power and tokens of 16 boards to
/// joules, kilowatt-hours, facility energy, operational and embodied grams, and grams per token (SCI), added up over time and boards.
/// </summary>
/// <remarks>
/// Each program gets the observations as it likes them best: if-run a manifest, ours the exporters' pages. An observation of
/// if-run is a row with power and tokens; the same row is two samples for us, so that we read twice as many. Rates are told in
/// if-run's rows. Ours also puts everything on a grid of five minutes. if-run's time-sync does that second by second, at a cost
/// that grows with the square of the time: it is left out of the comparison and shown once, for 25 minutes.
/// </remarks>
public static class Peer
{
    private const int Boards = 16;

    private static readonly string Home = Path.Combine(AppContext.BaseDirectory, "..", "..", "..");

    /// <summary>Observations a second of if-run, start and end left out: what it takes for 30,000 more.</summary>
    public static async Task<double> MarginalRateAsync()
    {
        var program = await InstalledAsync();
        var folder = Directory.CreateTempSubdirectory("metrics-benchmark-").FullName;
        try
        {
            return 30_000 / (-await SecondsAsync(program, folder, 10_000) + await SecondsAsync(program, folder, 40_000));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    public static async Task RunAsync()
    {
        var program = await InstalledAsync();
        var folder = Directory.CreateTempSubdirectory("metrics-benchmark-").FullName;
        try
        {
            // Compiled ahead of time together with its framework: a program that lives for a quarter of a second should not spend it on
            // compiling itself.
            var ready = Path.Combine(folder, "ready");
            string[] forThisMachine = Avx2.IsSupported ? ["-p:PublishReadyToRunCrossgen2ExtraArgs=--instruction-set:x86-64-v3"] : [];
            await EndAsync(
                "dotnet",
                [
                    "publish",
                    Home,
                    "-c",
                    "Release",
                    "--use-current-runtime",
                    "--self-contained",
                    "true",
                    "-p:Pipeline=true",
                    "-p:PublishReadyToRun=true",
                    "-p:PublishReadyToRunComposite=true",
                    .. forThisMachine,
                    "-o",
                    ready,
                    "-v",
                    "quiet",
                    "-nologo",
                ]
            );
            var (theirs, ours) = (new Dictionary<int, double>(), new Dictionary<int, double>());
            foreach (var count in new[] { 10_000, 40_000 })
            {
                var scrapes = Path.Combine(folder, $"{count}.prom");
                await File.WriteAllTextAsync(scrapes, Scrapes(count));
                theirs[count] = await SecondsAsync(program, folder, count);
                ours[count] = await BestAsync(9, Path.Combine(ready, "Metrics.Benchmarks"), ["pipeline", scrapes]);
                Figures.Show($"if-run, {count:#,0} observations, whole process", theirs[count], "s");
                Figures.Show($"ours, {count:#,0} observations, whole process", ours[count], "s");
            }
            var theirSlope = 30_000 / (theirs[40_000] - theirs[10_000]);
            var ourSlope = 30_000 / (ours[40_000] - ours[10_000]);
            Figures.AtLeast("whole process at 40,000 observations", theirs[40_000] / ours[40_000], 50, "x");
            Figures.Show("if-run, from 10,000 to 40,000", theirSlope, "/s");
            Figures.Show("ours, from 10,000 to 40,000", ourSlope, "/s");
            var aligned = Path.Combine(folder, "aligned.yml");
            var few = Path.Combine(folder, "few.prom");
            await File.WriteAllTextAsync(aligned, Manifest(1_600, align: true));
            await File.WriteAllTextAsync(few, Scrapes(1_600));
            var synced = await EndAsync("node", [program, "-m", aligned, "-o", Path.Combine(folder, "out-aligned")]);
            Figures.Show("if-run with time-sync, 1,600 observations, whole process", synced, "s");
            Figures.Show(
                "the same pipeline with the grid, 1,600 observations",
                synced / await BestAsync(3, Path.Combine(ready, "Metrics.Benchmarks"), ["pipeline", few]),
                "x"
            );
            if (ourSlope > 0)
                Figures.AtLeast("marginal rate", ourSlope / theirSlope, 300, "x");
            else
                Console.WriteLine("  Ours took no longer for 40,000 than for 10,000: the machine is too busy to tell the marginal rate.");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The path of if-run, in the pinned version.</summary>
    private static async Task<string> InstalledAsync()
    {
        var peer = Path.Combine(Home, "peer");
        var program = Path.Combine(peer, "node_modules", "@grnsft", "if", "build", "if-run", "index.js");
        if (!File.Exists(program))
            await EndAsync("npm", ["ci", "--prefix", peer, "--ignore-scripts", "--no-audit", "--no-fund"]);
        return program;
    }

    private static async Task<double> SecondsAsync(string program, string folder, int count)
    {
        var manifest = Path.Combine(folder, $"{count}.yml");
        await File.WriteAllTextAsync(manifest, Manifest(count));
        return await BestAsync(2, "node", [program, "-m", manifest, "-o", Path.Combine(folder, $"out-{count}")]);
    }

    private static string Manifest(int count, bool align = false)
    {
        var text = new StringBuilder(
            "name: benchmark\ndescription: power and tokens of boards to grams per token\ntags:\naggregation:\n  metrics: "
                + "[carbon, tokens]\n  type: both\ninitialize:\n  plugins:\n"
        );
        void Plugin(string name, string method, params string[] settings)
        {
            text.Append(CultureInfo.InvariantCulture, $"    {name}:\n      path: builtin\n      method: {method}\n      config:\n");
            foreach (var setting in settings)
                text.Append("        ").Append(setting).Append('\n');
        }
        if (align)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $$"""
                    time-sync:
                      path: builtin
                      method: TimeSync
                      config: { start-time: '{{At(0):yyyy-MM-ddTHH:mm:ss.fffZ}}', end-time: '{{At(
                    count / Boards
                ):yyyy-MM-ddTHH:mm:ss.fffZ}}', interval: 300, allow-padding: true }
                      parameter-metadata:
                        inputs:
                          duration: { unit: s, description: duration, aggregation-method: { time: sum, component: none } }
                          power: { unit: W, description: power, aggregation-method: { time: avg, component: sum } }
                          tokens: { unit: tokens, description: tokens, aggregation-method: { time: sum, component: sum } }

                """
            );
        }
        Plugin("joules", "Multiply", "input-parameters: [power, duration]", "output-parameter: joules");
        Plugin(
            "board-energy",
            "Coefficient",
            "input-parameter: joules",
            "coefficient: 2.7777777777777776e-07",
            "output-parameter: board-energy"
        );
        Plugin("server-energy", "Sum", "input-parameters: [board-energy]", "output-parameter: server-energy");
        Plugin("facility-energy", "Coefficient", "input-parameter: server-energy", "coefficient: 1.4", "output-parameter: energy");
        Plugin("operational", "Coefficient", "input-parameter: energy", "coefficient: 400", "output-parameter: carbon-operational");
        Plugin("embodied", "Coefficient", "input-parameter: duration", "coefficient: 0.0012", "output-parameter: carbon-embodied");
        Plugin("carbon", "Sum", "input-parameters: [carbon-operational, carbon-embodied]", "output-parameter: carbon");
        Plugin("sci", "Sci", "functional-unit: tokens");
        text.Append("tree:\n  children:\n");
        for (var board = 0; board < Boards; board++)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"    board-{board}:\n      pipeline:\n        compute: [{(align ? "time-sync, " : "")}joules, board-energy, "
                    + "server-energy, facility-energy, operational, embodied, carbon, sci]\n      inputs:\n"
            );
            for (var i = 0; i < count / Boards; i++)
                text.Append(
                    CultureInfo.InvariantCulture,
                    $"        - timestamp: '{At(i):yyyy-MM-ddTHH:mm:ss.fffZ}'\n          duration: 15\n          power: "
                        + $"{Watts(i)}\n          tokens: {Tokens(i)}\n"
                );
        }
        return text.ToString();
    }

    private static string Scrapes(int count)
    {
        var text = new StringBuilder();
        var told = 0L;
        for (var i = 0; i < count / Boards; i++)
        {
            told += Tokens(i);
            var at = new DateTimeOffset(At(i)).ToUnixTimeSeconds();
            for (var board = 0; board < Boards; board++)
                text.Append(
                        CultureInfo.InvariantCulture,
                        $"DCGM_FI_DEV_POWER_USAGE{{UUID=\"GPU-{board:x12}\",hostname=\"node-{board / 8}\",pod=\"chat-{board}\"}} "
                            + $"{Watts(i)} {at}\n"
                    )
                    .Append(
                        CultureInfo.InvariantCulture,
                        $"vllm:generation_tokens_total{{model_name=\"example/chat\",pod=\"chat-{board}\"}} {told} {at}\n"
                    );
            text.Append("# EOF\n");
        }
        return text.ToString();
    }

    private static DateTime At(int i) => Rack.Start.AddSeconds(15 * i);

    private static int Watts(int i) => 300 + (i % 200);

    private static int Tokens(int i) => 9000 + (i % 500);

    private static async Task<double> BestAsync(int times, string program, string[] arguments)
    {
        var best = double.MaxValue;
        for (var i = 0; i < times; i++)
            best = Math.Min(best, await EndAsync(program, arguments));
        return best;
    }

    private static async Task<double> EndAsync(string program, IEnumerable<string> arguments)
    {
        var clock = Stopwatch.StartNew();
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        // Watching itself to compile better later pays for a server, not for a program that ends at once.
        start.Environment["DOTNET_TieredPGO"] = "0";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        var seconds = clock.Elapsed.TotalSeconds;
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} ended with {process.ExitCode}: {await error} {await output}");
        return seconds;
    }
}
