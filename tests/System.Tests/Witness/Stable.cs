using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Metrics.SystemTests.Witness;

/// <summary>
/// Makes what the product tells the same on every day and machine: times of the run, random ids and addresses have placeholders,
/// doubles twelve digits.
/// </summary>
/// <param name="replaced">Texts of this run, such as its folder and address, with what stands in their place.</param>
/// <param name="dates">Whether dates and the like of the run occur in texts, so that every time and day is replaced.</param>
internal sealed partial class Stable(IReadOnlyList<(string Text, string Placeholder)> replaced, bool dates = false)
{
    /// <summary>What stands for a time of the run.</summary>
    public const string Now = "<now>";

    /// <summary>The telemetry ends before this; whatever is later was told by a clock.</summary>
    public static readonly DateTime Clock = new(2026, 6, 1, 0, 0, 0, DateTimeKind.Utc);

    /// <summary>Twelve digits, so that the order in which a sum was made does not matter.</summary>
    public static string Number(double value) => value == 0 ? "0" : value.ToString("G12", CultureInfo.InvariantCulture);

    /// <summary>A time of the telemetry as it is, a time of the run as a placeholder.</summary>
    public static string Instant(DateTime utc) =>
        utc >= Clock ? Now : utc.ToString("yyyy-MM-ddTHH:mm:ss.FFFFFFF", CultureInfo.InvariantCulture) + "Z";

    /// <summary>The same text on every run.</summary>
    public string Text(string text)
    {
        foreach (var (of, placeholder) in replaced)
            text = text.Replace(of, placeholder, StringComparison.Ordinal);
        text = Times().Replace(text, found => dates || Parse(found.Value) >= Clock ? Now : found.Value);
        if (dates)
            text = Days().Replace(text, "<day>");
        text = Ids().Replace(text, found => found.Groups[1].Success ? $"{found.Groups[1].Value}_<id>" : "<id>");
        return Doubles()
            .Replace(text, found =>
                found.Value.Count(char.IsAsciiDigit) > 12
                && double.TryParse(found.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
                    ? Number(value)
                    : found.Value
            );
    }

    /// <summary>JSON, a property a line, in the order in which it was told.</summary>
    /// <param name="json">What was told.</param>
    /// <param name="masked">Names of properties whose values are of the run alone.</param>
    public string Json(JsonElement json, params string[] masked)
    {
        var into = new StringBuilder();
        Write(into, json, 0, indented: true, masked);
        return into.Append('\n').ToString();
    }

    /// <summary>JSON of a line.</summary>
    public string Line(JsonElement json, params string[] masked)
    {
        var into = new StringBuilder();
        Write(into, json, 0, indented: false, masked);
        return into.ToString();
    }

    /// <summary>
    /// Long tables that come with the product are told by their ends, and by a digest of each block between, so that it is seen
    /// where a row changed.
    /// </summary>
    public static IEnumerable<string> Shortened(IReadOnlyList<string> lines)
    {
        const int most = 2_000,
            ends = 20,
            block = 100;
        if (lines.Count <= most)
            return lines;
        return
        [
            .. lines.Take(ends),
            .. lines
                .Skip(ends)
                .SkipLast(ends)
                .Chunk(block)
                .Select(
                    (chunk, i) =>
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"... {chunk.Length} rows from row {ends + i * block + 1}, SHA-256 {Digest(chunk)}"
                        )
                ),
            .. lines.TakeLast(ends),
        ];

        static string Digest(string[] rows) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', rows))));
    }

    /// <summary>A JSON string of the text.</summary>
    public static string Quote(string text) => $"\"{JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";

    private void Write(StringBuilder into, JsonElement json, int depth, bool indented, string[] masked)
    {
        switch (json.ValueKind)
        {
            case JsonValueKind.Object:
                Members(
                    json.EnumerateObject()
                        .Select(member =>
                            (Action)(
                                () =>
                                {
                                    into.Append(Quote(Text(member.Name))).Append(':').Append(indented ? " " : "");
                                    if (masked.Contains(member.Name) && member.Value.ValueKind != JsonValueKind.Null)
                                        into.Append("\"<run>\"");
                                    else
                                        Write(into, member.Value, depth + 1, indented, masked);
                                }
                            )
                        ),
                    '{',
                    '}'
                );
                break;
            case JsonValueKind.Array:
                Members(json.EnumerateArray().Select(item => (Action)(() => Write(into, item, depth + 1, indented, masked))), '[', ']');
                break;
            case JsonValueKind.String:
                into.Append(Quote(Text(json.GetString()!)));
                break;
            case JsonValueKind.Number when json.GetRawText().AsSpan().IndexOfAny('.', 'e', 'E') >= 0:
                into.Append(Number(json.GetDouble()));
                break;
            default:
                into.Append(json.GetRawText());
                break;
        }

        void Members(IEnumerable<Action> members, char open, char close)
        {
            into.Append(open);
            var first = true;
            foreach (var member in members)
            {
                if (!first)
                    into.Append(',');
                if (indented)
                    into.Append('\n').Append(' ', 2 * (depth + 1));
                first = false;
                member();
            }
            if (indented && !first)
                into.Append('\n').Append(' ', 2 * depth);
            into.Append(close);
        }
    }

    private static DateTime Parse(string text)
    {
        const DateTimeStyles utc = DateTimeStyles.AdjustToUniversal | DateTimeStyles.AssumeUniversal;
        return DateTime.TryParse(Uri.UnescapeDataString(text), CultureInfo.InvariantCulture, utc, out var time) ? time : DateTime.MinValue;
    }

    [GeneratedRegex(@"\d{4}-\d\d-\d\d[T ]\d\d(?::|%3A)\d\d(?:(?::|%3A)\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?", RegexOptions.CultureInvariant)]
    private static partial Regex Times();

    [GeneratedRegex(@"\b20\d\d-\d\d-\d\d\b")]
    private static partial Regex Days();

    [GeneratedRegex(@"\b(?:(msg|wh|rule)_)?[0-9a-f]{32}\b")]
    private static partial Regex Ids();

    [GeneratedRegex(@"(?<![\w.])\d+(?:\.\d+(?:[eE][+-]?\d+)?|[eE][+-]?\d+)(?![\w.])")]
    private static partial Regex Doubles();
}
