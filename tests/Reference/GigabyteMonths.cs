using System.Globalization;

namespace Metrics.Reference;

/// <summary>Storage as bills count it. A month of a bill has its own length, so the same number of gigabyte-months is more in October than
/// in February.</summary>
/// <param name="Count">Gigabytes kept for a month.</param>
/// <remarks><c>default</c> is no storage.</remarks>
public readonly record struct GigabyteMonths(double Count)
{
    /// <summary>Gigabyte-hours in the real hours of a calendar month.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such month.</exception>
    public double HoursIn(int year, int month) =>
        HoursIn(TimeSpan.FromDays(CultureInfo.InvariantCulture.Calendar.GetDaysInMonth(year, month)));

    /// <summary>Gigabyte-hours when a month is taken to have this length, as tools with one length for every month do.</summary>
    public double HoursIn(TimeSpan month) => Count * month.TotalHours;
}
