using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Xml.Linq;
using Microsoft.Data.Sqlite;
using Xunit;

namespace Metrics.SystemTests.Witness;

/// <summary>
/// The service on both engines over the telemetry of <c>fixture</c>: it reads, every hour becomes final, it stops; factors of one month
/// change, rows of a final hour come late, and it reads again. Everything that it then tells is kept here by file.
/// </summary>
public sealed class WitnessRun : IAsyncLifetime
{
    private static TimeSpan Patience => ServiceProcess.Patience;

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
                ("ASPNETCORE_CONTENTROOT", folder),
                ("Metrics__Storage__Engine", engine == "sqlite" ? "Sqlite" : "Postgres"),
                ("Metrics__Storage__ConnectionString", connectionString),
            ];
            var written = await File.ReadAllTextAsync(Path.Combine(Fixture(), "settings.json"));
            written = written.Replace("{folder}", folder, StringComparison.Ordinal);
            await File.WriteAllTextAsync(Path.Combine(folder, "appsettings.json"), written);
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
            await StillAsync(second, async () =>
                await CountAsync(second, "Restatements", "Reason eq 'late_data'") > 0
                && await CountAsync(second, "Restatements", "Reason eq 'factors_changed'") > 0
                && await CountAsync(second, "HourlyIntensities", "Workload eq 'last'") > 1
                && await CountAsync(second, "Rejections", "Reason eq 'rule_matches_nothing'") > 0
            );
            var stable = new Stable([(folder, "<folder>"), (second.Address.ToString().TrimEnd('/'), "<address>")]);
            await TellAsync(engine, second, connectionString, stable);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        void Factors(string which) =>
            File.Copy(Path.Combine(Fixture(), $"factors.{which}.csv"), Path.Combine(folder, "factors.csv"), overwrite: true);

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
        await using (var connection = ViewDump.Connect(engine, connectionString))
            Keep("views", engine, await ViewDump.DumpAsync(connection, stable));
        Keep("odata", engine, await SetsAsync(service, stable));
        Keep("answers", engine, await AnswersAsync(service, stable));
        Keep("reports", engine, await ReportsAsync(service, stable));
        Keep(
            "contract",
            engine,
            new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["metadata.xml"] = stable.Text(XDocument.Parse(await TextAsync(service, "/odata/$metadata?$format=xml")).ToString()) + "\n",
                ["metadata.json"] = stable.Json(await JsonAsync(service, "/odata/$metadata?$format=json")),
                ["service.json"] = stable.Json(await JsonAsync(service, "/odata")),
                ["openapi.json"] = stable.Json(await JsonAsync(service, "/openapi/v1.json")),
                ["reports.json"] = stable.Json(await JsonAsync(service, "/api/reports")),
                ["rules-of-reports.json"] = stable.Json(await JsonAsync(service, "/api/validate")),
            }
        );
    }

    private static async Task<Dictionary<string, string>> SetsAsync(ServiceProcess service, Stable stable)
    {
        var told = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var one in (await JsonAsync(service, "/odata")).GetProperty("value").EnumerateArray())
        {
            if (one.TryGetProperty("kind", out var kind) && kind.GetString() != "EntitySet")
                continue;
            var set = one.GetProperty("name").GetString()!;
            var rows = ViewDump.Ordered(set, (await service.RowsAsync(set)).Select(row => stable.Line(row, ViewDump.Masked(set))));
            told[$"{set}.json"] = "[\n" + string.Join(",\n", Stable.Shortened(rows)) + "\n]\n";
        }
        return told;
    }

    private static async Task<Dictionary<string, string>> AnswersAsync(ServiceProcess service, Stable stable)
    {
        const string day = "from=2026-02-03T10:00:00Z&to=2026-02-03T12:00:00Z";
        const string hour = "from=2026-02-03T10:00:00Z,to=2026-02-03T11:00:00Z";
        const string all = "minCoverage=0.1&evidence=estimated",
            tokens = "FunctionalUnit eq 'output-token'";
        const string sums = "aggregate(FacilityJoules,ServerJoules,Units with sum as Tokens,JoulesPerUnit,Coverage with average as Share)";
        var answers = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (
            var (name, path) in new[]
            {
                ("placements.output-token", $"/api/placements?unit=output-token&{day}"),
                ("placements.output-token.all", $"/api/placements?unit=output-token&{day}&{all}&boundary=server&idlePolicy=active-only"),
                ("placements.request.carbon", $"/api/placements?unit=request&by=carbon&{day}&{all}"),
                ("compare.output-token", $"/odata/Compare(unit='output-token',{hour})"),
                ("compare.request.carbon", $"/odata/Compare(unit='request',by='carbon',{hour},minCoverage=0.1)"),
                ("apply.by-workload", $"/odata/HourlyIntensities?$apply=filter({tokens})/groupby((Workload),{sums})&$orderby=Workload"),
            }
        )
            answers[$"{name}.json"] = stable.Json(await JsonAsync(service, path));
        foreach (
            var (name, set, workload, unit, more) in new[]
            {
                ("explain.hour.metered", "HourlyIntensities", "chat-70b", "output-token", " and PeriodStart eq 2026-02-03T10:00:00Z"),
                ("explain.hour.modelled", "HourlyIntensities", "endpoint-one", "request", ""),
                ("explain.hour.estimated", "HourlyIntensities", "gpt", "output-token", ""),
                ("explain.day", "DailyIntensities", "code-8b", "output-token", " and Date eq 2026-02-03"),
            }
        )
        {
            var filter = Uri.EscapeDataString($"Workload eq '{workload}' and FunctionalUnit eq '{unit}'{more}");
            var row = Assert.Single(await service.RowsAsync($"{set}?$filter={filter}"));
            var (deployment, start) = (row.GetProperty("DeploymentId").GetInt64(), row.GetProperty("PeriodStart").GetString());
            var key = Uri.EscapeDataString($"DeploymentId={deployment},FunctionalUnit='{unit}',PeriodStart={start}");
            answers[$"{name}.json"] = stable.Json(await JsonAsync(service, $"/api/explain?set={set}&key={key}"));
        }
        return answers;
    }

    private static async Task<Dictionary<string, string>> ReportsAsync(ServiceProcess service, Stable stable)
    {
        const string hours = "from=2026-02-03T10:00:00Z&to=2026-02-03T12:00:00Z&grain=hour";
        const string months = "from=2026-02-01&to=2026-04-01&grain=month";
        var kinds = (await JsonAsync(service, "/api/reports")).GetProperty("kinds");
        var reports = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var kind in kinds.EnumerateArray().Select(kind => kind.GetProperty("name").GetString()!))
        {
            var asked = kind == "comparison" ? hours + "&unit=output-token" : months;
            reports[$"{kind}.csv"] = await CsvAsync($"/api/reports/{kind}?{asked}&format=csv");
            reports[$"{kind}.json"] = stable.Json(await JsonAsync(service, $"/api/reports/{kind}?{asked}&format=json"));
        }
        reports["energy.hours.csv"] = await CsvAsync($"/api/reports/energy?{hours}&format=csv");
        return reports;

        async Task<string> CsvAsync(string path) => stable.Text(await TextAsync(service, path)).ReplaceLineEndings("\n");
    }

    private void Keep(string group, string engine, IReadOnlyDictionary<string, string> files)
    {
        lock (groups)
        {
            if (!groups.TryGetValue(group, out var engines))
                groups[group] = engines = new(StringComparer.Ordinal);
            engines[engine] = files;
        }
    }

    private static async Task<bool> SourcesReadAsync(ServiceProcess service) =>
        (await service.RowsAsync("Sources")).TrueForAll(row => row.GetProperty("LastReadAt").ValueKind != JsonValueKind.Null);

    private static async Task<int> CountAsync(ServiceProcess service, string set, string filter) =>
        (await service.RowsAsync($"{set}?$filter={Uri.EscapeDataString(filter)}&$top=5")).Count;

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
            if (waited.Elapsed > Patience)
                throw new InvalidOperationException($"Not as wanted after {Patience}. The service printed:\n{service.Output}");
            var now = await wanted() ? await StampAsync(service) : "";
            if (now.Length == 0 || now != before)
                (before, since) = (now, Stopwatch.StartNew());
            else if (since.Elapsed > TimeSpan.FromSeconds(2))
                return;
            await Task.Delay(200);
        }
    }

    /// <summary>Changes whenever facts do.</summary>
    private static async Task<string> StampAsync(ServiceProcess service)
    {
        var stamp = new StringBuilder();
        foreach (var set in new[] { "HourlyIntensities", "EnergyFacts", "WorkFacts", "Restatements", "Rejections", "Events" })
            stamp.Append(await TextAsync(service, $"/odata/{set}/$count")).Append(' ');
        foreach (var row in await service.RowsAsync("HourlyIntensities?$orderby=RecomputedAt desc&$top=1&$select=RecomputedAt"))
            stamp.Append(row.GetProperty("RecomputedAt"));
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
