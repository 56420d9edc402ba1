using System.Globalization;
using System.Text;
using Metrics.Domain.Messages;

namespace Metrics.Api.OData.Protocol;

/// <summary>The query options of a request, by their 4.0 names; 4.01's spellings (without $, in any case) are accepted.</summary>
internal sealed class QueryOptions
{
    private static readonly HashSet<string> Known = new(StringComparer.Ordinal)
    {
        "$filter",
        "$select",
        "$expand",
        "$orderby",
        "$top",
        "$skip",
        "$count",
        "$format",
        "$skiptoken",
        "$apply",
        "$compute",
        "$search",
    };

    private static readonly HashSet<string> Unsupported = new(StringComparer.Ordinal)
    {
        "$deltatoken",
        "$index",
        "$levels",
        "$id",
        "$schemaversion",
    };

    private readonly Dictionary<string, string> values = new(StringComparer.Ordinal);
    private readonly List<(string Name, string Raw)> parts = [];

    private QueryOptions() { }

    public string? Filter => values.GetValueOrDefault("$filter");

    public string? Apply => values.GetValueOrDefault("$apply");

    public string? Compute => values.GetValueOrDefault("$compute");

    public string? Search => values.GetValueOrDefault("$search");

    public string? Expand => values.GetValueOrDefault("$expand");

    public string? OrderBy => values.GetValueOrDefault("$orderby");

    public string? Select => values.GetValueOrDefault("$select");

    public string? Format => values.GetValueOrDefault("$format");

    public string? SkipToken => values.GetValueOrDefault("$skiptoken");

    public long? Top { get; private set; }

    public long? Skip { get; private set; }

    public bool Count { get; private set; }

    /// <summary>What a $skiptoken belongs to: everything that decides which rows there are and in which order.</summary>
    public string Binding =>
        string.Join(
            '\n',
            new[] { Filter, OrderBy, Apply, Compute, Search }.Concat(
                Aliases.OrderBy(alias => alias.Key, StringComparer.Ordinal).Select(alias => $"{alias.Key}={alias.Value}")
            )
        );

    /// <summary>Parameter aliases, by name with the @.</summary>
    public IReadOnlyDictionary<string, string> Aliases { get; private set; } = new Dictionary<string, string>();

    /// <summary>Reads a raw query string, with or without its question mark.</summary>
    /// <exception cref="ODataError">An option is unknown, not supported, given twice, empty or not of its type.</exception>
    public static QueryOptions Parse(string query)
    {
        var options = new QueryOptions();
        var aliases = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var part in query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            var given = Decode(equals < 0 ? part : part[..equals]).Trim();
            var value = equals < 0 ? "" : Decode(part[(equals + 1)..]);
            if (given.StartsWith('@'))
            {
                if (!aliases.TryAdd(given, value))
                    throw ODataError.BadRequest("InvalidQuery", $"{Spelling.Shorten(given)} is given twice.", Spelling.Shorten(given));
                options.parts.Add((given, part));
                continue;
            }
            var lower = given.ToLowerInvariant();
            var name = lower.StartsWith('$') ? lower : "$" + lower;
            if (Unsupported.Contains(name))
                throw ODataError.NotSupported($"The query option {name}", name);
            if (!Known.Contains(name))
            {
                if (lower.StartsWith('$'))
                    throw ODataError.BadRequest(
                        "UnknownOption",
                        $"There is no query option {Spelling.Shorten(given)}. There are: "
                            + $"{string.Join(", ", Known.Order(StringComparer.Ordinal))}.",
                        Spelling.Shorten(given)
                    );
                // A custom option: not OData's business, and not repeated in a nextLink, where a key would be shown.
                continue;
            }
            if (!options.values.TryAdd(name, value))
                throw ODataError.BadRequest("InvalidQuery", $"{name} is given twice.", name);
            if (string.IsNullOrWhiteSpace(value))
                throw ODataError.BadRequest("InvalidQuery", $"{name} is empty.", name);
            options.parts.Add((name, part));
        }
        options.Aliases = aliases;
        options.Top = options.Integer("$top");
        options.Skip = options.Integer("$skip");
        options.Count = options.values.GetValueOrDefault("$count")?.Trim() switch
        {
            null => false,
            var value when value.Equals("true", StringComparison.OrdinalIgnoreCase) => true,
            var value when value.Equals("false", StringComparison.OrdinalIgnoreCase) => false,
            var value => throw ODataError.BadRequest(
                "InvalidQuery",
                $"$count is true or false, not '{Spelling.Shorten(value)}'.",
                "$count"
            ),
        };
        return options;
    }

    /// <summary>Refuses every option but those named.</summary>
    public void AllowOnly(string where, params ReadOnlySpan<string> allowed)
    {
        foreach (var name in values.Keys)
        {
            if (!allowed.Contains(name))
                throw ODataError.BadRequest("InvalidQuery", $"{name} has no meaning for {where}.", name);
        }
    }

    /// <summary>Refuses every option that would make something else of the answer of a function than a part of it.</summary>
    public void RejectComposition(string function)
    {
        foreach (var name in values.Keys)
            if (name is not ("$format" or "$top" or "$skip" or "$count"))
                throw ODataError.NotSupported($"The query option {name} on the function {function}", name);
    }

    /// <summary>The query string of the next page: the options as they were sent, but for those that move on.</summary>
    /// <param name="skipToken">Where the next page begins.</param>
    /// <param name="top">Rows still wanted; null for all.</param>
    public string Next(string skipToken, long? top)
    {
        var next = new StringBuilder();
        foreach (var (name, raw) in parts)
        {
            if (name is "$skip" or "$skiptoken" or "$top")
                continue;
            next.Append(next.Length == 0 ? '?' : '&').Append(EscapeIllegal(raw));
        }
        if (top is { } rest)
            next.Append(next.Length == 0 ? '?' : '&').Append("$top=").Append(rest.ToString(CultureInfo.InvariantCulture));
        return next.Append(next.Length == 0 ? '?' : '&').Append("$skiptoken=").Append(skipToken).ToString();
    }

    private static string Decode(string raw) => Uri.UnescapeDataString(raw.Replace('+', ' '));

    // Clients send characters that a URL must not hold; what we send must not.
    private static string EscapeIllegal(string raw)
    {
        foreach (var c in raw)
        {
            if (char.IsAsciiLetterOrDigit(c) || "-._~!$'()*+,;=:@/?%".Contains(c, StringComparison.Ordinal))
                continue;
            var escaped = new StringBuilder(raw.Length + 16);
            foreach (var rune in raw.EnumerateRunes())
            {
                var text = rune.ToString();
                escaped.Append(
                    rune.IsAscii
                    && (char.IsAsciiLetterOrDigit(text[0]) || "-._~!$'()*+,;=:@/?%".Contains(text[0], StringComparison.Ordinal))
                        ? text
                        : Uri.EscapeDataString(text)
                );
            }
            return escaped.ToString();
        }
        return raw;
    }

    private long? Integer(string name)
    {
        if (!values.TryGetValue(name, out var text))
            return null;
        return long.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw ODataError.BadRequest("InvalidQuery", $"{name} is a whole number from 0, not '{Spelling.Shorten(text)}'.", name);
    }
}
