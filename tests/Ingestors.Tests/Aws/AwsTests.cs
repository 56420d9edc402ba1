using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using Metrics.Domain.Observations;
using Metrics.Domain.Quantities;
using Metrics.Emulators;
using Metrics.Emulators.Aws;
using Metrics.Ingestors.Http.Credentials;
using Metrics.Ingestors.Providers;
using Metrics.Ingestors.Providers.Aws;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Metrics.Ingestors.Tests.Aws;

/// <summary>An emulated account and a source that reads it.</summary>
internal static class Account
{
    public static Task<AwsEmulator> StartAsync(DateTime now, IReadOnlyList<Signal>? signals = null, Faults? faults = null) =>
        AwsEmulator.StartAsync(signals ?? AwsFleet.Signals, faults ?? Faults.None, new FakeTimeProvider(new DateTimeOffset(now)));

    public static CloudWatchSettings Settings(AwsEmulator cloud, Action<AwsSettings>? change = null)
    {
        var aws = new AwsSettings
        {
            Region = AwsEmulator.Region,
            AccessKeyId = cloud.AccessKey.Id,
            SecretAccessKey = cloud.AccessKey.Secret,
            StsEndpoint = cloud.Server.Address,
        };
        change?.Invoke(aws);
        return new()
        {
            Id = "eks",
            Provider = "aws-cloudwatch",
            Endpoint = cloud.Server.Address,
            Timeout = TimeSpan.FromSeconds(20),
            MaxBytes = 4 * 1024 * 1024,
            Aws = aws,
        };
    }

    public static ITelemetrySource Source(AwsEmulator cloud, Action<AwsSettings>? change = null) =>
        Some.Source(Settings(cloud, change), Catalogues.Load([]));
}

/// <summary>The contract for Amazon CloudWatch.</summary>
public sealed class AwsContractTests : NetworkProviderContract
{
    protected override IProvider Provider => KnownProviders.All["aws-cloudwatch"];

    protected override string Folder => "src/Ingestors/Providers/Aws";

    protected override async Task<ContractBench> OpenAsync(FarSide farSide)
    {
        var from = Truth.Start.AddHours(1);
        var cloud = await Account.StartAsync(from.AddHours(2));
        // Eight boards by the minute are 480 points, the processors twelve, three counts by model 180, and as many over all models.
        cloud.PointsPerPage = 100;
        cloud.Server.Instead = farSide switch
        {
            FarSide.Throttles => EmulatedServer.Answering(
                400,
                "application/x-amz-json-1.0",
                """{"__type":"com.amazon.coral.availability#ThrottlingException","message":"Rate exceeded"}""",
                ("Retry-After", "7")
            ),
            FarSide.Breaks => EmulatedServer.Answering(
                500,
                "application/x-amz-json-1.0",
                """{"__type":"com.amazonaws#InternalServiceError","message":"down"}"""
            ),
            FarSide.SendsHtml => EmulatedServer.Answering(200, "text/html", "<!DOCTYPE html><html><body>Log in</body></html>"),
            FarSide.Refuses => EmulatedServer.Answering(
                400,
                "application/x-amz-json-1.0",
                $$"""{"__type":"AccessDenied","message":"not authorized to perform: cloudwatch:ListMetrics, """
                    + $$"""secret={{cloud.AccessKey.Secret}}"}"""
            ),
            FarSide.Hangs => EmulatedServer.Hang,
            FarSide.Floods => EmulatedServer.Flood,
            FarSide.Cuts => EmulatedServer.Cut(context =>
            {
                context.Response.ContentType = "application/x-amz-json-1.0";
                return Microsoft.AspNetCore.Http.HttpResponseWritingExtensions.WriteAsync(
                    context.Response,
                    """{"Metrics":[{"Namespace":"AWS/EC2","MetricName":"CPUUtilization","Dimensions":[]}]}"""
                );
            }),
            _ => null,
        };
        var catalogue = Catalogues.Load([]);
        var window =
            farSide == FarSide.IsEmpty
                ? new Interval(Truth.Start.AddDays(2), Truth.Start.AddDays(2).AddHours(1))
                : new Interval(from, from.AddHours(1));
        return new(
            Some.Source(Account.Settings(cloud), catalogue),
            catalogue,
            new ReadRequest(window, null, window.Start, from.AddHours(2)),
            852,
            () => cloud.DataRequests,
            [cloud.AccessKey.Secret],
            cloud.DisposeAsync
        );
    }
}

/// <summary>The CloudWatch reader against an emulated account.</summary>
public sealed class AwsTests
{
    private const string Power = "ContainerInsights/node_gpu_power_draw";

    private static readonly DateTime Ten = Truth.Start;

    private static ReadRequest Requested(DateTime from, DateTime to, DateTime now) => new(new Interval(from, to), null, from, now);

    private static ReadRequest Hour => Requested(Ten, Ten.AddHours(1), Ten.AddHours(2));

    private static async Task<SourceException> FaultAsync(ITelemetrySource source) =>
        await Assert.ThrowsAsync<SourceException>(() => Some.Pages(source, Hour));

    private static Signal Count(string model, Func<DateTime, double?> minute) =>
        new("AWS/Bedrock/OutputTokenCount", new Dictionary<string, string> { ["ModelId"] = model }, SignalKind.Delta, minute);

    [Fact]
    public void A_request_is_signed_to_the_byte()
    {
        // facts of Amazon's signature for a key pair that nobody uses.
        var signer = new AwsSigner(new() { Region = "eu-west-1" }, "monitoring", TimeProvider.System);
        var body = Encoding.UTF8.GetBytes(
            """{"MetricDataQueries":[{"Id":"q0","MetricStat":{"Metric":"""
                + """{"Namespace":"AWS/Bedrock","MetricName":"OutputTokenCount","Dimensions":[{"Name":"ModelId","Value":"example."""
                + """model-v1:0"}]},"Period":300,"Stat":"Sum"},"ReturnData":true}],"StartTime":1767225600,"EndTime":"""
                + """1767229200,"ScanBy":"TimestampAscending"}"""
        );
        using var request = new HttpRequestMessage(HttpMethod.Post, "https://monitoring.eu-west-1.amazonaws.com/")
        {
            Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/x-amz-json-1.0") } },
        };
        request.Headers.Add("X-Amz-Target", "GraniteServiceVersion20100801.GetMetricData");
        request.Headers.Add("x-amzn-query-mode", "true");

        Assert.Equal(
            "9e5f387057fffdf3373b1c457875f3c6290e6432eedb9ee2535cb02f4e7c0c40",
            signer.Sign(request, body, "AKIDEXAMPLE", "EXAMPLE/SECRET/KEY/DO/NOT/USE", null, new(2026, 1, 1, 1, 0, 0, TimeSpan.Zero))
        );
        Assert.Equal("20260101T010000Z", request.Headers.GetValues("X-Amz-Date").Single());
        Assert.Equal(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/eu-west-1/monitoring/aws4_request, "
                + "SignedHeaders=content-type;host;x-amz-date;x-amz-target;x-amzn-query-mode, "
                + "Signature=0d66187843f264d3f441aadd62579861649d0009ac04de2ad5b494664fd7eedf",
            request.Headers.GetValues("Authorization").Single()
        );
    }

    [Fact]
    public void A_query_of_managed_Prometheus_is_signed_to_the_byte()
    {
        var signer = new AwsSigner(new() { Region = "eu-west-1" }, "aps", TimeProvider.System);
        var body = Encoding.UTF8.GetBytes(
            "query=increase%28DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION%5B5m%5D%29&start=1767225600&end=1767229200&step=300"
        );
        using var request = new HttpRequestMessage(
            HttpMethod.Post,
            "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-00000000-0000-4000-8000-000000000000/api/v1/query_range"
        )
        {
            Content = new ByteArrayContent(body)
            {
                Headers = { ContentType = new MediaTypeHeaderValue("application/x-www-form-urlencoded") },
            },
        };

        Assert.Equal(
            "562f5bb7e7ed79187cd90171ed91b405a3d5609b9ae30289e822cc080482c546",
            signer.Sign(request, body, "AKIDEXAMPLE", "EXAMPLE/SECRET/KEY/DO/NOT/USE", null, new(2026, 1, 1, 1, 0, 0, TimeSpan.Zero))
        );
        Assert.Equal(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/eu-west-1/aps/aws4_request, "
                + "SignedHeaders=content-type;host;x-amz-date, "
                + "Signature=c44b9fbf5a35e5ad788640d538fecd4bbe75d3a08a34c727b45b831df3c451e5",
            request.Headers.GetValues("Authorization").Single()
        );
    }

    [Fact]
    public void A_query_is_written_to_the_byte()
    {
        using var into = new MemoryStream();
        using (var writer = new System.Text.Json.Utf8JsonWriter(into))
        {
            writer.WriteStartObject();
            JsonCloudWatch.Write(
                writer,
                [new(new("AWS/Bedrock", "OutputTokenCount", [new("ModelId", "example.model-v1:0")], null), "Sum", 300)],
                new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc),
                new(2026, 1, 1, 1, 0, 0, DateTimeKind.Utc),
                null
            );
            writer.WriteEndObject();
        }
        Assert.Equal(
            """{"MetricDataQueries":[{"Id":"q0","MetricStat":{"Metric":"""
                + """{"Namespace":"AWS/Bedrock","MetricName":"OutputTokenCount","Dimensions":[{"Name":"ModelId","Value":"example."""
                + """model-v1:0"}]},"Period":300,"Stat":"Sum"},"ReturnData":true}],"StartTime":1767225600,"EndTime":"""
                + """1767229200,"ScanBy":"TimestampAscending"}""",
            Encoding.UTF8.GetString(into.ToArray())
        );
    }

    [Fact]
    public async Task What_is_read_is_what_is_true_in_one_set_of_dimensions()
    {
        await using var cloud = await Account.StartAsync(Ten.AddHours(2));
        var (observations, rejections) = await Some.Read(Account.Source(cloud), Hour);

        Assert.Empty(rejections);
        var board = observations.Where(one => one.Series.Metric == Power && one.Series.Labels["GpuDevice"] == "nvidia3").ToList();
        Assert.Equal(60, board.Count);
        Assert.Equal(
            (Ten, Ten.AddMinutes(1), Statistic.Average, TimeSpan.FromMinutes(1)),
            (board[0].Sample.Start, board[0].Sample.End, board[0].Series.Statistic, board[0].Series.Period)
        );
        Assert.Equal(84 + 540 * Math.Pow(0.3 + 0.6 * Math.Abs(Math.Sin(51 / 29.0)), 0.9), board[0].Sample.Value, 1e-9);
        // The roll-ups of cluster and node stand beside it, and pods without an instance: none of them is read.
        Assert.All(observations.Where(one => one.Series.Metric.StartsWith("ContainerInsights", StringComparison.Ordinal)), one =>
            Assert.NotNull(one.Series.Labels["GpuDevice"])
        );
        Assert.DoesNotContain(observations, one => one.Series.Metric == "ContainerInsights/pod_gpu_power_draw");

        // Five minutes are one value of EC2; what type the instance is of, its board has told.
        var cpu = observations.Where(one => one.Series.Metric == "AWS/EC2/CPUUtilization").ToList();
        Assert.Equal(12, cpu.Count);
        Assert.All(cpu, one =>
            Assert.Equal(
                (TimeSpan.FromMinutes(5), "i-07", "p5.48xlarge"),
                (one.Sample.End - one.Sample.Start, one.Series.Labels["InstanceId"], one.Series.Labels["InstanceType"])
            )
        );

        var tokens = observations
            .Where(one => one.Series.Metric == "AWS/Bedrock/OutputTokenCount" && one.Series.Labels["ModelId"] is not null)
            .ToList();
        // Minute by minute 30,000 to 30,400, twelve times.
        Assert.Equal((60, 1_812_000.0, Statistic.Sum), (tokens.Count, tokens.Sum(one => one.Sample.Value), tokens[0].Series.Statistic));
    }

    [Theory]
    [InlineData("ContainerInsights", 0, 60)]
    [InlineData("ContainerInsights", 14, 60)]
    [InlineData("ContainerInsights", 15, 300)]
    [InlineData("ContainerInsights", 62, 300)]
    [InlineData("ContainerInsights", 63, 3600)]
    [InlineData("ContainerInsights", 400, 3600)]
    [InlineData("AWS/EC2", 0, 300)]
    [InlineData("AWS/EC2", 100, 3600)]
    public void The_period_follows_the_age_of_the_data(string space, int days, int seconds) =>
        Assert.Equal(seconds, AwsSource.Period(space, TimeSpan.FromDays(days)));

    [Fact]
    public async Task Minutes_and_five_minutes_of_one_metric_are_two_series()
    {
        await using var cloud = await Account.StartAsync(Ten.AddDays(20), [Count("m", _ => 1_000)]);
        var source = Account.Source(cloud);
        var young = (await Some.Read(source, Requested(Ten.AddDays(19), Ten.AddDays(19).AddHours(1), Ten.AddDays(20)))).Observations;
        var old = (await Some.Read(source, Requested(Ten, Ten.AddHours(1), Ten.AddDays(20)))).Observations;

        Assert.Equal((60, 1_000.0, TimeSpan.FromMinutes(1)), (young.Count, young[0].Sample.Value, young[0].Series.Period));
        Assert.Equal((12, 5_000.0, TimeSpan.FromMinutes(5)), (old.Count, old[0].Sample.Value, old[0].Series.Period));
        Assert.NotEqual(young[0].Series.Id, old[0].Series.Id);
    }

    [Fact]
    public async Task Pages_are_appended_by_id_also_where_they_split_a_series()
    {
        await using var cloud = await Account.StartAsync(Ten.AddHours(2));
        var whole = (await Some.Read(Account.Source(cloud), Hour)).Observations;
        // What is read by the minute, and what is read in five.
        Assert.Equal(2, cloud.DataRequests);
        cloud.PointsPerPage = 7;
        var pieces = (await Some.Read(Account.Source(cloud), Hour)).Observations;

        Assert.True(cloud.DataRequests > 100, $"{cloud.DataRequests}");
        Assert.Equal(whole.Select(Some.Line).Order(StringComparer.Ordinal), pieces.Select(Some.Line).Order(StringComparer.Ordinal));
        Assert.Equal(852, pieces.Count);
    }

    [Fact]
    public async Task Five_hundred_queries_are_one_call_and_more_are_several()
    {
        await using var cloud = await Account.StartAsync(
            Ten.AddHours(2),
            [.. Enumerable.Range(0, 1_201).Select(i => Count($"model-{i}", _ => i))]
        );
        var (observations, _) = await Some.Read(Account.Source(cloud), Requested(Ten, Ten.AddMinutes(5), Ten.AddHours(2)));
        Assert.Equal((6_005, 3), (observations.Count, cloud.DataRequests));
        Assert.All(observations, one =>
            Assert.Equal(one.Series.Labels["ModelId"], $"model-{one.Sample.Value.ToString(CultureInfo.InvariantCulture)}")
        );
    }

    [Fact]
    public async Task Whatever_befalls_one_query_the_others_are_read()
    {
        var signals = new[] { "fine", "poison", "forbidden", "broken", "mixed", "partial" }.Select(model => Count(model, _ => 5)).ToList();
        await using var cloud = await Account.StartAsync(Ten.AddHours(2), signals);
        cloud.Poison[signals[1].Key] = true;
        cloud.Statuses[signals[2].Key] = "Forbidden";
        cloud.Statuses[signals[3].Key] = "InternalError";
        cloud.Statuses[signals[4].Key] = "MultipleUnits";
        cloud.Statuses[signals[5].Key] = "PartialData";
        var pages = await Some.Pages(Account.Source(cloud), Requested(Ten, Ten.AddMinutes(5), Ten.AddHours(2)));

        Assert.Equal(
            ["fine", "partial"],
            pages
                .SelectMany(page => page.Observations)
                .Select(one => one.Series.Labels["ModelId"]!)
                .Distinct()
                .Order(StringComparer.Ordinal)
        );
        Assert.Equal(
            ["broken server_error", "forbidden unauthorised", "poison refused"],
            pages
                .SelectMany(page => page.Unread)
                .Select(one => $"{one.Subject.Split('"')[1]} {SnakeCase.Of(one.Code)}")
                .Order(StringComparer.Ordinal)
        );
        Assert.Contains(
            "`cloudwatch:GetMetricData`",
            pages.SelectMany(page => page.Unread).Single(one => one.Code == SourceErrorCode.Unauthorised).Message,
            StringComparison.Ordinal
        );
        var refused = Assert.Single(pages.SelectMany(page => page.Rejections));
        Assert.Equal(RejectionReason.UnitDrift, refused.Reason);
        Assert.Contains("Multiple units returned", refused.Detail, StringComparison.Ordinal);
        Assert.Contains(pages, page => page.PartialBecause?.Contains("PartialData", StringComparison.Ordinal) == true);
    }

    [Theory]
    [InlineData("ListMetrics", """{"Metrics":[],"NextToken":"again"}""")]
    [InlineData("GetMetricData", """{"MetricDataResults":[],"NextToken":"again","Messages":[]}""")]
    public async Task A_page_token_that_comes_twice_ends_the_read(string operation, string answer)
    {
        await using var cloud = await Account.StartAsync(Ten.AddHours(2));
        cloud.Server.Instead = context =>
            context.Request.Headers["X-Amz-Target"].ToString().EndsWith(operation, StringComparison.Ordinal)
                ? EmulatedServer.Answering(200, "application/x-amz-json-1.0", answer)(context)
                : Task.FromResult(false);
        var fault = await FaultAsync(Account.Source(cloud));
        Assert.Equal(SourceErrorCode.NotMetrics, fault.Code);
        Assert.Contains("the same page token came twice", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_that_died_begins_the_window_again()
    {
        await using var cloud = await Account.StartAsync(Ten.AddHours(2));
        cloud.PointsPerPage = 500;
        var calls = 0;
        cloud.Server.Instead = context =>
            context.Request.Headers["X-Amz-Target"].ToString().EndsWith("GetMetricData", StringComparison.Ordinal) && ++calls == 2
                ? EmulatedServer.Answering(
                    400,
                    "application/x-amz-json-1.0",
                    """{"__type":"com.amazonaws.cloudwatch#InvalidNextToken","message":"Invalid NextToken"}"""
                )(context)
                : Task.FromResult(false);
        Assert.Equal(852, (await Some.Read(Account.Source(cloud), Hour)).Observations.Count);
    }

    [Fact]
    public async Task Throttling_that_passes_is_waited_for()
    {
        await using var cloud = await Account.StartAsync(
            Ten.AddHours(2),
            faults: new Faults
            {
                Seed = 3,
                ThrottledShare = 0.2,
                BrokenShare = 0.1,
                CutShare = 0.1,
            }
        );
        Assert.Equal(852, (await Some.Read(Account.Source(cloud), Hour)).Observations.Count);
    }

    [Fact]
    public async Task A_role_is_taken_with_its_external_id_and_taken_again_when_its_credentials_have_expired()
    {
        await using var cloud = await Account.StartAsync(Ten.AddHours(2));
        var source = Account.Source(cloud, aws => (aws.RoleArn, aws.ExternalId) = (AwsEmulator.Role, AwsEmulator.ExternalId));
        Assert.Equal(852, (await Some.Read(source, Hour)).Observations.Count);
        cloud.ExpireKeys();
        Assert.Equal(852, (await Some.Read(source, Hour)).Observations.Count);

        var fault = await FaultAsync(Account.Source(cloud, aws => aws.RoleArn = AwsEmulator.Role));
        Assert.Equal(SourceErrorCode.Unauthorised, fault.Code);
        Assert.Contains("`sts:AssumeRole`", fault.Message, StringComparison.Ordinal);
        Assert.Contains(AwsEmulator.Role, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_web_identity_takes_the_role()
    {
        await using var cloud = await Account.StartAsync(Ten.AddHours(2));
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, cloud.WebIdentity);
            void Change(AwsSettings aws) =>
                (aws.RoleArn, aws.WebIdentityTokenFile, aws.AccessKeyId, aws.SecretAccessKey) = (AwsEmulator.Role, file, null, null);
            Assert.Equal(852, (await Some.Read(Account.Source(cloud, Change), Hour)).Observations.Count);
            await File.WriteAllTextAsync(file, "eyJ.stale");
            Assert.Contains("InvalidIdentityToken", (await FaultAsync(Account.Source(cloud, Change))).Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task Credentials_that_are_refused_are_told_with_what_would_mend_it_and_without_themselves()
    {
        await using var cloud = await Account.StartAsync(Ten.AddHours(2));
        var fault = await FaultAsync(Account.Source(cloud, aws => aws.SecretAccessKey = "hush/hush/hush/hush/hush/hush/hush/hush1"));
        Assert.Equal(SourceErrorCode.Unauthorised, fault.Code);
        Assert.Contains("Aws:SecretAccessKey", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hush", fault.Message, StringComparison.Ordinal);

        fault = await FaultAsync(Account.Source(cloud, aws => aws.AccessKeyId = "AKIDNOBODY"));
        Assert.Contains("Amazon does not know these credentials", fault.Message, StringComparison.Ordinal);

        cloud.Forbidden = true;
        fault = await FaultAsync(Account.Source(cloud));
        Assert.Contains("allow `cloudwatch:ListMetrics`", fault.Message, StringComparison.Ordinal);

        fault = await FaultAsync(
            Account.Source(cloud, aws => (aws.AccessKeyId, aws.SecretAccessKey, aws.Profile) = (null, null, "nobody-has-this"))
        );
        Assert.Contains("Aws:Profile 'nobody-has-this'", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_clock_that_is_off_is_allowed_for_once_Amazons_time_is_known()
    {
        await using var cloud = await Account.StartAsync(Ten.AddHours(2));
        cloud.Ahead = TimeSpan.FromMinutes(22);
        Assert.Equal(852, (await Some.Read(Account.Source(cloud), Hour)).Observations.Count);

        // A server that says one time and means another: then the clock is told of.
        cloud.Server.Instead = context =>
        {
            context.Response.Headers.Date = DateTimeOffset.UtcNow.AddMinutes(-17).ToString("r", CultureInfo.InvariantCulture);
            return EmulatedServer.Answering(
                400,
                "application/x-amz-json-1.0",
                """{"__type":"RequestTimeTooSkewed","message":"too skewed"}"""
            )(context);
        };
        var fault = await FaultAsync(Account.Source(cloud));
        Assert.Contains("the clock of this host is 17 minutes ahead of Amazon's", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Hours_of_the_providers_own_statistic_are_those_of_the_samples()
    {
        await using var cloud = await Account.StartAsync(Ten.AddHours(5));
        var source = Account.Source(cloud);
        var (observations, _) = await Some.Read(source, Requested(Ten.AddHours(1), Ten.AddHours(3), Ten.AddHours(5)));
        var hours = new List<CoarseStatistic>();
        await foreach (
            var hour in ((ICoarseStatistics)source).CoarseAsync(new Interval(Ten.AddHours(1), Ten.AddHours(3)), Ten.AddHours(5), default)
        )
            hours.Add(hour);

        // Eight boards, the processors and six counts, two hours each.
        Assert.Equal(30, hours.Count);
        foreach (var hour in hours)
        {
            var samples = observations
                .Where(one => one.Series.Id == hour.Series.Id && one.Sample.Start >= hour.Hour && one.Sample.Start < hour.Hour.AddHours(1))
                .Select(one => one.Sample.Value)
                .ToList();
            Assert.NotEmpty(samples);
            if (hour.Sum is { } sum)
                Assert.Equal(sum, samples.Sum(), hour.Tolerance * sum);
            else
                Assert.Equal(hour.Mean!.Value, samples.Average(), hour.Tolerance * samples.Average());
        }
    }

    [Fact]
    public void Settings_that_cannot_be_are_said()
    {
        var faults = Some.Errors(
            "aws-cloudwatch",
            ("BearerToken", "x"),
            ("Overlap", "00:05:00"),
            ("Aws:Region", "eu-wset-1"),
            ("Aws:AccessKeyId", "AKID"),
            ("Aws:RoleArn", "metrics"),
            ("Aws:SessionToken", "t"),
            ("Aws:Profile", "p")
        );
        foreach (
            var said in new[]
            {
                "BearerToken is for the providers 'exporter' and 'prometheus': set Aws:Profile, or give the machine a role.",
                "Aws:Region 'eu-wset-1' is not a region that is known; there are eu-west-1",
                "Aws:AccessKeyId and Aws:SecretAccessKey go together",
                "Aws:RoleArn 'metrics' is not the ARN of a role",
                "Aws:Profile and Aws:AccessKeyId exclude each other",
                "Overlap is at least an hour",
            }
        )
            Assert.Contains(faults, fault => fault.Contains(said, StringComparison.Ordinal));
        Assert.Contains("The section Aws is missing: give Region.", new CloudWatchSettings().Validate());
        Assert.Equal("aws/eu-west-1", new CloudWatchSettings { Aws = new() { Region = "eu-west-1" } }.OwnPlace);
        Assert.Equal("monitoring.cn-north-1.amazonaws.com.cn", new AwsSettings { Region = "cn-north-1" }.Host("monitoring"));
        Assert.Equal("monitoring.us-gov-west-1.amazonaws.com", new AwsSettings { Region = "us-gov-west-1" }.Host("monitoring"));
    }

    [Fact]
    public async Task Amazons_own_client_reads_the_same_from_the_emulated_account()
    {
        await using var cloud = await Account.StartAsync(Ten.AddHours(2));
        var question = new
        {
            address = cloud.Server.Address,
            region = AwsEmulator.Region,
            accessKeyId = cloud.AccessKey.Id,
            secretAccessKey = cloud.AccessKey.Secret,
            @namespace = "ContainerInsights",
            name = "node_gpu_power_draw",
            statistic = "Average",
            period = 60,
            start = "2026-02-03T10:00:00Z",
            end = "2026-02-03T10:10:00Z",
            pageSize = 30,
        };
        var theirs = await VendorSdk.RunAsync("cloudwatch.mjs", question);
        Assert.True(theirs.TryGetProperty("points", out var points), theirs.ToString());
        // Eight boards and two roll-ups, ten minutes, thirty points a page.
        Assert.Equal(
            (10, 4, 100),
            (theirs.GetProperty("metrics").GetInt32(), theirs.GetProperty("pages").GetInt32(), points.GetArrayLength())
        );
        var (ours, _) = await Some.Read(Account.Source(cloud), Requested(Ten, Ten.AddMinutes(10), Ten.AddHours(2)));
        Assert.Equal(
            ours.Where(one => one.Series.Metric == Power)
                .Select(one => $"{one.Series.Labels["GpuDevice"]} {one.Sample.Start:HH:mm} {one.Sample.Value:R}")
                .Order(StringComparer.Ordinal),
            points
                .EnumerateArray()
                .Where(one => one.GetProperty("dimensions").TryGetProperty("GpuDevice", out _))
                .Select(one =>
                    $"{one.GetProperty("dimensions").GetProperty("GpuDevice").GetString()} "
                    + $"{DateTimeOffset.FromUnixTimeMilliseconds(one.GetProperty("time").GetInt64()):HH:mm} "
                    + $"{one.GetProperty("value").GetDouble():R}"
                )
                .Order(StringComparer.Ordinal)
        );

        var refused = await VendorSdk.RunAsync(
            "cloudwatch.mjs",
            new
            {
                question.address,
                question.region,
                question.accessKeyId,
                secretAccessKey = "wrong",
                question.@namespace,
                question.name,
                question.statistic,
                question.period,
                question.start,
                question.end,
                question.pageSize,
            }
        );
        Assert.Equal("SignatureDoesNotMatch", refused.GetProperty("error").GetString());
    }
}
