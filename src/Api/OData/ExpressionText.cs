using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Metrics.Api.OData;

/// <summary>
/// The text of a $filter or $orderby before the OData library parses it: what can be told better than by its parser is
/// told here (missing offsets, functions we do not have), and what would cost it too much is stopped.
/// </summary>
internal static partial class ExpressionText
{
    private const int MaxTokens = 20_000;
    private const int MaxDepth = 100;
    private const int MaxListed = 1_000;

    /// <summary>A list after 'in' is given to the parser as a comparison with an alias of this name and the list's number.</summary>
    public const string ListAlias = "@in__";

    private static readonly HashSet<string> Supported = new(StringComparer.OrdinalIgnoreCase)
    {
        "contains", "startswith", "endswith", "tolower", "toupper", "trim", "length", "indexof", "substring", "concat",
        "year", "month", "day", "hour", "minute", "second", "date", "now", "round", "floor", "ceiling",
    };

    private static readonly HashSet<string> KnownElsewhere = new(StringComparer.OrdinalIgnoreCase)
    {
        "matchespattern", "substringof", "hassubset", "hassubsequence", "fractionalseconds", "maxdatetime", "mindatetime", "time",
        "totaloffsetminutes", "totalseconds", "cast", "isof", "case", "any", "all", "geo.distance", "geo.length", "geo.intersects",
        "replace", "years", "months", "days", "hours", "minutes", "seconds",
    };

    private static readonly HashSet<string> Words = new(StringComparer.OrdinalIgnoreCase)
    {
        "and", "or", "not", "in", "eq", "ne", "gt", "ge", "lt", "le", "add", "sub", "mul", "div", "mod", "divby", "has", "asc", "desc",
    };

    /// <summary>The functions of the published capabilities.</summary>
    public static IEnumerable<string> SupportedFunctions => Supported.Order(StringComparer.Ordinal);

    /// <summary>Checks the text and returns it as the OData library's parser understands it.</summary>
    /// <param name="text">The expression.</param>
    /// <param name="option">Query option or alias that it is the value of.</param>
    /// <param name="lists">Takes the literals of each list after an 'in'; see <see cref="ListAlias"/>.</param>
    /// <exception cref="ODataRefusal">The text is too large, or has something in it that is not supported.</exception>
    public static string Prepare(string text, string option, List<IReadOnlyList<string>> lists)
    {
        var prepared = new StringBuilder(text.Length + 16);
        var tokens = 0;
        var depth = 0;
        var afterIn = 0;
        for (var at = 0; at < text.Length;)
        {
            if (++tokens > MaxTokens) throw TooComplex(option, $"has more than {MaxTokens} tokens");
            var start = at;
            var c = text[at];
            if (c == '\'')
            {
                at = EndOfQuoted(text, at, option);
                prepared.Append(text, start, at - start);
                continue;
            }
            if (c == '(' && ++depth > MaxDepth) throw TooComplex(option, $"is nested deeper than {MaxDepth}");
            if (c == '(' && afterIn > 0)
            {
                // The library would read the list as JSON, which knows neither suffixes nor INF, and narrow its numbers.
                at = EndOfList(text, at, option, lists);
                prepared.Length = afterIn - 1;
                prepared.Append("eq ").Append(ListAlias).Append(CultureInfo.InvariantCulture, $"{lists.Count - 1}");
                afterIn = 0;
                depth--;
                continue;
            }
            if (c == ')') depth--;
            if (c != ' ') afterIn = 0;
            if (char.IsAsciiDigit(c))
            {
                afterIn = 0;
                while (at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || text[at] is '.' or ':' or '-' || (text[at] == '+' && at > start))) at++;
                var literal = text[start..at];
                if (IsTimeWithoutOffset(literal))
                {
                    throw OffsetRequired(literal, option);
                }
                prepared.Append(Number().Match(literal) is { Success: true } number ? AsParsed(number) : literal.Length > 10 && literal[10] == 't' ? literal.ToUpperInvariant() : literal);
                continue;
            }
            if (char.IsLetter(c) || c is '_' or '$' or '@')
            {
                while (at < text.Length && (char.IsLetterOrDigit(text[at]) || text[at] is '_' or '.' or '$' or '@')) at++;
                var word = text[start..at];
                if (word[0] == '$') throw ODataRefusal.NotSupported($"'{word}' at position {Position(start)}", option);
                if (at < text.Length && text[at] == '\'' && !Words.Contains(word)) throw Prefixed(word, start, option);
                if (at < text.Length && text[at] == '(' && !Words.Contains(word)) CheckFunction(word, start, option);
                if (word.Equals("has", StringComparison.OrdinalIgnoreCase)) throw ODataRefusal.NotSupported($"The operator 'has' at position {Position(start)}", option);
                // The library has no divby. Its operands are divided as doubles, so it is a multiplication by a double before a
                // div: both have the precedence of divby and bind to the left like it.
                afterIn = word.Equals("in", StringComparison.OrdinalIgnoreCase) ? prepared.Length + 1 : 0;
                if (word.StartsWith(ListAlias, StringComparison.OrdinalIgnoreCase)) throw ODataRefusal.BadRequest("InvalidQuery", $"Parameter aliases do not begin with {ListAlias}.", option);
                prepared.Append(word.Equals("divby", StringComparison.OrdinalIgnoreCase) ? "mul 1e0 div" : word);
                continue;
            }
            prepared.Append(c);
            at++;
        }
        return prepared.ToString();
    }

    // The library types a real by its digits (float, double or decimal) and refuses to mix decimals with doubles. Here every
    // real is a double, and its digits are read again from this text.
    private static string AsParsed(Match number)
    {
        var (digits, suffix) = (number.Groups["digits"].Value, number.Groups["suffix"].Value);
        var real = number.Groups["real"].Length > 0 || digits.Length >= 19 && !long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out _);
        return real || suffix is "m" or "M" or "f" or "F" or "d" or "D" ? digits + "d" : number.Value;
    }

    private static string Position(int index) => (index + 1).ToString(CultureInfo.InvariantCulture);

    private static int EndOfQuoted(string text, int open, string option)
    {
        for (var at = open + 1; at < text.Length; at++)
        {
            if (text[at] == '\0') throw ODataRefusal.BadRequest("InvalidQuery", $"The text at position {Position(open)} holds a NUL character.", option);
            if (text[at] != '\'') continue;
            if (at + 1 < text.Length && text[at + 1] == '\'') at++;
            else return at + 1;
        }
        throw ODataRefusal.BadRequest("InvalidQuery", $"The text that begins at position {Position(open)} has no closing quote; a quote inside a text is written twice.", option);
    }

    // The literals of a list, quoted or not, as they are written.
    private static int EndOfList(string text, int open, string option, List<IReadOnlyList<string>> lists)
    {
        var items = new List<string>();
        var begin = open + 1;
        for (var at = begin; at < text.Length;)
        {
            switch (text[at])
            {
                case '\'':
                    at = EndOfQuoted(text, at, option);
                    continue;
                case '(' or '[' or '{':
                    throw ODataRefusal.NotSupported($"Anything but literals in the list at position {Position(open)}", option);
                case ',' or ')':
                    var item = text[begin..at].Trim();
                    if (item.Length == 0 && (items.Count > 0 || text[at] == ',')) throw ODataRefusal.BadRequest("InvalidQuery", $"The list at position {Position(open)} has an empty place.", option);
                    if (item.Length > 0) items.Add(item);
                    if (items.Count > MaxListed) throw TooComplex(option, $"lists more than {MaxListed} values after 'in'");
                    begin = at + 1;
                    if (text[at++] == ',') continue;
                    lists.Add(items);
                    return at;
            }
            at++;
        }
        throw ODataRefusal.BadRequest("InvalidQuery", $"The list that begins at position {Position(open)} is not closed.", option);
    }

    private static void CheckFunction(string name, int start, string option)
    {
        if (Supported.Contains(name)) return;
        if (KnownElsewhere.Contains(name) || name.StartsWith("geo.", StringComparison.OrdinalIgnoreCase)) throw ODataRefusal.NotSupported($"The function '{name}' at position {Position(start)}", option);
        throw ODataRefusal.BadRequest("InvalidQuery", $"There is no function '{Shorten(name)}' (position {Position(start)}).", option);
    }

    public static ODataRefusal OffsetRequired(string literal, string option) => ODataRefusal.BadRequest("OffsetRequired",
        $"'{literal}' has no offset: write {literal}Z for UTC, or an offset with its plus sign encoded, {literal}%2B02:00.", option);

    /// <summary>Whether it is a point in time that leaves open where.</summary>
    public static bool IsTimeWithoutOffset(string literal) => TimeWithoutOffset().IsMatch(literal);

    private static ODataRefusal Prefixed(string word, int start, string option) => word.ToUpperInvariant() switch
    {
        "DATETIME" or "DATETIMEOFFSET" => ODataRefusal.BadRequest("InvalidQuery",
            $"{word}'...' at position {Position(start)} is OData 3: write the time bare and with its offset, 2026-01-01T00:00:00Z (a plus sign is encoded as %2B).", option),
        "DURATION" or "BINARY" or "GEOGRAPHY" or "GEOMETRY" => ODataRefusal.NotSupported($"A {word} literal at position {Position(start)}", option),
        _ => ODataRefusal.BadRequest("InvalidQuery", $"{Shorten(word)}'...' at position {Position(start)} is no literal of a type used here; enumerations are plain texts.", option),
    };

    public static ODataRefusal TooComplex(string option, string how) => ODataRefusal.BadRequest("QueryTooComplex", $"{option} {how}: ask for less in one request.", option);

    public static string Shorten(string text) => text.Length <= 80 ? text : text[..80] + "...";

    [GeneratedRegex(@"^(?<digits>\d+(?<real>(\.\d+)?([eE][+-]?\d+)?))(?<suffix>[mMfFdDlL]?)$", RegexOptions.CultureInvariant)]
    private static partial Regex Number();

    [GeneratedRegex(@"^\d{4,}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex TimeWithoutOffset();
}
