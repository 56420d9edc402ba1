using Metrics.Domain.Observations;
using Metrics.Emulators;
using Metrics.Emulators.Aws;
using Metrics.Emulators.Azure;
using Metrics.Emulators.Gcp;
using Metrics.Ingestors.Http.Credentials;
using Metrics.Ingestors.Providers;
using Metrics.Ingestors.Providers.Prometheus;
using Metrics.Ingestors.Tests.Aws;
using Metrics.Ingestors.Tests.Azure;
using Metrics.Ingestors.Tests.Gcp;
using Xunit;

namespace Metrics.Ingestors.Tests;

/// <summary>The managed services: a real Prometheus behind what each asks for, and the reader with each one's credentials.</summary>
public sealed class ManagedPrometheusTests
{
    private const string Energy = "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION";

    /// <summary>A server behind a managed service, and the settings of a source that may read it.</summary>
    private sealed record Bench(
        ManagedPrometheus Service,
        PrometheusSettings Settings,
        Action<PrometheusSettings> Spoil,
        Func<ValueTask> Close
    ) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Service.DisposeAsync();
            await Close();
        }
    }

    private static HostileServer Exporter()
    {
        var round = 0;
        return HostileServer.Serving("text/plain; version=0.0.4", _ =>
            ++round is var at
                ? string.Concat(
                    Enumerable
                        .Range(0, 8)
                        .Select(board =>
                            $"{Energy}{{gpu=\"{board}\",modelName=\"NVIDIA H100 80GB HBM3\"}} {1_000_000 + 1_000 * at + board}\n"
                        )
                ) + $"vllm:generation_tokens_total{{model_name=\"m\"}} {50 * at}\nunmapped 1\n"
                : ""
        );
    }

    private static async Task<Bench> OpenAsync(string service, Uri upstream)
    {
        PrometheusSettings Settings(ManagedPrometheus managed) =>
            new()
            {
                Id = "managed",
                Provider = "prometheus",
                Endpoint = managed.Address,
                Timeout = TimeSpan.FromSeconds(10),
            };
        switch (service)
        {
            case "amazon" or "cloudwatch":
                var aws = service == "cloudwatch" ? "monitoring" : "aps";
                var account = await Account.StartAsync(Truth.Start);
                var amazon = await new ManagedPrometheus(
                    upstream,
                    service == "amazon" ? "/workspaces/ws-00000000-0000-4000-8000-000000000000" : "",
                    (context, body) =>
                        account.Refuse(context, body, aws) is var (code, message)
                            ? (403, $$"""{"message":"{{code}}: {{message}}"}""")
                            : null
                )
                {
                    OneName = service == "cloudwatch",
                    MostSeries = service == "cloudwatch" ? 500 : null,
                }.StartAsync();
                var settings = Settings(amazon);
                settings.Aws = new()
                {
                    Region = AwsEmulator.Region,
                    AccessKeyId = account.AccessKey.Id,
                    SecretAccessKey = account.AccessKey.Secret,
                    Service = service == "cloudwatch" ? "monitoring" : null,
                };
                return new(amazon, settings, spoiled => spoiled.Aws!.SecretAccessKey = "hush-hush", account.DisposeAsync);
            case "azure":
                var tenancy = await Tenancy.StartAsync(Truth.Start);
                var workspace = await new ManagedPrometheus(upstream, "", (context, _) =>
                    context.Request.Headers.Authorization.ToString() is ['B', 'e', 'a', 'r', 'e', 'r', ' ', .. var token]
                    && tenancy.Cloud.IsAccepted(token, AzureEmulator.Prometheus)
                        ? null
                        : (403, "Access denied")
                )
                {
                    OneName = true,
                }.StartAsync();
                settings = Settings(workspace);
                settings.CertificateAuthorityFile = tenancy.Authority;
                settings.Azure = new()
                {
                    Region = "westeurope",
                    Tenant = AzureEmulator.Tenant,
                    ClientId = AzureEmulator.ClientId,
                    ClientSecret = tenancy.Cloud.ClientSecret,
                    Authority = tenancy.Cloud.Server.Address,
                };
                return new(workspace, settings, spoiled => spoiled.Azure!.ClientSecret = "hush-hush", tenancy.DisposeAsync);
            default:
                var project = await Project.StartAsync(Truth.Start);
                var google = await new ManagedPrometheus(
                    upstream,
                    $"/v1/projects/{GcpEmulator.Project}/location/global/prometheus",
                    (context, _) =>
                        context.Request.Headers.Authorization.ToString() is ['B', 'e', 'a', 'r', 'e', 'r', ' ', .. var token]
                        && project.Cloud.IsAccepted(token)
                            ? null
                            : (403, "Permission denied")
                )
                {
                    OneName = true,
                }.StartAsync();
                settings = Settings(google);
                settings.Google = new() { Region = "europe-west4", CredentialsFile = project.KeyFile };
                return new(google, settings, _ => project.Cloud.ExpireTokens(), project.DisposeAsync);
        }
    }

    [Theory]
    [InlineData("amazon", "aws/us-east-1", "aps:QueryMetrics")]
    [InlineData("cloudwatch", "aws/us-east-1", "cloudwatch:GetMetricData")]
    [InlineData("azure", "azure/westeurope", "")]
    [InlineData("google", "gcp/europe-west4", "")]
    public async Task A_managed_service_is_read_as_the_server_behind_it(string service, string place, string right)
    {
        await using var exporter = Exporter();
        await using var server = await RealPrometheus.StartAsync(exporter.Port);
        await using var bench = await OpenAsync(service, new Uri($"http://127.0.0.1:{server.Port}"));
        var catalogue = Some.Catalogue(Energy, "vllm:generation_tokens_total", "absent");
        var from = DateTime.UtcNow.AddMinutes(-1);
        ITelemetrySource Open() => KnownProviders.All["prometheus"].Open(bench.Settings, catalogue, TimeProvider.System);
        var own = Some.Source(
            new PrometheusSettings
            {
                Id = "managed",
                Provider = "prometheus",
                Endpoint = new Uri($"http://127.0.0.1:{server.Port}"),
            },
            catalogue
        );
        await server.UntilAsync(() => Some.Read(own, Some.Request(from, DateTime.UtcNow)), read => read.Observations.Count >= 9 * 5);

        var end = DateTime.UtcNow.AddSeconds(-1);
        var (expected, _) = await Some.Read(own, Some.Request(from, end));
        using var managed = (IDisposable)Open();
        var (observations, rejections) = await Some.Read((ITelemetrySource)managed, Some.Request(from, end));
        Assert.Empty(rejections);
        Assert.Equal(Some.Lines(expected).Order(StringComparer.Ordinal), Some.Lines(observations).Order(StringComparer.Ordinal));
        Assert.Equal(9, observations.Select(one => one.Series.Id).Distinct().Count());
        Assert.Equal(place, bench.Settings.OwnPlace);

        bench.Spoil(bench.Settings);
        var error = await Assert.ThrowsAsync<SourceException>(() =>
            Some.Read(service == "google" ? (ITelemetrySource)managed : Open(), Some.Request(from, end))
        );
        Assert.Equal(SourceErrorCode.Unauthorised, error.Code);
        Assert.Contains(right, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hush", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CloudWatch_is_asked_by_name_and_what_was_not_there_is_asked_for_again_later()
    {
        await using var exporter = Exporter();
        await using var server = await RealPrometheus.StartAsync(exporter.Port);
        await using var bench = await OpenAsync("cloudwatch", new Uri($"http://127.0.0.1:{server.Port}"));
        var catalogue = Some.Catalogue(Energy, "vllm:generation_tokens_total", "absent");
        var source = Some.Source(bench.Settings, catalogue);
        var from = DateTime.UtcNow.AddMinutes(-1);
        await server.UntilAsync(
            () => Some.Read(Some.Source(bench.Settings, catalogue), Some.Request(from, DateTime.UtcNow)),
            read => read.Observations.Count >= 9
        );
        Assert.All(bench.Service.Queries, query => Assert.StartsWith("{\"", query, StringComparison.Ordinal));
        Assert.DoesNotContain(bench.Service.Server.Requests, request => request.Contains("/values", StringComparison.Ordinal));

        // What was not there is not asked for again for a while.
        await Some.Read(source, Some.Request(from, DateTime.UtcNow, now: Some.Noon.AddMinutes(20)));
        bench.Service.Queries.Clear();
        await Some.Read(source, Some.Request(from, DateTime.UtcNow, now: Some.Noon.AddMinutes(25)));
        Assert.DoesNotContain(bench.Service.Queries, query => query.Contains("absent", StringComparison.Ordinal));
        await Some.Read(source, Some.Request(from, DateTime.UtcNow, now: Some.Noon.AddMinutes(31)));
        Assert.Contains(bench.Service.Queries, query => query.Contains("absent", StringComparison.Ordinal));
    }

    [Fact]
    public async Task As_many_series_as_CloudWatch_tells_at_most_are_told_as_unread()
    {
        await using var exporter = HostileServer.Serving("text/plain; version=0.0.4", _ =>
            string.Concat(Enumerable.Range(0, 600).Select(board => $"{Energy}{{gpu=\"{board}\"}} {board}\n")) + "watts 1\n"
        );
        await using var server = await RealPrometheus.StartAsync(exporter.Port);
        await using var bench = await OpenAsync("cloudwatch", new Uri($"http://127.0.0.1:{server.Port}"));
        var source = Some.Source(bench.Settings, Some.Catalogue(Energy, "watts"));
        var from = DateTime.UtcNow.AddMinutes(-1);
        await server.UntilAsync(
            () => Some.Read(Some.Source(bench.Settings, Some.Catalogue(Energy, "watts")), Some.Request(from, DateTime.UtcNow)),
            read => read.Observations.Count >= 501
        );
        var pages = await Some.Pages(source, Some.Request(from, DateTime.UtcNow));
        var unread = Assert.Single(pages.SelectMany(page => page.Unread));
        Assert.Equal((Energy, SourceErrorCode.TooLarge), (unread.Subject, unread.Code));
        Assert.Contains("Selector", unread.Message, StringComparison.Ordinal);
        // In two parts, each by a selector, all of it is there.
        bench.Settings.Selector = "gpu=~\"[0-2].*\"";
        Assert.Empty(
            (await Some.Pages(Some.Source(bench.Settings, Some.Catalogue(Energy)), Some.Request(from, DateTime.UtcNow))).SelectMany(page =>
                page.Unread
            )
        );
    }

    [Fact]
    public void Ways_to_prove_who_asks_exclude_each_other()
    {
        var errors = new PrometheusSettings
        {
            Endpoint = new("https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1"),
            BearerToken = "x",
            Aws = new() { Region = "eu-west-9", Service = "s3" },
            Google = new() { Impersonate = "nobody" },
        }
            .Validate()
            .ToList();
        foreach (
            var said in new[]
            {
                "BearerToken and Aws and Google exclude each other: give one.",
                "Aws:Region 'eu-west-9' is not a region",
                "Aws:Service 's3' is not a service with Prometheus",
                "Google:Impersonate is the e-mail address",
            }
        )
            Assert.Contains(errors, error => error.Contains(said, StringComparison.Ordinal));
        Assert.Equal(
            ("monitoring", "aps"),
            (
                new AwsSettings().ServiceOf(new("https://monitoring.eu-west-1.amazonaws.com")),
                new AwsSettings().ServiceOf(new("https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1"))
            )
        );
    }
}
