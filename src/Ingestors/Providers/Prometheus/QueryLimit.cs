using System.Net;
using System.Text.RegularExpressions;

namespace Metrics.Ingestors.Providers.Prometheus;

/// <summary>In what a refused query is too large.</summary>
internal enum TooLargeIn
{
    /// <summary>The server refused it and named no limit: a smaller one may do, or none.</summary>
    Perhaps,

    /// <summary>It named a limit, and not of what.</summary>
    Anything,

    /// <summary>Samples, points, chunks, bytes or time: less of them lie in a shorter span.</summary>
    Span,

    /// <summary>Series, or the text of the query: fewer metrics have less of them, a shorter span has not.</summary>
    Names,
}

/// <summary>Which refusals of servers that answer like Prometheus are limits of a single query. Each kind of server has its own words and
/// status for them; the same words with other ones tell that the server is busy, and then a smaller query is one more.</summary>
internal static partial class QueryLimit
{
    /// <summary>Null when the refusal is no limit of one query.</summary>
    public static TooLargeIn? Of(HttpStatusCode status, string type, string error)
    {
        var code = (int)status;
        if (code is 401 or 403 or 404 or 429 or 529 || type is "unavailable" or "not_found" || IsBusy(error))
            return null;
        var words = Words(error);
        if (Limit().IsMatch(words))
            return (OfSpan().IsMatch(words), OfNames().IsMatch(words)) switch
            {
                (true, false) => TooLargeIn.Span,
                (false, true) => TooLargeIn.Names,
                _ => TooLargeIn.Anything,
            };
        if (code == 413)
            return TooLargeIn.Anything;
        return code == 422 || type == "timeout" ? TooLargeIn.Perhaps : null;
    }

    /// <summary>Whether the server has too much to do, by many queries and not by the size of one.</summary>
    public static bool IsBusy(string error) => Busy().IsMatch(Words(error));

    /// <summary>What the server says itself, in its first sentence: without the query that it quotes, and without its advice.</summary>
    private static string Words(string error)
    {
        var words = Quoted().Replace(error, " ");
        words = PerSeries().Replace(words, " ");
        var advice = Advice().Match(words);
        return advice.Success && advice.Index > 0 ? words[..advice.Index] : words;
    }

    [GeneratedRegex("\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`", RegexOptions.CultureInvariant)]
    private static partial Regex Quoted();

    [GeneratedRegex(@"\bper[- ]?(?:time)?[- ]?series\b", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex PerSeries();

    [GeneratedRegex(
        @"; |\. |\b(?:consider|possible solutions|try |to adjust|either )",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant
    )]
    private static partial Regex Advice();

    [GeneratedRegex(
        @"limit|exceed|too (?:many|much|large|long|big)|(?:larger|bigger|greater|longer|more) than|\bmax|mustn.t be"
            + @"|not enough memory|out of memory|resource ?_?exhausted",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant
    )]
    private static partial Regex Limit();

    [GeneratedRegex(
        @"sample|point|chunk|byte|range|resolution|memory|\btime\b|timeout|timed out|duration|\blength\b",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant
    )]
    private static partial Regex OfSpan();

    [GeneratedRegex(
        @"series|maxquerylen|expression|query (?:text|string|size)|long query|cardinality",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant
    )]
    private static partial Regex OfNames();

    [GeneratedRegex(
        @"\brate (?:limit|exceed)|rate-limit|throttl|too many (?:\w+ )?requests|too_many_requests|concurren|\bqueue"
            + "|requests per|per second",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant
    )]
    private static partial Regex Busy();
}

/// <summary>The server, or the limits of the source, find a query too large: a smaller one may do.</summary>
/// <param name="said">What was asked and what came back, one sentence.</param>
/// <param name="limit">In what it is too large.</param>
/// <param name="otherwise">What is thrown where no smaller query is left.</param>
internal sealed class QueryTooLargeException(string said, TooLargeIn limit, SourceException otherwise) : Exception(said, otherwise)
{
    public string Said { get; } = said;
    public TooLargeIn Limit { get; } = limit;
    public SourceException Otherwise { get; } = otherwise;
}
