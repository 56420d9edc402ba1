using System.Globalization;
using System.Security.Cryptography;
using Metrics.Domain.Observations;
using Metrics.Ingestors.Http;
using Microsoft.Win32.SafeHandles;

namespace Metrics.Ingestors.Providers.Files;

/// <summary>One file of rows being read, from where it was left, a page at a time.</summary>
/// <param name="path">The file.</param>
/// <param name="rows">Reads its rows.</param>
/// <param name="left">How far it was read before; null: never.</param>
/// <param name="now">The instant, to tell a file being written from one that rests.</param>
internal sealed class RowFile(string path, RowReader rows, FilePosition? left, DateTimeOffset now) : IDisposable
{
    /// <summary>A file not written for this long is not being written.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromMinutes(5);

    private const int MarkedBytes = 1024;

    private readonly FilePosition? before = left;
    private readonly string name = Path.GetFileName(path);
    private readonly bool compressed = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase);
    private readonly bool csv = (path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? path[..^3] : path).EndsWith(
        ".csv",
        StringComparison.OrdinalIgnoreCase
    );
    private SafeFileHandle? handle;
    private LineReader? lines;
    private CsvColumns? columns;
    private string mark = "";
    private long length;
    private bool opened;

    /// <summary>How far the file has been read now.</summary>
    public FilePosition? Position { get; private set; } = left;

    /// <summary>Whether the answer holds a page.</summary>
    public static bool IsFull(ObservationBatch batch) =>
        batch.Observations.Count >= ObservationBatch.PageSize || batch.Rejected >= ObservationBatch.MostRejections;

    /// <summary>Reads until the answer holds a page or the file ends.</summary>
    /// <returns>Whether there is more to read.</returns>
    /// <exception cref="SourceException">The file cannot be read.</exception>
    public async Task<bool> ReadAsync(ObservationBatch batch, CancellationToken cancellationToken)
    {
        try
        {
            if (!opened && !await OpenAsync(batch, cancellationToken))
                return false;
            while (!IsFull(batch))
                switch (await lines!.NextAsync(cancellationToken))
                {
                    case LineKind.End:
                        Leave(whole: true);
                        return false;
                    case LineKind.Unfinished when compressed || !csv && RowReader.IsWholeJson(lines.Line.Span):
                        // Nothing can follow: a compressed file is read as it is, and a JSON object says itself where it ends.
                        lines.TakeUnfinished();
                        Row(batch);
                        break;
                    case LineKind.Unfinished when csv && lines.IsSplit && Rests:
                        lines.TakeUnfinished();
                        Row(batch);
                        break;
                    case LineKind.Unfinished:
                        Leave(whole: true);
                        TellUnfinished(batch);
                        return false;
                    case LineKind.TooLong:
                        batch.Reject(
                            Place.ToString(),
                            null,
                            RejectionReason.LimitExceeded,
                            $"The line has more than {LineReader.Longest} bytes, which no row has; it is passed over. Mend the file."
                        );
                        break;
                    default:
                        Row(batch);
                        break;
                }
            Leave(whole: false);
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new SourceException(
                SourceErrorCode.Unreadable,
                $"The file '{path}' cannot be read: {exception.Message} Check its rights and the disk.",
                exception
            );
        }
        catch (InvalidDataException exception)
        {
            throw new SourceException(
                SourceErrorCode.Truncated,
                $"The file '{path}' is no whole gzip file: {exception.Message} What could be read of it is kept. Write it under "
                    + $"another name and rename it when it is finished.",
                exception
            );
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lines?.Dispose();
        handle?.Dispose();
    }

    private RowPlace Place => new(name, lines!.Number);

    private bool Rests => now - File.GetLastWriteTimeUtc(handle!) >= Rest;

    private async Task<bool> OpenAsync(ObservationBatch batch, CancellationToken cancellationToken)
    {
        handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, FileOptions.SequentialScan);
        opened = true;
        length = RandomAccess.GetLength(handle);
        var from = before;
        if (compressed)
        {
            mark = File.GetLastWriteTimeUtc(handle).Ticks.ToString(CultureInfo.InvariantCulture);
            if (from is not null && from.Read == length && from.Mark == mark)
                return false;
            from = null;
        }
        else if (from is not null && (from.Read < 0 || from.Read > length || from.Mark != Mark(from.Read)))
            from = null;
        if (from?.Read == length)
            return false;

        if (csv && from is { Read: > 0 })
        {
            using var start = new LineReader(Stream(0), true, 0, 0);
            if (await start.NextAsync(cancellationToken) != LineKind.Line)
                from = null;
            else
                columns = rows.Header(Header(start.Line.Span), out _);
            if (columns is null)
                from = null;
        }
        lines = new LineReader(Stream(from?.Read ?? 0), csv, from?.Read ?? 0, from?.Lines ?? 0);
        if (!csv || columns is not null)
            return true;

        var kind = await lines.NextAsync(cancellationToken);
        if (kind == LineKind.Unfinished && compressed)
        {
            lines.TakeUnfinished();
            kind = LineKind.Line;
        }
        if (kind == LineKind.Line)
        {
            columns = rows.Header(Header(lines.Line.Span), out var error);
            if (columns is not null)
                return true;
            batch.Reject(
                $"{name}:1",
                null,
                RejectionReason.Malformed,
                $"The header cannot be used: {error}. Mend the header; the file is not read."
            );
        }
        // Without a header no row can be read. A file still empty is looked at again; a bad one when it has changed.
        if (kind is LineKind.Line or LineKind.TooLong)
            Position = new FilePosition(length, 0, compressed ? mark : Mark(length));
        return false;
    }

    private Stream Stream(long from)
    {
        var stream = new FileStream(
            path,
            new FileStreamOptions
            {
                Share = FileShare.ReadWrite | FileShare.Delete,
                Options = FileOptions.SequentialScan,
                BufferSize = 0,
            }
        )
        {
            Position = from,
        };
        return compressed ? Gzip.Open(stream) : stream;
    }

    private void Row(ObservationBatch batch)
    {
        var line = lines!.Line.Span;
        if (lines.Number == 1)
            line = Header(line);
        if (line.TrimEnd("\r "u8).IsEmpty)
            return;
        if (!csv)
        {
            rows.ReadJson(line, Place, batch);
            return;
        }
        if (rows.ReadCsv(line, columns!, Place, batch, out var error))
            return;
        // A quotation mark too many must not cost the rows after it.
        lines.KeepFirstLine();
        RowReader.Reject(Place, error, batch);
    }

    private static ReadOnlySpan<byte> Header(ReadOnlySpan<byte> line) => line.StartsWith("\uFEFF"u8) ? line[3..] : line;

    private void TellUnfinished(ObservationBatch batch)
    {
        if (!Rests || Position?.Reported == length)
            return;
        batch.Reject(
            Place.ToString(),
            null,
            RejectionReason.Malformed,
            "The last line has no end and nobody has written to the file for five minutes; it is not read. End the line with a line feed."
        );
        Position = Position! with { Reported = length };
    }

    private void Leave(bool whole)
    {
        // A compressed file cannot be read on from its middle: until it is read whole it counts as unread.
        if (compressed)
            Position = whole ? new FilePosition(length, lines!.Lines, mark) : before;
        else
            Position = new FilePosition(lines!.Position, lines.Lines, Mark(lines.Position), Position?.Reported ?? 0);
    }

    /// <summary>A hash of the first bytes and of those before the position: another file under the same name, or one written anew, has
    /// another.</summary>
    private string Mark(long position)
    {
        var count = (int)Math.Min(position, MarkedBytes);
        var bytes = new byte[2 * count];
        if (
            RandomAccess.Read(handle!, bytes.AsSpan(0, count), 0) != count
            || RandomAccess.Read(handle!, bytes.AsSpan(count), position - count) != count
        )
            return "";
        return Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, 8));
    }
}
