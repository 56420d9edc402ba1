using System.Text.Json;
using Xunit;

namespace Metrics.SystemTests.Compose;

public sealed class ComposeTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>
{
    private static readonly string[] ServiceNames = ["api", "clouds", "emulators", "fleet", "migrate", "postgres", "prometheus", "worker"];
    private static readonly string[] All = ["ALL"];

    [Fact]
    public async Task Every_service_runs_without_rights_on_a_root_that_it_cannot_write()
    {
        var file = await ComposeFile.ReadAsync("a-password");

        Assert.Equal(ServiceNames, file.Services.Select(service => service.Name).Order(StringComparer.Ordinal));
        Assert.All(file.Services, service =>
        {
            Assert.True(service.ReadOnly);
            Assert.Equal(All, service.DroppedCapabilities);
            Assert.Contains("no-new-privileges:true", service.SecurityOptions);
            Assert.DoesNotContain("privileged\":true", service.Text.Replace(" ", "", StringComparison.Ordinal), StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task Migrations_come_between_the_database_and_the_service()
    {
        var file = await ComposeFile.ReadAsync("a-password");

        Assert.Equal("service_healthy", file["migrate"].DependsOn["postgres"]);
        Assert.Equal("service_completed_successfully", file["api"].DependsOn["migrate"]);
        Assert.Equal("service_completed_successfully", file["worker"].DependsOn["migrate"]);
        Assert.Equal("demo", Assert.Single(file["prometheus"].Profiles));
        Assert.Equal("demo", Assert.Single(file["fleet"].Profiles));
        Assert.Equal("demo", Assert.Single(file["emulators"].Profiles));
        Assert.Equal("service_healthy", file["clouds"].DependsOn["emulators"]);
        Assert.Empty(file["worker"].Profiles);
    }

    [Fact]
    public async Task What_serves_is_asked_whether_it_is_ready_and_the_image_whether_it_lives()
    {
        var file = await ComposeFile.ReadAsync("a-password");

        foreach (var service in new[] { "api", "worker", "clouds" })
            Assert.Equal(
                ["CMD", "dotnet", "Metrics.Api.dll", "health"],
                JsonDocument
                    .Parse(file[service].Text)
                    .RootElement.GetProperty("healthcheck")
                    .GetProperty("test")
                    .EnumerateArray()
                    .Select(word => word.GetString())
            );
        // It ends before anybody could ask.
        Assert.Contains("NONE", file["migrate"].Text, StringComparison.Ordinal);
        Assert.Contains(
            """CMD ["dotnet", "Metrics.Api.dll", "health", "--live"]""",
            await File.ReadAllTextAsync(Path.Combine(ComposeFile.Root, "Dockerfile")),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Without_a_password_nothing_starts()
    {
        var (code, _, error) = await ComposeFile.RunAsync(password: null, "config", "-q");

        Assert.NotEqual(0, code);
        Assert.Contains("choose a password for the database", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_key_nothing_starts()
    {
        var (code, _, error) = await ComposeFile.RunAsync("a-password", key: null, ["config", "-q"]);

        Assert.NotEqual(0, code);
        Assert.Contains("choose a key", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_real_Prometheus_scrapes_the_player_of_the_recording()
    {
        await using var processes = new ComposeProcesses(await ComposeFile.ReadAsync("a-password"), cluster.ConnectionString);
        processes.Start("fleet");
        await processes.UntilAsync("fleet", new Uri(processes.Address("fleet", 9400), "/metrics"), TimeSpan.FromSeconds(30));
        processes.Start("prometheus");

        // The eight boards of node-a are there at every time of day, with the recording's own labels.
        var answer = await processes.UntilAsync(
            "prometheus",
            new Uri(
                processes.Address("prometheus", 9090),
                "/api/v1/query?query=" + Uri.EscapeDataString("count(DCGM_FI_DEV_POWER_USAGE{Hostname=\"node-a\",pod=~\"chat-70b-.\"})")
            ),
            TimeSpan.FromSeconds(60),
            text => text.Contains("\"8\"", StringComparison.Ordinal)
        );

        Assert.Contains("\"status\":\"success\"", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_services_started_in_the_files_order_show_the_fleet_within_two_minutes()
    {
        var file = await ComposeFile.ReadAsync("a-password");
        await using var processes = new ComposeProcesses(file, await cluster.CreateDatabaseAsync());
        var shown = TimeProvider.System.GetTimestamp();
        foreach (var service in file.Services.Where(service => service.Name != "postgres"))
        {
            var process = processes.Start(service.Name);
            if (service.Name == "emulators")
                await processes.UntilWrittenAsync("emulators", "appsettings.json", TimeSpan.FromSeconds(60));
            if (service.Name != "migrate")
                continue;
            using var patience = new CancellationTokenSource(ServiceProcess.Patience);
            await process.WaitForExitAsync(patience.Token);
            Assert.True(process.ExitCode == 0, $"migrate ended with {process.ExitCode}:\n{processes.LogOf("migrate")}");
        }
        await processes.UntilAsync("worker", new Uri(processes.Address("worker", 8080), "/health/ready"), TimeSpan.FromSeconds(60));
        await processes.UntilAsync("api", new Uri(processes.Address("api", 8080), "/health/ready"), TimeSpan.FromSeconds(60));

        var chat = await IntensityAsync(processes, "chat-70b", "output-token", shown);
        var embed = await IntensityAsync(processes, "embed", "request", shown);

        // Over the day the recording has 1.9 to 6 J per output token of chat-70b and 0.24 to 0.39 J per request of embed.
        Assert.InRange(chat, 1.5, 8);
        Assert.InRange(embed, 0.15, 0.6);
        // The service beside it reads the emulated clouds: each place has a price of a token.
        var clouds = Rows(
            await processes.UntilAsync(
                "clouds",
                new Uri(
                    processes.Address("clouds", 8080),
                    "/odata/HourlyIntensities?$filter="
                        + Uri.EscapeDataString("Workload eq 'chat' and FunctionalUnit eq 'output-token' and JoulesPerUnit gt 0")
                ),
                TimeSpan.FromMinutes(2),
                text => Rows(text).Select(row => row.GetProperty("Provider").GetString()).Distinct().Count() == 4
            )
        );
        Assert.All(clouds, row => Assert.InRange(row.GetProperty("AcceleratorJoulesPerUnit").GetDouble(), 0.1, 2));

        using var client = new HttpClient { DefaultRequestHeaders = { { "X-Api-Key", ComposeFile.Key } } };
        var source = Assert.Single(
            Rows(await client.GetStringAsync(new Uri(processes.Address("api", 8080), "/odata/Sources?$filter=Id eq 'fleet'")))
        );
        Assert.Equal("prometheus", source.GetProperty("Provider").GetString());
        Assert.Equal(JsonValueKind.String, source.GetProperty("Watermark").ValueKind);
    }

    private static async Task<double> IntensityAsync(ComposeProcesses processes, string workload, string unit, long since)
    {
        var within = TimeSpan.FromMinutes(2) - TimeProvider.System.GetElapsedTime(since);
        var filter = Uri.EscapeDataString($"Workload eq '{workload}' and FunctionalUnit eq '{unit}' and JoulesPerUnit gt 0");
        var answer = await processes.UntilAsync(
            "api",
            new Uri(processes.Address("api", 8080), $"/odata/HourlyIntensities?$filter={filter}"),
            within,
            text => Rows(text).Length > 0
        );
        return Rows(answer)[0].GetProperty("JoulesPerUnit").GetDouble();
    }

    private static JsonElement[] Rows(string answer)
    {
        using var parsed = JsonDocument.Parse(answer);
        return [.. parsed.RootElement.Clone().GetProperty("value").EnumerateArray()];
    }
}
