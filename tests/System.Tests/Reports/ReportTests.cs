using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using DocumentFormat.OpenXml.Packaging;
using DocumentFormat.OpenXml.Validation;
using Metrics.Api.Access;
using Metrics.Api.Commands;
using Metrics.Api.OData.Query;
using Metrics.Api.Reports;
using Metrics.Api.Reports.Formats;
using Metrics.Api.Reports.Jobs;
using Metrics.Api.Reports.Kinds;
using Metrics.Domain.Factors;
using Metrics.Domain.Facts;
using Metrics.Domain.Quantities;
using Metrics.Storage.Engine;
using Metrics.Storage.Schema;
using Metrics.Storage.Schema.Tables;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Metrics.SystemTests.Reports;

/// <summary>Reports over the same few hours on both engines.</summary>
public sealed class ReportServices : IAsyncLifetime
{
    /// <summary>A name that a spreadsheet would run, with everything that CSV quotes.</summary>
    public const string Formula = "=HYPERLINK(\"http://x\",\"a,b\")";

    private readonly PostgresCluster cluster = new();
    private readonly string folder = Directory.CreateTempSubdirectory("metrics-reports-").FullName;
    private readonly Dictionary<StorageEngine, WebApplication> apps = [];

    public HttpClient this[StorageEngine engine] => new() { BaseAddress = new Uri(apps[engine].Urls.Single()) };

    public IServiceProvider Of(StorageEngine engine) => apps[engine].Services;

    public async Task InitializeAsync()
    {
        await cluster.InitializeAsync();
        foreach (var engine in new[] { StorageEngine.Sqlite, StorageEngine.Postgres })
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            builder
                .Services.AddSingleton(TimeProvider.System)
                .AddMetricsStorage(
                    engine,
                    engine == StorageEngine.Sqlite ? $"Data Source={folder}/reports.db" : await cluster.CreateDatabaseAsync()
                )
                .AddSingleton(UnitConversions.None)
                .AddAccess(new AccessSettings())
                .AddReports(new ReportSettings { Folder = Directory.CreateDirectory($"{folder}/{engine}").FullName })
                .AddProblemDetails()
                .AddResponseCompression();
            var app = builder.Build();
            await app.Services.GetRequiredService<SchemaMigrator>().MigrateAsync();
            await app.Services.GetRequiredService<AccessKeyCache>().RefreshAsync(default);
            await using (var context = await app.Services.GetRequiredService<IDbContextFactory<MetricsDbContext>>().CreateDbContextAsync())
                await WriteAsync(context);
            app.UseResponseCompression();
            app.UseAccess();
            app.MapReports();
            await app.StartAsync();
            apps.Add(engine, app);
        }
    }

    public async Task DisposeAsync()
    {
        foreach (var app in apps.Values)
            await app.DisposeAsync();
        SqliteConnection.ClearAllPools();
        await cluster.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    private static DateTime Hour(int hour) => new(2026, 2, 1, hour, 0, 0, DateTimeKind.Utc);

    // chat at a site with a PUE of 1.4 and a grid of 350 g/kWh, in the hours 0 to 3 but 2; the last is half covered and has no PUE. The
    // other one in a cloud in hour 0, by estimate.
    private static async Task WriteAsync(MetricsDbContext context)
    {
        const string factors = "grid_intensity:country/DE:location_average@v1 pue:onprem/dc-1@config";
        context.AddRange(
            new PlaceRow
            {
                Name = "onprem/dc-1",
                Provider = "onprem",
                Region = "dc-1",
                Country = "DE",
                Pue = 1.4,
            },
            new PlaceRow
            {
                Name = "aws/eu-west-1",
                Provider = "aws",
                Region = "eu-west-1",
                Country = "IE",
            },
            new WorkloadRow
            {
                Name = "chat",
                Model = "org/chat-70b",
                Precision = "fp8",
            },
            new WorkloadRow { Name = Formula, Model = "org/日本" },
            new DeploymentRow
            {
                Id = 7,
                Workload = "chat",
                Place = "onprem/dc-1",
                Hardware = "NVIDIA H100 80GB HBM3",
            },
            new DeploymentRow
            {
                Id = 9_007_199_254_740_993,
                Workload = Formula,
                Place = "aws/eu-west-1",
            },
            new FactorRow
            {
                Id = 1,
                Name = "grid_intensity:country/DE:location_average@v1",
                Kind = "grid_intensity",
                Place = "country/DE",
                Method = "location_average",
                Value = 350,
                Unit = "g/kWh",
                Source = "Example, Grid 2026",
                Licence = "CC-BY-4.0",
                Vintage = "2025",
                Version = "v1",
            }
        );
        foreach (var (unit, units) in new[] { ("output-token", 1000.0), ("request", 10.0) })
        {
            Row(0, unit, units, 3.6e6, 5.04e6, 3600, 490, 140, 10, factors, "");
            Row(1, unit, units / 2, 1.8e6, 2.52e6, 3600, 245, 70, 10, factors, "");
        }
        Row(3, PeriodSums.NoWork, null, 0.9e6, null, 1800, null, null, null, "", "pue_unknown");
        context.Add(
            new IntensityHourRow
            {
                DeploymentId = 9_007_199_254_740_993,
                FunctionalUnit = "output-token",
                PeriodStart = Hour(0),
                PeriodEnd = Hour(1),
                Date = new(2026, 2, 1),
                DateKey = 20260201,
                Units = 100,
                ServerJoules = 360,
                FacilityJoules = 432,
                OperationalGrams = 0.0625,
                KnownJoules = 360,
                MeasuredJoules = 0,
                Evidence = Evidence.Estimated,
                Missing = MissingReasons.EmbodiedUnknown,
                RecomputedAt = Hour(5),
            }.Matched()
        );
        // The facility's energy of hour 1 was 2 MJ and the emissions 200 g when it was final.
        foreach (var unit in new[] { "output-token", "request" })
        foreach (var (measure, old, now) in new[] { ("facility_joules", 2e6, 2.52e6), ("operational_grams", 200.0, 245.0) })
            context.Add(
                new RestatementRow
                {
                    DeploymentId = 7,
                    FunctionalUnit = unit,
                    PeriodStart = Hour(1),
                    Measure = measure,
                    Old = old,
                    New = now,
                    OldFactors = "",
                    NewFactors = factors,
                    At = Hour(6),
                    Reason = "late_data",
                }
            );
        await context.SaveChangesAsync();

        void Row(
            int hour,
            string unit,
            double? units,
            double server,
            double? facility,
            double covered,
            double? grams,
            double? market,
            double? embodied,
            string made,
            string missing
        ) =>
            context.Add(
                new IntensityHourRow
                {
                    DeploymentId = 7,
                    FunctionalUnit = unit,
                    PeriodStart = Hour(hour),
                    PeriodEnd = Hour(hour + 1),
                    Date = new(2026, 2, 1),
                    DateKey = 20260201,
                    Units = units,
                    ServerJoules = server,
                    FacilityJoules = facility,
                    IdleJoules = 0,
                    LowJoules = facility * 0.95,
                    HighJoules = facility * 1.05,
                    OperationalGrams = grams,
                    MarketBasedGrams = market,
                    EmbodiedGrams = embodied,
                    KnownJoules = server,
                    MeasuredJoules = server,
                    Evidence = Evidence.Derived,
                    Factors = made,
                    Missing = missing
                        .Split(' ', StringSplitOptions.RemoveEmptyEntries)
                        .Select(word => MissingReasonText.All.Single(entry => entry.Word == word).Reason)
                        .Aggregate(MissingReasons.None, (all, reason) => all | reason),
                    RecomputedAt = Hour(5),
                }.Matched(covered)
            );
    }
}

/// <summary>What reports say, in every format, by readers of others.</summary>
public sealed class ReportTests(ReportServices services) : IClassFixture<ReportServices>
{
    private const string Period = "from=2026-02-01T00:00:00Z&to=2026-02-01T04:00:00Z&grain=hour";

    public static TheoryData<StorageEngine> Engines { get; } = [StorageEngine.Sqlite, StorageEngine.Postgres];

    [Theory, MemberData(nameof(Engines))]
    public async Task Energy_stands_once_for_each_deployment_and_period(StorageEngine engine)
    {
        var report = await JsonAsync(engine, $"energy?{Period}");
        Assert.Equal(
            [
                "2026-02-01T00:00:00Z chat 0.001 0.0014 1.4 derived 1 False ∅",
                "2026-02-01T00:00:00Z =HYPERLINK(\"http://x\",\"a,b\") 1E-07 1.2E-07 1.2 estimated 1 False ∅",
                "2026-02-01T01:00:00Z chat 0.0005 0.0007 1.4 derived 1 True 0.0005555555555555556",
                "2026-02-01T03:00:00Z chat 0.00025 ∅ ∅ derived 0.5 False ∅",
            ],
            Rows(
                report,
                "PeriodStart",
                "Workload",
                "ItMWh",
                "FacilityMWh",
                "Pue",
                "Evidence",
                "Coverage",
                "Restated",
                "PreviousFacilityMWh"
            )
        );
        // Sums of the rows that know both; the last hour has no PUE. 0.0017501 MWh of IT equipment, 0.00210012 of facilities.
        var totals = report.GetProperty("totals");
        Assert.Equal((0.0017501, 0.00210012), (totals.GetProperty("ItMWh").GetDouble(), totals.GetProperty("FacilityMWh").GetDouble()));
        Assert.Equal(0.00210012 / 0.0015001, totals.GetProperty("Pue").GetDouble(), 1e-11);
        Assert.Equal(JsonValueKind.Null, totals.GetProperty("WaterLitres").ValueKind);
        Assert.Equal("2026-02-01T05:00:00Z", report.GetProperty("dataAsOf").GetString());
        var factor = report.GetProperty("factors").EnumerateArray().First();
        Assert.Equal(
            ("grid_intensity:country/DE:location_average@v1", 350.0, "Example, Grid 2026", "2025"),
            (
                factor.GetProperty("name").GetString(),
                factor.GetProperty("value").GetDouble(),
                factor.GetProperty("source").GetString(),
                factor.GetProperty("vintage").GetString()
            )
        );
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task A_period_with_gaps_says_so_and_lists_them(StorageEngine engine)
    {
        var report = await JsonAsync(engine, $"energy?{Period}");
        Assert.Equal(3, report.GetProperty("gapCount").GetInt32());
        Assert.Equal(
            [
                "chat onprem/dc-1 2026-02-01T02:00:00Z 2026-02-01T03:00:00Z 0",
                // Nothing is known at the facility, which the other hours have.
                "chat onprem/dc-1 2026-02-01T03:00:00Z 2026-02-01T04:00:00Z 0",
                "=HYPERLINK(\"http://x\",\"a,b\") aws/eu-west-1 2026-02-01T01:00:00Z 2026-02-01T04:00:00Z 0",
            ],
            report
                .GetProperty("gaps")
                .EnumerateArray()
                .Select(gap =>
                    $"{gap.GetProperty("workload").GetString()} {gap.GetProperty("place").GetString()} "
                    + $"{gap.GetProperty("from").GetString()} {gap.GetProperty("to").GetString()} {gap.GetProperty("coverage")}"
                )
        );
        Assert.Contains(report.GetProperty("notes").EnumerateArray(), note =>
            note.GetString()!.StartsWith("The period has 3 gaps", StringComparison.Ordinal)
        );
        // The control: two whole hours of one workload have none.
        Assert.Equal(
            0,
            (await JsonAsync(engine, "energy?from=2026-02-01T00:00:00Z&to=2026-02-01T02:00:00Z&grain=hour&workload=chat"))
                .GetProperty("gapCount")
                .GetInt32()
        );
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task Location_and_market_based_emissions_stand_side_by_side(StorageEngine engine)
    {
        var report = await JsonAsync(engine, $"ghg?{Period}");
        Assert.Equal(
            [
                "chat 2 ∅ 0.0014 0.00049 350 0.00014 100 1E-05 ∅",
                "=HYPERLINK(\"http://x\",\"a,b\") 3 1 purchased goods and services 1.2E-07 6.25E-08 520.8333333333334 ∅ ∅ ∅ ∅",
                "chat 2 ∅ 0.0007 0.000245 350 7E-05 100 1E-05 0.0002",
                "chat 2 ∅ ∅ ∅ ∅ ∅ ∅ ∅ ∅",
            ],
            Rows(
                report,
                "Workload",
                "Scope",
                "Category",
                "FacilityMWh",
                "LocationBasedTonnes",
                "LocationBasedFactor",
                "MarketBasedTonnes",
                "MarketBasedFactor",
                "EmbodiedTonnes",
                "PreviousLocationBasedTonnes"
            )
        );
        var totals = report.GetProperty("totals");
        Assert.Equal(
            (0.0007350625, 0.00021, 0.00002),
            (
                totals.GetProperty("LocationBasedTonnes").GetDouble(),
                totals.GetProperty("MarketBasedTonnes").GetDouble(),
                totals.GetProperty("EmbodiedTonnes").GetDouble()
            )
        );
        Assert.DoesNotContain(totals.EnumerateObject(), total =>
            total.Name.Contains("Sum", StringComparison.Ordinal)
            || total.Value.ValueKind == JsonValueKind.Number && Math.Abs(total.Value.GetDouble() - 0.0009450625) < 1e-12
        );
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task Scores_of_the_components_sum_up_to_the_total(StorageEngine engine)
    {
        var report = await JsonAsync(engine, $"sci?{Period}&unit=output-token");
        Assert.Equal(
            [
                // 490 g and 10 g over 1,000 tokens; 245 g and 10 g over 500. Without embodied emissions there is no score.
                "chat 1000 operational measured 1.4 350 490 0.49",
                "chat 1000 embodied sourced ∅ ∅ 10 0.01",
                "chat 1000 total measured 1.4 350 500 0.5",
                "=HYPERLINK(\"http://x\",\"a,b\") 100 operational sourced 0.00012 520.8333333333334 0.0625 0.000625",
                "=HYPERLINK(\"http://x\",\"a,b\") 100 embodied sourced ∅ ∅ ∅ ∅",
                "=HYPERLINK(\"http://x\",\"a,b\") 100 total sourced 0.00012 520.8333333333334 ∅ ∅",
                "chat 500 operational measured 0.7 350 245 0.49",
                "chat 500 embodied sourced ∅ ∅ 10 0.02",
                "chat 500 total measured 0.7 350 255 0.51",
            ],
            Rows(report, "Workload", "Units", "Component", "Method", "KilowattHours", "GramsPerKilowattHour", "Grams", "ScoreGramsPerUnit")
        );
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task A_models_energy_is_that_of_its_deployments_each_once(StorageEngine engine) =>
        Assert.Equal(
            [
                // chat: 1 + 0.5 + 0.25 kWh; it was there in the hours 0, 1 and 3, of which the last is known for half.
                "org/chat-70b known 0.00175 0.0021 0.000735 1500 15 1 derived 1 0.8333333333333334",
                "org/日本 estimated 1E-07 1.2E-07 6.25E-08 100 ∅ 1 estimated 0 1",
            ],
            Rows(
                await JsonAsync(engine, $"ai-act?{Period}"),
                "Model",
                "KnownOrEstimated",
                "ItMWh",
                "FacilityMWh",
                "LocationBasedTonnes",
                "OutputTokens",
                "Requests",
                "Deployments",
                "Evidence",
                "MeasuredShare",
                "Coverage"
            )
        );

    [Theory, MemberData(nameof(Engines))]
    public async Task A_comparison_ranks_like_with_like_and_says_why_not(StorageEngine engine)
    {
        var rows = Rows(
            await JsonAsync(engine, "comparison?from=2026-02-01T00:00:00Z&to=2026-02-01T02:00:00Z&grain=hour&unit=output-token"),
            "Group",
            "Rank",
            "Workload",
            "Units",
            "Joules",
            "JoulesPerUnit",
            "Verdict"
        );
        Assert.Equal("1 1 chat 1500 7560000 5040 ranked", rows[0]);
        Assert.StartsWith("∅ ∅ =HYPERLINK(\"http://x\",\"a,b\") 100", rows[1], StringComparison.Ordinal);
        Assert.Contains("left out: ", rows[1], StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task Every_format_says_the_same_to_readers_of_others_and_twice_the_same_bytes(StorageEngine engine)
    {
        var folder = Directory.CreateTempSubdirectory("metrics-formats-").FullName;
        try
        {
            var files = new Dictionary<string, string>();
            foreach (var format in ReportFormats.All.Keys)
            {
                var first = await FetchAsync(engine, $"energy?{Period}&format={format}");
                var again = await FetchAsync(engine, $"energy?{Period}&format={format}");
                Assert.True(first.AsSpan().SequenceEqual(again), $"{format} differs the second time.");
                // And the other engine's are the same too: both hold the same hours.
                var other = await FetchAsync(
                    engine == StorageEngine.Sqlite ? StorageEngine.Postgres : StorageEngine.Sqlite,
                    $"energy?{Period}&format={format}"
                );
                Assert.True(first.AsSpan().SequenceEqual(other), $"{format} of the engines differs.");
                await File.WriteAllBytesAsync(files[format] = $"{folder}/energy.{format}", first);
            }
            var node = new NodeFolder(Path.Combine(Compose.ComposeFile.Root, "tests/System.Tests/Reports/Node"));
            await node.InstallAsync();
            var schema = JsonDocument.Parse(await FetchAsync(engine, "energy/schema")).RootElement;
            var seen = JsonDocument
                .Parse(
                    await node.RunAsync(
                        "read.cjs",
                        JsonSerializer.Serialize(
                            new
                            {
                                csv = files["csv"],
                                xlsx = files["xlsx"],
                                parquet = files["parquet"],
                                json = files["json"],
                                schema,
                            }
                        )
                    )
                )
                .RootElement;

            var json = seen.GetProperty("json");
            Assert.True(json.GetProperty("valid").GetBoolean(), json.GetProperty("errors").ToString());
            Assert.False(json.GetProperty("brokenIsValid").GetBoolean());
            var rows = json.GetProperty("report").GetProperty("rows").EnumerateArray().ToList();
            Assert.Equal(4, rows.Count);

            var csv = seen.GetProperty("csv");
            Assert.Empty(csv.GetProperty("errors").EnumerateArray());
            Assert.Equal(
                rows[0].EnumerateObject().Select(property => property.Name),
                csv.GetProperty("fields").EnumerateArray().Select(field => field.GetString()!)
            );
            for (var i = 0; i < rows.Count; i++)
                foreach (var property in rows[i].EnumerateObject())
                {
                    var cell = csv.GetProperty("rows")[i].GetProperty(property.Name).GetString()!;
                    var expected = property.Value.ValueKind switch
                    {
                        JsonValueKind.Null => "",
                        JsonValueKind.True => "true",
                        JsonValueKind.False => "false",
                        JsonValueKind.String => CsvReport.Guarded(property.Value.GetString()!),
                        _ => null,
                    };
                    if (expected is not null)
                        Assert.Equal(expected, cell);
                    else
                        Assert.Equal(property.Value.GetDouble(), double.Parse(cell, System.Globalization.CultureInfo.InvariantCulture));
                }
            Assert.Equal("'=HYPERLINK(\"http://x\",\"a,b\")", csv.GetProperty("rows")[1].GetProperty("Workload").GetString());

            var parquet = seen.GetProperty("parquet");
            Assert.Equal(4, parquet.GetProperty("count").GetInt32());
            var metadata = parquet.GetProperty("columns").EnumerateArray().ToDictionary(column => column.GetProperty("name").GetString()!);
            Assert.Equal(
                ("DOUBLE", "MWh", "MWH"),
                (
                    metadata["ItMWh"].GetProperty("type").GetString(),
                    metadata["ItMWh"].GetProperty("metadata").GetProperty("unit").GetString(),
                    metadata["ItMWh"].GetProperty("metadata").GetProperty("unit_code").GetString()
                )
            );
            Assert.Equal(
                ("BYTE_ARRAY", "INT64", "BOOLEAN"),
                (
                    metadata["Workload"].GetProperty("type").GetString(),
                    metadata["PeriodStart"].GetProperty("type").GetString(),
                    metadata["Restated"].GetProperty("type").GetString()
                )
            );
            Assert.Equal(
                "energy",
                JsonDocument
                    .Parse(parquet.GetProperty("keys").GetProperty("metrics.report").GetString()!)
                    .RootElement.GetProperty("kind")
                    .GetString()
            );
            var workbook = seen.GetProperty("xlsx");
            Assert.Equal(
                ["Data", "About", "Columns", "Factors", "Gaps"],
                workbook.GetProperty("sheets").EnumerateArray().Select(sheet => sheet.GetString())
            );
            Assert.Empty(workbook.GetProperty("formulas").EnumerateArray());
            Assert.Equal(
                ("d", "s", "n", "b"),
                (
                    workbook.GetProperty("types").GetProperty("A2").GetString(),
                    workbook.GetProperty("types").GetProperty("C2").GetString(),
                    workbook.GetProperty("types").GetProperty("L2").GetString(),
                    workbook.GetProperty("types").GetProperty("AB2").GetString()
                )
            );
            for (var i = 0; i < rows.Count; i++)
                foreach (var property in rows[i].EnumerateObject())
                {
                    foreach (
                        var (kind, row) in new[] { ("parquet", parquet.GetProperty("rows")[i]), ("xlsx", workbook.GetProperty("rows")[i]) }
                    )
                    {
                        var there = row.GetProperty(property.Name);
                        var time = property.Name is "PeriodStart" or "PeriodEnd" or "ComputedAt";
                        Assert.True(
                            property.Value.ValueKind switch
                            {
                                JsonValueKind.Null => there.ValueKind == JsonValueKind.Null,
                                JsonValueKind.Number => there.GetDouble() == property.Value.GetDouble(),
                                JsonValueKind.String when time => Math.Abs(
                                    (there.GetDateTimeOffset() - property.Value.GetDateTimeOffset()).TotalSeconds
                                ) < 1,
                                JsonValueKind.String => there.GetString() == property.Value.GetString(),
                                _ => there.GetBoolean() == property.Value.GetBoolean(),
                            },
                            $"{kind}, row {i}, {property.Name}: {there} instead of {property.Value}"
                        );
                    }
                }

            // The SDK of the workbook's makers finds nothing wrong with it, its chart included.
            using (var book = SpreadsheetDocument.Open(files["xlsx"], isEditable: false))
            {
                Assert.Empty(
                    new OpenXmlValidator()
                        .Validate(book)
                        .Select(exception => $"{exception.Part?.Uri} {exception.Path?.XPath}: {exception.Description}")
                );
                Assert.Single(book.WorkbookPart!.WorksheetParts.SelectMany(sheet => sheet.DrawingsPart?.ChartParts ?? []));
            }

            using var pdf = UglyToad.PdfPig.PdfDocument.Open(files["pdf"]);
            var text = string.Join(' ', pdf.GetPages().SelectMany(page => page.GetWords()).Select(word => word.Text));
            foreach (
                var part in new[]
                {
                    "Energy consumption",
                    "2026-02-01T00:00:00Z to 2026-02-01T04:00:00Z",
                    "3 gaps",
                    "0.0017501",
                    "=HYPERLINK",
                    "org/\\u65E5\\u672C",
                    "Example, Grid 2026",
                    "ESRS E1-5 37",
                }
            )
                Assert.Contains(part, text, StringComparison.Ordinal);

            var page = await DomAsync(files["html"]);
            foreach (
                var part in new[]
                {
                    "<h1>Energy consumption</h1>",
                    "<svg role=\"img\"",
                    "=HYPERLINK(\"http://x\",\"a,b\")",
                    "org/日本",
                    "The period has 3 gaps",
                    "0.0017501",
                }
            )
                Assert.Contains(part, page, StringComparison.Ordinal);
            Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task What_looks_like_a_formula_is_text_and_what_is_negative_is_a_number()
    {
        ReportColumn[] columns = [new("Text", ReportType.Text, "A text."), new("Number", ReportType.Number, "A number.")];
        string[] texts = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "＝1", "plain", "a,b", "say \"x\"", "two\r\nlines", ""];
        async IAsyncEnumerable<ReportValue[]> Rows()
        {
            await Task.Yield();
            foreach (var text in texts)
                yield return [ReportValue.Of(text), ReportValue.Of(-1.5)];
            yield return [ReportValue.Of((string?)null), ReportValue.Of(double.NaN)];
        }
        var report = new Report
        {
            Kind = "energy",
            Title = "t",
            From = default,
            To = default,
            DataAsOf = default,
            Parameters = [],
            Columns = columns,
            Totals = [],
            Factors = [],
            Gaps = [],
            GapCount = 0,
            Notes = [],
            Chart = null,
            Rows = Rows(),
        };
        using var csv = new MemoryStream();
        await new CsvReport().WriteAsync(report, csv, default);
        Assert.Equal(
            "Text,Number\r\n'=1+1,-1.5\r\n'+1,-1.5\r\n'-1,-1.5\r\n'@SUM(A1),-1.5\r\n'\tx,-1.5\r\n\"'\rx\",-1.5\r\n'＝1,-1.5\r\n"
                + "plain,-1.5\r\n\"a,b\",-1.5\r\n\"say "
                + "\"\"x\"\"\",-1.5\r\n\"two\r\nlines\",-1.5\r\n,-1.5\r\n,\r\n",
            Encoding.UTF8.GetString(csv.ToArray())
        );
    }

    [Theory]
    [InlineData("nonsense?from=2026-02-01&to=2026-02-02", 404, "unknown_kind", "energy, ghg, sci, comparison, ai-act")]
    [InlineData("energy?from=2026-02-01&to=2026-02-02&format=docx", 400, "unknown_format", "csv, xlsx, json, parquet, html, pdf")]
    [InlineData("energy?from=2026-02-01&to=2026-02-02&grain=week", 400, "unknown_grain", "hour, day, month")]
    [InlineData("energy?from=2026-02-01&to=2026-02-02&grain=1", 400, "unknown_grain", "hour, day, month")]
    [InlineData("energy?from=2026-02-02&to=2026-02-01", 400, "invalid_period", "is not before")]
    [InlineData("energy?from=2026-02-01&to=2026-02-01", 400, "invalid_period", "is not before")]
    [InlineData("energy?from=soon&to=2026-02-01", 400, "invalid_period", "is not a time")]
    [InlineData("energy?from=2026-02-01T01:00:00Z&to=2026-02-02", 400, "invalid_period", "start of a day")]
    [InlineData("energy?from=2026-02-02&to=2026-03-01&grain=month", 400, "invalid_period", "start of a month")]
    [InlineData("energy?to=2026-02-01", 400, "missing_period", "'from' is missing")]
    [InlineData("energy?from=2099-02-01&to=2099-02-02", 400, "future_period", "lies in the future")]
    [InlineData("energy?from=2026-02-01&to=2099-02-02", 400, "future_period", "lies in the future")]
    [InlineData("energy?from=2025-02-01&to=2025-02-02", 404, "no_data", "There is data from 2026-02-01T00:00:00Z to 2026-02-01T04:00:00Z")]
    [InlineData("energy?from=2026-02-01&to=2026-02-02&workload=chatt", 404, "unknown_workload", "chat")]
    [InlineData("energy?from=2026-02-01&to=2026-02-02&wrkload=chat", 400, "unknown_parameter", "from, to, grain, workload")]
    [InlineData("energy?from=2026-02-01&from=2026-02-01&to=2026-02-02", 400, "repeated_parameter", "given twice")]
    [InlineData("comparison?from=2026-02-01&to=2026-02-02", 400, "missing_unit", "output-token")]
    [InlineData("comparison?from=2026-02-01T00:00:00Z&to=2026-02-01T02:00:00Z&grain=hour&unit=smile", 404, "no_data", "no data")]
    public async Task What_cannot_be_reported_is_explained(string query, int status, string code, string says)
    {
        foreach (var engine in new[] { StorageEngine.Sqlite, StorageEngine.Postgres })
        {
            using var answer = await services[engine].GetAsync($"/api/reports/{query}");
            var told = await answer.Content.ReadAsStringAsync();
            Assert.True((int)answer.StatusCode == status, told);
            Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
            var problem = JsonDocument.Parse(told).RootElement;
            Assert.Equal(code, problem.GetProperty("code").GetString());
            Assert.Contains(says, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", told, StringComparison.Ordinal);
        }
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task A_report_that_is_fetched_later_is_whole_and_told_of(StorageEngine engine)
    {
        using var client = services[engine];
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/reports/sci?{Period}&format=csv")
        {
            Headers = { { "Prefer", "respond-async" } },
        };
        using var accepted = await client.SendAsync(request);
        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        Assert.Equal("respond-async", accepted.Headers.GetValues("Preference-Applied").Single());
        JsonElement job;
        for (
            var tries = 0;
            (job = await client.GetFromJsonAsync<JsonElement>(accepted.Headers.Location)).GetProperty("state").GetString() != "done";
            tries++
        )
        {
            Assert.True(tries < 200, job.ToString());
            await Task.Delay(50);
        }
        using var file = await client.GetAsync(job.GetProperty("file").GetString());
        var bytes = await file.Content.ReadAsByteArrayAsync();
        Assert.Equal($"sha-256=:{Convert.ToBase64String(SHA256.HashData(bytes))}:", file.Headers.GetValues("Repr-Digest").Single());
        var manifest = await client.GetFromJsonAsync<JsonElement>(job.GetProperty("manifest").GetString());
        Assert.Equal(
            (Convert.ToHexStringLower(SHA256.HashData(bytes)), bytes.Length, 12 + 3),
            (manifest.GetProperty("sha256").GetString(), manifest.GetProperty("bytes").GetInt32(), manifest.GetProperty("rows").GetInt32())
        );
        Assert.Equal(16, Encoding.UTF8.GetString(bytes).Split("\r\n").Length - 1);
        Assert.Empty(manifest.GetProperty("findings").EnumerateArray());

        await using var context = await services
            .Of(engine)
            .GetRequiredService<IDbContextFactory<MetricsDbContext>>()
            .CreateDbContextAsync();
        for (var tries = 0; !await context.Set<EventRow>().AnyAsync(row => row.Type == "report.ready"); tries++)
        {
            Assert.True(tries < 200);
            await Task.Delay(50);
        }
        Assert.Contains(
            manifest.GetProperty("sha256").GetString()!,
            (await context.Set<EventRow>().FirstAsync(row => row.Type == "report.ready")).Body,
            StringComparison.Ordinal
        );
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync("/api/reports/jobs/none")).StatusCode);
    }

    [Theory, InlineData("json"), InlineData("html"), InlineData("csv")]
    public async Task The_digest_is_of_the_bytes_that_arrive(string format)
    {
        using var client = services[StorageEngine.Sqlite];
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/reports/energy?{Period}&format={format}")
        {
            Headers = { { "Accept-Encoding", "gzip, br" } },
        };
        using var answer = await client.SendAsync(request);
        Assert.Equal(
            $"sha-256=:{Convert.ToBase64String(SHA256.HashData(await answer.Content.ReadAsByteArrayAsync()))}:",
            answer.Headers.GetValues("Repr-Digest").Single()
        );
        // The control: what is no file is compressed for the same client.
        using var list = new HttpRequestMessage(HttpMethod.Get, "/api/reports") { Headers = { { "Accept-Encoding", "gzip, br" } } };
        Assert.NotEmpty((await client.SendAsync(list)).Content.Headers.ContentEncoding);
        // And whoever has the file already is told so.
        using var again = new HttpRequestMessage(HttpMethod.Get, $"/api/reports/energy?{Period}&format={format}")
        {
            Headers = { { "If-None-Match", answer.Headers.ETag!.ToString() } },
        };
        Assert.Equal(HttpStatusCode.NotModified, (await client.SendAsync(again)).StatusCode);
    }

    [Fact]
    public async Task A_report_that_is_cut_off_leaves_no_file()
    {
        var folder = Directory.CreateTempSubdirectory("metrics-cut-").FullName;
        try
        {
            var provider = services.Of(StorageEngine.Sqlite);
            using var stop = new CancellationTokenSource();
            var request = ReportRequest.Read(
                "energy",
                [("from", "2026-02-01T00:00:00Z"), ("to", "2026-02-01T04:00:00Z"), ("grain", "hour")],
                DateTime.UtcNow
            );
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
                provider
                    .GetRequiredService<ReportFiles>()
                    .WriteAsync(request with { Format = new Cutting(stop) }, $"{folder}/energy.csv", null, stop.Token)
            );
            Assert.Empty(Directory.GetFileSystemEntries(folder));
            // The control: left alone, the same report is there with its manifest.
            await provider.GetRequiredService<ReportFiles>().WriteAsync(request, $"{folder}/energy.csv", null, default);
            Assert.Equal(
                ["energy.csv", "energy.csv.manifest.json"],
                Directory.GetFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal)
            );
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task The_command_says_what_it_wrote_or_why_not()
    {
        var (exit, output) = await ServiceProcess.RunAsync(["report", "energie", "--from", "2026-02-01"]);
        Assert.Equal(2, exit);
        Assert.Contains("There are: energy, ghg, sci, comparison, ai-act", output, StringComparison.Ordinal);
        (exit, output) = await ServiceProcess.RunAsync(["report", "energy", "--from", "2026-02-01", "--to=2026-02-02"]);
        Assert.Equal(2, exit);
        Assert.Contains("There is none at all yet", output, StringComparison.Ordinal);
        (exit, output) = await ServiceProcess.RunAsync(["report", "energy", "ghg", "--from", "2026-02-01", "--to", "2026-02-02"]);
        Assert.Equal(2, exit);
        Assert.StartsWith("'ghg' is one word too many", output, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Engines))]
    public async Task Our_own_files_follow_the_rules_and_files_that_do_not_are_told_where(StorageEngine engine)
    {
        using var client = services[engine];
        foreach (var kind in new[] { "energy", "ghg", "sci", "ai-act" })
        foreach (var (format, type) in new[] { ("csv", "text/csv"), ("json", "application/json") })
        {
            var verdict = await ValidateAsync(client, kind, await FetchAsync(engine, $"{kind}?{Period}&format={format}"), type);
            Assert.True(verdict.GetProperty("isValid").GetBoolean(), $"{kind} {format}: {verdict}");
            Assert.True(verdict.GetProperty("rows").GetInt32() > 0);
        }

        var energy = Encoding.UTF8.GetString(await FetchAsync(engine, $"energy?{Period}&format=csv&workload=chat")).Split("\r\n");
        string Changed(params (string Column, string Value)[] cells)
        {
            var (names, values) = (energy[0].Split(','), energy[1].Split(','));
            // The link in the last column has commas and quotes.
            values = [.. values[..(names.Length - 1)], "link"];
            foreach (var (column, value) in cells)
                values[Array.IndexOf(names, column)] = value;
            return $"{energy[0]}\r\n{string.Join(',', values)}\r\n";
        }
        foreach (
            var (rule, file) in new[]
            {
                ("MR-001", Changed(("PeriodStart", ""))),
                ("MR-002", Changed(("PeriodEnd", "2026-01-31T00:00:00Z"))),
                ("MR-003", Changed(("Provider", ""))),
                ("MR-010", Changed(("WaterLitres", "-1"))),
                ("MR-011", Changed(("Coverage", "1.1"))),
                ("MR-012", Changed(("Pue", "0.9"))),
                ("MR-013", Changed(("FacilityMWh", "0.0009"))),
                ("MR-014", Changed(("IdleMWh", "0.002"))),
                ("MR-015", Changed(("LowMWh", "0.002"))),
                ("MR-020", Changed(("Evidence", "guessed"))),
                ("MR-021", Changed(("Quality", "good"))),
                ("MR-030", Changed(("Evidence", ""))),
                ("MR-901", energy[0] + ",Extra\r\n"),
                ("MR-900", "PeriodStart\r\n"),
                ("MR-902", Changed(("ItMWh", "much"))),
            }
        )
        {
            var verdict = await ValidateAsync(client, "energy", Encoding.UTF8.GetBytes(file), "text/csv");
            Assert.True(
                verdict.GetProperty("findings").EnumerateArray().Any(finding => finding.GetProperty("rule").GetString() == rule),
                $"{rule}: {verdict}"
            );
        }
        var sci = JsonDocument
            .Parse(await FetchAsync(engine, $"sci?{Period}&format=json"))
            .RootElement.GetProperty("rows")
            .ToString()
            .Replace("\"ScoreGramsPerUnit\":0.5,", "\"ScoreGramsPerUnit\":0.51,", StringComparison.Ordinal);
        var broken = await ValidateAsync(client, "sci", Encoding.UTF8.GetBytes(sci), "application/json");
        Assert.Equal("MR-031", Assert.Single(broken.GetProperty("findings").EnumerateArray()).GetProperty("rule").GetString());
        Assert.Contains("0.51 against 0.49 + 0.01", broken.ToString(), StringComparison.Ordinal);

        foreach (
            var (kind, type, body, status, code) in new[]
            {
                ("energy", "text/plain", "x", 415, "unknown_format"),
                ("energie", "text/csv", "x", 400, "unknown_kind"),
                ("energy", "application/json", "{\"rows\":", 400, "unreadable_file"),
                ("energy", "application/json", "{\"a\":1}", 400, "unreadable_file"),
                ("energy", "application/json", "[1]", 400, "unreadable_file"),
            }
        )
        {
            using var content = new StringContent(body, Encoding.UTF8, type);
            using var answer = await client.PostAsync($"/api/validate?kind={kind}", content);
            Assert.Equal(
                (status, code),
                ((int)answer.StatusCode, (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("code").GetString())
            );
        }
    }

    private sealed class Cutting(CancellationTokenSource stop) : IReportFormat
    {
        public string Name => "csv";

        public string ContentType => "text/csv";

        public async Task WriteAsync(Report report, Stream output, CancellationToken cancellationToken)
        {
            await output.WriteAsync("half"u8.ToArray(), cancellationToken);
            await stop.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private static async Task<JsonElement> ValidateAsync(HttpClient client, string kind, byte[] file, string type)
    {
        using var content = new ByteArrayContent(file);
        content.Headers.ContentType = new(type);
        using var answer = await client.PostAsync($"/api/validate?kind={kind}", content);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }

    private async Task<byte[]> FetchAsync(StorageEngine engine, string query)
    {
        using var client = services[engine];
        using var answer = await client.GetAsync($"/api/reports/{query}");
        var bytes = await answer.Content.ReadAsByteArrayAsync();
        Assert.True(answer.IsSuccessStatusCode, $"{query}: {Encoding.UTF8.GetString(bytes)}");
        return bytes;
    }

    private async Task<JsonElement> JsonAsync(StorageEngine engine, string query) =>
        JsonDocument.Parse(await FetchAsync(engine, $"{query}&format=json")).RootElement;

    private static List<string> Rows(JsonElement report, params string[] columns) =>
        [
            .. report
                .GetProperty("rows")
                .EnumerateArray()
                .Select(row =>
                    string.Join(
                        ' ',
                        columns.Select(column =>
                            row.GetProperty(column) switch
                            {
                                { ValueKind: JsonValueKind.Null } => "∅",
                                { ValueKind: JsonValueKind.Number } number => number
                                    .GetDouble()
                                    .ToString("R", System.Globalization.CultureInfo.InvariantCulture),
                                var value => value.ToString(),
                            }
                        )
                    )
                ),
        ];

    /// <summary>A page as chromium understands it.</summary>
    private static async Task<string> DomAsync(string file)
    {
        var start = new ProcessStartInfo(
            "chromium",
            ["--headless", "--no-sandbox", "--disable-gpu", $"--user-data-dir={file}.profile", "--dump-dom", $"file://{file}"]
        )
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var (page, said) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var limit = new CancellationTokenSource(ServiceProcess.Patience);
        await process.WaitForExitAsync(limit.Token);
        return process.ExitCode == 0
            ? WebUtility.HtmlDecode(await page).Replace("\u00A0", " ", StringComparison.Ordinal)
            : throw new InvalidOperationException(await said);
    }
}
