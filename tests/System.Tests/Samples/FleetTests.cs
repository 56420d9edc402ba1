using System.IO.Compression;
using Metrics.Fleet;
using Metrics.SystemTests.Compose;
using Xunit;

namespace Metrics.SystemTests.Samples;

public sealed class FleetTests
{
    private static readonly string Committed = Path.Combine(ComposeFile.Root, "samples", "fleet.ndjson.gz");
    private static readonly Lazy<List<Track>> Seven = new(() => Day.Record(7));
    private static readonly DateTime Midnight = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    [Fact]
    public void The_committed_recording_is_what_seed_7_writes()
    {
        using var written = new MemoryStream();
        Recording.Write(written, Seven.Value);
        written.Position = 0;
        using var committed = File.OpenRead(Committed);

        // Rows are compared and not bytes: another runtime may pack the same rows in another way.
        Assert.True(
            Unpack(committed).SequenceEqual(Unpack(written)),
            "Write samples/fleet.ndjson.gz anew: dotnet run --project samples/Fleet -- generate --out samples/fleet.ndjson.gz --seed 7"
        );
    }

    [Fact]
    public void One_seed_gives_one_file_and_another_seed_another()
    {
        Assert.Equal(Packed(7), Packed(7));
        Assert.NotEqual(Packed(7), Packed(8));
    }

    [Fact]
    public void The_file_is_small_and_its_header_names_neither_time_nor_system()
    {
        var head = File.ReadAllBytes(Committed);

        Assert.InRange(head.Length, 100_000, 2_000_000);
        Assert.Equal(0, head[4] | head[5] | head[6] | head[7]);
        Assert.Equal(255, head[9]);
    }

    [Theory]
    [InlineData("NVIDIA H100 80GB HBM3", 69.9, 632)]
    [InlineData("NVIDIA H200", 77.7, 627)]
    public void Power_of_a_board_stays_within_what_was_measured(string board, double least, double most)
    {
        var power = Seven.Value.Where(track => track.Metric == "DCGM_FI_DEV_POWER_USAGE" && track["modelName"] == board).ToList();

        Assert.Equal(8, power.Count);
        Assert.All(power.SelectMany(track => track.Samples), sample => Assert.InRange(sample.Value, least, most));
    }

    [Fact]
    public void An_energy_counter_rises_as_its_power_gauge_says()
    {
        foreach (var energy in Seven.Value.Where(track => track.Metric == "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION" && track.Node == "node-a"))
        {
            var power = Seven.Value.Single(track => track.Metric == "DCGM_FI_DEV_POWER_USAGE" && track["UUID"] == energy["UUID"]);
            var counted = (energy.Samples[^1].Value - energy.Samples[0].Value) / 1000;
            var integrated = power.Samples.Skip(1).Sum(sample => sample.Value * 60);

            Assert.InRange(counted / integrated, 0.995, 1.005);
            Assert.True(energy.Samples[0].Value > 1e11);
        }
    }

    [Fact]
    public void A_server_draws_more_than_its_boards()
    {
        foreach (var node in new[] { "node-a", "node-b" })
        {
            var server = Seven.Value.Single(track => track.Metric == "ipmi_dcmi_power_consumption_watts" && track.Node == node).Samples;
            var boards = Seven.Value.Where(track => track.Metric == "DCGM_FI_DEV_POWER_USAGE" && track.Node == node).ToList();
            // 20 seconds lie between the two looks, so single samples may differ by more than the rest of the server draws.
            foreach (var hour in new[] { 1, 5, 10, 15, 20 })
            {
                var from = Midnight.AddHours(hour);
                var rest =
                    server.Where(sample => sample.At >= from && sample.At < from.AddHours(1)).Average(sample => sample.Value)
                    - boards.Sum(board =>
                        board.Samples.Where(sample => sample.At >= from && sample.At < from.AddHours(1)).Average(sample => sample.Value)
                    );
                Assert.InRange(rest, 600, 1500);
            }
        }
    }

    [Fact]
    public void Boards_without_a_pod_belong_to_nobody_and_hosts_are_spelt_in_two_ways()
    {
        var power = Seven.Value.Where(track => track.Metric == "DCGM_FI_DEV_POWER_USAGE").ToList();

        Assert.Equal(4, power.Count(track => track["pod"] is null));
        Assert.All(power.Where(track => track["pod"] is null), track => Assert.Equal("node-b", track["hostname"]));
        Assert.Equal(8, power.Count(track => track["Hostname"] == "node-a"));
    }

    [Fact]
    public void The_day_has_one_driver_reload_and_one_crash()
    {
        var falls =
            from track in Seven.Value
            where track.IsCounter
            from pair in track.Samples.Zip(track.Samples.Skip(1))
            where pair.Second.Value < pair.First.Value
            select (track, pair.Second.At);
        var byPlace = falls
            .GroupBy(fall => $"{fall.track.Node} {fall.At:HH:mm:ss}")
            .ToDictionary(group => group.Key, group => group.Count());

        Assert.Equal(3, byPlace.Count);
        Assert.Equal(8, byPlace["node-b 03:10:00"]);
        Assert.Equal(20, byPlace["node-b 03:09:35"]);
        Assert.Equal(5, byPlace["node-a 14:32:35"]);
    }

    [Fact]
    public void The_player_shows_the_recorded_value_at_the_recorded_instant()
    {
        var exporter = new Exporter(Seven.Value);
        var track = Seven.Value[0];

        Assert.Equal(track.Samples[90].Value, exporter.ValueAt(track, Midnight.AddMinutes(90)));
    }

    [Fact]
    public void Counters_of_the_player_go_on_over_midnight_and_fall_only_where_they_did()
    {
        var exporter = new Exporter(Seven.Value);
        foreach (var track in Seven.Value.Where(track => track.IsCounter))
        {
            var falls = 0;
            double? last = null;
            for (var second = 0; second < 3 * 86_400; second += 37)
            {
                var now = exporter.ValueAt(track, Midnight.AddDays(200).AddSeconds(second));
                if (now < last)
                    falls++;
                last = now ?? last;
                Assert.True(now is null or >= 0);
            }
            var fallsADay = track.Samples.Zip(track.Samples.Skip(1)).Count(pair => pair.Second.Value < pair.First.Value);
            Assert.Equal(3 * fallsADay, falls);
        }
    }

    [Fact]
    public void The_player_shows_nothing_where_the_exporter_was_away()
    {
        var exporter = new Exporter(Seven.Value);

        var page = exporter.Page(Midnight.AddDays(3).AddHours(3).AddMinutes(5));

        Assert.DoesNotContain("hostname=\"node-b\"", page, StringComparison.Ordinal);
        Assert.Contains("Hostname=\"node-a\"", page, StringComparison.Ordinal);
        Assert.Contains("# TYPE DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION counter\n", page, StringComparison.Ordinal);
        Assert.Contains("ipmi_dcmi_power_consumption_watts{instance=\"node-b:9290\"} ", page, StringComparison.Ordinal);
        Assert.EndsWith("\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public void A_row_that_is_no_observation_is_named_by_its_line()
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionMode.Compress, leaveOpen: true))
        using (var text = new StreamWriter(gzip))
            text.Write(
                "{\"provider\":\"prometheus\",\"metric\":\"m\",\"labels\":{},\"start\":\"2026-01-01T00:00:00Z\","
                    + "\"end\":\"2026-01-01T00:00:00Z\",\"value\":1}\n{\"metric\":"
            );
        packed.Position = 0;

        var exception = Assert.Throws<FormatException>(() => Recording.Read(packed));

        Assert.StartsWith("Line 2 is not an observation", exception.Message, StringComparison.Ordinal);
    }

    private static byte[] Packed(ulong seed)
    {
        using var written = new MemoryStream();
        Recording.Write(written, Day.Record(seed));
        return written.ToArray();
    }

    private static byte[] Unpack(Stream packed)
    {
        using var rows = new MemoryStream();
        using var gzip = new GZipStream(packed, CompressionMode.Decompress);
        gzip.CopyTo(rows);
        return rows.ToArray();
    }
}
