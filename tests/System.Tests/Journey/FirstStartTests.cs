using System.Diagnostics;
using System.IO.Compression;
using System.Text.Json;
using Xunit;

namespace Metrics.SystemTests.Journey;

/// <summary>The main job, as a newcomer meets it: started without any configuration.</summary>
public sealed class FirstStartTests
{
    [Fact]
    public async Task A_first_start_shows_the_service_and_the_fleet_and_agrees_with_an_independent_calculation()
    {
        var waited = Stopwatch.StartNew();
        await using var service = await ServiceProcess.StartAsync();
        await service.RowsAsync("HourlyIntensities?$filter=JoulesPerUnit ne null", rows =>
            Has(rows, "metrics-service", "request") && Has(rows, "chat-70b", "output-token")
        );

        Assert.Contains("/odata/HourlyIntensities", service.Output, StringComparison.Ordinal);

        var sample = Assert.Single(await service.RowsAsync("Sources?$filter=Id eq 'sample'"));
        var registered = sample.GetProperty("RegisteredAt").GetDateTime().ToUniversalTime();
        var anchor = registered.Date.AddHours(registered.Hour);
        var hours = await Witness.HoursAsync(anchor - Witness.RecordingEnd, repeat: 1);

        // An hour is told as soon as a part of it is read, and again when the rest has come: what counts is what it comes to. The newest
        // hour ends where the second round begins: its last minute needs what comes after it.
        var agreed = 0;
        await service.RowsAsync($"HourlyIntensities?$filter=Region eq 'sample-dc' and PeriodStart lt {anchor:yyyy-MM-ddTHH:mm:ssZ}", rows =>
        {
            if (rows.Select(row => row.GetProperty("PeriodStart").GetString()).Distinct().Count() != 24)
                return false;
            agreed = Witness.Agrees(
                rows.Where(row => row.GetProperty("PeriodStart").GetDateTime().ToUniversalTime() < anchor.AddHours(-1)),
                hours
            );
            return true;
        });
        Assert.True(agreed > 23 * 7 * 7, $"only {agreed} numbers were compared");

        using var asked = new HttpRequestMessage(HttpMethod.Get, "/odata/HourlyIntensities?$filter=Region eq 'sample-dc'");
        asked.Headers.Add("Accept-Encoding", "gzip");
        using var compressed = await service.Http.SendAsync(asked);
        Assert.Equal("gzip", Assert.Single(compressed.Content.Headers.ContentEncoding));
        await using var body = new GZipStream(await compressed.Content.ReadAsStreamAsync(), CompressionMode.Decompress);
        Assert.NotEqual(0, (await JsonDocument.ParseAsync(body)).RootElement.GetProperty("value").GetArrayLength());

        var own = (await service.RowsAsync("HourlyIntensities?$filter=Workload eq 'metrics-service' and FunctionalUnit eq 'request'"))[0];
        Assert.Equal("modelled", own.GetProperty("Evidence").GetString());
        Assert.True(own.GetProperty("JoulesPerUnit").GetDouble() > 0);

        var resets = await service.RowsAsync("Rejections?$filter=Source eq 'sample' and Reason eq 'counter_reset'");
        Assert.NotEmpty(resets);

        Assert.Equal(0, await service.StopAsync());

        static bool Has(List<JsonElement> rows, string workload, string unit) =>
            rows.Exists(row =>
                row.GetProperty("Workload").GetString() == workload && row.GetProperty("FunctionalUnit").GetString() == unit
            );
    }

    [Fact]
    public async Task A_proxy_of_the_environment_is_not_asked_for_this_machine()
    {
        await using var service = await ServiceProcess.StartAsync(("http_proxy", $"http://127.0.0.1:{PostgresCluster.FreePort()}"));
        var run = (await service.RowsAsync("Runs?$filter=Source eq 'self'", rows => rows.Count > 0))[0];
        Assert.Equal("whole", run.GetProperty("State").GetString());
    }
}
