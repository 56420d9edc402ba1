using System.Globalization;
using System.Text;
using Metrics.Storage.Queries;

namespace Metrics.Api.OData.Query;

/// <summary>The statements that read one page of rows, and what their columns are.</summary>
internal sealed class PageQuery
{
    private readonly Relation rows;
    private readonly SqlParameters parameters;
    private readonly IReadOnlyList<SortKey> order;
    private readonly List<string> columns = [];
    private readonly Dictionary<string, int> ordinals = new(StringComparer.Ordinal);
    private readonly int[] orderOrdinals;

    /// <param name="rows">Rows to read.</param>
    /// <param name="parameters">Parameters of the rows and the order; those of the page are added.</param>
    /// <param name="order">Total order of the rows: its columns identify a row. None where there is one row.</param>
    public PageQuery(Relation rows, SqlParameters parameters, IReadOnlyList<SortKey> order)
    {
        (this.rows, this.parameters, this.order) = (rows, parameters, order);
        orderOrdinals = [.. order.Select(key => Ordinal(key.Term.Sql!))];
    }

    public SqlParameters Parameters => parameters;

    /// <summary>Total order of the rows.</summary>
    public IReadOnlyList<SortKey> Order => order;

    /// <summary>Counts the rows of all pages.</summary>
    public string CountSql => $"SELECT COUNT(*){rows.From()}";

    /// <summary>Counts the rows of all pages, but no further than one beyond a number.</summary>
    public string CountUpToSql(long most) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"SELECT COUNT(*) FROM (SELECT 1{rows.From()} LIMIT {(most == long.MaxValue ? most : most + 1)}) AS n"
        );

    /// <summary>Has something read with each row.</summary>
    /// <returns>Where it is in the rows.</returns>
    public int Ordinal(string sql)
    {
        if (ordinals.TryGetValue(sql, out var known))
            return known;
        columns.Add(sql);
        return ordinals[sql] = columns.Count - 1;
    }

    /// <summary>Reads rows in order.</summary>
    /// <param name="limit">Most rows to read.</param>
    /// <param name="skip">Rows to leave out first.</param>
    /// <param name="after">Values of the order's columns in the row before the page; null begins at the first row.</param>
    public string PageSql(long limit, long skip, IReadOnlyList<object?>? after)
    {
        var sql = new StringBuilder(
            $"SELECT {(columns.Count == 0 ? "1" : string.Join(", ", columns))}{rows.From(after is null ? null : After(after))}"
        );
        if (order.Count > 0)
            sql.Append(" ORDER BY ").AppendJoin(", ", order.Select(key => key.Sql));
        sql.Append(CultureInfo.InvariantCulture, $" LIMIT {limit}");
        if (skip > 0)
            sql.Append(CultureInfo.InvariantCulture, $" OFFSET {skip}");
        return sql.ToString();
    }

    /// <summary>The values of the order's columns in a row.</summary>
    public object?[] Position(ResultRow row)
    {
        var values = new object?[order.Count];
        for (var i = 0; i < values.Length; i++)
        {
            var ordinal = orderOrdinals[i];
            values[i] = row.IsNull(ordinal)
                ? null
                : order[i].Term.Type switch
                {
                    SqlType.Integer => row.Integer(ordinal),
                    SqlType.Double => row.Double(ordinal),
                    SqlType.Text => row.Text(ordinal),
                    SqlType.Date => row.Date(ordinal),
                    _ => row.Instant(ordinal),
                };
        }
        return values;
    }

    private string After(IReadOnlyList<object?> values)
    {
        // Nothing comes after the only row.
        if (order.Count == 0)
            return "FALSE";
        var names = values.Select(value => value is null ? null : parameters.Add(value)).ToArray();
        if (order.All(key => !key.Term.Nullable && key.Descending == order[0].Descending))
        {
            // One comparison of rows, which an index over them serves. From the last row on but not that one, instead of after it:
            // PostgreSQL expects no row after the largest
            // value of the first column, plans for none, and then sorts thousands.
            var same = string.Join(" AND ", order.Select((key, i) => $"{key.OrderedSql} = {names[i]}"));
            return $"(({string.Join(", ", order.Select(key => key.OrderedSql))}) {(order[0].Descending ? "<=" : ">=")} "
                + $"({string.Join(", ", names)}) AND NOT ({same}))";
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
            var tie = name is null ? $"{key.Term.Sql} IS NULL" : $"{key.Term.Sql} = {name}";
            sql = sql.Length == 0 ? after : $"({after} OR {tie} AND {sql})";
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
