using System.Net;
using Metrics.Api.OData.Model;
using Metrics.Api.OData.Protocol;
using Metrics.Storage.Engine;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.OData;
using Microsoft.AspNetCore.OData.Batch;
using Microsoft.AspNetCore.OData.Extensions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Xunit;

namespace Metrics.SystemTests.OData;

/// <summary>What Microsoft.AspNetCore.OData does for a request before our code sees it: its router, and its validators.</summary>
[Collection(ODataTests.Name)]
public sealed class ODataRoutingTests(ODataServices services)
{
    [Theory]
    [InlineData("", "")]
    [InlineData("$metadata", "Metadata")]
    [InlineData("$batch", "Batch")]
    [InlineData("Deployments", "EntitySet")]
    [InlineData("/Deployments/", "EntitySet")]
    [InlineData("Deployments/$count", "EntitySet Count")]
    [InlineData("Deployments(5)", "EntitySet Key")]
    [InlineData("Deployments/5", "EntitySet Key")]
    [InlineData("Deployments(Id=5)/Region/$value", "EntitySet Key Property Value")]
    [InlineData("Sources('rack%2F7')", "EntitySet Key")]
    [InlineData(
        "WorkFacts(DeploymentId=5,FunctionalUnit='a',PeriodStart=2026-01-30T00:00:00Z)/Deployment",
        "EntitySet Key NavigationProperty"
    )]
    // Parameters that may be left out the library takes for missing: the function reads its own.
    [InlineData("Compare(unit='request')", null)]
    // The control: what the model has no path for has none, and gets to the endpoint all the same.
    [InlineData("Nothing", null)]
    [InlineData("Deployments(x)", null)]
    public async Task The_library_reads_the_path_of_a_request_before_it_is_dispatched(string url, string? segments)
    {
        string? prefix = null,
            address = null,
            read = null;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddMetricsStorage(StorageEngine.Sqlite, "Data Source=/nowhere/at/all.db;Mode=ReadWrite");
        builder.Services.AddMetricsOData();
        await using var app = builder.Build();
        app.Use(
            async (context, next) =>
            {
                var feature = context.ODataFeature();
                (prefix, address) = (feature.RoutePrefix, feature.BaseAddress);
                read = feature.Path is { } path
                    ? string.Join(' ', path.Select(segment => segment.GetType().Name.Replace("Segment", "", StringComparison.Ordinal)))
                    : null;
                if (read is not null)
                    Assert.Same(app.Services.GetRequiredService<EntityModel>().Edm, feature.Model);
                await next(context);
            }
        );
        app.MapMetricsOData();
        await app.StartAsync();
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.Single() + "/odata/") };

        using var response = await client.GetAsync(client.BaseAddress.AbsoluteUri + url);

        Assert.Equal("4.0", response.Headers.GetValues("OData-Version").Single());
        Assert.Equal(segments, read);
        Assert.Equal(segments is null ? (null, null) : ("odata", client.BaseAddress.AbsoluteUri), (prefix, address));
    }

    [Fact]
    public async Task Outside_the_prefix_nothing_is_of_OData()
    {
        using var response = await services[StorageEngine.Sqlite].Client.GetAsync("/odatas/Deployments");

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.False(response.Headers.Contains("OData-Version"));
    }

    [Theory]
    // Beyond the limit of the library's validator; the reader of ours would say 2000.
    [InlineData(12, "$filter has more than 4000 nodes, or functions nested deeper than 100: ask for less in one request.")]
    // The controls: the validator lets pass what only our reader refuses, and what neither does.
    [InlineData(6, "$filter has more than 2000 nodes: ask for less in one request.")]
    [InlineData(4, null)]
    public async Task The_librarys_validator_refuses_a_costly_filter_before_it_is_translated(int hundreds, string? message)
    {
        // In groups: the library's parser gives up at a depth of 800, and a chain of or is as deep as it is long.
        var group = string.Join(" or ", Enumerable.Range(0, 100).Select(i => $"DateKey eq {i}"));
        var filter = string.Join(" or ", Enumerable.Repeat($"({group})", hundreds));
        foreach (var engine in new[] { StorageEngine.Sqlite, StorageEngine.Postgres })
        {
            var url = $"HourlyIntensities?$top=1&$filter={Uri.EscapeDataString(filter)}";
            if (message is null)
                Assert.Equal(0, (await services[engine].GetAsync(url)).GetProperty("value").GetArrayLength());
            else
                Assert.Equal((400, "QueryTooComplex", message), await services[engine].RefusedAsync(url));
        }
    }

    [Theory]
    [InlineData(
        "HourlyIntensities?$expand=Deployment($expand=Nope)",
        "UnknownProperty",
        "Deployments has no navigation property to expand."
    )]
    [InlineData("HourlyIntensities?$filter=Nope eq 1", "UnknownProperty", null)]
    [InlineData("HourlyIntensities?$filter=Units eq 'a", "InvalidQuery", null)]
    public async Task What_the_library_cannot_read_our_reader_says_what_is_wrong_with(string url, string code, string? message)
    {
        var refused = await services[StorageEngine.Sqlite].RefusedAsync(url);

        Assert.Equal((400, code), (refused.Status, refused.Code));
        if (message is not null)
            Assert.Equal(message, refused.Message);
    }

    [Fact]
    public void The_batch_handler_is_a_component_of_the_service_root()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddMetricsOData();
        var provider = builder.Build().Services;
        var components = provider.GetRequiredService<IOptions<ODataOptions>>().Value.RouteComponents["odata"];

        Assert.Same(provider.GetRequiredService<EntityModel>().Edm, components.EdmModel);
        Assert.IsType<ODataBatch>(components.ServiceProvider.GetRequiredService<ODataBatchHandler>());
    }
}
