using Metrics.Api.OData.Protocol;

namespace Metrics.Api.OData.Query;

/// <summary>
/// $search: words and "phrases", AND, OR, NOT and parentheses. A row is found when a name that it holds (of a workload, model, region ...)
/// has the word in it, whatever its case.
/// </summary>
internal sealed class FreeTextSearch
{
    private const int MaxTerms = 32;

    private readonly QueryContext query;
    private readonly string text,
        option;
    private readonly List<string> names;
    private int at,
        terms;

    private FreeTextSearch(QueryContext query, Relation rows, string text, string option)
    {
        (this.query, this.text, this.option) = (query, text, option);
        names =
        [
            .. rows
                .Columns.Where(column => column.Property is { Searchable: true })
                .Select(column => query.Dialect.Lower(column.Term.Sql!)),
        ];
        if (names.Count == 0)
            throw ODataError.NotSupported("A search of rows that hold no names", option);
    }

    /// <summary>SQL that holds for the rows that are found.</summary>
    /// <exception cref="ODataError">The text cannot be read, or the rows have nothing to search.</exception>
    public static string Condition(QueryContext query, Relation rows, string text, string option)
    {
        var search = new FreeTextSearch(query, rows, text, option);
        var condition = search.Or(0);
        search.SkipBlanks();
        return search.at == text.Length ? condition : throw search.Unexpected();
    }

    private string Or(int depth)
    {
        if (depth > 20)
            throw ExpressionText.TooComplex(option, "is nested deeper than 20");
        var condition = And(depth);
        while (Word("OR"))
            condition = $"({condition} OR {And(depth)})";
        return condition;
    }

    // What stands side by side is meant together.
    private string And(int depth)
    {
        var condition = Term(depth);
        while (true)
        {
            SkipBlanks();
            if (at == text.Length || text[at] == ')' || Peek("OR"))
                return condition;
            Word("AND");
            condition = $"({condition} AND {Term(depth)})";
        }
    }

    private string Term(int depth)
    {
        if (Word("NOT"))
            return $"(NOT {Term(depth + 1)})";
        SkipBlanks();
        if (at == text.Length)
            throw Unexpected();
        if (text[at] == '(')
        {
            at++;
            var inner = Or(depth + 1);
            SkipBlanks();
            if (at == text.Length || text[at] != ')')
                throw Unexpected();
            at++;
            return inner;
        }
        var word = text[at] == '"' ? Phrase() : SingleWord();
        query.Count(option);
        if (++terms > MaxTerms)
            throw ExpressionText.TooComplex(option, $"has more than {MaxTerms} words");
        var sought = query.Parameters.Add(string.Create(word.Length, word, static (into, from) =>
            {
                // As the databases do: A to Z only.
                for (var i = 0; i < into.Length; i++)
                    into[i] = char.IsAsciiLetterUpper(from[i]) ? (char)(from[i] | 0x20) : from[i];
            }));
        // A name that is not known is not found, and not found is not unknown.
        return $"COALESCE({string.Join(" OR ", names.Select(name => $"{query.Dialect.PositionOf(name, sought)} > 0"))}, FALSE)";
    }

    private string Phrase()
    {
        var phrase = new System.Text.StringBuilder();
        for (at++; at < text.Length && text[at] != '"'; at++)
        {
            if (text[at] == '\\' && at + 1 < text.Length)
                at++;
            phrase.Append(text[at]);
        }
        if (at == text.Length)
            throw ODataError.BadRequest("InvalidQuery", $"{option}: a phrase has no closing quote.", option);
        at++;
        return phrase.Length > 0 && !phrase.ToString().Contains('\0', StringComparison.Ordinal)
            ? phrase.ToString()
            : throw ODataError.BadRequest("InvalidQuery", $"{option}: a phrase is empty.", option);
    }

    private string SingleWord()
    {
        var start = at;
        while (at < text.Length && !char.IsWhiteSpace(text[at]) && text[at] is not ('(' or ')' or '"' or '\0'))
            at++;
        if (at == start)
            throw Unexpected();
        return text[start] != '\''
            ? text[start..at]
            : throw ODataError.BadRequest(
                "InvalidQuery",
                $"{option}: a phrase stands in double quotes, not in single ones (position {ExpressionReader.Position(start)}).",
                option
            );
    }

    private bool Peek(string word) =>
        string.CompareOrdinal(text, at, word, 0, word.Length) == 0
        && (at + word.Length == text.Length || text[at + word.Length] is ' ' or '(' or '"');

    private bool Word(string word)
    {
        SkipBlanks();
        if (!Peek(word))
            return false;
        at += word.Length;
        return true;
    }

    private void SkipBlanks()
    {
        while (at < text.Length && char.IsWhiteSpace(text[at]))
            at++;
    }

    private ODataError Unexpected() =>
        ODataError.BadRequest("InvalidQuery", $"{option}: a word is expected at position {ExpressionReader.Position(at)}.", option);
}
