using System.CommandLine;
using System.Globalization;
using Metrics.Api.Http;
using Metrics.Api.Operations;
using Metrics.Api.Settings;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Messages;
using Metrics.Ingestors.Pipeline;
using Metrics.Ingestors.Providers;
using Metrics.Storage.Engine;
using Metrics.Storage.Reading;

namespace Metrics.Api.Commands;

/// <summary>The command <c>backfill SOURCE --from --to</c>: asks for a span of the past, works on it where it may, and shows how far it
/// is.</summary>
internal static class BackfillCommand
{
    /// <summary>How long it works before it looks whether the live read is due.</summary>
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(5);

    /// <summary>Makes the command.</summary>
    public static DescribedCommand Create(ServiceHost host)
    {
        var source = new Argument<string?>("SOURCE") { Description = "Id of a source in Metrics:Sources", Arity = ArgumentArity.ZeroOrOne };
        var from = CommonOptions.Text(
            "--from",
            "TIME",
            "Start: 2026-11-01, 2026-11-01T05:30:00Z, -7d, yesterday ...; its hour is read from its start"
        );
        var to = CommonOptions.Text("--to", "TIME", "End, exclusive, in the same words; its hour is read to its end");
        var json = CommonOptions.Json();
        var progress = Progress.Option();
        var command = new DescribedCommand("backfill", "Reads a span of the past of a source, again or for the first time")
        {
            Usage = ["backfill SOURCE --from TIME --to TIME [OPTIONS] [SETTINGS]"],
            Notes =
            [
                "Window by window, the oldest first; what is stored already changes nothing. Stopped, it leaves the span for a "
                    + "running service, and the same command goes on from there.",
                "Beside a service on the same SQLite file it only shows how far the service is.",
            ],
            Examples =
            [
                ("backfill rack-7 --from 2026-11-01 --to 2026-11-08", "a week"),
                ("backfill rack-7 --from -12h --to now", "the last half day"),
            ],
            Validate = parsed =>
                [
                    .. parsed.GetValue(source) is null ? ["The source is missing."] : Array.Empty<string>(),
                    .. SpanOf(parsed.TextOf(from), parsed.TextOf(to), DateTime.UtcNow).Errors,
                    .. Progress.Validate(parsed, progress),
                ],
        };
        command.Add(source);
        command.Add(from);
        command.Add(to);
        command.Add(json);
        command.Add(progress);
        command.SetAction(
            async (parsed, stop) =>
            {
                await using var app = host.Build(HostPurpose.Command);
                using var shown = new Progress(Progress.Parse(parsed.TextOf(progress)) ?? ProgressStyle.None);
                var (start, end) = SpanOf(parsed.TextOf(from), parsed.TextOf(to), DateTime.UtcNow).Span!.Value;
                try
                {
                    return await ActivatorUtilities
                        .CreateInstance<BackfillWork>(app.Services, shown, parsed.GetValue(json))
                        .RunAsync(app, parsed.GetValue(source)!, start, end, stop);
                }
                catch (Exception exception) when (StorageFault.IsOutside(exception))
                {
                    throw new CommandException(
                        $"The span could not be read to its end: {exception.Message} The same command goes on from where it is.",
                        ExitCode.Failed
                    );
                }
            }
        );
        return command;
    }

    private static ((DateTime From, DateTime To)? Span, IReadOnlyList<string> Errors) SpanOf(string? from, string? to, DateTime now)
    {
        string? fromError = "--from is missing.",
            toError = "--to is missing.";
        var start = from is null ? null : Times.From("--from", from, now, out fromError);
        var end = to is null ? null : Times.To("--to", to, now, out toError);
        return (start is { } first && end is { } last ? (first, last) : null, [.. new[] { fromError, toError }.OfType<string>()]);
    }

    /// <summary>The work of the command.</summary>
    private sealed class BackfillWork(
        MetricsSettings settings,
        MetricCatalogue catalogue,
        ReadLog log,
        Backfills backfills,
        SourceReader reader,
        FactRecomputer facts,
        TimeProvider clock,
        Progress progress,
        bool json
    )
    {
        /// <summary>Reads the span.</summary>
        /// <exception cref="CommandException">It cannot be read, was cancelled, or was left.</exception>
        /// <exception cref="StorageException">The database failed.</exception>
        public async Task<int> RunAsync(WebApplication app, string id, DateTime from, DateTime to, CancellationToken cancellationToken)
        {
            if (!settings.Sources.TryGetValue(id, out var source))
                throw new CommandException(
                    $"There is no source '{id}'.{Spelling.DidYouMean(id, settings.Sources.Keys)} Sources are: "
                        + $"{string.Join(", ", settings.Sources.Keys.Order(StringComparer.Ordinal))}."
                );
            if (MetricsSettings.IsOwnMetrics(source))
                throw new CommandException($"The source '{id}' is the service itself and tells the present only.");
            var opened = KnownProviders.All[source.Provider].Open(source, catalogue, clock);
            try
            {
                if (BackfillEndpoints.Validate(source, opened.Cadence, from, to, clock.GetUtcNow().UtcDateTime) is { } reason)
                    throw new CommandException(reason);
                await ServiceHost.PrepareSchemaAsync(app, cancellationToken);
                return await ReadAsync(source, opened, from, to, cancellationToken);
            }
            finally
            {
                (opened as IDisposable)?.Dispose();
            }
        }

        private async Task<int> ReadAsync(
            SourceSettings source,
            ITelemetrySource opened,
            DateTime from,
            DateTime to,
            CancellationToken cancellationToken
        )
        {
            await log.RegisterAsync(source.Id, source.Provider, source.Place, CancellationToken.None);
            var (backfill, isNew) = await backfills.RequestAsync(
                source.Id,
                ReadKind.Backfill,
                Backfills.WholeHours(from, to),
                SourceReader.Step(opened.Cadence),
                CancellationToken.None
            );
            progress.Say(
                $"{(isNew ? "Reading" : "Going on with")} {source.Id} from {BackfillEndpoints.Text(backfill.Span.Start)} to "
                    + $"{BackfillEndpoints.Text(backfill.Span.End)}, {backfill.Windows} windows, {backfill.WindowsDone} done."
            );

            // On SQLite one process reads: while a service runs, it does the work and this only looks on.
            using var sole = settings.Storage.Engine == StorageEngine.Sqlite ? TrySole() : null;
            var works = settings.Storage.Engine == StorageEngine.Postgres || sole is not null;
            if (!works)
                progress.Say("A service reads into this database and does the work; this only shows it.");
            var hours = 0;
            try
            {
                while (backfill.IsOpen)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    var windows = works ? await reader.BackfillAsync(source, opened, Turn, cancellationToken) : null;
                    // Nothing to do here and now: another worker has the source, or it asked for rest.
                    if (windows is null or 0)
                        await Task.Delay(TimeSpan.FromSeconds(1), clock, cancellationToken);
                    backfill = await backfills.FindAsync(backfill.Id, cancellationToken)
                        ?? throw new InvalidOperationException("The span is gone.");
                    Show(backfill);
                }
                if (backfill.State == BackfillState.Cancelled)
                    throw new CommandException(
                        $"The span was called off after {backfill.WindowsDone} of {backfill.Windows} windows.",
                        ExitCode.Failed
                    );
                if (works)
                {
                    progress.Say("Computing the facts of the hours that changed ...");
                    hours = await facts.RecomputeAsync(cancellationToken);
                    progress.Say($"{hours} hours computed.");
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                progress.Dispose();
                throw new CommandException(
                    $"Stopped after {backfill.WindowsDone} of {backfill.Windows} windows. The same command goes on from there, "
                        + "and so does a running service.",
                    ExitCode.Failed
                );
            }
            progress.Dispose();
            if (json)
                CommonOptions.Print(new { backfill = BackfillResponse.Of(backfill), hoursComputed = hours });
            else
                Console.Out.WriteLine(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"Done: {backfill.Received:#,0} observations received, {backfill.Written:#,0} samples new or changed."
                    )
                );
            return ExitCode.Done;
        }

        private void Show(Backfill now) =>
            progress.Show(
                "Reading",
                now.WindowsDone,
                now.Windows,
                "windows",
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{now.Received:#,0} rows{(now.Error is null ? "" : $"  waiting: {now.Error}")}"
                )
            );

        private SoleWorker? TrySole()
        {
            try
            {
                return SoleWorker.Take(settings.Storage.ConnectionString);
            }
            catch (StorageException exception) when (exception.Code == StorageErrorCode.Locked)
            {
                return null;
            }
        }
    }
}
