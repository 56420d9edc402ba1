using System.Collections.Concurrent;
using System.Text.Json;

namespace Metrics.Domain.Messages;

/// <summary>Members of enumerations as people and programs write them: <c>ActiveOnly</c> is <c>active-only</c>.</summary>
public static class Words
{
    private static readonly ConcurrentDictionary<Enum, string> Known = new();

    /// <summary>The word of a member.</summary>
    public static string ToWord<T>(this T value)
        where T : struct, Enum => Known.GetOrAdd(value, static member => JsonNamingPolicy.KebabCaseLower.ConvertName(member.ToString()));

    /// <summary>All words, in the order of the members.</summary>
    public static IEnumerable<string> All<T>()
        where T : struct, Enum => Enum.GetValues<T>().Select(ToWord);

    /// <summary>The member of a word, exactly as <see cref="ToWord"/> writes it; null when there is none.</summary>
    public static T? Find<T>(string word)
        where T : struct, Enum
    {
        // By name alone: Enum.TryParse would take numbers and other cases too.
        foreach (var value in Enum.GetValues<T>())
            if (value.ToWord() == word)
                return value;
        return null;
    }

    /// <summary>The member of a word that was written by <see cref="ToWord"/>.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static T Parse<T>(string word)
        where T : struct, Enum => Find<T>(word) ?? throw new ArgumentException($"'{word}' is no {typeof(T).Name}.", nameof(word));
}
