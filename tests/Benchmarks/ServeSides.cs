using System.ComponentModel.DataAnnotations;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Metrics.Api.OData.Protocol;
using Metrics.Storage.Engine;
using Metrics.Storage.Schema;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.OData;
using Microsoft.AspNetCore.OData.Query;
using Microsoft.AspNetCore.OData.Routing.Controllers;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.OData.ModelBuilder;

namespace Metrics.Benchmarks;

/// <summary>The services that are compared, each a process of its own: it prints its address, then what it has used whenever it is asked,
/// and ends with its standard input.</summary>
internal sealed class ServeSides : IAsyncDisposable
{
    private readonly Process process;

    private ServeSides(Process process, Uri address) => (this.process, Address) = (process, address);

    /// <summary>Address of the service root, with a slash at its end.</summary>
    public Uri Address { get; }

    /// <summary>Ours or the stock library's over a store.</summary>
    public static Task<ServeSides> StartAsync(string side, ServeRows rows)
    {
        var start = new ProcessStartInfo(
            "dotnet",
            [Path.Combine(AppContext.BaseDirectory, "Metrics.Benchmarks.dll"), "serve", side, rows.Engine.ToString(), rows.ConnectionString]
        );
        // The collector as a service has it: this program turns its background off for another benchmark.
        start.Environment["DOTNET_gcConcurrent"] = "1";
        return StartAsync(start);
    }

    /// <summary>Any program that keeps to the same agreement.</summary>
    public static async Task<ServeSides> StartAsync(ProcessStartInfo start)
    {
        (start.RedirectStandardInput, start.RedirectStandardOutput) = (true, true);
        var process = Process.Start(start)!;
        var line = await process.StandardOutput.ReadLineAsync()
            ?? throw new InvalidOperationException("A service that is compared did not start.");
        return new ServeSides(process, new Uri(line));
    }

    /// <summary>Bytes that the process has allocated since its start, and the most that it ever had resident.</summary>
    public async Task<(long Allocated, long Resident)> UsedAsync()
    {
        await process.StandardInput.WriteLineAsync("used");
        await process.StandardInput.FlushAsync();
        var told = JsonSerializer.Deserialize<long[]>(
            await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("The service has ended.")
        )!;
        return (told[0], told[1]);
    }

    public async ValueTask DisposeAsync()
    {
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        process.Dispose();
    }

    /// <summary>Is such a process.</summary>
    public static async Task<int> ServeAsync(string side, string engine, string connectionString)
    {
        var store = Enum.Parse<StorageEngine>(engine);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddSimpleConsole().AddFilter(level => level >= LogLevel.Error);
        builder.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(console =>
            console.LogToStandardErrorThreshold = LogLevel.Trace
        );
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        if (side == "stock")
            AddStock(builder.Services, store, connectionString);
        else
            builder.Services.AddSingleton(TimeProvider.System).AddMetricsStorage(store, connectionString).AddMetricsOData();
        await using var app = builder.Build();
        if (side == "stock")
            app.MapControllers();
        else
            app.MapMetricsOData();
        await app.StartAsync();
        Console.WriteLine(app.Urls.Single() + "/odata/");
        while (await Console.In.ReadLineAsync() is not null)
        {
            var peak = File.ReadLines("/proc/self/status")
                .First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal))
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];
            Console.WriteLine(
                JsonSerializer.Serialize(
                    new[] { GC.GetTotalAllocatedBytes(precise: true), long.Parse(peak, CultureInfo.InvariantCulture) * 1024 }
                )
            );
        }
        return 0;
    }

    // As its documentation sets it up, with what makes it faster: no tracking, pooled contexts, and pages that go on behind a key where it
    // can (else it skips rows).
    private static void AddStock(IServiceCollection services, StorageEngine engine, string connectionString)
    {
        services.AddDbContextPool<StockStore>(options =>
        {
            options.UseQueryTrackingBehavior(QueryTrackingBehavior.NoTracking);
            if (engine == StorageEngine.Postgres)
                options.UseNpgsql(connectionString);
            else
                options.UseSqlite(connectionString);
        });
        var model = new ODataConventionModelBuilder();
        model
            .EntitySet<StockHour>("HourlyIntensities")
            .EntityType.HasKey(hour => new
            {
                hour.DeploymentId,
                hour.FunctionalUnit,
                hour.PeriodStart,
            });
        services
            .AddControllers()
            .AddOData(options =>
            {
                options.TimeZone = TimeZoneInfo.Utc;
                options.SkipToken().Select().Filter().OrderBy().Count().SetMaxTop(null).AddRouteComponents("odata", model.GetEdmModel());
            });
    }
}

/// <summary>The rows by the stock library.</summary>
public sealed class HourlyIntensitiesController(StockStore store) : ODataController
{
    [EnableQuery(PageSize = Serve.PageSize)]
    public IQueryable<StockHour> Get() => store.Hours;
}

/// <summary>The product's view by EF Core.</summary>
public sealed class StockStore(DbContextOptions<StockStore> options) : DbContext(options)
{
    public DbSet<StockHour> Hours => Set<StockHour>();

    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder)
    {
        if (Database.IsSqlite())
            configurationBuilder.Properties<DateTime>().HaveConversion<UnixMicroseconds>();
    }

    protected override void OnModelCreating(ModelBuilder modelBuilder) =>
        modelBuilder
            .Entity<StockHour>()
            .ToView("HourlyIntensities")
            .HasKey(hour => new
            {
                hour.DeploymentId,
                hour.FunctionalUnit,
                hour.PeriodStart,
            });
}

/// <summary>A row of the view, with all its columns.</summary>
public sealed class StockHour
{
    public long DeploymentId { get; set; }

    [Required]
    public string FunctionalUnit { get; set; } = "";
    public DateTime PeriodStart { get; set; }
    public DateTime PeriodEnd { get; set; }
    public DateOnly Date { get; set; }
    public int DateKey { get; set; }
    public string? Workload { get; set; }
    public string? Model { get; set; }
    public string? Precision { get; set; }
    public string? Provider { get; set; }
    public string? Account { get; set; }
    public string? Region { get; set; }
    public string? Hardware { get; set; }
    public double? Units { get; set; }
    public double? AcceleratorJoules { get; set; }
    public double? ServerJoules { get; set; }
    public double? FacilityJoules { get; set; }
    public double? IdleJoules { get; set; }
    public double? JoulesPerUnit { get; set; }
    public double? AcceleratorJoulesPerUnit { get; set; }
    public double? ServerJoulesPerUnit { get; set; }
    public double? ActiveJoulesPerUnit { get; set; }
    public double? OperationalGrams { get; set; }
    public double? MarginalGrams { get; set; }
    public double? MarketBasedGrams { get; set; }
    public double? EmbodiedGrams { get; set; }
    public double? SciGramsPerUnit { get; set; }
    public double? WaterLitres { get; set; }
    public double? LowJoules { get; set; }
    public double? HighJoules { get; set; }
    public string? Evidence { get; set; }
    public double? MeasuredShare { get; set; }
    public double? Coverage { get; set; }
    public string? NullReason { get; set; }
    public string? Missing { get; set; }
    public string? FactorVersion { get; set; }
    public DateTime RecomputedAt { get; set; }
}
