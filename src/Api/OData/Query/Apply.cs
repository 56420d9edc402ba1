using Metrics.Api.OData.Model;
using Metrics.Api.OData.Protocol;

namespace Metrics.Api.OData.Query;

/// <summary>One step of $apply as it was written.</summary>
/// <param name="At">Where it begins, from zero.</param>
internal abstract record Transformation(int At);

/// <summary>aggregate(...): one row of all rows.</summary>
internal sealed record AggregateStep(int At, IReadOnlyList<Aggregate> Items) : Transformation(At);

/// <summary>groupby((...),...): keys, each a list of levels where rollup says so, and what is done with each group.</summary>
internal sealed record GroupByStep(int At, IReadOnlyList<GroupKey> Keys, IReadOnlyList<Transformation>? Each) : Transformation(At);

/// <summary>filter(...).</summary>
internal sealed record FilterStep(int At, Expression Condition) : Transformation(At);

/// <summary>search(...), its text.</summary>
internal sealed record SearchStep(int At, string Text) : Transformation(At);

/// <summary>compute(... as ...).</summary>
internal sealed record ComputeStep(int At, IReadOnlyList<(Expression Expression, string Name, int At)> Items) : Transformation(At);

/// <summary>orderby(...).</summary>
internal sealed record OrderByStep(int At, IReadOnlyList<(Expression Expression, bool Descending)> Items) : Transformation(At);

/// <summary>top(n) and skip(n).</summary>
internal sealed record SliceStep(int At, long? Top, long? Skip) : Transformation(At);

/// <summary>topcount, bottomcount, topsum, bottomsum, toppercent and bottompercent.</summary>
internal sealed record BestStep(int At, bool Largest, BestBy By, double Amount, Expression Value) : Transformation(At);

/// <summary>concat(...): the results of several sequences, one after the other.</summary>
internal sealed record ConcatStep(int At, IReadOnlyList<IReadOnlyList<Transformation>> Parts) : Transformation(At);

/// <summary>identity.</summary>
internal sealed record IdentityStep(int At) : Transformation(At);

/// <summary>What the amount of a <see cref="BestStep"/> bounds.</summary>
internal enum BestBy
{
    Count,
    Sum,
    Percent,
}

/// <summary>One result of an aggregate.</summary>
/// <param name="Value">What is aggregated; null for $count.</param>
/// <param name="Method">sum, average, min, max, countdistinct, $count; null for a custom aggregate.</param>
/// <param name="Name">Its name; null where a custom aggregate keeps its own.</param>
internal sealed record Aggregate(int At, Expression? Value, string? Method, string? Name);

/// <summary>What is grouped by.</summary>
/// <param name="Levels">One path, or those of a rollup, from the widest.</param>
/// <param name="All">Whether the rollup goes up to a group of everything.</param>
/// <param name="Rollup">Whether it is one.</param>
internal sealed record GroupKey(IReadOnlyList<PathExpression> Levels, bool All, bool Rollup);

/// <summary>Reads $apply: the aggregation extension's sequences of transformations.</summary>
internal sealed class ApplyReader
{
    private const string Option = "$apply";
    private const int MaxSteps = 64,
        MaxKeys = 32,
        MaxAggregates = 64;

    private static readonly HashSet<string> KnownElsewhere = new(StringComparer.Ordinal)
    {
        "expand",
        "addnested",
        "nest",
        "join",
        "outerjoin",
        "ancestors",
        "descendants",
        "traverse",
        "from",
    };

    /// <summary>The transformations of the published capabilities.</summary>
    public static IReadOnlyList<string> Transformations { get; } =
    [
        "aggregate",
        "groupby",
        "filter",
        "search",
        "compute",
        "orderby",
        "top",
        "skip",
        "concat",
        "identity",
        "topcount",
        "bottomcount",
        "topsum",
        "bottomsum",
        "toppercent",
        "bottompercent",
    ];

    private readonly ExpressionReader reader;
    private readonly string text;
    private int steps;

    private ApplyReader(string text) => (this.text, reader) = (text, new ExpressionReader(text, Option));

    /// <summary>Reads the whole option.</summary>
    /// <exception cref="ODataError">It cannot be read (400), has something that is not supported (501), or is too large.</exception>
    public static IReadOnlyList<Transformation> Read(string text)
    {
        var apply = new ApplyReader(text);
        var sequence = apply.Sequence();
        apply.reader.End();
        return sequence;
    }

    private List<Transformation> Sequence()
    {
        reader.Enter();
        var sequence = new List<Transformation>();
        do
        {
            if (++steps > MaxSteps)
                throw ExpressionText.TooComplex(Option, $"has more than {MaxSteps} transformations");
            sequence.Add(Step());
        } while (reader.Take('/'));
        reader.Leave();
        return sequence;
    }

    private Transformation Step()
    {
        reader.Count();
        var word = reader.Word().ToString();
        var at = reader.At;
        if (word.Length == 0 || word[0] is '$' or '@')
            throw reader.Unexpected("a transformation");
        if (word == "identity")
        {
            reader.Name("a transformation");
            return new IdentityStep(at);
        }
        if (KnownElsewhere.Contains(word) || word.Contains('.', StringComparison.Ordinal))
            throw ODataError.NotSupported(
                $"The transformation '{ExpressionText.Shorten(word)}' at position {ExpressionReader.Position(at)} of $apply",
                Option
            );
        if (!Transformations.Contains(word))
            throw ODataError.BadRequest(
                "InvalidQuery",
                $"$apply: there is no transformation '{ExpressionText.Shorten(word)}' (position {ExpressionReader.Position(at)}).",
                Option
            );
        reader.Name("a transformation");
        reader.Require('(');
        Transformation step = word switch
        {
            "aggregate" => new AggregateStep(at, reader.Many(Aggregate, MaxAggregates, "aggregates")),
            "groupby" => GroupBy(at),
            "filter" => new FilterStep(at, reader.Expression()),
            "search" => Search(at),
            "compute" => new ComputeStep(at, reader.NamedItems()),
            "orderby" => new OrderByStep(at, reader.SortItems()),
            "top" => new SliceStep(at, reader.Whole("a whole number"), null),
            "skip" => new SliceStep(at, null, reader.Whole("a whole number")),
            "concat" => Concat(at),
            _ => Best(at, word),
        };
        reader.Require(')');
        return step;
    }

    private Aggregate Aggregate()
    {
        var at = reader.At;
        var word = reader.Word().ToString();
        if (word == "$count")
        {
            reader.TakeWord("$count");
            return new Aggregate(at, null, "$count", Alias());
        }
        var value = reader.Expression();
        if (reader.TakeWord("with"))
        {
            var method = reader.Word().ToString();
            var place = reader.At;
            if (method is not ("sum" or "average" or "min" or "max" or "countdistinct"))
            {
                if (method.Length == 0)
                    throw reader.Unexpected("an aggregation method");
                throw ODataError.NotSupported(
                    $"The aggregation method '{ExpressionText.Shorten(method)}' at position {ExpressionReader.Position(place)} of $apply",
                    Option
                );
            }
            reader.TakeWord(method);
            if (reader.TakeWord("from"))
                throw ODataError.NotSupported($"'from' at position {ExpressionReader.Position(reader.At - 4)} of $apply", Option);
            return new Aggregate(at, value, method, Alias());
        }
        if (value is not PathExpression)
            throw reader.Unexpected("'with' and an aggregation method");
        if (reader.Word() is "from")
            throw ODataError.NotSupported($"'from' at position {ExpressionReader.Position(reader.At)} of $apply", Option);
        return new Aggregate(at, value, null, reader.Word() is "as" ? Alias() : null);
    }

    private string Alias()
    {
        if (!reader.TakeWord("as"))
            throw reader.Unexpected("'as' and a name");
        return reader.SimpleName();
    }

    private GroupByStep GroupBy(int at)
    {
        reader.Require('(');
        var keys = reader.Many(Key, MaxKeys, "properties to group by");
        reader.Require(')');
        return new GroupByStep(at, keys, reader.Take(',') ? Sequence() : null);
    }

    private GroupKey Key()
    {
        if (reader.Word() is not "rollup")
            return new GroupKey([reader.Path("a property")], false, false);
        var at = reader.At;
        reader.Name("rollup");
        if (!reader.Take('('))
            throw reader.Unexpected("'('");
        var all = reader.TakeWord("$all");
        if (all && !reader.Take(','))
            throw reader.Unexpected("','");
        var levels = reader.Many(() => reader.Path("a property"), MaxKeys, "levels of a rollup");
        reader.Require(')');
        // A single name without $all would be a hierarchy by its qualifier, and there is none.
        return all || levels.Count > 1
            ? new GroupKey(levels, all, true)
            : throw ODataError.NotSupported(
                $"A rollup of one property without $all at position {ExpressionReader.Position(at)} of $apply",
                Option
            );
    }

    private ConcatStep Concat(int at)
    {
        var parts = reader.Many<IReadOnlyList<Transformation>>(Sequence, 16, "parts of a concat");
        return parts.Count > 1 ? new ConcatStep(at, parts) : throw reader.Unexpected("','");
    }

    private BestStep Best(int at, string word)
    {
        var place = reader.At;
        var amount = reader.Literal()?.Value switch
        {
            long number and >= 0 => number,
            double number when number >= 0 && !word.EndsWith("count", StringComparison.Ordinal) => number,
            _ => throw reader.Unexpected(
                word.EndsWith("count", StringComparison.Ordinal) ? "a whole number from 0" : "a number from 0",
                place
            ),
        };
        var by =
            word.EndsWith("count", StringComparison.Ordinal) ? BestBy.Count
            : word.EndsWith("sum", StringComparison.Ordinal) ? BestBy.Sum
            : BestBy.Percent;
        if (by == BestBy.Percent && amount > 100)
            throw reader.Unexpected("a percentage from 0 to 100", place);
        if (!reader.Take(','))
            throw reader.Unexpected("','");
        return new BestStep(at, word[0] == 't', by, amount, reader.Expression());
    }

    // A search has a grammar of its own, up to the parenthesis that closes it.
    private SearchStep Search(int at)
    {
        var (start, depth, quoted) = (reader.At, 0, false);
        var end = start;
        for (; end < text.Length; end++)
        {
            if (text[end] == '\\' && quoted)
                end++;
            else if (text[end] == '"')
                quoted = !quoted;
            else if (!quoted && text[end] == '(')
                depth++;
            else if (!quoted && text[end] == ')' && --depth < 0)
                break;
        }
        if (end >= text.Length)
            throw reader.Unexpected("')'", text.Length);
        reader.Skip(end - start);
        return new SearchStep(at, text[start..end]);
    }
}

/// <summary>Turns the transformations of $apply into relations, with the aggregation extension's meaning: null is left out and the sum of nothing is null.</summary>
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
            if (within.Count > 0 && sequence[i] is FilterStep or SearchStep && Upcoming(sequence, i) is { } aggregate)
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
                rows = Aggregated(rows, (AggregateStep)sequence[i], within, string.Join(" AND ", masks));
                continue;
            }
            rows = sequence[i] switch
            {
                IdentityStep => rows,
                FilterStep filter => rows.Where(filter.Condition, Option),
                SearchStep search => rows.Where(FreeTextSearch.Condition(query, rows, search.Text, Option)),
                ComputeStep compute => rows.With(compute.Items, Option),
                OrderByStep order => rows.Ordered(rows.Keys(order.Items, Option)),
                AggregateStep step => Aggregated(rows, step, within, null),
                GroupByStep step => Grouped(rows, step, within),
                SliceStep slice => Sliced(rows, slice, within),
                BestStep best => Best(rows, best, within),
                ConcatStep concat => Relation.Concat(query, [.. concat.Parts.Select(part => Run(rows.Copy(), part, within))], Option),
                var other => throw new InvalidOperationException($"{other.GetType().Name} is not translated."),
            };
        }
        return rows;
    }

    // The place of the aggregate that only filters and computations stand before.
    private static int? Upcoming(IReadOnlyList<Transformation> sequence, int from)
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

    private Relation Aggregated(Relation rows, AggregateStep step, IReadOnlyList<string> within, string? mask)
    {
        var keys = within.Select(path => rows.TryFind(path)!).ToList();
        var made = new List<Aggregated>();
        foreach (var item in step.Items)
        {
            var one = Made(rows, item, within, mask);
            if (within.Contains(one.Column.Path) || made.Exists(other => other.Column.Path == one.Column.Path))
                throw Relation.Taken(one.Column.Path, item.At, Option);
            made.Add(one);
        }
        return rows.Grouped(keys, made);
    }

    private Aggregated Made(Relation rows, Aggregate item, IReadOnlyList<string> within, string? mask)
    {
        var dialect = query.Dialect;
        if (item.Value is null)
            return Whole(
                new Column(
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
                    $"{only.Path} is a ratio, and a sum of ratios is nothing: write aggregate({only.Path}), which divides the sum of {ratio.Ratio!.Over} by that of its units.",
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
                    $"$apply: '{ExpressionText.Shorten(only.Path)}' at position {ExpressionReader.Position(item.At)} is no custom aggregate: say how, as in aggregate({ExpressionText.Shorten(only.Path)} with max as Name).",
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
                    $"{share.Path} is a share: its {(share.Property!.Adding == Adding.Mean ? "sum is nothing; take average, min or max" : "sum and average are nothing; take min or max")}.",
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
        string Masked(string value) => mask is null ? value : $"CASE WHEN {mask} THEN {value} END";
        var context = sql.Used.FirstOrDefault(column => column.Context is not null)?.Context;
        Column ToColumn(string made, SqlType type, PropertyType told, bool nullable = true) =>
            new(Named(rows, item, only), new Term(made, type, nullable), told) { Context = method is "sum" or "average" ? context : null };
        var value = Masked(term.Sql!);
        switch (method)
        {
            case "countdistinct":
                return new Aggregated(
                    ToColumn($"COUNT(DISTINCT {value})", SqlType.Integer, PropertyType.Decimal, nullable: false),
                    [],
                    null
                );
            case "average":
                value = dialect.AsDouble(value);
                return new Aggregated(
                    ToColumn($"AVG({value})", SqlType.Double, PropertyType.Double),
                    [$"SUM({value})", $"COUNT({value})"],
                    parts => $"(SUM({parts[0]}) / NULLIF({dialect.AsDouble($"SUM({parts[1]})")}, 0.0))"
                );
            case "sum" when term.Type == SqlType.Integer:
                return Whole(ToColumn(dialect.SumOfIntegers(value), SqlType.Integer, PropertyType.Int64), dialect.SumOfIntegers);
            case "sum":
                return Whole(ToColumn($"SUM({value})", SqlType.Double, PropertyType.Double), part => $"SUM({part})");
            default:
                string Best(string of) => $"{(method == "min" ? "MIN" : "MAX")}({(term.Type == SqlType.Text ? dialect.Ordered(of) : of)})";
                return Whole(ToColumn(Best(value), term.Type, only?.Type ?? Relation.TypeOf(term.Type)) with { Context = context }, Best);
        }
    }

    // What the same function makes of its own results.
    private static Aggregated Whole(Column column, Func<string, string> of) => new(column, [column.Term.Sql!], parts => of(parts[0]));

    // A name of the set may only be given to what is made of that property, so that nobody takes one for another.
    private static string Named(Relation rows, Aggregate item, Column? of)
    {
        var name = item.Name ?? of!.Path;
        return rows.Entities?.Find(name) is not null && of?.Path != name ? throw Relation.Taken(name, item.At, Option) : name;
    }

    /// <summary>Refuses to add what is counted in different units.</summary>
    private static void CheckContext(Relation rows, IEnumerable<Column> used, IReadOnlyList<string> within)
    {
        foreach (var column in used)
        {
            if (column.Context is { } context && !within.Contains(context) && !rows.IsSingle(context))
                throw ODataError.BadRequest(
                    "MixedUnits",
                    $"{column.Path} of different {context} cannot be added: group by {context} too, or keep one, as in $apply=filter({context} eq 'output-token')/...",
                    Option
                );
        }
    }

    private Aggregated RatioOfSums(Relation rows, EntityProperty property, string? mask, string name)
    {
        var sql = new ExpressionSql(query, rows, Option);
        var over = query.Dialect.AsDouble(sql.Computed(ExpressionReader.Whole(property.Ratio!.Over, property.Name)).Sql!);
        var known = property.Ratio.Where is { } where ? sql.Condition(ExpressionReader.Whole(where, property.Name)) : null;
        var units = sql.Computed(ExpressionReader.Whole(property.Ratio.Under, property.Name)).Sql!;
        var both = string.Join(" AND ", new[] { mask, known }.OfType<string>());
        if (both.Length > 0)
            over = $"CASE WHEN {both} THEN {over} END";
        // The units of rows whose joules are not known would make the ratio too small.
        string[] sums = [$"SUM({over})", $"SUM(CASE WHEN {over} IS NOT NULL THEN {units} END)"];
        static string Divided(string joules, string units) => $"({joules} / NULLIF({units}, 0.0))";
        return new Aggregated(
            new Column(name, new Term(Divided(sums[0], sums[1]), SqlType.Double, true), PropertyType.Double),
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
        var order = string.Join(", ", rows.Total([]).Select(key => key.Sql));
        if (within.Count == 0)
        {
            // One row has no order.
            var sorted = order.Length == 0 ? "" : $" ORDER BY {order}";
            return rows.Wrapped($"{sorted} LIMIT {slice.Top ?? long.MaxValue} OFFSET {slice.Skip ?? 0}").Relation;
        }
        var (wrapped, number) = rows.Wrapped("", $"ROW_NUMBER() OVER ({PartitionBy(rows, within)}ORDER BY {order})");
        return wrapped.Where(slice.Top is { } top ? $"{number} <= {top}" : $"{number} > {slice.Skip}");
    }

    private Relation Best(Relation rows, BestStep best, IReadOnlyList<string> within)
    {
        var sql = new ExpressionSql(query, rows, Option);
        var term = sql.SortKey(best.Value);
        if (best.By != BestBy.Count)
        {
            if (!term.IsNumber)
                throw ODataError.BadRequest(
                    "NotAggregatable",
                    $"$apply: what is added up at position {ExpressionReader.Position(best.At)} is not a number.",
                    Option
                );
            CheckContext(rows, sql.Used, within);
        }
        var ordered = term.Type == SqlType.Text ? query.Dialect.Ordered(term.Sql!) : term.Sql!;
        var order = string.Join(", ", rows.Total([new SortKey(term, ordered, best.Largest)]).Select(key => key.Sql));
        var partition = PartitionBy(rows, within);
        if (best.By == BestBy.Count)
        {
            var (counted, number) = rows.Wrapped("", $"ROW_NUMBER() OVER ({partition}ORDER BY {order})");
            return counted.Where($"{number} <= {(long)best.Amount}");
        }
        // The fewest rows whose values reach the amount: each row is kept whose predecessors do not reach it yet. Null adds nothing.
        rows.Where($"{term.Sql} IS NOT NULL");
        var value = query.Dialect.AsDouble(term.Sql!);
        var before = $"COALESCE(SUM({value}) OVER ({partition}ORDER BY {order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)";
        var amount = query.Parameters.Add(best.Amount);
        var goal =
            best.By == BestBy.Sum
                ? query.Dialect.AsDouble(amount)
                : $"({query.Dialect.AsDouble(amount)} / 100 * SUM({value}) OVER ({(partition.Length == 0 ? "" : partition.TrimEnd())}))";
        var (summed, kept) = rows.Wrapped("", $"(CASE WHEN {before} < {goal} THEN 1 ELSE 0 END)");
        return summed.Where($"{kept} = 1");
    }
}
