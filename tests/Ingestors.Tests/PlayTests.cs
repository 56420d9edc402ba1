using System.Globalization;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Observations;
using Metrics.Ingestors.Providers;
using Metrics.Ingestors.Providers.Files;
using Xunit;

namespace Metrics.Ingestors.Tests;

public sealed class PlayTests : IDisposable
{
    private static readonly DateTime Registered = Some.Time("2026-03-05T12:40:00Z");

    private readonly string folder = Directory.CreateTempSubdirectory("metrics-play-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private ITelemetrySource Playing(params string[] rows)
    {
        File.WriteAllLines(Path.Combine(folder, "a.ndjson"), rows);
        return Some.Source(
            new FileSettings
            {
                Id = "sample",
                Provider = "file",
                Path = folder,
                Play = true,
            },
            new MetricCatalogue([
                Some.Mapping("watts"),
                Some.Mapping("joules", SampleKind.Cumulative),
                Some.Mapping("wrapping", SampleKind.Cumulative, wrapsAt: 100),
            ])
        );
    }

    private static string Row(string metric, string start, double value, string? end = null) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $$"""{"provider":"prometheus","metric":"{{metric}}","start":"""
                + $$""" "2026-01-01T{{start}}Z","end":"2026-01-01T{{end ?? start}}Z","value":{{value}}}"""
        );

    private static async Task<List<string>> Read(ITelemetrySource source, string from, string to) =>
        Some.Lines(
            (
                await Some.Read(
                    source,
                    Some.Request(Some.Time($"2026-03-05T{from}Z"), Some.Time($"2026-03-05T{to}Z"), registeredAt: Registered)
                )
            ).Observations
        );

    [Fact]
    public async Task A_recording_ends_at_the_hour_of_registration_and_repeats()
    {
        var source = Playing(Row("watts", "00:00:00", 1), Row("watts", "00:15:00", 2), Row("watts", "00:30:00", 3));

        Assert.Equal(
            ["watts 11:30:00 1", "watts 11:45:00 2", "watts 12:00:00 3", "watts 12:15:00 2", "watts 12:30:00 3", "watts 12:45:00 2"],
            await Read(source, "00:00:00", "13:00:00")
        );
    }

    [Fact]
    public async Task A_counter_goes_on_over_every_repeat()
    {
        var source = Playing(Row("joules", "00:00:00", 100), Row("joules", "00:15:00", 150), Row("joules", "00:30:00", 170));

        Assert.Equal(
            [
                "joules 11:30:00 100",
                "joules 11:45:00 150",
                "joules 12:00:00 170",
                "joules 12:15:00 220",
                "joules 12:30:00 240",
                "joules 12:45:00 290",
                "joules 13:00:00 310",
            ],
            await Read(source, "11:00:00", "13:00:01")
        );
    }

    [Fact]
    public async Task A_counter_that_began_again_in_the_recording_does_so_in_every_repeat_and_never_jumps_at_the_seam()
    {
        var source = Playing(
            Row("joules", "00:00:00", 1000),
            Row("joules", "00:10:00", 1050),
            Row("joules", "00:20:00", 5),
            Row("joules", "00:30:00", 25)
        );

        Assert.Equal(
            [
                "joules 11:30:00 1000",
                "joules 11:40:00 1050",
                "joules 11:50:00 5",
                "joules 12:00:00 25",
                "joules 12:10:00 75",
                "joules 12:20:00 5",
                "joules 12:30:00 25",
                "joules 12:40:00 75",
                "joules 12:50:00 5",
                "joules 13:00:00 25",
            ],
            await Read(source, "11:00:00", "13:00:01")
        );
    }

    [Fact]
    public async Task A_counter_with_a_maximum_wraps_wherever_the_repeats_bring_it_there()
    {
        var source = Playing(Row("wrapping", "00:00:00", 60), Row("wrapping", "00:15:00", 90), Row("wrapping", "00:30:00", 10));

        Assert.Equal(
            [
                "wrapping 11:30:00 60",
                "wrapping 11:45:00 90",
                "wrapping 12:00:00 10",
                "wrapping 12:15:00 40",
                "wrapping 12:30:00 60",
                "wrapping 12:45:00 90",
            ],
            await Read(source, "11:00:00", "13:00:00")
        );
    }

    [Fact]
    public async Task Series_that_end_before_the_others_stay_in_step()
    {
        var source = Playing(
            Row("watts", "00:00:00", 1),
            Row("watts", "00:01:00", 2),
            Row("watts", "00:02:00", 3),
            Row("joules", "00:00:20", 10),
            Row("joules", "00:01:20", 20)
        );

        Assert.Equal(
            ["joules 11:58:20 10", "joules 11:59:20 20", "joules 12:00:20 20", "joules 12:01:20 30"],
            (await Read(source, "11:58:00", "12:02:00")).Where(line => line.StartsWith("joules", StringComparison.Ordinal))
        );
    }

    [Fact]
    public async Task An_interval_is_told_once_it_is_over()
    {
        var source = Playing(Row("watts", "00:00:00", 1, "00:30:00"), Row("watts", "00:30:00", 2, "01:00:00"));

        Assert.Equal(["watts 11:00:00..11:30:00 1"], await Read(source, "11:00:00", "11:59:59"));
        Assert.Equal(["watts 11:30:00..12:00:00 2"], await Read(source, "11:59:59", "12:00:00"));
        Assert.Equal(["watts 12:00:00..12:30:00 1"], await Read(source, "12:00:00", "12:45:00"));
    }

    [Fact]
    public async Task Any_cut_into_windows_gives_the_same_and_time_only_goes_forward()
    {
        var random = new Random(7);
        var rows = Enumerable
            .Range(0, 240)
            .SelectMany(i =>
                new[]
                {
                    Row("watts", TimeSpan.FromSeconds(i * 15).ToString("c", CultureInfo.InvariantCulture), random.Next(100)),
                    Row("joules", TimeSpan.FromSeconds(i * 15 + 3).ToString("c", CultureInfo.InvariantCulture), i * 7),
                }
            )
            .ToArray();
        var source = Playing(rows);
        var whole = (
            await Some.Read(source, Some.Request(Registered.AddDays(-1), Registered.AddDays(1), registeredAt: Registered))
        ).Observations;

        var pieces = new List<Observation>();
        var other = Playing(rows);
        for (var from = Registered.AddDays(-1); from < Registered.AddDays(1); )
        {
            var to = from.AddSeconds(random.Next(1, 9000));
            if (to > Registered.AddDays(1))
                to = Registered.AddDays(1);
            pieces.AddRange((await Some.Read(other, Some.Request(from, to, registeredAt: Registered))).Observations);
            from = to;
        }

        Assert.Equal(Some.Lines(whole).Order(StringComparer.Ordinal), Some.Lines(pieces).Order(StringComparer.Ordinal));
        foreach (var series in whole.GroupBy(one => one.Series.Id))
        {
            var samples = series.OrderBy(one => one.Sample.Start).ToList();
            Assert.All(samples.Zip(samples.Skip(1)), pair => Assert.True(pair.First.Sample.Start < pair.Second.Sample.Start));
            if (series.First().Series.Metric == "joules")
                Assert.All(samples.Zip(samples.Skip(1)), pair => Assert.True(pair.First.Sample.Value <= pair.Second.Sample.Value));
        }
        Assert.True(whole.Count > 24 * 2 * 200);
    }

    [Fact]
    public async Task Nothing_lies_outside_the_window()
    {
        var source = Playing(Row("watts", "00:00:00", 1), Row("watts", "00:15:00", 2), Row("watts", "00:30:00", 3));

        Assert.Equal(["watts 12:15:00 2"], await Read(source, "12:15:00", "12:30:00"));
        Assert.Empty(await Read(source, "12:16:00", "12:30:00"));
        Assert.Empty(await Read(source, "08:00:00", "11:30:00"));
    }

    [Fact]
    public void It_looks_back_far_enough_to_be_played_from_its_start()
    {
        var cadence = Playing(Row("watts", "00:00:00", 1), Row("watts", "00:15:00", 2), Row("watts", "00:30:00", 3)).Cadence;

        Assert.Equal(
            (TimeSpan.FromMinutes(90), TimeSpan.FromDays(1), TimeSpan.FromSeconds(15), TimeSpan.Zero, TimeSpan.Zero),
            (cadence.Lookback, cadence.MaxWindow, cadence.Every, cadence.Settle, cadence.Overlap)
        );
    }

    [Fact]
    public async Task Bad_rows_of_a_recording_are_told_once()
    {
        var source = Playing(Row("watts", "00:00:00", 1), "nonsense", Row("watts", "00:15:00", 2));
        var first = await Some.Read(source, Some.Request(Registered.AddHours(-1), Registered, registeredAt: Registered));
        var second = await Some.Read(source, Some.Request(Registered.AddHours(-1), Registered, registeredAt: Registered));

        Assert.Equal("a.ndjson:2", Assert.Single(first.Rejections).Subject);
        Assert.Empty(second.Rejections);
    }

    [Fact]
    public async Task An_empty_or_missing_recording_plays_nothing()
    {
        Assert.Empty(await Read(Playing(), "00:00:00", "13:00:00"));
        var missing = Some.Source(
            new FileSettings
            {
                Id = "x",
                Provider = "file",
                Path = Path.Combine(folder, "absent.csv"),
                Play = true,
            },
            Some.Catalogue("m")
        );

        Assert.Equal(TimeSpan.FromDays(1), missing.Cadence.Lookback);
        Assert.Equal(
            SourceErrorCode.Unreachable,
            (await Assert.ThrowsAsync<SourceException>(() => Some.Pages(missing, Some.Request()))).Code
        );
    }
}
