namespace Metrics.Api.Commands;

/// <summary>What follows the word of a command.</summary>
internal static class CommandLine
{
    /// <summary>Words and options in their order; settings such as <c>--Metrics:Storage:Engine=Postgres</c> belong to the configuration and are left out.</summary>
    /// <param name="arguments">The arguments; an option's text stands behind <c>=</c> or a blank.</param>
    /// <param name="options">The command's options, such as <c>--from</c>.</param>
    /// <returns>Name of the option and its text, empty where there is none; of a word the name is null.</returns>
    public static IEnumerable<(string? Option, string Text)> Read(IReadOnlyList<string> arguments, params string[] options)
    {
        for (var i = 0; i < arguments.Count; i++)
        {
            var parts = arguments[i].Split('=', 2);
            if (options.Contains(parts[0], StringComparer.Ordinal))
                yield return (
                    parts[0],
                    parts.Length == 2 ? parts[1]
                    : i + 1 < arguments.Count ? arguments[++i]
                    : ""
                );
            else if (!arguments[i].StartsWith('-'))
                yield return (null, arguments[i]);
            else if (parts.Length == 1)
                i++;
        }
    }
}
