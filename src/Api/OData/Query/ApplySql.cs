using Metrics.Api.OData.Model;
using Metrics.Api.OData.Protocol;
using Metrics.Domain.Messages;

namespace Metrics.Api.OData.Query;

/// <summary>Turns the transformations of $apply into relations, with the aggregation extension's meaning: null is left out and the sum of
/// nothing is null.</summary>
internal sealed class ApplySql(QueryContext query)
{
    private const string Option = "$apply";

    /// <summary>Runs a sequence over rows.</summary>
    public Relation Run(Relation rows, IReadOnlyList<Transformation> sequence) => Run(rows, sequence, []);

    // within: paths of the columns by which the rows are grouped; each group is transformed by itself.
    private Relation Run(Relation rows, IReadOnlyList<Transformation> sequence, IReadOnlyList<string> within)
    {
        for (var i = 0; i < sequence.Count; i++)
        {
            // A group of which a filter leaves nothing is still a group, and an aggregate makes a row of it.
            if (within.Count > 0 && sequence[i] is FilterStep or SearchStep && NextAggregate(sequence, i) is { } aggregate)
            {
                var masks = new List<string>();
                for (; i < aggregate; i++)
                {
                    switch (sequence[i])
                    {
                        case FilterStep filter:
                            masks.Add(new ExpressionSql(query, rows, Option).Condition(filter.Condition));
                            break;
                        case SearchStep search:
                            masks.Add(FreeTextSearch.Condition(query, rows, search.Text, Option));
                            break;
                        case ComputeStep compute:
                            rows.With(compute.Items, Option);
                            break;
                    }
                }
                rows = AggregateColumn(rows, (AggregateStep)sequence[i], within, string.Join(" AND ", masks));
                continue;
            }
            rows = sequence[i] switch
            {
                IdentityStep => rows,
                FilterStep filter => rows.Where(filter.Condition, Option),
                SearchStep search => rows.Where(FreeTextSearch.Condition(query, rows, search.Text, Option)),
                ComputeStep compute => rows.With(compute.Items, Option),
                OrderByStep order => rows.Ordered(rows.Keys(order.Items, Option)),
                AggregateStep step => AggregateColumn(rows, step, within, null),
                GroupByStep step => Grouped(rows, step, within),
                SliceStep slice => Sliced(rows, slice, within),
                TopBottomStep step => TopBottom(rows, step, within),
                ConcatStep concat => Relation.Concat(query, [.. concat.Parts.Select(part => Run(rows.Copy(), part, within))], Option),
                var other => throw new InvalidOperationException($"{other.GetType().Name} is not translated."),
            };
        }
        return rows;
    }

    // The place of the aggregate that only filters and computations stand before.
    private static int? NextAggregate(IReadOnlyList<Transformation> sequence, int from)
    {
        for (var i = from; i < sequence.Count; i++)
        {
            if (sequence[i] is AggregateStep)
                return i;
            if (sequence[i] is not (FilterStep or SearchStep or ComputeStep or IdentityStep))
                return null;
        }
        return null;
    }

    private Relation AggregateColumn(Relation rows, AggregateStep step, IReadOnlyList<string> within, string? mask)
    {
        var keys = within.Select(path => rows.TryFind(path)!).ToList();
        var aggregates = new List<AggregateColumn>();
        foreach (var item in step.Items)
        {
            var one = ToAggregate(rows, item, within, mask);
            if (within.Contains(one.Column.Path) || aggregates.Exists(other => other.Column.Path == one.Column.Path))
                throw Relation.NameTaken(one.Column.Path, item.At, Option);
            aggregates.Add(one);
        }
        return rows.Grouped(keys, aggregates);
    }

    private AggregateColumn ToAggregate(Relation rows, Aggregate item, IReadOnlyList<string> within, string? mask)
    {
        var dialect = query.Dialect;
        if (item.Value is null)
            return Whole(
                new QueryColumn(
                    Named(rows, item, null),
                    new Term(mask is null ? "COUNT(*)" : $"COUNT(CASE WHEN {mask} THEN 1 END)", SqlType.Integer, false),
                    PropertyType.Decimal
                ),
                dialect.SumOfIntegers
            );
        var sql = new ExpressionSql(query, rows, Option);
        var only = item.Value is PathExpression path ? rows.Find(path, Option) : null;
        // A ratio of sums is the only mean that a ratio has.
        if (only?.Property is { Adding: Adding.Ratio } ratio && item.Method is null or "average" or "sum")
        {
            if (item.Method == "sum")
                throw ODataError.BadRequest(
                    "NotAggregatable",
                    $"{only.Path} is a ratio, and a sum of ratios is nothing: write aggregate({only.Path}), which divides the "
                        + $"sum of {ratio.Ratio!.Over} by that of its units.",
                    Option
                );
            CheckContext(rows, [only], within);
            return RatioOfSums(rows, ratio, mask, Named(rows, item, only));
        }
        if (item.Method is null)
        {
            if (only!.Property is not { Adding: Adding.Sum } || only.Path.Contains('/', StringComparison.Ordinal))
                throw ODataError.BadRequest(
                    "NotAggregatable",
                    $"$apply: '{Spelling.Shorten(only.Path)}' at position {ExpressionReader.Position(item.At)} is no "
                        + $"custom aggregate: say how, as in aggregate({Spelling.Shorten(only.Path)} with max as Name).",
                    Option
                );
        }
        var term = sql.Computed(item.Value);
        var method = item.Method ?? "sum";
        if (method is "sum" or "average")
        {
            if (!term.IsNumber)
                throw ODataError.BadRequest(
                    "NotAggregatable",
                    $"$apply: {method} at position {ExpressionReader.Position(item.At)} is of numbers only.",
                    Option
                );
            if (
                only is { Property.Adding: Adding.Never or Adding.Mean } share
                && (share.Property.Adding == Adding.Never || method == "sum")
            )
                throw ODataError.BadRequest(
                    "NotAggregatable",
                    share.Property!.Adding == Adding.Mean
                        ? $"{share.Path} is a share: its sum is nothing; take average, min or max."
                        : $"{share.Path} is a share: its sum and average are nothing; take min or max.",
                    Option
                );
            CheckContext(rows, sql.Used, within);
        }
        else if (term.Type == SqlType.Boolean && method != "countdistinct")
            throw ODataError.BadRequest(
                "NotAggregatable",
                $"$apply: {method} at position {ExpressionReader.Position(item.At)} is not of true and false.",
                Option
            );
        string WhereMasked(string value) => mask is null ? value : $"CASE WHEN {mask} THEN {value} END";
        var context = sql.Used.FirstOrDefault(column => column.Context is not null)?.Context;
        QueryColumn ToColumn(string aggregates, SqlType type, PropertyType propertyType, bool nullable = true) =>
            new(Named(rows, item, only), new Term(aggregates, type, nullable), propertyType)
            {
                Context = method is "sum" or "average" ? context : null,
            };
        var value = WhereMasked(term.Sql!);
        switch (method)
        {
            case "countdistinct":
                return new AggregateColumn(
                    ToColumn($"COUNT(DISTINCT {value})", SqlType.Integer, PropertyType.Decimal, nullable: false),
                    [],
                    null
                );
            case "average":
                value = dialect.AsDouble(value);
                return new AggregateColumn(
                    ToColumn($"AVG({value})", SqlType.Double, PropertyType.Double),
                    [$"SUM({value})", $"COUNT({value})"],
                    parts => $"(SUM({parts[0]}) / NULLIF({dialect.AsDouble($"SUM({parts[1]})")}, 0.0))"
                );
            case "sum" when term.Type == SqlType.Integer:
                return Whole(ToColumn(dialect.SumOfIntegers(value), SqlType.Integer, PropertyType.Int64), dialect.SumOfIntegers);
            case "sum":
                return Whole(ToColumn($"SUM({value})", SqlType.Double, PropertyType.Double), part => $"SUM({part})");
            default:
                string MinOrMax(string of) =>
                    $"{(method == "min" ? "MIN" : "MAX")}({(term.Type == SqlType.Text ? dialect.Ordered(of) : of)})";
                return Whole(
                    ToColumn(MinOrMax(value), term.Type, only?.Type ?? SqlTypes.Of(term.Type)) with
                    {
                        Context = context,
                    },
                    MinOrMax
                );
        }
    }

    // What the same function makes of its own results.
    private static AggregateColumn Whole(QueryColumn column, Func<string, string> of) =>
        new(column, [column.Term.Sql!], parts => of(parts[0]));

    // A name of the set may only be given to what is made of that property, so that nobody takes one for another.
    private static string Named(Relation rows, Aggregate item, QueryColumn? of)
    {
        var name = item.Name ?? of!.Path;
        return rows.Entities?.Find(name) is not null && of?.Path != name ? throw Relation.NameTaken(name, item.At, Option) : name;
    }

    /// <summary>Refuses to add what is counted in different units.</summary>
    private static void CheckContext(Relation rows, IEnumerable<QueryColumn> used, IReadOnlyList<string> within)
    {
        foreach (var column in used)
        {
            if (column.Context is { } context && !within.Contains(context) && !rows.IsSingleValued(context))
                throw ODataError.BadRequest(
                    "MixedUnits",
                    $"{column.Path} of different {context} cannot be added: group by {context} too, or keep one, as in "
                        + $"$apply=filter({context} eq 'output-token')/...",
                    Option
                );
        }
    }

    private AggregateColumn RatioOfSums(Relation rows, EntityProperty property, string? mask, string name)
    {
        var sql = new ExpressionSql(query, rows, Option);
        var over = query.Dialect.AsDouble(sql.Computed(ExpressionReader.Parse(property.Ratio!.Over, property.Name)).Sql!);
        var units = sql.Computed(ExpressionReader.Parse(property.Ratio.Under, property.Name)).Sql!;
        if (mask is not null)
            over = $"CASE WHEN {mask} THEN {over} END";
        // The units of rows whose joules are not known would make the ratio too small.
        string[] sums = [$"SUM({over})", $"SUM(CASE WHEN {over} IS NOT NULL THEN {units} END)"];
        static string Divided(string joules, string units) => $"({joules} / NULLIF({units}, 0.0))";
        return new AggregateColumn(
            new QueryColumn(name, new Term(Divided(sums[0], sums[1]), SqlType.Double, true), PropertyType.Double),
            sums,
            parts => Divided($"SUM({parts[0]})", $"SUM({parts[1]})")
        );
    }

    private Relation Grouped(Relation rows, GroupByStep step, IReadOnlyList<string> within)
    {
        // Each rollup is grouped by all its levels, then by one fewer, up to its widest or to none.
        var choices = new List<List<PathExpression>> { new() };
        foreach (var key in step.Keys)
        {
            var lengths = key.Rollup ? Enumerable.Range(key.All ? 0 : 1, key.Levels.Count + (key.All ? 1 : 0)).Reverse().ToList() : [1];
            choices = [.. choices.SelectMany(_ => lengths, (before, length) => before.Concat(key.Levels.Take(length)).ToList())];
            if (choices.Count > 64)
                throw ExpressionText.TooComplex(Option, "rolls up to more than 64 levels");
        }
        var results = choices
            .Select(paths =>
            {
                var grouped = rows.Copy();
                var columns = within.ToList();
                foreach (var path in paths)
                {
                    var column = grouped.Find(path, Option);
                    grouped.Keep(column);
                    if (!columns.Contains(column.Path))
                        columns.Add(column.Path);
                }
                // Without anything to do, a group is the values that it has in common.
                return step.Each is { } each
                    ? Run(grouped, each, columns)
                    : grouped.Grouped([.. columns.Select(path => grouped.TryFind(path)!)], []);
            })
            .ToList();
        return results.Count == 1 ? results[0] : Relation.Concat(query, results, Option);
    }

    private static string PartitionBy(Relation rows, IReadOnlyList<string> within) =>
        within.Count == 0 ? "" : $"PARTITION BY {string.Join(", ", within.Select(path => rows.TryFind(path)!.Term.Sql))} ";

    private static Relation Sliced(Relation rows, SliceStep slice, IReadOnlyList<string> within)
    {
        var order = string.Join(", ", rows.TotalOrder([]).Select(key => key.Sql));
        if (within.Count == 0)
        {
            // One row has no order.
            var sorted = order.Length == 0 ? "" : $" ORDER BY {order}";
            return rows.Wrapped($"{sorted} LIMIT {slice.Top ?? long.MaxValue} OFFSET {slice.Skip ?? 0}").Relation;
        }
        var (wrapped, number) = rows.Wrapped("", $"ROW_NUMBER() OVER ({PartitionBy(rows, within)}ORDER BY {order})");
        return wrapped.Where(slice.Top is { } top ? $"{number} <= {top}" : $"{number} > {slice.Skip}");
    }

    private Relation TopBottom(Relation rows, TopBottomStep step, IReadOnlyList<string> within)
    {
        var sql = new ExpressionSql(query, rows, Option);
        var term = sql.SortKey(step.Value);
        if (step.By != TopBottomMethod.Count)
        {
            if (!term.IsNumber)
                throw ODataError.BadRequest(
                    "NotAggregatable",
                    $"$apply: what is added up at position {ExpressionReader.Position(step.At)} is not a number.",
                    Option
                );
            CheckContext(rows, sql.Used, within);
        }
        var ordered = term.Type == SqlType.Text ? query.Dialect.Ordered(term.Sql!) : term.Sql!;
        var order = string.Join(", ", rows.TotalOrder([new SortKey(term, ordered, step.Largest)]).Select(key => key.Sql));
        var partition = PartitionBy(rows, within);
        if (step.By == TopBottomMethod.Count)
        {
            var (counted, number) = rows.Wrapped("", $"ROW_NUMBER() OVER ({partition}ORDER BY {order})");
            return counted.Where($"{number} <= {(long)step.Amount}");
        }
        // The fewest rows whose values reach the amount: each row is kept whose predecessors do not reach it yet. Null adds nothing.
        rows.Where($"{term.Sql} IS NOT NULL");
        var value = query.Dialect.AsDouble(term.Sql!);
        var before = $"COALESCE(SUM({value}) OVER ({partition}ORDER BY {order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)";
        var amount = query.Parameters.Add(step.Amount);
        var threshold =
            step.By == TopBottomMethod.Sum
                ? query.Dialect.AsDouble(amount)
                : $"({query.Dialect.AsDouble(amount)} / 100 * SUM({value}) OVER ({(partition.Length == 0 ? "" : partition.TrimEnd())}))";
        var (summed, isWithin) = rows.Wrapped("", $"(CASE WHEN {before} < {threshold} THEN 1 ELSE 0 END)");
        return summed.Where($"{isWithin} = 1");
    }
}
