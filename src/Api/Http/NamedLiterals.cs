using Metrics.Domain.Messages;

namespace Metrics.Api.Http;

/// <summary>One <c>name=literal</c> of a list.</summary>
/// <param name="Name">As written.</param>
/// <param name="Value">A quoted text without its quotes, anything else as written; null for the word <c>null</c>.</param>
/// <param name="IsText">Whether it was quoted.</param>
internal readonly record struct NamedLiteral(string Name, string? Value, bool IsText);

/// <summary>Reads lists as OData writes them in keys and calls: <c>Name='it''s',Other=5</c>, with or without parentheses around.</summary>
internal static class NamedLiterals
{
    private const int Most = 32;

    /// <summary>Reads a list; what cannot be read is added to the errors, each with what would be right.</summary>
    /// <param name="text">The list, decoded.</param>
    /// <param name="what">What it is, for the messages: <c>The key</c>.</param>
    /// <param name="errors">Takes the errors.</param>
    public static List<NamedLiteral> Read(string text, string what, RequestErrors errors)
    {
        var literals = new List<NamedLiteral>();
        text = text.Trim();
        if (text is ['(', .., ')'])
            text = text[1..^1];
        for (var at = 0; at < text.Length; )
        {
            if (literals.Count == Most)
            {
                errors.Key($"{what} has more than {Most} parts.");
                return literals;
            }
            var equals = text.IndexOf('=', at);
            var name = equals < 0 ? "" : text[at..equals].Trim();
            if (name.Length == 0 || name.Contains(',', StringComparison.Ordinal) || name.Contains('\'', StringComparison.Ordinal))
            {
                errors.Key(
                    $"{what} cannot be read from '{Spelling.Shorten(text[at..])}' on: write name=value, separated by commas, "
                        + $"texts in single quotes."
                );
                return literals;
            }
            at = equals + 1;
            while (at < text.Length && text[at] == ' ')
                at++;
            if (at < text.Length && text[at] == '\'')
            {
                var end = EndOfText(text, at);
                if (end < 0)
                {
                    errors.Key(
                        $"{what}: the text of {Spelling.Shorten(name)} has no closing quote; a quote inside a text is written twice."
                    );
                    return literals;
                }
                literals.Add(new NamedLiteral(name, text[(at + 1)..end].Replace("''", "'", StringComparison.Ordinal), true));
                at = end + 1;
                while (at < text.Length && text[at] == ' ')
                    at++;
                if (at < text.Length && text[at] != ',')
                {
                    errors.Key(
                        $"{what}: after the text of {Spelling.Shorten(name)} comes '{Spelling.Shorten(text[at..])}', and a comma "
                            + $"or the end is expected."
                    );
                    return literals;
                }
                at++;
                continue;
            }
            var comma = text.IndexOf(',', at);
            var literal = (comma < 0 ? text[at..] : text[at..comma]).Trim();
            if (literal.Length == 0)
                errors.Key($"{what}: {Spelling.Shorten(name)} has no value.");
            else
                literals.Add(new NamedLiteral(name, literal == "null" ? null : literal, false));
            at = comma < 0 ? text.Length : comma + 1;
        }
        return literals;
    }

    private static int EndOfText(string text, int open)
    {
        for (var at = open + 1; at < text.Length; at++)
        {
            if (text[at] != '\'')
                continue;
            if (at + 1 < text.Length && text[at + 1] == '\'')
                at++;
            else
                return at;
        }
        return -1;
    }
}
