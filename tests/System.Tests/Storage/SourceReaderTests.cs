using System.IO.Compression;
using System.Runtime.CompilerServices;
using System.Text;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Facts;
using Metrics.Domain.Normalisation;
using Metrics.Domain.Observations;
using Metrics.Ingestors.Pipeline;
using Metrics.Ingestors.Providers;
using Metrics.Ingestors.Providers.Files;
using Metrics.Storage.Engine;
using Metrics.Storage.Schema;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Metrics.SystemTests.Storage;

/// <summary>One tick of a source against a real database: what is left when it does not end well.</summary>
public sealed class SourceReaderTests
{
    private const string Power = "ipmi_dcmi_power_consumption_watts";
    private static readonly MetricCatalogue Catalogue = Catalogues.Load([]);
    private static readonly SourceSettings Settings = new() { Id = "rack", Provider = "exporter" };

    private static Task<TestStorage> StorageAsync() => TestStorage.MigratedAsync(null!, StorageEngine.Sqlite);

    private static SourceReader Reader(TestStorage storage, TimeProvider? clock = null) =>
        new(storage.Log, Catalogue, NullLogger<SourceReader>.Instance, clock);

    private static Page Watts(double value, DateTime at) =>
        new([new(new("rack", "prometheus", Power, Labels.Of(("node", "a"))), Sample.At(at, value))]);

    private static async Task<long?> ReadAsync(
        TestStorage storage,
        Func<ReadRequest, CancellationToken, IAsyncEnumerable<Page>> pages,
        TimeProvider? clock = null,
        CancellationToken stop = default
    )
    {
        await storage.Log.RegisterAsync("rack", "exporter", null, default);
        return await Reader(storage, clock).ReadAsync(Settings, new Told(pages), stop);
    }

    [Fact]
    public async Task A_bad_file_does_not_keep_the_rows_of_the_others_out()
    {
        await using var storage = await StorageAsync();
        var folder = Directory.CreateTempSubdirectory("metrics-rows-").FullName;
        try
        {
            static string Row(double value) =>
                $$"""
                    {"provider":"prometheus","metric":"{{Power}}","labels":{"node":"a"},"start":"2026-01-01T00:00:00Z",
                    "end":"2026-01-01T00:00:00Z","value":{{value}}}
                    """.ReplaceLineEndings("") + "\n";
            using var packed = new MemoryStream();
            await using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
                await gzip.WriteAsync(Encoding.UTF8.GetBytes(Row(2)));
            await File.WriteAllBytesAsync(Path.Combine(folder, "a.ndjson.gz"), packed.ToArray()[..(int)(packed.Length / 2)]);
            await File.WriteAllTextAsync(Path.Combine(folder, "b.ndjson"), Row(250));
            var settings = new FileSettings
            {
                Id = "rack",
                Provider = "file",
                Path = folder,
            };
            await storage.Log.RegisterAsync("rack", "file", null, default);
            await Reader(storage).ReadAsync(settings, KnownProviders.All["file"].Open(settings, Catalogue, TimeProvider.System), default);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        Assert.Equal(["250"], await storage.RowsAsync("SELECT value FROM samples"));
        Assert.Equal(["1|truncated|0"], await storage.RowsAsync("SELECT failures, last_error_code, watermark IS NOT NULL FROM source"));
        Assert.Equal(["failed|1|1"], await storage.RowsAsync("SELECT state, written, ended_at IS NOT NULL FROM run"));
    }

    [Fact]
    public async Task A_read_that_the_service_stops_leaves_the_source_free_and_no_run_open()
    {
        await using var storage = await StorageAsync();
        using var stop = new CancellationTokenSource();
        async IAsyncEnumerable<Page> Pages(ReadRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            yield return Flood(request);
            // The first part is being committed meanwhile; the service stops when it is.
            while (await storage.RowsAsync("SELECT state FROM run") is [])
                await Task.Delay(20, CancellationToken.None);
            await stop.CancelAsync();
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ReadAsync(storage, Pages, stop: stop.Token));

        Assert.Equal(["∅|∅|0|∅"], await storage.RowsAsync("SELECT lease_owner, lease_until, failures, watermark FROM source"));
        Assert.Equal(["failed|abandoned|1"], await storage.RowsAsync("SELECT state, error_code, ended_at IS NOT NULL FROM run"));
        Assert.NotNull(await storage.Log.ClaimAsync("rack", "another process", TimeSpan.FromMinutes(1), default));
    }

    [Fact]
    public async Task A_fault_of_the_reader_itself_is_told_and_leaves_the_source_free()
    {
        await using var storage = await StorageAsync();
        static async IAsyncEnumerable<Page> Pages(ReadRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await Task.Yield();
            yield return request.Now.Year > 1 ? throw new InvalidOperationException("secret") : new Page([]);
        }

        await Assert.ThrowsAsync<InvalidOperationException>(() => ReadAsync(storage, Pages));

        Assert.Equal(
            ["1|internal|The reader failed in a way that it should not; the log tells more. It is tried again.|∅"],
            await storage.RowsAsync("SELECT failures, last_error_code, last_error, lease_owner FROM source")
        );
        Assert.Equal(["failed|internal"], await storage.RowsAsync("SELECT state, error_code FROM run"));
    }

    [Fact]
    public async Task The_lease_of_a_slow_read_is_renewed_while_it_goes_on()
    {
        await using var storage = await StorageAsync();
        async IAsyncEnumerable<Page> Pages(ReadRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await storage.ExecuteAsync("UPDATE source SET lease_until = 1");
            // The source is slow until the lease is found renewed; without that it is never done.
            while ((await storage.RowsAsync("SELECT lease_until FROM source"))[0] == "1")
                await Task.Delay(5, cancellationToken);
            yield return Watts(250, request.Now);
        }

        Assert.Equal(1, await ReadAsync(storage, Pages, new Hasty()).WaitAsync(ServiceProcess.Patience));
        Assert.Equal(["∅"], await storage.RowsAsync("SELECT lease_until FROM source"));
    }

    [Fact]
    public async Task A_run_that_a_dead_reader_left_open_is_ended_by_the_next_claim()
    {
        await using var storage = await StorageAsync();
        var dead = await storage.ClaimAsync("dead", TimeSpan.Zero);
        await storage.Log.CommitAsync(
            dead with
            {
                Lease = TimeSpan.Zero,
            },
            Fleet.Read(Fleet.At(Fleet.Series("one"), "10:01", 1)) with
            {
                Continues = true,
            },
            default
        );

        await storage.ClaimAsync("alive");

        Assert.Equal(
            ["failed|abandoned|1|1"],
            await storage.RowsAsync("SELECT state, error_code, received, ended_at IS NOT NULL FROM run")
        );
    }

    [Fact]
    public async Task Rejections_are_committed_before_they_fill_the_memory()
    {
        await using var storage = await StorageAsync();
        var kept = new List<int>();
        async IAsyncEnumerable<Page> Pages(ReadRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            var series = new Series("rack", "prometheus", Power, Labels.Of(("node", "a")));
            for (var page = 0; page < 3; page++)
            {
                yield return new Page([
                    .. Enumerable
                        .Range(0, 10_000)
                        .Select(i => new Observation(series, Sample.At(request.Now.AddSeconds(-page * 10_000 - i), -1))),
                ]);
                kept.Add(
                    int.Parse(
                        (await storage.RowsAsync("SELECT count(*) FROM rejection"))[0],
                        System.Globalization.CultureInfo.InvariantCulture
                    )
                );
            }
        }

        Assert.Equal(0, await ReadAsync(storage, Pages));
        // One part is committed while the next is read, and no third one waits.
        Assert.True(kept is [>= 0, >= 10_000, >= 20_000], string.Join(", ", kept));
        Assert.Equal(["whole|30000"], await storage.RowsAsync("SELECT state, rejected FROM run"));
    }

    [Theory]
    [InlineData(0, null, 60, 60)]
    [InlineData(3, null, 432, 480)]
    [InlineData(40, null, 810, 900)]
    [InlineData(3, 30, 30, 30)]
    [InlineData(0, 31_536_000, 900, 900)]
    [InlineData(0, -5, 60, 60)]
    public async Task A_source_in_trouble_is_left_alone_longer_after_each_failure_and_for_a_quarter_of_an_hour_at_most(
        int failures,
        int? asked,
        int least,
        int most
    )
    {
        await using var storage = await StorageAsync();
        await storage.Log.RegisterAsync("rack", "exporter", null, default);
        await storage.ExecuteAsync($"UPDATE source SET failures = {failures}");
        async IAsyncEnumerable<Page> Pages(ReadRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await Task.Yield();
            yield return request.Now.Year > 1
                ? throw new SourceException(SourceErrorCode.Throttled, "Too many.")
                {
                    RetryAfter = asked is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
                }
                : new Page([]);
        }

        await ReadAsync(storage, Pages);

        // ended_at is when the failure was told: the pause counts from there.
        var pause = double.Parse(
            (await storage.RowsAsync("SELECT (next_read_at - (SELECT ended_at FROM run)) / 1e6 FROM source"))[0],
            System.Globalization.CultureInfo.InvariantCulture
        );
        Assert.InRange(pause, least, most);
    }

    [Fact]
    public async Task How_a_source_had_to_be_asked_otherwise_is_told_once_until_it_need_not()
    {
        await using var storage = await StorageAsync();
        await storage.Log.RegisterAsync("rack", "exporter", null, default);
        string? note = null;
        async IAsyncEnumerable<Page> Pages(ReadRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await Task.Yield();
            yield return new Page([]) { Note = note };
        }
        var log = new Lines();
        var reader = new SourceReader(storage.Log, Catalogue, log);
        foreach (
            var one in new[] { "It was asked for in parts.", "It was asked for in other parts.", null, "It was asked for in parts again." }
        )
        {
            note = one;
            await reader.ReadAsync(Settings, new Told(Pages), default);
            await storage.ExecuteAsync("UPDATE source SET watermark = watermark - 60000000");
        }

        Assert.Equal(
            ["1024 Source rack: It was asked for in parts.", "1024 Source rack: It was asked for in parts again."],
            log.Told.Where(line => line.StartsWith("1024", StringComparison.Ordinal))
        );
    }

    private sealed class Lines : ILogger<SourceReader>
    {
        public List<string> Told { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        ) => Told.Add($"{eventId.Id} {formatter(state, exception)}");
    }

    [Fact]
    public async Task An_hour_that_cannot_be_stored_stops_no_other()
    {
        await using var storage = await StorageAsync();
        await storage.CommitAsync([
            .. Enumerable
                .Range(8, 3)
                .SelectMany(hour =>
                    new[] { 0, 1 }.Select(minute =>
                        Fleet.At(new("rack", "prometheus", Power, Labels.Of(("node", "a"))), $"{hour}:0{minute}", 250)
                    )
                ),
        ]);
        // Stands for whatever makes one hour fail: a row that the table refuses.
        await storage.ExecuteAsync(
            "CREATE TRIGGER refuse BEFORE INSERT ON energy_facts WHEN NEW.period_start = "
                + $"{UnixMicroseconds.From(Fleet.Time("10:00"))} BEGIN SELECT RAISE(ABORT, 'refused'); END"
        );
        var keeper = new FactRecomputer(
            storage.Facts,
            new Normaliser(Catalogue, [], new Dictionary<string, Place>(), TimeSpan.FromMinutes(5))
        );

        Assert.Equal(2, await keeper.RecomputeAsync(default));

        Assert.Equal(
            ["8|15000", "9|15000"],
            await storage.RowsAsync(
                "SELECT period_start / 3600000000 % 24, server_joules FROM energy_facts WHERE server_joules IS NOT NULL ORDER BY 1"
            )
        );
        Assert.Equal(["10"], await storage.RowsAsync("SELECT hour / 3600000000 % 24 FROM dirty_hours"));
    }

    /// <summary>As many observations as one commit holds.</summary>
    private static Page Flood(ReadRequest request)
    {
        var series = new Series("rack", "prometheus", Power, Labels.Of(("node", "a")));
        return new([.. Enumerable.Range(0, 100_000).Select(i => new Observation(series, Sample.At(request.Now.AddMilliseconds(-i), 250)))]);
    }

    private sealed class Told(Func<ReadRequest, CancellationToken, IAsyncEnumerable<Page>> pages) : ITelemetrySource
    {
        public Cadence Cadence { get; } = new(TimeSpan.Zero, TimeSpan.Zero, TimeSpan.FromHours(1), TimeSpan.FromDays(1));

        public IAsyncEnumerable<Page> ReadAsync(ReadRequest request, CancellationToken cancellationToken) =>
            pages(request, cancellationToken);
    }

    /// <summary>A clock whose timers fire a thousand times as soon.</summary>
    private sealed class Hasty : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, dueTime / 1000, period / 1000);
    }
}
