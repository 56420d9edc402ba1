using System.Runtime.CompilerServices;
using System.Text.Json;
using Metrics.Storage;
using Metrics.SystemTests.OData;
using Microsoft.Data.Sqlite;
using Xunit;

namespace Metrics.SystemTests.Clients;

/// <summary>
/// OpenUI5's model of OData v4 in a browser reads the service: what it makes of the answers is what plain SQL finds in the
/// same store, on both engines.
/// </summary>
public sealed class OpenUi5Tests(OpenUi5Answers answers) : IClassFixture<OpenUi5Answers>
{
    public static TheoryData<StorageEngine> Engines => ODataTests.Engines;

    [Theory]
    [MemberData(nameof(Engines))]
    public void A_list_has_its_rows_and_their_count(StorageEngine engine)
    {
        var list = answers[engine].Result("list");

        Assert.Equal(12, list.GetProperty("count").GetInt32());
        Assert.Equal(12, list.GetProperty("length").GetInt32());
    }
}

/// <summary>What the model answered on each engine, in one visit of a browser.</summary>
public sealed class OpenUi5Answers : IAsyncLifetime
{
    private readonly NodeFolder node = new(Path.Combine(Here(), "OpenUi5"));
    private readonly PostgresCluster cluster = new();
    private readonly string folder = Directory.CreateTempSubdirectory("metrics-openui5-").FullName;
    private readonly Dictionary<StorageEngine, OpenUi5Visit> visits = [];

    internal OpenUi5Visit this[StorageEngine engine] => visits[engine];

    public async Task InitializeAsync()
    {
        await Task.WhenAll(node.InstallAsync(), cluster.InitializeAsync());
        foreach (var (engine, connectionString) in new[] { (StorageEngine.Sqlite, $"Data Source={folder}/metrics.db"), (StorageEngine.Postgres, await cluster.CreateDatabaseAsync()) })
        {
            var service = await ODataService.StartAsync(engine, connectionString);
            // Six hours, three on each side of a change of month.
            await SeededRows.WriteAsync(service, 45, 51);
            var told = await node.RunAsync("driver.cjs", environment: new Dictionary<string, string> { ["SERVICE"] = service.Client.BaseAddress!.ToString() });
            visits[engine] = new OpenUi5Visit(service, JsonDocument.Parse(told).RootElement);
        }
    }

    public async Task DisposeAsync()
    {
        foreach (var visit in visits.Values) await visit.Service.DisposeAsync();
        SqliteConnection.ClearAllPools();
        await cluster.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    private static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}

/// <summary>The service that was read, and what the functions of page.js returned.</summary>
internal sealed record OpenUi5Visit(ODataService Service, JsonElement Answers)
{
    /// <summary>What a function returned.</summary>
    public JsonElement Result(string name)
    {
        var answer = Answers.GetProperty(name);
        return answer.TryGetProperty("result", out var result) ? result : throw new InvalidOperationException($"{name}: {answer}");
    }
}
