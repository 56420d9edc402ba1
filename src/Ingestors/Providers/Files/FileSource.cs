using System.Runtime.CompilerServices;
using Metrics.Domain.Catalogue;
using Metrics.Domain.Observations;

namespace Metrics.Ingestors.Providers.Files;

/// <summary>A file of rows, or a folder of such files. It reads on where it stopped; what was replaced, cut or rotated is read from its
/// start.</summary>
internal sealed class FileSource : ITelemetrySource, IDisposable
{
    private static readonly string[] Endings = [".ndjson", ".jsonl", ".csv"];

    // The window is not asked for: after a long pause one read catches up.
    private static readonly TimeSpan Always = TimeSpan.FromDays(3650);

    private readonly FileSettings settings;
    private readonly TimeProvider clock;
    private readonly SeriesPool pool;
    private readonly Lazy<RowReader> rows;

    public FileSource(FileSettings settings, MetricCatalogue catalogue, TimeProvider clock)
    {
        this.settings = settings;
        this.clock = clock;
        pool = new SeriesPool(settings.Id, settings.MaxSeries);
        rows = new Lazy<RowReader>(() => new RowReader(catalogue.Mappings.Select(mapping => mapping.Provider), pool));
        var every = settings.Every ?? TimeSpan.FromSeconds(30);
        Cadence = new Cadence(settings.Settle ?? TimeSpan.Zero, settings.Overlap ?? TimeSpan.Zero, settings.Lookback ?? every, Always)
        {
            Every = every,
            NoPastBecause = "Files are read as they are: put the rows of the span into the folder.",
        };
    }

    public Cadence Cadence { get; }

    public void Dispose() => pool.Dispose();

    /// <summary>Whether the name is that of a file of rows.</summary>
    public static bool IsRows(string path)
    {
        var name = Path.GetFileName(path);
        if (name.StartsWith('.'))
            return false;
        if (name.EndsWith(".gz", StringComparison.OrdinalIgnoreCase))
            name = name[..^3];
        return Endings.Any(ending => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>The files of a path, in the order of their names.</summary>
    /// <exception cref="SourceException">There is nothing at the path, or it cannot be listed.</exception>
    public static IReadOnlyList<string> FilesOf(string path)
    {
        if (File.Exists(path))
            return [path];
        if (!Directory.Exists(path))
            throw new SourceException(SourceErrorCode.Unreachable, $"There is no file or folder '{path}'. Check Path.");
        try
        {
            return [.. Directory.EnumerateFiles(path).Where(IsRowsOfFolder).Order(StringComparer.Ordinal)];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new SourceException(
                SourceErrorCode.Unreadable,
                $"The folder '{path}' cannot be listed: {exception.Message} Check its rights.",
                exception
            );
        }
    }

    public async IAsyncEnumerable<Page> ReadAsync(ReadRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var reading = await pool.BeginReadAsync(cancellationToken);
        var cursor = FileCursor.Parse(request.Cursor);
        var left = request.Cursor;
        var paths = FilesOf(settings.Path!);
        cursor.Keep(paths.Select(path => Path.GetFileName(path)));
        SourceException? failed = null;
        var batch = new ObservationBatch(settings.Id);
        foreach (var path in paths)
        {
            var name = Path.GetFileName(path);
            using var file = new RowFile(path, rows.Value, cursor[name], clock.GetUtcNow());
            var more = true;
            while (more)
            {
                try
                {
                    more = await file.ReadAsync(batch, cancellationToken);
                    cursor[name] = file.Position;
                }
                catch (SourceException exception)
                {
                    // The other files are read first: one bad file stops no other.
                    failed ??= exception;
                    more = false;
                }
                if (!RowFile.IsFull(batch))
                    continue;
                batch.MayRepeat = true;
                left = cursor.ToString();
                foreach (var page in batch.Pages(left))
                    yield return page;
                batch = new ObservationBatch(settings.Id);
            }
        }
        pool.ReportLeftOut(batch);
        batch.MayRepeat = true;
        var now = cursor.ToString();
        foreach (var page in batch.Pages(now == left ? null : now))
            yield return page;
        if (failed is not null)
            throw failed;
    }

    // Whoever drops a .gz into the folder means it to be read, whatever its name before.
    private static bool IsRowsOfFolder(string path) =>
        IsRows(path) || !Path.GetFileName(path).StartsWith('.') && path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase);
}
