using System.Globalization;
using System.Text.RegularExpressions;
using Metrics.Domain.Messages;

namespace Metrics.Api.Http;

/// <summary>What a time that depends on the clock is rounded down to. Times that are written out are taken as they are.</summary>
public enum TimeStep
{
    /// <summary>Not rounded.</summary>
    None,

    /// <summary>Whole hours of UTC.</summary>
    Hour,

    /// <summary>Whole days of UTC.</summary>
    Day,

    /// <summary>Whole months of UTC.</summary>
    Month,
}

/// <summary>Reads the start or the end of a period: <see cref="Times.From"/> or <see cref="Times.To"/>.</summary>
internal delegate DateTime? TimeReader(string name, string text, DateTime now, out string? error, TimeStep step);

/// <summary>What a text about time stands for.</summary>
/// <param name="Start">First instant, UTC.</param>
/// <param name="End">First instant after it, UTC; of an instant the same as <paramref name="Start"/>.</param>
/// <param name="IsRelative">Whether it depends on the clock: <c>now</c>, <c>-7d</c>, <c>yesterday</c>.</param>
public readonly record struct TimeText(DateTime Start, DateTime End, bool IsRelative);

/// <summary>
/// Reads times, the same for every address and every command: a year, month, day or hour of UTC, an instant with its offset, and times that
/// depend on the clock.
/// </summary>
/// <remarks>
/// As the start of a period each means its first instant. As the end, which is never included, a time that is written out means its first
/// instant too (<c>from=2026-01&amp;to=2026-02</c> is January), and a word means the end of what it names, up to now
/// (<c>from=last-month&amp;to=last-month</c> is last month, <c>to=today</c> is now).
/// </remarks>
public static partial class Times
{
    /// <summary>What can be written, as the end of a message.</summary>
    public const string Allowed =
        "Write 2026, 2026-02, 2026-02-01, 2026-02-01T05, 2026-02-01T05:30:00Z, 2026-02-01T05:30:00%2B02:00 (a + in an address is %2B), "
        + "now, -7d, -12h, -30m, or a word such as today, yesterday, this-month, last-month, this-year.";

    /// <summary>How times are described where parameters are.</summary>
    public const string Description =
        "Year, month, day or hour of UTC (2026, 2026-02, 2026-02-01, 2026-02-01T05), an instant with its offset "
        + "(2026-02-01T05:30:00Z), or relative to now: now, -7d, -12h, -30m, today, yesterday, this-month, last-month ...";

    /// <summary>The words that name a period.</summary>
    public static IReadOnlyList<string> Words { get; } =
    ["today", "yesterday", "this-hour", "last-hour", "this-week", "last-week", "this-month", "last-month", "this-year", "last-year"];

    /// <summary>Reads a text.</summary>
    /// <param name="text">As it was written. A blank before an offset is the + that an address made of it.</param>
    /// <param name="now">The clock, UTC.</param>
    /// <param name="time">What it stands for.</param>
    /// <param name="hint">Why it is not a time, where more can be said than that; else empty.</param>
    public static bool TryRead(string text, DateTime now, out TimeText time, out string hint)
    {
        (time, hint) = (default, "");
        var trimmed = text.Trim();
        if (Relative(trimmed, now) is { } relative)
        {
            time = relative;
            return true;
        }
        if (Written().Match(trimmed) is not { Success: true } match)
        {
            if (Duration().IsMatch(trimmed))
                hint = $" What lies back has a minus: -{trimmed.TrimStart('+')}.";
            else if (Spelling.Nearest(trimmed, Words.Append("now")) is [var near, ..])
                hint = $" Nearest is '{near}'.";
            return false;
        }
        var (year, month, day) = (Number(match, "year"), Number(match, "month"), Number(match, "day"));
        // A year at either end of the calendar would leave it by an offset.
        if (
            year is null or < 2 or 9999
            || month is 0 or > 12
            || day is 0
            || (month is not null && day > DateTime.DaysInMonth(year.Value, month.Value))
        )
        {
            hint = " There is no such day.";
            return false;
        }
        var start = new DateTime(year.Value, month ?? 1, day ?? 1, 0, 0, 0, DateTimeKind.Utc);
        if (Number(match, "hour") is not { } hour)
        {
            time = new(
                start,
                month is null ? start.AddYears(1)
                    : day is null ? start.AddMonths(1)
                    : start.AddDays(1),
                false
            );
            return true;
        }
        var (minute, second) = (Number(match, "minute"), Number(match, "second"));
        var (offsetHour, offsetMinute) = (Number(match, "offsetHour"), Number(match, "offsetMinute"));
        if (hour > 23 || minute > 59 || second > 59 || offsetHour > 14 || offsetMinute > 59)
        {
            hint = " There is no such time of day.";
            return false;
        }
        var hasZone = match.Groups["zone"].Success;
        if (minute is not null && !hasZone)
        {
            hint = " It does not say whose time it is: end it with Z for UTC, or with an offset.";
            return false;
        }
        var offset = new TimeSpan(offsetHour ?? 0, offsetMinute ?? 0, 0);
        var instant = start
            .Add(new TimeSpan(hour, minute ?? 0, second ?? 0))
            .AddTicks(Ticks(match.Groups["fraction"].ValueSpan))
            .Subtract(match.Groups["sign"].Value == "-" ? -offset : offset);
        time = new(instant, minute is null ? instant.AddHours(1) : instant, false);
        return true;
    }

    /// <summary>The start of a period.</summary>
    /// <param name="name">Name of the parameter, option or member, for the message.</param>
    /// <param name="text">As it was written.</param>
    /// <param name="now">The clock, UTC.</param>
    /// <param name="error">What is wrong with it, and what can be written.</param>
    /// <param name="step">What a time that depends on the clock is rounded down to.</param>
    /// <returns>UTC; null when it is not a time.</returns>
    public static DateTime? From(string name, string text, DateTime now, out string? error, TimeStep step = TimeStep.None)
    {
        if (!TryRead(text, now, out var time, out var hint))
        {
            error = Error(name, text, hint);
            return null;
        }
        error = null;
        return time.IsRelative ? Floor(time.Start, step) : time.Start;
    }

    /// <summary>The end of a period, which is not included: of a word its end, up to now, of anything else its first instant.</summary>
    /// <inheritdoc cref="From"/>
    public static DateTime? To(string name, string text, DateTime now, out string? error, TimeStep step = TimeStep.None)
    {
        if (!TryRead(text, now, out var time, out var hint))
        {
            error = Error(name, text, hint);
            return null;
        }
        error = null;
        if (!time.IsRelative)
            return time.Start;
        return Floor(time.End > now ? now : time.End, step);
    }

    /// <summary>A time to come: any of the others, or a duration from now on such as <c>90d</c>, <c>12h</c> or <c>30m</c>.</summary>
    /// <inheritdoc cref="From"/>
    public static DateTime? Expiry(string name, string text, DateTime now, out string? error)
    {
        error = null;
        DateTime? at = null;
        if (Duration().Match(text.Trim()) is { Success: true } match && match.Groups["sign"].Value != "-")
            at = Shift(now, match, 1);
        else if (TryRead(text, now, out var time, out _))
            at = time.Start;
        if (at is null)
            error =
                $"{name} '{Spelling.Shorten(text)}' is not a time to come. Write 90d, 12h or 30m from now on, or a time such as "
                + "2027-11-01.";
        else if (at <= now)
        {
            error = $"{name} '{Spelling.Shorten(text)}' is not in the future.";
            at = null;
        }
        return at;
    }

    /// <summary>The start of the hour, day or month that holds a time.</summary>
    /// <param name="time">UTC.</param>
    /// <param name="step">What it is rounded down to.</param>
    public static DateTime Floor(DateTime time, TimeStep step) =>
        step switch
        {
            TimeStep.Hour => time.AddTicks(-(time.Ticks % TimeSpan.TicksPerHour)),
            TimeStep.Day => time.Date,
            TimeStep.Month => new DateTime(time.Year, time.Month, 1, 0, 0, 0, DateTimeKind.Utc),
            _ => time,
        };

    private static string Error(string name, string text, string hint) =>
        $"{name} '{Spelling.Shorten(text)}' is not a time.{hint} {Allowed}";

    private static TimeText? Relative(string text, DateTime now)
    {
        if (Duration().Match(text) is { Success: true } duration)
            return duration.Groups["sign"].Value == "-" && Shift(now, duration, -1) is { } past ? new(past, past, true) : null;
        var (hour, day) = (Floor(now, TimeStep.Hour), Floor(now, TimeStep.Day));
        var month = Floor(now, TimeStep.Month);
        var year = month.AddMonths(1 - month.Month);
        var week = day.AddDays(-(((int)day.DayOfWeek + 6) % 7));
        return text.ToLowerInvariant() switch
        {
            "now" => new(now, now, true),
            "today" => new(day, day.AddDays(1), true),
            "yesterday" => new(day.AddDays(-1), day, true),
            "this-hour" => new(hour, hour.AddHours(1), true),
            "last-hour" => new(hour.AddHours(-1), hour, true),
            "this-week" => new(week, week.AddDays(7), true),
            "last-week" => new(week.AddDays(-7), week, true),
            "this-month" => new(month, month.AddMonths(1), true),
            "last-month" => new(month.AddMonths(-1), month, true),
            "this-year" => new(year, year.AddYears(1), true),
            "last-year" => new(year.AddYears(-1), year, true),
            _ => null,
        };
    }

    // Five digits at most, so that the sum is a time for centuries; what lies before the year 1 is none.
    private static DateTime? Shift(DateTime now, Match duration, int sign)
    {
        var count = sign * int.Parse(duration.Groups["count"].ValueSpan, CultureInfo.InvariantCulture);
        var span = duration.Groups["unit"].Value switch
        {
            "m" => TimeSpan.FromMinutes(count),
            "h" => TimeSpan.FromHours(count),
            "d" => TimeSpan.FromDays(count),
            _ => TimeSpan.FromDays(7 * count),
        };
        return now - DateTime.MinValue < -span ? null : now + span;
    }

    private static int? Number(Match match, string group) =>
        match.Groups[group] is { Success: true } found ? int.Parse(found.ValueSpan, CultureInfo.InvariantCulture) : null;

    // A tick is the seventh digit; finer ones are cut off.
    private static long Ticks(ReadOnlySpan<char> fraction)
    {
        var ticks = 0L;
        for (var i = 0; i < 7; i++)
            ticks = ticks * 10 + (i < fraction.Length ? fraction[i] - '0' : 0);
        return ticks;
    }

    [GeneratedRegex(
        @"^(?<year>[0-9]{4})(-(?<month>[0-9]{2})(-(?<day>[0-9]{2})"
            + @"(T(?<hour>[0-9]{2})(:(?<minute>[0-9]{2})(:(?<second>[0-9]{2})(\.(?<fraction>[0-9]{1,9}))?)?)?"
            + @"(?<zone>Z|(?<sign>[+\- ])(?<offsetHour>[0-9]{2}):(?<offsetMinute>[0-9]{2}))?)?)?)?$",
        RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant
    )]
    private static partial Regex Written();

    [GeneratedRegex(@"^(?<sign>[+\- ]?)(?<count>[0-9]{1,5})(?<unit>[mhdw])$", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex Duration();
}
