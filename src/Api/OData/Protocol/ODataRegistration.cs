using Metrics.Api.OData.Model;
using Microsoft.AspNetCore.OData;
using Microsoft.AspNetCore.OData.Batch;
using Microsoft.AspNetCore.OData.Routing;
using Microsoft.AspNetCore.OData.Routing.Template;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Metrics.Api.OData.Protocol;

/// <summary>Registers /odata.</summary>
public static class ODataRegistration
{
    /// <summary>Prefix of the service root's address.</summary>
    internal const string Prefix = "odata";

    /// <summary>Adds what /odata needs; the store is taken from elsewhere.</summary>
    /// <param name="services">Where to add.</param>
    /// <param name="configure">Changes the limits; null keeps them.</param>
    public static IServiceCollection AddMetricsOData(this IServiceCollection services, Action<ODataSettings>? configure = null)
    {
        services.AddOptions<ODataSettings>().Configure(settings => configure?.Invoke(settings));
        // A list that a tool folds into $filter is longer than the 8 KiB that Kestrel reads by itself.
        services.Configure<KestrelServerOptions>(kestrel =>
            kestrel.Limits.MaxRequestLineSize = Math.Max(kestrel.Limits.MaxRequestLineSize, 64 * 1024)
        );
        services.AddSingleton<EntityModel>();
        services
            .AddMvcCore()
            .AddOData(
                (options, provider) =>
                {
                    options.TimeZone = TimeZoneInfo.Utc;
                    options.EnableContinueOnErrorHeader = true;
                    options.EnableQueryFeatures();
                    options.AddRouteComponents(Prefix, provider.GetRequiredService<EntityModel>().Edm, components =>
                        components.AddSingleton<ODataBatchHandler>(new ODataBatch())
                    );
                }
            );
        services.AddSingleton(provider => new AsyncResponses(provider.GetService<TimeProvider>() ?? TimeProvider.System));
        services.AddSingleton<EntityResponses>();
        services.AddSingleton<ODataEndpoint>();
        return services;
    }

    /// <summary>Responds below <c>/odata</c>.</summary>
    /// <param name="endpoints">Where to map.</param>
    public static IEndpointConventionBuilder MapMetricsOData(this IEndpointRouteBuilder endpoints)
    {
        var endpoint = endpoints.ServiceProvider.GetRequiredService<ODataEndpoint>();
        var model = endpoints.ServiceProvider.GetRequiredService<EntityModel>();
        var group = endpoints.MapGroup(Prefix).ExcludeFromDescription();
        const string pattern = "{**odataPath}";
        // The library's matcher reads the path by the template and puts it on the request's IODataFeature.
        var template = new ODataPathTemplate(new ResourcePathTemplate());
        group
            .Map(pattern, endpoint.HandleAsync)
            .WithDisplayName("OData")
            .WithMetadata(new ODataRoutingMetadata(Prefix, model.Edm, template));
        // What the model has no path for: the connection file, responses to fetch, the function, and what does not exist.
        group.Map(pattern, endpoint.HandleAsync).WithDisplayName("OData").WithOrder(1);
        return group;
    }
}
