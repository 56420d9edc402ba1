using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Emulators;
using Metrics.Emulators.Azure;
using Metrics.Ingestors.Http.Credentials;
using Metrics.Ingestors.Providers;
using Metrics.Ingestors.Providers.Azure;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Metrics.Ingestors.Tests.Azure;

/// <summary>An emulated subscription, with its certificate in a file, and a source that reads it.</summary>
internal sealed class Tenancy : IAsyncDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("metrics-azure-").FullName;

    private Tenancy(AzureEmulator cloud, FakeTimeProvider clock) => (Cloud, Clock) = (cloud, clock);

    public AzureEmulator Cloud { get; }

    public FakeTimeProvider Clock { get; }

    public string Authority => Path.Combine(folder, "ca.pem");

    public string TokenFile => Path.Combine(folder, "token");

    public static async Task<Tenancy> StartAsync(
        DateTime now,
        IReadOnlyList<Signal>? signals = null,
        Faults? faults = null,
        IReadOnlyList<AzureResource>? resources = null
    )
    {
        var clock = new FakeTimeProvider(new DateTimeOffset(now));
        var tenancy = new Tenancy(
            await AzureEmulator.StartAsync(resources ?? AzureFleet.Resources, signals ?? AzureFleet.Signals, faults ?? Faults.None, clock),
            clock
        );
        await File.WriteAllTextAsync(tenancy.Authority, tenancy.Cloud.CertificateAuthority);
        await File.WriteAllTextAsync(tenancy.TokenFile, tenancy.Cloud.FederatedToken);
        return tenancy;
    }

    public AzureMonitorSettings Settings(Action<AzureSettings>? change = null)
    {
        var azure = new AzureSettings
        {
            Subscription = AzureEmulator.Subscription,
            Region = AzureEmulator.Region,
            Tenant = AzureEmulator.Tenant,
            ClientId = AzureEmulator.ClientId,
            ClientSecret = Cloud.ClientSecret,
            Authority = Cloud.Server.Address,
            MetricsEndpoint = Cloud.Server.Address,
        };
        change?.Invoke(azure);
        return new()
        {
            Id = "azure-ml",
            Provider = "azure-monitor",
            Endpoint = Cloud.Server.Address,
            CertificateAuthorityFile = Authority,
            Timeout = TimeSpan.FromSeconds(20),
            MaxBytes = 4 * 1024 * 1024,
            Azure = azure,
        };
    }

    public ITelemetrySource Source(Action<AzureSettings>? change = null) => Some.Source(Settings(change), Catalogues.Load([]));

    public async ValueTask DisposeAsync()
    {
        await Cloud.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }
}

/// <summary>The contract for Azure Monitor.</summary>
public sealed class AzureContractTests : NetworkProviderContract
{
    protected override IProvider Provider => KnownProviders.All["azure-monitor"];

    protected override string Folder => "src/Ingestors/Providers/Azure";

    protected override async Task<ContractBench> OpenAsync(FarSide farSide)
    {
        var from = Truth.Start.AddHours(1);
        var tenancy = await Tenancy.StartAsync(from.AddHours(2));
        var cloud = tenancy.Cloud;
        // The token endpoint goes on: it is what tells of resources and metrics that falls short.
        Func<HttpContext, Task<bool>> answer = farSide switch
        {
            FarSide.Throttles => EmulatedServer.Answering(
                429,
                "application/json",
                """{"error":{"code":"SubscriptionRequestsThrottled","message":"Number of requests exceeded the limit"}}""",
                ("Retry-After", "7")
            ),
            FarSide.Breaks => EmulatedServer.Answering(
                503,
                "application/json",
                """{"error":{"code":"ServiceUnavailable","message":"down"}}"""
            ),
            FarSide.SendsHtml => EmulatedServer.Answering(200, "text/html", "<!DOCTYPE html><html><body>Log in</body></html>"),
            FarSide.Refuses => EmulatedServer.Answering(
                403,
                "application/json",
                $$$"""{"error":{"code":"AuthorizationFailed","message":"The client does not have authorization, """
                    + $$$"""client_secret={{{cloud.ClientSecret}}}"}}"""
            ),
            FarSide.Hangs => EmulatedServer.Hang,
            FarSide.Floods => EmulatedServer.Flood,
            FarSide.Cuts => EmulatedServer.Cut(context =>
            {
                context.Response.ContentType = "application/json";
                return context.Response.WriteAsync("""{"value":[{"id":"/subscriptions/x/resourceGroups/y"}]}""");
            }),
            _ => _ => Task.FromResult(false),
        };
        cloud.Server.Instead = context =>
            context.Request.Path.Value!.StartsWith("/" + AzureEmulator.Tenant, StringComparison.Ordinal)
                ? Task.FromResult(false)
                : answer(context);
        var catalogue = Catalogues.Load([]);
        var window =
            farSide == FarSide.IsEmpty
                ? new Interval(Truth.Start.AddDays(2), Truth.Start.AddDays(2).AddHours(1))
                : new Interval(from, from.AddHours(1));
        // Sixty minutes each of joules, processors, two counts of tokens in two families, requests that succeeded, and sixty machines.
        return new(
            Some.Source(tenancy.Settings(), catalogue),
            catalogue,
            new ReadRequest(window, null, window.Start, from.AddHours(2)),
            4_020,
            () => cloud.DataRequests,
            [cloud.ClientSecret],
            async () => await tenancy.DisposeAsync()
        );
    }
}

/// <summary>The Azure Monitor reader against an emulated subscription.</summary>
public sealed class AzureTests
{
    private const string Energy = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments/GpuEnergyJoules",
        Generated = "Microsoft.CognitiveServices/accounts/GeneratedTokens",
        Cpu = "Microsoft.Compute/virtualMachines/Percentage CPU";

    private static readonly DateTime Ten = Truth.Start;

    private static readonly DateTime NewYear = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    private static ReadRequest Requested(DateTime from, DateTime to, DateTime? now = null) =>
        new(new Interval(from, to), null, from, now ?? Ten.AddHours(1));

    private static async Task<SourceException> FaultAsync(ITelemetrySource source) =>
        await Assert.ThrowsAsync<SourceException>(() => Some.Pages(source, Requested(Ten, Ten.AddMinutes(5))));

    [Fact]
    public void Requests_are_those_of_the_API_to_the_byte()
    {
        const string deployment =
            "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg-inf"
            + "/providers/Microsoft.MachineLearningServices/workspaces/ws1/onlineEndpoints/chat/deployments/blue";
        Assert.Equal(
            deployment
                + "/providers/Microsoft.Insights/metrics?api-version=2024-02-01"
                + "&metricnamespace=Microsoft.MachineLearningServices%2Fworkspaces%2FonlineEndpoints%2Fdeployments"
                + "&metricnames=GpuEnergyJoules,GpuUtilizationPercentage&aggregation=average&interval=PT1M"
                + "&timespan=2026-01-01T00:00:00Z/2026-01-01T00:03:00Z"
                + "&$filter=instanceId%20eq%20%27*%27&top=1000&AutoAdjustTimegrain=false&ValidateDimensions=true",
            RestAzureMonitor.OneAddress(
                deployment,
                new(
                    "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments",
                    ["GpuEnergyJoules", "GpuUtilizationPercentage"],
                    "average",
                    TimeSpan.FromMinutes(1),
                    ["instanceId"]
                )
                {
                    Top = 1000,
                },
                new(NewYear, NewYear.AddMinutes(3))
            )
        );
        Assert.Equal(
            "/subscriptions/00000000-0000-4000-8000-000000000001/metrics:getBatch?api-version=2024-02-01"
                + "&metricnamespace=microsoft.cognitiveservices%2Faccounts"
                + "&metricnames=ProcessedPromptTokens,GeneratedTokens,AzureOpenAIRequests&aggregation=total&interval=PT1M"
                + "&starttime=2026-01-01T00:00:00Z&endtime=2026-01-01T00:05:00Z&filter=ModelDeploymentName%20eq%20%27*%27&top=1000",
            RestAzureMonitor.BatchAddress(
                "00000000-0000-4000-8000-000000000001",
                new(
                    "microsoft.cognitiveservices/accounts",
                    ["ProcessedPromptTokens", "GeneratedTokens", "AzureOpenAIRequests"],
                    "total",
                    TimeSpan.FromMinutes(1),
                    ["ModelDeploymentName"]
                )
                {
                    Top = 1000,
                },
                new(NewYear, NewYear.AddMinutes(5))
            )
        );
    }

    [Fact]
    public async Task What_is_read_is_what_is_true_with_sizes_and_models()
    {
        await using var tenancy = await Tenancy.StartAsync(Ten.AddHours(1));
        var (observations, rejections) = await Some.Read(tenancy.Source(), Requested(Ten.AddMinutes(1), Ten.AddMinutes(3)));

        Assert.Empty(rejections);
        var energy = observations.Where(one => one.Series.Metric == Energy).OrderBy(one => one.Sample.Start).ToList();
        Assert.Equal(
            [(Ten.AddMinutes(1), Ten.AddMinutes(2)), (Ten.AddMinutes(2), Ten.AddMinutes(3))],
            energy.Select(one => (one.Sample.Start, one.Sample.End))
        );
        // Minute 1 of a name of eight letters, by hand: 60 s of eight boards at 75 + 3 x board + 540 x load^0.9 W.
        var load = 0.3 + 0.6 * Math.Abs(Math.Sin((1 + 17.0 * 8) / 29));
        Assert.Equal(60 * (8 * 75 + 3 * 28 + 8 * 540 * Math.Pow(load, 0.9)), energy[0].Sample.Value, 1e-6);
        Assert.Equal("inst-0", energy[0].Series.Labels["instanceid"]);
        Assert.Equal("Standard_ND96isr_H100_v5", energy[0].Series.Labels["vmsize"]);
        Assert.Equal((Statistic.Average, TimeSpan.FromMinutes(1)), (energy[0].Series.Statistic, energy[0].Series.Period));

        // The older family does not name the model; its deployment does.
        var tokens = observations.Where(one => one.Series.Metric == Generated).OrderBy(one => one.Sample.Start).ToList();
        Assert.Equal([20_010.0, 20_020.0], tokens.Select(one => one.Sample.Value));
        Assert.Equal(
            ("gpt-prod", "gpt-4o", Statistic.Sum),
            (tokens[0].Series.Labels["modeldeploymentname"], tokens[0].Series.Labels["modelname"], tokens[0].Series.Statistic)
        );
        // Failed requests are none.
        Assert.DoesNotContain(observations, one => one.Series.Labels["statuscode"] == "429");
        var machine = observations.First(one =>
            one.Series.Metric == Cpu && one.Series.Labels["resourceid"]!.EndsWith("/vm-41", StringComparison.Ordinal)
        );
        Assert.Equal(("Standard_D4s_v5", 52.0), (machine.Series.Labels["vmsize"], machine.Sample.Value));
        Assert.DoesNotContain(observations, one => one.Series.Labels["resourceid"]!.EndsWith("/far", StringComparison.Ordinal));
        // Fifty machines at once and then the ten others, and not one of them by itself.
        Assert.Equal(
            2,
            tenancy.Cloud.Server.Requests.Count(request =>
                request.Contains("getBatch", StringComparison.Ordinal) && request.Contains("virtualMachines", StringComparison.Ordinal)
            )
        );
        Assert.DoesNotContain(tenancy.Cloud.Server.Requests, request =>
            request.Contains("Microsoft.Insights/metrics?", StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task A_bucket_without_a_value_is_a_gap_and_zero_is_a_value()
    {
        var labels = new Dictionary<string, string> { ["resourceid"] = AzureFleet.OpenAI, ["ModelDeploymentName"] = "gpt-prod" };
        var signal = new Signal(Generated, labels, SignalKind.Delta, minute => Truth.MinuteOf(minute) switch
            {
                0 => 9_120,
                1 => 0,
                _ => null,
            }) { Unit = "Count" };
        await using var tenancy = await Tenancy.StartAsync(Ten.AddHours(1), [signal]);
        var (observations, _) = await Some.Read(tenancy.Source(), Requested(Ten, Ten.AddMinutes(5)));
        Assert.Equal([(Ten, 9_120.0), (Ten.AddMinutes(1), 0.0)], observations.Select(one => (one.Sample.Start, one.Sample.Value)));
    }

    [Fact]
    public async Task More_than_ten_series_of_a_metric_are_all_read()
    {
        var signals = Enumerable
            .Range(0, 25)
            .Select(number => new Signal(
                Energy,
                new Dictionary<string, string> { ["resourceid"] = AzureFleet.Deployment, ["instanceId"] = $"inst-{number}" },
                SignalKind.Gauge,
                _ => 100 + number
            )
            {
                Unit = "Count",
            })
            .ToList();
        await using var tenancy = await Tenancy.StartAsync(Ten.AddHours(1), signals);
        var (observations, _) = await Some.Read(tenancy.Source(), Requested(Ten, Ten.AddMinutes(1)));
        Assert.Equal(25, observations.Count);
    }

    [Fact]
    public async Task Roles_on_the_resources_alone_are_enough_by_the_Resource_Manager()
    {
        await using var tenancy = await Tenancy.StartAsync(Ten.AddHours(1));
        var whole = await Some.Read(tenancy.Source(), Requested(Ten, Ten.AddMinutes(5)));
        tenancy.Cloud.ResourceRolesOnly = true;
        var source = tenancy.Source();
        var single = await Some.Read(source, Requested(Ten, Ten.AddMinutes(5)));
        Assert.Equal(
            whole.Observations.Select(Some.Line).Order(StringComparer.Ordinal),
            single.Observations.Select(Some.Line).Order(StringComparer.Ordinal)
        );
        Assert.NotEmpty(single.Observations);

        // What refused is not asked again before half an hour has passed.
        var before = tenancy.Cloud.Server.Requests.Count(request => request.Contains("getBatch", StringComparison.Ordinal));
        await Some.Pages(source, Requested(Ten, Ten.AddMinutes(5), Ten.AddMinutes(80)));
        Assert.Equal(before, tenancy.Cloud.Server.Requests.Count(request => request.Contains("getBatch", StringComparison.Ordinal)));
        await Some.Pages(source, Requested(Ten, Ten.AddMinutes(5), Ten.AddMinutes(91)));
        Assert.True(tenancy.Cloud.Server.Requests.Count(request => request.Contains("getBatch", StringComparison.Ordinal)) > before);
    }

    [Fact]
    public async Task A_haste_of_529_is_waited_out()
    {
        await using var tenancy = await Tenancy.StartAsync(Ten.AddHours(1));
        var refused = 0;
        tenancy.Cloud.Server.Instead = context =>
            context.Request.Path.Value!.EndsWith("getBatch", StringComparison.Ordinal) && refused++ < 2
                ? EmulatedServer.Answering(
                    529,
                    "application/json",
                    """{"error":{"code":"Throttled","message":"The metrics backend is throttling."}}"""
                )(context)
                : Task.FromResult(false);
        var (observations, _) = await Some.Read(tenancy.Source(), Requested(Ten, Ten.AddMinutes(1)));
        Assert.Equal(67, observations.Count);
        Assert.True(refused > 2);

        tenancy.Cloud.Server.Instead = EmulatedServerThrottle;
        Assert.Equal(SourceErrorCode.Throttled, (await FaultAsync(tenancy.Source())).Code);

        static Task<bool> EmulatedServerThrottle(HttpContext context) =>
            context.Request.Path.Value!.EndsWith("getBatch", StringComparison.Ordinal)
                ? EmulatedServer.Answering(
                    529,
                    "application/json",
                    """{"error":{"code":"Throttled","message":"The metrics backend is throttling."}}"""
                )(context)
                : Task.FromResult(false);
    }

    [Fact]
    public async Task One_metric_or_resource_that_is_not_told_stops_no_other()
    {
        await using var tenancy = await Tenancy.StartAsync(Ten.AddHours(1));
        tenancy.Cloud.MetricErrors[$"{AzureEmulator.Whole(AzureFleet.Deployment)}/GpuEnergyJoules"] = "InternalServerError";
        tenancy.Cloud.Poison[AzureEmulator.Whole(AzureFleet.Machine(7))] = true;
        var pages = await Some.Pages(tenancy.Source(), Requested(Ten, Ten.AddMinutes(1)));

        Assert.Equal(
            [
                $"{Cpu}{{resourceid={AzureEmulator.Whole(AzureFleet.Machine(7))}}}",
                $"{Energy}{{resourceid={AzureEmulator.Whole(AzureFleet.Deployment)}}}",
            ],
            pages.SelectMany(page => page.Unread).Select(unread => unread.Subject).Order(StringComparer.Ordinal)
        );
        Assert.Contains(pages.SelectMany(page => page.Unread), unread =>
            unread.Message.Contains("InternalServerError", StringComparison.Ordinal)
        );
        // Fifty-nine machines, the processors of the deployment, two counts of tokens in two families, requests.
        Assert.Equal(65, pages.SelectMany(page => page.Observations).Count());
    }

    [Fact]
    public async Task An_answer_in_another_grain_is_not_taken_for_the_one_asked_for()
    {
        await using var tenancy = await Tenancy.StartAsync(Ten.AddHours(2));
        tenancy.Cloud.AnswersIn = TimeSpan.FromMinutes(5);
        var (observations, rejections) = await Some.Read(tenancy.Source(), Requested(Ten, Ten.AddMinutes(10)));
        // The average of a minute's joules over five minutes is not the energy of five minutes.
        Assert.DoesNotContain(observations, one => one.Series.Metric == Energy);
        var refused = Assert.Single(rejections);
        Assert.Equal(RejectionReason.UnitDrift, refused.Reason);
        Assert.Contains("PT5M", refused.Detail, StringComparison.Ordinal);
        // Sums of five minutes are what they are, and say how long they are.
        var tokens = observations.Where(one => one.Series.Metric == Generated).ToList();
        Assert.Equal(
            [(Ten, Ten.AddMinutes(5), 100_100.0), (Ten.AddMinutes(5), Ten.AddMinutes(10), 100_350.0)],
            tokens.Select(one => (one.Sample.Start, one.Sample.End, one.Sample.Value))
        );
        Assert.All(tokens, one => Assert.Equal(TimeSpan.FromMinutes(5), one.Series.Period));
    }

    [Fact]
    public async Task Tokens_of_a_namesake_that_is_gone_are_not_the_new_models()
    {
        var made = Ten.AddMinutes(3);
        IReadOnlyList<AzureResource> resources =
        [
            new(AzureFleet.OpenAI, AzureEmulator.Region)
            {
                Kind = "OpenAI",
                Deployments = new Dictionary<string, (string, DateTime)> { ["gpt-prod"] = ("gpt-5", made) },
            },
        ];
        await using var tenancy = await Tenancy.StartAsync(Ten.AddHours(1), resources: resources);
        var (observations, _) = await Some.Read(tenancy.Source(), Requested(Ten, Ten.AddMinutes(5)));
        Assert.Equal([made, made.AddMinutes(1)], observations.Where(one => one.Series.Metric == Generated).Select(one => one.Sample.Start));
    }

    [Fact]
    public async Task Only_resources_with_the_tags_are_read()
    {
        await using var tenancy = await Tenancy.StartAsync(Ten.AddHours(1));
        var (observations, _) = await Some.Read(
            tenancy.Source(azure => azure.Tags["Team"] = "inference"),
            Requested(Ten, Ten.AddMinutes(1))
        );
        Assert.Equal(7, observations.Count);
        Assert.DoesNotContain(observations, one => one.Series.Metric == Cpu);
    }

    [Fact]
    public async Task Custom_metrics_come_by_the_Resource_Manager_from_the_machines_that_have_them()
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(
                file,
                """
                { "provider": "azure-monitor", "resources": { "machine": { "kind": "node", "id": ["resourceid"] } },
                  "mappings": [ { "id": "azure-monitor/own-power", "version": 1, "metric": "azure.vm.linux.guestmetrics/power/draw",
                  "statistic": "average",
                  "unit": "W", "kind": "gauge", "component": "node", "evidence": "derived", "resource": "machine", "maxSpan": "00:05:00",
                  "effectiveFrom": "2020-01-01", "reference": "https://example.org" } ] }
                """
            );
            await using var tenancy = await Tenancy.StartAsync(Ten.AddHours(1));
            var machine = AzureEmulator.Whole(AzureFleet.Machine(3));
            tenancy.Cloud.Server.Instead = context =>
                context.Request.Query["metricnamespace"] != "azure.vm.linux.guestmetrics" ? Task.FromResult(false)
                : !context.Request.Path.Value!.StartsWith(machine, StringComparison.Ordinal)
                    ? EmulatedServer.Answering(400, "application/json", """{"code":"BadRequest","message":"no such namespace"}""")(context)
                : context.Request.Path.Value!.EndsWith("metricDefinitions", StringComparison.Ordinal)
                    ? EmulatedServer.Answering(
                        200,
                        "application/json",
                        """{"value":[{"name":{"value":"power/draw"},"supportedAggregationTypes":["Average"],"metricAvailabilities":["""
                            + """{"timeGrain":"PT1M"}]}]}"""
                    )(context)
                : EmulatedServer.Answering(
                    200,
                    "application/json",
                    """{"interval":"PT1M","value":[{"name":{"value":"power/draw"},"errorCode":"Success","timeseries":["""
                        + """{"metadatavalues":[],"data":[{"timeStamp":"2026-02-03T10:00:00Z","average":431.5},"""
                        + """{"timeStamp":"2026-02-03T10:01:00Z"}]}]}]}"""
                )(context);
            var (observations, _) = await Some.Read(
                Some.Source(tenancy.Settings(), Catalogues.Load([file])),
                Requested(Ten, Ten.AddMinutes(2))
            );
            var own = Assert.Single(observations, one => one.Series.Metric == "azure.vm.linux.guestmetrics/power/draw");
            Assert.Equal((machine, 431.5), (own.Series.Labels["resourceid"], own.Sample.Value));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task Windows_that_tile_read_every_value_once_wherever_they_meet()
    {
        await using var tenancy = await Tenancy.StartAsync(Ten.AddHours(3));
        var whole = (await Some.Read(tenancy.Source(), Requested(Ten, Ten.AddHours(1), Ten.AddHours(3))))
            .Observations.Select(Some.Line)
            .Order(StringComparer.Ordinal)
            .ToList();
        Assert.Equal(4_020, whole.Count);
        for (var seed = 0; seed < 3; seed++)
        {
            var dice = new Random(seed);
            var source = tenancy.Source();
            var pieces = new List<Observation>();
            for (var from = Ten; from < Ten.AddHours(1); )
            {
                var to = from.AddMinutes(dice.Next(1, 20));
                if (to > Ten.AddHours(1))
                    to = Ten.AddHours(1);
                pieces.AddRange((await Some.Read(source, Requested(from, to, Ten.AddHours(3)))).Observations);
                from = to;
            }
            Assert.Equal(whole, pieces.Select(Some.Line).Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public async Task Hours_of_the_providers_own_statistic_are_those_of_the_samples()
    {
        await using var tenancy = await Tenancy.StartAsync(Ten.AddHours(5));
        var source = tenancy.Source();
        var (observations, _) = await Some.Read(source, Requested(Ten, Ten.AddHours(2), Ten.AddHours(5)));
        var hours = new List<CoarseStatistic>();
        await foreach (var hour in ((ICoarseStatistics)source).CoarseAsync(new Interval(Ten, Ten.AddHours(2)), Ten.AddHours(5), default))
            hours.Add(hour);

        // Sixty-seven series, two hours each.
        Assert.Equal(134, hours.Count);
        foreach (var hour in hours)
        {
            var samples = observations
                .Where(one => one.Series.Id == hour.Series.Id && one.Sample.Start >= hour.Hour && one.Sample.Start < hour.Hour.AddHours(1))
                .Select(one => one.Sample.Value)
                .ToList();
            Assert.Equal(60, samples.Count);
            if (hour.Sum is { } sum)
                Assert.Equal(sum, samples.Sum(), 1e-9 * sum);
            else
                Assert.Equal(hour.Mean!.Value, samples.Average(), 1e-9 * hour.Mean.Value);
        }
    }

    [Fact]
    public async Task A_token_that_is_refused_is_renewed_once_and_workload_identities_get_one()
    {
        await using var tenancy = await Tenancy.StartAsync(Ten.AddHours(1));
        var source = tenancy.Source(azure => (azure.ClientSecret, azure.TokenFile) = (null, tenancy.TokenFile));
        Assert.Equal(67, (await Some.Read(source, Requested(Ten, Ten.AddMinutes(1)))).Observations.Count);
        tenancy.Cloud.RevokeTokens();
        Assert.Equal(67, (await Some.Read(source, Requested(Ten, Ten.AddMinutes(1)))).Observations.Count);
    }

    [Fact]
    public async Task Credentials_that_are_refused_are_told_with_what_would_mend_it_and_without_themselves()
    {
        await using var tenancy = await Tenancy.StartAsync(Ten.AddHours(1));
        foreach (
            var (change, said) in new (Action<AzureSettings>, string)[]
            {
                (azure => azure.ClientSecret = "hush-hush-hush", "AADSTS7000215: the secret is not the application's"),
                (
                    azure => azure.ClientId = "00000000-0000-4000-8000-0000000000c2",
                    "AADSTS700016: the tenant has no such application. Check Azure:ClientId"
                ),
                (
                    azure => azure.Tenant = "00000000-0000-4000-8000-0000000000ff",
                    "AADSTS90002: there is no such tenant. Check Azure:Tenant"
                ),
                (azure => azure.Subscription = "00000000-0000-4000-8000-0000000000aa", "Check Azure:Subscription"),
            }
        )
        {
            var fault = await FaultAsync(tenancy.Source(change));
            Assert.Equal(SourceErrorCode.Unauthorised, fault.Code);
            Assert.True(fault.Message.Contains(said, StringComparison.Ordinal), fault.ToString());
            Assert.DoesNotContain("hush", fault.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', fault.Message);
        }
        tenancy.Cloud.Forbidden = true;
        var refused = await FaultAsync(tenancy.Source());
        Assert.Equal(SourceErrorCode.Unauthorised, refused.Code);
        Assert.Contains("Monitoring Reader", refused.Message, StringComparison.Ordinal);

        // The list may be read and no metric: that is no matter of single metrics.
        tenancy.Cloud.Forbidden = false;
        tenancy.Cloud.ResourceRolesOnly = true;
        tenancy.Cloud.Server.Instead = context =>
            context.Request.Path.Value!.EndsWith("Microsoft.Insights/metrics", StringComparison.Ordinal)
                ? EmulatedServer.Answering(403, "application/json", """{"error":{"code":"AuthorizationFailed","message":"no"}}""")(context)
                : Task.FromResult(false);
        Assert.Equal(SourceErrorCode.Unauthorised, (await FaultAsync(tenancy.Source())).Code);

        var lost = tenancy.Settings(azure => azure.Authority = new Uri("https://127.0.0.1:1/"));
        Assert.Equal(SourceErrorCode.Unreachable, (await FaultAsync(Some.Source(lost, Catalogues.Load([])))).Code);
    }

    [Fact]
    public async Task A_list_without_end_or_elsewhere_is_not_followed()
    {
        await using var tenancy = await Tenancy.StartAsync(Ten.AddHours(1));
        foreach (
            var (next, said) in new[]
            {
                ($"{tenancy.Cloud.Server.Address}subscriptions/{AzureEmulator.Subscription}/resources?again", "the same nextLink twice"),
                ("https://elsewhere.example/resources", "which is not followed"),
            }
        )
        {
            tenancy.Cloud.Server.Instead = context =>
                context.Request.Path.Value!.EndsWith("/resources", StringComparison.Ordinal)
                    ? EmulatedServer.Answering(200, "application/json", $$"""{"value":[],"nextLink":"{{next}}"}""")(context)
                    : Task.FromResult(false);
            var fault = await FaultAsync(tenancy.Source());
            Assert.Equal(SourceErrorCode.NotMetrics, fault.Code);
            Assert.Contains(said, fault.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Settings_that_cannot_be_are_said()
    {
        var faults = Some.Errors(
            "azure-monitor",
            ("BearerToken", "x"),
            ("Azure:Subscription", "mine"),
            ("Azure:Region", "West Europe"),
            ("Azure:Cloud", "privat"),
            ("Azure:ClientId", "me"),
            ("Azure:ClientSecret", "hush"),
            ("Azure:ManagedIdentity", "true"),
            ("Azure:Authority", "http://login.example"),
            ("Azure:CertificateFile", "/nowhere.pem")
        );
        foreach (
            var said in new[]
            {
                "BearerToken is for the providers 'exporter' and 'prometheus': set Azure:ClientId and how it proves itself",
                "Azure:Subscription is missing or no id",
                "Azure:Region is missing or no region",
                "Azure:Cloud 'privat' is not a cloud; there are public, china, government",
                "exclude each other",
                "Azure:ClientId is the id of an application",
                "Azure:CertificateFile '/nowhere.pem' is not there",
                "Azure:Authority is not an https address",
            }
        )
            Assert.Contains(faults, fault => fault.Contains(said, StringComparison.Ordinal));
        Assert.DoesNotContain(faults, fault => fault.Contains("hush", StringComparison.Ordinal));
        Assert.Equal("azure/westeurope", new AzureMonitorSettings { Azure = new() { Region = "westeurope" } }.OwnPlace);
    }

    [Fact]
    public void Sovereign_clouds_have_hosts_and_audiences_of_their_own()
    {
        var china = new AzureSettings { Cloud = "china", Region = "chinaeast2" };
        Assert.Equal(
            (
                "https://chinaeast2.metrics.monitor.azure.cn/",
                "https://metrics.monitor.azure.cn/.default",
                "https://management.chinacloudapi.cn/",
                "https://login.chinacloudapi.cn/"
            ),
            (china.MetricsAddress.AbsoluteUri, china.MetricsScope, china.ManagerAddress.AbsoluteUri, china.LoginAddress.AbsoluteUri)
        );
        var own = new AzureSettings { Region = "westeurope" };
        Assert.Equal(
            (
                "https://westeurope.metrics.monitor.azure.com/",
                "https://metrics.monitor.azure.com/.default",
                "https://management.azure.com/.default",
                "https://prometheus.monitor.azure.com/.default"
            ),
            (own.MetricsAddress.AbsoluteUri, own.MetricsScope, own.ManagerScope, own.PrometheusScope)
        );
    }

    [Fact]
    public async Task Microsofts_own_client_reads_the_same_from_the_emulated_subscription()
    {
        await using var tenancy = await Tenancy.StartAsync(Ten.AddHours(1));
        var question = new
        {
            address = tenancy.Cloud.Server.Address,
            tenant = AzureEmulator.Tenant,
            clientId = AzureEmulator.ClientId,
            clientSecret = tenancy.Cloud.ClientSecret,
            resources = new[] { AzureEmulator.Whole(AzureFleet.Machine(0)), AzureEmulator.Whole(AzureFleet.Machine(1)) },
            @namespace = "Microsoft.Compute/virtualMachines",
            names = new[] { "Percentage CPU" },
            aggregation = "Average",
            dimension = "",
            start = "2026-02-03T10:00:00Z",
            end = "2026-02-03T10:10:00Z",
        };
        var theirs = await VendorSdk.RunAsync("azure.mjs", question, ("NODE_EXTRA_CA_CERTS", tenancy.Authority));
        Assert.True(theirs.TryGetProperty("points", out var points), theirs.ToString());
        Assert.Equal(2, theirs.GetProperty("results").GetInt32());
        var (ours, _) = await Some.Read(tenancy.Source(), Requested(Ten, Ten.AddMinutes(10)));
        Assert.Equal(
            ours.Where(one => one.Series.Metric == Cpu && question.resources.Contains(one.Series.Labels["resourceid"]))
                .Select(one => $"{one.Series.Labels["resourceid"]} {one.Sample.Start:HH:mm} {one.Sample.Value:R}")
                .Order(StringComparer.Ordinal),
            points
                .EnumerateArray()
                .Select(one =>
                    $"{one.GetProperty("resource").GetString()} "
                    + $"{DateTimeOffset.FromUnixTimeMilliseconds(one.GetProperty("time").GetInt64()):HH:mm} "
                    + $"{one.GetProperty("value").GetDouble():R}"
                )
                .Order(StringComparer.Ordinal)
        );
        Assert.Equal(20, points.GetArrayLength());

        var refused = await VendorSdk.RunAsync(
            "azure.mjs",
            new
            {
                question.address,
                question.tenant,
                question.clientId,
                clientSecret = "another",
                question.resources,
                question.@namespace,
                question.names,
                question.aggregation,
                question.dimension,
                question.start,
                question.end,
            },
            ("NODE_EXTRA_CA_CERTS", tenancy.Authority)
        );
        Assert.Equal("invalid_client", refused.GetProperty("error").GetString());
    }
}
