using System.Globalization;
using Metrics.Api.OData.Protocol;
using Metrics.Domain.Messages;

namespace Metrics.Api.OData.Query;

/// <summary>
/// Reads OData's expressions (4.0's and 4.01's spellings) from the text of an option. What is better checked here than by the database is
/// refused here,
/// with its position, and one set of limits bounds whatever is read, in whichever option it stands.
/// </summary>
/// <param name="text">The option's decoded text.</param>
/// <param name="option">Its name, for messages.</param>
internal sealed partial class ExpressionReader(string text, string option)
{
    /// <summary>Most nodes of one option.</summary>
    public const int MaxNodes = 2_000;

    private const int MaxDepth = 100;
    private const int MaxListed = 1_000;

    /// <summary>Functions with the least and the most arguments that they take.</summary>
    private static readonly Dictionary<string, (int Least, int Most)> Functions = new(StringComparer.OrdinalIgnoreCase)
    {
        ["contains"] = (2, 2),
        ["startswith"] = (2, 2),
        ["endswith"] = (2, 2),
        ["tolower"] = (1, 1),
        ["toupper"] = (1, 1),
        ["trim"] = (1, 1),
        ["length"] = (1, 1),
        ["indexof"] = (2, 2),
        ["substring"] = (2, 3),
        ["concat"] = (2, 2),
        ["year"] = (1, 1),
        ["month"] = (1, 1),
        ["day"] = (1, 1),
        ["hour"] = (1, 1),
        ["minute"] = (1, 1),
        ["second"] = (1, 1),
        ["date"] = (1, 1),
        ["now"] = (0, 0),
        ["round"] = (1, 1),
        ["floor"] = (1, 1),
        ["ceiling"] = (1, 1),
    };

    private static readonly HashSet<string> Unsupported = new(StringComparer.OrdinalIgnoreCase)
    {
        "matchespattern",
        "substringof",
        "hassubset",
        "hassubsequence",
        "fractionalseconds",
        "maxdatetime",
        "mindatetime",
        "time",
        "totaloffsetminutes",
        "totalseconds",
        "cast",
        "isof",
        "case",
        "any",
        "all",
        "geo.distance",
        "geo.length",
        "geo.intersects",
        "replace",
        "years",
        "months",
        "days",
        "hours",
        "minutes",
        "seconds",
    };

    private int nodes;
    private int depth;

    /// <summary>The functions of the published capabilities.</summary>
    public static IEnumerable<string> SupportedFunctions => Functions.Keys.Order(StringComparer.Ordinal);

    /// <summary>Where the reader is, from zero.</summary>
    public int At { get; private set; }

    /// <summary>Whether nothing but blanks is left.</summary>
    public bool AtEnd
    {
        get
        {
            SkipBlanks();
            return At >= text.Length;
        }
    }

    /// <summary>The whole text as one expression.</summary>
    /// <exception cref="ODataError">It is none.</exception>
    public static Expression Parse(string text, string option)
    {
        var reader = new ExpressionReader(text, option);
        var read = reader.Expression();
        reader.End();
        return read;
    }

    /// <summary>Refuses what follows a complete text.</summary>
    public void End()
    {
        if (!AtEnd)
            throw Unexpected("the end");
    }

    /// <summary>An expression, up to what cannot go on with it.</summary>
    public Expression Expression()
    {
        Enter();
        var read = Chain(Operator.Or);
        depth--;
        return read;
    }

    /// <summary>Takes a list, one part after each comma.</summary>
    /// <param name="one">Takes one.</param>
    /// <param name="most">Most of them.</param>
    /// <param name="what">What they are, for the message when there are more.</param>
    public List<T> ReadList<T>(Func<T> one, int most, string what)
    {
        var items = new List<T>();
        do
        {
            if (items.Count == most)
                throw ExpressionText.TooComplex(option, $"has more than {most} {what}");
            items.Add(one());
        } while (Take(','));
        return items;
    }

    /// <summary>Takes what is sorted by: expressions, each with asc or desc.</summary>
    public List<(Expression Expression, bool Descending)> SortItems() => ReadList(SortItem, 8, "parts");

    private (Expression Expression, bool Descending) SortItem()
    {
        var expression = Expression();
        if (TakeWord("desc"))
            return (expression, true);
        TakeWord("asc");
        return (expression, false);
    }

    /// <summary>Takes what is computed: expressions, each with as and its name.</summary>
    public List<(Expression Expression, string Name, int At)> NamedItems() => ReadList(NamedItem, 64, "computed properties");

    private (Expression Expression, string Name, int At) NamedItem()
    {
        var expression = Expression();
        if (!TakeWord("as"))
            throw Unexpected("'as' and a name");
        SkipBlanks();
        return (expression, SimpleName(), At);
    }

    /// <summary>Takes a name without points.</summary>
    public string SimpleName()
    {
        SkipBlanks();
        var at = At;
        var name = Name("a name");
        return name.Contains('.', StringComparison.Ordinal) ? throw Unexpected("a name without points", at) : name;
    }

    /// <summary>Takes the character if it comes next, after blanks.</summary>
    public bool Take(char expected)
    {
        SkipBlanks();
        if (At >= text.Length || text[At] != expected)
            return false;
        At++;
        return true;
    }

    /// <summary>Takes the character, which must come next.</summary>
    public void Require(char expected)
    {
        if (!Take(expected))
            throw Unexpected($"'{expected}'");
    }

    /// <summary>Takes the word, in any case, if it comes next.</summary>
    public bool TakeWord(string expected)
    {
        SkipBlanks();
        if (!Word().Equals(expected, StringComparison.OrdinalIgnoreCase))
            return false;
        At += expected.Length;
        return true;
    }

    /// <summary>Takes a simple name.</summary>
    /// <param name="what">What the name is of, for the message when there is none.</param>
    public string Name(string what)
    {
        SkipBlanks();
        var word = Word();
        if (word.Length == 0 || !(char.IsLetter(word[0]) || word[0] == '_'))
            throw Unexpected(what);
        if (word.Length > 128)
            throw ODataError.BadRequest(
                "InvalidQuery",
                $"{option}: the name at position {Position(At)} is longer than 128 characters.",
                option
            );
        At += word.Length;
        return word.ToString();
    }

    /// <summary>Takes a path: names between slashes.</summary>
    public PathExpression Path(string what)
    {
        SkipBlanks();
        var start = At;
        var path = Name(what);
        while (At + 1 < text.Length && text[At] == '/' && (char.IsLetter(text[At + 1]) || text[At + 1] == '_'))
        {
            At++;
            var name = Name("a property");
            if (At < text.Length && text[At] == '(')
                throw ODataError.NotSupported(
                    $"'{Spelling.Shorten(name)}' behind a path at position {Position(At - name.Length)} of {option}",
                    option
                );
            path += "/" + name;
        }
        Count();
        return new PathExpression(start, path);
    }

    /// <summary>Takes a whole number from zero.</summary>
    public long Integer(string what)
    {
        SkipBlanks();
        var start = At;
        while (At < text.Length && char.IsAsciiDigit(text[At]))
            At++;
        return long.TryParse(text.AsSpan(start, At - start), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw Unexpected(what, start);
    }

    /// <summary>Goes over what another grammar reads.</summary>
    public void Skip(int length) => At += length;

    /// <summary>The word that comes next, without taking it: letters, digits, points and what $ or @ begins.</summary>
    public ReadOnlySpan<char> Word()
    {
        SkipBlanks();
        var end = At;
        if (end < text.Length && text[end] is '$' or '@')
            end++;
        while (end < text.Length && (char.IsLetterOrDigit(text[end]) || text[end] is '_' or '.'))
            end++;
        return text.AsSpan(At, end - At);
    }

    /// <summary>A refusal that names what stands at the reader's place and what should.</summary>
    public ODataError Unexpected(string expected, int? at = null)
    {
        var place = at ?? At;
        var found =
            place >= text.Length ? "the text ends" : $"'{Spelling.Shorten(text[place..Math.Min(text.Length, place + 20)])}' stands there";
        return ODataError.BadRequest(
            "InvalidQuery",
            $"{option}: {expected} is expected at position {Position(place)}, but {found}.",
            option
        );
    }

    /// <summary>A position for people, from one.</summary>
    public static string Position(int at) => (at + 1).ToString(CultureInfo.InvariantCulture);

    /// <summary>Counts a part of the option against its limit.</summary>
    public void Count()
    {
        if (++nodes > MaxNodes)
            throw ExpressionText.TooComplex(option, $"has more than {MaxNodes} nodes");
    }

    /// <summary>Goes one level deeper, if the limit allows it.</summary>
    public void Enter()
    {
        if (++depth > MaxDepth)
            throw ExpressionText.TooComplex(option, $"is nested deeper than {MaxDepth}");
    }

    /// <summary>Comes back from a level.</summary>
    public void Leave() => depth--;

    private void SkipBlanks()
    {
        while (At < text.Length && text[At] is ' ' or '\t' or '\r' or '\n')
            At++;
    }

    // or, then and: any number of operands on one level, so that a list of a thousand is not a thousand deep.
    private Expression Chain(Operator link)
    {
        var start = At;
        var first = link == Operator.Or ? Chain(Operator.And) : Equality();
        List<Expression>? operands = null;
        while (TakeOperator(link == Operator.Or ? "or" : "and"))
        {
            Count();
            operands ??= [first];
            operands.Add(link == Operator.Or ? Chain(Operator.And) : Equality());
        }
        return operands is null ? first : new ChainExpression(start, link, operands);
    }

    private Expression Equality() => Binary(Relation, ("eq", Operator.Eq), ("ne", Operator.Ne));

    private Expression Relation() => Binary(Sum, ("gt", Operator.Gt), ("ge", Operator.Ge), ("lt", Operator.Lt), ("le", Operator.Le));

    private Expression Sum() => Binary(Product, ("add", Operator.Add), ("sub", Operator.Sub));

    private Expression Product() =>
        Binary(Unary, ("mul", Operator.Mul), ("div", Operator.Div), ("divby", Operator.DivBy), ("mod", Operator.Mod));

    private Expression Binary(Func<Expression> operand, params ReadOnlySpan<(string Word, Operator Operator)> operators)
    {
        var start = At;
        var left = operand();
        var levels = 0;
        while (Following(operators) is { } found)
        {
            Count();
            // A long chain is as deep as it is long.
            Enter();
            levels++;
            left = new BinaryExpression(start, found, left, operand());
        }
        depth -= levels;
        return left;
    }

    private Operator? Following(ReadOnlySpan<(string Word, Operator Operator)> operators)
    {
        foreach (var (word, found) in operators)
            if (TakeOperator(word))
                return found;
        return null;
    }

    // An operator stands between blanks; the one before may have been taken by what came before, or be a parenthesis or quote.
    private bool TakeOperator(string word)
    {
        var before = At;
        SkipBlanks();
        if (At > 0 && text[At - 1] is ' ' or '\t' or ')' or '\'' or '\r' or '\n' && Word().Equals(word, StringComparison.OrdinalIgnoreCase))
        {
            At += word.Length;
            return true;
        }
        At = before;
        return false;
    }

    private Expression Unary()
    {
        SkipBlanks();
        var start = At;
        if (Word().Equals("not", StringComparison.OrdinalIgnoreCase) && At + 3 < text.Length && text[At + 3] is ' ' or '(' or '\t')
        {
            At += 3;
            return Deeper(Operator.Not, start);
        }
        if (
            At < text.Length
            && text[At] == '-'
            && !(
                At + 1 < text.Length && (char.IsAsciiDigit(text[At + 1]) || text.AsSpan(At + 1).StartsWith("INF", StringComparison.Ordinal))
            )
        )
        {
            At++;
            return Deeper(Operator.Minus, start);
        }
        return Membership();
    }

    private UnaryExpression Deeper(Operator sign, int start)
    {
        Count();
        Enter();
        var operand = Unary();
        depth--;
        return new UnaryExpression(start, sign, operand);
    }

    private Expression Membership()
    {
        var start = At;
        var operand = Primary();
        if (TakeOperator("has"))
            throw ODataError.NotSupported($"The operator 'has' at position {Position(At - 3)} of {option}", option);
        return TakeOperator("in") ? new InExpression(start, operand, List()) : operand;
    }

    private List<LiteralExpression> List()
    {
        SkipBlanks();
        var open = At;
        if (Word() is ['@', ..])
            throw ODataError.NotSupported($"A parameter alias as the list at position {Position(open)} of {option}", option);
        Require('(');
        var values = new List<LiteralExpression>();
        if (Take(')'))
            return values;
        do
        {
            SkipBlanks();
            if (values.Count == MaxListed)
                throw ExpressionText.TooComplex(option, $"lists more than {MaxListed} values after 'in'");
            if (At < text.Length && text[At] is ',' or ')')
                throw ODataError.BadRequest("InvalidQuery", $"{option}: the list at position {Position(open)} has an empty place.", option);
            values.Add(
                Literal()
                    ?? throw ODataError.NotSupported($"Anything but literals in the list at position {Position(open)} of {option}", option)
            );
        } while (Take(','));
        if (!Take(')'))
            throw At >= text.Length
                ? ODataError.BadRequest(
                    "InvalidQuery",
                    $"{option}: the list that begins at position {Position(open)} is not closed.",
                    option
                )
                : Unexpected("',' or ')'");
        return values;
    }

    private Expression Primary()
    {
        SkipBlanks();
        Count();
        var start = At;
        if (At >= text.Length)
            throw Unexpected("an operand");
        if (Take('('))
        {
            Enter();
            var inner = Chain(Operator.Or);
            depth--;
            if (!Take(')'))
                throw Unexpected("')'");
            return inner;
        }
        if (Literal() is { } literal)
            return literal;
        var word = Word();
        if (word.Length == 0)
            throw Unexpected("an operand");
        if (word[0] == '@')
        {
            if (word.Length == 1)
                throw Unexpected("the name of a parameter alias");
            At += word.Length;
            return new AliasExpression(start, text[start..At]);
        }
        if (word is "$it" && At + 4 < text.Length && text[At + 3] == '/')
        {
            At += 4;
            return Path("a property");
        }
        if (word[0] == '$')
            throw ODataError.NotSupported($"'{Spelling.Shorten(word.ToString())}' at position {Position(start)} of {option}", option);
        var after = At + word.Length;
        if (after < text.Length && text[after] == '(')
            return Call(word.ToString());
        if (word.Contains('.'))
            throw ODataError.BadRequest(
                "InvalidQuery",
                $"{option}: '{Spelling.Shorten(word.ToString())}' at position {Position(start)} is no property.",
                option
            );
        nodes--;
        return Path("a property");
    }

    private CallExpression Call(string name)
    {
        var start = At;
        if (!Functions.TryGetValue(name, out var takes))
        {
            if (Unsupported.Contains(name) || name.Contains('.', StringComparison.Ordinal))
                throw ODataError.NotSupported($"The function '{Spelling.Shorten(name)}' at position {Position(start)} of {option}", option);
            throw ODataError.BadRequest(
                "InvalidQuery",
                $"{option}: there is no function '{Spelling.Shorten(name)}' (position {Position(start)}).",
                option
            );
        }
        At += name.Length + 1;
        Enter();
        var arguments = new List<Expression>();
        if (!Take(')'))
        {
            do arguments.Add(Chain(Operator.Or));
            while (Take(','));
            if (!Take(')'))
                throw Unexpected("',' or ')'");
        }
        depth--;
        if (arguments.Count < takes.Least || arguments.Count > takes.Most)
        {
            var expected =
                takes.Least == takes.Most ? takes.Least.ToString(CultureInfo.InvariantCulture) : $"{takes.Least} or {takes.Most}";
            throw ODataError.BadRequest(
                "InvalidQuery",
                $"{option}: {name} at position {Position(start)} takes {expected} argument{(takes.Most == 1 ? "" : "s")}, not "
                    + $"{arguments.Count}.",
                option
            );
        }
        return new CallExpression(start, name.ToLowerInvariant(), arguments);
    }
}
