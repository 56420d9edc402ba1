using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Metrics.Api.Http;
using Metrics.Storage.Engine;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Metrics.SystemTests.Http;

/// <summary>Exceptions and long errors as answers, and the list of codes in the docs.</summary>
public sealed partial class ProblemTests : IAsyncLifetime
{
    private WebApplication app = null!;
    private HttpClient client = null!;

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddProblemResponses();
        app = builder.Build();
        app.UseProblemResponses();
        app.MapGet("/storage", string () => throw new StorageException(StorageErrorCode.Unreachable, "password=secret"));
        app.MapGet("/odata/storage", string () => throw new StorageException(StorageErrorCode.Unreachable, "password=secret"));
        app.MapGet("/ours", string () => throw new InvalidOperationException("password=secret"));
        app.MapGet("/odata/ours", string () => throw new InvalidOperationException("password=secret"));
        app.MapGet("/large", string () => throw new BadHttpRequestException("The body is too large.", 413));
        app.MapGet("/status/{code:int}", (int code) => Results.StatusCode(code));
        app.MapGet("/many", () =>
        {
            var errors = new RequestErrors();
            for (var i = 0; i < 10_000; i++)
                errors.Query($"parameter-{i}", ProblemCode.UnknownParameter, $"'<{new string('é', i % 2_000)}>' is not a parameter.");
            return Problems.Of(errors);
        });
        app.MapGet("/long", () => Problems.Of(ProblemCode.NotFound, new string('\'', 100_000), 404));
        await app.StartAsync();
        client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
    }

    public async Task DisposeAsync()
    {
        client.Dispose();
        await app.DisposeAsync();
    }

    [Theory]
    [InlineData("/storage", 503, "storage_unavailable")]
    [InlineData("/ours", 500, "internal_error")]
    [InlineData("/large", 413, "too_large")]
    [InlineData("/nothing", 404, "not_found")]
    [InlineData("/status/400", 400, "bad_request")]
    [InlineData("/status/406", 406, "not_acceptable")]
    [InlineData("/status/408", 408, "request_timeout")]
    [InlineData("/status/415", 415, "unsupported_media_type")]
    [InlineData("/status/416", 416, "range_not_satisfiable")]
    [InlineData("/status/429", 429, "rate_limited")]
    [InlineData("/status/500", 500, "internal_error")]
    [InlineData("/status/503", 503, "storage_unavailable")]
    public async Task What_goes_wrong_has_a_status_and_a_code_and_no_secret(string path, int status, string code)
    {
        using var response = await client.GetAsync(path);
        var text = await response.Content.ReadAsStringAsync();

        Assert.Equal((status, "application/problem+json"), ((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType));
        Assert.Equal(code, JsonDocument.Parse(text).RootElement.GetProperty("code").GetString());
        Assert.DoesNotContain("secret", text, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failed_store_says_when_to_come_back_and_our_own_fault_has_the_id_of_its_log()
    {
        using var store = await client.GetAsync("/storage");
        using var ours = await client.GetAsync("/ours");

        Assert.Equal(TimeSpan.FromSeconds(5), store.Headers.RetryAfter?.Delta);
        Assert.Null(ours.Headers.RetryAfter);
        Assert.NotEmpty(JsonDocument.Parse(await ours.Content.ReadAsStringAsync()).RootElement.GetProperty("id").GetString()!);
    }

    [Theory]
    [InlineData("/odata/storage", 503, "storage_unavailable")]
    [InlineData("/odata/ours", 500, "internal_error")]
    [InlineData("/odata/nothing", 404, "not_found")]
    public async Task Below_odata_it_has_the_form_of_odata(string path, int status, string code)
    {
        using var response = await client.GetAsync(path);
        var error = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("error");

        Assert.Equal((status, "application/json"), ((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType));
        Assert.Equal(code, error.GetProperty("code").GetString());
        Assert.DoesNotContain("secret", error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Long_lists_and_texts_are_truncated_and_the_rest_counted()
    {
        var many = await client.GetAsync("/many");
        var text = await many.Content.ReadAsStringAsync();
        var problem = JsonDocument.Parse(text).RootElement;
        var listed = problem.GetProperty("errors").GetArrayLength();

        Assert.InRange(Encoding.UTF8.GetByteCount(text), 2_000, 8_192);
        Assert.InRange(listed, 10, 9_999);
        Assert.Equal(10_000 - listed, problem.GetProperty("errorsLeftOut").GetInt32());
        Assert.EndsWith("...", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.InRange((await client.GetByteArrayAsync("/status/200")).Length, 0, 0);
        using var length = await client.GetAsync("/long");
        Assert.InRange((await length.Content.ReadAsByteArrayAsync()).Length, 300, 8_192);
    }

    [Fact]
    public void The_docs_list_every_code_and_no_other()
    {
        var page = File.ReadAllText(Path.Combine(Root(), "docs", "errors.md"));
        var listed = Row().Matches(page).Select(row => row.Groups["code"].Value).ToList();

        Assert.Equal(
            Enum.GetValues<ProblemCode>().Select(ProblemCodes.ToWord).Order(StringComparer.Ordinal),
            listed.Order(StringComparer.Ordinal)
        );
        // The control: a page without a row would differ.
        Assert.Contains("not_found", listed);
        Assert.DoesNotContain("NotFound", listed);
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "Metrics.sln")))
            folder = folder.Parent;
        return folder.FullName;
    }

    [GeneratedRegex(@"^\| `(?<code>[a-z_]+)` \| [0-9, ]+ \| .+ \|$", RegexOptions.Multiline)]
    private static partial Regex Row();
}
