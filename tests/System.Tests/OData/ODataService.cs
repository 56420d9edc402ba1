using System.Data.Common;
using System.Globalization;
using System.Net;
using System.Text.Json;
using Metrics.Api.OData.Protocol;
using Metrics.Domain.Facts;
using Metrics.Domain.Quantities;
using Metrics.Storage.Engine;
using Metrics.Storage.Schema;
using Metrics.Storage.Schema.Tables;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using Xunit;

namespace Metrics.SystemTests.OData;

/// <summary>/odata over one store, on a port of its own.</summary>
public sealed class ODataService : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly string connectionString;
    private readonly Failures failures;
    private readonly Dictionary<string, IReadOnlyList<Row>> rows = [];

    private ODataService(WebApplication app, StorageEngine engine, string connectionString, Failures failures)
    {
        this.failures = failures;
        this.app = app;
        this.connectionString = connectionString;
        Engine = engine;
        Client = new HttpClient { BaseAddress = new Uri(app.Urls.Single() + "/odata/") };
    }

    public StorageEngine Engine { get; }

    public HttpClient Client { get; }

    /// <summary>What the service last logged as an error.</summary>
    public string? LastFailure => failures.Last;

    public IDbContextFactory<MetricsDbContext> Store => app.Services.GetRequiredService<IDbContextFactory<MetricsDbContext>>();

    /// <summary>Starts the service over a store that this product's migrations have made.</summary>
    public static async Task<ODataService> StartAsync(
        StorageEngine engine,
        string connectionString,
        Action<ODataSettings>? configure = null,
        bool migrate = true,
        TimeProvider? time = null
    )
    {
        var builder = WebApplication.CreateSlimBuilder();
        var failures = new Failures();
        builder.Logging.ClearProviders().AddProvider(failures).SetMinimumLevel(LogLevel.Error);
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddSingleton(time ?? TimeProvider.System);
        builder.Services.AddMetricsStorage(engine, connectionString);
        builder.Services.AddMetricsOData(configure);
        var app = builder.Build();
        app.MapMetricsOData();
        if (migrate)
            await app.Services.GetRequiredService<SchemaMigrator>().MigrateAsync();
        await app.StartAsync();
        return new ODataService(app, engine, connectionString, failures);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await app.DisposeAsync();
    }

    public async Task<JsonElement> GetAsync(string url)
    {
        using var response = await Client.GetAsync(url);
        var body = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, $"{(int)response.StatusCode} for {url}: {body} {failures.Last}");
        return JsonDocument.Parse(body).RootElement;
    }

    public async Task<long> CountAsync(string set, string filter)
    {
        using var response = await Client.GetAsync($"{set}/$count?$filter={Uri.EscapeDataString(filter)}");
        var body = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, $"{(int)response.StatusCode} for {filter}: {body} {failures.Last}");
        return long.Parse(body, CultureInfo.InvariantCulture);
    }

    /// <summary>Status and error of a request that must fail.</summary>
    public async Task<(int Status, string Code, string Message)> RefusedAsync(
        string url,
        HttpMethod? method = null,
        Action<HttpRequestMessage>? prepare = null
    )
    {
        using var request = new HttpRequestMessage(method ?? HttpMethod.Get, url);
        prepare?.Invoke(request);
        using var response = await Client.SendAsync(request);
        var body = await response.Content.ReadAsStringAsync();
        Assert.True((int)response.StatusCode >= 400, $"{url} was answered: {body[..Math.Min(300, body.Length)]}");
        Assert.True(body.Length < 8192, "The error is long.");
        Assert.DoesNotContain("   at ", body, StringComparison.Ordinal);
        Assert.DoesNotContain("SELECT", body, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", body, StringComparison.Ordinal);
        Assert.DoesNotContain("Microsoft.", body, StringComparison.Ordinal);
        Assert.Equal("4.0", response.Headers.GetValues("OData-Version").Single());
        var error = JsonDocument.Parse(body).RootElement.GetProperty("error");
        return ((int)response.StatusCode, error.GetProperty("code").GetString()!, error.GetProperty("message").GetString()!);
    }

    /// <summary>Follows every nextLink.</summary>
    /// <returns>The rows of all pages, and the number of pages.</returns>
    public async Task<(List<JsonElement> Rows, int Pages)> WalkAsync(string url, int? pageSize = null)
    {
        var all = new List<JsonElement>();
        var pages = 0;
        for (string? next = url; next is not null; pages++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, next);
            if (pageSize is { } size)
                request.Headers.Add("Prefer", $"odata.maxpagesize={size}");
            using var response = await Client.SendAsync(request);
            var body = await response.Content.ReadAsStringAsync();
            Assert.True(response.StatusCode == HttpStatusCode.OK, $"{(int)response.StatusCode} for {next}: {body}");
            var page = JsonDocument.Parse(body).RootElement;
            all.AddRange(page.GetProperty("value").EnumerateArray());
            next = page.TryGetProperty("@odata.nextLink", out var link) ? link.GetString() : null;
            if (next is not null)
                Assert.True(Uri.IsWellFormedUriString(next, UriKind.Absolute), next);
        }
        return (all, pages);
    }

    /// <summary>All rows of a set's view by plain SQL, read once.</summary>
    public async Task<IReadOnlyList<Row>> RowsAsync(string set, IReadOnlyDictionary<string, string> types)
    {
        if (rows.TryGetValue(set, out var known))
            return known;
        var read = new List<Row>();
        await using var connection = Connect();
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = $"SELECT {string.Join(", ", types.Keys.Select(name => $"\"{name}\""))} FROM \"{set}\"";
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            var row = new Row();
            var i = -1;
            foreach (var (name, type) in types)
            {
                i++;
                row[name] = reader.IsDBNull(i)
                    ? null
                    : (type, Engine) switch
                    {
                        ("Edm.DateTimeOffset", StorageEngine.Sqlite) => DateTime.UnixEpoch.AddTicks(reader.GetInt64(i) * 10),
                        ("Edm.DateTimeOffset", _) => reader.GetDateTime(i),
                        ("Edm.Date", StorageEngine.Sqlite) => DateOnly.ParseExact(
                            reader.GetString(i),
                            "yyyy-MM-dd",
                            CultureInfo.InvariantCulture
                        ),
                        ("Edm.Date", _) => reader.GetFieldValue<DateOnly>(i),
                        ("Edm.String", _) => reader.GetString(i),
                        ("Edm.Double", _) => reader.GetDouble(i),
                        _ => reader.GetInt64(i),
                    };
            }
            read.Add(row);
        }
        return rows[set] = read;
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var connection = Connect();
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }

    public DbConnection Connect() =>
        Engine == StorageEngine.Postgres ? new NpgsqlConnection(connectionString) : new SqliteConnection(connectionString);
}

/// <summary>What the service logged as an error, for the messages of failing tests.</summary>
internal sealed class Failures : ILoggerProvider, ILogger
{
    public string? Last { get; private set; }

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter
    ) => Last = $"{formatter(state, exception)} {exception}";

    public void Dispose() { }
}

/// <summary>One row of a view: long, double, string, DateOnly, UTC DateTime or null by column.</summary>
public sealed class Row : Dictionary<string, object?>
{
    public Row()
        : base(StringComparer.Ordinal) { }
}

/// <summary>The service on both engines over the same rows, made from a fixed seed.</summary>
public sealed class ODataServices : IAsyncLifetime
{
    private readonly string folder = Directory.CreateTempSubdirectory("metrics-odata-").FullName;
    private readonly Dictionary<StorageEngine, ODataService> services = [],
        small = [];

    public PostgresCluster Cluster { get; } = new();

    public ODataService this[StorageEngine engine] => services[engine];

    /// <summary>The same over few of the rows, for questions by the thousand.</summary>
    public ODataService Small(StorageEngine engine) => small[engine];

    public async Task InitializeAsync()
    {
        await Cluster.InitializeAsync();
        foreach (
            var (engine, connectionString) in new[]
            {
                (StorageEngine.Sqlite, NewFile()),
                (StorageEngine.Postgres, await Cluster.CreateDatabaseAsync()),
            }
        )
        {
            services[engine] = await ODataService.StartAsync(engine, connectionString);
            await SeededRows.WriteAsync(services[engine]);
            small[engine] = await StartEmptyAsync(engine);
            // Six hours, three on each side of the change of month.
            await SeededRows.WriteAsync(small[engine], 45, 51);
        }
    }

    public async Task DisposeAsync()
    {
        foreach (var service in services.Values.Concat(small.Values))
            await service.DisposeAsync();
        SqliteConnection.ClearAllPools();
        await Cluster.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>A service of its own over an empty store of the engine.</summary>
    public async Task<ODataService> StartEmptyAsync(
        StorageEngine engine,
        Action<ODataSettings>? configure = null,
        TimeProvider? time = null
    ) =>
        await ODataService.StartAsync(
            engine,
            engine == StorageEngine.Sqlite ? NewFile() : await Cluster.CreateDatabaseAsync(),
            configure,
            time: time
        );

    private string NewFile() => $"Data Source={folder}/{Guid.NewGuid():N}.db";
}

/// <summary>The running services, shared by all tests of /odata.</summary>
[CollectionDefinition(Name)]
public sealed class ODataTests : ICollectionFixture<ODataServices>
{
    public const string Name = "OData";

    public static TheoryData<StorageEngine> Engines { get; } = [StorageEngine.Sqlite, StorageEngine.Postgres];
}

/// <summary>Rows with every kind of trouble: nulls, ties, quotes, letters beyond ASCII, exact doubles.</summary>
internal static class SeededRows
{
    public const int Hours = 6_048;
    private static readonly DateTime Start = new(2026, 1, 30, 0, 0, 0, DateTimeKind.Utc);
    private static readonly string[] Units = ["output-token", "request", "image", "none"];
    private static readonly string?[] Models = ["org/model-70b", "Org/Model-8B", null, "modèle-é", "org/model-70b "];

    public static async Task WriteAsync(ODataService service, int from = 0, int to = 126)
    {
        var random = new Random(20260130);
        await using var store = await service.Store.CreateDbContextAsync();
        store.AddRange(
            new PlaceRow
            {
                Name = "onprem/dc-1",
                Provider = "onprem",
                Region = "dc-1",
                Country = "DE",
                Pue = 1.4,
            },
            new PlaceRow
            {
                Name = "aws/eu-west-1",
                Provider = "aws",
                Region = "eu-west-1",
                Country = "IE",
            },
            new PlaceRow
            {
                Name = "gcp/us-central1",
                Provider = "gcp",
                Region = "us-central1",
            }
        );
        string[] workloads = ["chat-70b", "Chat-70B", "O'Neil's \"batch\"", "übersetzer 日本 🔥", " padded\t", "a%b_c\\d", "zz"];
        for (var i = 0; i < workloads.Length; i++)
            store.Add(
                new WorkloadRow
                {
                    Name = workloads[i],
                    Model = Models[i % Models.Length],
                    Precision = i % 3 == 0 ? null : "fp8",
                }
            );
        string[] places = ["onprem/dc-1", "aws/eu-west-1", "gcp/us-central1"];
        for (var i = 0; i < 12; i++)
        {
            store.Add(
                new DeploymentRow
                {
                    Id = i switch
                    {
                        0 => 5,
                        1 => 9_007_199_254_740_993,
                        2 => 9_223_372_036_854_775_807,
                        _ => 1_000_000_000_000 + i,
                    },
                    Workload = workloads[i % workloads.Length],
                    Place = places[i % places.Length],
                    Hardware = i % 4 == 3 ? null : "NVIDIA H100 80GB HBM3",
                    Accelerators = i % 5 == 4 ? null : i,
                }
            );
        }
        await store.SaveChangesAsync();
        var deployments = store.Set<DeploymentRow>().Local.Select(row => row.Id).ToArray();
        // 12 deployments x 4 units x 126 hours, from the end of a month over a change of month.
        for (var hour = from; hour < to; hour++)
        {
            foreach (var deployment in deployments)
            {
                foreach (var unit in Units)
                    store.Add(Hour(random, deployment, unit, Start.AddHours(hour)));
            }
        }
        for (var i = 0; i < 300; i++)
        {
            store.Add(
                new RunRow
                {
                    Id = i + 1,
                    Source = i % 3 == 0 ? "rack-7" : "cloud",
                    Epoch = i,
                    Kind = i % 5 == 0 ? "backfill" : "read",
                    StartedAt = Start.AddSeconds(i * 61).AddMicroseconds(i * 7),
                    EndedAt = i % 10 == 0 ? null : Start.AddSeconds(i * 61 + 30),
                    Received = i * 1000L,
                    Written = i,
                    Rejected = i % 4,
                    State = i % 7 == 0 ? "failed" : "whole",
                    ErrorCode = i % 7 == 0 ? "throttled" : null,
                    Error = i % 7 == 0 ? "429" : null,
                }
            );
        }
        store.AddRange(
            new SourceRow
            {
                Id = "rack/7 'a'",
                Provider = "prometheus",
                Place = "onprem/dc-1",
                RegisteredAt = Start,
                Watermark = Start.AddHours(3),
                LastReadAt = Start.AddHours(3).AddMicroseconds(1),
                Failures = 0,
            },
            new SourceRow
            {
                Id = "cloud",
                Provider = "aws-cloudwatch",
                RegisteredAt = Start.AddDays(1),
                Failures = 3,
                LastErrorCode = "denied",
                LastError = "AccessDenied",
            }
        );
        await store.SaveChangesAsync();
    }

    private static IntensityHourRow Hour(Random random, long deployment, string unit, DateTime start)
    {
        double? Some(double share, double value) => random.NextDouble() < share ? null : value;
        var accelerator = Some(0.1, random.Next(6) == 0 ? 17.348259334006055 : random.NextDouble() * 1e6);
        return new IntensityHourRow
        {
            DeploymentId = deployment,
            FunctionalUnit = unit,
            PeriodStart = start,
            PeriodEnd = start.AddHours(1),
            Date = DateOnly.FromDateTime(start),
            DateKey = start.Year * 10000 + start.Month * 100 + start.Day,
            Units =
                unit == "none" ? null
                : random.Next(8) == 0 ? 0
                : random.Next(1, 200) / 8.0,
            AcceleratorJoules = accelerator,
            ServerJoules = Some(0.3, (accelerator ?? 0.1) * 1.25),
            FacilityJoules = Some(0.94, random.Next(10) * 0.5),
            IdleJoules = Some(0.5, random.Next(3)),
            KnownJoules = accelerator,
            MeasuredJoules = accelerator is { } known ? known * random.Next(3) / 2 : 0,
            Evidence = (Evidence)random.Next(4),
            RecomputedAt = start.AddHours(2).AddMicroseconds(random.Next(1_000_000)),
        }.Matched(random.Next(0, 3601));
    }
}
