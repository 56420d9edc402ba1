using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Metrics.Domain.Messages;
using Metrics.Domain.Observations;

namespace Metrics.Ingestors.Providers.Exporter;

/// <summary>How a metrics page is written.</summary>
public enum ExpositionFormat
{
    /// <summary>Prometheus text 0.0.4: timestamps in whole milliseconds.</summary>
    Text,

    /// <summary>OpenMetrics 1.0: timestamps in seconds, exemplars, and <c># EOF</c> as the last line.</summary>
    OpenMetrics,
}

/// <summary>
/// Reads metrics pages of one exporter, line by line, over UTF-8 bytes.
/// A line whose bytes up to the value were seen before costs a comparison and a number: no text is made of it and nothing is allocated.
/// </summary>
/// <remarks>
/// Lines of metrics that nobody asked for are passed over by their name. Tolerated beyond the formats: a carriage return before the line
/// feed, blank lines and leading blanks. Exemplars are passed over. Not thread-safe: one page at a time.
/// </remarks>
public sealed class ExpositionParser
{
    /// <summary>Longest line; a longer one is refused and passed over.</summary>
    public const int LongestLine = 1024 * 1024;

    /// <summary>Samples of one page for each series that the source may have.</summary>
    private const int SamplesPerSeries = 4;

    private static readonly SearchValues<byte> NameBytes = SearchValues.Create(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:"u8
    );
    private static readonly SearchValues<byte> Blanks = SearchValues.Create(" \t"u8);
    private static readonly UTF8Encoding Strict = new(false, true);

    private readonly string origin;
    private readonly string provider;
    private readonly string? instance;
    private readonly SeriesPool pool;
    private readonly Dictionary<byte[], string>.AlternateLookup<ReadOnlySpan<byte>> wanted;
    private readonly Dictionary<byte[], KnownLine> lines = new(ByteKeys.Comparer);
    private readonly Dictionary<byte[], KnownLine>.AlternateLookup<ReadOnlySpan<byte>> known;
    private readonly List<KeyValuePair<string, string>> pairs = [];
    private readonly byte[] passedOver = new byte[SeriesPool.LongestName];

    // Exporters write their series in the same order every time: the line after the last one is the best guess.
    private List<KnownLine> before = [];
    private List<KnownLine> now = [];
    private int guess;

    private ObservationBatch batch = new("");
    private ExpositionFormat format;
    private DateTime at;
    private long line;
    private int passedOverLength;
    private bool whole,
        ended,
        sampled,
        bad;
    private string firstBad = "";

    /// <summary>A parser for the pages of one exporter.</summary>
    /// <param name="origin">Address of the page without secrets, for messages.</param>
    /// <param name="provider">Provider whose catalogue explains the metrics.</param>
    /// <param name="metrics">Metrics wanted.</param>
    /// <param name="instance">Value of the label <c>instance</c> where a line has none; null adds none.</param>
    /// <param name="pool">The series of the source; its capacity bounds this parser's memory too.</param>
    public ExpositionParser(string origin, string provider, IEnumerable<string> metrics, string? instance, SeriesPool pool)
    {
        this.origin = origin;
        this.provider = provider;
        this.instance = instance;
        this.pool = pool;
        var names = new Dictionary<byte[], string>(ByteKeys.Comparer);
        foreach (var metric in metrics)
            names[Encoding.UTF8.GetBytes(metric)] = metric;
        wanted = names.GetAlternateLookup<ReadOnlySpan<byte>>();
        known = lines.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    private sealed class KnownLine(byte[] key, PooledSeries series)
    {
        public readonly byte[] Key = key;
        public readonly PooledSeries Series = series;
        public int Order = -1;
    }

    /// <summary>Reads a page that lies in memory.</summary>
    /// <param name="page">The page.</param>
    /// <param name="format">How it is written.</param>
    /// <param name="at">When it was asked for.</param>
    /// <param name="into">Takes what it says.</param>
    /// <param name="whole">Whether it is known to be all that was sent. If not, text that ends within a line is taken for cut.</param>
    /// <exception cref="SourceException"><c>truncated</c>: the end is missing. <c>not_metrics</c>: it is something else. <c>too_large</c>:
    /// more samples than the source may send.</exception>
    public void Parse(ReadOnlySpan<byte> page, ExpositionFormat format, DateTime at, ObservationBatch into, bool whole = false)
    {
        Start(format, at, into, whole);
        Finish(page[Feed(page)..]);
    }

    /// <summary>Reads a page as it comes, as <see cref="Parse"/>; holds one line of it at a time.</summary>
    /// <exception cref="SourceException">As for <see cref="Parse"/>, and what the stream throws.</exception>
    public async Task ParseAsync(
        Stream page,
        ExpositionFormat format,
        DateTime at,
        ObservationBatch into,
        bool whole,
        CancellationToken cancellationToken
    )
    {
        Start(format, at, into, whole);
        var buffer = ArrayPool<byte>.Shared.Rent(128 * 1024);
        try
        {
            var held = 0;
            var skipping = false;
            while (true)
            {
                var more = await page.ReadAsync(buffer.AsMemory(held), cancellationToken);
                if (more == 0)
                    break;
                var end = buffer.AsSpan(held, more).IndexOf((byte)'\n');
                held += more;
                if (end < 0)
                {
                    if (skipping)
                        held = 0;
                    else if (held >= LongestLine)
                    {
                        RejectLongLine(buffer.AsSpan(0, held));
                        skipping = true;
                        held = 0;
                    }
                    else if (held == buffer.Length)
                        buffer = Grow(buffer, held);
                    continue;
                }
                var from = skipping ? held - more + end + 1 : 0;
                skipping = false;
                var used = from + Feed(buffer.AsSpan(from, held - from));
                buffer.AsSpan(used, held - used).CopyTo(buffer);
                held -= used;
            }
            Finish(skipping ? "#"u8 : buffer.AsSpan(0, held));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static byte[] Grow(byte[] buffer, int held)
    {
        var larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
        buffer.AsSpan(0, held).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(buffer);
        return larger;
    }

    private void Start(ExpositionFormat newFormat, DateTime newAt, ObservationBatch into, bool isWhole)
    {
        pool.StartRead();
        if (lines.Count > 2 * pool.Capacity + 64)
            Forget();
        (before, now) = (now, before);
        now.Clear();
        guess = 0;
        batch = into;
        format = newFormat;
        at = newAt;
        whole = isWhole;
        line = 0;
        passedOverLength = 0;
        ended = sampled = bad = false;
        firstBad = "";
    }

    private void Forget()
    {
        foreach (var (key, entry) in lines)
            if (entry.Series.Released || entry.Series.LastRead < pool.Read - 1)
                lines.Remove(key);
    }

    private int Feed(ReadOnlySpan<byte> bytes)
    {
        var used = 0;
        while (true)
        {
            var rest = bytes[used..];
            var end = rest.IndexOf((byte)'\n');
            if (end < 0)
                return used;
            line++;
            ReadLine(rest[..end]);
            used += end + 1;
        }
    }

    private void Finish(ReadOnlySpan<byte> rest)
    {
        if (format == ExpositionFormat.OpenMetrics)
        {
            if (!rest.IsEmpty)
            {
                line++;
                ReadLine(rest);
            }
            if (bad && !sampled)
                throw NotMetrics();
            if (!ended)
                throw new SourceException(
                    SourceErrorCode.Truncated,
                    $"{origin} ended after line {line} without '# EOF'; nothing of it is stored. It is read again."
                );
        }
        else
        {
            if (!rest.IsEmpty && (whole || !sampled))
            {
                // A login page need not end with a line feed: say what it is rather than that its end is missing.
                line++;
                ReadLine(rest);
            }
            if (bad && !sampled)
                throw NotMetrics();
            if (!rest.IsEmpty && !whole)
                throw new SourceException(
                    SourceErrorCode.Truncated,
                    $"{origin} ended in the middle of line {line + 1}; nothing of it is stored. It is read again."
                );
        }
        pool.ReportLeftOut(batch);
        batch.SettleRepeats();
    }

    private SourceException NotMetrics() =>
        new(
            SourceErrorCode.NotMetrics,
            $"{origin} did not answer with metrics but with \"{firstBad}\". Check Endpoint (usually .../metrics) and whether a "
                + $"login or proxy page stands before it."
        );

    private void ReadLine(ReadOnlySpan<byte> text)
    {
        if (!text.IsEmpty && text[^1] == '\r')
            text = text[..^1];
        if (!text.IsEmpty && text[0] is (byte)' ' or (byte)'\t')
            text = text.TrimStart(" \t"u8);
        if (text.IsEmpty)
            return;
        if (ended)
            throw new SourceException(
                SourceErrorCode.NotMetrics,
                $"{origin} goes on after '# EOF' at line {line}; nothing of it is stored. Let the exporter write one page."
            );
        if (text[0] == '#')
        {
            if (format == ExpositionFormat.OpenMetrics && text.SequenceEqual("# EOF"u8))
                ended = true;
            return;
        }

        if (guess < before.Count)
        {
            var expected = before[guess];
            if (text.StartsWith(expected.Key) && IsWhole(expected.Key, text) && !expected.Series.Released)
            {
                ReadKnown(expected, text);
                return;
            }
        }
        if (
            passedOverLength > 0
            && sampled
            && text.Length > passedOverLength
            && text[passedOverLength] is (byte)'{' or (byte)' ' or (byte)'\t'
            && text.StartsWith(passedOver.AsSpan(0, passedOverLength))
        )
            return;
        ReadUnexpected(text);
    }

    // Up to its closing brace a line means the same whatever follows; a bare name has to end there.
    private static bool IsWhole(ReadOnlySpan<byte> key, ReadOnlySpan<byte> text)
    {
        if (key[^1] == '}')
            return true;
        var next = key.Length;
        while (next < text.Length && text[next] is (byte)' ' or (byte)'\t')
            next++;
        return next > key.Length && next < text.Length && text[next] != '{';
    }

    private void ReadUnexpected(ReadOnlySpan<byte> text)
    {
        var nameEnd = text.IndexOfAnyExcept(NameBytes);
        if (nameEnd < 0)
            nameEnd = text.Length;
        var name = text[..nameEnd];
        if (
            nameEnd == text.Length
            || text[nameEnd] is not ((byte)'{' or (byte)' ' or (byte)'\t')
            || nameEnd > 0 && char.IsAsciiDigit((char)name[0])
            || nameEnd == 0 && text[0] != '{'
        )
        {
            Malformed(text, "it does not begin with a metric's name and a blank or brace");
            return;
        }
        var brace = nameEnd;
        while (brace < text.Length && text[brace] is (byte)' ' or (byte)'\t')
            brace++;
        var labelled = brace < text.Length && text[brace] == '{';

        string? metric = null;
        if (nameEnd > 0 && !wanted.TryGetValue(name, out metric))
        {
            PassOver(text, name, labelled ? brace : nameEnd, labelled);
            return;
        }
        if (nameEnd == 0 && IsUnwantedQuoted(text))
        {
            PassOver(text, default, 0, true);
            return;
        }
        var keyEnd = nameEnd;
        if (labelled)
        {
            var close = EndOfLabels(text[brace..]);
            if (close < 0)
            {
                Malformed(text, "its labels do not end");
                return;
            }
            keyEnd = brace + close;
        }
        var key = text[..keyEnd];
        if (known.TryGetValue(key, out var entry))
        {
            if (!entry.Series.Released)
            {
                ReadKnown(entry, text);
                return;
            }
            lines.Remove(entry.Key);
        }
        ReadNew(text, key, metric, labelled ? text[(brace + 1)..(keyEnd - 1)] : default);
    }

    // {"hw.energy","hw.id"="gpu0"} 1: the usual place of a quoted name is the first.
    private bool IsUnwantedQuoted(ReadOnlySpan<byte> text)
    {
        if (text.Length < 2 || text[1] != '"')
            return false;
        var length = EndOfString(text[2..]);
        if (length < 0 || length + 3 >= text.Length || text[length + 3] is not ((byte)',' or (byte)'}'))
            return false;
        var name = text.Slice(2, length);
        return !name.Contains((byte)'\\') && !wanted.ContainsKey(name);
    }

    // Until the page has proved to be metrics, even lines that nobody wants are checked.
    private void PassOver(ReadOnlySpan<byte> text, ReadOnlySpan<byte> name, int nameEnd, bool labelled)
    {
        if (!sampled)
        {
            var keyEnd = nameEnd;
            if (labelled)
            {
                var close = EndOfLabels(text[nameEnd..]);
                if (close < 0)
                {
                    Malformed(text, "its labels do not end");
                    return;
                }
                keyEnd += close;
            }
            if (!TryReadValue(text[keyEnd..], out _, out _, out _, out var error))
            {
                Malformed(text, error);
                return;
            }
            sampled = true;
        }
        if (name.IsEmpty || name.Length > passedOver.Length)
            return;
        name.CopyTo(passedOver);
        passedOverLength = name.Length;
    }

    private void ReadNew(ReadOnlySpan<byte> text, ReadOnlySpan<byte> key, string? metric, ReadOnlySpan<byte> labels)
    {
        pairs.Clear();
        string? error;
        try
        {
            error = ReadLabels(labels, ref metric);
        }
        catch (DecoderFallbackException)
        {
            error = "a label is not valid UTF-8";
        }
        if (error is null && metric is null)
            error = "no metric is named";
        if (error is not null)
        {
            Malformed(text, error);
            return;
        }
        // A quoted name is only known now.
        if (!wanted.ContainsKey(Encoding.UTF8.GetBytes(metric!)))
        {
            if (sampled || TryReadValue(text[key.Length..], out _, out _, out _, out error))
                sampled = true;
            else
                Malformed(text, error);
            return;
        }
        if (instance is not null && !pairs.Exists(static pair => pair.Key == "instance" && pair.Value.Length > 0))
            pairs.Add(new("instance", instance));
        if (pool.Intern(provider, metric!, pairs, batch) is not { } series)
        {
            if (TryReadValue(text[key.Length..], out _, out _, out _, out _))
                sampled = true;
            return;
        }
        var entry = new KnownLine(key.ToArray(), series);
        lines.TryAdd(entry.Key, entry);
        ReadKnown(entry, text);
    }

    private void ReadKnown(KnownLine entry, ReadOnlySpan<byte> text)
    {
        if (entry.Order >= 0 && entry.Order < before.Count && before[entry.Order] == entry)
            guess = entry.Order + 1;
        entry.Order = now.Count;
        now.Add(entry);
        if (now.Count > (long)SamplesPerSeries * pool.Capacity)
            throw new SourceException(
                SourceErrorCode.TooLarge,
                $"{origin} sent more than {(long)SamplesPerSeries * pool.Capacity} samples; reading stopped at line {line} and "
                    + $"nothing of it is stored. Select less, or raise MaxSeries."
            );

        var pooled = entry.Series;
        if (!TryReadValue(text[entry.Key.Length..], out var value, out var timestamp, out var number, out var error))
        {
            Malformed(text, error);
            return;
        }
        sampled = true;
        var instant = at;
        if (!timestamp.IsEmpty && !TryReadTimestamp(timestamp, out instant))
        {
            batch.Reject(
                pooled.Series.ToString(),
                null,
                RejectionReason.ImplausibleTimestamp,
                $"The timestamp '{Redaction.Excerpt(timestamp)}' is no time. Let the exporter leave timestamps out."
            );
            return;
        }
        if (!double.IsFinite(value))
        {
            batch.Reject(
                pooled.Series.ToString(),
                instant,
                RejectionReason.NotFinite,
                $"The value '{Redaction.Excerpt(number)}' is not a finite number; it is left out."
            );
            return;
        }
        if (pooled.LastRead == pool.Read)
            batch.MayRepeat = true;
        pooled.LastRead = pool.Read;
        batch.Observations.Add(new Observation(pooled.Series, Sample.At(instant, value)));
    }

    private bool TryReadValue(
        ReadOnlySpan<byte> rest,
        out double value,
        out ReadOnlySpan<byte> timestamp,
        out ReadOnlySpan<byte> number,
        out string error
    )
    {
        timestamp = default;
        error = "";
        var from = 0;
        while (from < rest.Length && rest[from] is (byte)' ' or (byte)'\t')
            from++;
        rest = rest[from..];
        var end = rest.IndexOfAny(Blanks);
        number = end < 0 ? rest : rest[..end];
        if (!NumberText.TryParse(number, out value))
        {
            error =
                number.IsEmpty ? "it has no value"
                : number.Length > NumberText.Longest ? $"its value has {number.Length} characters"
                : "its value is not a number";
            return false;
        }
        if (end < 0)
            return true;
        rest = rest[end..].Trim(" \t"u8);
        if (rest.IsEmpty)
            return true;
        end = rest.IndexOfAny(Blanks);
        timestamp = end < 0 ? rest : rest[..end];
        if (timestamp[0] == '#')
        {
            timestamp = default;
            if (format == ExpositionFormat.OpenMetrics)
                return true;
            error = "something follows its value that only OpenMetrics allows";
            return false;
        }
        if (end < 0)
            return true;
        rest = rest[end..].TrimStart(" \t"u8);
        if (format == ExpositionFormat.OpenMetrics && rest[0] == '#')
            return true;
        error = "something follows its timestamp";
        return false;
    }

    private bool TryReadTimestamp(ReadOnlySpan<byte> text, out DateTime instant)
    {
        instant = default;
        double microseconds;
        if (format == ExpositionFormat.Text)
        {
            if (!Utf8Parser.TryParse(text, out long milliseconds, out var used) || used != text.Length)
                return false;
            microseconds = milliseconds * 1e3;
        }
        else
        {
            if (!NumberText.TryParse(text, out var seconds))
                return false;
            microseconds = Math.Round(seconds * 1e6);
        }
        // From the year 1 to the year 9999, in microseconds around 1970.
        if (!(microseconds is > -62_135_596_800e6 and < 253_402_300_800e6))
            return false;
        instant = DateTime.UnixEpoch.AddTicks((long)microseconds * TimeSpan.TicksPerMicrosecond);
        return true;
    }

    /// <summary>Index after the brace that closes the labels; -1 when none does.</summary>
    private static int EndOfLabels(ReadOnlySpan<byte> text)
    {
        var from = 1;
        while (true)
        {
            var hit = text[from..].IndexOfAny((byte)'"', (byte)'}');
            if (hit < 0)
                return -1;
            from += hit;
            if (text[from] == '}')
                return from + 1;
            var length = EndOfString(text[(from + 1)..]);
            if (length < 0)
                return -1;
            from += length + 2;
        }
    }

    /// <summary>Index of the quotation mark that ends the string; -1 when none does.</summary>
    private static int EndOfString(ReadOnlySpan<byte> text)
    {
        var from = 0;
        while (true)
        {
            var hit = text[from..].IndexOfAny((byte)'"', (byte)'\\');
            if (hit < 0)
                return -1;
            from += hit;
            if (text[from] == '"')
                return from;
            if ((from += 2) > text.Length)
                return -1;
        }
    }

    private string? ReadLabels(ReadOnlySpan<byte> text, ref string? metric)
    {
        while (true)
        {
            text = text.TrimStart(" \t"u8);
            if (text.IsEmpty)
                return null;
            string name;
            var quoted = text[0] == '"';
            if (quoted)
            {
                var length = EndOfString(text[1..]);
                if (length < 0)
                    return "a quotation mark is missing";
                name = Unescape(text.Slice(1, length));
                text = text[(length + 2)..].TrimStart(" \t"u8);
            }
            else
            {
                var length = text.IndexOfAnyExcept(NameBytes);
                if (length <= 0 || char.IsAsciiDigit((char)text[0]))
                    return "a label has no valid name";
                name = Encoding.ASCII.GetString(text[..length]);
                text = text[length..].TrimStart(" \t"u8);
            }
            if (quoted && (text.IsEmpty || text[0] == ','))
            {
                if (metric is not null)
                    return "the metric is named twice";
                metric = name;
            }
            else
            {
                if (text.IsEmpty || text[0] != '=')
                    return "a label has no '='";
                text = text[1..].TrimStart(" \t"u8);
                if (text.IsEmpty || text[0] != '"')
                    return "a label's value is not in quotation marks";
                var length = EndOfString(text[1..]);
                if (length < 0)
                    return "a quotation mark is missing";
                // One more than allowed is enough to refuse the series; a line of nothing but labels costs no more memory than that.
                if (pairs.Count <= SeriesPool.MostLabels)
                    pairs.Add(new(name, Unescape(text.Slice(1, length))));
                text = text[(length + 2)..].TrimStart(" \t"u8);
            }
            if (text.IsEmpty)
                return null;
            if (text[0] != ',')
                return "a comma is missing between labels";
            text = text[1..];
        }
    }

    private static string Unescape(ReadOnlySpan<byte> text)
    {
        if (!text.Contains((byte)'\\'))
            return Strict.GetString(text);
        var plain = ArrayPool<byte>.Shared.Rent(text.Length);
        try
        {
            var length = 0;
            for (var i = 0; i < text.Length; i++)
            {
                if (text[i] != '\\' || i + 1 == text.Length || text[i + 1] is not ((byte)'\\' or (byte)'"' or (byte)'n'))
                {
                    // Prometheus keeps a backslash that escapes nothing.
                    plain[length++] = text[i];
                    continue;
                }
                plain[length++] = text[++i] == 'n' ? (byte)'\n' : text[i];
            }
            return Strict.GetString(plain.AsSpan(0, length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(plain);
        }
    }

    private void Malformed(ReadOnlySpan<byte> text, string error)
    {
        if (!bad)
            firstBad = Redaction.Excerpt(text);
        bad = true;
        batch.Reject(
            string.Create(CultureInfo.InvariantCulture, $"line {line}"),
            null,
            RejectionReason.Malformed,
            $"The line cannot be read: {error}. It begins \"{Redaction.Excerpt(text[..Math.Min(text.Length, 100)])}\". Mend the "
                + $"exporter; the other lines are read."
        );
    }

    private void RejectLongLine(ReadOnlySpan<byte> text)
    {
        line++;
        if (text[0] == '#')
            return;
        if (!sampled && text[0] == '<')
        {
            Malformed(text[..2048], "it is longer than any sample");
            return;
        }
        batch.Reject(
            string.Create(CultureInfo.InvariantCulture, $"line {line}"),
            null,
            RejectionReason.LimitExceeded,
            $"The line has more than {LongestLine} bytes. It begins \"{Redaction.Excerpt(text[..100])}\". Shorten its labels at "
                + $"the exporter; the other lines are read."
        );
    }
}
