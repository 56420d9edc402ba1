using System.Net;
using System.Text.Json;
using Metrics.Api.Http;
using Metrics.Api.OData.Protocol;
using Metrics.Api.Placements;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Quantities;
using Metrics.Storage.Engine;
using Metrics.Storage.Schema.Tables;
using Metrics.SystemTests.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Metrics.SystemTests.Placements;

public sealed class PlacementTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>
{
    private static readonly DateTime Day = new(2026, 1, 15, 0, 0, 0, DateTimeKind.Utc);

    public static TheoryData<StorageEngine> Engines { get; } = [StorageEngine.Sqlite, StorageEngine.Postgres];

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Deployments_of_one_model_are_ranked_by_sum_over_sum_and_the_others_say_why_not(StorageEngine engine)
    {
        await using var service = await StartAsync(engine);

        // a: 23 hours of 3000 J and 1000 tokens; of the hour of 23000 J nothing is known of its work. b: 24 x 1000 J / 1000.
        Assert.Equal(
            [
                "2026-01-15T00:00:00Z to 2026-01-16T00:00:00Z, facility, 0.9, modelled",
                "org/model fp8: ",
                "  2 chat/b/B200 1 J = 24000/24000, coverage 1, derived, measured share 1, saves 0.6667",
                "  1 chat/a/H100 3 J = 69000/23000, coverage 0.9583, measured, measured share 0.5, saves 0",
                "org/small bf16: model differs: org/small against org/model; precision differs: bf16 against fp8",
                "  4 code/a/H100 2 J = 48000/24000, coverage 1, modelled, measured share 0, saves -",
                "left out:",
                "  3 chat/c/- - J = -/24000, coverage 0, measured, measured share 1: no joules per output-token: pue_unknown (its "
                    + "place has no PUE); coverage 0 is below the minimum of 0.9",
                "  5 chat/d/H100 2 J = 24000/12000, coverage 0.5, measured, measured share 1: coverage 0.5 is below the minimum of 0.9",
                "  7 chat/x/- 0.5 J = 12000/24000, coverage 1, estimated, measured share 0: evidence estimated is worse than "
                    + "modelled, the worst accepted",
                "  6 unattributed/a/- 0.001 J = 24/24000, coverage 1, measured, measured share 1: no workload's rules claim it: "
                    + "it is what is left at its place, and no deployment",
            ],
            Told(await service.AskAsync("unit=output-token"))
        );
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task The_boundary_the_period_the_coverage_and_the_evidence_are_what_is_asked_for(StorageEngine engine)
    {
        await using var service = await StartAsync(engine);

        Assert.Equal(
            [
                "2026-01-15T00:00:00Z to 2026-01-16T00:00:00Z, server, 0.5, estimated",
                "org/model fp8: ",
                "  7 chat/x/- 0.25 J = 6000/24000, coverage 1, estimated, measured share 0, saves 0.8333",
                "  2 chat/b/B200 0.5 J = 12000/24000, coverage 1, derived, measured share 1, saves 0.6667",
                "  3 chat/c/- 0.75 J = 18000/24000, coverage 1, measured, measured share 1, saves 0.5",
                "  5 chat/d/H100 1 J = 12000/12000, coverage 0.5, measured, measured share 1, saves 0.3333",
                "  1 chat/a/H100 1.5 J = 34500/23000, coverage 0.9583, measured, measured share 0.5, saves 0",
                "left out:",
            ],
            Told(await service.AskAsync("unit=output-token&model=org/model&boundary=server&minCoverage=0.5&evidence=estimated"))
        );
        // The first twelve hours alone, the second of them told with an offset: the hour without counts is not among them.
        Assert.Equal(
            [
                "2026-01-15T00:00:00Z to 2026-01-15T12:00:00Z, facility, 0.9, measured",
                "org/model fp8: ",
                "  5 chat/d/H100 2 J = 24000/12000, coverage 1, measured, measured share 1, saves 0.3333",
                "  1 chat/a/H100 3 J = 36000/12000, coverage 1, measured, measured share 0.5, saves 0",
            ],
            Told(
                await service.AskAsync("unit=output-token&model=org/model&from=2026-01-15&to=2026-01-15T14:00:00%2B02:00&evidence=measured")
            )[..4]
        );
        // Requests carry the same energy as tokens and not the half of it.
        Assert.Equal(
            "  1 chat/a/H100 300 J = 69000/230, coverage 0.9583, measured, measured share 0.5, saves -",
            Told(await service.AskAsync("unit=request&to=2026-01-16"))[2]
        );
        // Accelerators were never told of.
        Assert.Contains(
            "no joules per output-token: accelerator_unknown (the energy of its accelerators is unknown)",
            Told(await service.AskAsync("unit=output-token&boundary=accelerator&model=org/small"))[2],
            StringComparison.Ordinal
        );
        // A deployment of the model asked for that did no such work is not passed over in silence.
        Assert.Contains(
            "no joules per page: no_work (no work was counted)",
            Told(await service.AskAsync("unit=page&model=org/small&from=2026-01-15&to=2026-01-16"))[2],
            StringComparison.Ordinal
        );
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Where_there_is_nothing_the_answer_says_what_there_is(StorageEngine engine)
    {
        await using var service = await StartAsync(engine);

        Assert.Equal(
            "No work was counted in page in this period. Units with work: output-token, request. Models with work: org/model, org/small.",
            Note(await service.AskAsync("unit=page&from=2026-01-15&to=2026-01-16"))
        );
        Assert.Equal(
            "No deployment serves 'org/modle' in this period. Units with work: output-token, request. Models with work: "
                + "org/model, org/small.",
            Note(await service.AskAsync("unit=output-token&model=org/modle"))
        );
        Assert.Equal(
            "No work was counted in page in this period. Units with work: none. Models with work: none.",
            Note(await service.AskAsync("unit=page&from=2025-01-15&to=2025-01-16"))
        );

        static string? Note(JsonElement answer)
        {
            Assert.Equal((0, 0), (answer.GetProperty("groups").GetArrayLength(), answer.GetProperty("leftOut").GetArrayLength()));
            return answer.GetProperty("note").GetString();
        }
    }

    [Fact]
    public async Task The_answer_is_this_json()
    {
        await using var service = await StartAsync(StorageEngine.Sqlite);

        Assert.Equal(
            """
            {"unit":"output-token","model":"org/small","boundary":"facility","pueIncluded":true,"idlePolicy":"provisioned","by":"energy",
            "carbonMethod":"location-based average with embodied",
            "from":"2026-01-15T00:00:00Z","to":"2026-01-16T00:00:00Z","minCoverage":0.9,"evidence":"modelled",
            "groups":[{"model":"org/small","precision":"bf16","differs":[],"ranked":[{"deploymentId":"4","workload":"code",
            "model":"org/small","precision":"bf16",
            "provider":"onprem","region":"a","hardware":"H100","accelerators":8,"joulesPerUnit":2,"lowJoulesPerUnit":null,
            "highJoulesPerUnit":null,
            "gramsPerUnit":null,"lowGramsPerUnit":null,"highGramsPerUnit":null,"joules":48000,"grams":null,"units":24000,"converted":null,
            "boundary":"facility","coverage":1,
            "evidence":"modelled","measuredShare":0,"savingAgainstWorst":null,"certain":null,"factors":[],"missing":[],"reasons":[]}]}],
            "leftOut":[],"note":null}
            """.ReplaceLineEndings(""),
            (await service.AskAsync("unit=output-token&model=org/small")).GetRawText()
        );
    }

    [Theory]
    [InlineData(
        "",
        "'unit' is missing: say what work is counted in. Units are: audio-second, cached-input-token, character, image, "
            + "inference, input-token, output-token, page, request, token, video-second, workflow."
    )]
    [InlineData("unit=tokens", "'tokens' is not a functional unit. Units are: audio-second,")]
    [InlineData("unit=token&boundary=gpu", "'gpu' is not a boundary. Boundaries are: accelerator, server, facility.")]
    [InlineData("unit=token&boundary=2", "'2' is not a boundary.")]
    [InlineData(
        "unit=token&evidence=good",
        "'good' is not evidence. The worst accepted is one of: measured, derived, modelled, estimated."
    )]
    [InlineData("unit=token&minCoverage=90", "minCoverage '90' is not a share from 0 to 1, for instance 0.9.")]
    [InlineData("unit=token&minCoverage=NaN", "minCoverage 'NaN' is not a share from 0 to 1")]
    [InlineData(
        "unit=token&from=yesterdy",
        "from 'yesterdy' is not a time. Nearest is 'yesterday'. Write 2026, 2026-02, 2026-02-01, 2026-02-01T05, "
            + "2026-02-01T05:30:00Z, 2026-02-01T05:30:00%2B02:00 (a + in an address is %2B), now,"
    )]
    [InlineData("unit=token&from=2026-01-15T00:00:00", "from '2026-01-15T00:00:00' is not a time.")]
    [InlineData("unit=token&to=2026-01-15T00:30:00Z", "to '2026-01-15T00:30:00Z' is not a whole hour of UTC")]
    [InlineData("unit=token&from=2026-01-16&to=2026-01-15", "from 2026-01-16T00:00:00Z is not before to 2026-01-15T00:00:00Z.")]
    [InlineData("unit=token&from=2026-01-15&to=2026-01-15", "from 2026-01-15T00:00:00Z is not before to 2026-01-15T00:00:00Z.")]
    [InlineData(
        "unit=output-token&from=2026-01-20",
        "from 2026-01-20T00:00:00Z is not before to 2026-01-16T00:00:00Z, the end of the newest complete hour with work in the unit."
    )]
    [InlineData("unit=token&from=2020-01-01&to=2026-01-15", "The period is longer than 31 days")]
    [InlineData("unit=token&unit=request", "'unit' is given 2 times; give it once.")]
    [InlineData(
        "unit=token&bondary=server",
        "'bondary' is not a parameter. Parameters are: unit, model, boundary, by, idlePolicy, from, to, minCoverage, evidence."
    )]
    [InlineData("boundary=gpu&to=x", "'unit' is missing")]
    [InlineData("unit=token&by=money", "'money' is not what can be ranked by. A ranking is by one of: energy, carbon.")]
    [InlineData("unit=token&idlePolicy=none", "'none' is not an idle policy. Idle policies are: provisioned, active-only.")]
    [InlineData(
        "unit=token&by=carbon&boundary=server",
        "by=carbon is of the facility, because emissions are made of all that a place draws: leave boundary=server out."
    )]
    [InlineData("unit=token&to=0001-01-01", "to '0001-01-01' is not a time. There is no such day.")]
    public async Task A_question_that_cannot_be_answered_is_refused_with_what_would_be_right(string query, string words)
    {
        await using var service = await StartAsync(StorageEngine.Sqlite);

        using var response = await service.Client.GetAsync($"/api/placements?{query}");
        var text = await response.Content.ReadAsStringAsync();

        Assert.True(response.StatusCode == HttpStatusCode.BadRequest, text);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
        Assert.Contains(words, JsonDocument.Parse(text).RootElement.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_fault_of_a_question_is_told_at_once()
    {
        await using var service = await StartAsync(StorageEngine.Sqlite);

        using var response = await service.Client.GetAsync("/api/placements?boundary=gpu&to=x");
        var detail = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("detail").GetString();

        Assert.Contains("'unit' is missing", detail, StringComparison.Ordinal);
        Assert.Contains("'gpu' is not a boundary", detail, StringComparison.Ordinal);
        Assert.Contains("to 'x' is not a time", detail, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task A_store_without_its_tables_is_told_as_unavailable(StorageEngine engine)
    {
        await using var service = await PlacementService.StartAsync(await TestStorage.EmptyAsync(cluster, engine));

        using var response = await service.Client.GetAsync("/api/placements?unit=token");

        Assert.Equal(
            (HttpStatusCode.ServiceUnavailable, "application/problem+json"),
            (response.StatusCode, response.Content.Headers.ContentType!.MediaType)
        );
    }

    private async Task<PlacementService> StartAsync(StorageEngine engine)
    {
        var storage = await TestStorage.MigratedAsync(cluster, engine);
        await using var context = storage.Context();
        foreach (var (region, pue) in new[] { ("a", 1.5), ("b", 1.5), ("c", (double?)null), ("d", 1.5), ("x", 1.5) })
            context.Add(
                new PlaceRow
                {
                    Name = $"onprem/{region}",
                    Provider = "onprem",
                    Region = region,
                    Pue = pue,
                }
            );
        context.AddRange(
            new WorkloadRow
            {
                Name = "chat",
                Model = "org/model",
                Precision = "fp8",
            },
            new WorkloadRow
            {
                Name = "code",
                Model = "org/small",
                Precision = "bf16",
            },
            new WorkloadRow { Name = "unattributed" },
            new DeploymentRow
            {
                Id = 1,
                Workload = "chat",
                Place = "onprem/a",
                Hardware = "H100",
                Accelerators = 8,
            },
            new DeploymentRow
            {
                Id = 2,
                Workload = "chat",
                Place = "onprem/b",
                Hardware = "B200",
                Accelerators = 4,
            },
            new DeploymentRow
            {
                Id = 3,
                Workload = "chat",
                Place = "onprem/c",
            },
            new DeploymentRow
            {
                Id = 4,
                Workload = "code",
                Place = "onprem/a",
                Hardware = "H100",
                Accelerators = 8,
            },
            new DeploymentRow
            {
                Id = 5,
                Workload = "chat",
                Place = "onprem/d",
                Hardware = "H100",
                Accelerators = 8,
            },
            new DeploymentRow
            {
                Id = 6,
                Workload = "unattributed",
                Place = "onprem/a",
            },
            new DeploymentRow
            {
                Id = 7,
                Workload = "chat",
                Place = "onprem/x",
            }
        );
        await context.SaveChangesAsync();
        for (var hour = 0; hour < 24; hour++)
        {
            if (hour < 23)
                context.AddRange(
                    Row(1, "output-token", hour, 1000, 1500, 3000, measured: 750),
                    Row(1, "request", hour, 10, 1500, 3000, measured: 750)
                );
            else
                context.Add(Row(1, "none", hour, null, 11_500, 23_000, measured: 5750));
            context.AddRange(
                Row(2, "output-token", hour, 1000, 500, 1000, evidence: hour == 5 ? Evidence.Derived : Evidence.Measured),
                Row(3, "output-token", hour, 1000, 750, null),
                Row(4, "output-token", hour, 1000, 1000, 2000, measured: 0, evidence: Evidence.Modelled),
                // The meter failed at noon; the tokens went on.
                hour < 12
                    ? Row(5, "output-token", hour, 1000, 1000, 2000)
                    : Row(5, "output-token", hour, 1000, null, null),
                Row(6, "output-token", hour, 1000, 0.5, 1),
                Row(7, "output-token", hour, 1000, 250, 500, measured: 0, evidence: Evidence.Estimated)
            );
        }
        // The hour before and an hour after are not of the day, and work in another unit does not move the end of it.
        context.AddRange(
            Row(1, "output-token", -1, 1_000_000, 1, 1),
            Row(2, "output-token", -1, 1, 1, 1_000_000),
            Row(2, "image", 30, 1, 1, 1)
        );
        await context.SaveChangesAsync();
        return await PlacementService.StartAsync(storage);
    }

    private static IntensityHourRow Row(
        long deployment,
        string unit,
        int hour,
        double? units,
        double? server,
        double? facility,
        double? measured = null,
        Evidence evidence = Evidence.Measured
    )
    {
        var start = Day.AddHours(hour);
        return new IntensityHourRow
        {
            DeploymentId = deployment,
            FunctionalUnit = unit,
            PeriodStart = start,
            PeriodEnd = start.AddHours(1),
            Date = DateOnly.FromDateTime(start),
            DateKey = start.Year * 10000 + start.Month * 100 + start.Day,
            Units = units,
            ServerJoules = server,
            FacilityJoules = facility,
            KnownJoules = server,
            MeasuredJoules = measured ?? server ?? 0,
            Evidence = evidence,
            RecomputedAt = start.AddHours(2),
        }.Matched();
    }

    private static string[] Told(JsonElement answer)
    {
        var lines = new List<string>
        {
            $"{answer.GetProperty("from").GetString()} to {answer.GetProperty("to").GetString()}, "
                + $"{answer.GetProperty("boundary").GetString()}, {answer.GetProperty("minCoverage").GetRawText()}, "
                + $"{answer.GetProperty("evidence").GetString()}",
        };
        foreach (var group in answer.GetProperty("groups").EnumerateArray())
        {
            lines.Add(
                $"{group.GetProperty("model").GetString()} {group.GetProperty("precision").GetString()}: "
                    + $"{string.Join("; ", group.GetProperty("differs").EnumerateArray())}"
            );
            lines.AddRange(
                group
                    .GetProperty("ranked")
                    .EnumerateArray()
                    .Select(placement => $"  {Deployment(placement)}, saves {Number(placement, "savingAgainstWorst")}")
            );
        }
        lines.Add("left out:");
        lines.AddRange(
            answer
                .GetProperty("leftOut")
                .EnumerateArray()
                .Select(placement => $"  {Deployment(placement)}: {string.Join("; ", placement.GetProperty("reasons").EnumerateArray())}")
        );
        return [.. lines];

        static string Deployment(JsonElement placement) =>
            $"{placement.GetProperty("deploymentId").GetString()} "
            + $"{placement.GetProperty("workload").GetString()}/{placement.GetProperty("region").GetString()}"
            + $"/{placement.GetProperty("hardware").GetString() ?? "-"} "
            + $"{Number(placement, "joulesPerUnit")} J = {Number(placement, "joules")}/{Number(placement, "units")}, coverage "
            + $"{Number(placement, "coverage")}, "
            + $"{placement.GetProperty("evidence").GetString()}, measured share {Number(placement, "measuredShare")}";

        static string Number(JsonElement placement, string name) =>
            placement.GetProperty(name) is { ValueKind: JsonValueKind.Number } number
                ? number.GetDouble().ToString("0.####", System.Globalization.CultureInfo.InvariantCulture)
                : "-";
    }
}

/// <summary><c>/api/placements</c> and <c>/odata</c> over one store, on a port of its own.</summary>
internal sealed class PlacementService : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly TestStorage storage;

    private PlacementService(WebApplication app, TestStorage storage)
    {
        (this.app, this.storage) = (app, storage);
        Client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
    }

    public HttpClient Client { get; }

    public static async Task<PlacementService> StartAsync(TestStorage storage, UnitConversions? conversions = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddSingleton(TimeProvider.System);
        if (conversions is not null)
            builder.Services.AddSingleton(conversions);
        builder.Services.AddMetricsStorage(storage.Engine, storage.ConnectionString);
        builder.Services.AddMetricsOData();
        builder.Services.AddProblemResponses();
        var app = builder.Build();
        app.UseProblemResponses();
        app.MapPlacements();
        app.MapMetricsOData();
        await app.StartAsync();
        return new PlacementService(app, storage);
    }

    public Task<JsonElement> AskAsync(string query) => GetAsync($"/api/placements?{query}");

    public async Task<JsonElement> GetAsync(string address)
    {
        using var response = await Client.GetAsync(address);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, $"{(int)response.StatusCode} for {address}: {text}");
        return JsonDocument.Parse(text).RootElement;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await app.DisposeAsync();
        await storage.DisposeAsync();
    }
}
