using System.Globalization;
using Metrics.Api.OData.Model;
using Metrics.Api.OData.Protocol;
using Metrics.Domain.Messages;

namespace Metrics.Api.OData.Query;

/// <summary>
/// Rows on their way through a query: a source, its conditions, the columns that can be named, and what identifies and orders the rows.
/// Each transformation makes another relation; nothing is read before the last one.
/// </summary>
internal sealed class Relation
{
    private readonly QueryContext query;
    private readonly string source;
    private readonly EntitySet? entities;
    private readonly List<QueryColumn> columns;
    private readonly Dictionary<string, QueryColumn> byPath;
    private readonly List<string> joins = [];
    private readonly Dictionary<string, string> joined = new(StringComparer.Ordinal);
    private readonly List<string> conditions = [];
    private readonly HashSet<string> singleValued = new(StringComparer.Ordinal);

    private Relation(
        QueryContext query,
        string source,
        IEnumerable<QueryColumn> columns,
        IReadOnlyList<string> identity,
        EntitySet? entities
    )
    {
        (this.query, this.source, this.entities) = (query, source, entities);
        this.columns = [.. columns];
        byPath = this.columns.ToDictionary(column => column.Path, StringComparer.Ordinal);
        Identity = identity;
    }

    /// <summary>The columns that rows have, in the order in which they are written.</summary>
    public IReadOnlyList<QueryColumn> Columns => columns;

    /// <summary>Paths of the columns that tell a row from every other one; none where there is one row.</summary>
    public IReadOnlyList<string> Identity { get; }

    /// <summary>Order that transformations gave the rows; none, as a rule.</summary>
    public IReadOnlyList<SortKey> Order { get; private set; } = [];

    /// <summary>The set, while rows are its entities.</summary>
    public EntitySet? Entities => entities;

    /// <summary>SQL of the number of the part that a row comes from; null where all rows have the same columns.</summary>
    public Term? Part { get; private init; }

    /// <summary>How many parts there are.</summary>
    public int Parts { get; private init; } = 1;

    /// <summary>FROM and WHERE.</summary>
    /// <param name="more">A further condition; null for none.</param>
    public string From(string? more = null)
    {
        IEnumerable<string> all = more is null ? conditions : conditions.Append(more);
        return " FROM "
            + $"{source}{string.Concat(joins)}{(conditions.Count == 0 && more is null ? "" : " WHERE " + string.Join(" AND ", all))}";
    }

    /// <summary>All entities of a set.</summary>
    public static Relation Of(QueryContext query, EntitySet set) =>
        new(
            query,
            $"{SqlDialect.Quote(set.Name)} AS t",
            set.Properties.Select(property => ColumnOf(set, property, "t", "")),
            [.. set.Key.Select(key => key.Name)],
            set
        );

    private static QueryColumn ColumnOf(EntitySet set, EntityProperty property, string alias, string prefix, bool nullable = false) =>
        new(
            prefix + property.Name,
            new Term($"{alias}.{SqlDialect.Quote(property.Name)}", SqlTypes.Of(property.Type), property.Nullable || nullable),
            property.Type
        )
        {
            Property = property,
            Context = prefix.Length == 0 && property.Adding is Adding.Sum or Adding.Ratio ? set.Context : null,
        };

    /// <summary>The column that a path names.</summary>
    /// <exception cref="ODataError">There is none.</exception>
    public QueryColumn Find(PathExpression path, string option) =>
        TryFind(path.Path)
        ?? throw ODataError.BadRequest(
            "UnknownProperty",
            $"{option}: there is no property '{Spelling.Shorten(path.Path)}' here (position "
                + $"{ExpressionReader.Position(path.At)}).{Suggestion(path.Path)}",
            option
        );

    /// <summary>The column that a path names; null when there is none.</summary>
    public QueryColumn? TryFind(string path)
    {
        if (byPath.TryGetValue(path, out var known))
            return known;
        if (entities is not null && path.LastIndexOf('/') is > 0 and var slash && Join(path[..slash]) is { } joinedTo)
        {
            var name = path[(slash + 1)..];
            if ((joinedTo.Set.Find(name) ?? FindIgnoringCase(joinedTo.Set.Properties, property => property.Name, name)) is { } property)
                return ColumnOf(joinedTo.Set, property, joinedTo.Alias, joinedTo.Path + "/", joinedTo.Nullable);
        }
        // 4.01 lets clients write names in any case only where nothing else has that name.
        return FindIgnoringCase(columns, column => column.Path, path);
    }

    private static T? FindIgnoringCase<T>(IEnumerable<T> all, Func<T, string> name, string soughtName)
        where T : class
    {
        var matches = all.Where(one => name(one).Equals(soughtName, StringComparison.OrdinalIgnoreCase)).Take(2).ToList();
        return matches.Count == 1 ? matches[0] : null;
    }

    private string Suggestion(string path)
    {
        var near = columns
            .Where(column => column.Path.Contains(path, StringComparison.OrdinalIgnoreCase))
            .Select(column => column.Path)
            .Take(3)
            .ToList();
        return near.Count == 0 ? "" : $" There is {string.Join(", ", near)}.";
    }

    /// <summary>The entity behind navigation properties, joined to the rows.</summary>
    /// <param name="path">Names of navigation properties, with slashes between.</param>
    /// <returns>Its set, the alias of its row and the path; whether there may be none. Null when the path is none of navigation
    /// properties.</returns>
    public (EntitySet Set, string Alias, string Path, bool Nullable)? Join(string path)
    {
        if (entities is null)
            return null;
        var (set, prefix, nullable) = (entities, "", false);
        Func<string, string?> own = name => byPath.GetValueOrDefault(name)?.Term.Sql;
        foreach (var step in path.Split('/'))
        {
            if (set.Navigation(step) is not { } navigation)
                return null;
            prefix += prefix.Length == 0 ? navigation.Name : "/" + navigation.Name;
            var target = EntitySets.Find(navigation.Target)!;
            nullable |= navigation.Optional;
            if (!joined.TryGetValue(prefix, out var alias))
            {
                alias = query.NextName();
                joined.Add(prefix, alias);
                var conditions = navigation.On.Select(pair => $"{alias}.{SqlDialect.Quote(pair.Theirs)} = {own(pair.Own)}");
                joins.Add(
                    $" {(nullable ? "LEFT " : "")}JOIN {SqlDialect.Quote(target.Name)} AS {alias} ON {string.Join(" AND ", conditions)}"
                );
            }
            set = target;
            own = name => $"{alias}.{SqlDialect.Quote(name)}";
        }
        return (set, joined[prefix], prefix, nullable);
    }

    /// <summary>The rows that a condition keeps.</summary>
    /// <param name="condition">What is asked.</param>
    /// <param name="option">Where it stands.</param>
    public Relation Where(Expression condition, string option)
    {
        conditions.Add(new ExpressionSql(query, this, option).Condition(condition));
        FindSingleValued(condition);
        return this;
    }

    /// <summary>The rows that a condition in SQL keeps.</summary>
    public Relation Where(string condition)
    {
        conditions.Add(condition);
        return this;
    }

    /// <summary>Whether all rows have one value in the column, or there is no such column.</summary>
    public bool IsSingleValued(string path) => singleValued.Contains(path) || !byPath.ContainsKey(path);

    // FunctionalUnit eq 'request', alone or under and.
    private void FindSingleValued(Expression condition)
    {
        switch (condition)
        {
            case ChainExpression { Operator: Operator.And } chain:
                foreach (var operand in chain.Operands)
                    FindSingleValued(operand);
                break;
            case AliasExpression alias when query.Alias(alias.Name) is { } target and not AliasExpression:
                FindSingleValued(target);
                break;
            case BinaryExpression { Operator: Operator.Eq } equal
                when (equal.Left as PathExpression ?? equal.Right as PathExpression) is { } path
                    && (IsConstant(equal.Left) || IsConstant(equal.Right)):
                if (TryFind(path.Path) is { } column)
                    singleValued.Add(column.Path);
                break;
            case InExpression { Values.Count: 1, Operand: PathExpression path }:
                if (TryFind(path.Path) is { } only)
                    singleValued.Add(only.Path);
                break;
        }
    }

    private static bool IsConstant(Expression expression) => expression is LiteralExpression or AliasExpression;

    /// <summary>Makes a column that lies behind a navigation property one of the rows' own, so that it stays when they are
    /// grouped.</summary>
    public void Keep(QueryColumn column)
    {
        if (byPath.TryAdd(column.Path, column))
            columns.Add(column);
    }

    /// <summary>The same rows with further columns.</summary>
    /// <param name="added">Expressions with their names. They see the columns that were there before, not each other.</param>
    /// <param name="option">Where they stand.</param>
    public Relation With(IReadOnlyList<(Expression Expression, string Name, int At)> added, string option)
    {
        var computed = new List<QueryColumn>();
        foreach (var (expression, name, at) in added)
        {
            if (byPath.ContainsKey(name) || entities?.Navigation(name) is not null || computed.Exists(column => column.Path == name))
                throw NameTaken(name, at, option);
            var sql = new ExpressionSql(query, this, option);
            var term = sql.Computed(expression);
            computed.Add(
                new QueryColumn(name, term, SqlTypes.Of(term.Type))
                {
                    Weight = sql.Weight,
                    Context = sql.Used.FirstOrDefault(column => column.Context is not null)?.Context,
                }
            );
        }
        foreach (var column in computed)
        {
            columns.Add(column);
            byPath.Add(column.Path, column);
        }
        return this;
    }

    /// <summary>What a name that is in use is refused with.</summary>
    public static ODataError NameTaken(string name, int at, string option) =>
        ODataError.BadRequest(
            "NameTaken",
            $"{option}: the name '{Spelling.Shorten(name)}' at position {ExpressionReader.Position(at)} is taken: choose another.",
            option
        );

    /// <summary>The same rows in an order.</summary>
    public Relation Ordered(IReadOnlyList<SortKey> order)
    {
        Order = order;
        return this;
    }

    /// <summary>Reads sort keys.</summary>
    public List<SortKey> Keys(IReadOnlyList<(Expression Expression, bool Descending)> items, string option)
    {
        var sql = new ExpressionSql(query, this, option);
        var keys = new List<SortKey>();
        foreach (var (expression, descending) in items)
        {
            var term = sql.SortKey(expression);
            if (!keys.Exists(earlier => earlier.Term.Sql == term.Sql))
                keys.Add(Key(term, descending));
        }
        return keys;
    }

    private SortKey Key(Term term, bool descending) =>
        new(term, term.Type == SqlType.Text ? query.Dialect.Ordered(term.Sql!) : term.Sql!, descending);

    /// <summary>An order in which no two rows tie: that which the rows have, then what identifies them.</summary>
    /// <param name="first">Comes before all of that.</param>
    public List<SortKey> TotalOrder(IReadOnlyList<SortKey> first)
    {
        var order = new List<SortKey>(first);
        if (Part is { } part && order.Count == 0)
            order.Add(new SortKey(part, part.Sql!, false));
        order.AddRange(Order.Where(key => !order.Exists(earlier => earlier.Term.Sql == key.Term.Sql)));
        if (Part is { } parts && !order.Exists(earlier => earlier.Term.Sql == parts.Sql))
            order.Add(new SortKey(parts, parts.Sql!, false));
        foreach (var path in Identity)
        {
            // Any order does, so it is the one that an index has, whatever its collation.
            var term = byPath[path].Term;
            if (!order.Exists(earlier => earlier.Term.Sql == term.Sql))
                order.Add(new SortKey(term, term.Sql!, false));
        }
        return order;
    }

    /// <summary>The same rows as a table of their own, so that what follows sees them as they are now.</summary>
    /// <param name="clause">What comes after the conditions: ORDER BY, LIMIT ...</param>
    /// <param name="extra">SQL of a further column; null for none.</param>
    /// <returns>The relation, and SQL of the further column.</returns>
    public (Relation Relation, string? Extra) Wrapped(string clause = "", string? extra = null)
    {
        var name = query.NextName();
        var list = new List<string>();
        var renamed = new Dictionary<string, string>(StringComparer.Ordinal);
        string Rename(string sql)
        {
            if (renamed.TryGetValue(sql, out var known))
                return known;
            var column = string.Create(CultureInfo.InvariantCulture, $"c{list.Count}");
            list.Add($"{sql} AS {column}");
            return renamed[sql] = $"{name}.{column}";
        }
        var renamedColumns = columns.Select(column => column with { Term = column.Term with { Sql = Rename(column.Term.Sql!) } }).ToList();
        var part = Part is { } known ? known with { Sql = Rename(known.Sql!) } : (Term?)null;
        var order = Order.Select(key => Key(key.Term with { Sql = Rename(key.Term.Sql!) }, key.Descending)).ToList();
        var added = extra is null ? null : Rename(extra);
        if (list.Count == 0)
            list.Add("1 AS c0");
        var wrapped = new Relation(
            query,
            $"(SELECT {string.Join(", ", list)}{From()}{clause}) AS {name}",
            renamedColumns,
            Identity,
            entities
        )
        {
            Part = part,
            Parts = Parts,
            Order = order,
        };
        wrapped.singleValued.UnionWith(singleValued);
        return (wrapped, added);
    }

    /// <summary>The rows grouped: one for each combination of values of the keys, or one of all when there are none.</summary>
    /// <param name="keys">Columns to group by.</param>
    /// <param name="aggregates">What is made of each group.</param>
    public Relation Grouped(IReadOnlyList<QueryColumn> keys, IReadOnlyList<AggregateColumn> aggregates)
    {
        var (from, keysSql, aggregatesSql) = SummedByOwner(keys, aggregates)
            ?? (From(), [.. keys.Select(key => key.Term.Sql!)], [.. aggregates.Select(one => one.Column.Term.Sql!)]);
        var name = query.NextName();
        var list = keysSql.Concat(aggregatesSql).Select((sql, i) => string.Create(CultureInfo.InvariantCulture, $"{sql} AS c{i}"));
        var grouping = keys.Count == 0 ? "" : " GROUP BY " + string.Join(", ", keysSql.Distinct());
        var result = keys.Concat(aggregates.Select(one => one.Column))
            .Select(
                (column, i) =>
                    column with
                    {
                        Term = column.Term with { Sql = string.Create(CultureInfo.InvariantCulture, $"{name}.c{i}") },
                        Weight = 1,
                    }
            );
        var grouped = new Relation(
            query,
            $"(SELECT {string.Join(", ", list)}{from}{grouping}) AS {name}",
            result,
            [.. keys.Select(key => key.Path)],
            null
        );
        grouped.singleValued.UnionWith(singleValued.Where(path => grouped.byPath.ContainsKey(path)));
        return grouped;
    }

    /// <summary>
    /// Rows to be grouped by what they repeat of their deployment, as Provider, summed up by deployment first: its attributes are then
    /// looked up for a few sums and not for every row.
    /// </summary>
    /// <returns>Where the sums come from, and SQL of the keys and results over them. Null where grouping is by something else.</returns>
    private (string From, List<string> Keys, List<string> Aggregates)? SummedByOwner(
        IReadOnlyList<QueryColumn> keys,
        IReadOnlyList<AggregateColumn> aggregates
    )
    {
        if (
            entities?.Navigations.FirstOrDefault(way => way.Repeated.Count > 0) is not { On: [var on] } way
            || joins.Count > 0
            || Part is not null
            || aggregates.Any(one => one.Combine is null)
        )
            return null;
        bool IsRepeated(QueryColumn key) => way.Repeated.Contains(key.Path);
        // Texts have few values: by a time there may be as many sums as rows, and nothing would be won.
        if (!keys.Any(IsRepeated) || keys.Any(key => key.Property is not { Type: PropertyType.Text }))
            return null;
        var (sums, owner) = (query.NextName(), query.NextName());
        var grouping = new List<string> { byPath[on.Own].Term.Sql! };
        var list = new List<string> { $"{grouping[0]} AS k" };
        List<string> keysSql = [],
            aggregatesSql = [];
        foreach (var key in keys)
        {
            if (IsRepeated(key))
            {
                keysSql.Add($"{owner}.{SqlDialect.Quote(key.Path)}");
                continue;
            }
            grouping.Add(key.Term.Sql!);
            keysSql.Add(Listed(key.Term.Sql!));
        }
        foreach (var one in aggregates)
            aggregatesSql.Add(one.Combine!([.. one.Parts.Select(Listed)]));
        return (
            $" FROM (SELECT {string.Join(", ", list)}{From()} GROUP BY {string.Join(", ", grouping)}) AS {sums} JOIN "
                + $"{SqlDialect.Quote(way.Target)} AS {owner} ON {owner}.{SqlDialect.Quote(on.Theirs)} = {sums}.k",
            keysSql,
            aggregatesSql
        );

        string Listed(string sql)
        {
            var column = string.Create(CultureInfo.InvariantCulture, $"s{list.Count}");
            list.Add($"{sql} AS {column}");
            return $"{sums}.{column}";
        }
    }

    /// <summary>An independent copy, which further transformations may change.</summary>
    public Relation Copy()
    {
        var copy = new Relation(query, source, columns, Identity, entities)
        {
            Part = Part,
            Parts = Parts,
            Order = Order,
        };
        copy.joins.AddRange(joins);
        foreach (var (path, alias) in joined)
            copy.joined.Add(path, alias);
        copy.conditions.AddRange(conditions);
        copy.singleValued.UnionWith(singleValued);
        return copy;
    }

    /// <summary>The rows of several relations, one after the other. A column that a part does not have is null in its rows, and not written
    /// for them.</summary>
    /// <exception cref="ODataError">A name means different types, or there are too many parts.</exception>
    public static Relation Concat(QueryContext query, IReadOnlyList<Relation> parts, string option)
    {
        if (parts.Sum(part => part.Parts) > 64)
            throw ExpressionText.TooComplex(option, "puts more than 64 parts together");
        var (columns, offsets, count) = ConcatColumns(parts, option);
        var identity = parts.SelectMany(part => part.Identity).Distinct(StringComparer.Ordinal).ToList();
        var ordered = parts.Any(part => part.Order.Count > 0);
        var name = query.NextName();
        var selects = parts.Select((part, i) => SelectPart(query, part, offsets[i], columns, ordered));
        var result = columns.Select(
            (column, c) =>
                column with
                {
                    Term = column.Term with
                    {
                        Sql = string.Create(CultureInfo.InvariantCulture, $"{name}.c{c}"),
                        Nullable = column.Term.Nullable || parts.Any(part => !part.byPath.ContainsKey(column.Path)),
                    },
                }
        );
        var entities = parts[0].entities is { } first && parts.All(part => part.entities == first) ? first : null;
        var union = new Relation(query, $"({string.Join(" UNION ALL ", selects)}) AS {name}", result, identity, entities)
        {
            Part = new Term($"{name}.p", SqlType.Integer, false),
            Parts = count,
        };
        if (ordered)
            union.Order =
            [
                new SortKey(new Term($"{name}.p", SqlType.Integer, false), $"{name}.p", false),
                new SortKey(new Term($"{name}.o", SqlType.Integer, false), $"{name}.o", false),
            ];
        return union;
    }

    /// <summary>The columns of all parts.</summary>
    /// <returns>The columns with the parts that have them, the number of the first part of each relation, and how many parts there
    /// are.</returns>
    private static (List<QueryColumn> Columns, List<int> Offsets, int Count) ConcatColumns(IReadOnlyList<Relation> parts, string option)
    {
        var columns = new List<QueryColumn>();
        var offsets = new List<int>();
        var offset = 0;
        foreach (var part in parts)
        {
            offsets.Add(offset);
            var mask = part.Parts == 64 ? ulong.MaxValue : ((1UL << part.Parts) - 1) << offset;
            foreach (var column in part.columns)
            {
                var own = column.Parts == ulong.MaxValue ? mask : column.Parts << offset & mask;
                if (columns.FindIndex(other => other.Path == column.Path) is >= 0 and var at)
                {
                    var both = columns[at];
                    var type = both.Type == column.Type ? both.Type : Common(both, column, option);
                    columns[at] = both with
                    {
                        Parts = both.Parts | own,
                        Type = type,
                        Term = both.Term with { Type = SqlTypes.Of(type), Nullable = both.Term.Nullable || column.Term.Nullable },
                        Weight = Math.Max(both.Weight, column.Weight),
                        Context = both.Context ?? column.Context,
                    };
                }
                else
                    columns.Add(column with { Parts = own });
            }
            offset += part.Parts;
        }
        return (columns, offsets, offset);
    }

    /// <summary>Reads one part with the columns of all: its number, its place if there is an order, and null for what it does not
    /// have.</summary>
    private static string SelectPart(QueryContext query, Relation part, int offset, List<QueryColumn> columns, bool ordered)
    {
        var number = part.Part is { } inner ? $"({inner.Sql} + {offset})" : offset.ToString(CultureInfo.InvariantCulture);
        var list = new List<string> { $"{number} AS p" };
        if (ordered)
            list.Add(
                part.Order.Count == 0
                    ? "0 AS o"
                    : $"ROW_NUMBER() OVER (ORDER BY {string.Join(", ", part.TotalOrder([]).Select(key => key.Sql))}) AS o"
            );
        for (var c = 0; c < columns.Count; c++)
        {
            var sql = part.byPath.TryGetValue(columns[c].Path, out var own)
                ? columns[c].Type == PropertyType.Double && own.Type != PropertyType.Double
                    ? query.Dialect.AsDouble(own.Term.Sql!)
                    : own.Term.Sql!
                : query.Dialect.Typed("NULL", columns[c].SqlType);
            list.Add(string.Create(CultureInfo.InvariantCulture, $"{sql} AS c{c}"));
        }
        return $"SELECT {string.Join(", ", list)}{part.From()}";
    }

    private static PropertyType Common(QueryColumn one, QueryColumn other, string option)
    {
        if (one.Term.IsNumber && other.Term.IsNumber)
            return one.Type == PropertyType.Double || other.Type == PropertyType.Double ? PropertyType.Double : PropertyType.Int64;
        throw ODataError.BadRequest(
            "TypeMismatch",
            $"{option}: '{Spelling.Shorten(one.Path)}' is of different types in the parts that are put together: choose "
                + "different names.",
            option
        );
    }
}
