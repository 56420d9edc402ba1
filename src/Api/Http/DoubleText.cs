using System.Numerics;

namespace Metrics.Api.Http;

/// <summary>
/// Doubles as the shortest text that reads back as the same double, and the nearest of several, in a third of the time of
/// <c>double.TryFormat</c>: more than half of the time of a page was that.
/// An exponent stands where the other way would be longer or hold more than 17 digits, from 1E+15 on, and below 0.0001.
/// </summary>
/// <remarks>
/// The algorithm is Schubfach: Raffaello Giulietti, "The Schubfach way to render doubles" (2020). Of the multiples of a power of ten that
/// is just smaller than the spacing of doubles,
/// one or two lie between the double's neighbours' midpoints; whether a shorter one does is seen from their tenths. The products are of 64
/// and 128 bits and rounded to odd, which keeps every comparison exact.
/// .NET's own text of some powers of two reads back as their neighbour: 2.980232238769531E-08 is not 2^-25, 2.9802322387695312E-08 is.
/// </remarks>
internal static class DoubleText
{
    /// <summary>Most bytes of a text, as of -1.2345678901234567E-308.</summary>
    public const int MaxLength = 24;

    private const int LeastPower = -292,
        LargestPower = 324;

    // 00 to 99.
    private static ReadOnlySpan<byte> Pairs =>
        "0001020304050607080910111213141516171819"u8
        + "2021222324252627282930313233343536373839"u8
        + "4041424344454647484950515253545556575859"u8
        + "6061626364656667686970717273747576777879"u8
        + "8081828384858687888990919293949596979899"u8;

    // 10^k as the upper 128 bits of its binary digits, rounded up.
    private static readonly UInt128[] Powers = [.. Enumerable.Range(LeastPower, LargestPower - LeastPower + 1).Select(PowerOf10)];

    private static UInt128 PowerOf10(int k)
    {
        var shift = 127 - FloorLog2OfPower10(k);
        if (k >= 0)
        {
            var power = BigInteger.Pow(10, k);
            return (UInt128)(shift >= 0 ? power << shift : -(-power >> -shift));
        }
        var divisor = BigInteger.Pow(10, -k);
        return (UInt128)(((BigInteger.One << shift) + divisor - 1) / divisor);
    }

    /// <summary>Writes a number.</summary>
    /// <param name="value">It, finite.</param>
    /// <param name="text">At least <see cref="MaxLength"/> bytes.</param>
    /// <returns>How many bytes were written.</returns>
    public static int Write(double value, Span<byte> text)
    {
        var bits = BitConverter.DoubleToUInt64Bits(value);
        var at = 0;
        if ((long)bits < 0)
            text[at++] = (byte)'-';
        var fraction = bits & 0x000F_FFFF_FFFF_FFFF;
        var exponent = (int)(bits >> 52) & 0x7FF;
        if (exponent == 0 && fraction == 0)
        {
            text[at++] = (byte)'0';
            return at;
        }
        var (digits, power) =
            exponent is >= 1023 and <= 1075 && Whole(fraction, exponent) is > 0 and var whole ? (whole, 0) : Shortest(fraction, exponent);
        while (digits % 10 == 0)
        {
            digits /= 10;
            power++;
        }
        return at + Put(digits, power, text[at..]);
    }

    // A number without a fraction is its own digits; 0 when it has one.
    private static ulong Whole(ulong fraction, int exponent)
    {
        var significand = fraction | 1UL << 52;
        var behind = 1075 - exponent;
        return (significand & (1UL << behind) - 1) == 0 ? significand >> behind : 0;
    }

    private static (ulong Digits, int Power) Shortest(ulong fraction, int exponent)
    {
        var (c, q) = exponent != 0 ? (fraction | 1UL << 52, exponent - 1075) : (fraction, -1074);
        var odd = c & 1;
        // Below a power of two doubles lie twice as close.
        var closer = fraction == 0 && exponent > 1;
        var k = q * 1262611 - (closer ? 524031 : 0) >> 22;
        var h = q + FloorLog2OfPower10(-k) + 1;
        var power = Powers[-k - LeastPower];
        var lower = RoundedToOdd(power, 4 * c - (closer ? 1UL : 2UL) << h) + odd;
        var middle = RoundedToOdd(power, 4 * c << h);
        var upper = RoundedToOdd(power, 4 * c + 2 << h) - odd;
        var s = middle / 4;
        if (s >= 10)
        {
            var tenth = s / 10;
            var (below, above) = (lower <= 40 * tenth, 40 * tenth + 40 <= upper);
            if (below != above)
                return (tenth + (above ? 1UL : 0), k + 1);
        }
        var (down, up) = (lower <= 4 * s, 4 * s + 4 <= upper);
        if (down != up)
            return (s + (up ? 1UL : 0), k);
        var half = 4 * s + 2;
        return (s + (middle > half || middle == half && (s & 1) != 0 ? 1UL : 0), k);
    }

    private static int FloorLog2OfPower10(int k) => k * 1741647 >> 19;

    // The upper 64 bits of a product of 192; the last one is set when anything was cut off.
    private static ulong RoundedToOdd(UInt128 power, ulong factor)
    {
        var low = Math.BigMul((ulong)power, factor, out _);
        var high = Math.BigMul((ulong)(power >> 64), factor, out var between);
        between += low;
        if (between < low)
            high++;
        return high | (between > 1 ? 1UL : 0);
    }

    private static int Put(ulong digits, int power, Span<byte> text)
    {
        Span<byte> written = stackalloc byte[20];
        var from = written.Length;
        while (digits >= 100)
        {
            from -= 2;
            Pairs.Slice((int)(digits % 100) * 2, 2).CopyTo(written[from..]);
            digits /= 100;
        }
        if (digits >= 10)
        {
            from -= 2;
            Pairs.Slice((int)digits * 2, 2).CopyTo(written[from..]);
        }
        else
        {
            written[--from] = (byte)('0' + digits);
        }
        var all = written[from..];
        // How many digits stand before the point; not positive where noughts do between the point and them.
        var point = all.Length + power;
        if (point is > 17 or < -3 || point > Math.Max(all.Length + 4, 15))
            return PutScientific(all, point - 1, text);
        if (point <= 0)
        {
            "0.000"u8[..(2 - point)].CopyTo(text);
            all.CopyTo(text[(2 - point)..]);
            return 2 - point + all.Length;
        }
        if (point >= all.Length)
        {
            all.CopyTo(text);
            text[all.Length..point].Fill((byte)'0');
            return point;
        }
        all[..point].CopyTo(text);
        text[point] = (byte)'.';
        all[point..].CopyTo(text[(point + 1)..]);
        return all.Length + 1;
    }

    private static int PutScientific(ReadOnlySpan<byte> digits, int exponent, Span<byte> text)
    {
        var at = 0;
        text[at++] = digits[0];
        if (digits.Length > 1)
        {
            text[at++] = (byte)'.';
            digits[1..].CopyTo(text[at..]);
            at += digits.Length - 1;
        }
        text[at++] = (byte)'E';
        text[at++] = (byte)(exponent < 0 ? '-' : '+');
        exponent = Math.Abs(exponent);
        if (exponent >= 100)
            text[at++] = (byte)('0' + exponent / 100);
        Pairs.Slice(exponent % 100 * 2, 2).CopyTo(text[at..]);
        return at + 2;
    }
}
