using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Xunit;

namespace Metrics.SystemTests.Witness;

/// <summary>
/// The service on both engines over the telemetry of <c>fixture</c>: it reads, every hour becomes final, it stops; factors of one month change, rows of a final hour come late,
/// and it reads again. Everything that it then tells is kept here by file.
/// </summary>
public sealed class WitnessRun : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly PostgresCluster cluster = new();
    private readonly Dictionary<string, Dictionary<string, IReadOnlyDictionary<string, string>>> groups = new(StringComparer.Ordinal);

    /// <summary>Texts of a group by file name, by engine.</summary>
    internal IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> this[string group] => groups[group];

    public async Task InitializeAsync()
    {
        await cluster.InitializeAsync();
        await Task.WhenAll(RunAsync("sqlite"), RunAsync("postgres"));
    }

    public async Task DisposeAsync()
    {
        SqliteConnection.ClearAllPools();
        await cluster.DisposeAsync();
    }

    /// <summary>The fixture's folder.</summary>
    internal static string Fixture([CallerFilePath] string file = "") => Path.Combine(Path.GetDirectoryName(file)!, "fixture");

    private async Task RunAsync(string engine)
    {
        var folder = Directory.CreateTempSubdirectory("metrics-witness-").FullName;
        try
        {
            var connectionString = engine == "sqlite" ? $"Data Source={folder}/metrics.db" : await cluster.CreateDatabaseAsync();
            (string, string)[] settings =
            [
                ("ASPNETCORE_CONTENTROOT", folder), ("Metrics__Storage__Engine", engine == "sqlite" ? "Sqlite" : "Postgres"), ("Metrics__Storage__ConnectionString", connectionString),
            ];
            await File.WriteAllTextAsync(Path.Combine(folder, "appsettings.json"), (await File.ReadAllTextAsync(Path.Combine(Fixture(), "settings.json"))).Replace("{folder}", folder, StringComparison.Ordinal));
            Directory.CreateDirectory(Path.Combine(folder, "in", "last"));
            Bring("first");
            Factors("before");
            if (engine == "postgres")
            {
                var (code, output) = await ServiceProcess.RunAsync(["migrate"], settings);
                Assert.True(code == 0, output);
            }

            await using (var first = await ServiceProcess.StartAsync(settings))
            {
                await StillAsync(first, () => SourcesReadAsync(first));
                // The read of the last file is alone: the recompute behind it finds every source read and makes every hour final.
                Bring("tick");
                await ReadAsync(first, "last");
                await StillAsync(first, async () => await CountAsync(first, "HourlyIntensities", "Workload eq 'last'") > 0);
                await first.StopAsync();
            }

            Factors("after");
            Bring("late");
            await using var second = await ServiceProcess.StartAsync(settings);
            // Rules that match nothing are looked for by the recurring recompute, and not at each read.
            await StillAsync(second, async () => await CountAsync(second, "Restatements", "Reason eq 'late_data'") > 0 && await CountAsync(second, "Restatements", "Reason eq 'factors_changed'") > 0
                && await CountAsync(second, "HourlyIntensities", "Workload eq 'last'") > 1 && await CountAsync(second, "Rejections", "Reason eq 'rule_matches_nothing'") > 0);
            await TellAsync(engine, second, connectionString, new Stable([(folder, "<folder>"), (second.Address.ToString().TrimEnd('/'), "<address>")]));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        void Factors(string which) => File.Copy(Path.Combine(Fixture(), $"factors.{which}.csv"), Path.Combine(folder, "factors.csv"), overwrite: true);

        void Bring(string wave)
        {
            foreach (var path in Directory.EnumerateFiles(Path.Combine(Fixture(), wave), "*", SearchOption.AllDirectories))
            {
                var target = Path.Combine(folder, "in", Path.GetRelativePath(Path.Combine(Fixture(), wave), path));
                Directory.CreateDirectory(Path.GetDirectoryName(target)!);
                // A name that begins with a dot is not read: a file is there whole or not at all.
                var hidden = Path.Combine(Path.GetDirectoryName(target)!, "." + Path.GetFileName(target));
                File.Copy(path, hidden);
                File.Move(hidden, target);
            }
        }
    }

    /// <summary>Everything that is told, by group and file.</summary>
    private async Task TellAsync(string engine, ServiceProcess service, string connectionString, Stable stable)
    {
        await using (var connection = ViewDump.Connect(engine, connectionString)) Keep("views", engine, await ViewDump.DumpAsync(connection, stable));

        var sets = (await JsonAsync(service, "/odata")).GetProperty("value").EnumerateArray().Where(one => !one.TryGetProperty("kind", out var kind) || kind.GetString() == "EntitySet").Select(one => one.GetProperty("name").GetString()!).ToList();
        var told = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var set in sets)
        {
            var rows = await service.RowsAsync(set);
            told[$"{set}.json"] = "[\n" + string.Join(",\n", Stable.Shortened(ViewDump.Ordered(set, rows.Select(row => stable.Line(row, ViewDump.Masked(set)))))) + "\n]\n";
        }
        Keep("odata", engine, told);

        const string day = "from=2026-02-03T10:00:00Z&to=2026-02-03T12:00:00Z";
        var answers = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, path) in new[]
        {
            ("placements.output-token", $"/api/placements?unit=output-token&{day}"),
            ("placements.output-token.all", $"/api/placements?unit=output-token&{day}&boundary=server&minCoverage=0.1&evidence=estimated&idlePolicy=active-only"),
            ("placements.request.carbon", $"/api/placements?unit=request&by=carbon&{day}&minCoverage=0.1&evidence=estimated"),
            ("compare.output-token", "/odata/Compare(unit='output-token',from=2026-02-03T10:00:00Z,to=2026-02-03T11:00:00Z)"),
            ("compare.request.carbon", "/odata/Compare(unit='request',by='carbon',from=2026-02-03T10:00:00Z,to=2026-02-03T11:00:00Z,minCoverage=0.1)"),
            ("apply.by-workload", "/odata/HourlyIntensities?$apply=filter(FunctionalUnit eq 'output-token')/groupby((Workload),aggregate(FacilityJoules,ServerJoules,Units with sum as Tokens,JoulesPerUnit,Coverage with average as Share))&$orderby=Workload"),
        }) answers[$"{name}.json"] = stable.Json(await JsonAsync(service, path));
        foreach (var (name, set, filter) in new[]
        {
            ("explain.hour.metered", "HourlyIntensities", "Workload eq 'chat-70b' and FunctionalUnit eq 'output-token' and PeriodStart eq 2026-02-03T10:00:00Z"),
            ("explain.hour.modelled", "HourlyIntensities", "Workload eq 'endpoint-one' and FunctionalUnit eq 'request'"),
            ("explain.hour.estimated", "HourlyIntensities", "Workload eq 'gpt' and FunctionalUnit eq 'output-token'"),
            ("explain.day", "DailyIntensities", "Workload eq 'code-8b' and FunctionalUnit eq 'output-token' and Date eq 2026-02-03"),
        })
        {
            var row = Assert.Single(await service.RowsAsync($"{set}?$filter={Uri.EscapeDataString(filter)}"));
            var key = $"DeploymentId={row.GetProperty("DeploymentId").GetInt64()},FunctionalUnit='{row.GetProperty("FunctionalUnit").GetString()}',PeriodStart={row.GetProperty("PeriodStart").GetString()}";
            answers[$"{name}.json"] = stable.Json(await JsonAsync(service, $"/api/explain?set={set}&key={Uri.EscapeDataString(key)}"));
        }
        Keep("answers", engine, answers);

        var reports = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var kind in (await JsonAsync(service, "/api/reports")).GetProperty("kinds").EnumerateArray().Select(kind => kind.GetProperty("name").GetString()!))
        {
            var asked = kind == "comparison" ? "from=2026-02-03T10:00:00Z&to=2026-02-03T12:00:00Z&grain=hour&unit=output-token" : "from=2026-02-01&to=2026-04-01&grain=month";
            reports[$"{kind}.csv"] = stable.Text(await TextAsync(service, $"/api/reports/{kind}?{asked}&format=csv")).ReplaceLineEndings("\n");
            reports[$"{kind}.json"] = stable.Json(await JsonAsync(service, $"/api/reports/{kind}?{asked}&format=json"));
        }
        reports["energy.hours.csv"] = stable.Text(await TextAsync(service, "/api/reports/energy?from=2026-02-03T10:00:00Z&to=2026-02-03T12:00:00Z&grain=hour&format=csv")).ReplaceLineEndings("\n");
        Keep("reports", engine, reports);

        Keep("contract", engine, new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["metadata.xml"] = stable.Text(System.Xml.Linq.XDocument.Parse(await TextAsync(service, "/odata/$metadata?$format=xml")).ToString()) + "\n",
            ["metadata.json"] = stable.Json(await JsonAsync(service, "/odata/$metadata?$format=json")),
            ["service.json"] = stable.Json(await JsonAsync(service, "/odata")),
            ["openapi.json"] = stable.Json(await JsonAsync(service, "/openapi/v1.json")),
            ["reports.json"] = stable.Json(await JsonAsync(service, "/api/reports")),
            ["rules-of-reports.json"] = stable.Json(await JsonAsync(service, "/api/validate")),
        });
    }

    private void Keep(string group, string engine, IReadOnlyDictionary<string, string> files)
    {
        lock (groups)
        {
            if (!groups.TryGetValue(group, out var engines)) groups[group] = engines = new(StringComparer.Ordinal);
            engines[engine] = files;
        }
    }

    private static async Task<bool> SourcesReadAsync(ServiceProcess service) => (await service.RowsAsync("Sources")).TrueForAll(row => row.GetProperty("LastReadAt").ValueKind != JsonValueKind.Null);

    private static async Task<int> CountAsync(ServiceProcess service, string set, string filter) => (await service.RowsAsync($"{set}?$filter={Uri.EscapeDataString(filter)}&$top=5")).Count;

    private static async Task ReadAsync(ServiceProcess service, string source)
    {
        using var answer = await service.Http.PostAsync(new Uri($"/api/sources/{source}/read", UriKind.Relative), null);
        Assert.True(answer.IsSuccessStatusCode, $"{answer.StatusCode}");
    }

    /// <summary>Waits until something is so, and facts have not changed for a while.</summary>
    private static async Task StillAsync(ServiceProcess service, Func<Task<bool>> wanted)
    {
        var waited = Stopwatch.StartNew();
        var (before, since) = ("", Stopwatch.StartNew());
        while (true)
        {
            if (waited.Elapsed > Patience) throw new InvalidOperationException($"The facts were not as wanted after {Patience}. The service printed:\n{service.Output}");
            var now = await wanted() ? await StampAsync(service) : "";
            if (now.Length == 0 || now != before) (before, since) = (now, Stopwatch.StartNew());
            else if (since.Elapsed > TimeSpan.FromSeconds(1.5)) return;
            await Task.Delay(200);
        }
    }

    /// <summary>Changes whenever facts do.</summary>
    private static async Task<string> StampAsync(ServiceProcess service)
    {
        var stamp = new StringBuilder();
        foreach (var set in new[] { "HourlyIntensities", "EnergyFacts", "WorkFacts", "Restatements", "Rejections", "Events" }) stamp.Append(await TextAsync(service, $"/odata/{set}/$count")).Append(' ');
        foreach (var row in await service.RowsAsync("HourlyIntensities?$orderby=RecomputedAt desc&$top=1&$select=RecomputedAt")) stamp.Append(row.GetProperty("RecomputedAt"));
        return stamp.ToString();
    }

    private static async Task<string> TextAsync(ServiceProcess service, string path)
    {
        using var answer = await service.Http.GetAsync(new Uri(path, UriKind.Relative));
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, $"{(int)answer.StatusCode} for {path}: {text}");
        return text;
    }

    private static async Task<JsonElement> JsonAsync(ServiceProcess service, string path)
    {
        using var document = JsonDocument.Parse(await TextAsync(service, path));
        return document.RootElement.Clone();
    }
}
