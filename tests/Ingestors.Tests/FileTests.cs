using System.Globalization;
using System.IO.Compression;
using System.Text;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Observations;
using Metrics.Ingestors.Providers;
using Metrics.Ingestors.Providers.Files;
using Xunit;

namespace Metrics.Ingestors.Tests;

public sealed class FileTests : IDisposable
{
    private const string Header = "provider,metric,labels,start,end,value\n";

    private readonly string folder = Directory.CreateTempSubdirectory("metrics-files-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string Write(string name, string text) => Write(name, Encoding.UTF8.GetBytes(text));

    private string Write(string name, byte[] bytes)
    {
        var path = Path.Combine(folder, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    private static byte[] Gzip(string text)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal, leaveOpen: true))
            gzip.Write(Encoding.UTF8.GetBytes(text));
        return packed.ToArray();
    }

    private static string Row(double value, string time = "2026-01-01T00:00:00Z", string gpu = "0") =>
        string.Create(
            CultureInfo.InvariantCulture,
            $$"""{"provider":"prometheus","metric":"m","labels":{"gpu":"{{gpu}}"},"start":"{{time}}","end":"{{time}}","value":{{value}}}"""
        ) + "\n";

    private static string CsvRow(double value, string time = "2026-01-01T00:00:00Z") =>
        string.Create(CultureInfo.InvariantCulture, $$$"""prometheus,m,"{""gpu"":""0""}",{{{time}}},{{{time}}},{{{value}}}""") + "\n";

    private ITelemetrySource Source(string? path = null, int maxSeries = 50_000) =>
        Some.Source(
            new FileSettings
            {
                Id = "rows",
                Provider = "file",
                Path = path ?? folder,
                MaxSeries = maxSeries,
            },
            new MetricCatalogue([Some.Mapping("m"), Some.Mapping("CPUUtilization", provider: "aws-cloudwatch")])
        );

    private async Task<(List<string> Lines, List<Rejection> Rejections, string? Cursor)> Read(
        string? cursor = null,
        ITelemetrySource? source = null
    )
    {
        var pages = await Some.Pages(source ?? Source(), Some.Request(cursor: cursor));
        return (
            Some.Lines(pages.SelectMany(page => page.Observations)),
            [.. pages.SelectMany(page => page.Rejections)],
            pages.LastOrDefault(page => page.Cursor is not null)?.Cursor ?? cursor
        );
    }

    [Fact]
    public async Task A_row_of_JSON_is_an_observation()
    {
        Write(
            "a.ndjson",
            """{"provider":"prometheus","metric":"m","labels":{"UUID":"GPU-1"},"""
                + """ "start":"2026-01-01T00:00:00Z","end":"2026-01-01T00:01:00Z","value":431.2}"""
                + "\n"
                + """{ "value": -1e-3, "end": "2026-01-01T01:00:00.1234567+01:00", "start": "2026-01-01t00:00:00.123456z", """
                + """ "metric": "m\u0020x", "provider": "prometheus" }"""
                + "\n\n"
                + """{"provider":"aws-cloudwatch","metric":"CPUUtilization","labels":{"InstanceId":"i-1"},"""
                + """ "start":"2026-01-01T00:00:00-00:00","end":"2026-01-01T00:05:00Z","value":12,"statistic":"Average"}"""
                + "\n"
        );
        var pages = await Some.Pages(Source(), Some.Request());

        var page = Assert.Single(pages);
        Assert.Empty(page.Rejections);
        Assert.Equal(
            [
                "CPUUtilization{InstanceId=\"i-1\"} 00:00:00..00:05:00 12",
                "m x 00:00:00.123456 -0.001",
                "m{UUID=\"GPU-1\"} 00:00:00..00:01:00 431.2",
            ],
            Some.Lines(page.Observations).Order(StringComparer.Ordinal)
        );
        var cloud = page.Observations.Single(one => one.Series.Provider == "aws-cloudwatch").Series;
        Assert.Equal((Statistic.Average, TimeSpan.FromMinutes(5), "rows"), (cloud.Statistic, cloud.Period, cloud.Source));
        Assert.All(page.Observations, one =>
            Assert.Equal((DateTimeKind.Utc, DateTimeKind.Utc), (one.Sample.Start.Kind, one.Sample.End.Kind))
        );
    }

    [Fact]
    public async Task A_record_of_CSV_is_an_observation()
    {
        Write(
            "a.csv",
            "\uFEFFmetric,provider,start,end,value,label:gpu,labels,label:note\r\n"
                + "m,prometheus,2026-01-01T00:00:00Z,2026-01-01T00:00:00Z,1.5,0,\"{\"\"host\"\":\"\"a,b\"\"}\",\r\n"
                + "m,prometheus,2026-01-01T00:00:15Z,2026-01-01T00:00:15Z,\"2\",1,,\"two\nlines, \"\"quoted\"\"\"\r\n"
                + "m,prometheus,2026-01-01T00:00:30Z,2026-01-01T00:00:30Z,3,1,{},\n"
        );
        var (lines, rejections, _) = await Read();

        Assert.Empty(rejections);
        Assert.Equal(
            [
                "m{gpu=\"0\",host=\"a,b\"} 00:00:00 1.5",
                "m{gpu=\"1\",note=\"two\\nlines, \\\"quoted\\\"\"} 00:00:15 2",
                "m{gpu=\"1\"} 00:00:30 3",
            ],
            lines.Order(StringComparer.Ordinal)
        );
    }

    [Theory]
    [InlineData("nonsense", "it is not valid JSON")]
    [InlineData("[1]", "it is no JSON object")]
    [InlineData("{\"provider\":\"prometheus\"", "it is not valid JSON")]
    [InlineData(
        "{\"provider\":\"prometheus\",\"metric\":\"m\",\"start\":\"2026-01-01T00:00:00Z\",\"end\":\"2026-01-01T00:00:00Z\"}",
        "value is missing"
    )]
    [InlineData(
        "{\"provider\":\"prometheus\",\"metric\":\"m\",\"start\":\"2026-01-01T00:00:00\",\"end\":\"2026-01-01T00:00:00Z\",\"value\":1}",
        "start '2026-01-01T00:00:00' is no time with an offset, such as 2026-01-01T00:00:00Z"
    )]
    [InlineData(
        "{\"provider\":\"prometheus\",\"metric\":\"m\",\"start\":\"2026-02-30T00:00:00Z\",\"end\":\"2026-01-01T00:00:00Z\",\"value\":1}",
        "start '2026-02-30T00:00:00Z' is no time with an offset, such as 2026-01-01T00:00:00Z"
    )]
    [InlineData(
        "{\"provider\":\"prometheus\",\"metric\":\"m\",\"start\":1767225600,\"end\":\"2026-01-01T00:00:00Z\",\"value\":1}",
        "start is no text"
    )]
    [InlineData(
        "{\"provider\":\"prometheus\",\"metric\":\"m\",\"start\":\"2026-01-01T00:01:00Z\",\"end\":\"2026-01-01T00:00:00Z\",\"value\":1}",
        "end is before start"
    )]
    [InlineData(
        "{\"provider\":\"prometheus\",\"metric\":\"m\","
            + "\"start\":\"2026-01-01T00:00:00Z\",\"end\":\"2026-01-01T00:00:00Z\",\"value\":\"1\"}",
        "value is no number"
    )]
    [InlineData(
        "{\"provider\":\"prometheus\",\"metric\":\"m\",\"start\":\"2026-01-01T00:00:00Z\",\"end\":\"2026-01-01T00:00:00Z\",\"value\":null}",
        "value is no number"
    )]
    [InlineData(
        "{\"provider\":\"nobody\",\"metric\":\"m\",\"start\":\"2026-01-01T00:00:00Z\",\"end\":\"2026-01-01T00:00:00Z\",\"value\":1}",
        "the provider 'nobody' is not known; known are aws-cloudwatch, prometheus"
    )]
    [InlineData(
        "{\"provider\":\"prometheus\",\"metric\":\"m\",\"unit\":\"kW\","
            + "\"start\":\"2026-01-01T00:00:00Z\",\"end\":\"2026-01-01T00:00:00Z\",\"value\":1}",
        "the property 'unit' is not known; properties are provider, metric, labels, start, end, value, statistic"
    )]
    [InlineData(
        "{\"provider\":\"prometheus\",\"metric\":\"m\",\"value\":2,"
            + "\"start\":\"2026-01-01T00:00:00Z\",\"end\":\"2026-01-01T00:00:00Z\",\"value\":1}",
        "the property 'value' is there twice"
    )]
    [InlineData(
        "{\"provider\":\"prometheus\",\"metric\":\"m\",\"labels\":{\"a\":1},"
            + "\"start\":\"2026-01-01T00:00:00Z\",\"end\":\"2026-01-01T00:00:00Z\",\"value\":1}",
        "the label 'a' is no text"
    )]
    [InlineData(
        "{\"provider\":\"prometheus\",\"metric\":\"m\",\"statistic\":\"p99\","
            + "\"start\":\"2026-01-01T00:00:00Z\",\"end\":\"2026-01-01T00:00:00Z\",\"value\":1}",
        "statistic 'p99' is none of Raw, Average, Sum, Minimum, Maximum, SampleCount"
    )]
    public async Task A_bad_row_is_refused_with_file_and_line_and_the_rest_goes_on(string row, string error)
    {
        Write("fleet.ndjson", Row(1) + row + "\n" + Row(2, "2026-01-01T00:00:15Z"));
        var (lines, rejections, _) = await Read();

        Assert.Equal(["m{gpu=\"0\"} 00:00:00 1", "m{gpu=\"0\"} 00:00:15 2"], lines);
        var rejection = Assert.Single(rejections);
        Assert.Equal(("rows", "fleet.ndjson:2", RejectionReason.Malformed), (rejection.Source, rejection.Subject, rejection.Reason));
        Assert.Equal($"The row cannot be read: {error}. Mend the row; the others are read.", rejection.Detail);
    }

    [Theory]
    [InlineData("prometheus,m,{},2026-01-01T00:00:15Z,2026-01-01T00:00:15Z", "it has 5 fields and the header 6")]
    [InlineData("prometheus,m,\"{}\"x,2026-01-01T00:00:15Z,2026-01-01T00:00:15Z,1", "something follows a closing quotation mark")]
    [InlineData(
        "prometheus,m,{},2026-01-01T00:00:15Z,2026-01-01T00:00:15Z,1\"",
        "a quotation mark stands inside a field that does not begin with one"
    )]
    [InlineData("prometheus,m,{},2026-01-01T00:00:15Z,2026-01-01T00:00:15Z,1.2.3", "value '1.2.3' is no number")]
    [InlineData("prometheus,m,\"{},2026-01-01T00:00:15Z,2026-01-01T00:00:15Z,1", "a quotation mark is not closed")]
    public async Task A_bad_record_costs_only_itself(string record, string error)
    {
        Write("fleet.csv", Header + CsvRow(1) + record + "\n" + CsvRow(2, "2026-01-01T00:00:30Z") + CsvRow(3, "2026-01-01T00:00:45Z"));
        var (lines, rejections, _) = await Read();

        Assert.Equal(["m{gpu=\"0\"} 00:00:00 1", "m{gpu=\"0\"} 00:00:30 2", "m{gpu=\"0\"} 00:00:45 3"], lines);
        var rejection = Assert.Single(rejections);
        Assert.Equal("fleet.csv:3", rejection.Subject);
        Assert.Contains(error, rejection.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("NaN")]
    [InlineData("+Inf")]
    [InlineData("1e400")]
    public async Task A_value_that_is_not_finite_is_refused(string value)
    {
        Write("a.csv", Header + $"prometheus,m,,2026-01-01T00:00:00Z,2026-01-01T00:00:00Z,{value}\n");
        Write("b.ndjson", Row(1).Replace(":1}", value == "1e400" ? ":1e400}" : $":\"{value}\"}}", StringComparison.Ordinal));
        var (lines, rejections, _) = await Read();

        Assert.Empty(lines);
        Assert.Equal(
            [("a.csv:2", RejectionReason.NotFinite), ("b.ndjson:1", RejectionReason.NotFinite)],
            rejections.Select(one => (one.Subject, one.Reason))
        );
    }

    [Fact]
    public async Task A_header_that_cannot_be_used_is_refused_once_and_other_files_are_read()
    {
        Write("a.csv", "provider,metric,start,end,value,unit\nprometheus,m,2026-01-01T00:00:00Z,2026-01-01T00:00:00Z,1,kW\n");
        Write("b.csv", Header + CsvRow(1));
        var (lines, rejections, cursor) = await Read();

        Assert.Equal(["m{gpu=\"0\"} 00:00:00 1"], lines);
        var rejection = Assert.Single(rejections);
        Assert.Equal("a.csv:1", rejection.Subject);
        Assert.Contains(
            "the column 'unit' is not known; columns are provider, metric, labels, start, end, value, statistic and label:NAME",
            rejection.Detail,
            StringComparison.Ordinal
        );
        Assert.Empty((await Read(cursor)).Rejections);
    }

    [Fact]
    public async Task What_was_read_is_not_read_again_and_what_was_added_is()
    {
        var path = Write("a.ndjson", Row(1));
        var source = Source();
        var (first, _, cursor) = await Read(null, source);
        var again = await Some.Pages(source, Some.Request(cursor: cursor));
        File.AppendAllText(path, "nonsense\n" + Row(2, "2026-01-01T00:00:15Z"));
        var (added, rejections, _) = await Read(cursor, Source());

        Assert.Single(first);
        Assert.Empty(again);
        Assert.Equal(["m{gpu=\"0\"} 00:00:15 2"], added);
        Assert.Equal("a.ndjson:2", Assert.Single(rejections).Subject);
    }

    [Fact]
    public async Task A_CSV_file_is_read_on_with_the_columns_of_its_header()
    {
        var path = Write("a.csv", "value,end,start,metric,provider\n1,2026-01-01T00:00:00Z,2026-01-01T00:00:00Z,m,prometheus\n");
        var (_, _, cursor) = await Read();
        File.AppendAllText(path, "2,2026-01-01T00:00:15Z,2026-01-01T00:00:15Z,m,prometheus\noops\n");
        var (lines, rejections, _) = await Read(cursor);

        Assert.Equal(["m 00:00:15 2"], lines);
        Assert.Equal("a.csv:4", Assert.Single(rejections).Subject);
    }

    [Fact]
    public async Task An_unfinished_last_line_waits_for_its_end()
    {
        var path = Write("a.csv", Header + CsvRow(1) + CsvRow(431.2, "2026-01-01T00:00:15Z")[..^3]);
        var (first, rejections, cursor) = await Read();
        File.AppendAllText(path, ".2\n");
        var (second, _, _) = await Read(cursor);

        Assert.Equal(["m{gpu=\"0\"} 00:00:00 1"], first);
        Assert.Empty(rejections);
        Assert.Equal(["m{gpu=\"0\"} 00:00:15 431.2"], second);
    }

    [Fact]
    public async Task A_last_line_that_nobody_finishes_is_told_once()
    {
        var path = Write("a.csv", Header + CsvRow(1).TrimEnd('\n'));
        File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddMinutes(-10));
        var (lines, rejections, cursor) = await Read();
        var (_, again, _) = await Read(cursor);

        Assert.Empty(lines);
        Assert.Equal("a.csv:2", Assert.Single(rejections).Subject);
        Assert.Empty(again);
    }

    [Fact]
    public async Task A_whole_JSON_object_needs_no_line_feed_after_it_and_half_a_one_waits()
    {
        var path = Write("a.ndjson", Row(1).TrimEnd('\n'));
        var (first, _, cursor) = await Read();
        File.AppendAllText(path, "\n" + Row(2, "2026-01-01T00:00:15Z")[..40]);
        var (second, rejections, next) = await Read(cursor);
        File.AppendAllText(path, Row(2, "2026-01-01T00:00:15Z")[40..]);
        var (third, _, _) = await Read(next);

        Assert.Equal(["m{gpu=\"0\"} 00:00:00 1"], first);
        Assert.Empty(second);
        Assert.Empty(rejections);
        Assert.Equal(["m{gpu=\"0\"} 00:00:15 2"], third);
    }

    [Fact]
    public async Task A_file_that_was_cut_or_replaced_is_read_from_its_start()
    {
        Write("cut.ndjson", Row(1) + Row(2, "2026-01-01T00:00:15Z"));
        Write("replaced.ndjson", Row(1, gpu: "1"));
        Write("same-head.ndjson", string.Concat(Enumerable.Range(0, 30).Select(i => Row(i, $"2026-01-01T00:00:{i:00}Z", "2"))));
        var (_, _, cursor) = await Read();
        Write("cut.ndjson", Row(3, "2026-01-01T00:00:30Z"));
        Write("replaced.ndjson", Row(4, gpu: "9") + Row(5, "2026-01-01T00:00:15Z", "9"));
        Write(
            "same-head.ndjson",
            string.Concat(Enumerable.Range(0, 31).Select(i => Row(i < 25 ? i : i + 100, $"2026-01-01T00:00:{i:00}Z", "2")))
        );
        var (lines, _, _) = await Read(cursor);

        Assert.Contains("m{gpu=\"0\"} 00:00:30 3", lines);
        Assert.Contains("m{gpu=\"9\"} 00:00:00 4", lines);
        Assert.Equal(31, lines.Count(line => line.StartsWith("m{gpu=\"2\"}", StringComparison.Ordinal)));
        Assert.Equal(34, lines.Count);
    }

    [Fact]
    public async Task A_cursor_that_is_none_means_the_beginning()
    {
        Write("a.ndjson", Row(1));
        foreach (
            var cursor in new[]
            {
                "",
                "nonsense",
                "[]",
                "{\"a.ndjson\":null}",
                "{\"a.ndjson\":{\"read\":5}}",
                "{\"a.ndjson\":{\"read\":-5,\"mark\":\"x\"}}",
            }
        )
            Assert.Single((await Read(cursor)).Lines);
    }

    [Fact]
    public async Task A_folder_is_read_by_name_without_hidden_and_foreign_files_and_folders()
    {
        Write("b.ndjson", Row(2, gpu: "b"));
        Write("a.csv", Header + CsvRow(1));
        Write("c.ndjson.gz", Gzip(Row(3, gpu: "c")));
        Write("d.csv.gz", Gzip(Header + CsvRow(4, "2026-01-01T00:00:45Z")));
        Write(".hidden.ndjson", Row(9));
        Write("notes.txt", "nonsense\n");
        Directory.CreateDirectory(Path.Combine(folder, "inner.ndjson"));
        var pages = await Some.Pages(Source(), Some.Request());

        Assert.Equal(4, pages.Sum(page => page.Observations.Count));
        Assert.All(pages, page => Assert.Empty(page.Rejections));
    }

    [Fact]
    public async Task A_compressed_file_is_read_whole_when_it_changed()
    {
        var path = Write("a.ndjson.gz", Gzip(Row(1)));
        var (first, _, cursor) = await Read();
        var (again, _, _) = await Read(cursor);
        Write("a.ndjson.gz", Gzip(Row(1) + Row(2, "2026-01-01T00:00:15Z").TrimEnd('\n')));
        File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddSeconds(5));
        var (changed, _, _) = await Read(cursor);

        Assert.Equal((1, 0, 2), (first.Count, again.Count, changed.Count));
    }

    [Fact]
    public async Task A_damaged_compressed_file_is_a_fault_after_the_others_were_read()
    {
        Write("a.ndjson.gz", [.. Gzip(string.Concat(Enumerable.Range(0, 5000).Select(i => Row(i * 0.1237, gpu: $"{i * 7919}"))))[..3000]]);
        Write("b.ndjson", Row(2, gpu: "b"));
        var kept = new List<Page>();
        var error = await Assert.ThrowsAsync<SourceException>(async () =>
        {
            await foreach (var page in Source().ReadAsync(Some.Request(), CancellationToken.None))
                kept.Add(page);
        });

        Assert.Equal(SourceErrorCode.Truncated, error.Code);
        Assert.Contains("a.ndjson.gz", error.Message, StringComparison.Ordinal);
        Assert.Contains("m{gpu=\"b\"} 00:00:00 2", Some.Lines(kept.SelectMany(page => page.Observations)));
        Assert.DoesNotContain("a.ndjson.gz", kept[^1].Cursor, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_path_with_nothing_at_it_is_a_fault()
    {
        var error = await Assert.ThrowsAsync<SourceException>(() => Some.Pages(Source(Path.Combine(folder, "absent.csv")), Some.Request()));
        Assert.Equal(SourceErrorCode.Unreachable, error.Code);
    }

    [Fact]
    public async Task A_line_of_two_megabytes_is_passed_over()
    {
        Write("a.ndjson", Row(1) + new string('x', 2_000_000) + "\n" + Row(2, "2026-01-01T00:00:15Z"));
        var (lines, rejections, _) = await Read();

        Assert.Equal(2, lines.Count);
        Assert.Equal(("a.ndjson:2", RejectionReason.LimitExceeded), (Assert.Single(rejections).Subject, rejections[0].Reason));
    }

    [Fact]
    public async Task A_quotation_mark_that_nobody_closes_costs_one_record()
    {
        Write(
            "a.csv",
            Header
                + "prometheus,m,\"{},2026-01-01T00:00:00Z,2026-01-01T00:00:00Z,1\n"
                + string.Concat(
                    Enumerable
                        .Range(0, 5000)
                        .Select(i => $"prometheus,m,,2026-01-01T00:00:00.{i:000000}Z,2026-01-01T00:00:00.{i:000000}Z,1\n")
                )
        );
        var (lines, rejections, _) = await Read();

        Assert.Equal(5000, lines.Count);
        Assert.Equal("a.csv:2", Assert.Single(rejections).Subject);
    }

    [Fact]
    public async Task One_instant_with_two_values_is_a_conflict()
    {
        Write("a.ndjson", Row(1) + Row(1) + Row(5, "2026-01-01T00:00:15Z") + Row(6, "2026-01-01T00:00:15Z"));
        var (lines, rejections, _) = await Read();

        Assert.Equal(["m{gpu=\"0\"} 00:00:00 1"], lines);
        Assert.Equal(RejectionReason.ConflictingDuplicate, Assert.Single(rejections).Reason);
    }

    [Fact]
    public async Task More_series_than_allowed_are_cut_and_told()
    {
        Write("a.ndjson", string.Concat(Enumerable.Range(0, 100).Select(i => Row(i, gpu: $"{i}"))));
        var (lines, rejections, _) = await Read(null, Source(maxSeries: 10));

        Assert.Equal(10, lines.Count);
        Assert.Contains("90 new ones were left out", Assert.Single(rejections).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pages_hold_fifty_thousand_and_each_can_be_gone_on_from()
    {
        var text = new StringBuilder();
        var start = Some.Time("2026-01-01T00:00:00Z");
        for (var i = 0; i < 120_000; i++)
        {
            var time = start.AddSeconds(i).ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
            text.Append(
                    CultureInfo.InvariantCulture,
                    $$"""{"provider":"prometheus","metric":"m","labels":"""
                        + $$"""{"gpu":"{{i % 8}}"},"start":"{{time}}","end":"{{time}}","value":{{i}}}"""
                )
                .Append('\n');
        }
        Write("a.ndjson", text.ToString());
        var pages = await Some.Pages(Source(), Some.Request());
        var rest = await Some.Pages(Source(), Some.Request(cursor: pages[0].Cursor));

        Assert.Equal([50_000, 50_000, 20_000], pages.Select(page => page.Observations.Count));
        Assert.All(pages, page => Assert.NotNull(page.Cursor));
        Assert.Equal([50_000, 20_000], rest.Select(page => page.Observations.Count));
        Assert.Equal(120_000, pages.SelectMany(page => page.Observations).Select(one => one.Sample.Value).Distinct().Count());
        Assert.Equal(8, pages.SelectMany(page => page.Observations).Select(one => one.Series).Distinct().Count());
    }

    [Fact]
    public async Task Twenty_thousand_damaged_rows_never_bring_the_reader_down()
    {
        var random = new Random(7);
        using var json = new MemoryStream();
        using var csv = new MemoryStream();
        csv.Write(Encoding.UTF8.GetBytes(Header));
        for (var i = 0; i < 20_000; i++)
        {
            var row = Encoding.UTF8.GetBytes(i % 2 == 0 ? Row(i) : CsvRow(i));
            for (var n = random.Next(0, 4); n > 0; n--)
                row[random.Next(row.Length - 1)] = random.Next(2) == 0 ? "{}\",:\\[]\n"u8[random.Next(9)] : (byte)random.Next(256);
            (i % 2 == 0 ? json : csv).Write(row);
        }
        Write("a.ndjson", json.ToArray());
        Write("b.csv", csv.ToArray());
        var (lines, rejections, cursor) = await Read();

        Assert.True(lines.Count > 0);
        Assert.True(rejections.Count > 1000);
        Assert.Empty(await Some.Pages(Source(), Some.Request(cursor: cursor)));
    }

    [Fact]
    public void Settings_of_other_providers_are_named()
    {
        Assert.Equal("Path is missing: give a file or a folder.", Assert.Single(new FileSettings().Validate()));
        Assert.Equal(
            "Path 'rows.xlsx' is neither a folder nor named .ndjson, .jsonl, .csv or one of these with .gz.",
            Assert.Single(new FileSettings { Path = "rows.xlsx" }.Validate())
        );
        Assert.Equal(
            [
                "x: BearerToken is for the providers 'exporter' and 'prometheus': remove it.",
                "x: Endpoint is for the providers 'aws-cloudwatch', 'azure-monitor', 'exporter', 'gcp-monitoring' and "
                    + "'prometheus': remove it.",
                "x: Selector is for the provider 'prometheus': remove it.",
            ],
            Some.Errors("file", ("Path", "rows.csv"), ("Endpoint", "http://x"), ("Selector", "a=\"b\""), ("bearerToken", "x"))
                .Order(StringComparer.Ordinal)
        );
    }
}
