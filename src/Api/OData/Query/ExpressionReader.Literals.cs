using System.Globalization;
using System.Text.RegularExpressions;
using Metrics.Api.OData.Protocol;
using Metrics.Domain.Messages;

namespace Metrics.Api.OData.Query;

/// <summary>Literals: numbers, texts, days and points in time.</summary>
internal sealed partial class ExpressionReader
{
    /// <summary>A literal, if one comes next.</summary>
    public LiteralExpression? Literal()
    {
        SkipBlanks();
        var start = At;
        if (At >= text.Length)
            return null;
        if (text[At] == '\'')
            return new LiteralExpression(start, Quoted());
        if (
            char.IsAsciiDigit(text[At])
            || text[At] == '-' && At + 1 < text.Length && (char.IsAsciiDigit(text[At + 1]) || text[At + 1] == 'I')
        )
        {
            At++;
            while (
                At < text.Length && (char.IsAsciiLetterOrDigit(text[At]) || text[At] is '.' or ':' or '-' || text[At] == '+' && At > start)
            )
                At++;
            return new LiteralExpression(start, Value(text[start..At], start));
        }
        var word = Word().ToString();
        if (At + word.Length < text.Length && text[At + word.Length] == '\'' && word.Length > 0)
            throw Prefixed(word, start);
        if (At + word.Length < text.Length && text[At + word.Length] is '(' or '/')
            return null;
        object? value;
        switch (word)
        {
            case "INF":
                value = double.PositiveInfinity;
                break;
            case "NaN":
                value = double.NaN;
                break;
            case var _ when word.Equals("null", StringComparison.OrdinalIgnoreCase):
                value = null;
                break;
            case var _ when word.Equals("true", StringComparison.OrdinalIgnoreCase):
                value = true;
                break;
            case var _ when word.Equals("false", StringComparison.OrdinalIgnoreCase):
                value = false;
                break;
            default:
                return null;
        }
        At += word.Length;
        return new LiteralExpression(start, value);
    }

    private string Quoted()
    {
        var open = At;
        for (At++; At < text.Length; At++)
        {
            if (text[At] == '\0')
                throw ODataError.BadRequest(
                    "InvalidQuery",
                    $"{option}: the text at position {Position(open)} holds a NUL character.",
                    option
                );
            if (text[At] != '\'')
                continue;
            if (At + 1 < text.Length && text[At + 1] == '\'')
                At++;
            else
            {
                At++;
                return text[(open + 1)..(At - 1)].Replace("''", "'", StringComparison.Ordinal);
            }
        }
        throw ODataError.BadRequest(
            "InvalidQuery",
            $"{option}: the text that begins at position {Position(open)} has no closing quote; a quote inside a text is written twice.",
            option
        );
    }

    private object Value(string literal, int start)
    {
        if (literal == "-INF")
            return double.NegativeInfinity;
        if (Number().Match(literal) is { Success: true } number)
        {
            var (digits, suffix) = (number.Groups["digits"].Value, number.Groups["suffix"].Value);
            if (
                number.Groups["real"].Length == 0
                && suffix is "" or "l" or "L"
                && long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole)
            )
                return whole;
            // Every real number is a double, compared exactly as it is written.
            return double.Parse(digits, NumberStyles.Float, CultureInfo.InvariantCulture);
        }
        if (ExpressionText.IsTimeWithoutOffset(literal))
            throw ExpressionText.OffsetRequired(literal, option);
        if (DateOnly.TryParseExact(literal, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day))
            return day;
        if (Instant().IsMatch(literal))
        {
            // Finer than a microsecond: the rest decides on which side of the store's instants it lies, so seven digits are kept.
            var upper = literal.ToUpperInvariant();
            if (Fraction().Match(upper) is { Success: true } fraction && fraction.Length > 8)
                upper = upper.Remove(fraction.Index + 8, fraction.Length - 8);
            if (DateTimeOffset.TryParse(upper, CultureInfo.InvariantCulture, DateTimeStyles.None, out var time))
                return time.UtcDateTime;
        }
        if (TimeOfDay().IsMatch(literal))
            throw ODataError.NotSupported($"A time of day at position {Position(start)} of {option}", option);
        throw ODataError.BadRequest(
            "InvalidQuery",
            $"{option}: '{Spelling.Shorten(literal)}' at position {Position(start)} is neither a number nor a day nor a "
                + "point in time.",
            option
        );
    }

    private ODataError Prefixed(string word, int start) =>
        word.ToUpperInvariant() switch
        {
            "DATETIME" or "DATETIMEOFFSET" => ODataError.BadRequest(
                "InvalidQuery",
                $"{option}: {word}'...' at position {Position(start)} is OData 3: write the time bare and with its offset, "
                    + "2026-01-01T00:00:00Z (a plus sign is encoded as %2B).",
                option
            ),
            "DURATION" or "BINARY" or "GEOGRAPHY" or "GEOMETRY" => ODataError.NotSupported(
                $"A {word.ToLowerInvariant()} literal at position {Position(start)} of {option}",
                option
            ),
            _ => ODataError.BadRequest(
                "InvalidQuery",
                $"{option}: {Spelling.Shorten(word)}'...' at position {Position(start)} is no literal of a type used "
                    + "here; enumerations are plain texts.",
                option
            ),
        };

    [GeneratedRegex(@"^(?<digits>-?\d+(?<real>(\.\d+)?([eE][+-]?\d+)?))(?<suffix>[mMfFdDlL]?)$", RegexOptions.CultureInvariant)]
    private static partial Regex Number();

    [GeneratedRegex(
        @"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,12})?)?(Z|[+-]\d\d:\d\d)$",
        RegexOptions.CultureInvariant | RegexOptions.IgnoreCase
    )]
    private static partial Regex Instant();

    [GeneratedRegex(@"\.\d+", RegexOptions.CultureInvariant)]
    private static partial Regex Fraction();

    [GeneratedRegex(@"^\d\d:\d\d(:\d\d(\.\d+)?)?$", RegexOptions.CultureInvariant)]
    private static partial Regex TimeOfDay();
}
