using System.Globalization;

namespace Metrics.Domain.Messages;

/// <summary>Texts, numbers and times as messages to people show them.</summary>
internal static class MessageText
{
    /// <summary>A text shortened, on one line.</summary>
    public static string Show(string text) =>
        Spelling.Shorten(string.Concat(text.Select(character => char.IsControl(character) ? '\uFFFD' : character)));

    /// <summary>The shortest text that reads back as the number.</summary>
    public static string Show(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    /// <summary>A time in UTC, to the microsecond.</summary>
    public static string Show(DateTime instant) => instant.ToString("yyyy-MM-ddTHH:mm:ss.FFFFFF'Z'", CultureInfo.InvariantCulture);
}
