using System.Globalization;
using System.IO.Compression;
using System.Text;
using Metrics.Domain.Observations;
using Metrics.Ingestors.Providers;
using Metrics.Ingestors.Providers.Exporter;
using Metrics.Ingestors.Providers.Files;
using Metrics.Ingestors.Providers.Prometheus;
using Xunit;

namespace Metrics.Ingestors.Tests;

/// <summary>Memory is counted for the whole process: nothing else runs meanwhile.</summary>
[CollectionDefinition(nameof(MemoryTests), DisableParallelization = true)]
[Collection(nameof(MemoryTests))]
public sealed class MemoryTests
{
    [Fact]
    public async Task A_million_rows_are_read_without_holding_them()
    {
        var folder = Directory.CreateTempSubdirectory("metrics-million-").FullName;
        try
        {
            await ReadMillion(Path.Combine(folder, "million.ndjson"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task ReadMillion(string path)
    {
        await using (var file = new StreamWriter(path))
        {
            var start = Some.Time("2026-01-01T00:00:00Z");
            for (var i = 0; i < 1_000_000; i++)
                file.Write(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $$"""{"provider":"prometheus","metric":"m","labels":"""
                            + $$"""{"gpu":"{{i & 63}}","UUID":"GPU-{{i & 63:D36}}"}"""
                            + $$""","start":"{{start.AddSeconds(i >> 6):yyyy-MM-ddTHH:mm:ssZ}}","end":"""
                            + $$""" "{{start.AddSeconds(i >> 6):yyyy-MM-ddTHH:mm:ssZ}}","value":{{i}}}"""
                    ) + "\n"
                );
        }
        var source = Some.Source(
            new FileSettings
            {
                Id = "rows",
                Provider = "file",
                Path = path,
            },
            Some.Catalogue("m")
        );
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var allocated = GC.GetTotalAllocatedBytes(precise: true);
        long count = 0,
            most = 0;
        await foreach (var page in source.ReadAsync(Some.Request(), CancellationToken.None))
        {
            count += page.Observations.Count;
            most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: true) - before);
        }
        allocated = GC.GetTotalAllocatedBytes(precise: true) - allocated;

        Assert.Equal(1_000_000, count);
        Assert.InRange(most, 0, 32L * 1024 * 1024);
        // The pages themselves are 32 bytes an observation, twice that while their lists grow.
        Assert.InRange(allocated / count, 0, 100);
    }

    [Fact]
    public async Task A_gzip_bomb_stops_at_the_limit_and_memory_stays_flat()
    {
        // About 300 KB that unpack to 300 MB of comments.
        var line = Encoding.ASCII.GetBytes("# " + new string('x', 1021) + "\n");
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal, leaveOpen: true))
            for (var i = 0; i < 300 * 1024; i++)
                gzip.Write(line);
        var bomb = packed.ToArray();
        Assert.InRange(bomb.Length, 100_000, 1_500_000);
        await using var server = new HostileServer(
            (_, socket, cancel) =>
                HostileServer.Write(
                    socket,
                    [
                        .. Encoding.ASCII.GetBytes(
                            $"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\nContent-Length: "
                                + $"{bomb.Length}\r\n\r\n"
                        ),
                        .. bomb,
                    ],
                    cancel
                )
        );

        ITelemetrySource Exporter(long most) =>
            Some.Source(
                new ExporterSettings
                {
                    Id = "gpu-1",
                    Provider = "exporter",
                    Endpoint = server.At("/metrics"),
                    MaxBytes = most,
                    Timeout = TimeSpan.FromMinutes(1),
                },
                Some.Catalogue("m")
            );
        var before = GC.GetTotalAllocatedBytes(precise: true);
        var error = await Assert.ThrowsAsync<SourceException>(() => Some.Pages(Exporter(32 * 1024 * 1024), Some.Request()));
        var unlimited = await Some.Pages(Exporter(1024L * 1024 * 1024), Some.Request());
        var allocated = GC.GetTotalAllocatedBytes(precise: true) - before;

        Assert.Equal(SourceErrorCode.TooLarge, error.Code);
        Assert.Contains("more than 33554432 bytes after decompression", error.Message, StringComparison.Ordinal);
        Assert.Empty(unlimited);
        // Everything allocated on the way, garbage included, is far from the 332 MB that were unpacked.
        Assert.InRange(allocated, 0, 48L * 1024 * 1024);
    }

    [Fact]
    public async Task A_large_answer_does_not_balloon()
    {
        // 20 MB of text, 400,000 samples: 13 MB as observations.
        var points = string.Join(
            ',',
            Enumerable.Range(0, 2000).Select(i => $"[{1767265200 + i}.{i % 1000:000},\"{812345678901 + i}.{i:000000}\"]")
        );
        var entries = string.Join(
            ',',
            Enumerable.Range(0, 200).Select(i => $$"""{"metric":{"__name__":"m","gpu":"{{i}}"},"values":[{{points}}]}""")
        );
        var body = """{"status":"success","data":{"resultType":"matrix","result":[""" + entries + "]}}";
        await using var server = HostileServer.Serving("application/json", request => request.StartsWith("GET ", StringComparison.Ordinal)
                ? """{"status":"success","data":["m"]}"""
            : request.Contains("query=count", StringComparison.Ordinal)
                ? """{"status":"success","data":{"resultType":"vector","result":[]}}"""
            : body);
        var source = Some.Source(
            new PrometheusSettings
            {
                Id = "rack-7",
                Provider = "prometheus",
                Endpoint = server.At("/"),
            },
            Some.Catalogue("m")
        );
        var before = GC.GetTotalMemory(forceFullCollection: true);
        long count = 0,
            most = 0;
        await foreach (var page in source.ReadAsync(Some.Request(), CancellationToken.None))
        {
            count += page.Observations.Count;
            Assert.InRange(page.Observations.Count, 1, 50_000);
            most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: true) - before);
        }

        Assert.Equal(400_000, count);
        Assert.InRange(most, 0, 64L * 1024 * 1024);
    }
}
