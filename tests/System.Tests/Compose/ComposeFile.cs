using System.Diagnostics;
using System.Text.Json;

namespace Metrics.SystemTests.Compose;

/// <summary>The repository's <c>docker-compose.yml</c> as docker-compose itself understands it: merged, with variables filled in.</summary>
public sealed class ComposeFile
{
    /// <summary>Folder that holds <c>Metrics.sln</c>.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>What stands for <c>METRICS_KEY</c>.</summary>
    public const string Key = "the-key-of-the-compose-tests-0123456789";

    private ComposeFile(IReadOnlyList<ComposeService> services) => Services = services;

    /// <summary>Every service of every profile, each after all that it depends on.</summary>
    public IReadOnlyList<ComposeService> Services { get; }

    public ComposeService this[string name] => Services.Single(service => service.Name == name);

    /// <summary>Runs docker-compose on the file; its exit code and what it said.</summary>
    public static Task<(int Code, string Output, string Error)> RunAsync(string? password, params string[] arguments) =>
        RunAsync(password, Key, arguments);

    /// <summary>The same with this key, or none.</summary>
    public static async Task<(int Code, string Output, string Error)> RunAsync(string? password, string? key, string[] arguments)
    {
        var start = new ProcessStartInfo(
            "docker-compose",
            ["-f", Path.Combine(Root, "docker-compose.yml"), "--profile", "demo", .. arguments]
        )
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Remove("METRICS_PROMETHEUS");
        start.Environment.Remove("METRICS_POSTGRES_PASSWORD");
        start.Environment.Remove("METRICS_KEY");
        if (key is not null)
            start.Environment["METRICS_KEY"] = key;
        if (password is not null)
            start.Environment["METRICS_POSTGRES_PASSWORD"] = password;
        return await EndAsync(start);
    }

    public static async Task<ComposeFile> ReadAsync(string password)
    {
        // The second generation of docker-compose writes JSON. The first, which Debian packages, writes how it is to be
        // used instead and calls that a success; it brings a YAML reader along.
        var (code, json, _) = await RunAsync(password, "config", "--format", "json");
        if (code != 0 || !json.StartsWith('{'))
        {
            (code, var yaml, var error) = await RunAsync(password, "config");
            if (code != 0)
                throw new InvalidOperationException($"docker-compose config ended with {code}: {error}");
            var start = new ProcessStartInfo(
                "/usr/bin/python3",
                ["-c", "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)"]
            )
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            (code, json, error) = await EndAsync(start, yaml);
            if (code != 0)
                throw new InvalidOperationException($"What docker-compose config wrote could not be read: {error}");
        }
        using var parsed = JsonDocument.Parse(json);
        var found = parsed
            .RootElement.GetProperty("services")
            .EnumerateObject()
            .Select(service => new ComposeService(service.Name, service.Value.Clone()))
            .ToDictionary(service => service.Name);
        var ordered = new List<ComposeService>();
        foreach (var service in found.Values)
            Add(service);
        return new ComposeFile(ordered);

        void Add(ComposeService service)
        {
            if (ordered.Contains(service))
                return;
            foreach (var needed in service.DependsOn.Keys)
                Add(found[needed]);
            ordered.Add(service);
        }
    }

    private static async Task<(int Code, string Output, string Error)> EndAsync(ProcessStartInfo start, string? input = null)
    {
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        if (input is not null)
        {
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
        }
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await error);
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Metrics.sln")))
                return folder.FullName;
        throw new InvalidOperationException($"No folder above {AppContext.BaseDirectory} holds Metrics.sln.");
    }
}

/// <summary>One service of the compose file.</summary>
public sealed class ComposeService(string name, JsonElement text)
{
    public string Name { get; } = name;

    /// <summary>Stage of the Dockerfile that it is built from; null for an image of others.</summary>
    public string? Target => text.TryGetProperty("build", out var build) ? build.GetProperty("target").GetString() : null;

    public bool ReadOnly => text.TryGetProperty("read_only", out var value) && value.GetBoolean();

    public IReadOnlyList<string> DroppedCapabilities => Words("cap_drop");

    public IReadOnlyList<string> SecurityOptions => Words("security_opt");

    public IReadOnlyList<string> Profiles => Words("profiles");

    public IReadOnlyList<string> Command => Words("command");

    public IReadOnlyDictionary<string, string> Environment =>
        text.TryGetProperty("environment", out var values)
            ? values.EnumerateObject().ToDictionary(value => value.Name, value => value.Value.ToString())
            : new Dictionary<string, string>();

    /// <summary>Services that come before this one, with the condition for it to start.</summary>
    public IReadOnlyDictionary<string, string> DependsOn =>
        text.TryGetProperty("depends_on", out var services)
            ? services
                .EnumerateObject()
                .ToDictionary(service => service.Name, service => service.Value.GetProperty("condition").GetString()!)
            : new Dictionary<string, string>();

    /// <summary>Every word of the definition, to look for what must not be there.</summary>
    public string Text => text.GetRawText();

    private List<string> Words(string property) =>
        !text.TryGetProperty(property, out var value) ? []
        : value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Select(word => word.ToString())]
        : value.ValueKind == JsonValueKind.Null ? []
        : [.. value.GetString()!.Split(' ', StringSplitOptions.RemoveEmptyEntries)];
}
