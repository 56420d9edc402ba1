using System.Diagnostics;
using System.Globalization;

namespace Metrics.Benchmarks;

/// <summary>
/// The whole program, from the file to the answer, against the Impact Framework's <c>if-run</c>: power and tokens of 16 boards to energy,
/// summed, to grams per token.
/// </summary>
/// <remarks>
/// An observation of if-run is a row with power and tokens. The same row is two samples for us, so we read twice as many; rates
/// are told in if-run's rows.
/// </remarks>
public static class Peer
{
    private const int Boards = 16;

    public static async Task RunAsync()
    {
        var peer = Path.Combine(AppContext.BaseDirectory, "..", "..", "..", "peer");
        var program = Path.Combine(peer, "node_modules", "@grnsft", "if", "build", "if-run", "index.js");
        if (!File.Exists(program)) await EndAsync("npm", ["ci", "--prefix", peer, "--ignore-scripts", "--no-audit", "--no-fund"]);
        var folder = Directory.CreateTempSubdirectory("metrics-benchmark-").FullName;
        try
        {
            var theirs = new Dictionary<int, double>();
            var ours = new Dictionary<int, double>();
            foreach (var count in new[] { 10_000, 40_000 })
            {
                var manifest = Path.Combine(folder, $"{count}.yml");
                var recording = Path.Combine(folder, $"{count}.ndjson");
                await File.WriteAllLinesAsync(manifest, Manifest(count));
                await File.WriteAllLinesAsync(recording, Recording(count));
                theirs[count] = await EndAsync("node", [program, "-m", manifest, "-o", Path.Combine(folder, $"out-{count}")]);
                ours[count] = double.MaxValue;
                for (var i = 0; i < 7; i++)
                    ours[count] = Math.Min(ours[count], await EndAsync("dotnet", [Path.Combine(AppContext.BaseDirectory, "Metrics.Benchmarks.dll"), "pipeline", recording]));
                Figures.Show($"if-run, {count:#,0} observations, whole process", theirs[count], "s");
                Figures.Show($"ours, {count:#,0} observations, whole process", ours[count], "s");
            }
            var theirSlope = 30_000 / (theirs[40_000] - theirs[10_000]);
            var ourSlope = 30_000 / (ours[40_000] - ours[10_000]);
            Figures.AtLeast("whole process at 40,000 observations", theirs[40_000] / ours[40_000], 50, "x");
            Figures.Show("if-run, from 10,000 to 40,000", theirSlope, "/s");
            Figures.Show("ours, from 10,000 to 40,000", ourSlope, "/s");
            Figures.AtLeast("marginal rate", ourSlope / theirSlope, 300, "x");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static IEnumerable<string> Manifest(int count)
    {
        yield return """
            name: benchmark
            description: power and tokens of boards to grams per token
            tags:
            initialize:
              plugins:
                joules: { path: builtin, method: Multiply, config: { input-parameters: [power, duration], output-parameter: joules } }
                kilowatt-hours: { path: builtin, method: Coefficient, config: { input-parameter: joules, coefficient: 2.7777777777777776e-07, output-parameter: board-energy } }
                energy: { path: builtin, method: Sum, config: { input-parameters: [board-energy], output-parameter: energy } }
                carbon: { path: builtin, method: Coefficient, config: { input-parameter: energy, coefficient: 400, output-parameter: carbon } }
                sci: { path: builtin, method: Sci, config: { functional-unit: tokens } }
            tree:
              children:
            """;
        for (var board = 0; board < Boards; board++)
        {
            yield return $"    board-{board}:\n      pipeline:\n        compute: [joules, kilowatt-hours, energy, carbon, sci]\n      inputs:";
            for (var i = 0; i < count / Boards; i++)
                yield return $"        - {{ timestamp: '{At(i)}', duration: 15, power: {Watts(i)}, tokens: {Tokens(i)} }}";
        }
    }

    private static IEnumerable<string> Recording(int count)
    {
        var told = new long[Boards];
        for (var i = 0; i < count / Boards; i++)
        {
            var at = At(i);
            for (var board = 0; board < Boards; board++)
            {
                told[board] += Tokens(i);
                yield return $"{{\"provider\":\"prometheus\",\"metric\":\"DCGM_FI_DEV_POWER_USAGE\",\"labels\":{{\"UUID\":\"GPU-{board:x12}\",\"hostname\":\"node-{board / 8}\",\"pod\":\"chat-{board}\"}},\"start\":\"{at}\",\"end\":\"{at}\",\"value\":{Watts(i)}}}";
                yield return $"{{\"provider\":\"prometheus\",\"metric\":\"vllm:generation_tokens_total\",\"labels\":{{\"model_name\":\"example/chat\",\"pod\":\"chat-{board}\"}},\"start\":\"{at}\",\"end\":\"{at}\",\"value\":{told[board]}}}";
            }
        }
    }

    private static string At(int i) => Rack.Start.AddSeconds(15 * i).ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);

    private static int Watts(int i) => 300 + (i % 200);

    private static int Tokens(int i) => 9000 + (i % 500);

    private static async Task<double> EndAsync(string program, IEnumerable<string> arguments)
    {
        var clock = Stopwatch.StartNew();
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        var seconds = clock.Elapsed.TotalSeconds;
        if (process.ExitCode != 0) throw new InvalidOperationException($"{program} ended with {process.ExitCode}: {await error} {await output}");
        return seconds;
    }
}
