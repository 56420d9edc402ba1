using System.Globalization;
using System.Runtime.InteropServices;
using Metrics.Api.Operations;
using Metrics.Api.Settings;
using Metrics.Domain.Catalogue;
using Metrics.Ingestors.Pipeline;
using Metrics.Ingestors.Providers;
using Metrics.Storage.Engine;
using Metrics.Storage.Reading;

namespace Metrics.Api.Commands;

/// <summary>The command <c>backfill SOURCE --from --to</c>: asks for a span of the past, works on it where it may, and shows how far it is.</summary>
public sealed class BackfillCommand(
    MetricsSettings settings,
    MetricCatalogue catalogue,
    ReadLog log,
    Backfills backfills,
    SourceReader reader,
    FactRecomputer facts,
    TimeProvider clock
)
{
    private const string Usage = "backfill SOURCE --from 2026-11-01T00:00:00Z --to 2026-11-02T00:00:00Z";

    /// <summary>How long it works before it looks whether the live read is due.</summary>
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(5);

    /// <summary>The arguments, or every fault in them.</summary>
    /// <param name="arguments">What follows the word <c>backfill</c>.</param>
    /// <param name="faults">Sentences; empty when the arguments can be used.</param>
    public static (string Source, DateTime From, DateTime To)? Parse(IReadOnlyList<string> arguments, out List<string> faults)
    {
        faults = [];
        string? source = null;
        var times = new Dictionary<string, DateTime>(StringComparer.Ordinal);
        foreach (var (name, text) in CommandLine.Read(arguments, "--from", "--to"))
        {
            if (name is not null)
            {
                if (!DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
                    faults.Add($"{name}: '{text}' is not a time; give one such as 2026-11-01T00:00:00Z.");
                else if (!times.TryAdd(name, time.UtcDateTime))
                    faults.Add($"{name} is given twice.");
            }
            else if (source is null)
                source = text;
            else
                faults.Add($"'{text}' is one word too many: one source is read at a time.");
        }
        if (source is null)
            faults.Add("The source is missing.");
        foreach (var name in new[] { "--from", "--to" })
            if (!times.ContainsKey(name) && !faults.Exists(fault => fault.StartsWith(name, StringComparison.Ordinal)))
                faults.Add($"{name} is missing.");
        if (faults.Count == 0)
            return (source!, times["--from"], times["--to"]);
        faults.Add($"Usage: {Usage}");
        return null;
    }

    /// <summary>Runs the command. Stopped by a signal, it leaves the span for whoever goes on.</summary>
    /// <returns>0 when the span is read, 1 when it was left, 2 when it cannot be read.</returns>
    /// <exception cref="StorageException">The database failed.</exception>
    public async Task<int> RunAsync(string source, DateTime from, DateTime to)
    {
        if (!settings.Sources.TryGetValue(source, out var configured))
            return Refuse(
                $"There is no source '{source}'. Sources are: {string.Join(", ", settings.Sources.Keys.Order(StringComparer.Ordinal))}."
            );
        if (MetricsSettings.IsOwnMetrics(configured))
            return Refuse($"The source '{source}' is the service itself and tells the present only.");
        var opened = KnownProviders.All[configured.Provider].Open(configured, catalogue, clock);
        try
        {
            if (BackfillEndpoints.Refuse(configured, opened.Cadence, from, to, clock.GetUtcNow().UtcDateTime) is { } refused)
                return Refuse(refused);
            using var stop = new CancellationTokenSource();
            using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal =>
            {
                signal.Cancel = true;
                stop.Cancel();
            });
            using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
            {
                signal.Cancel = true;
                stop.Cancel();
            });
            return await WorkAsync(configured, opened, from, to, stop.Token);
        }
        finally
        {
            (opened as IDisposable)?.Dispose();
        }
    }

    private async Task<int> WorkAsync(
        SourceSettings configured,
        ITelemetrySource opened,
        DateTime from,
        DateTime to,
        CancellationToken stop
    )
    {
        await log.RegisterAsync(configured.Id, configured.Provider, configured.Place, CancellationToken.None);
        var (backfill, isNew) = await backfills.RequestAsync(
            configured.Id,
            ReadKind.Backfill,
            Backfills.WholeHours(from, to),
            SourceReader.Step(opened.Cadence),
            CancellationToken.None
        );
        Console.WriteLine(
            $"{(isNew ? "Reading" : "Going on with")} {configured.Id} from {BackfillEndpoints.Text(backfill.Span.Start)} to {BackfillEndpoints.Text(backfill.Span.End)}, {backfill.Windows} windows, {backfill.WindowsDone} done."
        );

        // On SQLite one process reads: while a service runs, it does the work and this only looks on.
        using var sole = settings.Storage.Engine == StorageEngine.Sqlite ? TrySole() : null;
        var works = settings.Storage.Engine == StorageEngine.Postgres || sole is not null;
        if (!works)
            Console.WriteLine("A service reads into this database and does the work; this only shows it.");

        var bar = new ProgressBar(backfill, clock);
        try
        {
            while (backfill.IsOpen)
            {
                stop.ThrowIfCancellationRequested();
                var done = works ? await reader.BackfillAsync(configured, opened, Turn, stop) : null;
                // Nothing to do here and now: another worker has the source, or it asked for rest.
                if (done is null or 0)
                    await Task.Delay(TimeSpan.FromSeconds(1), clock, stop);
                backfill = await backfills.FindAsync(backfill.Id, stop) ?? throw new InvalidOperationException("The span is gone.");
                bar.Show(backfill);
            }
            bar.End();
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            bar.End();
            Console.WriteLine(
                $"Stopped after {backfill.WindowsDone} of {backfill.Windows} windows. The same command goes on from there, and so does a running service."
            );
            return 1;
        }
        if (backfill.State == BackfillState.Cancelled)
            return Refuse($"The span was called off after {backfill.WindowsDone} of {backfill.Windows} windows.");
        if (works)
        {
            Console.WriteLine("Computing the facts of the hours that changed ...");
            var hours = await facts.RecomputeAsync(stop);
            Console.WriteLine($"{hours} hours computed.");
        }
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"Done: {backfill.Received:#,0} observations received, {backfill.Written:#,0} samples new or changed."
            )
        );
        return 0;
    }

    private SoleWorker? TrySole()
    {
        try
        {
            return SoleWorker.Take(settings.Storage.ConnectionString);
        }
        catch (StorageException exception) when (exception.Code == "locked")
        {
            return null;
        }
    }

    private static int Refuse(string message)
    {
        Console.Error.WriteLine(message);
        return 2;
    }
}

/// <summary>One line that is drawn again on a terminal, and a line now and then elsewhere: windows, rows, rate and what is left.</summary>
internal sealed class ProgressBar(Backfill first, TimeProvider clock)
{
    private const int Width = 30;

    private readonly long began = clock.GetTimestamp();
    private readonly bool redraws = !Console.IsOutputRedirected;
    private int shown = -1;

    /// <summary>Draws how far the span is.</summary>
    public void Show(Backfill now)
    {
        if (!redraws && now.WindowsDone == shown && now.Error is null)
            return;
        shown = now.WindowsDone;
        var line = Line(now, clock.GetElapsedTime(began));
        if (redraws)
            Console.Write($"\r{line}\u001b[K");
        else
            Console.WriteLine(line);
    }

    /// <summary>Leaves the line.</summary>
    public void End()
    {
        if (redraws)
            Console.WriteLine();
    }

    internal string Line(Backfill now, TimeSpan elapsed)
    {
        var share = now.Windows == 0 ? 1 : (double)now.WindowsDone / now.Windows;
        var full = (int)Math.Round(share * Width);
        var rate = elapsed > TimeSpan.Zero ? (now.Received - first.Received) / elapsed.TotalSeconds : 0;
        var done = now.WindowsDone - first.WindowsDone;
        var left =
            done > 0
                ? TimeSpan
                    .FromSeconds(Math.Round(elapsed.TotalSeconds / done * (now.Windows - now.WindowsDone)))
                    .ToString("c", CultureInfo.InvariantCulture)
                : "?";
        var trouble = now.Error is null ? "" : $"  waiting: {now.Error}";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"[{new string('#', full)}{new string('.', Width - full)}] {now.WindowsDone}/{now.Windows} windows  {now.Received:#,0} rows  {rate:#,0} rows/s  ETA {left}{trouble}"
        );
    }
}
