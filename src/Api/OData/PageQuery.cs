using System.Data.Common;
using System.Globalization;
using System.Text;

namespace Metrics.Api.OData;

/// <summary>One column of the order of a set's rows.</summary>
/// <param name="Term">What is sorted by.</param>
/// <param name="OrderedSql">The same, comparing texts as the order does.</param>
/// <param name="Descending">Largest first; nulls, which are smaller than everything, last.</param>
/// <param name="Property">The property, when it is one.</param>
internal sealed record SortKey(Term Term, string OrderedSql, bool Descending, EntityProperty? Property);

/// <summary>The statements that read one page of a set, and what their columns are.</summary>
internal sealed class PageQuery
{
    private readonly EntitySet set;
    private readonly SqlParameters parameters;
    private readonly string? condition;
    private readonly IReadOnlyList<SortKey> order;
    private readonly List<string> columns = [];
    private readonly int[] orderOrdinals;

    /// <param name="set">Set to read.</param>
    /// <param name="selected">Properties to tell, in their order.</param>
    /// <param name="parameters">Parameters of the condition and the order; those of the page are added.</param>
    /// <param name="condition">SQL of the filter; null keeps all rows.</param>
    /// <param name="order">Total order of the rows: its columns identify a row.</param>
    public PageQuery(EntitySet set, IReadOnlyList<EntityProperty> selected, SqlParameters parameters, string? condition, IReadOnlyList<SortKey> order)
    {
        this.set = set;
        this.parameters = parameters;
        this.condition = condition;
        this.order = order;
        Selected = selected;
        columns.AddRange(selected.Select(property => SqlDialect.Quote(property.Name)));
        orderOrdinals = new int[order.Count];
        for (var i = 0; i < order.Count; i++)
        {
            var present = columns.IndexOf(order[i].Term.Sql!);
            if (present < 0)
            {
                present = columns.Count;
                columns.Add(order[i].Term.Sql!);
            }
            orderOrdinals[i] = present;
        }
        KeyOrdinals = [.. set.Key.Select(property => columns.IndexOf(SqlDialect.Quote(property.Name)))];
    }

    /// <summary>Properties to tell; the first columns of the rows.</summary>
    public IReadOnlyList<EntityProperty> Selected { get; }

    /// <summary>Where the key's columns are.</summary>
    public IReadOnlyList<int> KeyOrdinals { get; }

    public SqlParameters Parameters => parameters;

    /// <summary>Counts the rows of all pages.</summary>
    public string CountSql => $"SELECT COUNT(*) FROM {SqlDialect.Quote(set.Name)}{Where(null)}";

    /// <summary>Reads rows in order.</summary>
    /// <param name="limit">Most rows to read.</param>
    /// <param name="skip">Rows to leave out first.</param>
    /// <param name="after">Values of the order's columns in the row before the page; null begins at the first row.</param>
    public string PageSql(long limit, long skip, IReadOnlyList<object?>? after)
    {
        var sql = new StringBuilder($"SELECT {string.Join(", ", columns)} FROM {SqlDialect.Quote(set.Name)}{Where(after is null ? null : After(after))} ORDER BY ");
        for (var i = 0; i < order.Count; i++)
        {
            var key = order[i];
            if (i > 0) sql.Append(", ");
            sql.Append(key.OrderedSql).Append(key.Descending ? " DESC" : "");
            if (key.Term.Nullable) sql.Append(key.Descending ? " NULLS LAST" : " NULLS FIRST");
        }
        sql.Append(CultureInfo.InvariantCulture, $" LIMIT {limit}");
        if (skip > 0) sql.Append(CultureInfo.InvariantCulture, $" OFFSET {skip}");
        return sql.ToString();
    }

    /// <summary>The values of the order's columns in the row that the reader is at.</summary>
    public object?[] Position(DbDataReader reader, SqlDialect dialect)
    {
        var values = new object?[order.Count];
        for (var i = 0; i < values.Length; i++)
        {
            var ordinal = orderOrdinals[i];
            values[i] = reader.IsDBNull(ordinal) ? null : order[i].Term.Type switch
            {
                SqlType.Integer => reader.GetInt64(ordinal),
                SqlType.Double => reader.GetDouble(ordinal),
                SqlType.Text => reader.GetString(ordinal),
                SqlType.Date => dialect.Date(reader, ordinal),
                _ => dialect.Instant(reader, ordinal),
            };
        }
        return values;
    }

    private string Where(string? position) => (condition, position) switch
    {
        (null, null) => "",
        (null, _) => $" WHERE {position}",
        (_, null) => $" WHERE {condition}",
        _ => $" WHERE {condition} AND {position}",
    };

    private string After(IReadOnlyList<object?> values)
    {
        var names = values.Select(value => value is null ? null : parameters.Add(value)).ToArray();
        if (order.All(key => !key.Term.Nullable && key.Descending == order[0].Descending))
        {
            // One comparison of rows, which an index over them serves.
            return $"(({string.Join(", ", order.Select(key => key.OrderedSql))}) {(order[0].Descending ? "<" : ">")} ({string.Join(", ", names)}))";
        }
        // The rest of a tie by the later columns: a after x, or a = x and (b after y, or b = y and ...).
        var sql = "";
        for (var i = order.Count - 1; i >= 0; i--)
        {
            var (key, name) = (order[i], names[i]);
            var after = (key.Descending, name) switch
            {
                (false, null) => $"{key.Term.Sql} IS NOT NULL",
                (true, null) => "FALSE",
                (false, _) => $"{key.OrderedSql} > {name}",
                (true, _) => key.Term.Nullable ? $"({key.OrderedSql} < {name} OR {key.Term.Sql} IS NULL)" : $"{key.OrderedSql} < {name}",
            };
            var same = name is null ? $"{key.Term.Sql} IS NULL" : $"{key.Term.Sql} = {name}";
            sql = sql.Length == 0 ? after : $"({after} OR {same} AND {sql})";
        }
        // What an index can begin at, for the first column.
        return (order[0], names[0]) switch
        {
            ({ Descending: false } first, { } name) => $"({first.OrderedSql} >= {name} AND {sql})",
            ({ Descending: true, Term.Nullable: false } first, { } name) => $"({first.OrderedSql} <= {name} AND {sql})",
            _ => $"({sql})",
        };
    }
}
