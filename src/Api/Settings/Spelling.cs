namespace Metrics.Api.Settings;

/// <summary>Names that are near to one that nobody knows.</summary>
public static class Spelling
{
    /// <summary>The known names that take the fewest letters to change, or one more, three at most. Empty when none is near.</summary>
    public static IReadOnlyList<string> Nearest(string name, IEnumerable<string> known)
    {
        var near = known
            .Select(other => (Name: other, Changes: Changes(name.ToUpperInvariant(), other.ToUpperInvariant())))
            // What has no letter in common is near to nothing.
            .Where(other => other.Changes <= Math.Max(2, name.Length / 4) && other.Changes < name.Length)
            .OrderBy(other => other.Changes)
            .ThenBy(other => other.Name, StringComparer.Ordinal)
            .Take(3)
            .ToList();
        return [.. near.Where(other => other.Changes <= near[0].Changes + 1).Select(other => other.Name)];
    }

    /// <summary><see cref="Nearest"/> as the end of a message: <c>; near: 'a', 'b'</c>. Empty when none is near.</summary>
    public static string Near(string name, IEnumerable<string> known) =>
        Nearest(name, known) is { Count: > 0 } near ? $"; near: {string.Join(", ", near.Select(other => $"'{other}'"))}" : "";

    /// <summary><see cref="Nearest"/> as a sentence after a message: <c> Did you mean 'a' or 'b'?</c> Empty when none is near.</summary>
    public static string DidYouMean(string name, IEnumerable<string> known) =>
        Nearest(name, known) is { Count: > 0 } near ? $" Did you mean {string.Join(" or ", near.Select(other => $"'{other}'"))}?" : "";

    // How many letters are put in, left out or exchanged on the way from one to the other.
    private static int Changes(string from, string to)
    {
        var row = Enumerable.Range(0, to.Length + 1).ToArray();
        for (var i = 1; i <= from.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= to.Length; j++)
            {
                var changed = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(changed, Math.Min(row[j], row[j - 1]) + 1);
            }
        }
        return row[^1];
    }
}
