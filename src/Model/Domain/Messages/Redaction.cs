using System.Text;
using System.Text.RegularExpressions;

namespace Metrics.Domain.Messages;

/// <summary>What other programs said, as messages and logs may quote it.</summary>
public static partial class Redaction
{
    /// <summary>The first hundred characters of a text from outside, on one line, without what looks like a secret.</summary>
    public static string Excerpt(ReadOnlySpan<byte> text)
    {
        var plain = Redact(Encoding.UTF8.GetString(text[..Math.Min(text.Length, 2048)]));
        var line = string.Create(Math.Min(plain.Length, 100), plain, static (into, from) =>
        {
            for (var i = 0; i < into.Length; i++)
                into[i] = char.IsControl(from[i]) || char.IsSurrogate(from[i]) ? ' ' : from[i];
        });
        return line.Trim();
    }

    /// <summary>The text without passwords, tokens and keys.</summary>
    public static string Redact(string text)
    {
        text = UserInfo().Replace(text, "://***@");
        text = Scheme().Replace(text, "$1 ***");
        text = Assignment().Replace(text, "$1***");
        return Opaque().Replace(text, "***");
    }

    [GeneratedRegex(@"://[^/\s@""']{1,200}@", RegexOptions.CultureInvariant)]
    private static partial Regex UserInfo();

    [GeneratedRegex(@"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{4,}", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Scheme();

    [GeneratedRegex(
        @"((?:passw(?:or)?d|pwd|secret|token|api[-_]?key|access[-_]?key|authorization|cookie|session(?:id)?|signature|sig|code)"
            + @"[""']?\s*[:=]\s*[""']?)[^\s""'&<>,;]+",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant
    )]
    private static partial Regex Assignment();

    // Thirty characters without a blank that mix letters and digits are no word of any language, unless they are a setting and its number.
    [GeneratedRegex(
        @"(?<![A-Za-z0-9+=_.-])(?!-{0,2}[A-Za-z._-]+=[0-9]{1,20}(?![A-Za-z0-9+=_-]))"
            + @"(?=[A-Za-z+=_.-]*[0-9])(?=[0-9+=_.-]*[A-Za-z])[A-Za-z0-9+=_.-]{30,}",
        RegexOptions.CultureInvariant
    )]
    private static partial Regex Opaque();
}
