using System.Buffers;

namespace Metrics.Ingestors.Providers.Files;

/// <summary>What came next in a file.</summary>
internal enum LineKind
{
    /// <summary>A line, or a CSV record of several.</summary>
    Line,

    /// <summary>A line too long to be a row; it was passed over.</summary>
    TooLong,

    /// <summary>Bytes after the last line feed: perhaps still being written.</summary>
    Unfinished,

    /// <summary>Nothing more.</summary>
    End,
}

/// <summary>Lines of a stream, with their place in it. Holds one line at a time.</summary>
/// <param name="stream">Where to read on.</param>
/// <param name="records">True for CSV: a line feed inside quotation marks belongs to the record.</param>
/// <param name="position">Bytes of the file before the stream's first.</param>
/// <param name="lines">Lines of the file before the stream's first.</param>
internal sealed class LineReader(Stream stream, bool records, long position, long lines) : IDisposable
{
    public const int Longest = 1024 * 1024;

    // A quotation mark that nobody closes must not swallow the file.
    private const int LongestOverLines = 64 * 1024;

    private byte[] buffer = ArrayPool<byte>.Shared.Rent(256 * 1024);
    private int from,
        held,
        scanned,
        firstEnd,
        start;
    private bool ended;

    /// <summary>The line, without its end.</summary>
    public ReadOnlyMemory<byte> Line { get; private set; }

    /// <summary>Number of the line, from 1; of a record's first line.</summary>
    public long Number { get; private set; }

    /// <summary>Bytes of the file up to the end of the line.</summary>
    public long Position { get; private set; } = position;

    /// <summary>Lines of the file up to the end of the line.</summary>
    public long Lines { get; private set; } = lines;

    /// <summary>Whether the unfinished line has a line feed within quotation marks: a record over several lines, or a mark that nobody
    /// closes.</summary>
    public bool IsSplit => firstEnd >= 0;

    /// <summary>Goes on to the next line.</summary>
    public ValueTask<LineKind> NextAsync(CancellationToken cancellationToken)
    {
        // As a rule the line is here already: no state machine for each of a million lines.
        var end = EndOfRecord(out var feeds);
        if (end < 0)
            return FarAsync(cancellationToken);
        Number = Lines + 1;
        Take(end, end + 1, feeds + 1);
        return new ValueTask<LineKind>(LineKind.Line);
    }

    private async ValueTask<LineKind> FarAsync(CancellationToken cancellationToken)
    {
        var skipping = false;
        while (true)
        {
            if (held - from >= Longest)
            {
                skipping = true;
                Position += held - from;
                from = held;
                scanned = 0;
            }
            if (!await FillAsync(cancellationToken))
            {
                if (from == held && !skipping)
                    return LineKind.End;
                Number = Lines + 1;
                if (skipping)
                {
                    Take(held - from, held - from, 1);
                    return LineKind.TooLong;
                }
                Line = buffer.AsMemory(from, held - from);
                return LineKind.Unfinished;
            }
            var end = EndOfRecord(out var feeds);
            if (end < 0)
                continue;
            Number = Lines + 1;
            Take(end, end + 1, feeds + 1);
            return skipping ? LineKind.TooLong : LineKind.Line;
        }
    }

    /// <summary>Counts the unfinished line as a line after all.</summary>
    public void TakeUnfinished() => Take(held - from, held - from, 1);

    /// <summary>Makes of a record over several lines its first line alone; the others come again.</summary>
    /// <returns>False when it was one line only.</returns>
    public bool KeepFirstLine()
    {
        if (firstEnd < 0 || firstEnd >= Line.Length)
            return false;
        var back = from - (start + firstEnd + 1);
        from -= back;
        Position -= back;
        Lines = Number;
        scanned = 0;
        Line = Line[..firstEnd];
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(buffer);
        stream.Dispose();
    }

    private void Take(int length, int used, int feeds)
    {
        Line = buffer.AsMemory(from, length);
        start = from;
        from += used;
        Position += used;
        Lines += feeds;
        scanned = 0;
    }

    private int EndOfRecord(out int feeds)
    {
        feeds = 0;
        firstEnd = -1;
        var text = buffer.AsSpan(from, held - from);
        if (!records)
        {
            var found = text[scanned..].IndexOf((byte)'\n');
            var end = found < 0 ? -1 : scanned + found;
            scanned = text.Length;
            return end;
        }
        var at = 0;
        while (at < text.Length)
        {
            if (text[at] != '"')
            {
                var plain = text[at..].IndexOfAny((byte)',', (byte)'\n');
                if (plain < 0)
                    return -1;
                at += plain + 1;
                if (text[at - 1] == '\n')
                    return at - 1;
                continue;
            }
            for (at++; ; )
            {
                var mark = text[at..].IndexOfAny((byte)'"', (byte)'\n');
                if (mark < 0)
                    return -1;
                at += mark + 1;
                if (text[at - 1] == '\n')
                {
                    if (firstEnd < 0)
                        firstEnd = at - 1;
                    feeds++;
                    if (at > LongestOverLines)
                        return FirstLine(out feeds);
                    continue;
                }
                if (at == text.Length)
                    return -1;
                if (text[at] == '"')
                {
                    at++;
                    continue;
                }
                // What follows a closing mark tells whether it closed the field or opened another one: then the first line is at fault.
                if (text[at] == ',')
                    at++;
                else if (text[at] == '\n')
                    return at;
                else if (firstEnd >= 0 && text[at] != '\r')
                    return FirstLine(out feeds);
                break;
            }
        }
        return -1;
    }

    private int FirstLine(out int feeds)
    {
        feeds = 0;
        return firstEnd;
    }

    private async ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        if (ended)
            return false;
        if (from > 0)
        {
            buffer.AsSpan(from, held - from).CopyTo(buffer);
            held -= from;
            from = 0;
        }
        if (held == buffer.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
            buffer.AsSpan(0, held).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(buffer);
            buffer = larger;
        }
        var more = await stream.ReadAsync(buffer.AsMemory(held), cancellationToken);
        held += more;
        ended = more == 0;
        return !ended;
    }
}
