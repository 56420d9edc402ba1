using System.Globalization;

namespace Metrics.Ingestors.Providers;

/// <summary>Numbers as exposition formats, the Prometheus API and CSV write them.</summary>
public static class NumberText
{
    /// <summary>Longest number read. No meter shows more digits; a longer text is an attack or a fault.</summary>
    public const int Longest = 64;

    private static readonly double[] Tens =
    [
        1,
        1e1,
        1e2,
        1e3,
        1e4,
        1e5,
        1e6,
        1e7,
        1e8,
        1e9,
        1e10,
        1e11,
        1e12,
        1e13,
        1e14,
        1e15,
        1e16,
        1e17,
        1e18,
        1e19,
        1e20,
        1e21,
        1e22,
    ];

    /// <summary>Reads a decimal number, <c>NaN</c>, <c>Inf</c>, <c>+Inf</c> or <c>-Inf</c>, correctly rounded. What exceeds a double
    /// becomes an infinity, which the caller refuses.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out double value)
    {
        value = 0;
        if (text.IsEmpty || text.Length > Longest)
            return false;
        var at = 0;
        var negative = text[0] == '-';
        if (negative || text[0] == '+')
            at = 1;

        ulong digits = 0;
        int count = 0,
            fraction = 0;
        for (; at < text.Length && (uint)(text[at] - '0') <= 9; at++, count++)
            if (count < 19)
                digits = digits * 10 + (uint)(text[at] - '0');
        if (at < text.Length && text[at] == '.')
            for (at++; at < text.Length && (uint)(text[at] - '0') <= 9; at++, count++, fraction++)
                if (count < 19)
                    digits = digits * 10 + (uint)(text[at] - '0');
        if (count == 0)
            return TryParseWord(text, negative, out value);

        var exponent = 0;
        if (at < text.Length && (text[at] | 0x20) == 'e')
        {
            at++;
            var down = at < text.Length && text[at] == '-';
            if (down || at < text.Length && text[at] == '+')
                at++;
            var from = at;
            for (; at < text.Length && (uint)(text[at] - '0') <= 9; at++)
                if (exponent < 100_000)
                    exponent = exponent * 10 + (text[at] - '0');
            if (at == from)
                return false;
            if (down)
                exponent = -exponent;
        }
        if (at != text.Length)
            return false;

        // Both parts are exact in a double here, so that one operation rounds once (Clinger's fast path).
        exponent -= fraction;
        if (count <= 19 && digits <= 1UL << 53 && exponent is >= -22 and <= 22)
        {
            value = exponent < 0 ? digits / Tens[-exponent] : digits * Tens[exponent];
            if (negative)
                value = -value;
            return true;
        }
        return double.TryParse(
            text,
            NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent,
            CultureInfo.InvariantCulture,
            out value
        );
    }

    private static bool TryParseWord(ReadOnlySpan<byte> text, bool negative, out double value)
    {
        var word = text[0] is (byte)'-' or (byte)'+' ? text[1..] : text;
        if (System.Text.Ascii.EqualsIgnoreCase(word, "nan"u8))
            value = double.NaN;
        else if (System.Text.Ascii.EqualsIgnoreCase(word, "inf"u8) || System.Text.Ascii.EqualsIgnoreCase(word, "infinity"u8))
            value = negative ? double.NegativeInfinity : double.PositiveInfinity;
        else
        {
            value = 0;
            return false;
        }
        return true;
    }
}
