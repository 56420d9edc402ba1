using System.Globalization;
using Metrics.Api.Access;
using Metrics.Api.Commands;
using Metrics.Api.Explain;
using Metrics.Api.Http;
using Metrics.Api.OData.Protocol;
using Metrics.Api.Operations;
using Metrics.Api.Placements;
using Metrics.Api.Reports;
using Metrics.Api.Settings;
using Metrics.Api.Webhooks;
using Metrics.Domain.Catalogue;
using Metrics.Storage.Engine;
using Scalar.AspNetCore;

CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
return await new CommandLine(args, Compose, Map).RunAsync();

static void Compose(WebApplicationBuilder builder, MetricsSettings settings, MetricCatalogue catalogue, HostPurpose purpose)
{
    builder.ConfigureListening();
    var services = builder.Services;
    services.AddSingleton(settings).AddSingleton(TimeProvider.System);
    services.AddMetricsStorage(settings.Storage.Engine, settings.Storage.ConnectionString);
    services.AddSchedule(settings.Storage, prepare: purpose == HostPurpose.Migrate);
    services.AddPipeline(settings, catalogue);
    services.AddAccess(settings.Access).AddWebhooks(settings.Webhooks).AddReports(settings.Reports).AddMetricsOData().AddExplain();
    services.AddOperations();
    if (purpose == HostPurpose.Serve)
        services.AddHostedService(provider => provider.GetRequiredService<AccessKeyCache>());
    if (purpose == HostPurpose.Serve && settings.IsWorker)
        services.AddWorker().AddWebhookWorker();
}

static void Map(WebApplication app, MetricsSettings settings)
{
    app.UseRequestCount();
    app.UseResponseCompression();
    app.UseProblemResponses();
    app.UseAccess();
    app.MapOperations(settings);
    app.MapVersion();
    if (!settings.IsApi)
        return;
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
