using Metrics.Api.OData.Json;
using Metrics.Api.OData.Model;
using Metrics.Api.OData.Protocol;
using Metrics.Domain.Messages;

namespace Metrics.Api.OData.Query;

/// <summary>A request for rows, from its options to the statements that read it and the shape in which it is written.</summary>
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

    /// <summary>What is written of each.</summary>
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
    /// <param name="keys">Whether addresses are written, for which the keys are read.</param>
    public static EntityQuery OfSet(QueryContext query, EntitySet set, QueryOptions options, bool keys)
    {
        var result = new EntityQuery(query, set, options, keys);
        result.ApplyOptions();
        var order = options.OrderBy is { } by ? result.Rows.Keys(OrderByItems(by), "$orderby") : [];
        result.Project("", order);
        return result;
    }

    /// <summary>How many rows the options ask for.</summary>
    public static PageQuery OfCount(QueryContext query, EntitySet set, QueryOptions options)
    {
        var result = new EntityQuery(query, set, options, keys: false);
        result.ApplyOptions();
        return new PageQuery(result.Rows, query.Parameters, []);
    }

    /// <summary>One entity of a set, or what lies behind its navigation properties.</summary>
    /// <param name="query">What belongs to the request.</param>
    /// <param name="set">Set that the key is of.</param>
    /// <param name="key">Literals of its key.</param>
    /// <param name="path">Navigation properties to follow, with slashes between; empty for the entity itself.</param>
    /// <param name="options">What was asked: $select, $expand and $compute of it.</param>
    /// <param name="keys">Whether addresses are written.</param>
    public static EntityQuery OfEntity(
        QueryContext query,
        EntitySet set,
        IReadOnlyList<object> key,
        string path,
        QueryOptions options,
        bool keys
    )
    {
        var result = new EntityQuery(query, set, options, keys);
        for (var i = 0; i < set.Key.Count; i++)
            result.Rows.Where($"{result.Rows.TryFind(set.Key[i].Name)!.Term.Sql} = {query.Parameters.Add(key[i])}");
        if (options.Compute is { } compute)
        {
            if (path.Length > 0)
                throw ODataError.NotSupported("$compute behind a navigation property", "$compute");
            result.Rows.With(ComputeItems(compute), "$compute");
        }
        result.Project(path, []);
        return result;
    }

    /// <summary>One property of one entity, or of what lies behind its navigation properties; written as <c>value</c>.</summary>
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
        var result = OfEntity(query, set, key, path, options, keys: false);
        var column = result.Rows.TryFind(path.Length == 0 ? property : $"{path}/{property}")!;
        result.Shape = new Shape([new ValueMember("value", column, result.Page.Ordinal(column.Term.Sql!)) { Alone = true }]);
        return result;
    }

    // What the specification applies one after the other, whatever their order in the address.
    private void ApplyOptions()
    {
        if (options.Apply is { } apply)
            Rows = new ApplySql(query).Run(Rows, ApplyReader.Read(apply));
        if (options.Compute is { } compute)
            Rows.With(ComputeItems(compute), "$compute");
        if (options.Search is { } search)
            Rows.Where(FreeTextSearch.Condition(query, Rows, search, "$search"));
        if (options.Filter is { } filter)
            Rows.Where(ExpressionReader.Parse(filter, "$filter"), "$filter");
    }

    private static List<(Expression Expression, string Name, int At)> ComputeItems(string text)
    {
        var reader = new ExpressionReader(text, "$compute");
        var items = reader.NamedItems();
        reader.End();
        return items;
    }

    private static List<(Expression Expression, bool Descending)> OrderByItems(string text)
    {
        var reader = new ExpressionReader(text, "$orderby");
        var items = reader.SortItems();
        reader.End();
        return items;
    }

    private void Project(string path, IReadOnlyList<SortKey> order)
    {
        Page = new PageQuery(Rows, query.Parameters, Rows.TotalOrder(order));
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
            var selected = options.Select is null ? Rows.Columns : SelectColumns(Rows.Columns, options.Select);
            (Shape, Projection) = PathShape(selected, "");
        }
        if (Rows.Part is { } part)
            Part = Page.Ordinal(part.Sql!);
    }

    private (Shape Shape, string Projection) EntityShape(EntitySet set, string prefix, string? select, string? expand, int depth)
    {
        var columns = prefix.Length == 0 ? Rows.Columns : [.. set.Properties.Select(property => Rows.TryFind(prefix + property.Name)!)];
        var selected = select is null ? columns : SelectColumns(columns, select, prefix);
        var members = selected.Select(column => (Member)Value(column, prefix)).ToList();
        var computed = prefix.Length == 0 && select is null && columns.Count > set.Properties.Count;
        var names =
            select is null && !computed
            || select is not null && selected.Count == columns.Count && !computed && select.Contains('*', StringComparison.Ordinal)
                ? []
                : selected.Select(column => column.Path[prefix.Length..]).ToList();
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

    private ValueMember Value(QueryColumn column, string prefix) =>
        new(column.Path[prefix.Length..], column, Page.Ordinal(column.Term.Sql!));

    // Paths as objects within objects: Deployment/Region is written as Deployment with a Region.
    private (Shape Shape, string Projection) PathShape(IReadOnlyList<QueryColumn> columns, string prefix)
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

    private IReadOnlyList<QueryColumn> SelectColumns(IReadOnlyList<QueryColumn> columns, string select, string prefix = "")
    {
        var names = select.Split(',', StringSplitOptions.TrimEntries);
        var selected = new HashSet<QueryColumn>();
        foreach (var name in names)
        {
            if (name == "*")
                return columns;
            if (name.IndexOfAny(['(', '$']) >= 0)
                throw ODataError.NotSupported($"'{Spelling.Shorten(name)}' in $select", "$select");
            var matches = columns
                .Where(column =>
                    column.Path.AsSpan(prefix.Length).SequenceEqual(name)
                    || column.Path.AsSpan(prefix.Length).StartsWith(name + "/", StringComparison.Ordinal)
                )
                .ToList();
            if (matches.Count == 0)
            {
                if (prefix.Length == 0 && Rows.Entities is { } entities && entities.Navigation(name.Split('/')[0]) is { } navigation)
                    throw ODataError.BadRequest(
                        "InvalidQuery",
                        $"{navigation.Name} is a navigation property: ask for it by $expand={navigation.Name}($select=...).",
                        "$select"
                    );
                throw ODataError.BadRequest("UnknownProperty", $"There is no property '{Spelling.Shorten(name)}' to select.", "$select");
            }
            selected.UnionWith(matches);
        }
        return [.. columns.Where(selected.Contains)];
    }
}
