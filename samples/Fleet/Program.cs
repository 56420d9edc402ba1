using System.Globalization;
using System.Numerics;
using Metrics.Fleet;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

const string usage = """
    generate --out FILE [--seed N]             writes the recording of a day of the sample fleet; equal seeds give equal files
    serve [--port N] [--recording FILE]        plays a recording at /metrics, /metrics/NODE and /metrics/serving
    """;

try
{
    switch (args.FirstOrDefault())
    {
        case "generate":
            var options = Options("out", "seed");
            await GenerateAsync(
                Take(options, "out") ?? throw new FormatException("'generate' needs --out FILE."),
                Number<ulong>(options, "seed", 7)
            );
            return 0;
        case "serve":
            options = Options("port", "recording");
            await ServeAsync(
                Number<ushort>(options, "port", 9400),
                Take(options, "recording") ?? Path.Combine(AppContext.BaseDirectory, "fleet.ndjson.gz")
            );
            return 0;
        default:
            throw new FormatException(args.Length == 0 ? "Say what to do." : $"'{args[0]}' is not known.");
    }
}
catch (Exception exception) when (exception is FormatException or IOException or UnauthorizedAccessException)
{
    await Console.Error.WriteLineAsync($"{exception.Message}\n{usage}");
    return 1;
}

Task GenerateAsync(string path, ulong seed)
{
    using var file = File.Create(path);
    Recording.Write(file, Day.Record(seed));
    return Console.Out.WriteLineAsync($"{path}: {file.Length.ToString(CultureInfo.InvariantCulture)} bytes");
}

async Task ServeAsync(ushort port, string path)
{
    if (!File.Exists(path))
        throw new FormatException($"There is no recording at '{path}': write one with 'generate' and name it with --recording.");
    Exporter exporter;
    await using (var file = File.OpenRead(path))
        exporter = new Exporter(Recording.Read(file));

    var builder = WebApplication.CreateSlimBuilder();
    builder.Logging.SetMinimumLevel(LogLevel.Warning);
    var app = builder.Build();
    app.Urls.Clear();
    app.Urls.Add($"http://*:{port}");
    IResult Page(Func<Track, bool>? of) =>
        exporter.Page(DateTime.UtcNow, of) is { Length: > 0 } page
            ? Results.Text(page, "text/plain; version=0.0.4; charset=utf-8")
            : Results.NotFound("No series of the recording is about that now.\n");
    static bool IsServing(Track track) =>
        track.Metric.StartsWith("vllm:", StringComparison.Ordinal) || track.Metric.StartsWith("nv_", StringComparison.Ordinal);
    app.MapGet("/metrics", () => Page(null));
    app.MapGet("/metrics/serving", () => Page(IsServing));
    app.MapGet("/metrics/{node}", (string node) => Page(track => track.Node == node && !IsServing(track)));
    await app.StartAsync();
    await Console.Out.WriteLineAsync($"Playing {path} at http://localhost:{port}/metrics");
    await app.WaitForShutdownAsync();
}

Dictionary<string, string> Options(params string[] known)
{
    var options = new Dictionary<string, string>(StringComparer.Ordinal);
    foreach (var pair in args.Skip(1).Chunk(2))
    {
        if (pair.Length < 2 || !known.Contains(pair[0].TrimStart('-')))
            throw new FormatException($"'{string.Join(' ', pair)}' is not an option of '{args[0]}' with its value.");
        options[pair[0].TrimStart('-')] = pair[1];
    }
    return options;
}

static string? Take(Dictionary<string, string> options, string name) => options.GetValueOrDefault(name);

static T Number<T>(Dictionary<string, string> options, string name, T otherwise)
    where T : INumberBase<T> =>
    Take(options, name) is not { } text ? otherwise
    : T.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
    : throw new FormatException($"--{name} {text} is not a number that can be used.");
