using System.Globalization;
using Hangfire;
using Hangfire.InMemory;
using Hangfire.PostgreSql;
using Metrics.Api;
using Metrics.Api.OData;
using Metrics.Api.Operations;
using Metrics.Api.Placements;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Normalisation;
using Metrics.Ingestors;
using Metrics.Ingestors.Reading;
using Metrics.Storage;
using Prometheus;
using Scalar.AspNetCore;

CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
var command = args.FirstOrDefault(argument => !argument.StartsWith('-')) ?? "serve";
if (command is not ("serve" or "migrate")) return Refuse($"'{command}' is not a command. There are: serve (the default), migrate.");

// The settings of the folder that it is started in, else those that it was shipped with.
var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = File.Exists("appsettings.json") ? null : AppContext.BaseDirectory });
builder.Logging.AddSimpleConsole(console => { console.SingleLine = true; console.TimestampFormat = "HH:mm:ss "; });
if (!builder.Configuration.GetSection("Metrics:Sources").GetChildren().Any()) Demo.AddTo(builder.Configuration);

MetricsSettings settings;
MetricCatalogue catalogue;
try
{
    settings = MetricsSettings.Read(builder.Configuration.GetSection("Metrics"));
    catalogue = Catalogues.Load(settings.Catalogues);
}
catch (SettingsException fault)
{
    return Refuse($"The configuration cannot be used:{Environment.NewLine}{fault.Message}");
}
catch (CatalogueException fault)
{
    return Refuse($"The metric catalogue cannot be used:{Environment.NewLine}{fault.Message}");
}

if (builder.Configuration["urls"] is null && builder.Configuration["http_ports"] is null && !builder.Configuration.GetSection("Kestrel:Endpoints").GetChildren().Any())
    builder.WebHost.UseUrls("http://localhost:5080");
builder.WebHost.ConfigureKestrel(kestrel =>
{
    kestrel.AddServerHeader = false;
    kestrel.Limits.MaxRequestLineSize = 64 * 1024;
    kestrel.Limits.MaxRequestHeadersTotalSize = 96 * 1024;
    kestrel.Limits.MaxRequestBodySize = 1024 * 1024;
});

var services = builder.Services;
services.AddSingleton(settings).AddSingleton(catalogue).AddSingleton(TimeProvider.System);
services.AddMetricsStorage(settings.Storage.Engine, settings.Storage.ConnectionString);
services.AddSingleton(new Normaliser(catalogue, settings.ToWorkloads(), settings.ToPlaces(), settings.Grain));
services.AddSingleton<SourceList>().AddSingleton<SourceReader>().AddSingleton<FactKeeper>().AddSingleton<Jobs>();
services.AddHangfire(hangfire =>
{
    hangfire.UseSimpleAssemblyNameTypeSerializer().UseRecommendedSerializerSettings();
    if (settings.Storage.Engine == StorageEngine.Postgres)
        hangfire.UsePostgreSqlStorage(to => to.UseNpgsqlConnection(settings.Storage.ConnectionString), Schedule.PostgreSqlOptions(prepare: command == "migrate"));
    else
        hangfire.UseInMemoryStorage(new InMemoryStorageOptions { MaxExpirationTime = TimeSpan.FromHours(1) });
});
if (settings.IsWorker && command == "serve")
{
    services.AddHangfireServer(Schedule.ServerOptions);
    services.AddHostedService<Worker>();
}
services.AddHostedService<SelfMetrics>();
services.AddHealthChecks().AddCheck<StorageHealth>("storage");
services.AddMetricsOData();
services.AddOpenApi();

var app = builder.Build();
using var stop = new CancellationTokenSource();
var schema = app.Services.GetRequiredService<Schema>();
if (command == "migrate")
{
    try
    {
        await schema.MigrateAsync(stop.Token);
        if (settings.Storage.Engine == StorageEngine.Postgres) _ = app.Services.GetRequiredService<JobStorage>();
    }
    catch (Exception fault) when (StorageFault.IsOutside(fault))
    {
        return Refuse($"The database could not be migrated: {fault.Message}");
    }
    Console.WriteLine($"The {settings.Storage.Engine} database is at the schema of this version.");
    return 0;
}

// The embedded database belongs to this process alone, so it is brought up to date here; a shared one is migrated on purpose.
var state = await schema.PrepareAsync(migrate: settings.Storage.Engine == StorageEngine.Sqlite, stop.Token);
if (!state.IsCurrent) return Refuse(state.Message);

app.UseRequestCount();
app.MapOperations(settings);
if (settings.IsApi)
{
    app.MapMetricsOData();
    app.MapPlacements();
    app.MapOpenApi();
    app.MapScalarApiReference();
}
await app.RunAsync();
return 0;

static int Refuse(string message)
{
    Console.Error.WriteLine(message);
    return 2;
}
