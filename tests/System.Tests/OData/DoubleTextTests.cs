using System.Globalization;
using System.Text;
using Metrics.Api.Http;
using Xunit;
using Xunit.Abstractions;

namespace Metrics.SystemTests.OData;

public sealed class DoubleTextTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(0.0, "0")]
    [InlineData(-0.0, "-0")]
    [InlineData(1.0, "1")]
    [InlineData(-17.348259334006055, "-17.348259334006055")]
    [InlineData(0.1, "0.1")]
    [InlineData(0.30000000000000004, "0.30000000000000004")]
    [InlineData(0.0001, "0.0001")]
    [InlineData(0.00001, "1E-05")]
    [InlineData(100.0, "100")]
    [InlineData(123456789012345.0, "123456789012345")]
    [InlineData(1e14, "100000000000000")]
    [InlineData(1e15, "1E+15")]
    [InlineData(1234567890123456.7, "1234567890123456.8")]
    [InlineData(9007199254740993.0, "9007199254740992")]
    [InlineData(1e22, "1E+22")]
    [InlineData(1e23, "1E+23")]
    [InlineData(5e-324, "5E-324")]
    [InlineData(2.2250738585072014e-308, "2.2250738585072014E-308")]
    [InlineData(1.7976931348623157e308, "1.7976931348623157E+308")]
    // 2^-25, which .NET writes as 2.980232238769531E-08; that is the double below.
    [InlineData(2.98023223876953125e-8, "2.9802322387695312E-08")]
    public void Known_numbers(double value, string text) => Assert.Equal(text, Written(value));

    [Fact]
    public void Every_number_reads_back_and_none_is_longer_than_NETs()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("METRICS_SEED"), out var given) ? given : Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        IEnumerable<double> numbers = Enumerable
            .Range(0, 2047)
            .SelectMany(exponent => new[] { -1L, 0, 1 }.Select(off => BitConverter.Int64BitsToDouble(((long)exponent << 52) + off)))
            .Concat(
                Enumerable
                    .Range(-324, 633)
                    .Select(power => double.Parse($"1e{power}", CultureInfo.InvariantCulture))
                    .SelectMany(ten => new[] { ten, -ten, Math.BitIncrement(ten), Math.BitDecrement(ten) })
            )
            .Concat(
                Enumerable
                    .Range(0, 200_000)
                    .SelectMany(i =>
                        new[]
                        {
                            i / 8.0,
                            i / 10.0,
                            BitConverter.Int64BitsToDouble(random.NextInt64()),
                            random.NextDouble() * 1e6,
                            random.Next() * 1e-4,
                        }
                    )
            );
        foreach (var number in numbers.Where(double.IsFinite))
        {
            var text = Written(number);
            Assert.Equal(
                BitConverter.DoubleToInt64Bits(number),
                BitConverter.DoubleToInt64Bits(double.Parse(text, CultureInfo.InvariantCulture))
            );
            var theirs = number.ToString("R", CultureInfo.InvariantCulture);
            if (double.Parse(theirs, CultureInfo.InvariantCulture) == number)
                Assert.True(text.Length <= theirs.Length, $"{text} is longer than {theirs}.");
        }
    }

    private static string Written(double value)
    {
        Span<byte> text = stackalloc byte[DoubleText.MaxLength];
        return Encoding.ASCII.GetString(text[..DoubleText.Write(value, text)]);
    }
}
