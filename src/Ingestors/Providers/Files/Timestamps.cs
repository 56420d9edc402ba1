namespace Metrics.Ingestors.Providers.Files;

/// <summary>Instants as RFC 3339 writes them.</summary>
internal static class Timestamps
{
    /// <summary>Reads <c>2026-01-01T00:00:00.25+01:00</c>; the offset is required, digits beyond the microsecond are cut off.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out DateTime instant)
    {
        instant = default;
        if (
            text.Length < 20
            || text[4] != '-'
            || text[7] != '-'
            || (text[10] | 0x20) is not ('t' or ' ')
            || text[13] != ':'
            || text[16] != ':'
        )
            return false;
        if (
            !Digits(text[..4], out var year)
            || !Digits(text.Slice(5, 2), out var month)
            || !Digits(text.Slice(8, 2), out var day)
            || !Digits(text.Slice(11, 2), out var hour)
            || !Digits(text.Slice(14, 2), out var minute)
            || !Digits(text.Slice(17, 2), out var second)
        )
            return false;
        if (
            year < 1
            || month is < 1 or > 12
            || day < 1
            || day > DateTime.DaysInMonth(year, month)
            || hour > 23
            || minute > 59
            || second > 59
        )
            return false;

        var at = 19;
        long microseconds = 0;
        if (text[at] == '.')
        {
            var from = ++at;
            long scale = 100_000;
            for (; at < text.Length && char.IsAsciiDigit((char)text[at]); at++, scale /= 10)
                microseconds += (text[at] - '0') * scale;
            if (at == from)
                return false;
        }
        if (at >= text.Length)
            return false;
        var minutes = 0;
        if ((text[at] | 0x20) == 'z')
            at++;
        else
        {
            if (
                text[at] is not ((byte)'+' or (byte)'-')
                || text.Length != at + 6
                || text[at + 3] != ':'
                || !Digits(text.Slice(at + 1, 2), out var hours)
                || !Digits(text.Slice(at + 4, 2), out var rest)
                || hours > 23
                || rest > 59
            )
                return false;
            minutes = hours * 60 + rest;
            if (text[at] == '-')
                minutes = -minutes;
            at += 6;
        }
        if (at != text.Length)
            return false;

        var ticks =
            new DateTime(year, month, day, hour, minute, second, DateTimeKind.Utc).Ticks
            + microseconds * TimeSpan.TicksPerMicrosecond
            - minutes * TimeSpan.TicksPerMinute;
        if (ticks < 0 || ticks > DateTime.MaxValue.Ticks)
            return false;
        instant = new DateTime(ticks, DateTimeKind.Utc);
        return true;
    }

    private static bool Digits(ReadOnlySpan<byte> text, out int value)
    {
        value = 0;
        foreach (var c in text)
        {
            if (!char.IsAsciiDigit((char)c))
                return false;
            value = value * 10 + (c - '0');
        }
        return true;
    }
}
