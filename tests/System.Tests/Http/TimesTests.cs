using System.Globalization;
using Metrics.Api.Http;
using Xunit;

namespace Metrics.SystemTests.Http;

/// <summary>How texts about time are read. The clock stands at a Wednesday, 2026-03-18T14:35:20Z.</summary>
public sealed class TimesTests
{
    private static readonly DateTime Now = new(2026, 3, 18, 14, 35, 20, DateTimeKind.Utc);

    [Theory]
    [InlineData("2026", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")]
    [InlineData("2026-02", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z")]
    [InlineData("2026-12", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z")]
    [InlineData("2026-02-28", "2026-02-28T00:00:00Z", "2026-03-01T00:00:00Z")]
    [InlineData("2024-02-29", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z")]
    [InlineData("2026-02-01T05", "2026-02-01T05:00:00Z", "2026-02-01T06:00:00Z")]
    [InlineData("2026-02-01T23", "2026-02-01T23:00:00Z", "2026-02-02T00:00:00Z")]
    [InlineData("2026-02-01T05+02:00", "2026-02-01T03:00:00Z", "2026-02-01T04:00:00Z")]
    [InlineData("2026-02-01T05:30Z", "2026-02-01T05:30:00Z", "2026-02-01T05:30:00Z")]
    [InlineData("2026-02-01T05:30:07Z", "2026-02-01T05:30:07Z", "2026-02-01T05:30:07Z")]
    [InlineData("2026-02-01T00:30:00+02:00", "2026-01-31T22:30:00Z", "2026-01-31T22:30:00Z")]
    [InlineData("2026-02-01T23:30:00-05:45", "2026-02-02T05:15:00Z", "2026-02-02T05:15:00Z")]
    // The + of an offset arrives as a blank where an address did not escape it.
    [InlineData("2026-02-01T00:30:00 02:00", "2026-01-31T22:30:00Z", "2026-01-31T22:30:00Z")]
    [InlineData(" 2026-02-01 ", "2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z")]
    [InlineData("now", "2026-03-18T14:35:20Z", "2026-03-18T14:35:20Z")]
    [InlineData("-30m", "2026-03-18T14:05:20Z", "2026-03-18T14:05:20Z")]
    [InlineData("-12h", "2026-03-18T02:35:20Z", "2026-03-18T02:35:20Z")]
    [InlineData("-7d", "2026-03-11T14:35:20Z", "2026-03-11T14:35:20Z")]
    [InlineData("-2w", "2026-03-04T14:35:20Z", "2026-03-04T14:35:20Z")]
    [InlineData("today", "2026-03-18T00:00:00Z", "2026-03-19T00:00:00Z")]
    [InlineData("Yesterday", "2026-03-17T00:00:00Z", "2026-03-18T00:00:00Z")]
    [InlineData("this-hour", "2026-03-18T14:00:00Z", "2026-03-18T15:00:00Z")]
    [InlineData("last-hour", "2026-03-18T13:00:00Z", "2026-03-18T14:00:00Z")]
    [InlineData("this-week", "2026-03-16T00:00:00Z", "2026-03-23T00:00:00Z")]
    [InlineData("last-week", "2026-03-09T00:00:00Z", "2026-03-16T00:00:00Z")]
    [InlineData("this-month", "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z")]
    [InlineData("last-month", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z")]
    [InlineData("this-year", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")]
    [InlineData("last-year", "2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z")]
    public void A_text_stands_for_its_first_instant_and_the_first_one_after_it(string text, string start, string end)
    {
        Assert.True(Times.TryRead(text, Now, out var time, out _));

        Assert.Equal((Utc(start), Utc(end)), (time.Start, time.End));
        Assert.Equal((DateTimeKind.Utc, DateTimeKind.Utc), (time.Start.Kind, time.End.Kind));
    }

    [Theory]
    [InlineData("")]
    [InlineData("26")]
    [InlineData("2026-2")]
    [InlineData("2026-02-1")]
    [InlineData("2026-13", "There is no such day.")]
    [InlineData("2026-02-29", "There is no such day.")]
    [InlineData("0001-01-01", "There is no such day.")]
    [InlineData("9999", "There is no such day.")]
    [InlineData("2026-02-01T24", "There is no such time of day.")]
    [InlineData("2026-02-01T05:60Z", "There is no such time of day.")]
    [InlineData("2026-02-01T05:30+15:00", "There is no such time of day.")]
    [InlineData("2026-02-01T05:30:00", "It does not say whose time it is: end it with Z for UTC, or with an offset.")]
    [InlineData("2026-02-01 05:30:00")]
    [InlineData("2026-02-01T05:30:00Z'; DROP TABLE hour")]
    [InlineData("02/01/2026")]
    [InlineData("1769904000")]
    [InlineData("7d", "What lies back has a minus: -7d.")]
    [InlineData("+7d", "What lies back has a minus: -7d.")]
    [InlineData("-7x")]
    [InlineData("-999999d")]
    [InlineData("yesterdy", "Nearest is 'yesterday'.")]
    [InlineData("last-mont", "Nearest is 'last-month'.")]
    [InlineData("٢٠٢٦")]
    public void What_is_not_a_time_is_refused_by_name_with_what_can_be_written(string text, string hint = "")
    {
        Assert.Null(Times.From("from", text, Now, out var error));
        Assert.Null(Times.To("to", text, Now, out var ofEnd));

        var because = hint.Length == 0 ? "" : $" {hint}";
        const string allowed =
            "Write 2026, 2026-02, 2026-02-01, 2026-02-01T05, 2026-02-01T05:30:00Z, 2026-02-01T05:30:00%2B02:00 (a + in an address is %2B), "
            + "now, -7d, -12h, -30m, or a word such as today, yesterday, this-month, last-month, this-year.";
        Assert.Equal($"from '{text}' is not a time.{because} {allowed}", error);
        Assert.Equal($"to '{text}' is not a time.{because} {allowed}", ofEnd);
    }

    [Theory]
    // What is written out ends where it starts: from=2026-01 to=2026-02 is January.
    [InlineData("2026-02", "2026-02-01T00:00:00Z")]
    [InlineData("2026-02-01", "2026-02-01T00:00:00Z")]
    // A word ends where what it names ends, and no later than now.
    [InlineData("yesterday", "2026-03-18T00:00:00Z")]
    [InlineData("last-week", "2026-03-16T00:00:00Z")]
    [InlineData("last-month", "2026-03-01T00:00:00Z")]
    [InlineData("last-year", "2026-01-01T00:00:00Z")]
    [InlineData("today", "2026-03-18T14:35:20Z")]
    [InlineData("this-month", "2026-03-18T14:35:20Z")]
    [InlineData("now", "2026-03-18T14:35:20Z")]
    [InlineData("-7d", "2026-03-11T14:35:20Z")]
    public void As_an_end_a_word_means_its_own_end_and_a_written_time_its_start(string text, string end)
    {
        Assert.Equal(Utc(end), Times.To("to", text, Now, out var error));
        Assert.Null(error);
    }

    [Theory]
    [InlineData(TimeStep.None, "2026-03-11T14:35:20Z", "2026-03-18T14:35:20Z")]
    [InlineData(TimeStep.Hour, "2026-03-11T14:00:00Z", "2026-03-18T14:00:00Z")]
    [InlineData(TimeStep.Day, "2026-03-11T00:00:00Z", "2026-03-18T00:00:00Z")]
    [InlineData(TimeStep.Month, "2026-03-01T00:00:00Z", "2026-03-01T00:00:00Z")]
    public void A_time_by_the_clock_is_rounded_down_to_what_is_counted_in(TimeStep step, string from, string to)
    {
        Assert.Equal(Utc(from), Times.From("from", "-7d", Now, out _, step));
        Assert.Equal(Utc(to), Times.To("to", "today", Now, out _, step));
    }

    [Fact]
    public void A_written_time_is_never_rounded()
    {
        Assert.Equal(Utc("2026-02-01T05:30:00Z"), Times.From("from", "2026-02-01T05:30Z", Now, out _, TimeStep.Day));
        Assert.Equal(Utc("2026-02-01T05:30:00Z"), Times.To("to", "2026-02-01T05:30Z", Now, out _, TimeStep.Day));
    }

    [Fact]
    public void A_part_of_a_second_is_kept_to_the_tick()
    {
        Assert.True(Times.TryRead("2026-02-01T05:30:07.1234567Z", Now, out var seven, out _));
        Assert.True(Times.TryRead("2026-02-01T05:30:07.123456789Z", Now, out var nine, out _));
        Assert.True(Times.TryRead("2026-02-01T05:30:07.5Z", Now, out var one, out _));

        Assert.Equal((1_234_567L, 1_234_567L, 5_000_000L), (Part(seven), Part(nine), Part(one)));

        static long Part(TimeText time) => time.Start.Ticks % TimeSpan.TicksPerSecond;
    }

    [Theory]
    [InlineData("90d", "2026-06-16T14:35:20Z")]
    [InlineData("+90d", "2026-06-16T14:35:20Z")]
    [InlineData("12h", "2026-03-19T02:35:20Z")]
    [InlineData("30m", "2026-03-18T15:05:20Z")]
    [InlineData("2w", "2026-04-01T14:35:20Z")]
    [InlineData("2027", "2027-01-01T00:00:00Z")]
    [InlineData("2026-11-01", "2026-11-01T00:00:00Z")]
    [InlineData("2026-11-01T12:00:00+02:00", "2026-11-01T10:00:00Z")]
    public void A_time_to_come_can_be_a_duration_from_now_on(string text, string at)
    {
        Assert.Equal(Utc(at), Times.Expiry("expiresAt", text, Now, out var error));
        Assert.Null(error);
    }

    [Theory]
    [InlineData("2026-03-18", "expiresAt '2026-03-18' is not in the future.")]
    [InlineData("now", "expiresAt 'now' is not in the future.")]
    [InlineData("0d", "expiresAt '0d' is not in the future.")]
    [InlineData("-1d", "expiresAt '-1d' is not in the future.")]
    [InlineData("never", "expiresAt 'never' is not a time to come. Write 90d, 12h or 30m from now on, or a time such as 2027-11-01.")]
    public void A_time_that_is_over_or_none_is_no_time_to_come(string text, string expected)
    {
        Assert.Null(Times.Expiry("expiresAt", text, Now, out var error));
        Assert.Equal(expected, error);
    }

    [Fact]
    public void A_long_text_is_quoted_in_short()
    {
        Assert.Null(Times.From("from", new string('x', 10_000), Now, out var error));

        Assert.StartsWith($"from '{new string('x', 80)}...' is not a time.", error, StringComparison.Ordinal);
    }

    private static DateTime Utc(string text) =>
        DateTime.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal | DateTimeStyles.AssumeUniversal);
}
