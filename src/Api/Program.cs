using System.Globalization;
using Hangfire;
using Hangfire.InMemory;
using Hangfire.PostgreSql;
using Metrics.Api.Access;
using Metrics.Api.Commands;
using Metrics.Api.Explain;
using Metrics.Api.Http;
using Metrics.Api.OData.Protocol;
using Metrics.Api.Operations;
using Metrics.Api.Placements;
using Metrics.Api.Reports;
using Metrics.Api.Reports.Jobs;
using Metrics.Api.Settings;
using Metrics.Api.Webhooks;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Normalisation;
using Metrics.Ingestors.Pipeline;
using Metrics.Ingestors.Providers;
using Metrics.Storage.Access;
using Metrics.Storage.Engine;
using Metrics.Storage.Facts;
using Metrics.Storage.Schema;
using Microsoft.Extensions.Configuration.Json;
using Microsoft.Extensions.Options;
using Scalar.AspNetCore;

CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;

// Only the first word can be a command: after it come settings, some as `--urls http://...` with a blank between name and value.
var command = args is [var first, ..] && !first.StartsWith('-') ? first : "serve";
if (command is not ("serve" or "migrate" or "backfill" or "report" or "keys"))
    return Refuse($"'{command}' is not a command. There are: serve (the default), migrate, backfill, report, keys.");
(string Source, DateTime From, DateTime To)? span = null;
if (command == "backfill")
{
    span = BackfillCommand.Parse(args[1..], out var faults);
    if (span is null)
        return Refuse(string.Join(Environment.NewLine, faults));
}
ReportCommand.Order? asked = null;
if (command == "report")
{
    asked = ReportCommand.Parse(args[1..], DateTime.UtcNow, out var faults);
    if (asked is null)
        return Refuse(string.Join(Environment.NewLine, faults));
}
KeysCommand.Order? order = null;
if (command == "keys")
{
    order = KeysCommand.Parse(args[1..], DateTime.UtcNow, out var faults);
    if (order is null)
        return Refuse(string.Join(Environment.NewLine, faults));
}

WebApplicationBuilder builder;
try
{
    // The settings of the folder that is named, or that it is started in, else those that it was shipped with.
    var named =
        (Environment.GetEnvironmentVariable("ASPNETCORE_CONTENTROOT") ?? Environment.GetEnvironmentVariable("DOTNET_CONTENTROOT"))
            is not null
        || args.Any(word => word.StartsWith("--contentRoot", StringComparison.OrdinalIgnoreCase));
    builder = WebApplication.CreateBuilder(
        new WebApplicationOptions
        {
            Args = args,
            ContentRootPath = named || File.Exists("appsettings.json") ? null : AppContext.BaseDirectory,
        }
    );
}
catch (Exception exception) when (exception is InvalidDataException or FormatException)
{
    return Refuse($"The configuration cannot be read: {exception.Message} {exception.GetBaseException().Message}");
}

// How much is logged does not depend on the folder: the shipped levels lie beneath every other source of settings.
var shipped = new JsonConfigurationSource { Path = Path.Combine(AppContext.BaseDirectory, "appsettings.json"), Optional = true };
shipped.ResolveFileProvider();
((IConfigurationBuilder)builder.Configuration).Sources.Insert(0, shipped);
builder.Logging.AddSimpleConsole(console =>
{
    console.SingleLine = true;
    console.TimestampFormat = "HH:mm:ss ";
});
if (!builder.Configuration.GetSection("Metrics:Sources").GetChildren().Any())
    Demo.AddTo(builder.Configuration);

MetricsSettings settings;
MetricCatalogue catalogue;
try
{
    settings = MetricsSettings.Read(builder.Configuration.GetSection("Metrics"));
    catalogue = Catalogues.Load(settings.Catalogues);
}
catch (SettingsException exception)
{
    return Refuse($"The configuration cannot be used:{Environment.NewLine}{exception.Message}");
}
catch (CatalogueException exception)
{
    return Refuse($"The metric catalogue cannot be used:{Environment.NewLine}{exception.Message}");
}

if (
    builder.Configuration["urls"] is null
    && builder.Configuration["http_ports"] is null
    && !builder.Configuration.GetSection("Kestrel:Endpoints").GetChildren().Any()
)
    builder.WebHost.UseUrls("http://localhost:5080");

// Loopback is the lock of a service that asks for no key. A page from elsewhere whose name is pointed at this machine would pick it: its own name gives it away.
if (builder.Configuration["AllowedHosts"] is null && ListenAddresses.OnLoopbackOnly(builder.Configuration["urls"]))
    builder.Configuration["AllowedHosts"] = "localhost;127.0.0.1;[::1]";
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
services.AddSingleton(settings.ToFactors()).AddSingleton(settings.ToConversions());
services.AddSingleton(
    new Normaliser(catalogue, settings.ToWorkloads(), settings.ToPlaces(), settings.Grain, settings.ToFactors(), settings.ToHardware())
);
services.AddSingleton(provider => new RuleWatch(
    provider.GetRequiredService<FactStore>(),
    settings.ToWorkloads(),
    provider.GetRequiredService<TimeProvider>()
));
services
    .AddSingleton<SourceList>()
    .AddSingleton<SourceReader>()
    .AddSingleton<Reconciliation>()
    .AddSingleton<FactRecomputer>()
    .AddSingleton<Jobs>()
    .AddSingleton<BackfillCommand>();
services.AddHangfire(hangfire =>
{
    hangfire.UseSimpleAssemblyNameTypeSerializer().UseRecommendedSerializerSettings();
    if (settings.Storage.Engine == StorageEngine.Postgres)
        hangfire.UsePostgreSqlStorage(
            to => to.UseNpgsqlConnection(settings.Storage.ConnectionString),
            Schedule.PostgreSqlOptions(prepare: command == "migrate")
        );
    else
        hangfire.UseInMemoryStorage(new InMemoryStorageOptions { MaxExpirationTime = TimeSpan.FromHours(1) });
});
if (settings.IsWorker && command == "serve")
{
    services.AddHangfireServer(Schedule.ServerOptions);
    services.AddSingleton<Worker>().AddHostedService(provider => provider.GetRequiredService<Worker>());
    services.AddHostedService<Watchdog>();
    services.AddHostedService(provider => provider.GetRequiredService<Dispatcher>());
    services.AddHostedService<IntensityWatch>();
}
services.AddAccess(settings.Access);
services.AddWebhooks(settings.Webhooks);
if (command == "serve")
    services.AddHostedService(provider => provider.GetRequiredService<AccessKeyCache>());
services.AddReports(settings.Reports);
services.AddHostedService<SelfMetrics>();
services.AddHealthChecks().AddCheck<StorageHealth>("storage");
services.AddMetricsOData();

// A page of numbers is a fifth of its size when compressed. The answers hold no secret that a guess in the request could find by their length.
services.AddResponseCompression(compression => compression.EnableForHttps = true);
services.AddProblemAnswers();
services.AddOpenApi(openApi =>
    openApi.AddDocumentTransformer(
        (document, _, _) =>
        {
            document.Info.Title = "Metrics";
            document.Info.Description = "Operations of the service. Its data is at /odata, which describes itself at /odata/$metadata.";
            return Task.CompletedTask;
        }
    )
);

var app = builder.Build();
foreach (var remark in settings.FactorRemarks)
    app.Logger.LogWarning("{Remark}.", remark);
using var stop = new CancellationTokenSource();
var schema = app.Services.GetRequiredService<SchemaMigrator>();
if (command == "migrate")
{
    try
    {
        await schema.MigrateAsync(stop.Token);
        await app.Services.GetRequiredService<SharedKeys>().GetAsync(ODataSettings.SkipTokenKeyName, stop.Token);
        if (settings.Storage.Engine == StorageEngine.Postgres)
            _ = app.Services.GetRequiredService<JobStorage>();
    }
    catch (Exception exception) when (StorageFault.IsOutside(exception))
    {
        return Refuse($"The database could not be migrated: {exception.Message}");
    }
    Console.WriteLine($"The {settings.Storage.Engine} database is at the schema of this version.");
    return 0;
}

// The embedded database belongs to this process alone, so it is brought up to date here; a shared one is migrated on purpose.
var state = await schema.PrepareAsync(migrate: settings.Storage.Engine == StorageEngine.Sqlite, stop.Token);
if (!state.IsCurrent)
    return Refuse(state.Message);

if (span is var (source, from, to))
{
    try
    {
        return await app.Services.GetRequiredService<BackfillCommand>().RunAsync(source, from, to);
    }
    catch (Exception exception) when (StorageFault.IsOutside(exception))
    {
        return Refuse($"The span could not be read to its end: {exception.Message} The same command goes on from where it is.");
    }
}

if (asked is not null)
{
    try
    {
        return await ReportCommand.RunAsync(asked, app.Services.GetRequiredService<ReportFiles>(), stop.Token);
    }
    catch (Exception exception) when (StorageFault.IsOutside(exception) || exception is System.Data.Common.DbException)
    {
        return Refuse($"The report could not be read: {exception.Message}");
    }
}
if (order is not null)
{
    try
    {
        return await KeysCommand.RunAsync(order, app.Services.GetRequiredService<AccessKeys>(), DateTime.UtcNow, stop.Token);
    }
    catch (Exception exception) when (StorageFault.IsOutside(exception))
    {
        return Refuse($"The keys could not be reached: {exception.Message}");
    }
}

SoleWorker? sole = null;
try
{
    if (settings.Storage.Engine == StorageEngine.Sqlite && settings.IsWorker)
        sole = SoleWorker.Take(settings.Storage.ConnectionString);
    // One key for every process on the database: a nextLink of one is understood by the others, and after a restart.
    var ring = app.Services.GetRequiredService<AccessKeyCache>();
    await ring.RefreshAsync(stop.Token);
    if (ring.IsOpen && ListenAddresses.BeyondLoopback(app.Configuration) is { } beyond)
    {
        sole?.Dispose();
        return Refuse(
            $"{beyond} can be reached from beyond this machine, and there is no key yet, so that everybody would be let in. Make a key first by the command 'keys create NAME --scopes admin', give one by Metrics:Access:Keys, or listen at http://localhost:5080."
        );
    }
    if (settings.IsApi)
        app.Services.GetRequiredService<IOptions<ODataSettings>>().Value.SkipTokenKey ??= await app
            .Services.GetRequiredService<SharedKeys>()
            .GetAsync(ODataSettings.SkipTokenKeyName, stop.Token);
}
catch (StorageException exception)
{
    return Refuse(exception.Message);
}
using var released = sole;

app.UseRequestCount();
app.UseResponseCompression();
app.UseProblemAnswers();
app.UseAccess();
app.MapOperations(settings);
if (settings.IsApi)
{
    app.MapMetricsOData().RequireScope(Scope.Read);
    app.MapPlacements().RequireScope(Scope.Read);
    app.MapExplain().RequireScope(Scope.Read);
    app.MapBackfill();
    app.MapAccess();
    app.MapReports();
    app.MapWebhooks();
    app.MapRules();
    app.MapOpenApi().RequireScope(Scope.None);
    app.MapScalarApiReference().RequireScope(Scope.None);
}
try
{
    await app.StartAsync();
}
catch (Exception exception) when (ListenAddresses.Refused(exception) is { } reason)
{
    return Refuse(reason);
}
catch (Exception exception) when (StorageFault.IsOutside(exception))
{
    return Refuse($"The service could not start: {exception.Message}");
}
await app.WaitForShutdownAsync();
return 0;

static int Refuse(string message)
{
    Console.Error.WriteLine(message);
    return 2;
}
