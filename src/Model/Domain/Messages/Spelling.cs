namespace Metrics.Domain.Messages;

/// <summary>Parts of messages to people: known names that are near to one that is not, and long texts in short.</summary>
public static class Spelling
{
    /// <summary>Characters of each text that are compared, so that the time it takes is bounded.</summary>
    private const int Compared = 100;

    /// <summary>
    /// The known names that take the fewest letters to change, or one more, three at most, as the end of a message:
    /// <c>; near: 'a', 'b'</c>. Empty when none is near.
    /// </summary>
    public static string Near(string name, IEnumerable<string> known)
    {
        var near = Nearest(name, known);
        return near.Count == 0 ? "" : $"; near: {string.Join(", ", near.Select(other => $"'{other}'"))}";
    }

    /// <summary><see cref="Nearest"/> as a sentence after a message: <c> Did you mean 'a' or 'b'?</c> Empty when none is near.</summary>
    public static string DidYouMean(string name, IEnumerable<string> known)
    {
        var near = Nearest(name, known);
        return near.Count == 0 ? "" : $" Did you mean {string.Join(" or ", near.Select(other => $"'{other}'"))}?";
    }

    /// <summary>The known names that take the fewest letters to change, or one more, three at most; the nearest first.</summary>
    public static IReadOnlyList<string> Nearest(string name, IEnumerable<string> known)
    {
        var near = known
            .Select(other => (Name: other, Distance: Distance(name, other)))
            // What has no letter in common is near to nothing.
            .Where(other => other.Distance <= Math.Max(2, name.Length / 4) && other.Distance < name.Length)
            .OrderBy(other => other.Distance)
            .ThenBy(other => other.Name, StringComparer.Ordinal)
            .Take(3)
            .ToList();
        return [.. near.Where(other => other.Distance <= near[0].Distance + 1).Select(other => other.Name)];
    }

    /// <summary>Levenshtein distance: how many characters are inserted, removed or replaced between two texts, whatever their
    /// case.</summary>
    /// <param name="from">One text; its first 100 characters are compared.</param>
    /// <param name="to">The other text; its first 100 characters are compared.</param>
    public static int Distance(ReadOnlySpan<char> from, ReadOnlySpan<char> to)
    {
        from = from[..Math.Min(from.Length, Compared)];
        to = to[..Math.Min(to.Length, Compared)];
        Span<int> row = stackalloc int[Compared + 1];
        for (var j = 0; j <= to.Length; j++)
            row[j] = j;
        for (var i = 1; i <= from.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= to.Length; j++)
            {
                var replaced = diagonal + (char.ToLowerInvariant(from[i - 1]) == char.ToLowerInvariant(to[j - 1]) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }
        return row[to.Length];
    }

    /// <summary>A text as messages quote it: what is longer ends with three dots, and no pair of surrogates is cut in two.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="longest">Characters that are quoted at most.</param>
    public static string Shorten(string text, int longest = 80)
    {
        if (text.Length <= longest)
            return text;
        return text[..(char.IsHighSurrogate(text[longest - 1]) ? longest - 1 : longest)] + "...";
    }
}
