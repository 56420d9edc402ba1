using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace Metrics.Emulators;

/// <summary>A managed service before a real Prometheus: it asks who is there, keeps to what the service takes, and passes the rest
/// on.</summary>
/// <param name="upstream">Address of the server behind.</param>
/// <param name="prefix">Path below which the service answers, without a slash at its end; empty for none.</param>
/// <param name="refuse">Why the request is not let through: status and text; null when it is.</param>
public sealed partial class ManagedPrometheus(Uri upstream, string prefix, Func<HttpContext, byte[], (int Status, string Text)?> refuse)
    : IAsyncDisposable
{
    private readonly HttpClient client = new() { BaseAddress = upstream };

    /// <summary>The server that it answers on.</summary>
    public EmulatedServer Server { get; private set; } = null!;

    /// <summary>Where the service is: the address for a source's <c>Endpoint</c>.</summary>
    public Uri Address => new(Server.Address, prefix.TrimStart('/'));

    /// <summary>True where a selector names one metric by its whole name, and any other is refused.</summary>
    public bool OneName { get; init; }

    /// <summary>CloudWatch: names stand in quotation marks, nothing is listed, and no more than so many series are told.</summary>
    public int? MostSeries { get; init; }

    /// <summary>Queries so far, as they came.</summary>
    public List<string> Queries { get; } = [];

    /// <summary>Starts it on loopback.</summary>
    public async Task<ManagedPrometheus> StartAsync(ListenAddresses? at = null)
    {
        Server = await EmulatedServer.StartAsync(app => app.Run(AnswerAsync), at);
        return this;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        client.Dispose();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        using var memory = new MemoryStream();
        await context.Request.Body.CopyToAsync(memory);
        var body = memory.ToArray();
        if (refuse(context, body) is var (status, text))
        {
            context.Response.StatusCode = status;
            await context.Response.WriteAsync(text);
            return;
        }
        var path = context.Request.Path.Value!;
        if (
            !path.StartsWith(prefix + "/api/v1/", StringComparison.Ordinal)
            || MostSeries is not null && path.EndsWith("/values", StringComparison.Ordinal)
        )
        {
            context.Response.StatusCode = 404;
            return;
        }
        var form = QueryHelpers.ParseQuery(Encoding.UTF8.GetString(body));
        var query = form.TryGetValue("query", out var asked) ? asked.ToString() : "";
        if (query.Length > 0)
            Queries.Add(query);
        if (query.Length > 0 && OneName && !(MostSeries is null ? WholeName() : QuotedName()).IsMatch(query))
        {
            context.Response.StatusCode = 400;
            await context.Response.WriteAsync(
                """{"status":"error","errorType":"bad_data","error":"exactly one metric must be selected by its name"}"""
            );
            return;
        }
        if (MostSeries is not null)
            query = QuotedName().Replace(query, "{__name__=$1");
        using var request = new HttpRequestMessage(
            new HttpMethod(context.Request.Method),
            path[prefix.Length..] + context.Request.QueryString
        );
        if (body.Length > 0)
            request.Content = new FormUrlEncodedContent(
                form.Where(pair => pair.Key != "limit")
                    .Select(pair => KeyValuePair.Create(pair.Key, pair.Key == "query" ? query : pair.Value.ToString()))
            );
        using var answer = await client.SendAsync(request);
        context.Response.StatusCode = (int)answer.StatusCode;
        context.Response.ContentType = answer.Content.Headers.ContentType?.ToString();
        var told = await answer.Content.ReadAsStringAsync();
        if (
            MostSeries is { } most
            && answer.IsSuccessStatusCode
            && JsonNode.Parse(told) is JsonObject whole
            && whole["data"]?["result"] is JsonArray result
        )
        {
            while (result.Count > most)
                result.RemoveAt(result.Count - 1);
            told = whole.ToJsonString();
        }
        await context.Response.WriteAsync(told);
    }

    [GeneratedRegex("""^\{__name__="[^"]+"[,}]""")]
    private static partial Regex WholeName();

    [GeneratedRegex("""^\{("[^"]+")(?=[,}])""")]
    private static partial Regex QuotedName();
}
