using Hangfire;
using Hangfire.Dashboard;
using Metrics.Api.Access;
using Metrics.Api.Http;
using Metrics.Api.Settings;
using Metrics.Ingestors.Pipeline;
using Metrics.Storage.Schema;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Prometheus;

namespace Metrics.Api.Operations;

/// <summary>The addresses that an operator uses: health, own metrics, jobs, reading now, and where to look.</summary>
public static class Endpoints
{
    /// <summary>Adds health, own metrics, compression, problems and the description of the API.</summary>
    public static IServiceCollection AddOperations(this IServiceCollection services)
    {
        services.AddHostedService<SelfMetrics>();
        services.AddHealthChecks().AddCheck<StorageHealth>("storage");
        // A page of numbers is a fifth of its size when compressed. The answers hold no secret that a guess in the request could find by
        // their length.
        services.AddResponseCompression(compression => compression.EnableForHttps = true);
        services.AddProblemResponses();
        return services.AddOpenApi(openApi =>
        {
            openApi.AddDocumentTransformer(
                (document, _, _) =>
                {
                    document.Info.Title = "Metrics";
                    document.Info.Version = ServiceVersion.Current;
                    document.Info.Description =
                        "Operations of the service. Its data is at /odata, which describes itself at /odata/$metadata.";
                    return Task.CompletedTask;
                }
            );
            openApi.UnfoldDescriptions();
        });
    }

    /// <summary>Counts requests and maps the operator's addresses.</summary>
    public static void MapOperations(this WebApplication app, MetricsSettings settings)
    {
        // What a process serves that needs no database must answer while the database is gone.
        app.MapHealthChecks("/health/live", new() { Predicate = _ => false }).OpenToAll();
        app.MapHealthChecks("/health/ready").RequireScope(Scope.None);
        app.MapMetrics("/metrics").RequireScope(Scope.Read);
        app.MapMethods("/", [HttpMethods.Get, HttpMethods.Head], () => Results.Text(Welcome(app), "text/plain; charset=utf-8"))
            .RequireScope(Scope.None)
            .ExcludeFromDescription();
        // Who comes here without a key may look; what a job does again is in the audit log under a name.
        app.MapHangfireDashboard(
                "/jobs",
                new DashboardOptions
                {
                    Authorization = [],
                    IsReadOnlyFunc = request => Caller.Of(request.GetHttpContext()) == Caller.Local,
                    DisplayStorageConnectionString = false,
                    DashboardTitle = "Metrics jobs",
                }
            )
            .RequireScope(Scope.Operate);
        if (settings.IsApi)
            app.MapPost("/api/sources/{id}/read", ReadNow)
                .RequireScope(Scope.Operate)
                .WithTags("Sources")
                .ProducesProblem(StatusCodes.Status404NotFound)
                .WithSummary("Reads a source now")
                .WithDescription("Asks a worker to read the source up to now, whatever its schedule.");
        app.Lifetime.ApplicationStarted.Register(() =>
        {
            // Whoever reads the log by a program gets lines of the log only.
            if (app.Configuration["Logging:Console:FormatterName"] is null or "simple")
                Console.WriteLine(Welcome(app));
            else
                app.Logger.LogInformation(LogEvents.ServiceStarted, "Metrics answers at {Address}.", AddressOf(app));
        });
    }

    /// <summary>Counts every answered request, its own pages included: they are work that the service does.</summary>
    public static void UseRequestCount(this WebApplication app) =>
        app.Use(
            async (context, next) =>
            {
                try
                {
                    await next(context);
                }
                finally
                {
                    SelfMetrics.Count(context);
                }
            }
        );

    private static Results<Accepted, ProblemHttpResult> ReadNow(string id, MetricsSettings settings, IBackgroundJobClient jobs)
    {
        if (!settings.Sources.ContainsKey(id))
            return Problems.Of(
                ProblemCode.NotFound,
                $"There is no source '{id}'. Sources are: {string.Join(", ", settings.Sources.Keys.Order(StringComparer.Ordinal))}.",
                StatusCodes.Status404NotFound
            );
        jobs.Enqueue<Jobs>(job => job.ReadAsync(id, CancellationToken.None));
        var name = Uri.EscapeDataString(id.Replace("'", "''", StringComparison.Ordinal));
        return TypedResults.Accepted($"/odata/Runs?$filter=Source%20eq%20'{name}'&$orderby=StartedAt%20desc&$top=1");
    }

    private static string AddressOf(WebApplication app) => app.Urls.FirstOrDefault() ?? "http://localhost:5080";

    private static string Welcome(WebApplication app)
    {
        var address = AddressOf(app);
        return $"""
            Metrics answers at {address}
              joules per unit   {address}/odata/HourlyIntensities?$orderby=PeriodStart%20desc
              what there is     {address}/odata
              sources           {address}/odata/Sources
              API               {address}/scalar
              jobs              {address}/jobs
            """;
    }
}

/// <summary>Ready means that the database answers and has the schema of this version.</summary>
public sealed class StorageHealth(SchemaMigrator schema) : IHealthCheck
{
    /// <inheritdoc/>
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var state = await schema.CheckAsync(cancellationToken);
        return state.IsCurrent ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy(state.Message);
    }
}
