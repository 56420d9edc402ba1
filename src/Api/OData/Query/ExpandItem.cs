using Metrics.Api.OData.Model;
using Metrics.Api.OData.Protocol;
using Metrics.Domain.Messages;

namespace Metrics.Api.OData.Query;

/// <summary>One item of $expand.</summary>
/// <param name="Navigation">Navigation property to follow.</param>
/// <param name="Reference">Whether only the address of the entity is wanted.</param>
/// <param name="Select">Its $select; null where there is none.</param>
/// <param name="Expand">Its own $expand; null where there is none.</param>
internal sealed record ExpandItem(Navigation Navigation, bool Reference, string? Select, string? Expand)
{
    /// <summary>Reads the items of $expand of a set.</summary>
    /// <exception cref="ODataError">It cannot be read, names what there is not (400), or asks for what is not supported (501).</exception>
    public static List<ExpandItem> Read(string text, EntitySet set)
    {
        var items = new List<ExpandItem>();
        foreach (var part in Split(text, ','))
        {
            var open = part.IndexOf('(', StringComparison.Ordinal);
            if (open >= 0 && part[^1] != ')')
                throw ODataError.BadRequest("InvalidQuery", $"$expand: '{Spelling.Shorten(part)}' has no closing parenthesis.", "$expand");
            var path = (open < 0 ? part : part[..open]).Trim();
            var reference = path.EndsWith("/$ref", StringComparison.Ordinal);
            if (reference)
                path = path[..^5];
            if (path.Contains("/$count", StringComparison.Ordinal) || path.Contains("$levels", StringComparison.Ordinal))
                throw ODataError.NotSupported($"'{Spelling.Shorten(path)}' in $expand", "$expand");
            var (select, expand) = ReadOptions(open < 0 ? [] : Split(part[(open + 1)..^1], ';'));
            if (reference && (select ?? expand) is not null)
                throw ODataError.BadRequest("InvalidQuery", "$expand: a reference has no properties to select.", "$expand");
            if (path == "*")
            {
                items.AddRange(
                    set.Navigations.Where(navigation => !items.Exists(item => item.Navigation == navigation))
                        .Select(navigation => new ExpandItem(navigation, reference, select, expand))
                );
                continue;
            }
            items.Add(new ExpandItem(Find(set, path), reference, select, expand));
        }
        return items;
    }

    private static (string? Select, string? Expand) ReadOptions(IEnumerable<string> options)
    {
        string? select = null,
            expand = null;
        foreach (var option in options)
        {
            var equals = option.IndexOf('=', StringComparison.Ordinal);
            var name = (equals < 0 ? option : option[..equals]).Trim().TrimStart('$').ToLowerInvariant();
            var value = equals < 0 ? "" : option[(equals + 1)..].Trim();
            if (value.Length == 0)
                throw ODataError.BadRequest("InvalidQuery", $"$expand: '{Spelling.Shorten(option)}' in parentheses is empty.", "$expand");
            switch (name)
            {
                case "select" when select is null:
                    select = value;
                    break;
                case "expand" when expand is null:
                    expand = value;
                    break;
                case "select" or "expand":
                    throw ODataError.BadRequest("InvalidQuery", $"$expand: ${name} is given twice.", "$expand");
                case "filter" or "orderby" or "top" or "skip" or "count" or "search" or "levels" or "compute" or "apply":
                    throw ODataError.NotSupported($"${name} of a single entity within $expand", "$expand");
                default:
                    throw ODataError.BadRequest("InvalidQuery", $"$expand: there is no option '{Spelling.Shorten(name)}'.", "$expand");
            }
        }
        return (select, expand);
    }

    private static Navigation Find(EntitySet set, string path) =>
        set.Navigation(path)
        ?? throw ODataError.BadRequest(
            "UnknownProperty",
            set.Navigations.Count == 0
                ? $"{set.Name} has no navigation property to expand."
                : $"{set.Name} has no navigation property '{Spelling.Shorten(path)}'. There is "
                    + $"{string.Join(", ", set.Navigations.Select(navigation => navigation.Name))}.",
            "$expand"
        );

    // At the character, outside of parentheses and quotes.
    private static List<string> Split(string text, char by)
    {
        var parts = new List<string>();
        var (start, depth, quoted) = (0, 0, false);
        for (var i = 0; i <= text.Length; i++)
        {
            if (i < text.Length && text[i] == '\'')
                quoted = !quoted;
            else if (i < text.Length && !quoted && text[i] == '(')
                depth++;
            else if (i < text.Length && !quoted && text[i] == ')')
                depth--;
            else if (i == text.Length || text[i] == by && depth == 0 && !quoted)
            {
                var part = text[start..i].Trim();
                if (part.Length == 0)
                    throw ODataError.BadRequest("InvalidQuery", "$expand has an empty part.", "$expand");
                parts.Add(part);
                start = i + 1;
            }
        }
        return parts;
    }
}
