namespace Metrics.Domain.Observations;

/// <summary>Patterns for label values: <c>*</c> is any run of characters, <c>?</c> is one character, everything else is itself. The whole
/// text must match; case counts.</summary>
public static class Glob
{
    /// <summary>Whether the whole text matches the pattern. Allocates nothing.</summary>
    /// <remarks>
    /// Only the last star is ever tried again, so the work is at most the length of the text times the longest stretch
    /// between two stars, whatever the pattern: no text can make it explode. A character is a UTF-16 unit.
    /// </remarks>
    public static bool Matches(string pattern, string text)
    {
        int p = 0,
            t = 0,
            star = -1,
            retry = 0;
        while (t < text.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                star = p++;
                retry = t;
            }
            else if (p < pattern.Length && (pattern[p] == '?' || pattern[p] == text[t]))
            {
                p++;
                t++;
            }
            else if (star >= 0)
            {
                // The star takes one character more, and what follows it is tried from there.
                p = star + 1;
                t = ++retry;
            }
            else
            {
                return false;
            }
        }
        while (p < pattern.Length && pattern[p] == '*')
            p++;
        return p == pattern.Length;
    }
}
