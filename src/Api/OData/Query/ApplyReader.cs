using Metrics.Api.OData.Protocol;
using Metrics.Domain.Messages;

namespace Metrics.Api.OData.Query;

/// <summary>Reads $apply: the aggregation extension's sequences of transformations.</summary>
internal sealed class ApplyReader
{
    private const string Option = "$apply";
    private const int MaxSteps = 64,
        MaxKeys = 32,
        MaxAggregates = 64;

    private static readonly HashSet<string> Unsupported = new(StringComparer.Ordinal)
    {
        "expand",
        "addnested",
        "nest",
        "join",
        "outerjoin",
        "ancestors",
        "descendants",
        "traverse",
        "from",
    };

    /// <summary>The transformations of the published capabilities.</summary>
    public static IReadOnlyList<string> Transformations { get; } =
    [
        "aggregate",
        "groupby",
        "filter",
        "search",
        "compute",
        "orderby",
        "top",
        "skip",
        "concat",
        "identity",
        "topcount",
        "bottomcount",
        "topsum",
        "bottomsum",
        "toppercent",
        "bottompercent",
    ];

    private readonly ExpressionReader reader;
    private readonly string text;
    private int steps;

    private ApplyReader(string text) => (this.text, reader) = (text, new ExpressionReader(text, Option));

    /// <summary>Reads the whole option.</summary>
    /// <exception cref="ODataError">It cannot be read (400), has something that is not supported (501), or is too large.</exception>
    public static IReadOnlyList<Transformation> Read(string text)
    {
        var apply = new ApplyReader(text);
        var sequence = apply.Sequence();
        apply.reader.End();
        return sequence;
    }

    private List<Transformation> Sequence()
    {
        reader.Enter();
        var sequence = new List<Transformation>();
        do
        {
            if (++steps > MaxSteps)
                throw ExpressionText.TooComplex(Option, $"has more than {MaxSteps} transformations");
            sequence.Add(Step());
        } while (reader.Take('/'));
        reader.Leave();
        return sequence;
    }

    private Transformation Step()
    {
        reader.Count();
        var word = reader.Word().ToString();
        var at = reader.At;
        if (word.Length == 0 || word[0] is '$' or '@')
            throw reader.Unexpected("a transformation");
        if (word == "identity")
        {
            reader.Name("a transformation");
            return new IdentityStep(at);
        }
        if (Unsupported.Contains(word) || word.Contains('.', StringComparison.Ordinal))
            throw ODataError.NotSupported(
                $"The transformation '{Spelling.Shorten(word)}' at position {ExpressionReader.Position(at)} of $apply",
                Option
            );
        if (!Transformations.Contains(word))
            throw ODataError.BadRequest(
                "InvalidQuery",
                $"$apply: there is no transformation '{Spelling.Shorten(word)}' (position {ExpressionReader.Position(at)}).",
                Option
            );
        reader.Name("a transformation");
        reader.Require('(');
        Transformation step = word switch
        {
            "aggregate" => new AggregateStep(at, reader.ReadList(Aggregate, MaxAggregates, "aggregates")),
            "groupby" => GroupBy(at),
            "filter" => new FilterStep(at, reader.Expression()),
            "search" => Search(at),
            "compute" => new ComputeStep(at, reader.NamedItems()),
            "orderby" => new OrderByStep(at, reader.SortItems()),
            "top" => new SliceStep(at, reader.Integer("a whole number"), null),
            "skip" => new SliceStep(at, null, reader.Integer("a whole number")),
            "concat" => Concat(at),
            _ => TopBottom(at, word),
        };
        reader.Require(')');
        return step;
    }

    private Aggregate Aggregate()
    {
        var at = reader.At;
        var word = reader.Word().ToString();
        if (word == "$count")
        {
            reader.TakeWord("$count");
            return new Aggregate(at, null, "$count", Alias());
        }
        var value = reader.Expression();
        if (reader.TakeWord("with"))
        {
            var method = reader.Word().ToString();
            var place = reader.At;
            if (method is not ("sum" or "average" or "min" or "max" or "countdistinct"))
            {
                if (method.Length == 0)
                    throw reader.Unexpected("an aggregation method");
                throw ODataError.NotSupported(
                    $"The aggregation method '{Spelling.Shorten(method)}' at position {ExpressionReader.Position(place)} of $apply",
                    Option
                );
            }
            reader.TakeWord(method);
            if (reader.TakeWord("from"))
                throw ODataError.NotSupported($"'from' at position {ExpressionReader.Position(reader.At - 4)} of $apply", Option);
            return new Aggregate(at, value, method, Alias());
        }
        if (value is not PathExpression)
            throw reader.Unexpected("'with' and an aggregation method");
        if (reader.Word() is "from")
            throw ODataError.NotSupported($"'from' at position {ExpressionReader.Position(reader.At)} of $apply", Option);
        return new Aggregate(at, value, null, reader.Word() is "as" ? Alias() : null);
    }

    private string Alias()
    {
        if (!reader.TakeWord("as"))
            throw reader.Unexpected("'as' and a name");
        return reader.SimpleName();
    }

    private GroupByStep GroupBy(int at)
    {
        reader.Require('(');
        var keys = reader.ReadList(Key, MaxKeys, "properties to group by");
        reader.Require(')');
        return new GroupByStep(at, keys, reader.Take(',') ? Sequence() : null);
    }

    private GroupKey Key()
    {
        if (reader.Word() is not "rollup")
            return new GroupKey([reader.Path("a property")], false, false);
        var at = reader.At;
        reader.Name("rollup");
        if (!reader.Take('('))
            throw reader.Unexpected("'('");
        var all = reader.TakeWord("$all");
        if (all && !reader.Take(','))
            throw reader.Unexpected("','");
        var levels = reader.ReadList(() => reader.Path("a property"), MaxKeys, "levels of a rollup");
        reader.Require(')');
        // A single name without $all would be a hierarchy by its qualifier, and there is none.
        return all || levels.Count > 1
            ? new GroupKey(levels, all, true)
            : throw ODataError.NotSupported(
                $"A rollup of one property without $all at position {ExpressionReader.Position(at)} of $apply",
                Option
            );
    }

    private ConcatStep Concat(int at)
    {
        var parts = reader.ReadList<IReadOnlyList<Transformation>>(Sequence, 16, "parts of a concat");
        return parts.Count > 1 ? new ConcatStep(at, parts) : throw reader.Unexpected("','");
    }

    private TopBottomStep TopBottom(int at, string word)
    {
        var place = reader.At;
        var amount = reader.Literal()?.Value switch
        {
            long number and >= 0 => number,
            double number when number >= 0 && !word.EndsWith("count", StringComparison.Ordinal) => number,
            _ => throw reader.Unexpected(
                word.EndsWith("count", StringComparison.Ordinal) ? "a whole number from 0" : "a number from 0",
                place
            ),
        };
        var by =
            word.EndsWith("count", StringComparison.Ordinal) ? TopBottomMethod.Count
            : word.EndsWith("sum", StringComparison.Ordinal) ? TopBottomMethod.Sum
            : TopBottomMethod.Percent;
        if (by == TopBottomMethod.Percent && amount > 100)
            throw reader.Unexpected("a percentage from 0 to 100", place);
        if (!reader.Take(','))
            throw reader.Unexpected("','");
        return new TopBottomStep(at, word[0] == 't', by, amount, reader.Expression());
    }

    // A search has a grammar of its own, up to the parenthesis that closes it.
    private SearchStep Search(int at)
    {
        var (start, depth, quoted) = (reader.At, 0, false);
        var end = start;
        for (; end < text.Length; end++)
        {
            if (text[end] == '\\' && quoted)
                end++;
            else if (text[end] == '"')
                quoted = !quoted;
            else if (!quoted && text[end] == '(')
                depth++;
            else if (!quoted && text[end] == ')' && --depth < 0)
                break;
        }
        if (end >= text.Length)
            throw reader.Unexpected("')'", text.Length);
        reader.Skip(end - start);
        return new SearchStep(at, text[start..end]);
    }
}
