using System.Globalization;
using Metrics.Storage.Engine;
using NpgsqlTypes;

namespace Metrics.Storage.Schema;

/// <summary>The days that facts are joined to: 2020 to 2039.</summary>
internal static class CalendarDay
{
    private static readonly DateOnly First = new(2020, 1, 1);
    private static readonly DateOnly Last = new(2039, 12, 31);

    public static RowSet<DateOnly> Table { get; } =
        new(
            "calendar_day",
            ["date"],
            [
                Column.Of("date", NpgsqlDbType.Date, (DateOnly day) => day),
                Column.Of("date_key", NpgsqlDbType.Integer, (DateOnly day) => day.Year * 10_000 + day.Month * 100 + day.Day),
                Column.Of("year", NpgsqlDbType.Integer, (DateOnly day) => day.Year),
                Column.Of("quarter", NpgsqlDbType.Integer, (DateOnly day) => (day.Month + 2) / 3),
                Column.Of("month", NpgsqlDbType.Integer, (DateOnly day) => day.Month),
                Column.Of("day", NpgsqlDbType.Integer, (DateOnly day) => day.Day),
                Column.Of("iso_week", NpgsqlDbType.Integer, (DateOnly day) => ISOWeek.GetWeekOfYear(day.ToDateTime(TimeOnly.MinValue))),
                Column.Of("weekday", NpgsqlDbType.Integer, (DateOnly day) => ((int)day.DayOfWeek + 6) % 7 + 1),
                Column.Of("month_name", NpgsqlDbType.Text, (DateOnly day) => day.ToString("MMMM", CultureInfo.InvariantCulture)),
                Column.Of("weekday_name", NpgsqlDbType.Text, (DateOnly day) => day.ToString("dddd", CultureInfo.InvariantCulture)),
            ]
        );

    public static IReadOnlyList<DateOnly> All() => [.. Enumerable.Range(0, Last.DayNumber - First.DayNumber + 1).Select(First.AddDays)];
}
