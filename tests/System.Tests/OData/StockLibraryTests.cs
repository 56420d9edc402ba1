using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Metrics.Api.OData.Model;
using Metrics.Api.OData.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.OData;
using Microsoft.AspNetCore.OData.Batch;
using Microsoft.AspNetCore.OData.Extensions;
using Microsoft.AspNetCore.OData.Query;
using Microsoft.AspNetCore.OData.Query.Validator;
using Microsoft.AspNetCore.OData.Routing.Controllers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.OData;
using Microsoft.OData.Edm;
using Microsoft.OData.UriParser;
using Xunit;

namespace Metrics.SystemTests.OData;

/// <summary>
/// What the library does by itself with our model, where we keep our own: the reasons of decision 005. When one of these fails after an
/// update of the library, ours may have become needless.
/// </summary>
public sealed class StockLibraryTests : IAsyncLifetime
{
    private static readonly EntityModel Model = new();
    private readonly List<bool> sent = [];
    private ODataBatchHandler handler = new DefaultODataBatchHandler { PrefixName = "odata" };
    private WebApplication app = null!;
    private HttpClient client = null!;

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder
            .Services.AddControllers()
            .AddApplicationPart(typeof(MetadataController).Assembly)
            .AddOData(options => options.EnableQueryFeatures().AddRouteComponents("odata", Model.Edm));
        app = builder.Build();
        app.MapControllers();
        app.MapPost("/odata/$batch", HandleBatchAsync);
        await app.StartAsync();
        client = new HttpClient { BaseAddress = new Uri(app.Urls.Single() + "/odata/") };
    }

    public async Task DisposeAsync()
    {
        client.Dispose();
        await app.DisposeAsync();
    }

    [Fact]
    public async Task It_answers_XML_to_who_accepts_JSON_metadata_only()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "$metadata");
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        using var response = await client.SendAsync(request);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("application/xml", response.Content.Headers.ContentType!.MediaType);
        Assert.Null(response.Headers.ETag);
    }

    [Fact]
    public async Task Its_JSON_metadata_says_of_no_navigation_that_it_may_lead_nowhere()
    {
        var json = await client.GetStringAsync("$metadata?$format=application/json");

        var calendar = JsonDocument.Parse(json).RootElement.GetProperty("Metrics").GetProperty("HourlyIntensity").GetProperty("Calendar");
        Assert.Equal("Metrics.CalendarDay", calendar.GetProperty("$Type").GetString());
        Assert.False(calendar.TryGetProperty("$Nullable", out _));
        var ours = JsonDocument.Parse(Model.Json).RootElement.GetProperty("Metrics").GetProperty("HourlyIntensity").GetProperty("Calendar");
        Assert.True(ours.GetProperty("$Nullable").GetBoolean());
    }

    [Theory]
    [InlineData("", "application/xml")]
    [InlineData("?$format=csv", null)]
    public async Task It_answers_JSON_to_who_wants_another_format_only(string url, string? accept)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        if (accept is not null)
            request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(accept));
        using var response = await client.SendAsync(request);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("application/json", response.Content.Headers.ContentType!.MediaType);
    }

    [Fact]
    public async Task Its_batch_handler_sends_nothing_before_the_last_response_is_made()
    {
        using var its = await BatchAsync(TwoRequests, "application/json");
        Assert.Equal([false, false], sent);

        sent.Clear();
        handler = new ODataBatch();
        using var ours = await BatchAsync(TwoRequests, "application/json");
        Assert.Equal([false, true], sent);
    }

    [Fact]
    public async Task Its_batch_handler_refuses_without_an_OData_error()
    {
        using var response = await BatchAsync("x", "text/plain");

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.StartsWith("The batch request must have", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public void Its_validator_bounds_a_filter_and_not_the_same_filter_in_apply()
    {
        var filter = string.Join(" or ", Enumerable.Range(0, 100).Select(i => $"DateKey eq {i}"));
        var settings = new ODataValidationSettings { MaxNodeCount = 100 };

        Assert.Throws<ODataException>(() => Options($"?$filter={filter}").Validate(settings));
        settings.AllowedQueryOptions = AllowedQueryOptions.All;
        Options($"?$apply=filter({filter})/aggregate($count as N)").Validate(settings);
    }

    [Theory]
    [InlineData("$filter", "Units divby 2 gt 1")]
    [InlineData("$apply", "concat(aggregate($count as N),groupby((Region)))")]
    [InlineData("$apply", "topcount(3,Units)")]
    [InlineData("$apply", "orderby(Units desc)/top(3)")]
    [InlineData("$apply", "identity")]
    [InlineData("$apply", "aggregate(FacilityJoules)")]
    [InlineData("$apply", "groupby((rollup(Region,Workload)))")]
    public void Its_parser_does_not_read_what_ours_does(string option, string text)
    {
        var set = Model.Edm.EntityContainer.EntitySets().Single(found => found.Name == "HourlyIntensities");
        var parser = new ODataQueryOptionParser(Model.Edm, set.EntityType, set, new Dictionary<string, string> { [option] = text });

        Assert.ThrowsAny<ODataException>(() => option == "$filter" ? (object)parser.ParseFilter() : parser.ParseApply());
    }

    private const string TwoRequests =
        """{"requests":[{"id":"a","method":"GET","url":"Deployments"},{"id":"b","method":"GET","url":"Deployments"}]}""";

    private ODataQueryOptions Options(string query)
    {
        var set = Model.Edm.EntityContainer.EntitySets().Single(found => found.Name == "HourlyIntensities");
        var context = new DefaultHttpContext { RequestServices = app.Services };
        context.Request.QueryString = new QueryString(query);
        context.ODataFeature().RoutePrefix = "odata";
        return new ODataQueryOptions(
            new ODataQueryContext(Model.Edm, set.EntityType, new ODataPath(new EntitySetSegment(set))),
            context.Request
        );
    }

    private async Task HandleBatchAsync(HttpContext context)
    {
        (context.ODataFeature().RoutePrefix, context.ODataFeature().Model) = ("odata", Model.Edm);
        await handler.ProcessBatchAsync(context, async part =>
        {
            sent.Add(context.Response.HasStarted);
            part.Response.ContentType = "application/json";
            await part.Response.WriteAsync("{}");
        });
    }

    private Task<HttpResponseMessage> BatchAsync(string body, string type) =>
        client.PostAsync("$batch", new StringContent(body, Encoding.UTF8, type));
}
