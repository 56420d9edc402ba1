using Metrics.Api.OData.Json;
using Metrics.Api.OData.Model;
using Metrics.Api.OData.Protocol;

namespace Metrics.Api.OData.Query;

/// <summary>A request for rows, from its options to the statements that read it and the shape in which it is told.</summary>
internal sealed class EntityQuery
{
    /// <summary>Deepest $expand within $expand.</summary>
    public const int MaxExpandDepth = 3;

    private readonly QueryContext query;
    private readonly QueryOptions options;
    private readonly bool keys;

    private EntityQuery(QueryContext query, EntitySet set, QueryOptions options, bool keys)
    {
        (this.query, this.options, this.keys) = (query, options, keys);
        Rows = Relation.Of(query, set);
    }

    /// <summary>The rows that are asked for.</summary>
    public Relation Rows { get; private set; }

    /// <summary>Reads them.</summary>
    public PageQuery Page { get; private set; } = null!;

    /// <summary>What is told of each.</summary>
    public Shape Shape { get; private set; } = null!;

    /// <summary>Where the number of a row's part is; null where all have the same members.</summary>
    public int? Part { get; private set; }

    /// <summary>Of one entity behind navigation properties: a column that is null where there is none. Null: there always is one.</summary>
    public int? Present { get; private set; }

    /// <summary>What the context says of <c>$select</c>, <c>$expand</c> and <c>$apply</c>: empty, or names in parentheses.</summary>
    public string Projection { get; private set; } = "";

    /// <summary>The rows of a set that the options ask for.</summary>
    /// <param name="query">What belongs to the request.</param>
    /// <param name="set">Set to read.</param>
    /// <param name="options">What was asked.</param>
    /// <param name="keys">Whether addresses are told, for which the keys are read.</param>
    public static EntityQuery OfSet(QueryContext query, EntitySet set, QueryOptions options, bool keys)
    {
        var asked = new EntityQuery(query, set, options, keys);
        asked.Narrow();
        var order = options.OrderBy is { } by ? asked.Rows.Keys(Items(by), "$orderby") : [];
        asked.Tell("", order);
        return asked;
    }

    /// <summary>How many rows the options ask for.</summary>
    public static PageQuery OfCount(QueryContext query, EntitySet set, QueryOptions options)
    {
        var asked = new EntityQuery(query, set, options, keys: false);
        asked.Narrow();
        return new PageQuery(asked.Rows, query.Parameters, []);
    }

    /// <summary>One entity of a set, or what lies behind its navigation properties.</summary>
    /// <param name="query">What belongs to the request.</param>
    /// <param name="set">Set that the key is of.</param>
    /// <param name="key">Literals of its key.</param>
    /// <param name="path">Navigation properties to follow, with slashes between; empty for the entity itself.</param>
    /// <param name="options">What was asked: $select, $expand and $compute of it.</param>
    /// <param name="keys">Whether addresses are told.</param>
    public static EntityQuery OfEntity(
        QueryContext query,
        EntitySet set,
        IReadOnlyList<object> key,
        string path,
        QueryOptions options,
        bool keys
    )
    {
        var asked = new EntityQuery(query, set, options, keys);
        for (var i = 0; i < set.Key.Count; i++)
            asked.Rows.Where($"{asked.Rows.TryFind(set.Key[i].Name)!.Term.Sql} = {query.Parameters.Add(key[i])}");
        if (options.Compute is { } compute)
        {
            if (path.Length > 0)
                throw ODataError.NotSupported("$compute behind a navigation property", "$compute");
            asked.Rows.With(Named(compute), "$compute");
        }
        asked.Tell(path, []);
        return asked;
    }

    /// <summary>One property of one entity, or of what lies behind its navigation properties; told as <c>value</c>.</summary>
    /// <param name="query">What belongs to the request.</param>
    /// <param name="set">Set that the key is of.</param>
    /// <param name="key">Literals of its key.</param>
    /// <param name="path">Navigation properties to follow; empty for the entity itself.</param>
    /// <param name="property">Its name.</param>
    /// <param name="options">No option but $format.</param>
    public static EntityQuery OfProperty(
        QueryContext query,
        EntitySet set,
        IReadOnlyList<object> key,
        string path,
        string property,
        QueryOptions options
    )
    {
        var asked = OfEntity(query, set, key, path, options, keys: false);
        var column = asked.Rows.TryFind(path.Length == 0 ? property : $"{path}/{property}")!;
        asked.Shape = new Shape([new ValueMember("value", column, asked.Page.Ordinal(column.Term.Sql!)) { Alone = true }]);
        return asked;
    }

    // What the specification applies one after the other, whatever their order in the address.
    private void Narrow()
    {
        if (options.Apply is { } apply)
            Rows = new ApplySql(query).Run(Rows, ApplyReader.Read(apply));
        if (options.Compute is { } compute)
            Rows.With(Named(compute), "$compute");
        if (options.Search is { } search)
            Rows.Where(FreeTextSearch.Condition(query, Rows, search, "$search"));
        if (options.Filter is { } filter)
            Rows.Where(ExpressionReader.Whole(filter, "$filter"), "$filter");
    }

    private static List<(Expression Expression, string Name, int At)> Named(string text)
    {
        var reader = new ExpressionReader(text, "$compute");
        var items = reader.NamedItems();
        reader.End();
        return items;
    }

    private static List<(Expression Expression, bool Descending)> Items(string text)
    {
        var reader = new ExpressionReader(text, "$orderby");
        var items = reader.SortItems();
        reader.End();
        return items;
    }

    private void Tell(string path, IReadOnlyList<SortKey> order)
    {
        Page = new PageQuery(Rows, query.Parameters, Rows.Total(order));
        if (Rows.Entities is { } set)
        {
            if (path.Length > 0)
            {
                var target = Rows.Join(path)!.Value;
                set = target.Set;
                if (target.Nullable)
                    Present = Page.Ordinal(Rows.TryFind($"{path}/{set.Key[0].Name}")!.Term.Sql!);
            }
            var (shape, projection) = EntityShape(set, path.Length == 0 ? "" : path + "/", options.Select, options.Expand, 1);
            (Shape, Projection) = (shape, projection.Length == 0 && Rows.Columns.Count == set.Properties.Count ? "" : projection);
        }
        else
        {
            if (options.Expand is not null)
                throw ODataError.BadRequest("InvalidQuery", "$expand has no meaning for what $apply makes: it is no entity.", "$expand");
            var told = options.Select is null ? Rows.Columns : Chosen(Rows.Columns, options.Select);
            (Shape, Projection) = PathShape(told, "");
        }
        if (Rows.Part is { } part)
            Part = Page.Ordinal(part.Sql!);
    }

    private (Shape Shape, string Projection) EntityShape(EntitySet set, string prefix, string? select, string? expand, int depth)
    {
        var columns = prefix.Length == 0 ? Rows.Columns : [.. set.Properties.Select(property => Rows.TryFind(prefix + property.Name)!)];
        var chosen = select is null ? columns : Chosen(columns, select, prefix);
        var members = chosen.Select(column => (Member)Value(column, prefix)).ToList();
        var computed = prefix.Length == 0 && select is null && columns.Count > set.Properties.Count;
        var names =
            select is null && !computed
            || select is not null && chosen.Count == columns.Count && !computed && select.Contains('*', StringComparison.Ordinal)
                ? []
                : chosen.Select(column => column.Path[prefix.Length..]).ToList();
        var expanded = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in expand is null ? [] : ExpandItem.Read(expand, set))
        {
            if (depth > MaxExpandDepth)
                throw ExpressionText.TooComplex("$expand", $"is nested deeper than {MaxExpandDepth}");
            if (!expanded.Add(item.Navigation.Name))
                throw ODataError.BadRequest("InvalidQuery", $"$expand names {item.Navigation.Name} twice.", "$expand");
            var target = Rows.Join(prefix + item.Navigation.Name)!.Value;
            var inside = $"{prefix}{item.Navigation.Name}/";
            var (shape, projection) = item.Reference
                ? (
                    new Shape([])
                    {
                        Entities = target.Set,
                        Key = Key(target.Set, inside),
                        Reference = true,
                    },
                    ""
                )
                : EntityShape(target.Set, inside, item.Select, item.Expand, depth + 1);
            members.Add(
                new ObjectMember(
                    item.Navigation.Name,
                    shape,
                    target.Nullable ? Page.Ordinal(Rows.TryFind(inside + target.Set.Key[0].Name)!.Term.Sql!) : null
                )
            );
            names.Add(
                item.Reference ? $"{item.Navigation.Name}/$ref" : $"{item.Navigation.Name}{(projection.Length == 0 ? "()" : projection)}"
            );
        }
        return (
            new Shape(members)
            {
                Entities = set,
                Key = keys ? Key(set, prefix) : [],
                Links =
                [
                    .. set
                        .Navigations.Select(navigation => navigation.Name)
                        .Where(name => !expanded.Contains(name))
                        .Select(name => (name, new JsonName(name + "@odata.navigationLink"))),
                ],
            },
            names.Count == 0 ? "" : $"({string.Join(',', names)})"
        );
    }

    private List<int> Key(EntitySet set, string prefix) =>
        [.. set.Key.Select(property => Page.Ordinal(Rows.TryFind(prefix + property.Name)!.Term.Sql!))];

    private ValueMember Value(Column column, string prefix) => new(column.Path[prefix.Length..], column, Page.Ordinal(column.Term.Sql!));

    // Paths as objects within objects: Deployment/Region is told as Deployment with a Region.
    private (Shape Shape, string Projection) PathShape(IReadOnlyList<Column> columns, string prefix)
    {
        var members = new List<Member>();
        var names = new List<string>();
        foreach (var group in columns.GroupBy(column => column.Path[prefix.Length..].Split('/')[0]))
        {
            if (group.Count() == 1 && group.First().Path.Length == prefix.Length + group.Key.Length)
            {
                members.Add(Value(group.First(), prefix));
                names.Add(group.Key);
                continue;
            }
            var (shape, projection) = PathShape([.. group], $"{prefix}{group.Key}/");
            members.Add(new ObjectMember(group.Key, shape, null));
            names.Add(group.Key + projection);
        }
        return (new Shape(members), $"({string.Join(',', names)})");
    }

    private IReadOnlyList<Column> Chosen(IReadOnlyList<Column> columns, string select, string prefix = "")
    {
        var names = select.Split(',', StringSplitOptions.TrimEntries);
        var wanted = new HashSet<Column>();
        foreach (var name in names)
        {
            if (name == "*")
                return columns;
            if (name.IndexOfAny(['(', '$']) >= 0)
                throw ODataError.NotSupported($"'{ExpressionText.Shorten(name)}' in $select", "$select");
            var found = columns
                .Where(column =>
                    column.Path.AsSpan(prefix.Length).SequenceEqual(name)
                    || column.Path.AsSpan(prefix.Length).StartsWith(name + "/", StringComparison.Ordinal)
                )
                .ToList();
            if (found.Count == 0)
            {
                if (prefix.Length == 0 && Rows.Entities is { } entities && entities.Navigation(name.Split('/')[0]) is { } navigation)
                    throw ODataError.BadRequest(
                        "InvalidQuery",
                        $"{navigation.Name} is a navigation property: ask for it by $expand={navigation.Name}($select=...).",
                        "$select"
                    );
                throw ODataError.BadRequest(
                    "UnknownProperty",
                    $"There is no property '{ExpressionText.Shorten(name)}' to select.",
                    "$select"
                );
            }
            wanted.UnionWith(found);
        }
        return [.. columns.Where(wanted.Contains)];
    }

    /// <summary>One item of $expand.</summary>
    private sealed record ExpandItem(Navigation Navigation, bool Reference, string? Select, string? Expand)
    {
        public static List<ExpandItem> Read(string text, EntitySet set)
        {
            var items = new List<ExpandItem>();
            foreach (var part in Split(text, ','))
            {
                var open = part.IndexOf('(', StringComparison.Ordinal);
                if (open >= 0 && part[^1] != ')')
                    throw ODataError.BadRequest(
                        "InvalidQuery",
                        $"$expand: '{ExpressionText.Shorten(part)}' has no closing parenthesis.",
                        "$expand"
                    );
                var path = (open < 0 ? part : part[..open]).Trim();
                var reference = path.EndsWith("/$ref", StringComparison.Ordinal);
                if (reference)
                    path = path[..^5];
                if (path.Contains("/$count", StringComparison.Ordinal) || path.Contains("$levels", StringComparison.Ordinal))
                    throw ODataError.NotSupported($"'{ExpressionText.Shorten(path)}' in $expand", "$expand");
                string? select = null,
                    expand = null;
                foreach (var option in open < 0 ? [] : Split(part[(open + 1)..^1], ';'))
                {
                    var equals = option.IndexOf('=', StringComparison.Ordinal);
                    var name = (equals < 0 ? option : option[..equals]).Trim().TrimStart('$').ToLowerInvariant();
                    var value = equals < 0 ? "" : option[(equals + 1)..].Trim();
                    if (value.Length == 0)
                        throw ODataError.BadRequest(
                            "InvalidQuery",
                            $"$expand: '{ExpressionText.Shorten(option)}' in parentheses is empty.",
                            "$expand"
                        );
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
                            throw ODataError.BadRequest(
                                "InvalidQuery",
                                $"$expand: there is no option '{ExpressionText.Shorten(name)}'.",
                                "$expand"
                            );
                    }
                }
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
                var found = set.Navigation(path)
                    ?? throw ODataError.BadRequest(
                        "UnknownProperty",
                        set.Navigations.Count == 0
                            ? $"{set.Name} has no navigation property to expand."
                            : $"{set.Name} has no navigation property '{ExpressionText.Shorten(path)}'. There is {string.Join(", ", set.Navigations.Select(navigation => navigation.Name))}.",
                        "$expand"
                    );
                items.Add(new ExpandItem(found, reference, select, expand));
            }
            return items;
        }

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
}
