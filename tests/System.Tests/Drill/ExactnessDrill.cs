using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Metrics.Drill;
using Metrics.Emulators;
using Metrics.Emulators.Prometheus;
using Metrics.Ingestors.Pipeline;
using Metrics.Ingestors.Providers;
using Metrics.Storage.Engine;
using Metrics.Storage.Schema;
using Metrics.SystemTests.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Xunit;

namespace Metrics.SystemTests.Drill;

/// <summary>How much befalls the host in one seed.</summary>
internal sealed record Toll(int Kills, int Zombies, int Stops);

/// <summary>What stands in the database against what there is.</summary>
internal sealed record Differences(int Rows, int Lost, int Doubled, int Wrong, int Unknown)
{
    public bool None => Lost + Doubled + Wrong + Unknown == 0;

    /// <summary>Compares rows with the truth.</summary>
    public static Differences Between(
        IEnumerable<(string Stream, DateTime At, double Value)> rows,
        Dictionary<(string Stream, DateTime At), double> truth
    )
    {
        var seen = new HashSet<(string, DateTime)>();
        int count = 0,
            doubled = 0,
            wrong = 0,
            unknown = 0;
        foreach (var (stream, at, value) in rows)
        {
            count++;
            if (!truth.TryGetValue((stream, at), out var final))
                unknown++;
            else if (!seen.Add((stream, at)))
                doubled++;
            else if (BitConverter.DoubleToInt64Bits(final) != BitConverter.DoubleToInt64Bits(value))
                wrong++;
        }
        return new(count, truth.Count - seen.Count, doubled, wrong, unknown);
    }
}

/// <summary>One seed of the drill on one engine: workers that are killed, stopped and woken, a server that falls short, a database that
/// crashes.</summary>
internal sealed class ExactnessDrill : IAsyncDisposable
{
    private const int Workers = 3;
    private static readonly DateTime Base = new(2026, 3, 4, 6, 0, 0, DateTimeKind.Utc);

    private readonly int seed;
    private readonly Random random;
    private readonly PostgresCluster? cluster;
    private readonly string mode;
    private readonly string folder = Directory.CreateTempSubdirectory("metrics-drill-").FullName;
    private readonly List<Worker> workers = [];
    private readonly Dictionary<Stage, int> deaths = [];
    private readonly StringBuilder complaints = new();
    private long offset;
    private int started,
        takenOver,
        zombies,
        stops;
    private DrillPlan plan = null!;
    private PrometheusEmulator server = null!;
    private TestStorage storage = null!,
        clocked = null!;

    private ExactnessDrill(int seed, PostgresCluster? cluster, string mode) =>
        (this.seed, random, this.cluster, this.mode) = (seed, new Random(seed), cluster, mode);

    /// <summary>How many workers died at which stage.</summary>
    public IReadOnlyDictionary<Stage, int> Deaths => deaths;

    public int Zombies => zombies;

    /// <summary>Zombies whose source another worker had taken over when they woke.</summary>
    public int TakenOver => takenOver;

    public int Stops => stops;

    /// <summary>Runs whose commit was refused.</summary>
    public int Fenced { get; private set; }

    public Differences Found { get; private set; } = new(0, 0, 0, 0, 0);

    /// <summary>Runs one seed to its end and leaves the comparison in <see cref="Found"/>.</summary>
    /// <param name="engine">Engine.</param>
    /// <param name="cluster">A cluster that may be stopped; null for SQLite.</param>
    /// <param name="seed">Seed of all that befalls.</param>
    /// <param name="toll">How much befalls the host.</param>
    /// <param name="mode"><c>product</c> or <c>naive</c>.</param>
    /// <param name="quiet">True: the server falls short of nothing.</param>
    public static async Task<ExactnessDrill> RunAsync(
        StorageEngine engine,
        PostgresCluster? cluster,
        int seed,
        Toll toll,
        string mode = "product",
        bool quiet = false
    )
    {
        var drill = new ExactnessDrill(seed, cluster, mode);
        try
        {
            await drill.PrepareAsync(engine, quiet, alone: toll == new Toll(0, 0, 0));
            await drill.TormentAsync(toll);
            await drill.FinishAsync();
            return drill;
        }
        catch
        {
            await drill.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var worker in workers.ToList())
            await worker.DisposeAsync();
        if (server is not null)
            await server.DisposeAsync();
        if (clocked is not null)
            await clocked.DisposeAsync();
        if (storage is not null)
            await storage.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    public override string ToString() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{storage.Engine} {mode} seed {seed}: {deaths.Values.Sum()} kills "
                + $"({string.Join(", ", deaths.OrderBy(entry => entry.Key).Select(entry => $"{entry.Key} {entry.Value}"))}), {zombies} "
                + $"zombies ({takenOver} taken over), {stops} stops of the server, {Fenced} runs fenced, {Found.Rows} rows, lost "
                + $"{Found.Lost}, doubled {Found.Doubled}, wrong {Found.Wrong}, unknown {Found.Unknown}"
        );

    private DateTime Now() =>
        Base + TimeSpan.FromTicks((DateTime.UtcNow - plan.Started).Ticks * DrillPlan.Speed + Volatile.Read(ref offset));

    private async Task PrepareAsync(StorageEngine engine, bool quiet, bool alone)
    {
        storage = await TestStorage.MigratedAsync(cluster!, engine);
        await storage.ExecuteAsync("CREATE TABLE naive_watermark (source text PRIMARY KEY, watermark bigint)");
        await storage.ExecuteAsync("CREATE TABLE naive_samples (series text, start bigint, value double precision)");
        var faults = quiet
            ? new Faults { Seed = seed }
            : new Faults
            {
                Seed = seed,
                LateShare = 0.1,
                LateBy = TimeSpan.FromMinutes(60 + seed % 11),
                RevisedShare = 0.2,
                RevisedAfter = TimeSpan.FromMinutes(30),
                ThrottledShare = 0.02,
                BrokenShare = 0.02,
                CutShare = 0.03,
                PartialShare = 0.03,
            };
        var whole = DateTime.UtcNow;
        plan = new(
            engine,
            storage.ConnectionString,
            new Uri("http://127.0.0.1"),
            Base,
            whole.AddTicks(-(whole.Ticks % TimeSpan.TicksPerMillisecond))
        );
        server = await PrometheusEmulator.StartAsync(
            DrillRacks.Signals(DrillPlan.Sources, Base.AddMinutes(-30)),
            Base.AddMinutes(-30),
            faults,
            Now,
            TimeSpan.FromMilliseconds(12)
        );
        plan = plan with { Server = server.Address, Started = DateTime.UtcNow };
        plan = plan with { Started = plan.Started.AddTicks(-(plan.Started.Ticks % TimeSpan.TicksPerMillisecond)) };
        clocked = storage.WithClock(plan.Clock);
        foreach (var source in DrillPlan.Sources)
            await clocked.Log.RegisterAsync(source, "prometheus", "onprem/dc-1", default);
        // The naive reader, which renews no lease, is calm only alone.
        for (var i = 0; i < (alone ? 1 : Workers); i++)
            StartWorker();
    }

    private void StartWorker()
    {
        var path = Path.Combine(folder, $"mark-{started++}");
        workers.Add(new Worker(plan, path, mode, complaints));
    }

    private async Task TormentAsync(Toll toll)
    {
        var events = Enumerable
            .Repeat('k', toll.Kills)
            .Concat(Enumerable.Repeat('z', toll.Zombies))
            .Concat(Enumerable.Repeat('s', toll.Stops))
            .ToArray();
        random.Shuffle(events);
        Stage[] working = [Stage.Claimed, Stage.Reading, Stage.Committing];
        var wanted = 0;
        var waking = new List<Task>();
        foreach (var what in events)
        {
            CheckAlive();
            if (what == 's')
            {
                stops++;
                await cluster!.StopAsync();
                await Task.Delay(random.Next(100));
                await cluster.StartAsync();
                // The next seed makes its database on a connection that lives.
                await using (var maintenance = new NpgsqlConnection(cluster.ConnectionString))
                    NpgsqlConnection.ClearPool(maintenance);
                continue;
            }
            // One that sleeps in its commit is either done or holds the lock that the others need: most zombies sleep where the fence
            // matters.
            var victim = await AtWorkAsync(
                what == 'z' && random.Next(4) > 0 ? working[random.Next(2)] : working[wanted++ % working.Length]
            );
            if (what == 'k')
            {
                victim.Process.Kill();
                await victim.Process.WaitForExitAsync();
                deaths[victim.Mark.Stage] = deaths.GetValueOrDefault(victim.Mark.Stage) + 1;
                await RemoveAsync(victim);
                StartWorker();
            }
            else
            {
                zombies++;
                victim.Stopped = true;
                victim.Signal(Worker.Stop);
                waking.Add(WakeAsync(victim));
                // One zombie at a time leaves two workers that can take over.
                if (waking.Count(task => !task.IsCompleted) > 1)
                    await Task.WhenAny(waking.Where(task => !task.IsCompleted));
            }
        }
        await Task.WhenAll(waking);
    }

    /// <summary>No fault of the world ends a worker: one that ended by itself has a fault of its own.</summary>
    private void CheckAlive() =>
        Assert.True(workers.TrueForAll(worker => !worker.Process.HasExited), $"A worker ended by itself: {complaints}");

    /// <summary>A worker that is at the stage, or at any stage of a read when none comes to it.</summary>
    private async Task<Worker> AtWorkAsync(Stage stage)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            var ready = workers.Where(worker => !worker.Stopped && !worker.Process.HasExited).ToList();
            var found = ready.Find(worker => worker.Mark.Stage == stage)
                ?? (
                    waited.Elapsed > TimeSpan.FromSeconds(1.5)
                        ? ready.Find(worker => worker.Mark.Stage is Stage.Claimed or Stage.Reading or Stage.Committing)
                        : null
                );
            if (found is not null)
            {
                // Not always at the stage's beginning.
                if (random.Next(2) == 0)
                    await Task.Delay(random.Next(6));
                return found;
            }
            CheckAlive();
            if (waited.Elapsed > ServiceProcess.Patience)
                throw new InvalidOperationException(
                    "No worker works: "
                        + $"{string.Join(", ", workers.Select(worker => $"{worker.Mark.Stage} (exited: {worker.Process.HasExited})"))}. "
                        + $"{complaints}"
                );
            await Task.Delay(1);
        }
    }

    /// <summary>Lets a stopped worker go on once its lease has ended and, where that happens in time, another has claimed its
    /// source.</summary>
    private async Task WakeAsync(Worker zombie)
    {
        var stage = zombie.Mark.Stage;
        var source = DrillPlan.Sources[zombie.Mark.Source];
        var waited = Stopwatch.StartNew();
        var before = await EpochAsync(source);
        var limit = DrillPlan.Lease / DrillPlan.Speed * 1.5;
        var taken = false;
        while (waited.Elapsed < limit || (!taken && waited.Elapsed < TimeSpan.FromSeconds(2)))
        {
            await Task.Delay(25);
            if (!taken)
                taken = await EpochAsync(source) is { } epoch && before is not null && epoch > before;
        }
        if (taken && stage is Stage.Claimed or Stage.Reading or Stage.Committing)
            Interlocked.Increment(ref takenOver);
        var reads = zombie.Mark.Reads;
        zombie.Signal(Worker.Continue);
        // It is not killed before it has tried to commit what it holds.
        for (var tries = 0; tries < 40 && zombie.Mark.Reads == reads; tries++)
            await Task.Delay(25);
        zombie.Stopped = false;
    }

    /// <summary>Null while the database is down, or locked by a stopped writer.</summary>
    private async Task<long?> EpochAsync(string source)
    {
        try
        {
            return long.Parse(
                (await storage.RowsAsync($"SELECT epoch FROM source WHERE id = '{source}'"))[0],
                CultureInfo.InvariantCulture
            );
        }
        catch (Exception exception) when (exception is System.Data.Common.DbException or InvalidOperationException)
        {
            return null;
        }
    }

    private async Task RemoveAsync(Worker worker)
    {
        workers.Remove(worker);
        await worker.DisposeAsync();
    }

    /// <summary>No more data, hours pass, everything is read, the workers are told to end; then the books are compared.</summary>
    private async Task FinishAsync()
    {
        server.End = Now().AddMinutes(1);
        // The server first: it may show more than the database's clock asks for, never less.
        var hours = TimeSpan.FromHours(3);
        Interlocked.Add(ref offset, hours.Ticks);
        await RowsAsync(
            $"INSERT INTO settings (name, value) VALUES ('drill_offset', '{hours.Ticks / TimeSpan.TicksPerMicrosecond}') ON "
                + "CONFLICT (name) DO UPDATE SET value = excluded.value"
        );
        var through = server.End + TimeSpan.FromMinutes(170);
        var watermark =
            mode == "naive"
                ? "SELECT watermark FROM naive_watermark"
                : "SELECT "
                    + $"{(plan.Engine == StorageEngine.Postgres ? "(extract(epoch from watermark) * 1000000)::bigint" : "watermark")} "
                    + "FROM source";
        var waited = Stopwatch.StartNew();
        while (true)
        {
            CheckAlive();
            var rows = await RowsAsync(watermark);
            if (
                rows.Count == DrillPlan.Sources.Count
                && rows.TrueForAll(row => row != "∅" && long.Parse(row, CultureInfo.InvariantCulture) > UnixMicroseconds.From(through))
            )
                break;
            if (waited.Elapsed > ServiceProcess.Patience)
            {
                var sources = await RowsAsync("SELECT id, lease_owner, last_error_code, last_error, failures FROM source");
                throw new InvalidOperationException(
                    $"Not everything is read: watermarks {string.Join(", ", rows)}; wanted {UnixMicroseconds.From(through)}. "
                        + $"{string.Join('\n', sources)}{complaints}"
                );
            }
            await Task.Delay(100);
        }
        foreach (var worker in workers)
            worker.Process.StandardInput.Close();
        foreach (var worker in workers)
        {
            using var limit = new CancellationTokenSource(ServiceProcess.Patience);
            await worker.Process.WaitForExitAsync(limit.Token);
            Assert.True(worker.Process.ExitCode == 0, $"A worker ended with {worker.Process.ExitCode}: {complaints}");
        }
        var rowsNow =
            mode == "naive"
                ? (await RowsAsync("SELECT series, start, value FROM naive_samples"))
                    .Select(row => row.Split('|'))
                    .Select(row => (row[0], At(row[1]), double.Parse(row[2], CultureInfo.InvariantCulture)))
                : await SamplesAsync(RowsAsync);
        Found = Differences.Between(rowsNow, DrillRacks.Truth(server));
        Fenced = int.Parse((await RowsAsync("SELECT count(*) FROM run WHERE state = 'fenced'"))[0], CultureInfo.InvariantCulture);
    }

    /// <summary>What must hold of the books beside the samples: leases, runs, facts.</summary>
    public async Task CheckBooksAsync()
    {
        // What crashes broke of the pool is left behind.
        await clocked.DisposeAsync();
        clocked = storage.WithClock(plan.Clock);
        var later = TimeSpan.FromHours(4);
        await RowsAsync($"UPDATE settings SET value = '{later.Ticks / TimeSpan.TicksPerMicrosecond}' WHERE name = 'drill_offset'");
        // Longer than any lease and any pause after a failure: whoever comes now finds every source free.
        foreach (var source in DrillPlan.Sources)
        {
            var claim = await clocked.Log.ClaimAsync(source, "auditor", DrillPlan.Lease, default);
            Assert.NotNull(claim);
            Assert.True(claim.Watermark > server.End.AddMinutes(170));
            await clocked.Log.ReleaseAsync(claim, default);
        }
        Assert.Equal(["0"], await RowsAsync("SELECT count(*) FROM source WHERE lease_owner IS NOT NULL OR lease_until IS NOT NULL"));
        Assert.Equal(
            ["0"],
            await RowsAsync("SELECT count(*) FROM run WHERE ended_at IS NULL OR state NOT IN ('whole', 'partial', 'failed', 'fenced')")
        );
        Assert.Equal(
            ["0"],
            await RowsAsync("SELECT count(*) FROM run JOIN source ON source.id = run.source WHERE run.epoch > source.epoch")
        );
        // A refused reader may have stored parts while it held the claim; another claim followed it in any case.
        Assert.Equal(
            ["0"],
            await RowsAsync(
                "SELECT count(*) FROM run JOIN source ON source.id = run.source WHERE run.state = 'fenced' AND run.epoch >= source.epoch"
            )
        );
        Assert.NotEqual(["0"], await RowsAsync("SELECT count(*) FROM run WHERE state = 'partial'"));

        var catalogue = Catalogues.Load([]);
        await new FactRecomputer(clocked.Facts, DrillPlan.Normaliser(catalogue)).RecomputeAsync(default);

        // The same data, told whole at once and read by one reader that nothing befalls.
        await using var calm = await PrometheusEmulator.StartAsync(server.Signals, server.Start, new Faults { Seed = seed }, () =>
            DateTime.MaxValue
        );
        calm.End = server.End;
        await using var fresh = await TestStorage.MigratedAsync(cluster!, plan.Engine);
        await fresh.SetClockAsync(Base);
        await using var control = fresh.WithSimulatedClock();
        var undisturbed = plan with { Server = calm.Address };
        foreach (var source in DrillPlan.Sources)
            await control.Log.RegisterAsync(source, "prometheus", "onprem/dc-1", default);
        await control.SetClockAsync(server.End.AddHours(3));
        var reader = new SourceReader(control.Log, catalogue, NullLogger<SourceReader>.Instance);
        foreach (var source in DrillPlan.Sources)
            Assert.NotNull(
                await reader.ReadAsync(
                    undisturbed.Settings(source),
                    KnownProviders.All["prometheus"].Open(undisturbed.Settings(source), catalogue, TimeProvider.System),
                    default
                )
            );
        await new FactRecomputer(control.Facts, DrillPlan.Normaliser(catalogue)).RecomputeAsync(default);

        Assert.True(
            int.Parse(
                (await control.RowsAsync("SELECT count(*) FROM energy_facts WHERE accelerator_joules > 0"))[0],
                CultureInfo.InvariantCulture
            ) > 100
        );
        Assert.True(
            int.Parse((await control.RowsAsync("SELECT count(*) FROM intensity_hours WHERE units > 0"))[0], CultureInfo.InvariantCulture)
                > 2
        );
        var (told, wanted) = (await clocked.DumpAsync(), await control.DumpAsync());
        if (told != wanted)
        {
            var difference = wanted
                .Split('\n')
                .Except(told.Split('\n'))
                .Take(5)
                .Concat(told.Split('\n').Except(wanted.Split('\n')).Take(5));
            Assert.Fail($"The facts are not those of the undisturbed run:\n{string.Join('\n', difference)}");
        }
    }

    /// <summary>The stored samples by the stream of the server that they are of.</summary>
    public static async Task<IEnumerable<(string Stream, DateTime At, double Value)>> SamplesAsync(
        Func<string, Task<List<string>>> rowsAsync
    )
    {
        var series = (await rowsAsync("SELECT id, source, metric, labels FROM series"))
            .Select(row => row.Split('|', 4))
            .ToDictionary(
                row => row[0],
                row => DrillRacks.Stream(row[1], row[2], JsonSerializer.Deserialize<Dictionary<string, string>>(row[3])!)
            );
        return (await rowsAsync("SELECT series_id, start, value FROM samples"))
            .Select(row => row.Split('|'))
            .Select(row => (series[row[0]], At(row[1]), double.Parse(row[2], CultureInfo.InvariantCulture)));
    }

    /// <summary>A query that asks again when a connection turns out to have died with the server.</summary>
    private async Task<List<string>> RowsAsync(string sql)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                return await storage.RowsAsync(sql);
            }
            catch (Exception exception)
                when (tries < 10
                    && (
                        exception is NpgsqlException and not PostgresException
                        || exception is PostgresException { SqlState: "57P01" or "57P02" or "57P03" }
                    )
                )
            {
                await Task.Delay(50);
            }
        }
    }

    private static DateTime At(string micros) => UnixMicroseconds.To(long.Parse(micros, CultureInfo.InvariantCulture));

    /// <summary>A worker process and the mark of what it does.</summary>
    private sealed class Worker : IAsyncDisposable
    {
        public const int Stop = 19,
            Continue = 18;

        public Worker(DrillPlan plan, string path, string mode, StringBuilder complaints)
        {
            Mark = new StageMark(path);
            Process = Process.Start(
                new ProcessStartInfo("dotnet", [typeof(DrillPlan).Assembly.Location, .. plan.Arguments, path, mode])
                {
                    RedirectStandardInput = true,
                    RedirectStandardError = true,
                }
            )!;
            Process.ErrorDataReceived += (_, line) =>
            {
                lock (complaints)
                    if (line.Data is not null && complaints.Length < 4000)
                        complaints.AppendLine(line.Data);
            };
            Process.BeginErrorReadLine();
        }

        public Process Process { get; }

        public StageMark Mark { get; }

        /// <summary>Whether it sleeps as a zombie.</summary>
        public bool Stopped { get; set; }

        public void Signal(int signal)
        {
            if (Kill(Process.Id, signal) != 0)
                throw new InvalidOperationException($"Signal {signal} could not be sent: {Marshal.GetLastPInvokeError()}.");
        }

        public async ValueTask DisposeAsync()
        {
            if (!Process.HasExited)
            {
                Process.Kill();
                await Process.WaitForExitAsync();
            }
            Process.Dispose();
            Mark.Dispose();
        }

        [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        private static extern int Kill(int process, int signal);
    }
}
